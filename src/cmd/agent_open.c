#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "cmd/agent.h"
#include "cmd/rights.h"
#include "export/resource.h"
#include "util/sandbox.h"

static int refuse(const char *what, struct buf *error)
{
	fprintf(stderr, "%s%s", what, buf_cstr(error));
	if (error->len && error->data[error->len - 1] != '\n')
		fputc('\n', stderr);
	return EXIT_USAGE;
}

/* --- exporters --- */

static void exporter_log(void *arg, enum config_log_level level, const char *text)
{
	log_write(level, "export", "%s", text);
}

static const char *interface_name(void *arg, u32 worker, u16 ifindex)
{
	struct agent *a = arg;
	return observer_interface(a->observer, worker, ifindex);
}

int agent_open_exporter(struct agent *a, const struct config *c, u32 which, struct exporter **ret, struct buf *error)
{
	struct exporter_env env = {
		.config = c,
		.registry = a->registry,
		.resource = a->resource,
		.workers = a->workers,
		.live = a->live,
		.hurry = &a->hurry,
		.log = exporter_log,
		.interface = interface_name,
		.interface_arg = a,
	};
	*ret = NULL;
	if (!exporter_all[which]->wanted(c))
		return 0;
	return exporter_all[which]->open(&env, ret, error);
}

static int open_exporters(struct agent *a, struct buf *error)
{
	int rc = 0;
	for (u32 i = 0; exporter_all[i] && i < AGENT_EXPORTERS_MAX; i++) {
		int one = agent_open_exporter(a, a->config, i, &a->exporters[i], error);
		if (one)
			buf_addc(error, '\n');
		a->exporter_configs[i] = a->config;
		rc = one ? one : rc;
	}
	return rc;
}

/* --- plans --- */

static int add_consumers(struct agent *a, struct plan *p, struct exporter *const *exporters)
{
	int rc = 0;
	for (u32 w = 0; w < a->workers && !rc; w++) {
		rc = plan_add_sink(p, VIEW_RECORDS, w, tap_sink(a->tap, w));
		if (!rc && agent_show_sink(a, w))
			rc = plan_add_sink(p, VIEW_RECORDS, w, agent_show_sink(a, w));
		for (u32 i = 0; i < AGENT_EXPORTERS_MAX && !rc; i++) {
			struct exporter *e = exporters[i];
			struct view_sink *s = e && e->ops->takes ? e->ops->sink(e, w) : NULL;
			if (e && e->ops->takes)
				rc = s ? plan_add_sink(p, e->ops->takes == VIEW_TRACES ? VIEW_TRACES : VIEW_RECORDS, w, s) : -ENOMEM;
		}
	}
	return rc;
}

int agent_make_plan(struct agent *a, const struct config *c, struct exporter *const *exporters, struct plan **ret, struct buf *error)
{
	struct plan_options o = { .config = c, .workers = a->workers, .hash_key = { a->hash_key[0], a->hash_key[1] }, .registry = a->registry };
	struct buf warnings = { 0 };
	int rc = plan_new(&o, ret, error, &warnings);
	agent_log_lines(LOG_WARN, "config", &warnings);
	buf_done(&warnings);
	if (!rc)
		rc = add_consumers(a, *ret, exporters);
	if (rc == -ENOMEM)
		buf_adds(error, "not enough memory");
	return rc;
}

/* --- capture --- */

/* A worker's plan has been flushed. */
static void on_flush(void *arg, u32 worker, u64 now, bool last)
{
	struct agent *a = arg;

	agent_alive(a, worker);
	agent_flush_l4(a, worker, now, last);
	registry_tick(a->registry, worker, now);
	if (a->live)
		return;
	atomic_store_explicit(&a->clock, now, memory_order_relaxed);
	for (u32 i = 0; i < AGENT_EXPORTERS_MAX; i++)
		if (a->exporters[i] && a->exporters[i]->ops->clock)
			a->exporters[i]->ops->clock(a->exporters[i], now, last);
}

static int add_sinks(void *arg, struct observer *ob, u32 worker, struct sessions *sessions)
{
	struct agent *a = arg;
	struct plan_sink *s = &a->sinks[worker];
	a->observer = ob;
	plan_sink_init(s, a->plan, worker);
	s->flushed = on_flush;
	agent_flush_l4(a, worker, agent_now(a), false); /* attaches */
	s->arg = a;
	return sessions_add_sink(sessions, &s->base);
}

static int open_observer(struct agent *a)
{
	char error[256];
	a->options.add_sinks = add_sinks;
	a->options.arg = a;
	int rc = observer_open(&a->options, &a->observer, error);
	if (!rc)
		return EXIT_OK;
	a->observer = NULL;
	if (a->live && IS_MISSING_RIGHT(rc)) {
		say_rights("agent");
		return a->v->sample ? -EPERM : EXIT_FAILED;
	}
	fprintf(stderr, "Error: %s\n", error);
	return EXIT_FAILED;
}

/* No right to capture: the sample capture instead of nothing at all. */
static int open_sample(struct agent *a)
{
	fprintf(stderr, "Reading %s instead, a capture of what it would see.\n\n", a->v->sample);
	a->options.capture.file = a->v->sample;
	a->options.capture.filter = NULL;
	a->options.engine = capture_engine_default(&a->options.capture);
	a->live = false;
	return open_observer(a);
}

/* --- the rest --- */

