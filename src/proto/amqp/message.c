/* From a method frame to a message. */
#include <stdio.h>

#include "proto/amqp/read.h"

struct str amqp_copy(struct amqp_message *m, struct str s)
{
	return s.n ? arena_str(&m->m.arena, s.p, s.n) : (struct str){ 0 };
}

/* A class and method that are not in the table: by number. */
static void name_by_number(struct amqp_message *m, u32 id)
{
	char text[16];
	u32 n = (u32)snprintf(text, sizeof(text), "%u", id >> 16);
	m->class_name = amqp_copy(m, str_make(text, n));
	n = (u32)snprintf(text, sizeof(text), "%u", id & 0xffff);
	m->method = amqp_copy(m, str_make(text, n));
	n = (u32)snprintf(text, sizeof(text), "%u.%u", id >> 16, id & 0xffff);
	m->full = amqp_copy(m, str_make(text, n));
}

static void copy_texts(struct amqp_message *m, const struct amqp_args *a)
{
	m->exchange = amqp_copy(m, a->exchange);
	m->destination = amqp_copy(m, a->destination);
	m->routing_key = amqp_copy(m, a->routing_key);
	m->queue = amqp_copy(m, a->queue);
	m->consumer_tag = amqp_copy(m, a->consumer_tag);
	m->reply_text = amqp_copy(m, a->text);
	m->virtual_host = amqp_copy(m, a->virtual_host);
	m->mechanism = amqp_copy(m, a->mechanism);
	m->m.shape = a->has_packet ? SHAPE_PACKET : SHAPE_PLAIN;
}

/* What the bits of the methods that have some say. */
static void read_bits(struct amqp_message *m, const struct amqp_unit *u)
{
	u8 bits = u->args.bits;
	switch (u->id) {
	case BASIC_PUBLISH: m->mandatory = bits & 1; break;
	case BASIC_DELIVER:
	case BASIC_GET_OK: m->redelivered = bits & 1; break;
	case BASIC_ACK: m->multiple = bits & 1; break;
	case BASIC_REJECT: m->requeue = bits & 1; break;
	case BASIC_NACK:
		m->multiple = bits & 1;
		m->requeue = bits & 2;
		break;
	case BASIC_CONSUME: m->no_ack = bits & 2; break;
	case METHOD(CLASS_BASIC, 70): m->no_ack = bits & 1; break;
	default: break;
	}
}

struct amqp_message *amqp_message_begin(const struct amqp_unit *u, enum side side)
{
	struct amqp_message *m = parser_begin(u->ps, side, sizeof(*m));
	bool hot = u->method && (u->method->kind == KIND_PUBLISH || u->method->kind == KIND_DELIVER || u->method->kind == KIND_SETTLE);
	m->channel = u->channel;
	m->frame_type = "Method";
	m->err_code = "OK";
	m->m.size = u->size;
	m->m.end = u->end;
	if (u->method) {
		m->class_name = str_from(u->method->class_name);
		m->method = str_from(u->method->name);
		m->full = str_from(u->method->full);
		m->operation = u->method->operation;
	} else {
		name_by_number(m, u->id);
	}
	if (!hot || u->ps->opt->details)
		copy_texts(m, &u->args);
	m->delivery_tag = u->args.tag;
	m->messages = u->args.messages;
	m->consumers = u->args.consumers;
	if (u->args.code)
		amqp_message_fail_code(m, u->args.code);
	if (u->cut)
		m->m.flags |= MSG_PARTIAL;
	read_bits(m, u);
	return m;
}

void amqp_message_inherit(struct amqp_message *a, const struct amqp_message *q)
{
	if (a->m.shape != SHAPE_PACKET) {
		a->exchange = q->exchange;
		a->routing_key = q->routing_key;
		a->queue = q->queue;
		a->m.shape = q->m.shape;
	}
	if (!a->queue.n)
		a->queue = q->queue;
}

void amqp_message_fail(struct amqp_message *m, const char *error)
{
	m->m.error = str_from(error);
	if (m->m.side == SIDE_RESPONSE)
		m->m.flags |= MSG_FAILED;
}

void amqp_message_fail_code(struct amqp_message *m, u16 code)
{
	const char *name = amqp_code_name(code);
	m->reply_code = code;
	m->err_code = name ? name : "Unknown";
	if (code != 200 && code != 0)
		amqp_message_fail(m, name ? name : "UNKNOWN");
}

void amqp_message_orphan(const struct amqp_unit *u, struct amqp_message *a)
{
	a->m.key = UINT64_MAX; /* nobody waits for it */
	parser_open(u->ps, &a->m);
}
