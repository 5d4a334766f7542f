#include "server/compress.h"

#include <stdlib.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#define WORTH 1024 /* bytes below which it is not */

/* Does the list name this coding, with a weight other than 0? */
static bool takes(const char *accept, const char *coding)
{
	size_t n = strlen(coding);
	for (const char *at = accept; (at = strcasestr(at, coding)) != NULL; at += n) {
		char before = at == accept ? ',' : at[-1], after = at[n];
		if ((before != ',' && before != ' ' && before != '\t') || (after && !strchr(",; \t", after)))
			continue;
		const char *end = strchr(at, ','), *weight = strcasestr(at, "q=");
		return !weight || (end && weight > end) || strtod(weight + 2, NULL) > 0;
	}
	return false;
}

static void replace(struct buf *body, struct buf *by, size_t n)
{
	by->len = n;
	buf_done(body);
	*body = *by;
}

static bool pack_zstd(struct buf *body)
{
	struct buf out = { .max = body->max };
	size_t bound = ZSTD_compressBound(body->len);
	char *to = buf_room(&out, bound);
	size_t n = to ? ZSTD_compress(to, bound, body->data, body->len, 1) : 0;
	if (!to || ZSTD_isError(n)) {
		buf_done(&out);
		return false;
	}
	replace(body, &out, n);
	return true;
}

static bool pack_gzip(struct buf *body)
{
	struct buf out = { .max = body->max };
	z_stream z = { 0 };
	if (body->len > UINT32_MAX / 2 || deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	uLong bound = deflateBound(&z, (uLong)body->len);
	char *to = buf_room(&out, bound);
	z.next_in = (Bytef *)body->data;
	z.avail_in = (uInt)body->len;
	z.next_out = (Bytef *)to;
	z.avail_out = (uInt)bound;
	bool done = to && deflate(&z, Z_FINISH) == Z_STREAM_END;
	size_t n = z.total_out;
	deflateEnd(&z);
	if (done)
		replace(body, &out, n);
	else
		buf_done(&out);
	return done;
}

const char *compress_answer(struct buf *body, const char *accept)
{
	if (!accept || body->len < WORTH || body->failed)
		return NULL;
	if (takes(accept, "zstd") && pack_zstd(body))
		return "zstd";
	return takes(accept, "gzip") && pack_gzip(body) ? "gzip" : NULL;
}
