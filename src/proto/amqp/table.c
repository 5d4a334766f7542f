/* What AMQP messages say: the field table and the one-line views. */
#include "proto/amqp/read.h"
#include "util/json.h"

static const struct amqp_message *amqp_of(const struct message *m)
{
	return (const struct amqp_message *)(const void *)m;
}

static bool write_headers(struct buf *out, const struct message *m)
{
	const struct pairs *h = &amqp_of(m)->headers;
	for (u32 i = 0; i < h->n; i++) {
		buf_addc(out, i ? ',' : '{');
		json_str(out, h->v[i].name);
		buf_addc(out, ':');
		json_str(out, h->v[i].value);
	}
	if (h->n)
		buf_addc(out, '}');
	return h->n;
}

/* "exchange:routing key:queue", what there is of it, as OpenTelemetry names destinations of RabbitMQ. */
static bool write_destination(struct buf *out, const struct message *m)
{
	const struct amqp_message *a = amqp_of(m);
	const struct str parts[] = { a->exchange, a->routing_key, a->queue };
	char text[3 * 256];
	struct buf joined = { .data = text, .cap = sizeof(text), .max = sizeof(text) };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (!parts[i].n)
			continue;
		if (joined.len)
			buf_addc(&joined, ':');
		buf_add_str(&joined, parts[i]);
	}
	if (joined.len)
		json_str(out, str_make(text, joined.len));
	return joined.len;
}

#define AT(member) FIELD_AT(struct amqp_message, member)
#define PACKET .shapes = 1 << SHAPE_PACKET

/* Both sides have the same fields, in the same order. */
#define COMMON(side_)                                                                                                                                          \
	{ .json = "ChannelID", .type = FIELD_U16, .side = side_, AT(channel), .meaning = "channel; 0 is the connection itself" },                               \
	FIELD_ROW_HOST(side_),                                                                                                                                  \
	FIELD_ROW_PORT(side_),                                                                                                                                  \
	FIELD_ROW_PROTO(side_, "AMQP"),                                                                                                                         \
	FIELD_ROW_SIZE(side_, "bytes of all its frames, framing included"),                                                                                     \
	FIELD_ROW_TIME(side_),                                                                                                                                  \
	{ .json = "Packet", .type = FIELD_OBJECT, .side = side_, .meaning = "null where there is neither exchange, routing key nor queue" }

#define AFTER_PACKET(side_)                                                                                                                                    \
	{ .json = "FrameType", .type = FIELD_TEXT, .side = side_, AT(frame_type), .meaning = "its last frame: Method, ContentHeader, ContentBody; Header for a preamble" }, \
	{ .json = "ErrCode", .type = FIELD_TEXT, .side = side_, AT(err_code), .meaning = "name of the reply code of a close or return: NOT_FOUND; OK without one, Unknown for one that does not exist" }, \
	{ .json = "BodySize", .type = FIELD_U64, .side = side_, AT(body_size), .flags = FIELD_OMIT_EMPTY, .meaning = "bytes of the message's body" },           \
	{ .json = "DeliveryTag", .type = FIELD_U64, .side = side_, AT(delivery_tag), .flags = FIELD_OMIT_EMPTY,                                                 \
	  .meaning = "of a delivery, an acknowledgement, or, under confirms, the number of a publish" },                                                        \
	{ .json = "ConsumerTag", .type = FIELD_STR, .side = side_, AT(consumer_tag), .flags = FIELD_OMIT_EMPTY, .meaning = "consumer" },                        \
	{ .json = "MessageID", .type = FIELD_STR, .side = side_, AT(message_id), .flags = FIELD_OMIT_EMPTY, .meaning = "property message-id" },                 \
	{ .json = "CorrelationID", .type = FIELD_STR, .side = side_, AT(correlation_id), .flags = FIELD_OMIT_EMPTY, .meaning = "property correlation-id" },      \
	{ .json = "ReplyCode", .type = FIELD_U16, .side = side_, AT(reply_code), .flags = FIELD_OMIT_EMPTY, .meaning = "reply code of a close or return" },      \
	{ .json = "ReplyText", .type = FIELD_STR, .side = side_, AT(reply_text), .flags = FIELD_OMIT_EMPTY, .meaning = "its text; the reason of blocked and update-secret" }, \
	{ .json = "Redelivered", .type = FIELD_BOOL, .side = side_, AT(redelivered), .flags = FIELD_OMIT_EMPTY, .meaning = "delivered before" },                \
	{ .json = "Multiple", .type = FIELD_BOOL, .side = side_, AT(multiple), .flags = FIELD_OMIT_EMPTY, .meaning = "settles all up to the tag" },             \
	{ .json = "Requeue", .type = FIELD_BOOL, .side = side_, AT(requeue), .flags = FIELD_OMIT_EMPTY, .meaning = "refused, and to be delivered again" },      \
	{ .json = "Messages", .type = FIELD_U32, .side = side_, AT(messages), .flags = FIELD_OMIT_EMPTY, .meaning = "messages in the queue, purged or deleted" }, \
	{ .json = "Consumers", .type = FIELD_U32, .side = side_, AT(consumers), .flags = FIELD_OMIT_EMPTY, .meaning = "consumers of the queue" },               \
	{ .json = "ContentType", .type = FIELD_STR, .side = side_, AT(content_type), .flags = FIELD_OMIT_EMPTY, .meaning = "property content-type" },           \
	{ .json = "ContentEncoding", .type = FIELD_STR, .side = side_, AT(content_encoding), .flags = FIELD_OMIT_EMPTY, .meaning = "property content-encoding" }, \
	{ .json = "DeliveryMode", .type = FIELD_U8, .side = side_, AT(delivery_mode), .flags = FIELD_OMIT_EMPTY, .meaning = "property delivery-mode: 2 is persistent" }, \
	{ .json = "Priority", .type = FIELD_U8, .side = side_, AT(priority), .flags = FIELD_OMIT_EMPTY, .meaning = "property priority" },                       \
	{ .json = "ReplyTo", .type = FIELD_STR, .side = side_, AT(reply_to), .flags = FIELD_OMIT_EMPTY, .meaning = "property reply-to" },                       \
	{ .json = "Expiration", .type = FIELD_STR, .side = side_, AT(expiration), .flags = FIELD_OMIT_EMPTY, .meaning = "property expiration" },                \
	{ .json = "Timestamp", .type = FIELD_U64, .side = side_, AT(timestamp), .flags = FIELD_OMIT_EMPTY, .meaning = "property timestamp" },                   \
	{ .json = "Type", .type = FIELD_STR, .side = side_, AT(type), .flags = FIELD_OMIT_EMPTY, .meaning = "property type" },                                  \
	{ .json = "UserID", .type = FIELD_STR, .side = side_, AT(user_id), .flags = FIELD_OMIT_EMPTY | FIELD_SENSITIVE, .meaning = "property user-id" },        \
	{ .json = "AppID", .type = FIELD_STR, .side = side_, AT(app_id), .flags = FIELD_OMIT_EMPTY, .meaning = "property app-id" },                             \
	{ .json = "Header", .type = FIELD_CUSTOM, .side = side_, .write = write_headers, .flags = FIELD_OMIT_EMPTY | FIELD_SENSITIVE,                           \
	  .meaning = "property headers: text and numbers; of anything else the type" },                                                                         \
	{ .json = "Version", .type = FIELD_STR, .side = side_, AT(version), .flags = FIELD_OMIT_EMPTY, .meaning = "of a preamble: 0-9-1, 1.0" }

