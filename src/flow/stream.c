/* Ordered bytes to the consumer: skips, tails of incomplete messages, holes. Knows nothing of packets. */
#include "flow/flow_private.h"

#define TAIL_STEP 1024u /* bytes appended to a tail at a time when the consumer has not said how many it needs */
#define SPINS_MAX 64    /* verdicts without progress before a consumer is taken to be stuck */

/* Where the bytes at hand come from. */
struct source {
	u64 ts;
	u32 ack;
	bool has_ack, boundary;
};

u64 conn_ack_offset(const struct conn *c, int dir, u32 ack)
{
	const struct half *o = &c->half[dir ^ 1];
	i64 offset = (i64)o->offset + (i32)(ack - o->next_seq);
	return offset < 0 ? STREAM_ACK_UNKNOWN : (u64)offset; /* before the first byte seen: joined late */
}

static u8 *tail_data(struct tail *t)
{
	return (u8 *)(t + 1);
}

static void tail_free(struct conn *c, struct half *h)
{
	struct tail *t = h->tail;
	h->tail = NULL;
	bytes_put(c->flow, t, t->class);
}

void stream_drop_tail(struct conn *c, int dir, u64 *counter)
{
	struct half *h = &c->half[dir];
	if (!h->tail)
		return;
	*counter += h->tail->len;
	c->flow->count->held -= h->tail->len;
	tail_free(c, h);
}

/* A tail with room for n bytes more than it holds; NULL at the cap or without memory. */
static struct tail *tail_room(struct conn *c, struct half *h, size_t n)
{
	struct flow *f = c->flow;
	struct tail *t = h->tail;
	size_t need = (t ? t->len : 0) + n;
	u8 class;
	if (need > f->opt.tail_bytes)
		return NULL;
	if (t && need <= t->cap)
		return t;
	struct tail *bigger = bytes_get(f, sizeof(*t) + need, &class);
	if (!bigger)
		return NULL;
	*bigger = (struct tail){ 0 };
	if (t) {
		memcpy(bigger, t, sizeof(*t) + t->len);
		bytes_put(f, t, t->class);
	}
	bigger->class = class;
	bigger->cap = (u32)MIN(bytes_class_size(class) - sizeof(*t), f->opt.tail_bytes);
	return h->tail = bigger;
}

static bool tail_add(struct conn *c, int dir, const u8 *p, size_t n, const struct source *from)
{
	struct half *h = &c->half[dir];
	bool fresh = !h->tail;
	struct tail *t = tail_room(c, h, n);
	if (!t)
		return false;
	if (fresh) {
		t->ts = from->ts;
		t->ack = from->ack;
		t->has_ack = from->has_ack;
		h->flags = (u8)(from->boundary ? h->flags | HALF_TAIL_BOUNDARY : h->flags & ~HALF_TAIL_BOUNDARY);
	}
	memcpy(tail_data(t) + t->len, p, n);
	t->len += (u32)n;
	c->flow->count->held += n;
	return true;
}

/* The consumer cannot go on from here: what it had half read is given up and it looks for a new start. */
static void lose_sync(struct conn *c, int dir, u64 ts)
{
	stream_drop_tail(c, dir, &c->flow->count->unrecognised);
	c->flow->consumer->gap(c, dir, 0, ts);
}

/* Asks the consumer once. Returns the bytes it took, of n; *ret_want: how many it wants to see first, 0 when it took some. */
static size_t ask(struct conn *c, int dir, struct chunk *chunk, u32 *ret_want)
{
	struct flow *f = c->flow;
	struct half *h = &c->half[dir];
	enum parse verdict = f->consumer->data(c, dir, chunk);
	size_t used = MIN(chunk->used, chunk->n);
	*ret_want = 0;
	switch (verdict) {
	case PARSE_MORE:
		*ret_want = (u32)MIN(MAX(chunk->want, chunk->n + 1), UINT32_MAX);
		return 0;
	case PARSE_SKIP:
		h->skip = chunk->want;
		f->count->parsed += used;
		return used;
	case PARSE_DESYNC:
		used = used ? used : chunk->n;
		f->count->unrecognised += used;
		return used;
	case PARSE_NOT_MINE:
		conn_make_opaque(c);
		return 0;
	case PARSE_OK:
		break;
	}
	f->count->parsed += used;
	return used;
}

