/* PostgreSQL, and servers that speak its protocol: the descriptor and what ties the two directions together. */
#include <stdlib.h>

#include "proto/postgresql/read.h"
#include "proto/sql_shapes.h"

static void pg_start(struct parser *ps, struct message *request)
{
	struct pg_state *s = ps->state;
	(void)request;
	s->statements.max = PG_STATEMENTS_MAX;
	s->portals.max = PG_PORTALS_MAX;
	s->statements.spare = s->portals.spare = &s->spare;
}

static void pg_done(void *state)
{
	struct pg_state *s = state;
	pg_names_done(&s->statements);
	pg_names_done(&s->portals);
	free(s->spare);
	free(s->who);
}

static enum parse pg_parse(struct parser *ps, struct chunk *c)
{
	struct pg_state *s = ps->state;
	c->used = 0;
	c->want = 0;
	if (!c->p) /* the end of a skip, with nothing behind it */
		c->p = (const u8 *)"";
	if (ps->request_dir == DIR_NONE) {
		enum side side;
		enum probe probe = pg_probe(c->p, c->n, &side);
		if (probe == PROBE_MORE)
			return PARSE_MORE;
		if (probe == PROBE_NO)
			return PARSE_NOT_MINE;
		ps->request_dir = side == SIDE_REQUEST ? ps->dir : ps->dir ^ 1;
	}
	return ps->dir == ps->request_dir ? pg_parse_client(ps, s, c) : pg_parse_server(ps, s, c);
}

/* What was half read is gone; so may be a Sync, a Parse, or what they were answered. */
static void pg_gap(struct parser *ps)
{
	struct pg_state *s = ps->state;
	s->flags &= (u8)~(PG_READY_KNOWN | PG_FAILED);
	s->encryption_asked = 0;
	if (ps->dir != ps->request_dir) {
		s->answer = NULL;
		s->flags |= PG_TYPES_LOST;
		pg_names_doubt_unconfirmed(&s->statements);
		return;
	}
	if (s->answer && s->answer->copy) /* data is not counted whole */
		s->answer->m.flags |= MSG_PARTIAL;
	s->flags &= (u8)~PG_PASSED_CLIENT;
	s->flags |= PG_MISSED;
	pg_request_lose(ps, s);
	s->batch++;
	pg_names_doubt(&s->statements);
	pg_names_doubt(&s->portals);
}

static void pg_fin(struct parser *ps)
{
	struct pg_state *s = ps->state;
	if (ps->dir == ps->request_dir) {
		pg_request_end(ps, s);
		return;
	}
	if (s->answer && (s->answer->complete || s->answer->copy == PG_COPY_BOTH)) {
		if (!s->answer->m.time)
			s->answer->m.time = s->answer->m.ts_last;
		pg_answer_end(ps, s);
	}
	s->answer = NULL; /* what it had half said is ended by the caller */
}

static void describe_startup(const struct pg_request *q, struct buf *out)
{
	bool refused = q->encryption && strcmp(q->encryption, "refused") == 0;
	buf_adds(out, "startup");
	if (q->user.n || q->database.n) {
		buf_addc(out, ' ');
		buf_add_str(out, q->user);
		buf_addc(out, '@');
		buf_add_str(out, q->database);
	}
	buf_adds(out, refused ? " not encrypted" : q->encryption ? " " : "");
	buf_adds(out, q->encryption && !refused ? q->encryption : "");
}

static void describe_request(const struct pg_request *q, struct buf *out)
{
	switch (q->is) {
	case PG_STARTUP:
		describe_startup(q, out);
		return;
	case PG_QUERY:
	case PG_EXECUTE:
	case PG_COPY_IN:
	case PG_COPY_OUT:
	case PG_COPY_BOTH:
		break;
	case PG_CANCEL:
	case PG_NOTIFICATION:
		buf_addf(out, "%s %u ", q->kind, q->process);
		buf_add_str(out, q->name);
		return;
	default:
		buf_adds(out, q->kind ? q->kind : "?");
		buf_addc(out, ' ');
		buf_add_str(out, q->object.n ? q->object : q->name);
		if (q->is == PG_FUNCTION)
			buf_addf(out, "%u", q->function);
		if (q->sql.statement.n && (q->object.n || q->name.n))
			buf_addc(out, ' ');
	}
	buf_add(out, q->sql.statement.p, sql_cut(q->sql.statement, 120));
	values_describe(out, q->values);
}

