/* Watchers get what they asked for, lose what they do not read, and hold up nobody. SPDX-License-Identifier: Apache-2.0 */
#include "toy.h"

#include <errno.h>
#include <pthread.h>

#include "server/tap.h"

static void offer(struct tap *t, const struct toy *x, u32 n)
{
	struct view_sink *s = tap_sink(t, 0);
	struct view v = { .rt = &x->rt, .weight = 1 };
	for (u32 i = 0; i < n; i++)
		s->view(s, &v);
}

static struct tap *one_tap(void)
{
	struct tap_options o = { .workers = 1 };
	struct tap *t = tap_new(&o);
	assert_non_null(t);
	return t;
}

static void test_lines(void **state)
{
	struct toy x;
	struct buf out = { 0 };
	struct tap *t = one_tap();
	toy_http_example(&x);
	offer(t, &x, 3); /* nobody looks */
	struct tap_watcher *w = tap_watch(t, NULL);
	assert_int_equal(tap_watchers(t), 1);
	assert_int_equal(tap_read(w, &out, 10, 1), 0);
	offer(t, &x, 5);
	assert_int_equal(tap_read(w, &out, 2, 1000), 2);
	assert_int_equal(tap_read(w, &out, 10, 1000), 3);
	size_t lines = 0;
	for (size_t i = 0; i < out.len; i++)
		lines += out.data[i] == '\n';
	assert_int_equal(lines, 5);
	assert_true(json_valid(out.data, (size_t)((char *)memchr(out.data, '\n', out.len) - out.data)));
	assert_int_equal(tap_dropped(w), 0);
	tap_unwatch(w);
	assert_int_equal(tap_watchers(t), 0);
	buf_done(&out);
	tap_free(t);
}

static void test_filter(void **state)
{
	struct toy x;
	struct buf out = { 0 }, error = { 0 };
	struct rt_filter *f;
	struct tap *t = one_tap();
	toy_http_example(&x);
	assert_int_equal(rt_filter_compile_for(toy_protos, "http.status >= 500", &f, &error), 0);
	struct tap_watcher *w = tap_watch(t, f);
	offer(t, &x, 2);
	assert_int_equal(tap_read(w, &out, 10, 1), 0);
	x.http[1].status_code = 503;
	offer(t, &x, 2);
	assert_int_equal(tap_read(w, &out, 10, 1000), 2);
	tap_unwatch(w);
	buf_done(&out);
	tap_free(t);
}

static void test_slow_watcher(void **state)
{
	struct toy x;
	struct buf out = { 0 };
	struct tap *t = one_tap();
	toy_http_example(&x);
	struct tap_watcher *slow = tap_watch(t, NULL), *quick = tap_watch(t, NULL);
	u32 offered = 20000, read = 0;
	for (u32 i = 0; i < offered; i += 100) {
		offer(t, &x, 100);
		int n = tap_read(quick, &out, 100, 1000);
		assert_true(n > 0);
		read += (u32)n;
		out.len = 0;
	}
	assert_int_equal(read + tap_dropped(quick), offered);
	assert_int_equal(tap_dropped(quick), 0);
	assert_true(tap_dropped(slow) > 0);
	u32 kept = 0;
	for (int n; (n = tap_read(slow, &out, 1000, 1)) > 0; out.len = 0)
		kept += (u32)n;
	assert_int_equal(kept + tap_dropped(slow), offered);
	assert_int_equal(tap_dropped_total(t), tap_dropped(slow));
	tap_unwatch(slow);
	tap_unwatch(quick);
	assert_int_equal(tap_dropped_total(t), offered - kept);
	buf_done(&out);
	tap_free(t);
}

static void test_too_many(void **state)
{
	struct tap *t = one_tap();
	struct tap_watcher *w[TAP_WATCHERS_MAX];
	for (u32 i = 0; i < TAP_WATCHERS_MAX; i++)
		assert_non_null(w[i] = tap_watch(t, NULL));
	assert_null(tap_watch(t, NULL));
	tap_unwatch(w[3]);
	assert_non_null(w[3] = tap_watch(t, NULL));
	for (u32 i = 0; i < TAP_WATCHERS_MAX; i++)
		tap_unwatch(w[i]);
	tap_free(t);
}

static void test_recent(void **state)
{
	struct toy x;
	struct buf out = { 0 };
	struct tap *t = one_tap();
	toy_http_example(&x);
	assert_int_equal(tap_recent(t, &out, 10), 0);
	offer(t, &x, TAP_RECENT_RATE + 50); /* no more than the rate */
	x.http[1].status_code = 204;
	struct view_sink *s = tap_sink(t, 0);
	s->flush(s, 5 * NS_PER_SEC, false);
	offer(t, &x, 1);
	buf_addc(&out, '[');
	assert_int_equal(tap_recent(t, &out, TAP_RECENT_MAX), TAP_RECENT_RATE + 1);
	buf_addc(&out, ']');
	assert_true(json_valid(out.data, out.len));
	assert_non_null(memmem(out.data, MIN(out.len, 900), "\"StatusCode\":204", 16)); /* the newest is the first */
	out.len = 0;
	for (u32 second = 6; second < 12; second++) { /* the ring goes round */
		s->flush(s, second * NS_PER_SEC, false);
		offer(t, &x, TAP_RECENT_RATE);
	}
	assert_int_equal(tap_recent(t, &out, 10000), TAP_RECENT_MAX);
	buf_done(&out);
	tap_free(t);
}

static void *close_later(void *arg)
{
	usleep(20000);
	tap_close(arg);
	return NULL;
}

static void test_close(void **state)
{
	struct buf out = { 0 };
	struct tap *t = one_tap();
	pthread_t thread;
	struct tap_watcher *w = tap_watch(t, NULL);
	assert_int_equal(pthread_create(&thread, NULL, close_later, t), 0);
	assert_int_equal(tap_read(w, &out, 1, 60000), -EPIPE); /* woken, long before its time */
	pthread_join(thread, NULL);
	assert_null(tap_watch(t, NULL));
	tap_unwatch(w);
	tap_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),   cmocka_unit_test(test_filter), cmocka_unit_test(test_slow_watcher),
		cmocka_unit_test(test_too_many), cmocka_unit_test(test_recent), cmocka_unit_test(test_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
