/* Runs one exporter without the agent around it, for tests: RoundTrips from a capture file, or made up, go in; what became of them is
 * printed as one line of JSON at the end.
 *   exporter_drive EXPORTER [--pcap FILE | --count N] [--live] [--workers N] [--rate N] [--hold MS] [--stop MS] [--series N] [KEY=VALUE]...
 * Keys are those of struct config_delivery and of the exporter. SPDX-License-Identifier: Apache-2.0 */
#include "exporter_drive.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "process/observer.h"

struct drive {
	const struct exporter_ops *ops;
	struct config config;
	struct config_processor traces;
	struct exporter_env env;
	struct resource resource;
	struct config_pair resource_pairs[8];
	struct exporter *exporter;
	const char *pcap;
	u64 count, rate;
	u32 workers;
	int hold_ms, stop_ms;
	struct view_sink *sinks[OBSERVER_WORKERS_MAX];
	struct projection *projection;
	_Atomic u64 cpu_ns;
};

static struct drive drive = { .workers = 1, .stop_ms = 5000 };

static void log_line(void *arg, enum config_log_level level, const char *text)
{
	static const char *const levels[] = { "debug", "info", "warn", "error" };
	fprintf(stderr, "%s: %s\n", levels[level], text);
}

static const char *interface_name(void *arg, u32 worker, u16 ifindex)
{
	return NULL;
}

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "exporter_drive: %s: %s\n", what, why);
	exit(2);
}

/* --- from a capture --- */

struct tap {
	struct sink base;
	u32 worker;
	u64 clock;
};

static void tap_clock(struct tap *t, u64 now, bool last)
{
	if (drive.ops->clock && (last || now - t->clock >= NS_PER_SEC)) {
		drive.ops->clock(drive.exporter, now, last);
		t->clock = now;
	}
}

static void tap_roundtrip(struct sink *s, const struct roundtrip *rt)
{
	struct tap *t = (struct tap *)s;
	struct view v = { .rt = rt, .projection = drive.projection, .weight = 1, .worker = t->worker };
	if (drive.sinks[t->worker])
		drive.sinks[t->worker]->view(drive.sinks[t->worker], &v);
}

static void tap_flush(struct sink *s, u64 now, bool last)
{
	struct tap *t = (struct tap *)s;
	if (drive.sinks[t->worker])
		drive.sinks[t->worker]->flush(drive.sinks[t->worker], now, last);
	tap_clock(t, now, last);
}

static struct tap taps[OBSERVER_WORKERS_MAX];

static int add_sinks(void *arg, struct observer *ob, u32 worker, struct sessions *sessions)
{
	taps[worker] = (struct tap){ .base = { tap_roundtrip, tap_flush }, .worker = worker };
	return sessions_add_sink(sessions, &taps[worker].base);
}

static void read_capture(void)
{
	char error[256] = "";
	struct observer *ob;
	struct observer_options o = { .capture.file = drive.pcap, .add_sinks = add_sinks };
	o.session.proto = (struct proto_options){ .headers = true, .details = true, .parameters = true, .statement_length = 1024, .max_records = 64 };
	o.engine = capture_engine_default(&o.capture);
	if (observer_open(&o, &ob, error))
		die(drive.pcap, error);
	observer_start(ob);
	observer_join(ob);
	observer_close(ob);
}

/* --- made up --- */

static u64 wall_clock(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec;
}

static u64 thread_cpu(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec;
}

static void *make_up(void *arg)
{
	u32 worker = (u32)(uintptr_t)arg;
	struct exchange *x = exchange_new();
	struct view_sink *sink = drive.sinks[worker];
	struct view v = { .rt = &x->rt, .projection = drive.projection, .weight = 1, .worker = worker };
	u64 share = drive.count / drive.workers + (worker < drive.count % drive.workers), started = wall_clock(), cpu = 0;
	for (u64 i = 0; i < share; i++) {
		u64 now = drive.env.live ? wall_clock() : EXCHANGE_T0 + i * NS_PER_MS;
		exchange_vary(x, worker, i, now);
		u64 before = i % 64 == 0 ? thread_cpu() : 0;
		sink->view(sink, &v);
		cpu += before ? thread_cpu() - before : 0;
		if (i % 256 == 255)
			sink->flush(sink, now, false);
		if (drive.rate && i % 16 == 15) {
			u64 due = started + i * NS_PER_SEC * drive.workers / drive.rate, t = wall_clock();
			if (due > t)
				usleep((useconds_t)((due - t) / 1000));
		}
	}
	sink->flush(sink, wall_clock(), true);
	drive.cpu_ns += share ? cpu / ((share + 63) / 64) : 0;
	exchange_free(x);
	return NULL;
}

