/* What a connection remembers: subscriptions, transactions, replies switched off, replication; hostile input; first bytes. */
#include "unit.h"

#include <stdio.h>

#include "proto_feed.h"
#include "proto/redis/read.h"

extern const struct proto proto_redis;
#define CHECK(steps, brief) FEED_CHECK(&proto_redis, steps, NULL, brief)

static const struct feed_options known = { .roles_known = true };

static void check_log(const struct feed_step *steps, size_t n, const struct feed_options *opt, const char *brief)
{
	free(feed_check(&proto_redis, steps, n, opt, brief));
}

static void subscriptions(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("*1\r\n$11\r\nUNSUBSCRIBE\r\n"), SERVER("*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"),
		CLIENT("*4\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$10\r\nPSUBSCRIBE\r\n$2\r\nx*\r\n"),
		SERVER("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"),
		SERVER("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n*3\r\n$10\r\npsubscribe\r\n$2\r\nx*\r\n:3\r\n"),
		CLIENT("*1\r\n$4\r\nPING\r\n"), SERVER("*4\r\n$8\r\npmessage\r\n$2\r\nx*\r\n$2\r\nxy\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("-ERR Can't execute 'get': only (P|S)SUBSCRIBE is allowed\r\n"),
		CLIENT("*1\r\n$11\r\nUNSUBSCRIBE\r\n*1\r\n$12\r\nPUNSUBSCRIBE\r\n"),
		SERVER("*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:2\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$12\r\npunsubscribe\r\n$2\r\nx*\r\n:0\r\n"),
		CLIENT("*4\r\n$6\r\nLRANGE\r\n$1\r\nl\r\n$1\r\n0\r\n$2\r\n-1\r\n"), SERVER("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n"),
		CLIENT("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nz\r\n"), SERVER("-NOPERM this user has no permissions\r\n"),
		CLIENT("*2\r\n$10\r\nSSUBSCRIBE\r\n$1\r\ns\r\n"), SERVER("*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n"),
		SERVER("*3\r\n$8\r\nsmessage\r\n$1\r\ns\r\n$1\r\nm\r\n*3\r\n$12\r\nsunsubscribe\r\n$1\r\ns\r\n:0\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("$-1\r\n"),
	};
	char *log = CHECK(steps, "answered UNSUBSCRIBE -> Array 3 of 12B\n"
				 "oneway MESSAGE a hi\n"
				 "answered SUBSCRIBE a a b -> Array 9 of 33B\n"
				 "answered PSUBSCRIBE x* -> Array 3 of 13B\n"
				 "oneway PMESSAGE x* xy \"\"\n"
				 "answered PING -> Array 2 of 4B\n"
				 "answered GET k -> ERR Can't execute '***': only (P|S)SUBSCRIBE is allowed\n"
				 "answered UNSUBSCRIBE -> Array 6 of 26B\n"
				 "answered PUNSUBSCRIBE -> Array 3 of 15B\n"
				 "answered LRANGE l 0 -1 -> Array 3 of 9B\n"
				 "answered SUBSCRIBE z -> NOPERM this user has no permissions\n"
				 "answered SSUBSCRIBE s -> Array 3 of 12B\n"
				 "oneway SMESSAGE s m\n"
				 "oneway SUNSUBSCRIBE s 0\n"
				 "answered GET k -> BulkStrings nil\n");
	feed_has(log, "  > Key=\"xy\"");
	free(log);
	/* unless they are asked for, pushes are counted only */
	struct proto_options opt = { .details = true, .statement_length = 100 };
	log = FEED_CHECK(&proto_redis, steps, &(struct feed_options){ .opt = &opt },
			 "answered UNSUBSCRIBE -> Array 3 of 12B\n"
			 "answered SUBSCRIBE a a b -> Array 9 of 33B\n"
			 "answered PSUBSCRIBE x* -> Array 3 of 13B\n"
			 "answered PING -> Array 2 of 4B\n"
			 "answered GET k -> ERR Can't execute '***': only (P|S)SUBSCRIBE is allowed\n"
			 "answered UNSUBSCRIBE -> Array 6 of 26B\n"
			 "answered PUNSUBSCRIBE -> Array 3 of 15B\n"
			 "answered LRANGE l 0 -1 -> Array 3 of 9B\n"
			 "answered SUBSCRIBE z -> NOPERM this user has no permissions\n"
			 "answered SSUBSCRIBE s -> Array 3 of 12B\n"
			 "answered GET k -> BulkStrings nil\n");
	free(log);
}

/* Fewer confirmations than expected: the next answer, or the end, closes the exchange. */
static void confirmations_short(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\n"), SERVER("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"),
		CLIENT("*1\r\n$5\r\nRESET\r\n"), SERVER("+RESET\r\n"),
		CLIENT("*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\n"), SERVER("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"),
		CLIENT("*2\r\n$10\r\nPSUBSCRIBE\r\n$1\r\np\r\n"), SERVER("*3\r\n$10\r\npsubscribe\r\n$1\r\np\r\n:2\r\n"),
		CLIENT("*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n$1\r\nd\r\n"), SERVER("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:3\r\n"), SERVER_FIN,
	};
	for (int bytes = 0; bytes < 2; bytes++) {
		char *log = feed_run(&proto_redis, steps, ARRAY_LEN(steps), NULL, &(struct feed_plan){ .bytes = bytes }), *brief = feed_brief(log);
		assert_string_equal(brief, "answered SUBSCRIBE a b -> Array 3 of 11B\n"
					   "answered RESET -> SimpleStrings 5B\n"
					   "answered SUBSCRIBE a b -> Array 3 of 11B\n"
					   "answered PSUBSCRIBE p -> Array 3 of 12B\n"
					   "answered SUBSCRIBE c d -> Array 3 of 11B\n");
		feed_has(log, "  < Time=+2ms");
		feed_has(log, "  < Time=+6ms");
		free(brief);
		free(log);
	}
}

