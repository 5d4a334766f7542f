#include "config/pool.h"

#include <stdlib.h>

#define CHUNK (16 * KIB)
#define ALIGN 16

struct pool_chunk {
	struct pool_chunk *next;
	size_t size;
};

_Static_assert(sizeof(struct pool_chunk) % ALIGN == 0, "what follows the header is aligned");

static void *alloc_chunk(struct pool *p, size_t n)
{
	size_t size = MAX(CHUNK, n);
	if (size > p->max - p->taken) {
		p->failed = true;
		return NULL;
	}
	struct pool_chunk *c = calloc(1, sizeof(*c) + size);
	if (!c) {
		p->failed = true;
		return NULL;
	}
	*c = (struct pool_chunk){ p->chunks, size };
	p->chunks = c;
	p->taken += size;
	p->cur = (u8 *)(c + 1);
	p->end = p->cur + size;
	return p->cur;
}

void *pool_alloc(struct pool *p, size_t n)
{
	if (p->failed || n > p->max) {
		p->failed = true;
		return NULL;
	}
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if ((size_t)(p->end - p->cur) < n && !alloc_chunk(p, n))
		return NULL;
	void *at = p->cur;
	p->cur += n;
	return at;
}

const char *pool_text(struct pool *p, const char *text, size_t n)
{
	char *to = pool_alloc(p, n + 1);
	if (!to)
		return "";
	if (n)
		memcpy(to, text, n);
	return to;
}

void pool_done(struct pool *p)
{
	while (p->chunks) {
		struct pool_chunk *next = p->chunks->next;
		free(p->chunks);
		p->chunks = next;
	}
	*p = (struct pool){ .max = p->max };
}
