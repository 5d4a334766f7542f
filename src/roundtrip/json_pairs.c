#include "roundtrip/json_pairs.h"

#include <stdlib.h>

#include "util/bytes.h"
#include "util/json.h"

#define FEW 64
#define FEW_BYTES 4096

/* A name in canonical form and whose it is. */
struct entry {
	u64 prefix; /* its first 8 bytes, most significant first */
	const char *name;
	u32 n;
	u32 index : 31;
	u32 known : 1; /* `name` lies within the text of a struct known */
};

#define KNOWN_MAX 32 /* longest name that is remembered */
#define KNOWN 64

/* A name as it came, and what is written for it: nearly all names of a thread have been seen before. */
struct known {
	u64 prefix;
	u32 call; /* the last one that used it: it is not replaced meanwhile */
	u32 n;
	char raw[KNOWN_MAX];
	char text[KNOWN_MAX + 16]; /* "Canonical-Name":[ with room to be copied whole */
};

static _Thread_local struct known known_names[KNOWN];
static _Thread_local u32 call;

/* RFC 9110 section 5.6.2: tchar in its lower and its upper case form; 0: not allowed in a name. */
static const u8 token[2][256] = {
#define SAME(c) [c] = c
#define LETTER(l, u, to) [l] = to, [u] = to
#define PUNCTUATION                                                                                                           \
	SAME('!'), SAME('#'), SAME('$'), SAME('%'), SAME('&'), SAME('\''), SAME('*'), SAME('+'), SAME('-'), SAME('.'), SAME('^'), \
		SAME('_'), SAME('`'), SAME('|'), SAME('~'), SAME('0'), SAME('1'), SAME('2'), SAME('3'), SAME('4'), SAME('5'),     \
		SAME('6'), SAME('7'), SAME('8'), SAME('9')
#define LETTERS(X)                                                                                                           \
	X('a', 'A'), X('b', 'B'), X('c', 'C'), X('d', 'D'), X('e', 'E'), X('f', 'F'), X('g', 'G'), X('h', 'H'), X('i', 'I'), \
		X('j', 'J'), X('k', 'K'), X('l', 'L'), X('m', 'M'), X('n', 'N'), X('o', 'O'), X('p', 'P'), X('q', 'Q'),      \
		X('r', 'R'), X('s', 'S'), X('t', 'T'), X('u', 'U'), X('v', 'V'), X('w', 'W'), X('x', 'X'), X('y', 'Y'), X('z', 'Z')
#define TO_LOWER(l, u) LETTER(l, u, l)
#define TO_UPPER(l, u) LETTER(l, u, u)
	{ PUNCTUATION, LETTERS(TO_LOWER) },
	{ PUNCTUATION, LETTERS(TO_UPPER) },
};

/* Letter by letter, for names of any kind. */
static void canonical_bytes(char *to, const char *name, size_t n)
{
	bool upper = true;
	for (size_t i = 0; i < n; i++) {
		u8 c = token[upper][(u8)name[i]];
		if (unlikely(c == 0)) {
			memcpy(to, name, n);
			return;
		}
		to[i] = (char)c;
		upper = c == '-';
	}
}

#define ONES 0x0101010101010101ull
#define HIGH 0x8080808080808080ull

/* The high bit of each byte of x that lies within low..high; all are below 0x80. */
static inline u64 within(u64 x, u8 low, u8 high)
{
	return (x + ONES * (0x80u - low)) & ~(x + ONES * (0x7fu - high)) & HIGH;
}

/* Eight letters, digits and dashes at once, the first byte lowest. False for other
 * bytes. */
static inline bool canonical_word(u64 *w, bool after_dash)
{
	u64 x = *w & ~HIGH;
	u64 upper = within(x, 'A', 'Z'), lower = within(x, 'a', 'z'), dash = within(x, '-', '-');
	if ((upper | lower | dash | within(x, '0', '9')) != HIGH || (*w & HIGH))
		return false;
	u64 begins = dash << 8 | (after_dash ? 0x80 : 0);
	*w = (x | upper >> 2) ^ ((upper | lower) & begins) >> 2; /* 0x80 >> 2 is the bit between a and A */
	return true;
}

void header_canonical(char *to, const char *name, size_t n)
{
	bool wide = n >= 8 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	for (size_t i = 0; wide && i < n;) {
		size_t at = MIN(i, n - 8); /* the last word repeats some of the one before */
		u64 w;
		memcpy(&w, name + at, 8);
		wide = canonical_word(&w, at == 0 || name[at - 1] == '-');
		memcpy(to + at, &w, 8);
		i = at + 8;
	}
	if (!wide)
		canonical_bytes(to, name, n);
}

static u64 prefix_of(const char *p, size_t n)
{
	if (n >= 8)
		return be64(p);
	u64 v = 0;
	for (size_t i = 0; i < 8; i++)
		v = v << 8 | (i < n ? (u8)p[i] : 0);
	return v;
}

