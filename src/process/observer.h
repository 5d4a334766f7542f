/* The observer: worker threads, each with a capture engine, a decoder, a flow table, sessions and a ledger of its own.
 * They share nothing while they run. From a file there is one worker, and the same file gives the same RoundTrips in the
 * same order; live, several may share the traffic by connection.
 * One thread opens, starts, joins and closes an observer; observer_stop may be called from any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROCESS_OBSERVER_H
#define PACKETD_PROCESS_OBSERVER_H

#include "capture/capture.h"
#include "roundtrip/session.h"

#define OBSERVER_WORKERS_MAX 64
#define OBSERVER_RING (8 * MIB) /* default of ring_bytes */

struct observer;

struct observer_options {
	const struct capture_engine *engine; /* NULL: the default for `capture` */
	struct capture_options capture;      /* worker, workers, fanout_id and ring_bytes are filled in */
	u64 ring_bytes;                      /* kernel buffers of all workers together; 0: OBSERVER_RING */
	struct flow_options flow;
	struct session_options session;
	u32 workers;                         /* 0: by the CPUs there are */
	u8 family;                           /* 4 or 6: only these packets; 0: both */
	/* Adds the sinks of a worker, while opening. Negative errno ends the opening. */
	int (*add_sinks)(void *arg, struct observer *ob, u32 worker, struct sessions *sessions);
	void *arg;
};

/* How far the reading of a file has come. */
struct observer_progress {
	u64 bytes, total; /* total 0: unknown, or live */
	u64 packets;
};

/* Workers for live capture when nobody says how many: one on up to two CPUs, else half of them, at most 8. */
u32 observer_default_workers(unsigned cpus);

/* How many workers an observer with these options would have (o->engine is set). */
u32 observer_planned_workers(const struct observer_options *o);

/* Opens the engines; nothing is captured into RoundTrips before observer_start. Negative errno with a sentence in error[]. */
int observer_open(const struct observer_options *options, struct observer **ret, char error[256]);
int observer_start(struct observer *ob);
/* Asks the workers to end: what the kernel has captured by now is still read. */
void observer_stop(struct observer *ob);
/* While running: rules (with the capture filter that they amount to), time-outs, parser options, caps and family of `options`
 * from each worker's next look on (100 ms, live). What cannot be set, such as a filter that does not compile, is a warning, and the old one stays.
 * Observers of files keep their filter. -EAGAIN while the change before is still on its way. Texts are copied. */
int observer_reconfigure(struct observer *ob, const struct observer_options *options);
/* True once every worker has taken it over. */
bool observer_settled(const struct observer *ob);
/* Readable when a worker has ended or has something to say. */
int observer_fd(const struct observer *ob);
/* Clears observer_fd; true as long as a worker runs. */
bool observer_running(struct observer *ob);
/* The next sentence of an engine ("file cut short at byte N"). False: none. */
bool observer_warning(struct observer *ob, char text[256]);
/* Waits for the workers. 0, or the error that ended one. */
int observer_join(struct observer *ob);
void observer_close(struct observer *ob);

u32 observer_workers(const struct observer *ob);
const struct capture_engine *observer_engine(const struct observer *ob);
/* The name of an interface of this worker's packets; NULL unknown. On the worker's thread. */
const char *observer_interface(struct observer *ob, u32 worker, u16 ifindex);
/* A worker's flow table: within add_sinks, and on the worker's thread. */
struct flow *observer_flow(struct observer *ob, u32 worker);
/* All workers together: a moment's picture while they run, exact after observer_join. */
void observer_ledger(struct observer *ob, struct ledger *ret);
void observer_progress(struct observer *ob, struct observer_progress *ret);

#endif
