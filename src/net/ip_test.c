/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "decode_check.h"
#include "net/walk.h"

static struct craft c;

static void hello_v6(void)
{
	craft_text(&c, "hello");
	craft_tcp(&c, 1000, 80, 0x01020304);
}

static void test_v4_options(void **state)
{
	static const u8 options[40] = { 1, 1, 1, 1 };
	for (u32 words = 1; words <= 10; words++) {
		craft_text(&c, "hello");
		craft_tcp(&c, 1000, 80, 0x01020304);
		craft_put(&c, options, words * 4);
		craft_ipv4(&c, IPPROTO_TCP_, 1, 2)[0] = (u8)(0x45 + words);
		craft_ethernet(&c, 0x0800);
		check_hello(*state, &c, LINKTYPE_ETHERNET, false);
	}
}

static void test_v4_bad_header(void **state)
{
	craft_hello(&c);
	u8 *ip = craft_data(&c);
	ip[0] = 0x44; /* shorter than a header */
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_MALFORMED);
	ip[0] = 0x55;
	assert_int_equal(result_of(*state, &c, LINKTYPE_IPV4), NET_MALFORMED);
	ip[0] = 0x4f; /* options beyond the total length */
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_MALFORMED);
	ip[0] = 0x45;
	set16(ip + 2, 19);
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_MALFORMED);
	set16(ip + 2, 39); /* less than the TCP header it holds */
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_MALFORMED);
	set16(ip + 2, 20);
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_MALFORMED);
}

/* A packet that the card will cut into many has no length of its own. */
static void test_gso(void **state)
{
	static u8 big[70000];
	struct segment seg;
	craft_start(&c);
	memset(big, 'x', sizeof(big));
	craft_put(&c, big, sizeof(big));
	craft_tcp(&c, 1000, 80, 1);
	craft_ipv4(&c, IPPROTO_TCP_, 1, 2);
	set16(craft_data(&c) + 2, 0);
	craft_ethernet(&c, 0x0800);
	struct packet p = craft_packet(&c, LINKTYPE_ETHERNET);
	assert_int_equal(decode_guarded(*state, &p, p.caplen, p.len, &seg), NET_SEGMENT);
	assert_int_equal(seg.len, sizeof(big));
	assert_int_equal(seg.caplen, sizeof(big));
	assert_int_equal(decode_guarded(*state, &p, 96, p.len, &seg), NET_SEGMENT);
	assert_int_equal(seg.len, sizeof(big));
	assert_int_equal(seg.caplen, 96 - 54);

	craft_start(&c);
	craft_put(&c, big, sizeof(big));
	craft_tcp(&c, 1000, 80, 1);
	craft_ipv6(&c, IPPROTO_TCP_, 1, 2);
	set16(craft_data(&c) + 4, 0);
	p = craft_packet(&c, LINKTYPE_RAW);
	assert_int_equal(decode_guarded(*state, &p, p.caplen, p.len, &seg), NET_SEGMENT);
	assert_int_equal(seg.len, sizeof(big));

	craft_start(&c); /* a jumbo packet says so in an option */
	craft_put(&c, big, sizeof(big));
	craft_tcp(&c, 1000, 80, 1);
	u8 *option = craft_hex(&c, 6, 0, 0xc2, 4, 0, 0, 0, 0);
	set32(option + 4, sizeof(big) + 28 - 10);
	craft_ipv6(&c, 0, 1, 2);
	set16(craft_data(&c) + 4, 0);
	p = craft_packet(&c, LINKTYPE_RAW);
	assert_int_equal(decode_guarded(*state, &p, p.caplen, p.len, &seg), NET_SEGMENT);
	assert_int_equal(seg.len, sizeof(big) - 10);
	assert_int_equal(seg.caplen, sizeof(big) - 10);
	set32(craft_data(&c) + 44, 7); /* less than the header that says it */
	assert_int_equal(decode_guarded(*state, &p, p.caplen, p.len, &seg), NET_MALFORMED);
	set16(craft_data(&c) + 4, 100); /* two lengths: the option has no say */
	assert_int_equal(decode_guarded(*state, &p, p.caplen, p.len, &seg), NET_SEGMENT);
	assert_int_equal(seg.len, 100 - 28);
}

