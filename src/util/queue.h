/* A bounded queue of pointers between threads: batches go from workers to a writer, emptied ones come back.
 * Any number of producers and consumers. The queue owns nothing it carries. A lock is taken per batch, never per
 * packet or record. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_QUEUE_H
#define PACKETD_UTIL_QUEUE_H

#include <pthread.h>

#include "util/base.h"

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t readable, writable;
	void **items; /* ring of `cap` */
	u32 head, len, cap;
	u32 peak;     /* highest len */
	bool closed;
};

/* Room for `cap` items (at least 1). -ENOMEM. */
int queue_init(struct queue *q, u32 cap);
void queue_done(struct queue *q);
/* False when there is no room (and `wait` is false) or the queue is closed. */
bool queue_push(struct queue *q, void *item, bool wait);
/* The oldest item. NULL when nothing came within `wait_ms` (-1: for ever), or the queue is closed and empty. */
void *queue_pop(struct queue *q, int wait_ms);
/* The newest item, at once or NULL: for stacks of free buffers, whose newest one is still in the cache. */
void *queue_pop_newest(struct queue *q);
/* Nothing goes in any more, everybody who waits wakes up; what is inside can still be taken out. */
void queue_close(struct queue *q);
bool queue_closed(struct queue *q);
u32 queue_len(struct queue *q);

#endif
