/* Metrics without the agent around them, for tests and measurements:
 *   metrics_probe capture FILE FORMAT KINDS [SELECTOR...]   what a capture's metrics look like; SELECTORs are http labels
 *   metrics_probe series N FORMAT KINDS                     N series of a counter and N / 20 of a histogram; "seconds bytes" of the best of 5
 *   metrics_probe cost FILE on|off                          a capture through the metrics, or only read; for callgrind
 * FORMAT: text, openmetrics, protobuf. KINDS: letters of c(lassic), v(mrange), n(ative).
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "metrics/expose.h"
#include "process/l4_metrics.h"
#include "process/observer.h"
#include "process/own_metrics.h"
#include "process/rt_metrics.h"

struct rig {
	struct sink sink; /* first */
	struct registry *registry;
	struct rt_metrics *rt;
	struct l4_metrics *l4;
	struct view_sink *views;
	struct observer *observer;
	bool off;
	u64 now;
};

static void on_roundtrip(struct sink *s, const struct roundtrip *rt)
{
	struct rig *p = (struct rig *)s;
	const struct view v = { .rt = rt, .weight = 1 };
	if (!p->off)
		p->views->view(p->views, &v);
}

static void on_flush(struct sink *s, u64 now, bool last)
{
	struct rig *p = (struct rig *)s;
	p->now = now;
	if (!p->off)
		p->views->flush(p->views, now, last);
}

static int add_sinks(void *arg, struct observer *ob, u32 worker, struct sessions *sessions)
{
	struct rig *p = arg;
	p->observer = ob;
	if (!p->off)
		l4_metrics_attach(p->l4, worker, observer_flow(ob, worker));
	int rc = sessions_add_sink(sessions, &p->sink);
	return rc || p->off ? rc : sessions_add_sink(sessions, l4_metrics_sink(p->l4, worker));
}

static void probe_ledger(void *arg, struct ledger *ret)
{
	observer_ledger(((struct rig *)arg)->observer, ret);
}

static u8 kinds_of(const char *text)
{
	u8 kinds = 0;
	for (; *text; text++)
		kinds |= *text == 'c' ? HIST_CLASSIC : *text == 'v' ? HIST_VMRANGE : HIST_NATIVE;
	return kinds;
}

static enum expose_format format_of(const char *text)
{
	return strcmp(text, "text") == 0 ? EXPOSE_TEXT : strcmp(text, "protobuf") == 0 ? EXPOSE_PROTOBUF : EXPOSE_OPENMETRICS;
}

static int show(struct registry *r, enum expose_format f, u64 now)
{
	struct snapshot *s = registry_snapshot(r, &(struct snapshot_options){ .protocol = true, .own = true, .now = now });
	struct buf out = { .max = 1024 * MIB };
	if (!s)
		return 1;
	expose(&out, s, f);
	snapshot_free(s);
	bool good = !out.failed && fwrite(out.data, 1, out.len, stdout) == out.len;
	buf_done(&out);
	return !good;
}

static int read_capture(struct rig *p, const char *file)
{
	char error[256];
	struct observer *ob = NULL;
	struct observer_options o = { .capture = { .file = file }, .workers = 1, .session.proto.details = true, .add_sinks = add_sinks, .arg = p };
	if (observer_open(&o, &ob, error)) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	p->observer = ob;
	return observer_start(ob) || observer_join(ob);
}

