/* The commands servers know: how their first key is found, what the decoder must do for them. Names that are not here
 * are commands like any other (modules, renamed ones); their first argument is taken for their key.
 * Constant data. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_REDIS_COMMAND_H
#define PACKETD_PROTO_REDIS_COMMAND_H

#include "util/base.h"

#define COMMAND_NAME_MAX 24 /* bytes of the longest known name, padded */
#define COMMAND_SHOWN_MAX 64 /* bytes of an unknown name that are shown */

/* Commands the decoder treats in a way of their own. */
enum redis_kind {
	KIND_PLAIN,
	KIND_ACL,
	KIND_AUTH,
	KIND_CLIENT,
	KIND_CONFIG,
	KIND_DISCARD,
	KIND_EXEC,
	KIND_HELLO,
	KIND_MIGRATE,
	KIND_MONITOR,
	KIND_MULTI,
	KIND_PING,
	KIND_PSYNC,
	KIND_QUIT,
	KIND_REPLCONF,
	KIND_RESET,
	KIND_SELECT,
	KIND_SENTINEL,
	KIND_SYNC,
	KIND_WATCH,
	KIND_XREAD,
	KIND_SUBSCRIBE, /* from here on: answered by one confirmation a channel */
	KIND_PSUBSCRIBE,
	KIND_SSUBSCRIBE,
	KIND_UNSUBSCRIBE,
	KIND_PUNSUBSCRIBE,
	KIND_SUNSUBSCRIBE,
};

/* Where the first key is: an argument's index (0: there is none), or one of: */
enum redis_key {
	KEY_NONE = 0,
	KEY_STREAMS = 32, /* behind the word STREAMS */
	KEY_USAGE,        /* 2, of the subcommand USAGE only */
	KEY_OBJECT,       /* 2, of the subcommand OBJECT only */
	KEY_COUNTED_FLAG = 64, /* behind the number of keys, which is the argument of the index in the lower bits */
};
#define KEY_COUNTED(index) (KEY_COUNTED_FLAG | (index))

enum redis_command_flag {
	CMD_CONTAINER = 1, /* the first argument is a subcommand */
	CMD_BLOCKING = 2,  /* waits by design */
};

struct redis_command {
	char name[COMMAND_NAME_MAX]; /* upper case */
	int8_t arity; /* arguments with the command word; at least that many when negative */
	u8 key;   /* enum redis_key */
	u8 kind;  /* enum redis_kind */
	u8 flags; /* enum redis_command_flag */
};

/* The command of this name in any case, or NULL. */
const struct redis_command *redis_command_find(struct str name);
/* All of them, sorted by name. */
const struct redis_command *redis_command_all(size_t *n);
/* Does a known name begin with these letters? */
bool redis_command_begins(struct str prefix);
/* Could a server accept this as a command name? */
bool redis_command_plausible(struct str name);

static inline bool redis_kind_subscribes(u8 kind)
{
	return kind >= KIND_SUBSCRIBE;
}

#endif
