#include "server/conns.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "util/clock.h"

#define LOOK_NS (250 * NS_PER_MS)
#define CROWDED_NS (2 * NS_PER_SEC)

struct conns_entry {
	int fd;    /* -1: free */
	u8 phase;
	u64 since; /* ns, monotonic: of this phase */
};

struct conns {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	u64 timeout;
	u32 limit, len;
	bool ending;
	struct conns_entry entries[];
};

static bool is_overdue(const struct conns *c, const struct conns_entry *e, u64 now)
{
	if (e->fd < 0 || e->phase == CONN_WORKING)
		return false;
	if (e->phase == CONN_READING && c->len > c->limit - c->limit / 8 - 1 && now - e->since > CROWDED_NS)
		return true;
	return c->timeout && now - e->since > c->timeout;
}

static void *look_after(void *arg)
{
	struct conns *c = arg;
	pthread_mutex_lock(&c->lock);
	while (!c->ending) {
		u64 now = clock_ns(CLOCK_MONOTONIC), then = now + LOOK_NS;
		struct timespec until = { (time_t)(then / NS_PER_SEC), (long)(then % NS_PER_SEC) };
		for (u32 i = 0; i < c->limit && c->len; i++)
			if (is_overdue(c, &c->entries[i], now))
				shutdown(c->entries[i].fd, SHUT_RDWR); /* its thread sees the end */
		if (c->len)
			pthread_cond_timedwait(&c->changed, &c->lock, &until);
		else
			pthread_cond_wait(&c->changed, &c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

struct conns *conns_new(u32 limit, u64 timeout)
{
	struct conns *c = calloc(1, sizeof(*c) + limit * sizeof(c->entries[0]));
	pthread_condattr_t attr;
	if (!c)
		return NULL;
	c->limit = limit;
	c->timeout = timeout;
	for (u32 i = 0; i < limit; i++)
		c->entries[i].fd = -1;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&c->thread, NULL, look_after, c) == 0)
		return c;
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return NULL;
}

void conns_free(struct conns *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->ending = true;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

struct conns_entry *conns_add(struct conns *c, int fd)
{
	struct conns_entry *e = NULL;
	pthread_mutex_lock(&c->lock);
	for (u32 i = 0; i < c->limit && !e; i++)
		if (c->entries[i].fd < 0)
			e = &c->entries[i];
	if (e) {
		*e = (struct conns_entry){ .fd = fd, .phase = CONN_READING, .since = clock_ns(CLOCK_MONOTONIC) };
		if (c->len++ == 0)
			pthread_cond_signal(&c->changed);
	}
	pthread_mutex_unlock(&c->lock);
	return e;
}

void conns_remove(struct conns *c, struct conns_entry *e)
{
	if (!e)
		return;
	pthread_mutex_lock(&c->lock);
	e->fd = -1;
	c->len--;
	pthread_mutex_unlock(&c->lock);
}

void conns_phase(struct conns *c, struct conns_entry *e, enum conn_phase phase)
{
	if (!e)
		return;
	pthread_mutex_lock(&c->lock);
	e->phase = (u8)phase;
	e->since = clock_ns(CLOCK_MONOTONIC);
	pthread_mutex_unlock(&c->lock);
}
