#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "export/lines.h"

static _Atomic int closed_calls, failed_calls, failed_with;

static void on_closed(void *arg)
{
	closed_calls++;
}

static void on_failed(void *arg, int error)
{
	failed_calls++;
	failed_with = error;
}

static struct lines *open_lines(int fd, bool wait)
{
	struct lines *l = NULL;
	struct line_options o = { .fd = fd, .wait = wait, .closed = on_closed, .failed = on_failed };
	closed_calls = failed_calls = failed_with = 0;
	assert_int_equal(lines_new(&o, &l), 0);
	return l;
}

static void add(struct line_feed *f, const char *text, size_t n)
{
	struct buf *b = line_feed_begin(f);
	if (!b)
		return;
	buf_add(b, text, n);
	line_feed_end(f);
}

static struct line_counters counters(struct lines *l)
{
	struct line_counters c;
	lines_counters(l, &c);
	u64 sum = c.delivered + c.queued;
	for (int i = 0; i < LINE_DROP_COUNT; i++)
		sum += c.dropped[i];
	assert_int_equal(c.offered, sum);
	return c;
}

static void test_whole_lines_in_order(void **state)
{
	int fd[2];
	char got[64] = { 0 };
	assert_int_equal(pipe(fd), 0);
	struct lines *l = open_lines(fd[1], true);
	struct line_feed *f = lines_feed(l);
	assert_int_equal(lines_start(l), 0);
	add(f, "one\n", 4);
	add(f, "two\n", 4);
	assert_int_equal(counters(l).queued, 2);
	line_feed_flush(f);
	add(f, "three\n", 6);
	line_feed_flush(f);
	line_feed_flush(f); /* nothing more: nothing happens */
	assert_true(lines_stop(l, -1));
	assert_int_equal(read(fd[0], got, sizeof(got)), 14);
	assert_string_equal(got, "one\ntwo\nthree\n");
	struct line_counters c = counters(l);
	assert_int_equal(c.delivered, 3);
	assert_int_equal(c.bytes, 14);
	assert_int_equal(c.queued, 0);
	lines_free(l);
	close(fd[0]);
	close(fd[1]);
}

/* Nobody reads: a feed that must not wait drops what does not fit, and counts it; at the end the writer is given up. */
static void test_full_drops(void **state)
{
	int fd[2];
	static char line[16 * 1024];
	assert_int_equal(pipe(fd), 0);
	struct lines *l = open_lines(fd[1], false);
	struct line_feed *f = lines_feed(l);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	lines_start(l);
	for (int i = 0; i < 1000; i++)
		add(f, line, sizeof(line));
	struct line_counters c = counters(l);
	assert_int_equal(c.offered, 1000);
	/* 64 batches of 4 lines are under way, one of them maybe half in the pipe */
	assert_in_range(c.dropped[LINE_DROP_FULL], 1000 - 65 * 4, 1000 - 64 * 4);
	assert_false(lines_stop(l, 50));
	c = counters(l);
	assert_int_equal(c.queued, 0);
	assert_true(c.dropped[LINE_DROP_ABANDONED] > 200);
	add(f, line, sizeof(line)); /* too late: counted, too */
	line_feed_flush(f);
	assert_int_equal(counters(l).queued, 0);
	lines_free(l);
	close(fd[0]);
	close(fd[1]);
}

struct reader {
	int fd;
	u64 bytes;
	bool glued;
};

static void *slow_reader(void *arg)
{
	struct reader *r = arg;
	char block[8192];
	ssize_t n;
	while ((n = read(r->fd, block, sizeof(block))) > 0) {
		r->bytes += (u64)n;
		usleep(100);
	}
	return NULL;
}

/* A feed that waits loses nothing, however slow the reader. */
static void test_wait_delivers_all(void **state)
{
	int fd[2];
	static char line[16 * 1024];
	pthread_t t;
	assert_int_equal(pipe(fd), 0);
	struct reader r = { .fd = fd[0] };
	struct lines *l = open_lines(fd[1], true);
	struct line_feed *f = lines_feed(l);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	pthread_create(&t, NULL, slow_reader, &r);
	lines_start(l);
	for (int i = 0; i < 1000; i++)
		add(f, line, sizeof(line));
	line_feed_flush(f);
	assert_true(lines_stop(l, -1));
	close(fd[1]);
	pthread_join(t, NULL);
	assert_int_equal(r.bytes, 1000 * sizeof(line));
	assert_int_equal(counters(l).delivered, 1000);
	lines_free(l);
	close(fd[0]);
}

