/* HTTP/1.x: each case is fed whole, split, with holes and joined late (see proto_feed.h). */
#include "unit.h"

#include "proto/http/http.h"
#include "proto_feed.h"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: shop.local\r\n\r\n"
#define OK_BODY "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"
#define CHECK(steps, brief) FEED_CHECK(&proto_http, steps, NULL, brief)

static void test_simple(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("GET /items%2f1?id=3&x=1 HTTP/1.1\r\nHost: shop.local:81\r\nAccept: */*\r\nUser-Agent: curl/8\r\n\r\n"),
		SERVER("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-A: 1\r\nx-a:  2 \r\nContent-Length: 11\r\n\r\n{\"ok\":true}"),
	};
	char *log = CHECK(steps, "answered GET shop.local:81/items%2f1?id=3&x=1 -> 200 OK 11B\n");
	feed_has(log, "  > Method=\"GET\"");
	feed_has(log, "  > Header={\"Accept\":\"*/*\" \"User-Agent\":\"curl/8\"}");
	feed_has(log, "  > Proto=\"HTTP/1.1\"");
	feed_has(log, "  > Path=\"/items/1\"");
	feed_has(log, "  > URL=\"/items%2f1?id=3&x=1\"");
	feed_has(log, "  > Query=\"id=3&x=1\"");
	feed_has(log, "  > Scheme=\"\"");
	feed_has(log, "  > RemoteHost=\"shop.local:81\"");
	feed_has(log, "  > Close=false");
	feed_has(log, "  > Size=0");
	feed_has(log, "  > Time=+1ms");
	feed_has(log, "  > user_agent=\"curl/8\"");
	feed_has(log, "  > method_known=\"GET\"");
	feed_has(log, "  > version=\"1.1\"");
	feed_has(log, "  < Header={\"Content-Type\":\"application/json\" \"X-A\":\"1\" \"x-a\":\"2\" \"Content-Length\":\"11\"}");
	feed_has(log, "  < Status=\"200 OK\"");
	feed_has(log, "  < StatusCode=200");
	feed_has(log, "  < ContentType=\"application/json\"");
	feed_has(log, "  < Body=null");
	feed_has(log, "  < Size=11");
	feed_has(log, "  < Time=+2ms");
	free(log);
}

static void test_keep_alive(void **state)
{
	const struct feed_step steps[] = {
		CLIENT(GET("/1")), SERVER(OK_BODY), CLIENT(GET("/2")), SERVER("HTTP/1.1 204 No Content\r\n\r\n"),
		CLIENT("POST /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"), SERVER("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"),
		CLIENT(GET("/4")), SERVER("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"),
	};
	char *log = CHECK(steps, "answered GET shop.local/1 -> 200 OK 5B\nanswered GET shop.local/2 -> 204 No Content\n"
				 "answered POST h/3 -> 304 Not Modified\nanswered GET shop.local/4 -> 500 Internal Server Error\n");
	feed_has(log, "  > Size=3");
	feed_has(log, "  < first=+8ms last=+8ms error=500 failed");
	free(log);
}

static void test_pipelined(void **state)
{
	const struct feed_step steps[] = {
		CLIENT(GET("/1") GET("/2") "HEAD /3 HTTP/1.1\r\n\r\n" GET("/4")),
		SERVER(OK_BODY "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
			       "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
	};
	free(CHECK(steps, "answered GET shop.local/1 -> 200 OK 5B\nanswered GET shop.local/2 -> 404 Not Found 2B\n"
			  "answered HEAD /3 -> 200 OK\nanswered GET shop.local/4 -> 200 OK 3B\n"));
}

static void test_head_with_length(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n"), SERVER("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"),
		CLIENT(GET("/y")), SERVER(OK_BODY),
		CLIENT("HEAD /z HTTP/1.1\r\nHost: h\r\n\r\n"), SERVER("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
		CLIENT(GET("/w")), SERVER(OK_BODY),
	};
	free(CHECK(steps, "answered HEAD h/x -> 200 OK\nanswered GET shop.local/y -> 200 OK 5B\n"
			  "answered HEAD h/z -> 200 OK\nanswered GET shop.local/w -> 200 OK 5B\n"));
}

static void test_chunked(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n00A;x=\"a;b\"\r\n0123456789\r\n000\r\n\r\n"),
		SERVER("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n6 ;a\r\n wor"),
		SERVER("ld\r\n0;x=1\r\nX-Sum: abc\r\nSet-Cookie: a=b; Secure\r\n\r\n"),
		CLIENT(GET("/next")),
		SERVER(OK_BODY),
	};
	char *log = CHECK(steps, "answered POST h/ -> 200 OK 11B\nanswered GET shop.local/next -> 200 OK 5B\n");
	feed_has(log, "  > Size=15");
	feed_has(log, "  > Chunked=true");
	feed_has(log, "  > Header={}");
	feed_has(log, "  < Header={\"Trailer\":\"X-Sum\"}");
	feed_has(log, "  < Trailer={\"X-Sum\":\"abc\" \"Set-Cookie\":\"a=***; Secure\"}");
	feed_has(log, "  < Time=+3ms");
	free(log);
}

