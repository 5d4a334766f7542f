/* A picture of all metrics at one moment: what /metrics, remote write and OTLP are made from. Built by adding up the
 * workers' shards without stopping them. Owned by the reader; everything in it lives until snapshot_free. One thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_METRICS_SNAPSHOT_H
#define PACKETD_METRICS_SNAPSHOT_H

#include "metrics/registry.h"

struct snapshot_label {
	struct str name, value;
};

struct snapshot_exemplar {
	u8 trace[16];
	double value;
	u64 time; /* ns; 0: there is none */
};

struct snapshot_bucket {
	double upper; /* classic: inclusive bound, last one +Inf */
	u64 count;    /* not cumulative */
	struct snapshot_exemplar exemplar;
};

/* Spans and counts as Prometheus and OpenTelemetry have them: bucket i covers (base^(i-1), base^i], base = 2^2^-schema. */
struct snapshot_native {
	i32 schema;
	u64 zero_count;
	double zero_threshold;
	i32 first;        /* index of counts[0] */
	const u64 *counts;
	u32 n;
};

struct snapshot_vmrange {
	u16 bucket;       /* 0: below 1e-9; 1…486; 487: from 1e18 */
	u64 count;
};

struct snapshot_histogram {
	u64 count;
	double sum;
	const struct snapshot_bucket *classic; /* NULL when not kept */
	u32 classic_len;
	const struct snapshot_vmrange *vmrange; /* those that are not zero */
	u32 vmrange_len;
	const struct snapshot_native *native;  /* NULL when not kept */
};

struct snapshot_series {
	const struct snapshot_label *labels; /* in the order declared */
	u32 labels_len;
	u64 id;        /* the same as long as the series lives; never used again */
	u64 created;   /* ns */
	u64 touched;   /* ns */
	bool stale;    /* has just disappeared: no value; told once a reader (snapshot_options.reader) */
	double value;  /* counter, gauge */
	const struct snapshot_histogram *histogram;
	struct snapshot_exemplar exemplar; /* counter */
};

struct snapshot_family {
	struct str name, help, unit;
	u8 type;  /* enum metric_type */
	bool own; /* packetd_*, process_*: of the program itself */
	const struct snapshot_series *series;
	u32 series_len;
};

struct snapshot_options {
	bool protocol, own;  /* which families */
	u64 now;             /* ns */
	/* Who asks, for stale series: a number from registry_reader; 0: not interested. */
	u32 reader;
};

struct snapshot {
	u64 time; /* ns */
	struct snapshot_family *families;
	u32 families_len;
	void *memory;
};

/* A reader that wants to be told of series that have disappeared since it last looked. At most 8 in a registry; 0: no more. */
u32 registry_reader(struct registry *r);
/* It will not look again: what only it has not been told of is let go. 0 is fine. */
void registry_reader_done(struct registry *r, u32 reader);
/* NULL without memory. */
struct snapshot *registry_snapshot(struct registry *r, const struct snapshot_options *o);
void snapshot_free(struct snapshot *s);

/* For collectors: adds a family, then series to the family added last. Texts are copied. */
void snapshot_family(struct snapshot *s, const char *name, const char *help, const char *unit, u8 type);
void snapshot_value(struct snapshot *s, const struct snapshot_label *labels, u32 n, double value);

#endif
