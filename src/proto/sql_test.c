/* What is made of statements: texts to show and to send away, names, secrets. */
#include "unit.h"

#include <stdio.h>

#include "proto/sql_shapes.h"

static struct arena_pool pool;
static struct arena arena;

static const struct proto_options usual = { .details = true, .statement_length = 1024 };
static const struct proto_options open_book = { .details = true, .statement_length = 1024, .show_secrets = true };

static void same(struct str got, const char *want, const char *of)
{
	if (!str_eq(got, str_from(want)))
		fail_msg("%s\n  gives %.*s\n  not   %s", of, STR_ARG(got), want);
}

static void both_same(struct str with, struct str without, const char *of)
{
	if (!str_eq(with, without))
		fail_msg("%s\n  gives %.*s\n  not   %.*s", of, STR_ARG(with), STR_ARG(without));
}

/* Seen twice before, or not: the same is found. */
static void with_shapes(const struct proto_options *opt, enum sql_dialect dialect, struct str text, const struct sql *without, const char *of)
{
	static struct sql_shapes shapes;
	struct sql sql;
	for (int i = 0; i < 3; i++) {
		sql_read(&arena, opt, dialect, &shapes, text, true, &sql);
		both_same(sql.statement, without->statement, of);
		both_same(sql.redacted, without->redacted, of);
		both_same(sql.fingerprint, without->fingerprint, of);
		both_same(sql.operation, without->operation, of);
		both_same(sql.table, without->table, of);
		both_same(sql.summary, without->summary, of);
		assert_int_equal(sql.masked, without->masked);
		assert_int_equal(sql.parameters, without->parameters);
		assert_int_equal(sql.secret_values, without->secret_values);
	}
}

/* The statement lies before a page that cannot be read. */
static struct sql read_with(const struct proto_options *opt, enum sql_dialect dialect, const char *text, bool whole)
{
	struct guarded g = guarded_copy(text, strlen(text));
	struct sql sql;
	arena_reset(&arena);
	sql_read(&arena, opt, dialect, NULL, str_make(g.p, g.n), whole, &sql);
	if (whole)
		with_shapes(opt, dialect, str_make(g.p, g.n), &sql, text);
	guarded_free(&g);
	return sql;
}

static struct sql read_one(enum sql_dialect dialect, const char *text)
{
	return read_with(&usual, dialect, text, true);
}

static void mysql_is(const char *text, const char *fingerprint)
{
	same(read_one(SQL_MYSQL, text).fingerprint, fingerprint, text);
}

static void postgresql_is(const char *text, const char *fingerprint)
{
	same(read_one(SQL_POSTGRESQL, text).fingerprint, fingerprint, text);
}

static void both_are(const char *text, const char *fingerprint)
{
	mysql_is(text, fingerprint);
	postgresql_is(text, fingerprint);
}

static void literals(void **state)
{
	both_are("SELECT c FROM sbtest1 WHERE id=4711", "select c from sbtest1 where id = ?");
	both_are("select  C\n from sbtest1\twhere ID =  -4.5e-3 ;", "select c from sbtest1 where id = ?");
	both_are("select 'it''s', .5, 0x1F, 1.", "select ?, ?, ?, ?");
	both_are("select x - 1, -1, 3+ -4, (-5), a-b, a - -1", "select x - ?, ?, ? + ?, (?), a - b, a - ?");
	both_are("select a from t where b is null and c is not null and d = null", "select a from t where b is null and c is not null and d = ?");
	both_are("select t1.c2, count( * ) , t.* from t1", "select t1.c2, count(*), t.* from t1");
	both_are("select 1;select 2;", "select ?; select ?");
	mysql_is("select \"a\\\"b\", 'a\\'b', 'a' 'b', _utf8mb4'x', X'4142', b'01', N'x'", "select ?, ?, ?, ?, ?, ?, ?");
	mysql_is("select `a``b`, @v, @@global.x, @'w' from `T`", "select `a``b`, @v, @@global.x, @'w' from `T`");
	mysql_is("select ? from 1st where a<=>2 and b:=c->>'$.x'", "select ? from 1st where a <=> ? and b := c ->> ?");
	mysql_is("create user 'u'@'h', v@localhost", "create user ?@?, v@localhost");
	postgresql_is("select \"A\", 'a\\', E'a\\'b', U&'x', $$it's$$, $a$ $b$ $a$, B'1', $1", "select \"A\", ?, ?, ?, ?, ?, ?, ?");
	postgresql_is("select a::int, '{}'::jsonb->'x', b @> '{}', x[1:2], 1_000", "select a::int, ?::jsonb -> ?, b @> ?, x[? : ?], ?");
	postgresql_is("select a ? 'k' from \"Order Lines\"", "select a ? ? from \"Order Lines\"");
	both_are("", "");
	both_are(" ; ", "");
	both_are("'", "?");
	both_are(")))((", "))) ((");
}

