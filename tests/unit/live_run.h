/* Live captures in tests: numbered datagrams sent, and what of them the engines saw.
 * One test at a time; `live_got` is of the run that was started last. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_TESTS_LIVE_RUN_H
#define PACKETD_TESTS_LIVE_RUN_H

#include <time.h>

#include "capture/capture.h"

#define LIVE_NUMBERS 65536
#define LIVE_WORKERS 4
#define LIVE_MARK 0x7061636bu /* begins the payload of each of our datagrams */

/* What was seen: of each number how often, and by which worker. */
struct live_seen {
	u16 seen[LIVE_NUMBERS];
	u8 worker[LIVE_NUMBERS];
	u16 ifindex[LIVE_NUMBERS];
	u16 vlan[LIVE_NUMBERS];
	u8 direction[LIVE_NUMBERS];
	u32 total;  /* our datagrams */
	u32 others; /* other UDP packets */
	u32 delivered;
};
extern struct live_seen live_got;
extern u16 live_fanout; /* a group id that was not used yet is one more */

struct live_run {
	const struct capture_engine *engine;
	struct capture *captures[LIVE_WORKERS];
	u32 workers;
};

/* Moves the process into a network namespace of its own, with loopback up; false when it may not. */
bool live_namespace(void);
/* Runs a shell command: its exit status. */
int live_sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A bound UDP socket; port 0 for any. */
int live_socket(const char *address, u16 port);
/* A datagram whose payload is our mark, its number, and filling. */
void live_send(int fd, const char *address, u16 port, u32 number, size_t size);
u64 live_now(clockid_t clock);

/* Opens all workers; a failure fails the test. */
void live_start(struct live_run *r, const char *engine, u32 workers, const char *interfaces, const char *filter);
/* Closes them; the sum of their counters. */
struct capture_stats live_stop(struct live_run *r);
/* Counts one packet into live_got. */
void live_count(const struct packet *p, u32 worker);
/* One poll of each worker. */
void live_poll(struct live_run *r);
/* Until as many datagrams were seen, or 10 s; then 100 ms more, to see what should not come. */
void live_collect(struct live_run *r, u32 until);
/* True when a worker has warned of this; all its warnings are gone then. */
bool live_warned(struct live_run *r, const char *what);
/* Each datagram from..to-1 exactly once. */
void live_expect_once(u32 from, u32 to);

#endif
