/* Packets of any link type through net_decode: a segment never points outside its packet or datagram. The input is a sequence of
 * packets: link type (one byte, an index), flags, captured length (16 bits), bytes. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "net/net.h"
#include "util/rd.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const u16 linktypes[] = { LINKTYPE_ETHERNET, LINKTYPE_NULL, LINKTYPE_PPP, LINKTYPE_PPP_HDLC, LINKTYPE_PPP_ETHER, LINKTYPE_RAW, LINKTYPE_LOOP,
				 LINKTYPE_LINUX_SLL, LINKTYPE_IPV4, LINKTYPE_IPV6, LINKTYPE_LINUX_SLL2, 147,
				 10, 100, 104, 105, 109, 117, 119, 127, 129, 138, 149, 166, 239, 258 };

static void check(const struct segment *seg)
{
	volatile u8 sum = 0;
	if (seg->caplen > seg->len || (seg->protocol != IPPROTO_TCP_ && seg->protocol != IPPROTO_UDP_)) {
		fprintf(stderr, "fuzz_net: a segment that contradicts itself\n");
		abort();
	}
	for (u32 i = 0; i < seg->caplen && !seg->unreachable; i++)
		sum = (u8)(sum + seg->payload[i]); /* every byte may be read */
	char text[46];
	struct ip_addr again;
	if (ip_format(&seg->src, text) > 45 || ip_format(&seg->dst, text) > 45)
		abort();
	if (!ip_parse(str_make(text, ip_format(&seg->dst, text)), &again) || memcmp(&again, &seg->dst, sizeof(again)) != 0) {
		fprintf(stderr, "fuzz_net: an address that reads back as another\n");
		abort();
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct rd r = rd_make(data, size);
	struct net *net = net_new(64 * KIB);
	u64 ts = 1700000000 * NS_PER_SEC, held = 0;
	while (net && rd_left(&r) >= 4) {
		u8 kind = rd_u8(&r), flags = rd_u8(&r);
		u32 n = rd_u16be(&r);
		n = MIN(n, (u32)rd_left(&r)); /* MIN looks at its arguments twice */
		const u8 *bytes = rd_take(&r, n);
		u8 *copy = malloc(n ? n : 1);
		if (!copy)
			break;
		if (n)
			memcpy(copy, bytes, n);
		ts += (flags & 7) * 5 * NS_PER_SEC;
		struct packet p = { .ts = ts, .data = copy, .caplen = n, .len = flags & 8 ? n + 100 : n, .linktype = linktypes[kind % ARRAY_LEN(linktypes)],
				    .ifindex = flags >> 6, .vlan_tci = flags & 16 ? 5 : 0 };
		struct segment seg = { 0 };
		enum net_result result = net_decode(net, &p, &seg);
		if ((unsigned)result >= NET_RESULT_COUNT)
			abort();
		if (result == NET_SEGMENT)
			check(&seg);
		held += result == NET_FRAGMENT;
		free(copy);
	}
	if (net && net_fragments_expired(net) > held) {
		fprintf(stderr, "fuzz_net: more fragments given up than were kept\n");
		abort();
	}
	net_free(net);
	return 0;
}
