/* Types and lengths, and how deep a body can be checked. */
#include "proto/postgresql/wire.h"

struct type {
	u32 min, max; /* of the length, which counts itself; max 0: no such message */
};

#define EXACTLY(n) { n, n }
#define SHORT(n) { n, PG_SHORT_MAX }
#define LONG(n) { n, PG_LONG_MAX }

static const struct type client_types[128] = {
	['Q'] = LONG(5), ['P'] = LONG(8), ['B'] = LONG(12), ['E'] = SHORT(9), ['D'] = SHORT(6), ['C'] = SHORT(6),
	['S'] = EXACTLY(4), ['H'] = EXACTLY(4), ['F'] = LONG(14), ['X'] = EXACTLY(4), ['p'] = { 4, 65536 + 4 },
	['d'] = LONG(4), ['c'] = EXACTLY(4), ['f'] = SHORT(5),
};

static const struct type server_types[128] = {
	['R'] = SHORT(8), ['K'] = { 12, 264 }, ['S'] = SHORT(6), ['Z'] = EXACTLY(5), ['T'] = LONG(6), ['D'] = LONG(6),
	['C'] = { 5, 512 }, ['I'] = EXACTLY(4), ['1'] = EXACTLY(4), ['2'] = EXACTLY(4), ['3'] = EXACTLY(4), ['s'] = EXACTLY(4),
	['n'] = EXACTLY(4), ['t'] = { 6, 6 + 4 * 65535 }, ['E'] = LONG(5), ['N'] = LONG(5), ['A'] = LONG(10), ['G'] = SHORT(7),
	['H'] = SHORT(7), ['W'] = SHORT(7), ['d'] = LONG(4), ['c'] = EXACTLY(4), ['V'] = LONG(8), ['v'] = SHORT(12),
};

enum pg_result pg_head_read(struct rd *r, enum side side, struct pg_head *head)
{
	const struct type *types = side == SIDE_REQUEST ? client_types : server_types;
	if (!rd_left(r))
		return PG_MORE;
	u8 type = *r->p;
	if (type >= 128 || !types[type].max)
		return PG_BAD;
	if (rd_left(r) < PG_HEAD)
		return PG_MORE;
	u32 length = be32(r->p + 1);
	if (length < types[type].min || length > types[type].max)
		return PG_BAD;
	rd_skip(r, PG_HEAD);
	*head = (struct pg_head){ type, length - 4 };
	return PG_OK;
}

struct str pg_cstr(struct rd *r)
{
	const u8 *p = r->p, *end = rd_left(r) ? memchr(p, 0, rd_left(r)) : NULL;
	if (!end) {
		size_t n = rd_left(r);
		rd_fail(r);
		return str_make(p, n);
	}
	r->p = end + 1;
	return str_make(p, (size_t)(end - p));
}

/* Text in any encoding: no control characters but those of layout. */
static bool is_text(struct str s)
{
	for (u32 i = 0; i < s.n; i++)
		if ((u8)s.p[i] < ' ' && !(s.p[i] >= '\t' && s.p[i] <= '\r'))
			return false;
	return true;
}

/* A string, of which the end may not be there yet when the message is cut. */
static bool text_check(struct rd *r, bool cut)
{
	struct str s = pg_cstr(r);
	return is_text(s) && (!r->bad || cut);
}

static bool names_check(struct rd *r, bool cut, int names)
{
	for (int i = 0; i < names && !r->bad; i++)
		if (!text_check(r, cut))
			return false;
	return true;
}

/* Values: a length each, -1 for NULL. */
static void values_skip(struct rd *r, u32 n)
{
	for (u32 i = 0; i < n && !r->bad; i++) {
		u32 size = rd_u32be(r);
		if (size != UINT32_MAX && !rd_skip(r, size))
			return;
	}
}

/* Nothing is left over, unless the message is cut: then nothing was missing before its end. */
static bool ends(const struct rd *r, bool cut)
{
	return cut ? r->bad || !rd_left(r) : !r->bad && !rd_left(r);
}

static bool bind_check(struct rd *r, bool cut)
{
	if (!names_check(r, cut, 2))
		return false;
	for (u32 formats = rd_u16be(r); formats && !r->bad; formats--)
		if (rd_u16be(r) > 1)
			return false;
	values_skip(r, rd_u16be(r));
	for (u32 formats = rd_u16be(r); formats && !r->bad; formats--)
		if (rd_u16be(r) > 1)
			return false;
	return ends(r, cut);
}

static bool client_body_check(u8 type, struct rd r, bool cut)
{
	switch (type) {
	case 'Q':
		return text_check(&r, cut) && ends(&r, cut);
	case 'P':
		return names_check(&r, cut, 2) && (r.bad || rd_skip(&r, 4ull * rd_u16be(&r)) || cut) && ends(&r, cut);
	case 'B':
		return bind_check(&r, cut);
	case 'E':
		return text_check(&r, cut) && (r.bad || rd_take(&r, 4) || cut) && ends(&r, cut);
	case 'D':
	case 'C': {
		u8 what = rd_u8(&r);
		return (r.bad || what == 'S' || what == 'P') && (r.bad || text_check(&r, cut)) && ends(&r, cut);
	}
	case 'f':
		return text_check(&r, cut) && ends(&r, cut);
	default:
		return true;
	}
}

