/* What clients and servers say: every class, contents, properties, closes, preambles. */
#include "unit.h"

#include <stdio.h>

#include "proto_feed.h"
#include "proto/amqp/amqp_build.h"

extern const struct proto proto_amqp;

static struct talk t;

static int fresh(void **state)
{
	t.n = t.len = 0;
	return 0;
}

static char *check(const char *brief)
{
	return feed_check(&proto_amqp, t.steps, t.len, NULL, brief);
}

static void test_session(void **state)
{
	opened(&t);
	say(&t, FEED_CLIENT), method(&t, 1, METHOD(CLASS_EXCHANGE, 10), "wssbT", 0, "logs", "topic", 2);
	say(&t, FEED_SERVER), method(&t, 1, METHOD(CLASS_EXCHANGE, 11), "");
	say(&t, FEED_CLIENT), method(&t, 1, QUEUE_DECLARE, "wsbT", 0, "", 4);
	say(&t, FEED_SERVER), method(&t, 1, QUEUE_DECLARE_OK, "sll", "amq.gen-1", 3, 2);
	say(&t, FEED_CLIENT), method(&t, 1, METHOD(CLASS_QUEUE, 20), "wsssbT", 0, "", "logs", "a.#", 0);
	say(&t, FEED_SERVER), method(&t, 1, METHOD(CLASS_QUEUE, 21), "");
	say(&t, FEED_CLIENT), method(&t, 1, METHOD(CLASS_EXCHANGE, 30), "wsssbT", 0, "to", "from", "k", 0);
	say(&t, FEED_SERVER), method(&t, 1, METHOD(CLASS_EXCHANGE, 31), "");
	say(&t, FEED_CLIENT), method(&t, 1, METHOD(CLASS_EXCHANGE, 40), "wsssbT", 0, "to", "from", "k", 0);
	say(&t, FEED_SERVER), method(&t, 1, METHOD(CLASS_EXCHANGE, 51), "");
	say(&t, FEED_CLIENT), method(&t, 1, BASIC_CONSUME, "wssbT", 0, "", "", 0);
	say(&t, FEED_SERVER), method(&t, 1, BASIC_CONSUME_OK, "s", "ctag");
	say(&t, FEED_CLIENT), publish(&t, 1, "logs", "a.b", 0, 5), heartbeat(&t), publish(&t, 1, "logs", "empty", 0, 0);
	say(&t, FEED_SERVER), heartbeat(&t), deliver(&t, 1, "ctag", 1, 9);
	say(&t, FEED_CLIENT), method(&t, 1, BASIC_ACK, "qb", (u64)1, 0);
	say(&t, FEED_CLIENT), method(&t, 1, BASIC_GET, "wsb", 0, "work", 1);
	say(&t, FEED_SERVER), method(&t, 1, BASIC_GET_OK, "qbssl", (u64)2, 1, "logs", "a.b", 7), header(&t, 1, 6), body(&t, 1, 4), body(&t, 1, 2);
	say(&t, FEED_CLIENT), method(&t, 1, BASIC_GET, "wsb", 0, "work", 1);
	say(&t, FEED_SERVER), method(&t, 1, METHOD(CLASS_BASIC, 72), "s", "");
	say(&t, FEED_CLIENT), method(&t, 1, METHOD(CLASS_QUEUE, 40), "wsb", 0, "work", 4); /* no-wait */
	say(&t, FEED_SERVER), method(&t, 0, METHOD(CLASS_CONNECTION, 60), "s", "low on memory"), method(&t, 0, METHOD(CLASS_CONNECTION, 61), "");
	say(&t, FEED_CLIENT), method(&t, 0, METHOD(CLASS_CONNECTION, 70), "Ss", "newsecretword", "renewed");
	say(&t, FEED_SERVER), method(&t, 0, METHOD(CLASS_CONNECTION, 71), "");
	say(&t, FEED_SERVER), method(&t, 1, BASIC_CANCEL, "sb", "ctag", 1);
	say(&t, FEED_CLIENT), method(&t, 1, CHANNEL_CLOSE, "wsww", 200, "bye", 0, 0);
	say(&t, FEED_SERVER), method(&t, 1, CHANNEL_CLOSE_OK, "");
	say(&t, FEED_CLIENT), method(&t, 0, CONNECTION_CLOSE, "wsww", 200, "bye", 0, 0);
	say(&t, FEED_SERVER), method(&t, 0, CONNECTION_CLOSE_OK, "");
	char *log = check(OPENED_BRIEF
			  "answered Exchange.Declare logs -> Exchange.Declare-Ok\n"
			  "answered Queue.Declare -> Queue.Declare-Ok\n"
			  "answered Queue.Bind logs/a.# amq.gen-1 -> Queue.Bind-Ok\n"
			  "answered Exchange.Bind from/k -> Exchange.Bind-Ok\n"
			  "answered Exchange.Unbind from/k -> Exchange.Unbind-Ok\n"
			  "answered Basic.Consume amq.gen-1 -> Basic.Consume-Ok\n"
			  "oneway Basic.Publish logs/a.b 5B\n"
			  "oneway Basic.Publish logs/empty\n"
			  "answered Basic.Deliver x/k amq.gen-1 9B -> Basic.Ack\n"
			  "answered Basic.Get work -> Basic.Get-Ok 6B\n"
			  "answered Basic.Get work -> Basic.Get-Empty\n"
			  "oneway Queue.Delete work\n"
			  "oneway Connection.Blocked\noneway Connection.Unblocked\n"
			  "answered Connection.Update-Secret -> Connection.Update-Secret-Ok\n"
			  "oneway Basic.Cancel\n"
			  "answered Channel.Close -> Channel.Close-Ok\n"
			  "answered Connection.Close -> Connection.Close-Ok\n");
	feed_has(log, "  > VirtualHost=\"/shop\"");
	feed_has(log, "  < Mechanism=\"PLAIN\"");
	feed_has(log, "  < Packet.QueueName=\"amq.gen-1\"");
	feed_has(log, "  > Packet.Destination=\"to\"");
	feed_has(log, "  < Consumers=2");
	feed_has(log, "  > DeliveryTag=1");
	feed_has(log, "  > ConsumerTag=\"ctag\"");
	feed_has(log, "  > FrameType=\"ContentHeader\"");
	feed_has(log, "  < Redelivered=true");
	feed_has(log, "  < Messages=7");
	feed_has(log, "  > ReplyText=\"low on memory\"");
	assert_null(strstr(log, "secretword")); /* of PLAIN, and of update-secret */
	free(log);
}

