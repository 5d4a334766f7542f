/* A connection: two halves of a TCP conversation, or the datagrams between two UDP endpoints.
 * Owned by its flow table (flow.h); pointers are valid until the consumer's `closed` returns.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_FLOW_CONN_H
#define PACKETD_FLOW_CONN_H

#include "flow/stream.h"
#include "net/segment.h"

enum { DIR_A, DIR_B }; /* the two directions; A is what the endpoint that we saw first sent */

enum half_flag {
	HALF_SYN = 1,       /* its SYN was seen: offset 0 is the first byte of the connection */
	HALF_STARTED = 2,   /* next_seq is known */
	HALF_FIN = 4,       /* FIN seen, at fin_seq */
	HALF_FIN_DONE = 8,  /* and told to the consumer */
	HALF_SEEN = 16,     /* a packet of this side was captured */
	HALF_SAMPLING = 32, /* rtt_seq/rtt_ts hold an unacknowledged sample */
	HALF_ZERO_WINDOW = 64, /* its last segment announced window 0 */
	HALF_SKIPPED = 128, /* a skip has ended: show the consumer even no bytes */
};

struct held; /* out-of-order data, reassembly.h */

/* What one side has sent. */
struct half {
	u32 next_seq; /* sequence number of the next byte to deliver */
	u32 acked;    /* highest acknowledgement this side has sent */
	u64 offset;   /* stream offset of next_seq */
	u64 skip;     /* bytes the consumer does not want; STREAM_FOREVER */
	u64 ts;       /* latest time stamp delivered */
	struct held *held;
	u8 *tail;      /* bytes of an incomplete message, owned here */
	u64 tail_ts;   /* time of its first byte */
	u32 tail_len;
	u32 tail_ack;  /* acknowledgement number of the segment that brought tail[0] */
	u32 want;      /* bytes the consumer needs before it looks again */
	u32 fin_seq;
	u32 rtt_seq;   /* acknowledged beyond this, the sample is complete */
	u64 rtt_ts;
	u32 origin;    /* where this direction is captured (segment.origin) */
	u32 max_seq;   /* one past the highest byte seen, for retransmissions */
	u32 retransmits;  /* segments that brought nothing new */
	u32 out_of_order; /* segments that came early */
	u32 packets;
	u16 zero_windows; /* times this side closed its window */
	u16 held_count;
	u8 flags;
	u8 tail_class;
	u64 bytes;     /* payload bytes, repeated ones too */
	u64 origin_ts; /* last packet at `origin` */
};

struct conn {
	struct ip_addr addr[2]; /* addr[DIR_A] is the sender of direction A */
	u16 port[2];
	u8 protocol;     /* IPPROTO_TCP_ or IPPROTO_UDP_ */
	u8 state;        /* enum conn_state */
	u8 opener;       /* DIR_A or DIR_B: who sent the SYN; 2 unknown */
	u8 opaque;       /* nothing of it is shown to the consumer any more */
	u32 hash;
	struct half half[2];
	u64 id;          /* of the run, from 1 */
	u64 opened_ts, seen_ts;
	u64 rtt;         /* ns; hand-shake if seen, else the smallest data-to-acknowledgement time; 0 unknown */
	u64 hold_ts;     /* when the oldest hole or hold began; 0 none */
	u64 due;         /* timer: when it is to be looked at */
	struct conn *timer_prev, *timer_next;
	u32 timer_slot;
	u16 ifindex, vlan;
	u32 tunnel_id;
	u8 tunnel;
	u8 rtt_handshake;
	struct flow *flow;
};

enum conn_state { CONN_NEW, CONN_SYN, CONN_OPEN, CONN_CLOSING, CONN_CLOSED };

/* The consumer's bytes for this connection (stream_consumer.user_size). */
static inline void *conn_user(struct conn *c)
{
	return c + 1;
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
