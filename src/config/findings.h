/* What is wrong with a file, or worth a word: collected while it is read, shown in the order of the file.
 * Owns its texts; findings_done frees them. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CONFIG_FINDINGS_H
#define PACKETD_CONFIG_FINDINGS_H

#include "config/config.h"

#define FINDINGS_MAX 100 /* of each kind; more are counted */
#define FINDING_TEXT_MAX 8192

struct finding {
	struct config_place at;
	u32 order;
	bool warning;
	char *text; /* "key: what was found; …" */
};

struct findings {
	const char *file;
	struct finding v[2 * FINDINGS_MAX];
	u32 n, errors, warnings; /* errors and warnings: all of them, also those not kept */
	bool failed;             /* no memory */
};

/* `key` may be NULL. Lines after the first are kept (a marked expression). */
void finding_add(struct findings *f, bool warning, struct config_place at, const char *key, const char *text);
/* Writes the errors, or the warnings: "FILE:LINE:COLUMN: text", each with its newline. */
void findings_write(struct findings *f, bool warnings, struct buf *out);
void findings_done(struct findings *f);

/* Text out of the file, fit for a message: 'quoted', controls shown, cut to 60 columns. */
void finding_quote(struct buf *out, const char *text);

#endif
