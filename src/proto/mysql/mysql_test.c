/* What servers and clients say to each other, in every form; statements, results, log-ins. */
#include "unit.h"

#include "proto_feed.h"

#include "proto/mysql/mysql_build.h"

static const struct feed_options known = { .roles_known = true };

static void simple(void **state)
{
	struct talk t = { 0 };
	log_in(&t, "8.0.36", ALL_CAPS, 0);
	ASK(&t, COM_QUERY, "select a from t where b = 'x'");
	REPLY(&t, "\1");
	MORE(&t, COLUMN);
	MORE(&t, EOF_PACKET);
	MORE(&t, "\1x");
	MORE(&t, "\0");
	MORE(&t, "\xfb");
	MORE(&t, "\xfe\1\0\2\0");
	ASK(&t, COM_QUERY, "insert into t values (1)");
	REPLY(&t, "\0\3\xfc\x10\x27\2\0\1\0");
	ASK(&t, COM_QUERY, "select * from nothing");
	REPLY(&t, "\xff\x7a\x04#42S02Table 'd.nothing' doesn't exist");
	ASK(&t, COM_PING, "");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_QUIT, "");
	char *log = talk_check(&t, NULL,
			       "answered LOGIN joe shop -> OK\n"
			       "answered select a from t where b = 'x' -> 3 rows\n"
			       "answered insert into t values (1) -> OK, 3 affected\n"
			       "answered select * from nothing -> 1146 Table 'd.nothing' doesn't exist\n"
			       "answered PING -> OK\n"
			       "oneway QUIT\n");
	feed_has(log, "  > User=\"joe\"");
	feed_has(log, "  > Database=\"shop\"");
	feed_has(log, "  > Client=\"libx\"");
	feed_has(log, "  > Program=\"p\"");
	feed_has(log, "  < Version=\"8.0.36\"");
	feed_has(log, "  < ThreadID=42");
	feed_has(log, "  > Fingerprint=\"select a from t where b = ?\"");
	feed_has(log, "  > Table=\"t\"");
	feed_has(log, "  < Packet.Rows=3");
	feed_has(log, "  < Packet.LastInsertID=10000");
	feed_has(log, "  < Packet.Warnings=1");
	feed_has(log, "  < Packet.ErrCode=1146");
	feed_has(log, "  < Packet.SQLState=\"42S02\"");
	assert_null(strstr(log, "HIDDEN"));
	free(log);
}

static void without_eof(void **state)
{
	struct talk t = { 0 };
	log_in(&t, "8.4.0", ALL_CAPS | CAP_DEPRECATE_EOF | CAP_SESSION_TRACK, 0);
	ASK(&t, COM_QUERY, "select a, a from t; delete from t; select 1");
	REPLY(&t, "\2");
	MORE(&t, COLUMN);
	MORE(&t, COLUMN);
	MORE(&t, "\0\0");
	MORE(&t, "\xfb\xfb");
	MORE(&t, "\xfe\0\0\x0a\0\0\0");
	MORE(&t, "\0\7\0\x0a\0\0\0");
	MORE(&t, "\1");
	MORE(&t, COLUMN);
	MORE(&t, ROWS_OK);
	ASK(&t, COM_QUERY, "use other");
	REPLY(&t, "\0\0\0\2\x40\0\0\0\x08\1\6\5other");
	ASK(&t, COM_QUERY, "select '' as a");
	REPLY(&t, "\1");
	MORE(&t, COLUMN);
	MORE(&t, "\0");
	MORE(&t, "\xff\x25\x05#70100Query execution was interrupted");
	char *log = talk_check(&t, NULL,
			       "answered LOGIN joe shop -> OK\n"
			       "answered select a, a from t; delete from t; select 1 -> 2 rows, 7 affected\n"
			       "answered use other -> OK\n"
			       "answered select '' as a -> 1317 Query execution was interrupted\n");
	feed_has(log, "  < Packet.ResultSets=2");
	feed_has(log, "  < Packet.Columns=2");
	feed_has(log, "  > Database=\"other\"");
	free(log);
}

