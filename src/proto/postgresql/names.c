/* Names are looked up by their hash in a plain array: connections have few of them. */
#include "proto/postgresql/names.h"

#include <stdlib.h>
#include <xxhash.h>

enum { TEXTS = 6, ROOM = 256 };

static void list_texts(struct sql *sql, struct str *texts[TEXTS])
{
	texts[0] = &sql->statement;
	texts[1] = &sql->redacted;
	texts[2] = &sql->fingerprint;
	texts[3] = &sql->operation;
	texts[4] = &sql->table;
	texts[5] = &sql->summary;
}

static char *texts_of(const struct pg_text *t)
{
	return (char *)(uintptr_t)(t->types + t->types_max);
}

struct pg_text *pg_text_new(struct pg_text **spare, const struct sql *sql, u16 types_max)
{
	struct sql copy = *sql;
	struct str *texts[TEXTS];
	size_t n = types_max * sizeof(u32);
	list_texts(&copy, texts);
	for (int i = 0; i < TEXTS; i++)
		n += texts[i]->n;
	struct pg_text *t = *spare;
	size_t room = (n + ROOM - 1) / ROOM * ROOM;
	if (t && t->room >= n) {
		*spare = NULL;
		room = t->room;
	} else {
		t = malloc(sizeof(*t) + room);
	}
	if (!t)
		return NULL;
	*t = (struct pg_text){ .refs = 1, .room = (u32)room, .bytes = (u32)(n - types_max * sizeof(u32)), .types_max = types_max };
	char *to = texts_of(t);
	for (int i = 0; i < TEXTS; i++) {
		if (texts[i]->n)
			memcpy(to, texts[i]->p, texts[i]->n);
		texts[i]->p = to;
		to += texts[i]->n;
	}
	t->sql = copy;
	return t;
}

void pg_text_copy(struct arena *a, const struct pg_text *t, struct sql *ret_sql)
{
	const char *from = texts_of(t);
	char *to = t->bytes ? arena_alloc(a, t->bytes) : NULL;
	struct str *texts[TEXTS];
	*ret_sql = (struct sql){ .masked = t->sql.masked, .secret_values = t->sql.secret_values };
	if (!to)
		return;
	memcpy(to, from, t->bytes);
	*ret_sql = t->sql;
	list_texts(ret_sql, texts);
	for (int i = 0; i < TEXTS; i++)
		texts[i]->p = to + (texts[i]->p - from);
}

struct pg_text *pg_text_ref(struct pg_text *t)
{
	if (t)
		t->refs++;
	return t;
}

void pg_text_unref(struct pg_text **spare, struct pg_text *t)
{
	if (!t || --t->refs)
		return;
	if (*spare && (*spare)->room >= t->room) {
		free(t);
		return;
	}
	free(*spare);
	*spare = t;
}

static u64 name_hash(struct str name)
{
	return name.n ? XXH3_64bits(name.p, name.n) | 1 : 0; /* 0 is the unnamed one */
}

static void bytes_add(struct pg_names *t, const struct pg_text *text)
{
	t->bytes += text ? text->room + sizeof(*text) : 0;
}

static void text_drop(struct pg_names *t, struct pg_text *text)
{
	t->bytes -= text ? text->room + sizeof(*text) : 0;
	pg_text_unref(t->spare, text);
}

static void name_settle(struct pg_names *t, struct pg_name *name)
{
	t->unconfirmed -= name->serial != 0;
	name->serial = 0;
	text_drop(t, name->before);
	name->before = NULL;
}

static void name_remove(struct pg_names *t, struct pg_name *name)
{
	name_settle(t, name);
	text_drop(t, name->now);
	*name = t->v[--t->n];
}

void pg_names_done(struct pg_names *t)
{
	while (t->n)
		name_remove(t, &t->v[t->n - 1]);
	free(t->v);
	t->v = NULL;
	t->cap = 0;
}

