/* The memory of statements' shapes: what has a skeleton, what is kept, and that a finding made without memory is not. That it changes
 * nothing of what is found is tested with all samples of sql_test.c, and by fuzz_sql. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/sql_shapes.h"

static struct arena_pool pool;
static struct arena arena;
static const struct proto_options usual = { .details = true, .statement_length = 1024 };

static bool is_known(const struct sql_shapes *shapes, enum sql_dialect dialect, const char *text)
{
	struct sql_skeleton k;
	struct sql sql;
	return sql_skeleton_make(&k, dialect, str_from(text), usual.statement_length << 1) && sql_shapes_find(shapes, &k, &arena, &sql);
}

static void see(struct sql_shapes *shapes, enum sql_dialect dialect, const char *text)
{
	struct sql sql;
	sql_read(&arena, &usual, dialect, shapes, str_from(text), true, &sql);
}

static void learnt(void **state)
{
	struct sql_shapes *shapes = calloc(1, sizeof(*shapes));
	see(shapes, SQL_MYSQL, "SELECT a FROM t WHERE id = 5 AND b = 'x'");
	assert_false(is_known(shapes, SQL_MYSQL, "SELECT a FROM t WHERE id = 5 AND b = 'x'"));
	see(shapes, SQL_MYSQL, "SELECT a FROM t WHERE id = 77 AND b = 'it''s \\' another'");
	assert_true(is_known(shapes, SQL_MYSQL, "SELECT a FROM t WHERE id = 1.5 AND b = ''"));
	for (int i = 0; i < 2; i++)
		see(shapes, SQL_MYSQL, "SELECT 1 /*traceparent='00-1-2-01'*/");
	assert_true(is_known(shapes, SQL_MYSQL, "SELECT 1 /*traceparent='00-3-4-01'*/"));
	assert_false(is_known(shapes, SQL_MYSQL, "SELECT 1"));
	assert_false(is_known(shapes, SQL_MYSQL, "SELECT a FROM t2 WHERE id = 5 AND b = 'x'"));
	assert_false(is_known(shapes, SQL_MYSQL, "SELECT a FROM t WHERE id = 'x' AND b = 5"));
	assert_false(is_known(shapes, SQL_POSTGRESQL, "SELECT a FROM t WHERE id = 5 AND b = 'x'"));
	free(shapes);
	arena_reset(&arena);
}

/* Where a literal begins or ends is not certain, the text is long, or it holds the marks. */
static void without_skeleton(void **state)
{
	static const char *const texts[] = { "select 1 -- 2", "select /*! 1 */ 2", "select /*M! 1 */ 2", "select /* 1", "select /*/ 1", "select /* /* 1 */ */ 2", "select 0x1f", "select 1e5", "select .5", "select N'a'", "select _utf8'a'", "select @'a'", "select \1", "select `\2`" };
	static const char *const postgresql[] = { "select $tag$ 'a $tag$", "select E'a'", "select U&'a'", "select $a" };
	struct sql_skeleton k;
	char many[SQL_SKELETON_MAX + 2] = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (sql_skeleton_make(&k, SQL_MYSQL, str_from(texts[i]), 0))
			fail_msg("%s", texts[i]);
	for (size_t i = 0; i < ARRAY_LEN(postgresql); i++)
		if (sql_skeleton_make(&k, SQL_POSTGRESQL, str_from(postgresql[i]), 0))
			fail_msg("%s", postgresql[i]);
	assert_false(sql_skeleton_make(&k, SQL_MYSQL, STR("select 1 # 2"), 0));
	assert_true(sql_skeleton_make(&k, SQL_POSTGRESQL, STR("select 1 # 2, $1, \"a\""), 0));
	memset(many, 'a', sizeof(many) - 1);
	assert_false(sql_skeleton_make(&k, SQL_MYSQL, str_from(many), 0));
	many[SQL_SKELETON_MAX] = 0;
	assert_true(sql_skeleton_make(&k, SQL_MYSQL, str_from(many), 0));
	for (size_t i = 0; i < sizeof(many) - 2; i++)
		many[i] = i % 2 ? ',' : '1';
	assert_true(sql_skeleton_make(&k, SQL_MYSQL, str_from(many), 0));
}

/* What depends on the literals is found anew each time. */
static void not_kept(void **state)
{
	struct sql_shapes *shapes = calloc(1, sizeof(*shapes));
	struct sql sql;
	for (int i = 0; i < 3; i++) {
		see(shapes, SQL_MYSQL, "set password = 'secret'");
		see(shapes, SQL_MYSQL, "prepare s from 'select 1'");
	}
	assert_false(is_known(shapes, SQL_MYSQL, "set password = 'secret'"));
	assert_false(is_known(shapes, SQL_MYSQL, "prepare s from 'select 1'"));
	sql_read(&arena, &usual, SQL_MYSQL, shapes, STR("prepare s from 'create user a identified by \"b\"'"), true, &sql);
	assert_true(sql.masked);
	free(shapes);
	arena_reset(&arena);
}

static void not_kept_without_memory(void **state)
{
	struct sql_shapes *shapes = calloc(1, sizeof(*shapes));
	struct arena_pool none;
	struct arena empty;
	struct sql sql;
	arena_pool_init(&none, 0, 0);
	arena_init(&empty, &none);
	for (int i = 0; i < 3; i++)
		sql_read(&empty, &usual, SQL_MYSQL, shapes, STR("select 1"), true, &sql);
	assert_false(is_known(shapes, SQL_MYSQL, "select 1"));
	arena_pool_done(&none);
	free(shapes);
}

/* More shapes than places: the oldest go, what is found stays right. */
static void replaced(void **state)
{
	struct sql_shapes *shapes = calloc(1, sizeof(*shapes));
	char text[64], want[64];
	u32 known = 0;
	for (int i = 0; i < 4000; i++) {
		for (int times = 0; times < 3; times++) {
			struct sql sql;
			snprintf(text, sizeof(text), "SELECT c FROM t%d WHERE id = %d", i / 2, times);
			snprintf(want, sizeof(want), "select c from t%d where id = ?", i / 2);
			arena_reset(&arena);
			sql_read(&arena, &usual, SQL_MYSQL, shapes, str_from(text), true, &sql);
			assert_true(str_eq(sql.fingerprint, str_from(want)));
		}
	}
	for (int i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "SELECT c FROM t%d WHERE id = 1", i);
		known += is_known(shapes, SQL_MYSQL, text);
	}
	assert_int_equal(known, SQL_SHAPES);
	free(shapes);
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(learnt), cmocka_unit_test(without_skeleton), cmocka_unit_test(not_kept), cmocka_unit_test(not_kept_without_memory), cmocka_unit_test(replaced),
	};
	arena_pool_init(&pool, 1 << 20, 8 << 20);
	arena_init(&arena, &pool);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_pool_done(&pool);
	return failed;
}
