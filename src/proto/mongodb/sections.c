/* What is in a message outside of its documents: sections of OP_MSG, and what the operations of older protocols begin with. */
#include "proto/mongodb/read.h"

#define TEXT_LOOK 512u /* bytes of a namespace, a sequence's name */

enum { MSG_CHECKSUM = 1, MSG_MORE_TO_COME = 2, MSG_KNOWN = 3 };
enum { QUERY_EXHAUST = 64 };
enum { REPLY_CURSOR_NOT_FOUND = 1, REPLY_QUERY_FAILURE = 2 };
enum { SECTION_BODY, SECTION_SEQUENCE, SECTION_TOKEN };

/* Reads what has to be complete; `r` stays where it is until head_done. */
struct head {
	struct rd r;
	bool more, bad;
};

static struct head head_start(const struct reading *w)
{
	size_t left = MIN(w->n - w->used, (size_t)(w->h->r.end - w->h->r.at));
	return (struct head){ .r = rd_make(w->p + w->used, left) };
}

static struct str head_text(struct head *h)
{
	size_t look = MIN(rd_left(&h->r), (size_t)TEXT_LOOK);
	const u8 *p = h->r.p, *end = look ? memchr(p, 0, look) : NULL;
	if (!end) {
		h->bad |= look == TEXT_LOOK;
		rd_fail(&h->r);
		return (struct str){ 0 };
	}
	rd_skip(&h->r, (size_t)(end - p) + 1);
	return str_make(p, (size_t)(end - p));
}

/* STEP_ON when all of it was there. */
static enum mongo_step head_done(struct reading *w, const struct head *h)
{
	if (h->bad)
		return STEP_BAD;
	w->want = w->n - w->used + 1;
	return h->r.bad ? STEP_MORE : STEP_ON;
}

static enum mongo_step head_pass(struct reading *w, const struct head *h)
{
	return mongo_pass(w, (u32)(h->r.p - (w->p + w->used)));
}

static enum mongo_step msg_head(struct reading *w)
{
	struct mongo_reader *r = &w->h->r;
	struct head h = head_start(w);
	r->flags = rd_u32le(&h.r);
	enum mongo_step step = head_done(w, &h);
	if (step != STEP_ON)
		return step;
	u32 checksum = r->flags & MSG_CHECKSUM ? 4 : 0;
	if (r->flags & 0xffff & ~(u32)MSG_KNOWN || r->end < 4 + checksum)
		return STEP_BAD;
	r->end -= checksum;
	r->phase = PHASE_SECTION;
	w->h->more_to_come = r->flags & MSG_MORE_TO_COME;
	struct mongo_request *q = mongo_request_of(w->h);
	if (q && w->h->more_to_come && !r->compressed) /* compressed, it may prove to be damaged: known at its end */
		q->h.m.flags |= MSG_ONEWAY;
	return head_pass(w, &h);
}

/* A legacy operation is a command of its own: `name` on `full`. */
static void legacy_command(struct mongo_request *q, struct str name, struct str full)
{
	mongo_command_named(q, name);
	mongo_namespace_set(q, full);
	q->value = q->collection;
	mongo_statement_legacy(q, name, q->collection);
}

/* Commands that were queries of collections that do not exist. */
static struct str pseudo_command(struct str collection)
{
	static const struct {
		struct str collection, name;
	} known[] = {
		{ { "$cmd.sys.inprog", 15 }, { "currentOp", 9 } }, { { "$cmd.sys.killop", 15 }, { "killOp", 6 } },
		{ { "$cmd.sys.unlock", 15 }, { "fsyncUnlock", 11 } },
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq(collection, known[i].collection))
			return known[i].name;
	return (struct str){ 0 };
}

static void query_begin(struct mongo_request *q, struct str full, i64 batch)
{
	const char *dot = full.n ? memchr(full.p, '.', full.n) : NULL;
	struct str collection = dot ? str_make(dot + 1, full.n - (size_t)(dot + 1 - full.p)) : (struct str){ 0 };
	struct str pseudo = pseudo_command(collection);
	q->is_command = str_eq(collection, STR("$cmd"));
	if (q->is_command || pseudo.n) {
		q->database = arena_str(&q->h.m.arena, full.p, full.n - collection.n - 1);
		if (pseudo.n)
			mongo_command_named(q, pseudo);
		return;
	}
	legacy_command(q, STR("find"), full);
	q->kind = KIND_LEGACY_QUERY;
	q->batch_size = batch < 0 ? -batch : batch;
}

