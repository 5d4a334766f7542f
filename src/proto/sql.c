/* Lexical only: a grammar of two databases and all their versions would be wrong more often. MySQL 8.4 manual section 11.1 to 11.7,
 * MariaDB "Identifier Names", "Comment Syntax"; PostgreSQL manual section 4.1. */
#include "proto/sql.h"

#define FINGERPRINT_MAX 4096 /* bytes while it is being made */
#define LEVELS 32            /* parentheses within each other that are understood; deeper ones are copied */
#define MASKS 16             /* secrets of one statement; behind the last the text ends */
#define WORD_MAX 18          /* longest word that means something here */
#define TABLE_MAX 192

enum token_kind { T_END, T_SPACE, T_COMMENT, T_WORD, T_QUOTED, T_STRING, T_NUMBER, T_PARAM, T_VARIABLE, T_PUNCT };

struct token {
	u8 kind;    /* enum token_kind */
	u8 c;       /* first byte */
	u8 word;    /* enum word of a T_WORD */
	bool opens; /* T_WORD: an operand comes behind it, so "(" is none of a call and a sign none of a subtraction; T_PUNCT: it is "::" */
	u32 from, to;
	char low[WORD_MAX]; /* T_WORD: in lower case, when it is short enough */
};

struct lexer {
	const u8 *p;
	u32 n, at;
	u8 dialect;
	u8 before;      /* kind of the token that ends at `at` */
	bool executes;  /* within a comment that MySQL executes */
};

/* Words that mean something here. */
enum word {
	W_NONE, W_ACCOUNT, W_ALTER, W_ARRAY, W_AS, W_BY, W_CALL, W_CHANGE, W_CLONE, W_CONNECTION, W_COPY, W_CREATE, W_DECLARE,
	W_DEFAULT, W_DELETE, W_DESCRIBE, W_DO, W_DROP, W_EXECUTE, W_EXPLAIN, W_FALSE, W_FOR, W_FROM, W_GRANT, W_IDENTIFIED, W_IN, W_INSERT,
	W_INTO, W_IS, W_KEYED, W_LOAD, W_LOCK, W_MERGE, W_NOT, W_NULL, W_ON, W_PREPARE, W_REPLACE, W_REQUIRE, W_ROW, W_SELECT, W_SET,
	W_SKIPPED, W_START, W_TABLE, W_TO, W_TRUE, W_TRUNCATE, W_UPDATE, W_VALUES, W_VIA, W_WITH,
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
static const struct keyword kw_w[] = { { "where", W_NONE, 1 }, { "when", W_NONE, 1 }, { "with", W_WITH, 1 }, { 0 } };

static const struct keyword *const keywords[26] = { kw_a, kw_b, kw_c, kw_d, kw_e, kw_f, kw_g, kw_h, kw_i, kw_j, NULL, kw_l, kw_m, kw_n, kw_o, kw_p,
	kw_q, kw_r, kw_s, kw_t, kw_u, kw_v, kw_w, NULL, NULL, NULL };

enum { C_SPACE = 1, C_DIGIT = 2, C_LETTER = 4, C_OPERATOR = 8 };

static u8 class_of(u8 c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80)
		return C_LETTER;
	if (c >= '0' && c <= '9')
		return C_DIGIT;
	if (c == ' ' || (c >= '\t' && c <= '\r') || c == 0)
		return C_SPACE;
	return c != 0 && strchr("<>=!&|^~%:@#?", c) ? C_OPERATOR : 0;
}

static u8 lower(u8 c)
{
	return c >= 'A' && c <= 'Z' ? (u8)(c + ('a' - 'A')) : c;
}

size_t sql_cut(struct str text, size_t limit)
{
	const u8 *p = (const u8 *)text.p;
	size_t cut = limit;
	if (text.n <= limit)
		return text.n;
	while (cut > 0 && limit - cut < 3 && (p[cut] & 0xc0) == 0x80)
		cut--;
	return (p[cut] & 0xc0) == 0x80 ? limit : cut;
}

/* The lexer. */

static u8 peek(const struct lexer *l, u32 ahead)
{
	return l->at + ahead < l->n ? l->p[l->at + ahead] : 0;
}

