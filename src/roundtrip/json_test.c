/* RoundTrips as JSON lines: the specification's examples byte for byte, and whatever else may come.
 * SPDX-License-Identifier: Apache-2.0 */
#include "toy.h"

#include <stdio.h>
#include <time.h>

#include "roundtrip/json.h"
#include "roundtrip/json_pairs.h"

static struct buf line;

static const char *text_of(const struct toy *t, const struct json_options *o)
{
	line.len = 0;
	roundtrip_json(&line, &t->rt, o);
	assert_false(line.failed);
	assert_true(line.len > 0);
	assert_ptr_equal(memchr(line.data, '\n', line.len), line.data + line.len - 1);
	assert_true(json_valid(line.data, line.len - 1));
	return buf_cstr(&line);
}

#define HTTP_EXAMPLE                                                                                                                               \
	"{\"Proto\":\"http\",\"Request\":{\"Host\":\"10.1.0.7\",\"Port\":34418,\"Method\":\"GET\",\"Header\":{\"Accept\":[\"*/*\"]},"              \
	"\"Proto\":\"HTTP/1.1\",\"Path\":\"/items\",\"URL\":\"/items?id=3\\u0026x=1\",\"Scheme\":\"\",\"RemoteHost\":\"shop.local\","              \
	"\"Close\":false,\"Size\":0,\"Chunked\":false,\"Time\":\"2025-03-01T09:00:03.487563848Z\"},\"Response\":{\"Host\":\"10.1.0.21\","          \
	"\"Port\":80,\"Header\":{\"Content-Length\":[\"11\"],\"Content-Type\":[\"application/json\"]},\"Status\":\"200 OK\","                      \
	"\"StatusCode\":200,\"Body\":{\"ok\":true},\"Proto\":\"HTTP/1.1\",\"Close\":false,\"Size\":11,\"Chunked\":false,"                          \
	"\"Time\":\"2025-03-01T09:00:03.535026103Z\"},\"Duration\":\"47.462255ms\""
#define MYSQL_EXAMPLE                                                                                                                              \
	"{\"Proto\":\"mysql\",\"Request\":{\"Host\":\"10.1.0.7\",\"Port\":32872,\"Proto\":\"MySQL\",\"Command\":\"QUERY\",\"Size\":24,"            \
	"\"Statement\":\"select id from items\",\"Time\":\"2025-03-01T09:00:07Z\"},\"Response\":{\"Host\":\"10.1.0.32\",\"Port\":3306,"            \
	"\"Proto\":\"MySQL\",\"Size\":412,\"Packet\":{\"Rows\":17},\"Time\":\"2025-03-01T09:00:07.0124Z\"},\"Duration\":\"12.4ms\""
#define ANSWERED ",\"Outcome\":\"answered\"}\n"

static void test_examples(void **state)
{
	struct toy t;
	toy_http_example(&t);
	assert_string_equal(text_of(&t, NULL), HTTP_EXAMPLE ANSWERED);
	toy_sql_example(&t);
	assert_string_equal(text_of(&t, NULL), MYSQL_EXAMPLE ANSWERED);
}

static const char *interface_name(void *arg, u16 ifindex)
{
	return ifindex == 7 ? arg : NULL;
}

static void test_additions(void **state)
{
	struct toy t;
	static char interface[] = "eth\"0";
	struct json_options o = { interface_name, interface };
	toy_http_example(&t);
	t.rt.outcome = OUTCOME_ANSWERED;
	t.rt.error = STR("503");
	t.rt.first_byte = 45000000;
	t.rt.rtt = 310000;
	t.rt.retransmits = 2;
	t.rt.zero_windows = 1;
	t.rt.transfer = 1500;
	t.rt.partial = true;
	t.conn.id = 42;
	t.conn.ifindex = 7;
	t.conn.vlan = 100;
	t.conn.tunnel = TUNNEL_VXLAN;
	t.conn.tunnel_id = 42;
	t.http[0].m.has_trace = 1;
	memcpy(t.http[0].m.trace, "\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36\x00\xf0\x67\xaa\x0b\xa9\x02\xb7\x01", 25);
	assert_string_equal(text_of(&t, &o),
			    HTTP_EXAMPLE ",\"Outcome\":\"answered\",\"Error\":\"503\",\"FirstByte\":\"45ms\","
					 "\"Network\":{\"RTT\":\"310\xc2\xb5s\",\"Retransmits\":2,\"ZeroWindow\":1,\"Transfer\":\"1.5\xc2\xb5s\"},"
					 "\"Connection\":\"42\",\"Partial\":true,"
					 "\"Trace\":{\"TraceID\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"ParentID\":\"00f067aa0ba902b7\",\"Sampled\":true},"
					 "\"Capture\":{\"Interface\":\"eth\\\"0\",\"VLAN\":100,\"Tunnel\":\"vxlan:42\"}}\n");
	/* only some of the members of an object */
	t.rt.error = (struct str){ 0 };
	t.rt.first_byte = t.rt.rtt = t.rt.zero_windows = t.rt.transfer = 0;
	t.rt.partial = false;
	t.conn.ifindex = 8;
	t.conn.vlan = 0;
	t.conn.tunnel = TUNNEL_IPIP;
	t.conn.tunnel_id = 0;
	t.http[0].m.has_trace = 0;
	t.http[1].m.has_trace = 1;
	memset(t.http[1].m.trace, 0xab, 16);
	assert_string_equal(text_of(&t, &o), HTTP_EXAMPLE ",\"Outcome\":\"answered\",\"Network\":{\"Retransmits\":2},\"Connection\":\"42\","
							  "\"Trace\":{\"TraceID\":\"abababababababababababababababab\"},"
							  "\"Capture\":{\"Tunnel\":\"ipip\"}}\n");
}

