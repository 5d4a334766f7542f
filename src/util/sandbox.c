#include "util/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define NOBODY 65534

bool sandbox_may_capture(void)
{
	return capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW);
}

/* A user id that sudo has left in the environment; NOBODY without. */
static unsigned caller_id(const char *variable)
{
	const char *text = getenv(variable);
	char *end;
	unsigned long id = text ? strtoul(text, &end, 10) : 0;
	return text && *text && !*end && id > 0 && id < UINT32_MAX ? (unsigned)id : NOBODY;
}

static int drop_capabilities(const struct sandbox_options *o)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (o->open_captures)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_RAW);
	/* The bounding set can only be emptied by who has CAP_SETPCAP; without it there is nothing to gain from it either. */
	if (capng_apply(CAPNG_SELECT_BOTH) == 0 || capng_apply(CAPNG_SELECT_CAPS) == 0)
		return 0;
	return -EPERM;
}

int sandbox_drop_rights(const struct sandbox_options *o)
{
	bool keep_raw = o->open_captures && sandbox_may_capture();
	struct sandbox_options wanted = { .open_captures = keep_raw };
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (geteuid() == 0 && !o->write_files && !SANITIZED) {
		capng_clear(CAPNG_SELECT_BOTH);
		if (keep_raw)
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_RAW);
		if (capng_change_id((int)caller_id("SUDO_UID"), (int)caller_id("SUDO_GID"), CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) == 0)
			return 0;
	}
	return drop_capabilities(&wanted);
}

/* --- system calls --- */

/* What any observer does: read, write, wait, memory, threads, time, its own end. */
static const int always[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(lseek), SCMP_SYS(close),
	SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(fcntl), SCMP_SYS(dup), SCMP_SYS(fadvise64), SCMP_SYS(getdents64),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_create1), SCMP_SYS(eventfd2), SCMP_SYS(signalfd4), SCMP_SYS(pipe2),
	SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(madvise), SCMP_SYS(brk),
	SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(set_tid_address), SCMP_SYS(gettid),
	SCMP_SYS(tgkill), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_setaffinity), SCMP_SYS(membarrier), SCMP_SYS(prctl),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(restart_syscall), SCMP_SYS(sigaltstack),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
	SCMP_SYS(getpid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getrusage), SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(prlimit64),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(getsockname),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
};

static const int for_interfaces[] = { SCMP_SYS(socket), SCMP_SYS(access) };

static const int for_captures[] = { SCMP_SYS(socket), SCMP_SYS(bind), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(connect), SCMP_SYS(access) };

static const int for_files[] = {
	SCMP_SYS(ftruncate), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(stat), SCMP_SYS(readlink), SCMP_SYS(fsync),
};

static const int for_network[] = {
	SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(connect), SCMP_SYS(shutdown),
	SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg), SCMP_SYS(getpeername), SCMP_SYS(sendfile), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(stat), SCMP_SYS(readlink), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(inotify_init1), SCMP_SYS(inotify_add_watch),
	SCMP_SYS(inotify_rm_watch), SCMP_SYS(clock_getres), SCMP_SYS(getegid), SCMP_SYS(getgid), SCMP_SYS(fdatasync), SCMP_SYS(pwrite64), SCMP_SYS(flock), SCMP_SYS(fallocate),
};

static int allow(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	int rc = 0;
	for (size_t i = 0; i < n && !rc; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	return rc;
}

/* ioctl only to ask: terminal size, bytes waiting, interface names, indices, flags, types and time stamps. */
static int allow_ioctl(scmp_filter_ctx ctx)
{
	static const u32 requests[] = { 0x5401 /* TCGETS */, 0x5413 /* TIOCGWINSZ */, 0x541b /* FIONREAD */, 0x8910 /* SIOCGIFNAME */, 0x8913 /* SIOCGIFFLAGS */,
					0x8921 /* SIOCGIFMTU */, 0x8927 /* SIOCGIFHWADDR */, 0x8933 /* SIOCGIFINDEX */, 0x8946 /* SIOCETHTOOL */ };
	int rc = 0;
	for (size_t i = 0; i < ARRAY_LEN(requests) && !rc; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, requests[i]));
	return rc;
}

/* Threads, no processes. clone3 hides its flags in memory: the C library takes clone where it does not exist. */
static int allow_threads(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	return rc ? rc : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int allow_open(scmp_filter_ctx ctx, bool writing)
{
	struct scmp_arg_cmp open_read = SCMP_A1(SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDONLY), openat_read = SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDONLY);
	if (writing)
		return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 0);
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, openat_read);
	return rc ? rc : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, open_read);
}

int sandbox_limit_calls(const struct sandbox_options *o)
{
	if (SANITIZED)
		return 0;
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!ctx)
		return -ENOSYS;
	int rc = allow(ctx, always, ARRAY_LEN(always));
	if (!rc)
		rc = allow_ioctl(ctx);
	if (!rc)
		rc = allow_threads(ctx);
	if (!rc)
		rc = allow_open(ctx, o->write_files);
	if (!rc && o->ask_interfaces)
		rc = allow(ctx, for_interfaces, ARRAY_LEN(for_interfaces));
	if (!rc && o->open_captures)
		rc = allow(ctx, for_captures, ARRAY_LEN(for_captures));
	if (!rc && o->network)
		rc = allow(ctx, for_network, ARRAY_LEN(for_network));
	if (!rc && o->write_files)
		rc = allow(ctx, for_files, ARRAY_LEN(for_files));
	if (!rc)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc;
}
