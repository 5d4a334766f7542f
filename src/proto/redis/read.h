/* The calls between the files that read the two directions: request.c and argument.c the client's, opening.c, reply.c and answer.c
 * the server's, probe.c both without state. They hold no memory of their own. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_REDIS_READ_H
#define PACKETD_PROTO_REDIS_READ_H

#include "proto/redis/redis.h"

/* One call of proto->parse for each side. */
enum parse redis_parse_request(struct parser *ps, struct redis_state *s, struct chunk *c);
enum parse redis_parse_reply(struct parser *ps, struct redis_state *s, struct chunk *c);
/* proto->probe and proto->resync. */
enum probe redis_probe(const u8 *p, size_t n, enum side *side);
long redis_resync(struct parser *ps, const struct chunk *c);

/* What an argument means (also an element of a push). Bytes of the next one, of this size, that are worth having: */
size_t redis_argument_wants(const struct parser *ps, const struct redis_request *q, u64 size);
/* It is here: `have` of its `size` bytes. */
void redis_argument_take(struct parser *ps, struct redis_request *q, const u8 *p, size_t have, u64 size);
/* A line that MONITOR shows, or its beginning. */
void redis_line_take(struct redis_request *q, struct str line);
/* The statement's text moves from where it was written to the message. */
void redis_statement_keep(struct redis_request *q);
/* Decides, once, whether the command is answered, and what it does to the connection. */
void redis_request_decide(struct parser *ps, struct redis_state *s, struct redis_request *q);
/* Database of a request, as text. */
void redis_database_set(struct redis_request *q, u32 index);

/* The verdict for one step through the bytes. */
enum redis_step {
	STEP_ON,   /* go on */
	STEP_DONE, /* a message is complete */
	STEP_MORE, /* the bytes at c->used are incomplete; c->want says how many are needed */
	STEP_SKIP, /* c->want bytes after c->used are to be passed over */
	STEP_BAD,  /* not RESP */
	STEP_LEFT, /* the connection was handed over */
};

/* A message begins: decides what it is and calls parser_begin, or reads it whole. */
enum redis_step redis_opening(struct parser *ps, struct redis_state *s, struct chunk *c);
/* Does a message that was not asked for begin here? Is this the first word of one, an array of so many values? */
bool redis_is_push(const u8 *p, size_t n);
bool redis_word_is_push(struct str word, i64 values);
/* The confirmations being waited for end with the latest one. */
void redis_confirm_close(struct parser *ps, struct redis_state *s);
/* What a complete answer changes for the connection. True when it turns into the stream of a replica. */
bool redis_answer_apply(struct redis_state *s, const struct redis_response *a);
/* Hands the connection over to nobody. */
enum redis_step redis_leave(struct parser *ps);
/* The text of an error, or its beginning. */
void redis_error_take(struct parser *ps, struct redis_response *a, struct str text);
/* A confirmation is complete, asked for or not. */
void redis_subscriptions_count(struct redis_state *s);

/* The bytes of the chunk that are not consumed yet. */
static inline struct rd redis_rest(const struct chunk *c)
{
	return rd_make(c->p + c->used, c->n - c->used);
}

#endif