static void prepared(void **state)
{
	struct talk t = { 0 };
	log_in(&t, "8.0.36", ALL_CAPS, 0);
	ASK(&t, COM_STMT_PREPARE, "select a from t where b > ? and c = ?");
	REPLY(&t, "\0\7\0\0\0\1\0\2\0\0\0\0");
	MORE(&t, COLUMN);
	MORE(&t, COLUMN);
	MORE(&t, EOF_PACKET);
	MORE(&t, COLUMN);
	MORE(&t, EOF_PACKET);
	for (int i = 0; i < 2; i++) {
		if (i)
			ASK(&t, COM_STMT_EXECUTE, "\7\0\0\0\0\1\0\0\0\0\0\5\0\0\0\1x");
		else
			ASK(&t, COM_STMT_EXECUTE, "\7\0\0\0\0\1\0\0\0\0\1\3\0\xfd\0\5\0\0\0\1x");
		REPLY(&t, "\1");
		MORE(&t, COLUMN);
		MORE(&t, EOF_PACKET);
		MORE(&t, "\0\0\1x");
		MORE(&t, EOF_PACKET);
	}
	ASK(&t, COM_STMT_SEND_LONG_DATA, "\7\0\0\0\0\0some data");
	ASK(&t, COM_STMT_EXECUTE, "\7\0\0\0\1\1\0\0\0\0\0\5\0\0\0\1x");
	REPLY(&t, "\1");
	MORE(&t, COLUMN);
	MORE(&t, "\xfe\0\0\x42\0");
	ASK(&t, COM_STMT_FETCH, "\7\0\0\0\2\0\0\0");
	REPLY(&t, "\0\0\1x");
	MORE(&t, "\0\0\1x");
	MORE(&t, "\xfe\0\0\x42\0");
	ASK(&t, COM_STMT_FETCH, "\7\0\0\0\2\0\0\0");
	REPLY(&t, "\xfe\0\0\x82\0");
	ASK(&t, COM_STMT_RESET, "\7\0\0\0");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_STMT_CLOSE, "\7\0\0\0");
	t.joined = true;
	ASK(&t, COM_STMT_PREPARE, "insert into t values (1)");
	REPLY(&t, "\0\x08\0\0\0\0\0\0\0\0\0\0");
	ASK(&t, COM_STMT_EXECUTE, "\x08\0\0\0\0\1\0\0\0");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_STMT_EXECUTE, "\7\0\0\0\0\1\0\0\0");
	REPLY(&t, "\xff\xdb\x04#HY000Unknown prepared statement handler (7) given to EXECUTE");
	ASK(&t, COM_STMT_PREPARE, "selec ?");
	REPLY(&t, "\xff\x28\x04#42000You have an error");
	char *log = talk_check(&t, NULL,
			       "answered LOGIN joe shop -> OK\n"
			       "answered PREPARE select a from t where b > ? and c = ? -> statement 7\n"
			       "answered EXECUTE select a from t where b > ? and c = ? -> 1 row\n"
			       "answered EXECUTE select a from t where b > ? and c = ? -> 1 row\n"
			       "oneway SEND_LONG_DATA select a from t where b > ? and c = ?\n"
			       "answered EXECUTE select a from t where b > ? and c = ? -> 0 rows\n"
			       "answered FETCH_STMT select a from t where b > ? and c = ? -> 2 rows\n"
			       "answered FETCH_STMT select a from t where b > ? and c = ? -> 0 rows\n"
			       "answered RESET_STMT select a from t where b > ? and c = ? -> OK\n"
			       "oneway CLOSE_STMT select a from t where b > ? and c = ?\n"
			       "answered PREPARE insert into t values (1) -> statement 8\n"
			       "answered EXECUTE insert into t values (1) -> OK\n"
			       "answered EXECUTE ? -> 1243 Unknown prepared statement handler (7) given to EXECUTE\n"
			       "answered PREPARE selec ? -> 1064 You have an error\n");
	feed_has(log, "  > StatementID=7");
	feed_has(log, "  < Packet.Params=2");
	assert_non_null(strstr(log, "ParameterTypes=[\"LONG\" \"VAR_STRING\"]"));
	free(log);
}

static void prepared_without_eof(void **state)
{
	struct talk t = { 0 };
	log_in(&t, "8.0.36", ALL_CAPS | CAP_DEPRECATE_EOF, 0);
	ASK(&t, COM_STMT_PREPARE, "select ?");
	REPLY(&t, "\0\7\0\0\0\1\0\1\0\0\0\0");
	MORE(&t, COLUMN);
	MORE(&t, COLUMN);
	ASK(&t, COM_STMT_EXECUTE, "\7\0\0\0\0\1\0\0\0\0\1\3\0\5\0\0\0");
	REPLY(&t, "\1");
	MORE(&t, COLUMN);
	MORE(&t, "\0\0\5\0\0\0");
	MORE(&t, ROWS_OK);
	ASK(&t, COM_STMT_PREPARE, "do ?");
	REPLY(&t, "\0\x08\0\0\0\0\0\1\0\0\0\0");
	MORE(&t, COLUMN);
	ASK(&t, COM_RESET_CONNECTION, "");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_STMT_EXECUTE, "\7\0\0\0\0\1\0\0\0");
	REPLY(&t, "\xff\xdb\x04#HY000Unknown");
	free(talk_check(&t, NULL,
			"answered LOGIN joe shop -> OK\n"
			"answered PREPARE select ? -> statement 7\n"
			"answered EXECUTE select ? -> 1 row\n"
			"answered PREPARE do ? -> statement 8\n"
			"answered RESET_CONNECTION -> OK\n"
			"answered EXECUTE ? -> 1243 Unknown\n"));
}

