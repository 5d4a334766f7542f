/* The numbers of a series in one shard: written by its worker, read by anybody at any time.
 * A histogram's numbers belong together, so that the reader must see all or none of an observation: the writer makes `seq` odd
 * while it writes, the reader looks again when it was odd or has changed. The writer never waits. Stores are releases and loads
 * acquires, which are plain moves on x86 and need no fences elsewhere. */
#include <sched.h>
#include <stdlib.h>

#include "metrics/registry_private.h"

#define SPARSE_FIRST 8
#define SPARSE_WIDTH 4 /* native: buckets from the first to the last, in multiples of native_max_buckets */

static inline void put_u64(u64 *p, u64 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline u64 take_u64(const u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

u32 cells_layout(struct metric_group *g)
{
	u32 at = 0;
	u8 kinds = g->r->o.histograms;
	for (u32 i = 0; i < g->metrics_len; i++) {
		struct group_metric *m = &g->metrics[i];
		m->offset = at;
		if (m->type != METRIC_HISTOGRAM)
			at += sizeof(struct number_cell);
		else
			at += sizeof(struct histogram_cell) + (kinds & HIST_CLASSIC ? (m->bounds_len + 1) * 8 : 0);
	}
	return (u32)sizeof(struct metric_cells) + at;
}

static inline struct number_cell *number_of(struct metric_cells *c, u32 metric)
{
	return (struct number_cell *)(void *)(c->data + c->group->metrics[metric].offset);
}

static inline struct histogram_cell *histogram_of(struct metric_cells *c, u32 metric)
{
	return (struct histogram_cell *)(void *)(c->data + c->group->metrics[metric].offset);
}

/* Room below the registry's limit, taken; growth of cells is rare. */
static void *cells_alloc(struct metric_cells *c, size_t n)
{
	struct registry *r = c->group->r;
	pthread_mutex_lock(&r->lock);
	void *p = r->bytes + n <= r->o.max_bytes ? calloc(1, n) : NULL;
	if (p)
		r->bytes += n;
	pthread_mutex_unlock(&r->lock);
	return p;
}

void cells_init(struct metric_cells *c)
{
	const struct metric_group *g = c->group;
	for (u32 i = 0; i < g->metrics_len; i++)
		if (is_histogram(g, i))
			histogram_of(c, i)->schema = g->r->o.native_schema;
}

static u32 exemplars_len(const struct metric_group *g, u32 metric)
{
	return g->r->o.histograms & HIST_CLASSIC ? g->metrics[metric].bounds_len + 1 : 1;
}

static size_t sparse_bytes(u32 cap)
{
	return sizeof(struct sparse) + cap * sizeof(struct sparse_entry);
}

void cells_free(struct metric_cells *c)
{
	struct metric_group *g = c->group;
	for (u32 i = 0; i < g->metrics_len; i++) {
		if (!is_histogram(g, i)) {
			g->r->bytes -= number_of(c, i)->exemplar ? sizeof(struct exemplar_cell) : 0;
			free(number_of(c, i)->exemplar);
			continue;
		}
		struct histogram_cell *h = histogram_of(c, i);
		g->r->bytes -= h->exemplars ? exemplars_len(g, i) * sizeof(struct exemplar_cell) : 0;
		g->r->bytes -= h->vmrange ? sparse_bytes(h->vmrange->cap) : 0;
		g->r->bytes -= h->native ? sparse_bytes(h->native->cap) : 0;
		free(h->exemplars);
		free(h->vmrange);
		free(h->native);
	}
	g->r->bytes -= c->bytes;
	free(c);
}

/* --- numbers --- */

void metric_add(struct metric_cells *c, u32 metric, double by)
{
	struct number_cell *n = number_of(c, metric);
	poke_double(&n->value, n->value + by);
}

void metric_set(struct metric_cells *c, u32 metric, double to)
{
	poke_double(&number_of(c, metric)->value, to);
}

/* The time goes last and comes first: an exemplar with another time than at the first look is not whole. */
static void exemplar_put(struct exemplar_cell *e, double value, const u8 *trace, u64 now)
{
	u64 id[2];
	memcpy(id, trace, sizeof(id));
	put_u64(&e->time, 0);
	put_u64(&e->trace[0], id[0]);
	put_u64(&e->trace[1], id[1]);
	poke_double(&e->value, value);
	put_u64(&e->time, now ? now : 1);
}

void exemplar_read(const struct exemplar_cell *e, struct snapshot_exemplar *latest)
{
	u64 time = take_u64(&e->time);
	struct snapshot_exemplar copy = { .time = time };
	u64 id[2] = { take_u64(&e->trace[0]), take_u64(&e->trace[1]) };
	memcpy(copy.trace, id, sizeof(id));
	copy.value = peek_double(&e->value);
	if (time > latest->time && peek(&e->time) == time)
		*latest = copy;
}

/* Exemplars of a metric, made when the first is there; NULL without. */
static struct exemplar_cell *exemplars(struct metric_cells *c, struct exemplar_cell **at, u32 n)
{
	if (!*at && peek(&c->group->r->o.exemplars)) {
		struct exemplar_cell *e = cells_alloc(c, n * sizeof(*e));
		__atomic_store_n(at, e, __ATOMIC_RELEASE);
	}
	return *at;
}

void metric_exemplar(struct metric_cells *c, u32 metric, double value, const u8 *trace, u64 now)
{
	struct exemplar_cell *e = exemplars(c, &number_of(c, metric)->exemplar, 1);
	if (e)
		exemplar_put(e, value, trace, now);
}

/* --- histograms --- */

/* The place of the bucket, or where it is to go. */
static u32 sparse_find(const struct sparse *s, i32 bucket)
{
	u32 from = 0, n = s ? s->n : 0;
	while (n > 0) {
		u32 half = n / 2;
		if (s->e[from + half].bucket < bucket) {
			from += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return from;
}

static void entry_put(struct sparse_entry *e, i32 bucket, u64 count)
{
	__atomic_store_n(&e->bucket, bucket, __ATOMIC_RELEASE);
	put_u64(&e->count, count);
}

/* Twice the room; the old one is freed when no reader can be in it. */
static bool sparse_grow(struct metric_cells *c, struct sparse **at, u32 max)
{
	struct sparse *old = *at;
	struct registry *r = c->group->r;
	u32 cap = old ? MIN(old->cap * 2, max) : MIN(SPARSE_FIRST, max);
	if (old && old->cap >= max)
		return false;
	struct sparse *s = cells_alloc(c, sparse_bytes(cap));
	if (!s)
		return false;
	s->cap = cap;
	if (old) {
		s->n = old->n;
		memcpy(s->e, old->e, old->n * sizeof(s->e[0]));
	}
	__atomic_store_n(at, s, __ATOMIC_RELEASE);
	if (!old)
		return true;
	pthread_mutex_lock(&r->lock);
	r->bytes -= sparse_bytes(old->cap);
	if (r->reading) {
		old->limbo = r->sparse_limbo;
		r->sparse_limbo = old;
	} else {
		free(old);
	}
	pthread_mutex_unlock(&r->lock);
	return true;
}

static bool sparse_has(const struct sparse *s, u32 at, i32 bucket)
{
	return s && at < s->n && s->e[at].bucket == bucket;
}

/* False when there is no room for another bucket. */
static bool sparse_add(struct metric_cells *c, struct sparse **where, i32 bucket, u64 times, u32 max)
{
	u32 at = sparse_find(*where, bucket);
	if (likely(sparse_has(*where, at, bucket))) {
		put_u64(&(*where)->e[at].count, (*where)->e[at].count + times);
		return true;
	}
	if ((!*where || (*where)->n == (*where)->cap) && !sparse_grow(c, where, max))
		return false;
	struct sparse *s = *where;
	for (u32 i = s->n; i > at; i--)
		entry_put(&s->e[i], s->e[i - 1].bucket, s->e[i - 1].count);
	entry_put(&s->e[at], bucket, times);
	__atomic_store_n(&s->n, s->n + 1, __ATOMIC_RELEASE);
	return true;
}

/* No memory for another bucket: the nearest one there is. */
static bool sparse_nearest(struct sparse *s, i32 bucket, u64 times)
{
	if (!s || !s->n)
		return false;
	struct sparse_entry *e = &s->e[MIN(sparse_find(s, bucket), s->n - 1)];
	put_u64(&e->count, e->count + times);
	return true;
}

/* Pairs of neighbours become one. */
static void native_coarser(struct histogram_cell *h)
{
	struct sparse *s = h->native;
	u32 out = 0;
	for (u32 i = 0; i < s->n; i++) {
		i32 bucket = native_halved(s->e[i].bucket);
		if (out && s->e[out - 1].bucket == bucket)
			put_u64(&s->e[out - 1].count, s->e[out - 1].count + s->e[i].count);
		else
			entry_put(&s->e[out++], bucket, s->e[i].count);
	}
	__atomic_store_n(&s->n, out, __ATOMIC_RELEASE);
	__atomic_store_n(&h->schema, h->schema - 1, __ATOMIC_RELEASE);
}

static bool native_fits(const struct sparse *s, i32 bucket, u32 max)
{
	if (!s || !s->n)
		return true;
	i64 first = MIN(s->e[0].bucket, bucket), last = MAX(s->e[s->n - 1].bucket, bucket);
	return (s->n < max || sparse_has(s, sparse_find(s, bucket), bucket)) && last - first < (i64)max * SPARSE_WIDTH;
}

static void native_add(struct metric_cells *c, struct histogram_cell *h, double value, u64 times)
{
	u32 max = c->group->r->o.native_max_buckets, room = native_room(c->group->r);
	if (value <= NATIVE_ZERO_THRESHOLD) {
		put_u64(&h->zero, h->zero + times);
		return;
	}
	i32 bucket = bucket_native(value, h->schema);
	while (!native_fits(h->native, bucket, max) && h->schema > NATIVE_SCHEMA_MIN) {
		native_coarser(h);
		bucket = native_halved(bucket);
	}
	/* Without memory for more buckets fewer will do. */
	bool added = sparse_add(c, &h->native, bucket, times, room);
	while (!added && h->native && h->schema > NATIVE_SCHEMA_MIN) {
		native_coarser(h);
		bucket = native_halved(bucket);
		added = sparse_add(c, &h->native, bucket, times, room);
	}
	if (!added && !sparse_nearest(h->native, bucket, times))
		put_u64(&h->zero, h->zero + times);
}

static void vmrange_add(struct metric_cells *c, struct histogram_cell *h, double value, u64 times)
{
	u16 bucket = bucket_vmrange(value);
	if (!sparse_add(c, &h->vmrange, bucket, times, VMRANGE_BUCKETS))
		sparse_nearest(h->vmrange, bucket, times);
}

void metric_observe_times(struct metric_cells *c, u32 metric, double value, u64 times, const u8 *trace, u64 now)
{
	const struct group_metric *m = &c->group->metrics[metric];
	struct histogram_cell *h = histogram_of(c, metric);
	u8 kinds = c->group->r->o.histograms;
	u32 at = 0;
	if (!(value >= 0) || value > __DBL_MAX__ || !times)
		return;
	__atomic_store_n(&h->seq, h->seq + 1, __ATOMIC_RELAXED);
	poke_double(&h->sum, h->sum + value * (double)times);
	put_u64(&h->count, h->count + times);
	if (kinds & HIST_CLASSIC) {
		at = bucket_classic(m->bounds, m->bounds_len, value);
		put_u64(&h->classic[at], h->classic[at] + times);
	}
	if (kinds & HIST_VMRANGE)
		vmrange_add(c, h, value, times);
	if (kinds & HIST_NATIVE)
		native_add(c, h, value, times);
	__atomic_store_n(&h->seq, h->seq + 1, __ATOMIC_RELEASE);
	struct exemplar_cell *e = trace ? exemplars(c, &h->exemplars, exemplars_len(c->group, metric)) : NULL;
	if (e)
		exemplar_put(&e[at], value, trace, now);
}

void metric_observe(struct metric_cells *c, u32 metric, double value, const u8 *trace, u64 now)
{
	metric_observe_times(c, metric, value, 1, trace, now);
}

/* --- reading --- */

double number_read(struct metric_cells *c, u32 metric, struct snapshot_exemplar *latest)
{
	struct number_cell *n = number_of(c, metric);
	const struct exemplar_cell *e = __atomic_load_n(&n->exemplar, __ATOMIC_ACQUIRE);
	if (e)
		exemplar_read(e, latest);
	return peek_double(&n->value);
}

static u32 sparse_read(struct sparse *const *at, struct sparse_entry *to, u32 max)
{
	const struct sparse *s = __atomic_load_n(at, __ATOMIC_ACQUIRE);
	u32 n = s ? MIN(__atomic_load_n(&s->n, __ATOMIC_ACQUIRE), max) : 0;
	for (u32 i = 0; i < n; i++)
		to[i] = (struct sparse_entry){ .bucket = __atomic_load_n(&s->e[i].bucket, __ATOMIC_ACQUIRE), .count = take_u64(&s->e[i].count) };
	return n;
}

void histogram_read(struct metric_cells *c, u32 metric, struct histogram_copy *ret)
{
	const struct histogram_cell *h = histogram_of(c, metric);
	const struct registry_options *o = &c->group->r->o;
	u32 bounds = o->histograms & HIST_CLASSIC ? c->group->metrics[metric].bounds_len + 1 : 0, seq;
	for (u32 tries = 1;; tries++) {
		seq = __atomic_load_n(&h->seq, __ATOMIC_ACQUIRE);
		ret->sum = peek_double(&h->sum);
		ret->count = take_u64(&h->count);
		ret->zero = take_u64(&h->zero);
		ret->schema = __atomic_load_n(&h->schema, __ATOMIC_ACQUIRE);
		for (u32 i = 0; i < bounds; i++)
			ret->classic[i] = take_u64(&h->classic[i]);
		ret->vmrange_len = sparse_read(&h->vmrange, ret->vmrange, VMRANGE_BUCKETS);
		ret->native_len = sparse_read(&h->native, ret->native, ret->native ? native_room(c->group->r) : 0);
		if (!(seq & 1) && peek(&h->seq) == seq)
			return;
		if (tries % 64 == 0) /* the writer has been put to sleep in the middle */
			sched_yield();
	}
}

void histogram_exemplars(struct metric_cells *c, u32 metric, struct snapshot_exemplar *latest, u32 stride)
{
	const struct exemplar_cell *e = __atomic_load_n(&histogram_of(c, metric)->exemplars, __ATOMIC_ACQUIRE);
	for (u32 i = 0; e && i < exemplars_len(c->group, metric); i++)
		exemplar_read(&e[i], (struct snapshot_exemplar *)(void *)((u8 *)latest + (size_t)i * stride));
}
