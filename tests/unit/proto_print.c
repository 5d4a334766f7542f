/* A message as lines of text, by its protocol's field table. */
#include "proto_feed.h"
#include "proto_record.h"

#include <ctype.h>

static void add_text(struct buf *out, struct str s)
{
	buf_addc(out, '"');
	for (u32 i = 0; i < s.n; i++) {
		u8 c = (u8)s.p[i];
		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", c);
		else if (isprint(c))
			buf_addc(out, (char)c);
		else
			buf_addf(out, "\\x%02x", c);
	}
	buf_addc(out, '"');
}

static void add_when(struct buf *out, u64 ns)
{
	if (ns < FEED_BASE)
		buf_addf(out, "%llu", (unsigned long long)ns);
	else
		buf_addf(out, "+%gms", (double)(ns - FEED_BASE) / NS_PER_MS);
}

static void add_pairs(struct buf *out, const struct pairs *pairs)
{
	buf_addc(out, '{');
	for (u32 i = 0; i < pairs->n; i++) {
		if (i)
			buf_addc(out, ' ');
		add_text(out, pairs->v[i].name);
		buf_addc(out, ':');
		add_text(out, pairs->v[i].value);
	}
	buf_addc(out, '}');
}

static void add_strs(struct buf *out, const struct strs *strs)
{
	buf_addc(out, '[');
	for (u32 i = 0; i < strs->n; i++) {
		if (i)
			buf_addc(out, ' ');
		if (strs->v[i].p == strs_null)
			buf_adds(out, "null");
		else
			add_text(out, strs->v[i]);
	}
	buf_addc(out, ']');
}

/* A number of any width and sign, wherever it lies. */
static i64 load_int(const struct message *m, const struct field *f)
{
	const u8 *at = (const u8 *)m + f->offset;
	u8 v8;
	u16 v16;
	u32 v32;
	u64 v64;
	switch (f->type) {
	case FIELD_U8: return memcpy(&v8, at, 1), v8;
	case FIELD_U16: return memcpy(&v16, at, 2), v16;
	case FIELD_U32: return memcpy(&v32, at, 4), v32;
	case FIELD_I32: return memcpy(&v32, at, 4), (i32)v32;
	default: return memcpy(&v64, at, 8), (i64)v64;
	}
}

static void add_time(struct buf *out, const struct field *f, const struct message *m)
{
	u64 at = (u64)load_int(m, f);
	add_when(out, at || f->offset != offsetof(struct message, time) ? at : m->ts_last);
}

static void add_value(struct buf *out, const struct field *f, const struct message *m)
{
	const void *at = (const u8 *)m + f->offset;
	switch (f->type) {
	case FIELD_STR: add_text(out, *(const struct str *)at); break;
	case FIELD_TEXT: add_text(out, str_from(*(const char *const *)at)); break;
	case FIELD_CONST: add_text(out, str_from(f->constant)); break;
	case FIELD_BOOL: buf_adds(out, *(const bool *)at ? "true" : "false"); break;
	case FIELD_DOUBLE: buf_add_double(out, *(const double *)at); break;
	case FIELD_DURATION: buf_addf(out, "%lldns", (long long)load_int(m, f)); break;
	case FIELD_TIME: add_time(out, f, m); break;
	case FIELD_U64: buf_add_u64(out, (u64)load_int(m, f)); break;
	case FIELD_PAIRS: add_pairs(out, at); break;
	case FIELD_STRS: add_strs(out, at); break;
	case FIELD_CUSTOM:
		if (!f->write(out, m))
			buf_adds(out, "(left out)");
		break;
	default: buf_add_i64(out, load_int(m, f)); break;
	}
}

void log_message(struct buf *out, const struct proto *proto, const struct message *m)
{
	const char *arrow = m->side == SIDE_REQUEST ? ">" : "<";
	for (size_t i = 0; i < proto->fields_len; i++) {
		const struct field *f = &proto->fields[i];
		if (f->side != m->side || f->type == FIELD_HOST || f->type == FIELD_PORT || f->type == FIELD_OBJECT)
			continue;
		if (f->shapes && !(f->shapes & 1u << m->shape))
			continue;
		buf_addf(out, "  %s %s=", arrow, f->json ? f->json : f->name ? f->name : "?");
		add_value(out, f, m);
		buf_addc(out, '\n');
	}
	buf_addf(out, "  %s first=", arrow);
	add_when(out, m->ts_first);
	buf_adds(out, " last=");
	add_when(out, m->ts_last);
	if (m->error.n)
		buf_addf(out, " error=%.*s", STR_ARG(m->error));
	if (m->flags & MSG_FAILED)
		buf_adds(out, " failed");
	if (m->flags & MSG_BLOCKING)
		buf_adds(out, " blocking");
	if (m->flags & MSG_NOISE)
		buf_adds(out, " noise");
	if (m->has_trace) {
		buf_adds(out, " trace=");
		for (size_t i = 0; i < sizeof(m->trace); i++)
			buf_addf(out, "%02x", m->trace[i]);
	}
	buf_addc(out, '\n');
}
