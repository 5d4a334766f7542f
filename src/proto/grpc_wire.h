/* gRPC as it looks on HTTP: content types, length-prefixed messages, statuses, time-outs. Not bound to one version of HTTP.
 * Text results are static, or live in the arena given. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_GRPC_WIRE_H
#define PACKETD_PROTO_GRPC_WIRE_H

#include "util/arena.h"

enum grpc_kind {
	GRPC_NONE,
	GRPC_PLAIN,    /* application/grpc, application/grpc+… */
	GRPC_WEB,      /* application/grpc-web…: trailers are a message of the body */
	GRPC_WEB_TEXT, /* the same in base64 */
	GRPC_CONNECT,  /* application/connect+…: a stream of the Connect protocol */
};

enum grpc_kind grpc_kind_of(struct str content_type);
/* "grpc", "grpc-web", "connect"; NULL for GRPC_NONE. */
const char *grpc_system(enum grpc_kind kind);

#define GRPC_PREFIX 5
#define GRPC_TRAILER_MAX 1024 /* bytes kept of the trailers in a body */

/* Counts the messages of a body as it passes by, in pieces of any size. */
struct grpc_reader {
	u64 left;       /* bytes of the message at hand that have not passed */
	u64 bytes;      /* of all messages, without their prefixes */
	u32 messages;
	u32 compressed; /* of those: with the compressed flag */
	u8 kind;        /* enum grpc_kind; GRPC_NONE: nothing is counted */
	u8 have;        /* bytes of a prefix that are there */
	u8 quad;        /* base64: characters of a group of four that are there, … */
	u8 padding;     /* … of which are padding */
	bool lost;      /* bytes were missed, or make no sense: nothing is counted any more */
	bool trailer;   /* the message at hand holds trailers, which … */
	u8 prefix[GRPC_PREFIX];
	u32 bits;       /* base64: what they say */
	struct str text; /* … are kept here */
};

/* n body bytes pass. Returns how many more, after these, need not be shown (0: the next is of interest). `a`: for trailers. */
u64 grpc_read(struct grpc_reader *r, const u8 *p, size_t n, struct arena *a);
/* n of those bytes pass without being shown. */
static inline void grpc_pass(struct grpc_reader *r, u64 n)
{
	r->left -= n < r->left ? n : r->left;
}

/* The next line of trailers in a body: "name: value". False at the end. */
bool grpc_trailer_next(struct str *text, struct str *ret_name, struct str *ret_value);

#define GRPC_CODES 17
/* "OK", "CANCELLED" …; NULL for a number that has no name. */
const char *grpc_status_name(i64 status);
/* What a missing grpc-status means: by the HTTP status, or by the error code of RST_STREAM. */
i32 grpc_status_of_http(u16 code);
i32 grpc_status_of_reset(u32 error);
/* The number in a grpc-status. */
bool grpc_status_number(struct str text, i32 *ret);
/* grpc-message: percent-encoded UTF-8; invalid escapes stay as they are. The argument itself when nothing is encoded. */
struct str grpc_message_decode(struct arena *a, struct str s);
/* grpc-timeout: up to 8 digits and a unit, H M S m u n. False for anything else. */
bool grpc_timeout(struct str s, u64 *ret_ns);
/* "/pkg.Svc/Method" taken apart; `joined` is "pkg.Svc.Method". False when it is no such path: all are then the path as it is. */
bool grpc_path(struct arena *a, struct str path, struct str *ret_joined, struct str *ret_service, struct str *ret_method);

#endif
