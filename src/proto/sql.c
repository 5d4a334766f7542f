/* Lexical only: a grammar of two databases and all their versions would be wrong more often. */
#include "proto/sql.h"

#include "proto/sql_lex.h"
#include "proto/sql_shapes.h"

#define FINGERPRINT_MAX 4096 /* bytes while it is being made */
#define LEVELS 32            /* parentheses within each other that are understood; deeper ones are copied */
#define MASKS 16             /* secrets of one statement; behind the last the text ends */
#define TABLE_MAX 192

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
	bool looked;     /* into a string, so that what is found depends on literals */
	u32 depth, call; /* parentheses open; those outside of S_CALL */
	u32 parameters;
	bool secret_parameter; /* one of them stands where a secret would */
	bool rest;       /* all strings are, up to the end of the statement: one before them is a part of a statement that has a secret */
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
	return first == W_PREPARE || first == W_EXECUTE || first == W_DO || first == W_CREATE || first == W_ALTER || first == W_SET;
}

static bool begins_with(const u8 *p, u32 left, const char *word)
{
	size_t n = strlen(word);
	for (size_t i = 0; i < n; i++)
		if (i >= left || sql_lower(p[i]) != (u8)word[i])
			return false;
	return true;
}

/* Does a string hold a statement with a secret, or a connection string with a password? */
static bool tells_secret(const u8 *p, u32 n)
{
	for (u32 i = 1; i + 8 < n; i++) {
		u8 c = sql_lower(p[i]);
		if (c == 'i' && begins_with(p + i, n - i, "identified"))
			return true;
		if (c != 'p' || !begins_with(p + i, n - i, "password"))
			continue;
		u32 at = i + 8;
		while (at < n && (sql_class_of(p[at]) == C_SPACE || p[at] == '=' || p[at] == '('))
			at++;
		if (at < n && (p[at] == '\'' || p[at] == '"' || p[at - 1] == '='))
			return true;
	}
	return false;
}

static bool ends_in_password(const u8 *p, const struct sql_token *t)
{
	u32 to = t->to - (t->kind == T_QUOTED);
	return to >= t->from + 8 && begins_with(p + to - 8, 8, "password");
}

static u8 secret_begins(const struct secrets *s, const u8 *p, const struct sql_token *t)
{
	bool password = ends_in_password(p, t);
	if (!is_administrative(s->first))
		return t->word == W_KEYED || password ? S_NAMED : S_NONE;
	if (t->word == W_IDENTIFIED)
		return S_IDENTIFIED;
	if (password || t->word == W_BY || t->word == W_CONNECTION || (t->word == W_REPLACE && s->masks))
		return S_NEXT;
	return t->word == W_KEYED ? S_NAMED : S_NONE;
}

static void secrets_word(struct secrets *s, const u8 *p, const struct sql_token *t)
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
		s->rest = false;
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

