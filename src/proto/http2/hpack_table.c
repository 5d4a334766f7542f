/* The dynamic table: RFC 7541 sections 2.3 and 4. Entries are inserted at one end and evicted at the other, so their bytes are a
 * window that moves through memory and is moved back when it meets the end. */
#include <stdlib.h>

#include "proto/http2/hpack.h"

#define OVERHEAD 32 /* bytes an entry counts beside its strings */
#define BYTES_MIN 512
#define ENTRIES_MIN 16

void hpack_init(struct hpack *h, bool whole)
{
	*h = (struct hpack){ .max = whole ? HPACK_TABLE_DEFAULT : HPACK_TABLE_MAX, .whole = whole };
}

void hpack_done(struct hpack *h)
{
	free(h->bytes);
	free(h->entries);
	hpack_init(h, false);
}

/* The size of the table is unknown, too: the largest is assumed. A sender refers only to entries that its table still has, so one
 * entry too many here is never asked for. */
void hpack_forget(struct hpack *h)
{
	h->count = h->first = h->size = 0;
	h->base = h->end = 0;
	h->max = HPACK_TABLE_MAX;
	h->whole = false;
}

const struct hpack_entry *hpack_entry_at(const struct hpack *h, u32 i)
{
	if (i >= h->count)
		return NULL;
	return &h->entries[(h->first + h->count - 1 - i) & (h->entries_cap - 1)];
}

struct str hpack_entry_name(const struct hpack *h, const struct hpack_entry *e)
{
	return str_make((const char *)h->bytes + (e->at - h->base), e->name_n);
}

struct str hpack_entry_value(const struct hpack *h, const struct hpack_entry *e)
{
	return str_make((const char *)h->bytes + (e->at - h->base) + e->name_n, e->value_n);
}

static void evict(struct hpack *h, u32 room)
{
	while (h->count && h->size + room > h->max) {
		const struct hpack_entry *e = &h->entries[h->first];
		h->size -= e->name_n + e->value_n + OVERHEAD;
		h->first = (h->first + 1) & (h->entries_cap - 1);
		h->count--;
	}
}

void hpack_resize(struct hpack *h, u32 max)
{
	if (max > HPACK_TABLE_MAX) { /* the oldest of the sender's entries will be missing here */
		max = HPACK_TABLE_MAX;
		h->whole = false;
	}
	h->max = max;
	evict(h, 0);
}

static bool is_here(const struct hpack *h, struct str s)
{
	return s.n && h->bytes && (const u8 *)s.p >= h->bytes && (const u8 *)s.p < h->bytes + h->bytes_cap;
}

/* A copy of a string that lies in the table, for its bytes move. False when there is no room. */
static bool detach(const struct hpack *h, struct hpack_fields *list, struct str *s)
{
	if (!is_here(h, *s))
		return true;
	if (s->n > HPACK_MOVED_MAX - list->moved) {
		*s = (struct str){ 0 };
		return false;
	}
	memcpy(list->scratch + list->scratch_n, s->p, s->n);
	*s = str_make((const char *)list->scratch + list->scratch_n, s->n);
	list->scratch_n += s->n;
	list->moved += s->n;
	return true;
}

static void detach_all(const struct hpack *h, struct hpack_fields *list)
{
	for (u32 i = 0; i < list->n; i++) {
		struct hpack_field *f = &list->v[i];
		u8 flags = f->flags;
		if (!detach(h, list, &f->name))
			f->flags |= HPACK_NO_NAME;
		if (!detach(h, list, &f->value))
			f->flags |= HPACK_NO_VALUE;
		list->unknown += f->flags != flags && !(flags & (HPACK_NO_NAME | HPACK_NO_VALUE));
	}
}

/* Room for n bytes at the end of the window; false without memory. */
static bool bytes_room(struct hpack *h, u32 n)
{
	u32 from = h->count ? h->entries[h->first].at : h->end, live = h->end - from;
	u32 cap = h->bytes_cap ? h->bytes_cap : BYTES_MIN;
	u8 *to = h->bytes;
	while (cap < 2 * (live + n))
		cap *= 2;
	if (cap != h->bytes_cap && !(to = malloc(cap)))
		return false;
	if (live)
		memmove(to, h->bytes + (from - h->base), live);
	if (to != h->bytes)
		free(h->bytes);
	h->bytes = to;
	h->bytes_cap = cap;
	h->base = from;
	return true;
}

static bool entries_room(struct hpack *h)
{
	u32 cap = h->entries_cap ? h->entries_cap * 2 : ENTRIES_MIN;
	if (h->count < h->entries_cap)
		return true;
	struct hpack_entry *to = malloc(cap * sizeof(*to));
	if (!to)
		return false;
	for (u32 i = 0; i < h->count; i++)
		to[i] = h->entries[(h->first + i) & (h->entries_cap - 1)];
	free(h->entries);
	h->entries = to;
	h->entries_cap = cap;
	h->first = 0;
	return true;
}

void hpack_insert(struct hpack *h, const struct hpack_field *f, struct hpack_fields *list)
{
	struct hpack_field own = *f;
	u32 n = f->name.n + f->value.n;
	if (n + OVERHEAD > h->max) { /* RFC 7541 section 4.4: this empties the table */
		evict(h, h->max + 1);
		return;
	}
	evict(h, n + OVERHEAD);
	if (!h->bytes || h->end - h->base + n > h->bytes_cap) {
		if (!detach(h, list, &own.name)) { /* the entry has its place, and is not known */
			own = (struct hpack_field){ .flags = HPACK_NO_NAME | HPACK_NO_VALUE };
			n = 0;
		}
		detach_all(h, list);
		if (!bytes_room(h, n)) {
			hpack_forget(h);
			return;
		}
	}
	if (!entries_room(h)) {
		hpack_forget(h);
		return;
	}
	u8 *to = h->bytes + (h->end - h->base);
	if (own.name.n)
		memcpy(to, own.name.p, own.name.n);
	if (own.value.n)
		memcpy(to + own.name.n, own.value.p, own.value.n);
	h->entries[(h->first + h->count++) & (h->entries_cap - 1)] =
		(struct hpack_entry){ .at = h->end, .name_n = own.name.n, .value_n = own.value.n, .id = own.id,
				       .flags = own.flags & (HPACK_NO_NAME | HPACK_NO_VALUE) };
	h->end += n;
	h->size += n + OVERHEAD;
}
