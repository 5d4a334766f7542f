/* Reads the body of a message field by field, as its layout says, from bytes that come in pieces: a few bytes at a time, and what
 * means nothing to us is passed over without being seen. What does mean something is told to notice.c.
 * A walk belongs to the arena of its message and is over with its last byte. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_KAFKA_WALK_H
#define PACKETD_PROTO_KAFKA_WALK_H

#include "proto/kafka/layout.h"
#include "proto/trace_context.h"
#include "util/rd.h"

#define KAFKA_TEXT_KEPT 256 /* bytes of a string that are looked at; topic names have at most 249 */

/* An array, a list or a structure that has been entered. */
struct kafka_level {
	u16 first;   /* its elements' first row */
	u32 left;    /* elements to come, this one included */
	i16 error;   /* of this element */
	bool list;
	bool topic, partition, id; /* known from this element */
};

/* Where in a set of record batches, or in a batch's first record, the bytes to come are. */
enum kafka_batch_phase { BATCH_HEAD, RECORD_HEAD, RECORD_VALUE, RECORD_HEADERS, RECORD_HEADER_KEY, RECORD_HEADER_VALUE, RECORD_PASSED };

struct kafka_batch {
	u64 set_left; /* bytes of the set */
	u64 left;     /* bytes of the batch */
	u32 headers;  /* of the first record, to come */
	u8 phase;     /* enum kafka_batch_phase */
	u8 header;    /* enum kafka_header of the key just read */
	bool looked;  /* a first record has been read */
	struct trace_headers trace;
};

enum kafka_phase { WALK_ROW, WALK_TAGS, WALK_TAG, WALK_BATCH, WALK_DONE };

struct kafka_walk {
	const struct kafka_row *rows;
	struct message *m; /* whom it is told to; NULL: nobody */
	u64 skip;          /* bytes to pass over next */
	u32 tags;          /* tagged fields to come */
	u16 at;            /* row */
	i16 version;
	u8 phase;          /* enum kafka_phase */
	u8 depth;          /* of the innermost level */
	bool flexible;
	bool header;       /* the tagged fields are those of the message's header */
	u8 resource_type;
	struct kafka_level levels[KAFKA_LEVELS];
	struct kafka_batch batch;
	/* What the fields that are being read are about: */
	i32 partition;
	u16 topic_n;
	u8 id[16];
	char topic[KAFKA_TEXT_KEPT];
};

enum kafka_walked {
	WALKED_ALL,   /* the body is read */
	WALKED_SHORT, /* more bytes are needed; those of walk.skip need not be shown */
	WALKED_BAD,   /* this is not what the layout says */
};

/* `tagged_header`: the body begins with the tagged fields of the header. */
void kafka_walk_start(struct kafka_walk *w, const struct kafka_row *rows, i16 version, bool flexible, bool tagged_header);
/* Goes on with n bytes at p; `left` are to come in the message, these included. *ret_used: how many are done with. */
enum kafka_walked kafka_walk(struct kafka_walk *w, const u8 *p, size_t n, u64 left, size_t *ret_used);

/* The rest cannot be read: what is known of the elements that have been entered is told. */
void kafka_walk_abandon(struct kafka_walk *w);

/* records.c: one step in a set of record batches. False: not one. r->bad: more bytes are needed. */
bool kafka_batch_step(struct kafka_walk *w, struct rd *r);

/* notice.c: a value, a text (its first bytes), an element's end. */
void kafka_notice(struct kafka_walk *w, u8 meaning, i64 value);
void kafka_notice_text(struct kafka_walk *w, u8 meaning, struct str text);
void kafka_notice_id(struct kafka_walk *w, const u8 id[16]);
void kafka_notice_many(struct kafka_walk *w, u8 meaning, u32 n);
void kafka_notice_end(struct kafka_walk *w, struct kafka_level *level);
void kafka_notice_set(struct kafka_walk *w, u64 bytes);
/* A whole batch (magic 0 and 1: message): its records and the bits of its attributes. */
void kafka_notice_batch(struct kafka_walk *w, u32 records, u16 attributes);
void kafka_notice_trace(struct kafka_walk *w);

/* An unsigned varint of at most 5 bytes; longer ones are no such thing (*ret_bad). */
u32 kafka_uvarint(struct rd *r, bool *ret_bad);

#endif
