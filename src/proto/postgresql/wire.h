/* The grammar of the frontend/backend protocol, version 3: messages are a type byte, a length that includes itself, and a body.
 * Pure functions of the bytes; nothing is owned. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_POSTGRESQL_WIRE_H
#define PACKETD_PROTO_POSTGRESQL_WIRE_H

#include "proto/message.h"
#include "util/rd.h"

#define PG_HEAD 5                   /* type and length */
#define PG_SHORT_MAX 30000          /* bytes of messages that carry no data of users; servers and libpq stop there, too */
#define PG_LONG_MAX (1u << 30)      /* of all others */
#define PG_WALK_MAX (1u << 26)      /* what is longer is not believed to be a message where that is not known already */
#define PG_NAME_LOOKED 256          /* bytes looked at of a statement's or portal's name; servers keep 63 */
#define PG_ERROR_LOOKED 4096        /* of an error's fields */
#define PG_NOTICE_LOOKED 256        /* of a notice's: severity, code, message */
#define PG_TLS_HANDSHAKE 0x16      /* first byte of a TLS record, */
#define PG_TLS_ALERT 0x15          /* and of one that refuses */
#define PG_ALPN "postgresql"          /* of connections that are encrypted from the first byte on */
#define PG_STARTUP_MAX 10000        /* bytes of a message without a type */

/* Codes of messages without a type. */
#define PG_CODE_3_0 0x00030000u
#define PG_CODE_CANCEL 80877102u
#define PG_CODE_SSL 80877103u
#define PG_CODE_GSSENC 80877104u

enum pg_result { PG_OK, PG_MORE, PG_BAD };

/* The head of a message. */
struct pg_head {
	u8 type;
	u32 body; /* bytes after it */
};

/* Reads a head; `side` says whose messages these are. PG_BAD: no such type, or it cannot have this length. */
enum pg_result pg_head_read(struct rd *r, enum side side, struct pg_head *head);

/* The bytes up to a NUL, consumed with it; the rest, and bad, when there is none. */
struct str pg_cstr(struct rd *r);

/* What the first bytes of a stream look like. */
enum pg_walk {
	PG_WALK_BAD,
	PG_WALK_WHOLE, /* messages to the last byte */
	PG_WALK_SHORT, /* the last one is cut within its head */
	PG_WALK_CUT,   /* or within its body, as far as there is one it is right */
};

struct pg_seen {
	u32 whole;    /* complete messages */
	u32 telling;  /* of them those whose body could be checked */
	u8 first, last; /* types; of the last complete one */
	u8 cut;       /* type of the one that is cut */
	u32 cut_have; /* bytes there of its body */
};

/* Walks over messages, and looks into them as deep as their kind allows. */
enum pg_walk pg_walk(const u8 *p, size_t n, enum side side, struct pg_seen *seen);

/* A message without a type, from its length on: PG_OK when it is one, whole; `*code` is set as soon as it is there. */
enum pg_result pg_untyped_check(const u8 *p, size_t n, u32 *code, u32 *size);

#endif