/* Of an exporter that reads the registry: a capture of so many seconds. */
static void tell_time(void)
{
	for (u64 i = 0; i < drive.count && !drive.env.live; i++)
		drive.ops->clock(drive.exporter, EXCHANGE_T0 + i * NS_PER_SEC, i + 1 == drive.count);
}

static void make_up_all(void)
{
	pthread_t threads[OBSERVER_WORKERS_MAX];
	for (u32 i = 0; i < drive.workers; i++)
		pthread_create(&threads[i], NULL, make_up, (void *)(uintptr_t)i);
	for (u32 i = 0; i < drive.workers; i++)
		pthread_join(threads[i], NULL);
}

/* --- settings --- */

static struct config_delivery *delivery_of(const char *name, struct config_exporter *c)
{
	const struct { const char *name; struct config_delivery *d; } all[] = {
		{ "traces", &c->traces.d }, { "logs", &c->logs.d }, { "otlpMetrics", &c->otlp_metrics.d }, { "metrics", &c->metrics.d },
		{ "elasticsearch", &c->elasticsearch.d }, { "kafka", &c->kafka.d },
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strcmp(all[i].name, name) == 0)
			return all[i].d;
	static struct config_delivery none;
	return &none;
}

static struct config_pairs *add_pair(struct config_pairs *p, char *text)
{
	char *value = strchr(text, ':');
	p->v = realloc(p->v, (p->n + 1) * sizeof(*p->v));
	if (!value || !p->v)
		die(text, "NAME:VALUE is expected");
	*value = '\0';
	p->v[p->n++] = (struct config_pair){ text, value + 1 };
	return p;
}

static void defaults(const char *name)
{
	struct config_exporter *c = &drive.config.exporter;
	struct config_delivery *d = delivery_of(name, c);
	*d = (struct config_delivery){ .enabled = true, .endpoint = "", .compression = "", .spool_dir = "", .timeout = 2 * NS_PER_SEC, .interval = 100 * NS_PER_MS,
				       .tls = { "", "", "", "", false }, .auth = { "", "", "" } };
	c->metrics.version = 1;
	c->metrics.shards = 1;
	c->elasticsearch.index = "packetd";
	c->elasticsearch.pipeline = "";
	c->kafka.topic = "packetd";
	c->roundtrips.enabled = strcmp(name, "roundtrips") == 0;
	c->roundtrips.filename = "";
	drive.resource = (struct resource){ drive.resource_pairs, 0 };
}

static struct config_pair *next_resource(void)
{
	if (drive.resource.n == ARRAY_LEN(drive.resource_pairs))
		die("resource", "too many");
	return &drive.resource_pairs[drive.resource.n++];
}

static void set(const char *name, char *text)
{
	struct config_exporter *c = &drive.config.exporter;
	struct config_delivery *d = delivery_of(name, c);
	char *value = strchr(text, '=');
	if (!value)
		die(text, "unknown option");
	*value++ = '\0';
	u64 number = strtoull(value, NULL, 10);
	const struct { const char *key; const char **to; } texts[] = {
		{ "endpoint", &d->endpoint }, { "compression", &d->compression }, { "spool_dir", &d->spool_dir }, { "ca_file", &d->tls.ca_file },
		{ "cert_file", &d->tls.cert_file }, { "server_name", &d->tls.server_name }, { "key_file", &d->tls.key_file }, { "username", &d->auth.username }, { "password", &d->auth.password },
		{ "bearer", &d->auth.bearer }, { "index", &c->elasticsearch.index }, { "pipeline", &c->elasticsearch.pipeline }, { "topic", &c->kafka.topic },
		{ "filename", &c->roundtrips.filename },
	};
	const struct { const char *key; u64 *to; u64 unit; } numbers[] = {
		{ "interval_ms", &d->interval, NS_PER_MS }, { "timeout_ms", &d->timeout, NS_PER_MS }, { "retry_max_ms", &d->retry_max, NS_PER_MS },
		{ "spool_bytes", &d->spool_bytes, 1 }, { "queue_bytes", &d->queue_bytes, 1 },
	};
	const struct { const char *key; bool *to; } flags[] = {
		{ "data_stream", &c->elasticsearch.data_stream }, { "template", &c->elasticsearch.template }, { "protobuf", &c->kafka.protobuf },
		{ "server_kind", &drive.traces.server_kind }, { "both_kinds", &drive.traces.both_kinds }, { "own_metrics", &c->metrics.own_metrics },
		{ "console", &c->roundtrips.console }, { "insecure", &d->tls.insecure_skip_verify },
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(texts[i].key, text) == 0)
			*texts[i].to = value;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (strcmp(numbers[i].key, text) == 0)
			*numbers[i].to = number * numbers[i].unit;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (strcmp(flags[i].key, text) == 0)
			*flags[i].to = number != 0;
	if (strcmp(text, "batch") == 0)
		d->batch = (u32)number;
	else if (strcmp(text, "version") == 0)
		c->metrics.version = (u8)number;
	else if (strcmp(text, "shards") == 0)
		c->metrics.shards = (u32)number;
	else if (strcmp(text, "max_reuse") == 0)
		drive.traces.max_reuse = (u32)number;
	else if (strcmp(text, "grpc") == 0)
		c->traces.protocol = c->logs.protocol = c->otlp_metrics.protocol = number ? OTLP_GRPC : OTLP_HTTP;
	else if (strcmp(text, "header") == 0)
		add_pair(&d->header, value);
	else if (strcmp(text, "external") == 0)
		add_pair(&c->metrics.external_labels, value);
	else if (strcmp(text, "option") == 0)
		add_pair(&c->kafka.options, value);
	else if (strcmp(text, "resource") == 0) {
		char *v = strchr(value, ':');
		if (!v)
			die(value, "NAME:VALUE is expected");
		*v = '\0';
		*next_resource() = (struct config_pair){ value, v + 1 };
	}
}

