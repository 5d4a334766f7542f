/* The wire format, compression, statements: what the exporters' encoders stand on. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <zlib.h>

#include "export/attrs.h"
#include "export/compress.h"
#include "export/curl_library.h"
#include "export/http.h"
#include "export/pb.h"
#include "export/statement.h"
#include "export/symbols.h"

static void test_varints(void **state)
{
	const u64 values[] = { 0, 1, 127, 128, 300, 16383, 16384, UINT32_MAX, (u64)1 << 35, UINT64_MAX };
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct buf b = { 0 };
		struct pb_field f;
		pb_u64(&b, 5, values[i]);
		assert_int_equal(b.len, 1 + pb_varint_size(values[i]));
		struct guarded g = guarded_copy(b.data, b.len);
		struct str rest = str_make(g.p, g.n);
		assert_true(pb_next(&rest, &f));
		assert_int_equal(f.field, 5);
		assert_true(f.value == values[i]);
		assert_false(pb_next(&rest, &f));
		for (size_t cut = 0; cut < b.len; cut++) {
			struct guarded part = guarded_copy(b.data, cut);
			rest = str_make(part.p, cut);
			assert_false(pb_next(&rest, &f));
			guarded_free(&part);
		}
		guarded_free(&g);
		buf_done(&b);
	}
	assert_true(pb_zigzag(0) == 0 && pb_zigzag(-1) == 1 && pb_zigzag(1) == 2 && pb_zigzag(INT64_MIN) == UINT64_MAX);
}

/* Whatever length was guessed, what comes out is the same. */
static void test_lengths(void **state)
{
	static char filler[70000];
	const size_t sizes[] = { 0, 1, 127, 128, 129, 16383, 16384, 65536 };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct buf plain = { 0 };
		pb_bytes(&plain, 2, filler, sizes[i]);
		pb_u64(&plain, 3, 7);
		for (unsigned width = 1; width <= 3; width++) {
			struct buf b = { 0 };
			size_t mark = pb_begin(&b, 2, width);
			buf_add(&b, filler, sizes[i]);
			pb_end(&b, mark, width);
			pb_u64(&b, 3, 7);
			assert_int_equal(b.len, plain.len);
			assert_memory_equal(b.data, plain.data, b.len);
			buf_done(&b);
		}
		buf_done(&plain);
	}
}

static void expect_clean(const char *bytes, size_t n, const char *expected)
{
	struct buf scratch = { 0 };
	struct guarded g = guarded_copy(bytes, n);
	struct str s = pb_clean(str_make(g.p, n), &scratch);
	assert_int_equal(s.n, strlen(expected));
	assert_memory_equal(s.p, expected, s.n);
	guarded_free(&g);
	buf_done(&scratch);
}

