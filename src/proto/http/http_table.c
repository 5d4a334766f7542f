/* What HTTP messages say: the field table, and the one-line views. */
#include "proto/http/http.h"
#include "util/json.h"
#include "util/timefmt.h"

static bool write_response_body(struct buf *out, const struct message *m)
{
	const struct http_message *h = (const struct http_message *)(const void *)m;
	if (!body_json(&h->body, out))
		buf_adds(out, "null");
	return true;
}

static bool write_request_body(struct buf *out, const struct message *m)
{
	const struct http_message *h = (const struct http_message *)(const void *)m;
	return body_json(&h->body, out);
}

#define REQUEST(member) .side = SIDE_REQUEST, FIELD_AT(struct http_request, member)
#define RESPONSE(member) .side = SIDE_RESPONSE, FIELD_AT(struct http_response, member)

const struct field http_fields[] = {
	{ .json = "Host", .name = "address", .type = FIELD_HOST, .side = SIDE_REQUEST, .meaning = "address of the client" },
	FIELD_ROW_PORT(SIDE_REQUEST),
	{ .json = "Method", .name = "method", .type = FIELD_STR, REQUEST(method), .flags = FIELD_USUAL_LABEL, .selector = "request.method", .label = "method",
	  .meaning = "method as sent" },
	{ .json = "Header", .name = "header", .type = FIELD_PAIRS, REQUEST(h.headers), .otel = "http.request.header",
	  .meaning = "header fields, without Host and Transfer-Encoding; credentials and cookie values are masked" },
	{ .json = "Proto", .name = "proto", .type = FIELD_STR, REQUEST(h.version), .meaning = "protocol version, HTTP/1.1" },
	{ .json = "Path", .name = "path", .type = FIELD_STR, REQUEST(path), .selector = "request.path", .label = "path",
	  .otel = "url.path", .meaning = "path of the target, percent-decoded; empty for CONNECT and *" },
	{ .json = "URL", .name = "url", .type = FIELD_STR, REQUEST(url), .otel = "url.full",
	  .meaning = "request target as sent; credentials in it are masked" },
	{ .json = "Scheme", .name = "scheme", .type = FIELD_STR, REQUEST(scheme), .otel = "url.scheme",
	  .meaning = "scheme of an absolute target, else empty" },
	{ .json = "RemoteHost", .name = "host", .type = FIELD_STR, REQUEST(host), .selector = "request.remote_host",
	  .label = "remote_host", .otel = "client.remote.host", .meaning = "authority of an absolute target, or the Host header" },
	{ .json = "Close", .name = "close", .type = FIELD_BOOL, REQUEST(h.close), .meaning = "the connection ends after this message" },
	{ .json = "Size", .name = "size", .type = FIELD_U64, REQUEST(h.m.size), .otel = "http.request.size",
	  .meaning = "bytes of the body, without transfer coding" },
	{ .json = "Chunked", .name = "chunked", .type = FIELD_BOOL, REQUEST(h.chunked), .meaning = "chunked transfer coding" },
	FIELD_ROW_TIME(SIDE_REQUEST),
	{ .json = "Query", .name = "query", .type = FIELD_STR, REQUEST(query), .flags = FIELD_OMIT_EMPTY, .otel = "url.query",
	  .meaning = "query of the target, as sent" },
	{ .json = "ContentType", .name = "content_type", .type = FIELD_STR, REQUEST(h.content_type), .flags = FIELD_OMIT_EMPTY,
	  .meaning = "Content-Type" },
	{ .json = "Trailer", .name = "trailer", .type = FIELD_PAIRS, REQUEST(h.trailers), .flags = FIELD_OMIT_EMPTY,
	  .meaning = "trailer fields after a chunked body" },
	{ .json = "Body", .name = "body", .type = FIELD_CUSTOM, .side = SIDE_REQUEST, .write = write_request_body,
	  .flags = FIELD_OMIT_EMPTY | FIELD_SENSITIVE, .meaning = "beginning of a JSON or text body, decompressed; when wanted" },
	{ .name = "route", .type = FIELD_STR, REQUEST(route), .flags = FIELD_OMIT_EMPTY | FIELD_USUAL_LABEL, .selector = "request.route", .label = "route",
	  .otel = "http.route", .meaning = "path with numbers and identifiers as {id}" },
	{ .name = "method_known", .type = FIELD_TEXT, REQUEST(method_known), .otel = "http.request.method",
	  .meaning = "method, _OTHER when it is not a common one" },
	{ .name = "method_original", .type = FIELD_STR, REQUEST(method_original), .flags = FIELD_OMIT_EMPTY,
	  .otel = "http.request.method_original", .meaning = "method as sent, when it is not a common one" },
	{ .name = "user_agent", .type = FIELD_STR, REQUEST(user_agent), .flags = FIELD_OMIT_EMPTY, .otel = "user_agent.original",
	  .meaning = "User-Agent" },
	{ .name = "rpc", .type = FIELD_TEXT, REQUEST(rpc), .flags = FIELD_OMIT_EMPTY, .otel = "rpc.system",
	  .meaning = "grpc-web or connect, for calls of those protocols" },
	{ .name = "body_size", .type = FIELD_U64, REQUEST(h.m.size), .otel = "http.request.body.size", .meaning = "same as size" },
	{ .name = "version", .type = FIELD_STR, REQUEST(h.version_number), .otel = "network.protocol.version",
	  .meaning = "protocol version, 1.1" },
	{ .name = "network_protocol", .type = FIELD_CONST, .side = SIDE_REQUEST, .constant = "http", .otel = "network.protocol.name",
	  .meaning = "always http" },
	{ .name = "network_transport", .type = FIELD_CONST, .side = SIDE_REQUEST, .constant = "tcp", .otel = "network.transport",
	  .meaning = "always tcp" },

	{ .json = "Host", .name = "address", .type = FIELD_HOST, .side = SIDE_RESPONSE, .meaning = "address of the server" },
	FIELD_ROW_PORT(SIDE_RESPONSE),
	{ .json = "Header", .name = "header", .type = FIELD_PAIRS, RESPONSE(h.headers), .otel = "http.response.header",
	  .meaning = "header fields, without Transfer-Encoding; cookie values are masked" },
	{ .json = "Status", .name = "status_text", .type = FIELD_STR, RESPONSE(status), .meaning = "status code and reason phrase" },
	{ .json = "StatusCode", .name = "status", .type = FIELD_U16, RESPONSE(code), .flags = FIELD_USUAL_LABEL, .selector = "response.status_code",
	  .label = "status_code", .otel = "http.response.status_code", .meaning = "status code" },
	{ .json = "Body", .name = "body", .type = FIELD_CUSTOM, .side = SIDE_RESPONSE, .write = write_response_body,
	  .flags = FIELD_SENSITIVE, .meaning = "beginning of a JSON or text body, decompressed; null unless wanted" },
	{ .json = "Proto", .name = "proto", .type = FIELD_STR, RESPONSE(h.version), .meaning = "protocol version, HTTP/1.1" },
	{ .json = "Close", .name = "close", .type = FIELD_BOOL, RESPONSE(h.close), .meaning = "the connection ends after this message" },
	{ .json = "Size", .name = "size", .type = FIELD_U64, RESPONSE(h.m.size), .otel = "http.response.size",
	  .meaning = "bytes of the body, without transfer coding" },
	{ .json = "Chunked", .name = "chunked", .type = FIELD_BOOL, RESPONSE(h.chunked), .meaning = "chunked transfer coding" },
	FIELD_ROW_TIME(SIDE_RESPONSE),
	{ .json = "ContentType", .name = "content_type", .type = FIELD_STR, RESPONSE(h.content_type), .flags = FIELD_OMIT_EMPTY,
	  .meaning = "Content-Type" },
	{ .json = "Trailer", .name = "trailer", .type = FIELD_PAIRS, RESPONSE(h.trailers), .flags = FIELD_OMIT_EMPTY,
	  .meaning = "trailer fields after a chunked body" },
	{ .name = "body_size", .type = FIELD_U64, RESPONSE(h.m.size), .otel = "http.response.body.size", .meaning = "same as size" },
};

_Static_assert(ARRAY_LEN(http_fields) == HTTP_FIELDS, "HTTP_FIELDS is the number of rows");

/* Text for a terminal: what could move its cursor becomes a dot. */
static void add_visible(struct buf *out, struct str s)
{
	for (u32 i = 0; i < s.n; i++) {
		u8 c = (u8)s.p[i];
		buf_addc(out, c < ' ' || c == 0x7f ? '.' : (char)c);
	}
}

static void describe_request(const struct http_request *q, struct buf *out)
{
	bool origin = q->url.n && q->url.p[0] == '/';
	add_visible(out, q->method);
	buf_addc(out, ' ');
	if (origin)
		add_visible(out, q->host);
	add_visible(out, q->url);
}

static void describe_response(const struct http_response *a, struct buf *out)
{
	add_visible(out, a->status);
	if (!a->h.m.size)
		return;
	buf_addc(out, ' ');
	bytes_short(out, a->h.m.size);
	buf_addc(out, 'B');
}

void http_describe(const struct message *m, struct buf *out)
{
	if (m->side == SIDE_REQUEST)
		describe_request((const struct http_request *)(const void *)m, out);
	else
		describe_response((const struct http_response *)(const void *)m, out);
}
