/* Names for stores that keep all protocols in one index, where a name is either a text or an object: Response.Message is the text of an
 * error for one protocol and the whole answer for another. Such texts get a name of their own. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_DISTINCT_H
#define PACKETD_EXPORT_DISTINCT_H

#include "proto/proto.h"

struct distinct {
	const char **names[PROTO_MAX]; /* by proto->index, then by row: the name instead of the row's own, or NULL; NULL: none of its rows */
};

/* False without memory. Texts are allocated: distinct_done. */
bool distinct_init(struct distinct *d);
void distinct_done(struct distinct *d);

#endif
