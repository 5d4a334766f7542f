/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "util/base.h"
#include "util/suggest.h"

static const char *const known[] = { "watch", "agent", "config", "http", "http2", "dns", "redis", "response", "request", "roundtrips.file", "" };

static const char *near(const char *word)
{
	return suggest(word, known, ARRAY_LEN(known));
}

static void test_near(void **state)
{
	assert_string_equal(near("wacth"), "watch");
	assert_string_equal(near("WATCH"), "watch");
	assert_string_equal(near("htpp"), "http");
	assert_string_equal(near("hhttp2"), "http2");
	assert_string_equal(near("dsn"), "dns");
	assert_string_equal(near("reqest"), "request");
	assert_string_equal(near("roundtrips"), "roundtrips.file");
	assert_string_equal(near("conf"), "config");
}

static void test_far(void **state)
{
	assert_null(near("foo"));
	assert_null(near(""));
	assert_null(near("x"));
	assert_null(near("kubernetes"));
	assert_null(near("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	assert_null(suggest("watch", NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_near), cmocka_unit_test(test_far) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
