/* The exporters `traces` and `logs`: RoundTrips as spans and as log records, over OTLP. */
#include <errno.h>
#include <stdlib.h>

#include "export/otlp.h"
#include "export/span.h"

#define BATCH_RECORDS 1000
#define SENDERS 4

struct otlp_sink {
	struct view_sink base;
	struct outbox_feed *feed;
	struct span_encoder *encoder;
	struct otlp_sink *next;
};

struct otlp_exporter {
	struct exporter base;
	struct otlp otlp;
	struct exporter_env env;
	struct otlp_sink *sinks;
};

static void take_span(struct view_sink *sink, const struct view *v)
{
	struct otlp_sink *s = (struct otlp_sink *)sink;
	struct buf *out = outbox_begin(s->feed, span_count(s->encoder, v));
	if (!out)
		return;
	span_encode(s->encoder, out, v);
	outbox_end(s->feed);
}

static void take_log(struct view_sink *sink, const struct view *v)
{
	struct otlp_sink *s = (struct otlp_sink *)sink;
	struct buf *out = outbox_begin(s->feed, 1);
	if (!out)
		return;
	log_encode(s->encoder, out, v);
	outbox_end(s->feed);
}

static void flush(struct view_sink *sink, u64 now, bool last)
{
	outbox_flush(((struct otlp_sink *)sink)->feed, now, last);
}

static void exporter_free(struct exporter *e)
{
	struct otlp_exporter *x = (struct otlp_exporter *)e;
	if (!x)
		return;
	for (struct otlp_sink *s = x->sinks, *next; s; s = next) {
		next = s->next;
		span_encoder_free(s->encoder);
		free(s);
	}
	otlp_done(&x->otlp);
	free(x);
}

static int exporter_open(const struct exporter_env *env, const struct exporter_ops *ops, enum otlp_signal signal, const struct config_otlp *config, struct exporter **ret, struct buf *error)
{
	struct otlp_exporter *x = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	x->base.ops = ops;
	x->env = *env;
	struct outbox_options o = { .name = ops->name, .batch_records = BATCH_RECORDS, .senders = SENDERS };
	int rc = otlp_init(&x->otlp, signal, config, &x->env, &o, error);
	if (rc) {
		exporter_free(&x->base);
		return rc;
	}
	*ret = &x->base;
	return 0;
}

static struct view_sink *exporter_sink(struct exporter *e, u32 worker)
{
	struct otlp_exporter *x = (struct otlp_exporter *)e;
	struct otlp_sink *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->base = (struct view_sink){ x->otlp.signal == OTLP_TRACES ? take_span : take_log, flush };
	s->encoder = span_encoder_new(&x->env);
	s->feed = s->encoder ? outbox_feed(x->otlp.outbox) : NULL;
	if (!s->feed) {
		span_encoder_free(s->encoder);
		free(s);
		return NULL;
	}
	s->next = x->sinks;
	x->sinks = s;
	return &s->base;
}

static int exporter_start(struct exporter *e)
{
	return outbox_start(((struct otlp_exporter *)e)->otlp.outbox);
}

static void exporter_stop(struct exporter *e, int wait_ms)
{
	outbox_stop(((struct otlp_exporter *)e)->otlp.outbox, wait_ms);
}

static void exporter_counters(struct exporter *e, struct export_counters *ret)
{
	*ret = (struct export_counters){ 0 };
	outbox_counters(((struct otlp_exporter *)e)->otlp.outbox, ret);
}

static bool traces_wanted(const struct config *c)
{
	return c->exporter.traces.d.enabled;
}

static bool logs_wanted(const struct config *c)
{
	return c->exporter.logs.d.enabled;
}

static int traces_open(const struct exporter_env *env, struct exporter **ret, struct buf *error)
{
	return exporter_open(env, &exporter_traces, OTLP_TRACES, &env->config->exporter.traces, ret, error);
}

static int logs_open(const struct exporter_env *env, struct exporter **ret, struct buf *error)
{
	return exporter_open(env, &exporter_logs, OTLP_LOGS, &env->config->exporter.logs, ret, error);
}

const struct exporter_ops exporter_traces = {
	.name = "traces",
	.wanted = traces_wanted,
	.takes = VIEW_TRACES,
	.open = traces_open,
	.start = exporter_start,
	.sink = exporter_sink,
	.stop = exporter_stop,
	.counters = exporter_counters,
	.free = exporter_free,
};

const struct exporter_ops exporter_logs = {
	.name = "logs",
	.wanted = logs_wanted,
	.takes = VIEW_RECORDS,
	.open = logs_open,
	.start = exporter_start,
	.sink = exporter_sink,
	.stop = exporter_stop,
	.counters = exporter_counters,
	.free = exporter_free,
};