static void transactions(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n*3\r\n$5\r\nBLPOP\r\n$1\r\nl\r\n$1\r\n0\r\n*1\r\n$4\r\nEXEC\r\n"),
		SERVER("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n-WRONGTYPE x\r\n"),
		CLIENT("*1\r\n$5\r\nMULTI\r\n*1\r\n$3\r\nGET\r\n*1\r\n$4\r\nEXEC\r\n"),
		SERVER("+OK\r\n-ERR wrong number of arguments for 'get' command\r\n-EXECABORT Transaction discarded because of previous errors.\r\n"),
		CLIENT("*1\r\n$5\r\nMULTI\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n5\r\n*1\r\n$4\r\nEXEC\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
		SERVER("+OK\r\n+QUEUED\r\n*-1\r\n$-1\r\n"),
		CLIENT("*1\r\n$5\r\nMULTI\r\n*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$3\r\nOFF\r\n*1\r\n$4\r\nEXEC\r\n"),
		SERVER("+OK\r\n+QUEUED\r\n-EXECABORT x\r\n"),
		CLIENT("*1\r\n$4\r\nPING\r\n"), SERVER("+PONG\r\n"),
	};
	char *log = CHECK(steps, "answered MULTI -> SimpleStrings 2B\n"
				 "answered INCR a -> SimpleStrings 6B\n"
				 "answered BLPOP l 0 -> SimpleStrings 6B\n"
				 "answered EXEC -> Array 2 of 12B\n"
				 "answered MULTI -> SimpleStrings 2B\n"
				 "answered GET -> ERR wrong number of arguments for '***' command\n"
				 "answered EXEC -> EXECABORT Transaction discarded because of previous errors.\n"
				 "answered MULTI -> SimpleStrings 2B\n"
				 "answered SELECT 5 -> SimpleStrings 6B\n"
				 "answered EXEC -> Array nil\n"
				 "answered GET k -> BulkStrings nil\n"
				 "answered MULTI -> SimpleStrings 2B\n"
				 "answered CLIENT REPLY OFF -> SimpleStrings 6B\n"
				 "answered EXEC -> EXECABORT x\n"
				 "answered PING -> SimpleStrings 4B\n");
	char *last = strstr(log, "answered GET k ");
	assert_non_null(last);
	assert_null(strstr(last, "Database=\"5\""));
	free(log);
}

