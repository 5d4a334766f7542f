/* Redis, and servers that speak its protocol: the descriptor and what ties the two directions together. */
#include "proto/redis/read.h"

static enum parse redis_parse(struct parser *ps, struct chunk *c)
{
	struct redis_state *s = ps->state;
	c->used = 0;
	c->want = 0;
	if (!c->p) /* the end of a skip, with nothing behind it */
		c->p = (const u8 *)"";
	if (ps->request_dir == DIR_NONE) {
		enum side side;
		enum probe probe = redis_probe(c->p, c->n, &side);
		if (probe == PROBE_MORE)
			return PARSE_MORE;
		if (probe == PROBE_NO)
			return PARSE_NOT_MINE;
		ps->request_dir = side == SIDE_REQUEST ? ps->dir : ps->dir ^ 1;
	}
	s->unsure |= ps->partial[ps->dir];
	return ps->dir == ps->request_dir ? redis_parse_request(ps, s, c) : redis_parse_reply(ps, s, c);
}

/* What was half read is gone; and so may be commands that changed what we know of the connection. */
static void redis_gap(struct parser *ps)
{
	struct redis_state *s = ps->state;
	s->unsure = true;
	s->answered = false;
	if (ps->dir != ps->request_dir) {
		s->incoming = NULL;
		s->confirm = NULL;
		s->database = s->database_sent;
		s->transaction = false;
		return;
	}
	s->request = NULL;
	s->passed = false;
	s->queueing = false;
	s->reply_mode = REPLY_ON;
	s->database = s->database_sent = 0;
}

/* A server that leaves while more confirmations were expected: it is the expectation that was wrong. What it had half said is
 * ended by the caller. */
static void redis_fin(struct parser *ps)
{
	struct redis_state *s = ps->state;
	if (ps->dir == ps->request_dir)
		return;
	if (s->confirm && !s->incoming && s->confirm_end)
		redis_confirm_close(ps, s);
	s->incoming = NULL;
	s->confirm = NULL;
}

static void describe_request(const struct redis_request *q, struct buf *out)
{
	if (q->statement.n) {
		buf_add(out, q->statement.p, text_cut((const u8 *)q->statement.p, q->statement.n, 120));
	} else {
		buf_add_str(out, q->command.n ? q->command : STR("?"));
		if (q->key.n) {
			buf_addc(out, ' ');
			buf_add_str(out, q->key);
		}
	}
}

static void describe_response(const struct redis_response *a, struct buf *out)
{
	if (a->m.flags & MSG_FAILED) {
		buf_add_str(out, a->text.n ? a->text : a->word);
		return;
	}
	buf_adds(out, a->data_type ? a->data_type : "?");
	if (a->nil) {
		buf_adds(out, " nil");
		return;
	}
	if (a->elements)
		buf_addf(out, " %llu of", (unsigned long long)a->elements);
	buf_addf(out, " %lluB", (unsigned long long)a->m.size);
}

static void redis_describe(const struct message *m, struct buf *out)
{
	if (m->side == SIDE_REQUEST)
		describe_request((const struct redis_request *)m, out);
	else
		describe_response((const struct redis_response *)m, out);
}

#define REQUEST(name, kind, member) .json = name, .type = kind, .side = SIDE_REQUEST, FIELD_AT(struct redis_request, member)
#define RESPONSE(name, kind, member) .json = name, .type = kind, .side = SIDE_RESPONSE, FIELD_AT(struct redis_response, member)

