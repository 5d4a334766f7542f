/* Texts by number: the table of strings that a remote write 2.0 request begins with. Keeps copies. One thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_SYMBOLS_H
#define PACKETD_EXPORT_SYMBOLS_H

#include "util/buf.h"

/* Zeroed memory is the empty table. */
struct symbols {
	u32 *slots;  /* number + 1 by hash; 0: free */
	u32 slots_len;
	u32 *ends;   /* of each text in `texts` */
	u32 n, cap;
	struct buf texts;
	bool failed; /* no memory: numbers are not to be used */
};

void symbols_done(struct symbols *s);
/* Forgets all texts. */
void symbols_reset(struct symbols *s);
/* The number of this text, from 0 in the order of their first use. */
u32 symbols_find(struct symbols *s, struct str text, bool *ret_fresh);

#endif
