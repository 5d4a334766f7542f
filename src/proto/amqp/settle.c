/* Messages and what settles them: a publish and the server's confirm, a delivery and the client's acknowledgement.
 *
 * Deliveries carry their tag. Publishes are numbered from confirm.select on, so once bytes of the client are lost nobody knows the next
 * number. A confirm then tells it, when only one publish can be meant: sent by a publisher that has always waited for
 * each confirm, or after a second of silence. What cannot be told is lost. */
#include <xxhash.h>

#include "proto/amqp/read.h"

#define QUIET_NS NS_PER_SEC
#define SERIAL_SURE 8

static u64 route_hash(struct str exchange, struct str routing_key)
{
	u64 h = XXH3_64bits(exchange.n ? exchange.p : "", exchange.n);
	return XXH3_64bits_withSeed(routing_key.n ? routing_key.p : "", routing_key.n, h) | 1;
}

void amqp_note_return(const struct amqp_unit *u)
{
	if (!u->ch)
		return;
	u->ch->returned = route_hash(u->args.exchange, u->args.routing_key);
	u->ch->returned_code = u->args.code;
}

static bool was_quiet(const struct amqp_channel *ch, u64 ts)
{
	return ch->confirm_ts && ts > ch->confirm_ts + QUIET_NS;
}

static void lose(struct parser *ps, struct amqp_channel *ch, struct message *q)
{
	amqp_content_forget(ch, q);
	parser_drop(ps, q);
}

static void lose_unnumbered(struct parser *ps, struct amqp_channel *ch)
{
	struct message *q;
	while ((q = parser_request(ps, amqp_key(KEY_UNNUMBERED, ch, ch->candidates))) != NULL)
		lose(ps, ch, q);
}

/* The number is not known: may the next confirm tell it? */
static void publish_unnumbered(struct parser *ps, struct amqp_channel *ch, struct amqp_message *q)
{
	if (was_quiet(ch, ps->chunk->ts) || (ch->candidate == CANDIDATE_NONE && ch->serial >= SERIAL_SURE)) {
		lose_unnumbered(ps, ch);
		ch->candidates++;
		ch->candidate = CANDIDATE_ONE;
	} else {
		ch->candidate = CANDIDATE_SPOILED;
	}
	q->m.key = amqp_key(KEY_UNNUMBERED, ch, ch->candidates);
	q->m.flags |= MSG_PARTIAL;
}

static void publish_numbered(struct amqp_channel *ch, struct amqp_message *q)
{
	q->delivery_tag = ch->next_publish++;
	q->m.key = amqp_key(KEY_PUBLISH, ch, q->delivery_tag);
	if (!amqp_tags_empty(&ch->published))
		ch->serial = 0;
	else if (ch->serial < UINT8_MAX)
		ch->serial++;
	amqp_tags_add(&ch->published, q->delivery_tag);
}

void amqp_publish(const struct amqp_unit *u, struct amqp_message *q)
{
	struct amqp_channel *ch = u->ch;
	u64 ts = u->ps->chunk->ts;
	if (q->mandatory)
		q->route = route_hash(u->args.exchange, u->args.routing_key);
	if (!ch || ch->confirms == CONFIRMS_OFF || ch->confirms == CONFIRMS_UNKNOWN || ch->closing_by_server) {
		bool known = ch && (ch->confirms == CONFIRMS_OFF || ch->published_any);
		q->m.flags |= (u8)(MSG_ONEWAY | (known ? 0 : MSG_PARTIAL));
		if (ch && ch->closing_by_server)
			amqp_message_fail(q, "channel_closed");
		else if (ch)
			ch->published_any |= ch->confirms == CONFIRMS_OFF;
	} else if (ch->confirms == CONFIRMS_ON) {
		publish_numbered(ch, q);
	} else {
		publish_unnumbered(u->ps, ch, q);
	}
	if (ch)
		ch->confirm_ts = ts;
	parser_open(u->ps, &q->m);
	amqp_content_begin(u, q);
}

void amqp_deliver(const struct amqp_unit *u, struct amqp_message *q)
{
	struct amqp_channel *ch = u->ch;
	const struct amqp_consumer *k = ch ? amqp_consumer_get(u->s, ch, u->args.consumer_tag) : NULL;
	bool waits = k ? !k->no_ack : ch && ch->client_settles;
	if (ch && !amqp_tags_add(&ch->delivered, u->args.tag))
		ch->generation = ++u->s->generation; /* the channel was closed and opened again without our seeing it */
	q->queue = k ? amqp_copy(q, str_make(k->queue, k->queue_len)) : STR("?");
	if (str_eq(q->queue, STR("?")))
		q->m.flags |= MSG_PARTIAL;
	if (waits) {
		q->m.key = amqp_key(KEY_DELIVER, ch, u->args.tag);
		q->m.flags |= MSG_BLOCKING; /* consumers may take as long as they like */
	} else {
		q->m.flags |= MSG_ONEWAY;
	}
	parser_open(u->ps, &q->m);
	amqp_content_begin(u, q);
}

/* A mandatory message that was returned just before its confirm. */
static void tell_return(const struct amqp_channel *ch, const struct amqp_message *q, struct amqp_message *a)
{
	if (q->route && q->route == ch->returned && !a->m.error.n)
		amqp_message_fail_code(a, ch->returned_code);
}

