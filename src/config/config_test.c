/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "config/config.h"
#include "config/drafts.h"
#include "config/schema.h"
#include "proto/proto.h"

static struct buf errors, warnings;

static int parse(const char *text, struct config **ret)
{
	buf_done(&errors);
	buf_done(&warnings);
	errors = warnings = (struct buf){ 0 };
	/* The text ends at an unreadable page. */
	struct guarded g = guarded_copy(text, strlen(text));
	int rc = config_parse("f.yaml", str_make(g.p, g.n), ret, &errors, &warnings);
	guarded_free(&g);
	return rc;
}

/* Loads without errors; the caller frees it. */
static struct config *good(const char *text)
{
	struct config *c = NULL;
	if (parse(text, &c))
		fail_msg("%s\nrefused:\n%s", text, buf_cstr(&errors));
	assert_int_equal(errors.len, 0);
	return c;
}

/* Is refused, with this among the errors. */
static void bad(const char *text, const char *error)
{
	struct config *c = (struct config *)1;
	assert_int_equal(parse(text, &c), -EINVAL);
	assert_null(c);
	if (!strstr(buf_cstr(&errors), error))
		fail_msg("%s\nexpected: %s\nfound: %s", text, error, buf_cstr(&errors));
}

static void warned(const char *warning)
{
	if (!strstr(buf_cstr(&warnings), warning))
		fail_msg("expected: %s\nfound: %s", warning, buf_cstr(&warnings));
}

static const char *shown(const struct config *c, struct buf *out)
{
	out->len = 0;
	config_show(c, out);
	return buf_cstr(out);
}

static void assert_same(const struct config *a, const struct config *b)
{
	struct buf x = { 0 }, y = { 0 };
	assert_string_equal(shown(a, &x), shown(b, &y));
	buf_done(&x);
	buf_done(&y);
}

static struct config *load(const char *name)
{
	char path[4096];
	struct config *c = NULL;
	buf_done(&errors);
	buf_done(&warnings);
	errors = warnings = (struct buf){ 0 };
	snprintf(path, sizeof(path), "%s/tests/config/%s", getenv("PACKETD_SOURCE"), name);
	if (config_load(path, &c, &errors, &warnings))
		fail_msg("%s", buf_cstr(&errors));
	assert_string_equal(c->path, path);
	return c;
}

static void test_default(void **state)
{
	struct config *c = config_default();
	assert_non_null(c);
	assert_string_equal(c->path, "");
	assert_true(c->logger.to_stdout);
	assert_int_equal(c->logger.level, LOG_INFO);
	assert_string_equal(c->sniffer.ifaces, "any");
	assert_string_equal(c->sniffer.file, "");
	assert_int_equal(c->sniffer.rules_len, 0);
	assert_int_equal(c->sniffer.family, 0);
	assert_true(c->server.enabled);
	assert_string_equal(c->server.address, "127.0.0.1:9091");
	assert_int_equal(c->server.timeout, 60 * NS_PER_SEC);
	assert_true(c->controller.l4_enabled);
	assert_int_equal(c->controller.conn_expired, 300 * NS_PER_SEC);
	assert_int_equal(c->controller.http_body_max, 102400);
	assert_int_equal(c->metrics.histogram, HISTOGRAM_CLASSIC);
	assert_int_equal(c->metrics.expired, 300 * NS_PER_SEC);
	assert_int_equal(c->processors_len, 2);
	assert_int_equal(c->processors[0].kind, PROCESSOR_METRICS);
	assert_true(c->processors[0].labels_default);
	assert_true(c->processors[0].path_templates);
	assert_int_equal(c->processors[1].kind, PROCESSOR_TRACES);
	assert_int_equal(c->pipelines_len, 1);
	assert_int_equal(c->pipelines[0].processors.n, 2);
	assert_string_equal(c->pipelines[0].processors.v[0], "roundtripstometrics");
	assert_int_equal(c->exporter.traces.d.batch, 100);
	assert_int_equal(c->exporter.traces.d.interval, 3 * NS_PER_SEC);
	assert_false(c->exporter.traces.d.enabled);
	assert_string_equal(c->exporter.metrics.d.compression, "snappy");
	assert_string_equal(c->exporter.kafka.d.compression, "");
	assert_string_equal(c->exporter.roundtrips.filename, "packetd.roundtrips");
	assert_string_equal(c->server.auth.password, "");
	config_free(c);
	config_free(NULL);
}

