/* Files that are wrong as files: each gets a clear error, soon and with little memory. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "config/config.h"
#include "config/yaml.h"

/* The errors of a text; the caller's buffer. */
static const char *refuse(const char *text, size_t n, struct buf *errors)
{
	struct config *c = NULL;
	struct guarded g = guarded_copy(text, n);
	buf_done(errors);
	*errors = (struct buf){ 0 };
	int rc = config_parse("f.yaml", str_make(g.p, g.n), &c, errors, NULL);
	guarded_free(&g);
	if (rc == 0)
		fail_msg("accepted: %.200s", text);
	assert_null(c);
	return buf_cstr(errors);
}

static void test_not_text(void **state)
{
	const struct {
		struct str text;
		const char *error;
	} cases[] = {
		{ STR(""), "f.yaml: the file is empty; 'packetd config' prints one to begin with, and a comment alone means all defaults\n" },
		{ STR(" \n\t\r\n"), "f.yaml: the file is empty; 'packetd config' prints one to begin with, and a comment alone means all defaults\n" },
		{ STR("a: b\n\x7f" "ELF"), "f.yaml:2:1: byte 0x7f cannot be in a YAML file; is this a binary file?\n" },
		{ STR("a: b\0c"), "f.yaml:1:5: byte 0x00 cannot be in a YAML file; is this a binary file?\n" },
		{ STR("\x1f\x8b\x08"), "f.yaml:1:1: byte 0x1f cannot be in a YAML file; is this a binary file?\n" },
		{ STR("a: \xc3\xa9\xff"), "f.yaml:1:5: byte 0xff is not UTF-8; save the file as UTF-8\n" },
		{ STR("a: caf\xe9\n"), "f.yaml:1:7: byte 0xe9 is not UTF-8; save the file as UTF-8\n" },
		{ STR("a: \xc0\x80"), "f.yaml:1:4: byte 0xc0 is not UTF-8; save the file as UTF-8\n" },
		{ STR("a: \xed\xa0\x80"), "f.yaml:1:4: byte 0xed is not UTF-8; save the file as UTF-8\n" },
		{ STR("a: \xe2\x82"), "f.yaml:1:4: byte 0xe2 is not UTF-8; save the file as UTF-8\n" },
		{ STR("\xff\xfe" "a\0:\0"), "f.yaml:1:1: this is UTF-16; save the file as UTF-8\n" },
		{ STR("- a\n"), "f.yaml:1:1: found a list; accepted: a section with the keys logger, sniffer, controller, metricsStorage, processor, pipeline, exporter, server\n" },
		{ STR("word"), "f.yaml:1:1: found a single value; accepted: a section with the keys logger, sniffer, controller, metricsStorage, processor, pipeline, exporter, server\n" },
		{ STR("logger:\n---\nlogger:\n"), "f.yaml:2:1: a second document begins here; a configuration is one document\n" },
		{ STR("logger:\n\tlevel: info\n"), "f.yaml:2:1: not valid YAML: found character that cannot start any token (while scanning for the next token in line 2); lines are indented with spaces, not tabs\n" },
		{ STR("logger: {level: info\n"), "f.yaml:2:1: not valid YAML: did not find expected ',' or '}' (while parsing a flow mapping in line 1)\n" },
		{ STR("logger:\n  level: info\n stdout: true\n"), "f.yaml:3:2: not valid YAML: did not find expected key (while parsing a block mapping in line 1)\n" },
		{ STR("a: &x [*x]\n"), "f.yaml:1:8: the alias 'x' stands within what it stands for\n" },
		{ STR("logger: &x\n  level: *x\n"), "f.yaml:2:10: the alias 'x' stands within what it stands for\n" },
		{ STR("logger: &x\n  <<: *x\n"), "f.yaml:2:7: the alias 'x' stands within what it stands for\n" },
		{ STR("logger: !!binary aGVsbG8=\n"), "f.yaml:1:9: the tag 'tag:yaml.org,2002:binary' means nothing here\n" },
		{ STR("logger: !<!x> {}\n"), "f.yaml:1:9: the tag '!x' means nothing here\n" },
		{ STR("? [a, b]\n: c\n"), "f.yaml:1:3: a key has to be a word, not a list or a mapping\n" },
		{ STR("logger.filename: \"a\\0b\"\n"), "f.yaml:1:18: a value cannot have a zero byte in it\n" },
		{ STR("logger: {level: info, level: warn}\nlogger: {}\n"), "f.yaml:1:23: 'level' is given twice; first in line 1\nf.yaml:2:1: 'logger' is given twice; first in line 1\n" },
	};
	struct buf errors = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(refuse(cases[i].text.p, cases[i].text.n, &errors), cases[i].error);
	buf_done(&errors);
}

