#include "proto/mysql/unpack.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define PIECE (16 * KIB)      /* decompressed at a time */
#define TAIL_MAX (40 * KIB)   /* bytes of a packet's beginning that may have to wait */
#define ZSTD_WINDOW_LOG 23    /* 8 MiB, more than any level of a server asks for within a frame */

enum packing { PACKED_NOT, PACKED_ZLIB, PACKED_ZSTD, PACKED_UNKNOWN };

struct mysql_unpack {
	u64 start;     /* offset of the frame in progress */
	u32 left;      /* bytes of it still to come */
	u64 skip;      /* decompressed bytes that are not to be shown */
	u8 packing;    /* enum packing of the frame */
	bool has_zlib;
	z_stream zlib;
	ZSTD_DStream *zstd;
	u8 *tail;      /* TAIL_MAX bytes, or NULL while none had to wait */
	u32 tail_n;
	u32 tail_want;
};

static _Atomic u32 unpackers;

static struct mysql_unpack *unpack_of(struct mysql_state *s, u32 lane)
{
	if (s->unpack[lane])
		return s->unpack[lane];
	if (atomic_fetch_add(&unpackers, 1) < MYSQL_UNPACKERS_MAX)
		s->unpack[lane] = calloc(1, sizeof(*s->unpack[lane]));
	if (!s->unpack[lane])
		atomic_fetch_sub(&unpackers, 1);
	return s->unpack[lane];
}

void mysql_unpack_reset(struct mysql_state *s, u32 lane)
{
	struct mysql_unpack *u = s->unpack[lane];
	if (!u)
		return;
	u->left = u->tail_n = u->tail_want = 0;
	u->skip = 0;
}

void mysql_unpack_free(struct mysql_state *s)
{
	for (u32 lane = 0; lane < ARRAY_LEN(s->unpack); lane++) {
		struct mysql_unpack *u = s->unpack[lane];
		if (!u)
			continue;
		if (u->has_zlib)
			inflateEnd(&u->zlib);
		ZSTD_freeDStream(u->zstd);
		free(u->tail);
		free(u);
		s->unpack[lane] = NULL;
		atomic_fetch_sub(&unpackers, 1);
	}
}

/* The bytes as packets. What they leave is kept for the next. */
static enum parse show(struct parser *ps, struct mysql_state *s, struct mysql_unpack *u, const u8 *p, size_t n, size_t *ret_used)
{
	struct chunk c = *ps->chunk, *outer = ps->chunk;
	c.p = p;
	c.n = n;
	c.used = 0;
	c.want = 0;
	ps->chunk = &c;
	enum parse verdict = mysql_packets(ps, s, &c);
	ps->chunk = outer;
	*ret_used = verdict == PARSE_MORE ? 0 : c.used;
	if (verdict == PARSE_SKIP)
		u->skip = c.want;
	u->tail_want = verdict == PARSE_MORE ? (u32)MIN(c.want, TAIL_MAX) : 0;
	return verdict;
}

/* Shows as much as is wanted. Returns PARSE_OK when all is used, PARSE_MORE with *ret_used when the rest has to wait. */
static enum parse show_all(struct parser *ps, struct mysql_state *s, struct mysql_unpack *u, const u8 *p, size_t n, size_t *ret_used)
{
	size_t at = 0;
	*ret_used = 0;
	for (;;) {
		size_t skipped = (size_t)MIN(u->skip, n - at);
		bool resumed = skipped && skipped == u->skip;
		u->skip -= skipped;
		at += skipped;
		if (at == n && !resumed)
			break;
		size_t used;
		enum parse verdict = show(ps, s, u, p + at, n - at, &used);
		at += used;
		*ret_used = at;
		if (ps->next_proto || verdict == PARSE_DESYNC || verdict == PARSE_NOT_MINE)
			return verdict == PARSE_NOT_MINE ? verdict : ps->next_proto ? PARSE_OK : PARSE_DESYNC;
		if (verdict == PARSE_MORE)
			return at == n ? PARSE_OK : PARSE_MORE;
	}
	*ret_used = n;
	return PARSE_OK;
}

/* Keeps bytes that a packet's beginning still lacks company. */
static bool keep(struct mysql_unpack *u, const u8 *p, size_t n)
{
	if (!u->tail)
		u->tail = malloc(TAIL_MAX);
	if (!u->tail || n > TAIL_MAX - u->tail_n)
		return false;
	memcpy(u->tail + u->tail_n, p, n);
	u->tail_n += (u32)n;
	return true;
}

/* Decompressed bytes, which come after the tail. */
static enum parse take(struct parser *ps, struct mysql_state *s, struct mysql_unpack *u, const u8 *p, size_t n)
{
	size_t used;
	while (u->tail_n && n && !ps->next_proto) {
		size_t more = u->tail_want > u->tail_n ? u->tail_want - u->tail_n : 1, had = u->tail_n;
		more = MIN(more, n);
		if (!keep(u, p, more))
			return PARSE_DESYNC;
		if (u->tail_n < u->tail_want)
			return PARSE_OK;
		enum parse verdict = show_all(ps, s, u, u->tail, u->tail_n, &used);
		if (verdict != PARSE_OK && verdict != PARSE_MORE)
			return verdict;
		if (used >= had) {
			p += used - had;
			n -= used - had;
			u->tail_n = 0;
			continue;
		}
		u->tail_n -= (u32)used;
		memmove(u->tail, u->tail + used, u->tail_n);
		p += more;
		n -= more;
	}
	if (!n || ps->next_proto)
		return PARSE_OK;
	enum parse verdict = show_all(ps, s, u, p, n, &used);
	if (verdict != PARSE_MORE)
		return verdict;
	return keep(u, p + used, n - used) ? PARSE_OK : PARSE_DESYNC;
}

