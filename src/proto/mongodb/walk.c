/* Through a document, element by element, however it arrives. What nobody wants is passed by its length. */
#include "proto/mongodb/read.h"

static struct mongo_level *top(struct reading *w)
{
	return &w->h->r.levels[w->h->r.depth - 1];
}

enum mongo_step mongo_pass(struct reading *w, u32 n)
{
	size_t left = w->n - w->used;
	w->h->r.at += n;
	if (n <= left) {
		w->used += n;
		return STEP_ON;
	}
	w->want = n - left;
	w->used = w->n;
	return STEP_SKIP;
}

static enum mongo_step need(struct reading *w, size_t n)
{
	w->want = n;
	return STEP_MORE;
}

static void push(struct reading *w, u32 end, u8 place, u8 flags)
{
	struct mongo_reader *r = &w->h->r;
	r->levels[r->depth++] = (struct mongo_level){ .end = end, .place = place, .flags = flags | LEVEL_FIRST };
}

/* Does the statement want what is (still) in this level? */
static bool is_shown(const struct reading *w, const struct mongo_level *level)
{
	if (!(level->flags & LEVEL_SHOWN))
		return false;
	const struct mongo_request *q = mongo_request_of(w->h);
	bool values = (level->flags & (LEVEL_ARRAY | LEVEL_LITERAL)) == (LEVEL_ARRAY | LEVEL_LITERAL);
	return !q->text.full || (!q->shape_text.full && !values && !(level->flags & LEVEL_MUTE));
}

enum mongo_step mongo_document_step(struct reading *w, u8 place, u8 flags, u32 limit)
{
	struct mongo_reader *r = &w->h->r;
	if (w->n - w->used < 4)
		return limit - r->at < BSON_DOCUMENT_MIN ? STEP_BAD : need(w, 4);
	u32 size = le32(w->p + w->used);
	if (size < BSON_DOCUMENT_MIN || size > limit - r->at)
		return STEP_BAD;
	push(w, r->at + size, place, flags);
	if (flags & LEVEL_SHOWN) {
		struct mongo_request *q = mongo_request_of(w->h);
		ejson_add(&q->text, "{", 1);
		if (!(flags & LEVEL_MUTE))
			ejson_add(&q->shape_text, "{", 1);
	}
	r->phase = PHASE_WALK;
	return mongo_pass(w, 4);
}

/* The outermost document of a command is not closed here: document sequences may follow. */
static void pop(struct reading *w)
{
	struct mongo_reader *r = &w->h->r;
	const struct mongo_level *level = top(w);
	struct mongo_request *q = mongo_request_of(w->h);
	if (level->flags & LEVEL_SHOWN && !(r->depth == 1 && level->place == AT_COMMAND))
		mongo_statement_close(q, level);
	if (--r->depth == 0)
		r->phase = r->op != OP_MSG ? PHASE_DOCUMENTS : r->section_end ? PHASE_ITEMS : PHASE_SECTION;
}

/* Texts that are too long to be of interest. */
static enum mongo_step pass_texts(struct reading *w, const struct mongo_level *level)
{
	struct mongo_reader *r = &w->h->r;
	size_t look = MIN(w->n - w->used, (size_t)(level->end - 1 - r->at));
	const u8 *p = w->p + w->used, *end = look ? memchr(p, 0, look) : NULL;
	if (!end && r->at + look >= level->end - 1)
		return STEP_BAD;
	if (end)
		r->texts--;
	return mongo_pass(w, end ? (u32)(end - p) + 1 : (u32)look);
}

/* Documents of a batch that are wholly at hand. */
static void count_batch(struct reading *w, const struct mongo_level *level)
{
	struct mongo_reader *r = &w->h->r;
	const u8 *p = w->p + w->used;
	size_t left = MIN(w->n - w->used, (size_t)(level->end - 1 - r->at));
	const u8 *end = p + left;
	while (end - p >= 2 + 4 && *p == BSON_DOCUMENT) {
		const u8 *name = p + 1;
		while (name < end && *name)
			name++;
		if (end - name < 1 + 4)
			break;
		u32 size = le32(name + 1);
		if (size < BSON_DOCUMENT_MIN || size > (size_t)(end - name - 1))
			break;
		p = name + 1 + size;
		w->h->documents++;
	}
	size_t passed = (size_t)(p - (w->p + w->used));
	w->used += passed;
	r->at += (u32)passed;
}

