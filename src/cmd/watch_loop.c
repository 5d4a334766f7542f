#include "cmd/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cmd/help.h"

#define LOOK_MS 100      /* how often the progress line is renewed, and impatience looked after */
#define IDLE_MS 500      /* the same when there is none */
#define AGAIN_MS 200     /* signals that come so soon after the first are the same one: timeout(1) sends to the process and to its group */
#define PATIENCE_MS 2000 /* after a stop: longest wait for a reader that does not read */

enum { FD_SIGNALS, FD_OBSERVER, FD_WAKE, FDS };

struct loop {
	struct watch *w;
	struct pollfd fds[FDS];
	u64 stopped_at; /* monotonic ms; 0: running */
	u64 signal_at;  /* monotonic ms of the first signal to end; 0: none */
};

static u64 now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

int watch_signals(void)
{
	static const int wanted[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		sigaddset(&set, wanted[i]);
		signal(wanted[i], SIG_DFL); /* a shell lets background jobs ignore SIGINT: then it would not be seen */
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error to count, not to die of */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void stop(struct loop *l)
{
	observer_stop(l->w->observer);
	if (!l->stopped_at)
		l->stopped_at = now_ms();
}

static void take_signals(struct loop *l)
{
	struct signalfd_siginfo si;
	while (read(l->fds[FD_SIGNALS].fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGHUP) {
			if (l->w->lines)
				lines_reopen(l->w->lines);
			continue;
		}
		if (!l->signal_at) {
			l->signal_at = now_ms();
			l->w->interrupted = si.ssi_signo == SIGINT;
			stop(l);
		}
		if (now_ms() - l->signal_at < AGAIN_MS)
			continue;
		watch_progress_clear(l->w);
		_exit(128 + (int)si.ssi_signo);
	}
}

static void take_wakes(struct loop *l)
{
	struct watch *w = l->w;
	u64 count;
	if (read(w->wake_fd, &count, sizeof(count)) < 0)
		return;
	if (atomic_load(&w->closed))
		stop(l);
	int error = atomic_exchange(&w->failed, 0);
	if (error) {
		watch_progress_clear(w);
		watch_say("Error", "%s cannot be written: %s", w->v->file && !w->v->console ? w->v->file : "standard output", strerror(-error));
		w->write_failed = true;
	}
}

static void take_warnings(struct watch *w)
{
	char text[256];
	while (observer_warning(w->observer, text)) {
		watch_progress_clear(w);
		watch_say("Warning", "%s", text);
	}
}

/* A reader that stands still must not keep the program from ending once somebody has asked for that. */
static void lose_patience(struct loop *l)
{
	struct watch *w = l->w;
	if (!l->stopped_at || !w->lines || w->lines_stopped || now_ms() - l->stopped_at < PATIENCE_MS)
		return;
	lines_stop(w->lines, 0);
	w->lines_stopped = true;
}

static void look(struct loop *l, int wait_ms)
{
	if (poll(l->fds, FDS, wait_ms) > 0) {
		take_signals(l);
		take_wakes(l);
	}
	watch_fit(l->w);
	take_warnings(l->w);
	lose_patience(l);
}

/* The workers have ended: what they handed over is still to be written. */
static void finish_output(struct loop *l)
{
	struct watch *w = l->w;
	bool live = observer_engine(w->observer)->live;
	if (!w->lines || w->lines_stopped)
		return;
	if (live && !l->stopped_at)
		l->stopped_at = now_ms();
	while (!lines_stop_within(w->lines, 20) && !w->lines_stopped)
		look(l, 0);
	w->lines_stopped = true;
	take_wakes(l);
}

static void say_start(struct watch *w)
{
	struct buf titles = { 0 };
	if (w->lines && w->format != OUTPUT_JSON && (!w->v->file || w->v->console))
		table_header(&w->table, &titles);
	print_out(&titles);
	buf_done(&titles);
	if (!isatty(STDERR_FILENO) || !observer_engine(w->observer)->live)
		return;
	fprintf(stderr, "Watching %s (%s, %u %s), %s. Ctrl-C ends.\n", w->options.capture.interfaces, observer_engine(w->observer)->name,
		observer_workers(w->observer), observer_workers(w->observer) == 1 ? "thread" : "threads",
		w->rules.n ? "by the rules given" : "all protocols on any port");
}

int watch_loop(struct watch *w)
{
	struct loop l = { .w = w };
	l.fds[FD_SIGNALS] = (struct pollfd){ .fd = w->signal_fd, .events = POLLIN };
	l.fds[FD_OBSERVER] = (struct pollfd){ .fd = observer_fd(w->observer), .events = POLLIN };
	l.fds[FD_WAKE] = (struct pollfd){ .fd = w->wake_fd, .events = POLLIN };
	say_start(w);
	int rc = w->lines ? lines_start(w->lines) : 0;
	if (!rc)
		rc = observer_start(w->observer);
	while (!rc && observer_running(w->observer)) {
		look(&l, l.stopped_at || watch_progress_wanted(w) ? LOOK_MS : IDLE_MS);
		watch_progress(w);
	}
	if (!rc)
		rc = observer_join(w->observer);
	take_warnings(w);
	finish_output(&l);
	watch_progress_clear(w);
	if (rc)
		watch_say("Error", "capturing has ended: %s", capture_strerror(rc));
	return rc || w->write_failed ? EXIT_FAILED : EXIT_OK;
}