/* The greeting and the client's answer, without the OK. */
static void log_in_begin(struct talk *t)
{
	log_in(t, "9.0.1", ALL_CAPS, 0);
	t->used -= t->steps[--t->n].n;
	t->seq = 2;
}

static void authentication(void **state)
{
	struct talk t = { 0 };
	log_in_begin(&t);
	REPLY(&t, "\xfe" "caching_sha2_password\0abcdefghijklmnopqrst\0");
	SEND(&t, "HIDDENHIDDENHIDDENHIDDENHIDDENHI");
	REPLY(&t, "\1\4");
	SEND(&t, "\2");
	REPLY(&t, "\1-----BEGIN PUBLIC KEY-----");
	SEND(&t, "HIDDEN");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_CHANGE_USER, "ann\0\6HIDDENdepot\0\x2d\0plugin\0");
	REPLY(&t, "\xfeplugin\0abc");
	SEND(&t, "HIDDEN");
	REPLY(&t, "\1\3");
	MORE(&t, OK_PACKET);
	ASK(&t, COM_QUERY, "select 1");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_CHANGE_USER, "eve\0\0\0");
	REPLY(&t, "\xff\x15\x04#28000Access denied");
	char *log = talk_check(&t, NULL,
			       "answered LOGIN joe shop -> OK\n"
			       "answered CHANGE_USER ann depot -> OK\n"
			       "answered select 1 -> OK\n"
			       "answered CHANGE_USER eve  -> 1045 Access denied\n");
	feed_has(log, "  < AuthPlugin=\"caching_sha2_password\"");
	feed_has(log, "  > Database=\"depot\"");
	feed_has(log, "  > User=\"ann\"");
	assert_null(strstr(log, "HIDDEN"));
	free(log);
}

static void refused(void **state)
{
	struct talk t = { 0 }, u = { 0 }, v = { 0 };
	log_in_begin(&t);
	REPLY(&t, "\xff\x15\x04#28000Access denied for user 'joe'");
	char *log = talk_check(&t, NULL, "answered LOGIN joe shop -> 1045 Access denied for user 'joe'\n");
	feed_has(log, "  < Packet.SQLState=\"28000\"");
	free(log);
	REPLY(&u, "\xff\x10\x04Too many connections");
	log = feed_run(&proto_mysql, u.steps, u.n, &known, &(struct feed_plan){ 0 });
	assert_non_null(strstr(log, "answered LOGIN"));
	assert_non_null(strstr(log, "1040 Too many connections"));
	free(log);
	log_in(&v, "8.0.36", ALL_CAPS, 0);
	v.seq = 0;
	REPLY(&v, "\xff\xbf\x0f#HY000The client was disconnected by the server because of inactivity.");
	free(talk_check(&v, NULL, "answered LOGIN joe shop -> OK\norphan -> 4031 The client was disconnected by the server because of inactivity.\n"));
}

