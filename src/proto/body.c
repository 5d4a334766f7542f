#include "proto/body.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include "util/json.h"

#define PIECE_MIN 4000u
#define PIECE_MAX 32000u   /* an arena chunk holds 64 KiB */
#define ZSTD_WINDOW_LOG 23 /* RFC 9659: 8 MiB is what a receiver has to support */

static struct str trimmed(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_make(s.p + 1, s.n - 1);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

enum body_coding body_coding(struct str name)
{
	static const struct {
		struct str name;
		u8 coding;
	} codings[] = {
		{ { "gzip", 4 }, BODY_GZIP }, { { "x-gzip", 6 }, BODY_GZIP }, { { "deflate", 7 }, BODY_DEFLATE },
		{ { "br", 2 }, BODY_BROTLI }, { { "zstd", 4 }, BODY_ZSTD }, { { "identity", 8 }, BODY_IDENTITY },
	};
	name = trimmed(name);
	if (name.n == 0)
		return BODY_IDENTITY;
	for (size_t i = 0; i < ARRAY_LEN(codings); i++)
		if (str_eq_nocase(name, codings[i].name))
			return codings[i].coding;
	return BODY_UNKNOWN;
}

static bool ends_with(struct str s, struct str end)
{
	return s.n >= end.n && str_eq_nocase(str_make(s.p + s.n - end.n, end.n), end);
}

void body_start(struct body *b, u32 limit, struct str type, enum body_coding coding)
{
	const char *semicolon = type.n ? memchr(type.p, ';', type.n) : NULL;
	if (semicolon)
		type.n = (u32)(semicolon - type.p);
	type = trimmed(type);
	bool json = str_eq_nocase(type, STR("application/json")) || str_eq_nocase(type, STR("text/json")) ||
		    ends_with(type, STR("+json"));
	bool text = str_eq_nocase(type, STR("text/plain")) || str_eq_nocase(type, STR("text/html"));
	*b = (struct body){ .coding = (u8)coding, .json = json };
	if ((json || text) && coding != BODY_UNKNOWN)
		b->limit = b->keep = limit;
}

void body_add(struct body *b, struct arena *a, const u8 *p, size_t n)
{
	n = MIN(n, body_room(b));
	while (n) {
		struct body_piece *last = b->last;
		if (!last || last->n == last->room) {
			u32 room = (u32)MIN(MAX(n, PIECE_MIN), PIECE_MAX);
			struct body_piece *fresh = arena_alloc(a, sizeof(*fresh) + room);
			if (!fresh) { /* this is all we can keep */
				b->keep = b->n;
				return;
			}
			*fresh = (struct body_piece){ .room = room };
			*(last ? &last->next : &b->first) = fresh;
			last = b->last = fresh;
		}
		u32 part = (u32)MIN(n, last->room - last->n);
		memcpy((u8 *)(last + 1) + last->n, p, part);
		last->n += part;
		b->n += part;
		p += part;
		n -= part;
	}
}

/* Decompressors. `in` may end early: what it yields until then counts. */

static void inflate_zlib(const struct buf *in, char *out, size_t *len, size_t room, int window)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in->data, .avail_in = (uInt)in->len, .next_out = (Bytef *)out,
		       .avail_out = (uInt)room };
	*len = 0;
	if (inflateInit2(&z, window) != Z_OK)
		return;
	inflate(&z, Z_SYNC_FLUSH);
	*len = room - z.avail_out;
	inflateEnd(&z);
}

static void inflate_brotli(const struct buf *in, char *out, size_t *len, size_t room)
{
	BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	const u8 *next_in = (const u8 *)in->data;
	u8 *next_out = (u8 *)out;
	size_t left_in = in->len, left_out = room;
	*len = 0;
	if (!state)
		return;
	BrotliDecoderDecompressStream(state, &left_in, &next_in, &left_out, &next_out, NULL);
	*len = room - left_out;
	BrotliDecoderDestroyInstance(state);
}

static void inflate_zstd(const struct buf *in, char *out, size_t *len, size_t room)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer from = { in->data, in->len, 0 };
	ZSTD_outBuffer to = { out, room, 0 };
	*len = 0;
	if (!stream)
		return;
	ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
	while (from.pos < from.size && to.pos < to.size) {
		size_t before = from.pos + to.pos;
		if (ZSTD_isError(ZSTD_decompressStream(stream, &to, &from)) || from.pos + to.pos == before)
			break;
	}
	*len = to.pos;
	ZSTD_freeDStream(stream);
}

/* "deflate" is the zlib format (RFC 9110 section 8.4.1.2), but some send the bare one. */
static void inflate_deflate(const struct buf *in, char *out, size_t *len, size_t room)
{
	inflate_zlib(in, out, len, room, MAX_WBITS);
	if (*len == 0)
		inflate_zlib(in, out, len, room, -MAX_WBITS);
}

/* Decompresses `in` into `out` (empty). False when it yields nothing. */
static bool decode(const struct buf *in, struct buf *out, const struct body *b)
{
	size_t room = b->limit;
	char *to = buf_room(out, room);
	if (!to)
		return false;
	switch (b->coding) {
	case BODY_GZIP: inflate_zlib(in, to, &out->len, room, MAX_WBITS + 16); break;
	case BODY_DEFLATE: inflate_deflate(in, to, &out->len, room); break;
	case BODY_BROTLI: inflate_brotli(in, to, &out->len, room); break;
	case BODY_ZSTD: inflate_zstd(in, to, &out->len, room); break;
	default: return false;
	}
	return out->len > 0;
}

static void print(const struct buf *text, const struct body *b, struct buf *out)
{
	if (!b->json || !json_compact(out, text->data, text->len))
		json_str(out, str_make(text->data, text->len));
}

bool body_json(const struct body *b, struct buf *out)
{
	struct buf raw = { .max = b->n }, plain = { .max = b->limit };
	bool done = false;
	if (b->n == 0)
		return false;
	for (const struct body_piece *p = b->first; p; p = p->next)
		buf_add(&raw, p + 1, p->n);
	if (raw.failed) {
		done = false;
	} else if (b->coding == BODY_IDENTITY) {
		print(&raw, b, out);
		done = true;
	} else if (decode(&raw, &plain, b)) {
		print(&plain, b, out);
		done = true;
	}
	buf_done(&raw);
	buf_done(&plain);
	return done;
}
