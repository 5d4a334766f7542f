/* TCP reassembly: sequence numbers to ordered bytes (RFC 9293), in the order of cause and effect: a segment is delivered
 * only after the other direction's bytes that it acknowledges. */
#include "flow/flow_private.h"

#define PATIENCE 10          /* graces a hole may wait that nobody has acknowledged */
#define RST_BEHIND (1 << 20) /* how far from the expected sequence number a RST is believed */
#define RST_AHEAD (1 << 26)
#define NEW_SPACE (1 << 24)  /* a segment that far from a closed connection begins another one */
#define START_BACK (1u << 20) /* bytes a guessed beginning may move back */

static bool half_is(const struct half *h, u8 flags)
{
	return (h->flags & flags) == flags;
}

/* Everything that a segment with this acknowledgement number is an answer to, has been delivered. */
static bool caused(const struct conn *c, int dir, u32 ack)
{
	const struct half *o = &c->half[dir ^ 1];
	if (!seq_before(o->next_seq, ack) || !half_is(o, HALF_SEEN))
		return true;
	return half_is(o, HALF_FIN) && o->next_seq == o->fin_seq && ack == o->fin_seq + 1;
}

/* The first we know of this direction's numbers: the other side has acknowledged nothing yet, or exactly this. */
static void half_start(struct conn *c, int dir, u32 next_seq)
{
	struct half *h = &c->half[dir], *o = &c->half[dir ^ 1];
	h->next_seq = next_seq;
	h->flags |= HALF_STARTED;
	o->acked = next_seq;
}

static void check_fin(struct conn *c, int dir, u64 ts)
{
	struct half *h = &c->half[dir];
	if (!half_is(h, HALF_FIN) || half_is(h, HALF_FIN_DONE) || seq_before(h->next_seq, h->fin_seq))
		return;
	h->flags |= HALF_FIN_DONE;
	stream_fin(c, dir, MAX(ts, c->seen_ts)); /* a FIN that overtook its data was later than they */
}

static void deliver(struct conn *c, int dir, const u8 *p, u32 len, u32 caplen, const struct segment *seg, bool boundary)
{
	stream_deliver(c, dir, p, len, caplen, seg->ts, seg->ack, (seg->flags & TCP_ACK) != 0, boundary);
}

/* The first held segment of a direction, if its turn has come. */
static bool deliver_held(struct conn *c, int dir)
{
	struct half *h = &c->half[dir];
	struct held *e = h->held;
	if (!e || seq_before(h->next_seq, e->seq) || (e->has_ack && !caused(c, dir, e->ack)))
		return false;
	held_pop(c, dir);
	u32 old = MIN(h->next_seq - e->seq, e->len);
	c->flow->count->duplicate += old;
	if (e->len > old)
		stream_deliver(c, dir, (u8 *)(e + 1) + MIN(old, e->caplen), e->len - old, e->caplen - MIN(old, e->caplen),
			       e->ts, e->ack, e->has_ack, e->boundary && !old);
	bytes_put(c->flow, e, e->class);
	return true;
}

/* Delivers what has become deliverable, in both directions, until nothing moves. */
static bool progress(struct conn *c, u64 ts)
{
	bool moved = false, again = true;
	while (again) {
		again = false;
		for (int dir = 0; dir < 2; dir++) {
			while (deliver_held(c, dir))
				again = moved = true;
			check_fin(c, dir, ts);
		}
	}
	return moved;
}

static bool is_reset(const struct conn *c)
{
	if (!c->rst)
		return false;
	const struct half *h = &c->half[c->rst - 1];
	return !seq_before(h->next_seq, h->fin_seq) && !h->held && !c->half[2 - c->rst].held;
}

/* Bytes that the other side has acknowledged and we have not seen. */
static u32 acked_unseen(const struct conn *c, int dir)
{
	const struct half *h = &c->half[dir], *o = &c->half[dir ^ 1];
	u32 upto = o->acked;
	if (!half_is(h, HALF_SEEN) || !seq_before(h->next_seq, upto))
		return 0;
	if (half_is(h, HALF_FIN) && upto == h->fin_seq + 1)
		upto = h->fin_seq;
	return upto - h->next_seq;
}

static bool has_hole(const struct conn *c)
{
	return c->half[0].held || c->half[1].held || c->rst || acked_unseen(c, 0) || acked_unseen(c, 1);
}

