/* The life of a connection outside TCP's rules: packets in, UDP, ICMP errors, ageing, the end. */
#include "flow/flow_private.h"

#define LINGER_NS (5 * NS_PER_SEC) /* a closed connection swallows late segments for this long */
#define COPY_NS (NS_PER_MS)        /* the same datagram twice within this time is a copy of one packet */

static void count_end(struct flow_counters *count, enum stream_end end)
{
	u64 *counters[] = {
		[END_CLOSED] = &count->conns_closed,   [END_RESET] = &count->conns_reset,     [END_REFUSED] = &count->conns_refused,
		[END_EXPIRED] = &count->conns_expired, [END_EVICTED] = &count->conns_evicted, [END_CAPTURE] = &count->conns_cut,
	};
	++*counters[end];
	count->conns_live--;
}

void conn_end(struct conn *c, enum stream_end end, u64 ts)
{
	struct flow *f = c->flow;
	for (int dir = 0; dir < 2; dir++) {
		stream_drop_tail(c, dir, &f->count->unrecognised);
		held_drop_all(c, dir, &f->count->unrecognised);
	}
	f->consumer->closed(c, end, ts);
	count_end(f->count, end);
	--*open_conns(f, c->protocol);
	if (f->observer && f->observer->closed)
		f->observer->closed(f->observer_arg, c, end);
	c->state = CONN_CLOSED;
	c->opaque = true;
	c->hole_ts = 0;
	if (c->protocol == IPPROTO_TCP_ && end <= END_REFUSED) {
		c->seen_ts = f->now;
		timer_disarm(c);
		timer_arm(c, f->now + LINGER_NS);
	} else {
		table_remove(c);
	}
}

static u64 idle_limit(const struct conn *c)
{
	const struct flow_options *o = &c->flow->opt;
	return c->state == CONN_CLOSED ? LINGER_NS : c->protocol == IPPROTO_TCP_ ? o->tcp_idle_ns : o->udp_idle_ns;
}

void conn_rearm(struct conn *c)
{
	u64 due = c->seen_ts + idle_limit(c);
	if (c->hole_ts)
		due = MIN(due, c->hole_ts + c->flow->opt.grace_ns);
	if (c->state != CONN_CLOSED) {
		u64 wish = c->flow->consumer->deadline(c);
		if (wish)
			due = MIN(due, wish);
	}
	timer_arm(c, due);
}

void flow_rearm(struct conn *c)
{
	u64 wish = c->flow->consumer->deadline(c);
	if (wish && (!c->due || wish < c->due))
		timer_arm(c, wish);
}

void conn_timer(struct conn *c, u64 now)
{
	struct flow *f = c->flow;
	if (c->state != CONN_CLOSED && c->hole_ts && now >= c->hole_ts + f->opt.grace_ns) {
		tcp_give_up(c, now, false);
		if (c->rst) {
			tcp_give_up(c, now, true);
			conn_end(c, END_RESET, now);
			return;
		}
		if (c->half[0].flags & c->half[1].flags & HALF_FIN_DONE) {
			conn_end(c, END_CLOSED, now);
			return;
		}
	}
	if (now >= c->seen_ts + idle_limit(c)) {
		if (c->state == CONN_CLOSED) {
			table_remove(c);
			return;
		}
		if (c->protocol == IPPROTO_TCP_)
			tcp_give_up(c, now, true);
		conn_end(c, END_EXPIRED, now);
		return;
	}
	if (c->state != CONN_CLOSED) {
		u64 wish = f->consumer->deadline(c);
		if (wish && wish <= now)
			f->consumer->timer(c, now);
	}
	conn_rearm(c);
}

void conn_begin(struct conn *c)
{
	struct flow *f = c->flow;
	f->count->conns_opened++;
	f->count->conns_live++;
	++*open_conns(f, c->protocol);
	f->consumer->opened(c);
	if (f->observer && f->observer->opened)
		f->observer->opened(f->observer_arg, c);
	conn_rearm(c);
}

static struct conn *udp_open(struct flow *f, const struct segment *seg, u32 hash)
{
	struct conn *c = table_add(f, seg, hash);
	if (c)
		conn_begin(c);
	return c;
}

