/* Conversations for the tests of this folder, message by message: what one side adds goes into one segment until the other side, or
 * talk_cut, begins a new one. Needs unit.h and proto_feed.h before it. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_POSTGRESQL_TALK_TEST_H
#define PACKETD_PROTO_POSTGRESQL_TALK_TEST_H

#define TALK_STEPS 96
#define TALK_BYTES 65536

extern const struct proto proto_postgresql;

struct talk {
	struct feed_step steps[TALK_STEPS];
	size_t len, used;
	bool cut;
	u8 bytes[TALK_BYTES];
};

static inline void talk_put(struct talk *t, u8 dir, const void *p, size_t n)
{
	assert_true(t->used + n <= TALK_BYTES);
	if (!t->len || t->steps[t->len - 1].dir != dir || t->cut) {
		assert_true(t->len < TALK_STEPS);
		t->steps[t->len++] = (struct feed_step){ dir, false, t->bytes + t->used, 0 };
	}
	t->cut = false;
	memcpy(t->bytes + t->used, p, n);
	t->used += n;
	t->steps[t->len - 1].n += n;
}

static inline void talk_cut(struct talk *t)
{
	t->cut = true;
}

static inline void talk_fin(struct talk *t, u8 dir)
{
	t->steps[t->len++] = (struct feed_step){ dir, true, "", 0 };
}

static inline void talk_message(struct talk *t, u8 dir, char type, const void *body, size_t n)
{
	u32 length = (u32)n + 4;
	u8 head[5] = { (u8)type, (u8)(length >> 24), (u8)(length >> 16), (u8)(length >> 8), (u8)length };
	u8 all[TALK_BYTES];
	memcpy(all, head, 5);
	memcpy(all + 5, body, n);
	talk_put(t, dir, all, n + 5);
}

/* Bodies as literals, whose final NUL belongs to them (TEXT) or not (BODY). */
#define C_BODY(t, type, literal) talk_message(t, FEED_CLIENT, type, literal, sizeof(literal) - 1)
#define S_BODY(t, type, literal) talk_message(t, FEED_SERVER, type, literal, sizeof(literal) - 1)
#define C_TEXT(t, type, literal) talk_message(t, FEED_CLIENT, type, literal, sizeof(literal))
#define S_TEXT(t, type, literal) talk_message(t, FEED_SERVER, type, literal, sizeof(literal))

#define QUERY(t, sql) C_TEXT(t, 'Q', sql)
#define PARSE(t, name, sql) C_BODY(t, 'P', name "\0" sql "\0\0\0")
#define BIND(t, portal, name) C_BODY(t, 'B', portal "\0" name "\0\0\0\0\1\0\0\0\1x\0\0")
#define DESCRIBE(t, what, name) C_TEXT(t, 'D', what name)
#define EXECUTE(t, portal) C_BODY(t, 'E', portal "\0\0\0\0\0")
#define CLOSE(t, what, name) C_TEXT(t, 'C', what name)
#define SYNC(t) C_BODY(t, 'S', "")
#define FLUSH(t) C_BODY(t, 'H', "")
#define PARSED(t) S_BODY(t, '1', "")
#define BOUND(t) S_BODY(t, '2', "")
#define CLOSED(t) S_BODY(t, '3', "")
#define NO_DATA(t) S_BODY(t, 'n', "")
#define COLUMNS(t) S_BODY(t, 'T', "\0\1a\0\0\0\0\0\0\0\0\0\0\27\0\4\377\377\377\377\0\0")
#define PARAMETERS(t) S_BODY(t, 't', "\0\1\0\0\0\27")
#define ROW(t) S_BODY(t, 'D', "\0\1\0\0\0\1" "7")
#define TAG(t, tag) S_TEXT(t, 'C', tag)
#define READY(t, status) S_BODY(t, 'Z', status)
#define FAILED(t, severity, code, text) S_BODY(t, 'E', "S" severity "\0V" severity "\0C" code "\0M" text "\0Dome detail\0F" "file.c\0\0")
#define NOTICE(t) S_BODY(t, 'N', "SNOTICE\0VNOTICE\0C00000\0Mso it is\0\0")

#define STARTUP_BODY "\0\3\0\0user\0alice\0database\0shop\0application_name\0psql\0\0"
#define UNTYPED(t, literal) talk_untyped(t, literal, sizeof(literal) - 1)

static inline void talk_untyped(struct talk *t, const void *body, size_t n)
{
	u8 all[1024] = { [2] = (u8)((n + 4) >> 8), [3] = (u8)(n + 4) };
	memcpy(all + 4, body, n);
	talk_put(t, FEED_CLIENT, all, n + 4);
}

/* Startup of alice in shop, without a password. */
static inline void talk_startup(struct talk *t)
{
	UNTYPED(t, STARTUP_BODY);
	S_BODY(t, 'R', "\0\0\0\0");
	S_BODY(t, 'S', "server_version\0" "15.1\0");
	S_BODY(t, 'K', "\0\0\3\xe7\1\2\3\4");
	READY(t, "I");
}

static inline char *talk_check(struct talk *t, const char *brief)
{
	return feed_check(&proto_postgresql, t->steps, t->len, NULL, brief);
}

#define STARTED "answered startup alice@shop -> ok 53B\n"

#endif
