/* The exporter `elasticsearch`: RoundTrips into Elasticsearch, or what speaks its bulk API. Each has an id that follows from the
 * exchange and is created, never overwritten: a request that is repeated, or a capture that is read again, adds nothing twice. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "export/compress.h"
#include "export/elasticsearch_template.h"
#include "export/exchange_id.h"
#include "export/http.h"
#include "export/outbox.h"
#include "export/record_json.h"
#include "export/verdict.h"
#include "util/timefmt.h"

#define BATCH_RECORDS 1000
#define BATCH_BYTES (4 * MIB)
#define SENDERS 2

struct es_sink {
	struct view_sink base;
	struct outbox_feed *feed;
	struct record_json json;
	const char *index;
	bool live;
	struct es_sink *next;
};

struct elasticsearch {
	struct exporter base;
	struct exporter_env env;
	const struct config_elasticsearch *config;
	enum compression compression;
	struct outbox *outbox;
	struct http_target *target;
	char *bulk_url, *template_url;
	_Atomic bool template_made;
	struct distinct distinct;
	struct es_sink *sinks;
};

/* Of a sender thread. */
struct sender {
	struct elasticsearch *es;
	struct http_client *client;
	struct http_answer answer;
	struct buf body;
};

/* --- documents --- */

#define ADD(b, literal) buf_add(b, literal, sizeof(literal) - 1)

/* "0.0015" */
static void put_seconds(struct buf *out, u64 ns)
{
	char digits[9];
	u32 n = 0;
	buf_add_u64(out, ns / NS_PER_SEC);
	ns %= NS_PER_SEC;
	for (u64 unit = NS_PER_SEC / 10; ns; unit /= 10) {
		digits[n++] = (char)('0' + ns / unit);
		ns %= unit;
	}
	if (n)
		buf_addc(out, '.');
	buf_add(out, digits, n);
}

/* What Elasticsearch can sort and add up: time and duration as such, and an id. The rest is the line as it is everywhere. */
static void put_document(struct es_sink *s, struct buf *out, const struct view *v)
{
	struct exchange_id id;
	char hex[32];
	const struct roundtrip *rt = v->rt;
	exchange_id(rt, s->live, &id);
	ADD(out, "{\"create\":{\"_index\":\"");
	buf_adds(out, s->index);
	ADD(out, "\",\"_id\":\"");
	buf_add(out, hex, hex_digits(hex, id.trace, 16));
	ADD(out, "\"}}\n{\"@timestamp\":\"");
	time_rfc3339(out, rt->request->time ? rt->request->time : rt->request->ts_last);
	ADD(out, "\",\"DurationSeconds\":");
	put_seconds(out, rt->duration);
	size_t brace = out->len;
	record_json(&s->json, out, v);
	if (!out->failed && out->len > brace)
		out->data[brace] = ',';
}

static void take(struct view_sink *sink, const struct view *v)
{
	struct es_sink *s = (struct es_sink *)sink;
	struct buf *out = outbox_begin(s->feed, 1);
	if (!out)
		return;
	put_document(s, out, v);
	outbox_end(s->feed);
}

static void flush(struct view_sink *sink, u64 now, bool last)
{
	outbox_flush(((struct es_sink *)sink)->feed, now, last);
}

/* --- sending --- */

/* An action line and its document. */
static struct str next_pair(struct str *rest)
{
	const char *p = rest->p, *end = rest->p + rest->n;
	for (int i = 0; i < 2 && p < end; i++) {
		const char *line = memchr(p, '\n', (size_t)(end - p));
		p = line ? line + 1 : end;
	}
	struct str pair = str_make(rest->p, (size_t)(p - rest->p));
	*rest = str_make(p, (size_t)(end - p));
	return pair;
}

enum item { ITEM_DONE, ITEM_AGAIN, ITEM_REFUSED };

static enum item judge_item(json_t *item, struct outbox_result *ret)
{
	const char *action;
	json_t *what;
	json_object_foreach(item, action, what) {
		json_int_t status = json_integer_value(json_object_get(what, "status"));
		if ((status >= 200 && status < 300) || status == 409) /* it is there already */
			return ITEM_DONE;
		json_t *error = json_object_get(what, "error");
		const char *reason = json_string_value(json_object_get(error, "reason")), *type = json_string_value(json_object_get(error, "type"));
		snprintf(ret->text, sizeof(ret->text), "document refused: %d %.60s: %.100s", (int)status, type ? type : "", reason ? reason : "");
		return status == 429 || status >= 500 ? ITEM_AGAIN : ITEM_REFUSED;
	}
	return ITEM_REFUSED;
}

