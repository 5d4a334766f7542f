/* RESP on the wire, versions 2 and 3: the first line of one value at a time. No state: what a line means for the
 * conversation is for the readers of the two directions. Borrows the bytes; owns nothing. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_REDIS_RESP_H
#define PACKETD_PROTO_REDIS_RESP_H

#include "util/rd.h"

#define RESP_LINE_KEPT 512       /* bytes of a text line that are looked at; the rest is passed over */
#define RESP_LENGTH_MAX (1ll << 36) /* bytes of a bulk value; servers stop at 512 MiB unless told otherwise */
#define RESP_COUNT_MAX (1ll << 32)  /* elements of an aggregate */

enum resp_result {
	RESP_OK,   /* head is filled in */
	RESP_MORE, /* the line is not complete */
	RESP_LONG, /* a text line longer than RESP_LINE_KEPT: head holds its beginning, the rest lasts until '\n' */
	RESP_BAD,  /* not RESP */
};

/* What follows the first line. */
enum resp_form {
	RESP_TEXT,      /* nothing: the value is the line */
	RESP_BULK,      /* `n` bytes and CRLF, or nothing when n is -1 */
	RESP_AGGREGATE, /* `n` values, or nothing when n is -1; for maps twice the number of pairs */
	RESP_CHUNK,     /* a piece of a streamed string: as RESP_BULK, the last one (n is 0) without the CRLF */
	RESP_END,       /* the end of a streamed aggregate */
};

struct resp_head {
	u8 type;       /* its byte */
	u8 form;       /* enum resp_form */
	bool streamed; /* the length is "?": chunks, or values until an end */
	i64 n;         /* length, or number of values */
	struct str text; /* RESP_TEXT: without type and line end */
	u32 size;      /* bytes of the line */
};

/* Reads the line at the cursor, which moves past it when the result is RESP_OK or RESP_LONG. */
enum resp_result resp_head_read(struct rd *r, struct resp_head *head);
/* A decimal number and CRLF. */
enum resp_result resp_number_read(struct rd *r, i64 *v);
/* The number that a text is as a whole; false when it is none. */
bool resp_number(struct str text, i64 *v);
/* Output name of a value type ("BulkStrings"), NULL for a byte that begins none. */
const char *resp_type_name(u8 type);

#endif
