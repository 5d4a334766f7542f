/* Which interfaces a text means, what is said about unknown ones, and names by index. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "capture/iface.h"

static bool matches(const char *text, const char *name)
{
	struct iface_match *m;
	char error[256];
	if (iface_match_new(text, &m, error) < 0)
		fail_msg("%s: %s", text, error);
	bool r = iface_match_name(m, name);
	iface_match_free(m);
	return r;
}

static void test_match(void **state)
{
	static const struct {
		const char *text, *yes, *no;
	} cases[] = {
		{ NULL, "eth0", NULL },
		{ "", "eth0", NULL },
		{ "any", "eth0", NULL },
		{ "lo,any", "eth0", NULL },
		{ "eth0", "eth0", "eth01" },
		{ "eth0, lo", "lo", "eth1" },
		{ "eth0.100", "eth0.100", "eth0x100" }, /* a name, although a dot means something in expressions */
		{ "eth.*", "eth0", "veth0" },            /* anchored */
		{ "^lo$", "lo", "lo1" },
		{ "veth.{1,3}", "vethabc", "vethabcd" }, /* the comma belongs to the expression */
		{ "lo,veth[a,b]+,br(0,|1)", "veth,", "vethc" },
		{ "lo|eth.", "eth1", "eth10" },
		{ "en(p|o).*,wl.+", "wlan0", "wl" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (!matches(cases[i].text, cases[i].yes))
			fail_msg("%s does not match %s", cases[i].text, cases[i].yes);
		if (cases[i].no && matches(cases[i].text, cases[i].no))
			fail_msg("%s matches %s", cases[i].text, cases[i].no);
	}
}

static void bad(const char *text, const char *says)
{
	struct iface_match *m;
	char error[256] = "";
	assert_int_equal(iface_match_new(text, &m, error), -EINVAL);
	if (!strstr(error, says))
		fail_msg("%s: %s", text, error);
}

static void test_bad(void **state)
{
	char many[1024] = "a", lengthy[8192] = "";
	for (int i = 0; i < 70; i++)
		memcpy(many + 1 + 2 * i, ",b", 3);
	memset(lengthy, '(', 5000);
	bad("eth[", "bad regular expression 'eth['");
	bad("lo,eth(", "bad regular expression 'eth('");
	bad(many, "more than 64");
	bad("an-interface-with-a-very-long-name", "too long");
	bad(lengthy, "bad regular expression");
}

static void test_check(void **state)
{
	static const struct iface list[] = { { 1, "lo", true, true }, { 2, "eth0", true, false }, { 3, "wlan0", false, false } };
	static const struct {
		const char *text;
		int r;
		const char *says;
	} cases[] = {
		{ "any", 0, "" },
		{ "eth0", 0, "" },
		{ "eth.*,nothing.*", 0, "" },
		{ "eht0", -ENODEV, "no such interface: eht0 (did you mean eth0?); there are: any, lo, eth0, wlan0" },
		{ "lo,zzzzzzz", -ENODEV, "no such interface: zzzzzzz; there are: any, lo, eth0, wlan0" },
		{ "veth.*", -EAGAIN, "no interface matches 'veth.*' yet" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct iface_match *m;
		char error[256] = "";
		assert_int_equal(iface_match_new(cases[i].text, &m, error), 0);
		assert_int_equal(iface_match_check(m, list, ARRAY_LEN(list), error), cases[i].r);
		if (!strstr(error, cases[i].says))
			fail_msg("%s: %s", cases[i].text, error);
		iface_match_free(m);
	}
}

static void test_list(void **state)
{
	struct iface *list;
	size_t n;
	bool loopback = false;
	assert_int_equal(iface_list(&list, &n), 0);
	for (size_t i = 0; i < n; i++) {
		assert_true(list[i].index > 0 && list[i].name[0]);
		assert_true(i == 0 || list[i - 1].index < list[i].index);
		assert_int_equal(if_nametoindex(list[i].name), list[i].index);
		loopback = loopback || list[i].loopback;
	}
	assert_true(loopback || n == 0);
	free(list);
}

static void test_names(void **state)
{
	struct iface_names *t = iface_names_new();
	struct iface *list;
	size_t n;
	assert_int_equal(iface_list(&list, &n), 0);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < n; i++)
			assert_string_equal(iface_names_get(t, iface_names_id(t, list[i].index)), list[i].name);
		iface_names_refresh(t);
	}
	assert_null(iface_names_get(t, 0));
	assert_null(iface_names_get(t, 54321));
	assert_int_equal(iface_names_id(t, 65535), 65535);
	/* Indices that do not fit get ids of their own, always the same, until there is no more room. */
	assert_int_equal(iface_names_id(t, 70000), 65535);
	assert_int_equal(iface_names_id(t, 70001), 65534);
	assert_int_equal(iface_names_id(t, 70257), 65533);
	assert_int_equal(iface_names_id(t, 70001), 65534);
	assert_int_equal(iface_names_id(t, 70000), 65535);
	for (u32 i = 0; i < 2 * IFACE_NAMES_MAX; i++)
		iface_names_id(t, 80000 + i);
	assert_int_equal(iface_names_id(t, 70001), 65534);
	assert_int_equal(iface_names_id(t, 1000000), 0);
	free(list);
	iface_names_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match), cmocka_unit_test(test_bad),   cmocka_unit_test(test_check),
		cmocka_unit_test(test_list),  cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
