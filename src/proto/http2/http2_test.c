/* HTTP/2: what streams say, and how they end. */
#include "unit.h"

#include <stdio.h>

#include "h2_script.h"
#include "proto/http2_message.h"

static struct h2_script s;

/* feed_all's log: the script must read as `brief`. */
static char *reads_as(const struct feed_options *opt, const char *brief)
{
	char *log = feed_check(&proto_http2, s.steps, s.len, opt, brief);
	script_done(&s);
	return log;
}

static void test_get(void **state)
{
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, F_END, GET_LINES ":path /items/7?x=1\nuser-agent test\ncookie a=1\ncookie b=2\nauthorization Bearer abc\n");
	script_headers(&s, FEED_SERVER, 1, 0, ":status 200\ncontent-type text/plain\nset-cookie id=1; Path=/\nset-cookie z=2\n");
	script_data(&s, FEED_SERVER, 1, 0, "hello ", 6);
	script_data(&s, FEED_SERVER, 1, F_END, "world", 5);
	script_headers(&s, FEED_CLIENT, 3, F_END, GET_LINES ":path /none\n");
	script_headers(&s, FEED_SERVER, 3, F_END, ":status 404\n");
	char *log = reads_as(NULL, "answered GET shop.example/items/7?x=1 -> 200 11B\nanswered GET shop.example/none -> 404\n");
	feed_has(log, "  > StreamID=1");
	feed_has(log, "  > Path=\"/items/7?x=1\"");
	feed_has(log, "  > Query=\"x=1\"");
	feed_has(log, "  > path=\"/items/7\"");
	feed_has(log, "  > route=\"/items/{id}\"");
	feed_has(log, "  < StatusCode=200");
	feed_has(log, "  < Size=11");
	assert_non_null(strstr(log, "a=***; b=***"));
	assert_non_null(strstr(log, "Bearer ***"));
	assert_null(strstr(log, "abc"));
	free(log);
}

static void test_upload(void **state)
{
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, 0, ":method PUT\n:scheme http\n:authority a\n:path /up\ntrailer check\n");
	script_data(&s, FEED_CLIENT, 1, 0, "12345", 5);
	script_frame(&s, FEED_CLIENT, F_DATA, F_PAD, 1, "\3xyz\0\0\0", 7);
	script_headers(&s, FEED_CLIENT, 1, F_END, "check ok\n");
	script_frame(&s, FEED_SERVER, F_WINDOW, 0, 1, "\0\0\1\0", 4);
	script_headers(&s, FEED_SERVER, 1, 0, ":status 103\nlink </x>\n");
	script_headers(&s, FEED_SERVER, 1, 0, ":status 200\n");
	script_data(&s, FEED_SERVER, 1, 0, "ok", 2);
	script_headers(&s, FEED_SERVER, 1, F_END, "sum 7\n");
	char *log = reads_as(NULL, "answered PUT a/up -> 200 2B\n");
	feed_has(log, "  > Size=8");
	feed_has(log, "  > Method=\"PUT\"");
	assert_non_null(strstr(log, "check"));
	assert_non_null(strstr(log, "sum"));
	free(log);
}

/* The server answers before the upload is over. */
static void test_early_answer(void **state)
{
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, 0, ":method POST\n:scheme http\n:authority a\n:path /big\n");
	script_data(&s, FEED_CLIENT, 1, 0, "part", 4);
	script_headers(&s, FEED_SERVER, 1, F_END, ":status 413\n");
	script_frame(&s, FEED_SERVER, F_RST, 0, 1, "\0\0\0\0", 4);
	script_data(&s, FEED_CLIENT, 1, F_END, "rest", 4);
	free(reads_as(NULL, "answered POST a/big -> 413\n"));
}

static void test_interleaved(void **state)
{
	script_init(&s, false);
	for (u32 i = 0; i < 4; i++)
		script_headers(&s, FEED_CLIENT, 1 + 2 * i, F_END, i & 1 ? GET_LINES ":path /b\n" : GET_LINES ":path /a\n");
	script_headers(&s, FEED_SERVER, 7, 0, ":status 200\n");
	script_headers(&s, FEED_SERVER, 1, 0, ":status 201\n");
	script_data(&s, FEED_SERVER, 7, 0, "77", 2);
	script_data(&s, FEED_SERVER, 1, F_END, "1", 1);
	script_headers(&s, FEED_SERVER, 5, F_END, ":status 204\n");
	script_data(&s, FEED_SERVER, 7, F_END, "7", 1);
	script_headers(&s, FEED_SERVER, 3, F_END, ":status 304\n");
	free(reads_as(NULL, "answered GET shop.example/a -> 201 1B\nanswered GET shop.example/a -> 204\n"
			    "answered GET shop.example/b -> 200 3B\nanswered GET shop.example/b -> 304\n"));
}

