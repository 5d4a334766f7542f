#include "process/rules.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>

#include "util/suggest.h"

#define HOSTS_MAX 16        /* addresses of one name */
#define FILTER_RULES_MAX 64 /* beyond, the filter would outgrow what the kernel takes */

/* What carries other packets, or is only part of one, passes: who decodes it decides.
 * Other link-layer types (VLAN, MPLS, PPPoE), IPv4 fragments after the first, IPIP, 6in4, GRE, MPLS in IP, IPv6 with anything
 * but TCP, UDP and ICMP inside (extension headers, fragments, tunnels), the ports of VXLAN, GENEVE, GTP, GRE and MPLS over
 * UDP, and ICMP errors. */
static const char envelopes[] =
	"(not ip and not ip6 and not arp) or (ip[6:2] & 0x1fff != 0) or ip proto 4 or ip proto 41 or ip proto 47 or ip proto 137"
	" or (ip6 and ip6[6] != 6 and ip6[6] != 17 and ip6[6] != 58)"
	" or udp dst portrange 4789-4790 or udp dst port 8472 or udp dst port 6081 or udp dst port 2152 or udp dst port 4754"
	" or udp dst port 6635 or (icmp and icmp[0] = 3) or (ip6 and ip6[6] = 58 and ip6[40] < 128)";

struct hosts {
	struct ip_addr v[HOSTS_MAX];
	u32 n;
};

