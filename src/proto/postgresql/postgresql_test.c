/* What is one exchange, and what it says: startup, simple and extended protocol. */
#include "unit.h"

#include "proto_feed.h"

#include "talk_test.h"

static struct talk t;

static int clear(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	return 0;
}

static void simple_query(void **state)
{
	(void)state;
	talk_startup(&t);
	QUERY(&t, "select a from items where n = 42");
	COLUMNS(&t);
	ROW(&t);
	ROW(&t);
	TAG(&t, "SELECT 2");
	READY(&t, "I");
	char *log = talk_check(&t, STARTED "answered select a from items where n = 42 -> SELECT 2 rows 71B\n");
	feed_has(log, "  > Packet.Statement=\"select a from items where n = 42\"");
	feed_has(log, "  > Fingerprint=\"select a from items where n = ?\"");
	feed_has(log, "  > User=\"alice\"");
	feed_has(log, "  > Database=\"shop\"");
	feed_has(log, "  > Packet.Application=\"psql\"");
	feed_has(log, "  > Packet.Version=\"3.0\"");
	feed_has(log, "  < Packet.Process=999");
	feed_has(log, "  < Packet.Command=\"SELECT\"");
	feed_has(log, "  < Packet.Rows=2");
	feed_has(log, "  < TransactionStatus=\"idle\"");
	feed_has(log, "  > Size=38");
	free(log);
}

static void several_statements(void **state)
{
	(void)state;
	talk_startup(&t);
	QUERY(&t, "create table x(); insert into x values (1), (2); select a from x; show all");
	TAG(&t, "CREATE TABLE");
	TAG(&t, "INSERT 0 2");
	COLUMNS(&t);
	ROW(&t);
	TAG(&t, "SELECT 1");
	COLUMNS(&t);
	ROW(&t);
	ROW(&t);
	ROW(&t);
	TAG(&t, "SHOW");
	READY(&t, "I");
	QUERY(&t, ";");
	S_BODY(&t, 'I', "");
	READY(&t, "T");
	char *log = talk_check(&t, STARTED
		"answered create table x(); insert into x values (1), (2); select a from x; show all -> CREATE +3 6 rows 166B\n"
		"answered ; -> ok 11B\n");
	feed_has(log, "  < Packet.Tags=[\"CREATE TABLE\" \"INSERT 0 2\" \"SELECT 1\" \"SHOW\"]");
	feed_has(log, "  < Packet.Rows=6");
	feed_has(log, "  < TransactionStatus=\"in_transaction\"");
	free(log);
}

static void errors_and_notices(void **state)
{
	(void)state;
	talk_startup(&t);
	QUERY(&t, "drop table if exists x");
	NOTICE(&t);
	TAG(&t, "DROP TABLE");
	READY(&t, "I");
	QUERY(&t, "select 1/0");
	FAILED(&t, "ERROR", "22012", "division by zero");
	READY(&t, "E");
	NOTICE(&t); /* nobody asked */
	S_BODY(&t, 'S', "TimeZone\0UTC\0");
	QUERY(&t, "select 1; select 1/0");
	COLUMNS(&t);
	ROW(&t);
	TAG(&t, "SELECT 1");
	FAILED(&t, "ERROR", "22012", "division by zero");
	READY(&t, "I");
	char *log = talk_check(&t, STARTED
		"answered drop table if exists x -> DROP TABLE 61B\n"
		"answered select 1/0 -> ERROR 22012: division by zero\n"
		"answered select 1; select 1/0 -> ERROR 22012: division by zero\n");
	feed_has(log, "  < Packet.Notices=1");
	feed_has(log, "  < Packet.Tags=[\"DROP TABLE\"]");
	feed_has(log, "  < Packet.Severity=\"ERROR\"");
	feed_has(log, "  < Packet.SQLStateCode=\"22012\"");
	feed_has(log, "  < TransactionStatus=\"failed\"");
	feed_has(log, "  < first=+6ms last=+6ms error=22012 failed");
	free(log);
}

static void startup_with_password(void **state)
{
	(void)state;
	UNTYPED(&t, "\4\322\26\60"); /* GSSENCRequest */
	talk_put(&t, FEED_SERVER, "N", 1);
	UNTYPED(&t, "\4\322\26\57"); /* SSLRequest */
	talk_put(&t, FEED_SERVER, "N", 1);
	UNTYPED(&t, STARTUP_BODY);
	S_BODY(&t, 'R', "\0\0\0\12SCRAM-SHA-256\0\0");
	C_BODY(&t, 'p', "SCRAM-SHA-256\0\0\0\0\13n,,n=,r=abc");
	S_BODY(&t, 'R', "\0\0\0\13r=abcdef,s=salt,i=4096");
	C_BODY(&t, 'p', "c=biws,r=abcdef,p=proof");
	S_BODY(&t, 'R', "\0\0\0\14v=signature");
	S_BODY(&t, 'R', "\0\0\0\0");
	S_BODY(&t, 'K', "\0\0\3\xe7\1\2\3\4");
	READY(&t, "I");
	QUERY(&t, "begin");
	TAG(&t, "BEGIN");
	READY(&t, "T");
	char *log = talk_check(&t, "answered startup alice@shop not encrypted -> ok 103B\nanswered begin -> BEGIN 17B\n");
	feed_has(log, "  < Packet.Authentication=\"sasl\"");
	feed_has(log, "  > Packet.Encryption=\"refused\"");
	assert_null(strstr(log, "proof"));
	free(log);
}

