/* The exporter `metrics`: Prometheus remote write, 1.0 and 2.0. Series are spread over shards, each an outbox of its own that keeps
 * the order, so that one slow request does not hold up all series. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "export/compress.h"
#include "export/http.h"
#include "export/remote_encode.h"
#include "export/ticker.h"
#include "export/verdict.h"

#define BATCH_RECORDS 2000
#define BATCH_BYTES (1 * MIB)
#define SHARDS_MAX 16
#define METADATA_EVERY (60 * NS_PER_SEC)

/* What a shard's senders are told. */
struct remote_write;
struct shard {
	struct remote_write *w;
	u32 number;
};

struct remote_write {
	struct exporter base;
	struct exporter_env env;
	const struct config_remote_write *config;
	u32 shards;  /* that are fed */
	u32 boxes;   /* those, and more that an earlier run has left something in */
	struct outbox *box[SHARDS_MAX];
	struct shard *shard[SHARDS_MAX];
	struct http_target *target[SHARDS_MAX];
	struct outbox_feed *feeds[SHARDS_MAX];
	struct remote_encoder *encoder;
	struct ticker ticker;
	u32 reader;
	u64 metadata_at; /* when it was last sent; 0: never */
};

/* Of a sender thread. */
struct sender {
	const struct remote_write *w;
	const struct http_target *target;
	struct http_client *client;
	struct http_answer answer;
	struct buf body;
};

/* A receiver of 2.0 says how much it has written, also when it refuses a part. */
static void judge_written(struct sender *s, const struct outbox_batch *b, struct outbox_result *ret)
{
	i64 written = s->answer.written;
	if (s->w->config->version != 2 || written < 0)
		return;
	u32 delivered = (u32)MIN((u64)written, (u64)b->records);
	if (ret->verdict == OUTBOX_SENT && delivered < b->records) {
		ret->refused = b->records - delivered;
		snprintf(ret->text, sizeof(ret->text), "%.100s has written %u of %u samples", http_target_name(s->target), delivered, b->records);
	} else if (ret->verdict == OUTBOX_REFUSED) {
		ret->delivered = delivered;
	}
}

static void send_batch(void *arg, void *client, struct outbox_batch *b, struct outbox_result *ret)
{
	static const char *const headers[2][3] = {
		{ "Content-Type: application/x-protobuf", "Content-Encoding: snappy", "X-Prometheus-Remote-Write-Version: 0.1.0" },
		{ "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request", "Content-Encoding: snappy", "X-Prometheus-Remote-Write-Version: 2.0.0" },
	};
	struct sender *s = client;
	struct str body = str_make(b->body.data, b->body.len);
	if (s)
		s->body.len = 0;
	if (!s || !s->client || !compress_parts(&s->body, COMPRESS_SNAPPY, &body, 1)) {
		ret->verdict = OUTBOX_BROKEN;
		snprintf(ret->text, sizeof(ret->text), "out of memory");
		return;
	}
	struct http_request q = { .headers = headers[s->w->config->version == 2], .headers_len = 3, .body = s->body.data, .body_len = s->body.len };
	http_send(s->client, &q, &s->answer);
	ret->bytes = s->body.len;
	verdict_http(ret, http_target_name(s->target), &s->answer);
	if (s->answer.status == 415 && s->w->config->version == 2)
		snprintf(ret->text, sizeof(ret->text), "%.100s does not take remote write 2.0 (415): set version 1", http_target_name(s->target));
	judge_written(s, b, ret);
}

