/* A queue on disk: records go in at one end and come out at the other in order, also after the program was killed. Segment files of
 * checksummed records, and a file that tells where the first record stands that has not been settled. Every record is written
 * before it is handed out (the kernel keeps it when the process dies; nothing is forced to the disk itself).
 * Bounded: past the maximum the oldest segment goes, and what was in it is counted. Thread-safe. One process a directory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_SPOOL_H
#define PACKETD_EXPORT_SPOOL_H

#include "util/buf.h"

#define SPOOL_TAKEN_MAX 64 /* records out at a time */

struct spool;

struct spool_options {
	const char *dir;   /* made when missing, 0700 */
	u64 max_bytes;     /* of all segments; at least 4 segments of 64 KiB */
};

/* A record that is out: settled by spool_settle. One that never is will be found again by the next run. */
struct spool_record {
	u64 segment, offset; /* where it stands */
	u32 len, records;
	u64 born;            /* ns */
	u32 slot;
};

struct spool_counters {
	u64 bytes;     /* of records not settled */
	u64 records;   /* RoundTrips in them, those that are out included */
	u64 recovered; /* found when it was opened */
	u64 dropped;   /* gone with the oldest segments, or unreadable */
	u64 damaged;   /* bytes that were no whole record */
};

/* -EBUSY: another process has it; -EAGAIN: this one. */
int spool_open(const struct spool_options *options, struct spool **ret);
void spool_close(struct spool *s);
/* Negative errno: nothing was added. */
int spool_add(struct spool *s, const void *p, size_t n, u32 records, u64 born);
/* The oldest record that is not out; its contents replace those of `into`. False: there is none, or too many are out. */
bool spool_take(struct spool *s, struct buf *into, struct spool_record *ret);
void spool_settle(struct spool *s, const struct spool_record *r);
/* It stays out, for the next run to find. False when it will not: its segment has been dropped meanwhile. */
bool spool_put_back(struct spool *s, const struct spool_record *r);
void spool_counters(struct spool *s, struct spool_counters *ret);

#endif