/* Bytes of a value that must be at hand before it can be looked at. */
static size_t wanted(const struct reading *w, const struct mongo_level *level, u8 type, u32 size)
{
	bool shown = is_shown(w, level);
	if (bson_is_container(type))
		return 4;
	if (type == BSON_SCOPED_CODE || type == BSON_DB_POINTER || (!shown && level->place == AT_NOWHERE))
		return 0;
	size_t most = shown ? MAX(MONGO_KEPT, mongo_request_of(w->h)->text.cap) : MONGO_KEPT;
	if (bson_is_text(type))
		return MIN(size, 4 + most);
	if (type == BSON_BINARY)
		return MIN(size, 5 + EJSON_BINARY_SHOWN);
	return size;
}

/* An element of which enough is at hand; `head` bytes come before its value. */
static enum mongo_step take(struct reading *w, struct mongo_level *level, struct mongo_element *e, size_t head)
{
	struct mongo_reader *r = &w->h->r;
	struct mongo_request *q = mongo_request_of(w->h);
	u8 place = AT_NOWHERE, flags = e->type == BSON_ARRAY ? LEVEL_ARRAY : 0;
	if (q && level->place != AT_NOWHERE)
		place = mongo_command_element(w, level, e);
	else if (level->place != AT_NOWHERE)
		place = mongo_reply_element(w, level, e);
	bool shown = is_shown(w, level) && !e->hidden;
	bool open = bson_is_container(e->type) && r->depth < MONGO_LEVELS && (place != AT_NOWHERE || (shown && !e->masked));
	if (shown)
		flags |= mongo_statement_element(q, level, e, open);
	level->flags &= (u8)~LEVEL_FIRST;
	if (q && level->place == AT_COMMAND && !q->tail_at)
		q->tail_at = q->text.n;
	if (e->masked)
		flags &= (u8)~LEVEL_SHOWN;
	if (!open)
		return mongo_pass(w, (u32)head + e->size);
	push(w, r->at + (u32)head + e->size, place, flags);
	return mongo_pass(w, (u32)head + 4);
}

/* The value of an element, `head` bytes on. */
static enum mongo_step value_step(struct reading *w, struct mongo_level *level, struct mongo_element *e, size_t head)
{
	struct mongo_reader *r = &w->h->r;
	size_t left = w->n - w->used - head, want = 0;
	e->p = w->p + w->used + head;
	enum bson_result result = bson_value_size(e->type, e->p, left, level->end - 1 - r->at - head, &e->size, &want);
	if (result == BSON_MORE)
		return need(w, head + want);
	if (result == BSON_BAD)
		return STEP_BAD;
	if (result == BSON_LONG) {
		r->type = 0;
		r->texts = 2;
		level->flags &= (u8)~LEVEL_FIRST;
		return mongo_pass(w, (u32)head);
	}
	e->have = wanted(w, level, e->type, e->size);
	if (left < e->have)
		return need(w, head + e->have);
	r->type = 0;
	return take(w, level, e, head);
}

static enum mongo_step element_step(struct reading *w, struct mongo_level *level)
{
	struct mongo_reader *r = &w->h->r;
	struct mongo_element e = { .type = r->type };
	if (e.type) /* its name was too long to be kept */
		return value_step(w, level, &e, 0);
	const u8 *p = w->p + w->used;
	size_t room = level->end - 2 - r->at; /* for its name, behind the type */
	size_t look = MIN(MIN(w->n - w->used - 1, room), BSON_NAME_LOOK);
	const u8 *end = look ? memchr(p + 1, 0, look) : NULL;
	e.type = *p;
	if (!bson_type_known(e.type))
		return STEP_BAD;
	if (!end && look == BSON_NAME_LOOK) {
		r->type = e.type;
		r->texts = 1;
		return mongo_pass(w, 1);
	}
	if (!end)
		return look >= room ? STEP_BAD : need(w, w->n - w->used + 1);
	e.key = str_make(p + 1, (size_t)(end - p - 1));
	return value_step(w, level, &e, (size_t)(end - p) + 1);
}

enum mongo_step mongo_walk_step(struct reading *w)
{
	struct mongo_reader *r = &w->h->r;
	struct mongo_level *level = top(w);
	if (level->place == AT_NOWHERE && !is_shown(w, level)) {
		u32 rest = level->end - r->at;
		r->texts = r->type = 0;
		pop(w);
		return mongo_pass(w, rest);
	}
	if (level->place == AT_BATCH && !r->type && !r->texts)
		count_batch(w, level);
	if (w->used == w->n)
		return need(w, 1);
	if (r->texts)
		return pass_texts(w, level);
	if (r->at < level->end - 1)
		return element_step(w, level);
	if (r->at >= level->end || r->type || w->p[w->used] != 0)
		return STEP_BAD;
	pop(w);
	return mongo_pass(w, 1);
}
