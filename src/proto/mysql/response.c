/* The server's packets: one answer after the other, each led by what was asked. Definitions and rows are counted, not read. */
#include "proto/mysql/read.h"
#include "proto/mysql/statements.h"

#define ANSWER_LOOK 1024u /* bytes of an OK or error */
#define COLUMNS_MAX 65535u
#define ROWS_AHEAD 512 /* bytes: what is fetched while a row is looked at */

static bool ends_rows(const struct mysql_state *s, u32 len, int first)
{
	if (first != HEAD_EOF || len >= MYSQL_PACKET_MAX)
		return false;
	return len < 9 || s->eof != YES;
}

u32 mysql_response_look(const struct mysql_state *s, u32 len, int first)
{
	bool whole = s->expect == EXPECT_FIRST || s->expect == EXPECT_RESULT || !s->response;
	if (whole || first == HEAD_ERROR || ends_rows(s, len, first))
		return MIN(len, ANSWER_LOOK);
	return MIN(len, s->expect == EXPECT_ROWS ? 1 : 4);
}

void mysql_rows_pass(struct mysql_state *s, struct chunk *c)
{
	struct mysql_lane *lane = &s->lane[SERVER_LANE];
	struct mysql_response *a = s->response;
	const u8 *p = c->p + c->used, *end = c->p + c->n;
	u64 rows = 0;
	if (lane->goes_on || !a)
		return;
	while (end - p > (ptrdiff_t)MYSQL_HEADER) {
		u32 len = le24(p);
		bool next = p[3] == (u8)(lane->seq + 1) || s->compressed;
		if (!next || p[MYSQL_HEADER] >= HEAD_EOF || !len || len == MYSQL_PACKET_MAX || (size_t)(end - p) < MYSQL_HEADER + len)
			break;
		__builtin_prefetch(p + ROWS_AHEAD);
		lane->seq = p[3];
		p += MYSQL_HEADER + len;
		rows++;
	}
	a->rows += rows;
	a->m.size += (u64)(p - (c->p + c->used));
	c->used = (size_t)(p - c->p);
}

/* Is there more to come, and if not, the answer ends with this packet. */
static void result_end(struct mysql_state *s, const struct mysql_response *a)
{
	if (a->status & STATUS_MORE_RESULTS) {
		s->expect = EXPECT_FIRST;
		return;
	}
	s->lane[SERVER_LANE].end = END_CLOSE;
}

static bool error_take(struct mysql_state *s, struct mysql_response *a, const struct mysql_packet *p)
{
	if (mysql_is_progress(p))
		return true;
	mysql_error_take(a, p, s->asked && s->asked->sql.masked);
	s->lane[SERVER_LANE].end = END_CLOSE;
	return p->len >= 3;
}

static bool ok_take(struct mysql_state *s, struct mysql_response *a, const struct mysql_packet *p)
{
	mysql_ok_take(s, a, p);
	if (!a->kind)
		a->kind = "OK";
	result_end(s, a);
	return p->len >= 3;
}

/* The packet behind all rows. */
static bool rows_end(struct mysql_state *s, struct mysql_response *a, const struct mysql_packet *p)
{
	if (p->len >= 7)
		mysql_ok_take(s, a, p);
	else
		mysql_eof_take(a, p);
	if (s->eof == UNKNOWN)
		s->eof = p->len >= 7 ? NO : YES;
	result_end(s, a);
	return true;
}

static bool row_take(struct mysql_state *s, struct mysql_response *a, const struct mysql_packet *p)
{
	if (p->have && p->p[0] == HEAD_ERROR)
		return error_take(s, a, p);
	if (p->have && ends_rows(s, p->len, p->p[0]))
		return rows_end(s, a, p);
	a->rows++;
	return p->len > 0;
}

/* Where it is not known whether there are EOF packets, one may follow that is not counted to its size. */
static void prepared_end(struct mysql_state *s)
{
	if (s->eof == UNKNOWN)
		s->response->m.flags |= MSG_PARTIAL;
	s->lane[SERVER_LANE].end = END_CLOSE;
}

