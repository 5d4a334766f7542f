/* Bodies that are wanted: kept, put together from chunks, decompressed, printed. */
#include "unit.h"

#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

#include "proto/http/http.h"
#include "proto_feed.h"

#define JSON "{\"name\": \"caf\xc3\xa9\", \"tags\": [1, 2, \"<a>\"]}"
#define JSON_OUT "{\"name\":\"caf\xc3\xa9\",\"tags\":[1,2,\"\\u003ca\\u003e\"]}"

static const struct proto_options with_bodies = { .headers = true, .details = true, .body_bytes = 1000 };
static const struct feed_options bodies = { .opt = &with_bodies };

static void test_json(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 10\r\n\r\n{\"a\": 1}\r\n"),
		SERVER("HTTP/1.1 200 OK\r\nContent-Type: application/problem+json\r\nTransfer-Encoding: chunked\r\n\r\n"
		       "9\r\n{\"name\": \r\n1\r\n\"\r\n3;x\r\ncaf\r\n1f\r\n\xc3\xa9\", \"tags\": [1, 2, \"<a>\"]}    \r\n0\r\n\r\n"),
		CLIENT("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"),
		SERVER("HTTP/1.1 200 OK\r\nContent-Type: text/json\r\nContent-Length: 8\r\n\r\n{\"cut\": "),
		CLIENT("GET /3 HTTP/1.1\r\nHost: h\r\n\r\n"),
		SERVER("HTTP/1.1 200 OK\r\nContent-Type: Text/HTML\r\nContent-Length: 4\r\n\r\n1234"),
		CLIENT("GET /4 HTTP/1.1\r\nHost: h\r\n\r\n"),
		SERVER("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 4\r\n\r\n1234"),
	};
	char *log = FEED_CHECK(&proto_http, steps, &bodies, "answered POST h/ -> 200 OK 44B\nanswered GET h/2 -> 200 OK 8B\n"
							    "answered GET h/3 -> 200 OK 4B\nanswered GET h/4 -> 200 OK 4B\n");
	feed_has(log, "  > Body={\"a\":1}");
	feed_has(log, "  < Body=" JSON_OUT);
	feed_has(log, "  < Body=\"{\\\"cut\\\": \"");
	feed_has(log, "  < Body=\"1234\"");
	feed_has(log, "  < Body=null");
	free(log);
}

static void test_until_close(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("GET / HTTP/1.0\r\n\r\n"), SERVER("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello "), SERVER("world"), SERVER_FIN,
	};
	char *log = FEED_CHECK(&proto_http, steps, &bodies, "answered GET / -> 200 OK 11B\n");
	feed_has(log, "  < Body=\"hello world\"");
	free(log);
}

static void test_limit(void **state)
{
	const struct proto_options five = { .headers = true, .details = true, .body_bytes = 5 };
	const struct feed_step steps[] = {
		CLIENT("GET / HTTP/1.1\r\n\r\n"), SERVER("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello world"),
		CLIENT("GET / HTTP/1.1\r\n\r\n"), SERVER("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n7\r\no world\r\n0\r\n\r\n"),
		CLIENT("GET / HTTP/1.1\r\n\r\n"), SERVER("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello world"), SERVER_FIN,
	};
	char *log = FEED_CHECK(&proto_http, steps, &(struct feed_options){ .opt = &five },
			       "answered GET / -> 200 OK 11B\nanswered GET / -> 200 OK 11B\nanswered GET / -> 200 OK 11B\n");
	feed_has(log, "  < Body=\"hello\"");
	feed_lacks(log, "  < Body=\"hello world\"");
	free(log);
}

/* One exchange whose answer is `n` bytes at p with this Content-Encoding; returns the log. */
static char *coded_answer(const char *coding, const void *p, size_t n, u32 limit)
{
	struct proto_options opt = { .headers = true, .details = true, .body_bytes = limit };
	char head[200];
	int head_n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
			      coding, n);
	struct feed_step steps[] = { CLIENT("GET / HTTP/1.1\r\n\r\n"), { FEED_SERVER, false, head, (size_t)head_n }, { FEED_SERVER, false, p, n } };
	return feed_run(&proto_http, steps, 3, &(struct feed_options){ .opt = &opt }, &(struct feed_plan){ 0 });
}

