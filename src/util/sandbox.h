/* Giving up rights once they are not needed any more: capabilities, the super-user, system calls.
 * For the whole process: call it before threads that are to obey are started. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_SANDBOX_H
#define PACKETD_UTIL_SANDBOX_H

#include "util/base.h"

struct sandbox_options {
	bool ask_interfaces; /* names and types of interfaces are looked up: sockets may be made, but not used to send */
	bool open_captures; /* interfaces may appear that have to be opened: CAP_NET_RAW and sockets stay */
	bool network;       /* connections are made and taken */
	bool write_files;   /* files are created, renamed, removed: root stays its uid (without capabilities) */
};

/* True when this process may capture packets: CAP_NET_RAW is effective. */
bool sandbox_may_capture(void);
/* Drops all capabilities but CAP_NET_RAW where it is needed; root that writes no files becomes the user who called sudo,
 * or nobody. Negative errno when capabilities could not be dropped. */
int sandbox_drop_rights(const struct sandbox_options *o);
/* From now on only the system calls a running observer makes; others fail with EPERM. -ENOSYS where the kernel cannot;
 * does nothing in a build with sanitizers, which need more. */
int sandbox_limit_calls(const struct sandbox_options *o);

#endif