static void startup_refused(void **state)
{
	(void)state;
	UNTYPED(&t, STARTUP_BODY);
	S_BODY(&t, 'R', "\0\0\0\5salt");
	C_TEXT(&t, 'p', "md5secret");
	FAILED(&t, "FATAL", "28P01", "password authentication failed for user \"alice\"");
	talk_fin(&t, FEED_SERVER);
	char *log = talk_check(&t, "answered startup alice@shop -> FATAL 28P01: password authentication failed for user \"alice\"\n");
	feed_has(log, "  < Packet.SQLStateCode=\"28P01\"");
	free(log);
}

static void encrypted(void **state)
{
	(void)state;
	UNTYPED(&t, "\4\322\26\57");
	talk_put(&t, FEED_SERVER, "S", 1);
	talk_put(&t, FEED_CLIENT, "\26\3\1\2\0", 5);
	char *log = talk_check(&t, "answered startup TLS -> ok 1B\nhandover opaque\n");
	feed_has(log, "  > Packet.Encryption=\"TLS\"");
	free(log);
}

/* sslnegotiation=direct: TLS from the first byte on, and the protocol's name within the hello. */
static void encrypted_at_once(void **state)
{
	(void)state;
	static const char hello[] = "\x16\3\1\0\x3b\1\0\0\x37\3\3" "01234567890123456789012345678901" "\0\0\0\0\0\0" "\x0apostgresql" "rest";
	talk_put(&t, FEED_CLIENT, hello, 5 + 0x3b);
	talk_put(&t, FEED_SERVER, "\x16\3\3\0\x10" "0123456789012345", 21);
	char *log = talk_check(&t, "answered startup TLS -> ok 21B\nhandover opaque\n");
	feed_has(log, "  > Packet.Encryption=\"TLS\"");
	feed_has(log, "  > Size=64");
	free(log);
	clear(NULL);
	talk_put(&t, FEED_CLIENT, hello, 5 + 0x3b);
	talk_put(&t, FEED_SERVER, "\x15\3\3\0\2\2\x78", 7);
	free(talk_check(&t, "answered startup TLS -> tls_alert\nhandover opaque\n"));
	enum side side;
	assert_int_equal(proto_postgresql.probe((const u8 *)hello, 5 + 0x3b, &side), PROBE_SURE);
	assert_int_equal(proto_postgresql.probe((const u8 *)hello, 40, &side), PROBE_MORE);
	char other[5 + 0x3b];
	memcpy(other, hello, sizeof(other));
	other[sizeof(other) - 5] = 'L';
	assert_int_equal(proto_postgresql.probe((const u8 *)other, sizeof(other), &side), PROBE_NO);
}

/* A server takes leave by a warning when another of its processes has crashed. */
static void crashed(void **state)
{
	(void)state;
	talk_startup(&t);
	QUERY(&t, "select pg_sleep(9)");
	S_BODY(&t, 'N', "SWARNING\0VWARNING\0C57P02\0Mterminating\0\0");
	talk_fin(&t, FEED_SERVER);
	char *log = talk_check(&t, STARTED "answered select pg_sleep(9) -> WARNING 57P02: terminating\n");
	feed_has(log, "  > Packet.Process=999");
	free(log);
}

static void encrypted_gss(void **state)
{
	(void)state;
	UNTYPED(&t, "\4\322\26\60");
	talk_put(&t, FEED_SERVER, "G", 1);
	free(talk_check(&t, "answered startup GSS -> ok 1B\nhandover opaque\n"));
}

static void newer_version(void **state)
{
	(void)state;
	UNTYPED(&t, "\0\3\0\2user\0alice\0database\0shop\0_pq_.x\0" "1\0\0");
	S_BODY(&t, 'v', "\0\0\0\0\0\0\0\1_pq_.x\0");
	S_BODY(&t, 'R', "\0\0\0\0");
	S_BODY(&t, 'K', "\0\0\3\xe7" "0123456789abcdef0123456789abcdef");
	READY(&t, "I");
	char *log = talk_check(&t, "answered startup alice@shop -> ok 76B\n");
	feed_has(log, "  > Packet.Version=\"3.2\"");
	feed_has(log, "  < Packet.Version=\"3.0\"");
	free(log);
}

