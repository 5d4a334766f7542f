/* What a Bind gives its parameters: both formats, each type that is known, where its type comes from, lies. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "proto_feed.h"

#include "proto/postgresql/talk_test.h"

#include <stdio.h>

static struct talk t;
static const struct proto_options values = { .details = true, .parameters = true, .statement_length = 1024, .max_records = 32 };
static const struct feed_options on = { .opt = &values };

static int clear(void **state)
{
	memset(&t, 0, sizeof(t));
	return 0;
}

/* A statement with one parameter of this type, which gets this value in binary; what is shown of it. */
static void one(u32 oid, const void *value, size_t n, const char *text)
{
	u8 parse[] = { 0, 's', 'e', 'l', 0, 0, 1, (u8)(oid >> 24), (u8)(oid >> 16), (u8)(oid >> 8), (u8)oid };
	u8 bind[200] = { 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, (u8)n };
	char line[300];
	clear(NULL);
	memcpy(bind + 12, value, n);
	talk_message(&t, FEED_CLIENT, 'P', parse, sizeof(parse));
	talk_message(&t, FEED_CLIENT, 'B', bind, 14 + n);
	EXECUTE(&t, "");
	SYNC(&t);
	PARSED(&t);
	BOUND(&t);
	TAG(&t, "SELECT 1");
	READY(&t, "I");
	char *log = feed_run(&proto_postgresql, t.steps, t.len, &on, &(struct feed_plan){ 0 });
	snprintf(line, sizeof(line), "  > Packet.Parameters=[\"%s\"]", text);
	feed_has(log, line);
	free(log);
}

#define ONE(oid, literal, text) one(oid, literal, sizeof(literal) - 1, text)

static void numbers(void **state)
{
	ONE(16, "\1", "true");
	ONE(16, "\0", "false");
	ONE(21, "\xff\xfe", "-2");
	ONE(23, "\x80\0\0\0", "-2147483648");
	ONE(20, "\x7f\xff\xff\xff\xff\xff\xff\xff", "9223372036854775807");
	ONE(26, "\xff\xff\xff\xff", "4294967295");
	ONE(700, "\x3d\xcc\xcc\xcd", "0.1");
	ONE(701, "\x3f\xb9\x99\x99\x99\x99\x99\x9a", "0.1");
	ONE(701, "\x7f\xf8\0\0\0\0\0\0", "NaN");
	ONE(1700, "\0\0\0\0\0\0\0\0", "0");
	ONE(1700, "\0\0\0\0\0\0\0\2", "0.00");
	ONE(1700, "\0\2\0\1\0\0\0\0\0\1\x15\xb3", "15555");
	ONE(1700, "\0\2\0\0\x40\0\0\2\0\1\x13\x88", "-1.50");
	ONE(1700, "\0\1\xff\xfe\0\0\0\7\x03\xe8", "0.0000100");
	ONE(1700, "\0\1\0\2\0\0\0\0\0\x0c", "1200000000");
	ONE(1700, "\0\0\0\0\xc0\0\0\0", "NaN");
	ONE(1700, "\0\0\0\0\xf0\0\0\0", "-Infinity");
	ONE(1700, "\0\0\x27\x10\0\0\0\0", "0");
}

static void others(void **state)
{
	ONE(25, "it's", "it's");
	ONE(1043, "", "");
	ONE(25, "\xff", "\\\\xff");
	ONE(17, "abc", "\\\\x616263");
	ONE(114, "[1]", "[1]");
	ONE(3802, "\1[1]", "[1]");
	ONE(3802, "\2[1]", "\\\\x025b315d");
	ONE(2950, "\x12\x34\x56\x78\x9a\xbc\xde\xf0\x12\x34\x56\x78\x9a\xbc\xde\xf0", "12345678-9abc-def0-1234-56789abcdef0");
	ONE(1082, "\0\0\0\0", "2000-01-01");
	ONE(1082, "\0\0\x22\x3f", "2024-01-02");
	ONE(1082, "\xff\xff\xff\xff", "1999-12-31");
	ONE(1082, "\0\0\0\x3b", "2000-02-29");
	ONE(1082, "\xff\xf4\x9d\x7b", "0044-03-15 BC");
	ONE(1082, "\x7f\xff\xff\xff", "infinity");
	ONE(1082, "\x80\0\0\0", "-infinity");
	ONE(1083, "\0\0\0\x0a\x4b\x4b\x4e\xe0", "12:16:52.899552");
	ONE(1083, "\xff\xff\xff\xff\xff\xff\xff\xff", "\\\\xffffffffffffffff");
	ONE(1114, "\xff\xff\xff\xff\xff\xff\xff\xff", "1999-12-31 23:59:59.999999");
	ONE(1184, "\0\0\0\0\0\x07\xa1\x20", "2000-01-01 00:00:00.5+00");
	ONE(1184, "\x80\0\0\0\0\0\0\0", "-infinity");
	ONE(600, "\1\2", "\\\\x0102");
	ONE(0, "\0\0\0\5", "\\\\x00000005");
}

