#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/sandbox.h"

/* Runs `body` in a child, for what it does cannot be undone; its result is the exit code. */
static int in_child(int (*body)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int drops_capabilities(void)
{
	static const struct sandbox_options o = { .write_files = true };
	if (sandbox_drop_rights(&o))
		return 1;
	if (sandbox_may_capture())
		return 2;
	if (socket(AF_PACKET, SOCK_RAW, 0) >= 0 || errno != EPERM)
		return 3;
	return 0;
}

static int keeps_raw(void)
{
	static const struct sandbox_options o = { .write_files = true, .open_captures = true };
	if (sandbox_drop_rights(&o))
		return 1;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0)
		return 2;
	if (setuid(1234) == 0)
		return 3; /* CAP_SETUID is gone */
	return 0;
}

static int becomes_nobody(void)
{
	static const struct sandbox_options o = { 0 };
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	if (sandbox_drop_rights(&o))
		return 1;
	return getuid() == 65534 && geteuid() == 65534 && getgid() == 65534 && !sandbox_may_capture() ? 0 : 2;
}

static int becomes_caller_and_keeps_raw(void)
{
	static const struct sandbox_options o = { .open_captures = true };
	setenv("SUDO_UID", "4321", 1);
	setenv("SUDO_GID", "8765", 1);
	if (sandbox_drop_rights(&o))
		return 1;
	if (getuid() != 4321 || getgid() != 8765)
		return 2;
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0 ? 0 : 3;
}

static void test_rights(void **state)
{
	if (geteuid() != 0 || !sandbox_may_capture())
		skip();
	assert_int_equal(in_child(drops_capabilities), 0);
	assert_int_equal(in_child(keeps_raw), 0);
}

static bool limited; /* this build limits system calls and changes users */

static void *thread(void *arg)
{
	struct timespec t;
	char *p = malloc(1 << 20);
	memset(p, 1, 1 << 20);
	free(p);
	clock_gettime(CLOCK_MONOTONIC, &t);
	return arg;
}

/* What the program goes on doing works, what an intruder would want does not. */
static int calls(bool files, bool captures)
{
	struct sandbox_options o = { .write_files = files, .open_captures = captures };
	pthread_t t;
	void *got;
	char *argv[] = { NULL };
	char name[64];
	snprintf(name, sizeof(name), "/tmp/packetd-sandbox-%d", (int)getpid());
	if (sandbox_limit_calls(&o))
		return 1;
	if (pthread_create(&t, NULL, thread, name) || pthread_join(t, &got) || got != name)
		return 2;
	int fd = open("/dev/null", O_RDONLY);
	if (fd < 0)
		return 3;
	fd = open(name, O_WRONLY | O_CREAT, 0600);
	if ((fd >= 0) != files)
		return 4;
	if (files && unlink(name))
		return 5;
	if (execve("/bin/true", argv, argv) == 0 || errno != EPERM)
		return 6;
	if (fork() >= 0)
		return 8;
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if ((fd >= 0) != captures)
		return 7;
	return 0;
}

static int calls_none(void)
{
	return calls(false, false);
}

static int calls_files(void)
{
	return calls(true, false);
}

static int calls_captures(void)
{
	return calls(false, true);
}

static int probe_limited(void)
{
	static const struct sandbox_options o = { 0 };
	char *argv[] = { NULL };
	if (sandbox_limit_calls(&o))
		return 0;
	return execve("/nonexistent", argv, argv) < 0 && errno == EPERM;
}

static void test_calls(void **state)
{
	limited = in_child(probe_limited) == 1;
	if (!limited)
		skip(); /* sanitizers, or a kernel that cannot */
	assert_int_equal(in_child(calls_none), 0);
	assert_int_equal(in_child(calls_files), 0);
	assert_int_equal(in_child(calls_captures), 0);
}

static void test_user(void **state)
{
	if (geteuid() != 0 || !sandbox_may_capture() || !limited)
		skip();
	assert_int_equal(in_child(becomes_nobody), 0);
	assert_int_equal(in_child(becomes_caller_and_keeps_raw), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rights), cmocka_unit_test(test_calls), cmocka_unit_test(test_user) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
