/* Groups, readers, collectors, settings: what is declared while starting or reloading. */
#include "metrics/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "metrics/registry_private.h"

static void defaults(struct registry_options *o)
{
	o->workers = MIN(MAX(o->workers, 1), SHARDS_MAX);
	o->max_series = o->max_series ? o->max_series : 10000;
	o->expired_ns = o->expired_ns ? o->expired_ns : 300 * NS_PER_SEC;
	o->histograms = o->histograms ? o->histograms : HIST_CLASSIC;
	o->native_schema = MAX(NATIVE_SCHEMA_MIN, MIN(o->native_schema, NATIVE_SCHEMA_MAX));
	o->native_max_buckets = o->native_max_buckets ? MIN(o->native_max_buckets, 4096) : 160;
	o->max_bytes = o->max_bytes ? o->max_bytes : 512 * MIB;
}

struct registry *registry_new(const struct registry_options *options)
{
	struct registry *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->o = *options;
	defaults(&r->o);
	if (getrandom(&r->seed, sizeof(r->seed), GRND_NONBLOCK) != sizeof(r->seed))
		r->seed = (u64)(uintptr_t)r;
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

int registry_set_options(struct registry *r, const struct registry_options *options)
{
	struct registry_options o = *options;
	defaults(&o);
	if (o.workers != r->o.workers || o.histograms != r->o.histograms || o.native_schema != r->o.native_schema ||
	    o.native_max_buckets != r->o.native_max_buckets)
		return -EINVAL;
	pthread_mutex_lock(&r->lock);
	poke(&r->o.max_series, o.max_series);
	poke(&r->o.expired_ns, o.expired_ns);
	poke(&r->o.exemplars, o.exemplars);
	r->o.max_bytes = o.max_bytes;
	pthread_mutex_unlock(&r->lock);
	return 0;
}

/* --- groups --- */

static void group_free(struct metric_group *g)
{
	for (u32 i = 0; i < g->metrics_len; i++) {
		free(g->metrics[i].name);
		free(g->metrics[i].help);
		free(g->metrics[i].unit);
		free(g->metrics[i].bounds);
	}
	for (u32 i = 0; i < g->labels_len; i++)
		free(g->labels[i]);
	for (u32 i = 0; i < g->r->o.workers; i++)
		free(g->shards[i].slots);
	free(g->directory);
	free(g);
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	r->reading = 0;
	registry_sweep(r);
	for (struct series *s = r->stale; s; s = s->stale_next)
		s->tell = 0;
	stale_sweep(r);
	while (r->groups) {
		struct metric_group *g = r->groups;
		r->groups = g->next;
		for (struct series *s = g->head, *next; s; s = next) {
			next = s->next;
			series_free(s);
		}
		group_free(g);
	}
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static bool is_name(const char *name, bool colons)
{
	size_t n = name ? strlen(name) : 0;
	for (size_t i = 0; i < n; i++) {
		char c = name[i];
		bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || (colons && c == ':');
		if (!letter && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return n > 0 && n <= 200;
}

static bool labels_valid(const char *const *labels, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		if (!is_name(labels[i], false) || strcmp(labels[i], "le") == 0 || strcmp(labels[i], "vmrange") == 0 || strncmp(labels[i], "__", 2) == 0)
			return false;
		for (u32 k = 0; k < i; k++)
			if (strcmp(labels[i], labels[k]) == 0)
				return false;
	}
	return true;
}

static bool bounds_valid(const struct metric_desc *d)
{
	if (d->type != METRIC_HISTOGRAM || !d->bounds)
		return true;
	for (u32 i = 1; i < d->bounds_len; i++)
		if (!(d->bounds[i] > d->bounds[i - 1]))
			return false;
	return d->bounds_len > 0 && d->bounds_len <= BUCKETS_BOUNDS_MAX;
}

static void bounds_of(const struct metric_desc *d, const double **ret, u32 *ret_len)
{
	bool given = d->bounds != NULL;
	*ret = given ? d->bounds : metric_seconds_bounds;
	*ret_len = d->type != METRIC_HISTOGRAM ? 0 : given ? d->bounds_len : metric_seconds_bounds_len;
}

/* The same but for its help text. */
static bool metric_same(const struct group_metric *m, const struct metric_desc *d)
{
	const double *bounds;
	u32 n;
	bounds_of(d, &bounds, &n);
	return strcmp(m->name, d->name) == 0 && m->type == d->type && strcmp(m->unit, d->unit ? d->unit : "") == 0 && m->bounds_len == n &&
	       (n == 0 || memcmp(m->bounds, bounds, n * sizeof(*bounds)) == 0);
}

static bool group_same(const struct metric_group *g, const struct metric_desc *metrics, u32 n, const char *const *labels, u32 labels_len)
{
	if (g->metrics_len != n || g->labels_len != labels_len)
		return false;
	for (u32 i = 0; i < n; i++)
		if (!metric_same(&g->metrics[i], &metrics[i]))
			return false;
	for (u32 i = 0; i < labels_len; i++)
		if (strcmp(g->labels[i], labels[i]) != 0)
			return false;
	return true;
}

static bool name_conflicts(const struct metric_group *g, const struct metric_desc *d)
{
	for (u32 i = 0; i < g->metrics_len; i++)
		if (strcmp(g->metrics[i].name, d->name) == 0 && !metric_same(&g->metrics[i], d))
			return true;
	return false;
}

static bool metric_copy(struct group_metric *m, const struct metric_desc *d)
{
	const double *bounds;
	bounds_of(d, &bounds, &m->bounds_len);
	m->type = d->type;
	m->name = strdup(d->name);
	m->help = strdup(d->help ? d->help : "");
	m->unit = strdup(d->unit ? d->unit : "");
	m->bounds = malloc(MAX(m->bounds_len, 1) * sizeof(*bounds));
	if (m->bounds)
		memcpy(m->bounds, bounds, m->bounds_len * sizeof(*bounds));
	return m->name && m->help && m->unit && m->bounds;
}

/* The series past all caps, with cells in every shard from the start, since there may be no memory later. Under the lock. */
static bool group_add_other(struct metric_group *g)
{
	static const struct str other = { METRIC_OTHER, sizeof(METRIC_OTHER) - 1 };
	struct str values[METRIC_LABELS_MAX];
	u8 key[KEY_MAX];
	for (u32 i = 0; i < METRIC_LABELS_MAX; i++)
		values[i] = other;
	u32 len = key_make(key, values, g->labels_len);
	/* without labels it must not be found: it is the place for what there is no memory for */
	u64 hash = series_hash(g->r, key, len) + !g->labels_len;
	struct series *s = series_new(g, key, len, hash, 0, true);
	if (!s)
		return false;
	g->series_len--;
	for (u32 i = 0; i < g->r->o.workers; i++) {
		g->shards[i].other = cells_new(s, i, 0);
		if (!g->shards[i].other)
			return false;
	}
	return true;
}

static struct metric_group *group_new(struct registry *r, const struct metric_desc *metrics, u32 n, const char *const *labels, u32 labels_len)
{
	size_t bytes = sizeof(struct metric_group) + r->o.workers * sizeof(struct shard);
	struct metric_group *g = aligned_alloc(CACHE_LINE, (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
	if (!g)
		return NULL;
	memset(g, 0, bytes);
	g->r = r;
	g->metrics_len = n;
	g->labels_len = labels_len;
	bool good = true;
	for (u32 i = 0; i < n; i++)
		good &= metric_copy(&g->metrics[i], &metrics[i]);
	for (u32 i = 0; i < labels_len; i++) {
		g->labels[i] = strdup(labels[i]);
		good &= g->labels[i] != NULL;
	}
	g->cells_size = cells_layout(g);
	if (good && group_add_other(g))
		return g;
	if (g->head)
		series_free(g->head);
	group_free(g);
	return NULL;
}

int registry_group(struct registry *r, const struct metric_desc *metrics, u32 n, const char *const *labels, u32 labels_len, struct metric_group **ret)
{
	if (n == 0 || n > METRIC_GROUP_MAX || labels_len > METRIC_LABELS_MAX)
		return -E2BIG;
	if (!labels_valid(labels, labels_len))
		return -EINVAL;
	for (u32 i = 0; i < n; i++)
		if (!is_name(metrics[i].name, true) || metrics[i].type > METRIC_HISTOGRAM || !bounds_valid(&metrics[i]))
			return -EINVAL;
	int rc = 0;
	struct metric_group *same = NULL;
	pthread_mutex_lock(&r->lock);
	for (struct metric_group *g = r->groups; g; g = g->next) {
		if (!same && group_same(g, metrics, n, labels, labels_len))
			same = g;
		for (u32 i = 0; i < n && !g->dropped; i++)
			rc = name_conflicts(g, &metrics[i]) ? -EEXIST : rc;
	}
	if (!rc && !same) {
		same = group_new(r, metrics, n, labels, labels_len);
		rc = same ? 0 : -ENOMEM;
		if (same) {
			same->next = r->groups;
			__atomic_store_n(&r->groups, same, __ATOMIC_RELEASE);
		}
	} else if (!rc && same->dropped) {
		rc = group_add_other(same) ? 0 : -ENOMEM;
		if (!rc)
			poke(&same->dropped, false);
		else if (same->head && same->head->other && !same->head->dead)
			series_end(same->head);
	}
	if (!rc) {
		same->refs++;
		*ret = same;
	}
	pthread_mutex_unlock(&r->lock);
	return rc;
}

void registry_drop_group(struct registry *r, struct metric_group *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&r->lock);
	if (g->refs && --g->refs == 0) {
		poke(&g->dropped, true);
		for (struct series *s = g->head, *next; s; s = next) {
			next = s->next;
			if (!s->dead)
				series_end(s);
		}
	}
	pthread_mutex_unlock(&r->lock);
}

/* --- readers and collectors --- */

u32 registry_reader(struct registry *r)
{
	pthread_mutex_lock(&r->lock);
	u32 reader = 1;
	while (reader <= READERS_MAX && r->readers >> (reader - 1) & 1)
		reader++;
	reader = reader <= READERS_MAX ? reader : 0;
	if (reader)
		r->readers |= 1u << (reader - 1);
	pthread_mutex_unlock(&r->lock);
	return reader;
}

void registry_reader_done(struct registry *r, u32 reader)
{
	if (!reader)
		return;
	pthread_mutex_lock(&r->lock);
	r->readers &= ~(1u << (reader - 1));
	for (struct series *series = r->stale; series; series = series->stale_next)
		series->tell &= (u8)~(1u << (reader - 1));
	stale_sweep(r);
	pthread_mutex_unlock(&r->lock);
}

int registry_add_collector(struct registry *r, registry_collector collect, void *arg, bool own)
{
	int rc = 0;
	pthread_mutex_lock(&r->lock);
	if (r->collectors_len < COLLECTORS_MAX)
		r->collectors[r->collectors_len++] = (struct collector){ collect, arg, own };
	else
		rc = -E2BIG;
	pthread_mutex_unlock(&r->lock);
	return rc;
}

void registry_remove_collector(struct registry *r, void *arg)
{
	pthread_mutex_lock(&r->lock);
	u32 n = 0;
	for (u32 i = 0; i < r->collectors_len; i++)
		if (r->collectors[i].arg != arg)
			r->collectors[n++] = r->collectors[i];
	r->collectors_len = n;
	pthread_mutex_unlock(&r->lock);
}

void registry_stats(struct registry *r, struct registry_stats *ret, void (*each)(void *arg, const struct registry_group_stats *g), void *arg)
{
	const char *names[METRIC_GROUP_MAX];
	pthread_mutex_lock(&r->lock);
	*ret = (struct registry_stats){ .bytes = r->bytes, .max_bytes = r->o.max_bytes, .capped = r->capped, .stale_lost = r->stale_lost };
	for (struct metric_group *g = r->groups; g; g = g->next) {
		struct registry_group_stats s = { .metrics = names, .metrics_len = g->metrics_len, .series = g->series_len };
		if (g->dropped)
			continue;
		for (u32 i = 0; i < g->metrics_len; i++)
			names[i] = g->metrics[i].name;
		for (u32 i = 0; i < r->o.workers; i++)
			s.overflow += peek(&g->shards[i].overflow);
		ret->series += (u64)g->series_len * g->metrics_len;
		if (each)
			each(arg, &s);
	}
	pthread_mutex_unlock(&r->lock);
}
