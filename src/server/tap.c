#include "server/tap.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "export/record_json.h"

struct tap_watcher {
	struct tap *tap;
	struct rt_filter *filter;
	struct buf queue; /* JSON lines */
	struct buf mine;  /* those the reader has taken over; read up to `at`. Not under the lock */
	size_t at;
	u64 dropped;
};

struct tap_worker {
	struct view_sink base;
	struct tap *tap;
	u32 number;
	u32 budget;   /* records that may still be kept in this second */
	u64 second;
	struct buf line;
	struct record_json json;
};

struct tap {
	struct tap_options o;
	pthread_mutex_t lock;
	pthread_cond_t readable;
	_Atomic u32 watchers_len;
	struct tap_watcher *watchers[TAP_WATCHERS_MAX];
	bool closed;
	u64 dropped; /* of watchers that are gone */
	struct buf recent[TAP_RECENT_MAX]; /* a ring; each without its \n */
	u32 recent_next, recent_len;
	u64 recent_bytes;
	struct tap_worker *workers;
};

/* --- worker's side --- */

static void drop_oldest(struct tap *t)
{
	struct buf *oldest = &t->recent[(t->recent_next + TAP_RECENT_MAX - t->recent_len) % TAP_RECENT_MAX];
	t->recent_bytes -= oldest->cap;
	buf_done(oldest);
	t->recent_len--;
}

static void keep_recent(struct tap *t, const struct buf *line)
{
	if (line->len > TAP_RECENT_BYTES / 4)
		return;
	while (t->recent_len == TAP_RECENT_MAX || (t->recent_len && t->recent_bytes + line->len > TAP_RECENT_BYTES))
		drop_oldest(t);
	struct buf *to = &t->recent[t->recent_next];
	*to = (struct buf){ 0 };
	buf_add(to, line->data, line->len - 1);
	if (to->failed) {
		buf_done(to);
		return;
	}
	t->recent_bytes += to->cap;
	t->recent_next = (t->recent_next + 1) % TAP_RECENT_MAX;
	t->recent_len++;
}

static bool make_line(struct tap_worker *w, const struct view *v)
{
	if (w->line.len)
		return true;
	w->line.failed = false;
	record_json(&w->json, &w->line, v);
	return !w->line.failed && w->line.len > 0;
}

static void hand_over(struct tap_watcher *to, const struct buf *line)
{
	if (to->queue.len + line->len > TAP_WATCHER_BYTES) {
		to->dropped++;
		return;
	}
	buf_add(&to->queue, line->data, line->len);
	if (to->queue.failed) {
		to->queue.failed = false;
		to->dropped++;
	}
}

static void tell_watchers(struct tap_worker *w, const struct view *v)
{
	struct tap *t = w->tap;
	bool some = false;
	pthread_mutex_lock(&t->lock);
	for (u32 i = 0; i < TAP_WATCHERS_MAX; i++) {
		struct tap_watcher *to = t->watchers[i];
		if (!to || !rt_filter_match(to->filter, v->rt) || !make_line(w, v))
			continue;
		hand_over(to, &w->line);
		some = true;
	}
	if (some)
		pthread_cond_broadcast(&t->readable);
	pthread_mutex_unlock(&t->lock);
}

static void sink_view(struct view_sink *s, const struct view *v)
{
	struct tap_worker *w = (struct tap_worker *)s;
	w->line.len = 0;
	if (atomic_load_explicit(&w->tap->watchers_len, memory_order_relaxed))
		tell_watchers(w, v);
	if (!w->budget || !make_line(w, v))
		return;
	w->budget--;
	pthread_mutex_lock(&w->tap->lock);
	keep_recent(w->tap, &w->line);
	pthread_mutex_unlock(&w->tap->lock);
}

static void sink_flush(struct view_sink *s, u64 now, bool last)
{
	struct tap_worker *w = (struct tap_worker *)s;
	if (w->second == now / NS_PER_SEC)
		return;
	w->second = now / NS_PER_SEC;
	w->budget = TAP_RECENT_RATE;
}

/* --- life --- */

struct tap *tap_new(const struct tap_options *o)
{
	struct tap *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;
	if (!t)
		return NULL;
	t->o = *o;
	t->workers = calloc(o->workers, sizeof(*t->workers));
	if (!t->workers) {
		free(t);
		return NULL;
	}
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->readable, &attr);
	pthread_condattr_destroy(&attr);
	for (u32 i = 0; i < o->workers; i++)
		t->workers[i] = (struct tap_worker){ .base = { sink_view, sink_flush }, .tap = t, .number = i, .budget = TAP_RECENT_RATE, .line = { .max = MIB },
						    .json = { o->interface, o->arg, .worker = i } };
	return t;
}

