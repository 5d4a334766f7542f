/* A decoded request or response, as one protocol's parser fills it.
 * A protocol's own structure starts with `struct message`; it and everything it points to lives in message.arena,
 * and is gone when the RoundTrip has been handed to the sinks. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MESSAGE_H
#define PACKETD_PROTO_MESSAGE_H

#include "util/arena.h"

enum side { SIDE_REQUEST, SIDE_RESPONSE };

enum message_flag {
	MSG_ONEWAY = 1,   /* request: the protocol has no answer to it */
	MSG_PARTIAL = 2,  /* joined mid-stream or after a gap: some fields hold "?" */
	MSG_OPENED = 4,   /* parser_open was called */
	MSG_CLOSED = 8,   /* parser_close was called */
	MSG_FAILED = 16,  /* response: the exchange failed (error.type in `error`) */
	MSG_NOISE = 32,   /* request: bookkeeping of a driver, may be hidden */
	MSG_BLOCKING = 64, /* request: waits by design (BLPOP, long poll): no time-out */
	MSG_UNTRACKED = 128, /* request: reported when closed like an answered one, by a parser that pairs by itself */
	MSG_VERSION_UNKNOWN = 256, /* request: in a version of the protocol that is newer than its parser: only what all versions share is read */
};

struct proto;

struct message {
	struct message *next, *prev; /* roundtrip/: waiting requests of the connection */
	struct message *hash_next;   /* roundtrip/: waiting requests by key */
	struct message *hash_last;   /* roundtrip/: the last of them, in the first of them only */
	struct message *answer;      /* roundtrip/: of a request its response, once that is open; of a response its request */
	struct arena arena;
	u64 ts_first; /* ns: packet that brought the first byte */
	u64 ts_last;  /* ns: packet that brought the last byte so far */
	u64 time;     /* ns: what the output shows as Time; 0 means ts_last at close */
	u64 start, end; /* stream offsets of its first byte and one past its last */
	u64 acked;    /* offset of the other direction received by the sender when it began to send (chunk.acked) */
	u64 key;      /* keyed pairing: correlation id, stream, channel… */
	u64 size;     /* what the output shows as Size */
	u64 due;      /* roundtrip/: when it times out */
	struct str error; /* low-cardinality reason, as error.type; empty when it went well */
	u32 retransmits, zero_windows; /* roundtrip/: of the connection when the request began */
	u8 dir;       /* the direction of the connection it travelled in */
	u8 side;      /* enum side */
	u8 shape;     /* which of the field table's shapes it has (field.shapes) */
	u16 flags;    /* enum message_flag */
	u8 trace[25]; /* 16 bytes trace id, 8 bytes parent id, flags; all zero when there is none */
	u8 has_trace;
	u16 state;    /* roundtrip/ */
	const struct proto *proto; /* whose message it is */
	const void *owner;         /* roundtrip/: the connection's session */
};

#endif
