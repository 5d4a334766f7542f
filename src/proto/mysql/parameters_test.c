/* What statements' parameters are bound to: every type, forms of several versions, lies about lengths. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "proto_feed.h"

#include "proto/mysql/mysql_build.h"

#include <stdio.h>

static const struct proto_options values = { .details = true, .parameters = true, .statement_length = 1024, .max_records = 32 };
static const struct feed_options known = { .roles_known = true, .opt = &values };

/* A statement with so many parameters is prepared. */
static void prepare(struct talk *t, u8 id, const char *sql, u16 params)
{
	u8 answer[12] = { 0, id, 0, 0, 0, 0, 0, (u8)params, (u8)(params >> 8) };
	ask(t, COM_STMT_PREPARE, sql, strlen(sql));
	talk_packet(t, FEED_SERVER, answer, sizeof(answer));
	for (u32 i = 0; i < MIN(params, 3u); i++)
		MORE(t, COLUMN);
}

static void begin(struct talk *t, u32 caps, const char *sql, u16 params)
{
	log_in(t, "8.0.36", ALL_CAPS | CAP_DEPRECATE_EOF | caps, 0);
	prepare(t, 7, sql, params);
}

#define EXECUTE_ROW(t, literal) do { ASK(t, COM_STMT_EXECUTE, "\7\0\0\0\0\1\0\0\0" literal); REPLY(t, OK_PACKET); } while (0)

/* The line of the field in the log of the last exchange with this command. */
static void shows(struct talk *t, const char *line)
{
	char *log = feed_all(&proto_mysql, t->steps, t->n, &known);
	feed_has(log, line);
	free(log);
}

static void numbers(void **state)
{
	static const struct {
		const char *type, *value, *text;
		size_t n;
	} all[] = {
		{ "\1\0", "\xff", "-1", 1 },                                   { "\1\x80", "\xff", "255", 1 },
		{ "\2\0", "\x00\x80", "-32768", 2 },                           { "\2\x80", "\x00\x80", "32768", 2 },
		{ "\x0d\0", "\xe8\x07", "2024", 2 },                           { "\3\0", "\xff\xff\xff\x7f", "2147483647", 4 },
		{ "\3\x80", "\xff\xff\xff\xff", "4294967295", 4 },             { "\x09\0", "\xfe\xff\xff\xff", "-2", 4 },
		{ "\x08\0", "\0\0\0\0\0\0\0\x80", "-9223372036854775808", 8 }, { "\x08\x80", "\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615", 8 },
		{ "\4\0", "\xcd\xcc\xcc\x3d", "0.1", 4 },                      { "\4\0", "\0\0\xc0\x7f", "NaN", 4 },
		{ "\5\0", "\x9a\x99\x99\x99\x99\x99\xb9\x3f", "0.1", 8 },      { "\5\0", "\0\0\0\0\0\0\xf0\xff", "-Infinity", 8 },
		{ "\5\0", "\0\0\0\0\0\0\x45\x40", "42", 8 },                   { "\5\0", "\0\0\0\0\0\0\0\x80", "-0", 8 },
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct talk t = { 0 };
		char text[80];
		u8 payload[32] = "\7\0\0\0\0\1\0\0\0\0\1";
		begin(&t, 0, "select ?", 1);
		memcpy(payload + 11, all[i].type, 2);
		memcpy(payload + 13, all[i].value, all[i].n);
		ask(&t, COM_STMT_EXECUTE, payload, 13 + all[i].n);
		REPLY(&t, OK_PACKET);
		snprintf(text, sizeof(text), "  > Parameters=[\"%s\"]", all[i].text);
		char *log = feed_run(&proto_mysql, t.steps, t.n, &known, &(struct feed_plan){ 0 });
		feed_has(log, text);
		free(log);
	}
}

