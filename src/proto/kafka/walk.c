/* The walk through a message's fields. Each step reads one field or nothing: it can be repeated when bytes were missing. */
#include "proto/kafka/walk.h"

/* Bytes of types that have a size. */
static const u8 sizes[] = { [KAFKA_INT8] = 1, [KAFKA_INT16] = 2, [KAFKA_INT32] = 4, [KAFKA_INT64] = 8, [KAFKA_UUID] = 16, [KAFKA_MAYBE] = 0 };

enum step { STEP_ON, STEP_SHORT, STEP_BAD };

void kafka_walk_start(struct kafka_walk *w, const struct kafka_row *rows, i16 version, bool flexible, bool tagged_header)
{
	w->rows = rows;
	w->version = version;
	w->flexible = flexible;
	w->header = tagged_header;
	w->phase = tagged_header ? WALK_TAGS : WALK_ROW;
	w->levels[0] = (struct kafka_level){ .left = 1 };
}

u32 kafka_uvarint(struct rd *r, bool *ret_bad)
{
	u64 v = 0;
	for (unsigned shift = 0; shift < 35; shift += 7) {
		u8 b = rd_u8(r);
		v |= (u64)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*ret_bad |= v > UINT32_MAX;
			return (u32)v;
		}
	}
	*ret_bad |= !r->bad;
	return 0;
}

/* A length or a count: -1 is null. `wide`: four bytes when it is no varint. */
static i64 read_length(const struct kafka_walk *w, struct rd *r, bool wide, bool *ret_bad)
{
	if (w->flexible)
		return (i64)kafka_uvarint(r, ret_bad) - 1;
	i64 n = wide ? (i32)rd_u32be(r) : (i16)rd_u16be(r);
	*ret_bad |= n < -1;
	return n;
}

/* A field is read: to the next element of a list, or the next row. */
static void advance(struct kafka_walk *w)
{
	struct kafka_level *level = &w->levels[w->depth];
	if (level->list && --level->left)
		return;
	w->depth -= level->list;
	w->at++;
}

/* The element's rows and tagged fields are read. */
static void element_end(struct kafka_walk *w)
{
	struct kafka_level *level = &w->levels[w->depth];
	if (w->m)
		kafka_notice_end(w, level);
	w->phase = WALK_ROW;
	if (--level->left) {
		*level = (struct kafka_level){ .first = level->first, .left = level->left };
		w->at = level->first;
	} else if (w->depth == 0) {
		w->phase = WALK_DONE;
	} else {
		w->depth--;
		w->at++;
	}
}

static void past(struct kafka_walk *w, const struct kafka_row *row)
{
	w->at = (u16)(kafka_row_after(row) - w->rows);
}

static enum step enter(struct kafka_walk *w, const struct kafka_row *row, u32 n)
{
	if (n == 0) {
		past(w, row);
		return STEP_ON;
	}
	if (w->depth + 1 >= KAFKA_LEVELS)
		return STEP_BAD;
	w->at++;
	w->levels[++w->depth] = (struct kafka_level){ .first = w->at, .left = n, .list = row->type == KAFKA_LIST };
	return STEP_ON;
}

/* An element has at least one byte, so that what is claimed cannot cost more than what is sent. */
static enum step read_array(struct kafka_walk *w, const struct kafka_row *row, struct rd *r, u64 left)
{
	bool bad = false;
	const struct kafka_row *item = row + 1;
	i64 n = row->type == KAFKA_STRUCT ? 1 : row->type == KAFKA_MAYBE ? (i8)rd_u8(r) + 1 : read_length(w, r, true, &bad);
	if (r->bad)
		return STEP_SHORT;
	if (bad || n > (i64)left || (row->type == KAFKA_MAYBE && n > 2))
		return STEP_BAD;
	n = row->type == KAFKA_MAYBE ? n > 0 : MAX(n, 0);
	if (row->type != KAFKA_LIST || n == 0 || !sizes[item->type] || (item->meaning && item->meaning != IS_PARTITION))
		return enter(w, row, (u32)n);
	if (w->m && item->meaning)
		kafka_notice_many(w, item->meaning, (u32)n);
	w->skip = (u64)n * sizes[item->type];
	past(w, row);
	return STEP_ON;
}

static enum step read_text(struct kafka_walk *w, const struct kafka_row *row, struct rd *r)
{
	bool bad = false;
	i64 n = read_length(w, r, false, &bad);
	size_t kept = n > 0 && row->meaning ? MIN((size_t)n, KAFKA_TEXT_KEPT) : 0;
	struct str text = bad ? (struct str){ 0 } : rd_str(r, kept);
	if (bad)
		return STEP_BAD;
	if (r->bad)
		return STEP_SHORT;
	if (w->m && kept)
		kafka_notice_text(w, row->meaning, text);
	w->skip = (u64)MAX(n, 0) - kept;
	advance(w);
	return STEP_ON;
}

static enum step read_blob(struct kafka_walk *w, const struct kafka_row *row, struct rd *r)
{
	bool bad = false;
	i64 n = read_length(w, r, true, &bad);
	if (bad)
		return STEP_BAD;
	if (r->bad)
		return STEP_SHORT;
	n = MAX(n, 0);
	if (row->type == KAFKA_RECORDS && row->meaning && w->m && n > 0) {
		kafka_notice_set(w, (u64)n);
		w->batch.set_left = (u64)n;
		w->batch.phase = BATCH_HEAD;
		w->phase = WALK_BATCH;
		return STEP_ON;
	}
	w->skip = (u64)n;
	advance(w);
	return STEP_ON;
}

