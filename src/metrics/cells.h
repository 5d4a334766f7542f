/* The numbers of one series in one shard. Not for others. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_METRICS_CELLS_H
#define PACKETD_METRICS_CELLS_H

#include "metrics/buckets.h"
#include "metrics/snapshot.h"

struct series;

enum cells_state {
	CELLS_LIVE,
	CELLS_IDLE, /* its worker has not touched it for the expiry time */
	CELLS_DEAD, /* all workers' were idle: the series has ended */
}; /* changed under the lock only */

/* Loads and stores that another thread may look at meanwhile. */
#define peek(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define poke(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)

static inline double peek_double(const double *p)
{
	double v;
	__atomic_load(p, &v, __ATOMIC_ACQUIRE);
	return v;
}

static inline void poke_double(double *p, double v)
{
	__atomic_store(p, &v, __ATOMIC_RELEASE);
}

struct exemplar_cell {
	u64 trace[2];
	double value;
	u64 time;
};

/* Counter and gauge. */
struct number_cell {
	double value;
	struct exemplar_cell *exemplar; /* NULL until there is one */
};

struct sparse_entry {
	i32 bucket;
	u32 unused;
	u64 count;
};

/* The buckets that are not zero, ascending. Replaced by a larger one when it is full. */
struct sparse {
	struct sparse *limbo; /* of those replaced */
	u32 cap, n;
	struct sparse_entry e[];
};

/* A histogram's numbers; what comes after depends on the kinds kept: struct sparse * of vmrange, of native, then the classic counts. */
struct histogram_cell {
	double sum;
	u64 count;
	u64 zero;         /* native: of the zero bucket */
	i32 schema;       /* native: now */
	u32 seq;          /* odd while it is written */
	struct exemplar_cell *exemplars; /* one a classic bucket, or a single one; NULL until there is one */
	struct sparse *vmrange, *native;
	u64 classic[];
};

struct metric_cells {
	struct series *series;
	struct metric_group *group;
	u64 touched;
	u32 bytes;
	u8 state; /* enum cells_state */
	u8 shard;
	u8 data[] __attribute__((aligned(8)));
};

/* One histogram of one shard, all of it from the same moment. */
struct histogram_copy {
	double sum;
	u64 count, zero;
	i32 schema;
	u64 classic[BUCKETS_BOUNDS_MAX + 1];
	u32 vmrange_len, native_len;
	struct sparse_entry vmrange[VMRANGE_BUCKETS];
	struct sparse_entry *native; /* room for native_room, the caller's */
};

/* Bytes of a group's cells; fills in where each metric lies. */
u32 cells_layout(struct metric_group *g);
void cells_free(struct metric_cells *c);
void cells_init(struct metric_cells *c);
double number_read(struct metric_cells *c, u32 metric, struct snapshot_exemplar *latest);
void histogram_read(struct metric_cells *c, u32 metric, struct histogram_copy *ret);
/* Those of each bucket that are later than what is there. */
void histogram_exemplars(struct metric_cells *c, u32 metric, struct snapshot_exemplar *latest, u32 stride);
void exemplar_read(const struct exemplar_cell *e, struct snapshot_exemplar *latest);

#endif
