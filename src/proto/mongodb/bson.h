/* BSON (bsonspec.org): how long an element is, and what its value says. Borrows the bytes; owns nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MONGODB_BSON_H
#define PACKETD_PROTO_MONGODB_BSON_H

#include "util/bytes.h"

enum bson_type {
	BSON_DOUBLE = 0x01,
	BSON_STRING,
	BSON_DOCUMENT,
	BSON_ARRAY,
	BSON_BINARY,
	BSON_UNDEFINED,
	BSON_OBJECT_ID,
	BSON_BOOL,
	BSON_DATE,
	BSON_NULL,
	BSON_REGEX,
	BSON_DB_POINTER,
	BSON_CODE,
	BSON_SYMBOL,
	BSON_SCOPED_CODE,
	BSON_INT32,
	BSON_TIMESTAMP,
	BSON_INT64,
	BSON_DECIMAL,
	BSON_MAX_KEY = 0x7f,
	BSON_MIN_KEY = 0xff,
};

#define BSON_DOCUMENT_MIN 5u /* length and final zero */
#define BSON_NAME_LOOK 1024u /* bytes within which the name of an element, and each text of a regex, is looked for */

enum bson_result {
	BSON_OK,
	BSON_MORE, /* *ret_want bytes are needed */
	BSON_LONG, /* a name or a regex that does not end within BSON_NAME_LOOK bytes */
	BSON_BAD,
};

bool bson_type_known(u8 type);

/* A value's size in bytes, its own length field included. `room`: bytes that the document has left for it. */
enum bson_result bson_value_size(u8 type, const u8 *p, size_t n, size_t room, u32 *ret_size, size_t *ret_want);

static inline bool bson_is_container(u8 type)
{
	return type == BSON_DOCUMENT || type == BSON_ARRAY;
}

static inline bool bson_is_text(u8 type)
{
	return type == BSON_STRING || type == BSON_CODE || type == BSON_SYMBOL;
}

/* Any number, or a boolean, as a double or an integer; false for other types. `p` holds the whole value. */
bool bson_double(u8 type, const u8 *p, double *ret_v);
bool bson_int(u8 type, const u8 *p, i64 *ret_v);
/* The text of a value that bson_is_text, of which `have` bytes are at hand: without its length and its final zero. */
struct str bson_text(const u8 *p, size_t have);

#endif
