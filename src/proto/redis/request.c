/* The client's direction: arrays of bulk strings, and inline commands. */
#include "proto/redis/read.h"
#include "util/bytes.h"

#define ARGS_MAX INT32_MAX
#define ADJUST_MAX (1 << 20) /* values by which the answer of EXEC may differ */

/* What one call needs: the memory that a statement is written in as long as its command is within the chunk. */
struct reading {
	struct parser *ps;
	struct redis_state *s;
	struct chunk *c;
	char *scratch; /* TEXT_MAX bytes */
};

static struct redis_request *request_begin(struct reading *r, u32 args)
{
	struct redis_request *q = parser_begin(r->ps, SIDE_REQUEST, sizeof(*q));
	q->args = q->left = args;
	if (r->ps->opt->details)
		q->text = (struct text){ r->scratch, 0, MIN(r->ps->opt->statement_length, TEXT_MAX), false };
	r->s->request = q;
	return q;
}

/* Is it known from the name alone what the command does to the connection, and whether it is answered? */
static bool is_decided_by_name(const struct redis_request *q)
{
	switch (q->kind) {
	case KIND_CLIENT:
	case KIND_HELLO:
	case KIND_REPLCONF:
	case KIND_SELECT:
	case KIND_XREAD:
		return false;
	default:
		return q->seen > 0;
	}
}

/* The call ends within a command. It waits for its answer from now on, as servers refuse some before they are complete; and
 * what was written of its statement moves to the message. */
static void request_suspend(struct reading *r)
{
	struct redis_request *q = r->s->request;
	if (!q)
		return;
	if (!(q->m.flags & MSG_OPENED) && is_decided_by_name(q)) {
		redis_request_decide(r->ps, r->s, q);
		parser_open(r->ps, &q->m);
	}
	if (q->text.p != r->scratch)
		return;
	char *p = arena_alloc(&q->m.arena, q->text.cap);
	if (p)
		memcpy(p, r->scratch, q->text.n);
	else
		q->text.n = q->text.cap = 0;
	q->text.p = p;
}

/* A command with no words in it: no answer, and no next command any more for CLIENT REPLY SKIP. */
static void nothing_asked(struct redis_state *s)
{
	if (s->reply_mode == REPLY_SKIP_NEXT)
		s->reply_mode = REPLY_ON;
}

/* A command within a transaction: QUEUED now, its answer in that of EXEC, which holds more values than it announces
 * where the command has several, and fewer where replies are off. */
static void decide_queued(struct redis_state *s, const struct redis_request *q)
{
	bool off = s->queued_mode == REPLY_OFF;
	if (q->reply == REPLY_ON + 1)
		s->queued_mode = REPLY_ON;
	else if (q->reply == REPLY_OFF + 1)
		s->queued_mode = REPLY_OFF;
	else if (q->reply && !off)
		s->queued_mode = REPLY_SKIP_NEXT;
	if (s->adjust > ADJUST_MAX || s->adjust < -ADJUST_MAX)
		return;
	if (q->reply > REPLY_ON + 1 || (off && q->reply != REPLY_ON + 1))
		s->adjust--;
	else if (redis_kind_subscribes(q->kind) && q->args > 2 && q->args <= ADJUST_MAX)
		s->adjust += (i32)q->args - 2;
}

static bool runs_at_once(u8 kind)
{
	return kind == KIND_EXEC || kind == KIND_DISCARD || kind == KIND_MULTI || kind == KIND_WATCH ||
	       kind == KIND_QUIT || kind == KIND_RESET;
}

static void decide_transaction(struct redis_state *s, struct redis_request *q)
{
	switch (q->kind) {
	case KIND_MULTI:
		if (s->queueing)
			return;
		s->queueing = true;
		s->adjust = 0;
		s->queued_mode = s->reply_mode;
		break;
	case KIND_EXEC:
		if (!s->queueing && s->unsure) /* what it executes was not seen: `adjust` is not known */
			q->m.flags |= MSG_PARTIAL;
		if (s->queueing && s->queued_mode != s->reply_mode) {
			q->reply = s->queued_mode + 1;
			s->reply_mode = s->queued_mode;
		}
		q->adjust = s->queueing ? s->adjust : 0;
		s->queueing = false;
		break;
	case KIND_DISCARD:
	case KIND_RESET:
		s->queueing = false;
		break;
	default:
		break;
	}
}

/* CLIENT REPLY ON is answered, but in a connection that we joined, what was asked before it perhaps was not: then its answer
 * must not be taken for theirs. */
static void forget_unanswered(struct parser *ps, const struct redis_state *s)
{
	if (!s->unsure || s->answered)
		return;
	for (struct message *m; (m = parser_waiting(ps, NULL)) != NULL;)
		parser_drop(ps, m);
}

