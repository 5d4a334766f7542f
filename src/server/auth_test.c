/* Credentials that pass and those that do not; content codings. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <zlib.h>

#include "server/auth.h"
#include "server/compress.h"

static void test_none(void **state)
{
	struct config_auth a = { "", "", "" };
	assert_true(auth_passes(&a, NULL));
	assert_true(auth_passes(&a, "Basic nonsense"));
}

static void test_basic(void **state)
{
	struct config_auth a = { "ann", "s3:cret", "" };
	assert_true(auth_passes(&a, "Basic YW5uOnMzOmNyZXQ="));  /* ann:s3:cret */
	assert_true(auth_passes(&a, "basic YW5uOnMzOmNyZXQ"));
	assert_false(auth_passes(&a, "Basic YW5uOnMzOmNyZXR4"));  /* ann:s3:cretx */
	assert_false(auth_passes(&a, "Basic YW5uOnMzOmNyZQ==")); /* ann:s3:cre */
	assert_false(auth_passes(&a, "Basic YW46czM6Y3JldA=="));
	assert_false(auth_passes(&a, "Basic "));
	assert_false(auth_passes(&a, "Basic ////"));
	assert_false(auth_passes(&a, "Bearer s3:cret"));
	assert_false(auth_passes(&a, NULL));
	assert_non_null(strstr(auth_challenge(&a), "Basic"));
}

static void test_bearer(void **state)
{
	struct config_auth a = { "", "", "token-1" }, both = { "ann", "s3:cret", "token-1" };
	assert_true(auth_passes(&a, "Bearer token-1"));
	assert_false(auth_passes(&a, "Bearer token-"));
	assert_false(auth_passes(&a, "Bearer token-11"));
	assert_false(auth_passes(&a, "Bearer "));
	assert_false(auth_passes(&a, "Basic OnRva2VuLTE="));
	assert_true(auth_passes(&both, "Bearer token-1"));
	assert_true(auth_passes(&both, "Basic YW5uOnMzOmNyZXQ="));
}

static const char *coding(const char *accept, size_t n)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < n; i++)
		buf_addc(&b, "abcdefgh"[i % 7]);
	const char *c = compress_answer(&b, accept);
	assert_true(c ? b.len < n : b.len == n);
	buf_done(&b);
	return c ? c : "none";
}

static void test_compress(void **state)
{
	assert_string_equal(coding("gzip", 5000), "gzip");
	assert_string_equal(coding("deflate, gzip;q=0.5, br", 5000), "gzip");
	assert_string_equal(coding("gzip, zstd", 5000), "zstd");
	assert_string_equal(coding("zstd;q=0, gzip", 5000), "gzip");
	assert_string_equal(coding("gzip;q=0.000", 5000), "none");
	assert_string_equal(coding("xgzip, gzipx", 5000), "none");
	assert_string_equal(coding("identity", 5000), "none");
	assert_string_equal(coding("gzip", 100), "none");
	assert_string_equal(coding("", 5000), "none");
	assert_string_equal(coding(NULL, 5000), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_none), cmocka_unit_test(test_basic), cmocka_unit_test(test_bearer), cmocka_unit_test(test_compress) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
