/* Conversations for the tests of the decoder, packet by packet. The bytes live in the talk. Comes after unit.h and proto_feed.h. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MYSQL_MYSQL_BUILD_H
#define PACKETD_PROTO_MYSQL_MYSQL_BUILD_H

#include "proto/mysql/wire.h"

extern const struct proto proto_mysql;

enum { TALK_STEPS = 128, TALK_BYTES = 65536 };

struct talk {
	struct feed_step steps[TALK_STEPS];
	size_t n, used;
	u8 seq; /* of the next packet */
	bool joined; /* the next packet goes into the segment of the one before */
	u8 bytes[TALK_BYTES];
};

#define ALL_CAPS (CAP_MYSQL | CAP_CONNECT_WITH_DB | CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION | CAP_PLUGIN_AUTH | CAP_CONNECT_ATTRS | 0x3000)

/* Bytes of a segment; the step before grows when the talk is joined and the side is the same. */
static inline void talk_raw(struct talk *t, u8 dir, const void *p, size_t n)
{
	assert_true(t->used + n <= TALK_BYTES);
	memcpy(t->bytes + t->used, p, n);
	if (t->joined && t->n && t->steps[t->n - 1].dir == dir) {
		t->steps[t->n - 1].n += n;
	} else {
		assert_true(t->n < TALK_STEPS);
		t->steps[t->n++] = (struct feed_step){ dir, false, t->bytes + t->used, n };
	}
	t->used += n;
	t->joined = false;
}

static inline void talk_packet(struct talk *t, u8 dir, const void *p, size_t n)
{
	u8 header[4] = { (u8)n, (u8)(n >> 8), (u8)(n >> 16), t->seq++ };
	u8 both[4096];
	assert_true(n + 4 <= sizeof(both));
	memcpy(both, header, 4);
	memcpy(both + 4, p, n);
	talk_raw(t, dir, both, n + 4);
}

/* A command, with what follows its byte. */
static inline void ask(struct talk *t, u8 com, const void *p, size_t n)
{
	u8 payload[4000] = { com };
	memcpy(payload + 1, p, n);
	t->seq = 0;
	talk_packet(t, FEED_CLIENT, payload, n + 1);
}

#define ASK(t, com, literal) ask(t, com, literal, sizeof(literal) - 1)
#define REPLY(t, literal) talk_packet(t, FEED_SERVER, literal, sizeof(literal) - 1)
#define MORE(t, literal) ((t)->joined = true, talk_packet(t, FEED_SERVER, literal, sizeof(literal) - 1))
#define SEND(t, literal) talk_packet(t, FEED_CLIENT, literal, sizeof(literal) - 1)
#define OK_PACKET "\0\0\0\2\0\0\0"
#define EOF_PACKET "\xfe\0\0\2\0"
#define COLUMN "\3def\1d\1t\1t\1a\1a\x0c\x2d\0\x90\1\0\0\xfd\0\0\0\0\0"
#define ROWS_OK "\xfe\0\0\2\0\0\0"

/* Greeting, log-in and OK. */
static inline void log_in(struct talk *t, const char *version, u32 caps, u32 maria)
{
	u8 p[512] = { 10 };
	size_t n = strlen(version) + 2;
	memcpy(p + 1, version, n - 1);
	const u8 rest[] = { 42, 0, 0, 0, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 0, (u8)caps, (u8)(caps >> 8), 45, 2, 0, (u8)(caps >> 16), (u8)(caps >> 24), 21,
			    0, 0, 0, 0, 0, 0, (u8)maria, (u8)(maria >> 8), (u8)(maria >> 16), (u8)(maria >> 24) };
	memcpy(p + n, rest, sizeof(rest));
	n += sizeof(rest);
	memcpy(p + n, "ijklmnopqrst\0mysql_native_password", 35);
	t->seq = 0;
	talk_packet(t, FEED_SERVER, p, n + 35);
	memset(p, 0, sizeof(p));
	const u8 head[] = { (u8)caps, (u8)(caps >> 8), (u8)(caps >> 16), (u8)(caps >> 24), 0, 0, 0, 1, 45 };
	memcpy(p, head, sizeof(head));
	p[28] = (u8)maria;
	static const char names[] = "joe\0\x14HIDDENHIDDENHIDDENHI" "shop\0mysql_native_password\0\x21\x0c_client_name\4libx\x0cprogram_name\1p";
	memcpy(p + 32, names, sizeof(names) - 1);
	talk_packet(t, FEED_CLIENT, p, 32 + sizeof(names) - 1);
	REPLY(t, OK_PACKET);
}

static inline char *talk_check(struct talk *t, const struct feed_options *opt, const char *brief)
{
	return feed_check(&proto_mysql, t->steps, t->n, opt, brief);
}

#endif
