/* The calls between the files that read the two directions: startup.c and client.c the client's, server.c and result.c the
 * server's, probe.c both without state. They hold no memory of their own. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_POSTGRESQL_READ_H
#define PACKETD_PROTO_POSTGRESQL_READ_H

#include "proto/postgresql/postgresql.h"
#include "proto/values.h"

/* The verdict for one step through the bytes. */
enum pg_step {
	PG_STEP_ON,   /* go on */
	PG_STEP_MORE, /* the bytes at c->used are incomplete; c->want says how many are needed */
	PG_STEP_SKIP, /* c->want bytes after c->used are to be passed over */
	PG_STEP_BAD,  /* not this protocol */
	PG_STEP_LEFT, /* the connection was handed over */
};

/* A message at hand: as many bytes of its body as were asked for. */
struct pg_message {
	u8 type;
	u32 body;      /* its size */
	u32 looked;    /* and how much of it is at hand */
	struct rd have;
};

/* One call of proto->parse for each side. */
enum parse pg_parse_client(struct parser *ps, struct pg_state *s, struct chunk *c);
enum parse pg_parse_server(struct parser *ps, struct pg_state *s, struct chunk *c);
/* proto->probe and proto->resync. */
enum probe pg_probe(const u8 *p, size_t n, enum side *side);
long pg_resync(struct parser *ps, const struct chunk *c);
/* Do TLS's first bytes of a client stand here? */
bool pg_is_hello(const u8 *p, size_t n);

/* Reads the head at c->used and makes sure of `look` bytes of the body, which differs by type. */
enum pg_step pg_message_read(struct chunk *c, enum side side, u32 (*look)(const struct parser *ps, u8 type), const struct parser *ps, struct pg_message *m);
/* Consumes the message: PG_STEP_ON, or PG_STEP_SKIP when not all of it is here. */
enum pg_step pg_message_pass(struct chunk *c, const struct pg_message *m);

/* A message without a type, at the beginning of a connection. */
enum pg_step pg_startup_step(struct parser *ps, struct pg_state *s, struct chunk *c);
/* The same for a client that begins with TLS and does not ask before. */
enum pg_step pg_hello_step(struct parser *ps, struct pg_state *s, struct chunk *c);
/* Who is connected, as far as it is known, for a request that begins. */
void pg_who_set(const struct parser *ps, struct pg_state *s, struct pg_request *q);

/* A request of the client begins at this message: it waits for its answer from now on. */
struct pg_request *pg_request_begin(struct parser *ps, struct pg_state *s, enum pg_kind kind);
void pg_request_is(struct pg_request *q, enum pg_kind kind);
/* The client's request in progress has ended before this message. */
void pg_request_end(struct parser *ps, struct pg_state *s);

/* What it was going to be cannot be known any more: bytes were lost before its Execute, if there was one. */
void pg_request_lose(struct parser *ps, struct pg_state *s);

/* The server's answer in progress, if complete and nothing more belongs to it, is over. */
void pg_answer_settle(struct parser *ps, struct pg_state *s);
/* It is over, whatever it lacks. */
void pg_answer_end(struct parser *ps, struct pg_state *s);

/* OIDs of a statement's parameters: a number of them, then each. */
void pg_types_take(struct pg_text *text, struct rd r);
/* What a Bind gives its parameters; the cursor is behind the names. `lost`: types that are not known may have been told. */
void pg_values_take(struct pg_request *q, bool lost, const struct pg_text *text, const struct pg_message *m);

/* The fields of an error; the tag of a command. */
void pg_error_take(const struct parser *ps, struct pg_response *a, struct rd fields);
void pg_tag_take(const struct parser *ps, struct pg_response *a, struct str tag);
/* Is it the notice with which a server takes leave because another of its processes has crashed? No error follows. */
bool pg_is_crash(struct rd fields);
/* A statement ended without a tag. */
void pg_rows_take(struct pg_response *a);

static inline struct pg_request *pg_request_of(const struct pg_response *a)
{
	return (struct pg_request *)a->m.answer;
}

/* A name as it is shown, kept with the message. */
static inline struct str pg_name_keep(struct message *m, struct str name)
{
	return arena_str(&m->arena, name.p, MIN(name.n, (u32)PG_NAME_SHOWN));
}

#endif
