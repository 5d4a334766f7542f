/* Rules of the user: "this port (of this host) speaks this protocol", from text, and the capture filter they amount to.
 * Owns nothing beyond its own memory. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROCESS_RULES_H
#define PACKETD_PROCESS_RULES_H

#include "roundtrip/session.h"
#include "util/buf.h"

struct rules {
	struct proto_rule v[SESSION_RULES_MAX];
	u32 n;
};

/* Adds what one "protocol[;port,port…[;host]]" says: a rule for each port and address. Without ports the protocol is
 * taken wherever it is recognised. -EINVAL (or -E2BIG) with a sentence in `error`. Host names are resolved. */
int rules_add(struct rules *r, const char *text, struct buf *error);
/* libpcap filter text that lets through all that the rules can match, in whatever encapsulation or fragments it comes
 * (and some that they cannot). False, and nothing written, when everything has to be captured. */
bool rules_filter(const struct rules *r, struct buf *out);

#endif
