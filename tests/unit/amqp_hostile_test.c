/* Peers that lie: memory stays within its limits, time in proportion to the bytes, and what makes sense is still read. */
#include "unit.h"

#include <stdio.h>
#include <time.h>

#include "flow/flow.h"
#include "proto_feed.h"
#include "proto/amqp/amqp_build.h"
#include "proto/amqp/channel.h"
#include "roundtrip/session.h"

extern const struct proto proto_amqp;

static struct talk t;

static int fresh(void **state)
{
	t.n = t.len = 0;
	opened(&t);
	return 0;
}

/* A connection through the flow and session layers. */
struct world {
	struct sink sink;
	struct sessions *all;
	struct flow *flow;
	struct ledger ledger;
	u64 ts;
	u32 seq[2];
	u64 outcomes[OUTCOME_COUNT];
};

static void count(struct sink *sink, const struct roundtrip *rt)
{
	((struct world *)sink)->outcomes[rt->outcome]++;
}

static struct world *world_new(void)
{
	static const struct flow_options flow_options;
	static const struct session_options options = { .proto = { .details = true } };
	struct world *x = calloc(1, sizeof(*x));
	assert_non_null(x);
	x->sink.roundtrip = count;
	x->all = sessions_new(&options, &x->ledger);
	assert_non_null(x->all);
	x->flow = flow_new(&flow_options, &session_consumer, &x->ledger.flow, x->all);
	sessions_add_sink(x->all, &x->sink);
	x->ts = 1000 * NS_PER_SEC;
	return x;
}

static void send(struct world *x, u8 dir, u8 flags, const void *p, size_t n)
{
	struct segment s = { .ts = x->ts += 20 * NS_PER_US, .protocol = IPPROTO_TCP_, .flags = flags, .window = 100, .len = (u32)n, .caplen = (u32)n };
	s.payload = p;
	s.src.b[15] = (u8)(1 + dir);
	s.dst.b[15] = (u8)(2 - dir);
	s.sport = dir == FEED_SERVER ? 5672 : 40000;
	s.dport = dir == FEED_SERVER ? 40000 : 5672;
	s.seq = x->seq[dir];
	s.ack = x->seq[!dir];
	x->seq[dir] += (u32)n + (flags & TCP_SYN ? 1 : 0);
	flow_packet(x->flow, &s);
}

static void play(struct world *x)
{
	for (size_t i = 0; i < t.len; i++)
		for (size_t at = 0; at < t.steps[i].n; at += 16 * KIB)
			send(x, t.steps[i].dir, TCP_ACK, (const u8 *)t.steps[i].p + at, MIN(t.steps[i].n - at, 16 * KIB));
	t.n = t.len = 0;
}

static struct world *world_opened(void)
{
	struct world *x = world_new();
	send(x, FEED_CLIENT, TCP_SYN, NULL, 0);
	send(x, FEED_SERVER, TCP_SYN | TCP_ACK, NULL, 0);
	play(x);
	return x;
}

static const struct ledger_proto *numbers(const struct world *x)
{
	return &x->ledger.proto[PROTO_amqp];
}

static void world_free(struct world *x)
{
	flow_finish(x->flow);
	u64 ended = 0;
	for (int i = 0; i < OUTCOME_COUNT; i++)
		ended += x->outcomes[i];
	assert_int_equal(numbers(x)->requests, ended);
	assert_int_equal(numbers(x)->waiting, 0);
	flow_free(x->flow);
	sessions_free(x->all);
	free(x);
}

static u64 cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (u64)now.tv_sec * NS_PER_SEC + (u64)now.tv_nsec;
}

/* CPU time of this many publishes that nobody confirms: what the others are compared with. */
static u64 plain(unsigned frames)
{
	fresh(NULL);
	struct world *x = world_opened();
	u64 before = cpu_ns();
	for (unsigned i = 0; i < frames; i++) {
		say(&t, FEED_CLIENT), publish(&t, 1, "e", "k", 0, 10);
		play(x);
	}
	u64 took = cpu_ns() - before;
	world_free(x);
	return took;
}

