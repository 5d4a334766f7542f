/* Values back to text. Private to config/. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CONFIG_SHOW_H
#define PACKETD_CONFIG_SHOW_H

#include "config/schema.h"

/* The value of a key's member of `base`, as YAML on one line. Secrets as ***, unless `secrets`. */
void show_value(const struct key *k, const void *base, bool secrets, struct buf *out);

#endif
