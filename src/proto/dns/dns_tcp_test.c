/* DNS over TCP: several messages in a segment, answers in any order, zone transfers. */
#include "unit.h"

#include "proto/dns/dns_build.h"
#include "proto_feed.h"

enum { A = 1, MX = 15, IXFR = DNS_TYPE_IXFR, AXFR = DNS_TYPE_AXFR };

static const struct feed_options tcp = { .roles_known = true };

/* One side's turn: messages one after the other. */
static struct msg client, server, m;

static int fresh(void **state)
{
	client.n = server.n = m.n = 0;
	return 0;
}

static void asks(unsigned id, const char *name, unsigned type)
{
	msg_query(&m, id, name, type);
	msg_framed(&client, &m);
}

static void answers(unsigned id, const char *name, unsigned type, unsigned rcode)
{
	msg_answer(&m, id, name, type, rcode);
	msg_framed(&server, &m);
}

static char *heard(const char *brief)
{
	struct feed_step steps[] = {
		{ FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n }, CLIENT_FIN, SERVER_FIN,
	};
	return feed_check(&proto_dns, steps, ARRAY_LEN(steps), &tcp, brief);
}

static void test_several_in_a_segment(void **state)
{
	asks(1, "a.example", A);
	asks(2, "b.example", A);
	asks(3, "c.example", MX);
	answers(3, "c.example", MX, 3);
	answers(1, "a.example", A, 0);
	answers(2, "b.example", A, 2);
	char *log = heard("answered MX c.example -> NXDOMAIN\nanswered A a.example -> NOERROR\nanswered A b.example -> SERVFAIL\n");
	feed_has(log, "  > Transport=\"tcp\"");
	feed_has(log, "  > Size=27");
	feed_has(log, "  < Size=27");
	free(log);
}

/* The start of a message in a transfer: with the question, or (the later ones) without. */
static void part(unsigned id, bool question)
{
	msg_start(&m, id, DNS_QR | DNS_AA);
	if (question)
		msg_question(&m, "zone.example", AXFR, 1);
}

static void test_axfr(void **state)
{
	asks(1, "zone.example", AXFR);
	part(1, true);
	msg_soa(&m, DNS_ANSWER, NULL, 7);
	msg_a(&m, DNS_ANSWER, "a.zone.example", 1, 1);
	msg_framed(&server, &m);
	answers(9, "other.example", A, 0); /* in between */
	part(1, false);
	msg_a(&m, DNS_ANSWER, "b.zone.example", 1, 2);
	msg_a(&m, DNS_ANSWER, "c.zone.example", 1, 3);
	msg_framed(&server, &m);
	part(1, true);
	msg_a(&m, DNS_ANSWER, "d.zone.example", 1, 4);
	msg_soa(&m, DNS_ANSWER, NULL, 7);
	msg_framed(&server, &m);
	asks(9, "other.example", A);
	char *log = heard("answered A other.example -> NOERROR\nanswered AXFR zone.example -> NOERROR 6 records in 3 messages\n");
	feed_has(log, "  < Message.Messages=3");
	feed_has(log, "  < Message.Records=0"); /* all of them are shown */
	assert_non_null(strstr(log, "\"Record\":\"0.0.0.4\"},{\"Name\":\"zone.example.\",\"Type\":\"SOA\""));
	free(log);
}

static void test_axfr_in_one_message(void **state)
{
	asks(1, "zone.example", AXFR);
	asks(2, "zone.example", AXFR);
	part(1, true);
	msg_soa(&m, DNS_ANSWER, NULL, 7);
	msg_a(&m, DNS_ANSWER, "a.zone.example", 1, 1);
	msg_soa(&m, DNS_ANSWER, NULL, 7);
	msg_framed(&server, &m);
	answers(2, "zone.example", AXFR, 5);
	free(heard("answered AXFR zone.example -> NOERROR zone.example./zone.example./T:400/E:300 +2\nanswered AXFR zone.example -> REFUSED\n"));
}

static void test_axfr_ends_early(void **state)
{
	asks(1, "zone.example", AXFR);
	part(1, true);
	msg_soa(&m, DNS_ANSWER, NULL, 7);
	msg_framed(&server, &m);
	free(heard("reset AXFR zone.example -> NOERROR zone.example./zone.example./T:400/E:300\n"));
	fresh(NULL);
	asks(1, "zone.example", AXFR);
	part(1, true);
	msg_soa(&m, DNS_ANSWER, NULL, 7);
	msg_framed(&server, &m);
	msg_start(&m, 1, DNS_QR | 2); /* the server gives up */
	msg_framed(&server, &m);
	char *log = heard("answered AXFR zone.example -> SERVFAIL 1 records in 2 messages\n");
	feed_has(log, "  < Message.Header.Status=\"ServerFailure\"");
	free(log);
}

