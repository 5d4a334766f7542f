#include "config/finish.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>

#include "config/checks.h"
#include "roundtrip/session.h"
#include "util/suggest.h"

#define NAMES_MAX 1024
#define LOG_FILE "packetd.log"

struct finish {
	struct binder *b;
	struct config *c;
	const struct node *const *given;
};

static const struct node *given(const struct finish *f, const char *path)
{
	const struct key *k = schema_find(&schema_root, path);
	return k ? f->given[k - schema_root.keys] : NULL;
}

static const struct node *given_below(const struct finish *f, const char *prefix, const char *name)
{
	char path[PATH_TEXT_MAX];
	binder_path(path, "%s.%s", prefix, name);
	const struct node *n = given(f, path);
	return n && n->kind == NODE_SCALAR && !*n->text ? NULL : n; /* "" is as good as not there */
}

static struct config_place place(const struct node *n)
{
	return n ? n->at : (struct config_place){ 0 };
}

static void finish_logger(struct finish *f)
{
	struct config_logger *l = &f->c->logger;
	if (!given(f, "logger.stdout") && *l->filename)
		l->to_stdout = false;
	else if (l->to_stdout && *l->filename && strcmp(l->filename, LOG_FILE) != 0) /* which old files have beside it */
		binder_warning(f->b, given(f, "logger.filename")->at, "logger.filename", "has no effect while logger.stdout is true");
	if (!*l->filename)
		l->filename = LOG_FILE;
}

static void finish_histograms(struct finish *f, bool vm)
{
	const struct node *old = given(f, "metricsStorage.vmHistogram");
	if (vm && given(f, "metricsStorage.histograms"))
		binder_error(f->b, old->at, "metricsStorage.vmHistogram", "given together with metricsStorage.histograms; one of them is enough");
	else if (vm)
		f->c->metrics.histogram = HISTOGRAM_VMRANGE;
}

/* A certificate has a key, a password a user, and there is one way to say who one is. */
static void finish_credentials(struct finish *f, const char *where, const struct config_tls *tls, const struct config_auth *auth)
{
	const struct node *cert = given_below(f, where, "tls.certFile"), *key = given_below(f, where, "tls.keyFile");
	const struct node *user = given_below(f, where, "auth.username"), *password = given_below(f, where, "auth.password");
	const struct node *file = given_below(f, where, "auth.passwordFile"), *token = given_below(f, where, "auth.bearerToken");
	const struct node *token_file = given_below(f, where, "auth.bearerTokenFile");
	char path[PATH_TEXT_MAX];
	binder_path(path, "%s.tls", where);
	if (!*tls->cert_file != !*tls->key_file)
		binder_error(f->b, place(cert ? cert : key), path, "certFile and keyFile belong together: %s is missing", *tls->cert_file ? "keyFile" : "certFile");
	binder_path(path, "%s.auth", where);
	if (password && file)
		binder_error(f->b, file->at, path, "password and passwordFile are both given; one of them is enough");
	if (token && token_file)
		binder_error(f->b, token_file->at, path, "bearerToken and bearerTokenFile are both given; one of them is enough");
	if (*auth->password && !*auth->username)
		binder_error(f->b, place(password ? password : file), path, "a password without a username");
	if (*auth->username && !*auth->password)
		binder_error(f->b, place(user), path, "a username without a password");
	if (*auth->username && *auth->bearer && strcmp(where, "server") != 0)
		binder_error(f->b, place(user), path, "a username and a bearer token; only one of them can be sent");
}

/* Of "host:port" or "[v6]:port"; what is neither has been complained about. */
static bool is_loopback(const char *address)
{
	const char *colon = strrchr(address, ':');
	if (!is_host_port(str_from(address), false))
		return true;
	size_t n = colon ? (size_t)(colon - address) : 0;
	struct in6_addr v6;
	char host[64];
	if (n >= 2 && address[0] == '[') {
		address++;
		n -= 2;
	}
	if (n >= sizeof(host))
		return false;
	memcpy(host, address, n);
	host[n] = '\0';
	if (strcasecmp(host, "localhost") == 0 || (inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6)))
		return true;
	return strncmp(host, "127.", 4) == 0 && inet_pton(AF_INET, host, &v6) == 1;
}

