/* AMQP 0-9-1 with RabbitMQ's extensions: the descriptor. */
#include "proto/amqp/read.h"

/* Who serves is told by a port that is known; frames that both sides send do not tell. */
static void amqp_start(struct parser *ps, struct message *request)
{
	(void)request;
	const u16 *port = ps->proto->ports;
	for (; *port; port++)
		if ((ps->port[0] == *port) != (ps->port[1] == *port))
			ps->request_dir = ps->port[0] == *port ? DIR_B : DIR_A;
}

/* What depended on these bytes is seen to with the next frame. */
static void amqp_gap(struct parser *ps)
{
	struct amqp_state *s = ps->state;
	s->dir[ps->dir].lost = true;
	s->dir[ps->dir].phase = PHASE_FRAME;
}

/* A server that goes without a word: its client asked for the connection all the same. */
static void amqp_fin(struct parser *ps)
{
	struct amqp_state *s = ps->state;
	struct amqp_message *q = s->header;
	if (!q || ps->dir == ps->request_dir)
		return;
	s->header = NULL;
	parser_close(ps, &q->m);
}

static const u16 ports[] = { 5672, 0 };

const struct proto proto_amqp = {
	.name = "amqp",
	.title = "AMQP 0-9-1",
	.ports = ports,
	.transports = OVER_TCP,
	.pairing = PAIR_KEYED,
	.survives = true,
	.index = PROTO_amqp,
	.weight = 1,
	.state_size = sizeof(struct amqp_state),
	.request_size = sizeof(struct amqp_message),
	.response_size = sizeof(struct amqp_message),
	.fields = amqp_fields,
	.fields_len = AMQP_FIELDS,
	.probe = amqp_probe,
	.start = amqp_start,
	.parse = amqp_parse,
	.gap = amqp_gap,
	.resync = amqp_resync,
	.fin = amqp_fin,
	.done = amqp_state_done,
	.describe = amqp_describe,
};
