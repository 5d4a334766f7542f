/* Frame headers (RFC 9113 sections 4.1 and 6), and how frames are told from other bytes. */
#include "proto/http2/http2.h"
#include "util/bytes.h"

#define PROVED 3        /* frames in a row that prove themselves anywhere … */
#define PROVED_BOUNDARY 2 /* … and at the start of a segment */

struct h2_frame h2_frame_read(const u8 *p)
{
	return (struct h2_frame){ .length = be24(p), .type = p[3], .flags = p[4], .stream = be32(p + 5) & 0x7fffffff };
}

const char *h2_error_name(u32 code)
{
	static const char *const names[] = {
		"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
		"REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
	};
	return code < ARRAY_LEN(names) ? names[code] : "UNKNOWN_ERROR";
}

bool h2_frame_plausible(const struct h2_frame *f, u32 max)
{
	u32 least = (f->flags & H2_PADDED ? 1 : 0) + (f->type == H2_HEADERS && f->flags & H2_HAS_PRIORITY ? 5 : 0);
	if (f->length > max)
		return false;
	switch (f->type) {
	case H2_DATA: return f->stream && !(f->flags & ~(H2_END_STREAM | H2_PADDED)) && f->length >= least;
	case H2_HEADERS:
		return f->stream && !(f->flags & ~(H2_END_STREAM | H2_END_HEADERS | H2_PADDED | H2_HAS_PRIORITY)) && f->length >= least;
	case H2_PRIORITY: return f->stream && f->length == 5 && !f->flags;
	case H2_RST_STREAM: return f->stream && f->length == 4 && !f->flags;
	case H2_SETTINGS: return !f->stream && f->length % 6 == 0 && !(f->flags & ~H2_ACK) && (!f->flags || !f->length) && f->length <= 600;
	case H2_PUSH_PROMISE: return f->stream && !(f->flags & ~(H2_END_HEADERS | H2_PADDED)) && f->length >= 4 + least;
	case H2_PING: return !f->stream && f->length == 8 && !(f->flags & ~H2_ACK);
	case H2_GOAWAY: return !f->stream && f->length >= 8 && !f->flags;
	case H2_WINDOW_UPDATE: return f->length == 4 && !f->flags;
	case H2_CONTINUATION: return f->stream && !(f->flags & ~H2_END_HEADERS);
	default: return false;
	}
}

/* What the payload says, as far as it is here: n bytes of it at p. */
static bool payload_plausible(const struct h2_frame *f, const u8 *p, size_t n)
{
	if (f->type == H2_WINDOW_UPDATE && n >= 4)
		return (be32(p) & 0x7fffffff) != 0;
	if (f->type == H2_RST_STREAM && n >= 4)
		return be32(p) <= 64;
	if (f->type == H2_SETTINGS && n >= 2)
		return be16(p) > 0;
	return true;
}

/* Who sends a request or a response begins with a pseudo-header of the static table. */
static bool block_side(const struct h2_frame *f, const u8 *p, size_t n, enum side *ret)
{
	size_t at = (f->flags & H2_PADDED ? 1 : 0) + (f->flags & H2_HAS_PRIORITY ? 5 : 0);
	while (at < n && (p[at] & 0xe0) == 0x20 && (p[at] & 0x1f) < 31)
		at++;
	if (f->type != H2_HEADERS || at >= n)
		return false;
	u8 b = p[at] & 0x80 ? p[at] & 0x7f : p[at] & 0x40 ? p[at] & 0x3f : p[at] & 0x0f;
	if (b < 1 || b > 14)
		return false;
	*ret = b <= 7 ? SIDE_REQUEST : SIDE_RESPONSE;
	return true;
}

struct walk {
	unsigned frames; /* complete frame headers, each where the one before says */
	bool broken;     /* what follows them is none */
	bool sided;      /* *side is known */
	bool exact;      /* the bytes end where a frame does */
	size_t need;     /* bytes after which the next frame header is there */
};

static struct walk walk_frames(const u8 *p, size_t n, u32 max, enum side *side)
{
	struct walk w = { 0 };
	size_t at = 0;
	while (n - at >= H2_HEADER && w.frames < 16) {
		struct h2_frame f = h2_frame_read(p + at);
		size_t rest = n - at - H2_HEADER, here = MIN(rest, f.length);
		if (!h2_frame_plausible(&f, max) || !payload_plausible(&f, p + at + H2_HEADER, here)) {
			w.broken = true;
			return w;
		}
		w.frames++;
		if (!w.sided)
			w.sided = block_side(&f, p + at + H2_HEADER, here, side);
		w.need = at + H2_HEADER + f.length + H2_HEADER;
		if (f.length > rest)
			return w;
		at += H2_HEADER + f.length;
	}
	w.exact = at == n;
	return w;
}

enum probe http2_probe(const u8 *p, size_t n, enum side *side)
{
	*side = SIDE_REQUEST;
	if (memcmp(p, H2_PREFACE, MIN(n, H2_PREFACE_LEN)) == 0)
		return n >= 16 ? PROBE_SURE : PROBE_MORE;
	if (n < H2_HEADER)
		return p[0] == 0 && (n < 4 || p[3] <= H2_CONTINUATION) ? PROBE_MORE : PROBE_NO;
	struct h2_frame first = h2_frame_read(p);
	struct walk w = walk_frames(p, n, H2_FRAME_DEFAULT, side);
	if (w.broken)
		return PROBE_NO;
	if (first.type == H2_SETTINGS && !first.flags && !w.sided)
		*side = SIDE_RESPONSE; /* a client's come after the preface */
	if (w.frames >= PROVED || (w.frames >= PROVED_BOUNDARY && w.sided))
		return PROBE_SURE;
	if (first.type == H2_SETTINGS && first.length && n >= H2_HEADER + 2 && be16(p + H2_HEADER) < 16)
		return PROBE_SURE;
	return w.exact || w.frames >= PROVED_BOUNDARY ? PROBE_MAYBE : PROBE_MORE;
}

long h2_frame_find(const struct chunk *c, u32 max)
{
	enum side side;
	if (c->offset == 0 && memcmp(c->p, H2_PREFACE, MIN(c->n, H2_PREFACE_LEN)) == 0)
		return c->n >= H2_PREFACE_LEN ? 0 : -2 - (long)c->n;
	for (size_t at = 0; at < c->n; at++) {
		size_t n = c->n - at;
		bool boundary = c->boundary && at == 0;
		struct walk w = walk_frames(c->p + at, n, max, &side);
		if (w.broken || (n < H2_HEADER && c->p[at] != 0))
			continue;
		if (w.frames >= (boundary ? PROVED_BOUNDARY : PROVED) || (w.exact && w.frames && boundary))
			return (long)at;
		return -2 - (long)n;
	}
	return -1;
}