/* Some documents were not taken: those worth another try move to the front of the batch, which then holds nothing else. */
static void sort_items(json_t *items, struct outbox_batch *b, struct outbox_result *ret)
{
	struct str rest = str_make(b->body.data, b->body.len);
	size_t kept = 0;
	u32 again = 0;
	for (size_t i = 0; i < b->records; i++) {
		struct str pair = next_pair(&rest);
		/* An item the answer does not name is sent once more: its id keeps it from being there twice. */
		enum item item = i < json_array_size(items) ? judge_item(json_array_get(items, i), ret) : ITEM_AGAIN;
		ret->delivered += item == ITEM_DONE;
		ret->refused += item == ITEM_REFUSED;
		if (item != ITEM_AGAIN)
			continue;
		memmove(b->body.data + kept, pair.p, pair.n);
		kept += pair.n;
		again++;
	}
	if (!again)
		return;
	b->body.len = kept;
	b->records = again;
	ret->verdict = OUTBOX_RETRY;
	if (!ret->text[0])
		snprintf(ret->text, sizeof(ret->text), "the answer is about %zu documents only", json_array_size(items));
}

static void read_answer(struct sender *s, struct outbox_batch *b, struct outbox_result *ret)
{
	json_error_t error;
	const struct buf *body = &s->answer.body;
	json_t *answer = json_loadb(body->data ? body->data : "", body->len, 0, &error);
	if (!answer || !json_is_object(answer)) {
		ret->verdict = OUTBOX_RETRY;
		snprintf(ret->text, sizeof(ret->text), "%.80s: the answer is no JSON: %.80s", http_target_name(s->es->target), answer ? "" : error.text);
	} else if (!json_is_false(json_object_get(answer, "errors"))) {
		sort_items(json_object_get(answer, "items"), b, ret);
	}
	json_decref(answer);
}

/* Once, before the first documents. Stores that know no templates say so and are left alone; one that does not answer is asked again. */
static bool make_template(struct sender *s, struct outbox_result *ret)
{
	struct elasticsearch *es = s->es;
	static const char *const headers[] = { "Content-Type: application/json" };
	if (!es->config->template || atomic_load(&es->template_made))
		return true;
	for (unsigned form = 0; form < ELASTICSEARCH_FORMS; form++) {
		s->body.len = 0;
		elasticsearch_template(&s->body, es->config->index, es->config->data_stream, form);
		struct http_request q = { .method = "PUT", .url = es->template_url, .headers = headers, .headers_len = 1, .body = s->body.data, .body_len = s->body.len };
		http_send(s->client, &q, &s->answer);
		verdict_http(ret, http_target_name(es->target), &s->answer);
		if (s->answer.status != 400)
			break;
	}
	if (ret->verdict == OUTBOX_RETRY || ret->verdict == OUTBOX_CANCELLED)
		return false;
	if (ret->verdict != OUTBOX_SENT && !atomic_exchange(&es->template_made, true))
		outbox_say(es->outbox, LOG_WARN, "no index template could be made, fields will be mapped as the store likes: %s", ret->text);
	atomic_store(&es->template_made, true);
	*ret = (struct outbox_result){ 0 };
	return true;
}

static void send_batch(void *arg, void *client, struct outbox_batch *b, struct outbox_result *ret)
{
	struct sender *s = client;
	char encoding[48] = "";
	const char *headers[2] = { "Content-Type: application/x-ndjson", encoding };
	if (s && s->client && !make_template(s, ret))
		return;
	struct str body = str_make(b->body.data, b->body.len);
	if (s)
		s->body.len = 0;
	if (!s || !s->client || !compress_parts(&s->body, s->es->compression, &body, 1)) {
		ret->verdict = OUTBOX_BROKEN;
		snprintf(ret->text, sizeof(ret->text), "out of memory");
		return;
	}
	if (s->es->compression)
		snprintf(encoding, sizeof(encoding), "Content-Encoding: %s", compression_name(s->es->compression));
	struct http_request q = { .url = s->es->bulk_url, .headers = headers, .headers_len = s->es->compression ? 2 : 1, .body = s->body.data, .body_len = s->body.len };
	http_send(s->client, &q, &s->answer);
	ret->bytes = s->body.len;
	verdict_http(ret, http_target_name(s->es->target), &s->answer);
	if (ret->verdict == OUTBOX_SENT)
		read_answer(s, b, ret);
}

static void *sender_new(void *arg)
{
	struct sender *s = calloc(1, sizeof(*s));
	if (s) {
		s->es = arg;
		s->client = http_client_new(s->es->target);
	}
	return s;
}

static void sender_free(void *client)
{
	struct sender *s = client;
	http_client_free(s->client);
	http_answer_done(&s->answer);
	buf_done(&s->body);
	free(s);
}

/* --- the exporter --- */

