/* Where a string, comment, number or name ends. Their rules differ: MySQL 8.4 manual sections 11.1 to 11.7, MariaDB "Identifier Names" and
 * "Comment Syntax"; PostgreSQL manual section 4.1. */
#include "proto/sql_lex.h"

#include "util/bytes.h"

/* By byte, 32 to a line. */
enum { S = C_SPACE, D = C_DIGIT, L = C_LETTER, O = C_OPERATOR };

#define LETTERS_32 L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L

const u8 sql_classes[256] = {
	S, 0, 0, 0, 0, 0, 0, 0, 0, S, S, S, S, S, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	S, O, 0, O, 0, O, O, 0, 0, 0, 0, 0, 0, 0, 0, 0, D, D, D, D, D, D, D, D, D, D, O, 0, O, O, O, O,
	O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, 0, 0, 0, O, L,
	0, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, 0, O, 0, O, 0,
	LETTERS_32, LETTERS_32, LETTERS_32, LETTERS_32,
};

struct keyword {
	const char *text;
	u8 word;
	u8 opens;
};

static const struct keyword kw_a[] = { { "as", W_AS, 1 }, { "and", W_NONE, 1 }, { "any", W_NONE, 1 }, { "all", W_NONE, 1 }, { "alter", W_ALTER, 0 },
	{ "array", W_ARRAY, 0 }, { "account", W_ACCOUNT, 0 }, { "aes_encrypt", W_KEYED, 0 }, { "aes_decrypt", W_KEYED, 0 }, { 0 } };
static const struct keyword kw_b[] = { { "by", W_BY, 1 }, { "between", W_NONE, 1 }, { 0 } };
static const struct keyword kw_c[] = { { "case", W_NONE, 1 }, { "create", W_CREATE, 0 }, { "call", W_CALL, 0 }, { "copy", W_COPY, 0 },
	{ "change", W_CHANGE, 0 }, { "clone", W_CLONE, 0 }, { "connection", W_CONNECTION, 0 }, { "crypt", W_KEYED, 0 }, { "concurrently", W_SKIPPED, 0 }, { 0 } };
static const struct keyword kw_d[] = { { "delete", W_DELETE, 0 }, { "default", W_DEFAULT, 0 }, { "distinct", W_NONE, 1 }, { "drop", W_DROP, 0 },
	{ "do", W_DO, 0 }, { "desc", W_DESCRIBE, 0 }, { "describe", W_DESCRIBE, 0 }, { "declare", W_DECLARE, 0 }, { "delayed", W_SKIPPED, 0 },
	{ "des_encrypt", W_KEYED, 0 }, { "des_decrypt", W_KEYED, 0 }, { "dblink", W_KEYED, 0 }, { "dblink_connect", W_KEYED, 0 }, { 0 } };
static const struct keyword kw_e[] = { { "else", W_NONE, 1 }, { "exists", W_SKIPPED, 1 }, { "except", W_NONE, 1 }, { "explain", W_EXPLAIN, 0 },
	{ "execute", W_EXECUTE, 0 }, { "encrypt", W_KEYED, 0 }, { 0 } };
static const struct keyword kw_f[] = { { "from", W_FROM, 1 }, { "false", W_FALSE, 0 }, { "for", W_FOR, 0 }, { 0 } };
static const struct keyword kw_g[] = { { "grant", W_GRANT, 0 }, { 0 } };
static const struct keyword kw_h[] = { { "having", W_NONE, 1 }, { "high_priority", W_SKIPPED, 0 }, { 0 } };
static const struct keyword kw_i[] = { { "in", W_IN, 1 }, { "is", W_IS, 1 }, { "insert", W_INSERT, 0 }, { "into", W_INTO, 0 }, { "interval", W_NONE, 1 },
	{ "if", W_SKIPPED, 0 }, { "ignore", W_SKIPPED, 0 }, { "identified", W_IDENTIFIED, 0 }, { "intersect", W_NONE, 1 }, { 0 } };
static const struct keyword kw_j[] = { { "join", W_NONE, 1 }, { 0 } };
static const struct keyword kw_l[] = { { "like", W_NONE, 1 }, { "limit", W_NONE, 1 }, { "lock", W_LOCK, 0 }, { "load", W_LOAD, 0 }, { "lateral", W_SKIPPED, 1 },
	{ "low_priority", W_SKIPPED, 0 }, { "local", W_SKIPPED, 0 }, { 0 } };
