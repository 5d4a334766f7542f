/* One worker of the observer: engine, decoder, flows, sessions, ledger. Everything in it belongs to its thread while that
 * runs, but for the atomic fields and the warnings under their lock. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROCESS_WORKER_H
#define PACKETD_PROCESS_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "net/net.h"
#include "process/observer.h"

#define WORKER_WARNINGS 16

struct worker {
	struct observer *ob;
	u32 number;
	u8 family;
	bool live;
	bool started;
	pthread_t thread;
	const struct capture_engine *engine;
	struct capture *capture;
	struct net *net;
	struct flow *flow;
	struct sessions *sessions;
	struct ledger *ledger;
	int error;             /* why it ended; 0: as it should */
	_Atomic bool *stop;    /* of the observer */
	int notify_fd;         /* of the observer */
	_Atomic bool ended;
	_Atomic u64 bytes, total;

	u64 clock_offset;      /* wall clock minus monotonic, at start */
	u64 flushed_at, counted_at; /* monotonic */
	u64 next_second;       /* files: capture time at which the sinks are told next */
	_Atomic(const struct observer_change *) change; /* settings to be taken over; NULL: none */
	u32 pending;           /* segments decoded and not yet processed */
	struct segment segments[CAPTURE_BATCH];
	u32 hashes[CAPTURE_BATCH]; /* of their connections */
	struct packet packets[CAPTURE_BATCH];

	pthread_mutex_t lock;  /* of the warnings */
	char warnings[WORKER_WARNINGS][256];
	u32 warnings_len;
};

/* Settings on their way to the workers; owned by the observer. */
struct observer_change {
	struct session_options session;
	struct flow_options flow;
	char *filter; /* NULL: everything */
	u8 family;
};

/* The thread's function: runs until the end of the file, until *stop, or until the engine breaks. */
void *worker_run(void *worker);

#endif
