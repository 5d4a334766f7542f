/* Is this Kafka, and where does a frame begin? A request's header says a lot; that its body ends where its length says proves it. */
#include "proto/kafka/kafka.h"

enum {
	HEAD_SHORT = 12,     /* of ControlledShutdown version 0, which has no client id */
	HEAD = 14,           /* up to the client id */
	ANSWER_HEAD = 8,
	KEY_MAX = 1000,      /* plausible, known or not */
	VERSION_MAX = 100,
	CLIENT_MAX = 4096,
	SOLID = 12,          /* bytes of a body that do not fit a layout by chance */
	LONG_LOOK = 40,      /* bytes of a body too long to be waited for that must fit */
	LONGEST = 128 * MIB,
	KEEP_MAX = 32 * KIB, /* bytes of a frame that are waited for to prove it */
};

enum kafka_frame kafka_head_read(const u8 *p, size_t n, struct kafka_head *h)
{
	struct rd r = rd_make(p, n);
	*h = (struct kafka_head){ .size = (i32)rd_u32be(&r), .client_n = -1 };
	if (r.bad)
		return n && p[0] >= KAFKA_FRAME_MAX >> 24 ? FRAME_NO : FRAME_MORE;
	if (h->size < HEAD_SHORT - 4 || (u32)h->size > KAFKA_FRAME_MAX)
		return FRAME_NO;
	h->key = (i16)rd_u16be(&r);
	if (!r.bad && (h->key < 0 || h->key > KEY_MAX))
		return FRAME_NO;
	h->version = (i16)rd_u16be(&r);
	if (!r.bad && (h->version < 0 || h->version > VERSION_MAX))
		return FRAME_NO;
	h->correlation = (i32)rd_u32be(&r);
	if (r.bad)
		return FRAME_MORE;
	h->api = kafka_api_find(h->key);
	h->length = HEAD_SHORT;
	if (h->key == KAFKA_CONTROLLED_SHUTDOWN && h->version == 0)
		return FRAME_FITS;
	if (h->size < HEAD - 4)
		return FRAME_NO;
	h->client_n = (i16)rd_u16be(&r);
	if (r.bad)
		return FRAME_MORE;
	h->length = HEAD + (size_t)MAX(h->client_n, 0);
	if (h->client_n < -1 || h->client_n > CLIENT_MAX || h->length > (u64)h->size + 4)
		return FRAME_NO;
	return h->length <= n ? FRAME_FITS : FRAME_MORE;
}

/* A body's beginning: the bytes that are here, the bytes it has. */
struct body_seen {
	const u8 *p;
	size_t n;
	u64 left;
};

static enum kafka_frame body_judge(const struct body_seen *b, const struct kafka_row *rows, i16 version, bool flexible, bool tagged_header, size_t *work)
{
	struct kafka_walk w;
	size_t n = (size_t)MIN(b->n, b->left), used;
	u64 left = b->left;
	memset(&w, 0, offsetof(struct kafka_walk, partition));
	kafka_walk_start(&w, rows, version, flexible, tagged_header);
	if (!*work)
		return FRAME_NO;
	enum kafka_walked walked = kafka_walk(&w, b->p, n, left, &used);
	*work -= MIN(*work, used + 64);
	if (walked == WALKED_ALL)
		return used == left ? FRAME_PROVED : FRAME_NO;
	return walked == WALKED_SHORT ? FRAME_FITS : FRAME_NO;
}

static bool is_text(const u8 *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] == 0x7f)
			return false;
	return true;
}

enum kafka_frame kafka_head_judge(const u8 *p, size_t n, const struct kafka_head *h, size_t *work)
{
	size_t client = (size_t)MAX(h->client_n, 0);
	if (!h->api || !is_text(p + h->length - client, client))
		return FRAME_NO;
	if (h->version > h->api->last)
		return client ? FRAME_FITS : FRAME_NO;
	u64 body = (u64)h->size + 4 - h->length;
	if (h->key == KAFKA_API_VERSIONS && h->version == 0 && body == 4 && client) /* librdkafka writes an empty array where nothing belongs */
		return n - h->length < 4 ? FRAME_FITS : be32(p + h->length) ? FRAME_NO : FRAME_PROVED;
	bool flexible = h->version >= h->api->flexible;
	return body_judge(&(struct body_seen){ p + h->length, n - h->length, body }, h->api->request, h->version, flexible, flexible, work);
}

enum probe kafka_probe(const u8 *p, size_t n, enum side *side)
{
	struct kafka_head h;
	size_t work = SIZE_MAX;
	*side = SIDE_REQUEST;
	enum kafka_frame found = kafka_head_read(p, n, &h);
	if (found != FRAME_FITS)
		return found == FRAME_MORE ? PROBE_MORE : PROBE_NO;
	found = kafka_head_judge(p, n, &h, &work);
	if (found == FRAME_NO || (found == FRAME_FITS && (u64)h.size > (h.key == KAFKA_PRODUCE ? LONGEST : MIB)))
		return PROBE_NO;
	if (h.client_n > 0)
		return PROBE_SURE;
	return found == FRAME_PROVED && h.length == HEAD ? PROBE_SURE : PROBE_MAYBE;
}

