/* What the files expose*.c share. Not for others. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_METRICS_EXPOSE_PRIVATE_H
#define PACKETD_METRICS_EXPOSE_PRIVATE_H

#include "metrics/expose.h"

void expose_text(struct buf *out, const struct snapshot *s, bool openmetrics);
void expose_protobuf(struct buf *out, const struct snapshot *s);

/* Bounds for a reader that knows no vmrange: the ends of the ranges that are not empty, at most 488 and the last one +Inf.
 * Returns how many. */
u32 expose_ranges_as_bounds(const struct snapshot_histogram *h, double *bounds, u64 *counts);

static inline bool str_ends(struct str s, const char *end)
{
	size_t n = strlen(end);
	return s.n >= n && memcmp(s.p + s.n - n, end, n) == 0;
}

/* A family's name says its unit: then it may be told. */
static inline bool expose_has_unit(struct str name, struct str unit)
{
	return unit.n && name.n > unit.n && memcmp(name.p + name.n - unit.n, unit.p, unit.n) == 0 && name.p[name.n - unit.n - 1] == '_';
}

static inline struct str expose_without_total(struct str name)
{
	return str_ends(name, "_total") ? str_make(name.p, name.n - 6) : name;
}

#endif
