/* The delivering side of an outbox: its threads, and its end. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "export/outbox_private.h"

#define BACKOFF_MIN (200 * NS_PER_MS)
#define BACKOFF_MAX (30 * NS_PER_SEC)
#define BACKOFF_LAST (500 * NS_PER_MS) /* while the program ends */

/* A batch on its way, and where it came from. */
struct delivery {
	struct outbox_batch *batch;
	size_t held;             /* bytes of the queue; 0: it came from the spool */
	bool spooled;
	struct spool_record record;
};

static void wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, u64 monotonic)
{
	struct timespec ts = { (time_t)(monotonic / NS_PER_SEC), (long)(monotonic % NS_PER_SEC) };
	pthread_cond_timedwait(cond, lock, &ts);
}

static void thread_begins(void)
{
	sigset_t all;
	/* Signals are the main thread's; a connection closed by the peer is an error, not a signal. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static void thread_ends(struct outbox *o)
{
	pthread_mutex_lock(&o->lock);
	o->running--;
	pthread_cond_broadcast(&o->ended);
	pthread_mutex_unlock(&o->lock);
}

/* --- into the spool --- */

static void spool_batch(struct outbox *o, struct outbox_batch *b)
{
	size_t n = b->body.len;
	int rc = spool_add(o->spool, b->body.data, n, b->records, b->born);
	if (!rc) {
		outbox_release(o, b, n);
	} else {
		/* A full or broken disk: it is sent from memory. */
		outbox_say(o, LOG_ERROR, "the spool cannot be written, what is waiting stays in memory: %s", strerror(-rc));
	}
	pthread_mutex_lock(&o->lock);
	if (rc)
		batch_push(&o->direct, b);
	o->generation++;
	pthread_cond_broadcast(&o->work);
	pthread_mutex_unlock(&o->lock);
}

/* The spool may still be the exporter's that a reload has replaced: it gives it up when it has ended. */
static void wait_for_spool(struct outbox *o)
{
	pthread_mutex_lock(&o->lock);
	while (!o->spool && !o->abandon) {
		pthread_mutex_unlock(&o->lock);
		int rc = outbox_open_spool(o);
		pthread_mutex_lock(&o->lock);
		if (rc && !o->abandon)
			wait_until(&o->work, &o->lock, clock_ns(CLOCK_MONOTONIC) + 100 * NS_PER_MS);
	}
	pthread_mutex_unlock(&o->lock);
}

static void *spooler(void *arg)
{
	struct outbox *o = arg;
	struct outbox_batch *b;
	thread_begins();
	wait_for_spool(o);
	pthread_mutex_lock(&o->lock);
	for (;;) {
		while (!(b = o->spool ? batch_pop(&o->incoming) : NULL) && !o->closing)
			pthread_cond_wait(&o->work, &o->lock);
		if (!b)
			break;
		pthread_mutex_unlock(&o->lock);
		spool_batch(o, b);
		pthread_mutex_lock(&o->lock);
	}
	o->spooled = true;
	o->generation++;
	pthread_cond_broadcast(&o->work);
	pthread_mutex_unlock(&o->lock);
	thread_ends(o);
	return NULL;
}

/* --- out of it --- */

/* The next batch; false: there is none and none will come, or it is too late for it. `own` is the sender's, for the spool's. */
static bool next_batch(struct outbox *o, struct outbox_batch *own, struct delivery *d)
{
	bool got = false;
	*d = (struct delivery){ 0 };
	pthread_mutex_lock(&o->lock);
	while (!o->abandon) {
		u64 seen = o->generation;
		if (o->spool) {
			pthread_mutex_unlock(&o->lock);
			d->spooled = got = spool_take(o->spool, &own->body, &d->record);
			pthread_mutex_lock(&o->lock);
			if (got)
				break;
		}
		d->batch = batch_pop(&o->direct);
		got = d->batch != NULL;
		if (got || (o->closing && (!o->spool_dir || o->spooled) && seen == o->generation))
			break;
		if (seen == o->generation)
			pthread_cond_wait(&o->work, &o->lock);
	}
	pthread_mutex_unlock(&o->lock);
	if (d->spooled) {
		d->batch = own;
		own->records = d->record.records;
		own->born = d->record.born;
	} else if (got) {
		d->held = d->batch->body.len;
	}
	return got;
}

static u64 jitter(u64 ns, u64 *chance)
{
	*chance = *chance * 6364136223846793005ull + 1442695040888963407ull;
	return ns / 2 + (*chance >> 33) % (ns / 2 + 1);
}

/* Waits before the next try; the end of the program cuts a wait short that only the back-off asked for. */
static void pause_before_retry(struct outbox *o, u64 ns, bool asked)
{
	pthread_mutex_lock(&o->lock);
	bool closing = o->closing;
	u64 until = clock_ns(CLOCK_MONOTONIC) + (closing && !asked ? MIN(ns, BACKOFF_LAST) : ns);
	while (!o->abandon && clock_ns(CLOCK_MONOTONIC) < until && (asked || closing || !o->closing))
		wait_until(&o->work, &o->lock, until);
	pthread_mutex_unlock(&o->lock);
}

static void count(struct outbox *o, const struct outbox_result *r)
{
	pthread_mutex_lock(&o->lock);
	o->requests++;
	o->delivered += r->delivered;
	o->dropped[EXPORT_DROP_REFUSED] += r->refused;
	o->bytes += r->bytes;
	if (r->verdict != OUTBOX_SENT || r->refused) {
		o->failures++;
		memcpy(o->last_error, r->text, sizeof(o->last_error) - 1);
	} else {
		o->last_error[0] = '\0';
	}
	o->retries += r->verdict == OUTBOX_RETRY;
	pthread_mutex_unlock(&o->lock);
}

static void tell(struct outbox *o, const struct outbox_result *r, u32 rest)
{
	if (r->verdict == OUTBOX_RETRY) {
		if (!atomic_exchange(&o->failing, true))
			o->failing_since = clock_ns(CLOCK_MONOTONIC);
		outbox_say(o, LOG_WARN, "%s; trying again", r->text);
		return;
	}
	if (r->refused || r->verdict != OUTBOX_SENT)
		outbox_say(o, LOG_ERROR, "%u records dropped: %s", r->refused + (r->verdict == OUTBOX_SENT ? 0 : rest), r->text);
	if (atomic_exchange(&o->failing, false))
		outbox_say(o, LOG_INFO, "delivering again after %llu s",
			   (unsigned long long)((clock_ns(CLOCK_MONOTONIC) - o->failing_since) / NS_PER_SEC));
}

static void settle(struct outbox *o, const struct delivery *d, u32 rest, int drop)
{
	pthread_mutex_lock(&o->lock);
	if (drop < 0)
		o->delivered += rest;
	else
		o->dropped[drop] += rest;
	pthread_mutex_unlock(&o->lock);
	if (d->spooled)
		spool_settle(o->spool, &d->record);
}

/* The time to deliver is over: back to the spool, as it was or what is left of it; without one it is given up. */
static void put_away(struct outbox *o, const struct delivery *d, bool changed)
{
	struct outbox_batch *b = d->batch;
	if (d->spooled && !changed) {
		/* When its segment has gone, so would newer ones if it were added again. */
		bool kept = spool_put_back(o->spool, &d->record);
		pthread_mutex_lock(&o->lock);
		o->dropped[EXPORT_DROP_SPOOL] += kept ? 0 : b->records;
		pthread_mutex_unlock(&o->lock);
		return;
	}
	if (o->spool && spool_add(o->spool, b->body.data, b->body.len, b->records, b->born) == 0) {
		if (d->spooled && changed)
			spool_settle(o->spool, &d->record);
		return;
	}
	if (d->spooled && changed)
		spool_settle(o->spool, &d->record);
	pthread_mutex_lock(&o->lock);
	o->dropped[EXPORT_DROP_ABANDONED] += b->records;
	pthread_mutex_unlock(&o->lock);
}

static void deliver(struct outbox *o, void *client, struct delivery *d, u64 *chance)
{
	static const int drops[] = { [OUTBOX_SENT] = -1, [OUTBOX_REFUSED] = EXPORT_DROP_REFUSED, [OUTBOX_LARGE] = EXPORT_DROP_LARGE, [OUTBOX_BROKEN] = EXPORT_DROP_ERROR };
	struct outbox_batch *b = d->batch;
	u64 backoff = BACKOFF_MIN;
	bool changed = false;
	for (;;) {
		u64 now = clock_ns(CLOCK_REALTIME);
		if (o->o.d->retry_max && !d->spooled && b->born + o->o.d->retry_max < now && backoff > BACKOFF_MIN) {
			outbox_say(o, LOG_ERROR, "%u records dropped: they could not be delivered in time", b->records);
			settle(o, d, b->records, EXPORT_DROP_OLD);
			return;
		}
		struct outbox_result r = { .verdict = OUTBOX_BROKEN };
		u32 before = b->records;
		o->o.send(o->o.arg, client, b, &r);
		if (r.verdict == OUTBOX_CANCELLED)
			break;
		count(o, &r);
		changed |= r.delivered + r.refused > 0;
		if (r.verdict != OUTBOX_RETRY) {
			u32 rest = before - MIN(r.delivered + r.refused, before);
			tell(o, &r, rest);
			settle(o, d, rest, drops[r.verdict]);
			return;
		}
		tell(o, &r, b->records);
		pause_before_retry(o, r.retry_after ? r.retry_after : jitter(backoff, chance), r.retry_after != 0);
		backoff = MIN(backoff * 2, BACKOFF_MAX);
		if (atomic_load(&o->abandon))
			break;
	}
	put_away(o, d, changed);
}

static void *sender(void *arg)
{
	struct outbox *o = arg;
	struct outbox_batch own = { 0 };
	struct delivery d;
	u64 chance = clock_ns(CLOCK_MONOTONIC) ^ (u64)(uintptr_t)&own;
	thread_begins();
	void *client = o->o.client_new ? o->o.client_new(o->o.arg) : NULL;
	own.body.max = o->o.batch_bytes + OUTBOX_RECORD_MAX + MIB;
	while (next_batch(o, &own, &d)) {
		deliver(o, client, &d, &chance);
		if (!d.spooled)
			outbox_release(o, d.batch, d.held);
	}
	if (o->o.client_free && client)
		o->o.client_free(client);
	buf_done(&own.body);
	thread_ends(o);
	return NULL;
}

static int start_thread(struct outbox *o, void *(*run)(void *))
{
	pthread_mutex_lock(&o->lock);
	int rc = pthread_create(&o->threads[o->threads_len], NULL, run, o);
	o->threads_len += rc == 0;
	o->running += rc == 0;
	pthread_mutex_unlock(&o->lock);
	return -rc;
}

int outbox_start(struct outbox *o)
{
	int rc = o->spool_dir ? start_thread(o, spooler) : 0;
	for (u32 i = 0; i < o->o.senders && !rc; i++)
		rc = start_thread(o, sender);
	return rc;
}

/* What no thread has dealt with. */
static void put_rest_away(struct outbox *o, struct batch_list *l)
{
	for (struct outbox_batch *b; (b = batch_pop(l));) {
		struct delivery d = { .batch = b };
		put_away(o, &d, true);
		outbox_release(o, b, b->body.len);
	}
}

void outbox_stop(struct outbox *o, int wait_ms)
{
	u64 until = clock_ns(CLOCK_MONOTONIC) + (u64)MAX(wait_ms, 0) * NS_PER_MS;
	if (o->joined)
		return;
	pthread_mutex_lock(&o->lock);
	o->closing = true;
	o->spooled |= o->threads_len == 0;
	pthread_cond_broadcast(&o->work);
	pthread_cond_broadcast(&o->room);
	while (o->running && (wait_ms < 0 || clock_ns(CLOCK_MONOTONIC) < until)) {
		if (wait_ms < 0)
			pthread_cond_wait(&o->ended, &o->lock);
		else
			wait_until(&o->ended, &o->lock, until);
	}
	atomic_store(&o->abandon, true);
	pthread_cond_broadcast(&o->work);
	pthread_mutex_unlock(&o->lock);
	for (u32 i = 0; i < o->threads_len; i++)
		pthread_join(o->threads[i], NULL);
	o->joined = true;
	for (struct outbox_feed *f = o->feeds; f; f = f->next) {
		if (f->filling && f->filling->records) {
			o->held += f->filling->body.len;
			f->filling->born = clock_ns(CLOCK_REALTIME);
			batch_push(&o->direct, f->filling);
			f->filling = NULL;
		}
	}
	if (o->spool_dir && !o->spool)
		outbox_open_spool(o);
	put_rest_away(o, &o->incoming);
	put_rest_away(o, &o->direct);
	u64 given_up = o->dropped[EXPORT_DROP_ABANDONED];
	atomic_store(&o->said[LOG_ERROR], 0); /* the last word, whatever was said before */
	if (given_up)
		outbox_say(o, LOG_ERROR, "%llu records given up at the end, not delivered within %d ms (%s); a spool would have kept them", (unsigned long long)given_up, wait_ms,
			   *o->last_error ? o->last_error : "no answer");
}
