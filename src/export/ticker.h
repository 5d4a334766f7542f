/* When exporters of metrics look at the registry: live on a thread of its own, each interval of the wall clock and once at the end; of
 * a capture file when the capture's clock has come that far. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_TICKER_H
#define PACKETD_EXPORT_TICKER_H

#include <pthread.h>

#include "util/base.h"

struct ticker {
	u64 interval; /* ns */
	/* `now`: ns, what samples are stamped with. */
	void (*tick)(void *arg, u64 now, bool last);
	void *arg;
	u64 due, ticked; /* of a capture's clock: the next, and the last one */
	bool running, ending;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t end;
};

void ticker_init(struct ticker *t, u64 interval, void (*tick)(void *arg, u64 now, bool last), void *arg);
void ticker_done(struct ticker *t);
/* Starts the thread. Negative errno. */
int ticker_start(struct ticker *t);
/* Ends it with a last tick; does nothing when it does not run. */
void ticker_stop(struct ticker *t);
/* A capture's clock. */
void ticker_clock(struct ticker *t, u64 now, bool last);

#endif
