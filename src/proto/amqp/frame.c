/* Frames: one loop for both directions, which takes methods and content headers and passes over bodies. */
#include "proto/amqp/read.h"

#define LIMIT_UNKNOWN (16 * MIB) /* bytes of a frame as long as nobody has told the limit */
#define LIMIT_SMALL MIB          /* of a frame that is not a body */

/* A frame that begins at the chunk's `used`. */
struct frame {
	const u8 *p;   /* its head */
	size_t n;      /* bytes there are of it and what follows */
	u32 size;      /* of the payload */
	u16 channel;
	u8 type;
};

static bool type_known(u8 type)
{
	return type == FRAME_METHOD || type == FRAME_HEADER || type == FRAME_BODY || type == FRAME_HEARTBEAT;
}

static u64 limit(const struct amqp_state *s, u8 type)
{
	if (s->tuned && s->frame_max)
		return s->frame_max;
	if (type != FRAME_BODY)
		return LIMIT_SMALL;
	return s->tuned ? UINT32_MAX : LIMIT_UNKNOWN;
}

/* Frames that are looked at whole; of longer ones, and of bodies, the end octet is skipped like the rest. */
static size_t look(const struct frame *f)
{
	return f->type == FRAME_METHOD ? AMQP_METHOD_LOOK : f->type == FRAME_HEADER ? AMQP_HEADER_LOOK : 0;
}

/* Bytes of the frame that must be there before it is taken. */
static size_t needed(const struct frame *f)
{
	return f->size <= look(f) ? AMQP_OVERHEAD + f->size : AMQP_FRAME_HEAD + look(f);
}

/* The frame has come to its end. */
static void passed(struct parser *ps, struct amqp_state *s, u8 type, u16 channel, u32 size)
{
	struct amqp_channel *ch = type == FRAME_BODY ? amqp_channel_get(s, channel, false) : NULL;
	if (ch)
		amqp_content_body(ps, ch, size, ps->chunk->offset + ps->chunk->used);
}

/* "AMQP" where a frame would begin. */
static enum parse read_preamble(struct parser *ps, struct amqp_state *s, struct chunk *c)
{
	const u8 *p = c->p + c->used;
	size_t n = c->n - c->used;
	if (memcmp(p, "AMQP", MIN(n, 4)) != 0)
		return PARSE_DESYNC;
	if (n < AMQP_PREAMBLE) {
		c->want = AMQP_PREAMBLE;
		return PARSE_MORE;
	}
	if (!amqp_preamble_version(p))
		return PARSE_DESYNC;
	struct amqp_unit u = { .ps = ps, .s = s, .size = AMQP_PREAMBLE, .end = c->offset + c->used + AMQP_PREAMBLE };
	s->whole |= c->offset + c->used == 0 && !ps->partial[ps->dir];
	bool other = amqp_take_preamble(&u, p);
	c->used += AMQP_PREAMBLE;
	if (other)
		parser_handover(ps, NULL, NULL);
	return PARSE_OK;
}

/* A method that this side cannot send: the roles were guessed from a frame that both send, or this is none of ours. */
static bool check_roles(struct parser *ps, struct amqp_state *s, const struct amqp_method *m)
{
	if (!m || m->sender == BY_BOTH)
		return true;
	u8 role = ps->dir == ps->request_dir ? BY_CLIENT : BY_SERVER;
	if (m->sender != role && s->roles_known)
		return false;
	if (m->sender != role)
		ps->request_dir ^= 1;
	s->roles_known = true;
	return true;
}

/* The server has accepted the preamble. */
static void drop_preamble(struct parser *ps, struct amqp_state *s)
{
	if (!s->header || ps->dir == ps->request_dir)
		return;
	parser_drop(ps, &s->header->m);
	s->header = NULL;
}

static enum parse take_method(struct parser *ps, struct amqp_state *s, const struct frame *f)
{
	struct rd r = rd_make(f->p + AMQP_FRAME_HEAD, MIN(f->size, AMQP_METHOD_LOOK));
	struct amqp_unit u = { .ps = ps, .s = s, .id = rd_u32be(&r), .channel = f->channel, .size = f->size + AMQP_OVERHEAD };
	if (r.bad)
		return PARSE_DESYNC;
	u.end = ps->chunk->offset + ps->chunk->used + u.size;
	u.method = amqp_method_find(u.id);
	if (!check_roles(ps, s, u.method))
		return PARSE_DESYNC;
	u.cut = !u.method || !amqp_args_read(&r, u.method, &u.args);
	drop_preamble(ps, s);
	u.ch = amqp_channel_get(s, f->channel, true);
	amqp_take(&u);
	return PARSE_OK;
}

