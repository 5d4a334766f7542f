/* The configuration of the agent, as typed values: what a YAML file (or no file at all) amounts to.
 * A struct config and everything it points to is constant once it is loaded and belongs to whoever loaded it; config_free
 * frees all. A reload makes a second one, compares, and frees the first when nobody uses it any more. Texts are never NULL unless
 * said so: an empty one means "not set". Durations are ns, sizes bytes.
 * The keys are bound by one table (config/schema.c), which also makes the sample file, docs/CONFIG.md and the JSON Schema.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CONFIG_CONFIG_H
#define PACKETD_CONFIG_CONFIG_H

#include "util/buf.h"

/* A list of texts. */
struct config_texts {
	const char **v;
	u32 n;
};

/* A mapping of texts, in the order of the file. */
struct config_pair {
	const char *name, *value;
};

struct config_pairs {
	struct config_pair *v;
	u32 n;
};

/* Where something stands in the file, for errors found later than by the loader; line 0: a default. */
struct config_place {
	u32 line, column;
};

enum config_log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum config_log_format { LOG_TEXT, LOG_JSON };

struct config_logger {
	bool to_stdout;
	u8 level;  /* enum config_log_level */
	u8 format; /* enum config_log_format */
	const char *filename;
	u32 max_size_mb, max_age_days, max_backups;
};

struct config_rule {
	const char *name, *protocol, *host;
	u16 *ports;
	u32 ports_len;
	struct config_place at;
};

struct config_sniffer {
	const char *ifaces; /* as --ifaces */
	const char *engine; /* empty or "pcap": the best there is */
	const char *file;   /* a capture file instead of interfaces */
	u8 family;          /* 4, 6, or 0 for both */
	bool no_promisc, promisc;
	u32 block_num;      /* blocks of 512 KiB; kept for old files, ring_size wins */
	u64 ring_size;      /* kernel buffer of all workers; 0: block_num, else the default */
	u32 workers;        /* 0: by the CPUs there are */
	u32 snaplen;        /* 0: whole packets */
	struct config_rule *rules;
	u32 rules_len;
};

/* TLS and credentials of something that listens, or (client side) of a back end. */
struct config_tls {
	const char *ca_file, *cert_file, *key_file, *server_name;
	bool insecure_skip_verify; /* client side only */
};

struct config_auth {
	const char *username, *password; /* basic; empty: none */
	const char *bearer;              /* token; empty: none */
};

struct config_server {
	bool enabled;
	const char *address; /* "host:port", ":port" */
	u64 timeout;
	bool pprof;
	struct config_tls tls;
	struct config_auth auth;
	u32 max_connections;
};

struct config_controller {
	bool l4_enabled;
	struct config_texts l4_labels; /* source.host, source.port, destination.host, destination.port */
	u64 conn_expired;
	bool auto_reload;
	u64 request_timeout; /* 0: by protocol */
	u32 max_connections; /* 0: the default */
	u32 max_waiting;
	u64 message_memory;
	bool http_body;
	u32 http_body_max;
	bool mongodb_response_code; /* accepted for old files: it is always read */
	bool show_secrets, pushes;
	bool grpc_as_http2;
	u64 progress; /* ns; 0: off */
	u32 statement_length;
	bool statement_parameters; /* values of prepared statements' parameters */
};

enum config_histogram { HISTOGRAM_CLASSIC = 1, HISTOGRAM_VMRANGE = 2, HISTOGRAM_NATIVE = 4 };

struct config_metrics_storage {
	u64 expired;
	u8 histogram;      /* enum config_histogram bits; vmHistogram: true is vmrange alone */
	u32 max_series;    /* a metric, past it `~other` */
	bool exemplars;
	u32 native_max_buckets;
	i32 native_schema; /* 0…8: 2^2^-schema is the ratio of neighbouring bounds */
};

/* One step of a pipeline. `config` is checked against the processor's own table. */
enum config_processor_kind {
	PROCESSOR_METRICS,    /* roundtripstometrics */
	PROCESSOR_TRACES,     /* roundtripstotraces */
	PROCESSOR_RECORDS,    /* roundtripstorecords: what files, Elasticsearch, Kafka and logs get */
	PROCESSOR_FILTER,
	PROCESSOR_SAMPLE,
	PROCESSOR_REDACT,
	PROCESSOR_ATTRIBUTES,
};

struct config_proto_labels {
	const char *proto;
	struct config_texts selectors; /* request.method, server.port, … */
};

/* name → value (or pattern → replacement) with what to do. */
enum config_action { ACTION_ADD, ACTION_RENAME, ACTION_DROP, ACTION_MASK, ACTION_HASH };

struct config_edit {
	u8 action;          /* enum config_action */
	const char *field;  /* as in --filter: "http.request.path"; of ACTION_ADD the new name */
	const char *value;  /* new name or value */
	struct config_place at;
};