/* What is missing at the front of a direction and may be given up now; 0: nothing. */
static u32 missing(const struct conn *c, int dir, u64 now, bool all)
{
	const struct half *h = &c->half[dir], *o = &c->half[dir ^ 1];
	u32 unseen = acked_unseen(c, dir);
	u32 hole = h->held && seq_before(h->next_seq, h->held->seq) ? h->held->seq - h->next_seq : 0;
	if (!hole)
		return h->held && !seq_before(h->next_seq, h->held->seq) ? 0 : unseen;
	bool acknowledged = !seq_before(o->acked, h->held->seq);
	bool patient = now < c->hole_ts + PATIENCE * c->flow->opt.grace_ns;
	if (!all && !acknowledged && patient)
		return MIN(unseen, hole);
	return hole;
}

void tcp_give_up(struct conn *c, u64 now, bool all)
{
	bool again = true;
	while (again && !c->opaque) {
		again = progress(c, now);
		for (int dir = 0; dir < 2 && !again; dir++) {
			u32 n = missing(c, dir, now, all);
			if (!n)
				continue;
			stream_missing(c, dir, n, now);
			check_fin(c, dir, now);
			again = true;
		}
	}
	if (has_hole(c) && !c->opaque)
		c->hole_ts = all ? 0 : MAX(c->hole_ts, 1);
	else
		c->hole_ts = 0;
}

static void update_holes(struct conn *c, u64 now, bool moved)
{
	if (!has_hole(c) || c->opaque) {
		c->hole_ts = 0;
		return;
	}
	if (c->hole_ts && !moved)
		return;
	c->hole_ts = now;
	if (!c->due || c->due > now + c->flow->opt.grace_ns)
		timer_arm(c, now + c->flow->opt.grace_ns);
}

/* A second copy of a segment (taken at another place of this host), not a retransmission. Copies from elsewhere may come before
 * the segment itself: they are not what the next one is compared with. */
static bool is_copy(struct half *h, const struct segment *seg, u64 since)
{
	u32 mark = (seg->seq * 2654435761u ^ seg->ack) * 2654435761u ^ seg->len ^ (u32)seg->flags << 24 ^ seg->window << 8;
	if (half_is(h, HALF_SEEN) && seg->origin != h->origin) {
		if (since < NS_PER_SEC)
			return true;
		h->origin = seg->origin;
	}
	bool same = mark == h->last_mark && half_is(h, HALF_SEEN);
	h->last_mark = mark;
	return same && seg->len && since < NS_PER_MS / 2;
}

static void take_data(struct conn *c, int dir, const struct segment *seg, u32 seq)
{
	struct flow *f = c->flow;
	struct half *h = &c->half[dir];
	const u8 *p = seg->payload;
	u32 len = seg->len, caplen = MIN(seg->caplen, seg->len);
	if (seq_before(seq, h->next_seq)) {
		u32 old = MIN(h->next_seq - seq, len);
		bool probe = len <= 1 && seq + 1 == h->next_seq; /* keep-alive, RFC 9293 section 3.8.4 */
		f->count->duplicate += old;
		if (old == len && !probe) {
			h->retransmits++;
			f->count->retransmits++;
			if (c->rtt_dir == dir) /* it cannot be told which of the two is acknowledged (RFC 6298 section 3) */
				c->rtt_dir = DIR_NONE;
		}
		p += MIN(old, caplen);
		caplen -= MIN(old, caplen);
		len -= old;
		seq += old;
		if (!len)
			return;
	}
	for (bool capped = false; len; capped = true) {
		bool early = seq != h->next_seq;
		if (c->opaque) {
			f->count->opaque += len;
			h->offset += seq + len - h->next_seq;
			h->next_seq = seq + len;
			return;
		}
		if (!early && !h->held && (capped || !(seg->flags & TCP_ACK) || caused(c, dir, seg->ack))) {
			deliver(c, dir, p, len, caplen, seg, p == seg->payload);
			return;
		}
		u32 n = held_add(c, dir, seg, p, seq, len, caplen);
		if (early && n && !capped) {
			h->out_of_order++;
			f->count->out_of_order++;
		}
		p += MIN(n, caplen);
		caplen -= MIN(n, caplen);
		len -= n;
		seq += n;
		if (!len)
			return;
		if (capped) { /* even an empty list has no room: memory is short */
			f->count->no_memory_bytes += len;
			return;
		}
		f->count->held_capped++;
		tcp_give_up(c, seg->ts, true);
		if (seq_before(h->next_seq, seq))
			stream_missing(c, dir, seq - h->next_seq, seg->ts);
		u32 old = MIN(h->next_seq - seq, len);
		f->count->duplicate += old;
		p += MIN(old, caplen);
		caplen -= MIN(old, caplen);
		len -= old;
		seq += old;
	}
}

static bool rtt_wanted(const struct conn *c)
{
	return c->flow->observer && c->flow->observer->rtt;
}

