/* OP_COMPRESSED: each compressor, messages larger than what is kept of them, and what is no such data. */
#include "unit.h"

#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

#include "proto/mongodb/mongo_build.h"
#include "proto/mongodb/unpack.h"
#include "proto_feed.h"

extern const struct proto proto_mongodb;

static struct bytes client, server, plain;

static int fresh(void **state)
{
	client.n = server.n = plain.n = 0;
	return 0;
}

static void pack_none(struct bytes *o, const u8 *p, size_t n)
{
	put(o, p, n);
}

static void pack_zlib(struct bytes *o, const u8 *p, size_t n)
{
	uLongf size = sizeof(o->b) - o->n;
	assert_int_equal(compress(o->b + o->n, &size, p, n), Z_OK);
	o->n += size;
}

static void pack_zstd(struct bytes *o, const u8 *p, size_t n)
{
	size_t size = ZSTD_compress(o->b + o->n, sizeof(o->b) - o->n, p, n, 3);
	assert_false(ZSTD_isError(size));
	o->n += size;
}

static void snappy_length(struct bytes *o, size_t n)
{
	for (; n >= 0x80; n >>= 7)
		put_int(o, (n & 0x7f) | 0x80, 1);
	put_int(o, n, 1);
}

/* Greedy: the longest copy from the bytes before, of each of the three kinds in turn, else a literal of each size of length. */
static void pack_snappy(struct bytes *o, const u8 *p, size_t n)
{
	unsigned turn = 0;
	snappy_length(o, n);
	for (size_t at = 0, from = 0; from < n;) {
		size_t best = 0, offset = 0;
		for (size_t back = 1; at < n && back <= MIN(at, (size_t)2000); back++) {
			size_t same = 0;
			while (at + same < n && same < 64 && p[at + same] == p[at + same - back])
				same++;
			if (same > best) {
				best = same;
				offset = back;
			}
		}
		if (best < 4 && at < n) {
			at++;
			continue;
		}
		if (at > from) { /* what has gathered goes first */
			unsigned bytes = at - from > 60 ? 1 + turn % 4 : 0;
			bytes = bytes == 1 && at - from > 256 ? 2 : bytes;
			put_int(o, bytes ? (59 + bytes) << 2 : (at - from - 1) << 2, 1);
			put_int(o, at - from - 1, (int)bytes);
			put(o, p + from, at - from);
		}
		if (best >= 4 && best <= 11 && turn % 3 == 0) {
			put_int(o, 1 | (best - 4) << 2 | (offset >> 8) << 5, 1);
			put_int(o, offset & 0xff, 1);
		} else if (best >= 4) {
			bool wide = turn % 3 == 2;
			put_int(o, (wide ? 3 : 2) | (best - 1) << 2, 1);
			put_int(o, offset, wide ? 4 : 2);
		}
		turn++;
		at += best >= 4 ? best : 0;
		from = at;
	}
}

static const struct {
	u8 id;
	const char *name;
	void (*pack)(struct bytes *o, const u8 *p, size_t n);
} kinds[] = { { 0, "", pack_none }, { 1, "snappy", pack_snappy }, { 2, "zlib", pack_zlib }, { 3, "zstd", pack_zstd } };

static void talk(size_t kind, const char *command, const char *answer)
{
	fresh(NULL);
	msg(&plain, 1, 0, command);
	compressed(&client, &plain, kinds[kind].id, kinds[kind].pack);
	plain.n = 0;
	msg(&plain, 2, 1, answer);
	compressed(&server, &plain, kinds[kind].id, kinds[kind].pack);
}

static char *heard(const char *brief)
{
	struct feed_step steps[] = {
		{ FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n }, CLIENT_FIN, SERVER_FIN,
	};
	return feed_check(&proto_mongodb, steps, ARRAY_LEN(steps), NULL, brief);
}

