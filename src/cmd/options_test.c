#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cmd/options.h"

struct values {
	bool flag;
	const char *text;
	struct option_list list;
	u64 number, size, time;
	u32 choice;
};

static const char *const colours[] = { "auto", "red", "green", NULL };

static const struct option options[] = {
	{ .name = "flag", .letter = 'f', OPTION_AT(OPTION_FLAG, struct values, flag), .help = "a flag" },
	{ .name = "text", .alias = "old.text", .letter = 't', .value = "TEXT", OPTION_AT(OPTION_TEXT, struct values, text), .help = "a text" },
	{ .name = "list", .value = "WORD", OPTION_AT(OPTION_LIST, struct values, list), .help = "a list" },
	{ .name = "number", .letter = 'n', .value = "N", .min = 1, .max = 100, OPTION_AT(OPTION_NUMBER, struct values, number), .help = "a number" },
	{ .name = "size", .value = "BYTES", OPTION_AT(OPTION_SIZE, struct values, size), .help = "a size" },
	{ .name = "time", .value = "TIME", OPTION_AT(OPTION_DURATION, struct values, time), .help = "a time" },
	{ .name = "choice", .letter = 'c', .value = "COLOUR", .choices = colours, OPTION_AT(OPTION_CHOICE, struct values, choice), .help = "a choice" },
	{ .name = "secret", .hidden = true, .value = "X", OPTION_AT(OPTION_TEXT, struct values, text), .help = "hidden" },
};

static const struct command test_command = {
	.name = "test",
	.max_arguments = 2,
	.options = options,
	.options_len = ARRAY_LEN(options),
	.values_size = sizeof(struct values),
};

static struct values v;
static struct arguments args;
static char why[256];

/* Parses words given as one line, split at blanks. */
static int parse(const char *line)
{
	static char copy[512];
	char *argv[64];
	int argc = 0;
	struct buf error = { 0 };
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *save, *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	memset(&v, 0, sizeof(v));
	int rc = options_parse(&test_command, argc, argv, &v, &args, &error);
	snprintf(why, sizeof(why), "%s", buf_cstr(&error));
	buf_done(&error);
	return rc;
}

static void test_forms(void **state)
{
	assert_int_equal(parse("--text a --number=5 --flag"), OPTIONS_OK);
	assert_string_equal(v.text, "a");
	assert_int_equal(v.number, 5);
	assert_true(v.flag);
	assert_int_equal(parse("-fn7 -tb"), OPTIONS_OK);
	assert_true(v.flag);
	assert_int_equal(v.number, 7);
	assert_string_equal(v.text, "b");
	assert_int_equal(parse("-n=8 -c green -t -"), OPTIONS_OK);
	assert_int_equal(v.number, 8);
	assert_int_equal(v.choice, 2);
	assert_string_equal(v.text, "-");
	assert_int_equal(parse("--choice red --choice="), OPTIONS_OK);
	assert_int_equal(v.choice, 0);
	assert_int_equal(parse("--text= --flag=false"), OPTIONS_OK);
	assert_string_equal(v.text, "");
	assert_false(v.flag);
	assert_int_equal(parse("--old.text x --text y"), OPTIONS_OK);
	assert_string_equal(v.text, "y");
	assert_int_equal(parse("--text --flag"), OPTIONS_OK); /* as getopt_long: the next word is the value */
	assert_string_equal(v.text, "--flag");
	assert_int_equal(parse("--list a --list=b"), OPTIONS_OK);
	assert_int_equal(v.list.n, 2);
	assert_string_equal(v.list.v[1], "b");
}

static void test_arguments(void **state)
{
	assert_int_equal(parse("one --flag two"), OPTIONS_OK);
	assert_int_equal(args.n, 2);
	assert_string_equal(args.v[1], "two");
	assert_true(v.flag);
	assert_int_equal(parse("-- --flag -f"), OPTIONS_OK);
	assert_int_equal(args.n, 2);
	assert_string_equal(args.v[0], "--flag");
	assert_false(v.flag);
	assert_int_equal(parse("one two three"), -EINVAL);
	assert_string_equal(why, "unexpected argument 'three'");
}

static void test_help(void **state)
{
	assert_int_equal(parse("--flag -h"), OPTIONS_HELP);
	assert_int_equal(parse("--help --nope"), OPTIONS_HELP);
	assert_int_equal(parse("-fh"), OPTIONS_HELP);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *line, *why;
	} cases[] = {
		{ "--nope", "unknown flag: --nope" },
		{ "--nmber 5", "unknown flag: --nmber (did you mean --number?)" },
		{ "--nmber=5", "unknown flag: --nmber (did you mean --number?)" },
		{ "--secre", "unknown flag: --secre" }, /* hidden ones are not offered */
		{ "-x", "unknown flag: -x" },
		{ "-fx", "unknown flag: -x" },
		{ "--text", "flag needs a value: --text TEXT" },
		{ "-n", "flag needs a value: --number N" },
		{ "--flag=maybe", "invalid value 'maybe' for --flag: expected true or false" },
		{ "--number x", "invalid value 'x' for --number: expected a number from 1 to 100" },
		{ "--number 0", "invalid value '0' for --number: expected a number from 1 to 100" },
		{ "--number 101", "invalid value '101' for --number: expected a number from 1 to 100" },
		{ "--number -5", "invalid value '-5' for --number: expected a number from 1 to 100" },
		{ "--number=", "invalid value '' for --number: expected a number from 1 to 100" },
		{ "--size 5X", "invalid value '5X' for --size: expected bytes, such as 4096, 64k or 8M" },
		{ "--size 99999999999999999999", "invalid value '99999999999999999999' for --size: expected bytes, such as 4096, 64k or 8M" },
		{ "--time soon", "invalid value 'soon' for --time: expected a time, such as 500ms, 15s or 1h30m" },
		{ "--choice blue", "invalid value 'blue' for --choice: expected auto, red or green" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(parse(cases[i].line), -EINVAL);
		assert_string_equal(why, cases[i].why);
	}
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		u64 bytes;
	} cases[] = { { "0", 0 }, { "4096", 4096 }, { "64k", 65536 }, { "64K", 65536 }, { "8M", 8 << 20 }, { "1GiB", 1 << 30 }, { "3MB", 3 << 20 }, { "7B", 7 } };
	u64 got;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(size_parse(str_from(cases[i].text), &got));
		assert_int_equal(got, cases[i].bytes);
	}
	static const char *const bad[] = { "", "k", "-1", "1.5M", "8 M", "8Mx", "17179869184G", "18446744073709551616" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(size_parse(str_from(bad[i]), &got));
	assert_true(number_parse(STR("18446744073709551615"), &got));
	assert_true(got == UINT64_MAX);
}

static void test_list_is_bounded(void **state)
{
	static char word[] = "--list=x";
	char *argv[OPTION_LIST_MAX + 1];
	struct buf error = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(argv); i++)
		argv[i] = word;
	memset(&v, 0, sizeof(v));
	assert_int_equal(options_parse(&test_command, OPTION_LIST_MAX, argv, &v, &args, &error), OPTIONS_OK);
	memset(&v, 0, sizeof(v));
	assert_int_equal(options_parse(&test_command, OPTION_LIST_MAX + 1, argv, &v, &args, &error), -EINVAL);
	assert_string_equal(buf_cstr(&error), "--list can be given 256 times at the most");
	buf_done(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),	     cmocka_unit_test(test_arguments), cmocka_unit_test(test_help),
		cmocka_unit_test(test_mistakes),     cmocka_unit_test(test_sizes),     cmocka_unit_test(test_list_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
