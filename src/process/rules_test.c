#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pcap/pcap.h>

#include "process/rules.h"

static struct rules rules;
static char why[512];

static int add(const char *text)
{
	struct buf error = { 0 };
	int rc = rules_add(&rules, text, &error);
	snprintf(why, sizeof(why), "%s", buf_cstr(&error));
	buf_done(&error);
	return rc;
}

static void check_rule(u32 i, const char *proto, u16 port, const char *host)
{
	char text[46];
	assert_true(i < rules.n);
	assert_string_equal(rules.v[i].proto->name, proto);
	assert_int_equal(rules.v[i].port, port);
	assert_int_equal(rules.v[i].has_host, host != NULL);
	if (host) {
		assert_int_equal(ip_format(&rules.v[i].host, text), strlen(host));
		assert_memory_equal(text, host, strlen(host));
	}
}

static void test_good(void **state)
{
	rules.n = 0;
	assert_int_equal(add("http;80"), 0);
	assert_int_equal(add("http;80,8080;10.0.0.5"), 0);
	assert_int_equal(add("dns;53;::1"), 0);
	assert_int_equal(add("redis"), 0);
	assert_int_equal(add(" http ; 81 , 82 ; 10.0.0.6 "), 0);
	assert_int_equal(add("redis;;10.0.0.7"), 0);
	assert_int_equal(rules.n, 8);
	check_rule(0, "http", 80, NULL);
	check_rule(1, "http", 80, "10.0.0.5");
	check_rule(2, "http", 8080, "10.0.0.5");
	check_rule(3, "dns", 53, "::1");
	check_rule(4, "redis", 0, NULL);
	check_rule(5, "http", 81, "10.0.0.6");
	check_rule(6, "http", 82, "10.0.0.6");
	check_rule(7, "redis", 0, "10.0.0.7");
}

static void test_names_are_resolved(void **state)
{
	rules.n = 0;
	assert_int_equal(add("http;80;localhost"), 0);
	assert_true(rules.n >= 1);
	assert_true(rules.v[0].has_host);
	assert_int_equal(add("http;80;no-such-host.invalid"), -EINVAL);
	assert_non_null(strstr(why, "unknown host 'no-such-host.invalid'"));
	assert_int_equal(add("http;80;10.0.0"), -EINVAL);
	assert_string_equal(why, "invalid host '10.0.0': an IPv4 address has four numbers");
}

static void test_bad(void **state)
{
	static const char *const ports[] = { "http;x", "http;", "http;0", "http;65536", "http;70000", "http;80,", "http;80,,81", "http;-1", "http;80 81",
					     "http;99999999999999999999" };
	static const char *const forms[] = { "", ";80", "http;80;10.0.0.1;x", "http;80;" };
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		assert_int_equal(add(ports[i]), -EINVAL);
		assert_memory_equal(why, "invalid port '", 14);
		assert_non_null(strstr(why, "port must between 1-65535"));
	}
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		assert_int_equal(add(forms[i]), -EINVAL);
		assert_memory_equal(why, "invalid --proto input '", 23);
	}
	assert_int_equal(add("htpt;80"), -EINVAL);
	static const char known[] = "unsupported protocol (htpt); did you mean http? There are: http";
	assert_memory_equal(why, known, sizeof(known) - 1);
	const char *rest = why + sizeof(known) - 1;
	for (const struct proto *const *p = proto_all + 1; *p; p++) { /* all of them, in their order */
		assert_memory_equal(rest, ", ", 2);
		assert_memory_equal(rest + 2, (*p)->name, strlen((*p)->name));
		rest += 2 + strlen((*p)->name);
	}
	assert_string_equal(rest, "");
	assert_int_equal(add("HTTP;80"), -EINVAL); /* as ever: lower case */
}

