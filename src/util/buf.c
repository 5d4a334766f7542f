#include "util/buf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_MAX (64 * MIB)

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ .max = b->max };
}

bool buf_grow(struct buf *b, size_t n)
{
	size_t max = b->max ? b->max : DEFAULT_MAX;
	if (n > max || b->len > max - n)
		goto fail;
	size_t cap = MAX(b->cap * 2, 256);
	while (cap < b->len + n)
		cap *= 2;
	char *data = realloc(b->data, MIN(cap, max + 1));
	if (!data)
		goto fail;
	b->data = data;
	b->cap = MIN(cap, max + 1);
	return true;
fail:
	b->failed = true;
	return false;
}

void buf_add_u64(struct buf *b, u64 v)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
				    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
				    "8081828384858687888990919293949596979899";
	char tmp[20], *at = tmp + sizeof(tmp);
	while (v >= 100) {
		at -= 2;
		memcpy(at, pairs + 2 * (v % 100), 2);
		v /= 100;
	}
	if (v >= 10) {
		at -= 2;
		memcpy(at, pairs + 2 * v, 2);
	} else {
		*--at = (char)('0' + v);
	}
	buf_add(b, at, (size_t)(tmp + sizeof(tmp) - at));
}

void buf_add_i64(struct buf *b, i64 v)
{
	if (v < 0) {
		buf_addc(b, '-');
		buf_add_u64(b, (u64)0 - (u64)v);
	} else {
		buf_add_u64(b, (u64)v);
	}
}

void buf_add_double(struct buf *b, double v)
{
	if (!isfinite(v))
		v = 0;
	if (v == (double)(i64)v && fabs(v) < 1e15) {
		buf_add_i64(b, (i64)v);
		return;
	}
	char tmp[32];
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(tmp, sizeof(tmp), "%.*g", digits, v);
		if (strtod(tmp, NULL) == v)
			break;
	}
	buf_adds(b, tmp);
}

void buf_vaddf(struct buf *b, const char *format, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	char tmp[512];
	int n = vsnprintf(tmp, sizeof(tmp), format, ap);
	if (n >= 0 && (size_t)n < sizeof(tmp)) {
		buf_add(b, tmp, (size_t)n);
	} else if (n > 0 && buf_room(b, (size_t)n + 1)) {
		vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void buf_addf(struct buf *b, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	buf_vaddf(b, format, ap);
	va_end(ap);
}

const char *buf_cstr(struct buf *b)
{
	char *end = buf_room(b, 1);
	if (!end)
		return "";
	*end = '\0';
	return b->data;
}
