/* DNS over UDP: what is read from a message, and which answer belongs to which query. */
#include "unit.h"

#include <stdio.h>

#include "proto/dns/dns_build.h"
#include "proto_feed.h"

enum { A = 1, CNAME = 5, TXT_ = 16, AAAA = 28, DS = 43, HTTPS = 65, TKEY = 249, ANY = 255 };

static const struct feed_options udp = { .datagram = true };

#define MAX_STEPS 16

/* A conversation being built. */
struct talk {
	struct msg m[MAX_STEPS];
	struct feed_step steps[MAX_STEPS];
	size_t n;
};

static struct talk talk; /* one test at a time */

static struct msg *say(u8 dir)
{
	struct msg *m = &talk.m[talk.n];
	talk.steps[talk.n++] = (struct feed_step){ .dir = dir };
	m->n = 0;
	return m;
}

static struct msg *asks(unsigned id, const char *name, unsigned type)
{
	struct msg *m = say(FEED_CLIENT);
	msg_query(m, id, name, type);
	return m;
}

static struct msg *answers(unsigned id, const char *name, unsigned type, unsigned rcode)
{
	struct msg *m = say(FEED_SERVER);
	msg_answer(m, id, name, type, rcode);
	return m;
}

static void finish(void)
{
	for (size_t i = 0; i < talk.n; i++) {
		talk.steps[i].p = talk.m[i].b;
		talk.steps[i].n = talk.m[i].n;
	}
}

/* Where datagrams are alike, losing one makes other pairs, and rightly so: run in one way only. */
static void heard_once(const struct feed_options *opt, const char *brief)
{
	finish();
	char *log = feed_run(&proto_dns, talk.steps, talk.n, opt, &(struct feed_plan){ 0 }), *got = feed_brief(log);
	talk.n = 0;
	assert_string_equal(got, brief);
	free(got);
	free(log);
}

/* Runs what was said in every way; returns the log. */
static char *heard(const struct feed_options *opt, const char *brief)
{
	finish();
	char *log = feed_check(&proto_dns, talk.steps, talk.n, opt, brief);
	talk.n = 0;
	return log;
}

static void heard_only(const struct feed_options *opt, const char *brief)
{
	free(heard(opt, brief));
}

static void test_pair(void **state)
{
	asks(0x201, "Example.com", A);
	msg_a(answers(0x201, "example.com", A, 0), DNS_ANSWER, NULL, 60, 0xc0000250);
	char *log = heard(&udp, "answered A Example.com -> NOERROR 192.0.2.80\n");
	feed_has(log, "  > Proto=\"DNS\"");
	feed_has(log, "  > Size=29");
	feed_has(log, "  > Message.Header.ID=513");
	feed_has(log, "  > Message.Header.OpCode=\"Query\"");
	feed_has(log, "  > Message.Header.Status=\"Success\"");
	feed_has(log, "  > Message.Header.Response=false");
	feed_has(log, "  > Message.Header.RecursionDesired=true");
	feed_has(log, "  > Message.QuestionSec.Name=\"Example.com.\"");
	feed_has(log, "  > Message.QuestionSec.Type=\"A\"");
	feed_has(log, "  > Message.QuestionSec.Class=\"\"");
	feed_has(log, "  > Transport=\"udp\"");
	feed_has(log, "  > domain=\"Example.com\"");
	feed_has(log, "  < Size=45");
	feed_has(log, "  < Message.Header.Response=true");
	feed_has(log, "  < Message.Header.RecursionAvailable=true");
	feed_has(log, "  < Message.QuestionSec.Name=\"example.com.\"");
	feed_has(log, "  < Message.AnswerSec=[{\"Name\":\"example.com.\",\"Type\":\"A\",\"TTL\":60,\"Class\":\"INET\",\"Record\":\"192.0.2.80\"}]");
	feed_has(log, "  < Message.AuthoritySec=(left out)");
	feed_has(log, "  < rcode=\"NOERROR\"");
	free(log);
}

