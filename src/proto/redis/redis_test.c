/* Conversations in RESP 2 and 3, fed whole, split at every byte, byte by byte, with holes, and joined late. */
#include "unit.h"

#include <stdio.h>

#include "proto_feed.h"
#include "proto/redis/redis.h"

extern const struct proto proto_redis;
#define CHECK(steps, brief) FEED_CHECK(&proto_redis, steps, NULL, brief)

static void simple(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("*3\r\n$3\r\nSET\r\n$4\r\nuser\r\n$5\r\nalice\r\n"), SERVER("+OK\r\n"),
		CLIENT("*2\r\n$3\r\nget\r\n$4\r\nuser\r\n"),                SERVER("$5\r\nalice\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$4\r\nnone\r\n"),                SERVER("$-1\r\n"),
		CLIENT("*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n"),                  SERVER(":1000\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$0\r\n\r\n"),                    SERVER("$0\r\n\r\n"),
		CLIENT("*3\r\n$5\r\nLPUSH\r\n$4\r\nuser\r\n$1\r\nx\r\n"),
		SERVER("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
		CLIENT("*3\r\n$6\r\nconfig\r\n$3\r\nGet\r\n$9\r\nmaxmemory\r\n"), SERVER("*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n"),
		CLIENT("*3\r\n$5\r\nBLPOP\r\n$1\r\nl\r\n$1\r\n9\r\n"),      SERVER("*-1\r\n"),
		CLIENT("*2\r\n$8\r\nJSON.GET\r\n$1\r\nd\r\n"),              SERVER("$2\r\n{}\r\n"),
		CLIENT("*4\r\n$6\r\nLRANGE\r\n$1\r\nl\r\n$1\r\n0\r\n$2\r\n-1\r\n"), SERVER("*0\r\n"),
	};
	char *log = CHECK(steps, "answered SET user alice -> SimpleStrings 2B\n"
				 "answered GET user -> BulkStrings 5B\n"
				 "answered GET none -> BulkStrings nil\n"
				 "answered INCR n -> Integers 4B\n"
				 "answered GET \"\" -> BulkStrings 0B\n"
				 "answered LPUSH user x -> WRONGTYPE Operation against a key holding the wrong kind of value\n"
				 "answered CONFIG GET maxmemory -> Array 2 of 10B\n"
				 "answered BLPOP l 9 -> Array nil\n"
				 "answered JSON.GET d -> BulkStrings 2B\n"
				 "answered LRANGE l 0 -1 -> Array 0B\n");
	feed_has(log, "  > Command=\"CONFIG GET\"");
	feed_has(log, "  > Size=18");
	feed_has(log, "  > Args=3");
	feed_has(log, "  > Key=\"user\"");
	feed_has(log, "  < Nil=true");
	feed_has(log, "  < Error=\"WRONGTYPE\"");
	free(log);
}

/* Values that hold what looks like protocol, and every byte there is. */
static void binary(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$29\r\n\r\n*1\r\n$4\r\nPING\r\n+OK\r\n$-1\r\n\n\r\0\r\n"), SERVER("+OK\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("$29\r\n\r\n*1\r\n$4\r\nPING\r\n+OK\r\n$-1\r\n\n\r\0\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$5\r\nGET a\r\n"), SERVER("$4\r\n\r\n\r\n\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$4\r\n\xc3\xa4\xff\x01\r\n"), SERVER("$-1\r\n"),
	};
	char *log = CHECK(steps, "answered SET k \"\\r\\n*1\\r\\n$4\\r\\nPING\\r\\n+OK\\r\\n$-1\\r\\n\\n\\r\\x00\" -> SimpleStrings 2B\n"
				 "answered GET k -> BulkStrings 29B\n"
				 "answered GET \"GET a\" -> BulkStrings 4B\n"
				 "answered GET \"\xc3\xa4\\xff\\x01\" -> BulkStrings nil\n");
	free(log);
}

static void pipelines(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n*2\r\n$3\r\nGET\r\n$1\r\nc\r\n*1\r\n$4\r\nPI"),
		CLIENT("NG\r\n*1\r\n$6\r\nDBSIZE\r\n"),
		SERVER("$1\r\n1\r\n$2\r\n22\r\n$3\r"),
		SERVER("\n333\r\n+PONG\r\n:7\r\n"),
	};
	char *log = CHECK(steps, "answered GET a -> BulkStrings 1B\nanswered GET b -> BulkStrings 2B\nanswered GET c -> BulkStrings 3B\n"
				 "answered PING -> SimpleStrings 4B\nanswered DBSIZE -> Integers 1B\n");
	free(log);
}