static const struct keyword kw_m[] = { { "merge", W_MERGE, 0 }, { 0 } };
static const struct keyword kw_n[] = { { "not", W_NOT, 1 }, { "null", W_NULL, 0 }, { 0 } };
static const struct keyword kw_o[] = { { "or", W_NONE, 1 }, { "on", W_ON, 1 }, { "offset", W_NONE, 1 }, { "over", W_NONE, 1 }, { "only", W_SKIPPED, 0 },
	{ "old_password", W_KEYED, 0 }, { 0 } };
static const struct keyword kw_p[] = { { "prepare", W_PREPARE, 0 }, { "pgp_sym_encrypt", W_KEYED, 0 }, { "pgp_sym_decrypt", W_KEYED, 0 }, { 0 } };
static const struct keyword kw_q[] = { { "quick", W_SKIPPED, 0 }, { 0 } };
static const struct keyword kw_r[] = { { "row", W_ROW, 0 }, { "replace", W_REPLACE, 0 }, { "returning", W_NONE, 1 }, { "require", W_REQUIRE, 0 },
	{ "return", W_NONE, 1 }, { 0 } };
static const struct keyword kw_s[] = { { "select", W_SELECT, 1 }, { "set", W_SET, 1 }, { "some", W_NONE, 1 }, { "start", W_START, 0 }, { 0 } };
static const struct keyword kw_t[] = { { "then", W_NONE, 1 }, { "true", W_TRUE, 0 }, { "table", W_TABLE, 0 }, { "tables", W_TABLE, 0 },
	{ "to", W_TO, 0 }, { "truncate", W_TRUNCATE, 0 }, { 0 } };
static const struct keyword kw_u[] = { { "update", W_UPDATE, 0 }, { "union", W_NONE, 1 }, { "using", W_NONE, 1 }, { 0 } };
static const struct keyword kw_v[] = { { "values", W_VALUES, 1 }, { "value", W_VALUES, 1 }, { "via", W_VIA, 0 }, { 0 } };
static const struct keyword kw_w[] = { { "where", W_NONE, 1 }, { "when", W_NONE, 1 }, { "with", W_WITH, 1 },
	{ "wsrep_sst_auth", W_CONNECTION, 0 }, { 0 } };

static const struct keyword *const keywords[26] = { kw_a, kw_b, kw_c, kw_d, kw_e, kw_f, kw_g, kw_h, kw_i, kw_j, NULL, kw_l, kw_m, kw_n, kw_o, kw_p,
	kw_q, kw_r, kw_s, kw_t, kw_u, kw_v, kw_w, NULL, NULL, NULL };

static u8 peek(const struct sql_lexer *l, u32 ahead)
{
	return l->at + ahead < l->n ? l->p[l->at + ahead] : 0;
}

/* High bits of the bytes of v that are zero; a byte above one that is may also be marked. */
static inline u64 zero_bytes(u64 v)
{
	return (v - 0x0101010101010101) & ~v & 0x8080808080808080;
}

/* Passes what is neither, eight bytes at a time. */
static u32 plain_end(const u8 *p, u32 n, u32 at, u8 quote, u8 escape)
{
	u64 quotes = 0x0101010101010101 * quote, escapes = 0x0101010101010101 * escape;
	for (; at + 8 <= n; at += 8) {
		u64 v = le64(p + at), found = zero_bytes(v ^ quotes) | zero_bytes(v ^ escapes);
		if (found)
			return at + (u32)__builtin_ctzll(found) / 8;
	}
	while (at < n && p[at] != quote && p[at] != escape)
		at++;
	return at;
}

u32 sql_quoted_end(const u8 *p, u32 n, u32 at, bool escapes)
{
	u8 quote = p[at++], escape = escapes ? '\\' : quote;
	for (;;) {
		at = plain_end(p, n, at, quote, escape);
		if (at >= n)
			return n;
		if (p[at] == quote && (at + 1 >= n || p[at + 1] != quote))
			return at + 1;
		at += 2; /* a doubled quote, or what is escaped */
	}
}

static u32 quoted_end(const struct sql_lexer *l, u32 at, bool escapes)
{
	return sql_quoted_end(l->p, l->n, at, escapes);
}

static u32 line_end(const struct sql_lexer *l)
{
	const u8 *end = memchr(l->p + l->at, '\n', l->n - l->at);
	return end ? (u32)(end - l->p) + 1 : l->n;
}

