/* OP_MSG: commands and replies of current drivers and servers. */
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

static char *heard_with(const char *brief, const struct feed_options *opt)
{
	struct feed_step steps[] = {
		{ FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n },
		{ FEED_CLIENT, false, more.b, more.n }, { FEED_SERVER, false, last.b, last.n }, CLIENT_FIN, SERVER_FIN,
	};
	return feed_check(&proto_mongodb, steps, ARRAY_LEN(steps), opt, brief);
}

static char *heard(const char *brief)
{
	return heard_with(brief, NULL);
}

static void test_find(void **state)
{
	msg(&client, 7, 0, "{find:'items',filter:{a:1,b:{$gt:2.5,$in:[1,2,'x']}},limit:3,batchSize:2,lsid:{id:#4:00112233445566778899aabbccddeeff#},"
			   "$readPreference:{mode:'secondary'},$db:'shop'}");
	msg(&server, 90, 7, "{cursor:{firstBatch:[{_id:1,a:1},{_id:2,a:1}],id:77L,ns:'shop.items'},ok:1.0}");
	msg(&more, 8, 0, "{getMore:77L,collection:'items',batchSize:2,$db:'shop'}");
	msg(&last, 91, 8, "{cursor:{nextBatch:[{_id:3}],id:0L,ns:'shop.items'},ok:1.0}");
	char *log = heard("answered find shop.items {\"filter\":{\"a\":1,\"b\":{\"$gt\":2.5,\"$in\":[1,2,\"x\"]}},\"limit\":3,\"batchSize\":2} -> ok 2 docs 147B\n"
			  "answered getMore shop.items {\"collection\":\"items\",\"batchSize\":2} -> ok 1 doc 115B\n");
	feed_has(log, "  > ID=7");
	feed_has(log, "  > OpCode=\"MSG\"");
	feed_has(log, "  > Source=\"shop\"");
	feed_has(log, "  > Collection=\"items\"");
	feed_has(log, "  > CmdName=\"find\"");
	feed_has(log, "  > CmdValue=\"items\"");
	feed_has(log, "  > Namespace=\"shop.items\"");
	feed_has(log, "  > ReadPreference=\"secondary\"");
	feed_has(log, "  > BatchSize=2");
	feed_has(log, "  > Fingerprint=\"{\\\"find\\\":\\\"items\\\",\\\"filter\\\":{\\\"a\\\":?,\\\"b\\\":{\\\"$gt\\\":?,\\\"$in\\\":[?]}},\\\"limit\\\":?,\\\"batchSize\\\":?}\"");
	feed_has(log, "  > Fingerprint=\"{\\\"getMore\\\":?,\\\"collection\\\":\\\"items\\\",\\\"batchSize\\\":?}\"");
	feed_has(log, "  > CursorID=77");
	feed_has(log, "  < ID=7");
	feed_has(log, "  < Ok=1");
	feed_has(log, "  < Message=\"OK\"");
	feed_has(log, "  < Documents=2");
	feed_has(log, "  < CursorID=77");
	feed_lacks(log, "lsid");
	feed_lacks(log, "  > Session");
	free(log);
}

/* Sequences before and after the body; checksums; several messages in a segment, answered out of order. */
static void test_sections(void **state)
{
	size_t at = message_begin(&client, 1, 0, OP_MSG);
	put_int(&client, 0, 4);
	body(&client, "{insert:'items',ordered:true,$db:'shop'}");
	sequence(&client, "documents", "{_id:1} {_id:2,x:'y'} {_id:3}");
	message_end(&client, at);
	at = message_begin(&client, 0x80000002, 0, OP_MSG);
	put_int(&client, 1, 4);
	sequence(&client, "updates", "{q:{a:1},u:{$set:{a:2}}} {q:{},u:{}}");
	body(&client, "{update:'items',$db:'shop'}");
	put_int(&client, 0x1234, 4);
	message_end(&client, at);
	at = message_begin(&client, 3, 0, OP_MSG);
	put_int(&client, 0, 4);
	body(&client, "{bulkWrite:1,$db:'admin'}");
	sequence(&client, "ops", "{insert:0,document:{}} {delete:0,filter:{}}");
	sequence(&client, "nsInfo", "{ns:'shop.carts'}");
	message_end(&client, at);
	msg_flagged(&server, 11, 0x80000002, 1, "{n:2,nModified:1,ok:1}");
	msg(&server, 12, 1, "{n:3,ok:1.0}");
	msg(&server, 13, 3, "{cursor:{id:0L,firstBatch:[{ok:1.0,idx:0,n:1},{ok:0.0,idx:1,code:11000,errmsg:'E11000 dup'}]},nErrors:1,ok:1.0}");
	char *log = heard("answered update shop.items -> ok n=2 60B\n"
			  "answered insert shop.items {\"ordered\":true,\"documents\":[{\"_id\":1},{\"_id\":2,\"x\":\"y\"},{\"_id\":3}]} -> ok n=3 45B\n"
			  "answered bulkWrite shop.carts {\"ops\":[{\"insert\":0,\"document\":{}},{\"delete\":0,\"filter\":{}}],\"nsInfo\":[{\"ns\":\"shop.carts\"}]} -> DuplicateKey: E11000 dup\n");
	feed_has(log, "  > ID=2147483650");
	feed_has(log, "  > Documents=3");
	feed_has(log, "  > Documents=2");
	feed_has(log, "  < Modified=1");
	feed_has(log, "  > Fingerprint=\"{\\\"insert\\\":\\\"items\\\",\\\"ordered\\\":?,\\\"documents\\\":[{\\\"_id\\\":?}]}\"");
	feed_has(log, "  < WriteErrors=1");
	free(log);
}

