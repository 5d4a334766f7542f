/* Workers that share the traffic of one interface: a fanout group, which splits it by a symmetric hash of the flow.
 * Until all workers are in the group none captures, so that no flow changes hands when the next one joins.
 * All functions are thread-safe; a socket is in a group between join and leave. Linux. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CAPTURE_AFP_GROUP_H
#define PACKETD_CAPTURE_AFP_GROUP_H

#include "capture/afp_socket.h"

#define AFP_WORKERS_MAX 256      /* the kernel's own limit of a group */
#define AFP_ARM_NS NS_PER_SEC /* a socket waits this long for the others, then captures without them */

/* The socket is bound and takes nothing yet. An error may be another worker's: of those that waited for this one. */
int afp_group_join(struct afp_socket *s, const struct afp_setup *setup);
void afp_group_leave(struct afp_socket *s);
/* Lets a socket capture, and those with it, that has waited for the others in vain. */
void afp_group_arm(struct afp_socket *s);
/* Held while a socket's program changes. */
void afp_group_lock(void);
void afp_group_unlock(void);

#endif