int agent_open_server(struct agent *a)
{
	struct server_app app;
	struct buf error = { 0 };
	if (!a->config->server.enabled)
		return EXIT_OK;
	agent_fill_app(a, &app);
	int rc = server_new(&a->config->server, &app, NULL, &a->server, &error);
	a->server_config = a->config;
	if (rc && !a->live) { /* a capture can be read without */
		log_write(LOG_WARN, "server", "%s", buf_cstr(&error));
		rc = 0;
	} else if (rc) {
		refuse("Error: ", &error);
	}
	buf_done(&error);
	return rc ? EXIT_FAILED : EXIT_OK;
}

/* Changes of the configuration are looked for in its folder: editors write a new file beside it and rename that. */
static void watch_config(struct agent *a)
{
	const char *path = a->config->path, *slash = strrchr(path, '/');
	char folder[4096];
	if (a->builtin || !a->config->controller.auto_reload)
		return;
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)MAX(slash - path, 1) : 1, slash ? path : ".");
	a->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (a->watch_fd < 0 || inotify_add_watch(a->watch_fd, folder, IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE) < 0)
		log_write(LOG_WARN, "config", "changes of %s cannot be watched: %s", folder, strerror(errno));
}

static void give_up_rights(struct agent *a)
{
	struct sandbox_options o = {
		.ask_interfaces = a->live,
		.open_captures = a->live && strcmp(a->options.capture.interfaces, "any") != 0,
		.write_files = true,
		.network = true,
	};
	if (a->v->no_sandbox)
		return;
	int rc = sandbox_drop_rights(&o);
	if (rc)
		log_write(LOG_WARN, "agent", "rights could not be given up: %s", strerror(-rc));
	rc = sandbox_limit_calls(&o);
	if (rc && rc != -ENOSYS && rc != -EINVAL)
		log_write(LOG_WARN, "agent", "system calls could not be limited: %s", strerror(-rc));
}

static int open_store(struct agent *a)
{
	struct timespec t;
	struct registry_options r = agent_registry_options(a, a->config);
	struct tap_options tap = { .workers = a->workers, .interface = interface_name, .arg = a };
	clock_gettime(CLOCK_MONOTONIC, &t);
	a->started_at = (u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_nsec;
	if (getrandom(a->hash_key, sizeof(a->hash_key), 0) < 0)
		a->hash_key[0] = a->started_at;
	a->registry = registry_new(&r);
	a->tap = tap_new(&tap);
	a->resource = resource_new(&a->config->exporter.resource);
	return a->registry && a->tap && a->resource ? 0 : -ENOMEM;
}

static int open_pipelines(struct agent *a)
{
	struct buf error = { 0 };
	int rc = open_store(a);
	if (!rc)
		rc = agent_open_show(a);
	if (!rc)
		rc = open_exporters(a, &error);
	if (!rc)
		rc = agent_make_plan(a, a->config, a->exporters, &a->plan, &error);
	if (!rc)
		rc = agent_open_metrics(a, &error);
	if (rc && !error.len)
		buf_adds(&error, strerror(-rc));
	int code = rc ? refuse("Error: ", &error) : EXIT_OK;
	buf_done(&error);
	return code;
}

int agent_open(struct agent *a)
{
	struct buf error = { 0 };
	a->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc = agent_read_config(a->v, &a->config, &a->builtin, &error);
	if (!rc && log_open(&a->config->logger, a->builtin) < 0)
		log_write(LOG_WARN, "agent", "%s cannot be written: the log goes to standard error", a->config->logger.filename);
	if (!rc)
		rc = agent_make_options(a, a->config, &a->rules, &a->bpf, &a->options, &error);
	int code = rc ? refuse("", &error) : EXIT_OK;
	buf_done(&error);
	a->live = a->options.engine && a->options.engine->live;
	if (code == EXIT_OK)
		snprintf(a->capture_name, sizeof(a->capture_name), "%s", a->live ? a->options.capture.interfaces : a->options.capture.file);
	a->workers = code == EXIT_OK ? observer_planned_workers(&a->options) : 0;
	if (code == EXIT_OK)
		code = open_pipelines(a);
	if (code == EXIT_OK)
		code = open_observer(a);
	if (code == -EPERM)
		code = open_sample(a);
	if (code == EXIT_OK)
		code = agent_open_server(a);
	if (code == EXIT_OK) {
		watch_config(a);
		give_up_rights(a);
	}
	return code;
}

void agent_close(struct agent *a)
{
	if (a->tap)
		tap_close(a->tap);
	agent_end_old_server(a);
	server_free(a->server);
	observer_close(a->observer);
	agent_end_exporters(a, NULL, NULL);
	for (u32 i = 0; i < AGENT_EXPORTERS_MAX; i++)
		if (a->exporters[i])
			a->exporters[i]->ops->free(a->exporters[i]);
	agent_close_show(a);
	plan_free(a->plan);
	agent_close_metrics(a);
	tap_free(a->tap);
	registry_free(a->registry);
	resource_free(a->resource);
	for (u32 i = 0; i < a->retired_len; i++)
		config_free(a->retired[i]);
	config_free(a->config);
	buf_done(&a->bpf);
	buf_done(&a->request.text);
	agent_close_notify(a);
	if (a->watch_fd >= 0)
		close(a->watch_fd);
	if (a->wake_fd >= 0)
		close(a->wake_fd);
	log_close();
}
