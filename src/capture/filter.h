/* libpcap filter text to BPF programs for one link type, without a capture handle, and running them.
 * The caller owns a compiled program and frees it with filter_free. Thread-safe.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CAPTURE_FILTER_H
#define PACKETD_CAPTURE_FILTER_H

#include <pcap/pcap.h>

#include "capture/packet.h"

#define FILTER_SNAPLEN 262144 /* what a matching program returns when nothing is to be cut */

/* Compiles `text` for packets of a LINKTYPE_*. -EINVAL with a sentence in error[] when it does not apply. */
int filter_compile(struct bpf_program *ret, u16 linktype, u32 snaplen, const char *text, char error[256]);
/* Is the text a filter for any common link type at all? The sentence is the one for Ethernet. */
int filter_check(const char *text, char error[256]);
/* Frees the instructions; an empty program stays empty. */
void filter_free(struct bpf_program *program);

/* True when the packet matches. */
static inline bool filter_match(const struct bpf_program *program, const u8 *data, u32 len, u32 caplen)
{
	return bpf_filter(program->bf_insns, data, len, caplen) != 0;
}

#endif
