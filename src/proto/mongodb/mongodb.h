/* What the files of the MongoDB decoder share: its messages and its state of a connection.
 * Messages belong to their arena (proto/message.h); the state belongs to the connection and points to messages in progress
 * only. One thread per connection. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MONGODB_MONGODB_H
#define PACKETD_PROTO_MONGODB_MONGODB_H

#include "proto/mongodb/bson.h"
#include "proto/mongodb/ejson.h"
#include "proto/proto.h"

#define MONGO_LEVELS 20        /* documents within each other that are looked into */
#define MONGO_MASK "***"

enum mongo_op {
	OP_REPLY = 1,
	OP_UPDATE = 2001,
	OP_INSERT,
	OP_RESERVED,
	OP_QUERY,
	OP_GET_MORE,
	OP_DELETE,
	OP_KILL_CURSORS,
	OP_COMMAND = 2010,
	OP_COMMAND_REPLY,
	OP_COMPRESSED,
	OP_MSG,
};

enum mongo_compressor { COMPRESSOR_NONE, COMPRESSOR_SNAPPY, COMPRESSOR_ZLIB, COMPRESSOR_ZSTD, COMPRESSORS };

/* Where in a message a document is, as far as somebody wants to know what is in it. */
enum mongo_place {
	AT_NOWHERE, /* looked into for the statement's text only */
	AT_COMMAND, /* the command itself */
	AT_EXPLAINED,
	AT_READ_PREFERENCE,
	AT_CURSOR_OPTION,
	AT_SESSION,
	AT_LIST,    /* an array of which the elements are counted */
	AT_NS_LIST,
	AT_NS,
	AT_COMMENT,
	AT_REPLY,   /* from here on: of a reply; this is its outermost document */
	AT_CURSOR,
	AT_BATCH,   /* an array of documents returned */
	AT_BULK_RESULTS,
	AT_WRITE_ERRORS,
	AT_WRITE_ERROR,
	AT_WRITE_CONCERN,
};

enum mongo_level_flag {
	LEVEL_ARRAY = 1,
	LEVEL_SHOWN = 2,   /* it is in the statement */
	LEVEL_USED = 4,    /* … and has something in it there */
	LEVEL_FIRST = 8,   /* no element has been read yet */
	LEVEL_LITERAL = 16, /* the last thing in it is "?" in the fingerprint */
	LEVEL_MUTE = 32,   /* it is not in the fingerprint */
	LEVEL_ONE = 64,    /* of its elements the first stands for all in the fingerprint */
};

struct mongo_level {
	u32 end;  /* in bytes of the body */
	u8 place; /* enum mongo_place */
	u8 flags; /* enum mongo_level_flag */
};

/* What the bytes to come are. */
enum mongo_phase {
	PHASE_HEAD,     /* what the operation has before its first document or section */
	PHASE_SECTION,  /* OP_MSG: the kind of the next section */
	PHASE_SEQUENCE, /* OP_MSG: size and name of a document sequence */
	PHASE_ITEMS,    /* documents of a sequence */
	PHASE_WALK,     /* within a document */
	PHASE_DOCUMENTS, /* the next document of an operation that has them one after the other */
	PHASE_IDS,      /* OP_KILL_CURSORS */
	PHASE_TOKEN,    /* OP_MSG: security token */
	PHASE_REST,     /* nothing of interest */
};

/* Reading one message; begins with its header. */
struct mongo_reader {
	u32 at, end;     /* bytes of the body (what follows the header) passed and in all, without the checksum */
	u32 total;       /* … with it */
	u32 section_end; /* of a document sequence */
	u32 documents;   /* passed in this section or operation */
	u32 flags;       /* of OP_MSG, OP_QUERY, OP_REPLY */
	u32 id;          /* requestID of the header */
	u16 op;          /* enum mongo_op, of the message within when it is compressed */
	u8 phase;        /* enum mongo_phase */
	u8 depth;        /* levels in use */
	u8 texts;        /* zero-terminated texts to pass before the value, or the element, is over */
	u8 type;         /* … of the value that follows; 0 none */
	u8 compressor;   /* enum mongo_compressor */
	bool compressed;
	bool broken;     /* its contents make no sense: passed by its length */
	bool done;       /* the rest is of no interest */
	bool in_text;    /* the sequence is in the statement */
	u8 sequence;     /* enum mongo_place: AT_LIST when its documents are counted, AT_NS, AT_NOWHERE */
	struct mongo_level levels[MONGO_LEVELS];
};

/* Both sides' messages begin with this. */
struct mongo_message {
	struct message m;
	struct mongo_reader r;
	u64 wire_left;  /* compressed: bytes still to come */
	u32 id;         /* what the output shows: requestID, or responseTo */
	const char *op_text;
	bool show_secrets, more_to_come;
	const char *compressor_text; /* NULL: none */
	u32 documents;  /* sent, or returned */
	i64 cursor;
};

struct mongo_request {
	struct mongo_message h;
	struct str name;       /* of the command */
	struct str value;      /* of its first element, as text */
	struct str database, collection;
	struct str full;       /* namespace: database and collection */
	struct str statement, shape;
	struct str read_preference;
	i64 batch_size, txn_number;
	u8 session[16];
	bool has_session, has_txn;

	/* Of the decoder: */
	const struct mongo_command *known; /* NULL: not in the table */
	struct ejson text, shape_text;
	u32 tail_at;           /* where the statement goes on after its first element */
	bool named;            /* the command's name has been seen */
	bool is_command;       /* OP_QUERY that carries one */
	bool exhausts;         /* OP_QUERY: the server sends all there is without being asked for more */
	u8 kind;               /* enum mongo_kind */
	bool texts_kept;       /* they are in memory of their own */
};

struct mongo_response {
	struct mongo_message h;
	double ok;
	i32 code;
	struct str code_name;   /* as the server says, else as it is known */
	struct str message;     /* of the error */
	const char *legacy_error; /* OP_REPLY: by its flags */
	i64 n, modified;
	u32 write_errors;
	u32 replies;            /* of an exhaust cursor */

	/* Of the decoder: */
	i32 write_code, concern_code;
	struct str write_message, concern_name, concern_message, last_error;
	bool has_ok, has_concern;
	u8 command;             /* enum mongo_kind of the request */
	bool exhausts;          /* the request's */
};

struct unpacker;

struct mongo_state {
	struct mongo_message *current[2]; /* in progress, by direction */
	struct unpacker *unpack[2];
	struct mongo_response *exhaust; /* has had replies, and will have more */
	u32 exhaust_id;                 /* requestID of the latest of them */
	u64 exhaust_end, exhaust_ts;
	u64 message_end[2];             /* offset at which the one in progress ends */
	u64 end_known[2];               /* … at which the one that lost bytes ends; 0 unknown */
};

#endif