static void test_sections(void **state)
{
	asks(7, "example.com", A);
	struct msg *m = answers(7, "example.com", A, DNS_AA | DNS_AD | DNS_CD);
	MSG_RR(m, DNS_ANSWER, NULL, CNAME, 1, 300, "\x03www\xc0\x0c");
	msg_a(m, DNS_ANSWER, "www.example.com", 20, 0x01020304);
	msg_a(m, DNS_ANSWER, "www.example.com", 20, 0x01020305);
	MSG_RR(m, DNS_AUTHORITY, NULL, 2, 1, 300, "\x02ns\xc0\x0c");
	msg_a(m, DNS_ADDITIONAL, "ns.example.com", 20, 0x05060708);
	msg_soa(m, DNS_ADDITIONAL, NULL, 9);
	char *log = heard(&udp, "answered A example.com -> NOERROR 1.2.3.4 +2\n");
	feed_has(log, "  < Message.AnswerSec=[{\"Name\":\"example.com.\",\"Type\":\"CNAME\",\"TTL\":300,\"Class\":\"INET\",\"Record\":\"www.example.com.\"},"
		      "{\"Name\":\"www.example.com.\",\"Type\":\"A\",\"TTL\":20,\"Class\":\"INET\",\"Record\":\"1.2.3.4\"},"
		      "{\"Name\":\"www.example.com.\",\"Type\":\"A\",\"TTL\":20,\"Class\":\"INET\",\"Record\":\"1.2.3.5\"}]");
	feed_has(log, "  < Message.AuthoritySec=[{\"Name\":\"example.com.\",\"Type\":\"NS\",\"Class\":\"INET\",\"Record\":\"ns.example.com.\"}]");
	feed_has(log, "  < Message.AdditionalSec=[{\"Name\":\"ns.example.com.\",\"Type\":\"A\",\"Class\":\"INET\",\"Record\":\"5.6.7.8\"},"
		      "{\"Name\":\"example.com.\",\"Type\":\"SOA\",\"Class\":\"INET\",\"Record\":\"example.com./example.com./T:400/E:300\"}]");
	feed_has(log, "  < Authoritative=true");
	feed_has(log, "  < Truncated=false");
	feed_has(log, "  < Message.Header.AuthenticData=true");
	feed_has(log, "  < Message.Header.CheckingDisabled=true");
	feed_has(log, "  < Message.Records=0");
	free(log);
}

/* The id alone does not make a pair; the order of equal questions does. */
static void test_key(void **state)
{
	asks(5, "a.example", A);
	asks(5, "a.example", AAAA);
	asks(5, "b.example", A);
	answers(5, "b.example", A, 3);
	answers(5, "a.example", AAAA, 0);
	answers(5, "c.example", A, 0);
	answers(5, "a.example", A, 2);
	answers(5, "a.example", A, 0);
	heard_once(&udp, "answered A b.example -> NXDOMAIN\n"
			 "answered AAAA a.example -> NOERROR\n"
			 "orphan -> NOERROR\n"
			 "answered A a.example -> SERVFAIL\n"
			 "orphan -> NOERROR\n");
	asks(6, "a.example", A);
	asks(6, "a.example", A);
	answers(6, "A.EXAMPLE", A, 0);
	finish(); /* the first of the two has the answer */
	char *log = feed_run(&proto_dns, talk.steps, talk.n, &udp, &(struct feed_plan){ 0 });
	assert_non_null(strstr(log, "answered A a.example -> NOERROR\n  > Proto=\"DNS\"\n  > Size=27\n  > Time=+1ms\n"));
	assert_non_null(strstr(log, "open A a.example\n  > Proto=\"DNS\"\n  > Size=27\n  > Time=+2ms\n"));
	free(log);
	talk.n = 0;
	asks(6, "a.example", A);
	answers(7, "a.example", A, 0);
	heard_only(&udp, "orphan -> NOERROR\nopen A a.example\n");
	struct msg *m = asks(6, "a.example", A); /* another class is another question */
	msg_start(m, 6, 0);
	msg_question(m, "a.example", A, 3);
	answers(6, "a.example", A, 0);
	heard_only(&udp, "orphan -> NOERROR\nopen A CHAOS a.example\n");
}

