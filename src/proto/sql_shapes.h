/* What has been found out about statements, for the next one that differs only in its literals: an application has few shapes of
 * statements and sends each of them a million times.
 *
 * A skeleton is the text with each string, number and comment replaced by a mark, which costs a tenth of reading it properly. Where
 * the skeleton could be wrong about where one begins or ends (prefixed strings, exponents, executable comments …) there is none, and the text
 * is read as if there were no memory of shapes. What sql_read() finds depends on the skeleton alone as long as nothing is masked;
 * only such findings are kept, from the second time on that a skeleton is seen, in a table of fixed size in which newer ones replace
 * older ones. One thread. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_SQL_SHAPES_H
#define PACKETD_PROTO_SQL_SHAPES_H

#include "proto/sql.h"

#define SQL_SKELETON_MAX 640u
#define SQL_SHAPES 128u     /* shapes known at a time */
#define SQL_WAYS 4u         /* places where one may be */
#define SQL_SHAPE_TEXT 2016u /* bytes of a skeleton and of all that is known about it */
#define SQL_SEEN 2048u      /* skeletons of which it is known that they were seen, about */

struct sql_skeleton {
	u64 key;
	u32 n;
	char text[SQL_SKELETON_MAX];
};

struct sql_shape {
	u64 key;
	u32 parameters;
	u16 skeleton, redacted, fingerprint, operation, table, summary; /* bytes of each in `text`, in this order */
	char text[SQL_SHAPE_TEXT];
};

/* 260 kB, touched as it fills. All zero: nothing is known. */
struct sql_shapes {
	u32 turn;
	u16 seen[SQL_SEEN];
	struct sql_shape shapes[SQL_SHAPES];
};

/* false: this text has none, or a longer one. `variant`: what else the findings depend on. */
bool sql_skeleton_make(struct sql_skeleton *k, enum sql_dialect dialect, struct str text, u64 variant);

/* Fills all of *ret_sql but `statement`, from copies in the arena. */
bool sql_shapes_find(const struct sql_shapes *all, const struct sql_skeleton *k, struct arena *a, struct sql *ret_sql);

/* `found` must not depend on the literals. */
void sql_shapes_keep(struct sql_shapes *all, const struct sql_skeleton *k, const struct sql *found);

#endif