u32 kafka_client_hash(const u8 *p, size_t n)
{
	u32 h = 0x811c9dc5u;
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x01000193u;
	return h | 1;
}

/* What is said of the bytes at a place. */
enum start { START_NO, START_MAYBE, START_YES };

static enum start request_at(const struct kafka_state *s, const struct chunk *c, size_t at, size_t *work)
{
	struct kafka_head h, next;
	const u8 *p = c->p + at;
	size_t n = c->n - at, size;
	bool edge = at == 0 && c->boundary;
	enum kafka_frame found = kafka_head_read(p, n, &h);
	if (found != FRAME_FITS)
		return found == FRAME_MORE ? START_MAYBE : START_NO;
	found = kafka_head_judge(p, n, &h, work);
	if (found == FRAME_NO)
		return START_NO;
	size = (size_t)h.size + 4;
	bool known = h.client_n > 0 && s->client_hash == kafka_client_hash(p + HEAD, (size_t)h.client_n);
	if (found != FRAME_PROVED) { /* topics may have the name of the client: what can be proved must be */
		bool long_one = size > KEEP_MAX && size <= LONGEST && n >= h.length + LONG_LOOK && h.client_n > 0;
		bool likely = edge + known + (h.key == KAFKA_PRODUCE) >= 2; /* others are not that long, as a rule */
		return long_one && likely ? START_YES : size <= KEEP_MAX ? START_MAYBE : START_NO;
	}
	if (h.client_n > 0 || edge || (size < n && kafka_head_read(p + size, n - size, &next) == FRAME_FITS && next.api))
		return START_YES;
	return size >= n ? START_MAYBE : START_NO;
}

static struct kafka_request *asked_at(struct parser *ps, const struct chunk *c, size_t at)
{
	if (c->n - at < ANSWER_HEAD || be32(c->p + at) < 4 || be32(c->p + at) > INT32_MAX)
		return NULL;
	return (struct kafka_request *)parser_request(ps, be32(c->p + at + 4));
}

static enum start answer_at(struct parser *ps, const struct chunk *c, size_t at, size_t *work)
{
	const u8 *p = c->p + at;
	size_t n = c->n - at;
	bool edge = at == 0 && c->boundary;
	const struct kafka_request *q = asked_at(ps, c, at);
	if (!q)
		return START_NO;
	u64 size = (u64)be32(p) + 4;
	const struct message *oldest = parser_waiting(ps, NULL);
	if (q->version_unknown)
		return edge && &q->m == oldest && size == n ? START_YES : START_NO;
	bool flexible = q->version >= q->api->flexible;
	enum kafka_frame found = body_judge(&(struct body_seen){ p + ANSWER_HEAD, n - ANSWER_HEAD, size - ANSWER_HEAD }, q->api->response, q->version,
					    flexible, flexible && q->key != KAFKA_API_VERSIONS, work);
	if (found == FRAME_PROVED)
		return edge || size >= ANSWER_HEAD + SOLID || size == n || asked_at(ps, c, at + (size_t)size) ? START_YES : START_NO;
	if (found == FRAME_NO)
		return START_NO;
	if (size <= KEEP_MAX)
		return START_MAYBE;
	return edge && &q->m == oldest && n >= ANSWER_HEAD + LONG_LOOK ? START_YES : START_NO;
}

/* A start is proved by a request's known client id, or by a body that fits its layout to the last byte. */
long kafka_resync(struct parser *ps, const struct chunk *c)
{
	struct kafka_state *s = ps->state;
	struct kafka_side *side = &s->side[ps->dir];
	if (side->end_known && c->offset <= side->end) {
		u64 ahead = side->end - c->offset;
		return ahead < c->n ? (long)ahead : -1;
	}
	side->end_known = false;
	bool answers = ps->request_dir != DIR_NONE && ps->dir != ps->request_dir;
	size_t head = answers ? ANSWER_HEAD : HEAD_SHORT, first_maybe = c->n;
	size_t work = 8 * c->n + KEEP_MAX; /* hostile bytes look like a start everywhere */
	for (size_t at = 0; at + head <= c->n && work; at++) {
		if (c->p[at] >= KAFKA_FRAME_MAX >> 24)
			continue;
		enum start found = answers ? answer_at(ps, c, at, &work) : request_at(s, c, at, &work);
		if (found == START_NO)
			continue;
		if (found == START_YES) {
			ps->request_dir = answers ? ps->request_dir : ps->dir;
			return (long)at;
		}
		if (c->n - at <= KEEP_MAX && first_maybe == c->n)
			first_maybe = at;
	}
	size_t rest = MIN(c->n, head - 1);
	return -2 - (long)MAX(rest, c->n - first_maybe);
}