static void encrypted(void **state)
{
	struct talk t = { 0 };
	log_in_begin(&t);
	t.n = 1;
	t.used = t.steps[0].n;
	t.seq = 1;
	SEND(&t, "\x85\xae\x1f\0\0\0\0\1\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
	t.steps[1].p = t.bytes + t.used - 36;
	((u8 *)(uintptr_t)t.steps[1].p)[5] |= 0x08;
	t.joined = true;
	talk_raw(&t, FEED_CLIENT, "\x16\3\1\0\5hello", 10);
	talk_raw(&t, FEED_SERVER, "\x16\3\3\0\5hello", 10);
	char *log = talk_check(&t, NULL, "oneway SSL_REQUEST\nhandover opaque\n");
	feed_has(log, "  > Encrypted=true");
	free(log);
}

static void other_commands(void **state)
{
	struct talk t = { 0 };
	log_in(&t, "8.0.36", ALL_CAPS, 0);
	ASK(&t, COM_INIT_DB, "depot");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_FIELD_LIST, "items\0%");
	REPLY(&t, COLUMN "\xfb");
	MORE(&t, COLUMN "\xfb");
	MORE(&t, EOF_PACKET);
	ASK(&t, COM_STATISTICS, "");
	REPLY(&t, "Uptime: 12  Threads: 1");
	ASK(&t, COM_PROCESS_KILL, "\x2a\1\0\0");
	REPLY(&t, "\xff\x46\x04#HY000Unknown thread id: 298");
	ASK(&t, COM_SET_OPTION, "\1\0");
	REPLY(&t, EOF_PACKET);
	ASK(&t, COM_DEBUG, "");
	REPLY(&t, EOF_PACKET);
	ASK(&t, COM_PROCESS_INFO, "");
	REPLY(&t, "\1");
	MORE(&t, COLUMN);
	MORE(&t, EOF_PACKET);
	MORE(&t, "\1x");
	MORE(&t, EOF_PACKET);
	ASK(&t, COM_DROP_DB, "depot");
	REPLY(&t, OK_PACKET);
	ASK(&t, 0x77, "what");
	REPLY(&t, "\xff\x17\x04#08S01Unknown command");
	ASK(&t, COM_REGISTER_SLAVE, "\2\0\0\0\0\0\0\x34\x12\0\0\0\0\0\0\0\0");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_BINLOG_DUMP, "\4\0\0\0\0\0\2\0\0\0bin.1");
	REPLY(&t, "\0event");
	REPLY(&t, "\0event");
	char *log = talk_check(&t, NULL,
			       "answered LOGIN joe shop -> OK\n"
			       "answered INIT_DB depot -> OK\n"
			       "answered FIELD_LIST items -> ResultSet\n"
			       "answered STATISTICS -> Text\n"
			       "answered KILL 298 -> 1094 Unknown thread id: 298\n"
			       "answered SET_OPTION 1 -> EOF\n"
			       "answered DEBUG -> EOF\n"
			       "answered PROCESS -> 1 row\n"
			       "answered DROP_DB depot -> OK\n"
			       "answered ? -> 1047 Unknown command\n"
			       "answered REGISTER -> OK\n"
			       "answered BINLOG_DUMP -> Stream\n"
			       "handover opaque\n");
	feed_has(log, "  > Database=\"depot\"");
	feed_has(log, "  < Packet.Columns=2");
	free(log);
}

static void local_infile(void **state)
{
	struct talk t = { 0 };
	log_in(&t, "8.0.36", ALL_CAPS, 0);
	ASK(&t, COM_QUERY, "load data local infile 'f' into table t");
	REPLY(&t, "\xfb" "f");
	SEND(&t, "1\n2\n");
	t.joined = true;
	SEND(&t, "3\n");
	SEND(&t, "");
	REPLY(&t, "\0\3\0\2\0\0\0");
	ASK(&t, COM_QUERY, "load data local infile 'g' into table t");
	REPLY(&t, "\xfb" "g");
	SEND(&t, "1\n");
	t.seq = 3;
	REPLY(&t, "\xff\x7a\x04#42S02Table doesn't exist");
	t.seq = 3;
	SEND(&t, "2\n");
	SEND(&t, "");
	ASK(&t, COM_PING, "");
	REPLY(&t, OK_PACKET);
	char *log = talk_check(&t, NULL,
			       "answered LOGIN joe shop -> OK\n"
			       "answered load data local infile 'f' into table t -> LocalInfile, 3 affected\n"
			       "answered load data local infile 'g' into table t -> 1146 Table doesn't exist\n"
			       "answered PING -> OK\n");
	feed_has(log, "  < Packet.FileBytes=6");
	free(log);
}

