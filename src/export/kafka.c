/* The exporter `kafka`: RoundTrips to a topic, keyed by connection so that those of one stay in order; as JSON, or as protobuf (a
 * LogsData of OpenTelemetry with one record). On librdkafka, which finds the brokers, retries for a while and keeps a producer
 * idempotent; what it gives up goes back to the outbox. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "export/kafka_library.h"
#include "export/otlp.h"
#include "export/record_json.h"
#include "export/span.h"
#include "net/net.h"

#define BATCH_RECORDS 1000
#define BATCH_BYTES (1 * MIB)
#define POLL_MS 50
#define LINGER_MS "5"

struct kafka_sink {
	struct view_sink base;
	struct kafka *kafka;
	struct outbox_feed *feed;
	struct record_json json;
	struct span_encoder *encoder; /* protobuf */
	struct buf record;
	struct kafka_sink *next;
};

struct kafka {
	struct exporter base;
	struct exporter_env env;
	const struct config_kafka *config;
	struct outbox *outbox;
	struct buf resource;
	struct kafka_sink *sinks;
};

/* --- records: length of key and value, then these --- */

struct record_head {
	u32 key, value;
};

static size_t put_end(char *to, const struct conn *c, u8 dir)
{
	size_t n = ip_format(&c->addr[dir], to);
	return n + (size_t)snprintf(to + n, 8, ":%u", c->port[dir]);
}

/* Client and server: the same for all exchanges of a connection, whoever asks. */
static size_t make_key(char key[128], const struct roundtrip *rt)
{
	u8 client = (rt->conn->opener & 1) == rt->conn->opener ? rt->conn->opener : rt->request->dir & 1;
	size_t n = put_end(key, rt->conn, client);
	key[n++] = '-';
	return n + put_end(key + n, rt->conn, client ^ 1);
}

static void put_value(struct kafka_sink *s, struct buf *out, const struct view *v)
{
	if (!s->encoder) {
		record_json(&s->json, out, v);
		out->len -= out->failed ? 0 : 1; /* the \n */
		return;
	}
	s->record.len = 0;
	s->record.failed = false;
	log_encode(s->encoder, &s->record, v);
	otlp_envelope(out, &s->kafka->resource, s->record.len);
	buf_add(out, s->record.data, s->record.len);
	out->failed |= s->record.failed;
}

static void take(struct view_sink *sink, const struct view *v)
{
	struct kafka_sink *s = (struct kafka_sink *)sink;
	char key[128];
	struct buf *out = outbox_begin(s->feed, 1);
	if (!out)
		return;
	struct record_head head = { .key = (u32)make_key(key, v->rt) };
	size_t at = out->len;
	buf_add(out, &head, sizeof(head));
	buf_add(out, key, head.key);
	put_value(s, out, v);
	if (!out->failed) {
		head.value = (u32)(out->len - at - sizeof(head) - head.key);
		memcpy(out->data + at, &head, sizeof(head));
	}
	outbox_end(s->feed);
}

static void flush(struct view_sink *sink, u64 now, bool last)
{
	outbox_flush(((struct kafka_sink *)sink)->feed, now, last);
}

/* --- sending --- */

/* What has become of one record of the batch on its way. */
struct fate {
	struct sender *sender;
	rd_kafka_resp_err_t error;
	bool known;
};

struct sender {
	struct kafka *kafka;
	rd_kafka_t *producer;
	rd_kafka_topic_t *topic;
	rd_kafka_headers_t *headers;
	char why[200]; /* there is no producer */
	struct fate *fates;
	u32 fates_cap, pending;
};

static void told(rd_kafka_t *producer, const rd_kafka_message_t *m, void *opaque)
{
	struct fate *f = m->_private;
	f->error = m->err;
	f->known = true;
	f->sender->pending--;
}

static void say(const rd_kafka_t *producer, int level, const char *facility, const char *text)
{
	struct sender *s = rd_kafka_opaque(producer);
	if (level <= 4 && s)
		outbox_say(s->kafka->outbox, LOG_WARN, "%s", text);
}