/* Joined while replies were off: what was asked before is not answered by the answer of CLIENT REPLY ON. */
static void joined_silent(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$3\r\nOFF\r\n"),
		CLIENT("*1\r\n$4\r\nPING\r\n"), CLIENT("*1\r\n$6\r\nDBSIZE\r\n"),
		CLIENT("*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$2\r\nON\r\n"), SERVER("+OK\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("$1\r\nv\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), SERVER("$1\r\nv\r\n"),
	};
	char *log = CHECK(steps, "oneway CLIENT REPLY OFF\noneway PING\noneway DBSIZE\nanswered CLIENT REPLY ON -> SimpleStrings 2B\n"
				 "answered GET k -> BulkStrings 1B\nanswered GET k -> BulkStrings 1B\n");
	free(log);
}

static void replication(void **state)
{
	static const struct feed_step full[] = {
		CLIENT("*2\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n"), SERVER("-ERR unknown command\r\n"),
		CLIENT("SYNC\r\n"), SERVER("\n\n"), SERVER("\n$1000\r\nREDIS0011\xfa"), CLIENT("*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n0\r\n"),
	};
	static const struct feed_step mark[] = {
		CLIENT("*1\r\n$4\r\nSYNC\r\n"), SERVER("$EOF:0123456789012345678901234567890123456789\r\nREDIS0011"),
	};
	static const struct feed_step partial[] = {
		CLIENT("*3\r\n$5\r\nPSYNC\r\n$2\r\nid\r\n$1\r\n7\r\n"), SERVER("\n+CONTINUE id\r\n*1\r\n$4\r\nping\r\n"),
	};
	static const struct feed_step running[] = {
		CLIENT("*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n9\r\n"), SERVER("*1\r\n$4\r\nping\r\n"),
	};
	check_log(full, ARRAY_LEN(full), NULL, "answered PSYNC ? -> ERR unknown command\nanswered SYNC -> BulkStrings 1000B\nhandover opaque\n");
	check_log(mark, ARRAY_LEN(mark), NULL, "answered SYNC -> BulkStrings 0B\nhandover opaque\n");
	check_log(partial, ARRAY_LEN(partial), NULL, "answered PSYNC id 7 -> SimpleStrings 11B\nhandover opaque\n");
	check_log(running, ARRAY_LEN(running), NULL, "oneway REPLCONF ACK 9\nhandover opaque\n");
}

static void monitor(void **state)
{
	static char line[9000];
	int n = snprintf(line, sizeof(line), "+1339518083.107412 [0 127.0.0.1:60866] \"SET\" \"k\" \"");
	memset(line + n, 'v', 8000);
	memcpy(line + n + 8000, "\"\r\n", 4);
	struct feed_step steps[] = {
		CLIENT("*1\r\n$7\r\nMONITOR\r\n"), SERVER("+OK\r\n"),
		{ FEED_SERVER, false, line, strlen(line) },
		CLIENT("*1\r\n$4\r\nQUIT\r\n"), SERVER("+1339518083.107413 [0 127.0.0.1:60866] \"PING\"\r\n+OK\r\n"),
	};
	struct proto_options opt = { .pushes = true, .details = true, .statement_length = 30 };
	char *log = FEED_CHECK(&proto_redis, steps, &(struct feed_options){ .opt = &opt },
			       "answered MONITOR -> SimpleStrings 2B\noneway 1339518083.107412 [0 127.0.0.1\n"
			       "oneway 1339518083.107413 [0 127.0.0.1\nanswered QUIT -> SimpleStrings 2B\n");
	char size[64];
	snprintf(size, sizeof(size), "  > Size=%zu", strlen(line) - 3);
	feed_has(log, size);
	feed_has(log, "  > Command=\"MONITOR\"");
	free(log);
}

/* One reply of a million values, one of a hundred thousand levels: paired, and no memory but the bytes at hand. */
static void deep_and_long(void **state)
{
	enum { VALUES = 1000000, LEVELS = 100000 };
	char *many = malloc(VALUES * 4 + 100), *deep = malloc(LEVELS * 4 + 100), *p = many;
	assert_non_null(many);
	assert_non_null(deep);
	p += snprintf(p, 100, "*%d\r\n", VALUES);
	for (int i = 0; i < VALUES; i++, p += 4)
		memcpy(p, ":1\r\n", 4);
	for (int i = 0; i < LEVELS; i++)
		memcpy(deep + i * 4, "*1\r\n", 4);
	memcpy(deep + LEVELS * 4, ":1\r\n", 4);
	struct feed_step steps[] = {
		CLIENT("*1\r\n$4\r\nPING\r\n"), { FEED_SERVER, false, many, (size_t)(p - many) },
		CLIENT("*1\r\n$4\r\nECHO\r\n"), { FEED_SERVER, false, deep, LEVELS * 4 + 4 },
		CLIENT("*1\r\n$4\r\nPING\r\n"), SERVER("+PONG\r\n"),
	};
	char *log = feed_run(&proto_redis, steps, ARRAY_LEN(steps), NULL, &(struct feed_plan){ 0 }), *brief = feed_brief(log);
	assert_string_equal(brief, "answered PING -> Array 1000000 of 1000000B\nanswered ECHO -> Array 1 of 1B\nanswered PING -> SimpleStrings 4B\n");
	free(brief);
	free(log);
	free(many);
	free(deep);
}

