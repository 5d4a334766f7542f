#include "export/compress.h"

#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#define GZIP_LEVEL 1 /* protobuf shrinks to a tenth at any level */
#define ZSTD_LEVEL 1

static const char *const names[] = { [COMPRESS_NONE] = NULL, [COMPRESS_GZIP] = "gzip", [COMPRESS_ZSTD] = "zstd", [COMPRESS_SNAPPY] = "snappy" };

const char *compression_name(enum compression c)
{
	return names[c];
}

bool compression_parse(const char *name, enum compression *ret)
{
	*ret = COMPRESS_NONE;
	if (!name || !*name || strcmp(name, "none") == 0)
		return true;
	for (unsigned i = COMPRESS_GZIP; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			*ret = (enum compression)i;
	return *ret != COMPRESS_NONE;
}

static size_t total(const struct str *parts, u32 n)
{
	size_t sum = 0;
	for (u32 i = 0; i < n; i++)
		sum += parts[i].n;
	return sum;
}

static bool gzip(struct buf *out, const struct str *parts, u32 n)
{
	z_stream z = { 0 };
	if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	size_t bound = deflateBound(&z, total(parts, n)) + 64;
	char *to = buf_room(out, bound);
	int rc = to ? Z_OK : Z_MEM_ERROR;
	z.next_out = (Bytef *)to;
	z.avail_out = (uInt)bound;
	for (u32 i = 0; i < n && rc == Z_OK; i++) {
		z.next_in = (Bytef *)(uintptr_t)parts[i].p;
		z.avail_in = parts[i].n;
		rc = parts[i].n ? deflate(&z, Z_NO_FLUSH) : Z_OK;
	}
	if (rc == Z_OK)
		rc = deflate(&z, Z_FINISH);
	if (rc == Z_STREAM_END)
		out->len += z.total_out;
	deflateEnd(&z);
	return rc == Z_STREAM_END;
}

static bool zstd(struct buf *out, const struct str *parts, u32 n)
{
	size_t bound = ZSTD_compressBound(total(parts, n)) + 64;
	char *to = buf_room(out, bound);
	ZSTD_CCtx *c = to ? ZSTD_createCCtx() : NULL;
	ZSTD_outBuffer dst = { to, bound, 0 };
	if (!c)
		return false;
	ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	size_t rc = 0;
	for (u32 i = 0; i < n && !ZSTD_isError(rc); i++) {
		ZSTD_inBuffer src = { parts[i].p, parts[i].n, 0 };
		rc = ZSTD_compressStream2(c, &dst, &src, i + 1 == n ? ZSTD_e_end : ZSTD_e_continue);
	}
	ZSTD_freeCCtx(c);
	if (rc != 0)
		return false;
	out->len += dst.pos;
	return true;
}

static bool snappy(struct buf *out, const struct str *parts, u32 n)
{
	struct buf whole = { .max = SIZE_MAX / 4 };
	struct str all = n == 1 ? parts[0] : (struct str){ 0 };
	for (u32 i = 0; n > 1 && i < n; i++)
		buf_add_str(&whole, parts[i]);
	if (n > 1)
		all = str_make(whole.data, whole.len);
	size_t size = snappy_max_compressed_length(all.n);
	char *to = whole.failed ? NULL : buf_room(out, size);
	bool good = to && snappy_compress(all.p ? all.p : "", all.n, to, &size) == SNAPPY_OK;
	if (good)
		out->len += size;
	buf_done(&whole);
	return good;
}

bool compress_parts(struct buf *out, enum compression c, const struct str *parts, u32 n)
{
	size_t start = out->len;
	switch (c) {
	case COMPRESS_GZIP:
		return gzip(out, parts, n);
	case COMPRESS_ZSTD:
		return n == 0 || zstd(out, parts, n);
	case COMPRESS_SNAPPY:
		return snappy(out, parts, n);
	case COMPRESS_NONE:
		break;
	}
	for (u32 i = 0; i < n; i++)
		buf_add_str(out, parts[i]);
	if (out->failed)
		out->len = start;
	return !out->failed;
}