static void test_chunked_broken(void **state)
{
	const struct feed_step steps[] = {
		CLIENT(GET("/")), SERVER("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX"),
		CLIENT(GET("/2")), SERVER(OK_BODY),
	};
	free(CHECK(steps, "answered partial GET shop.local/ -> 200 OK 5B\nanswered GET shop.local/2 -> 200 OK 5B\n"));
	const struct feed_step huge[] = {
		CLIENT(GET("/")), SERVER("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n"),
	};
	free(CHECK(huge, "answered partial GET shop.local/ -> 200 OK\n"));
}

static void test_until_close(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("GET / HTTP/1.0\r\n\r\n"), SERVER("HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello "), SERVER("world"), SERVER_FIN, CLIENT_FIN,
	};
	char *log = CHECK(steps, "answered GET / -> 200 OK 11B\n");
	feed_has(log, "  > Proto=\"HTTP/1.0\"");
	feed_has(log, "  > Close=true");
	feed_has(log, "  < Close=true");
	feed_has(log, "  < Proto=\"HTTP/1.0\"");
	feed_has(log, "  < Time=+4ms");
	free(log);
	const struct feed_step close[] = {
		CLIENT(GET("/")), SERVER("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello "), SERVER("world"), SERVER_FIN,
	};
	log = CHECK(close, "answered GET shop.local/ -> 200 OK 11B\n");
	feed_has(log, "  < Close=true");
	free(log);
	const struct feed_step coded[] = {
		CLIENT(GET("/")), SERVER("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhello"), SERVER_FIN,
	};
	free(CHECK(coded, "answered GET shop.local/ -> 200 OK 5B\n"));
	const struct feed_step cut[] = { CLIENT(GET("/")), SERVER("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"), SERVER_FIN, CLIENT_FIN };
	free(CHECK(cut, "reset GET shop.local/ -> 200 OK 5B\n"));
}

static void test_versions(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), SERVER("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx"),
		CLIENT("GET /b HTTP/1.1\r\nConnection: foo, Close\r\n\r\n"), SERVER("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nxy"),
	};
	char *log = CHECK(steps, "answered GET /a -> 200 OK 1B\nanswered GET /b -> 200 2B\n");
	feed_lacks(log, "  < Close=true");
	feed_has(log, "  > Close=true");
	feed_has(log, "  < Status=\"200\"");
	free(log);
}

/* Bare line feeds, folded lines, empty lines before start lines, lines that are no fields, spaces everywhere. */
static void test_tolerance(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("\r\n\nGET /lf HTTP/1.1\nHost: h\nX-Long: a,\n\t b,\r\n  c\nnonsense\n: nameless\nSpace : s\n\n"),
		SERVER("\r\nHTTP/1.1 200 OK\nContent-Length:\t2\nX:\n\nok"),
		CLIENT("POST /lf HTTP/1.1\nTransfer-Encoding: chunked\n\n2\nab\n0\n\n"),
		SERVER("HTTP/1.1  201   Created  \r\nContent-Length: 2, 2\r\nContent-Length: 2\r\n\r\nok\r\n"),
		CLIENT("GET /a b HTTP/1.1\r\n\r\n"),
		SERVER("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
	};
	char *log = CHECK(steps, "answered GET h/lf -> 200 OK 2B\nanswered POST /lf -> 201   Created 2B\nanswered GET /a b -> 200 OK\n");
	feed_has(log, "  > Header={\"X-Long\":\"a, \\x09 b,    c\" \"Space\":\"s\"}");
	feed_has(log, "  > RemoteHost=\"h\"");
	feed_has(log, "  > Size=2");
	free(log);
}

