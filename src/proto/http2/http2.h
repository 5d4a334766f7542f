/* HTTP/2 (RFC 9113): what the files of this folder share. Everything belongs to one connection's parser.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_HTTP2_HTTP2_H
#define PACKETD_PROTO_HTTP2_HTTP2_H

#include "proto/http2/hpack.h"
#include "proto/http2/streams.h"
#include "proto/http2_message.h"

#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define H2_PREFACE_LEN 24
#define H2_HEADER 9                 /* bytes of a frame header */
#define H2_FRAME_DEFAULT 16384      /* SETTINGS_MAX_FRAME_SIZE before it is changed */
#define H2_FRAME_MAX ((1u << 24) - 1)
#define H2_KEPT_MAX (8 * MIB)       /* header bytes of a connection's unfinished exchanges; past that no lists are kept, and … */
#define H2_LONGEST (16 * KIB)       /* … not this many bytes of a string, but … */
#define H2_SHORTEST 256             /* … this many */
#define H2_UNKNOWN STR("?")

enum h2_type {
	H2_DATA, H2_HEADERS, H2_PRIORITY, H2_RST_STREAM, H2_SETTINGS, H2_PUSH_PROMISE, H2_PING, H2_GOAWAY, H2_WINDOW_UPDATE,
	H2_CONTINUATION, H2_ALTSVC, H2_ORIGIN = 12, H2_PRIORITY_UPDATE = 16,
};

enum h2_flag { H2_END_STREAM = 1, H2_ACK = 1, H2_END_HEADERS = 4, H2_PADDED = 8, H2_HAS_PRIORITY = 0x20 };

struct h2_frame {
	u32 length; /* of the payload */
	u8 type, flags;
	u32 stream;
};

/* frame.c */
struct h2_frame h2_frame_read(const u8 *p);
/* Can this be a frame, in a connection whose frames have at most `max` bytes? */
bool h2_frame_plausible(const struct h2_frame *f, u32 max);
/* Offset of the first frame that the bytes prove, as proto.resync returns it. */
long h2_frame_find(const struct chunk *c, u32 max);
/* Name of an error code; "UNKNOWN_ERROR" for those that have none. */
const char *h2_error_name(u32 code);

enum h2_phase {
	H2_AT_START, /* the preface, or a frame */
	H2_AT_FRAME,
	H2_IN_DATA,  /* `left` payload bytes of stream `stream`, then `padding` */
	H2_IN_REST,  /* `left` bytes of no interest */
};

/* What is half read in one direction. */
struct h2_half {
	struct hpack table;
	u64 until;    /* stream offset where the payload at hand ends */
	u64 waited;   /* bytes before this offset waited for a frame to be proved: their times are not exact */
	u32 left, padding;
	u32 stream;
	u32 scanned;  /* bytes of the header block at hand, with its frames' headers, that have been looked at */
	u32 max_frame; /* what this side may send; 0: any */
	u8 phase;
	u8 flags;     /* of the DATA frame at hand */
	bool discard; /* a header block that is not read goes on in CONTINUATION frames */
	bool known;   /* the table has been set up */
};

struct h2_state {
	struct h2_half half[2]; /* by direction */
	struct h2_streams streams;
	u64 kept;           /* sum of the streams' */
	u32 last_id;        /* highest stream of the client */
	u32 last_goaway;    /* lowest stream that a GOAWAY has left to the client + 1; 0 none */
	u8 goaways;
	bool roles_sure;    /* ps->request_dir has been proved */
	bool rpc_seen;      /* there have been gRPC calls */
	bool upgraded;
	bool lost[2];       /* bytes were lost: frames are to be found anew */
};

_Static_assert(sizeof(struct h2_state) <= HTTP2_STATE_SIZE, "HTTP2_STATE_SIZE");

static inline struct h2_state *h2_state_of(const struct parser *ps)
{
	return ps->state;
}

/* exchange.c: what frames mean for exchanges. */
void h2_take_block(struct parser *ps, const struct h2_frame *f, u32 promised, const struct hpack_fields *fields, u32 wire);
void h2_take_reset(struct parser *ps, u32 stream, u32 code);
void h2_take_goaway(struct parser *ps, u32 last, u32 code);
/* A DATA frame with `size` bytes of content begins. */
void h2_begin_data(struct parser *ps, struct h2_stream *e, u32 size, u32 wire);
/* n bytes of its content pass. Returns how many more need not be shown. */
u64 h2_take_data(struct parser *ps, struct h2_stream *e, const u8 *p, size_t n);
/* n bytes pass without being shown. */
void h2_pass_data(struct parser *ps, struct h2_stream *e, u64 n);
/* Bytes of its content are lost. */
void h2_lose_data(struct parser *ps, u32 stream);
/* The last payload byte of a DATA frame has passed. */
void h2_end_data(struct parser *ps, u32 stream, u8 flags);
/* Bytes of this direction are lost: what is in progress there is not whole. */
void h2_exchanges_gap(struct parser *ps);
void h2_exchanges_fin(struct parser *ps);
void h2_exchange_from(struct parser *ps, struct message *request);

/* headers.c: from header blocks to messages. Returns the bytes that are kept. */
u32 h2_fill_request(struct parser *ps, struct http2_request *q, const struct hpack_fields *fields);
u32 h2_fill_response(struct parser *ps, struct http2_response *a, const struct hpack_fields *fields);
u32 h2_fill_trailers(struct parser *ps, struct http2_message *h, const struct hpack_fields *fields);
/* The header section of this response, which has been filled with its trailers, was not seen. */
void h2_lost_headers(struct http2_response *a);
/* What its target and method say, once it is known what kind of call it is. */
void h2_finish_request(struct parser *ps, struct http2_request *q, enum grpc_kind kind);
void h2_read_status(struct http2_response *a, const struct hpack_fields *fields);
/* How the exchange went: its response is over, or the stream was reset. */
void h2_finish_response(struct http2_response *a, bool rpc);
void h2_finish_reset(struct http2_response *a, const struct http2_request *q, u64 now, u32 code, bool unprocessed);
/* The field of this meaning; NULL, or an empty value, when there is none. */
const struct hpack_field *h2_field(const struct hpack_fields *fields, enum hpack_name id);
struct str h2_field_value(const struct hpack_fields *fields, enum hpack_name id);

/* upgrade.c: the request of another protocol that stream 1 is. */
void h2_copy_request(struct http2_request *q, const struct message *from);

/* http2_table.c, grpc's in grpc/ */
#define HTTP2_FIELDS 40
extern const struct field http2_fields[];
void http2_describe(const struct message *m, struct buf *out);

#endif
