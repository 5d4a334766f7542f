/* "Did you mean": the known word nearest to a mistyped one. Owns nothing; the result is one of `known`.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_SUGGEST_H
#define PACKETD_UTIL_SUGGEST_H

#include <stddef.h>

/* The word of known[0..n) that takes the fewest insertions, deletions, substitutions and swaps of neighbours (without
 * regard to case), if few enough for the word's length; else the shortest one that begins with the word; else NULL. */
const char *suggest(const char *word, const char *const *known, size_t n);

#endif
