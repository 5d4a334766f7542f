/* Tables that grow with what is used, and tags as ranges. */
#include "proto/amqp/channel.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <xxhash.h>

#define SLOTS_MIN 4
#define JUMP_MAX 64 /* tags passed over that do not begin a new range */
#define TAG_MAX (UINT64_MAX / 2) /* nobody counts so far */

struct amqp_slot {
	u64 key;
	void *value; /* NULL: free */
};

static _Atomic u64 heap_bytes;

u64 amqp_heap_bytes(void)
{
	return atomic_load_explicit(&heap_bytes, memory_order_relaxed);
}

static void *heap_get(size_t n)
{
	if (atomic_fetch_add_explicit(&heap_bytes, n, memory_order_relaxed) + n > AMQP_HEAP_MAX) {
		atomic_fetch_sub_explicit(&heap_bytes, n, memory_order_relaxed);
		return NULL;
	}
	void *p = calloc(1, n);
	if (!p)
		atomic_fetch_sub_explicit(&heap_bytes, n, memory_order_relaxed);
	return p;
}

static void heap_put(void *p, size_t n)
{
	if (!p)
		return;
	atomic_fetch_sub_explicit(&heap_bytes, n, memory_order_relaxed);
	free(p);
}

/* A hash table of open addressing, at most three quarters full. */

static u32 slot_of(const struct amqp_map *map, u64 key)
{
	u64 h = (key ^ (u64)(uintptr_t)map >> 4) * 0x9e3779b97f4a7c15ull;
	return (u32)(h >> 32) & (map->cap - 1);
}

static struct amqp_slot *map_find(const struct amqp_map *map, u64 key)
{
	if (!map->cap)
		return NULL;
	for (u32 i = slot_of(map, key); map->slots[i].value; i = (i + 1) & (map->cap - 1))
		if (map->slots[i].key == key)
			return &map->slots[i];
	return NULL;
}

static void map_put(struct amqp_map *map, u64 key, void *value)
{
	u32 i = slot_of(map, key);
	while (map->slots[i].value)
		i = (i + 1) & (map->cap - 1);
	map->slots[i] = (struct amqp_slot){ key, value };
	map->n++;
}

static bool map_grow(struct amqp_map *map)
{
	struct amqp_map old = *map;
	u32 cap = old.cap ? old.cap * 2 : SLOTS_MIN;
	struct amqp_slot *slots = heap_get(cap * sizeof(*slots));
	if (!slots)
		return false;
	map->slots = slots;
	map->cap = cap;
	map->n = 0;
	for (u32 i = 0; i < old.cap; i++)
		if (old.slots[i].value)
			map_put(map, old.slots[i].key, old.slots[i].value);
	heap_put(old.slots, old.cap * sizeof(*slots));
	return true;
}

static bool map_add(struct amqp_map *map, u64 key, void *value, u32 max)
{
	if (map->n >= max || (map->n + 1 > map->cap / 4 * 3 && !map_grow(map)))
		return false;
	map_put(map, key, value);
	return true;
}

/* What stands behind a free slot would not be found any more: it moves up. */
static void map_take(struct amqp_map *map, struct amqp_slot *slot)
{
	u32 hole = (u32)(slot - map->slots), mask = map->cap - 1;
	for (u32 i = (hole + 1) & mask; map->slots[i].value; i = (i + 1) & mask) {
		u32 home = slot_of(map, map->slots[i].key);
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		map->slots[hole] = map->slots[i];
		hole = i;
	}
	map->slots[hole].value = NULL;
	map->n--;
}

static void map_done(struct amqp_map *map)
{
	heap_put(map->slots, map->cap * sizeof(*map->slots));
	*map = (struct amqp_map){ 0 };
}

/* Channels. */

static void forget_queue(struct amqp_channel *ch)
{
	heap_put(ch->queue, ch->queue_len);
	ch->queue = NULL;
	ch->queue_len = 0;
}

void amqp_channel_reset(struct amqp_state *s, struct amqp_channel *ch, bool joined)
{
	u16 number = ch->number;
	forget_queue(ch);
	*ch = (struct amqp_channel){ .number = number, .generation = ++s->generation, .joined = joined, .next_publish = 1 };
	if (!joined)
		return;
	ch->confirms = CONFIRMS_UNKNOWN;
	ch->order[0].unsure = ch->order[1].unsure = true;
}

struct amqp_channel *amqp_channel_get(struct amqp_state *s, u16 number, bool add)
{
	if (s->last && s->last->number == number)
		return s->last;
	struct amqp_slot *slot = map_find(&s->channels, number);
	if (slot)
		return s->last = slot->value;
	struct amqp_channel *ch = add ? heap_get(sizeof(*ch)) : NULL;
	if (!ch)
		return NULL;
	ch->number = number;
	if (!map_add(&s->channels, number, ch, AMQP_CHANNELS_MAX)) {
		heap_put(ch, sizeof(*ch));
		return NULL;
	}
	amqp_channel_reset(s, ch, number || !s->whole);
	return s->last = ch;
}

