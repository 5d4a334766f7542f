/* RoundTrips as lines: written on the worker's thread straight into a batch of its line feed.
 * One per worker and output; owned by who made it, freed after the sessions it was added to.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_FILE_SINK_H
#define PACKETD_EXPORT_FILE_SINK_H

#include "export/lines.h"
#include "roundtrip/json.h"
#include "roundtrip/roundtrip.h"
#include "roundtrip/table.h"

struct file_sink_options {
	struct line_feed *feed;
	struct table *table;      /* lines for people; NULL: JSON. Shared by the sinks of one output */
	struct json_options json; /* `interface` is called on the worker's thread */
};

/* NULL without memory. */
struct sink *file_sink_new(const struct file_sink_options *options);
void file_sink_free(struct sink *sink);

#endif
