#include "util/pattern.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* The automaton of Glushkov: one position per character or class of the pattern, no empty moves. A set of positions is a
 * few words, a step is: those that may follow the current ones, of these those that accept the symbol. The beginning and the end
 * of the text are symbols of their own, for ^ and $. */
#define WORDS_MAX (PATTERN_POSITIONS / 64)
#define NODES_MAX 2048
#define NESTING_MAX 32
#define REPEAT_MAX 255
#define NO_LIMIT UINT16_MAX

enum { SYMBOL_BEGIN = 256, SYMBOL_END, SYMBOLS };

struct pattern {
	u32 words;
	bool nullable; /* matches the empty text, and so any */
	u64 *first, *last;
	u64 *accept; /* [SYMBOLS][words]: positions that accept the symbol */
	u64 *follow; /* [positions][words] */
};

enum node_type { NODE_CLASS, NODE_BEGIN, NODE_END, NODE_CAT, NODE_ALT, NODE_REPEAT };

/* The pattern as a tree. */
struct node {
	u8 type;
	u16 min, max;
	int16_t child, next; /* first child, next sibling; -1: none */
	u64 class[4];    /* bytes */
};

struct parser {
	const u8 *p, *start, *end;
	bool fold; /* (?i) */
	u32 depth;
	int nodes_len;
	struct node *nodes;
	const char *problem;
	u32 at;
};

static int fail(struct parser *ps, const char *problem)
{
	if (!ps->problem) {
		ps->problem = problem;
		ps->at = (u32)(ps->p - ps->start);
	}
	return -1;
}

static int new_node(struct parser *ps, enum node_type type)
{
	if (ps->nodes_len == NODES_MAX)
		return fail(ps, "the pattern is too long");
	ps->nodes[ps->nodes_len] = (struct node){ .type = (u8)type, .child = -1, .next = -1 };
	return ps->nodes_len++;
}

static void class_add(struct node *n, unsigned byte)
{
	n->class[byte / 64] |= 1ull << (byte % 64);
}

static bool class_has(const struct node *n, unsigned byte)
{
	return n->class[byte / 64] >> (byte % 64) & 1;
}

static void class_fold(const struct parser *ps, struct node *n)
{
	for (unsigned c = 'a'; ps->fold && c <= 'z'; c++) {
		if (class_has(n, c))
			class_add(n, c - 32);
		else if (class_has(n, c - 32))
			class_add(n, c);
	}
}

static void class_invert(struct node *n)
{
	for (int i = 0; i < 4; i++)
		n->class[i] = ~n->class[i];
}

struct named_class {
	const char *name;
	int (*has)(int c);
};

static int is_word(int c)
{
	return isalnum(c) || c == '_';
}

static const struct named_class named_classes[] = {
	{ "alnum", isalnum }, { "alpha", isalpha }, { "blank", isblank }, { "cntrl", iscntrl }, { "digit", isdigit }, { "graph", isgraph },
	{ "lower", islower }, { "print", isprint }, { "punct", ispunct }, { "space", isspace }, { "upper", isupper }, { "xdigit", isxdigit },
};

static void class_add_if(struct node *n, int (*has)(int c), bool invert)
{
	for (int c = 0; c < 256; c++)
		if ((c < 128 && has(c)) != invert)
			class_add(n, (unsigned)c);
}

static int hex_value(u8 c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? (c | 32) - 'a' + 10 : -1;
}