static void test_reader_gone(void **state)
{
	int fd[2];
	assert_int_equal(pipe(fd), 0);
	struct lines *l = open_lines(fd[1], true);
	struct line_feed *f = lines_feed(l);
	close(fd[0]);
	lines_start(l);
	for (int i = 0; i < 3; i++) {
		add(f, "x\n", 2);
		line_feed_flush(f);
	}
	assert_true(lines_stop(l, -1));
	assert_int_equal(counters(l).dropped[LINE_DROP_CLOSED], 3);
	assert_int_equal(closed_calls, 1);
	assert_int_equal(failed_calls, 0);
	lines_free(l);
	close(fd[1]);
}

static void test_no_space(void **state)
{
	int fd = open("/dev/full", O_WRONLY);
	if (fd < 0)
		skip();
	struct lines *l = open_lines(fd, true);
	struct line_feed *f = lines_feed(l);
	lines_start(l);
	for (int i = 0; i < 5; i++) {
		add(f, "x\n", 2);
		line_feed_flush(f);
	}
	assert_true(lines_stop(l, -1));
	assert_int_equal(counters(l).dropped[LINE_DROP_SPACE], 5);
	assert_int_equal(failed_calls, 1);
	assert_int_equal(failed_with, -ENOSPC);
	lines_free(l);
	close(fd);
}

static void test_too_large_is_taken_back(void **state)
{
	int fd[2];
	char got[64] = { 0 };
	static char huge[LINES_RECORD_MAX + 2 * LINES_BATCH_BYTES];
	assert_int_equal(pipe(fd), 0);
	struct lines *l = open_lines(fd[1], true);
	struct line_feed *f = lines_feed(l);
	lines_start(l);
	add(f, "before\n", 7);
	add(f, huge, sizeof(huge));
	add(f, "after\n", 6);
	line_feed_flush(f);
	assert_true(lines_stop(l, -1));
	assert_int_equal(read(fd[0], got, sizeof(got)), 13);
	assert_string_equal(got, "before\nafter\n");
	assert_int_equal(counters(l).dropped[LINE_DROP_LARGE], 1);
	lines_free(l);
	close(fd[0]);
	close(fd[1]);
}

#define WORKERS 3
#define PER_WORKER 20000

static void *work(void *arg)
{
	char line[64];
	for (int i = 0; i < PER_WORKER; i++) {
		int n = snprintf(line, sizeof(line), "%p %d\n", arg, i);
		add(arg, line, (size_t)n);
		if (i % 100 == 0)
			line_feed_flush(arg);
	}
	line_feed_flush(arg);
	return NULL;
}

/* Lines of several workers never mix within a line, and each worker's stay in order. */
static void test_workers(void **state)
{
	FILE *file = tmpfile();
	struct lines *l = open_lines(fileno(file), true);
	struct line_feed *feeds[WORKERS];
	pthread_t t[WORKERS];
	int next[WORKERS] = { 0 }, i;
	void *who;
	char rest[2];
	for (int w = 0; w < WORKERS; w++)
		feeds[w] = lines_feed(l);
	lines_start(l);
	for (int w = 0; w < WORKERS; w++)
		pthread_create(&t[w], NULL, work, feeds[w]);
	for (int w = 0; w < WORKERS; w++)
		pthread_join(t[w], NULL);
	assert_true(lines_stop(l, -1));
	assert_int_equal(counters(l).delivered, WORKERS * PER_WORKER);
	rewind(file);
	while (fscanf(file, "%p %d%1[\n]", &who, &i, rest) == 3)
		for (int w = 0; w < WORKERS; w++)
			if (who == feeds[w])
				assert_int_equal(i, next[w]++);
	for (int w = 0; w < WORKERS; w++)
		assert_int_equal(next[w], PER_WORKER);
	lines_free(l);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_lines_in_order), cmocka_unit_test(test_full_drops),	 cmocka_unit_test(test_wait_delivers_all),
		cmocka_unit_test(test_reader_gone),	     cmocka_unit_test(test_no_space),	 cmocka_unit_test(test_too_large_is_taken_back),
		cmocka_unit_test(test_workers),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
