/* HTTP/1.x at its limits: what is too large, what is lost, what is another protocol, what nobody wants to know. */
#include "unit.h"

#include <stdio.h>

#include "proto/http/http.h"
#include "proto_feed.h"

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define NEXT CLIENT("GET /next HTTP/1.1\r\nHost: h\r\n\r\n"), SERVER(OK_EMPTY)

/* A request head of exactly n bytes. */
static char *head_of(size_t n)
{
	static const char start[] = "GET / HTTP/1.1\r\nX: ";
	char *head = malloc(n + 1);
	assert_non_null(head);
	memset(head, 'x', n);
	memcpy(head, start, sizeof(start) - 1);
	memcpy(head + n - 4, "\r\n\r\n", 5);
	return head;
}

static void check_head(size_t n, const struct feed_plan *plan, const char *expected)
{
	char *head = head_of(n);
	struct feed_step steps[] = { { FEED_CLIENT, false, head, n }, SERVER(OK_EMPTY), NEXT };
	char *log = feed_run(&proto_http, steps, ARRAY_LEN(steps), NULL, plan), *brief = feed_brief(log);
	assert_string_equal(brief, expected);
	free(brief);
	free(log);
	free(head);
}

static void test_large_heads(void **state)
{
	static const struct feed_plan whole, cut = { .cut_at = 40000 };
	check_head(65536, &whole, "answered GET / -> 200 OK\nanswered GET h/next -> 200 OK\n");
	check_head(65536, &cut, "answered GET / -> 200 OK\nanswered GET h/next -> 200 OK\n");
	check_head(65537, &whole, "orphan -> 200 OK\nanswered GET h/next -> 200 OK\n");
	check_head(65537, &cut, "orphan -> 200 OK\nanswered GET h/next -> 200 OK\n");
	check_head(10000, &(struct feed_plan){ .bytes = true }, "answered GET / -> 200 OK\nanswered GET h/next -> 200 OK\n");
}

static void test_many_fields(void **state)
{
	struct buf head = { 0 };
	buf_adds(&head, "GET / HTTP/1.1\r\n");
	for (int i = 0; i < 1000; i++)
		buf_addf(&head, "A%d: %d\r\n", i, i);
	buf_adds(&head, "Host: last\r\n\r\n");
	struct feed_step steps[] = { { FEED_CLIENT, false, head.data, head.len }, SERVER(OK_EMPTY) };
	char *log = feed_run(&proto_http, steps, 2, NULL, &(struct feed_plan){ 0 });
	feed_has(log, "  > RemoteHost=\"last\"");
	assert_non_null(strstr(log, "\"A255\":\"255\"}"));
	free(log);
	buf_done(&head);
}

/* Settings under which nobody wants lists or details: the same exchanges. */
static void test_nothing_wanted(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("POST /a%20b HTTP/1.1\r\nHost: h\r\nTRANSFER-ENCODING: Chunked\r\nExpect: 100-continue\r\n\r\n"), SERVER("HTTP/1.1 100 Continue\r\n\r\n"),
		CLIENT("3\r\nabc\r\n0\r\nT: 1\r\n\r\n"), SERVER("HTTP/1.1 503 Busy\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc"),
		CLIENT("HEAD / HTTP/1.1\r\nUser-Agent: x\r\nFolded:\r\n a\r\n\r\n"), SERVER("HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n"),
	};
	struct proto_options nothing = { 0 }, details = { .details = true };
	char *log = FEED_CHECK(&proto_http, steps, &(struct feed_options){ .opt = &nothing }, "answered   -> 503 Busy 3B\nanswered   -> 200 OK\n");
	feed_has(log, "  > Size=3");
	feed_has(log, "  < Close=true");
	feed_has(log, "  < first=+4ms last=+4ms error=503 failed");
	free(log);
	log = FEED_CHECK(&proto_http, steps, &(struct feed_options){ .opt = &details }, "answered POST h/a%20b -> 503 Busy 3B\nanswered HEAD / -> 200 OK\n");
	feed_has(log, "  > Path=\"/a b\"");
	feed_has(log, "  > Header={}");
	feed_has(log, "  > user_agent=\"x\"");
	free(log);
}

static const struct feed_step three[] = {
	CLIENT("GET /1 HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n"), SERVER("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n012345678901234567890123456789"),
	CLIENT("GET /2 HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n"), SERVER("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n012345678901234567890123456789"),
	CLIENT("GET /3 HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n"), SERVER("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n012345678901234567890123456789"),
};