/* Behind the comment that begins here; PostgreSQL's may hold others. */
static u32 comment_end(const struct sql_lexer *l)
{
	u32 depth = 1;
	for (u32 at = l->at + 2; at + 1 < l->n; at++) {
		if (l->p[at] == '*' && l->p[at + 1] == '/' && --depth == 0)
			return at + 2;
		if (l->dialect == SQL_POSTGRESQL && l->p[at] == '/' && l->p[at + 1] == '*')
			depth++, at++;
		else if (l->p[at] == '*' && l->p[at + 1] == '/')
			at++;
	}
	return l->n;
}

/* Where a comment that begins here ends, 0 when none does. */
static u32 comment_here(struct sql_lexer *l)
{
	u8 c = peek(l, 0), next = peek(l, 1);
	bool mysql = l->dialect == SQL_MYSQL;
	if (c == '#' && mysql)
		return line_end(l);
	if (c == '-' && next == '-' && (!mysql || l->at + 2 == l->n || sql_class_of(peek(l, 2)) == C_SPACE))
		return line_end(l);
	if (c == '*' && next == '/' && l->executes) {
		l->executes = false;
		return l->at + 2;
	}
	if (c != '/' || next != '*')
		return 0;
	u32 mark = mysql && peek(l, 2) == 'M' && peek(l, 3) == '!' ? 4 : mysql && peek(l, 2) == '!' ? 3 : 0;
	if (!mark)
		return comment_end(l);
	l->executes = true;
	while (sql_class_of(peek(l, mark)) == C_DIGIT)
		mark++;
	return l->at + mark;
}

/* $1, or $tag$ … $tag$; 0 when it is neither. */
static u32 dollar_end(const struct sql_lexer *l, u8 *kind)
{
	u32 at = l->at + 1;
	*kind = T_PARAM;
	while (at < l->n && sql_class_of(l->p[at]) == C_DIGIT)
		at++;
	if (at > l->at + 1)
		return at;
	while (at < l->n && sql_class_of(l->p[at]) & (C_LETTER | C_DIGIT))
		at++;
	if (at >= l->n || l->p[at] != '$')
		return 0;
	u32 tag = at + 1 - l->at;
	const u8 *close = memmem(l->p + at + 1, l->n - at - 1, l->p + l->at, tag);
	*kind = T_STRING;
	return close ? (u32)(close - l->p) + tag : l->n;
}

static u32 number_end(const struct sql_lexer *l)
{
	u32 at = l->at;
	for (bool exponent = false; at < l->n; at++) {
		u8 c = l->p[at], kind = sql_class_of(c);
		bool sign = (c == '+' || c == '-') && exponent;
		exponent = (c == 'e' || c == 'E') && !(l->p[l->at] == '0' && l->at + 1 < l->n && sql_lower(l->p[l->at + 1]) == 'x');
		if (!(kind & (C_DIGIT | C_LETTER)) && c != '.' && !sign)
			break;
	}
	return at;
}

/* "1st" is a name in MySQL, 1e5, 0x1f and 0b1 are not. */
static bool is_name(const struct sql_lexer *l, u32 to)
{
	u8 second = sql_lower(peek(l, 1));
	if (l->dialect != SQL_MYSQL || (l->p[l->at] == '0' && (second == 'x' || second == 'b')))
		return false;
	for (u32 at = l->at; at < to; at++) {
		u8 c = sql_lower(l->p[at]);
		bool exponent = c == 'e' && at + 1 < to && sql_class_of(l->p[at + 1]) != C_LETTER;
		if (c == '.' || exponent)
			return false;
		if (sql_class_of(c) == C_LETTER)
			return true;
	}
	return false;
}

static bool is_word(const char *word, const u8 *p, u32 n)
{
	u32 i = 2;
	while (i < n && word[i] == (char)sql_lower(p[i]))
		i++;
	return i == n && !word[n];
}

static void word_know(struct sql_token *t, const u8 *p)
{
	u32 n = t->to - t->from;
	t->word = W_NONE;
	if (n < 2 || n >= SQL_WORD_MAX)
		return;
	char first = (char)sql_lower(p[t->from]), second = (char)sql_lower(p[t->from + 1]);
	const struct keyword *k = first >= 'a' && first <= 'z' ? keywords[first - 'a'] : NULL;
	for (; k && k->text; k++)
		if (k->text[1] == second && is_word(k->text, p + t->from, n)) {
			t->word = k->word;
			t->opens = k->opens;
			return;
		}
}

