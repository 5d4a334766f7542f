/* The first bytes of a message's body, kept when a setting asks for them, and their way into JSON.
 * Pieces live in the message's arena; decompression happens when the body is printed, into memory freed at once, and
 * never yields more than `limit` bytes. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_BODY_H
#define PACKETD_PROTO_BODY_H

#include "util/arena.h"
#include "util/buf.h"

enum body_coding { BODY_IDENTITY, BODY_GZIP, BODY_DEFLATE, BODY_BROTLI, BODY_ZSTD, BODY_UNKNOWN };

struct body_piece {
	struct body_piece *next;
	u32 n, room;
};

struct body {
	struct body_piece *first, *last;
	u32 limit;  /* bytes to print at the most, after decompression; 0: it is not wanted */
	u32 keep;   /* bytes to keep at the most */
	u32 n;      /* bytes kept */
	u8 coding;  /* enum body_coding */
	bool json;  /* by its media type */
};

/* The coding of a Content-Encoding value. */
enum body_coding body_coding(struct str content_encoding);
/* Decides whether a body of this media type is kept: JSON and text are. */
void body_start(struct body *b, u32 limit, struct str content_type, enum body_coding coding);
static inline u32 body_room(const struct body *b)
{
	return b->keep - b->n;
}
/* Keeps what there is room for. */
void body_add(struct body *b, struct arena *a, const u8 *p, size_t n);
/* Prints it: JSON as it is on one line, anything else as a string. False, and nothing printed, when there is none. */
bool body_json(const struct body *b, struct buf *out);

#endif
