/* What older drivers and servers say: OP_QUERY, OP_REPLY, OP_INSERT, OP_UPDATE, OP_DELETE, OP_GET_MORE, OP_KILL_CURSORS, OP_COMMAND. */
#include "unit.h"

#include <stdio.h>

#include "proto/mongodb/mongo_build.h"
#include "proto_feed.h"

extern const struct proto proto_mongodb;

static struct bytes client, server, more, last;

static int fresh(void **state)
{
	client.n = server.n = more.n = last.n = 0;
	return 0;
}

static char *heard(const char *brief)
{
	struct feed_step steps[] = {
		{ FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n },
		{ FEED_CLIENT, false, more.b, more.n }, { FEED_SERVER, false, last.b, last.n }, CLIENT_FIN, SERVER_FIN,
	};
	return feed_check(&proto_mongodb, steps, ARRAY_LEN(steps), NULL, brief);
}

static void test_hello(void **state)
{
	query(&client, 1, 4, "admin.$cmd", -1, "{isMaster:1,helloOk:true}");
	reply(&server, 2, 1, 8, 0, "{ismaster:true,maxWireVersion:21,ok:1.0}");
	query(&more, 3, 4, "admin.$cmd", -1, "{$query:{getnonce:1},$readPreference:{mode:'nearest'}}");
	reply(&last, 4, 3, 8, 0, "{nonce:'2375531c32080ae8',ok:0.0,errmsg:'no',code:13}");
	char *log = heard("answered isMaster admin {\"helloOk\":true} -> ok 84B\nanswered getnonce admin -> Unauthorized: no\n");
	feed_has(log, "  > OpCode=\"QUERY\"");
	feed_has(log, "  < OpCode=\"REPLY\"");
	feed_has(log, "  > ReadPreference=\"nearest\"");
	feed_has(log, "  < Documents=0");
	free(log);
}

static void test_query(void **state)
{
	query(&client, 1, 0, "shop.items", 2, "{$query:{a:1},$orderby:{b:-1}}");
	reply(&server, 2, 1, 8, 55, "{a:1} {a:1,b:2}");
	size_t at = message_begin(&more, 3, 0, OP_GET_MORE);
	put_int(&more, 0, 4);
	put_text(&more, "shop.items");
	put_int(&more, 100, 4);
	put_int(&more, 55, 8);
	message_end(&more, at);
	reply(&last, 4, 3, 9, 0, "");
	char *log = heard("answered find shop.items {\"filter\":{\"$query\":{\"a\":1},\"$orderby\":{\"b\":-1}}} -> ok 2 docs 67B\n"
			  "answered getMore shop.items -> CursorNotFound\n");
	feed_has(log, "  > Collection=\"items\"");
	feed_has(log, "  > Statement=\"{\\\"find\\\":\\\"items\\\",\\\"filter\\\":{\\\"$query\\\":{\\\"a\\\":1},\\\"$orderby\\\":{\\\"b\\\":-1}}}\"");
	feed_has(log, "  > Statement=\"{\\\"getMore\\\":55}\"");
	feed_has(log, "  > BatchSize=2");
	feed_has(log, "  < CursorID=55");
	feed_has(log, "  < Code=43");
	free(log);
}

static void test_query_fails(void **state)
{
	query(&client, 1, 0, "shop.items", 0, "{$where:'boom'}");
	reply(&server, 2, 1, 2, 0, "{$err:'bad where',code:16722}");
	char *log = heard("answered find shop.items {\"filter\":{\"$where\":\"boom\"}} -> Location16722: bad where\n");
	feed_has(log, "  < Ok=0");
	free(log);
}

/* The server sends all there is, each reply in answer to the one before. */
static void test_exhaust(void **state)
{
	query(&client, 1, 64, "shop.items", 2, "{}");
	reply(&server, 20, 1, 8, 55, "{a:1} {a:2}");
	reply(&server, 21, 20, 8, 55, "{a:3} {a:4}");
	reply(&server, 22, 21, 8, 0, "{a:5}");
	char *log = heard("answered find shop.items {\"filter\":{}} -> ok 5 docs in 3 replies 168B\n");
	feed_has(log, "  < CursorID=0");
	free(log);
}