static void comments(void **state)
{
	both_are("/* app:1 */ select 1 -- why\n from t /* x */", "select ? from t");
	mysql_is("select 1 # why\n from t", "select ? from t");
	mysql_is("select 5--1", "select ? - ?");
	mysql_is("select /*!50001 straight_join */ a /*M! from t */ where b", "select straight_join a from t where b");
	postgresql_is("select 5--1", "select ?");
	postgresql_is("select /* a /* b */ c */ 1", "select ?");
	mysql_is("select /* a /* b */ 1", "select ?");
	both_are("select 1 /* never ends", "select ?");
	same(read_one(SQL_MYSQL, "/* trace 1 */SELECT  A,\n'x' -- it\nFROM t").redacted, "SELECT A, ? FROM t", "comments are not sent away");
}

static void lists(void **state)
{
	both_are("select a from t where b in (1)", "select a from t where b in (?)");
	both_are("select a from t where b IN(1,2 , 3)", "select a from t where b in (?)");
	both_are("select a from t where (b,c) in ((1,2),(3,4),(5,6)) and d", "select a from t where (b, c) in ((?, ?)) and d");
	both_are("select a from t where b in (1, x, 2, 3)", "select a from t where b in (?, x, ?)");
	both_are("insert into t (a,b) values (1,'x')", "insert into t(a, b) values (?, ?)");
	both_are("insert into t(a,b) VALUES (1,'x'),(2,NULL), (DEFAULT,'z')", "insert into t(a, b) values (?, ?)");
	both_are("insert into t values (1,now()),(2,now()) on conflict do nothing", "insert into t values (?, now()) on conflict do nothing");
	both_are("insert into t values (1,now()),(2,3),(4,5)", "insert into t values (?, now()), (?, ?)");
	both_are("select f(1, 2, 3)", "select f(?, ?, ?)");
	mysql_is("insert into t values (1) on duplicate key update a=values(a), b=VALUES ( b )",
		 "insert into t values (?) on duplicate key update a = values (a), b = values (b)");
	mysql_is("values row(1,2), row(3,4)", "values row(?, ?)");
	mysql_is("insert into t value (1),(2)", "insert into t value (?)");
	postgresql_is("select array[1,2,3], a[1]", "select array[?], a[?]");
	both_are("select a in (select 1 where b in (1,2)), c", "select a in (select ? where b in (?)), c");
}

static void long_lists(void **state)
{
	static char text[60000];
	struct str shown;
	size_t n = (size_t)snprintf(text, sizeof(text), "insert into t(a, b) values (1, 'x')");
	while (n < sizeof(text) - 40)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ", (%zu, 'a value')", n);
	mysql_is(text, "insert into t(a, b) values (?, ?)");
	same(read_with(&usual, SQL_MYSQL, text, false).fingerprint, "insert into t(a, b) values (?, ?)", "cut rows");
	shown = read_with(&usual, SQL_MYSQL, text, false).statement;
	assert_int_equal(shown.n, 1024);
	n = (size_t)snprintf(text, sizeof(text), "select a from t where b in (1");
	while (n < sizeof(text) - 40)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",%zu", n);
	mysql_is(text, "select a from t where b in (?");
	memset(text, '(', sizeof(text) - 1);
	assert_int_equal(read_one(SQL_POSTGRESQL, text).fingerprint.n, 1024);
}

