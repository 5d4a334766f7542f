/* The ledger: counters that form exact sums, so that nothing disappears silently. One array of u64 per worker,
 * written by that worker alone (plain adds), read by anyone through ledger_read. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_ROUNDTRIP_LEDGER_H
#define PACKETD_ROUNDTRIP_LEDGER_H

#include "flow/flow_counters.h"
#include "net/net.h"
#include "proto/proto.h"
#include "roundtrip/roundtrip.h"

/* Per protocol. requests = answered + no_response + reset + lost + oneway + open + waiting. */
struct ledger_proto {
	u64 connections;           /* recognised as this protocol */
	u64 requests;              /* seen */
	u64 outcomes[OUTCOME_COUNT];
	u64 waiting;               /* now */
	u64 orphan_responses;      /* responses whose request was not seen: begun before the capture, or lost with a gap */
	u64 late_responses;        /* after their request had been reported as no_response */
	u64 pushes;                /* messages nobody asked for (pub/sub) */
	u64 desyncs;               /* times the parser had to look for a new start */
	u64 gaps;                  /* holes outside skipped bodies */
	u64 evicted;               /* requests given up as lost because too many were waiting */
	u64 failed;                /* answered, with an error */
	u64 partial;               /* reported with unknown fields */
	u64 version_unknown;       /* in a version newer than the parser: only what all versions share was read */
};

struct ledger {
	u64 packets;                    /* handed over by the engine = sum of net[] */
	u64 packet_bytes;
	u64 net[NET_RESULT_COUNT];
	struct flow_counters flow;      /* segments, stream bytes, connections, caps */
	struct ledger_proto proto[PROTO_MAX];
	u64 kernel_received, kernel_dropped, engine_ignored; /* capture_stats of the worker's engine */
	u64 filtered;                   /* RoundTrips the user's filter left out */
	u64 delivered;                  /* RoundTrips handed to the sinks */
	u64 first_ts, last_ts;          /* ns: of the packets */
	u64 arena_capped;               /* message fields cut at the memory cap */
	u64 mysqlx;                     /* connections of MySQL's X protocol, which is known by name only */
};

/* Adds what a worker has counted to *sum (relaxed loads: a moment's picture while running, exact afterwards). */
void ledger_add(struct ledger *sum, const struct ledger *worker);

/* Requests that have ended, one way or another. */
u64 ledger_outcomes(const struct ledger_proto *p);

/* Complete exchanges of those known to have taken place, 0…1: (answered + oneway + no_response + reset) / (requests - open - waiting
 * + orphan responses); 1 when nothing was seen. */
double ledger_completeness(const struct ledger_proto *p);

/* Checks the sums of ledger_proto, of struct ledger (requests that ended = delivered + filtered, too) and of flow_counters.h;
 * of a moment's picture while workers run they need not hold. Empty string when they hold, otherwise the first that does not, in words. `text` has room for 200. */
const char *ledger_check(const struct ledger *l, char text[200]);

/* What `watch` prints at its end: lines of text, nothing that is zero. */
void ledger_print(const struct ledger *l, struct buf *out);
/* All of it as one JSON object; "problem" is what ledger_check says. */
void ledger_json(const struct ledger *l, struct buf *out);

#endif