static void texts_and_times(void **state)
{
	struct talk t = { 0 };
	log_in(&t, "8.0.36", ALL_CAPS | CAP_DEPRECATE_EOF | CAP_OPTIONAL_METADATA, 0);
	ASK(&t, COM_STMT_PREPARE, "insert into t values (?, ?, ?, ?, ?, ?, ?, ?)");
	REPLY(&t, "\0\7\0\0\0\0\0\x08\0\0\0\0\0");
	EXECUTE_ROW(&t, "\2\1\xf6\0\6\0\xfe\0\xfc\0\xff\0\xfd\0\xf5\0\x0f\0"
			"\4" "1.50" "\3it'" "\3\0\xff\1" "\2ab" "\0" "\7{\"a\":1}" "\4\xc3\xa4\xc3\x9f");
	EXECUTE_ROW(&t, "\0\1\x0a\0\x0a\0\x0c\0\7\0\x0c\0\x0b\0\x0b\0\x0b\0"
			"\4\xe8\7\1\2" "\0" "\4\xe8\7\1\2" "\x0b\xe8\7\1\2\3\4\5\6\0\0\0" "\7\xe8\7\x0c\x1f\x17\x3b\x3b" "\x08\1\1\0\0\0\2\3\4" "\x0c\0\0\0\0\0\2\3\4\x40\xe2\1\0" "\0");
	char *log = talk_check(&t, &known,
			       "answered LOGIN joe shop -> OK\n"
			       "answered PREPARE insert into t values (?, ?, ?, ?, ?, ?, ?, ?) -> statement 7\n"
			       "answered EXECUTE insert into t values (?, ?, ?, ?, ?, ?, ?, ?) (1.50, NULL, it', \\x00ff01, \\x6162, , {\"a\":1}, äß) -> OK\n"
			       "answered EXECUTE insert into t values (?, ?, ?, ?, ?, ?, ?, ?) (2024-01-02, 0000-00-00, 2024-01-02 00:00:00, "
			       "2024-01-02 03:04:05.000006, 2024-12-31 23:59:59, -26:03:04, 02:03:04.123456, …) -> OK\n");
	feed_has(log, "  > Parameters=[\"1.50\" null \"it'\" \"\\\\x00ff01\" \"\\\\x6162\" \"\" \"{\\\"a\\\":1}\" \"\\xc3\\xa4\\xc3\\x9f\"]");
	feed_has(log, "  > Parameters=[\"2024-01-02\" \"0000-00-00\" \"2024-01-02 00:00:00\" \"2024-01-02 03:04:05.000006\" \"2024-12-31 23:59:59\" \"-26:03:04\" \"02:03:04.123456\" \"00:00:00\"]");
	free(log);
}

/* Types are sent once; which ones they are then is remembered by statement. */
static void remembered(void **state)
{
	struct talk t = { 0 };
	begin(&t, 0, "select ?, ?", 2);
	EXECUTE_ROW(&t, "\0\1\3\x80\xfe\0" "\5\0\0\0" "\1x");
	EXECUTE_ROW(&t, "\0\0" "\xff\xff\xff\xff" "\1y");
	EXECUTE_ROW(&t, "\3\0");
	EXECUTE_ROW(&t, "\0\1\1\0\1\0" "\5\6");
	EXECUTE_ROW(&t, "\0\0" "\7\x08");
	char *log = talk_check(&t, &known,
			       "answered LOGIN joe shop -> OK\n"
			       "answered PREPARE select ?, ? -> statement 7\n"
			       "answered EXECUTE select ?, ? (5, x) -> OK\n"
			       "answered EXECUTE select ?, ? (4294967295, y) -> OK\n"
			       "answered EXECUTE select ?, ? (NULL, NULL) -> OK\n"
			       "answered EXECUTE select ?, ? (5, 6) -> OK\n"
			       "answered EXECUTE select ?, ? (7, 8) -> OK\n");
	feed_has(log, "  > Parameters=[null null]");
	free(log);
}