/* What follows a backslash, added to the class; *ret_byte is the single byte it stands for, or -1. */
static bool parse_escape(struct parser *ps, struct node *n, int *ret_byte)
{
	if (ps->p == ps->end)
		return fail(ps, "nothing follows the \\") >= 0;
	u8 c = *ps->p;
	*ret_byte = -1;
	if (c == 'd' || c == 'D' || c == 'w' || c == 'W' || c == 's' || c == 'S') {
		ps->p++;
		int lower = c | 32;
		class_add_if(n, lower == 'd' ? isdigit : lower == 'w' ? is_word : isspace, !(c & 32));
		return true;
	}
	if (c == 'x') {
		int high = ps->end - ps->p > 2 ? hex_value(ps->p[1]) : -1, low = high >= 0 ? hex_value(ps->p[2]) : -1;
		if (low < 0)
			return fail(ps, "expected two hexadecimal digits after \\x") >= 0;
		ps->p += 3;
		*ret_byte = high << 4 | low;
	} else if (isalnum(c) && c != 'n' && c != 'r' && c != 't') {
		return fail(ps, "an escape this program does not know") >= 0;
	} else {
		ps->p++;
		*ret_byte = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
	}
	class_add(n, (unsigned)*ret_byte);
	return true;
}

/* [:alpha:] within brackets. */
static bool parse_named_class(struct parser *ps, struct node *n)
{
	const u8 *name = ps->p + 2;
	for (size_t i = 0; i < ARRAY_LEN(named_classes); i++) {
		size_t len = strlen(named_classes[i].name);
		if ((size_t)(ps->end - name) < len + 2 || memcmp(name, named_classes[i].name, len) != 0 || name[len] != ':' || name[len + 1] != ']')
			continue;
		class_add_if(n, named_classes[i].has, false);
		ps->p = name + len + 2;
		return true;
	}
	return fail(ps, "unknown character class") >= 0;
}

/* One character of a bracket expression: its byte, or -1 for a whole class; -2 on an error. */
static int parse_bracket_item(struct parser *ps, struct node *n)
{
	if (ps->end - ps->p > 1 && ps->p[0] == '[' && ps->p[1] == ':')
		return parse_named_class(ps, n) ? -1 : -2;
	if (*ps->p >= 0x80) {
		fail(ps, "only ASCII characters inside [ ]: write (a|b)");
		return -2;
	}
	if (*ps->p == '\\') {
		int byte;
		ps->p++;
		return parse_escape(ps, n, &byte) ? byte : -2;
	}
	class_add(n, *ps->p);
	return *ps->p++;
}

static int parse_bracket(struct parser *ps)
{
	int index = new_node(ps, NODE_CLASS);
	if (index < 0)
		return index;
	struct node *n = &ps->nodes[index];
	bool invert = ps->p < ps->end && *ps->p == '^';
	ps->p += invert;
	for (bool first = true; ps->p < ps->end && (first || *ps->p != ']'); first = false) {
		int low = parse_bracket_item(ps, n);
		if (low == -2)
			return -1;
		if (low < 0 || ps->end - ps->p < 2 || ps->p[0] != '-' || ps->p[1] == ']')
			continue;
		ps->p++;
		int high = parse_bracket_item(ps, n);
		if (high < low)
			return high == -2 ? -1 : fail(ps, "the range is out of order");
		for (int c = low; c <= high; c++)
			class_add(n, (unsigned)c);
	}
	if (ps->p == ps->end)
		return fail(ps, "missing ]");
	ps->p++;
	class_fold(ps, n);
	if (invert)
		class_invert(n);
	return index;
}

static int parse_alternatives(struct parser *ps);

static int parse_group(struct parser *ps)
{
	if (++ps->depth > NESTING_MAX)
		return fail(ps, "too many groups within groups");
	if (ps->end - ps->p >= 2 && ps->p[0] == '?' && ps->p[1] == ':')
		ps->p += 2;
	int inner = parse_alternatives(ps);
	if (inner < 0)
		return inner;
	if (ps->p == ps->end)
		return fail(ps, "missing )");
	ps->p++;
	ps->depth--;
	return inner;
}

