#include "export/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "export/outbox_private.h"

#define QUEUE_BYTES (64 * MIB)
#define BATCH_BYTES (1 * MIB)
#define BATCH_KEEP (2 * MIB) /* a batch that has grown beyond this is freed after use */
#define UNUSED_MAX 16
#define FEEDS_MAX 256
#define HURRY_LOOK (200 * NS_PER_MS)

u64 outbox_clock(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

const char *export_drop_name(enum export_drop d)
{
	static const char *const names[] = {
#define X(id, name, text) name,
		EXPORT_DROPS(X)
#undef X
	};
	return names[d];
}

int outbox_open_spool(struct outbox *o)
{
	struct spool_options so = { o->spool_dir, o->o.d->spool_bytes ? o->o.d->spool_bytes : 1024 * MIB };
	struct spool *spool;
	struct spool_counters c;
	int rc = spool_open(&so, &spool);
	if (rc)
		return rc;
	spool_counters(spool, &c);
	pthread_mutex_lock(&o->lock);
	o->spool = spool;
	o->recovered = c.recovered;
	o->generation++;
	pthread_cond_broadcast(&o->work);
	pthread_mutex_unlock(&o->lock);
	if (c.recovered)
		outbox_say(o, LOG_INFO, "%llu records of an earlier run are in the spool and will be sent", (unsigned long long)c.recovered);
	return 0;
}

static int prepare_spool(struct outbox *o, struct buf *error)
{
	const struct config_delivery *d = o->o.d;
	struct buf path = { 0 };
	if (!d->spool_dir || !*d->spool_dir)
		return 0;
	buf_addf(&path, "%s/%s", d->spool_dir, o->o.name);
	if (o->o.shard)
		buf_addf(&path, "-%u", o->o.shard);
	o->spool_dir = strdup(buf_cstr(&path));
	buf_done(&path);
	int rc = o->spool_dir ? outbox_open_spool(o) : -ENOMEM;
	if (rc == -EBUSY)
		buf_addf(error, "%s: the spool %s is in use by another process", o->o.name, o->spool_dir);
	else if (rc && rc != -EAGAIN)
		buf_addf(error, "%s: the spool %s: %s", o->o.name, o->spool_dir ? o->spool_dir : "", strerror(-rc));
	return rc == -EAGAIN ? 0 : rc;
}

int outbox_new(const struct outbox_options *options, struct outbox **ret, struct buf *error)
{
	struct outbox *o = calloc(1, sizeof(*o));
	pthread_condattr_t monotonic;
	if (!o)
		return -ENOMEM;
	o->o = *options;
	o->o.senders = MIN(MAX(options->senders, 1u), OUTBOX_SENDERS_MAX);
	o->o.batch_records = options->d->batch ? options->d->batch : options->batch_records;
	o->o.batch_bytes = options->batch_bytes ? options->batch_bytes : BATCH_BYTES;
	o->queue_bytes = options->d->queue_bytes ? options->d->queue_bytes : QUEUE_BYTES;
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&o->work, &monotonic);
	pthread_cond_init(&o->room, &monotonic);
	pthread_cond_init(&o->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int rc = prepare_spool(o, error);
	if (rc) {
		outbox_free(o);
		return rc;
	}
	*ret = o;
	return 0;
}

const _Atomic bool *outbox_cancel(const struct outbox *o)
{
	return &o->abandon;
}

static void batch_free(struct outbox_batch *b)
{
	if (!b)
		return;
	buf_done(&b->body);
	free(b);
}

static void list_free(struct batch_list *l)
{
	while (l->head)
		batch_free(batch_pop(l));
}

void outbox_free(struct outbox *o)
{
	if (!o)
		return;
	for (struct outbox_feed *f = o->feeds, *next; f; f = next) {
		next = f->next;
		batch_free(f->filling);
		free(f);
	}
	list_free(&o->incoming);
	list_free(&o->direct);
	list_free(&o->unused);
	spool_close(o->spool);
	free(o->spool_dir);
	pthread_mutex_destroy(&o->lock);
	pthread_cond_destroy(&o->work);
	pthread_cond_destroy(&o->room);
	pthread_cond_destroy(&o->ended);
	free(o);
}

void outbox_say(struct outbox *o, enum config_log_level level, const char *format, ...)
{
	char text[512];
	va_list ap;
	u64 now = clock_ns(CLOCK_MONOTONIC);
	u64 last = atomic_load(&o->said[level]);
	if (!o->o.env->log || (level >= LOG_WARN && last && now - last < 60 * NS_PER_SEC) || !atomic_compare_exchange_strong(&o->said[level], &last, now))
		return;
	int n = snprintf(text, sizeof(text), "%s: ", o->o.name);
	va_start(ap, format);
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, ap);
	va_end(ap);
	o->o.env->log(o->o.env->log_arg, level, text);
}

