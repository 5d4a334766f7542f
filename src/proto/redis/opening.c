/* The beginning of what a server sends: a reply, a confirmation of a subscription, or something nobody asked for. */
#include "proto/redis/read.h"

#define SYNC_LINE_MAX 64

/* First words of the arrays that a server sends for subscriptions. */
static const struct {
	const char *word;
	u8 values; /* of the array */
	u8 kind;   /* confirmations: the command that asks for it */
} words[] = {
	{ "message", 3, KIND_PLAIN },
	{ "pmessage", 4, KIND_PLAIN },
	{ "smessage", 3, KIND_PLAIN },
	{ "subscribe", 3, KIND_SUBSCRIBE },
	{ "psubscribe", 3, KIND_PSUBSCRIBE },
	{ "ssubscribe", 3, KIND_SSUBSCRIBE },
	{ "unsubscribe", 3, KIND_UNSUBSCRIBE },
	{ "punsubscribe", 3, KIND_PUNSUBSCRIBE },
	{ "sunsubscribe", 3, KIND_SUNSUBSCRIBE },
};

enum { WORD_MAX = 16 };

/* What a message that begins here turns out to be. */
struct opening {
	u8 as;        /* enum redis_incoming */
	u8 word_kind; /* of a confirmation */
};

/* Reads the first element of an array, a short string; empty when it is something else. */
static enum resp_result word_read(struct rd *r, struct str *word)
{
	struct resp_head head;
	*word = (struct str){ 0 };
	enum resp_result result = resp_head_read(r, &head);
	if (result == RESP_OK && head.type == '+')
		*word = head.text;
	if (result != RESP_OK || head.type != '$' || head.streamed || head.n <= 0 || head.n > WORD_MAX)
		return result == RESP_LONG ? RESP_OK : result;
	if (rd_left(r) < (size_t)head.n)
		return RESP_MORE;
	*word = rd_str(r, (size_t)head.n);
	return RESP_OK;
}

/* "1339518083.107412 [0 127.0.0.1:60866] …" */
static bool is_monitor_line(struct str line)
{
	u32 i = 0, dots = 0;
	for (; i < line.n && i < 32 && ((line.p[i] >= '0' && line.p[i] <= '9') || line.p[i] == '.'); i++)
		dots += line.p[i] == '.';
	return dots == 1 && i > 2 && i + 1 < line.n && line.p[i] == ' ' && line.p[i + 1] == '[';
}

static bool has_subscriptions(const struct redis_state *s)
{
	return s->channels + s->patterns + s->shards > 0;
}

/* May an array be something else than the answer to `front`? In RESP 2 a subscriber can ask for few things. */
static bool array_may_be_push(const struct redis_state *s, const struct redis_request *front)
{
	if (s->resp3)
		return false;
	if (!front || has_subscriptions(s))
		return true;
	return redis_kind_subscribes(front->kind) ||
	       (s->unsure && (front->kind == KIND_PING || front->kind == KIND_QUIT || front->kind == KIND_RESET));
}

static bool confirms(const struct redis_state *s, const struct redis_request *front, u8 kind)
{
	return (s->confirm && s->confirm_kind == kind) || (front && front->kind == kind);
}

/* An array or push: told apart by its first word. `r` is behind its head. */
static enum resp_result opening_by_word(const struct redis_state *s, const struct redis_request *front, const struct resp_head *head,
					struct rd r, struct opening *o)
{
	struct str word = { 0 };
	enum resp_result result = head->n > 0 ? word_read(&r, &word) : RESP_OK;
	if (result != RESP_OK)
		return result;
	o->as = head->type == '>' ? IN_PUSH : IN_REPLY;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!str_eq_nocase(word, str_from(words[i].word)) || head->n != words[i].values)
			continue;
		o->word_kind = words[i].kind;
		o->as = o->word_kind && confirms(s, front, o->word_kind) ? IN_CONFIRM : IN_PUSH;
	}
	return RESP_OK;
}

bool redis_word_is_push(struct str word, i64 values)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].kind == KIND_PLAIN && values == words[i].values && str_eq(word, str_from(words[i].word)))
			return true;
	return false;
}

static enum resp_result opening_read(const struct redis_state *s, const struct redis_request *front, struct rd r, struct opening *o)
{
	struct resp_head head;
	*o = (struct opening){ .as = IN_REPLY };
	enum resp_result result = resp_head_read(&r, &head);
	if (result != RESP_OK && result != RESP_LONG)
		return result;
	if (head.type == '>' || (head.type == '*' && !head.streamed && array_may_be_push(s, front)))
		return opening_by_word(s, front, &head, r, o);
	if (head.type == '+' && (s->monitor || s->unsure || !front) && is_monitor_line(head.text))
		o->as = IN_PUSH;
	return RESP_OK;
}

