/* `packetd agent`, in parts: the command (agent.c), what the configuration amounts to (agent_setup.c), opening and
 * closing (agent_open.c), running (agent_loop.c), the last deliveries (agent_end.c), a new configuration (agent_reload.c), what the HTTP server asks (agent_app.c).
 * Internal to the command. Everything belongs to the main thread unless said so. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CMD_AGENT_H
#define PACKETD_CMD_AGENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "cmd/command.h"
#include "cmd/log.h"
#include "export/exporter.h"
#include "process/observer.h"
#include "process/plan.h"
#include "process/rules.h"
#include "server/server.h"

#define AGENT_EXPORTERS_MAX 16
#define AGENT_CONFIG "packetd.yaml"

struct agent_values {
	const char *config, *pcap_file, *sample;
	bool show, no_sandbox;
};

/* A request of another thread for a reload, and what came of it. Under the lock. */
struct agent_request {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool wanted, running;
	u64 finished;   /* reloads so far */
	int result;
	struct buf text;
};

struct agent {
	const struct agent_values *v;
	struct config *config;      /* the one that is in force */
	pthread_rwlock_t config_lock; /* of the pointer, for the server's threads */
	bool builtin;               /* without a file */
	struct rules rules;
	struct buf bpf;             /* capture filter text */
	struct observer_options options;
	struct observer *observer;
	struct registry *registry;
	struct tap *tap;
	struct server *server;
	struct resource *resource;
	struct exporter *exporters[AGENT_EXPORTERS_MAX]; /* by place in exporter_all; NULL: not wanted */
	const struct config *exporter_configs[AGENT_EXPORTERS_MAX]; /* what each was made from */
	pthread_mutex_t exporters_lock; /* of the list, for the server's threads */
	struct plan *plan;
	struct plan_sink sinks[OBSERVER_WORKERS_MAX];
	struct agent_show *show;    /* NULL without --show */
	_Atomic(struct l4_metrics *) l4;                 /* wanted */
	struct l4_metrics *l4_of[OBSERVER_WORKERS_MAX];  /* each worker's, on its thread */
	char capture_name[128];     /* what is captured: interfaces, or a file */
	struct own_metrics *own;
	u64 hash_key[2];
	u32 workers;
	bool live;
	int wake_fd;                /* another thread wants something */
	int watch_fd;               /* inotify on the configuration's folder; -1: none */
	struct agent_request request;
	_Atomic bool running, stopping;
	_Atomic bool hurry;         /* somebody wants the program to end */
	bool exporters_ended;
	int notify_fd;              /* systemd; -1: none */
	u64 watchdog, fed_at;       /* ns; 0: none */
	_Atomic u64 alive_at[OBSERVER_WORKERS_MAX]; /* monotonic, ns: when each worker was last seen to work */
	_Atomic u64 clock;          /* files: the capture's, ns */
	u64 reloads, reload_failures;
	const struct config *server_config; /* what the server was made from */
	struct server *old_server;  /* replaced by a reload, until its last answer is given; or NULL */
	const struct config *old_server_config;
	struct config *retired[2 * AGENT_EXPORTERS_MAX]; /* old ones, as long as something made from them lives */
	u32 retired_len;
	u64 started_at;             /* monotonic, ns */
};

/* agent_setup.c: config -> options. EXIT_OK, or an exit code with all that is wrong in `error`. */
int agent_make_options(struct agent *a, const struct config *c, struct rules *rules, struct buf *bpf, struct observer_options *o, struct buf *error);
/* Remarks, a line each. */
void agent_log_lines(enum config_log_level level, const char *part, struct buf *text);
/* What sinks need of the parsers. */
void agent_make_parser_options(const struct config *c, struct proto_options *o);
struct registry_options agent_registry_options(const struct agent *a, const struct config *c);
/* Reads the configuration as the options of the command say; *ret_builtin: there is no file. Logs warnings. */
int agent_read_config(const struct agent_values *v, struct config **ret, bool *ret_builtin, struct buf *error);

/* agent_open.c */
int agent_open(struct agent *a);
void agent_close(struct agent *a);
/* Binds the server's address, as the configuration says; started by the loop. */
int agent_open_server(struct agent *a);
/* Ends the server that a reload has replaced, when its answers are given. */
void agent_end_old_server(struct agent *a);
/* A plan for this configuration with all exporters' sinks; exporters[] as in struct agent. */
int agent_make_plan(struct agent *a, const struct config *c, struct exporter *const *exporters, struct plan **ret, struct buf *error);
int agent_open_exporter(struct agent *a, const struct config *c, u32 which, struct exporter **ret, struct buf *error);

/* agent_end.c: delivers what is queued, for some seconds at most, ends the exporters and says what each has delivered and what not.
 * `meanwhile` (may be NULL) is called again and again until then. False: something was not delivered. */
bool agent_end_exporters(struct agent *a, void (*meanwhile)(void *arg), void *arg);
/* Records that wait in all exporters. */
u64 agent_queued(struct agent *a);

/* agent_loop.c */
int agent_loop(struct agent *a);
void agent_wake(struct agent *a);

/* agent_notify.c: the service manager. Opened before rights are given up. */
void agent_open_notify(struct agent *a);
/* "READY=1" and the like. */
void agent_notify(struct agent *a, const char *state);
/* On the worker's thread: it works. */
void agent_alive(struct agent *a, u32 worker);
/* Tells the watchdog that all is well, when it is time and all workers work. */
void agent_feed_watchdog(struct agent *a);
void agent_close_notify(struct agent *a);

/* agent_reload.c: takes a new configuration over. 0, or negative errno; remarks or errors in `text`. */
int agent_reload(struct agent *a, struct buf *text);

/* Frees old configurations that nothing uses any more. */
void agent_drop_configs(struct agent *a);

/* agent_metrics.c: metrics of connections and of the program itself */
int agent_make_l4(struct agent *a, const struct config *c, struct l4_metrics **ret);
/* On the worker's thread. */
void agent_flush_l4(struct agent *a, u32 worker, u64 now, bool last);
int agent_open_metrics(struct agent *a, struct buf *error);
void agent_close_metrics(struct agent *a);

/* agent_show.c: --show */
int agent_open_show(struct agent *a);
int agent_start_show(struct agent *a);
/* Writes what there is; nothing comes any more. */
void agent_end_show(struct agent *a);
void agent_close_show(struct agent *a);
/* NULL without --show. */
struct view_sink *agent_show_sink(struct agent *a, u32 worker);
/* The terminal may have been resized. */
void agent_fit_show(struct agent *a);

/* agent_app.c */
void agent_fill_app(struct agent *a, struct server_app *app);
u64 agent_now(struct agent *a);

#endif
