/* Numbers and sizes as people type them. Owns nothing. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_NUMBER_H
#define PACKETD_UTIL_NUMBER_H

#include "util/base.h"

/* "8M", "64k", "512KiB", "1G", "4096": bytes; false when it is none of these. */
bool size_parse(struct str text, u64 *ret);
/* Digits only; false otherwise or past 64 bits. */
bool number_parse(struct str text, u64 *ret);

#endif
