/* The view for people: one line per RoundTrip, in columns, cut to the terminal.
 *
 *   09:00:03.487 http   10.1.0.7 → 10.1.0.21:80   GET /items?id=3     200 OK 11B   47.5ms
 *   09:00:04.012 redis  10.1.0.7 → 10.1.0.9:6379  GET session:17      reset        1.20s   resent 3
 *
 * Behind the duration of a slow exchange stands where most of its time went: server (from the request's end to the first byte), transfer
 * (first to last byte; "client not reading" when the receiver stopped the sender, "network" when segments were sent
 * again), or sending (of the request). Threads may share a table: columns grow with what they hold, never shrink.
 * Owns nothing. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_ROUNDTRIP_TABLE_H
#define PACKETD_ROUNDTRIP_TABLE_H

#include <stdatomic.h>

#include "roundtrip/roundtrip.h"
#include "util/buf.h"

#define TABLE_SLOW_NS (100 * NS_PER_MS) /* exchanges from here on say where the time went */

struct table {
	bool colour;
	bool wide;             /* nothing is cut; ports of clients, first byte, rtt, transfer, connection */
	_Atomic unsigned width; /* columns of the terminal; 0: unknown, nothing is cut. May change at any time */
	/* Columns the widest entry took so far. */
	_Atomic unsigned proto, client, server, request, response;
};

void table_init(struct table *t, bool colour, bool wide, unsigned width);
/* The line of titles (wide only, otherwise nothing). */
void table_header(struct table *t, struct buf *out);
/* One line with its \n: no control characters but it and, with colours, their sequences. */
void roundtrip_table(struct buf *out, const struct roundtrip *rt, struct table *t);

#endif
