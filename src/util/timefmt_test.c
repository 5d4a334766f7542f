/* Times and durations as text, exactly. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <pthread.h>
#include <time.h>

#include "util/timefmt.h"

#define US "\xc2\xb5s"

typedef void format_fn(struct buf *b, u64 v);

struct sample {
	u64 v;
	const char *text;
};

static void check(format_fn *format, const struct sample *samples, size_t n)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < n; i++) {
		b.len = 0;
		format(&b, samples[i].v);
		assert_string_equal(buf_cstr(&b), samples[i].text);
	}
	buf_done(&b);
}

#define CHECK(format, ...)                                     \
	do {                                                   \
		static const struct sample s[] = { __VA_ARGS__ }; \
		check(format, s, ARRAY_LEN(s));                \
	} while (0)

static void test_duration_go(void **state)
{
	CHECK(duration_go, { 0, "0s" }, { 1, "1ns" }, { 750, "750ns" }, { 1000, "1" US }, { 82343, "82.343" US }, { 700000, "700" US },
	      { 999999, "999.999" US }, { 1000000, "1ms" }, { 1508568, "1.508568ms" }, { 11300000, "11.3ms" }, { 47462255, "47.462255ms" },
	      { 999999999, "999.999999ms" }, { 1000000000, "1s" }, { 1500000000, "1.5s" }, { 90250000000, "1m30.25s" }, { 60000000000, "1m0s" },
	      { 7204000000000, "2h0m4s" }, { 3600000000001, "1h0m0.000000001s" }, { 9223372036854775807, "2562047h47m16.854775807s" });
}

static void test_duration_short(void **state)
{
	CHECK(duration_short, { 0, "0" }, { 750, "750ns" }, { 1000, "1.00" US }, { 82343, "82.3" US }, { 9996, "10.0" US }, { 99960, "100" US },
	      { 999499, "999" US }, { 999500, "1.00ms" }, { 1508568, "1.51ms" }, { 999999999, "1.00s" }, { 12440000000, "12.4s" },
	      { 59940000000, "59.9s" }, { 59960000000, "1m00s" }, { 200000000000, "3m20s" }, { 3599700000000, "1h00m" },
	      { 7440000000000, "2h04m" }, { 273600000000000, "3d04h" });
}

static void test_bytes_short(void **state)
{
	CHECK(bytes_short, { 0, "0" }, { 812, "812" }, { 1023, "1023" }, { 1024, "1.0k" }, { 1229, "1.2k" }, { 10188, "9.9k" }, { 10230, "10k" },
	      { 34 * MIB, "34M" }, { 1023 * KIB, "1.0M" }, { MIB, "1.0M" }, { UINT64_MAX, "16E" });
}

static void test_duration_parse(void **state)
{
	static const struct sample good[] = {
		{ 500000000, "500ms" }, { 15000000000, "15s" }, { 5400000000000, "1h30m" }, { 500000000, "0.5s" }, { 2000000000, "2" }, { 2500000000, "2.5" },
		{ 0, "0" }, { 82343, "82.343" US }, { 82343, "82.343\xce\xbcs" }, { 1500, "1.5us" }, { 7, "7ns" }, { 172800000000000, "2d" }, { 90250000000, "1m30.25s" },
		{ 1800000000000, ".5h" }, { 1000000001, "1.000000001" }, { 3599999996400, "0.999999999h" },
	};
	static const char *const bad[] = { "", "s", "x", "1x", "-1s", "1h30", "1 s", "1..5s", ".", "1.s.", "18446744073709551616ns", "99999999999h", "300000000000", "ms", "1e3s" };
	u64 ns;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(duration_parse(str_from(good[i].text), &ns));
		assert_int_equal(ns, good[i].v);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (duration_parse(str_from(bad[i]), &ns))
			fail_msg("taken for a duration: %s", bad[i]);
	/* what is printed reads back as the same */
	struct buf b = { 0 };
	for (u64 v = 1; v < UINT64_MAX / 7; v = v * 7 + 3) {
		b.len = 0;
		duration_go(&b, v);
		assert_true(duration_parse(str_make(b.data, b.len), &ns));
		assert_int_equal(ns, v);
	}
	buf_done(&b);
}

static void test_time_parse(void **state)
{
	static const struct sample good[] = {
		{ 1740819600250000000, "2025-03-01T09:00:00.25Z" }, { 1740819600000000000, "2025-03-01T17:00:00+08:00" }, { 1740819600000000000, "2025-03-01 04:30-04:30" },
		{ 1740787200000000000, "2025-03-01" }, { 1740819600000000000, "2025-03-01T09:00" }, { 1740819601000000000, "2025-03-01t09:00:01z" },
		{ 951782400000000000, "2000-02-29" }, { 1740819600123456789, "2025-03-01T09:00:00.1234567899Z" }, { 0, "1970-01-01" },
	};
	static const char *const bad[] = { "", "2025", "2025-03", "2025-13-01", "2025-00-01", "2025-02-31", "2025-03-01T", "2025-03-01T24:00", "2025-03-01T09", "2025-03-01T09:00:00.Z",
					   "2025-03-01T09:00:00Zx", "2025-03-01T09:00:00+8", "1969-12-31", "2025-3-1", "x", "2025-03-01T09:00:60Z", "2025-02-29" };
	u64 ns;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(time_parse(str_from(good[i].text), &ns));
		assert_int_equal(ns, good[i].v);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (time_parse(str_from(bad[i]), &ns))
			fail_msg("taken for a time: %s", bad[i]);
}

