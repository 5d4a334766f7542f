/* The engine "file" on files cut everywhere, damaged, or no captures at all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "capture_image.h"

/* Whole packets that end at or before `n` in the image, by walking it independently of the reader. Sets *edge when
 * a record or block ends exactly there. */
static u32 whole_before(const struct image *m, bool ng, size_t n, bool *edge)
{
	size_t at = ng ? 0 : 24;
	u32 packets = 0;
	const u8 *p = (const u8 *)m->b.data;
	while (at < n) {
		u32 len, type = 6;
		memcpy(&len, p + at + (ng ? 4 : 8), 4);
		if (ng)
			memcpy(&type, p + at, 4);
		at += ng ? len : 16 + len;
		packets += type == 6 && at <= n;
	}
	*edge = at == n;
	return packets;
}

static void cut_everywhere(const struct image *m, bool ng)
{
	for (size_t n = 0; n < m->b.len; n++) {
		struct image cut = { .b = m->b };
		cut.b.len = n;
		bool edge = false;
		int r = image_read(&cut, NULL);
		u32 whole = n < 24 ? 0 : whole_before(m, ng, n, &edge);
		if (image_result.n != whole)
			fail_msg("cut at %zu: %u packets instead of %u", n, image_result.n, whole);
		assert_int_equal(r, n < 24 ? -EBADMSG : -ENODATA);
		if (n < 24) {
			assert_true(image_result.error[0]);
			continue;
		}
		char where[64];
		snprintf(where, sizeof(where), "cut short at byte %zu:", n);
		assert_int_equal(strstr(image_result.warning, where) != NULL, !edge);
	}
}

static void test_cut_everywhere(void **state)
{
	struct image m = { 0 };
	image_pcap(&m, 0xa1b2c3d4, 1);
	for (u32 i = 0; i < 5; i++)
		image_record(&m, i, i, i, 20 + i, 20 + i);
	cut_everywhere(&m, false);
	m.b.len = 0;
	image_sample(&m);
	cut_everywhere(&m, true);
	image_done(&m);
}

/* Packed and cut: what could be unpacked is delivered, and the warning says where. */
static void test_packed_cut(void **state)
{
	struct image plain = { 0 };
	image_pcap(&plain, 0xa1b2c3d4, 1);
	for (u32 i = 0; i < 60; i++)
		image_record(&plain, i, i, i, 40, 40);
	for (int zstd = 0; zstd < 2; zstd++) {
		struct image m = { 0 };
		(zstd ? image_zstd : image_gzip)(&m, plain.b.data, plain.b.len);
		u32 most = 0;
		for (size_t n = 0; n < m.b.len; n++) {
			struct image cut = { .b = m.b };
			cut.b.len = n;
			int r = image_read(&cut, NULL);
			assert_true(r == -ENODATA || r == -EBADMSG);
			assert_true(image_result.warning[0] || image_result.error[0]);
			most = MAX(most, image_result.n);
		}
		assert_true(zstd || most > 30); /* a zstd block comes whole or not */
		assert_int_equal(image_read(&m, NULL), -ENODATA);
		assert_int_equal(image_result.n, 60);
		m.b.data[m.b.len / 2] ^= 0x55; /* damaged */
		int r = image_read_from(&m, NULL, UINT32_MAX);
		assert_true(r == -EBADMSG || (zstd && image_result.n == 60)); /* zstd without checksum may not notice */
		image_done(&m);
	}
	image_done(&plain);
}

