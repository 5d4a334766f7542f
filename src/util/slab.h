/* Fixed-size objects from big blocks: no malloc once the working set exists, and a hard maximum.
 * A slab owns its blocks until slab_done; an object belongs to the caller between slab_get and slab_put.
 * One thread at a time. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_SLAB_H
#define PACKETD_UTIL_SLAB_H

#include "util/base.h"

struct slab {
	void *free_list;  /* objects given back, newest first (warm in the cache) */
	u8 *bump;         /* unused rest of the newest block */
	u32 bump_left;    /* objects in that rest */
	u32 object_size;  /* bytes, rounded up to a multiple of 8 */
	u32 per_block;    /* objects a block */
	u32 live;         /* objects out */
	u32 peak;         /* highest `live` */
	u32 max;          /* objects allowed; slab_get fails past it */
	u32 blocks_len, blocks_cap;
	void **blocks;
	u64 refused; /* times slab_get failed */
};

/* Objects of `size` bytes, `max` of them at the most. Allocates nothing yet. */
void slab_init(struct slab *s, size_t size, u32 max);
/* Frees all blocks, and so all objects. */
void slab_done(struct slab *s);
/* Slow path of slab_get: a new block, or NULL at the maximum or without memory. */
void *slab_grow(struct slab *s);

/* An object with undefined contents, or NULL at the maximum (counted in `refused`). */
static inline void *slab_get(struct slab *s)
{
	void *o = s->free_list;
	if (likely(o != NULL)) {
		memcpy(&s->free_list, o, sizeof(void *));
	} else if (likely(s->bump_left > 0 && s->live < s->max)) {
		o = s->bump;
		s->bump += s->object_size;
		s->bump_left--;
	} else {
		o = slab_grow(s);
		if (!o)
			return NULL;
	}
	if (++s->live > s->peak)
		s->peak = s->live;
	return o;
}

/* Objects by number, which is smaller than a pointer. The number of an object stays as long as the slab. */
u32 slab_index(const struct slab *s, const void *object);

static inline void *slab_at(const struct slab *s, u32 index)
{
	return (u8 *)s->blocks[index / s->per_block] + (size_t)(index % s->per_block) * s->object_size;
}

static inline void slab_put(struct slab *s, void *o)
{
	memcpy(o, &s->free_list, sizeof(void *));
	s->free_list = o;
	s->live--;
}

#endif
