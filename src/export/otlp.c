#include "export/otlp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "build_info.h"
#include "export/attrs.h"
#include "export/verdict.h"

#define SCHEMA_URL "https://opentelemetry.io/schemas/1.37.0"

/* Export…ServiceRequest.resource_…: 1. Resource…: resource 1, scope_… 2, schema_url 3. Scope…: scope 1, records 2. */
enum { REQUEST_RESOURCE = 1, RESOURCE = 1, RESOURCE_SCOPE = 2, RESOURCE_SCHEMA = 3, SCOPE = 1, RESOURCE_ATTRIBUTES = 1 };

struct sender {
	struct otlp *otlp;
	struct http_client *client;
	struct http_answer answer;
	struct buf head, body;
};

static bool resource_has(const struct resource *r, const char *name)
{
	for (u32 i = 0; r && i < r->n; i++)
		if (strcmp(r->v[i].name, name) == 0)
			return true;
	return false;
}

void otlp_resource(struct buf *out, const struct resource *r)
{
	static const struct config_pair own[] = { { "service.name", "packetd" }, { "telemetry.sdk.name", "packetd" }, { "telemetry.sdk.version", BUILD_VERSION }, { "telemetry.sdk.language", "c" } };
	struct buf scratch = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (!resource_has(r, own[i].name))
			attr_put_text(out, RESOURCE_ATTRIBUTES, str_from(own[i].name), str_from(own[i].value));
	for (u32 i = 0; r && i < r->n; i++)
		attr_put_text(out, RESOURCE_ATTRIBUTES, str_from(r->v[i].name), pb_clean(str_from(r->v[i].value), &scratch));
	buf_done(&scratch);
}

static size_t field_size(size_t n)
{
	return 1 + pb_varint_size(n) + n;
}

void otlp_envelope(struct buf *out, const struct buf *resource, size_t n)
{
	char room[64];
	struct buf scope = buf_fixed(room, sizeof(room));
	pb_text(&scope, 1, "packetd");
	pb_text(&scope, 2, BUILD_VERSION);
	size_t schema = strlen(SCHEMA_URL), scoped = field_size(scope.len) + n;
	size_t whole = field_size(resource->len) + field_size(schema) + field_size(scoped);
	pb_tag(out, REQUEST_RESOURCE, PB_LEN);
	pb_varint(out, whole);
	pb_bytes(out, RESOURCE, resource->data, resource->len);
	pb_bytes(out, RESOURCE_SCHEMA, SCHEMA_URL, schema);
	pb_tag(out, RESOURCE_SCOPE, PB_LEN);
	pb_varint(out, scoped);
	pb_bytes(out, SCOPE, scope.data, scope.len);
}

/* --- sending --- */

/* Partial success: what the back end did not take (1: how many, 2: why). */
static void read_partial(const struct otlp *t, struct str body, u32 records, struct outbox_result *ret)
{
	struct pb_field f, inner;
	while (pb_next(&body, &f)) {
		if (f.field != 1 || f.wire != PB_LEN)
			continue;
		struct str rest = f.bytes, why = { 0 };
		u64 refused = 0;
		while (pb_next(&rest, &inner)) {
			if (inner.field == 1 && inner.wire == PB_VARINT)
				refused = inner.value;
			else if (inner.field == 2 && inner.wire == PB_LEN)
				why = inner.bytes;
		}
		ret->refused = (u32)MIN(refused, records);
		if (refused || why.n)
			snprintf(ret->text, sizeof(ret->text), "%s took only a part: %.*s", http_target_name(t->target), (int)MIN(why.n, 100u), why.n ? why.p : "");
	}
	/* Data points are what a back end counts of metrics, batches count samples: more cannot be told. */
}

static void send_http(struct sender *s, struct outbox_batch *b, struct outbox_result *ret)
{
	struct otlp *t = s->otlp;
	char encoding[48] = "";
	const char *headers[2] = { "Content-Type: application/x-protobuf", encoding };
	if (t->compression)
		snprintf(encoding, sizeof(encoding), "Content-Encoding: %s", compression_name(t->compression));
	struct http_request q = { .url = t->url, .headers = headers, .headers_len = t->compression ? 2 : 1, .body = s->body.data, .body_len = s->body.len };
	http_send(s->client, &q, &s->answer);
	ret->bytes = s->body.len;
	verdict_http(ret, http_target_name(t->target), &s->answer);
	if (ret->verdict == OUTBOX_SENT)
		read_partial(t, str_make(s->answer.body.data, s->answer.body.len), b->records, ret);
}

