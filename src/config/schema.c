#include "config/schema.h"

#include "config/checks.h"
#include "config/drafts.h"

#define AT(member) .offset = offsetof(struct config, member)

static const struct choice levels[] = { { "debug", LOG_DEBUG }, { "info", LOG_INFO }, { "warn", LOG_WARN }, { "error", LOG_ERROR }, { "warning", LOG_WARN, true }, { NULL } };
static const struct choice formats[] = { { "text", LOG_TEXT }, { "json", LOG_JSON }, { NULL } };
static const struct choice families[] = { { "", 0 }, { "v4", 4 }, { "v6", 6 }, { "4", 4, true }, { "6", 6, true }, { "ipv4", 4, true }, { "ipv6", 6, true }, { "both", 0, true }, { NULL } };
static const struct choice histograms[] = { { "classic", HISTOGRAM_CLASSIC }, { "vmrange", HISTOGRAM_VMRANGE }, { "native", HISTOGRAM_NATIVE }, { NULL } };
static const struct choice otlp_protocols[] = { { "http", OTLP_HTTP }, { "grpc", OTLP_GRPC }, { "http/protobuf", OTLP_HTTP, true }, { NULL } };
static const struct choice remote_versions[] = { { "1", 1 }, { "2", 2 }, { "1.0", 1, true }, { "2.0", 2, true }, { NULL } };
static const struct choice record_formats[] = { { "json", 0 }, { "protobuf", 1 }, { NULL } };
static const struct choice compressions_http[] = { { "gzip" }, { "none" }, { NULL } };
static const struct choice compressions_write[] = { { "snappy" }, { NULL } };
static const struct choice compressions_kafka[] = { { "none" }, { "gzip" }, { "snappy" }, { "lz4" }, { "zstd" }, { NULL } };

#include "config/schema_exporter.h"

