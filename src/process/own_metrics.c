#include "process/own_metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>


struct own_metrics {
	struct registry *registry;
	struct own_metrics_options o;
};

static void one(struct snapshot *s, const char *name, const char *help, const char *unit, u8 type, double value)
{
	snapshot_family(s, name, help, unit, type);
	snapshot_value(s, NULL, 0, value);
}

static void counter(struct snapshot *s, const char *name, const char *help, u64 value)
{
	one(s, name, help, "", METRIC_COUNTER, (double)value);
}

static void labelled(struct snapshot *s, const char *label, const char *text, double value)
{
	struct snapshot_label l = { str_from(label), str_from(text) };
	snapshot_value(s, &l, 1, value);
}

/* --- the process --- */

static u64 file_numbers(const char *path, u64 *second)
{
	char text[128];
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	char *rest;
	u64 first = strtoull(text, &rest, 10);
	*second = strtoull(rest, NULL, 10);
	return first;
}

static u64 open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	u64 n = 0;
	if (!d)
		return 0;
	for (const struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n - 1; /* the directory itself */
}

static void process(const struct own_metrics *m, struct snapshot *s)
{
	struct rusage u;
	struct rlimit files;
	u64 resident = 0, page = (u64)sysconf(_SC_PAGESIZE), size = file_numbers("/proc/self/statm", &resident), open = open_files();
	if (getrusage(RUSAGE_SELF, &u) == 0)
		one(s, "process_cpu_seconds_total", "User and system time.", "seconds", METRIC_COUNTER,
		    (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
	if (size) {
		one(s, "process_resident_memory_bytes", "Memory in use.", "bytes", METRIC_GAUGE, (double)(resident * page));
		one(s, "process_virtual_memory_bytes", "Address space in use.", "bytes", METRIC_GAUGE, (double)(size * page));
	}
	if (open)
		one(s, "process_open_fds", "Open file descriptors.", "", METRIC_GAUGE, (double)open);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		one(s, "process_max_fds", "Limit of open file descriptors.", "", METRIC_GAUGE, (double)files.rlim_cur);
	one(s, "process_start_time_seconds", "Start of the process since the epoch.", "seconds", METRIC_GAUGE, (double)m->o.started / 1e9);
}

static void program(const struct own_metrics *m, struct snapshot *s)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	double now = (double)t.tv_sec + (double)t.tv_nsec / 1e9, up = now - (double)m->o.started / 1e9;
	const struct snapshot_label build[] = { { STR("version"), str_from(m->o.version) },
						{ STR("git_hash"), str_from(m->o.git_hash) },
						{ STR("build_time"), str_from(m->o.build_time) } };
	one(s, "packetd_uptime", "Seconds since the start.", "", METRIC_GAUGE, MAX(up, 0));
	snapshot_family(s, "packetd_build_info", "Always 1; what was built, when, from what.", "", METRIC_GAUGE);
	snapshot_value(s, build, ARRAY_LEN(build), 1);
	counter(s, "packetd_panic_total", "Faults a worker has recovered from: there are none to recover from, it stays 0.", 0);
}

/* --- the ledger --- */

static void packets(const struct ledger *l, struct snapshot *s)
{
	counter(s, "packetd_packets_total", "Packets handed over by the capture engine = decoded + skipped.", l->packets);
	one(s, "packetd_packets_bytes_total", "Bytes of these packets on the wire.", "bytes", METRIC_COUNTER, (double)l->packet_bytes);
	counter(s, "packetd_packets_decoded_total", "Packets that were TCP, UDP, or an ICMP error about one.", l->net[NET_SEGMENT]);
	snapshot_family(s, "packetd_packets_skipped_total", "Packets left aside, by reason.", "", METRIC_COUNTER);
	for (int i = 0; i < NET_RESULT_COUNT; i++)
		if (i != NET_SEGMENT)
			labelled(s, "reason", net_result_name((enum net_result)i), (double)l->net[i]);
	counter(s, "packetd_kernel_received_packets_total", "Packets the kernel offered to the engine, without those it dropped.", l->kernel_received);
	counter(s, "packetd_kernel_dropped_packets_total", "Packets the kernel dropped for lack of room in the ring.", l->kernel_dropped);
	counter(s, "packetd_engine_ignored_packets_total", "Duplicates the engine left out.", l->engine_ignored);
}

static bool is_gauge(const char *field)
{
	return strcmp(field, "held") == 0 || strcmp(field, "conns_live") == 0;
}

/* stream_bytes = parsed + skipped + … (flow/flow_counters.h), each under its own name. */
static void flows(const struct ledger *l, struct snapshot *s)
{
	static const struct {
		const char *field, *help;
		size_t offset;
	} all[] = {
#define X(field, text) { #field, text, offsetof(struct flow_counters, field) },
		FLOW_COUNTERS(X)
#undef X
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		char name[80], help[160];
		u64 value;
		memcpy(&value, (const u8 *)&l->flow + all[i].offset, sizeof(value));
		bool gauge = is_gauge(all[i].field);
		snprintf(name, sizeof(name), "packetd_flow_%s%s", all[i].field, gauge ? "" : "_total");
		snprintf(help, sizeof(help), "Streams and connections: %s.", all[i].help);
		one(s, name, help, "", gauge ? METRIC_GAUGE : METRIC_COUNTER, (double)value);
	}
}

static void by_protocol(const struct ledger *l, struct snapshot *s, const char *name, const char *help, u8 type, size_t offset)
{
	snapshot_family(s, name, help, "", type);
	for (u32 i = 0; proto_all[i]; i++) {
		u64 value;
		memcpy(&value, (const u8 *)&l->proto[proto_all[i]->index] + offset, sizeof(value));
		labelled(s, "protocol", proto_all[i]->name, (double)value);
	}
}

#define BY_PROTOCOL(name, help, field) by_protocol(l, s, name, help, METRIC_COUNTER, offsetof(struct ledger_proto, field))

static void protocols(const struct ledger *l, struct snapshot *s)
{
	snapshot_family(s, "packetd_completeness_ratio", "Complete exchanges of those known to have taken place, 0 to 1.", "", METRIC_GAUGE);
	for (u32 i = 0; proto_all[i]; i++)
		labelled(s, "protocol", proto_all[i]->name, ledger_completeness(&l->proto[proto_all[i]->index]));
	BY_PROTOCOL("packetd_requests_total", "Requests seen = the sum of their outcomes + waiting.", requests);
	snapshot_family(s, "packetd_request_outcomes_total", "Requests that have ended, by how.", "", METRIC_COUNTER);
	for (u32 i = 0; proto_all[i]; i++) {
		for (int o = 0; o < OUTCOME_COUNT; o++) {
			struct snapshot_label labels[] = { { STR("protocol"), str_from(proto_all[i]->name) },
							   { STR("outcome"), str_from(outcome_name((enum outcome)o)) } };
			snapshot_value(s, labels, 2, (double)l->proto[proto_all[i]->index].outcomes[o]);
		}
	}
	by_protocol(l, s, "packetd_requests_waiting", "Requests waiting for their answer.", METRIC_GAUGE, offsetof(struct ledger_proto, waiting));
	BY_PROTOCOL("packetd_protocol_connections_total", "Connections recognised as of this protocol.", connections);
	BY_PROTOCOL("packetd_orphan_responses_total", "Responses whose request was not seen.", orphan_responses);
	BY_PROTOCOL("packetd_late_responses_total", "Responses that came after their request had been given up.", late_responses);
	BY_PROTOCOL("packetd_pushes_total", "Messages nobody asked for.", pushes);
	BY_PROTOCOL("packetd_desyncs_total", "Times a parser had to look for a new start.", desyncs);
	BY_PROTOCOL("packetd_gaps_total", "Holes in what a parser wanted to read.", gaps);
	BY_PROTOCOL("packetd_failed_requests_total", "Requests answered with an error.", failed);
	BY_PROTOCOL("packetd_partial_roundtrips_total", "RoundTrips with unknown fields.", partial);
	BY_PROTOCOL("packetd_unknown_version_requests_total", "Requests in a version of their protocol that is newer than the parser.", version_unknown);
}

static void roundtrips(const struct ledger *l, struct snapshot *s)
{
	counter(s, "packetd_handled_roundtrips_total", "RoundTrips handed to the pipelines.", l->delivered);
	counter(s, "packetd_filtered_roundtrips_total", "RoundTrips left out by the user's filter.", l->filtered);
}

/* Every cap, and how often it was reached. */
static void caps(const struct ledger *l, const struct registry_stats *r, struct snapshot *s)
{
	u64 waiting = 0;
	for (u32 i = 0; i < PROTO_MAX; i++)
		waiting += l->proto[i].evicted;
	const struct {
		const char *cap;
		u64 hits;
	} all[] = {
		{ "connections", l->flow.conns_evicted },  { "held_bytes", l->flow.held_capped }, { "incomplete_message", l->flow.tail_capped },
		{ "flow_memory", l->flow.no_memory },      { "message_memory", l->arena_capped }, { "waiting_requests", waiting },
		{ "fragments", l->net[NET_FRAGMENT_BAD] }, { "series_memory", r->capped },        { "stale_series", r->stale_lost },
	};
	snapshot_family(s, "packetd_cap_hits_total", "Times a limit on memory was reached, by limit.", "", METRIC_COUNTER);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		labelled(s, "cap", all[i].cap, (double)all[i].hits);
}

/* --- capture, exporters, series --- */

static void interfaces(const struct own_metrics *m, struct snapshot *s)
{
	struct own_interface v[OWN_INTERFACES_MAX];
	u32 n = m->o.interfaces(m->o.arg, v, OWN_INTERFACES_MAX);
	snapshot_family(s, "packetd_sniffer_received_packets_total", "Packets the kernel offered, by interface.", "", METRIC_COUNTER);
	for (u32 i = 0; i < n; i++)
		labelled(s, "iface", v[i].name, (double)v[i].received);
	snapshot_family(s, "packetd_sniffer_dropped_packets_total", "Packets the kernel dropped, by interface.", "", METRIC_COUNTER);
	for (u32 i = 0; i < n; i++)
		labelled(s, "iface", v[i].name, (double)v[i].dropped);
}

static void by_exporter(struct snapshot *s, const struct own_exporter *v, u32 n, const char *name, const char *help, u8 type, size_t offset)
{
	snapshot_family(s, name, help, "", type);
	for (u32 i = 0; i < n; i++) {
		u64 value;
		memcpy(&value, (const u8 *)&v[i] + offset, sizeof(value));
		labelled(s, "exporter", v[i].name, (double)value);
	}
}

#define BY_EXPORTER(name, help, type, field) by_exporter(s, v, n, name, help, type, offsetof(struct own_exporter, field))

static void exporters(const struct own_metrics *m, struct snapshot *s)
{
	struct own_exporter v[OWN_EXPORTERS_MAX];
	u32 n = m->o.exporters(m->o.arg, v, OWN_EXPORTERS_MAX);
	BY_EXPORTER("packetd_exporter_offered_total", "Records offered = delivered + dropped + queued.", METRIC_COUNTER, offered);
	BY_EXPORTER("packetd_exporter_delivered_total", "Records the back end has taken.", METRIC_COUNTER, delivered);
	BY_EXPORTER("packetd_exporter_queued", "Records waiting.", METRIC_GAUGE, queued);
	BY_EXPORTER("packetd_exporter_requests_total", "Requests to the back end.", METRIC_COUNTER, requests);
	BY_EXPORTER("packetd_exporter_retries_total", "Requests sent again.", METRIC_COUNTER, retries);
	BY_EXPORTER("packetd_exporter_failures_total", "Requests that failed.", METRIC_COUNTER, failures);
	BY_EXPORTER("packetd_exporter_bytes_total", "Bytes sent, compressed.", METRIC_COUNTER, bytes);
	BY_EXPORTER("packetd_exporter_spooled_bytes", "Bytes in the spool on disk.", METRIC_GAUGE, spooled_bytes);
	snapshot_family(s, "packetd_exporter_dropped_total", "Records that were not delivered, by reason.", "", METRIC_COUNTER);
	for (u32 i = 0; i < n; i++) {
		for (u32 k = 0; k < MIN(v[i].dropped_len, OWN_DROPS_MAX); k++) {
			struct snapshot_label labels[] = { { STR("exporter"), str_from(v[i].name) }, { STR("reason"), str_from(v[i].dropped[k].reason) } };
			snapshot_value(s, labels, 2, (double)v[i].dropped[k].n);
		}
	}
}

/* The registry is locked while groups are told: they are copied and shown afterwards. */
#define GROUPS_MAX 256

struct series_counts {
	u32 n;
	struct {
		char name[96];
		u32 series;
		u64 overflow;
	} v[GROUPS_MAX];
};

static void count_group(void *arg, const struct registry_group_stats *g)
{
	struct series_counts *c = arg;
	for (u32 i = 0; i < g->metrics_len; i++) {
		u32 k = 0;
		while (k < c->n && strcmp(c->v[k].name, g->metrics[i]) != 0)
			k++;
		if (k == GROUPS_MAX)
			return;
		if (k == c->n)
			snprintf(c->v[c->n++].name, sizeof(c->v[0].name), "%s", g->metrics[i]);
		c->v[k].series += g->series;
		c->v[k].overflow += g->overflow;
	}
}

static void series(const struct own_metrics *m, struct snapshot *s, struct registry_stats *stats)
{
	struct series_counts *c = calloc(1, sizeof(*c));
	registry_stats(m->registry, stats, c ? count_group : NULL, c);
	one(s, "packetd_series_memory_bytes", "Memory of all series.", "bytes", METRIC_GAUGE, (double)stats->bytes);
	one(s, "packetd_series_memory_limit_bytes", "What it may be.", "bytes", METRIC_GAUGE, (double)stats->max_bytes);
	snapshot_family(s, "packetd_series", "Series alive, by metric.", "", METRIC_GAUGE);
	for (u32 i = 0; c && i < c->n; i++)
		if (c->v[i].series)
			labelled(s, "metric", c->v[i].name, c->v[i].series);
	snapshot_family(s, "packetd_series_overflow_total", "Updates that went to ~other because their metric had too many series, by metric.", "", METRIC_COUNTER);
	for (u32 i = 0; c && i < c->n; i++)
		if (c->v[i].overflow)
			labelled(s, "metric", c->v[i].name, (double)c->v[i].overflow);
	free(c);
}

static void collect(void *arg, struct snapshot *s)
{
	const struct own_metrics *m = arg;
	struct registry_stats stats;
	program(m, s);
	process(m, s);
	series(m, s, &stats);
	if (m->o.interfaces)
		interfaces(m, s);
	if (m->o.exporters)
		exporters(m, s);
	struct ledger *l = m->o.ledger ? calloc(1, sizeof(*l)) : NULL;
	if (!l)
		return;
	m->o.ledger(m->o.arg, l);
	packets(l, s);
	flows(l, s);
	protocols(l, s);
	roundtrips(l, s);
	caps(l, &stats, s);
	free(l);
}

struct own_metrics *own_metrics_new(struct registry *r, const struct own_metrics_options *o)
{
	struct own_metrics *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->registry = r;
	m->o = *o;
	m->o.version = o->version ? o->version : "";
	m->o.git_hash = o->git_hash ? o->git_hash : "";
	m->o.build_time = o->build_time ? o->build_time : "";
	if (registry_add_collector(r, collect, m, true)) {
		free(m);
		return NULL;
	}
	return m;
}

void own_metrics_free(struct own_metrics *m)
{
	if (!m)
		return;
	registry_remove_collector(m->registry, m);
	free(m);
}