/* No definitions are left to come. */
static void definitions_end(struct mysql_state *s)
{
	bool prepared = s->asked && s->asked->com == COM_STMT_PREPARE;
	if (s->expect == EXPECT_PARAMS && s->eof != NO && (s->eof == YES || s->then_columns)) {
		s->expect = EXPECT_PARAMS_EOF;
	} else if (s->expect == EXPECT_PARAMS || s->expect == EXPECT_PARAMS_EOF) {
		s->definitions = s->then_columns;
		s->then_columns = 0;
		s->expect = EXPECT_COLUMNS;
		if (!s->definitions)
			prepared_end(s);
	} else if (prepared && s->eof != YES) {
		prepared_end(s);
	} else {
		s->expect = s->eof == NO ? EXPECT_ROWS : EXPECT_EOF;
	}
}

static bool definition_take(struct mysql_state *s, struct mysql_response *a, const struct mysql_packet *p)
{
	static const u8 def[] = { 3, 'd', 'e', 'f' };
	if (p->have && p->p[0] == HEAD_ERROR)
		return error_take(s, a, p);
	if (p->have < sizeof(def) || (s->client_caps & CAP_PROTOCOL_41 && memcmp(p->p, def, sizeof(def)) != 0))
		return false;
	if (--s->definitions == 0)
		definitions_end(s);
	return true;
}

/* The number of columns, and whether their definitions follow, where the client may do without. */
static bool columns_take(struct mysql_state *s, struct mysql_response *a, const struct mysql_packet *p)
{
	struct rd r = rd_make(p->p, p->have);
	bool follow = true;
	u64 n = rd_lenenc(&r);
	u64 left = p->len - (p->have - rd_left(&r));
	if (left && n <= 1 && rd_left(&r) && *r.p > 1) { /* the manual has the two the other way round */
		follow = n;
		n = rd_lenenc(&r);
	} else if (left) {
		follow = rd_u8(&r);
	}
	if (r.bad || n == 0 || n > COLUMNS_MAX || p->len > 10)
		return false;
	a->kind = "ResultSet";
	a->m.shape = SHAPE_ROWS;
	a->result_sets++;
	if (!a->columns)
		a->columns = (u32)n;
	s->expect = EXPECT_COLUMNS;
	s->definitions = follow ? (u32)n : 0;
	if (!follow)
		definitions_end(s);
	return true;
}

static bool infile_take(struct mysql_state *s, struct mysql_response *a)
{
	a->kind = "LocalInfile";
	a->m.shape = SHAPE_INFILE;
	s->infile = true;
	s->expect = EXPECT_RESULT;
	return true;
}

static bool prepared_take(struct parser *ps, struct mysql_state *s, struct mysql_response *a, const struct mysql_packet *p)
{
	struct rd r = rd_make(p->p + 1, p->have - 1);
	a->statement_id = rd_u32le(&r);
	u32 columns = rd_u16le(&r), params = rd_u16le(&r);
	rd_skip(&r, 1);
	a->warnings = p->have >= 12 ? rd_u16le(&r) : 0;
	bool follow = !(s->client_caps & CAP_OPTIONAL_METADATA) || !rd_left(&r) || rd_u8(&r);
	if (r.bad)
		return false;
	a->kind = "Prepare";
	a->m.shape = SHAPE_PREPARED;
	a->columns = columns;
	a->params = params;
	s->last_id = s->asked->statement_id = a->statement_id;
	if (ps->opt->details)
		mysql_statement_add(s, a->statement_id, params, &s->asked->sql);
	s->definitions = params;
	s->then_columns = columns;
	s->expect = EXPECT_PARAMS;
	if (!follow || !(params | columns))
		s->lane[SERVER_LANE].end = END_CLOSE;
	else if (!params)
		s->expect = EXPECT_PARAMS_EOF, definitions_end(s);
	return true;
}

/* Log-in and change of user: the server asks until it says OK or no. */
static bool question_take(struct mysql_response *a, const struct mysql_packet *p)
{
	if (p->p[0] == HEAD_EOF && p->have > 1) {
		struct rd r = rd_make(p->p + 1, p->have - 1);
		struct str plugin = rd_nul_str(&r);
		a->plugin = arena_str(&a->m.arena, plugin.p, MIN(plugin.n, 64));
	}
	return p->p[0] == HEAD_EOF || p->p[0] == 1 || p->p[0] == 2;
}

