/* The system's clocks as one number. Owns nothing. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_CLOCK_H
#define PACKETD_UTIL_CLOCK_H

#include <time.h>

#include "util/base.h"

/* ns: since the epoch for CLOCK_REALTIME, since some moment for CLOCK_MONOTONIC. */
static inline u64 clock_ns(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_nsec;
}

#endif
