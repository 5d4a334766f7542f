/* --show: a line per RoundTrip on standard output while the agent runs, as `watch` prints it. */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/agent.h"
#include "cmd/help.h"
#include "export/lines.h"
#include "roundtrip/table.h"

struct show_worker {
	struct view_sink base;
	struct agent_show *show;
	struct line_feed *feed;
};

struct agent_show {
	struct lines *lines;
	struct table table;
	u32 workers;
	struct show_worker v[OBSERVER_WORKERS_MAX];
};

static void show_view(struct view_sink *sink, const struct view *v)
{
	struct show_worker *s = (struct show_worker *)sink;
	struct buf *out = line_feed_begin(s->feed);
	if (!out)
		return;
	roundtrip_table(out, v->rt, &s->show->table);
	line_feed_end(s->feed);
}

static void show_flush(struct view_sink *sink, u64 now, bool last)
{
	line_feed_flush(((struct show_worker *)sink)->feed);
}

static int add_workers(struct agent_show *s, u32 workers)
{
	for (s->workers = 0; s->workers < workers; s->workers++) {
		struct line_feed *feed = lines_feed(s->lines);
		if (!feed)
			return -ENOMEM;
		s->v[s->workers] = (struct show_worker){ .base = { show_view, show_flush }, .show = s, .feed = feed };
	}
	return 0;
}

int agent_open_show(struct agent *a)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	bool terminal = isatty(STDOUT_FILENO);
	struct line_options o = { .fd = STDOUT_FILENO, .wait = !a->live };
	if (!a->v->show)
		return 0;
	a->show = calloc(1, sizeof(*a->show));
	int rc = a->show ? lines_new(&o, &a->show->lines) : -ENOMEM;
	if (rc)
		return rc;
	table_init(&a->show->table, terminal && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0, false, 0);
	agent_fit_show(a);
	return add_workers(a->show, a->workers);
}

struct view_sink *agent_show_sink(struct agent *a, u32 worker)
{
	return a->show && worker < a->show->workers ? &a->show->v[worker].base : NULL;
}

void agent_fit_show(struct agent *a)
{
	struct winsize size;
	if (a->show && isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		atomic_store_explicit(&a->show->table.width, size.ws_col, memory_order_relaxed);
}

int agent_start_show(struct agent *a)
{
	struct buf titles = { 0 };
	if (!a->show)
		return 0;
	table_header(&a->show->table, &titles);
	print_out(&titles);
	buf_done(&titles);
	return lines_start(a->show->lines);
}

void agent_end_show(struct agent *a)
{
	if (a->show)
		lines_stop(a->show->lines, 2000);
}

void agent_close_show(struct agent *a)
{
	if (!a->show)
		return;
	if (a->show->lines)
		lines_stop(a->show->lines, 2000);
	lines_free(a->show->lines);
	free(a->show);
	a->show = NULL;
}
