/* Link layers: from the first byte of a packet to the network header. */
#include "net/walk.h"

static enum net_result vlan_tag(struct walk *w)
{
	const u8 *h = walk_take(w, 4);
	if (!h)
		return walk_short(w, 4);
	if (!walk_enter(w))
		return NET_TOO_DEEP;
	walk_vlan(w, be16(h));
	u16 type = be16(h + 2);
	if (type > 1500)
		return link_type(w, type);
	walk_limit(w, MIN(w->len, type));
	return link_llc(w);
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
	case ETHERTYPE_JUMBO_LLC:
		return link_llc(w);
	default:
		return NET_NOT_IP;
	}
}

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
	return oui == 0 || oui == 0xf8 ? link_type(w, be16(h + 3)) : NET_NOT_IP;
}

enum net_result link_ethernet(struct walk *w)
{
	const u8 *h = walk_take(w, 14);
	if (!h)
		return walk_short(w, 14);
	u16 type = be16(h + 12);
	if (likely(type > 1500))
		return link_type(w, type);
	walk_limit(w, MIN(w->len, type));
	return link_llc(w);
}

static enum net_result linux_sll(struct walk *w)
{
	const u8 *h = walk_take(w, 16);
	if (!h)
		return walk_short(w, 16);
	w->seg->origin = origin_mix(w->seg->origin, be16(h)); /* packet type: tells loopback's two copies apart */
	u16 type = be16(h + 14);
	return type == 4 ? link_llc(w) : link_type(w, type);
}

static enum net_result linux_sll2(struct walk *w)
{
	const u8 *h = walk_take(w, 20);
	if (!h)
		return walk_short(w, 20);
	w->seg->origin = origin_mix(w->seg->origin, be32(h + 4) << 3 ^ h[10]);
	u16 type = be16(h);
	return type == 4 ? link_llc(w) : link_type(w, type);
}

/* An address family, of whatever system and byte order. */
static enum net_result by_family(struct walk *w, u32 family)
{
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	switch (family) {
	case 2:
		return ip_v4(w);
	case 10: /* Linux */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* Darwin */
		return ip_v6(w);
	default:
		return NET_NOT_IP;
	}
}

static enum net_result null_loop(struct walk *w)
{
	const u8 *h = walk_take(w, 4);
	return h ? by_family(w, be32(h)) : walk_short(w, 4);
}

enum net_result link_other(struct walk *w, u16 linktype)
{
	switch (linktype) {
	case LINKTYPE_NULL:
	case LINKTYPE_LOOP:
		return null_loop(w);
	case LINKTYPE_RAW:
	case 12: /* what LINKTYPE_RAW is called by some systems */
	case 14:
		return ip_any(w);
	case LINKTYPE_IPV4:
		return ip_v4(w);
	case LINKTYPE_IPV6:
		return ip_v6(w);
	case LINKTYPE_LINUX_SLL:
		return linux_sll(w);
	case LINKTYPE_LINUX_SLL2:
		return linux_sll2(w);
	default:
		return NET_LINKTYPE;
	}
}
