/* The prepared statements of a connection, by the id that the server gave them: what later commands are shown with.
 * Owned by the connection's state until mysql_statements_free. At most MYSQL_STATEMENTS_MAX a connection, the one used least
 * recently goes first; and a limit for all of the program. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MYSQL_STATEMENTS_H
#define PACKETD_PROTO_MYSQL_STATEMENTS_H

#include "proto/mysql/mysql.h"

#define MYSQL_STATEMENTS_MAX 1024
#define MYSQL_STATEMENT_BYTES (256 * MIB) /* of all connections together */

struct mysql_statement {
	struct mysql_statement *next; /* in its bucket */
	struct sql sql;               /* texts behind this structure */
	u64 used;                     /* when it was last used, in uses of the connection */
	u32 id;
	u32 params;
	u32 bytes;
	bool doubtful;                /* bytes were lost since: the id may be another statement's by now */
	u64 long_data;                /* parameters, by bit, whose value came before the EXECUTE */
	struct mysql_types types;     /* of the parameters bound last */
};

/* Takes a copy of the texts. What had this id before is forgotten. */
void mysql_statement_add(struct mysql_state *s, u32 id, u32 params, const struct sql *sql);
/* NULL when it is not known. */
struct mysql_statement *mysql_statement_find(struct mysql_state *s, u32 id);
void mysql_statement_remove(struct mysql_state *s, u32 id);
/* Those there are become doubtful. */
void mysql_statements_doubt(struct mysql_state *s);
void mysql_statements_free(struct mysql_state *s);
/* Copies into the arena. */
struct sql mysql_sql_copy(struct arena *a, const struct sql *from);

#endif