static void long_data(void **state)
{
	struct talk t = { 0 };
	begin(&t, 0, "insert into t values (?, ?)", 2);
	ASK(&t, COM_STMT_SEND_LONG_DATA, "\7\0\0\0\1\0the beginning");
	t.joined = true;
	ASK(&t, COM_STMT_SEND_LONG_DATA, "\7\0\0\0\1\0\xff\xfe");
	t.joined = true;
	EXECUTE_ROW(&t, "\0\1\3\0\xfc\0" "\5\0\0\0");
	EXECUTE_ROW(&t, "\0\0" "\6\0\0\0" "\1z");
	ASK(&t, COM_STMT_SEND_LONG_DATA, "\7\0\0\0\1\0no more");
	ASK(&t, COM_STMT_RESET, "\7\0\0\0");
	REPLY(&t, OK_PACKET);
	EXECUTE_ROW(&t, "\0\0" "\7\0\0\0" "\1a");
	char *log = talk_check(&t, &known,
			       "answered LOGIN joe shop -> OK\n"
			       "answered PREPARE insert into t values (?, ?) -> statement 7\n"
			       "oneway SEND_LONG_DATA insert into t values (?, ?) (the beginning)\n"
			       "oneway SEND_LONG_DATA insert into t values (?, ?) (\\xfffe)\n"
			       "answered EXECUTE insert into t values (?, ?) (5, <long data>) -> OK\n"
			       "answered EXECUTE insert into t values (?, ?) (6, z) -> OK\n"
			       "oneway SEND_LONG_DATA insert into t values (?, ?) (no more)\n"
			       "answered RESET_STMT insert into t values (?, ?) -> OK\n"
			       "answered EXECUTE insert into t values (?, ?) (7, a) -> OK\n");
	free(log);
}

/* With CLIENT_QUERY_ATTRIBUTES parameters have names, and there may be more than the statement has. */
static void attributes(void **state)
{
	struct talk t = { 0 };
	begin(&t, CAP_QUERY_ATTRIBUTES, "select ?", 1);
	ASK(&t, COM_STMT_EXECUTE, "\7\0\0\0\x08\1\0\0\0" "\3" "\4\1" "\3\0\0" "\xfe\0\5trace" "\1\0\1n" "\5\0\0\0" "\3abc");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_STMT_EXECUTE, "\7\0\0\0\0\1\0\0\0" "\1" "\0\0" "\6\0\0\0");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_QUERY, "\2\1\0\1\xfe\0\5trace\3\0\1n\3abc\x2a\0\0\0select 4");
	REPLY(&t, OK_PACKET);
	char *log = talk_check(&t, &known,
			       "answered LOGIN joe shop -> OK\n"
			       "answered PREPARE select ? -> statement 7\n"
			       "answered EXECUTE select ? (5, trace=abc, NULL) -> OK\n"
			       "answered EXECUTE select ? (6) -> OK\n"
			       "answered select 4 (trace=abc, n=42) -> OK\n");
	feed_has(log, "  > Parameters=[\"5\" \"trace=abc\" null]");
	free(log);
}

