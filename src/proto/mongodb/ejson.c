/* Extended JSON, relaxed format: https://github.com/mongodb/specifications, source/extended-json. */
#include "proto/mongodb/ejson.h"

#include <stdio.h>

#include "proto/mongodb/bson.h"
#include "util/buf.h"

size_t ejson_cut(const char *p, size_t n, size_t limit)
{
	if (n <= limit)
		return n;
	size_t cut = limit;
	while (cut > 0 && limit - cut < 3 && ((u8)p[cut] & 0xc0) == 0x80)
		cut--;
	return ((u8)p[cut] & 0xc0) == 0x80 ? limit : cut;
}

void ejson_add(struct ejson *t, const void *p, size_t n)
{
	if (n > ejson_room(t)) {
		t->full = true;
		return;
	}
	if (n)
		memcpy(t->p + t->n, p, n);
	t->n += (u32)n;
}

static bool is_plain(u8 c)
{
	return c >= ' ' && c != '"' && c != '\\';
}

static void add_escaped(struct ejson *t, u8 c)
{
	static const char hex[] = "0123456789abcdef";
	static const char shorts[][2] = { { '\n', 'n' }, { '\r', 'r' }, { '\t', 't' }, { '"', '"' }, { '\\', '\\' } };
	char out[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
	for (size_t i = 0; i < ARRAY_LEN(shorts); i++)
		if (c == (u8)shorts[i][0]) {
			out[1] = shorts[i][1];
			ejson_add(t, out, 2);
			return;
		}
	ejson_add(t, out, 6);
}

void ejson_add_string(struct ejson *t, const u8 *p, size_t n, bool whole)
{
	ejson_add(t, "\"", 1);
	for (size_t i = 0; i < n && !t->full;) {
		size_t run = i;
		while (run < n && is_plain(p[run]))
			run++;
		size_t shown = ejson_cut((const char *)p + i, run - i, ejson_room(t));
		ejson_add(t, p + i, shown);
		if (shown < run - i)
			t->full = true;
		i = run;
		if (i < n)
			add_escaped(t, p[i++]);
	}
	if (!whole) {
		t->full = true;
		return;
	}
	ejson_add(t, "\"", 1);
}

void ejson_add_int(struct ejson *t, i64 v)
{
	char tmp[24], *p = tmp + sizeof(tmp);
	u64 left = v < 0 ? 0 - (u64)v : (u64)v;
	do {
		*--p = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (v < 0)
		*--p = '-';
	ejson_add(t, p, (size_t)(tmp + sizeof(tmp) - p));
}

static void add_double(struct ejson *t, const u8 *p)
{
	char tmp[64];
	double v;
	struct buf b = { .data = tmp, .cap = sizeof(tmp), .max = sizeof(tmp) };
	bson_double(BSON_DOUBLE, p, &v);
	if (v != v || v - v != 0) {
		ejson_adds(t, v != v ? STR("{\"$numberDouble\":\"NaN\"}") : v > 0 ? STR("{\"$numberDouble\":\"Infinity\"}") : STR("{\"$numberDouble\":\"-Infinity\"}"));
		return;
	}
	buf_add_double(&b, v);
	if (!memchr(b.data, '.', b.len) && !memchr(b.data, 'e', b.len))
		buf_adds(&b, ".0");
	ejson_add(t, b.data, b.len);
}

static void add_hex(struct ejson *t, const u8 *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++)
		ejson_add(t, (char[]){ hex[p[i] >> 4], hex[p[i] & 15] }, 2);
}

static void add_base64(struct ejson *t, const u8 *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < n; i += 3) {
		size_t part = MIN(n - i, (size_t)3);
		u32 v = (u32)p[i] << 16 | (part > 1 ? (u32)p[i + 1] << 8 : 0) | (part > 2 ? p[i + 2] : 0);
		char out[4] = { digits[v >> 18], digits[v >> 12 & 63], part > 1 ? digits[v >> 6 & 63] : '=', part > 2 ? digits[v & 63] : '=' };
		ejson_add(t, out, 4);
	}
}