static void test_both_directions(void **state)
{
	asks(1, "a.example", A);
	msg_query(say(FEED_SERVER), 1, "a.example", A);
	answers(1, "a.example", A, 3);
	msg_answer(say(FEED_CLIENT), 1, "a.example", A, 0);
	heard_once(&udp, "answered A a.example -> NXDOMAIN\nanswered A a.example -> NOERROR\n");
}

/* Answers without their question: by id, the oldest. */
static void test_questionless(void **state)
{
	asks(1, "x.example", A);
	asks(2, "y.example", A);
	asks(2, "z.example", A);
	msg_start(say(FEED_SERVER), 2, DNS_QR | 1);
	struct msg *m = say(FEED_SERVER); /* counts one, has none */
	msg_start(m, 1, DNS_QR | 5);
	m->b[5] = 1;
	msg_start(say(FEED_SERVER), 9, DNS_QR | 1);
	heard_once(&udp, "answered A y.example -> FORMERR\nanswered A x.example -> REFUSED\norphan -> FORMERR\nopen A z.example\n");
	asks(1, "x.example", A);
	msg_start(say(FEED_SERVER), 1, DNS_QR | 1);
	char *log = heard(&udp, "answered A x.example -> FORMERR\n");
	feed_has(log, "  < Message.QuestionSec.Name=\"\"");
	feed_has(log, "  < Message.Header.Status=\"FormatError\"");
	free(log);
}

/* Nothing is asked but a cookie. */
static void test_no_question(void **state)
{
	struct msg *m = say(FEED_CLIENT);
	msg_start(m, 3, DNS_RD);
	MSG_OPT(m, 1232, 0, "\0\x0a\0\x08" "abcdefgh");
	m = say(FEED_SERVER);
	msg_start(m, 3, DNS_QR);
	MSG_OPT(m, 1232, 0, "\0\x0a\0\x10" "abcdefghijklmnop");
	char *log = heard(&udp, "answered (no question) -> NOERROR\n");
	feed_has(log, "  > Message.Edns.Cookie=\"6162636465666768\"");
	feed_has(log, "  < Message.AdditionalSec=(left out)");
	free(log);
}

static void test_rcodes(void **state)
{
	static const char *const status[] = { "Success", "FormatError", "ServerFailure", "NameError", "NotImplemented", "Refused", "6", "7", "8", "9", "10", "11", "12" };
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE", "DSOTYPENI", "RCODE12" };
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		char text[200];
		asks(1, "a.example", A);
		answers(1, "a.example", A, i);
		snprintf(text, sizeof(text), "answered A a.example -> %s\n", names[i]);
		char *log = heard(&udp, text);
		snprintf(text, sizeof(text), "  < Message.Header.Status=\"%s\"", status[i]);
		feed_has(log, text);
		snprintf(text, sizeof(text), "  < Message.Header.Rcode=%u", i);
		feed_has(log, text);
		snprintf(text, sizeof(text), "  < rcode=\"%s\"", names[i]);
		feed_has(log, text);
		snprintf(text, sizeof(text), "  < first=+2ms last=+2ms error=%s failed", names[i]);
		(i ? feed_has : feed_lacks)(log, text);
		free(log);
	}
}

