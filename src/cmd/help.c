#include "cmd/help.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/options.h"
#include "roundtrip/filter.h"
#include "util/suggest.h"

int print_out(struct buf *out)
{
	size_t done = 0;
	while (!out->failed && done < out->len) {
		ssize_t n = write(STDOUT_FILENO, out->data + done, out->len - done);
		if (n < 0 && errno != EINTR)
			return errno == EPIPE ? EXIT_OK : EXIT_FAILED;
		done += n > 0 ? (size_t)n : 0;
	}
	return out->failed ? EXIT_FAILED : EXIT_OK;
}

/* Adds text in lines of at most 100 columns, each after the first indented by `indent`. */
static void wrap(struct buf *out, const char *text, int indent)
{
	size_t column = (size_t)indent;
	while (*text) {
		size_t n = strcspn(text, " ");
		if (column + n + 1 > 100 && column > (size_t)indent) {
			buf_addf(out, "\n%*s", indent, "");
			column = (size_t)indent;
		}
		if (column > (size_t)indent)
			buf_addc(out, ' '), column++;
		buf_add(out, text, n);
		column += n;
		text += n;
		text += strspn(text, " ");
	}
	buf_addc(out, '\n');
}

static void option_line(struct buf *out, const struct option *o)
{
	size_t start = out->len;
	buf_adds(out, "  ");
	if (o->letter)
		buf_addf(out, "-%c, ", o->letter);
	else
		buf_adds(out, "    ");
	buf_addf(out, "--%s", o->name);
	if (o->type == OPTION_CHOICE)
		for (u32 i = 0; o->choices[i]; i++)
			buf_addf(out, "%s%s", i ? "|" : " ", o->choices[i]);
	else if (o->type != OPTION_FLAG)
		buf_addf(out, " %s", o->value);
	size_t width = out->len - start;
	if (width > 32)
		buf_addf(out, "\n%34s", "");
	else
		buf_addf(out, "%*s", (int)(34 - width), "");
	struct buf text = { 0 };
	buf_adds(&text, o->help);
	if (o->fallback)
		buf_addf(&text, " (default: %s)", o->fallback);
	wrap(out, buf_cstr(&text), 34);
	buf_done(&text);
}

static void option_lines(struct buf *out, const struct command *cmd)
{
	for (size_t i = 0; i < cmd->options_len; i++) {
		const struct option *o = &cmd->options[i];
		if (o->group || i == 0)
			buf_addf(out, "\n%s:\n", o->group ? o->group : "Flags");
		if (!o->hidden)
			option_line(out, o);
	}
	buf_adds(out, cmd->options_len ? "\nHelp:\n" : "\nFlags:\n");
	buf_adds(out, "  -h, --help                      this text\n");
}

void help_command(struct buf *out, const struct command *cmd)
{
	buf_addf(out, "%s\n\nUsage:\n  packetd %s [flags]%s%s\n", cmd->summary, cmd->name, cmd->arguments ? " " : "",
		 cmd->arguments ? cmd->arguments : "");
	if (cmd->alias)
		buf_addf(out, "\nAlias: %s\n", cmd->alias);
	if (cmd->about) {
		buf_addc(out, '\n');
		wrap(out, cmd->about, 0);
	}
	if (cmd->examples) {
		buf_adds(out, "\nExamples:\n");
		for (const struct example *e = cmd->examples; e->line; e++)
			buf_addf(out, "  %-62s # %s\n", e->line, e->meaning);
	}
	option_lines(out, cmd);
}

void help_program(struct buf *out)
{
	buf_adds(out, TAGLINE "\n\nUsage:\n  packetd COMMAND [flags]\n\nCommands:\n");
	for (const struct command *const *c = command_all; *c; c++)
		if (!(*c)->hidden)
			buf_addf(out, "  %-12s  %s\n", (*c)->name, (*c)->summary);
	buf_adds(out, "\nFlags:\n  -h, --help    help for packetd, or for a command: packetd COMMAND --help\n\n"
		      "Start with: packetd watch\n");
}

struct help_values {
	bool man;
};

static int help_run(void *values, char *const *arguments, u32 n)
{
	const struct help_values *v = values;
	const struct command *cmd = n ? command_find(arguments[0]) : NULL;
	struct buf out = { 0 };
	bool filter = n && strcmp(arguments[0], "filter") == 0;
	if (n && !cmd && !filter) {
		fprintf(stderr, "Error: unknown command \"%s\" for \"packetd\"\nRun 'packetd --help' for usage.\n", arguments[0]);
		return EXIT_USAGE;
	}
	if (v->man)
		help_man(&out);
	else if (filter)
		rt_filter_help(proto_all, &out);
	else if (cmd)
		help_command(&out, cmd);
	else
		help_program(&out);
	int rc = print_out(&out);
	buf_done(&out);
	return rc;
}

static const struct option help_options[] = {
	{ .name = "man", .hidden = true, OPTION_AT(OPTION_FLAG, struct help_values, man), .help = "the man page" },
};

const struct command command_help = {
	.name = "help",
	.arguments = "[COMMAND|filter]",
	.max_arguments = 1,
	.summary = "Help for packetd, one of its commands, or the language of --filter",
	.options = help_options,
	.options_len = ARRAY_LEN(help_options),
	.values_size = sizeof(struct help_values),
	.run = help_run,
};
