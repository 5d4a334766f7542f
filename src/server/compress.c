#include "server/compress.h"

#include <stdlib.h>
#include <strings.h>

#include "export/compress.h"

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

static bool pack(struct buf *body, enum compression c)
{
	struct buf out = { .max = body->max };
	struct str whole = str_make(body->data, body->len);
	if (body->len > UINT32_MAX / 2 || !compress_parts(&out, c, &whole, 1)) {
		buf_done(&out);
		return false;
	}
	buf_done(body);
	*body = out;
	return true;
}

const char *compress_answer(struct buf *body, const char *accept)
{
	if (!accept || body->len < WORTH || body->failed)
		return NULL;
	if (takes(accept, "zstd") && pack(body, COMPRESS_ZSTD))
		return "zstd";
	return takes(accept, "gzip") && pack(body, COMPRESS_GZIP) ? "gzip" : NULL;
}
