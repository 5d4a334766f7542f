/* The reference of all names in the output, from the field tables. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_ROUNDTRIP_PROTOCOLS_DOC_H
#define PACKETD_ROUNDTRIP_PROTOCOLS_DOC_H

#include "proto/proto.h"

/* Appends docs/PROTOCOLS.md: Markdown, the same for the same tables. `protos` ends with NULL. */
void protocols_doc(struct buf *out, const struct proto *const *protos);

#endif
