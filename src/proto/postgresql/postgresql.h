/* What the files of the PostgreSQL decoder share: its messages and its state of a connection.
 * Messages belong to their arena (proto/message.h). The state belongs to the connection, points to the two messages in
 * progress, and owns its tables of names, `spare` and `who`. One thread per connection. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_POSTGRESQL_POSTGRESQL_H
#define PACKETD_PROTO_POSTGRESQL_POSTGRESQL_H

#include "proto/postgresql/names.h"
#include "proto/postgresql/wire.h"
#include "proto/proto.h"

#define PG_NAME_SHOWN 64 /* bytes of a name */

enum pg_kind {
	PG_STARTUP,
	PG_QUERY,
	PG_PREPARE,
	PG_BIND,
	PG_DESCRIBE,
	PG_EXECUTE,
	PG_CLOSE,
	PG_FUNCTION,
	PG_CANCEL,
	PG_COPY_IN,
	PG_COPY_OUT,
	PG_COPY_BOTH,
	PG_NOTIFICATION, /* pushed by the server */
	PG_KINDS
};

/* Which fields of Packet a message has (field.shapes). */
enum pg_request_shape { PG_SHAPE_STATEMENT, PG_SHAPE_DESCRIBE, PG_SHAPE_OTHER };
enum pg_response_shape { PG_SHAPE_COMPLETE, PG_SHAPE_ERROR, PG_SHAPE_FLAG };

/* What a request consists of. */
enum pg_part {
	PG_PARSED = 1,
	PG_BOUND = 2,
	PG_DESCRIBED = 4,
	PG_EXECUTED = 8,
	PG_CLOSES = 16,
	PG_EXTENDED = 31, /* any of the above: the extended protocol */
	PG_SYNCED = 32,   /* a Sync followed: the answer goes on to ReadyForQuery */
	PG_SKIPPED = 64,  /* the server skips it after an error */
};

struct pg_request {
	struct message m;
	const char *kind;      /* name of `is` */
	const char *packet;    /* the message it is named after, as metrics have it */
	struct sql sql;        /* the statement; "?" when it is not known */
	struct str name;       /* of the prepared statement; channel of a notification; user's application at startup */
	struct str portal;
	const char *type;      /* describe, close: S or P */
	struct str object;     /* and its name */
	struct str user, database, application;
	const char *encryption; /* startup: what was asked for and what came of it */
	u32 version;           /* startup: major << 16 | minor; 0 for others */
	u32 process;           /* the server's, of the connection; cancel: whom; notification: by whom */
	u32 function;          /* function_call: its OID */
	u32 rows_max;          /* execute: 0 all */
	struct strs values;    /* what the parameters are bound to */
	bool replication;

	/* Of the decoder: */
	u64 statement_of;      /* hash of the portal whose statement it shows */
	u32 batch;             /* Syncs its client had sent before */
	u32 parse_serial;      /* pg_names_put of its Parse */
	u32 text_serial;       /* of the text that it describes */
	u32 expect;            /* replies until it is complete, when nothing is executed */
	u8 is;                 /* enum pg_kind */
	u8 parts;              /* enum pg_part */
};

struct pg_response {
	struct message m;
	struct str command;    /* first word of the first tag */
	struct strs tags;      /* whole tags, when there are several, or one of several words */
	u64 rows;              /* that the tags tell, or that were counted where they tell none */
	const char *flag;
	struct str severity, code, text;
	const char *transaction; /* status after it */
	u64 copy_bytes, copy_rows;
	u32 copy_messages;
	u32 notices;
	u32 columns;           /* of the last result */
	u32 process;           /* startup: the server's process */
	u32 version;           /* startup: what the server speaks at the most, when that is less than asked for */
	const char *authentication;
	bool suspended;        /* the portal has more rows */

	/* Of the decoder: */
	struct str first_tag;
	u64 counted;           /* rows since the last tag */
	u32 got;               /* replies that are answered one by one */
	u32 statements;        /* tags, empty queries among them */
	bool complete;         /* nothing but ReadyForQuery is to follow */
	u8 copy;               /* enum pg_kind of a COPY under way; 0 none */
};

enum pg_flag {
	PG_TYPED = 1,       /* the client is past its startup message */
	PG_NO_STARTUP = 2,  /* it was not seen: joined midway */
	PG_FAILED = 4,      /* the server skips what belongs to failed_batch */
	PG_READY_KNOWN = 8, /* `ready` counts right */
	PG_PASSED_CLIENT = 16, /* behind the bytes of a message that were skipped */
	PG_MISSED = 32,     /* some of what its client said was not seen */
	PG_TYPES_LOST = 64, /* and of its server, which may have told types of parameters */
	PG_HELLO = 128,     /* it has begun with TLS: the server's next byte ends what can be read */
};

struct pg_state {
	struct pg_request *unit;    /* the client's exchange in progress */
	struct pg_response *answer; /* the server's */
	struct pg_names statements, portals;
	struct pg_text *spare;      /* see pg_text_new */
	char *who;                  /* user, then database; malloc'ed */
	u32 texts_made;
	u64 copy_bytes;             /* the client's, of a COPY under way */
	u32 copy_messages;
	u32 batch;                  /* Syncs sent (and what is one, too: queries, function calls) */
	u32 ready;                  /* ReadyForQuery seen */
	u32 failed_batch;
	u32 process;                /* the server's, once it has told */
	u8 flags;                   /* enum pg_flag */
	u8 user_len, database_len;
	u8 encryption_asked;        /* SSLRequest and GSSENCRequest whose one-byte answer has not come */
};

#endif
