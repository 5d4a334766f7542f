#include "export/ticker.h"
#include "util/clock.h"

#include <signal.h>
#include <time.h>

#define DEFAULT_INTERVAL (15 * NS_PER_SEC)

void ticker_init(struct ticker *t, u64 interval, void (*tick)(void *arg, u64 now, bool last), void *arg)
{
	pthread_condattr_t monotonic;
	*t = (struct ticker){ .interval = interval ? interval : DEFAULT_INTERVAL, .tick = tick, .arg = arg };
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&t->end, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

void ticker_done(struct ticker *t)
{
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->end);
}

static void *run(void *arg)
{
	struct ticker *t = arg;
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	u64 due = clock_ns(CLOCK_MONOTONIC) + t->interval;
	pthread_mutex_lock(&t->lock);
	while (!t->ending) {
		struct timespec ts = { (time_t)(due / NS_PER_SEC), (long)(due % NS_PER_SEC) };
		if (clock_ns(CLOCK_MONOTONIC) < due) {
			pthread_cond_timedwait(&t->end, &t->lock, &ts);
			continue;
		}
		pthread_mutex_unlock(&t->lock);
		t->tick(t->arg, clock_ns(CLOCK_REALTIME), false);
		u64 now = clock_ns(CLOCK_MONOTONIC);
		due = MAX(due + t->interval, now); /* one that took too long is not made up for */
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	t->tick(t->arg, clock_ns(CLOCK_REALTIME), true);
	return NULL;
}

int ticker_start(struct ticker *t)
{
	int rc = pthread_create(&t->thread, NULL, run, t);
	t->running = rc == 0;
	return -rc;
}

void ticker_stop(struct ticker *t)
{
	if (!t->running)
		return;
	pthread_mutex_lock(&t->lock);
	t->ending = true;
	pthread_cond_signal(&t->end);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	t->running = false;
}

void ticker_clock(struct ticker *t, u64 now, bool last)
{
	if ((now < t->due && !last) || !now) /* 0: there was no packet */
		return;
	/* Back ends count in ms, and take one value for each; the beginning of a new series goes between two. */
	u64 at = MAX(now, t->ticked - t->ticked % NS_PER_MS + 2 * NS_PER_MS);
	t->tick(t->arg, at, last);
	t->ticked = at;
	t->due = now - now % t->interval + t->interval;
}
