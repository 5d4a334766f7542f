/* Conversations for tests, frame by frame. A talk owns its bytes and steps until talk_done.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_AMQP_AMQP_BUILD_H
#define PACKETD_PROTO_AMQP_AMQP_BUILD_H

#include <stdarg.h>

#include "proto/amqp/amqp.h"

#define TALK_BYTES (256 * KIB)
#define TALK_STEPS 256

struct talk {
	u8 b[TALK_BYTES];
	size_t n;
	struct feed_step steps[TALK_STEPS];
	size_t len;
	size_t frame; /* where the frame being written begins */
};

static inline void put(struct talk *t, const void *p, size_t n)
{
	assert_true(t->n + n <= TALK_BYTES);
	if (n)
		memcpy(t->b + t->n, p, n);
	t->n += n;
	if (t->len)
		t->steps[t->len - 1].n += n;
}

static inline void put_int(struct talk *t, u64 v, int bytes)
{
	u8 b[8];
	for (int i = 0; i < bytes; i++)
		b[i] = (u8)(v >> 8 * (bytes - 1 - i));
	put(t, b, (size_t)bytes);
}

/* A new segment of this side. */
static inline void say(struct talk *t, u8 dir)
{
	assert_true(t->len < TALK_STEPS);
	t->steps[t->len++] = (struct feed_step){ dir, false, t->b + t->n, 0 };
}

static inline void put_short(struct talk *t, const char *s)
{
	put_int(t, strlen(s), 1);
	put(t, s, strlen(s));
}

static inline void put_long(struct talk *t, const char *s)
{
	put_int(t, strlen(s), 4);
	put(t, s, strlen(s));
}

static inline void frame_begin(struct talk *t, u8 type, unsigned channel)
{
	t->frame = t->n;
	put_int(t, type, 1);
	put_int(t, channel, 2);
	put_int(t, 0, 4);
}

static inline void frame_end(struct talk *t)
{
	u32 n = (u32)(t->n - t->frame - AMQP_FRAME_HEAD);
	u8 size[4] = { (u8)(n >> 24), (u8)(n >> 16), (u8)(n >> 8), (u8)n };
	memcpy(t->b + t->frame + 3, size, sizeof(size));
	put_int(t, AMQP_END, 1);
}

/* Arguments by letter: b w l q are integers of 1, 2, 4, 8 bytes (q a u64), s a short and S a long string, T an empty table. */
static inline void method(struct talk *t, unsigned channel, u32 id, const char *letters, ...)
{
	va_list ap;
	va_start(ap, letters);
	frame_begin(t, FRAME_METHOD, channel);
	put_int(t, id, 4);
	for (; *letters; letters++) {
		switch (*letters) {
		case 'b': put_int(t, va_arg(ap, unsigned), 1); break;
		case 'w': put_int(t, va_arg(ap, unsigned), 2); break;
		case 'l': put_int(t, va_arg(ap, unsigned), 4); break;
		case 'q': put_int(t, va_arg(ap, u64), 8); break;
		case 's': put_short(t, va_arg(ap, const char *)); break;
		case 'S': put_long(t, va_arg(ap, const char *)); break;
		default: put_int(t, 0, 4);
		}
	}
	va_end(ap);
	frame_end(t);
}

/* A content header without properties. */
static inline void header(struct talk *t, unsigned channel, u64 size)
{
	frame_begin(t, FRAME_HEADER, channel);
	put_int(t, METHOD(CLASS_BASIC, 0), 4);
	put_int(t, size, 8);
	put_int(t, 0, 2);
	frame_end(t);
}

static inline void body(struct talk *t, unsigned channel, size_t n)
{
	frame_begin(t, FRAME_BODY, channel);
	for (size_t i = 0; i < n; i++)
		put(t, "x", 1);
	frame_end(t);
}

static inline void heartbeat(struct talk *t)
{
	frame_begin(t, FRAME_HEARTBEAT, 0);
	frame_end(t);
}

/* Shorthands. */
#define BASIC_GET METHOD(CLASS_BASIC, 70)

static inline void publish(struct talk *t, unsigned channel, const char *exchange, const char *key, unsigned bits, size_t n)
{
	method(t, channel, BASIC_PUBLISH, "wssb", 0, exchange, key, bits);
	header(t, channel, n);
	if (n)
		body(t, channel, n);
}

static inline void deliver(struct talk *t, unsigned channel, const char *consumer, u64 tag, size_t n)
{
	method(t, channel, BASIC_DELIVER, "sqbss", consumer, tag, 0, "x", "k");
	header(t, channel, n);
	if (n)
		body(t, channel, n);
}

/* The preamble to connection.open-ok, and an open channel 1. */
static inline void opened(struct talk *t)
{
	say(t, FEED_CLIENT), put(t, "AMQP\0\0\11\1", 8);
	say(t, FEED_SERVER), method(t, 0, CONNECTION_START, "bbTSS", 0, 9, "PLAIN", "en_US");
	say(t, FEED_CLIENT), method(t, 0, CONNECTION_START_OK, "TsSs", "PLAIN", "\1guest\1secretword", "en_US");
	say(t, FEED_SERVER), method(t, 0, METHOD(CLASS_CONNECTION, 30), "wlw", 2047, 131072, 60);
	say(t, FEED_CLIENT), method(t, 0, CONNECTION_TUNE_OK, "wlw", 2047, 131072, 60);
	method(t, 0, METHOD(CLASS_CONNECTION, 40), "ssb", "/shop", "", 0);
	say(t, FEED_SERVER), method(t, 0, METHOD(CLASS_CONNECTION, 41), "s", "");
	say(t, FEED_CLIENT), method(t, 1, CHANNEL_OPEN, "s", "");
	say(t, FEED_SERVER), method(t, 1, CHANNEL_OPEN_OK, "S", "");
}

#define OPENED_BRIEF                                          \
	"answered Connection.Start -> Connection.Start-Ok\n"  \
	"answered Connection.Tune -> Connection.Tune-Ok\n"    \
	"answered Connection.Open -> Connection.Open-Ok\n"    \
	"answered Channel.Open -> Channel.Open-Ok\n"

#endif
