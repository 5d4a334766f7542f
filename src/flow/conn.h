/* A connection: two halves of a TCP conversation, or the datagrams between two UDP endpoints.
 * Owned by its flow table (flow.h); pointers are valid until the consumer's `closed` returns.
 * An idle one costs sizeof(struct conn) + the consumer's bytes + 32 bytes of table. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_FLOW_CONN_H
#define PACKETD_FLOW_CONN_H

#include "flow/stream.h"
#include "net/segment.h"

enum { DIR_A, DIR_B, DIR_NONE }; /* A is what the endpoint that we saw first sent */

enum half_flag {
	HALF_SYN = 1,            /* its SYN was seen: offset 0 is the first byte of the connection */
	HALF_STARTED = 2,        /* next_seq is known */
	HALF_FIN = 4,            /* FIN seen, at fin_seq */
	HALF_FIN_DONE = 8,       /* and told to the consumer */
	HALF_SEEN = 16,          /* a packet of this side was captured */
	HALF_ZERO_WINDOW = 32,   /* its last segment announced window 0 */
	HALF_TAIL_BOUNDARY = 64, /* tail[0] was the first byte of a segment */
};

struct held; /* out-of-order data */
struct tail; /* bytes of an incomplete message */

/* What one side has sent. */
struct half {
	u32 next_seq; /* sequence number of the next byte to deliver */
	u32 acked;    /* highest acknowledgement this side has sent */
	u64 offset;   /* stream offset of next_seq */
	u64 skip;     /* bytes the consumer does not want; STREAM_FOREVER */
	struct held *held; /* sorted by sequence number */
	struct tail *tail;
	u64 bytes;        /* payload bytes, repeated ones too */
	u32 packets;
	u32 fin_seq;
	u32 origin;       /* where this direction is captured (segment.origin) */
	u32 last_mark;    /* of the last segment, to know a copy of it */
	u32 retransmits;  /* segments that brought nothing new */
	u32 out_of_order; /* segments that came early */
	u32 held_bytes;
	u16 zero_windows; /* times this side closed its window */
	u8 flags;         /* enum half_flag */
};

enum conn_state {
	CONN_FREE,
	CONN_SYN,    /* SYN seen, nothing in answer */
	CONN_OPEN,
	CONN_CLOSED, /* told to the consumer; kept a moment so that late segments do not begin a new one */
};

struct conn {
	struct ip_addr addr[2]; /* addr[DIR_A] is the sender of direction A */
	u16 port[2];
	u8 protocol;      /* IPPROTO_TCP_ or IPPROTO_UDP_ */
	u8 state;         /* enum conn_state */
	u8 opener;        /* direction of the SYN; DIR_NONE unknown */
	bool opaque;      /* nothing of it is shown to the consumer any more */
	u32 hash;
	u8 tunnel;        /* enum tunnel of its first packet */
	bool rtt_handshake; /* rtt comes from the hand-shake */
	u8 rtt_dir;       /* direction of the sample; DIR_NONE without one */
	u8 rst;           /* a RST is waiting for the data before it: direction + 1 */
	struct half half[2];
	u64 id;           /* of the run, from 1 */
	u64 opened_ts, seen_ts;
	u64 rtt;          /* ns; hand-shake if seen, else the smallest data-to-acknowledgement time; 0 unknown */
	u64 rtt_ts;       /* sample: when the segment ending at rtt_seq was sent */
	u64 hole_ts;      /* since when the oldest hole is waited for; 0 none */
	u64 due;          /* timer: when it is to be looked at; 0 not armed */
	struct conn *timer_prev, *timer_next;
	struct flow *flow;
	u32 rtt_seq;
	u32 tunnel_id;
	u16 ifindex, vlan;
	u32 watched; /* the flow_observer's; 0: wants to know of the next packet */
};

_Static_assert(sizeof(struct conn) <= 304, "an idle connection must stay small");

/* The consumer's bytes for this connection (stream_consumer.user_size). */
static inline void *conn_user(const struct conn *c)
{
	return (void *)(uintptr_t)(c + 1);
}

/* Segments sent again, both sides. */
static inline u32 conn_retransmits(const struct conn *c)
{
	return c->half[0].retransmits + c->half[1].retransmits;
}

static inline u32 conn_zero_windows(const struct conn *c)
{
	return (u32)c->half[0].zero_windows + c->half[1].zero_windows;
}

#endif