/* What begins a result of most commands. */
static bool first_take(struct parser *ps, struct mysql_state *s, struct mysql_response *a, const struct mysql_packet *p)
{
	u8 com = s->asked ? s->asked->com : COM_QUERY, head = p->have ? p->p[0] : HEAD_INFILE;
	if (!p->have)
		return false;
	if (head == HEAD_ERROR)
		return error_take(s, a, p);
	switch (com) {
	case COM_LOGIN:
	case COM_CHANGE_USER:
		return head == HEAD_OK ? ok_take(s, a, p) : question_take(a, p);
	case COM_STMT_PREPARE:
		return head == HEAD_OK && prepared_take(ps, s, a, p);
	case COM_STATISTICS:
		a->kind = "Text";
		a->m.shape = SHAPE_OTHER;
		s->lane[SERVER_LANE].end = END_CLOSE;
		return true;
	case COM_BINLOG_DUMP:
	case COM_BINLOG_DUMP_GTID:
	case COM_TABLE_DUMP:
	case COM_CLONE:
	case COM_SUBSCRIBE_GROUP_REPLICATION_STREAM:
		a->kind = "Stream";
		a->m.shape = SHAPE_OTHER;
		s->lane[SERVER_LANE].end = head == HEAD_EOF ? END_CLOSE : END_LEAVE;
		return true;
	default:
		break;
	}
	if (head == HEAD_OK)
		return ok_take(s, a, p);
	if (head == HEAD_EOF) /* SET_OPTION, DEBUG */
		return p->len < 7 ? (a->kind = "EOF", rows_end(s, a, p)) : ok_take(s, a, p);
	if (head == HEAD_INFILE && com == COM_QUERY)
		return infile_take(s, a);
	return columns_take(s, a, p);
}

static bool eof_take(struct mysql_state *s, struct mysql_response *a, const struct mysql_packet *p)
{
	bool prepared = s->asked && s->asked->com == COM_STMT_PREPARE;
	bool is = p->have && p->p[0] == HEAD_EOF && p->len < 9;
	if (s->eof == UNKNOWN)
		s->eof = is && p->len < 7 ? YES : NO;
	if (s->expect == EXPECT_PARAMS_EOF) {
		definitions_end(s);
		return s->eof == YES ? is : definition_take(s, a, p);
	}
	s->expect = EXPECT_ROWS;
	if (!is || s->eof == NO)
		return row_take(s, a, p);
	mysql_eof_take(a, p);
	if (prepared || a->status & STATUS_CURSOR_EXISTS)
		s->lane[SERVER_LANE].end = END_CLOSE;
	return true;
}

static bool fields_take(struct mysql_state *s, struct mysql_response *a, const struct mysql_packet *p)
{
	a->kind = "ResultSet";
	a->m.shape = SHAPE_OTHER;
	if (p->have && p->p[0] == HEAD_ERROR)
		return error_take(s, a, p);
	if (p->have && p->p[0] == HEAD_EOF)
		return rows_end(s, a, p);
	a->columns++;
	return p->len > 0;
}

/* Nobody has asked: what was left out of an answer because it could not be known to come, or the reason for a hang-up. */
static bool unasked_take(struct parser *ps, struct mysql_state *s, const struct mysql_packet *p)
{
	if (p->have && p->p[0] == HEAD_EOF && p->len == 5 && s->answered_com == COM_STMT_PREPARE && s->eof == UNKNOWN) {
		s->eof = YES;
		return true;
	}
	if (!mysql_error_plausible(p->p, p->have))
		return false;
	struct mysql_response *a = parser_begin(ps, SIDE_RESPONSE, sizeof(*a));
	a->m.size = MYSQL_HEADER + (u64)p->len;
	mysql_error_take(a, p, false);
	s->response = a;
	s->asked = NULL;
	s->lane[SERVER_LANE].end = END_CLOSE;
	return true;
}

