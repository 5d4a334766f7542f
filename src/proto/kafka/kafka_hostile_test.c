/* Bytes that want to do harm: lengths and counts that lie, sizes of two gigabytes, work that should explode. Whatever a frame
 * holds, the next one is read. */
#include "unit.h"

#include <stdio.h>
#include <time.h>

#include "proto_feed.h"
#include "proto/kafka/kafka.h"
#include "proto/kafka/kafka_build.h"

extern const struct proto proto_kafka;

static void heartbeat(struct frames *f, int correlation)
{
	ask(f, 12, 0, 4, correlation, "me");
	put_text(f, "g");
	put_int(f, 4, 3);
	put_text(f, "member");
	done(f);
	answer(f, correlation, false);
	put_int(f, 2, 0);
	done(f);
}

/* A request whose body is these bytes, its answer with these, and an honest exchange behind them. */
static char *lie(int key, int version, int flexible, const void *body, size_t n, const void *reply, size_t reply_n)
{
	struct frames f = { 0 };
	heartbeat(&f, 1);
	ask(&f, key, version, flexible, 2, "me");
	put_raw(&f, body, n);
	done(&f);
	answer(&f, 2, version >= flexible);
	put_raw(&f, reply, reply_n);
	done(&f);
	heartbeat(&f, 3);
	char *log = feed_all(&proto_kafka, f.steps, f.n, NULL);
	assert_int_equal(feed_answered(log), 3);
	frames_free(&f);
	return log;
}

#define LIE(key, version, flexible, body, reply) lie(key, version, flexible, body, sizeof(body) - 1, reply, sizeof(reply) - 1)

static void lying_requests(void **state)
{
	static const char fine[] = "\0\0\0\0\0\0\0\0\0\0\0\0";
	char *logs[] = {
		LIE(3, 1, 9, "\x7f\xff\xff\xff", fine),             /* 2^31 - 1 topics */
		LIE(3, 1, 9, "\x80\0\0\0", fine),                   /* -2^31 */
		LIE(3, 1, 9, "\0\0\0\2\0\1a\x7f\xff" "a", fine),    /* a name beyond the end */
		LIE(3, 1, 9, "\0\0\0\2\0\1a\xff\xfe", fine),        /* a name of -2 bytes */
		LIE(3, 9, 9, "\xff\xff\xff\xff\xff\xff\xff", fine), /* a varint without end */
		LIE(3, 9, 9, "\xff\xff\xff\xff\x7f", fine),         /* one of 35 bits */
		LIE(3, 9, 9, "\2\1\xff\xff\xff\xff\x0f", fine),     /* tagged fields: 2^32 - 1 */
		LIE(3, 9, 9, "\2\1\1\0\xff\xff\xff\xff\x0f", fine), /* one of 2^32 - 1 bytes */
		LIE(0, 3, 9, "\xff\xff\0\1\0\0\0\1\0\0\0\1\0\1t\0\0\0\1\0\0\0\0\x7f\xff\xff\xff" "bytes", fine), /* records of 2 GB */
		LIE(0, 3, 9, "\xff\xff\0\1\0\0\0\1\x7f\xff\xff\xff\0\1t", fine),
	};
	for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
		feed_has(logs[i], "  > Packet.Malformed=true");
		free(logs[i]);
	}
}

static void lying_answers(void **state)
{
	char *logs[] = {
		LIE(3, 1, 9, "\0\0\0\0", "\x7f\xff\xff\xff\0\0\0\0"),
		LIE(3, 1, 9, "\0\0\0\0", "\0\0\0\1\0\0\0\1\x7f\xff\0\0"),
		LIE(3, 9, 9, "\1\0\0\0\0", "\0\0\0\0\xff\xff\xff\xff\xff\xff"),
		LIE(12, 0, 4, "\0\1g\0\0\0\1\0\1m", "\0"),
	};
	for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
		feed_has(logs[i], "  < Malformed=true");
		free(logs[i]);
	}
}

