/* SQL text as it is shown and as it may leave the host; for every protocol that carries SQL, told which dialect it is.
 *
 * One pass over the words of a statement, which need not be complete, be one statement, or be SQL at all, gives
 *   statement    the text as sent, cut, with passwords and the like masked ('***')
 *   redacted     the same without comments, each literal replaced by ?; empty when nobody wants it (proto_options.no_redacted)
 *   fingerprint  what statements that differ only in literals, case, white space and comments have in common: literals and
 *                parameters are ?, unquoted words in lower case, and of the items of IN (…), ARRAY[…] and VALUES, those equal
 *                to the one before are left out, so that one row and a thousand look the same
 *   operation, table, summary   "SELECT", "shop.items", "SELECT shop.items": the first table named
 * Nothing is allocated but in the caller's arena; the text is looked at up to sql_look() bytes. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_SQL_H
#define PACKETD_PROTO_SQL_H

#include "proto/parser.h"

#define SQL_LOOK_MIN 4096u  /* bytes of a statement that are looked at in any case */
#define SQL_LOOK_MAX 32768u /* and at the most, however long it is to be shown */
#define SQL_MASK "'***'"

enum sql_dialect { SQL_MYSQL, SQL_POSTGRESQL };

struct sql {
	struct str statement;
	struct str redacted;
	struct str fingerprint;
	struct str operation; /* first word in upper case, behind WITH that of the main statement; empty when there is none */
	struct str table;     /* without quotes; empty when there is none */
	struct str summary;
	bool masked;          /* something in `statement` is hidden: texts that quote it should be, too */
	bool secret_values;   /* so are the values of its parameters, one of which may be a secret */
	u32 parameters;       /* ? and $1 in it; UINT32_MAX when it was not read to its end */
};

/* So many bytes at the beginning of a statement are worth waiting for. */
static inline u32 sql_look(const struct proto_options *opt)
{
	return MIN(MAX(opt->statement_length, SQL_LOOK_MIN), SQL_LOOK_MAX);
}

struct sql_shapes; /* proto/sql_shapes.h: what the connections of a worker have in common */

/* Fills *ret_sql; its texts live in the arena (empty without memory there). `whole`: the text ends where the statement does.
 * `shapes` (or NULL) makes it cheap for a statement like one seen before; it changes nothing of what is found. */
void sql_read(struct arena *a, const struct proto_options *opt, enum sql_dialect dialect, struct sql_shapes *shapes, struct str text, bool whole, struct sql *ret_sql);

/* The message of an error about a statement: when that is `masked`, what the message quotes of it is masked, too. */
struct str sql_error_text(struct arena *a, struct str message, bool masked);

/* Length of a prefix of at most `limit` bytes that does not end within a UTF-8 sequence. */
size_t sql_cut(struct str text, size_t limit);

#endif
