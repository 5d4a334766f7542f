/* The server's direction: replies of both RESP versions, confirmations of subscriptions, pushes. Of a value only its
 * size, type and outermost shape are kept, so that depth and length cost nothing: one counter of values to come. */
#include "proto/redis/read.h"

#define LEFT_MAX (1ull << 62)

/* Pushes that are reported are one-way requests of the server. */
static struct redis_request *push_record(const struct redis_state *s)
{
	return s->incoming->side == SIDE_REQUEST ? (struct redis_request *)s->incoming : NULL;
}

static struct redis_response *reply_of(const struct redis_state *s)
{
	return s->incoming->side == SIDE_RESPONSE ? (struct redis_response *)s->incoming : NULL;
}

/* Bytes of the values that make up the message; those of attributes are not among them. */
static void count_bytes(struct redis_state *s, u64 n)
{
	if (!s->top)
		s->incoming->size += n;
}

/* A value at the top has been told from attributes before it. */
static void top_begin(struct redis_state *s, const struct resp_head *head)
{
	struct redis_response *a = reply_of(s);
	struct redis_request *push = push_record(s);
	s->top = false;
	if (push)
		push->args = head->form == RESP_AGGREGATE && !head->streamed ? (u32)MIN(head->n, INT32_MAX) : 1;
	if (!a)
		return;
	if (!a->type) {
		a->type = head->type;
		a->data_type = resp_type_name(head->type);
	}
	a->nil = head->type == '_' || (head->n < 0 && head->form != RESP_TEXT);
	a->streamed = head->streamed && head->form == RESP_AGGREGATE;
	if (head->form == RESP_AGGREGATE && head->n > 0)
		a->elements += (u64)head->n / (head->type == '%' ? 2 : 1);
}

static void value_end(struct redis_state *s)
{
	s->left--;
	s->phase = PHASE_HEAD;
}

static enum redis_step text_take(struct parser *ps, struct redis_state *s, const struct resp_head *head, bool top)
{
	struct redis_response *a = reply_of(s);
	struct redis_request *push = push_record(s);
	i64 count;
	if (!push)
		count_bytes(s, head->text.n);
	if (push && top && head->type == '+')
		redis_line_take(push, head->text);
	else if (push && head->type != '_')
		redis_argument_take(ps, push, (const u8 *)head->text.p, head->text.n, head->text.n);
	if (s->word_kind && !top && s->left == 1 && head->type == ':' && resp_number(head->text, &count))
		s->confirm_count = (u32)MIN(MAX(count, 0), UINT32_MAX);
	if (a && top && head->type == '-')
		redis_error_take(ps, a, head->text);
	if (a && top && head->type == '+')
		a->status = str_eq(head->text, STR("OK")) ? STATUS_OK : str_eq(head->text, STR("QUEUED")) ? STATUS_QUEUED : STATUS_OTHER;
	return STEP_ON;
}

/* Within a streamed aggregate each value is one more. */
static void level_count(struct redis_state *s, const struct resp_head *head)
{
	struct redis_response *a = reply_of(s);
	if (!s->depth || s->left || head->type == '|' || head->form == RESP_END || head->form == RESP_CHUNK)
		return;
	s->left = 1;
	if (a && a->streamed && s->depth == 1)
		a->elements++;
}

