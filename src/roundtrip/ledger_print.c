#include <math.h>
#include <stdio.h>

#include "roundtrip/ledger.h"
#include "util/json.h"
#include "util/textline.h"
#include "util/timefmt.h"

#define COLUMNS_MAX 16

typedef unsigned long long ull;

/* A column of the table of protocols: hidden when all of it is zero. */
struct column {
	const char *title;
	size_t offset; /* in struct ledger_proto */
	bool always;
};

#define OUTCOME_COLUMN(title, id) { title, offsetof(struct ledger_proto, outcomes) + (id) * sizeof(u64), false }

static const struct column columns[] = {
	{ "requests", offsetof(struct ledger_proto, requests), true },
	OUTCOME_COLUMN("answered", OUTCOME_ANSWERED),
	{ "failed", offsetof(struct ledger_proto, failed), false },
	OUTCOME_COLUMN("no response", OUTCOME_NO_RESPONSE),
	OUTCOME_COLUMN("reset", OUTCOME_RESET),
	OUTCOME_COLUMN("lost", OUTCOME_LOST),
	OUTCOME_COLUMN("oneway", OUTCOME_ONEWAY),
	OUTCOME_COLUMN("open", OUTCOME_OPEN),
	{ "waiting", offsetof(struct ledger_proto, waiting), false },
	{ "partial", offsetof(struct ledger_proto, partial), false },
	{ "version unknown", offsetof(struct ledger_proto, version_unknown), false },
	{ "pushed", offsetof(struct ledger_proto, pushes), false },
};
_Static_assert(ARRAY_LEN(columns) <= COLUMNS_MAX, "raise COLUMNS_MAX");

static u64 cell(const struct ledger_proto *p, const struct column *c)
{
	u64 v;
	memcpy(&v, (const char *)p + c->offset, sizeof(v));
	return v;
}

static bool is_seen(const struct ledger_proto *p)
{
	return p->requests || p->connections || p->orphan_responses || p->pushes || p->desyncs;
}

/* All protocols together. */
static struct ledger_proto total_of(const struct ledger *l)
{
	struct ledger_proto sum = { 0 };
	for (size_t i = 0; i < PROTO_MAX; i++)
		for (size_t k = 0; k < sizeof(sum) / sizeof(u64); k++)
			((u64 *)&sum)[k] += ((const u64 *)&l->proto[i])[k];
	return sum;
}

/* Never more than it is: 99.99% for 0.999999. */
static void add_percent(struct buf *out, double ratio, unsigned width)
{
	char text[16];
	int n = ratio >= 1 ? snprintf(text, sizeof(text), "100%%") : snprintf(text, sizeof(text), "%.2f%%", floor(ratio * 10000) / 100);
	text_spaces(out, width > (unsigned)n ? width - (unsigned)n : 0);
	buf_add(out, text, (size_t)n);
}

static void add_row(struct buf *out, const char *name, const struct ledger_proto *p, const unsigned *widths)
{
	buf_addf(out, "%-12s", name);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		if (widths[i])
			buf_addf(out, "  %*llu", (int)widths[i], (ull)cell(p, &columns[i]));
	buf_adds(out, "  ");
	add_percent(out, ledger_completeness(p), 8);
	buf_addc(out, '\n');
}

static void add_protocols(struct buf *out, const struct ledger *l, const struct ledger_proto *total)
{
	unsigned widths[COLUMNS_MAX] = { 0 }, rows = 0;
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		char text[24];
		u64 v = cell(total, &columns[i]);
		if (v || columns[i].always)
			widths[i] = MAX((unsigned)strlen(columns[i].title), (unsigned)snprintf(text, sizeof(text), "%llu", (ull)v));
	}
	buf_addf(out, "%-12s", "protocol");
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		if (widths[i])
			buf_addf(out, "  %*s", (int)widths[i], columns[i].title);
	buf_adds(out, "  complete\n");
	for (const struct proto *const *p = proto_all; *p; p++) {
		const struct ledger_proto *count = &l->proto[proto_index(*p)];
		if (!is_seen(count))
			continue;
		add_row(out, (*p)->name, count, widths);
		rows++;
	}
	if (rows > 1)
		add_row(out, "all", total, widths);
}

/* ", 12 copies": a part of a list, when it is not zero. */
static void add_part(struct buf *out, bool *more, const char *format, u64 n)
{
	if (!n)
		return;
	buf_adds(out, *more ? ", " : ": ");
	*more = true;
	buf_addf(out, format, (ull)n);
}

