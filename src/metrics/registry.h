/* Metrics: counters, gauges and histograms by name and labels, written by workers without locks, read at any time.
 *
 * A *group* is a set of metrics that share their label names and are updated together (requests_total, request_duration_seconds, …
 * of one protocol): one look-up by label values finds all cells. Each worker has a shard of its own; a snapshot adds them up.
 * Groups are declared while starting or reloading (one thread), series come and go by themselves.
 * Past the cap of a group new label values go to the series whose values are all "~other", and a counter tells.
 * A series that nobody has touched for the expiry time disappears; what reads snapshots learns of it (stale).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_METRICS_REGISTRY_H
#define PACKETD_METRICS_REGISTRY_H

#include "util/buf.h"

#define METRIC_LABELS_MAX 16
#define METRIC_GROUP_MAX 8        /* metrics in a group */
#define METRIC_VALUE_MAX 256      /* bytes of a label value; longer ones are cut at a character's end */
#define METRIC_OTHER "~other"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* How histograms are kept and shown; several at once. */
enum histogram_kind { HIST_CLASSIC = 1, HIST_VMRANGE = 2, HIST_NATIVE = 4 };

struct metric_desc {
	const char *name;    /* without _total/_bucket endings of OpenMetrics: as exposed in the classic text format */
	const char *help, *unit; /* unit: "seconds", "bytes", "" */
	u8 type;             /* enum metric_type */
	const double *bounds; /* histogram: classic upper bounds without +Inf; NULL: the seconds set */
	u32 bounds_len;
};

struct registry_options {
	u32 workers;          /* shards */
	u32 max_series;       /* a group; 0: 10 000 */
	u64 expired_ns;       /* 0: 5 minutes */
	u8 histograms;        /* enum histogram_kind bits; 0: classic */
	i32 native_schema;    /* 0…8 */
	u32 native_max_buckets; /* 0: 160; past it the resolution is halved */
	bool exemplars;
	u64 max_bytes;        /* memory of all series; 0: 512 MiB */
};

struct registry;
struct metric_group;
struct metric_cells; /* the cells of one series in one shard */

extern const double metric_seconds_bounds[], metric_bytes_bounds[];
extern const u32 metric_seconds_bounds_len, metric_bytes_bounds_len;

/* NULL without memory. */
struct registry *registry_new(const struct registry_options *options);
void registry_free(struct registry *r);
/* Expiry, caps and exemplars from now on; histogram kinds and workers cannot change (-EINVAL). */
int registry_set_options(struct registry *r, const struct registry_options *options);

/* Declares a group; texts are copied. The same metrics with the same labels again: the group there is, to be dropped once more. Groups
 * with other labels may share names (while one configuration gives way to another; they are shown as one family); -EEXIST
 * when the name is taken with another type, unit or bounds, -EINVAL for a name or label that is none, -E2BIG for too many. */
int registry_group(struct registry *r, const struct metric_desc *metrics, u32 n, const char *const *labels, u32 labels_len, struct metric_group **ret);
/* The group is not fed any more, no worker has cells of it: its series become stale now, its names are free. */
void registry_drop_group(struct registry *r, struct metric_group *g);

/* Worker's side; `shard` is the worker's number, `now` ns of the clock that ages series (packet time from files). Neither blocks nor
 * allocates once the series exists. NULL never: past all caps the cells of `~other`. The pointer lives until the worker's next registry_tick. */
struct metric_cells *metric_find(struct metric_group *g, u32 shard, const struct str *values, u64 now);
/* As metric_find says, for cells found before since the worker's latest registry_tick. */
void metric_touch(struct metric_cells *c, u64 now);
/* `metric`: place in the group's descriptors. */
void metric_add(struct metric_cells *c, u32 metric, double by);       /* counter, by >= 0; gauge */
void metric_set(struct metric_cells *c, u32 metric, double to);       /* gauge */
/* `trace`: 16 bytes id for an exemplar, or NULL. */
void metric_observe(struct metric_cells *c, u32 metric, double value, const u8 *trace, u64 now);
/* The same value `times` times: what a sampled exchange stands for. Values that are negative or no numbers are left out. */
void metric_observe_times(struct metric_cells *c, u32 metric, double value, u64 times, const u8 *trace, u64 now);
/* A counter's exemplar: what the latest increment came from. */
void metric_exemplar(struct metric_cells *c, u32 metric, double value, const u8 *trace, u64 now);
/* Now and then (each flush): series that are to go leave the shard. */
void registry_tick(struct registry *r, u32 shard, u64 now);

/* How full a group is, for own metrics; names live as long as the group. `overflow`: updates that went to ~other. */
struct registry_group_stats {
	const char *const *metrics;
	u32 metrics_len, series;
	u64 overflow;
};

struct registry_stats {
	u64 series, bytes, max_bytes;
	u64 capped;     /* new label values that found no room below max_bytes */
	u64 stale_lost; /* series whose end nobody was told of, because too many ended */
};

/* Any thread. `each` may be NULL; it is called under the registry's lock and must be brief. */
void registry_stats(struct registry *r, struct registry_stats *ret, void (*each)(void *arg, const struct registry_group_stats *g), void *arg);

/* A value that is computed when somebody looks (own metrics, ledger): called during registry_snapshot on the reader's thread. */
struct snapshot;
typedef void (*registry_collector)(void *arg, struct snapshot *into);
int registry_add_collector(struct registry *r, registry_collector collect, void *arg, bool own /* shown on /metrics only */);


/* Before `arg` goes away; it may be in use until a snapshot under way has ended. */
void registry_remove_collector(struct registry *r, void *arg);

#endif
