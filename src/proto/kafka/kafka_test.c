/* Conversations with a Kafka broker, fed whole, split at every byte, byte by byte, with holes, and joined late. */
#include "unit.h"

#include "proto_feed.h"
#include "proto/kafka/kafka.h"
#include "proto/kafka/kafka_build.h"

extern const struct proto proto_kafka;

static char *check(const struct frames *f, const char *brief)
{
	return feed_check(&proto_kafka, f->steps, f->n, NULL, brief);
}

static const u8 id_a[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
static const u8 id_b[16] = { 0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x00 };

/* Metadata version 12 that tells of one topic. */
static void metadata(struct frames *f, int correlation, const char *topic, const u8 id[16])
{
	ask(f, 3, 12, 9, correlation, "me");
	put_count(f, 1);
	put_raw(f, (u8[16]){ 0 }, 16);
	put_text(f, topic);
	put_end(f);
	put_int(f, 2, 0x0100); /* allow auto creation; no operations */
	put_end(f);
	done(f);
	answer(f, correlation, true);
	put_int(f, 4, 0);
	put_count(f, 1);
	put_int(f, 4, 7);
	put_text(f, "broker.example");
	put_int(f, 4, 9092);
	put_text(f, NULL);
	put_end(f);
	put_text(f, "cluster");
	put_int(f, 4, 7);
	put_count(f, 1);
	put_int(f, 2, 0);
	put_text(f, topic);
	put_raw(f, id, 16);
	put_int(f, 1, 0);
	put_count(f, 2);
	for (int i = 0; i < 2; i++) {
		put_int(f, 2, i ? 5 : 0);
		put_int(f, 4, i);
		put_int(f, 4, 7);
		put_int(f, 4, 0);
		for (int k = 0; k < 3; k++) {
			put_count(f, 1);
			put_int(f, 4, 7);
		}
		put_end(f);
	}
	put_int(f, 4, 0);
	put_end(f);
	put_end(f);
	done(f);
}

/* Produce version 3: one topic, one partition a batch. */
static void produce(struct frames *f, int correlation, int acks, const char *topic, int batches, int records)
{
	ask(f, 0, 3, 9, correlation, "me");
	put_text(f, NULL);
	put_int(f, 2, acks);
	put_int(f, 4, 1000);
	put_count(f, 1);
	put_text(f, topic);
	put_count(f, batches);
	for (int i = 0; i < batches; i++) {
		put_int(f, 4, i);
		put_count(f, 61 + 21);
		put_batch(f, 0, records, "bytes that are no rec", 21);
	}
	done(f);
}

static void produced(struct frames *f, int correlation, const char *topic, int error)
{
	answer(f, correlation, false);
	put_count(f, 1);
	put_text(f, topic);
	put_count(f, 1);
	put_int(f, 4, 2);
	put_int(f, 2, error);
	put_int(f, 8, 17);
	put_int(f, 8, -1);
	put_int(f, 4, 0);
	done(f);
}

static void producing(void **state)
{
	struct frames f = { 0 };
	produce(&f, 5, 1, "orders", 2, 3);
	produced(&f, 5, "orders", 0);
	produce(&f, 6, 0, "a.b", 1, 1);
	produce(&f, 7, -1, "orders", 1, 1);
	produced(&f, 7, "orders", 6);
	char *log = check(&f, "answered Produce orders 6 records -> 50B\n"
			      "oneway Produce a.b 1 records\n"
			      "answered Produce orders 1 records -> NOT_LEADER_OR_FOLLOWER\n");
	feed_has(log, "  > Packet.API=\"Produce\"");
	feed_has(log, "  > Packet.APIVersion=3");
	feed_has(log, "  > Packet.ClientID=\"me\"");
	feed_has(log, "  > Packet.Topic=\"a.b\"");
	feed_has(log, "  > Packet.Partitions=2");
	feed_has(log, "  > Packet.Records=6");
	feed_has(log, "  > Packet.Bytes=164");
	feed_has(log, "  > Packet.Acks=\"all\"");
	feed_has(log, "  < ErrorCode=\"NoError\"");
	feed_has(log, "  < ErrorCode=\"NotLeaderOrFollower\"");
	feed_has(log, "  < Errors=[{\"Topic\":\"orders\",\"Partition\":2,\"Name\":\"NOT_LEADER_OR_FOLLOWER\"}]");
	free(log);
	frames_free(&f);
}

/* Fetch version 13 of one topic by its id. */
static void fetch(struct frames *f, int correlation, int session, int epoch, const u8 *id)
{
	ask(f, 1, 13, 12, correlation, "me");
	put_int(f, 4, -1);
	put_int(f, 4, 500);
	put_int(f, 4, 1);
	put_int(f, 4, 1 << 20);
	put_int(f, 1, 0);
	put_int(f, 4, session);
	put_int(f, 4, epoch);
	put_count(f, id ? 1 : 0);
	if (id) {
		put_raw(f, id, 16);
		put_count(f, 1);
		put_int(f, 4, 0);
		put_int(f, 4, 0);
		put_int(f, 8, 0);
		put_int(f, 4, -1);
		put_int(f, 8, -1);
		put_int(f, 4, 1 << 20);
		put_end(f);
		put_end(f);
	}
	put_count(f, 0);
	put_text(f, "");
	put_end(f);
	done(f);
}

static void fetched(struct frames *f, int correlation, int session, const u8 id[16], int records)
{
	answer(f, correlation, true);
	put_int(f, 4, 0);
	put_int(f, 2, 0);
	put_int(f, 4, session);
	put_count(f, records ? 1 : 0);
	if (records) {
		put_raw(f, id, 16);
		put_count(f, 1);
		put_int(f, 4, 0);
		put_int(f, 2, 0);
		for (int i = 0; i < 3; i++)
			put_int(f, 8, 9);
		put_count(f, -1);
		put_int(f, 4, -1);
		put_count(f, 2 * (61 + 10) + 30);
		put_batch(f, 4, records, "zstd bytes", 10);
		put_batch(f, 32, 1, "a control ", 10);
		put_raw(f, "\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\2 cut batch .", 30);
		put_end(f);
		put_end(f);
	}
	put_end(f);
	done(f);
}

static void topic_ids_and_sessions(void **state)
{
	struct frames f = { 0 };
	fetch(&f, 9, 0, 0, id_b); /* of which nobody has told */
	fetched(&f, 9, 0, id_b, 0);
	metadata(&f, 10, "orders", id_a);
	fetch(&f, 11, 0, 0, id_a);
	fetched(&f, 11, 4711, id_a, 5);
	fetch(&f, 12, 4711, 1, NULL);
	fetched(&f, 12, 4711, id_a, 2);
	char *log = check(&f, "answered partial Fetch _-7dzLuqmYh3ZlVEMyIRAA -> 21B\n"
			      "answered Metadata orders -> LEADER_NOT_AVAILABLE\n"
			      "answered Fetch orders -> 5 records 249B\n"
			      "answered Fetch orders -> 2 records 249B\n");
	feed_has(log, "  < Errors=[{\"Topic\":\"orders\",\"Partition\":1,\"Name\":\"LEADER_NOT_AVAILABLE\"}]");
	feed_has(log, "  < Records=5");
	feed_has(log, "  < Bytes=172");
	feed_has(log, "  > Packet.MaxWait=500000000ns");
	free(log);
	frames_free(&f);
}

/* Answers come in the order of the requests. */
static void pipelined(void **state)
{
	struct frames f = { 0 };
	for (int i = 0; i < 3; i++)
		produce(&f, i, 1, "t", 1, i + 1);
	for (int i = 0; i < 3; i++)
		produced(&f, i, "t", i);
	char *log = check(&f, "answered Produce t 1 records -> 45B\n"
			      "answered Produce t 2 records -> OFFSET_OUT_OF_RANGE\n"
			      "answered Produce t 3 records -> CORRUPT_MESSAGE\n");
	free(log);
	frames_free(&f);
}

/* A client may number all of them alike: then the order tells. */
static void one_id_for_all(void **state)
{
	struct frames f = { 0 };
	for (int i = 0; i < 3; i++)
		produce(&f, 0, 1, "t", 1, i + 1);
	for (int i = 0; i < 3; i++)
		produced(&f, 0, "t", i);
	for (int bytes = 0; bytes < 2; bytes++) {
		char *log = feed_run(&proto_kafka, f.steps, f.n, NULL, &(struct feed_plan){ .bytes = bytes }), *brief = feed_brief(log);
		assert_string_equal(brief, "answered Produce t 1 records -> 45B\n"
					   "answered Produce t 2 records -> OFFSET_OUT_OF_RANGE\n"
					   "answered Produce t 3 records -> CORRUPT_MESSAGE\n");
		free(brief);
		free(log);
	}
	frames_free(&f);
}

static void ids_used_again(void **state)
{
	struct frames f = { 0 };
	for (int i = 0; i < 3; i++) {
		produce(&f, 0, 1, "t", 1, i + 1);
		produced(&f, 0, "t", i);
	}
	free(check(&f, "answered Produce t 1 records -> 45B\n"
		       "answered Produce t 2 records -> OFFSET_OUT_OF_RANGE\n"
		       "answered Produce t 3 records -> CORRUPT_MESSAGE\n"));
	frames_free(&f);
}

static void api_versions(void **state)
{
	struct frames f = { 0 };
	ask(&f, 18, 4, 3, 1, "me");
	put_text(&f, "apache-kafka-java");
	put_text(&f, "4.0.0");
	put_end(&f);
	done(&f);
	answer(&f, 1, false); /* a server that knows less says so in version 0 */
	put_int(&f, 2, 35);
	put_count(&f, 1);
	put_int(&f, 6, 0x001200000003);
	done(&f);
	ask(&f, 18, 3, 3, 2, "me");
	put_text(&f, "apache-kafka-java");
	put_text(&f, "4.0.0");
	put_end(&f);
	done(&f);
	answer(&f, 2, false); /* no tagged fields in this header, ever */
	f.flexible = true;
	put_int(&f, 2, 0);
	put_count(&f, 1);
	put_int(&f, 6, 0x001200000003);
	put_end(&f);
	put_int(&f, 4, 0);
	put_end(&f);
	done(&f);
	ask(&f, 18, 0, 3, 3, "rdkafka");
	put_int(&f, 4, 0); /* what librdkafka adds */
	done(&f);
	answer(&f, 3, false);
	put_int(&f, 2, 0);
	put_count(&f, 0);
	done(&f);
	char *log = check(&f, "answered ApiVersions -> UNSUPPORTED_VERSION\nanswered ApiVersions -> 23B\nanswered ApiVersions -> 14B\n");
	feed_has(log, "  > Packet.Software=\"apache-kafka-java\"");
	feed_has(log, "  > Packet.SoftwareVersion=\"4.0.0\"");
	feed_lacks(log, "  < Malformed=true");
	free(log);
	frames_free(&f);
}

static void token(struct frames *f, u8 dir, const char *bytes, size_t n)
{
	frame_begin(f, dir);
	put_raw(f, bytes, n);
	done(f);
}

/* Version 0: what follows the hand-shake has a length and nothing else. */
static void sasl_tokens(void **state)
{
	struct frames f = { 0 };
	ask(&f, 17, 0, 99, 1, "me");
	put_text(&f, "PLAIN");
	done(&f);
	answer(&f, 1, false);
	put_int(&f, 2, 0);
	put_count(&f, 1);
	put_text(&f, "PLAIN");
	done(&f);
	token(&f, FEED_CLIENT, "\0alice\0secret", 13);
	token(&f, FEED_SERVER, "", 0);
	ask(&f, 12, 0, 4, 2, "me");
	put_text(&f, "group");
	put_int(&f, 4, 3);
	put_text(&f, "member");
	done(&f);
	answer(&f, 2, false);
	put_int(&f, 2, 27);
	done(&f);
	char *log = check(&f, "answered SaslHandshake PLAIN -> 21B\nanswered Heartbeat group -> REBALANCE_IN_PROGRESS\n");
	assert_null(strstr(log, "secret"));
	feed_has(log, "  > Packet.GroupID=\"group\"");
	free(log);
	frames_free(&f);
}

/* Later versions and keys: the header is read, and the answer found. */
static void newer(void **state)
{
	struct frames f = { 0 };
	ask(&f, 0, 77, 9, 1, "me");
	put_raw(&f, "whatever this will be", 21);
	done(&f);
	answer(&f, 1, false);
	put_raw(&f, "or that", 7);
	done(&f);
	ask(&f, 555, 3, 0, 2, "me");
	put_raw(&f, "unheard of", 10);
	done(&f);
	answer(&f, 2, false);
	put_raw(&f, "so is this", 10);
	done(&f);
	produce(&f, 3, 1, "t", 1, 1);
	produced(&f, 3, "t", 0);
	char *log = check(&f, "answered Produce -> 15B\nanswered 555 -> 18B\nanswered Produce t 1 records -> 45B\n");
	feed_has(log, "  > Packet.VersionUnknown=true");
	feed_has(log, "  < ErrorCode=\"\"");
	free(log);
	frames_free(&f);
}

/* The first record's headers, of a batch that is not compressed. */
static void trace_context(void **state)
{
	static const char parent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
	struct frames record = { .n = 1 }, f = { 0 };
	put_varint(&record, 150);
	put_int(&record, 1, 0);
	put_varint(&record, 0);
	put_varint(&record, 0);
	put_varint(&record, 3);
	put_raw(&record, "key", 3);
	put_varint(&record, 70);
	put_raw(&record, "a value of seventy bytes, which is of no interest to anybody at all...", 70);
	put_varint(&record, 3);
	put_varint(&record, 5);
	put_raw(&record, "other", 5);
	put_varint(&record, -1);
	put_varint(&record, 11);
	put_raw(&record, "traceparent", 11);
	put_varint(&record, sizeof(parent) - 1);
	put_raw(&record, parent, sizeof(parent) - 1);
	put_varint(&record, 4);
	put_raw(&record, "last", 4);
	put_varint(&record, 0);
	ask(&f, 0, 8, 9, 1, "me");
	put_text(&f, "txn");
	put_int(&f, 2, 1);
	put_int(&f, 4, 1000);
	put_count(&f, 1);
	put_text(&f, "t");
	put_count(&f, 1);
	put_int(&f, 4, 0);
	put_count(&f, 61 + (int)record.bytes[0].len);
	put_batch(&f, 16, 1, record.bytes[0].data, record.bytes[0].len);
	done(&f);
	char *log = check(&f, "open Produce t 1 records\n");
	feed_has(log, "  > Packet.TransactionalID=\"txn\"");
	if (!strstr(log, "4bf92f3577b34da6a3ce929d0e0e4736"))
		fail_msg("no trace in %s", log);
	free(log);
	frames_free(&record);
	frames_free(&f);
}

/* Message sets of before 2017: each message has a header of its own. */
static void old_records(void **state)
{
	struct frames f = { 0 };
	ask(&f, 0, 0, 9, 1, "me");
	put_int(&f, 2, 1);
	put_int(&f, 4, 1000);
	put_count(&f, 1);
	put_text(&f, "t");
	put_count(&f, 1);
	put_int(&f, 4, 0);
	put_count(&f, 2 * 30 + 38);
	for (int magic = 0; magic < 3; magic++) {
		put_int(&f, 8, 0);
		put_int(&f, 4, magic == 2 ? 26 : 18);
		put_int(&f, 4, 0);
		put_int(&f, 1, magic == 2 ? 1 : 0);
		put_int(&f, 1, magic == 2 ? 2 : 0);
		if (magic == 2)
			put_int(&f, 8, 0);
		put_int(&f, 4, -1);
		put_int(&f, 4, 4);
		put_raw(&f, "data", 4);
	}
	done(&f);
	char *log = check(&f, "open Produce t 3 records\n");
	feed_has(log, "  > Packet.Compression=\"snappy\"");
	free(log);
	frames_free(&f);
}

static void one(struct frames *f, int key, int version, int first_flexible)
{
	ask(f, key, version, first_flexible, 40, "me");
	done(f);
}

static enum probe probe_of(const void *p, size_t n)
{
	enum side side;
	return proto_kafka.probe(p, n, &side);
}

static void probes(void **state)
{
	struct frames f = { 0 };
	one(&f, 18, 0, 3);
	assert_int_equal(probe_of(f.steps[0].p, f.steps[0].n), PROBE_SURE);
	assert_int_equal(probe_of(f.steps[0].p, 10), PROBE_MORE);
	assert_int_equal(probe_of("", 0), PROBE_MORE);
	assert_int_equal(probe_of("\0\0\0\x10\0\x12\0\0\0\0\0\1\xff\xff", 14), PROBE_NO); /* a body where there is none */
	assert_int_equal(probe_of("\0\0\0\x0a\0\x12\0\0\0\0\0\1\xff\xff", 14), PROBE_SURE);
	assert_int_equal(probe_of("\x7f\xff\xff\xff\0\3\0\1\0\0\0\1\0\2me", 16), PROBE_NO);
	assert_int_equal(probe_of("\x0c\0\0\1\0\x0b\0\0\0\1\0\3\0\0\0\0\x17\0\0\2\3" "def", 24), PROBE_NO); /* of a MySQL server */
	assert_int_equal(probe_of("GET / HTTP/1.1\r\n\r\n", 18), PROBE_NO);
	assert_int_equal(probe_of("\0\0\0\x20\0\3\0\1\0\0\0\1\0\2m\1", 16), PROBE_NO);
	assert_int_equal(probe_of("\0\0\0\7\0\3\0\1\0\0\0\1\0\2me", 16), PROBE_NO);
	frames_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(producing), cmocka_unit_test(topic_ids_and_sessions), cmocka_unit_test(pipelined), cmocka_unit_test(one_id_for_all), cmocka_unit_test(ids_used_again),
		cmocka_unit_test(api_versions), cmocka_unit_test(sasl_tokens), cmocka_unit_test(newer), cmocka_unit_test(trace_context),
		cmocka_unit_test(old_records), cmocka_unit_test(probes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