/* Each of these must be an error with its place, after the packets before it. */
static void test_nonsense(void **state)
{
	struct image good = { 0 }, m = { 0 };
	image_pcap(&good, 0xa1b2c3d4, 1);
	image_record(&good, 1, 1, 0, 50, 50);
	size_t n = good.b.len;
	static const u32 lengths[] = { 262145, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		good.b.len = n;
		image_record(&good, 1, 1, 0, 50, 50);
		memcpy(good.b.data + n + 8, &lengths[i], 4);
		assert_int_equal(image_read(&good, NULL), -EBADMSG);
		assert_int_equal(image_result.n, 1);
		assert_non_null(strstr(image_result.warning, "byte 90:"));
	}
	static const struct {
		u32 at, value; /* of the first packet block */
		const char *says;
	} changes[] = {
		{ 4, 8, "claims 8 bytes" },           { 4, 0, "claims 0 bytes" },
		{ 4, 91, "claims 91 bytes" },         { 4, 0xfffffffc, "claims 4294967292 bytes" },
		{ 4, 28, "at its end" },              { 8, 3, "interface 3" },
		{ 20, 62 + 3, "in a block of 96" },   { 20, 0xffffffff, "claims 4294967295 bytes" },
		{ 92, 95, "and 95 at its end" },
	};
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		m.b.len = 0;
		image_section(&m);
		image_interface(&m, 1, 0, NULL, 0, 0);
		size_t at = m.b.len;
		image_packet(&m, 0, 1, 0, 61, 61, 0);
		memcpy(m.b.data + at + changes[i].at, &changes[i].value, 4);
		int r = image_read(&m, NULL);
		assert_int_equal(r, -EBADMSG);
		if (!strstr(image_result.warning, changes[i].says) && !strstr(image_result.error, changes[i].says))
			fail_msg("case %zu: %s%s", i, image_result.warning, image_result.error);
	}
	image_done(&good);
	image_done(&m);
}

static void test_not_captures(void **state)
{
	static const struct {
		const char *bytes;
		u32 n;
		const char *says;
	} cases[] = {
		{ "", 0, "is empty" },
		{ "abc", 3, "only 3 bytes" },
		{ "GET / HTTP/1.1\r\n\r\n", 18, "begins with 47 45 54 20" },
		{ "\xfd" "7zXZ", 5, "xz -dc" },
		{ "BZh91AY", 7, "bzip2 -dc" },
		{ "snoop\0\0\0", 8, "snoop" },
		{ "\x1f\x8b\x08\0", 4, "cut short" },
		{ "\x0a\x0d\x0d\x0a\x1c\0\0\0XXXX\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0", 28, "byte order" },
		{ "\xd4\xc3\xb2\xa1\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0", 24, "version 1.0" },
		{ "\xd4\xc3\xb2\xa1\x02\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0", 24, "link type" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct image m = { 0 };
		buf_add(&m.b, cases[i].bytes, cases[i].n);
		assert_int_equal(image_read(&m, NULL), -EBADMSG);
		if (!strstr(image_result.error, cases[i].says))
			fail_msg("case %zu: %s", i, image_result.error);
		image_done(&m);
	}
	struct capture_options missing = { .file = "/nonexistent/x.pcap" }, directory = { .file = "/tmp" };
	assert_int_equal(image_read_path(&missing, 0), -ENOENT);
	assert_non_null(strstr(image_result.error, "/nonexistent/x.pcap"));
	assert_int_equal(image_read_path(&directory, 0), -EISDIR);
}

/* Random damage to good files: whatever happens, it ends. */
static void test_damage(void **state)
{
	srand(1);
	for (int round = 0; round < 4000; round++) {
		struct image m = { .big = round & 1 };
		if (round & 2) {
			image_sample(&m);
		} else {
			image_pcap(&m, 0xa1b2c3d4, 1);
			for (u32 i = 0; i < 5; i++)
				image_record(&m, i, i, i, 20 + i, 20 + i);
		}
		for (int i = rand() % 4; i >= 0; i--)
			m.b.data[(size_t)rand() % m.b.len] = (char)rand();
		image_read_from(&m, round & 4 ? "ip" : NULL, UINT32_MAX);
		image_done(&m);
	}
}

/* Interfaces and link types have a maximum each. */
static void test_many_interfaces(void **state)
{
	struct image m = { 0 };
	image_section(&m);
	for (u32 i = 0; i < 65534; i++)
		image_interface(&m, (u16)(i + 50), 0, NULL, 0, 0);
	image_packet(&m, 65533, 1, 0, 40, 40, 0);
	assert_int_equal(image_read(&m, NULL), -ENODATA);
	assert_int_equal(image_result.n, 1);
	assert_int_equal(image_result.packets[0].ifindex, 65534);
	assert_int_equal(image_read(&m, "less 100"), -ENODATA);
	assert_int_equal(image_result.n, 0);
	assert_non_null(strstr(image_result.warning, "more warnings"));
	image_interface(&m, 1, 0, NULL, 0, 0);
	assert_int_equal(image_read(&m, NULL), -EBADMSG);
	assert_int_equal(image_result.n, 1);
	assert_non_null(strstr(image_result.warning, "more than 65534 interfaces"));
	image_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_packed_cut),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_not_captures),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_many_interfaces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
