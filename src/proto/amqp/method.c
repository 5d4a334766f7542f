/* The table of methods, and their arguments. */
#include "proto/amqp/method.h"

/* Letters of `args`, in the order of the wire:
 *   e exchange  D destination exchange  k routing key  q queue  c consumer tag  X reply text, reason  v virtual host
 *   M SASL mechanism  z a short string nobody wants  S a long string nobody wants, or may see  T a field table
 *   d delivery tag  C reply code  x class and method that failed  m messages  n consumers  F frame-max
 *   f bits  o one byte  s two bytes  l four bytes */
#define M(class_, id_, kind_, sender_, args_, name_, ...)                                              \
	{ .id = METHOD(CLASS_##class_, id_), .kind = kind_, .sender = sender_, .args = args_, .class_name = NAME_##class_, \
	  .name = name_, .full = NAME_##class_ "." name_, __VA_ARGS__ }
#define REPLY(class_, id_, to_, sender_, args_, name_, ...) \
	M(class_, id_, KIND_REPLY, sender_, args_, name_, .replies_to = METHOD(CLASS_##class_, to_), __VA_ARGS__)

#define NAME_CONNECTION "Connection"
#define NAME_CHANNEL "Channel"
#define NAME_ACCESS "Access"
#define NAME_EXCHANGE "Exchange"
#define NAME_QUEUE "Queue"
#define NAME_BASIC "Basic"
#define NAME_CONFIRM "Confirm"
#define NAME_TX "Tx"

/* The frequent ones first. */
static const struct amqp_method methods[] = {
	M(BASIC, 40, KIND_PUBLISH, BY_CLIENT, "sekf", "Publish", .content = true, .operation = "send"),
	M(BASIC, 60, KIND_DELIVER, BY_SERVER, "cdfek", "Deliver", .content = true, .operation = "process"),
	M(BASIC, 80, KIND_SETTLE, BY_BOTH, "df", "Ack", .operation = "settle"),
	M(BASIC, 70, KIND_REQUEST, BY_CLIENT, "sqf", "Get", .operation = "receive"),
	REPLY(BASIC, 71, 70, BY_SERVER, "dfekm", "Get-Ok", .content = true, .operation = "receive"),
	REPLY(BASIC, 72, 70, BY_SERVER, "z", "Get-Empty", .operation = "receive"),
	M(BASIC, 120, KIND_SETTLE, BY_BOTH, "df", "Nack", .operation = "settle"),
	M(BASIC, 90, KIND_SETTLE, BY_CLIENT, "df", "Reject", .operation = "settle"),
	M(BASIC, 50, KIND_ONEWAY, BY_SERVER, "CXek", "Return", .content = true),
	M(BASIC, 10, KIND_REQUEST, BY_CLIENT, "lsf", "Qos"),
	REPLY(BASIC, 11, 10, BY_SERVER, "", "Qos-Ok"),
	M(BASIC, 20, KIND_REQUEST, BY_CLIENT, "sqcfT", "Consume", .no_wait = 8),
	REPLY(BASIC, 21, 20, BY_SERVER, "c", "Consume-Ok"),
	M(BASIC, 30, KIND_REQUEST, BY_BOTH, "cf", "Cancel", .no_wait = 1),
	REPLY(BASIC, 31, 30, BY_BOTH, "c", "Cancel-Ok"),
	M(BASIC, 100, KIND_ONEWAY, BY_CLIENT, "f", "Recover-Async"),
	M(BASIC, 110, KIND_REQUEST, BY_CLIENT, "f", "Recover"),
	REPLY(BASIC, 111, 110, BY_SERVER, "", "Recover-Ok"),
	M(CHANNEL, 10, KIND_REQUEST, BY_CLIENT, "z", "Open"),
	REPLY(CHANNEL, 11, 10, BY_SERVER, "S", "Open-Ok"),
	M(CHANNEL, 20, KIND_REQUEST, BY_BOTH, "f", "Flow"),
	REPLY(CHANNEL, 21, 20, BY_BOTH, "f", "Flow-Ok"),
	M(CHANNEL, 40, KIND_REQUEST, BY_BOTH, "CXx", "Close"),
	REPLY(CHANNEL, 41, 40, BY_BOTH, "", "Close-Ok"),
	M(CONNECTION, 10, KIND_REQUEST, BY_SERVER, "ooTSS", "Start"),
	REPLY(CONNECTION, 11, 10, BY_CLIENT, "TMSz", "Start-Ok"),
	M(CONNECTION, 20, KIND_REQUEST, BY_SERVER, "S", "Secure"),
	REPLY(CONNECTION, 21, 20, BY_CLIENT, "S", "Secure-Ok"),
	M(CONNECTION, 30, KIND_REQUEST, BY_SERVER, "sFs", "Tune"),
	REPLY(CONNECTION, 31, 30, BY_CLIENT, "sFs", "Tune-Ok"),
	M(CONNECTION, 40, KIND_REQUEST, BY_CLIENT, "vzf", "Open"),
	REPLY(CONNECTION, 41, 40, BY_SERVER, "z", "Open-Ok"),
	M(CONNECTION, 50, KIND_REQUEST, BY_BOTH, "CXx", "Close"),
	REPLY(CONNECTION, 51, 50, BY_BOTH, "", "Close-Ok"),
	M(CONNECTION, 60, KIND_ONEWAY, BY_SERVER, "X", "Blocked"),
	M(CONNECTION, 61, KIND_ONEWAY, BY_SERVER, "", "Unblocked"),
	M(CONNECTION, 70, KIND_REQUEST, BY_CLIENT, "SX", "Update-Secret"),
	REPLY(CONNECTION, 71, 70, BY_SERVER, "", "Update-Secret-Ok"),
	M(EXCHANGE, 10, KIND_REQUEST, BY_CLIENT, "sezfT", "Declare", .no_wait = 16),
	REPLY(EXCHANGE, 11, 10, BY_SERVER, "", "Declare-Ok"),
	M(EXCHANGE, 20, KIND_REQUEST, BY_CLIENT, "sef", "Delete", .no_wait = 2),
	REPLY(EXCHANGE, 21, 20, BY_SERVER, "", "Delete-Ok"),
	M(EXCHANGE, 30, KIND_REQUEST, BY_CLIENT, "sDekfT", "Bind", .no_wait = 1),
	REPLY(EXCHANGE, 31, 30, BY_SERVER, "", "Bind-Ok"),
	M(EXCHANGE, 40, KIND_REQUEST, BY_CLIENT, "sDekfT", "Unbind", .no_wait = 1),
	REPLY(EXCHANGE, 51, 40, BY_SERVER, "", "Unbind-Ok"),
	M(QUEUE, 10, KIND_REQUEST, BY_CLIENT, "sqfT", "Declare", .no_wait = 16),
	REPLY(QUEUE, 11, 10, BY_SERVER, "qmn", "Declare-Ok"),
	M(QUEUE, 20, KIND_REQUEST, BY_CLIENT, "sqekfT", "Bind", .no_wait = 1),
	REPLY(QUEUE, 21, 20, BY_SERVER, "", "Bind-Ok"),
	M(QUEUE, 30, KIND_REQUEST, BY_CLIENT, "sqf", "Purge", .no_wait = 1),
	REPLY(QUEUE, 31, 30, BY_SERVER, "m", "Purge-Ok"),
	M(QUEUE, 40, KIND_REQUEST, BY_CLIENT, "sqf", "Delete", .no_wait = 4),
	REPLY(QUEUE, 41, 40, BY_SERVER, "m", "Delete-Ok"),
	M(QUEUE, 50, KIND_REQUEST, BY_CLIENT, "sqekT", "Unbind"),
	REPLY(QUEUE, 51, 50, BY_SERVER, "", "Unbind-Ok"),
	M(CONFIRM, 10, KIND_REQUEST, BY_CLIENT, "f", "Select", .no_wait = 1),
	REPLY(CONFIRM, 11, 10, BY_SERVER, "", "Select-Ok"),
	M(TX, 10, KIND_REQUEST, BY_CLIENT, "", "Select"),
	REPLY(TX, 11, 10, BY_SERVER, "", "Select-Ok"),
	M(TX, 20, KIND_REQUEST, BY_CLIENT, "", "Commit"),
	REPLY(TX, 21, 20, BY_SERVER, "", "Commit-Ok"),
	M(TX, 30, KIND_REQUEST, BY_CLIENT, "", "Rollback"),
	REPLY(TX, 31, 30, BY_SERVER, "", "Rollback-Ok"),
	M(ACCESS, 10, KIND_REQUEST, BY_CLIENT, "zf", "Request"), /* of 0-8 and 0-9; some clients still ask */
	REPLY(ACCESS, 11, 10, BY_SERVER, "s", "Request-Ok"),
};

const struct amqp_method *amqp_method_find(u32 id)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (methods[i].id == id)
			return &methods[i];
	return NULL;
}

const struct amqp_method *amqp_method_at(size_t i)
{
	return i < ARRAY_LEN(methods) ? &methods[i] : NULL;
}

static struct str short_string(struct rd *r)
{
	return rd_str(r, rd_u8(r));
}

static void read_string(struct rd *r, char letter, struct amqp_args *a)
{
	struct str s = short_string(r);
	switch (letter) {
	case 'e': a->exchange = s; break;
	case 'D': a->destination = s; break;
	case 'k': a->routing_key = s; break;
	case 'q': a->queue = s; break;
	case 'c': a->consumer_tag = s; break;
	case 'X': a->text = s; break;
	case 'v': a->virtual_host = s; break;
	case 'M': a->mechanism = s; break;
	default: break;
	}
	a->has_packet |= letter == 'e' || letter == 'k' || letter == 'q';
}

static void read_one(struct rd *r, char letter, struct amqp_args *a)
{
	switch (letter) {
	case 'S':
	case 'T': rd_skip(r, rd_u32be(r)); break;
	case 'd': a->tag = rd_u64be(r); break;
	case 'C': a->code = rd_u16be(r); break;
	case 'x': a->failed = rd_u32be(r); break;
	case 'm': a->messages = rd_u32be(r); break;
	case 'n': a->consumers = rd_u32be(r); break;
	case 'F': a->frame_max = rd_u32be(r); break;
	case 'f': a->bits = rd_u8(r); break;
	case 'o': rd_u8(r); break;
	case 's': rd_u16be(r); break;
	case 'l': rd_u32be(r); break;
	default: read_string(r, letter, a);
	}
}

bool amqp_args_read(struct rd *r, const struct amqp_method *m, struct amqp_args *a)
{
	*a = (struct amqp_args){ 0 };
	for (const char *p = m->args; *p && !r->bad; p++)
		read_one(r, *p, a);
	return !r->bad;
}

const char *amqp_code_name(u16 code)
{
	static const struct {
		u16 code;
		const char *name;
	} codes[] = {
		{ 200, "OK" }, { 311, "CONTENT_TOO_LARGE" }, { 312, "NO_ROUTE" }, { 313, "NO_CONSUMERS" }, { 320, "CONNECTION_FORCED" },
		{ 402, "INVALID_PATH" }, { 403, "ACCESS_REFUSED" }, { 404, "NOT_FOUND" }, { 405, "RESOURCE_LOCKED" },
		{ 406, "PRECONDITION_FAILED" }, { 501, "FRAME_ERROR" }, { 502, "SYNTAX_ERROR" }, { 503, "COMMAND_INVALID" },
		{ 504, "CHANNEL_ERROR" }, { 505, "UNEXPECTED_FRAME" }, { 506, "RESOURCE_ERROR" }, { 530, "NOT_ALLOWED" },
		{ 540, "NOT_IMPLEMENTED" }, { 541, "INTERNAL_ERROR" },
	};
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].code == code)
			return codes[i].name;
	return NULL;
}