static void test_interim(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("POST /up HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"),
		SERVER("HTTP/1.1 100 Continue\r\n\r\n"), CLIENT("data"), SERVER("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
		SERVER("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"), CLIENT(GET("/2")), SERVER("HTTP/1.1 102 Processing\r\n\r\n" OK_BODY),
	};
	char *log = CHECK(steps, "answered POST h/up -> 201 Created\nanswered GET shop.local/2 -> 200 OK 5B\n");
	feed_has(log, "  > Time=+1ms");
	feed_has(log, "  > first=+1ms last=+3ms");
	feed_has(log, "  < first=+4ms last=+5ms");
	feed_has(log, "  > Size=4");
	free(log);
}

static void test_expect_refused(void **state)
{
	const struct feed_step not_sent[] = {
		CLIENT("PUT /a HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 400\r\n\r\n"),
		SERVER("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"), CLIENT(GET("/2")), SERVER(OK_BODY),
	};
	char *log = CHECK(not_sent, "answered PUT /a -> 401 Unauthorized 2B\nanswered GET shop.local/2 -> 200 OK 5B\n");
	feed_has(log, "  > first=+1ms last=+1ms");
	feed_lacks(log, "  > Size=400");
	free(log);
	const struct feed_step sent[] = {
		CLIENT("PUT /a HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 4\r\n\r\n"),
		SERVER("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno"), CLIENT("GETS"), CLIENT(GET("/2")), SERVER(OK_BODY),
	};
	free(CHECK(sent, "answered PUT /a -> 417 Expectation Failed 2B\nanswered GET shop.local/2 -> 200 OK 5B\n"));
	const struct feed_step impatient[] = {
		CLIENT("PUT /a HTTP/1.1\r\nExpect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n"), CLIENT("3\r\nabc\r\n0\r\n\r\n"),
		SERVER("HTTP/1.1 100 Continue\r\n\r\n"), SERVER(OK_BODY),
	};
	log = CHECK(impatient, "answered PUT /a -> 200 OK 5B\n");
	feed_has(log, "  > Size=3");
	free(log);
}

static void test_early_answer(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("POST /big HTTP/1.1\r\nContent-Length: 10\r\n\r\n01234"), SERVER("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"),
		CLIENT("56789"), CLIENT(GET("/2")), SERVER(OK_BODY),
	};
	char *log = CHECK(steps, "answered POST /big -> 413 Too Large 2B\nanswered GET shop.local/2 -> 200 OK 5B\n");
	feed_has(log, "  > Size=10");
	free(log);
	const struct feed_step closed[] = {
		CLIENT("POST /big HTTP/1.1\r\nContent-Length: 10\r\n\r\n01234"), SERVER("HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\nno"), SERVER_FIN,
		CLIENT("567"), CLIENT_FIN,
	};
	free(CHECK(closed, "answered POST /big -> 413 Too Large 2B\n"));
}

static void test_targets(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("GET http://u:p@proxy.example:8/p%41th?q=1 HTTP/1.1\r\nHost: other\r\nReferer: https://me:pw@x/y\r\n\r\n"), SERVER(OK_BODY),
		CLIENT("OPTIONS * HTTP/1.1\r\nHost: star\r\n\r\n"), SERVER(OK_BODY),
		CLIENT("GET /%e4%zz%4 HTTP/1.1\r\n\r\n"), SERVER(OK_BODY),
		CLIENT("GET http://bare HTTP/1.1\r\n\r\n"), SERVER(OK_BODY),
		CLIENT("BREW /users/42/orders/6f9619ff-8b86-d011-b42d-00cf4fc964ff/x HTTP/1.1\r\n\r\n"), SERVER(OK_BODY),
	};
	char *log = CHECK(steps, "answered GET http://***@proxy.example:8/p%41th?q=1 -> 200 OK 5B\nanswered OPTIONS * -> 200 OK 5B\n"
				 "answered GET /%e4%zz%4 -> 200 OK 5B\nanswered GET http://bare -> 200 OK 5B\n"
				 "answered BREW /users/42/orders/6f9619ff-8b86-d011-b42d-00cf4fc964ff/x -> 200 OK 5B\n");
	feed_has(log, "  > RemoteHost=\"proxy.example:8\"");
	feed_has(log, "  > Scheme=\"http\"");
	feed_has(log, "  > Path=\"/pAth\"");
	feed_has(log, "  > Header={\"Referer\":\"https://***@x/y\"}");
	feed_has(log, "  > RemoteHost=\"star\"");
	feed_has(log, "  > Path=\"/\\xe4%zz%4\"");
	feed_has(log, "  > RemoteHost=\"bare\"");
	feed_has(log, "  > method_known=\"_OTHER\"");
	feed_has(log, "  > method_original=\"BREW\"");
	feed_has(log, "  > route=\"/users/{id}/orders/{id}/x\"");
	free(log);
}

