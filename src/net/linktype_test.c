/* Link types beyond the common ones. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "decode_check.h"
#include "net/walk.h"

static struct craft c;

static void craft_snap(void)
{
	craft_hex(&c, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
}

static void craft_zeros(u32 n)
{
	static const u8 zeros[256];
	craft_put(&c, zeros, n);
}

static void test_fixed_headers(void **state)
{
	craft_hello(&c);
	craft_hex(&c, 0x0f, 0, 8, 0);
	check_hello(*state, &c, 104, false); /* Cisco HDLC */
	craft_hello(&c);
	craft_snap();
	check_hello(*state, &c, 100, false); /* ATM */
	craft_zeros(13);
	check_hello(*state, &c, 10, false); /* FDDI */
	craft_hello(&c);
	craft_hex(&c, 8, 0);
	craft_zeros(16);
	check_hello(*state, &c, 138, false); /* IP over IEEE 1394 */
	craft_hello(&c);
	craft_hex(&c, 2, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0);
	check_hello(*state, &c, 109, false); /* enc(4) */
	craft_hello(&c);
	craft_zeros(62);
	craft_hex(&c, 61, 2);
	check_hello(*state, &c, 117, false); /* pflog(4), its length filled up to 64 */
	craft_data(&c)[1] = 99;
	assert_int_equal(result_of(*state, &c, 117), NET_NOT_IP);
}

static void test_arcnet(void **state)
{
	craft_hello(&c);
	craft_hex(&c, 1, 2, 0, 0, 240); /* RFC 1051 */
	check_hello(*state, &c, 129, false);
	craft_hello(&c);
	craft_hex(&c, 1, 2, 0, 0, 212, 0, 0, 9); /* RFC 1201 */
	check_hello(*state, &c, 129, false);
	craft_data(&c)[5] = 1; /* part of a split packet */
	assert_int_equal(result_of(*state, &c, 129), NET_NOT_IP);
	craft_data(&c)[4] = 213; /* ARP */
	assert_int_equal(result_of(*state, &c, 129), NET_NOT_IP);
	craft_text(&c, "hello");
	craft_tcp(&c, 1000, 80, 0x01020304);
	craft_ipv6(&c, IPPROTO_TCP_, 1, 2);
	craft_hex(&c, 1, 2, 0, 0, 196, 0, 0, 9);
	check_hello(*state, &c, 129, false);
}

/* A data frame; `fill` bytes stand between header and LLC. */
static void craft_wlan(u8 control0, u8 control1, u8 qos, u32 fill)
{
	bool has_qos = control0 & 0x80;
	craft_hello(&c);
	craft_snap();
	craft_zeros(fill);
	if (has_qos && control1 & 0x80)
		craft_zeros(4);
	if (has_qos)
		craft_hex(&c, qos, 0);
	craft_zeros((control1 & 3) == 3 ? 28 : 22);
	craft_hex(&c, control0, control1);
}

static void test_wlan(void **state)
{
	static const u8 control[][2] = { { 0x08, 1 }, { 0x08, 2 }, { 0x88, 1 }, { 0x88, 3 }, { 0x88, 0x81 }, { 0x88, 0x83 }, { 0x08, 3 } };
	static const u8 others[][2] = { { 0x80, 0 }, { 0xd4, 0 }, { 0x48, 1 }, { 0xc8, 1 }, { 0x08, 0x41 } };
	for (size_t i = 0; i < ARRAY_LEN(control); i++) {
		craft_wlan(control[i][0], control[i][1], 5, 0);
		check_hello(*state, &c, 105, false);
		craft_zeros(144);
		check_hello(*state, &c, 119, false); /* behind a Prism header */
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) { /* beacon, acknowledgement, no data, encrypted */
		craft_wlan(others[i][0], others[i][1], 0, 0);
		struct packet p = craft_packet(&c, 105);
		struct segment seg;
		assert_int_equal(decode_guarded(*state, &p, p.caplen, p.len, &seg), NET_NOT_IP);
	}
	craft_wlan(0x88, 1, 0x80, 0); /* several frames in one */
	assert_int_equal(result_of(*state, &c, 105), NET_NOT_IP);
}

