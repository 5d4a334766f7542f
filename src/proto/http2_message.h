/* A stream of HTTP/2 as an exchange: what the decoder in http2/ fills in, and what is shown of it as `http2` or as `grpc`.
 * A message and all it points to lives in its arena. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_HTTP2_MESSAGE_H
#define PACKETD_PROTO_HTTP2_MESSAGE_H

#include "proto/grpc_wire.h"
#include "proto/proto.h"

/* What requests and responses have in common. */
struct http2_message {
	struct message m;
	u32 stream;
	struct pairs headers;  /* without pseudo-headers */
	struct pairs trailers;
	struct str content_type;
	struct str encoding;   /* grpc-encoding */
	u64 wire;              /* bytes of all its frames, frame headers and padding included */
	struct grpc_reader rpc;
};

struct http2_request {
	struct http2_message h;
	struct str method, scheme, authority, target; /* pseudo-headers; "?" when it is not known */
	struct str path, query;        /* parts of the target */
	struct str route;              /* path without identifiers */
	struct str protocol;           /* :protocol of an extended CONNECT */
	struct str user_agent;
	const char *method_known;      /* method, or "_OTHER" */
	const char *system;            /* "grpc", "grpc-web", "connect"; NULL for plain HTTP */
	struct str service;            /* "pkg.Svc.Method", as the old program has it */
	struct str service_name, rpc_method; /* "pkg.Svc", "Method" */
	struct str timeout;            /* as sent, "500m" */
	u64 timeout_ns;
	bool pushed;
};

struct http2_response {
	struct http2_message h;
	struct str status; /* "200" */
	u16 code;          /* 0 unknown */
	bool has_status;   /* grpc_status is known */
	i32 grpc_status;
	const char *grpc_name;
	struct str grpc_message;
	const char *reset; /* error code of RST_STREAM or GOAWAY that ended it */
	bool late;         /* it took longer than the request's time-out */
};

/* http2/: the decoder of both. */
#define HTTP2_STATE_SIZE 256
extern const struct proto proto_http2, proto_grpc;
enum probe http2_probe(const u8 *p, size_t n, enum side *side);
void http2_start(struct parser *ps, struct message *request);
enum parse http2_parse(struct parser *ps, struct chunk *c);
void http2_gap(struct parser *ps);
long http2_resync(struct parser *ps, const struct chunk *c);
void http2_fin(struct parser *ps);
void http2_done(void *state);

static inline struct http2_request *http2_request_of(struct message *m)
{
	return (struct http2_request *)(void *)m;
}

static inline struct http2_response *http2_response_of(struct message *m)
{
	return (struct http2_response *)(void *)m;
}

#endif
