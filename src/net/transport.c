/* What IP carries: TCP, UDP, ICMP errors. */
#include "net/walk.h"

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
	return NET_SEGMENT;
}

enum net_result transport(struct walk *w, u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP_:
		return tcp(w);
	case IPPROTO_UDP_:
		return udp(w);
	default:
		return NET_NOT_TCP_UDP;
	}
}
