/* Text from elsewhere made fit for a terminal: one line, no control characters, cut to columns. Owns nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_TEXTLINE_H
#define PACKETD_UTIL_TEXTLINE_H

#include "util/buf.h"

#define TEXT_WHOLE UINT32_MAX

/* Appends the text, at most `columns` columns of it (TEXT_WHOLE: all), ending in … when it is cut; returns the columns used.
 * Controls, invalid UTF-8 and what changes the direction of writing are shown as \n, \x1b, \u202e; wide characters count as
 * two columns, combining ones as none. */
unsigned text_clean(struct buf *out, struct str s, unsigned columns);
/* Columns that text_clean would use without a limit. */
unsigned text_width(struct str s);
void text_spaces(struct buf *out, unsigned n);

/* "\n  the text\n      ^^^^\n": marks the n bytes from `at` on (at least one column); of a long text the part around them. */
void text_caret(struct buf *out, struct str text, u32 at, u32 n);

#endif
