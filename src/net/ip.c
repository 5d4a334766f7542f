/* IPv4 and IPv6 headers. */
#include "net/walk.h"

enum { NEXT_HOP_BY_HOP = 0, NEXT_ROUTING = 43, NEXT_FRAGMENT = 44, NEXT_AH = 51, NEXT_DESTINATION = 60, NEXT_MOBILITY = 135, NEXT_HIP = 139, NEXT_SHIM6 = 140 };
enum { OPTION_JUMBO = 0xc2, OPTION_HOME_ADDRESS = 0xc9 };

enum net_result ip_any(struct walk *w)
{
	if (!w->cap)
		return walk_short(w, 1);
	switch (*w->p >> 4) {
	case 4:
		return ip_v4(w);
	case 6:
		return ip_v6(w);
	default:
		return NET_NOT_IP;
	}
}

static enum net_result v4_fragment(struct walk *w, const u8 *h)
{
	struct fragment in = { .key = { .id = be16(h + 4), .protocol = h[9] }, .protocol = h[9] };
	u16 field = be16(h + 6);
	u8 protocol;
	in.offset = (field & 0x1fffu) * 8;
	in.more = field & 0x2000;
	if (w->quoted) /* the ports are in the first one */
		return in.offset ? NET_NOT_TCP_UDP : transport(w, h[9]);
	enum net_result r = net_fragment(w, &in, &protocol);
	return r == NET_SEGMENT ? transport(w, protocol) : r;
}

enum net_result ip_v4(struct walk *w)
{
	const u8 *h = walk_take(w, 20);
	if (!h)
		return walk_short(w, 20);
	u32 header = (h[0] & 15u) * 4, total = be16(h + 2);
	if (h[0] >> 4 != 4 || header < 20)
		return NET_MALFORMED;
	if (total == 0 || w->quoted) /* 0: left to the card that will cut it (TSO), the packet knows */
		total = w->len + 20;
	if (total < header)
		return NET_MALFORMED;
	walk_limit(w, total - 20);
	if (header > 20 && !walk_take(w, header - 20))
		return walk_short(w, header - 20);
	ip_from_v4(&w->seg->src, h + 12);
	ip_from_v4(&w->seg->dst, h + 16);
	w->seg->ip_id = be16(h + 4);
	if (unlikely(be16(h + 6) & 0x3fff))
		return v4_fragment(w, h);
	return transport(w, h[9]);
}

/* The data of the option `type` of `size` bytes among those in [p, p + n); NULL without. */
static const u8 *v6_option(const u8 *p, u32 n, u8 type, u8 size)
{
	for (u32 at = 0; at < n;) {
		if (p[at] == 0) { /* Pad1 */
			at++;
			continue;
		}
		if (n - at < 2 || p[at + 1] > n - at - 2)
			return NULL;
		if (p[at] == type && p[at + 1] == size)
			return p + at + 2;
		at += 2u + p[at + 1];
	}
	return NULL;
}

/* A hop-by-hop header in a packet without a length: that of a jumbo packet is an option. */
static bool v6_jumbo(struct walk *w, const u8 *h, u32 size)
{
	const u8 *option = v6_option(h + 2, size - 2, OPTION_JUMBO, 4);
	if (!option)
		return true;
	if (be32(option) < size)
		return false;
	walk_limit(w, be32(option) - size);
	return true;
}

/* With segments left, the address that answers is not yet in the destination field. */
static void v6_routing(struct walk *w, const u8 *h, u32 size)
{
	if (h[3] == 0 || size < 24)
		return;
	if (h[2] == 4) /* segment routing: the list is backwards */
		memcpy(w->seg->dst.b, h + 8, 16);
	else if (h[2] == 0 || h[2] == 2)
		memcpy(w->seg->dst.b, h + size - 16, 16);
}

/* An extension header other than the fragment header, of which 8 bytes are there; sets *next. */
static enum net_result v6_extension(struct walk *w, u8 *next, bool jumbo)
{
	u32 size = *next == NEXT_AH ? (w->p[1] + 2u) * 4 : (w->p[1] + 1u) * 8;
	const u8 *h = walk_take(w, size);
	if (!h)
		return walk_short(w, size);
	if (*next == NEXT_HOP_BY_HOP && jumbo && !v6_jumbo(w, h, size))
		return NET_MALFORMED;
	if (*next == NEXT_ROUTING)
		v6_routing(w, h, size);
	if (*next == NEXT_DESTINATION) {
		const u8 *home = v6_option(h + 2, size - 2, OPTION_HOME_ADDRESS, 16);
		if (home)
			memcpy(w->seg->src.b, home, 16);
	}
	*next = h[0];
	return NET_SEGMENT;
}

static enum net_result v6_fragment(struct walk *w, u8 *next)
{
	const u8 *h = walk_take(w, 8);
	struct fragment in = { .key = { .id = be32(h + 4) }, .protocol = h[0], .ipv6 = true };
	in.offset = be16(h + 2) & 0xfff8u;
	in.more = h[3] & 1;
	*next = h[0];
	if (in.offset == 0 && (!in.more || w->quoted)) /* complete in itself (RFC 6946) */
		return NET_SEGMENT;
	return w->quoted ? NET_NOT_TCP_UDP : net_fragment(w, &in, next);
}

enum net_result ip_v6(struct walk *w)
{
	const u8 *h = walk_take(w, 40);
	if (!h)
		return walk_short(w, 40);
	if (h[0] >> 4 != 6)
		return NET_MALFORMED;
	u32 length = be16(h + 4); /* 0: jumbo, or left to the card */
	if (length && !w->quoted)
		walk_limit(w, length);
	memcpy(w->seg->src.b, h + 8, 16);
	memcpy(w->seg->dst.b, h + 24, 16);
	u8 next = h[6];
	for (int i = 0; i < IPV6_HEADERS; i++) {
		enum net_result r;
		switch (next) {
		case NEXT_HOP_BY_HOP:
		case NEXT_ROUTING:
		case NEXT_FRAGMENT:
		case NEXT_AH:
		case NEXT_DESTINATION:
		case NEXT_MOBILITY:
		case NEXT_HIP:
		case NEXT_SHIM6:
			break;
		default:
			return transport(w, next);
		}
		if (w->cap < 8)
			return walk_short(w, 8);
		if (next == NEXT_FRAGMENT)
			r = v6_fragment(w, &next);
		else
			r = v6_extension(w, &next, !length && !w->quoted);
		if (r != NET_SEGMENT)
			return r;
	}
	return NET_TOO_DEEP;
}
