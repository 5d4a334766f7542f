/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "decode_check.h"
#include "net/walk.h"

static struct craft c;

static void check_tunnel(void **state, u8 kind, u32 id)
{
	struct segment seg = check_hello(*state, &c, LINKTYPE_RAW, false);
	assert_int_equal(seg.tunnel, kind);
	assert_int_equal(seg.tunnel_id, id);
}

static void craft_gre(u16 flags, u16 type)
{
	u8 options[16] = { 0 }, h[4];
	u32 n = 0;
	if (flags & 0x8000) {
		set32(options + n, 0xabcd0000);
		n += 4;
	}
	if (flags & 0x2000) {
		set32(options + n, 0x00050009);
		n += 4;
	}
	if (flags & 0x1000)
		n += 4;
	if (flags & 1 && flags & 0x80)
		n += 4;
	set16(h, flags);
	set16(h + 2, type);
	craft_put(&c, options, n);
	craft_put(&c, h, 4);
	craft_ipv4(&c, 47, 8, 9);
}

static void test_gre(void **state)
{
	for (unsigned bits = 0; bits < 8; bits++) {
		u16 flags = (u16)((bits & 1 ? 0x8000 : 0) | (bits & 2 ? 0x2000 : 0) | (bits & 4 ? 0x1000 : 0));
		craft_hello(&c);
		craft_gre(flags, 0x0800);
		check_tunnel(state, TUNNEL_GRE, bits & 2 ? 0x50009 : 0);
		craft_hello(&c);
		craft_vlan(&c, 12, 0x0800);
		craft_ethernet(&c, 0x8100);
		craft_gre(flags, 0x6558);
		check_tunnel(state, TUNNEL_GRE, bits & 2 ? 0x50009 : 0);
	}
	craft_hello(&c);
	craft_hex(&c, 0xff, 3, 0, 0x21);
	craft_gre(0x3081, 0x880b); /* PPTP */
	assert_int_equal(check_hello(*state, &c, LINKTYPE_RAW, true).tunnel_id, 9);
	craft_hello(&c);
	craft_gre(0, 0x883e);
	check_tunnel(state, TUNNEL_GRE, 0);
	craft_hello(&c);
	craft_hex(&c, 1, 0, 0, 0);
	craft_gre(0, 0x883e); /* WCCP version 2 */
	check_tunnel(state, TUNNEL_GRE, 0);
	craft_hello(&c);
	craft_hex(&c, 0, 1, 0x01, 64);
	craft_gre(0, 0x8847);
	assert_int_equal(check_hello(*state, &c, LINKTYPE_RAW, true).tunnel, TUNNEL_GRE);
}

static void test_gre_bad(void **state)
{
	static const u16 bad[] = { 0x4000, 0x0002, 0x0007, 0x0001, 0x1001 };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		craft_hello(&c);
		craft_gre(bad[i], 0x0800);
		assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_MALFORMED);
	}
	craft_start(&c);
	craft_gre(0, 0); /* keep-alive */
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_NOT_IP);
	craft_start(&c);
	craft_gre(0, 0x0800);
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_MALFORMED);
}

static void test_erspan(void **state)
{
	craft_hello(&c);
	craft_ethernet(&c, 0x0800);
	craft_gre(0, 0x88be); /* type I */
	check_tunnel(state, TUNNEL_ERSPAN, 0);

	craft_hello(&c);
	craft_ethernet(&c, 0x0800);
	craft_hex(&c, 0x10, 5, 0x08, 0x7b, 0, 0, 0, 1);
	craft_gre(0x1000, 0x88be);
	check_tunnel(state, TUNNEL_ERSPAN, 0x7b);

	for (u8 platform = 0; platform < 2; platform++) {
		craft_hello(&c);
		craft_ethernet(&c, 0x0800);
		if (platform)
			craft_hex(&c, 1, 2, 3, 4, 5, 6, 7, 8);
		craft_hex(&c, 0x20, 5, 0x0b, 0xff, 1, 2, 3, 4, 0, 0, 0, platform);
		craft_gre(0x1000, 0x22eb);
		check_tunnel(state, TUNNEL_ERSPAN, 0x3ff);
	}
	craft_hello(&c); /* IP without a frame */
	craft_hex(&c, 0x20, 5, 0, 1, 1, 2, 3, 4, 0, 0, 0x08, 0);
	craft_gre(0x1000, 0x22eb);
	check_tunnel(state, TUNNEL_ERSPAN, 1);

	craft_hello(&c);
	craft_ethernet(&c, 0x0800);
	craft_hex(&c, 0x30, 5, 0x08, 0x7b, 0, 0, 0, 1);
	craft_gre(0x1000, 0x88be);
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_MALFORMED);
}

