/* What a connection's prepared statements and portals are called, and the text behind each name.
 * A table owns its names and holds a reference to each text; texts are shared between statements and portals. Both have stated
 * maxima: past them the name that was used least lately is forgotten. One thread at a time. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_POSTGRESQL_NAMES_H
#define PACKETD_PROTO_POSTGRESQL_NAMES_H

#include "proto/sql.h"

#define PG_STATEMENTS_MAX 512          /* names of prepared statements a connection */
#define PG_PORTALS_MAX 64              /* names of portals */
#define PG_TEXTS_MAX (512 * KIB)       /* bytes of their texts in one table */

/* A statement as it is shown, and what was found in it; types and then texts lie behind it, in one block. */
struct pg_text {
	u32 refs;
	u32 room;  /* bytes behind it */
	u32 bytes; /* of the texts */
	u32 serial; /* of the connection's texts; 0 unknown */
	u16 types_max, types_n;
	struct sql sql;
	u32 types[]; /* OIDs of its parameters, as far as they are known: 0 is unknown */
};

/* A copy of what was read, with one reference and room for so many types; NULL without memory. `*spare` is a block that nobody refers to any more, or NULL: it
 * is kept for the next text, so that statements of one length cost no allocation. */
struct pg_text *pg_text_new(struct pg_text **spare, const struct sql *sql, u16 types_max);
/* A copy for a message; empty when its arena is full. */
void pg_text_copy(struct arena *a, const struct pg_text *t, struct sql *ret_sql);
struct pg_text *pg_text_ref(struct pg_text *t);
/* Gives a reference back; NULL is allowed. */
void pg_text_unref(struct pg_text **spare, struct pg_text *t);

struct pg_name {
	u64 hash;
	struct pg_text *now;
	struct pg_text *before; /* what it stood for until a Parse that is not confirmed yet */
	u32 used;     /* when it was used last */
	u32 serial;   /* of that Parse; 0 when it is confirmed */
	bool doubtful; /* bytes were lost since: it may stand for something else by now */
};

struct pg_names {
	struct pg_name *v;
	struct pg_text **spare; /* of the connection */
	u32 n, cap, max;
	u32 clock, serial;
	u32 unconfirmed;
	size_t bytes; /* of the texts */
};

/* Frees the contents. */
void pg_names_done(struct pg_names *t);
/* NULL when it is not known. Valid until the table changes. */
struct pg_name *pg_names_find(struct pg_names *t, struct str name);
/* From now on `name` stands for `text`, of which the table takes a reference. Returns the serial with which to confirm or refuse. */
u32 pg_names_put(struct pg_names *t, struct str name, struct pg_text *text, bool confirmed);
void pg_names_confirm(struct pg_names *t, u32 serial);
/* The server has not accepted it: the name stands for what it stood for before. */
void pg_names_refuse(struct pg_names *t, u32 serial);
void pg_names_drop(struct pg_names *t, struct str name);
/* All that the server has accepted are gone; those asked for since stay. */
void pg_names_drop_all(struct pg_names *t);
/* Bytes of the client were lost: named ones become doubtful, the unnamed one is forgotten. */
void pg_names_doubt(struct pg_names *t);
/* Bytes of the server were lost: those that it may have refused become doubtful. */
void pg_names_doubt_unconfirmed(struct pg_names *t);

#endif