static void test_kinds(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		char line[64], brief[256];
		talk(i, "{find:'items',filter:{a:'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',b:'abcdabcdabcdabcd'},$db:'shop'}",
		     "{cursor:{firstBatch:[{a:1,b:'xyxyxyxyxyxyxyxy'},{a:2,b:'xyxyxyxyxyxyxyxy'}],id:0L,ns:'shop.items'},ok:1.0}");
		snprintf(brief, sizeof(brief), "answered find shop.items {\"filter\":{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"b\":\"abcdabcdabcdabcd\"}} -> ok 2 docs %zuB\n", server.n);
		char *log = heard(brief);
		snprintf(line, sizeof(line), "  > Compressor=\"%s\"", kinds[i].name);
		feed_has(log, line);
		feed_has(log, "  > OpCode=\"MSG\"");
		snprintf(line, sizeof(line), "  > Size=%zu", client.n);
		feed_has(log, line);
		free(log);
	}
}

/* A compressed write that wants no answer; what follows it is answered. */
static void test_oneway(void **state)
{
	for (size_t i = 1; i < ARRAY_LEN(kinds); i++) {
		talk(i, "{ping:1,$db:'admin'}", "{ok:1.0}");
		struct bytes second = client;
		client.n = plain.n = 0;
		msg_flagged(&plain, 9, 0, 2, "{insert:'log',documents:[{a:1},{a:2}],$db:'d'}");
		compressed(&client, &plain, kinds[i].id, kinds[i].pack);
		put(&client, second.b, second.n);
		char brief[128];
		snprintf(brief, sizeof(brief), "oneway insert d.log {\"documents\":[{\"a\":1},{\"a\":2}]}\nanswered ping admin -> ok %zuB\n", server.n);
		free(heard(brief));
	}
}

/* A reply of 20 MB that fits into some kB. */
static void test_large(void **state)
{
	static u8 huge[200000];
	size_t size = 20 * MIB, doc = 100000;
	u8 *body_bytes = calloc(1, size + 1000);
	struct bytes *ends = calloc(1, sizeof(*ends));
	assert_true(body_bytes && ends);
	size_t at = 0;
	memcpy(body_bytes, "\0\0\0\0\0\0\0\0\0\x03" "cursor\0\0\0\0\0\x04" "firstBatch\0\0\0\0\0", 37);
	size_t cursor = 4 + 1 + 4 + 8, batch = cursor + 4 + 12;
	at = batch + 4;
	unsigned count = 0;
	for (; at + doc < size; count++) {
		char name[16];
		int n = snprintf(name, sizeof(name), "%u", count);
		body_bytes[at++] = BSON_DOCUMENT;
		memcpy(body_bytes + at, name, (size_t)n + 1);
		at += (size_t)n + 1;
		memcpy(body_bytes + at, (u8[]){ (u8)doc, (u8)(doc >> 8), (u8)(doc >> 16), 0, BSON_BINARY, 'b', 0 }, 7);
		size_t data = doc - 4 - 3 - 5 - 1;
		memcpy(body_bytes + at + 7, (u8[]){ (u8)data, (u8)(data >> 8), (u8)(data >> 16), 0, 0 }, 5);
		at += doc;
	}
	at++;
	*(u32 *)(void *)memset(ends->b, 0, 4) = (u32)(at - batch);
	memcpy(body_bytes + batch, ends->b, 4);
	at++;
	*(u32 *)(void *)ends->b = (u32)(at - cursor);
	memcpy(body_bytes + cursor, ends->b, 4);
	memcpy(body_bytes + at, "\x10ok\0\1\0\0\0\0", 9);
	at += 9;
	*(u32 *)(void *)ends->b = (u32)(at - 5);
	memcpy(body_bytes + 5, ends->b, 4);

	uLongf packed = sizeof(huge);
	assert_int_equal(compress(huge, &packed, body_bytes, at), Z_OK);
	assert_true(packed < 30000);
	msg(&client, 1, 0, "{find:'c',$db:'d'}");
	size_t message = message_begin(&server, 2, 1, OP_COMPRESSED);
	put_int(&server, OP_MSG, 4);
	put_int(&server, at, 4);
	put_int(&server, COMPRESSOR_ZLIB, 1);
	put(&server, huge, packed);
	message_end(&server, message);
	msg(&server, 3, 9, "{ok:1.0}"); /* still in step */
	struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n } };
	char *log = feed_run(&proto_mongodb, steps, 2, NULL, &(struct feed_plan){ 0 });
	char *pieces = feed_run(&proto_mongodb, steps, 2, NULL, &(struct feed_plan){ .cut_at = 1000 });
	assert_string_equal(log, pieces);
	assert_non_null(strstr(log, "answered partial find d.c -> ")); /* more than is looked at: how it ended is not known */
	assert_non_null(strstr(log, "orphan -> ok 38B"));
	free(log);
	free(pieces);
	free(body_bytes);
	free(ends);
}

