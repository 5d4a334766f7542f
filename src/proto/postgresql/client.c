/* The client's direction: queries, and the messages of the extended protocol, which are joined to one request an Execute. */
#include "proto/postgresql/read.h"

#include <xxhash.h>

static const struct {
	const char *kind, *packet;
	u8 shape;
} kinds[PG_KINDS] = {
	[PG_STARTUP] = { "startup", "Startup", PG_SHAPE_OTHER },
	[PG_QUERY] = { "query", "Query", PG_SHAPE_STATEMENT },
	[PG_PREPARE] = { "prepare", "Parse", PG_SHAPE_STATEMENT },
	[PG_BIND] = { "bind", "Bind", PG_SHAPE_STATEMENT },
	[PG_DESCRIBE] = { "describe", "DescribePacket", PG_SHAPE_DESCRIBE },
	[PG_EXECUTE] = { "execute", "Query", PG_SHAPE_STATEMENT },
	[PG_CLOSE] = { "close", "Close", PG_SHAPE_DESCRIBE },
	[PG_FUNCTION] = { "function_call", "FunctionCall", PG_SHAPE_OTHER },
	[PG_CANCEL] = { "cancel", "CancelRequest", PG_SHAPE_OTHER },
	[PG_COPY_IN] = { "copy_in", "Query", PG_SHAPE_STATEMENT },
	[PG_COPY_OUT] = { "copy_out", "Query", PG_SHAPE_STATEMENT },
	[PG_COPY_BOTH] = { "copy_both", "Query", PG_SHAPE_STATEMENT },
	[PG_NOTIFICATION] = { "notification", "Notification", PG_SHAPE_OTHER },
};

void pg_request_is(struct pg_request *q, enum pg_kind kind)
{
	q->is = (u8)kind;
	q->kind = kinds[kind].kind;
	q->packet = kinds[kind].packet;
	q->m.shape = kinds[kind].shape;
}

struct pg_request *pg_request_begin(struct parser *ps, struct pg_state *s, enum pg_kind kind)
{
	struct pg_request *q = parser_begin(ps, SIDE_REQUEST, sizeof(*q));
	q->batch = s->batch;
	pg_request_is(q, kind);
	pg_who_set(ps, s, q);
	q->process = s->process;
	if (kind != PG_CANCEL)
		parser_open(ps, &q->m);
	s->unit = q;
	s->copy_bytes = s->copy_messages = 0;
	return q;
}

static void settle_kind(struct pg_request *q)
{
	if (q->is != PG_EXECUTE)
		return;
	if (q->parts & PG_EXECUTED)
		return;
	pg_request_is(q, q->parts & PG_PARSED ? PG_PREPARE : q->parts & PG_BOUND ? PG_BIND : q->parts & PG_DESCRIBED ? PG_DESCRIBE : PG_CLOSE);
}

void pg_request_lose(struct parser *ps, struct pg_state *s)
{
	struct pg_request *q = s->unit;
	s->unit = NULL;
	if (!q || q->parts & PG_EXECUTED)
		return;
	settle_kind(q);
	q->m.flags |= MSG_PARTIAL;
	if (s->answer && pg_request_of(s->answer) == q)
		s->answer = NULL;
	parser_drop(ps, &q->m);
}

void pg_request_end(struct parser *ps, struct pg_state *s)
{
	struct pg_request *q = s->unit;
	if (!q)
		return;
	s->unit = NULL;
	settle_kind(q);
	bool skipped = q->parts & PG_SKIPPED || (s->flags & PG_FAILED && s->failed_batch == q->batch);
	if (skipped && !q->m.answer) {
		pg_names_refuse(&s->statements, q->parse_serial);
		q->m.error = STR("skipped");
		parser_drop(ps, &q->m);
		return;
	}
	parser_close(ps, &q->m);
	pg_answer_settle(ps, s);
}

/* Statements. */

/* `whole`: the text ends where the statement does. */
static void statement_read(const struct parser *ps, struct pg_request *q, struct str text, bool whole)
{
	if (ps->opt->details)
		sql_read(&q->m.arena, ps->opt, SQL_POSTGRESQL, ps->shared, text, whole, &q->sql);
}