void outbox_counters(struct outbox *o, struct export_counters *ret)
{
	struct spool_counters spool = { 0 };
	u64 gone = 0;
	pthread_mutex_lock(&o->lock);
	u64 offered = o->recovered;
	if (o->spool)
		spool_counters(o->spool, &spool);
	for (struct outbox_feed *f = o->feeds; f; f = f->next) {
		u64 full = atomic_load_explicit(&f->full, memory_order_relaxed), large = atomic_load_explicit(&f->large, memory_order_relaxed);
		offered += atomic_load_explicit(&f->offered, memory_order_relaxed);
		ret->dropped[EXPORT_DROP_QUEUE] += full;
		ret->dropped[EXPORT_DROP_LARGE] += large;
		gone += full + large;
	}
	for (int i = 0; i < EXPORT_DROP_COUNT; i++) {
		ret->dropped[i] += o->dropped[i];
		gone += o->dropped[i];
	}
	ret->dropped[EXPORT_DROP_SPOOL] += spool.dropped;
	gone += spool.dropped + o->delivered;
	ret->delivered += o->delivered;
	ret->requests += o->requests;
	ret->retries += o->retries;
	ret->failures += o->failures;
	ret->bytes += o->bytes;
	if (!ret->last_error[0])
		memcpy(ret->last_error, o->last_error, sizeof(ret->last_error));
	pthread_mutex_unlock(&o->lock);
	ret->offered += offered;
	ret->queued += offered - MIN(gone, offered);
	ret->spooled_bytes += spool.bytes;
}

/* --- the feeding side --- */

struct outbox_feed *outbox_feed(struct outbox *o)
{
	struct outbox_feed *f = o->feeds_len < FEEDS_MAX ? calloc(1, sizeof(*f)) : NULL;
	if (!f)
		return NULL;
	f->outbox = o;
	f->next = o->feeds;
	o->feeds = f;
	o->feeds_len++;
	return f;
}

/* A capture file is read, and the back end does not keep up: the file waits, until somebody wants the program to end. */
static void wait_for_room(struct outbox *o)
{
	const _Atomic bool *hurry = o->o.env->hurry;
	while (!o->o.env->live && o->held >= o->queue_bytes && !o->closing && !(hurry && atomic_load(hurry))) {
		u64 until = clock_ns(CLOCK_MONOTONIC) + HURRY_LOOK;
		struct timespec ts = { (time_t)(until / NS_PER_SEC), (long)(until % NS_PER_SEC) };
		pthread_cond_timedwait(&o->room, &o->lock, &ts);
	}
}

/* A batch to fill. */
static struct outbox_batch *batch_get(struct outbox *o)
{
	struct outbox_batch *b = NULL;
	pthread_mutex_lock(&o->lock);
	wait_for_room(o);
	if (o->held < o->queue_bytes && !o->closing) {
		b = batch_pop(&o->unused);
		o->unused_len -= b != NULL;
	}
	bool full = o->held >= o->queue_bytes || o->closing;
	pthread_mutex_unlock(&o->lock);
	if (!b && !full && (b = calloc(1, sizeof(*b))))
		b->body.max = o->o.batch_bytes + OUTBOX_RECORD_MAX;
	return b;
}

struct buf *outbox_begin(struct outbox_feed *f, u32 records)
{
	atomic_store_explicit(&f->offered, f->offered + records, memory_order_relaxed);
	if (!f->filling && !(f->filling = batch_get(f->outbox))) {
		atomic_store_explicit(&f->full, f->full + records, memory_order_relaxed);
		return NULL;
	}
	f->mark = f->filling->body.len;
	f->records = records;
	return &f->filling->body;
}

/* The batch is the outbox's from now on; what comes after the end of the exporter is given up. */
static void hand_over(struct outbox_feed *f)
{
	struct outbox *o = f->outbox;
	struct outbox_batch *b = f->filling;
	f->filling = NULL;
	b->born = clock_ns(CLOCK_REALTIME);
	pthread_mutex_lock(&o->lock);
	if (o->closing) {
		o->dropped[EXPORT_DROP_ABANDONED] += b->records;
		pthread_mutex_unlock(&o->lock);
		batch_free(b);
		return;
	}
	o->held += b->body.len;
	batch_push(o->spool_dir ? &o->incoming : &o->direct, b);
	o->generation++;
	pthread_cond_broadcast(&o->work);
	pthread_mutex_unlock(&o->lock);
}

void outbox_end(struct outbox_feed *f)
{
	struct outbox_batch *b = f->filling;
	if (unlikely(b->body.failed)) {
		b->body.failed = false;
		b->body.len = f->mark;
		atomic_store_explicit(&f->large, f->large + f->records, memory_order_relaxed);
		return;
	}
	b->records += f->records;
	if (b->records >= f->outbox->o.batch_records || b->body.len >= f->outbox->o.batch_bytes)
		hand_over(f);
}

void outbox_undo(struct outbox_feed *f)
{
	f->filling->body.failed = false;
	f->filling->body.len = f->mark;
	atomic_store_explicit(&f->offered, f->offered - f->records, memory_order_relaxed);
}

void outbox_flush(struct outbox_feed *f, u64 now, bool all)
{
	struct outbox_batch *b = f->filling;
	if (!b || !b->records)
		return;
	if (!b->first)
		b->first = now;
	/* From a file only full batches go, so that their contents do not depend on the clock. */
	if (all || (f->outbox->o.env->live && now - b->first >= f->outbox->o.d->interval))
		hand_over(f);
}

void outbox_release(struct outbox *o, struct outbox_batch *b, size_t held)
{
	if (b->body.cap > BATCH_KEEP)
		buf_done(&b->body);
	b->body.len = 0;
	b->body.failed = false;
	b->records = 0;
	b->first = 0;
	pthread_mutex_lock(&o->lock);
	o->held -= held;
	if (o->unused_len < UNUSED_MAX) {
		batch_push(&o->unused, b);
		o->unused_len++;
		b = NULL;
	}
	pthread_cond_broadcast(&o->room);
	pthread_mutex_unlock(&o->lock);
	batch_free(b);
}
