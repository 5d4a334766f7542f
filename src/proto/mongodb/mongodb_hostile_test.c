/* Hostile, broken, huge and half messages; first bytes; lost bytes. */
#include "unit.h"

#include <stdio.h>

#include "proto/mongodb/mongo_build.h"
#include "proto_feed.h"

extern const struct proto proto_mongodb;

static struct bytes client, server;

static int fresh(void **state)
{
	client.n = server.n = 0;
	return 0;
}

/* Contents that make no sense, within a length that does: what comes after is understood. */
static void test_broken_bodies(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bodies[] = {
#define BODY(literal) { literal, sizeof(literal) - 1 }
		BODY("\0\0\0\0\0\x06\0\0\0x\0"),                             /* an unknown type */
		BODY("\0\0\0\0\0\xff\0\0\0\x10" "a\0\1\0\0\0\0"),            /* a document longer than the message */
		BODY("\0\0\0\0\0\x0c\0\0\0\x10" "a\0\1\0\0\0\1"),            /* no zero at its end */
		BODY("\0\0\0\0\0\x0a\0\0\0\x10" "a\0\1\0\0"),                /* a value that does not fit */
		BODY("\0\0\0\0\0\x10\0\0\0\2a\0\xff\xff\xff\xffxyz\0"),      /* a text of 4 GiB */
		BODY("\0\0\0\0\0\x10\0\0\0\2a\0\0\0\0\0xyz\0"),              /* … of none */
		BODY("\0\0\0\0\0\x0c\0\0\0\3a\0\x04\0\0\0\0"),               /* a document of four bytes */
		BODY("\0\0\0\0\0\x0c\0\0\0\x0f" "a\0\x05\0\0\0\0"),          /* code with scope, too short */
		BODY("\0\0\0\0\0\x0b\0\0\0\x0b" "a\0xyz"),                   /* a regex that does not end */
		BODY("\0\0\0\0\0\x09\0\0\0\x10" "abc"),                      /* a name that does not end */
		BODY("\0\0\0\0\7"),                                          /* an unknown section */
		BODY("\0\0\0\0\1\xff\0\0\0x\0"),                             /* a sequence longer than the message */
		BODY("\0\0\0\0\1\x02\0\0\0x\0"),                             /* … shorter than its name */
		BODY("\0\0\0\0\1\x0a\0\0\0x\0\x06\0\0\0"),                   /* a document longer than its sequence */
		BODY("\4\0\0\0\0\5\0\0\0\0"),                                /* an unknown flag */
		BODY("\0\0\0\0\2ey.ab"),                                     /* a token that does not end */
	};
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		fresh(NULL);
		msg(&client, 1, 0, "{ping:1,$db:'d'}");
		size_t at = message_begin(&client, 2, 0, OP_MSG);
		put(&client, bodies[i].bytes, bodies[i].n);
		message_end(&client, at);
		msg(&client, 3, 0, "{ping:1,$db:'d'}");
		msg(&server, 10, 3, "{ok:1.0}");
		at = message_begin(&server, 11, 2, OP_MSG);
		put(&server, bodies[i].bytes, bodies[i].n);
		message_end(&server, at);
		msg(&server, 12, 1, "{ok:1.0}");
		struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n } };
		char *log = feed_all(&proto_mongodb, steps, 2, NULL), *brief = feed_brief(log);
		if (!strstr(brief, "answered ping d -> ok 38B\nanswered partial ") || feed_answered(log) != 2)
			fail_msg("body %zu: %s", i, brief);
		free(brief);
		free(log);
	}
}

