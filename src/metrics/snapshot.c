/* Adding up the shards. The lock is held at both ends only; in between registry.reading keeps what is looked at in place. */
#include "metrics/snapshot.h"

#include <stdlib.h>

#include "metrics/registry_private.h"

#define CHUNK_FIRST (64 * KIB)
#define CHUNK_MAX (4 * MIB)
#define STALE_AT_ONCE 8192 /* ended series told in one snapshot, since the lock is held meanwhile; the others in the next */

/* Memory that goes with the snapshot. */
struct chunk_head {
	struct chunk_head *next;
	u64 unused;
};

struct memory {
	struct chunk_head *chunks;
	u8 *at;
	size_t left, next_size;
	bool failed;
	u32 families_cap;
	u32 series_cap; /* of the family added last by a collector */
	bool own;       /* a collector of own metrics is at work */
};

static void *take(struct snapshot *s, size_t n)
{
	struct memory *m = s->memory;
	n = (n + 7) & ~(size_t)7;
	if (n > m->left) {
		size_t size = MAX(m->next_size, n);
		struct chunk_head *c = malloc(sizeof(*c) + size);
		if (!c) {
			m->failed = true;
			return NULL;
		}
		c->next = m->chunks;
		m->chunks = c;
		m->at = (u8 *)(c + 1);
		m->left = size;
		m->next_size = MIN(m->next_size * 2, CHUNK_MAX);
	}
	void *p = m->at;
	m->at += n;
	m->left -= n;
	return p;
}

static void *take_zero(struct snapshot *s, size_t n)
{
	void *p = take(s, n);
	return p ? memset(p, 0, n) : NULL;
}

static struct str take_str(struct snapshot *s, struct str v)
{
	char *p = take(s, v.n + 1u);
	if (!p)
		return (struct str){ 0 };
	if (v.n)
		memcpy(p, v.p, v.n);
	p[v.n] = '\0';
	return str_make(p, v.n);
}

/* An array twice as long. */
static void *take_more(struct snapshot *s, const void *old, u32 n, size_t size, u32 *cap)
{
	u32 more = *cap ? *cap * 2 : 16;
	void *p = take(s, more * size);
	if (!p)
		return NULL;
	if (n)
		memcpy(p, old, n * size);
	*cap = more;
	return p;
}

/* --- one series --- */

/* What a snapshot of histograms needs besides: one shard's numbers, and the sum of the native buckets so far. */
struct scratch {
	struct histogram_copy copy;
	struct sparse_entry *native, *merged; /* 2 * native_room each */
	u64 vmrange[VMRANGE_BUCKETS];
};

static u32 sparse_halve(struct sparse_entry *e, u32 n)
{
	u32 out = 0;
	for (u32 i = 0; i < n; i++) {
		i32 bucket = native_halved(e[i].bucket);
		if (out && e[out - 1].bucket == bucket)
			e[out - 1].count += e[i].count;
		else
			e[out++] = (struct sparse_entry){ .bucket = bucket, .count = e[i].count };
	}
	return out;
}

/* a += b, both ascending. */
static u32 sparse_merge(struct scratch *x, u32 n, const struct sparse_entry *b, u32 b_len)
{
	u32 out = 0, i = 0, k = 0;
	while (i < n || k < b_len) {
		if (k == b_len || (i < n && x->native[i].bucket < b[k].bucket)) {
			x->merged[out++] = x->native[i++];
		} else if (i == n || b[k].bucket < x->native[i].bucket) {
			x->merged[out++] = b[k++];
		} else {
			x->merged[out] = x->native[i++];
			x->merged[out++].count += b[k++].count;
		}
	}
	struct sparse_entry *swap = x->native;
	x->native = x->merged;
	x->merged = swap;
	return out;
}

struct native_sum {
	i32 schema;
	u64 zero;
	u32 n;
};

