/* RoundTrips as JSON lines: Proto, Request, Response and Duration as the old program names them, then Outcome and what is new.
 * The text of a protocol's objects follows from its field table, which is compiled the first time it is met (under a lock,
 * once a process) and never freed. Functions are thread-safe; each thread keeps the addresses it wrote last as text.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_ROUNDTRIP_JSON_H
#define PACKETD_ROUNDTRIP_JSON_H

#include "roundtrip/roundtrip.h"
#include "util/buf.h"

/* What is done to a row's value. */
enum json_action {
	JSON_KEEP,
	JSON_DROP, /* left out */
	JSON_MASK, /* "***" */
	JSON_HASH, /* 16 hex digits of a keyed hash */
};

/* Changes to what a line says; by row of the protocol's table. */
struct json_edits {
	const u8 *actions;          /* enum json_action; NULL: none */
	const char *const *renamed; /* names instead of a row's own, in the same object; NULL: none */
	const char *const *distinct; /* the same, for rows that are not in `renamed`; NULL: none */
	u64 key[2];                 /* of JSON_HASH */
	/* What is written of a statement, or of a text that quotes one; NULL: all, and lists of literals (FIELD_LITERALS), which are left out
	 * otherwise. Its result lives in `scratch`. */
	struct str (*statement)(struct buf *scratch, const struct proto *p, const struct field *f, struct str text);
	struct buf *scratch;        /* the caller's; its contents are lost */
};

struct json_options {
	/* The name of an interface for Capture.Interface; NULL, or returning NULL: left out. Valid until the next call. */
	const char *(*interface)(void *arg, u16 ifindex);
	void *arg;
	const struct json_edits *edits; /* NULL: the line says everything */
};

/* Compiles this protocol's table now, so that the first RoundTrip does not. False without memory, or when the table is
 * wrong: an object nested deeper than 7, a row that needs what it does not have. */
bool roundtrip_json_prepare(const struct proto *p);

/* "vxlan"; "" without one. */
const char *tunnel_name(enum tunnel t);

/* Appends one line with its \n: always one valid JSON object. `o` may be NULL. When it does not fit, the buffer is marked
 * failed and keeps its old contents. */
void roundtrip_json(struct buf *out, const struct roundtrip *rt, const struct json_options *o);

#endif