static void test_utf8(void **state)
{
	expect_clean("plain", 5, "plain");
	expect_clean("\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x80", 9, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x80");
	expect_clean("a\xffz", 3, "a\xef\xbf\xbdz");
	expect_clean("\xc0\xaf", 2, "\xef\xbf\xbd\xef\xbf\xbd");
	expect_clean("\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate */
	expect_clean("\xf4\x90\x80\x80", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	expect_clean("x\xe2\x82", 3, "x\xef\xbf\xbd\xef\xbf\xbd");
}

static void test_long_strings_are_cut(void **state)
{
	static char text[3 * PB_STRING_MAX];
	struct buf scratch = { 0 };
	for (size_t i = 0; i + 2 < sizeof(text); i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	struct str s = pb_clean(str_make(text, sizeof(text)), &scratch);
	assert_true(s.n <= PB_STRING_MAX && s.n > PB_STRING_MAX - 3 && s.n % 3 == 0);
	assert_memory_equal(s.p, text, s.n);
	buf_done(&scratch);
}

static void test_compression(void **state)
{
	static char text[100000];
	enum compression c;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i * i % 7);
	struct str parts[2] = { { text, 10 }, { text + 10, sizeof(text) - 10 } };
	struct buf out = { 0 };
	assert_true(compress_parts(&out, COMPRESS_GZIP, parts, 2));
	static char back[200000];
	z_stream z = { .next_in = (Bytef *)out.data, .avail_in = (uInt)out.len, .next_out = (Bytef *)back, .avail_out = sizeof(back) };
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, sizeof(text));
	assert_memory_equal(back, text, sizeof(text));
	inflateEnd(&z);
	out.len = 0;
	assert_true(compress_parts(&out, COMPRESS_NONE, parts, 2));
	assert_int_equal(out.len, sizeof(text));
	out.len = 0;
	assert_true(compress_parts(&out, COMPRESS_SNAPPY, parts, 2) && out.len < sizeof(text));
	out.len = 0;
	assert_true(compress_parts(&out, COMPRESS_ZSTD, parts, 2) && out.len < sizeof(text));
	buf_done(&out);
	assert_true(compression_parse("", &c) && c == COMPRESS_NONE);
	assert_true(compression_parse("zstd", &c) && c == COMPRESS_ZSTD);
	assert_false(compression_parse("lzw", &c));
}

static void expect_safe(const char *proto, const char *statement, const char *expected)
{
	const struct proto p = { .name = proto };
	struct buf scratch = { 0 };
	struct guarded g = guarded_copy(statement, strlen(statement));
	struct str s = statement_safe(&scratch, &p, str_make(g.p, g.n));
	if (!str_eq(s, str_from(expected)))
		fail_msg("%s\nbecame %.*s\nnot    %s", statement, STR_ARG(s), expected);
	guarded_free(&g);
	buf_done(&scratch);
}

static void test_statements(void **state)
{
	expect_safe("mysql", "select id from t1 where name='bob' and age > 41.5e-3", "select id from t1 where name=? and age > ?");
	expect_safe("mysql", "insert into `t 1` values (\"it's\", 0xff, 'a''b', 'c\\'d', -7)", "insert into `t 1` values (?, ?, ?, ?, -?)");
	expect_safe("mysql", "select 1 -- don't\n, 'x'", "select ? \n, ?");
	expect_safe("mysql", "select /* it's */ 'secret' # that's all", "select  ? ");
	expect_safe("mysql", "select 'never closed", "select ?");
	expect_safe("postgresql", "select \"User\".id from \"User\" where name = E'a\\'b' and x = 'c\\' and y = 'd'", "select \"User\".id from \"User\" where name = E? and x = ? and y = ?");
	expect_safe("postgresql", "select $1, $tag$it's $ all$tag$, $$x$$, $2", "select $1, ?, ?, $2");
	expect_safe("postgresql", "select data #> '{a}' from t", "select data #> ? from t");
	expect_safe("postgresql", "select date'1\\', 'a', e'b\\'', 'c'", "select date?, ?, e?, ?");
	expect_safe("redis", "SET key value", "SET ? ?");
	expect_safe("redis", "EVAL \"return redis.call('GET', KEYS[1])\" 1 key", "EVAL ? ? ?");
	expect_safe("redis", "PING", "PING");
	expect_safe("mongodb", "{\"find\":\"users\",\"filter\":{\"name\" : \"bob\",\"age\":{\"$gt\":-41},\"in\":[\"a\",1]}}", "{\"find\":?,\"filter\":{\"name\" : ?,\"age\":{\"$gt\":?},\"in\":[?,?]}}");
	expect_safe("mysql", "", "");
}

static void test_messages(void **state)
{
	static const char *const said[][2] = {
		{ "Duplicate entry 'O'Brien' for key 'name'", "Duplicate entry ?" },
		{ "Table 'shop.items' doesn't exist", "Table ? doesn't exist" },
		{ "You can't do 'that'", "You can't do ?" },
		{ "invalid input syntax for type integer: \"bob\"", "invalid input syntax for type integer: ?" },
		{ "ung\xc3\xbcltig: \xc2\xbb" "bob\xc2\xab", "ung\xc3\xbcltig: ?" },
		{ "E11000 duplicate key error index: email_1 dup key: { email: \"bob\" }", "E11000 duplicate key error index: email_1 dup key: ?" },
		{ "near 'select 1 fro", "near ?" },
		{ "division by zero", "division by zero" },
		{ "'a' and `b` of \"c\".", "?." },
		{ "", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		struct buf scratch = { 0 };
		struct guarded g = guarded_copy(said[i][0], strlen(said[i][0]));
		struct str s = message_safe(&scratch, str_make(g.p, g.n));
		if (!str_eq(s, str_from(said[i][1])))
			fail_msg("%s\nbecame %.*s", said[i][0], STR_ARG(s));
		guarded_free(&g);
		buf_done(&scratch);
	}
}

static void test_secret_headers(void **state)
{
	const char *const secret[] = { "Authorization", "proxy-authorization", "Cookie", "SET-COOKIE", "X-Api-Key", "x-auth-token", "X-CSRF-Token", "X-Amz-Security-Token", "apikey" };
	const char *const open[] = { "Accept", "Host", "Content-Type", "X-Request-Id", "User-Agent", "Traceparent", "" };
	for (size_t i = 0; i < ARRAY_LEN(secret); i++)
		assert_true(header_is_secret(str_from(secret[i])));
	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		assert_false(header_is_secret(str_from(open[i])));
}

static void test_retry_after(void **state)
{
	const u64 now = 784111777ull * NS_PER_SEC; /* Sun, 06 Nov 1994 08:49:37 GMT */
	struct buf error = { 0 };
	assert_int_equal(library_load(&curl_library, &error), 0);
	assert_true(http_retry_after("120", now) == 120 * NS_PER_SEC);
	assert_true(http_retry_after(" 7 ", now) == 7 * NS_PER_SEC);
	assert_true(http_retry_after("0", now) == 0);
	assert_true(http_retry_after("999999999999999999999999", now) == 3600 * NS_PER_SEC);
	assert_true(http_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now) == 30 * NS_PER_SEC);
	assert_true(http_retry_after("Sun, 06 Nov 1994 08:49:07 GMT", now) == 0);
	assert_true(http_retry_after("Mon, 06 Nov 2034 08:49:07 GMT", now) == 3600 * NS_PER_SEC);
	assert_true(http_retry_after("soon", now) == 0 && http_retry_after("", now) == 0 && http_retry_after("-5", now) == 0);
}

static void test_symbols(void **state)
{
	struct symbols s = { 0 };
	char text[16];
	bool fresh;
	for (int round = 0; round < 2; round++) {
		symbols_reset(&s);
		for (u32 i = 0; i < 5000; i++) {
			int n = snprintf(text, sizeof(text), "%u", i);
			assert_int_equal(symbols_find(&s, str_make(text, i ? (size_t)n : 0), &fresh), i);
			assert_true(fresh);
		}
		for (u32 i = 0; i < 5000; i++) {
			int n = snprintf(text, sizeof(text), "%u", i);
			assert_int_equal(symbols_find(&s, str_make(text, i ? (size_t)n : 0), &fresh), i);
			assert_false(fresh);
		}
	}
	symbols_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_varints),    cmocka_unit_test(test_lengths),        cmocka_unit_test(test_utf8),        cmocka_unit_test(test_long_strings_are_cut), cmocka_unit_test(test_compression),
		cmocka_unit_test(test_statements), cmocka_unit_test(test_messages), cmocka_unit_test(test_secret_headers), cmocka_unit_test(test_retry_after), cmocka_unit_test(test_symbols),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