/* Sizes that do not fit the type, digits that are none. */
static void lies(void **state)
{
	ONE(23, "\0\0\5", "\\\\x000005");
	ONE(23, "", "\\\\x");
	ONE(1082, "\0\0\0\0\0", "\\\\x0000000000");
	ONE(1700, "\0\2\0\0\0\0\0\0\0\1", "\\\\x00020000000000000001");
	ONE(1700, "\0\1\0\0\0\0\0\0\x27\x10", "\\\\x00010000000000002710");
	ONE(1700, "\0\1\0\0\x12\x34\0\0\0\1", "\\\\x00010000123400000001");
	ONE(1700, "\xff", "\\\\xff");
	ONE(2950, "\1", "\\\\x01");
	ONE(3802, "", "\\\\x");
	ONE(1114, "\x7f\xff\xff\xff\xff\xff\xff\xfe", "294277-01-09 04:00:54.775806");
	char text[280];
	snprintf(text, sizeof(text), "0.%0254d\\xe2\\x80\\xa6", 0);
	ONE(1700, "\0\0\0\0\0\0\x3f\xff", text);
}

/* Formats: none, one for all, one each; NULL; as many as there are. */
static void formats(void **state)
{
	talk_startup(&t);
	C_BODY(&t, 'P', "a\0select $1, $2, $3\0\0\3\0\0\0\27\0\0\0\31\0\0\0\20");
	C_BODY(&t, 'B', "\0a\0\0\0\0\3\0\0\0\2" "42\0\0\0\1x\xff\xff\xff\xff\0\0");
	EXECUTE(&t, "");
	C_BODY(&t, 'B', "\0a\0\0\1\0\1\0\3\0\0\0\4\0\0\0\x2b\0\0\0\1y\0\0\0\1\1\0\0");
	EXECUTE(&t, "");
	C_BODY(&t, 'B', "\0a\0\0\3\0\0\0\1\0\1\0\3\0\0\0\2" "44\0\0\0\1z\0\0\0\1\0\0\0");
	EXECUTE(&t, "");
	SYNC(&t);
	PARSED(&t);
	for (int i = 0; i < 3; i++) {
		BOUND(&t);
		TAG(&t, "SELECT 1");
	}
	READY(&t, "I");
	char *log = feed_check(&proto_postgresql, t.steps, t.len, &on, STARTED "answered select $1, $2, $3 (42, x, NULL) -> SELECT 1 rows 24B\n"
			       "answered select $1, $2, $3 (43, y, true) -> SELECT 1 rows 19B\n"
			       "answered select $1, $2, $3 (44, z, false) -> SELECT 1 rows 25B\n");
	free(log);
}

/* Of a statement that the client declares no types of, the server tells them when it is asked. */
static void described(void **state)
{
	talk_startup(&t);
	PARSE(&t, "a", "select $1");
	DESCRIBE(&t, "S", "a");
	SYNC(&t);
	PARSED(&t);
	PARAMETERS(&t);
	COLUMNS(&t);
	READY(&t, "I");
	C_BODY(&t, 'B', "\0a\0\0\1\0\1\0\1\0\0\0\4\0\0\0\7\0\0");
	EXECUTE(&t, "");
	SYNC(&t);
	BOUND(&t);
	TAG(&t, "SELECT 1");
	READY(&t, "I");
	char *log = feed_all(&proto_postgresql, t.steps, t.len, &on);
	feed_has(log, "  > Packet.Parameters=[\"7\"]");
	free(log);
}

/* The name stands for another statement by the time its types are told. */
static void described_too_late(void **state)
{
	talk_startup(&t);
	PARSE(&t, "", "select $1");
	DESCRIBE(&t, "S", "");
	PARSE(&t, "", "select $1::text");
	C_BODY(&t, 'B', "\0\0\0\1\0\1\0\1\0\0\0\4\0\0\0\7\0\0");
	EXECUTE(&t, "");
	SYNC(&t);
	PARSED(&t);
	PARAMETERS(&t);
	COLUMNS(&t);
	PARSED(&t);
	BOUND(&t);
	TAG(&t, "SELECT 1");
	READY(&t, "I");
	C_BODY(&t, 'B', "\0\0\0\1\0\1\0\1\0\0\0\4\0\0\0\x08\0\0");
	EXECUTE(&t, "");
	SYNC(&t);
	BOUND(&t);
	TAG(&t, "SELECT 1");
	READY(&t, "I");
	char *log = feed_all(&proto_postgresql, t.steps, t.len, &on);
	feed_has(log, "  > Packet.Parameters=[\"\\\\x00000007\"]");
	feed_has(log, "  > Packet.Parameters=[\"\\\\x00000008\"]");
	free(log);
}

