/* Apache Kafka's protocol: frames with a length, a request's header, an answer's correlation id. What the bodies say is read by
 * walk.c from layout_*.c. A server answers the requests of a connection one after another; the correlation id tells which. */
#include "proto/kafka/kafka.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	SEARCH_MAX = 256,    /* requests looked through for another one with the same id */
	ANSWER_HEAD = 8,     /* size and correlation id */
	BLOCKING_MS = 20000, /* a fetch that may wait longer than this has no time-out */
};
#define FOREIGN_KEY (1ull << 40) /* of an answer that must not be paired */

/* Requests. */

static void api_name_set(struct kafka_request *q)
{
	if (q->api) {
		q->api_name = str_from(q->api->name);
		return;
	}
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", q->key);
	q->api_name = arena_str(&q->m.arena, text, (size_t)n);
}

static struct kafka_walk *walk_new(struct message *m, const struct kafka_row *rows, i16 version, bool flexible, bool tagged_header)
{
	struct kafka_walk *w = arena_zalloc(&m->arena, sizeof(*w));
	if (!w)
		return NULL;
	w->m = m;
	kafka_walk_start(w, rows, version, flexible, tagged_header);
	return w;
}

/* Nothing later in the request changes how it waits for its answer. */
static bool is_decided(const struct kafka_request *q)
{
	if (!q->api || q->version_unknown || q->malformed)
		return true;
	return q->key == KAFKA_PRODUCE ? q->acks != NULL : q->key == KAFKA_FETCH ? q->max_wait != 0 : true;
}

static void request_open(struct parser *ps, struct kafka_request *q)
{
	if (q->m.flags & MSG_OPENED)
		return;
	if (q->key == KAFKA_JOIN_GROUP || q->key == KAFKA_SYNC_GROUP || q->max_wait > BLOCKING_MS * NS_PER_MS)
		q->m.flags |= MSG_BLOCKING;
	parser_open(ps, &q->m);
}

static void request_begin(struct parser *ps, struct kafka_state *s, const struct kafka_head *h, const u8 *client)
{
	struct kafka_side *side = &s->side[ps->dir];
	struct kafka_request *q = parser_begin(ps, SIDE_REQUEST, sizeof(*q));
	q->m.key = (u32)h->correlation;
	q->m.size = (u64)h->size + 4;
	q->opt = ps->opt;
	q->shared = ps->shared;
	q->losses = s->losses[ps->dir ^ 1];
	q->correlation = h->correlation;
	q->key = h->key;
	q->version = h->version;
	q->api = h->api;
	q->version_unknown = !h->api || h->version > h->api->last;
	api_name_set(q);
	if (q->version_unknown)
		q->m.flags |= MSG_VERSION_UNKNOWN;
	if (h->client_n > 0) {
		q->client_id = arena_str(&q->m.arena, client, (size_t)h->client_n);
		s->client_hash = kafka_client_hash(client, (size_t)h->client_n);
	}
	if (q->key == KAFKA_SASL_HANDSHAKE)
		s->tokens = q->version == 0;
	bool flexible = h->api && h->version >= h->api->flexible;
	side->m = &q->m;
	side->walk = q->version_unknown ? NULL : walk_new(&q->m, h->api->request, h->version, flexible, flexible);
}

static enum parse request_frame(struct parser *ps, struct kafka_state *s, struct chunk *c)
{
	struct kafka_side *side = &s->side[ps->dir];
	struct kafka_head h = { 0 };
	enum kafka_frame found = kafka_head_read(c->p, c->n, &h);
	bool token = s->tokens && h.size >= 0;
	if (found == FRAME_MORE || (s->tokens && c->n < 4)) {
		c->want = c->n + 1;
		return PARSE_MORE;
	}
	if (found == FRAME_FITS && s->tokens)
		found = h.api && h.version <= h.api->last ? found : FRAME_NO;
	if (found == FRAME_NO && !token) {
		c->used = 1;
		return PARSE_DESYNC;
	}
	side->inside = true;
	side->end_known = false;
	side->end = c->offset + 4 + (u64)h.size;
	if (found == FRAME_NO) {
		side->m = NULL;
		side->walk = NULL;
		s->tokens_sent++;
		c->used = 4;
		return PARSE_OK;
	}
	s->tokens = false;
	request_begin(ps, s, &h, c->p + h.length - MAX(h.client_n, 0));
	c->used = h.length;
	return PARSE_OK;
}

/* Answers. */

/* Another request with this id, after this one. */
static struct message *asked_again(struct parser *ps, struct message *q)
{
	u64 key = q->key;
	u8 dir = q->dir;
	for (int i = 0; i < SEARCH_MAX && (q = parser_waiting(ps, q)); i++)
		if (q->key == key && q->dir == dir)
			return q;
	return NULL;
}

