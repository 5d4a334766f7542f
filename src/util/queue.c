#include "util/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

int queue_init(struct queue *q, u32 cap)
{
	memset(q, 0, sizeof(*q));
	q->cap = MAX(cap, 1);
	q->items = calloc(q->cap, sizeof(*q->items));
	if (!q->items)
		return -ENOMEM;
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->readable, &attr);
	pthread_cond_init(&q->writable, &attr);
	pthread_condattr_destroy(&attr);
	return 0;
}

void queue_done(struct queue *q)
{
	if (!q->items)
		return;
	pthread_cond_destroy(&q->writable);
	pthread_cond_destroy(&q->readable);
	pthread_mutex_destroy(&q->lock);
	free(q->items);
	memset(q, 0, sizeof(*q));
}

bool queue_push(struct queue *q, void *item, bool wait)
{
	pthread_mutex_lock(&q->lock);
	while (wait && q->len == q->cap && !q->closed)
		pthread_cond_wait(&q->writable, &q->lock);
	bool room = q->len < q->cap && !q->closed;
	if (room) {
		q->items[(q->head + q->len) % q->cap] = item;
		if (++q->len > q->peak)
			q->peak = q->len;
		pthread_cond_signal(&q->readable);
	}
	pthread_mutex_unlock(&q->lock);
	return room;
}

static struct timespec after_ms(int ms)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static void wait_readable(struct queue *q, int wait_ms)
{
	if (wait_ms < 0) {
		while (!q->len && !q->closed)
			pthread_cond_wait(&q->readable, &q->lock);
		return;
	}
	struct timespec until = after_ms(wait_ms);
	while (!q->len && !q->closed)
		if (pthread_cond_timedwait(&q->readable, &q->lock, &until) == ETIMEDOUT)
			return;
}

void *queue_pop(struct queue *q, int wait_ms)
{
	void *item = NULL;
	pthread_mutex_lock(&q->lock);
	if (!q->len && wait_ms)
		wait_readable(q, wait_ms);
	if (q->len) {
		item = q->items[q->head];
		q->head = (q->head + 1) % q->cap;
		q->len--;
		pthread_cond_signal(&q->writable);
	}
	pthread_mutex_unlock(&q->lock);
	return item;
}

void *queue_pop_newest(struct queue *q)
{
	void *item = NULL;
	pthread_mutex_lock(&q->lock);
	if (q->len) {
		q->len--;
		item = q->items[(q->head + q->len) % q->cap];
		pthread_cond_signal(&q->writable);
	}
	pthread_mutex_unlock(&q->lock);
	return item;
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->readable);
	pthread_cond_broadcast(&q->writable);
	pthread_mutex_unlock(&q->lock);
}

bool queue_closed(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	bool closed = q->closed;
	pthread_mutex_unlock(&q->lock);
	return closed;
}

u32 queue_len(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	u32 len = q->len;
	pthread_mutex_unlock(&q->lock);
	return len;
}
