/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "decode_check.h"
#include "net/fragment.h"

#define DATAGRAM 72u /* bytes of the datagram that most tests cut into nine units: UDP header and 64 bytes */

static struct craft c;
static u8 datagram[DATAGRAM];

static void datagram_make(void)
{
	for (u32 i = 0; i < DATAGRAM; i++)
		datagram[i] = (u8)('!' + i);
	set16(datagram, 1000);
	set16(datagram + 2, 80);
	set16(datagram + 4, DATAGRAM);
}

/* The bytes [from, to) of `bytes` as a fragment of the datagram `id`. */
static struct packet fragment4(const u8 *bytes, u32 from, u32 to, bool more, u16 id)
{
	craft_start(&c);
	craft_put(&c, bytes + from, to - from);
	u8 *h = craft_ipv4(&c, IPPROTO_UDP_, 1, 2);
	set16(h + 4, id);
	set16(h + 6, from / 8 | (more ? 0x2000 : 0));
	return craft_packet(&c, LINKTYPE_RAW);
}

static struct packet fragment6(const u8 *bytes, u32 from, u32 to, bool more, u32 id)
{
	u8 h[8] = { IPPROTO_UDP_ };
	set16(h + 2, from | (more ? 1 : 0));
	set32(h + 4, id);
	craft_start(&c);
	craft_put(&c, bytes + from, to - from);
	craft_put(&c, h, 8);
	craft_ipv6(&c, 44, 1, 2);
	return craft_packet(&c, LINKTYPE_RAW);
}

static enum net_result feed_at(struct net *n, struct packet p, u64 ts, struct segment *seg)
{
	p.ts = ts;
	return decode_guarded(n, &p, p.caplen, p.len, seg);
}

static enum net_result feed(struct net *n, struct packet p, struct segment *seg)
{
	return feed_at(n, p, NS_PER_SEC, seg);
}

static void assert_datagram(const struct segment *seg)
{
	assert_int_equal(seg->protocol, IPPROTO_UDP_);
	assert_int_equal(seg->sport, 1000);
	assert_int_equal(seg->dport, 80);
	assert_int_equal(seg->len, DATAGRAM - 8);
	assert_int_equal(seg->caplen, DATAGRAM - 8);
	assert_memory_equal(seg->payload, datagram + 8, DATAGRAM - 8);
	assert_int_equal(seg->src.b[15], 1);
}

static struct packet piece(bool v6, u32 from, u32 to, u32 id)
{
	return v6 ? fragment6(datagram, from, to, to < DATAGRAM, id) : fragment4(datagram, from, to, to < DATAGRAM, (u16)id);
}

/* All orders of four pieces of unequal size, each time followed by nothing left over. */
static void test_every_order(void **state)
{
	static const u32 cuts[] = { 0, 8, 32, 64, DATAGRAM };
	struct segment seg;
	u32 id = 0;
	for (int v6 = 0; v6 < 2; v6++)
		for (u32 order = 0; order < 256; order++) {
			u32 at[4] = { order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 };
			if ((1u << at[0] | 1u << at[1] | 1u << at[2] | 1u << at[3]) != 15)
				continue;
			id++;
			for (int i = 0; i < 3; i++)
				assert_int_equal(feed(*state, piece(v6, cuts[at[i]], cuts[at[i] + 1], id), &seg), NET_FRAGMENT);
			assert_int_equal(feed(*state, piece(v6, cuts[at[3]], cuts[at[3] + 1], id), &seg), NET_SEGMENT);
			assert_datagram(&seg);
		}
	assert_int_equal(net_fragments_expired(*state), 0);
}

/* Two datagrams at once, in units of eight bytes, one backwards. */
static void test_interleaved(void **state)
{
	struct segment seg;
	for (u32 i = 0; i < DATAGRAM; i += 8) {
		enum net_result want = i + 8 < DATAGRAM ? NET_FRAGMENT : NET_SEGMENT;
		assert_int_equal(feed(*state, piece(false, i, i + 8, 1), &seg), want);
		if (want == NET_SEGMENT)
			assert_datagram(&seg);
		assert_int_equal(feed(*state, piece(true, DATAGRAM - 8 - i, DATAGRAM - i, 1), &seg), want);
		if (want == NET_SEGMENT)
			assert_datagram(&seg);
	}
}

