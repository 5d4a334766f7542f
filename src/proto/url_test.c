/* Request targets, and what is hidden in header values. */
#include "unit.h"

#include "proto/secrets.h"
#include "proto/url.h"

static struct arena_pool pool;
static struct arena arena;

static int set_up(void **state)
{
	arena_pool_init(&pool, 64 * KIB, MIB);
	arena_init(&arena, &pool);
	return 0;
}

static int tear_down(void **state)
{
	arena_reset(&arena);
	arena_pool_done(&pool);
	return 0;
}

#define CHECK(value, expected)                                                    \
	do {                                                                      \
		struct str v_ = value;                                            \
		assert_int_equal(v_.n, sizeof(expected) - 1);                     \
		assert_memory_equal(v_.n ? v_.p : "", expected, v_.n);            \
	} while (0)

#define CHECK_URL(target, connect, scheme_, authority_, path_, query_)            \
	do {                                                                      \
		struct url u_ = url_split(&arena, STR(target), connect);          \
		CHECK(u_.scheme, scheme_);                                        \
		CHECK(u_.authority, authority_);                                  \
		CHECK(u_.path, path_);                                            \
		CHECK(u_.query, query_);                                          \
	} while (0)

static void test_split(void **state)
{
	CHECK_URL("/", false, "", "", "/", "");
	CHECK_URL("/a?b?c", false, "", "", "/a", "b?c");
	CHECK_URL("/a?", false, "", "", "/a", "");
	CHECK_URL("/x?u=http://y/", false, "", "", "/x", "u=http://y/");
	CHECK_URL("http://h", false, "http", "h", "", "");
	CHECK_URL("https://h:1/p?q", false, "https", "h:1", "/p", "q");
	CHECK_URL("http://h?q", false, "http", "h", "", "q");
	CHECK_URL("ws+x://u:p@w@h/", false, "ws+x", "h", "/", "");
	CHECK_URL("http:/h", false, "", "", "http:/h", "");
	CHECK_URL("h:443", true, "", "h:443", "", "");
	CHECK_URL("u@[::1]:443", true, "", "[::1]:443", "", "");
	CHECK_URL("*", false, "", "", "", "");
	CHECK_URL("", false, "", "", "", "");
	CHECK_URL("?", false, "", "", "", "");
}

static void test_decode(void **state)
{
	CHECK(url_decode(&arena, STR("plain+x")), "plain+x");
	CHECK(url_decode(&arena, STR("%41%c3%A9")), "A\xc3\xa9");
	CHECK(url_decode(&arena, STR("a%00b")), "a\0b");
	CHECK(url_decode(&arena, STR("%")), "%");
	CHECK(url_decode(&arena, STR("%4")), "%4");
	CHECK(url_decode(&arena, STR("%4g%zz%%41")), "%4g%zz%A");
}

#define CHECK_ROUTE(path, expected) CHECK(url_route(&arena, STR(path)), expected)

static void test_route(void **state)
{
	CHECK_ROUTE("", "");
	CHECK_ROUTE("/", "/");
	CHECK_ROUTE("/items", "/items");
	CHECK_ROUTE("/items/", "/items/");
	CHECK_ROUTE("/items/42", "/items/{id}");
	CHECK_ROUTE("/items/42/", "/items/{id}/");
	CHECK_ROUTE("/v1/users/12-34/x", "/v1/users/{id}/x");
	CHECK_ROUTE("/o/6F9619FF-8B86-D011-B42D-00CF4FC964FF", "/o/{id}");
	CHECK_ROUTE("/c/deadbeef1/cafe", "/c/{id}/cafe");
	CHECK_ROUTE("/feedface", "/feedface");
	CHECK_ROUTE("/t/AbCdEfGhIjKlMnOpQrStUvW1", "/t/{id}");
	CHECK_ROUTE("/t/a-long-but-readable-article-title", "/t/a-long-but-readable-article-title");
	CHECK_ROUTE("/a/b/c/d/e/f/g/h/i/j", "/a/b/c/d/e/f/g/h/i/j");
	CHECK_ROUTE("/a/b/c/d/e/f/g/h/i/j/k/l", "/a/b/c/d/e/f/g/h/i/j/...");
	CHECK_ROUTE("no/slash/1", "no/slash/1");
	char path[1000];
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	assert_int_equal(url_route(&arena, str_make(path, sizeof(path))).n, 256);
}

static void test_secrets(void **state)
{
	CHECK(secret_credentials(&arena, STR("Basic dXNlcg==")), "Basic ***");
	CHECK(secret_credentials(&arena, STR("token")), "***");
	CHECK(secret_credentials(&arena, STR("")), "***");
	CHECK(secret_cookie(&arena, STR("a=1; b=2=3;c")), "a=***; b=***; ***");
	CHECK(secret_cookie(&arena, STR("a=1;")), "a=***; ***");
	CHECK(secret_cookie(&arena, STR("")), "***");
	CHECK(secret_set_cookie(&arena, STR("a=1; Path=/; x")), "a=***; Path=/; x");
	CHECK(secret_set_cookie(&arena, STR("a")), "***");
	CHECK(secret_url(&arena, STR("/a@b")), "/a@b");
	CHECK(secret_url(&arena, STR("http://h/a@b")), "http://h/a@b");
	CHECK(secret_url(&arena, STR("http://u:p@h/a@b")), "http://***@h/a@b");
	CHECK(secret_url(&arena, STR("http://u:p@q@h?x")), "http://***@h?x");
	CHECK(secret_url(&arena, STR("//u@h")), "//***@h");
	CHECK(secret_url(&arena, STR("mailto:a@b")), "mailto:a@b");
}

/* Without memory nothing is shown that should be hidden. */
static void test_no_memory(void **state)
{
	struct arena_pool none;
	struct arena a;
	arena_pool_init(&none, 0, 0);
	arena_init(&a, &none);
	CHECK(secret_credentials(&a, STR("Basic dXNlcg==")), "***");
	CHECK(secret_cookie(&a, STR("a=1")), "***");
	CHECK(secret_set_cookie(&a, STR("a=1")), "***");
	CHECK(secret_url(&a, STR("http://u:p@h/")), "***");
	CHECK(url_decode(&a, STR("%41")), "%41");
	arena_pool_done(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split), cmocka_unit_test(test_decode), cmocka_unit_test(test_route), cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