static struct str trim(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* The text up to `separator`, trimmed; *rest is what follows it. False when there is nothing left. */
static bool part(struct str *rest, char separator, struct str *ret)
{
	if (!rest->p)
		return false;
	const char *end = rest->n ? memchr(rest->p, separator, rest->n) : NULL;
	u32 n = end ? (u32)(end - rest->p) : rest->n;
	*ret = trim(str_make(rest->p, n));
	*rest = end ? str_make(end + 1, rest->n - n - 1) : (struct str){ 0 };
	return true;
}

static int unknown_protocol(struct str name, struct buf *error)
{
	const char *names[PROTO_MAX];
	char word[64];
	size_t n = 0;
	for (const struct proto *const *p = proto_all; *p; p++)
		names[n++] = (*p)->name;
	snprintf(word, sizeof(word), "%.*s", STR_ARG(name));
	const char *close = suggest(word, names, n);
	buf_addf(error, "unsupported protocol (%s)", word);
	if (close)
		buf_addf(error, "; did you mean %s?", close);
	buf_adds(error, " There are:");
	for (size_t i = 0; i < n; i++)
		buf_addf(error, "%s %s", i ? "," : "", names[i]);
	return -EINVAL;
}

static void add_host(struct hosts *hosts, struct ip_addr ip)
{
	for (u32 i = 0; i < hosts->n; i++)
		if (memcmp(&hosts->v[i], &ip, sizeof(ip)) == 0)
			return;
	if (hosts->n < HOSTS_MAX)
		hosts->v[hosts->n++] = ip;
}

static int resolve(struct str name, struct hosts *hosts, struct buf *error)
{
	static const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL;
	struct ip_addr ip;
	char text[256];
	if (ip_parse(name, &ip)) {
		add_host(hosts, ip);
		return 0;
	}
	snprintf(text, sizeof(text), "%.*s", STR_ARG(name));
	if (strspn(text, "0123456789.") == strlen(text)) { /* the resolver takes 10.0.0 for 10.0.0.0 */
		buf_addf(error, "invalid host '%s': an IPv4 address has four numbers", text);
		return -EINVAL;
	}
	int rc = getaddrinfo(text, NULL, &hints, &all);
	if (rc) {
		buf_addf(error, "unknown host '%s': %s", text, gai_strerror(rc));
		return -EINVAL;
	}
	for (struct addrinfo *a = all; a; a = a->ai_next) {
		memset(&ip, 0, sizeof(ip));
		if (a->ai_family == AF_INET6) {
			memcpy(ip.b, &((struct sockaddr_in6 *)(void *)a->ai_addr)->sin6_addr, 16);
		} else if (a->ai_family == AF_INET) {
			ip.b[10] = ip.b[11] = 0xff;
			memcpy(ip.b + 12, &((struct sockaddr_in *)(void *)a->ai_addr)->sin_addr, 4);
		} else {
			continue;
		}
		add_host(hosts, ip);
	}
	freeaddrinfo(all);
	return 0;
}

static int add_rules(struct rules *r, const struct proto *proto, u16 port, const struct hosts *hosts, struct buf *error)
{
	for (u32 i = 0; i < MAX(hosts->n, 1); i++) {
		if (r->n == SESSION_RULES_MAX) {
			buf_addf(error, "too many rules: at most %d ports and hosts in all", SESSION_RULES_MAX);
			return -E2BIG;
		}
		r->v[r->n++] = (struct proto_rule){ .proto = proto, .port = port, .has_host = hosts->n > 0 };
		if (hosts->n)
			r->v[r->n - 1].host = hosts->v[i];
	}
	return 0;
}

static bool parse_port(struct str text, u16 *ret)
{
	u32 v = 0;
	for (u32 i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9' || v > 65535)
			return false;
		v = v * 10 + (u32)(text.p[i] - '0');
	}
	*ret = (u16)v;
	return text.n && v >= 1 && v <= 65535;
}

int rules_add(struct rules *r, const char *text, struct buf *error)
{
	struct str rest = str_from(text), name, ports = { 0 }, host = { 0 }, word;
	struct hosts hosts = { 0 };
	part(&rest, ';', &name);
	bool has_ports = part(&rest, ';', &ports), has_host = part(&rest, ';', &host);
	if (!name.n || rest.p || (has_host && !host.n)) {
		buf_addf(error, "invalid --proto input '%s', expected 'protocol', 'protocol;ports' or 'protocol;ports;host' ('http;80,8080;127.0.0.1')", text);
		return -EINVAL;
	}
	const struct proto *proto = proto_find(name);
	if (!proto)
		return unknown_protocol(name, error);
	int rc = has_host ? resolve(host, &hosts, error) : 0;
	if (rc || !has_ports || (has_host && !ports.n))
		return rc ? rc : add_rules(r, proto, 0, &hosts, error);
	while (!rc && part(&ports, ',', &word)) {
		u16 port;
		if (!parse_port(word, &port)) {
			buf_addf(error, "invalid port '%.*s' in protocol '%s', port must between 1-65535", STR_ARG(word), text);
			return -EINVAL;
		}
		rc = add_rules(r, proto, port, &hosts, error);
	}
	return rc;
}

static void add_transport(struct buf *out, const struct proto_rule *rule, const char *transport)
{
	buf_adds(out, transport);
	if (rule->port)
		buf_addf(out, " port %u", rule->port);
}

static void add_rule(struct buf *out, const struct proto_rule *rule)
{
	bool tcp = rule->proto->transports & OVER_TCP, udp = rule->proto->transports & OVER_UDP;
	buf_adds(out, "((");
	if (tcp)
		add_transport(out, rule, "tcp");
	if (udp)
		add_transport(out, rule, tcp ? " or udp" : "udp");
	buf_addc(out, ')');
	if (rule->has_host) {
		char host[46];
		size_t n = ip_format(&rule->host, host);
		buf_addf(out, " and host %.*s", (int)n, host);
	}
	buf_adds(out, ") or ");
}

bool rules_filter(const struct rules *r, struct buf *out)
{
	if (!r->n || r->n > FILTER_RULES_MAX)
		return false;
	for (u32 i = 0; i < r->n; i++)
		if (!r->v[i].port && !r->v[i].has_host)
			return false;
	for (u32 i = 0; i < r->n; i++)
		add_rule(out, &r->v[i]);
	buf_adds(out, envelopes);
	return true;
}
