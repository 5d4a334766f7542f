#include "server/reach.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_loopback(const struct sockaddr *a)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	switch (a ? a->sa_family : AF_UNSPEC) {
	case AF_INET:
		memcpy(&v4, a, sizeof(v4));
		return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		memcpy(&v6, a, sizeof(v6));
		return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) || (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
	default:
		return false;
	}
}

/* An address, or localhost. Any other name may have been made to mean this host by whoever owns it, so that its web pages can ask here
 * what only this host may know. */
static bool is_own_name(const char *text)
{
	char host[64];
	struct in6_addr any;
	size_t n = strcspn(text, text[0] == '[' ? "]" : ":");
	if (text[0] == '[') {
		text++;
		n--;
	}
	if (n >= sizeof(host))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)n, text);
	return strcasecmp(host, "localhost") == 0 || inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

/* A browser says whose page asks: "http://127.0.0.1:9091". */
static bool is_other_page(const char *origin, const char *host)
{
	const char *at = strstr(origin, "://");
	return !at || !host || strcasecmp(at + 3, host) != 0;
}

const char *reach_refusal(const struct reach *r)
{
	if (r->origin && is_other_page(r->origin, r->host))
		return "a web page from elsewhere asks";
	if (r->known)
		return NULL;
	if (!is_loopback(r->peer))
		return "without credentials (server.auth, server.tls.caFile) only this host may, at a loopback address";
	if (r->forwarded)
		return "without credentials (server.auth, server.tls.caFile) only this host may, not what a proxy passes on";
	if (r->host && !is_own_name(r->host))
		return "without credentials (server.auth, server.tls.caFile) ask by address or as localhost, not by another name";
	return NULL;
}
