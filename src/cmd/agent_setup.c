#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/agent.h"
#include "cmd/interfaces.h"
#include "util/suggest.h"

#define BLOCK_BYTES (512 * KIB) /* of sniffer.blockNum */
#define POLL_MS 40

/* Remarks of the loader, a line each. */
void agent_log_lines(enum config_log_level level, const char *part, struct buf *text)
{
	char *save = NULL, *copy = strdup(buf_cstr(text));
	for (char *line = copy ? strtok_r(copy, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save))
		log_write(level, part, "%s", line);
	free(copy);
}

int agent_read_config(const struct agent_values *v, struct config **ret, bool *ret_builtin, struct buf *error)
{
	const char *path = v->config ? v->config : AGENT_CONFIG;
	struct buf warnings = { 0 };
	*ret_builtin = !v->config && access(path, F_OK) != 0;
	if (*ret_builtin) {
		*ret = config_default();
		return *ret ? 0 : -ENOMEM;
	}
	int rc = config_load(path, ret, error, &warnings);
	if (!rc)
		agent_log_lines(LOG_WARN, "config", &warnings);
	buf_done(&warnings);
	return rc;
}

/* --- rules --- */

static int add_rule(const struct config_rule *r, struct rules *rules, struct buf *error)
{
	struct buf text = { 0 }, why = { 0 };
	if (!proto_find(str_from(r->protocol))) /* a warning of the configuration said so */
		return 0;
	buf_adds(&text, r->protocol);
	for (u32 i = 0; i < r->ports_len; i++)
		buf_addf(&text, "%c%u", i ? ',' : ';', r->ports[i]);
	if (*r->host)
		buf_addf(&text, "%s;%s", r->ports_len ? "" : ";", r->host);
	int rc = rules_add(rules, buf_cstr(&text), &why);
	if (rc)
		buf_addf(error, "sniffer.protocols.rules, line %u: %s\n", r->at.line, buf_cstr(&why));
	buf_done(&text);
	buf_done(&why);
	return rc;
}

static int make_rules(const struct config *c, struct rules *rules, struct buf *error)
{
	int rc = 0;
	rules->n = 0;
	for (u32 i = 0; i < c->sniffer.rules_len; i++) {
		int one = add_rule(&c->sniffer.rules[i], rules, error);
		rc = one ? one : rc;
	}
	if (!rc && c->sniffer.rules_len && !rules->n) { /* no rules would mean everything */
		buf_adds(error, "sniffer.protocols.rules: none of these protocols is built into this program\n");
		rc = -EINVAL;
	}
	return rc;
}

/* --- capture --- */

static int make_engine(const char *name, struct observer_options *o, struct buf *error)
{
	const char *names[16];
	size_t n = 0;
	o->engine = capture_engine_default(&o->capture);
	if (o->capture.file || !*name || strcmp(name, "pcap") == 0)
		return 0;
	const struct capture_engine *e = capture_engine_find(name);
	if (e && e->live) {
		o->engine = e;
		return 0;
	}
	for (u32 i = 0; capture_engines[i] && n < ARRAY_LEN(names); i++)
		if (capture_engines[i]->live)
			names[n++] = capture_engines[i]->name;
	const char *close = suggest(name, names, n);
	buf_addf(error, "sniffer.engine: unknown engine %s", name);
	if (close)
		buf_addf(error, " (did you mean %s?)", close);
	buf_adds(error, "; there are:");
	for (size_t i = 0; i < n; i++)
		buf_addf(error, "%s %s", i ? "," : "", names[i]);
	buf_addc(error, '\n');
	return -EINVAL;
}

static int make_capture(const struct agent *a, const struct config *c, struct observer_options *o, struct buf *error)
{
	const struct config_sniffer *s = &c->sniffer;
	const char *file = a->v->pcap_file ? a->v->pcap_file : s->file;
	o->capture.file = *file ? file : NULL;
	o->capture.interfaces = *s->ifaces ? s->ifaces : "any";
	o->capture.snaplen = s->snaplen;
	o->capture.promiscuous = s->promisc && !s->no_promisc;
	o->capture.poll_ms = POLL_MS;
	o->ring_bytes = s->ring_size ? s->ring_size : s->block_num * BLOCK_BYTES;
	o->workers = s->workers;
	o->family = s->family;
	int rc = make_engine(s->engine, o, error);
	if (o->capture.file)
		return rc;
	int one = interfaces_check(o->capture.interfaces, error);
	if (one)
		buf_addc(error, '\n');
	return one ? one : rc;
}

void agent_make_parser_options(const struct config *c, struct proto_options *o)
{
	const struct config_controller *k = &c->controller;
	*o = (struct proto_options){
		.show_secrets = k->show_secrets,
		.pushes = k->pushes,
		.carriers = k->grpc_as_http2,
		.progress_ns = k->progress,
		.headers = true,
		.details = true,
		.body_bytes = k->http_body ? k->http_body_max : 0,
		.statement_length = k->statement_length ? k->statement_length : 1024,
		.parameters = k->statement_parameters,
		.max_records = 64,
	};
}

int agent_make_options(struct agent *a, const struct config *c, struct rules *rules, struct buf *bpf, struct observer_options *o, struct buf *error)
{
	const struct config_controller *k = &c->controller;
	int rc = make_rules(c, rules, error), one = make_capture(a, c, o, error);
	if (rc || one)
		return rc ? rc : one;
	bpf->len = 0;
	o->capture.filter = !o->capture.file && rules_filter(rules, bpf) ? buf_cstr(bpf) : NULL;
	o->session.rules = rules->v;
	o->session.rules_len = rules->n;
	o->session.timeout_ns = o->session.udp_timeout_ns = k->request_timeout;
	o->session.max_waiting = k->max_waiting;
	o->session.message_bytes = k->message_memory;
	o->flow.max_conns = k->max_connections;
	o->flow.tcp_idle_ns = k->conn_expired;
	agent_make_parser_options(c, &o->session.proto);
	return 0;
}

struct registry_options agent_registry_options(const struct agent *a, const struct config *c)
{
	const struct config_metrics_storage *m = &c->metrics;
	return (struct registry_options){
		.workers = a->workers,
		.max_series = m->max_series,
		.expired_ns = m->expired,
		.histograms = m->histogram,
		.native_schema = m->native_schema,
		.native_max_buckets = m->native_max_buckets,
		.exemplars = m->exemplars,
	};
}
