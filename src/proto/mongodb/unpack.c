/* zlib and zstd by their libraries. Snappy's has nothing for data that comes in pieces; the format is that of
 * https://github.com/google/snappy, format_description.txt: a length, then literals and copies of what came before. Compressors work on
 * blocks of 64 KiB, so that no copy reaches farther back. */
#include "proto/mongodb/unpack.h"

#include <pthread.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "proto/mongodb/mongodb.h"

#define SNAPPY_HISTORY (64 * KIB)
#define SNAPPY_COPY_MAX 64
#define OUTPUT_MIN (16 * KIB)  /* room a decompressor is given at the least */
#define ZSTD_WINDOW_LOG 22     /* 4 MiB; what servers and drivers write has 2 MiB at the most */

struct snappy {
	u64 left;      /* bytes the data has still to make */
	u32 literal;   /* bytes of a literal to come */
	u8 tag[5], tag_n;
	u8 length_n;   /* bytes of the length read */
	bool started;
};

struct unpacker {
	u8 compressor;
	bool ended;
	u64 skip, made;
	size_t from, to; /* bytes of out not taken yet; before them is history */
	z_stream zlib;
	bool has_zlib;
	ZSTD_DStream *zstd;
	struct snappy snappy;
	u8 out[UNPACK_ROOM];
};

struct unpackers {
	u32 used;
	struct unpacker *spare;
};

static _Thread_local struct unpackers *mine;
static pthread_key_t mine_key;
static pthread_once_t mine_once = PTHREAD_ONCE_INIT;

static void destroy(struct unpacker *u)
{
	if (!u)
		return;
	if (u->has_zlib)
		inflateEnd(&u->zlib);
	ZSTD_freeDStream(u->zstd);
	free(u);
}

static void thread_ends(void *p)
{
	struct unpackers *all = p;
	destroy(all->spare);
	free(all);
}

static void make_key(void)
{
	pthread_key_create(&mine_key, thread_ends);
}

static struct unpackers *unpackers(void)
{
	if (mine)
		return mine;
	pthread_once(&mine_once, make_key);
	struct unpackers *all = calloc(1, sizeof(*all));
	if (all && pthread_setspecific(mine_key, all) != 0) {
		free(all);
		return NULL;
	}
	return mine = all;
}

/* Makes the decompressor ready for new data; false without memory. */
static bool prepare(struct unpacker *u, u8 compressor)
{
	u->compressor = compressor;
	u->ended = false;
	u->skip = u->made = 0;
	u->from = u->to = 0;
	u->snappy = (struct snappy){ 0 };
	switch (compressor) {
	case COMPRESSOR_SNAPPY:
		return true;
	case COMPRESSOR_ZLIB:
		if (u->has_zlib)
			return inflateReset(&u->zlib) == Z_OK;
		u->zlib = (z_stream){ 0 };
		return u->has_zlib = inflateInit(&u->zlib) == Z_OK;
	case COMPRESSOR_ZSTD:
		u->zstd = u->zstd ? u->zstd : ZSTD_createDStream();
		return u->zstd && !ZSTD_isError(ZSTD_initDStream(u->zstd)) &&
		       !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG));
	default:
		return false;
	}
}

struct unpacker *unpack_new(u8 compressor)
{
	struct unpackers *all = unpackers();
	if (!all || all->used == UNPACK_MAX)
		return NULL;
	struct unpacker *u = all->spare;
	all->spare = NULL;
	if (!u) {
		u = malloc(sizeof(*u));
		if (!u)
			return NULL;
		u->has_zlib = false;
		u->zstd = NULL;
	}
	if (!prepare(u, compressor)) {
		destroy(u);
		return NULL;
	}
	all->used++;
	return u;
}

void unpack_free(struct unpacker *u)
{
	struct unpackers *all = unpackers();
	if (!u || !all)
		return;
	all->used--;
	if (all->spare)
		destroy(u);
	else
		all->spare = u;
}

const u8 *unpack_bytes(const struct unpacker *u, size_t *ret_n)
{
	*ret_n = u->to - u->from;
	return u->out + u->from;
}

void unpack_take(struct unpacker *u, size_t n)
{
	u->from += n;
}

void unpack_skip(struct unpacker *u, u64 n)
{
	u->skip += n;
}

bool unpack_skips(const struct unpacker *u)
{
	return u->skip > 0;
}

u64 unpack_made(const struct unpacker *u)
{
	return u->made;
}

/* Makes room behind what has not been taken, and the history. */
static void compact(struct unpacker *u)
{
	size_t keep = u->to - u->from, history = u->compressor == COMPRESSOR_SNAPPY ? SNAPPY_HISTORY : 0;
	if (sizeof(u->out) - u->to >= OUTPUT_MIN)
		return;
	keep = MAX(keep, MIN(u->to, history));
	memmove(u->out, u->out + u->to - keep, keep);
	u->from -= u->to - keep;
	u->to = keep;
}

