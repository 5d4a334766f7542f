/* Contents: a header with properties, and bodies, which are passed over. */
#include <stdio.h>

#include "proto/amqp/read.h"
#include "proto/trace_context.h"

#define VALUE_SHOWN 256   /* bytes of a header's value */
#define HEADERS_MAX 256   /* shown */
#define HEADERS_LEAST 4   /* a power of two */

/* Property flags, in the order of the wire. */
enum property { HAS_CONTENT_TYPE = 1 << 15, HAS_ENCODING = 1 << 14, HAS_HEADERS = 1 << 13, HAS_DELIVERY_MODE = 1 << 12, HAS_PRIORITY = 1 << 11,
		HAS_CORRELATION_ID = 1 << 10, HAS_REPLY_TO = 1 << 9, HAS_EXPIRATION = 1 << 8, HAS_MESSAGE_ID = 1 << 7, HAS_TIMESTAMP = 1 << 6,
		HAS_TYPE = 1 << 5, HAS_USER_ID = 1 << 4, HAS_APP_ID = 1 << 3, MORE_FLAGS = 1 };

static void finish(struct parser *ps, struct amqp_channel *ch, u8 dir, u64 end)
{
	struct amqp_message *m = ch->content[dir];
	ch->content[dir] = NULL;
	m->m.end = end;
	parser_close(ps, &m->m);
}

static void complete(struct parser *ps, struct amqp_channel *ch, u64 end)
{
	ch->content[ps->dir]->m.time = ps->chunk->ts;
	finish(ps, ch, ps->dir, end);
}

void amqp_content_cut(struct parser *ps, struct amqp_channel *ch, u8 dir)
{
	struct amqp_message *m = ch->content[dir];
	if (!m)
		return;
	m->m.flags |= MSG_PARTIAL;
	finish(ps, ch, dir, m->m.end);
}

void amqp_content_forget(struct amqp_channel *ch, const struct message *m)
{
	if (ch->content[m->dir] && &ch->content[m->dir]->m == m)
		ch->content[m->dir] = NULL;
}

void amqp_content_begin(const struct amqp_unit *u, struct amqp_message *m)
{
	u8 dir = u->ps->dir;
	if (!u->ch) {
		m->m.flags |= MSG_PARTIAL;
		parser_close(u->ps, &m->m);
		return;
	}
	amqp_content_cut(u->ps, u->ch, dir);
	u->ch->content[dir] = m;
	u->ch->content_body[dir] = false;
	u->ch->content_left[dir] = 0;
}

/* A value of a field table, passed over. A table or array within has a length of its own: depth costs nothing. Types as RabbitMQ
 * reads them, which differs from the specification in "s". */
static bool skip_value(struct rd *r, u8 type, struct str *ret_text)
{
	*ret_text = (struct str){ 0 };
	switch (type) {
	case 'V': return true;
	case 't':
	case 'b':
	case 'B': return rd_skip(r, 1);
	case 's':
	case 'u':
	case 'U': return rd_skip(r, 2);
	case 'I':
	case 'i':
	case 'f': return rd_skip(r, 4);
	case 'D': return rd_skip(r, 5);
	case 'l':
	case 'L':
	case 'd':
	case 'T': return rd_skip(r, 8);
	case 'S':
	case 'x': *ret_text = rd_str(r, rd_u32be(r)); return !r->bad;
	case 'A':
	case 'F': return rd_skip(r, rd_u32be(r)) && !r->bad;
	default: return false;
	}
}

static void note_trace(struct trace_headers *h, struct str name, struct str value)
{
#define NAMED(name, member) { { name, sizeof(name) - 1 }, offsetof(struct trace_headers, member) }
	static const struct {
		struct str name;
		size_t member;
	} names[] = { NAMED("traceparent", traceparent), NAMED("b3", b3), NAMED("x-b3-traceid", b3_trace_id), NAMED("x-b3-spanid", b3_span_id),
		      NAMED("x-b3-sampled", b3_sampled), NAMED("x-b3-flags", b3_flags) };
#undef NAMED
	for (size_t i = 0; value.n && i < ARRAY_LEN(names); i++)
		if (name.n == names[i].name.n && str_eq_nocase(name, names[i].name))
			memcpy((char *)h + names[i].member, &value, sizeof(value));
}

/* A number as text; what is neither a number nor text is named by its type. */
static struct str value_text(struct amqp_message *m, u8 type, const u8 *p, struct str text)
{
	char room[32];
	int n;
	switch (type) {
	case 'S':
	case 'x': return amqp_copy(m, str_make(text.p, MIN(text.n, (u32)VALUE_SHOWN)));
	case 't': return *p ? STR("true") : STR("false");
	case 'b': n = snprintf(room, sizeof(room), "%d", (int8_t)*p); break;
	case 'B': n = snprintf(room, sizeof(room), "%u", *p); break;
	case 's':
	case 'U': n = snprintf(room, sizeof(room), "%d", (int16_t)be16(p)); break;
	case 'u': n = snprintf(room, sizeof(room), "%u", be16(p)); break;
	case 'I': n = snprintf(room, sizeof(room), "%d", (i32)be32(p)); break;
	case 'i': n = snprintf(room, sizeof(room), "%u", be32(p)); break;
	case 'l':
	case 'L': n = snprintf(room, sizeof(room), "%lld", (long long)be64(p)); break;
	case 'T': n = snprintf(room, sizeof(room), "%llu", (unsigned long long)be64(p)); break;
	case 'A': return STR("array");
	case 'F': return STR("table");
	case 'f': return STR("float");
	case 'd': return STR("double");
	case 'D': return STR("decimal");
	default: return (struct str){ 0 };
	}
	return amqp_copy(m, str_make(room, (size_t)n));
}