/* Every method of the table is told apart and named. */
static void test_every_method(void **state)
{
	opened(&t);
	const struct amqp_method *m;
	size_t requests = 0;
	for (size_t i = 0; (m = amqp_method_at(i)) != NULL; i++) {
		assert_ptr_equal(amqp_method_find(m->id), m);
		requests += m->kind == KIND_REQUEST;
		if (m->kind != KIND_REPLY)
			continue;
		const struct amqp_method *request = amqp_method_find(m->replies_to);
		assert_non_null(request);
		assert_int_equal(request->kind, KIND_REQUEST);
		assert_true(request->sender == BY_BOTH ? m->sender == BY_BOTH : m->sender == (BY_BOTH ^ request->sender));
	}
	assert_true(requests >= 28);
	assert_null(amqp_method_find(METHOD(60, 130)));
	say(&t, FEED_CLIENT), method(&t, 1, METHOD(60, 130), "w", 7);
	say(&t, FEED_CLIENT), method(&t, 1, METHOD(CLASS_TX, 10), "");
	say(&t, FEED_SERVER), method(&t, 1, METHOD(CLASS_TX, 11), "");
	say(&t, FEED_SERVER), method(&t, 1, METHOD(CLASS_CHANNEL, 20), "b", 0);
	say(&t, FEED_CLIENT), method(&t, 1, METHOD(CLASS_CHANNEL, 21), "b", 0);
	free(check(OPENED_BRIEF "oneway partial 60.130\nanswered Tx.Select -> Tx.Select-Ok\nanswered Channel.Flow -> Channel.Flow-Ok\n"));
}

static void put_table_head(size_t *at)
{
	*at = t.n;
	put_int(&t, 0, 4);
}

static void set_length(size_t at)
{
	u32 n = (u32)(t.n - at - 4);
	u8 b[4] = { (u8)(n >> 24), (u8)(n >> 16), (u8)(n >> 8), (u8)n };
	memcpy(t.b + at, b, 4);
}

static void put_text_header(const char *name, const char *value)
{
	put_short(&t, name);
	put(&t, "S", 1);
	put_long(&t, value);
}