void amqp_channels_each(struct parser *ps, struct amqp_state *s, void (*each)(struct parser *, struct amqp_state *, struct amqp_channel *))
{
	for (u32 i = 0; i < s->channels.cap; i++)
		if (s->channels.slots[i].value)
			each(ps, s, s->channels.slots[i].value);
}

static size_t consumer_size(const struct amqp_consumer *k)
{
	return sizeof(*k) + k->queue_len;
}

static void consumer_drop(struct amqp_state *s, struct amqp_slot *slot)
{
	struct amqp_consumer *k = slot->value;
	map_take(&s->consumers, slot);
	heap_put(k, consumer_size(k));
}

void amqp_channel_remove(struct amqp_state *s, struct amqp_channel *ch)
{
	for (u32 i = 0; ch->consumes && s->consumers.n && i < s->consumers.cap;) {
		struct amqp_consumer *k = s->consumers.slots[i].value;
		if (k && k->channel == ch->number)
			consumer_drop(s, &s->consumers.slots[i]); /* another may have moved here */
		else
			i++;
	}
	if (s->last == ch)
		s->last = NULL;
	map_take(&s->channels, map_find(&s->channels, ch->number));
	forget_queue(ch);
	heap_put(ch, sizeof(*ch));
}

void amqp_channel_set_queue(struct amqp_channel *ch, struct str queue)
{
	forget_queue(ch);
	ch->queue = queue.n ? heap_get(queue.n) : NULL;
	if (!ch->queue)
		return;
	memcpy(ch->queue, queue.p, queue.n);
	ch->queue_len = (u8)queue.n;
}

void amqp_state_done(void *state)
{
	struct amqp_state *s = state;
	for (u32 i = 0; i < s->consumers.cap; i++) {
		struct amqp_consumer *k = s->consumers.slots[i].value;
		if (k)
			heap_put(k, consumer_size(k));
	}
	for (u32 i = 0; i < s->channels.cap; i++) {
		struct amqp_channel *ch = s->channels.slots[i].value;
		if (!ch)
			continue;
		forget_queue(ch);
		heap_put(ch, sizeof(*ch));
	}
	map_done(&s->consumers);
	map_done(&s->channels);
	s->last = NULL;
}

/* Consumers. */

static u64 consumer_key(const struct amqp_state *s, const struct amqp_channel *ch, struct str tag)
{
	return XXH3_64bits_withSeed(tag.n ? tag.p : "", tag.n, (u64)(uintptr_t)s ^ (u64)ch->number << 48);
}

struct amqp_consumer *amqp_consumer_get(const struct amqp_state *s, const struct amqp_channel *ch, struct str tag)
{
	if (!s->consumers.n)
		return NULL;
	struct amqp_slot *slot = map_find(&s->consumers, consumer_key(s, ch, tag));
	return slot ? slot->value : NULL;
}

void amqp_consumer_remove(struct amqp_state *s, const struct amqp_channel *ch, struct str tag)
{
	struct amqp_slot *slot = s->consumers.n ? map_find(&s->consumers, consumer_key(s, ch, tag)) : NULL;
	if (slot)
		consumer_drop(s, slot);
}

void amqp_consumer_add(struct amqp_state *s, struct amqp_channel *ch, struct str tag, struct str queue, bool no_ack)
{
	amqp_consumer_remove(s, ch, tag);
	u8 n = (u8)MIN(queue.n, UINT8_MAX);
	struct amqp_consumer *k = heap_get(sizeof(*k) + n);
	if (!k)
		return;
	k->key = consumer_key(s, ch, tag);
	k->channel = ch->number;
	ch->consumes = true;
	k->no_ack = no_ack;
	k->queue_len = n;
	if (n)
		memcpy(k->queue, queue.p, n);
	if (!map_add(&s->consumers, k->key, k, AMQP_CONSUMERS_MAX))
		heap_put(k, consumer_size(k));
}

/* Tags. */

static void drop_range(struct amqp_tags *t)
{
	t->n--;
	memmove(&t->range[0], &t->range[1], t->n * sizeof(t->range[0]));
}

bool amqp_tags_add(struct amqp_tags *t, u64 tag)
{
	u64 last = amqp_tags_highest(t);
	if (tag > TAG_MAX)
		return true;
	if (t->n && tag > last && tag - last <= JUMP_MAX) {
		t->range[t->n - 1].last = tag;
		return true;
	}
	bool back = t->n && tag <= last;
	if (back)
		t->n = 0;
	else if (t->n == AMQP_RANGES)
		drop_range(t);
	t->range[t->n].first = t->range[t->n].last = tag;
	t->n++;
	return !back;
}

/* The newest range stays, if empty, so that the highest tag is known. */
static void shrink(struct amqp_tags *t)
{
	while (t->n > 1 && t->range[0].first > t->range[0].last)
		drop_range(t);
}

void amqp_tags_take(struct amqp_tags *t, u64 tag)
{
	if (t->n && t->range[0].first == tag && tag <= t->range[0].last)
		t->range[0].first++;
	shrink(t);
}

bool amqp_tags_next(struct amqp_tags *t, u64 upto, u64 *ret_tag)
{
	shrink(t);
	if (!t->n || t->range[0].first > t->range[0].last || t->range[0].first > upto)
		return false;
	*ret_tag = t->range[0].first++;
	return true;
}