/* Large values are passed over; what comes after them is not lost. */
static void large(void **state)
{
	static char request[6000], reply[6000];
	size_t n = (size_t)snprintf(request, sizeof(request), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5000\r\n");
	memset(request + n, 'v', 5000);
	n += 5000;
	n += (size_t)snprintf(request + n, sizeof(request) - n, "\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
	size_t m = (size_t)snprintf(reply, sizeof(reply), "+OK\r\n$5000\r\n");
	memset(reply + m, 'v', 5000);
	m += 5000;
	m += (size_t)snprintf(reply + m, sizeof(reply) - m, "\r\n");
	struct feed_step steps[] = { { FEED_CLIENT, false, request, n }, { FEED_SERVER, false, reply, m } };
	struct proto_options opt = { .details = true, .statement_length = 20 };
	char *log = FEED_CHECK(&proto_redis, steps, &(struct feed_options){ .opt = &opt },
			       "answered SET k vvvvvvvvvvvvvv -> SimpleStrings 2B\nanswered GET k -> BulkStrings 5000B\n");
	feed_has(log, "  > Size=5004");
	free(log);
	/* a hole within the value harms nobody */
	log = feed_run(&proto_redis, steps, 2, NULL, &(struct feed_plan){ .hole_at = 2000, .hole_len = 3000, .cut_at = 1500 });
	assert_int_equal(feed_answered(log), 2);
	free(log);
}

static void inline_commands(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("PING\r\n"), SERVER("+PONG\r\n"),
		CLIENT("  set 'my key'  \"a\\\"\\x41\\n\"\n"), SERVER("+OK\r\n"),
		CLIENT("\r\n\r\nget 'it\\'s'\r\n"), SERVER("$-1\r\n"),
		CLIENT("config get \"\"\r\necho x\r\n"), SERVER("*0\r\n$1\r\nx\r\n"),
		CLIENT("config\tget save\r\n*1\r\n$4\r\nPING\r\n"), SERVER("*0\r\n+PONG\r\n"),
		CLIENT("*0\r\n*-1\r\n"), CLIENT("auth me secret\r\n"), SERVER("+OK\r\n"),
	};
	char *log = CHECK(steps, "answered PING -> SimpleStrings 4B\n"
				 "answered SET \"my key\" \"a\\\"A\\n\" -> SimpleStrings 2B\n"
				 "answered GET \"it's\" -> BulkStrings nil\n"
				 "answered CONFIG GET \"\" -> Array 0B\n"
				 "answered ECHO x -> BulkStrings 1B\n"
				 "answered CONFIG GET save -> Array 0B\n"
				 "answered PING -> SimpleStrings 4B\n"
				 "answered AUTH *** *** -> SimpleStrings 2B\n");
	feed_has(log, "  > Key=\"my key\"");
	free(log);
}

static void resp3(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"), SERVER("%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("_\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("#t\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER(",-inf\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("(-3492890328409238509324850943850943825024385\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("!21\r\nSYNTAX invalid syntax\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("=8\r\ntxt:Some\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("~3\r\n:1\r\n#f\r\n*2\r\n_\r\n$-1\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("|1\r\n+ttl\r\n|1\r\n+x\r\n+y\r\n:3600\r\n*2\r\n:1\r\n|1\r\n+a\r\n:1\r\n:2\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER(">2\r\n+tick\r\n:1\r\n:5\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n"),
	};
	char *log = CHECK(steps, "answered HELLO 3 -> Map 2 of 17B\n"
				 "answered GET k -> Null nil\n"
				 "answered GET k -> Boolean 1B\n"
				 "answered GET k -> Double 4B\n"
				 "answered GET k -> BigNumber 44B\n"
				 "answered GET k -> SYNTAX invalid syntax\n"
				 "answered GET k -> Verbatim 8B\n"
				 "answered GET k -> Set 3 of 2B\n"
				 "answered GET k -> Array 2 of 4B\n"
				 "oneway TICK 1\n"
				 "answered GET k -> Integers 1B\n"
				 "oneway INVALIDATE k\n");
	feed_has(log, "  < Error=\"SYNTAX\"");
	feed_has(log, "  < DataType=\"BulkError\"");
	free(log);
}

static void streamed(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("$?\r\n;4\r\nHell\r\n;5\r\no wor\r\n;2\r\nld\r\n;0\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("*?\r\n:1\r\n*2\r\n:2\r\n:3\r\n*?\r\n.\r\n$?\r\n;1\r\nx\r\n;0\r\n.\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("%?\r\n+a\r\n:1\r\n+b\r\n~?\r\n:2\r\n.\r\n.\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("*3\r\n*?\r\n|1\r\n+a\r\n+b\r\n:1\r\n.\r\n:5\r\n*?\r\n.\r\n"),
		CLIENT("*1\r\n$4\r\nPING\r\n"), SERVER("+PONG\r\n"),
	};
	char *log = CHECK(steps, "answered GET k -> BulkStrings 11B\n"
				 "answered GET k -> Array 4 of 4B\n"
				 "answered GET k -> Map 2 of 4B\n"
				 "answered GET k -> Array 3 of 4B\n"
				 "answered PING -> SimpleStrings 4B\n");
	free(log);
}

static void errors(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("-MOVED 3999 10.0.0.7:6381\r\n"),
		CLIENT("*1\r\n$6\r\nASKING\r\n"), SERVER("+OK\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("-ASK 3999 [::1]:6381\r\n"),
		CLIENT("*2\r\n$4\r\nATUH\r\n$6\r\nsecret\r\n"), SERVER("-ERR unknown command 'ATUH', with args beginning with: 'sec' 'ret' \r\n"),
		CLIENT("*1\r\n$4\r\nWHAT\r\n"), SERVER("-no such thing, can't do 'se cret' or `x'\r\n"),
		CLIENT("*1\r\n$4\r\nEXEC\r\n"), SERVER("-EXECABORT Transaction discarded because of previous errors.\r\n"),
		CLIENT("*1\r\n$4\r\nWHAT\r\n"), SERVER("-17 is not a word\r\n"),
		CLIENT("*1\r\n$4\r\nWHAT\r\n"), SERVER("-\r\n"),
	};
	char *log = CHECK(steps, "answered GET k -> MOVED 3999 10.0.0.7:6381\n"
				 "answered ASKING -> SimpleStrings 2B\n"
				 "answered GET k -> ASK 3999 [::1]:6381\n"
				 "answered ATUH secret -> ERR unknown command '***', with args beginning with: ***\n"
				 "answered WHAT -> no such thing, can't do '***' or `***'\n"
				 "answered EXEC -> EXECABORT Transaction discarded because of previous errors.\n"
				 "answered WHAT -> 17 is not a word\n"
				 "answered WHAT -> ERR\n");
	feed_has(log, "  < Error=\"MOVED\"");
	feed_has(log, "  < Target=\"10.0.0.7:6381\"");
	feed_has(log, "  < Target=\"[::1]:6381\"");
	feed_has(log, "  < Error=\"no\"");
	feed_has(log, "  < Error=\"ERR\"");
	free(log);
}

/* Passwords are in no field. */
static void secrets(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("*2\r\n$4\r\nAUTH\r\n$6\r\nhunter\r\n"), SERVER("+OK\r\n"),
		CLIENT("*3\r\n$4\r\nauth\r\n$3\r\nbob\r\n$6\r\nhunter\r\n"), SERVER("+OK\r\n"),
		CLIENT("*7\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nauth\r\n$3\r\nbob\r\n$6\r\nhunter\r\n$7\r\nSETNAME\r\n$2\r\nme\r\n"), SERVER("%0\r\n"),
		CLIENT("*8\r\n$7\r\nMIGRATE\r\n$1\r\nh\r\n$4\r\n6379\r\n$1\r\nk\r\n$1\r\n0\r\n$2\r\n10\r\n$4\r\nAUTH\r\n$6\r\nhunter\r\n"), SERVER("+OK\r\n"),
		CLIENT("*11\r\n$7\r\nMIGRATE\r\n$1\r\nh\r\n$4\r\n6379\r\n$0\r\n\r\n$1\r\n0\r\n$2\r\n10\r\n$5\r\nAUTH2\r\n$3\r\nbob\r\n$6\r\nhunter\r\n$4\r\nKEYS\r\n$2\r\nk1\r\n"), SERVER("+OK\r\n"),
		CLIENT("*6\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n$6\r\nhunter\r\n$4\r\nsave\r\n$0\r\n\r\n"), SERVER("+OK\r\n"),
		CLIENT("*4\r\n$6\r\nCONFIG\r\n$3\r\nset\r\n$10\r\nMASTERAUTH\r\n$6\r\nhunter\r\n"), SERVER("+OK\r\n"),
		CLIENT("*5\r\n$3\r\nACL\r\n$7\r\nSETUSER\r\n$3\r\nbob\r\n$2\r\non\r\n$7\r\n>hunter\r\n"), SERVER("-ERR Error in ACL SETUSER modifier '>hunter': x\r\n"),
		CLIENT("*5\r\n$8\r\nSENTINEL\r\n$3\r\nSET\r\n$1\r\nm\r\n$9\r\nauth-pass\r\n$6\r\nhunter\r\n"), SERVER("+OK\r\n"),
		CLIENT("*4\r\n$8\r\nb840fc02\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n$6\r\nhunter\r\n"), SERVER("+OK\r\n"),
		CLIENT("AUTH \"hunter\"\r\n"), SERVER("-WRONGPASS invalid username-password pair\r\n"),
	};
	char *log = CHECK(steps, "answered AUTH *** -> SimpleStrings 2B\n"
				 "answered AUTH *** *** -> SimpleStrings 2B\n"
				 "answered HELLO 3 auth *** *** SETNAME me -> Map 0B\n"
				 "answered MIGRATE h 6379 k 0 10 AUTH *** -> SimpleStrings 2B\n"
				 "answered MIGRATE h 6379 \"\" 0 10 AUTH2 *** *** KEYS k1 -> SimpleStrings 2B\n"
				 "answered CONFIG SET requirepass *** save \"\" -> SimpleStrings 2B\n"
				 "answered CONFIG SET MASTERAUTH *** -> SimpleStrings 2B\n"
				 "answered ACL SETUSER *** *** *** -> ERR Error in ACL SETUSER modifier '***': x\n"
				 "answered SENTINEL SET m auth-pass *** -> SimpleStrings 2B\n"
				 "answered B840FC02 SET requirepass *** -> SimpleStrings 2B\n"
				 "answered AUTH *** -> WRONGPASS invalid username-password pair\n");
	assert_null(strstr(log, "hunter"));
	feed_has(log, "  > Key=\"k1\"");
	free(log);
	struct proto_options opt = { .details = true, .show_secrets = true, .statement_length = 100 };
	log = feed_run(&proto_redis, steps, ARRAY_LEN(steps), &(struct feed_options){ .opt = &opt }, &(struct feed_plan){ 0 });
	assert_non_null(strstr(log, "HELLO 3 auth bob hunter SETNAME me"));
	assert_non_null(strstr(log, "modifier '>hunter'"));
	free(log);
}

/* One key a command, wherever it is. */
static void keys(void **state)
{
	static const struct {
		const char *command, *key;
	} rows[] = {
		{ "GET k", "k" },
		{ "MSET k v k2 v2", "k" },
		{ "PING k", "" },
		{ "EVAL script 2 k k2 arg", "k" },
		{ "EVAL script 0 arg", "" },
		{ "FCALL f 1 k", "k" },
		{ "ZUNION 2 k k2", "k" },
		{ "ZUNIONSTORE dest 1 k", "dest" },
		{ "BLMPOP 0 2 k k2 LEFT", "k" },
		{ "XREAD COUNT 2 BLOCK 0 STREAMS k k2 0 0", "k" },
		{ "XREADGROUP GROUP g c STREAMS k >", "k" },
		{ "BITOP AND k k2", "k" },
		{ "OBJECT ENCODING k", "k" },
		{ "MEMORY USAGE k", "k" },
		{ "MEMORY DOCTOR", "" },
		{ "DEBUG OBJECT k", "k" },
		{ "DEBUG SLEEP 1", "" },
		{ "XINFO STREAM k", "k" },
		{ "XGROUP CREATE k g $", "k" },
		{ "PUBLISH c m", "" },
		{ "MIGRATE h 1 k 0 1", "k" },
		{ "FT.SEARCH k q", "k" },
		{ "CONFIG GET k", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char line[200], want[64];
		snprintf(line, sizeof(line), "%s\r\n", rows[i].command);
		snprintf(want, sizeof(want), "  > Key=\"%s\"", rows[i].key);
		struct feed_step steps[] = { { FEED_CLIENT, false, line, strlen(line) }, SERVER("+OK\r\n") };
		char *log = feed_run(&proto_redis, steps, 2, &(struct feed_options){ .roles_known = true }, &(struct feed_plan){ 0 });
		feed_has(log, want);
		free(log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(simple),          cmocka_unit_test(binary), cmocka_unit_test(pipelines), cmocka_unit_test(large),
		cmocka_unit_test(inline_commands), cmocka_unit_test(resp3),  cmocka_unit_test(streamed),  cmocka_unit_test(errors),
		cmocka_unit_test(secrets),         cmocka_unit_test(keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