/* CLIENT REPLY outside of a transaction. True when it is answered. */
static bool decide_reply(struct parser *ps, struct redis_state *s, const struct redis_request *q)
{
	bool refused = !s->resp3 && s->channels + s->patterns + s->shards > 0;
	if (refused)
		return s->reply_mode == REPLY_ON;
	if (q->reply == REPLY_ON + 1) {
		forget_unanswered(ps, s);
		s->reply_mode = REPLY_ON;
		return true;
	}
	if (q->reply == REPLY_OFF + 1)
		s->reply_mode = REPLY_OFF;
	else if (s->reply_mode != REPLY_OFF)
		s->reply_mode = REPLY_SKIP_NEXT;
	return false;
}

void redis_request_decide(struct parser *ps, struct redis_state *s, struct redis_request *q)
{
	if (q->decided)
		return;
	q->decided = true;
	bool answered = s->reply_mode == REPLY_ON;
	if (s->reply_mode == REPLY_SKIP_NEXT)
		s->reply_mode = REPLY_ON;
	if (s->queueing && !runs_at_once(q->kind))
		decide_queued(s, q);
	else if (q->reply)
		answered = decide_reply(ps, s, q);
	else
		decide_transaction(s, q);
	if (q->kind == KIND_RESET) {
		s->reply_mode = REPLY_ON;
		answered = true;
	}
	if (s->queueing)
		q->m.flags &= (u8)~MSG_BLOCKING;
	if (!answered || q->sub == SUB_ACK)
		q->m.flags |= MSG_ONEWAY;
	redis_database_set(q, s->database_sent);
	if (q->kind == KIND_SELECT)
		s->database_sent = q->number;
	else if (q->kind == KIND_RESET)
		s->database_sent = 0;
}

static enum redis_step request_end(struct reading *r)
{
	struct redis_request *q = r->s->request;
	redis_request_decide(r->ps, r->s, q);
	redis_statement_keep(q);
	r->s->request = NULL;
	bool replica = q->sub == SUB_ACK;
	parser_close(r->ps, &q->m);
	return replica ? redis_leave(r->ps) : STEP_DONE;
}

/* A bulk string of a command. */
static enum redis_step argument_step(struct reading *r)
{
	struct chunk *c = r->c;
	struct redis_request *q = r->s->request;
	struct rd rest = redis_rest(c);
	struct resp_head head;
	enum resp_result result = resp_head_read(&rest, &head);
	c->want = 0;
	if (result == RESP_MORE)
		return STEP_MORE;
	if (result != RESP_OK || head.type != '$' || head.streamed || head.n < 0)
		return STEP_BAD;
	u64 size = (u64)head.n;
	size_t wants = redis_argument_wants(r->ps, q, size);
	size_t needs = wants == size ? wants + 2 : wants;
	if (rd_left(&rest) < needs) {
		c->want = head.size + needs;
		return STEP_MORE;
	}
	bool whole = rd_left(&rest) >= size + 2;
	const u8 *p = rest.p;
	if (whole && (p[size] != '\r' || p[size + 1] != '\n'))
		return STEP_BAD;
	redis_argument_take(r->ps, q, p, whole ? (size_t)size : wants, size);
	c->used += head.size + (whole ? (size_t)size + 2 : 0);
	q->left--;
	if (whole)
		return STEP_ON;
	c->want = size + 2;
	r->s->passed = true;
	return STEP_SKIP;
}

/* What a backslash within double quotes stands for. */
static u8 unescape(struct rd *line)
{
	u8 c = rd_u8(line);
	if (c == 'x' && rd_left(line) >= 2 && hex_digit((char)line->p[0]) >= 0 && hex_digit((char)line->p[1]) >= 0) {
		u8 high = rd_u8(line);
		return (u8)(hex_digit((char)high) << 4 | hex_digit((char)rd_u8(line)));
	}
	switch (c) {
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	case 'b': return '\b';
	case 'a': return '\a';
	default: return c;
	}
}

static bool is_blank(u8 c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0;
}

/* The next word of an inline command, without its quotes: its size, of which at most `cap` bytes are stored; -1 at the end. */
static long word_next(struct rd *line, u8 *out, size_t cap)
{
	size_t n = 0;
	u8 quote = 0;
	while (rd_left(line) && is_blank(*line->p))
		rd_skip(line, 1);
	if (!rd_left(line))
		return -1;
	while (rd_left(line)) {
		u8 c = rd_u8(line);
		if (!quote && is_blank(c))
			break;
		if (!quote && (c == '"' || c == '\'')) {
			quote = c;
			continue;
		}
		if (quote && c == quote) {
			quote = 0;
			continue;
		}
		if (c == '\\' && rd_left(line) && (quote == '"' || (quote == '\'' && *line->p == '\'')))
			c = quote == '"' ? unescape(line) : rd_u8(line);
		if (n < cap)
			out[n] = c;
		n++;
	}
	return (long)n;
}

