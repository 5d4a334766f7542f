#include <stdio.h>

#include "cmd/command.h"
#include "cmd/help.h"
#include "proto/proto.h"

static void add_commands(struct buf *out)
{
	for (const struct command *const *c = command_all; *c; c++) {
		if ((*c)->hidden)
			continue;
		buf_addf(out, "%s%s", c == command_all ? "" : " ", (*c)->name);
		if ((*c)->alias)
			buf_addf(out, " %s", (*c)->alias);
	}
}

static void add_protocols(struct buf *out)
{
	for (const struct proto *const *p = proto_all; *p; p++)
		buf_addf(out, "%s%s", p == proto_all ? "" : " ", (*p)->name);
}

static void add_choices(struct buf *out, const struct option *o)
{
	for (u32 i = 0; o->choices[i]; i++)
		buf_addf(out, "%s%s", i ? " " : "", o->choices[i]);
}

static void add_words(struct buf *out, const struct command *cmd)
{
	for (u32 i = 0; cmd->words[i]; i++)
		buf_addf(out, "%s%s", i ? " " : "", cmd->words[i]);
}

/* --- bash --- */

static void bash_values(struct buf *out, const struct option *o)
{
	buf_adds(out, "\t\t");
	if (o->letter)
		buf_addf(out, "-%c|", o->letter);
	buf_addf(out, "--%s) ", o->name);
	switch (o->type == OPTION_CHOICE ? -1 : (int)o->values) {
	case -1:
		buf_adds(out, "COMPREPLY=($(compgen -W '");
		add_choices(out, o);
		buf_adds(out, "' -- \"$cur\"))");
		break;
	case VALUES_FILE:
		buf_adds(out, "COMPREPLY=($(compgen -f -- \"$cur\"))");
		break;
	case VALUES_INTERFACE:
		buf_adds(out, "COMPREPLY=($(compgen -W \"any $(ls /sys/class/net 2>/dev/null)\" -- \"$cur\"))");
		break;
	case VALUES_PROTOCOL:
		buf_adds(out, "COMPREPLY=($(compgen -W '");
		add_protocols(out);
		buf_adds(out, "' -- \"$cur\"))");
		break;
	default:
		buf_adds(out, ":");
	}
	buf_adds(out, "; return ;;\n");
}

static void bash_command(struct buf *out, const struct command *cmd)
{
	buf_addf(out, "\t%s%s%s)\n\t\tcase \"$prev\" in\n", cmd->name, cmd->alias ? "|" : "", cmd->alias ? cmd->alias : "");
	for (size_t i = 0; i < cmd->options_len; i++)
		if (!cmd->options[i].hidden && cmd->options[i].type != OPTION_FLAG)
			bash_values(out, &cmd->options[i]);
	buf_adds(out, "\t\tesac\n\t\twords='--help");
	for (size_t i = 0; i < cmd->options_len; i++)
		if (!cmd->options[i].hidden)
			buf_addf(out, " --%s", cmd->options[i].name);
	buf_adds(out, "'\n");
	if (cmd->words) {
		buf_adds(out, "\t\twords=\"$words ");
		add_words(out, cmd);
		buf_adds(out, "\"\n");
	}
	if (cmd->files)
		buf_adds(out, "\t\t[[ $cur == -* ]] || COMPREPLY=($(compgen -f -- \"$cur\"))\n");
	if (strcmp(cmd->name, "help") == 0) {
		buf_adds(out, "\t\twords=\"$words ");
		add_commands(out);
		buf_adds(out, "\"\n");
	}
	buf_adds(out, "\t\t;;\n");
}

static void bash(struct buf *out)
{
	buf_adds(out, "# bash completion for packetd\n_packetd()\n{\n\tlocal cur=\"${COMP_WORDS[COMP_CWORD]}\" "
		      "prev=\"${COMP_WORDS[COMP_CWORD-1]}\" words=\n\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tCOMPREPLY=($(compgen -W '");
	add_commands(out);
	buf_adds(out, " --help' -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase \"${COMP_WORDS[1]}\" in\n");
	for (const struct command *const *c = command_all; *c; c++)
		bash_command(out, *c);
	buf_adds(out, "\tesac\n\tCOMPREPLY+=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o filenames -F _packetd packetd\n");
}

/* --- zsh --- */

/* Text within '…[…]' of _arguments. */
static void zsh_text(struct buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\'')
			buf_adds(out, "'\\''");
		else if (strchr("[]:\\", *p))
			buf_addf(out, "\\%c", *p);
		else
			buf_addc(out, *p);
	}
}

static void zsh_values(struct buf *out, const struct option *o)
{
	if (o->type == OPTION_FLAG)
		return;
	buf_addc(out, ':');
	if (o->type == OPTION_CHOICE) {
		buf_adds(out, "value:(");
		add_choices(out, o);
		buf_addc(out, ')');
		return;
	}
	zsh_text(out, o->value);
	buf_addc(out, ':');
	if (o->values == VALUES_FILE)
		buf_adds(out, "_files");
	else if (o->values == VALUES_INTERFACE)
		buf_adds(out, "_net_interfaces");
	if (o->values == VALUES_PROTOCOL) {
		buf_addc(out, '(');
		add_protocols(out);
		buf_addc(out, ')');
	}
}

static void zsh_option(struct buf *out, const struct option *o, const char *dashes, const char *name)
{
	buf_addf(out, " \\\n\t\t\t'%s%s%s[", o->type == OPTION_LIST ? "*" : "", dashes, name);
	zsh_text(out, o->help);
	buf_addc(out, ']');
	zsh_values(out, o);
	buf_addc(out, '\'');
}