/* A datagram sent again says the same, in a packet with another identification. */
static u32 payload_mark(const struct segment *seg)
{
	u32 mark = seg->len ^ (u32)seg->ip_id << 16;
	for (u32 i = 0; i < MIN(seg->caplen, 64); i++)
		mark = (mark ^ seg->payload[i]) * 16777619u;
	return mark;
}

static void udp_segment(struct flow *f, const struct segment *seg, u32 hash)
{
	int dir = DIR_A;
	struct conn *c = table_find(f, seg, hash, &dir);
	f->count->udp_datagrams++;
	f->count->udp_bytes += seg->len;
	if (!c)
		c = udp_open(f, seg, hash);
	if (!c)
		return;
	struct half *h = &c->half[dir];
	u32 mark = payload_mark(seg);
	bool seen = h->flags & HALF_SEEN;
	if (seen && f->now < c->seen_ts + NS_PER_SEC &&
	    (seg->origin != h->origin || (mark == h->last_mark && f->now < c->seen_ts + COPY_NS))) {
		f->count->copies++;
		return;
	}
	c->seen_ts = f->now;
	h->origin = seg->origin;
	h->last_mark = mark;
	h->flags |= HALF_SEEN;
	observe_packet(f, c);
	h->packets++;
	h->bytes += seg->len;
	if (!c->opaque)
		f->consumer->datagram(c, dir, seg);
}

static void unreachable(struct flow *f, const struct segment *seg, u32 hash)
{
	int dir = DIR_A;
	struct conn *c = table_find(f, seg, hash, &dir);
	f->count->icmp_errors++;
	if (!c || c->state == CONN_CLOSED)
		return;
	if (c->protocol == IPPROTO_UDP_)
		f->consumer->unreachable(c, dir, seg->ts);
	else if (c->state == CONN_SYN && dir == c->opener)
		conn_end(c, END_REFUSED, seg->ts);
}

void flow_packet(struct flow *f, const struct segment *seg)
{
	flow_prefetched_packet(f, seg, table_hash(f, seg));
}

void flow_prefetched_packet(struct flow *f, const struct segment *seg, u32 hash)
{
	flow_advance(f, seg->ts);
	if (seg->unreachable)
		unreachable(f, seg, hash);
	else if (seg->protocol == IPPROTO_TCP_)
		tcp_segment(f, seg, hash);
	else
		udp_segment(f, seg, hash);
}

void flow_advance(struct flow *f, u64 now)
{
	if (unlikely(!f->tick))
		f->tick = now >> WHEEL_SHIFT;
	if (now <= f->now)
		return;
	f->now = now;
	timer_run(f, now);
}

void flow_finish(struct flow *f)
{
	u32 total = f->conns.blocks_len * f->conns.per_block;
	for (u32 i = 0; i < total; i++) {
		struct conn *c = slab_at(&f->conns, i);
		if (c->state == CONN_FREE)
			continue;
		if (c->state != CONN_CLOSED) {
			if (c->protocol == IPPROTO_TCP_)
				tcp_give_up(c, f->now, true);
			conn_end(c, c->rst ? END_RESET : END_CAPTURE, f->now);
		}
		if (c->state == CONN_CLOSED)
			table_remove(c);
	}
}

struct conn *flow_open(struct flow *f, const struct segment *addresses)
{
	struct conn *c = table_add(f, addresses, table_hash(f, addresses));
	if (!c)
		return NULL;
	c->opener = DIR_A;
	c->half[0].flags = c->half[1].flags = HALF_STARTED | HALF_SYN | HALF_SEEN;
	conn_begin(c);
	return c;
}

void flow_bytes(struct conn *c, int dir, const void *p, size_t n, u64 ts, u64 acked)
{
	u32 ack = (u32)acked;
	c->flow->count->stream_bytes += n;
	c->seen_ts = c->flow->now = MAX(c->flow->now, ts);
	if (c->opaque)
		c->flow->count->opaque += n;
	else
		stream_deliver(c, dir, p, (u32)n, (u32)n, ts, ack, acked != STREAM_ACK_UNKNOWN, true);
}

void flow_gap(struct conn *c, int dir, u64 n, u64 ts)
{
	stream_missing(c, dir, n, ts);
}

void flow_fin(struct conn *c, int dir, u64 ts)
{
	c->half[dir].flags |= HALF_FIN | HALF_FIN_DONE;
	stream_fin(c, dir, ts);
}

void flow_close(struct conn *c, enum stream_end end, u64 ts)
{
	conn_end(c, end, ts);
}
