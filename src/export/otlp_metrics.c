/* The exporter `otlp_metrics`: the registry as OTLP metrics: counters as monotonic sums, histograms with their bounds, or
 * exponential ones where the registry keeps native histograms. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "export/attrs.h"
#include "export/otlp.h"
#include "export/ticker.h"

#define BATCH_POINTS 2000
#define POINTS_A_METRIC 200 /* data points in one Metric message; more are continued in the next */

/* Field numbers of metrics.proto. */
enum { SCOPE_METRICS = 2 };
enum { METRIC_NAME = 1, METRIC_DESCRIPTION = 2, METRIC_UNIT = 3, METRIC_GAUGE_ = 5, METRIC_SUM = 7, METRIC_HISTOGRAM_ = 9, METRIC_EXPONENTIAL = 10 };
enum { DATA_POINTS = 1, DATA_TEMPORALITY = 2, SUM_MONOTONIC = 3, CUMULATIVE = 2 };
enum { NUMBER_START = 2, NUMBER_TIME = 3, NUMBER_DOUBLE = 4, NUMBER_EXEMPLARS = 5, NUMBER_ATTRIBUTES = 7, NUMBER_FLAGS = 8 };
enum { HIST_START = 2, HIST_TIME = 3, HIST_COUNT = 4, HIST_SUM = 5, HIST_COUNTS = 6, HIST_BOUNDS = 7, HIST_EXEMPLARS = 8, HIST_ATTRIBUTES = 9, HIST_FLAGS = 10 };
enum { EXP_ATTRIBUTES = 1, EXP_START = 2, EXP_TIME = 3, EXP_COUNT = 4, EXP_SUM = 5, EXP_SCALE = 6, EXP_ZERO_COUNT = 7, EXP_POSITIVE = 8, EXP_FLAGS = 10, EXP_ZERO_THRESHOLD = 14 };
enum { EXEMPLAR_TIME = 2, EXEMPLAR_DOUBLE = 3, EXEMPLAR_TRACE_ID = 5 };
enum { NO_RECORDED_VALUE = 1 };

struct otlp_metrics {
	struct exporter base;
	struct exporter_env env;
	struct otlp otlp;
	struct outbox_feed *feed;
	struct ticker ticker;
	u32 reader;
	struct buf scratch;
};

static void put_exemplar(struct buf *b, u32 field, const struct snapshot_exemplar *x)
{
	if (!x->time)
		return;
	size_t mark = pb_begin(b, field, 1);
	pb_fixed64(b, EXEMPLAR_TIME, x->time);
	pb_double(b, EXEMPLAR_DOUBLE, x->value);
	pb_bytes(b, EXEMPLAR_TRACE_ID, x->trace, 16);
	pb_end(b, mark, 1);
}

static void put_labels(struct otlp_metrics *m, struct buf *b, u32 field, const struct snapshot_series *s)
{
	for (u32 i = 0; i < s->labels_len; i++) {
		m->scratch.len = 0;
		if (s->labels[i].value.n)
			attr_put_text(b, field, s->labels[i].name, pb_clean(s->labels[i].value, &m->scratch));
	}
}

static void put_number(struct otlp_metrics *m, struct buf *b, const struct snapshot_series *s, u64 now, bool counter)
{
	size_t mark = pb_begin(b, DATA_POINTS, 1);
	if (counter && s->created)
		pb_fixed64(b, NUMBER_START, s->created);
	pb_fixed64(b, NUMBER_TIME, now);
	if (s->stale)
		pb_u64(b, NUMBER_FLAGS, NO_RECORDED_VALUE);
	else
		pb_double(b, NUMBER_DOUBLE, s->value);
	if (counter && !s->stale)
		put_exemplar(b, NUMBER_EXEMPLARS, &s->exemplar);
	put_labels(m, b, NUMBER_ATTRIBUTES, s);
	pb_end(b, mark, 1);
}