static bool inline_plausible(struct str line)
{
	struct rd r = rd_make(line.p, line.n);
	u8 word[COMMAND_SHOWN_MAX];
	long n = word_next(&r, word, sizeof(word));
	if (n > (long)sizeof(word) || (n > 0 && !redis_command_plausible(str_make(word, (size_t)n))))
		return false;
	for (u32 i = 0; i < line.n; i++)
		if ((u8)line.p[i] < ' ' && line.p[i] != '\t')
			return false;
	return true;
}

static bool inline_may_begin(u8 c)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
	return letter || is_blank(c) || c == '_' || c == '"' || c == '\'';
}

/* "GET / HTTP/1.1": servers close such connections. */
static bool is_http(struct str line)
{
	return line.n > 9 && memcmp(line.p + line.n - 9, " HTTP/1.", 8) == 0;
}

static void inline_take(struct reading *r, struct str line)
{
	struct rd words = rd_make(line.p, line.n);
	u8 word[TEXT_MAX];
	struct redis_request *q = NULL;
	u32 args = 0;
	for (struct rd count = words; word_next(&count, word, 0) >= 0;)
		args++;
	for (long n; (n = word_next(&words, word, sizeof(word))) >= 0; q->left--) {
		if (!q)
			q = request_begin(r, args);
		size_t wants = redis_argument_wants(r->ps, q, (u64)n);
		redis_argument_take(r->ps, q, word, MIN(wants, sizeof(word)), (u64)n);
	}
	if (!q)
		nothing_asked(r->s);
}

static enum redis_step inline_step(struct reading *r)
{
	struct chunk *c = r->c;
	struct redis_state *s = r->s;
	struct rd rest = redis_rest(c);
	u64 at = c->offset + c->used;
	size_t known = s->scanned > at ? (size_t)MIN(s->scanned - at, rd_left(&rest)) : 0;
	size_t look = MIN(rd_left(&rest), (size_t)REDIS_INLINE_MAX);
	const u8 *end = look > known ? memchr(rest.p + known, '\n', look - known) : NULL;
	c->want = 0;
	if (!end) {
		s->scanned = at + look;
		if (!inline_may_begin(*rest.p))
			return STEP_BAD;
		return look == REDIS_INLINE_MAX ? STEP_BAD : STEP_MORE;
	}
	struct str line = str_make(rest.p, (size_t)(end - rest.p));
	size_t size = line.n + 1;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (!inline_plausible(line) || is_http(line))
		return STEP_BAD;
	inline_take(r, line);
	c->used += size;
	return STEP_ON;
}

static enum redis_step start_step(struct reading *r)
{
	struct chunk *c = r->c;
	struct rd rest = redis_rest(c);
	i64 args;
	c->want = 0;
	if (!rd_left(&rest))
		return STEP_MORE;
	if (rd_u8(&rest) != '*')
		return inline_step(r);
	enum resp_result result = resp_number_read(&rest, &args);
	if (result == RESP_MORE)
		return STEP_MORE;
	if (result != RESP_OK || args > ARGS_MAX)
		return STEP_BAD;
	if (args > 0)
		request_begin(r, (u32)args);
	else
		nothing_asked(r->s);
	c->used = (size_t)(rest.p - c->p);
	return STEP_ON;
}

static enum redis_step request_step(struct reading *r)
{
	struct redis_state *s = r->s;
	s->passed = false;
	if (!s->request)
		return start_step(r);
	return s->request->left ? argument_step(r) : request_end(r);
}

static enum parse request_bad(struct reading *r)
{
	struct rd rest = redis_rest(r->c);
	bool tls = rd_left(&rest) >= 2 && rest.p[0] == 0x16 && rest.p[1] == 3;
	struct redis_request *q = r->s->request;
	r->s->request = NULL;
	if (q && q->m.answer) { /* the server has refused it already */
		q->m.flags |= MSG_PARTIAL;
		redis_statement_keep(q);
		parser_close(r->ps, &q->m);
	} else if (q) {
		parser_drop(r->ps, &q->m);
	}
	r->c->used = MIN(r->c->used + 1, r->c->n);
	return tls && !r->s->answered ? PARSE_NOT_MINE : PARSE_DESYNC;
}

enum parse redis_parse_request(struct parser *ps, struct redis_state *s, struct chunk *c)
{
	char scratch[TEXT_MAX];
	struct reading r = { .ps = ps, .s = s, .c = c, .scratch = scratch };
	for (;;) {
		enum redis_step step = request_step(&r);
		if (step == STEP_ON || (step == STEP_DONE && c->used == 0))
			continue;
		if (step == STEP_DONE || step == STEP_LEFT)
			return PARSE_OK;
		if (step == STEP_BAD)
			return request_bad(&r);
		request_suspend(&r);
		if (step == STEP_SKIP)
			return PARSE_SKIP;
		return c->used ? PARSE_OK : PARSE_MORE;
	}
}