/* A character; one beyond ASCII is the sequence of its bytes. */
static int parse_literal(struct parser *ps)
{
	int group = -1, before = -1;
	u8 lead = *ps->p;
	if (lead >= 0xc0) {
		group = new_node(ps, NODE_CAT);
		if (group < 0)
			return group;
	}
	do {
		int index = new_node(ps, NODE_CLASS);
		if (index < 0)
			return index;
		class_add(&ps->nodes[index], *ps->p++);
		class_fold(ps, &ps->nodes[index]);
		if (group < 0)
			return index;
		if (before < 0)
			ps->nodes[group].child = (int16_t)index;
		else
			ps->nodes[before].next = (int16_t)index;
		before = index;
	} while (ps->p < ps->end && (*ps->p & 0xc0) == 0x80);
	return group;
}

static int parse_atom(struct parser *ps)
{
	int index;
	int byte;
	switch (*ps->p) {
	case '(':
		ps->p++;
		return parse_group(ps);
	case '[':
		ps->p++;
		return parse_bracket(ps);
	case '^':
		ps->p++;
		return new_node(ps, NODE_BEGIN);
	case '$':
		ps->p++;
		return new_node(ps, NODE_END);
	case '.':
		ps->p++;
		index = new_node(ps, NODE_CLASS);
		if (index >= 0)
			class_invert(&ps->nodes[index]);
		return index;
	case '\\':
		ps->p++;
		index = new_node(ps, NODE_CLASS);
		if (index < 0 || !parse_escape(ps, &ps->nodes[index], &byte))
			return -1;
		class_fold(ps, &ps->nodes[index]);
		return index;
	case '*':
	case '+':
	case '?':
	case '{':
		return fail(ps, "nothing to repeat");
	default:
		return parse_literal(ps);
	}
}

static bool parse_count(struct parser *ps, u16 *ret)
{
	unsigned v = 0;
	const u8 *start = ps->p;
	for (; ps->p < ps->end && isdigit(*ps->p) && v <= REPEAT_MAX; ps->p++)
		v = v * 10 + (unsigned)(*ps->p - '0');
	*ret = (u16)v;
	return ps->p > start && v <= REPEAT_MAX;
}

/* * + ? {n,m}: false when there is none of them here, or on an error. */
static bool parse_repeat(struct parser *ps, u16 *min, u16 *max)
{
	if (ps->p == ps->end || !memchr("*+?{", *ps->p, 4))
		return false;
	u8 c = *ps->p++;
	*min = c == '+';
	*max = c == '?' ? 1 : NO_LIMIT;
	if (c != '{')
		return true;
	bool fine = parse_count(ps, min);
	*max = *min;
	if (fine && ps->p < ps->end && *ps->p == ',') {
		ps->p++;
		*max = NO_LIMIT;
		if (ps->p < ps->end && *ps->p != '}')
			fine = parse_count(ps, max);
	}
	if (!fine || ps->p == ps->end || *ps->p != '}' || *max < *min)
		return fail(ps, "expected {n}, {n,} or {n,m}, up to 255") >= 0;
	ps->p++;
	return true;
}

static int parse_sequence(struct parser *ps)
{
	int sequence = new_node(ps, NODE_CAT), before = -1;
	while (sequence >= 0 && ps->p < ps->end && *ps->p != '|' && !(*ps->p == ')' && ps->depth)) {
		u16 min, max;
		int atom = parse_atom(ps);
		for (int times = 1; atom >= 0 && parse_repeat(ps, &min, &max); times++) {
			int repeat = times > NESTING_MAX ? fail(ps, "repeated too often") : new_node(ps, NODE_REPEAT);
			if (repeat < 0)
				return repeat;
			ps->nodes[repeat].child = (int16_t)atom;
			ps->nodes[repeat].min = min;
			ps->nodes[repeat].max = max;
			atom = repeat;
		}
		if (atom < 0 || ps->problem)
			return -1;
		u8 type = ps->nodes[atom].type;
		if (before >= 0 && ps->nodes[before].type == type && (type == NODE_BEGIN || type == NODE_END))
			continue; /* ^^ says no more than ^ */
		if (before < 0)
			ps->nodes[sequence].child = (int16_t)atom;
		else
			ps->nodes[before].next = (int16_t)atom;
		before = atom;
	}
	return sequence;
}

