/* Streams by id: open addressing with linear probing, grown by doubling, removal by shifting back. */
#include <stdlib.h>

#include "proto/http2/streams.h"

#define CAP_MIN 16

static u32 place(const struct h2_streams *s, u32 id)
{
	u64 h = (id ^ s->seed) * 0x9e3779b97f4a7c15ull;
	return (u32)(h >> 32) & (s->cap - 1);
}

struct h2_stream *h2_streams_find(const struct h2_streams *s, u32 id)
{
	if (!s->n)
		return NULL;
	for (u32 i = place(s, id); s->v[i].flags; i = (i + 1) & (s->cap - 1))
		if (s->v[i].id == id)
			return &s->v[i];
	return NULL;
}

static struct h2_stream *put(struct h2_streams *s, u32 id)
{
	u32 i = place(s, id);
	while (s->v[i].flags)
		i = (i + 1) & (s->cap - 1);
	s->n++;
	return &s->v[i];
}

static bool grow(struct h2_streams *s)
{
	struct h2_streams to = { .cap = s->cap ? s->cap * 2 : CAP_MIN, .seed = s->seed };
	struct h2_stream *old = s->v;
	u32 n = s->cap;
	to.v = calloc(to.cap, sizeof(*to.v));
	if (!to.v)
		return false;
	*s = to;
	for (u32 i = 0; i < n; i++)
		if (old[i].flags)
			*put(s, old[i].id) = old[i];
	free(old);
	return true;
}

struct h2_stream *h2_streams_add(struct h2_streams *s, u32 id)
{
	if (s->n >= H2_STREAMS_MAX || (s->n * 4 >= s->cap * 3 && !grow(s)))
		return NULL;
	struct h2_stream *e = put(s, id);
	*e = (struct h2_stream){ .id = id, .flags = H2_USED };
	return e;
}

void h2_streams_remove(struct h2_streams *s, struct h2_stream *e)
{
	u32 mask = s->cap - 1, hole = (u32)(e - s->v);
	for (u32 i = (hole + 1) & mask; s->v[i].flags; i = (i + 1) & mask) {
		u32 home = place(s, s->v[i].id);
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		s->v[hole] = s->v[i];
		hole = i;
	}
	s->v[hole].flags = 0;
	s->n--;
}

struct h2_stream *h2_streams_victim(const struct h2_streams *s, u32 id)
{
	for (u32 i = place(s, id), n = 0; n < s->cap; i = (i + 1) & (s->cap - 1), n++)
		if (s->v[i].flags)
			return &s->v[i];
	return NULL;
}

void h2_streams_done(struct h2_streams *s)
{
	free(s->v);
	*s = (struct h2_streams){ 0 };
}
