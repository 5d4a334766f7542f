/* One AF_PACKET socket with its TPACKET_V3 ring: of one interface, or of all of them.
 * Packets handed out are views into the ring; their blocks go back to the kernel at afp_socket_release, which the
 * engine calls at the start of its next poll. Used by the thread of its capture, except that another worker's thread
 * may arm it (afp_group.h holds the lock for that). Linux. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CAPTURE_AFP_SOCKET_H
#define PACKETD_CAPTURE_AFP_SOCKET_H

#include <stdatomic.h>

#include "capture/afp_program.h"
#include "capture/capture.h"
#include "capture/iface.h"

#define AFP_BLOCK_BYTES (256 * KIB) /* holds the largest packets of loopback (65 549 bytes) three times over */
#define AFP_BLOCKS_MIN 4
#define AFP_TIMEOUT_MS 5 /* a block that is not full comes after this long */

struct tpacket3_hdr;
struct afp_group;

struct afp_socket {
	int fd;
	u32 index; /* of the interface; 0 all of them */
	u16 id;    /* packet.ifindex, when bound */
	bool cooked, loopback;
	bool gone; /* its interface is: to be closed when read empty */
	bool shares;        /* it is in the kernel's fanout group */
	_Atomic bool armed; /* it captures */
	u16 worker;
	u8 *ring;
	u32 blocks;
	u32 block; /* the next to look into */
	u32 left;  /* packets left of the current one */
	u32 held;  /* blocks before `block` whose packets are out */
	const struct tpacket3_hdr *next;
	struct afp_link link;
	struct afp_program program;
	u64 check_until; /* packets captured up to this time may have passed an older filter */
	u64 gone_since;  /* ns, monotonic */
	u64 opened_at;   /* ns, monotonic */
	u64 received, dropped, filtered;
	u32 snaplen;
	struct afp_group *group; /* NULL alone */
	char name[IF_NAMESIZE];
};

/* What is the same for all sockets of a capture. Texts are borrowed. */
struct afp_setup {
	const char *filter;
	u32 ring_bytes, snaplen;
	u16 worker, workers, fanout_id;
	bool promiscuous;
	u32 loopback_index; /* for a socket of all interfaces */
};

/* `iface` NULL: all interfaces. A sentence in error[] when it fails; 0 otherwise, with a remark in error[] or "". */
int afp_socket_open(struct afp_socket *s, const struct iface *iface, const struct afp_setup *setup, char error[256]);
/* Would opening be allowed, and is the filter a filter? Opens nothing that stays. */
int afp_socket_check(const struct afp_setup *setup, char error[256]);
void afp_socket_close(struct afp_socket *s);
/* Replaces the filter; what the ring still holds is checked against the new one when it is read. */
int afp_socket_set_filter(struct afp_socket *s, const char *text, char error[256]);
/* Lets the socket capture. Called with the lock of afp_group.c held, or before there is a group. */
int afp_socket_arm(struct afp_socket *s);
/* Gives the blocks back whose packets were handed out. */
void afp_socket_release(struct afp_socket *s);
/* Up to max packets that are no later than `until`. `names` turns the indices of an unbound socket into packet.ifindex. */
int afp_socket_take(struct afp_socket *s, struct iface_names *names, struct packet *out, int max, u64 until);
/* The time of the packet that comes next; UINT64_MAX: none has been handed over yet; 0: not before the next release. */
u64 afp_socket_next(struct afp_socket *s);
/* Reads the kernel's counters, which begin anew each time, into received and dropped. */
void afp_socket_count(struct afp_socket *s);

#endif
