#include "config/checks.h"

#include <stdio.h>
#include <stdlib.h>

#include "capture/capture.h"
#include "capture/iface.h"
#include "config/binder.h"
#include "config/drafts.h"
#include "roundtrip/filter.h"
#include "util/number.h"

void check_ifaces(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	struct iface_match *match;
	char error[256] = "";
	const char *text = *(const char **)at;
	if (iface_match_new(text, &match, error))
		binder_error(b, n->at, path, "%s", error);
	else
		iface_match_free(match);
	if (!*text)
		*(const char **)at = "any";
}

void check_engine(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	const char *known[16] = { "pcap" }, *text = *(const char **)at;
	size_t len = 1;
	struct buf accepted = { 0 };
	const struct capture_engine *e = capture_engine_find(text);
	if (!*text || strcmp(text, "pcap") == 0 || (e && e->live))
		return;
	buf_adds(&accepted, "pcap (the best there is)");
	for (u32 i = 0; capture_engines[i] && len < ARRAY_LEN(known); i++) {
		if (!capture_engines[i]->live)
			continue;
		known[len++] = capture_engines[i]->name;
		buf_addf(&accepted, ", %s", capture_engines[i]->name);
	}
	binder_unknown(b, n->at, path, text, "no engine of this name", buf_cstr(&accepted), known, len);
	buf_done(&accepted);
}

/* Whether the name resolves is seen when the rule is used. */
void check_host(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:%";
	const char *text = *(const char **)at;
	struct buf q = { 0 };
	if (!text[strspn(text, letters)])
		return;
	finding_quote(&q, text);
	binder_error(b, n->at, path, "found %s; accepted: an IPv4 or IPv6 address, or a host name", buf_cstr(&q));
	buf_done(&q);
}

bool is_host_port(struct str s, bool host)
{
	u64 port;
	u32 colon = s.n;
	while (colon && s.p[colon - 1] != ':')
		colon--;
	if (!colon || !number_parse(str_make(s.p + colon, s.n - colon), &port) || port > UINT16_MAX)
		return false;
	struct str name = { s.p, colon - 1 };
	if (name.n == 0)
		return !host;
	bool bracketed = name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']';
	for (u32 i = 0; i < name.n; i++)
		if ((u8)name.p[i] <= ' ' || name.p[i] == '/' || (!bracketed && strchr("[]:", name.p[i])))
			return false;
	return true;
}

void check_address(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	const char *text = *(const char **)at;
	struct buf q = { 0 };
	u64 port;
	if (is_host_port(str_from(text), false))
		return;
	finding_quote(&q, text);
	if (number_parse(str_from(text), &port))
		binder_error(b, n->at, path, "found %s; accepted: host:port or :port; did you mean '127.0.0.1:%s'?", buf_cstr(&q), text);
	else
		binder_error(b, n->at, path, "found %s; accepted: host:port, [IPv6]:port or :port", buf_cstr(&q));
	buf_done(&q);
}

/* http[s]://[user:password@]host[:port][/…], without white space. */
static bool is_url(const char *text)
{
	const char *p = strncmp(text, "http://", 7) == 0 ? text + 7 : strncmp(text, "https://", 8) == 0 ? text + 8 : NULL;
	if (!p || text[strcspn(text, " \t\r\n\"<>")])
		return false;
	size_t n = strcspn(p, "/?#");
	struct str host = str_make(p, n);
	for (size_t i = 0; i < n; i++)
		if (p[i] == '@')
			host = str_make(p + i + 1, n - i - 1);
	bool bracketed = host.n && host.p[0] == '[';
	if (host.n && (bracketed ? host.p[host.n - 1] != ']' : memchr(host.p, ':', host.n) != NULL))
		return is_host_port(host, true);
	return host.n > 0;
}

void check_url(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	const char *text = *(const char **)at;
	struct buf q = { 0 };
	if (!*text || is_url(text))
		return;
	finding_quote(&q, text);
	binder_error(b, n->at, path, "found %s; accepted: a URL, such as %s", buf_cstr(&q), k->example ? k->example : "http://localhost:9090/");
	buf_done(&q);
}

void check_otlp_endpoint(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	if (!is_host_port(str_from(*(const char **)at), true))
		check_url(b, k, path, n, at);
}

void check_brokers(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	const char *text = *(const char **)at;
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, ",");
		struct str broker = str_make(p, len);
		while (broker.n && *broker.p == ' ')
			broker.p++, broker.n--;
		if (!is_host_port(broker, true)) {
			struct buf q = { 0 };
			finding_quote(&q, text);
			binder_error(b, n->at, path, "found %s; accepted: host:port, several separated by commas", buf_cstr(&q));
			buf_done(&q);
			return;
		}
		p += len + (p[len] == ',');
	}
}

void check_header(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const struct config_pair *pair = at;
	if (!*pair->name || pair->name[strspn(pair->name, token)])
		binder_error(b, n->at, path, "is no header name; accepted: letters, digits and !#$%%&'*+-.^_`|~");
	else if (pair->value[strcspn(pair->value, "\r\n")])
		binder_error(b, n->at, path, "a header's value cannot have line ends");
}

void check_label(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	static const char letters[] = "0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const struct config_pair *pair = at;
	const char *name = pair->name;
	if (!*name || (*name >= '0' && *name <= '9') || name[strspn(name, letters)] || strncmp(name, "__", 2) == 0)
		binder_error(b, n->at, path, "is no label name; accepted: letters, digits and _, not beginning with a digit or __");
}

void check_path_pattern(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	const struct config_texts *list = at;
	for (u32 i = 0; i < list->n; i++) {
		const char *p = list->v[i];
		bool good = *p == '/';
		bool open = false;
		for (; *p && good; p++) {
			if (*p == '{' || *p == '}') {
				good = open == (*p == '}');
				open = *p == '{';
			}
		}
		struct buf q = { 0 };
		finding_quote(&q, list->v[i]);
		if (!good || open)
			binder_error(b, n->at, path, "found %s; accepted: a path such as /users/{id}/orders", buf_cstr(&q));
		buf_done(&q);
	}
}

void check_expression(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	struct rt_filter *filter = NULL;
	struct buf why = { 0 };
	if (b->findings->errors >= FINDINGS_MAX)
		return;
	if (rt_filter_compile(*(const char **)at, &filter, &why)) {
		while (why.len && why.data[why.len - 1] == '\n')
			why.len--;
		binder_error(b, n->at, path, "%s", buf_cstr(&why));
	}
	rt_filter_free(filter);
	buf_done(&why);
}
