#include "export/record_json.h"

#include "export/statement.h"
#include "roundtrip/json.h"
#include "util/json.h"

_Static_assert((int)FIELD_KEEP == (int)JSON_KEEP && (int)FIELD_DROP == (int)JSON_DROP && (int)FIELD_MASK == (int)JSON_MASK && (int)FIELD_HASH == (int)JSON_HASH,
	       "what a projection decides is what JSON does");

static const char *interface_name(void *arg, u16 ifindex)
{
	struct record_json *r = arg;
	return r->interface(r->arg, r->worker, ifindex);
}

/* Into the line that is just complete: before its last brace. */
static void put_added(struct buf *out, const struct projection *p)
{
	out->len -= 2;
	buf_adds(out, ",\"Attributes\":{");
	for (u32 i = 0; i < p->added_len; i++) {
		if (i)
			buf_addc(out, ',');
		json_text(out, p->added[i].name);
		buf_addc(out, ':');
		json_text(out, p->added[i].value);
	}
	buf_adds(out, "}}\n");
}

void record_json(struct record_json *r, struct buf *out, const struct view *v)
{
	const struct projection *p = v->projection;
	const struct field_edits *edits = p ? &p->edits[v->rt->proto->index] : NULL;
	struct json_options o = { r->interface ? interface_name : NULL, r, NULL };
	struct json_edits e = { .statement = r->leaves_host && !(p && p->keep_statements) ? text_safe : NULL, .scratch = &r->scratch };
	if (edits) {
		e.actions = edits->actions;
		e.renamed = edits->renamed;
		memcpy(e.key, p->hash_key, sizeof(e.key));
	}
	if (r->distinct)
		e.distinct = r->distinct->names[v->rt->proto->index];
	if (e.statement || e.actions || e.renamed || e.distinct)
		o.edits = &e;
	roundtrip_json(out, v->rt, &o);
	if (p && p->added_len && !out->failed)
		put_added(out, p);
}

void record_json_done(struct record_json *r)
{
	buf_done(&r->scratch);
}