/* A client of whom only this is known, and a server that answers +OK, says `client` and is then understood again. */
static void check_hostile(const char *client, size_t n, const char *server, size_t m)
{
	struct feed_step steps[] = {
		{ FEED_CLIENT, false, client, n }, { FEED_SERVER, false, server, m },
		CLIENT("*1\r\n$4\r\nPING\r\n"), SERVER("+PONG\r\n"),
		CLIENT("*1\r\n$4\r\nPING\r\n"), SERVER("+PONG\r\n"),
	};
	free(feed_run(&proto_redis, steps, ARRAY_LEN(steps), &known, &(struct feed_plan){ .bytes = true }));
	free(feed_run(&proto_redis, steps, ARRAY_LEN(steps), &known, &(struct feed_plan){ 0 }));
}

static void hostile(void **state)
{
	static const char *const clients[] = {
		"*9223372036854775808\r\n", "*99999999999999999999999999\r\n", "*2147483648\r\n", "*-9223372036854775808\r\n", "*--1\r\n", "*1\n", "*1 \r\n",
		"*\r\n", "*1\r\n$9223372036854775807\r\nx", "*1\r\n$18446744073709551615\r\n", "*1\r\n$-1\r\n", "*1\r\n$-2\r\n", "*1\r\n$?\r\n", "*1\r\n:1\r\n",
		"*1\r\n*1\r\n$1\r\na\r\n", "*1\r\n$4\r\nPINGxx", "*2147483647\r\n$4\r\nPING\r\n$1\r\na\r\n", "*1\r\n$68719476736\r\nPING",
		"*1\r\n$0\r\n\r\n", "*2\r\n$0\r\n\r\n$0\r\n\r\n", "\"\r\n", "'\\\r\n", "\"\\x4\" \"\\xZZ\"\r\n", "\x16\x03\x01\x02", "GET / HTTP/1.1\r\n",
		"*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$100\r\n", "*2\r\n$6\r\nSELECT\r\n$20\r\n99999999999999999999\r\n",
	};
	static const char *const servers[] = {
		"$9223372036854775807\r\n", "$9223372036854775808\r\n", "*9223372036854775807\r\n", "*4294967296\r\n", "*4294967297\r\n", "%4294967296\r\n", "$-2\r\n", "*-2\r\n",
		"%-1\r\n", "~-1\r\n", "!-1\r\n", ":\r\n", ":1x\r\n", ":99999999999999999999\r\n", "#x\r\n", "#tt\r\n", "_x\r\n", ",one\r\n", "(1.5\r\n", "+a\rb\r\n", "+a\n",
		"$1\r\nab\r\n", "$?\r\n:1\r\n", "$?\r\n;-1\r\n", "$?\r\n;?\r\n", ";1\r\na\r\n", ".\r\n", "*1\r\n.\r\n", "*?\r\n*1\r\n.\r\n", "|1\r\n+a\r\n+b\r\n|1\r\n",
		">?\r\n+a\r\n.\r\n", ">0\r\n", ">1\r\n$-1\r\n", "!3\r\nERR\r\n", "=3\r\nabc\r\n", "x", "\xff\xff\xff\xff", "HTTP/1.1 400 Bad Request\r\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		check_hostile(clients[i], strlen(clients[i]), "+OK\r\n", 5);
	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		check_hostile("*1\r\n$4\r\nPING\r\n", 14, servers[i], strlen(servers[i]));
	char *big = malloc(200000);
	assert_non_null(big);
	memset(big, 'a', 200000); /* a line without an end */
	struct feed_step endless[] = { { FEED_CLIENT, false, big, 200000 } };
	char *log = feed_run(&proto_redis, endless, 1, &known, &(struct feed_plan){ 0 });
	assert_string_equal(log, "");
	free(log);
	for (int i = 0; i < 40000; i += 4) /* more streamed arrays within each other than are followed */
		memcpy(big + i, "*?\r\n", 4);
	check_hostile("*1\r\n$4\r\nPING\r\n", 14, big, 40000);
	for (int i = 0; i < 39996; i += 13)
		memcpy(big + i, "|4294967296\r\n", 13);
	check_hostile("*1\r\n$4\r\nPING\r\n", 14, big, 13000);
	free(big);
}

/* The server refuses a command that goes on, and then turns out to be none. */
static void refused_early(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n"), SERVER("$20\r\n01234"),
		CLIENT("x\r\n"), SERVER("567890123456789\r\n"),
	};
	char *log = feed_run(&proto_redis, steps, ARRAY_LEN(steps), NULL, &(struct feed_plan){ 0 }), *brief = feed_brief(log);
	assert_string_equal(brief, "answered partial SET k -> BulkStrings 20B\n");
	free(brief);
	free(log);
}

