/* What bytes prove without state: the first of a connection, and where a frame begins after bytes were lost. */
#include "proto/amqp/read.h"

#define KEEP_MAX (16 * KIB) /* bytes kept while they may still prove to begin a frame */
#define SIZE_MAX_PROVEN (64 * KIB) /* of a frame that is looked for */

static const struct {
	u8 bytes[4];
	bool framed;
	const char *version;
} preambles[] = {
	{ { 0, 0, 9, 1 }, true, "0-9-1" }, { { 1, 1, 0, 9 }, true, "0-9" },   { { 1, 1, 9, 0 }, true, "0-9" },
	{ { 1, 1, 8, 0 }, true, "0-8" },   { { 1, 1, 0, 10 }, false, "0-10" }, { { 0, 1, 0, 0 }, false, "1.0" },
	{ { 2, 1, 0, 0 }, false, "1.0-tls" }, { { 3, 1, 0, 0 }, false, "1.0-sasl" },
};

static int preamble_find(const u8 *p)
{
	if (memcmp(p, "AMQP", 4) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(preambles); i++)
		if (memcmp(p + 4, preambles[i].bytes, 4) == 0)
			return (int)i;
	return -1;
}

const char *amqp_preamble_version(const u8 *p)
{
	int i = preamble_find(p);
	if (i >= 0)
		return preambles[i].version;
	return memcmp(p, "AMQP", 4) == 0 ? "" : NULL;
}

bool amqp_preamble_framed(const u8 *p)
{
	int i = preamble_find(p);
	return i < 0 || preambles[i].framed;
}

/* What the bytes from here on can be. */
struct sight {
	enum probe probe; /* PROBE_SURE: a whole frame */
	bool telling;     /* one whose payload has structure: a method or a content header */
	u8 sender;        /* enum amqp_sender; 0: any */
	size_t whole;     /* bytes of the frame */
};

static struct sight look_at_method(struct rd *r, size_t size, struct sight s)
{
	struct amqp_args args;
	const struct amqp_method *m = amqp_method_find(rd_u32be(r));
	if (size < 4 || !m || !(amqp_args_read(r, m, &args) || size > AMQP_METHOD_LOOK)) {
		s.probe = PROBE_NO;
		return s;
	}
	s.telling = true;
	s.sender = m->sender == BY_BOTH ? 0 : m->sender;
	return s;
}

static struct sight look(const u8 *p, size_t n)
{
	struct sight s = { .probe = PROBE_NO };
	if (n < AMQP_FRAME_HEAD) {
		s.probe = n == 0 || p[0] == FRAME_METHOD || p[0] == FRAME_HEADER || p[0] == FRAME_BODY || p[0] == FRAME_HEARTBEAT ? PROBE_MORE : PROBE_NO;
		return s;
	}
	u8 type = p[0];
	u32 size = be32(p + 3);
	u16 channel = be16(p + 1);
	if (size > SIZE_MAX_PROVEN || (type == FRAME_HEARTBEAT && (size || channel)) || ((type == FRAME_HEADER || type == FRAME_BODY) && !channel))
		return s;
	s.whole = size + (size_t)AMQP_OVERHEAD;
	s.probe = n < s.whole ? PROBE_MORE : p[AMQP_FRAME_HEAD + size] == AMQP_END ? PROBE_SURE : PROBE_NO;
	struct rd r = rd_make(p + AMQP_FRAME_HEAD, MIN((size_t)size, n - AMQP_FRAME_HEAD));
	if (type == FRAME_METHOD) {
		if (s.probe == PROBE_SURE || size > AMQP_METHOD_LOOK)
			return look_at_method(&r, size, s);
		if (rd_left(&r) >= 4 && !amqp_method_find(rd_u32be(&r)))
			s.probe = PROBE_NO;
	} else if (type == FRAME_HEADER) {
		s.telling = true;
		if (size < 14 || (rd_left(&r) >= 4 && rd_u32be(&r) != METHOD(CLASS_BASIC, 0)))
			s.probe = PROBE_NO;
	} else if (type != FRAME_BODY && type != FRAME_HEARTBEAT) {
		s.probe = PROBE_NO;
	}
	return s;
}

static enum side side_of(u8 sender)
{
	return sender == BY_SERVER ? SIDE_RESPONSE : SIDE_REQUEST;
}

static enum probe probe_preamble(const u8 *p, size_t n, enum side *side)
{
	*side = SIDE_REQUEST;
	if (n < AMQP_PREAMBLE)
		return PROBE_MORE;
	return preamble_find(p) >= 0 || (p[4] <= 3 && p[5] <= 1 && p[6] <= 10 && p[7] <= 10) ? PROBE_SURE : PROBE_NO;
}

/* A connection whose beginning was not seen: frame after frame, until one tells who sends them. Acknowledgements alone do not. */
enum probe amqp_probe(const u8 *p, size_t n, enum side *side)
{
	size_t at = 0;
	bool telling = false;
	*side = SIDE_REQUEST;
	if (n && memcmp(p, "AMQP", MIN(n, 4)) == 0)
		return probe_preamble(p, n, side);
	for (struct sight s; at < n; at += s.whole) {
		s = look(p + at, n - at);
		if (s.probe != PROBE_SURE)
			return s.probe == PROBE_NO && at == 0 ? PROBE_NO : telling ? PROBE_MAYBE : PROBE_MORE;
		telling |= s.telling;
		*side = side_of(s.sender);
		if (s.sender)
			return PROBE_SURE;
	}
	return telling ? PROBE_MAYBE : PROBE_MORE;
}

/* A frame is proven by its end octet and what it holds; a body by the frame behind it, or by ending with the bytes of a segment
 * that begins with it. */
static long prove(const struct chunk *c, size_t at)
{
	struct sight s = look(c->p + at, c->n - at);
	if (s.probe != PROBE_SURE)
		return s.probe == PROBE_NO ? -1 : -2;
	if (s.telling || at + s.whole == c->n)
		return s.telling || (at == 0 && c->boundary) ? (long)at : -1;
	struct sight next = look(c->p + at + s.whole, c->n - at - s.whole);
	if (next.probe == PROBE_NO)
		return -1;
	return next.probe == PROBE_SURE ? (long)at : -2;
}

long amqp_resync(struct parser *ps, const struct chunk *c)
{
	size_t first_maybe = c->n, from = c->n > KEEP_MAX ? c->n - KEEP_MAX : 0;
	(void)ps;
	if (c->n >= AMQP_PREAMBLE && c->offset == 0 && preamble_find(c->p) >= 0)
		return 0;
	for (size_t at = 0; at < c->n; at++) {
		u8 type = c->p[at];
		if (type > FRAME_HEARTBEAT || !type)
			continue;
		long found = prove(c, at);
		if (found >= 0)
			return found;
		if (found == -2 && at >= from && first_maybe == c->n)
			first_maybe = at;
	}
	return first_maybe == c->n ? -1 : -2 - (long)(c->n - first_maybe);
}