/* Executes that bind x, in clear and as a secret; and where the setting is off. */
static void secrets_and_off(void **state)
{
	talk_startup(&t);
	PARSE(&t, "", "select pgp_sym_encrypt($1, $2)");
	C_BODY(&t, 'B', "\0\0\0\0\0\2\0\0\0\6HIDDEN\xff\xff\xff\xff\0\0");
	EXECUTE(&t, "");
	PARSE(&t, "", "select $1");
	C_BODY(&t, 'B', "\0\0\0\0\0\1\0\0\0\6SHOWN.\0\0");
	EXECUTE(&t, "");
	SYNC(&t);
	for (int i = 0; i < 2; i++) {
		PARSED(&t);
		BOUND(&t);
		TAG(&t, "SELECT 1");
	}
	READY(&t, "I");
	char *log = feed_all(&proto_postgresql, t.steps, t.len, &on);
	feed_has(log, "  > Packet.Parameters=[\"***\" \"***\"]");
	feed_has(log, "  > Packet.Parameters=[\"SHOWN.\"]");
	assert_null(strstr(log, "HIDDEN"));
	free(log);
	static const struct proto_options off = { .details = true, .statement_length = 1024 };
	log = feed_all(&proto_postgresql, t.steps, t.len, &(struct feed_options){ .opt = &off });
	assert_null(strstr(log, "SHOWN"));
	free(log);
}

/* Numbers and lengths that lie: what was right before them is shown. */
static void hostile(void **state)
{
	static const struct {
		const char *p, *line;
		size_t n;
	} all[] = {
#define LIE(literal, line) { literal, "  > Packet.Parameters=" line, sizeof(literal) - 1 }
		LIE("\0\0\0\0\xff\xff\0\0\0\1x", "[\"x\" \"\\xe2\\x80\\xa6\"]"),
		LIE("\0\0\0\0\0\2\0\0\0\1x\x7f\xff\xff\xff" "abc", "[\"x\" \"\\xe2\\x80\\xa6\"]"),
		LIE("\0\0\0\0\0\2\0\0\0\1x\xff\xff\xff\xfe" "abc", "[\"x\" \"\\xe2\\x80\\xa6\"]"),
		LIE("\0\0\xff\xff\0\1\0\1\0\1\0\0\0\1x", "[]"),
		LIE("\0\0\0\0\0\2\0\0\0\1x\0\0", "[\"x\" \"\\xe2\\x80\\xa6\"]"),
		LIE("\0\0\0\0\0\0\0\0\0\0", "[]"),
#undef LIE
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		clear(NULL);
		talk_startup(&t);
		PARSE(&t, "", "select $1");
		talk_message(&t, FEED_CLIENT, 'B', all[i].p, all[i].n);
		EXECUTE(&t, "");
		SYNC(&t);
		PARSED(&t);
		BOUND(&t);
		TAG(&t, "SELECT 1");
		READY(&t, "I");
		char *log = feed_all(&proto_postgresql, t.steps, t.len, &on);
		feed_has(log, all[i].line);
		free(log);
	}
}

/* As many as the protocol allows, most of them behind what is looked at. */
static void many(void **state)
{
	static u8 bind[300000];
	size_t n = 6;
	talk_startup(&t);
	PARSE(&t, "", "select $1");
	const size_t before = t.len;
	memcpy(bind + 4, "\xff\xff", 2);
	for (u32 i = 0; i < 50000; i++) {
		memcpy(bind + n, "\0\0\0\1", 4);
		bind[n + 4] = (u8)('a' + i % 26);
		n += 5;
	}
	static u8 message[300005];
	message[0] = 'B';
	message[1] = (u8)((n + 4) >> 24), message[2] = (u8)((n + 4) >> 16), message[3] = (u8)((n + 4) >> 8), message[4] = (u8)(n + 4);
	memcpy(message + 5, bind, n);
	t.steps[before] = (struct feed_step){ FEED_CLIENT, false, message, n + 5 };
	t.len++;
	t.cut = true;
	EXECUTE(&t, "");
	SYNC(&t);
	char *log = feed_run(&proto_postgresql, t.steps, t.len, &on, &(struct feed_plan){ 0 });
	assert_non_null(strstr(log, "\"k\" \"l\" \"\\xe2\\x80\\xa6\"]"));
	assert_non_null(strstr(log, "[\"a\" \"b\" \"c\""));
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers), cmocka_unit_test(others), cmocka_unit_test(lies), cmocka_unit_test_setup(formats, clear),
		cmocka_unit_test_setup(described, clear), cmocka_unit_test_setup(described_too_late, clear), cmocka_unit_test_setup(secrets_and_off, clear),
		cmocka_unit_test(hostile), cmocka_unit_test_setup(many, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
