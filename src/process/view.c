#include "process/view.h"

#include <xxhash.h>

/* A masked value is a text whatever it was. */
static struct value text_value(struct buf *scratch, size_t from)
{
	return (struct value){ .kind = VALUE_TEXT, .text = str_make(scratch->data + from, scratch->len - from) };
}

/* The same value gives the same digits as long as the key is the same; without it they tell nothing. */
static struct value hashed(const struct projection *p, struct buf *scratch, const struct value *v)
{
	static const char digits[] = "0123456789abcdef";
	size_t from = scratch->len;
	value_print(scratch, v);
	XXH64_hash_t h = XXH3_64bits_withSeed(scratch->data + from, scratch->len - from, p->hash_key[0]);
	h = XXH3_64bits_withSeed(&h, sizeof(h), p->hash_key[1]);
	scratch->len = from;
	for (int shift = 60; shift >= 0; shift -= 4)
		buf_addc(scratch, digits[h >> shift & 15]);
	return text_value(scratch, from);
}

bool view_value(const struct view *v, const struct field *f, struct buf *scratch, struct value *ret)
{
	const struct projection *p = v->projection;
	const u8 *actions = p ? p->edits[v->rt->proto->index].actions : NULL;
	enum field_action action = actions ? actions[f - v->rt->proto->fields] : FIELD_KEEP;
	if (action == FIELD_DROP || !field_value(v->rt, f, scratch, ret))
		return false;
	if (likely(action == FIELD_KEEP))
		return true;
	size_t from = scratch->len;
	if (action == FIELD_MASK) {
		buf_adds(scratch, "***");
		*ret = text_value(scratch, from);
	} else {
		*ret = hashed(p, scratch, ret);
	}
	return !scratch->failed;
}
