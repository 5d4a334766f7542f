/* Toy protocols with field tables in all their forms, and the RoundTrips of the specification's examples.
 * For tests of what turns RoundTrips into text. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_TESTS_TOY_H
#define PACKETD_TESTS_TOY_H

#include "unit.h"

#include "net/net.h"
#include "roundtrip/roundtrip.h"
#include "util/json.h"

struct toy_http {
	struct message m;
	struct str method, path, url, scheme, remote_host, status, proto, body;
	struct pairs header;
	struct strs tags;
	bool close, chunked;
	u16 status_code;
	u64 wait;
};

static inline bool toy_body(struct buf *out, const struct message *m)
{
	const struct toy_http *h = (const struct toy_http *)m;
	if (!h->body.n)
		buf_adds(out, "null");
	else if (!json_compact(out, h->body.p, h->body.n))
		json_str(out, h->body);
	return true;
}

static inline bool toy_never(struct buf *out, const struct message *m)
{
	return false;
}

#define TOY(member) .offset = offsetof(struct toy_http, member)
static const struct field toy_http_fields[] = {
	FIELD_ROW_HOST(SIDE_REQUEST),
	FIELD_ROW_PORT(SIDE_REQUEST),
	{ .json = "Method", .type = FIELD_STR, TOY(method), .selector = "request.method", .label = "method", .otel = "http.request.method", .meaning = "token of the request line" },
	{ .json = "Header", .type = FIELD_PAIRS, TOY(header), .flags = FIELD_SENSITIVE, .meaning = "header fields" },
	{ .json = "Proto", .name = "version", .type = FIELD_STR, TOY(proto), .meaning = "protocol version" },
	{ .json = "Path", .type = FIELD_STR, TOY(path), .meaning = "decoded path" },
	{ .json = "URL", .type = FIELD_STR, TOY(url), .meaning = "target as sent" },
	{ .json = "Scheme", .type = FIELD_STR, TOY(scheme), .meaning = "of an absolute target" },
	{ .json = "RemoteHost", .type = FIELD_STR, TOY(remote_host), .meaning = "Host header" },
	{ .json = "Close", .type = FIELD_BOOL, TOY(close), .meaning = "the connection ends after it" },
	FIELD_ROW_SIZE(SIDE_REQUEST, "body bytes"),
	{ .json = "Chunked", .type = FIELD_BOOL, TOY(chunked), .meaning = "chunked transfer coding" },
	FIELD_ROW_TIME(SIDE_REQUEST),
	{ .json = "Tags", .type = FIELD_STRS, TOY(tags), .flags = FIELD_OMIT_EMPTY, .meaning = "a list" },
	{ .json = "Never", .type = FIELD_CUSTOM, .write = toy_never, .meaning = "left out" },
	FIELD_ROW_HOST(SIDE_RESPONSE),
	FIELD_ROW_PORT(SIDE_RESPONSE),
	{ .json = "Header", .type = FIELD_PAIRS, .side = SIDE_RESPONSE, TOY(header), .meaning = "header fields" },
	{ .json = "Status", .name = "status_text", .type = FIELD_STR, .side = SIDE_RESPONSE, TOY(status), .meaning = "status line" },
	{ .json = "StatusCode", .name = "status", .type = FIELD_U16, .side = SIDE_RESPONSE, TOY(status_code), .selector = "response.status_code", .label = "status_code", .otel = "http.response.status_code", .meaning = "status code" },
	{ .json = "Body", .type = FIELD_CUSTOM, .side = SIDE_RESPONSE, .write = toy_body, .meaning = "prefix of the body" },
	{ .json = "Proto", .name = "version", .type = FIELD_STR, .side = SIDE_RESPONSE, TOY(proto), .meaning = "protocol version" },
	{ .json = "Close", .type = FIELD_BOOL, .side = SIDE_RESPONSE, TOY(close), .meaning = "the connection ends after it" },
	FIELD_ROW_SIZE(SIDE_RESPONSE, "body bytes"),
	{ .json = "Chunked", .type = FIELD_BOOL, .side = SIDE_RESPONSE, TOY(chunked), .meaning = "chunked transfer coding" },
	FIELD_ROW_TIME(SIDE_RESPONSE),
	{ .json = "Wait", .type = FIELD_DURATION, .side = SIDE_RESPONSE, .flags = FIELD_OMIT_EMPTY, TOY(wait), .meaning = "a duration" },
};
#undef TOY

static inline void toy_http_describe(const struct message *m, struct buf *out)
{
	const struct toy_http *h = (const struct toy_http *)m;
	if (m->side == SIDE_REQUEST) {
		buf_add_str(out, h->method);
		buf_addc(out, ' ');
		buf_add_str(out, h->url);
	} else {
		buf_add_u64(out, h->status_code);
		buf_addc(out, ' ');
		buf_add_u64(out, m->size);
		buf_addc(out, 'B');
	}
}

static const struct proto toy_http_proto = { .name = "http", .title = "HTTP/1", .ports = (const u16[]){ 80, 8080, 0 }, .transports = OVER_TCP, .fields = toy_http_fields,
					     .fields_len = ARRAY_LEN(toy_http_fields), .describe = toy_http_describe };

enum { TOY_OK, TOY_ROWS, TOY_ERROR };

struct toy_sql {
	struct message m;
	const char *command;
	struct str statement, errmsg;
	u64 rows, affected;
	u32 code;
	u8 small;
	i32 minus;
	i64 big_minus;
	double ok;
	u32 number;
};

#define TOY(member) .offset = offsetof(struct toy_sql, member)
static const struct field toy_sql_fields[] = {
	FIELD_ROW_HOST(SIDE_REQUEST),
	FIELD_ROW_PORT(SIDE_REQUEST),
	FIELD_ROW_PROTO(SIDE_REQUEST, "MySQL"),
	{ .json = "Command", .type = FIELD_TEXT, TOY(command), .meaning = "command name" },
	FIELD_ROW_SIZE(SIDE_REQUEST, "protocol bytes"),
	{ .json = "Statement", .type = FIELD_STR, TOY(statement), .flags = FIELD_SENSITIVE, .meaning = "statement text" },
	FIELD_ROW_TIME(SIDE_REQUEST),
	FIELD_ROW_HOST(SIDE_RESPONSE),
	FIELD_ROW_PORT(SIDE_RESPONSE),
	FIELD_ROW_PROTO(SIDE_RESPONSE, "MySQL"),
	FIELD_ROW_SIZE(SIDE_RESPONSE, "protocol bytes"),
	{ .json = "Packet", .type = FIELD_OBJECT, .side = SIDE_RESPONSE, .meaning = "what came back" },
	{ .json = "Packet.AffectedRows", .type = FIELD_U64, .side = SIDE_RESPONSE, .shapes = 1 << TOY_OK, TOY(affected), .meaning = "rows changed" },
	{ .json = "Packet.Rows", .type = FIELD_U64, .side = SIDE_RESPONSE, .shapes = 1 << TOY_ROWS, TOY(rows), .meaning = "rows returned" },
	{ .json = "Packet.Error.Code", .name = "code", .type = FIELD_U32, .side = SIDE_RESPONSE, .shapes = 1 << TOY_ERROR, TOY(code), .meaning = "error code" },
	{ .json = "Packet.Error.Message", .name = "message", .type = FIELD_STR, .side = SIDE_RESPONSE, .shapes = 1 << TOY_ERROR, TOY(errmsg), .meaning = "error text" },
	FIELD_ROW_TIME(SIDE_RESPONSE),
	{ .json = "Small", .type = FIELD_U8, .side = SIDE_RESPONSE, .flags = FIELD_OMIT_EMPTY, TOY(small), .meaning = "a small number" },
	{ .json = "Minus", .type = FIELD_I32, .side = SIDE_RESPONSE, .flags = FIELD_OMIT_EMPTY, TOY(minus), .meaning = "a number below zero" },
	{ .json = "BigMinus", .type = FIELD_I64, .side = SIDE_RESPONSE, .flags = FIELD_OMIT_EMPTY, TOY(big_minus), .meaning = "another" },
	{ .json = "Ok", .type = FIELD_DOUBLE, .side = SIDE_RESPONSE, .flags = FIELD_OMIT_EMPTY, TOY(ok), .meaning = "a fraction" },
	{ .json = "Packet.Late", .type = FIELD_U32, .side = SIDE_RESPONSE, .flags = FIELD_OMIT_EMPTY, TOY(number), .meaning = "in an object that began earlier" },
};
#undef TOY

static const struct proto toy_sql_proto = { .name = "mysql", .title = "MySQL", .ports = (const u16[]){ 3306, 0 }, .transports = OVER_TCP, .fields = toy_sql_fields,
					    .fields_len = ARRAY_LEN(toy_sql_fields) };

static const struct proto *const toy_protos[] = { &toy_http_proto, &toy_sql_proto, NULL };

/* One exchange with everything it points to. */
struct toy {
	struct conn conn;
	struct roundtrip rt;
	struct toy_http http[2];
	struct toy_sql sql[2];
	struct pair pairs[2][8];
	struct str list[2];
};