static void add_packets(struct buf *out, const struct ledger *l)
{
	bool more = false;
	buf_addf(out, "packets      %llu (", (ull)l->packets);
	bytes_short(out, l->packet_bytes);
	buf_adds(out, "B)");
	if (l->last_ts > l->first_ts) {
		buf_adds(out, " in ");
		duration_short(out, l->last_ts - l->first_ts);
	}
	for (int r = 0; r < NET_RESULT_COUNT; r++) {
		if (!l->net[r])
			continue;
		buf_addf(out, "%s%llu %s", more ? ", " : ": ", (ull)l->net[r], net_result_name((enum net_result)r));
		more = true;
	}
	add_part(out, &more, "%llu copies", l->flow.copies);
	buf_addc(out, '\n');
}

static void add_connections(struct buf *out, const struct ledger *l)
{
	const struct flow_counters *f = &l->flow;
	bool more = false;
	if (!f->conns_opened)
		return;
	buf_addf(out, "connections  %llu", (ull)f->conns_opened);
	add_part(out, &more, "%llu joined after their start", f->conns_midstream);
	add_part(out, &more, "%llu mysqlx, not decoded", l->mysqlx);
	add_part(out, &more, "%llu reset", f->conns_reset);
	add_part(out, &more, "%llu refused", f->conns_refused);
	add_part(out, &more, "%llu still open at the end", f->conns_cut);
	add_part(out, &more, "%llu segments sent again", f->retransmits);
	add_part(out, &more, "%llu early", f->out_of_order);
	add_part(out, &more, "%llu times a receiver stopped its sender", f->zero_windows);
	buf_addc(out, '\n');
}

static void add_size_part(struct buf *out, bool *more, u64 n, const char *text)
{
	if (!n)
		return;
	buf_adds(out, *more ? ", " : ": ");
	*more = true;
	bytes_short(out, n);
	buf_addf(out, "B %s", text);
}

static void add_bytes(struct buf *out, const struct flow_counters *f)
{
	bool more = false;
	if (!f->stream_bytes)
		return;
	buf_adds(out, "TCP data     ");
	bytes_short(out, f->stream_bytes);
	buf_addc(out, 'B');
	add_size_part(out, &more, f->parsed, "read");
	add_size_part(out, &more, f->skipped, "bodies");
	add_size_part(out, &more, f->duplicate, "repeated");
	add_size_part(out, &more, f->opaque, "not read (encrypted or unknown)");
	add_size_part(out, &more, f->unrecognised, "not understood");
	add_size_part(out, &more, f->late, "after the end");
	add_size_part(out, &more, f->held, "waiting for what is missing");
	add_size_part(out, &more, f->snapped_bytes, "cut by the capture length");
	buf_addc(out, '\n');
}

