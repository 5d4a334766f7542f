/* The view for people. SPDX-License-Identifier: Apache-2.0 */
#include "toy.h"

#include <stdio.h>
#include <time.h>

#include "roundtrip/table.h"
#include "util/textline.h"

static struct buf out;

static const char *line_of(const struct toy *t, struct table *table)
{
	out.len = 0;
	roundtrip_table(&out, &t->rt, table);
	assert_true(out.len > 1 && out.data[out.len - 1] == '\n');
	assert_null(memchr(out.data, '\n', out.len - 1));
	out.len--;
	return buf_cstr(&out);
}

static void test_plain(void **state)
{
	struct toy t;
	struct table table;
	toy_http_example(&t);
	table_init(&table, false, false, 100);
	assert_string_equal(line_of(&t, &table), "09:00:03.487 http  10.1.0.7  \xe2\x86\x92 10.1.0.21:80  GET /items?id=3&x=1                   200 11B    47.5ms");
	assert_int_equal(text_width(str_make(out.data, out.len)), 100);
	table_init(&table, false, false, 72);
	assert_string_equal(line_of(&t, &table), "09:00:03.487 http  10.1.0\xe2\x80\xa6 \xe2\x86\x92 10.1.0.21:80  GET /items\xe2\x80\xa6  200 11B   47.5ms");
	table_init(&table, false, false, 0);
	assert_string_equal(line_of(&t, &table), "09:00:03.487 http  10.1.0.7  \xe2\x86\x92 10.1.0.21:80  GET /items?id=3&x=1  200 11B    47.5ms");
	t.conn.id = 12;
	t.rt.rtt = 310000;
	t.rt.first_byte = 45000000;
	table_init(&table, false, true, 60);
	assert_string_equal(line_of(&t, &table), "09:00:03.487 http  10.1.0.7:34418  \xe2\x86\x92 10.1.0.21:80     GET /items?id=3&x=1             200 11B        47.5ms  45.0ms   310\xc2\xb5s             12");
	toy_sql_example(&t); /* without a description; the columns stay where they were */
	t.rt.response = NULL;
	t.rt.outcome = OUTCOME_RESET;
	t.rt.error = STR("connection_reset");
	assert_string_equal(line_of(&t, &table), "09:00:07.000 mysql 10.1.0.7:32872  \xe2\x86\x92 10.1.0.32:3306                                   reset connection_reset   12.4ms                              0");
}

static void expect(const struct toy *t, struct table *table, const char *part)
{
	const char *text = line_of(t, table);
	if (!strstr(text, part))
		fail_msg("%s\nis not in\n%s", part, text);
}

static void test_notes(void **state)
{
	struct toy t;
	struct table table;
	toy_http_example(&t);
	table_init(&table, false, false, 160);
	t.rt.duration = 1200 * NS_PER_MS;
	t.rt.first_byte = 1100 * NS_PER_MS;
	t.rt.transfer = 50 * NS_PER_MS;
	expect(&t, &table, "    1.20s  server 1.10s");
	t.rt.transfer = 1150 * NS_PER_MS;
	t.rt.first_byte = 1000;
	expect(&t, &table, "  transfer 1.15s");
	t.rt.retransmits = 3;
	expect(&t, &table, "  network 1.15s, resent 3");
	t.rt.zero_windows = 2;
	expect(&t, &table, "  client not reading 1.15s, resent 3, window closed 2x");
	t.conn.half[t.rt.request->dir ^ 1].zero_windows = 2; /* it reads what a client sends in the middle of an answer */
	expect(&t, &table, "  server not reading 1.15s, resent 3, window closed 2x");
	t.rt.transfer = 100 * NS_PER_MS;
	t.rt.retransmits = t.rt.zero_windows = 0;
	t.rt.partial = true;
	expect(&t, &table, "  sending 1.10s, partial");
	/* not slow: nothing about the time */
	t.rt.duration = 90 * NS_PER_MS;
	expect(&t, &table, "   90.0ms  partial");
	t.rt.error = STR("503");
	expect(&t, &table, "200 11B 503");
	t.rt.outcome = OUTCOME_RESET;
	expect(&t, &table, "reset 503 after: 200 11B");
	t.rt.response = NULL;
	t.rt.error = (struct str){ 0 };
	static const char *const endings[] = { "answered", "no response", "reset", "lost in a gap", "oneway", "still open" };
	for (int o = 0; o < OUTCOME_COUNT; o++) {
		t.rt.outcome = (enum outcome)o;
		expect(&t, &table, endings[o]);
	}
}