static void check_coded(const char *coding, const void *p, size_t n, u32 limit, const char *line)
{
	char *log = coded_answer(coding, p, n, limit);
	feed_has(log, line);
	free(log);
}

static size_t deflated(u8 *out, size_t room, int window)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)JSON, .avail_in = sizeof(JSON) - 1, .next_out = out, .avail_out = (uInt)room };
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static void test_codings(void **state)
{
	u8 out[500];
	size_t n = deflated(out, sizeof(out), MAX_WBITS + 16);
	check_coded("gzip", out, n, 1000, "  < Body=" JSON_OUT);
	check_coded(" X-GZIP ", out, n, 1000, "  < Body=" JSON_OUT);
	check_coded("gzip", out, n - 9, 1000, "  < Body=" JSON_OUT); /* its trailer is missing */
	check_coded("br", out, n, 1000, "  < Body=null");
	check_coded("deflate", out, n, 1000, "  < Body=null");
	check_coded("compress", out, n, 1000, "  < Body=null");
	n = deflated(out, sizeof(out), MAX_WBITS);
	check_coded("deflate", out, n, 1000, "  < Body=" JSON_OUT);
	n = deflated(out, sizeof(out), -MAX_WBITS);
	check_coded("deflate", out, n, 1000, "  < Body=" JSON_OUT);
	n = ZSTD_compress(out, sizeof(out), JSON, sizeof(JSON) - 1, 3);
	check_coded("zstd", out, n, 1000, "  < Body=" JSON_OUT);
	check_coded("identity", JSON, sizeof(JSON) - 1, 1000, "  < Body=" JSON_OUT);
	/* brotli: an uncompressed meta-block (RFC 7932 section 9.2) of "hello" */
	static const u8 brotli[] = { 0x0b, 0x02, 0x80, 'h', 'e', 'l', 'l', 'o', 0x03 };
	check_coded("br", brotli, sizeof(brotli), 1000, "  < Body=\"hello\"");
}

/* A megabyte of zeros in a kilobyte: no more than the limit comes out. */
static void test_bomb(void **state)
{
	static u8 zeros[1 << 20], out[4096];
	uLongf n = sizeof(out);
	assert_int_equal(compress2(out, &n, zeros, sizeof(zeros), 9), Z_OK);
	char *log = coded_answer("deflate", out, n, 2000);
	const char *body = strstr(log, "  < Body=\"");
	assert_non_null(body);
	assert_int_equal(strcspn(body + 10, "\""), 2000 * 6); /* \u0000 each */
	free(log);
	log = coded_answer("zstd", zeros, ZSTD_compress(out, sizeof(out), zeros, sizeof(zeros), 3), 2000);
	feed_has(log, "  < Body=null");
	free(log);
}

/* Larger than what memory a message may take: kept as far as it goes. */
static void test_large(void **state)
{
	static char text[400000];
	memset(text, 'a', sizeof(text));
	struct proto_options opt = { .headers = true, .details = true, .body_bytes = 102400 };
	struct feed_step steps[] = {
		CLIENT("GET / HTTP/1.1\r\n\r\n"), SERVER("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 400000\r\n\r\n"),
		{ FEED_SERVER, false, text, sizeof(text) },
	};
	char *log = feed_run(&proto_http, steps, 3, &(struct feed_options){ .opt = &opt }, &(struct feed_plan){ 0 });
	assert_int_equal(strspn(strstr(log, "  < Body=\"") + 10, "a"), 102400);
	feed_has(log, "  < Size=400000");
	free(log);
	opt.body_bytes = 1 << 20;
	log = feed_run(&proto_http, steps, 3, &(struct feed_options){ .opt = &opt }, &(struct feed_plan){ 0 });
	assert_true(strspn(strstr(log, "  < Body=\"") + 10, "a") > 102400);
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),   cmocka_unit_test(test_until_close), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_codings), cmocka_unit_test(test_bomb),        cmocka_unit_test(test_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
