/* What the values found in a message mean for what is reported. */
#include "proto/kafka/kafka.h"

enum { RESOURCE_TOPIC = 2, UNSUPPORTED_VERSION = 35 };

static struct kafka_request *request_of(const struct kafka_walk *w)
{
	return (struct kafka_request *)w->m;
}

static struct kafka_response *response_of(const struct kafka_walk *w)
{
	return (struct kafka_response *)w->m;
}

static bool is_request(const struct kafka_walk *w)
{
	return w->m->side == SIDE_REQUEST;
}

/* What follows, in this element and those within it, is about this topic. */
static void topic_set(struct kafka_walk *w, struct str name)
{
	w->topic_n = (u16)MIN(name.n, sizeof(w->topic));
	memcpy(w->topic, name.p, w->topic_n);
	w->levels[w->depth].topic = true;
}

static void request_value(struct kafka_walk *w, u8 meaning, i64 value)
{
	struct kafka_request *q = request_of(w);
	switch (meaning) {
	case IS_ACKS:
		q->acks = value == 0 ? "none" : value == 1 ? "leader" : value == -1 ? "all" : "?";
		if (value == 0)
			q->m.flags |= MSG_ONEWAY;
		break;
	case IS_MAX_WAIT: q->max_wait = (u64)MAX(value, 0) * NS_PER_MS; break;
	case IS_PARTITION: q->partitions++; break;
	case IS_RESOURCE_TYPE: w->resource_type = (u8)value; break;
	case IS_SESSION: q->session = (i32)value; break;
	case IS_SESSION_EPOCH: q->session_epoch = (i32)value; break;
	default: break;
	}
}

static void response_value(struct kafka_walk *w, u8 meaning, i64 value)
{
	struct kafka_response *a = response_of(w);
	switch (meaning) {
	case IS_ERROR:
		if (w->depth == 0 && a->key == KAFKA_API_VERSIONS && value == UNSUPPORTED_VERSION) {
			w->version = -1; /* said in version 0, or some mixture: no more fields */
			w->flexible = false;
		}
		w->levels[w->depth].error = (i16)value;
		break;
	case IS_PARTITION:
		w->partition = (i32)value;
		w->levels[w->depth].partition = true;
		break;
	case IS_RESOURCE_TYPE: w->resource_type = (u8)value; break;
	case IS_SESSION: a->session = (i32)value; break;
	default: break;
	}
}

void kafka_notice(struct kafka_walk *w, u8 meaning, i64 value)
{
	if (is_request(w))
		request_value(w, meaning, value);
	else
		response_value(w, meaning, value);
}

static void request_text(struct kafka_walk *w, u8 meaning, struct str text)
{
	struct kafka_request *q = request_of(w);
	struct str *to = NULL;
	switch (meaning) {
	case IS_TOPIC: kafka_topic_add(q, text); break;
	case IS_RESOURCE:
		if (w->resource_type == RESOURCE_TOPIC)
			kafka_topic_add(q, text);
		break;
	case IS_GROUP: to = &q->group; break;
	case IS_TXN: to = &q->txn; break;
	case IS_COORDINATOR: to = &q->coordinator; break;
	case IS_MECHANISM: to = &q->mechanism; break;
	case IS_SOFTWARE: to = q->software.n ? &q->software_version : &q->software; break;
	default: break;
	}
	if (to && !to->n)
		*to = arena_str(&q->m.arena, text.p, text.n);
}

void kafka_notice_text(struct kafka_walk *w, u8 meaning, struct str text)
{
	if (is_request(w))
		request_text(w, meaning, text);
	else if (meaning == IS_TOPIC || (meaning == IS_RESOURCE && w->resource_type == RESOURCE_TOPIC))
		topic_set(w, text);
}

void kafka_notice_id(struct kafka_walk *w, const u8 id[16])
{
	if (kafka_id_is_zero(id))
		return;
	memcpy(w->id, id, 16);
	w->levels[w->depth].id = true;
	struct kafka_shared *shared = is_request(w) ? request_of(w)->shared : response_of(w)->shared;
	struct str name = w->levels[w->depth].topic ? (struct str){ 0 } : kafka_id_name(shared, id);
	if (!is_request(w)) {
		if (name.n)
			topic_set(w, name);
		return;
	}
	if (!name.n) { /* not seen in any answer so far */
		request_of(w)->m.flags |= MSG_PARTIAL;
		name = kafka_id_text(&w->m->arena, id);
	}
	kafka_topic_add(request_of(w), name);
}

void kafka_notice_many(struct kafka_walk *w, u8 meaning, u32 n)
{
	if (is_request(w) && meaning == IS_PARTITION)
		request_of(w)->partitions += n;
}

static struct kafka_failure *failure_new(struct kafka_response *a)
{
	u32 most = a->opt->max_records ? a->opt->max_records : 64;
	a->failures_seen++;
	if (a->failures_len >= most)
		return NULL;
	struct kafka_failure *list = kafka_list_room(&a->m.arena, a->failures, a->failures_len, sizeof(*list));
	if (!list)
		return NULL;
	a->failures = list;
	return &list[a->failures_len++];
}

static void failure_add(struct kafka_walk *w, i16 code)
{
	struct kafka_response *a = response_of(w);
	bool topic = false, partition = false;
	for (u8 i = 0; i <= w->depth; i++) {
		topic |= w->levels[i].topic || w->levels[i].id;
		partition |= w->levels[i].partition;
	}
	if (!a->first_error)
		a->first_error = code;
	struct kafka_failure *f = failure_new(a);
	if (!f)
		return;
	*f = (struct kafka_failure){ .partition = partition ? w->partition : -1, .code = code };
	if (!topic)
		return;
	if (w->topic_n)
		f->topic = a->failures_len > 1 && str_eq(f[-1].topic, str_make(w->topic, w->topic_n)) ? f[-1].topic : arena_str(&a->m.arena, w->topic, w->topic_n);
	else
		f->topic = kafka_id_text(&a->m.arena, w->id);
}

void kafka_notice_end(struct kafka_walk *w, struct kafka_level *level)
{
	if (is_request(w))
		return;
	if (level->id && level->topic)
		kafka_id_learn(response_of(w)->shared, w->id, str_make(w->topic, w->topic_n));
	if (level->error)
		failure_add(w, level->error);
	if (level->topic || level->id)
		w->topic_n = 0;
}

void kafka_notice_set(struct kafka_walk *w, u64 bytes)
{
	if (is_request(w))
		request_of(w)->bytes += bytes;
	else
		response_of(w)->bytes += bytes;
}

void kafka_notice_batch(struct kafka_walk *w, u32 records, u16 attributes)
{
	static const char *const codecs[8] = { NULL, "gzip", "snappy", "lz4", "zstd", "?", "?", "?" };
	const char *codec = codecs[attributes & 7];
	if (is_request(w)) {
		request_of(w)->records += records;
		request_of(w)->compression = codec ? codec : request_of(w)->compression;
	} else {
		response_of(w)->records += records;
		response_of(w)->compression = codec ? codec : response_of(w)->compression;
	}
}

void kafka_notice_trace(struct kafka_walk *w)
{
	if (!w->m->has_trace)
		trace_context_set(w->m, &w->batch.trace);
}