/* Behind the quotation that begins at `at`: doubled quotes, and where `escapes` a backslash, do not end it. */
static u32 quoted_end(const struct lexer *l, u32 at, bool escapes)
{
	u8 quote = l->p[at++];
	for (; at < l->n; at++) {
		if (escapes && l->p[at] == '\\')
			at++;
		else if (l->p[at] == quote && at + 1 < l->n && l->p[at + 1] == quote)
			at++;
		else if (l->p[at] == quote)
			return at + 1;
	}
	return l->n;
}

static u32 line_end(const struct lexer *l)
{
	const u8 *end = memchr(l->p + l->at, '\n', l->n - l->at);
	return end ? (u32)(end - l->p) + 1 : l->n;
}

/* Behind the comment that begins here; PostgreSQL's may hold others. */
static u32 comment_end(const struct lexer *l)
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
static u32 comment_here(struct lexer *l)
{
	u8 c = peek(l, 0), next = peek(l, 1);
	bool mysql = l->dialect == SQL_MYSQL;
	if (c == '#' && mysql)
		return line_end(l);
	if (c == '-' && next == '-' && (!mysql || l->at + 2 == l->n || class_of(peek(l, 2)) == C_SPACE))
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
	while (class_of(peek(l, mark)) == C_DIGIT)
		mark++;
	return l->at + mark;
}

/* $1, or $tag$ … $tag$; 0 when it is neither. */
static u32 dollar_end(const struct lexer *l, u8 *kind)
{
	u32 at = l->at + 1;
	*kind = T_PARAM;
	while (at < l->n && class_of(l->p[at]) == C_DIGIT)
		at++;
	if (at > l->at + 1)
		return at;
	while (at < l->n && class_of(l->p[at]) & (C_LETTER | C_DIGIT))
		at++;
	if (at >= l->n || l->p[at] != '$')
		return 0;
	u32 tag = at + 1 - l->at;
	const u8 *close = memmem(l->p + at + 1, l->n - at - 1, l->p + l->at, tag);
	*kind = T_STRING;
	return close ? (u32)(close - l->p) + tag : l->n;
}

static u32 number_end(const struct lexer *l)
{
	u32 at = l->at;
	for (bool exponent = false; at < l->n; at++) {
		u8 c = l->p[at], kind = class_of(c);
		bool sign = (c == '+' || c == '-') && exponent;
		exponent = (c == 'e' || c == 'E') && !(l->p[l->at] == '0' && l->at + 1 < l->n && lower(l->p[l->at + 1]) == 'x');
		if (!(kind & (C_DIGIT | C_LETTER)) && c != '.' && !sign)
			break;
	}
	return at;
}

/* "1st" is a name in MySQL, 1e5, 0x1f and 0b1 are not. */
static bool is_name(const struct lexer *l, u32 to)
{
	u8 second = lower(peek(l, 1));
	if (l->dialect != SQL_MYSQL || (l->p[l->at] == '0' && (second == 'x' || second == 'b')))
		return false;
	for (u32 at = l->at; at < to; at++) {
		u8 c = lower(l->p[at]);
		bool exponent = c == 'e' && at + 1 < to && class_of(l->p[at + 1]) != C_LETTER;
		if (c == '.' || exponent)
			return false;
		if (class_of(c) == C_LETTER)
			return true;
	}
	return false;
}

static void word_know(struct token *t, const u8 *p)
{
	u32 n = t->to - t->from;
	t->word = W_NONE;
	t->low[0] = '\0';
	if (n >= WORD_MAX)
		return;
	for (u32 i = 0; i < n; i++)
		t->low[i] = (char)lower(p[t->from + i]);
	t->low[n] = '\0';
	const struct keyword *k = t->low[0] >= 'a' && t->low[0] <= 'z' ? keywords[t->low[0] - 'a'] : NULL;
	for (; k && k->text; k++)
		if (strcmp(k->text, t->low) == 0) {
			t->word = k->word;
			t->opens = k->opens;
			return;
		}
}

