/* Bytes into text: JSON strings, JSON texts, terminal lines, patterns, times and durations. Whatever the bytes, what is
 * written is valid, and what is said about it agrees. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "util/json.h"
#include "util/pattern.h"
#include "util/textline.h"
#include "util/timefmt.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_text: %s\n", what);
	abort();
}

static void check_json(struct str s)
{
	struct buf once = { 0 }, twice = { 0 };
	json_str(&once, s);
	require(json_valid(once.data, once.len), "a string is no valid JSON");
	require(!memchr(once.data, '\n', once.len), "a string has a newline inside");
	once.len = 0;
	bool compact = json_compact(&once, s.p, s.n);
	require(compact == json_valid(s.p, s.n), "json_compact and json_valid disagree");
	require(compact || once.len == 0, "something was written for an invalid text");
	if (compact) {
		require(!memchr(once.data, '\n', once.len), "a compacted text has a newline inside");
		require(json_compact(&twice, once.data, once.len), "a compacted text is invalid");
		require(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0, "compacting again changes it");
	}
	buf_done(&once);
	buf_done(&twice);
}

static void check_line(struct str s, unsigned columns)
{
	struct buf out = { 0 };
	unsigned used = text_clean(&out, s, columns);
	require(used <= columns, "more columns than there are");
	require(text_width((struct str){ out.data, (u32)out.len }) == used, "another width than was said");
	for (size_t i = 0; i < out.len; i++)
		require((u8)out.data[i] >= ' ' && out.data[i] != 0x7f, "a control character");
	out.len = 0;
	require(text_clean(&out, s, TEXT_WHOLE) == text_width(s), "text_width and text_clean disagree");
	text_caret(&out, s, columns, columns);
	buf_done(&out);
}

static void check_pattern(struct str pattern, struct str text)
{
	struct pattern *p;
	const char *problem;
	u32 at;
	int result = pattern_compile(pattern, &p, &problem, &at);
	require((result == 0) == (p != NULL), "a result that is neither a pattern nor an error");
	require(at <= pattern.n, "an error behind the end");
	if (p)
		require(pattern_match(p, text) == pattern_match(p, text), "another answer the second time");
	pattern_free(p);
}

static void check_times(struct str s)
{
	struct buf out = { 0 };
	u64 ns, again;
	if (duration_parse(s, &ns)) {
		duration_go(&out, ns);
		require(duration_parse(str_make(out.data, out.len), &again) && again == ns, "a duration does not read back");
	}
	out.len = 0;
	if (time_parse(s, &ns)) {
		time_rfc3339(&out, ns);
		require(time_parse(str_make(out.data, out.len), &again) && again == ns, "a time does not read back");
	}
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (size < 2 || size > 60000)
		return 0;
	struct str s = str_make(data + 2, size - 2);
	u32 cut = MIN(data[0], s.n);
	check_json(s);
	check_line(s, data[1]);
	check_pattern((struct str){ s.p, cut }, (struct str){ s.p + cut, s.n - cut });
	check_times(s);
	return 0;
}