static const struct key root_keys[] = {
	{ "logger.stdout", KEY_BOOL, 0, AT(logger.to_stdout), .fallback = "true",
	  .meaning = "log to standard output; true unless a file is named" },
	{ "logger.level", KEY_CHOICE, KEY_UPPER, AT(logger.level), .fallback = "info", .choices = levels, .meaning = "what is worth a line" },
	{ "logger.format", KEY_CHOICE, KEY_NEW, AT(logger.format), .fallback = "text", .choices = formats, .meaning = "lines for people, or JSON" },
	{ "logger.filename", KEY_TEXT, 0, AT(logger.filename), .fallback = "", .example = "packetd.log",
	  .meaning = "file to log to when not to standard output; then packetd.log unless another is named" },
	{ "logger.maxSize", KEY_NUMBER, KEY_POSITIVE, AT(logger.max_size_mb), .min = 1, .max = 1000000, .fallback = "100", .meaning = "MiB of the file before it is rotated" },
	{ "logger.maxAge", KEY_NUMBER, KEY_POSITIVE, AT(logger.max_age_days), .min = 1, .max = 36500, .fallback = "7", .meaning = "days that rotated files are kept" },
	{ "logger.maxBackups", KEY_NUMBER, KEY_POSITIVE, AT(logger.max_backups), .min = 1, .max = 100000, .fallback = "10", .meaning = "rotated files that are kept" },

	{ "sniffer.ifaces", KEY_TEXT, KEY_RESTART, AT(sniffer.ifaces), .fallback = "any", .check = check_ifaces, .example = "eth0,^veth",
	  .meaning = "any, or names and regular expressions (of the whole name), separated by commas" },
	{ "sniffer.engine", KEY_TEXT, KEY_RESTART, AT(sniffer.engine), .fallback = "", .check = check_engine,
	  .meaning = "how to capture; empty (or pcap, as in old files): the best there is" },
	{ "sniffer.file", KEY_TEXT, KEY_RESTART, AT(sniffer.file), .fallback = "", .example = "yesterday.pcapng",
	  .meaning = "capture file to read instead of interfaces (pcap, pcapng, .gz, .zst)" },
	{ "sniffer.ipVersion", KEY_CHOICE, KEY_UPPER, AT(sniffer.family), .fallback = "", .choices = families, .meaning = "v4 or v6 only; empty: both" },
	{ "sniffer.noPromisc", KEY_BOOL, KEY_RESTART, AT(sniffer.no_promisc), .fallback = "false", .meaning = "never put an interface into promiscuous mode, whatever promisc says" },
	{ "sniffer.promisc", KEY_BOOL, KEY_NEW | KEY_RESTART, AT(sniffer.promisc), .fallback = "false", .meaning = "see frames that are not addressed to this host (mirror ports)" },
	{ "sniffer.blockNum", KEY_NUMBER, KEY_RESTART | KEY_ROUND | KEY_OLD, AT(sniffer.block_num), .min = 16, .max = 1024, .fallback = "16",
	  .meaning = "kernel buffer in blocks of 512 KiB, as in old files; ringSize wins" },
	{ "sniffer.ringSize", KEY_SIZE, KEY_NEW | KEY_RESTART, AT(sniffer.ring_size), .max = 16 * 1024 * MIB, .fallback = "0",
	  .meaning = "kernel buffer of all workers together; 0: as blockNum says" },
	{ "sniffer.workers", KEY_NUMBER, KEY_NEW | KEY_RESTART, AT(sniffer.workers), .max = 64, .fallback = "0", .meaning = "threads that capture and decode; 0: by the CPUs there are" },
	{ "sniffer.snaplen", KEY_SIZE32, KEY_NEW | KEY_RESTART, AT(sniffer.snaplen), .max = MIB, .fallback = "0", .meaning = "bytes of a packet to look at; 0: all" },
	{ "sniffer.protocols.rules", KEY_ITEMS, 0, AT(sniffer.rules), .len_offset = offsetof(struct config, sniffer.rules_len), .items = &schema_rule, .fallback = "[]",
	  .example = "- {name: web, protocol: http, ports: [80, 8080]}\n- {name: cache, protocol: redis, ports: 6379, host: 10.0.0.5}",
	  .meaning = "what to decode; empty: everything, recognised by its content" },

	{ "controller.layer4Metrics.enabled", KEY_BOOL, 0, AT(controller.l4_enabled), .fallback = "true", .meaning = "metrics of TCP and UDP" },
	{ "controller.layer4Metrics.requiredLabels", KEY_TEXTS, 0, AT(controller.l4_labels), .fallback = "[]", .check = check_l4_labels,
	  .example = "[source.host, destination.port]", .meaning = "of source.host, source.port, destination.host, destination.port" },
	{ "controller.layer4Metrics.requireLabels", .instead = "controller.layer4Metrics.requiredLabels" },
	{ "controller.connExpired", KEY_DURATION, KEY_POSITIVE, AT(controller.conn_expired), .min = NS_PER_SEC, .max = 7 * 86400 * NS_PER_SEC, .fallback = "5m",
	  .meaning = "a TCP connection that is silent for so long is forgotten" },
	{ "controller.autoReload", KEY_BOOL, 0, AT(controller.auto_reload), .fallback = "false", .meaning = "load this file again when it changes" },
	{ "controller.requestTimeout", KEY_DURATION, KEY_NEW, AT(controller.request_timeout), .max = 86400 * NS_PER_SEC, .fallback = "0",
	  .meaning = "a request without an answer is reported as no_response after it; 0: by protocol, 60 s over TCP and 15 s over UDP" },
	{ "controller.maxConnections", KEY_NUMBER, KEY_NEW | KEY_RESTART, AT(controller.max_connections), .max = 100000000, .fallback = "2000000",
	  .meaning = "connections followed at once; past it the longest idle ones are forgotten" },
	{ "controller.maxWaiting", KEY_NUMBER, KEY_NEW, AT(controller.max_waiting), .max = 10000000, .fallback = "10000", .meaning = "requests waiting for an answer on one connection" },
	{ "controller.messageMemory", KEY_SIZE, KEY_NEW | KEY_RESTART, AT(controller.message_memory), .min = MIB, .max = 1024 * 1024 * MIB, .fallback = "256MiB",
	  .meaning = "memory for requests and answers in progress" },
	{ "controller.showSecrets", KEY_BOOL, KEY_NEW, AT(controller.show_secrets), .fallback = "false", .meaning = "do not mask passwords, tokens and cookies" },
	{ "controller.decoder.maxStatementLength", KEY_NUMBER, KEY_NEW, AT(controller.statement_length), .min = 16, .max = 65536, .fallback = "1024",
	  .meaning = "characters kept of a statement (SQL, a Redis command)" },
	{ "controller.decoder.statementParameters", KEY_BOOL, KEY_NEW, AT(controller.statement_parameters), .fallback = "false",
	  .meaning = "show the values of prepared statements' parameters (MySQL, PostgreSQL)" },
	{ "controller.decoder.http.enableBodyCapture", KEY_BOOL, 0, AT(controller.http_body), .fallback = "false", .meaning = "keep the beginning of JSON and text bodies" },
	{ "controller.decoder.http.maxBodySize", KEY_SIZE32, KEY_POSITIVE, AT(controller.http_body_max), .min = 1, .max = 16 * MIB, .fallback = "102400", .meaning = "bytes kept of a body" },
	{ "controller.decoder.mongodb.enableResponseCode", KEY_BOOL, KEY_OLD, AT(controller.mongodb_response_code), .fallback = "true", .meaning = "accepted for old files: answers are always read" },
	{ "controller.decoder.redis.enablePushes", KEY_BOOL, KEY_NEW, AT(controller.pushes), .fallback = "false", .meaning = "report what a server pushes (pub/sub, MONITOR) as exchanges of their own" },
	{ "controller.decoder.grpc.asHTTP2", KEY_BOOL, KEY_NEW, AT(controller.grpc_as_http2), .fallback = "false", .meaning = "report gRPC calls as HTTP/2 exchanges, too" },
	{ "controller.decoder.grpc.progressInterval", KEY_DURATION, KEY_NEW, AT(controller.progress), .max = 86400 * NS_PER_SEC, .fallback = "0s",
	  .meaning = "report long gRPC and HTTP/2 streams each time this has passed, while they run; 0s: only at their end" },
	{ "controller.decoder.protocols", KEY_IGNORED, .meaning = "no such setting ever existed; sniffer.protocols.rules say what is decoded" },

	{ "metricsStorage.expired", KEY_DURATION, KEY_POSITIVE, AT(metrics.expired), .min = NS_PER_SEC, .max = 365 * 86400 * NS_PER_SEC, .fallback = "5m",
	  .meaning = "a series nobody has touched for so long disappears" },
	{ "metricsStorage.vmHistogram", KEY_BOOL, KEY_RESTART | KEY_OLD, .offset = offsetof(struct root_draft, vm_histogram), .fallback = "false", .meaning = "the same as histograms: [vmrange]" },
	{ "metricsStorage.histograms", KEY_CHOICES, KEY_NEW | KEY_RESTART, AT(metrics.histogram), .fallback = "[classic]", .choices = histograms,
	  .meaning = "classic buckets (le), VictoriaMetrics' vmrange, Prometheus' native ones; several at once" },
	{ "metricsStorage.maxSeries", KEY_NUMBER, KEY_NEW, AT(metrics.max_series), .min = 1, .max = 10000000, .fallback = "10000",
	  .meaning = "series of a metric; past it new label values become ~other" },
	{ "metricsStorage.exemplars", KEY_BOOL, KEY_NEW, AT(metrics.exemplars), .fallback = "true", .meaning = "trace ids with histograms, in OpenMetrics" },
	{ "metricsStorage.nativeMaxBuckets", KEY_NUMBER, KEY_NEW | KEY_RESTART, AT(metrics.native_max_buckets), .min = 8, .max = 10000, .fallback = "160",
	  .meaning = "buckets of a native histogram; past it the resolution is halved" },
	{ "metricsStorage.nativeSchema", KEY_SIGNED, KEY_NEW | KEY_RESTART, AT(metrics.native_schema), .max = 8, .fallback = "3",
	  .meaning = "resolution of native histograms: neighbouring bounds differ by 2^(2^-schema)" },
	{ "metricsStorage.enabled", KEY_IGNORED, .meaning = "metrics are always kept; leave a processor out of the pipeline to have none" },

	{ "processor", KEY_ITEMS, 0, AT(processors), .len_offset = offsetof(struct config, processors_len), .items = &schema_processor,
	  .fallback = "[{name: roundtripstometrics, config: {defaultLabels: true}}, {name: roundtripstotraces}]", .meaning = "what can be done with exchanges, by name" },
	{ "pipeline", KEY_ITEMS, 0, AT(pipelines), .len_offset = offsetof(struct config, pipelines_len), .items = &schema_pipeline,
	  .meaning = "which of these are done, in which order; missing: all of them, in one pipeline" },

	OTLP_KEYS("exporter.traces", exporter.traces, 0, "/v1/traces", "spans", "100", "3s"),
	{ "exporter.metrics.enabled", KEY_BOOL, 0, AT(exporter.metrics.d.enabled), .fallback = "false", .meaning = "send metrics by Prometheus remote write" },
	{ "exporter.metrics.endpoint", KEY_TEXT, 0, AT(exporter.metrics.d.endpoint), .fallback = "", .check = check_url, .example = "http://localhost:8428/api/v1/write", .meaning = "whole URL" },
	{ "exporter.metrics.version", KEY_CHOICE, KEY_NEW, AT(exporter.metrics.version), .fallback = "1", .choices = remote_versions, .meaning = "of the protocol: 1.0 or 2.0" },
	{ "exporter.metrics.header", KEY_PAIRS, KEY_HIDE, AT(exporter.metrics.d.header), .check = check_header, .example = "{X-Scope-OrgID: team-a}", .meaning = "more request headers" },
	{ "exporter.metrics.interval", KEY_DURATION, KEY_POSITIVE, AT(exporter.metrics.d.interval), .min = NS_PER_SEC, .fallback = "1m", .meaning = "how often" },
	{ "exporter.metrics.timeout", KEY_DURATION, KEY_POSITIVE, AT(exporter.metrics.d.timeout), .min = NS_PER_MS, .fallback = "15s", .meaning = "of a request" },
	{ "exporter.metrics.batch", KEY_NUMBER, KEY_NEW, AT(exporter.metrics.d.batch), .min = 1, .max = 1000000, .fallback = "2000", .meaning = "series in a request" },
	{ "exporter.metrics.shards", KEY_NUMBER, KEY_NEW, AT(exporter.metrics.shards), .min = 1, .max = 64, .fallback = "1", .meaning = "requests at the same time" },
	{ "exporter.metrics.ownMetrics", KEY_BOOL, KEY_NEW, AT(exporter.metrics.own_metrics), .fallback = "false", .meaning = "the agent's own metrics, too" },
	{ "exporter.metrics.externalLabels", KEY_PAIRS, KEY_NEW, AT(exporter.metrics.external_labels), .check = check_label, .example = "{cluster: blue}", .meaning = "labels added to every series" },
	DELIVERY_KEYS("exporter.metrics", exporter.metrics.d, compressions_write, "snappy", "2h", "64MiB"),
	OTLP_KEYS("exporter.otlpMetrics", exporter.otlp_metrics, KEY_NEW, "/v1/metrics", "metrics", "2000", "1m"),
	OTLP_KEYS("exporter.logs", exporter.logs, KEY_NEW, "/v1/logs", "exchanges as log records", "1000", "3s"),
	{ "exporter.roundtrips.enabled", KEY_BOOL, 0, AT(exporter.roundtrips.enabled), .fallback = "false", .meaning = "write exchanges as JSON lines" },
	{ "exporter.roundtrips.console", KEY_BOOL, 0, AT(exporter.roundtrips.console), .fallback = "false", .meaning = "to standard output; the file's keys then have no effect" },
	{ "exporter.roundtrips.filename", KEY_TEXT, 0, AT(exporter.roundtrips.filename), .fallback = "packetd.roundtrips", .meaning = "file to write to" },
	{ "exporter.roundtrips.maxSize", KEY_NUMBER, KEY_POSITIVE, AT(exporter.roundtrips.max_size_mb), .min = 1, .max = 1000000, .fallback = "100", .meaning = "MiB of the file before it is rotated" },
	{ "exporter.roundtrips.maxBackups", KEY_NUMBER, KEY_POSITIVE, AT(exporter.roundtrips.max_backups), .min = 1, .max = 100000, .fallback = "10", .meaning = "rotated files that are kept" },
	{ "exporter.roundtrips.maxAge", KEY_NUMBER, KEY_POSITIVE, AT(exporter.roundtrips.max_age_days), .min = 1, .max = 36500, .fallback = "7", .meaning = "days that rotated files are kept" },
	{ "exporter.elasticsearch.enabled", KEY_BOOL, KEY_NEW, AT(exporter.elasticsearch.d.enabled), .fallback = "false", .meaning = "index exchanges in Elasticsearch or what speaks like it" },
	{ "exporter.elasticsearch.endpoint", KEY_TEXT, KEY_NEW, AT(exporter.elasticsearch.d.endpoint), .fallback = "", .check = check_url, .example = "http://localhost:9200", .meaning = "URL; /_bulk is added" },
	{ "exporter.elasticsearch.index", KEY_TEXT, KEY_NEW, AT(exporter.elasticsearch.index), .fallback = "logs-packetd.roundtrips-default", .meaning = "data stream, or index" },
	{ "exporter.elasticsearch.dataStream", KEY_BOOL, KEY_NEW, AT(exporter.elasticsearch.data_stream), .fallback = "true", .meaning = "it is a data stream" },
	{ "exporter.elasticsearch.template", KEY_BOOL, KEY_NEW, AT(exporter.elasticsearch.template), .fallback = "true", .meaning = "make its index template at the start" },
	{ "exporter.elasticsearch.pipeline", KEY_TEXT, KEY_NEW, AT(exporter.elasticsearch.pipeline), .fallback = "", .meaning = "ingest pipeline" },
	{ "exporter.elasticsearch.header", KEY_PAIRS, KEY_NEW | KEY_HIDE, AT(exporter.elasticsearch.d.header), .check = check_header, .meaning = "more request headers" },
	{ "exporter.elasticsearch.batch", KEY_NUMBER, KEY_NEW, AT(exporter.elasticsearch.d.batch), .min = 1, .max = 100000, .fallback = "1000", .meaning = "exchanges in a request" },
	{ "exporter.elasticsearch.interval", KEY_DURATION, KEY_NEW, AT(exporter.elasticsearch.d.interval), .min = NS_PER_MS, .fallback = "1s", .meaning = "and at least so often" },
	{ "exporter.elasticsearch.timeout", KEY_DURATION, KEY_NEW, AT(exporter.elasticsearch.d.timeout), .min = NS_PER_MS, .fallback = "30s", .meaning = "of a request" },
	DELIVERY_KEYS("exporter.elasticsearch", exporter.elasticsearch.d, compressions_http, "gzip", "30m", "32MiB"),
	{ "exporter.kafka.enabled", KEY_BOOL, KEY_NEW, AT(exporter.kafka.d.enabled), .fallback = "false", .meaning = "produce exchanges to a Kafka topic, keyed by connection" },
	{ "exporter.kafka.endpoint", KEY_TEXT, KEY_NEW, AT(exporter.kafka.d.endpoint), .fallback = "", .check = check_brokers, .example = "kafka-1:9092,kafka-2:9092", .meaning = "brokers to begin with, host:port" },
	{ "exporter.kafka.topic", KEY_TEXT, KEY_NEW, AT(exporter.kafka.topic), .fallback = "packetd.roundtrips", .meaning = "topic" },
	{ "exporter.kafka.format", KEY_CHOICE, KEY_NEW, AT(exporter.kafka.protobuf), .fallback = "json", .choices = record_formats, .meaning = "of a record's value" },
	{ "exporter.kafka.options", KEY_PAIRS, KEY_NEW | KEY_HIDE, AT(exporter.kafka.options), .example = "{acks: all}", .meaning = "librdkafka's own settings" },
	{ "exporter.kafka.header", KEY_PAIRS, KEY_NEW | KEY_HIDE, AT(exporter.kafka.d.header), .meaning = "headers of every record" },
	{ "exporter.kafka.batch", KEY_NUMBER, KEY_NEW, AT(exporter.kafka.d.batch), .min = 1, .max = 1000000, .fallback = "10000", .meaning = "records in a request" },
	{ "exporter.kafka.interval", KEY_DURATION, KEY_NEW, AT(exporter.kafka.d.interval), .min = NS_PER_MS, .fallback = "100ms", .meaning = "how long a request waits for more records" },
	{ "exporter.kafka.timeout", KEY_DURATION, KEY_NEW, AT(exporter.kafka.d.timeout), .min = NS_PER_MS, .fallback = "30s", .meaning = "of a request" },
	DELIVERY_KEYS("exporter.kafka", exporter.kafka.d, compressions_kafka, "none", "30m", "32MiB"),
	{ "exporter.resource", KEY_PAIRS, KEY_NEW, AT(exporter.resource), .example = "{deployment.environment.name: staging}", .meaning = "resource attributes added to everything that is sent" },

	{ "server.enabled", KEY_BOOL, 0, AT(server.enabled), .fallback = "true", .meaning = "serve metrics, the API and the web page" },
	{ "server.address", KEY_TEXT, 0, AT(server.address), .fallback = "127.0.0.1:9091", .check = check_address, .meaning = "host:port; :port is all addresses. From other hosts /watch, /api/v1/roundtrips, /-/reload and /-/logger need credentials" },
	{ "server.timeout", KEY_DURATION, 0, AT(server.timeout), .max = 86400 * NS_PER_SEC, .fallback = "1m", .meaning = "of reading a request and writing its answer; 0: none" },
	{ "server.pprof", KEY_BOOL, 0, AT(server.pprof), .fallback = "false", .meaning = "serve /debug/pprof" },
	{ "server.maxConnections", KEY_NUMBER, KEY_NEW, AT(server.max_connections), .min = 1, .max = 100000, .fallback = "256", .meaning = "clients at once" },
	{ "server.tls.certFile", KEY_TEXT, KEY_NEW, AT(server.tls.cert_file), .fallback = "", .meaning = "certificate chain, PEM; with it the server speaks TLS" },
	{ "server.tls.keyFile", KEY_TEXT, KEY_NEW, AT(server.tls.key_file), .fallback = "", .meaning = "its private key, PEM" },
	{ "server.tls.caFile", KEY_TEXT, KEY_NEW, AT(server.tls.ca_file), .fallback = "", .meaning = "clients need a certificate of these authorities" },
	AUTH_KEYS("server", server, KEY_NEW),

	{ "protocol.rules", KEY_IGNORED, .meaning = "the key is sniffer.protocols.rules" },
	{ "sniffer.protocol.rules", KEY_IGNORED, .meaning = "the key is sniffer.protocols.rules" },
	{ "decoder.protocols", KEY_IGNORED, .meaning = "no such setting ever existed; sniffer.protocols.rules say what is decoded" },
};

