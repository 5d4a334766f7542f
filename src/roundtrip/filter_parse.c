#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "roundtrip/filter_private.h"
#include "util/bytes.h"
#include "util/suggest.h"
#include "util/textline.h"

enum token_type { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_OP, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_COMMA, TOKEN_AND, TOKEN_OR, TOKEN_NOT, TOKEN_BAD };

struct token {
	enum token_type type;
	u32 at, n;       /* where in the expression */
	struct str text; /* a word, or a string without its quotes */
	u8 op;           /* TOKEN_OP: enum test_op */
	bool negative;   /* TOKEN_OP: != !~ */
};

struct filter_parser {
	const char *text;
	u32 n, at; /* of the text; behind the token */
	struct token token;
	struct rt_filter *filter;
	const struct proto *const *protos;
	struct buf *error;
	char *pool; /* next free byte of filter->text */
	unsigned depth;
	bool failed;
};

/* The first thing that is wrong, with its place; later ones follow from it and are not told. */
static void fail_at(struct filter_parser *ps, u32 at, u32 n, const char *format, ...) __attribute__((format(printf, 4, 5)));
static void fail_at(struct filter_parser *ps, u32 at, u32 n, const char *format, ...)
{
	va_list ap;
	char text[512];
	if (ps->failed)
		return;
	ps->failed = true;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	text_clean(ps->error, str_from(text), TEXT_WHOLE);
	text_caret(ps->error, str_make(ps->text, ps->n), at, n);
}

#define FAIL(ps, ...) fail_at(ps, (ps)->token.at, (ps)->token.n, __VA_ARGS__)

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word_char(char c)
{
	return (unsigned char)c > ' ' && !strchr("()\"',=!<>~&|", c);
}

/* One character after a backslash inside quotes; *i is at it. Unknown ones keep the backslash, for patterns. */
static void unescape(struct filter_parser *ps, u32 *i)
{
	char c = ps->text[*i];
	int high = -1, low = -1;
	if (c == 'x' && *i + 2 < ps->n) {
		high = hex_digit(ps->text[*i + 1]);
		low = hex_digit(ps->text[*i + 2]);
	}
	if (c == 'n' || c == 't' || c == 'r') {
		c = c == 'n' ? '\n' : c == 't' ? '\t' : '\r';
	} else if (high >= 0 && low >= 0) {
		c = (char)(high << 4 | low);
		*i += 2;
	} else if (c != '"' && c != '\'' && c != '\\') {
		*ps->pool++ = '\\';
	}
	*ps->pool++ = c;
}

static void lex_string(struct filter_parser *ps)
{
	char quote = ps->text[ps->at];
	const char *start = ps->pool;
	u32 i = ps->at + 1;
	for (; i < ps->n && ps->text[i] != quote; i++) {
		if (ps->text[i] == '\\' && i + 1 < ps->n) {
			i++;
			unescape(ps, &i);
		} else {
			*ps->pool++ = ps->text[i];
		}
	}
	ps->token.type = TOKEN_STRING;
	ps->token.text = str_make(start, (size_t)(ps->pool - start));
	ps->token.n = i - ps->at + (i < ps->n);
	if (i == ps->n) {
		ps->token.type = TOKEN_BAD;
		FAIL(ps, "the closing %c is missing", quote);
	}
}

static void lex_word(struct filter_parser *ps)
{
	u32 i = ps->at;
	while (i < ps->n && is_word_char(ps->text[i]))
		i++;
	ps->token.type = TOKEN_WORD;
	ps->token.n = i - ps->at;
	ps->token.text = str_make(ps->pool, ps->token.n);
	memcpy(ps->pool, ps->text + ps->at, ps->token.n);
	ps->pool += ps->token.n;
}

struct symbol {
	const char *text;
	enum token_type type;
	enum test_op op;
	bool negative;
};

