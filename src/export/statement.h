/* Statements, and texts that quote them, as they may leave the host: the one place through which exporters pass them. Texts a protocol has
 * already made fit (rows that are not FIELD_SENSITIVE) do not come here. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_STATEMENT_H
#define PACKETD_EXPORT_STATEMENT_H

#include "proto/proto.h"

/* The statement with each literal replaced by ?: of SQL and JSON its quoted texts and numbers, of Redis all arguments. Appended to
 * `scratch`, in which the result lives; "?" when it does not fit. */
struct str statement_safe(struct buf *scratch, const struct proto *p, struct str statement);
/* The message of an error with ? in place of all from its first quotation to the end of its last: what is quoted may hold quotation marks
 * of its own. Appended to `scratch`, too. */
struct str message_safe(struct buf *scratch, struct str message);
/* One or the other, as the row's flags say. */
struct str text_safe(struct buf *scratch, const struct proto *p, const struct field *f, struct str text);

#endif
