/* Regular expressions: against a table, and against the C library's. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>

#include "util/pattern.h"

static bool matches(const char *pattern, const char *text)
{
	struct pattern *p;
	const char *problem;
	u32 at;
	if (pattern_compile(str_from(pattern), &p, &problem, &at) != 0)
		fail_msg("%s: %s at %u", pattern, problem, at);
	struct guarded g = guarded_copy(text, strlen(text));
	bool m = pattern_match(p, str_make(g.p, g.n));
	guarded_free(&g);
	pattern_free(p);
	return m;
}

struct sample {
	const char *pattern, *yes[4], *no[4];
};

static const struct sample samples[] = {
	{ "", { "", "a" }, { 0 } },
	{ "abc", { "abc", "xabcx" }, { "ab", "", "acb" } },
	{ "^abc", { "abc", "abcd" }, { "xabc" } },
	{ "abc$", { "abc", "xabc" }, { "abcx" } },
	{ "^abc$", { "abc" }, { "aabc", "abcc", "" } },
	{ "^$", { "" }, { "a" } },
	{ "^^a$$", { "a" }, { "aa" } },
	{ "a|^b", { "xa", "b", "bx" }, { "xb", "" } },
	{ "(^|/)items(/|$)", { "/items", "items", "/items/3", "a/items" }, { "xitems", "/itemsx" } },
	{ "^a*$", { "", "aaa" }, { "ab" } },
	{ "^a+$", { "a", "aaa" }, { "", "ab" } },
	{ "^a?b$", { "b", "ab" }, { "aab", "a" } },
	{ "^(ab)*c$", { "c", "abc", "ababc" }, { "ac", "abac" } },
	{ "^a{2}$", { "aa" }, { "a", "aaa" } },
	{ "^a{2,}$", { "aa", "aaaa" }, { "a" } },
	{ "^(a|b){1,3}$", { "a", "aba" }, { "", "abab" } },
	{ "^a{0}b$", { "b" }, { "ab" } },
	{ "^(a{2}){2}$", { "aaaa" }, { "aa", "aaa", "aaaaa" } },
	{ "[a-c]x", { "ax", "cx" }, { "dx", "x" } },
	{ "^[^a-c]$", { "d", "\n" }, { "a", "" } },
	{ "^[]a]+$", { "]a" }, { "b" } },
	{ "^[a-]+$", { "-a" }, { "b" } },
	{ "^[[:digit:]_]+$", { "1_2" }, { "a" } },
	{ "^\\d+\\.\\d+$", { "1.5" }, { "1x5", "1." } },
	{ "^\\w+\\s\\S$", { "ab c" }, { "ab  " } },
	{ "^\\D\\W$", { "a." }, { "1.", "aa" } },
	{ "^[\\d\\x41]$", { "7", "A" }, { "B" } },
	{ "\\x00|\\t", { "\t" }, { "t" } },
	{ "(?i)GET /It", { "get /ITEMS" }, { "get/items" } },
	{ "(?i)^[a-c]$", { "B" }, { "D" } },
	{ "(?:a|b)c", { "ac", "bc" }, { "c" } },
	{ "^\xc3\xa9+$", { "\xc3\xa9", "\xc3\xa9\xc3\xa9" }, { "\xc3\xa9\xa9", "\xc3" } },
	{ "a.c", { "abc", "a\nc" }, { "ac" } },
	{ "^(a*)*$", { "", "aa" }, { "b" } },
	{ "(a|)b", { "b", "ab" }, { "a" } },
	{ "^()$", { "" }, { "a" } },
	{ "a)", { "a)" }, { "a" } },
	{ "5[0-9][0-9]", { "503" }, { "404" } },
};

static void test_table(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct sample *s = &samples[i];
		for (size_t k = 0; k < ARRAY_LEN(s->yes); k++) {
			if (s->yes[k] && !matches(s->pattern, s->yes[k]))
				fail_msg("%s does not match \"%s\"", s->pattern, s->yes[k]);
			if (s->no[k] && matches(s->pattern, s->no[k]))
				fail_msg("%s matches \"%s\"", s->pattern, s->no[k]);
		}
	}
}

static void test_errors(void **state)
{
	static const char *const bad[] = { "(", "(a", "[", "[a", "[z-a]", "*a", "a|*", "(+)", "a{", "a{1", "a{2,1}", "a{x}", "a{300}", "\\", "\\b", "\\1", "\\x4", "[[:foo:]]", "[\xc3\xa9]", "[\\q]" };
	struct pattern *p;
	const char *problem;
	u32 at;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (pattern_compile(str_from(bad[i]), &p, &problem, &at) != -EINVAL)
			fail_msg("taken for valid: %s", bad[i]);
		assert_null(p);
		assert_non_null(problem);
		assert_true(at <= strlen(bad[i]));
	}
	assert_int_equal(pattern_compile(STR("ab[z-a]"), &p, &problem, &at), -EINVAL);
	assert_int_equal(at, 6);
}

/* Patterns that others choke on are refused, or matched in time that grows with the text only. */
static void test_hostile(void **state)
{
	struct pattern *p;
	const char *problem;
	u32 at;
	char text[100000];
	static const char *const too_large[] = { "a{255}{255}", "((((a{9}){9}){9}){9}){9}", "(){255}{255}{255}", "a{200}b{200}c{200}" };
	for (size_t i = 0; i < ARRAY_LEN(too_large); i++)
		assert_int_equal(pattern_compile(str_from(too_large[i]), &p, &problem, &at), -EINVAL);
	memset(text, '(', sizeof(text));
	assert_int_equal(pattern_compile(str_make(text, sizeof(text)), &p, &problem, &at), -EINVAL);
	memset(text, 'a', sizeof(text));
	assert_int_equal(pattern_compile(str_make(text, sizeof(text)), &p, &problem, &at), -EINVAL);
	memset(text, '*', sizeof(text));
	text[0] = 'a';
	assert_int_equal(pattern_compile(str_make(text, 1000), &p, &problem, &at), -EINVAL);
	assert_int_equal(pattern_compile(str_make(text, 20), &p, &problem, &at), 0);
	pattern_free(p);
	memset(text, 'a', sizeof(text));
	assert_int_equal(pattern_compile(STR("^(a|a)*(a|aa)+(a*)*b"), &p, &problem, &at), 0);
	assert_false(pattern_match(p, str_make(text, sizeof(text))));
	pattern_free(p);
}

