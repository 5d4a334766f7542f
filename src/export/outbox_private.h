/* What the files outbox*.c share. Not for others. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_OUTBOX_PRIVATE_H
#define PACKETD_EXPORT_OUTBOX_PRIVATE_H

#include <pthread.h>
#include <time.h>

#include "export/outbox.h"
#include "export/spool.h"
#include "util/clock.h"

struct batch_list {
	struct outbox_batch *head, *tail;
};

static inline void batch_push(struct batch_list *l, struct outbox_batch *b)
{
	b->next = NULL;
	if (l->tail)
		l->tail->next = b;
	else
		l->head = b;
	l->tail = b;
}

static inline struct outbox_batch *batch_pop(struct batch_list *l)
{
	struct outbox_batch *b = l->head;
	if (!b)
		return NULL;
	l->head = b->next;
	if (!l->head)
		l->tail = NULL;
	return b;
}

struct outbox_feed {
	struct outbox *outbox;
	struct outbox_feed *next;
	struct outbox_batch *filling; /* NULL: none */
	size_t mark;                  /* its length before what is being written */
	u32 records;                  /* that this will count as */
	_Atomic u64 offered, full, large;
};

struct outbox {
	struct outbox_options o;
	struct outbox_feed *feeds; /* list; constant once started */
	u32 feeds_len;
	u64 queue_bytes;
	char *spool_dir;     /* NULL: there is no spool */

	pthread_mutex_t lock; /* of what follows */
	struct spool *spool;  /* NULL: none, or the exporter that a reload replaces still has it */
	u64 recovered;
	pthread_cond_t work;  /* something to do, or an end */
	pthread_cond_t room;  /* for workers that wait */
	pthread_cond_t ended; /* a thread has */
	struct batch_list incoming; /* for the spool */
	struct batch_list direct;   /* for the senders: all without a spool, else what it could not take */
	struct batch_list unused;
	u32 unused_len;
	u64 held;       /* bytes in incoming, direct, and of those taken from them */
	u64 generation; /* counts what senders may find */
	bool closing;   /* nothing comes in any more */
	bool spooled;   /* the spooler has ended */
	u32 running;    /* threads */
	u64 delivered, dropped[EXPORT_DROP_COUNT], requests, retries, failures, bytes;
	char last_error[160];

	_Atomic bool abandon; /* the time to deliver is over */
	_Atomic u64 said[4];  /* ns, by level */
	_Atomic bool failing; /* the last request did not work */
	u64 failing_since;
	u32 threads_len;
	bool joined;
	pthread_t threads[OUTBOX_SENDERS_MAX + 1];
};

/* -EBUSY: another process has it; -EAGAIN: this one. */
int outbox_open_spool(struct outbox *o);
/* The batch has been dealt with; it held `held` bytes of the queue. */
void outbox_release(struct outbox *o, struct outbox_batch *b, size_t held);

#endif
