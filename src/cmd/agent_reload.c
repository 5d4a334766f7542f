/* A new configuration, without losing a packet or a series: everything is made and checked beside what runs, then exchanged. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cmd/agent.h"
#include "process/l4_metrics.h"

#define SETTLE_MS 3000      /* workers look for changes every 100 ms */
#define OLD_FLUSH_MS 5000   /* what an exporter that is replaced may take for its last batches */

/* All that is made for a reload. */
struct fresh {
	struct config *config;
	bool builtin;
	struct rules rules;
	struct buf bpf;
	struct observer_options options;
	struct exporter *exporters[AGENT_EXPORTERS_MAX]; /* kept ones, too */
	bool made[AGENT_EXPORTERS_MAX];
	struct plan *plan;
	struct registry_options registry;
	struct l4_metrics *l4; /* NULL: it stays as it is */
	struct server *server; /* when its settings have changed: running already; NULL: none is wanted */
	bool server_changed;
};

static void fresh_done(struct fresh *f)
{
	server_free(f->server);
	plan_free(f->plan);
	l4_metrics_free(f->l4);
	for (u32 i = 0; i < AGENT_EXPORTERS_MAX; i++)
		if (f->made[i] && f->exporters[i])
			f->exporters[i]->ops->free(f->exporters[i]);
	config_free(f->config);
	buf_done(&f->bpf);
}

/* The section of the configuration that an exporter reads. */
static bool exporter_differs(const struct agent *a, const struct fresh *f, u32 which)
{
	char section[64];
	snprintf(section, sizeof(section), "exporter.%s", exporter_all[which]->name);
	return config_differs(a->config, f->config, section) || config_differs(a->config, f->config, "exporter.resource");
}

static int make_exporters(struct agent *a, struct fresh *f, struct buf *error)
{
	int rc = 0;
	for (u32 i = 0; exporter_all[i] && i < AGENT_EXPORTERS_MAX; i++) {
		if (!exporter_differs(a, f, i)) {
			f->exporters[i] = a->exporters[i];
			continue;
		}
		f->made[i] = true;
		int one = agent_open_exporter(a, f->config, i, &f->exporters[i], error);
		if (one)
			buf_addc(error, '\n');
		rc = one ? one : rc;
	}
	return rc;
}

/* Last of all, since it begins to answer: a new one beside the old one, at the same place or another. */
static int make_server(struct agent *a, struct fresh *f, struct buf *error)
{
	struct server_app app;
	f->server_changed = config_differs(a->config, f->config, "server") || (f->config->server.enabled && !a->server);
	if (!f->server_changed || !f->config->server.enabled)
		return 0;
	agent_fill_app(a, &app);
	int rc = server_new(&f->config->server, &app, a->server, &f->server, error);
	if (!rc)
		rc = server_start(f->server, error);
	return rc;
}

static int make_fresh(struct agent *a, struct fresh *f, struct buf *error)
{
	int rc = agent_read_config(a->v, &f->config, &f->builtin, error);
	if (rc)
		return rc;
	f->options = (struct observer_options){ .add_sinks = a->options.add_sinks, .arg = a };
	rc = agent_make_options(a, f->config, &f->rules, &f->bpf, &f->options, error);
	if (!rc)
		rc = make_exporters(a, f, error);
	if (!rc)
		rc = agent_make_plan(a, f->config, f->exporters, &f->plan, error);
	if (!rc && config_differs(a->config, f->config, "controller.layer4Metrics"))
		rc = agent_make_l4(a, f->config, &f->l4);
	for (u32 i = 0; i < AGENT_EXPORTERS_MAX && !rc; i++)
		if (f->made[i] && f->exporters[i])
			rc = f->exporters[i]->ops->start(f->exporters[i]);
	f->registry = agent_registry_options(a, f->config);
	return rc ? rc : make_server(a, f, error);
}

static void pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&t, NULL);
}

/* True when every worker uses the new plan, rules and filter. */
static bool exchange_plan(struct agent *a, struct plan *next)
{
	for (u32 w = 0; w < a->workers; w++)
		plan_sink_set(&a->sinks[w], next);
	for (int waited = 0; waited < SETTLE_MS; waited += 10) {
		bool settled = observer_settled(a->observer);
		for (u32 w = 0; w < a->workers; w++)
			settled &= plan_sink_settled(&a->sinks[w]);
		if (settled || !observer_running(a->observer))
			return true;
		pause_ms(10);
	}
	return false;
}