/* The request an answer that begins here belongs to. *ret_sure is false when losses make it doubtful: ids may be used again. */
static struct message *asked(struct parser *ps, const struct kafka_state *s, u64 key, bool *ret_sure)
{
	struct message *q = parser_request(ps, key), *again;
	*ret_sure = true;
	if (!q)
		return NULL;
	const struct chunk *c = ps->chunk;
	if (s->losses[ps->dir ^ 1] && chunk_acked(c) != STREAM_ACK_UNKNOWN && q->start >= chunk_acked(c)) {
		*ret_sure = false; /* its server had not got it yet */
		return NULL;
	}
	bool answers_lost = ((const struct kafka_request *)q)->losses != s->losses[ps->dir], asks_lost = s->losses[q->dir] > 0;
	if ((!answers_lost && !asks_lost) || !(again = asked_again(ps, q)))
		return q;
	/* when that one was sent, all answers before this one had been received */
	*ret_sure = !asks_lost && q->acked != again->acked && again->acked == c->offset + c->used;
	return *ret_sure ? again : NULL;
}

static void answer_begin(struct parser *ps, struct kafka_state *s, i32 size, i32 correlation)
{
	struct kafka_side *side = &s->side[ps->dir];
	bool sure;
	const struct kafka_request *q = (const struct kafka_request *)asked(ps, s, (u32)correlation, &sure);
	struct kafka_response *a = parser_begin(ps, SIDE_RESPONSE, sizeof(*a));
	a->m.key = (u32)correlation | (sure ? 0 : FOREIGN_KEY);
	a->m.size = (u64)size + 4;
	a->opt = ps->opt;
	a->shared = ps->shared;
	a->correlation = correlation;
	a->key = -1;
	side->m = &a->m;
	side->walk = NULL;
	struct message *oldest = q ? parser_request(ps, a->m.key) : NULL;
	if (oldest && oldest != &q->m)
		parser_answer(ps, (struct message *)(uintptr_t)&q->m, &a->m);
	else
		parser_open(ps, &a->m);
	if (!q)
		return;
	a->api = q->api;
	a->key = q->key;
	a->version = q->version;
	bool flexible = q->api && q->version >= q->api->flexible;
	if (!q->version_unknown)
		side->walk = walk_new(&a->m, q->api->response, q->version, flexible, flexible && q->key != KAFKA_API_VERSIONS);
}

/* After a SaslHandshake of version 0 the server's tokens have no header, either. */
static bool is_token(struct parser *ps, const struct kafka_state *s, const struct chunk *c, i32 size)
{
	if (s->tokens_answered >= s->tokens_sent)
		return false;
	const struct kafka_request *q = size >= 4 ? (const struct kafka_request *)parser_request(ps, be32(c->p + 4)) : NULL;
	return !q || q->key != KAFKA_SASL_HANDSHAKE;
}

static enum parse answer_frame(struct parser *ps, struct kafka_state *s, struct chunk *c)
{
	struct kafka_side *side = &s->side[ps->dir];
	i32 size = c->n >= 4 ? (i32)be32(c->p) : 0;
	bool tokens = s->tokens_answered < s->tokens_sent;
	if (c->n < 4 || (c->n < ANSWER_HEAD && (!tokens || size >= 4))) {
		c->want = c->n < 4 ? 4 : ANSWER_HEAD;
		return PARSE_MORE;
	}
	bool token = size >= 0 && is_token(ps, s, c, size);
	if (size < 4 && !token) {
		c->used = 1;
		return PARSE_DESYNC;
	}
	side->inside = true;
	side->end_known = false;
	side->end = c->offset + 4 + (u64)size;
	if (token) {
		s->tokens_answered++;
		side->m = NULL;
		side->walk = NULL;
		c->used = 4;
		return PARSE_OK;
	}
	answer_begin(ps, s, size, (i32)be32(c->p + 4));
	c->used = ANSWER_HEAD;
	return PARSE_OK;
}

/* Both. */

static void request_end(struct kafka_state *s, struct kafka_request *q)
{
	if (q->key == KAFKA_FETCH)
		kafka_session_use(s, q);
}

static void answer_end(struct kafka_state *s, struct kafka_response *a)
{
	if (a->key < 0)
		return;
	const struct kafka_request *q = (const struct kafka_request *)a->m.answer;
	if (a->key == KAFKA_FETCH && q)
		kafka_session_begin(s, q, a);
	if (!a->api || a->version > a->api->last || (a->malformed && !a->first_error))
		return;
	a->error_code = kafka_error_text(&a->m.arena, a->first_error);
	if (!a->first_error)
		return;
	const char *name = kafka_error_name(a->first_error);
	a->m.flags |= MSG_FAILED;
	a->m.error = name ? str_from(name) : a->error_code;
}