static void test_largest(void **state)
{
	static u8 big[FRAGMENT_DATAGRAM];
	struct segment seg;
	enum net_result r = NET_FRAGMENT;
	u32 end = 65515; /* what fits behind an IPv4 header */
	for (u32 i = 0; i < end; i++)
		big[i] = (u8)(i * 7);
	set16(big, 1000);
	set16(big + 2, 80);
	set16(big + 4, end);
	for (int v6 = 0; v6 < 2; v6++) {
		for (u32 i = 0; i < end; i += 1480) {
			u32 to = MIN(i + 1480, end);
			assert_int_equal(r, NET_FRAGMENT);
			r = feed(*state, v6 ? fragment6(big, i, to, to < end, 7) : fragment4(big, i, to, to < end, 7), &seg);
		}
		assert_int_equal(r, NET_SEGMENT);
		assert_int_equal(seg.len, end - 8);
		assert_int_equal(seg.caplen, end - 8);
		assert_memory_equal(seg.payload, big + 8, end - 8);
		r = NET_FRAGMENT;
	}
}

static void test_duplicates(void **state)
{
	struct segment seg;
	for (u32 v6 = 0; v6 < 2; v6++) {
		for (int i = 0; i < 3; i++)
			assert_int_equal(feed(*state, piece(v6, 0, 32, 5), &seg), NET_FRAGMENT);
		assert_int_equal(feed(*state, piece(v6, 32, DATAGRAM, 5), &seg), NET_SEGMENT);
		assert_datagram(&seg);
		/* Copies of what is complete start nothing new … */
		assert_int_equal(feed(*state, piece(v6, 32, DATAGRAM, 5), &seg), NET_FRAGMENT);
		assert_int_equal(feed(*state, piece(v6, 0, 32, 5), &seg), NET_FRAGMENT);
		/* … until the identification must be a new datagram's. */
		assert_int_equal(feed_at(*state, piece(v6, 0, 32, 5), 2 * NS_PER_SEC, &seg), NET_FRAGMENT);
		assert_int_equal(feed_at(*state, piece(v6, 32, DATAGRAM, 5), 2 * NS_PER_SEC, &seg), NET_SEGMENT);
		assert_datagram(&seg);
	}
	assert_int_equal(net_fragments_expired(*state), 0);
}

/* IPv4: the bytes seen first stay. */
static void test_overlap4(void **state)
{
	u8 other[DATAGRAM];
	struct segment seg;
	memset(other, '#', sizeof(other));
	feed(*state, piece(false, 24, 48, 1), &seg);
	assert_int_equal(feed(*state, fragment4(other, 16, 40, true, 1), &seg), NET_FRAGMENT);
	assert_int_equal(feed(*state, fragment4(other, 32, 56, true, 1), &seg), NET_FRAGMENT);
	assert_int_equal(feed(*state, fragment4(other, 24, 32, true, 1), &seg), NET_FRAGMENT);
	assert_int_equal(feed(*state, fragment4(other, 40, DATAGRAM, false, 1), &seg), NET_FRAGMENT);
	assert_int_equal(feed(*state, piece(false, 0, DATAGRAM - 8, 1), &seg), NET_SEGMENT);
	assert_int_equal(seg.len, DATAGRAM - 8);
	assert_memory_equal(seg.payload, datagram + 8, 8);
	assert_memory_equal(seg.payload + 8, other, 8);
	assert_memory_equal(seg.payload + 16, datagram + 24, 24);
	assert_memory_equal(seg.payload + 40, other, 24);
}

/* A last fragment whose bytes are known already still brings the length. */
static void test_overlap_end(void **state)
{
	struct segment seg;
	assert_int_equal(feed(*state, fragment4(datagram, 0, DATAGRAM, true, 1), &seg), NET_FRAGMENT);
	assert_int_equal(feed(*state, piece(false, 32, DATAGRAM, 1), &seg), NET_SEGMENT);
	assert_datagram(&seg);
}

