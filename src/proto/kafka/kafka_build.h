/* Makes Kafka messages for tests: fields are written one after another, frames become steps of a script.
 * The bytes belong to the test, which frees them with frames_free. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_KAFKA_KAFKA_BUILD_H
#define PACKETD_PROTO_KAFKA_KAFKA_BUILD_H

#include "util/buf.h"

#define FRAMES_MAX 64

struct frames {
	struct feed_step steps[FRAMES_MAX];
	struct buf bytes[FRAMES_MAX];
	size_t n;
	bool flexible; /* of the message being written */
};

static inline struct buf *frame_buf(struct frames *f)
{
	return &f->bytes[f->n - 1];
}

static inline void put_int(struct frames *f, int bytes, long long v)
{
	for (int i = bytes - 1; i >= 0; i--)
		buf_addc(frame_buf(f), (char)(v >> (8 * i)));
}

static inline void put_uvarint(struct frames *f, u32 v)
{
	for (; v > 127; v >>= 7)
		buf_addc(frame_buf(f), (char)(v | 128));
	buf_addc(frame_buf(f), (char)v);
}

/* Zigzag, as records have it. */
static inline void put_varint(struct frames *f, int v)
{
	put_uvarint(f, (u32)v << 1 ^ (u32)(v >> 31));
}

static inline void put_raw(struct frames *f, const void *p, size_t n)
{
	buf_add(frame_buf(f), p, n);
}

/* Count of an array, or length of bytes; -1 is null. */
static inline void put_count(struct frames *f, int n)
{
	if (f->flexible)
		put_uvarint(f, (u32)(n + 1));
	else
		put_int(f, 4, n);
}

static inline void put_text(struct frames *f, const char *text)
{
	int n = text ? (int)strlen(text) : -1;
	if (f->flexible)
		put_uvarint(f, (u32)(n + 1));
	else
		put_int(f, 2, n);
	if (text)
		put_raw(f, text, (size_t)n);
}

/* The end of a structure: no tagged fields. */
static inline void put_end(struct frames *f)
{
	if (f->flexible)
		put_uvarint(f, 0);
}

static inline void frame_begin(struct frames *f, u8 dir)
{
	assert_true(f->n < FRAMES_MAX);
	f->steps[f->n].dir = dir;
	f->n++;
	put_int(f, 4, 0);
}

/* `first_flexible`: of the API. Client ids are "me"; NULL for none. */
static inline void ask(struct frames *f, int key, int version, int first_flexible, int correlation, const char *client)
{
	frame_begin(f, FEED_CLIENT);
	put_int(f, 2, key);
	put_int(f, 2, version);
	put_int(f, 4, correlation);
	f->flexible = false;
	put_text(f, client);
	f->flexible = version >= first_flexible;
	put_end(f);
}

static inline void answer(struct frames *f, int correlation, bool flexible)
{
	frame_begin(f, FEED_SERVER);
	put_int(f, 4, correlation);
	f->flexible = flexible;
	put_end(f);
}

/* The message is complete: its length is known. */
static inline void done(struct frames *f)
{
	struct buf *b = frame_buf(f);
	u32 n = (u32)b->len - 4;
	for (int i = 0; i < 4; i++)
		b->data[i] = (char)(n >> (24 - 8 * i));
	f->steps[f->n - 1].p = b->data;
	f->steps[f->n - 1].n = b->len;
}

static inline void frames_free(struct frames *f)
{
	for (size_t i = 0; i < f->n; i++)
		buf_done(&f->bytes[i]);
	*f = (struct frames){ 0 };
}

/* A batch of magic 2 around `body`, which is not counted. */
static inline void put_batch(struct frames *f, int attributes, int count, const void *body, size_t n)
{
	put_int(f, 8, 0);
	put_int(f, 4, (long long)(49 + n));
	put_int(f, 4, 0);
	put_int(f, 1, 2);
	put_int(f, 4, 0);
	put_int(f, 2, attributes);
	put_int(f, 4, count - 1);
	for (int i = 0; i < 3; i++)
		put_int(f, 8, 0);
	put_int(f, 2, 0);
	put_int(f, 4, 0);
	put_int(f, 4, count);
	put_raw(f, body, n);
}

#endif