static void check_three(const struct feed_plan *plan, const char *expected)
{
	char *log = feed_run(&proto_http, three, ARRAY_LEN(three), NULL, plan), *brief = feed_brief(log);
	assert_string_equal(brief, expected);
	free(brief);
	free(log);
}

#define ONE "answered GET h/1 -> 200 OK 30B\n"
#define TWO "answered GET h/2 -> 200 OK 30B\n"
#define THREE "answered GET h/3 -> 200 OK 30B\n"

static void test_lost(void **state)
{
	size_t request = three[0].n, response = three[1].n, second = request + response;
	check_three(&(struct feed_plan){ 0 }, ONE TWO THREE);
	/* in a body: nothing happens, even with the last byte of it */
	check_three(&(struct feed_plan){ .hole_at = second + request + response - 20, .hole_len = 10 }, ONE TWO THREE);
	check_three(&(struct feed_plan){ .hole_at = second + request + response - 20, .hole_len = 20 }, ONE TWO THREE);
	/* in a head, across the end of one: only this exchange */
	check_three(&(struct feed_plan){ .hole_at = second + request + 3, .hole_len = 10 }, ONE "lost GET h/2\n" THREE);
	check_three(&(struct feed_plan){ .hole_at = second + request + 20, .hole_len = 200 }, ONE "lost GET h/2\n" THREE);
	/* a request: only that */
	check_three(&(struct feed_plan){ .hole_at = second + 4, .hole_len = 10 }, ONE "orphan -> 200 OK 30B\n" THREE);
	/* begun before the capture */
	check_three(&(struct feed_plan){ .join_at = 5 }, "orphan -> 200 OK 30B\n" TWO THREE);
	check_three(&(struct feed_plan){ .join_at = request + 5 }, TWO THREE);
	check_three(&(struct feed_plan){ .join_at = request + response - 5 }, TWO THREE);
}

static void check_probe(struct str bytes, enum probe expected, enum side side)
{
	struct guarded g = guarded_copy(bytes.p, bytes.n);
	enum side got = SIDE_REQUEST;
	assert_int_equal(http_probe(g.p, g.n, &got), expected);
	if (expected != PROBE_NO)
		assert_int_equal(got, side);
	guarded_free(&g);
}

static void test_probe(void **state)
{
	check_probe(STR("GET / HTTP/1.1\r\n"), PROBE_SURE, SIDE_REQUEST);
	check_probe(STR("\r\nGET / HTTP/1.0\n"), PROBE_SURE, SIDE_REQUEST);
	check_probe(STR("BREW pot HTTP/1.1\r\nHost"), PROBE_SURE, SIDE_REQUEST);
	check_probe(STR("HTTP/1.0 404 Not"), PROBE_SURE, SIDE_RESPONSE);
	check_probe(STR("HTTP/1.1 200 OK\r\n"), PROBE_SURE, SIDE_RESPONSE);
	check_probe(STR("H"), PROBE_MORE, SIDE_RESPONSE);
	check_probe(STR("HTTP/1."), PROBE_MORE, SIDE_RESPONSE);
	check_probe(STR("G"), PROBE_MORE, SIDE_REQUEST);
	check_probe(STR("GET"), PROBE_MORE, SIDE_REQUEST);
	check_probe(STR("GET /index.html HT"), PROBE_MORE, SIDE_REQUEST);
	check_probe(STR("PROPFIND "), PROBE_MORE, SIDE_REQUEST);
	check_probe(STR("GETX"), PROBE_NO, SIDE_REQUEST);
	check_probe(STR("GET key\r\n"), PROBE_NO, SIDE_REQUEST); /* Redis */
	check_probe(STR("GET \x01"), PROBE_NO, SIDE_REQUEST);
	check_probe(STR("BREW pot"), PROBE_NO, SIDE_REQUEST);
	check_probe(STR("OPTIONS * RTSP/1.0\r\n"), PROBE_NO, SIDE_REQUEST);
	check_probe(STR("INVITE sip:a@b SIP/2.0\r\n"), PROBE_NO, SIDE_REQUEST);
	check_probe(STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), PROBE_NO, SIDE_REQUEST);
	check_probe(STR("HTTP/2 200\r\n"), PROBE_NO, SIDE_RESPONSE);
	check_probe(STR("SSH-2.0-OpenSSH\r\n"), PROBE_NO, SIDE_REQUEST);
	check_probe(STR("\x16\x03\x01\x02"), PROBE_NO, SIDE_REQUEST);
	check_probe(STR("*1\r\n$4\r\nPING\r\n"), PROBE_NO, SIDE_REQUEST);
	char longer[300] = "GET /";
	memset(longer + 5, 'a', sizeof(longer) - 5);
	check_probe(str_make(longer, sizeof(longer)), PROBE_SURE, SIDE_REQUEST);
	for (size_t n = 1; n < 40; n++) /* every beginning of a request is one, or may become one */
		check_probe(str_make("POST /a/b/c?d HTTP/1.1\r\nHost: h\r\n\r\nbody", n), n < 24 ? PROBE_MORE : PROBE_SURE, SIDE_REQUEST);
}

