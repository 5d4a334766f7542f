/* What one row of a field table says about one RoundTrip: the way filters, labels and attributes read fields.
 * A value is a view of the RoundTrip (or of the scratch buffer it was printed into) and lives no longer.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_ROUNDTRIP_VALUE_H
#define PACKETD_ROUNDTRIP_VALUE_H

#include "roundtrip/roundtrip.h"
#include "util/buf.h"

enum value_kind {
	VALUE_TEXT,
	VALUE_UNSIGNED,
	VALUE_SIGNED,
	VALUE_REAL,
	VALUE_BOOL,
	VALUE_DURATION, /* ns in u */
	VALUE_TIME,     /* ns in u */
	VALUE_ADDRESS,
	VALUE_PAIRS,
	VALUE_LIST,
};

struct value {
	enum value_kind kind;
	union {
		struct str text;
		u64 u;
		i64 i;
		double real;
		bool flag;
		const struct ip_addr *ip;
		struct pairs pairs;
		struct strs list;
	};
};

/* The kind of all values of this row. */
enum value_kind field_kind(const struct field *f);
/* "text", "number", "duration", … for people. */
const char *value_kind_name(enum value_kind kind);

/* False when the row does not apply: no such message, another shape, or a FIELD_CUSTOM row that prints nothing. What
 * FIELD_CUSTOM rows print is appended to `scratch`; when it does not fit, the value is what did. */
bool field_value(const struct roundtrip *rt, const struct field *f, struct buf *scratch, struct value *ret);

/* The value as text, for people, labels and patterns; pairs and lists joined with ", ". */
void value_print(struct buf *out, const struct value *v);

/* 16 hex digits of a keyed hash of the value as text, appended to `scratch`: equal values stay recognisable, what they are does not.
 * "***" when it does not fit. */
struct str value_hash(const struct value *v, const u64 key[2], struct buf *scratch);

/* The row's name after the protocol and side: its `name`, or `json` in snake case ("RemoteHost": remote_host). Terminated;
 * returns the length. */
#define FIELD_NAME_MAX 96
size_t field_name(const struct field *f, char out[FIELD_NAME_MAX]);

/* A buffer of fixed size over memory of the caller: never allocates, buf_done is not to be called. */
static inline struct buf buf_fixed(void *p, size_t n)
{
	return (struct buf){ .data = p, .cap = n, .max = n };
}

#endif
