/* A snapshot as text or protobuf, as Prometheus reads it. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_METRICS_EXPOSE_H
#define PACKETD_METRICS_EXPOSE_H

#include "metrics/snapshot.h"

enum expose_format {
	EXPOSE_TEXT,        /* text/plain; version=0.0.4 */
	EXPOSE_OPENMETRICS, /* application/openmetrics-text; version=1.0.0 */
	EXPOSE_PROTOBUF,    /* application/vnd.google.protobuf; io.prometheus.client.MetricFamily; delimited: has native histograms */
};

/* What an Accept header asks for, with its q-values; text when it says nothing we know. */
enum expose_format expose_negotiate(const char *accept);
const char *expose_content_type(enum expose_format f);
/* Appends the whole snapshot; the buffer is marked failed when it does not fit. */
void expose(struct buf *out, const struct snapshot *s, enum expose_format f);

#endif
