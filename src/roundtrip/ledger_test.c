/* The ledger: sums, completeness, and its text. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <time.h>

#include "roundtrip/ledger.h"
#include "util/json.h"

static struct buf out;

/* One whose sums all hold. */
static struct ledger sample(void)
{
	struct ledger l = { .packets = 100, .packet_bytes = 34 * MIB, .first_ts = 1740819600000000000, .last_ts = 1740819612400000000, .delivered = 13, .filtered = 2 };
	l.net[NET_SEGMENT] = 97;
	l.net[NET_NOT_IP] = 3;
	l.flow.stream_bytes = 1000;
	l.flow.parsed = 700;
	l.flow.skipped = 300;
	l.flow.conns_opened = 5;
	l.flow.conns_closed = 4;
	l.flow.conns_live = 1;
	struct ledger_proto *p = &l.proto[0];
	p->requests = 16;
	p->waiting = 1;
	p->connections = 5;
	p->outcomes[OUTCOME_ANSWERED] = 12;
	p->outcomes[OUTCOME_LOST] = 1;
	p->outcomes[OUTCOME_RESET] = 2;
	p->failed = 3;
	return l;
}

static void test_add(void **state)
{
	struct ledger sum = { 0 }, one = sample(), two = sample();
	two.first_ts -= 5;
	two.last_ts -= 5;
	ledger_add(&sum, &one);
	assert_memory_equal(&sum, &one, sizeof(sum));
	ledger_add(&sum, &two);
	assert_int_equal(sum.packets, 200);
	assert_int_equal(sum.first_ts, two.first_ts);
	assert_int_equal(sum.last_ts, one.last_ts);
	assert_int_equal(sum.proto[0].outcomes[OUTCOME_ANSWERED], 24);
	assert_int_equal(sum.flow.parsed, 1400);
	ledger_add(&sum, &(struct ledger){ 0 }); /* a worker that saw nothing has no times */
	assert_int_equal(sum.first_ts, two.first_ts);
	assert_int_equal(sum.last_ts, one.last_ts);
}

static void test_completeness(void **state)
{
	struct ledger_proto p = { 0 };
	assert_true(ledger_completeness(&p) >= 1);
	p.requests = 100;
	p.waiting = 10;
	p.outcomes[OUTCOME_OPEN] = 10;
	assert_true(ledger_completeness(&p) <= 0);
	p.outcomes[OUTCOME_ANSWERED] = 30;
	p.outcomes[OUTCOME_ONEWAY] = 10;
	p.outcomes[OUTCOME_NO_RESPONSE] = 10;
	p.outcomes[OUTCOME_RESET] = 10;
	p.outcomes[OUTCOME_LOST] = 20;
	assert_true(ledger_completeness(&p) > 0.7499 && ledger_completeness(&p) < 0.7501);
	p.orphan_responses = 40;
	assert_true(ledger_completeness(&p) > 0.4999 && ledger_completeness(&p) < 0.5001);
	p = (struct ledger_proto){ .requests = 5, .waiting = 9 }; /* a moment's picture that does not fit together */
	assert_true(ledger_completeness(&p) >= 1);
}

/* Each number that is part of a sum, wrong by one, is found. */
static void test_check(void **state)
{
	char text[200];
	struct ledger l = sample();
	assert_string_equal(ledger_check(&l, text), "");
	struct flow_counters *f = &l.flow;
	struct ledger_proto *p = &l.proto[0];
	u64 *const parts[] = { &l.packets, &l.net[NET_SEGMENT], &l.net[NET_TOO_DEEP], &l.delivered, &l.filtered, &f->stream_bytes, &f->parsed, &f->skipped, &f->duplicate, &f->unrecognised,
			       &f->opaque, &f->late, &f->held, &f->snapped_bytes, &f->no_memory_bytes, &f->conns_opened, &f->conns_closed, &f->conns_reset, &f->conns_refused, &f->conns_expired,
			       &f->conns_evicted, &f->conns_cut, &f->conns_live, &p->requests, &p->waiting, &p->outcomes[OUTCOME_ANSWERED], &p->outcomes[OUTCOME_NO_RESPONSE],
			       &p->outcomes[OUTCOME_RESET], &p->outcomes[OUTCOME_LOST], &p->outcomes[OUTCOME_ONEWAY], &p->outcomes[OUTCOME_OPEN], &l.proto[1].requests };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		++*parts[i];
		if (!*ledger_check(&l, text))
			fail_msg("number %zu is not checked", i);
		--*parts[i];
	}
	assert_string_equal(ledger_check(&l, text), "");
	l.packets = 101;
	assert_string_equal(ledger_check(&l, text), "packets (101) is not decoded and set aside (100)");
}

