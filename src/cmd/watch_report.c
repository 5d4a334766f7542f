#include "cmd/watch.h"

#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cmd/help.h"
#include "util/timefmt.h"

#define BAR 24 /* columns */

bool watch_progress_wanted(const struct watch *w)
{
	bool lines_here = w->lines && isatty(STDOUT_FILENO) && !(w->v->file && !w->v->console);
	return isatty(STDERR_FILENO) && !lines_here && !observer_engine(w->observer)->live;
}

void watch_progress_clear(struct watch *w)
{
	static const char clear[] = "\r\033[K";
	if (w->progress_shown && write(STDERR_FILENO, clear, sizeof(clear) - 1) < 0)
		return;
	w->progress_shown = false;
}

static u64 mono_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_nsec;
}

void watch_progress(struct watch *w)
{
	struct observer_progress p;
	struct buf line = { 0 };
	u64 now = mono_ns();
	if (!w->progress_since)
		w->progress_since = now;
	u64 spent = now - w->progress_since;
	if (spent < NS_PER_SEC / 2 || !watch_progress_wanted(w))
		return;
	observer_progress(w->observer, &p);
	buf_addf(&line, "\r%s ", w->options.capture.file);
	if (p.total) {
		u64 done = MIN(p.bytes, p.total);
		int filled = (int)(done * BAR / p.total);
		buf_addf(&line, "%3u%% [%.*s%.*s] ", (unsigned)(done * 100 / p.total), filled, "########################", BAR - filled,
			 "------------------------");
		if (done > p.total / 50) {
			duration_short(&line, (u64)((double)spent * (double)(p.total - done) / (double)done));
			buf_adds(&line, " left, ");
		}
	}
	bytes_short(&line, p.bytes);
	buf_adds(&line, "B, ");
	bytes_short(&line, p.packets);
	buf_adds(&line, " packets\033[K");
	w->progress_shown = write(STDERR_FILENO, line.data, line.len) > 0;
	buf_done(&line);
}

static void add_dropped(struct buf *out, const struct line_counters *c)
{
	u64 dropped = c->offered - c->delivered;
	if (!dropped)
		return;
	buf_addf(out, "output: %llu of %llu RoundTrips were not written:", (unsigned long long)dropped, (unsigned long long)c->offered);
	for (int i = 0; i < LINE_DROP_COUNT; i++)
		if (c->dropped[i])
			buf_addf(out, " %llu %s", (unsigned long long)c->dropped[i], line_drop_name(i));
	buf_addc(out, '\n');
}

/* --ledger-json: also when nobody reads standard output any more. */
static void write_ledger(const struct watch *w, const struct ledger *sum)
{
	struct buf out = { 0 };
	ledger_json(sum, &out);
	buf_addc(&out, '\n');
	for (size_t at = 0; at < out.len;) {
		ssize_t n = write(w->ledger_fd, out.data + at, out.len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			watch_say("Error", "%s cannot be written: %s", w->v->ledger_json, strerror(errno));
			break;
		}
		at += (size_t)n;
	}
	buf_done(&out);
}

void watch_report(struct watch *w)
{
	struct ledger sum;
	struct line_counters counters = { 0 };
	struct buf out = { 0 };
	char why[200];
	observer_ledger(w->observer, &sum);
	if (w->ledger_fd >= 0)
		write_ledger(w, &sum);
	if (atomic_load(&w->closed) || (w->v->no_summary && !w->v->quiet))
		return;
	if (w->lines)
		lines_counters(w->lines, &counters);
	if (w->interrupted && isatty(w->v->quiet ? STDOUT_FILENO : STDERR_FILENO))
		buf_addc(&out, '\n');
	if (w->v->quiet && w->format == OUTPUT_JSON) {
		ledger_json(&sum, &out);
		buf_addc(&out, '\n');
	} else {
		ledger_print(&sum, &out);
		add_dropped(&out, &counters);
		if (*ledger_check(&sum, why))
			buf_addf(&out, "the sums do not hold: %s\n", why);
	}
	if (w->v->quiet)
		print_out(&out);
	else if (write(STDERR_FILENO, out.data, out.len) < 0)
		return;
	buf_done(&out);
}