/* Deeper than is looked into; names and regexes longer than is looked at. */
static void test_depth_and_length(void **state)
{
	size_t at = message_begin(&client, 1, 0, OP_MSG);
	put_int(&client, 0, 5);
	size_t doc = client.n, starts[100];
	PUT(&client, "\0\0\0\0\2find\0\2\0\0\0c\0");
	for (int i = 0; i < 100; i++) {
		PUT(&client, "\3d\0");
		starts[i] = client.n;
		PUT(&client, "\0\0\0\0");
	}
	for (int i = 99; i >= 0; i--) {
		PUT(&client, "\0");
		set_length(&client, starts[i], client.n - starts[i]);
	}
	PUT(&client, "\x10");
	for (int i = 0; i < 3000; i++)
		PUT(&client, "k");
	PUT(&client, "\0\1\0\0\0\x0b" "r\0");
	for (int i = 0; i < 1500; i++)
		PUT(&client, "r");
	PUT(&client, "\0i\0\2$db\0\2\0\0\0d\0\0");
	set_length(&client, doc, client.n - doc);
	message_end(&client, at);
	msg(&server, 2, 1, "{ok:1.0}");
	struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n } };
	char *log = feed_all(&proto_mongodb, steps, 2, NULL);
	feed_has(log, "  > Namespace=\"d.c\"");
	assert_non_null(strstr(log, "\\\"d\\\":\\\"...\\\"}"));
	free(log);
}

/* Texts of many kinds are cut, and the command after them is found. */
static void test_long_values(void **state)
{
	static char command[9000];
	int n = snprintf(command, sizeof(command), "{find:'c',filter:{a:'");
	memset(command + n, 'x', 6000);
	snprintf(command + n + 6000, sizeof(command) - (size_t)n - 6000, "'},comment:'y',$db:'d'}");
	msg(&client, 1, 0, command);
	n = snprintf(command, sizeof(command), "{errmsg:'");
	memset(command + n, 'e', 5000);
	snprintf(command + n + 5000, sizeof(command) - (size_t)n - 5000, "',code:2,ok:0.0}");
	msg(&server, 2, 1, command);
	struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n } };
	char *log = feed_all(&proto_mongodb, steps, 2, NULL);
	feed_has(log, "  > Namespace=\"d.c\"");
	feed_has(log, "  < Message=\"BadValue\"");
	feed_has(log, "  > Fingerprint=\"{\\\"find\\\":\\\"c\\\",\\\"filter\\\":{\\\"a\\\":?},\\\"comment\\\":?}\"");
	free(log);
}

/* A batch of documents that is not shown is not kept either, and the end of the reply is found behind it. */
static void test_batches(void **state)
{
	msg(&client, 1, 0, "{find:'c',$db:'d'}");
	size_t at = message_begin(&server, 2, 1, OP_MSG);
	put_int(&server, 0, 5);
	size_t doc = server.n;
	PUT(&server, "\0\0\0\0\3cursor\0");
	size_t cursor = server.n;
	PUT(&server, "\0\0\0\0\4firstBatch\0");
	size_t batch = server.n;
	put_int(&server, 0, 4);
	for (unsigned i = 0; i < 300; i++) {
		char name[16];
		snprintf(name, sizeof(name), "%u", i);
		PUT(&server, "\3");
		put_text(&server, name);
		put_document(&server, i % 7 ? "{_id:1,ok:0.0,code:5}" : "{_id:1,name:'something that is a little longer than the others are, and again'}");
	}
	PUT(&server, "\0");
	set_length(&server, batch, server.n - batch);
	PUT(&server, "\x12id\0\1\2\3\4\5\6\7\0\0");
	set_length(&server, cursor, server.n - cursor);
	PUT(&server, "\1ok\0\0\0\0\0\0\0\xf0\x3f\0");
	set_length(&server, doc, server.n - doc);
	message_end(&server, at);
	struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n } };
	char *log = feed_all(&proto_mongodb, steps, 2, NULL);
	feed_has(log, "  < Documents=300");
	feed_has(log, "  < CursorID=1976943448883713");
	feed_has(log, "  < Ok=1");
	free(log);
}

