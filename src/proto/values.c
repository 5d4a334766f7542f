#include "proto/values.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CUT "…"
#define DESCRIBED 120 /* bytes of a list for people */

void values_begin(struct values *l, const struct sql *sql)
{
	memset(l, 0, offsetof(struct values, text));
	l->masked = sql->secret_values;
}

bool values_next(struct values *l)
{
	if (l->n == VALUES_MAX || l->used + VALUE_BYTES + sizeof(CUT) > sizeof(l->text))
		return false;
	l->from = l->used;
	l->cut = false;
	return true;
}

void values_put(struct values *l, const void *p, size_t n)
{
	size_t room = VALUE_BYTES - (l->used - l->from);
	if (l->cut || l->masked || !n)
		return;
	if (n > room) {
		n = sql_cut(str_make(p, n), room);
		l->cut = true;
	}
	memcpy(l->text + l->used, p, n);
	l->used += (u32)n;
}

void values_putf(struct values *l, const char *format, ...)
{
	char text[64];
	va_list ap;
	va_start(ap, format);
	int n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	values_put(l, text, n < 0 ? 0 : MIN((size_t)n, sizeof(text) - 1));
}

/* The shortest text that reads back as the same number. */
void values_real(struct values *l, double v, bool single)
{
	char text[40];
	if (!isfinite(v)) {
		values_putf(l, "%s", isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity");
		return;
	}
	for (int digits = single ? 6 : 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		double back = single ? (double)strtof(text, NULL) : strtod(text, NULL);
		if (memcmp(&back, &v, sizeof(v)) == 0)
			break;
	}
	values_put(l, text, strlen(text));
}

/* Bytes of the UTF-8 sequence at p; 0 when it is none. One that the end cuts counts as whole. */
static size_t sequence(const u8 *p, size_t left)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : *p >= 0xe0 && *p < 0xf0 ? 3 : *p >= 0xf0 && *p < 0xf5 ? 4 : 0;
	u32 v = n > 1 ? *p & (0xffu >> (n + 1)) : 0;
	for (size_t i = 1; i < n; i++) {
		if (i == left)
			return left;
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (p[i] & 0x3f);
	}
	return n > 1 && (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000)) ? 0 : n;
}

/* UTF-8 without control characters but those of layout, as far as it is shown. */
static bool is_text(const u8 *p, size_t n)
{
	n = MIN(n, VALUE_BYTES);
	for (size_t i = 0; i < n;) {
		size_t one = sequence(p + i, n - i);
		if (!one || p[i] == 0x7f || (p[i] < ' ' && p[i] != '\t' && p[i] != '\n' && p[i] != '\r'))
			return false;
		i += one;
	}
	return true;
}

void values_hex(struct values *l, const void *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	const u8 *at = p;
	values_put(l, "\\x", 2);
	for (size_t i = 0; i < n && !l->cut && !l->masked; i++)
		values_put(l, (char[2]){ hex[at[i] >> 4], hex[at[i] & 15] }, 2);
}

void values_bytes(struct values *l, const void *p, size_t n)
{
	if (is_text(p, n))
		values_put(l, p, n);
	else
		values_hex(l, p, n);
}

void values_end(struct values *l)
{
	if (l->masked) {
		l->v[l->n++] = STR("***");
		return;
	}
	if (l->cut) {
		memcpy(l->text + l->used, CUT, sizeof(CUT) - 1);
		l->used += sizeof(CUT) - 1;
	}
	l->v[l->n++] = str_make(l->text + l->from, l->used - l->from);
}

void values_null(struct values *l)
{
	l->v[l->n++] = l->masked ? STR("***") : STRS_NULL;
}

struct strs values_done(struct values *l, struct arena *a, u64 count)
{
	if (l->n < count)
		l->v[l->n++] = STR(CUT);
	struct str *v = l->n ? arena_alloc(a, l->n * sizeof(*v)) : NULL;
	char *text = v && l->used ? arena_alloc(a, l->used) : NULL;
	if (!v || (l->used && !text))
		return (struct strs){ 0 };
	memcpy(v, l->v, l->n * sizeof(*v));
	if (text)
		memcpy(text, l->text, l->used);
	for (u32 i = 0; i < l->n; i++) {
		bool own = v[i].p >= l->text && v[i].p <= l->text + sizeof(l->text);
		if (own)
			v[i].p = v[i].n ? text + (v[i].p - l->text) : "";
	}
	return (struct strs){ v, l->n };
}

void values_describe(struct buf *out, struct strs values)
{
	size_t start = out->len;
	for (u32 i = 0; i < values.n; i++) {
		buf_adds(out, i ? ", " : " (");
		if (out->len - start > DESCRIBED) {
			buf_adds(out, CUT);
			break;
		}
		buf_add(out, values.v[i].p, sql_cut(values.v[i], DESCRIBED / 2));
	}
	if (values.n)
		buf_addc(out, ')');
}
