/* The classic BPF program an AF_PACKET socket runs: what must never be delivered (loopback's outgoing copy), then the
 * user's filter, moved to where the kernel keeps what libpcap would have put into a cooked header.
 * The owner frees it with afp_program_done. Linux. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CAPTURE_AFP_PROGRAM_H
#define PACKETD_CAPTURE_AFP_PROGRAM_H

#include <linux/filter.h>

#include "capture/filter.h"

/* What a socket sees; texts are borrowed during the build only. */
struct afp_link {
	const char *name;    /* of the interface; NULL for all of them */
	bool cooked;         /* packets begin at the network header (SOCK_DGRAM); filters are compiled for SLL */
	bool drop_outgoing;  /* of every interface, or where `only_index` is not 0, of that one */
	u32 only_index;
};

struct afp_program {
	struct sock_filter *insns;
	u16 len;
	bool short_;             /* the kernel does not run the user's filter: `user` has to, on every packet */
	struct bpf_program user; /* the filter for packets as we hand them on; empty: everything, or it cannot be said */
};

/* `text` may be NULL or empty. -EINVAL with a sentence in error[]. */
int afp_program_build(struct afp_program *ret, const struct afp_link *link, const char *text, u32 snaplen, char error[256]);
/* Takes the user's filter out of the kernel's part, for a kernel that does not accept it. */
int afp_program_shorten(struct afp_program *p, const struct afp_link *link, u32 snaplen);
void afp_program_done(struct afp_program *p);
/* Sets it on a socket, replacing the one before in one step. */
int afp_program_attach(const struct afp_program *p, int fd);
/* Sets a program that takes nothing. */
int afp_program_attach_none(int fd);

#endif