static u64 next_random(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Random patterns of few symbols on random texts agree with regexec. */
static void test_against_libc(void **state)
{
	static const char *const pieces[] = { "a", "b", "c", "(", ")", "|", "*", "+", "?", ".", "[ab]", "[^a]", "^", "$", "{2}", "{0,2}", "ab" };
	u64 seed = 11;
	int compared = 0;
	for (int i = 0; i < 60000; i++) {
		char pattern[64], text[12];
		size_t used = 0;
		unsigned n = 1 + next_random(&seed) % 7;
		for (unsigned k = 0; k < n; k++)
			used += (size_t)snprintf(pattern + used, sizeof(pattern) - used, "%s", pieces[next_random(&seed) % ARRAY_LEN(pieces)]);
		/* what POSIX leaves undefined: anchors in the middle or repeated, empty alternatives, stray parentheses */
		if (strpbrk(pattern + 1, "^") || (strchr(pattern, '$') && strchr(pattern, '$')[1]) || strstr(pattern, "^*") || strstr(pattern, "^+") || strstr(pattern, "^?") ||
		    strstr(pattern, "^{") || strstr(pattern, "()"))
			continue;
		struct pattern *p;
		const char *problem;
		u32 at;
		regex_t re;
		if (pattern_compile(str_from(pattern), &p, &problem, &at) != 0)
			continue;
		if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) == 0) {
			for (int t = 0; t < 20; t++) {
				unsigned len = next_random(&seed) % 10;
				for (unsigned k = 0; k < len; k++)
					text[k] = "abcd"[next_random(&seed) % 4];
				text[len] = '\0';
				bool expected = regexec(&re, text, 0, NULL, 0) == 0;
				if (pattern_match(p, str_make(text, len)) != expected)
					fail_msg("%s on \"%s\": expected %d", pattern, text, expected);
				compared++;
			}
			regfree(&re);
		}
		pattern_free(p);
	}
	assert_true(compared > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_against_libc),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
