/* How Elasticsearch is to map the documents. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_ELASTICSEARCH_TEMPLATE_H
#define PACKETD_EXPORT_ELASTICSEARCH_TEMPLATE_H

#include "util/buf.h"

/* Appends the index template for this index or data stream. `plain`: without Elasticsearch's own type for headers, which are then kept but not
 * indexed. */
void elasticsearch_template(struct buf *out, const char *index, bool data_stream, bool plain);

#endif
