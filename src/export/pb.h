/* Protobuf's wire format, written straight into a buf. A message within a message is begun with room for its usual length and
 * moved when it turns out longer, so lengths are always the shortest ones. Strings are made valid UTF-8 (receivers refuse a whole
 * batch for one bad byte) and cut. Owns nothing. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_PB_H
#define PACKETD_EXPORT_PB_H

#include "util/buf.h"

enum { PB_VARINT = 0, PB_FIXED64 = 1, PB_LEN = 2, PB_FIXED32 = 5 };

static inline unsigned pb_varint_size(u64 v)
{
	return (unsigned)(70 - __builtin_clzll(v | 1)) / 7;
}

static inline char *pb_put_varint(char *to, u64 v)
{
	while (v >= 128) {
		*to++ = (char)(v | 128);
		v >>= 7;
	}
	*to++ = (char)v;
	return to;
}

static inline void pb_varint(struct buf *b, u64 v)
{
	char *to = buf_room(b, 10);
	if (likely(to != NULL))
		b->len += (size_t)(pb_put_varint(to, v) - to);
}

static inline void pb_tag(struct buf *b, u32 field, u32 wire)
{
	pb_varint(b, (u64)field << 3 | wire);
}

static inline void pb_u64(struct buf *b, u32 field, u64 v)
{
	pb_tag(b, field, PB_VARINT);
	pb_varint(b, v);
}

static inline void pb_i64(struct buf *b, u32 field, i64 v)
{
	pb_u64(b, field, (u64)v);
}

/* sint32, sint64 */
static inline u64 pb_zigzag(i64 v)
{
	return ((u64)v << 1) ^ (v < 0 ? ~(u64)0 : 0);
}

static inline void pb_put_fixed(struct buf *b, u64 v, unsigned bytes)
{
	char *to = buf_room(b, 8);
	if (unlikely(!to))
		return;
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (char)(v >> 8 * i);
	b->len += bytes;
}

static inline void pb_fixed64(struct buf *b, u32 field, u64 v)
{
	pb_tag(b, field, PB_FIXED64);
	pb_put_fixed(b, v, 8);
}

static inline void pb_fixed32(struct buf *b, u32 field, u32 v)
{
	pb_tag(b, field, PB_FIXED32);
	pb_put_fixed(b, v, 4);
}

static inline u64 pb_double_bits(double v)
{
	u64 bits;
	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

static inline void pb_double(struct buf *b, u32 field, double v)
{
	pb_fixed64(b, field, pb_double_bits(v));
}

static inline void pb_bytes(struct buf *b, u32 field, const void *p, size_t n)
{
	pb_tag(b, field, PB_LEN);
	pb_varint(b, n);
	buf_add(b, p, n);
}

/* A string field as it is: of text known to be valid UTF-8. */
static inline void pb_text(struct buf *b, u32 field, const char *text)
{
	pb_bytes(b, field, text, strlen(text));
}

#define PB_STRING_MAX 16384u /* bytes of a string; longer ones are cut at a character's end */

/* The string as a receiver accepts it: itself when it is, otherwise a copy in `scratch`. */
struct str pb_clean(struct str s, struct buf *scratch);
/* A string field of any bytes. */
void pb_string(struct buf *b, u32 field, struct str s, struct buf *scratch);

/* A message within a message: room for `width` bytes of length. The mark goes to pb_end. */
static inline size_t pb_begin(struct buf *b, u32 field, unsigned width)
{
	pb_tag(b, field, PB_LEN);
	char *to = buf_room(b, width);
	if (likely(to != NULL))
		b->len += width;
	return b->len;
}

void pb_end_slow(struct buf *b, size_t mark, unsigned width);

static inline void pb_end(struct buf *b, size_t mark, unsigned width)
{
	size_t n = b->len - mark;
	if (likely(!b->failed && pb_varint_size(n) == width))
		pb_put_varint(b->data + mark - width, n);
	else
		pb_end_slow(b, mark, width);
}

/* A reader of what back ends answer. */
struct pb_field {
	u32 field, wire;
	u64 value;       /* varint, fixed */
	struct str bytes; /* PB_LEN */
};

/* The next field of *rest, which is advanced; false at the end and where it is not protobuf. */
bool pb_next(struct str *rest, struct pb_field *ret);

#endif