/* MariaDB: many rows at once, with indicators; and statements executed before their number is known. */
static void mariadb(void **state)
{
	struct talk t = { 0 };
	log_in(&t, "5.5.5-10.11.6-MariaDB-log", (ALL_CAPS | CAP_DEPRECATE_EOF) & ~(u32)CAP_MYSQL, MARIA_CACHE_METADATA | 5);
	ASK(&t, COM_STMT_PREPARE, "insert into t values (?, ?)");
	t.joined = true;
	ASK(&t, COM_STMT_EXECUTE, "\xff\xff\xff\xff\0\1\0\0\0\0\1\3\0\xfe\0\5\0\0\0\2hi");
	t.seq = 1;
	REPLY(&t, "\0\7\0\0\0\0\0\2\0\0\0\0");
	MORE(&t, COLUMN);
	MORE(&t, COLUMN);
	t.seq = 1;
	MORE(&t, OK_PACKET);
	EXECUTE_ROW(&t, "\0\0" "\6\0\0\0" "\2ho");
	ASK(&t, COM_STMT_BULK_EXECUTE, "\7\0\0\0\x80\0\3\0\xfe\0" "\0\5\0\0\0\1" "\0\6\0\0\0\0\1x");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_STMT_BULK_EXECUTE, "\7\0\0\0\0\0" "\2\3");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_STMT_BULK_EXECUTE, "\7\0\0\0\0\0" "\0\1\0\0\0\4");
	REPLY(&t, OK_PACKET);
	char *log = talk_check(&t, &known,
			       "answered LOGIN joe shop -> OK\n"
			       "answered PREPARE insert into t values (?, ?) -> statement 7\n"
			       "answered EXECUTE insert into t values (?, ?) (5, hi) -> OK\n"
			       "answered EXECUTE insert into t values (?, ?) (6, ho) -> OK\n"
			       "answered STMT_BULK_EXECUTE insert into t values (?, ?) (5, NULL) -> OK\n"
			       "answered STMT_BULK_EXECUTE insert into t values (?, ?) (<default>, <ignored>) -> OK\n"
			       "answered STMT_BULK_EXECUTE insert into t values (?, ?) (1, …) -> OK\n");
	free(log);
}

static void secrets(void **state)
{
	struct talk t = { 0 };
	begin(&t, 0, "create user ? identified by ?", 2);
	EXECUTE_ROW(&t, "\0\1\xfe\0\xfe\0" "\3joe" "\6HIDDEN");
	EXECUTE_ROW(&t, "\2\0" "\3joe");
	ASK(&t, COM_STMT_SEND_LONG_DATA, "\7\0\0\0\1\0HIDDEN");
	prepare(&t, 8, "select password(?), ?", 2);
	ASK(&t, COM_STMT_EXECUTE, "\x08\0\0\0\0\1\0\0\0" "\0\1\xfe\0\xfe\0" "\6HIDDEN" "\1x");
	REPLY(&t, OK_PACKET);
	char *log = talk_check(&t, &known,
			       "answered LOGIN joe shop -> OK\n"
			       "answered PREPARE create user ? identified by ? -> statement 7\n"
			       "answered EXECUTE create user ? identified by ? (***, ***) -> OK\n"
			       "answered EXECUTE create user ? identified by ? (***, ***) -> OK\n"
			       "oneway SEND_LONG_DATA create user ? identified by ? (***)\n"
			       "answered PREPARE select password(?), ? -> statement 8\n"
			       "answered EXECUTE select password(?), ? (***, ***) -> OK\n");
	assert_null(strstr(log, "HIDDEN"));
	free(log);
	const struct proto_options open_book = { .details = true, .parameters = true, .show_secrets = true, .statement_length = 1024 };
	log = feed_run(&proto_mysql, t.steps, t.n, &(struct feed_options){ .roles_known = true, .opt = &open_book }, &(struct feed_plan){ 0 });
	feed_has(log, "  > Parameters=[\"joe\" \"HIDDEN\"]");
	free(log);
}

/* Nothing is shown unless it is asked for. */
static void off(void **state)
{
	static const struct proto_options opt = { .details = true, .statement_length = 1024 };
	struct talk t = { 0 };
	begin(&t, CAP_QUERY_ATTRIBUTES, "select ?", 1);
	ASK(&t, COM_STMT_EXECUTE, "\7\0\0\0\x08\1\0\0\0" "\2" "\0\1" "\xfe\0\0" "\xfe\0\1a" "\5VALUE" "\5VALUE");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_STMT_SEND_LONG_DATA, "\7\0\0\0\0\0VALUE");
	ASK(&t, COM_QUERY, "\1\1\0\1\xfe\0\1a\5VALUEselect 4");
	REPLY(&t, OK_PACKET);
	char *log = feed_all(&proto_mysql, t.steps, t.n, &(struct feed_options){ .roles_known = true, .opt = &opt });
	feed_has(log, "  > ParameterTypes=[\"STRING\" \"STRING\"]");
	feed_has(log, "  > Statement=\"select 4\"");
	assert_null(strstr(log, "VALUE"));
	free(log);
}

