/* The network interfaces of this machine, for people and for checking what they typed. Owns nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CMD_INTERFACES_H
#define PACKETD_CMD_INTERFACES_H

#include "util/buf.h"

/* One line per interface with an address: "- lo: [127.0.0.1/8 ::1/128]". Negative errno. */
int interfaces_list(struct buf *out);
/* Checks a value of --ifaces: -EINVAL when it is a bad regular expression, -ENODEV when it is, or a list holds, the
 * plain name of an interface that does not exist; with a sentence in `message`. An expression that no interface matches
 * yet is no error: the engine waits for one, and says so. */
int interfaces_check(const char *wanted, struct buf *message);

#endif
