/* What methods do to a connection and its channels. */
#include <stdio.h>

#include "proto/amqp/read.h"

static bool from_client(const struct amqp_unit *u)
{
	return u->ps->dir == u->ps->request_dir;
}

/* The channel is opened, as its client's request or, when that was not seen, the reply tells. */
static void open_channel(const struct amqp_unit *u)
{
	if (!u->ch || !u->channel)
		return;
	for (u8 dir = 0; dir < 2; dir++)
		amqp_content_cut(u->ps, u->ch, dir);
	amqp_channel_reset(u->s, u->ch, false);
}

/* One side gives the channel up. What it still owes the other side, it will not pay. */
static void close_channel(const struct amqp_unit *u)
{
	if (from_client(u)) {
		amqp_abandon_delivered(u, "channel_closed");
		return;
	}
	amqp_order_refuse(u);
	amqp_refuse_published(u);
	if (u->ch)
		u->ch->closing_by_server = true;
}

static void confirm_select(const struct amqp_unit *u)
{
	if (!u->ch || u->ch->confirms == CONFIRMS_ON || u->ch->confirms == CONFIRMS_UNSURE)
		return;
	u->ch->confirms = CONFIRMS_ON;
	u->ch->next_publish = 1;
}

static void before_request(const struct amqp_unit *u)
{
	switch (u->id) {
	case CONNECTION_START: /* all begins here, even if the preamble was not seen */
		if (u->ch)
			amqp_channel_reset(u->s, u->ch, false);
		break;
	case CHANNEL_OPEN: open_channel(u); break;
	case CHANNEL_CLOSE: close_channel(u); break;
	case CONFIRM_SELECT: confirm_select(u); break;
	case BASIC_RECOVER:
	case BASIC_RECOVER_ASYNC: amqp_abandon_delivered(u, "recovered"); break;
	case CONNECTION_CLOSE:
		if (!u->s->closing && u->args.code != 200)
			amqp_order_refuse_all(u);
		u->s->closing = true;
		break;
	default: break;
	}
}

/* An empty name is that of the queue declared last. */
static void name_queue(const struct amqp_unit *u, struct amqp_message *q)
{
	bool takes = u->method->args[0] == 's' && u->method->args[1] == 'q' && u->id != QUEUE_DECLARE;
	if (!takes || q->queue.n || !u->ch)
		return;
	q->queue = amqp_copy(q, str_make(u->ch->queue, u->ch->queue_len));
	if (!q->queue.n && u->ch->joined) {
		q->queue = STR("?");
		q->m.flags |= MSG_PARTIAL;
	}
}

/* Nobody confirms it. */
static void without_reply(const struct amqp_unit *u, const struct amqp_message *q)
{
	if (u->id == BASIC_CONSUME && u->ch)
		amqp_consumer_add(u->s, u->ch, u->args.consumer_tag, q->queue, q->no_ack);
	else if (u->id == BASIC_CANCEL && u->ch)
		amqp_consumer_remove(u->s, u->ch, u->args.consumer_tag);
}

static void take_oneway(const struct amqp_unit *u, struct amqp_message *q)
{
	q->m.flags |= MSG_ONEWAY;
	parser_close(u->ps, &q->m);
}

static void take_request(const struct amqp_unit *u)
{
	before_request(u);
	struct amqp_message *q = amqp_message_begin(u, SIDE_REQUEST);
	name_queue(u, q);
	bool ignored = u->ch && u->ch->closing_by_server && from_client(u) && u->id != CHANNEL_CLOSE;
	if (u->args.bits & u->method->no_wait) {
		without_reply(u, q);
		take_oneway(u, q);
	} else if (ignored) {
		amqp_message_fail(q, "channel_closed");
		take_oneway(u, q);
	} else {
		amqp_order_request(u, q);
	}
}

/* What a reply says about the connection. `q`: its request, or NULL. */
static void learn(const struct amqp_unit *u, const struct amqp_message *q)
{
	switch (u->id) {
	case CHANNEL_OPEN_OK:
		if (!q)
			open_channel(u);
		break;
	case CONNECTION_TUNE_OK:
		u->s->tuned = true;
		u->s->frame_max = u->args.frame_max;
		break;
	case BASIC_RECOVER_OK:
		if (u->ch && !q) /* deliveries before it are not settled any more */
			u->ch->generation = ++u->s->generation;
		break;
	case QUEUE_DECLARE_OK:
		if (u->ch)
			amqp_channel_set_queue(u->ch, u->args.queue);
		break;
	case BASIC_CONSUME_OK:
		if (u->ch && q)
			amqp_consumer_add(u->s, u->ch, u->args.consumer_tag, q->queue, q->no_ack);
		break;
	case BASIC_CANCEL_OK:
		if (u->ch)
			amqp_consumer_remove(u->s, u->ch, u->args.consumer_tag);
		break;
	case BASIC_GET_OK:
		if (u->ch)
			amqp_tags_add(&u->ch->delivered, u->args.tag);
		break;
	default: break;
	}
}

/* Nothing comes on this channel any more. */
static void end_channel(struct amqp_unit *u)
{
	if (!u->ch || !u->channel)
		return;
	if (!from_client(u)) {
		amqp_order_refuse(u);
		amqp_refuse_published(u);
	} else {
		amqp_abandon_delivered(u, "channel_closed");
	}
	for (u8 dir = 0; dir < 2; dir++)
		amqp_content_cut(u->ps, u->ch, dir);
	amqp_channel_remove(u->s, u->ch);
	u->ch = NULL;
}

