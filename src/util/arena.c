#include "util/arena.h"

static u32 class_bytes(u32 class)
{
	return 1024u << (2 * class);
}

void arena_pool_init(struct arena_pool *pool, u32 arena_max, size_t total_max)
{
	memset(pool, 0, sizeof(*pool));
	pool->arena_max = arena_max;
	for (u32 c = 0; c < ARENA_CLASSES; c++)
		slab_init(&pool->chunks[c], class_bytes(c), (u32)MAX(64, total_max / class_bytes(c)));
}

void arena_pool_done(struct arena_pool *pool)
{
	for (u32 c = 0; c < ARENA_CLASSES; c++)
		slab_done(&pool->chunks[c]);
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *chunk = a->chunks;
	while (chunk) {
		struct arena_chunk *next = chunk->next;
		slab_put(&a->pool->chunks[chunk->class], chunk);
		chunk = next;
	}
	arena_init(a, a->pool);
}

void *arena_alloc_slow(struct arena *a, size_t n)
{
	struct arena_pool *pool = a->pool;
	size_t need = ((n + 7) & ~(size_t)7) + sizeof(struct arena_chunk);
	u32 class = a->chunks ? MIN(a->chunks->class + 1, ARENA_CLASSES - 1) : 0;
	while (class < ARENA_CLASSES && class_bytes(class) < need)
		class++;
	if (need < n || class >= ARENA_CLASSES || a->taken + class_bytes(class) > pool->arena_max)
		goto capped;
	struct arena_chunk *chunk = slab_get(&pool->chunks[class]);
	if (!chunk)
		goto capped;
	*chunk = (struct arena_chunk){ a->chunks, class, class_bytes(class) - (u32)sizeof(*chunk) };
	a->chunks = chunk;
	a->taken += class_bytes(class);
	a->cur = (u8 *)(chunk + 1);
	a->end = (u8 *)chunk + class_bytes(class);
	return arena_alloc(a, n);
capped:
	pool->capped++;
	return NULL;
}