static void expect_part(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("%s\nis not in\n%s", part, text);
}

static void test_no_response(void **state)
{
	struct toy t;
	toy_sql_example(&t);
	t.rt.response = NULL;
	t.rt.outcome = OUTCOME_RESET;
	t.rt.error = STR("connection_reset");
	t.rt.duration = 0;
	expect_part(text_of(&t, NULL), ",\"Response\":null,\"Duration\":\"0s\",\"Outcome\":\"reset\",\"Error\":\"connection_reset\"}\n");
	for (int o = 0; o < OUTCOME_COUNT; o++) {
		t.rt.outcome = (enum outcome)o;
		assert_int_equal(outcome_find(str_from(outcome_name(t.rt.outcome))), o);
		expect_part(text_of(&t, NULL), outcome_name(t.rt.outcome));
	}
	assert_int_equal(outcome_find(STR("answer")), OUTCOME_COUNT);
	assert_int_equal(outcome_find(STR("")), OUTCOME_COUNT);
}

/* Objects: shapes choose their members; null or left out when there are none; a late row joins the object it belongs to. */
static void test_objects(void **state)
{
	struct toy t;
	toy_sql_example(&t);
	struct toy_sql *a = &t.sql[1];
	a->m.shape = TOY_ERROR;
	a->code = 1146;
	a->errmsg = STR("no such table");
	expect_part(text_of(&t, NULL), "\"Size\":412,\"Packet\":{\"Error\":{\"Code\":1146,\"Message\":\"no such table\"}},\"Time\"");
	a->m.shape = TOY_OK;
	a->number = 5;
	expect_part(text_of(&t, NULL), "\"Size\":412,\"Packet\":{\"AffectedRows\":0,\"Late\":5},\"Time\"");
	a->m.shape = 6;
	expect_part(text_of(&t, NULL), "\"Size\":412,\"Packet\":{\"Late\":5},\"Time\"");
	a->number = 0;
	expect_part(text_of(&t, NULL), "\"Size\":412,\"Packet\":null,\"Time\"");
	a->m.shape = 200;
	expect_part(text_of(&t, NULL), "\"Packet\":null");
	/* an object whose members all are left out, nothing declaring it */
	static const struct field rows[] = {
		{ .json = "A.B.C.D", .type = FIELD_U8, .shapes = 2, .meaning = "-" },
		{ .json = "E", .type = FIELD_CONST, .constant = "e", .meaning = "-" },
		{ .json = "F", .type = FIELD_OBJECT, .meaning = "-" },
		{ .json = "A.B.X", .type = FIELD_U8, .shapes = 4, .meaning = "-" },
		{ .json = "G", .type = FIELD_OBJECT, .shapes = 2, .meaning = "-" },
	};
	static const struct proto p = { .name = "p", .fields = rows, .fields_len = ARRAY_LEN(rows) };
	t.rt.proto = &p;
	expect_part(text_of(&t, NULL), "\"Request\":{\"E\":\"e\",\"F\":null},\"Response\":{}");
	t.sql[0].m.shape = 1;
	expect_part(text_of(&t, NULL), "\"Request\":{\"A\":{\"B\":{\"C\":{\"D\":0}}},\"E\":\"e\",\"F\":null,\"G\":null}");
	t.sql[0].m.shape = 2;
	expect_part(text_of(&t, NULL), "\"Request\":{\"A\":{\"B\":{\"X\":0}},\"E\":\"e\",\"F\":null}");
}

