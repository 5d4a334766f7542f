/* What the files of the MongoDB decoder share: its messages and its state of a connection.
 * Messages belong to their arena (proto/message.h); the state belongs to the connection and points to messages in progress
 * only. One thread per connection. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MONGODB_MONGODB_H
#define PACKETD_PROTO_MONGODB_MONGODB_H

#include "proto/mongodb/bson.h"
#include "proto/mongodb/ejson.h"
#include "proto/mongodb/reader.h"
#include "proto/proto.h"

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
	bool monitoring;       /* what drivers do by themselves */

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
