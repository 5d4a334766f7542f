/* Bump allocation for things that die together (one message), from recycled chunks.
 * The pool owns the chunks; an arena owns what was allocated from it until arena_reset.
 * Growth is capped twice: bytes an arena, and chunks a pool. One thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_ARENA_H
#define PACKETD_UTIL_ARENA_H

#include "util/slab.h"

#define ARENA_CLASSES 4 /* chunks of 1, 4, 16 and 64 KiB */

struct arena_pool {
	struct slab chunks[ARENA_CLASSES];
	u32 arena_max; /* bytes one arena may take */
	u64 capped;    /* allocations refused at a cap */
};

struct arena_chunk {
	struct arena_chunk *next;
	u32 class;
	u32 size; /* bytes after this header */
};

struct arena {
	struct arena_pool *pool;
	struct arena_chunk *chunks; /* newest first */
	u8 *cur, *end;
	u32 taken; /* bytes of all chunks */
};

/* `arena_max`: bytes an arena may take; `total_max`: bytes of all chunks together. */
void arena_pool_init(struct arena_pool *pool, u32 arena_max, size_t total_max);
void arena_pool_done(struct arena_pool *pool);

static inline void arena_init(struct arena *a, struct arena_pool *pool)
{
	*a = (struct arena){ .pool = pool };
}

/* Gives every chunk back. The arena may be used again. */
void arena_reset(struct arena *a);
void *arena_alloc_slow(struct arena *a, size_t n);

/* n bytes aligned to 8, contents undefined; NULL at a cap (counted). */
static inline void *arena_alloc(struct arena *a, size_t n)
{
	size_t room = (size_t)(a->end - a->cur), need = (n + 7) & ~(size_t)7;
	if (unlikely(need > room || need < n))
		return arena_alloc_slow(a, n);
	void *p = a->cur;
	a->cur += need;
	return p;
}

static inline void *arena_zalloc(struct arena *a, size_t n)
{
	void *p = arena_alloc(a, n);
	return p ? memset(p, 0, n) : NULL;
}

/* A copy of the slice that lives as long as the arena; empty at a cap. */
static inline struct str arena_str(struct arena *a, const void *p, size_t n)
{
	char *copy = n ? arena_alloc(a, n) : NULL;
	if (!copy)
		return (struct str){ 0 };
	memcpy(copy, p, n);
	return str_make(copy, n);
}

#endif