static void test_values(void **state)
{
	struct toy t;
	toy_sql_example(&t);
	t.sql[1].small = 255;
	t.sql[1].minus = -1;
	t.sql[1].big_minus = INT64_MIN;
	t.sql[1].ok = 0.5;
	expect_part(text_of(&t, NULL), "\"Small\":255,\"Minus\":-1,\"BigMinus\":-9223372036854775808,\"Ok\":0.5}");
	t.sql[0].m.size = UINT64_MAX;
	t.sql[0].command = NULL;
	expect_part(text_of(&t, NULL), "\"Command\":\"\",\"Size\":18446744073709551615,");
	toy_http_example(&t);
	t.list[0] = STR("a\n");
	t.list[1] = STR("");
	t.http[0].tags = (struct strs){ t.list, 2 };
	t.http[1].wait = 90250000000;
	t.http[1].chunked = true;
	expect_part(text_of(&t, NULL), "\"Tags\":[\"a\\n\",\"\"]}");
	expect_part(text_of(&t, NULL), "\"Chunked\":true,\"Time\":\"2025-03-01T09:00:03.535026103Z\",\"Wait\":\"1m30.25s\"}");
	/* the addresses of another connection, and the other way round */
	assert_true(ip_parse(STR("2001:db8::1"), &t.conn.addr[0]));
	expect_part(text_of(&t, NULL), "\"Request\":{\"Host\":\"2001:db8::1\",\"Port\":34418,");
	t.http[0].m.dir = DIR_B;
	t.http[1].m.dir = DIR_A;
	expect_part(text_of(&t, NULL), "\"Request\":{\"Host\":\"10.1.0.21\",\"Port\":80,");
	expect_part(text_of(&t, NULL), "\"Response\":{\"Host\":\"2001:db8::1\",\"Port\":34418,");
}

static const char *pairs_text(const struct pair *v, u32 n)
{
	line.len = 0;
	json_pairs(&line, &(struct pairs){ (struct pair *)(uintptr_t)v, n });
	assert_true(json_valid(line.data, line.len));
	return buf_cstr(&line);
}

static void test_pairs(void **state)
{
	static const struct pair v[] = {
		{ { "set-cookie", 10 }, { "b", 1 } }, { { "x-a", 3 }, { "1", 1 } },         { { "Set-Cookie", 10 }, { "a", 1 } }, { { "ETAG", 4 }, { "", 0 } },
		{ { "x-a-b", 5 }, { "2", 1 } },       { { "bad name", 8 }, { "\x00\xff", 2 } }, { { "", 0 }, { "e", 1 } },              { { "x&y", 3 }, { "&", 1 } },
		{ { "x-a-longer-one", 14 }, { "3", 1 } }, { { "x-a-longer-ona", 14 }, { "4", 1 } },
	};
	assert_string_equal(pairs_text(v, ARRAY_LEN(v)), "{\"\":[\"e\"],\"Etag\":[\"\"],\"Set-Cookie\":[\"b\",\"a\"],\"X\\u0026y\":[\"\\u0026\"],\"X-A\":[\"1\"],\"X-A-B\":[\"2\"],"
							 "\"X-A-Longer-Ona\":[\"4\"],\"X-A-Longer-One\":[\"3\"],\"bad name\":[\"\\u0000\\ufffd\"]}");
	assert_string_equal(pairs_text(NULL, 0), "{}");
}

/* Names are remembered from call to call, in few places: whatever was there before, the text is the same. */
static void test_remembered_names(void **state)
{
	char names[60][40], expected[60 * 60];
	struct pair v[60];
	for (int round = 0; round < 200; round++) {
		u32 n = (u32)round % 60 + 1;
		size_t len = 0;
		expected[len++] = '{';
		for (u32 i = 0; i < n; i++) { /* in order as they are, so that what is expected is easy to write */
			int width = 1 + (round + (int)i) % 30;
			snprintf(names[i], sizeof(names[i]), "K%02u-%0*d", i, width, round * 7 + (int)i);
			v[i] = (struct pair){ str_from(names[i]), STR("v") };
			len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%s\"%s\":[\"v\"]", i ? "," : "", names[i]);
		}
		snprintf(expected + len, sizeof(expected) - len, "}");
		assert_string_equal(pairs_text(v, n), expected);
		for (u32 i = 0; i < n; i++)
			names[i][0] = 'k';
		assert_string_equal(pairs_text(v, n), expected);
		assert_string_equal(pairs_text(v, n), expected);
	}
}

/* The wide way through a name agrees with what Go does, letter by letter. */
static void test_canonical(void **state)
{
	static const char letters[] = "aZ-bY9-cX_~\x80 -";
	u64 seed = 21;
	char name[40], to[40], expected[40];
	for (int i = 0; i < 200000; i++) {
		size_t n = (size_t)i % sizeof(name);
		unsigned kinds = i % 3 ? 9 : sizeof(letters) - 1;
		bool upper = true, valid = true;
		for (size_t k = 0; k < n; k++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			name[k] = letters[(seed >> 40) % kinds];
			bool letter = (name[k] | 32) >= 'a' && (name[k] | 32) <= 'z' && name[k] > 0;
			expected[k] = !letter ? name[k] : (char)(upper ? name[k] & ~32 : name[k] | 32);
			valid = valid && name[k] != ' ' && name[k] > 0 && name[k] != 127;
			upper = name[k] == '-';
		}
		header_canonical(to, name, n);
		if (memcmp(to, valid ? expected : name, n) != 0)
			fail_msg("%.*s became %.*s", (int)n, name, (int)n, to);
	}
}

