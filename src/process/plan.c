#include "process/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "process/projection.h"
#include "process/rt_metrics.h"
#include "roundtrip/filter.h"
#include "util/suggest.h"

#define STEPS_MAX 256 /* of all pipelines */
#define PROCESSORS_MAX 64

enum step_kind { STEP_BEGIN, STEP_FILTER, STEP_SAMPLE, STEP_PROJECT, STEP_METRICS, STEP_TRACES, STEP_RECORDS };

struct step {
	u8 kind;  /* enum step_kind */
	u8 once;  /* bit of the processor in `done` */
	u16 next; /* STEP_BEGIN: where the next pipeline begins */
	const struct rt_filter *filter;
	const struct config_processor *processor;
	const struct projection *projection;
	struct rt_metrics *metrics;
};

struct sink_list {
	struct view_sink *v[PLAN_SINKS_MAX];
	u32 n;
};

struct plan {
	struct plan_options o;
	struct step steps[STEPS_MAX];
	u32 steps_len;
	bool chooses_records; /* a pipeline has roundtripstorecords */
	/* What belongs to the processors, in the order of the configuration. */
	struct rt_filter *filters[PROCESSORS_MAX];
	struct projection *projections[STEPS_MAX];
	u32 projections_len;
	struct sink_list traces[PLAN_WORKERS_MAX], records[PLAN_WORKERS_MAX];
};

/* --- making --- */

static const struct config_processor *find_processor(const struct config *c, const char *name, u32 *ret_index)
{
	for (u32 i = 0; i < c->processors_len; i++)
		if (strcmp(c->processors[i].name, name) == 0) {
			*ret_index = i;
			return &c->processors[i];
		}
	return NULL;
}

static void unknown_processor(const struct config *c, const struct config_pipeline *pipeline, const char *name, struct buf *error)
{
	const char *names[PROCESSORS_MAX];
	u32 n = MIN(c->processors_len, PROCESSORS_MAX);
	for (u32 i = 0; i < n; i++)
		names[i] = c->processors[i].name;
	const char *close = suggest(name, names, n);
	buf_addf(error, "pipeline %s: there is no processor %s", pipeline->name, name);
	if (close)
		buf_addf(error, " (did you mean %s?)", close);
	buf_addc(error, '\n');
}

static int make_metrics(struct plan *p, struct step *s, const struct projection *current, struct buf *error, struct buf *warnings)
{
	struct rt_metrics_options o = { .processor = s->processor, .projection = current, .registry = p->o.registry, .workers = p->o.workers };
	struct buf why = { 0 };
	int rc = rt_metrics_new(&o, &s->metrics, &why, warnings);
	if (rc)
		buf_addf(error, "processor %s: %s\n", s->processor->name, why.len ? buf_cstr(&why) : strerror(-rc));
	buf_done(&why);
	return rc;
}

static int make_filter(struct plan *p, u32 index, const struct config_processor *c, struct buf *error)
{
	struct buf why = { 0 };
	int rc = p->filters[index] ? 0 : rt_filter_compile(c->expression, &p->filters[index], &why);
	if (rc == -EINVAL)
		buf_addf(error, "processor %s: %s\n", c->name, buf_cstr(&why));
	buf_done(&why);
	return rc;
}

/* What the steps before have decided, and this one. */
static int make_projection(struct plan *p, const struct config_processor *c, const struct projection **current, struct buf *error)
{
	struct projection *made;
	int rc = projection_new(*current, c, p->o.hash_key, &made, error);
	if (rc)
		return rc;
	p->projections[p->projections_len++] = made;
	*current = made;
	return 0;
}