/* Offers n bytes at p, which nothing precedes. Returns how many were taken (consumed, or kept in a tail). */
static size_t feed_direct(struct conn *c, int dir, const u8 *p, size_t n, u64 offset, const struct source *from)
{
	struct chunk chunk = { .p = p, .n = n, .ts_first = from->ts, .ts = from->ts, .offset = offset,
			       .acked = from->has_ack ? conn_ack_offset(c, dir, from->ack) : STREAM_ACK_UNKNOWN,
			       .boundary = from->boundary };
	u32 want;
	size_t used = ask(c, dir, &chunk, &want);
	if (!want || n == 0)
		return used;
	if (tail_add(c, dir, p, n, from)) {
		c->half[dir].tail->want = want;
	} else {
		c->flow->count->tail_capped++;
		c->flow->count->unrecognised += n;
		lose_sync(c, dir, from->ts);
	}
	return n;
}

/* Bytes at the front of the tail that a skip covers. */
static void tail_skip(struct conn *c, struct half *h)
{
	struct tail *t = h->tail;
	u32 n = (u32)MIN(h->skip, t->len);
	if (h->skip != STREAM_FOREVER)
		h->skip -= n;
	c->flow->count->skipped += n;
	c->flow->count->held -= n;
	t->len -= n;
	memmove(tail_data(t), tail_data(t) + n, t->len);
}

/* The tail is complete enough: the consumer reads it until it is used up or wants more. `fresh` bytes at its end are also
 * the caller's; returns how many of them were taken. */
static size_t drain_tail(struct conn *c, int dir, size_t fresh, u64 offset, const struct source *from)
{
	struct half *h = &c->half[dir];
	const size_t all = fresh;
	for (int spins = 0; h->tail && h->tail->len && spins < SPINS_MAX; spins++) {
		struct tail *t = h->tail;
		struct chunk chunk = { .p = tail_data(t), .n = t->len, .ts_first = t->ts, .ts = from->ts, .offset = offset,
				       .acked = t->has_ack ? conn_ack_offset(c, dir, t->ack) : STREAM_ACK_UNKNOWN,
				       .boundary = (h->flags & HALF_TAIL_BOUNDARY) != 0 };
		u32 want;
		size_t old = t->len - MIN(t->len, fresh);
		chunk.fresh = old;
		chunk.fresh_acked = from->has_ack ? conn_ack_offset(c, dir, from->ack) : STREAM_ACK_UNKNOWN;
		size_t used = ask(c, dir, &chunk, &want);
		if (c->opaque)
			return all;
		if (want) {
			t->want = want;
			return all;
		}
		c->flow->count->held -= used;
		if (used >= old) { /* what is left is all the caller's: back to the direct path */
			c->flow->count->held -= t->len - used;
			tail_free(c, h);
			return all - fresh + used - old;
		}
		t->len -= (u32)used;
		memmove(tail_data(t), tail_data(t) + used, t->len);
		offset += used;
		if (used)
			h->flags &= (u8)~HALF_TAIL_BOUNDARY;
		if (h->skip) {
			u32 before = t->len;
			tail_skip(c, h);
			offset += before - t->len;
			fresh = MIN(fresh, t->len);
		}
	}
	if (h->tail && h->tail->len)
		conn_make_opaque(c);
	else if (h->tail)
		tail_free(c, h);
	return all;
}

void flow_look_again(struct conn *c, int dir)
{
	struct half *h = &c->half[dir];
	if (!h->tail)
		return;
	const struct source from = { .ts = h->tail->ts };
	drain_tail(c, dir, 0, h->offset - h->tail->len, &from);
}

