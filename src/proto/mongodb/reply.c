/* What the elements of a reply mean, and whether the exchange has failed. */
#include "proto/mongodb/read.h"

#include <stdio.h>

#define NAME_KEPT 64u

static bool key_is(const struct mongo_element *e, struct str name)
{
	return str_eq(e->key, name);
}

/* The first of several counts. */
static void keep(struct mongo_response *a, struct str *at, const struct mongo_element *e, u32 limit)
{
	if (at->n || !bson_is_text(e->type))
		return;
	struct str s = bson_text(e->p, e->have);
	*at = arena_str(&a->h.m.arena, s.p, ejson_cut(s.p, s.n, limit));
}

static void code_take(i32 *at, const struct mongo_element *e)
{
	i64 v;
	if (!*at && bson_int(e->type, e->p, &v))
		*at = (i32)v;
}

static u8 reply_container(struct mongo_response *a, const struct mongo_element *e)
{
	if (e->type == BSON_ARRAY) {
		if (key_is(e, STR("writeErrors")))
			return AT_WRITE_ERRORS;
		return key_is(e, STR("values")) && a->command == KIND_DISTINCT ? AT_BATCH : AT_NOWHERE;
	}
	if (key_is(e, STR("cursor")))
		return AT_CURSOR;
	if (key_is(e, STR("writeConcernError"))) {
		a->has_concern = true;
		return AT_WRITE_CONCERN;
	}
	return AT_NOWHERE;
}

static u8 reply_element(struct mongo_response *a, const struct mongo_element *e)
{
	i64 v;
	if (bson_is_container(e->type))
		return reply_container(a, e);
	if (key_is(e, STR("ok")))
		a->has_ok = bson_double(e->type, e->p, &a->ok);
	else if (key_is(e, STR("code")))
		code_take(&a->code, e);
	else if (key_is(e, STR("codeName")))
		keep(a, &a->code_name, e, NAME_KEPT);
	else if (key_is(e, STR("errmsg")) || key_is(e, STR("$err")))
		keep(a, &a->message, e, MONGO_KEPT);
	else if (key_is(e, STR("err")) && a->command == KIND_LAST_ERROR)
		keep(a, &a->last_error, e, MONGO_KEPT);
	else if (key_is(e, STR("n")) && bson_int(e->type, e->p, &v))
		a->n = v;
	else if (key_is(e, STR("nModified")) && bson_int(e->type, e->p, &v))
		a->modified = v;
	else if (key_is(e, STR("nErrors")) && a->command == KIND_BULK_WRITE && bson_int(e->type, e->p, &v))
		a->write_errors = (u32)v;
	return AT_NOWHERE;
}

static u8 cursor_element(struct mongo_response *a, const struct mongo_element *e)
{
	if (key_is(e, STR("id")))
		bson_int(e->type, e->p, &a->h.cursor);
	else if (e->type == BSON_ARRAY && (key_is(e, STR("firstBatch")) || key_is(e, STR("nextBatch"))))
		return a->command == KIND_BULK_WRITE ? AT_BULK_RESULTS : AT_BATCH;
	return AT_NOWHERE;
}

static void write_error_element(struct mongo_response *a, const struct mongo_element *e)
{
	if (key_is(e, STR("code")))
		code_take(&a->write_code, e);
	else if (key_is(e, STR("errmsg")))
		keep(a, &a->write_message, e, MONGO_KEPT);
}

static void write_concern_element(struct mongo_response *a, const struct mongo_element *e)
{
	if (key_is(e, STR("code")))
		code_take(&a->concern_code, e);
	else if (key_is(e, STR("codeName")))
		keep(a, &a->concern_name, e, NAME_KEPT);
	else if (key_is(e, STR("errmsg")))
		keep(a, &a->concern_message, e, MONGO_KEPT);
}

u8 mongo_reply_element(struct reading *w, struct mongo_level *level, struct mongo_element *e)
{
	struct mongo_response *a = mongo_response_of(w->h);
	switch (level->place) {
	case AT_REPLY:
		return reply_element(a, e);
	case AT_CURSOR:
		return cursor_element(a, e);
	case AT_BATCH:
		a->h.documents++;
		break;
	case AT_BULK_RESULTS:
		a->h.documents++;
		return e->type == BSON_DOCUMENT && !a->write_code ? AT_WRITE_ERROR : AT_NOWHERE;
	case AT_WRITE_ERRORS:
		a->write_errors++;
		return e->type == BSON_DOCUMENT && a->write_errors == 1 ? AT_WRITE_ERROR : AT_NOWHERE;
	case AT_WRITE_ERROR:
		write_error_element(a, e);
		break;
	case AT_WRITE_CONCERN:
		write_concern_element(a, e);
		break;
	default:
		break;
	}
	return AT_NOWHERE;
}

/* A code that is nobody's has its number for a name, as servers call it. */
static struct str code_name(struct mongo_response *a, i32 code)
{
	char tmp[24];
	const char *name = mongo_code_name(code);
	if (name)
		return str_from(name);
	int n = snprintf(tmp, sizeof(tmp), "Location%d", code);
	return arena_str(&a->h.m.arena, tmp, (size_t)n);
}

static void fail(struct mongo_response *a, i32 code, struct str name, struct str message)
{
	a->code = code;
	a->code_name = name.n ? name : code ? code_name(a, code) : STR("UnknownError");
	a->message = message;
	a->h.m.error = a->code_name;
	a->h.m.flags |= MSG_FAILED;
}

void mongo_reply_end(struct mongo_response *a)
{
	if (!a->has_ok && a->h.r.op == OP_REPLY && a->command == KIND_LEGACY_QUERY)
		a->ok = a->legacy_error ? 0 : 1;
	if (a->legacy_error && !a->code && strcmp(a->legacy_error, "CursorNotFound") == 0)
		fail(a, 43, STR("CursorNotFound"), a->message);
	else if (a->legacy_error || (a->has_ok && a->ok != 1))
		fail(a, a->code, a->code_name, a->message);
	else if (a->write_errors)
		fail(a, a->write_code, (struct str){ 0 }, a->write_message);
	else if (a->has_concern)
		fail(a, a->concern_code, a->concern_name, a->concern_message);
	else if (a->last_error.n)
		fail(a, a->code, a->code_name, a->last_error);
	else
		a->code = 0;
}
