/* MySQL and MariaDB: the descriptor and what ties the two directions together. */
#include "proto/mysql/statements.h"
#include "proto/mysql/unpack.h"
#include "proto/sql_shapes.h"
#include "proto/values.h"

static enum parse mysql_parse(struct parser *ps, struct chunk *c)
{
	struct mysql_state *s = ps->state;
	c->used = 0;
	c->want = 0;
	if (!c->p) /* the end of a skip, with nothing behind it */
		c->p = (const u8 *)"";
	if (ps->request_dir == DIR_NONE) {
		enum side side;
		enum probe probe = mysql_probe(c->p, c->n, &side);
		if (probe == PROBE_MORE)
			return PARSE_MORE;
		if (probe == PROBE_NO)
			return PARSE_NOT_MINE;
		ps->request_dir = side == SIDE_REQUEST ? ps->dir : ps->dir ^ 1;
	}
	if (!s->begun)
		s->missed = s->user_unknown = s->database_unknown = ps->partial[0] || ps->partial[1];
	s->begun = true;
	enum parse verdict = s->compressed ? mysql_frames(ps, s, c) : mysql_packets(ps, s, c);
	if (verdict == PARSE_DESYNC)
		c->used = MIN(c->used + 1, c->n);
	return verdict;
}

#define WAITING_MAX 64 /* requests looked at after a loss */

/* Anything may have been said: who the client is, and what its statements and database are. */
static void forget(struct mysql_state *s)
{
	s->missed = s->user_unknown = s->database_unknown = true;
	s->last_id = 0;
	mysql_statements_doubt(s);
}

/* Whether this request had an effect is not known. */
static void doubt_effect(struct mysql_state *s, const struct mysql_request *q)
{
	s->database_unknown |= q->uses;
	if (q->com == COM_LOGIN || q->com == COM_CHANGE_USER || q->com == COM_RESET_CONNECTION) {
		forget(s);
	} else if (q->com == COM_STMT_PREPARE) {
		s->missed = true;
		s->last_id = 0;
	}
}

/* Answers are lost, or commands. Of answers it is known to what. */
static void doubt(struct parser *ps, struct mysql_state *s)
{
	u32 looked = 0;
	if (mysql_lane_of(ps) == CLIENT_LANE || !s->begun) {
		forget(s);
		return;
	}
	if (s->asked)
		doubt_effect(s, s->asked);
	for (struct message *m = parser_waiting(ps, NULL); m; m = parser_waiting(ps, m)) {
		doubt_effect(s, (const struct mysql_request *)m);
		if (++looked == WAITING_MAX) {
			forget(s);
			return;
		}
	}
}

/* What was half read is gone. */
static void mysql_gap(struct parser *ps)
{
	struct mysql_state *s = ps->state;
	u32 lane = mysql_lane_of(ps);
	s->lane[lane] = (struct mysql_lane){ 0 };
	mysql_unpack_reset(s, lane);
	s->infile = s->authenticates = false;
	doubt(ps, s);
	s->begun = true;
	if (s->phase != PHASE_COMMAND && lane == CLIENT_LANE)
		s->phase = PHASE_COMMAND;
	if (lane == CLIENT_LANE) {
		s->request = NULL;
		return;
	}
	s->response = NULL;
	s->asked = NULL;
}

static void mysql_done(void *state)
{
	struct mysql_state *s = state;
	mysql_statements_free(s);
	mysql_unpack_free(s);
}

static void describe_request(const struct mysql_request *q, struct buf *out)
{
	const char *command = q->command && *q->command ? q->command : "?";
	if (q->com != COM_QUERY || !q->sql.statement.n)
		buf_adds(out, command);
	if (q->sql.statement.n) {
		if (q->com != COM_QUERY)
			buf_addc(out, ' ');
		buf_add(out, q->sql.statement.p, sql_cut(q->sql.statement, 120));
		values_describe(out, q->values);
	} else if (q->com == COM_LOGIN || q->com == COM_CHANGE_USER) {
		buf_addf(out, " %.*s %.*s", STR_ARG(q->user), STR_ARG(q->target));
	}
}