static const char *printed(const struct ledger *l)
{
	out.len = 0;
	ledger_print(l, &out);
	return buf_cstr(&out);
}

static void expect_line(const struct ledger *l, const char *line)
{
	const char *text = printed(l);
	if (!strstr(text, line))
		fail_msg("%s\nis not in\n%s", line, text);
}

static void test_print(void **state)
{
	struct ledger l = { 0 };
	assert_string_equal(printed(&l), "no packets were seen\n");
	l.packets = l.net[NET_NOT_IP] = 2;
	l.packet_bytes = 120;
	assert_string_equal(printed(&l), "no request of a known protocol was seen\npackets      2 (120B): 2 not_ip\n");
	l = sample();
	assert_string_equal(printed(&l), "protocol      requests  answered  failed  reset  lost  waiting  complete\n"
					 "http                16        12       3      2     1        1    93.33%\n"
					 "shown        13 of 15: the filter or --count left out the others\n"
					 "packets      100 (34MB) in 12.4s: 97 decoded, 3 not_ip\n"
					 "connections  5\n"
					 "TCP data     1000B: 700B read, 300B bodies\n"
					 "warning: 1 requests may have been answered in a gap of the capture (0 gaps, 0B never captured)\n");
	l.proto[1].requests = l.proto[1].outcomes[OUTCOME_ANSWERED] = 1000000;
	expect_line(&l, "dns            1000000   1000000       0      0     0        0      100%\n");
	expect_line(&l, "all            1000016   1000012       3      2     1        1    99.99%\n");
	l.kernel_received = 1000;
	l.kernel_dropped = 10;
	l.proto[0].orphan_responses = 4;
	l.flow.gaps = 1;
	expect_line(&l, "warning: the kernel dropped 10 of 1000 packets (1.00%) because");
	expect_line(&l, "warning: 4 responses whose request was not seen");
	l.proto[0].outcomes[OUTCOME_LOST] = 0;
	l.flow.gap_bytes = 99;
	expect_line(&l, "warning: 1 gaps in the capture (99B): exchanges may be missing\n");
}

static void test_json(void **state)
{
	struct ledger l = sample();
	out.len = 0;
	ledger_json(&l, &out);
	const char *text = buf_cstr(&out);
	assert_true(json_valid(text, out.len));
	static const char *const parts[] = {
		"{\"packets\":100,\"packet_bytes\":35651584,\"first\":\"2025-03-01T09:00:00Z\",\"last\":\"2025-03-01T09:00:12.4Z\",", "\"decode\":{\"decoded\":97,\"not_ip\":3,",
		"\"flow\":{\"tcp_segments\":0,", "\"protocols\":{\"http\":{\"connections\":5,\"requests\":16,\"answered\":12,\"no_response\":0,\"reset\":2,\"lost\":1,", "\"waiting\":1,\"failed\":3,",
		"\"roundtrips\":{\"delivered\":13,\"filtered\":2}", "\"problem\":\"\"}",
	};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!strstr(text, parts[i]))
			fail_msg("%s\nis not in\n%s", parts[i], text);
	l = (struct ledger){ .packets = 1 };
	out.len = 0;
	ledger_json(&l, &out);
	assert_true(json_valid(out.data, out.len));
	assert_non_null(strstr(buf_cstr(&out), "\"problem\":\"packets (1) is not"));
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add), cmocka_unit_test(test_completeness), cmocka_unit_test(test_check), cmocka_unit_test(test_print), cmocka_unit_test(test_json),
	};
	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
