/* A request's body as the wire wants it. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_COMPRESS_H
#define PACKETD_EXPORT_COMPRESS_H

#include "util/buf.h"

enum compression { COMPRESS_NONE, COMPRESS_GZIP, COMPRESS_ZSTD, COMPRESS_SNAPPY /* block format */ };

/* "", "none", "gzip", "zstd", "snappy"; false for another. */
bool compression_parse(const char *name, enum compression *ret);
/* "gzip": the Content-Encoding; NULL for none. */
const char *compression_name(enum compression c);
/* Appends the parts, one after the other, compressed. False (and nothing appended) without memory. */
bool compress_parts(struct buf *out, enum compression c, const struct str *parts, u32 n);

#endif
