/* A picture of the metrics as Prometheus remote write sends it: TimeSeries of version 1.0 (prometheus.WriteRequest) or 2.0
 * (io.prometheus.write.v2.Request) appended to the batches of shards. One thread. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_REMOTE_ENCODE_H
#define PACKETD_EXPORT_REMOTE_ENCODE_H

#include "config/config.h"
#include "export/outbox.h"
#include "metrics/snapshot.h"

#define REMOTE_EXTERNAL_MAX 32

struct remote_encoder;

struct remote_options {
	u8 version; /* 1 or 2 */
	const struct config_pairs *external;
	struct outbox_feed **feeds; /* a shard each; borrowed */
	u32 shards;
	/* 1.0 does not say when a counter began, and rates see nothing of what was in its first sample. So a series that was not in the
	 * picture before, or in the first one is younger than this (ns), also gets a 0 at the time it began. */
	u64 since;
};

/* NULL without memory. */
struct remote_encoder *remote_encoder_new(const struct remote_options *o);
void remote_encoder_free(struct remote_encoder *e);
/* Adds all series, and with `metadata` (1.0; 2.0 carries it with each series) what the families are, and hands over the batches. */
void remote_encode(struct remote_encoder *e, const struct snapshot *s, bool metadata);

#endif
