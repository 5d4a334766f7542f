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

/* Can stand within quotes without an escape; without quotes, too. */
static bool is_quotable(u8 c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static bool is_plain(u8 c)
{
	return is_quotable(c) && c != ' ' && c != '\'';
}

#define ONES 0x0101010101010101ull
#define LOW7 0x7f7f7f7f7f7f7f7full

/* Has the high bit of a byte of x, all below 0x80, unless it is c. */
static inline u64 differs(u64 x, u8 c)
{
	return (x ^ ONES * c) + LOW7;
}

/* is_quotable, or is_plain, for all eight bytes of a word. */
static inline bool all_of(u64 w, bool plain)
{
	u64 x = w & LOW7, good = (x + ONES * (0x80 - ' ')) & differs(x, 0x7f) & differs(x, '"') & differs(x, '\\') & ~w;
	if (plain)
		good &= differs(x, ' ') & differs(x, '\'');
	return (good & ~LOW7) == ~LOW7;
}

/* How many bytes from p on are all plain, or all quotable. */
static size_t run_of(const u8 *p, size_t n, bool plain)
{
	size_t i = 0;
	for (u64 w; i + 8 <= n; i += 8) {
		memcpy(&w, p + i, 8);
		if (!all_of(w, plain))
			break;
	}
	while (i < n && (plain ? is_plain(p[i]) : is_quotable(p[i])))
		i++;
	return i;
}

/* Can it stand without quotes? */
static bool stands_alone(const u8 *p, size_t n)
{
	for (size_t i = run_of(p, n, true); i < n; i += run_of(p + i, n - i, true)) {
		size_t len = p[i] >= 0x80 ? sequence_len(p + i, n - i) : 0;
		if (!len)
			return false;
		i += len;
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
		len = MIN(run_of(p + i, n - i, false), (size_t)MAX(text_room(t), 1u));
		if (!len && p[i] >= 0x80)
			len = sequence_len(p + i, n - i);
		if (len) {
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