static void test_snapped(void **state)
{
	struct segment seg;
	craft_hello(&c);
	craft_ethernet(&c, 0x0800);
	struct packet p = craft_packet(&c, LINKTYPE_ETHERNET);
	for (u32 cut = 0; cut <= 5; cut++) {
		assert_int_equal(decode_guarded(*state, &p, p.len - cut, p.len, &seg), NET_SEGMENT);
		assert_int_equal(seg.len, 5);
		assert_int_equal(seg.caplen, 5 - cut);
	}
	/* A length on the wire below what IP says: the rest is missing, not unsaid. */
	assert_int_equal(decode_guarded(*state, &p, p.len - 3, p.len - 3, &seg), NET_SEGMENT);
	assert_int_equal(seg.len, 5);
	assert_int_equal(seg.caplen, 2);
	/* Never fewer bytes on the wire than there are. */
	assert_int_equal(decode_guarded(*state, &p, p.len, 0, &seg), NET_SEGMENT);
	assert_int_equal(seg.caplen, 5);
}

static void test_v6_extensions(void **state)
{
	static const u8 kinds[] = { 0, 60, 43, 135, 139, 140 };
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		hello_v6();
		craft_hex(&c, IPPROTO_TCP_, 1, 1, 4, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0);
		craft_ipv6(&c, kinds[i], 1, 2);
		craft_ethernet(&c, 0x86dd);
		check_hello(*state, &c, LINKTYPE_ETHERNET, false);
	}
	hello_v6(); /* a chain, with authentication and a fragment that is whole */
	craft_hex(&c, IPPROTO_TCP_, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
	craft_hex(&c, 51, 0, 0, 0, 1, 2, 3, 4);
	craft_hex(&c, 44, 0, 0, 0, 0, 0, 0, 0);
	craft_hex(&c, 60, 0, 1, 4, 0, 0, 0, 0);
	craft_ipv6(&c, 0, 1, 2);
	check_hello(*state, &c, LINKTYPE_RAW, false);

	for (int n = 14; n <= 18; n++) {
		hello_v6();
		for (int i = 0; i < n; i++)
			craft_hex(&c, i ? 60 : IPPROTO_TCP_, 0, 1, 4, 0, 0, 0, 0);
		craft_ipv6(&c, 60, 1, 2);
		assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), n < IPV6_HEADERS ? NET_SEGMENT : NET_TOO_DEEP);
	}
	hello_v6(); /* longer than the packet */
	craft_hex(&c, IPPROTO_TCP_, 200, 1, 4, 0, 0, 0, 0);
	craft_ipv6(&c, 60, 1, 2);
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_MALFORMED);
}

static void test_v6_final_addresses(void **state)
{
	u8 address[16] = { 0xfd, [15] = 77 };
	struct packet p;
	char text[64];
	static const u8 kinds[] = { 0, 2, 4 };
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		for (u8 left = 0; left < 2; left++) {
			hello_v6();
			craft_put(&c, address, 16);
			craft_hex(&c, IPPROTO_TCP_, 2, kinds[i], left, 0, 0, 0, 0);
			craft_ipv6(&c, 43, 1, 2);
			p = craft_packet(&c, LINKTYPE_RAW);
			struct segment seg = check_segment(*state, &p, false, text);
			assert_address(&seg.dst, left ? "fd00::4d" : "2001:db8::2");
		}
	}
	hello_v6();
	craft_put(&c, address, 16);
	craft_hex(&c, IPPROTO_TCP_, 2, 1, 2, 0, 0, 0xc9, 16);
	craft_ipv6(&c, 60, 1, 2);
	p = craft_packet(&c, LINKTYPE_RAW);
	struct segment seg = check_segment(*state, &p, false, text);
	assert_address(&seg.src, "fd00::4d");
	craft_data(&c)[40 + 7] = 17; /* an option longer than its header */
	seg = check_segment(*state, &p, false, text);
	assert_address(&seg.src, "2001:db8::1");
}

