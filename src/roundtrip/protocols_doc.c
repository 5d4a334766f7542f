#include "roundtrip/protocols_doc.h"

#include "roundtrip/filter.h"
#include "roundtrip/value.h"
#include "util/timefmt.h"

/* What every line of the output has beside the protocol's objects. */
struct member {
	const char *json, *type, *meaning;
};

static const struct member members[] = {
	{ "Proto", "text", "name of the protocol, as in the table above" },
	{ "Request", "object", "what was asked, see below" },
	{ "Response", "object or null", "what came back; null when nothing did" },
	{ "Duration", "duration", "request `Time` to response `Time`, or until the outcome was known" },
	{ "Outcome", "text", "how it ended, see below; always there. What follows is left out when empty or zero" },
	{ "Error", "text", "why it failed, in few different words: `404`, `NXDOMAIN`, `WRONGTYPE`, `connection_reset`" },
	{ "FirstByte", "duration", "end of the request to the first byte of the response: the server's time" },
	{ "Network.RTT", "duration", "round-trip time of the network: from the hand-shake, else the smallest time from data to its acknowledgement" },
	{ "Network.Retransmits", "number", "segments sent again during the exchange, both sides" },
	{ "Network.ZeroWindow", "number", "times a side stopped the other because it did not read" },
	{ "Network.Transfer", "duration", "first to last byte of the response" },
	{ "Connection", "text", "id of the connection within the run" },
	{ "ProxiedFrom", "text", "address and port of whom the client speaks for, by the PROXY header (version 1 or 2) that it began the connection with" },
	{ "Partial", "true", "joined mid-stream or after a gap: unknown fields hold `?`" },
	{ "Trace.TraceID", "text", "W3C or B3 trace context found in the traffic" },
	{ "Trace.ParentID", "text", "its parent span" },
	{ "Trace.Sampled", "true", "its flag" },
	{ "Capture.Interface", "text", "where it was captured" },
	{ "Capture.VLAN", "number", "outermost VLAN" },
	{ "Capture.Tunnel", "text", "outermost tunnel and its id: `vxlan:42`" },
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
static void add_cell(struct buf *out, const char *text, const char *quote)
{
	text = text ? text : "";
	buf_adds(out, *text ? quote : "");
	for (const char *p = text; *p; p++) {
		if (*p == '|')
			buf_addc(out, '\\');
		buf_addc(out, *p == '\n' ? ' ' : *p);
	}
	buf_adds(out, *text ? quote : "");
	buf_adds(out, " | ");
}

static void add_overview(struct buf *out, const struct proto *const *protos)
{
	buf_adds(out, "| name | protocol | over | usual ports | pairs by | waits for an answer |\n|---|---|---|---|---|---|\n");
	for (; *protos; protos++) {
		const struct proto *p = *protos;
		buf_addf(out, "| [%s](#%s) | ", p->name, p->name);
		add_cell(out, p->title, "");
		buf_addf(out, "%s | ", transports(p));
		add_ports(out, p);
		buf_addf(out, " | %s | ", p->pairing == PAIR_KEYED ? "key" : "order");
		if (p->timeout_ms)
			duration_go(out, p->timeout_ms * NS_PER_MS);
		else
			buf_adds(out, "general setting");
		buf_adds(out, " |\n");
	}
	buf_adds(out, "\nPorts are hints: a protocol is recognised by what is said, on any port, unless `--proto` rules say otherwise.\n");
}

static void add_common(struct buf *out)
{
	buf_adds(out, "\n## Every line\n\n| JSON | type | meaning |\n|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		buf_addf(out, "| `%s` | %s | %s |\n", members[i].json, members[i].type, members[i].meaning);
	buf_adds(out, "\n| Outcome | meaning |\n|---|---|\n");
#define X(id, name, text) buf_adds(out, "| `" name "` | " text " |\n");
	OUTCOMES(X)
#undef X
}

static void add_shared_name(void *arg, const char *name, const char *type, const char *meaning)
{
	struct buf *out = arg;
	buf_adds(out, "| ");
	add_cell(out, name, "`");
	add_cell(out, type, "");
	add_cell(out, meaning, "");
	out->len--; /* the last blank */
	buf_addc(out, '\n');
}

static void add_filter(struct buf *out)
{
	static const struct proto *const none[] = { NULL };
	buf_adds(out, "\n## Filters\n\n`--filter 'http.status >= 500 and duration > 100ms'`: the names of the tables below, and those that all protocols share.\n"
		      "A name that both sides have is written `http.request.size` or `http.response.size`; `http.size` means either.\n"
		      "A single header is `http.request.header.user-agent`. The language: `packetd help filter`.\n\n| name | type | meaning |\n|---|---|---|\n");
	rt_filter_names(none, add_shared_name, out);
}

static void add_row(struct buf *out, const struct proto *p, const struct field *f)
{
	char name[FILTER_NAME_MAX];
	rt_filter_field_name(p, f, name);
	buf_adds(out, "| ");
	add_cell(out, f->json, "`");
	add_cell(out, name, "`");
	buf_adds(out, value_kind_name(field_kind(f)));
	buf_adds(out, f->flags & FIELD_OMIT_EMPTY ? ", left out when empty" : "");
	buf_adds(out, f->flags & FIELD_SENSITIVE ? ", sensitive" : "");
	buf_adds(out, " | ");
	add_cell(out, f->label, "`");
	add_cell(out, f->otel, "`");
	add_cell(out, f->meaning, "");
	out->len--;
	buf_addc(out, '\n');
}

static void add_side(struct buf *out, const struct proto *p, enum side side)
{
	buf_addf(out, "\n### %s of %s\n\n| JSON | `--filter` | type | label | span attribute | meaning |\n|---|---|---|---|---|---|\n",
		 side == SIDE_REQUEST ? "Request" : "Response", p->name);
	for (size_t i = 0; i < p->fields_len; i++) {
		const struct field *f = &p->fields[i];
		if (f->side == side && f->type != FIELD_OBJECT && (f->json || f->name))
			add_row(out, p, f);
	}
}

void protocols_doc(struct buf *out, const struct proto *const *protos)
{
	buf_adds(out, "# Protocols and their fields\n\nMade by `packetd protocols --markdown` from the field tables of `src/proto/*/`; `make docs` renews it.\n\n");
	add_overview(out, protos);
	add_common(out);
	add_filter(out);
	for (; *protos; protos++) {
		buf_addf(out, "\n## %s\n\n%s\n", (*protos)->name, (*protos)->title ? (*protos)->title : "");
		add_side(out, *protos, SIDE_REQUEST);
		add_side(out, *protos, SIDE_RESPONSE);
	}
}