static void test_bounded(void **state)
{
	char text[4096] = "http;";
	rules.n = 0;
	for (int i = 0; i < SESSION_RULES_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d", i ? "," : "", i + 1);
	assert_int_equal(add(text), 0);
	assert_int_equal(rules.n, SESSION_RULES_MAX);
	assert_int_equal(add("http;9999"), -E2BIG);
	assert_int_equal(rules.n, SESSION_RULES_MAX);
}

/* --- the capture filter --- */

static struct bpf_program program;

static void compile(const char *rule, int dlt)
{
	struct buf text = { 0 };
	rules.n = 0;
	assert_int_equal(add(rule), 0);
	assert_true(rules_filter(&rules, &text));
	pcap_t *dead = pcap_open_dead(dlt, 262144);
	if (pcap_compile(dead, &program, buf_cstr(&text), 1, PCAP_NETMASK_UNKNOWN))
		fail_msg("%s: %s", buf_cstr(&text), pcap_geterr(dead));
	pcap_close(dead);
	buf_done(&text);
}

/* An Ethernet frame: type, then what is given, zeros up to 128 bytes. */
static bool frame(u16 type, const u8 *p, size_t n)
{
	u8 data[128] = { [12] = (u8)(type >> 8), [13] = (u8)type };
	memcpy(data + 14, p, n);
	return bpf_filter(program.bf_insns, data, sizeof(data), sizeof(data)) != 0;
}

#define V4(proto, frag) 0x45, 0, 0, 100, 0, 1, (frag) >> 8, (frag)&255, 64, (proto), 0, 0, 10, 0, 0, 1, 10, 0, 0, 2
#define V6(next) 0x60, 0, 0, 0, 0, 60, (next), 64, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2
#define PORTS(s, d) (s) >> 8, (s)&255, (d) >> 8, (d)&255
#define FRAME(type, ...) frame(type, (const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

static void test_filter_by_port(void **state)
{
	compile("http;80,8080", DLT_EN10MB);
	assert_true(FRAME(0x800, V4(6, 0), PORTS(80, 40000)));
	assert_true(FRAME(0x800, V4(6, 0), PORTS(40000, 8080)));
	assert_true(FRAME(0x86dd, V6(6), PORTS(40000, 80)));
	assert_false(FRAME(0x800, V4(6, 0), PORTS(40000, 81)));
	assert_false(FRAME(0x800, V4(17, 0), PORTS(40000, 80)));
	assert_false(FRAME(0x86dd, V6(6), PORTS(40000, 443)));
	assert_false(FRAME(0x806, V4(6, 0), PORTS(40000, 80)));
	pcap_freecode(&program);
}

static void test_filter_both_transports(void **state)
{
	compile("dns;53", DLT_EN10MB);
	assert_true(FRAME(0x800, V4(6, 0), PORTS(53, 40000)));
	assert_true(FRAME(0x800, V4(17, 0), PORTS(40000, 53)));
	assert_false(FRAME(0x800, V4(17, 0), PORTS(40000, 54)));
	pcap_freecode(&program);
}

static void test_filter_by_host(void **state)
{
	compile("http;80;10.0.0.1", DLT_EN10MB);
	assert_true(FRAME(0x800, V4(6, 0), PORTS(80, 40000)));
	assert_false(FRAME(0x86dd, V6(6), PORTS(40000, 80)));
	pcap_freecode(&program);
	compile("http;80;10.0.0.3", DLT_EN10MB);
	assert_false(FRAME(0x800, V4(6, 0), PORTS(80, 40000)));
	pcap_freecode(&program);
	compile("http;;10.0.0.2", DLT_EN10MB);
	assert_true(FRAME(0x800, V4(6, 0), PORTS(99, 40000)));
	assert_false(FRAME(0x800, V4(17, 0), PORTS(99, 40000)));
	pcap_freecode(&program);
}

/* Whatever may carry the wanted packets passes, although its own ports are others. */
static void test_filter_lets_envelopes_through(void **state)
{
	compile("http;80", DLT_EN10MB);
	assert_true(FRAME(0x8100, 0, 5, 8, 0, V4(6, 0), PORTS(80, 40000)));      /* VLAN */
	assert_true(FRAME(0x88a8, 0, 5, 0x81, 0, 0, 6, 8, 0, V4(6, 0)));         /* QinQ */
	assert_true(FRAME(0x8847, 0, 0, 0x11, 64, V4(6, 0)));                    /* MPLS */
	assert_true(FRAME(0x8864, 0x11, 0, 0, 1, 0, 40, 0, 0x21, V4(6, 0)));     /* PPPoE */
	assert_true(FRAME(0x800, V4(6, 185), 1, 2, 3, 4));                       /* a later fragment has no ports */
	assert_true(FRAME(0x800, V4(47, 0), 0, 0, 8, 0, V4(6, 0)));              /* GRE */
	assert_true(FRAME(0x800, V4(4, 0), V4(6, 0)));                           /* IPIP */
	assert_true(FRAME(0x800, V4(41, 0), V6(6)));                             /* 6in4 */
	assert_true(FRAME(0x800, V4(17, 0), PORTS(50000, 4789)));                /* VXLAN */
	assert_true(FRAME(0x800, V4(17, 0), PORTS(50000, 8472)));
	assert_true(FRAME(0x800, V4(17, 0), PORTS(50000, 6081)));                /* GENEVE */
	assert_true(FRAME(0x800, V4(17, 0), PORTS(50000, 2152)));                /* GTP */
	assert_true(FRAME(0x800, V4(17, 0), PORTS(50000, 4754)));                /* GRE over UDP */
	assert_true(FRAME(0x800, V4(137, 0), 0, 0, 0x11, 64));                   /* MPLS in IP */
	assert_true(FRAME(0x86dd, V6(44), 6, 0, 0, 8, 0, 0, 0, 1));              /* IPv6 fragment */
	assert_true(FRAME(0x86dd, V6(0), 6, 0, 0, 0, 0, 0, 0, 0, PORTS(80, 1))); /* hop-by-hop options before TCP */
	assert_true(FRAME(0x86dd, V6(4), V4(6, 0)));                             /* IPv4 in IPv6 */
	assert_true(FRAME(0x800, V4(1, 0), 3, 3, 0, 0, 0, 0, 0, 0, V4(6, 0)));   /* port unreachable */
	assert_true(FRAME(0x86dd, V6(58), 1, 4, 0, 0, 0, 0, 0, 0, V6(6)));
	assert_false(FRAME(0x800, V4(1, 0), 8, 0, 0, 0));                        /* a ping */
	assert_false(FRAME(0x86dd, V6(58), 135, 0, 0, 0));                       /* a neighbour */
	pcap_freecode(&program);
}

static void test_filter_for_other_links(void **state)
{
	static const int links[] = { DLT_RAW, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL, DLT_PPP, DLT_IPV4 };
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		compile("http;80,8080;10.0.0.1", links[i]);
		assert_in_range(program.bf_len, 1, 4096);
		pcap_freecode(&program);
	}
}

static void test_filter_fits_the_kernel(void **state)
{
	char text[8192] = "dns;";
	struct buf out = { 0 };
	for (int i = 0; i < 64; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d", i ? "," : "", 1000 + 7 * i);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), ";2001:db8::1");
	compile(text, DLT_EN10MB);
	assert_in_range(program.bf_len, 1, 4096);
	pcap_freecode(&program);
	assert_int_equal(add("http;9"), 0); /* one more: everything is captured instead */
	assert_false(rules_filter(&rules, &out));
	assert_int_equal(out.len, 0);
}

static void test_no_filter(void **state)
{
	struct buf out = { 0 };
	rules.n = 0;
	assert_false(rules_filter(&rules, &out));
	assert_int_equal(add("http;80"), 0);
	assert_int_equal(add("redis"), 0); /* on any port */
	assert_false(rules_filter(&rules, &out));
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_names_are_resolved),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_filter_by_port),
		cmocka_unit_test(test_filter_both_transports),
		cmocka_unit_test(test_filter_by_host),
		cmocka_unit_test(test_filter_lets_envelopes_through),
		cmocka_unit_test(test_filter_for_other_links),
		cmocka_unit_test(test_filter_fits_the_kernel),
		cmocka_unit_test(test_no_filter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
