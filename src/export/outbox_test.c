/* The outbox with a back end made of a function: order, limits, what is counted, and two outboxes that hand a spool over.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "export/outbox.h"

/* A back end that takes one number a record. */
struct backend {
	pthread_mutex_t lock;
	u32 taken[20000], n;
	u32 calls;
	int fail;         /* so many calls fail first; -1: all */
	bool half;        /* takes the first half of each batch only */
	u64 slow_us;
	struct outbox *outbox;
};

static struct backend backend = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void reset(void)
{
	backend.n = backend.calls = 0;
	backend.fail = 0;
	backend.half = false;
	backend.slow_us = 0;
}

static void take_numbers(const char *p, u32 n)
{
	for (u32 i = 0; i < n; i++)
		memcpy(&backend.taken[backend.n++], p + 4 * i, 4);
}

static void send_batch(void *arg, void *client, struct outbox_batch *b, struct outbox_result *ret)
{
	assert_int_equal(b->body.len, 4 * b->records);
	if (backend.slow_us)
		usleep((useconds_t)backend.slow_us);
	pthread_mutex_lock(&backend.lock);
	backend.calls++;
	if (backend.fail) {
		backend.fail -= backend.fail > 0;
		ret->verdict = OUTBOX_RETRY;
		snprintf(ret->text, sizeof(ret->text), "no");
	} else if (backend.half && b->records > 1) {
		u32 half = b->records / 2;
		take_numbers(b->body.data, half);
		memmove(b->body.data, b->body.data + 4 * half, 4 * (b->records - half));
		b->body.len -= 4 * half;
		b->records -= half;
		*ret = (struct outbox_result){ .verdict = OUTBOX_RETRY, .delivered = half };
	} else {
		take_numbers(b->body.data, b->records);
		ret->verdict = OUTBOX_SENT;
	}
	pthread_mutex_unlock(&backend.lock);
}

static struct config_delivery delivery;
static struct exporter_env env;
static char dir[64];

static struct outbox *make(bool live, u64 queue, bool spool)
{
	struct buf error = { 0 };
	struct outbox *o = NULL;
	delivery = (struct config_delivery){ .batch = 10, .queue_bytes = queue, .spool_dir = spool ? dir : "", .interval = NS_PER_SEC };
	env = (struct exporter_env){ .live = live };
	struct outbox_options options = { .name = "test", .env = &env, .d = &delivery, .send = send_batch };
	if (outbox_new(&options, &o, &error))
		fail_msg("%s", buf_cstr(&error));
	return o;
}

static u32 offer(struct outbox_feed *f, u32 from, u32 to)
{
	u32 in = 0;
	for (u32 i = from; i < to; i++) {
		struct buf *b = outbox_begin(f, 1);
		if (!b)
			continue;
		buf_add(b, &i, sizeof(i));
		outbox_end(f);
		in++;
	}
	return in;
}

static struct export_counters counters(struct outbox *o)
{
	struct export_counters c = { 0 };
	outbox_counters(o, &c);
	u64 sum = c.delivered + c.queued;
	for (int i = 0; i < EXPORT_DROP_COUNT; i++)
		sum += c.dropped[i];
	assert_int_equal(c.offered, sum);
	return c;
}

static void expect_taken(u32 from, u32 to)
{
	assert_int_equal(backend.n, to - from);
	for (u32 i = from; i < to; i++)
		assert_int_equal(backend.taken[i - from], i);
}

static void test_order(void **state)
{
	reset();
	backend.fail = 2;
	struct outbox *o = make(false, 0, false);
	struct outbox_feed *f = outbox_feed(o);
	assert_int_equal(outbox_start(o), 0);
	offer(f, 0, 1005);
	outbox_flush(f, 0, true);
	outbox_stop(o, -1);
	expect_taken(0, 1005);
	struct export_counters c = counters(o);
	assert_int_equal(c.delivered, 1005);
	assert_int_equal(c.retries, 2);
	outbox_free(o);
}

/* What has not been flushed when the exporter is stopped is given up and named, not forgotten. */
static void test_not_flushed(void **state)
{
	reset();
	struct outbox *o = make(false, 0, false);
	struct outbox_feed *f = outbox_feed(o);
	assert_int_equal(outbox_start(o), 0);
	offer(f, 0, 15);
	outbox_stop(o, -1);
	struct export_counters c = counters(o);
	assert_int_equal(c.delivered, 10);
	assert_int_equal(c.dropped[EXPORT_DROP_ABANDONED], 5);
	offer(f, 15, 40);
	assert_int_equal(counters(o).offered, 40);
	outbox_free(o);
}

