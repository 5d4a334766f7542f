/* Hears when network interfaces come, go, change their name, or are set up or down.
 * A file descriptor that the caller polls and closes. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CAPTURE_LINK_WATCH_H
#define PACKETD_CAPTURE_LINK_WATCH_H

#include "util/base.h"

/* Readable when something has changed. Negative errno where there is no such thing. */
int link_watch_open(void);
/* True when something has changed since the last call. Never waits. */
bool link_watch_changed(int fd);

#endif
