/* What HTTP/2 messages say: the field table, and the one-line views. */
#include "proto/http2/http2.h"
#include "util/timefmt.h"

#define REQUEST(member) .side = SIDE_REQUEST, FIELD_AT(struct http2_request, member)
#define RESPONSE(member) .side = SIDE_RESPONSE, FIELD_AT(struct http2_response, member)

const struct field http2_fields[] = {
	{ .json = "StreamID", .type = FIELD_U32, REQUEST(h.stream), .meaning = "stream of the connection" },
	{ .json = "Host", .name = "address", .type = FIELD_HOST, .side = SIDE_REQUEST, .meaning = "address of the client" },
	FIELD_ROW_PORT(SIDE_REQUEST),
	FIELD_ROW_PROTO(SIDE_REQUEST, "HTTP/2"),
	{ .json = "Path", .name = "url", .type = FIELD_STR, REQUEST(target), .otel = "url.full", .meaning = ":path as sent, with its query; ? when it is not known" },
	{ .json = "Method", .type = FIELD_STR, REQUEST(method), .flags = FIELD_USUAL_LABEL, .selector = "request.method", .label = "method",
	  .meaning = ":method as sent; ? when it is not known" },
	{ .json = "Scheme", .type = FIELD_STR, REQUEST(scheme), .otel = "url.scheme", .meaning = ":scheme" },
	{ .json = "Authority", .name = "host", .type = FIELD_STR, REQUEST(authority), .meaning = ":authority, or the Host header" },
	{ .json = "Header", .type = FIELD_PAIRS, REQUEST(h.headers), .otel = "http.request.header",
	  .meaning = "header fields without pseudo-headers; credentials and cookie values are masked" },
	{ .json = "Size", .type = FIELD_U64, REQUEST(h.m.size), .otel = "http.request.size", .meaning = "bytes of DATA without padding" },
	FIELD_ROW_TIME(SIDE_REQUEST),
	{ .json = "Query", .type = FIELD_STR, REQUEST(query), .flags = FIELD_OMIT_EMPTY, .otel = "url.query", .meaning = "query of :path, as sent" },
	{ .json = "Trailer", .name = "trailer", .type = FIELD_PAIRS, REQUEST(h.trailers), .flags = FIELD_OMIT_EMPTY, .meaning = "trailer fields" },
	{ .json = "Protocol", .type = FIELD_STR, REQUEST(protocol), .flags = FIELD_OMIT_EMPTY, .meaning = ":protocol of an extended CONNECT, such as websocket" },
	{ .json = "Pushed", .type = FIELD_BOOL, REQUEST(pushed), .flags = FIELD_OMIT_EMPTY, .meaning = "the server promised this request by itself" },
	{ .name = "path", .type = FIELD_STR, REQUEST(path), .selector = "request.path", .label = "path", .otel = "url.path",
	  .meaning = "path of the target, percent-decoded, without query" },
	{ .name = "route", .type = FIELD_STR, REQUEST(route), .flags = FIELD_OMIT_EMPTY | FIELD_USUAL_LABEL, .selector = "request.route", .label = "route",
	  .otel = "http.route", .meaning = "path with numbers and identifiers as {id}" },
	{ .name = "method_known", .type = FIELD_TEXT, REQUEST(method_known), .otel = "http.request.method", .meaning = "method, _OTHER when it is not a common one" },
	{ .name = "content_type", .type = FIELD_STR, REQUEST(h.content_type), .flags = FIELD_OMIT_EMPTY, .meaning = "content-type" },
	{ .name = "user_agent", .type = FIELD_STR, REQUEST(user_agent), .flags = FIELD_OMIT_EMPTY, .otel = "user_agent.original", .meaning = "user-agent" },
	{ .name = "rpc", .type = FIELD_TEXT, REQUEST(system), .flags = FIELD_OMIT_EMPTY, .otel = "rpc.system", .meaning = "connect, for calls of that protocol" },
	{ .name = "body_size", .type = FIELD_U64, REQUEST(h.m.size), .otel = "http.request.body.size", .meaning = "same as size" },
	{ .name = "wire_size", .type = FIELD_U64, REQUEST(h.wire), .meaning = "bytes of all frames, their headers and padding included" },
	{ .name = "version", .type = FIELD_CONST, .side = SIDE_REQUEST, .constant = "2", .otel = "network.protocol.version", .meaning = "protocol version, always 2" },
	{ .name = "network_protocol", .type = FIELD_CONST, .side = SIDE_REQUEST, .constant = "http", .otel = "network.protocol.name", .meaning = "always http" },
	{ .name = "network_transport", .type = FIELD_CONST, .side = SIDE_REQUEST, .constant = "tcp", .otel = "network.transport", .meaning = "always tcp" },

	{ .json = "StreamID", .type = FIELD_U32, RESPONSE(h.stream), .meaning = "stream of the connection" },
	{ .json = "Host", .name = "address", .type = FIELD_HOST, .side = SIDE_RESPONSE, .meaning = "address of the server" },
	FIELD_ROW_PORT(SIDE_RESPONSE),
	FIELD_ROW_PROTO(SIDE_RESPONSE, "HTTP/2"),
	{ .json = "Status", .name = "status_text", .type = FIELD_STR, RESPONSE(status), .meaning = ":status; ? when it is not known" },
	{ .json = "Header", .type = FIELD_PAIRS, RESPONSE(h.headers), .otel = "http.response.header",
	  .meaning = "header fields without pseudo-headers; cookie values are masked" },
	{ .json = "Size", .type = FIELD_U64, RESPONSE(h.m.size), .otel = "http.response.size", .meaning = "bytes of DATA without padding" },
	FIELD_ROW_TIME(SIDE_RESPONSE),
	{ .json = "StatusCode", .name = "status", .type = FIELD_U16, RESPONSE(code), .flags = FIELD_OMIT_EMPTY | FIELD_USUAL_LABEL,
	  .selector = "response.status_code", .label = "status_code", .otel = "http.response.status_code", .meaning = "status code" },
	{ .json = "ResetCode", .type = FIELD_TEXT, RESPONSE(reset), .flags = FIELD_OMIT_EMPTY,
	  .meaning = "error code of the RST_STREAM or GOAWAY that ended the exchange" },
	{ .json = "Trailer", .name = "trailer", .type = FIELD_PAIRS, RESPONSE(h.trailers), .flags = FIELD_OMIT_EMPTY, .meaning = "trailer fields" },
	{ .name = "content_type", .type = FIELD_STR, RESPONSE(h.content_type), .flags = FIELD_OMIT_EMPTY, .meaning = "content-type" },
	{ .name = "body_size", .type = FIELD_U64, RESPONSE(h.m.size), .otel = "http.response.body.size", .meaning = "same as size" },
	{ .name = "wire_size", .type = FIELD_U64, RESPONSE(h.wire), .meaning = "bytes of all frames, their headers and padding included" },
};