/* A segment in the middle of a lost command's value, full of commands. */
static void commands_in_a_value(void **state)
{
	static char value[1400 * 3 + 1];
	for (size_t i = 0; i + 14 < sizeof(value); i += 14)
		memcpy(value + i, "*1\r\n$4\r\nPING\r\n", 14);
	struct feed_step steps[] = {
		CLIENT("*1\r\n$4\r\nPING\r\n"), SERVER("+PONG\r\n"),
		CLIENT("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4200\r\n"), { FEED_CLIENT, false, value, 1448 }, { FEED_CLIENT, false, value + 1448, 1448 },
		{ FEED_CLIENT, false, value + 2896, 1304 }, CLIENT("\r\n"), SERVER("+OK\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\na\r\n"), SERVER("$1\r\na\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$1\r\nb\r\n"), SERVER("$1\r\nb\r\n"),
	};
	char *log = feed_run(&proto_redis, steps, ARRAY_LEN(steps), NULL, &(struct feed_plan){ .hole_at = 21, .hole_len = 32 });
	assert_null(strstr(log, "answered PING -> SimpleStrings 2B"));
	assert_non_null(strstr(log, "answered GET b"));
	free(log);
}

static const struct {
	const char *bytes;
	enum probe probe;
	enum side side;
} first[] = {
	{ "*", PROBE_MORE, SIDE_REQUEST },
	{ "*1\r\n$4", PROBE_MORE, SIDE_REQUEST },
	{ "*1\r\n$4\r\nPIN", PROBE_MORE, SIDE_REQUEST },
	{ "*1\r\n$4\r\nPING\r\n", PROBE_SURE, SIDE_REQUEST },
	{ "*2\r\n$8\r\nJSON.GET\r\n$", PROBE_SURE, SIDE_REQUEST },
	{ "*2\r\n$6\r\nMYNAME\r\n", PROBE_MAYBE, SIDE_REQUEST },
	{ "*1\r\n$4\r\nPINGxx", PROBE_NO, SIDE_REQUEST },
	{ "*x", PROBE_NO, SIDE_REQUEST },
	{ "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n", PROBE_SURE, SIDE_RESPONSE },
	{ "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n", PROBE_MORE, SIDE_RESPONSE },
	{ "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n", PROBE_SURE, SIDE_RESPONSE },
	{ "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n$1\r\nd\r\n", PROBE_SURE, SIDE_REQUEST },
	{ "*14\r\n$6\r\nserver\r\n", PROBE_SURE, SIDE_RESPONSE },
	{ "*2\r\n:1\r\n:2\r\n", PROBE_MAYBE, SIDE_RESPONSE },
	{ "*-1\r\n", PROBE_MAYBE, SIDE_RESPONSE },
	{ "*0\r\n", PROBE_MAYBE, SIDE_RESPONSE },
	{ "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n", PROBE_SURE, SIDE_RESPONSE },
	{ "+OK\r\n", PROBE_MAYBE, SIDE_RESPONSE },
	{ "+PONG\r\n", PROBE_MAYBE, SIDE_RESPONSE },
	{ "-NOAUTH Authentication required.\r\n", PROBE_MAYBE, SIDE_RESPONSE },
	{ "$5\r\nhello\r\n", PROBE_MAYBE, SIDE_RESPONSE },
	{ "$5\r\nhelloxx", PROBE_NO, SIDE_RESPONSE },
	{ "$-1\r\n", PROBE_MAYBE, SIDE_RESPONSE },
	{ ":1\r\n", PROBE_MAYBE, SIDE_RESPONSE },
	{ "PING\r\n", PROBE_MAYBE, SIDE_REQUEST },
	{ "PIN", PROBE_MORE, SIDE_REQUEST },
	{ "SET k v\r\n", PROBE_MAYBE, SIDE_REQUEST },
	{ "GET k\n", PROBE_MAYBE, SIDE_REQUEST },
	{ "set k v\r\n", PROBE_MAYBE, SIDE_REQUEST },
	{ "PUBLISH c \"Hi \\\" there :)\"\r\n", PROBE_MAYBE, SIDE_REQUEST },
	{ "PUBLISH c Hi there\r\n", PROBE_NO, SIDE_REQUEST },
	{ "GET \"k\r\n", PROBE_MAYBE, SIDE_REQUEST },
	/* others */
	{ "GET / HTTP/1.1\r\nHost: x\r\n", PROBE_NO, SIDE_REQUEST },
	{ "POST /x HTTP/1.1\r\n", PROBE_NO, SIDE_REQUEST },
	{ "HTTP/1.1 200 OK\r\n", PROBE_NO, SIDE_REQUEST },
	{ "EHLO example.com\r\n", PROBE_NO, SIDE_REQUEST },
	{ "AUTH PLAIN AGJvYgBwdw==\r\n", PROBE_NO, SIDE_REQUEST },
	{ "AUTH LOGIN\r\n", PROBE_NO, SIDE_REQUEST },
	{ "QUIT\r\n", PROBE_NO, SIDE_REQUEST },
	{ "MAIL FROM:<a@b>\r\n", PROBE_NO, SIDE_REQUEST },
	{ "220 mail ESMTP\r\n", PROBE_NO, SIDE_REQUEST },
	{ "+OK POP3 server ready\r\n", PROBE_NO, SIDE_REQUEST },
	{ "-ERR\r\n", PROBE_NO, SIDE_REQUEST },
	{ "USER bob\r\n", PROBE_NO, SIDE_REQUEST },
	{ "get k\r\n", PROBE_NO, SIDE_REQUEST },
	{ "gets k\r\n", PROBE_NO, SIDE_REQUEST },
	{ "get a b c\r\n", PROBE_NO, SIDE_REQUEST },
	{ "set k 0 0 5\r\nhello\r\n", PROBE_NO, SIDE_REQUEST },
	{ "incr k 1\r\n", PROBE_NO, SIDE_REQUEST },
	{ "append k 0 0 5\r\n", PROBE_NO, SIDE_REQUEST },
	{ "touch k 10\r\n", PROBE_NO, SIDE_REQUEST },
	{ "VALUE k 0 5\r\n", PROBE_NO, SIDE_REQUEST },
	{ "PING :irc.example.org\r\n", PROBE_NO, SIDE_REQUEST },
	{ ":irc.example.org 001 me :Welcome\r\n", PROBE_NO, SIDE_REQUEST },
	{ "INFO {\"server_id\":\"x\"}\r\n", PROBE_NO, SIDE_REQUEST },
	{ "SSH-2.0-OpenSSH_9.2\r\n", PROBE_NO, SIDE_REQUEST },
	{ "\x16\x03\x01\x02\x00\x01", PROBE_NO, SIDE_REQUEST },
	{ "* OK IMAP4rev1\r\n", PROBE_NO, SIDE_REQUEST },
};