/* What a warning says, when its number is not zero. */
static void warn(struct buf *out, u64 n, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void warn(struct buf *out, u64 n, const char *format, ...)
{
	va_list ap;
	if (!n)
		return;
	buf_adds(out, "warning: ");
	va_start(ap, format);
	buf_vaddf(out, format, ap);
	va_end(ap);
	buf_addc(out, '\n');
}

static void add_drops(struct buf *out, const struct ledger *l)
{
	u64 dropped = l->kernel_dropped, offered = MAX(l->kernel_received, l->packets + dropped);
	if (!dropped)
		return;
	buf_addf(out, "warning: the kernel dropped %llu of %llu packets (", (ull)dropped, (ull)offered);
	add_percent(out, (double)dropped / (double)offered, 0);
	buf_adds(out, ") because this program was too slow: a larger ring, or fewer ports and interfaces, help\n");
}

static void add_warnings(struct buf *out, const struct ledger *l, const struct ledger_proto *total)
{
	const struct flow_counters *f = &l->flow;
	u64 lost = total->outcomes[OUTCOME_LOST];
	add_drops(out, l);
	warn(out, lost, "%llu requests may have been answered in a gap of the capture (%llu gaps, %lluB never captured)", (ull)lost, (ull)f->gaps, (ull)f->gap_bytes);
	warn(out, f->gaps && !lost, "%llu gaps in the capture (%lluB): exchanges may be missing", (ull)f->gaps, (ull)f->gap_bytes);
	warn(out, total->orphan_responses, "%llu responses whose request was not seen: begun before the capture, or lost", (ull)total->orphan_responses);
	warn(out, total->late_responses, "%llu responses came after their request had been given up: a longer time-out would join them", (ull)total->late_responses);
	warn(out, total->evicted, "%llu requests were given up as lost because too many were waiting", (ull)total->evicted);
	warn(out, f->snapped_bytes, "%lluB of messages were cut by the capture length: capture with a larger snap length", (ull)f->snapped_bytes);
	warn(out, f->conns_evicted, "%llu connections were forgotten because there were too many", (ull)f->conns_evicted);
	warn(out, f->held_capped, "%llu times too much waited for a missing segment", (ull)f->held_capped);
	warn(out, f->tail_capped, "%llu messages were too large to be read", (ull)f->tail_capped);
	warn(out, l->arena_capped, "%llu fields were cut at the memory cap", (ull)l->arena_capped);
	warn(out, f->no_memory, "memory was lacking %llu times (%lluB dropped)", (ull)f->no_memory, (ull)f->no_memory_bytes);
}

void ledger_print(const struct ledger *l, struct buf *out)
{
	struct ledger_proto total = total_of(l);
	if (!l->packets) {
		buf_adds(out, "no packets were seen\n");
		add_drops(out, l);
		return;
	}
	if (is_seen(&total))
		add_protocols(out, l, &total);
	else
		buf_adds(out, "no request of a known protocol was seen\n");
	if (l->filtered)
		buf_addf(out, "shown        %llu of %llu: the filter or --count left out the others\n", (ull)l->delivered, (ull)(l->delivered + l->filtered));
	add_packets(out, l);
	add_connections(out, l);
	add_bytes(out, &l->flow);
	add_warnings(out, l, &total);
}

static void member(struct buf *out, bool first, const char *name, u64 v)
{
	buf_addf(out, "%s\"%s\":%llu", first ? "" : ",", name, (ull)v);
}

static void add_json_proto(struct buf *out, const struct ledger_proto *p)
{
	member(out, true, "connections", p->connections);
	member(out, false, "requests", p->requests);
	for (int o = 0; o < OUTCOME_COUNT; o++)
		member(out, false, outcome_name((enum outcome)o), p->outcomes[o]);
	member(out, false, "waiting", p->waiting);
	member(out, false, "failed", p->failed);
	member(out, false, "partial", p->partial);
	member(out, false, "version_unknown", p->version_unknown);
	member(out, false, "orphan_responses", p->orphan_responses);
	member(out, false, "late_responses", p->late_responses);
	member(out, false, "pushes", p->pushes);
	member(out, false, "desyncs", p->desyncs);
	member(out, false, "gaps", p->gaps);
	member(out, false, "evicted", p->evicted);
	buf_adds(out, ",\"completeness\":");
	buf_add_double(out, ledger_completeness(p));
}

static void add_json_time(struct buf *out, const char *name, u64 ts)
{
	if (!ts)
		return;
	buf_addf(out, ",\"%s\":\"", name);
	time_rfc3339(out, ts);
	buf_addc(out, '"');
}

void ledger_json(const struct ledger *l, struct buf *out)
{
	char problem[200];
	buf_addc(out, '{');
	member(out, true, "packets", l->packets);
	member(out, false, "packet_bytes", l->packet_bytes);
	add_json_time(out, "first", l->first_ts);
	add_json_time(out, "last", l->last_ts);
	member(out, false, "kernel_received", l->kernel_received);
	member(out, false, "kernel_dropped", l->kernel_dropped);
	member(out, false, "engine_ignored", l->engine_ignored);
	buf_adds(out, ",\"decode\":{");
	for (int r = 0; r < NET_RESULT_COUNT; r++)
		member(out, r == 0, net_result_name((enum net_result)r), l->net[r]);
	buf_adds(out, "},\"flow\":{");
	size_t start = out->len;
#define X(field, text) member(out, out->len == start, #field, l->flow.field);
	FLOW_COUNTERS(X)
#undef X
	buf_adds(out, "},\"protocols\":{");
	start = out->len;
	for (const struct proto *const *p = proto_all; *p; p++) {
		const struct ledger_proto *count = &l->proto[proto_index(*p)];
		if (!is_seen(count))
			continue;
		buf_addf(out, "%s\"%s\":{", out->len == start ? "" : ",", (*p)->name);
		add_json_proto(out, count);
		buf_addc(out, '}');
	}
	buf_adds(out, "},\"roundtrips\":{");
	member(out, true, "delivered", l->delivered);
	member(out, false, "filtered", l->filtered);
	buf_addc(out, '}');
	member(out, false, "arena_capped", l->arena_capped);
	buf_adds(out, ",\"not_decoded\":{");
	member(out, true, "mysqlx", l->mysqlx);
	buf_addc(out, '}');
	buf_adds(out, ",\"problem\":");
	json_text(out, ledger_check(l, problem));
	buf_addc(out, '}');
}
