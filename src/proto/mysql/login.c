/* Logging in: greeting, the client's answer, and what both agree on. Nothing that proves who somebody is, is kept. */
#include "proto/mysql/read.h"
#include "proto/mysql/statements.h"

enum { LOGIN_FIXED = 32, SSL_LENGTH = 32, GREETING_LEAST = 20, ERROR_LEAST = 5 };

static void name_set(char *to, u8 *n, struct str name)
{
	*n = (u8)MIN(name.n, MYSQL_NAME_MAX);
	if (*n)
		memcpy(to, name.p, *n);
}

void mysql_database_set(struct mysql_state *s, struct str name)
{
	s->database_unknown = false;
	name_set(s->database, &s->database_n, name);
}

static bool is_printable(const u8 *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] == 0x7f)
			return false;
	return true;
}

/* Version 10: NUL-terminated version of the server, then its thread, 8 bytes and a zero. */
bool mysql_greeting_plausible(const u8 *p, size_t have, u64 len)
{
	if (len < GREETING_LEAST || len > 512 || !have || (p[0] != 10 && p[0] != 9))
		return false;
	const u8 *end = memchr(p, 0, have);
	size_t n = (size_t)(end ? end - p : (ptrdiff_t)have);
	if (n > 100 || (end && n < 4) || !is_printable(p + 1, n - 1))
		return false;
	return !end || have < n + 14 || p[0] == 9 || p[n + 13] == 0;
}

bool mysql_login_plausible(const u8 *p, size_t have, u64 len)
{
	if (len < LOGIN_FIXED || len > 65536 || have < LOGIN_FIXED || !(le32(p) & CAP_PROTOCOL_41))
		return false;
	for (u32 i = 9; i < 28; i++)
		if (p[i])
			return false;
	return true;
}

/* A refusal instead of a greeting (1040, 1129 …) is the answer to a log-in that was not even begun. */
static bool refused_take(struct parser *ps, struct mysql_state *s, const struct mysql_packet *p)
{
	const struct mysql_packet nothing = { 0 };
	if (p->len < ERROR_LEAST || p->p[0] != HEAD_ERROR)
		return false;
	struct mysql_request *q = mysql_request_begin(ps, s, COM_LOGIN, &nothing);
	s->request = NULL;
	q->m.dir = ps->request_dir;
	q->m.size = q->m.start = 0;
	q->m.acked = STREAM_ACK_UNKNOWN;
	q->m.end = 1;
	parser_open(ps, &q->m);
	struct mysql_response *a = parser_begin(ps, SIDE_RESPONSE, sizeof(*a));
	parser_answer(ps, &q->m, &a->m);
	a->m.size = MYSQL_HEADER + (u64)p->len;
	mysql_error_take(a, p, false);
	parser_close(ps, &q->m);
	s->response = a;
	s->asked = NULL;
	s->lane[SERVER_LANE].end = END_CLOSE;
	return true;
}

bool mysql_greeting_take(struct parser *ps, struct mysql_state *s, const struct mysql_packet *p)
{
	struct rd r = rd_make(p->p, p->have);
	if (!mysql_greeting_plausible(p->p, p->have, p->len))
		return refused_take(ps, s, p);
	rd_skip(&r, 1);
	struct str version = rd_nul_str(&r);
	s->version_n = (u8)MIN(version.n, sizeof(s->version));
	memcpy(s->version, version.p, s->version_n);
	s->maria = memmem(version.p, version.n, "MariaDB", 7) != NULL;
	s->thread = rd_u32le(&r);
	rd_skip(&r, 9);
	s->server_caps = rd_u16le(&r);
	rd_skip(&r, 3);
	s->server_caps |= (u32)rd_u16le(&r) << 16;
	rd_skip(&r, 7);
	if (!(s->server_caps & CAP_MYSQL))
		s->maria_caps = rd_u32le(&r);
	s->phase = PHASE_LOGIN;
	return true;
}

static struct str text_copy(struct arena *a, struct str s)
{
	return arena_str(a, s.p, MIN(s.n, MYSQL_NAME_MAX));
}