static void statement_show(struct pg_request *q, const struct pg_text *text)
{
	if (text) {
		pg_text_copy(&q->m.arena, text, &q->sql);
		return;
	}
	q->sql = (struct sql){ .statement = STR("?"), .redacted = STR("?") };
	q->m.flags |= MSG_PARTIAL;
}

/* The statement behind a name. */
static void statement_find(struct pg_request *q, struct pg_names *names, struct str name, struct pg_text **ret_text)
{
	struct pg_name *found = pg_names_find(names, name);
	if (found && found->doubtful)
		q->m.flags |= MSG_PARTIAL;
	*ret_text = found ? found->now : NULL;
	statement_show(q, *ret_text);
}

static bool is_name(struct str shown, struct str name)
{
	return str_eq(shown, str_make(name.p, MIN(name.n, (u32)PG_NAME_SHOWN)));
}

static u64 portal_hash(struct str portal)
{
	return portal.n ? XXH3_64bits(portal.p, portal.n) | 1 : 0;
}

/* Messages of the extended protocol. */

/* The request that this message belongs to: the one in progress, unless that has had what it needs. */
static struct pg_request *unit_of(struct parser *ps, struct pg_state *s, bool goes_on)
{
	if (s->unit && (!goes_on || !(s->unit->parts & PG_EXTENDED) || s->unit->parts & PG_EXECUTED))
		pg_request_end(ps, s);
	return s->unit ? s->unit : pg_request_begin(ps, s, PG_EXECUTE);
}

/* With the types of its parameters that the client declares, most often none; the server may tell more. */
static struct pg_text *text_make(const struct parser *ps, struct pg_state *s, struct pg_request *q, struct rd types)
{
	struct pg_text *text = pg_text_new(&s->spare, &q->sql, ps->opt->parameters ? VALUES_MAX : 0);
	if (!text || !text->types_max)
		return text;
	if (++s->texts_made == 0)
		s->texts_made = 1;
	text->serial = q->text_serial = s->texts_made;
	pg_types_take(text, types);
	return text;
}

static void parse_take(struct parser *ps, struct pg_state *s, struct pg_message *m)
{
	struct pg_request *q = unit_of(ps, s, false);
	struct str name = pg_cstr(&m->have);
	struct str sql = m->have.bad ? (struct str){ 0 } : pg_cstr(&m->have);
	q->parts |= PG_PARSED;
	q->expect++;
	q->name = pg_name_keep(&q->m, name);
	statement_read(ps, q, sql, !m->have.bad);
	struct pg_text *text = text_make(ps, s, q, m->have);
	if (text)
		q->parse_serial = pg_names_put(&s->statements, name, text, false);
	pg_text_unref(&s->spare, text);
}

static void bind_take(struct parser *ps, struct pg_state *s, struct pg_message *m)
{
	struct str portal = pg_cstr(&m->have), name = m->have.bad ? (struct str){ 0 } : pg_cstr(&m->have);
	struct pg_request *q = s->unit;
	bool its_own = q && q->parts & PG_PARSED && is_name(q->name, name);
	q = unit_of(ps, s, q && !(q->parts & PG_BOUND) && (its_own || !(q->parts & (PG_PARSED | PG_DESCRIBED | PG_CLOSES))));
	q->parts |= PG_BOUND;
	q->expect++;
	q->portal = pg_name_keep(&q->m, portal);
	q->statement_of = portal_hash(portal);
	struct pg_text *text = NULL;
	if (q->parts & PG_PARSED) {
		struct pg_name *found = pg_names_find(&s->statements, name);
		text = found ? found->now : NULL;
	} else {
		q->name = pg_name_keep(&q->m, name);
		statement_find(q, &s->statements, name, &text);
	}
	pg_names_put(&s->portals, portal, text, true);
	if (ps->opt->parameters && ps->opt->details && text && !(q->m.flags & MSG_PARTIAL))
		pg_values_take(q, s->flags & PG_TYPES_LOST, text, m);
}