static struct known *known_slot(const char *p, size_t n)
{
	u64 head = 0, tail = 0;
	if (n >= 8) {
		memcpy(&head, p, 8);
		memcpy(&tail, p + n - 8, 8);
	} else {
		memcpy(&head, p, n);
	}
	return &known_names[((head ^ n) * 0x9e3779b97f4a7c15ull ^ tail * 0xff51afd7ed558ccdull) >> 58];
}

/* The name as it is known, now if not before. NULL for long ones, for those that need escapes, and when the place is taken. */
static const struct known *known_name(const char *p, size_t n)
{
	if (n == 0 || n > KNOWN_MAX)
		return NULL;
	struct known *k = known_slot(p, n);
	if (unlikely(k->n != n || memcmp(k->raw, p, n) != 0)) {
		struct buf text = { .data = k->text, .cap = sizeof(k->text), .max = 1 }; /* does not grow */
		char canonical[KNOWN_MAX];
		if (k->n && k->call == call)
			return NULL;
		header_canonical(canonical, p, n);
		json_str(&text, str_make(canonical, n));
		buf_add(&text, ":[", 2);
		k->n = 0;
		if (text.failed || text.len != n + 4)
			return NULL;
		memcpy(k->raw, p, n);
		k->prefix = prefix_of(canonical, n);
		k->n = (u32)n;
	}
	k->call = call;
	return k;
}

static int compare_names(const struct entry *a, const struct entry *b)
{
	if (a->prefix != b->prefix)
		return a->prefix < b->prefix ? -1 : 1;
	int order = memcmp(a->name, b->name, MIN(a->n, b->n));
	return order ? order : (a->n > b->n) - (a->n < b->n);
}

static bool before(const struct entry *a, const struct entry *b)
{
	if (likely(a->prefix != b->prefix))
		return a->prefix < b->prefix;
	int order = compare_names(a, b);
	return order ? order < 0 : a->index < b->index;
}

/* Shell's sort: an insertion sort for the usual handful, and no recursion or memory for a hostile many. */
static void sort(struct entry *v, size_t n)
{
	static const u16 gaps[] = { 44842, 19930, 8858, 3937, 1750, 701, 301, 132, 57, 23, 10, 4, 1 };
	for (size_t g = 0; g < ARRAY_LEN(gaps); g++) {
		size_t gap = gaps[g];
		for (size_t i = gap; i < n; i++) {
			struct entry e = v[i];
			size_t k = i;
			for (; k >= gap && before(&e, &v[k - gap]); k -= gap)
				v[k] = v[k - gap];
			v[k] = e;
		}
	}
}

static inline void put_name(struct buf *out, const struct entry *e)
{
	if (unlikely(!e->known)) {
		json_str(out, str_make(e->name, e->n));
		buf_add(out, ":[", 2);
		return;
	}
	char *to = buf_room(out, KNOWN_MAX + 16);
	if (unlikely(!to))
		return;
	memcpy(to, e->name - 1, KNOWN_MAX + 16);
	out->len += e->n + 4;
}

static void write_sorted(struct buf *out, const struct pairs *pairs, const struct entry *v, size_t n)
{
	buf_addc(out, '{');
	for (size_t i = 0; i < n; i++) {
		bool more = i && compare_names(&v[i - 1], &v[i]) == 0;
		if (!more) {
			if (i)
				buf_add(out, "],", 2);
			put_name(out, &v[i]);
		} else {
			buf_addc(out, ',');
		}
		json_str(out, pairs->v[v[i].index].value);
	}
	if (n)
		buf_addc(out, ']');
	buf_addc(out, '}');
}

void json_pairs(struct buf *out, const struct pairs *pairs)
{
	struct entry few[FEW], *v = few;
	char few_names[FEW_BYTES], *names = few_names;
	size_t n = pairs->n, bytes = 0, cap = sizeof(few_names);
	for (size_t i = 0; i < n; i++)
		bytes += pairs->v[i].name.n;
	if (n > FEW || bytes > cap) {
		v = malloc(n * sizeof(*v) + bytes);
		names = (char *)(v + n);
		cap = bytes;
		if (!v) {
			v = few;
			names = few_names;
			n = MIN(n, FEW);
			cap = sizeof(few_names);
		}
	}
	size_t used = 0, kept = 0;
	call++;
	for (; kept < n && pairs->v[kept].name.n <= cap - used; kept++) {
		struct str name = pairs->v[kept].name;
		const struct known *k = known_name(name.p, name.n);
		if (likely(k != NULL)) {
			v[kept] = (struct entry){ k->prefix, k->text + 1, name.n, (u32)kept & INT32_MAX, 1 };
			continue;
		}
		header_canonical(names + used, name.p, name.n);
		v[kept] = (struct entry){ prefix_of(names + used, name.n), names + used, name.n, (u32)kept & INT32_MAX, 0 };
		used += name.n;
	}
	sort(v, kept);
	write_sorted(out, pairs, v, kept);
	if (v != few)
		free(v);
}
