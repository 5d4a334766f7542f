/* What systemd wants to know of a service (sd_notify(3), a datagram each), and its watchdog. Without NOTIFY_SOCKET all of this does nothing. */
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cmd/agent.h"
#include "util/clock.h"

static int open_socket(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	if (n == 0 || n >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return -1;
	memcpy(to.sun_path, path, n);
	if (path[0] == '@') /* an abstract name */
		to.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void agent_open_notify(struct agent *a)
{
	const char *path = getenv("NOTIFY_SOCKET"), *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	a->notify_fd = path ? open_socket(path) : -1;
	if (usec && (!pid || strtol(pid, NULL, 10) == getpid()))
		a->watchdog = strtoull(usec, NULL, 10) * NS_PER_US;
	/* Not for children, of which there are none. */
	unsetenv("NOTIFY_SOCKET");
}

void agent_notify(struct agent *a, const char *state)
{
	if (a->notify_fd >= 0 && send(a->notify_fd, state, strlen(state), MSG_NOSIGNAL) < 0)
		return; /* nobody listens any more */
}

void agent_alive(struct agent *a, u32 worker)
{
	if (a->watchdog)
		atomic_store_explicit(&a->alive_at[worker], clock_ns(CLOCK_MONOTONIC), memory_order_relaxed);
}

void agent_feed_watchdog(struct agent *a)
{
	u64 now = clock_ns(CLOCK_MONOTONIC);
	if (!a->watchdog || now - a->fed_at < a->watchdog / 4)
		return;
	for (u32 w = 0; a->live && w < a->workers; w++) { /* a capture's may wait for a back end */
		u64 at = atomic_load_explicit(&a->alive_at[w], memory_order_relaxed);
		if (at && now > at && now - at > a->watchdog / 2)
			return; /* it hangs, and the service is to be started again */
	}
	a->fed_at = now;
	agent_notify(a, "WATCHDOG=1");
}

void agent_close_notify(struct agent *a)
{
	if (a->notify_fd >= 0)
		close(a->notify_fd);
	a->notify_fd = -1;
}
