/* An exporter takes RoundTrips, spans or metrics out of the program: one file or folder each, ending with a descriptor, listed
 * in exporter_list.h. It has threads of its own; nothing it waits for holds up capture. Everything offered is delivered, dropped for a
 * reason that is counted, or still queued. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_EXPORTER_H
#define PACKETD_EXPORT_EXPORTER_H

#include "config/config.h"
#include "metrics/snapshot.h"
#include "process/view.h"

/* Attributes of what sends: host.name, os.type, service.name, k8s.pod.name …; constant. */
struct resource {
	struct config_pair *v;
	u32 n;
};

/* What an exporter may use; what it points to outlives it, the structure itself is copied by `open`. */
struct exporter_env {
	const struct config *config;
	struct registry *registry;
	const struct resource *resource;
	u32 workers;
	bool live;      /* false: a capture file is read; queues wait instead of dropping … */
	const _Atomic bool *hurry; /* … until this becomes true: somebody wants the program to end. May be NULL */
	/* A sentence for the log; rate-limited by the caller, thread-safe. */
	void (*log)(void *arg, enum config_log_level level, const char *text);
	void *log_arg;
	/* Name of an interface, on the worker's thread. */
	const char *(*interface)(void *arg, u32 worker, u16 ifindex);
	void *interface_arg;
};

#define EXPORT_DROPS(X)                                                             \
	X(EXPORT_DROP_QUEUE, "queue_full", "the back end could not keep up")        \
	X(EXPORT_DROP_REFUSED, "refused", "the back end does not want it (4xx)")    \
	X(EXPORT_DROP_OLD, "too_old", "could not be delivered in time")             \
	X(EXPORT_DROP_LARGE, "too_large", "longer than a record may be")            \
	X(EXPORT_DROP_SPOOL, "spool_full", "the spool on disk is full or broken")   \
	X(EXPORT_DROP_ERROR, "error", "could not be written or encoded")            \
	X(EXPORT_DROP_ABANDONED, "abandoned", "given up at the end of the program")

enum export_drop {
#define X(id, name, text) id,
	EXPORT_DROPS(X)
#undef X
		EXPORT_DROP_COUNT
};

const char *export_drop_name(enum export_drop d);

/* offered = delivered + dropped[] + queued; exact once the exporter has stopped. */
struct export_counters {
	u64 offered, delivered, dropped[EXPORT_DROP_COUNT], queued;
	u64 requests, retries, failures; /* requests to the back end; those repeated; those that failed */
	u64 bytes;                       /* sent, compressed */
	u64 spooled_bytes;               /* on disk now */
	char last_error[160];            /* empty: all is well */
};

struct exporter;

struct exporter_ops {
	const char *name;   /* as in configuration and metrics: "traces", "metrics", "elasticsearch" */
	bool (*wanted)(const struct config *c);
	/* What it takes: VIEW_TRACES, VIEW_RECORDS, or 0 for one that reads the registry. */
	u8 takes;
	/* Checks its settings and makes it; no threads yet. Negative errno with a sentence in `error`. */
	int (*open)(const struct exporter_env *env, struct exporter **ret, struct buf *error);
	/* Starts its threads. */
	int (*start)(struct exporter *e);
	/* A worker's way in; the exporter owns it. Before start. NULL: takes no RoundTrips, or no memory. */
	struct view_sink *(*sink)(struct exporter *e, u32 worker);
	/* A capture file: the capture's clock has come to `now` (each second of it, and at the end). On the worker's thread. May be NULL. */
	void (*clock)(struct exporter *e, u64 now, bool last);
	/* Delivers what is queued, for at most wait_ms (-1: as long as it takes), writes the rest to its spool or counts it, ends its threads. */
	void (*stop)(struct exporter *e, int wait_ms);
	void (*counters)(struct exporter *e, struct export_counters *ret);
	void (*free)(struct exporter *e);
};

struct exporter {
	const struct exporter_ops *ops;
};

/* All exporters; NULL-terminated. */
extern const struct exporter_ops *const exporter_all[];
#define X(name) extern const struct exporter_ops exporter_##name;
#include "export/exporter_list.h"
#undef X

#endif