static void push_begin(struct parser *ps, struct redis_state *s)
{
	struct redis_request *q = parser_begin(ps, SIDE_REQUEST, sizeof(*q));
	q->m.flags |= MSG_ONEWAY;
	u32 cap = ps->opt->details ? MIN(ps->opt->statement_length, TEXT_MAX) : 0;
	char *p = cap ? arena_alloc(&q->m.arena, cap) : NULL;
	q->text = (struct text){ p, 0, p ? cap : 0, false };
	s->incoming = &q->m;
}

static struct redis_response *reply_begin(struct parser *ps, struct redis_state *s, struct redis_request *front)
{
	struct redis_response *a = parser_begin(ps, SIDE_RESPONSE, sizeof(*a));
	s->incoming = &a->m;
	if (!front || s->incoming_as == IN_PUSH)
		return a;
	s->answered = true;
	a->kind = front->kind;
	a->reply = front->reply;
	a->number = front->number;
	a->adjust = front->adjust;
	if (s->incoming_as == IN_CONFIRM) {
		s->confirm = a;
		s->confirm_kind = front->kind;
		s->confirms = front->args > 1 ? front->args - 1 : 0;
	}
	bool queued = s->transaction && front->kind != KIND_DISCARD;
	redis_database_set(front, queued ? s->database_queued : s->database);
	return a;
}

/* The confirmations have ended with the latest one. */
void redis_confirm_close(struct parser *ps, struct redis_state *s)
{
	struct redis_response *a = s->confirm;
	s->confirm = NULL;
	a->m.end = s->confirm_end;
	a->m.time = s->confirm_ts;
	parser_close(ps, &a->m);
}

/* The stream of a replica is carried on, and not read. */
enum redis_step redis_leave(struct parser *ps)
{
	parser_handover(ps, NULL, NULL);
	return STEP_LEFT;
}

/* SYNC is answered after line feeds that keep the connection alive, by a file of announced length without a line end. */
static bool answers_sync(const struct redis_request *front)
{
	return front && (front->kind == KIND_SYNC || front->kind == KIND_PSYNC);
}

/* "$" and the length of the file, or "$EOF:" and the mark that will end it. */
static enum redis_step sync_step(struct parser *ps, struct redis_state *s, struct chunk *c, struct redis_request *front)
{
	struct rd rest = redis_rest(c);
	size_t look = MIN(rd_left(&rest), (size_t)SYNC_LINE_MAX);
	const u8 *end = memchr(rest.p, '\n', look);
	c->want = 0;
	if (!end)
		return look == SYNC_LINE_MAX ? STEP_BAD : STEP_MORE;
	s->incoming_as = IN_REPLY;
	struct redis_response *a = reply_begin(ps, s, front);
	i64 size = 0;
	a->type = '$';
	a->data_type = resp_type_name('$');
	if (end - rest.p > 2 && resp_number(str_make(rest.p + 1, (size_t)(end - rest.p) - 2), &size) && size > 0)
		a->m.size = (u64)size;
	c->used += (size_t)(end - rest.p) + 1;
	s->incoming = NULL;
	parser_close(ps, &a->m);
	return redis_leave(ps);
}

enum redis_step redis_opening(struct parser *ps, struct redis_state *s, struct chunk *c)
{
	struct redis_request *front = (struct redis_request *)parser_request(ps, 0);
	struct rd rest = redis_rest(c);
	while (answers_sync(front) && rd_left(&rest) && *rest.p == '\n')
		rd_skip(&rest, 1);
	c->used = c->n - rd_left(&rest);
	if (answers_sync(front) && rd_left(&rest) && *rest.p == '$')
		return sync_step(ps, s, c, front);
	struct opening o;
	c->want = 0;
	switch (opening_read(s, front, rest, &o)) {
	case RESP_MORE:
		return STEP_MORE;
	case RESP_BAD:
		return STEP_BAD;
	default:
		break;
	}
	if (s->confirm && (o.as == IN_REPLY || (o.as == IN_CONFIRM && o.word_kind != s->confirm_kind))) {
		redis_confirm_close(ps, s); /* there were fewer confirmations than expected */
		return STEP_ON;
	}
	s->incoming_as = o.as;
	s->word_kind = o.word_kind;
	s->left = 1;
	s->depth = 0;
	s->top = true;
	s->levels = NULL;
	s->phase = PHASE_HEAD;
	if (o.as == IN_CONFIRM && s->confirm)
		s->incoming = &s->confirm->m;
	else if (o.as == IN_PUSH && ps->opt->pushes)
		push_begin(ps, s);
	else
		reply_begin(ps, s, front);
	return STEP_ON;
}

bool redis_is_push(const u8 *p, size_t n)
{
	struct redis_state nothing_known = { .unsure = true };
	struct opening o;
	enum resp_result result = opening_read(&nothing_known, NULL, rd_make(p, n), &o);
	return (result == RESP_OK || result == RESP_LONG) && o.as == IN_PUSH;
}
