/* The cursor that walks down the headers of one packet, and the functions of the layers, each of which reads its
 * header and calls the next. Private to net/. A walk borrows the packet and the segment it fills; `cap` bytes may be
 * read at `p`, `len` is what the enclosing header says is there: less in `cap` means snapped.
 * Recursion is bounded by WALK_DEPTH, headers of one IPv6 packet by IPV6_HEADERS. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_NET_WALK_H
#define PACKETD_NET_WALK_H

#include "net/fragment.h"
#include "net/net.h"
#include "util/bytes.h"

#define WALK_DEPTH 8    /* encapsulations: VLAN tags, label stacks, tunnels */
#define IPV6_HEADERS 16 /* extension headers of one packet */
#define MPLS_LABELS 16  /* labels of one stack */

enum ethertype {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP_ = 0x0806,
	ETHERTYPE_ERSPAN3 = 0x22eb,
	ETHERTYPE_BRIDGED = 0x6558, /* transparent Ethernet bridging, a frame */
	ETHERTYPE_VLAN_ = 0x8100,
	ETHERTYPE_IPV6_ = 0x86dd,
	ETHERTYPE_PPP_ = 0x880b,
	ETHERTYPE_WCCP = 0x883e,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTICAST = 0x8848,
	ETHERTYPE_PPPOE = 0x8864,
	ETHERTYPE_JUMBO_LLC = 0x8870,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_ERSPAN = 0x88be,
	ETHERTYPE_PBB = 0x88e7, /* MAC in MAC */
	ETHERTYPE_VNTAG = 0x8926,
	ETHERTYPE_QINQ_OLD = 0x9100,
	ETHERTYPE_QINQ_OLDER = 0x9200,
};

struct walk {
	struct net *net;
	struct segment *seg;
	const u8 *p;
	u32 cap;
	u32 len;
	u8 depth;
	bool quoted; /* inside an ICMP error: lengths are those of the original, fragments are not collected */
};

/* The next n bytes, consumed; NULL, and nothing moved, when fewer were captured. */
static inline const u8 *walk_take(struct walk *w, u32 n)
{
	const u8 *p = w->p;
	if (unlikely(w->cap < n))
		return NULL;
	w->p += n;
	w->cap -= n;
	w->len -= n;
	return p;
}

/* Why walk_take(w, n) failed: cut by the capture, or never there. */
static inline enum net_result walk_short(const struct walk *w, u32 n)
{
	return n <= w->len ? NET_TRUNCATED : NET_MALFORMED;
}

/* A header says that `len` bytes follow: what is beyond is padding. */
static inline void walk_limit(struct walk *w, u32 len)
{
	w->len = len;
	w->cap = MIN(w->cap, len);
}

/* One encapsulation more; false at the cap. */
static inline bool walk_enter(struct walk *w)
{
	return ++w->depth <= WALK_DEPTH;
}

static inline u32 origin_mix(u32 origin, u32 value)
{
	origin = (origin ^ value) * 0x85ebca6bu;
	return origin ^ origin >> 15;
}

static inline u32 origin_start(const struct packet *p)
{
	return (((u32)p->ifindex << 2 | (p->direction & 3u)) + 1) * 0x9e3779b1u;
}

/* Remembers a VLAN: the outermost for show, all of them in the origin. */
static inline void walk_vlan(struct walk *w, u16 tci)
{
	u16 id = tci & 0xfff;
	if (!w->seg->vlan)
		w->seg->vlan = id;
	w->seg->origin = origin_mix(w->seg->origin, id);
}

static inline void walk_tunnel(struct walk *w, enum tunnel kind, u32 id)
{
	if (w->seg->tunnel == TUNNEL_NONE) {
		w->seg->tunnel = (u8)kind;
		w->seg->tunnel_id = id;
	}
	w->seg->origin = origin_mix(w->seg->origin, (u32)kind << 24 ^ id);
}

static inline void ip_from_v4(struct ip_addr *a, const u8 *v4)
{
	static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
	memcpy(a->b, mapped, 12);
	memcpy(a->b + 12, v4, 4);
}

/* Fills the TCP part. `h`: the 20 fixed bytes; `cap` and `len` count from there, cap >= 20. */
static inline enum net_result segment_tcp(struct segment *seg, const u8 *h, u32 cap, u32 len)
{
	u32 header = (u32)(h[12] >> 4) * 4;
	if (unlikely(header < 20 || header > len))
		return NET_MALFORMED;
	seg->sport = be16(h);
	seg->dport = be16(h + 2);
	seg->protocol = IPPROTO_TCP_;
	seg->flags = h[13];
	seg->unreachable = false;
	seg->seq = be32(h + 4);
	seg->ack = be32(h + 8);
	seg->window = be16(h + 14);
	seg->len = len - header;
	seg->caplen = cap > header ? cap - header : 0;
	seg->payload = h + MIN(cap, header);
	return NET_SEGMENT;
}

/* link.c: from a frame to what it carries. */
enum net_result link_ethernet(struct walk *w);
enum net_result link_type(struct walk *w, u16 ethertype);
enum net_result link_llc(struct walk *w);
/* PPP's protocol field and on; the address and control bytes ff 03 may stand before. */
enum net_result link_ppp(struct walk *w);
enum net_result link_pppoe(struct walk *w);
enum net_result link_mpls(struct walk *w);

/* linktype.c: the captures that do not begin with Ethernet. */
enum net_result link_other(struct walk *w, u16 linktype);

/* ip.c */
enum net_result ip_any(struct walk *w);
enum net_result ip_v4(struct walk *w);
enum net_result ip_v6(struct walk *w);

/* transport.c: what IP carries. */
enum net_result transport(struct walk *w, u8 protocol);

/* tunnel.c */
enum net_result tunnel_gre(struct walk *w);
bool tunnel_has_port(u16 dport);
/* The UDP datagram in w->seg, whose payload w is at, may carry packets: the inner segment if it does, itself if not. */
enum net_result tunnel_udp(struct walk *w);

/* net.c: the fragment `in`, complete when this returns NET_SEGMENT; w is then at the datagram's payload. */
enum net_result net_fragment(struct walk *w, struct fragment *in, u8 *ret_protocol);
/* Datagrams put together so far: when it has changed, slices of an earlier one are overwritten. */
u32 net_assembled(const struct net *n);

#endif
