/* What IP carries: TCP, UDP, errors about them, and packets in packets. */
#include "net/walk.h"

enum { PROTOCOL_IPIP = 4, PROTOCOL_IPV6 = 41, PROTOCOL_GRE = 47, PROTOCOL_AH = 51, PROTOCOL_MPLS = 137 };

static enum net_result tcp(struct walk *w)
{
	if (w->cap < 20)
		return walk_short(w, 20);
	return segment_tcp(w->seg, w->p, w->cap, w->len);
}

static enum net_result udp(struct walk *w)
{
	struct segment *seg = w->seg;
	const u8 *h = walk_take(w, 8);
	if (!h)
		return walk_short(w, 8);
	u32 length = be16(h + 4);
	if (length) { /* 0: more than 64 KiB, or left to the card */
		if (length < 8 || length - 8 > w->len)
			return NET_MALFORMED;
		walk_limit(w, length - 8);
	}
	seg->sport = be16(h);
	seg->dport = be16(h + 2);
	seg->protocol = IPPROTO_UDP_;
	seg->flags = 0;
	seg->unreachable = false;
	seg->seq = seg->ack = seg->window = 0;
	seg->len = w->len;
	seg->caplen = w->cap;
	seg->payload = w->p;
	return unlikely(tunnel_has_port(seg->dport)) ? tunnel_udp(w) : NET_SEGMENT;
}

/* The beginning of a packet that could not be delivered: its ports, and what follows them if it was quoted. */
static enum net_result quoted(struct walk *w, u8 protocol)
{
	struct segment *seg = w->seg;
	if (protocol != IPPROTO_TCP_ && protocol != IPPROTO_UDP_)
		return NET_NOT_TCP_UDP;
	const u8 *h = walk_take(w, 4);
	if (!h)
		return walk_short(w, 4);
	seg->sport = be16(h);
	seg->dport = be16(h + 2);
	seg->protocol = protocol;
	seg->flags = 0;
	seg->unreachable = true;
	seg->seq = protocol == IPPROTO_TCP_ && w->cap >= 4 ? be32(w->p) : 0;
	seg->ack = seg->window = 0;
	seg->len = seg->caplen = 0;
	seg->payload = w->p;
	return NET_SEGMENT;
}

/* `unreachable`: whether the message says that a packet was not delivered and why that will not change soon. */
static enum net_result icmp(struct walk *w, u8 protocol)
{
	const u8 *h = walk_take(w, 8);
	if (!h)
		return walk_short(w, 8);
	bool unreachable = protocol == IPPROTO_ICMP_V6 ? h[0] == 1 : h[0] == 3 && h[1] != 4; /* 4: smaller packets, please */
	if (!unreachable)
		return NET_NOT_TCP_UDP;
	w->quoted = true;
	enum net_result r = ip_any(w);
	return r == NET_NOT_IP ? NET_MALFORMED : r;
}

/* RFC 4302 under IPv4; under IPv6 it is one of the extension headers. */
static enum net_result authentication(struct walk *w)
{
	if (w->cap < 8)
		return walk_short(w, 8);
	if (!walk_enter(w))
		return NET_TOO_DEEP;
	u32 size = (w->p[1] + 2u) * 4;
	const u8 *h = walk_take(w, size);
	return h ? transport(w, h[0]) : walk_short(w, size);
}

static enum net_result ip_in_ip(struct walk *w, u8 protocol)
{
	if (!walk_enter(w))
		return NET_TOO_DEEP;
	walk_tunnel(w, TUNNEL_IPIP, 0);
	return protocol == PROTOCOL_IPIP ? ip_v4(w) : ip_v6(w);
}

enum net_result transport(struct walk *w, u8 protocol)
{
	if (unlikely(w->quoted))
		return quoted(w, protocol);
	switch (protocol) {
	case IPPROTO_TCP_:
		return tcp(w);
	case IPPROTO_UDP_:
		return udp(w);
	case IPPROTO_ICMP_V4:
	case IPPROTO_ICMP_V6:
		return icmp(w, protocol);
	case PROTOCOL_IPIP:
	case PROTOCOL_IPV6:
		return ip_in_ip(w, protocol);
	case PROTOCOL_GRE:
		return tunnel_gre(w);
	case PROTOCOL_AH:
		return authentication(w);
	case PROTOCOL_MPLS:
		return link_mpls(w);
	default:
		return NET_NOT_TCP_UDP;
	}
}