static const struct symbol symbols[] = { /* longer ones first */
	{ "==", TOKEN_OP, TEST_EQ, false },      { "!=", TOKEN_OP, TEST_EQ, true }, { "<=", TOKEN_OP, TEST_LE, false }, { ">=", TOKEN_OP, TEST_GE, false },
	{ "=~", TOKEN_OP, TEST_MATCH, false },   { "!~", TOKEN_OP, TEST_MATCH, true }, { "&&", TOKEN_AND, 0, false },      { "||", TOKEN_OR, 0, false },
	{ "=", TOKEN_OP, TEST_EQ, false },       { "<", TOKEN_OP, TEST_LT, false }, { ">", TOKEN_OP, TEST_GT, false },  { "~", TOKEN_OP, TEST_MATCH, false },
	{ "!", TOKEN_NOT, 0, false },            { "(", TOKEN_OPEN, 0, false },     { ")", TOKEN_CLOSE, 0, false },     { ",", TOKEN_COMMA, 0, false },
};

static void lex_symbol(struct filter_parser *ps)
{
	for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
		const struct symbol *s = &symbols[i];
		u32 len = (u32)strlen(s->text);
		if (ps->n - ps->at < len || memcmp(ps->text + ps->at, s->text, len) != 0)
			continue;
		ps->token.type = s->type;
		ps->token.n = len;
		ps->token.op = (u8)s->op;
		ps->token.negative = s->negative;
		return;
	}
	ps->token.type = TOKEN_BAD;
	ps->token.n = 1;
	FAIL(ps, "unexpected character");
}

/* Reads the next token. */
static void next(struct filter_parser *ps)
{
	while (ps->at < ps->n && is_space(ps->text[ps->at]))
		ps->at++;
	ps->token = (struct token){ .type = TOKEN_END, .at = ps->at };
	if (ps->at == ps->n)
		return;
	char c = ps->text[ps->at];
	if (c == '"' || c == '\'')
		lex_string(ps);
	else if (is_word_char(c))
		lex_word(ps);
	else
		lex_symbol(ps);
	ps->at += ps->token.n;
}

static bool is_keyword(const struct filter_parser *ps, const char *word)
{
	return ps->token.type == TOKEN_WORD && str_eq_nocase(ps->token.text, str_from(word));
}

static bool take(struct filter_parser *ps, enum token_type type, const char *word)
{
	if (ps->token.type != type && !(word && is_keyword(ps, word)))
		return false;
	next(ps);
	return true;
}

static unsigned add_step(struct filter_parser *ps, enum step_code code, unsigned at)
{
	struct rt_filter *f = ps->filter;
	if (f->steps_len == STEPS_MAX) {
		FAIL(ps, "the expression is too long: more than %d steps", STEPS_MAX);
		return 0;
	}
	f->steps[f->steps_len] = (struct step){ (u8)code, (u16)at };
	return f->steps_len++;
}

/* The set a text comes from, when it is small and known: for checking, and for suggestions. */
static size_t known_words(const struct filter_parser *ps, enum common id, const char **words, size_t max)
{
	size_t n = 0;
	if (id == COMMON_PROTO)
		for (; ps->protos[n] && n < max; n++)
			words[n] = ps->protos[n]->name;
	if (id == COMMON_OUTCOME)
		for (; n < OUTCOME_COUNT && n < max; n++)
			words[n] = outcome_name((enum outcome)n);
	return n;
}

static void check_word(struct filter_parser *ps, const struct test *t, struct str word)
{
	const char *words[PROTO_MAX];
	char text[64];
	size_t n = t->proto || t->op != TEST_EQ ? 0 : known_words(ps, t->common, words, ARRAY_LEN(words));
	for (size_t i = 0; i < n; i++)
		if (str_eq(word, str_from(words[i])))
			return;
	if (n == 0 || ps->failed)
		return;
	snprintf(text, sizeof(text), "%.*s", STR_ARG(word));
	const char *near = suggest(text, words, n);
	if (near)
		FAIL(ps, "no %s is called '%s', did you mean '%s'?", common_names[t->common].name, text, near);
	else
		FAIL(ps, "no %s is called '%s'", common_names[t->common].name, text);
}