static void test_colour(void **state)
{
	struct toy t;
	struct table table;
	toy_http_example(&t);
	table_init(&table, true, false, 120);
	t.rt.duration = 2 * NS_PER_SEC;
	t.rt.error = STR("200");
	expect(&t, &table, "\x1b[2m09:00:03.487\x1b[0m \x1b[36mhttp\x1b[0m ");
	expect(&t, &table, "\x1b[31m200 11B\x1b[0m");
	expect(&t, &table, "\x1b[31m2.00s\x1b[0m");
	t.rt.outcome = OUTCOME_LOST;
	expect(&t, &table, "\x1b[1;31mlost in a gap");
	table_init(&table, false, false, 120);
	assert_null(strchr(line_of(&t, &table), '\x1b'));
}

/* What the traffic holds cannot reach the terminal. */
static void test_harmless(void **state)
{
	struct toy t;
	struct table table;
	char url[5000];
	u64 seed = 9;
	toy_http_example(&t);
	for (int i = 0; i < 3000; i++) {
		size_t n = (size_t)i % sizeof(url);
		for (size_t k = 0; k < n; k++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			url[k] = (char)(seed >> 56);
		}
		t.http[0].url = str_make(url, n);
		t.rt.error = str_make(url, MIN(n, 40u));
		t.rt.duration = seed % (100 * 86400 * NS_PER_SEC);
		t.rt.first_byte = t.rt.duration / 3;
		for (int k = 0; k < 16; k++)
			t.conn.addr[0].b[k] = (u8)(seed >> k);
		unsigned width = 60 + (unsigned)i % 200;
		table_init(&table, false, i % 7 == 0, width);
		const char *text = line_of(&t, &table);
		for (const char *p = text; *p; p++)
			assert_true((unsigned char)*p >= ' ' && *p != 0x7f);
		if (i % 7 && width >= 90)
			assert_true(text_width(str_make(out.data, out.len)) <= width);
	}
}

/* Columns stay where they are once they are wide enough. */
static void test_alignment(void **state)
{
	struct toy t;
	struct table table;
	toy_http_example(&t);
	table_init(&table, false, false, 140);
	assert_true(ip_parse(STR("2001:db8::1:2:3"), &t.conn.addr[0]));
	size_t arrow = (size_t)(strstr(line_of(&t, &table), "\xe2\x86\x92") - out.data);
	static const char *const clients[] = { "10.0.0.1", "::1", "192.168.100.200", "2001:db8::1:2:3" };
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		assert_true(ip_parse(str_from(clients[i]), &t.conn.addr[0]));
		assert_int_equal((size_t)(strstr(line_of(&t, &table), "\xe2\x86\x92") - out.data), arrow);
		assert_int_equal(strstr(out.data, "47.5ms") - out.data, 116);
	}
	out.len = 0;
	table_header(&table, &out);
	assert_int_equal(out.len, 0);
	/* titles stand above their columns */
	struct buf titles = { 0 };
	table_init(&table, false, true, 0);
	table_header(&table, &titles);
	buf_cstr(&titles);
	assert_true(ip_parse(STR("10.1.0.7"), &t.conn.addr[0]));
	line_of(&t, &table);
	assert_int_equal(strstr(out.data, "10.1.0.7") - out.data, strstr(titles.data, "client") - titles.data);
	assert_int_equal(strstr(out.data, "GET") - out.data - 2, strstr(titles.data, "request") - titles.data); /* the arrow takes 3 bytes */
	assert_int_equal(strstr(out.data, "200 11B") - out.data - 2, strstr(titles.data, "response") - titles.data);
	assert_int_equal(strstr(out.data, "47.5ms") + 6 - out.data - 2, strstr(titles.data, "total") + 5 - titles.data);
	buf_done(&titles);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain), cmocka_unit_test(test_notes), cmocka_unit_test(test_colour), cmocka_unit_test(test_harmless), cmocka_unit_test(test_alignment),
	};
	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
