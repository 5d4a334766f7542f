/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "decode_check.h"
#include "net/walk.h"

static struct craft c;

static void test_ethernet(void **state)
{
	craft_hello(&c);
	craft_ethernet(&c, 0x0800);
	struct segment seg = check_hello(*state, &c, LINKTYPE_ETHERNET, false);
	assert_int_equal(seg.vlan, 0);
	assert_int_equal(seg.tunnel, TUNNEL_NONE);
	assert_address(&seg.src, "10.0.0.1");
	assert_address(&seg.dst, "10.0.0.2");
}

/* The shortest frame has 60 bytes: what IP does not claim is padding. */
static void test_padding(void **state)
{
	u8 zeros[32] = { 0 };
	craft_hello(&c);
	craft_ethernet(&c, 0x0800);
	craft_append(&c, zeros, 12);
	struct packet p = craft_packet(&c, LINKTYPE_ETHERNET);
	struct segment seg;
	assert_int_equal(decode_guarded(*state, &p, p.caplen, p.len, &seg), NET_SEGMENT);
	assert_int_equal(seg.len, 5);
	assert_int_equal(seg.caplen, 5);
	craft_start(&c);
	craft_udp(&c, 5, 6);
	craft_ipv6(&c, IPPROTO_UDP_, 1, 2);
	craft_ethernet(&c, 0x86dd);
	craft_append(&c, zeros, 32);
	p = craft_packet(&c, LINKTYPE_ETHERNET);
	assert_int_equal(decode_guarded(*state, &p, p.caplen, p.len, &seg), NET_SEGMENT);
	assert_int_equal(seg.len, 0);
}

static void test_vlan(void **state)
{
	static const u16 tags[] = { 0x8100, 0x88a8, 0x9100, 0x9200 };
	u32 origins[4];
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		craft_hello(&c);
		craft_vlan(&c, 42, 0x0800);
		craft_vlan(&c, 0x6000 | 7, 0x8100);
		craft_ethernet(&c, tags[i]);
		struct segment seg = check_hello(*state, &c, LINKTYPE_ETHERNET, false);
		assert_int_equal(seg.vlan, 7);
		origins[i] = seg.origin;
	}
	assert_int_equal(origins[0], origins[3]); /* the ids count, not how they are marked */
	craft_hello(&c);
	craft_vlan(&c, 43, 0x0800);
	craft_vlan(&c, 7, 0x8100);
	craft_ethernet(&c, 0x88a8);
	assert_int_not_equal(check_hello(*state, &c, LINKTYPE_ETHERNET, false).origin, origins[0]);
}

/* The tag that the kernel has taken off is the outermost; its priority bits are no part of where a packet was seen. */
static void test_kernel_tag(void **state)
{
	struct segment seg, other;
	craft_hello(&c);
	craft_vlan(&c, 42, 0x0800);
	craft_ethernet(&c, 0x8100);
	struct packet p = craft_packet(&c, LINKTYPE_ETHERNET);
	p.vlan_tci = 0x2007;
	assert_int_equal(decode_guarded(*state, &p, p.caplen, p.len, &seg), NET_SEGMENT);
	assert_int_equal(seg.vlan, 7);
	p.vlan_tci = 7;
	assert_int_equal(decode_guarded(*state, &p, p.caplen, p.len, &other), NET_SEGMENT);
	assert_int_equal(seg.origin, other.origin);

	craft_hello(&c);
	craft_vlan(&c, 42, 0x0800);
	craft_vlan(&c, 7, 0x8100);
	craft_ethernet(&c, 0x8100);
	assert_int_equal(check_hello(*state, &c, LINKTYPE_ETHERNET, false).origin, seg.origin);
}

