/* How far a message has been read: part of the message. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MONGODB_READER_H
#define PACKETD_PROTO_MONGODB_READER_H

#include "util/base.h"

#define MONGO_LEVELS 20 /* documents within each other that are looked into */

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

#endif