static void assert_proportionate(u64 took, u64 frames, unsigned factor)
{
	u64 allowed = plain((unsigned)frames) * factor + 50 * NS_PER_MS;
	if (took > allowed)
		fail_msg("%llu frames took %.0f ms, %.0f were allowed", (unsigned long long)frames, (double)took / 1e6, (double)allowed / 1e6);
}

/* A frame beyond what was agreed on, and one of 4 GiB, are no frames. What follows is found again. */
static void test_frame_max(void **state)
{
	static const u8 lies[][7] = { { FRAME_BODY, 0, 1, 0, 2, 0, 1 }, { FRAME_METHOD, 0, 1, 0xff, 0xff, 0xff, 0xff }, { FRAME_HEARTBEAT, 0, 0, 0, 1, 0, 0 } };
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		fresh(NULL);
		say(&t, FEED_CLIENT), put(&t, lies[i], 7);
		say(&t, FEED_CLIENT), publish(&t, 1, "e", "after", 0, 10);
		char *log = feed_run(&proto_amqp, t.steps, t.len, NULL, &(struct feed_plan){ 0 });
		assert_non_null(strstr(log, "oneway partial Basic.Publish e/after 10B\n"));
		free(log);
	}
}

/* A body without its end octet, which is passed over like the body; a method whose arguments go beyond its frame; bodies that exceed their header. */
static void test_broken(void **state)
{
	say(&t, FEED_CLIENT), publish(&t, 1, "e", "a", 0, 10);
	t.b[t.n - 1] = 0;
	say(&t, FEED_CLIENT), method(&t, 1, BASIC_PUBLISH, "wb", 0, 200);
	header(&t, 1, 5), body(&t, 1, 6);
	say(&t, FEED_CLIENT), header(&t, 7, 5), body(&t, 9, 6), publish(&t, 1, "e", "b", 0, 1);
	free(feed_check(&proto_amqp, t.steps, t.len, NULL, OPENED_BRIEF "oneway Basic.Publish e/a 10B\noneway partial Basic.Publish 5B\noneway Basic.Publish e/b 1B\n"));
}

/* A header table of 100 KB, in one frame: what is before it is read, what is behind it is not. */
static void test_huge_table(void **state)
{
	say(&t, FEED_CLIENT), method(&t, 1, BASIC_PUBLISH, "wssb", 0, "e", "k", 0);
	frame_begin(&t, FRAME_HEADER, 1);
	put_int(&t, METHOD(CLASS_BASIC, 0), 4), put_int(&t, 4, 8), put_int(&t, 0xa080, 2);
	put_short(&t, "text/plain");
	put_int(&t, 100000, 4);
	for (int i = 0; i < 25000; i++)
		put(&t, "\1kbx", 4);
	put_short(&t, "id");
	frame_end(&t);
	body(&t, 1, 4);
	char *log = feed_run(&proto_amqp, t.steps, t.len, NULL, &(struct feed_plan){ 0 });
	feed_has(log, "  > ContentType=\"text/plain\"");
	feed_has(log, "  > MessageID=\"\"");
	assert_non_null(strstr(log, "oneway partial Basic.Publish e/k 4B\n"));
	free(log);
}

/* All channels there can be, each with a publish under way; then the first is used again. */
static void test_channels(void **state)
{
	struct world *x = world_opened();
	u64 before = cpu_ns(), most = 0;
	for (unsigned ch = 1; ch <= 65535; ch++) {
		say(&t, FEED_CLIENT), method(&t, ch, CHANNEL_OPEN, "s", ""), method(&t, ch, BASIC_PUBLISH, "wssb", 0, "e", "k", 0);
		say(&t, FEED_SERVER), method(&t, ch, CHANNEL_OPEN_OK, "S", "");
		play(x);
		most = MAX(most, amqp_heap_bytes());
	}
	u64 took = cpu_ns() - before;
	assert_true(most < 4096 * 1024);
	say(&t, FEED_CLIENT), header(&t, 1, 0);
	play(x);
	assert_true(numbers(x)->requests > 2 * 65535);
	world_free(x);
	assert_proportionate(took, 3 * 65535, 4);
}

