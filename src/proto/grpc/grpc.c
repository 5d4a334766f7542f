/* gRPC: what its calls say. They are streams of HTTP/2, which the decoder in http2/ reads; what a body's messages look like is in
 * ../grpc_wire.c. */
#include "proto/http2_message.h"
#include "util/timefmt.h"

#define REQUEST(member) .side = SIDE_REQUEST, FIELD_AT(struct http2_request, member)
#define RESPONSE(member) .side = SIDE_RESPONSE, FIELD_AT(struct http2_response, member)

static bool write_status(struct buf *out, const struct message *m)
{
	const struct http2_response *a = (const struct http2_response *)(const void *)m;
	if (a->has_status)
		buf_add_i64(out, a->grpc_status);
	return a->has_status;
}

static const struct field grpc_fields[] = {
	{ .json = "StreamID", .type = FIELD_U32, REQUEST(h.stream), .meaning = "stream of the connection" },
	{ .json = "Host", .name = "address", .type = FIELD_HOST, .side = SIDE_REQUEST, .meaning = "address of the client" },
	FIELD_ROW_PORT(SIDE_REQUEST),
	FIELD_ROW_PROTO(SIDE_REQUEST, "gRPC"),
	{ .json = "Service", .name = "call", .type = FIELD_STR, REQUEST(service), .flags = FIELD_USUAL_LABEL, .selector = "request.service", .label = "service",
	  .meaning = "service and method, pkg.Svc.Method; ? when it is not known" },
	{ .json = "Scheme", .type = FIELD_STR, REQUEST(scheme), .meaning = ":scheme" },
	{ .json = "Target", .type = FIELD_STR, REQUEST(authority), .meaning = ":authority" },
	{ .json = "Metadata", .type = FIELD_PAIRS, REQUEST(h.headers), .otel = "rpc.grpc.request.metadata",
	  .meaning = "header fields without pseudo-headers; credentials and cookie values are masked" },
	{ .json = "Size", .type = FIELD_U64, REQUEST(h.m.size), .otel = "rpc.request.size", .meaning = "bytes of DATA without padding: all messages with their prefixes" },
	FIELD_ROW_TIME(SIDE_REQUEST),
	{ .json = "Path", .type = FIELD_STR, REQUEST(target), .flags = FIELD_OMIT_EMPTY, .meaning = ":path as sent, /pkg.Svc/Method" },
	{ .json = "Method", .type = FIELD_STR, REQUEST(rpc_method), .flags = FIELD_OMIT_EMPTY, .selector = "request.method", .label = "method",
	  .otel = "rpc.method", .meaning = "last part of the path" },
	{ .json = "Messages", .type = FIELD_U32, REQUEST(h.rpc.messages), .flags = FIELD_OMIT_EMPTY, .meaning = "messages sent" },
	{ .json = "Timeout", .type = FIELD_DURATION, REQUEST(timeout_ns), .flags = FIELD_OMIT_EMPTY, .meaning = "grpc-timeout" },
	{ .json = "Trailer", .type = FIELD_PAIRS, REQUEST(h.trailers), .flags = FIELD_OMIT_EMPTY, .meaning = "trailer fields" },
	{ .name = "service", .type = FIELD_STR, REQUEST(service_name), .otel = "rpc.service", .meaning = "path without the method, pkg.Svc" },
	{ .name = "rpc", .type = FIELD_TEXT, REQUEST(system), .flags = FIELD_OMIT_EMPTY, .meaning = "grpc, or grpc-web" },
	{ .name = "rpc_system", .type = FIELD_CONST, .side = SIDE_REQUEST, .constant = "grpc", .otel = "rpc.system", .meaning = "always grpc" },
	{ .name = "encoding", .type = FIELD_STR, REQUEST(h.encoding), .flags = FIELD_OMIT_EMPTY, .meaning = "grpc-encoding" },
	{ .name = "message_bytes", .type = FIELD_U64, REQUEST(h.rpc.bytes), .meaning = "bytes of the messages, as sent, without their prefixes" },
	{ .name = "compressed", .type = FIELD_U32, REQUEST(h.rpc.compressed), .flags = FIELD_OMIT_EMPTY, .meaning = "messages that were compressed" },
	{ .name = "user_agent", .type = FIELD_STR, REQUEST(user_agent), .flags = FIELD_OMIT_EMPTY, .otel = "user_agent.original", .meaning = "user-agent" },
	{ .name = "wire_size", .type = FIELD_U64, REQUEST(h.wire), .meaning = "bytes of all frames, their headers and padding included" },
	{ .name = "network_protocol", .type = FIELD_CONST, .side = SIDE_REQUEST, .constant = "http", .otel = "network.protocol.name", .meaning = "always http" },
	{ .name = "version", .type = FIELD_CONST, .side = SIDE_REQUEST, .constant = "2", .otel = "network.protocol.version", .meaning = "version of HTTP, always 2" },
	{ .name = "network_transport", .type = FIELD_CONST, .side = SIDE_REQUEST, .constant = "tcp", .otel = "network.transport", .meaning = "always tcp" },

	{ .json = "StreamID", .type = FIELD_U32, RESPONSE(h.stream), .meaning = "stream of the connection" },
	{ .json = "Host", .name = "address", .type = FIELD_HOST, .side = SIDE_RESPONSE, .meaning = "address of the server" },
	FIELD_ROW_PORT(SIDE_RESPONSE),
	FIELD_ROW_PROTO(SIDE_RESPONSE, "gRPC"),
	{ .json = "Status", .name = "http_status", .type = FIELD_STR, RESPONSE(status), .selector = "response.status_code", .label = "status_code",
	  .meaning = ":status, that of HTTP; ? when it is not known" },
	{ .json = "Metadata", .type = FIELD_PAIRS, RESPONSE(h.headers), .otel = "rpc.grpc.response.metadata",
	  .meaning = "header fields without pseudo-headers; cookie values are masked" },
	{ .json = "Size", .type = FIELD_U64, RESPONSE(h.m.size), .otel = "rpc.response.size", .meaning = "bytes of DATA without padding: all messages with their prefixes" },
	FIELD_ROW_TIME(SIDE_RESPONSE),
	{ .json = "GrpcStatus", .type = FIELD_CUSTOM, .side = SIDE_RESPONSE, .write = write_status, .flags = FIELD_OMIT_EMPTY,
	  .meaning = "grpc-status; when it is missing, what the HTTP status or the error code of a reset stands for" },
	{ .json = "GrpcStatusName", .type = FIELD_TEXT, RESPONSE(grpc_name), .flags = FIELD_OMIT_EMPTY | FIELD_USUAL_LABEL, .selector = "response.grpc_status",
	  .label = "grpc_status", .meaning = "its name, such as UNAVAILABLE" },
	{ .json = "GrpcMessage", .type = FIELD_STR, RESPONSE(grpc_message), .flags = FIELD_OMIT_EMPTY, .meaning = "grpc-message, percent-decoded" },
	{ .json = "Messages", .type = FIELD_U32, RESPONSE(h.rpc.messages), .flags = FIELD_OMIT_EMPTY, .meaning = "messages received" },
	{ .json = "Trailer", .type = FIELD_PAIRS, RESPONSE(h.trailers), .flags = FIELD_OMIT_EMPTY, .meaning = "trailer fields" },
	{ .json = "ResetCode", .type = FIELD_TEXT, RESPONSE(reset), .flags = FIELD_OMIT_EMPTY,
	  .meaning = "error code of the RST_STREAM or GOAWAY that ended the call" },
	{ .name = "status_code", .type = FIELD_I32, RESPONSE(grpc_status), .otel = "rpc.grpc.status_code", .meaning = "grpc-status, 0 when it is not known" },
	{ .name = "encoding", .type = FIELD_STR, RESPONSE(h.encoding), .flags = FIELD_OMIT_EMPTY, .meaning = "grpc-encoding" },
	{ .name = "message_bytes", .type = FIELD_U64, RESPONSE(h.rpc.bytes), .meaning = "bytes of the messages, as sent, without their prefixes" },
	{ .name = "compressed", .type = FIELD_U32, RESPONSE(h.rpc.compressed), .flags = FIELD_OMIT_EMPTY, .meaning = "messages that were compressed" },
	{ .name = "late", .type = FIELD_BOOL, RESPONSE(late), .flags = FIELD_OMIT_EMPTY, .meaning = "the call took longer than its grpc-timeout" },
	{ .name = "wire_size", .type = FIELD_U64, RESPONSE(h.wire), .meaning = "bytes of all frames, their headers and padding included" },
};

