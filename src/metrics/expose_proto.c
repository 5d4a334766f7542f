/* io.prometheus.client.MetricFamily, each with its length before it. Written by hand: the messages are six and flat, each
 * is written once into the caller's buffer with its length put in afterwards, and nothing is allocated a sample;
 * protobuf-c would build a tree of small objects for each. Field numbers are those of client_model's metrics.proto. */
#include "metrics/buckets.h"
#include "metrics/expose_private.h"

enum wire { VARINT = 0, FIXED64 = 1, LENGTH = 2 };

static void varint(struct buf *out, u64 v)
{
	u8 bytes[10];
	size_t n = 0;
	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (u8)(v | 0x80);
	bytes[n++] = (u8)v;
	buf_add(out, bytes, n);
}

static u64 zigzag(i64 v)
{
	return (u64)v << 1 ^ (u64)(v >> 63);
}

static void tag(struct buf *out, u32 field, enum wire wire)
{
	varint(out, field << 3 | wire);
}

static void put_varint(struct buf *out, u32 field, u64 v)
{
	tag(out, field, VARINT);
	varint(out, v);
}

static void put_double(struct buf *out, u32 field, double v)
{
	u64 bits;
	u8 bytes[8];
	memcpy(&bits, &v, sizeof(bits));
	for (size_t i = 0; i < 8; i++)
		bytes[i] = (u8)(bits >> (8 * i));
	tag(out, field, FIXED64);
	buf_add(out, bytes, 8);
}

static void put_str(struct buf *out, u32 field, struct str s)
{
	tag(out, field, LENGTH);
	varint(out, s.n);
	buf_add_str(out, s);
}

/* A message begins: its length follows when it ends. Returns where. */
static size_t begin(struct buf *out, u32 field)
{
	if (field)
		tag(out, field, LENGTH);
	buf_addc(out, 0);
	return out->len;
}

static void end(struct buf *out, size_t at)
{
	u64 n = out->len - at;
	size_t more = 0;
	if (out->failed)
		return;
	for (u64 v = n; v >= 0x80; v >>= 7)
		more++;
	if (more && !buf_room(out, more))
		return;
	if (more)
		memmove(out->data + at + more, out->data + at, n);
	u8 *p = (u8 *)out->data + at - 1;
	for (; n >= 0x80; n >>= 7)
		*p++ = (u8)(n | 0x80);
	*p = (u8)n;
	out->len += more;
}

static void timestamp(struct buf *out, u32 field, u64 ns)
{
	size_t at = begin(out, field);
	put_varint(out, 1, ns / NS_PER_SEC);
	put_varint(out, 2, ns % NS_PER_SEC);
	end(out, at);
}

static void label(struct buf *out, u32 field, struct str name, struct str value)
{
	size_t at = begin(out, field);
	put_str(out, 1, name);
	put_str(out, 2, value);
	end(out, at);
}

static void exemplar(struct buf *out, u32 field, const struct snapshot_exemplar *e)
{
	static const char hex[] = "0123456789abcdef";
	char id[32];
	if (!e->time)
		return;
	for (size_t i = 0; i < sizeof(e->trace); i++) {
		id[i * 2] = hex[e->trace[i] >> 4];
		id[i * 2 + 1] = hex[e->trace[i] & 15];
	}
	size_t at = begin(out, field);
	label(out, 1, STR("trace_id"), str_make(id, sizeof(id)));
	put_double(out, 2, e->value);
	timestamp(out, 3, e->time);
	end(out, at);
}

static void bucket(struct buf *out, u64 cumulative, double upper, const struct snapshot_exemplar *e)
{
	size_t at = begin(out, 3);
	put_varint(out, 1, cumulative);
	put_double(out, 2, upper);
	if (e)
		exemplar(out, 3, e);
	end(out, at);
}

/* Where the next run of buckets begins, and its end; false: no more. Gaps of up to two empty buckets cost less than a new span. */
static bool next_span(const struct snapshot_native *n, u32 *from, u32 *to)
{
	u32 i = *to, last;
	while (i < n->n && !n->counts[i])
		i++;
	if (i == n->n)
		return false;
	*from = last = i;
	for (; i < n->n && i - last <= 3; i++)
		if (n->counts[i])
			last = i;
	*to = last + 1;
	return true;
}