static bool is_permanent(rd_kafka_resp_err_t e)
{
	switch (e) {
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_MSG:
	case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
	case RD_KAFKA_RESP_ERR__INVALID_ARG:
		return true;
	default:
		return false;
	}
}

static bool next_record(struct str *rest, struct record_head *head, const char **key)
{
	if (rest->n < sizeof(*head))
		return false;
	memcpy(head, rest->p, sizeof(*head));
	u64 n = sizeof(*head) + (u64)head->key + head->value;
	if (n > rest->n)
		return false;
	*key = rest->p + sizeof(*head);
	*rest = str_make(rest->p + n, rest->n - n);
	return true;
}

static bool cancelled(const struct sender *s)
{
	return atomic_load(outbox_cancel(s->kafka->outbox));
}

static rd_kafka_resp_err_t produce_once(struct sender *s, struct fate *f, const char *key, const struct record_head *head, rd_kafka_headers_t *headers)
{
	rd_kafka_vu_t what[] = {
		{ .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = s->topic },
		{ .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = { (void *)(uintptr_t)key, head->key } },
		{ .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { (void *)(uintptr_t)(key + head->key), head->value } },
		{ .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
		{ .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = f },
		{ .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers },
	};
	rd_kafka_error_t *error = rd_kafka_produceva(s->producer, what, headers ? ARRAY_LEN(what) : ARRAY_LEN(what) - 1);
	rd_kafka_resp_err_t rc = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_error_destroy(error);
	return rc;
}

/* The library copies the record. Its queue may be full: then it is served until there is room. */
static void produce(struct sender *s, struct fate *f, const char *key, const struct record_head *head)
{
	rd_kafka_headers_t *headers = s->headers ? rd_kafka_headers_copy(s->headers) : NULL;
	rd_kafka_resp_err_t rc;
	while ((rc = produce_once(s, f, key, head, headers)) == RD_KAFKA_RESP_ERR__QUEUE_FULL && !cancelled(s))
		rd_kafka_poll(s->producer, POLL_MS);
	if (!rc) {
		s->pending++;
		return;
	}
	if (headers)
		rd_kafka_headers_destroy(headers);
	f->error = rc;
	f->known = true;
}

static void produce_all(struct sender *s, const struct outbox_batch *b)
{
	struct str rest = str_make(b->body.data, b->body.len);
	struct record_head head;
	const char *key = NULL;
	for (u32 i = 0; i < b->records; i++) {
		s->fates[i] = (struct fate){ .sender = s };
		if (next_record(&rest, &head, &key)) {
			produce(s, &s->fates[i], key, &head);
		} else {
			s->fates[i].error = RD_KAFKA_RESP_ERR_INVALID_RECORD;
			s->fates[i].known = true;
		}
	}
	while (s->pending && !cancelled(s))
		rd_kafka_poll(s->producer, POLL_MS);
	if (!s->pending)
		return;
	rd_kafka_purge(s->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	for (int i = 0; i < 100 && s->pending; i++)
		rd_kafka_poll(s->producer, POLL_MS);
}

/* Those that may work another time move to the front of the batch, which then holds nothing else. */
static void judge(struct sender *s, struct outbox_batch *b, struct outbox_result *ret)
{
	struct str rest = str_make(b->body.data, b->body.len);
	struct record_head head;
	const char *key = NULL;
	size_t kept = 0;
	u32 again = 0;
	for (u32 i = 0; i < b->records; i++) {
		const struct fate *f = &s->fates[i];
		if (!next_record(&rest, &head, &key))
			head = (struct record_head){ 0 };
		if (f->known && !f->error) {
			ret->delivered++;
			continue;
		}
		snprintf(ret->text, sizeof(ret->text), "%.80s: %.100s", s->kafka->config->d.endpoint, f->known ? rd_kafka_err2str(f->error) : "no answer");
		if (f->known && is_permanent(f->error)) {
			ret->refused++;
			continue;
		}
		size_t n = sizeof(head) + head.key + head.value;
		memmove(b->body.data + kept, key - sizeof(head), n);
		kept += n;
		again++;
	}
	ret->bytes = b->body.len;
	ret->verdict = again ? OUTBOX_RETRY : OUTBOX_SENT;
	if (again) {
		b->body.len = kept;
		b->records = again;
	}
}

static void send_batch(void *arg, void *client, struct outbox_batch *b, struct outbox_result *ret)
{
	struct sender *s = client;
	if (s && b->records > s->fates_cap) {
		struct fate *v = realloc(s->fates, b->records * sizeof(*v));
		s->fates_cap = v ? b->records : s->fates_cap;
		s->fates = v ? v : s->fates;
	}
	if (!s || !s->producer || b->records > s->fates_cap || s->pending) {
		/* `pending`: the library has not even answered a purge; it still knows where the fates are. */
		ret->verdict = cancelled(s) ? OUTBOX_CANCELLED : s && s->pending ? OUTBOX_RETRY : OUTBOX_BROKEN;
		snprintf(ret->text, sizeof(ret->text), "%s", s && s->why[0] ? s->why : "out of memory");
		return;
	}
	produce_all(s, b);
	judge(s, b, ret);
}

/* --- the library --- */

struct setting {
	const char *name, *value;
};

static bool given(const char *text)
{
	return text && *text;
}

static int set_one(rd_kafka_conf_t *conf, const char *name, const char *value, struct buf *error)
{
	char why[256];
	if (!given(value) || rd_kafka_conf_set(conf, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
		return 0;
	buf_addf(error, "kafka: %s", why);
	return -EINVAL;
}

/* What the configuration says, then librdkafka's own options, which win. */
static rd_kafka_conf_t *make_conf(const struct config_kafka *c, struct buf *error)
{
	const struct config_delivery *d = &c->d;
	char timeout[24];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	bool tls = given(d->tls.ca_file) || given(d->tls.cert_file) || d->tls.insecure_skip_verify, sasl = given(d->auth.username);
	snprintf(timeout, sizeof(timeout), "%llu", (unsigned long long)MAX(d->timeout ? d->timeout / NS_PER_MS : 30000ull, 1000ull));
	const struct setting settings[] = {
		{ "bootstrap.servers", d->endpoint },
		{ "client.id", "packetd" },
		{ "enable.idempotence", "true" },
		{ "linger.ms", LINGER_MS },
		{ "message.timeout.ms", timeout },
		{ "compression.type", given(d->compression) ? d->compression : "none" },
		{ "queue.buffering.max.kbytes", "16384" },
		{ "log.connection.close", "false" },
		{ "security.protocol", tls ? sasl ? "sasl_ssl" : "ssl" : sasl ? "sasl_plaintext" : "plaintext" },
		{ "ssl.ca.location", d->tls.ca_file },
		{ "ssl.certificate.location", d->tls.cert_file },
		{ "ssl.key.location", d->tls.key_file },
		{ "enable.ssl.certificate.verification", d->tls.insecure_skip_verify ? "false" : "" },
		{ "sasl.mechanisms", sasl ? "PLAIN" : "" },
		{ "sasl.username", d->auth.username },
		{ "sasl.password", d->auth.password },
	};
	int rc = 0;
	for (size_t i = 0; i < ARRAY_LEN(settings) && !rc; i++)
		rc = set_one(conf, settings[i].name, settings[i].value, error);
	for (u32 i = 0; i < c->options.n && !rc; i++)
		rc = set_one(conf, c->options.v[i].name, c->options.v[i].value, error);
	if (rc) {
		rd_kafka_conf_destroy(conf);
		return NULL;
	}
	return conf;
}

static void sender_free(void *client)
{
	struct sender *s = client;
	if (s->headers)
		rd_kafka_headers_destroy(s->headers);
	if (s->topic)
		rd_kafka_topic_destroy(s->topic);
	if (s->producer)
		rd_kafka_destroy(s->producer);
	free(s->fates);
	free(s);
}

static void *sender_new(void *arg)
{
	struct kafka *k = arg;
	struct sender *s = calloc(1, sizeof(*s));
	struct buf error = { 0 };
	rd_kafka_conf_t *conf = s ? make_conf(k->config, &error) : NULL;
	if (s) {
		s->kafka = k;
		snprintf(s->why, sizeof(s->why), "%s", error.len ? buf_cstr(&error) : "out of memory");
	}
	buf_done(&error);
	if (!conf)
		return s;
	rd_kafka_conf_set_dr_msg_cb(conf, told);
	rd_kafka_conf_set_log_cb(conf, say);
	rd_kafka_conf_set_opaque(conf, s);
	s->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, s->why, sizeof(s->why));
	if (!s->producer) {
		rd_kafka_conf_destroy(conf);
		return s;
	}
	s->topic = rd_kafka_topic_new(s->producer, k->config->topic, NULL);
	const struct config_pairs *h = &k->config->d.header;
	if (h->n)
		s->headers = rd_kafka_headers_new(h->n);
	for (u32 i = 0; i < h->n; i++)
		rd_kafka_header_add(s->headers, h->v[i].name, -1, h->v[i].value, -1);
	return s;
}

/* --- the exporter --- */

static void kafka_free(struct exporter *e)
{
	struct kafka *k = (struct kafka *)e;
	if (!k)
		return;
	for (struct kafka_sink *s = k->sinks, *next; s; s = next) {
		next = s->next;
		record_json_done(&s->json);
		span_encoder_free(s->encoder);
		buf_done(&s->record);
		free(s);
	}
	outbox_free(k->outbox);
	buf_done(&k->resource);
	free(k);
}

static int kafka_open(const struct exporter_env *env, struct exporter **ret, struct buf *error)
{
	const struct config_kafka *c = &env->config->exporter.kafka;
	int rc = library_load(&rdkafka_library, error);
	if (rc)
		return rc;
	struct kafka *k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->base.ops = &exporter_kafka;
	k->env = *env;
	k->config = c;
	otlp_resource(&k->resource, env->resource);
	rd_kafka_conf_t *conf = given(c->d.endpoint) && given(c->topic) ? make_conf(c, error) : NULL;
	rc = conf ? 0 : -EINVAL;
	if (!conf && !error->len)
		buf_adds(error, "kafka: an endpoint (HOST:PORT,…) and a topic are needed");
	if (conf)
		rd_kafka_conf_destroy(conf);
	struct outbox_options o = { .name = k->base.ops->name, .env = &k->env, .d = &c->d, .batch_records = BATCH_RECORDS, .batch_bytes = BATCH_BYTES, .senders = 1,
				    .client_new = sender_new, .client_free = sender_free, .send = send_batch, .arg = k };
	if (!rc)
		rc = outbox_new(&o, &k->outbox, error);
	if (rc) {
		kafka_free(&k->base);
		return rc;
	}
	*ret = &k->base;
	return 0;
}

static struct view_sink *kafka_sink(struct exporter *e, u32 worker)
{
	struct kafka *k = (struct kafka *)e;
	struct kafka_sink *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->base = (struct view_sink){ take, flush };
	s->kafka = k;
	s->json = (struct record_json){ k->env.interface, k->env.interface_arg, .leaves_host = true, .worker = worker };
	s->encoder = k->config->protobuf ? span_encoder_new(&k->env) : NULL;
	s->feed = !k->config->protobuf || s->encoder ? outbox_feed(k->outbox) : NULL;
	if (!s->feed) {
		span_encoder_free(s->encoder);
		free(s);
		return NULL;
	}
	s->next = k->sinks;
	k->sinks = s;
	return &s->base;
}

static int kafka_start(struct exporter *e)
{
	return outbox_start(((struct kafka *)e)->outbox);
}

static void kafka_stop(struct exporter *e, int wait_ms)
{
	outbox_stop(((struct kafka *)e)->outbox, wait_ms);
}

static void kafka_counters(struct exporter *e, struct export_counters *ret)
{
	*ret = (struct export_counters){ 0 };
	outbox_counters(((struct kafka *)e)->outbox, ret);
}

static bool kafka_wanted(const struct config *c)
{
	return c->exporter.kafka.d.enabled;
}

const struct exporter_ops exporter_kafka = {
	.name = "kafka",
	.wanted = kafka_wanted,
	.takes = VIEW_RECORDS,
	.open = kafka_open,
	.start = kafka_start,
	.sink = kafka_sink,
	.stop = kafka_stop,
	.counters = kafka_counters,
	.free = kafka_free,
};
