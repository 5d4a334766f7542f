/* What OTLP's signals share: resource and scope around a batch, a request over HTTP or gRPC, what the answer means.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_OTLP_H
#define PACKETD_EXPORT_OTLP_H

#include "export/compress.h"
#include "export/http.h"
#include "export/outbox.h"

enum otlp_signal { OTLP_TRACES, OTLP_METRICS, OTLP_LOGS };

struct otlp {
	const struct config_otlp *config;
	enum otlp_signal signal;
	enum compression compression;
	struct buf resource; /* a Resource, encoded */
	struct outbox *outbox;
	struct http_target *target;
	char *url;
};

/* Checks the settings; the outbox is made with `options` completed. Negative errno with a sentence. */
int otlp_init(struct otlp *t, enum otlp_signal signal, const struct config_otlp *config, const struct exporter_env *env, struct outbox_options *options, struct buf *error);
void otlp_done(struct otlp *t);

/* Appends everything that stands before and around `n` bytes of records (fields 2 of a Scope…): ResourceSpans, ScopeSpans, …; the
 * records follow. */
void otlp_envelope(struct buf *out, const struct buf *resource, size_t n);
/* The resource's attributes; those of telemetry.sdk, and service.name when it is missing, are added. */
void otlp_resource(struct buf *out, const struct resource *r);

#endif