static void describe_take(struct parser *ps, struct pg_state *s, struct pg_message *m)
{
	struct pg_request *q = s->unit;
	q = unit_of(ps, s, q && q->parts & (PG_PARSED | PG_BOUND));
	u8 type = rd_u8(&m->have);
	struct str name = pg_cstr(&m->have);
	q->expect += type == 'S' ? 2 : 1;
	struct pg_text *text = NULL;
	if (!(q->parts & (PG_PARSED | PG_BOUND))) {
		q->type = type == 'S' ? "S" : "P";
		q->object = pg_name_keep(&q->m, name);
		if (type == 'S' || s->flags & PG_MISSED || pg_names_find(&s->portals, name)) /* others are cursors made by SQL */
			statement_find(q, type == 'S' ? &s->statements : &s->portals, name, &text);
		if (type == 'S' && text)
			q->text_serial = text->serial;
	}
	q->parts |= PG_DESCRIBED;
}

static void execute_take(struct parser *ps, struct pg_state *s, struct pg_message *m)
{
	struct str portal = pg_cstr(&m->have);
	u64 hash = portal_hash(portal);
	struct pg_request *q = s->unit;
	q = unit_of(ps, s, q && q->parts & PG_BOUND && q->statement_of == hash);
	q->parts |= PG_EXECUTED;
	q->rows_max = m->have.bad ? 0 : rd_u32be(&m->have);
	struct pg_text *text;
	if (!(q->parts & PG_BOUND)) {
		q->portal = pg_name_keep(&q->m, portal);
		statement_find(q, &s->portals, portal, &text);
	}
}

/* Several in a row are one request. */
static void close_take(struct parser *ps, struct pg_state *s, struct pg_message *m)
{
	struct pg_request *q = s->unit;
	q = unit_of(ps, s, q && q->parts & PG_CLOSES);
	u8 type = rd_u8(&m->have);
	struct str name = pg_cstr(&m->have);
	if (!(q->parts & PG_CLOSES)) {
		q->type = type == 'S' ? "S" : "P";
		q->object = pg_name_keep(&q->m, name);
	}
	q->parts |= PG_CLOSES;
	q->expect++;
	pg_names_drop(type == 'S' ? &s->statements : &s->portals, name);
}

static void query_take(struct parser *ps, struct pg_state *s, struct pg_message *m)
{
	pg_request_end(ps, s);
	struct pg_request *q = pg_request_begin(ps, s, PG_QUERY);
	struct str sql = pg_cstr(&m->have);
	statement_read(ps, q, sql, !m->have.bad);
	s->batch++;
}

static void function_take(struct parser *ps, struct pg_state *s, struct pg_message *m)
{
	pg_request_end(ps, s);
	struct pg_request *q = pg_request_begin(ps, s, PG_FUNCTION);
	q->function = rd_u32be(&m->have);
	s->batch++;
}

static void sync_take(struct parser *ps, struct pg_state *s)
{
	if (s->unit && s->unit->parts & PG_EXTENDED) {
		s->unit->parts |= PG_SYNCED;
		s->unit->m.size += PG_HEAD;
	}
	pg_request_end(ps, s);
	s->batch++;
}

/* Data of a COPY, or its end. While it lasts the server ignores Sync: those sent since the Execute are not answered. */
static void copy_take(struct pg_state *s, const struct pg_message *m)
{
	struct pg_response *a = s->answer;
	struct pg_request *q = a ? pg_request_of(a) : NULL;
	if (m->type == 'd') {
		s->copy_bytes += m->body;
		s->copy_messages++;
	} else if (a && a->copy == PG_COPY_IN && q && !(q->parts & PG_SKIPPED) && q->is == PG_COPY_IN && q->parts & PG_EXECUTED) {
		s->batch = q->batch;
		q->parts |= PG_SYNCED;
	}
	if (q && q->m.flags & MSG_OPENED)
		q->m.size += m->body + PG_HEAD;
}