/* The message is passed by its length, and named for what is known of it. */
static void test_broken(void **state)
{
	static const struct {
		const char *what;
		size_t at;
		u8 value;
	} cases[] = {
		{ "another compressor", 24, 9 }, { "another operation", 16, 0xdc }, { "a longer body", 20, 0xff }, { "a shorter body", 20, 8 },
		{ "damaged data", 30, 0xff }, { "damaged start", 25, 0xff },
	};
	for (size_t kind = 1; kind < ARRAY_LEN(kinds); kind++) {
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			talk(kind, "{find:'items',filter:{a:'abcabcabcabcabc'},$db:'shop'}", "{ok:1.0}");
			server.b[cases[i].at] = cases[i].value;
			msg(&client, 5, 0, "{ping:1,$db:'admin'}");
			msg(&server, 6, 5, "{ok:1.0}");
			struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n } };
			char *log = feed_all(&proto_mongodb, steps, 2, NULL);
			if (!strstr(log, "answered ping admin -> ok 38B") || !strstr(log, "answered partial ? -> ?") + !strstr(log, "find shop.items") + !strstr(log, "-> ok") > 2)
				fail_msg("%s, %s: %s", cases[i].what, kinds[kind].name, log);
			free(log);
		}
	}
}

/* Snappy, byte by byte and whole, against what went in; copies of before the beginning are refused. */
static void test_snappy(void **state)
{
	static struct bytes in, out;
	in.n = out.n = 0;
	for (unsigned i = 0; i < 30000; i++)
		put_int(&in, i % 97 < 60 ? (i / 300) & 0xff : i * 2654435761u >> 24, 1);
	pack_snappy(&out, in.b, in.n);
	for (size_t step = 1; step <= out.n; step = step == 1 ? 777 : out.n + (step == out.n)) {
		struct unpacker *u = unpack_new(COMPRESSOR_SNAPPY);
		size_t seen = 0, n, used;
		assert_non_null(u);
		for (size_t at = 0; at < out.n;) {
			assert_int_equal(unpack_feed(u, out.b + at, MIN(step, out.n - at), &used), UNPACK_OK);
			at += used;
			const u8 *p = unpack_bytes(u, &n);
			assert_memory_equal(p, in.b + seen, n);
			seen += n;
			unpack_take(u, n);
		}
		assert_int_equal(seen, in.n);
		assert_int_equal(unpack_feed(u, out.b, out.n, &used), UNPACK_STUCK);
		unpack_free(u);
	}
	static const char *const bad[] = { "\x05\x09\x01", "\x05\x04" "ab\x09\x03", "\x02\x14" "abcdef", "\xff\xff\xff\xff\xff\xff" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		size_t used;
		struct unpacker *u = unpack_new(COMPRESSOR_SNAPPY);
		assert_int_equal(unpack_feed(u, (const u8 *)bad[i], strlen(bad[i]), &used), UNPACK_BAD);
		unpack_free(u);
	}
}

static void test_cap(void **state)
{
	struct unpacker *all[UNPACK_MAX];
	for (size_t i = 0; i < UNPACK_MAX; i++)
		assert_non_null(all[i] = unpack_new(COMPRESSOR_ZLIB));
	assert_null(unpack_new(COMPRESSOR_ZLIB));
	talk(2, "{find:'items',$db:'shop'}", "{ok:1.0}");
	struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n } };
	char *log = feed_run(&proto_mongodb, steps, 2, NULL, &(struct feed_plan){ 0 });
	assert_non_null(strstr(log, "answered partial ? -> ?"));
	free(log);
	for (size_t i = 0; i < UNPACK_MAX; i++)
		unpack_free(all[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_kinds, fresh), cmocka_unit_test_setup(test_oneway, fresh), cmocka_unit_test_setup(test_large, fresh),
		cmocka_unit_test_setup(test_broken, fresh), cmocka_unit_test(test_snappy), cmocka_unit_test_setup(test_cap, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