static int add_step(struct plan *p, const char *name, const struct config_pipeline *pipeline, const struct projection **current, struct buf *error,
		    struct buf *warnings)
{
	static const u8 kinds[] = {
		[PROCESSOR_METRICS] = STEP_METRICS, [PROCESSOR_TRACES] = STEP_TRACES, [PROCESSOR_RECORDS] = STEP_RECORDS,   [PROCESSOR_FILTER] = STEP_FILTER,
		[PROCESSOR_SAMPLE] = STEP_SAMPLE,   [PROCESSOR_REDACT] = STEP_PROJECT, [PROCESSOR_ATTRIBUTES] = STEP_PROJECT,
	};
	u32 index;
	const struct config_processor *c = find_processor(p->o.config, name, &index);
	int rc = 0;
	if (!c) {
		unknown_processor(p->o.config, pipeline, name, error);
		return -EINVAL;
	}
	if (p->steps_len == STEPS_MAX || index >= PROCESSORS_MAX) {
		buf_addf(error, "pipeline %s: more than %u steps or %u processors in all\n", pipeline->name, STEPS_MAX, PROCESSORS_MAX);
		return -EINVAL;
	}
	struct step *s = &p->steps[p->steps_len++];
	*s = (struct step){ .kind = kinds[c->kind], .once = (u8)index, .processor = c };
	if (s->kind == STEP_METRICS) {
		rc = make_metrics(p, s, *current, error, warnings);
	} else if (s->kind == STEP_FILTER) {
		rc = make_filter(p, index, c, error);
		s->filter = p->filters[index];
	} else if (s->kind == STEP_PROJECT || s->kind == STEP_TRACES) {
		rc = make_projection(p, c, current, error);
	}
	s->projection = *current;
	p->chooses_records |= s->kind == STEP_RECORDS;
	return rc;
}

static int add_pipeline(struct plan *p, const struct config_pipeline *pipeline, struct buf *error, struct buf *warnings)
{
	const struct projection *current = NULL;
	u32 begin = p->steps_len++;
	int rc = 0;
	for (u32 i = 0; i < pipeline->processors.n; i++) {
		int one = add_step(p, pipeline->processors.v[i], pipeline, &current, error, warnings);
		rc = one ? one : rc;
	}
	p->steps[begin] = (struct step){ .kind = STEP_BEGIN, .next = (u16)p->steps_len };
	return rc;
}

int plan_new(const struct plan_options *options, struct plan **ret, struct buf *error, struct buf *warnings)
{
	struct plan *p = calloc(1, sizeof(*p));
	int rc = 0;
	if (!p)
		return -ENOMEM;
	p->o = *options;
	for (u32 i = 0; i < options->config->pipelines_len; i++) {
		const struct config_pipeline *pipeline = &options->config->pipelines[i];
		if (p->steps_len == STEPS_MAX) {
			buf_addf(error, "pipeline %s: too many pipelines\n", pipeline->name);
			rc = -EINVAL;
			break;
		}
		int one = add_pipeline(p, pipeline, error, warnings);
		rc = one ? one : rc;
	}
	if (rc)
		plan_free(p);
	else
		*ret = p;
	return rc;
}

int plan_add_sink(struct plan *p, enum view_kind kind, u32 worker, struct view_sink *sink)
{
	struct sink_list *l = kind == VIEW_TRACES ? &p->traces[worker] : &p->records[worker];
	if (l->n == PLAN_SINKS_MAX)
		return -E2BIG;
	l->v[l->n++] = sink;
	return 0;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	for (u32 i = 0; i < PROCESSORS_MAX; i++)
		rt_filter_free(p->filters[i]);
	for (u32 i = 0; i < p->steps_len; i++)
		rt_metrics_free(p->steps[i].metrics);
	for (u32 i = 0; i < p->projections_len; i++)
		projection_free(p->projections[i]);
	free(p);
}

bool plan_wants(const struct plan *p, enum view_kind kind)
{
	return kind == VIEW_TRACES ? p->traces[0].n > 0 : p->records[0].n > 0;
}

/* --- running --- */

static void hand_one(struct view_sink *s, const struct view *v)
{
	s->view(s, v);
}

static void hand_to(const struct sink_list *l, const struct view *v)
{
	for (u32 i = 0; i < l->n; i++)
		hand_one(l->v[i], v);
}

/* A number between 0 and 1 that is the same for all exchanges of a trace, else the exchange's own. */
static double lot(const struct roundtrip *rt)
{
	const struct message *q = rt->request;
	XXH64_hash_t h;
	if (q->has_trace) {
		h = XXH3_64bits(q->trace, 16);
	} else {
		u64 id[3] = { rt->conn->id, q->start, q->ts_first };
		h = XXH3_64bits(id, sizeof(id));
	}
	return (double)(h >> 11) / (double)(1ull << 53);
}

