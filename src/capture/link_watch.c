#include "capture/link_watch.h"

#include <errno.h>

#ifdef __linux__
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

int link_watch_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/* What has changed does not matter, nor that messages were lost (ENOBUFS): whoever asks looks at all interfaces. */
bool link_watch_changed(int fd)
{
	char message[8192];
	bool changed = false;
	if (fd < 0)
		return false;
	for (;;) {
		ssize_t n = recv(fd, message, sizeof(message), 0);
		if (n < 0 && errno != ENOBUFS)
			return changed;
		changed = true;
		if (n == 0)
			return changed;
	}
}
#else
int link_watch_open(void)
{
	return -ENOSYS;
}

bool link_watch_changed(int fd)
{
	return false;
}
#endif