static void test_connect(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n"),
		SERVER("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 4\r\n\r\nauth"),
		CLIENT("CONNECT a.example:443 HTTP/1.1\r\n\r\n"),
		SERVER("HTTP/1.1 200 Connection established\r\nContent-Length: 77\r\n\r\n"),
		CLIENT("\x16\x03\x01 whatever"),
		SERVER("\x16\x03\x03 else"),
	};
	char *log = CHECK(steps, "answered CONNECT a.example:443 -> 407 Proxy Authentication Required 4B\nhandover detect\n"
				 "answered CONNECT a.example:443 -> 200 Connection established\n");
	feed_has(log, "  > URL=\"a.example:443\"");
	feed_has(log, "  > Path=\"\"");
	feed_has(log, "  > RemoteHost=\"a.example:443\"");
	feed_has(log, "  > Header={\"Proxy-Authorization\":\"Basic ***\"}");
	feed_has(log, "  < Size=0");
	free(log);
	const struct feed_step eager[] = {
		CLIENT("CONNECT b:443 HTTP/1.1\r\n\r\n\x16\x03\x01 before the answer"), SERVER("HTTP/1.1 200 OK\r\n\r\n"),
	};
	free(CHECK(eager, "handover detect\nanswered CONNECT b:443 -> 200 OK\n"));
}

