/* What is done with each RoundTrip: the pipelines of the configuration, made ready to run. A plan is constant while workers use it;
 * a reload makes another one. Pipelines are independent of each other: each sees every RoundTrip, and its steps narrow or
 * change what the steps after them get. A processor named in several pipelines sees a RoundTrip once, from the first that lets it through.
 * Consumers of records get every RoundTrip, unless some pipeline says which (roundtripstorecords).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROCESS_PLAN_H
#define PACKETD_PROCESS_PLAN_H

#include <stdatomic.h>

#include "config/config.h"
#include "process/view.h"

#define PLAN_WORKERS_MAX 64
#define PLAN_SINKS_MAX 16 /* consumers of one kind */

struct plan_options {
	const struct config *config; /* outlives the plan */
	u32 workers;
	u64 hash_key[2];             /* of redact's hashes; the same over reloads */
	struct registry *registry;   /* of roundtripstometrics */
};

struct plan;

/* 0, or -EINVAL with a line in `error` for each thing that is wrong, or -ENOMEM. Remarks are added to `warnings`, which may be NULL. */
int plan_new(const struct plan_options *options, struct plan **ret, struct buf *error, struct buf *warnings);
/* A consumer of VIEW_TRACES or VIEW_RECORDS, before the plan is used; borrowed. -E2BIG past PLAN_SINKS_MAX. */
int plan_add_sink(struct plan *p, enum view_kind kind, u32 worker, struct view_sink *sink);
/* Frees the plan and its metrics consumers. No worker may use it any more. NULL is fine. */
void plan_free(struct plan *p);
/* Whether anybody takes what needs header lists and details (traces, records). */
bool plan_wants(const struct plan *p, enum view_kind kind);

/* One RoundTrip, and the passing of time, on the worker's thread. */
void plan_roundtrip(const struct plan *p, u32 worker, const struct roundtrip *rt);
void plan_flush(const struct plan *p, u32 worker, u64 now, bool last);

/* A worker's sink that runs a plan, which may be exchanged at any time from another thread. */
struct plan_sink {
	struct sink base;
	struct plan *current;        /* the worker's */
	_Atomic(struct plan *) next; /* NULL: no change */
	u32 worker;
	u64 roundtrips;              /* taken so far; read relaxed by others */
	/* After each flush of the plan: what else has to happen then. May be NULL; set before use. */
	void (*flushed)(void *arg, u32 worker, u64 now, bool last);
	void *arg;
};

void plan_sink_init(struct plan_sink *s, struct plan *first, u32 worker);
/* From the worker's next flush on (at most 100 ms later, live). */
void plan_sink_set(struct plan_sink *s, struct plan *next);
/* True once the change has been made. */
bool plan_sink_settled(struct plan_sink *s);

#endif