/* The coarser of the two resolutions, and coarser still when there are too many buckets. */
static void native_sum_add(struct scratch *x, struct native_sum *sum, u32 max)
{
	struct histogram_copy *c = &x->copy;
	sum->zero += c->zero;
	for (; c->schema > sum->schema; c->schema--)
		c->native_len = sparse_halve(c->native, c->native_len);
	for (; sum->schema > c->schema; sum->schema--)
		sum->n = sparse_halve(x->native, sum->n);
	sum->n = sparse_merge(x, sum->n, c->native, c->native_len);
	for (; sum->n > max && sum->schema > NATIVE_SCHEMA_MIN; sum->schema--)
		sum->n = sparse_halve(x->native, sum->n);
}

static const struct snapshot_native *native_result(struct snapshot *s, const struct scratch *x, const struct native_sum *sum)
{
	struct snapshot_native *n = take_zero(s, sizeof(*n));
	if (!n)
		return NULL;
	n->schema = sum->schema;
	n->zero_count = sum->zero;
	n->zero_threshold = NATIVE_ZERO_THRESHOLD;
	if (!sum->n)
		return n;
	n->first = x->native[0].bucket;
	n->n = (u32)(x->native[sum->n - 1].bucket - n->first + 1);
	u64 *counts = take_zero(s, n->n * sizeof(*counts));
	if (!counts)
		return NULL;
	for (u32 i = 0; i < sum->n; i++)
		counts[x->native[i].bucket - n->first] = x->native[i].count;
	n->counts = counts;
	return n;
}

static void vmrange_result(struct snapshot *s, const struct scratch *x, struct snapshot_histogram *h)
{
	u32 n = 0;
	for (u32 i = 0; i < VMRANGE_BUCKETS; i++)
		n += x->vmrange[i] != 0;
	struct snapshot_vmrange *v = take(s, MAX(n, 1) * sizeof(*v));
	if (!v)
		return;
	h->vmrange = v;
	for (u16 i = 0; i < VMRANGE_BUCKETS; i++)
		if (x->vmrange[i])
			v[h->vmrange_len++] = (struct snapshot_vmrange){ i, x->vmrange[i] };
}

static struct snapshot_bucket *buckets_new(struct snapshot *s, const struct group_metric *m)
{
	struct snapshot_bucket *b = take_zero(s, (m->bounds_len + 1) * sizeof(*b));
	for (u32 i = 0; b && i < m->bounds_len; i++)
		b[i].upper = m->bounds[i];
	if (b)
		b[m->bounds_len].upper = (double)__builtin_inf();
	return b;
}

static const struct snapshot_histogram *histogram_sum(struct snapshot *s, const struct series *series, u32 metric, struct scratch *x,
						      struct snapshot_exemplar *latest)
{
	const struct registry_options *o = &series->group->r->o;
	const struct group_metric *m = &series->group->metrics[metric];
	struct snapshot_histogram *h = take_zero(s, sizeof(*h));
	struct snapshot_bucket *buckets = h && o->histograms & HIST_CLASSIC ? buckets_new(s, m) : NULL;
	struct native_sum native = { .schema = o->native_schema };
	if (!h)
		return NULL;
	memset(x->vmrange, 0, o->histograms & HIST_VMRANGE ? sizeof(x->vmrange) : 0);
	for (u32 i = 0; i < o->workers; i++) {
		struct metric_cells *c = __atomic_load_n(&series->cells[i], __ATOMIC_ACQUIRE);
		if (!c)
			continue;
		histogram_read(c, metric, &x->copy);
		h->count += x->copy.count;
		h->sum += x->copy.sum;
		for (u32 k = 0; buckets && k <= m->bounds_len; k++)
			buckets[k].count += x->copy.classic[k];
		for (u32 k = 0; k < x->copy.vmrange_len; k++)
			x->vmrange[x->copy.vmrange[k].bucket] += x->copy.vmrange[k].count;
		if (o->histograms & HIST_NATIVE)
			native_sum_add(x, &native, o->native_max_buckets);
		histogram_exemplars(c, metric, buckets ? &buckets[0].exemplar : latest, buckets ? sizeof(*buckets) : 0);
	}
	h->classic = buckets;
	h->classic_len = buckets ? m->bounds_len + 1 : 0;
	if (o->histograms & HIST_VMRANGE)
		vmrange_result(s, x, h);
	if (o->histograms & HIST_NATIVE)
		h->native = native_result(s, x, &native);
	return h;
}