/* Explicit bounds: one count more than there are bounds, the last one to infinity. */
static void put_classic(struct buf *b, const struct snapshot_histogram *h)
{
	u32 n = h->classic_len;
	u64 sum = 0;
	if (n && isinf(h->classic[n - 1].upper))
		n--;
	pb_tag(b, HIST_COUNTS, PB_LEN);
	pb_varint(b, 8 * ((u64)n + 1));
	for (u32 i = 0; i < n; i++) {
		pb_put_fixed(b, h->classic[i].count, 8);
		sum += h->classic[i].count;
	}
	pb_put_fixed(b, h->count - MIN(sum, h->count), 8);
	if (n) {
		pb_tag(b, HIST_BOUNDS, PB_LEN);
		pb_varint(b, 8 * (u64)n);
	}
	for (u32 i = 0; i < n; i++)
		pb_put_fixed(b, pb_double_bits(h->classic[i].upper), 8);
	for (u32 i = 0; i < h->classic_len; i++)
		put_exemplar(b, HIST_EXEMPLARS, &h->classic[i].exemplar);
}

static void put_histogram(struct otlp_metrics *m, struct buf *b, const struct snapshot_series *s, u64 now)
{
	const struct snapshot_histogram *h = s->histogram;
	size_t mark = pb_begin(b, DATA_POINTS, 2);
	if (s->created)
		pb_fixed64(b, HIST_START, s->created);
	pb_fixed64(b, HIST_TIME, now);
	if (s->stale || !h) {
		pb_u64(b, HIST_FLAGS, NO_RECORDED_VALUE);
	} else {
		pb_fixed64(b, HIST_COUNT, h->count);
		pb_double(b, HIST_SUM, h->sum);
		put_classic(b, h);
	}
	put_labels(m, b, HIST_ATTRIBUTES, s);
	pb_end(b, mark, 2);
}

/* Prometheus' bucket i ends at base^i, OpenTelemetry's begins there: theirs is one less. */
static void put_exponential(struct otlp_metrics *m, struct buf *b, const struct snapshot_series *s, u64 now)
{
	const struct snapshot_histogram *h = s->histogram;
	size_t mark = pb_begin(b, DATA_POINTS, 2);
	if (s->created)
		pb_fixed64(b, EXP_START, s->created);
	pb_fixed64(b, EXP_TIME, now);
	if (s->stale || !h || !h->native) {
		pb_u64(b, EXP_FLAGS, NO_RECORDED_VALUE);
	} else {
		pb_fixed64(b, EXP_COUNT, h->count);
		pb_double(b, EXP_SUM, h->sum);
		pb_u64(b, EXP_SCALE, pb_zigzag(h->native->schema));
		pb_fixed64(b, EXP_ZERO_COUNT, h->native->zero_count);
		pb_double(b, EXP_ZERO_THRESHOLD, h->native->zero_threshold);
		size_t positive = pb_begin(b, EXP_POSITIVE, 2);
		pb_u64(b, 1, pb_zigzag((i64)h->native->first - 1));
		size_t counts = pb_begin(b, 2, 2);
		for (u32 i = 0; i < h->native->n; i++)
			pb_varint(b, h->native->counts[i]);
		pb_end(b, counts, 2);
		pb_end(b, positive, 2);
	}
	put_labels(m, b, EXP_ATTRIBUTES, s);
	pb_end(b, mark, 2);
}

/* UCUM, as OpenTelemetry wants it. */
static const char *unit_name(struct str unit)
{
	return str_eq(unit, STR("seconds")) ? "s" : str_eq(unit, STR("bytes")) ? "By" : str_eq(unit, STR("ratio")) ? "1" : "";
}

static bool is_exponential(const struct snapshot_family *f)
{
	for (u32 i = 0; i < f->series_len; i++)
		if (f->series[i].histogram)
			return f->series[i].histogram->native != NULL;
	return false;
}

/* A Metric with the series from..to). */
static void put_metric(struct otlp_metrics *m, struct buf *b, const struct snapshot_family *f, u32 from, u32 to, u64 now)
{
	bool exponential = f->type == METRIC_HISTOGRAM && is_exponential(f);
	size_t metric = pb_begin(b, SCOPE_METRICS, 3);
	pb_bytes(b, METRIC_NAME, f->name.p, f->name.n);
	pb_bytes(b, METRIC_DESCRIPTION, f->help.p, f->help.n);
	pb_text(b, METRIC_UNIT, unit_name(f->unit));
	size_t data = pb_begin(b, f->type == METRIC_GAUGE ? METRIC_GAUGE_ : f->type == METRIC_COUNTER ? METRIC_SUM : exponential ? METRIC_EXPONENTIAL : METRIC_HISTOGRAM_, 3);
	for (u32 i = from; i < to; i++) {
		const struct snapshot_series *s = &f->series[i];
		if (f->type != METRIC_HISTOGRAM)
			put_number(m, b, s, now, f->type == METRIC_COUNTER);
		else if (exponential)
			put_exponential(m, b, s, now);
		else
			put_histogram(m, b, s, now);
	}
	if (f->type != METRIC_GAUGE)
		pb_u64(b, DATA_TEMPORALITY, CUMULATIVE);
	if (f->type == METRIC_COUNTER)
		pb_u64(b, SUM_MONOTONIC, 1);
	pb_end(b, data, 3);
	pb_end(b, metric, 3);
}

