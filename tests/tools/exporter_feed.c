/* What exporter_drive feeds: exchanges, projections. SPDX-License-Identifier: Apache-2.0 */
#include "exporter_drive.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/net.h"
#include "roundtrip/value.h"

static struct pair pair(const char *name, const char *value)
{
	return (struct pair){ str_from(name), str_from(value) };
}

struct exchange *exchange_new(void)
{
	struct exchange *x = calloc(1, sizeof(*x));
	if (!x)
		abort();
	struct http_request *q = &x->q;
	struct http_response *a = &x->a;
	ip_parse(STR("10.1.0.7"), &x->conn.addr[0]);
	ip_parse(STR("10.1.0.21"), &x->conn.addr[1]);
	x->conn.port[1] = 8080;
	x->conn.protocol = IPPROTO_TCP_;
	x->rt = (struct roundtrip){ .proto = &proto_http, .conn = &x->conn, .request = &q->h.m, .response = &a->h.m };
	q->h.m.proto = a->h.m.proto = &proto_http;
	a->h.m.side = SIDE_RESPONSE;
	a->h.m.dir = DIR_B;
	q->method = STR("GET");
	q->method_known = "GET";
	q->h.version = a->h.version = STR("HTTP/1.1");
	q->h.version_number = a->h.version_number = STR("1.1");
	q->host = STR("shop.example");
	q->query = STR("page=2");
	q->user_agent = STR("curl/7.88.1");
	const struct pair request[] = {
		pair("Accept", "*/*"), pair("Accept-Encoding", "gzip, deflate, br"), pair("User-Agent", "curl/7.88.1"), pair("Authorization", "Bearer hush"),
		pair("X-Request-Id", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"), pair("Accept-Language", "en-GB,en;q=0.9"),
	};
	const struct pair response[] = {
		pair("Content-Type", "application/json"), pair("Content-Length", "11"), pair("Date", "Sat, 01 Mar 2025 09:00:03 GMT"), pair("Server", "nginx/1.22.1"),
		pair("Cache-Control", "no-cache, no-store"), pair("Vary", "Accept"),
	};
	memcpy(x->headers[0], request, sizeof(request));
	memcpy(x->headers[1], response, sizeof(response));
	q->h.headers = (struct pairs){ x->headers[0], ARRAY_LEN(request) };
	a->h.headers = (struct pairs){ x->headers[1], ARRAY_LEN(response) };
	a->h.content_type = STR("application/json");
	a->status = STR("200 OK");
	a->code = 200;
	return x;
}

void exchange_free(struct exchange *x)
{
	free(x);
}

void exchange_vary(struct exchange *x, u32 worker, u64 i, u64 now)
{
	x->conn.id = 1 + worker + 64 * (i / 100);
	x->conn.port[0] = (u16)(32768 + i / 100 % 20000);
	x->conn.opened_ts = now - now % (100 * NS_PER_MS);
	x->q.h.m.start = i * 200;
	x->q.h.m.time = x->q.h.m.ts_last = now;
	x->q.url = str_make(x->url, (size_t)snprintf(x->url, sizeof(x->url), "/items/%u?page=2", (unsigned)(i % 1000)));
	x->q.path = str_make(x->url, x->q.url.n - 7);
	x->q.route = STR("/items/{id}");
	x->a.h.m.size = i;
	x->a.h.m.time = x->a.h.m.ts_first = now + 1500000;
	x->rt.duration = 1500000;
	x->rt.first_byte = 1400000;
	x->rt.rtt = 310000;
	bool failed = i % 10 == 9;
	x->a.code = failed ? 503 : 200;
	x->a.status = failed ? STR("503 Service Unavailable") : STR("200 OK");
	x->rt.error = failed ? STR("503") : (struct str){ 0 };
}

static void redact_one(struct projection *p, const char *name, const char *action)
{
	char row[FIELD_NAME_MAX], whole[FIELD_NAME_MAX + 64];
	for (u32 k = 0; proto_all[k]; k++) {
		const struct proto *proto = proto_all[k];
		struct field_edits *e = &p->edits[proto->index];
		if (!e->actions) {
			e->actions = calloc(proto->fields_len, 1);
			e->renamed = calloc(proto->fields_len, sizeof(char *));
		}
		for (size_t i = 0; i < proto->fields_len; i++) {
			field_name(&proto->fields[i], row);
			snprintf(whole, sizeof(whole), "%s.%s.%s", proto->name, proto->fields[i].side == SIDE_REQUEST ? "request" : "response", row);
			if (strcmp(whole, name) != 0)
				continue;
			u8 a = strcmp(action, "drop") == 0 ? FIELD_DROP : strcmp(action, "mask") == 0 ? FIELD_MASK : strcmp(action, "hash") == 0 ? FIELD_HASH : FIELD_KEEP;
			((u8 *)(uintptr_t)e->actions)[i] = a;
			if (a == FIELD_KEEP)
				((const char **)(uintptr_t)e->renamed)[i] = strdup(action);
		}
	}
}

struct projection *projection_redact(const char *text)
{
	static struct projection p = { .hash_key = { 1, 2 } };
	static const struct added_attribute added[] = { { "team", "shop" } };
	char *copy = strdup(text), *save = NULL;
	for (char *item = strtok_r(copy, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		char *action = strchr(item, ':');
		if (!action)
			abort();
		*action = '\0';
		if (strcmp(item, "keep_statements") == 0)
			p.keep_statements = true;
		else
			redact_one(&p, item, action + 1);
	}
	p.added = added;
	p.added_len = ARRAY_LEN(added);
	free(copy);
	return &p;
}
