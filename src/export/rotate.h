/* A file of lines that is renamed when it gets large, and whose old ones are removed. Appends; created 0600, missing
 * directories 0755. Owns its descriptor. One thread. Times are wall-clock. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_ROTATE_H
#define PACKETD_EXPORT_ROTATE_H

#include "util/base.h"

struct rotate_options {
	const char *path;  /* copied */
	u64 max_bytes;     /* renamed before it would exceed this; 0: never */
	u32 backups;       /* renamed files kept; 0: any number */
	u32 max_age_days;  /* renamed files older than this are removed; 0: never */
};

struct rotate;

/* Opens (and creates) the file. Negative errno. */
int rotate_open(const struct rotate_options *options, struct rotate **ret);
/* Appends whole lines ("…\n…\n"): a line is never split over two files, nor left half written when space runs out.
 * *ret_written: bytes of whole lines that are in the file, also when it fails. 0 or negative errno. */
int rotate_write(struct rotate *r, const char *lines, size_t n, size_t *ret_written);
/* Closes and opens the path again: somebody has moved the file away. */
int rotate_reopen(struct rotate *r);
void rotate_close(struct rotate *r);
/* True when `name` is what a file `base` is renamed to, such as "packetd-2025-03-01T09-00-00.000.roundtrips" for
 * "packetd.roundtrips". */
bool rotate_is_backup(const char *name, const char *base);

#endif
