/* The streams of a connection whose exchanges are not over, by id. Owns its table, which grows to H2_STREAMS_MAX of them;
 * h2_streams_done frees it. The messages belong to the session. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_HTTP2_STREAMS_H
#define PACKETD_PROTO_HTTP2_STREAMS_H

#include "proto/http2_message.h"

#define H2_STREAMS_MAX 8192 /* past that, one is given up for each new one */

enum h2_stream_flag {
	H2_USED = 1,
	H2_REQUEST_DONE = 2,
	H2_RPC = 4,          /* shown as grpc */
	H2_UNDECIDED = 8,    /* the request's content type is unknown: its first message will tell */
	H2_TUNNEL = 16,      /* CONNECT */
};

/* A stream whose exchange is not over. A message is pointed to until the parser has closed it. */
struct h2_stream {
	u32 id;
	u8 flags; /* enum h2_stream_flag */
	u8 kind;  /* enum grpc_kind */
	u64 told; /* when the exchange was last told of, as long as it runs */
	u32 kept; /* header bytes of its messages */
	struct http2_request *request;
	struct http2_response *response;
};

/* Open addressing by id. Pointers into it are valid until the next h2_streams_add or _remove. */
struct h2_streams {
	struct h2_stream *v;
	u32 cap, n; /* cap: power of two */
	u64 seed;   /* of places, from times: a peer cannot make streams collide, and a capture is always read alike */
};

struct h2_stream *h2_streams_find(const struct h2_streams *s, u32 id);
/* NULL when the table is full, or without memory. */
struct h2_stream *h2_streams_add(struct h2_streams *s, u32 id);
void h2_streams_remove(struct h2_streams *s, struct h2_stream *e);
/* Somebody to give up for a new one. */
struct h2_stream *h2_streams_victim(const struct h2_streams *s, u32 id);
void h2_streams_done(struct h2_streams *s);

#endif