static enum parse take_frame(struct parser *ps, struct amqp_state *s, const struct frame *f)
{
	struct rd r = rd_make(f->p + AMQP_FRAME_HEAD, MIN(f->size, AMQP_HEADER_LOOK));
	struct amqp_channel *ch;
	switch (f->type) {
	case FRAME_METHOD:
		return take_method(ps, s, f);
	case FRAME_HEADER:
		ch = amqp_channel_get(s, f->channel, false);
		if (ch)
			amqp_content_header(ps, ch, &r, f->size + AMQP_OVERHEAD, ps->chunk->offset + ps->chunk->used + f->size + AMQP_OVERHEAD);
		return PARSE_OK;
	default:
		return PARSE_OK;
	}
}

/* Bodies, and what is too long to be looked at whole. The end octet is skipped with them: if it is lost, nothing is. */
static enum parse pass(struct parser *ps, struct amqp_state *s, struct chunk *c, const struct frame *f)
{
	struct amqp_direction *d = &s->dir[ps->dir];
	u64 whole = (u64)f->size + AMQP_OVERHEAD;
	if (f->n >= whole) {
		c->used += whole;
		passed(ps, s, f->type, f->channel, f->size);
		return PARSE_OK;
	}
	d->phase = PHASE_PASSED;
	d->type = f->type;
	d->channel = f->channel;
	d->size = f->size;
	c->used = c->n;
	c->want = whole - f->n;
	return PARSE_SKIP;
}

static enum parse read_frame(struct parser *ps, struct amqp_state *s, struct chunk *c)
{
	struct frame f = { .p = c->p + c->used, .n = c->n - c->used };
	if (f.n && f.p[0] == 'A')
		return read_preamble(ps, s, c);
	if (f.n && !type_known(f.p[0]))
		return PARSE_DESYNC;
	if (f.n < AMQP_FRAME_HEAD) {
		c->want = AMQP_FRAME_HEAD;
		return PARSE_MORE;
	}
	f.type = f.p[0];
	f.channel = be16(f.p + 1);
	f.size = be32(f.p + 3);
	if (f.size > limit(s, f.type) || (f.type == FRAME_HEARTBEAT && f.size > AMQP_METHOD_LOOK))
		return PARSE_DESYNC;
	if (f.n < needed(&f)) {
		c->want = needed(&f);
		return PARSE_MORE;
	}
	if (f.size <= look(&f) && f.p[AMQP_FRAME_HEAD + f.size] != AMQP_END)
		return PARSE_DESYNC;
	enum parse verdict = take_frame(ps, s, &f);
	return verdict == PARSE_OK ? pass(ps, s, c, &f) : verdict;
}

static void choose_roles(struct parser *ps, const struct chunk *c)
{
	enum side side = SIDE_REQUEST;
	amqp_probe(c->p, c->n, &side);
	ps->request_dir = side == SIDE_REQUEST ? ps->dir : ps->dir ^ 1;
}

static enum parse start(struct parser *ps, struct amqp_state *s, struct chunk *c)
{
	struct amqp_direction *d = &s->dir[ps->dir];
	if (d->phase == PHASE_OTHER) {
		c->used = c->n;
		c->want = STREAM_FOREVER;
		return PARSE_SKIP;
	}
	if (d->phase == PHASE_PASSED) {
		d->phase = PHASE_FRAME;
		passed(ps, s, d->type, d->channel, d->size);
	}
	if (ps->request_dir == DIR_NONE && c->n)
		choose_roles(ps, c);
	if (d->lost && c->n) {
		amqp_after_loss(ps, s);
		d->lost = false;
	}
	return PARSE_OK;
}

/* Messages that a frame completes take the time of the chunk; a frame a step, as the chunk's place is that of their first byte. */
enum parse amqp_parse(struct parser *ps, struct chunk *c)
{
	struct amqp_state *s = ps->state;
	c->used = 0;
	c->want = 0;
	enum parse verdict = start(ps, s, c);
	while (verdict == PARSE_OK && c->used < c->n && !ps->next_proto && s->dir[ps->dir].phase == PHASE_FRAME)
		verdict = read_frame(ps, s, c);
	if (verdict == PARSE_MORE && c->used) {
		c->want = 0;
		return PARSE_OK;
	}
	if (verdict == PARSE_OK && !c->used && !ps->next_proto) { /* only the end of a skip was told */
		c->want = 1;
		return PARSE_MORE;
	}
	return verdict;
}