static enum step read_number(struct kafka_walk *w, const struct kafka_row *row, struct rd *r)
{
	const u8 *p = rd_take(r, sizes[row->type]);
	i64 value = 0;
	if (!p)
		return STEP_SHORT;
	if (!w->m || !row->meaning) {
		advance(w);
		return STEP_ON;
	}
	switch (row->type) {
	case KAFKA_INT8: value = (i8)*p; break;
	case KAFKA_INT16: value = (i16)be16(p); break;
	case KAFKA_INT32: value = (i32)be32(p); break;
	case KAFKA_INT64: value = (i64)be64(p); break;
	default: kafka_notice_id(w, p); break;
	}
	if (row->type != KAFKA_UUID)
		kafka_notice(w, row->meaning, value);
	advance(w);
	return STEP_ON;
}

static enum step read_row(struct kafka_walk *w, struct rd *r, u64 left)
{
	const struct kafka_row *row = &w->rows[w->at];
	if (row->type != KAFKA_END && (w->version < row->since || w->version > row->until)) {
		past(w, row);
		return STEP_ON;
	}
	switch (row->type) {
	case KAFKA_END:
		if (w->flexible)
			w->phase = WALK_TAGS;
		else
			element_end(w);
		return STEP_ON;
	case KAFKA_ARRAY:
	case KAFKA_LIST:
	case KAFKA_STRUCT:
	case KAFKA_MAYBE: return read_array(w, row, r, left);
	case KAFKA_STRING: return read_text(w, row, r);
	case KAFKA_BYTES:
	case KAFKA_RECORDS: return read_blob(w, row, r);
	default: return read_number(w, row, r);
	}
}

static enum step tags_end(struct kafka_walk *w)
{
	if (w->header)
		w->phase = WALK_ROW;
	else
		element_end(w);
	w->header = false;
	return STEP_ON;
}

static enum step read_tags(struct kafka_walk *w, struct rd *r, u64 left)
{
	bool bad = false;
	u32 n = kafka_uvarint(r, &bad);
	if (bad || n > left)
		return STEP_BAD;
	if (r->bad)
		return STEP_SHORT;
	w->tags = n;
	w->phase = WALK_TAG;
	return n ? STEP_ON : tags_end(w);
}

static enum step read_tag(struct kafka_walk *w, struct rd *r)
{
	bool bad = false;
	(void)kafka_uvarint(r, &bad);
	u32 n = kafka_uvarint(r, &bad);
	if (bad)
		return STEP_BAD;
	if (r->bad)
		return STEP_SHORT;
	w->skip = n;
	return --w->tags ? STEP_ON : tags_end(w);
}

/* The set's end is known, whatever is in it. */
static enum step read_batch(struct kafka_walk *w, struct rd *r)
{
	u64 set_left = w->batch.set_left;
	if (set_left == 0) {
		w->phase = WALK_ROW;
		advance(w);
		return STEP_ON;
	}
	bool whole = rd_left(r) >= set_left;
	struct rd part = rd_make(r->p, (size_t)MIN(rd_left(r), set_left));
	bool sound = kafka_batch_step(w, &part);
	if (sound && part.bad && !whole)
		return STEP_SHORT;
	u64 used = (u64)(part.p - r->p);
	if (!sound || part.bad || used + w->skip > set_left) {
		w->skip = set_left;
		w->batch.set_left = 0;
		return STEP_ON;
	}
	r->p = part.p;
	w->batch.set_left -= used + w->skip;
	return STEP_ON;
}

static enum step walk_step(struct kafka_walk *w, struct rd *r, u64 left)
{
	switch (w->phase) {
	case WALK_TAGS: return read_tags(w, r, left);
	case WALK_TAG: return read_tag(w, r);
	case WALK_BATCH: return read_batch(w, r);
	default: return read_row(w, r, left);
	}
}

void kafka_walk_abandon(struct kafka_walk *w)
{
	for (w->phase = WALK_DONE;; w->depth--) {
		kafka_notice_end(w, &w->levels[w->depth]);
		if (w->depth == 0)
			return;
	}
}

enum kafka_walked kafka_walk(struct kafka_walk *w, const u8 *p, size_t n, u64 left, size_t *ret_used)
{
	size_t used = 0;
	enum step step = STEP_ON;
	while (step == STEP_ON) {
		size_t pass = (size_t)MIN(w->skip, n - used);
		used += pass;
		w->skip -= pass;
		if (w->skip) {
			step = STEP_SHORT;
			break;
		}
		if (w->phase == WALK_DONE)
			break;
		struct rd r = rd_make(p + used, n - used);
		u64 ahead = left - used;
		step = walk_step(w, &r, ahead);
		if (step == STEP_ON)
			used = (size_t)(r.p - p);
		if (w->skip > left - used)
			step = STEP_BAD;
	}
	*ret_used = used;
	if (step == STEP_BAD || (step == STEP_SHORT && !w->skip && n >= left))
		return WALKED_BAD;
	return step == STEP_SHORT ? WALKED_SHORT : WALKED_ALL;
}
