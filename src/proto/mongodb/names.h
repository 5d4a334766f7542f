/* Commands the decoder knows more of than their name, and names of error codes. Constant data.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MONGODB_NAMES_H
#define PACKETD_PROTO_MONGODB_NAMES_H

#include "util/base.h"

/* Commands that are treated in a way of their own. */
enum mongo_kind {
	KIND_OTHER,
	KIND_HELLO,
	KIND_GET_MORE,
	KIND_KILL_CURSORS,
	KIND_EXPLAIN,
	KIND_DISTINCT,
	KIND_BULK_WRITE,
	KIND_LAST_ERROR,
	KIND_LEGACY_QUERY, /* OP_QUERY and OP_GET_MORE: the answer is documents, and no word about success */
};

/* What the text after the command's name is. */
enum mongo_target { TARGET_NONE, TARGET_COLLECTION, TARGET_NAMESPACE };

struct mongo_command {
	const char *name; /* lower case: servers have both spellings of some */
	u8 kind, target;
	bool sensitive;   /* what it says is secret */
};

/* NULL: any other command. Letters of any case. */
const struct mongo_command *mongo_command_find(struct str name);
/* As the server's source calls it; NULL for codes without a name. */
const char *mongo_code_name(i32 code);

#endif
