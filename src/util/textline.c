#include "util/textline.h"

#define CARET_COLUMNS 76

struct range {
	u32 first, last;
};

/* Sorted. Combining marks and other characters without a width of their own (the common blocks). */
static const struct range zero_width[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x0610, 0x061a }, { 0x064b, 0x065f }, { 0x0900, 0x0902 }, { 0x093a, 0x093a },
	{ 0x093c, 0x093c }, { 0x0941, 0x0948 }, { 0x094d, 0x094d }, { 0x0e31, 0x0e31 }, { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e }, { 0x1ab0, 0x1aff },
	{ 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0x3099, 0x309a }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0x1f3fb, 0x1f3ff }, { 0xe0100, 0xe01ef },
};

/* East Asian wide and full-width characters, and emoji. */
static const struct range double_width[] = {
	{ 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x2329, 0x232a },   { 0x23e9, 0x23f3 },   { 0x25fd, 0x25fe },   { 0x2614, 0x2615 },   { 0x2648, 0x2653 },   { 0x26a1, 0x26a1 },
	{ 0x26bd, 0x26be },   { 0x2705, 0x2705 },   { 0x274c, 0x274c },   { 0x2753, 0x2757 },   { 0x2795, 0x2797 },   { 0x2e80, 0x303e },   { 0x3041, 0x33ff },   { 0x3400, 0x4dbf },
	{ 0x4e00, 0xa4cf },   { 0xa960, 0xa97f },   { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f },
	{ 0x1f680, 0x1f6ff }, { 0x1f7e0, 0x1f7eb }, { 0x1f900, 0x1f9ff }, { 0x1fa70, 0x1faff }, { 0x20000, 0x2fffd }, { 0x30000, 0x3fffd },
};

/* Invisible, or changing how their neighbours are shown. */
static const struct range harmful[] = {
	{ 0x0080, 0x009f }, { 0x00ad, 0x00ad }, { 0x061c, 0x061c }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e },
	{ 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xd800, 0xdfff }, { 0xfdd0, 0xfdef }, { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0xe0000, 0xe00ff },
};

static bool in_ranges(u32 c, const struct range *v, size_t n)
{
	size_t low = 0;
	while (n > low) {
		size_t mid = (low + n) / 2;
		if (c > v[mid].last)
			low = mid + 1;
		else if (c < v[mid].first)
			n = mid;
		else
			return true;
	}
	return false;
}

/* The character at p of n bytes; returns its length, 0 when it is not well-formed UTF-8. */
static u32 decode(const u8 *p, size_t n, u32 *ret)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	u32 len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	u32 c = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));
	if (n < len || p[0] > 0xf4 || (p[0] >= 0x80 && p[0] < 0xc2))
		return 0;
	for (u32 i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	*ret = c;
	return len > 1 && (c < least[len] || c > 0x10ffff) ? 0 : len;
}

/* One character as it is to be shown. */
struct glyph {
	char text[12];
	u32 len, columns;
	u32 used; /* bytes of the source */
};

static void show_hex(struct glyph *g, const char *prefix, u32 c, unsigned digits)
{
	static const char hex[] = "0123456789abcdef";
	g->len = (u32)strlen(prefix);
	memcpy(g->text, prefix, g->len);
	while (digits--)
		g->text[g->len++] = hex[c >> (4 * digits) & 15];
	g->columns = g->len;
}

static void next_glyph(struct glyph *g, const u8 *p, size_t n)
{
	u32 c = 0, len = decode(p, n, &c);
	g->used = MAX(len, 1u);
	if (len == 0) {
		show_hex(g, "\\x", p[0], 2);
	} else if (c == '\n' || c == '\r' || c == '\t') {
		g->text[0] = '\\';
		g->text[1] = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
		g->len = g->columns = 2;
	} else if (c < 0x20 || c == 0x7f) {
		show_hex(g, "\\x", c, 2);
	} else if (c >= 0x80 && in_ranges(c, harmful, ARRAY_LEN(harmful))) {
		show_hex(g, "\\u", c, c > 0xffff ? 6 : 4);
	} else {
		memcpy(g->text, p, len);
		g->len = len;
		g->columns = 1;
		if (c >= 0x300)
			g->columns = in_ranges(c, zero_width, ARRAY_LEN(zero_width)) ? 0 : in_ranges(c, double_width, ARRAY_LEN(double_width)) ? 2 : 1;
	}
}

/* Bytes from the start that are plain ASCII: shown as they are. */
static u32 plain_run(struct str s)
{
	u32 n = 0;
	while (n < s.n && s.p[n] >= ' ' && s.p[n] < 0x7f)
		n++;
	return n;
}

unsigned text_clean(struct buf *out, struct str s, unsigned columns)
{
	size_t fit_len = out->len; /* with a column left for … */
	unsigned used = 0, fit = 0;
	u32 run = plain_run(s);
	if (run == s.n && run <= columns) {
		buf_add(out, s.p, run);
		return run;
	}
	for (u32 i = 0; i < s.n;) {
		struct glyph g;
		next_glyph(&g, (const u8 *)s.p + i, s.n - i);
		if (g.columns > columns - used) {
			if (columns == 0)
				return 0;
			out->len = fit_len;
			buf_add(out, "\xe2\x80\xa6", 3);
			return fit + 1;
		}
		buf_add(out, g.text, g.len);
		used += g.columns;
		i += g.used;
		if (used < columns) {
			fit = used;
			fit_len = out->len;
		}
	}
	return used;
}

unsigned text_width(struct str s)
{
	unsigned used = 0;
	for (u32 i = 0; i < s.n;) {
		struct glyph g;
		next_glyph(&g, (const u8 *)s.p + i, s.n - i);
		used += g.columns;
		i += g.used;
	}
	return used;
}

void text_spaces(struct buf *out, unsigned n)
{
	static const char spaces[] = "                                ";
	for (; n > 32; n -= 32)
		buf_add(out, spaces, 32);
	buf_add(out, spaces, n);
}

void text_caret(struct buf *out, struct str text, u32 at, u32 n)
{
	at = MIN(at, text.n);
	n = MIN(n, text.n - at);
	u32 skip = 0;
	while (text_width((struct str){ text.p + skip, at - skip }) > CARET_COLUMNS / 2)
		skip += MAX(1u, (at - skip) / 4);
	while (skip && skip < text.n && (text.p[skip] & 0xc0) == 0x80)
		skip++;
	skip = MIN(skip, at);
	buf_adds(out, skip ? "\n  \xe2\x80\xa6" : "\n  ");
	text_clean(out, (struct str){ text.p + skip, text.n - skip }, CARET_COLUMNS);
	buf_adds(out, "\n  ");
	text_spaces(out, text_width((struct str){ text.p + skip, at - skip }) + (skip ? 1 : 0));
	unsigned marks = MAX(1u, MIN(text_width((struct str){ text.p + at, n }), CARET_COLUMNS / 2));
	while (marks--)
		buf_addc(out, '^');
	buf_addc(out, '\n');
}