static void test_ip_in_ip(void **state)
{
	craft_hello(&c);
	craft_ipv4(&c, 4, 8, 9);
	check_tunnel(state, TUNNEL_IPIP, 0);
	craft_hello(&c);
	craft_ipv6(&c, 4, 8, 9);
	check_tunnel(state, TUNNEL_IPIP, 0);
	for (int v6 = 0; v6 < 2; v6++) {
		craft_text(&c, "hello");
		craft_tcp(&c, 1000, 80, 0x01020304);
		craft_ipv6(&c, IPPROTO_TCP_, 1, 2);
		if (v6)
			craft_ipv6(&c, 41, 8, 9);
		else
			craft_ipv4(&c, 41, 8, 9);
		check_tunnel(state, TUNNEL_IPIP, 0);
	}
	craft_hello(&c);
	craft_hex(&c, 0, 1, 0x01, 64);
	craft_ipv4(&c, 137, 8, 9);
	assert_int_equal(check_hello(*state, &c, LINKTYPE_RAW, true).tunnel, TUNNEL_MPLS);
}

static void craft_vxlan(u16 dport, u32 flags, u32 vni)
{
	u8 h[8];
	set32(h, flags);
	set32(h + 4, vni << 8);
	craft_put(&c, h, 8);
	craft_udp(&c, 51234, dport);
	craft_ipv4(&c, IPPROTO_UDP_, 8, 9);
}

static void test_vxlan(void **state)
{
	static const u16 ports[] = { 4789, 8472 };
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		craft_hello(&c);
		craft_ethernet(&c, 0x0800);
		craft_vxlan(ports[i], 0x08000000, 4096);
		check_tunnel(state, TUNNEL_VXLAN, 4096);
		craft_hello(&c);
		craft_ethernet(&c, 0x0800);
		craft_vxlan(ports[i], 0x88000123, 4096); /* group policy */
		check_tunnel(state, TUNNEL_VXLAN, 4096);
	}
	craft_hello(&c);
	craft_vxlan(4790, 0x0c000001, 1);
	check_tunnel(state, TUNNEL_VXLAN, 1);
	craft_hello(&c);
	craft_ethernet(&c, 0x0800);
	craft_vxlan(4790, 0x0c000003, 1);
	check_tunnel(state, TUNNEL_VXLAN, 1);
	craft_start(&c); /* ARP inside is not IP, wherever it travels */
	craft_ethernet(&c, 0x0806);
	craft_vxlan(4789, 0x08000000, 1);
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_NOT_IP);
}

/* What is no tunnel, or holds nonsense, is the datagram it came in. */
static void check_outer(void **state, u16 dport)
{
	struct packet p = craft_packet(&c, LINKTYPE_RAW);
	struct segment seg;
	assert_int_equal(decode_guarded(*state, &p, p.caplen, p.len, &seg), NET_SEGMENT);
	assert_int_equal(seg.protocol, IPPROTO_UDP_);
	assert_int_equal(seg.dport, dport);
	assert_int_equal(seg.tunnel, TUNNEL_NONE);
	assert_int_equal(seg.len, craft_size(&c) - 28);
	assert_int_equal(seg.caplen, seg.len);
	assert_address(&seg.src, "10.0.0.8");
	check_prefixes(*state, &p, &seg, true);
}

static void test_not_a_tunnel(void **state)
{
	static const u16 ports[] = { 4789, 8472, 4790, 6081, 2152, 4754, 6635 };
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		craft_text(&c, "\x12\x34\x81\x80 an answer to a question asked from this port");
		craft_udp(&c, 53, ports[i]);
		craft_ipv4(&c, IPPROTO_UDP_, 8, 9);
		check_outer(state, ports[i]);
		craft_text(&c, "abc");
		craft_udp(&c, 53, ports[i]);
		craft_ipv4(&c, IPPROTO_UDP_, 8, 9);
		check_outer(state, ports[i]);
	}
	craft_hello(&c); /* the packet inside makes no sense */
	craft_data(&c)[0] = 0x42;
	craft_ethernet(&c, 0x0800);
	craft_vxlan(4789, 0x08000000, 1);
	check_outer(state, 4789);
	craft_hello(&c);
	craft_vxlan(4790, 0x0c000009, 1);
	check_outer(state, 4790);
}

static void test_geneve(void **state)
{
	for (u8 words = 0; words < 64; words += 21) {
		static const u8 options[252];
		craft_hello(&c);
		craft_ethernet(&c, 0x0800);
		craft_put(&c, options, words * 4u);
		craft_hex(&c, words, 0, 0x65, 0x58, 0, 0, 77, 0);
		craft_udp(&c, 50000, 6081);
		craft_ipv6(&c, IPPROTO_UDP_, 8, 9);
		check_tunnel(state, TUNNEL_GENEVE, 77);
	}
	craft_hello(&c);
	craft_hex(&c, 0, 0, 0x08, 0x00, 0, 0, 77, 0);
	craft_udp(&c, 50000, 6081);
	craft_ipv4(&c, IPPROTO_UDP_, 8, 9);
	check_tunnel(state, TUNNEL_GENEVE, 77);
	craft_data(&c)[28] = 0x40; /* version 1 */
	check_outer(state, 6081);
	craft_data(&c)[28] = 0x3f; /* options beyond the end */
	check_outer(state, 6081);
}

