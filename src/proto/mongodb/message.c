/* Messages: the header, compression, which side's it is, and where it belongs. */
#include "proto/mongodb/read.h"
#include "proto/mongodb/unpack.h"

#define MESSAGE_MAX (48000000u + 64 * 1024)   /* servers refuse more than 48 000 000 bytes */
#define HEADER_NEEDED (MONGO_HEADER + 4)      /* with the flags, or what else every message has next */
#define COMPRESSED_HEADER (MONGO_HEADER + 9)
#define UNPACKED_MAX (17 * MIB)               /* bytes of a compressed message that are looked at: more than any reply has */
#define ANSWERED_NEVER UINT32_MAX             /* responseTo in requests of old shells */

struct mongo_header mongo_header_read(const u8 *p)
{
	return (struct mongo_header){ le32(p), le32(p + 4), le32(p + 8), le32(p + 12) };
}

bool mongo_op_is_request(u32 op)
{
	return (op >= OP_UPDATE && op <= OP_COMMAND && op != OP_RESERVED && (op <= OP_KILL_CURSORS || op == OP_COMMAND));
}

bool mongo_op_is_reply(u32 op)
{
	return op == OP_REPLY || op == OP_COMMAND_REPLY;
}

bool mongo_header_fits(const struct mongo_header *h)
{
	bool known = mongo_op_is_request(h->op) || mongo_op_is_reply(h->op) || h->op == OP_MSG || h->op == OP_COMPRESSED;
	u32 least = h->op == OP_COMPRESSED ? COMPRESSED_HEADER : HEADER_NEEDED;
	return known && h->length > least && h->length <= MESSAGE_MAX;
}

static const char *op_text(u32 op)
{
	static const char *const legacy[] = { "UPDATE", "INSERT", "RESERVED", "QUERY", "GET_MORE", "DELETE", "KILL_CURSORS" };
	static const char *const later[] = { "COMMAND", "COMMANDREPLY", "COMPRESSED", "MSG" };
	if (op >= OP_UPDATE && op <= OP_KILL_CURSORS)
		return legacy[op - OP_UPDATE];
	return op >= OP_COMMAND && op <= OP_MSG ? later[op - OP_COMMAND] : "REPLY";
}

static enum side side_of(const struct parser *ps)
{
	return ps->dir == ps->request_dir ? SIDE_REQUEST : SIDE_RESPONSE;
}

/* Messages begin. */

static struct mongo_message *request_begin(struct parser *ps, const struct mongo_header *h, u32 op)
{
	struct mongo_request *q = parser_begin(ps, SIDE_REQUEST, sizeof(*q));
	q->h.m.key = h->id;
	q->h.id = h->id;
	q->h.show_secrets = ps->opt->show_secrets;
	if (op == OP_INSERT || op == OP_UPDATE || op == OP_DELETE || op == OP_KILL_CURSORS)
		q->h.m.flags |= MSG_ONEWAY;
	return &q->h;
}

static struct mongo_message *reply_begin(struct parser *ps, struct mongo_state *s, const struct mongo_header *h)
{
	if (s->exhaust && (h->to == s->exhaust_id || h->to == s->exhaust->h.id)) { /* the next one of a row */
		memset(&s->exhaust->h.r, 0, sizeof(s->exhaust->h.r));
		return &s->exhaust->h;
	}
	struct mongo_response *a = parser_begin(ps, SIDE_RESPONSE, sizeof(*a));
	a->h.m.key = h->to;
	a->h.id = h->to;
	parser_open(ps, &a->h.m);
	const struct mongo_request *q = (const struct mongo_request *)(const void *)a->h.m.answer;
	if (q) {
		a->command = q->kind;
		a->exhausts = q->exhausts;
	}
	return &a->h;
}

