/* Packets in packets: GRE and what it carries, and the tunnels over UDP. */
#include "net/walk.h"

enum {
	PORT_GTP_U = 2152,
	PORT_GRE = 4754, /* RFC 8086 */
	PORT_VXLAN = 4789,
	PORT_VXLAN_GPE = 4790,
	PORT_GENEVE = 6081,
	PORT_MPLS = 6635, /* RFC 7510 */
	PORT_VXLAN_OLD = 8472, /* Linux before the number was assigned */
};
enum { GRE_CHECKSUM = 0x8000, GRE_ROUTING = 0x4000, GRE_KEY = 0x2000, GRE_SEQUENCE = 0x1000, GRE_ACK = 0x0080, GRE_VERSION = 7 };

/* A mirrored frame. Type I has no header of its own, which shows in the absence of GRE's sequence number. */
static enum net_result erspan2(struct walk *w, u16 flags)
{
	u32 session = 0;
	if (flags & GRE_SEQUENCE) {
		const u8 *h = walk_take(w, 8);
		if (!h)
			return walk_short(w, 8);
		if (h[0] >> 4 != 1)
			return NET_MALFORMED;
		session = be16(h + 2) & 0x3ff;
	}
	walk_tunnel(w, TUNNEL_ERSPAN, session);
	return link_ethernet(w);
}

static enum net_result erspan3(struct walk *w)
{
	const u8 *h = walk_take(w, 12);
	if (!h)
		return walk_short(w, 12);
	if (h[0] >> 4 != 2)
		return NET_MALFORMED;
	walk_tunnel(w, TUNNEL_ERSPAN, be16(h + 2) & 0x3ff);
	if (h[11] & 1 && !walk_take(w, 8)) /* the platform's own */
		return walk_short(w, 8);
	u16 frame_type = be16(h + 10) >> 10 & 0x1f;
	return frame_type == 2 ? ip_any(w) : link_ethernet(w);
}

/* Cisco's redirection: version 2 puts four bytes before the packet. */
static enum net_result wccp(struct walk *w)
{
	if (w->cap && *w->p >> 4 != 4 && !walk_take(w, 4))
		return walk_short(w, 4);
	return ip_v4(w);
}

static enum net_result gre_payload(struct walk *w, u16 flags, u16 type, u32 key)
{
	if (type == ETHERTYPE_ERSPAN)
		return erspan2(w, flags);
	if (type == ETHERTYPE_ERSPAN3)
		return erspan3(w);
	walk_tunnel(w, TUNNEL_GRE, key);
	if (type == ETHERTYPE_WCCP)
		return wccp(w);
	if (type == ETHERTYPE_BRIDGED)
		return link_ethernet(w);
	return type > 1500 ? link_type(w, type) : NET_NOT_IP;
}

/* RFC 2784, 2890; version 1 is that of PPTP (RFC 2637). */
enum net_result tunnel_gre(struct walk *w)
{
	const u8 *h = walk_take(w, 4);
	if (!h)
		return walk_short(w, 4);
	u16 flags = be16(h), type = be16(h + 2);
	u32 version = flags & GRE_VERSION, key = 0;
	if (version > 1 || flags & GRE_ROUTING || (version == 1 && !(flags & GRE_KEY)))
		return NET_MALFORMED;
	if (!walk_enter(w))
		return NET_TOO_DEEP;
	u32 options = (flags & GRE_CHECKSUM ? 4 : 0) + (flags & GRE_KEY ? 4 : 0) + (flags & GRE_SEQUENCE ? 4 : 0) +
		      (version == 1 && flags & GRE_ACK ? 4 : 0);
	h = options ? walk_take(w, options) : w->p;
	if (!h)
		return walk_short(w, options);
	if (flags & GRE_KEY)
		key = be32(h + (flags & GRE_CHECKSUM ? 4 : 0));
	if (version == 1)
		key &= 0xffff; /* the call; the other half is a length */
	return gre_payload(w, flags, type, key);
}