static void test_errors(void **state)
{
	static const struct {
		const char *answer, *brief, *error;
	} cases[] = {
		{ "{ok:0.0,errmsg:'no such command',code:59,codeName:'CommandNotFound'}", "CommandNotFound: no such command", "  < Code=59" },
		{ "{ok:0,errmsg:'old server',code:11000}", "DuplicateKey: old server", "  < Message=\"DuplicateKey\"" },
		{ "{ok:false,errmsg:'odd',code:4711L}", "Location4711: odd", "  < CodeName=\"Location4711\"" },
		{ "{ok:0.0,errmsg:'no code'}", "UnknownError: no code", "  < Ok=0" },
		{ "{n:1,writeErrors:[{index:0,code:11000,errmsg:'E11000 x'},{index:1,code:121,errmsg:'second'}],ok:1.0}", "DuplicateKey: E11000 x", "  < WriteErrors=2" },
		{ "{n:1,writeConcernError:{code:64,codeName:'WriteConcernFailed',errmsg:'waiting timed out',errInfo:{wtimeout:true}},ok:1.0}",
		  "WriteConcernFailed: waiting timed out", "  < WriteConcernError=true" },
		{ "{ok:1.0,x:{ok:0.0,code:5},code:99,cursor:{ok:0.0}}", "ok 103B", "  < Code=0" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char brief[256];
		fresh(NULL);
		msg(&client, 1, 0, "{insert:'c',$db:'d'}");
		msg(&server, 2, 1, cases[i].answer);
		snprintf(brief, sizeof(brief), "answered insert d.c -> %s\n", cases[i].brief);
		char *log = heard(brief);
		feed_has(log, cases[i].error);
		free(log);
	}
}

/* What is a collection, and what is not. */
static void test_namespaces(void **state)
{
	static const struct {
		const char *command, *full;
	} cases[] = {
		{ "{aggregate:1,pipeline:[],cursor:{batchSize:5},$db:'d'}", "d" },
		{ "{aggregate:'c',pipeline:[],cursor:{batchSize:5},$db:'d'}", "d.c" },
		{ "{findandmodify:'c',$db:'d'}", "d.c" },
		{ "{getLog:'global',$db:'admin'}", "admin" },
		{ "{renameCollection:'shop.a',to:'shop.b',$db:'admin'}", "shop.a" },
		{ "{explain:{count:'c',query:{}},verbosity:'x',$db:'d'}", "d.c" },
		{ "{mine:'c.d',$db:'d'}", "d" },
		{ "{killCursors:'c',cursors:[1L,2L],$db:'d'}", "d.c" },
		{ "{drop:'system.profile',$db:'d'}", "d.system.profile" },
		{ "{listCollections:1,nameOnly:true,$db:'d'}", "d" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char line[128];
		fresh(NULL);
		msg(&client, 1, 0, cases[i].command);
		msg(&server, 2, 1, "{ok:1.0}");
		struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n } };
		char *log = feed_all(&proto_mongodb, steps, 2, NULL);
		snprintf(line, sizeof(line), "  > Namespace=\"%s\"", cases[i].full);
		feed_has(log, line);
		free(log);
	}
}

