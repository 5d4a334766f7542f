/* IPv4 and IPv6 headers. */
#include "net/walk.h"

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

enum net_result ip_v4(struct walk *w)
{
	const u8 *h = walk_take(w, 20);
	if (!h)
		return walk_short(w, 20);
	u32 header = (h[0] & 15u) * 4, total = be16(h + 2);
	if (h[0] >> 4 != 4 || header < 20)
		return NET_MALFORMED;
	if (total == 0) /* left to the card that will cut it (TSO): the packet knows */
		total = w->len + 20;
	if (total < header)
		return NET_MALFORMED;
	walk_limit(w, total - 20);
	if (header > 20 && !walk_take(w, header - 20))
		return walk_short(w, header - 20);
	ip_from_v4(&w->seg->src, h + 12);
	ip_from_v4(&w->seg->dst, h + 16);
	if (be16(h + 6) & 0x3fff)
		return NET_FRAGMENT;
	return transport(w, h[9]);
}

enum net_result ip_v6(struct walk *w)
{
	const u8 *h = walk_take(w, 40);
	if (!h)
		return walk_short(w, 40);
	if (h[0] >> 4 != 6)
		return NET_MALFORMED;
	u32 length = be16(h + 4);
	if (length)
		walk_limit(w, length);
	memcpy(w->seg->src.b, h + 8, 16);
	memcpy(w->seg->dst.b, h + 24, 16);
	return transport(w, h[6]);
}
