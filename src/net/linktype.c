/* Captures that do not begin with an Ethernet header. */
#include "net/walk.h"

/* Link types beyond those that capture engines deliver (packet.h). */
enum {
	RAW_BSD = 12, /* what LINKTYPE_RAW is called by some systems */
	RAW_OPENBSD = 14,
	FDDI = 10,
	ATM_RFC1483 = 100,
	CISCO_HDLC = 104,
	IEEE802_11 = 105,
	OPENBSD_ENC = 109,
	OPENBSD_PFLOG = 117,
	PRISM = 119,
	RADIOTAP = 127,
	ARCNET_LINUX = 129,
	APPLE_IEEE1394 = 138,
	PKTAP_USER2 = 149,
	PPP_WITH_DIRECTION = 166,
	NFLOG = 239,
	PKTAP = 258,
};

/* `type` of a cooked header: an EtherType, or how the frame begins. */
static enum net_result cooked(struct walk *w, u16 type)
{
	if (type == 4)
		return link_llc(w);
	return type > 1500 ? link_type(w, type) : NET_NOT_IP;
}

static enum net_result linux_sll(struct walk *w)
{
	const u8 *h = walk_take(w, 16);
	if (!h)
		return walk_short(w, 16);
	w->seg->origin = origin_mix(w->seg->origin, be16(h)); /* the packet type tells loopback's two copies apart */
	return cooked(w, be16(h + 14));
}

static enum net_result linux_sll2(struct walk *w)
{
	const u8 *h = walk_take(w, 20);
	if (!h)
		return walk_short(w, 20);
	w->seg->origin = origin_mix(w->seg->origin, be32(h + 4) << 3 ^ h[10]); /* interface, packet type */
	return cooked(w, be16(h));
}

/* An address family in the byte order of whatever machine captured. */
static enum net_result by_family(struct walk *w, u32 family)
{
	if (family > 0xffff && (family & 0xffff) == 0)
		family = __builtin_bswap32(family);
	switch (family & 0xffff) {
	case 2:
		return ip_v4(w);
	case 10: /* Linux */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* Darwin */
		return ip_v6(w);
	case 0x0800: /* some write an EtherType */
		return ip_v4(w);
	case 0x86dd:
		return ip_v6(w);
	default:
		return NET_NOT_IP;
	}
}

/* A header of `size` bytes that begins with an address family. */
static enum net_result family_header(struct walk *w, u32 size)
{
	const u8 *h = walk_take(w, size);
	return h ? by_family(w, be32(h)) : walk_short(w, size);
}

/* OpenBSD's packet filter: length, family, and what is of no use here. */
static enum net_result pflog(struct walk *w)
{
	if (w->cap < 2)
		return walk_short(w, 2);
	u32 size = (w->p[0] + 3u) & ~3u;
	const u8 *h = walk_take(w, MAX(size, 4));
	return h ? by_family(w, h[1]) : walk_short(w, MAX(size, 4));
}

/* A header of `size` bytes before 802.2. */
static enum net_result before_llc(struct walk *w, u32 size)
{
	return walk_take(w, size) ? link_llc(w) : walk_short(w, size);
}

/* A header of `size` bytes that ends with an EtherType. */
static enum net_result before_type(struct walk *w, u32 size)
{
	const u8 *h = walk_take(w, size);
	return h ? cooked(w, be16(h + size - 2)) : walk_short(w, size);
}

/* RFC 1662 framing or Cisco's, told apart by the address byte. */
static enum net_result ppp_hdlc(struct walk *w)
{
	if (w->cap && (w->p[0] == 0x0f || w->p[0] == 0x8f))
		return before_type(w, 4);
	return link_ppp(w);
}

static enum net_result ppp_with_direction(struct walk *w)
{
	const u8 *h = walk_take(w, 1);
	if (!h)
		return walk_short(w, 1);
	w->seg->origin = origin_mix(w->seg->origin, *h);
	return link_ppp(w);
}

/* As Linux delivers it: addresses, two bytes of padding, protocol, split flag, sequence. RFC 1051 has neither of the last. */
static enum net_result arcnet(struct walk *w)
{
	const u8 *h = walk_take(w, 5);
	if (!h)
		return walk_short(w, 5);
	u8 type = h[4];
	if (type == 240) /* IP of RFC 1051 */
		return ip_v4(w);
	if (type != 212 && type != 196)
		return NET_NOT_IP;
	h = walk_take(w, 3);
	if (!h)
		return walk_short(w, 3);
	if (h[0] != 0) /* a part of a split packet */
		return NET_NOT_IP;
	return type == 212 ? ip_v4(w) : ip_v6(w);
}