static void series_sum(struct snapshot *s, const struct series *series, u32 metric, struct scratch *x, struct snapshot_series *to)
{
	const struct metric_group *g = series->group;
	if (is_histogram(g, metric)) {
		to->histogram = histogram_sum(s, series, metric, x, &to->exemplar);
		return;
	}
	for (u32 i = 0; i < g->r->o.workers; i++) {
		struct metric_cells *c = __atomic_load_n(&series->cells[i], __ATOMIC_ACQUIRE);
		if (c)
			to->value += number_read(c, metric, &to->exemplar);
	}
}

static u64 series_touched(const struct series *series)
{
	u64 latest = 0;
	for (u32 i = 0; i < series->group->r->o.workers; i++) {
		const struct metric_cells *c = __atomic_load_n(&series->cells[i], __ATOMIC_ACQUIRE);
		u64 touched = c ? peek(&c->touched) : 0;
		latest = MAX(latest, touched);
	}
	return latest;
}

static const struct snapshot_label *series_labels(struct snapshot *s, const struct series *series, const struct snapshot_label *names)
{
	const struct metric_group *g = series->group;
	struct snapshot_label *l = take(s, MAX(g->labels_len, 1) * sizeof(*l));
	u32 values = g->labels_len * 2;
	struct str all = take_str(s, str_make((const char *)series_key(series) + values, series->key_len - values));
	u32 at = 0;
	for (u32 i = 0; l && i < g->labels_len; i++) {
		u16 n;
		memcpy(&n, series_key(series) + i * 2, 2);
		l[i] = (struct snapshot_label){ names[i].name, all.p ? str_make(all.p + at, n) : (struct str){ 0 } };
		at += n;
	}
	return l;
}

/* --- one group --- */

struct listed {
	const struct series **v;
	u32 n, cap;
};

static int by_values(const void *a, const void *b)
{
	return series_compare(*(const struct series *const *)a, *(const struct series *const *)b);
}

/* Those to be shown, in the order of their label values. */
static bool list_series(const struct metric_group *g, struct listed *list)
{
	list->n = 0;
	for (const struct series *s = __atomic_load_n(&g->head, __ATOMIC_ACQUIRE); s; s = s->next) {
		if (peek(&s->dead) || (s->other && (!g->labels_len || !peek(&s->created))))
			continue;
		if (list->n == list->cap) {
			u32 cap = list->cap ? list->cap * 2 : 1024;
			const struct series **v = realloc(list->v, cap * sizeof(*v));
			if (!v)
				return false;
			list->v = v;
			list->cap = cap;
		}
		list->v[list->n++] = s;
	}
	if (list->n > 1)
		qsort(list->v, list->n, sizeof(*list->v), by_values);
	return true;
}

static struct snapshot_label *label_names(struct snapshot *s, const struct metric_group *g)
{
	struct snapshot_label *names = take_zero(s, MAX(g->labels_len, 1) * sizeof(*names));
	for (u32 i = 0; names && i < g->labels_len; i++)
		names[i].name = take_str(s, str_from(g->labels[i]));
	return names;
}

static struct snapshot_family *family_new(struct snapshot *s)
{
	struct memory *m = s->memory;
	if (s->families_len == m->families_cap) {
		struct snapshot_family *more = take_more(s, s->families, s->families_len, sizeof(*more), &m->families_cap);
		if (!more)
			return NULL;
		s->families = more;
	}
	struct snapshot_family *f = &s->families[s->families_len++];
	*f = (struct snapshot_family){ 0 };
	m->series_cap = 0;
	return f;
}

static struct snapshot_family *family_of(struct snapshot *s, const struct group_metric *m)
{
	struct snapshot_family *f = family_new(s);
	if (f) {
		f->name = take_str(s, str_from(m->name));
		f->help = take_str(s, str_from(m->help));
		f->unit = take_str(s, str_from(m->unit));
		f->type = m->type;
	}
	return f;
}