static void cuts(void **state)
{
	const struct proto_options narrow = { .details = true, .statement_length = 10 };
	same(read_with(&narrow, SQL_MYSQL, "select '\xc3\xa4\xc3\xa4\xc3\xa4'", true).statement, "select '\xc3\xa4", "not within a character");
	same(read_with(&narrow, SQL_MYSQL, "select abc, def from t", true).fingerprint, "select abc", "cut");
	same(read_with(&usual, SQL_MYSQL, "select a from tab", false).fingerprint, "select a from", "the last word may go on");
	same(read_with(&usual, SQL_MYSQL, "select a from tab", true).fingerprint, "select a from tab", "whole");
	same(read_with(&usual, SQL_MYSQL, "select a, 'tab", false).fingerprint, "select a, ?", "literal cut");
}

static void masked(enum sql_dialect dialect, const char *text, const char *statement)
{
	struct sql sql = read_one(dialect, text);
	same(sql.statement, statement, text);
	assert_true(sql.masked);
	assert_null(memmem(sql.redacted.p, sql.redacted.n, "secret", 6));
	sql = read_with(&open_book, dialect, text, true);
	same(sql.statement, text, "secrets wanted");
	assert_false(sql.masked);
}

static void kept(enum sql_dialect dialect, const char *text)
{
	struct sql sql = read_one(dialect, text);
	same(sql.statement, text, "nothing to hide");
	assert_false(sql.masked);
}

static void secrets_mysql(void **state)
{
	static const char *const both[][2] = {
		{ "CREATE USER 'u'@'h' IDENTIFIED BY 'secret'", "CREATE USER 'u'@'h' IDENTIFIED BY '***'" },
		{ "create user u identified with 'plugin' by \"secret\" require ssl", "create user u identified with 'plugin' by '***' require ssl" },
		{ "create user u identified by 'secret', 'v'@'%' identified by 'se''cret' account lock", "create user u identified by '***', 'v'@'%' identified by '***' account lock" },
		{ "GRANT ALL ON *.* TO u IDENTIFIED BY PASSWORD '*secret' WITH GRANT OPTION", "GRANT ALL ON *.* TO u IDENTIFIED BY PASSWORD '***' WITH GRANT OPTION" },
		{ "alter user u identified via ed25519 using 'secret' or p using password('secret')", "alter user u identified via ed25519 using '***' or p using password('***')" },
		{ "create user u identifed by 'secret'", "create user u identifed by '***'" }, /* as people type it */
		{ "alter user u identified by 'secret' replace 'secret'", "alter user u identified by '***' replace '***'" },
		{ "alter user u identified with p as 0x736563726574", "alter user u identified with p as '***'" },
		{ "SET PASSWORD = 'secret'", "SET PASSWORD = '***'" },
		{ "set password for 'u'@'h' = password('secret')", "set password for 'u'@'h' = password('***')" },
		{ "set password = 'secret' replace 'secret'", "set password = '***' replace '***'" },
		{ "SELECT 1; SET PASSWORD='secret'", "SELECT 1; SET PASSWORD='***'" },
		{ "/* x */ SET /*!40101 PASSWORD */ = 'secret'", "/* x */ SET /*!40101 PASSWORD */ = '***'" },
		{ "change master to master_host='h', master_password='secret'", "change master to master_host='h', master_password='***'" },
		{ "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = 'secret', SOURCE_PORT=1", "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = '***', SOURCE_PORT=1" },
		{ "start slave user='u' password='secret'", "start slave user='u' password='***'" },
		{ "create server s foreign data wrapper mysql options (user 'u', password 'secret')", "create server s foreign data wrapper mysql options (user 'u', password '***')" },
		{ "clone instance from 'u'@'h':3306 identified by 'secret'", "clone instance from 'u'@'h':3306 identified by '***'" },
		{ "select password('secret'), 'x'", "select password('***'), 'x'" },
		{ "insert into t values (aes_encrypt('secret', 'secret'), 'x')", "insert into t values (aes_encrypt('***', '***'), 'x')" },
		{ "prepare s from 'set password = ''secret'''", "prepare s from '***'" },
		{ "execute immediate 'alter user u identified by \"secret\"'", "execute immediate '***'" },
		{ "set @s = 'create user u identified by \\'secret\\''", "set @s = '***'" },
		{ "set global wsrep_sst_auth = 'sst:secret'", "set global wsrep_sst_auth = '***'" },
		{ "create table t (a int) engine=federated connection='mysql://u:secret@h/d/t'", "create table t (a int) engine=federated connection='***'" },
		{ "create user u identified by 'secret", "create user u identified by '***'" },
	};
	for (size_t i = 0; i < ARRAY_LEN(both); i++)
		masked(SQL_MYSQL, both[i][0], both[i][1]);
	kept(SQL_MYSQL, "select * from users where password = 'x' and identified = 'y'");
	kept(SQL_MYSQL, "update users set password = 'x' where name = 'y'");
	kept(SQL_MYSQL, "create user 'u'@'h' account lock comment 'x'");
	kept(SQL_MYSQL, "set names 'utf8mb4'");
	kept(SQL_MYSQL, "create table t (password varchar(20) default 'x', b text)");
}

