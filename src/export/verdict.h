/* What a back end's answer means for the batch. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_EXPORT_VERDICT_H
#define PACKETD_EXPORT_VERDICT_H

#include "export/http.h"
#include "export/outbox.h"

/* Sent: 2xx. Again: no answer, 408, 425, 429, 5xx but 501 and 505. Too large: 413. Not wanted: everything else. */
void verdict_http(struct outbox_result *ret, const char *name, const struct http_answer *a);
/* By grpc-status; RESOURCE_EXHAUSTED is tried again only when the server says when. */
void verdict_grpc(struct outbox_result *ret, const char *name, const struct http_answer *a);

#endif
