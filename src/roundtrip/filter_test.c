/* Filters: what holds for which RoundTrip, and what is said about mistakes. SPDX-License-Identifier: Apache-2.0 */
#include "toy.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "roundtrip/filter.h"
#include "roundtrip/value.h"

static bool holds(const char *text, const struct toy *t)
{
	struct rt_filter *f;
	struct buf error = { 0 };
	if (rt_filter_compile_for(toy_protos, text, &f, &error) != 0)
		fail_msg("%s", buf_cstr(&error));
	bool m = rt_filter_match(f, &t->rt);
	rt_filter_free(f);
	buf_done(&error);
	return m;
}

static void yes(const struct toy *t, const char *const *texts)
{
	for (; *texts; texts++)
		if (!holds(*texts, t))
			fail_msg("does not hold: %s", *texts);
}

static void no(const struct toy *t, const char *const *texts)
{
	for (; *texts; texts++)
		if (holds(*texts, t))
			fail_msg("holds: %s", *texts);
}

#define YES(t, ...) yes(t, (const char *const[]){ __VA_ARGS__, NULL })
#define NO(t, ...) no(t, (const char *const[]){ __VA_ARGS__, NULL })

static void test_numbers(void **state)
{
	struct toy t;
	toy_http_example(&t);
	t.http[1].status_code = 503;
	t.http[1].m.size = 10240;
	YES(&t, "http.status == 503", "http.status=503", "http.status>=500", "http.status <= 503", "http.status > 502", "http.status < 504", "http.status != 200", "http.status in (404, 503)",
	    "http.status not in (404, 200)", "http.status == 503.0", "http.status > 502.5", "http.status > -1", "http.response.size == 10k", "http.response.size == 10kB",
	    "http.response.size >= 0.005M", "size.response == 10240", "http.status =~ \"^5\"", "http.status contains 03", "http.response.size < 18446744073709551615", "server.port == 80",
	    "client.port == 34418", "port == 80", "port == 34418", "port in (1, 80)", "http.request.port == 34418", "size.request == 0", "retransmits == 0");
	NO(&t, "http.status == 500", "http.status < 503", "http.status > 503", "http.status != 503", "http.status in (404, 500)", "http.status not in (503)", "http.status =~ ^4", "port == 8080",
	   "port != 80", "server.port == 34418", "http.response.size > 10k");
	NO(&t, "proxied_from == 192.0.2.7", "proxied_from != 192.0.2.7", "proxied_from");
	struct proxied from = { .addr = { .b = { [10] = 0xff, 0xff, 192, 0, 2, 7 } }, .port = 4711 };
	t.rt.proxied = &from;
	YES(&t, "proxied_from == 192.0.2.7", "proxied_from == 192.0.2.0/24", "proxied_from");
	NO(&t, "proxied_from == 192.0.3.0/24");
	toy_sql_example(&t);
	t.sql[1].minus = -5;
	t.sql[1].big_minus = INT64_MIN;
	t.sql[1].ok = 0.5;
	t.sql[1].small = 200;
	YES(&t, "mysql.minus == -5", "mysql.minus < 0", "mysql.minus > -5.5", "mysql.big_minus < -9223372036854775807", "mysql.big_minus == -9223372036854775808", "mysql.ok == 0.5",
	    "mysql.ok > 0 and mysql.ok < 1", "mysql.small >= 200", "mysql.packet.rows == 17", "mysql.response.packet.rows == 17");
	NO(&t, "mysql.minus == 5", "mysql.minus > 0", "mysql.big_minus > -9223372036854775808", "mysql.small == 201");
}

static void test_text(void **state)
{
	struct toy t;
	toy_http_example(&t);
	YES(&t, "http.method == GET", "http.method == \"GET\"", "http.method == 'GET'", "http.method != POST", "http.method in (GET, HEAD)", "http.path contains item", "http.url =~ \"id=[0-9]+\"",
	    "http.url !~ admin", "http.path == /items", "http.remote_host == shop.local", "http.remote_host =~ \"(?i)^SHOP\\.LOCAL$\"", "http.method < H", "http.method >= GET",
	    "http.status_text >= 100 or http.close == true or http.status_text contains OK", "http.path not contains admin", "http.url == \"/items?id=3\\x26x=1\"", "http.method contains \"\"",
	    "http.scheme == \"\"", "request contains \"GET /items\"", "response == \"200 11B\"", "response");
	NO(&t, "http.method == get", "http.method == POST", "http.path contains admin", "http.url =~ ^items", "http.method > GET", "http.scheme", "http.path not contains item", "http.body contains no");
	toy_sql_example(&t);
	t.sql[0].command = "200";
	YES(&t, "mysql.command >= 100", "mysql.command == 200", "mysql.command < 1000");
	t.sql[0].command = "QUERY";
	NO(&t, "mysql.command >= 100", "mysql.command < 100");
	t.sql[0].command = NULL;
	YES(&t, "mysql.command == ''", "not mysql.command");
}