static const struct field fields[] = {
	{ REQUEST("Command", FIELD_STR, command), .flags = FIELD_USUAL_LABEL, .selector = "request.command", .label = "command", .otel = "db.operation.name",
	  .meaning = "command in upper case, with the subcommand of container commands" },
	{ REQUEST("Size", FIELD_U64, m.size), .otel = "db.request.size", .meaning = "bytes of all arguments, the command word included, without framing" },
	FIELD_ROW_PROTO(SIDE_REQUEST, "Redis"),
	FIELD_ROW_HOST(SIDE_REQUEST),
	FIELD_ROW_PORT(SIDE_REQUEST),
	FIELD_ROW_TIME(SIDE_REQUEST),
	{ REQUEST("Args", FIELD_U32, args), .flags = FIELD_OMIT_EMPTY, .meaning = "arguments, the command word included" },
	{ REQUEST("Key", FIELD_STR, key), .flags = FIELD_OMIT_EMPTY | FIELD_SENSITIVE, .meaning = "first key" },
	{ REQUEST("Statement", FIELD_STR, statement), .flags = FIELD_OMIT_EMPTY | FIELD_SENSITIVE | FIELD_STATEMENT, .otel = "db.query.text",
	  .meaning = "the command as text, secrets masked, cut" },
	{ REQUEST("Database", FIELD_STR, database), .flags = FIELD_OMIT_EMPTY, .selector = "request.database", .label = "database", .otel = "db.namespace",
	  .meaning = "index of the database selected; left out for 0 and where it is not known" },
	{ .type = FIELD_CONST, .side = SIDE_REQUEST, .constant = "redis", .otel = "db.system.name", .meaning = "kind of database" },

	{ RESPONSE("DataType", FIELD_TEXT, data_type), .selector = "response.data_type", .label = "data_type", .otel = "response.data_type",
	  .meaning = "type of the outermost value: SimpleStrings, Errors, Integers, BulkStrings, Array; of RESP 3 also Null, Boolean, Double, BigNumber, BulkError, Verbatim, Map, Set, Push" },
	{ RESPONSE("Size", FIELD_U64, m.size), .otel = "db.response.size", .meaning = "bytes of all values, without framing" },
	FIELD_ROW_HOST(SIDE_RESPONSE),
	FIELD_ROW_PROTO(SIDE_RESPONSE, "Redis"),
	FIELD_ROW_PORT(SIDE_RESPONSE),
	FIELD_ROW_TIME(SIDE_RESPONSE),
	{ RESPONSE("Error", FIELD_STR, word), .flags = FIELD_OMIT_EMPTY, .selector = "response.error", .label = "error", .otel = "db.response.status_code",
	  .meaning = "class of the error: its first word (ERR, WRONGTYPE, MOVED)" },
	{ RESPONSE("Nil", FIELD_BOOL, nil), .flags = FIELD_OMIT_EMPTY, .selector = "response.nil", .label = "nil", .meaning = "there is no value: a miss, for commands that look one up" },
	{ RESPONSE("Elements", FIELD_U64, elements), .flags = FIELD_OMIT_EMPTY, .otel = "db.response.returned_rows", .meaning = "values in the outermost array or set, pairs in a map" },
	{ RESPONSE("Message", FIELD_STR, text), .flags = FIELD_OMIT_EMPTY | FIELD_SENSITIVE, .meaning = "text of the error, what it quotes masked" },
	{ RESPONSE("Target", FIELD_STR, target), .flags = FIELD_OMIT_EMPTY, .meaning = "MOVED and ASK: the node that has the slot" },
};

static const u16 ports[] = { 6379, 6380, 26379, 0 };

const struct proto proto_redis = {
	.name = "redis",
	.title = "Redis",
	.ports = ports,
	.transports = OVER_TCP,
	.pairing = PAIR_FIFO,
	.index = PROTO_redis,
	.weight = 1,
	.state_size = sizeof(struct redis_state),
	.request_size = sizeof(struct redis_request),
	.response_size = sizeof(struct redis_response),
	.fields = fields,
	.fields_len = ARRAY_LEN(fields),
	.probe = redis_probe,
	.parse = redis_parse,
	.gap = redis_gap,
	.resync = redis_resync,
	.fin = redis_fin,
	.describe = redis_describe,
};
