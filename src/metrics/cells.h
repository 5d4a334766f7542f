/* Reading cells. Not for others. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_METRICS_CELLS_H
#define PACKETD_METRICS_CELLS_H

#include "metrics/registry_private.h"

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

void cells_init(struct metric_cells *c);
double number_read(struct metric_cells *c, u32 metric, struct snapshot_exemplar *latest);
void histogram_read(struct metric_cells *c, u32 metric, struct histogram_copy *ret);
/* Those of each bucket that are later than what is there. */
void histogram_exemplars(struct metric_cells *c, u32 metric, struct snapshot_exemplar *latest, u32 stride);
void exemplar_read(const struct exemplar_cell *e, struct snapshot_exemplar *latest);

#endif
