/* The trace a message says it belongs to: W3C Trace Context, else B3 (single or multiple headers).
 * Borrows the header values; writes into the message. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_TRACE_CONTEXT_H
#define PACKETD_PROTO_TRACE_CONTEXT_H

#include "proto/message.h"

/* Header values as they came; empty when absent. */
struct trace_headers {
	struct str traceparent;
	struct str b3;
	struct str b3_trace_id, b3_span_id, b3_sampled, b3_flags; /* X-B3-TraceId … */
};

/* Fills in message.trace and has_trace when a complete, valid context is among them. */
void trace_context_set(struct message *m, const struct trace_headers *h);

#endif