/* Each zone in a thread of its own: the cache of the second and of the offset is the thread's. */
struct zone_case {
	const char *tz;
	const struct sample *samples;
	size_t n;
	bool failed;
	char got[64];
};

static void *run_zone(void *arg)
{
	struct zone_case *z = arg;
	struct buf b = { 0 };
	for (size_t i = 0; i < z->n && !z->failed; i++) {
		b.len = 0;
		time_rfc3339(&b, z->samples[i].v);
		z->failed = strcmp(buf_cstr(&b), z->samples[i].text) != 0;
		if (z->failed)
			strncpy(z->got, buf_cstr(&b), sizeof(z->got) - 1);
	}
	buf_done(&b);
	return NULL;
}

static void check_zone(const char *tz, const struct sample *samples, size_t n)
{
	struct zone_case z = { tz, samples, n, false, "" };
	setenv("TZ", tz, 1);
	tzset();
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, run_zone, &z), 0);
	pthread_join(thread, NULL);
	if (z.failed)
		fail_msg("zone %s: %s", tz, z.got);
}

#define ZONE(tz, ...)                                          \
	do {                                                   \
		static const struct sample s[] = { __VA_ARGS__ }; \
		check_zone(tz, s, ARRAY_LEN(s));               \
	} while (0)

static void test_rfc3339(void **state)
{
	ZONE("UTC", { 0, "1970-01-01T00:00:00Z" }, { 1740819600250000000, "2025-03-01T09:00:00.25Z" }, { 1740819600000000000, "2025-03-01T09:00:00Z" },
	     { 1740819603487563848, "2025-03-01T09:00:03.487563848Z" }, { 1740819601100200000, "2025-03-01T09:00:01.1002Z" },
	     { 1740819600000000001, "2025-03-01T09:00:00.000000001Z" }, { 951782400000000000, "2000-02-29T00:00:00Z" }, { 951868799999999999, "2000-02-29T23:59:59.999999999Z" },
	     { 4107542399000000000, "2100-02-28T23:59:59Z" }, { 4107542400000000000, "2100-03-01T00:00:00Z" }, { UINT64_MAX, "2554-07-21T23:34:33.709551615Z" });
	ZONE("CST-8", { 1740819600250000000, "2025-03-01T17:00:00.25+08:00" }, { 0, "1970-01-01T08:00:00+08:00" });
	ZONE("<-0430>4:30", { 0, "1969-12-31T19:30:00-04:30" }, { 1740819600250000000, "2025-03-01T04:30:00.25-04:30" });
	/* both sides of a change to summer time and back */
	ZONE("EST5EDT,M3.2.0,M11.1.0", { 1741503599000000000, "2025-03-09T01:59:59-05:00" }, { 1741503600000000000, "2025-03-09T03:00:00-04:00" },
	     { 1762063199000000000, "2025-11-02T01:59:59-04:00" }, { 1762063200000000000, "2025-11-02T01:00:00-05:00" }, { 1741503599500000000, "2025-03-09T01:59:59.5-05:00" });
	/* a change in the middle of a quarter of an hour */
	ZONE("AAA0BBB,J60/2:07:30,J300", { 1740794849000000000, "2025-03-01T02:07:29Z" }, { 1740794850000000000, "2025-03-01T03:07:30+01:00" },
	     { 1740794849000000000, "2025-03-01T02:07:29Z" });
}

/* Every day of a few centuries, against the C library. */
static void test_calendar(void **state)
{
	setenv("TZ", "UTC", 1);
	tzset();
	struct buf b = { 0 };
	char expected[64];
	for (u64 day = 0; day < 213000; day += 1) {
		time_t t = (time_t)(day * 86400 + day % 86400);
		struct tm tm;
		gmtime_r(&t, &tm);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", &tm);
		b.len = 0;
		time_rfc3339(&b, (u64)t * NS_PER_SEC);
		assert_string_equal(buf_cstr(&b), expected);
	}
	b.len = 0;
	time_clock(&b, 1740819603087563848);
	assert_string_equal(buf_cstr(&b), "09:00:03.087");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calendar),    cmocka_unit_test(test_duration_go),    cmocka_unit_test(test_duration_short),
		cmocka_unit_test(test_time_parse),  cmocka_unit_test(test_bytes_short), cmocka_unit_test(test_duration_parse), cmocka_unit_test(test_rfc3339),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