static void answer(const struct amqp_unit *u, struct message *m)
{
	struct amqp_message *q = (struct amqp_message *)(void *)m, *a = amqp_message_begin(u, SIDE_RESPONSE);
	amqp_message_inherit(a, q);
	if (u->ch->content[m->dir] == q)
		amqp_content_cut(u->ps, u->ch, m->dir); /* whoever settles it has all of it; we have not */
	if (u->id == BASIC_REJECT || u->id == BASIC_NACK)
		amqp_message_fail(a, u->id == BASIC_REJECT ? "REJECT" : "NACK");
	else if (u->id == BASIC_ACK && u->ps->dir != u->ps->request_dir && !a->multiple)
		tell_return(u->ch, q, a);
	if (q->route && q->delivery_tag <= u->ch->published.suspect)
		a->m.flags |= MSG_PARTIAL; /* it may have been returned unseen */
	parser_answer(u->ps, m, &a->m);
	parser_close(u->ps, &a->m);
}

/* How many have been settled. */
static u32 settle_tags(const struct amqp_unit *u, struct amqp_tags *t, enum amqp_key kind)
{
	u64 tag = u->args.tag, upto = tag ? tag : UINT64_MAX, at;
	bool multiple = (u->id == BASIC_ACK || u->id == BASIC_NACK) && u->args.bits & 1;
	u32 settled = 0;
	struct message *q;
	if (!multiple) {
		amqp_tags_take(t, tag);
		q = parser_request(u->ps, amqp_key(kind, u->ch, tag));
		if (q)
			answer(u, q);
		return q != NULL;
	}
	while (amqp_tags_next(t, upto, &at)) {
		q = parser_request(u->ps, amqp_key(kind, u->ch, at));
		if (!q)
			continue;
		settled++;
		if (at <= t->suspect && at != tag)
			lose(u->ps, u->ch, q); /* it may have been settled by what was lost */
		else
			answer(u, q);
	}
	return settled;
}

/* What was numbered, or not, cannot be told any more. */
static void lose_published(const struct amqp_unit *u)
{
	struct amqp_channel *ch = u->ch;
	struct message *q;
	u64 at;
	while (amqp_tags_next(&ch->published, UINT64_MAX, &at))
		if ((q = parser_request(u->ps, amqp_key(KEY_PUBLISH, ch, at))) != NULL)
			lose(u->ps, ch, q);
	lose_unnumbered(u->ps, ch);
}

/* A confirm while the number of the next publish is not known. Older publishes still have theirs. */
static u32 confirm_unsure(const struct amqp_unit *u)
{
	struct amqp_channel *ch = u->ch;
	u32 settled = settle_tags(u, &ch->published, KEY_PUBLISH);
	if (u->args.tag < ch->next_publish)
		return settled;
	bool one = ch->candidate == CANDIDATE_ONE;
	struct message *q = one ? parser_request(u->ps, amqp_key(KEY_UNNUMBERED, ch, ch->candidates)) : NULL;
	u64 acked = chunk_acked(u->ps->chunk);
	if (q && (acked == STREAM_ACK_UNKNOWN || acked >= q->end)) {
		((struct amqp_message *)(void *)q)->delivery_tag = u->args.tag;
		answer(u, q);
		ch->confirms = CONFIRMS_ON;
		ch->next_publish = u->args.tag + 1;
		ch->candidate = CANDIDATE_NONE;
		settled++;
	}
	lose_published(u);
	return settled;
}

static u32 settle_published(const struct amqp_unit *u)
{
	struct amqp_channel *ch = u->ch;
	if (ch->confirms == CONFIRMS_OFF || ch->confirms == CONFIRMS_UNKNOWN) {
		ch->confirms = CONFIRMS_UNSURE; /* only then does a server say this */
		ch->next_publish = 1;
	}
	if (ch->confirms == CONFIRMS_ON && u->args.tag >= ch->next_publish) {
		lose_published(u);
		ch->confirms = CONFIRMS_UNSURE;
	}
	u32 settled = ch->confirms == CONFIRMS_ON ? settle_tags(u, &ch->published, KEY_PUBLISH) : confirm_unsure(u);
	ch->confirm_ts = u->ps->chunk->ts;
	ch->returned = 0;
	return settled;
}

void amqp_settle(const struct amqp_unit *u)
{
	bool client = u->ps->dir == u->ps->request_dir;
	u32 settled = 0;
	if (u->ch && client) {
		u->ch->client_settles = true;
		settled = settle_tags(u, &u->ch->delivered, KEY_DELIVER);
	} else if (u->ch) {
		settled = settle_published(u);
	}
	if (settled)
		return;
	struct amqp_message *q = amqp_message_begin(u, SIDE_REQUEST);
	q->m.flags |= MSG_ONEWAY;
	parser_close(u->ps, &q->m);
}

void amqp_abandon_delivered(const struct amqp_unit *u, const char *why)
{
	u64 at;
	while (u->ch && amqp_tags_next(&u->ch->delivered, UINT64_MAX, &at)) {
		struct message *q = parser_request(u->ps, amqp_key(KEY_DELIVER, u->ch, at));
		if (!q)
			continue;
		q->error = str_from(why);
		amqp_content_forget(u->ch, q);
		parser_reset(u->ps, q);
	}
}

void amqp_refuse_published(const struct amqp_unit *u)
{
	struct amqp_channel *ch = u->ch;
	u64 at;
	while (ch && amqp_tags_next(&ch->published, UINT64_MAX, &at)) {
		struct message *q = parser_request(u->ps, amqp_key(KEY_PUBLISH, ch, at));
		if (!q)
			continue;
		if (u->args.failed == BASIC_PUBLISH) {
			answer(u, q);
			continue;
		}
		q->error = STR("channel_closed");
		amqp_content_forget(ch, q);
		parser_reset(u->ps, q);
	}
}
