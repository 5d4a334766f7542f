#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/queue.h"

static void test_order_and_bound(void **state)
{
	struct queue q;
	int v[3];
	assert_int_equal(queue_init(&q, 2), 0);
	assert_true(queue_push(&q, &v[0], false));
	assert_true(queue_push(&q, &v[1], false));
	assert_false(queue_push(&q, &v[2], false));
	assert_int_equal(queue_len(&q), 2);
	assert_ptr_equal(queue_pop(&q, 0), &v[0]);
	assert_true(queue_push(&q, &v[2], false));
	assert_ptr_equal(queue_pop_newest(&q), &v[2]);
	assert_ptr_equal(queue_pop(&q, 0), &v[1]);
	assert_null(queue_pop(&q, 0));
	assert_null(queue_pop_newest(&q));
	assert_int_equal(q.peak, 2);
	queue_done(&q);
}

static void test_pop_waits_no_longer_than_told(void **state)
{
	struct queue q;
	struct timespec a, b;
	queue_init(&q, 1);
	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_null(queue_pop(&q, 30));
	clock_gettime(CLOCK_MONOTONIC, &b);
	i64 ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	assert_in_range(ms, 29, 5000);
	queue_done(&q);
}

static void test_close_drains(void **state)
{
	struct queue q;
	int v;
	queue_init(&q, 2);
	queue_push(&q, &v, false);
	queue_close(&q);
	assert_true(queue_closed(&q));
	assert_false(queue_push(&q, &v, true)); /* does not wait for ever */
	assert_ptr_equal(queue_pop(&q, -1), &v);
	assert_null(queue_pop(&q, -1));
	queue_done(&q);
}

#define PER_PRODUCER 20000

static struct queue shared;

static void *produce(void *arg)
{
	for (uintptr_t i = 1; i <= PER_PRODUCER; i++)
		queue_push(&shared, (void *)(i | (uintptr_t)arg << 32), true);
	return NULL;
}

/* Three producers that block on a small queue: everything arrives, each producer's items in order. */
static void test_threads(void **state)
{
	pthread_t t[3];
	uintptr_t next[3] = { 1, 1, 1 };
	queue_init(&shared, 4);
	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, produce, (void *)i);
	for (int n = 0; n < 3 * PER_PRODUCER; n++) {
		uintptr_t item = (uintptr_t)queue_pop(&shared, 10000);
		assert_true(item != 0);
		assert_int_equal(item & 0xffffffff, next[item >> 32]++);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(queue_len(&shared), 0);
	assert_in_range(shared.peak, 1, 4);
	queue_done(&shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_bound),
		cmocka_unit_test(test_pop_waits_no_longer_than_told),
		cmocka_unit_test(test_close_drains),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