static void ixfr_query(unsigned id, u32 serial)
{
	msg_query(&m, id, "zone.example", IXFR);
	msg_soa(&m, DNS_AUTHORITY, NULL, serial);
	msg_framed(&client, &m);
}

static void ixfr_part(unsigned id, bool first)
{
	msg_start(&m, id, DNS_QR | DNS_AA);
	if (first)
		msg_question(&m, "zone.example", IXFR, 1);
}

/* Differences 5 to 6 and 6 to 7, a message a record. */
static void test_ixfr(void **state)
{
	static const u32 serials[] = { 7, 5, 0, 6, 0, 6, 0, 7, 0, 7 };
	ixfr_query(1, 5);
	for (size_t i = 0; i < ARRAY_LEN(serials); i++) {
		ixfr_part(1, i == 0);
		if (i)
			msg_question(&m, "zone.example", IXFR, 1);
		if (serials[i])
			msg_soa(&m, DNS_ANSWER, NULL, serials[i]);
		else
			msg_a(&m, DNS_ANSWER, NULL, 1, (u32)i);
		msg_framed(&server, &m);
	}
	answers(1, "late.example", A, 0);
	asks(1, "late.example", A);
	free(heard("answered IXFR zone.example -> NOERROR 10 records in 10 messages\nanswered A late.example -> NOERROR\n"));
}

/* A whole zone instead of differences. */
static void test_ixfr_as_axfr(void **state)
{
	ixfr_query(1, 5);
	ixfr_part(1, true);
	msg_soa(&m, DNS_ANSWER, NULL, 7);
	msg_framed(&server, &m);
	ixfr_part(1, true);
	msg_a(&m, DNS_ANSWER, NULL, 1, 1);
	msg_soa(&m, DNS_ANSWER, NULL, 7);
	msg_framed(&server, &m);
	free(heard("answered IXFR zone.example -> NOERROR 3 records in 2 messages\n"));
}

/* The client has it all: one SOA, and it is over. Serials wrap. */
static void test_ixfr_up_to_date(void **state)
{
	static const u32 client_serials[] = { 7, 8, 0x80000006u };
	for (size_t i = 0; i < ARRAY_LEN(client_serials); i++) {
		fresh(NULL);
		ixfr_query(1, client_serials[i]);
		ixfr_part(1, true);
		msg_soa(&m, DNS_ANSWER, NULL, 7);
		msg_framed(&server, &m);
		bool older = (i32)(7 - client_serials[i]) > 0;
		free(heard(older ? "reset IXFR zone.example -> NOERROR zone.example./zone.example./T:400/E:300\n" :
				   "answered IXFR zone.example -> NOERROR zone.example./zone.example./T:400/E:300\n"));
	}
}

/* More transfers at once than are followed: each is answered by its first message, and the rest is nobody's. */
static void test_many_transfers(void **state)
{
	static const char *const zones[] = { "a", "b", "c" };
	for (unsigned i = 0; i < 3; i++)
		asks(i, zones[i], AXFR);
	for (unsigned i = 0; i < 3; i++) {
		msg_answer(&m, i, zones[i], AXFR, 0);
		msg_soa(&m, DNS_ANSWER, NULL, 7);
		msg_framed(&server, &m);
	}
	for (unsigned i = 0; i < 3; i++) {
		msg_answer(&m, i, zones[i], AXFR, 0);
		msg_a(&m, DNS_ANSWER, NULL, 1, i);
		msg_soa(&m, DNS_ANSWER, NULL, 7);
		msg_framed(&server, &m);
	}
	struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n } };
	char *log = feed_run(&proto_dns, steps, 2, &tcp, &(struct feed_plan){ 0 }), *got = feed_brief(log);
	assert_string_equal(got, "answered AXFR c -> NOERROR c./c./T:400/E:300\nanswered AXFR a -> NOERROR 3 records in 2 messages\n"
				 "answered AXFR b -> NOERROR 3 records in 2 messages\n");
	free(got);
	free(log);
}