static enum mongo_step query_head(struct reading *w)
{
	struct mongo_reader *r = &w->h->r;
	struct mongo_request *q = mongo_request_of(w->h);
	struct head h = head_start(w);
	u32 flags = rd_u32le(&h.r);
	struct str full = head_text(&h);
	rd_skip(&h.r, 4);
	i32 batch = (i32)rd_u32le(&h.r);
	enum mongo_step step = head_done(w, &h);
	if (step != STEP_ON)
		return step;
	r->flags = flags;
	q->exhausts = flags & QUERY_EXHAUST;
	query_begin(q, full, batch);
	r->phase = PHASE_DOCUMENTS;
	return head_pass(w, &h);
}

/* OP_INSERT (flags first), OP_UPDATE and OP_DELETE (flags after the namespace). */
static enum mongo_step write_head(struct reading *w)
{
	static const struct str names[] = { [OP_UPDATE - OP_UPDATE] = { "update", 6 }, [OP_INSERT - OP_UPDATE] = { "insert", 6 },
					    [OP_DELETE - OP_UPDATE] = { "delete", 6 } };
	struct mongo_reader *r = &w->h->r;
	struct mongo_request *q = mongo_request_of(w->h);
	struct head h = head_start(w);
	rd_skip(&h.r, 4);
	struct str full = head_text(&h);
	if (r->op != OP_INSERT)
		rd_skip(&h.r, 4);
	enum mongo_step step = head_done(w, &h);
	if (step != STEP_ON)
		return step;
	legacy_command(q, names[r->op - OP_UPDATE], full);
	if (r->op == OP_INSERT)
		mongo_statement_part(q, STR("documents"), true);
	q->h.documents = r->op == OP_INSERT ? 0 : 1;
	r->phase = PHASE_DOCUMENTS;
	return head_pass(w, &h);
}

static enum mongo_step get_more_head(struct reading *w)
{
	struct mongo_request *q = mongo_request_of(w->h);
	struct head h = head_start(w);
	rd_skip(&h.r, 4);
	struct str full = head_text(&h);
	i32 batch = (i32)rd_u32le(&h.r);
	i64 cursor = (i64)rd_u64le(&h.r);
	enum mongo_step step = head_done(w, &h);
	if (step != STEP_ON)
		return step;
	mongo_command_named(q, STR("getMore"));
	mongo_namespace_set(q, full);
	q->kind = KIND_LEGACY_QUERY;
	q->batch_size = batch;
	q->h.cursor = cursor;
	mongo_statement_legacy(q, STR("getMore"), (struct str){ 0 });
	mongo_statement_number(q, (struct str){ 0 }, cursor);
	w->h->r.phase = PHASE_REST;
	return head_pass(w, &h);
}

static enum mongo_step kill_cursors_head(struct reading *w)
{
	struct mongo_request *q = mongo_request_of(w->h);
	struct head h = head_start(w);
	rd_skip(&h.r, 4);
	u32 n = rd_u32le(&h.r);
	i64 first = n ? (i64)rd_u64le(&h.r) : 0;
	enum mongo_step step = head_done(w, &h);
	if (step != STEP_ON)
		return step;
	mongo_command_named(q, STR("killCursors"));
	q->h.documents = n;
	q->h.cursor = first;
	w->h->r.phase = PHASE_REST;
	return head_pass(w, &h);
}

/* Of version 3.2 to 4.0's shell and clusters. */
static enum mongo_step command_head(struct reading *w)
{
	struct mongo_request *q = mongo_request_of(w->h);
	struct head h = head_start(w);
	struct str database = head_text(&h), name = head_text(&h);
	enum mongo_step step = head_done(w, &h);
	if (step != STEP_ON)
		return step;
	q->database = arena_str(&q->h.m.arena, database.p, database.n);
	mongo_command_named(q, name);
	w->h->r.phase = PHASE_DOCUMENTS;
	return head_pass(w, &h);
}

static enum mongo_step reply_head(struct reading *w)
{
	struct mongo_reader *r = &w->h->r;
	struct mongo_response *a = mongo_response_of(w->h);
	struct head h = head_start(w);
	u32 flags = rd_u32le(&h.r);
	i64 cursor = (i64)rd_u64le(&h.r);
	rd_skip(&h.r, 4);
	u32 n = rd_u32le(&h.r);
	enum mongo_step step = head_done(w, &h);
	if (step != STEP_ON)
		return step;
	r->flags = flags;
	a->h.cursor = cursor;
	a->h.more_to_come = a->exhausts && cursor;
	if (flags & REPLY_CURSOR_NOT_FOUND)
		a->legacy_error = "CursorNotFound";
	else if (flags & REPLY_QUERY_FAILURE)
		a->legacy_error = "QueryFailure";
	bool documents = a->command == KIND_LEGACY_QUERY || (!a->h.m.answer && (n != 1 || cursor));
	if (documents && !(flags & REPLY_QUERY_FAILURE))
		a->h.documents += n;
	r->phase = documents && !(flags & REPLY_QUERY_FAILURE) ? PHASE_REST : PHASE_DOCUMENTS;
	return head_pass(w, &h);
}

