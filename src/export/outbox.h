/* Delivery to a back end, shared by all exporters that send: workers (or a ticker) fill batches, sender threads deliver them
 * one after the other, and again when it did not work. With a spool every batch is on disk before it is sent, so that an outage
 * and the end of the program, kill -9 included, lose nothing that has been handed over; without one, what is waiting is bounded by
 * config_delivery.queue_bytes. A worker never waits for a back end: live, what does not fit is dropped and counted; from a capture
 * file the worker waits until there is room. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_OUTBOX_H
#define PACKETD_EXPORT_OUTBOX_H

#include <stdatomic.h>

#include "export/exporter.h"

#define OUTBOX_SENDERS_MAX 16
#define OUTBOX_RECORD_MAX (8 * MIB) /* longest record */

struct outbox;
struct outbox_feed;

struct outbox_batch {
	struct buf body;
	u32 records;
	u64 born;   /* ns, wall clock: when it was handed over */
	u64 first;  /* ns: worker's clock when its first record was seen */
	struct outbox_batch *next;
};

enum outbox_verdict {
	OUTBOX_SENT,    /* the rest is with the back end */
	OUTBOX_RETRY,   /* try the rest again */
	OUTBOX_REFUSED, /* the back end does not want the rest */
	OUTBOX_LARGE,   /* it is too much for the back end */
	OUTBOX_BROKEN,  /* the rest cannot be encoded */
	OUTBOX_CANCELLED, /* given up because outbox_cancel said so */
};

/* What came of sending a batch. delivered and refused: records of it that are settled already; the verdict is about the rest,
 * and when it is OUTBOX_RETRY the batch has been changed to hold the rest alone. */
struct outbox_result {
	u8 verdict;
	u32 delivered, refused;
	u64 bytes;       /* sent */
	u64 retry_after; /* ns; 0: as the back-off says */
	char text[200];  /* why not */
};

struct outbox_options {
	const char *name;                   /* for messages and the spool's directory */
	const struct exporter_env *env;
	const struct config_delivery *d;    /* batch, interval, queue_bytes, spool_*, retry_max */
	u32 batch_records;                  /* when d->batch is 0 */
	size_t batch_bytes;                 /* a batch this full is handed over at once; 0: 1 MiB */
	u32 senders;                        /* 0: 1, which keeps the order */
	u32 shard;                          /* this outbox is one of several of this name */
	/* Of a sender thread: something of its own for `send`. May be NULL. */
	void *(*client_new)(void *arg);
	void (*client_free)(void *client);
	void (*send)(void *arg, void *client, struct outbox_batch *b, struct outbox_result *ret);
	void *arg;
};

/* Opens the spool. Negative errno with a sentence. */
int outbox_new(const struct outbox_options *options, struct outbox **ret, struct buf *error);
int outbox_start(struct outbox *o);
/* Becomes true when requests in progress are to be given up. Lives as long as the outbox. */
const _Atomic bool *outbox_cancel(const struct outbox *o);
/* Delivers for at most wait_ms (-1: as long as it takes); then the rest goes to the spool, or is counted as abandoned. Afterwards the
 * counters are exact. */
void outbox_stop(struct outbox *o, int wait_ms);
void outbox_free(struct outbox *o);
/* Adds to *ret. */
void outbox_counters(struct outbox *o, struct export_counters *ret);
/* A sentence for the log: failures of one kind at most once a minute. Any thread. */
void outbox_say(struct outbox *o, enum config_log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ns, monotonic. */
u64 outbox_clock(void);

/* A way in; before outbox_start. One thread each. NULL without memory. */
struct outbox_feed *outbox_feed(struct outbox *o);
/* Where to append something that counts as this many records; NULL: dropped and counted. Then outbox_end or outbox_undo. */
struct buf *outbox_begin(struct outbox_feed *f, u32 records);
/* It is complete; when its buffer has failed it is taken back and counted. */
void outbox_end(struct outbox_feed *f);
/* Takes back what was appended since outbox_begin: it was nothing after all. */
void outbox_undo(struct outbox_feed *f);
/* Time passes: hands over a batch older than the interval, or whatever there is. */
void outbox_flush(struct outbox_feed *f, u64 now, bool all);

#endif
