/* roundtripstometrics: RoundTrips as counters and histograms, by the labels of the configuration.
 * Everything follows the protocols' field tables; names and labels are in docs/METRICS.md.
 * One struct rt_metrics a processor of a pipeline, made and freed by the thread that loads configurations; each worker has a sink of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROCESS_RT_METRICS_H
#define PACKETD_PROCESS_RT_METRICS_H

#include "config/config.h"
#include "metrics/registry.h"
#include "process/view.h"

struct rt_metrics;

struct rt_metrics_options {
	const struct config_processor *processor; /* kind PROCESSOR_METRICS; must outlive it */
	const struct projection *projection;      /* of its place in the pipeline: new names, added labels; NULL: none */
	struct registry *registry;
	u32 workers;
};

/* 0, -ENOMEM, or what registry_group says with a sentence in `why`. Selectors that a protocol lacks are told in `warnings`
 * (lines), which may be NULL, and left out. */
int rt_metrics_new(const struct rt_metrics_options *o, struct rt_metrics **ret, struct buf *why, struct buf *warnings);
/* The worker's sink; owned by `m`. */
struct view_sink *rt_metrics_sink(struct rt_metrics *m, u32 worker);
/* No worker uses its sinks any more; its series become stale. NULL is fine. */
void rt_metrics_free(struct rt_metrics *m);

/* Calls `each` for every metric a protocol may have: for documents and tests. */
void rt_metrics_names(const struct proto *p, void (*each)(void *arg, const struct metric_desc *d), void *arg);

#endif
