/* gRPC: calls of every kind, their messages and statuses. */
#include "unit.h"

#include <stdio.h>

#include "h2_script.h"
#include "proto/http2_message.h"

#define ANSWER_LINES ":status 200\ncontent-type application/grpc\n"

static struct h2_script s;

static char *reads_as(const struct feed_options *opt, const char *brief)
{
	char *log = feed_check(&proto_http2, s.steps, s.len, opt, brief);
	script_done(&s);
	return log;
}

static void test_unary(void **state)
{
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, 0, CALL_LINES ":path /shop.v1.Cart/Add\ngrpc-timeout 1500m\nauthorization Bearer t0k\n"
		       "traceparent 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n");
	script_message(&s, FEED_CLIENT, 1, F_END, 0, 12);
	script_headers(&s, FEED_SERVER, 1, 0, ANSWER_LINES "grpc-encoding gzip\n");
	script_message(&s, FEED_SERVER, 1, 0, 1, 30);
	script_headers(&s, FEED_SERVER, 1, F_END, "grpc-status 0\n");
	char *log = reads_as(NULL, "answered /shop.v1.Cart/Add -> OK 35B\n");
	feed_has(log, "  > Service=\"shop.v1.Cart.Add\"");
	feed_has(log, "  > Method=\"Add\"");
	feed_has(log, "  > service=\"shop.v1.Cart\"");
	feed_has(log, "  > Target=\"cart:50051\"");
	feed_has(log, "  > Messages=1");
	feed_has(log, "  > Size=17");
	feed_has(log, "  < GrpcStatusName=\"OK\"");
	feed_has(log, "  < Messages=1");
	feed_has(log, "  < message_bytes=30");
	feed_has(log, "  < compressed=1");
	feed_has(log, "  < encoding=\"gzip\"");
	assert_null(strstr(log, "t0k"));
	assert_non_null(strstr(log, "0af7651916cd43dd8448eb211c80319c"));
	free(log);
}

/* Streams both ways; messages cut over frames, and several in one. */
static void test_streams(void **state)
{
	static u8 bytes[600];
	size_t n = 0;
	for (int i = 0; i < 5; i++) {
		memcpy(bytes + n, "\0\0\0\0\x32", 5);
		n += 55;
	}
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, 0, CALL_LINES ":path /a.B/Chat\n");
	for (size_t at = 0; at < n; at += 33)
		script_data(&s, FEED_CLIENT, 1, 0, bytes + at, MIN(33, n - at));
	script_headers(&s, FEED_SERVER, 1, 0, ANSWER_LINES);
	script_data(&s, FEED_SERVER, 1, 0, bytes, n);
	script_data(&s, FEED_SERVER, 1, 0, bytes, 3);
	script_frame(&s, FEED_SERVER, F_DATA, F_PAD, 1, "\2\0\0xx", 5);
	script_data(&s, FEED_CLIENT, 1, F_END, NULL, 0);
	script_headers(&s, FEED_SERVER, 1, F_END, "grpc-status 0\n");
	char *log = reads_as(NULL, "answered /a.B/Chat 5 messages -> OK 6 messages 280B\n");
	feed_has(log, "  > Messages=5");
	feed_has(log, "  < Messages=6");
	feed_has(log, "  < message_bytes=250");
	free(log);
}

static void test_statuses(void **state)
{
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, 0, CALL_LINES ":path /a.B/C\n");
	script_message(&s, FEED_CLIENT, 1, F_END, 0, 1);
	script_headers(&s, FEED_SERVER, 1, F_END, ANSWER_LINES "grpc-status 12\ngrpc-message no%20such %E2%82%AC 100%\n");
	script_headers(&s, FEED_CLIENT, 3, 0, CALL_LINES ":path /a.B/C\n");
	script_message(&s, FEED_CLIENT, 3, F_END, 0, 1);
	script_headers(&s, FEED_SERVER, 3, 0, ":status 503\ncontent-type text/html\n");
	script_data(&s, FEED_SERVER, 3, F_END, "<html>", 6);
	script_headers(&s, FEED_CLIENT, 5, 0, CALL_LINES ":path /a.B/C\n");
	script_message(&s, FEED_CLIENT, 5, 0, 0, 1);
	script_headers(&s, FEED_SERVER, 5, 0, ANSWER_LINES);
	script_headers(&s, FEED_SERVER, 5, F_END, "grpc-status 99\n");
	char *log = reads_as(NULL, "answered /a.B/C -> UNIMPLEMENTED no such \xe2\x82\xac 100%\nanswered /a.B/C -> UNAVAILABLE 6B\nanswered /a.B/C -> 99\n");
	feed_has(log, "  < Status=\"503\"");
	free(log);
}

