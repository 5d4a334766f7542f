#include "export/pb.h"

#define REPLACEMENT "\xef\xbf\xbd"

static bool is_ascii(const char *p, size_t n)
{
	u64 all = 0, word;
	size_t i = 0;
	for (; i + 8 <= n; i += 8) {
		memcpy(&word, p + i, 8);
		all |= word;
	}
	for (; i < n; i++)
		all |= (u8)p[i];
	return (all & 0x8080808080808080ull) == 0;
}

/* Bytes of the valid character at p, 0 when there is none. */
static unsigned utf8_char(const u8 *p, size_t n)
{
	if (p[0] < 0x80)
		return 1;
	unsigned len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n < len)
		return 0;
	u8 low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80, high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
	if (p[1] < low || p[1] > high)
		return 0;
	for (unsigned i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

struct str pb_clean(struct str s, struct buf *scratch)
{
	u32 n = MIN(s.n, PB_STRING_MAX);
	if (likely(is_ascii(s.p, n)))
		return str_make(s.p, n);
	size_t start = scratch->len;
	for (u32 i = 0; i < n;) {
		unsigned len = utf8_char((const u8 *)s.p + i, n - i);
		if (len == 0 && n < s.n && n - i < 4)
			break; /* cut within a character */
		if (len)
			buf_add(scratch, s.p + i, len);
		else
			buf_add(scratch, REPLACEMENT, 3);
		i += MAX(len, 1u);
	}
	if (scratch->failed) {
		scratch->failed = false;
		return STR("?");
	}
	return str_make(scratch->data + start, scratch->len - start);
}

void pb_string(struct buf *b, u32 field, struct str s, struct buf *scratch)
{
	size_t start = scratch->len;
	s = pb_clean(s, scratch);
	pb_bytes(b, field, s.p, s.n);
	scratch->len = start;
}

void pb_end_slow(struct buf *b, size_t mark, unsigned width)
{
	if (b->failed)
		return;
	size_t n = b->len - mark;
	unsigned size = pb_varint_size(n);
	char *room = buf_room(b, 10);
	if (!room)
		return;
	memmove(b->data + mark - width + size, b->data + mark, n);
	pb_put_varint(b->data + mark - width, n);
	b->len += size;
	b->len -= width;
}

static bool take_varint(struct str *rest, u64 *ret)
{
	u64 v = 0;
	for (u32 i = 0; i < rest->n && i < 10; i++) {
		u8 c = (u8)rest->p[i];
		v |= (u64)(c & 127) << 7 * i;
		if (c < 128) {
			*rest = str_make(rest->p + i + 1, rest->n - i - 1);
			*ret = v;
			return true;
		}
	}
	return false;
}

static bool take_bytes(struct str *rest, u64 n, struct str *ret)
{
	if (n > rest->n)
		return false;
	*ret = str_make(rest->p, n);
	*rest = str_make(rest->p + n, rest->n - (u32)n);
	return true;
}

bool pb_next(struct str *rest, struct pb_field *ret)
{
	u64 tag, n;
	if (rest->n == 0 || !take_varint(rest, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX)
		return false;
	*ret = (struct pb_field){ .field = (u32)(tag >> 3), .wire = tag & 7 };
	switch (ret->wire) {
	case PB_VARINT:
		return take_varint(rest, &ret->value);
	case PB_LEN:
		return take_varint(rest, &n) && take_bytes(rest, n, &ret->bytes);
	case PB_FIXED64:
	case PB_FIXED32:
		n = ret->wire == PB_FIXED64 ? 8 : 4;
		if (!take_bytes(rest, n, &ret->bytes))
			return false;
		for (u32 i = 0; i < n; i++)
			ret->value |= (u64)(u8)ret->bytes.p[i] << 8 * i;
		return true;
	default:
		return false;
	}
}