/* RFC 7348, with the bits of the group policy extension; on port 4790 the protocol is named (VXLAN-GPE). */
static enum net_result vxlan(struct walk *w, bool generic)
{
	const u8 *h = walk_take(w, 8);
	if (!h)
		return walk_short(w, 8);
	if (h[7] != 0)
		return NET_MALFORMED;
	if (generic ? (h[0] & 0xc8) != 0x08 : h[0] != 0x88 && be32(h) != 0x08000000)
		return NET_MALFORMED;
	walk_tunnel(w, TUNNEL_VXLAN, be24(h + 4));
	if (!generic || !(h[0] & 4) || h[3] == 3)
		return link_ethernet(w);
	if (h[3] == 1)
		return ip_v4(w);
	return h[3] == 2 ? ip_v6(w) : NET_MALFORMED;
}

/* RFC 8926. */
static enum net_result geneve(struct walk *w)
{
	const u8 *h = walk_take(w, 8);
	if (!h)
		return walk_short(w, 8);
	u32 options = (h[0] & 0x3fu) * 4;
	u16 type = be16(h + 2);
	if (h[0] >> 6 != 0 || h[7] != 0)
		return NET_MALFORMED;
	if (options && !walk_take(w, options))
		return walk_short(w, options);
	walk_tunnel(w, TUNNEL_GENEVE, be24(h + 4));
	if (type == ETHERTYPE_BRIDGED)
		return link_ethernet(w);
	return type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6_ ? link_type(w, type) : NET_MALFORMED;
}

/* User packets of a mobile network (3GPP TS 29.281); the other messages are plain UDP to us. */
static enum net_result gtp_u(struct walk *w)
{
	const u8 *h = walk_take(w, 8);
	if (!h)
		return walk_short(w, 8);
	u32 length = be16(h + 2);
	if ((h[0] & 0xf0) != 0x30 || h[1] != 255 || length > w->len)
		return NET_MALFORMED;
	u32 teid = be32(h + 4);
	if (length)
		walk_limit(w, length);
	if (h[0] & 7) { /* sequence, N-PDU number, extensions: all there when one is */
		u8 next = 0;
		const u8 *o = walk_take(w, 4);
		if (!o)
			return walk_short(w, 4);
		if (h[0] & 4)
			next = o[3];
		for (int i = 0; next; i++) {
			if (!w->cap)
				return walk_short(w, 1);
			u32 size = *w->p * 4u;
			if (i == IPV6_HEADERS || size == 0)
				return NET_MALFORMED;
			if (!(o = walk_take(w, size)))
				return walk_short(w, size);
			next = o[size - 1];
		}
	}
	walk_tunnel(w, TUNNEL_GTP, teid);
	return ip_any(w);
}

bool tunnel_has_port(u16 dport)
{
	switch (dport) {
	case PORT_GTP_U:
	case PORT_GRE:
	case PORT_VXLAN:
	case PORT_VXLAN_GPE:
	case PORT_GENEVE:
	case PORT_MPLS:
	case PORT_VXLAN_OLD:
		return true;
	default:
		return false;
	}
}

/* NET_MALFORMED: this is no tunnel. The headers of some are so weak that not finding IP behind them says the same. */
static enum net_result tunnel_by_port(struct walk *w, u16 dport)
{
	enum net_result r;
	if (dport == PORT_GRE)
		r = tunnel_gre(w);
	else if (dport == PORT_MPLS)
		r = link_mpls(w);
	else if (!walk_enter(w))
		return NET_TOO_DEEP;
	else if (dport == PORT_GTP_U)
		r = gtp_u(w);
	else
		return dport == PORT_GENEVE ? geneve(w) : vxlan(w, dport == PORT_VXLAN_GPE);
	return r == NET_NOT_IP || (r == NET_TOO_DEEP && w->depth <= WALK_DEPTH) ? NET_MALFORMED : r;
}

enum net_result tunnel_udp(struct walk *w)
{
	struct segment outer = *w->seg;
	u32 assembled = net_assembled(w->net);
	enum net_result r = tunnel_by_port(w, outer.dport);
	if (r != NET_MALFORMED || net_assembled(w->net) != assembled)
		return r;
	*w->seg = outer;
	return NET_SEGMENT;
}
