/* The server's direction: what each message means for the request that it answers. */
#include "proto/postgresql/read.h"
#include "proto/sql_lex.h"

/* Messages with which the answer to a request of a kind may begin. */
static bool may_begin(const struct pg_request *q, u8 type)
{
	if (q->parts & PG_EXTENDED)
		return type != 'R' && type != 'K' && type != 'v' && type != 'V';
	switch (q->is) {
	case PG_STARTUP:
		return type == 'R' || type == 'v' || type == 'E' || type == 'K';
	case PG_FUNCTION:
		return type == 'V' || type == 'E';
	default:
		return type == 'T' || type == 'C' || type == 'I' || type == 'E' || type == 'G' || type == 'H' || type == 'W' || type == 'D';
	}
}

static bool begins_answers(u8 type)
{
	return type != 'd' && type != 'c' && type != 'K';
}

/* NULL when the bytes cannot be where we believe to be. */
static struct pg_response *answer_begin(struct parser *ps, struct pg_state *s, u8 type)
{
	const struct pg_request *front = (const struct pg_request *)parser_request(ps, 0);
	if (front && type != 'N' && type != 'S' && !may_begin(front, type))
		return NULL;
	struct pg_response *a = parser_begin(ps, SIDE_RESPONSE, sizeof(*a));
	parser_open(ps, &a->m);
	s->answer = a;
	return a;
}

/* Requests without an Execute are answered by as many replies as they have messages. */
static void count_replies(const struct pg_state *s, struct pg_response *a)
{
	const struct pg_request *q = pg_request_of(a);
	if (q && q != s->unit && q->parts & PG_EXTENDED && !(q->parts & PG_EXECUTED) && a->got >= q->expect)
		a->complete = true;
}

static void complete(struct pg_response *a, const struct chunk *c)
{
	a->complete = true;
	a->m.time = c->ts;
}

static void copy_finish(const struct pg_state *s, struct pg_response *a)
{
	if (!a->copy)
		return;
	if (a->copy == PG_COPY_IN) {
		a->copy_bytes = s->copy_bytes;
		a->copy_messages = s->copy_messages;
	}
	if (a->command.n)
		a->copy_rows = a->rows;
	else if (a->copy == PG_COPY_OUT)
		a->copy_rows = a->copy_messages;
}

void pg_answer_end(struct parser *ps, struct pg_state *s)
{
	struct pg_response *a = s->answer;
	const struct pg_request *q = pg_request_of(a);
	s->answer = NULL;
	pg_rows_take(a);
	copy_finish(s, a);
	if (a->m.flags & MSG_FAILED)
		a->m.shape = PG_SHAPE_ERROR;
	else if (q && (q->is == PG_PREPARE || q->is == PG_BIND || q->is == PG_DESCRIBE || q->is == PG_CLOSE || q->is == PG_STARTUP))
		a->m.shape = PG_SHAPE_FLAG;
	if (a->m.shape == PG_SHAPE_FLAG)
		a->flag = q->is == PG_STARTUP ? "Ready" : "CloseCompleteOrDescribeResponse";
	parser_close(ps, &a->m);
}

void pg_answer_settle(struct parser *ps, struct pg_state *s)
{
	struct pg_response *a = s->answer;
	const struct pg_request *q = a ? pg_request_of(a) : NULL;
	if (!q || q == s->unit || !(q->parts & PG_EXTENDED) || q->parts & PG_SYNCED)
		return;
	bool before = a->complete;
	count_replies(s, a);
	if (!a->complete)
		return;
	if (!before)
		a->m.time = a->m.ts_last;
	pg_answer_end(ps, s);
}

/* What the server skips until the next Sync: all of the batch that waits. */
static void skip_batch(struct parser *ps, struct pg_state *s, const struct pg_request *failed)
{
	s->flags |= PG_FAILED;
	s->failed_batch = failed->batch;
	for (struct pg_request *q; (q = (struct pg_request *)parser_request(ps, 0)) != NULL && q != failed && q->batch == failed->batch;) {
		if (q == s->unit) { /* its client still adds to it */
			q->parts |= PG_SKIPPED;
			return;
		}
		pg_names_refuse(&s->statements, q->parse_serial);
		q->m.error = STR("skipped");
		parser_drop(ps, &q->m);
	}
}

static bool is_fatal(const struct pg_response *a)
{
	return str_eq(a->severity, STR("FATAL")) || str_eq(a->severity, STR("PANIC"));
}

