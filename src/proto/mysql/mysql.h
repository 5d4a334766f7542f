/* What the files of the MySQL decoder share: its messages and its state of a connection.
 * Messages belong to their arena (proto/message.h). The state belongs to the connection, points to messages in progress only,
 * and owns what statements.h and unpack.h keep for it. One thread per connection. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MYSQL_MYSQL_H
#define PACKETD_PROTO_MYSQL_MYSQL_H

#include "proto/mysql/wire.h"
#include "proto/proto.h"
#include "proto/sql.h"

#define MYSQL_NAME_MAX 128 /* bytes of a user's or database's name that are remembered */

#define MYSQL_TYPES_KEPT 64 /* parameters whose type is remembered */

/* Types of the parameters bound to a statement, which clients send once. */
struct mysql_types {
	u64 is_unsigned; /* by bit */
	u8 n;
	u8 v[MYSQL_TYPES_KEPT];
};

struct mysql_request {
	struct message m;
	const char *command;  /* output name; empty when it is not known */
	const char *system;   /* mysql or mariadb */
	struct sql sql;
	struct str database, user;
	struct str client, program; /* LOGIN: what the client says of itself */
	struct strs types;    /* EXECUTE: of the parameters */
	struct strs values;   /* and what they are bound to */
	u32 statement_id;
	bool encrypted;       /* SSL_REQUEST: what follows cannot be read */

	/* Of the decoder: */
	u64 file_bytes;       /* LOCAL INFILE: what the client sent of the file */
	u8 com;               /* enum mysql_com */
	u8 seq;               /* of its last packet */
	const struct mysql_types *bound; /* EXECUTE of a statement whose number is not known yet: types that came with it */
	bool uses;            /* changes the database to `target` */
	struct str target;
};

enum mysql_shape { SHAPE_OK, SHAPE_ERROR, SHAPE_ROWS, SHAPE_INFILE, SHAPE_PREPARED, SHAPE_OTHER };

struct mysql_response {
	struct message m;
	const char *kind;
	u64 affected, insert_id, rows, file_bytes;
	u32 columns, result_sets;
	u32 code;             /* of an error */
	u32 statement_id, params;
	u32 thread;           /* LOGIN: id of the connection at the server */
	u16 status, warnings;
	struct str text, sqlstate;
	struct str version, plugin; /* LOGIN */
};

/* Where in an answer the server's next packet is. */
enum mysql_expect {
	EXPECT_FIRST,   /* nothing of it, or of a further result, has come */
	EXPECT_COLUMNS, /* definitions, `definitions` of them */
	EXPECT_EOF,     /* what ends them, unless the client asked to leave that out */
	EXPECT_ROWS,
	EXPECT_PARAMS,  /* PREPARE: definitions of the parameters, */
	EXPECT_PARAMS_EOF,
	EXPECT_FIELDS,  /* FIELD_LIST: definitions up to an EOF */
	EXPECT_RESULT,  /* LOCAL INFILE: OK or an error, when the client has sent the file */
};

enum mysql_phase {
	PHASE_COMMAND,  /* also when the beginning was not seen */
	PHASE_LOGIN,    /* the client is to log in, */
	PHASE_AUTH,     /* and both sides are at it */
};

/* What becomes of a packet when its last byte has come. */
enum mysql_end { END_NOTHING, END_CLOSE, END_ENCRYPTED, END_LEAVE };

/* One direction's place in its packets. */
struct mysql_lane {
	u32 left;     /* bytes of the packet to be passed over */
	u8 seq;       /* of the latest packet */
	u8 end;       /* enum mysql_end */
	bool inside;  /* a packet's beginning has been looked at */
	bool goes_on; /* the packet was as long as can be: the next one continues it */
};

enum known { UNKNOWN, NO, YES };

struct mysql_unpack;
struct mysql_statements;

struct mysql_state {
	struct mysql_lane lane[2];
	struct mysql_unpack *unpack[2]; /* compressed connections: unpack.h */
	u64 frame_end[2];               /* and where the frame in progress ends */
	struct mysql_statements *statements; /* prepared ones; NULL: none */
	struct mysql_request *request;  /* the client's message in progress */
	struct mysql_response *response; /* the server's */
	struct mysql_request *asked;    /* whose answer that is; NULL unknown */
	u32 client_caps, server_caps;   /* 0: not seen */
	u32 maria_caps;                 /* MariaDB's extended ones, as agreed on */
	u32 thread;
	u32 definitions;  /* that are still to come */
	u32 then_columns; /* PREPARE: of columns, behind those of the parameters */
	u32 last_id;      /* statement prepared last */
	u8 phase;         /* enum mysql_phase */
	u8 expect;        /* enum mysql_expect */
	u8 eof;           /* enum known: are there EOF packets behind definitions? */
	u8 attributes;    /* enum known: do statements begin with attributes? */
	u8 answered_com;  /* enum mysql_com of the latest complete answer */
	bool maria;
	bool begun;       /* something has been looked at */
	bool missed;      /* joined late, or bytes were lost, or texts forgotten: a statement that is not known may exist all the same */
	bool user_unknown, database_unknown;
	bool compressed;
	bool infile;      /* the client sends a file */
	bool authenticates; /* the client answers to the server's questions */
	u8 database_n, user_n, version_n;
	char database[MYSQL_NAME_MAX], user[MYSQL_NAME_MAX], version[64];
};

#endif