static void fit_literal(struct filter_parser *ps, const struct test *t, struct literal *l)
{
	const char *problem;
	u32 at;
	if (t->op == TEST_MATCH) {
		int result = pattern_compile(l->text, &l->pattern, &problem, &at);
		if (result < 0)
			FAIL(ps, "regular expression: %s%s", problem, result == -EINVAL && at < l->text.n ? "" : " (at its end)");
		return;
	}
	check_word(ps, t, l->text);
	unsigned n = t->proto ? t->fields_len : 1;
	for (unsigned i = 0; i < n; i++) {
		enum value_kind kind = t->proto ? field_kind(ps->filter->fields[t->fields + i]) : common_names[t->common].kind;
		const char *expected = literal_fit(l, kind, t->op);
		if (expected)
			FAIL(ps, "expected %s", expected);
		bool ordered = t->op >= TEST_LT && t->op <= TEST_GE;
		if (ordered && (kind == VALUE_ADDRESS || kind == VALUE_BOOL))
			FAIL(ps, "%s values can be compared with == and != only", value_kind_name(kind));
	}
}

static void parse_literal(struct filter_parser *ps, struct test *t)
{
	struct rt_filter *f = ps->filter;
	if (ps->failed)
		return;
	if (ps->token.type != TOKEN_WORD && ps->token.type != TOKEN_STRING) {
		FAIL(ps, "expected a value");
		return;
	}
	if (f->literals_len == LITERALS_MAX) {
		FAIL(ps, "too many values: more than %d", LITERALS_MAX);
		return;
	}
	struct literal *l = &f->literals[f->literals_len++];
	l->text = ps->token.text;
	t->literals_len++;
	fit_literal(ps, t, l);
	next(ps);
}

static void parse_set(struct filter_parser *ps, struct test *t)
{
	t->op = TEST_EQ;
	if (!take(ps, TOKEN_OPEN, NULL)) {
		FAIL(ps, "expected ( after in");
		return;
	}
	do
		parse_literal(ps, t);
	while (!ps->failed && take(ps, TOKEN_COMMA, NULL));
	if (!ps->failed && !take(ps, TOKEN_CLOSE, NULL))
		FAIL(ps, "expected , or )");
}

static void unknown_name(struct filter_parser *ps)
{
	char near[FILTER_NAME_MAX];
	struct str name = ps->token.text;
	if (ps->token.type != TOKEN_WORD)
		FAIL(ps, ps->token.type == TOKEN_END ? "the expression ends here, expected a name such as http.status" : "expected a name such as http.status");
	else if (ps->filter->fields_len == FIELDS_MAX)
		FAIL(ps, "too many names");
	else if (rt_filter_nearest(ps->protos, name, near, sizeof(near)))
		FAIL(ps, "unknown name '%.*s', did you mean '%s'?", (int)MIN(name.n, 80u), name.p, near);
	else
		FAIL(ps, "unknown name '%.*s'", (int)MIN(name.n, 80u), name.p);
}

