/* The descriptor of a protocol: one per folder, at the end of its decoder, listed in proto_list.h.
 * Constant data. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_PROTO_H
#define PACKETD_PROTO_PROTO_H

#include "flow/conn.h"
#include "proto/field.h"
#include "proto/parser.h"

enum pairing { PAIR_FIFO, PAIR_KEYED };

enum transport { OVER_TCP = 1, OVER_UDP = 2 };

/* How sure a protocol is that the first bytes of a direction are its own, without looking at ports. */
enum probe {
	PROBE_NO,     /* cannot be */
	PROBE_MORE,   /* too few bytes to tell, nothing speaks against it */
	PROBE_MAYBE,  /* fits, but so might others: believed when the port fits, too */
	PROBE_SURE,
};

/* PROTO_http, PROTO_dns, … */
enum proto_index {
#define X(name) PROTO_##name,
#include "proto/proto_list.h"
#undef X
	PROTO_COUNT
};

struct proto {
	const char *name;    /* configuration name, and `Proto` of the output */
	const char *title;   /* for people */
	const u16 *ports;    /* default ports, 0-terminated: hints only */
	u8 transports;       /* enum transport bits */
	u8 pairing;          /* enum pairing */
	bool serial;         /* FIFO: clients wait for each answer before they send on, as a rule (HTTP/1) */
	const struct proto *carrier; /* whose exchanges its own are, too; same messages. NULL: none */
	bool tells_tls;      /* probe knows a connection of its own that is encrypted from the first byte on (ALPN) */
	bool survives;       /* keyed: what is in progress outlives lost bytes; the parser itself ends it */
	u8 index;            /* its place in proto_all, PROTO_<name> */
	u8 weight;           /* tie-breaker among equal probes: higher first */
	u16 state_size;      /* bytes of parser state a connection */
	u32 shared_size;     /* bytes the connections of a worker have in common: what one of them tells about others; touched only when used */
	u16 request_size, response_size; /* bytes of the message structures */
	u32 timeout_ms;      /* default wait for an answer; 0: the general setting */
	const struct field *fields;
	size_t fields_len;

	/* Looks at the first n bytes of a direction (of a datagram); *side says who sends them when it is not PROBE_NO. */
	enum probe (*probe)(const u8 *p, size_t n, enum side *side);
	/* The protocol has been chosen (state is zeroed). `request`: the exchange that handed over, or NULL. May be NULL. */
	void (*start)(struct parser *ps, struct message *request);
	enum parse (*parse)(struct parser *ps, struct chunk *c);
	/* Bytes are missing in ps->dir: forget what was half read there (messages in progress are ended by the caller). */
	void (*gap)(struct parser *ps);
	/* After a gap, mid-stream or PARSE_DESYNC: offset of the first message start the bytes prove, or
	 * -1: none here (all are dropped), or -2 - k: the last k bytes might begin one, keep them. */
	long (*resync)(struct parser *ps, const struct chunk *c);
	/* ps->dir has ended with a FIN. Messages that last until then are closed here. May be NULL. */
	void (*fin)(struct parser *ps);
	/* Frees what the state points to. May be NULL. */
	void (*done)(void *state);
	/* One-line views for the table: what was asked ("GET /items"), and what came back ("200 11B"). `m` is never NULL. */
	void (*describe)(const struct message *m, struct buf *out);
};

/* All protocols, in the order of proto_list.h; NULL-terminated. */
extern const struct proto *const proto_all[];
/* The protocol of this name, or NULL. */
const struct proto *proto_find(struct str name);
static inline unsigned proto_index(const struct proto *p)
{
	return p->index;
}

#define PROTO_MAX 64 /* protocols at the most */

#endif
