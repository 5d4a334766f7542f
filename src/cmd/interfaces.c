#include "cmd/interfaces.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/suggest.h"

#define NAMES_MAX 1024

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

static bool plain_name(struct str name)
{
	for (u32 i = 0; i < name.n; i++)
		if (strchr("^$*+?()[]{}|\\", name.p[i]))
			return false;
	return true;
}

static int check_name(struct str name, const struct if_nameindex *names, struct buf *message)
{
	const char *known[NAMES_MAX];
	char word[64];
	size_t n = 0;
	for (const struct if_nameindex *i = names; i->if_index && n < NAMES_MAX; i++) {
		if (str_eq(name, str_from(i->if_name)))
			return 0;
		known[n++] = i->if_name;
	}
	snprintf(word, sizeof(word), "%.*s", STR_ARG(name));
	const char *close = suggest(word, known, n);
	buf_addf(message, "no such interface: %s", word);
	if (close)
		buf_addf(message, " (did you mean %s?)", close);
	buf_adds(message, "; there are: any");
	for (size_t i = 0; i < n; i++)
		buf_addf(message, ", %s", known[i]);
	return -ENODEV;
}

static int check_expression(const char *wanted, const struct if_nameindex *names, struct buf *message)
{
	struct buf anchored = { 0 };
	regex_t re;
	buf_addf(&anchored, "^(%s)$", wanted);
	int rc = regcomp(&re, buf_cstr(&anchored), REG_EXTENDED | REG_NOSUB);
	buf_done(&anchored);
	if (rc) {
		char why[128];
		regerror(rc, NULL, why, sizeof(why));
		buf_addf(message, "bad regular expression '%s' for interfaces: %s", wanted, why);
		return -EINVAL;
	}
	rc = -EAGAIN;
	for (const struct if_nameindex *i = names; i->if_index && rc; i++)
		rc = regexec(&re, i->if_name, 0, NULL, 0) == 0 ? 0 : -EAGAIN;
	regfree(&re);
	if (rc)
		buf_addf(message, "no interface matches '%s' yet", wanted);
	return rc;
}

int interfaces_check(const char *wanted, struct buf *message)
{
	if (!wanted || !*wanted || strcmp(wanted, "any") == 0)
		return 0;
	struct if_nameindex *names = if_nameindex();
	if (!names)
		return 0;
	int rc = 0;
	if (!plain_name(str_from(wanted))) {
		rc = check_expression(wanted, names, message);
	} else {
		for (const char *p = wanted; !rc && *p; p += *p == ',') {
			size_t n = strcspn(p, ",");
			rc = n ? check_name(str_make(p, n), names, message) : 0;
			p += n;
		}
	}
	if_freenameindex(names);
	return rc;
}
