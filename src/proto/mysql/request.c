/* The client's packets: commands, and what it sends when it is asked to. */
#include "proto/mysql/read.h"
#include "proto/mysql/statements.h"
#include "proto/values.h"

#define ATTRIBUTES_LOOK 1024u /* bytes of attributes before a statement */
#define PARAMETERS_LOOK 2048u /* of what is bound to one, when its values are not wanted */
#define USE_LOOK 160u

u32 mysql_request_look(const struct parser *ps, const struct mysql_state *s, u32 len, int first, u8 seq)
{
	u32 wanted = 16;
	if (s->infile || (s->authenticates && seq != 0))
		return MIN(len, 1);
	if (s->phase == PHASE_LOGIN)
		return MIN(len, PARAMETERS_LOOK);
	switch (first) {
	case COM_QUERY:
	case COM_STMT_PREPARE:
		wanted = ps->opt->details ? 1 + sql_look(ps->opt) + (s->attributes == NO ? 0 : ATTRIBUTES_LOOK) : USE_LOOK;
		break;
	case COM_INIT_DB:
	case COM_CREATE_DB:
	case COM_DROP_DB:
	case COM_FIELD_LIST:
		wanted = 1 + 2 * MYSQL_NAME_MAX;
		break;
	case COM_STMT_EXECUTE:
	case COM_STMT_BULK_EXECUTE:
		wanted = !ps->opt->details ? 16 : ps->opt->parameters ? VALUES_LOOK : PARAMETERS_LOOK;
		break;
	default: /* among them the log-in of a connection joined late, and CHANGE_USER */
		wanted = PARAMETERS_LOOK;
		break;
	}
	return MIN(len, wanted);
}

static struct str name_copy(struct arena *a, const char *name, u8 n)
{
	return arena_str(a, name, n);
}

struct mysql_request *mysql_request_begin(struct parser *ps, struct mysql_state *s, u8 com, const struct mysql_packet *p)
{
	struct mysql_request *q = parser_begin(ps, SIDE_REQUEST, sizeof(*q));
	q->com = com;
	q->command = com == COM_LOGIN ? "LOGIN" : com == COM_SSL_REQUEST ? "SSL_REQUEST" : mysql_command(com)->name;
	q->system = s->maria ? "mariadb" : "mysql";
	q->seq = p->seq;
	q->m.size = MYSQL_HEADER + (u64)p->len;
	if (ps->opt->details && com != COM_LOGIN && com != COM_SSL_REQUEST) {
		q->user = s->user_unknown ? STR("?") : name_copy(&q->m.arena, s->user, s->user_n);
		q->database = s->database_unknown ? STR("?") : name_copy(&q->m.arena, s->database, s->database_n);
	}
	if (s->compressed)
		q->m.start = ps->chunk->offset;
	s->request = q;
	return q;
}

/* USE is a statement for some clients, and INIT_DB for others. */
static void use_take(struct mysql_request *q, struct str text)
{
	u32 i = 0, from;
	while (i < text.n && (u8)text.p[i] <= ' ')
		i++;
	if (i + 4 > text.n || !str_eq_nocase(str_make(text.p + i, 3), STR("use")) || ((u8)text.p[i + 3] > ' ' && text.p[i + 3] != '`'))
		return;
	for (i += 3; i < text.n && ((u8)text.p[i] <= ' ' || text.p[i] == '`');)
		i++;
	for (from = i; i < text.n && (u8)text.p[i] > ' ' && text.p[i] != '`' && text.p[i] != ';';)
		i++;
	q->uses = true;
	q->target = arena_str(&q->m.arena, text.p + from, MIN(i - from, MYSQL_NAME_MAX));
}

static void statement_take(struct parser *ps, struct mysql_state *s, struct mysql_request *q, const struct mysql_packet *p)
{
	struct rd r = rd_make(p->p + 1, p->have - 1);
	if (q->com == COM_QUERY && s->attributes != NO)
		mysql_attributes_take(ps, s, q, &r);
	struct str text = str_make(r.p, rd_left(&r));
	bool whole = p->have == p->len;
	if (text.n && q->com == COM_QUERY)
		use_take(q, text);
	if (ps->opt->details)
		sql_read(&q->m.arena, ps->opt, SQL_MYSQL, ps->shared, text, whole, &q->sql);
}

/* A name, or a number in text, is what the other commands have for a statement. */
static void plain_take(struct parser *ps, struct mysql_request *q, const struct mysql_packet *p)
{
	struct str text = str_make(p->p + 1, p->have - 1);
	char digits[16];
	if (!ps->opt->details)
		return;
	if (q->com == COM_PROCESS_KILL || q->com == COM_SET_OPTION) {
		u32 v = q->com == COM_PROCESS_KILL ? le32(p->p + 1) : le16(p->p + 1), at = sizeof(digits);
		do
			digits[--at] = (char)('0' + v % 10);
		while (v /= 10);
		text = str_make(digits + at, sizeof(digits) - at);
	}
	const char *end = text.n ? memchr(text.p, 0, text.n) : NULL; /* FIELD_LIST: a pattern follows */
	text.n = end ? (u32)(end - text.p) : text.n;
	q->sql.statement = arena_str(&q->m.arena, text.p, sql_cut(text, ps->opt->statement_length));
	if (q->com == COM_FIELD_LIST)
		q->sql.table = q->sql.statement;
}

