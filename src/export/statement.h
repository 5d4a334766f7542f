/* Statements as they may leave the host: the one place through which exporters pass them. Texts a protocol has already made fit
 * (rows that are not FIELD_SENSITIVE) do not come here. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_STATEMENT_H
#define PACKETD_EXPORT_STATEMENT_H

#include "proto/proto.h"

#define STATEMENT_ATTRIBUTE "db.query.text" /* the attribute of rows that hold one */

static inline bool field_is_statement(const struct field *f)
{
	return (f->flags & FIELD_SENSITIVE) && f->otel && strcmp(f->otel, STATEMENT_ATTRIBUTE) == 0;
}

/* The statement with each literal replaced by ?: of SQL and JSON its quoted texts and numbers, of Redis all arguments. Appended to
 * `scratch`, in which the result lives; "?" when it does not fit. */
struct str statement_safe(struct buf *scratch, const struct proto *p, struct str statement);

#endif
