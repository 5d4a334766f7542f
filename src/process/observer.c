#include "process/observer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <xxhash.h>

#include "process/worker.h"
#include "util/cpus.h"

#define SAID 64 /* sentences whose first speaker is remembered */

struct said {
	u64 hash;
	u32 worker;
};

struct observer {
	struct observer_options o;
	const struct capture_engine *engine;
	_Atomic bool stop;
	int notify_fd;
	struct observer_change *change; /* the latest; NULL: none yet */
	u32 said_len, workers_len;
	struct said said[SAID]; /* the newest are the last of said_len */
	struct worker *workers[OBSERVER_WORKERS_MAX];
};

u32 observer_default_workers(unsigned cpus)
{
	return cpus <= 2 ? 1 : MIN(cpus / 2, 8);
}

u32 observer_planned_workers(const struct observer_options *o)
{
	const struct capture_engine *engine = o->engine ? o->engine : capture_engine_default(&o->capture);
	if (!engine->live || !engine->fanout)
		return 1;
	u32 n = o->workers ? o->workers : observer_default_workers(cpus_available());
	return MIN(n, OBSERVER_WORKERS_MAX);
}

static void worker_free(struct worker *w)
{
	if (!w)
		return;
	flow_free(w->flow);
	sessions_free(w->sessions);
	net_free(w->net);
	if (w->capture)
		w->engine->close(w->capture);
	free(w->ledger);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static int worker_memory(struct worker *w, const struct observer_options *o, u32 workers)
{
	struct flow_options flow = o->flow;
	flow.worker = (u16)w->number;
	flow.workers = (u16)workers;
	w->ledger = calloc(1, sizeof(*w->ledger));
	w->net = net_new(0);
	w->sessions = w->ledger ? sessions_new(&o->session, w->ledger) : NULL;
	w->flow = w->sessions ? flow_new(&flow, &session_consumer, &w->ledger->flow, w->sessions) : NULL;
	return w->flow && w->net ? 0 : -ENOMEM;
}

static int worker_open(struct observer *ob, u32 number, u32 workers, u16 fanout_id, char error[256])
{
	const struct observer_options *o = &ob->o;
	struct capture_options c = o->capture;
	struct worker *w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	ob->workers[ob->workers_len++] = w;
	pthread_mutex_init(&w->lock, NULL);
	w->ob = ob;
	w->number = number;
	w->family = o->family;
	w->engine = ob->engine;
	w->live = ob->engine->live;
	w->stop = &ob->stop;
	w->notify_fd = ob->notify_fd;
	c.worker = (u16)number;
	c.workers = (u16)workers;
	c.fanout_id = fanout_id;
	c.ring_bytes = (u32)MIN((o->ring_bytes ? o->ring_bytes : OBSERVER_RING) / workers, (u64)UINT32_MAX);
	int rc = worker_memory(w, o, workers);
	if (rc) {
		snprintf(error, 256, "not enough memory");
		return rc;
	}
	rc = ob->engine->open(&c, &w->capture);
	if (rc)
		snprintf(error, 256, "%s", c.error[0] ? c.error : strerror(-rc));
	return rc ? rc : o->add_sinks ? o->add_sinks(o->arg, ob, number, w->sessions) : 0;
}

int observer_open(const struct observer_options *options, struct observer **ret, char error[256])
{
	struct observer *ob = calloc(1, sizeof(*ob));
	int rc = 0;
	snprintf(error, 256, "not enough memory");
	if (!ob)
		return -ENOMEM;
	ob->o = *options;
	ob->engine = options->engine ? options->engine : capture_engine_default(&options->capture);
	ob->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ob->notify_fd < 0)
		rc = -errno;
	u32 workers = observer_planned_workers(options);
	u16 fanout_id = (u16)((u32)getpid() * 2654435761u >> 16);
	for (u32 i = 0; i < workers && !rc; i++)
		rc = worker_open(ob, i, workers, fanout_id, error);
	if (rc) {
		observer_close(ob);
		return rc;
	}
	if (ob->engine->live)
		cpus_come_first(); /* now, because the right to goes before the workers are started */
	*ret = ob;
	return rc;
}

int observer_start(struct observer *ob)
{
	int rc = 0;
	for (u32 i = 0; i < ob->workers_len && !rc; i++) {
		rc = -pthread_create(&ob->workers[i]->thread, NULL, worker_run, ob->workers[i]);
		ob->workers[i]->started = rc == 0;
	}
	if (rc)
		observer_stop(ob);
	return rc;
}

void observer_stop(struct observer *ob)
{
	atomic_store(&ob->stop, true);
}

bool observer_settled(const struct observer *ob)
{
	for (u32 i = 0; i < ob->workers_len; i++)
		if (atomic_load(&ob->workers[i]->change) && !atomic_load(&ob->workers[i]->ended))
			return false;
	return true;
}