static void test_addresses(void **state)
{
	struct toy t;
	toy_http_example(&t); /* 10.1.0.7 asks 10.1.0.21 */
	YES(&t, "client == 10.1.0.7", "server == 10.1.0.21", "client == 10.0.0.0/8", "client == 10.1.0.0/29", "client != 10.1.0.8/29", "host == 10.1.0.21", "host == 10.1.0.7", "host == 0.0.0.0/0",
	    "client in (192.168.0.0/16, 10.1.0.7)", "client == ::ffff:10.1.0.7", "http.request.host == 10.1.0.7", "client =~ \"^10\\.\"", "client", "client not in (::/0) or client == 10.1.0.7/32");
	NO(&t, "client == 10.1.0.21", "client == 11.0.0.0/8", "client == 10.1.0.8/29", "host != 10.1.0.7", "client == 2001:db8::/32", "server != 10.0.0.0/8");
	assert_true(ip_parse(STR("2001:db8::7"), &t.conn.addr[0]));
	YES(&t, "client == 2001:db8::/32", "client == 2001:db8::7", "client == 2001:db8::6/127", "client == ::/0", "host == 10.0.0.0/8");
	NO(&t, "client == 10.0.0.0/8", "client == 0.0.0.0/0", "client == 2001:db9::/32");
	/* the server sends the request */
	t.http[0].m.dir = DIR_B;
	YES(&t, "client == 10.1.0.21", "server == 2001:db8::7", "client.port == 80");
}

static void test_times(void **state)
{
	struct toy t;
	toy_http_example(&t); /* 47.462255ms */
	t.rt.first_byte = 45000000;
	t.rt.rtt = 0;
	t.http[1].wait = 1500000000;
	YES(&t, "duration > 47ms", "duration < 0.05", "duration == 47.462255ms", "duration in (1s, 47.462255ms)", "first_byte == 45ms", "http.wait == 1.5s", "http.wait == 1500ms", "transfer == 0",
	    "time >= 2025-03-01", "time < 2025-03-01T09:00:04Z", "http.request.time > 2025-03-01T09:00:03Z", "duration");
	NO(&t, "duration > 48ms", "duration == 47ms", "rtt > 0", "rtt < 1s", "rtt != 1s", "rtt", "time > 2025-03-02", "transfer");
}

static void test_common(void **state)
{
	struct toy t;
	toy_http_example(&t);
	YES(&t, "http", "proto == http", "proto != mysql", "outcome == answered", "not error", "error == ''", "not partial", "partial == false", "outcome in (answered, lost)", "http.chunked == no",
	    "not connection", "not trace", "not vlan", "not tunnel");
	NO(&t, "mysql", "proto == mysql", "error", "partial", "outcome == reset", "tunnel != gre", "vlan != 1", "http.chunked", "http.close == true");
	t.rt.outcome = OUTCOME_RESET;
	t.rt.error = STR("503");
	t.rt.partial = true;
	t.rt.retransmits = 3;
	t.rt.zero_windows = 1;
	t.conn.id = 77;
	t.conn.vlan = 5;
	t.conn.tunnel = TUNNEL_GRE;
	t.http[0].m.has_trace = 1;
	memset(t.http[0].m.trace, 0xab, 16);
	YES(&t, "error", "error == 503", "error >= 500", "partial", "outcome == reset", "retransmits > 2", "zero_windows", "connection == 77", "vlan == 5", "tunnel == gre", "trace == abababababababababababababababab",
	    "trace =~ ^ab");
	/* no response: nothing of it can be compared */
	t.rt.response = NULL;
	NO(&t, "response", "http.status == 200", "http.status != 200", "http.status > 0", "http.status", "size.response == 0", "transfer == 0", "http.response.size == 0", "http.status not in (1)");
	YES(&t, "not response", "not (http.status == 200)", "not http.status", "http.size == 0");
}

