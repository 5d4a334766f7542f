/* A session is the life of one connection above the bytes: which protocol it speaks, its parser, the requests that
 * wait for an answer. It consumes the flow layer's streams and hands RoundTrips to the sinks.
 * One `struct sessions` per worker thread; it owns parser states, messages and waiting requests.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_ROUNDTRIP_SESSION_H
#define PACKETD_ROUNDTRIP_SESSION_H

#include "flow/flow.h"
#include "roundtrip/ledger.h"
#include "roundtrip/roundtrip.h"

#define SESSION_SINKS_MAX 8
#define SESSION_RULES_MAX 256

/* Traffic on a port (of a host) is of this protocol: no detection, or a hint for it. */
struct proto_rule {
	const struct proto *proto;
	u16 port;             /* 0: by content, on any port */
	bool has_host;
	struct ip_addr host;
};

/* Copied by sessions_new and sessions_set_options. All zero means automatic detection with the defaults. */
struct session_options {
	struct proto_options proto;
	const struct proto_rule *rules; /* when there are any, nothing else is decoded; copied */
	u32 rules_len;
	u64 timeout_ns;      /* a TCP request without an answer is given up after; 0: what its protocol says, else 60 s */
	u64 udp_timeout_ns;  /* 0: what its protocol says, else 15 s */
	u32 max_waiting;     /* requests waiting on one connection; 0: 10 000 */
	u64 message_bytes;   /* memory of all messages; 0: 256 MiB */
	/* Decides which RoundTrips reach the sinks; NULL: all. */
	bool (*keep)(void *arg, const struct roundtrip *rt);
	void *keep_arg;
};

struct sessions;

/* NULL without memory. The ledger is the worker's and must outlive the sessions. */
struct sessions *sessions_new(const struct session_options *options, struct ledger *ledger);
void sessions_free(struct sessions *s);
/* Between packets: rules, time-outs and parser options from now on. -E2BIG for too many rules. */
int sessions_set_options(struct sessions *s, const struct session_options *options);
/* Sinks are called in the order they were added; borrowed. -E2BIG past SESSION_SINKS_MAX. */
int sessions_add_sink(struct sessions *s, struct sink *sink);
/* Tells the sinks that time passes; `last` at the end. */
void sessions_flush(struct sessions *s, u64 now, bool last);
/* The consumer table for flow_new; pass the sessions as its context. */
extern const struct stream_consumer session_consumer;

#endif
