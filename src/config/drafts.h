/* What is bound first and then made into the structures of config.h. Private to config/. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CONFIG_DRAFTS_H
#define PACKETD_CONFIG_DRAFTS_H

#include "config/config.h"

struct root_draft {
	struct config c; /* first: the root's table speaks of it */
	bool vm_histogram;
};

/* The protocols of the configuration language; a file may name those that this program was built without. */
#define CONFIG_PROTOCOLS(X) X(amqp) X(dns) X(grpc) X(http) X(http2) X(kafka) X(mongodb) X(mysql) X(postgresql) X(redis)

enum config_protocol {
#define X(name) CONFIG_PROTO_##name,
	CONFIG_PROTOCOLS(X)
#undef X
		CONFIG_PROTO_COUNT
};

struct processor_draft {
	struct config_processor p; /* first: what is kept */
	struct config_texts labels[CONFIG_PROTO_COUNT];
	u8 span_kind; /* enum draft_span_kind */
	struct config_texts edited; /* of drop, mask and hash: what the list is bound to before it becomes edits */
	struct config_pairs added;  /* of add and rename */
	u32 edits_cap;
};

enum draft_span_kind { SPAN_CLIENT, SPAN_SERVER, SPAN_BOTH };

#endif