/* Room for one more: four, then twice as many whenever they are full. */
static bool header_room(struct amqp_message *m)
{
	struct pairs *h = &m->headers;
	if (h->v && (h->n < HEADERS_LEAST || (h->n & (h->n - 1))))
		return true;
	struct pair *v = arena_alloc(&m->m.arena, MAX(2 * h->n, (u32)HEADERS_LEAST) * sizeof(*v));
	if (v && h->n)
		memcpy(v, h->v, h->n * sizeof(*v));
	if (v)
		h->v = v;
	return v;
}

static void keep_header(struct amqp_message *m, u32 max, struct str name, struct str value)
{
	if (m->headers.n < max && header_room(m))
		m->headers.v[m->headers.n++] = (struct pair){ amqp_copy(m, name), value };
}

static void read_headers(const struct proto_options *opt, struct amqp_message *m, struct rd *r)
{
	struct trace_headers trace = { 0 };
	u32 n = rd_u32be(r), shown = opt->headers ? MIN(opt->max_records, (u32)HEADERS_MAX) : 0;
	struct rd t = rd_make(r->p, MIN((size_t)n, rd_left(r)));
	while (rd_left(&t)) {
		struct str name = rd_str(&t, rd_u8(&t)), text;
		u8 type = rd_u8(&t);
		const u8 *p = t.p;
		if (t.bad || !skip_value(&t, type, &text))
			break;
		note_trace(&trace, name, text);
		if (shown)
			keep_header(m, shown, name, value_text(m, type, p, text));
	}
	trace_context_set(&m->m, &trace);
	rd_skip(r, n);
}

static struct str short_string(struct amqp_message *m, struct rd *r)
{
	struct str s = rd_str(r, rd_u8(r));
	return amqp_copy(m, s);
}

static void read_properties(const struct proto_options *opt, struct amqp_message *m, struct rd *r)
{
	u16 flags = rd_u16be(r), more = flags;
	while (more & MORE_FLAGS && !r->bad)
		more = rd_u16be(r);
#define SHORT_STRING(flag, member) \
	if (flags & (flag))        \
	m->member = short_string(m, r)
	SHORT_STRING(HAS_CONTENT_TYPE, content_type);
	SHORT_STRING(HAS_ENCODING, content_encoding);
	if (flags & HAS_HEADERS)
		read_headers(opt, m, r);
	if (flags & HAS_DELIVERY_MODE)
		m->delivery_mode = rd_u8(r);
	if (flags & HAS_PRIORITY)
		m->priority = rd_u8(r);
	SHORT_STRING(HAS_CORRELATION_ID, correlation_id);
	SHORT_STRING(HAS_REPLY_TO, reply_to);
	SHORT_STRING(HAS_EXPIRATION, expiration);
	SHORT_STRING(HAS_MESSAGE_ID, message_id);
	if (flags & HAS_TIMESTAMP)
		m->timestamp = rd_u64be(r);
	SHORT_STRING(HAS_TYPE, type);
	SHORT_STRING(HAS_USER_ID, user_id);
	SHORT_STRING(HAS_APP_ID, app_id);
#undef SHORT_STRING
}

void amqp_content_header(struct parser *ps, struct amqp_channel *ch, struct rd *r, u32 size, u64 end)
{
	u8 dir = ps->dir;
	struct amqp_message *m = ch->content[dir];
	if (!m || ch->content_body[dir])
		return;
	rd_skip(r, 4); /* class and weight */
	m->body_size = rd_u64be(r);
	m->frame_type = "ContentHeader";
	m->m.size += size;
	m->m.end = end;
	ch->content_body[dir] = true;
	ch->content_left[dir] = m->body_size;
	if (!r->bad && ps->opt->details)
		read_properties(ps->opt, m, r);
	if (r->bad)
		m->m.flags |= MSG_PARTIAL;
	if (!m->body_size)
		complete(ps, ch, end);
}

void amqp_content_body(struct parser *ps, struct amqp_channel *ch, u32 payload, u64 end)
{
	u8 dir = ps->dir;
	struct amqp_message *m = ch->content[dir];
	if (!m || !ch->content_body[dir])
		return;
	m->m.size += payload + (u64)AMQP_OVERHEAD;
	m->m.end = end;
	m->frame_type = "ContentBody";
	if (payload > ch->content_left[dir]) {
		amqp_content_cut(ps, ch, dir);
		return;
	}
	ch->content_left[dir] -= payload;
	if (!ch->content_left[dir])
		complete(ps, ch, end);
}