static void add_binary(struct ejson *t, const u8 *p, size_t have)
{
	size_t n = le32(p), shown = MIN(MIN(n, have - 5), (size_t)EJSON_BINARY_SHOWN);
	ejson_adds(t, STR("{\"$binary\":{\"base64\":\""));
	add_base64(t, p + 5, shown);
	if (shown < n)
		ejson_adds(t, STR("..."));
	ejson_adds(t, STR("\",\"subType\":\""));
	add_hex(t, p + 4, 1);
	ejson_adds(t, STR("\"}}"));
}

/* Days since 1970 as a date of the Gregorian calendar, counted in years that begin in March. */
static void date_of_days(i64 days, int *ret_year, int *ret_month, int *ret_day)
{
	i64 shifted = days + 719468, era = shifted / 146097, in_era = shifted % 146097;
	i64 year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	i64 in_year = in_era - (365 * year + year / 4 - year / 100);
	i64 month = (5 * in_year + 2) / 153;
	*ret_day = (int)(in_year - (153 * month + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
	*ret_year = (int)(year + era * 400 + (*ret_month <= 2));
}

static void add_date(struct ejson *t, i64 ms)
{
	const i64 day = 86400000, end = 253402300800000; /* of the year 9999 */
	char tmp[80];
	int y, m, d, n;
	if (ms < 0 || ms >= end) {
		ejson_adds(t, STR("{\"$date\":{\"$numberLong\":\""));
		ejson_add_int(t, ms);
		ejson_adds(t, STR("\"}}"));
		return;
	}
	date_of_days(ms / day, &y, &m, &d);
	i64 rest = ms % day;
	n = snprintf(tmp, sizeof(tmp), "{\"$date\":\"%04d-%02d-%02dT%02d:%02d:%02d", y, m, d, (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60));
	ejson_add(t, tmp, (size_t)n);
	if (rest % 1000) {
		n = snprintf(tmp, sizeof(tmp), ".%03d", (int)(rest % 1000));
		ejson_add(t, tmp, (size_t)n);
	}
	ejson_adds(t, STR("Z\"}"));
}

/* IEEE 754-2008 decimal128 in the binary encoding: sign, exponent of 14 bits, coefficient of 113. Written as its specification
 * for BSON says: with an exponent unless that is 0 or down to -6 places before the first digit. */
static void add_decimal(struct ejson *t, const u8 *p)
{
	__extension__ typedef unsigned __int128 u128;
	u64 high = le64(p + 8);
	bool large = (high >> 61 & 3) == 3;
	i64 exponent = (i64)(large ? high >> 47 & 0x3fff : high >> 49 & 0x3fff) - 6176;
	u128 coefficient = large ? 0 : (u128)(high & 0x1ffffffffffffull) << 64 | le64(p);
	char digits[48], out[96];
	size_t n = 0, at = 0;
	ejson_adds(t, STR("{\"$numberDecimal\":\""));
	if (high >> 63 && (high >> 58 & 0x1f) != 0x1f)
		ejson_adds(t, STR("-"));
	if ((high >> 58 & 0x1f) >= 0x1e) {
		ejson_adds(t, (high >> 58 & 0x1f) == 0x1f ? STR("NaN") : STR("Infinity"));
		ejson_adds(t, STR("\"}"));
		return;
	}
	do {
		digits[sizeof(digits) - ++n] = (char)('0' + (int)(coefficient % 10));
		coefficient /= 10;
	} while (coefficient);
	const char *first = digits + sizeof(digits) - n;
	i64 scientific = exponent + (i64)n - 1, point = (i64)n + exponent; /* digits before the point */
	if (exponent > 0 || scientific < -6) {
		out[at++] = *first;
		if (n > 1)
			out[at++] = '.';
		memcpy(out + at, first + 1, n - 1);
		at += n - 1;
		at += (size_t)snprintf(out + at, sizeof(out) - at, "E%+d", (int)scientific);
	} else if (point > 0) {
		memcpy(out, first, (size_t)point);
		at = (size_t)point;
		if (exponent) {
			out[at++] = '.';
			memcpy(out + at, first + point, n - (size_t)point);
			at += n - (size_t)point;
		}
	} else {
		at = (size_t)snprintf(out, sizeof(out), "0.%.*s", (int)-point, "000000");
		memcpy(out + at, first, n);
		at += n;
	}
	ejson_add(t, out, at);
	ejson_adds(t, STR("\"}"));
}

static void add_regex(struct ejson *t, const u8 *p, size_t size)
{
	size_t pattern = strnlen((const char *)p, size), options = pattern + 1 < size ? strnlen((const char *)p + pattern + 1, size - pattern - 1) : 0;
	ejson_adds(t, STR("{\"$regularExpression\":{\"pattern\":"));
	ejson_add_string(t, p, pattern, true);
	ejson_adds(t, STR(",\"options\":"));
	ejson_add_string(t, p + MIN(pattern + 1, size), options, true);
	ejson_adds(t, STR("}}"));
}

/* A text of a type that needs a word for it. */
static void add_named_text(struct ejson *t, struct str name, const u8 *p, size_t have, size_t size)
{
	struct str s = bson_text(p, have);
	ejson_adds(t, name);
	ejson_add_string(t, (const u8 *)s.p, s.n, s.n + 5 >= size);
	ejson_adds(t, STR("}"));
}

static void add_timestamp(struct ejson *t, const u8 *p)
{
	ejson_adds(t, STR("{\"$timestamp\":{\"t\":"));
	ejson_add_int(t, le32(p + 4));
	ejson_adds(t, STR(",\"i\":"));
	ejson_add_int(t, le32(p));
	ejson_adds(t, STR("}}"));
}

void ejson_add_value(struct ejson *t, u8 type, const u8 *p, size_t have, size_t size)
{
	struct str s;
	switch (type) {
	case BSON_DOUBLE: add_double(t, p); break;
	case BSON_STRING:
		s = bson_text(p, have);
		ejson_add_string(t, (const u8 *)s.p, s.n, s.n + 5 >= size);
		break;
	case BSON_BINARY: add_binary(t, p, have); break;
	case BSON_UNDEFINED: ejson_adds(t, STR("{\"$undefined\":true}")); break;
	case BSON_OBJECT_ID:
		ejson_adds(t, STR("{\"$oid\":\""));
		add_hex(t, p, 12);
		ejson_adds(t, STR("\"}"));
		break;
	case BSON_BOOL: ejson_adds(t, *p ? STR("true") : STR("false")); break;
	case BSON_DATE: add_date(t, (i64)le64(p)); break;
	case BSON_NULL: ejson_adds(t, STR("null")); break;
	case BSON_REGEX: add_regex(t, p, size); break;
	case BSON_CODE: add_named_text(t, STR("{\"$code\":"), p, have, size); break;
	case BSON_SYMBOL: add_named_text(t, STR("{\"$symbol\":"), p, have, size); break;
	case BSON_INT32: ejson_add_int(t, (i32)le32(p)); break;
	case BSON_TIMESTAMP: add_timestamp(t, p); break;
	case BSON_INT64: ejson_add_int(t, (i64)le64(p)); break;
	case BSON_DECIMAL: add_decimal(t, p); break;
	case BSON_MAX_KEY: ejson_adds(t, STR("{\"$maxKey\":1}")); break;
	case BSON_MIN_KEY: ejson_adds(t, STR("{\"$minKey\":1}")); break;
	default: ejson_adds(t, STR("\"...\"")); break; /* code with scope, pointers: of long ago */
	}
}