static void tick(void *arg, u64 now, bool last)
{
	struct otlp_metrics *m = arg;
	struct snapshot_options o = { .protocol = true, .own = true, .now = now, .reader = m->reader };
	struct snapshot *s = registry_snapshot(m->env.registry, &o);
	if (!s) {
		outbox_say(m->otlp.outbox, LOG_ERROR, "no memory for a picture of the metrics");
		return;
	}
	for (u32 i = 0; i < s->families_len; i++) {
		const struct snapshot_family *f = &s->families[i];
		for (u32 from = 0; from < f->series_len; from += POINTS_A_METRIC) {
			u32 to = MIN(from + POINTS_A_METRIC, f->series_len);
			struct buf *b = outbox_begin(m->feed, to - from);
			if (!b)
				continue;
			put_metric(m, b, f, from, to, now);
			outbox_end(m->feed);
		}
	}
	outbox_flush(m->feed, now, true);
	snapshot_free(s);
}

static void metrics_free(struct exporter *e)
{
	struct otlp_metrics *m = (struct otlp_metrics *)e;
	if (!m)
		return;
	otlp_done(&m->otlp);
	ticker_done(&m->ticker);
	registry_reader_done(m->env.registry, m->reader);
	buf_done(&m->scratch);
	free(m);
}

static int metrics_open(const struct exporter_env *env, struct exporter **ret, struct buf *error)
{
	struct otlp_metrics *m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->base.ops = &exporter_otlp_metrics;
	m->env = *env;
	ticker_init(&m->ticker, env->config->exporter.otlp_metrics.d.interval, tick, m);
	struct outbox_options o = { .name = m->base.ops->name, .batch_records = BATCH_POINTS, .senders = 1 };
	int rc = otlp_init(&m->otlp, OTLP_METRICS, &env->config->exporter.otlp_metrics, &m->env, &o, error);
	if (!rc && !(m->feed = outbox_feed(m->otlp.outbox)))
		rc = -ENOMEM;
	if (rc) {
		metrics_free(&m->base);
		return rc;
	}
	m->reader = registry_reader(env->registry);
	*ret = &m->base;
	return 0;
}

static int metrics_start(struct exporter *e)
{
	struct otlp_metrics *m = (struct otlp_metrics *)e;
	int rc = outbox_start(m->otlp.outbox);
	return rc || !m->env.live ? rc : ticker_start(&m->ticker);
}

static void metrics_clock(struct exporter *e, u64 now, bool last)
{
	struct otlp_metrics *m = (struct otlp_metrics *)e;
	if (!m->env.live)
		ticker_clock(&m->ticker, now, last);
}

static void metrics_stop(struct exporter *e, int wait_ms)
{
	struct otlp_metrics *m = (struct otlp_metrics *)e;
	ticker_stop(&m->ticker);
	outbox_stop(m->otlp.outbox, wait_ms);
}

static void metrics_counters(struct exporter *e, struct export_counters *ret)
{
	*ret = (struct export_counters){ 0 };
	outbox_counters(((struct otlp_metrics *)e)->otlp.outbox, ret);
}

static bool metrics_wanted(const struct config *c)
{
	return c->exporter.otlp_metrics.d.enabled;
}

const struct exporter_ops exporter_otlp_metrics = {
	.name = "otlpMetrics",
	.wanted = metrics_wanted,
	.open = metrics_open,
	.start = metrics_start,
	.clock = metrics_clock,
	.stop = metrics_stop,
	.counters = metrics_counters,
	.free = metrics_free,
};
