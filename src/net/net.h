/* From a captured packet to a transport segment: link layer, VLAN, tunnels, IPv4/IPv6, fragments, TCP/UDP headers.
 * A `struct net` owns the fragments being reassembled, under a cap; one per worker thread.
 * Never trusts a length field beyond caplen; checksums are not verified (offload leaves them unset).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_NET_NET_H
#define PACKETD_NET_NET_H

#include "capture/packet.h"
#include "net/segment.h"

/* What became of a packet. The names are the `reason` of packets_skipped_total and of the ledger. */
#define NET_RESULTS(X)                                                                   \
	X(NET_SEGMENT, "decoded", "a TCP or UDP segment (or an ICMP error about one)")   \
	X(NET_NOT_IP, "not_ip", "ARP, LLDP, and whatever else is not IPv4 or IPv6")      \
	X(NET_NOT_TCP_UDP, "other_transport", "IP, but neither TCP nor UDP")             \
	X(NET_FRAGMENT, "fragment_held", "a fragment kept for, or used by, reassembly")  \
	X(NET_FRAGMENT_BAD, "fragment_dropped", "overlap, cap or nonsense in fragments") \
	X(NET_TRUNCATED, "truncated", "headers cut by the capture length")               \
	X(NET_MALFORMED, "malformed", "header fields that contradict each other")        \
	X(NET_LINKTYPE, "unknown_linktype", "a link type this program does not know")    \
	X(NET_TOO_DEEP, "too_deep", "more encapsulations than the depth cap")            \
	X(NET_LEFT_OUT, "left_out", "of an address family the user does not want")

enum net_result {
#define X(id, name, text) id,
	NET_RESULTS(X)
#undef X
		NET_RESULT_COUNT
};

/* The ledger name of a result. */
const char *net_result_name(enum net_result r);

struct net;

/* `fragment_bytes`: cap on memory for fragments (0 means 4 MiB). NULL without memory. */
struct net *net_new(size_t fragment_bytes);
void net_free(struct net *n);
/* Decodes one packet into *seg (filled for NET_SEGMENT only). */
enum net_result net_decode(struct net *n, const struct packet *p, struct segment *seg);
/* Fragments dropped because their datagram was never completed in time or memory. */
u64 net_fragments_expired(const struct net *n);

/* "10.0.0.1", "2001:db8::1" (RFC 5952) into out; returns the length, at most 45. Not terminated. */
size_t ip_format(const struct ip_addr *a, char out[46]);
/* Parses IPv4 or IPv6 text; false when it is neither. */
bool ip_parse(struct str text, struct ip_addr *ret);

#endif
