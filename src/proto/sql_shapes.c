#include "proto/sql_shapes.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "proto/sql_lex.h"

enum { MARK_STRING = 1, MARK_NUMBER = 2, MARK_COMMENT = 3 }; /* bytes that no statement with a skeleton holds */

/* A text on its way into a skeleton. */
struct walk {
	const u8 *p;
	u32 n, at;
	bool mysql;
	char *out;
	u32 out_n;
};

static bool is_quote(u8 c)
{
	return c == '\'' || c == '"' || c == '`';
}

static bool is_mark(u8 c)
{
	return c >= MARK_STRING && c <= MARK_COMMENT;
}

static u8 behind(const struct walk *w)
{
	return w->at + 1 < w->n ? w->p[w->at + 1] : 0;
}

/* A word as it is; none that may be the prefix of a string. */
static bool pass_word(struct walk *w)
{
	u32 end = MIN(w->n, w->at + SQL_SKELETON_MAX - w->out_n), at = w->at;
	char *out = w->out + w->out_n;
	do
		*out++ = (char)w->p[at++];
	while (at < end && (sql_class_of(w->p[at]) & (C_LETTER | C_DIGIT) || w->p[at] == '$'));
	w->out_n += at - w->at;
	w->at = at;
	return at == w->n || (at < end && !is_quote(w->p[at]));
}

/* Digits and points; with letters it may be a name, an exponent, or hexadecimal. */
static bool pass_number(struct walk *w)
{
	do
		w->at++;
	while (w->at < w->n && (sql_class_of(w->p[w->at]) == C_DIGIT || w->p[w->at] == '.'));
	w->out[w->out_n++] = MARK_NUMBER;
	return w->at == w->n || sql_class_of(w->p[w->at]) != C_LETTER;
}

static bool pass_quoted(struct walk *w, u8 c)
{
	bool string = c == '\'' || (c == '"' && w->mysql);
	u32 end = sql_quoted_end(w->p, w->n, w->at, w->mysql && c != '`');
	if (string) {
		w->out[w->out_n++] = MARK_STRING;
		w->at = end;
		return true;
	}
	if (end - w->at > SQL_SKELETON_MAX - w->out_n)
		return false;
	for (; w->at < end; w->at++) {
		if (is_mark(w->p[w->at]))
			return false;
		w->out[w->out_n++] = (char)w->p[w->at];
	}
	return true;
}

/* Trace contexts and the like, different each time; not what MySQL executes, nor comments within comments. */
static bool pass_comment(struct walk *w)
{
	const u8 *from = w->p + w->at + 2, *end = memmem(from, w->n - w->at - 2, "*/", 2);
	if (!end || end == from || *from == '!' || *from == 'M' || memmem(from, (size_t)(end - from), "/*", 2))
		return false;
	w->out[w->out_n++] = MARK_COMMENT;
	w->at = (u32)(end - w->p) + 2;
	return true;
}

/* $1 of PostgreSQL; not $tag$. */
static bool pass_parameter(struct walk *w)
{
	u32 digits = 0;
	do
		w->out[w->out_n++] = (char)w->p[w->at++];
	while (w->at < w->n && w->out_n < SQL_SKELETON_MAX && sql_class_of(w->p[w->at]) == C_DIGIT && ++digits);
	return digits && (w->at == w->n || sql_class_of(w->p[w->at]) != C_DIGIT);
}

static bool pass_other(struct walk *w, u8 c)
{
	u8 next = behind(w);
	switch (c) {
	case MARK_STRING:
	case MARK_NUMBER:
	case MARK_COMMENT:
		return false;
	case '-':
		if (next == '-')
			return false;
		break;
	case '/':
		if (next == '*')
			return pass_comment(w);
		break;
	case '#':
		if (w->mysql)
			return false;
		break;
	case '.':
		if (sql_class_of(next) == C_DIGIT)
			return false;
		break;
	case '@':
		if (is_quote(next) || sql_class_of(next) == C_DIGIT)
			return false;
		break;
	case '&':
		if (is_quote(next))
			return false;
		break;
	case '$':
		if (!w->mysql)
			return pass_parameter(w);
		if (sql_class_of(next) == C_DIGIT) /* part of a variable's name, perhaps */
			return false;
		break;
	}
	w->out[w->out_n++] = (char)c;
	w->at++;
	return true;
}

