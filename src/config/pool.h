/* Memory of one configuration: allocated piece by piece, freed together, bounded in total. Zeroed memory plus a `max` is the
 * empty pool. One thread at a time. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CONFIG_POOL_H
#define PACKETD_CONFIG_POOL_H

#include "util/base.h"

struct pool_chunk;

struct pool {
	struct pool_chunk *chunks;
	u8 *cur, *end;
	size_t taken, max; /* bytes */
	bool failed;       /* something did not fit: what was made is not to be used */
};

/* n zeroed bytes, aligned for anything; NULL (and failed) past the maximum. */
void *pool_alloc(struct pool *p, size_t n);
/* A terminated copy; "" when there is no room. */
const char *pool_text(struct pool *p, const char *text, size_t n);
void pool_done(struct pool *p);

#endif
