/* What exporters make of bytes from elsewhere: texts of the traffic on their way to a back end, and what back ends answer.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "export/attrs.h"
#include "export/statement.h"
#include "export/verdict.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_export: %s\n", what);
	abort();
}

/* Cleaned text is valid: cleaning it again gives itself, not a copy. */
static void check_clean(struct str s)
{
	struct buf scratch = { 0 }, again = { 0 };
	struct str once = pb_clean(s, &scratch), twice = pb_clean(once, &again);
	require(once.n <= 3 * PB_STRING_MAX, "a string is not cut");
	require(once.n > PB_STRING_MAX || str_eq(once, twice), "a cleaned string is not clean");
	buf_done(&scratch);
	buf_done(&again);
}

static bool has_quote(struct str s, char quote)
{
	return s.n && memchr(s.p, quote, s.n);
}

static void check_statement(struct str s)
{
	static const char *const names[] = { "mysql", "postgresql", "redis", "mongodb" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct proto p = { .name = names[i] };
		struct buf scratch = { 0 };
		struct str safe = statement_safe(&scratch, &p, s);
		require(safe.n <= s.n + 1, "a statement without its literals is longer");
		if (i < 2 && s.n && s.p[0] != '{' && s.p[0] != '[' && !has_quote(s, '`') && !has_quote(s, '"'))
			require(!has_quote(safe, '\''), "a text is left in a statement");
		buf_done(&scratch);
	}
	struct buf scratch = { 0 };
	struct str safe = message_safe(&scratch, s);
	require(safe.n <= s.n + 1, "a message without what it quotes is longer");
	require(!has_quote(safe, '"') && !has_quote(safe, '`') && !has_quote(safe, '{'), "a quotation is left in a message");
	buf_done(&scratch);
}

static void walk(struct str s, int depth)
{
	struct pb_field f;
	while (pb_next(&s, &f))
		if (f.wire == PB_LEN && depth < 8)
			walk(f.bytes, depth + 1);
}

static void check_answer(struct str s)
{
	struct http_answer a = { .status = 200, .grpc_status = 8 };
	struct outbox_result r = { 0 };
	size_t n = MIN(s.n, sizeof(a.grpc_details) - 1);
	memcpy(a.grpc_details, s.p, n);
	memcpy(a.grpc_message, s.p, MIN(n, sizeof(a.grpc_message) - 1));
	verdict_grpc(&r, "http://back.end/", &a);
	require(r.verdict == OUTBOX_RETRY || r.verdict == OUTBOX_LARGE, "an exhausted server is neither");
	require(r.retry_after <= 3601 * NS_PER_SEC, "a wait without an end");
	a.status = 503;
	buf_add(&a.body, s.p, s.n);
	verdict_http(&r, "http://back.end/", &a);
	require(strlen(r.text) < sizeof(r.text), "a text without an end");
	buf_done(&a.body);
	http_retry_after(a.grpc_details, 784111777ull * NS_PER_SEC);
	header_is_secret(s);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (size == 0 || size > 100000)
		return 0;
	struct str s = str_make(data, size);
	check_clean(s);
	check_statement(s);
	walk(s, 0);
	check_answer(s);
	return 0;
}