/* A word, or a string that begins with one: N'…', _utf8'…', E'…', U&'…'. */
static void word_read(struct lexer *l, struct token *t)
{
	u32 at = l->at;
	while (at < l->n && (class_of(l->p[at]) & (C_LETTER | C_DIGIT) || l->p[at] == '$'))
		at++;
	u32 n = at - l->at;
	u8 first = lower(l->p[l->at]);
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
static u32 variable_end(const struct lexer *l)
{
	u32 at = l->at + 1;
	if (l->before == T_STRING || l->before == T_QUOTED || l->before == T_WORD)
		return 0;
	if (at < l->n && l->p[at] == '@')
		at++;
	if (at < l->n && (l->p[at] == '`' || l->p[at] == '\'' || l->p[at] == '"'))
		return quoted_end(l, at, true);
	while (at < l->n && (class_of(l->p[at]) & (C_LETTER | C_DIGIT) || l->p[at] == '.' || l->p[at] == '$'))
		at++;
	return at;
}

static void punct_read(struct lexer *l, struct token *t)
{
	t->kind = T_PUNCT;
	t->to = l->at + 1;
	if (t->c == '-' && peek(l, 1) == '>')
		t->to += peek(l, 2) == '>' ? 2 : 1;
	if (class_of(t->c) != C_OPERATOR)
		return;
	while (t->to < l->n && class_of(l->p[t->to]) == C_OPERATOR && !(l->dialect == SQL_MYSQL && strchr("@#?", l->p[t->to])))
		t->to++;
	t->opens = t->c == ':' && t->to == l->at + 2 && l->p[l->at + 1] == ':';
}

static void token_read(struct lexer *l, struct token *t)
{
	u8 c = peek(l, 0), kind = class_of(c);
	bool mysql = l->dialect == SQL_MYSQL;
	t->kind = T_END;
	t->c = c;
	t->from = t->to = l->at;
	t->word = W_NONE;
	t->opens = false;
	t->low[0] = '\0';
	if (l->at >= l->n)
		return;
	if (kind == C_SPACE) {
		t->kind = T_SPACE;
		while (t->to < l->n && class_of(l->p[t->to]) == C_SPACE)
			t->to++;
	} else if (kind == C_LETTER) {
		word_read(l, t);
	} else if (kind == C_DIGIT || (c == '.' && class_of(peek(l, 1)) == C_DIGIT && l->before != T_WORD && l->before != T_QUOTED)) {
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

/* Secrets. */

enum secret_state {
	S_NONE,
	S_NEXT,       /* the next string, behind "=", "(", TO, is one */
	S_USER,       /* SET PASSWORD FOR 'user'@'host': behind "=" or TO */
	S_IDENTIFIED, /* all strings are, up to the next user */
	S_PLUGIN,     /* IDENTIFIED WITH: the next string is no secret */
	S_NAMED,      /* a function whose arguments are secret, when "(" follows */
	S_CALL,       /* all strings are, up to the closing parenthesis */
};

struct range {
	u32 from, to;
};

struct secrets {
	u8 state, first; /* enum secret_state; first word of the statement */
	u32 depth, call; /* parentheses open; those outside of S_CALL */
	u32 masks;
	struct range mask[MASKS];
};

/* Statements that carry credentials of the database. */
static bool is_administrative(u8 first)
{
	return first == W_CREATE || first == W_ALTER || first == W_SET || first == W_GRANT || first == W_CHANGE || first == W_START || first == W_CLONE;
}

/* Statements whose strings may be statements. */
static bool holds_statements(u8 first)
{
	return first == W_PREPARE || first == W_EXECUTE || first == W_DO || first == W_CREATE || first == W_SET;
}

static bool begins_with(const u8 *p, u32 left, const char *word)
{
	size_t n = strlen(word);
	for (size_t i = 0; i < n; i++)
		if (i >= left || lower(p[i]) != (u8)word[i])
			return false;
	return true;
}

/* Does a string hold a statement with a secret, or a connection string with a password? */
static bool tells_secret(const u8 *p, u32 n)
{
	for (u32 i = 1; i + 8 < n; i++) {
		u8 c = lower(p[i]);
		if (c == 'i' && begins_with(p + i, n - i, "identified"))
			return true;
		if (c != 'p' || !begins_with(p + i, n - i, "password"))
			continue;
		u32 at = i + 8;
		while (at < n && (class_of(p[at]) == C_SPACE || p[at] == '=' || p[at] == '('))
			at++;
		if (at < n && (p[at] == '\'' || p[at] == '"' || p[at - 1] == '='))
			return true;
	}
	return false;
}

static bool ends_in_password(const u8 *p, const struct token *t)
{
	u32 to = t->to - (t->kind == T_QUOTED);
	return to >= t->from + 8 && begins_with(p + to - 8, 8, "password");
}

static u8 secret_begins(const struct secrets *s, const u8 *p, const struct token *t)
{
	bool password = ends_in_password(p, t);
	if (!is_administrative(s->first))
		return t->word == W_KEYED || password ? S_NAMED : S_NONE;
	if (t->word == W_IDENTIFIED)
		return S_IDENTIFIED;
	if (password || t->word == W_CONNECTION || (t->word == W_REPLACE && s->masks))
		return S_NEXT;
	return t->word == W_KEYED ? S_NAMED : S_NONE;
}

static void secrets_word(struct secrets *s, const u8 *p, const struct token *t)
{
	if (!s->first)
		s->first = t->word ? t->word : UINT8_MAX;
	switch (s->state) {
	case S_CALL:
		return;
	case S_IDENTIFIED:
	case S_PLUGIN:
		if (t->word == W_REQUIRE || t->word == W_ACCOUNT || t->word == W_DEFAULT)
			s->state = S_NONE;
		else
			s->state = t->word == W_WITH || t->word == W_VIA ? S_PLUGIN : S_IDENTIFIED;
		return;
	case S_USER:
		s->state = t->word == W_TO ? S_NEXT : S_USER;
		return;
	case S_NEXT:
		if (t->word == W_FOR)
			s->state = S_USER;
		if (t->word == W_FOR || t->word == W_TO || t->word == W_BY)
			return;
	}
	s->state = secret_begins(s, p, t);
}

static void secrets_punct(struct secrets *s, u8 c)
{
	if (c == ';') {
		s->state = s->first = 0;
		s->depth = 0;
		return;
	}
	if (s->state == S_NAMED) {
		s->state = c == '(' ? S_CALL : S_NONE;
		s->call = s->depth;
	} else if (s->state == S_USER && c == '=') {
		s->state = S_NEXT;
	} else if (s->state == S_NEXT && c != '(' && c != '=' && c != ':') {
		s->state = S_NONE;
	} else if ((s->state == S_IDENTIFIED || s->state == S_PLUGIN) && c == ',' && !s->depth) {
		s->state = S_NONE;
	}
	s->depth += c == '(';
	s->depth -= c == ')' && s->depth;
	if (c == ')' && s->state == S_CALL && s->depth <= s->call)
		s->state = S_NONE;
}

static void secrets_take(struct secrets *s, const u8 *p, const struct token *t)
{
	bool hex = t->kind == T_NUMBER && t->to - t->from > 2 && lower(p[t->from + 1]) == 'x';
	if (t->kind == T_WORD || t->kind == T_QUOTED)
		secrets_word(s, p, t);
	if (t->kind == T_PUNCT)
		secrets_punct(s, t->c);
	if (t->kind != T_STRING && !hex)
		return;
	bool secret = s->state == S_NEXT || s->state == S_IDENTIFIED || s->state == S_CALL;
	if (!secret && t->kind == T_STRING && holds_statements(s->first))
		secret = tells_secret(p + t->from, t->to - t->from);
	if (secret && s->masks < MASKS)
		s->mask[s->masks++] = (struct range){ t->from, t->to };
	if (s->state == S_NEXT || s->state == S_NAMED)
		s->state = S_NONE;
}

/* Writing. */

struct out {
	char *p;
	u32 n, cap;
	bool full;
};

static void put(struct out *o, const void *p, u32 n)
{
	o->full |= n > o->cap - o->n;
	if (o->full || !n)
		return;
	memcpy(o->p + o->n, p, n);
	o->n += n;
}

static void put_lower(struct out *o, const u8 *p, u32 n)
{
	o->full |= n > o->cap - o->n;
	for (u32 i = 0; i < n && !o->full; i++)
		o->p[o->n++] = (char)lower(p[i]);
}

static bool is_literal(const struct token *t)
{
	return t->kind == T_STRING || t->kind == T_NUMBER;
}

struct redaction {
	struct out out;
	bool space;
	u8 before;
};

static void redact(struct redaction *r, const u8 *p, const struct token *t)
{
	if (t->kind == T_SPACE || t->kind == T_COMMENT) {
		r->space = true;
		return;
	}
	if (t->kind == T_STRING && r->before == T_STRING)
		return; /* 'a' 'b' is one string */
	if (r->space && r->out.n)
		put(&r->out, " ", 1);
	if (is_literal(t))
		put(&r->out, "?", 1);
	else
		put(&r->out, p + t->from, t->to - t->from);
	r->space = false;
	r->before = t->kind;
}

enum items { I_NONE, I_LIST, I_ROWS };

/* Within one pair of parentheses, or outside of all. */
struct level {
	u8 items;   /* enum items: equal ones are left out */
	bool began; /* the item in progress has begun at `item` */
	u32 item, last, last_n; /* places in the output; the item before has last_n bytes */
};

struct fingerprint {
	struct out out;
	struct token before; /* the latest token written; T_END at the beginning */
	u8 sign;             /* "-" or "+" that may belong to a number; 0 none */
	u32 depth;
	struct level levels[LEVELS];
};

static struct level *level_of(struct fingerprint *f)
{
	return f->depth < LEVELS ? &f->levels[f->depth] : NULL;
}

/* The item in progress is complete: it goes when it equals the one before. */
static void item_end(struct fingerprint *f, struct level *l)
{
	if (!l->began)
		return;
	u32 n = f->out.n - l->item;
	l->began = false;
	if (l->last_n && l->last_n == n && memcmp(f->out.p + l->item, f->out.p + l->last, n) == 0) {
		f->out.n = l->last + l->last_n;
		return;
	}
	l->last = l->item;
	l->last_n = n;
}

static bool wants_space(const struct token *b, const struct token *t)
{
	bool glue = t->kind == T_PUNCT && (strchr(",)];.[", t->c) || t->opens);
	bool after = b->kind == T_PUNCT && (strchr("([.", b->c) || b->opens);
	if (b->kind == T_END || glue || after)
		return false;
	if ((t->kind == T_PUNCT && t->c == '@' && t->to - t->from == 1) || (b->kind == T_PUNCT && b->c == '@' && b->to - b->from == 1))
		return false;
	if (t->kind == T_PUNCT && t->c == '(')
		return b->kind == T_WORD ? b->opens : b->kind == T_PUNCT;
	return true;
}

/* NULL and the like are values, unless they are part of a predicate or of DDL. */
static bool is_value_word(const struct fingerprint *f, const struct token *t)
{
	bool value = t->word == W_NULL || t->word == W_TRUE || t->word == W_FALSE || t->word == W_DEFAULT;
	return value && f->before.kind == T_PUNCT && f->before.c != ')';
}

static void write_token(struct fingerprint *f, const u8 *p, const struct token *t)
{
	struct level *l = level_of(f);
	bool item = l && l->items && !l->began;
	if (wants_space(&f->before, t))
		put(&f->out, " ", 1);
	if (item) {
		l->began = true;
		l->item = f->out.n;
	}
	if (is_literal(t) || t->kind == T_PARAM || is_value_word(f, t))
		put(&f->out, "?", 1);
	else if (t->kind == T_WORD || t->kind == T_VARIABLE)
		put_lower(&f->out, p + t->from, t->to - t->from);
	else
		put(&f->out, p + t->from, t->to - t->from);
	f->before = *t;
}

static void bracket_open(struct fingerprint *f, const u8 *p, const struct token *t)
{
	bool list = t->c == '(' ? f->before.kind == T_WORD && f->before.word == W_IN : f->before.kind == T_WORD && f->before.word == W_ARRAY;
	write_token(f, p, t);
	f->depth++;
	struct level *l = level_of(f);
	if (l)
		*l = (struct level){ .items = list ? I_LIST : I_NONE };
}

static void bracket_close(struct fingerprint *f, const u8 *p, const struct token *t)
{
	struct level *l = level_of(f);
	if (l && l->items)
		item_end(f, l);
	if (f->depth)
		f->depth--;
	l = level_of(f);
	u8 items = l ? l->items : I_NONE;
	if (wants_space(&f->before, t))
		put(&f->out, " ", 1);
	put(&f->out, p + t->from, 1);
	f->before = *t;
	if (l)
		l->items = items;
}

/* A token behind VALUES at the same level: is it part of the rows? */
static bool continues_rows(const struct fingerprint *f, const struct token *t)
{
	bool behind_row = f->before.kind == T_PUNCT && f->before.c == ')';
	if (t->kind == T_PUNCT && t->c == ',')
		return behind_row;
	return !behind_row && ((t->kind == T_PUNCT && t->c == '(') || t->word == W_ROW);
}

static void fingerprint_write(struct fingerprint *f, const u8 *p, const struct token *t)
{
	struct level *l = level_of(f);
	if (l && l->items == I_ROWS && !continues_rows(f, t)) {
		item_end(f, l);
		l->items = I_NONE;
	}
	if (t->kind == T_PUNCT && (t->c == '(' || t->c == '[')) {
		bracket_open(f, p, t);
	} else if (t->kind == T_PUNCT && (t->c == ')' || t->c == ']')) {
		bracket_close(f, p, t);
	} else if (t->kind == T_PUNCT && t->c == ',' && l && l->items) {
		item_end(f, l);
		put(&f->out, ",", 1);
		f->before = *t;
	} else {
		write_token(f, p, t);
		if (l && t->word == W_VALUES)
			*l = (struct level){ .items = I_ROWS };
	}
}

static void fingerprint_take(struct fingerprint *f, const u8 *p, const struct token *t)
{
	if (t->kind == T_SPACE || t->kind == T_COMMENT || (t->kind == T_STRING && f->before.kind == T_STRING && !f->sign))
		return;
	const struct token *b = &f->before;
	bool prefix = b->kind == T_END || (b->kind == T_PUNCT && b->c != ')' && b->c != ']') || (b->kind == T_WORD && b->opens);
	if (f->sign && t->kind != T_NUMBER) {
		struct token sign = { .kind = T_PUNCT, .c = f->sign };
		sign.to = sign.from + 1;
		fingerprint_write(f, &f->sign, &sign);
	}
	f->sign = 0;
	if (t->kind == T_PUNCT && (t->c == '-' || t->c == '+') && t->to - t->from == 1 && prefix)
		f->sign = t->c;
	else
		fingerprint_write(f, p, t);
}

/* What is left open at the end: complete items, or, where the text was cut, none that are not. */
static void fingerprint_end(struct fingerprint *f, bool whole)
{
	for (u32 i = 0; i <= MIN(f->depth, LEVELS - 1); i++) {
		struct level *l = &f->levels[i];
		if (!l->items)
			continue;
		if (whole && i == f->depth && !f->out.full)
			item_end(f, l);
		else if (l->last_n) {
			f->out.n = l->last + l->last_n;
			break;
		}
	}
	while (f->out.n && (f->out.p[f->out.n - 1] == ';' || f->out.p[f->out.n - 1] == ' '))
		f->out.n--;
}

/* Operation and table. */

enum seek { SEEK, EXPECT, NAMED, DOTTED, FOUND };

struct naming {
	struct str operation;
	char table[TABLE_MAX];
	u32 table_n;
	u8 word;     /* enum word of the operation */
	bool behind_with;
	u8 seek;     /* enum seek */
	u32 depth;
	u32 queries; /* bit d: the parenthesis at depth d holds a query */
	bool opened; /* a parenthesis has just been opened */
};

static bool is_main_word(u8 w)
{
	return w == W_SELECT || w == W_INSERT || w == W_UPDATE || w == W_DELETE || w == W_REPLACE || w == W_MERGE || w == W_VALUES || w == W_TABLE;
}

/* Does a table's name come behind this word? */
static bool announces_table(const struct naming *m, const struct token *t)
{
	bool from = is_main_word(m->word) || m->word == W_CREATE || m->word == W_EXPLAIN || m->word == W_DECLARE;
	switch (t->word) {
	case W_FROM:
		return from && (m->depth == 0 || (m->depth < 32 && m->queries >> m->depth & 1));
	case W_INTO:
		return m->word == W_INSERT || m->word == W_REPLACE || m->word == W_MERGE || m->word == W_LOAD;
	case W_TABLE:
		return m->word == W_CREATE || m->word == W_ALTER || m->word == W_DROP || m->word == W_TRUNCATE || m->word == W_LOCK || m->word == W_TABLE;
	case W_ON:
		return m->word == W_CREATE || m->word == W_GRANT;
	default:
		return false;
	}
}

static void operation_take(struct naming *m, const u8 *p, const struct token *t)
{
	if (t->word == W_WITH && !m->behind_with) {
		m->behind_with = true;
		return;
	}
	if (m->behind_with && (m->depth || !is_main_word(t->word)))
		return;
	m->operation = str_make(p + t->from, MIN(t->to - t->from, 32));
	m->word = t->word ? t->word : UINT8_MAX;
	if (t->word == W_UPDATE || t->word == W_CALL || t->word == W_COPY || t->word == W_TRUNCATE || t->word == W_DESCRIBE)
		m->seek = EXPECT;
}

static void table_add(struct naming *m, const u8 *p, const struct token *t)
{
	u32 quote = t->kind == T_QUOTED, n = t->to - t->from - MIN(2 * quote, t->to - t->from);
	n = MIN(n, TABLE_MAX - m->table_n);
	memcpy(m->table + m->table_n, p + t->from + quote, n);
	m->table_n += n;
}

static void naming_punct(struct naming *m, const struct token *t)
{
	if (t->c == '.' && m->seek == NAMED && m->table_n < TABLE_MAX) {
		m->table[m->table_n++] = '.';
		m->seek = DOTTED;
		return;
	}
	m->seek = m->seek == NAMED ? FOUND : m->seek == EXPECT ? SEEK : m->seek;
	if (t->c == '(') {
		m->depth++;
		m->opened = true;
		if (m->depth < 32)
			m->queries &= ~(1u << m->depth);
	} else if (t->c == ')' && m->depth) {
		m->depth--;
	}
}

static void naming_take(struct naming *m, const u8 *p, const struct token *t)
{
	if (t->kind == T_SPACE || t->kind == T_COMMENT || m->seek == FOUND)
		return;
	if (t->kind == T_PUNCT) {
		naming_punct(m, t);
		return;
	}
	if (m->opened && m->depth < 32 && (t->word == W_SELECT || t->word == W_WITH))
		m->queries |= 1u << m->depth;
	m->opened = false;
	if (t->kind == T_WORD && !m->operation.n)
		operation_take(m, p, t);
	else if (m->seek == NAMED)
		m->seek = FOUND;
	else if (m->seek == EXPECT && (t->word == W_SKIPPED || t->word == W_NOT || t->word == W_TABLE))
		return;
	else if ((m->seek == EXPECT || m->seek == DOTTED) && (t->kind == T_WORD || t->kind == T_QUOTED))
		table_add(m, p, t), m->seek = NAMED;
	else if (m->seek == EXPECT)
		m->seek = SEEK;
	else if (announces_table(m, t))
		m->seek = EXPECT;
}

/* All of it. */

struct reading {
	struct lexer lexer;
	struct secrets secrets;
	struct naming naming;
	struct redaction redaction;
	struct fingerprint fingerprint;
	char redacted[FINGERPRINT_MAX], text[FINGERPRINT_MAX];
};

static void read_tokens(struct reading *r, bool whole)
{
	struct token t;
	const u8 *p = r->lexer.p;
	for (;;) {
		token_read(&r->lexer, &t);
		if (t.kind == T_END)
			break;
		secrets_take(&r->secrets, p, &t);
		if (!whole && t.to == r->lexer.n && t.kind != T_STRING)
			break; /* it may go on */
		naming_take(&r->naming, p, &t);
		if (!r->redaction.out.full)
			redact(&r->redaction, p, &t);
		if (!r->fingerprint.out.full)
			fingerprint_take(&r->fingerprint, p, &t);
	}
	fingerprint_end(&r->fingerprint, whole);
}

/* The text with its secrets replaced; without any, and without memory for that, nothing is copied but its beginning. */
static struct str statement_make(struct arena *a, struct str text, u32 limit, const struct secrets *s)
{
	if (!s->masks)
		return arena_str(a, text.p, sql_cut(text, limit));
	struct out o = { .p = arena_alloc(a, MIN(text.n, limit) + (size_t)s->masks * sizeof(SQL_MASK)) };
	o.cap = o.p ? MIN(text.n, limit) + s->masks * (u32)sizeof(SQL_MASK) : 0;
	u32 at = 0;
	for (u32 i = 0; i < s->masks && at < limit; i++) {
		put(&o, text.p + at, MIN(s->mask[i].from, limit) - at);
		if (s->mask[i].from < limit)
			put(&o, SQL_MASK, sizeof(SQL_MASK) - 1);
		at = s->mask[i].to;
	}
	if (at < limit && s->masks < MASKS)
		put(&o, text.p + at, MIN(text.n, limit) - MIN(at, text.n));
	return str_make(o.p, sql_cut(str_make(o.p, o.n), limit));
}

static struct str summary_make(struct arena *a, const struct sql *sql)
{
	if (!sql->table.n)
		return sql->operation;
	char *p = arena_alloc(a, sql->operation.n + 1 + sql->table.n);
	if (!p)
		return sql->operation;
	memcpy(p, sql->operation.p, sql->operation.n);
	p[sql->operation.n] = ' ';
	memcpy(p + sql->operation.n + 1, sql->table.p, sql->table.n);
	return str_make(p, sql->operation.n + 1 + sql->table.n);
}

static struct str upper_make(struct arena *a, struct str s)
{
	char *p = s.n ? arena_alloc(a, s.n) : NULL;
	if (!p)
		return (struct str){ 0 };
	for (u32 i = 0; i < s.n; i++)
		p[i] = s.p[i] >= 'a' && s.p[i] <= 'z' ? (char)(s.p[i] - ('a' - 'A')) : s.p[i];
	return str_make(p, s.n);
}

void sql_read(struct arena *a, const struct proto_options *opt, enum sql_dialect dialect, struct str text, bool whole, struct sql *ret_sql)
{
	struct reading r;
	u32 limit = opt->statement_length, look = sql_look(opt);
	memset(&r, 0, offsetof(struct reading, fingerprint.levels[1]));
	whole = whole && text.n <= look;
	text.n = MIN(text.n, look);
	r.lexer = (struct lexer){ .p = (const u8 *)text.p, .n = text.n, .dialect = (u8)dialect };
	r.redaction.out = (struct out){ .p = r.redacted, .cap = sizeof(r.redacted) };
	r.fingerprint.out = (struct out){ .p = r.text, .cap = sizeof(r.text) };
	read_tokens(&r, whole);
	*ret_sql = (struct sql){ .masked = r.secrets.masks && !opt->show_secrets };
	if (opt->show_secrets)
		r.secrets.masks = 0;
	ret_sql->statement = statement_make(a, text, limit, &r.secrets);
	ret_sql->redacted = arena_str(a, r.redacted, sql_cut(str_make(r.redacted, r.redaction.out.n), limit));
	ret_sql->fingerprint = arena_str(a, r.text, sql_cut(str_make(r.text, r.fingerprint.out.n), limit));
	ret_sql->operation = upper_make(a, r.naming.operation);
	ret_sql->table = arena_str(a, r.naming.table, sql_cut(str_make(r.naming.table, r.naming.table_n), TABLE_MAX));
	ret_sql->summary = summary_make(a, ret_sql);
}

/* Where a quotation of the statement begins; message.n without one. */
static u32 quotation(struct str message)
{
	for (u32 i = 0; i + 6 <= message.n; i++)
		if (memcmp(message.p + i, "near ", 5) == 0 && (message.p[i + 5] == '\'' || message.p[i + 5] == '"'))
			return i + 5;
	return message.n;
}

/* Servers quote from where they stopped understanding, up to the end or to where they cut it. */
struct str sql_error_text(struct arena *a, struct str message, bool masked)
{
	u32 kept = masked ? quotation(message) : message.n;
	char *p = message.n ? arena_alloc(a, kept + sizeof(SQL_MASK)) : NULL;
	if (!p)
		return (struct str){ 0 };
	memcpy(p, message.p, kept);
	if (kept == message.n)
		return str_make(p, kept);
	memcpy(p + kept, SQL_MASK, sizeof(SQL_MASK) - 1);
	return str_make(p, kept + sizeof(SQL_MASK) - 1);
}