/* Offers n bytes that follow the tail. */
static size_t feed_tail(struct conn *c, int dir, const u8 *p, size_t n, u64 offset, const struct source *from)
{
	struct half *h = &c->half[dir];
	u32 had = h->tail->len;
	size_t add = MIN(n, MAX(h->tail->want > had ? h->tail->want - had : 0, TAIL_STEP));
	if (!tail_add(c, dir, p, add, from)) {
		c->flow->count->tail_capped++;
		lose_sync(c, dir, from->ts);
		return 0;
	}
	if (h->tail->len < h->tail->want)
		return add;
	return drain_tail(c, dir, add, offset - had, from);
}

static void now_opaque(struct conn *c, u64 n)
{
	c->flow->count->opaque += n;
}

void stream_deliver(struct conn *c, int dir, const u8 *p, u32 len, u32 caplen, u64 ts, u32 ack, bool has_ack, bool boundary)
{
	struct half *h = &c->half[dir];
	struct flow_counters *count = c->flow->count;
	struct source from = { ts, ack, has_ack, boundary };
	u64 offset = h->offset;
	int spins = 0;
	h->next_seq += len;
	h->offset += len;
	if (unlikely(h->flags & HALF_FIN_DONE) && !c->opaque) { /* what the consumer had of this side is over */
		count->late += len;
		return;
	}
	while ((len || spins == 0) && !c->opaque) {
		bool resumed = false;
		if (h->skip) {
			u32 n = (u32)MIN(h->skip, len);
			if (h->skip != STREAM_FOREVER)
				h->skip -= n;
			count->skipped += n;
			p += MIN(n, caplen);
			caplen -= MIN(n, caplen);
			len -= n;
			offset += n;
			from.boundary = false;
			resumed = h->skip == 0;
		}
		if (!caplen && !resumed)
			break;
		size_t n = h->tail ? feed_tail(c, dir, p, caplen, offset, &from) : feed_direct(c, dir, p, caplen, offset, &from);
		if (n) {
			from.boundary = false;
			p += n;
			caplen -= (u32)n;
			len -= (u32)n;
			offset += n;
			spins = len ? 0 : 1;
		} else if (len == 0 || spins++ > SPINS_MAX) {
			break;
		}
	}
	if (len && (c->opaque || spins > SPINS_MAX)) {
		conn_make_opaque(c);
		now_opaque(c, len);
	} else if (len) { /* the capture length cut them off */
		count->snapped_bytes += len;
		stream_drop_tail(c, dir, &count->unrecognised);
		count->gaps++;
		c->flow->consumer->gap(c, dir, len, ts);
	}
}

void stream_missing(struct conn *c, int dir, u64 n, u64 ts)
{
	struct half *h = &c->half[dir];
	struct flow_counters *count = c->flow->count;
	u64 skipped = MIN(h->skip, n);
	h->next_seq += (u32)n;
	h->offset += n;
	if (c->opaque || h->flags & HALF_FIN_DONE)
		return;
	if (skipped) {
		if (h->skip != STREAM_FOREVER)
			h->skip -= skipped;
		count->gaps_skipped++;
		count->gap_skipped_bytes += skipped;
		if (h->skip == 0) {
			struct source from = { ts, 0, false, false };
			feed_direct(c, dir, NULL, 0, h->offset - (n - skipped), &from);
		}
	}
	if (n == skipped || c->opaque)
		return;
	count->gaps++;
	count->gap_bytes += n - skipped;
	stream_drop_tail(c, dir, &count->unrecognised);
	c->flow->consumer->gap(c, dir, n - skipped, ts);
}

void stream_fin(struct conn *c, int dir, u64 ts)
{
	stream_drop_tail(c, dir, &c->flow->count->unrecognised);
	if (!c->opaque)
		c->flow->consumer->fin(c, dir, ts);
}

void conn_make_opaque(struct conn *c)
{
	struct flow_counters *count = c->flow->count;
	if (c->opaque)
		return;
	c->opaque = true;
	for (int dir = 0; dir < 2; dir++) {
		stream_drop_tail(c, dir, &count->opaque);
		held_drop_all(c, dir, &count->opaque);
	}
	c->hole_ts = 0;
}