static int parse_alternatives(struct parser *ps)
{
	int first = parse_sequence(ps);
	if (first < 0 || ps->p == ps->end || *ps->p != '|')
		return first;
	int alt = new_node(ps, NODE_ALT), before = first;
	if (alt < 0)
		return alt;
	ps->nodes[alt].child = (int16_t)first;
	while (ps->p < ps->end && *ps->p == '|') {
		ps->p++;
		int next = parse_sequence(ps);
		if (next < 0)
			return next;
		ps->nodes[before].next = (int16_t)next;
		before = next;
	}
	return alt;
}

/* What a part of the tree contributes: where it may begin and end. */
struct part {
	u64 first[WORDS_MAX], last[WORDS_MAX];
	bool nullable;
};

struct builder {
	const struct node *nodes;
	u32 positions;
	u64 steps; /* parts built: bounds {n,m} of {n,m} */
	bool too_large;
	u64 accept[SYMBOLS][WORDS_MAX];
	u64 follow[PATTERN_POSITIONS][WORDS_MAX];
};

static void set_join(u64 *to, const u64 *from)
{
	for (int i = 0; i < WORDS_MAX; i++)
		to[i] |= from[i];
}

static void connect(struct builder *b, const u64 *last, const u64 *first)
{
	for (unsigned w = 0; w < WORDS_MAX; w++)
		for (u64 left = last[w]; left; left &= left - 1)
			set_join(b->follow[w * 64 + (unsigned)__builtin_ctzll(left)], first);
}

static void append(struct builder *b, struct part *to, const struct part *next)
{
	connect(b, to->last, next->first);
	if (to->nullable)
		set_join(to->first, next->first);
	if (!next->nullable)
		memset(to->last, 0, sizeof(to->last));
	set_join(to->last, next->last);
	to->nullable = to->nullable && next->nullable;
}

static void build_position(struct builder *b, const struct node *n, struct part *ret)
{
	if (b->positions == PATTERN_POSITIONS) {
		b->too_large = true;
		return;
	}
	u32 at = b->positions++;
	u64 bit = 1ull << (at % 64);
	if (n->type == NODE_BEGIN)
		b->accept[SYMBOL_BEGIN][at / 64] |= bit;
	else if (n->type == NODE_END)
		b->accept[SYMBOL_END][at / 64] |= bit;
	else
		for (unsigned c = 0; c < 256; c++)
			if (class_has(n, c))
				b->accept[c][at / 64] |= bit;
	ret->first[at / 64] |= bit;
	ret->last[at / 64] |= bit;
}

static void build(struct builder *b, int index, struct part *ret);

static void build_repeat(struct builder *b, const struct node *n, struct part *ret)
{
	struct part one;
	ret->nullable = true;
	unsigned times = n->max == NO_LIMIT ? MAX(n->min, 1) : n->max;
	for (unsigned i = 1; i <= times && !b->too_large; i++) {
		build(b, n->child, &one);
		if (n->max == NO_LIMIT && i == times)
			connect(b, one.last, one.first);
		one.nullable |= i > n->min;
		append(b, ret, &one);
	}
}

/* Depth is bounded: NESTING_MAX groups, and as many repetitions of each. */
static void build(struct builder *b, int index, struct part *ret)
{
	const struct node *n = &b->nodes[index];
	struct part one;
	*ret = (struct part){ .nullable = n->type == NODE_CAT };
	b->too_large |= ++b->steps > 64 * NODES_MAX;
	if (b->too_large)
		return;
	if (n->type == NODE_REPEAT) {
		build_repeat(b, n, ret);
	} else if (n->type != NODE_CAT && n->type != NODE_ALT) {
		build_position(b, n, ret);
	} else {
		for (int child = n->child; child >= 0 && !b->too_large; child = b->nodes[child].next) {
			build(b, child, &one);
			if (n->type == NODE_CAT) {
				append(b, ret, &one);
				continue;
			}
			set_join(ret->first, one.first);
			set_join(ret->last, one.last);
			ret->nullable |= one.nullable;
		}
	}
}

