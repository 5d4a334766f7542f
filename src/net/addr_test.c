/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <arpa/inet.h>

#include "net/net.h"

static void check_text(const char *in, const char *want)
{
	struct ip_addr a;
	char out[47];
	assert_true(ip_parse(str_from(in), &a));
	size_t n = ip_format(&a, out);
	assert_in_range(n, 1, 45);
	out[n] = 0;
	assert_string_equal(out, want);
	struct ip_addr again;
	assert_true(ip_parse(str_make(out, n), &again));
	assert_memory_equal(&a, &again, sizeof(a));
}

static void test_round_trip(void **state)
{
	static const char *const pairs[][2] = {
		{ "0.0.0.0", "0.0.0.0" },
		{ "10.0.0.1", "10.0.0.1" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "100.20.3.99", "100.20.3.99" },
		{ "::ffff:192.0.2.7", "192.0.2.7" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" }, /* one zero group stays */
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },           /* the longest run */
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },     /* the first of equals */
		{ "0:0:1:2:3:4:5:6", "::1:2:3:4:5:6" },
		{ "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ "fe80::0f0:10:a", "fe80::f0:10:a" },
		{ "::1.2.3.4", "::102:304" }, /* not mapped: an IPv6 address like others */
	};
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		check_text(pairs[i][0], pairs[i][1]);
}

/* Every pattern of zero groups against the C library, which differs for ::/96 only. */
static void test_like_libc(void **state)
{
	for (unsigned bits = 0; bits < 256; bits++) {
		struct ip_addr a = { { 0 } };
		char out[47], want[INET6_ADDRSTRLEN];
		for (unsigned i = 0; i < 8; i++)
			if (bits >> i & 1)
				a.b[2 * i + 1] = (u8)(i + 1);
		if ((bits & 0x3f) == 0)
			continue;
		out[ip_format(&a, out)] = 0;
		assert_non_null(inet_ntop(AF_INET6, a.b, want, sizeof(want)));
		assert_string_equal(out, want);
	}
}

static void test_rejects(void **state)
{
	static const char *const bad[] = { "", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4", "a.b.c.d", ":", ":::", "1::2::3",
					   "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::", "::1%eth0", "[::1]",
					   "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc" };
	struct ip_addr a;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(ip_parse(str_from(bad[i]), &a));
	assert_false(ip_parse(str_make("1.2.3.4\0", 8), &a));
	assert_true(ip_parse(str_make("1.2.3.45", 7), &a)); /* the length counts, not a terminator */
	assert_int_equal(a.b[15], 4);
	assert_true(ip_is_v4(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_like_libc),
		cmocka_unit_test(test_rejects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
