#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cmd/agent.h"
#include "util/clock.h"

#define LOOK_MS 500
#define SETTLE_NS (300 * NS_PER_MS) /* a file that is being written may change several times */
#define AGAIN_NS (200 * NS_PER_MS) /* signals that come so soon after the first are the same one: timeout(1) sends to the process and to its group */
#define PATIENCE_NS (600 * NS_PER_SEC) /* a capture file has been read: longest wait for back ends that take nothing */

enum { FD_SIGNALS, FD_OBSERVER, FD_WAKE, FD_FILE, FDS };

struct loop {
	struct agent *a;
	struct pollfd fds[FDS];
	int signals;      /* to end, so far */
	u64 ended_at;     /* monotonic, ns: the first of them */
	bool hup;         /* the configuration is to be read again … */
	u64 changed_at;   /* … because the file was changed then; monotonic, 0: not */
};

void agent_wake(struct agent *a)
{
	static const u64 one = 1;
	if (write(a->wake_fd, &one, sizeof(one)) < 0)
		return; /* it is awake */
}

/* Signals are read from a descriptor; threads started from now on never see them. */
static int open_signals(void)
{
	static const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR2 };
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		sigaddset(&set, wanted[i]);
		signal(wanted[i], SIG_DFL);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void take_signals(struct loop *l)
{
	struct signalfd_siginfo si;
	while (read(l->fds[FD_SIGNALS].fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGHUP) {
			l->hup = true;
		} else if (si.ssi_signo == SIGUSR2) {
			log_reopen();
		} else if (l->signals++ == 0) {
			l->ended_at = clock_ns(CLOCK_MONOTONIC);
			log_write(LOG_INFO, "agent", "%s: ending", si.ssi_signo == SIGINT ? "interrupted" : "asked to end");
			atomic_store(&l->a->hurry, true);
			observer_stop(l->a->observer);
		} else if (clock_ns(CLOCK_MONOTONIC) - l->ended_at > AGAIN_NS) {
			log_write(LOG_WARN, "agent", "asked again: ended at once; %llu records had not been delivered", (unsigned long long)agent_queued(l->a));
			_exit(128 + (int)si.ssi_signo);
		}
	}
}

/* Something in the configuration's folder has changed; whether it is the file shows when it is read. */
static void take_changes(struct loop *l)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	const char *path = l->a->config->path, *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	ssize_t n;
	while ((n = read(l->a->watch_fd, events, sizeof(events))) > 0) {
		for (char *at = events; at < events + n; at += sizeof(struct inotify_event) + ((struct inotify_event *)(void *)at)->len) {
			const struct inotify_event *e = (const struct inotify_event *)(void *)at;
			/* Kubernetes exchanges a symbolic link beside the file */
			if (e->len && (strcmp(e->name, name) == 0 || strcmp(e->name, "..data") == 0))
				l->changed_at = clock_ns(CLOCK_MONOTONIC);
		}
	}
}

static bool requested(struct agent *a)
{
	pthread_mutex_lock(&a->request.lock);
	bool wanted = a->request.wanted;
	a->request.running = wanted;
	a->request.wanted = false;
	pthread_mutex_unlock(&a->request.lock);
	return wanted;
}

static void answer_request(struct agent *a, int result, const struct buf *text)
{
	struct agent_request *q = &a->request;
	pthread_mutex_lock(&q->lock);
	q->running = false;
	q->finished++;
	q->result = result;
	q->text.len = 0;
	buf_add(&q->text, text->data, text->len);
	pthread_cond_broadcast(&q->done);
	pthread_mutex_unlock(&q->lock);
}

static void reload_if_wanted(struct loop *l)
{
	bool asked = requested(l->a);
	bool changed = l->changed_at && clock_ns(CLOCK_MONOTONIC) - l->changed_at > SETTLE_NS;
	struct buf text = { 0 };
	if (!asked && !l->hup && !changed)
		return;
	l->hup = false;
	if (changed)
		l->changed_at = 0;
	agent_notify(l->a, "RELOADING=1");
	int rc = agent_reload(l->a, &text);
	agent_notify(l->a, rc ? "READY=1\nSTATUS=the last reload has failed: the log says why" : "READY=1\nSTATUS=");
	if (asked)
		answer_request(l->a, rc, &text);
	agent_end_old_server(l->a); /* not while somebody waits for an answer from it */
	buf_done(&text);
}