static void add_times(struct buf *b, const char *text, u32 n)
{
	for (u32 i = 0; i < n; i++)
		buf_adds(b, text);
}

static void refuse_buf(struct buf *text, const char *error)
{
	struct buf errors = { 0 };
	refuse(text->data, text->len, &errors);
	if (!strstr(buf_cstr(&errors), error))
		fail_msg("expected: %s\nfound: %.300s", error, buf_cstr(&errors));
	buf_done(&errors);
	buf_done(text);
	*text = (struct buf){ 0 };
}

static void test_too_much(void **state)
{
	struct buf b = { 0 };
	add_times(&b, "# a comment that goes on and on\n", 140000);
	refuse_buf(&b, "f.yaml: larger than a configuration may be (4 MiB)");
	buf_adds(&b, "a: ");
	add_times(&b, "[", 100000);
	refuse_buf(&b, "nested deeper than a configuration may be");
	buf_adds(&b, "a: ");
	add_times(&b, "{a: ", 100000);
	refuse_buf(&b, "nested deeper than a configuration may be");
	for (u32 i = 0; i < 1000; i++) {
		add_times(&b, " ", i);
		buf_adds(&b, "a:\n");
	}
	refuse_buf(&b, "nested deeper than a configuration may be");
	buf_adds(&b, "logger.filename: ");
	add_times(&b, "xxxxxxxx", 10000);
	refuse_buf(&b, "longer than a value may be (64 KiB)");
	buf_adds(&b, "x-a: [");
	add_times(&b, "1,", 200000);
	refuse_buf(&b, "more values than a configuration may have");
	for (u32 i = 0; i < 5000; i++)
		buf_addf(&b, "x-%u: 1\n", i);
	refuse_buf(&b, "more keys than a section may have");
	buf_adds(&b, "x-a:\n");
	for (u32 i = 0; i < 1000; i++)
		buf_addf(&b, "- &a%u 1\n", i);
	refuse_buf(&b, "more anchors (&name) than a configuration may have");
	add_times(&b, "%TAG !a! tag:example.com,2000:\n", 30000);
	refuse_buf(&b, "too many lines that begin with '%'");
}

/* Each level names the one before ten times. */
static void bomb(struct buf *b, const char *use)
{
	buf_adds(b, "x-a0: &a0 {level: info}\n");
	for (u32 i = 1; i < 10; i++) {
		buf_addf(b, "x-a%u: &a%u %s", i, i, use);
		for (u32 k = 0; k < 10; k++)
			buf_addf(b, "%s*a%u", k ? ", " : "", i - 1);
		buf_adds(b, strchr(use, '{') ? "]}\n" : "]\n");
	}
}

static void test_bombs(void **state)
{
	struct buf b = { 0 };
	bomb(&b, "[");
	refuse_buf(&b, "with its aliases written out this has more values than a configuration may have");
	bomb(&b, "{<<: [");
	refuse_buf(&b, "with its aliases written out this has more values than a configuration may have");
	for (u32 i = 0; i < 60; i++) /* as deep as a file may not be */
		buf_addf(&b, i ? "x-a%u: &a%u [*a%u]\n" : "x-a%u: &a%u []\n", i, i, i - 1);
	refuse_buf(&b, "nested deeper than a configuration may be");
}