/* IPv6: the datagram is lost, and what follows of it. */
static void test_overlap6(void **state)
{
	struct segment seg;
	assert_int_equal(feed(*state, piece(true, 0, 32, 1), &seg), NET_FRAGMENT);
	assert_int_equal(feed(*state, piece(true, 24, 48, 1), &seg), NET_FRAGMENT_BAD);
	assert_int_equal(feed(*state, piece(true, 0, 32, 1), &seg), NET_FRAGMENT_BAD);
	assert_int_equal(feed(*state, piece(true, 32, DATAGRAM, 1), &seg), NET_FRAGMENT_BAD);
	assert_int_equal(feed(*state, piece(true, 0, 32, 2), &seg), NET_FRAGMENT);
	assert_int_equal(feed(*state, piece(true, 32, DATAGRAM, 2), &seg), NET_SEGMENT);
	assert_datagram(&seg);
	u64 later = 40 * NS_PER_SEC;
	assert_int_equal(feed_at(*state, piece(true, 0, 32, 1), later, &seg), NET_FRAGMENT);
	assert_int_equal(feed_at(*state, piece(true, 32, DATAGRAM, 1), later, &seg), NET_SEGMENT);
	assert_datagram(&seg);
}

static void test_hostile(void **state)
{
	static u8 big[70000];
	struct segment seg;
	for (u32 v6 = 0; v6 < 2; v6++) {
		struct packet p;
		assert_int_equal(feed(*state, piece(v6, 0, 36, 1), &seg), NET_FRAGMENT_BAD); /* no multiple of eight */
		p = v6 ? fragment6(big, 0, 0, true, 1) : fragment4(big, 0, 0, true, 1);
		assert_int_equal(feed(*state, p, &seg), NET_FRAGMENT_BAD); /* nothing in it */
		p = v6 ? fragment6(big, 65528, 65544, false, 1) : fragment4(big, 65528, 65544, false, 1);
		assert_int_equal(feed(*state, p, &seg), NET_FRAGMENT_BAD); /* the ping of death */
		/* Teardrop: the last one lies inside the first. */
		assert_int_equal(feed(*state, piece(v6, 0, 40, 2), &seg), NET_FRAGMENT);
		p = v6 ? fragment6(datagram, 24, 28, false, 2) : fragment4(datagram, 24, 28, false, 2);
		assert_int_equal(feed(*state, p, &seg), NET_FRAGMENT_BAD);
		/* Two ends, and bytes beyond the end. */
		assert_int_equal(feed(*state, piece(v6, 64, DATAGRAM, 3), &seg), NET_FRAGMENT);
		p = v6 ? fragment6(datagram, 32, 60, false, 3) : fragment4(datagram, 32, 60, false, 3);
		assert_int_equal(feed(*state, p, &seg), NET_FRAGMENT_BAD);
		p = v6 ? fragment6(big, 72, 80, true, 3) : fragment4(big, 72, 80, true, 3);
		assert_int_equal(feed(*state, p, &seg), NET_FRAGMENT_BAD);
		/* None of it harms the datagram. */
		assert_int_equal(feed(*state, piece(v6, 0, 64, 3), &seg), NET_SEGMENT);
		assert_datagram(&seg);
	}
}

static void test_timeout(void **state)
{
	struct segment seg;
	u64 start = 100 * NS_PER_SEC;
	feed_at(*state, piece(false, 0, 32, 1), start, &seg);
	assert_int_equal(feed_at(*state, piece(false, 32, DATAGRAM, 1), start + FRAGMENT_TIMEOUT, &seg), NET_SEGMENT);
	feed_at(*state, piece(true, 0, 32, 1), start, &seg);
	feed_at(*state, piece(true, 32, 48, 1), start + 1, &seg);
	assert_int_equal(net_fragments_expired(*state), 0);
	assert_int_equal(feed_at(*state, piece(true, 48, DATAGRAM, 1), start + FRAGMENT_TIMEOUT + 1, &seg), NET_FRAGMENT);
	assert_int_equal(net_fragments_expired(*state), 2);
	/* Nothing but other packets since: it is over all the same. */
	craft_hello(&c);
	struct packet p = craft_packet(&c, LINKTYPE_RAW);
	assert_int_equal(feed_at(*state, p, start + 3 * FRAGMENT_TIMEOUT, &seg), NET_SEGMENT);
	assert_int_equal(net_fragments_expired(*state), 3);
}