/* Keep-alive without an id needs no answer; with one it does (RFC 8490). */
static void test_dso(void **state)
{
	static const char keepalive[] = "\0\1\0\x08\0\0\x3a\x98\0\0\x3a\x98";
	for (unsigned id = 0; id < 2; id++) {
		msg_start(&m, id, DNS_OP_DSO << 11);
		msg_bytes(&m, keepalive, sizeof(keepalive) - 1);
		msg_framed(&client, &m);
	}
	msg_start(&m, 1, DNS_QR | DNS_OP_DSO << 11);
	msg_bytes(&m, keepalive, sizeof(keepalive) - 1);
	msg_framed(&server, &m);
	char *log = heard("oneway DSO (no question)\nanswered DSO (no question) -> NOERROR\n");
	feed_has(log, "  > Message.Header.OpCode=\"6\"");
	feed_has(log, "  > Message.Header.Operation=\"DSO\"");
	free(log);
}

/* The longest message there is, and the next one is still found. */
static void test_longest(void **state)
{
	static u8 filler[65535];
	asks(1, "big.example", A);
	asks(2, "b.example", A);
	msg_answer(&m, 1, "big.example", A, 0);
	msg_a(&m, DNS_ANSWER, NULL, 1, 5);
	msg_rr(&m, DNS_ANSWER, NULL, 65280, 1, 1, filler, DNS_MESSAGE_MAX - m.n - 12);
	assert_int_equal(m.n, DNS_MESSAGE_MAX);
	msg_framed(&server, &m);
	struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n }, { .dir = FEED_SERVER } };
	msg_answer(&m, 2, "b.example", A, 3);
	static struct msg last;
	msg_framed(&last, &m);
	steps[2].p = last.b;
	steps[2].n = last.n;
	char *log = feed_run(&proto_dns, steps, 3, &tcp, &(struct feed_plan){ 0 });
	feed_has(log, "answered partial A big.example -> NOERROR 0.0.0.5");
	feed_has(log, "  < Size=65535");
	feed_has(log, "answered A b.example -> NXDOMAIN");
	free(log);
}

/* What is no DNS is given up, and the next message is found behind it. */
static void test_garbage_between(void **state)
{
	asks(1, "a.example", A);
	msg_bytes(&client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27);
	asks(2, "b.example", A);
	answers(1, "a.example", A, 0);
	msg_bytes(&server, "\0\x05hello\xff\xff\xff", 10);
	answers(2, "b.example", A, 0);
	struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n } };
	char *log = feed_run(&proto_dns, steps, 2, &tcp, &(struct feed_plan){ 0 });
	feed_has(log, "answered A a.example -> NOERROR");
	feed_has(log, "answered A b.example -> NOERROR");
	free(log);
}

/* A transfer cut by lost bytes is not answered, what follows it on the connection is. */
static void test_hole_in_transfer(void **state)
{
	asks(1, "zone.example", AXFR);
	asks(2, "b.example", A);
	part(1, true);
	msg_soa(&m, DNS_ANSWER, NULL, 7);
	msg_framed(&server, &m);
	size_t hole = client.n + server.n + 5;
	for (u32 i = 0; i < 5; i++) {
		part(1, false);
		msg_a(&m, DNS_ANSWER, "a.zone.example", 1, i);
		if (i == 4)
			msg_soa(&m, DNS_ANSWER, "zone.example", 7);
		msg_framed(&server, &m);
	}
	answers(2, "b.example", A, 0);
	struct feed_step steps[] = { { FEED_CLIENT, false, client.b, client.n }, { FEED_SERVER, false, server.b, server.n } };
	char *log = feed_run(&proto_dns, steps, 2, &tcp, &(struct feed_plan){ .hole_at = hole, .hole_len = 3 }), *got = feed_brief(log);
	assert_string_equal(got, "lost AXFR zone.example -> NOERROR zone.example./zone.example./T:400/E:300\nanswered A b.example -> NOERROR\n");
	free(got);
	free(log);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
	const struct CMUnitTest tests[] = {
		TEST(test_several_in_a_segment), TEST(test_axfr), TEST(test_axfr_in_one_message), TEST(test_axfr_ends_early), TEST(test_ixfr),
		TEST(test_ixfr_as_axfr), TEST(test_ixfr_up_to_date), TEST(test_many_transfers), TEST(test_dso), TEST(test_longest),
		TEST(test_garbage_between), TEST(test_hole_in_transfer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