/* The automaton with sets no larger than it needs. */
static struct pattern *shrink(const struct builder *b, const struct part *whole)
{
	u32 words = MAX(1u, (b->positions + 63) / 64);
	struct pattern *p = malloc(sizeof(*p) + (2 + SYMBOLS + (size_t)b->positions) * words * sizeof(u64));
	if (!p)
		return NULL;
	size_t set = words * sizeof(u64);
	*p = (struct pattern){ .words = words, .nullable = whole->nullable };
	p->first = memcpy(p + 1, whole->first, set);
	p->last = memcpy(p->first + words, whole->last, set);
	p->accept = p->last + words;
	p->follow = p->accept + (size_t)SYMBOLS * words;
	for (u32 i = 0; i < SYMBOLS; i++)
		memcpy(p->accept + (size_t)i * words, b->accept[i], set);
	for (u32 i = 0; i < b->positions; i++)
		memcpy(p->follow + (size_t)i * words, b->follow[i], set);
	return p;
}

int pattern_compile(struct str text, struct pattern **ret, const char **ret_problem, u32 *ret_at)
{
	int result = -ENOMEM;
	struct parser ps = { .start = (const u8 *)text.p, .p = (const u8 *)text.p, .end = (const u8 *)text.p + text.n };
	struct builder *b = calloc(1, sizeof(*b));
	struct part whole;
	ps.nodes = calloc(NODES_MAX, sizeof(*ps.nodes));
	*ret = NULL;
	*ret_problem = "out of memory";
	*ret_at = 0;
	if (!b || !ps.nodes)
		goto out;
	ps.fold = text.n >= 4 && memcmp(text.p, "(?i)", 4) == 0;
	ps.p += ps.fold ? 4 : 0;
	int root = parse_alternatives(&ps);
	if (root >= 0) {
		b->nodes = ps.nodes;
		build(b, root, &whole);
		if (b->too_large)
			root = fail(&ps, "the pattern is too large");
	}
	if (root < 0) {
		*ret_problem = ps.problem;
		*ret_at = ps.at;
		result = -EINVAL;
		goto out;
	}
	*ret = shrink(b, &whole);
	result = *ret ? 0 : -ENOMEM;
out:
	free(ps.nodes);
	free(b);
	return result;
}

void pattern_free(struct pattern *p)
{
	free(p);
}

/* Moves `now` over one symbol; true when that completes a match. */
static inline bool step(const struct pattern *p, u64 *now, unsigned symbol)
{
	const u64 *accept = p->accept + (size_t)symbol * p->words;
	u64 next[WORDS_MAX], done = 0;
	memcpy(next, p->first, p->words * sizeof(u64));
	for (u32 w = 0; w < p->words; w++)
		for (u64 left = now[w]; left; left &= left - 1) {
			const u64 *follow = p->follow + (w * 64 + (size_t)__builtin_ctzll(left)) * p->words;
			for (u32 k = 0; k < p->words; k++)
				next[k] |= follow[k];
		}
	for (u32 w = 0; w < p->words; w++) {
		now[w] = next[w] & accept[w];
		done |= now[w] & p->last[w];
	}
	return done != 0;
}

bool pattern_match(const struct pattern *p, struct str text)
{
	u64 now[WORDS_MAX] = { 0 };
	if (p->nullable || step(p, now, SYMBOL_BEGIN))
		return true;
	for (u32 i = 0; i < text.n; i++)
		if (step(p, now, (u8)text.p[i]))
			return true;
	return step(p, now, SYMBOL_END);
}