static void group_sum(struct snapshot *s, const struct metric_group *g, const struct listed *list, struct scratch *x)
{
	struct snapshot_label *names = label_names(s, g);
	struct snapshot_series *first = take_zero(s, (size_t)list->n * g->metrics_len * sizeof(*first));
	if (!names || !first)
		return;
	for (u32 i = 0; i < list->n; i++) {
		const struct series *series = list->v[i];
		const struct snapshot_label *labels = series_labels(s, series, names);
		u64 touched = series_touched(series);
		for (u32 m = 0; m < g->metrics_len; m++) {
			struct snapshot_series *to = &first[(size_t)m * list->n + i];
			*to = (struct snapshot_series){ .labels = labels, .labels_len = g->labels_len, .id = series->id * METRIC_GROUP_MAX + m,
							.created = peek(&series->created), .touched = touched };
			series_sum(s, series, m, x, to);
		}
	}
	for (u32 m = 0; m < g->metrics_len; m++) {
		struct snapshot_family *f = family_of(s, &g->metrics[m]);
		if (!f)
			return;
		f->series = first + (size_t)m * list->n;
		f->series_len = list->n;
	}
}

/* --- series that have ended --- */

/* Not when one with the same values has begun since: it goes on as far as anybody can see. Under the lock. */
static bool is_reborn(const struct series *s)
{
	return directory_find(s->group, series_key(s), s->key_len, series_hash(s->group->r, series_key(s), s->key_len)) != NULL;
}

static void stale_add(struct snapshot *s, const struct series *series)
{
	const struct metric_group *g = series->group;
	struct snapshot_label *names = label_names(s, g);
	const struct snapshot_label *labels = names ? series_labels(s, series, names) : NULL;
	for (u32 m = 0; labels && m < g->metrics_len; m++) {
		struct snapshot_family *f = family_of(s, &g->metrics[m]);
		struct snapshot_series *to = f ? take_zero(s, sizeof(*to)) : NULL;
		if (!to)
			return;
		*to = (struct snapshot_series){ .labels = labels, .labels_len = g->labels_len, .id = series->id * METRIC_GROUP_MAX + m,
						.created = series->created, .touched = series_touched(series), .stale = true };
		f->series = to;
		f->series_len = 1;
	}
}

/* `deaths`: how many there had been when the reading began. Whoever has died since may be among the living of this snapshot. */
static void stale_all(struct snapshot *s, struct registry *r, u32 reader, u32 deaths)
{
	u8 bit = (u8)(1u << (reader - 1));
	u32 told = 0;
	for (struct series *series = r->stale; series && told < STALE_AT_ONCE; series = series->stale_next) {
		if (!(series->tell & bit) || (i32)(deaths - series->death) < 0)
			continue;
		if (!is_reborn(series))
			stale_add(s, series);
		if (((struct memory *)s->memory)->failed)
			break;
		series->tell &= (u8)~bit;
		told++;
	}
	stale_sweep(r);
}

/* --- the whole --- */

static int by_name(const void *a, const void *b)
{
	const struct snapshot_family *x = a, *y = b;
	int order = memcmp(x->name.p, y->name.p, MIN(x->name.n, y->name.n));
	if (!order)
		order = (x->name.n > y->name.n) - (x->name.n < y->name.n);
	/* the living before the ended: what is sorted must be the same every time */
	return order ? order : (x->series_len && x->series[0].stale) - (y->series_len && y->series[0].stale);
}

/* Families of one name (of groups with other labels, of series that have ended) become one. */
static void families_merge(struct snapshot *s)
{
	u32 out = 0;
	for (u32 from = 0, to; from < s->families_len; from = to) {
		size_t n = 0;
		for (to = from; to < s->families_len && str_eq(s->families[to].name, s->families[from].name); to++)
			n += s->families[to].series_len;
		struct snapshot_family f = s->families[from];
		if (to > from + 1) {
			struct snapshot_series *all = take(s, MAX(n, 1) * sizeof(*all));
			n = 0;
			for (u32 i = from; all && i < to; i++) {
				if (s->families[i].series_len)
					memcpy(all + n, s->families[i].series, s->families[i].series_len * sizeof(*all));
				n += s->families[i].series_len;
			}
			f.series = all;
			f.series_len = all ? (u32)n : 0;
		}
		s->families[out++] = f;
	}
	s->families_len = out;
}