static void take_ack(struct conn *c, int dir, const struct segment *seg)
{
	struct half *h = &c->half[dir];
	if (seq_before(h->acked, seg->ack))
		h->acked = seg->ack;
	if (c->rtt_dir == (dir ^ 1) && !seq_before(seg->ack, c->rtt_seq)) {
		u64 rtt = seg->ts > c->rtt_ts ? seg->ts - c->rtt_ts : 0;
		if (!c->rtt_handshake && (!c->rtt || rtt < c->rtt))
			c->rtt = rtt;
		c->rtt_dir = DIR_NONE;
		if (rtt_wanted(c))
			c->flow->observer->rtt(c->flow->observer_arg, c, dir ^ 1, rtt, false);
	}
}

static void take_window(struct conn *c, struct half *h, const struct segment *seg)
{
	if (seg->flags & (TCP_RST | TCP_SYN))
		return;
	if (seg->window) {
		h->flags &= (u8)~HALF_ZERO_WINDOW;
	} else if (!half_is(h, HALF_ZERO_WINDOW)) {
		h->flags |= HALF_ZERO_WINDOW;
		h->zero_windows++;
		c->flow->count->zero_windows++;
	}
}

/* The opener's first acknowledgement of the SYN-ACK completes the hand-shake: its round trip is the whole path's. */
static void take_handshake(struct conn *c, int dir, const struct segment *seg)
{
	if (c->rtt_handshake || c->opener != dir || seg->flags & TCP_SYN || !half_is(&c->half[dir ^ 1], HALF_SYN) ||
	    c->half[0].offset || c->half[1].offset)
		return;
	c->rtt = seg->ts > c->opened_ts ? seg->ts - c->opened_ts : 0;
	c->rtt_handshake = true;
	if (rtt_wanted(c))
		c->flow->observer->rtt(c->flow->observer_arg, c, dir, c->rtt, true);
}

/* A SYN on a known connection: its own again (true), or another connection's (false). */
static bool syn_belongs(struct conn *c, int dir, const struct segment *seg)
{
	struct half *h = &c->half[dir];
	if (!half_is(h, HALF_STARTED))
		return true;
	if (h->next_seq - (u32)h->offset != seg->seq + 1)
		return false;
	return half_is(h, HALF_SYN) || h->offset == 0;
}

static void reset(struct conn *c, enum stream_end end, u64 ts)
{
	tcp_give_up(c, ts, true);
	conn_end(c, end, ts);
}

static void take_rst(struct conn *c, int dir, const struct segment *seg)
{
	struct half *h = &c->half[dir], *o = &c->half[dir ^ 1];
	if (c->state == CONN_SYN && dir != c->opener) {
		if (seg->flags & TCP_ACK && seg->ack == o->next_seq)
			conn_end(c, END_REFUSED, seg->ts);
		return;
	}
	i32 ahead = (i32)(seg->seq - h->next_seq);
	if (half_is(h, HALF_STARTED) && (ahead < -RST_BEHIND || ahead > RST_AHEAD))
		return;
	if (!half_is(h, HALF_FIN))
		h->fin_seq = seg->seq;
	c->rst = (u8)(dir + 1);
	if (is_reset(c) && (!(seg->flags & TCP_ACK) || caused(c, dir, seg->ack)))
		reset(c, END_RESET, seg->ts);
}

/* The connection this segment belongs to: known, replaced or new; NULL when it begins none. */
static struct conn *find_or_open(struct flow *f, const struct segment *seg, u32 hash, int *ret_dir)
{
	struct conn *c = table_find(f, seg, hash, ret_dir);
	bool syn = seg->flags & TCP_SYN;
	if (c && c->state == CONN_CLOSED) {
		i32 away = (i32)(seg->seq - c->half[*ret_dir].next_seq);
		bool fresh = seg->len && !(seg->flags & TCP_RST) && (away > NEW_SPACE || away < -NEW_SPACE);
		if (!fresh && !(syn && !syn_belongs(c, *ret_dir, seg)))
			return c;
		table_remove(c);
		c = NULL;
	} else if (c && syn && !syn_belongs(c, *ret_dir, seg)) {
		reset(c, END_CLOSED, seg->ts);
		if (c->state == CONN_CLOSED)
			table_remove(c);
		c = NULL;
	}
	if (c || seg->flags & TCP_RST || (!syn && !seg->len))
		return c;
	c = table_add(f, seg, hash);
	*ret_dir = DIR_A;
	if (!c)
		return NULL;
	f->count->conns_midstream += !syn;
	c->half[DIR_A].origin = seg->origin;
	c->state = syn && !(seg->flags & TCP_ACK) ? CONN_SYN : CONN_OPEN;
	c->opener = !syn ? DIR_NONE : seg->flags & TCP_ACK ? DIR_B : DIR_A;
	conn_begin(c);
	return c;
}