static void describe_response(const struct mysql_response *a, struct buf *out)
{
	switch (a->m.shape) {
	case SHAPE_ERROR:
		buf_addf(out, "%u %.*s", a->code, STR_ARG(a->text));
		return;
	case SHAPE_ROWS:
		buf_addf(out, "%llu row%s", (unsigned long long)a->rows, a->rows == 1 ? "" : "s");
		if (a->affected)
			buf_addf(out, ", %llu affected", (unsigned long long)a->affected);
		return;
	case SHAPE_PREPARED:
		buf_addf(out, "statement %u", a->statement_id);
		return;
	default:
		buf_adds(out, a->kind ? a->kind : "?");
		if (a->affected)
			buf_addf(out, ", %llu affected", (unsigned long long)a->affected);
	}
}

static void mysql_describe(const struct message *m, struct buf *out)
{
	if (m->side == SIDE_REQUEST)
		describe_request((const struct mysql_request *)m, out);
	else
		describe_response((const struct mysql_response *)m, out);
}

#define REQUEST(name, kind, member) .json = name, .type = kind, .side = SIDE_REQUEST, FIELD_AT(struct mysql_request, member)
#define RESPONSE(name, kind, member) .json = name, .type = kind, .side = SIDE_RESPONSE, FIELD_AT(struct mysql_response, member)
#define IN(shape) (1 << (shape))
#define RESULTS (IN(SHAPE_OK) | IN(SHAPE_INFILE))

