/* What the files of this folder share: the table, the timer wheel, the pools. Not for others.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_FLOW_FLOW_PRIVATE_H
#define PACKETD_FLOW_FLOW_PRIVATE_H

#include "flow/flow.h"
#include "util/slab.h"

#define WHEEL_SLOTS 1024
#define WHEEL_SHIFT 26 /* a tick is 2^26 ns, 67 ms; the wheel spans 69 s */

#define BYTES_CLASSES 4 /* 256 B, 2 KiB, 16 KiB, 65 KiB + header */

/* Out-of-order bytes, waiting for what is missing before them (or for the other direction's bytes they acknowledge). */
struct held {
	struct held *next;
	struct held *last; /* of the first of a list: its last */
	u64 ts;
	u32 seq, len; /* on the wire */
	u32 caplen;   /* bytes kept behind this header; 0 when they will be skipped anyway */
	u32 ack;
	u8 class;
	bool has_ack;
	bool boundary;
};

/* The beginning of a message whose rest has not come yet. */
struct tail {
	u64 ts;  /* time of its first byte */
	u32 ack; /* acknowledgement number that came with it */
	u32 len, cap;
	u32 want; /* bytes the consumer needs before it looks again */
	u8 class;
	bool has_ack;
};

struct slot {
	u32 hash;
	struct conn *conn;
};

struct flow {
	struct slot *slots;
	u32 mask; /* slots - 1 */
	u32 used;
	const struct stream_consumer *consumer;
	struct flow_counters *count;
	void *context;
	u64 now;
	u64 seed;
	u64 next_id;
	u64 tick;               /* of the wheel: everything before it has been looked at */
	struct slab conns;
	struct slab bytes[BYTES_CLASSES];
	u64 held_total;
	struct flow_options opt;
	const struct flow_observer *observer;
	void *observer_arg;
	u32 open_tcp, open_udp;
	u32 evict_at; /* where the search for a victim goes on */
	struct conn *wheel[WHEEL_SLOTS];
};

static inline bool seq_before(u32 a, u32 b)
{
	return (i32)(a - b) < 0;
}

static inline u32 *open_conns(struct flow *f, u8 protocol)
{
	return protocol == IPPROTO_TCP_ ? &f->open_tcp : &f->open_udp;
}

/* Just before a packet is counted in its half. */
static inline void observe_packet(struct flow *f, struct conn *c)
{
	if (f->observer && !c->watched && f->observer->packet)
		f->observer->packet(f->observer_arg, c);
}

/* table.c */
struct conn *table_find(struct flow *f, const struct segment *seg, u32 hash, int *ret_dir);
u32 table_hash(const struct flow *f, const struct segment *seg);
struct conn *table_add(struct flow *f, const struct segment *seg, u32 hash);
/* Takes the connection out of table and timer and frees it; the consumer has been told. */
void table_remove(struct conn *c);

/* timer.c */
void timer_arm(struct conn *c, u64 when);
void timer_disarm(struct conn *c);
void timer_run(struct flow *f, u64 now);

/* conn.c */
/* A new connection is counted, the consumer and the observer are told, its timer is armed. */
void conn_begin(struct conn *c);
/* Tells the consumer, counts, frees what it holds; the entry stays for a moment (TCP) or goes at once. */
void conn_end(struct conn *c, enum stream_end end, u64 ts);
/* Looks at all deadlines of a connection whose timer has fired, and arms it again. May free it. */
void conn_timer(struct conn *c, u64 now);
void conn_rearm(struct conn *c);

/* tcp.c */
void tcp_segment(struct flow *f, const struct segment *seg, u32 hash);
/* Holes that have been waited for long enough are given up; all of them when `all`. */
void tcp_give_up(struct conn *c, u64 now, bool all);

/* held.c */
void *bytes_get(struct flow *f, size_t n, u8 *ret_class);
void bytes_put(struct flow *f, void *p, u8 class);
size_t bytes_class_size(u8 class);
/* Keeps a segment for later; returns how many of its bytes have been dealt with: fewer than len when a cap is reached. */
u32 held_add(struct conn *c, int dir, const struct segment *seg, const u8 *p, u32 seq, u32 len, u32 caplen);
/* Takes the first one out of the list; the caller gives it back with bytes_put. */
struct held *held_pop(struct conn *c, int dir);
void held_drop_all(struct conn *c, int dir, u64 *counter);

/* stream.c */
/* The next `len` bytes of a direction, `caplen` of them at p. */
void stream_deliver(struct conn *c, int dir, const u8 *p, u32 len, u32 caplen, u64 ts, u32 ack, bool has_ack, bool boundary);
/* The next n bytes will never be seen. */
void stream_missing(struct conn *c, int dir, u64 n, u64 ts);
void stream_fin(struct conn *c, int dir, u64 ts);
void stream_drop_tail(struct conn *c, int dir, u64 *counter);

#endif
