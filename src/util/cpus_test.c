#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/cpus.h"

static void test_quota(void **state)
{
	assert_int_equal(cpus_of_quota("max 100000\n"), 0);
	assert_int_equal(cpus_of_quota("200000 100000\n"), 2);
	assert_int_equal(cpus_of_quota("150000 100000"), 2);
	assert_int_equal(cpus_of_quota("5000 100000"), 1);
	assert_int_equal(cpus_of_quota("-1 100000"), 0);
	assert_int_equal(cpus_of_quota("100000 0"), 0);
	assert_int_equal(cpus_of_quota("nonsense"), 0);
	assert_int_equal(cpus_of_quota("9223372036854775 1"), 4096);
}

static void test_affinity(void **state)
{
	cpu_set_t before, one;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	assert_in_range(cpus_available(), 1, CPU_COUNT(&before));
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &before))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(cpus_available(), 1);
	sched_setaffinity(0, sizeof(before), &before);
}

/* What a child has for a priority after it came with `nice`; as its exit code + 20. */
static int priority_after(int nice_before, bool root)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (setpriority(PRIO_PROCESS, 0, nice_before) || (!root && setuid(65534)))
			_exit(99);
		cpus_come_first();
		_exit(getpriority(PRIO_PROCESS, 0) + 20);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) - 20;
}

static void test_priority(void **state)
{
	if (geteuid() != 0 || getpriority(PRIO_PROCESS, 0) != 0)
		skip();
	assert_in_range(priority_after(0, true) + 20, 0, 20);
	assert_int_equal(priority_after(3, true), 3); /* somebody's choice */
	assert_int_equal(priority_after(0, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_quota), cmocka_unit_test(test_affinity), cmocka_unit_test(test_priority) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