static enum mongo_step head_step(struct reading *w)
{
	struct mongo_reader *r = &w->h->r;
	switch (r->op) {
	case OP_MSG: return msg_head(w);
	case OP_QUERY: return query_head(w);
	case OP_INSERT:
	case OP_UPDATE:
	case OP_DELETE: return write_head(w);
	case OP_GET_MORE: return get_more_head(w);
	case OP_KILL_CURSORS: return kill_cursors_head(w);
	case OP_COMMAND: return command_head(w);
	case OP_REPLY: return reply_head(w);
	default: break;
	}
	r->phase = PHASE_DOCUMENTS;
	return STEP_ON;
}

/* Text of the statement goes on only while there is room for it. */
static bool shows(const struct mongo_request *q)
{
	return q && q->named && mongo_statement_open(q);
}

static enum mongo_step sequence_head(struct reading *w)
{
	static const struct str counted[] = { { "documents", 9 }, { "updates", 7 }, { "deletes", 7 }, { "ops", 3 } };
	struct mongo_reader *r = &w->h->r;
	struct mongo_request *q = mongo_request_of(w->h);
	struct head h = head_start(w);
	rd_skip(&h.r, 1);
	u32 size = rd_u32le(&h.r);
	struct str name = head_text(&h);
	enum mongo_step step = head_done(w, &h);
	if (step != STEP_ON)
		return step;
	if (size < 4 + name.n + 1 || size > r->end - r->at - 1)
		return STEP_BAD;
	r->section_end = r->at + 1 + size;
	r->documents = 0;
	r->sequence = str_eq(name, STR("nsInfo")) ? AT_NS : AT_NOWHERE;
	for (size_t i = 0; i < ARRAY_LEN(counted); i++)
		if (str_eq(name, counted[i]))
			r->sequence = AT_LIST;
	r->in_text = shows(q);
	if (r->in_text)
		mongo_statement_part(q, name, true);
	r->phase = PHASE_ITEMS;
	return head_pass(w, &h);
}

/* A token, or (before version 7.1) a document. */
static enum mongo_step token_step(struct reading *w)
{
	struct mongo_reader *r = &w->h->r;
	struct head h = head_start(w);
	rd_skip(&h.r, 1);
	u32 size = rd_u32le(&h.r);
	enum mongo_step step = head_done(w, &h);
	if (step != STEP_ON)
		return step;
	if (size >= BSON_DOCUMENT_MIN && size <= r->end - r->at - 1)
		return mongo_pass(w, 1 + size);
	r->phase = PHASE_TOKEN;
	return mongo_pass(w, 1);
}

static enum mongo_step token_rest(struct reading *w)
{
	struct mongo_reader *r = &w->h->r;
	size_t look = MIN(w->n - w->used, (size_t)(r->end - r->at));
	const u8 *p = w->p + w->used, *end = look ? memchr(p, 0, look) : NULL;
	w->want = 1;
	if (!look)
		return r->at == r->end ? STEP_BAD : STEP_MORE;
	if (end)
		r->phase = PHASE_SECTION;
	return mongo_pass(w, end ? (u32)(end - p) + 1 : (u32)look);
}

static enum mongo_step section_step(struct reading *w)
{
	struct mongo_reader *r = &w->h->r;
	bool request = mongo_request_of(w->h) != NULL;
	size_t left = w->n - w->used;
	r->section_end = 0;
	if (r->at == r->end)
		return STEP_DONE;
	w->want = 1 + 4;
	if (r->end - r->at < BSON_DOCUMENT_MIN)
		return STEP_BAD;
	if (left < 1 + 4)
		return STEP_MORE;
	switch (w->p[w->used]) {
	case SECTION_BODY:
		mongo_pass(w, 1);
		return mongo_document_step(w, request ? AT_COMMAND : AT_REPLY, request ? LEVEL_SHOWN : 0, r->end);
	case SECTION_SEQUENCE:
		return sequence_head(w);
	case SECTION_TOKEN:
		return token_step(w);
	default:
		return STEP_BAD;
	}
}