static void describe_response(const struct pg_response *a, struct buf *out)
{
	if (a->m.flags & MSG_FAILED) {
		buf_add_str(out, a->severity);
		if (a->severity.n)
			buf_addc(out, ' ');
		buf_add_str(out, a->code);
		if (a->text.n)
			buf_adds(out, ": ");
		buf_add_str(out, a->text);
		return;
	}
	if (a->command.n)
		buf_add_str(out, a->tags.n == 1 ? a->tags.v[0] : a->command);
	else
		buf_adds(out, a->suspended ? "suspended" : a->complete || a->transaction || a->copy ? "ok" : "unfinished");
	if (a->tags.n > 1)
		buf_addf(out, " +%u", a->tags.n - 1);
	if (a->rows)
		buf_addf(out, " %llu rows", (unsigned long long)a->rows);
	buf_addf(out, " %lluB", (unsigned long long)a->m.size);
}

static void pg_describe(const struct message *m, struct buf *out)
{
	if (m->side == SIDE_REQUEST)
		describe_request((const struct pg_request *)m, out);
	else
		describe_response((const struct pg_response *)m, out);
}

static bool version_write(struct buf *out, u32 version)
{
	if (!version)
		return false;
	buf_addf(out, "\"%u.%u\"", version >> 16, version & 0xffff);
	return true;
}

static bool version_asked(struct buf *out, const struct message *m)
{
	return version_write(out, ((const struct pg_request *)m)->version);
}

static bool version_spoken(struct buf *out, const struct message *m)
{
	return version_write(out, ((const struct pg_response *)m)->version);
}

#define BIT(shape) (1u << (shape))
#define REQUEST(name_, kind_, member) .json = name_, .type = kind_, .side = SIDE_REQUEST, FIELD_AT(struct pg_request, member)
#define RESPONSE(name_, kind_, member) .json = name_, .type = kind_, .side = SIDE_RESPONSE, FIELD_AT(struct pg_response, member)