static void error_apply(struct parser *ps, struct pg_state *s, struct pg_message *m)
{
	struct pg_response *a = s->answer;
	struct pg_request *q = pg_request_of(a);
	pg_error_take(ps, a, m->have);
	complete(a, ps->chunk);
	bool ends = is_fatal(a) || m->type == 'N';
	if (q && q->parse_serial && !a->got)
		pg_names_refuse(&s->statements, q->parse_serial);
	if (q && q->parts & PG_EXTENDED)
		skip_batch(ps, s, q);
	if (ends)
		pg_answer_end(ps, s);
}

static const char *status_name(u8 status)
{
	return status == 'I' ? "idle" : status == 'T' ? "in_transaction" : "failed";
}

/* ReadyForQuery: a batch is over. */
static enum pg_step ready_take(struct parser *ps, struct pg_state *s, const struct pg_message *m, u64 end)
{
	struct pg_response *a = s->answer;
	struct pg_request *q = a ? pg_request_of(a) : NULL;
	u32 batch = q ? q->batch : s->flags & PG_FAILED ? s->failed_batch : s->ready;
	if (q || s->flags & PG_FAILED)
		s->flags |= PG_READY_KNOWN;
	if (s->flags & PG_FAILED && batch == s->failed_batch)
		s->flags &= (u8)~PG_FAILED;
	s->ready = batch + 1;
	if (a) {
		a->transaction = m->have.p < m->have.end ? status_name(*m->have.p) : NULL;
		a->m.size += PG_HEAD + m->body;
		a->m.end = end;
		pg_answer_end(ps, s);
	}
	if (!(s->flags & PG_READY_KNOWN))
		return PG_STEP_ON;
	for (struct pg_request *w; (w = (struct pg_request *)parser_request(ps, 0)) != NULL && w != s->unit && (i32)(w->batch - batch) <= 0;)
		parser_drop(ps, &w->m);
	return PG_STEP_ON;
}

/* NOTIFY of somebody: process, channel, payload. */
static void notification_take(struct parser *ps, struct pg_message *m)
{
	if (!ps->opt->pushes) {
		struct message *push = parser_begin(ps, SIDE_RESPONSE, sizeof(struct pg_response));
		push->flags |= MSG_NOISE;
		parser_drop(ps, push);
		return;
	}
	struct pg_request *q = parser_begin(ps, SIDE_REQUEST, sizeof(*q));
	q->m.flags |= MSG_ONEWAY;
	q->m.size = m->body + PG_HEAD;
	q->m.end = ps->chunk->offset + ps->chunk->used + q->m.size;
	pg_request_is(q, PG_NOTIFICATION);
	q->process = rd_u32be(&m->have);
	q->name = pg_name_keep(&q->m, pg_cstr(&m->have));
	parser_close(ps, &q->m);
}

static void copy_begin(struct pg_response *a, enum pg_kind kind)
{
	struct pg_request *q = pg_request_of(a);
	a->copy = (u8)kind;
	if (q)
		pg_request_is(q, kind);
}

static void authentication_take(struct pg_response *a, u32 code)
{
	static const char *const names[] = { [2] = "kerberos", [3] = "password", [5] = "md5", [7] = "gss", [9] = "sspi", [10] = "sasl" };
	if (code < ARRAY_LEN(names) && names[code])
		a->authentication = names[code];
	else if (code == 0 && !a->authentication)
		a->authentication = "none";
}

/* The types of a statement's parameters, when it is still the one that its name stands for. */
static void parameters_take(struct pg_state *s, const struct pg_request *q, const struct pg_message *m)
{
	if (!q || !q->text_serial || !rd_left(&m->have))
		return;
	struct pg_name *name = pg_names_find(&s->statements, q->parts & (PG_PARSED | PG_BOUND) ? q->name : q->object);
	if (name && name->now && name->now->serial == q->text_serial)
		pg_types_take(name->now, m->have);
}

/* The word at the beginning of a statement, behind white space; the rest begins behind it. */
static struct str word_take(struct str *rest)
{
	u32 from = 0, to;
	while (from < rest->n && (u8)rest->p[from] <= ' ')
		from++;
	for (to = from; to < rest->n && (u8)rest->p[to] > ' ' && rest->p[to] != ';';)
		to++;
	struct str word = str_make(rest->p + from, to - from);
	*rest = str_make(rest->p + to, rest->n - to);
	return word;
}