static void exchange_exporters(struct agent *a, struct fresh *f)
{
	struct exporter *old[AGENT_EXPORTERS_MAX];
	pthread_mutex_lock(&a->exporters_lock);
	memcpy(old, a->exporters, sizeof(old));
	memcpy(a->exporters, f->exporters, sizeof(a->exporters));
	pthread_mutex_unlock(&a->exporters_lock);
	for (u32 i = 0; i < AGENT_EXPORTERS_MAX; i++) {
		if (!f->made[i])
			continue;
		a->exporter_configs[i] = f->config;
		if (!old[i])
			continue;
		old[i]->ops->stop(old[i], OLD_FLUSH_MS);
		old[i]->ops->free(old[i]);
	}
}

static bool config_in_use(const struct agent *a, const struct config *c)
{
	for (u32 i = 0; i < AGENT_EXPORTERS_MAX; i++)
		if (a->exporters[i] && a->exporter_configs[i] == c)
			return true;
	return c == a->config || c == a->server_config || c == a->old_server_config;
}

void agent_drop_configs(struct agent *a)
{
	u32 kept = 0;
	for (u32 i = 0; i < a->retired_len; i++) {
		if (config_in_use(a, a->retired[i]))
			a->retired[kept++] = a->retired[i];
		else
			config_free(a->retired[i]);
	}
	a->retired_len = kept;
}

static void exchange_server(struct agent *a, struct fresh *f)
{
	if (!f->server_changed)
		return;
	a->old_server = a->server;
	a->old_server_config = a->server_config;
	a->server = f->server;
	a->server_config = f->server ? f->config : NULL;
	if (a->server)
		log_write(LOG_INFO, "server", "now on %s://%s/", server_scheme(a->server), server_address(a->server));
}

void agent_end_old_server(struct agent *a)
{
	if (!a->old_server)
		return;
	server_free(a->old_server);
	a->old_server = NULL;
	a->old_server_config = NULL;
	agent_drop_configs(a);
}

static void exchange_config(struct agent *a, struct fresh *f)
{
	if (a->retired_len < ARRAY_LEN(a->retired)) /* more than exporters and server can hold */
		a->retired[a->retired_len++] = a->config;
	pthread_rwlock_wrlock(&a->config_lock);
	a->config = f->config;
	a->builtin = f->builtin;
	pthread_rwlock_unlock(&a->config_lock);
}

static void take_over(struct agent *a, struct fresh *f, struct buf *text)
{
	struct plan *old = a->plan;
	a->rules = f->rules;
	f->options.session.rules = a->rules.v;
	a->options = f->options;
	int rc = observer_reconfigure(a->observer, &a->options);
	if (rc)
		buf_addf(text, "rules and limits of the capture could not be changed: %s\n", strerror(-rc));
	if (registry_set_options(a->registry, &f->registry))
		buf_adds(text, "metricsStorage: the kind of histograms changes at the next start only\n");
	log_open(&f->config->logger, f->builtin);
	a->plan = f->plan;
	struct l4_metrics *old_l4 = f->l4 ? atomic_exchange(&a->l4, f->l4) : NULL;
	if (exchange_plan(a, f->plan)) {
		plan_free(old);
		l4_metrics_free(old_l4);
	} else {
		log_write(LOG_ERROR, "config", "a worker does not answer; the old pipelines stay in memory");
	}
	exchange_exporters(a, f);
	exchange_server(a, f);
	exchange_config(a, f);
	agent_drop_configs(a);
	buf_done(&a->bpf);
	a->bpf = f->bpf;
}

static int fail(struct agent *a, struct fresh *f, int rc, struct buf *text)
{
	__atomic_fetch_add(&a->reload_failures, 1, __ATOMIC_RELAXED);
	if (!text->len)
		buf_adds(text, strerror(-rc));
	log_write(LOG_ERROR, "config", "not taken over, the old configuration stays: %s", buf_cstr(text));
	fresh_done(f);
	free(f);
	return rc;
}

int agent_reload(struct agent *a, struct buf *text)
{
	struct fresh *f = a->live ? calloc(1, sizeof(*f)) : NULL;
	struct buf keys = { 0 };
	if (!f) {
		buf_adds(text, a->live ? "not enough memory" : "a capture file is being read: its settings stay until the end");
		return a->live ? -ENOMEM : -EBUSY;
	}
	int rc = make_fresh(a, f, text);
	if (rc)
		return fail(a, f, rc, text);
	if (config_needs_restart(a->config, f->config, &keys))
		buf_addf(text, "change at the next start only: %s\n", buf_cstr(&keys));
	take_over(a, f, text);
	__atomic_fetch_add(&a->reloads, 1, __ATOMIC_RELAXED);
	log_write(LOG_INFO, "config", "%s taken over%s%s", a->builtin ? "built-in defaults" : a->config->path, text->len ? "; " : "", buf_cstr(text));
	buf_done(&keys);
	free(f);
	return 0;
}
