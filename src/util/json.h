/* Writing JSON into a buf: values and escaped strings, never invalid whatever bytes come in.
 * Escaping as Go's encoding/json: control bytes \u00XX (\n \r \t short), < > & as \u003c \u003e \u0026, U+2028/2029 escaped,
 * invalid UTF-8 becomes U+FFFD. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_JSON_H
#define PACKETD_UTIL_JSON_H

#include "util/buf.h"

/* The string with its quotes. */
void json_str(struct buf *b, struct str s);
static inline void json_text(struct buf *b, const char *text)
{
	json_str(b, str_from(text));
}
/* The contents without quotes. */
void json_escaped(struct buf *b, const char *p, size_t n);
static inline void json_bool(struct buf *b, bool v)
{
	buf_adds(b, v ? "true" : "false");
}
/* True when the bytes are one valid JSON value (RFC 8259), nesting up to 128. */
bool json_valid(const char *p, size_t n);
/* Copies one valid JSON value on one line: without spaces, < > & and U+2028/2029 escaped. False, and nothing
 * written, when it is not valid. */
bool json_compact(struct buf *b, const char *p, size_t n);

#endif
