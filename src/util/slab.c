#include "util/slab.h"

#include <stdlib.h>
#include <sys/mman.h>

#define BLOCK_BYTES (256 * KIB)

void slab_init(struct slab *s, size_t size, u32 max)
{
	memset(s, 0, sizeof(*s));
	s->object_size = (u32)((size + 7) & ~(size_t)7);
	s->per_block = (u32)MAX(1, BLOCK_BYTES / s->object_size);
	s->max = max;
}

static size_t block_bytes(const struct slab *s)
{
	return (size_t)s->per_block * s->object_size;
}

void slab_done(struct slab *s)
{
	for (u32 i = 0; i < s->blocks_len; i++)
		munmap(s->blocks[i], block_bytes(s));
	free(s->blocks);
	memset(s, 0, sizeof(*s));
}

void *slab_grow(struct slab *s)
{
	if (s->live >= s->max) {
		s->refused++;
		return NULL;
	}
	if (s->blocks_len == s->blocks_cap) {
		u32 cap = s->blocks_cap ? s->blocks_cap * 2 : 16;
		void **blocks = realloc(s->blocks, cap * sizeof(*blocks));
		if (!blocks)
			goto refuse;
		s->blocks = blocks;
		s->blocks_cap = cap;
	}
	void *block = mmap(NULL, block_bytes(s), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (block == MAP_FAILED)
		goto refuse;
	s->blocks[s->blocks_len++] = block;
	s->bump = (u8 *)block + s->object_size;
	s->bump_left = s->per_block - 1;
	return block;
refuse:
	s->refused++;
	return NULL;
}

u32 slab_index(const struct slab *s, const void *object)
{
	const u8 *o = object, *block;
	for (u32 i = s->blocks_len; i-- > 0;) {
		block = s->blocks[i];
		if (o >= block && o < block + block_bytes(s))
			return i * s->per_block + (u32)(o - block) / s->object_size;
	}
	return UINT32_MAX;
}
