/* What the elements of a command mean. */
#include "proto/mongodb/read.h"
#include "proto/trace_context.h"

#define NAME_SHOWN 64u       /* bytes of a command's name */
#define TRACEPARENT 55u      /* bytes: 00-…-…-01 */

static bool key_is(const struct mongo_element *e, struct str name)
{
	return str_eq(e->key, name);
}

static struct str element_text(const struct mongo_element *e)
{
	return bson_is_text(e->type) ? bson_text(e->p, e->have) : (struct str){ 0 };
}

static void keep(struct mongo_request *q, struct str *at, struct str s)
{
	*at = arena_str(&q->h.m.arena, s.p, ejson_cut(s.p, s.n, MONGO_KEPT));
}

void mongo_command_named(struct mongo_request *q, struct str name)
{
	q->named = true;
	q->name = arena_str(&q->h.m.arena, name.p, ejson_cut(name.p, name.n, NAME_SHOWN));
	q->known = mongo_command_find(name);
	q->kind = q->known ? q->known->kind : KIND_OTHER;
	q->monitoring = q->kind == KIND_HELLO;
	if (q->monitoring)
		q->h.m.flags |= MSG_NOISE;
}

/* The part after the first dot; empty when there is none. */
static struct str after_dot(struct str full)
{
	const char *dot = full.n ? memchr(full.p, '.', full.n) : NULL;
	return dot ? str_make(dot + 1, full.n - (size_t)(dot + 1 - full.p)) : (struct str){ 0 };
}

void mongo_namespace_set(struct mongo_request *q, struct str full)
{
	keep(q, &q->full, full);
	q->collection = after_dot(q->full);
	if (!q->database.n)
		q->database = str_make(q->full.p, q->full.n - (q->collection.n ? q->collection.n + 1 : 0));
}

static void value_take(struct mongo_request *q, const struct mongo_element *e)
{
	char tmp[24];
	struct ejson number = { .p = tmp, .cap = sizeof(tmp) };
	i64 v;
	struct str s = element_text(e);
	if (bson_is_text(e->type)) {
		keep(q, &q->value, s);
	} else if (bson_int(e->type, e->p, &v)) {
		ejson_add_int(&number, v);
		keep(q, &q->value, str_make(tmp, number.n));
	}
}

static void target_take(struct mongo_request *q, struct mongo_element *e, const struct mongo_command *known)
{
	if (e->type != BSON_STRING || !known || known->target == TARGET_NONE)
		return;
	e->name = true;
	if (known->target == TARGET_COLLECTION)
		keep(q, &q->collection, element_text(e));
	else
		mongo_namespace_set(q, element_text(e));
}

/* The first element: what the command is, and what it is done to. Drivers of old wrap it: {$query: {find: …}, …}. */
static u8 first_element(struct mongo_request *q, struct mongo_element *e)
{
	if (e->type == BSON_DOCUMENT && !q->named && (key_is(e, STR("$query")) || key_is(e, STR("query"))))
		return AT_COMMAND;
	if (q->named && !str_eq(e->key, q->name)) /* OP_COMMAND: metadata */
		return AT_NOWHERE;
	if (!q->named)
		mongo_command_named(q, e->key);
	value_take(q, e);
	target_take(q, e, q->known);
	if (q->kind == KIND_GET_MORE)
		bson_int(e->type, e->p, &q->h.cursor);
	if (q->kind == KIND_EXPLAIN && e->type == BSON_DOCUMENT)
		return AT_EXPLAINED;
	return AT_NOWHERE;
}

/* Elements that only the driver cares about; those with a dollar are all of the protocol's. */
static bool is_plumbing(const struct mongo_element *e)
{
	return (e->key.n && e->key.p[0] == '$') || key_is(e, STR("lsid"));
}

/* In a command that is about credentials, everything is secret but: */
static bool is_harmless(const struct mongo_element *e)
{
	static const struct str names[] = { { "mechanism", 9 }, { "conversationId", 14 }, { "db", 2 }, { "roles", 5 }, { "comment", 7 } };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (key_is(e, names[i]))
			return true;
	return false;
}

/* A context a program left in its comment: the value alone, or somewhere behind the word. */
static void trace_take(struct mongo_request *q, struct str s)
{
	const char *word = s.n > TRACEPARENT ? memmem(s.p, s.n, "traceparent", 11) : s.p;
	const char *at = word ? memmem(word, s.n - (size_t)(word - s.p), "00-", 3) : NULL;
	if (!at || s.n - (size_t)(at - s.p) < TRACEPARENT)
		return;
	const struct trace_headers h = { .traceparent = str_make(at, TRACEPARENT) };
	trace_context_set(&q->h.m, &h);
}

static u8 comment_take(struct mongo_request *q, const struct mongo_element *e)
{
	if (e->type == BSON_STRING)
		trace_take(q, element_text(e));
	return e->type == BSON_DOCUMENT ? AT_COMMENT : AT_NOWHERE;
}