/* Thousands of header lines, in the worst order, with many repeated names: sorted, grouped, in order. */
static void test_many_pairs(void **state)
{
	enum { N = 20000 };
	struct pair *v = calloc(N, sizeof(*v));
	char *names = malloc(N * 8);
	assert_true(v && names);
	for (int i = 0; i < N; i++) {
		snprintf(names + i * 8, 8, "K%05d", (N - i) / 2);
		v[i] = (struct pair){ str_make(names + i * 8, 6), str_make(names + i * 8 + 1, 5) };
	}
	const char *text = pairs_text(v, N);
	static const char first[] = "{\"K00000\":[\"00000\"],\"K00001\":[\"00001\",\"00001\"],";
	assert_memory_equal(text, first, sizeof(first) - 1);
	const char *before = strstr(text, "\"K");
	for (const char *at; (at = strstr(before + 1, "\"K")); before = at)
		assert_true(memcmp(before, at, 7) < 0);
	assert_memory_equal(before, "\"K10000\":[\"10000\"]}", 18);
	free(v);
	free(names);
}

static u64 next_random(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static struct str random_str(char *bytes, u64 *seed)
{
	return str_make(bytes + next_random(seed) % 200, next_random(seed) % 60);
}

/* Any bytes in any text: one valid line (text_of checks). */
static void test_random(void **state)
{
	u64 seed = 7;
	struct toy t;
	char bytes[300];
	toy_http_example(&t);
	for (int i = 0; i < 5000; i++) {
		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (char)(next_random(&seed) >> 13);
		struct toy_http *q = &t.http[0], *a = &t.http[1];
		struct str *all[] = { &q->method, &q->path, &q->url, &q->scheme, &q->remote_host, &a->status, &a->proto, &a->body, &t.rt.error };
		for (size_t k = 0; k < ARRAY_LEN(all); k++)
			*all[k] = random_str(bytes, &seed);
		for (int k = 0; k < 8; k++)
			t.pairs[0][k] = (struct pair){ random_str(bytes, &seed), random_str(bytes, &seed) };
		q->header = (struct pairs){ t.pairs[0], (u32)(i % 9) };
		q->m.time = next_random(&seed);
		t.rt.duration = next_random(&seed);
		for (int k = 0; k < 16; k++)
			t.conn.addr[0].b[k] = (u8)next_random(&seed);
		a->m.shape = (u8)i;
		text_of(&t, NULL);
	}
}

static void test_full(void **state)
{
	struct toy t;
	toy_http_example(&t);
	struct buf whole = { 0 };
	roundtrip_json(&whole, &t.rt, NULL);
	for (size_t max = 0; max < whole.len; max++) {
		struct buf b = { .max = max + 8 };
		buf_adds(&b, "before:\n");
		roundtrip_json(&b, &t.rt, NULL);
		assert_true(b.failed);
		assert_int_equal(b.len, 8);
		buf_done(&b);
	}
	buf_done(&whole);
}

static void test_wrong_tables(void **state)
{
	static const struct field deep[] = { { .json = "A.B.C.D.E.F.G.H.I", .type = FIELD_U8 } };
	static const struct field custom[] = { { .json = "A", .type = FIELD_CUSTOM } };
	static const struct field nameless[] = { { .json = "A..B", .type = FIELD_U8 } };
	const struct field *const tables[] = { deep, custom, nameless };
	struct toy t;
	toy_http_example(&t);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		const struct proto p = { .name = "wrong", .fields = tables[i], .fields_len = 1 };
		assert_false(roundtrip_json_prepare(&p));
		t.rt.proto = &p;
		expect_part(text_of(&t, NULL), "{\"Proto\":\"wrong\",\"Request\":{},\"Response\":{},");
	}
	for (size_t i = 0; toy_protos[i]; i++)
		assert_true(roundtrip_json_prepare(toy_protos[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples), cmocka_unit_test(test_additions),  cmocka_unit_test(test_no_response), cmocka_unit_test(test_objects),
		cmocka_unit_test(test_values),   cmocka_unit_test(test_pairs),      cmocka_unit_test(test_many_pairs),  cmocka_unit_test(test_random),
		cmocka_unit_test(test_full),    cmocka_unit_test(test_canonical),     cmocka_unit_test(test_wrong_tables),
		cmocka_unit_test(test_remembered_names),
	};
	setenv("TZ", "UTC", 1);
	tzset();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	buf_done(&line);
	return failed;
}