static bool scratch_init(struct scratch *x, const struct registry *r)
{
	u32 n = r->o.histograms & HIST_NATIVE ? native_room(r) : 1;
	struct sparse_entry *e = calloc(5 * (size_t)n, sizeof(*e));
	x->native = e;
	x->merged = e ? e + 2 * n : NULL;
	x->copy.native = e ? e + 4 * n : NULL;
	return e != NULL;
}

static void protocol_families(struct snapshot *s, struct registry *r, struct scratch *x)
{
	struct listed list = { 0 };
	for (const struct metric_group *g = __atomic_load_n(&r->groups, __ATOMIC_ACQUIRE); g; g = g->next)
		if (!peek(&g->dropped) && list_series(g, &list) && list.n)
			group_sum(s, g, &list, x);
	free(list.v);
}

static void collect(struct snapshot *s, struct registry *r, const struct snapshot_options *o)
{
	struct collector all[COLLECTORS_MAX];
	pthread_mutex_lock(&r->lock);
	u32 n = r->collectors_len;
	memcpy(all, r->collectors, n * sizeof(all[0]));
	pthread_mutex_unlock(&r->lock);
	for (u32 i = 0; i < n; i++) {
		((struct memory *)s->memory)->own = all[i].own;
		if (all[i].own ? o->own : o->protocol)
			all[i].collect(all[i].arg, s);
	}
}

struct snapshot *registry_snapshot(struct registry *r, const struct snapshot_options *o)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	struct scratch *x = calloc(1, sizeof(*x));
	struct memory *m = calloc(1, sizeof(*m));
	struct sparse_entry *base = NULL;
	if (!s || !x || !m || !scratch_init(x, r)) {
		free(s);
		free(x);
		free(m);
		return NULL;
	}
	base = x->native;
	m->next_size = CHUNK_FIRST;
	s->memory = m;
	s->time = o->now;
	if (o->protocol) {
		pthread_mutex_lock(&r->lock);
		r->reading++;
		u32 deaths = r->deaths;
		pthread_mutex_unlock(&r->lock);
		protocol_families(s, r, x);
		pthread_mutex_lock(&r->lock);
		if (--r->reading == 0)
			registry_sweep(r);
		if (o->reader)
			stale_all(s, r, o->reader, deaths);
		pthread_mutex_unlock(&r->lock);
	}
	collect(s, r, o);
	free(base);
	free(x);
	if (s->families_len)
		qsort(s->families, s->families_len, sizeof(*s->families), by_name);
	families_merge(s);
	if (m->failed) {
		snapshot_free(s);
		return NULL;
	}
	return s;
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	struct memory *m = s->memory;
	for (struct chunk_head *c = m->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(m);
	free(s);
}

/* --- collectors --- */

void snapshot_family(struct snapshot *s, const char *name, const char *help, const char *unit, u8 type)
{
	struct snapshot_family *f = family_new(s);
	if (!f)
		return;
	f->name = take_str(s, str_from(name));
	f->help = take_str(s, str_from(help));
	f->unit = take_str(s, str_from(unit));
	f->type = type;
	f->own = ((struct memory *)s->memory)->own;
}

void snapshot_value(struct snapshot *s, const struct snapshot_label *labels, u32 n, double value)
{
	struct memory *m = s->memory;
	if (!s->families_len || m->failed)
		return;
	struct snapshot_family *f = &s->families[s->families_len - 1];
	if (f->series_len == m->series_cap) {
		struct snapshot_series *more = take_more(s, f->series, f->series_len, sizeof(*more), &m->series_cap);
		if (!more)
			return;
		f->series = more;
	}
	struct snapshot_label *copy = take(s, MAX(n, 1) * sizeof(*copy));
	for (u32 i = 0; copy && i < n; i++) {
		u8 clean[METRIC_VALUE_MAX];
		copy[i].name = take_str(s, labels[i].name);
		copy[i].value = take_str(s, str_make(clean, metric_value_clean(clean, labels[i].value)));
	}
	((struct snapshot_series *)(uintptr_t)f->series)[f->series_len++] =
		(struct snapshot_series){ .labels = copy, .labels_len = copy ? n : 0, .touched = s->time, .value = value };
}
