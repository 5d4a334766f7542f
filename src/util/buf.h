/* A growing byte buffer with a stated maximum. Zeroed memory plus a `max` is the empty buffer.
 * Owns `data`; buf_done frees it. One thread at a time. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_BUF_H
#define PACKETD_UTIL_BUF_H

#include <stdarg.h>

#include "util/base.h"

struct buf {
	char *data; /* not terminated */
	size_t len, cap;
	size_t max;  /* bytes; 0 means 64 MiB */
	bool failed; /* something did not fit: the contents are not to be used */
};

void buf_done(struct buf *b);
/* Slow path of buf_room: makes room for n more bytes; false (and failed) at the maximum. */
bool buf_grow(struct buf *b, size_t n);

/* Where n more bytes can be written (then add what was written to len), or NULL at the maximum. */
static inline char *buf_room(struct buf *b, size_t n)
{
	if (unlikely(b->cap - b->len < n) && !buf_grow(b, n))
		return NULL;
	return b->data + b->len;
}

static inline void buf_add(struct buf *b, const void *p, size_t n)
{
	char *to = n ? buf_room(b, n) : NULL;
	if (likely(to != NULL)) {
		memcpy(to, p, n);
		b->len += n;
	}
}

static inline void buf_addc(struct buf *b, char c)
{
	char *to = buf_room(b, 1);
	if (likely(to != NULL)) {
		*to = c;
		b->len++;
	}
}

static inline void buf_add_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

static inline void buf_adds(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_add_u64(struct buf *b, u64 v);
void buf_add_i64(struct buf *b, i64 v);
/* Shortest text that reads back as the same double; NaN and infinities as 0. */
void buf_add_double(struct buf *b, double v);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *format, va_list ap);
/* The contents as a C string: valid until the next change; "" when empty or out of memory. */
const char *buf_cstr(struct buf *b);

#endif