/* A text member that is NULL would crash who relies on "never NULL". */
static void test_no_text_is_null(void **state)
{
	struct config *c = config_default();
	for (u32 i = 0; i < schema_root.n; i++) {
		const struct key *k = &schema_root.keys[i];
		if (k->type == KEY_TEXT || k->type == KEY_WORD || k->type == KEY_SECRET || k->type == KEY_SECRET_FILE)
			assert_non_null(*(const char **)schema_member(c, k->offset));
	}
	config_free(c);
	c = good("processor: [{name: filter, config: {expression: error}}, {name: roundtripstometrics}]\nsniffer.protocols.rules: {protocol: http}\npipeline: [{processors: filter}]");
	for (u32 i = 0; i < c->processors_len; i++) {
		assert_non_null(c->processors[i].name);
		assert_non_null(c->processors[i].expression);
	}
	assert_string_equal(c->sniffer.rules[0].name, "");
	assert_string_equal(c->sniffer.rules[0].host, "");
	assert_string_equal(c->pipelines[0].name, "");
	config_free(c);
}

static void test_missing_and_empty_sections(void **state)
{
	static const char *const texts[] = {
		"# nothing but a comment\n", "{}", "~", "---\n...\n",
		"logger:\ncontroller:\nsniffer:\nmetricsStorage:\nexporter:\npipeline:\nprocessor:\nserver:\n",
		"logger: {level: }\nsniffer.protocols:\nexporter: {traces: ~, metrics: {header: null}}\nserver: {address: null}\n", "x-anchors: {a: [1, 2]}\n",
	};
	struct config *d = config_default();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct config *c = good(texts[i]);
		assert_same(c, d);
		assert_int_equal(warnings.len, 0);
		config_free(c);
	}
	config_free(d);
}

static void test_sample_is_the_default(void **state)
{
	struct buf sample = { 0 }, show = { 0 };
	struct config *d = config_default(), *c;
	config_sample(&sample);
	c = good(buf_cstr(&sample));
	assert_int_equal(warnings.len, 0);
	assert_same(c, d);
	config_free(c);
	c = good(shown(d, &show)); /* what is shown loads to the same */
	assert_int_equal(warnings.len, 0);
	assert_same(c, d);
	config_free(c);
	config_free(d);
	buf_done(&sample);
	buf_done(&show);
}

