/* The methods of AMQP 0-9-1 with RabbitMQ's extensions: names, who sends them, what answers them, and their arguments.
 * Constant data. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_AMQP_METHOD_H
#define PACKETD_PROTO_AMQP_METHOD_H

#include "util/rd.h"

enum amqp_class { CLASS_CONNECTION = 10, CLASS_CHANNEL = 20, CLASS_ACCESS = 30, CLASS_EXCHANGE = 40, CLASS_QUEUE = 50, CLASS_BASIC = 60,
		  CLASS_CONFIRM = 85, CLASS_TX = 90 };

/* Class and method in one number. */
#define METHOD(class_, method_) ((u32)(class_) << 16 | (method_))
enum amqp_method_id {
	CONNECTION_START = METHOD(CLASS_CONNECTION, 10),
	CONNECTION_START_OK = METHOD(CLASS_CONNECTION, 11),
	CONNECTION_TUNE_OK = METHOD(CLASS_CONNECTION, 31),
	CONNECTION_CLOSE = METHOD(CLASS_CONNECTION, 50),
	CONNECTION_CLOSE_OK = METHOD(CLASS_CONNECTION, 51),
	CHANNEL_OPEN = METHOD(CLASS_CHANNEL, 10),
	CHANNEL_OPEN_OK = METHOD(CLASS_CHANNEL, 11),
	CHANNEL_CLOSE = METHOD(CLASS_CHANNEL, 40),
	CHANNEL_CLOSE_OK = METHOD(CLASS_CHANNEL, 41),
	QUEUE_DECLARE = METHOD(CLASS_QUEUE, 10),
	QUEUE_DECLARE_OK = METHOD(CLASS_QUEUE, 11),
	BASIC_CONSUME = METHOD(CLASS_BASIC, 20),
	BASIC_CONSUME_OK = METHOD(CLASS_BASIC, 21),
	BASIC_CANCEL = METHOD(CLASS_BASIC, 30),
	BASIC_CANCEL_OK = METHOD(CLASS_BASIC, 31),
	BASIC_PUBLISH = METHOD(CLASS_BASIC, 40),
	BASIC_RETURN = METHOD(CLASS_BASIC, 50),
	BASIC_DELIVER = METHOD(CLASS_BASIC, 60),
	BASIC_GET_OK = METHOD(CLASS_BASIC, 71),
	BASIC_ACK = METHOD(CLASS_BASIC, 80),
	BASIC_REJECT = METHOD(CLASS_BASIC, 90),
	BASIC_RECOVER_ASYNC = METHOD(CLASS_BASIC, 100),
	BASIC_RECOVER = METHOD(CLASS_BASIC, 110),
	BASIC_RECOVER_OK = METHOD(CLASS_BASIC, 111),
	BASIC_NACK = METHOD(CLASS_BASIC, 120),
	CONFIRM_SELECT = METHOD(CLASS_CONFIRM, 10),
};

enum amqp_sender { BY_CLIENT = 1, BY_SERVER = 2, BY_BOTH = 3 };

enum amqp_kind {
	KIND_REQUEST, /* has an answer, unless its no-wait bit is set */
	KIND_REPLY,   /* to `replies_to` */
	KIND_ONEWAY,
	KIND_PUBLISH, /* answered by a confirm, when these are selected */
	KIND_DELIVER, /* answered by the consumer's acknowledgement */
	KIND_SETTLE,  /* ack, nack, reject */
};

struct amqp_method {
	u32 id;
	u32 replies_to;   /* KIND_REPLY: the request's id */
	u8 kind, sender;  /* enum amqp_kind, enum amqp_sender */
	u8 no_wait;       /* mask of the no-wait bit in the bits argument; 0: it has none */
	bool content;     /* a content header and bodies follow */
	const char *args; /* a letter an argument, see method.c */
	const char *class_name, *name, *full; /* "Basic", "Publish", "Basic.Publish" */
	const char *operation; /* OpenTelemetry's operation type; NULL: none fits */
};

/* Arguments as slices of the frame; what a method does not have is empty. */
struct amqp_args {
	struct str exchange, destination, routing_key, queue, consumer_tag, text, virtual_host, mechanism;
	u64 tag;
	u32 messages, consumers, frame_max, failed; /* failed: the method a close blames */
	u16 code;
	u8 bits;
	bool has_packet; /* there is an exchange, routing key or queue among them */
};

/* NULL when there is no such method. */
const struct amqp_method *amqp_method_find(u32 id);
/* All of them, in turn; NULL behind the last. */
const struct amqp_method *amqp_method_at(size_t i);
/* Reads the arguments at the cursor as far as they go; false when they end before the frame's own part of them does. */
bool amqp_args_read(struct rd *r, const struct amqp_method *m, struct amqp_args *a);
/* "NOT_FOUND"; NULL for a code that does not exist. */
const char *amqp_code_name(u16 code);

#endif
