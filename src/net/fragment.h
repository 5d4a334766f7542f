/* Fragments of IPv4 and IPv6 datagrams until the datagram is complete. A `struct fragments` owns copies of their bytes
 * under a fixed cap; times are packet times in ns, one thread. A completed datagram is copied into one buffer, valid
 * until the next fragment_add. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_NET_FRAGMENT_H
#define PACKETD_NET_FRAGMENT_H

#include "net/net.h"
#include "util/slab.h"

#define FRAGMENT_TIMEOUT (30 * NS_PER_SEC) /* from a datagram's first fragment */
#define FRAGMENT_STALE NS_PER_SEC          /* a conflict after this much silence: the identification was used again */
#define FRAGMENT_ECHO (20 * NS_PER_MS)     /* how long copies of a completed datagram's fragments are recognised */
#define FRAGMENT_DATAGRAM 65535            /* bytes of the largest datagram */

/* What tells datagrams apart; compared as bytes, so clear it before filling. */
struct fragment_key {
	struct ip_addr src, dst;
	u32 id;
	u32 origin; /* segment.origin: a copy taken elsewhere is a datagram of its own */
	u32 protocol; /* IPv4; 0 for IPv6 */
};

struct fragment {
	struct fragment_key key;
	u64 ts;
	const u8 *p;
	u32 cap, len; /* bytes at p, and on the wire */
	u32 offset;
	bool more;
	bool ipv6;   /* an overlap condemns the datagram (RFC 5722); otherwise the first bytes stay */
	u8 protocol; /* of the payload; that of offset 0 counts */
};

struct datagram_whole {
	const u8 *p;
	u32 cap, len;
	u8 protocol;
};

struct datagram;

struct datagram_list {
	struct datagram *oldest, *newest;
};

struct fragments {
	struct slab datagrams, pages;
	struct datagram **buckets;
	u32 mask;
	u64 seed;
	struct datagram_list waiting; /* incomplete or condemned, by time of the first fragment */
	struct datagram_list done;    /* complete, remembered for FRAGMENT_ECHO */
	u8 *whole;                    /* FRAGMENT_DATAGRAM bytes */
	u64 expired;                  /* fragments of datagrams given up */
};

/* False without memory. `cap` bounds descriptors and data; the buffer for one whole datagram comes on top. */
bool fragments_init(struct fragments *f, size_t cap);
void fragments_done(struct fragments *f);
/* NET_FRAGMENT: kept, or a copy of one kept. NET_FRAGMENT_BAD: dropped. NET_SEGMENT: *ret is complete. */
enum net_result fragment_add(struct fragments *f, const struct fragment *in, struct datagram_whole *ret);
/* Fragments given up so far, with those whose time is over by `now`. */
u64 fragments_expired(const struct fragments *f, u64 now);

#endif
