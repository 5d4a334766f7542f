/* HTTP/2 (RFC 9113): frames, header blocks over several frames, payloads that pass unseen. */
#include "proto/http2/http2.h"
#include "util/bytes.h"

#define SETTING_MAX_FRAME_SIZE 5
#define CONTENT_LONG 1024   /* bytes */
#define SETTINGS_SHOWN 600 /* bytes of a SETTINGS frame */

static enum parse more(struct chunk *c, size_t need)
{
	c->want = c->used + need;
	return PARSE_MORE;
}

/* Before the first frame of a direction. */
static void set_up(struct parser *ps, struct h2_half *h, const struct chunk *c)
{
	struct h2_state *st = ps->state;
	bool whole = !ps->partial[ps->dir] && (c->offset == 0 || st->upgraded);
	h->known = true;
	hpack_init(&h->table, whole);
	h->max_frame = whole && !st->upgraded ? MAX(h->max_frame, H2_FRAME_DEFAULT) : 0;
}

static enum parse at_start(struct parser *ps, struct h2_half *h, struct chunk *c)
{
	struct h2_state *st = ps->state;
	size_t n = MIN(c->n - c->used, H2_PREFACE_LEN);
	if (n == 0)
		return more(c, 1);
	bool fits = memcmp(c->p + c->used, H2_PREFACE, n) == 0;
	if (fits && n < H2_PREFACE_LEN)
		return more(c, H2_PREFACE_LEN);
	h->phase = H2_AT_FRAME;
	if (!fits) {
		if (!h->known)
			set_up(ps, h, c);
		return PARSE_OK;
	}
	c->used += H2_PREFACE_LEN;
	hpack_done(&h->table);
	hpack_init(&h->table, true);
	h->known = true;
	h->max_frame = st->upgraded ? h->max_frame : MAX(h->max_frame, H2_FRAME_DEFAULT);
	ps->request_dir = ps->dir;
	st->roles_sure = true;
	return PARSE_OK;
}

/* Payloads of no interest, and DATA. */

static void enter(struct h2_half *h, const struct chunk *c, u8 phase, u32 left, u32 padding)
{
	h->phase = phase;
	h->left = left;
	h->padding = padding;
	h->until = c->offset + c->used + left + padding;
}

/* The rest of a payload: what is here is taken, the rest need not come. */
static enum parse pass(u32 *left, struct chunk *c)
{
	u32 n = (u32)MIN(c->n - c->used, *left);
	c->used += n;
	*left -= n;
	if (*left == 0)
		return PARSE_OK;
	c->want = *left;
	*left = 0;
	return PARSE_SKIP;
}

static enum parse in_rest(struct h2_half *h, struct chunk *c)
{
	if (h->left)
		return pass(&h->left, c);
	h->phase = H2_AT_FRAME;
	return PARSE_OK;
}

/* Of what is long only the first bytes are looked at: they tell how much of it nobody wants to see. */
static enum parse in_content(struct parser *ps, struct h2_half *h, struct chunk *c, struct h2_stream *e)
{
	size_t n = MIN(c->n - c->used, h->left), first = n >= CONTENT_LONG ? GRPC_PREFIX : n;
	u64 unseen = e ? 0 : UINT64_MAX;
	if (e && e->flags & H2_UNDECIDED && n < MIN(h->left, GRPC_PREFIX))
		return more(c, MIN(h->left, GRPC_PREFIX));
	while (n && unseen < CONTENT_LONG) {
		unseen = h2_take_data(ps, e, c->p + c->used, first);
		c->used += first;
		h->left -= (u32)first;
		n -= first;
		first = n;
	}
	unseen = MIN(unseen, h->left);
	if (unseen == 0)
		return h->left ? more(c, 1) : PARSE_OK;
	if (e)
		h2_pass_data(ps, e, unseen);
	h->left -= (u32)unseen;
	c->want = unseen;
	return PARSE_SKIP;
}

static enum parse in_data(struct parser *ps, struct h2_half *h, struct chunk *c)
{
	if (h->left)
		return in_content(ps, h, c, h2_streams_find(&h2_state_of(ps)->streams, h->stream));
	if (h->padding)
		return pass(&h->padding, c);
	h->phase = H2_AT_FRAME;
	h2_end_data(ps, h->stream, h->flags);
	return PARSE_OK;
}

static enum parse read_data(struct parser *ps, struct h2_half *h, struct chunk *c, const struct h2_frame *f)
{
	struct h2_state *st = ps->state;
	u32 padding = 0, begin = H2_HEADER;
	if (f->flags & H2_PADDED) {
		if (c->n - c->used < H2_HEADER + 1)
			return more(c, H2_HEADER + 1);
		padding = c->p[c->used + H2_HEADER];
		begin++;
		if (padding >= f->length)
			return PARSE_DESYNC;
	}
	c->used += begin;
	h->stream = f->stream;
	h->flags = f->flags;
	enter(h, c, H2_IN_DATA, f->length + H2_HEADER - begin - padding, padding);
	struct h2_stream *e = h2_streams_find(&st->streams, f->stream);
	if (e)
		h2_begin_data(ps, e, h->left, H2_HEADER + f->length);
	return PARSE_OK;
}