static void test_absent(void **state)
{
	struct toy t;
	toy_sql_example(&t);
	NO(&t, "http.status == 200", "http.status != 200", "http.method =~ .", "http.method !~ x", "http.method not contains x", "http.chunked", "http.status not in (1, 2)");
	YES(&t, "not http.status == 200", "not (http.status != 200)", "mysql and not http");
	/* of another shape */
	NO(&t, "mysql.code == 0", "mysql.code != 1", "mysql.message", "mysql.packet.affected_rows == 0");
	t.sql[1].m.shape = TOY_ERROR;
	t.sql[1].code = 1146;
	YES(&t, "mysql.code == 1146", "mysql.response.code in (1, 1146)", "mysql.message == ''");
	NO(&t, "mysql.packet.rows >= 0");
}

static void test_lists(void **state)
{
	struct toy t;
	toy_http_example(&t);
	t.pairs[0][1] = (struct pair){ STR("user-agent"), STR("curl/8.0") };
	t.pairs[0][2] = (struct pair){ STR("Accept"), STR("text/html") };
	t.http[0].header.n = 3;
	t.list[0] = STR("alpha");
	t.list[1] = STR("beta");
	t.http[0].tags = (struct strs){ t.list, 2 };
	YES(&t, "http.request.header.user-agent =~ curl", "http.header.User-Agent == curl/8.0", "http.header contains curl", "http.header contains user-agent", "http.request.header.accept == text/html",
	    "http.request.header.accept == \"*/*\"", "http.request.header.user-agent", "http.header.content-length == 11", "http.response.header.content-length > 10", "http.header", "http.header.accept != x",
	    "http.tags == beta", "http.tags in (x, alpha)", "http.tags contains lph", "http.tags != gamma", "http.tags", "http.header.accept not in (a, b)");
	NO(&t, "http.request.header.content-length", "http.response.header.user-agent", "http.header.x-nothing", "http.header.x-nothing != a", "http.header.accept != text/html", "http.header contains wget",
	   "http.tags == gamma", "http.tags != beta", "http.request.header.content-length == 11");
	t.http[0].tags.n = 0;
	NO(&t, "http.tags", "http.tags != a");
	/* printed by the protocol */
	YES(&t, "http.body contains true", "http.body == '{\"ok\":true}'", "http.body =~ ok");
	NO(&t, "http.never", "http.never == ''", "http.never != ''");
	/* more than is looked at: the first part */
	static char large[20000];
	memset(large, 'x', sizeof(large));
	t.http[1].body = str_make(large, sizeof(large));
	YES(&t, "http.body != y");
}

/* Every expression of a, b, c built from and, or, not and parentheses means what C says. */
static void test_logic(void **state)
{
	struct toy t;
	toy_http_example(&t);
	for (int bits = 0; bits < 8; bits++) {
		bool a = bits & 1, b = bits & 2, c = bits & 4;
		t.rt.retransmits = a;
		t.rt.zero_windows = b;
		t.rt.partial = c;
		const struct {
			const char *text;
			bool expected;
		} cases[] = {
			{ "A and B or C", (a && b) || c },
			{ "A or B and C", a || (b && c) },
			{ "(A or B) and C", (a || b) && c },
			{ "A and (B or C)", a && (b || c) },
			{ "not A and B or C", (!a && b) || c },
			{ "not (A and B) or C", !(a && b) || c },
			{ "not (A or B or C)", !(a || b || c) },
			{ "A || !B && C", a || (!b && c) },
			{ "!!A", a },
			{ "not not (A) and ((B) or (not C))", a && (b || !c) },
			{ "A and B and C", a && b && c },
			{ "A AND not B Or C", (a && !b) || c },
			{ "(A and not (B or (C and A))) or (not A and B)", (a && !(b || (c && a))) || (!a && b) },
		};
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			struct buf text = { 0 };
			for (const char *p = cases[i].text; *p; p++) {
				bool alone = (p == cases[i].text || !strchr("NAD", p[-1])) && !strchr("NAD", p[1] ? p[1] : ' ');
				const char *name = alone && *p == 'A' ? "retransmits" : alone && *p == 'B' ? "zero_windows" : alone && *p == 'C' ? "partial" : NULL;
				if (name)
					buf_adds(&text, name);
				else
					buf_addc(&text, *p);
			}
			if (holds(buf_cstr(&text), &t) != cases[i].expected)
				fail_msg("%s with %d", buf_cstr(&text), bits);
			buf_done(&text);
		}
	}
	assert_true(rt_filter_match(NULL, &t.rt));
}

static void expect_error(const char *text, const char *expected)
{
	struct rt_filter *f;
	struct buf error = { 0 };
	assert_int_equal(rt_filter_compile_for(toy_protos, text, &f, &error), -EINVAL);
	assert_null(f);
	if (strcmp(buf_cstr(&error), expected) != 0)
		fail_msg("%s", buf_cstr(&error));
	buf_done(&error);
}

