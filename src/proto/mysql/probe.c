/* What bytes prove without state: whether a connection speaks the protocol, and where a message begins after bytes were lost. */
#include "proto/mysql/read.h"
#include "proto/mysql/unpack.h"

#define WAITING_MAX 64  /* requests looked at for the place of their answer */
#define WORD_MAX 16
#define SEGMENT_LEAST 1000 /* a command that goes on behind so many bytes fills its segment */

static const char *const statement_words[] = {
	"select", "insert", "update", "delete", "replace", "set", "show", "create", "alter", "drop", "begin", "commit", "rollback", "start", "use", "call",
	"with", "explain", "describe", "desc", "truncate", "load", "lock", "unlock", "grant", "revoke", "prepare", "execute", "deallocate", "kill", "flush", "analyze",
	"optimize", "repair", "check", "rename", "do", "handler", "savepoint", "release", "xa", "values", "table", "change", "reset", "purge", "install", "help", "get",
};

static bool is_letter(u8 c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Does a statement begin here: blanks, comments and parentheses, then a word that can begin one? */
static bool is_statement(const u8 *p, size_t n)
{
	size_t i = 0;
	while (i < n && (p[i] == ' ' || p[i] == '(' || (p[i] >= '\t' && p[i] <= '\r') || p[i] == ';'))
		i++;
	if (i + 1 < n && (memcmp(p + i, "/*", 2) == 0 || memcmp(p + i, "--", 2) == 0 || p[i] == '#'))
		return true;
	size_t from = i;
	while (i < n && is_letter(p[i]) && i - from < WORD_MAX)
		i++;
	struct str word = str_make(p + from, i - from);
	for (size_t k = 0; k < ARRAY_LEN(statement_words); k++)
		if (str_eq_nocase(word, str_from(statement_words[k])))
			return i == n || !is_letter(p[i]);
	return false;
}

static bool is_text(const u8 *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < ' ' && p[i] != '\t' && p[i] != '\n' && p[i] != '\r')
			return false;
	return true;
}

/* How sure is it that a command begins here, of which `have` of its `len` bytes are there? */
static enum probe probe_command(const u8 *p, size_t have, u32 len)
{
	if (!len || !have)
		return PROBE_NO;
	const struct mysql_command *known = mysql_command(p[0]);
	if (!*known->name || len < known->least || (known->most && len > known->most))
		return PROBE_NO;
	size_t text = 1;
	switch (p[0]) {
	case COM_QUERY:
	case COM_STMT_PREPARE:
		if (have > 3 && p[1] < ' ' && p[2] == 1) /* attributes, most often none */
			text = p[1] ? have : 3;
		if (text == have)
			return PROBE_MAYBE;
		return is_statement(p + text, have - text) ? PROBE_SURE : is_text(p + text, have - text) ? PROBE_MAYBE : PROBE_NO;
	case COM_STMT_EXECUTE:
		return have >= 10 && p[5] < 16 && le32(p + 6) == 1 ? PROBE_SURE : have < 10 ? PROBE_MAYBE : PROBE_NO;
	case COM_INIT_DB:
	case COM_FIELD_LIST:
	case COM_CREATE_DB:
	case COM_DROP_DB:
		return have > 1 && is_text(p + 1, have - 1 - (p[have - 1] == 0)) ? PROBE_MAYBE : PROBE_NO;
	case COM_STMT_BULK_EXECUTE:
	case COM_CHANGE_USER:
		return PROBE_MAYBE;
	default:
		return known->most ? PROBE_MAYBE : PROBE_NO;
	}
}

/* A packet's header, and whether the packet ends where the bytes do, or goes on behind a full segment. */
static bool fills(size_t n, u32 len)
{
	return n == MYSQL_HEADER + (size_t)len || (n < MYSQL_HEADER + (size_t)len && n >= SEGMENT_LEAST);
}

/* The client's bytes, from a packet on: uncompressed, log-in or command. */
static enum probe probe_client(const u8 *p, size_t n)
{
	u32 len = le24(p);
	size_t have = MIN(n - MYSQL_HEADER, (size_t)len);
	if (p[3] == 1 && mysql_login_plausible(p + MYSQL_HEADER, have, len))
		return PROBE_SURE;
	if (p[3] != 0)
		return PROBE_NO;
	enum probe probe = probe_command(p + MYSQL_HEADER, have, len);
	if (n < MYSQL_HEADER + (size_t)len && !fills(n, len))
		return probe == PROBE_NO ? PROBE_NO : PROBE_MORE;
	bool one_way = p[MYSQL_HEADER] == COM_STMT_CLOSE || p[MYSQL_HEADER] == COM_STMT_SEND_LONG_DATA;
	return fills(n, len) || one_way ? probe : PROBE_MAYBE < probe ? PROBE_MAYBE : PROBE_NO;
}

