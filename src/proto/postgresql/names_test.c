/* Names of statements: confirmed, refused, forgotten; nothing grows without end. */
#include "unit.h"

#include <stdio.h>

#include "proto/postgresql/names.h"

static struct pg_text *spare;

static struct pg_text *text_new(const char *text)
{
	const struct sql sql = { .statement = str_from(text), .fingerprint = str_from(text) };
	return pg_text_new(&spare, &sql, 0);
}

static struct pg_names names_new(u32 max)
{
	return (struct pg_names){ .max = max, .spare = &spare };
}

static u32 put(struct pg_names *t, const char *name, const char *text, bool confirmed)
{
	struct pg_text *x = text_new(text);
	u32 serial = pg_names_put(t, str_from(name), x, confirmed);
	pg_text_unref(&spare, x);
	return serial;
}

static void check(struct pg_names *t, const char *name, const char *text)
{
	struct pg_name *found = pg_names_find(t, str_from(name));
	if (!text) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_true(str_eq(found->now->sql.statement, str_from(text)));
	assert_true(str_eq(found->now->sql.fingerprint, str_from(text)));
}

static void done(struct pg_names *t)
{
	pg_names_done(t);
	assert_int_equal(t->bytes, 0);
	free(spare);
	spare = NULL;
}

static void confirmed_and_refused(void **state)
{
	(void)state;
	struct pg_names t = names_new(8);
	pg_names_confirm(&t, put(&t, "a", "one", false));
	u32 second = put(&t, "a", "two", false);
	check(&t, "a", "two");
	pg_names_refuse(&t, second);
	check(&t, "a", "one");
	pg_names_refuse(&t, put(&t, "b", "three", false));
	check(&t, "b", NULL);
	put(&t, "", "four", false);
	pg_names_refuse(&t, put(&t, "", "five", false)); /* a Parse ends the unnamed one in any case */
	check(&t, "", NULL);
	pg_names_drop(&t, STR("a"));
	check(&t, "a", NULL);
	done(&t);
}

static void doubted(void **state)
{
	(void)state;
	struct pg_names t = names_new(8);
	put(&t, "a", "one", true);
	put(&t, "", "two", true);
	pg_names_doubt(&t);
	assert_true(pg_names_find(&t, STR("a"))->doubtful);
	check(&t, "", NULL);
	put(&t, "a", "three", false);
	assert_false(pg_names_find(&t, STR("a"))->doubtful);
	pg_names_doubt_unconfirmed(&t);
	assert_true(pg_names_find(&t, STR("a"))->doubtful);
	done(&t);
}

static void bounded(void **state)
{
	(void)state;
	char name[16];
	struct pg_names t = names_new(16);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		put(&t, name, name, i % 2);
		check(&t, "s0", i < 900 ? "s0" : NULL); /* used all the time, then dropped */
		if (i == 899)
			pg_names_drop(&t, STR("s0"));
		if (i == 899)
			check(&t, "s0", NULL);
		assert_true(t.n <= 16);
	}
	check(&t, "s999", "s999");
	check(&t, "s900", NULL);
	done(&t);
}

static void bounded_in_bytes(void **state)
{
	(void)state;
	static char text[64 * KIB];
	char name[16];
	struct pg_names t = names_new(PG_STATEMENTS_MAX);
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		put(&t, name, text, true);
		assert_true(t.bytes <= PG_TEXTS_MAX);
	}
	check(&t, "s99", text);
	done(&t);
}

/* Statements of one length, one after the other, as drivers send them: after the first two nothing is allocated. */
static void memory_is_reused(void **state)
{
	(void)state;
	struct pg_names t = names_new(8), portals = names_new(8);
	const struct pg_text *seen[3] = { 0 };
	for (int i = 0; i < 30; i++) {
		put(&t, "", i % 2 ? "select 1" : "select 2", false);
		struct pg_text *now = pg_names_find(&t, STR(""))->now;
		pg_names_put(&portals, STR(""), now, true);
		int known = 0;
		while (known < 2 && seen[known] && seen[known] != now)
			known++;
		assert_true(seen[known] == now || !seen[known]);
		seen[known] = now;
	}
	pg_names_done(&portals);
	done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(confirmed_and_refused), cmocka_unit_test(doubted), cmocka_unit_test(bounded), cmocka_unit_test(bounded_in_bytes),
		cmocka_unit_test(memory_is_reused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