/* 65536 identifications are soon used again: the rest of an old datagram must not get into a new one. */
static void test_reused_id(void **state)
{
	struct segment seg;
	u8 old[DATAGRAM];
	memset(old, 'o', sizeof(old));
	feed_at(*state, fragment4(old, 0, 32, true, 9), NS_PER_SEC, &seg);
	assert_int_equal(feed_at(*state, piece(false, 0, 40, 9), 3 * NS_PER_SEC, &seg), NET_FRAGMENT);
	assert_int_equal(net_fragments_expired(*state), 1);
	assert_int_equal(feed_at(*state, piece(false, 40, DATAGRAM, 9), 3 * NS_PER_SEC, &seg), NET_SEGMENT);
	assert_datagram(&seg);
}

static void test_snapped(void **state)
{
	struct segment seg;
	for (u32 v6 = 0; v6 < 2; v6++) {
		struct packet p = piece(v6, 32, DATAGRAM, 1);
		assert_int_equal(decode_guarded(*state, &p, p.len - 20, p.len, &seg), NET_FRAGMENT);
		assert_int_equal(feed(*state, piece(v6, 0, 32, 1), &seg), NET_SEGMENT);
		assert_int_equal(seg.len, DATAGRAM - 8);
		assert_int_equal(seg.caplen, DATAGRAM - 8 - 20);
		assert_memory_equal(seg.payload, datagram + 8, seg.caplen);

		p = piece(v6, 0, 32, 2);
		assert_int_equal(decode_guarded(*state, &p, p.len - 13, p.len, &seg), NET_FRAGMENT);
		assert_int_equal(feed(*state, piece(v6, 32, DATAGRAM, 2), &seg), NET_SEGMENT);
		assert_int_equal(seg.len, DATAGRAM - 8);
		assert_int_equal(seg.caplen, 32 - 13 - 8);

		p = piece(v6, 0, 32, 3); /* not even the ports are left */
		assert_int_equal(decode_guarded(*state, &p, p.len - 32, p.len, &seg), NET_FRAGMENT);
		assert_int_equal(feed(*state, piece(v6, 32, DATAGRAM, 3), &seg), NET_TRUNCATED);
	}
}

/* A flood of fragments that never become whole stays under the cap, and one that does still gets through. */
static void test_cap(void **state)
{
	struct net *n = net_new(64 * KIB);
	struct segment seg;
	u64 bad = 0, held = 0;
	for (u32 id = 1; id < 20000; id++) {
		enum net_result r = feed(n, piece(id & 1, 32, 48, id), &seg);
		held += r == NET_FRAGMENT;
		bad += r == NET_FRAGMENT_BAD;
	}
	assert_int_equal(bad, 0);
	assert_in_range(held - net_fragments_expired(n), 1, 64 * KIB / 2048);
	feed(n, piece(false, 0, 32, 0x4242), &seg);
	assert_int_equal(feed(n, piece(false, 32, DATAGRAM, 0x4242), &seg), NET_SEGMENT);
	assert_datagram(&seg);
	/* One datagram larger than the cap. */
	static u8 big[65000];
	for (u32 at = 0; at < 64000; at += 1024)
		bad += feed(n, fragment4(big, at, at + 1024, true, 0x4243), &seg) == NET_FRAGMENT_BAD;
	assert_true(bad > 0);
	net_free(n);
	n = net_new(1); /* room for nothing */
	assert_int_equal(feed(n, piece(false, 0, 32, 1), &seg), NET_FRAGMENT_BAD);
	assert_int_equal(feed(n, piece(false, 32, DATAGRAM, 1), &seg), NET_FRAGMENT_BAD);
	net_free(n);
}

/* Many finished datagrams do not push out the one that is waiting. */
static void test_finished_give_way(void **state)
{
	struct segment seg;
	feed(*state, piece(false, 0, 32, 0xffff), &seg);
	for (u32 id = 1; id < 30000; id++) {
		feed(*state, piece(true, 0, 32, id), &seg);
		assert_int_equal(feed(*state, piece(true, 32, DATAGRAM, id), &seg), NET_SEGMENT);
	}
	assert_int_equal(feed(*state, piece(false, 32, DATAGRAM, 0xffff), &seg), NET_SEGMENT);
	assert_datagram(&seg);
	assert_int_equal(net_fragments_expired(*state), 0);
}

