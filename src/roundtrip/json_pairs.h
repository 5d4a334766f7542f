/* Header lists as JSON: an object of canonical name -> values, sorted by name. Internal to roundtrip/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_ROUNDTRIP_JSON_PAIRS_H
#define PACKETD_ROUNDTRIP_JSON_PAIRS_H

#include "proto/field.h"

/* {"Accept":["a","b"],"Content-Type":["c"]}. Names as Go's net/textproto writes them: each word capitalised, unless a byte
 * is not allowed in a header name; sorted by bytes; values of one name in the order of the wire. Allocates only for more
 * than 64 pairs or 4 KiB of names; without memory, what exceeds that is left out. */
void json_pairs(struct buf *out, const struct pairs *pairs);

/* The canonical form of name[0..n) into to[0..n). */
void header_canonical(char *to, const char *name, size_t n);

#endif