static void test_cancelled(void **state)
{
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, 0, CALL_LINES ":path /a.B/Slow\n");
	script_message(&s, FEED_CLIENT, 1, F_END, 0, 1);
	script_frame(&s, FEED_CLIENT, F_RST, 0, 1, "\0\0\0\x8", 4);
	script_headers(&s, FEED_CLIENT, 3, 0, CALL_LINES ":path /a.B/Watch\n");
	script_message(&s, FEED_CLIENT, 3, 0, 0, 1);
	script_headers(&s, FEED_SERVER, 3, 0, ANSWER_LINES);
	script_message(&s, FEED_SERVER, 3, 0, 0, 10);
	script_message(&s, FEED_SERVER, 3, 0, 0, 10);
	script_frame(&s, FEED_SERVER, F_RST, 0, 3, "\0\0\0\x7", 4);
	char *log = reads_as(NULL, "reset /a.B/Slow -> CANCELLED CANCEL\nreset /a.B/Watch -> UNAVAILABLE 2 messages 30B REFUSED_STREAM\n");
	feed_has(log, "  < ResetCode=\"CANCEL\"");
	free(log);
}

/* gRPC-Web: the trailers are in the body, plain or in base64. */
static void test_web(void **state)
{
	static const char body[] = "\0\0\0\0\3abc\x80\0\0\0\x21grpc-status:5\r\ngrpc-message:gone\r\n";
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, 0, ":method POST\n:scheme http\n:authority w\n:path /a.B/Get\ncontent-type application/grpc-web+proto\n");
	script_message(&s, FEED_CLIENT, 1, F_END, 0, 3);
	script_headers(&s, FEED_SERVER, 1, 0, ":status 200\ncontent-type application/grpc-web+proto\n");
	script_data(&s, FEED_SERVER, 1, F_END, body, 8 + 5 + 33);
	script_headers(&s, FEED_CLIENT, 3, 0, ":method POST\n:scheme http\n:authority w\n:path /a.B/Get\ncontent-type application/grpc-web-text\n");
	script_data(&s, FEED_CLIENT, 3, F_END, "AAAAAANhYmM=", 12);
	script_headers(&s, FEED_SERVER, 3, 0, ":status 200\ncontent-type application/grpc-web-text\n");
	script_data(&s, FEED_SERVER, 3, 0, "AAAAAANhYmM=gAAA", 16);
	script_data(&s, FEED_SERVER, 3, F_END, "AA9ncnBjLXN0YXR1czowDQo=", 24);
	char *log = reads_as(NULL, "answered /a.B/Get -> NOT_FOUND 46B gone\nanswered /a.B/Get -> OK 40B\n");
	feed_has(log, "  > rpc=\"grpc-web\"");
	feed_has(log, "  > Messages=1");
	feed_has(log, "  < Messages=1");
	free(log);
}

/* Connect is HTTP that says so. */
static void test_connect(void **state)
{
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, 0, ":method POST\n:scheme http\n:authority w\n:path /a.B/Get\ncontent-type application/proto\nconnect-protocol-version 1\n");
	script_data(&s, FEED_CLIENT, 1, F_END, "x", 1);
	script_headers(&s, FEED_SERVER, 1, F_END, ":status 200\ncontent-type application/proto\n");
	char *log = reads_as(NULL, "answered POST w/a.B/Get -> 200\n");
	feed_has(log, "  > rpc=\"connect\"");
	free(log);
}

/* Joined when everything has been said before: the shape of the messages tells what it is. */
static void test_late(void **state)
{
	script_init(&s, true);
	script_headers(&s, FEED_CLIENT, 1, 0, CALL_LINES ":path /a.B/C\n");
	script_message(&s, FEED_CLIENT, 1, F_END, 0, 7);
	script_headers(&s, FEED_SERVER, 1, 0, ANSWER_LINES);
	script_headers(&s, FEED_SERVER, 1, F_END, "grpc-status 0\n");
	size_t before = 0;
	for (size_t i = 0; i < s.len; i++)
		before += s.steps[i].n;
	script_headers(&s, FEED_CLIENT, 3, 0, CALL_LINES ":path /a.B/C\n");
	script_message(&s, FEED_CLIENT, 3, F_END, 0, 7);
	script_headers(&s, FEED_SERVER, 3, 0, ANSWER_LINES);
	script_message(&s, FEED_SERVER, 3, 0, 0, 9);
	script_headers(&s, FEED_SERVER, 3, F_END, "grpc-status 0\n");
	const struct feed_options opt = { .server_port = 9000 };
	char *log = feed_run(&proto_http2, s.steps, s.len, &opt, &(struct feed_plan){ .join_at = before }), *brief = feed_brief(log);
	assert_string_equal(brief, "answered partial /a.B/C -> 200 14B\n");
	feed_has(log, "  > Messages=1");
	size_t end = before;
	for (size_t i = 4; i < s.len; i++)
		end += s.steps[i].n;
	for (size_t cut = before + 1; cut < end; cut++) { /* wherever its bytes are cut */
		char *other = feed_run(&proto_http2, s.steps, s.len, &opt, &(struct feed_plan){ .join_at = before, .cut_at = cut }), *b = feed_brief(other);
		assert_string_equal(b, brief);
		feed_has(other, "  > Messages=1");
		free(b);
		free(other);
	}
	free(brief);
	free(log);
	script_done(&s);
}

