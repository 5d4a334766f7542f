#include "export/remote_encode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "export/pb.h"
#include "export/symbols.h"

#define LABELS_MAX (METRIC_LABELS_MAX + REMOTE_EXTERNAL_MAX + 2)
#define STALE_NAN 0x7ff0000000000002ull
#define VMRANGES 488
#define VALUE_MAX 1024u

enum { V1_REQUEST_SERIES = 1, V1_REQUEST_METADATA = 3, V1_LABELS = 1, V1_SAMPLES = 2, V1_EXEMPLARS = 3, V1_HISTOGRAMS = 4 };
enum { V2_REQUEST_SYMBOLS = 4, V2_REQUEST_SERIES = 5, V2_LABELS = 1, V2_SAMPLES = 2, V2_HISTOGRAMS = 3, V2_EXEMPLARS = 4, V2_METADATA = 5, V2_CREATED = 6 };
enum { SAMPLE_VALUE = 1, SAMPLE_TIME = 2 };
enum { EXEMPLAR_LABELS = 1, EXEMPLAR_VALUE = 2, EXEMPLAR_TIME = 3 };
enum { HIST_COUNT = 1, HIST_SUM = 3, HIST_SCHEMA = 4, HIST_ZERO_THRESHOLD = 5, HIST_ZERO_COUNT = 6, HIST_SPANS = 11, HIST_DELTAS = 12, HIST_TIME = 15 };

struct label {
	struct str name, value;
};

struct remote_encoder {
	struct remote_options o;
	struct symbols *symbols; /* 2.0: one table a shard */
	struct buf names;        /* "NAME_bucket" and the like of the family being written */
	struct buf scratch;
	char (*vmranges)[32];
	u64 time;               /* ms */
	u64 last, last_id;      /* of the picture before: ns, and the youngest series in it; 0: there is none */
	u64 now, youngest;      /* of this one */
	/* the series being written */
	struct label labels[LABELS_MAX]; /* sorted by name */
	u32 labels_len;
	u32 shard;
	const struct snapshot_family *family;
	const struct snapshot_series *series;
};

/* "1.000e-09...1.136e-09": the end of one is the beginning of the next, and the bounds grow by multiplication. */
static void make_vmranges(char (*texts)[32])
{
	char start[16] = "0", end[16];
	double bound = 1e-9, ratio = pow(10, 1.0 / 18);
	for (int i = 0; i < VMRANGES; i++, bound *= ratio) {
		if (i == VMRANGES - 1)
			snprintf(end, sizeof(end), "+Inf");
		else
			snprintf(end, sizeof(end), "%.3e", bound);
		snprintf(texts[i], sizeof(texts[i]), "%s...%s", start, end);
		memcpy(start, end, sizeof(start));
	}
}

struct remote_encoder *remote_encoder_new(const struct remote_options *o)
{
	struct remote_encoder *e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->o = *o;
	e->vmranges = calloc(VMRANGES, sizeof(*e->vmranges));
	e->symbols = calloc(o->shards, sizeof(*e->symbols));
	if (!e->vmranges || !e->symbols) {
		remote_encoder_free(e);
		return NULL;
	}
	make_vmranges(e->vmranges);
	return e;
}

void remote_encoder_free(struct remote_encoder *e)
{
	if (!e)
		return;
	for (u32 i = 0; e->symbols && i < e->o.shards; i++)
		symbols_done(&e->symbols[i]);
	free(e->symbols);
	free(e->vmranges);
	buf_done(&e->names);
	buf_done(&e->scratch);
	free(e);
}

/* --- labels --- */