/* 802.11 data frames in the clear. `padded`: the header is filled up to a multiple of four. */
static enum net_result wlan(struct walk *w, bool padded)
{
	const u8 *h = walk_take(w, 24);
	if (!h)
		return walk_short(w, 24);
	bool qos = h[0] & 0x80, order = h[1] & 0x80;
	if ((h[0] & 0x0f) != 0x08 || h[0] & 0x40 || h[1] & 0x40) /* other than data, null, protected */
		return NET_NOT_IP;
	u32 more = ((h[1] & 3) == 3 ? 6 : 0) + (qos ? 2 : 0) + (qos && order ? 4 : 0);
	if (padded)
		more += -(24 + more) & 3;
	const u8 *rest = more ? walk_take(w, more) : w->p;
	if (!rest)
		return walk_short(w, more);
	if (qos && rest[(h[1] & 3) == 3 ? 6 : 0] & 0x80) /* several frames in one */
		return NET_NOT_IP;
	return link_llc(w);
}

/* The length, and from the optional fields only the one that speaks of padding. */
static enum net_result radiotap(struct walk *w)
{
	if (w->cap < 8)
		return walk_short(w, 8);
	u32 size = le16(w->p + 2), at = 4, present = le32(w->p + 4);
	if (size < 8)
		return NET_MALFORMED;
	const u8 *h = walk_take(w, size);
	if (!h)
		return walk_short(w, size);
	while (at + 4 <= size && le32(h + at) >> 31)
		at += 4;
	at += 4;
	if (present & 1) /* a time stamp, aligned */
		at = ((at + 7) & ~7u) + 8;
	return wlan(w, (present & 2) && at < size && h[at] & 0x20);
}

/* Type, length, value: in the byte order of the machine that captured, which the type (a small number) gives away. */
static enum net_result nflog(struct walk *w)
{
	const u8 *h = walk_take(w, 4);
	if (!h)
		return walk_short(w, 4);
	u8 family = h[0];
	for (;;) {
		h = walk_take(w, 4);
		if (!h)
			return walk_short(w, 4);
		bool big = le16(h + 2) > 0xff;
		u32 size = big ? be16(h) : le16(h), type = big ? be16(h + 2) : le16(h + 2);
		if (size < 4)
			return NET_MALFORMED;
		if (type == 9) { /* the packet */
			walk_limit(w, MIN(w->len, size - 4));
			return by_family(w, family);
		}
		size = (size - 1) & ~3u; /* without the four bytes read, filled up */
		if (size && !walk_take(w, size))
			return walk_short(w, size);
	}
}

/* Apple's header tells the link type and the interface of the packet behind it. */
static enum net_result pktap(struct walk *w)
{
	if (w->cap < 12)
		return walk_short(w, 12);
	u32 size = le32(w->p), linktype = le32(w->p + 8);
	if (size < 12 || linktype > UINT16_MAX)
		return NET_MALFORMED;
	const u8 *h = walk_take(w, size);
	if (!h)
		return walk_short(w, size);
	if (!walk_enter(w))
		return NET_TOO_DEEP;
	for (u32 i = 12; i + 4 <= MIN(size, 36); i += 4) /* the interface's name */
		w->seg->origin = origin_mix(w->seg->origin, be32(h + i));
	return linktype == LINKTYPE_ETHERNET ? link_ethernet(w) : link_other(w, (u16)linktype);
}

enum net_result link_other(struct walk *w, u16 linktype)
{
	switch (linktype) {
	case LINKTYPE_NULL:
	case LINKTYPE_LOOP:
		return family_header(w, 4);
	case LINKTYPE_RAW:
	case RAW_BSD:
	case RAW_OPENBSD:
		return ip_any(w);
	case LINKTYPE_IPV4:
		return ip_v4(w);
	case LINKTYPE_IPV6:
		return ip_v6(w);
	case LINKTYPE_LINUX_SLL:
		return linux_sll(w);
	case LINKTYPE_LINUX_SLL2:
		return linux_sll2(w);
	case LINKTYPE_PPP:
	case LINKTYPE_PPP_HDLC:
		return ppp_hdlc(w);
	case LINKTYPE_PPP_ETHER:
		return link_pppoe(w);
	case PPP_WITH_DIRECTION:
		return ppp_with_direction(w);
	case CISCO_HDLC:
		return before_type(w, 4);
	case FDDI:
		return before_llc(w, 13);
	case ATM_RFC1483:
		return link_llc(w);
	case APPLE_IEEE1394:
		return before_type(w, 18);
	case OPENBSD_ENC:
		return family_header(w, 12);
	case OPENBSD_PFLOG:
		return pflog(w);
	case ARCNET_LINUX:
		return arcnet(w);
	case IEEE802_11:
		return wlan(w, false);
	case RADIOTAP:
		return radiotap(w);
	case PRISM:
		return walk_take(w, 144) ? wlan(w, false) : walk_short(w, 144);
	case NFLOG:
		return nflog(w);
	case PKTAP_USER2:
	case PKTAP:
		return pktap(w);
	default:
		return NET_LINKTYPE;
	}
}