/* DEALLOCATE [PREPARE] name: as it is written between quotes, in lower case otherwise. */
static void deallocated(struct pg_state *s, struct str statement)
{
	char name[PG_NAME_LOOKED];
	if (!str_eq_nocase(word_take(&statement), STR("deallocate")))
		return;
	struct str word = word_take(&statement);
	if (str_eq_nocase(word, STR("prepare")))
		word = word_take(&statement);
	bool quoted = word.n > 2 && word.p[0] == '"' && word.p[word.n - 1] == '"';
	if (quoted)
		word = str_make(word.p + 1, word.n - 2);
	if (!word.n || word.n > sizeof(name))
		return;
	for (u32 i = 0; i < word.n; i++)
		name[i] = quoted ? word.p[i] : (char)sql_lower((u8)word.p[i]);
	pg_names_drop(&s->statements, str_make(name, word.n));
}

/* Statements in SQL that end what was prepared by messages, too: poolers send them between two clients. */
static void forget_prepared(struct pg_state *s, const struct pg_request *q, struct str tag)
{
	if (str_eq(tag, STR("DISCARD ALL")) || str_eq(tag, STR("DEALLOCATE ALL")))
		pg_names_drop_all(&s->statements);
	else if (q && str_eq(tag, STR("DEALLOCATE")))
		deallocated(s, q->sql.statement);
}

/* A reply within the answer in progress. */
static void reply_take(struct parser *ps, struct pg_state *s, struct pg_message *m)
{
	struct pg_response *a = s->answer;
	struct pg_request *q = pg_request_of(a);
	bool ends = !q || q->parts & PG_EXTENDED; /* others last until ReadyForQuery */
	struct str tag;
	switch (m->type) {
	case 'C':
		tag = pg_cstr(&m->have);
		pg_tag_take(ps, a, tag);
		if (tag.n && tag.p[0] == 'D')
			forget_prepared(s, q, tag);
		break;
	case 'I':
		a->statements++;
		break;
	case 's':
		a->suspended = true;
		break;
	case 'V':
		break;
	case '1':
		pg_names_confirm(&s->statements, q ? q->parse_serial : 0);
		a->got++;
		return;
	case 'T':
		a->columns = rd_u16be(&m->have);
		a->got++;
		return;
	case 't':
		parameters_take(s, q, m);
		a->got++;
		return;
	case '2':
	case '3':
	case 'n':
		a->got++;
		return;
	case 'G':
		copy_begin(a, PG_COPY_IN);
		return;
	case 'H':
		copy_begin(a, PG_COPY_OUT);
		return;
	case 'W':
		copy_begin(a, PG_COPY_BOTH);
		return;
	case 'D':
		a->counted++;
		return;
	case 'd':
		a->copy_bytes += m->body;
		a->copy_messages++;
		return;
	case 'R':
		authentication_take(a, rd_u32be(&m->have));
		return;
	case 'K':
		a->process = s->process = rd_u32be(&m->have);
		return;
	case 'v':
		a->version = rd_u32be(&m->have) | 3u << 16; /* servers differ in whether the major version is with it */
		return;
	default:
		return;
	}
	if (ends)
		complete(a, ps->chunk);
}

/* The answer that this message belongs to; it may end the one in progress, and begin the next. False: it can belong to none. */
static bool answer_find(struct parser *ps, struct pg_state *s, u8 type)
{
	struct pg_response *a = s->answer;
	if (a)
		count_replies(s, a);
	if (a && a->complete) {
		const struct pg_request *q = pg_request_of(a);
		bool at_commit = type == 'E' && q && q->parts & PG_SYNCED && q != s->unit;
		if (at_commit)
			return true;
		if (!a->m.time)
			a->m.time = a->m.ts_last;
		pg_answer_end(ps, s);
	}
	return s->answer || !begins_answers(type) || answer_begin(ps, s, type);
}

static enum pg_step message_take(struct parser *ps, struct pg_state *s, struct pg_message *m)
{
	struct chunk *c = ps->chunk;
	u64 end = c->offset + c->used + PG_HEAD + m->body;
	bool crashes = false;
	switch (m->type) {
	case 'Z':
		return ready_take(ps, s, m, end);
	case 'A':
		notification_take(ps, m);
		return PG_STEP_ON;
	case 'N':
	case 'S':
		if (!s->answer && (!parser_request(ps, 0) || !answer_begin(ps, s, m->type)))
			return PG_STEP_ON;
		s->answer->notices += m->type == 'N';
		crashes = m->type == 'N' && pg_is_crash(m->have);
		break;
	default:
		if (!answer_find(ps, s, m->type))
			return PG_STEP_BAD;
	}
	if (!s->answer)
		return PG_STEP_ON;
	s->answer->m.size += PG_HEAD + m->body;
	s->answer->m.end = end; /* it may be ended by what comes later, of either side */
	s->answer->m.ts_last = c->ts;
	if (m->type == 'E' || crashes)
		error_apply(ps, s, m);
	else
		reply_take(ps, s, m);
	return PG_STEP_ON;
}