/* The same within a frame that is not, or is, compressed. */
static enum probe probe_frame(const u8 *p, size_t n)
{
	if (n < MYSQL_FRAME_HEADER + MYSQL_HEADER + 1 || p[3] != 0 || n != MYSQL_FRAME_HEADER + (size_t)le24(p))
		return PROBE_NO;
	const u8 *in = p + MYSQL_FRAME_HEADER;
	u32 len = le24(in), packed = le24(p + 4);
	if (!packed)
		return MYSQL_HEADER + len == le24(p) && in[3] == 0 ? probe_command(in + MYSQL_HEADER, len, len) : PROBE_NO;
	bool zlib = in[0] == 0x78 && (in[1] == 0x01 || in[1] == 0x5e || in[1] == 0x9c || in[1] == 0xda);
	bool zstd = le32(in) == 0xfd2fb528;
	return packed > le24(p) && (zlib || zstd) ? PROBE_SURE : PROBE_NO;
}

/* The server's bytes: greeting, refusal, error, or a column's definition behind the number of them. */
static enum probe probe_server(const u8 *p, size_t n)
{
	static const u8 def[] = { 2, 3, 'd', 'e', 'f' };
	u32 len = le24(p);
	size_t have = MIN(n - MYSQL_HEADER, (size_t)len);
	const u8 *payload = p + MYSQL_HEADER;
	if (p[3] == 0 && mysql_greeting_plausible(payload, have, len)) {
		if (have < len)
			return PROBE_MORE;
		return n == MYSQL_HEADER + (size_t)len ? PROBE_SURE : PROBE_MAYBE;
	}
	if (mysql_error_plausible(payload, have) && len < 1024 && have == len && is_text(payload + 3, have - 3))
		return have > 9 && payload[3] == '#' ? PROBE_SURE : PROBE_MAYBE;
	if (p[3] == 1 && len == 1 && n >= MYSQL_HEADER + 1 + MYSQL_HEADER + 4)
		return memcmp(p + MYSQL_HEADER + 4, def, sizeof(def)) == 0 ? PROBE_SURE : PROBE_NO;
	return PROBE_NO;
}

enum probe mysql_probe(const u8 *p, size_t n, enum side *side)
{
	*side = SIDE_REQUEST;
	if (n < MYSQL_HEADER + 1)
		return n == 0 || (n == MYSQL_HEADER && !le24(p)) ? PROBE_NO : PROBE_MORE;
	if (!le24(p))
		return PROBE_NO;
	enum probe client = probe_client(p, n), frame = probe_frame(p, n), server = probe_server(p, n);
	client = MAX(client, frame);
	if (server <= client)
		return client;
	*side = SIDE_RESPONSE;
	return server;
}

/* A command begins where a segment does, and ends where that does, or goes on behind a full one. */
static long resync_client(struct mysql_state *s, const struct chunk *c)
{
	if (!c->boundary)
		return -1;
	if (c->n < MYSQL_HEADER + 1)
		return c->n && c->n < MYSQL_HEADER && c->n < 8 ? -2 - (long)c->n : -1;
	if ((s->compressed || !s->client_caps) && probe_frame(c->p, c->n) == PROBE_SURE) {
		s->compressed = true;
		return 0;
	}
	enum probe probe = s->compressed ? PROBE_NO : probe_client(c->p, c->n);
	if (probe == PROBE_MORE)
		return c->n < SEGMENT_LEAST ? -2 - (long)c->n : -1;
	return probe >= PROBE_MAYBE ? 0 : -1;
}

/* An answer to `q` may begin with this header. */
static bool may_answer(const struct mysql_state *s, const u8 *p, const struct mysql_request *q)
{
	return s->compressed || (le24(p) > 0 && p[3] == (u8)(q->seq + 1));
}

/* An answer begins at the offset that its client had received when it asked. */
static long resync_server(struct parser *ps, struct mysql_state *s, const struct chunk *c)
{
	u32 looked = 0;
	for (struct message *q = parser_waiting(ps, NULL); q && looked < WAITING_MAX; q = parser_waiting(ps, q), looked++) {
		if (q->acked == STREAM_ACK_UNKNOWN || q->acked < c->offset || q->acked >= c->offset + c->n)
			continue;
		size_t at = (size_t)(q->acked - c->offset);
		if (c->n - at < MYSQL_HEADER)
			return -2 - (long)(c->n - at);
		if (may_answer(s, c->p + at, (const struct mysql_request *)q))
			return (long)at;
	}
	if (c->offset == 0 && c->n > MYSQL_HEADER && c->p[3] == 0 && mysql_greeting_plausible(c->p + MYSQL_HEADER, c->n - MYSQL_HEADER, le24(c->p)))
		return 0;
	return -1;
}

long mysql_resync(struct parser *ps, const struct chunk *c)
{
	struct mysql_state *s = ps->state;
	if (!s->begun)
		s->missed = s->user_unknown = s->database_unknown = true;
	s->begun = true;
	if (ps->request_dir == DIR_NONE) {
		enum side side;
		if (!c->boundary || mysql_probe(c->p, c->n, &side) != PROBE_SURE)
			return -1;
		ps->request_dir = side == SIDE_REQUEST ? ps->dir : ps->dir ^ 1;
	}
	return mysql_lane_of(ps) == CLIENT_LANE ? resync_client(s, c) : resync_server(ps, s, c);
}