static void finish_server(struct finish *f)
{
	const struct config_server *s = &f->c->server;
	const struct node *address = given(f, "server.address"), *ca = given_below(f, "server", "tls.caFile");
	finish_credentials(f, "server", &s->tls, &s->auth);
	if (ca && !*s->tls.cert_file && !*s->tls.key_file)
		binder_error(f->b, ca->at, "server.tls.caFile", "asks clients for certificates, which they can only show over TLS: certFile and keyFile are missing");
	if (s->enabled && address && !is_loopback(s->address) && !*s->auth.username && !*s->auth.bearer && !ca)
		binder_warning(f->b, address->at, "server.address",
			       "can be reached by other hosts, and nobody has to say who he is: /watch, /api/v1/roundtrips, /-/reload and /-/logger are answered to this host only; server.auth opens them");
}

static void finish_delivery(struct finish *f, const char *where, struct config_delivery *d)
{
	const struct node *endpoint = given_below(f, where, "endpoint"), *enabled = given_below(f, where, "enabled");
	char path[PATH_TEXT_MAX];
	d->at = place(endpoint ? endpoint : enabled);
	finish_credentials(f, where, &d->tls, &d->auth);
	binder_path(path, "%s.enabled", where);
	if (endpoint && *d->endpoint && !enabled)
		binder_warning(f->b, endpoint->at, path, "is not given, so nothing is sent to the endpoint; enabled: true turns it on");
	if (d->enabled && !*d->endpoint)
		binder_error(f->b, enabled->at, path, "is true, but there is no endpoint");
}

static void finish_otlp(struct finish *f, const char *where, struct config_otlp *o)
{
	const struct node *endpoint = given_below(f, where, "endpoint");
	char path[PATH_TEXT_MAX];
	finish_delivery(f, where, &o->d);
	binder_path(path, "%s.endpoint", where);
	if (endpoint && *o->d.endpoint && o->protocol == OTLP_HTTP && strchr(o->d.endpoint, ':') && !strstr(o->d.endpoint, "://"))
		binder_error(f->b, endpoint->at, path, "host:port is for protocol: grpc; for http it is a whole URL, such as http://%s/v1/…", o->d.endpoint);
}

static void finish_exporters(struct finish *f)
{
	struct config_exporter *e = &f->c->exporter;
	finish_otlp(f, "exporter.traces", &e->traces);
	finish_otlp(f, "exporter.otlpMetrics", &e->otlp_metrics);
	finish_otlp(f, "exporter.logs", &e->logs);
	finish_delivery(f, "exporter.metrics", &e->metrics.d);
	finish_delivery(f, "exporter.elasticsearch", &e->elasticsearch.d);
	finish_delivery(f, "exporter.kafka", &e->kafka.d);
}

/* An earlier rule that gives the port of this host to another protocol. */
static const struct config_rule *other_rule(const struct config *c, u32 before, u16 port)
{
	const struct config_rule *rule = &c->sniffer.rules[before];
	for (u32 i = 0; i < before; i++) {
		const struct config_rule *r = &c->sniffer.rules[i];
		if (!r->protocol || strcmp(r->protocol, rule->protocol) == 0 || strcmp(r->host, rule->host) != 0)
			continue;
		for (u32 k = 0; k < r->ports_len; k++)
			if (r->ports[k] == port)
				return r;
	}
	return NULL;
}

static void finish_rules(struct finish *f)
{
	const struct config_sniffer *s = &f->c->sniffer;
	u32 sum = 0;
	for (u32 i = 0; i < s->rules_len; i++)
		sum += MAX(s->rules[i].ports_len, 1);
	if (sum > SESSION_RULES_MAX) {
		binder_error(f->b, place(given(f, "sniffer.protocols.rules")), "sniffer.protocols.rules", "%u ports in all; at most %d", sum, SESSION_RULES_MAX);
		return;
	}
	for (u32 i = 0; i < s->rules_len; i++) {
		for (u32 k = 0; s->rules[i].protocol && k < s->rules[i].ports_len; k++) {
			const struct config_rule *other = other_rule(f->c, i, s->rules[i].ports[k]);
			char path[PATH_TEXT_MAX];
			binder_path(path, "sniffer.protocols.rules[%u].ports", i);
			if (other)
				binder_warning(f->b, s->rules[i].at, path, "%u is %s in line %u, too: the last rule for a port wins", s->rules[i].ports[k],
					       other->protocol, other->at.line);
		}
	}
}