static void test_edns(void **state)
{
	struct msg *m = asks(1, "example.com", A);
	MSG_OPT(m, 1232, 0x8000, "\0\x03\0\0" "\0\x08\0\x07\0\x01\x18\0\xc0\0\x02" "\0\x0a\0\x08" "abcdefgh" "\0\x0b\0\0" "\0\x0c\0\x03\0\0\0");
	m = answers(1, "example.com", A, 7);
	MSG_OPT(m, 4096, 0x01018000, "\0\x03\0\x02ns" "\0\x08\0\x08\0\x02\x20\x18\x20\x01\x0d\xb8" "\0\x0a\0\x10" "abcdefghijklmnop" "\0\x0b\0\x02\0\x64" "\0\x0f\0\x02\0\x16" "\0\x0f\0\x08\0\x12go \xff\"x" "\x12\x34\0\x01z");
	char *log = heard(&udp, "answered A example.com -> BADCOOKIE (No Reachable Authority)\n");
	feed_has(log, "  > Message.Edns.UDPSize=1232");
	feed_has(log, "  > Message.Edns.Version=0");
	feed_has(log, "  > Message.Edns.DNSSECOK=true");
	feed_has(log, "  > Message.Edns.ClientSubnet=\"192.0.2.0/24/0\"");
	feed_has(log, "  > Message.Edns.Cookie=\"6162636465666768\"");
	feed_has(log, "  > Message.Edns.Padding=3");
	feed_has(log, "  > Message.Edns.Errors=(left out)");
	feed_has(log, "  > Message.AdditionalSec=(left out)");
	feed_has(log, "  < Message.Edns.UDPSize=4096");
	feed_has(log, "  < Message.Edns.Version=1");
	feed_has(log, "  < Message.Edns.Rcode=23");
	feed_has(log, "  < Message.Header.Rcode=7");
	feed_has(log, "  < Message.Header.Status=\"23\"");
	feed_has(log, "  < Message.Edns.NSID=\"ns\"");
	feed_has(log, "  < Message.Edns.ClientSubnet=\"2001:db8::/32/24\"");
	feed_has(log, "  < Message.Edns.KeepAlive=10000000000ns");
	feed_has(log, "  < Message.Edns.Errors=[{\"Code\":22,\"Name\":\"No Reachable Authority\"},{\"Code\":18,\"Name\":\"Prohibited\",\"Text\":\"go \\ufffd\\\"x\"}]");
	feed_has(log, "  < Message.Malformed=false");
	feed_has(log, "  < first=+2ms last=+2ms error=BADCOOKIE failed");
	free(log);

	asks(1, "", 2);
	MSG_OPT(answers(1, "", 2, 0), 512, 0x01000000, "\0\x03\0\x02\x01\x02");
	log = heard(&udp, "answered NS . -> BADVERS\n");
	feed_has(log, "  < Message.Edns.NSID=\"0102\"");
	free(log);

	asks(1, "a", A);
	MSG_OPT(answers(1, "a", A, 0), 512, 0, "\0\x0c\0\xff"); /* the option is longer than the record */
	log = heard(&udp, "answered A a -> NOERROR\n");
	feed_has(log, "  < Message.Malformed=true");
	free(log);
}

static void test_tsig(void **state)
{
	static const char error[] = "\x0bhmac-sha256\0" "\0\0\x65\0\0\0\x01\x2c\0\0\x12\x34\0\x11\0\0";
	asks(1, "key.example", 6);
	MSG_RR(answers(1, "key.example", 6, 9), DNS_ADDITIONAL, "key", DNS_TYPE_TSIG, 255, 0, error);
	char *log = heard(&udp, "answered SOA key.example -> BADKEY\n");
	feed_has(log, "  < rcode=\"NOTAUTH\"");
	feed_has(log, "  < Message.AdditionalSec=[{\"Name\":\"key.\",\"Type\":\"TSIG\",\"Class\":\"ANY\",\"Record\":\"hmac-sha256. 1694498816 300 0 4660 BADKEY 0\"}]");
	free(log);
}

