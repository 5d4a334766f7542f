#include "cmd/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cmd/rights.h"
#include "util/sandbox.h"

#define BACKUP_DAYS 7

static void wake(struct watch *w)
{
	static const u64 one = 1;
	if (write(w->wake_fd, &one, sizeof(one)) < 0)
		return; /* it is awake */
}

static void on_closed(void *arg)
{
	struct watch *w = arg;
	atomic_store(&w->closed, true);
	wake(w);
}

static void on_failed(void *arg, int error)
{
	struct watch *w = arg;
	atomic_store(&w->failed, error);
	wake(w);
}

static int open_lines(struct watch *w)
{
	const struct watch_values *v = w->v;
	struct line_options o = { .fd = STDOUT_FILENO, .wait = !w->options.engine->live, .closed = on_closed, .failed = on_failed, .arg = w };
	if (v->quiet)
		return EXIT_OK;
	if (v->file && !v->console)
		o.file = (struct rotate_options){ .path = v->file, .max_bytes = (v->file_size ? v->file_size : 100) * MIB,
						  .backups = (u32)v->file_backups, .max_age_days = BACKUP_DAYS };
	int rc = lines_new(&o, &w->lines);
	if (!rc)
		return EXIT_OK;
	watch_say("Error", "%s cannot be written: %s", o.file.path ? o.file.path : "standard output", strerror(-rc));
	return EXIT_FAILED;
}

static int open_ledger(struct watch *w)
{
	if (!w->v->ledger_json)
		return EXIT_OK;
	w->ledger_fd = open(w->v->ledger_json, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (w->ledger_fd >= 0)
		return EXIT_OK;
	watch_say("Error", "%s cannot be written: %s", w->v->ledger_json, strerror(errno));
	return EXIT_FAILED;
}

static const char *interface_name(void *arg, u16 ifindex)
{
	const struct watch_sink *s = arg;
	return observer_interface(s->observer, s->worker, ifindex);
}

static int add_sinks(void *arg, struct observer *ob, u32 worker, struct sessions *sessions)
{
	struct watch *w = arg;
	if (!w->lines)
		return 0;
	struct watch_sink *s = &w->sinks[w->sinks_len++];
	*s = (struct watch_sink){ .observer = ob, .worker = worker };
	struct table *table = w->format == OUTPUT_JSON ? NULL : &w->table;
	struct file_sink_options o = { .feed = lines_feed(w->lines), .table = table, .json = { .interface = interface_name, .arg = s } };
	s->sink = o.feed ? file_sink_new(&o) : NULL;
	return s->sink ? sessions_add_sink(sessions, s->sink) : -ENOMEM;
}

static void close_all(struct watch *w)
{
	observer_close(w->observer);
	for (u32 i = 0; i < w->sinks_len; i++)
		file_sink_free(w->sinks[i].sink);
	lines_free(w->lines);
	w->observer = NULL;
	w->lines = NULL;
	w->sinks_len = 0;
}

static int open_observer(struct watch *w)
{
	char error[256];
	w->options.add_sinks = add_sinks;
	w->options.arg = w;
	int rc = observer_open(&w->options, &w->observer, error);
	if (!rc)
		return EXIT_OK;
	bool no_right = w->options.engine->live && IS_MISSING_RIGHT(rc);
	if (no_right)
		say_rights("watch");
	else
		watch_say("Error", "%s", error);
	if (no_right && w->v->sample)
		return -EPERM;
	return EXIT_FAILED;
}

/* No right to capture: the sample capture instead of nothing at all. */
static int open_sample(struct watch *w)
{
	close_all(w);
	fprintf(stderr, "Here is %s instead, a capture of what it would show:\n\n", w->v->sample);
	w->options.capture.file = w->v->sample;
	w->options.capture.filter = NULL;
	w->options.engine = capture_engine_default(&w->options.capture);
	int code = open_lines(w);
	return code == EXIT_OK ? open_observer(w) : code;
}

/* Hostile bytes are read from here on: nothing is kept that a bug could be used for. */
static void give_up_rights(struct watch *w)
{
	const char *interfaces = w->options.capture.interfaces;
	struct sandbox_options o = {
		.ask_interfaces = w->options.engine->live,
		.open_captures = w->options.engine->live && strcmp(interfaces, "any") != 0,
		.write_files = w->v->file && !w->v->console,
	};
	if (w->v->no_sandbox)
		return;
	int rc = sandbox_drop_rights(&o);
	if (rc)
		watch_say("Warning", "rights could not be given up: %s", strerror(-rc));
	rc = sandbox_limit_calls(&o);
	if (rc && rc != -ENOSYS && rc != -EINVAL)
		watch_say("Warning", "system calls could not be limited: %s", strerror(-rc));
}

int watch_open(struct watch *w)
{
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int code = open_ledger(w);
	if (code == EXIT_OK)
		code = open_lines(w);
	if (code == EXIT_OK)
		code = open_observer(w);
	if (code == -EPERM)
		code = open_sample(w);
	if (code != EXIT_OK)
		return code;
	w->signal_fd = watch_signals(); /* from now on packets are captured: an interrupt must not lose them */
	give_up_rights(w);
	return code;
}

void watch_done(struct watch *w)
{
	close_all(w);
	if (w->wake_fd >= 0)
		close(w->wake_fd);
	if (w->ledger_fd >= 0)
		close(w->ledger_fd);
	if (w->signal_fd >= 0)
		close(w->signal_fd);
	rt_filter_free(w->filter);
	buf_done(&w->bpf);
}