static void test_secrets(void **state)
{
	static const char *const commands[] = {
		"{saslStart:1,mechanism:'SCRAM-SHA-256',payload:#0:6e2c2c6e3d75736572#,$db:'admin'}",
		"{saslContinue:1,conversationId:1,payload:'hush',$db:'admin'}",
		"{createUser:'bob',pwd:'hush',roles:['read'],customData:{secret:'hush'},$db:'shop'}",
		"{updateUser:'bob',pwd:'hush',$db:'shop'}",
		"{authenticate:1,user:'bob',nonce:'hush',key:'hush',$db:'shop'}",
		"{hello:1,speculativeAuthenticate:{saslStart:1,payload:'hush'},$db:'admin'}",
		"{copydb:1,key:'hush',$db:'admin'}",
	};
	static const struct proto_options shown = { .details = true, .statement_length = 1024, .show_secrets = true };
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		fresh(NULL);
		msg(&client, 1, 0, commands[i]);
		msg(&server, 2, 1, "{conversationId:1,payload:'hush',ok:1.0}");
		struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n } };
		char *log = feed_all(&proto_mongodb, steps, 2, NULL);
		feed_lacks(log, "hush");
		feed_lacks(log, "biwsbj11c2Vy");
		assert_non_null(strstr(log, "***"));
		free(log);
		log = feed_run(&proto_mongodb, steps, 2, &(struct feed_options){ .opt = &shown }, &(struct feed_plan){ 0 });
		assert_non_null(strstr(log, i ? "hush" : "biwsbj11c2Vy"));
		free(log);
	}
}

/* An unacknowledged write has no answer; what comes next does. */
static void test_more_to_come(void **state)
{
	msg_flagged(&client, 1, 0, 2, "{insert:'log',documents:[{a:1}],$db:'d'}");
	msg(&client, 2, 0, "{ping:1,$db:'admin'}");
	msg(&server, 9, 2, "{ok:1.0}");
	char *log = heard("oneway insert d.log {\"documents\":[{\"a\":1}]}\nanswered ping admin -> ok 38B\n");
	feed_has(log, "  > MoreToCome=true");
	feed_has(log, "  > Documents=1");
	free(log);
}

/* Each reply of a row answers the one before it. Monitoring goes on until the connection ends. */
static void test_exhaust(void **state)
{
	msg_flagged(&client, 1, 0, 65536, "{getMore:5L,collection:'c',$db:'d'}");
	msg_flagged(&server, 50, 1, 2, "{cursor:{nextBatch:[{a:1},{a:2}],id:5L},ok:1.0}");
	msg_flagged(&server, 51, 50, 2, "{cursor:{nextBatch:[{a:3}],id:5L},ok:1.0}");
	msg(&server, 52, 51, "{cursor:{nextBatch:[{a:4}],id:0L},ok:1.0}");
	msg_flagged(&more, 2, 0, 65536, "{hello:1,topologyVersion:{counter:1L},maxAwaitTimeMS:10000,$db:'admin'}");
	msg_flagged(&last, 60, 2, 2, "{isWritablePrimary:true,ok:1.0}");
	msg_flagged(&last, 61, 60, 2, "{isWritablePrimary:true,ok:1.0}");
	char *log = heard("answered getMore d.c {\"collection\":\"c\"} -> ok 4 docs in 3 replies 297B\n"
			  "answered hello admin {\"topologyVersion\":{\"counter\":1},\"maxAwaitTimeMS\":10000} -> ok in 2 replies 116B\n");
	feed_has(log, "  < Replies=3");
	feed_has(log, "  < Documents=4");
	feed_has(log, "  > Monitoring=true");
	free(log);
}

/* A row that fails at its end. */
static void test_exhaust_fails(void **state)
{
	msg_flagged(&client, 1, 0, 65536, "{getMore:5L,collection:'c',$db:'d'}");
	msg_flagged(&server, 50, 1, 2, "{cursor:{nextBatch:[{a:1}],id:5L},ok:1.0}");
	msg(&server, 51, 50, "{ok:0.0,errmsg:'killed',code:237,codeName:'CursorKilled'}");
	free(heard("answered getMore d.c {\"collection\":\"c\"} -> CursorKilled: killed\n"));
}