static void test_origin(void **state)
{
	struct segment a, b;
	craft_hello(&c);
	craft_ethernet(&c, 0x0800);
	struct packet p = craft_packet(&c, LINKTYPE_ETHERNET);
	net_decode(*state, &p, &a);
	p.ifindex = 4;
	net_decode(*state, &p, &b);
	assert_int_not_equal(a.origin, b.origin);
	p.ifindex = 3;
	p.direction = PACKET_OUT;
	net_decode(*state, &p, &b);
	assert_int_not_equal(a.origin, b.origin);
	p.direction = PACKET_UNKNOWN;
	net_decode(*state, &p, &b);
	assert_int_equal(a.origin, b.origin);
}

/* The short cut for plain TCP and the long way give the same. */
static void test_short_cut(void **state)
{
	for (u32 i = 0; i < 20000; i++) {
		struct segment a, b;
		craft_hello(&c);
		u8 *ip = craft_data(&c);
		u8 saved = ip[i % 40];
		ip[i % 40] = (u8)(i / 40);
		struct packet p = craft_packet(&c, LINKTYPE_RAW);
		p.caplen -= i % 7;
		memset(&a, 0, sizeof(a));
		memset(&b, 0, sizeof(b));
		enum net_result r = net_decode(*state, &p, &a);
		craft_ethernet(&c, 0x0800);
		p = craft_packet(&c, LINKTYPE_ETHERNET);
		p.caplen -= i % 7;
		enum net_result q = net_decode(*state, &p, &b);
		if (i % 40 == 0 && i / 40 >> 4 != 4)
			continue; /* the version: raw captures look at it, Ethernet has a type */
		if (r == NET_FRAGMENT || q == NET_FRAGMENT || i % 40 == 6 || i % 40 == 7)
			continue;
		assert_int_equal(r, q);
		if (r == NET_SEGMENT)
			assert_memory_equal(&a, &b, sizeof(a));
		ip[i % 40] = saved;
	}
}

