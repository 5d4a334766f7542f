/* Messages for the unit tests; documents are text (bson_build.h). SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MONGODB_MONGO_BUILD_H
#define PACKETD_PROTO_MONGODB_MONGO_BUILD_H

#include "proto/mongodb/bson_build.h"

/* A message begins; message_end sets its length. */
static inline size_t message_begin(struct bytes *o, u32 id, u32 to, u32 op)
{
	size_t at = o->n;
	put_int(o, 0, 4);
	put_int(o, id, 4);
	put_int(o, to, 4);
	put_int(o, op, 4);
	return at;
}

static inline void message_end(struct bytes *o, size_t at)
{
	set_length(o, at, o->n - at);
}

static inline void body(struct bytes *o, const char *document)
{
	put(o, "", 1);
	put_document(o, document);
}

/* Documents are separated by a blank. */
static inline void sequence(struct bytes *o, const char *name, const char *documents)
{
	put(o, "\1", 1);
	size_t at = o->n;
	put_int(o, 0, 4);
	put_text(o, name);
	for (const char *s = documents; *s; s += *s == ' ')
		s = put_document(o, s);
	set_length(o, at, o->n - at);
}

static inline void msg_flagged(struct bytes *o, u32 id, u32 to, u32 flags, const char *document)
{
	size_t at = message_begin(o, id, to, OP_MSG);
	put_int(o, flags, 4);
	body(o, document);
	if (flags & 1)
		put_int(o, 0xfeedf00d, 4);
	message_end(o, at);
}

static inline void msg(struct bytes *o, u32 id, u32 to, const char *document)
{
	msg_flagged(o, id, to, 0, document);
}

static inline void query(struct bytes *o, u32 id, u32 flags, const char *full, i32 batch, const char *document)
{
	size_t at = message_begin(o, id, 0, OP_QUERY);
	put_int(o, flags, 4);
	put_text(o, full);
	put_int(o, 0, 4);
	put_int(o, (u32)batch, 4);
	put_document(o, document);
	message_end(o, at);
}

/* Documents are separated by a blank. */
static inline void reply(struct bytes *o, u32 id, u32 to, u32 flags, u64 cursor, const char *documents)
{
	size_t at = message_begin(o, id, to, OP_REPLY), count;
	u32 n = 0;
	put_int(o, flags, 4);
	put_int(o, cursor, 8);
	put_int(o, 0, 4);
	count = o->n;
	put_int(o, 0, 4);
	for (const char *s = documents; *s; s += *s == ' ', n++)
		s = put_document(o, s);
	set_length(o, count, n);
	message_end(o, at);
}

/* The message at the end of `from`, wrapped; `pack` compresses. */
static inline void compressed(struct bytes *o, const struct bytes *from, u8 compressor, void (*pack)(struct bytes *o, const u8 *p, size_t n))
{
	size_t at = message_begin(o, le32(from->b + 4), le32(from->b + 8), OP_COMPRESSED);
	put(o, from->b + 12, 4);
	put_int(o, from->n - MONGO_HEADER, 4);
	put_int(o, compressor, 1);
	pack(o, from->b + MONGO_HEADER, from->n - MONGO_HEADER);
	message_end(o, at);
}

#endif