static const struct config_processor *find_processor(const struct config *c, const char *name)
{
	for (u32 i = 0; i < c->processors_len; i++)
		if (c->processors[i].name && strcmp(c->processors[i].name, name) == 0)
			return &c->processors[i];
	return NULL;
}

static void finish_processors(struct finish *f)
{
	struct config *c = f->c;
	for (u32 i = 0; i < c->processors_len; i++) {
		const struct config_processor *first;
		char path[PATH_TEXT_MAX];
		if (!c->processors[i].name) /* what is wrong with it has been said */
			continue;
		first = find_processor(c, c->processors[i].name);
		binder_path(path, "processor[%u].name", i);
		if (first != &c->processors[i])
			binder_error(f->b, c->processors[i].at, path, "%s is the name of another processor, in line %u; more of a kind are told apart as kind/what",
				     c->processors[i].name, first->at.line);
	}
}

static bool named_before(const struct config *c, u32 pipeline, u32 processor, const char *name)
{
	for (u32 i = 0; i <= pipeline; i++)
		for (u32 j = 0; j < (i == pipeline ? processor : c->pipelines[i].processors.n); j++)
			if (strcmp(c->pipelines[i].processors.v[j], name) == 0)
				return true;
	return false;
}

static void check_step(struct finish *f, u32 pipeline, u32 step)
{
	struct config *c = f->c;
	const char *name = c->pipelines[pipeline].processors.v[step], *known[NAMES_MAX];
	const struct config_processor *p = find_processor(c, name);
	struct config_place at = c->pipelines[pipeline].at;
	char path[PATH_TEXT_MAX];
	binder_path(path, "pipeline[%u].processors[%u]", pipeline, step);
	if (p) {
		if (p->kind <= PROCESSOR_RECORDS && named_before(c, pipeline, step, name))
			binder_warning(f->b, at, path, "%s is in a pipeline before: each exchange counts once, for the first that lets it through", name);
		return;
	}
	struct buf accepted = { .max = FINDING_TEXT_MAX };
	for (u32 i = 0; i < c->processors_len && i < NAMES_MAX; i++) {
		if (!c->processors[i].name) { /* it might have been this one */
			buf_done(&accepted);
			return;
		}
		known[i] = c->processors[i].name;
		if (i < 20 && find_processor(c, known[i]) == &c->processors[i])
			buf_addf(&accepted, "%s%s", accepted.len ? ", " : "", known[i]);
	}
	binder_unknown(f->b, at, path, name, "not in the processor section", accepted.len ? buf_cstr(&accepted) : "nothing, since it is empty", known,
		       MIN(c->processors_len, NAMES_MAX));
	buf_done(&accepted);
}

/* Without a pipeline section: one with all processors. */
static void default_pipeline(struct finish *f)
{
	struct config *c = f->c;
	struct config_pipeline *p = pool_alloc(f->b->pool, sizeof(*p));
	const char **names = pool_alloc(f->b->pool, MAX(c->processors_len, 1) * sizeof(*names));
	if (!p || !names)
		return;
	for (u32 i = 0; i < c->processors_len; i++)
		names[i] = c->processors[i].name ? c->processors[i].name : "";
	*p = (struct config_pipeline){ .name = "default", .processors = { names, c->processors_len } };
	c->pipelines = p;
	c->pipelines_len = 1;
}

static void finish_pipelines(struct finish *f)
{
	if (!given(f, "pipeline"))
		default_pipeline(f);
	u64 steps = 0;
	for (u32 i = 0; i < f->c->pipelines_len; i++)
		steps += f->c->pipelines[i].processors.n;
	if (steps > NAMES_MAX) {
		binder_error(f->b, given(f, "pipeline")->at, "pipeline", "%llu steps in all; at most %d", (unsigned long long)steps, NAMES_MAX);
		return;
	}
	for (u32 i = 0; i < f->c->pipelines_len; i++)
		for (u32 j = 0; j < f->c->pipelines[i].processors.n; j++)
			check_step(f, i, j);
}

void config_finish(struct binder *b, struct root_draft *draft, const struct node *const *given_)
{
	struct finish f = { b, &draft->c, given_ };
	finish_logger(&f);
	finish_histograms(&f, draft->vm_histogram);
	finish_server(&f);
	finish_rules(&f);
	finish_exporters(&f);
	finish_processors(&f);
	finish_pipelines(&f);
}