/* Lengths that lie, values that are not there, kinds of times that do not exist: what was right before them is shown. */
static void lies(void **state)
{
	static const struct {
		const char *p, *line;
		size_t n;
	} all[] = {
#define LIE(literal, line) { literal, "  > Parameters=" line, sizeof(literal) - 1 }
		LIE("\0\1\3\0\xfe\0" "\5\0\0\0" "\xfe\xff\xff\xff\xff\xff\xff\xff\xffx", "[\"5\" \"\\xe2\\x80\\xa6\"]"),
		LIE("\0\1\3\0\xfe\0" "\5\0\0\0" "\xff", "[\"5\" \"\\xe2\\x80\\xa6\"]"),
		LIE("\0\1\3\0\xfe\0" "\5\0\0\0" "\xfb", "[\"5\" \"\\xe2\\x80\\xa6\"]"),
		LIE("\0\1\3\0\xfe\0" "\5\0\0\0" "\4abc", "[\"5\" \"\\xe2\\x80\\xa6\"]"),
		LIE("\0\1\3\0\xfe\0" "\5\0\0\0", "[\"5\" \"\\xe2\\x80\\xa6\"]"),
		LIE("\0\1\3\0\xfe\0" "\5\0", "[\"\\xe2\\x80\\xa6\"]"),
		LIE("\0\1\3\0\x0c\0" "\5\0\0\0" "\5\1\2\3\4\5", "[\"5\" \"\\xe2\\x80\\xa6\"]"),
		LIE("\0\1\3\0\x0b\0" "\5\0\0\0" "\7\1\2\3\4\5\6\7", "[\"5\" \"\\xe2\\x80\\xa6\"]"),
		LIE("\0\1\3\0\x0b\0" "\5\0\0\0" "\x0c\1\2\3", "[\"5\" \"\\xe2\\x80\\xa6\"]"),
		LIE("\0\1\3\0", "[\"\\xe2\\x80\\xa6\"]"),
		LIE("\0\1\3", "[\"\\xe2\\x80\\xa6\"]"),
		LIE("\0\1", "[\"\\xe2\\x80\\xa6\"]"),
		LIE("\0", "[]"),
		LIE("", "[]"),
		LIE("\0\1\xaa\0\xab\0" "\1a" "\1b", "[\"a\" \"b\"]"),
		LIE("\0\1\3\0\3\0" "\5\0\0\0" "\6\0\0\0" "and more", "[\"5\" \"6\"]"),
#undef LIE
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct talk t = { 0 };
		u8 payload[128] = "\7\0\0\0\0\1\0\0";
		begin(&t, 0, "select ?, ?", 2);
		memcpy(payload + 9, all[i].p, all[i].n);
		ask(&t, COM_STMT_EXECUTE, payload, 9 + all[i].n);
		REPLY(&t, OK_PACKET);
		shows(&t, all[i].line);
	}
}