/* What OP_COMPRESSED has before its data. */
static void packed_begin(struct mongo_state *s, struct mongo_message *m, const struct parser *ps, const u8 *p, u32 length)
{
	static const char *const names[] = { NULL, "snappy", "zlib", "zstd" };
	struct mongo_reader *r = &m->r;
	u32 size = le32(p + MONGO_HEADER + 4);
	u8 compressor = p[MONGO_HEADER + 8];
	m->wire_left = length - COMPRESSED_HEADER;
	r->compressed = true;
	r->end = r->total = size;
	if (compressor < COMPRESSORS)
		m->compressor_text = names[compressor];
	bool op_known = r->op == OP_MSG || mongo_op_is_request(r->op) || mongo_op_is_reply(r->op);
	bool known = compressor < COMPRESSORS && size <= MESSAGE_MAX && op_known;
	if (known && compressor == COMPRESSOR_NONE) {
		r->compressed = false;
		r->end = r->total = (u32)m->wire_left;
		return;
	}
	s->unpack[ps->dir] = known ? unpack_new(compressor) : NULL;
	r->broken = r->done = !s->unpack[ps->dir];
}

static bool side_fits(const struct parser *ps, u32 op)
{
	return side_of(ps) == SIDE_REQUEST ? !mongo_op_is_reply(op) : !mongo_op_is_request(op);
}

static enum mongo_step header_step(struct parser *ps, struct mongo_state *s, struct chunk *c)
{
	const u8 *p = c->p + c->used;
	size_t left = c->n - c->used;
	if (left < HEADER_NEEDED) {
		c->want = HEADER_NEEDED;
		return STEP_MORE;
	}
	struct mongo_header h = mongo_header_read(p);
	bool packed = h.op == OP_COMPRESSED;
	if (!mongo_header_fits(&h))
		return STEP_BAD;
	if (packed && left < COMPRESSED_HEADER) {
		c->want = COMPRESSED_HEADER;
		return STEP_MORE;
	}
	u32 op = packed ? le32(p + MONGO_HEADER) : h.op;
	if (!side_fits(ps, op))
		return STEP_BAD;
	struct mongo_message *m = side_of(ps) == SIDE_REQUEST ? request_begin(ps, &h, op) : reply_begin(ps, s, &h);
	struct mongo_reader *r = &m->r;
	s->current[ps->dir] = m;
	s->message_end[ps->dir] = c->offset + c->used + h.length;
	m->m.size += h.length;
	m->op_text = op_text(op);
	r->op = (u16)MIN(op, UINT16_MAX);
	r->id = h.id;
	r->end = r->total = h.length - MONGO_HEADER;
	if (packed)
		packed_begin(s, m, ps, p, h.length);
	c->used += packed ? COMPRESSED_HEADER : MONGO_HEADER;
	return STEP_ON;
}

/* Messages end. */

static void release(struct mongo_state *s, u8 dir)
{
	unpack_free(s->unpack[dir]);
	s->unpack[dir] = NULL;
	s->current[dir] = NULL;
}

/* A reply is complete, or it is one of a row of which more will come. */
static void reply_end(struct parser *ps, struct mongo_state *s, struct mongo_response *a)
{
	const struct chunk *c = ps->chunk;
	a->replies++;
	if (a->h.more_to_come) {
		if (s->exhaust && s->exhaust != a) { /* nothing more can come of that one */
			mongo_reply_end(s->exhaust);
			parser_close(ps, &s->exhaust->h.m);
		}
		s->exhaust = a;
		s->exhaust_id = a->h.r.id;
		s->exhaust_end = c->offset + c->used;
		s->exhaust_ts = c->ts;
		return;
	}
	if (s->exhaust == a)
		s->exhaust = NULL;
	mongo_reply_end(a);
	parser_close(ps, &a->h.m);
}

static void message_end(struct parser *ps, struct mongo_state *s, struct mongo_message *m)
{
	struct mongo_request *q = mongo_request_of(m);
	release(s, ps->dir);
	if (m->r.broken)
		m->m.flags |= MSG_PARTIAL;
	if (!q) {
		reply_end(ps, s, mongo_response_of(m));
		return;
	}
	if (m->r.broken)
		q->text.full = q->shape_text.full = true;
	if (m->more_to_come)
		m->m.flags |= MSG_ONEWAY;
	mongo_command_end(ps, q);
	parser_close(ps, &m->m);
}