static void secrets_postgresql(void **state)
{
	static const char *const both[][2] = {
		{ "CREATE ROLE r LOGIN PASSWORD 'secret' VALID UNTIL '2030-01-01'", "CREATE ROLE r LOGIN PASSWORD '***' VALID UNTIL '2030-01-01'" },
		{ "alter user u with encrypted password $$secret$$", "alter user u with encrypted password '***'" },
		{ "ALTER ROLE r PASSWORD E'se\\'cret'", "ALTER ROLE r PASSWORD '***'" },
		{ "create user mapping for u server s options (user 'u', password 'secret')", "create user mapping for u server s options (user 'u', password '***')" },
		{ "alter system set primary_conninfo = 'user=r password=secret'", "alter system set primary_conninfo = '***'" },
		{ "create subscription s connection 'host=h password=secret' publication p", "create subscription s connection '***' publication p" },
		{ "select * from dblink('host=h password=secret', 'select 1')", "select * from dblink('***', '***')" },
		{ "do $$ begin execute 'alter role r password ''secret'''; end $$", "do '***'" },
		{ "select pgp_sym_encrypt(a, 'secret') from t", "select pgp_sym_encrypt(a, '***') from t" },
	};
	for (size_t i = 0; i < ARRAY_LEN(both); i++)
		masked(SQL_POSTGRESQL, both[i][0], both[i][1]);
	kept(SQL_POSTGRESQL, "alter role r password null");
	kept(SQL_POSTGRESQL, "select 'password' as x, 'y'");
	kept(SQL_POSTGRESQL, "set search_path = 'a', 'b'");
	kept(SQL_POSTGRESQL, "do $$ begin perform 1; end $$");
}

/* Statements within statements: what is prepared or executed by a name, put together from strings, or given values. */
static void prepared(void **state)
{
	static const char *const both[][3] = { /* text, as it is shown, fingerprint */
		{ "PREPARE s FROM 'select * from t where a = 1'", NULL, "prepare s from ?" },
		{ "PREPARE s FROM 'CREATE USER u IDENTIFIED BY ''secret'''", "PREPARE s FROM '***'", "prepare s from ?" },
		{ "prepare s from \"ALTER USER u IDENTIFIED BY 'secret'\"", "prepare s from '***'", "prepare s from ?" },
		{ "prepare `s` from concat('create user u identified by ', quote('secret'))", "prepare `s` from concat('***', quote('***'))", "prepare `s` from concat(?, quote(?))" },
		{ "prepare s from @text", NULL, "prepare s from @text" },
		{ "execute s using @a, @b", NULL, "execute s using @a, @b" },
		{ "deallocate prepare s", NULL, "deallocate prepare s" },
		{ "execute immediate 'set password = password(''secret'')'", "execute immediate '***'", "execute immediate ?" },
		{ "execute immediate 'alter user x identified by ?' using 'secret'", "execute immediate '***' using '***'", "execute immediate ? using ?" },
		{ "execute immediate 'select ?' using 'x'", NULL, "execute immediate ? using ?" },
		{ "set @s = concat('create user u identified by ''', 'secret', ''''); select 'x'", "set @s = concat('***', '***', '***'); select 'x'",
		  "set @s = concat(?, ?, ?); select ?" },
	};
	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		struct sql sql = read_one(SQL_MYSQL, both[i][0]);
		same(sql.statement, both[i][1] ? both[i][1] : both[i][0], both[i][0]);
		same(sql.fingerprint, both[i][2], both[i][0]);
		assert_null(memmem(sql.redacted.p, sql.redacted.n, "secret", 6));
	}
	same(read_one(SQL_POSTGRESQL, "PREPARE p (int, text) AS select * from t where a = $1 and b = 'x'").fingerprint,
	     "prepare p(int, text) as select * from t where a = ? and b = ?", "as");
	same(read_one(SQL_POSTGRESQL, "EXECUTE p(1, 'x')").fingerprint, "execute p(?, ?)", "execute");
	same(read_one(SQL_POSTGRESQL, "EXECUTE p(1, 'x')").redacted, "EXECUTE p(?, ?)", "execute");
	same(read_one(SQL_POSTGRESQL, "prepare p as select pgp_sym_encrypt($1, 'secret')").statement, "prepare p as select pgp_sym_encrypt($1, '***')", "as");
}

