/* A request joined with its response, or the way it ended without one. Handed to sinks on the worker's thread.
 * A view: everything in it is valid during the sink's call only. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_ROUNDTRIP_ROUNDTRIP_H
#define PACKETD_ROUNDTRIP_ROUNDTRIP_H

#include "flow/conn.h"
#include "proto/proto.h"

/* How a request ended; exactly one each. */
#define OUTCOMES(X)                                                                                       \
	X(OUTCOME_ANSWERED, "answered", "the response was seen to its end")                               \
	X(OUTCOME_NO_RESPONSE, "no_response", "timed out")                                                \
	X(OUTCOME_RESET, "reset", "connection reset, refused, or closed before the answer was complete")  \
	X(OUTCOME_LOST, "lost", "a capture gap: there may have been an answer")                           \
	X(OUTCOME_ONEWAY, "oneway", "the protocol has no answer to it")                                   \
	X(OUTCOME_OPEN, "open", "the capture ended, or the program stopped, while waiting")

enum outcome {
#define X(id, name, text) id,
	OUTCOMES(X)
#undef X
		OUTCOME_COUNT
};

const char *outcome_name(enum outcome o);
/* OUTCOME_COUNT for an unknown name. */
enum outcome outcome_find(struct str name);

/* Whom a proxy speaks for, by the header with which it begins a connection (PROXY protocol). */
struct proxied {
	struct ip_addr addr;
	u16 port; /* 0: it does not say */
};

struct roundtrip {
	const struct proto *proto;
	struct conn *conn;
	const struct message *request;  /* never NULL */
	const struct message *response; /* NULL unless something of an answer arrived */
	enum outcome outcome;
	struct str error;   /* error.type: the response's, the request's, or a transport reason; may be empty */
	u64 duration;       /* ns: request Time to response Time, or until the outcome was known; clamped at 0 */
	u64 first_byte;     /* ns: end of the request to first byte of the response; 0 without one */
	u64 transfer;       /* ns: first to last byte of the response */
	u64 rtt;            /* ns, 0 unknown */
	u32 retransmits;    /* during this exchange, both sides */
	u32 zero_windows;
	const struct proxied *proxied; /* NULL: no proxy, or it has not said */
	bool partial;
	bool progress;      /* the exchange goes on: what there is of it so far (outcome open); to be shown, not to be counted */
};

/* Who sent the request: its address and port; and the other side's. */
static inline u8 roundtrip_server_dir(const struct roundtrip *rt)
{
	return rt->request->dir ^ 1;
}

/* Somebody who takes RoundTrips, on the worker's thread: must be quick and must not block live capture. */
struct sink {
	void (*roundtrip)(struct sink *s, const struct roundtrip *rt);
	/* Time passes (about every 100 ms of capture time, and at the end with last = true): hand on what is batched. */
	void (*flush)(struct sink *s, u64 now, bool last);
};

#endif
