/* Parsing a command line by a table of options: --flag value, --flag=value, -f value, -fvalue, bundled letters,
 * flags after arguments, "--" ends them. Values point into argv. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CMD_OPTIONS_H
#define PACKETD_CMD_OPTIONS_H

#include "cmd/command.h"
#include "util/buf.h"
#include "util/number.h"

#define ARGUMENTS_MAX 64

struct arguments {
	char *v[ARGUMENTS_MAX];
	u32 n;
};

enum { OPTIONS_OK, OPTIONS_HELP };

/* Parses argv[0..argc) (after the command's name) into `values`. OPTIONS_OK, OPTIONS_HELP when -h or --help was given,
 * or -EINVAL with a sentence in `error`. */
int options_parse(const struct command *cmd, int argc, char **argv, void *values, struct arguments *ret_args, struct buf *error);
/* The option of this long name (or alias), or NULL. */
const struct option *options_find(const struct command *cmd, struct str name);

#endif
