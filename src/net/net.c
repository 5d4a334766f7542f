#include "net/net.h"

#include <stdlib.h>

#include "net/walk.h"

#define DEFAULT_FRAGMENT_BYTES (4 * MIB)

struct net {
	u64 now;        /* time of the latest packet */
	u32 assembled;  /* datagrams put together: tells whether `whole` was written meanwhile */
	struct fragments fragments;
};

const char *net_result_name(enum net_result r)
{
	static const char *const names[NET_RESULT_COUNT] = {
#define X(id, name, text) [id] = name,
		NET_RESULTS(X)
#undef X
	};
	return (unsigned)r < NET_RESULT_COUNT ? names[r] : "unknown";
}

struct net *net_new(size_t fragment_bytes)
{
	struct net *n = calloc(1, sizeof(*n));
	if (n && !fragments_init(&n->fragments, fragment_bytes ? fragment_bytes : DEFAULT_FRAGMENT_BYTES)) {
		free(n);
		return NULL;
	}
	return n;
}

void net_free(struct net *n)
{
	if (n)
		fragments_done(&n->fragments);
	free(n);
}

u64 net_fragments_expired(const struct net *n)
{
	return fragments_expired(&n->fragments, n->now);
}

u32 net_assembled(const struct net *n)
{
	return n->assembled;
}

enum net_result net_fragment(struct walk *w, struct fragment *in, u8 *ret_protocol)
{
	struct datagram_whole whole;
	in->key.src = w->seg->src;
	in->key.dst = w->seg->dst;
	in->key.origin = w->seg->origin;
	in->ts = w->seg->ts;
	in->p = w->p;
	in->cap = w->cap;
	in->len = w->len;
	enum net_result r = fragment_add(&w->net->fragments, in, &whole);
	if (r != NET_SEGMENT)
		return r;
	w->net->assembled++;
	w->p = whole.p;
	w->cap = whole.cap;
	w->len = whole.len;
	*ret_protocol = whole.protocol;
	return r;
}

/* Everything but the common case. */
static __attribute__((noinline)) enum net_result decode_any(struct net *n, const struct packet *p, struct segment *seg)
{
	struct walk w = { .net = n, .seg = seg, .p = p->data, .cap = p->caplen, .len = MAX(p->len, p->caplen) };
	if (p->vlan_tci) {
		walk_vlan(&w, p->vlan_tci);
		w.depth = 1;
	}
	if (likely(p->linktype == LINKTYPE_ETHERNET))
		return link_ethernet(&w);
	return link_other(&w, p->linktype);
}

/* Ethernet, IPv4 without options or fragments, TCP: the 54 bytes are there. */
static inline bool is_plain_tcp(const u8 *d)
{
	return be32(d + 12) >> 8 == 0x080045 && (be16(d + 20) & 0x3fff) == 0 && d[23] == IPPROTO_TCP_;
}

enum net_result net_decode(struct net *n, const struct packet *p, struct segment *seg)
{
	const u8 *d = p->data;
	n->now = p->ts;
	seg->ts = p->ts;
	seg->ifindex = p->ifindex;
	seg->origin = origin_start(p);
	seg->vlan = 0;
	seg->tunnel = TUNNEL_NONE;
	seg->tunnel_id = 0;
	seg->ip_id = 0;
	if (unlikely(p->linktype != LINKTYPE_ETHERNET || p->caplen < 54 || p->vlan_tci || !is_plain_tcp(d)))
		return decode_any(n, p, seg);
	u32 total = be16(d + 16);
	if (unlikely(total < 40))
		return decode_any(n, p, seg);
	ip_from_v4(&seg->src, d + 26);
	ip_from_v4(&seg->dst, d + 30);
	seg->ip_id = be16(d + 18);
	return segment_tcp(seg, d + 34, MIN(p->caplen - 14, total) - 20, total - 20);
}