static enum unpack_result feed_zlib(struct unpacker *u, const u8 *p, size_t n, size_t *used, size_t *made)
{
	z_stream *z = &u->zlib;
	size_t room = sizeof(u->out) - u->to;
	z->next_in = (Bytef *)(uintptr_t)p;
	z->avail_in = (uInt)n;
	z->next_out = u->out + u->to;
	z->avail_out = (uInt)room;
	int result = inflate(z, Z_NO_FLUSH);
	*used = n - z->avail_in;
	*made = room - z->avail_out;
	u->ended = result == Z_STREAM_END;
	return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR ? UNPACK_OK : UNPACK_BAD;
}

static enum unpack_result feed_zstd(struct unpacker *u, const u8 *p, size_t n, size_t *used, size_t *made)
{
	ZSTD_inBuffer in = { p, n, 0 };
	ZSTD_outBuffer out = { u->out + u->to, sizeof(u->out) - u->to, 0 };
	size_t left = ZSTD_decompressStream(u->zstd, &out, &in);
	*used = in.pos;
	*made = out.pos;
	u->ended = left == 0;
	return ZSTD_isError(left) ? UNPACK_BAD : UNPACK_OK;
}

/* Bytes of a tag behind its first. */
static u32 tag_more(u8 first)
{
	static const u8 copies[4] = { 0, 1, 2, 4 };
	u32 literal = first >> 2;
	if (first & 3)
		return copies[first & 3];
	return literal < 60 ? 0 : literal - 59;
}

static bool snappy_copy(struct unpacker *u, u32 offset, u32 length)
{
	if (offset == 0 || offset > u->to || length > u->snappy.left)
		return false;
	for (u32 i = 0; i < length; i++, u->to++)
		u->out[u->to] = u->out[u->to - offset];
	u->snappy.left -= length;
	return true;
}

/* The tag is complete. */
static bool snappy_tag(struct unpacker *u)
{
	struct snappy *s = &u->snappy;
	const u8 *t = s->tag;
	u32 length = (t[0] >> 2) + 1;
	s->tag_n = 0;
	switch (t[0] & 3) {
	case 1: return snappy_copy(u, (u32)(t[0] >> 5) << 8 | t[1], (t[0] >> 2 & 7) + 4);
	case 2: return snappy_copy(u, le16(t + 1), length);
	case 3: return snappy_copy(u, le32(t + 1), length);
	default: break;
	}
	if (length > 60) {
		u8 bytes[4] = { 0 };
		memcpy(bytes, t + 1, length - 60);
		length = le32(bytes) + 1;
	}
	if (length == 0 || length > s->left)
		return false;
	s->literal = length;
	return true;
}

/* One byte of what is no literal. */
static bool snappy_byte(struct unpacker *u, u8 c)
{
	struct snappy *s = &u->snappy;
	if (!s->started) {
		if (s->length_n == 5)
			return false;
		s->left |= (u64)(c & 0x7f) << (7 * s->length_n++);
		s->started = c < 0x80;
		return true;
	}
	s->tag[s->tag_n++] = c;
	return s->tag_n <= tag_more(s->tag[0]) || snappy_tag(u);
}

static enum unpack_result feed_snappy(struct unpacker *u, const u8 *p, size_t n, size_t *used, size_t *made)
{
	struct snappy *s = &u->snappy;
	size_t before = u->to, at = 0;
	while (at < n && sizeof(u->out) - u->to >= SNAPPY_COPY_MAX && !(s->started && !s->left)) {
		if (s->literal) {
			size_t part = MIN(MIN((size_t)s->literal, n - at), sizeof(u->out) - u->to);
			memcpy(u->out + u->to, p + at, part);
			u->to += part;
			at += part;
			s->literal -= (u32)part;
			s->left -= part;
		} else if (!snappy_byte(u, p[at++])) {
			return UNPACK_BAD;
		}
	}
	u->ended = s->started && !s->left;
	*used = at;
	*made = u->to - before;
	u->to = before; /* the caller adds them */
	return UNPACK_OK;
}

enum unpack_result unpack_feed(struct unpacker *u, const u8 *p, size_t n, size_t *ret_used)
{
	size_t made = 0;
	*ret_used = 0;
	if (u->ended)
		return UNPACK_STUCK;
	compact(u);
	enum unpack_result result = u->compressor == COMPRESSOR_ZLIB ? feed_zlib(u, p, n, ret_used, &made) :
				    u->compressor == COMPRESSOR_ZSTD ? feed_zstd(u, p, n, ret_used, &made) :
								       feed_snappy(u, p, n, ret_used, &made);
	if (result != UNPACK_OK)
		return result;
	u->to += made;
	u->made += made;
	size_t skipped = (size_t)MIN(u->skip, (u64)(u->to - u->from));
	u->skip -= skipped;
	u->from += skipped;
	return made || *ret_used ? UNPACK_OK : UNPACK_STUCK;
}