static void test_llc(void **state)
{
	craft_hello(&c);
	craft_hex(&c, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
	craft_ethernet(&c, (u16)craft_size(&c));
	check_hello(*state, &c, LINKTYPE_ETHERNET, false);

	craft_hello(&c);
	craft_hex(&c, 6, 6, 3);
	craft_ethernet(&c, (u16)craft_size(&c));
	check_hello(*state, &c, LINKTYPE_ETHERNET, false);

	craft_hello(&c);
	craft_hex(&c, 0xaa, 0xaa, 3, 0, 0, 0xf8, 8, 0);
	craft_ethernet(&c, 0x8870);
	check_hello(*state, &c, LINKTYPE_ETHERNET, false);

	craft_hello(&c); /* a length inside a tag */
	craft_hex(&c, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
	craft_vlan(&c, 9, (u16)craft_size(&c));
	craft_ethernet(&c, 0x8100);
	assert_int_equal(check_hello(*state, &c, LINKTYPE_ETHERNET, false).vlan, 9);

	craft_hello(&c); /* spanning tree */
	craft_hex(&c, 0x42, 0x42, 3);
	craft_ethernet(&c, (u16)craft_size(&c));
	assert_int_equal(result_of(*state, &c, LINKTYPE_ETHERNET), NET_NOT_IP);

	craft_hello(&c); /* somebody else's protocol numbers */
	craft_hex(&c, 0xaa, 0xaa, 3, 0, 0, 0xc, 8, 0);
	craft_ethernet(&c, (u16)craft_size(&c));
	assert_int_equal(result_of(*state, &c, LINKTYPE_ETHERNET), NET_NOT_IP);
}

static void test_not_ip(void **state)
{
	static const u16 types[] = { 0x0806, 0x88cc, 0x8863, 0x88e5, 0x05ff, 0xffff };
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		craft_hello(&c);
		craft_ethernet(&c, types[i]);
		struct packet p = craft_packet(&c, LINKTYPE_ETHERNET);
		struct segment seg;
		assert_int_equal(decode_guarded(*state, &p, p.caplen, p.len, &seg), NET_NOT_IP);
	}
}

static void test_other_ethernet(void **state)
{
	craft_hello(&c);
	craft_hex(&c, 0x80, 1, 0, 2, 8, 0); /* VN-Tag */
	craft_ethernet(&c, 0x8926);
	check_hello(*state, &c, LINKTYPE_ETHERNET, false);

	craft_hello(&c); /* MAC in MAC behind its backbone tag */
	craft_ethernet(&c, 0x0800);
	craft_hex(&c, 0, 0, 1, 5);
	craft_vlan(&c, 100, 0x88e7);
	craft_ethernet(&c, 0x88a8);
	assert_int_equal(check_hello(*state, &c, LINKTYPE_ETHERNET, false).vlan, 100);
}

static void craft_pppoe(struct craft *to, u16 session)
{
	u8 h[6] = { 0x11, 0 };
	set16(h + 2, session);
	set16(h + 4, craft_size(to));
	craft_put(to, h, 6);
}

static void test_ppp(void **state)
{
	static const u16 plain[] = { LINKTYPE_PPP, LINKTYPE_PPP_HDLC };
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		craft_hello(&c);
		craft_hex(&c, 0, 0x21);
		check_hello(*state, &c, plain[i], false);
		craft_hello(&c);
		craft_hex(&c, 0xff, 3, 0, 0x21);
		check_hello(*state, &c, plain[i], true); /* cut after one byte, ff is another protocol */
		craft_hello(&c);
		craft_hex(&c, 0x21); /* compressed field */
		check_hello(*state, &c, plain[i], false);
		craft_hello(&c);
		craft_hex(&c, 0x0f, 0, 8, 0); /* Cisco's framing */
		check_hello(*state, &c, plain[i], false);
	}
	craft_hello(&c);
	craft_hex(&c, 1, 0xff, 3, 0, 0x21);
	check_hello(*state, &c, 166, true);
	craft_hello(&c);
	craft_hex(&c, 0xff, 3, 0xc0, 0x21); /* LCP */
	assert_int_equal(result_of(*state, &c, LINKTYPE_PPP), NET_NOT_IP);
}

static void test_pppoe(void **state)
{
	craft_hello(&c);
	craft_hex(&c, 0, 0x21);
	craft_pppoe(&c, 0x1234);
	struct segment seg = check_hello(*state, &c, LINKTYPE_PPP_ETHER, false);
	assert_int_equal(seg.tunnel, TUNNEL_PPPOE);
	assert_int_equal(seg.tunnel_id, 0x1234);
	craft_vlan(&c, 5, 0x8864);
	craft_ethernet(&c, 0x8100);
	seg = check_hello(*state, &c, LINKTYPE_ETHERNET, false);
	assert_int_equal(seg.tunnel, TUNNEL_PPPOE);
	assert_int_equal(seg.vlan, 5);

	craft_text(&c, "hello");
	craft_udp(&c, 1, 2);
	craft_ipv6(&c, IPPROTO_UDP_, 1, 2);
	craft_hex(&c, 0, 0x57);
	craft_pppoe(&c, 1);
	craft_ethernet(&c, 0x8864);
	assert_int_equal(result_of(*state, &c, LINKTYPE_ETHERNET), NET_SEGMENT);

	craft_hello(&c);
	craft_hex(&c, 0, 0x21);
	craft_pppoe(&c, 1);
	craft_data(&c)[0] = 0x12; /* another version */
	assert_int_equal(result_of(*state, &c, LINKTYPE_PPP_ETHER), NET_MALFORMED);
	craft_data(&c)[0] = 0x11;
	craft_data(&c)[1] = 9; /* discovery */
	assert_int_equal(result_of(*state, &c, LINKTYPE_PPP_ETHER), NET_NOT_IP);
}

