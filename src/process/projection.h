/* Projections: what redact, attributes and roundtripstotraces processors decide about fields, as tables.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROCESS_PROJECTION_H
#define PACKETD_PROCESS_PROJECTION_H

#include "config/config.h"
#include "process/view.h"

/* `before` (may be NULL, copied) with what this processor adds. 0, or -EINVAL with a line in `error` for each field nobody
 * has, or -ENOMEM. Texts of the configuration are borrowed. */
int projection_new(const struct projection *before, const struct config_processor *c, const u64 hash_key[2], struct projection **ret, struct buf *error);
void projection_free(struct projection *p);

#endif
