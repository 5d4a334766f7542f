/* h2c Upgrade (RFC 7540 section 3.2): stream 1 is the HTTP/1.1 request that asked for it. That belongs to another decoder, so it is
 * read through its field table. */
#include "proto/http2/http2.h"

static const struct field *find(const struct proto *proto, const char *name, u8 type)
{
	for (size_t i = 0; i < proto->fields_len; i++) {
		const struct field *f = &proto->fields[i];
		if (f->side == SIDE_REQUEST && f->type == type && f->name && strcmp(f->name, name) == 0)
			return f;
	}
	return NULL;
}

static const void *at(const struct message *m, const struct field *f)
{
	return f ? (const u8 *)m + f->offset : NULL;
}

static struct str text_of(const struct message *m, const char *name)
{
	const struct str *s = at(m, find(m->proto, name, FIELD_STR));
	return s ? *s : (struct str){ 0 };
}

static struct str copy(struct arena *a, struct str s)
{
	return arena_str(a, s.p, s.n);
}

static void copy_pairs(struct arena *a, const struct pairs *from, struct pairs *to)
{
	struct pair *v = from && from->n ? arena_alloc(a, from->n * sizeof(*v)) : NULL;
	if (!v)
		return;
	for (u32 i = 0; i < from->n; i++)
		v[i] = (struct pair){ copy(a, from->v[i].name), copy(a, from->v[i].value) };
	*to = (struct pairs){ v, from->n };
}

void h2_copy_request(struct http2_request *q, const struct message *from)
{
	struct message *m = &q->h.m;
	struct arena *a = &m->arena;
	q->method = copy(a, text_of(from, "method"));
	q->target = copy(a, text_of(from, "url"));
	q->authority = copy(a, text_of(from, "host"));
	q->user_agent = copy(a, text_of(from, "user_agent"));
	q->scheme = STR("http");
	q->h.content_type = copy(a, text_of(from, "content_type"));
	copy_pairs(a, at(from, find(from->proto, "header", FIELD_PAIRS)), &q->h.headers);
	m->ts_first = from->ts_first;
	m->ts_last = from->ts_last;
	m->time = from->time;
	m->size = from->size;
	m->acked = from->acked;
	m->start = from->start;
	m->end = from->end;
	m->flags |= from->flags & MSG_PARTIAL;
	m->has_trace = from->has_trace;
	memcpy(m->trace, from->trace, sizeof(m->trace));
}
