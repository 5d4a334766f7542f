#include "export/lines.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "util/queue.h"

#define BATCH_KEEP (256 * KIB) /* a batch that has grown beyond this is freed after use */

struct batch {
	struct buf buf;
	u32 records;
	struct line_feed *feed;
};

struct line_feed {
	struct lines *lines;
	struct batch *filling; /* NULL: none */
	size_t mark;           /* its length before the record being written */
	struct queue unused;   /* batches given back by the writer */
	u32 made;              /* batches that exist */
	_Atomic u64 offered, full, large;
	struct batch batches[LINES_BATCHES];
};

struct lines {
	struct line_options o;
	struct rotate *file; /* NULL: o.fd */
	struct queue ready;
	pthread_t thread;
	bool started;
	struct line_feed *feeds[LINES_FEEDS_MAX];
	u32 feeds_len;
	_Atomic bool reopen, abandon;
	_Atomic bool ended; /* the writer's thread has */
	bool closed;        /* nobody reads */
	bool said[2];       /* failures told: no space, others */
	_Atomic u64 delivered, bytes, dropped[LINE_DROP_COUNT];
};

const char *line_drop_name(enum line_drop d)
{
	static const char *const names[] = {
#define X(id, name, text) name,
		LINE_DROPS(X)
#undef X
	};
	return names[d];
}

int lines_new(const struct line_options *options, struct lines **ret)
{
	struct lines *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->o = *options;
	int rc = queue_init(&l->ready, LINES_FEEDS_MAX * LINES_BATCHES);
	if (!rc && options->file.path)
		rc = rotate_open(&options->file, &l->file);
	if (rc) {
		lines_free(l);
		return rc;
	}
	*ret = l;
	return 0;
}

struct line_feed *lines_feed(struct lines *l)
{
	if (l->feeds_len == LINES_FEEDS_MAX)
		return NULL;
	struct line_feed *f = calloc(1, sizeof(*f));
	if (!f || queue_init(&f->unused, LINES_BATCHES)) {
		free(f);
		return NULL;
	}
	f->lines = l;
	l->feeds[l->feeds_len++] = f;
	return f;
}

void lines_free(struct lines *l)
{
	if (!l)
		return;
	for (u32 i = 0; i < l->feeds_len; i++) {
		struct line_feed *f = l->feeds[i];
		for (u32 k = 0; k < f->made; k++)
			buf_done(&f->batches[k].buf);
		queue_done(&f->unused);
		free(f);
	}
	rotate_close(l->file);
	queue_done(&l->ready);
	free(l);
}

/* --- worker's side --- */

/* A free batch: the one used last is still in the cache. */
static struct batch *batch_get(struct line_feed *f)
{
	struct batch *b = queue_pop_newest(&f->unused);
	if (!b && f->made < LINES_BATCHES) {
		b = &f->batches[f->made++];
		*b = (struct batch){ .feed = f, .buf.max = LINES_BATCH_BYTES + LINES_RECORD_MAX };
	}
	if (!b && f->lines->o.wait)
		b = queue_pop(&f->unused, -1);
	return b;
}

struct buf *line_feed_begin(struct line_feed *f)
{
	atomic_store_explicit(&f->offered, f->offered + 1, memory_order_relaxed);
	if (!f->filling && !(f->filling = batch_get(f))) {
		atomic_store_explicit(&f->full, f->full + 1, memory_order_relaxed);
		return NULL;
	}
	f->mark = f->filling->buf.len;
	return &f->filling->buf;
}

void line_feed_end(struct line_feed *f)
{
	struct buf *b = &f->filling->buf;
	if (unlikely(b->failed)) {
		b->failed = false;
		b->len = f->mark;
		atomic_store_explicit(&f->large, f->large + 1, memory_order_relaxed);
		return;
	}
	f->filling->records++;
	if (b->len >= LINES_BATCH_BYTES)
		line_feed_flush(f);
}

void line_feed_flush(struct line_feed *f)
{
	struct batch *b = f->filling;
	if (!b || !b->records)
		return;
	f->filling = NULL;
	/* There is room for every batch there is, so it is refused only once the writer has gone. */
	if (!queue_push(&f->lines->ready, b, false)) {
		atomic_fetch_add(&f->lines->dropped[LINE_DROP_ABANDONED], b->records);
		b->records = 0;
		b->buf.len = 0;
		queue_push(&f->unused, b, false);
	}
}

/* --- writer's side --- */

static void batch_put(struct batch *b)
{
	b->records = 0;
	b->buf.len = 0;
	if (b->buf.cap > BATCH_KEEP)
		buf_done(&b->buf);
	queue_push(&b->feed->unused, b, false);
}