/* Without its SYN, where a direction begins is a guess from the first segment seen: an earlier one, or a request that knows less of it,
 * moves it back as long as nothing has been delivered, of the other direction neither: that has told how much of this one it had received. */
static void start_earlier(struct conn *c, int dir, u32 seq)
{
	struct half *h = &c->half[dir];
	bool told = h->offset || c->half[dir ^ 1].offset;
	if (half_is(h, HALF_STARTED) && !half_is(h, HALF_SYN) && !told && seq_before(seq, h->next_seq) && h->next_seq - seq < START_BACK)
		h->next_seq = seq;
}

static void begin_half(struct conn *c, int dir, const struct segment *seg)
{
	struct half *h = &c->half[dir], *o = &c->half[dir ^ 1];
	bool syn = seg->flags & TCP_SYN;
	if (!half_is(h, HALF_STARTED))
		half_start(c, dir, seg->seq + syn);
	if (syn)
		h->flags |= HALF_SYN;
	if (!half_is(h, HALF_SEEN)) {
		h->origin = seg->origin;
		h->flags |= HALF_SEEN;
	}
	if (seg->flags & TCP_ACK && !half_is(o, HALF_STARTED))
		half_start(c, dir ^ 1, seg->ack);
	if (seg->len > 1 && !syn) { /* not a keep-alive probe */
		start_earlier(c, dir, seg->seq);
		if (seg->flags & TCP_ACK)
			start_earlier(c, dir ^ 1, seg->ack);
	}
	if (c->state == CONN_SYN && dir != c->opener && !(seg->flags & TCP_RST))
		c->state = CONN_OPEN;
}

static void sample_rtt(struct conn *c, int dir, const struct segment *seg, u32 seq)
{
	bool wanted = !c->rtt_handshake || rtt_wanted(c);
	if (!seg->len || c->rtt_dir != DIR_NONE || !wanted || seq_before(seq, c->half[dir].next_seq))
		return;
	c->rtt_dir = (u8)dir;
	c->rtt_seq = seq + seg->len;
	c->rtt_ts = seg->ts;
}

static void take_fin(struct conn *c, int dir, const struct segment *seg, u32 seq)
{
	struct half *h = &c->half[dir];
	if (seq_before(seq + seg->len + 1, h->next_seq)) /* more has come since: an old one, or nobody's who is meant (1: an ACK of it came before it) */
		return;
	if (!half_is(h, HALF_FIN)) {
		h->flags |= HALF_FIN;
		h->fin_seq = seq + seg->len;
	}
	check_fin(c, dir, seg->ts);
}

void tcp_segment(struct flow *f, const struct segment *seg, u32 hash)
{
	int dir = DIR_A;
	f->count->tcp_segments++;
	struct conn *c = find_or_open(f, seg, hash, &dir);
	f->count->stream_bytes += seg->len;
	if (!c || c->state == CONN_CLOSED) {
		f->count->late += seg->len;
		return;
	}
	struct half *h = &c->half[dir], *o = &c->half[dir ^ 1];
	if (is_copy(h, seg, f->now - c->seen_ts)) {
		f->count->copies++;
		f->count->duplicate += seg->len;
		return;
	}
	c->seen_ts = f->now;
	observe_packet(f, c);
	h->packets++;
	h->bytes += seg->len;
	begin_half(c, dir, seg);
	u32 seq = seg->seq + ((seg->flags & TCP_SYN) != 0);
	if (seg->flags & TCP_ACK) {
		take_ack(c, dir, seg);
		take_handshake(c, dir, seg);
	}
	if (seg->flags & TCP_RST) {
		f->count->late += seg->len; /* a RST's payload is a diagnostic text, not data */
		take_rst(c, dir, seg);
		if (c->state != CONN_OPEN && c->state != CONN_SYN)
			return;
	} else {
		take_window(c, h, seg);
		sample_rtt(c, dir, seg, seq);
		if (seg->len)
			take_data(c, dir, seg, seq);
		if (seg->flags & TCP_FIN)
			take_fin(c, dir, seg, seq);
	}
	if (unlikely(h->held || o->held || c->rst || c->hole_ts || seq_before(o->next_seq, h->acked) ||
		     seq_before(h->next_seq, o->acked)))
		update_holes(c, f->now, progress(c, seg->ts));
	if (is_reset(c) && c->state != CONN_CLOSED)
		reset(c, END_RESET, seg->ts);
	else if (half_is(h, HALF_FIN_DONE) && half_is(o, HALF_FIN_DONE))
		conn_end(c, END_CLOSED, seg->ts);
}
