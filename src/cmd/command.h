/* A command of the program: one file each, ending with its descriptor, listed in command_list.h.
 * The table of options drives parsing, help, the man page and the completions. Constant data.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CMD_COMMAND_H
#define PACKETD_CMD_COMMAND_H

#include "util/base.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* the work could not be done: no rights, file unreadable, disk full … */
	EXIT_USAGE = 2,  /* what was asked makes no sense: unknown word, bad rule, bad filter … */
};

enum option_type {
	OPTION_FLAG,     /* bool: --x, --x=true, --x=false */
	OPTION_TEXT,     /* const char * */
	OPTION_LIST,     /* struct option_list: may be given several times */
	OPTION_NUMBER,   /* u64 within [min, max] */
	OPTION_SIZE,     /* u64 bytes within [min, max]: 8M, 64k, 1G, 4096 */
	OPTION_DURATION, /* u64 ns: 500ms, 15s, 1h30m, bare seconds */
	OPTION_CHOICE,   /* u32: place in `choices`; empty means the first */
};

/* What the shell offers as values. */
enum option_values { VALUES_ANY, VALUES_FILE, VALUES_INTERFACE, VALUES_PROTOCOL };

#define OPTION_LIST_MAX 256

struct option_list {
	const char *v[OPTION_LIST_MAX];
	u32 n;
};

struct option {
	const char *name;   /* "pcap-file" */
	const char *alias;  /* a second long name, or NULL */
	char letter;        /* 'r', or 0 */
	bool hidden;        /* not in help, man page and completions */
	u8 type;            /* enum option_type */
	u8 values;          /* enum option_values */
	u32 offset;         /* in the command's structure of values */
	u64 min, max;       /* numbers and sizes; max 0: no limit */
	const char *const *choices; /* NULL-terminated */
	const char *value;  /* what help calls the value: "FILE" */
	const char *fallback; /* the default in words, or NULL */
	const char *group;  /* heading in help; NULL: as the option before */
	const char *help;
};

#define OPTION_AT(type_, struct_, member) .type = type_, .offset = offsetof(struct_, member)

struct example {
	const char *line, *meaning;
};

struct command {
	const char *name;
	const char *alias;     /* another name, or NULL */
	const char *arguments; /* "[COMMAND]", or NULL: takes none */
	const char *const *words; /* what the first one may be, for completions; NULL-terminated, or NULL */
	bool files;            /* arguments may be files */
	const char *summary;   /* a line */
	const char *about;     /* paragraphs, or NULL */
	u32 max_arguments;
	bool hidden;
	const struct option *options;
	size_t options_len;
	size_t values_size;    /* of the structure the options are parsed into, zeroed */
	const struct example *examples; /* ended by a NULL line; NULL: none */
	/* `values`: the parsed options. Returns the exit code. */
	int (*run)(void *values, char *const *arguments, u32 n);
};

/* All commands, in the order of help; NULL-terminated. */
extern const struct command *const command_all[];
/* By name or alias; NULL for an unknown one. */
const struct command *command_find(const char *name);
/* Runs the program: the whole of main. */
int command_main(int argc, char **argv);

#endif
