/* A RoundTrip as one line of JSON, as a pipeline hands it on: with what processors have decided, and the attributes they add.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_RECORD_JSON_H
#define PACKETD_EXPORT_RECORD_JSON_H

#include "export/distinct.h"
#include "process/view.h"

struct record_json {
	const char *(*interface)(void *arg, u32 worker, u16 ifindex); /* as in struct exporter_env; NULL: no names */
	void *arg;
	bool leaves_host;   /* literals of statements are replaced, unless the projection keeps them */
	const struct distinct *distinct; /* NULL: every row has its own name */
	u32 worker;
	struct buf scratch; /* record_json_done */
};

/* Appends the line with its \n. */
void record_json(struct record_json *r, struct buf *out, const struct view *v);
void record_json_done(struct record_json *r);

#endif
