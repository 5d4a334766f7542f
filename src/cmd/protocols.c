#include <stdio.h>

#include "cmd/command.h"
#include "cmd/help.h"
#include "proto/proto.h"
#include "roundtrip/value.h"

struct protocols_values {
	bool markdown;
};

static void add_ports(struct buf *out, const struct proto *p)
{
	for (const u16 *port = p->ports; port && *port; port++)
		buf_addf(out, "%s%u", port == p->ports ? "" : ", ", *port);
}

static const char *transports(const struct proto *p)
{
	if ((p->transports & (OVER_TCP | OVER_UDP)) == (OVER_TCP | OVER_UDP))
		return "tcp, udp";
	return p->transports & OVER_UDP ? "udp" : "tcp";
}

/* A cell of a Markdown table: what would end it is escaped. */
static void add_cell(struct buf *out, const char *text)
{
	for (const char *p = text ? text : ""; *p; p++) {
		if (*p == '|')
			buf_addc(out, '\\');
		buf_addc(out, *p);
	}
}

static void markdown_fields(struct buf *out, const struct proto *p, enum side side)
{
	buf_addf(out, "\n### %s\n\n| JSON | `--filter` | type | label | span attribute | meaning |\n|---|---|---|---|---|---|\n",
		 side == SIDE_REQUEST ? "Request" : "Response");
	for (size_t i = 0; i < p->fields_len; i++) {
		const struct field *f = &p->fields[i];
		if (f->side != side || (!f->json && !f->name))
			continue;
		char name[FIELD_NAME_MAX];
		field_name(f, name);
		buf_addf(out, "| %s%s%s | `%s.%s` | ", f->json ? "`" : "", f->json ? f->json : "", f->json ? "`" : "", p->name, name);
		buf_addf(out, "%s%s | ", value_kind_name(field_kind(f)), f->flags & FIELD_SENSITIVE ? ", sensitive" : "");
		add_cell(out, f->label);
		buf_adds(out, " | ");
		add_cell(out, f->otel);
		buf_adds(out, " | ");
		add_cell(out, f->meaning);
		buf_adds(out, " |\n");
	}
}

static void markdown(struct buf *out)
{
	buf_adds(out, "# Protocols\n\nMade by `packetd protocols --markdown` from the field tables of `src/proto/*/`; `make docs` renews it.\n\n"
		      "| name | protocol | over | usual ports | pairs by |\n|---|---|---|---|---|\n");
	for (const struct proto *const *p = proto_all; *p; p++) {
		buf_addf(out, "| [%s](#%s) | %s | %s | ", (*p)->name, (*p)->name, (*p)->title, transports(*p));
		add_ports(out, *p);
		buf_addf(out, " | %s |\n", (*p)->pairing == PAIR_KEYED ? "id" : "order");
	}
	buf_adds(out, "\nPorts are hints: a protocol is recognised by what is said, on any port, unless `--proto` rules say otherwise.\n"
		      "In `--filter`, `http.status` asks either side; `http.request.size` and `http.response.size` one of them. "
		      "Names that all protocols share are in `packetd help filter`.\n");
	for (const struct proto *const *p = proto_all; *p; p++) {
		buf_addf(out, "\n## %s\n\n%s.\n", (*p)->name, (*p)->title);
		markdown_fields(out, *p, SIDE_REQUEST);
		markdown_fields(out, *p, SIDE_RESPONSE);
	}
}

static void list(struct buf *out)
{
	buf_addf(out, "%-12s  %-24s  %-9s  %s\n", "NAME", "PROTOCOL", "OVER", "USUAL PORTS");
	for (const struct proto *const *p = proto_all; *p; p++) {
		buf_addf(out, "%-12s  %-24s  %-9s  ", (*p)->name, (*p)->title, transports(*p));
		add_ports(out, *p);
		buf_addc(out, '\n');
	}
}

static int protocols_run(void *values, char *const *arguments, u32 n)
{
	const struct protocols_values *v = values;
	struct buf out = { 0 };
	if (v->markdown)
		markdown(&out);
	else
		list(&out);
	int rc = print_out(&out);
	buf_done(&out);
	return rc;
}

static const struct option protocols_options[] = {
	{ .name = "markdown", OPTION_AT(OPTION_FLAG, struct protocols_values, markdown), .help = "the reference of all their fields, as docs/PROTOCOLS.md" },
};

const struct command command_protocols = {
	.name = "protocols",
	.summary = "List the protocols and their fields",
	.options = protocols_options,
	.options_len = ARRAY_LEN(protocols_options),
	.values_size = sizeof(struct protocols_values),
	.run = protocols_run,
};