/* Through a message. */

/* Steps through the body until it wants something; a body that wants more than there can be is broken. */
static enum mongo_step body_steps(struct reading *w)
{
	struct mongo_reader *r = &w->h->r;
	enum mongo_step step;
	do
		step = mongo_body_step(w);
	while (step == STEP_ON);
	if (step == STEP_MORE && w->want > r->total - r->at)
		step = STEP_BAD;
	r->broken |= step == STEP_BAD;
	r->done |= step == STEP_BAD || step == STEP_DONE;
	return r->done ? STEP_DONE : step;
}

static enum mongo_step plain_step(struct reading *w, struct chunk *c)
{
	struct mongo_reader *r = &w->h->r;
	w->p = c->p;
	w->used = c->used;
	w->n = c->used + MIN(c->n - c->used, (size_t)(r->total - r->at));
	enum mongo_step step = r->done ? STEP_DONE : body_steps(w);
	if (step == STEP_DONE && r->at < r->total)
		step = mongo_pass(w, r->total - r->at) == STEP_SKIP ? STEP_SKIP : STEP_DONE;
	c->used = w->used;
	c->want = w->want;
	return step;
}

/* The rest of a compressed message is passed unread. */
static enum mongo_step packed_rest(struct mongo_message *m, struct chunk *c)
{
	u64 here = MIN(m->wire_left, (u64)(c->n - c->used));
	c->used += (size_t)here;
	c->want = m->wire_left - here;
	m->wire_left = 0;
	return c->want ? STEP_SKIP : STEP_DONE;
}

/* What has been unpacked is read; behind what is of interest it only has to be sound. */
static void packed_read(struct reading *w, struct unpacker *u)
{
	struct mongo_reader *r = &w->h->r;
	w->p = unpack_bytes(u, &w->n);
	size_t made = w->n;
	w->n = MIN(w->n, (size_t)(r->total - r->at));
	w->used = 0;
	while (!r->done && (w->n > w->used || r->at == r->total)) {
		enum mongo_step step = body_steps(w);
		if (step == STEP_SKIP)
			unpack_skip(u, w->want);
		else
			break;
	}
	unpack_take(u, r->done ? made : w->used);
}

/* Data that is no such data: what was made of it is worth nothing either. */
static void packed_forget(struct mongo_message *m)
{
	struct mongo_request *q = mongo_request_of(m);
	struct mongo_response *a = mongo_response_of(m);
	m->m.flags &= (u8)~(MSG_NOISE | MSG_BLOCKING);
	m->m.has_trace = 0;
	m->more_to_come = false;
	m->documents = 0;
	m->cursor = 0;
	m->r.broken = m->r.done = true;
	if (q) {
		memset(&q->name, 0, offsetof(struct mongo_request, text) - offsetof(struct mongo_request, name));
		q->text.n = q->shape_text.n = 0;
		q->named = false;
		q->kind = KIND_OTHER;
	} else {
		memset(&a->ok, 0, offsetof(struct mongo_response, command) - offsetof(struct mongo_response, ok));
	}
}

static enum mongo_step packed_step(struct reading *w, struct mongo_state *s, struct chunk *c)
{
	struct mongo_message *m = w->h;
	struct unpacker *u = s->unpack[w->ps->dir];
	while (u) {
		size_t used;
		packed_read(w, u);
		if (unpack_made(u) > UNPACKED_MAX) {
			const struct mongo_response *a = mongo_response_of(m);
			m->r.broken |= !m->r.done && a && !a->has_ok;
			m->r.done = true;
			break;
		}
		enum unpack_result result = unpack_feed(u, c->p + c->used, (size_t)MIN(m->wire_left, (u64)(c->n - c->used)), &used);
		c->used += used;
		m->wire_left -= used;
		if (result == UNPACK_STUCK && m->wire_left && c->used == c->n) {
			c->want = 1;
			return STEP_MORE;
		}
		if (result == UNPACK_BAD || (result == UNPACK_STUCK && (!m->r.done || unpack_skips(u))))
			packed_forget(m);
		if (result != UNPACK_OK)
			break;
	}
	unpack_free(u);
	s->unpack[w->ps->dir] = NULL;
	return packed_rest(m, c);
}