/* Text for a terminal: what could move its cursor becomes a dot. */
static void add_visible(struct buf *out, struct str s)
{
	for (u32 i = 0; i < s.n; i++) {
		u8 c = (u8)s.p[i];
		buf_addc(out, c < ' ' || c == 0x7f ? '.' : (char)c);
	}
}

static void add_messages(struct buf *out, const struct http2_message *h)
{
	if (h->rpc.messages > 1)
		buf_addf(out, " %u messages", h->rpc.messages);
}

static void describe_response(const struct http2_response *a, struct buf *out)
{
	if (a->grpc_name)
		buf_adds(out, a->grpc_name);
	else if (a->has_status)
		buf_add_i64(out, a->grpc_status);
	else
		add_visible(out, a->status);
	add_messages(out, &a->h);
	if (a->h.m.size) {
		buf_addc(out, ' ');
		bytes_short(out, a->h.m.size);
		buf_addc(out, 'B');
	}
	if (a->grpc_message.n) {
		buf_addc(out, ' ');
		add_visible(out, a->grpc_message);
	} else if (a->reset) {
		buf_addf(out, " %s", a->reset);
	}
}

static void grpc_describe(const struct message *m, struct buf *out)
{
	if (m->side == SIDE_RESPONSE) {
		describe_response((const struct http2_response *)(const void *)m, out);
		return;
	}
	const struct http2_request *q = (const struct http2_request *)(const void *)m;
	add_visible(out, q->target);
	add_messages(out, &q->h);
}

static const u16 grpc_ports[] = { 50051, 0 };

const struct proto proto_grpc = {
	.name = "grpc",
	.title = "gRPC",
	.ports = grpc_ports,
	.transports = OVER_TCP,
	.pairing = PAIR_KEYED,
	.carrier = &proto_http2,
	.survives = true,
	.index = PROTO_grpc,
	.weight = 2,
	.state_size = HTTP2_STATE_SIZE,
	.request_size = sizeof(struct http2_request),
	.response_size = sizeof(struct http2_response),
	.fields = grpc_fields,
	.fields_len = ARRAY_LEN(grpc_fields),
	.probe = http2_probe,
	.start = http2_start,
	.parse = http2_parse,
	.gap = http2_gap,
	.resync = http2_resync,
	.fin = http2_fin,
	.done = http2_done,
	.describe = grpc_describe,
};
