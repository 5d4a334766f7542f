/* What the HTTP server asks: on its threads. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "cmd/agent.h"
#include "util/json.h"
#include "util/timefmt.h"

#define RELOAD_WAIT_S 60

u64 agent_now(struct agent *a)
{
	struct timespec t;
	u64 clock = atomic_load_explicit(&a->clock, memory_order_relaxed);
	if (!a->live && clock)
		return clock;
	clock_gettime(CLOCK_REALTIME, &t);
	return (u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_nsec;
}

static u64 app_now(void *arg)
{
	return agent_now(arg);
}

static void app_ledger(void *arg, struct ledger *ret)
{
	observer_ledger(((struct agent *)arg)->observer, ret);
}

/* Asks the main thread, and waits for it. */
static int app_reload(void *arg, struct buf *text)
{
	struct agent *a = arg;
	struct agent_request *q = &a->request;
	struct timespec until;
	int rc = 0;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += RELOAD_WAIT_S;
	pthread_mutex_lock(&q->lock);
	/* one that is running has perhaps read the file already: the next one counts */
	u64 wanted = q->finished + 1 + (q->running ? 1 : 0);
	q->wanted = true;
	agent_wake(a);
	while (q->finished < wanted && !atomic_load(&a->stopping) && rc == 0)
		rc = pthread_cond_timedwait(&q->done, &q->lock, &until);
	if (q->finished >= wanted) {
		rc = q->result;
		buf_add(text, q->text.data, q->text.len);
	} else {
		buf_adds(text, atomic_load(&a->stopping) ? "the program is ending" : "still busy with an earlier reload");
		rc = -EBUSY;
	}
	pthread_mutex_unlock(&q->lock);
	return rc;
}

static int app_log_level(void *arg, const char *level)
{
	enum config_log_level parsed;
	if (!log_level_parse(level, &parsed))
		return -EINVAL;
	log_set_level(parsed);
	log_write(LOG_INFO, "server", "log level set to %s", level);
	return 0;
}

static bool app_ready(void *arg, struct buf *why)
{
	struct agent *a = arg;
	if (atomic_load(&a->running))
		return true;
	buf_adds(why, atomic_load(&a->stopping) ? "the program is ending" : "nothing is being captured");
	return false;
}

static void add_counters(struct buf *out, const struct export_counters *c)
{
	buf_addf(out, "{\"offered\":%llu,\"delivered\":%llu,\"queued\":%llu,\"dropped\":{", (unsigned long long)c->offered, (unsigned long long)c->delivered,
		 (unsigned long long)c->queued);
	bool first = true;
	for (u32 i = 0; i < EXPORT_DROP_COUNT; i++) {
		if (!c->dropped[i])
			continue;
		buf_addf(out, "%s\"%s\":%llu", first ? "" : ",", export_drop_name((enum export_drop)i), (unsigned long long)c->dropped[i]);
		first = false;
	}
	buf_addf(out, "},\"requests\":%llu,\"retries\":%llu,\"failures\":%llu,\"bytes\":%llu,\"spooledBytes\":%llu,\"lastError\":", (unsigned long long)c->requests,
		 (unsigned long long)c->retries, (unsigned long long)c->failures, (unsigned long long)c->bytes, (unsigned long long)c->spooled_bytes);
	json_text(out, c->last_error);
	buf_addc(out, '}');
}

static void add_exporters(struct agent *a, struct buf *out)
{
	bool first = true;
	pthread_mutex_lock(&a->exporters_lock);
	for (u32 i = 0; i < AGENT_EXPORTERS_MAX; i++) {
		struct export_counters c = { 0 };
		if (!a->exporters[i])
			continue;
		a->exporters[i]->ops->counters(a->exporters[i], &c);
		buf_addf(out, "%s\"%s\":", first ? "" : ",", a->exporters[i]->ops->name);
		add_counters(out, &c);
		first = false;
	}
	pthread_mutex_unlock(&a->exporters_lock);
}

static void app_status(void *arg, struct buf *out)
{
	struct agent *a = arg;
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	pthread_rwlock_rdlock(&a->config_lock);
	buf_adds(out, ",\"config\":");
	json_text(out, a->builtin ? "built-in defaults" : a->config->path);
	pthread_rwlock_unlock(&a->config_lock);
	buf_addf(out, ",\"reloads\":%llu,\"reloadFailures\":%llu,\"uptime\":", (unsigned long long)__atomic_load_n(&a->reloads, __ATOMIC_RELAXED),
		 (unsigned long long)__atomic_load_n(&a->reload_failures, __ATOMIC_RELAXED));
	buf_addc(out, '"');
	duration_go(out, ((u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_nsec - a->started_at) / NS_PER_SEC * NS_PER_SEC);
	buf_addf(out, "\",\"capture\":{\"engine\":\"%s\",\"workers\":%u,\"running\":%s},\"watchers\":%u,\"exporters\":{", observer_engine(a->observer)->name, a->workers,
		 atomic_load(&a->running) ? "true" : "false", tap_watchers(a->tap));
	add_exporters(a, out);
	buf_addc(out, '}');
}

void agent_fill_app(struct agent *a, struct server_app *app)
{
	*app = (struct server_app){
		.registry = a->registry,
		.tap = a->tap,
		.arg = a,
		.ledger = app_ledger,
		.reload = app_reload,
		.log_level = app_log_level,
		.ready = app_ready,
		.status = app_status,
		.now = app_now,
	};
}
