#include "cmd/help.h"

/* Text for roff: backslashes and leading dots escaped, hyphens as they are typed. */
static void roff(struct buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\\')
			buf_adds(out, "\\e");
		else if (*p == '-')
			buf_adds(out, "\\-");
		else if (*p == '"')
			buf_adds(out, "\\(dq");
		else if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n'))
			buf_addf(out, "\\&%c", *p);
		else
			buf_addc(out, *p);
	}
}

static void man_option(struct buf *out, const struct option *o)
{
	buf_adds(out, ".TP\n");
	if (o->letter)
		buf_addf(out, "\\fB\\-%c\\fR, ", o->letter);
	buf_adds(out, "\\fB\\-\\-");
	roff(out, o->name);
	buf_adds(out, "\\fR");
	if (o->type == OPTION_CHOICE) {
		for (u32 i = 0; o->choices[i]; i++)
			buf_addf(out, "%s%s", i ? "|" : " ", o->choices[i]);
	} else if (o->type != OPTION_FLAG) {
		buf_addf(out, " \\fI%s\\fR", o->value);
	}
	buf_addc(out, '\n');
	roff(out, o->help);
	if (o->fallback) {
		buf_adds(out, " (default: ");
		roff(out, o->fallback);
		buf_addc(out, ')');
	}
	buf_addc(out, '\n');
}

static void man_command(struct buf *out, const struct command *cmd)
{
	buf_addf(out, ".SS \"packetd %s [\\fIflags\\fP]%s%s\"\n", cmd->name, cmd->arguments ? " " : "", cmd->arguments ? cmd->arguments : "");
	roff(out, cmd->summary);
	buf_adds(out, ".\n");
	if (cmd->alias)
		buf_addf(out, "Also called \\fB%s\\fR.\n", cmd->alias);
	if (cmd->about) {
		buf_adds(out, ".PP\n");
		roff(out, cmd->about);
		buf_addc(out, '\n');
	}
	for (size_t i = 0; i < cmd->options_len; i++)
		if (!cmd->options[i].hidden)
			man_option(out, &cmd->options[i]);
}

static void man_examples(struct buf *out)
{
	buf_adds(out, ".SH EXAMPLES\n");
	for (const struct command *const *c = command_all; *c; c++) {
		for (const struct example *e = (*c)->examples; e && e->line; e++) {
			buf_adds(out, ".TP\n.B ");
			roff(out, e->line);
			buf_addc(out, '\n');
			roff(out, e->meaning);
			buf_adds(out, ".\n");
		}
	}
}

static const char man_tail[] =
	".SH EXIT STATUS\n"
	".TP\n.B 0\nThe work was done: the capture file was read to its end, the count was reached, or the program was asked to stop. "
	"Also when the reader of the output went away.\n"
	".TP\n.B 1\nThe work could not be done: no right to capture, a file that cannot be read or written.\n"
	".TP\n.B 2\nWhat was asked makes no sense: an unknown command, flag, protocol or interface, a bad rule or filter.\n"
	".SH SIGNALS\n"
	"SIGINT and SIGTERM end the capture: what was captured is read to its end, the ledger is printed. A second one ends at once.\n"
	"SIGHUP opens the output file again (as after it was renamed); without one it does nothing.\n"
	".SH ENVIRONMENT\n"
	".TP\n.B NO_COLOR\nNo colours unless asked for with \\-\\-color.\n"
	".TP\n.B TZ\nThe zone of the times in the output.\n"
	".SH SEE ALSO\n"
	".BR tcpdump (8),\n.BR pcap\\-filter (7),\n.BR setcap (8),\n.BR capabilities (7)\n";

void help_man(struct buf *out)
{
	buf_adds(out, ".TH PACKETD 1 \"\" \"packetd\" \"User Commands\"\n.SH NAME\npacketd \\- watch application traffic from the outside\n"
		      ".SH SYNOPSIS\n.B packetd\n.I COMMAND\n.RI [ flags ]\n.SH DESCRIPTION\n");
	roff(out, TAGLINE);
	buf_adds(out, "\n.PP\nIt reads packets from network interfaces or from a capture file, follows the connections, recognises the protocols by "
		      "what is said on them, and reports every request with its answer, how long it took and where the time went, or that there "
		      "was no answer. It never changes the traffic.\n.SH COMMANDS\n");
	for (const struct command *const *c = command_all; *c; c++)
		if (!(*c)->hidden)
			man_command(out, *c);
	man_examples(out);
	buf_adds(out, man_tail);
}
