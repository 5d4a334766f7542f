/* The calls between the files that read messages: message.c (headers, compression, what a message is), sections.c (what is between
 * the documents), walk.c (within them), command.c and reply.c (what their elements mean), statement.c (a command as text).
 * They hold no memory of their own. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MONGODB_READ_H
#define PACKETD_PROTO_MONGODB_READ_H

#include "proto/mongodb/mongodb.h"
#include "proto/mongodb/names.h"
#include "util/rd.h"

#define MONGO_HEADER 16u
#define MONGO_KEPT 512u /* bytes of a text that is kept */

enum mongo_step {
	STEP_ON,   /* go on */
	STEP_DONE, /* the body is complete */
	STEP_MORE, /* `want` bytes are needed from `used` on */
	STEP_SKIP, /* `want` bytes after `used`, which is all there is, are to be passed over */
	STEP_BAD,  /* makes no sense */
};

/* Bytes of a message's body, wherever they come from, and the message. */
struct reading {
	struct parser *ps;
	struct mongo_message *h;
	const u8 *p;
	size_t n, used;
	u64 want;
	char *scratch; /* 2 * EJSON_MAX bytes in which texts are written as long as their message is within the chunk */
};

struct mongo_element {
	struct str key;
	const u8 *p;  /* of its value */
	size_t have;  /* bytes of it that are at hand; all of them unless it is a text, binary data or a container */
	u32 size;
	u8 type;
	bool hidden;   /* out: not for the statement */
	bool masked;   /* out: its value is a secret */
	bool name;     /* out: its value is part of the fingerprint */
	bool list;     /* out: of its elements the first stands for all in the fingerprint */
};

static inline struct mongo_request *mongo_request_of(struct mongo_message *h)
{
	return h->m.side == SIDE_REQUEST ? (struct mongo_request *)(void *)h : NULL;
}

static inline struct mongo_response *mongo_response_of(struct mongo_message *h)
{
	return h->m.side == SIDE_RESPONSE ? (struct mongo_response *)(void *)h : NULL;
}

/* message.c */
struct mongo_header {
	u32 length, id, to, op;
};
struct mongo_header mongo_header_read(const u8 *p);
/* Can a message have this header? */
bool mongo_header_fits(const struct mongo_header *h);
bool mongo_op_is_request(u32 op);
bool mongo_op_is_reply(u32 op);
enum parse mongo_parse(struct parser *ps, struct chunk *c);
void mongo_gap(struct parser *ps);
void mongo_fin(struct parser *ps);
void mongo_done(void *state);

/* probe.c */
enum probe mongo_probe(const u8 *p, size_t n, enum side *side);
long mongo_resync(struct parser *ps, const struct chunk *c);

/* sections.c: the next step through the body. */
enum mongo_step mongo_body_step(struct reading *w);
/* Passes n bytes, of which some may not be at hand. */
enum mongo_step mongo_pass(struct reading *w, u32 n);

/* walk.c */
/* A document begins, its length being the next four bytes; it must end before `limit`. */
enum mongo_step mongo_document_step(struct reading *w, u8 place, u8 flags, u32 limit);
/* The next step within a document. */
enum mongo_step mongo_walk_step(struct reading *w);

/* command.c and reply.c: an element of a document at this place. Returns what is worth to be looked into of it, or AT_NOWHERE. */
u8 mongo_command_element(struct reading *w, struct mongo_level *level, struct mongo_element *e);
u8 mongo_reply_element(struct reading *w, struct mongo_level *level, struct mongo_element *e);
/* A document of an array of this place begins. */
static inline bool mongo_is_counted(u8 place)
{
	return place == AT_LIST || place == AT_BATCH;
}
/* The command of this name begins. */
void mongo_command_named(struct mongo_request *q, struct str name);
/* What it is done to: "database.collection". */
void mongo_namespace_set(struct mongo_request *q, struct str full);
/* All of it has been read. */
void mongo_command_end(struct parser *ps, struct mongo_request *q);
void mongo_reply_end(struct mongo_response *a);

/* statement.c */
/* The texts of a request that begins. */
void mongo_statement_start(struct reading *w, struct mongo_request *q);
/* Moves the texts to the message's own memory. */
void mongo_statement_keep(struct mongo_request *q, bool final);
/* {"find":"items": the beginning of the text of a legacy operation. */
void mongo_statement_legacy(struct mongo_request *q, struct str command, struct str collection);
/* The name of what follows in a legacy operation, or in a sequence. */
void mongo_statement_part(struct mongo_request *q, struct str name, bool array);
void mongo_statement_part_end(struct mongo_request *q);
void mongo_statement_number(struct mongo_request *q, struct str name, i64 v);
/* Is anything more to be added? */
static inline bool mongo_statement_open(const struct mongo_request *q)
{
	return !q->text.full || !q->shape_text.full;
}
/* An element of a level that is shown. `open`: it is a container that will be looked into; it gets the flags of its level. */
u8 mongo_statement_element(struct mongo_request *q, struct mongo_level *level, const struct mongo_element *e, bool open);
void mongo_statement_close(struct mongo_request *q, const struct mongo_level *level);
/* A document that is an item of a list of its own (a sequence, legacy documents) begins. */
u8 mongo_statement_item(struct mongo_request *q, u32 index);

#endif