/* A document of which nothing but its presence is of interest. */
static enum mongo_step pass_document(struct reading *w, u32 limit)
{
	struct mongo_reader *r = &w->h->r;
	u32 left = limit - r->at;
	w->want = 4;
	if (left < BSON_DOCUMENT_MIN)
		return STEP_BAD;
	if (w->n - w->used < 4)
		return STEP_MORE;
	u32 size = le32(w->p + w->used);
	return size < BSON_DOCUMENT_MIN || size > left ? STEP_BAD : mongo_pass(w, size);
}

/* The next document of a list: shown, looked into, or passed. Counts it when it has begun. */
static enum mongo_step item_step(struct reading *w, u8 place, bool shown, u32 limit)
{
	struct mongo_reader *r = &w->h->r;
	struct mongo_request *q = mongo_request_of(w->h);
	u32 index = r->documents;
	if (!shown && place == AT_NOWHERE) {
		enum mongo_step step = pass_document(w, limit);
		r->documents += step == STEP_ON || step == STEP_SKIP;
		return step;
	}
	if (w->n - w->used < 4) {
		w->want = 4;
		return STEP_MORE;
	}
	r->documents++;
	return mongo_document_step(w, place, shown ? mongo_statement_item(q, index) : 0, limit);
}

static enum mongo_step items_step(struct reading *w)
{
	struct mongo_reader *r = &w->h->r;
	struct mongo_request *q = mongo_request_of(w->h);
	if (r->at == r->section_end) {
		if (r->sequence == AT_LIST)
			w->h->documents += r->documents;
		if (r->in_text)
			mongo_statement_part_end(q);
		r->phase = PHASE_SECTION;
		return STEP_ON;
	}
	bool shown = r->in_text && (r->documents ? !q->text.full : mongo_statement_open(q));
	return item_step(w, q && r->sequence == AT_NS && !q->full.n ? AT_NS : AT_NOWHERE, shown, r->section_end);
}

/* Documents of OP_QUERY, _INSERT, _UPDATE, _DELETE, _COMMAND and the two replies. */
static enum mongo_step documents_step(struct reading *w)
{
	static const struct str parts[][2] = {
		[OP_UPDATE - OP_UPDATE] = { { "q", 1 }, { "u", 1 } }, [OP_QUERY - OP_UPDATE] = { { "filter", 6 }, { "projection", 10 } },
		[OP_DELETE - OP_UPDATE] = { { "q", 1 }, { "", 0 } },
	};
	struct mongo_reader *r = &w->h->r;
	struct mongo_request *q = mongo_request_of(w->h);
	if (r->at == r->end) {
		if (r->op == OP_INSERT && q)
			mongo_statement_part_end(q);
		return STEP_DONE;
	}
	if (!q)
		return item_step(w, r->op == OP_COMMAND_REPLY || !r->documents ? AT_REPLY : AT_NOWHERE, false, r->end);
	if (r->op == OP_COMMAND)
		return item_step(w, AT_COMMAND, false, r->end);
	if (r->op == OP_QUERY && (q->is_command || q->kind != KIND_LEGACY_QUERY))
		return item_step(w, r->documents ? AT_NOWHERE : AT_COMMAND, q->is_command && !r->documents, r->end);
	if (r->op == OP_INSERT) {
		bool shown = r->documents ? !q->text.full : mongo_statement_open(q);
		enum mongo_step step = item_step(w, AT_NOWHERE, shown, r->end);
		q->h.documents = r->documents;
		return step;
	}
	if (w->n - w->used < 4) {
		w->want = 4;
		return STEP_MORE;
	}
	bool shown = r->documents < 2 && mongo_statement_open(q);
	if (shown)
		mongo_statement_part(q, parts[r->op - OP_UPDATE][r->documents], false);
	r->documents += !shown;
	if (!shown)
		return pass_document(w, r->end);
	r->documents++;
	return mongo_document_step(w, AT_NOWHERE, LEVEL_SHOWN, r->end);
}

enum mongo_step mongo_body_step(struct reading *w)
{
	struct mongo_reader *r = &w->h->r;
	switch (r->phase) {
	case PHASE_HEAD: return head_step(w);
	case PHASE_SECTION: return section_step(w);
	case PHASE_ITEMS: return items_step(w);
	case PHASE_WALK: return mongo_walk_step(w);
	case PHASE_DOCUMENTS: return documents_step(w);
	case PHASE_TOKEN: return token_rest(w);
	default: return STEP_DONE;
	}
}