static void native(struct buf *out, const struct snapshot_native *n)
{
	put_varint(out, 5, zigzag(n->schema));
	put_double(out, 6, n->zero_threshold);
	put_varint(out, 7, n->zero_count);
	i64 after = 0; /* index behind the span before */
	for (u32 from = 0, to = 0; next_span(n, &from, &to);) {
		size_t at = begin(out, 12);
		put_varint(out, 1, zigzag((i64)n->first + from - after));
		put_varint(out, 2, to - from);
		end(out, at);
		after = (i64)n->first + to;
	}
	if (!n->n) { /* an empty span tells it from a classic histogram without any */
		size_t at = begin(out, 12);
		put_varint(out, 1, 0);
		put_varint(out, 2, 0);
		end(out, at);
		return;
	}
	size_t at = begin(out, 13);
	u64 before = 0;
	for (u32 from = 0, to = 0; next_span(n, &from, &to);) {
		for (u32 i = from; i < to; i++) {
			varint(out, zigzag((i64)(n->counts[i] - before)));
			before = n->counts[i];
		}
	}
	end(out, at);
}

static void buckets(struct buf *out, const struct snapshot_histogram *h)
{
	u64 sum = 0;
	for (u32 i = 0; i < h->classic_len; i++) {
		sum += h->classic[i].count;
		bucket(out, sum, h->classic[i].upper, &h->classic[i].exemplar);
	}
	if (h->classic || h->native || !h->vmrange)
		return;
	double bounds[VMRANGE_BUCKETS + 1];
	u64 counts[VMRANGE_BUCKETS + 1];
	u32 n = expose_ranges_as_bounds(h, bounds, counts);
	for (u32 i = 0; i < n; i++) {
		sum += counts[i];
		bucket(out, sum, bounds[i], NULL);
	}
}

static void histogram(struct buf *out, const struct snapshot_series *s)
{
	const struct snapshot_histogram *h = s->histogram;
	size_t at = begin(out, 7);
	put_varint(out, 1, h->count);
	put_double(out, 2, h->sum);
	buckets(out, h);
	if (h->native)
		native(out, h->native);
	if (s->created)
		timestamp(out, 15, s->created);
	if (h->native) { /* exemplars of a native histogram stand beside its buckets */
		exemplar(out, 16, &s->exemplar);
		for (u32 i = 0; i < h->classic_len; i++)
			exemplar(out, 16, &h->classic[i].exemplar);
	}
	end(out, at);
}

static void metric(struct buf *out, const struct snapshot_family *f, const struct snapshot_series *s)
{
	size_t at = begin(out, 4), value;
	for (u32 i = 0; i < s->labels_len; i++)
		label(out, 1, s->labels[i].name, s->labels[i].value);
	switch (f->type) {
	case METRIC_HISTOGRAM:
		if (s->histogram)
			histogram(out, s);
		break;
	case METRIC_COUNTER:
		value = begin(out, 3);
		put_double(out, 1, s->value);
		exemplar(out, 2, &s->exemplar);
		if (s->created)
			timestamp(out, 3, s->created);
		end(out, value);
		break;
	default:
		value = begin(out, 2);
		put_double(out, 1, s->value);
		end(out, value);
	}
	end(out, at);
}

void expose_protobuf(struct buf *out, const struct snapshot *s)
{
	static const u8 types[] = { [METRIC_COUNTER] = 0, [METRIC_GAUGE] = 1, [METRIC_HISTOGRAM] = 4 };
	for (u32 i = 0; i < s->families_len && !out->failed; i++) {
		const struct snapshot_family *f = &s->families[i];
		u32 first = 0;
		while (first < f->series_len && f->series[first].stale)
			first++;
		if (first == f->series_len)
			continue;
		size_t at = begin(out, 0);
		put_str(out, 1, f->name);
		if (f->help.n)
			put_str(out, 2, f->help);
		put_varint(out, 3, types[f->type]);
		for (u32 k = first; k < f->series_len && !out->failed; k++)
			if (!f->series[k].stale)
				metric(out, f, &f->series[k]);
		if (f->unit.n)
			put_str(out, 5, f->unit);
		end(out, at);
	}
}
