#include "unit.h"

#include <math.h>
#include <stdio.h>

#include "metrics/expose.h"
#include "net/net.h"
#include "process/path_template.h"
#include "process/rt_metrics.h"
#include "proto/http/http.h"

#define T0 (1740819600ull * NS_PER_SEC)

/* One exchange over HTTP, and a processor to count it. */
struct rig {
	struct registry *registry;
	struct rt_metrics *m;
	struct config_processor c;
	struct config_proto_labels labels;
	struct projection projection;
	struct conn conn;
	struct http_request q;
	struct http_response a;
	struct roundtrip rt;
	struct view view;
	struct buf text;
};

static struct rig *rig_new(void)
{
	struct rig *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	r->registry = registry_new(&(struct registry_options){ .workers = 2, .exemplars = true });
	r->c = (struct config_processor){ .kind = PROCESSOR_METRICS, .path_templates = true };
	assert_true(ip_parse(STR("10.1.0.7"), &r->conn.addr[0]) && ip_parse(STR("2001:db8::1"), &r->conn.addr[1]));
	r->conn.port[0] = 34418;
	r->conn.port[1] = 80;
	r->q.method = STR("GET");
	r->q.path = STR("/users/17/orders");
	r->q.route = STR("/users/{id}/orders");
	r->q.h.m.time = T0;
	r->q.h.m.size = 10;
	r->a.code = 200;
	r->a.h.m.side = SIDE_RESPONSE;
	r->a.h.m.dir = DIR_B;
	r->a.h.m.size = 20000;
	r->rt = (struct roundtrip){ .proto = &proto_http, .conn = &r->conn, .request = &r->q.h.m, .response = &r->a.h.m, .outcome = OUTCOME_ANSWERED,
				    .duration = 30 * NS_PER_MS, .first_byte = 20 * NS_PER_MS, .transfer = 2 * NS_PER_MS };
	r->view = (struct view){ .rt = &r->rt, .weight = 1 };
	return r;
}

static void rig_start(struct rig *r, const struct projection *projection)
{
	struct buf why = { 0 }, warnings = { 0 };
	struct rt_metrics_options o = { .processor = &r->c, .projection = projection, .registry = r->registry, .workers = 2 };
	assert_int_equal(rt_metrics_new(&o, &r->m, &why, &warnings), 0);
	r->view.projection = projection;
	buf_done(&why);
	buf_done(&warnings);
}

static void rig_count(struct rig *r)
{
	struct view_sink *s = rt_metrics_sink(r->m, 0);
	s->view(s, &r->view);
}

static void rig_has(struct rig *r, const char *line)
{
	struct snapshot *s = registry_snapshot(r->registry, &(struct snapshot_options){ .protocol = true, .now = T0 });
	r->text.len = 0;
	expose(&r->text, s, EXPOSE_TEXT);
	snapshot_free(s);
	if (!strstr(buf_cstr(&r->text), line))
		fail_msg("no %s in\n%s", line, buf_cstr(&r->text));
}

static void rig_free(struct rig *r)
{
	rt_metrics_free(r->m);
	registry_free(r->registry);
	buf_done(&r->text);
	free(r);
}

static void usual_labels(void **state)
{
	struct rig *r = rig_new();
	r->c.labels_default = true;
	rig_start(r, NULL);
	rig_count(r);
#define L "{server_address=\"2001:db8::1\",server_port=\"80\",method=\"GET\",route=\"/users/{id}/orders\",status_code=\"200\""
	rig_has(r, "\nhttp_requests_total" L "} 1\n");
	rig_has(r, "\nhttp_request_duration_seconds_bucket" L ",le=\"0.01\"} 0\n");
	rig_has(r, "\nhttp_request_duration_seconds_bucket" L ",le=\"0.05\"} 1\n");
	rig_has(r, "\nhttp_request_duration_seconds_sum" L "} 0.03\n");
	rig_has(r, "\nhttp_request_body_bytes_sum" L "} 10\n");
	rig_has(r, "\nhttp_response_body_bytes_bucket" L ",le=\"10240\"} 0\n");
	rig_has(r, "\nhttp_response_first_byte_seconds_sum" L "} 0.02\n");
	rig_has(r, "\nhttp_response_transfer_seconds_sum" L "} 0.002\n");
	rig_has(r, "\nhttp_outcomes_total" L ",outcome=\"answered\"} 1\n");
	assert_null(strstr(buf_cstr(&r->text), "http_errors_total"));
	rig_free(r);
}

