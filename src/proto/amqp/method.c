/* The table of methods, and their arguments. */
#include "proto/amqp/method.h"

/* Letters of `args`, in the order of the wire:
 *   e exchange  D destination exchange  k routing key  q queue  c consumer tag  X reply text, reason  v virtual host
 *   M SASL mechanism  z a short string nobody wants  S a long string nobody wants, or may see  T a field table
 *   d delivery tag  C reply code  x class and method that failed  m messages  n consumers  F frame-max
 *   f bits  o one byte  s two bytes  l four bytes */
#define ROW(class_, id_, to_, kind_, sender_, args_, name_, no_wait_, content_, operation_)                             \
	{ .id = METHOD(CLASS_##class_, id_), .replies_to = to_, .kind = kind_, .sender = sender_, .args = args_,          \
	  .class_name = NAME_##class_, .name = name_, .full = NAME_##class_ "." name_, .no_wait = no_wait_,               \
	  .content = content_, .operation = operation_ }
/* Class, id, kind, sender, arguments, name, mask of the no-wait bit, content, OpenTelemetry's operation type. */
#define M(class_, id_, kind_, sender_, args_, name_, no_wait_, content_, operation_) \
	ROW(class_, id_, 0, kind_, sender_, args_, name_, no_wait_, content_, operation_)
/* The same for a reply, with the id of its request in place of the kind. */
#define REPLY(class_, id_, to_, sender_, args_, name_, no_wait_, content_, operation_) \
	ROW(class_, id_, METHOD(CLASS_##class_, to_), KIND_REPLY, sender_, args_, name_, no_wait_, content_, operation_)

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
	M(BASIC, 40, KIND_PUBLISH, BY_CLIENT, "sekf", "Publish", 0, true, "send"),
	M(BASIC, 60, KIND_DELIVER, BY_SERVER, "cdfek", "Deliver", 0, true, "process"),
	M(BASIC, 80, KIND_SETTLE, BY_BOTH, "df", "Ack", 0, false, "settle"),
	M(BASIC, 70, KIND_REQUEST, BY_CLIENT, "sqf", "Get", 0, false, "receive"),
	REPLY(BASIC, 71, 70, BY_SERVER, "dfekm", "Get-Ok", 0, true, "receive"),
	REPLY(BASIC, 72, 70, BY_SERVER, "z", "Get-Empty", 0, false, "receive"),
	M(BASIC, 120, KIND_SETTLE, BY_BOTH, "df", "Nack", 0, false, "settle"),
	M(BASIC, 90, KIND_SETTLE, BY_CLIENT, "df", "Reject", 0, false, "settle"),
	M(BASIC, 50, KIND_ONEWAY, BY_SERVER, "CXek", "Return", 0, true, NULL),
	M(BASIC, 10, KIND_REQUEST, BY_CLIENT, "lsf", "Qos", 0, false, NULL),
	REPLY(BASIC, 11, 10, BY_SERVER, "", "Qos-Ok", 0, false, NULL),
	M(BASIC, 20, KIND_REQUEST, BY_CLIENT, "sqcfT", "Consume", 8, false, NULL),
	REPLY(BASIC, 21, 20, BY_SERVER, "c", "Consume-Ok", 0, false, NULL),
	M(BASIC, 30, KIND_REQUEST, BY_BOTH, "cf", "Cancel", 1, false, NULL),
	REPLY(BASIC, 31, 30, BY_BOTH, "c", "Cancel-Ok", 0, false, NULL),
	M(BASIC, 100, KIND_ONEWAY, BY_CLIENT, "f", "Recover-Async", 0, false, NULL),
	M(BASIC, 110, KIND_REQUEST, BY_CLIENT, "f", "Recover", 0, false, NULL),
	REPLY(BASIC, 111, 110, BY_SERVER, "", "Recover-Ok", 0, false, NULL),
	M(CHANNEL, 10, KIND_REQUEST, BY_CLIENT, "z", "Open", 0, false, NULL),
	REPLY(CHANNEL, 11, 10, BY_SERVER, "S", "Open-Ok", 0, false, NULL),
	M(CHANNEL, 20, KIND_REQUEST, BY_BOTH, "f", "Flow", 0, false, NULL),
	REPLY(CHANNEL, 21, 20, BY_BOTH, "f", "Flow-Ok", 0, false, NULL),
	M(CHANNEL, 40, KIND_REQUEST, BY_BOTH, "CXx", "Close", 0, false, NULL),
	REPLY(CHANNEL, 41, 40, BY_BOTH, "", "Close-Ok", 0, false, NULL),
	M(CONNECTION, 10, KIND_REQUEST, BY_SERVER, "ooTSS", "Start", 0, false, NULL),
	REPLY(CONNECTION, 11, 10, BY_CLIENT, "TMSz", "Start-Ok", 0, false, NULL),
	M(CONNECTION, 20, KIND_REQUEST, BY_SERVER, "S", "Secure", 0, false, NULL),
	REPLY(CONNECTION, 21, 20, BY_CLIENT, "S", "Secure-Ok", 0, false, NULL),
	M(CONNECTION, 30, KIND_REQUEST, BY_SERVER, "sFs", "Tune", 0, false, NULL),
	REPLY(CONNECTION, 31, 30, BY_CLIENT, "sFs", "Tune-Ok", 0, false, NULL),
	M(CONNECTION, 40, KIND_REQUEST, BY_CLIENT, "vzf", "Open", 0, false, NULL),
	REPLY(CONNECTION, 41, 40, BY_SERVER, "z", "Open-Ok", 0, false, NULL),
	M(CONNECTION, 50, KIND_REQUEST, BY_BOTH, "CXx", "Close", 0, false, NULL),
	REPLY(CONNECTION, 51, 50, BY_BOTH, "", "Close-Ok", 0, false, NULL),
	M(CONNECTION, 60, KIND_ONEWAY, BY_SERVER, "X", "Blocked", 0, false, NULL),
	M(CONNECTION, 61, KIND_ONEWAY, BY_SERVER, "", "Unblocked", 0, false, NULL),
	M(CONNECTION, 70, KIND_REQUEST, BY_CLIENT, "SX", "Update-Secret", 0, false, NULL),
	REPLY(CONNECTION, 71, 70, BY_SERVER, "", "Update-Secret-Ok", 0, false, NULL),
	M(EXCHANGE, 10, KIND_REQUEST, BY_CLIENT, "sezfT", "Declare", 16, false, NULL),
	REPLY(EXCHANGE, 11, 10, BY_SERVER, "", "Declare-Ok", 0, false, NULL),
	M(EXCHANGE, 20, KIND_REQUEST, BY_CLIENT, "sef", "Delete", 2, false, NULL),
	REPLY(EXCHANGE, 21, 20, BY_SERVER, "", "Delete-Ok", 0, false, NULL),
	M(EXCHANGE, 30, KIND_REQUEST, BY_CLIENT, "sDekfT", "Bind", 1, false, NULL),
	REPLY(EXCHANGE, 31, 30, BY_SERVER, "", "Bind-Ok", 0, false, NULL),
	M(EXCHANGE, 40, KIND_REQUEST, BY_CLIENT, "sDekfT", "Unbind", 1, false, NULL),
	REPLY(EXCHANGE, 51, 40, BY_SERVER, "", "Unbind-Ok", 0, false, NULL),
	M(QUEUE, 10, KIND_REQUEST, BY_CLIENT, "sqfT", "Declare", 16, false, NULL),
	REPLY(QUEUE, 11, 10, BY_SERVER, "qmn", "Declare-Ok", 0, false, NULL),
	M(QUEUE, 20, KIND_REQUEST, BY_CLIENT, "sqekfT", "Bind", 1, false, NULL),
	REPLY(QUEUE, 21, 20, BY_SERVER, "", "Bind-Ok", 0, false, NULL),
	M(QUEUE, 30, KIND_REQUEST, BY_CLIENT, "sqf", "Purge", 1, false, NULL),
	REPLY(QUEUE, 31, 30, BY_SERVER, "m", "Purge-Ok", 0, false, NULL),
	M(QUEUE, 40, KIND_REQUEST, BY_CLIENT, "sqf", "Delete", 4, false, NULL),
	REPLY(QUEUE, 41, 40, BY_SERVER, "m", "Delete-Ok", 0, false, NULL),
	M(QUEUE, 50, KIND_REQUEST, BY_CLIENT, "sqekT", "Unbind", 0, false, NULL),
	REPLY(QUEUE, 51, 50, BY_SERVER, "", "Unbind-Ok", 0, false, NULL),
	M(CONFIRM, 10, KIND_REQUEST, BY_CLIENT, "f", "Select", 1, false, NULL),
	REPLY(CONFIRM, 11, 10, BY_SERVER, "", "Select-Ok", 0, false, NULL),
	M(TX, 10, KIND_REQUEST, BY_CLIENT, "", "Select", 0, false, NULL),
	REPLY(TX, 11, 10, BY_SERVER, "", "Select-Ok", 0, false, NULL),
	M(TX, 20, KIND_REQUEST, BY_CLIENT, "", "Commit", 0, false, NULL),
	REPLY(TX, 21, 20, BY_SERVER, "", "Commit-Ok", 0, false, NULL),
	M(TX, 30, KIND_REQUEST, BY_CLIENT, "", "Rollback", 0, false, NULL),
	REPLY(TX, 31, 30, BY_SERVER, "", "Rollback-Ok", 0, false, NULL),
	M(ACCESS, 10, KIND_REQUEST, BY_CLIENT, "zf", "Request", 0, false, NULL), /* of 0-8 and 0-9; some clients still ask */
	REPLY(ACCESS, 11, 10, BY_SERVER, "s", "Request-Ok", 0, false, NULL),
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
