#include "process/projection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "roundtrip/filter.h"
#include "util/suggest.h"

#define ADDED_MAX 64
#define NAMES_MAX 2048

/* A projection and the tables it points to. */
struct owned {
	struct projection p;
	u8 *actions[PROTO_MAX];
	const char **renamed[PROTO_MAX];
	struct added_attribute added[ADDED_MAX];
};

static bool give_tables(struct owned *o, const struct proto *proto)
{
	u8 i = proto->index;
	if (o->actions[i])
		return true;
	o->actions[i] = calloc(proto->fields_len, 1);
	o->renamed[i] = calloc(proto->fields_len, sizeof(char *));
	o->p.edits[i] = (struct field_edits){ o->actions[i], o->renamed[i] };
	return o->actions[i] && o->renamed[i];
}

static int copy_before(struct owned *o, const struct projection *before)
{
	for (u32 i = 0; proto_all[i]; i++) {
		const struct field_edits *e = &before->edits[proto_all[i]->index];
		if (!e->actions)
			continue;
		if (!give_tables(o, proto_all[i]))
			return -ENOMEM;
		memcpy(o->actions[proto_all[i]->index], e->actions, proto_all[i]->fields_len);
		memcpy(o->renamed[proto_all[i]->index], e->renamed, proto_all[i]->fields_len * sizeof(char *));
	}
	memcpy(o->added, before->added, before->added_len * sizeof(o->added[0]));
	o->p.added_len = before->added_len;
	o->p.keep_statements = before->keep_statements;
	return 0;
}

/* Does the text name this row: "http.status", "http.request.size", "http.request.header", or its attribute "url.path"? */
static bool names_row(const char *text, const struct proto *p, const struct field *row)
{
	char full[FILTER_NAME_MAX], name[FIELD_NAME_MAX], sided[FILTER_NAME_MAX + 64];
	if (row->type == FIELD_OBJECT)
		return false;
	if (row->otel && strcmp(text, row->otel) == 0)
		return true;
	if (!row->name && !row->json)
		return false;
	rt_filter_field_name(p, row, full);
	field_name(row, name);
	snprintf(sided, sizeof(sided), "%s.%s.%s", p->name, row->side == SIDE_REQUEST ? "request" : "response", name);
	return strcmp(text, full) == 0 || strcmp(text, sided) == 0;
}

struct names {
	char (*text)[FILTER_NAME_MAX];
	const char *list[NAMES_MAX];
	u32 n;
};

static void collect(void *arg, const char *name, const char *type, const char *meaning)
{
	struct names *all = arg;
	if (all->n == NAMES_MAX)
		return;
	snprintf(all->text[all->n], FILTER_NAME_MAX, "%.*s", FILTER_NAME_MAX - 1, name);
	all->list[all->n] = all->text[all->n];
	all->n++;
}

static void unknown_field(const struct config_processor *c, const struct config_edit *e, struct buf *error)
{
	struct names *all = calloc(1, sizeof(*all));
	const char *close = NULL;
	if (all)
		all->text = calloc(NAMES_MAX, FILTER_NAME_MAX);
	if (all && all->text) {
		rt_filter_names(proto_all, collect, all);
		close = suggest(e->field, all->list, all->n);
	}
	buf_addf(error, "processor %s: no protocol has a field %s", c->name, e->field);
	if (close)
		buf_addf(error, " (did you mean %s?)", close);
	buf_adds(error, "; all names: packetd help filter\n");
	if (all)
		free(all->text);
	free(all);
}

static void edit_row(struct owned *o, const struct proto *p, size_t row, const struct config_edit *e)
{
	static const u8 actions[] = { [ACTION_DROP] = FIELD_DROP, [ACTION_MASK] = FIELD_MASK, [ACTION_HASH] = FIELD_HASH };
	if (e->action == ACTION_RENAME)
		o->renamed[p->index][row] = e->value;
	else if (o->actions[p->index][row] != FIELD_DROP) /* what is gone stays gone */
		o->actions[p->index][row] = actions[e->action];
}

static int apply_edit(struct owned *o, const struct config_processor *c, const struct config_edit *e, struct buf *error)
{
	bool found = false;
	if (e->action == ACTION_ADD) {
		if (o->p.added_len == ADDED_MAX) {
			buf_addf(error, "processor %s: more than %u added attributes\n", c->name, ADDED_MAX);
			return -EINVAL;
		}
		o->added[o->p.added_len++] = (struct added_attribute){ e->field, e->value };
		return 0;
	}
	for (u32 i = 0; proto_all[i]; i++)
		for (size_t row = 0; row < proto_all[i]->fields_len; row++) {
			if (!names_row(e->field, proto_all[i], &proto_all[i]->fields[row]))
				continue;
			if (!give_tables(o, proto_all[i]))
				return -ENOMEM;
			found = true;
			edit_row(o, proto_all[i], row, e);
		}
	if (found)
		return 0;
	unknown_field(c, e, error);
	return -EINVAL;
}

static int drop_sensitive(struct owned *o)
{
	for (u32 i = 0; proto_all[i]; i++) {
		if (!give_tables(o, proto_all[i]))
			return -ENOMEM;
		for (size_t row = 0; row < proto_all[i]->fields_len; row++)
			if (proto_all[i]->fields[row].flags & FIELD_SENSITIVE)
				o->actions[proto_all[i]->index][row] = FIELD_DROP;
	}
	return 0;
}

static void lead_to_traces(struct projection *p, const struct config_processor *c)
{
	p->traces = true;
	p->keep_statements = c->keep_statements;
	p->server_kind = c->server_kind;
	p->both_kinds = c->both_kinds;
	p->max_reuse = c->max_reuse;
}

int projection_new(const struct projection *before, const struct config_processor *c, const u64 hash_key[2], struct projection **ret, struct buf *error)
{
	struct owned *o = calloc(1, sizeof(*o));
	int rc = o && before ? copy_before(o, before) : o ? 0 : -ENOMEM;
	if (rc) {
		projection_free(o ? &o->p : NULL);
		return rc;
	}
	o->p.added = o->added;
	memcpy(o->p.hash_key, hash_key, sizeof(o->p.hash_key));
	o->p.owner = c;
	if (c->kind == PROCESSOR_TRACES)
		lead_to_traces(&o->p, c);
	if (c->drop_sensitive)
		rc = drop_sensitive(o);
	for (u32 i = 0; i < c->edits_len; i++) {
		int one = apply_edit(o, c, &c->edits[i], error);
		rc = one ? one : rc;
	}
	if (rc)
		projection_free(&o->p);
	else
		*ret = &o->p;
	return rc;
}

void projection_free(struct projection *p)
{
	struct owned *o = (struct owned *)p;
	if (!o)
		return;
	for (u32 i = 0; i < PROTO_MAX; i++) {
		free(o->actions[i]);
		free(o->renamed[i]);
	}
	free(o);
}