static void test_gre_and_mpls_in_udp(void **state)
{
	craft_hello(&c);
	craft_hex(&c, 0x20, 0, 8, 0, 0, 0, 0, 3);
	craft_udp(&c, 50000, 4754);
	craft_ipv4(&c, IPPROTO_UDP_, 8, 9);
	check_tunnel(state, TUNNEL_GRE, 3);
	craft_hello(&c);
	craft_hex(&c, 0, 1, 0x01, 64);
	craft_udp(&c, 50000, 6635);
	craft_ipv4(&c, IPPROTO_UDP_, 8, 9);
	assert_int_equal(check_hello(*state, &c, LINKTYPE_RAW, true).tunnel, TUNNEL_MPLS);
	craft_start(&c); /* twenty labels without a bottom: no stack */
	for (int i = 0; i < 20; i++)
		craft_hex(&c, 0, 1, 0, 64);
	craft_udp(&c, 50000, 6635);
	craft_ipv4(&c, IPPROTO_UDP_, 8, 9);
	check_outer(state, 6635);
}

static void craft_gtp(u8 flags, u8 type)
{
	u8 h[8] = { flags, type };
	set16(h + 2, craft_size(&c));
	set32(h + 4, 0xcafe);
	craft_put(&c, h, 8);
	craft_udp(&c, 2152, 2152);
	craft_ipv4(&c, IPPROTO_UDP_, 8, 9);
}

static void test_gtp(void **state)
{
	craft_hello(&c);
	craft_gtp(0x30, 255);
	check_tunnel(state, TUNNEL_GTP, 0xcafe);
	craft_hello(&c);
	craft_hex(&c, 0, 1, 0, 0);
	craft_gtp(0x32, 255); /* a sequence number */
	check_tunnel(state, TUNNEL_GTP, 0xcafe);
	craft_hello(&c);
	craft_hex(&c, 1, 9, 9, 0);
	craft_hex(&c, 2, 1, 1, 1, 1, 1, 1, 0x40);
	craft_hex(&c, 0, 0, 0, 0x85); /* two extension headers */
	craft_gtp(0x34, 255);
	check_tunnel(state, TUNNEL_GTP, 0xcafe);
	craft_hello(&c);
	craft_hex(&c, 0, 0, 0, 0x85, 0); /* an extension of no size */
	craft_gtp(0x34, 255);
	check_outer(state, 2152);
	craft_hello(&c);
	craft_gtp(0x30, 1); /* echo */
	check_outer(state, 2152);
	craft_hello(&c);
	craft_gtp(0x10, 255); /* version 0 */
	check_outer(state, 2152);
	craft_text(&c, "x");
	craft_gtp(0x30, 255);
	check_outer(state, 2152);
}

/* The outermost tunnel is the one named; all of them tell copies apart. */
static void test_nested(void **state)
{
	craft_hello(&c);
	craft_ethernet(&c, 0x0800);
	craft_vxlan(4789, 0x08000000, 5);
	craft_ethernet(&c, 0x0800);
	craft_gre(0x2000, 0x6558);
	craft_vlan(&c, 99, 0x0800);
	craft_ethernet(&c, 0x8100);
	struct segment seg = check_hello(*state, &c, LINKTYPE_ETHERNET, false);
	assert_int_equal(seg.tunnel, TUNNEL_GRE);
	assert_int_equal(seg.vlan, 99);
	u32 origin = seg.origin;
	craft_hello(&c);
	craft_ethernet(&c, 0x0800);
	craft_vxlan(4789, 0x08000000, 6);
	craft_ethernet(&c, 0x0800);
	craft_gre(0x2000, 0x6558);
	craft_vlan(&c, 99, 0x0800);
	craft_ethernet(&c, 0x8100);
	assert_int_not_equal(check_hello(*state, &c, LINKTYPE_ETHERNET, false).origin, origin);
}

static void test_depth(void **state)
{
	for (int n = 0; n <= 10; n++) {
		craft_hello(&c);
		for (int i = 0; i < n; i++)
			craft_ipv4(&c, 4, 8, 9);
		assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), n <= WALK_DEPTH ? NET_SEGMENT : NET_TOO_DEEP);
	}
	for (int n = 0; n <= 10; n++) {
		craft_hello(&c);
		for (int i = 0; i < n; i++) {
			craft_ethernet(&c, 0x0800);
			craft_vxlan(4789, 0x08000000, 1);
		}
		struct packet p = craft_packet(&c, LINKTYPE_RAW);
		struct segment seg;
		assert_int_equal(decode_guarded(*state, &p, p.caplen, p.len, &seg), n <= WALK_DEPTH ? NET_SEGMENT : NET_TOO_DEEP);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, net_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_gre), T(test_gre_bad), T(test_erspan), T(test_ip_in_ip), T(test_vxlan), T(test_not_a_tunnel), T(test_geneve), T(test_gre_and_mpls_in_udp), T(test_gtp), T(test_nested), T(test_depth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
