/* Extended regular expressions over bytes. Compiled once; matching allocates nothing, takes no lock and never
 * backtracks: its time is bounded by text length times pattern length. A compiled pattern is constant and may be shared
 * by threads; pattern_free ends it. At most PATTERN_POSITIONS characters and classes once {n,m} is written out.
 *
 * ^ $ . [a-z] [^a-z] [[:alpha:]] ( ) | * + ? {n} {n,} {n,m}, \d \w \s \D \W \S \n \r \t \xHH, \ before anything else takes
 * it literally. (?i) at the start: ASCII letters match without case. No back references, no \b.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_PATTERN_H
#define PACKETD_UTIL_PATTERN_H

#include "util/base.h"

#define PATTERN_POSITIONS 512

struct pattern;

/* 0, or -EINVAL with *ret_problem (static text) and *ret_at (offset of it in the text), or -ENOMEM. */
int pattern_compile(struct str text, struct pattern **ret, const char **ret_problem, u32 *ret_at);
void pattern_free(struct pattern *p);
/* Whether any part of the text matches (all of it with ^ and $). */
bool pattern_match(const struct pattern *p, struct str text);

#endif
