/* A RoundTrip as an OpenTelemetry span, or as a log record, appended to a batch. One encoder a worker, on its thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_SPAN_H
#define PACKETD_EXPORT_SPAN_H

#include "export/exporter.h"

#define SPAN_REUSE_DEFAULT 1000 /* spans that take over one context of the traffic */

struct span_encoder;

/* NULL without memory. */
struct span_encoder *span_encoder_new(const struct exporter_env *env);
void span_encoder_free(struct span_encoder *e);
/* How many spans the exchange becomes: 1, or 2 with a client's beside the server's. */
u32 span_count(const struct span_encoder *e, const struct view *v);
/* Appends them as ScopeSpans.spans. */
void span_encode(struct span_encoder *e, struct buf *out, const struct view *v);
/* Appends it as ScopeLogs.log_records. */
void log_encode(struct span_encoder *e, struct buf *out, const struct view *v);

#endif
