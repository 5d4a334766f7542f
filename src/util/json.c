#include "util/json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define ONES 0x0101010101010101ull
#define HIGH 0x8080808080808080ull
#define LOW7 0x7f7f7f7f7f7f7f7full

#define MAX_DEPTH 128

/* Has the high bit set in every byte of w that cannot be copied as it is: controls, " \ < > & and all from 0x80.
 * No carry passes from one byte to the next, so the result is exact. */
static inline u64 special_bytes(u64 w)
{
	u64 x = w & LOW7;
	u64 plain = (x + ONES * (0x80 - 0x20))               /* not a control */
		    & (((x | ONES * 4) ^ ONES * 0x26) + LOW7) /* neither " (22) nor & (26) */
		    & (((x | ONES * 2) ^ ONES * 0x3e) + LOW7) /* neither < (3c) nor > (3e) */
		    & ((x ^ ONES * '\\') + LOW7);
	return (~plain | w) & HIGH;
}

/* Length of the well-formed UTF-8 sequence (RFC 3629) at p, which starts with a byte from 0x80 on; 0 when there is none. */
static size_t utf8_length(const u8 *p, size_t n)
{
	u8 lead = p[0], low = 0x80, high = 0xbf;
	size_t len;
	if (lead >= 0xc2 && lead <= 0xdf)
		len = 2;
	else if (lead >= 0xe0 && lead <= 0xef)
		len = 3;
	else if (lead >= 0xf0 && lead <= 0xf4)
		len = 4;
	else
		return 0;
	if (lead == 0xe0)
		low = 0xa0; /* overlong */
	else if (lead == 0xed)
		high = 0x9f; /* surrogates */
	else if (lead == 0xf0)
		low = 0x90; /* overlong */
	else if (lead == 0xf4)
		high = 0x8f; /* past U+10FFFF */
	if (n < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* Writes the character at p in its escaped form; returns the bytes it took, to[] has room for 6. */
static size_t escape_one(const u8 *p, size_t n, char *to, size_t *ret_written)
{
	static const char hex[] = "0123456789abcdef";
	u8 c = p[0];
	*ret_written = 2;
	switch (c) {
	case '"':
	case '\\':
		to[0] = '\\';
		to[1] = (char)c;
		return 1;
	case '\n':
		memcpy(to, "\\n", 2);
		return 1;
	case '\r':
		memcpy(to, "\\r", 2);
		return 1;
	case '\t':
		memcpy(to, "\\t", 2);
		return 1;
	}
	*ret_written = 6;
	if (c < 0x80) {
		memcpy(to, "\\u00", 4);
		to[4] = hex[c >> 4];
		to[5] = hex[c & 15];
		return 1;
	}
	size_t len = utf8_length(p, n);
	if (len == 0) {
		memcpy(to, "\\ufffd", 6);
		return 1;
	}
	if (len == 3 && c == 0xe2 && p[1] == 0x80 && (p[2] & 0xfe) == 0xa8) {
		memcpy(to, p[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
		return 3;
	}
	memcpy(to, p, len);
	*ret_written = len;
	return len;
}

static inline size_t first_byte(u64 marks)
{
	int bits = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_ctzll(marks) : __builtin_clzll(marks);
	return (size_t)bits >> 3;
}

/* The bytes of p[0..n), n from 1 to 8, as one word: some of them twice, never one beyond. */
static inline u64 load_short(const u8 *p, size_t n)
{
	if (n >= 4) {
		u32 head, tail;
		memcpy(&head, p, 4);
		memcpy(&tail, p + n - 4, 4);
		return (u64)tail << 32 | head;
	}
	return (ONES * p[0]) ^ ((u64)(p[0] ^ p[n / 2]) << 8) ^ ((u64)(p[0] ^ p[n - 1]) << 16);
}

#ifdef __SSE2__
/* The same for the 16 bytes at p, which are also copied: bit i is set when byte i is special. */
static inline unsigned copy_16(char *to, const u8 *p)
{
	__m128i v = _mm_loadu_si128((const void *)p);
	_mm_storeu_si128((void *)to, v);
	__m128i plain = _mm_cmpgt_epi8(v, _mm_set1_epi8(0x1f)); /* signed: bytes from 0x80 on are less */
	__m128i quote = _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(4)), _mm_set1_epi8(0x26));
	__m128i angle = _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(2)), _mm_set1_epi8(0x3e));
	__m128i special = _mm_or_si128(_mm_or_si128(quote, angle), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
	return (unsigned)_mm_movemask_epi8(_mm_andnot_si128(special, plain)) ^ 0xffff;
}

/* Copies the bytes before the first special one; n is at least 16. Returns how many. */
static inline size_t copy_plain_long(char *to, const u8 *p, size_t n)
{
	for (size_t i = 0;; i += 16) {
		i = MIN(i, n - 16); /* the last step sees some bytes again */
		unsigned marks = copy_16(to + i, p + i);
		if (marks)
			return i + (size_t)__builtin_ctz(marks);
		if (i == n - 16)
			return n;
	}
}
#endif

/* Copies the bytes before the first special one; to[] has room for n. Returns how many. */
static inline size_t copy_plain(char *to, const u8 *p, size_t n)
{
#ifdef __SSE2__
	if (n >= 16)
		return copy_plain_long(to, p, n);
#endif
	size_t i = 0;
	u64 w, marks;
	for (; i + 8 <= n; i += 8) {
		memcpy(&w, p + i, 8);
		memcpy(to + i, &w, 8);
		marks = special_bytes(w);
		if (marks)
			return i + first_byte(marks);
	}
	if (i == n)
		return n;
	if (i) { /* the rest, with bytes already seen before it */
		memcpy(&w, p + n - 8, 8);
		memcpy(to + n - 8, &w, 8);
		marks = special_bytes(w);
		return marks ? n - 8 + first_byte(marks) : n;
	}
	bool plain = !special_bytes(load_short(p, n));
	if (plain && n >= 4) {
		memcpy(to, p, 4);
		memcpy(to + n - 4, p + n - 4, 4);
		return n;
	}
	while (i < n && (plain || !special_bytes(ONES * p[i]))) {
		to[i] = (char)p[i];
		i++;
	}
	return i;
}

void json_escaped(struct buf *b, const char *text, size_t n)
{
	const u8 *p = (const u8 *)text;
	while (n) {
		char *to = buf_room(b, n + 8);
		if (unlikely(!to))
			return;
		size_t took = copy_plain(to, p, n);
		b->len += took;
		p += took;
		n -= took;
		if (n) { /* 8 bytes of room are left at least */
			size_t written;
			took = escape_one(p, n, to + took, &written);
			b->len += written;
			p += took;
			n -= took;
		}
	}
}

void json_str(struct buf *b, struct str s)
{
	char *to = buf_room(b, (size_t)s.n + 2);
	if (unlikely(!to))
		return;
	*to++ = '"';
	size_t took = s.n ? copy_plain(to, (const u8 *)s.p, s.n) : 0;
	b->len += took + 1;
	if (likely(took == s.n)) {
		to[took] = '"';
		b->len++;
		return;
	}
	json_escaped(b, s.p + took, s.n - took);
	buf_addc(b, '"');
}

/* A JSON text being checked, and copied without its spaces when `out` is set. */
struct scan {
	const u8 *p, *end;
	struct buf *out;
	u32 depth;
	u64 object[MAX_DEPTH / 64]; /* bit d: level d is an object, not an array */
};

static inline int peek(const struct scan *s)
{
	return s->p < s->end ? *s->p : -1;
}

static void put(struct scan *s, const u8 *p, size_t n)
{
	if (s->out)
		buf_add(s->out, p, n);
}

static void skip_space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static bool is_hex(u8 c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* One character inside a string: its length, or 0 when it is not allowed there. */
static size_t string_unit(const u8 *p, size_t n)
{
	if (p[0] < 0x20)
		return 0;
	if (p[0] >= 0x80)
		return utf8_length(p, n);
	if (p[0] != '\\')
		return 1;
	if (n < 2)
		return 0;
	if (p[1] != 'u')
		return memchr("\"\\/bfnrt", p[1], 8) ? 2 : 0;
	if (n < 6)
		return 0;
	for (int i = 2; i < 6; i++)
		if (!is_hex(p[i]))
			return 0;
	return 6;
}

static bool scan_string(struct scan *s)
{
	put(s, s->p++, 1);
	while (s->p < s->end && *s->p != '"') {
		size_t unit = string_unit(s->p, (size_t)(s->end - s->p));
		if (unit == 0)
			return false;
		if (s->out && s->p[0] != '\\')
			json_escaped(s->out, (const char *)s->p, unit);
		else
			put(s, s->p, unit);
		s->p += unit;
	}
	if (s->p >= s->end)
		return false;
	put(s, s->p++, 1);
	return true;
}

static size_t scan_digits(struct scan *s)
{
	const u8 *start = s->p;
	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return (size_t)(s->p - start);
}

static bool scan_number(struct scan *s)
{
	const u8 *start = s->p;
	if (peek(s) == '-')
		s->p++;
	if (peek(s) == '0')
		s->p++;
	else if (scan_digits(s) == 0)
		return false;
	if (peek(s) == '.') {
		s->p++;
		if (scan_digits(s) == 0)
			return false;
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->p++;
		if (peek(s) == '+' || peek(s) == '-')
			s->p++;
		if (scan_digits(s) == 0)
			return false;
	}
	put(s, start, (size_t)(s->p - start));
	return true;
}

static bool scan_word(struct scan *s, const char *word, size_t n)
{
	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return false;
	put(s, s->p, n);
	s->p += n;
	return true;
}

static bool scan_scalar(struct scan *s)
{
	switch (peek(s)) {
	case '"':
		return scan_string(s);
	case 't':
		return scan_word(s, "true", 4);
	case 'f':
		return scan_word(s, "false", 5);
	case 'n':
		return scan_word(s, "null", 4);
	default:
		return scan_number(s);
	}
}

static bool in_object(const struct scan *s)
{
	u32 d = s->depth - 1;
	return s->object[d / 64] >> (d % 64) & 1;
}

/* "name": before a member's value. */
static bool scan_name(struct scan *s)
{
	skip_space(s);
	if (peek(s) != '"' || !scan_string(s))
		return false;
	skip_space(s);
	if (peek(s) != ':')
		return false;
	put(s, s->p++, 1);
	return true;
}

/* Opens as many containers as begin here. *ret_value: a scalar follows (otherwise an empty container was read). */
static bool scan_open(struct scan *s, bool *ret_value)
{
	for (;;) {
		skip_space(s);
		int c = peek(s);
		*ret_value = c != '{' && c != '[';
		if (*ret_value)
			return true;
		if (s->depth == MAX_DEPTH)
			return false;
		u32 d = s->depth++;
		u64 bit = 1ull << (d % 64);
		s->object[d / 64] = c == '{' ? s->object[d / 64] | bit : s->object[d / 64] & ~bit;
		put(s, s->p++, 1);
		skip_space(s);
		if (peek(s) == (c == '{' ? '}' : ']'))
			return true;
		if (c == '{' && !scan_name(s))
			return false;
	}
}

/* Closes what ends after a value and steps over the comma. *ret_more: another value follows. */
static bool scan_close(struct scan *s, bool *ret_more)
{
	*ret_more = false;
	while (s->depth) {
		skip_space(s);
		int c = peek(s);
		if (c == ',') {
			put(s, s->p++, 1);
			*ret_more = true;
			return !in_object(s) || scan_name(s);
		}
		if (c != (in_object(s) ? '}' : ']'))
			return false;
		put(s, s->p++, 1);
		s->depth--;
	}
	return true;
}

static bool scan_text(struct scan *s)
{
	bool more = true, value;
	while (more)
		if (!scan_open(s, &value) || (value && !scan_scalar(s)) || !scan_close(s, &more))
			return false;
	skip_space(s);
	return s->p == s->end;
}

bool json_valid(const char *p, size_t n)
{
	struct scan s = { .p = (const u8 *)p, .end = (const u8 *)p + n };
	return n && scan_text(&s);
}

bool json_compact(struct buf *b, const char *p, size_t n)
{
	size_t len = b->len;
	struct scan s = { .p = (const u8 *)p, .end = (const u8 *)p + n, .out = b };
	if (n && scan_text(&s))
		return true;
	b->len = len;
	return false;
}