/* Header blocks. */

/* What lies before the block's bytes in the first frame, and behind them. False when it does not fit. */
static bool block_bounds(const struct h2_frame *f, const u8 *payload, u32 *ret_begin, u32 *ret_end, u32 *ret_promised)
{
	u32 begin = 0, end = f->length;
	if (f->flags & H2_PADDED) {
		begin = 1;
		end -= MIN(payload[0], end);
	}
	if (f->type == H2_HEADERS && f->flags & H2_HAS_PRIORITY)
		begin += 5;
	if (f->type == H2_PUSH_PROMISE) {
		*ret_promised = begin + 4 <= f->length ? be32(payload + begin) & 0x7fffffff : 0;
		begin += 4;
	}
	*ret_begin = begin;
	*ret_end = end;
	return begin <= end;
}

/* Reads n bytes of frames at p, which hold a whole header block. */
static bool read_block(struct parser *ps, struct h2_half *h, const u8 *p, size_t n)
{
	struct h2_frame first = h2_frame_read(p);
	struct hpack_fields fields; /* not zeroed: it is large */
	u8 joined[HPACK_BLOCK_MAX];
	u32 begin, end, promised = 0;
	if (!block_bounds(&first, p + H2_HEADER, &begin, &end, &promised))
		return false;
	const u8 *block = p + H2_HEADER + begin;
	u32 len = end - begin;
	if (n > H2_HEADER + first.length) {
		memcpy(joined, block, len);
		block = joined;
		for (size_t at = H2_HEADER + first.length; at < n;) {
			struct h2_frame f = h2_frame_read(p + at);
			memcpy(joined + len, p + at + H2_HEADER, f.length);
			len += f.length;
			at += H2_HEADER + f.length;
		}
	}
	fields.longest = h2_state_of(ps)->kept < H2_KEPT_MAX ? H2_LONGEST : H2_SHORTEST;
	if (!hpack_read(&h->table, block, len, &fields))
		fields.unknown++;
	h2_take_block(ps, &first, promised, &fields, (u32)n);
	return true;
}

/* The block is too long to be read: what it says is not known, nor what it did to the table. */
static enum parse give_up_block(struct parser *ps, struct h2_half *h, struct chunk *c, const struct h2_frame *f)
{
	static const struct hpack_fields nothing = { .unknown = 1 };
	hpack_forget(&h->table);
	h->scanned = 0;
	h->discard = !(f->flags & H2_END_HEADERS);
	c->used += H2_HEADER;
	enter(h, c, H2_IN_REST, f->length, 0);
	h2_take_block(ps, f, 0, &nothing, H2_HEADER + f->length);
	return PARSE_OK;
}

static enum parse read_headers(struct parser *ps, struct h2_half *h, struct chunk *c, const struct h2_frame *first)
{
	const u8 *p = c->p + c->used;
	size_t n = c->n - c->used, at = h->scanned;
	struct h2_frame f;
	do {
		if (n < at + H2_HEADER)
			return more(c, at + H2_HEADER);
		f = h2_frame_read(p + at);
		if (at && (f.type != H2_CONTINUATION || f.stream != first->stream)) {
			h->scanned = 0;
			return PARSE_DESYNC;
		}
		if (at + H2_HEADER + f.length > HPACK_BLOCK_MAX)
			return give_up_block(ps, h, c, first);
		if (n < at + H2_HEADER + f.length)
			return more(c, at + H2_HEADER + f.length);
		at += H2_HEADER + f.length;
		h->scanned = (u32)at;
	} while (!(f.flags & H2_END_HEADERS));
	h->scanned = 0;
	if (!read_block(ps, h, p, at))
		return PARSE_DESYNC;
	c->used += at;
	return PARSE_OK;
}

/* Other frames. */

static void read_settings(struct parser *ps, const u8 *p, u32 n)
{
	struct h2_half *other = &h2_state_of(ps)->half[ps->dir ^ 1];
	for (; n >= 6; p += 6, n -= 6)
		if (be16(p) == SETTING_MAX_FRAME_SIZE && (other->max_frame || !other->known))
			other->max_frame = MIN(MAX(other->max_frame, be32(p + 2)), H2_FRAME_MAX);
}

/* Frames of which the first `need` payload bytes are read, and the rest is not. */
static enum parse read_control(struct parser *ps, struct h2_half *h, struct chunk *c, const struct h2_frame *f)
{
	u32 need = f->type == H2_RST_STREAM ? 4 : f->type == H2_GOAWAY ? 8 : f->type == H2_SETTINGS ? f->length : 0;
	if (c->n - c->used < H2_HEADER + need)
		return more(c, H2_HEADER + need);
	const u8 *payload = c->p + c->used + H2_HEADER;
	c->used += H2_HEADER + need;
	if (f->length > need)
		enter(h, c, H2_IN_REST, f->length - need, 0);
	if (f->type == H2_RST_STREAM)
		h2_take_reset(ps, f->stream, be32(payload));
	else if (f->type == H2_GOAWAY)
		h2_take_goaway(ps, be32(payload) & 0x7fffffff, be32(payload + 4));
	else if (f->type == H2_SETTINGS)
		read_settings(ps, payload, f->length);
	if (f->type == H2_CONTINUATION && f->flags & H2_END_HEADERS)
		h->discard = false;
	return PARSE_OK;
}