/* The bytes of a bulk value or of a piece of one: passed over unless they are here, or wanted. */
static enum redis_step body_step(struct parser *ps, struct redis_state *s, struct chunk *c, const struct resp_head *head, bool top)
{
	struct rd rest = redis_rest(c);
	struct redis_request *push = push_record(s);
	struct redis_response *a = reply_of(s);
	rd_skip(&rest, head->size);
	u64 size = (u64)head->n;
	bool error = a && top && head->type == '!';
	size_t wants = push && head->form == RESP_BULK ? redis_argument_wants(ps, push, size) : error ? MIN(size, REDIS_ERROR_KEPT) : 0;
	size_t needs = wants && wants == size ? wants + 2 : wants;
	if (rd_left(&rest) < needs) {
		c->want = head->size + needs;
		return STEP_MORE;
	}
	bool whole = rd_left(&rest) >= size + 2;
	const u8 *p = rest.p;
	if (whole && (p[size] != '\r' || p[size + 1] != '\n'))
		return STEP_BAD;
	level_count(s, head);
	if (top)
		top_begin(s, head);
	if (push && head->form == RESP_BULK)
		redis_argument_take(ps, push, p, wants, size);
	else
		count_bytes(s, size);
	if (error)
		redis_error_take(ps, a, str_make(p, wants));
	c->used += head->size + (whole ? (size_t)size + 2 : 0);
	s->phase = head->form == RESP_CHUNK ? PHASE_CHUNK : PHASE_HEAD;
	if (whole && head->form == RESP_BULK)
		value_end(s);
	if (whole)
		return STEP_ON;
	s->phase = head->form == RESP_CHUNK ? PHASE_CHUNK_PASSED : PHASE_PASSED;
	c->want = size + 2;
	return STEP_SKIP;
}

/* A streamed aggregate: what is left outside of it waits until its end. */
static enum redis_step level_enter(struct redis_state *s)
{
	if (s->depth == REDIS_LEVELS)
		return STEP_BAD;
	if (!s->levels)
		s->levels = arena_alloc(&s->incoming->arena, REDIS_LEVELS * sizeof(*s->levels));
	if (!s->levels)
		return STEP_BAD;
	s->levels[s->depth++] = s->left - 1;
	s->left = 0;
	return STEP_ON;
}

static enum redis_step level_leave(struct redis_state *s)
{
	if (!s->depth || s->left)
		return STEP_BAD;
	s->left = s->levels[--s->depth];
	return STEP_ON;
}

static enum redis_step aggregate_take(struct redis_state *s, const struct resp_head *head, bool top)
{
	const struct redis_response *a = reply_of(s);
	i64 n = MAX(head->n, 0);
	if (head->streamed)
		return level_enter(s);
	if (top && a && a->kind == KIND_EXEC && n > 0)
		n = MAX(n + a->adjust, 0);
	if (s->left > LEFT_MAX)
		return STEP_BAD;
	s->left += (u64)n;
	if (head->type != '|')
		s->left--;
	return STEP_ON;
}

static enum redis_step head_take(struct parser *ps, struct redis_state *s, struct chunk *c, const struct resp_head *head)
{
	bool top = s->top && s->left == 1 && s->depth == 0 && head->type != '|';
	if (head->form == RESP_CHUNK)
		return STEP_BAD;
	if (head->form == RESP_BULK && head->n >= 0 && !head->streamed)
		return body_step(ps, s, c, head, top);
	level_count(s, head);
	c->used += head->size;
	if (top)
		top_begin(s, head);
	if (head->form == RESP_END)
		return level_leave(s);
	if (head->form == RESP_AGGREGATE)
		return aggregate_take(s, head, top);
	if (head->form == RESP_TEXT)
		text_take(ps, s, head, top);
	if (head->streamed)
		s->phase = PHASE_CHUNK;
	else
		value_end(s);
	return STEP_ON;
}

static enum redis_step head_step(struct parser *ps, struct redis_state *s, struct chunk *c)
{
	struct rd rest = redis_rest(c);
	struct resp_head head;
	c->want = 0;
	enum resp_result result = resp_head_read(&rest, &head);
	if (result == RESP_MORE)
		return STEP_MORE;
	if (result == RESP_BAD)
		return STEP_BAD;
	enum redis_step step = head_take(ps, s, c, &head);
	if (result == RESP_LONG) {
		s->left++;
		s->phase = PHASE_LINE;
	}
	return step;
}

/* The rest of a long line. */
static enum redis_step line_step(struct redis_state *s, struct chunk *c)
{
	struct rd rest = redis_rest(c);
	c->want = 0;
	if (!rd_left(&rest))
		return STEP_MORE;
	const u8 *end = memchr(rest.p, '\n', rd_left(&rest));
	size_t n = end ? (size_t)(end - rest.p) + 1 : rd_left(&rest);
	count_bytes(s, n);
	c->used += n;
	if (!end)
		return STEP_ON;
	if (!s->top)
		s->incoming->size -= 2;
	value_end(s);
	return STEP_ON;
}