/* All properties; a table with every type of value, in it one of 1000 levels; the trace it belongs to. */
static void test_properties(void **state)
{
	size_t table, levels[1000];
	opened(&t);
	say(&t, FEED_CLIENT);
	method(&t, 1, BASIC_PUBLISH, "wssb", 0, "e", "k", 1);
	frame_begin(&t, FRAME_HEADER, 1);
	put_int(&t, METHOD(CLASS_BASIC, 0), 4);
	put_int(&t, 3, 8);
	put_int(&t, 0xfff8, 2);
	put_short(&t, "text/plain");
	put_short(&t, "gzip");
	put_table_head(&table);
	static const char values[] = "\1tt\1\1bb\xff\1BB\xff\1sI\0\0\0\1\1uu\0\2\1UU\xff\xff\1ii\0\0\0\3\1ll\0\0\0\0\0\0\0\4\1ff\0\0\0\0\1dd\0\0\0\0\0\0\0\0\1DD\0\0\0\0\1\1TT\0\0\0\0\0\0\0\5\1VV\1xx\0\0\0\1z";
	put(&t, values, sizeof(values) - 1);
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		put(&t, i % 2 ? "A" : "\1FF", i % 2 ? 1 : 3);
		put_table_head(&levels[i]);
	}
	for (size_t i = ARRAY_LEN(levels); i-- > 0;)
		set_length(levels[i]);
	put_text_header("TraceParent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
	set_length(table);
	put_int(&t, 2, 1);
	put_int(&t, 9, 1);
	put_short(&t, "corr");
	put_short(&t, "replies");
	put_short(&t, "60000");
	put_short(&t, "id-1");
	put_int(&t, 1700000000, 8);
	put_short(&t, "order");
	put_short(&t, "guest");
	put_short(&t, "shop");
	frame_end(&t);
	body(&t, 1, 3);
	char *log = feed_run(&proto_amqp, t.steps, t.len, NULL, &(struct feed_plan){ .bytes = true });
	static const char *const lines[] = { "  > ContentType=\"text/plain\"", "  > ContentEncoding=\"gzip\"", "  > DeliveryMode=2", "  > Priority=9",
		"  > CorrelationID=\"corr\"", "  > ReplyTo=\"replies\"", "  > Expiration=\"60000\"", "  > MessageID=\"id-1\"", "  > Timestamp=1700000000",
		"  > Type=\"order\"", "  > UserID=\"guest\"", "  > AppID=\"shop\"", "  > Mandatory=true", "  > BodySize=3" };
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		feed_has(log, lines[i]);
	assert_non_null(strstr(log, "\"t\":\"true\",\"b\":\"-1\",\"B\":\"255\",\"s\":\"1\",\"u\":\"2\",\"U\":\"-1\",\"i\":\"3\",\"l\":\"4\""));
	assert_non_null(strstr(log, "\"T\":\"5\",\"V\":\"\",\"x\":\"z\",\"F\":\"table\",\"TraceParent\":\"00-"));
	assert_non_null(strstr(log, "0af7651916cd43dd8448eb211c80319c"));
	free(log);
}

/* Contents of several channels among each other, and one that is broken off by the next. */
static void test_interleaved(void **state)
{
	opened(&t);
	say(&t, FEED_CLIENT), method(&t, 2, CHANNEL_OPEN, "s", "");
	say(&t, FEED_SERVER), method(&t, 2, CHANNEL_OPEN_OK, "S", "");
	say(&t, FEED_CLIENT);
	method(&t, 1, BASIC_PUBLISH, "wssb", 0, "a", "1", 0);
	method(&t, 2, BASIC_PUBLISH, "wssb", 0, "b", "2", 0);
	header(&t, 2, 4), header(&t, 1, 6), body(&t, 1, 3), body(&t, 2, 4), body(&t, 1, 3);
	method(&t, 1, BASIC_PUBLISH, "wssb", 0, "c", "3", 0), header(&t, 1, 10), body(&t, 1, 3);
	publish(&t, 1, "d", "4", 0, 2);
	free(check(OPENED_BRIEF "answered Channel.Open -> Channel.Open-Ok\noneway Basic.Publish b/2 4B\noneway Basic.Publish a/1 6B\n"
				"oneway partial Basic.Publish c/3 10B\noneway Basic.Publish d/4 2B\n"));
}

/* A close answers what it refuses, and is an exchange of its own. */
static void test_refused(void **state)
{
	opened(&t);
	say(&t, FEED_CLIENT), method(&t, 1, QUEUE_DECLARE, "wsbT", 0, "missing", 1);
	say(&t, FEED_SERVER), method(&t, 1, CHANNEL_CLOSE, "wsww", 404, "NOT_FOUND - no queue", 50, 10);
	say(&t, FEED_CLIENT), publish(&t, 1, "", "late", 0, 1); /* which the server throws away */
	say(&t, FEED_CLIENT), method(&t, 1, CHANNEL_CLOSE_OK, "");
	say(&t, FEED_CLIENT), method(&t, 1, CHANNEL_OPEN, "s", "");
	say(&t, FEED_SERVER), method(&t, 1, CHANNEL_OPEN_OK, "S", "");
	say(&t, FEED_CLIENT), method(&t, 1, BASIC_GET, "wsb", 0, "q", 0);
	say(&t, FEED_SERVER), method(&t, 0, CONNECTION_CLOSE, "wsww", 541, "INTERNAL_ERROR", 60, 70);
	say(&t, FEED_CLIENT), method(&t, 0, CONNECTION_CLOSE_OK, "");
	char *log = check(OPENED_BRIEF
			  "answered Queue.Declare missing -> Channel.Close 404 NOT_FOUND - no queue\n"
			  "oneway Basic.Publish late 1B\n"
			  "answered Channel.Close 404 NOT_FOUND - no queue -> Channel.Close-Ok\n"
			  "answered Channel.Open -> Channel.Open-Ok\n"
			  "answered Basic.Get q -> Connection.Close 541 INTERNAL_ERROR\n"
			  "answered Connection.Close 541 INTERNAL_ERROR -> Connection.Close-Ok\n");
	feed_has(log, "  < ErrCode=\"NOT_FOUND\"");
	feed_has(log, "  > ErrCode=\"NOT_FOUND\"");
	feed_has(log, "  < ReplyCode=404");
	free(log);
}