const struct schema schema_root = { root_keys, ARRAY_LEN(root_keys), sizeof(struct root_draft), UINT16_MAX, .name = "configuration" };

const struct section schema_sections[] = {
	{ "logger", "The program's own log." },
	{ "sniffer", "Where packets come from, and which protocols are looked for." },
	{ "sniffer.protocols", "Rules: this port (of this host) speaks this protocol." },
	{ "controller", "How connections are followed and what is kept of them." },
	{ "controller.layer4Metrics", "Metrics of TCP and UDP, whatever is spoken over them." },
	{ "controller.decoder", "How protocols are read." },
	{ "metricsStorage", "How metrics are kept, for /protocol/metrics and for remote write." },
	{ "exporter", "Where metrics, traces and exchanges are sent." },
	{ "exporter.traces", "Spans, by OTLP." },
	{ "exporter.metrics", "Metrics, by Prometheus remote write." },
	{ "exporter.otlpMetrics", "Metrics, by OTLP." },
	{ "exporter.logs", "Exchanges as log records, by OTLP." },
	{ "exporter.roundtrips", "Exchanges as JSON lines, in a file." },
	{ "exporter.elasticsearch", "Exchanges, to Elasticsearch's bulk API." },
	{ "exporter.kafka", "Exchanges, to a Kafka topic." },
	{ "server", "Metrics, API and web page." },
};
const u32 schema_sections_len = ARRAY_LEN(schema_sections);

const struct key *schema_find(const struct schema *s, const char *path)
{
	for (u32 i = 0; i < s->n; i++)
		if (strcmp(s->keys[i].path, path) == 0)
			return &s->keys[i];
	return NULL;
}

bool schema_is_section(const struct schema *s, const char *path)
{
	size_t n = strlen(path);
	for (u32 i = 0; i < s->n; i++)
		if (strncmp(s->keys[i].path, path, n) == 0 && s->keys[i].path[n] == '.')
			return true;
	return false;
}
