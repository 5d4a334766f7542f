/* First bytes of a connection, and finding a message after lost bytes: what proves that a message begins here. */
#include "proto/mongodb/read.h"

#define COLLECTION_LOOK 256u
#define NAME_LOOK 64u
#define FIXED_MAX 5u /* flags and kind of OP_MSG */

/* Does a document that may begin here fit within `room`, and does its first element look like one? */
static enum probe probe_document(struct rd r, size_t room)
{
	if (rd_left(&r) < 4)
		return room < BSON_DOCUMENT_MIN ? PROBE_NO : PROBE_MORE;
	u32 size = rd_u32le(&r);
	if (size < BSON_DOCUMENT_MIN || size > room)
		return PROBE_NO;
	if (!rd_left(&r))
		return PROBE_MORE;
	u8 type = rd_u8(&r);
	if (type == 0)
		return size == BSON_DOCUMENT_MIN ? PROBE_SURE : PROBE_NO;
	if (!bson_type_known(type))
		return PROBE_NO;
	for (u32 i = 0; i < NAME_LOOK; i++) {
		if (!rd_left(&r))
			return PROBE_MORE;
		u8 c = rd_u8(&r);
		if (c == 0)
			return PROBE_SURE;
		if (c < ' ')
			return PROBE_NO;
	}
	return PROBE_SURE;
}

static enum probe probe_msg(struct rd r, size_t room)
{
	if (rd_left(&r) < FIXED_MAX)
		return PROBE_MORE;
	u32 flags = rd_u32le(&r);
	u8 kind = rd_u8(&r);
	if (flags & ~0x10003u || kind > 2 || room < FIXED_MAX + BSON_DOCUMENT_MIN)
		return PROBE_NO;
	room -= FIXED_MAX;
	if (kind == 0)
		return probe_document(r, room);
	if (kind == 2)
		return PROBE_MAYBE;
	if (rd_left(&r) < 4)
		return PROBE_MORE;
	u32 size = rd_u32le(&r);
	if (size < 6 || size > room)
		return PROBE_NO;
	for (u32 i = 0; i < NAME_LOOK; i++) {
		if (!rd_left(&r))
			return PROBE_MORE;
		u8 c = rd_u8(&r);
		if (c == 0)
			return i ? PROBE_SURE : PROBE_NO;
		if (c < ' ' || c >= 0x7f)
			return PROBE_NO;
	}
	return PROBE_NO;
}

/* Flags or zero, a namespace, `fixed` bytes, documents. */
static enum probe probe_legacy(struct rd r, size_t room, size_t fixed)
{
	if (rd_left(&r) < 4)
		return PROBE_MORE;
	if (rd_u32le(&r) > 0xff)
		return PROBE_NO;
	for (u32 i = 0; i < COLLECTION_LOOK; i++) {
		if (!rd_left(&r))
			return PROBE_MORE;
		u8 c = rd_u8(&r);
		if (c < ' ' && (c || !i))
			return PROBE_NO;
		if (c)
			continue;
		size_t passed = 4 + i + 1 + fixed;
		if (passed > room)
			return PROBE_NO;
		if (passed == room)
			return PROBE_SURE;
		return rd_skip(&r, fixed) ? probe_document(r, room - passed) : PROBE_MORE;
	}
	return PROBE_NO;
}

static enum probe probe_reply(struct rd r, size_t room)
{
	if (rd_left(&r) < 20)
		return PROBE_MORE;
	u32 flags = rd_u32le(&r);
	rd_skip(&r, 12);
	u32 n = rd_u32le(&r);
	if (flags > 0xf || room < 20 || (u64)n * BSON_DOCUMENT_MIN > room - 20)
		return PROBE_NO;
	return n ? probe_document(r, room - 20) : room == 20 ? PROBE_SURE : PROBE_NO;
}

static enum probe probe_packed(struct rd r, enum side *side, bool reply)
{
	if (rd_left(&r) < 9)
		return PROBE_MORE;
	u32 op = rd_u32le(&r), size = rd_u32le(&r);
	struct mongo_header within = { .length = size + MONGO_HEADER, .op = op };
	if (rd_u8(&r) >= COMPRESSORS || size > UINT32_MAX - MONGO_HEADER || op == OP_COMPRESSED || !mongo_header_fits(&within))
		return PROBE_NO;
	*side = mongo_op_is_reply(op) || (op == OP_MSG && reply) ? SIDE_RESPONSE : SIDE_REQUEST;
	return PROBE_SURE;
}

static enum probe probe_cursors(struct rd r, size_t room)
{
	if (rd_left(&r) < 8)
		return PROBE_MORE;
	u32 zero = rd_u32le(&r), n = rd_u32le(&r);
	return zero == 0 && room == 8 + 8 * (u64)n ? PROBE_SURE : PROBE_NO;
}

/* Less than a header: lengths have a small last byte. */
static enum probe probe_start(const u8 *p, size_t n)
{
	if (n >= 4 && (le32(p) > 48100000 || le32(p) < MONGO_HEADER))
		return PROBE_NO;
	return PROBE_MORE;
}

enum probe mongo_probe(const u8 *p, size_t n, enum side *side)
{
	if (n < MONGO_HEADER)
		return probe_start(p, n);
	struct mongo_header h = mongo_header_read(p);
	if (!mongo_header_fits(&h))
		return PROBE_NO;
	struct rd r = rd_make(p + MONGO_HEADER, n - MONGO_HEADER);
	size_t room = h.length - MONGO_HEADER;
	bool reply = h.to != 0 && h.to != UINT32_MAX;
	*side = mongo_op_is_reply(h.op) || (h.op == OP_MSG && reply) ? SIDE_RESPONSE : SIDE_REQUEST;
	switch (h.op) {
	case OP_MSG: return probe_msg(r, room);
	case OP_REPLY: return probe_reply(r, room);
	case OP_QUERY: return probe_legacy(r, room, 8);
	case OP_INSERT: return probe_legacy(r, room, 0);
	case OP_UPDATE:
	case OP_DELETE: return probe_legacy(r, room, 4);
	case OP_GET_MORE: return probe_legacy(r, room, 12);
	case OP_KILL_CURSORS: return probe_cursors(r, room);
	case OP_COMPRESSED: return probe_packed(r, side, reply);
	default: return PROBE_MAYBE;
	}
}

/* A message begins where the one that lost bytes was to end, or at the start of a segment. */
long mongo_resync(struct parser *ps, const struct chunk *c)
{
	struct mongo_state *s = ps->state;
	u64 known = s->end_known[ps->dir];
	size_t at = 0;
	if (known > c->offset + c->n)
		return -1;
	if (known >= c->offset && known)
		at = (size_t)(known - c->offset);
	else if (!c->boundary)
		return -1;
	enum side side = SIDE_REQUEST;
	enum probe probe = at < c->n ? mongo_probe(c->p + at, c->n - at, &side) : PROBE_MORE;
	if (probe == PROBE_MORE)
		return -2 - (long)(c->n - at);
	bool fits = probe == PROBE_SURE && (ps->request_dir == DIR_NONE || (side == SIDE_REQUEST) == (ps->dir == ps->request_dir));
	if (!fits) {
		s->end_known[ps->dir] = 0;
		return -1;
	}
	if (ps->request_dir == DIR_NONE)
		ps->request_dir = side == SIDE_REQUEST ? ps->dir : ps->dir ^ 1;
	return (long)at;
}
