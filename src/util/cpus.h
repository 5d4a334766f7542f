/* How many CPUs this process may use: its affinity and its control group's quota; and how soon it gets one. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_CPUS_H
#define PACKETD_UTIL_CPUS_H

#include "util/base.h"

/* At least 1. Reads /proc and /sys: call it before giving up rights, and once. */
unsigned cpus_available(void);
/* CPUs (rounded up) that the text of a cgroup v2 cpu.max allows; 0: no limit, or not such a text. */
unsigned cpus_of_quota(const char *text);
/* The calling thread, and those it starts, get a CPU sooner than most: for who reads a ring that overflows otherwise. Does nothing
 * without the right to, or when somebody has chosen a priority already. */
void cpus_come_first(void);

#endif
