/* One captured packet: what every capture engine hands on and all that is known of it below the link layer.
 * A view: `data` belongs to the engine and is valid until its next capture_poll. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CAPTURE_PACKET_H
#define PACKETD_CAPTURE_PACKET_H

#include "util/base.h"

enum packet_direction { PACKET_UNKNOWN, PACKET_IN, PACKET_OUT };

struct packet {
	u64 ts;         /* ns since the epoch, from the capture */
	const u8 *data; /* first byte of the link header (of the network header for LINKTYPE_RAW) */
	u32 caplen;     /* bytes at data */
	u32 len;        /* bytes on the wire: caplen < len is normal (snaplen) */
	u16 linktype;   /* LINKTYPE_* of https://www.tcpdump.org/linktypes.html */
	u16 ifindex;    /* the kernel's index live, the interface's place + 1 in a pcapng file; 0 unknown */
	u16 vlan_tci;   /* tag the kernel has taken off the data; 0 without one */
	u8 direction;   /* enum packet_direction */
};

enum linktype {
	LINKTYPE_NULL = 0,
	LINKTYPE_ETHERNET = 1,
	LINKTYPE_PPP = 9,
	LINKTYPE_PPP_HDLC = 50,
	LINKTYPE_PPP_ETHER = 51,
	LINKTYPE_RAW = 101,
	LINKTYPE_LOOP = 108,
	LINKTYPE_LINUX_SLL = 113,
	LINKTYPE_IPV4 = 228,
	LINKTYPE_IPV6 = 229,
	LINKTYPE_LINUX_SLL2 = 276,
};

#endif