/* Writes without an answer, and the command that asks how they went. */
static void test_writes(void **state)
{
	size_t at = message_begin(&client, 1, 0, OP_INSERT);
	put_int(&client, 1, 4);
	put_text(&client, "shop.items");
	put_document(&client, "{a:1}");
	put_document(&client, "{a:2}");
	message_end(&client, at);
	at = message_begin(&client, 2, 0, OP_UPDATE);
	put_int(&client, 0, 4);
	put_text(&client, "shop.items");
	put_int(&client, 1, 4);
	put_document(&client, "{a:1}");
	put_document(&client, "{$set:{a:3}}");
	message_end(&client, at);
	at = message_begin(&client, 3, 0, OP_DELETE);
	put_int(&client, 0, 4);
	put_text(&client, "shop.items");
	put_int(&client, 0, 4);
	put_document(&client, "{a:3}");
	message_end(&client, at);
	at = message_begin(&client, 4, 0, OP_KILL_CURSORS);
	put_int(&client, 0, 4);
	put_int(&client, 2, 4);
	put_int(&client, 77, 8);
	put_int(&client, 78, 8);
	message_end(&client, at);
	query(&client, 5, 0, "shop.$cmd", -1, "{getlasterror:1,w:1}");
	reply(&server, 9, 5, 8, 0, "{n:0,err:'E11000 duplicate key',code:11000,ok:1.0}");
	char *log = heard("oneway insert shop.items {\"documents\":[{\"a\":1},{\"a\":2}]}\noneway update shop.items {\"q\":{\"a\":1},\"u\":{\"$set\":{\"a\":3}}}\n"
			  "oneway delete shop.items {\"q\":{\"a\":3}}\noneway killCursors\n"
			  "answered getlasterror shop {\"w\":1} -> DuplicateKey: E11000 duplicate key\n");
	feed_has(log, "  > Documents=2");
	feed_has(log, "  > CursorID=77");
	feed_has(log, "  > Fingerprint=\"{\\\"insert\\\":\\\"items\\\",\\\"documents\\\":[{\\\"a\\\":?}]}\"");
	free(log);
}

/* Versions 3.2 and 3.4 had the two documents of OP_COMMAND in different orders. */
static void test_command(void **state)
{
	for (int metadata_first = 0; metadata_first < 2; metadata_first++) {
		fresh(NULL);
		size_t at = message_begin(&client, 1, 0, OP_COMMAND);
		put_text(&client, "shop");
		put_text(&client, "count");
		put_document(&client, metadata_first ? "{$ssm:{}}" : "{count:'items'}");
		put_document(&client, metadata_first ? "{count:'items'}" : "{$ssm:{}}");
		message_end(&client, at);
		at = message_begin(&server, 2, 1, OP_COMMAND_REPLY);
		put_document(&server, metadata_first ? "{}" : "{n:4,ok:1.0}");
		put_document(&server, metadata_first ? "{n:4,ok:1.0}" : "{}");
		message_end(&server, at);
		char *log = heard("answered count shop.items -> ok n=4 45B\n");
		feed_has(log, "  > OpCode=\"COMMAND\"");
		feed_has(log, "  < OpCode=\"COMMANDREPLY\"");
		free(log);
	}
}

static void test_pseudo_commands(void **state)
{
	query(&client, 1, 0, "admin.$cmd.sys.inprog", -1, "{}");
	reply(&server, 2, 1, 8, 0, "{inprog:[],ok:1.0}");
	free(heard("answered currentOp admin -> ok 66B\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_hello, fresh),  cmocka_unit_test_setup(test_query, fresh),
		cmocka_unit_test_setup(test_query_fails, fresh), cmocka_unit_test_setup(test_exhaust, fresh),
		cmocka_unit_test_setup(test_writes, fresh), cmocka_unit_test_setup(test_command, fresh),
		cmocka_unit_test_setup(test_pseudo_commands, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
