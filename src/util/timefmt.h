/* Times and durations as text. Functions are thread-safe; each thread caches the current second.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_TIMEFMT_H
#define PACKETD_UTIL_TIMEFMT_H

#include "util/buf.h"

/* RFC 3339 with up to 9 fraction digits, trailing zeros removed, local zone ("Z" for UTC). */
void time_rfc3339(struct buf *b, u64 ns);
/* HH:MM:SS.mmm local. */
void time_clock(struct buf *b, u64 ns);
/* As Go prints a time.Duration: 0s, 750ns, 82.343µs, 1.508568ms, 1m30.25s, 2h0m4s. */
void duration_go(struct buf *b, u64 ns);
/* For people: three significant digits and a unit: 0, 750ns, 82.3µs, 1.51ms, 12.4s, 3m20s, 2h04m. */
void duration_short(struct buf *b, u64 ns);
/* "500ms", "15s", "1h30m", "0.5s" or a bare number of seconds; false when it is none of these. */
bool duration_parse(struct str text, u64 *ret_ns);
/* "2025-03-01T09:00:00.25Z", "2025-03-01 09:00+08:00", "2025-03-01": seconds, time and zone may be missing, then they are 0
 * and local. False when it is none of these, or before 1970. */
bool time_parse(struct str text, u64 *ret_ns);
/* Bytes for people: 812, 1.2k, 34M. */
void bytes_short(struct buf *b, u64 n);

#endif
