/* Writing a command as a line of text: arguments separated by blanks, quoted and escaped only where they need it, cut at
 * a limit between characters. Borrows its memory. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_REDIS_TEXT_H
#define PACKETD_PROTO_REDIS_TEXT_H

#include "util/base.h"

#define TEXT_MAX 4096 /* bytes of the longest text */

struct text {
	char *p;
	u32 n, cap;
	bool full; /* something did not fit: nothing more is added */
};

/* Bytes that still fit. */
static inline u32 text_room(const struct text *t)
{
	return t->full ? 0 : t->cap - t->n;
}

/* Adds these bytes as they are, all or nothing. */
void text_add(struct text *t, const void *p, size_t n);
/* Adds an argument, after a blank unless it is the first. `whole` is false when p is only its beginning. */
void text_add_argument(struct text *t, const u8 *p, size_t n, bool whole);
/* Length of a prefix of at most `limit` bytes that does not end within a UTF-8 sequence. */
size_t text_cut(const u8 *p, size_t n, size_t limit);

#endif
