#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/help.h"
#include "config/config.h"
#include "util/suggest.h"

/* Where the agent looks when it is not told. */
#define DEFAULT_FILE "packetd.yaml"

static int print(void (*write)(struct buf *out))
{
	struct buf out = { 0 };
	write(&out);
	int code = print_out(&out);
	buf_done(&out);
	return code;
}

static int check_one(const char *path)
{
	struct buf errors = { 0 }, warnings = { 0 }, out = { 0 };
	struct config *c = NULL;
	int rc = config_load(strcmp(path, "-") == 0 ? "/dev/stdin" : path, &c, &errors, &warnings);
	int code = rc == 0 ? EXIT_OK : rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	fputs(buf_cstr(&errors), stderr);
	if (warnings.len)
		buf_addf(&out, "%s", buf_cstr(&warnings));
	if (code == EXIT_OK)
		buf_addf(&out, "%s: ok\n", path);
	int written = print_out(&out);
	config_free(c);
	buf_done(&errors);
	buf_done(&warnings);
	buf_done(&out);
	return code == EXIT_OK ? written : code;
}

static int check(char *const *files, u32 n)
{
	int worst = n ? EXIT_OK : check_one(DEFAULT_FILE);
	for (u32 i = 0; i < n; i++) {
		int code = check_one(files[i]);
		worst = MAX(worst, code);
	}
	return worst;
}

static int config_run(void *values, char *const *arguments, u32 n)
{
	static const char *const words[] = { "check", "schema", "docs" };
	if (n == 0)
		return print(config_sample);
	if (strcmp(arguments[0], "check") == 0)
		return check(arguments + 1, n - 1);
	if (n > 1)
		fprintf(stderr, "Error: unexpected argument '%s'\n", arguments[1]);
	else if (strcmp(arguments[0], "schema") == 0)
		return print(config_json_schema);
	else if (strcmp(arguments[0], "docs") == 0)
		return print(config_markdown);
	else
		fprintf(stderr, "Error: unknown word '%s'; expected check, schema or docs\n", arguments[0]);
	const char *close = n > 1 ? NULL : suggest(arguments[0], words, ARRAY_LEN(words));
	if (close)
		fprintf(stderr, "Did you mean '%s'?\n", close);
	fprintf(stderr, "Run 'packetd config --help' for usage.\n");
	return EXIT_USAGE;
}

static const struct example config_examples[] = {
	{ "packetd config > packetd.yaml", "a file to begin with" },
	{ "packetd config check packetd.yaml", "is it right? all that is wrong, with its line" },
	{ "packetd config schema > packetd.schema.json", "for editors that complete and check" },
	{ NULL, NULL },
};

const struct command command_config = {
	.name = "config",
	.arguments = "[check [FILE]... | schema | docs]",
	.max_arguments = 64,
	.summary = "Print a configuration file with all keys, or check one",
	.about = "Without an argument it prints a commented YAML file in which every key has its default. "
		 "'check' reads files (packetd.yaml when none is named, - for standard input) and says all that is wrong with them: exit status 0 when nothing is, "
		 "2 when something is, 1 when a file cannot be read. 'schema' prints a JSON Schema, 'docs' the reference of all keys in Markdown.",
	.examples = config_examples,
	.run = config_run,
};
