/* MongoDB, and servers that speak its protocol: field table and descriptor. */
#include "proto/mongodb/read.h"
#include "util/json.h"

#define DESCRIBED 120u

static void describe_request(const struct mongo_request *q, struct buf *out)
{
	buf_add_str(out, q->name.n ? q->name : STR("?"));
	if (q->full.n) {
		buf_addc(out, ' ');
		buf_add_str(out, q->full);
	}
	struct str s = q->statement;
	if (!s.n || s.n <= q->tail_at + 1)
		return;
	s = str_make(s.p + q->tail_at, s.n - q->tail_at); /* ,"filter":{…}} */
	if (*s.p != ',' || s.n < 2)
		return;
	buf_adds(out, " {");
	buf_add(out, s.p + 1, ejson_cut(s.p + 1, s.n - 1, DESCRIBED));
}

static void describe_response(const struct mongo_response *a, struct buf *out)
{
	if (a->h.m.flags & MSG_FAILED) {
		buf_add_str(out, a->code_name);
		if (a->message.n) {
			buf_adds(out, ": ");
			buf_add(out, a->message.p, ejson_cut(a->message.p, a->message.n, DESCRIBED));
		}
		return;
	}
	buf_adds(out, a->has_ok || a->ok != 0 ? "ok" : "?");
	if (a->h.documents)
		buf_addf(out, " %u doc%s", a->h.documents, a->h.documents == 1 ? "" : "s");
	else if (a->n)
		buf_addf(out, " n=%lld", (long long)a->n);
	if (a->replies > 1)
		buf_addf(out, " in %u replies", a->replies);
	buf_addf(out, " %lluB", (unsigned long long)a->h.m.size);
}

static void mongo_describe(const struct message *m, struct buf *out)
{
	if (m->side == SIDE_REQUEST)
		describe_request((const struct mongo_request *)m, out);
	else
		describe_response((const struct mongo_response *)m, out);
}

/* The name of the code as the old output has it: OK for none. */
static bool write_message(struct buf *out, const struct message *m)
{
	const struct mongo_response *a = (const struct mongo_response *)m;
	json_str(out, a->code_name.n ? a->code_name : STR("OK"));
	return true;
}

/* A session matters where it has transactions, or writes that may be tried again. */
static bool write_session(struct buf *out, const struct message *m)
{
	const struct mongo_request *q = (const struct mongo_request *)m;
	const u8 *b = q->session;
	if (!q->has_session || !q->has_txn)
		return false;
	buf_addf(out, "\"%08x-%04x-%04x-%04x-%04x%08x\"", be32(b), be16(b + 4), be16(b + 6), be16(b + 8), be16(b + 10), be32(b + 12));
	return true;
}

static bool write_txn(struct buf *out, const struct message *m)
{
	const struct mongo_request *q = (const struct mongo_request *)m;
	if (q->has_txn)
		buf_add_i64(out, q->txn_number);
	return q->has_txn;
}

static bool write_replies(struct buf *out, const struct message *m)
{
	const struct mongo_response *a = (const struct mongo_response *)m;
	if (a->replies > 1)
		buf_add_u64(out, a->replies);
	return a->replies > 1;
}

#define REQUEST(name, kind, member) .json = name, .type = kind, .side = SIDE_REQUEST, FIELD_AT(struct mongo_request, member)
#define RESPONSE(name, kind, member) .json = name, .type = kind, .side = SIDE_RESPONSE, FIELD_AT(struct mongo_response, member)
#define REQUEST_CUSTOM(name, f) .json = name, .type = FIELD_CUSTOM, .side = SIDE_REQUEST, .write = f
#define RESPONSE_CUSTOM(name, f) .json = name, .type = FIELD_CUSTOM, .side = SIDE_RESPONSE, .write = f

