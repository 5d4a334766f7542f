/* What the files behind session.h share. Not for others. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_ROUNDTRIP_SESSION_PRIVATE_H
#define PACKETD_ROUNDTRIP_SESSION_PRIVATE_H

#include "roundtrip/session.h"

enum session_flag {
	S_RESYNC_A = 1,  /* direction A: the parser looks for a new start */
	S_RESYNC_B = 2,
	S_PARTIAL_A = 4, /* direction A was joined mid-stream or has had a gap */
	S_PARTIAL_B = 8,
	S_UNSURE = 16,   /* FIFO: it is not known which request the next response answers */
	S_BURST = 32,    /* the client has sent a request before the answer to the one before could have come */
	S_MULTI = 64,    /* … and not only in bursts that it waits for as a whole */
	S_TAINT = 128,   /* request bytes were lost: the next request may belong to a burst of which we miss the beginning */
	S_DOOMED = 256,  /* out of memory for messages: to be made opaque */
	S_HINTED = 512,  /* chosen by rule or port, not by content */
	S_NO_A = 1024,   /* direction A's first bytes are nobody's */
	S_NO_B = 2048,
	S_LOST_REQUESTS = 4096, /* request bytes have been lost since the last proved pair */
};

enum message_state {
	M_WAITING = 1,  /* on the waiting list */
	M_LOOSE = 2,    /* on the loose list */
	M_SUSPECT = 4,  /* answer bytes have been lost since it was sent */
	M_REPORTED = 8, /* timed out and told; stays to swallow a late answer */
	M_ANCHOR = 16,  /* its answer begins exactly at the offset the client had received (pair.c) */
	M_SPARE = 64,   /* not a real message: memory was lacking */
	M_ORPHAN = 128, /* a response whose request is not known */
	M_AFTER_LOSS = 512, /* sent after lost requests */
	M_WEAK = 1024,  /* the first request of a connection joined late: what follows its answer confirms the pair, or not */
	M_UNTRACKED = 2048, /* too many were waiting when it came: lost as soon as it has been read */
	M_BARRIER = 256, /* the first request after lost request bytes: answers up to here may be those of lost requests */
};

/* The consumer's bytes of a connection. */
struct session {
	const struct proto *proto; /* NULL: not known yet */
	void *state;
	struct message *first, *last; /* requests waiting, oldest first */
	struct message *loose;        /* messages not open yet, one-way ones, orphans */
	u64 active_ts;   /* latest time of a message */
	/* Stream offsets of answers, modulo 2^32. */
	u32 last_acked;  /* `acked` of the newest request + 1; 0 none */
	u32 gap_server;  /* reached when request bytes were lost */
	u32 lost_upto;   /* all losses are before it */
	u32 answer_end;  /* where the latest answer ended */
	u32 waiting;     /* requests on the list, without reported ones */
	u16 flags;       /* enum session_flag */
	u16 reported;    /* on the list, already told */
	u8 looked[2];    /* bytes of a direction looked at without recognising anything, / 64 */
	u8 desyncs;      /* since the last complete message */
	u8 request_dir;
	u16 round_requests, round_answers; /* since the client last began anew */
	bool round_lost : 1;  /* answer bytes have been lost since then */
	bool round_exact : 1; /* the first of these answers began where the client said */
	bool round_broken : 1; /* bytes of it have been lost, of either side */
	bool passed_over : 1; /* requests came since the newest on the list that are not kept track of */
	u8 balanced;     /* rounds in a row with as many answers as requests, exactly between the acknowledgements */
	u8 drained;      /* times the client began anew only after every answer had come, up to 255 */
	u8 maybe;        /* proto_all index + 1 of a direction's PROBE_MAYBE */
	u32 proxied;     /* 1 + number of an object of sessions.proxied; 0: there is none */
};

_Static_assert(sizeof(struct session) <= 88, "an idle connection must stay small");

struct sessions {
	struct session_options opt;
	struct proto_rule rules[SESSION_RULES_MAX];
	struct ledger *ledger;
	struct arena_pool pool;
	struct slab states[PROTO_MAX];
	struct slab proxied;   /* one a connection that began with a PROXY header */
	void *shared[PROTO_MAX]; /* proto->shared_size bytes, from the first connection on */
	struct message **keys; /* hash of waiting requests of keyed protocols */
	u32 keys_mask, keys_used;
	struct sink *sinks[SESSION_SINKS_MAX];
	u32 sinks_len;
	u64 now;
	struct arena_pool no_pool; /* of the spare message: refuses everything */
	u8 spare[2][8 * KIB];
};

/* A parser with what its operations need; lives on the stack during a call. */
struct session_parser {
	struct parser ps;
	struct sessions *all;
	struct session *s;
	struct conn *c;
};

static inline struct session *session_of(const struct conn *c)
{
	return conn_user(c);
}

static inline struct sessions *sessions_of(const struct conn *c)
{
	return flow_context(c->flow);
}

/* pair.c */
extern const struct parser_ops session_parser_ops;
/* A request ends: told to the sinks, counted, freed (or kept as reported when `keep`). `ts`: when the outcome was known. */
void pair_finish(struct conn *c, struct message *request, enum outcome outcome, const char *reason, u64 ts, bool keep);
/* Bytes of a direction are lost: what waits becomes suspect, what was in progress there ends. */
void pair_gap(struct conn *c, int dir, u64 ts);
/* Nothing can be answered any more: every waiting request ends this way; those that are still being read only if `unfinished`
 * (their parser must not be called again). */
void pair_finish_all(struct conn *c, enum outcome outcome, const char *reason, u64 ts, bool unfinished);
void pair_timeouts(struct conn *c, u64 now);
u64 pair_deadline(const struct session *s);
/* Frees every message of the connection without telling anybody. */
void pair_clear(struct conn *c);
/* A request that never became bytes (connection refused). */
void pair_report_refused(struct conn *c, const struct proto *proto, int request_dir, u64 ts);
struct ledger_proto *pair_ledger(struct conn *c, const struct proto *proto);

/* detect.c */
/* Chooses the protocol at the opening when a rule says so; false when the rules leave this connection out. */
bool detect_by_rule(struct conn *c);
/* Whether the rules (which may have changed) still let this connection in: without its packets, silence means nothing. */
bool detect_wanted(struct conn *c);
/* Looks at the first bytes of a direction. PARSE_OK with a protocol chosen, or MORE, DESYNC, NOT_MINE. */
enum parse detect_stream(struct conn *c, int dir, struct chunk *chunk);
bool detect_datagram(struct conn *c, int dir, const struct segment *seg);
/* The protocol whose rule or default port one side has, and the direction of its requests; NULL if none. */
const struct proto *detect_by_port(struct conn *c, u8 transport, int *ret_request_dir);

/* session.c */
bool session_start(struct conn *c, const struct proto *proto, int request_dir, bool hinted, struct message *request);
void session_stop(struct conn *c);

#endif