_Static_assert(ARRAY_LEN(http2_fields) == HTTP2_FIELDS, "HTTP2_FIELDS is the number of rows");

/* Text for a terminal: what could move its cursor becomes a dot. */
static void add_visible(struct buf *out, struct str s)
{
	for (u32 i = 0; i < s.n; i++) {
		u8 c = (u8)s.p[i];
		buf_addc(out, c < ' ' || c == 0x7f ? '.' : (char)c);
	}
}

static void describe_request(const struct http2_request *q, struct buf *out)
{
	add_visible(out, q->method);
	if (q->protocol.n) {
		buf_addc(out, ' ');
		add_visible(out, q->protocol);
	}
	buf_addc(out, ' ');
	if (!q->target.n || q->target.p[0] == '/')
		add_visible(out, q->authority);
	add_visible(out, q->target);
}

static void describe_response(const struct http2_response *a, struct buf *out)
{
	add_visible(out, a->status);
	if (a->h.m.size) {
		buf_addc(out, ' ');
		bytes_short(out, a->h.m.size);
		buf_addc(out, 'B');
	}
	if (a->reset) {
		if (a->status.n)
			buf_addc(out, ' ');
		buf_adds(out, a->reset);
	}
}

void http2_describe(const struct message *m, struct buf *out)
{
	if (m->side == SIDE_REQUEST)
		describe_request((const struct http2_request *)(const void *)m, out);
	else
		describe_response((const struct http2_response *)(const void *)m, out);
}