struct config_processor {
	const char *name;   /* how pipelines call it: the kind's name, or "kind/what" */
	u8 kind;            /* enum config_processor_kind */
	struct config_place at;
	/* roundtripstometrics */
	struct config_proto_labels *labels;
	u32 labels_len;
	bool labels_default; /* no processor section at all: the protocols' usual labels */
	struct config_texts path_patterns; /* "/users/{id}/orders": tried before the built-in templates */
	bool path_templates;
	/* roundtripstotraces */
	bool server_kind, keep_statements; /* spans as the server sees them; statements with their literals */
	bool both_kinds;                   /* a client span beside the server span */
	u32 max_reuse;                     /* spans a context id may get before it is taken for reused; 0: the default */
	/* filter */
	const char *expression;
	/* sample */
	double head;         /* share of exchanges kept, 0…1 */
	bool keep_errors;
	u64 keep_slower;     /* exchanges that took longer are always kept; 0: off */
	/* redact, attributes */
	struct config_edit *edits;
	u32 edits_len;
	bool drop_sensitive; /* redact: all sensitive fields */
};

struct config_pipeline {
	const char *name;
	struct config_texts processors;
	struct config_place at;
};

/* What all exporters to a back end have. */
struct config_delivery {
	bool enabled;
	const char *endpoint;       /* URL; Kafka: host:port,… */
	struct config_pairs header;
	u64 interval, timeout;
	u32 batch;                  /* records a request */
	const char *compression;    /* "", gzip, zstd, snappy, lz4 as the back end knows */
	struct config_tls tls;
	struct config_auth auth;
	u64 retry_max;              /* a batch is given up when it is older; 0: never */
	const char *spool_dir;      /* empty: in memory only */
	u64 spool_bytes;            /* of the spool on disk */
	u64 queue_bytes;            /* in memory */
	struct config_place at;
};

enum config_otlp_protocol { OTLP_HTTP, OTLP_GRPC };

struct config_otlp {
	struct config_delivery d;
	u8 protocol; /* enum config_otlp_protocol */
};

struct config_remote_write {
	struct config_delivery d;
	u8 version; /* 1 or 2 */
	u32 shards;
	bool own_metrics; /* the agent's own, too */
	struct config_pairs external_labels;
};

struct config_roundtrips {
	bool enabled, console;
	const char *filename;
	u32 max_size_mb, max_backups, max_age_days;
};

struct config_elasticsearch {
	struct config_delivery d;
	const char *index;    /* data stream, or index */
	bool data_stream, template; /* make the index template at the start */
	const char *pipeline; /* ingest pipeline */
};

struct config_kafka {
	struct config_delivery d;
	const char *topic;
	bool protobuf;        /* instead of JSON */
	struct config_pairs options; /* librdkafka's own */
};

struct config_exporter {
	struct config_otlp traces;
	struct config_remote_write metrics;
	struct config_otlp otlp_metrics, logs;
	struct config_roundtrips roundtrips;
	struct config_elasticsearch elasticsearch;
	struct config_kafka kafka;
	struct config_pairs resource; /* resource attributes added to all that leaves */
};

struct config {
	struct config_logger logger;
	struct config_sniffer sniffer;
	struct config_server server;
	struct config_controller controller;
	struct config_metrics_storage metrics;
	struct config_processor *processors;
	u32 processors_len;
	struct config_pipeline *pipelines;
	u32 pipelines_len;
	struct config_exporter exporter;
	const char *path;   /* the file; empty: built-in defaults */
	void *memory;       /* of the loader */
};

/* The built-in defaults. NULL without memory. */
struct config *config_default(void);
/* Reads a file (at most 4 MiB; "-": standard input). 0 and *ret; or -EINVAL (wrong), -ENOENT … with all that is wrong in `errors`: a line or more for each
 * finding, "FILE:LINE:COLUMN: key: what was found; what is accepted; did you mean …". Warnings (old keys without effect) are
 * added to `warnings`, which may be NULL. */
int config_load(const char *path, struct config **ret, struct buf *errors, struct buf *warnings);
/* The same from text; `name` stands for the file in messages. */
int config_parse(const char *name, struct str text, struct config **ret, struct buf *errors, struct buf *warnings);
/* NULL is fine. */
void config_free(struct config *c);

/* All values in effect, as YAML that loads to the same; passwords, tokens and headers as ***. */
void config_show(const struct config *c, struct buf *out);

/* What cannot change while the program runs and differs between the two: key names, comma-separated. True when there is any. */
bool config_needs_restart(const struct config *old, const struct config *new, struct buf *keys);

/* Whether a key of this section ("exporter.traces", "server") has another value. Rules, processors and pipelines are not looked at. */
bool config_differs(const struct config *a, const struct config *b, const char *section);

/* Made from the schema. */
void config_sample(struct buf *out);      /* YAML with comments, all defaults, valid input */
void config_markdown(struct buf *out);    /* docs/CONFIG.md */
void config_json_schema(struct buf *out); /* JSON Schema, draft 2020-12 */

#endif
