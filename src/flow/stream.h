/* The boundary between ordered bytes and those who read them. Nothing here knows of packets: reassembly is one
 * source of chunks, others (TLS plaintext, key logs, tests) may deliver them too.
 * A consumer is a table of functions, one for the whole program; state of its own lies behind conn_user().
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_FLOW_STREAM_H
#define PACKETD_FLOW_STREAM_H

#include "util/base.h"

struct conn;
struct segment;

/* What a reader of a stream says about the bytes it was shown. */
enum parse {
	PARSE_MORE,     /* incomplete: call again when at least `want` bytes are there in all (0: any more) */
	PARSE_OK,       /* `used` bytes consumed; call again with the rest */
	PARSE_SKIP,     /* `used` bytes consumed, the next `want` need not be shown (STREAM_FOREVER: none ever again) */
	PARSE_DESYNC,   /* these bytes make no sense here: `used` of them are given up, the reader looks for a new start */
	PARSE_NOT_MINE, /* the connection carries something else: it becomes opaque, counted and not read any more */
};

#define STREAM_FOREVER UINT64_MAX /* `want` of a skip that lasts until the direction ends */
#define STREAM_ACK_UNKNOWN UINT64_MAX

/* Contiguous bytes of one direction. The bytes are valid during the call only. */
struct chunk {
	const u8 *p;
	size_t n;
	u64 ts_first;  /* ns: capture time of the packet that brought p[0] */
	u64 ts;        /* ns: latest capture time of the packets so far */
	u64 offset;    /* of p[0] from the first byte seen in this direction */
	u64 acked;     /* at p[0]: offset in the other direction up to which the sender had received everything;
	                  STREAM_ACK_UNKNOWN when the source cannot know */
	u64 fresh_acked; /* the same at p[fresh], where bytes that came later begin */
	size_t fresh;    /* 0: all came together */
	bool boundary; /* p[0] is the first byte of a segment */
	size_t used;   /* out: bytes consumed (all verdicts but PARSE_MORE) */
	u64 want;      /* out: PARSE_MORE, PARSE_SKIP */
};

/* What the sender had received when it sent the byte at `used`. */
static inline u64 chunk_acked(const struct chunk *c)
{
	return c->fresh && c->used >= c->fresh ? c->fresh_acked : c->acked;
}

enum stream_end {
	END_CLOSED,    /* both sides sent FIN, or the connection was replaced by a new one on the same ports */
	END_RESET,     /* RST, or an ICMP error */
	END_REFUSED,   /* RST in answer to the SYN */
	END_EXPIRED,   /* idle for too long */
	END_EVICTED,   /* the cap on connections was reached */
	END_CAPTURE,   /* the capture or the program ended */
};

struct stream_consumer {
	size_t user_size; /* bytes of consumer state per connection, zeroed before `opened` */
	/* A connection is known: at SYN, or at its first packet mid-stream. */
	void (*opened)(struct conn *c);
	/* Bytes in order, each once. Called with n == 0 when a skip has just ended at the end of the data. */
	enum parse (*data)(struct conn *c, int dir, struct chunk *chunk);
	/* `n` bytes are missing (never called for bytes inside a skip); the next data call starts after them. What was held back is gone. */
	void (*gap)(struct conn *c, int dir, u64 n, u64 ts);
	/* This direction has ended with a FIN and all its bytes were shown. */
	void (*fin)(struct conn *c, int dir, u64 ts);
	/* The connection is gone; last call for it. */
	void (*closed)(struct conn *c, enum stream_end end, u64 ts);
	/* One UDP datagram; seg->len may exceed seg->caplen. */
	void (*datagram)(struct conn *c, int dir, const struct segment *seg);
	/* An ICMP error says that what `dir` sent has not been delivered (UDP only; TCP ends with END_RESET). */
	void (*unreachable)(struct conn *c, int dir, u64 ts);
	/* When this connection next wants `timer` called (ns, packet time); 0: never. */
	u64 (*deadline)(struct conn *c);
	void (*timer)(struct conn *c, u64 now);
};

#endif
