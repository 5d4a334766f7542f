/* The sentences an engine wants said, kept until the caller fetches them one by one. Holds at most
 * CAPTURE_WARNINGS; further ones are counted and said in the last. Zeroed memory is empty; owns nothing else.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CAPTURE_WARNINGS_H
#define PACKETD_CAPTURE_WARNINGS_H

#include "util/base.h"

#define CAPTURE_WARNINGS 8

struct warnings {
	char text[CAPTURE_WARNINGS][256];
	char said[256]; /* the one handed out last */
	u32 first, len;
	u64 lost;
};

void warnings_add(struct warnings *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The oldest sentence, valid until the next call; NULL when there is none. */
const char *warnings_next(struct warnings *w);

#endif
