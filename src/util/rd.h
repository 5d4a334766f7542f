/* A reading cursor with a sticky error: decoders read through it and check once at the end.
 * A read past the end sets `bad`, yields zero and moves nothing. Borrows the bytes; owns nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_RD_H
#define PACKETD_UTIL_RD_H

#include "util/base.h"
#include "util/bytes.h"

struct rd {
	const u8 *p;   /* next byte */
	const u8 *end; /* one past the last */
	bool bad;      /* a read went past the end, or a decoder called rd_fail */
};

static inline struct rd rd_make(const void *p, size_t n)
{
	return (struct rd){ p, n ? (const u8 *)p + n : p, false }; /* nothing may be at NULL */
}

static inline size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

static inline void rd_fail(struct rd *r)
{
	r->bad = true;
	r->p = r->end;
}

/* The next n bytes, consumed; NULL (and bad) when there are fewer. */
static inline const u8 *rd_take(struct rd *r, size_t n)
{
	const u8 *p = r->p;
	if (unlikely(rd_left(r) < n)) {
		rd_fail(r);
		return NULL;
	}
	r->p += n;
	return p;
}

static inline bool rd_skip(struct rd *r, size_t n)
{
	return rd_take(r, n) != NULL || n == 0;
}

static inline struct str rd_str(struct rd *r, size_t n)
{
	const u8 *p = rd_take(r, n);
	return p ? str_make(p, n) : (struct str){ 0 };
}

#define RD_INT(name, type, size, load)             \
	static inline type rd_##name(struct rd *r) \
	{                                          \
		const u8 *p = rd_take(r, size);    \
		return p ? load : 0;               \
	}
RD_INT(u8, u8, 1, *p)
RD_INT(u16be, u16, 2, be16(p))
RD_INT(u24be, u32, 3, be24(p))
RD_INT(u32be, u32, 4, be32(p))
RD_INT(u64be, u64, 8, be64(p))
RD_INT(u16le, u16, 2, le16(p))
RD_INT(u24le, u32, 3, le24(p))
RD_INT(u32le, u32, 4, le32(p))
RD_INT(u64le, u64, 8, le64(p))
#undef RD_INT

#endif
