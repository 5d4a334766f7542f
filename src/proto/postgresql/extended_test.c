/* The extended protocol: joined to one exchange an Execute; pipelines, errors within them, COPY. */
#include "unit.h"

#include <stdio.h>

#include "proto_feed.h"

#include "talk_test.h"

static struct talk t;

static int clear(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	return 0;
}

static void unnamed(void **state)
{
	(void)state;
	talk_startup(&t);
	PARSE(&t, "", "select a from x where b = $1");
	BIND(&t, "", "");
	DESCRIBE(&t, "P", "");
	EXECUTE(&t, "");
	SYNC(&t);
	PARSED(&t);
	BOUND(&t);
	COLUMNS(&t);
	ROW(&t);
	TAG(&t, "SELECT 1");
	READY(&t, "I");
	char *log = talk_check(&t, STARTED "answered select a from x where b = $1 -> SELECT 1 rows 69B\n");
	feed_has(log, "  > Packet.Kind=\"execute\"");
	feed_has(log, "  > Fingerprint=\"select a from x where b = ?\"");
	feed_has(log, "  < TransactionStatus=\"idle\"");
	free(log);
}

/* Prepared once, executed often, as drivers do; then replaced. */
static void named(void **state)
{
	(void)state;
	talk_startup(&t);
	PARSE(&t, "s1", "select a");
	DESCRIBE(&t, "S", "s1");
	SYNC(&t);
	PARSED(&t);
	PARAMETERS(&t);
	COLUMNS(&t);
	READY(&t, "I");
	for (int i = 0; i < 2; i++) {
		BIND(&t, "", "s1");
		EXECUTE(&t, "");
		SYNC(&t);
		BOUND(&t);
		ROW(&t);
		TAG(&t, "SELECT 1");
		READY(&t, "I");
	}
	CLOSE(&t, "S", "s1");
	SYNC(&t);
	CLOSED(&t);
	READY(&t, "I");
	PARSE(&t, "s1", "select b");
	FLUSH(&t);
	PARSED(&t);
	BIND(&t, "p1", "s1");
	EXECUTE(&t, "p1");
	SYNC(&t);
	BOUND(&t);
	TAG(&t, "SELECT 0");
	READY(&t, "T");
	DESCRIBE(&t, "S", "s1");
	SYNC(&t);
	PARAMETERS(&t);
	NO_DATA(&t);
	READY(&t, "T");
	char *log = talk_check(&t, STARTED "answered prepare s1 select a -> ok 49B\n"
				   "answered select a -> SELECT 1 rows 37B\nanswered select a -> SELECT 1 rows 37B\n"
				   "answered close s1 -> ok 11B\nanswered prepare s1 select b -> ok 5B\n"
				   "answered select b -> SELECT 25B\nanswered describe s1 select b -> ok 22B\n");
	feed_has(log, "  > Packet.Name=\"s1\"");
	feed_has(log, "  > Packet.Portal=\"p1\"");
	feed_has(log, "  > Packet.Type=\"S\"");
	feed_has(log, "  > Packet.Object=\"s1\"");
	free(log);
}

static void suspended(void **state)
{
	(void)state;
	talk_startup(&t);
	PARSE(&t, "", "select a");
	BIND(&t, "c", "");
	C_BODY(&t, 'E', "c\0\0\0\0\2");
	SYNC(&t);
	PARSED(&t);
	BOUND(&t);
	ROW(&t);
	ROW(&t);
	S_BODY(&t, 's', "");
	READY(&t, "T");
	C_BODY(&t, 'E', "c\0\0\0\0\2");
	SYNC(&t);
	ROW(&t);
	TAG(&t, "SELECT 1");
	READY(&t, "T");
	CLOSE(&t, "P", "c");
	SYNC(&t);
	CLOSED(&t);
	READY(&t, "T");
	char *log = talk_check(&t, STARTED "answered select a -> suspended 2 rows 45B\nanswered select a -> SELECT 1 rows 32B\nanswered close c -> ok 11B\n");
	feed_has(log, "  > Packet.MaxRows=2");
	feed_has(log, "  < Packet.Suspended=true");
	free(log);
}

