#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

#include "export/rotate.h"

static char dir[64];

static int make_dir(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/packetd-rotate-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static const char *in_dir(const char *name)
{
	static char path[4][512];
	static int turn;
	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[0]), "%s/%s", dir, name);
	return path[turn];
}

static u64 size_of(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? (u64)st.st_size : UINT64_MAX;
}

/* Names of the renamed files of out.jsonl, sorted by age; returns how many. */
static int backups(char names[][256], int max)
{
	struct dirent **found;
	int n = 0, all = scandir(dir, &found, NULL, alphasort);
	for (int i = 0; i < all; i++) {
		if (n < max && rotate_is_backup(found[i]->d_name, "out.jsonl"))
			snprintf(names[n++], 256, "%s", found[i]->d_name);
		free(found[i]);
	}
	free(found);
	return n;
}

static struct rotate *open_out(u64 max, u32 keep, u32 days)
{
	struct rotate *r = NULL;
	struct rotate_options o = { .path = in_dir("out.jsonl"), .max_bytes = max, .backups = keep, .max_age_days = days };
	assert_int_equal(rotate_open(&o, &r), 0);
	return r;
}

static void test_names(void **state)
{
	assert_true(rotate_is_backup("packetd-2025-03-01T09-00-00.000.roundtrips", "packetd.roundtrips"));
	assert_true(rotate_is_backup("rt-2025-03-01T09-00-00.123", "rt"));
	assert_false(rotate_is_backup("packetd.roundtrips", "packetd.roundtrips"));
	assert_false(rotate_is_backup("packetd-2025-03-01T09-00-00.000.log", "packetd.roundtrips"));
	assert_false(rotate_is_backup("packetd-2025-03-01T09-00-00x000.roundtrips", "packetd.roundtrips"));
	assert_false(rotate_is_backup("other-2025-03-01T09-00-00.000.roundtrips", "packetd.roundtrips"));
	assert_false(rotate_is_backup("packetd-2025-03-0aT09-00-00.000.roundtrips", "packetd.roundtrips"));
}

static void test_created_with_directories(void **state)
{
	struct rotate *r;
	struct stat st;
	size_t written;
	mode_t before = umask(0);
	struct rotate_options o = { .path = in_dir("a/b/x.log") };
	assert_int_equal(rotate_open(&o, &r), 0);
	umask(before);
	assert_int_equal(stat(in_dir("a/b"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(stat(in_dir("a/b/x.log"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(rotate_write(r, "1\n", 2, &written), 0);
	rotate_close(r);
	assert_int_equal(rotate_open(&o, &r), 0); /* appends */
	assert_int_equal(rotate_write(r, "2\n", 2, &written), 0);
	rotate_close(r);
	assert_int_equal(size_of(in_dir("a/b/x.log")), 4);
	o.path = in_dir("a/");
	assert_int_equal(rotate_open(&o, &r), -EISDIR);
	o.path = in_dir("a/b/x.log/y");
	assert_int_equal(rotate_open(&o, &r), -ENOTDIR);
}

static void test_rotates_before_the_limit(void **state)
{
	char names[8][256];
	size_t written;
	struct rotate *r = open_out(10, 0, 0);
	assert_int_equal(rotate_write(r, "aaaa\nbbbb\n", 10, &written), 0);
	assert_int_equal(backups(names, 8), 0); /* exactly full */
	assert_int_equal(rotate_write(r, "cccc\ndddd\neeee\n", 15, &written), 0);
	assert_int_equal(written, 15);
	assert_int_equal(backups(names, 8), 2);
	assert_int_equal(size_of(in_dir(names[0])), 10);
	assert_int_equal(size_of(in_dir(names[1])), 10);
	assert_int_equal(size_of(in_dir("out.jsonl")), 5);
	/* A line larger than a file stands alone. */
	assert_int_equal(rotate_write(r, "0123456789abcdef\nf\n", 19, &written), 0);
	assert_int_equal(backups(names, 8), 4);
	assert_int_equal(size_of(in_dir(names[3])), 17);
	assert_int_equal(size_of(in_dir("out.jsonl")), 2);
	rotate_close(r);
}

static void test_prunes(void **state)
{
	static const char *const old[] = { "out-2001-01-01T00-00-00.000.jsonl", "out-2001-01-01T00-00-00.001.jsonl", "outx.jsonl", "out-notes.jsonl" };
	char names[8][256];
	size_t written;
	for (size_t i = 0; i < ARRAY_LEN(old); i++)
		close(open(in_dir(old[i]), O_CREAT | O_WRONLY, 0600));
	struct rotate *r = open_out(4, 3, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(rotate_write(r, "abc\n", 4, &written), 0);
	assert_int_equal(backups(names, 8), 3); /* two new ones and the newer of the old */
	assert_string_equal(names[0], old[1]);
	rotate_close(r);
	r = open_out(4, 0, 7);
	assert_int_equal(rotate_write(r, "abc\n", 4, &written), 0);
	assert_int_equal(backups(names, 8), 3); /* by age: the old one went, one was added */
	assert_string_not_equal(names[0], old[1]);
	assert_int_equal(size_of(in_dir("outx.jsonl")), 0); /* what is not ours stays */
	assert_int_equal(size_of(in_dir("out-notes.jsonl")), 0);
	rotate_close(r);
}

static void test_reopen(void **state)
{
	size_t written;
	struct rotate *r = open_out(0, 0, 0);
	assert_int_equal(rotate_write(r, "1\n", 2, &written), 0);
	assert_int_equal(rename(in_dir("out.jsonl"), in_dir("moved")), 0);
	assert_int_equal(rotate_write(r, "2\n", 2, &written), 0);
	assert_int_equal(rotate_reopen(r), 0);
	assert_int_equal(rotate_write(r, "3\n", 2, &written), 0);
	rotate_close(r);
	assert_int_equal(size_of(in_dir("moved")), 4);
	assert_int_equal(size_of(in_dir("out.jsonl")), 2);
}

/* Out of space in the middle of a line: the half is taken back, later lines are whole. */
static void test_no_half_lines(void **state)
{
	struct rlimit before, small = { .rlim_cur = 7 };
	size_t written;
	struct rotate *r = open_out(0, 0, 0);
	getrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_IGN);
	small.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	int rc = rotate_write(r, "one\ntwo\nthree\n", 14, &written);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(rc, -EFBIG);
	assert_int_equal(written, 4);
	assert_int_equal(size_of(in_dir("out.jsonl")), 4);
	assert_int_equal(rotate_write(r, "four\n", 5, &written), 0);
	assert_int_equal(size_of(in_dir("out.jsonl")), 9);
	rotate_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test_setup_teardown(test_created_with_directories, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_rotates_before_the_limit, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_prunes, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_reopen, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_no_half_lines, make_dir, remove_dir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