static bool sampled(const struct config_processor *c, struct view *v)
{
	const struct roundtrip *rt = v->rt;
	if (c->keep_errors && (rt->error.n || rt->outcome == OUTCOME_NO_RESPONSE || rt->outcome == OUTCOME_RESET))
		return true;
	if (c->keep_slower && rt->duration >= c->keep_slower)
		return true;
	if (lot(rt) >= c->head)
		return false;
	v->weight /= c->head;
	return true;
}

/* Runs a pipeline from its first step; `*done` has the processors that have seen this RoundTrip. */
static void run_pipeline(const struct plan *p, const struct step *s, const struct step *end, struct view *v, u64 *done)
{
	for (; s < end; s++) {
		u64 bit = 1ull << s->once;
		v->projection = s->projection;
		switch (s->kind) {
		case STEP_FILTER:
			if (!rt_filter_match(s->filter, v->rt))
				return;
			break;
		case STEP_SAMPLE:
			if (!sampled(s->processor, v))
				return;
			break;
		case STEP_METRICS:
			if (!(*done & bit) && !v->rt->progress)
				hand_one(rt_metrics_sink(s->metrics, v->worker), v);
			*done |= bit;
			break;
		case STEP_TRACES:
		case STEP_RECORDS:
			if (!(*done & bit) && (s->kind == STEP_RECORDS || !v->rt->progress))
				hand_to(s->kind == STEP_TRACES ? &p->traces[v->worker] : &p->records[v->worker], v);
			*done |= bit;
			break;
		default:
			break;
		}
	}
}

void plan_roundtrip(const struct plan *p, u32 worker, const struct roundtrip *rt)
{
	u64 done = 0;
	struct view v = { .rt = rt, .weight = 1, .worker = worker };
	if (!p->chooses_records)
		hand_to(&p->records[worker], &v);
	for (u32 i = 0; i < p->steps_len; i = p->steps[i].next) {
		v = (struct view){ .rt = rt, .weight = 1, .worker = worker };
		run_pipeline(p, &p->steps[i + 1], &p->steps[p->steps[i].next], &v, &done);
	}
}

static void flush_list(const struct sink_list *l, u64 now, bool last)
{
	for (u32 i = 0; i < l->n; i++)
		if (l->v[i]->flush)
			l->v[i]->flush(l->v[i], now, last);
}

void plan_flush(const struct plan *p, u32 worker, u64 now, bool last)
{
	for (u32 i = 0; i < p->steps_len; i++) {
		struct view_sink *s = p->steps[i].metrics ? rt_metrics_sink(p->steps[i].metrics, worker) : NULL;
		if (s && s->flush)
			s->flush(s, now, last);
	}
	flush_list(&p->traces[worker], now, last);
	flush_list(&p->records[worker], now, last);
}

/* --- a worker's sink --- */

static void sink_roundtrip(struct sink *base, const struct roundtrip *rt)
{
	struct plan_sink *s = (struct plan_sink *)base;
	__atomic_store_n(&s->roundtrips, s->roundtrips + 1, __ATOMIC_RELAXED);
	plan_roundtrip(s->current, s->worker, rt);
}

static void sink_flush(struct sink *base, u64 now, bool last)
{
	struct plan_sink *s = (struct plan_sink *)base;
	struct plan *next = atomic_load_explicit(&s->next, memory_order_acquire);
	plan_flush(s->current, s->worker, now, last);
	if (s->flushed)
		s->flushed(s->arg, s->worker, now, last);
	if (!next)
		return;
	s->current = next;
	plan_flush(next, s->worker, now, last);
	atomic_store_explicit(&s->next, NULL, memory_order_release);
}

void plan_sink_init(struct plan_sink *s, struct plan *first, u32 worker)
{
	*s = (struct plan_sink){ .base = { .roundtrip = sink_roundtrip, .flush = sink_flush }, .current = first, .worker = worker };
}

void plan_sink_set(struct plan_sink *s, struct plan *next)
{
	atomic_store_explicit(&s->next, next, memory_order_release);
}

bool plan_sink_settled(struct plan_sink *s)
{
	return !atomic_load_explicit(&s->next, memory_order_acquire);
}
