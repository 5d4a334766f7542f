/* Confirms and acknowledgements; what is lost; what is never answered. */
#include "unit.h"

#include <stdio.h>

#include "proto_feed.h"
#include "proto/amqp/amqp_build.h"

extern const struct proto proto_amqp;

static struct talk t;

static int fresh(void **state)
{
	t.n = t.len = 0;
	opened(&t);
	return 0;
}

static char *check(const char *brief)
{
	char text[8192];
	snprintf(text, sizeof(text), "%s%s", OPENED_BRIEF, brief);
	return feed_check(&proto_amqp, t.steps, t.len, NULL, text);
}

static void confirms_on(void)
{
	say(&t, FEED_CLIENT), method(&t, 1, CONFIRM_SELECT, "b", 0);
	say(&t, FEED_SERVER), method(&t, 1, METHOD(CLASS_CONFIRM, 11), "");
}

static void consume(unsigned channel, const char *tag, unsigned bits)
{
	say(&t, FEED_CLIENT), method(&t, channel, BASIC_CONSUME, "wssbT", 0, "work", tag, bits);
	say(&t, FEED_SERVER), method(&t, channel, BASIC_CONSUME_OK, "s", tag);
}

/* One by one, out of order, several at once, all at once, refused, returned. */
static void test_confirms(void **state)
{
	confirms_on();
	say(&t, FEED_CLIENT);
	for (unsigned i = 1; i <= 9; i++)
		publish(&t, 1, "e", (char[2]){ (char)('0' + i), 0 }, i == 9, i);
	say(&t, FEED_SERVER), method(&t, 1, BASIC_ACK, "qb", (u64)2, 0), method(&t, 1, BASIC_ACK, "qb", (u64)1, 0);
	say(&t, FEED_SERVER), method(&t, 1, BASIC_ACK, "qb", (u64)5, 1);
	say(&t, FEED_SERVER), method(&t, 1, BASIC_NACK, "qb", (u64)6, 0);
	say(&t, FEED_SERVER), method(&t, 1, BASIC_ACK, "qb", (u64)0, 1);
	say(&t, FEED_CLIENT), publish(&t, 1, "", "nowhere", 1, 1);
	say(&t, FEED_SERVER), method(&t, 1, BASIC_RETURN, "wsss", 312, "NO_ROUTE", "", "nowhere"), header(&t, 1, 1), body(&t, 1, 1);
	method(&t, 1, BASIC_ACK, "qb", (u64)10, 0), method(&t, 1, BASIC_ACK, "qb", (u64)10, 0);
	char *log = check("answered Confirm.Select -> Confirm.Select-Ok\n"
			  "answered Basic.Publish e/2 2B -> Basic.Ack\nanswered Basic.Publish e/1 1B -> Basic.Ack\n"
			  "answered Basic.Publish e/3 3B -> Basic.Ack\nanswered Basic.Publish e/4 4B -> Basic.Ack\nanswered Basic.Publish e/5 5B -> Basic.Ack\n"
			  "answered Basic.Publish e/6 6B -> Basic.Nack\n"
			  "answered Basic.Publish e/7 7B -> Basic.Ack\nanswered Basic.Publish e/8 8B -> Basic.Ack\nanswered Basic.Publish e/9 9B -> Basic.Ack\n"
			  "oneway Basic.Return nowhere 312 NO_ROUTE 1B\n"
			  "answered Basic.Publish nowhere 1B -> Basic.Ack 312 NO_ROUTE\n"
			  "oneway Basic.Ack\n");
	feed_has(log, "  > DeliveryTag=9");
	feed_has(log, "  < Multiple=true");
	feed_has(log, "  < ReplyCode=312");
	free(log);
}