static void take_reply(struct amqp_unit *u)
{
	struct amqp_message *q = amqp_order_reply(u);
	learn(u, q);
	struct amqp_message *a = amqp_message_begin(u, SIDE_RESPONSE);
	if (q) {
		amqp_message_inherit(a, q);
		parser_answer(u->ps, &q->m, &a->m);
	} else {
		amqp_message_orphan(u, a);
	}
	if (u->method->content)
		amqp_content_begin(u, a);
	else
		parser_close(u->ps, &a->m);
	if (u->id == CHANNEL_CLOSE_OK)
		end_channel(u);
}

static void take_return(const struct amqp_unit *u)
{
	struct amqp_message *q = amqp_message_begin(u, SIDE_REQUEST);
	q->m.flags |= MSG_ONEWAY;
	amqp_note_return(u);
	parser_open(u->ps, &q->m);
	amqp_content_begin(u, q);
}

static void take_single(const struct amqp_unit *u)
{
	before_request(u);
	take_oneway(u, amqp_message_begin(u, SIDE_REQUEST));
}

void amqp_take(struct amqp_unit *u)
{
	switch (u->method ? u->method->kind : KIND_ONEWAY) {
	case KIND_REQUEST: take_request(u); break;
	case KIND_REPLY: take_reply(u); break;
	case KIND_PUBLISH: amqp_publish(u, amqp_message_begin(u, SIDE_REQUEST)); break;
	case KIND_DELIVER: amqp_deliver(u, amqp_message_begin(u, SIDE_REQUEST)); break;
	case KIND_SETTLE: amqp_settle(u); break;
	default:
		if (u->method && u->method->content)
			take_return(u);
		else
			take_single(u);
	}
}

/* Preambles. */

/* One that is not known, by its numbers. */
static struct str preamble_version(struct amqp_message *m, const u8 *p)
{
	char text[20];
	const char *known = amqp_preamble_version(p);
	if (*known)
		return str_from(known);
	int n = snprintf(text, sizeof(text), "%u.%u.%u.%u", p[4], p[5], p[6], p[7]);
	return amqp_copy(m, str_make(text, (size_t)n));
}

static struct amqp_message *preamble_message(const struct amqp_unit *u, enum side side, const u8 *p)
{
	struct amqp_message *m = parser_begin(u->ps, side, sizeof(*m));
	m->class_name = STR("Protocol");
	m->method = STR("Header");
	m->full = STR("Protocol.Header");
	m->frame_type = "Header";
	m->err_code = "OK";
	m->version = preamble_version(m, p);
	m->m.size = AMQP_PREAMBLE;
	m->m.end = u->end;
	m->m.key = AMQP_KEY_PREAMBLE;
	return m;
}

/* A server sends a preamble to say which version it would have liked, or, from 1.0 on, always. */
static bool answer_preamble(const struct amqp_unit *u, const u8 *p)
{
	struct amqp_message *q = u->s->header, *a;
	if (!q) {
		q = (struct amqp_message *)(void *)parser_request(u->ps, AMQP_KEY_PREAMBLE);
		if (!q)
			return !amqp_preamble_framed(p);
	} else {
		parser_close(u->ps, &q->m);
	}
	u->s->header = NULL;
	a = preamble_message(u, SIDE_RESPONSE, p);
	bool same = str_eq(q->version, a->version), framed = amqp_preamble_framed(p);
	if (!same)
		amqp_message_fail(a, "PROTOCOL_MISMATCH");
	parser_answer(u->ps, &q->m, &a->m);
	parser_close(u->ps, &a->m);
	return !framed;
}

bool amqp_take_preamble(struct amqp_unit *u, const u8 *p)
{
	if (!from_client(u))
		return answer_preamble(u, p);
	if (u->s->header)
		parser_drop(u->ps, &u->s->header->m);
	u->s->header = preamble_message(u, SIDE_REQUEST, p);
	if (amqp_preamble_framed(p))
		return false;
	parser_close(u->ps, &u->s->header->m);
	u->s->header = NULL;
	u->s->dir[u->ps->dir].phase = PHASE_OTHER;
	return false;
}

/* Losses. */

static void channel_after_loss(struct parser *ps, struct amqp_state *s, struct amqp_channel *ch)
{
	u8 dir = ps->dir;
	(void)s;
	amqp_content_cut(ps, ch, dir);
	amqp_channel_set_queue(ch, (struct str){ 0 });
	ch->joined = true;
	ch->order[dir].unsure = true; /* requests of this side, and replies to the other's, may be missing */
	ch->order[dir ^ 1].suspect = ch->order[dir ^ 1].open > 0;
	ch->returned = 0;
	if (dir != ps->request_dir) {
		ch->published.suspect = ch->next_publish - 1;
		return;
	}
	ch->delivered.suspect = amqp_tags_highest(&ch->delivered);
	if (ch->confirms == CONFIRMS_ON)
		ch->confirms = CONFIRMS_UNSURE;
	else if (ch->confirms == CONFIRMS_OFF && !ch->published_any)
		ch->confirms = CONFIRMS_UNKNOWN;
}

void amqp_after_loss(struct parser *ps, struct amqp_state *s)
{
	amqp_channels_each(ps, s, channel_after_loss);
}
