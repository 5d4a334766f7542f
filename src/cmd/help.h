/* Texts made from the tables of commands and options: help, the man page. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CMD_HELP_H
#define PACKETD_CMD_HELP_H

#include "cmd/command.h"
#include "util/buf.h"

#define TAGLINE "packetd watches application traffic from outside the applications: each request joined with its response."

/* What `packetd --help` prints. */
void help_program(struct buf *out);
/* What `packetd CMD --help` prints. */
void help_command(struct buf *out, const struct command *cmd);
/* The man page, in man(7) macros. */
void help_man(struct buf *out);
/* Writes all of it to standard output. Returns an exit code: failed when it could not be written. */
int print_out(struct buf *out);

#endif