static void cancelled(void **state)
{
	(void)state;
	UNTYPED(&t, "\4\322\26\56\0\0\3\xe7\1\2\3\4");
	talk_fin(&t, FEED_SERVER);
	char *log = talk_check(&t, "oneway cancel 999 \n");
	feed_has(log, "  > Packet.Process=999");
	free(log);
	clear(NULL);
	UNTYPED(&t, "\4\322\26\56\0\0\3\xe7" "0123456789abcdef0123456789abcdef");
	free(talk_check(&t, "oneway cancel 999 \n"));
}

static void function_call(void **state)
{
	(void)state;
	talk_startup(&t);
	C_BODY(&t, 'F', "\0\0\4\322\0\0\0\1\0\0\0\1x\0\0");
	S_BODY(&t, 'V', "\0\0\0\1y");
	READY(&t, "I");
	C_BODY(&t, 'F', "\0\0\4\323\0\0\0\0\0\0");
	FAILED(&t, "ERROR", "42883", "no such function");
	READY(&t, "I");
	char *log = talk_check(&t, STARTED "answered function_call 1234 -> ok 16B\nanswered function_call 1235 -> ERROR 42883: no such function\n");
	feed_has(log, "  > Packet.Function=1234");
	free(log);
}

static void notifications(void **state)
{
	(void)state;
	talk_startup(&t);
	QUERY(&t, "listen news");
	TAG(&t, "LISTEN");
	READY(&t, "I");
	S_BODY(&t, 'A', "\0\0\0\7news\0hot\0");
	QUERY(&t, "select a");
	COLUMNS(&t);
	S_BODY(&t, 'A', "\0\0\0\10news\0\0");
	ROW(&t);
	TAG(&t, "SELECT 1");
	READY(&t, "I");
	char *log = talk_check(&t, STARTED "answered listen news -> LISTEN 18B\noneway notification 7 news\noneway notification 8 news\n"
				   "answered select a -> SELECT 1 rows 59B\n");
	free(log);
}

static void terminated(void **state)
{
	(void)state;
	talk_startup(&t);
	QUERY(&t, "select pg_sleep(100)");
	FAILED(&t, "FATAL", "57P01", "terminating connection due to administrator command");
	talk_fin(&t, FEED_SERVER);
	free(talk_check(&t, STARTED "answered select pg_sleep(100) -> FATAL 57P01: terminating connection due to administrator command\n"));
}

static void secrets(void **state)
{
	(void)state;
	talk_startup(&t);
	QUERY(&t, "alter role bob password 'hunter2'");
	FAILED(&t, "ERROR", "42601", "syntax error at or near \"hunter2\"");
	READY(&t, "I");
	char *log = talk_check(&t, STARTED "answered alter role bob password '***' -> ERROR 42601: syntax error at or near '***'\n");
	assert_null(strstr(log, "hunter2"));
	free(log);
}

/* A statement of which more is not looked at, and rows that do not fit into a segment. */
static void long_messages(void **state)
{
	(void)state;
	static char sql[9000], row[20000];
	talk_startup(&t);
	memset(sql, 'x', sizeof(sql) - 1);
	memcpy(sql, "select ", 7);
	memset(row, 'y', sizeof(row));
	memcpy(row, "\0\1\0\0\x4e\x1a", 6);
	talk_message(&t, FEED_CLIENT, 'Q', sql, sizeof(sql));
	COLUMNS(&t);
	talk_message(&t, FEED_SERVER, 'D', row, sizeof(row));
	talk_message(&t, FEED_SERVER, 'D', row, sizeof(row));
	TAG(&t, "SELECT 2");
	READY(&t, "I");
	char *log = feed_all(&proto_postgresql, t.steps, t.len, NULL), *brief = feed_brief(log);
	assert_non_null(strstr(brief, " -> SELECT 2 rows 40057B\n"));
	feed_has(log, "  > Size=9005");
	free(brief);
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(simple_query, clear),       cmocka_unit_test_setup(several_statements, clear),
		cmocka_unit_test_setup(errors_and_notices, clear), cmocka_unit_test_setup(startup_with_password, clear),
		cmocka_unit_test_setup(startup_refused, clear),    cmocka_unit_test_setup(encrypted, clear),
		cmocka_unit_test_setup(encrypted_gss, clear),      cmocka_unit_test_setup(encrypted_at_once, clear),
		cmocka_unit_test_setup(crashed, clear),            cmocka_unit_test_setup(newer_version, clear),
		cmocka_unit_test_setup(cancelled, clear),          cmocka_unit_test_setup(function_call, clear),
		cmocka_unit_test_setup(notifications, clear),      cmocka_unit_test_setup(terminated, clear),
		cmocka_unit_test_setup(secrets, clear),            cmocka_unit_test_setup(long_messages, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