static void preamble(const char *client, const char *server, const char *brief)
{
	fresh(NULL);
	say(&t, FEED_CLIENT), put(&t, client, 8);
	if (server)
		say(&t, FEED_SERVER), put(&t, server, 8);
	say(&t, FEED_SERVER);
	t.steps[t.len - 1].fin = true;
	char *log = feed_run(&proto_amqp, t.steps, t.len, NULL, &(struct feed_plan){ 0 }), *got = feed_brief(log);
	assert_string_equal(got, brief);
	free(got);
	free(log);
}

static void test_preambles(void **state)
{
	preamble("AMQP\1\1\x9\0", "AMQP\0\0\x9\1", "answered Protocol.Header 0-9 -> Protocol.Header 0-9-1\n");
	preamble("AMQP\0\1\0\0", "AMQP\0\0\x9\1", "answered Protocol.Header 1.0 -> Protocol.Header 0-9-1\n");
	preamble("AMQP\0\1\0\0", "AMQP\0\1\0\0", "answered Protocol.Header 1.0 -> Protocol.Header 1.0\nhandover opaque\n");
	preamble("AMQP\3\1\0\0", "AMQP\3\1\0\0", "answered Protocol.Header 1.0-sasl -> Protocol.Header 1.0-sasl\nhandover opaque\n");
	preamble("AMQP\0\0\x9\2", "AMQP\0\0\x9\1", "answered Protocol.Header 0.0.9.2 -> Protocol.Header 0-9-1\n");
	preamble("AMQP\0\0\x9\1", NULL, "open Protocol.Header 0-9-1\n");
}

static enum probe probe(const void *p, size_t n, enum side *side)
{
	struct guarded g = guarded_copy(p, n);
	enum probe result = proto_amqp.probe(g.p, n, side);
	guarded_free(&g);
	return result;
}

static void test_probe(void **state)
{
	enum side side;
	opened(&t);
	for (size_t n = 0; n < 8; n++)
		assert_int_equal(probe("AMQP\0\0\11\1", n, &side), PROBE_MORE);
	assert_int_equal(probe("AMQP\0\0\11\1", 8, &side), PROBE_SURE);
	assert_int_equal(side, SIDE_REQUEST);
	assert_int_equal(probe("AMQPxxxx", 8, &side), PROBE_NO);
	const struct feed_step *start = &t.steps[1], *ok = &t.steps[2];
	assert_int_equal(probe(start->p, start->n, &side), PROBE_SURE);
	assert_int_equal(side, SIDE_RESPONSE);
	assert_int_equal(probe(start->p, start->n - 1, &side), PROBE_MORE);
	assert_int_equal(probe(ok->p, ok->n, &side), PROBE_SURE);
	assert_int_equal(side, SIDE_REQUEST);
	fresh(NULL);
	say(&t, FEED_CLIENT), heartbeat(&t);
	assert_int_equal(probe(t.b, t.n, &side), PROBE_MORE); /* both send these */
	method(&t, 1, BASIC_ACK, "qb", (u64)1, 0);
	assert_int_equal(probe(t.b, t.n, &side), PROBE_MAYBE);
	publish(&t, 1, "e", "k", 0, 1);
	assert_int_equal(probe(t.b, t.n, &side), PROBE_SURE);
	assert_int_equal(probe("GET / HTTP/1.1\r\n\r\n", 18, &side), PROBE_NO);
	assert_int_equal(probe("\1\0\1\0\0\0\4\0\x3c\0\x28\xcd", 12, &side), PROBE_NO); /* no end octet */
	assert_int_equal(probe("\1\0\1\0\0\0\4\0\x99\0\x28\xce", 12, &side), PROBE_NO); /* no such class */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_session, fresh), cmocka_unit_test_setup(test_every_method, fresh), cmocka_unit_test_setup(test_properties, fresh),
		cmocka_unit_test_setup(test_interleaved, fresh), cmocka_unit_test_setup(test_refused, fresh), cmocka_unit_test_setup(test_preambles, fresh),
		cmocka_unit_test_setup(test_probe, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
