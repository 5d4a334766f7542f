/* What is known of the one who sends: attributes of the resource in OpenTelemetry's terms, from the host, the environment (OTEL_SERVICE_NAME,
 * OTEL_RESOURCE_ATTRIBUTES, and what Kubernetes' downward API is usually put into) and the configuration; the later ones win.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_RESOURCE_H
#define PACKETD_EXPORT_RESOURCE_H

#include "export/exporter.h"

#define RESOURCE_MAX 64

/* NULL without memory. `configured` (exporter.resource) is copied. */
struct resource *resource_new(const struct config_pairs *configured);
void resource_free(struct resource *r);
/* The value, or NULL. */
const char *resource_find(const struct resource *r, const char *name);

#endif