static void test_reset(void **state)
{
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, F_END, GET_LINES ":path /cancelled\n");
	script_frame(&s, FEED_CLIENT, F_RST, 0, 1, "\0\0\0\x8", 4);
	script_headers(&s, FEED_CLIENT, 3, F_END, GET_LINES ":path /refused\n");
	script_frame(&s, FEED_SERVER, F_RST, 0, 3, "\0\0\0\x7", 4);
	script_headers(&s, FEED_CLIENT, 5, F_END, GET_LINES ":path /half\n");
	script_headers(&s, FEED_SERVER, 5, 0, ":status 200\n");
	script_data(&s, FEED_SERVER, 5, 0, "some", 4);
	script_frame(&s, FEED_SERVER, F_RST, 0, 5, "\0\0\0\x2", 4);
	script_headers(&s, FEED_CLIENT, 7, 0, GET_LINES ":path /unfinished\n");
	script_frame(&s, FEED_CLIENT, F_RST, 0, 7, "\0\0\0\x8", 4);
	char *log = reads_as(NULL, "reset GET shop.example/cancelled -> CANCEL\nreset GET shop.example/refused -> REFUSED_STREAM\n"
				   "reset GET shop.example/half -> 200 4B INTERNAL_ERROR\nreset GET shop.example/unfinished -> CANCEL\n");
	feed_has(log, "  < ResetCode=\"INTERNAL_ERROR\"");
	free(log);
}

static void test_goaway(void **state)
{
	script_init(&s, false);
	for (u32 i = 0; i < 3; i++)
		script_headers(&s, FEED_CLIENT, 1 + 2 * i, F_END, GET_LINES ":path /g\n");
	script_frame(&s, FEED_SERVER, F_GOAWAY, 0, 0, "\x7f\xff\xff\xff\0\0\0\0soon", 12);
	script_frame(&s, FEED_SERVER, F_GOAWAY, 0, 0, "\0\0\0\1\0\0\0\xb", 8);
	script_headers(&s, FEED_SERVER, 1, F_END, ":status 200\n");
	char *log = reads_as(NULL, "reset GET shop.example/g -> ENHANCE_YOUR_CALM\nreset GET shop.example/g -> ENHANCE_YOUR_CALM\n"
				   "answered GET shop.example/g -> 200\n");
	feed_has(log, "  < ResetCode=\"ENHANCE_YOUR_CALM\"");
	free(log);
}

static void test_push(void **state)
{
	static u8 payload[1024];
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, F_END, GET_LINES ":path /page\n");
	payload[3] = 2;
	size_t n = script_block(&s, FEED_SERVER, GET_LINES ":path /style\n", payload + 4, sizeof(payload) - 4);
	script_frame(&s, FEED_SERVER, F_PUSH, F_END_HEADERS, 1, payload, n + 4);
	script_headers(&s, FEED_SERVER, 1, F_END, ":status 200\n");
	script_headers(&s, FEED_SERVER, 2, 0, ":status 200\ncontent-type text/css\n");
	script_data(&s, FEED_SERVER, 2, F_END, "body{}", 6);
	char *log = reads_as(NULL, "answered GET shop.example/page -> 200\nanswered GET shop.example/style -> 200 6B\n");
	feed_has(log, "  > StreamID=2");
	feed_has(log, "  > Pushed=true");
	free(log);
}

