#include "config/config.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/command.h"
#include "cmd/help.h"
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

/* Warnings go with the errors: standard output has what was asked for. */
static int load(const char *path, struct config **ret)
{
	struct buf errors = { 0 }, warnings = { 0 };
	int rc = config_load(path, ret, &errors, &warnings);
	fputs(buf_cstr(&errors), stderr);
	if (warnings.len)
		fputs(buf_cstr(&warnings), stderr);
	buf_done(&errors);
	buf_done(&warnings);
	return rc == 0 ? EXIT_OK : rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

static int check_one(const char *path)
{
	struct config *c = NULL;
	struct buf out = { 0 };
	int code = load(path, &c);
	if (code == EXIT_OK) {
		buf_addf(&out, "%s: ok\n", path);
		code = print_out(&out);
	}
	config_free(c);
	buf_done(&out);
	return code;
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

/* Without a file: the defaults. */
static int show(const char *path)
{
	struct config *c = NULL;
	struct buf out = { 0 };
	int code = EXIT_OK;
	if (path)
		code = load(path, &c);
	else if (!(c = config_default()))
		code = EXIT_FAILED;
	if (c) {
		config_show(c, &out);
		code = print_out(&out);
	}
	config_free(c);
	buf_done(&out);
	return code;
}

static const char *const config_words[] = { "check", "show", "schema", "docs", NULL };

static int unknown_word(const char *word)
{
	const char *close = suggest(word, config_words, ARRAY_LEN(config_words) - 1);
	fprintf(stderr, "Error: unknown word '%s'; expected check, show, schema or docs\n", word);
	if (close)
		fprintf(stderr, "Did you mean '%s'?\n", close);
	fprintf(stderr, "Run 'packetd config --help' for usage.\n");
	return EXIT_USAGE;
}

static int config_run(void *values, char *const *arguments, u32 n)
{
	if (n == 0)
		return print(config_sample);
	if (strcmp(arguments[0], "check") == 0)
		return check(arguments + 1, n - 1);
	bool shows = strcmp(arguments[0], "show") == 0, schema = strcmp(arguments[0], "schema") == 0;
	if (!shows && !schema && strcmp(arguments[0], "docs") != 0)
		return unknown_word(arguments[0]);
	if (n > (shows ? 2 : 1)) {
		fprintf(stderr, "Error: unexpected argument '%s'\nRun 'packetd config --help' for usage.\n", arguments[n - 1]);
		return EXIT_USAGE;
	}
	if (shows)
		return show(n == 2 ? arguments[1] : NULL);
	return print(schema ? config_json_schema : config_markdown);
}

static const struct example config_examples[] = {
	{ "packetd config > packetd.yaml", "a file to begin with" },
	{ "packetd config check packetd.yaml", "all that is wrong with it, by line" },
	{ "packetd config schema > packetd.schema.json", "for editors that complete and check" },
	{ NULL, NULL },
};

const struct command command_config = {
	.name = "config",
	.arguments = "[check [FILE]... | show [FILE] | schema | docs]",
	.words = config_words,
	.files = true,
	.max_arguments = 64,
	.summary = "Print a configuration file with all keys, or check one",
	.about = "Without an argument it prints a commented YAML file in which every key has its default. "
		 "'check' reads files (packetd.yaml when none is named, - for standard input) and says all that is wrong with them: exit status 0 when nothing is, "
		 "2 when something is, 1 when a file cannot be read. 'show' prints every value in effect, of a file or the defaults, secrets hidden. "
		 "'schema' prints a JSON Schema, 'docs' the reference of all keys in Markdown.",
	.examples = config_examples,
	.run = config_run,
};