/* The PREPARE that this connection sent last, its answer still to come: clients that do not wait for it name no id. */
static const struct sql *prepare_waiting(struct parser *ps)
{
	const struct mysql_request *last = NULL;
	u32 looked = 0;
	for (struct message *m = parser_waiting(ps, NULL); m && looked < 64; m = parser_waiting(ps, m), looked++)
		if (((const struct mysql_request *)m)->com == COM_STMT_PREPARE)
			last = (const struct mysql_request *)m;
	return last ? &last->sql : NULL;
}

/* Commands that name a prepared statement are shown with its text. */
static void prepared_take(struct parser *ps, struct mysql_state *s, struct mysql_request *q, const struct mysql_packet *p)
{
	struct rd r = rd_make(p->p + 1, p->have - 1);
	u32 id = q->statement_id = rd_u32le(&r);
	if (!ps->opt->details)
		return;
	const struct sql *waiting = id == MYSQL_LAST_ID ? prepare_waiting(ps) : NULL;
	struct mysql_statement *known = waiting ? NULL : mysql_statement_find(s, id == MYSQL_LAST_ID ? s->last_id : id);
	if (waiting || known) {
		q->sql = mysql_sql_copy(&q->m.arena, waiting ? waiting : &known->sql);
	} else {
		q->sql.statement = STR("?");
	}
	if (!waiting && (known ? known->doubtful : s->missed))
		q->m.flags |= MSG_PARTIAL;
	if (known || waiting)
		mysql_parameters_take(ps, s, q, known, r);
}

static void command_take(struct parser *ps, struct mysql_state *s, struct mysql_request *q, const struct mysql_packet *p)
{
	switch (q->com) {
	case COM_QUERY:
	case COM_STMT_PREPARE:
		statement_take(ps, s, q, p);
		break;
	case COM_INIT_DB:
		q->uses = true;
		q->target = arena_str(&q->m.arena, p->p + 1, MIN(p->have - 1, MYSQL_NAME_MAX));
		plain_take(ps, q, p);
		break;
	case COM_CREATE_DB:
	case COM_DROP_DB:
	case COM_FIELD_LIST:
	case COM_PROCESS_KILL:
	case COM_SET_OPTION:
		plain_take(ps, q, p);
		break;
	case COM_STMT_EXECUTE:
	case COM_STMT_BULK_EXECUTE:
	case COM_STMT_FETCH:
	case COM_STMT_RESET:
		prepared_take(ps, s, q, p);
		break;
	case COM_STMT_CLOSE:
		prepared_take(ps, s, q, p);
		mysql_statement_remove(s, q->statement_id == MYSQL_LAST_ID ? s->last_id : q->statement_id);
		q->m.flags |= MSG_ONEWAY;
		break;
	case COM_STMT_SEND_LONG_DATA:
		prepared_take(ps, s, q, p);
		q->m.flags |= MSG_ONEWAY;
		break;
	case COM_QUIT:
		q->m.flags |= MSG_ONEWAY;
		break;
	case COM_PING:
		q->m.flags |= MSG_NOISE;
		break;
	case COM_CHANGE_USER:
		mysql_change_user_take(q, s, rd_make(p->p + 1, p->have - 1));
		s->authenticates = true;
		break;
	case COM_BINLOG_DUMP:
	case COM_BINLOG_DUMP_GTID:
		q->m.flags |= MSG_BLOCKING;
		break;
	default:
		break;
	}
}

/* Part of an exchange that is under way: a piece of a file, or of what the two sides authenticate with. */
static bool part_take(struct mysql_state *s, const struct mysql_packet *p)
{
	if (s->infile && s->asked)
		s->asked->file_bytes += p->len;
	if (s->infile && p->len == 0)
		s->infile = false;
	return true;
}

bool mysql_request_take(struct parser *ps, struct mysql_state *s, const struct mysql_packet *p)
{
	struct mysql_lane *lane = &s->lane[CLIENT_LANE];
	if (lane->goes_on && s->request) {
		s->request->m.size += MYSQL_HEADER + (u64)p->len;
		s->request->seq = p->seq;
		lane->end = p->len == MYSQL_PACKET_MAX ? END_NOTHING : END_CLOSE;
		return true;
	}
	if (s->infile || (s->authenticates && p->seq != 0))
		return part_take(s, p);
	if (s->phase == PHASE_LOGIN || (p->seq == 1 && !s->client_caps && mysql_login_plausible(p->p, p->have, p->len)))
		return mysql_login_take(ps, s, p);
	if (p->seq != 0 || !p->len)
		return lane->goes_on || s->phase == PHASE_AUTH;
	const struct mysql_command *known = mysql_command(p->p[0]);
	bool fits = *known->name && p->len >= known->least && (!known->most || p->len <= known->most);
	if (!fits && (!s->client_caps || p->len < known->least))
		return false;
	s->authenticates = false;
	struct mysql_request *q = mysql_request_begin(ps, s, p->p[0], p);
	command_take(ps, s, q, p);
	parser_open(ps, &q->m);
	lane->end = p->len == MYSQL_PACKET_MAX ? END_NOTHING : END_CLOSE;
	return true;
}

bool mysql_request_end(struct parser *ps, struct mysql_state *s)
{
	struct mysql_lane *lane = &s->lane[CLIENT_LANE];
	struct mysql_request *q = s->request;
	if (lane->end == END_NOTHING || !q)
		return true;
	s->request = NULL;
	if (s->compressed)
		q->m.end = s->frame_end[CLIENT_LANE];
	parser_close(ps, &q->m);
	if (lane->end != END_ENCRYPTED)
		return true;
	parser_handover(ps, NULL, NULL);
	return false;
}