static void first_bytes(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(first); i++) {
		enum side side = SIDE_REQUEST;
		struct guarded g = guarded_copy(first[i].bytes, strlen(first[i].bytes));
		enum probe probe = redis_probe(g.p, g.n, &side);
		if (probe != first[i].probe || (probe >= PROBE_MAYBE && side != first[i].side))
			fail_msg("%s: probe %d side %d", first[i].bytes, probe, side);
		for (size_t n = 0; n < g.n; n++) { /* nothing that turns out to be sure is ruled out before */
			enum probe early = redis_probe(g.p, n, &side);
			if (early == PROBE_NO && probe == PROBE_SURE)
				fail_msg("%s: ruled out after %zu bytes", first[i].bytes, n);
		}
		guarded_free(&g);
	}
}

static void command_table(void **state)
{
	size_t n;
	const struct redis_command *all = redis_command_all(&n);
	assert_true(n > 250);
	for (size_t i = 0; i < n; i++) {
		assert_true(i == 0 || strcmp(all[i - 1].name, all[i].name) < 0);
		assert_ptr_equal(redis_command_find(str_from(all[i].name)), &all[i]);
		assert_true(redis_command_plausible(str_from(all[i].name)));
		assert_int_not_equal(all[i].arity, 0);
	}
	assert_ptr_equal(redis_command_find(STR("zRemRangeByRank")), redis_command_find(STR("ZREMRANGEBYRANK")));
	assert_null(redis_command_find(STR("GETT")));
	assert_null(redis_command_find(STR("")));
	assert_null(redis_command_find(STR("A_NAME_LONGER_THAN_ANY_COMMAND_THERE_IS")));
}

