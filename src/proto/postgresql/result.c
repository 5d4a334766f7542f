/* How a statement ended: its tag, or the fields of an error. */
#include "proto/postgresql/read.h"

#define TEXT_KEPT 512 /* bytes of an error's message */

/* The first tag is kept in the message itself; most have no second. */
static void tags_add(const struct parser *ps, struct pg_response *a, struct str tag)
{
	struct strs *t = &a->tags;
	if (t->n >= MAX(ps->opt->max_records, 1))
		return;
	if (t->n == 0) {
		t->v = &a->first_tag;
	} else if ((t->n & (t->n - 1)) == 0) { /* 1, 2, 4, …: full */
		struct str *v = arena_alloc(&a->m.arena, (size_t)t->n * 2 * sizeof(*v));
		if (!v)
			return;
		memcpy(v, t->v, t->n * sizeof(*v));
		t->v = v;
	}
	t->v[t->n++] = arena_str(&a->m.arena, tag.p, tag.n);
}

/* The number at the end of "SELECT 5" and "INSERT 0 5"; false when there is none. */
static bool tag_rows(struct str tag, u64 *rows)
{
	u32 at = tag.n;
	while (at > 0 && tag.p[at - 1] >= '0' && tag.p[at - 1] <= '9' && tag.n - at < 19)
		at--;
	if (at == tag.n || at == 0 || tag.p[at - 1] != ' ')
		return false;
	*rows = 0;
	for (u32 i = at; i < tag.n; i++)
		*rows = *rows * 10 + (u64)(tag.p[i] - '0');
	return true;
}

static u32 word_length(struct str tag)
{
	u32 n = 0;
	while (n < tag.n && tag.p[n] != ' ')
		n++;
	return n;
}

static bool has_words(struct str tag)
{
	u32 n = word_length(tag);
	return n + 1 < tag.n && (tag.p[n + 1] < '0' || tag.p[n + 1] > '9');
}

void pg_tag_take(const struct parser *ps, struct pg_response *a, struct str tag)
{
	u64 rows = 0;
	a->rows += tag_rows(tag, &rows) ? rows : a->counted;
	a->counted = 0;
	a->statements++;
	tags_add(ps, a, tag);
	if (a->tags.n == 1)
		a->command = str_make(a->first_tag.p, word_length(a->first_tag));
}

void pg_rows_take(struct pg_response *a)
{
	a->rows += a->counted;
	a->counted = 0;
	if (a->statements < 2 && a->tags.n && !has_words(a->first_tag))
		a->tags.n = 0; /* command and rows say it all */
}

void pg_error_take(const struct parser *ps, struct pg_response *a, struct rd fields)
{
	struct str severity = { 0 }, local = { 0 }, code = { 0 }, text = { 0 };
	for (u8 field; (field = rd_u8(&fields)) != 0 && !fields.bad;) {
		struct str value = pg_cstr(&fields);
		struct str *into = field == 'V' ? &severity : field == 'S' ? &local : field == 'C' ? &code : field == 'M' ? &text : NULL;
		if (into && !into->n)
			*into = value;
	}
	if (!severity.n)
		severity = local; /* before PostgreSQL 9.6: translated */
	a->severity = arena_str(&a->m.arena, severity.p, MIN(severity.n, 32));
	a->code = arena_str(&a->m.arena, code.p, MIN(code.n, 16));
	const struct pg_request *q = pg_request_of(a);
	if (ps->opt->details)
		a->text = sql_error_text(&a->m.arena, str_make(text.p, sql_cut(text, TEXT_KEPT)), q && q->sql.masked);
	a->m.error = a->code.n ? a->code : STR("error");
	a->m.flags |= MSG_FAILED;
}

bool pg_is_crash(struct rd fields)
{
	for (u8 field; (field = rd_u8(&fields)) != 0 && !fields.bad;) {
		struct str value = pg_cstr(&fields);
		if (field == 'C')
			return str_eq(value, STR("57P02"));
	}
	return false;
}
