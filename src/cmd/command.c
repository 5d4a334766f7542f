#include "cmd/command.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/help.h"
#include "cmd/options.h"
#include "util/suggest.h"

#define X(name) extern const struct command command_##name;
#include "cmd/command_list.h"
#undef X

const struct command *const command_all[] = {
#define X(name) &command_##name,
#include "cmd/command_list.h"
#undef X
	NULL,
};

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = command_all; *c; c++)
		if (strcmp((*c)->name, name) == 0 || ((*c)->alias && strcmp((*c)->alias, name) == 0))
			return *c;
	return NULL;
}

static int unknown_command(const char *word)
{
	const char *names[2 * ARRAY_LEN(command_all)];
	size_t n = 0;
	for (const struct command *const *c = command_all; *c; c++) {
		names[n++] = (*c)->name;
		if ((*c)->alias)
			names[n++] = (*c)->alias;
	}
	const char *close = suggest(word, names, n);
	fprintf(stderr, word[0] == '-' ? "Error: unknown flag: %s\n" : "Error: unknown command \"%s\" for \"packetd\"\n", word);
	if (close)
		fprintf(stderr, "Did you mean '%s'?\n", close);
	fprintf(stderr, "Run 'packetd --help' for usage.\n");
	return EXIT_USAGE;
}

static int print_help(const struct command *cmd)
{
	struct buf out = { 0 };
	if (cmd)
		help_command(&out, cmd);
	else
		help_program(&out);
	int rc = print_out(&out);
	buf_done(&out);
	return rc;
}

static int run_command(const struct command *cmd, int argc, char **argv)
{
	struct arguments args;
	struct buf error = { 0 };
	void *values = calloc(1, MAX(cmd->values_size, 1));
	int code;
	if (!values)
		return EXIT_FAILED;
	int rc = options_parse(cmd, argc, argv, values, &args, &error);
	if (rc == OPTIONS_OK) {
		code = cmd->run(values, args.v, args.n);
	} else if (rc == OPTIONS_HELP) {
		code = print_help(cmd);
	} else {
		fprintf(stderr, "Error: %s\nRun 'packetd %s --help' for usage.\n", buf_cstr(&error), cmd->name);
		code = EXIT_USAGE;
	}
	buf_done(&error);
	free(values);
	return code;
}

/* Started with a standard descriptor closed, the next file opened would take its place: messages would end up in data. */
static void open_standard_descriptors(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int command_main(int argc, char **argv)
{
	open_standard_descriptors();
	if (argc < 2 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)
		return print_help(NULL);
	const struct command *cmd = command_find(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
	return cmd ? run_command(cmd, argc - 2, argv + 2) : unknown_command(argv[1]);
}
