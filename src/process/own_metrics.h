/* The program's own metrics: what it captured, decoded, lost and sent, and what it costs. A collector of the registry, computed
 * when somebody looks; names are in docs/METRICS.md. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROCESS_OWN_METRICS_H
#define PACKETD_PROCESS_OWN_METRICS_H

#include "metrics/snapshot.h"
#include "roundtrip/ledger.h"

#define OWN_INTERFACES_MAX 64
#define OWN_EXPORTERS_MAX 32
#define OWN_DROPS_MAX 12

struct own_interface {
	const char *name;
	u64 received, dropped;
};

/* offered = delivered + dropped + queued. */
struct own_exporter {
	const char *name;
	u64 offered, delivered, queued;
	struct {
		const char *reason;
		u64 n;
	} dropped[OWN_DROPS_MAX];
	u32 dropped_len;
	u64 requests, retries, failures, bytes, spooled_bytes;
};

struct own_metrics_options {
	const char *version, *git_hash, *build_time; /* NULL: empty */
	u64 started;                                 /* ns since the epoch */
	void (*ledger)(void *arg, struct ledger *ret); /* of all workers; NULL: none yet */
	/* Fill in at most `max`, texts valid until the next call; return how many. NULL: none. */
	u32 (*interfaces)(void *arg, struct own_interface *v, u32 max);
	u32 (*exporters)(void *arg, struct own_exporter *v, u32 max);
	void *arg;
};

struct own_metrics;

/* Registers itself. Copies the options; texts and functions must outlive it. The functions are called on the threads that take snapshots,
 * by several at once. NULL without memory or room. */
struct own_metrics *own_metrics_new(struct registry *r, const struct own_metrics_options *o);
/* No snapshot is being taken. NULL is fine. */
void own_metrics_free(struct own_metrics *m);

#endif