static void test_null_loop(void **state)
{
	static const u8 families[] = { 10, 24, 28, 30 };
	for (int i = 0; i < 2; i++) {
		u16 linktype = i ? LINKTYPE_LOOP : LINKTYPE_NULL;
		craft_hello(&c);
		craft_hex(&c, 2, 0, 0, 0);
		check_hello(*state, &c, linktype, false);
		craft_hello(&c);
		craft_hex(&c, 0, 0, 0, 2);
		check_hello(*state, &c, linktype, false);
		for (size_t k = 0; k < ARRAY_LEN(families); k++) {
			craft_text(&c, "hello");
			craft_tcp(&c, 1000, 80, 0x01020304);
			craft_ipv6(&c, IPPROTO_TCP_, 1, 2);
			craft_hex(&c, families[k], 0, 0, 0);
			check_hello(*state, &c, linktype, false);
		}
		craft_hello(&c);
		craft_hex(&c, 0x0f, 0, 8, 0); /* an EtherType, behind Cisco's address byte */
		check_hello(*state, &c, linktype, false);
		craft_hello(&c);
		craft_hex(&c, 7, 0, 0, 0);
		assert_int_equal(result_of(*state, &c, linktype), NET_NOT_IP);
	}
}

static void test_raw(void **state)
{
	static const u16 types[] = { LINKTYPE_RAW, 12, 14 };
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		craft_hello(&c);
		check_hello(*state, &c, types[i], false);
		craft_text(&c, "hello");
		craft_tcp(&c, 1000, 80, 0x01020304);
		craft_ipv6(&c, IPPROTO_TCP_, 1, 2);
		check_hello(*state, &c, types[i], false);
	}
	check_hello(*state, &c, LINKTYPE_IPV6, false);
	assert_int_equal(result_of(*state, &c, LINKTYPE_IPV4), NET_MALFORMED);
	craft_hello(&c);
	check_hello(*state, &c, LINKTYPE_IPV4, false);
	assert_int_equal(result_of(*state, &c, LINKTYPE_IPV6), NET_MALFORMED);
	craft_data(&c)[0] = 0x75;
	assert_int_equal(result_of(*state, &c, LINKTYPE_RAW), NET_NOT_IP);
}