static void test_parts(void **state)
{
	reset();
	backend.half = true;
	struct outbox *o = make(false, 0, false);
	struct outbox_feed *f = outbox_feed(o);
	assert_int_equal(outbox_start(o), 0);
	offer(f, 0, 20);
	outbox_stop(o, -1);
	expect_taken(0, 20);
	assert_int_equal(counters(o).delivered, 20);
	outbox_free(o);
}

static u64 now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec;
}

/* Live, a back end that takes nothing: offering goes on at once, and only the queue's bytes are kept. */
static void test_live_never_waits(void **state)
{
	reset();
	backend.fail = -1;
	struct outbox *o = make(true, 400, false);
	struct outbox_feed *f = outbox_feed(o);
	assert_int_equal(outbox_start(o), 0);
	u64 began = now_ns();
	u32 in = offer(f, 0, 100000);
	assert_true(now_ns() - began < 20 * NS_PER_SEC);
	struct export_counters c = counters(o);
	assert_int_equal(c.dropped[EXPORT_DROP_QUEUE], 100000 - in);
	assert_true(in >= 100 && in <= 130);
	outbox_stop(o, 50);
	c = counters(o);
	assert_int_equal(c.dropped[EXPORT_DROP_ABANDONED], in);
	assert_int_equal(c.queued, 0);
	outbox_free(o);
}

/* Only a record that is too long is taken back. */
static void test_too_large(void **state)
{
	reset();
	struct outbox *o = make(false, 0, false);
	struct outbox_feed *f = outbox_feed(o);
	assert_int_equal(outbox_start(o), 0);
	offer(f, 0, 5);
	struct buf *b = outbox_begin(f, 3);
	assert_non_null(b);
	assert_null(buf_room(b, OUTBOX_RECORD_MAX + 4 * MIB));
	outbox_end(f);
	b = outbox_begin(f, 7);
	buf_add(b, "never mind", 10);
	outbox_undo(f);
	offer(f, 5, 10);
	outbox_stop(o, -1);
	expect_taken(0, 10);
	struct export_counters c = counters(o);
	assert_int_equal(c.offered, 13);
	assert_int_equal(c.dropped[EXPORT_DROP_LARGE], 3);
	outbox_free(o);
}

static int make_dir(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/packetd-outbox-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/test", dir);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(path);
	return rmdir(dir);
}

/* A reload: the new outbox is fed while the old one still has the spool and a back end that does not answer; afterwards everything
 * of both arrives. */
static void test_hand_over(void **state)
{
	reset();
	backend.fail = -1;
	struct outbox *old = make(true, 0, true);
	struct outbox_feed *f = outbox_feed(old);
	assert_int_equal(outbox_start(old), 0);
	offer(f, 0, 500);
	struct outbox *fresh = make(true, 0, true);
	struct outbox_feed *g = outbox_feed(fresh);
	assert_int_equal(outbox_start(fresh), 0);
	offer(g, 500, 800);
	usleep(250000);
	outbox_stop(old, 50);
	struct export_counters c = counters(old);
	assert_int_equal(c.queued, 500);
	outbox_free(old);
	backend.fail = 0;
	outbox_stop(fresh, -1);
	c = counters(fresh);
	assert_int_equal(c.offered, 800);
	assert_int_equal(c.delivered, 800);
	expect_taken(0, 800);
	outbox_free(fresh);
}

/* Stopped before the spool became free: what the new one has goes into it as soon as that is possible, else it is counted. */
static void test_hand_over_too_late(void **state)
{
	reset();
	backend.fail = -1;
	struct outbox *old = make(true, 0, true);
	assert_int_equal(outbox_start(old), 0);
	struct outbox *fresh = make(true, 0, true);
	struct outbox_feed *g = outbox_feed(fresh);
	assert_int_equal(outbox_start(fresh), 0);
	offer(g, 0, 30);
	outbox_stop(fresh, 50);
	struct export_counters c = counters(fresh);
	assert_int_equal(c.offered, 30);
	assert_int_equal(c.dropped[EXPORT_DROP_ABANDONED], 30);
	outbox_free(fresh);
	outbox_stop(old, 50);
	outbox_free(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_not_flushed),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_live_never_waits),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test_setup_teardown(test_hand_over, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_hand_over_too_late, make_dir, remove_dir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
