/* The queue on disk: order, bounds, and what comes back after an end of any kind. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

#include "export/spool.h"

static char dir[64];

static int make_dir(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/packetd-spool-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));)
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	return rmdir(dir);
}

static struct spool *open_spool(u64 max)
{
	struct spool *s = NULL;
	struct spool_options o = { dir, max };
	assert_int_equal(spool_open(&o, &s), 0);
	return s;
}

static void add(struct spool *s, u32 number, size_t n)
{
	static char text[300000];
	memset(text, 'a' + (int)(number % 26), n);
	memcpy(text, &number, sizeof(number));
	assert_int_equal(spool_add(s, text, n, 10, number), 0);
}

static bool take(struct spool *s, u32 *ret, struct spool_record *r)
{
	struct buf b = { 0 };
	bool got = spool_take(s, &b, r);
	if (got) {
		assert_int_equal(b.len, r->len);
		assert_int_equal(r->records, 10);
		memcpy(ret, b.data, sizeof(*ret));
		assert_int_equal(r->born, *ret);
		for (size_t i = 4; i < b.len; i++)
			assert_int_equal(b.data[i], 'a' + (int)(*ret % 26));
	}
	buf_done(&b);
	return got;
}

static void expect(struct spool *s, u32 from, u32 to)
{
	struct spool_record r;
	u32 number;
	for (u32 i = from; i < to; i++) {
		assert_true(take(s, &number, &r));
		assert_int_equal(number, i);
		spool_settle(s, &r);
	}
}

static struct spool_counters counters(struct spool *s)
{
	struct spool_counters c;
	spool_counters(s, &c);
	return c;
}

static void test_order(void **state)
{
	struct spool *s = open_spool(100 * MIB);
	struct spool_record r;
	u32 number;
	for (u32 i = 0; i < 500; i++)
		add(s, i, 100 + i * 50);
	expect(s, 0, 250);
	for (u32 i = 500; i < 600; i++)
		add(s, i, 4);
	expect(s, 250, 600);
	assert_false(take(s, &number, &r));
	assert_int_equal(counters(s).records, 0);
	assert_int_equal(counters(s).bytes, 0);
	add(s, 600, 10);
	expect(s, 600, 601);
	spool_close(s);
}

static void test_reopen(void **state)
{
	struct spool *s = open_spool(100 * MIB);
	for (u32 i = 0; i < 300; i++)
		add(s, i, 5000);
	expect(s, 0, 120);
	spool_close(s);
	s = open_spool(100 * MIB);
	assert_int_equal(counters(s).recovered, 1800);
	for (u32 i = 300; i < 310; i++)
		add(s, i, 5000);
	expect(s, 120, 200);
	spool_close(s);
	s = open_spool(100 * MIB);
	assert_int_equal(counters(s).recovered, 1100);
	expect(s, 200, 310);
	spool_close(s);
	s = open_spool(100 * MIB);
	assert_int_equal(counters(s).recovered, 0);
	spool_close(s);
}

/* Several are out; what is not settled comes back, what was settled behind it may. */
static void test_several_out(void **state)
{
	struct spool *s = open_spool(100 * MIB);
	struct spool_record r[4];
	u32 number;
	for (u32 i = 0; i < 6; i++)
		add(s, i, 100);
	for (u32 i = 0; i < 4; i++)
		assert_true(take(s, &number, &r[i]));
	spool_settle(s, &r[0]);
	spool_settle(s, &r[2]);
	assert_true(spool_put_back(s, &r[1]));
	spool_settle(s, &r[3]);
	assert_int_equal(counters(s).records, 30);
	spool_close(s);
	s = open_spool(100 * MIB);
	expect(s, 1, 6);
	spool_close(s);
}

static void test_full(void **state)
{
	struct spool *s = open_spool(300000);
	for (u32 i = 0; i < 100; i++)
		add(s, i, 10000);
	struct spool_counters c = counters(s);
	assert_true(c.dropped > 0 && c.bytes <= 300000);
	assert_int_equal(c.dropped + c.records, 1000);
	expect(s, (u32)(c.dropped / 10), 100);
	assert_int_equal(counters(s).records, 0);
	assert_int_equal(spool_add(s, dir, 10000000, 1, 0), -EFBIG);
	spool_close(s);
}

/* Its segment goes while a record is out. */
static void test_dropped_while_out(void **state)
{
	struct spool *s = open_spool(300000);
	struct spool_record r;
	u32 number;
	add(s, 0, 60000);
	assert_true(take(s, &number, &r));
	for (u32 i = 1; i < 20; i++)
		add(s, i, 60000);
	assert_false(spool_put_back(s, &r));
	struct spool_counters c = counters(s);
	assert_int_equal(c.records + c.dropped, 190);
	spool_close(s);
}

static void test_damage(void **state)
{
	char path[128];
	struct spool *s = open_spool(100 * MIB);
	for (u32 i = 0; i < 10; i++)
		add(s, i, 1000);
	spool_close(s);
	snprintf(path, sizeof(path), "%s/0000000000000001.spool", dir);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	const size_t record = 1000 + 32;
	assert_int_equal(pwrite(fd, "#", 1, (off_t)(3 * record + 500)), 1); /* contents of 3 */
	assert_int_equal(pwrite(fd, "#", 1, (off_t)(7 * record)), 1);       /* head of 7: it and the rest are lost */
	close(fd);
	s = open_spool(100 * MIB);
	assert_int_equal(counters(s).recovered, 70);
	expect(s, 0, 3);
	expect(s, 4, 7);
	struct spool_record r;
	u32 number;
	assert_false(take(s, &number, &r));
	assert_int_equal(counters(s).dropped, 10);
	assert_int_equal(counters(s).records, 0);
	spool_close(s);
}

/* A cursor that is none: everything is sent again rather than nothing. */
static void test_bad_cursor(void **state)
{
	char path[128];
	struct spool *s = open_spool(100 * MIB);
	for (u32 i = 0; i < 10; i++)
		add(s, i, 1000);
	expect(s, 0, 5);
	spool_close(s);
	snprintf(path, sizeof(path), "%s/cursor", dir);
	int fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, "#", 1, 3), 1);
	close(fd);
	s = open_spool(100 * MIB);
	expect(s, 0, 10);
	spool_close(s);
}

static void test_one_owner(void **state)
{
	struct spool *s = open_spool(MIB), *other;
	struct spool_options o = { dir, MIB };
	int status;
	assert_int_equal(spool_open(&o, &other), -EAGAIN);
	pid_t child = fork();
	if (child == 0)
		_exit(spool_open(&o, &other) == -EBUSY ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	spool_close(s);
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(test_order),  IN_DIR(test_reopen),     IN_DIR(test_several_out), IN_DIR(test_full),
		IN_DIR(test_damage), IN_DIR(test_bad_cursor), IN_DIR(test_one_owner),   IN_DIR(test_dropped_while_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