/* What is long is passed over unseen: a message in one frame, and one that ends in a frame that goes on with another. */
static void test_long(void **state)
{
	static u8 bytes[2400];
	memcpy(bytes, "\0\0\0\x04\x4c", 5);
	memcpy(bytes + 5 + 1100, "\0\0\0\x04\x1a", 5);
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, 0, CALL_LINES ":path /a.B/Put\n");
	script_message(&s, FEED_CLIENT, 1, 0, 0, 1030);
	script_data(&s, FEED_CLIENT, 1, F_END, bytes, 5 + 1100 + 5 + 1050);
	script_headers(&s, FEED_SERVER, 1, 0, ANSWER_LINES);
	script_headers(&s, FEED_SERVER, 1, F_END, "grpc-status 0\n");
	char *log = reads_as(NULL, "answered /a.B/Put 3 messages -> OK\n");
	feed_has(log, "  > message_bytes=3180");
	free(log);
}

/* A stream that lasts is told of while it runs, when somebody wants to know. */
static void test_progress(void **state)
{
	static const struct proto_options every_3_ms = { .headers = true, .details = true, .progress_ns = 3 * NS_PER_MS };
	const struct feed_options opt = { .opt = &every_3_ms };
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, 0, CALL_LINES ":path /a.B/Watch\n");
	script_message(&s, FEED_CLIENT, 1, F_END, 0, 1);
	script_headers(&s, FEED_SERVER, 1, 0, ANSWER_LINES);
	for (int i = 0; i < 6; i++)
		script_message(&s, FEED_SERVER, 1, 0, 0, 10);
	script_headers(&s, FEED_SERVER, 1, F_END, "grpc-status 0\n");
	free(reads_as(&opt, "progress /a.B/Watch -> 200\nprogress /a.B/Watch -> 200 3 messages 45B\nanswered /a.B/Watch -> OK 6 messages 90B\n"));
}

static void test_words(void **state)
{
	struct arena_pool pool;
	struct arena a;
	struct str joined, service, method;
	u64 ns = 0;
	i32 status;
	arena_pool_init(&pool, 64 * KIB, MIB);
	arena_init(&a, &pool);
	assert_true(grpc_timeout(STR("99999999H"), &ns) && ns == 99999999ull * 3600 * NS_PER_SEC);
	assert_true(grpc_timeout(STR("20u"), &ns) && ns == 20000);
	assert_false(grpc_timeout(STR("123456789S"), &ns));
	assert_false(grpc_timeout(STR("5"), &ns));
	assert_false(grpc_timeout(STR("1x"), &ns));
	assert_int_equal(grpc_kind_of(STR("application/grpc+json")), GRPC_PLAIN);
	assert_int_equal(grpc_kind_of(STR("application/grpc;x=1")), GRPC_PLAIN);
	assert_int_equal(grpc_kind_of(STR("application/grpcish")), GRPC_NONE);
	assert_int_equal(grpc_kind_of(STR("application/grpc-web-text+proto")), GRPC_WEB_TEXT);
	assert_int_equal(grpc_kind_of(STR("Application/Grpc-Web")), GRPC_WEB);
	assert_int_equal(grpc_kind_of(STR("application/connect+json")), GRPC_CONNECT);
	assert_false(grpc_path(&a, STR("/health"), &joined, &service, &method));
	assert_true(grpc_path(&a, STR("/x/y.Z/Do?q"), &joined, &service, &method));
	assert_true(str_eq(joined, STR("x.y.Z.Do")) && str_eq(service, STR("x/y.Z")) && str_eq(method, STR("Do")));
	assert_true(str_eq(grpc_message_decode(&a, STR("a%2")), STR("a%2")));
	assert_true(str_eq(grpc_message_decode(&a, STR("%zz%41")), STR("%zzA")));
	assert_false(grpc_status_number(STR("-1"), &status));
	assert_int_equal(grpc_status_of_http(404), 12);
	assert_int_equal(grpc_status_of_reset(11), 8);
	arena_reset(&a);
	arena_pool_done(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unary), cmocka_unit_test(test_streams), cmocka_unit_test(test_statuses), cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_web), cmocka_unit_test(test_connect), cmocka_unit_test(test_late), cmocka_unit_test(test_long), cmocka_unit_test(test_progress), cmocka_unit_test(test_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