static const struct field fields[] = {
	FIELD_ROW_HOST(SIDE_REQUEST),
	FIELD_ROW_PORT(SIDE_REQUEST),
	FIELD_ROW_PROTO(SIDE_REQUEST, "PostgreSQL"),
	{ REQUEST("Size", FIELD_U64, m.size), .otel = "db.request.size", .meaning = "bytes of its messages" },
	{ REQUEST("Packet.Statement", FIELD_STR, sql.statement), .name = "statement", .shapes = BIT(PG_SHAPE_STATEMENT), .flags = FIELD_SENSITIVE | FIELD_STATEMENT, .otel = "db.query.text",
	  .meaning = "SQL, secrets masked, cut; of an execute that of its prepared statement, ? when that was not seen" },
	{ REQUEST("Packet.Type", FIELD_TEXT, type), .name = "type", .shapes = BIT(PG_SHAPE_DESCRIBE), .meaning = "describe, close: S for a statement, P for a portal" },
	{ REQUEST("Packet.Object", FIELD_STR, object), .name = "object", .shapes = BIT(PG_SHAPE_DESCRIBE), .meaning = "its name" },
	{ REQUEST("Packet.Kind", FIELD_TEXT, kind), .name = "kind", .flags = FIELD_USUAL_LABEL, .selector = "request.kind", .label = "kind",
	  .meaning = "query, execute, prepare, bind, describe, close, copy_in, copy_out, copy_both, function_call, startup, cancel, notification" },
	{ REQUEST("Packet.Portal", FIELD_STR, portal), .name = "portal", .flags = FIELD_OMIT_EMPTY, .meaning = "name of the portal, unless it has none" },
	{ REQUEST("Packet.Name", FIELD_STR, name), .name = "name", .flags = FIELD_OMIT_EMPTY, .meaning = "name of the prepared statement, unless it has none; channel of a notification" },
	{ REQUEST("Packet.MaxRows", FIELD_U32, rows_max), .name = "max_rows", .flags = FIELD_OMIT_EMPTY, .meaning = "execute: rows asked for at the most" },
	{ REQUEST("Packet.Parameters", FIELD_STRS, values), .name = "parameters", .flags = FIELD_OMIT_EMPTY | FIELD_SENSITIVE | FIELD_LITERALS, .otel = "db.query.parameter",
	  .meaning = "execute, with the setting: values of the parameters, 64 at the most, null for NULL, \\x and digits for types that are not known, … for what is cut; *** of statements that carry secrets" },
	{ REQUEST("Packet.Function", FIELD_U32, function), .name = "function", .flags = FIELD_OMIT_EMPTY, .meaning = "function_call: object id of the function" },
	{ REQUEST("Packet.Process", FIELD_U32, process), .name = "process", .flags = FIELD_OMIT_EMPTY,
	  .meaning = "server process of the connection; cancel: the one whose work is to end; notification: the one that notifies" },
	{ REQUEST("Packet.Version", FIELD_CUSTOM, version), .name = "version", .flags = FIELD_OMIT_EMPTY, .write = version_asked,
	  .meaning = "startup: protocol version asked for" },
	{ REQUEST("Packet.Encryption", FIELD_TEXT, encryption), .name = "encryption", .flags = FIELD_OMIT_EMPTY,
	  .meaning = "startup: TLS or GSS, after which nothing can be read; refused, and the connection goes on in clear" },
	{ REQUEST("Packet.Application", FIELD_STR, application), .name = "application", .flags = FIELD_OMIT_EMPTY, .meaning = "startup: application_name" },
	{ REQUEST("Packet.Replication", FIELD_BOOL, replication), .name = "replication", .flags = FIELD_OMIT_EMPTY, .meaning = "startup: of a replica" },
	FIELD_ROW_TIME(SIDE_REQUEST),
	{ REQUEST("Database", FIELD_STR, database), .flags = FIELD_OMIT_EMPTY, .selector = "request.database", .label = "database", .otel = "db.namespace",
	  .meaning = "database of the connection" },
	{ REQUEST("User", FIELD_STR, user), .flags = FIELD_OMIT_EMPTY, .selector = "request.user", .label = "user", .meaning = "role that logged in" },
	{ REQUEST("Fingerprint", FIELD_STR, sql.fingerprint), .flags = FIELD_OMIT_EMPTY, .selector = "request.fingerprint", .label = "fingerprint",
	  .meaning = "the statement without literals, white space and comments" },
	{ .name = "query_text", .type = FIELD_STR, .side = SIDE_REQUEST, FIELD_AT(struct pg_request, sql.redacted), .flags = FIELD_OMIT_EMPTY, .otel = "db.query.text", .meaning = "the statement, literals replaced by ?" },
	{ .name = "operation", .type = FIELD_STR, .side = SIDE_REQUEST, FIELD_AT(struct pg_request, sql.operation), .flags = FIELD_OMIT_EMPTY | FIELD_USUAL_LABEL, .selector = "request.operation", .label = "operation",
	  .meaning = "first word of the statement, in upper case" },
	{ REQUEST("Table", FIELD_STR, sql.table), .flags = FIELD_OMIT_EMPTY, .selector = "request.table", .label = "table",
	  .otel = "db.collection.name", .meaning = "first table of the statement" },
	{ .name = "summary", .type = FIELD_STR, .side = SIDE_REQUEST, FIELD_AT(struct pg_request, sql.summary), .flags = FIELD_OMIT_EMPTY, .otel = "db.query.summary", .meaning = "operation and table" },
	{ .name = "packet", .type = FIELD_TEXT, .side = SIDE_REQUEST, FIELD_AT(struct pg_request, packet), .selector = "request.command", .label = "command",
	  .otel = "db.operation.name", .meaning = "message it is named after: Query, DescribePacket, Parse, Close, Startup, …" },
	{ .name = "system", .type = FIELD_CONST, .side = SIDE_REQUEST, .constant = "postgresql", .otel = "db.system.name", .meaning = "kind of database" },

	FIELD_ROW_HOST(SIDE_RESPONSE),
	FIELD_ROW_PORT(SIDE_RESPONSE),
	FIELD_ROW_PROTO(SIDE_RESPONSE, "PostgreSQL"),
	{ RESPONSE("Size", FIELD_U64, m.size), .otel = "db.response.size", .meaning = "bytes of its messages" },
	{ RESPONSE("Packet.Command", FIELD_STR, command), .name = "command", .shapes = BIT(PG_SHAPE_COMPLETE), .selector = "response.command", .label = "response_command",
	  .meaning = "first word of the command tag: SELECT, INSERT, CREATE" },
	{ RESPONSE("Packet.Rows", FIELD_U64, rows), .name = "rows", .shapes = BIT(PG_SHAPE_COMPLETE), .otel = "db.response.returned_rows",
	  .meaning = "rows returned or changed: of the command tag, else counted; the sum when there are several statements" },
	{ RESPONSE("Packet.Severity", FIELD_STR, severity), .name = "severity", .shapes = BIT(PG_SHAPE_ERROR), .meaning = "ERROR, FATAL, PANIC" },
	{ RESPONSE("Packet.SQLStateCode", FIELD_STR, code), .name = "sqlstate", .shapes = BIT(PG_SHAPE_ERROR), .flags = FIELD_USUAL_LABEL, .selector = "response.sqlstate", .label = "sqlstate",
	  .otel = "db.response.status_code", .meaning = "SQLSTATE of the error" },
	{ RESPONSE("Packet.Message", FIELD_STR, text), .name = "message", .shapes = BIT(PG_SHAPE_ERROR), .flags = FIELD_SENSITIVE | FIELD_QUOTES, .meaning = "text of the error" },
	{ RESPONSE("Packet.Flag", FIELD_TEXT, flag), .name = "flag", .shapes = BIT(PG_SHAPE_FLAG), .meaning = "what a request without a result ended with" },
	{ RESPONSE("Packet.Tags", FIELD_STRS, tags), .name = "tags", .flags = FIELD_OMIT_EMPTY, .meaning = "whole command tags, when there are several or one has several words" },
	{ RESPONSE("Packet.Columns", FIELD_U32, columns), .name = "columns", .flags = FIELD_OMIT_EMPTY, .meaning = "columns of the last result that was described" },
	{ RESPONSE("Packet.Suspended", FIELD_BOOL, suspended), .name = "suspended", .flags = FIELD_OMIT_EMPTY, .meaning = "the portal has more rows" },
	{ RESPONSE("Packet.CopyRows", FIELD_U64, copy_rows), .name = "copy_rows", .flags = FIELD_OMIT_EMPTY, .meaning = "COPY: rows" },
	{ RESPONSE("Packet.CopyBytes", FIELD_U64, copy_bytes), .name = "copy_bytes", .flags = FIELD_OMIT_EMPTY, .meaning = "COPY: bytes of the data, without framing" },
	{ RESPONSE("Packet.CopyMessages", FIELD_U32, copy_messages), .name = "copy_messages", .flags = FIELD_OMIT_EMPTY, .meaning = "COPY: messages that carried it" },
	{ RESPONSE("Packet.Notices", FIELD_U32, notices), .name = "notices", .flags = FIELD_OMIT_EMPTY, .meaning = "warnings and notices" },
	{ RESPONSE("Packet.Process", FIELD_U32, process), .name = "server_process", .flags = FIELD_OMIT_EMPTY, .meaning = "startup: server process of the connection, which a cancel names" },
	{ RESPONSE("Packet.Authentication", FIELD_TEXT, authentication), .name = "authentication", .flags = FIELD_OMIT_EMPTY,
	  .meaning = "startup: none, password, md5, sasl, gss, sspi, kerberos" },
	{ RESPONSE("Packet.Version", FIELD_CUSTOM, version), .name = "server_version", .flags = FIELD_OMIT_EMPTY, .write = version_spoken,
	  .meaning = "startup: newest protocol version of the server, when that is less than asked for" },
	FIELD_ROW_TIME(SIDE_RESPONSE),
	{ RESPONSE("TransactionStatus", FIELD_TEXT, transaction), .flags = FIELD_OMIT_EMPTY, .meaning = "after it: idle, in_transaction, failed" },
};

static const u16 ports[] = { 5432, 6432, 5433, 26257, 0 };

const struct proto proto_postgresql = {
	.name = "postgresql",
	.title = "PostgreSQL",
	.ports = ports,
	.transports = OVER_TCP,
	.pairing = PAIR_FIFO,
	.index = PROTO_postgresql,
	.weight = 2,
	.tells_tls = true,
	.state_size = sizeof(struct pg_state),
	.shared_size = sizeof(struct sql_shapes),
	.request_size = sizeof(struct pg_request),
	.response_size = sizeof(struct pg_response),
	.fields = fields,
	.fields_len = ARRAY_LEN(fields),
	.start = pg_start,
	.probe = pg_probe,
	.parse = pg_parse,
	.gap = pg_gap,
	.resync = pg_resync,
	.fin = pg_fin,
	.done = pg_done,
	.describe = pg_describe,
};