#define TOY_T0 1740819600000000000ull /* 2025-03-01T09:00:00Z */

static inline void toy_init(struct toy *t, const struct proto *p, const char *client, u16 client_port, const char *server, u16 server_port)
{
	*t = (struct toy){ 0 };
	assert_true(ip_parse(str_from(client), &t->conn.addr[0]));
	assert_true(ip_parse(str_from(server), &t->conn.addr[1]));
	t->conn.port[0] = client_port;
	t->conn.port[1] = server_port;
	t->conn.protocol = IPPROTO_TCP_;
	t->rt.proto = p;
	t->rt.conn = &t->conn;
	bool http = p == &toy_http_proto;
	t->rt.request = http ? &t->http[0].m : &t->sql[0].m;
	t->rt.response = http ? &t->http[1].m : &t->sql[1].m;
	t->http[1].m.side = t->sql[1].m.side = SIDE_RESPONSE;
	t->http[1].m.dir = t->sql[1].m.dir = DIR_B;
}

/* The http example of the specification. */
static inline void toy_http_example(struct toy *t)
{
	toy_init(t, &toy_http_proto, "10.1.0.7", 34418, "10.1.0.21", 80);
	struct toy_http *q = &t->http[0], *a = &t->http[1];
	q->method = STR("GET");
	t->pairs[0][0] = (struct pair){ STR("accept"), STR("*/*") };
	q->header = (struct pairs){ t->pairs[0], 1 };
	q->proto = a->proto = STR("HTTP/1.1");
	q->path = STR("/items");
	q->url = STR("/items?id=3&x=1");
	q->remote_host = STR("shop.local");
	q->m.time = TOY_T0 + 3487563848;
	t->pairs[1][0] = (struct pair){ STR("content-type"), STR("application/json") };
	t->pairs[1][1] = (struct pair){ STR("CONTENT-LENGTH"), STR("11") };
	a->header = (struct pairs){ t->pairs[1], 2 };
	a->status = STR("200 OK");
	a->status_code = 200;
	a->body = STR("{ \"ok\": true }\n");
	a->m.size = 11;
	a->m.time = TOY_T0 + 3535026103;
	t->rt.duration = a->m.time - q->m.time;
}

/* The mysql example. */
static inline void toy_sql_example(struct toy *t)
{
	toy_init(t, &toy_sql_proto, "10.1.0.7", 32872, "10.1.0.32", 3306);
	struct toy_sql *q = &t->sql[0], *a = &t->sql[1];
	q->command = "QUERY";
	q->m.size = 24;
	q->statement = STR("select id from items");
	q->m.time = TOY_T0 + 7 * NS_PER_SEC;
	a->m.size = 412;
	a->m.shape = TOY_ROWS;
	a->rows = 17;
	a->m.time = TOY_T0 + 7012400000;
	t->rt.duration = 12400000;
}

#endif