static int capture(int argc, char **argv, bool off)
{
	static const char *const l4_names[] = { "source.host", "destination.host", "destination.port" };
	struct rig p = { .sink = { on_roundtrip, on_flush }, .off = off };
	struct buf why = { 0 };
	struct config_proto_labels labels = { .proto = "http", .selectors = { (const char **)argv + 5, (u32)MAX(argc - 5, 0) } };
	struct config_processor c = { .kind = PROCESSOR_METRICS, .labels_default = argc <= 5, .path_templates = true, .labels = &labels, .labels_len = argc > 5 };
	const struct config_texts l4_labels = { (const char **)(uintptr_t)l4_names, ARRAY_LEN(l4_names) };
	p.registry = registry_new(&(struct registry_options){ .workers = 1, .exemplars = true, .histograms = kinds_of(argc > 4 ? argv[4] : "c"), .native_schema = 3 });
	if (!p.registry || rt_metrics_new(&(struct rt_metrics_options){ .processor = &c, .registry = p.registry, .workers = 1 }, &p.rt, &why, NULL) ||
	    l4_metrics_new(p.registry, 1, true, &l4_labels, &p.l4, NULL))
		return 1;
	p.views = rt_metrics_sink(p.rt, 0);
	struct own_metrics *own = own_metrics_new(p.registry, &(struct own_metrics_options){ .version = "1", .git_hash = "2", .build_time = "3", .started = 1, .ledger = probe_ledger, .arg = &p });
	int rc = !own || read_capture(&p, argv[2]);
	if (!rc && argc > 4)
		rc = show(p.registry, format_of(argv[3]), p.now);
	observer_close(p.observer);
	own_metrics_free(own);
	l4_metrics_free(p.l4);
	rt_metrics_free(p.rt);
	registry_free(p.registry);
	return rc;
}

static double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fill(struct registry *r, u32 n)
{
	static const struct metric_desc counter = { .name = "http_requests_total", .help = "Requests that were answered.", .type = METRIC_COUNTER };
	static const struct metric_desc histogram = { .name = "http_request_duration_seconds", .help = "How long.", .unit = "seconds", .type = METRIC_HISTOGRAM };
	static const char *const labels[] = { "server_address", "server_port", "method", "route", "status_code" };
	struct metric_group *g, *h;
	if (registry_group(r, &counter, 1, labels, 5, &g) || registry_group(r, &histogram, 1, labels, 5, &h))
		exit(1);
	for (u32 i = 0; i < n; i++) {
		char address[32], route[32];
		struct str values[5] = { str_make(address, (size_t)snprintf(address, sizeof(address), "10.1.%u.%u", i >> 8 & 255, i & 255)), STR("8080"), STR("GET"),
					 str_make(route, (size_t)snprintf(route, sizeof(route), "/api/v1/things/%u", i >> 16)), STR("200") };
		metric_add(metric_find(g, 0, values, 1), 0, i);
		if (i % 20 == 0)
			metric_observe(metric_find(h, 0, values, 1), 0, i * 0.001234567, NULL, 1);
	}
}

static int series(u32 n, enum expose_format f, u8 kinds)
{
	struct registry *r = registry_new(&(struct registry_options){ .workers = 1, .max_series = 10000000, .max_bytes = 4096 * MIB, .histograms = kinds });
	double best = 1e9;
	size_t bytes = 0;
	if (!r)
		return 1;
	fill(r, n);
	for (int i = 0; i < 5; i++) {
		double begin = seconds_now();
		struct snapshot *s = registry_snapshot(r, &(struct snapshot_options){ .protocol = true, .now = 1 });
		struct buf out = { .max = 4096 * MIB };
		if (!s)
			return 1;
		expose(&out, s, f);
		snapshot_free(s);
		bytes = out.len;
		best = MIN(best, seconds_now() - begin);
		buf_done(&out);
	}
	printf("%.6f %zu\n", best, bytes);
	registry_free(r);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 5 && strcmp(argv[1], "capture") == 0)
		return capture(argc, argv, false);
	if (argc == 4 && strcmp(argv[1], "cost") == 0)
		return capture(argc, argv, strcmp(argv[3], "off") == 0);
	if (argc == 5 && strcmp(argv[1], "series") == 0)
		return series((u32)strtoul(argv[2], NULL, 10), format_of(argv[3]), kinds_of(argv[4]));
	fprintf(stderr, "usage: metrics_probe capture FILE FORMAT KINDS [SELECTOR...] | series N FORMAT KINDS | cost FILE on|off\n");
	return 2;
}
