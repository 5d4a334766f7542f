#include <stdio.h>

#include "cmd/command.h"
#include "cmd/help.h"
#include "proto/proto.h"
#include "roundtrip/protocols_doc.h"

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
		protocols_doc(&out, proto_all);
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