static void frame_close(struct parser *ps, struct kafka_state *s)
{
	struct kafka_side *side = &s->side[ps->dir];
	struct message *m = side->m;
	side->inside = false;
	side->m = NULL;
	side->walk = NULL;
	if (!m)
		return;
	if (m->side == SIDE_REQUEST) {
		request_end(s, (struct kafka_request *)m);
		request_open(ps, (struct kafka_request *)m);
	} else {
		answer_end(s, (struct kafka_response *)m);
	}
	parser_close(ps, m);
}

static void malformed(struct kafka_side *side)
{
	kafka_walk_abandon(side->walk);
	side->walk = NULL;
	if (side->m->side == SIDE_REQUEST)
		((struct kafka_request *)side->m)->malformed = true;
	else
		((struct kafka_response *)side->m)->malformed = true;
}

/* Bytes of a frame. PARSE_OK also when it has ended. */
static enum parse frame_go_on(struct parser *ps, struct kafka_state *s, struct chunk *c)
{
	struct kafka_side *side = &s->side[ps->dir];
	u64 left = side->end - (c->offset + c->used);
	u64 skip = 0;
	if (side->walk) {
		size_t n = (size_t)MIN(left, c->n - c->used), used;
		enum kafka_walked walked = kafka_walk(side->walk, c->p + c->used, n, left, &used);
		c->used += used;
		left -= used;
		if (walked == WALKED_SHORT) {
			skip = side->walk->skip;
			side->walk->skip = 0;
		} else if (walked == WALKED_BAD) {
			malformed(side);
		} else {
			side->walk = NULL; /* what may follow is of no known meaning */
		}
		if (side->m->side == SIDE_REQUEST && is_decided((const struct kafka_request *)side->m))
			request_open(ps, (struct kafka_request *)side->m);
	}
	if (!side->walk) {
		size_t n = (size_t)MIN(left, c->n - c->used);
		c->used += n;
		skip = left - n;
		if (skip == 0) {
			frame_close(ps, s);
			return PARSE_OK;
		}
	}
	if (skip) {
		c->want = skip;
		return PARSE_SKIP;
	}
	c->want = c->n + 1;
	return c->used ? PARSE_OK : PARSE_MORE;
}

static enum parse kafka_parse(struct parser *ps, struct chunk *c)
{
	struct kafka_state *s = ps->state;
	struct kafka_side *side = &s->side[ps->dir];
	c->used = 0;
	c->want = 0;
	if (!c->p) /* the end of a skip, with nothing behind it */
		c->p = (const u8 *)"";
	if (ps->request_dir == DIR_NONE) {
		enum side from;
		enum probe probe = kafka_probe(c->p, c->n, &from);
		if (probe == PROBE_MORE)
			return PARSE_MORE;
		if (probe == PROBE_NO)
			return PARSE_NOT_MINE;
		ps->request_dir = ps->dir;
	}
	if (!side->inside) {
		enum parse verdict = ps->dir == ps->request_dir ? request_frame(ps, s, c) : answer_frame(ps, s, c);
		if (verdict != PARSE_OK)
			return verdict;
	}
	return frame_go_on(ps, s, c);
}

/* Where the frame in progress ends is known all the same. */
static void kafka_gap(struct parser *ps)
{
	struct kafka_state *s = ps->state;
	struct kafka_side *side = &s->side[ps->dir];
	struct message *m = side->m;
	s->losses[ps->dir]++;
	side->end_known = side->inside;
	side->inside = false;
	side->m = NULL;
	side->walk = NULL;
	if (ps->dir == ps->request_dir && !side->end_known)
		s->tokens = false;
	if (m && m->side == SIDE_REQUEST && m->flags & MSG_OPENED) { /* it will be answered */
		m->flags |= MSG_PARTIAL;
		parser_close(ps, m);
	}
}

static void kafka_done(void *state)
{
	free(((struct kafka_state *)state)->session);
}

static const u16 ports[] = { 9092, 9093, 9094, 0 };

const struct proto proto_kafka = {
	.name = "kafka",
	.title = "Kafka",
	.ports = ports,
	.transports = OVER_TCP,
	.pairing = PAIR_KEYED,
	.index = PROTO_kafka,
	.weight = 1,
	.state_size = sizeof(struct kafka_state),
	.shared_size = sizeof(struct kafka_shared),
	.request_size = sizeof(struct kafka_request),
	.response_size = sizeof(struct kafka_response),
	.fields = kafka_fields,
	.fields_len = KAFKA_FIELDS,
	.probe = kafka_probe,
	.parse = kafka_parse,
	.gap = kafka_gap,
	.resync = kafka_resync,
	.done = kafka_done,
	.describe = kafka_describe,
};