/* What is known of parameters: how many, and whether one may be a secret. */
static void parameters(void **state)
{
	static const struct {
		const char *text;
		u32 n;
		bool secret;
	} all[] = {
		{ "select 1", 0, false }, { "select ?, '?' /* ? */ from t where a in (?, ?)", 3, false }, { "create user ? identified by ?", 2, true },
		{ "alter user u identified with p as ?", 1, true }, { "set password for u = ?", 1, true }, { "set password = ?", 1, true },
		{ "set @x = ?", 1, false }, { "select password(?), ?", 2, true }, { "insert into t values (?, aes_encrypt(?, ?))", 3, true },
		{ "create user u identified by 'x'; select ?", 1, true }, { "grant all on *.* to u identified by ?", 1, true },
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct sql sql = read_one(SQL_MYSQL, all[i].text);
		if (sql.parameters != all[i].n || sql.secret_values != all[i].secret)
			fail_msg("%s: %u, %d", all[i].text, sql.parameters, sql.secret_values);
	}
	assert_int_equal(read_one(SQL_POSTGRESQL, "select $1, $2, '$3'").parameters, 2);
	struct sql cut;
	sql_read(&arena, &usual, SQL_MYSQL, NULL, STR("select ?"), false, &cut);
	assert_int_equal(cut.parameters, UINT32_MAX);
	sql_read(&arena, &open_book, SQL_MYSQL, NULL, STR("set password = ?"), true, &cut);
	assert_false(cut.secret_values);
}

static void many_secrets(void **state)
{
	char text[4000];
	size_t n = (size_t)snprintf(text, sizeof(text), "create user ");
	for (int i = 0; i < 40; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "u%d identified by 'secret', ", i);
	struct sql sql = read_one(SQL_MYSQL, text);
	assert_null(memmem(sql.statement.p, sql.statement.n, "secret", 6));
	assert_true(sql.statement.n > 300);
}

static void errors(void **state)
{
	struct str message = STR("You have an error in your SQL syntax; check the manual for the right syntax to use near 'secret'' at line 1");
	arena_reset(&arena);
	same(sql_error_text(&arena, message, false), message.p, "as it is");
	same(sql_error_text(&arena, message, true), "You have an error in your SQL syntax; check the manual for the right syntax to use near '***'", "masked");
	same(sql_error_text(&arena, STR("Access denied"), true), "Access denied", "nothing quoted");
}