void tap_free(struct tap *t)
{
	if (!t)
		return;
	while (t->recent_len)
		drop_oldest(t);
	for (u32 i = 0; i < t->o.workers; i++) {
		buf_done(&t->workers[i].line);
		record_json_done(&t->workers[i].json);
	}
	pthread_cond_destroy(&t->readable);
	pthread_mutex_destroy(&t->lock);
	free(t->workers);
	free(t);
}

struct view_sink *tap_sink(struct tap *t, u32 worker)
{
	return &t->workers[worker].base;
}

/* --- watcher's side --- */

struct tap_watcher *tap_watch(struct tap *t, struct rt_filter *filter)
{
	struct tap_watcher *w = calloc(1, sizeof(*w));
	bool placed = false;
	if (w)
		*w = (struct tap_watcher){ .tap = t, .filter = filter, .queue = { .max = TAP_WATCHER_BYTES }, .mine = { .max = TAP_WATCHER_BYTES } };
	pthread_mutex_lock(&t->lock);
	for (u32 i = 0; w && i < TAP_WATCHERS_MAX && !placed && !t->closed; i++)
		if (!t->watchers[i]) {
			t->watchers[i] = w;
			t->watchers_len++;
			placed = true;
		}
	pthread_mutex_unlock(&t->lock);
	if (placed)
		return w;
	rt_filter_free(filter);
	free(w);
	return NULL;
}

void tap_unwatch(struct tap_watcher *w)
{
	struct tap *t = w->tap;
	pthread_mutex_lock(&t->lock);
	for (u32 i = 0; i < TAP_WATCHERS_MAX; i++)
		if (t->watchers[i] == w) {
			t->watchers[i] = NULL;
			t->watchers_len--;
		}
	t->dropped += w->dropped;
	pthread_mutex_unlock(&t->lock);
	rt_filter_free(w->filter);
	buf_done(&w->queue);
	buf_done(&w->mine);
	free(w);
}

static struct timespec after(int ms)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000l;
	if (t.tv_nsec >= 1000000000l) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000l;
	}
	return t;
}

/* Takes whole lines off the front of what the reader has. */
static int take_lines(struct tap_watcher *w, struct buf *out, u32 max)
{
	size_t end = w->at;
	int lines = 0;
	for (; (u32)lines < max && end < w->mine.len; lines++) {
		const char *feed = memchr(w->mine.data + end, '\n', w->mine.len - end);
		end = (size_t)(feed - w->mine.data) + 1;
	}
	if (!lines)
		return 0;
	buf_add(out, w->mine.data + w->at, end - w->at);
	w->at = end;
	return lines;
}

int tap_read(struct tap_watcher *w, struct buf *out, u32 max, int wait_ms)
{
	struct tap *t = w->tap;
	struct timespec until = after(wait_ms);
	int rc = 0, lines = take_lines(w, out, max);
	if (lines)
		return lines;
	pthread_mutex_lock(&t->lock);
	while (!w->queue.len && !t->closed && rc == 0)
		rc = pthread_cond_timedwait(&t->readable, &t->lock, &until);
	struct buf empty = w->mine;
	empty.len = 0;
	w->mine = w->queue;
	w->queue = empty;
	w->at = 0;
	bool closed = t->closed;
	pthread_mutex_unlock(&t->lock);
	lines = take_lines(w, out, max);
	return lines ? lines : closed ? -EPIPE : 0;
}

u64 tap_dropped(struct tap_watcher *w)
{
	pthread_mutex_lock(&w->tap->lock);
	u64 n = w->dropped;
	pthread_mutex_unlock(&w->tap->lock);
	return n;
}

void tap_close(struct tap *t)
{
	pthread_mutex_lock(&t->lock);
	t->closed = true;
	pthread_cond_broadcast(&t->readable);
	pthread_mutex_unlock(&t->lock);
}

u32 tap_watchers(struct tap *t)
{
	return atomic_load(&t->watchers_len);
}

u64 tap_dropped_total(struct tap *t)
{
	pthread_mutex_lock(&t->lock);
	u64 n = t->dropped;
	for (u32 i = 0; i < TAP_WATCHERS_MAX; i++)
		n += t->watchers[i] ? t->watchers[i]->dropped : 0;
	pthread_mutex_unlock(&t->lock);
	return n;
}

u32 tap_recent(struct tap *t, struct buf *out, u32 max)
{
	pthread_mutex_lock(&t->lock);
	u32 n = MIN(max, t->recent_len);
	for (u32 i = 0; i < n; i++) {
		const struct buf *b = &t->recent[(t->recent_next + TAP_RECENT_MAX - 1 - i) % TAP_RECENT_MAX];
		if (i)
			buf_addc(out, ',');
		buf_add(out, b->data, b->len);
	}
	pthread_mutex_unlock(&t->lock);
	return n;
}