static void *sender_new(void *arg)
{
	struct shard *shard = arg;
	struct sender *s = calloc(1, sizeof(*s));
	if (s) {
		s->w = shard->w;
		s->target = shard->w->target[shard->number];
		s->client = http_client_new(s->target);
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

static void tick(void *arg, u64 now, bool last)
{
	struct remote_write *w = arg;
	struct snapshot_options o = { .protocol = true, .own = w->config->own_metrics, .now = now, .reader = w->reader };
	struct snapshot *s = registry_snapshot(w->env.registry, &o);
	if (!s) {
		outbox_say(w->box[0], LOG_ERROR, "no memory for a picture of the metrics");
		return;
	}
	bool metadata = w->metadata_at == 0 || now - w->metadata_at >= METADATA_EVERY;
	if (metadata)
		w->metadata_at = now;
	s->time = now;
	remote_encode(w->encoder, s, metadata);
	snapshot_free(s);
}

/* Shards an earlier run had and this one has not, as long as something may be left in them. */
static u32 left_over_shards(const struct config_remote_write *c, const char *name, u32 shards)
{
	struct buf path = { 0 };
	u32 n = shards;
	for (u32 i = shards; c->d.spool_dir && *c->d.spool_dir && i < SHARDS_MAX; i++) {
		path.len = 0;
		buf_addf(&path, "%s/%s-%u", c->d.spool_dir, name, i);
		if (access(buf_cstr(&path), F_OK) == 0)
			n = i + 1;
	}
	buf_done(&path);
	return n;
}

static int open_shard(struct remote_write *w, u32 i, struct buf *error)
{
	struct shard *shard = calloc(1, sizeof(*shard));
	if (!shard)
		return -ENOMEM;
	*shard = (struct shard){ w, i };
	struct outbox_options o = { .name = w->base.ops->name, .env = &w->env, .d = &w->config->d, .batch_records = BATCH_RECORDS, .batch_bytes = BATCH_BYTES, .shard = i,
				    .client_new = sender_new, .client_free = sender_free, .send = send_batch, .arg = shard };
	w->shard[i] = shard;
	int rc = http_outbox_new(&o, false, &w->box[i], &w->target[i], error);
	if (!rc && i < w->shards)
		w->feeds[i] = outbox_feed(w->box[i]);
	return rc ? rc : i < w->shards && !w->feeds[i] ? -ENOMEM : 0;
}

static void remote_free(struct exporter *e)
{
	struct remote_write *w = (struct remote_write *)e;
	if (!w)
		return;
	for (u32 i = 0; i < SHARDS_MAX; i++) {
		outbox_free(w->box[i]);
		http_target_free(w->target[i]);
		free(w->shard[i]);
	}
	remote_encoder_free(w->encoder);
	ticker_done(&w->ticker);
	registry_reader_done(w->env.registry, w->reader);
	free(w);
}

static int check(const struct config_remote_write *c, struct buf *error)
{
	if (c->version > 2) {
		buf_addf(error, "metrics: version %u: 1 or 2 is expected", c->version);
		return -EINVAL;
	}
	if (c->external_labels.n > REMOTE_EXTERNAL_MAX) {
		buf_addf(error, "metrics: %u external labels: at most %u are possible", c->external_labels.n, REMOTE_EXTERNAL_MAX);
		return -EINVAL;
	}
	if (c->d.compression && *c->d.compression && strcmp(c->d.compression, "snappy") != 0) {
		buf_addf(error, "metrics: compression \"%s\": remote write is always snappy", c->d.compression);
		return -EINVAL;
	}
	return 0;
}

static int remote_open(const struct exporter_env *env, struct exporter **ret, struct buf *error)
{
	const struct config_remote_write *c = &env->config->exporter.metrics;
	int rc = check(c, error);
	if (rc)
		return rc;
	struct remote_write *w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->base.ops = &exporter_metrics;
	w->env = *env;
	w->config = c;
	w->shards = MIN(MAX(c->shards, 1u), SHARDS_MAX);
	w->boxes = left_over_shards(c, w->base.ops->name, w->shards);
	ticker_init(&w->ticker, c->d.interval, tick, w);
	for (u32 i = 0; i < w->boxes && !rc; i++)
		rc = open_shard(w, i, error);
	struct timespec now = { 0 };
	if (env->live)
		clock_gettime(CLOCK_REALTIME, &now);
	struct remote_options ro = { c->version == 2 ? 2 : 1, &c->external_labels, w->feeds, w->shards, (u64)now.tv_sec * NS_PER_SEC + (u64)now.tv_nsec };
	if (!rc && !(w->encoder = remote_encoder_new(&ro)))
		rc = -ENOMEM;
	if (rc) {
		remote_free(&w->base);
		return rc;
	}
	w->reader = registry_reader(env->registry);
	*ret = &w->base;
	return 0;
}

static int remote_start(struct exporter *e)
{
	struct remote_write *w = (struct remote_write *)e;
	int rc = 0;
	for (u32 i = 0; i < w->boxes && !rc; i++)
		rc = outbox_start(w->box[i]);
	return rc || !w->env.live ? rc : ticker_start(&w->ticker);
}

static void remote_clock(struct exporter *e, u64 now, bool last)
{
	struct remote_write *w = (struct remote_write *)e;
	if (!w->env.live)
		ticker_clock(&w->ticker, now, last);
}

static void remote_stop(struct exporter *e, int wait_ms)
{
	struct remote_write *w = (struct remote_write *)e;
	ticker_stop(&w->ticker);
	u64 began = outbox_clock(), spent = 0;
	for (u32 i = 0; i < w->boxes; i++) {
		/* One time limit for all; each is told of the end in turn, but they work on meanwhile. */
		outbox_stop(w->box[i], wait_ms < 0 ? -1 : (int)((u64)wait_ms - MIN(spent, (u64)wait_ms)));
		spent = (outbox_clock() - began) / NS_PER_MS;
	}
}

static void remote_counters(struct exporter *e, struct export_counters *ret)
{
	struct remote_write *w = (struct remote_write *)e;
	*ret = (struct export_counters){ 0 };
	for (u32 i = 0; i < w->boxes; i++)
		outbox_counters(w->box[i], ret);
}

static bool remote_wanted(const struct config *c)
{
	return c->exporter.metrics.d.enabled;
}

const struct exporter_ops exporter_metrics = {
	.name = "metrics",
	.wanted = remote_wanted,
	.open = remote_open,
	.start = remote_start,
	.clock = remote_clock,
	.stop = remote_stop,
	.counters = remote_counters,
	.free = remote_free,
};
