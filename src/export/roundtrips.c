/* The exporter `roundtrips`: JSON lines to a file that is rotated, or to standard output. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "export/exporter.h"
#include "export/lines.h"
#include "export/record_json.h"

struct file_view_sink {
	struct view_sink base;
	struct line_feed *feed;
	struct record_json json;
	struct file_view_sink *next;
};

struct roundtrips {
	struct exporter base;
	struct exporter_env env;
	struct lines *lines;
	struct file_view_sink *sinks;
};

static void take(struct view_sink *sink, const struct view *v)
{
	struct file_view_sink *s = (struct file_view_sink *)sink;
	struct buf *out = line_feed_begin(s->feed);
	if (!out)
		return;
	record_json(&s->json, out, v);
	line_feed_end(s->feed);
}

static void flush(struct view_sink *sink, u64 now, bool last)
{
	line_feed_flush(((struct file_view_sink *)sink)->feed);
}

static void say_failed(void *arg, int error)
{
	struct roundtrips *x = arg;
	struct buf text = { 0 };
	buf_addf(&text, "roundtrips: %s cannot be written: %s", x->env.config->exporter.roundtrips.console ? "standard output" : x->env.config->exporter.roundtrips.filename, strerror(-error));
	if (x->env.log)
		x->env.log(x->env.log_arg, LOG_ERROR, buf_cstr(&text));
	buf_done(&text);
}

static void say_closed(void *arg)
{
	say_failed(arg, -EPIPE);
}

static void roundtrips_free(struct exporter *e)
{
	struct roundtrips *x = (struct roundtrips *)e;
	if (!x)
		return;
	for (struct file_view_sink *s = x->sinks, *next; s; s = next) {
		next = s->next;
		record_json_done(&s->json);
		free(s);
	}
	lines_free(x->lines);
	free(x);
}

static int roundtrips_open(const struct exporter_env *env, struct exporter **ret, struct buf *error)
{
	const struct config_roundtrips *c = &env->config->exporter.roundtrips;
	struct roundtrips *x = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	x->base.ops = &exporter_roundtrips;
	x->env = *env;
	struct line_options o = { .fd = STDOUT_FILENO, .wait = !env->live, .closed = say_closed, .failed = say_failed, .arg = x };
	if (!c->console)
		o.file = (struct rotate_options){ c->filename, (u64)c->max_size_mb * MIB, c->max_backups, c->max_age_days };
	int rc = lines_new(&o, &x->lines);
	if (rc) {
		buf_addf(error, "roundtrips: %s: %s", c->console ? "standard output" : c->filename, strerror(-rc));
		roundtrips_free(&x->base);
		return rc;
	}
	*ret = &x->base;
	return 0;
}

static struct view_sink *roundtrips_sink(struct exporter *e, u32 worker)
{
	struct roundtrips *x = (struct roundtrips *)e;
	struct file_view_sink *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->base = (struct view_sink){ take, flush };
	s->json = (struct record_json){ x->env.interface, x->env.interface_arg, .worker = worker };
	s->feed = lines_feed(x->lines);
	if (!s->feed) {
		free(s);
		return NULL;
	}
	s->next = x->sinks;
	x->sinks = s;
	return &s->base;
}

static int roundtrips_start(struct exporter *e)
{
	return lines_start(((struct roundtrips *)e)->lines);
}

static void roundtrips_stop(struct exporter *e, int wait_ms)
{
	lines_stop(((struct roundtrips *)e)->lines, wait_ms);
}

static void roundtrips_counters(struct exporter *e, struct export_counters *ret)
{
	static const u8 drops[LINE_DROP_COUNT] = {
		[LINE_DROP_FULL] = EXPORT_DROP_QUEUE,  [LINE_DROP_LARGE] = EXPORT_DROP_LARGE,  [LINE_DROP_SPACE] = EXPORT_DROP_ERROR,
		[LINE_DROP_ERROR] = EXPORT_DROP_ERROR, [LINE_DROP_CLOSED] = EXPORT_DROP_ERROR, [LINE_DROP_ABANDONED] = EXPORT_DROP_ABANDONED,
	};
	struct line_counters c;
	lines_counters(((struct roundtrips *)e)->lines, &c);
	*ret = (struct export_counters){ .offered = c.offered, .delivered = c.delivered, .queued = c.queued, .bytes = c.bytes };
	for (int i = 0; i < LINE_DROP_COUNT; i++)
		ret->dropped[drops[i]] += c.dropped[i];
}

static bool roundtrips_wanted(const struct config *c)
{
	return c->exporter.roundtrips.enabled;
}

const struct exporter_ops exporter_roundtrips = {
	.name = "roundtrips",
	.wanted = roundtrips_wanted,
	.takes = VIEW_RECORDS,
	.open = roundtrips_open,
	.start = roundtrips_start,
	.sink = roundtrips_sink,
	.stop = roundtrips_stop,
	.counters = roundtrips_counters,
	.free = roundtrips_free,
};