static void unanswered_requests(void **state)
{
	struct rig *r = rig_new();
	rig_start(r, NULL);
	r->rt.response = NULL;
	r->rt.outcome = OUTCOME_RESET;
	r->rt.error = STR("connection_reset");
	rig_count(r);
	r->rt.outcome = OUTCOME_NO_RESPONSE;
	r->rt.error = STR("timeout");
	rig_count(r);
	rig_count(r);
	rig_has(r, "\nhttp_outcomes_total{outcome=\"reset\"} 1\n");
	rig_has(r, "\nhttp_outcomes_total{outcome=\"no_response\"} 2\n");
	rig_has(r, "http_errors_total{error_type=\"timeout\"} 2\n");
	assert_null(strstr(buf_cstr(&r->text), "http_requests_total"));
	rig_free(r);
}

/* What drivers ask so that they hear of changes takes as long as nothing changes: it is counted, not timed. */
static void long_polls_are_not_timed(void **state)
{
	struct rig *r = rig_new();
	rig_start(r, NULL);
	r->q.h.m.flags |= MSG_BLOCKING;
	rig_count(r);
	r->q.h.m.flags |= MSG_NOISE;
	rig_count(r);
	rig_has(r, "\nhttp_requests_total 2\n");
	rig_has(r, "\nhttp_request_duration_seconds_count 1\n");
	rig_has(r, "\nhttp_response_first_byte_seconds_count 1\n");
	rig_has(r, "\nhttp_request_body_bytes_count 2\n");
	rig_free(r);
}

/* Common ones first, each in the order listed, once; unknown ones are told. */
static void chosen_labels(void **state)
{
	static const char *v[] = { "response.status_code", "server.port", "request.path", "server.host", "client.address", "server.port", "request.method" };
	struct rig *r = rig_new();
	struct buf why = { 0 }, warnings = { 0 };
	r->labels = (struct config_proto_labels){ "http", { v, ARRAY_LEN(v) } };
	r->c.labels = &r->labels;
	r->c.labels_len = 1;
	r->c.labels_default = true; /* for those nothing is chosen for */
	struct rt_metrics_options o = { .processor = &r->c, .registry = r->registry, .workers = 2 };
	assert_int_equal(rt_metrics_new(&o, &r->m, &why, &warnings), 0);
	assert_string_equal(buf_cstr(&warnings), "http: server.host is no label of this protocol\n");
	buf_done(&warnings);
	rig_count(r);
	rig_has(r, "http_requests_total{server_port=\"80\",client_address=\"10.1.0.7\",status_code=\"200\",path=\"/users/{id}/orders\",method=\"GET\"} 1\n");
	rig_free(r);
}

static void user_patterns_come_first(void **state)
{
	static const char *v[] = { "request.path", "request.route" }, *patterns[] = { "/users/{user}/orders", "/static/**" };
	for (int templates = 0; templates < 2; templates++) {
		struct rig *r = rig_new();
		r->labels = (struct config_proto_labels){ "http", { v, ARRAY_LEN(v) } };
		r->c.labels = &r->labels;
		r->c.labels_len = 1;
		r->c.path_templates = templates;
		r->c.path_patterns = (struct config_texts){ patterns, ARRAY_LEN(patterns) };
		rig_start(r, NULL);
		rig_count(r);
		r->q.path = r->q.route = STR("/static/js/app.js");
		rig_count(r);
		r->q.path = STR("/items/4711");
		r->q.route = STR("/items/{id}");
		rig_count(r);
		rig_has(r, "http_requests_total{path=\"/users/{user}/orders\",route=\"/users/{user}/orders\"} 1\n");
		rig_has(r, "http_requests_total{path=\"/static/**\",route=\"/static/**\"} 1\n");
		rig_has(r, templates ? "http_requests_total{path=\"/items/{id}\",route=\"/items/{id}\"} 1\n" : "http_requests_total{path=\"/items/4711\",route=\"/items/{id}\"} 1\n");
		rig_free(r);
	}
}

static void weights_stay_whole(void **state)
{
	struct rig *r = rig_new();
	rig_start(r, NULL);
	r->view.weight = 1 / 0.3;
	for (int i = 0; i < 300; i++)
		rig_count(r);
	rig_has(r, "http_requests_total 1000\n");
	rig_has(r, "http_request_duration_seconds_count 1000\n");
	rig_has(r, "http_outcomes_total{outcome=\"answered\"} 1000\n");
	r->view.weight = NAN;
	rig_count(r);
	rig_has(r, "http_requests_total 1000\n");
	rig_free(r);
}