static void test_upgrade(void **state)
{
	const struct feed_step websocket[] = {
		CLIENT("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
		SERVER("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02hi"),
		CLIENT("\x81\x82xxxxzz"),
	};
	free(CHECK(websocket, "handover opaque\nanswered GET h/ws -> 101 Switching Protocols\n"));
	const struct feed_step h2c[] = {
		CLIENT("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"),
		SERVER("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nxxxx"),
	};
	free(CHECK(h2c, "handover http2\nanswered GET h/ -> 101 Switching Protocols\n"));
	const struct feed_step refused[] = {
		CLIENT("GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"), SERVER(OK_BODY), CLIENT(GET("/2")), SERVER(OK_BODY),
	};
	free(CHECK(refused, "answered GET / -> 200 OK 5B\nanswered GET shop.local/2 -> 200 OK 5B\n"));
}

static void test_other_protocols(void **state)
{
	const struct feed_step preface[] = { CLIENT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") };
	char *log = feed_run(&proto_http, preface, 1, NULL, &(struct feed_plan){ .bytes = true });
	assert_string_equal(log, "handover http2\n");
	free(log);
	const struct feed_step tls[] = { CLIENT("\x16\x03\x01\x02\x00\x01") };
	log = feed_run(&proto_http, tls, 1, NULL, &(struct feed_plan){ .bytes = true });
	assert_string_equal(log, "not mine\n");
	free(log);
}

static void test_conflicts(void **state)
{
	const struct feed_step steps[] = {
		CLIENT(GET("/1")), SERVER("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"), CLIENT(GET("/2")), SERVER(OK_BODY),
	};
	free(CHECK(steps, "answered partial GET shop.local/1 -> 200 OK\nanswered GET shop.local/2 -> 200 OK 5B\n"));
	const struct feed_step request[] = { CLIENT("POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\nabc"), SERVER("HTTP/1.1 400 Bad Request\r\n\r\n") };
	free(feed_all(&proto_http, request, 2, NULL));
	const struct feed_step coded[] = { CLIENT("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nabc"), CLIENT(GET("/2")), SERVER(OK_BODY) };
	free(feed_all(&proto_http, coded, 3, NULL));
	const struct feed_step both[] = {
		CLIENT("POST / HTTP/1.1\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"), SERVER(OK_BODY), CLIENT(GET("/2")),
		SERVER(OK_BODY),
	};
	free(CHECK(both, "answered POST / -> 200 OK 5B\nanswered GET shop.local/2 -> 200 OK 5B\n"));
}

static void test_secrets(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("GET / HTTP/1.1\r\nAuthorization: Bearer abc.def\r\nCookie: sid=1; theme=dark; odd\r\n\r\n"),
		SERVER("HTTP/1.1 302 Found\r\nSet-Cookie: sid=2; Path=/; HttpOnly\r\nLocation: //u@h/x\r\nContent-Length: 0\r\n\r\n"),
	};
	char *log = CHECK(steps, "answered GET / -> 302 Found\n");
	feed_has(log, "  > Header={\"Authorization\":\"Bearer ***\" \"Cookie\":\"sid=***; theme=***; ***\"}");
	feed_has(log, "  < Header={\"Set-Cookie\":\"sid=***; Path=/; HttpOnly\" \"Location\":\"//***@h/x\" \"Content-Length\":\"0\"}");
	free(log);
	struct proto_options opt = { .headers = true, .details = true, .show_secrets = true };
	log = feed_run(&proto_http, steps, 2, &(struct feed_options){ .opt = &opt }, &(struct feed_plan){ 0 });
	feed_has(log, "  > Header={\"Authorization\":\"Bearer abc.def\" \"Cookie\":\"sid=1; theme=dark; odd\"}");
	free(log);
}

static void test_trace(void **state)
{
	const struct feed_step steps[] = {
		CLIENT("GET /1 HTTP/1.1\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nb3: 0\r\n\r\n"), SERVER(OK_BODY),
		CLIENT("GET /2 HTTP/1.1\r\nB3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90\r\n\r\n"), SERVER(OK_BODY),
		CLIENT("GET /3 HTTP/1.1\r\nX-B3-TraceId: 463ac35c9f6413ad\r\nX-B3-SpanId: a2fb4a1d1a96d312\r\nX-B3-Sampled: 0\r\n\r\n"), SERVER(OK_BODY),
		CLIENT("GET /4 HTTP/1.1\r\ntraceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01\r\n\r\n"), SERVER(OK_BODY),
		CLIENT("GET /5 HTTP/1.1\r\ntraceparent: 00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n"),
		SERVER("HTTP/1.1 200 OK\r\ntraceparent: 01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-x\r\nContent-Length: 0\r\n\r\n"),
	};
	char *log = feed_all(&proto_http, steps, ARRAY_LEN(steps), NULL);
	feed_has(log, "  > first=+1ms last=+1ms trace=0af7651916cd43dd8448eb211c80319cb7ad6b716920333101");
	feed_has(log, "  > first=+3ms last=+3ms trace=80f198ee56343ba864fe8b2a57d3eff7e457b5a2e4d86bd101");
	feed_has(log, "  > first=+5ms last=+5ms trace=0000000000000000463ac35c9f6413ada2fb4a1d1a96d31200");
	feed_has(log, "  > first=+7ms last=+7ms");
	feed_has(log, "  > first=+9ms last=+9ms");
	feed_has(log, "  < first=+10ms last=+10ms trace=0af7651916cd43dd8448eb211c80319cb7ad6b716920333100");
	free(log);
}

/* Calls of protocols that have HTTP/1 carry them. */
static void test_rpc(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("POST /a.B/C HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc-web+proto\r\nContent-Length: 0\r\n\r\n"),
		SERVER("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
		CLIENT("POST /a.B/D HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nConnect-Protocol-Version: 1\r\nContent-Length: 2\r\n\r\n{}"),
		SERVER("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
	};
	char *log = FEED_CHECK(&proto_http, steps, NULL, "answered POST h/a.B/C -> 200 OK\nanswered POST h/a.B/D -> 200 OK\n");
	feed_has(log, "  > rpc=\"grpc-web\"");
	feed_has(log, "  > rpc=\"connect\"");
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rpc), cmocka_unit_test(test_simple),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_head_with_length),
		cmocka_unit_test(test_chunked),
		cmocka_unit_test(test_chunked_broken),
		cmocka_unit_test(test_until_close),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_tolerance),
		cmocka_unit_test(test_interim),
		cmocka_unit_test(test_expect_refused),
		cmocka_unit_test(test_early_answer),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_other_protocols),
		cmocka_unit_test(test_conflicts),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_trace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