/* What the sample has in comments can be taken out of them. */
static void test_sample_without_comments(void **state)
{
	struct buf sample = { 0 }, text = { 0 };
	config_sample(&sample);
	bool inside = false;
	for (char *save = NULL, *line = strtok_r((char *)(uintptr_t)buf_cstr(&sample), "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *mark = strstr(line, "# ");
		inside = strcmp(line, "processor:") == 0 ? true : strncmp(line, "# Which", 7) == 0 ? false : inside;
		bool code = mark && line[0] == ' ' && mark == line + strspn(line, " ") && (strstr(line, "# - ") || (inside && (mark[2] == ' ' || strstr(mark, "# http: "))));
		if (strstr(line, "rules: []"))
			strstr(line, "[]")[0] = 0;
		if (code)
			buf_addf(&text, "%.*s%s\n", (int)(mark - line), line, mark + 2);
		else
			buf_addf(&text, "%s\n", line);
	}
	struct config *c = good(buf_cstr(&text));
	assert_int_equal(c->processors_len, PROCESSOR_KINDS);
	assert_int_equal(c->processors[0].labels_len, 1);
	assert_int_equal(c->sniffer.rules_len, 2);
	assert_int_equal(c->sniffer.rules[1].ports[0], 6379);
	assert_string_equal(c->processors[PROCESSOR_FILTER].expression, "http.status >= 500 or duration > 1s");
	config_free(c);
	buf_done(&sample);
	buf_done(&text);
}

static void test_reference_of_the_go_program(void **state)
{
	struct config *c = load("reference.yaml");
	assert_false(c->logger.to_stdout);
	assert_int_equal(c->controller.l4_labels.n, 4);
	assert_int_equal(c->sniffer.rules_len, 10);
	assert_int_equal(c->sniffer.rules[0].ports_len, 3);
	assert_int_equal(c->sniffer.rules[4].ports[0], 6379);
	assert_string_equal(c->sniffer.rules[4].host, "127.0.0.1");
	assert_int_equal(c->sniffer.rules[9].at.line, 51);
	assert_false(c->server.enabled);
	assert_true(c->server.pprof);
	assert_string_equal(c->server.address, ":9091");
	assert_int_equal(c->metrics.histogram, HISTOGRAM_CLASSIC);
	assert_int_equal(c->processors[0].labels_len, CONFIG_PROTO_COUNT);
	assert_false(c->processors[0].labels_default);
	assert_string_equal(c->processors[0].labels[3].proto, "http");
	assert_int_equal(c->processors[0].labels[3].selectors.n, 5);
	assert_string_equal(c->processors[0].labels[3].selectors.v[0], "server.port");
	assert_int_equal(c->pipelines_len, 2);
	assert_string_equal(c->exporter.metrics.d.endpoint, "http://localhost:4318/prometheus/write");
	warned("metricsStorage.enabled: has no effect");
	warned("server.host never was a label");
	config_free(c);
}

static void test_minimal_file_of_the_go_program(void **state)
{
	struct config *c = load("minimal.yaml");
	assert_int_equal(c->sniffer.rules_len, 1);
	assert_string_equal(c->sniffer.rules[0].name, "web");
	assert_int_equal(c->sniffer.rules[0].ports[1], 8080);
	assert_int_equal(c->controller.l4_labels.n, 2);
	assert_int_equal(c->processors[0].labels[0].selectors.n, 3);
	assert_int_equal(c->processors[0].labels_len, 1);
	assert_true(c->exporter.roundtrips.enabled);
	assert_int_equal(warnings.len, 0);
	config_free(c);
}

static void test_nested_and_dotted(void **state)
{
	static const char *const same[] = {
		"sniffer: {ifaces: lo, protocols: {rules: [{protocol: dns, ports: 53}]}}\nexporter: {traces: {header: {X-A: b, x.y: z}, auth: {username: u, password: p}}}",
		"sniffer.ifaces: lo\nsniffer: {protocols.rules: {protocol: dns, ports: [53]}}\nexporter.traces: {header.X-A: b, header.x.y: z, auth.username: u}\nexporter: {traces.auth.password: p}",
		"sniffer.protocols: {rules: [{protocol: dns, ports: '53'}]}\nsniffer: {ifaces: lo}\nexporter.traces.header.X-A: b\nexporter.traces.header: {x.y: z}\nexporter.traces.auth: {username: u}\nexporter.traces.auth.password: p",
	};
	struct config *first = good(same[0]);
	assert_string_equal(first->sniffer.ifaces, "lo");
	assert_int_equal(first->exporter.traces.d.header.n, 2);
	for (size_t i = 1; i < ARRAY_LEN(same); i++) {
		struct config *c = good(same[i]);
		assert_same(c, first);
		config_free(c);
	}
	config_free(first);
	bad("sniffer.ifaces: lo\nsniffer: {ifaces: eth0}", "f.yaml:2:11: sniffer.ifaces: given twice; first in line 1");
	bad("exporter.resource.a: b\nexporter: {resource: {a: c}}", "exporter.resource.a: given twice");
	struct config *c = good("processor: [{name: roundtripstometrics, config.http.requireLabels: server.port, config: {dns.requireLabels: [request.question]}}]");
	assert_int_equal(c->processors[0].labels_len, 2);
	config_free(c);
}

static void test_coercion(void **state)
{
	struct config *c = good("logger: {stdout: 'yes', level: WARN, maxSize: '50', maxBackups: 0x10, maxAge: 3.0}\n"
				"controller: {connExpired: 90, autoReload: On, decoder.http.maxBodySize: 1KiB, requestTimeout: 0.5, messageMemory: 1_048_576}\n"
				"sniffer: {ipVersion: ipv6, ringSize: 64M, protocols.rules: [{protocol: http, ports: '80, 8080,80'}, {protocol: redis, ports: [6379, '6380']}]}\n"
				"server: {pprof: 1, timeout: 1h30m, address: ':9091'}\n"
				"metricsStorage: {histograms: [native, classic], nativeSchema: 0}\n"
				"exporter.metrics: {version: 2.0, header: {X-Org: 17, X-On: true}}\n"
				"processor: {name: sample, config: {head: 5%, keepSlower: 250ms}}\n");
	assert_true(c->logger.to_stdout);
	assert_int_equal(c->logger.level, LOG_WARN);
	assert_int_equal(c->logger.max_size_mb, 50);
	assert_int_equal(c->logger.max_backups, 16);
	assert_int_equal(c->logger.max_age_days, 3);
	assert_int_equal(c->controller.conn_expired, 90 * NS_PER_SEC);
	assert_int_equal(c->controller.request_timeout, NS_PER_SEC / 2);
	assert_int_equal(c->controller.http_body_max, 1024);
	assert_int_equal(c->controller.message_memory, MIB);
	assert_true(c->controller.auto_reload);
	assert_int_equal(c->sniffer.family, 6);
	assert_int_equal(c->sniffer.ring_size, 64 * MIB);
	assert_int_equal(c->sniffer.rules[0].ports_len, 2);
	assert_int_equal(c->sniffer.rules[1].ports[1], 6380);
	assert_true(c->server.pprof);
	assert_int_equal(c->server.timeout, 5400 * NS_PER_SEC);
	assert_int_equal(c->metrics.histogram, HISTOGRAM_CLASSIC | HISTOGRAM_NATIVE);
	assert_int_equal(c->metrics.native_schema, 0);
	assert_int_equal(c->exporter.metrics.version, 2);
	assert_string_equal(c->exporter.metrics.d.header.v[0].value, "17");
	assert_string_equal(c->exporter.metrics.d.header.v[1].value, "true");
	assert_true(c->processors[0].head > 0.0499 && c->processors[0].head < 0.0501);
	assert_true(c->processors[0].keep_errors);
	assert_int_equal(c->processors[0].keep_slower, 250 * NS_PER_MS);
	config_free(c);
}

/* Zero and less meant the default, and a buffer out of range the nearest one: they still do, but not silently. */
static void test_old_rounding(void **state)
{
	struct config *c = good("logger.maxSize: 0\nexporter: {traces: {batch: -5, interval: 0s}, roundtrips.maxAge: -1}\nsniffer.blockNum: 3\ncontroller.decoder.http.maxBodySize: 0\n");
	assert_int_equal(c->logger.max_size_mb, 100);
	assert_int_equal(c->exporter.traces.d.batch, 100);
	assert_int_equal(c->exporter.traces.d.interval, 3 * NS_PER_SEC);
	assert_int_equal(c->exporter.roundtrips.max_age_days, 7);
	assert_int_equal(c->sniffer.block_num, 16);
	assert_int_equal(c->controller.http_body_max, 102400);
	warned("exporter.traces.batch: -5 means the default, 100");
	warned("sniffer.blockNum: 3 means 16");
	config_free(c);
	c = good("sniffer.blockNum: 5000");
	assert_int_equal(c->sniffer.block_num, 1024);
	config_free(c);
}

static void test_logger(void **state)
{
	struct config *c = good("logger: {filename: a.log}");
	assert_false(c->logger.to_stdout);
	config_free(c);
	c = good("logger: {stdout: false}");
	assert_false(c->logger.to_stdout);
	assert_string_equal(c->logger.filename, "packetd.log");
	config_free(c);
	c = good("logger: {stdout: true, filename: a.log}");
	assert_true(c->logger.to_stdout);
	warned("logger.filename: has no effect while logger.stdout is true");
	config_free(c);
}

static void test_environment(void **state)
{
	setenv("PACKETD_TEST_A", "lo", 1);
	setenv("PACKETD_TEST_EMPTY", "", 1);
	setenv("PACKETD_TEST_PORT", "8081", 1);
	unsetenv("PACKETD_TEST_NONE");
	struct config *c = good("sniffer: {ifaces: '${PACKETD_TEST_A}', protocols.rules: [{protocol: http, ports: ['${PACKETD_TEST_PORT}', '${PACKETD_TEST_NONE:-90}']}]}\n"
				"exporter.roundtrips.filename: a$${b}${PACKETD_TEST_NONE:-c}${PACKETD_TEST_EMPTY:-d}${PACKETD_TEST_EMPTY}$e$\n"
				"server.enabled: ${PACKETD_TEST_NONE:-false}\n");
	assert_string_equal(c->sniffer.ifaces, "lo");
	assert_int_equal(c->sniffer.rules[0].ports[0], 8081);
	assert_int_equal(c->sniffer.rules[0].ports[1], 90);
	assert_string_equal(c->exporter.roundtrips.filename, "a${b}cd$e$");
	assert_false(c->server.enabled);
	config_free(c);
	bad("server.address: ${PACKETD_TEST_NONE}", "f.yaml:1:17: server.address: the environment variable PACKETD_TEST_NONE is not set");
	bad("server.address: ${A B}", "found ${'A B'}; accepted: ${VARIABLE}");
	bad("server.address: ${A", "${ without its }");
	bad("server.timeout: ${PACKETD_TEST_A}", "server.timeout: found 'lo'; accepted: a time");
}

static void test_secrets_from_files(void **state)
{
	char folder[] = "/tmp/packetd-config-XXXXXX", path[128], text[512];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/secret", folder);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs("s3cret\r\n\n", f);
	fclose(f);
	snprintf(text, sizeof(text), "server.auth: {username: me, passwordFile: %s, bearerToken: '${file:%s}'}", path, path);
	struct config *c = good(text);
	struct buf show = { 0 };
	assert_string_equal(c->server.auth.password, "s3cret");
	assert_string_equal(c->server.auth.bearer, "s3cret");
	assert_null(strstr(shown(c, &show), "s3cret"));
	config_free(c);

	snprintf(path, sizeof(path), "%s/packetd.yaml", folder);
	f = fopen(path, "w"); /* beside the configuration */
	assert_non_null(f);
	fputs("exporter.metrics: {auth: {bearerTokenFile: secret}, header: {X-Key: k3y}, endpoint: 'http://u:pa55@h/w'}", f);
	fclose(f);
	buf_done(&errors);
	assert_int_equal(config_load(path, &c, &errors, NULL), 0);
	assert_string_equal(c->exporter.metrics.d.auth.bearer, "s3cret");
	shown(c, &show);
	assert_null(strstr(buf_cstr(&show), "k3y"));
	assert_null(strstr(buf_cstr(&show), "pa55"));
	assert_non_null(strstr(buf_cstr(&show), "http://***@h/w"));
	config_free(c);
	buf_done(&show);
	unlink(path);
	snprintf(path, sizeof(path), "%s/secret", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/pipe", folder);
	assert_int_equal(mkfifo(path, 0600), 0); /* nobody will ever write */
	snprintf(text, sizeof(text), "server.auth: {bearerTokenFile: %s}", path);
	bad(text, "is not a regular file");
	unlink(path);
	snprintf(text, sizeof(text), "server.auth: {bearerTokenFile: %s}", folder);
	bad(text, "is not a regular file");
	rmdir(folder);
	bad(text, "cannot be read: No such file or directory");
	bad("server.auth: {username: a, password: b, passwordFile: c}", "password and passwordFile are both given");
	bad("server.auth: {bearerTokenFile: /dev/zero}", "is not a regular file");
}

static void test_aliases_and_merge_keys(void **state)
{
	struct config *c = good("x-back-end: &b {timeout: 20s, header: {X-A: one}, auth: {bearerToken: t}}\n"
				"exporter:\n  traces:\n    <<: *b\n    timeout: 5s\n  metrics: {<<: [*b]}\n  logs: *b\n"
				"sniffer.protocols.rules:\n- &r {protocol: http, ports: &p [80]}\n- {<<: *r, name: other}\n- {protocol: dns, ports: *p}\n");
	assert_int_equal(c->exporter.traces.d.timeout, 5 * NS_PER_SEC);
	assert_int_equal(c->exporter.metrics.d.timeout, 20 * NS_PER_SEC);
	assert_string_equal(c->exporter.logs.d.auth.bearer, "t");
	assert_string_equal(c->exporter.traces.d.header.v[0].value, "one");
	assert_string_equal(c->sniffer.rules[1].protocol, "http");
	assert_string_equal(c->sniffer.rules[1].name, "other");
	assert_int_equal(c->sniffer.rules[2].ports[0], 80);
	config_free(c);
	bad("exporter: {traces: {<<: 3}}", "<< takes a mapping");
	bad("exporter: {traces: *nobody}", "no anchor is called 'nobody'");
	bad("x-back: &back {}\nexporter: {traces: *bakc}", "did you mean back?");
}

static void test_processors(void **state)
{
	struct config *c = good("processor:\n- {name: filter/slow, config: {expression: duration > 1s}}\n- {name: filter/bad, config.expression: error}\n"
				"- name: redact\n  config: {dropSensitive: false, drop: http.request.query, mask: [redis.request.key], hash: [client]}\n"
				"- name: attributes\n  config: {add: {team: a}, rename: {http.request.host: shop}, drop: [http.request.path]}\n"
				"- {name: roundtripstotraces, config: {spanKind: both, keepStatements: true, maxReuse: 9}}\n- {name: roundtripstorecords, config: }\n"
				"- {name: roundtripstometrics, config: {pathPatterns: ['/a/{id}']}}\n"
				"pipeline:\n- {name: p, processors: [filter/slow, redact, roundtripstotraces]}\n- {processors: roundtripstometrics}\n");
	assert_int_equal(c->processors_len, 7);
	assert_int_equal(c->processors[1].kind, PROCESSOR_FILTER);
	assert_string_equal(c->processors[1].expression, "error");
	const struct config_processor *redact = &c->processors[2], *attributes = &c->processors[3], *traces = &c->processors[4];
	assert_false(redact->drop_sensitive);
	assert_int_equal(redact->edits_len, 3);
	assert_int_equal(redact->edits[0].action, ACTION_DROP);
	assert_string_equal(redact->edits[1].field, "redis.request.key");
	assert_int_equal(redact->edits[1].at.line, 5);
	assert_int_equal(attributes->edits_len, 3);
	assert_int_equal(attributes->edits[1].action, ACTION_RENAME);
	assert_string_equal(attributes->edits[1].value, "shop");
	assert_true(traces->both_kinds && traces->keep_statements && !traces->server_kind);
	assert_int_equal(traces->max_reuse, 9);
	assert_int_equal(c->processors[6].path_patterns.n, 1);
	assert_int_equal(c->processors[6].labels_len, 0);
	assert_false(c->processors[6].labels_default);
	assert_int_equal(c->pipelines[0].processors.n, 3);
	assert_int_equal(c->pipelines[1].processors.n, 1);
	assert_int_equal(c->pipelines[1].at.line, 13);
	config_free(c);

	c = good("processor: [{name: roundtripstotraces}]"); /* no pipeline: all of them */
	assert_int_equal(c->pipelines_len, 1);
	assert_string_equal(c->pipelines[0].processors.v[0], "roundtripstotraces");
	config_free(c);
	c = good("pipeline: []");
	assert_int_equal(c->pipelines_len, 0);
	config_free(c);
	c = good("processor: []\npipeline: [{name: none, processors: []}]");
	assert_int_equal(c->processors_len, 0);
	config_free(c);
	c = good("pipeline: [{processors: [roundtripstometrics]}, {processors: [roundtripstometrics]}]");
	warned("pipeline[1].processors[0]: roundtripstometrics is in a pipeline before");
	config_free(c);
}

static void test_required_labels_either_way(void **state)
{
	struct config *c = good("controller.layer4Metrics: {requireLabels: source.host}\nprocessor: [{name: roundtripstometrics, config: {http: {requiredLabels: [server.port]}}}]");
	assert_int_equal(c->controller.l4_labels.n, 1);
	assert_int_equal(c->processors[0].labels[0].selectors.n, 1);
	warned("controller.layer4Metrics.requireLabels: is taken for requiredLabels");
	warned("processor[0].config.http.requiredLabels: is taken for requireLabels");
	config_free(c);
	bad("controller.layer4Metrics: {requireLabels: source.host, requiredLabels: source.port}", "given twice");
	c = good("processor: [{name: roundtripstometrics, config: {http: {requireLabels: [server.port, server.port, server.host]}}}]");
	assert_int_equal(c->processors[0].labels[0].selectors.n, 1);
	warned("server.port is listed twice");
	config_free(c);
}

/* A selector that a protocol's table knows is one that the configuration knows. */
static void test_all_selectors(void **state)
{
	for (const struct proto *const *p = proto_all; *p; p++) {
		for (size_t i = 0; i < (*p)->fields_len; i++) {
			char text[512];
			if (!(*p)->fields[i].selector)
				continue;
			snprintf(text, sizeof(text), "processor: [{name: roundtripstometrics, config: {%s: {requireLabels: [%s]}}}]", (*p)->name, (*p)->fields[i].selector);
			config_free(good(text));
		}
	}
}

/* Whoever adds a protocol adds it to the configuration. */
static void test_all_protocols(void **state)
{
	static const char *const names[] = {
#define X(name) #name,
		CONFIG_PROTOCOLS(X)
#undef X
	};
	for (const struct proto *const *p = proto_all; *p; p++) {
		bool found = false;
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			found |= strcmp(names[i], (*p)->name) == 0;
		assert_true(found);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char text[128];
		snprintf(text, sizeof(text), "sniffer.protocols.rules: {protocol: %s}", names[i]);
		struct config *c = good(text);
		assert_string_equal(c->sniffer.rules[0].protocol, names[i]);
		if (!proto_find(str_from(names[i])))
			warned("is not built into this program");
		else
			assert_int_equal(warnings.len, 0);
		config_free(c);
	}
}

/* Names of a protocol whose decoder is not here are kept, with a word about it. */
static void test_protocols_not_built_in(void **state)
{
	static const struct {
		const char *proto, *selector, *field;
	} all[] = { { "mysql", "request.command", "mysql.command" }, { "amqp", "request.queue_name", "amqp.x" }, { "kafka", "request.api", "kafka.x" }, { "grpc", "request.service", "grpc.x" } };
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		char text[512];
		if (proto_find(str_from(all[i].proto)))
			continue;
		snprintf(text, sizeof(text), "processor: [{name: roundtripstometrics, config: {%s: {requireLabels: %s}}}, {name: redact, config: {mask: %s}}]", all[i].proto,
			 all[i].selector, all[i].field);
		struct config *c = good(text);
		assert_string_equal(c->processors[0].labels[0].proto, all[i].proto);
		assert_string_equal(c->processors[1].edits[0].field, all[i].field);
		warned("is not built into this program: the labels have no effect");
		warned("has no effect");
		config_free(c);
	}
	bad("sniffer.engine: afpackt", "sniffer.engine: found 'afpackt', no engine of this name; accepted: pcap (the best there is), ");
	bad("sniffer.engine: file", "no engine of this name");
	config_free(good("sniffer.engine: libpcap"));
}

static void test_rules(void **state)
{
	struct buf text = { 0 };
	struct config *c = good("sniffer.protocols.rules: [{protocol: http, ports: 80}, {protocol: dns, ports: 80, host: h}, {protocol: http, ports: [80, 81]}]");
	assert_int_equal(warnings.len, 0);
	config_free(c);
	c = good("sniffer.protocols.rules:\n- {protocol: http, ports: 80}\n- {protocol: redis, ports: [79, 80]}");
	warned("f.yaml:3:3: sniffer.protocols.rules[1].ports: 80 is http in line 2, too: the last rule for a port wins");
	config_free(c);
	buf_adds(&text, "sniffer.protocols.rules: [{protocol: http, ports: [");
	for (u32 i = 1; i <= 257; i++)
		buf_addf(&text, "%u,", i);
	buf_adds(&text, "]}]");
	bad(buf_cstr(&text), "sniffer.protocols.rules: 257 ports in all; at most 256");
	buf_done(&text);
	bad("sniffer.protocols.rules: {protocol: http, ports: 0}", "a port from 1 to 65535");
	bad("sniffer.protocols.rules: {protocol: http, ports: '80,'}", "a port from 1 to 65535");
}

static void test_needs_restart(void **state)
{
	struct config *a = config_default(), *b = good("server.address: ':9092'\nlogger.level: debug\nsniffer: {ifaces: lo, ipVersion: v4}\nmetricsStorage.vmHistogram: true\n"
						       "sniffer.protocols.rules: [{protocol: http, ports: 80}]\nexporter.traces: {enabled: true, endpoint: 'http://h/v1/traces'}");
	struct buf keys = { 0 };
	assert_false(config_needs_restart(a, a, &keys));
	assert_int_equal(keys.len, 0);
	assert_true(config_needs_restart(a, b, &keys));
	assert_string_equal(buf_cstr(&keys), "sniffer.ifaces, metricsStorage.histograms");
	buf_done(&keys);
	config_free(b);
	b = good("logger.level: debug\nsniffer.protocols.rules: [{protocol: http, ports: 80}]\ncontroller.connExpired: 1m\nexporter.resource: {a: b}\nprocessor: []\n");
	keys = (struct buf){ 0 };
	assert_false(config_needs_restart(a, b, &keys));
	assert_int_equal(keys.len, 0);
	config_free(a);
	config_free(b);
}

/* Shown and loaded again, a configuration with something of everything is the same. */
static void test_show_round_trip(void **state)
{
	struct config *c = good("processor:\n- {name: filter/slow, config: {expression: 'http.status >= 500 and http.request.path contains \"x\"'}}\n"
				"- {name: redact, config: {drop: [http.request.query], mask: [redis.request.key], hash: [client]}}\n"
				"- {name: attributes, config: {add: {\"te\\\"am\": 'a: b'}, rename: {http.request.host: shop}}}\n- {name: sample/a, config: {head: 0.125}}\n"
				"- {name: roundtripstometrics, config: {http.requireLabels: [server.port], pathPatterns: ['/a/{id}']}}\n"
				"sniffer.protocols.rules: [{name: \"a\\tb\", protocol: http, ports: [1, 2], host: '::1'}, {protocol: redis}]\n"
				"exporter: {resource: {a.b: c}, kafka: {format: protobuf, compression: zstd}, traces.protocol: grpc}\nmetricsStorage.histograms: [native, vmrange]\n");
	struct buf show = { 0 };
	struct config *again = good(shown(c, &show));
	assert_same(c, again);
	config_free(c);
	config_free(again);
	buf_done(&show);
}

static int done(void **state)
{
	buf_done(&errors);
	buf_done(&warnings);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default), cmocka_unit_test(test_no_text_is_null), cmocka_unit_test(test_missing_and_empty_sections),
		cmocka_unit_test(test_sample_is_the_default), cmocka_unit_test(test_sample_without_comments), cmocka_unit_test(test_reference_of_the_go_program),
		cmocka_unit_test(test_minimal_file_of_the_go_program), cmocka_unit_test(test_nested_and_dotted), cmocka_unit_test(test_coercion),
		cmocka_unit_test(test_old_rounding), cmocka_unit_test(test_logger), cmocka_unit_test(test_environment), cmocka_unit_test(test_secrets_from_files),
		cmocka_unit_test(test_aliases_and_merge_keys), cmocka_unit_test(test_processors), cmocka_unit_test(test_required_labels_either_way),
		cmocka_unit_test(test_all_selectors), cmocka_unit_test(test_all_protocols), cmocka_unit_test(test_protocols_not_built_in),
		cmocka_unit_test(test_rules), cmocka_unit_test(test_needs_restart), cmocka_unit_test(test_show_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, done);
}