static void send_grpc(struct sender *s, struct outbox_batch *b, struct outbox_result *ret)
{
	struct otlp *t = s->otlp;
	char encoding[48] = "";
	const char *headers[3] = { "Content-Type: application/grpc+proto", "TE: trailers", encoding };
	if (t->compression)
		snprintf(encoding, sizeof(encoding), "grpc-encoding: %s", compression_name(t->compression));
	struct http_request q = { .url = t->url, .headers = headers, .headers_len = t->compression ? 3 : 2, .body = s->body.data, .body_len = s->body.len };
	http_send(s->client, &q, &s->answer);
	ret->bytes = s->body.len;
	verdict_grpc(ret, http_target_name(t->target), &s->answer);
	const struct buf *body = &s->answer.body;
	if (ret->verdict == OUTBOX_SENT && body->len > 5 && body->data[0] == 0)
		read_partial(t, str_make(body->data + 5, body->len - 5), b->records, ret);
}

/* gRPC: compressed or not, and the length, before the message. */
static bool frame(struct sender *s, const struct outbox_batch *b)
{
	struct otlp *t = s->otlp;
	bool grpc = t->config->protocol == OTLP_GRPC;
	s->head.len = s->body.len = 0;
	s->head.failed = s->body.failed = false;
	s->body.max = 2 * (OUTBOX_RECORD_MAX + 8 * MIB);
	otlp_envelope(&s->head, &t->resource, b->body.len);
	struct str parts[2] = { str_make(s->head.data, s->head.len), str_make(b->body.data, b->body.len) };
	if (grpc)
		buf_add(&s->body, (char[5]){ t->compression ? 1 : 0 }, 5);
	if (s->head.failed || !compress_parts(&s->body, t->compression, parts, 2))
		return false;
	size_t n = s->body.len - 5;
	for (int i = 0; grpc && i < 4; i++)
		s->body.data[1 + i] = (char)(n >> (24 - 8 * i));
	return true;
}

static void send_batch(void *arg, void *client, struct outbox_batch *b, struct outbox_result *ret)
{
	struct sender *s = client;
	if (!s || !s->client || !frame(s, b)) {
		ret->verdict = OUTBOX_BROKEN;
		snprintf(ret->text, sizeof(ret->text), "out of memory");
		return;
	}
	if (s->otlp->config->protocol == OTLP_GRPC)
		send_grpc(s, b, ret);
	else
		send_http(s, b, ret);
}

static void *sender_new(void *arg)
{
	struct otlp *t = arg;
	struct sender *s = calloc(1, sizeof(*s));
	if (s) {
		s->otlp = t;
		s->client = http_client_new(t->target);
	}
	return s;
}

static void sender_free(void *client)
{
	struct sender *s = client;
	http_client_free(s->client);
	http_answer_done(&s->answer);
	buf_done(&s->head);
	buf_done(&s->body);
	free(s);
}

/* gRPC endpoints name a host and port, with or without a scheme; the path is the service's. */
static char *make_url(const struct otlp *t)
{
	static const char *const services[] = { "trace.v1.TraceService", "metrics.v1.MetricsService", "logs.v1.LogsService" };
	struct buf url = { 0 };
	const char *endpoint = t->config->d.endpoint;
	size_t n = strlen(endpoint);
	if (t->config->protocol == OTLP_GRPC) {
		while (n && endpoint[n - 1] == '/')
			n--;
		buf_add(&url, endpoint, n);
		buf_addf(&url, "/opentelemetry.proto.collector.%s/Export", services[t->signal]);
	} else {
		buf_adds(&url, endpoint);
	}
	char *copy = strdup(buf_cstr(&url));
	buf_done(&url);
	return copy;
}

int otlp_init(struct otlp *t, enum otlp_signal signal, const struct config_otlp *config, const struct exporter_env *env, struct outbox_options *options, struct buf *error)
{
	*t = (struct otlp){ .config = config, .signal = signal };
	if (!compression_parse(config->d.compression, &t->compression) || t->compression == COMPRESS_SNAPPY) {
		buf_addf(error, "%s: compression \"%s\": gzip, zstd or none is expected", options->name, config->d.compression);
		return -EINVAL;
	}
	options->env = env;
	options->d = &config->d;
	options->client_new = sender_new;
	options->client_free = sender_free;
	options->send = send_batch;
	options->arg = t;
	otlp_resource(&t->resource, env->resource);
	t->url = make_url(t);
	if (!t->url || t->resource.failed) {
		buf_adds(error, "out of memory");
		return -ENOMEM;
	}
	return http_outbox_new(options, config->protocol == OTLP_GRPC, &t->outbox, &t->target, error);
}

void otlp_done(struct otlp *t)
{
	outbox_free(t->outbox);
	http_target_free(t->target);
	buf_done(&t->resource);
	free(t->url);
}
