/* What is found out about a statement is the same whether or not its like has been seen before. The input is a byte that chooses the
 * dialect and the settings, and a statement; its like differs in digits, and in letters between quotes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/sql_shapes.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void require_same(struct str with, struct str without, const char *what)
{
	if (str_eq(with, without))
		return;
	fprintf(stderr, "fuzz_sql: another %s:\n%.*s\n%.*s\n", what, STR_ARG(with), STR_ARG(without));
	abort();
}

static void compare(struct arena *a, const struct proto_options *opt, enum sql_dialect dialect, struct sql_shapes *shapes, struct str text)
{
	struct sql with, without;
	arena_reset(a);
	sql_read(a, opt, dialect, NULL, text, true, &without);
	sql_read(a, opt, dialect, shapes, text, true, &with);
	require_same(with.statement, without.statement, "statement");
	require_same(with.redacted, without.redacted, "redacted");
	require_same(with.fingerprint, without.fingerprint, "fingerprint");
	require_same(with.operation, without.operation, "operation");
	require_same(with.table, without.table, "table");
	require_same(with.summary, without.summary, "summary");
	if (with.masked != without.masked || with.parameters != without.parameters || with.secret_values != without.secret_values)
		abort();
}

/* Other digits everywhere, and between quotes other letters. */
static char *altered(const u8 *data, size_t n)
{
	char *text = malloc(n + 1), quote = 0;
	for (size_t i = 0; text && i < n; i++) {
		char c = (char)data[i];
		text[i] = c;
		if (c >= '0' && c <= '9')
			text[i] = (char)('0' + (c - '0' + 3) % 10);
		else if (c == '\'' || c == '"')
			quote = c == quote ? 0 : quote ? quote : c;
		else if (quote && ((c | 32) >= 'a' && (c | 32) <= 'z'))
			text[i] = (char)((c & 32) | ('A' + ((c & 31) + 6) % 26));
	}
	return text;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct arena_pool pool;
	static struct arena arena;
	if (!arena.pool) {
		arena_pool_init(&pool, 1 << 20, 8 << 20);
		arena_init(&arena, &pool);
	}
	if (size < 2)
		return 0;
	enum sql_dialect dialect = data[0] & 1 ? SQL_POSTGRESQL : SQL_MYSQL;
	struct proto_options opt = { .details = true, .statement_length = data[0] & 2 ? 40 : 1024, .no_redacted = data[0] & 4, .show_secrets = data[0] & 8 };
	struct sql_shapes *shapes = calloc(1, sizeof(*shapes));
	char *like = altered(data + 1, size - 1);
	if (shapes && like) {
		for (int i = 0; i < 2; i++)
			compare(&arena, &opt, dialect, shapes, str_make(data + 1, size - 1));
		compare(&arena, &opt, dialect, shapes, str_make(like, size - 1));
		compare(&arena, &opt, dialect, shapes, str_make(data + 1, size - 1));
	}
	free(like);
	free(shapes);
	arena_reset(&arena);
	return 0;
}
