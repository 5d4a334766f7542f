/* Metrics of connections, and of the program itself. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "build_info.h"
#include "cmd/agent.h"
#include "process/l4_metrics.h"
#include "process/own_metrics.h"

/* --- connections --- */

int agent_make_l4(struct agent *a, const struct config *c, struct l4_metrics **ret)
{
	struct buf warnings = { 0 };
	int rc = l4_metrics_new(a->registry, a->workers, c->controller.l4_enabled, &c->controller.l4_labels, ret, &warnings);
	agent_log_lines(LOG_WARN, "config", &warnings);
	buf_done(&warnings);
	return rc;
}

void agent_flush_l4(struct agent *a, u32 worker, u64 now, bool last)
{
	struct l4_metrics *wanted = atomic_load_explicit(&a->l4, memory_order_acquire);
	struct l4_metrics **mine = &a->l4_of[worker];
	if (*mine != wanted) {
		if (*mine) {
			l4_metrics_flush(*mine, worker, now, true);
			l4_metrics_detach(*mine, worker);
		}
		l4_metrics_attach(wanted, worker, observer_flow(a->observer, worker));
		*mine = wanted;
	}
	l4_metrics_flush(wanted, worker, now, last);
}

/* --- the program --- */

static void get_ledger(void *arg, struct ledger *ret)
{
	struct agent *a = arg;
	if (a->observer)
		observer_ledger(a->observer, ret);
}

/* The engine counts for all its interfaces together: they are named as they were asked for. */
static u32 get_interfaces(void *arg, struct own_interface *v, u32 max)
{
	struct agent *a = arg;
	struct ledger *l = a->observer && max ? calloc(1, sizeof(*l)) : NULL;
	if (!l)
		return 0;
	observer_ledger(a->observer, l);
	v[0] = (struct own_interface){ .name = a->capture_name, .received = l->kernel_received, .dropped = l->kernel_dropped };
	free(l);
	return 1;
}

static void fill_exporter(struct own_exporter *to, const char *name, const struct export_counters *c)
{
	*to = (struct own_exporter){ .name = name, .offered = c->offered, .delivered = c->delivered, .queued = c->queued, .requests = c->requests,
				     .retries = c->retries, .failures = c->failures, .bytes = c->bytes, .spooled_bytes = c->spooled_bytes };
	for (u32 i = 0; i < EXPORT_DROP_COUNT && to->dropped_len < OWN_DROPS_MAX; i++) {
		to->dropped[to->dropped_len].reason = export_drop_name((enum export_drop)i);
		to->dropped[to->dropped_len++].n = c->dropped[i];
	}
}

static u32 get_exporters(void *arg, struct own_exporter *v, u32 max)
{
	struct agent *a = arg;
	u32 n = 0;
	pthread_mutex_lock(&a->exporters_lock);
	for (u32 i = 0; i < AGENT_EXPORTERS_MAX && n < max; i++) {
		struct export_counters c = { 0 };
		if (!a->exporters[i])
			continue;
		a->exporters[i]->ops->counters(a->exporters[i], &c);
		fill_exporter(&v[n++], a->exporters[i]->ops->name, &c);
	}
	pthread_mutex_unlock(&a->exporters_lock);
	return n;
}

int agent_open_metrics(struct agent *a, struct buf *error)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	struct own_metrics_options o = {
		.version = BUILD_VERSION,
		.git_hash = BUILD_GIT_HASH,
		.build_time = BUILD_TIME,
		.started = (u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_nsec,
		.ledger = get_ledger,
		.interfaces = get_interfaces,
		.exporters = get_exporters,
		.arg = a,
	};
	struct l4_metrics *l4;
	int rc = agent_make_l4(a, a->config, &l4);
	if (rc)
		return rc;
	atomic_store(&a->l4, l4);
	a->own = own_metrics_new(a->registry, &o);
	return a->own ? 0 : -ENOMEM;
}

void agent_close_metrics(struct agent *a)
{
	own_metrics_free(a->own);
	l4_metrics_free(atomic_load(&a->l4));
}