/* The same datagram taken at two interfaces is two. */
static void test_two_places(void **state)
{
	struct segment a, b;
	for (u32 from = 0; from < DATAGRAM; from += 24) {
		struct packet p = piece(false, from, from + 24, 1);
		enum net_result r = net_decode(*state, &p, &a);
		if (r == NET_SEGMENT)
			assert_datagram(&a);
		p.ifindex = 9;
		assert_int_equal(net_decode(*state, &p, &b), r);
		if (r == NET_SEGMENT)
			assert_datagram(&b);
	}
	assert_int_not_equal(a.origin, b.origin);
}

/* A packet too big for its tunnel: the outer packets are fragments, and so may be the inner ones. */
static void test_tunnelled(void **state)
{
	static u8 inner[2][200];
	struct segment seg;
	u32 size[2];
	for (u32 i = 0; i < 2; i++) {
		piece(false, i ? 32 : 0, i ? DATAGRAM : 32, 77);
		size[i] = craft_size(&c);
		memcpy(inner[i], craft_data(&c), size[i]);
	}
	for (u32 i = 0; i < 2; i++) {
		for (u32 part = 0; part < 2; part++) {
			u32 from = part ? 24 : 0, to = part ? size[i] : 24;
			craft_start(&c);
			craft_put(&c, inner[i] + from, to - from);
			u8 *h = craft_ipv4(&c, 4, 8, 9);
			set16(h + 4, 100 + i);
			set16(h + 6, from / 8 | (part ? 0 : 0x2000));
			enum net_result r = feed(*state, craft_packet(&c, LINKTYPE_RAW), &seg);
			assert_int_equal(r, i && part ? NET_SEGMENT : NET_FRAGMENT);
		}
	}
	assert_datagram(&seg);
	assert_int_equal(seg.tunnel, TUNNEL_IPIP);
}

/* A tunnel over UDP that turns out to be none, inside a datagram that came in fragments: the outer one is given, whole. */
static void test_reassembled_not_a_tunnel(void **state)
{
	struct segment seg;
	set16(datagram + 2, 4789);
	assert_int_equal(feed(*state, piece(false, 32, DATAGRAM, 1), &seg), NET_FRAGMENT);
	assert_int_equal(feed(*state, piece(false, 0, 32, 1), &seg), NET_SEGMENT);
	assert_int_equal(seg.dport, 4789);
	assert_int_equal(seg.tunnel, TUNNEL_NONE);
	assert_memory_equal(seg.payload, datagram + 8, DATAGRAM - 8);
}

/* Time that runs backwards, as between files joined, is no reason to forget. */
static void test_time_backwards(void **state)
{
	struct segment seg;
	assert_int_equal(feed_at(*state, piece(false, 0, 32, 1), 100 * NS_PER_SEC, &seg), NET_FRAGMENT);
	assert_int_equal(feed_at(*state, piece(false, 32, DATAGRAM, 1), NS_PER_SEC, &seg), NET_SEGMENT);
	assert_datagram(&seg);
	assert_int_equal(net_fragments_expired(*state), 0);
}

/* Fragments at random against a plain model: whatever completes is what was sent. */
static void test_random(void **state)
{
	struct segment seg;
	u64 whole = 0;
	unsigned seed = 12345;
	for (u32 id = 1; id < 3000; id++) {
		u8 have[9] = { 0 };
		u32 units = 0;
		for (int tries = 0; tries < 60 && units < 9; tries++) {
			u32 from = (u32)rand_r(&seed) % 9, to = from + 1 + (u32)rand_r(&seed) % (9 - from);
			if (to - from == 9)
				continue; /* no fragment */
			enum net_result r = feed(*state, piece(false, from * 8, to * 8, id), &seg);
			for (u32 i = from; i < to; i++) {
				units += !have[i];
				have[i] = 1;
			}
			assert_int_equal(r, units == 9 ? NET_SEGMENT : NET_FRAGMENT);
		}
		if (units == 9) {
			assert_datagram(&seg);
			whole++;
		}
	}
	assert_true(whole > 2000);
}

static int setup(void **state)
{
	datagram_make();
	return net_setup(state);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, net_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_every_order), T(test_interleaved), T(test_largest), T(test_duplicates), T(test_overlap4), T(test_overlap_end), T(test_overlap6),
		T(test_hostile), T(test_timeout), T(test_reused_id), T(test_snapped), T(test_cap), T(test_finished_give_way), T(test_two_places),
		T(test_tunnelled), T(test_reassembled_not_a_tunnel), T(test_time_backwards), T(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