/* A word, or a string that begins with one: N'…', _utf8'…', E'…', U&'…'. */
static void word_read(struct sql_lexer *l, struct sql_token *t)
{
	u32 at = l->at;
	while (at < l->n && (sql_class_of(l->p[at]) & (C_LETTER | C_DIGIT) || l->p[at] == '$'))
		at++;
	u32 n = at - l->at;
	u8 first = sql_lower(l->p[l->at]);
	bool mysql = l->dialect == SQL_MYSQL;
	if (!mysql && n == 1 && first == 'u' && at + 1 < l->n && l->p[at] == '&' && (l->p[at + 1] == '\'' || l->p[at + 1] == '"'))
		at++;
	bool prefix = n == 1 ? first == 'n' || first == 'x' || first == 'b' || (!mysql && (first == 'e' || first == 'u')) : mysql && first == '_';
	if (at < l->n && prefix && (l->p[at] == '\'' || (l->p[at] == '"' && (mysql || first == 'u')))) {
		t->kind = l->p[at] == '"' && !mysql ? T_QUOTED : T_STRING;
		t->to = quoted_end(l, at, mysql || first == 'e');
		return;
	}
	t->kind = T_WORD;
	t->to = l->at + n;
	word_know(t, l->p);
}

/* @name, @@name, @`name`; behind a name it is the sign between user and host. */
static u32 variable_end(const struct sql_lexer *l)
{
	u32 at = l->at + 1;
	if (l->before == T_STRING || l->before == T_QUOTED || l->before == T_WORD)
		return 0;
	if (at < l->n && l->p[at] == '@')
		at++;
	if (at < l->n && (l->p[at] == '`' || l->p[at] == '\'' || l->p[at] == '"'))
		return quoted_end(l, at, true);
	while (at < l->n && (sql_class_of(l->p[at]) & (C_LETTER | C_DIGIT) || l->p[at] == '.' || l->p[at] == '$'))
		at++;
	return at;
}

static void punct_read(struct sql_lexer *l, struct sql_token *t)
{
	t->kind = T_PUNCT;
	t->to = l->at + 1;
	if (t->c == '-' && peek(l, 1) == '>')
		t->to += peek(l, 2) == '>' ? 2 : 1;
	if (sql_class_of(t->c) != C_OPERATOR)
		return;
	while (t->to < l->n && sql_class_of(l->p[t->to]) == C_OPERATOR && !(l->dialect == SQL_MYSQL && strchr("@#?", l->p[t->to])))
		t->to++;
	t->opens = t->c == ':' && t->to == l->at + 2 && l->p[l->at + 1] == ':';
}

void sql_token_read(struct sql_lexer *l, struct sql_token *t)
{
	u8 c = peek(l, 0), kind = sql_class_of(c);
	bool mysql = l->dialect == SQL_MYSQL;
	t->kind = T_END;
	t->c = c;
	t->from = t->to = l->at;
	t->word = W_NONE;
	t->opens = false;
	if (l->at >= l->n)
		return;
	if (kind == C_SPACE) {
		t->kind = T_SPACE;
		while (t->to < l->n && sql_class_of(l->p[t->to]) == C_SPACE)
			t->to++;
	} else if (kind == C_LETTER) {
		word_read(l, t);
	} else if (kind == C_DIGIT || (c == '.' && sql_class_of(peek(l, 1)) == C_DIGIT && l->before != T_WORD && l->before != T_QUOTED)) {
		t->to = number_end(l);
		t->kind = T_NUMBER;
		if (is_name(l, t->to))
			word_read(l, t);
	} else if (c == '\'' || c == '"' || (c == '`' && mysql)) {
		t->kind = c == '`' || (c == '"' && !mysql) ? T_QUOTED : T_STRING;
		t->to = quoted_end(l, l->at, mysql && c != '`');
	} else if ((t->to = comment_here(l)) != 0) {
		t->kind = T_COMMENT;
	} else if (c == '$' && !mysql && (t->to = dollar_end(l, &t->kind)) != 0) {
		/* parameter or string */
	} else if (c == '@' && mysql && (t->to = variable_end(l)) != 0) {
		t->kind = T_VARIABLE;
	} else if (c == '?' && mysql) {
		t->kind = T_PARAM;
		t->to = l->at + 1;
	} else {
		punct_read(l, t);
	}
	l->at = t->to;
	l->before = t->kind;
}

