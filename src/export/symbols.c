#include "export/symbols.h"

#include <stdlib.h>
#include <xxhash.h>

void symbols_done(struct symbols *s)
{
	free(s->slots);
	free(s->ends);
	buf_done(&s->texts);
	*s = (struct symbols){ 0 };
}

void symbols_reset(struct symbols *s)
{
	if (s->slots)
		memset(s->slots, 0, s->slots_len * sizeof(*s->slots));
	s->n = 0;
	s->texts.len = 0;
	s->texts.failed = s->failed = false;
}

static struct str text_of(const struct symbols *s, u32 at)
{
	u32 start = at ? s->ends[at - 1] : 0;
	return str_make(s->texts.data + start, s->ends[at] - start);
}

static u32 slot_of(const struct symbols *s, struct str text)
{
	u32 at = (u32)XXH3_64bits(text.p, text.n) & (s->slots_len - 1);
	while (s->slots[at] && !str_eq(text_of(s, s->slots[at] - 1), text))
		at = (at + 1) & (s->slots_len - 1);
	return at;
}

static bool grow(struct symbols *s)
{
	u32 cap = s->cap ? 2 * s->cap : 256;
	if (!buf_room(&s->texts, 1))
		return false;
	u32 *ends = realloc(s->ends, cap * sizeof(*ends));
	if (!ends)
		return false;
	s->ends = ends;
	u32 *slots = calloc(2 * cap, sizeof(*slots));
	if (!slots)
		return false;
	free(s->slots);
	s->slots = slots;
	s->slots_len = 2 * cap;
	s->cap = cap;
	for (u32 i = 0; i < s->n; i++)
		s->slots[slot_of(s, text_of(s, i))] = i + 1;
	return true;
}

u32 symbols_find(struct symbols *s, struct str text, bool *ret_fresh)
{
	*ret_fresh = false;
	if (s->n == s->cap && !grow(s)) {
		s->failed = true;
		return 0;
	}
	u32 slot = slot_of(s, text);
	if (s->slots[slot])
		return s->slots[slot] - 1;
	buf_add_str(&s->texts, text);
	if (s->texts.failed) {
		s->failed = true;
		return 0;
	}
	s->ends[s->n] = (u32)s->texts.len;
	s->slots[slot] = ++s->n;
	*ret_fresh = true;
	return s->n - 1;
}
