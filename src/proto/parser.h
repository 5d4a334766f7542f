/* What a protocol's parser is given and what it may call.
 *
 * A parser is a pure function of (state, bytes): whatever the segmentation, the same bytes give the same messages. It
 * never buffers, never logs, never looks at another protocol. It reads from the chunk, hands over messages through
 * parser_begin / parser_open / parser_close, and returns an enum parse verdict.
 *
 * Life of a message: parser_begin (first byte seen) -> fill in fields -> parser_open (it is known what it is: a request starts to
 * wait, a response finds its request) -> body bytes are skipped -> parser_close (last byte seen). Everything belongs to
 * the message's arena. One thread per connection. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_PARSER_H
#define PACKETD_PROTO_PARSER_H

#include "flow/conn.h"
#include "proto/message.h"

struct proto;
struct parser;

/* Settings parsers look at; constant for the run of a worker. */
struct proto_options {
	bool show_secrets;    /* do not mask passwords, tokens, cookies */
	bool pushes;          /* report messages a server pushes (redis pub/sub …) as oneway records */
	bool headers;         /* somebody wants header lists: keep them */
	bool details;         /* somebody wants more than the ledger: fill in all fields */
	bool no_redacted;     /* nobody wants statements without their literals */
	bool parameters;      /* show the values of prepared statements' parameters */
	u32 body_bytes;       /* prefix of bodies to keep, 0 none */
	u32 statement_length; /* characters of statement text to keep */
	bool carriers;        /* also report an exchange as one of the protocol that carries it (gRPC as HTTP/2) */
	u64 progress_ns;      /* tell of a long stream each time this has passed; 0 never */
	u32 max_records;      /* list items shown (DNS records, Kafka topics …) */
};

struct parser_ops {
	struct message *(*begin)(struct parser *ps, enum side side, size_t size);
	void (*open)(struct parser *ps, struct message *m);
	void (*close)(struct parser *ps, struct message *m);
	void (*drop)(struct parser *ps, struct message *m);
	struct message *(*request)(struct parser *ps, u64 key);
	void (*answer)(struct parser *ps, struct message *request, struct message *response);
	void (*handover)(struct parser *ps, const char *proto, struct message *request);
	struct message *(*waiting)(struct parser *ps, struct message *after);
	void (*reset)(struct parser *ps, struct message *request);
	void (*progress)(struct parser *ps, struct message *request);
};

struct parser {
	const struct proto *proto;
	const struct parser_ops *ops;
	const struct proto_options *opt;
	void *state;   /* proto->state_size bytes, zeroed when the protocol is chosen */
	void *shared;  /* proto->shared_size bytes, the same for all connections of a worker, zeroed at first; NULL when memory is lacking */
	struct chunk *chunk; /* what is being looked at */
	u64 *counters; /* LEDGER_* of the worker, for parser_count; may be NULL in tests */
	u8 dir;        /* direction of the chunk */
	u8 request_dir; /* direction that sends requests: DIR_A, DIR_B, or DIR_NONE while unknown; a parser may set it */
	bool datagram;  /* the chunk is one whole datagram */
	bool cut;       /* datagram only: bytes are missing at its end (snaplen) */
	bool multicast; /* datagram only: sent to a multicast or broadcast address, so that answers come from elsewhere */
	u32 datagram_len; /* datagram only: its bytes on the wire, more than the chunk's when cut; 0 unknown */
	bool partial[2]; /* this direction was joined mid-stream or has had a gap since its last complete message */
	u16 port[2];    /* ports of the two directions' senders */
	const char *next_proto; /* set by parser_handover: what the session is to do after this call */
	struct message *next_request;
};

/* A new message in this direction, `size` bytes zeroed (a protocol's structure), never NULL: without memory one that nobody
 * will see is returned. Past a cap of waiting requests one is given up as lost, and may be told so as soon as it is closed. */
static inline void *parser_begin(struct parser *ps, enum side side, size_t size)
{
	return ps->ops->begin(ps, side, size);
}

/* What the message is, is known (and its key is set). FIFO: a response takes the oldest waiting request; keyed: the
 * one with its key. Afterwards only sizes, times and late fields change. */
static inline void parser_open(struct parser *ps, struct message *m)
{
	ps->ops->open(ps, m);
}

/* The message is complete; do not touch it any more. Opens it first if that has not happened. Its last byte is taken to be
 * chunk->offset + chunk->used at the time of the call unless m->end is set. */
static inline void parser_close(struct parser *ps, struct message *m)
{
	ps->ops->close(ps, m);
}

/* Forgets a message: of no interest (an interim answer, a push) or nonsense. A request that was open ends as lost, or, when its
 * `error` says why there will be no answer, as no_response. */
static inline void parser_drop(struct parser *ps, struct message *m)
{
	ps->ops->drop(ps, m);
}

/* The waiting request that a response starting at this chunk would answer (FIFO: key ignored), NULL when unknown.
 * Valid until the response is closed. The parser may change its fields. */
static inline struct message *parser_request(struct parser *ps, u64 key)
{
	return ps->ops->request(ps, key);
}

/* Requests waiting on this connection, in either direction, oldest first: the one after `after` (NULL: the first), NULL at the
 * end. For an answer that does not carry the whole key. Look at a bounded number of them. */
static inline struct message *parser_waiting(struct parser *ps, struct message *after)
{
	return ps->ops->waiting ? ps->ops->waiting(ps, after) : NULL;
}

/* Pairs explicitly: `response` (open or not) answers `request`, which must be waiting. For protocols with rules of their own. */
static inline void parser_answer(struct parser *ps, struct message *request, struct message *response)
{
	ps->ops->answer(ps, request, response);
}

/* The exchange of this request, which must be open, ends here as reset: one side has given it up. What there is of an answer
 * (closed or not) goes with it; both messages are gone. */
static inline void parser_reset(struct parser *ps, struct message *request)
{
	ps->ops->reset(ps, request);
}

/* Tells what there is of an exchange that goes on; not counted as one. */
static inline void parser_progress(struct parser *ps, struct message *request)
{
	if (ps->ops->progress)
		ps->ops->progress(ps, request);
}

/* From the next byte on (both directions) the connection speaks `proto` (a registry name), or, with NULL, something
 * that is carried and not read, or, with "", something to be detected anew. `request` is the exchange that caused it (h2c Upgrade), or NULL. */
static inline void parser_handover(struct parser *ps, const char *proto, struct message *request)
{
	ps->ops->handover(ps, proto, request);
}

#endif
