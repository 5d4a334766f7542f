/* The transport-layer view of one packet: addresses, TCP or UDP header, payload.
 * A view into the packet (or into a reassembled datagram): valid until the next packet is decoded by the same
 * `struct net`, and no longer than the packet itself. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_NET_SEGMENT_H
#define PACKETD_NET_SEGMENT_H

#include "util/base.h"

/* IPv6, or IPv4 mapped (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2), in network order. */
struct ip_addr {
	u8 b[16];
};

static inline bool ip_is_v4(const struct ip_addr *a)
{
	static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
	return memcmp(a->b, mapped, 12) == 0;
}

enum { IPPROTO_ICMP_V4 = 1, IPPROTO_TCP_ = 6, IPPROTO_UDP_ = 17, IPPROTO_ICMP_V6 = 58 };

enum tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

enum tunnel { TUNNEL_NONE, TUNNEL_VXLAN, TUNNEL_GENEVE, TUNNEL_GRE, TUNNEL_IPIP, TUNNEL_PPPOE, TUNNEL_MPLS, TUNNEL_ERSPAN, TUNNEL_GTP };

struct segment {
	u64 ts;              /* ns, of the packet (of the last fragment for a reassembled one) */
	struct ip_addr src, dst;
	u16 sport, dport;    /* host order */
	u8 protocol;         /* IPPROTO_TCP_ or IPPROTO_UDP_; of the quoted packet when `unreachable` */
	u8 flags;            /* enum tcp_flag */
	bool unreachable;    /* an ICMP error quoting a packet sent from src:sport to dst:dport (the quoted header's order) */
	u8 tunnel;           /* enum tunnel: outermost one peeled off */
	u32 seq, ack;        /* TCP */
	u32 window;          /* TCP, unscaled */
	u32 len;             /* payload bytes on the wire */
	u32 caplen;          /* payload bytes at `payload`; fewer than len in a snapped packet */
	const u8 *payload;
	u32 tunnel_id;       /* VNI, GRE key, PPPoE or ERSPAN session, bottom MPLS label, GTP TEID; 0 without */
	u16 vlan;            /* outermost VLAN id; 0 without */
	u16 ip_id;           /* IPv4 identification: the same in copies of one packet; 0 for IPv6 */
	u16 ifindex;         /* of the packet */
	u32 origin;          /* mixes ifindex, VLAN and tunnel: tells copies of one packet taken at different places apart */
};

#endif