/* Pairs of names and values that the client tells of itself. */
static void attributes_take(struct mysql_request *q, struct rd *r)
{
	u64 n = rd_lenenc(r);
	struct rd in = rd_make(r->p, (size_t)MIN(n, rd_left(r)));
	for (int i = 0; i < 32 && rd_left(&in) && !in.bad; i++) {
		struct str name = rd_lenenc_str(&in), value = rd_lenenc_str(&in);
		if (str_eq(name, STR("program_name")))
			q->program = text_copy(&q->m.arena, value);
		else if (str_eq(name, STR("_client_name")))
			q->client = text_copy(&q->m.arena, value);
	}
}

static void details_take(struct mysql_request *q, u32 caps, struct rd r)
{
	q->user = text_copy(&q->m.arena, rd_nul_str(&r));
	if (caps & CAP_PLUGIN_AUTH_LENENC)
		rd_lenenc_str(&r);
	else if (caps & CAP_SECURE_CONNECTION)
		rd_skip(&r, rd_u8(&r));
	else
		rd_nul_str(&r);
	q->uses = true;
	if (caps & CAP_CONNECT_WITH_DB)
		q->target = text_copy(&q->m.arena, rd_nul_str(&r));
	q->database = q->target;
	if (caps & CAP_PLUGIN_AUTH)
		rd_nul_str(&r);
	if (caps & CAP_CONNECT_ATTRS)
		attributes_take(q, &r);
}

static void agree(struct mysql_state *s, u32 caps, u32 maria_caps)
{
	u32 both = s->server_caps ? caps & s->server_caps : caps;
	s->client_caps = both | CAP_MYSQL;
	s->maria_caps = s->server_caps ? s->maria_caps & maria_caps : maria_caps;
	s->eof = both & CAP_DEPRECATE_EOF ? NO : YES;
	s->attributes = both & CAP_QUERY_ATTRIBUTES ? YES : NO;
}

bool mysql_login_take(struct parser *ps, struct mysql_state *s, const struct mysql_packet *p)
{
	struct rd r = rd_make(p->p, p->have);
	u32 caps = rd_u16le(&r);
	bool new = caps & CAP_PROTOCOL_41;
	if (r.bad)
		return false;
	if (new) {
		caps |= (u32)rd_u16le(&r) << 16;
		rd_skip(&r, 24);
	} else {
		rd_skip(&r, 3);
	}
	u32 maria_caps = new ? rd_u32le(&r) : 0;
	if (new && p->len < LOGIN_FIXED)
		return false;
	bool encrypts = caps & CAP_SSL && p->len <= SSL_LENGTH;
	struct mysql_request *q = mysql_request_begin(ps, s, encrypts ? COM_SSL_REQUEST : COM_LOGIN, p);
	s->lane[CLIENT_LANE].end = encrypts ? END_ENCRYPTED : END_CLOSE;
	s->phase = PHASE_AUTH;
	if (encrypts) {
		q->encrypted = true;
		q->m.flags |= MSG_ONEWAY;
	} else {
		agree(s, caps, caps & CAP_MYSQL ? 0 : maria_caps);
		details_take(q, caps, r);
		s->authenticates = true;
	}
	parser_open(ps, &q->m);
	return true;
}

void mysql_change_user_take(struct mysql_request *q, const struct mysql_state *s, struct rd r)
{
	q->user = text_copy(&q->m.arena, rd_nul_str(&r));
	if (!s->client_caps || s->client_caps & CAP_SECURE_CONNECTION)
		rd_skip(&r, rd_u8(&r));
	else
		rd_nul_str(&r);
	q->uses = true;
	q->target = q->database = text_copy(&q->m.arena, rd_nul_str(&r));
}

void mysql_login_apply(struct mysql_state *s, const struct mysql_request *q, struct mysql_response *a)
{
	bool works = !(a->m.flags & MSG_FAILED);
	s->authenticates = false;
	if (q->com == COM_LOGIN) {
		a->thread = s->thread;
		a->version = s->version_n ? arena_str(&a->m.arena, s->version, s->version_n) : STR("?");
		if (!s->version_n) /* the greeting was not seen */
			a->m.flags |= MSG_PARTIAL;
		s->phase = PHASE_COMMAND;
		s->compressed = works && s->client_caps & (CAP_COMPRESS | CAP_ZSTD);
	}
	if (!works)
		return;
	s->missed = s->user_unknown = false;
	name_set(s->user, &s->user_n, q->user);
	mysql_statements_free(s);
}