static void test_connect(void **state)
{
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, 0, ":method CONNECT\n:authority db.example:5432\n");
	script_headers(&s, FEED_SERVER, 1, 0, ":status 200\n");
	script_data(&s, FEED_CLIENT, 1, 0, "tunnel", 6);
	script_data(&s, FEED_SERVER, 1, F_END, "tunnel", 6);
	script_headers(&s, FEED_CLIENT, 3, 0, ":method CONNECT\n:protocol websocket\n:scheme http\n:authority a\n:path /chat\n");
	script_headers(&s, FEED_SERVER, 3, 0, ":status 200\n");
	script_headers(&s, FEED_CLIENT, 5, 0, ":method CONNECT\n:authority no.example:1\n");
	script_headers(&s, FEED_SERVER, 5, 0, ":status 403\n");
	script_data(&s, FEED_SERVER, 5, F_END, "no", 2);
	char *log = reads_as(NULL, "answered CONNECT db.example:5432 -> 200\nanswered CONNECT websocket a/chat -> 200\nanswered CONNECT no.example:1 -> 403 2B\n");
	feed_has(log, "  > Protocol=\"websocket\"");
	free(log);
}

static void test_continuation(void **state)
{
	script_init(&s, false);
	script_split_headers(&s, FEED_CLIENT, 1, F_END, GET_LINES ":path /long\nx-one aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", 7);
	static u8 payload[512];
	size_t n = script_block(&s, FEED_SERVER, ":status 200\nx-pad yes\n", payload + 6, 400);
	memcpy(payload, "\4\0\0\0\1\x10", 6); /* padding, priority */
	script_frame(&s, FEED_SERVER, F_HEADERS, F_END | F_PAD | F_PRIO | F_END_HEADERS, 1, payload, n + 6 + 4);
	char *log = reads_as(NULL, "answered GET shop.example/long -> 200\n");
	assert_non_null(strstr(log, "x-one"));
	assert_non_null(strstr(log, "x-pad"));
	free(log);
}

/* The peers change the size of a table in the middle; frames of unknown types, PING and PRIORITY are passed over. */
static void test_settings(void **state)
{
	script_init(&s, false);
	for (u32 i = 0; i < 3; i++) {
		script_headers(&s, FEED_CLIENT, 1 + 2 * i, F_END, GET_LINES ":path /t\nx-a one\nx-b two\n");
		script_headers(&s, FEED_SERVER, 1 + 2 * i, F_END, ":status 200\nx-c three\n");
		script_table_size(&s, FEED_CLIENT, i ? 4096 : 64);
		script_frame(&s, FEED_SERVER, F_SETTINGS, 0, 0, "\0\1\0\0\0\x40\0\5\0\0\x80\0", 12);
		script_frame(&s, FEED_CLIENT, F_PING, 0, 0, "12345678", 8);
		script_frame(&s, FEED_CLIENT, 0x42, 0x55, 9, "what", 4);
		script_frame(&s, FEED_CLIENT, F_PRIORITY, 0, 1 + 2 * i, "\0\0\0\0\1", 5);
	}
	char *log = reads_as(NULL, "answered GET shop.example/t -> 200\nanswered GET shop.example/t -> 200\nanswered GET shop.example/t -> 200\n");
	free(log);
}

/* Two requests, of which the first was sent before the capture began: what the table had is unknown and says so. */
static void test_late(void **state)
{
	script_init(&s, true);
	script_headers(&s, FEED_CLIENT, 1, F_END, GET_LINES ":path /secret\nx-key value\n");
	script_headers(&s, FEED_SERVER, 1, F_END, ":status 200\nx-server one\n");
	size_t before = s.steps[0].n + s.steps[1].n;
	for (u32 i = 1; i < 4; i++) {
		script_headers(&s, FEED_CLIENT, 1 + 2 * i, F_END, i == 2 ? GET_LINES ":path /new\nx-key value\n" : GET_LINES ":path /secret\nx-key value\n");
		script_frame(&s, FEED_CLIENT, F_PING, 0, 0, "12345678", 8);
		script_headers(&s, FEED_SERVER, 1 + 2 * i, F_END, i == 3 ? ":status 418\nx-server one\n" : ":status 200\nx-server one\n");
		script_frame(&s, FEED_SERVER, F_PING, F_ACKED, 0, "12345678", 8);
	}
	char *log = feed_run(&proto_http2, s.steps, s.len, NULL, &(struct feed_plan){ .join_at = before }), *brief = feed_brief(log);
	assert_string_equal(brief, "answered partial GET ?/secret -> 200\nanswered partial GET ?/new -> 200\nanswered partial GET ?/secret -> 418\n");
	free(brief);
	free(log);
	script_done(&s);
}

