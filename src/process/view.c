#include "process/view.h"

static bool is_empty(const struct value *v)
{
	return (v->kind == VALUE_TEXT && v->text.n == 0) || (v->kind == VALUE_PAIRS && v->pairs.n == 0) || (v->kind == VALUE_LIST && v->list.n == 0);
}

bool view_value(const struct view *v, const struct field *f, struct buf *scratch, struct value *ret)
{
	const struct projection *p = v->projection;
	const struct proto *proto = v->rt->proto;
	const u8 *actions = p ? p->edits[proto->index].actions : NULL;
	u8 action = actions ? actions[f - proto->fields] : FIELD_KEEP;
	if (action == FIELD_DROP || !field_value(v->rt, f, scratch, ret))
		return false;
	if (action == FIELD_KEEP || is_empty(ret))
		return true;
	struct str text = STR("***");
	if (action == FIELD_HASH)
		text = value_hash(ret, p->hash_key, scratch);
	*ret = (struct value){ .kind = VALUE_TEXT, .text = text };
	return true;
}