/* SQL that ends what messages have prepared. Those that are prepared behind it, in the same pipeline, stay. */
static void deallocated(void **state)
{
	static const char *const sql[][2] = { { "deallocate PREPARE S1;", "DEALLOCATE" }, { "DEALLOCATE \"s1\"", "DEALLOCATE" }, { "discard all", "DISCARD ALL" },
					      { "deallocate all", "DEALLOCATE ALL" } };
	for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
		char expected[400];
		const char *tag = sql[i][1];
		clear(NULL);
		talk_startup(&t);
		PARSE(&t, "s1", "select a");
		SYNC(&t);
		PARSED(&t);
		READY(&t, "I");
		talk_message(&t, FEED_CLIENT, 'Q', sql[i][0], strlen(sql[i][0]) + 1);
		PARSE(&t, "s2", "select b");
		SYNC(&t);
		talk_message(&t, FEED_SERVER, 'C', tag, strlen(tag) + 1);
		READY(&t, "I");
		PARSED(&t);
		READY(&t, "I");
		for (int n = 0; n < 2; n++) {
			if (n)
				BIND(&t, "", "s2");
			else
				BIND(&t, "", "s1");
			EXECUTE(&t, "");
			SYNC(&t);
			BOUND(&t);
			TAG(&t, "SELECT 0");
			READY(&t, "I");
		}
		snprintf(expected, sizeof(expected), STARTED "answered prepare s1 select a -> ok 11B\nanswered %s -> %s %zuB\nanswered prepare s2 select b -> ok 11B\n"
			 "answered partial ? -> SELECT 25B\nanswered select b -> SELECT 25B\n", sql[i][0], tag, 12 + strlen(tag));
		free(talk_check(&t, expected));
	}
}

/* Several Executes of one portal within a batch: each is an exchange, with its own rows. */
static void suspended_in_a_batch(void **state)
{
	(void)state;
	talk_startup(&t);
	PARSE(&t, "", "select a");
	BIND(&t, "c", "");
	C_BODY(&t, 'E', "c\0\0\0\0\2");
	C_BODY(&t, 'E', "c\0\0\0\0\2");
	C_BODY(&t, 'E', "c\0\0\0\0\0");
	SYNC(&t);
	PARSED(&t);
	BOUND(&t);
	ROW(&t);
	ROW(&t);
	S_BODY(&t, 's', "");
	ROW(&t);
	ROW(&t);
	S_BODY(&t, 's', "");
	ROW(&t);
	TAG(&t, "SELECT 1");
	READY(&t, "T");
	free(talk_check(&t, STARTED "answered select a -> suspended 2 rows 39B\nanswered select a -> suspended 2 rows 29B\nanswered select a -> SELECT 1 rows 32B\n"));
}

static void one(const char *sql)
{
	char body[200];
	size_t n = strlen(sql);
	body[0] = '\0';
	memcpy(body + 1, sql, n + 1);
	memset(body + n + 2, 0, 2);
	talk_message(&t, FEED_CLIENT, 'P', body, n + 4);
	BIND(&t, "", "");
	EXECUTE(&t, "");
}

static void pipeline(void **state)
{
	(void)state;
	talk_startup(&t);
	one("select 1");
	one("select 2");
	SYNC(&t);
	SYNC(&t); /* of nothing */
	one("select 3");
	SYNC(&t);
	for (int i = 0; i < 2; i++) {
		PARSED(&t);
		BOUND(&t);
		ROW(&t);
		TAG(&t, "SELECT 1");
	}
	READY(&t, "I");
	READY(&t, "I");
	PARSED(&t);
	BOUND(&t);
	TAG(&t, "SELECT 0");
	READY(&t, "I");
	free(talk_check(&t, STARTED "answered select 1 -> SELECT 1 rows 36B\nanswered select 2 -> SELECT 1 rows 42B\nanswered select 3 -> SELECT 30B\n"));
}

