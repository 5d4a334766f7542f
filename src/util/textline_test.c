/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "util/json.h"
#include "util/textline.h"

static struct buf out;

static const char *clean(struct str s, unsigned columns, unsigned expected)
{
	struct guarded g = guarded_copy(s.p, s.n);
	out.len = 0;
	unsigned used = text_clean(&out, str_make(g.p, g.n), columns);
	if (used != expected)
		fail_msg("%s: %u columns, expected %u", buf_cstr(&out), used, expected);
	if (columns == TEXT_WHOLE)
		assert_int_equal(text_width(str_make(g.p, g.n)), used);
	guarded_free(&g);
	return buf_cstr(&out);
}

#define CLEAN(text, columns, expected, used) assert_string_equal(clean(STR(text), columns, used), expected)

static void test_clean(void **state)
{
	CLEAN("", TEXT_WHOLE, "", 0);
	CLEAN("GET /items", TEXT_WHOLE, "GET /items", 10);
	CLEAN("a\nb\r\t", TEXT_WHOLE, "a\\nb\\r\\t", 8);
	CLEAN("\x1b[31mred\x00\x7f", TEXT_WHOLE, "\\x1b[31mred\\x00\\x7f", 19);
	CLEAN("\xff\xc3(", TEXT_WHOLE, "\\xff\\xc3(", 9);
	CLEAN("\xc2\x9b" "31m", TEXT_WHOLE, "\\u009b31m", 9); /* CSI as one character */
	CLEAN("\xe2\x80\xae" "abc", TEXT_WHOLE, "\\u202eabc", 9); /* right-to-left override */
	CLEAN("\xe2\x80\xa8", TEXT_WHOLE, "\\u2028", 6);
	CLEAN("\xf3\xa0\x80\x81", TEXT_WHOLE, "\\u0e0001", 8);
	CLEAN("caf\xc3\xa9", TEXT_WHOLE, "caf\xc3\xa9", 4);
	CLEAN("e\xcc\x81", TEXT_WHOLE, "e\xcc\x81", 1);
	CLEAN("\xe6\x97\xa5\xe6\x9c\xac", TEXT_WHOLE, "\xe6\x97\xa5\xe6\x9c\xac", 4);
	CLEAN("\xf0\x9f\x98\x80", TEXT_WHOLE, "\xf0\x9f\x98\x80", 2);
	CLEAN("\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80", TEXT_WHOLE, "\\xc0\\x80\\ud800\\xf4\\x90\\x80\\x80", 30);
}

static void test_cut(void **state)
{
	CLEAN("abcdef", 6, "abcdef", 6);
	CLEAN("abcdef", 5, "abcd\xe2\x80\xa6", 5);
	CLEAN("abcdef", 1, "\xe2\x80\xa6", 1);
	CLEAN("abcdef", 0, "", 0);
	CLEAN("ab\n", 3, "ab\xe2\x80\xa6", 3);
	CLEAN("ab\n", 4, "ab\\n", 4);
	CLEAN("\xe6\x97\xa5\xe6\x9c\xac", 4, "\xe6\x97\xa5\xe6\x9c\xac", 4);
	CLEAN("\xe6\x97\xa5\xe6\x9c\xac", 3, "\xe6\x97\xa5\xe2\x80\xa6", 3);
	CLEAN("\xe6\x97\xa5\xe6\x9c\xac", 2, "\xe2\x80\xa6", 1);
	CLEAN("ae\xcc\x81" "b", 2, "a\xe2\x80\xa6", 2);
}

/* Whatever the bytes: never more columns than allowed, valid UTF-8, no control character. */
static void test_random(void **state)
{
	u64 seed = 3;
	char text[64];
	struct buf json = { 0 };
	for (int i = 0; i < 20000; i++) {
		for (size_t k = 0; k < sizeof(text); k++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			text[k] = (char)(seed >> 56);
		}
		unsigned columns = (unsigned)i % 70;
		out.len = json.len = 0;
		unsigned used = text_clean(&out, str_make(text, (size_t)i % sizeof(text)), columns);
		assert_true(used <= columns);
		assert_int_equal(text_width(str_make(out.data, out.len)), used);
		json_str(&json, str_make(out.data, out.len));
		assert_null(memmem(json.data, json.len, "ufffd", 5));
		for (size_t k = 0; k < out.len; k++)
			assert_true((unsigned char)out.data[k] >= ' ' && out.data[k] != 0x7f);
	}
	buf_done(&json);
}

static void test_caret(void **state)
{
	out.len = 0;
	text_caret(&out, STR("http.staus >= 500"), 0, 10);
	assert_string_equal(buf_cstr(&out), "\n  http.staus >= 500\n  ^^^^^^^^^^\n");
	out.len = 0;
	text_caret(&out, STR("\xc3\xa9 and"), 6, 0);
	assert_string_equal(buf_cstr(&out), "\n  \xc3\xa9 and\n       ^\n");
	char text[1000];
	memset(text, 'a', sizeof(text));
	text[900] = 'X';
	for (u32 at = 0; at <= sizeof(text); at += 100) {
		out.len = 0;
		text_caret(&out, str_make(text, sizeof(text)), at, 1);
		const char *first = strchr(buf_cstr(&out) + 1, '\n');
		const char *caret = strchr(first, '^'), *marked = buf_cstr(&out) + 1 + (caret - first - 1);
		assert_true(text_width(str_make(out.data + 3, (size_t)(first - out.data - 3))) < 80);
		if (at == 900)
			assert_int_equal(marked[2], 'X'); /* behind the bytes of the … before it */
	}
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_clean), cmocka_unit_test(test_cut), cmocka_unit_test(test_random), cmocka_unit_test(test_caret) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