/* What is no message at all. */
static void test_desync(void **state)
{
	static const char *const junk[] = { "\x0f\0\0\0\1\0\0\0\0\0\0\0\xdd\7\0\0....", "\xff\xff\xff\xff\1\0\0\0\0\0\0\0\xdd\7\0\0....",
					    "\x30\0\0\0\1\0\0\0\0\0\0\0\xde\7\0\0....", "GET / HTTP/1.1\r\n\r\n...." };
	static const size_t sizes[] = { 20, 20, 20, 22 };
	for (size_t i = 0; i < ARRAY_LEN(junk); i++) {
		fresh(NULL);
		msg(&client, 1, 0, "{ping:1,$db:'d'}");
		size_t first = client.n;
		put(&client, junk[i], sizes[i]);
		size_t second = client.n;
		msg(&client, 2, 0, "{ping:1,$db:'e'}");
		msg(&server, 3, 1, "{ok:1.0}");
		size_t third = server.n;
		msg(&server, 4, 2, "{ok:1.0}");
		struct feed_step steps[] = {
			{ FEED_CLIENT, false, client.b, first }, { FEED_SERVER, false, server.b, third },
			{ FEED_CLIENT, false, client.b + first, second - first }, { FEED_CLIENT, false, client.b + second, client.n - second },
			{ FEED_SERVER, false, server.b + third, server.n - third },
		};
		char *log = feed_run(&proto_mongodb, steps, ARRAY_LEN(steps), NULL, &(struct feed_plan){ 0 });
		if (feed_answered(log) != 2)
			fail_msg("junk %zu: %s", i, log);
		free(log);
	}
}

/* A request of which bytes are lost is not paired with another's answer, and the messages behind it are found though they begin
 * in the middle of a segment. */
static void test_lost_within(void **state)
{
	msg(&client, 1, 0, "{insert:'c',documents:[{text:'some text that fills a segment, more or less, and goes on'}],$db:'d'}");
	size_t first = client.n;
	msg(&client, 2, 0, "{ping:1,$db:'d'}");
	msg(&server, 3, 1, "{n:1,ok:1.0}");
	msg(&server, 4, 2, "{ok:1.0}");
	struct feed_step steps[] = {
		{ FEED_CLIENT, false, client.b, 60 }, { FEED_CLIENT, false, client.b + 60, 20 }, { FEED_CLIENT, false, client.b + 80, client.n - 80 },
		{ FEED_SERVER, false, server.b, server.n },
	};
	assert_true(first > 100);
	char *log = feed_run(&proto_mongodb, steps, ARRAY_LEN(steps), NULL, &(struct feed_plan){ .hole_at = 60, .hole_len = 20 });
	assert_non_null(strstr(log, "lost partial insert"));
	assert_non_null(strstr(log, "answered ping d -> ok 38B"));
	free(log);
}

static void test_probe(void **state)
{
	enum side side;
	msg(&client, 1, 0, "{ping:1,$db:'d'}");
	for (size_t n = 0; n < client.n; n++)
		assert_true(proto_mongodb.probe(client.b, n, &side) >= PROBE_MORE);
	assert_int_equal(proto_mongodb.probe(client.b, client.n, &side), PROBE_SURE);
	assert_int_equal(side, SIDE_REQUEST);
	msg(&server, 2, 1, "{ok:1.0}");
	assert_int_equal(proto_mongodb.probe(server.b, server.n, &side), PROBE_SURE);
	assert_int_equal(side, SIDE_RESPONSE);
	static const char *const others[] = {
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "*1\r\n$4\r\nPING\r\n............", "SSH-2.0-OpenSSH_9.2p1 Debian\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n......",
		"AMQP\0\0\x09\1................", "\x16\3\1\2\0\1\0\1\xfc\3\3.............", "\x4a\0\0\0\x0a" "8.0.32\0................",
	};
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(proto_mongodb.probe((const u8 *)others[i], 24, &side), PROBE_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_broken_bodies, fresh), cmocka_unit_test_setup(test_depth_and_length, fresh),
		cmocka_unit_test_setup(test_long_values, fresh),   cmocka_unit_test_setup(test_batches, fresh),
		cmocka_unit_test_setup(test_desync, fresh),        cmocka_unit_test_setup(test_lost_within, fresh),
		cmocka_unit_test_setup(test_probe, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
