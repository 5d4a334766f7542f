/* A command as text, and its fingerprint. */
#include "proto/mongodb/read.h"

void mongo_statement_start(struct reading *w, struct mongo_request *q)
{
	u32 cap = w->ps->opt->details ? MIN(w->ps->opt->statement_length, EJSON_MAX) : 0;
	q->text = (struct ejson){ .p = w->scratch, .cap = cap, .full = cap == 0 };
	q->shape_text = (struct ejson){ .p = w->scratch + EJSON_MAX, .cap = cap, .full = cap == 0 };
}

static void keep(struct mongo_request *q, struct ejson *t, bool final)
{
	u32 room = final ? t->n : t->cap;
	char *p = room ? arena_alloc(&q->h.m.arena, room) : NULL;
	if (!p) {
		t->n = t->cap = 0;
		t->full = true;
	} else if (t->n) {
		memcpy(p, t->p, t->n);
	}
	t->p = p;
}

static struct str kept(const struct ejson *t)
{
	return str_make(t->p, t->n);
}

void mongo_statement_keep(struct mongo_request *q, bool final)
{
	struct ejson *texts[] = { &q->text, &q->shape_text };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (final && texts[i]->n)
			ejson_add(texts[i], "}", 1);
		if (!texts[i]->n && final)
			texts[i]->p = NULL;
		else if (!q->texts_kept)
			keep(q, texts[i], final);
	}
	q->texts_kept = true;
	if (!final)
		return;
	q->statement = kept(&q->text);
	q->shape = kept(&q->shape_text);
}

static void add_key(struct ejson *t, struct str key)
{
	ejson_add_string(t, (const u8 *)key.p, key.n, true);
	ejson_add(t, ":", 1);
}

static void add_both(struct mongo_request *q, struct str s)
{
	ejson_adds(&q->text, s);
	ejson_adds(&q->shape_text, s);
}

void mongo_statement_legacy(struct mongo_request *q, struct str command, struct str collection)
{
	struct ejson *texts[] = { &q->text, &q->shape_text };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		ejson_add(texts[i], "{", 1);
		add_key(texts[i], command);
		if (collection.p)
			ejson_add_string(texts[i], (const u8 *)collection.p, collection.n, true);
	}
	q->tail_at = q->text.n;
}

void mongo_statement_part(struct mongo_request *q, struct str name, bool array)
{
	struct ejson *texts[] = { &q->text, &q->shape_text };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		ejson_add(texts[i], ",", 1);
		add_key(texts[i], name);
		if (array)
			ejson_add(texts[i], "[", 1);
	}
}

void mongo_statement_part_end(struct mongo_request *q)
{
	add_both(q, STR("]"));
}

void mongo_statement_number(struct mongo_request *q, struct str name, i64 v)
{
	if (name.n)
		mongo_statement_part(q, name, false);
	ejson_add_int(&q->text, v);
	ejson_add(&q->shape_text, "?", 1);
}

static void show_text(struct ejson *t, const struct mongo_level *level, const struct mongo_element *e, bool open)
{
	if (level->flags & LEVEL_USED)
		ejson_add(t, ",", 1);
	if (!(level->flags & LEVEL_ARRAY))
		add_key(t, e->key);
	if (e->masked)
		ejson_adds(t, STR("\"" MONGO_MASK "\""));
	else if (bson_is_container(e->type))
		ejson_adds(t, !open ? STR("\"...\"") : e->type == BSON_ARRAY ? STR("[") : STR("{"));
	else
		ejson_add_value(t, e->type, e->p, e->have, e->size);
}

static void show_shape(struct ejson *t, const struct mongo_level *level, const struct mongo_element *e, bool open)
{
	bool again = level->flags & LEVEL_ARRAY && level->flags & LEVEL_LITERAL && !open;
	if (level->flags & LEVEL_MUTE || again || (level->flags & LEVEL_ONE && level->flags & LEVEL_USED))
		return;
	if (level->flags & LEVEL_USED)
		ejson_add(t, ",", 1);
	if (!(level->flags & LEVEL_ARRAY))
		add_key(t, e->key);
	if (open)
		ejson_add(t, e->type == BSON_ARRAY ? "[" : "{", 1);
	else if (e->name)
		ejson_add_value(t, e->type, e->p, e->have, e->size);
	else
		ejson_add(t, "?", 1);
}

u8 mongo_statement_element(struct mongo_request *q, struct mongo_level *level, const struct mongo_element *e, bool open)
{
	u8 flags = LEVEL_SHOWN | (level->flags & LEVEL_MUTE);
	open = open && !e->masked;
	if (level->flags & LEVEL_ONE && level->flags & LEVEL_USED)
		flags |= LEVEL_MUTE;
	if (e->list)
		flags |= LEVEL_ONE;
	show_text(&q->text, level, e, open);
	show_shape(&q->shape_text, level, e, open);
	level->flags = (u8)((level->flags | LEVEL_USED | LEVEL_LITERAL) & ~(open ? LEVEL_LITERAL : 0));
	return flags;
}

void mongo_statement_close(struct mongo_request *q, const struct mongo_level *level)
{
	struct str end = level->flags & LEVEL_ARRAY ? STR("]") : STR("}");
	ejson_adds(&q->text, end);
	if (!(level->flags & LEVEL_MUTE))
		ejson_adds(&q->shape_text, end);
}

u8 mongo_statement_item(struct mongo_request *q, u32 index)
{
	if (index)
		ejson_add(&q->text, ",", 1);
	return index ? LEVEL_SHOWN | LEVEL_MUTE : LEVEL_SHOWN;
}
