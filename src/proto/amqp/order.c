/* Replies and their requests. On a channel, methods are executed in order, so replies come in the order of their requests; a
 * key that names channel and method is enough. After lost bytes that order proves nothing where several requests are on
 * the way: replies that were lost, or those of lost requests, would shift the pairs. A client that has been seen to wait for each reply is
 * believed to go on so; others are not paired until their channel has been silent. */
#include "proto/amqp/read.h"

#define QUIET_NS NS_PER_SEC
#define ROUNDS_SURE 8

static u64 method_key(const struct amqp_channel *ch, u8 dir, u32 id)
{
	static const struct amqp_channel none;
	u8 epoch = ch ? ch->order[dir].epoch : 0;
	return amqp_key(KEY_METHOD, ch ? ch : &none, (u64)epoch << 32 | id);
}

static void renew(struct amqp_order *o)
{
	o->epoch++;
	o->open = 0;
	o->suspect = false;
}

/* The beginning of a request shows whether those before it can still be waiting. */
static void judge(struct amqp_order *o, u64 ts)
{
	bool quiet = o->active_ts && ts > o->active_ts + QUIET_NS;
	if (quiet && (o->spoiled || o->unsure || o->suspect)) {
		o->spoiled = o->unsure = false;
		renew(o);
	}
	if (o->suspect && !o->pipelines && o->open == 1)
		renew(o); /* it goes on, so it has its reply */
	else if (o->suspect)
		o->spoiled = true;
	o->suspect = false;
	if (o->open) {
		o->rounds = 0;
		o->pipelines = true;
		o->spoiled |= o->unsure;
	} else if (o->rounds < UINT8_MAX) {
		o->rounds++;
	}
	if (o->rounds >= ROUNDS_SURE && !o->spoiled)
		o->unsure = false;
}

void amqp_order_request(const struct amqp_unit *u, struct amqp_message *q)
{
	struct amqp_order *o = u->ch ? &u->ch->order[u->ps->dir] : NULL;
	u64 ts = u->ps->chunk->ts;
	if (o) {
		judge(o, ts);
		o->open++;
		o->active_ts = ts;
		if (o->unsure || o->spoiled)
			q->m.flags |= MSG_PARTIAL;
	}
	q->m.key = method_key(u->ch, u->ps->dir, u->id);
	parser_close(u->ps, &q->m);
}

/* Two facts of TCP: who had received the reply when asking did not ask for it; and who has not received a request does not reply. */
static bool possible(const struct parser *ps, const struct message *q)
{
	u64 start = ps->chunk->offset + ps->chunk->used, acked = chunk_acked(ps->chunk);
	if (q->acked != STREAM_ACK_UNKNOWN && q->acked > start)
		return false;
	return acked == STREAM_ACK_UNKNOWN || acked >= q->end;
}

struct amqp_message *amqp_order_reply(const struct amqp_unit *u)
{
	u8 dir = u->ps->dir ^ 1;
	struct amqp_order *o = u->ch ? &u->ch->order[dir] : NULL;
	struct message *q = parser_request(u->ps, method_key(u->ch, dir, u->method->replies_to));
	if (!o)
		return (struct amqp_message *)(void *)q;
	bool several = o->open > 1;
	o->active_ts = u->ps->chunk->ts;
	if (o->suspect && several)
		o->spoiled = true;
	o->suspect &= several;
	if (q && o->unsure && !possible(u->ps, q))
		return NULL;
	if (q && o->open)
		o->open--;
	if (q && o->spoiled) {
		parser_drop(u->ps, q);
		return NULL;
	}
	return (struct amqp_message *)(void *)q;
}

/* Whose reply may have been lost is not said to have been refused. */
static void refuse(const struct amqp_unit *u, const struct amqp_channel *ch, struct message *q)
{
	if (ch && (ch->order[q->dir].suspect || ch->order[q->dir].spoiled)) {
		parser_drop(u->ps, q);
		return;
	}
	struct amqp_message *a = amqp_message_begin(u, SIDE_RESPONSE);
	amqp_message_inherit(a, (struct amqp_message *)(void *)q);
	parser_answer(u->ps, q, &a->m);
	parser_close(u->ps, &a->m);
}

void amqp_order_refuse(const struct amqp_unit *u)
{
	u8 dir = u->ps->dir ^ 1;
	const struct amqp_method *m;
	for (size_t i = 0; (m = amqp_method_at(i)) != NULL; i++) {
		struct message *q;
		if (m->kind != KIND_REQUEST || m->id == u->id)
			continue;
		while ((q = parser_request(u->ps, method_key(u->ch, dir, m->id))) != NULL)
			refuse(u, u->ch, q);
	}
	if (u->ch)
		renew(&u->ch->order[dir]);
}

/* connection.close blames a method: the requests for it, and those about the connection itself, have their answer. */
void amqp_order_refuse_all(const struct amqp_unit *u)
{
	struct message *next, *q = parser_waiting(u->ps, NULL);
	for (; q; q = next) {
		next = parser_waiting(u->ps, q);
		u64 kind = q->key >> AMQP_KIND_SHIFT;
		bool blamed = kind == KEY_METHOD ? (u32)q->key == u->args.failed : kind == KEY_PUBLISH && u->args.failed == BASIC_PUBLISH;
		u16 number = ((struct amqp_message *)(void *)q)->channel;
		bool about_connection = kind == KEY_METHOD && number == 0;
		if (q->dir != u->ps->dir && (blamed || about_connection))
			refuse(u, amqp_channel_get(u->s, number, false), q);
	}
}
