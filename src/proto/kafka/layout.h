/* How messages are laid out, as data: one array of rows for each request and response, read by walk.c.
 *
 * A row is a field: its type, the first and the last version that has it, and what it means to us (IS_…), if anything. The
 * rows of an ARRAY's or a STRUCT's elements follow it up to its END; a LIST is an array of one simple type, the row after it.
 * From an API's first flexible version on, lengths are varints and each END is followed by tagged fields, which are passed over.
 * Constant data. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_KAFKA_LAYOUT_H
#define PACKETD_PROTO_KAFKA_LAYOUT_H

#include "util/base.h"

enum kafka_type {
	KAFKA_END,
	KAFKA_INT8, /* and booleans */
	KAFKA_INT16,
	KAFKA_INT32,
	KAFKA_INT64, /* and doubles */
	KAFKA_UUID,
	KAFKA_STRING,
	KAFKA_BYTES,
	KAFKA_RECORDS,
	KAFKA_ARRAY,
	KAFKA_LIST,
	KAFKA_STRUCT,
	KAFKA_MAYBE, /* a STRUCT behind a byte that says whether it is there */
};

enum kafka_meaning {
	IS_NOTHING,
	IS_ACKS,
	IS_COORDINATOR, /* name of the group or transaction whose coordinator is looked for */
	IS_ERROR,
	IS_GROUP,
	IS_KEY_TYPE,    /* kind of IS_COORDINATOR */
	IS_MAX_WAIT,
	IS_MECHANISM,
	IS_PARTITION,
	IS_RECORDS,
	IS_RESOURCE,
	IS_RESOURCE_TYPE,
	IS_SESSION,
	IS_SESSION_EPOCH,
	IS_SOFTWARE,
	IS_TOPIC,
	IS_TOPIC_ID,
	IS_TXN,
};

struct kafka_row {
	u8 type;         /* enum kafka_type */
	i8 since, until; /* versions */
	u8 meaning;      /* enum kafka_meaning */
};

#define KAFKA_LEVELS 8 /* arrays and structures within each other, the message included */

/* One kind of request with its response. */
struct kafka_api {
	const char *name;
	const struct kafka_row *request, *response;
	i16 last;     /* newest version that is known */
	i16 flexible; /* first flexible version */
};

enum kafka_key { KAFKA_PRODUCE = 0, KAFKA_FETCH = 1, KAFKA_CONTROLLED_SHUTDOWN = 7, KAFKA_JOIN_GROUP = 11, KAFKA_SYNC_GROUP = 14,
		 KAFKA_SASL_HANDSHAKE = 17, KAFKA_API_VERSIONS = 18, KAFKA_DESCRIBE_CONFIGS = 32, KAFKA_ALTER_CONFIGS = 33,
		 KAFKA_INCREMENTAL_ALTER_CONFIGS = 44 };

/* NULL when the key is not known. */
const struct kafka_api *kafka_api_find(i16 key);
/* "UNKNOWN_TOPIC_OR_PARTITION"; NULL when the code is not known. */
const char *kafka_error_name(i16 code);
/* The row behind this one and all that belongs to it. */
const struct kafka_row *kafka_row_after(const struct kafka_row *row);

#ifdef KAFKA_LAYOUT_ROWS
#define LAST INT8_MAX
#define INT8(...) { KAFKA_INT8, __VA_ARGS__ }
#define INT16(...) { KAFKA_INT16, __VA_ARGS__ }
#define INT32(...) { KAFKA_INT32, __VA_ARGS__ }
#define INT64(...) { KAFKA_INT64, __VA_ARGS__ }
#define UUID(...) { KAFKA_UUID, __VA_ARGS__ }
#define STRING(...) { KAFKA_STRING, __VA_ARGS__ }
#define BYTES(...) { KAFKA_BYTES, __VA_ARGS__ }
#define RECORDS(...) { KAFKA_RECORDS, __VA_ARGS__ }
#define ARRAY(...) { KAFKA_ARRAY, __VA_ARGS__ }
#define LIST(...) { KAFKA_LIST, __VA_ARGS__ }
#define STRUCT(...) { KAFKA_STRUCT, __VA_ARGS__ }
#define MAYBE(...) { KAFKA_MAYBE, __VA_ARGS__ }
#define END { KAFKA_END, 0, LAST }
#endif

/* X(key, name, rows, newest version, first flexible version) */
#define X(key, name, rows, last, flexible) extern const struct kafka_row kafka_##rows##_request[], kafka_##rows##_response[];
#include "proto/kafka/api_list.h"
#undef X

#endif
