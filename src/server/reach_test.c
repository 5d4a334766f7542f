/* Who may see traffic without credentials. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <arpa/inet.h>

#include "server/reach.h"

static bool passes(const char *peer, const char *host, const char *origin, const char *forwarded, bool known)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct reach r = { .host = host, .origin = origin, .forwarded = forwarded, .known = known };
	if (peer && inet_pton(AF_INET, peer, &v4.sin_addr) == 1)
		r.peer = (const struct sockaddr *)&v4;
	else if (peer && inet_pton(AF_INET6, peer, &v6.sin6_addr) == 1)
		r.peer = (const struct sockaddr *)&v6;
	return reach_refusal(&r) == NULL;
}

static void test_peers(void **state)
{
	assert_true(passes("127.0.0.1", "127.0.0.1:9091", NULL, NULL, false));
	assert_true(passes("127.8.9.10", NULL, NULL, NULL, false));
	assert_true(passes("::1", "[::1]:9091", NULL, NULL, false));
	assert_true(passes("::ffff:127.0.0.1", "localhost:9091", NULL, NULL, false));
	assert_false(passes("10.0.0.1", "127.0.0.1:9091", NULL, NULL, false));
	assert_false(passes("128.0.0.1", "127.0.0.1:9091", NULL, NULL, false));
	assert_false(passes("::ffff:10.0.0.1", "localhost", NULL, NULL, false));
	assert_false(passes("fe80::1", "localhost", NULL, NULL, false));
	assert_false(passes(NULL, "localhost", NULL, NULL, false));
	assert_true(passes("10.0.0.1", "monitor.example", NULL, "10.1.1.1", true));
	assert_true(passes(NULL, NULL, NULL, NULL, true));
}

/* A name of somebody else's that means this host. */
static void test_names(void **state)
{
	assert_false(passes("127.0.0.1", "evil.example:9091", NULL, NULL, false));
	assert_false(passes("127.0.0.1", "localhost.evil.example", NULL, NULL, false));
	assert_false(passes("127.0.0.1", "127.0.0.1.evil.example", NULL, NULL, false));
	assert_false(passes("127.0.0.1", "", NULL, NULL, false));
	assert_false(passes("127.0.0.1", "[", NULL, NULL, false));
	assert_false(passes("127.0.0.1", "[::1", NULL, "x", false));
	assert_false(passes("127.0.0.1", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, NULL, false));
	assert_true(passes("127.0.0.1", "LOCALHOST", NULL, NULL, false));
	assert_true(passes("127.0.0.1", "192.0.2.7:80", NULL, NULL, false));
}

static void test_pages_and_proxies(void **state)
{
	assert_true(passes("127.0.0.1", "127.0.0.1:9091", "http://127.0.0.1:9091", NULL, false));
	assert_false(passes("127.0.0.1", "127.0.0.1:9091", "http://127.0.0.1:8080", NULL, false));
	assert_false(passes("127.0.0.1", "127.0.0.1:9091", "null", NULL, false));
	assert_false(passes("127.0.0.1", NULL, "http://evil.example", NULL, false));
	assert_false(passes("10.0.0.1", "monitor.example", "https://evil.example", NULL, true));
	assert_true(passes("10.0.0.1", "monitor.example", "https://monitor.example", NULL, true));
	assert_false(passes("127.0.0.1", "127.0.0.1:9091", NULL, "203.0.113.7", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_pages_and_proxies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