/* So many of them that neither all types nor all values are looked at. */
static void many(void **state)
{
	static u8 payload[70000];
	static const u32 counts[] = { 63, 64, 65, 500, 8000, 9000, 65535 };
	for (size_t c = 0; c < ARRAY_LEN(counts); c++) {
		const u32 count = counts[c];
		struct feed_step steps[8];
		struct talk t = { 0 };
		size_t n = 14;
		log_in(&t, "8.0.36", ALL_CAPS | CAP_DEPRECATE_EOF | CAP_OPTIONAL_METADATA, 0);
		ASK(&t, COM_STMT_PREPARE, "select ?");
		const u8 prepared[13] = { 0, 7, 0, 0, 0, 0, 0, (u8)count, (u8)(count >> 8) };
		talk_packet(&t, FEED_SERVER, prepared, sizeof(prepared));
		memset(payload, 0, sizeof(payload));
		memcpy(payload, (u8[]){ 0, 0, 0, 0, COM_STMT_EXECUTE, 7, 0, 0, 0, 0, 1, 0, 0, 0 }, n);
		n += (count + 7) / 8;
		payload[n++] = 1;
		for (u32 i = 0; i < count && n + 2 < sizeof(payload); i++, n += 2)
			payload[n] = 1;
		for (u32 i = 0; i < count && n < sizeof(payload); i++)
			payload[n++] = (u8)(i % 100);
		payload[0] = (u8)(n - 4), payload[1] = (u8)((n - 4) >> 8), payload[2] = (u8)((n - 4) >> 16);
		memcpy(steps, t.steps, t.n * sizeof(*steps));
		steps[t.n] = (struct feed_step){ FEED_CLIENT, false, payload, n };
		steps[t.n + 1] = (struct feed_step){ FEED_SERVER, false, "\7\0\0\1\0\0\0\2\0\0\0", 11 };
		char *log = feed_run(&proto_mysql, steps, t.n + 2, &known, &(struct feed_plan){ .cut_at = t.used + 5000 % n });
		assert_non_null(strstr(log, count > 64 ? "\\xe2\\x80\\xa6\"]" : "\"62\""));
		if (count <= 64)
			assert_null(strstr(log, "\\xe2\\x80\\xa6\"]"));
		if (count < 5000)
			assert_non_null(strstr(log, "\"57\" \"58\" \"59\""));
		assert_null(strstr(log, "\"64\""));
		free(log);
	}
}

/* One that is longer than what is looked at, and one that is longer than what is shown. */
static void long_values(void **state)
{
	static u8 payload[40000];
	struct talk t = { 0 };
	begin(&t, 0, "insert into t values (?, ?, ?)", 3);
	struct feed_step steps[8];
	size_t n = 0;
	memcpy(payload, "xxx\0\x17\7\0\0\0\0\1\0\0\0" "\0\1\xfe\0\xfc\0\3\0" "\xfc\x2c\1", 25);
	memset(payload + 25, 'v', 300);
	memcpy(payload + 325, "\xfd\x50\xc3\0", 4);
	memset(payload + 329, 1, 30000);
	n = 30329;
	const u32 len = 329 - 4 + 50000 + 4;
	payload[0] = (u8)len, payload[1] = (u8)(len >> 8), payload[2] = 0;
	memcpy(steps, t.steps, t.n * sizeof(*steps));
	steps[t.n] = (struct feed_step){ FEED_CLIENT, false, payload, n };
	char *log = feed_run(&proto_mysql, steps, t.n + 1, &known, &(struct feed_plan){ 0 });
	char want[700], text[257] = { 0 };
	memset(text, 'v', 256);
	n = (size_t)snprintf(want, sizeof(want), "[\"%s\\xe2\\x80\\xa6\" \"\\\\x", text);
	for (int i = 0; i < 127; i++)
		n += (size_t)snprintf(want + n, sizeof(want) - n, "01");
	snprintf(want + n, sizeof(want) - n, "\\xe2\\x80\\xa6\" \"\\xe2\\x80\\xa6\"]");
	if (!strstr(log, want))
		fail_msg("%s\nlacks\n%s", log, want);
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers), cmocka_unit_test(texts_and_times), cmocka_unit_test(remembered), cmocka_unit_test(long_data),
		cmocka_unit_test(attributes), cmocka_unit_test(mariadb), cmocka_unit_test(secrets), cmocka_unit_test(off),
		cmocka_unit_test(lies), cmocka_unit_test(many), cmocka_unit_test(long_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