/* What follows an error is skipped up to the next Sync, and so is what is sent before its client knows. */
static void skipped(void **state)
{
	(void)state;
	talk_startup(&t);
	PARSE(&t, "s1", "select 0");
	one("select 1");
	one("select 1/0");
	one("select 3");
	FLUSH(&t);
	PARSED(&t);
	PARSED(&t);
	BOUND(&t);
	ROW(&t);
	TAG(&t, "SELECT 1");
	PARSED(&t);
	BOUND(&t);
	FAILED(&t, "ERROR", "22012", "division by zero");
	one("select 4");
	PARSE(&t, "s2", "select 5");
	SYNC(&t);
	READY(&t, "E");
	BIND(&t, "", "s1");
	EXECUTE(&t, "");
	SYNC(&t);
	BOUND(&t);
	TAG(&t, "SELECT 0");
	READY(&t, "I");
	BIND(&t, "", "s2"); /* was not prepared */
	EXECUTE(&t, "");
	SYNC(&t);
	FAILED(&t, "ERROR", "26000", "no such statement");
	READY(&t, "I");
	char *log = talk_check(&t, STARTED "answered prepare s1 select 0 -> ok 5B\nanswered select 1 -> SELECT 1 rows 36B\n"
				   "no_response select 3\nanswered select 1/0 -> ERROR 22012: division by zero\n"
				   "no_response select 4\nno_response prepare s2 select 5\n"
				   "answered select 0 -> SELECT 25B\nanswered partial ? -> ERROR 26000: no such statement\n");
	free(log);
}

/* A Parse that fails leaves the name as it was. */
static void parse_refused(void **state)
{
	(void)state;
	talk_startup(&t);
	PARSE(&t, "s1", "select a");
	SYNC(&t);
	PARSED(&t);
	READY(&t, "I");
	PARSE(&t, "s1", "select b");
	SYNC(&t);
	FAILED(&t, "ERROR", "42P05", "it exists");
	READY(&t, "I");
	BIND(&t, "", "s1");
	EXECUTE(&t, "");
	SYNC(&t);
	BOUND(&t);
	TAG(&t, "SELECT 0");
	READY(&t, "I");
	free(talk_check(&t, STARTED "answered prepare s1 select a -> ok 11B\nanswered prepare s1 select b -> ERROR 42P05: it exists\nanswered select a -> SELECT 25B\n"));
}

static void fails_at_commit(void **state)
{
	(void)state;
	talk_startup(&t);
	one("insert into x values (1)");
	SYNC(&t);
	PARSED(&t);
	BOUND(&t);
	TAG(&t, "INSERT 0 1");
	FAILED(&t, "ERROR", "23503", "deferred");
	READY(&t, "I");
	free(talk_check(&t, STARTED "answered insert into x values (1) -> ERROR 23503: deferred\n"));
}

static void copy_in(void **state)
{
	(void)state;
	talk_startup(&t);
	QUERY(&t, "copy x from stdin");
	S_BODY(&t, 'G', "\0\0\1\0\0");
	C_BODY(&t, 'd', "1\n2\n");
	C_BODY(&t, 'd', "3\n");
	C_BODY(&t, 'c', "");
	TAG(&t, "COPY 3");
	READY(&t, "I");
	QUERY(&t, "copy x from stdin");
	S_BODY(&t, 'G', "\0\0\1\0\0");
	C_TEXT(&t, 'f', "no more");
	FAILED(&t, "ERROR", "57014", "COPY from stdin failed");
	READY(&t, "I");
	char *log = talk_check(&t, STARTED "answered copy x from stdin -> COPY 3 rows 28B\nanswered copy x from stdin -> ERROR 57014: COPY from stdin failed\n");
	feed_has(log, "  > Packet.Kind=\"copy_in\"");
	feed_has(log, "  < Packet.CopyRows=3");
	feed_has(log, "  < Packet.CopyBytes=6");
	feed_has(log, "  < Packet.CopyMessages=2");
	free(log);
}

/* libpq sends Sync behind the Execute, where the server ignores it, and again behind the data. */
static void copy_in_extended(void **state)
{
	(void)state;
	talk_startup(&t);
	one("copy x from stdin");
	SYNC(&t);
	PARSED(&t);
	BOUND(&t);
	S_BODY(&t, 'G', "\0\0\1\0\0");
	C_BODY(&t, 'd', "1\n");
	C_BODY(&t, 'c', "");
	SYNC(&t);
	TAG(&t, "COPY 1");
	READY(&t, "I");
	one("select 1");
	SYNC(&t);
	one("select 2");
	SYNC(&t);
	for (int i = 0; i < 2; i++) {
		PARSED(&t);
		BOUND(&t);
		TAG(&t, "SELECT 0");
		READY(&t, "I");
	}
	free(talk_check(&t, STARTED "answered copy x from stdin -> COPY 1 rows 38B\nanswered select 1 -> SELECT 30B\nanswered select 2 -> SELECT 30B\n"));
}

