/* RoundTrips for those who look at the running agent: watchers that follow the stream, and the latest few for a first glance.
 * Costs a comparison per RoundTrip while nobody looks, but for the few that are kept (at most TAP_RECENT_RATE a second and worker).
 * A watcher that does not read loses records, counted; nothing ever waits for it.
 * Functions are thread-safe. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_SERVER_TAP_H
#define PACKETD_SERVER_TAP_H

#include "process/view.h"
#include "roundtrip/filter.h"
#include "roundtrip/json.h"

#define TAP_WATCHERS_MAX 16
#define TAP_WATCHER_BYTES (4 * MIB) /* queued for one watcher */
#define TAP_RECENT_MAX 500          /* records kept */
#define TAP_RECENT_BYTES (2 * MIB)  /* of them together */
#define TAP_RECENT_RATE 200         /* of a worker in a second, at the most */

struct tap;
struct tap_watcher;

struct tap_options {
	u32 workers;
	const char *(*interface)(void *arg, u32 worker, u16 ifindex); /* as in export/exporter.h */
	void *arg;
};

/* NULL without memory. Freed after the workers have ended. */
struct tap *tap_new(const struct tap_options *o);
void tap_free(struct tap *t);
/* A worker's consumer of records; owned by the tap. */
struct view_sink *tap_sink(struct tap *t, u32 worker);

/* Follows the stream from now on. Takes the filter over (NULL: everything), also when there are too many watchers already and NULL comes back. */
struct tap_watcher *tap_watch(struct tap *t, struct rt_filter *filter);
void tap_unwatch(struct tap_watcher *w);
/* Appends up to `max` records (JSON lines) to `out`, waiting up to wait_ms for the first. Their number; 0: none came; -EPIPE: the tap is being closed. */
int tap_read(struct tap_watcher *w, struct buf *out, u32 max, int wait_ms);
/* Records that did not fit since the watcher began. */
u64 tap_dropped(struct tap_watcher *w);
/* Wakes everybody up; no more records come. */
void tap_close(struct tap *t);
u32 tap_watchers(struct tap *t);
/* Of all watchers that have ever been. */
u64 tap_dropped_total(struct tap *t);

/* The latest records, newest first, as elements of a JSON array ("{…},{…}"). Their number. */
u32 tap_recent(struct tap *t, struct buf *out, u32 max);

#endif
