/* Escaping and checking of JSON text, byte for byte. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "util/json.h"

static const char *escaped(struct buf *b, struct str s)
{
	b->len = 0;
	json_str(b, s);
	return buf_cstr(b);
}

#define CHECK_STR(bytes, expected) assert_string_equal(escaped(&b, STR(bytes)), "\"" expected "\"")

static void test_escapes(void **state)
{
	struct buf b = { 0 };
	CHECK_STR("", "");
	CHECK_STR("GET", "GET");
	CHECK_STR("a\"b\\c/d", "a\\\"b\\\\c/d");
	CHECK_STR("\n\r\t", "\\n\\r\\t");
	CHECK_STR("\x00\x01\b\f\x1f", "\\u0000\\u0001\\u0008\\u000c\\u001f");
	CHECK_STR("\x7f", "\x7f");
	CHECK_STR("/items?id=3&x=1", "/items?id=3\\u0026x=1");
	CHECK_STR("<script>", "\\u003cscript\\u003e");
	CHECK_STR("caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80");
	CHECK_STR("\xe2\x80\xa8|\xe2\x80\xa9|\xe2\x80\xaa", "\\u2028|\\u2029|\xe2\x80\xaa");
	buf_done(&b);
}

static void test_invalid_utf8(void **state)
{
	struct buf b = { 0 };
	CHECK_STR("a\xff" "b", "a\\ufffdb");
	CHECK_STR("\xc3", "\\ufffd");
	CHECK_STR("\xc3(", "\\ufffd(");
	CHECK_STR("\xc0\x80", "\\ufffd\\ufffd");             /* overlong NUL */
	CHECK_STR("\xe0\x80\xaf", "\\ufffd\\ufffd\\ufffd");     /* overlong */
	CHECK_STR("\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd");     /* surrogate */
	CHECK_STR("\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"); /* past U+10FFFF */
	CHECK_STR("\xe6\x97", "\\ufffd\\ufffd");
	CHECK_STR("\xed\x9f\xbf\xef\xbf\xbf\xf4\x8f\xbf\xbf", "\xed\x9f\xbf\xef\xbf\xbf\xf4\x8f\xbf\xbf");
	buf_done(&b);
}

/* One byte of every value at every place of strings of every short length: the wide scan misses none. */
static void test_every_byte_everywhere(void **state)
{
	struct buf b = { 0 }, expected = { 0 };
	char text[40];
	for (unsigned len = 1; len <= sizeof(text); len++)
		for (unsigned at = 0; at < len; at++)
			for (unsigned c = 0; c < 256; c++) {
				memset(text, 'a', len);
				text[at] = (char)c;
				expected.len = 0;
				buf_addf(&expected, "\"%.*s", (int)at, text);
				json_escaped(&expected, text + at, 1);
				buf_addf(&expected, "%.*s\"", (int)(len - at - 1), text + at + 1);
				b.len = 0;
				json_str(&b, str_make(text, len));
				assert_int_equal(b.len, expected.len);
				assert_memory_equal(b.data, expected.data, b.len);
			}
	buf_done(&b);
	buf_done(&expected);
}

static u64 next_random(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Whatever the bytes, the result is a valid JSON string. The source ends at an unreadable page. */
static void test_random_bytes(void **state)
{
	struct buf b = { 0 };
	u64 seed = 42;
	for (int i = 0; i < 20000; i++) {
		size_t n = next_random(&seed) % 100;
		u64 mask = i % 2 ? 0xff : 0x7f;
		char text[100];
		for (size_t k = 0; k < n; k++)
			text[k] = (char)(next_random(&seed) >> 20 & mask);
		struct guarded g = guarded_copy(text, n);
		b.len = 0;
		json_str(&b, str_make(g.p, n));
		assert_true(json_valid(b.data, b.len));
		assert_null(memchr(b.data, '\n', b.len));
		json_valid((const char *)g.p, n);
		guarded_free(&g);
	}
	buf_done(&b);
}

static void test_full_buffer(void **state)
{
	struct buf b = { .max = 300 };
	for (int i = 0; i < 100; i++)
		json_str(&b, STR("0123456789\x01\xff"));
	assert_true(b.failed);
	assert_true(b.len <= 300);
	buf_done(&b);
}

static bool valid(const char *text)
{
	return json_valid(text, strlen(text));
}

static void test_valid(void **state)
{
	static const char *const good[] = {
		"{}", "[]", "0", "-0", "12", "-1.5e+10", "1E5", "0.25", "\"\"", "true", "false", "null", " [ 1 , 2 ] \n", "{\"a\":{\"b\":[{},[],\"x\"]},\"c\":null}",
		"\"\\u00e9\\n\\\"\\/\"", "[[[[]]]]", "\"caf\xc3\xa9\"", "{\"a\":1,\"a\":2}",
	};
	static const char *const bad[] = {
		"", " ", "{", "}", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}", "01", "1.", ".5", "-", "+1", "1e", "1e+", "tru", "nulll", "true false", "\"",
		"\"\n\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u12", "\"\xff\"", "[1 2]", "[1}", "{\"a\":1]", "\"a\"b", "[]]", "{}{}", "'a'", "\"\\",
	};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(valid(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (valid(bad[i]))
			fail_msg("taken for valid: %s", bad[i]);
	assert_false(json_valid("\"a\0b\"", 5));
}

static void test_depth(void **state)
{
	char text[400];
	for (size_t depth = 127; depth <= 130; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		assert_int_equal(json_valid(text, 2 * depth), depth <= 128);
	}
	memset(text, '[', sizeof(text));
	assert_false(json_valid(text, sizeof(text)));
}

static void test_compact(void **state)
{
	struct buf b = { 0 };
	static const char text[] = " { \"a\" : [ 1 , \"x y\\n<\" , true ] ,\n \"b\" : { } , \"\xe2\x80\xa8&\" : \"\\u0026\" }\n";
	buf_adds(&b, "B:");
	assert_true(json_compact(&b, text, sizeof(text) - 1));
	assert_string_equal(buf_cstr(&b), "B:{\"a\":[1,\"x y\\n\\u003c\",true],\"b\":{},\"\\u2028\\u0026\":\"\\u0026\"}");
	size_t len = b.len;
	assert_false(json_compact(&b, "[1,2", 4));
	assert_int_equal(b.len, len);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escapes),      cmocka_unit_test(test_invalid_utf8), cmocka_unit_test(test_every_byte_everywhere),
		cmocka_unit_test(test_random_bytes), cmocka_unit_test(test_full_buffer),  cmocka_unit_test(test_valid),
		cmocka_unit_test(test_depth),        cmocka_unit_test(test_compact),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
