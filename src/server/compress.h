/* Content codings of answers. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_SERVER_COMPRESS_H
#define PACKETD_SERVER_COMPRESS_H

#include "util/buf.h"

/* Replaces the body by its compressed form when the client takes one (zstd before gzip) and it is worth it. The name of the
 * coding, or NULL for none. `accept`: Accept-Encoding, or NULL. */
const char *compress_answer(struct buf *body, const char *accept);

#endif