bool sql_skeleton_make(struct sql_skeleton *k, enum sql_dialect dialect, struct str text, u64 variant)
{
	struct walk w = { .p = (const u8 *)text.p, .n = text.n, .mysql = dialect == SQL_MYSQL, .out = k->text };
	while (w.at < w.n) {
		u8 c = w.p[w.at], class = sql_class_of(c);
		bool ok;
		if (w.out_n == SQL_SKELETON_MAX)
			return false;
		if (class == C_LETTER)
			ok = pass_word(&w);
		else if (class == C_DIGIT)
			ok = pass_number(&w);
		else if (c == '\'' || c == '"' || (c == '`' && w.mysql))
			ok = pass_quoted(&w, c);
		else
			ok = pass_other(&w, c);
		if (!ok)
			return false;
	}
	k->n = w.out_n;
	k->key = XXH3_64bits_withSeed(k->text, k->n, variant << 1 | w.mysql);
	return true;
}

static u32 place_of(u64 key)
{
	return (u32)(key >> 8) % (SQL_SHAPES / SQL_WAYS) * SQL_WAYS;
}

static const struct sql_shape *find(const struct sql_shapes *all, const struct sql_skeleton *k)
{
	const struct sql_shape *s = &all->shapes[place_of(k->key)];
	for (u32 i = 0; i < SQL_WAYS; i++, s++)
		if (s->key == k->key && s->skeleton == k->n && memcmp(s->text, k->text, k->n) == 0)
			return s;
	return NULL;
}

static struct str piece(const char **at, u32 n)
{
	struct str s = str_make(*at, n);
	*at += n;
	return s;
}

bool sql_shapes_find(const struct sql_shapes *all, const struct sql_skeleton *k, struct arena *a, struct sql *ret_sql)
{
	const struct sql_shape *s = find(all, k);
	*ret_sql = (struct sql){ 0 };
	if (!s)
		return false;
	ret_sql->parameters = s->parameters;
	struct str copy = arena_str(a, s->text + s->skeleton, (size_t)s->redacted + s->fingerprint + s->operation + s->table + s->summary);
	const char *at = copy.p;
	if (!copy.n)
		return true;
	ret_sql->redacted = piece(&at, s->redacted);
	ret_sql->fingerprint = piece(&at, s->fingerprint);
	ret_sql->operation = piece(&at, s->operation);
	ret_sql->table = piece(&at, s->table);
	ret_sql->summary = piece(&at, s->summary);
	return true;
}

static char *add(char *to, struct str s)
{
	if (s.n)
		memcpy(to, s.p, s.n);
	return to + s.n;
}

void sql_shapes_keep(struct sql_shapes *all, const struct sql_skeleton *k, const struct sql *found)
{
	u16 *seen = &all->seen[k->key & (SQL_SEEN - 1)], tag = (u16)(k->key >> 48 | 1);
	u64 n = (u64)k->n + found->redacted.n + found->fingerprint.n + found->operation.n + found->table.n + found->summary.n;
	if (*seen != tag || n > SQL_SHAPE_TEXT) {
		*seen = tag;
		return;
	}
	struct sql_shape *s = &all->shapes[place_of(k->key)];
	u32 way = 0;
	while (way < SQL_WAYS && s[way].skeleton)
		way++;
	s += way < SQL_WAYS ? way : all->turn++ % SQL_WAYS;
	*s = (struct sql_shape){ .key = k->key, .parameters = found->parameters, .skeleton = (u16)k->n, .redacted = (u16)found->redacted.n, .fingerprint = (u16)found->fingerprint.n,
				 .operation = (u16)found->operation.n, .table = (u16)found->table.n, .summary = (u16)found->summary.n };
	char *to = s->text;
	struct str pieces[] = { str_make(k->text, k->n), found->redacted, found->fingerprint, found->operation, found->table, found->summary };
	for (u32 i = 0; i < ARRAY_LEN(pieces); i++)
		to = add(to, pieces[i]);
}
