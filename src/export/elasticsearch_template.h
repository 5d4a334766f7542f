/* How Elasticsearch is to map the documents. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_ELASTICSEARCH_TEMPLATE_H
#define PACKETD_EXPORT_ELASTICSEARCH_TEMPLATE_H

#include "util/buf.h"

/* The field that headers are kept in differs between stores: Elasticsearch's, OpenSearch's, or kept without being indexed. A store
 * refuses a template whose form it does not know. */
#define ELASTICSEARCH_FORMS 3

/* Appends the index template for this index or data stream. */
void elasticsearch_template(struct buf *out, const char *index, bool data_stream, unsigned form);

#endif