static void look(struct loop *l, int wait_ms)
{
	u64 count;
	if (poll(l->fds, FDS, wait_ms) > 0) {
		take_signals(l);
		if (read(l->a->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			return;
		if (l->a->watch_fd >= 0)
			take_changes(l);
	}
	agent_fit_show(l->a);
	agent_feed_watchdog(l->a);
	char text[256];
	while (observer_warning(l->a->observer, text))
		log_write(LOG_WARN, "capture", "%s", text);
}

/* A capture has been read: back ends get what is queued, however long that takes, unless none takes anything any more or somebody loses
 * patience. Each exporter gives up by itself what is older than its retryFor. */
static void drain(struct loop *l)
{
	u64 left = agent_queued(l->a), since = clock_ns(CLOCK_MONOTONIC);
	if (left)
		log_write(LOG_INFO, "agent", "the capture has been read; %llu records are on their way", (unsigned long long)left);
	while (!l->signals && left && clock_ns(CLOCK_MONOTONIC) - since < PATIENCE_NS) {
		look(l, 50);
		u64 now = agent_queued(l->a);
		since = now == left ? since : clock_ns(CLOCK_MONOTONIC);
		left = now;
	}
}

static void look_while_ending(void *arg)
{
	struct loop *l = arg;
	if (poll(&l->fds[FD_SIGNALS], 1, 20) > 0)
		take_signals(l);
}

static void log_end(struct agent *a)
{
	struct ledger *sum = calloc(1, sizeof(*sum));
	struct buf text = { 0 };
	char why[200];
	if (!sum)
		return;
	observer_ledger(a->observer, sum);
	ledger_print(sum, &text);
	agent_log_lines(LOG_INFO, "ledger", &text);
	if (*ledger_check(sum, why))
		log_write(LOG_ERROR, "ledger", "the sums do not hold: %s", why);
	buf_done(&text);
	free(sum);
}

static int start(struct agent *a)
{
	struct buf error = { 0 };
	int rc = 0;
	for (u32 i = 0; i < AGENT_EXPORTERS_MAX && !rc; i++)
		if (a->exporters[i])
			rc = a->exporters[i]->ops->start(a->exporters[i]);
	if (!rc && a->server)
		rc = server_start(a->server, &error);
	if (!rc)
		rc = agent_start_show(a);
	if (!rc)
		rc = observer_start(a->observer);
	if (rc)
		log_write(LOG_ERROR, "agent", "cannot start: %s", error.len ? buf_cstr(&error) : strerror(-rc));
	buf_done(&error);
	return rc;
}

static void say_start(struct agent *a)
{
	log_write(LOG_INFO, "agent", "configuration: %s", a->builtin ? "built-in defaults (no " AGENT_CONFIG " here; packetd config prints one)" : a->config->path);
	if (a->live)
		log_write(LOG_INFO, "agent", "watching %s (%s, %u %s), %s", a->options.capture.interfaces, observer_engine(a->observer)->name, a->workers,
			  a->workers == 1 ? "thread" : "threads", a->rules.n ? "by the rules given" : "all protocols on any port");
	else
		log_write(LOG_INFO, "agent", "reading %s", a->options.capture.file);
	if (a->server)
		log_write(LOG_INFO, "agent", "%s://%s/ has metrics at /metrics and /protocol/metrics, the live stream at /watch", server_scheme(a->server),
			  server_address(a->server));
}

int agent_loop(struct agent *a)
{
	struct loop l = { .a = a };
	l.fds[FD_SIGNALS] = (struct pollfd){ .fd = open_signals(), .events = POLLIN };
	l.fds[FD_OBSERVER] = (struct pollfd){ .fd = observer_fd(a->observer), .events = POLLIN };
	l.fds[FD_WAKE] = (struct pollfd){ .fd = a->wake_fd, .events = POLLIN };
	l.fds[FD_FILE] = (struct pollfd){ .fd = a->watch_fd, .events = POLLIN };
	int rc = start(a);
	if (!rc) {
		atomic_store(&a->running, true);
		say_start(a);
		agent_notify(a, "READY=1");
	}
	while (!rc && observer_running(a->observer)) {
		look(&l, l.changed_at ? (int)(SETTLE_NS / NS_PER_MS) : LOOK_MS);
		reload_if_wanted(&l);
	}
	if (!rc)
		rc = observer_join(a->observer);
	atomic_store(&a->running, false);
	atomic_store(&a->stopping, true);
	agent_notify(a, "STOPPING=1");
	if (rc)
		log_write(LOG_ERROR, "agent", "capturing has ended: %s", capture_strerror(rc));
	look(&l, 0);
	if (!a->live)
		drain(&l);
	agent_end_show(a);
	bool delivered = agent_end_exporters(a, look_while_ending, &l);
	log_end(a);
	close(l.fds[FD_SIGNALS].fd);
	return rc || (!a->live && !delivered) ? EXIT_FAILED : EXIT_OK;
}
