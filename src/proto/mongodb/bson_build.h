/* BSON for the unit tests. Documents are written as text: {find:'items',filter:{a:1,b:2.5,c:3L,d:[true,null]},x:#4:010203#}
 * with names bare, 'strings', int32, doubles (with a point), int64 (with L), booleans, null, and #subtype:hex# binary data.
 * Everything lives in the buffer it is written to. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MONGODB_BSON_BUILD_H
#define PACKETD_PROTO_MONGODB_BSON_BUILD_H

#include <stdlib.h>

#include "proto/mongodb/read.h"

struct bytes {
	u8 b[40000];
	size_t n;
};

static inline void put(struct bytes *o, const void *p, size_t n)
{
	assert_true(o->n + n <= sizeof(o->b));
	if (n)
		memcpy(o->b + o->n, p, n);
	o->n += n;
}

#define PUT(o, literal) put(o, literal, sizeof(literal) - 1)

static inline void put_int(struct bytes *o, u64 v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		put(o, (u8[]){ (u8)(v >> (8 * i)) }, 1);
}

static inline void put_text(struct bytes *o, const char *s)
{
	put(o, s, strlen(s) + 1);
}

static inline void set_length(struct bytes *o, size_t at, size_t length)
{
	for (int i = 0; i < 4; i++)
		o->b[at + (size_t)i] = (u8)(length >> (8 * i));
}

static inline const char *put_document(struct bytes *o, const char *s);

static inline const char *put_string(struct bytes *o, const char *s)
{
	const char *end = strchr(s, '\'');
	put_int(o, (u64)(end - s) + 1, 4);
	put(o, s, (size_t)(end - s));
	put(o, "", 1);
	return end + 1;
}

static inline const char *put_binary(struct bytes *o, const char *s)
{
	char *hex;
	u8 subtype = (u8)strtoul(s, &hex, 10);
	size_t at = o->n;
	put_int(o, 0, 4);
	put_int(o, subtype, 1);
	for (hex++; *hex != '#'; hex += 2)
		put_int(o, strtoul((char[]){ hex[0], hex[1], 0 }, NULL, 16), 1);
	set_length(o, at, o->n - at - 5);
	return hex + 1;
}

static inline const char *put_number(struct bytes *o, size_t type, const char *s)
{
	char *end;
	double v = strtod(s, &end);
	if (memchr(s, '.', (size_t)(end - s))) {
		u64 bits;
		memcpy(&bits, &v, 8);
		o->b[type] = BSON_DOUBLE;
		put_int(o, bits, 8);
	} else if (*end == 'L') {
		o->b[type] = BSON_INT64;
		put_int(o, (u64)strtoll(s, NULL, 10), 8);
		end++;
	} else {
		o->b[type] = BSON_INT32;
		put_int(o, (u64)(i64)v, 4);
	}
	return end;
}

/* The type byte has its place at `type`. */
static inline const char *put_value(struct bytes *o, size_t type, const char *s)
{
	switch (*s) {
	case '{':
	case '[':
		o->b[type] = *s == '{' ? BSON_DOCUMENT : BSON_ARRAY;
		return put_document(o, s);
	case '\'':
		o->b[type] = BSON_STRING;
		return put_string(o, s + 1);
	case '#':
		o->b[type] = BSON_BINARY;
		return put_binary(o, s + 1);
	case 't':
	case 'f':
		o->b[type] = BSON_BOOL;
		put_int(o, *s == 't', 1);
		return s + (*s == 't' ? 4 : 5);
	case 'n':
		o->b[type] = BSON_NULL;
		return s + 4;
	default:
		return put_number(o, type, s);
	}
}

static inline const char *put_document(struct bytes *o, const char *s)
{
	bool array = *s == '[';
	size_t at = o->n;
	put_int(o, 0, 4);
	for (unsigned i = 0; *s != '}' && *s != ']'; i++) {
		s++;
		if (*s == '}' || *s == ']')
			break;
		size_t type = o->n;
		put_int(o, 0, 1);
		if (array) {
			char name[16];
			snprintf(name, sizeof(name), "%u", i);
			put_text(o, name);
		} else {
			size_t n = strcspn(s, ":");
			put(o, s, n);
			put(o, "", 1);
			s += n + 1;
		}
		s = put_value(o, type, s);
	}
	put(o, "", 1);
	set_length(o, at, o->n - at);
	return s + 1;
}

#endif