static void test_opcodes(void **state)
{
	struct msg *m = say(FEED_CLIENT);
	msg_start(m, 1, DNS_OP_NOTIFY << 11 | DNS_AA);
	msg_question(m, "example.com", 6, 1);
	msg_soa(m, DNS_ANSWER, NULL, 1);
	m = say(FEED_SERVER);
	msg_start(m, 1, DNS_QR | DNS_OP_NOTIFY << 11 | DNS_AA);
	msg_question(m, "example.com", 6, 1);
	char *log = heard(&udp, "answered NOTIFY SOA example.com -> NOERROR\n");
	feed_has(log, "  > Message.Header.OpCode=\"4\"");
	feed_has(log, "  > Message.Header.Operation=\"NOTIFY\"");
	feed_has(log, "  > Message.AnswerSec=[{\"Name\":\"example.com.\",\"Type\":\"SOA\",\"TTL\":60,\"Class\":\"INET\",\"Record\":\"example.com./example.com./T:400/E:300\"}]");
	free(log);

	m = say(FEED_CLIENT); /* prerequisite: no CNAME; delete all A of old; delete one; add one */
	msg_start(m, 2, DNS_OP_UPDATE << 11);
	msg_question(m, "example.com", 6, 1);
	MSG_RR(m, DNS_ANSWER, "new.example.com", CNAME, 254, 0, "");
	MSG_RR(m, DNS_AUTHORITY, "old.example.com", A, 255, 0, "");
	MSG_RR(m, DNS_AUTHORITY, "one.example.com", A, 254, 0, "\x01\x02\x03\x04");
	msg_a(m, DNS_AUTHORITY, "new.example.com", 60, 0x01020304);
	msg_start(say(FEED_SERVER), 2, DNS_QR | DNS_OP_UPDATE << 11 | 8); /* answers to updates may be bare */
	log = heard(&udp, "answered UPDATE SOA example.com -> NXRRSET\n");
	feed_has(log, "  > Message.AnswerSec=[{\"Name\":\"new.example.com.\",\"Type\":\"CNAME\",\"TTL\":0,\"Class\":\"254\",\"Record\":\"\"}]");
	feed_has(log, "  > Message.AuthoritySec=[{\"Name\":\"old.example.com.\",\"Type\":\"A\",\"Class\":\"ANY\",\"Record\":\"\"},"
		      "{\"Name\":\"one.example.com.\",\"Type\":\"A\",\"Class\":\"254\",\"Record\":\"1.2.3.4\"},"
		      "{\"Name\":\"new.example.com.\",\"Type\":\"A\",\"Class\":\"INET\",\"Record\":\"1.2.3.4\"}]");
	free(log);

	m = say(FEED_CLIENT);
	msg_start(m, 3, DNS_OP_IQUERY << 11);
	msg_a(m, DNS_ANSWER, "", 0, 0x01020304);
	msg_start(say(FEED_SERVER), 3, DNS_QR | DNS_OP_IQUERY << 11 | 4);
	log = heard(&udp, "answered (no question) -> NOTIMP\n");
	feed_has(log, "  > Message.Header.OpCode=\"IQuery\"");
	free(log);

	msg_start(say(FEED_CLIENT), 4, DNS_OP_STATUS << 11);
	msg_start(say(FEED_SERVER), 4, DNS_QR | DNS_OP_STATUS << 11 | 4);
	log = heard(&udp, "answered (no question) -> NOTIMP\n");
	feed_has(log, "  > Message.Header.OpCode=\"Status\"");
	free(log);
}

static void test_questions(void **state)
{
	struct msg *m = asks(1, "a.example", A);
	msg_u16(m, 0xc00c); /* the second one's name points to the first */
	msg_u16(m, AAAA);
	msg_u16(m, 1);
	msg_count(m, DNS_QUESTION);
	msg_question(m, "b", HTTPS, 1);
	answers(1, "a.example", A, 1);
	char *log = heard(&udp, "answered A a.example -> FORMERR\n");
	feed_has(log, "  > Message.Questions=[{\"Name\":\"a.example.\",\"Type\":\"A\"},{\"Name\":\"a.example.\",\"Type\":\"AAAA\"},{\"Name\":\"b.\",\"Type\":\"HTTPS\"}]");
	feed_has(log, "  < Message.Questions=(left out)");
	free(log);
}

static void test_odd_types(void **state)
{
	struct msg *m = say(FEED_CLIENT);
	msg_start(m, 1, 0);
	msg_question(m, "version.bind", TXT_, 3);
	m = say(FEED_SERVER);
	msg_start(m, 1, DNS_QR);
	msg_question(m, "version.bind", TXT_, 3);
	MSG_RR(m, DNS_ANSWER, NULL, TXT_, 3, 0, "\x03" "9.x\x02<>");
	char *log = heard(&udp, "answered TXT CHAOS version.bind -> NOERROR 9.x/<>\n");
	feed_has(log, "  > Message.QuestionSec.Class=\"CHAOS\"");
	feed_has(log, "  < Message.AnswerSec=[{\"Name\":\"version.bind.\",\"Type\":\"TXT\",\"TTL\":0,\"Class\":\"CHAOS\",\"Record\":\"9.x/\\u003c\\u003e\"}]");
	free(log);

	asks(1, "x", 65280);
	m = answers(1, "x", 65280, 0);
	MSG_RR(m, DNS_ANSWER, NULL, 65280, 1234, 5, "\x01\xff");
	log = heard(&udp, "answered TYPE65280 x -> NOERROR \\# 2 01FF\n");
	feed_has(log, "  > Message.QuestionSec.Type=\"TYPE65280\"");
	feed_has(log, "  < Message.AnswerSec=[{\"Name\":\"x.\",\"Type\":\"TYPE65280\",\"TTL\":5,\"Class\":\"1234\",\"Record\":\"\\\\# 2 01FF\"}]");
	free(log);
}