static bool zlib_begin(struct mysql_unpack *u)
{
	if (u->has_zlib)
		return inflateReset(&u->zlib) == Z_OK;
	u->has_zlib = inflateInit(&u->zlib) == Z_OK;
	return u->has_zlib;
}

static bool zstd_begin(struct mysql_unpack *u)
{
	if (!u->zstd)
		u->zstd = ZSTD_createDStream();
	return u->zstd && !ZSTD_isError(ZSTD_initDStream(u->zstd)) && !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG));
}

/* The first byte of the frame tells how it is packed. */
static bool packing_begin(struct mysql_unpack *u, u8 first)
{
	u->packing = first == 0x28 ? PACKED_ZSTD : PACKED_ZLIB;
	return u->packing == PACKED_ZSTD ? zstd_begin(u) : zlib_begin(u);
}

static enum parse inflate_take(struct parser *ps, struct mysql_state *s, struct mysql_unpack *u, const u8 *p, u32 n)
{
	u8 piece[PIECE];
	u->zlib.next_in = (z_const Bytef *)(uintptr_t)p;
	u->zlib.avail_in = n;
	for (;;) {
		u->zlib.next_out = piece;
		u->zlib.avail_out = sizeof(piece);
		int result = inflate(&u->zlib, Z_SYNC_FLUSH);
		size_t made = sizeof(piece) - u->zlib.avail_out;
		enum parse verdict = made ? take(ps, s, u, piece, made) : PARSE_OK;
		if (verdict != PARSE_OK || ps->next_proto)
			return verdict;
		if (result == Z_STREAM_END || (result == Z_BUF_ERROR && !made) || (result == Z_OK && u->zlib.avail_out))
			return PARSE_OK;
		if (result != Z_OK && result != Z_BUF_ERROR)
			return PARSE_DESYNC;
	}
}

static enum parse zstd_take(struct parser *ps, struct mysql_state *s, struct mysql_unpack *u, const u8 *p, u32 n)
{
	u8 piece[PIECE];
	ZSTD_inBuffer in = { .src = p, .size = n };
	for (;;) {
		ZSTD_outBuffer out = { .dst = piece, .size = sizeof(piece) };
		size_t result = ZSTD_decompressStream(u->zstd, &out, &in);
		if (ZSTD_isError(result))
			return PARSE_DESYNC;
		enum parse verdict = out.pos ? take(ps, s, u, piece, out.pos) : PARSE_OK;
		if (verdict != PARSE_OK || ps->next_proto)
			return verdict;
		if (in.pos == in.size && out.pos < out.size)
			return PARSE_OK;
	}
}

static enum parse frame_part(struct parser *ps, struct mysql_state *s, struct mysql_unpack *u, const u8 *p, u32 n)
{
	if (u->packing == PACKED_UNKNOWN && !packing_begin(u, *p))
		return PARSE_DESYNC;
	if (u->packing == PACKED_NOT)
		return take(ps, s, u, p, n);
	return u->packing == PACKED_ZSTD ? zstd_take(ps, s, u, p, n) : inflate_take(ps, s, u, p, n);
}

/* The outer chunk as messages see it: they begin with the frame that they begin in. */
static enum parse frame_show(struct parser *ps, struct mysql_state *s, struct mysql_unpack *u, struct chunk *c, u32 n)
{
	struct chunk frame = *c;
	frame.offset = u->start;
	frame.used = 0;
	ps->chunk = &frame;
	enum parse verdict = frame_part(ps, s, u, c->p + c->used, n);
	ps->chunk = c;
	return verdict;
}

enum parse mysql_frames(struct parser *ps, struct mysql_state *s, struct chunk *c)
{
	u32 lane = mysql_lane_of(ps);
	struct mysql_unpack *u = unpack_of(s, lane);
	if (!u)
		return PARSE_NOT_MINE; /* too many of them */
	while (c->used < c->n) {
		if (!u->left) {
			const u8 *p = c->p + c->used;
			if (c->n - c->used < MYSQL_FRAME_HEADER) {
				c->want = MYSQL_FRAME_HEADER;
				return c->used ? PARSE_OK : PARSE_MORE;
			}
			u->start = c->offset + c->used;
			u->left = le24(p);
			u->packing = le24(p + 4) ? PACKED_UNKNOWN : PACKED_NOT;
			s->frame_end[lane] = u->start + MYSQL_FRAME_HEADER + u->left;
			c->used += MYSQL_FRAME_HEADER;
			continue;
		}
		u32 n = (u32)MIN(u->left, c->n - c->used);
		enum parse verdict = frame_show(ps, s, u, c, n);
		c->used += n;
		u->left -= n;
		if (verdict != PARSE_OK || ps->next_proto)
			return verdict;
	}
	return PARSE_OK;
}
