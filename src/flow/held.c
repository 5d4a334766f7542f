/* Memory for bytes that must wait, and the sorted list of out-of-order segments. */
#include "flow/flow_private.h"

size_t bytes_class_size(u8 class)
{
	static const size_t sizes[BYTES_CLASSES] = { 256, 2 * KIB + 64, 16 * KIB + 64, 65 * KIB + 512 };
	return sizes[class];
}

void *bytes_get(struct flow *f, size_t n, u8 *ret_class)
{
	for (u8 class = 0; class < BYTES_CLASSES; class++) {
		if (n > bytes_class_size(class))
			continue;
		*ret_class = class;
		return slab_get(&f->bytes[class]);
	}
	return NULL;
}

void bytes_put(struct flow *f, void *p, u8 class)
{
	slab_put(&f->bytes[class], p);
}

static void held_account(struct conn *c, int dir, const struct held *e, int sign)
{
	struct flow *f = c->flow;
	u32 memory = (u32)bytes_class_size(e->class);
	c->half[dir].held_bytes += sign > 0 ? memory : (u32)-memory;
	f->held_total += sign > 0 ? memory : (u64)0 - memory;
	f->count->held += sign > 0 ? e->len : (u64)0 - e->len;
}

/* Bytes that the consumer will skip anyway are not kept, only that they came. */
static bool will_skip(const struct half *h, u32 seq, u32 len)
{
	return h->skip == STREAM_FOREVER || (u64)(seq - h->next_seq) + len <= h->skip;
}

/* One piece that overlaps nothing, after `prev` (NULL: first). */
static bool insert(struct conn *c, int dir, struct held *prev, const struct held *proto, const u8 *p)
{
	struct flow *f = c->flow;
	struct half *h = &c->half[dir];
	u32 caplen = will_skip(h, proto->seq, proto->len) ? 0 : proto->caplen;
	u8 class;
	if (h->held_bytes >= f->opt.held_per_conn || f->held_total >= f->opt.held_total)
		return false;
	struct held *e = bytes_get(f, sizeof(*e) + caplen, &class);
	if (!e)
		return false;
	*e = *proto;
	e->caplen = caplen;
	e->class = class;
	if (caplen)
		memcpy(e + 1, p, caplen);
	if (prev) {
		e->next = prev->next;
		prev->next = e;
		if (!e->next)
			h->held->last = e;
	} else {
		e->next = h->held;
		e->last = e->next ? e->next->last : e;
		h->held = e;
	}
	held_account(c, dir, e, 1);
	return true;
}

/* Bytes that came twice were sent when the earlier of the two segments says: they need not wait for more than that acknowledges. */
static void sent_earlier(struct held *e, const struct segment *seg)
{
	bool has_ack = (seg->flags & TCP_ACK) != 0;
	if (e->has_ack && (!has_ack || seq_before(seg->ack, e->ack))) {
		e->has_ack = has_ack;
		e->ack = seg->ack;
	}
}

u32 held_add(struct conn *c, int dir, const struct segment *seg, const u8 *p, u32 seq, u32 len, u32 caplen)
{
	struct half *h = &c->half[dir];
	struct held *prev = NULL, *next = h->held;
	bool boundary = p == seg->payload;
	u32 first = seq;
	if (h->held && !seq_before(seq, h->held->last->seq + h->held->last->len)) { /* as most are: behind all others */
		prev = h->held->last;
		next = NULL;
	}
	while (len) {
		while (next && !seq_before(seq, next->seq + next->len)) {
			prev = next;
			next = next->next;
		}
		u32 cut = next && seq_before(next->seq, seq) ? next->seq + next->len - seq : 0; /* first bytes seen stay */
		u32 known = next && !cut && seq_before(next->seq, seq + len) ? seq + len - next->seq : 0;
		u32 n = cut ? 0 : len - known;
		if (n) {
			struct held piece = { .ts = seg->ts, .seq = seq, .len = n, .caplen = MIN(caplen, n), .ack = seg->ack,
					      .has_ack = (seg->flags & TCP_ACK) != 0, .boundary = boundary };
			if (!insert(c, dir, prev, &piece, p))
				break;
			prev = prev ? prev->next : h->held;
		} else {
			n = MIN(len, cut ? cut : next->len);
			c->flow->count->duplicate += n;
			sent_earlier(next, seg);
		}
		seq += n;
		len -= n;
		p += MIN(n, caplen);
		caplen -= MIN(n, caplen);
		boundary = false;
	}
	return seq - first;
}

struct held *held_pop(struct conn *c, int dir)
{
	struct held *e = c->half[dir].held;
	c->half[dir].held = e->next;
	if (e->next)
		e->next->last = e->last;
	held_account(c, dir, e, -1);
	return e;
}

void held_drop_all(struct conn *c, int dir, u64 *counter)
{
	while (c->half[dir].held) {
		struct held *e = held_pop(c, dir);
		*counter += e->len;
		bytes_put(c->flow, e, e->class);
	}
}