static bool columns_check(struct rd *r, bool cut)
{
	u32 columns = rd_u16be(r);
	if (columns > 1664)
		return false;
	for (u32 i = 0; i < columns && !r->bad; i++)
		if (!text_check(r, cut) || (!r->bad && !rd_skip(r, 18) && !cut))
			return false;
	return ends(r, cut);
}

static bool error_check(struct rd *r, bool cut)
{
	for (u8 code; (code = rd_u8(r)) != 0 && !r->bad;)
		if (code < 'A' || code > 'z' || !text_check(r, cut))
			return false;
	return ends(r, cut);
}

static bool tag_check(struct rd *r, bool cut)
{
	struct str tag = pg_cstr(r);
	for (u32 i = 0; i < tag.n; i++) {
		char c = tag.p[i];
		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != ' ' && c != '_' && !(c >= 'a' && c <= 'z'))
			return false;
	}
	return (!r->bad || cut) && ends(r, cut);
}

static bool server_body_check(u8 type, struct rd r, bool cut)
{
	switch (type) {
	case 'Z': {
		u8 status = rd_u8(&r);
		return r.bad || status == 'I' || status == 'T' || status == 'E';
	}
	case 'T':
		return columns_check(&r, cut);
	case 'D':
		values_skip(&r, rd_u16be(&r));
		return ends(&r, cut);
	case 'C':
		return tag_check(&r, cut);
	case 'E':
	case 'N':
		return error_check(&r, cut);
	case 'R':
		return rd_u32be(&r) <= 12;
	case 'S':
		return names_check(&r, cut, 2) && ends(&r, cut);
	case 't':
		return (rd_skip(&r, 4ull * rd_u16be(&r)) || cut) && ends(&r, cut);
	case 'G':
	case 'H':
	case 'W':
		return (rd_u8(&r) <= 1) && (rd_skip(&r, 2ull * rd_u16be(&r)) || cut) && ends(&r, cut);
	case 'A':
		rd_u32be(&r);
		return (r.bad || names_check(&r, cut, 2)) && ends(&r, cut);
	default:
		return true;
	}
}

enum pg_walk pg_walk(const u8 *p, size_t n, enum side side, struct pg_seen *seen)
{
	struct rd r = rd_make(p, n);
	*seen = (struct pg_seen){ .first = n ? p[0] : 0 };
	while (rd_left(&r)) {
		struct pg_head head;
		enum pg_result result = pg_head_read(&r, side, &head);
		if (result != PG_OK)
			return result == PG_MORE ? PG_WALK_SHORT : PG_WALK_BAD;
		if (head.body > PG_WALK_MAX)
			return PG_WALK_BAD;
		size_t have = MIN(rd_left(&r), (size_t)head.body);
		bool cut = have < head.body;
		struct rd body = rd_make(r.p, have);
		if (!(side == SIDE_REQUEST ? client_body_check(head.type, body, cut) : server_body_check(head.type, body, cut)))
			return PG_WALK_BAD;
		if (cut) {
			seen->cut = head.type;
			seen->cut_have = (u32)have;
			return PG_WALK_CUT;
		}
		rd_skip(&r, have);
		seen->whole++;
		seen->telling += strchr(side == SIDE_REQUEST ? "QPB" : "TDCEZtS", head.type) != NULL;
		seen->last = head.type;
	}
	return PG_WALK_WHOLE;
}

/* Pairs of strings, and an empty name at the end. The first name tells whether this is one at all. */
static bool parameters_check(struct rd r, bool cut)
{
	bool any = false;
	while (!r.bad) {
		struct str name = pg_cstr(&r);
		if (!r.bad && !name.n)
			return any && !rd_left(&r) && !cut;
		for (u32 i = 0; i < name.n; i++)
			if (!(name.p[i] >= 'a' && name.p[i] <= 'z') && !(name.p[i] >= 'A' && name.p[i] <= 'Z') && name.p[i] != '_' &&
			    name.p[i] != '.' && name.p[i] != '-' && !(any && name.p[i] >= '0' && name.p[i] <= '9'))
				return false;
		any = true;
		if (!r.bad && !is_text(pg_cstr(&r)))
			return false;
	}
	return cut;
}

enum pg_result pg_untyped_check(const u8 *p, size_t n, u32 *code, u32 *size)
{
	struct rd r = rd_make(p, n);
	*code = 0;
	if (n && p[0] != 0)
		return PG_BAD;
	if (n >= 2 && p[1] != 0)
		return PG_BAD;
	*size = rd_u32be(&r);
	if (r.bad)
		return PG_MORE;
	if (*size < 8 || *size > PG_STARTUP_MAX)
		return PG_BAD;
	u32 asked = rd_u32be(&r);
	if (r.bad)
		return PG_MORE;
	bool cut = n < *size;
	switch (asked) {
	case PG_CODE_SSL:
	case PG_CODE_GSSENC:
		if (*size != 8)
			return PG_BAD;
		break;
	case PG_CODE_CANCEL:
		if (*size < 16 || *size > 12 + 256)
			return PG_BAD;
		break;
	default:
		if (asked >> 16 != 3 || (asked & 0xffff) > 9999 || *size < 9)
			return PG_BAD;
		if (!parameters_check(rd_make(r.p, MIN(rd_left(&r), (size_t)*size - 8)), cut))
			return PG_BAD;
	}
	*code = asked;
	return cut ? PG_MORE : PG_OK;
}