static enum redis_step chunk_step(struct parser *ps, struct redis_state *s, struct chunk *c)
{
	struct rd rest = redis_rest(c);
	struct resp_head head;
	c->want = 0;
	enum resp_result result = resp_head_read(&rest, &head);
	if (result == RESP_MORE)
		return STEP_MORE;
	if (result != RESP_OK || head.form != RESP_CHUNK)
		return STEP_BAD;
	if (head.n > 0)
		return body_step(ps, s, c, &head, false);
	c->used += head.size;
	value_end(s);
	return STEP_ON;
}

/* One confirmation is complete. */
static void confirm_end(struct parser *ps, struct redis_state *s, const struct chunk *c)
{
	u8 kind = s->confirm_kind;
	s->confirm_end = c->offset + c->used;
	s->confirm_ts = c->ts;
	if (s->confirms == 0) { /* without arguments: one for each subscription of the kind, of which the first is gone now */
		u32 others = kind == KIND_UNSUBSCRIBE ? s->patterns : kind == KIND_PUNSUBSCRIBE ? s->channels : 0;
		s->confirms = s->confirm_count > others ? s->confirm_count - others + 1 : 1;
	}
	if (--s->confirms == 0)
		redis_confirm_close(ps, s);
	else if (!(s->confirm->m.flags & MSG_OPENED))
		parser_open(ps, &s->confirm->m);
}

static enum redis_step message_end(struct parser *ps, struct redis_state *s, struct chunk *c)
{
	struct message *m = s->incoming;
	struct redis_request *push = push_record(s);
	struct redis_response *a = reply_of(s);
	s->incoming = NULL;
	redis_subscriptions_count(s);
	if (s->incoming_as == IN_CONFIRM) {
		confirm_end(ps, s, c);
	} else if (push) {
		redis_statement_keep(push);
		parser_close(ps, m);
	} else if (s->incoming_as == IN_PUSH) {
		m->flags |= MSG_NOISE;
		parser_drop(ps, m);
	} else {
		if (a->streamed && a->type == '%')
			a->elements /= 2;
		bool leaves = redis_answer_apply(s, a);
		parser_close(ps, m);
		return leaves ? redis_leave(ps) : STEP_DONE;
	}
	return STEP_DONE;
}

static enum redis_step reply_step(struct parser *ps, struct redis_state *s, struct chunk *c)
{
	if (!s->incoming)
		return redis_opening(ps, s, c);
	if (s->phase == PHASE_PASSED)
		value_end(s);
	else if (s->phase == PHASE_CHUNK_PASSED)
		s->phase = PHASE_CHUNK;
	if (s->phase == PHASE_LINE)
		return line_step(s, c);
	if (s->phase == PHASE_CHUNK)
		return chunk_step(ps, s, c);
	return s->left || s->depth ? head_step(ps, s, c) : message_end(ps, s, c);
}

static enum parse reply_bad(struct parser *ps, struct redis_state *s, struct chunk *c)
{
	struct message *m = s->incoming;
	s->incoming = NULL;
	if (s->confirm && m == &s->confirm->m)
		s->confirm = NULL;
	if (m)
		parser_drop(ps, m);
	c->used = MIN(c->used + 1, c->n);
	return PARSE_DESYNC;
}

enum parse redis_parse_reply(struct parser *ps, struct redis_state *s, struct chunk *c)
{
	for (;;) {
		enum redis_step step = reply_step(ps, s, c);
		if (step == STEP_ON || (step == STEP_DONE && c->used == 0))
			continue;
		if (step == STEP_DONE || step == STEP_LEFT)
			return PARSE_OK;
		if (step == STEP_BAD)
			return reply_bad(ps, s, c);
		bool answers = s->incoming && s->incoming_as != IN_PUSH && !s->top;
		if (answers && !(s->incoming->flags & MSG_OPENED))
			parser_open(ps, s->incoming);
		if (step == STEP_SKIP)
			return PARSE_SKIP;
		return c->used ? PARSE_OK : PARSE_MORE;
	}
}