/* The call ends within a message: a request waits for its answer from now on, as a server may refuse it before it is complete. */
static void suspend(struct parser *ps, struct mongo_message *m)
{
	struct mongo_request *q = mongo_request_of(m);
	if (!q)
		return;
	if (!q->texts_kept)
		mongo_statement_keep(q, false);
	if (!(m->m.flags & MSG_OPENED))
		parser_open(ps, &m->m);
}

static enum mongo_step message_step(struct reading *w, struct mongo_state *s, struct chunk *c)
{
	struct parser *ps = w->ps;
	struct mongo_message *m = s->current[ps->dir];
	if (!m) {
		enum mongo_step step = header_step(ps, s, c);
		m = s->current[ps->dir];
		if (step == STEP_ON && mongo_request_of(m))
			mongo_statement_start(w, mongo_request_of(m));
		return step;
	}
	w->h = m;
	enum mongo_step step = m->r.compressed ? packed_step(w, s, c) : plain_step(w, c);
	if (step == STEP_DONE)
		message_end(ps, s, m);
	else
		suspend(ps, m);
	return step;
}

enum parse mongo_parse(struct parser *ps, struct chunk *c)
{
	struct mongo_state *s = ps->state;
	char scratch[2 * EJSON_MAX];
	struct reading w = { .ps = ps, .scratch = scratch };
	c->used = 0;
	c->want = 0;
	if (!c->p) /* the end of a skip, with nothing behind it */
		c->p = (const u8 *)"";
	if (ps->request_dir == DIR_NONE) {
		enum side side;
		enum probe probe = mongo_probe(c->p, c->n, &side);
		if (probe == PROBE_MORE)
			return PARSE_MORE;
		if (probe == PROBE_NO)
			return PARSE_NOT_MINE;
		ps->request_dir = side == SIDE_REQUEST ? ps->dir : ps->dir ^ 1;
	}
	for (;;) {
		enum mongo_step step = message_step(&w, s, c);
		if (step == STEP_ON || (step == STEP_DONE && c->used == 0))
			continue;
		if (step == STEP_DONE)
			return PARSE_OK;
		if (step == STEP_SKIP)
			return PARSE_SKIP;
		if (step == STEP_MORE)
			return c->used ? PARSE_OK : PARSE_MORE;
		c->used = MIN(c->used + 1, c->n);
		return PARSE_DESYNC;
	}
}

/* What was half read is gone. A request that waits goes on waiting, with what is known of it: its answer bears its number. */
void mongo_gap(struct parser *ps)
{
	struct mongo_state *s = ps->state;
	struct mongo_message *m = s->current[ps->dir];
	s->end_known[ps->dir] = m ? s->message_end[ps->dir] : 0;
	release(s, ps->dir);
	if (ps->dir != ps->request_dir) {
		s->exhaust = NULL;
	} else if (m && m->m.flags & MSG_OPENED) {
		struct mongo_request *q = mongo_request_of(m);
		m->m.flags |= MSG_PARTIAL;
		q->text.full = q->shape_text.full = true;
		mongo_command_end(ps, q);
	}
}

/* A row of replies ends with the connection: what the client asked for, it got. */
void mongo_fin(struct parser *ps)
{
	struct mongo_state *s = ps->state;
	struct mongo_response *a = s->exhaust;
	u8 server = ps->request_dir ^ 1;
	if (a && s->current[server] != &a->h) {
		s->exhaust = NULL;
		a->h.m.end = s->exhaust_end;
		a->h.m.time = s->exhaust_ts;
		mongo_reply_end(a);
		parser_close(ps, &a->h.m);
	}
	if (ps->dir == server) {
		release(s, server);
		s->exhaust = NULL;
	}
}

void mongo_done(void *state)
{
	struct mongo_state *s = state;
	release(s, 0);
	release(s, 1);
}