static void es_free(struct exporter *e)
{
	struct elasticsearch *es = (struct elasticsearch *)e;
	if (!es)
		return;
	for (struct es_sink *s = es->sinks, *next; s; s = next) {
		next = s->next;
		record_json_done(&s->json);
		free(s);
	}
	outbox_free(es->outbox);
	http_target_free(es->target);
	free(es->bulk_url);
	free(es->template_url);
	distinct_done(&es->distinct);
	free(es);
}

static char *make_url(const char *format, ...)
{
	char *text = NULL;
	va_list ap;
	va_start(ap, format);
	int n = vasprintf(&text, format, ap);
	va_end(ap);
	return n < 0 ? NULL : text;
}

/* Only what errors need of the answer, which otherwise names every document. */
#define FILTER "filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason"

static bool make_urls(struct elasticsearch *es)
{
	const struct config_elasticsearch *c = es->config;
	size_t n = strlen(c->d.endpoint);
	while (n && c->d.endpoint[n - 1] == '/')
		n--;
	bool pipeline = c->pipeline && *c->pipeline;
	es->bulk_url = make_url("%.*s/_bulk?" FILTER "%s%s", (int)n, c->d.endpoint, pipeline ? "&pipeline=" : "", pipeline ? c->pipeline : "");
	es->template_url = make_url("%.*s/_index_template/%s", (int)n, c->d.endpoint, c->index);
	return es->bulk_url && es->template_url;
}

/* Index names become part of URLs and of JSON. */
static bool is_index_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
	return *name && strlen(name) <= 200 && name[strspn(name, allowed)] == '\0';
}

static int es_check(struct elasticsearch *es, struct buf *error)
{
	const struct config_elasticsearch *c = es->config;
	if (!compression_parse(c->d.compression, &es->compression) || es->compression > COMPRESS_GZIP) {
		buf_addf(error, "elasticsearch: compression \"%s\": gzip or none is expected", c->d.compression);
		return -EINVAL;
	}
	if (!is_index_name(c->index) || (c->pipeline && *c->pipeline && !is_index_name(c->pipeline))) {
		buf_addf(error, "elasticsearch: index \"%s\" or pipeline \"%s\": small letters, digits, dots, dashes and underscores are expected", c->index, c->pipeline ? c->pipeline : "");
		return -EINVAL;
	}
	return 0;
}

static int es_open(const struct exporter_env *env, struct exporter **ret, struct buf *error)
{
	struct elasticsearch *es = calloc(1, sizeof(*es));
	if (!es)
		return -ENOMEM;
	es->base.ops = &exporter_elasticsearch;
	es->env = *env;
	es->config = &env->config->exporter.elasticsearch;
	struct outbox_options o = { .name = es->base.ops->name, .env = &es->env, .d = &es->config->d, .batch_records = BATCH_RECORDS, .batch_bytes = BATCH_BYTES, .senders = SENDERS,
				    .client_new = sender_new, .client_free = sender_free, .send = send_batch, .arg = es };
	int rc = es_check(es, error);
	if (!rc && (!make_urls(es) || !distinct_init(&es->distinct)))
		rc = -ENOMEM;
	if (!rc)
		rc = http_outbox_new(&o, false, &es->outbox, &es->target, error);
	if (rc) {
		es_free(&es->base);
		return rc;
	}
	*ret = &es->base;
	return 0;
}

static struct view_sink *es_sink(struct exporter *e, u32 worker)
{
	struct elasticsearch *es = (struct elasticsearch *)e;
	struct es_sink *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->base = (struct view_sink){ take, flush };
	s->json = (struct record_json){ es->env.interface, es->env.interface_arg, .leaves_host = true, .distinct = &es->distinct, .worker = worker };
	s->live = es->env.live;
	s->index = es->config->index;
	s->feed = outbox_feed(es->outbox);
	if (!s->feed) {
		free(s);
		return NULL;
	}
	s->next = es->sinks;
	es->sinks = s;
	return &s->base;
}

static int es_start(struct exporter *e)
{
	return outbox_start(((struct elasticsearch *)e)->outbox);
}

static void es_stop(struct exporter *e, int wait_ms)
{
	outbox_stop(((struct elasticsearch *)e)->outbox, wait_ms);
}

static void es_counters(struct exporter *e, struct export_counters *ret)
{
	*ret = (struct export_counters){ 0 };
	outbox_counters(((struct elasticsearch *)e)->outbox, ret);
}

static bool es_wanted(const struct config *c)
{
	return c->exporter.elasticsearch.d.enabled;
}

const struct exporter_ops exporter_elasticsearch = {
	.name = "elasticsearch",
	.wanted = es_wanted,
	.takes = VIEW_RECORDS,
	.open = es_open,
	.start = es_start,
	.sink = es_sink,
	.stop = es_stop,
	.counters = es_counters,
	.free = es_free,
};