static void test_errors(void **state)
{
	expect_error("http.staus >= 500", "unknown name 'http.staus', did you mean 'http.status'?\n  http.staus >= 500\n  ^^^^^^^^^^\n");
	expect_error("duration > 1s and status == 3", "unknown name 'status', did you mean 'http.status'?\n  duration > 1s and status == 3\n                    ^^^^^^\n");
	expect_error("mysql.rows > 1", "unknown name 'mysql.rows', did you mean 'mysql.packet.rows'?\n  mysql.rows > 1\n  ^^^^^^^^^^\n");
	expect_error("xyzzy", "unknown name 'xyzzy'\n  xyzzy\n  ^^^^^\n");
	expect_error("", "the expression ends here, expected a name such as http.status\n  \n  ^\n");
	expect_error("duration >", "expected a value\n  duration >\n            ^\n");
	expect_error("duration > fast", "expected a duration such as 100ms, 1.5s or 2m\n  duration > fast\n             ^^^^\n");
	expect_error("http.status > five", "expected a number such as 10, 0.5 or 10k\n  http.status > five\n                ^^^^\n");
	expect_error("client == 10.0.0.0/33", "expected an address or network such as 10.1.0.7 or 10.0.0.0/8\n  client == 10.0.0.0/33\n            ^^^^^^^^^^^\n");
	expect_error("partial == perhaps", "expected true or false\n  partial == perhaps\n             ^^^^^^^\n");
	expect_error("time > yesterday", "expected a time such as 2025-03-01T09:00:00Z\n  time > yesterday\n         ^^^^^^^^^\n");
	expect_error("client > 10.0.0.1", "address values can be compared with == and != only\n  client > 10.0.0.1\n           ^^^^^^^^\n");
	expect_error("proto == htpp", "no proto is called 'htpp', did you mean 'http'?\n  proto == htpp\n           ^^^^\n");
	expect_error("outcome in (lost, resett)", "no outcome is called 'resett', did you mean 'reset'?\n  outcome in (lost, resett)\n                    ^^^^^^\n");
	expect_error("http == 3", "a protocol's name stands alone (or: proto == http)\n  http == 3\n  ^^^^\n");
	expect_error("http and", "the expression ends here, expected a name such as http.status\n  http and\n          ^\n");
	expect_error("(http or mysql", "the closing ) is missing\n  (http or mysql\n  ^\n");
	expect_error("(http mysql)", "expected and, or, or )\n  (http mysql)\n        ^^^^^\n");
	expect_error("http)", "this ) closes nothing\n  http)\n      ^\n");
	expect_error("http mysql", "expected and, or, or the end of the expression\n  http mysql\n       ^^^^^\n");
	expect_error("error == \"a", "the closing \" is missing\n  error == \"a\n           ^^\n");
	expect_error("error in a", "expected ( after in\n  error in a\n           ^\n");
	expect_error("error in (a b)", "expected , or )\n  error in (a b)\n              ^\n");
	expect_error("error not == a", "expected in or contains after not\n  error not == a\n            ^^\n");
	expect_error("error =~ \"(a\"", "regular expression: missing ) (at its end)\n  error =~ \"(a\"\n           ^^^^\n");
	expect_error("http & mysql", "unexpected character\n  http & mysql\n       ^\n");
	expect_error("\"http\" == 1", "expected a name such as http.status\n  \"http\" == 1\n  ^^^^^^\n");
	expect_error("http.request.status == 200", "unknown name 'http.request.status', did you mean 'http.status'?\n  http.request.status == 200\n  ^^^^^^^^^^^^^^^^^^^\n");
	expect_error("a\x7f\xff", "unknown name 'a\\x7f\\xff'\n  a\\x7f\\xff\n  ^^^^^^^^^\n");
	expect_error("\xc3\xa9\x1b == 1", "unknown name '\xc3\xa9'\n  \xc3\xa9\\x1b == 1\n  ^\n");
}

static int compile_quietly(const char *text)
{
	struct rt_filter *f;
	struct buf error = { 0 };
	int result = rt_filter_compile_for(toy_protos, text, &f, &error);
	assert_true((result == 0) == (f != NULL));
	assert_true((result == 0) == (error.len == 0));
	rt_filter_free(f);
	buf_done(&error);
	return result;
}

static void repeat(struct buf *b, const char *part, int times, const char *end)
{
	b->len = 0;
	while (times--)
		buf_adds(b, part);
	buf_adds(b, end);
}