static void attributes(void **state)
{
	struct talk t = { 0 };
	log_in(&t, "9.0.1", ALL_CAPS | CAP_QUERY_ATTRIBUTES | CAP_DEPRECATE_EOF | CAP_OPTIONAL_METADATA, 0);
	ASK(&t, COM_QUERY, "\0\1select 1");
	REPLY(&t, "\1\1");
	MORE(&t, COLUMN);
	MORE(&t, "\1x");
	MORE(&t, ROWS_OK);
	ASK(&t, COM_QUERY, "\3\1\4\1\xfe\0\5trace\3\0\2id\xfd\0\1n\5abcde\7\0\0\0select 2");
	REPLY(&t, "\1\0");
	MORE(&t, "\1x");
	MORE(&t, ROWS_OK);
	ASK(&t, COM_STMT_PREPARE, "select ?");
	REPLY(&t, "\0\7\0\0\0\1\0\1\0\0\0\0\0");
	ASK(&t, COM_STMT_EXECUTE, "\7\0\0\0\x08\1\0\0\0\2\0\1\3\0\0\xfe\0\5trace\5\0\0\0\2xy");
	REPLY(&t, "\1\1");
	MORE(&t, COLUMN);
	MORE(&t, "\0\0\5\0\0\0");
	MORE(&t, ROWS_OK);
	char *log = talk_check(&t, NULL,
			       "answered LOGIN joe shop -> OK\n"
			       "answered select 1 -> 1 row\n"
			       "answered select 2 -> 1 row\n"
			       "answered PREPARE select ? -> statement 7\n"
			       "answered EXECUTE select ? -> 1 row\n");
	assert_non_null(strstr(log, "ParameterTypes=[\"LONG\" \"STRING\"]"));
	free(log);
}

static void mariadb(void **state)
{
	struct talk t = { 0 };
	log_in(&t, "5.5.5-10.11.6-MariaDB-log", (ALL_CAPS | CAP_DEPRECATE_EOF) & ~(u32)CAP_MYSQL, MARIA_CACHE_METADATA | 5);
	ASK(&t, COM_QUERY, "alter table t force");
	REPLY(&t, "\xff\xff\xff\1\2\0\x10\0\4copy");
	MORE(&t, "\xff\xff\xff\2\2\0\x20\0\4copy");
	MORE(&t, OK_PACKET);
	ASK(&t, COM_STMT_PREPARE, "insert into t values (?)");
	t.joined = true;
	ASK(&t, COM_STMT_EXECUTE, "\xff\xff\xff\xff\0\1\0\0\0\0\1\3\0\5\0\0\0");
	t.seq = 1;
	REPLY(&t, "\0\7\0\0\0\0\0\1\0\0\0\0");
	MORE(&t, COLUMN);
	t.seq = 1;
	MORE(&t, OK_PACKET);
	ASK(&t, COM_STMT_BULK_EXECUTE, "\7\0\0\0\x80\0\3\0\0\5\0\0\0\0\6\0\0\0");
	REPLY(&t, "\0\2\0\2\0\0\0");
	ASK(&t, COM_STMT_EXECUTE, "\7\0\0\0\0\1\0\0\0\0\0\5\0\0\0");
	REPLY(&t, "\1\0");
	MORE(&t, "\0\0\5\0\0\0");
	MORE(&t, ROWS_OK);
	ASK(&t, COM_STMT_CLOSE, "\xff\xff\xff\xff");
	char *log = talk_check(&t, NULL,
			       "answered LOGIN joe shop -> OK\n"
			       "answered alter table t force -> OK\n"
			       "answered PREPARE insert into t values (?) -> statement 7\n"
			       "answered EXECUTE insert into t values (?) -> OK\n"
			       "answered STMT_BULK_EXECUTE insert into t values (?) -> OK, 2 affected\n"
			       "answered EXECUTE insert into t values (?) -> 1 row\n"
			       "oneway CLOSE_STMT insert into t values (?)\n");
	feed_has(log, "  < Version=\"5.5.5-10.11.6-MariaDB-log\"");
	free(log);
}

static void secrets(void **state)
{
	struct talk t = { 0 };
	log_in(&t, "8.0.36", ALL_CAPS, 0);
	ASK(&t, COM_QUERY, "create user u identified by 'HIDDEN'");
	REPLY(&t, OK_PACKET);
	ASK(&t, COM_QUERY, "set password = 'HIDDEN' wrong");
	REPLY(&t, "\xff\x28\x04#42000You have an error near ''HIDDEN' wrong' at line 1");
	char *log = talk_check(&t, NULL,
			       "answered LOGIN joe shop -> OK\n"
			       "answered create user u identified by '***' -> OK\n"
			       "answered set password = '***' wrong -> 1064 You have an error near '***'\n");
	assert_null(strstr(log, "HIDDEN"));
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(simple), cmocka_unit_test(without_eof), cmocka_unit_test(prepared), cmocka_unit_test(prepared_without_eof),
		cmocka_unit_test(authentication), cmocka_unit_test(refused), cmocka_unit_test(encrypted), cmocka_unit_test(other_commands),
		cmocka_unit_test(local_infile), cmocka_unit_test(attributes), cmocka_unit_test(mariadb), cmocka_unit_test(secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