static void test_radiotap(void **state)
{
	craft_wlan(0x88, 1, 0, 0);
	craft_hex(&c, 0, 0, 8, 0, 0, 0, 0, 0);
	check_hello(*state, &c, 127, false);
	craft_wlan(0x88, 1, 0, 2); /* filled up to a multiple of four, as the flags say: alone, */
	craft_hex(&c, 0, 0, 9, 0, 2, 0, 0, 0, 0x20);
	check_hello(*state, &c, 127, false);
	craft_wlan(0x88, 1, 0, 2); /* behind an extended bitmap and a time stamp, which is aligned */
	craft_hex(&c, 0x20);
	craft_zeros(8);
	craft_hex(&c, 0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0);
	check_hello(*state, &c, 127, false);
	craft_wlan(0x88, 1, 0, 0);
	craft_hex(&c, 0, 0, 7, 0, 0, 0, 0, 0); /* shorter than itself */
	assert_int_equal(result_of(*state, &c, 127), NET_MALFORMED);
}

static void test_nflog(void **state)
{
	static const u8 prefix[] = { 'd', 'r', 'o', 'p', 0, 0, 0, 0 }; /* five bytes, filled up */
	for (int big = 0; big < 2; big++) {
		u8 h[4];
		craft_hello(&c);
		u32 size = craft_size(&c) + 4;
		craft_append(&c, prefix, 3); /* padding */
		h[big ? 1 : 0] = (u8)size;
		h[big ? 0 : 1] = (u8)(size >> 8);
		h[big ? 3 : 2] = 9;
		h[big ? 2 : 3] = 0;
		craft_put(&c, h, 4);
		craft_put(&c, prefix, 8);
		if (big)
			craft_hex(&c, 0, 9, 0, 10);
		else
			craft_hex(&c, 9, 0, 10, 0);
		craft_hex(&c, 2, 0, 0, 1);
		check_hello(*state, &c, 239, false);
	}
	craft_data(&c)[5] = 3; /* shorter than its own header */
	assert_int_equal(result_of(*state, &c, 239), NET_MALFORMED);
	craft_start(&c); /* no packet in it */
	craft_hex(&c, 2, 0, 0, 1, 4, 0, 10, 0);
	assert_int_equal(result_of(*state, &c, 239), NET_MALFORMED);
}

static void craft_pktap(u8 linktype, char interface)
{
	u8 h[108] = { 108, [4] = 1, [8] = linktype, [12] = 'e', 'n', (u8)interface };
	craft_put(&c, h, sizeof(h));
}

static void test_pktap(void **state)
{
	craft_hello(&c);
	craft_ethernet(&c, 0x0800);
	craft_pktap(LINKTYPE_ETHERNET, '0');
	u32 origin = check_hello(*state, &c, 258, false).origin;
	assert_int_equal(check_hello(*state, &c, 149, false).origin, origin);
	craft_data(&c)[14] = '1'; /* another interface */
	assert_int_not_equal(check_hello(*state, &c, 258, false).origin, origin);
	craft_hello(&c);
	craft_pktap(12, '0');
	check_hello(*state, &c, 258, false);
	for (int i = 0; i < 20; i++)
		craft_pktap(149, '0'); /* in itself */
	assert_int_equal(result_of(*state, &c, 258), NET_TOO_DEEP);
	craft_hello(&c);
	craft_pktap(12, '0');
	craft_data(&c)[0] = 11;
	assert_int_equal(result_of(*state, &c, 258), NET_MALFORMED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, net_setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_fixed_headers), T(test_arcnet), T(test_wlan), T(test_radiotap), T(test_nflog), T(test_pktap) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
