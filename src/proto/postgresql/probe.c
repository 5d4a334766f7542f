/* Is this PostgreSQL? First bytes of a connection, and messages after lost bytes. */
#include "proto/postgresql/read.h"

#define KEEP_MAX 8192   /* bytes kept while they may still prove to begin a message */
#define TELLING 24      /* bytes of a cut body that tell enough */
#define WAITING_MAX 64  /* requests looked at for the place of their answer */

static bool has_user(const u8 *p, size_t n)
{
	struct rd r = rd_make(p, n);
	while (!r.bad) {
		struct str name = pg_cstr(&r);
		if (!r.bad && str_eq(name, STR("user")))
			return true;
		pg_cstr(&r);
	}
	return false;
}

static enum probe probe_untyped(const u8 *p, size_t n)
{
	u32 code, size;
	enum pg_result result = pg_untyped_check(p, n, &code, &size);
	if (result == PG_BAD)
		return PROBE_NO;
	if (result == PG_MORE && n < 64)
		return PROBE_MORE;
	if (code == PG_CODE_SSL || code == PG_CODE_GSSENC || code == PG_CODE_CANCEL)
		return PROBE_SURE;
	return has_user(p + 8, MIN(n, size) - 8) ? PROBE_SURE : PROBE_MAYBE;
}

static enum probe probe_side(const u8 *p, size_t n, enum side side)
{
	struct pg_seen seen;
	switch (pg_walk(p, n, side, &seen)) {
	case PG_WALK_BAD:
		return PROBE_NO;
	case PG_WALK_WHOLE:
		if (side == SIDE_REQUEST)
			return seen.telling ? PROBE_SURE : PROBE_MAYBE;
		return seen.telling >= 2 ? PROBE_SURE : PROBE_MAYBE;
	default:
		if (seen.telling >= 2)
			return PROBE_SURE;
		return seen.telling || seen.cut_have >= TELLING ? PROBE_MAYBE : PROBE_MORE;
	}
}

bool pg_is_hello(const u8 *p, size_t n)
{
	return n >= 6 && p[0] == PG_TLS_HANDSHAKE && p[1] == 3 && p[5] == 1;
}

/* TLS from the first byte on: the client's hello names the protocol among its extensions. */
static enum probe probe_hello(const u8 *p, size_t n)
{
	static const char alpn[] = { sizeof(PG_ALPN) - 1, 'p', 'o', 's', 't', 'g', 'r', 'e', 's', 'q', 'l' };
	if (n < 6)
		return n < 2 || p[1] == 3 ? PROBE_MORE : PROBE_NO;
	if (!pg_is_hello(p, n))
		return PROBE_NO;
	size_t record = PG_HEAD + (size_t)be16(p + 3);
	if (memmem(p, MIN(n, record), alpn, sizeof(alpn)))
		return PROBE_SURE;
	return n < record ? PROBE_MORE : PROBE_NO;
}

enum probe pg_probe(const u8 *p, size_t n, enum side *side)
{
	*side = SIDE_REQUEST;
	if (n == 0)
		return PROBE_MORE;
	if (p[0] == PG_TLS_HANDSHAKE)
		return probe_hello(p, n);
	if (p[0] == 0)
		return probe_untyped(p, n);
	enum probe client = probe_side(p, n, SIDE_REQUEST), server = probe_side(p, n, SIDE_RESPONSE);
	if (server <= client)
		return client;
	*side = SIDE_RESPONSE;
	return server;
}

/* A client's messages begin where a segment does, and all that is there of them is right. */
static long resync_client(const struct parser *ps, const struct chunk *c)
{
	const struct pg_state *s = ps->state;
	struct pg_seen seen;
	u32 code, size;
	if (!c->boundary)
		return -1;
	if (c->p[0] == 0 && !(s->flags & PG_TYPED))
		return pg_untyped_check(c->p, c->n, &code, &size) == PG_OK ? 0 : -1;
	enum pg_walk walk = pg_walk(c->p, c->n, SIDE_REQUEST, &seen);
	if (walk == PG_WALK_BAD)
		return -1;
	if (seen.first == 'd' || seen.first == 'p') /* their bodies tell nothing */
		return walk == PG_WALK_WHOLE && seen.telling ? 0 : -1;
	if (walk == PG_WALK_WHOLE || seen.whole || seen.cut_have >= TELLING)
		return 0;
	return c->n < KEEP_MAX ? -2 - (long)c->n : -1;
}

/* An answer may begin at this byte. */
static long resync_answer(const struct chunk *c, size_t at)
{
	struct pg_seen seen;
	enum pg_walk walk = pg_walk(c->p + at, c->n - at, SIDE_RESPONSE, &seen);
	if (walk == PG_WALK_BAD)
		return -1;
	if (walk != PG_WALK_WHOLE && !seen.whole && seen.cut_have < TELLING && c->n - at < KEEP_MAX)
		return -2 - (long)(c->n - at);
	return (long)at;
}

/* Nobody asked: what a server says by itself, from the first byte of a segment to its last. */
static long resync_push(const struct chunk *c)
{
	struct pg_seen seen;
	if (!c->boundary || (c->p[0] != 'A' && c->p[0] != 'N' && c->p[0] != 'E'))
		return -1;
	return pg_walk(c->p, c->n, SIDE_RESPONSE, &seen) == PG_WALK_WHOLE ? 0 : -1;
}

/* An answer begins at the offset up to which its client had received everything when it asked. Which request it answers is not
 * decided here. */
long pg_resync(struct parser *ps, const struct chunk *c)
{
	if (ps->dir == ps->request_dir)
		return resync_client(ps, c);
	const struct message *front = parser_request(ps, 0);
	if (front && (front->acked == c->offset || front->acked == STREAM_ACK_UNKNOWN))
		return resync_answer(c, 0);
	int looks = 0;
	for (struct message *m = NULL; (m = parser_waiting(ps, m)) != NULL && looks < WAITING_MAX; looks++)
		if (m->acked >= c->offset && m->acked - c->offset < c->n)
			return resync_answer(c, (size_t)(m->acked - c->offset));
	return front || looks ? -1 : resync_push(c);
}