static void test_limits(void **state)
{
	struct buf b = { 0 };
	repeat(&b, "(", 64, "http");
	for (int i = 0; i < 64; i++)
		buf_addc(&b, ')');
	assert_int_equal(compile_quietly(buf_cstr(&b)), 0);
	repeat(&b, "(", 5000, "http");
	assert_int_equal(compile_quietly(buf_cstr(&b)), -EINVAL);
	repeat(&b, "not ", 4000, "http");
	assert_int_equal(compile_quietly(buf_cstr(&b)), 0);
	repeat(&b, "http or ", 255, "http");
	assert_int_equal(compile_quietly(buf_cstr(&b)), 0);
	repeat(&b, "http or ", 256, "http");
	assert_int_equal(compile_quietly(buf_cstr(&b)), -EINVAL);
	repeat(&b, "not(http or mysql)and ", 500, "http");
	assert_int_equal(compile_quietly(buf_cstr(&b)), -EINVAL);
	repeat(&b, "error in (a,b,c,d) or ", 255, "error in (a,b,c,d)");
	assert_int_equal(compile_quietly(buf_cstr(&b)), 0);
	repeat(&b, "error in (a,b,c,d,e) or ", 255, "http");
	assert_int_equal(compile_quietly(buf_cstr(&b)), -EINVAL);
	repeat(&b, "http ", 4000, "");
	assert_int_equal(compile_quietly(buf_cstr(&b)), -EINVAL);
	buf_done(&b);
}

static void count_names(void *arg, const char *name, const char *type, const char *meaning)
{
	char text[160];
	++*(int *)arg;
	/* every name of the list is one an expression may use */
	snprintf(text, sizeof(text), "not %s", name);
	if (compile_quietly(text) != 0)
		fail_msg("%s", name);
	assert_true(strlen(meaning) > 0);
}

static void test_names(void **state)
{
	int n = 0;
	rt_filter_names(toy_protos, count_names, &n);
	assert_true(n > 40);
	struct buf b = { 0 };
	rt_filter_help(toy_protos, &b);
	assert_non_null(strstr(buf_cstr(&b), "  http.request.header                  pairs       header fields\n"));
	assert_non_null(strstr(buf_cstr(&b), "  http.status                          number      status code\n"));
	buf_done(&b);
	static const struct {
		const char *json, *name;
	} cases[] = { { "RemoteHost", "remote_host" }, { "URL", "url" }, { "StreamID", "stream_id" }, { "Packet.SQLStateCode", "packet.sql_state_code" }, { "QuestionSec.Name", "question_sec.name" }, { "TTL", "ttl" }, { "GrpcStatus", "grpc_status" } };
	char text[FIELD_NAME_MAX];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		field_name(&(struct field){ .json = cases[i].json }, text);
		assert_string_equal(text, cases[i].name);
	}
	field_name(&(struct field){ .json = "A", .name = "as_It.is" }, text);
	assert_string_equal(text, "as_It.is");
}

/* Any text is compiled or refused with a message; what is compiled matches without harm. */
static void test_random(void **state)
{
	static const char *const pieces[] = { "http", "http.status", "mysql.message", "client", "duration", "error", "==", "!=", "=~", "<", "in", "not", "and", "or", "(", ")", ",", "10.0.0.0/8", "500", "100ms", "\"a\\", "'", "contains", "\xff", "partial", "request", "http.header.x", "~", "!", "reset", "outcome", "(?i)a*" };
	u64 seed = 5;
	struct toy t;
	toy_http_example(&t);
	int compiled = 0;
	for (int i = 0; i < 30000; i++) {
		struct buf text = { 0 };
		for (int k = 0; k < 1 + i % 9; k++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			buf_adds(&text, pieces[(seed >> 33) % ARRAY_LEN(pieces)]);
			if (seed >> 63 || k % 2)
				buf_addc(&text, ' ');
		}
		struct rt_filter *f;
		struct buf error = { 0 };
		if (rt_filter_compile_for(toy_protos, buf_cstr(&text), &f, &error) == 0) {
			rt_filter_match(f, &t.rt);
			compiled++;
		} else {
			assert_true(error.len > 0);
		}
		rt_filter_free(f);
		buf_done(&error);
		buf_done(&text);
	}
	assert_true(compiled > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_text),   cmocka_unit_test(test_addresses), cmocka_unit_test(test_times),  cmocka_unit_test(test_common), cmocka_unit_test(test_absent),
		cmocka_unit_test(test_lists),   cmocka_unit_test(test_logic),  cmocka_unit_test(test_errors),    cmocka_unit_test(test_limits), cmocka_unit_test(test_names),  cmocka_unit_test(test_random),
	};
	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