static void change_free(struct observer_change *c)
{
	if (!c)
		return;
	free((void *)c->session.rules);
	free(c->filter);
	free(c);
}

static struct observer_change *change_new(const struct observer_options *o)
{
	struct observer_change *c = calloc(1, sizeof(*c));
	size_t bytes = o->session.rules_len * sizeof(*o->session.rules);
	if (!c)
		return NULL;
	*c = (struct observer_change){ .session = o->session, .flow = o->flow, .family = o->family };
	c->session.rules = malloc(MAX(bytes, 1));
	c->filter = o->capture.filter ? strdup(o->capture.filter) : NULL;
	if (!c->session.rules || (o->capture.filter && !c->filter)) {
		change_free(c);
		return NULL;
	}
	if (bytes)
		memcpy((void *)c->session.rules, o->session.rules, bytes);
	return c;
}

int observer_reconfigure(struct observer *ob, const struct observer_options *options)
{
	if (!observer_settled(ob))
		return -EAGAIN;
	struct observer_change *c = change_new(options);
	if (!c)
		return -ENOMEM;
	change_free(ob->change);
	ob->change = c;
	for (u32 i = 0; i < ob->workers_len; i++)
		atomic_store(&ob->workers[i]->change, c);
	return 0;
}

int observer_fd(const struct observer *ob)
{
	return ob->notify_fd;
}

bool observer_running(struct observer *ob)
{
	u64 count;
	if (read(ob->notify_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return false;
	for (u32 i = 0; i < ob->workers_len; i++)
		if (ob->workers[i]->started && !atomic_load(&ob->workers[i]->ended))
			return true;
	return false;
}

static bool next_warning(struct worker *w, char text[256])
{
	pthread_mutex_lock(&w->lock);
	bool found = w->warnings_len > 0;
	if (found) {
		memcpy(text, w->warnings[0], 256);
		memmove(w->warnings[0], w->warnings[1], --w->warnings_len * sizeof(w->warnings[0]));
	}
	pthread_mutex_unlock(&w->lock);
	return found;
}

/* What happens to an interface every worker has to say: it is heard from the one that said it first. */
static bool heard_from_another(struct observer *ob, u32 worker, const char *text)
{
	u64 hash = XXH3_64bits(text, strlen(text));
	for (u32 i = 0; i < MIN(ob->said_len, (u32)SAID); i++)
		if (ob->said[i].hash == hash)
			return ob->said[i].worker != worker;
	ob->said[ob->said_len++ % SAID] = (struct said){ .hash = hash, .worker = worker };
	return false;
}

bool observer_warning(struct observer *ob, char text[256])
{
	for (u32 i = 0; i < ob->workers_len; i++)
		while (next_warning(ob->workers[i], text))
			if (!heard_from_another(ob, i, text))
				return true;
	return false;
}

int observer_join(struct observer *ob)
{
	int rc = 0;
	for (u32 i = 0; i < ob->workers_len; i++) {
		struct worker *w = ob->workers[i];
		if (w->started)
			pthread_join(w->thread, NULL);
		w->started = false;
		if (!rc)
			rc = w->error;
	}
	return rc;
}

void observer_close(struct observer *ob)
{
	if (!ob)
		return;
	observer_stop(ob);
	observer_join(ob);
	for (u32 i = 0; i < ob->workers_len; i++)
		worker_free(ob->workers[i]);
	if (ob->notify_fd >= 0)
		close(ob->notify_fd);
	change_free(ob->change);
	free(ob);
}

u32 observer_workers(const struct observer *ob)
{
	return ob->workers_len;
}

const struct capture_engine *observer_engine(const struct observer *ob)
{
	return ob->engine;
}

const char *observer_interface(struct observer *ob, u32 worker, u16 ifindex)
{
	struct worker *w = ob->workers[worker];
	return w->engine->interface_name ? w->engine->interface_name(w->capture, ifindex) : NULL;
}

struct flow *observer_flow(struct observer *ob, u32 worker)
{
	return ob->workers[worker]->flow;
}

void observer_ledger(struct observer *ob, struct ledger *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (u32 i = 0; i < ob->workers_len; i++)
		ledger_add(ret, ob->workers[i]->ledger);
}

void observer_progress(struct observer *ob, struct observer_progress *ret)
{
	*ret = (struct observer_progress){ 0 };
	for (u32 i = 0; i < ob->workers_len; i++) {
		ret->bytes += atomic_load_explicit(&ob->workers[i]->bytes, memory_order_relaxed);
		ret->total += atomic_load_explicit(&ob->workers[i]->total, memory_order_relaxed);
		ret->packets += __atomic_load_n(&ob->workers[i]->ledger->packets, __ATOMIC_RELAXED);
	}
}