static void secrets_take(struct secrets *s, const u8 *p, const struct sql_token *t)
{
	bool hex = t->kind == T_NUMBER && t->to - t->from > 2 && sql_lower(p[t->from + 1]) == 'x';
	if (t->kind == T_WORD || t->kind == T_QUOTED)
		secrets_word(s, p, t);
	if (t->kind == T_PUNCT)
		secrets_punct(s, t->c);
	if (likely(t->kind != T_STRING && t->kind != T_PARAM && !hex))
		return;
	bool secret = s->state == S_NEXT || s->state == S_IDENTIFIED || s->state == S_CALL || s->rest;
	if (t->kind == T_PARAM) {
		s->parameters++;
		s->secret_parameter |= secret;
		return;
	}
	if (!secret && t->kind == T_STRING && holds_statements(s->first)) {
		s->looked = true;
		secret = tells_secret(p + t->from, t->to - t->from);
		s->rest = secret && (s->first == W_PREPARE || s->first == W_EXECUTE || s->first == W_SET);
	}
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

static inline void put_byte(struct out *o, char c)
{
	o->full |= o->n == o->cap;
	if (!o->full)
		o->p[o->n++] = c;
}

static void put_lower(struct out *o, const u8 *p, u32 n)
{
	o->full |= n > o->cap - o->n;
	if (o->full)
		return;
	char *to = o->p + o->n;
	for (u32 i = 0; i < n; i++)
		to[i] = (char)sql_lower(p[i]);
	o->n += n;
}

static bool is_literal(const struct sql_token *t)
{
	return t->kind == T_STRING || t->kind == T_NUMBER;
}

struct redaction {
	struct out out;
	bool space;
	u8 before;
	u32 from, to; /* text that is still to be copied */
};

static void redact_flush(struct redaction *r, const u8 *p)
{
	if (r->to > r->from)
		put(&r->out, p + r->from, r->to - r->from);
	r->from = r->to = 0;
}

static void redact(struct redaction *r, const u8 *p, const struct sql_token *t)
{
	if (t->kind == T_SPACE || t->kind == T_COMMENT) {
		r->space = true;
		return;
	}
	if (t->kind == T_STRING && r->before == T_STRING)
		return; /* 'a' 'b' is one string */
	bool goes_on = !is_literal(t) && r->to && (r->to == t->from || (r->space && r->to + 1 == t->from && p[r->to] == ' '));
	if (goes_on) {
		r->to = t->to;
	} else {
		redact_flush(r, p);
		if (r->space && r->out.n)
			put_byte(&r->out, ' ');
		if (is_literal(t))
			put_byte(&r->out, '?');
		else
			r->from = t->from, r->to = t->to;
	}
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
	struct sql_token before; /* the latest token written; T_END at the beginning */
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

static bool wants_space(const struct sql_token *b, const struct sql_token *t)
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
static bool is_value_word(const struct fingerprint *f, const struct sql_token *t)
{
	bool value = t->word == W_NULL || t->word == W_TRUE || t->word == W_FALSE || t->word == W_DEFAULT;
	return value && f->before.kind == T_PUNCT && f->before.c != ')';
}

static void write_token(struct fingerprint *f, const u8 *p, const struct sql_token *t)
{
	struct level *l = level_of(f);
	bool item = l && l->items && !l->began;
	if (wants_space(&f->before, t))
		put_byte(&f->out, ' ');
	if (item) {
		l->began = true;
		l->item = f->out.n;
	}
	if (is_literal(t) || t->kind == T_PARAM || is_value_word(f, t))
		put_byte(&f->out, '?');
	else if (t->kind == T_WORD || t->kind == T_VARIABLE)
		put_lower(&f->out, p + t->from, t->to - t->from);
	else
		put(&f->out, p + t->from, t->to - t->from);
	f->before = *t;
}

static void bracket_open(struct fingerprint *f, const u8 *p, const struct sql_token *t)
{
	bool list = t->c == '(' ? f->before.kind == T_WORD && f->before.word == W_IN : f->before.kind == T_WORD && f->before.word == W_ARRAY;
	write_token(f, p, t);
	f->depth++;
	struct level *l = level_of(f);
	if (l)
		*l = (struct level){ .items = list ? I_LIST : I_NONE };
}

static void bracket_close(struct fingerprint *f, const u8 *p, const struct sql_token *t)
{
	struct level *l = level_of(f);
	if (l && l->items)
		item_end(f, l);
	if (f->depth)
		f->depth--;
	l = level_of(f);
	u8 items = l ? l->items : I_NONE;
	if (wants_space(&f->before, t))
		put_byte(&f->out, ' ');
	put_byte(&f->out, (char)p[t->from]);
	f->before = *t;
	if (l)
		l->items = items;
}

/* A token behind VALUES at the same level: is it part of the rows? */
static bool continues_rows(const struct fingerprint *f, const struct sql_token *t)
{
	bool behind_row = f->before.kind == T_PUNCT && f->before.c == ')';
	if (t->kind == T_PUNCT && t->c == ',')
		return behind_row;
	return !behind_row && ((t->kind == T_PUNCT && t->c == '(') || t->word == W_ROW);
}

static void fingerprint_write(struct fingerprint *f, const u8 *p, const struct sql_token *t)
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
		put_byte(&f->out, ',');
		f->before = *t;
	} else {
		write_token(f, p, t);
		if (l && t->word == W_VALUES)
			*l = (struct level){ .items = I_ROWS };
	}
}