static int compare(struct str a, struct str b)
{
	int c = memcmp(a.p, b.p, MIN(a.n, b.n));
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* Keeps the list sorted. The first label of a name wins; labels without a value are none. Where it stands; -1: nowhere. */
static int add_label(struct remote_encoder *e, struct str name, struct str value)
{
	u32 at = e->labels_len;
	if (value.n == 0 || name.n == 0 || e->labels_len == LABELS_MAX)
		return -1;
	while (at > 0 && compare(e->labels[at - 1].name, name) > 0)
		at--;
	if (at > 0 && str_eq(e->labels[at - 1].name, name))
		return -1;
	memmove(&e->labels[at + 1], &e->labels[at], (e->labels_len++ - at) * sizeof(*e->labels));
	e->labels[at] = (struct label){ name, value };
	return (int)at;
}

static struct str *value_of(struct remote_encoder *e, struct str name)
{
	for (u32 i = 0; i < e->labels_len; i++)
		if (str_eq(e->labels[i].name, name))
			return &e->labels[i].value;
	return NULL;
}

static void begin_labels(struct remote_encoder *e, const struct snapshot_series *s)
{
	const struct config_pairs *external = e->o.external;
	e->series = s;
	e->labels_len = 0;
	e->scratch.len = 0;
	buf_room(&e->scratch, METRIC_LABELS_MAX * 3 * VALUE_MAX);
	add_label(e, STR("__name__"), e->family->name);
	for (u32 i = 0; i < s->labels_len; i++) {
		/* Values that are not valid are copied: there is room for all, so that none of the copies moves. */
		struct str value = str_make(s->labels[i].value.p, MIN(s->labels[i].value.n, VALUE_MAX));
		add_label(e, s->labels[i].name, pb_clean(value, &e->scratch));
	}
	for (u32 i = 0; external && i < MIN(external->n, (u32)REMOTE_EXTERNAL_MAX); i++)
		add_label(e, str_from(external->v[i].name), str_from(external->v[i].value));
	u64 hash = XXH3_64bits(e->family->name.p, e->family->name.n);
	for (u32 i = 0; i < s->labels_len; i++)
		hash = XXH3_64bits_withSeed(s->labels[i].value.p, s->labels[i].value.n, hash);
	e->shard = (u32)(hash % e->o.shards);
}

static void put_symbol(struct remote_encoder *e, struct buf *b, struct str text, u32 *refs, u32 *n)
{
	bool fresh;
	u32 at = symbols_find(&e->symbols[e->shard], text, &fresh);
	if (fresh)
		pb_bytes(b, V2_REQUEST_SYMBOLS, text.p, text.n);
	refs[(*n)++] = at;
}

static void put_refs(struct buf *b, u32 field, const u32 *refs, u32 n)
{
	size_t mark = pb_begin(b, field, 1);
	for (u32 i = 0; i < n; i++)
		pb_varint(b, refs[i]);
	pb_end(b, mark, 1);
}

static void put_label(struct buf *b, u32 field, struct str name, struct str value)
{
	size_t mark = pb_begin(b, field, 1);
	pb_bytes(b, 1, name.p, name.n);
	pb_bytes(b, 2, value.p, value.n);
	pb_end(b, mark, 1);
}

/* --- series --- */

/* A sample, or a native histogram, of the labels as they are now. */
struct point {
	u64 bits; /* of the value */
	const struct snapshot_histogram *histogram;
	const struct snapshot_exemplar *exemplar;
	u32 suffix_len; /* nothing or "_bucket": metadata is the family's */
};

static void put_sample(struct buf *b, u32 field, u64 bits, u64 time)
{
	size_t mark = pb_begin(b, field, 1);
	if (bits)
		pb_fixed64(b, SAMPLE_VALUE, bits);
	pb_u64(b, SAMPLE_TIME, time);
	pb_end(b, mark, 1);
}

static bool is_new(const struct remote_encoder *e, const struct snapshot_series *s)
{
	if (e->last_id == 0)
		return s->created > e->o.since;
	/* One without labels has its number before it has a value. */
	return s->id > e->last_id || (s->created > e->last && s->created <= e->now);
}

/* When the series began, ms, if that is to be told; 0: not. What an earlier one of the same labels has told is not told again. */
static u64 beginning(const struct remote_encoder *e)
{
	const struct snapshot_series *s = e->series;
	if (!s->created || s->stale || e->family->type == METRIC_GAUGE || !is_new(e, s))
		return 0;
	u64 at = MIN(MAX(s->created / NS_PER_MS, e->last / NS_PER_MS + 1), e->time - 1);
	return at > e->last / NS_PER_MS ? at : 0;
}

/* Runs of buckets that hold something; gaps of up to two empty ones cost less than a span. */
static void put_buckets(struct buf *b, const struct snapshot_native *h)
{
	i64 previous = 0, end = 0;
	struct buf deltas = { 0 };
	for (u32 i = 0; i < h->n;) {
		if (h->counts[i] == 0) {
			i++;
			continue;
		}
		u32 last = i;
		for (u32 k = i + 1; k < h->n && k - last <= 3; k++)
			if (h->counts[k])
				last = k;
		size_t span = pb_begin(b, HIST_SPANS, 1);
		pb_u64(b, 1, pb_zigzag(h->first + (i64)i - end));
		pb_u64(b, 2, last + 1 - i);
		pb_end(b, span, 1);
		for (u32 k = i; k <= last; k++) {
			pb_varint(&deltas, pb_zigzag((i64)h->counts[k] - previous));
			previous = (i64)h->counts[k];
		}
		i = last + 1;
		end = h->first + (i64)i;
	}
	if (deltas.len)
		pb_bytes(b, HIST_DELTAS, deltas.data, deltas.len);
	b->failed |= deltas.failed;
	buf_done(&deltas);
}

static void put_histogram(struct remote_encoder *e, struct buf *b, u32 field, const struct snapshot_histogram *h, bool stale)
{
	static const struct snapshot_native none;
	const struct snapshot_native *native = h && h->native && !stale ? h->native : &none;
	size_t mark = pb_begin(b, field, 1);
	pb_u64(b, HIST_COUNT, stale ? 0 : h->count);
	pb_fixed64(b, HIST_SUM, stale ? STALE_NAN : pb_double_bits(h->sum));
	pb_u64(b, HIST_SCHEMA, pb_zigzag(native->schema));
	pb_double(b, HIST_ZERO_THRESHOLD, native->zero_threshold);
	pb_u64(b, HIST_ZERO_COUNT, native->zero_count);
	put_buckets(b, native);
	pb_u64(b, HIST_TIME, e->time);
	pb_end(b, mark, 1);
}

static void put_exemplar_body(struct buf *b, const struct snapshot_exemplar *x)
{
	pb_double(b, EXEMPLAR_VALUE, x->value);
	pb_u64(b, EXEMPLAR_TIME, x->time / NS_PER_MS);
}

static struct str trace_text(const struct snapshot_exemplar *x, char to[32])
{
	static const char hex[] = "0123456789abcdef";
	for (int i = 0; i < 16; i++) {
		to[2 * i] = hex[x->trace[i] >> 4];
		to[2 * i + 1] = hex[x->trace[i] & 15];
	}
	return str_make(to, 32);
}

static void put_series_v1(struct remote_encoder *e, struct buf *b, const struct point *p)
{
	char trace[32];
	size_t mark = pb_begin(b, V1_REQUEST_SERIES, 2);
	for (u32 i = 0; i < e->labels_len; i++)
		put_label(b, V1_LABELS, e->labels[i].name, e->labels[i].value);
	if (p->histogram)
		put_histogram(e, b, V1_HISTOGRAMS, p->histogram, e->series->stale);
	else if (beginning(e))
		put_sample(b, V1_SAMPLES, 0, beginning(e));
	if (!p->histogram)
		put_sample(b, V1_SAMPLES, p->bits, e->time);
	if (p->exemplar) {
		size_t x = pb_begin(b, V1_EXEMPLARS, 1);
		put_label(b, EXEMPLAR_LABELS, STR("trace_id"), trace_text(p->exemplar, trace));
		put_exemplar_body(b, p->exemplar);
		pb_end(b, x, 1);
	}
	pb_end(b, mark, 2);
}

/* What the numbers of 1.0's and 2.0's metric types agree in. */
static u32 type_number(const struct snapshot_family *f)
{
	return f->type == METRIC_COUNTER ? 1 : f->type == METRIC_GAUGE ? 2 : 3;
}

/* Symbols stand in the request itself, so those that are new come before the series that uses them. */
static void put_series_v2(struct remote_encoder *e, struct buf *b, const struct point *p)
{
	u32 refs[2 * LABELS_MAX], n = 0, extra[4], extras = 0;
	char trace[32];
	for (u32 i = 0; i < e->labels_len; i++) {
		put_symbol(e, b, e->labels[i].name, refs, &n);
		put_symbol(e, b, e->labels[i].value, refs, &n);
	}
	put_symbol(e, b, e->family->help, extra, &extras);
	put_symbol(e, b, e->family->unit, extra, &extras);
	if (p->exemplar) {
		put_symbol(e, b, STR("trace_id"), extra, &extras);
		put_symbol(e, b, trace_text(p->exemplar, trace), extra, &extras);
	}
	size_t mark = pb_begin(b, V2_REQUEST_SERIES, 2);
	put_refs(b, V2_LABELS, refs, n);
	if (p->histogram)
		put_histogram(e, b, V2_HISTOGRAMS, p->histogram, e->series->stale);
	else
		put_sample(b, V2_SAMPLES, p->bits, e->time);
	if (p->exemplar) {
		size_t x = pb_begin(b, V2_EXEMPLARS, 1);
		put_refs(b, EXEMPLAR_LABELS, extra + 2, 2);
		put_exemplar_body(b, p->exemplar);
		pb_end(b, x, 1);
	}
	size_t meta = pb_begin(b, V2_METADATA, 1);
	pb_u64(b, 1, type_number(e->family));
	pb_u64(b, 3, extra[0]);
	pb_u64(b, 4, extra[1]);
	pb_end(b, meta, 1);
	if (e->series->created && e->family->type != METRIC_GAUGE)
		pb_u64(b, V2_CREATED, e->series->created / NS_PER_MS);
	pb_end(b, mark, 2);
}

static void put_point(struct remote_encoder *e, const struct point *p)
{
	struct outbox_feed *f = e->o.feeds[e->shard];
	struct symbols *symbols = &e->symbols[e->shard];
	struct buf *b = outbox_begin(f, 1);
	if (!b)
		return;
	if (e->o.version == 1) {
		put_series_v1(e, b, p);
	} else {
		if (b->len == 0) {
			u32 first = 0, n = 0;
			symbols_reset(symbols);
			put_symbol(e, b, (struct str){ 0 }, &first, &n);
		}
		put_series_v2(e, b, p);
		/* What was taken back took symbols with it: nothing more goes into this batch. */
		b->failed |= symbols->failed;
		symbols->failed |= b->failed;
	}
	outbox_end(f);
}

static void put_value(struct remote_encoder *e, double v, const struct snapshot_exemplar *x)
{
	struct point p = { .bits = e->series->stale ? STALE_NAN : pb_double_bits(v), .exemplar = x && x->time && !e->series->stale ? x : NULL };
	put_point(e, &p);
}

/* --- histograms --- */

static void set_name(struct remote_encoder *e, const char *suffix)
{
	size_t start = e->names.len;
	buf_add_str(&e->names, e->family->name);
	buf_adds(&e->names, suffix);
	struct str *name = value_of(e, STR("__name__"));
	if (!e->names.failed && name)
		*name = str_make(e->names.data + start, e->names.len - start);
}

static void remove_label(struct remote_encoder *e, struct str name)
{
	for (u32 i = 0; i < e->labels_len; i++) {
		if (!str_eq(e->labels[i].name, name))
			continue;
		memmove(&e->labels[i], &e->labels[i + 1], (--e->labels_len - i) * sizeof(*e->labels));
		return;
	}
}

static void put_classic(struct remote_encoder *e, const struct snapshot_histogram *h)
{
	char room[40];
	u64 sum = 0;
	int le = add_label(e, STR("le"), STR("+Inf"));
	for (u32 i = 0; i < h->classic_len && le >= 0; i++) {
		struct buf text = buf_fixed(room, sizeof(room));
		if (isinf(h->classic[i].upper))
			break;
		buf_add_double(&text, h->classic[i].upper);
		e->labels[le].value = str_make(text.data, text.len);
		sum += h->classic[i].count;
		put_value(e, (double)sum, &h->classic[i].exemplar);
	}
	if (le >= 0) {
		const struct snapshot_bucket *last = h->classic_len ? &h->classic[h->classic_len - 1] : NULL;
		e->labels[le].value = STR("+Inf");
		put_value(e, (double)h->count, last && isinf(last->upper) ? &last->exemplar : NULL);
		remove_label(e, STR("le"));
	}
}

static void put_vmranges(struct remote_encoder *e, const struct snapshot_histogram *h)
{
	int at = add_label(e, STR("vmrange"), STR("0"));
	for (u32 i = 0; i < h->vmrange_len && at >= 0; i++) {
		if (h->vmrange[i].bucket >= VMRANGES)
			continue;
		e->labels[at].value = str_from(e->vmranges[h->vmrange[i].bucket]);
		put_value(e, (double)h->vmrange[i].count, NULL);
	}
	if (at >= 0)
		remove_label(e, STR("vmrange"));
}

/* `h` of a series that has gone may be another series': only which buckets there are matters then. */
static void put_histogram_series(struct remote_encoder *e, const struct snapshot_histogram *h)
{
	e->names.len = 0;
	if (h->native) {
		struct point p = { .histogram = h };
		put_point(e, &p);
	}
	if (!h->classic && !h->vmrange_len && h->native)
		return;
	set_name(e, "_bucket");
	if (h->classic)
		put_classic(e, h);
	put_vmranges(e, h);
	set_name(e, "_sum");
	put_value(e, h->sum, NULL);
	set_name(e, "_count");
	put_value(e, (double)h->count, NULL);
}

static const struct snapshot_histogram *any_histogram(const struct snapshot_family *f)
{
	for (u32 i = 0; i < f->series_len; i++)
		if (f->series[i].histogram)
			return f->series[i].histogram;
	return NULL;
}

static void put_family(struct remote_encoder *e, const struct snapshot_family *f)
{
	e->family = f;
	const struct snapshot_histogram *other = f->type == METRIC_HISTOGRAM ? any_histogram(f) : NULL;
	for (u32 i = 0; i < f->series_len; i++) {
		const struct snapshot_series *s = &f->series[i];
		begin_labels(e, s);
		e->youngest = MAX(e->youngest, s->created ? s->id : 0);
		if (f->type != METRIC_HISTOGRAM)
			put_value(e, s->value, f->type == METRIC_COUNTER ? &s->exemplar : NULL);
		else if (s->histogram || other)
			put_histogram_series(e, s->histogram ? s->histogram : other);
	}
}

static void put_metadata(struct remote_encoder *e, const struct snapshot *s)
{
	struct buf *b = outbox_begin(e->o.feeds[0], 0);
	for (u32 i = 0; b && i < s->families_len; i++) {
		const struct snapshot_family *f = &s->families[i];
		size_t mark = pb_begin(b, V1_REQUEST_METADATA, 1);
		pb_u64(b, 1, type_number(f));
		pb_bytes(b, 2, f->name.p, f->name.n);
		pb_bytes(b, 4, f->help.p, f->help.n);
		pb_bytes(b, 5, f->unit.p, f->unit.n);
		pb_end(b, mark, 1);
	}
	if (b)
		outbox_end(e->o.feeds[0]);
}

void remote_encode(struct remote_encoder *e, const struct snapshot *s, bool metadata)
{
	e->time = s->time / NS_PER_MS;
	e->now = s->time;
	e->youngest = e->last_id;
	if (metadata && e->o.version == 1)
		put_metadata(e, s);
	for (u32 i = 0; i < s->families_len; i++)
		put_family(e, &s->families[i]);
	for (u32 i = 0; i < e->o.shards; i++)
		outbox_flush(e->o.feeds[i], s->time, true);
	e->last = s->time;
	e->last_id = MAX(e->youngest, 1);
}