static void options(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		char none[] = "0", *next = i + 1 < argc ? argv[i + 1] : none;
		if (strcmp(argv[i], "--live") == 0) {
			drive.env.live = true;
			continue;
		}
		if (strncmp(argv[i], "--", 2) != 0) {
			set(argv[1], argv[i]);
			continue;
		}
		u64 number = strtoull(next, NULL, 10);
		if (strcmp(argv[i], "--pcap") == 0)
			drive.pcap = next;
		else if (strcmp(argv[i], "--count") == 0)
			drive.count = number;
		else if (strcmp(argv[i], "--workers") == 0)
			drive.workers = (u32)MIN(MAX(number, 1ull), (u64)OBSERVER_WORKERS_MAX);
		else if (strcmp(argv[i], "--rate") == 0)
			drive.rate = number;
		else if (strcmp(argv[i], "--hold") == 0)
			drive.hold_ms = (int)number;
		else if (strcmp(argv[i], "--stop") == 0)
			drive.stop_ms = atoi(next);
		else if (strcmp(argv[i], "--series") == 0)
			drive_series = (u32)number;
		else if (strcmp(argv[i], "--redact") == 0)
			drive.projection = projection_redact(next);
		else
			die(argv[i], "unknown option");
		i++;
	}
}

static void print_counters(void)
{
	struct export_counters c;
	drive.ops->counters(drive.exporter, &c);
	printf("{\"offered\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"queued\":%" PRIu64 ",\"requests\":%" PRIu64 ",\"retries\":%" PRIu64 ",\"failures\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"spooled_bytes\":%" PRIu64 ",\"cpu_ns\":%" PRIu64,
	       c.offered, c.delivered, c.queued, c.requests, c.retries, c.failures, c.bytes, c.spooled_bytes, (u64)drive.cpu_ns / drive.workers);
	for (int i = 0; i < EXPORT_DROP_COUNT; i++)
		printf(",\"%s\":%" PRIu64, export_drop_name((enum export_drop)i), c.dropped[i]);
	printf("}\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct buf error = { 0 };
	if (argc < 2)
		die("usage", "exporter_drive EXPORTER [OPTION]...");
	for (u32 i = 0; exporter_all[i]; i++)
		if (strcmp(exporter_all[i]->name, argv[1]) == 0)
			drive.ops = exporter_all[i];
	if (!drive.ops)
		die(argv[1], "no such exporter");
	tzset();
	defaults(argv[1]);
	options(argc, argv);
	drive.traces.kind = PROCESSOR_TRACES;
	drive.config.processors = &drive.traces;
	drive.config.processors_len = 1;
	drive.env.config = &drive.config;
	drive.env.resource = &drive.resource;
	drive.env.workers = drive.workers;
	drive.env.log = log_line;
	drive.env.interface = interface_name;
	int rc = drive.ops->open(&drive.env, &drive.exporter, &error);
	if (rc)
		die(strerror(-rc), buf_cstr(&error));
	for (u32 i = 0; i < drive.workers && drive.ops->sink; i++)
		drive.sinks[i] = drive.ops->sink(drive.exporter, i);
	rc = drive.ops->start(drive.exporter);
	if (rc)
		die("start", strerror(-rc));
	if (drive.pcap)
		read_capture();
	else if (!drive.ops->sink)
		tell_time();
	else if (drive.count)
		make_up_all();
	if (drive.hold_ms) {
		print_counters();
		usleep((useconds_t)drive.hold_ms * 1000);
	}
	drive.ops->stop(drive.exporter, drive.stop_ms);
	print_counters();
	drive.ops->free(drive.exporter);
	buf_done(&error);
	return 0;
}