static void test_other_transport(void **state)
{
	static const u8 protocols[] = { 0, 2, 50, 59, 89, 103, 132, 255 };
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		craft_hello(&c);
		craft_data(&c)[9] = protocols[i];
		assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_NOT_TCP_UDP);
	}
	hello_v6();
	craft_ipv6(&c, 59, 1, 2);
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_NOT_TCP_UDP);
}

static void test_v4_authentication(void **state)
{
	craft_text(&c, "hello");
	craft_tcp(&c, 1000, 80, 0x01020304);
	craft_hex(&c, IPPROTO_TCP_, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
	craft_ipv4(&c, 51, 1, 2);
	check_hello(*state, &c, LINKTYPE_RAW, false);
	craft_text(&c, "hello");
	for (int i = 0; i < 500; i++) /* each behind the other */
		craft_hex(&c, 51, 0, 0, 0, 0, 0, 0, 0);
	craft_ipv4(&c, 51, 1, 2);
	struct packet p = craft_packet(&c, LINKTYPE_RAW);
	struct segment seg;
	assert_int_equal(decode_guarded(*state, &p, p.caplen, p.len, &seg), NET_TOO_DEEP);
}

static void test_tcp(void **state)
{
	craft_hello(&c);
	u8 *tcp = craft_data(&c) + 20;
	tcp[12] = 0x40;
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_MALFORMED);
	tcp[12] = 0x70; /* 28 bytes, 25 are there */
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_MALFORMED);

	static const u8 options[40] = { 1, 1, 8, 10 };
	for (u32 words = 0; words <= 10; words++) {
		craft_text(&c, "hello");
		craft_put(&c, options, words * 4);
		craft_tcp(&c, 1000, 80, 0x01020304)[12] = (u8)((5 + words) << 4);
		craft_ipv4(&c, IPPROTO_TCP_, 1, 2);
		check_hello(*state, &c, LINKTYPE_RAW, false);
	}
	struct packet p = craft_packet(&c, LINKTYPE_RAW);
	struct segment seg; /* cut within the options: no payload here, five bytes on the wire */
	assert_int_equal(decode_guarded(*state, &p, 45, p.len, &seg), NET_SEGMENT);
	assert_int_equal(seg.len, 5);
	assert_int_equal(seg.caplen, 0);
	for (unsigned flags = 0; flags < 256; flags++) {
		craft_data(&c)[33] = (u8)flags;
		assert_int_equal(net_decode(*state, &p, &seg), NET_SEGMENT);
		assert_int_equal(seg.flags, flags);
	}
}

static void test_udp(void **state)
{
	char text[64];
	struct segment seg;
	craft_text(&c, "hello");
	craft_udp(&c, 5353, 53);
	craft_ipv4(&c, IPPROTO_UDP_, 1, 2);
	struct packet p = craft_packet(&c, LINKTYPE_RAW);
	seg = check_segment(*state, &p, false, text);
	assert_string_equal(text, "hello");
	assert_int_equal(seg.sport, 5353);
	assert_int_equal(seg.dport, 53);
	assert_int_equal(seg.protocol, IPPROTO_UDP_);
	assert_int_equal(seg.seq, 0);
	u8 *length = craft_data(&c) + 24;
	set16(length, 0); /* IP's length counts */
	assert_int_equal(net_decode(*state, &p, &seg), NET_SEGMENT);
	assert_int_equal(seg.len, 5);
	set16(length, 11); /* less than IP's: the rest is not UDP's */
	assert_int_equal(net_decode(*state, &p, &seg), NET_SEGMENT);
	assert_int_equal(seg.len, 3);
	assert_int_equal(seg.caplen, 3);
	set16(length, 8);
	assert_int_equal(net_decode(*state, &p, &seg), NET_SEGMENT);
	assert_int_equal(seg.len, 0);
	set16(length, 7);
	assert_int_equal(net_decode(*state, &p, &seg), NET_MALFORMED);
	set16(length, 14);
	assert_int_equal(net_decode(*state, &p, &seg), NET_MALFORMED);
}

