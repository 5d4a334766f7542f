/* Decoding with what must hold for every packet: nothing read past its end, the payload inside it, and a packet that was
 * cut says so or decodes to the same segment. Include unit.h first. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_TESTS_DECODE_CHECK_H
#define PACKETD_TESTS_DECODE_CHECK_H

#include "craft.h"

/* Decodes the first `caplen` bytes flush against an unreadable page. The segment's payload is read, then gone. */
static inline enum net_result decode_guarded(struct net *n, const struct packet *p, u32 caplen, u32 len, struct segment *seg)
{
	struct guarded g = guarded_copy(p->data, caplen);
	struct packet cut = *p;
	cut.data = g.p;
	cut.caplen = caplen;
	cut.len = len;
	memset(seg, 0xee, sizeof(*seg));
	enum net_result r = net_decode(n, &cut, seg);
	assert_in_range(r, 0, NET_RESULT_COUNT - 1);
	if (r == NET_SEGMENT) {
		unsigned sum = 0;
		assert_true(seg->caplen <= seg->len);
		for (u32 i = 0; i < seg->caplen; i++)
			sum += *(const volatile u8 *)(seg->payload + i);
		assert_true(sum <= seg->caplen * 255u);
		assert_true(seg->protocol == IPPROTO_TCP_ || seg->protocol == IPPROTO_UDP_);
		assert_int_equal(seg->ts, p->ts);
		assert_int_equal(seg->ifindex, p->ifindex);
	}
	guarded_free(&g);
	return r;
}

static inline void assert_same_flow(const struct segment *a, const struct segment *b)
{
	assert_memory_equal(&a->src, &b->src, sizeof(a->src));
	assert_memory_equal(&a->dst, &b->dst, sizeof(a->dst));
	assert_int_equal(a->sport, b->sport);
	assert_int_equal(a->dport, b->dport);
	assert_int_equal(a->protocol, b->protocol);
	assert_int_equal(a->len, b->len);
	assert_int_equal(a->origin, b->origin);
	assert_int_equal(a->vlan, b->vlan);
	assert_int_equal(a->tunnel, b->tunnel);
	assert_int_equal(a->tunnel_id, b->tunnel_id);
	assert_int_equal(a->unreachable, b->unreachable);
}

/* Every prefix, as a snapped packet and as one that really ends there. `guess`: layers that only look at the bytes. */
static inline void check_prefixes(struct net *n, const struct packet *p, const struct segment *whole, bool guess)
{
	struct segment seg;
	for (u32 i = 0; i < p->len; i++) {
		enum net_result r = decode_guarded(n, p, i, p->len, &seg);
		decode_guarded(n, p, i, i, &(struct segment){ 0 });
		if (guess)
			continue;
		assert_true(r == NET_TRUNCATED || r == NET_SEGMENT);
		if (r == NET_SEGMENT)
			assert_same_flow(&seg, whole);
	}
}

/* The packet decodes to a segment whose every prefix behaves; the payload is copied to `ret_text`, terminated. */
static inline struct segment check_segment(struct net *n, const struct packet *p, bool guess, char ret_text[64])
{
	struct segment seg, same;
	assert_int_equal(decode_guarded(n, p, p->caplen, p->len, &same), NET_SEGMENT);
	assert_int_equal(net_decode(n, p, &seg), NET_SEGMENT);
	assert_same_flow(&seg, &same);
	u32 k = MIN(seg.caplen, 63);
	memcpy(ret_text, seg.payload, k);
	ret_text[k] = 0;
	check_prefixes(n, p, &seg, guess);
	return seg;
}

static inline void assert_address(const struct ip_addr *a, const char *text)
{
	char out[47];
	out[ip_format(a, out)] = 0;
	assert_string_equal(out, text);
}

/* The packet of craft_hello is what comes out. */
static inline struct segment check_hello(struct net *n, struct craft *c, u16 linktype, bool guess)
{
	struct packet p = craft_packet(c, linktype);
	char text[64];
	struct segment seg = check_segment(n, &p, guess, text);
	assert_string_equal(text, "hello");
	assert_int_equal(seg.len, 5);
	assert_int_equal(seg.caplen, 5);
	assert_int_equal(seg.sport, 1000);
	assert_int_equal(seg.dport, 80);
	assert_int_equal(seg.seq, 0x01020304);
	assert_int_equal(seg.ack, 99);
	assert_int_equal(seg.window, 0x1234);
	assert_int_equal(seg.flags, TCP_PSH | TCP_ACK);
	assert_int_equal(seg.protocol, IPPROTO_TCP_);
	assert_false(seg.unreachable);
	assert_int_equal(seg.src.b[15], 1);
	assert_int_equal(seg.dst.b[15], 2);
	return seg;
}

static inline enum net_result result_of(struct net *n, struct craft *c, u16 linktype)
{
	struct packet p = craft_packet(c, linktype);
	struct segment seg;
	check_prefixes(n, &p, &seg, true);
	return decode_guarded(n, &p, p.caplen, p.len, &seg);
}

static inline int net_setup(void **state)
{
	*state = net_new(0);
	return *state ? 0 : -1;
}

static inline int net_teardown(void **state)
{
	net_free(*state);
	return 0;
}

#endif