/* A hole in the server's bytes: streams go on, and whose beginning was lost says so. */
static void test_hole(void **state)
{
	script_init(&s, false);
	script_headers(&s, FEED_CLIENT, 1, F_END, GET_LINES ":path /a\n");
	script_headers(&s, FEED_CLIENT, 3, F_END, GET_LINES ":path /b\n");
	script_headers(&s, FEED_SERVER, 1, 0, ":status 200\nx-one 1\n");
	size_t hole = 0;
	for (size_t i = 0; i < s.len; i++)
		hole += s.steps[i].n;
	script_headers(&s, FEED_SERVER, 3, 0, ":status 200\nx-one 1\n");
	size_t lost = s.steps[s.len - 1].n;
	script_data(&s, FEED_SERVER, 1, 0, "aaaa", 4);
	script_frame(&s, FEED_SERVER, F_PING, 0, 0, "12345678", 8);
	script_data(&s, FEED_SERVER, 1, F_END, "aaaa", 4);
	script_data(&s, FEED_SERVER, 3, F_END, "bbbb", 4);
	char *log = feed_run(&proto_http2, s.steps, s.len, NULL, &(struct feed_plan){ .hole_at = hole, .hole_len = lost }), *brief = feed_brief(log);
	assert_string_equal(brief, "answered partial GET shop.example/a -> 200 8B\nlost GET shop.example/b\n");
	free(brief);
	free(log);
	script_done(&s);
}

/* More header bytes than are read: the request is there, what it says is not. */
static void test_long_block(void **state)
{
	static char fields[70 * KIB];
	size_t n = (size_t)snprintf(fields, sizeof(fields), GET_LINES ":path /\n");
	for (int i = 0; i < 20; i++) {
		n += (size_t)snprintf(fields + n, sizeof(fields) - n, "x-%d ", i);
		memset(fields + n, '\\', 3000); /* long codes: no gain in coding them */
		fields[n + 3000] = '\n';
		n += 3001;
	}
	fields[n] = 0;
	script_init(&s, false);
	script_split_headers(&s, FEED_CLIENT, 1, F_END, fields, 16000);
	script_headers(&s, FEED_SERVER, 1, F_END, ":status 200\n");
	script_headers(&s, FEED_CLIENT, 3, F_END, ":method GET\n:scheme http\n:authority z\n:path /after\n");
	script_headers(&s, FEED_SERVER, 3, F_END, ":status 200\n");
	char *log = feed_run(&proto_http2, s.steps, s.len, NULL, &(struct feed_plan){ 0 }), *brief = feed_brief(log);
	assert_string_equal(brief, "answered partial ? ? -> 200\nanswered GET z/after -> 200\n");
	free(brief);
	free(log);
	script_done(&s);
}

static void probes(const void *p, size_t n, enum probe want, enum side want_side)
{
	enum side side = SIDE_REQUEST;
	assert_int_equal(proto_http2.probe(p, n, &side), want);
	if (want == PROBE_SURE)
		assert_int_equal(side, want_side);
}

static void test_probe(void **state)
{
	probes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24, PROBE_SURE, SIDE_REQUEST);
	probes("PRI ", 4, PROBE_MORE, SIDE_REQUEST);
	probes("PRIVMSG", 7, PROBE_NO, SIDE_REQUEST);
	probes("\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64", 15, PROBE_SURE, SIDE_RESPONSE);
	probes("GET / HTTP/1.1\r\n\r\n", 18, PROBE_NO, SIDE_REQUEST);
	probes("\x16\3\1\2\0\1\0\1\xfc\3\3\0", 12, PROBE_NO, SIDE_REQUEST);
	probes("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18, PROBE_NO, SIDE_REQUEST);
	probes("\0\0\4\x8\0\0\0\0\0\0\1\0\0\0\0\1\1\5\0\0\0\3\x82", 23, PROBE_SURE, SIDE_REQUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get), cmocka_unit_test(test_upload), cmocka_unit_test(test_early_answer), cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_reset), cmocka_unit_test(test_goaway), cmocka_unit_test(test_push), cmocka_unit_test(test_connect),
		cmocka_unit_test(test_continuation), cmocka_unit_test(test_settings), cmocka_unit_test(test_late), cmocka_unit_test(test_hole),
		cmocka_unit_test(test_long_block), cmocka_unit_test(test_probe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