/* Consumers without end. */
static void test_consumers(void **state)
{
	struct world *x = world_opened();
	u64 before = cpu_ns();
	for (unsigned i = 0; i < 30000; i++) {
		char tag[256];
		snprintf(tag, sizeof(tag), "%0200u", i);
		say(&t, FEED_CLIENT), method(&t, 1, BASIC_CONSUME, "wssbT", 0, tag, tag, 8);
		say(&t, FEED_SERVER), deliver(&t, 1, tag, i + 1, 1);
		play(x);
	}
	u64 took = cpu_ns() - before;
	assert_true(amqp_heap_bytes() < 4096 * 1024);
	world_free(x);
	assert_proportionate(took, 60000, 4);
}

/* Deliveries that nobody acknowledges: the oldest are given up. Among them tags that jump about, each followed by an acknowledgement
 * of all there may be. */
static void test_unsettled(void **state)
{
	struct world *x = world_opened();
	say(&t, FEED_CLIENT), method(&t, 1, BASIC_CONSUME, "wssbT", 0, "q", "c", 8);
	play(x);
	u64 before = cpu_ns();
	for (unsigned i = 1; i <= 50000; i++) {
		say(&t, FEED_SERVER), deliver(&t, 1, "c", i, 1);
		play(x);
	}
	u64 took = cpu_ns() - before;
	assert_true(numbers(x)->waiting <= 10000);
	assert_true(numbers(x)->evicted >= 40000);
	assert_proportionate(took, 50000, 4);
	before = cpu_ns();
	for (u64 i = 1; i <= 20000; i++) {
		say(&t, FEED_SERVER), deliver(&t, 1, "c", i * 1000000007 % 0x7fffffffffff + 1000000, 1);
		say(&t, FEED_CLIENT), method(&t, 1, BASIC_ACK, "qb", i % 2 ? (u64)0 : UINT64_MAX, 1);
		play(x);
	}
	took = cpu_ns() - before;
	assert_true(amqp_heap_bytes() < 64 * KIB);
	world_free(x);
	assert_proportionate(took, 40000, 6);
}

/* Confirms of what was never published, by the thousand and all at once. */
static void test_unpublished(void **state)
{
	struct world *x = world_opened();
	say(&t, FEED_CLIENT), method(&t, 1, CONFIRM_SELECT, "b", 1);
	play(x);
	u64 before = cpu_ns();
	for (unsigned i = 1; i <= 20000; i++) {
		say(&t, FEED_CLIENT), publish(&t, 1, "e", "k", 0, 1);
		say(&t, FEED_SERVER), method(&t, 1, BASIC_ACK, "qb", (u64)i * 1000, 1);
		play(x);
	}
	u64 took = cpu_ns() - before;
	world_free(x);
	assert_proportionate(took, 40000, 6);
}

/* Channels opened and closed with much waiting elsewhere. */
static void test_churn(void **state)
{
	struct world *x = world_opened();
	say(&t, FEED_CLIENT), method(&t, 1, CONFIRM_SELECT, "b", 1);
	for (int i = 0; i < 2000; i++)
		publish(&t, 1, "e", "k", 0, 1);
	play(x);
	u64 before = cpu_ns();
	for (unsigned i = 0; i < 20000; i++) {
		say(&t, FEED_CLIENT), method(&t, 2, CHANNEL_OPEN, "s", "");
		say(&t, FEED_SERVER), method(&t, 2, CHANNEL_CLOSE, "wsww", 504, "CHANNEL_ERROR", 0, 0);
		say(&t, FEED_CLIENT), method(&t, 2, CHANNEL_CLOSE_OK, "");
		play(x);
	}
	u64 took = cpu_ns() - before;
	world_free(x);
	assert_proportionate(took, 60000, 8);
}

/* What the tests before held is given back. */
static void test_given_back(void **state)
{
	assert_int_equal(amqp_heap_bytes(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_frame_max, fresh), cmocka_unit_test_setup(test_broken, fresh), cmocka_unit_test_setup(test_huge_table, fresh),
		cmocka_unit_test_setup(test_channels, fresh), cmocka_unit_test_setup(test_consumers, fresh), cmocka_unit_test_setup(test_unsettled, fresh),
		cmocka_unit_test_setup(test_unpublished, fresh), cmocka_unit_test_setup(test_churn, fresh), cmocka_unit_test(test_given_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