static const struct field fields[] = {
	FIELD_ROW_HOST(SIDE_REQUEST),
	FIELD_ROW_PORT(SIDE_REQUEST),
	FIELD_ROW_PROTO(SIDE_REQUEST, "MySQL"),
	{ REQUEST("Command", FIELD_TEXT, command), .flags = FIELD_USUAL_LABEL, .selector = "request.command", .label = "command",
	  .meaning = "command: QUERY, PREPARE, EXECUTE, …; LOGIN is the log-in as a whole, SSL_REQUEST the step to encryption" },
	{ REQUEST("Size", FIELD_U64, m.size), .otel = "db.request.size", .meaning = "bytes of its packets, headers included" },
	{ REQUEST("Statement", FIELD_STR, sql.statement), .flags = FIELD_SENSITIVE | FIELD_STATEMENT, .otel = "db.query.text",
	  .meaning = "text as sent, secrets masked, cut; of a prepared statement's commands its text, ? when it is not known; of other commands what they name" },
	FIELD_ROW_TIME(SIDE_REQUEST),
	{ REQUEST("StatementID", FIELD_U32, statement_id), .flags = FIELD_OMIT_EMPTY, .meaning = "number of the prepared statement" },
	{ REQUEST("Fingerprint", FIELD_STR, sql.fingerprint), .flags = FIELD_OMIT_EMPTY, .selector = "request.fingerprint", .label = "fingerprint",
	  .meaning = "the statement without its literals, case and white space, so that like ones are equal" },
	{ REQUEST("Database", FIELD_STR, database), .flags = FIELD_OMIT_EMPTY, .selector = "request.database", .label = "database", .otel = "db.namespace",
	  .meaning = "database it was run in, as far as it is known" },
	{ REQUEST("User", FIELD_STR, user), .flags = FIELD_OMIT_EMPTY, .selector = "request.user", .label = "user", .meaning = "who the client has logged in as" },
	{ REQUEST("Table", FIELD_STR, sql.table), .flags = FIELD_OMIT_EMPTY, .selector = "request.table", .label = "table", .otel = "db.collection.name",
	  .meaning = "first table that the statement names" },
	{ REQUEST("ParameterTypes", FIELD_STRS, types), .flags = FIELD_OMIT_EMPTY, .meaning = "EXECUTE: types of the parameters bound" },
	{ REQUEST("Parameters", FIELD_STRS, values), .flags = FIELD_OMIT_EMPTY | FIELD_SENSITIVE | FIELD_LITERALS, .otel = "db.query.parameter",
	  .meaning = "EXECUTE, with the setting: values of the parameters, 64 at the most, null for NULL, … for what is cut; *** of statements that carry secrets; attributes as name=value" },
	{ REQUEST("Client", FIELD_STR, client), .flags = FIELD_OMIT_EMPTY, .meaning = "LOGIN: library of the client, in its own words" },
	{ REQUEST("Program", FIELD_STR, program), .flags = FIELD_OMIT_EMPTY, .meaning = "LOGIN: program of the client, in its own words" },
	{ REQUEST("Encrypted", FIELD_BOOL, encrypted), .flags = FIELD_OMIT_EMPTY, .meaning = "SSL_REQUEST: the connection goes on encrypted and cannot be read" },
	{ .name = "system", .type = FIELD_TEXT, .side = SIDE_REQUEST, FIELD_AT(struct mysql_request, system), .otel = "db.system.name", .meaning = "mysql, or mariadb when the server has said so" },
	{ .type = FIELD_TEXT, .side = SIDE_REQUEST, FIELD_AT(struct mysql_request, command), .otel = "db.operation.name", .meaning = "command" },
	{ .name = "query_text", .type = FIELD_STR, .side = SIDE_REQUEST, .flags = FIELD_OMIT_EMPTY, FIELD_AT(struct mysql_request, sql.redacted), .otel = "db.query.text",
	  .meaning = "the statement, each literal replaced by ?" },
	{ .name = "operation", .type = FIELD_STR, .side = SIDE_REQUEST, .flags = FIELD_OMIT_EMPTY | FIELD_USUAL_LABEL, FIELD_AT(struct mysql_request, sql.operation),
	  .selector = "request.operation", .label = "operation", .meaning = "first word of the statement: SELECT, INSERT" },
	{ .name = "summary", .type = FIELD_STR, .side = SIDE_REQUEST, .flags = FIELD_OMIT_EMPTY, FIELD_AT(struct mysql_request, sql.summary), .otel = "db.query.summary",
	  .meaning = "first word and table of the statement" },

	FIELD_ROW_HOST(SIDE_RESPONSE),
	FIELD_ROW_PORT(SIDE_RESPONSE),
	FIELD_ROW_PROTO(SIDE_RESPONSE, "MySQL"),
	{ RESPONSE("Size", FIELD_U64, m.size), .otel = "db.response.size", .meaning = "bytes of its packets, headers included" },
	{ RESPONSE("Packet.Rows", FIELD_U64, rows), .shapes = IN(SHAPE_ROWS), .otel = "db.response.returned_rows", .meaning = "rows, of all result sets" },
	{ RESPONSE("Packet.AffectedRows", FIELD_U64, affected), .shapes = RESULTS, .otel = "db.response.affected_rows", .meaning = "rows changed, of all results" },
	{ RESPONSE("Packet.LastInsertID", FIELD_U64, insert_id), .shapes = RESULTS, .otel = "db.response.last_insert_id", .meaning = "first id that was generated" },
	{ RESPONSE("Packet.Status", FIELD_U16, status), .shapes = RESULTS, .otel = "db.response.info", .meaning = "status flags of the connection" },
	{ RESPONSE("Packet.Warnings", FIELD_U16, warnings), .shapes = RESULTS, .otel = "db.response.warnings", .meaning = "number of warnings" },
	{ RESPONSE("Packet.ErrCode", FIELD_U32, code), .shapes = IN(SHAPE_ERROR), .flags = FIELD_USUAL_LABEL, .selector = "response.error", .label = "error", .otel = "db.response.status_code", .meaning = "number of the error" },
	{ RESPONSE("Packet.ErrMsg", FIELD_STR, text), .shapes = IN(SHAPE_ERROR), .flags = FIELD_SENSITIVE | FIELD_QUOTES, .meaning = "its text, up to 256 bytes or the end of the line" },
	{ RESPONSE("Packet.SQLState", FIELD_STR, sqlstate), .shapes = IN(SHAPE_ERROR), .otel = "error.sql_state", .meaning = "its SQLSTATE" },
	{ RESPONSE("Packet.Kind", FIELD_TEXT, kind), .flags = FIELD_OMIT_EMPTY, .meaning = "OK, Error, ResultSet, LocalInfile, Prepare, EOF, Text, Stream (of a replica)" },
	{ RESPONSE("Packet.Columns", FIELD_U32, columns), .flags = FIELD_OMIT_EMPTY, .meaning = "columns of the first result set" },
	{ RESPONSE("Packet.ResultSets", FIELD_U32, result_sets), .flags = FIELD_OMIT_EMPTY, .meaning = "number of result sets" },
	{ RESPONSE("Packet.AffectedRows", FIELD_U64, affected), .shapes = IN(SHAPE_ROWS) | IN(SHAPE_ERROR), .flags = FIELD_OMIT_EMPTY, .meaning = "rows changed, of all results" },
	{ RESPONSE("Packet.LastInsertID", FIELD_U64, insert_id), .shapes = IN(SHAPE_ROWS), .flags = FIELD_OMIT_EMPTY, .meaning = "first id that was generated" },
	{ RESPONSE("Packet.Warnings", FIELD_U16, warnings), .shapes = IN(SHAPE_ROWS) | IN(SHAPE_PREPARED), .flags = FIELD_OMIT_EMPTY, .meaning = "number of warnings" },
	{ RESPONSE("Packet.Rows", FIELD_U64, rows), .shapes = IN(SHAPE_ERROR), .flags = FIELD_OMIT_EMPTY, .meaning = "rows sent before the error" },
	{ RESPONSE("Packet.StatementID", FIELD_U32, statement_id), .shapes = IN(SHAPE_PREPARED), .meaning = "number of the prepared statement" },
	{ RESPONSE("Packet.Params", FIELD_U32, params), .shapes = IN(SHAPE_PREPARED), .meaning = "its parameters" },
	{ RESPONSE("Packet.FileBytes", FIELD_U64, file_bytes), .flags = FIELD_OMIT_EMPTY, .meaning = "bytes of the file that the client sent (LOAD DATA LOCAL)" },
	FIELD_ROW_TIME(SIDE_RESPONSE),
	{ RESPONSE("ThreadID", FIELD_U32, thread), .flags = FIELD_OMIT_EMPTY, .meaning = "LOGIN: the server's number of the connection" },
	{ RESPONSE("Version", FIELD_STR, version), .flags = FIELD_OMIT_EMPTY, .meaning = "LOGIN: version of the server" },
	{ RESPONSE("AuthPlugin", FIELD_STR, plugin), .flags = FIELD_OMIT_EMPTY, .meaning = "LOGIN: way to authenticate that the server asked for" },
};

static const u16 ports[] = { 3306, 3307, 0 };

const struct proto proto_mysql = {
	.name = "mysql",
	.title = "MySQL",
	.ports = ports,
	.transports = OVER_TCP,
	.pairing = PAIR_FIFO,
	.index = PROTO_mysql,
	.weight = 2,
	.state_size = sizeof(struct mysql_state),
	.shared_size = sizeof(struct sql_shapes),
	.request_size = sizeof(struct mysql_request),
	.response_size = sizeof(struct mysql_response),
	.fields = fields,
	.fields_len = ARRAY_LEN(fields),
	.probe = mysql_probe,
	.parse = mysql_parse,
	.gap = mysql_gap,
	.resync = mysql_resync,
	.done = mysql_done,
	.describe = mysql_describe,
};
