/* Header blocks: RFC 7541 sections 5 and 6. */
#include "proto/http2/hpack.h"

#include "util/rd.h"

#define INTEGER_MAX (1u << 28)

/* Section 5.1: `bits` of the byte at hand, more bytes when those are all ones. */
static u32 read_integer(struct rd *r, unsigned bits)
{
	u32 mask = (1u << bits) - 1, v = rd_u8(r) & mask;
	if (v < mask)
		return v;
	for (unsigned shift = 0; !r->bad; shift += 7) {
		u8 b = rd_u8(r);
		u64 sum = v + ((u64)(b & 127) << shift);
		if (sum > INTEGER_MAX || shift > 28)
			rd_fail(r);
		v = (u32)sum;
		if (!(b & 128))
			break;
	}
	return v;
}

/* Section 5.2. Decoded strings lie in scratch, which has room for those of a whole block. */
static struct str read_string(struct rd *r, struct hpack_fields *list)
{
	bool huffman = rd_left(r) && *r->p & 128;
	u32 n = read_integer(r, 7);
	struct str s = rd_str(r, n);
	if (!huffman || !s.n)
		return s;
	u8 *to = list->scratch + list->scratch_n;
	long used = hpack_huffman((const u8 *)s.p, s.n, to, HPACK_SCRATCH - list->scratch_n);
	if (used < 0) {
		rd_fail(r);
		return (struct str){ 0 };
	}
	list->scratch_n += (u32)used;
	return str_make((const char *)to, (size_t)used);
}

/* The field of an index, or (0) nothing; false when there is none of this index. */
static bool look_up(const struct hpack *h, u32 index, struct hpack_field *ret)
{
	if (index == 0)
		return false;
	if (index <= HPACK_STATIC) {
		*ret = *hpack_static(index);
		ret->flags = HPACK_FIXED_NAME | HPACK_FIXED_VALUE;
		return true;
	}
	const struct hpack_entry *e = hpack_entry_at(h, index - HPACK_STATIC - 1);
	if (!e) {
		*ret = (struct hpack_field){ .flags = HPACK_NO_NAME | HPACK_NO_VALUE };
		return !h->whole;
	}
	*ret = (struct hpack_field){ .name = hpack_entry_name(h, e), .value = hpack_entry_value(h, e), .id = e->id, .flags = e->flags };
	return true;
}

static void keep(struct hpack_fields *list, const struct hpack_field *f)
{
	list->unknown += f->flags & (HPACK_NO_NAME | HPACK_NO_VALUE) ? 1 : 0;
	if (list->n == HPACK_FIELDS_MAX)
		list->dropped++;
	else
		list->v[list->n++] = *f;
}

/* Section 6.2: a literal whose name is indexed, or given. */
static void read_literal(struct hpack *h, struct rd *r, unsigned bits, bool insert, struct hpack_fields *list)
{
	struct hpack_field f = { 0 };
	u32 index = read_integer(r, bits);
	if (index && !look_up(h, index, &f))
		rd_fail(r);
	if (!index) {
		f.name = read_string(r, list);
		f.id = (u8)hpack_name_of(f.name);
	}
	f.value = read_string(r, list);
	f.flags &= HPACK_NO_NAME | HPACK_FIXED_NAME;
	if (r->bad)
		return;
	keep(list, &f);
	if (insert)
		hpack_insert(h, &f, list);
}

static void read_indexed(struct hpack *h, struct rd *r, struct hpack_fields *list)
{
	struct hpack_field f;
	if (look_up(h, read_integer(r, 7), &f))
		keep(list, &f);
	else
		rd_fail(r);
}

bool hpack_read(struct hpack *h, const u8 *p, size_t n, struct hpack_fields *ret)
{
	struct rd r = rd_make(p, n);
	ret->n = ret->dropped = ret->unknown = ret->scratch_n = ret->moved = 0;
	while (rd_left(&r)) {
		u8 first = *r.p;
		if (first & 0x80)
			read_indexed(h, &r, ret);
		else if (first & 0x40)
			read_literal(h, &r, 6, true, ret);
		else if (first & 0x20)
			hpack_resize(h, read_integer(&r, 5));
		else
			read_literal(h, &r, 4, false, ret);
	}
	if (r.bad)
		hpack_forget(h);
	return !r.bad;
}