static void check_resync(struct str bytes, bool boundary, u8 dir, long expected)
{
	struct guarded g = guarded_copy(bytes.p, bytes.n);
	struct parser ps = { .proto = &proto_http, .dir = dir, .request_dir = FEED_CLIENT };
	struct chunk c = { .p = g.p, .n = g.n, .boundary = boundary };
	assert_int_equal(proto_http.resync(&ps, &c), expected);
	guarded_free(&g);
}

static void test_resync(void **state)
{
	check_resync(STR("GET / HTTP/1.1\r\nHost:"), true, FEED_CLIENT, 0);
	check_resync(STR("GET / HTTP/1.1\r\n\r\n"), true, FEED_CLIENT, 0);
	check_resync(STR("GET / HTTP/1.1\r\nHost:"), false, FEED_CLIENT, -1);
	check_resync(STR("GET / HTTP/1.1\r\nHost:"), true, FEED_SERVER, -1);
	check_resync(STR("GET / HTTP/1.1\r\nno field"), true, FEED_CLIENT, -1);
	check_resync(STR("BREW / HTTP/1.1\r\nHost:"), true, FEED_CLIENT, -1);
	check_resync(STR("GET / HT"), true, FEED_CLIENT, -2 - 8);
	check_resync(STR("GET / HTTP/1.1\r\nHo"), true, FEED_CLIENT, -2 - 18);
	check_resync(STR("HTTP/1.1 200 OK\r\nA: b"), true, FEED_SERVER, 0);
	check_resync(STR("HTTP/1.1 200 OK\r\n\r"), true, FEED_SERVER, -2 - 18);
	check_resync(STR("HTTP/1.1 2000 OK\r\nA: b"), true, FEED_SERVER, -1);
	check_resync(STR("<p>HTTP/1.1 200 OK\r\nA: b"), true, FEED_SERVER, -1);
}

/* Answers whose request is not known: what follows tells whether they had a body. */
static void test_orphans(void **state)
{
	const struct feed_step steps[] = {
		SERVER("HTTP/1.1 408 Request Timeout\r\nContent-Length: 3\r\n\r\n"), SERVER("abc"),
		SERVER("HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
		SERVER("HTTP/1.0 200 OK\r\n\r\n"), SERVER("HTTP/1.0 200 OK\r\n\r\nHTTP/2"), SERVER_FIN,
	};
	free(FEED_CHECK(&proto_http, steps, NULL, "orphan -> 408 Request Timeout 3B\norphan -> 200 OK\norphan -> 200 OK\norphan -> 200 OK\n"
						  "orphan -> 200 OK 6B\n"));
}

static void test_describe(void **state)
{
	const struct feed_step steps[] = { CLIENT("GET /\x1b[2J\x7f HTTP/1.1\r\nHost: a\x08z\r\n\r\n"), SERVER("HTTP/1.1 200 \x1b[31mOK\r\nContent-Length: 0\r\n\r\n") };
	free(FEED_CHECK(&proto_http, steps, NULL, "answered GET a.z/.[2J. -> 200 .[31mOK\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_heads), cmocka_unit_test(test_many_fields), cmocka_unit_test(test_nothing_wanted),
		cmocka_unit_test(test_lost),        cmocka_unit_test(test_probe),       cmocka_unit_test(test_resync),
		cmocka_unit_test(test_orphans),     cmocka_unit_test(test_describe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