static u32 count_lines(const char *p, size_t n)
{
	u32 lines = 0;
	for (const char *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		lines++;
	return lines;
}

/* Writes to a descriptor that may be a pipe nobody reads for a while. */
static int write_fd(struct lines *l, const char *p, size_t n, size_t *written)
{
	struct pollfd pfd = { .fd = l->o.fd, .events = POLLOUT };
	while (*written < n) {
		if (atomic_load(&l->abandon))
			return -ECANCELED;
		ssize_t k = write(l->o.fd, p + *written, n - *written);
		if (k >= 0)
			*written += (size_t)k;
		else if (errno == EAGAIN)
			poll(&pfd, 1, 100);
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static void tell_failure(struct lines *l, int rc)
{
	bool *said = &l->said[rc == -ENOSPC || rc == -EDQUOT];
	if (!*said && l->o.failed)
		l->o.failed(l->o.arg, rc);
	*said = true;
}

static enum line_drop drop_reason(struct lines *l, int rc)
{
	if (rc == -ECANCELED)
		return LINE_DROP_ABANDONED;
	if (rc == -EPIPE || (rc == -EIO && !l->file)) {
		l->closed = true;
		if (l->o.closed)
			l->o.closed(l->o.arg);
		return LINE_DROP_CLOSED;
	}
	tell_failure(l, rc);
	return rc == -ENOSPC || rc == -EDQUOT ? LINE_DROP_SPACE : LINE_DROP_ERROR;
}

static void write_batch(struct lines *l, struct batch *b)
{
	size_t written = 0;
	if (l->closed || atomic_load(&l->abandon)) {
		atomic_fetch_add(&l->dropped[l->closed ? LINE_DROP_CLOSED : LINE_DROP_ABANDONED], b->records);
		return;
	}
	int rc = l->file ? rotate_write(l->file, b->buf.data, b->buf.len, &written) : write_fd(l, b->buf.data, b->buf.len, &written);
	u32 whole = rc ? count_lines(b->buf.data, written) : b->records;
	atomic_fetch_add(&l->delivered, whole);
	atomic_fetch_add(&l->bytes, written);
	if (rc)
		atomic_fetch_add(&l->dropped[drop_reason(l, rc)], b->records - whole);
}

static void *writer(void *arg)
{
	struct lines *l = arg;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	for (;;) {
		bool last = queue_closed(&l->ready);
		struct batch *b = queue_pop(&l->ready, l->file ? 500 : -1);
		if (atomic_exchange(&l->reopen, false) && l->file) {
			int rc = rotate_reopen(l->file);
			if (rc)
				tell_failure(l, rc);
		}
		if (!b && last)
			break;
		if (!b)
			continue;
		write_batch(l, b);
		batch_put(b);
	}
	atomic_store(&l->ended, true);
	return NULL;
}

static void interrupted(int signal_number)
{
}

int lines_start(struct lines *l)
{
	/* Only lines_stop sends it, to this thread, to take it out of a write that blocks. */
	struct sigaction action = { .sa_handler = interrupted };
	sigaction(SIGUSR1, &action, NULL);
	int rc = pthread_create(&l->thread, NULL, writer, l);
	l->started = rc == 0;
	return -rc;
}

void lines_reopen(struct lines *l)
{
	atomic_store(&l->reopen, true);
}

static void join(struct lines *l)
{
	pthread_join(l->thread, NULL);
	l->started = false;
}

bool lines_stop_within(struct lines *l, int wait_ms)
{
	static const struct timespec tick = { .tv_nsec = 2000000 };
	queue_close(&l->ready);
	for (int ms = 0; l->started && ms < wait_ms && !atomic_load(&l->ended); ms += 2)
		nanosleep(&tick, NULL);
	if (l->started && !atomic_load(&l->ended))
		return false;
	if (l->started)
		join(l);
	return true;
}

bool lines_stop(struct lines *l, int wait_ms)
{
	queue_close(&l->ready);
	if (wait_ms < 0 && l->started)
		join(l);
	if (lines_stop_within(l, wait_ms))
		return true;
	/* The writer blocks. A signal takes it out of its write, and what is left is given up. */
	atomic_store(&l->abandon, true);
	for (int i = 0; i < 100 && l->started; i++) {
		pthread_kill(l->thread, SIGUSR1);
		lines_stop_within(l, 10);
	}
	return false;
}

void lines_counters(struct lines *l, struct line_counters *ret)
{
	u64 gone;
	*ret = (struct line_counters){ .delivered = l->delivered, .bytes = l->bytes };
	for (int i = 0; i < LINE_DROP_COUNT; i++)
		ret->dropped[i] = l->dropped[i];
	for (u32 i = 0; i < l->feeds_len; i++) {
		ret->offered += l->feeds[i]->offered;
		ret->dropped[LINE_DROP_FULL] += l->feeds[i]->full;
		ret->dropped[LINE_DROP_LARGE] += l->feeds[i]->large;
	}
	gone = ret->delivered;
	for (int i = 0; i < LINE_DROP_COUNT; i++)
		gone += ret->dropped[i];
	ret->queued = ret->offered - gone;
}