/* Few records are shown, all are counted. */
static void test_caps(void **state)
{
	static const struct proto_options few = { .details = true, .max_records = 2 };
	asks(1, "many.example", A);
	struct msg *m = answers(1, "many.example", A, 0);
	for (u32 i = 0; i < 5; i++)
		msg_a(m, DNS_ANSWER, NULL, 1, i);
	for (u32 i = 0; i < 3; i++)
		MSG_RR(m, DNS_AUTHORITY, NULL, 2, 1, 1, "\x01n\0");
	MSG_OPT(m, 512, 0, "");
	char *log = heard(&(struct feed_options){ .datagram = true, .opt = &few }, "answered A many.example -> NOERROR 0.0.0.0 +1\n");
	feed_has(log, "  < Message.Records=8");
	feed_has(log, "  < Message.AnswerSec=[{\"Name\":\"many.example.\",\"Type\":\"A\",\"TTL\":1,\"Class\":\"INET\",\"Record\":\"0.0.0.0\"},"
		      "{\"Name\":\"many.example.\",\"Type\":\"A\",\"TTL\":1,\"Class\":\"INET\",\"Record\":\"0.0.0.1\"}]");
	feed_has(log, "  < Message.Edns.UDPSize=512");
	free(log);
}

static void test_no_details(void **state)
{
	static const struct proto_options ledger = { .details = false };
	asks(1, "a.example", A);
	struct msg *m = answers(1, "a.example", A, 7);
	msg_a(m, DNS_ANSWER, NULL, 1, 1);
	MSG_OPT(m, 512, 0x01000000, "\0\x03\0\x02ns");
	char *log = heard(&(struct feed_options){ .datagram = true, .opt = &ledger }, "answered A a.example -> BADCOOKIE\n");
	feed_has(log, "  < Message.AnswerSec=(left out)");
	feed_has(log, "  < rcode=\"BADCOOKIE\"");
	feed_has(log, "  < Message.Edns.NSID=\"\"");
	free(log);
}

static void test_truncated(void **state)
{
	asks(1, "big.example", TXT_);
	struct msg *m = answers(1, "big.example", TXT_, DNS_TC);
	m->b[7] = 9; /* answers that are not there */
	char *log = heard(&udp, "answered TXT big.example -> NOERROR truncated\n");
	feed_has(log, "  < Truncated=true");
	feed_has(log, "  < Message.Malformed=false");
	free(log);
}

static void test_domain(void **state)
{
	static const char *const names[][2] = {
		{ "www.example.com", "example.com" }, { "a.b.bbc.co.uk", "bbc.co.uk" }, { "co.uk", "co.uk" }, { "localhost", "localhost" },
		{ "", "" }, { "1.2.0.192.in-addr.arpa", "in-addr.arpa" }, { "x.y.com.br", "y.com.br" }, { "a.company.de", "company.de" },
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char line[64];
		asks(1, names[i][0], A);
		char *log = feed_run(&proto_dns, &(struct feed_step){ .p = talk.m[0].b, .n = talk.m[0].n }, 1, &udp, &(struct feed_plan){ 0 });
		snprintf(line, sizeof(line), "  > domain=\"%s\"", names[i][1]);
		feed_has(log, line);
		free(log);
		talk.n = 0;
	}
}