/* Bytes of the body that must be here to understand the message. */
static u32 client_look(const struct parser *ps, u8 type)
{
	u32 sql = sql_look(ps->opt) + 1, values = ps->opt->parameters ? VALUES_LOOK : 0;
	switch (type) {
	case 'Q':
		return sql;
	case 'P':
		return sql + PG_NAME_LOOKED + (values ? 2 + 4 * VALUES_MAX : 0);
	case 'B':
		return 2 * PG_NAME_LOOKED + values;
	case 'D':
	case 'C':
	case 'E':
		return PG_NAME_LOOKED;
	case 'F':
		return 4;
	default:
		return 0;
	}
}

static void message_take(struct parser *ps, struct pg_state *s, struct pg_message *m)
{
	switch (m->type) {
	case 'Q':
		query_take(ps, s, m);
		break;
	case 'P':
		parse_take(ps, s, m);
		break;
	case 'B':
		bind_take(ps, s, m);
		break;
	case 'D':
		describe_take(ps, s, m);
		break;
	case 'E':
		execute_take(ps, s, m);
		break;
	case 'C':
		close_take(ps, s, m);
		break;
	case 'F':
		function_take(ps, s, m);
		break;
	case 'S':
		sync_take(ps, s);
		return;
	case 'd':
	case 'c':
	case 'f':
		copy_take(s, m);
		return;
	default: /* Flush, Terminate, passwords */
		pg_request_end(ps, s);
		return;
	}
	s->unit->m.size += m->body + PG_HEAD;
}

/* A query or a function call ends with its own last byte. */
static void message_end(struct parser *ps, struct pg_state *s)
{
	if (s->unit && (s->unit->is == PG_QUERY || s->unit->is == PG_FUNCTION))
		pg_request_end(ps, s);
}

static enum pg_step client_step(struct parser *ps, struct pg_state *s, struct chunk *c)
{
	struct pg_message m;
	if (s->flags & PG_PASSED_CLIENT) {
		s->flags &= (u8)~PG_PASSED_CLIENT;
		message_end(ps, s);
	}
	if (s->flags & PG_HELLO) { /* what else its client says before the server has answered */
		c->used = c->n;
		return PG_STEP_MORE;
	}
	if (c->used < c->n && c->p[c->used] == 0 && !(s->flags & PG_TYPED))
		return pg_startup_step(ps, s, c);
	if (c->used < c->n && c->p[c->used] == PG_TLS_HANDSHAKE && c->offset + c->used == 0)
		return pg_hello_step(ps, s, c);
	enum pg_step step = pg_message_read(c, SIDE_REQUEST, client_look, ps, &m);
	if (step != PG_STEP_ON)
		return step;
	if (!(s->flags & PG_TYPED))
		s->flags |= PG_TYPED | PG_NO_STARTUP | PG_MISSED;
	message_take(ps, s, &m);
	step = pg_message_pass(c, &m);
	if (step == PG_STEP_SKIP)
		s->flags |= PG_PASSED_CLIENT;
	else
		message_end(ps, s);
	return step;
}

static enum parse client_bad(struct parser *ps, struct pg_state *s, struct chunk *c)
{
	struct rd rest = rd_make(c->p + c->used, c->n - c->used);
	bool tls = rd_left(&rest) >= 2 && rest.p[0] == 0x16 && rest.p[1] == 3;
	c->used = MIN(c->used + 1, c->n);
	return tls && !(s->flags & PG_TYPED) ? PARSE_NOT_MINE : PARSE_DESYNC;
}

enum parse pg_parse_client(struct parser *ps, struct pg_state *s, struct chunk *c)
{
	for (;;) {
		enum pg_step step = client_step(ps, s, c);
		if (step == PG_STEP_ON)
			continue;
		if (step == PG_STEP_LEFT)
			return PARSE_OK;
		if (step == PG_STEP_BAD)
			return client_bad(ps, s, c);
		if (step == PG_STEP_SKIP)
			return PARSE_SKIP;
		return c->used ? PARSE_OK : PARSE_MORE;
	}
}
