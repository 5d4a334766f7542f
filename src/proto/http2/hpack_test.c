/* HPACK against libnghttp2's encoder: whole, and joined in the middle. */
#include "unit.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/http2/hpack.h"

#define BLOCKS 400
#define FIELDS 12

static u32 seed = 1;

static u32 random_below(u32 n)
{
	seed = seed * 1664525 + 1013904223;
	return (u32)((u64)(seed >> 8) * n >> 24);
}

struct text {
	char name[40], value[400];
};

/* Names and values that come again, and ones that do not. */
static void make_field(struct text *t)
{
	static const char *const known[] = { ":path", ":status", "content-type", "user-agent", "cookie", "x-request-id", "grpc-status", "etag" };
	u32 kind = random_below(10);
	snprintf(t->name, sizeof(t->name), "%s", known[random_below(ARRAY_LEN(known))]);
	if (kind == 0)
		snprintf(t->name, sizeof(t->name), "x-new-%u", random_below(1000));
	u32 n = kind < 7 ? random_below(30) : random_below(300);
	for (u32 i = 0; i < n; i++)
		t->value[i] = kind == 9 ? (char)(1 + random_below(250)) : (char)('a' + random_below(kind < 5 ? 2 : 26));
	t->value[n] = 0;
}

struct coder {
	nghttp2_hd_deflater *encoder;
	struct text text[FIELDS];
	u32 n;
	u8 block[16 * KIB];
	size_t len;
};

static void encode(struct coder *c)
{
	nghttp2_nv nv[FIELDS];
	c->n = 1 + random_below(FIELDS);
	for (u32 i = 0; i < c->n; i++) {
		make_field(&c->text[i]);
		nv[i] = (nghttp2_nv){ .name = (u8 *)c->text[i].name, .namelen = strlen(c->text[i].name), .value = (u8 *)c->text[i].value,
				      .valuelen = strlen(c->text[i].value), .flags = random_below(9) ? 0 : NGHTTP2_NV_FLAG_NO_INDEX };
	}
	ssize_t n = nghttp2_hd_deflate_hd(c->encoder, c->block, sizeof(c->block), nv, c->n);
	assert_true(n >= 0);
	c->len = (size_t)n;
}

/* Each field is what was sent, or said to be unknown. Returns those that are. */
static u32 compare(const struct coder *c, const struct hpack_fields *f)
{
	u32 unknown = 0;
	assert_int_equal(f->n, c->n);
	for (u32 i = 0; i < f->n; i++) {
		bool no_name = f->v[i].flags & HPACK_NO_NAME, no_value = f->v[i].flags & HPACK_NO_VALUE;
		if (!no_name)
			assert_true(str_eq(f->v[i].name, str_from(c->text[i].name)));
		if (!no_name)
			assert_int_equal(f->v[i].id, hpack_name_of(str_from(c->text[i].name)));
		if (!no_value)
			assert_true(str_eq(f->v[i].value, str_from(c->text[i].value)));
		unknown += no_name || no_value;
	}
	assert_int_equal(unknown, f->unknown);
	return unknown;
}

/* `join`: blocks before this one are missed. */
static u32 run(u32 join, size_t table)
{
	static struct coder c;
	static struct hpack_fields fields;
	struct hpack h;
	u32 unknown = 0;
	hpack_init(&h, join == 0);
	assert_int_equal(nghttp2_hd_deflate_new(&c.encoder, table), 0);
	for (u32 i = 0; i < BLOCKS; i++) {
		if (i % 97 == 50)
			assert_int_equal(nghttp2_hd_deflate_change_table_size(c.encoder, i % 2 ? table : table / 8), 0);
		encode(&c);
		if (i < join)
			continue;
		u8 *exact = malloc(c.len);
		assert_non_null(exact);
		memcpy(exact, c.block, c.len);
		assert_true(hpack_read(&h, exact, c.len, &fields));
		unknown += compare(&c, &fields);
		free(exact);
	}
	if (join == 0)
		assert_int_equal(unknown, 0);
	assert_true(h.size <= h.max && h.bytes_cap <= 4 * HPACK_TABLE_MAX);
	nghttp2_hd_deflate_del(c.encoder);
	hpack_done(&h);
	return unknown;
}

static void test_whole(void **state)
{
	run(0, 4096);
	run(0, 65536);
	run(0, 200);
}

/* What was inserted before we came is unknown, then less and less of it. */
static void test_joined(void **state)
{
	u32 unknown = 0;
	for (u32 join = 1; join < 60; join += 7)
		unknown += run(join, 4096);
	assert_in_range(unknown, 1, 9 * BLOCKS * FIELDS / 8);
	run(30, 65536);
}

/* RFC 7541 appendix C.4.1 and C.6.1. */
static void test_examples(void **state)
{
	static const u8 request[] = { 0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff };
	static struct hpack_fields f;
	struct hpack h;
	hpack_init(&h, true);
	assert_true(hpack_read(&h, request, sizeof(request), &f));
	assert_int_equal(f.n, 4);
	assert_true(str_eq(f.v[3].value, STR("www.example.com")));
	assert_int_equal(h.size, 57);
	assert_int_equal(f.v[3].id, NAME_AUTHORITY);
	hpack_done(&h);
}

static void test_malformed(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} bad[] = {
		{ "\x80", 1 }, { "\xbe", 1 }, { "\xff\xff\xff\xff\xff\xff\xff", 7 }, { "\x40", 1 }, { "\x40\x05" "ab", 4 }, { "\x40\x01x", 3 },
		{ "\x00\x01x\x81\x00", 5 }, { "\x00\x01x\x84\xff\xff\xff\xff", 8 }, { "\x7f", 1 }, { "\x3f\xff\xff\xff\xff\xff\x7f", 7 },
	};
	static struct hpack_fields f;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct hpack h;
		hpack_init(&h, true);
		assert_false(hpack_read(&h, (const u8 *)bad[i].p, bad[i].n, &f));
		assert_false(h.whole);
		hpack_done(&h);
	}
}

/* Whatever the bytes: no more memory than the caps say. */
static void test_random(void **state)
{
	static struct hpack_fields f;
	struct hpack h;
	hpack_init(&h, false);
	for (int i = 0; i < 20000; i++) {
		u8 bytes[64];
		u32 n = 1 + random_below(sizeof(bytes));
		for (u32 k = 0; k < n; k++)
			bytes[k] = (u8)random_below(k % 3 ? 256 : 128);
		hpack_read(&h, bytes, n, &f);
		assert_true(h.size <= HPACK_TABLE_MAX && f.scratch_n <= HPACK_SCRATCH);
	}
	hpack_done(&h);
}

/* One big entry, named again and again: nothing is copied, and the list has an end. */
static void test_bomb(void **state)
{
	static u8 block[HPACK_BLOCK_MAX];
	static struct hpack_fields f;
	struct hpack h;
	size_t n = 0;
	hpack_init(&h, true);
	memcpy(block, "\x40\x01x\x7f\xa1\x1e", 6); /* a value of 4000 bytes */
	n = 6 + 4000;
	memset(block + 6, 'v', 4000);
	memset(block + n, 0xbe, sizeof(block) - n);
	assert_true(hpack_read(&h, block, sizeof(block), &f));
	assert_int_equal(f.n, HPACK_FIELDS_MAX);
	assert_int_equal(f.n + f.dropped, 1 + sizeof(block) - n);
	assert_true(h.bytes_cap <= 16 * KIB);
	hpack_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole), cmocka_unit_test(test_joined), cmocka_unit_test(test_examples), cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_random), cmocka_unit_test(test_bomb),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