static bool answer_begin(struct parser *ps, struct mysql_state *s, const struct mysql_packet *p)
{
	struct mysql_request *q = (struct mysql_request *)parser_request(ps, 0);
	if (!q)
		return unasked_take(ps, s, p);
	if (p->seq != (u8)(q->seq + 1) && !s->compressed)
		return unasked_take(ps, s, p);
	struct mysql_response *a = parser_begin(ps, SIDE_RESPONSE, sizeof(*a));
	a->m.shape = SHAPE_OK;
	if (s->compressed)
		a->m.start = ps->chunk->offset;
	s->response = a;
	s->asked = q;
	if (q->statement_id == MYSQL_LAST_ID) {
		q->statement_id = s->last_id;
		struct mysql_statement *known = q->bound ? mysql_statement_find(s, s->last_id) : NULL;
		if (known)
			known->types = *q->bound;
	}
	s->expect = q->com == COM_STMT_FETCH ? EXPECT_ROWS : q->com == COM_FIELD_LIST ? EXPECT_FIELDS : EXPECT_FIRST;
	if (q->com == COM_STMT_FETCH) {
		a->kind = "ResultSet";
		a->m.shape = SHAPE_ROWS;
	}
	parser_open(ps, &a->m);
	return true;
}

static bool part_take(struct parser *ps, struct mysql_state *s, const struct mysql_packet *p)
{
	struct mysql_response *a = s->response;
	switch (s->expect) {
	case EXPECT_COLUMNS:
	case EXPECT_PARAMS:
		return definition_take(s, a, p);
	case EXPECT_EOF:
	case EXPECT_PARAMS_EOF:
		return eof_take(s, a, p);
	case EXPECT_ROWS:
		return row_take(s, a, p);
	case EXPECT_FIELDS:
		return fields_take(s, a, p);
	default:
		return first_take(ps, s, a, p);
	}
}

bool mysql_response_take(struct parser *ps, struct mysql_state *s, const struct mysql_packet *p)
{
	struct mysql_lane *lane = &s->lane[SERVER_LANE];
	if (p->seq == 0 && p->have && !s->response && !s->server_caps && !s->client_caps && ps->chunk->offset + ps->chunk->used == 0)
		return mysql_greeting_take(ps, s, p);
	bool begins = !s->response;
	if (begins && !answer_begin(ps, s, p))
		return false;
	if (!s->response || s->lane[SERVER_LANE].end == END_CLOSE)
		return true;
	s->response->m.size += MYSQL_HEADER + (u64)p->len;
	if (lane->goes_on)
		return true;
	bool next = begins || s->compressed || p->seq == (u8)(lane->seq + 1) || p->seq == (u8)(s->lane[CLIENT_LANE].seq + 1);
	return next && part_take(ps, s, p);
}

/* What a complete answer changes for the connection. */
static void apply(struct mysql_state *s)
{
	struct mysql_request *q = s->asked;
	struct mysql_response *a = s->response;
	if (!q)
		return;
	s->answered_com = q->com;
	a->file_bytes = q->file_bytes;
	if (q->com == COM_LOGIN || q->com == COM_CHANGE_USER)
		mysql_login_apply(s, q, a);
	if (a->m.flags & MSG_FAILED)
		return;
	if (q->com == COM_RESET_CONNECTION)
		mysql_statements_free(s);
	if (q->uses && !(a->status & STATUS_SESSION_CHANGED && s->client_caps & CAP_SESSION_TRACK && q->com != COM_LOGIN))
		mysql_database_set(s, q->target);
}

bool mysql_response_end(struct parser *ps, struct mysql_state *s)
{
	struct mysql_lane *lane = &s->lane[SERVER_LANE];
	struct mysql_response *a = s->response;
	if (lane->end == END_NOTHING || !a)
		return true;
	apply(s);
	s->response = NULL;
	s->asked = NULL;
	s->infile = s->infile && a->m.flags & MSG_FAILED; /* the client sends it to its end all the same */
	if (s->frame_end[SERVER_LANE])
		a->m.end = s->frame_end[SERVER_LANE];
	parser_close(ps, &a->m);
	if (lane->end != END_LEAVE)
		return true;
	parser_handover(ps, NULL, NULL);
	return false;
}