/* A context in the comment joins the trace. */
static void test_trace(void **state)
{
	static const char *const comments[] = {
		"'00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'", "'app=x,traceparent=\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"'",
		"{traceparent:'00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'}",
	};
	for (size_t i = 0; i < ARRAY_LEN(comments); i++) {
		char command[256];
		fresh(NULL);
		snprintf(command, sizeof(command), "{find:'c',comment:%s,$db:'d'}", comments[i]);
		msg(&client, 1, 0, command);
		msg(&server, 2, 1, "{ok:1.0}");
		struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n } };
		char *log = feed_all(&proto_mongodb, steps, 2, NULL);
		assert_non_null(strstr(log, "0af7651916cd43dd8448eb211c80319c"));
		free(log);
	}
}

static void test_transaction(void **state)
{
	msg(&client, 1, 0, "{find:'c',lsid:{id:#4:00112233445566778899aabbccddeeff#},txnNumber:3L,startTransaction:true,autocommit:false,$db:'d'}");
	msg(&server, 2, 1, "{cursor:{firstBatch:[],id:0L},ok:1.0}");
	char *log = heard("answered find d.c {\"txnNumber\":3,\"startTransaction\":true,\"autocommit\":false} -> ok 80B\n");
	feed_has(log, "  > TxnNumber=3");
	feed_has(log, "  > Session=\"00112233-4455-6677-8899-aabbccddeeff\"");
	free(log);
}

/* Values as text: every type, and cut where the limit is. */
static void test_text(void **state)
{
	static const struct proto_options brief = { .details = true, .statement_length = 30 };
	size_t at = message_begin(&client, 1, 0, OP_MSG);
	put_int(&client, 0, 5);
	size_t doc = client.n;
	PUT(&client, "\0\0\0\0\x10p\0\1\0\0\0\x09" "date\0");
	put_int(&client, 1709210096789, 8);
	PUT(&client, "\x07id\0\1\2\3\4\5\6\7\10\11\12\13\14\x0bre\0^a\0i\0\x11ts\0\5\0\0\0\7\0\0\0\xffmin\0\x7fmax\0\x06u\0\x13" "dec\0");
	PUT(&client, "\xd2\x04\0\0\0\0\0\0\0\0\0\0\0\0\x3c\x30\x0d" "code\0\2\0\0\0x\0\x02s\0\3\0\0\0<\n\0\x02$db\0\2\0\0\0d\0\0");
	set_length(&client, doc, client.n - doc);
	message_end(&client, at);
	msg(&server, 2, 1, "{ok:1.0}");
	struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n } };
	char *log = feed_all(&proto_mongodb, steps, 2, NULL);
	feed_has(log, "  > Statement=\"{\\\"p\\\":1,\\\"date\\\":{\\\"$date\\\":\\\"2024-02-29T12:34:56.789Z\\\"},\\\"id\\\":{\\\"$oid\\\":\\\"0102030405060708090a0b0c\\\"},"
		      "\\\"re\\\":{\\\"$regularExpression\\\":{\\\"pattern\\\":\\\"^a\\\",\\\"options\\\":\\\"i\\\"}},\\\"ts\\\":{\\\"$timestamp\\\":{\\\"t\\\":7,\\\"i\\\":5}},"
		      "\\\"min\\\":{\\\"$minKey\\\":1},\\\"max\\\":{\\\"$maxKey\\\":1},\\\"u\\\":{\\\"$undefined\\\":true},\\\"dec\\\":{\\\"$numberDecimal\\\":\\\"12.34\\\"},"
		      "\\\"code\\\":{\\\"$code\\\":\\\"x\\\"},\\\"s\\\":\\\"<\\\\n\\\"}\"");
	free(log);
	log = feed_all(&proto_mongodb, steps, 2, &(struct feed_options){ .opt = &brief });
	feed_has(log, "  > Statement=\"{\\\"p\\\":1,\\\"date\\\":\"");
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_find, fresh),
		cmocka_unit_test_setup(test_sections, fresh),
		cmocka_unit_test_setup(test_errors, fresh),
		cmocka_unit_test_setup(test_namespaces, fresh),
		cmocka_unit_test_setup(test_secrets, fresh),
		cmocka_unit_test_setup(test_more_to_come, fresh),
		cmocka_unit_test_setup(test_exhaust, fresh),
		cmocka_unit_test_setup(test_exhaust_fails, fresh),
		cmocka_unit_test_setup(test_trace, fresh),
		cmocka_unit_test_setup(test_transaction, fresh),
		cmocka_unit_test_setup(test_text, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