/* Flags that a type does not know are to be ignored (RFC 9113 section 4.1). */
static bool is_valid(const struct h2_half *h, struct h2_frame f)
{
	static const u8 known[] = { 0x9, 0x2d, 0, 0, 1, 0xc, 1, 0, 0, 4 };
	if (f.type > H2_CONTINUATION)
		return !h->max_frame || f.length <= h->max_frame;
	f.flags &= known[f.type];
	return h2_frame_plausible(&f, h->max_frame ? h->max_frame : H2_FRAME_MAX);
}

static enum parse at_frame(struct parser *ps, struct h2_half *h, struct chunk *c)
{
	if (c->n - c->used < H2_HEADER)
		return more(c, H2_HEADER);
	struct h2_frame f = h2_frame_read(c->p + c->used);
	if (!is_valid(h, f))
		return PARSE_DESYNC;
	if (f.type == H2_DATA)
		return read_data(ps, h, c, &f);
	if (f.type == H2_HEADERS || f.type == H2_PUSH_PROMISE) {
		h->discard = false;
		return read_headers(ps, h, c, &f);
	}
	return read_control(ps, h, c, &f);
}

enum parse http2_parse(struct parser *ps, struct chunk *c)
{
	struct h2_state *st = ps->state;
	struct h2_half *h = &st->half[ps->dir];
	enum parse verdict;
	bool next;
	c->used = 0;
	do {
		switch (h->phase) {
		case H2_AT_START: verdict = at_start(ps, h, c); break;
		case H2_IN_DATA: verdict = in_data(ps, h, c); break;
		case H2_IN_REST: verdict = in_rest(h, c); break;
		default: verdict = at_frame(ps, h, c); break;
		}
		/* what needs no more bytes is done at once, and bytes that nobody wants to see are named at once */
		next = c->used < c->n || h->phase >= H2_IN_DATA;
	} while (verdict == PARSE_OK && next);
	if (verdict == PARSE_DESYNC)
		h->phase = H2_AT_FRAME;
	return verdict == PARSE_MORE && c->used ? PARSE_OK : verdict;
}

void http2_gap(struct parser *ps)
{
	struct h2_state *st = ps->state;
	st->lost[ps->dir] = true;
}

/* Frames have been found again in this direction. */
static void restart(struct parser *ps, struct h2_half *h, const struct chunk *c)
{
	struct h2_state *st = ps->state;
	h->phase = H2_AT_FRAME;
	h->scanned = 0;
	h->discard = false;
	h->known = true;
	h->waited = c->ts != c->ts_first ? c->offset + c->n : 0;
	hpack_forget(&h->table);
	h2_exchanges_gap(ps);
	st->lost[ps->dir] = false;
}

long http2_resync(struct parser *ps, const struct chunk *c)
{
	struct h2_state *st = ps->state;
	struct h2_half *h = &st->half[ps->dir];
	if (st->lost[ps->dir] && h->phase >= H2_IN_DATA && h->until > c->offset) { /* all that is lost is payload */
		h->left = h->padding = 0;
		if (h->phase == H2_IN_DATA)
			h2_lose_data(ps, h->stream);
		u64 rest = h->until - c->offset;
		h->left = (u32)rest;
		st->lost[ps->dir] = false;
		return 0;
	}
	long at = h2_frame_find(c, MAX(h->max_frame, H2_FRAME_DEFAULT));
	if (at >= 0)
		restart(ps, h, c);
	if (at == 0 && c->offset == 0 && c->p[0] == 'P')
		h->phase = H2_AT_START;
	return at;
}

void http2_fin(struct parser *ps)
{
	h2_exchanges_fin(ps);
}

void http2_start(struct parser *ps, struct message *request)
{
	struct h2_state *st = ps->state;
	if (!request)
		return;
	st->upgraded = st->roles_sure = true;
	h2_exchange_from(ps, request);
}

void http2_done(void *state)
{
	struct h2_state *st = state;
	for (int dir = 0; dir < 2; dir++)
		hpack_done(&st->half[dir].table);
	h2_streams_done(&st->streams);
}

static const u16 http2_ports[] = { 80, 8080, 0 };

const struct proto proto_http2 = {
	.name = "http2",
	.title = "HTTP/2",
	.ports = http2_ports,
	.transports = OVER_TCP,
	.pairing = PAIR_KEYED,
	.survives = true,
	.index = PROTO_http2,
	.weight = 3,
	.state_size = HTTP2_STATE_SIZE,
	.request_size = sizeof(struct http2_request),
	.response_size = sizeof(struct http2_response),
	.fields = http2_fields,
	.fields_len = HTTP2_FIELDS,
	.probe = http2_probe,
	.start = http2_start,
	.parse = http2_parse,
	.gap = http2_gap,
	.resync = http2_resync,
	.fin = http2_fin,
	.done = http2_done,
	.describe = http2_describe,
};