/* Cut by the capture: what is there is shown; equal cuts still pair, and so do unequal ones, by id. */
static void test_snapped(void **state)
{
	asks(1, "snapped.example.com", A);
	msg_a(answers(1, "snapped.example.com", A, 0), DNS_ANSWER, NULL, 1, 0x01020304);
	for (size_t i = 0; i < talk.n; i++)
		talk.steps[i] = (struct feed_step){ .dir = (u8)i, .p = talk.m[i].b, .n = talk.m[i].n };
	size_t question = talk.m[0].n;
	for (size_t snap = 1; snap <= talk.m[1].n; snap++) {
		char *log = feed_run(&proto_dns, talk.steps, 2, &udp, &(struct feed_plan){ .snap = snap });
		if (snap < DNS_HEADER)
			assert_string_equal(log, "");
		else if (snap < question)
			feed_has(log, "answered partial ? ? -> NOERROR");
		else if (snap < talk.m[1].n)
			feed_has(log, "answered partial A snapped.example.com -> NOERROR");
		else
			feed_has(log, "answered A snapped.example.com -> NOERROR 1.2.3.4");
		if (snap >= DNS_HEADER) {
			feed_has(log, "  > Size=37");
			feed_has(log, "  < Size=53");
			feed_has(log, "  < Message.Malformed=false");
		}
		free(log);
	}
	talk.n = 0;
}

static void test_mdns(void **state)
{
	static const struct proto_options quiet = { .details = true, .max_records = 8 };
	static const struct feed_options group = { .datagram = true, .multicast = true, .server_port = DNS_PORT_MDNS };
	static const struct feed_options silent = { .datagram = true, .multicast = true, .server_port = DNS_PORT_MDNS, .opt = &quiet };
	for (int i = 0; i < 2; i++) {
		struct msg *m = say(FEED_CLIENT);
		msg_start(m, 0, 0);
		msg_question(m, "_ipp._tcp.local", 12, 0x8001); /* wants a unicast answer */
		m = say(FEED_CLIENT);
		msg_start(m, 0, DNS_QR | DNS_AA);
		msg_rr(m, DNS_ANSWER, "My Printer.local", A, 0x8001, 120, "\x0a\0\0\x05", 4); /* flush your cache */
		char *log = heard(i ? &silent : &group, i ? "oneway PTR _ipp._tcp.local\n" : "oneway PTR _ipp._tcp.local\noneway announces A My\\032Printer.local\n");
		feed_has(log, "  > Message.QuestionSec.Class=\"\"");
		if (!i)
			feed_has(log, "  > Message.AnswerSec=[{\"Name\":\"My\\\\032Printer.local.\",\"Type\":\"A\",\"TTL\":120,\"Class\":\"INET\",\"Record\":\"10.0.0.5\"}]");
		free(log);
	}
	/* asked directly, it is answered like any other; the answer's class lacks the bit */
	static const struct feed_options direct = { .datagram = true, .server_port = DNS_PORT_MDNS };
	struct msg *m = say(FEED_CLIENT);
	msg_start(m, 9, 0);
	msg_question(m, "host.local", A, 0x8001);
	msg_a(answers(9, "host.local", A, 0), DNS_ANSWER, NULL, 1, 1);
	heard_only(&direct, "answered A host.local -> NOERROR 0.0.0.1\n");
}

/* The group is asked; the answer comes from elsewhere, on a connection that has seen no query. */
static void test_llmnr(void **state)
{
	static const struct feed_options group = { .datagram = true, .multicast = true, .server_port = DNS_PORT_LLMNR };
	asks(77, "wpad", A);
	heard_only(&group, "oneway A wpad\n");
	msg_a(answers(77, "wpad", A, 0), DNS_ANSWER, NULL, 30, 0x0a000001);
	heard_only(&(struct feed_options){ .datagram = true, .server_port = DNS_PORT_LLMNR }, "oneway announces A wpad\n");
}

static int fresh(void **state)
{
	talk.n = 0;
	return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
	const struct CMUnitTest tests[] = {
		TEST(test_pair), TEST(test_sections), TEST(test_key), TEST(test_both_directions),
		TEST(test_questionless), TEST(test_no_question), TEST(test_rcodes), TEST(test_edns), TEST(test_tsig),
		TEST(test_opcodes), TEST(test_questions), TEST(test_odd_types), TEST(test_caps),
		TEST(test_no_details), TEST(test_truncated), TEST(test_domain), TEST(test_snapped),
		TEST(test_mdns), TEST(test_llmnr),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
