/* Lines from worker threads to a file, a pipe or a terminal. Each worker fills batches of its own (`struct line_feed`);
 * a writer thread writes them, in the order in which they were handed over, whole lines only.
 * Bounded: a worker has BATCHES batches. When none is free, records are dropped and counted (live), or the worker waits
 * (files). Every record offered is delivered, dropped for a reason, or still queued.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_LINES_H
#define PACKETD_EXPORT_LINES_H

#include "export/rotate.h"
#include "util/buf.h"

#define LINES_BATCHES 64            /* batches of one worker */
#define LINES_BATCH_BYTES (64 * KIB) /* a batch this full is handed over at once */
#define LINES_RECORD_MAX (8 * MIB)   /* longest record */
#define LINES_FEEDS_MAX 64

#define LINE_DROPS(X)                                                          \
	X(LINE_DROP_FULL, "queue_full", "the output could not keep up")        \
	X(LINE_DROP_LARGE, "too_large", "longer than a record may be")         \
	X(LINE_DROP_SPACE, "no_space", "no space left on the device")          \
	X(LINE_DROP_ERROR, "write_error", "the output could not be written")   \
	X(LINE_DROP_CLOSED, "closed", "nobody reads the output any more")      \
	X(LINE_DROP_ABANDONED, "abandoned", "given up at the end of the program")

enum line_drop {
#define X(id, name, text) id,
	LINE_DROPS(X)
#undef X
		LINE_DROP_COUNT
};

const char *line_drop_name(enum line_drop d);

/* offered = delivered + dropped[] + queued */
struct line_counters {
	u64 offered, delivered, dropped[LINE_DROP_COUNT], queued;
	u64 bytes; /* delivered */
};

struct line_options {
	int fd;                     /* where lines go without a file; borrowed */
	struct rotate_options file; /* path NULL: none */
	bool wait;                  /* wait for a free batch instead of dropping */
	/* Told once when nobody reads any more (EPIPE, terminal gone), on the writer's thread. */
	void (*closed)(void *arg);
	/* Told once per kind of failure (negative errno), on the writer's thread. */
	void (*failed)(void *arg, int error);
	void *arg;
};

struct lines;
struct line_feed;

/* Opens the file. Negative errno. The writer's thread begins with lines_start. */
int lines_new(const struct line_options *options, struct lines **ret);
int lines_start(struct lines *l);
/* A worker's way in: before lines_start, at most LINES_FEEDS_MAX. NULL without memory. Owned by the lines. */
struct line_feed *lines_feed(struct lines *l);
/* The file was moved away: begin a new one. Async-signal-safe. */
void lines_reopen(struct lines *l);
/* Writes what was handed over and ends the thread; waits at most `wait_ms` (-1: as long as it takes) for a blocked reader.
 * Then, in any case, nothing is queued any more. False when it had to give up. */
bool lines_stop(struct lines *l, int wait_ms);
void lines_free(struct lines *l);
/* The same in steps: true once everything is written and the thread has ended, false when that takes longer than wait_ms. */
bool lines_stop_within(struct lines *l, int wait_ms);
/* Of all feeds and the writer; exact once the workers and the writer have ended. */
void lines_counters(struct lines *l, struct line_counters *ret);

/* Worker's side. */
/* Where to append one record (with its \n); NULL: dropped and counted. Then line_feed_end. */
struct buf *line_feed_begin(struct line_feed *f);
/* The record is complete; one whose buffer has failed is taken back and counted. */
void line_feed_end(struct line_feed *f);
/* Hands over what there is. */
void line_feed_flush(struct line_feed *f);

#endif