static void copy_out(void **state)
{
	(void)state;
	talk_startup(&t);
	QUERY(&t, "copy x to stdout");
	S_BODY(&t, 'H', "\0\0\1\0\0");
	S_BODY(&t, 'd', "1\n");
	S_BODY(&t, 'd', "22\n");
	S_BODY(&t, 'c', "");
	TAG(&t, "COPY 2");
	READY(&t, "I");
	char *log = talk_check(&t, STARTED "answered copy x to stdout -> COPY 2 rows 48B\n");
	feed_has(log, "  > Packet.Kind=\"copy_out\"");
	feed_has(log, "  < Packet.CopyRows=2");
	feed_has(log, "  < Packet.CopyBytes=5");
	free(log);
}

/* Data between the results of a pipeline; an error behind it skips the rest. */
static void copy_out_in_a_pipeline(void **state)
{
	(void)state;
	talk_startup(&t);
	one("copy x to stdout");
	one("select 1/0");
	one("select 2");
	SYNC(&t);
	PARSED(&t);
	BOUND(&t);
	S_BODY(&t, 'H', "\0\0\1\0\0");
	S_BODY(&t, 'd', "1\n");
	S_BODY(&t, 'c', "");
	TAG(&t, "COPY 1");
	PARSED(&t);
	BOUND(&t);
	FAILED(&t, "ERROR", "22012", "division by zero");
	READY(&t, "I");
	free(talk_check(&t, STARTED "answered copy x to stdout -> COPY 1 rows 44B\nno_response select 2\nanswered select 1/0 -> ERROR 22012: division by zero\n"));
}

static void replication(void **state)
{
	(void)state;
	UNTYPED(&t, "\0\3\0\0user\0repl\0replication\0true\0\0");
	S_BODY(&t, 'R', "\0\0\0\0");
	READY(&t, "I");
	QUERY(&t, "IDENTIFY_SYSTEM");
	COLUMNS(&t);
	ROW(&t);
	TAG(&t, "IDENTIFY_SYSTEM");
	READY(&t, "I");
	QUERY(&t, "START_REPLICATION 0/1000000 TIMELINE 1");
	S_BODY(&t, 'W', "\0\0\0");
	S_BODY(&t, 'd', "w123456789012345678901234data");
	C_BODY(&t, 'd', "r1234567890123456789012345678901234");
	S_BODY(&t, 'd', "k12345678901234567");
	talk_fin(&t, FEED_SERVER);
	talk_fin(&t, FEED_CLIENT);
	char *log = talk_check(&t, "answered startup repl@ -> ok 15B\nanswered IDENTIFY_SYSTEM -> IDENTIFY_SYSTEM 1 rows 66B\n"
				   "answered START_REPLICATION 0/1000000 TIMELINE 1 -> ok 65B\n");
	feed_has(log, "  > Packet.Replication=true");
	feed_has(log, "  > Packet.Kind=\"copy_both\"");
	feed_has(log, "  < Packet.CopyBytes=47");
	free(log);
}

/* Joined midway: what was prepared before is not known. */
static void joined(void **state)
{
	(void)state;
	BIND(&t, "", "s1");
	EXECUTE(&t, "");
	SYNC(&t);
	BOUND(&t);
	TAG(&t, "SELECT 0");
	READY(&t, "I");
	one("select 1");
	SYNC(&t);
	PARSED(&t);
	BOUND(&t);
	TAG(&t, "SELECT 0");
	READY(&t, "I");
	char *log = talk_check(&t, "answered partial ? -> SELECT 25B\nanswered select 1 -> SELECT 30B\n");
	feed_has(log, "  > User=\"?\"");
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(unnamed, clear),         cmocka_unit_test_setup(named, clear),
		cmocka_unit_test_setup(deallocated, clear),
		cmocka_unit_test_setup(suspended, clear),       cmocka_unit_test_setup(suspended_in_a_batch, clear),
		cmocka_unit_test_setup(copy_out_in_a_pipeline, clear), cmocka_unit_test_setup(pipeline, clear),
		cmocka_unit_test_setup(skipped, clear),         cmocka_unit_test_setup(parse_refused, clear),
		cmocka_unit_test_setup(fails_at_commit, clear), cmocka_unit_test_setup(copy_in, clear),
		cmocka_unit_test_setup(copy_in_extended, clear), cmocka_unit_test_setup(copy_out, clear),
		cmocka_unit_test_setup(replication, clear),     cmocka_unit_test_setup(joined, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