static void test_deliveries(void **state)
{
	consume(1, "a", 0);
	consume(1, "auto", 2);
	say(&t, FEED_SERVER), deliver(&t, 1, "a", 1, 1), deliver(&t, 1, "auto", 2, 2), deliver(&t, 1, "a", 3, 3), deliver(&t, 1, "a", 4, 4);
	deliver(&t, 1, "a", 5, 5), deliver(&t, 1, "a", 6, 6), deliver(&t, 1, "a", 7, 7), deliver(&t, 1, "a", 8, 8);
	say(&t, FEED_CLIENT), method(&t, 1, BASIC_ACK, "qb", (u64)3, 1), method(&t, 1, BASIC_REJECT, "qb", (u64)5, 1), method(&t, 1, BASIC_ACK, "qb", (u64)4, 0);
	say(&t, FEED_CLIENT), method(&t, 1, BASIC_NACK, "qb", (u64)7, 3);
	say(&t, FEED_CLIENT), method(&t, 1, BASIC_RECOVER, "b", 1);
	say(&t, FEED_SERVER), method(&t, 1, METHOD(CLASS_BASIC, 111), ""), deliver(&t, 1, "a", 9, 9);
	say(&t, FEED_CLIENT), method(&t, 1, BASIC_ACK, "qb", (u64)8, 0), method(&t, 1, CHANNEL_CLOSE, "wsww", 200, "", 0, 0);
	say(&t, FEED_SERVER), method(&t, 1, CHANNEL_CLOSE_OK, "");
	char *log = check("answered Basic.Consume work -> Basic.Consume-Ok\nanswered Basic.Consume work -> Basic.Consume-Ok\n"
			  "oneway Basic.Deliver x/k work 2B\n"
			  "answered Basic.Deliver x/k work 1B -> Basic.Ack\nanswered Basic.Deliver x/k work 3B -> Basic.Ack\n"
			  "answered Basic.Deliver x/k work 5B -> Basic.Reject\nanswered Basic.Deliver x/k work 4B -> Basic.Ack\n"
			  "answered Basic.Deliver x/k work 6B -> Basic.Nack\nanswered Basic.Deliver x/k work 7B -> Basic.Nack\n"
			  "reset Basic.Deliver x/k work 8B\n"
			  "answered Basic.Recover -> Basic.Recover-Ok\n"
			  "oneway Basic.Ack\n"
			  "reset Basic.Deliver x/k work 9B\n"
			  "answered Channel.Close -> Channel.Close-Ok\n");
	feed_has(log, "  < Requeue=true");
	free(log);
}

/* Tags begin anew with the channel; nothing of the old one answers the new one. */
static void test_reopened(void **state)
{
	confirms_on();
	say(&t, FEED_CLIENT), publish(&t, 1, "e", "old", 0, 1), method(&t, 1, CHANNEL_CLOSE, "wsww", 200, "", 0, 0);
	say(&t, FEED_SERVER), method(&t, 1, CHANNEL_CLOSE_OK, "");
	say(&t, FEED_CLIENT), method(&t, 1, CHANNEL_OPEN, "s", ""), publish(&t, 1, "e", "plain", 0, 1);
	say(&t, FEED_SERVER), method(&t, 1, CHANNEL_OPEN_OK, "S", "");
	confirms_on();
	say(&t, FEED_CLIENT), publish(&t, 1, "e", "new", 0, 1);
	say(&t, FEED_SERVER), method(&t, 1, BASIC_ACK, "qb", (u64)1, 0);
	free(check("answered Confirm.Select -> Confirm.Select-Ok\n"
		   "answered Channel.Close -> Channel.Close-Ok\n"
		   "reset Basic.Publish e/old 1B\n"
		   "oneway Basic.Publish e/plain 1B\n"
		   "answered Channel.Open -> Channel.Open-Ok\n"
		   "answered Confirm.Select -> Confirm.Select-Ok\n"
		   "answered Basic.Publish e/new 1B -> Basic.Ack\n"));
}

/* A publish to an exchange that does not exist: the close is its answer, and that of what came with it. */
static void test_publish_refused(void **state)
{
	confirms_on();
	say(&t, FEED_CLIENT), publish(&t, 1, "none", "a", 0, 1);
	say(&t, FEED_SERVER), method(&t, 1, CHANNEL_CLOSE, "wsww", 404, "NOT_FOUND", 60, 40);
	say(&t, FEED_CLIENT), method(&t, 1, CHANNEL_CLOSE_OK, "");
	free(check("answered Confirm.Select -> Confirm.Select-Ok\n"
		   "answered Basic.Publish none/a 1B -> Channel.Close 404 NOT_FOUND\n"
		   "answered Channel.Close 404 NOT_FOUND -> Channel.Close-Ok\n"));
}

/* Requests on the way at once: replies in their order, whatever is lost (feed_all looks that none is shifted). */
static void test_pipelined(void **state)
{
	for (int round = 0; round < 3; round++) {
		say(&t, FEED_CLIENT);
		for (int i = 0; i < 4; i++)
			method(&t, 1, BASIC_GET, "wsb", 0, (char[2]){ (char)('a' + i), 0 }, 1);
		say(&t, FEED_SERVER);
		for (int i = 0; i < 4; i++)
			method(&t, 1, BASIC_GET_OK, "qbssl", (u64)(round * 4 + i + 1), 0, "", (char[2]){ (char)('a' + i), 0 }, 0), header(&t, 1, 0);
	}
	char brief[2048] = "";
	for (int i = 0; i < 12; i++)
		snprintf(brief + strlen(brief), sizeof(brief) - strlen(brief), "answered Basic.Get %c -> Basic.Get-Ok\n", 'a' + i % 4);
	free(check(brief));
}