static void texts(void **state)
{
	static const struct {
		const char *p, *want;
		u32 cap;
		bool whole;
	} rows[] = {
		{ "plain", "plain", 10, true },     { "two words", "\"two words\"", 20, true }, { "", "\"\"", 10, true },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"", 20, true }, { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", 20, true },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc", 5, true }, { "\xff", "\"\\xff\"", 20, true }, { "\xff", "\"", 4, true },
		{ "ab\xc3", "ab", 20, false },      { "ab\xc3", "\"ab\\xc3\"", 20, true }, { "\xed\xa0\x80", "\"\\xed\\xa0\\x80\"", 20, true },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", 20, true }, { "\xc0\x80", "\"\\xc0\\x80\"", 20, true }, { "abc", "", 0, true },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[64];
		struct text t = { out, 0, rows[i].cap, false };
		struct guarded g = guarded_copy(rows[i].p, strlen(rows[i].p));
		text_add_argument(&t, g.p, g.n, rows[i].whole);
		if (!str_eq(str_make(t.p, t.n), str_from(rows[i].want)))
			fail_msg("row %zu: %.*s", i, (int)t.n, t.p);
		guarded_free(&g);
	}
}

/* Every byte at every place of a value, and every limit: what several bytes at once give is what one at a time gives. */
static void texts_by_byte(void **state)
{
	char value[20], out[80];
	for (size_t n = 1; n <= sizeof(value); n++)
		for (size_t at = 0; at < n; at++)
			for (int c = 0; c < 0x80; c++) {
				char want[80] = "\"";
				bool alone = c > ' ' && c < 0x7f && !strchr("\"\\'", c), whole = alone || c == ' ' || c == '\'';
				memset(value, 'v', n);
				value[at] = (char)c;
				const char *escape = c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : c == '"' ? "\\\"" : c == '\\' ? "\\\\" : NULL;
				char hex[8];
				snprintf(hex, sizeof(hex), "\\x%02x", (unsigned)c);
				snprintf(want + 1, sizeof(want) - 1, "%.*s%.*s%s%.*s\"", (int)at, value, whole ? 1 : 0, value + at, whole ? "" : escape ? escape : hex,
					 (int)(n - at - 1), value + at + 1);
				size_t len = strlen(want);
				struct text t = { out, 0, sizeof(out), false };
				struct guarded g = guarded_copy(value, n);
				text_add_argument(&t, g.p, g.n, true);
				if (!str_eq(str_make(t.p, t.n), alone ? str_make(want + 1, len - 2) : str_make(want, len)))
					fail_msg("%zu bytes, %02x at %zu: %.*s", n, (unsigned)c, at, (int)t.n, t.p);
				guarded_free(&g);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subscriptions), cmocka_unit_test(confirmations_short), cmocka_unit_test(transactions),
		cmocka_unit_test(joined_silent), cmocka_unit_test(replication),         cmocka_unit_test(monitor),
		cmocka_unit_test(deep_and_long), cmocka_unit_test(hostile),             cmocka_unit_test(commands_in_a_value), cmocka_unit_test(refused_early),
		cmocka_unit_test(first_bytes),   cmocka_unit_test(command_table),       cmocka_unit_test(texts),
		cmocka_unit_test(texts_by_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