static void fingerprint_take(struct fingerprint *f, const u8 *p, const struct sql_token *t)
{
	if (t->kind == T_SPACE || t->kind == T_COMMENT || (t->kind == T_STRING && f->before.kind == T_STRING && !f->sign))
		return;
	const struct sql_token *b = &f->before;
	bool prefix = b->kind == T_END || (b->kind == T_PUNCT && b->c != ')' && b->c != ']') || (b->kind == T_WORD && b->opens);
	if (f->sign && t->kind != T_NUMBER) {
		struct sql_token sign = { .kind = T_PUNCT, .c = f->sign };
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
	u8 word;     /* enum sql_word of the operation */
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
static bool announces_table(const struct naming *m, const struct sql_token *t)
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

static void operation_take(struct naming *m, const u8 *p, const struct sql_token *t)
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

static void table_add(struct naming *m, const u8 *p, const struct sql_token *t)
{
	u32 quote = t->kind == T_QUOTED, n = t->to - t->from - MIN(2 * quote, t->to - t->from);
	n = MIN(n, TABLE_MAX - m->table_n);
	memcpy(m->table + m->table_n, p + t->from + quote, n);
	m->table_n += n;
}

static void naming_punct(struct naming *m, const struct sql_token *t)
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

static void naming_take(struct naming *m, const u8 *p, const struct sql_token *t)
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
	struct sql_lexer lexer;
	struct secrets secrets;
	struct naming naming;
	struct redaction redaction;
	struct fingerprint fingerprint;
	char redacted[FINGERPRINT_MAX], text[FINGERPRINT_MAX];
};

static void read_tokens(struct reading *r, bool redacts, bool whole)
{
	struct sql_token t;
	const u8 *p = r->lexer.p;
	for (;;) {
		sql_token_read(&r->lexer, &t);
		if (t.kind == T_END)
			break;
		secrets_take(&r->secrets, p, &t);
		if (!whole && t.to == r->lexer.n && t.kind != T_STRING)
			break; /* it may go on */
		naming_take(&r->naming, p, &t);
		if (redacts && !r->redaction.out.full)
			redact(&r->redaction, p, &t);
		if (!r->fingerprint.out.full)
			fingerprint_take(&r->fingerprint, p, &t);
	}
	redact_flush(&r->redaction, p);
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

/* All but the statement; -> whether that depends on more than the statement's skeleton: on its literals, or on memory. */
static bool read_properly(struct arena *a, const struct proto_options *opt, enum sql_dialect dialect, struct str text, bool whole, struct sql *ret_sql, struct secrets *ret_secrets)
{
	struct reading r;
	u32 limit = opt->statement_length;
	u64 capped = a->pool->capped;
	memset(&r, 0, offsetof(struct reading, fingerprint.levels[1]));
	r.lexer = (struct sql_lexer){ .p = (const u8 *)text.p, .n = text.n, .dialect = (u8)dialect };
	r.redaction.out = (struct out){ .p = r.redacted, .cap = sizeof(r.redacted) };
	r.fingerprint.out = (struct out){ .p = r.text, .cap = sizeof(r.text) };
	read_tokens(&r, !opt->no_redacted, whole);
	*ret_sql = (struct sql){
		.masked = r.secrets.masks && !opt->show_secrets,
		.secret_values = (r.secrets.masks || r.secrets.secret_parameter) && !opt->show_secrets,
		.parameters = whole ? r.secrets.parameters : UINT32_MAX,
	};
	ret_sql->redacted = arena_str(a, r.redacted, sql_cut(str_make(r.redacted, r.redaction.out.n), limit));
	ret_sql->fingerprint = arena_str(a, r.text, sql_cut(str_make(r.text, r.fingerprint.out.n), limit));
	ret_sql->operation = upper_make(a, r.naming.operation);
	ret_sql->table = arena_str(a, r.naming.table, sql_cut(str_make(r.naming.table, r.naming.table_n), TABLE_MAX));
	ret_sql->summary = summary_make(a, ret_sql);
	*ret_secrets = r.secrets;
	return r.secrets.masks || r.secrets.looked || r.secrets.secret_parameter || a->pool->capped != capped;
}

void sql_read(struct arena *a, const struct proto_options *opt, enum sql_dialect dialect, struct sql_shapes *shapes, struct str text, bool whole, struct sql *ret_sql)
{
	struct sql_skeleton skeleton;
	struct secrets secrets = { 0 };
	u32 limit = opt->statement_length, look = sql_look(opt);
	whole = whole && text.n <= look;
	text.n = MIN(text.n, look);
	bool shaped = shapes && whole && sql_skeleton_make(&skeleton, dialect, text, (u64)limit << 1 | opt->no_redacted);
	if (!shaped || !sql_shapes_find(shapes, &skeleton, a, ret_sql)) {
		bool varies = read_properly(a, opt, dialect, text, whole, ret_sql, &secrets);
		if (shaped && !varies)
			sql_shapes_keep(shapes, &skeleton, ret_sql);
		if (opt->show_secrets)
			secrets.masks = 0;
	}
	ret_sql->statement = statement_make(a, text, limit, &secrets);
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
