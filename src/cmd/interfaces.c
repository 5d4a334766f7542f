#include "cmd/interfaces.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/iface.h"

static int mask_bits(const struct sockaddr *mask)
{
	const u8 *p;
	size_t n;
	int bits = 0;
	if (!mask)
		return 0;
	if (mask->sa_family == AF_INET6) {
		p = ((const struct sockaddr_in6 *)(const void *)mask)->sin6_addr.s6_addr;
		n = 16;
	} else {
		p = (const u8 *)&((const struct sockaddr_in *)(const void *)mask)->sin_addr;
		n = 4;
	}
	for (size_t i = 0; i < n; i++)
		bits += __builtin_popcount(p[i]);
	return bits;
}

static bool format_address(const struct ifaddrs *a, char out[64])
{
	char text[INET6_ADDRSTRLEN];
	const void *p;
	if (!a->ifa_addr)
		return false;
	if (a->ifa_addr->sa_family == AF_INET)
		p = &((const struct sockaddr_in *)(const void *)a->ifa_addr)->sin_addr;
	else if (a->ifa_addr->sa_family == AF_INET6)
		p = &((const struct sockaddr_in6 *)(const void *)a->ifa_addr)->sin6_addr;
	else
		return false;
	if (!inet_ntop(a->ifa_addr->sa_family, p, text, sizeof(text)))
		return false;
	snprintf(out, 64, "%s/%d", text, mask_bits(a->ifa_netmask));
	return true;
}

int interfaces_list(struct buf *out)
{
	struct if_nameindex *names = if_nameindex();
	struct ifaddrs *all;
	char text[64];
	if (!names)
		return -errno;
	if (getifaddrs(&all) < 0) {
		int rc = -errno;
		if_freenameindex(names);
		return rc;
	}
	for (struct if_nameindex *i = names; i->if_index; i++) {
		bool first = true;
		for (struct ifaddrs *a = all; a; a = a->ifa_next) {
			if (strcmp(a->ifa_name, i->if_name) != 0 || !format_address(a, text))
				continue;
			if (first)
				buf_addf(out, "- %s: [%s", i->if_name, text);
			else
				buf_addf(out, " %s", text);
			first = false;
		}
		if (!first)
			buf_adds(out, "]\n");
	}
	freeifaddrs(all);
	if_freenameindex(names);
	return 0;
}

int interfaces_check(const char *wanted, struct buf *message)
{
	struct iface_match *match;
	struct iface *list;
	size_t n;
	char error[256] = "";
	int rc = iface_match_new(wanted, &match, error);
	if (!rc && iface_list(&list, &n) == 0) { /* that cannot be listed is for the engine to say */
		rc = iface_match_check(match, list, n, error);
		free(list);
	}
	if (rc != -EINVAL && rc != -ENOMEM)
		iface_match_free(match);
	if (rc)
		buf_adds(message, error);
	return rc == -EAGAIN ? 0 : rc;
}