static void test_cooked(void **state)
{
	craft_hello(&c);
	craft_hex(&c, 0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0);
	u32 in = check_hello(*state, &c, LINKTYPE_LINUX_SLL, false).origin;
	craft_data(&c)[1] = 4; /* outgoing: the other copy of a packet on the loopback device */
	assert_int_not_equal(check_hello(*state, &c, LINKTYPE_LINUX_SLL, false).origin, in);
	craft_data(&c)[15] = 6; /* ARP */
	assert_int_equal(result_of(*state, &c, LINKTYPE_LINUX_SLL), NET_NOT_IP);

	craft_hello(&c);
	craft_vlan(&c, 11, 0x0800);
	craft_hex(&c, 0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0x81, 0);
	assert_int_equal(check_hello(*state, &c, LINKTYPE_LINUX_SLL, false).vlan, 11);

	craft_hello(&c);
	craft_hex(&c, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
	craft_hex(&c, 0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0, 4);
	check_hello(*state, &c, LINKTYPE_LINUX_SLL, false);

	craft_hello(&c);
	craft_hex(&c, 8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0);
	in = check_hello(*state, &c, LINKTYPE_LINUX_SLL2, false).origin;
	craft_data(&c)[7] = 3; /* another interface */
	assert_int_not_equal(check_hello(*state, &c, LINKTYPE_LINUX_SLL2, false).origin, in);
	craft_data(&c)[1] = 6;
	assert_int_equal(result_of(*state, &c, LINKTYPE_LINUX_SLL2), NET_NOT_IP);
}

static void test_mpls(void **state)
{
	craft_hello(&c);
	craft_hex(&c, 0, 1, 0x01, 64); /* label 16, bottom */
	craft_hex(&c, 0, 2, 0x00, 64);
	craft_ethernet(&c, 0x8847);
	struct segment seg = check_hello(*state, &c, LINKTYPE_ETHERNET, false);
	assert_int_equal(seg.tunnel, TUNNEL_MPLS);
	assert_int_equal(seg.tunnel_id, 16);

	craft_text(&c, "hello");
	craft_tcp(&c, 1000, 80, 0x01020304);
	craft_ipv6(&c, IPPROTO_TCP_, 1, 2);
	craft_hex(&c, 0, 1, 0x01, 64);
	craft_ethernet(&c, 0x8848);
	check_hello(*state, &c, LINKTYPE_ETHERNET, false);

	craft_hello(&c); /* a stack without an end */
	for (int i = 0; i < 20; i++)
		craft_hex(&c, 0, 1, 0, 64);
	craft_ethernet(&c, 0x8847);
	assert_int_equal(result_of(*state, &c, LINKTYPE_ETHERNET), NET_TOO_DEEP);
}

static void test_pseudowire(void **state)
{
	craft_hello(&c);
	craft_ethernet(&c, 0x0800);
	craft_hex(&c, 0, 0, 0, 0); /* control word */
	craft_hex(&c, 0, 1, 0x01, 64);
	craft_ethernet(&c, 0x8847);
	check_hello(*state, &c, LINKTYPE_ETHERNET, true);

	static const u8 first[] = { 0x00, 0x02, 0x1c, 0x45, 0x60, 0x74 }; /* addresses that look like something else */
	for (size_t i = 0; i < ARRAY_LEN(first); i++) {
		craft_hello(&c);
		craft_vlan(&c, 3, 0x0800);
		craft_ethernet(&c, 0x8100);
		u8 *mac = craft_data(&c);
		mac[0] = first[i];
		mac[1] = mac[2] = mac[3] = mac[4] = 0xfe;
		craft_hex(&c, 0, 1, 0x01, 64);
		craft_ethernet(&c, 0x8847);
		assert_int_equal(check_hello(*state, &c, LINKTYPE_ETHERNET, true).vlan, 3);
	}
	craft_hello(&c);
	craft_hex(&c, 0x10, 0, 0, 0x21); /* an associated channel */
	craft_hex(&c, 0, 1, 0x01, 64);
	craft_ethernet(&c, 0x8847);
	assert_int_equal(result_of(*state, &c, LINKTYPE_ETHERNET), NET_NOT_IP);
}

static void test_unknown_linktype(void **state)
{
	craft_hello(&c);
	assert_int_equal(result_of(*state, &c, 9999), NET_LINKTYPE);
	for (u32 i = 0; i < 300; i++)
		result_of(*state, &c, (u16)i); /* any of them: no crash */
	assert_string_equal(net_result_name(NET_LINKTYPE), "unknown_linktype");
	assert_string_equal(net_result_name(NET_SEGMENT), "decoded");
	assert_string_equal(net_result_name((enum net_result)99), "unknown");
}

static void test_depth(void **state)
{
	for (int tags = 0; tags <= 10; tags++) {
		craft_hello(&c);
		for (int i = 0; i < tags; i++)
			craft_vlan(&c, (u16)(i + 1), i ? 0x8100 : 0x0800);
		craft_ethernet(&c, tags ? 0x8100 : 0x0800);
		assert_int_equal(result_of(*state, &c, LINKTYPE_ETHERNET), tags <= WALK_DEPTH ? NET_SEGMENT : NET_TOO_DEEP);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, net_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_ethernet), T(test_padding), T(test_vlan), T(test_kernel_tag), T(test_origin), T(test_short_cut),
		T(test_llc), T(test_not_ip), T(test_other_ethernet), T(test_ppp), T(test_pppoe), T(test_null_loop), T(test_raw), T(test_cooked),
		T(test_mpls), T(test_pseudowire), T(test_unknown_linktype), T(test_depth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