static const struct field fields[] = {
	{ REQUEST("ID", FIELD_U32, h.id), .meaning = "requestID of the message" },
	FIELD_ROW_HOST(SIDE_REQUEST),
	FIELD_ROW_PORT(SIDE_REQUEST),
	FIELD_ROW_PROTO(SIDE_REQUEST, "MongoDB"),
	{ REQUEST("OpCode", FIELD_TEXT, h.op_text), .meaning = "operation: MSG, or one of older drivers (QUERY, INSERT, GET_MORE …); what is compressed is named by what is within" },
	{ REQUEST("Source", FIELD_STR, database), .selector = "request.source", .label = "source", .otel = "db.namespace", .meaning = "database" },
	{ REQUEST("Collection", FIELD_STR, collection), .selector = "request.collection", .label = "collection", .otel = "db.collection.name",
	  .meaning = "collection; empty for commands on a database" },
	{ REQUEST("CmdName", FIELD_STR, name), .name = "command", .flags = FIELD_USUAL_LABEL, .selector = "request.command", .label = "service", .otel = "db.operation.name",
	  .meaning = "command; of legacy operations the one that does the same" },
	{ REQUEST("CmdValue", FIELD_STR, value), .otel = "db.query.text", .meaning = "value of the command's first element: a string, or a number as text" },
	{ REQUEST("Size", FIELD_U64, h.m.size), .otel = "db.request.size", .meaning = "bytes of the message" },
	FIELD_ROW_TIME(SIDE_REQUEST),
	{ REQUEST("Namespace", FIELD_STR, full), .flags = FIELD_OMIT_EMPTY, .meaning = "database and collection, with a dot in between" },
	{ REQUEST("MoreToCome", FIELD_BOOL, h.more_to_come), .flags = FIELD_OMIT_EMPTY, .meaning = "an unacknowledged write: the client wants no answer" },
	{ REQUEST("Statement", FIELD_STR, statement), .flags = FIELD_OMIT_EMPTY | FIELD_SENSITIVE | FIELD_STATEMENT,
	  .meaning = "the command as relaxed Extended JSON, without what only drivers care about, secrets masked, cut" },
	{ REQUEST("Fingerprint", FIELD_STR, shape), .flags = FIELD_OMIT_EMPTY, .otel = "db.query.fingerprint", .meaning = "the same with its values replaced by ?" },
	{ REQUEST("Documents", FIELD_U32, h.documents), .flags = FIELD_OMIT_EMPTY, .otel = "db.operation.batch.size",
	  .meaning = "documents inserted, updates, deletes or other operations in it, cursors to be closed" },
	{ REQUEST("CursorID", FIELD_I64, h.cursor), .flags = FIELD_OMIT_EMPTY, .meaning = "getMore: the cursor" },
	{ REQUEST("BatchSize", FIELD_I64, batch_size), .flags = FIELD_OMIT_EMPTY, .meaning = "documents wanted in an answer" },
	{ REQUEST("ReadPreference", FIELD_STR, read_preference), .flags = FIELD_OMIT_EMPTY, .selector = "request.read_preference", .label = "read_preference",
	  .meaning = "which members of the replica set may answer" },
	{ REQUEST_CUSTOM("TxnNumber", write_txn), .meaning = "transaction, or write that may be tried again, within the session" },
	{ REQUEST_CUSTOM("Session", write_session), .meaning = "logical session that TxnNumber counts in" },
	{ REQUEST("Monitoring", FIELD_BOOL, monitoring), .flags = FIELD_OMIT_EMPTY, .selector = "request.monitoring", .label = "monitoring",
	  .meaning = "hello, isMaster: what drivers ask by themselves" },
	{ REQUEST("Compressor", FIELD_TEXT, h.compressor_text), .flags = FIELD_OMIT_EMPTY, .meaning = "snappy, zlib, zstd" },
	{ .type = FIELD_CONST, .side = SIDE_REQUEST, .constant = "mongodb", .otel = "db.system.name", .meaning = "kind of database" },

	{ RESPONSE("ID", FIELD_U32, h.id), .meaning = "responseTo of the message" },
	FIELD_ROW_HOST(SIDE_RESPONSE),
	FIELD_ROW_PORT(SIDE_RESPONSE),
	FIELD_ROW_PROTO(SIDE_RESPONSE, "MongoDB"),
	{ RESPONSE("OpCode", FIELD_TEXT, h.op_text), .meaning = "operation: MSG, REPLY, COMMANDREPLY" },
	{ RESPONSE("Ok", FIELD_DOUBLE, ok), .selector = "response.ok", .label = "ok", .otel = "db.response.ok", .meaning = "1: the command was carried out, though its writes may have failed" },
	{ RESPONSE("Code", FIELD_I32, code), .selector = "response.code", .label = "code", .otel = "db.response.status_code",
	  .meaning = "error code of the command, else of its first failed write, else of its write concern" },
	{ RESPONSE_CUSTOM("Message", write_message), .meaning = "name of the code; OK for none" },
	{ RESPONSE("Size", FIELD_U64, h.m.size), .otel = "db.response.size", .meaning = "bytes of the message, or messages" },
	FIELD_ROW_TIME(SIDE_RESPONSE),
	{ RESPONSE("CodeName", FIELD_STR, code_name), .flags = FIELD_OMIT_EMPTY | FIELD_USUAL_LABEL, .selector = "response.code_name", .label = "code_name", .meaning = "name of the code, when there is one" },
	{ RESPONSE("ErrorMessage", FIELD_STR, message), .flags = FIELD_OMIT_EMPTY | FIELD_SENSITIVE | FIELD_QUOTES, .meaning = "text of the error" },
	{ RESPONSE("Documents", FIELD_U32, h.documents), .flags = FIELD_OMIT_EMPTY, .otel = "db.response.returned_rows", .meaning = "documents returned" },
	{ RESPONSE("CursorID", FIELD_I64, h.cursor), .flags = FIELD_OMIT_EMPTY, .meaning = "cursor with more documents; none when that was all" },
	{ RESPONSE("N", FIELD_I64, n), .flags = FIELD_OMIT_EMPTY, .otel = "db.response.affected_rows", .meaning = "documents counted, inserted, matched or deleted" },
	{ RESPONSE("Modified", FIELD_I64, modified), .flags = FIELD_OMIT_EMPTY, .meaning = "documents changed by an update" },
	{ RESPONSE("WriteErrors", FIELD_U32, write_errors), .flags = FIELD_OMIT_EMPTY, .meaning = "writes that have failed" },
	{ RESPONSE("WriteConcernError", FIELD_BOOL, has_concern), .flags = FIELD_OMIT_EMPTY, .meaning = "written, but not as safely as was asked for" },
	{ RESPONSE_CUSTOM("Replies", write_replies), .meaning = "messages that the server sent in answer to one request (exhaust cursor, monitoring)" },
	{ RESPONSE("Compressor", FIELD_TEXT, h.compressor_text), .flags = FIELD_OMIT_EMPTY, .meaning = "snappy, zlib, zstd" },
};

static const u16 ports[] = { 27017, 27018, 27019, 0 };

const struct proto proto_mongodb = {
	.name = "mongodb",
	.title = "MongoDB",
	.ports = ports,
	.transports = OVER_TCP,
	.pairing = PAIR_KEYED,
	.index = PROTO_mongodb,
	.weight = 2,
	.state_size = sizeof(struct mongo_state),
	.request_size = sizeof(struct mongo_request),
	.response_size = sizeof(struct mongo_response),
	.fields = fields,
	.fields_len = ARRAY_LEN(fields),
	.probe = mongo_probe,
	.parse = mongo_parse,
	.gap = mongo_gap,
	.resync = mongo_resync,
	.fin = mongo_fin,
	.done = mongo_done,
	.describe = mongo_describe,
};
