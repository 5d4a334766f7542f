/* Sets of record batches (magic 2) and of messages (magic 0 and 1): counted by their headers, passed over unread. Of the first
 * record that is not compressed the headers are read, since they may carry a trace context. */
#include "proto/kafka/walk.h"

enum {
	PREFIX = 12,       /* base offset and length, which counts what follows it */
	MAGIC_AT = 16,
	ATTRIBUTES_OLD = 17,
	OLD_HEAD = 18,     /* of a message of magic 0 and 1, up to its attributes */
	OLD_MIN = 14,      /* smallest length of such a message */
	BATCH_HEADER = 61,
	ATTRIBUTES_AT = 21,
	COUNT_AT = 57,
	RECORD_MIN = 7,    /* bytes of a record */
	COMPRESSION = 7,   /* bits of the attributes */
	CONTROL = 32,
	HEADERS_MAX = 64,  /* of a record that are looked at */
	NAME_SEEN = 32,    /* bytes of a name that could be one of ours */
	VALUE_SEEN = 128,  /* bytes of a value that could be a trace context */
};

enum kafka_header { HEADER_OTHER, HEADER_TRACEPARENT, HEADER_B3, HEADER_B3_TRACE_ID, HEADER_B3_SPAN_ID, HEADER_B3_SAMPLED, HEADER_B3_FLAGS };

static const char *const header_names[] = {
	[HEADER_TRACEPARENT] = "traceparent",       [HEADER_B3] = "b3",
	[HEADER_B3_TRACE_ID] = "x-b3-traceid",      [HEADER_B3_SPAN_ID] = "x-b3-spanid",
	[HEADER_B3_SAMPLED] = "x-b3-sampled",       [HEADER_B3_FLAGS] = "x-b3-flags",
};

/* The signed varints of records: zigzag, at most 32 bits for lengths. */
static i64 varint(struct rd *r, bool *ret_bad)
{
	bool bad = false;
	u32 v = kafka_uvarint(r, &bad);
	*ret_bad |= bad;
	return (i64)(v >> 1) ^ -(i64)(v & 1);
}

/* Time stamps and offsets may be longer. */
static void skip_varint64(struct rd *r, bool *ret_bad)
{
	for (int i = 0; i < 10; i++)
		if (!(rd_u8(r) & 0x80))
			return;
	*ret_bad = true;
}

static enum kafka_header header_find(struct str name)
{
	for (u8 i = HEADER_TRACEPARENT; i < ARRAY_LEN(header_names); i++)
		if (name.n == strlen(header_names[i]) && strncasecmp(name.p, header_names[i], name.n) == 0)
			return i;
	return HEADER_OTHER;
}

static void header_keep(struct kafka_walk *w, u8 header, struct str value)
{
	struct trace_headers *t = &w->batch.trace;
	struct str kept = arena_str(&w->m->arena, value.p, value.n);
	switch (header) {
	case HEADER_TRACEPARENT: t->traceparent = kept; break;
	case HEADER_B3: t->b3 = kept; break;
	case HEADER_B3_TRACE_ID: t->b3_trace_id = kept; break;
	case HEADER_B3_SPAN_ID: t->b3_span_id = kept; break;
	case HEADER_B3_SAMPLED: t->b3_sampled = kept; break;
	case HEADER_B3_FLAGS: t->b3_flags = kept; break;
	default: break;
	}
}

/* What is left of the batch is of no interest. */
static bool batch_pass(struct kafka_walk *w)
{
	w->skip = w->batch.left;
	w->batch.phase = BATCH_HEAD;
	return true;
}

/* `n` bytes behind what was read are passed over, then comes `next`. */
static bool record_pass(struct kafka_walk *w, size_t read, i64 n, u8 next)
{
	struct kafka_batch *b = &w->batch;
	u64 need = read + (u64)MAX(n, 0);
	if (need > b->left)
		return false;
	b->left -= need;
	w->skip = (u64)MAX(n, 0);
	b->phase = next;
	return true;
}

static bool old_message(struct kafka_walk *w, struct rd *r, u32 length, u64 set_left)
{
	const u8 *p = rd_take(r, OLD_HEAD);
	if (!p)
		return true;
	if (length < OLD_MIN)
		return false;
	if (length + (u64)PREFIX <= set_left) /* the last one of an answer may be cut */
		kafka_notice_batch(w, 1, p[ATTRIBUTES_OLD] & COMPRESSION);
	w->skip = MIN(length + (u64)PREFIX, set_left) - OLD_HEAD;
	return true;
}

