/* Frames: Ethernet, VLAN tags, LLC, PPP, PPPoE, MPLS. */
#include "net/walk.h"

/* What a type or length field announces. */
static enum net_result type_or_length(struct walk *w, u16 type)
{
	if (likely(type > 1500))
		return link_type(w, type);
	walk_limit(w, MIN(w->len, type));
	return link_llc(w);
}

enum net_result link_ethernet(struct walk *w)
{
	const u8 *h = walk_take(w, 14);
	return h ? type_or_length(w, be16(h + 12)) : walk_short(w, 14);
}

static enum net_result vlan_tag(struct walk *w)
{
	const u8 *h = walk_take(w, 4);
	if (!h)
		return walk_short(w, 4);
	if (!walk_enter(w))
		return NET_TOO_DEEP;
	walk_vlan(w, be16(h));
	return type_or_length(w, be16(h + 2));
}

/* 802.1BR: where a virtual machine's port is; 4 bytes and the next type. */
static enum net_result vntag(struct walk *w)
{
	const u8 *h = walk_take(w, 6);
	if (!h)
		return walk_short(w, 6);
	if (!walk_enter(w))
		return NET_TOO_DEEP;
	return type_or_length(w, be16(h + 4));
}

/* 802.1ah: a service id, then the customer's frame. */
static enum net_result mac_in_mac(struct walk *w)
{
	const u8 *h = walk_take(w, 4);
	if (!h)
		return walk_short(w, 4);
	if (!walk_enter(w))
		return NET_TOO_DEEP;
	w->seg->origin = origin_mix(w->seg->origin, be24(h + 1));
	return link_ethernet(w);
}

enum net_result link_type(struct walk *w, u16 ethertype)
{
	switch (ethertype) {
	case ETHERTYPE_IPV4:
		return ip_v4(w);
	case ETHERTYPE_IPV6_:
		return ip_v6(w);
	case ETHERTYPE_VLAN_:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_QINQ_OLD:
	case ETHERTYPE_QINQ_OLDER:
		return vlan_tag(w);
	case ETHERTYPE_PPPOE:
		return link_pppoe(w);
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTICAST:
		return link_mpls(w);
	case ETHERTYPE_JUMBO_LLC:
		return link_llc(w);
	case ETHERTYPE_VNTAG:
		return vntag(w);
	case ETHERTYPE_PBB:
		return mac_in_mac(w);
	case ETHERTYPE_BRIDGED:
		return walk_enter(w) ? link_ethernet(w) : NET_TOO_DEEP;
	case ETHERTYPE_PPP_:
		return walk_enter(w) ? link_ppp(w) : NET_TOO_DEEP;
	default:
		return NET_NOT_IP;
	}
}

/* 802.2, with SNAP of RFC 1042 or of bridges (00-00-f8), or IP's own SAP. */
enum net_result link_llc(struct walk *w)
{
	const u8 *h = walk_take(w, 3);
	if (!h)
		return walk_short(w, 3);
	u32 llc = be24(h);
	if (llc == 0x060603)
		return ip_v4(w);
	if (llc != 0xaaaa03)
		return NET_NOT_IP;
	h = walk_take(w, 5);
	if (!h)
		return walk_short(w, 5);
	u32 oui = be24(h);
	u16 type = be16(h + 3);
	return (oui == 0 || oui == 0xf8) && type > 1500 ? link_type(w, type) : NET_NOT_IP;
}

enum net_result link_ppp(struct walk *w)
{
	if (w->cap >= 2 && be16(w->p) == 0xff03)
		walk_take(w, 2);
	if (!w->cap)
		return walk_short(w, 1);
	u32 size = *w->p & 1 ? 1 : 2; /* an odd first byte is a whole, compressed field */
	const u8 *h = walk_take(w, size);
	if (!h)
		return walk_short(w, size);
	switch (size == 1 ? *h : be16(h)) {
	case 0x0021:
		return ip_v4(w);
	case 0x0057:
		return ip_v6(w);
	case 0x0281:
	case 0x0283:
		return link_mpls(w);
	default:
		return NET_NOT_IP;
	}
}

enum net_result link_pppoe(struct walk *w)
{
	const u8 *h = walk_take(w, 6);
	if (!h)
		return walk_short(w, 6);
	if (h[0] != 0x11)
		return NET_MALFORMED;
	if (h[1] != 0) /* discovery */
		return NET_NOT_IP;
	if (!walk_enter(w))
		return NET_TOO_DEEP;
	walk_tunnel(w, TUNNEL_PPPOE, be16(h + 2));
	if (be16(h + 4))
		walk_limit(w, be16(h + 4));
	return link_ppp(w);
}

/* Whether the bytes `at` from here could be an Ethernet frame: its type is one that is seen in practice. */
static bool looks_ethernet(const struct walk *w, u32 at)
{
	if (w->cap < at + 14)
		return false;
	switch (be16(w->p + at + 12)) {
	case ETHERTYPE_IPV4:
	case ETHERTYPE_ARP_:
	case ETHERTYPE_IPV6_:
	case ETHERTYPE_VLAN_:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_QINQ_OLD:
	case ETHERTYPE_MPLS:
	case ETHERTYPE_PPPOE:
	case 0x8863: /* PPPoE discovery */
	case 0x88cc: /* LLDP */
		return true;
	default:
		return false;
	}
}

/* Whether an IP header whose version fits makes sense further on. */
static bool looks_ip(const struct walk *w, u8 version)
{
	if (w->cap < 20)
		return true;
	if (version == 6)
		return be16(w->p + 4) + 40u <= w->len;
	u32 header = (w->p[0] & 15u) * 4, total = be16(w->p + 2);
	return header >= 20 && total <= w->len && (total == 0 || total >= header);
}

/* A label stack does not say what it carries: IP by its version, else an Ethernet pseudowire with or without the control word
 * (RFC 4448). A MAC address may look like an IP version or a control word. */
static enum net_result mpls_payload(struct walk *w)
{
	if (!w->cap)
		return walk_short(w, 1);
	u8 nibble = *w->p >> 4;
	if ((nibble == 4 || nibble == 6) && (looks_ip(w, nibble) || !looks_ethernet(w, 0)))
		return ip_any(w);
	if (nibble == 0 && looks_ethernet(w, 4) && be16(w->p) == 0) { /* the control word's reserved bits */
		walk_take(w, 4);
		return link_ethernet(w);
	}
	return looks_ethernet(w, 0) ? link_ethernet(w) : NET_NOT_IP;
}

enum net_result link_mpls(struct walk *w)
{
	if (!walk_enter(w))
		return NET_TOO_DEEP;
	for (int i = 0; i < MPLS_LABELS; i++) {
		const u8 *h = walk_take(w, 4);
		if (!h)
			return walk_short(w, 4);
		u32 entry = be32(h);
		if (!(entry & 0x100)) /* not the bottom of the stack */
			continue;
		walk_tunnel(w, TUNNEL_MPLS, entry >> 12);
		return mpls_payload(w);
	}
	return NET_TOO_DEEP;
}