/* Arrays and documents of a command. */
static u8 container(struct mongo_request *q, struct mongo_element *e)
{
	if (e->type == BSON_ARRAY) {
		e->list = key_is(e, STR("documents")) || key_is(e, STR("updates")) || key_is(e, STR("deletes")) || key_is(e, STR("ops"));
		if (e->list || (q->kind == KIND_KILL_CURSORS && key_is(e, STR("cursors"))))
			return AT_LIST;
		return key_is(e, STR("nsInfo")) ? AT_NS_LIST : AT_NOWHERE;
	}
	if (key_is(e, STR("$readPreference")))
		return AT_READ_PREFERENCE;
	if (key_is(e, STR("cursor")))
		return AT_CURSOR_OPTION;
	if (key_is(e, STR("lsid")))
		return AT_SESSION;
	return AT_NOWHERE;
}

static void scalar(struct mongo_request *q, struct mongo_element *e)
{
	i64 v = 0;
	if (key_is(e, STR("$db"))) {
		keep(q, &q->database, element_text(e));
	} else if (key_is(e, STR("collection")) && q->kind == KIND_GET_MORE) {
		keep(q, &q->collection, element_text(e));
		e->name = true;
	} else if (key_is(e, STR("batchSize"))) {
		bson_int(e->type, e->p, &q->batch_size);
	} else if (key_is(e, STR("txnNumber"))) {
		q->has_txn = bson_int(e->type, e->p, &q->txn_number);
	} else if (key_is(e, STR("maxAwaitTimeMS")) || (q->kind == KIND_GET_MORE && key_is(e, STR("maxTimeMS")))) {
		if (bson_int(e->type, e->p, &v) && v > 0) /* a long poll: of the topology, or of a tailable cursor */
			q->h.m.flags |= MSG_BLOCKING;
	}
}

static u8 command_element(struct mongo_request *q, struct mongo_level *level, struct mongo_element *e)
{
	if (level->flags & LEVEL_FIRST)
		return first_element(q, e);
	bool secret = q->known && q->known->sensitive && !is_harmless(e);
	e->hidden = is_plumbing(e);
	e->masked = secret || key_is(e, STR("speculativeAuthenticate"));
	if (q->h.show_secrets)
		e->masked = false;
	if (key_is(e, STR("comment")))
		return comment_take(q, e);
	if (bson_is_container(e->type))
		return container(q, e);
	scalar(q, e);
	return AT_NOWHERE;
}

static void explained_element(struct mongo_request *q, const struct mongo_level *level, struct mongo_element *e)
{
	if (level->flags & LEVEL_FIRST)
		target_take(q, e, mongo_command_find(e->key));
}

/* {id: UUID} */
static void session_element(struct mongo_request *q, const struct mongo_element *e)
{
	if (!key_is(e, STR("id")) || e->type != BSON_BINARY || e->size != 5 + sizeof(q->session))
		return;
	memcpy(q->session, e->p + 5, sizeof(q->session));
	q->has_session = true;
}

u8 mongo_command_element(struct reading *w, struct mongo_level *level, struct mongo_element *e)
{
	struct mongo_request *q = mongo_request_of(w->h);
	switch (level->place) {
	case AT_COMMAND:
		return command_element(q, level, e);
	case AT_EXPLAINED:
		explained_element(q, level, e);
		break;
	case AT_READ_PREFERENCE:
		if (key_is(e, STR("mode")))
			keep(q, &q->read_preference, element_text(e));
		break;
	case AT_CURSOR_OPTION:
		if (key_is(e, STR("batchSize")))
			bson_int(e->type, e->p, &q->batch_size);
		break;
	case AT_SESSION:
		session_element(q, e);
		break;
	case AT_LIST:
		q->h.documents++;
		break;
	case AT_NS_LIST:
		return e->type == BSON_DOCUMENT && !q->full.n ? AT_NS : AT_NOWHERE;
	case AT_NS:
		if (key_is(e, STR("ns")) && e->type == BSON_STRING) {
			mongo_namespace_set(q, element_text(e));
			e->name = true;
		}
		break;
	case AT_COMMENT:
		if (key_is(e, STR("traceparent")) && e->type == BSON_STRING)
			trace_take(q, element_text(e));
		break;
	default:
		break;
	}
	return AT_NOWHERE;
}

static void namespace_join(struct mongo_request *q)
{
	u32 n = q->database.n + 1 + q->collection.n;
	char *p = arena_alloc(&q->h.m.arena, n);
	if (!p)
		return;
	memcpy(p, q->database.p, q->database.n);
	p[q->database.n] = '.';
	memcpy(p + q->database.n + 1, q->collection.p, q->collection.n);
	q->full = str_make(p, n);
}

void mongo_command_end(struct parser *ps, struct mongo_request *q)
{
	if (!q->full.n && q->collection.n && q->database.n)
		namespace_join(q);
	else if (!q->full.n)
		q->full = q->database;
	if (!q->named) {
		q->name = STR("?");
		q->h.m.flags |= MSG_PARTIAL;
	}
	mongo_statement_keep(q, true);
}