static bool batch_head(struct kafka_walk *w, struct rd *r)
{
	u64 set_left = w->batch.set_left;
	struct rd look = *r;
	const u8 *p = rd_take(&look, MAGIC_AT + 1);
	if (!p) {
		rd_fail(r);
		return true;
	}
	u32 length = be32(p + PREFIX - 4);
	if (p[MAGIC_AT] > 2 || length > INT32_MAX)
		return false;
	if (p[MAGIC_AT] < 2)
		return old_message(w, r, length, set_left);
	p = rd_take(r, BATCH_HEADER);
	if (!p)
		return true;
	if (length < BATCH_HEADER - PREFIX || length + (u64)PREFIX > set_left)
		return false;
	u16 attributes = be16(p + ATTRIBUTES_AT);
	u32 count = be32(p + COUNT_AT);
	if (count > INT32_MAX || (!(attributes & COMPRESSION) && count > (length + PREFIX - BATCH_HEADER) / RECORD_MIN))
		return false;
	kafka_notice_batch(w, attributes & CONTROL ? 0 : count, attributes);
	w->batch.left = length + (u64)PREFIX - BATCH_HEADER;
	if (w->batch.looked || attributes & (COMPRESSION | CONTROL) || count == 0)
		return batch_pass(w);
	w->batch.looked = true;
	w->batch.phase = RECORD_HEAD;
	return true;
}

/* Length, attributes, time stamp, offset and the length of the key, which is passed over. */
static bool record_head(struct kafka_walk *w, struct rd *r)
{
	bool bad = false;
	const u8 *from = r->p;
	(void)varint(r, &bad);
	(void)rd_u8(r);
	skip_varint64(r, &bad);
	(void)varint(r, &bad);
	i64 n = varint(r, &bad);
	if (r->bad && !bad)
		return true;
	return !bad && record_pass(w, (size_t)(r->p - from), n, RECORD_VALUE);
}

static bool record_length(struct kafka_walk *w, struct rd *r, u8 next)
{
	bool bad = false;
	const u8 *from = r->p;
	i64 n = varint(r, &bad);
	if (r->bad && !bad)
		return true;
	if (next == RECORD_HEADER_KEY) {
		if (bad || n < 0)
			return false;
		w->batch.headers = (u32)MIN(n, HEADERS_MAX);
		n = 0;
	}
	return !bad && record_pass(w, (size_t)(r->p - from), n, next);
}

/* A text of which the first `most` bytes are shown when it has no more than that. */
static bool record_text(struct kafka_walk *w, struct rd *r, u32 most, struct str *ret_text, u8 next)
{
	bool bad = false;
	const u8 *from = r->p;
	i64 n = varint(r, &bad);
	bool shown = !bad && n > 0 && n <= most;
	*ret_text = shown ? rd_str(r, (size_t)n) : (struct str){ 0 };
	if (r->bad && !bad)
		return true;
	return !bad && record_pass(w, (size_t)(r->p - from), shown ? 0 : n, next);
}

static bool header_key(struct kafka_walk *w, struct rd *r)
{
	struct str name;
	if (w->batch.headers == 0)
		return batch_pass(w);
	if (!record_text(w, r, NAME_SEEN, &name, RECORD_HEADER_VALUE))
		return false;
	if (!r->bad)
		w->batch.header = header_find(name);
	return true;
}

static bool header_value(struct kafka_walk *w, struct rd *r)
{
	struct str value;
	if (!record_text(w, r, w->batch.header ? VALUE_SEEN : 0, &value, RECORD_HEADER_KEY))
		return false;
	if (r->bad)
		return true;
	if (value.n)
		header_keep(w, w->batch.header, value);
	if (--w->batch.headers == 0)
		kafka_notice_trace(w);
	return true;
}

bool kafka_batch_step(struct kafka_walk *w, struct rd *r)
{
	const u8 *from = r->p;
	bool sound;
	switch (w->batch.phase) {
	case BATCH_HEAD: return batch_head(w, r);
	case RECORD_HEAD: sound = record_head(w, r); break;
	case RECORD_VALUE: sound = record_length(w, r, RECORD_HEADERS); break;
	case RECORD_HEADERS: sound = record_length(w, r, RECORD_HEADER_KEY); break;
	case RECORD_HEADER_KEY: sound = header_key(w, r); break;
	default: sound = header_value(w, r); break;
	}
	if (sound)
		return true;
	*r = (struct rd){ from, r->end, false };
	return batch_pass(w);
}
