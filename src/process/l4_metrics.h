/* Metrics of connections: packets, bytes, what TCP repeats, round trips, beginnings and ends. Names are in docs/METRICS.md.
 * The flow table counts in its connections anyway. A connection's first packet after a fold remembers what it had counted; once a second,
 * and when the connection ends, the difference goes to the registry: nothing is done a packet, and nothing for idle connections.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROCESS_L4_METRICS_H
#define PACKETD_PROCESS_L4_METRICS_H

#include "config/config.h"
#include "flow/flow.h"
#include "metrics/registry.h"
#include "roundtrip/roundtrip.h"

struct l4_metrics;

/* `enabled` and `labels` (source.host, …; unknown ones are left out and told in `warnings`, which may be NULL) are copied. Without
 * `enabled` there are only the connections open and expired. 0, -ENOMEM, or what registry_group says. */
int l4_metrics_new(struct registry *r, u32 workers, bool enabled, const struct config_texts *labels, struct l4_metrics **ret, struct buf *warnings);
/* No worker is attached any more; its series become stale. NULL is fine. */
void l4_metrics_free(struct l4_metrics *m);

/* On the worker's thread (or while that does not run), between packets: from now on, and no longer. */
void l4_metrics_attach(struct l4_metrics *m, u32 worker, struct flow *flow);
void l4_metrics_detach(struct l4_metrics *m, u32 worker);
/* On the worker's thread, each flush. `last`: all that is left. */
void l4_metrics_flush(struct l4_metrics *m, u32 worker, u64 now, bool last);
/* The same as a sink for sessions_add_sink; owned by `m`. */
struct sink *l4_metrics_sink(struct l4_metrics *m, u32 worker);

#endif
