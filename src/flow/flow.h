/* The flow table: connections by their addresses and ports, TCP reassembly, ageing.
 * One per worker thread; owns all connections and everything they hold. Time is an input: flow_packet takes it from
 * the segment, flow_advance from the caller (the wall clock live, the next packet from a file).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_FLOW_FLOW_H
#define PACKETD_FLOW_FLOW_H

#include "flow/conn.h"
#include "flow/flow_counters.h"

struct flow;

/* All zero means the defaults. */
struct flow_options {
	u32 max_conns;       /* connections at once; 0: 2 000 000. Past it the longest idle one is evicted */
	u32 tail_bytes;      /* bytes of one incomplete message; 0: 64 KiB (and at most that) */
	u32 held_per_conn;   /* out-of-order bytes of one direction; 0: 1 MiB */
	u64 held_total;      /* of all connections; 0: 64 MiB */
	u64 grace_ns;        /* how long a hole may wait for its bytes once they are acknowledged; 0: 200 ms */
	u64 tcp_idle_ns;     /* a silent connection is forgotten after it; 0: 30 minutes */
	u64 udp_idle_ns;     /* 0: 60 s */
	u64 seed;            /* of the hash; 0: random */
	u16 worker, workers; /* connection ids are unique over workers */
};

/* Somebody who wants to know what connections carry, without looking at every packet. On the flow table's thread; must not
 * change anything but conn.watched. Any of the functions may be NULL. Borrowed. */
struct flow_observer {
	void (*opened)(void *arg, struct conn *c);
	/* A packet of a connection whose `watched` is 0, before anything of it is counted in its halves. */
	void (*packet)(void *arg, struct conn *c);
	/* A round trip has been measured: of the hand-shake, or of data sent in direction `dir` and its acknowledgement. */
	void (*rtt)(void *arg, struct conn *c, int dir, u64 ns, bool handshake);
	/* After everything has been counted. */
	void (*closed)(void *arg, struct conn *c, enum stream_end end);
};

/* NULL without memory. The consumer table and the counters must outlive the flow table. `context` is what flow_context returns. */
struct flow *flow_new(const struct flow_options *options, const struct stream_consumer *consumer,
		      struct flow_counters *counters, void *context);
/* Frees everything without telling the consumer; call flow_finish first. NULL is fine. */
void flow_free(struct flow *f);
void *flow_context(const struct flow *f);
/* Grace, idle times and caps of connections from now on. */
void flow_set_options(struct flow *f, const struct flow_options *options);

/* NULL: none. Between packets. */
void flow_set_observer(struct flow *f, const struct flow_observer *observer, void *arg);
/* Connections open now over TCP or UDP. */
u32 flow_open_conns(const struct flow *f, u8 protocol);

/* One decoded segment; calls the consumer as bytes become available. */
void flow_packet(struct flow *f, const struct segment *seg);
/* The same in three steps, for several segments at a time: the first two pull what the third needs into the cache. The result of
 * flow_prefetch is handed to the others. */
u32 flow_prefetch(struct flow *f, const struct segment *seg);
void flow_prefetch_conn(struct flow *f, u32 hash);
void flow_prefetched_packet(struct flow *f, const struct segment *seg, u32 hash);
/* Time has come to `now` (ns, never backwards): holes, time-outs and idle connections are dealt with. */
void flow_advance(struct flow *f, u64 now);
/* The capture is over: every hole is given up, every connection closed with END_CAPTURE. */
void flow_finish(struct flow *f);
/* flow_advance's latest `now`, or the latest time stamp of a packet. */
u64 flow_now(const struct flow *f);
u32 flow_live(const struct flow *f);

/* For consumers. */
/* Asks for `deadline` to be looked at again: it has become earlier. */
void flow_rearm(struct conn *c);
/* Bytes of `dir` that the consumer wanted more of are shown to it now, as they are. Not from within `data` of this direction. */
void flow_look_again(struct conn *c, int dir);
/* Nothing of this connection is to be shown any more; its bytes count as opaque. */
void conn_make_opaque(struct conn *c);
/* Offset in the other direction's stream for an acknowledgement number carried by direction `dir`. */
u64 conn_ack_offset(const struct conn *c, int dir, u32 ack);

/* For sources without packets (TLS plaintext, tests): a connection, its bytes in order, its end. */
struct conn *flow_open(struct flow *f, const struct segment *addresses);
void flow_bytes(struct conn *c, int dir, const void *p, size_t n, u64 ts, u64 acked);
void flow_gap(struct conn *c, int dir, u64 n, u64 ts);
void flow_fin(struct conn *c, int dir, u64 ts);
void flow_close(struct conn *c, enum stream_end end, u64 ts);

#endif