const struct field amqp_fields[AMQP_FIELDS] = {
	COMMON(SIDE_REQUEST),
	{ .json = "Packet.ExchangeName", .name = "exchange", .type = FIELD_STR, .side = SIDE_REQUEST, AT(exchange), PACKET, .selector = "request.exchange", .label = "exchange",
	  .otel = "messaging.amqp.destination.exchange_name", .meaning = "exchange; the source of an exchange's binding" },
	{ .json = "Packet.RoutingKey", .name = "routing_key", .type = FIELD_STR, .side = SIDE_REQUEST, AT(routing_key), PACKET,
	  .otel = "messaging.rabbitmq.destination.routing_key", .meaning = "routing key" },
	{ .json = "Packet.QueueName", .name = "queue", .type = FIELD_STR, .side = SIDE_REQUEST, AT(queue), PACKET, .selector = "request.queue_name", .label = "queue_name",
	  .otel = "messaging.amqp.destination.queue_name", .meaning = "queue; of a delivery, that of its consumer; for an empty name, the one declared last" },
	{ .json = "Packet.Destination", .type = FIELD_STR, .side = SIDE_REQUEST, AT(destination), PACKET, .flags = FIELD_OMIT_EMPTY, .meaning = "exchange that is bound to another" },
	{ .json = "ClassMethod.Class", .name = "class", .type = FIELD_STR, .side = SIDE_REQUEST, AT(class_name), .flags = FIELD_USUAL_LABEL, .selector = "request.class", .label = "class",
	  .meaning = "class of the method, Basic" },
	{ .json = "ClassMethod.Method", .name = "method", .type = FIELD_STR, .side = SIDE_REQUEST, AT(method), .flags = FIELD_USUAL_LABEL, .selector = "request.method", .label = "method",
	  .meaning = "method, Publish" },
	AFTER_PACKET(SIDE_REQUEST),
	{ .json = "Mandatory", .type = FIELD_BOOL, .side = SIDE_REQUEST, AT(mandatory), .flags = FIELD_OMIT_EMPTY, .meaning = "to be returned when no queue takes it" },
	{ .json = "NoAck", .type = FIELD_BOOL, .side = SIDE_REQUEST, AT(no_ack), .flags = FIELD_OMIT_EMPTY, .meaning = "consume and get: nothing is to be acknowledged" },
	{ .json = "VirtualHost", .type = FIELD_STR, .side = SIDE_REQUEST, AT(virtual_host), .flags = FIELD_OMIT_EMPTY, .meaning = "virtual host that is opened" },
	{ .type = FIELD_CONST, .side = SIDE_REQUEST, .name = "system", .constant = "rabbitmq", .otel = "messaging.system", .meaning = "kind of broker" },
	{ .type = FIELD_CONST, .side = SIDE_REQUEST, .name = "old_system", .constant = "amqp", .otel = "messaging.name", .meaning = "the same, as it was called before" },
	{ .name = "operation", .type = FIELD_STR, .side = SIDE_REQUEST, AT(full), .otel = "messaging.operation.name", .meaning = "class and method, Basic.Publish" },
	{ .name = "operation_type", .type = FIELD_TEXT, .side = SIDE_REQUEST, AT(operation), .flags = FIELD_OMIT_EMPTY, .otel = "messaging.operation.type",
	  .meaning = "send, receive, process or settle" },
	{ .name = "destination", .type = FIELD_CUSTOM, .side = SIDE_REQUEST, .write = write_destination, .flags = FIELD_OMIT_EMPTY, .otel = "messaging.destination.name",
	  .meaning = "exchange:routing key:queue, what there is of it" },
	{ .name = "routing_key_old", .type = FIELD_STR, .side = SIDE_REQUEST, AT(routing_key), .otel = "messaging.amqp.destination.routing_key", .meaning = "same as routing_key" },
	{ .name = "message_tag", .type = FIELD_U64, .side = SIDE_REQUEST, AT(delivery_tag), .flags = FIELD_OMIT_EMPTY, .otel = "messaging.rabbitmq.message.delivery_tag",
	  .meaning = "same as delivery_tag" },
	{ .name = "id", .type = FIELD_STR, .side = SIDE_REQUEST, AT(message_id), .flags = FIELD_OMIT_EMPTY, .otel = "messaging.message.id", .meaning = "same as message_id" },
	{ .name = "conversation", .type = FIELD_STR, .side = SIDE_REQUEST, AT(correlation_id), .flags = FIELD_OMIT_EMPTY, .otel = "messaging.message.conversation_id",
	  .meaning = "same as correlation_id" },
	{ .name = "body", .type = FIELD_U64, .side = SIDE_REQUEST, AT(body_size), .flags = FIELD_OMIT_EMPTY, .otel = "messaging.message.body.size", .meaning = "same as body_size" },

	COMMON(SIDE_RESPONSE),
	{ .json = "Packet.ExchangeName", .name = "exchange", .type = FIELD_STR, .side = SIDE_RESPONSE, AT(exchange), PACKET, .meaning = "exchange, that of the request where the answer names none" },
	{ .json = "Packet.RoutingKey", .name = "routing_key", .type = FIELD_STR, .side = SIDE_RESPONSE, AT(routing_key), PACKET, .meaning = "routing key, likewise" },
	{ .json = "Packet.QueueName", .name = "queue", .type = FIELD_STR, .side = SIDE_RESPONSE, AT(queue), PACKET, .meaning = "queue, likewise" },
	{ .json = "ClassMethod.Class", .name = "class", .type = FIELD_STR, .side = SIDE_RESPONSE, AT(class_name), .meaning = "class of the method" },
	{ .json = "ClassMethod.Method", .name = "method", .type = FIELD_STR, .side = SIDE_RESPONSE, AT(method), .selector = "response.method", .label = "answer", .meaning = "method, Declare-Ok" },
	AFTER_PACKET(SIDE_RESPONSE),
	{ .json = "Mechanism", .type = FIELD_STR, .side = SIDE_RESPONSE, AT(mechanism), .flags = FIELD_OMIT_EMPTY, .meaning = "SASL mechanism chosen; the response itself is never kept" },
};

static void add_route(struct buf *out, const struct amqp_message *a)
{
	if (a->exchange.n || a->routing_key.n) {
		buf_addc(out, ' ');
		buf_add_str(out, a->exchange);
		if (a->routing_key.n) {
			buf_adds(out, a->exchange.n ? "/" : "");
			buf_add_str(out, a->routing_key);
		}
	}
	if (a->queue.n) {
		buf_addc(out, ' ');
		buf_add_str(out, a->queue);
	}
}

void amqp_describe(const struct message *m, struct buf *out)
{
	const struct amqp_message *a = amqp_of(m);
	buf_add_str(out, a->full.n ? a->full : STR("?"));
	if (m->side == SIDE_REQUEST)
		add_route(out, a);
	if (a->version.n) {
		buf_addc(out, ' ');
		buf_add_str(out, a->version);
	}
	if (a->reply_code && a->reply_code != 200)
		buf_addf(out, " %u %.*s", a->reply_code, STR_ARG(a->reply_text.n ? a->reply_text : str_from(a->err_code)));
	if (a->body_size)
		buf_addf(out, " %lluB", (unsigned long long)a->body_size);
}