static void zsh_command(struct buf *out, const struct command *cmd)
{
	buf_addf(out, "\t%s%s%s)\n\t\t_arguments '(-h --help)'{-h,--help}'[help]'", cmd->name, cmd->alias ? "|" : "", cmd->alias ? cmd->alias : "");
	for (size_t i = 0; i < cmd->options_len; i++) {
		const struct option *o = &cmd->options[i];
		char letter[2] = { o->letter, 0 };
		if (o->hidden)
			continue;
		zsh_option(out, o, "--", o->name);
		if (o->letter)
			zsh_option(out, o, "-", letter);
	}
	if (cmd->words) {
		buf_adds(out, " \\\n\t\t\t'1:what:(");
		add_words(out, cmd);
		buf_adds(out, ")'");
	}
	if (cmd->files)
		buf_adds(out, " \\\n\t\t\t'*:file:_files'");
	if (strcmp(cmd->name, "help") == 0) {
		buf_adds(out, " \\\n\t\t\t'1:command:(");
		add_commands(out);
		buf_adds(out, ")'");
	}
	buf_adds(out, "\n\t\t;;\n");
}

static void zsh(struct buf *out)
{
	buf_adds(out, "#compdef packetd\n_packetd()\n{\n\tlocal -a commands\n\tcommands=(\n");
	for (const struct command *const *c = command_all; *c; c++) {
		if ((*c)->hidden)
			continue;
		buf_addf(out, "\t\t'%s:", (*c)->name);
		zsh_text(out, (*c)->summary);
		buf_adds(out, "'\n");
	}
	buf_adds(out, "\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n"
		      "\tlocal cmd=$words[2]\n\tshift words\n\t(( CURRENT-- ))\n\tcase $cmd in\n");
	for (const struct command *const *c = command_all; *c; c++)
		zsh_command(out, *c);
	buf_adds(out, "\tesac\n}\nif [ \"$funcstack[1]\" = _packetd ]; then\n\t_packetd \"$@\"\nelse\n\tcompdef _packetd packetd\nfi\n");
}

/* --- fish --- */

static void fish_text(struct buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\'' || *p == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *p);
	}
}

static void fish_option(struct buf *out, const struct command *cmd, const struct option *o)
{
	buf_addf(out, "complete -c packetd -n '__fish_seen_subcommand_from %s%s%s' -l %s", cmd->name, cmd->alias ? " " : "",
		 cmd->alias ? cmd->alias : "", o->name);
	if (o->letter)
		buf_addf(out, " -s %c", o->letter);
	if (o->type == OPTION_CHOICE || o->values == VALUES_PROTOCOL) {
		buf_adds(out, " -x -a '");
		if (o->type == OPTION_CHOICE)
			add_choices(out, o);
		else
			add_protocols(out);
		buf_addc(out, '\'');
	} else if (o->values == VALUES_INTERFACE) {
		buf_adds(out, " -x -a '(command ls /sys/class/net 2>/dev/null) any'");
	} else if (o->type != OPTION_FLAG) {
		buf_adds(out, o->values == VALUES_FILE ? " -r -F" : " -x");
	}
	buf_adds(out, " -d '");
	fish_text(out, o->help);
	buf_adds(out, "'\n");
}

static void fish(struct buf *out)
{
	buf_adds(out, "# fish completion for packetd\ncomplete -c packetd -f\n");
	for (const struct command *const *c = command_all; *c; c++) {
		if ((*c)->hidden)
			continue;
		buf_addf(out, "complete -c packetd -n __fish_use_subcommand -a %s -d '", (*c)->name);
		fish_text(out, (*c)->summary);
		buf_adds(out, "'\n");
		for (size_t i = 0; i < (*c)->options_len; i++)
			if (!(*c)->options[i].hidden)
				fish_option(out, *c, &(*c)->options[i]);
	}
	for (const struct command *const *c = command_all; *c; c++) {
		if (!(*c)->words)
			continue;
		buf_addf(out, "complete -c packetd -n '__fish_seen_subcommand_from %s' %s-a '", (*c)->name, (*c)->files ? "-F " : "");
		add_words(out, *c);
		buf_adds(out, "'\n");
	}
	buf_adds(out, "complete -c packetd -n '__fish_seen_subcommand_from help' -a '");
	add_commands(out);
	buf_adds(out, "'\ncomplete -c packetd -s h -l help -d 'help'\n");
}

static const struct shell {
	const char *name;
	void (*write)(struct buf *out);
} shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

static int completion_run(void *values, char *const *arguments, u32 n)
{
	struct buf out = { 0 };
	for (size_t i = 0; n && i < ARRAY_LEN(shells); i++) {
		if (strcmp(shells[i].name, arguments[0]) != 0)
			continue;
		shells[i].write(&out);
		int rc = print_out(&out);
		buf_done(&out);
		return rc;
	}
	fprintf(stderr, "Error: %s%s%s; expected bash, zsh or fish\n", n ? "unknown shell '" : "which shell?", n ? arguments[0] : "", n ? "'" : "");
	return EXIT_USAGE;
}

static const struct example completion_examples[] = {
	{ "packetd completion bash > /etc/bash_completion.d/packetd", "for bash" },
	{ "packetd completion zsh > \"${fpath[1]}/_packetd\"", "for zsh" },
	{ "packetd completion fish > ~/.config/fish/completions/packetd.fish", "for fish" },
	{ NULL, NULL },
};

static const char *const completion_words[] = { "bash", "zsh", "fish", NULL };

const struct command command_completion = {
	.name = "completion",
	.arguments = "bash|zsh|fish",
	.words = completion_words,
	.max_arguments = 1,
	.summary = "Print completions for a shell",
	.examples = completion_examples,
	.run = completion_run,
};
