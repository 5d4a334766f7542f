/* The beginning of a connection: messages without a type, and who it is that connects. */
#include "proto/postgresql/read.h"

#include <stdlib.h>

enum { TLS_HEAD = 5, TLS_LOOKED = 6 }; /* bytes of a record's head, and with the kind of message in it */

/* Several requests for encryption may come before the startup message; they are one exchange with it. */
static struct pg_request *startup_begin(struct parser *ps, struct pg_state *s)
{
	if (s->unit && s->unit->is == PG_STARTUP)
		return s->unit;
	pg_request_end(ps, s);
	return pg_request_begin(ps, s, PG_STARTUP);
}

/* Somebody else's session is to be cancelled, over a connection of its own, which the server closes. */
static void cancel_take(struct parser *ps, struct pg_state *s, struct rd r, u64 end)
{
	struct pg_request *q = pg_request_begin(ps, s, PG_CANCEL);
	s->unit = NULL;
	q->m.flags |= MSG_ONEWAY;
	q->m.size = end - q->m.start;
	q->m.end = end;
	q->process = rd_u32be(&r);
	parser_close(ps, &q->m);
}

static void who_keep(struct pg_state *s, struct str user, struct str database)
{
	user.n = MIN(user.n, (u32)PG_NAME_SHOWN);
	database.n = MIN(database.n, (u32)PG_NAME_SHOWN);
	free(s->who);
	s->who = malloc(user.n + database.n + 1);
	s->user_len = s->who ? (u8)user.n : 0;
	s->database_len = s->who ? (u8)database.n : 0;
	if (!s->who)
		return;
	memcpy(s->who, user.p ? user.p : "", user.n);
	memcpy(s->who + user.n, database.p ? database.p : "", database.n);
}

void pg_who_set(const struct parser *ps, struct pg_state *s, struct pg_request *q)
{
	if (!ps->opt->details)
		return;
	if (s->flags & PG_NO_STARTUP) {
		q->user = q->database = STR("?");
		return;
	}
	struct str both = arena_str(&q->m.arena, s->who, (size_t)s->user_len + s->database_len);
	if (!both.n)
		return;
	q->user = str_make(both.p, s->user_len);
	q->database = str_make(both.p + s->user_len, s->database_len);
}

static bool is_off(struct str value)
{
	return !value.n || str_eq(value, STR("0")) || str_eq_nocase(value, STR("false")) || str_eq_nocase(value, STR("off")) || str_eq_nocase(value, STR("no"));
}

static void parameters_take(struct parser *ps, struct pg_state *s, struct pg_request *q, struct rd r)
{
	struct str user = { 0 }, database = { 0 };
	for (struct str name; (name = pg_cstr(&r)).n && !r.bad;) {
		struct str value = pg_cstr(&r);
		if (str_eq(name, STR("user")))
			user = value;
		else if (str_eq(name, STR("database")))
			database = value;
		else if (str_eq(name, STR("application_name")))
			q->application = pg_name_keep(&q->m, value);
		else if (str_eq(name, STR("replication")))
			q->replication = !is_off(value);
	}
	who_keep(s, user, database.n || q->replication ? database : user);
	pg_who_set(ps, s, q);
}

enum pg_step pg_hello_step(struct parser *ps, struct pg_state *s, struct chunk *c)
{
	size_t left = c->n - c->used;
	if (left < TLS_LOOKED) {
		c->want = TLS_LOOKED;
		return PG_STEP_MORE;
	}
	if (!pg_is_hello(c->p + c->used, left))
		return PG_STEP_BAD;
	struct pg_request *q = startup_begin(ps, s);
	size_t record = TLS_HEAD + (size_t)be16(c->p + c->used + 3);
	q->encryption = "TLS";
	q->m.size = record;
	q->m.end = c->offset + c->used + record;
	s->flags |= PG_HELLO;
	c->used += MIN(left, record);
	c->want = record - MIN(left, record);
	return c->want ? PG_STEP_SKIP : PG_STEP_ON;
}

enum pg_step pg_startup_step(struct parser *ps, struct pg_state *s, struct chunk *c)
{
	const u8 *p = c->p + c->used;
	u32 code, size;
	c->want = 0;
	enum pg_result result = pg_untyped_check(p, c->n - c->used, &code, &size);
	if (result == PG_BAD)
		return PG_STEP_BAD;
	if (result == PG_MORE) {
		c->want = code ? size : 0;
		return PG_STEP_MORE;
	}
	struct rd body = rd_make(p + 8, size - 8);
	if (code == PG_CODE_CANCEL) {
		cancel_take(ps, s, body, c->offset + c->used + size);
		c->used += size;
		return PG_STEP_ON;
	}
	struct pg_request *q = startup_begin(ps, s);
	q->m.size += size;
	if (code == PG_CODE_SSL || code == PG_CODE_GSSENC) {
		s->encryption_asked++;
		c->used += size;
		q->m.end = c->offset + c->used;
		return PG_STEP_ON;
	}
	s->flags |= PG_TYPED | PG_READY_KNOWN;
	s->flags &= (u8)~PG_NO_STARTUP;
	s->encryption_asked = 0;
	q->version = code;
	parameters_take(ps, s, q, body);
	c->used += size;
	q->m.end = c->offset + c->used;
	pg_request_end(ps, s);
	s->batch++;
	return PG_STEP_ON;
}