/* What processors before have decided holds for labels, too. */
static void projections_are_respected(void **state)
{
	struct rig *r = rig_new();
	u8 *actions = calloc(proto_http.fields_len, 1);
	const char **renamed = calloc(proto_http.fields_len, sizeof(*renamed));
	struct added_attribute added = { "deployment.environment", "test" };
	for (size_t i = 0; i < proto_http.fields_len; i++) {
		const char *selector = proto_http.fields[i].selector;
		if (selector && strcmp(selector, "request.route") == 0)
			actions[i] = FIELD_MASK;
		if (selector && strcmp(selector, "request.method") == 0)
			renamed[i] = "http.verb";
	}
	r->projection.edits[proto_http.index] = (struct field_edits){ actions, renamed };
	r->projection.added = &added;
	r->projection.added_len = 1;
	r->c.labels_default = true;
	rig_start(r, &r->projection);
	rig_count(r);
	rig_has(r, "http_verb=\"GET\",route=\"***\",status_code=\"200\",deployment_environment=\"test\"} 1\n");
	rig_free(r);
	free(actions);
	free(renamed);
}

static void series_end_with_the_processor(void **state)
{
	struct rig *r = rig_new();
	u32 reader = registry_reader(r->registry);
	rig_start(r, NULL);
	rig_count(r);
	struct view_sink *s = rt_metrics_sink(r->m, 0);
	s->flush(s, T0 + 3600 * NS_PER_SEC, false);
	struct snapshot *x = registry_snapshot(r->registry, &(struct snapshot_options){ .protocol = true, .reader = reader });
	u32 stale = 0;
	for (u32 i = 0; i < x->families_len; i++)
		for (u32 k = 0; k < x->families[i].series_len; k++)
			stale += x->families[i].series[k].stale;
	assert_int_equal(stale, 7);
	snapshot_free(x);
	rig_free(r);
}

static void every_protocol_has_usual_labels(void **state)
{
	for (u32 i = 0; proto_all[i]; i++) {
		u32 n = 0;
		for (size_t k = 0; k < proto_all[i]->fields_len; k++) {
			const struct field *f = &proto_all[i]->fields[k];
			n += f->flags & FIELD_USUAL_LABEL && f->label && f->selector;
			if (f->flags & FIELD_USUAL_LABEL && !(f->label && f->selector))
				fail_msg("%s: a usual label without name or selector", proto_all[i]->name);
		}
		if (!n)
			fail_msg("%s: no row has FIELD_USUAL_LABEL (proto/field.h): which labels when nobody has chosen any?", proto_all[i]->name);
	}
}

static void path_patterns(void **state)
{
	static const char *all[] = { "/a/{x}/b", "/a/*", "/s/**", "/exact/", "/" };
	static const struct {
		const char *path, *pattern;
	} cases[] = {
		{ "/a/1/b", "/a/{x}/b" }, { "/a/1", "/a/*" },  { "/a/1/", "" },	     { "/a//b", "" },	{ "/a", "" },   { "/a/1/b/c", "" },
		{ "/s/", "/s/**" },	  { "/s", "" },	       { "/s/1/2/3", "/s/**" }, { "/exact/", "/exact/" }, { "/exact", "" }, { "/", "/" }, { "", "" },
	};
	struct path_patterns *p = path_patterns_new(all, ARRAY_LEN(all));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct guarded g = guarded_copy(cases[i].path, strlen(cases[i].path));
		struct str found = path_patterns_match(p, str_make(g.p, g.n));
		if (!str_eq(found, str_from(cases[i].pattern)))
			fail_msg("%s: %.*s", cases[i].path, STR_ARG(found));
		guarded_free(&g);
	}
	path_patterns_free(p);
	assert_string_equal(path_pattern_problem("/a/{id}/**"), "");
	assert_string_not_equal(path_pattern_problem("a"), "");
	assert_string_not_equal(path_pattern_problem(""), "");
	assert_string_not_equal(path_pattern_problem("/a{id}"), "");
	assert_string_not_equal(path_pattern_problem("/**/a"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_labels),		   cmocka_unit_test(unanswered_requests), cmocka_unit_test(long_polls_are_not_timed),	    cmocka_unit_test(chosen_labels),
		cmocka_unit_test(user_patterns_come_first), cmocka_unit_test(weights_stay_whole),	    cmocka_unit_test(projections_are_respected),
		cmocka_unit_test(series_end_with_the_processor), cmocka_unit_test(every_protocol_has_usual_labels), cmocka_unit_test(path_patterns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
