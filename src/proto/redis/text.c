#include "proto/redis/text.h"

/* Bytes of the UTF-8 sequence at p, 0 when it is none or not complete. */
static size_t sequence_len(const u8 *p, size_t n)
{
	size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] >= 0x80 && (p[0] < 0xc2 || p[0] > 0xf4))
		return 0;
	if (len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
	bool outside = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
	return overlong || outside ? 0 : len;
}

size_t text_cut(const u8 *p, size_t n, size_t limit)
{
	if (n <= limit)
		return n;
	size_t cut = limit;
	while (cut > 0 && limit - cut < 3 && (p[cut] & 0xc0) == 0x80)
		cut--;
	return (p[cut] & 0xc0) == 0x80 ? limit : cut;
}

void text_add(struct text *t, const void *p, size_t n)
{
	if (n > text_room(t)) {
		t->full = true;
		return;
	}
	memcpy(t->p + t->n, p, n);
	t->n += (u32)n;
}

static bool is_plain(u8 c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '\'';
}

/* Can it stand without quotes? */
static bool stands_alone(const u8 *p, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		len = 1;
		if (p[i] >= 0x80)
			len = sequence_len(p + i, n - i);
		else if (!is_plain(p[i]))
			return false;
		if (!len)
			return false;
	}
	return n > 0;
}

static void add_escaped(struct text *t, u8 c)
{
	static const char hex[] = "0123456789abcdef";
	static const char shorts[][2] = { { '\n', 'n' }, { '\r', 'r' }, { '\t', 't' }, { '"', '"' }, { '\\', '\\' } };
	char out[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };
	for (size_t i = 0; i < ARRAY_LEN(shorts); i++)
		if (c == (u8)shorts[i][0]) {
			out[1] = shorts[i][1];
			text_add(t, out, 2);
			return;
		}
	text_add(t, out, 4);
}

static void add_quoted(struct text *t, const u8 *p, size_t n)
{
	text_add(t, "\"", 1);
	for (size_t i = 0, len; i < n && !t->full; i += len) {
		len = sequence_len(p + i, n - i);
		if (len > 1 || is_plain(p[i]) || p[i] == ' ' || p[i] == '\'') {
			text_add(t, p + i, len);
		} else {
			add_escaped(t, p[i]);
			len = 1;
		}
	}
	text_add(t, "\"", 1);
}

void text_add_argument(struct text *t, const u8 *p, size_t n, bool whole)
{
	if (t->n)
		text_add(t, " ", 1);
	size_t shown = text_cut(p, n, text_room(t));
	if (shown == n && !whole)
		for (size_t back = 1; back <= MIN(n, (size_t)3) && p[n - back] >= 0x80; back++)
			if (p[n - back] >= 0xc0 && !sequence_len(p + n - back, back)) {
				shown = n - back;
				break;
			}
	if (shown == 0 && (n || !whole))
		t->full = true;
	else if (stands_alone(p, shown))
		text_add(t, p, shown);
	else
		add_quoted(t, p, shown);
	if (shown < n || !whole)
		t->full = true;
}