static struct pg_name *find(const struct pg_names *t, u64 hash)
{
	for (u32 i = 0; i < t->n; i++)
		if (t->v[i].hash == hash)
			return &t->v[i];
	return NULL;
}

struct pg_name *pg_names_find(struct pg_names *t, struct str name)
{
	struct pg_name *found = find(t, name_hash(name));
	if (found)
		found->used = ++t->clock;
	return found;
}

static void evict(struct pg_names *t)
{
	struct pg_name *oldest = &t->v[0];
	for (u32 i = 1; i < t->n; i++)
		if ((i32)(t->v[i].used - oldest->used) < 0)
			oldest = &t->v[i];
	name_remove(t, oldest);
}

/* Room for one more name. */
static bool room_make(struct pg_names *t)
{
	if (t->n == t->max)
		evict(t);
	if (t->n < t->cap)
		return true;
	u32 cap = MIN(t->cap ? t->cap * 2 : 2, t->max);
	struct pg_name *v = realloc(t->v, cap * sizeof(*v));
	if (!v)
		return false;
	t->v = v;
	t->cap = cap;
	return true;
}

u32 pg_names_put(struct pg_names *t, struct str name, struct pg_text *text, bool confirmed)
{
	u64 hash = name_hash(name);
	struct pg_name *at = find(t, hash);
	if (!at && room_make(t)) {
		at = &t->v[t->n++];
		*at = (struct pg_name){ .hash = hash };
	}
	if (!at)
		return 0;
	if (at->serial && hash) { /* asked for twice, and the first not confirmed: what was before stays the same */
		t->unconfirmed--;
		text_drop(t, at->now);
	} else if (hash && !confirmed) {
		at->before = at->now;
	} else {
		name_settle(t, at);
		text_drop(t, at->now);
	}
	at->now = pg_text_ref(text);
	bytes_add(t, text);
	at->doubtful = false;
	at->used = ++t->clock;
	at->serial = 0;
	if (!confirmed) {
		t->serial += t->serial == UINT32_MAX ? 2 : 1;
		at->serial = t->serial;
		t->unconfirmed++;
	}
	u32 serial = at->serial;
	while (t->bytes > PG_TEXTS_MAX && t->n > 1)
		evict(t);
	return serial;
}

static struct pg_name *find_serial(const struct pg_names *t, u32 serial)
{
	for (u32 i = 0; serial && t->unconfirmed && i < t->n; i++)
		if (t->v[i].serial == serial)
			return &t->v[i];
	return NULL;
}

void pg_names_confirm(struct pg_names *t, u32 serial)
{
	struct pg_name *name = find_serial(t, serial);
	if (name)
		name_settle(t, name);
}

void pg_names_refuse(struct pg_names *t, u32 serial)
{
	struct pg_name *name = find_serial(t, serial);
	if (!name)
		return;
	if (!name->before) {
		name_remove(t, name);
		return;
	}
	text_drop(t, name->now);
	name->now = name->before;
	name->before = NULL;
	name_settle(t, name);
}

void pg_names_drop(struct pg_names *t, struct str name)
{
	struct pg_name *found = find(t, name_hash(name));
	if (found)
		name_remove(t, found);
}

void pg_names_drop_all(struct pg_names *t)
{
	for (u32 i = 0; i < t->n;) {
		struct pg_name *name = &t->v[i];
		if (!name->serial) {
			name_remove(t, name); /* the last one takes its place */
			continue;
		}
		text_drop(t, name->before);
		name->before = NULL;
		i++;
	}
}

void pg_names_doubt(struct pg_names *t)
{
	for (u32 i = 0; i < t->n; i++)
		t->v[i].doubtful = true;
	pg_names_drop(t, (struct str){ 0 });
}

void pg_names_doubt_unconfirmed(struct pg_names *t)
{
	for (u32 i = 0; i < t->n; i++)
		if (t->v[i].serial) {
			t->v[i].doubtful = true;
			name_settle(t, &t->v[i]);
		}
}
