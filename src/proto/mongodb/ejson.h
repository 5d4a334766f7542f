/* A command as text: relaxed Extended JSON, cut at a limit, and beside it the same with its values replaced by "?".
 * Borrows its memory. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MONGODB_EJSON_H
#define PACKETD_PROTO_MONGODB_EJSON_H

#include "util/base.h"

#define EJSON_MAX 4096u        /* bytes of the longest text */
#define EJSON_BINARY_SHOWN 32u /* bytes of binary data that are shown */

struct ejson {
	char *p;
	u32 n, cap;
	bool full; /* something did not fit: nothing more is added */
};

static inline u32 ejson_room(const struct ejson *t)
{
	return t->full ? 0 : t->cap - t->n;
}

/* Adds these bytes as they are, all or nothing. */
void ejson_add(struct ejson *t, const void *p, size_t n);
static inline void ejson_adds(struct ejson *t, struct str s)
{
	ejson_add(t, s.p, s.n);
}
/* Adds a JSON string with its quotes; what does not fit is cut off. `whole` is false when p is only its beginning. */
void ejson_add_string(struct ejson *t, const u8 *p, size_t n, bool whole);
void ejson_add_int(struct ejson *t, i64 v);
/* Adds a BSON value that is no document or array, of which the first `have` of `size` bytes are at hand. */
void ejson_add_value(struct ejson *t, u8 type, const u8 *p, size_t have, size_t size);
/* Length of a prefix of at most `limit` bytes that does not end within a UTF-8 sequence. */
size_t ejson_cut(const char *p, size_t n, size_t limit);

#endif