/* Confirms after lost publishes: nobody can tell whose they are, unless the publisher has always waited. */
static void test_lost_publishes(void **state)
{
	confirms_on();
	size_t tenth = 0; /* where the tenth begins */
	for (unsigned i = 1; i <= 14; i++) {
		tenth = i == 10 ? t.n : tenth;
		say(&t, FEED_CLIENT), publish(&t, 1, "e", "k", 0, i);
		say(&t, FEED_SERVER), method(&t, 1, BASIC_ACK, "qb", (u64)i, 0);
	}
	free(check("answered Confirm.Select -> Confirm.Select-Ok\n"
		   "answered Basic.Publish e/k 1B -> Basic.Ack\nanswered Basic.Publish e/k 2B -> Basic.Ack\nanswered Basic.Publish e/k 3B -> Basic.Ack\n"
		   "answered Basic.Publish e/k 4B -> Basic.Ack\nanswered Basic.Publish e/k 5B -> Basic.Ack\nanswered Basic.Publish e/k 6B -> Basic.Ack\n"
		   "answered Basic.Publish e/k 7B -> Basic.Ack\nanswered Basic.Publish e/k 8B -> Basic.Ack\nanswered Basic.Publish e/k 9B -> Basic.Ack\n"
		   "answered Basic.Publish e/k 10B -> Basic.Ack\nanswered Basic.Publish e/k 11B -> Basic.Ack\nanswered Basic.Publish e/k 12B -> Basic.Ack\n"
		   "answered Basic.Publish e/k 13B -> Basic.Ack\nanswered Basic.Publish e/k 14B -> Basic.Ack\n"));
	char *log = feed_run(&proto_amqp, t.steps, t.len, NULL, &(struct feed_plan){ .hole_at = tenth, .hole_len = 1 });
	assert_int_equal(feed_answered(log), 5 + 9 + 3); /* the eleventh told the number */
	assert_non_null(strstr(log, "answered partial Basic.Publish e/k 11B -> Basic.Ack\n"));
	assert_null(strstr(log, "e/k 10B"));
	free(log);
	/* joined in the middle: confirms show that they are on, their numbers are not known */
	log = feed_run(&proto_amqp, t.steps, t.len, NULL, &(struct feed_plan){ .join_at = tenth });
	assert_int_equal(feed_answered(log), 0);
	assert_non_null(strstr(log, "oneway partial Basic.Publish e/k"));
	assert_non_null(strstr(log, "lost partial Basic.Publish e/k"));
	free(log);
}

/* Two publishers and two consumers on channels of their own, acknowledged across. */
static void test_channels(void **state)
{
	say(&t, FEED_CLIENT), method(&t, 2, CHANNEL_OPEN, "s", "");
	say(&t, FEED_SERVER), method(&t, 2, CHANNEL_OPEN_OK, "S", "");
	consume(1, "a", 0);
	consume(2, "a", 0);
	say(&t, FEED_SERVER), deliver(&t, 1, "a", 1, 1), deliver(&t, 2, "a", 1, 2), deliver(&t, 1, "a", 2, 3), deliver(&t, 2, "a", 2, 4);
	say(&t, FEED_CLIENT), method(&t, 2, BASIC_ACK, "qb", (u64)2, 1);
	say(&t, FEED_CLIENT), method(&t, 1, BASIC_ACK, "qb", (u64)2, 0), method(&t, 1, BASIC_ACK, "qb", (u64)1, 0);
	free(check("answered Channel.Open -> Channel.Open-Ok\n"
		   "answered Basic.Consume work -> Basic.Consume-Ok\nanswered Basic.Consume work -> Basic.Consume-Ok\n"
		   "answered Basic.Deliver x/k work 2B -> Basic.Ack\nanswered Basic.Deliver x/k work 4B -> Basic.Ack\n"
		   "answered Basic.Deliver x/k work 3B -> Basic.Ack\nanswered Basic.Deliver x/k work 1B -> Basic.Ack\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_confirms, fresh), cmocka_unit_test_setup(test_deliveries, fresh), cmocka_unit_test_setup(test_reopened, fresh),
		cmocka_unit_test_setup(test_publish_refused, fresh), cmocka_unit_test_setup(test_pipelined, fresh),
		cmocka_unit_test_setup(test_lost_publishes, fresh), cmocka_unit_test_setup(test_channels, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
