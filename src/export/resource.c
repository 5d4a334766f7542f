#include "export/resource.h"

#include <stdlib.h>
#include <sys/utsname.h>

#include "build_info.h"
#include "util/bytes.h"

/* Variables that manifests commonly fill from the downward API. */
static const struct {
	const char *variable, *attribute;
} environment[] = {
	{ "K8S_NODE_NAME", "k8s.node.name" },   { "NODE_NAME", "k8s.node.name" },
	{ "K8S_POD_NAME", "k8s.pod.name" },     { "POD_NAME", "k8s.pod.name" },
	{ "K8S_POD_UID", "k8s.pod.uid" },       { "POD_UID", "k8s.pod.uid" },
	{ "K8S_NAMESPACE", "k8s.namespace.name" }, { "POD_NAMESPACE", "k8s.namespace.name" },
	{ "K8S_CLUSTER_NAME", "k8s.cluster.name" }, { "OTEL_SERVICE_NAME", "service.name" },
};

static void put(struct resource *r, const char *name, size_t name_len, const char *value, size_t value_len)
{
	char *n = strndup(name, name_len), *v = strndup(value, value_len);
	u32 at = 0;
	while (n && at < r->n && strcmp(r->v[at].name, n) != 0)
		at++;
	if (!n || !v || !value_len || at == RESOURCE_MAX) {
		free(n);
		free(v);
		return;
	}
	if (at < r->n) {
		free((void *)(uintptr_t)r->v[at].name);
		free((void *)(uintptr_t)r->v[at].value);
	} else {
		r->n++;
	}
	r->v[at] = (struct config_pair){ n, v };
}

static void put_text(struct resource *r, const char *name, const char *value)
{
	if (value && *value)
		put(r, name, strlen(name), value, strlen(value));
}

/* key=value,key=value with percent-encoded values. */
static void put_list(struct resource *r, const char *list)
{
	for (const char *at = list; at && *at;) {
		size_t n = strcspn(at, ",");
		const char *equals = memchr(at, '=', n);
		char *value = equals ? malloc(n) : NULL;
		size_t len = 0;
		for (const char *c = equals ? equals + 1 : at + n; value && c < at + n; c++) {
			bool coded = *c == '%' && c + 2 < at + n && hex_digit(c[1]) >= 0 && hex_digit(c[2]) >= 0;
			value[len++] = (char)(coded ? hex_digit(c[1]) * 16 + hex_digit(c[2]) : *c);
			c += coded ? 2 : 0;
		}
		if (value && equals > at)
			put(r, at, (size_t)(equals - at), value, len);
		free(value);
		at += n + (at[n] == ',');
	}
}

struct resource *resource_new(const struct config_pairs *configured)
{
	struct resource *r = calloc(1, sizeof(*r));
	struct utsname host;
	if (r)
		r->v = calloc(RESOURCE_MAX, sizeof(*r->v));
	if (!r || !r->v) {
		free(r);
		return NULL;
	}
	put_text(r, "service.name", "packetd");
	put_text(r, "service.version", BUILD_VERSION);
	put_text(r, "telemetry.sdk.name", "packetd");
	put_text(r, "telemetry.sdk.version", BUILD_VERSION);
	put_text(r, "telemetry.sdk.language", "c");
	if (uname(&host) == 0) {
		put_text(r, "host.name", host.nodename);
		put_text(r, "host.arch", strcmp(host.machine, "x86_64") == 0 ? "amd64" : strcmp(host.machine, "aarch64") == 0 ? "arm64" : host.machine);
		put_text(r, "os.type", strcmp(host.sysname, "Linux") == 0 ? "linux" : host.sysname);
		put_text(r, "os.version", host.release);
	}
	put_list(r, getenv("OTEL_RESOURCE_ATTRIBUTES"));
	for (size_t i = 0; i < ARRAY_LEN(environment); i++)
		put_text(r, environment[i].attribute, getenv(environment[i].variable));
	for (u32 i = 0; i < configured->n; i++)
		put_text(r, configured->v[i].name, configured->v[i].value);
	return r;
}

void resource_free(struct resource *r)
{
	if (!r)
		return;
	for (u32 i = 0; i < r->n; i++) {
		free((void *)(uintptr_t)r->v[i].name);
		free((void *)(uintptr_t)r->v[i].value);
	}
	free(r->v);
	free(r);
}

const char *resource_find(const struct resource *r, const char *name)
{
	for (u32 i = 0; i < r->n; i++)
		if (strcmp(r->v[i].name, name) == 0)
			return r->v[i].value;
	return NULL;
}