static void names(void **state)
{
	static const struct {
		const char *text, *operation, *table;
	} all[] = {
		{ "select * from shop.items i where x", "SELECT", "shop.items" },
		{ "SELECT a, (select max(x) from u) FROM t", "SELECT", "u" },
		{ "select extract(year from d), trim(both from x) from t", "SELECT", "t" },
		{ "select * from (select 1 from inner_t) x", "SELECT", "inner_t" },
		{ "insert into t (a) values (1)", "INSERT", "t" },
		{ "insert low_priority ignore into db.t values (1)", "INSERT", "db.t" },
		{ "update only t set a=1", "UPDATE", "t" },
		{ "delete from t where a in (select b from c)", "DELETE", "t" },
		{ "with x as (select a from y), z as (select 1) insert into t select * from x", "INSERT", "t" },
		{ "with recursive x as (select a from y) select * from x", "SELECT", "x" },
		{ "create table if not exists a.b (c int)", "CREATE", "a.b" },
		{ "drop table if exists t", "DROP", "t" },
		{ "create index i on t (a)", "CREATE", "t" },
		{ "truncate t", "TRUNCATE", "t" },
		{ "copy t (a, b) from stdin", "COPY", "t" },
		{ "call db.proc(1)", "CALL", "db.proc" },
		{ "lock tables t write", "LOCK", "t" },
		{ "show tables from db", "SHOW", "" },
		{ "set a = 1", "SET", "" },
		{ "select 1", "SELECT", "" },
		{ "begin", "BEGIN", "" },
		{ "(select 1 from t) union (select 2 from u)", "SELECT", "t" },
		{ "", "", "" },
		{ "from", "FROM", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct sql sql = read_one(SQL_POSTGRESQL, all[i].text);
		same(sql.operation, all[i].operation, all[i].text);
		same(sql.table, all[i].table, all[i].text);
	}
	same(read_one(SQL_MYSQL, "load data local infile 'x' into table `My Shop`.`t`").table, "My Shop.t", "quotes");
	same(read_one(SQL_POSTGRESQL, "select 1 from \"A\".\"b\"").summary, "SELECT A.b", "summary");
	same(read_one(SQL_POSTGRESQL, "commit").summary, "COMMIT", "summary");
}

/* Any bytes, cut anywhere: no crash, no endless loop, the texts within their limits. */
static void any_bytes(void **state)
{
	static const char pieces[] = "'\"`$$a$@?--/*!*/#\\(),;[]{}.:=<>-+ \n\tselect from values in identified by password E'_x'1e0x1.\xc3\xa4\xff\x80";
	u32 seed = 12345;
	for (int round = 0; round < 4000; round++) {
		char text[200];
		size_t n = (seed >> 8) % sizeof(text);
		for (size_t i = 0; i < n; i++) {
			seed = seed * 1103515245 + 12345;
			text[i] = pieces[(seed >> 16) % (sizeof(pieces) - 1)];
		}
		struct guarded g = guarded_copy(text, n);
		for (int dialect = 0; dialect < 2; dialect++) {
			struct sql sql;
			arena_reset(&arena);
			sql_read(&arena, &usual, (enum sql_dialect)dialect, NULL, str_make(g.p, n), round % 2, &sql);
			assert_true(sql.fingerprint.n <= 1024 && sql.redacted.n <= 1024 && sql.statement.n <= 1024);
		}
		guarded_free(&g);
		seed = seed * 1103515245 + 12345;
	}
}

static void without_memory(void **state)
{
	struct arena_pool none;
	struct arena empty;
	struct sql sql;
	arena_pool_init(&none, 0, 0);
	arena_init(&empty, &none);
	sql_read(&empty, &usual, SQL_MYSQL, NULL, STR("set password = 'secret'"), true, &sql);
	assert_int_equal(sql.statement.n + sql.fingerprint.n + sql.redacted.n + sql.operation.n, 0);
	arena_pool_done(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals), cmocka_unit_test(comments), cmocka_unit_test(lists), cmocka_unit_test(long_lists),
		cmocka_unit_test(cuts), cmocka_unit_test(secrets_mysql), cmocka_unit_test(secrets_postgresql), cmocka_unit_test(many_secrets),
		cmocka_unit_test(prepared), cmocka_unit_test(parameters),
		cmocka_unit_test(errors), cmocka_unit_test(names), cmocka_unit_test(any_bytes), cmocka_unit_test(without_memory),
	};
	arena_pool_init(&pool, 256 * KIB, 4 * MIB);
	arena_init(&arena, &pool);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_reset(&arena);
	arena_pool_done(&pool);
	return failed;
}