/* Batches whose headers lie are not counted; the set's end is known all the same. */
static void lying_batches(void **state)
{
	static const struct {
		int at, bytes;
		long long value;
		u64 records;
	} lies[] = {
		{ 8, 4, 0, 0 }, { 8, 4, -1, 0 }, { 8, 4, 0x7fffffff, 0 }, { 8, 4, 48, 0 }, { 16, 1, 3, 0 }, { 57, 4, -1, 0 }, { 57, 4, 0x7fffffff, 0 }, { 57, 4, 1, 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		struct frames f = { 0 }, batch = { .n = 1 };
		put_batch(&batch, 0, 2, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
		for (int k = 0; k < lies[i].bytes; k++)
			batch.bytes[0].data[lies[i].at + k] = (char)(lies[i].value >> (8 * (lies[i].bytes - 1 - k)));
		ask(&f, 0, 3, 9, 1, "me");
		put_text(&f, NULL);
		put_int(&f, 2, 1);
		put_int(&f, 4, 1);
		put_count(&f, 1);
		put_text(&f, "t");
		put_count(&f, 1);
		put_int(&f, 4, 0);
		put_count(&f, (int)batch.bytes[0].len);
		put_raw(&f, batch.bytes[0].data, batch.bytes[0].len);
		done(&f);
		heartbeat(&f, 2);
		char *log = feed_all(&proto_kafka, f.steps, f.n, NULL), line[64];
		assert_int_equal(feed_answered(log), 1);
		snprintf(line, sizeof(line), "  > Packet.Records=%llu", (unsigned long long)lies[i].records);
		feed_has(log, line);
		feed_lacks(log, "  > Packet.Malformed=true");
		free(log);
		frames_free(&batch);
		frames_free(&f);
	}
}

/* Two gigabytes are announced: a request that large does not exist; of an answer nothing is kept. */
static void two_gigabytes(void **state)
{
	struct frames f = { 0 };
	heartbeat(&f, 1);
	frame_begin(&f, FEED_CLIENT);
	put_raw(&f, "\0\3\0\1\0\0\0\5\0\2me\0\0\0\0", 16);
	done(&f);
	memcpy(f.bytes[f.n - 1].data, "\x7f\xff\xff\xff", 4);
	heartbeat(&f, 2);
	char *log = feed_run(&proto_kafka, f.steps, f.n, NULL, &(struct feed_plan){ 0 });
	assert_int_equal(feed_answered(log), 2);
	free(log);
	frames_free(&f);

	ask(&f, 12, 0, 4, 1, "me");
	put_text(&f, "g");
	put_int(&f, 4, 3);
	put_text(&f, "member");
	done(&f);
	answer(&f, 1, false);
	put_int(&f, 2, 27);
	done(&f);
	memcpy(f.bytes[f.n - 1].data, "\x7f\xff\xff\xff", 4);
	log = feed_run(&proto_kafka, f.steps, f.n, NULL, &(struct feed_plan){ 0 });
	feed_has(log, "open Heartbeat g -> REBALANCE_IN_PROGRESS");
	free(log);
	frames_free(&f);
}

/* 40000 topics cost no more memory than the cap's, and are not shown. */
static void many_topics(void **state)
{
	struct frames f = { 0 };
	ask(&f, 3, 1, 9, 1, "me");
	put_count(&f, 15000);
	for (int i = 0; i < 15000; i++) {
		char name[3] = { (char)('a' + i % 26), (char)('a' + i / 26 % 26), 0 };
		put_text(&f, name);
	}
	done(&f);
	char *log = feed_run(&proto_kafka, f.steps, f.n, NULL, &(struct feed_plan){ 0 });
	const char *list = strstr(log, "Topics=[");
	size_t names = 0;
	assert_non_null(list);
	for (; *list != '\n'; list++)
		names += *list == ',';
	assert_int_equal(names, 31); /* the harness's max_records, less one */
	free(log);
	frames_free(&f);
}

static double seconds_of(const char *pattern, size_t n)
{
	static u8 bytes[65536];
	static struct kafka_state memory;
	memset(&memory, 0, sizeof(memory));
	struct parser ps = { .proto = &proto_kafka, .state = &memory, .request_dir = DIR_A };
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (u8)pattern[i % n];
	struct chunk c = { .p = bytes, .n = sizeof(bytes) };
	clock_t start = clock();
	for (int i = 0; i < 50; i++)
		proto_kafka.resync(&ps, &c);
	return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* Bytes that look like a request everywhere, each with a body to be read, against bytes that never do. */
static void resync_is_bounded(void **state)
{
	static const char starts[] = "\0\0\x70\0\0\3\0\1\0\0\0\1\0\1m\0\0\0\x7f";
	static const char zeros[] = "\0\0\0\x20\0\3\0\1\0\0";
	double quiet = MAX(seconds_of("x", 1), 0.001);
	assert_true(seconds_of(starts, sizeof(starts) - 1) < 200 * quiet + 1);
	assert_true(seconds_of(zeros, sizeof(zeros) - 1) < 200 * quiet + 1);
	assert_true(seconds_of("\0", 1) < 200 * quiet + 1);
}

/* A layout with an element of no bytes would let a count cost more than was sent; one too deep would not be read. */
static void layouts_are_sound(void **state)
{
	for (i16 key = 0; kafka_api_find(key); key++) {
		const struct kafka_api *api = kafka_api_find(key);
		const struct kafka_row *sides[] = { api->request, api->response };
		for (int version = 0; version <= api->last; version++) {
			for (int side = 0; side < 2; side++) {
				u8 zeros[4096] = { 0 }; /* of arrays one element each, then nothing */
				struct kafka_walk w = { 0 };
				size_t used;
				bool flexible = version >= api->flexible;
				kafka_walk_start(&w, sides[side], (i16)version, flexible, flexible);
				assert_int_equal(kafka_walk(&w, zeros, sizeof(zeros), sizeof(zeros), &used), WALKED_ALL);
			}
		}
		for (int side = 0; side < 2; side++) {
			int depth = 1, deepest = 1;
			for (const struct kafka_row *r = sides[side]; depth; r++) {
				bool opens = r->type == KAFKA_ARRAY || r->type == KAFKA_STRUCT || r->type == KAFKA_MAYBE;
				depth += opens - (r->type == KAFKA_END);
				deepest = MAX(deepest, depth + (r->type == KAFKA_LIST));
			}
			assert_true(deepest <= KAFKA_LEVELS);
		}
	}
}

/* Every byte of a conversation changed in turn. */
static void mutations(void **state)
{
	struct frames f = { 0 };
	heartbeat(&f, 1);
	ask(&f, 3, 9, 9, 2, "me");
	put_count(&f, 1);
	put_text(&f, "t");
	put_end(&f);
	put_int(&f, 3, 0);
	put_end(&f);
	done(&f);
	heartbeat(&f, 3);
	for (size_t i = 0; i < f.n; i++) {
		for (size_t at = 0; at < f.steps[i].n; at++) {
			static const u8 values[] = { 0, 1, 0x7f, 0x80, 0xff };
			char old = f.bytes[i].data[at];
			for (size_t k = 0; k < sizeof(values); k++) {
				f.bytes[i].data[at] = (char)values[k];
				free(feed_run(&proto_kafka, f.steps, f.n, NULL, &(struct feed_plan){ 0 }));
			}
			f.bytes[i].data[at] = old;
		}
	}
	frames_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lying_requests), cmocka_unit_test(lying_answers), cmocka_unit_test(lying_batches), cmocka_unit_test(two_gigabytes),
		cmocka_unit_test(many_topics), cmocka_unit_test(resync_is_bounded), cmocka_unit_test(layouts_are_sound), cmocka_unit_test(mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