/* As many errors as a file can have: the first hundred are shown, the rest is counted, and it does not take long. */
static void test_many_errors(void **state)
{
	struct buf b = { 0 }, errors = { 0 };
	for (u32 i = 0; i < 1900; i++)
		buf_addf(&b, "key%u: 1\n", i);
	refuse(b.data, b.len, &errors);
	u32 lines = 0;
	for (size_t i = 0; i < errors.len; i++)
		lines += errors.data[i] == '\n';
	assert_int_equal(lines, FINDINGS_MAX + 1);
	assert_non_null(strstr(buf_cstr(&errors), "f.yaml: 1800 more errors not shown\n"));
	buf_done(&errors);
	buf_done(&b);
}

/* Thousands of errors of every kind cost no more than their number. */
static void test_many_wrong_items(void **state)
{
	struct buf b = { 0 }, errors = { 0 };
	buf_adds(&b, "processor:\n");
	for (u32 i = 0; i < 900; i++)
		buf_adds(&b, "- {name: redact, config: {drop: [a, b, http.x, c, d], mask: http.request.pat, foo: 1, bar: 2}}\n");
	buf_adds(&b, "pipeline: {processors: [");
	add_times(&b, "x, ", 900);
	buf_adds(&b, "]}\n");
	refuse(b.data, b.len, &errors);
	assert_non_null(strstr(buf_cstr(&errors), "more errors not shown"));
	buf_done(&errors);
	buf_done(&b);
}

/* Everything cut off everywhere: an error or not, never worse. */
static void test_cut_everywhere(void **state)
{
	static const char text[] = "x: &a {<<: {b: c}, d: [1, 'two', \"thr\\u00e9e\"]}\nsniffer: {ifaces: lo, protocols.rules: [*a, {protocol: http, ports: '80,81'}]}\n"
				   "exporter: {traces: {header: {A: ${B:-c}}}}\nprocessor: [{name: filter, config: {expression: http.status > 3}}]\n---\n";
	for (size_t n = 0; n <= sizeof(text) - 1; n++) {
		struct guarded g = guarded_copy(text, n);
		struct buf errors = { 0 }, warnings = { 0 };
		struct config *c = NULL;
		int rc = config_parse("f.yaml", str_make(g.p, g.n), &c, &errors, &warnings);
		assert_true(rc == 0 ? c != NULL && errors.len == 0 : c == NULL && errors.len > 0);
		config_free(c);
		buf_done(&errors);
		buf_done(&warnings);
		guarded_free(&g);
	}
}

static void test_accepted(void **state)
{
	static const char *const texts[] = { "\xef\xbb\xbflogger: {level: info}\n", "%YAML 1.1\n---\nlogger:\n...\n", "logger: !!map {level: !!str info, maxAge: !!int 3}\r\n", "{logger: {}, server: {}}" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct buf errors = { 0 };
		struct config *c = NULL;
		if (config_parse("f.yaml", str_from(texts[i]), &c, &errors, NULL))
			fail_msg("%s", buf_cstr(&errors));
		config_free(c);
	}
}

static void test_files(void **state)
{
	struct buf errors = { 0 };
	struct config *c;
	assert_int_equal(config_load("/nonexistent/f.yaml", &c, &errors, NULL), -ENOENT);
	assert_int_equal(config_load("/", &c, &errors, NULL), -EISDIR);
	assert_int_equal(config_load("/dev/zero", &c, &errors, NULL), -EINVAL); /* without an end */
	assert_int_equal(config_load("/dev/null", &c, &errors, NULL), -EINVAL);
	assert_string_equal(buf_cstr(&errors), "/nonexistent/f.yaml: No such file or directory\n/: Is a directory\n/dev/zero: larger than a configuration may be (4 MiB)\n"
					       "/dev/null: the file is empty; 'packetd config' prints one to begin with, and a comment alone means all defaults\n");
	buf_done(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_text), cmocka_unit_test(test_too_much), cmocka_unit_test(test_bombs), cmocka_unit_test(test_many_errors),
		cmocka_unit_test(test_many_wrong_items), cmocka_unit_test(test_cut_everywhere), cmocka_unit_test(test_accepted), cmocka_unit_test(test_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