static u32 server_look(const struct parser *ps, u8 type)
{
	switch (type) {
	case 't':
		return ps->opt->parameters ? 2 + 4 * VALUES_MAX : 0;
	case 'C':
		return 512;
	case 'E':
		return PG_ERROR_LOOKED;
	case 'N':
		return PG_NOTICE_LOOKED;
	case 'A':
		return 4 + PG_NAME_LOOKED;
	case 'R':
	case 'K':
	case 'v':
		return 4;
	case 'T':
		return 2;
	case 'Z':
		return 1;
	default:
		return 0;
	}
}

/* Rows are most of what servers say. */
static void rows_pass(struct pg_state *s, struct chunk *c)
{
	struct pg_response *a = s->answer;
	size_t at = c->used;
	u64 rows = 0;
	while (c->n - at >= PG_HEAD && c->p[at] == 'D') {
		u32 length = be32(c->p + at + 1);
		if (length < 6 || length >= c->n - at)
			break;
		at += length + 1;
		rows++;
	}
	a->counted += rows;
	a->m.size += at - c->used;
	c->used = at;
}

/* From here on everything is encrypted. */
static enum pg_step encryption_begins(struct parser *ps, struct pg_state *s, struct chunk *c, const char *encryption, size_t size)
{
	struct pg_response *a = answer_begin(ps, s, 'R');
	struct pg_request *q = s->unit;
	if (!a || !q)
		return PG_STEP_BAD;
	q->encryption = encryption;
	if (c->p[c->used] == PG_TLS_ALERT) {
		a->code = a->m.error = STR("tls_alert");
		a->m.flags |= MSG_FAILED;
	}
	c->used++;
	a->m.size = size;
	a->m.time = c->ts;
	a->complete = true;
	pg_answer_end(ps, s);
	pg_request_end(ps, s);
	parser_handover(ps, NULL, NULL);
	return PG_STEP_LEFT;
}

/* The one byte that answers SSLRequest or GSSENCRequest. */
static enum pg_step encryption_step(struct parser *ps, struct pg_state *s, struct chunk *c)
{
	u8 said = c->p[c->used];
	struct pg_request *q = s->unit;
	s->encryption_asked--;
	if (said == 'N') {
		c->used++;
		if (q)
			q->encryption = "refused";
		return PG_STEP_ON;
	}
	return encryption_begins(ps, s, c, said == 'S' ? "TLS" : "GSS", 1);
}

static enum pg_step server_step(struct parser *ps, struct pg_state *s, struct chunk *c)
{
	struct pg_message m;
	if (s->answer && !s->answer->complete)
		rows_pass(s, c);
	if (s->flags & PG_HELLO && c->used < c->n && (c->p[c->used] == PG_TLS_HANDSHAKE || c->p[c->used] == PG_TLS_ALERT)) {
		c->want = PG_HEAD;
		return c->n - c->used < PG_HEAD ? PG_STEP_MORE : encryption_begins(ps, s, c, "TLS", PG_HEAD + (size_t)be16(c->p + c->used + 3));
	}
	if (s->encryption_asked && c->used < c->n && !(s->flags & PG_TYPED) &&
	    (c->p[c->used] == 'N' || c->p[c->used] == 'S' || c->p[c->used] == 'G'))
		return encryption_step(ps, s, c);
	enum pg_step step = pg_message_read(c, SIDE_RESPONSE, server_look, ps, &m);
	if (step != PG_STEP_ON)
		return step;
	step = message_take(ps, s, &m);
	if (step != PG_STEP_ON)
		return step;
	step = pg_message_pass(c, &m);
	pg_answer_settle(ps, s);
	return step;
}

static enum parse server_bad(struct parser *ps, struct pg_state *s, struct chunk *c)
{
	struct pg_response *a = s->answer;
	s->answer = NULL;
	s->flags &= (u8)~(PG_READY_KNOWN | PG_FAILED);
	if (a)
		parser_drop(ps, &a->m);
	c->used = MIN(c->used + 1, c->n);
	return PARSE_DESYNC;
}

enum parse pg_parse_server(struct parser *ps, struct pg_state *s, struct chunk *c)
{
	for (;;) {
		enum pg_step step = server_step(ps, s, c);
		if (step == PG_STEP_ON)
			continue;
		if (step == PG_STEP_LEFT)
			return PARSE_OK;
		if (step == PG_STEP_BAD)
			return server_bad(ps, s, c);
		if (step == PG_STEP_SKIP)
			return PARSE_SKIP;
		return c->used ? PARSE_OK : PARSE_MORE;
	}
}
