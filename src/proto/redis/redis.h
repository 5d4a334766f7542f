/* What the files of the Redis decoder share: its messages, its state of a connection, its commands.
 * Messages belong to their arena (proto/message.h); the state belongs to the connection and points to messages in
 * progress only. One thread per connection. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_REDIS_REDIS_H
#define PACKETD_PROTO_REDIS_REDIS_H

#include "proto/proto.h"
#include "proto/redis/command.h"
#include "proto/redis/resp.h"
#include "proto/redis/text.h"

#define REDIS_INLINE_MAX 65536   /* bytes of an inline command; servers stop there, too */
#define REDIS_LEVELS 16          /* streamed aggregates within each other */
#define REDIS_ERROR_KEPT 512     /* bytes of an error's text that are looked at */
#define REDIS_MASK "***"

struct redis_request {
	struct message m;
	struct str command;   /* upper case, with the subcommand of container commands */
	struct str key;       /* first key, cut; empty when there is none */
	struct str statement; /* command and arguments as text, secrets masked, cut */
	struct str database;  /* index it was run in; empty for 0 and unknown */
	u32 args;             /* arguments, the command word included */

	/* Of the decoder: */
	const struct redis_command *known; /* NULL: not in the table */
	struct text text;     /* statement being written */
	u32 left;             /* arguments to come */
	u32 seen;             /* arguments complete */
	u32 key_at;           /* index of the argument that is the key; 0 none (yet) */
	u32 mask;             /* so many of the next arguments are secret */
	u32 number;           /* SELECT: database; HELLO: version, 0 none */
	u32 database_index;
	i32 adjust;           /* EXEC: values its answer holds beyond the announced ones */
	u8 kind;              /* enum redis_kind */
	u8 sub;               /* enum redis_sub */
	u8 reply;             /* CLIENT REPLY, and EXEC of one: enum redis_reply_mode + 1; 0 none */
	bool decided;
};

struct redis_response {
	struct message m;
	const char *data_type;
	struct str word;      /* error class: WRONGTYPE, MOVED… */
	struct str text;      /* error text, what it quotes masked, cut */
	struct str target;    /* MOVED, ASK: host:port */
	u64 elements;         /* values of the outermost aggregate, pairs of a map */
	bool nil;

	/* Of the decoder; what is copied from the request comes first: */
	u32 number;
	i32 adjust;
	u8 kind;
	u8 reply;
	u8 type;              /* RESP type byte of the outermost value, 0 while unknown */
	u8 status;            /* enum redis_status */
	bool streamed;        /* an aggregate of unknown length */
};

/* What a simple string says. */
enum redis_status { STATUS_NONE, STATUS_OK, STATUS_QUEUED, STATUS_OTHER };

/* Subcommands the decoder must know. */
enum redis_sub { SUB_NONE, SUB_SET, SUB_SETUSER, SUB_REPLY, SUB_ACK };

enum redis_reply_mode { REPLY_ON, REPLY_OFF, REPLY_SKIP_NEXT };

/* What the server's message in progress is. */
enum redis_incoming {
	IN_REPLY,
	IN_CONFIRM, /* one of the confirmations of a SUBSCRIBE and its kind */
	IN_PUSH,    /* asked for by nobody */
};

/* Where in a value the bytes to come are. */
enum redis_phase {
	PHASE_HEAD,   /* at the first byte of a line */
	PHASE_LINE,   /* in a text line whose beginning has been seen */
	PHASE_PASSED, /* behind bytes that were skipped: the value is complete */
	PHASE_CHUNK,  /* before a piece of a streamed string */
	PHASE_CHUNK_PASSED,
};

struct redis_state {
	struct redis_request *request; /* in progress */
	struct message *incoming;      /* the server's, in progress: a redis_response, or a redis_request for a push to be reported */
	struct redis_response *confirm; /* the answer of a SUBSCRIBE that still lacks confirmations */
	u64 confirm_end, confirm_ts;   /* end and time of the latest of them */
	u64 *levels;         /* values left outside of the streamed aggregates (in the arena of `incoming`) */
	u64 left;            /* values to come until `incoming`, or its innermost streamed aggregate, is complete */
	u64 scanned;         /* client: no line end before this offset */
	u32 confirms;        /* confirmations to come; 0: as many as the first will tell */
	u32 confirm_count;   /* subscriptions left, as the latest confirmation has it */
	u32 channels, patterns, shards; /* subscriptions */
	u32 database, database_sent;    /* confirmed by the server; as the client's commands have it */
	u32 database_queued; /* within a transaction */
	i32 adjust;          /* of the transaction being queued: redis_request.adjust */
	u8 phase;            /* enum redis_phase of the server's direction */
	u8 incoming_as;      /* enum redis_incoming */
	u8 confirm_kind;     /* enum redis_kind */
	u8 word_kind;        /* kind of command that the first word of an array confirms; KIND_PLAIN: none */
	u8 depth;            /* levels in use */
	u8 reply_mode;       /* enum redis_reply_mode */
	u8 queued_mode;      /* what it will be after EXEC */
	bool passed;         /* client: behind the bytes of an argument that were skipped */
	bool resp3;          /* HELLO 3 */
	bool queueing;       /* client: between MULTI and EXEC */
	bool transaction;    /* server: the same */
	bool monitor;
	bool unsure;         /* joined mid-stream, or bytes were lost: the flags above may be wrong */
	bool answered;       /* a reply has been seen since */
	bool top;            /* the outermost value has not begun: what comes are its attributes */
};

#endif