static void craft_icmp(struct craft *to, bool v6, u8 type, u8 code)
{
	craft_hex(to, type, code, 0, 0, 0, 0, 0, 0);
	if (v6)
		craft_ipv6(to, IPPROTO_ICMP_V6, 9, 1);
	else
		craft_ipv4(to, IPPROTO_ICMP_V4, 9, 1);
}

static void check_quoted(void **state, u8 protocol, const char *src, u32 seq)
{
	struct packet p = craft_packet(&c, LINKTYPE_RAW);
	char text[64];
	struct segment seg = check_segment(*state, &p, true, text);
	assert_true(seg.unreachable);
	assert_int_equal(seg.protocol, protocol);
	assert_int_equal(seg.sport, 1000);
	assert_int_equal(seg.dport, 80);
	assert_int_equal(seg.len, 0);
	assert_int_equal(seg.caplen, 0);
	assert_int_equal(seg.seq, seq);
	assert_address(&seg.src, src);
}

static void test_unreachable(void **state)
{
	for (u8 code = 0; code < 16; code++) {
		craft_text(&c, "");
		craft_udp(&c, 1000, 80);
		craft_ipv4(&c, IPPROTO_UDP_, 1, 2);
		set16(craft_data(&c) + 2, 1400); /* the quoted one was longer than the quote */
		craft_icmp(&c, false, 3, code);
		if (code == 4)
			assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_NOT_TCP_UDP);
		else
			check_quoted(state, IPPROTO_UDP_, "10.0.0.1", 0);
	}
	craft_hello(&c);
	craft_icmp(&c, false, 3, 13);
	check_quoted(state, IPPROTO_TCP_, "10.0.0.1", 0x01020304);

	craft_text(&c, "hello");
	craft_tcp(&c, 1000, 80, 7);
	craft_hex(&c, IPPROTO_TCP_, 0, 1, 4, 0, 0, 0, 0);
	craft_hex(&c, 60, 0, 0, 1, 0, 0, 0, 5); /* quoting the first fragment */
	craft_ipv6(&c, 44, 1, 2);
	craft_icmp(&c, true, 1, 4);
	check_quoted(state, IPPROTO_TCP_, "2001:db8::1", 7);
	craft_data(&c)[40] = 2; /* packet too big */
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_NOT_TCP_UDP);
}

static void test_unreachable_others(void **state)
{
	craft_hello(&c);
	craft_icmp(&c, false, 11, 0); /* time exceeded */
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_NOT_TCP_UDP);
	craft_hello(&c);
	craft_data(&c)[9] = 1; /* about an ICMP message */
	craft_icmp(&c, false, 3, 1);
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_NOT_TCP_UDP);
	craft_hello(&c);
	craft_data(&c)[7] = 5; /* about a later fragment: the bytes there are no ports */
	craft_icmp(&c, false, 3, 1);
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_NOT_TCP_UDP);
	craft_hello(&c);
	craft_data(&c)[0] = 0x15;
	craft_icmp(&c, false, 3, 1);
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_MALFORMED);
	craft_start(&c);
	craft_hex(&c, 3, 0xe8, 0);
	craft_ipv4(&c, IPPROTO_UDP_, 1, 2); /* the quote ends within the ports */
	craft_icmp(&c, false, 3, 1);
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_MALFORMED);
	craft_start(&c);
	craft_hex(&c, 3, 0xe8, 0, 80); /* ports alone */
	craft_ipv4(&c, IPPROTO_TCP_, 1, 2);
	craft_icmp(&c, false, 3, 1);
	check_quoted(state, IPPROTO_TCP_, "10.0.0.1", 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, net_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_v4_options), T(test_v4_bad_header), T(test_gso), T(test_snapped), T(test_v6_extensions), T(test_v6_final_addresses),
		T(test_other_transport), T(test_v4_authentication), T(test_tcp), T(test_udp), T(test_unreachable), T(test_unreachable_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