/* NAME [not] [OP VALUE] */
static void parse_comparison(struct filter_parser *ps)
{
	struct rt_filter *f = ps->filter;
	struct test t = { .op = TEST_EXISTS, .literals = (u16)f->literals_len };
	struct token name = ps->token;
	if (name.type != TOKEN_WORD || !rt_filter_resolve(f, ps->protos, name.text, &t)) {
		unknown_name(ps);
		return;
	}
	next(ps);
	bool compared = true, protocol = t.proto && !t.fields_len;
	struct token op = ps->token;
	if (is_keyword(ps, "not")) {
		t.negative = true;
		next(ps);
		if (!is_keyword(ps, "in") && !is_keyword(ps, "contains"))
			FAIL(ps, "expected in or contains after not");
	}
	if (take(ps, TOKEN_OP, NULL)) {
		t.op = op.op;
		t.negative = op.negative;
		parse_literal(ps, &t);
	} else if (is_keyword(ps, "contains")) {
		next(ps);
		t.op = TEST_CONTAINS;
		parse_literal(ps, &t);
	} else if (is_keyword(ps, "in")) {
		next(ps);
		parse_set(ps, &t);
	} else {
		compared = false;
	}
	if (compared && protocol)
		fail_at(ps, name.at, name.n, "a protocol's name stands alone (or: proto == %s)", t.proto->name);
	if (f->tests_len == TESTS_MAX) {
		FAIL(ps, "too many comparisons: more than %d", TESTS_MAX);
		return;
	}
	f->tests[f->tests_len] = t;
	add_step(ps, STEP_TEST, f->tests_len++);
}

static void parse_or(struct filter_parser *ps);

static void parse_not(struct filter_parser *ps)
{
	bool invert = false;
	while (take(ps, TOKEN_NOT, "not"))
		invert = !invert;
	if (ps->token.type == TOKEN_OPEN) {
		u32 open = ps->token.at;
		if (++ps->depth > NESTING_MAX)
			FAIL(ps, "too many parentheses within parentheses");
		next(ps);
		if (!ps->failed)
			parse_or(ps);
		ps->depth--;
		if (!ps->failed && ps->token.type == TOKEN_END)
			fail_at(ps, open, 1, "the closing ) is missing");
		else if (!ps->failed && !take(ps, TOKEN_CLOSE, NULL))
			FAIL(ps, "expected and, or, or )");
	} else {
		parse_comparison(ps);
	}
	if (invert)
		add_step(ps, STEP_NOT, 0);
}

static void parse_and(struct filter_parser *ps)
{
	parse_not(ps);
	while (!ps->failed && take(ps, TOKEN_AND, "and")) {
		unsigned jump = add_step(ps, STEP_JUMP_UNLESS, 0);
		parse_not(ps);
		ps->filter->steps[jump].at = (u16)ps->filter->steps_len;
	}
}

static void parse_or(struct filter_parser *ps)
{
	parse_and(ps);
	while (!ps->failed && take(ps, TOKEN_OR, "or")) {
		unsigned jump = add_step(ps, STEP_JUMP_IF, 0);
		parse_and(ps);
		ps->filter->steps[jump].at = (u16)ps->filter->steps_len;
	}
}

int rt_filter_compile_for(const struct proto *const *protos, const char *text, struct rt_filter **ret, struct buf *error)
{
	size_t n = strlen(text);
	*ret = NULL;
	if (n > FILTER_TEXT_MAX) {
		buf_addf(error, "the expression is longer than %d bytes\n", FILTER_TEXT_MAX);
		return -EINVAL;
	}
	struct rt_filter *f = calloc(1, sizeof(*f));
	char *pool = malloc(n + 1);
	if (!f || !pool) {
		free(f);
		free(pool);
		return -ENOMEM;
	}
	f->text = pool;
	struct filter_parser ps = { .text = text, .n = (u32)n, .filter = f, .protos = protos, .error = error, .pool = pool };
	next(&ps);
	if (!ps.failed)
		parse_or(&ps);
	if (!ps.failed && ps.token.type != TOKEN_END)
		fail_at(&ps, ps.token.at, ps.token.n, ps.token.type == TOKEN_CLOSE ? "this ) closes nothing" : "expected and, or, or the end of the expression");
	if (ps.failed) {
		rt_filter_free(f);
		return -EINVAL;
	}
	*ret = f;
	return 0;
}

void rt_filter_free(struct rt_filter *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->literals_len; i++)
		pattern_free(f->literals[i].pattern);
	free(f->text);
	free(f);
}
