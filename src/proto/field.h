/* The typed field table: one row per thing a protocol's messages can say. It drives JSON, labels, attributes, web
 * columns, --filter, redaction and docs/PROTOCOLS.md. Tables are constant. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_FIELD_H
#define PACKETD_PROTO_FIELD_H

#include "proto/message.h"
#include "util/buf.h"

enum field_type {
	FIELD_STR,      /* struct str at offset */
	FIELD_TEXT,     /* const char * at offset (static text), NULL is empty */
	FIELD_CONST,    /* the text in `constant` */
	FIELD_BOOL,     /* bool */
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_U64,
	FIELD_I32,
	FIELD_I64,
	FIELD_DOUBLE,
	FIELD_TIME,     /* u64 ns since the epoch, as RFC 3339 */
	FIELD_DURATION, /* u64 ns, as Go prints durations */
	FIELD_HOST,     /* address of the message's sender; no offset */
	FIELD_PORT,     /* port of the message's sender; no offset */
	FIELD_PAIRS,    /* struct pairs: object of canonical name -> array of values, sorted by name */
	FIELD_STRS,     /* struct strs: array of strings */
	FIELD_OBJECT,   /* declares that the object of this path is printed as null when all its fields are left out */
	FIELD_CUSTOM,   /* `write` prints any JSON value */
};

enum field_flag {
	FIELD_OMIT_EMPTY = 1, /* left out when zero, false or empty */
	FIELD_SENSITIVE = 2,  /* may carry personal data or secrets: not exported beyond the host unless asked for */
	FIELD_USUAL_LABEL = 4, /* a metric label when nobody has chosen labels: takes few values */
	FIELD_LITERALS = 8, /* FIELD_STRS of literals of a statement: leave the host only where statements keep theirs */
	FIELD_STATEMENT = 16, /* of a sensitive text: a statement, which leaves the host with its literals replaced */
	FIELD_QUOTES = 32,    /* of a sensitive text: it quotes from what was sent, and leaves the host without that */
};

struct pair {
	struct str name, value;
};

struct pairs {
	struct pair *v; /* in the order of the wire */
	u32 n;
};

struct strs {
	struct str *v;
	u32 n;
};

/* The item of a list that stands for nothing: null in JSON, "NULL" elsewhere. It is known by its address. */
extern const char strs_null[5];
#define STRS_NULL str_make(strs_null, sizeof(strs_null) - 1)

struct field {
	const char *json;  /* name in the output; dots nest ("Packet.Rows"); NULL: not in the JSON */
	const char *name;  /* name in --filter after the protocol, "status" in http.status; NULL: json's, in snake case */
	u8 type;           /* enum field_type */
	u8 side;           /* enum side */
	u8 flags;          /* enum field_flag */
	u8 shapes;         /* bit mask over message.shape; 0: all shapes have it */
	u16 offset;        /* in the protocol's request or response structure */
	const char *selector; /* requireLabels name, "request.method"; NULL: cannot be a label */
	const char *label;    /* metric label for it */
	const char *otel;     /* span attribute; NULL: none */
	const char *constant; /* FIELD_CONST */
	/* FIELD_CUSTOM: prints a JSON value; false when the field is to be left out (and nothing was printed). */
	bool (*write)(struct buf *out, const struct message *m);
	const char *meaning;  /* one line for docs/PROTOCOLS.md */
};

#define FIELD_AT(type_, member) .offset = offsetof(type_, member)

/* Rows every message has; protocols place them where their output wants them. */
#define FIELD_ROW_HOST(side_) { .json = "Host", .type = FIELD_HOST, .side = side_, .meaning = "address of the sender" }
#define FIELD_ROW_PORT(side_) { .json = "Port", .type = FIELD_PORT, .side = side_, .meaning = "port of the sender" }
#define FIELD_ROW_PROTO(side_, text) { .json = "Proto", .type = FIELD_CONST, .side = side_, .constant = text, .meaning = "display name of the protocol" }
#define FIELD_ROW_SIZE(side_, text) { .json = "Size", .type = FIELD_U64, .side = side_, FIELD_AT(struct message, size), .meaning = text }
#define FIELD_ROW_TIME(side_) { .json = "Time", .type = FIELD_TIME, .side = side_, FIELD_AT(struct message, time), .meaning = "capture time" }

#endif
