#include "unit.h"

#include <math.h>
#include <stdio.h>

#include "metrics/buckets.h"
#include "metrics/expose.h"

#define T0 (1740819600ull * NS_PER_SEC)

static void check(u8 kinds, enum expose_format f, const char *expected)
{
	static const double bounds[] = { 0.25, 1, 1048576 };
	static const struct metric_desc metrics[] = {
		{ .name = "x_bytes_total", .help = "A \\ and a\nline \"quoted\".", .unit = "bytes", .type = METRIC_COUNTER },
		{ .name = "x_rows", .help = "Old name.", .type = METRIC_COUNTER },
		{ .name = "x_seconds", .unit = "seconds", .type = METRIC_HISTOGRAM, .bounds = bounds, .bounds_len = 3 },
	};
	static const char *const labels[] = { "path", "q" };
	struct registry *r = registry_new(&(struct registry_options){ .workers = 1, .histograms = kinds, .exemplars = true });
	struct metric_group *g;
	assert_int_equal(registry_group(r, metrics, 3, labels, 2, &g), 0);
	struct str values[2] = { STR("/a\"b\\c\nd"), STR("") };
	u8 trace[16] = { 0xab, 1 };
	struct metric_cells *c = metric_find(g, 0, values, T0 + 5 * NS_PER_MS);
	metric_add(c, 0, 12345678901234);
	metric_exemplar(c, 0, 1, trace, T0);
	metric_add(c, 1, 0.1);
	metric_observe(c, 2, 0.25, NULL, T0);
	metric_observe(c, 2, 0.5, trace, T0 + 20 * NS_PER_MS);
	metric_observe_times(c, 2, 3e6, 2, NULL, T0);
	struct snapshot *s = registry_snapshot(r, &(struct snapshot_options){ .protocol = true, .now = T0 });
	struct buf out = { 0 };
	expose(&out, s, f);
	assert_string_equal(buf_cstr(&out), expected);
	buf_done(&out);
	snapshot_free(s);
	registry_free(r);
}

#define L "path=\"/a\\\"b\\\\c\\nd\",q=\"\""

static void text_classic(void **state)
{
	check(HIST_CLASSIC, EXPOSE_TEXT,
	      "# HELP x_bytes_total A \\\\ and a\\nline \"quoted\".\n# TYPE x_bytes_total counter\nx_bytes_total{" L "} 12345678901234\n"
	      "# HELP x_rows Old name.\n# TYPE x_rows counter\nx_rows{" L "} 0.1\n"
	      "# TYPE x_seconds histogram\n"
	      "x_seconds_bucket{" L ",le=\"0.25\"} 1\nx_seconds_bucket{" L ",le=\"1\"} 2\nx_seconds_bucket{" L ",le=\"1048576\"} 2\nx_seconds_bucket{" L ",le=\"+Inf\"} 4\n"
	      "x_seconds_sum{" L "} 6000000.75\nx_seconds_count{" L "} 4\n");
}

static void text_vmrange(void **state)
{
	check(HIST_VMRANGE, EXPOSE_TEXT,
	      "# HELP x_bytes_total A \\\\ and a\\nline \"quoted\".\n# TYPE x_bytes_total counter\nx_bytes_total{" L "} 12345678901234\n"
	      "# HELP x_rows Old name.\n# TYPE x_rows counter\nx_rows{" L "} 0.1\n"
	      "# TYPE x_seconds histogram\n"
	      "x_seconds_bucket{" L ",vmrange=\"2.448e-01...2.783e-01\"} 1\nx_seconds_bucket{" L ",vmrange=\"4.642e-01...5.275e-01\"} 1\n"
	      "x_seconds_bucket{" L ",vmrange=\"2.783e+06...3.162e+06\"} 2\n"
	      "x_seconds_sum{" L "} 6000000.75\nx_seconds_count{" L "} 4\n");
}

static void text_native(void **state)
{
	check(HIST_NATIVE, EXPOSE_TEXT,
	      "# HELP x_bytes_total A \\\\ and a\\nline \"quoted\".\n# TYPE x_bytes_total counter\nx_bytes_total{" L "} 12345678901234\n"
	      "# HELP x_rows Old name.\n# TYPE x_rows counter\nx_rows{" L "} 0.1\n"
	      "# TYPE x_seconds histogram\nx_seconds_bucket{" L ",le=\"+Inf\"} 4\nx_seconds_sum{" L "} 6000000.75\nx_seconds_count{" L "} 4\n");
}

static void openmetrics(void **state)
{
	check(HIST_CLASSIC | HIST_VMRANGE, EXPOSE_OPENMETRICS,
	      "# HELP x_bytes A \\\\ and a\\nline \\\"quoted\\\".\n# TYPE x_bytes counter\n# UNIT x_bytes bytes\n"
	      "x_bytes_total{" L "} 12345678901234 # {trace_id=\"ab010000000000000000000000000000\"} 1 1740819600\nx_bytes_created{" L "} 1740819600.005\n"
	      "# HELP x_rows Old name.\n# TYPE x_rows unknown\nx_rows{" L "} 0.1\n"
	      "# TYPE x_seconds histogram\n# UNIT x_seconds seconds\n"
	      "x_seconds_bucket{" L ",le=\"0.25\"} 1\nx_seconds_bucket{" L ",le=\"1.0\"} 2 # {trace_id=\"ab010000000000000000000000000000\"} 0.5 1740819600.020\n"
	      "x_seconds_bucket{" L ",le=\"1.048576e+06\"} 2\nx_seconds_bucket{" L ",le=\"+Inf\"} 4\n"
	      "x_seconds_sum{" L "} 6000000.75\nx_seconds_count{" L "} 4\nx_seconds_created{" L "} 1740819600.005\n# EOF\n");
}

static void negotiation(void **state)
{
	static const struct {
		const char *accept;
		enum expose_format format;
	} cases[] = {
		{ NULL, EXPOSE_TEXT },
		{ "", EXPOSE_TEXT },
		{ "*/*", EXPOSE_TEXT },
		{ "text/*;q=0.1", EXPOSE_TEXT },
		{ "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", EXPOSE_TEXT },
		{ "image/png", EXPOSE_TEXT },
		{ "application/openmetrics-text", EXPOSE_OPENMETRICS },
		{ "application/*", EXPOSE_PROTOBUF },
		{ "APPLICATION/OpenMetrics-Text; Version=1.0.0", EXPOSE_OPENMETRICS },
		{ "application/openmetrics-text; version=\"1.0.0\"", EXPOSE_OPENMETRICS },
		{ "application/openmetrics-text;version=9.0.0", EXPOSE_TEXT },
		{ "application/openmetrics-text;q=0, */*;q=0.1", EXPOSE_TEXT },
		{ "application/openmetrics-text;q=0", EXPOSE_TEXT },
		{ "text/plain;version=0.0.4;q=0.5,application/openmetrics-text;q=0.4", EXPOSE_TEXT },
		{ "text/plain, application/openmetrics-text", EXPOSE_OPENMETRICS },
		{ "text/plain;version=\"a,b;q=1\";q=1, application/openmetrics-text;q=0.2", EXPOSE_OPENMETRICS },
		{ "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
		  "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", EXPOSE_OPENMETRICS },
		{ "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
		  "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", EXPOSE_PROTOBUF },
		{ "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text;q=0.6,text/plain;q=0.3", EXPOSE_TEXT },
		{ "text/plain;version=0.0.4;q=1,*/*;q=0.1", EXPOSE_TEXT },
		{ ";;;,,,=;q=,\"", EXPOSE_TEXT },
		{ "application/openmetrics-text;q=2", EXPOSE_TEXT },
		{ "application/openmetrics-text;q=nan", EXPOSE_TEXT },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (expose_negotiate(cases[i].accept) != cases[i].format)
			fail_msg("%s: %d", cases[i].accept, expose_negotiate(cases[i].accept));
}

static void vmrange_buckets(void **state)
{
	static const struct {
		double value;
		const char *range;
	} cases[] = {
		{ 0, "0...1.000e-09" },
		{ 9.99e-10, "0...1.000e-09" },
		{ 1e-9, "1.000e-09...1.136e-09" },
		{ 0.00105, "1.000e-03...1.136e-03" },
		{ 1, "8.799e-01...1.000e+00" }, /* an exact bound ends a range */
		{ 1.01, "1.000e+00...1.136e+00" },
		{ 10, "8.799e+00...1.000e+01" },
		{ 9.99e17, "8.799e+17...1.000e+18" },
		{ 1e18, "1.000e+18...+Inf" },
		{ 1e300, "1.000e+18...+Inf" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[VMRANGE_TEXT_MAX];
		vmrange_text(bucket_vmrange(cases[i].value), text);
		assert_string_equal(text, cases[i].range);
	}
	for (u16 i = 1; i < VMRANGE_BUCKETS - 1; i++) { /* the middle of each is in it */
		double upper = vmrange_upper(i);
		assert_int_equal(bucket_vmrange(upper * pow(10, -0.5 / 18)), i);
	}
}

static void native_buckets(void **state)
{
	for (i32 schema = NATIVE_SCHEMA_MIN; schema <= NATIVE_SCHEMA_MAX; schema++) {
		for (double v = 1e-30; v < 1e30; v *= 1.37) {
			i32 i = bucket_native(v, schema);
			assert_true(v <= native_upper(i, schema) && v > native_upper(i - 1, schema));
			if (schema > NATIVE_SCHEMA_MIN)
				assert_int_equal(native_halved(i), bucket_native(v, schema - 1));
		}
		for (int e = -60; e < 60; e++) /* powers of two are bounds, inclusive */
			assert_true(native_upper(bucket_native(ldexp(1, e), schema), schema) >= ldexp(1, e));
		assert_int_equal(bucket_native(1, schema), 0);
	}
	assert_int_equal(bucket_native(2, 3), 8);
	assert_int_equal(bucket_native(nextafter(2, 3), 3), 9);
	assert_int_equal(bucket_native(exp2(3.0 / 8), 3), 3);
	assert_int_equal(bucket_native(nextafter(exp2(3.0 / 8), 9), 3), 4);
}

/* Many different values: the number of buckets stays below the cap, and no observation gets lost. */
static void native_histograms_are_capped(void **state)
{
	static const struct metric_desc one = { .name = "y_seconds", .unit = "seconds", .type = METRIC_HISTOGRAM };
	static const u32 caps[] = { 20, 160 };
	for (size_t k = 0; k < ARRAY_LEN(caps); k++) {
		struct registry *r = registry_new(&(struct registry_options){ .workers = 2, .histograms = HIST_NATIVE, .native_schema = 8, .native_max_buckets = caps[k] });
		struct metric_group *g;
		assert_int_equal(registry_group(r, &one, 1, NULL, 0, &g), 0);
		u64 n = 0;
		for (double v = 1e-36; v < 1e36; v *= 1.01, n++)
			metric_observe(metric_find(g, (u32)(n & 1), NULL, T0), 0, v, NULL, T0);
		metric_observe(metric_find(g, 0, NULL, T0), 0, 0, NULL, T0);
		struct snapshot *s = registry_snapshot(r, &(struct snapshot_options){ .protocol = true, .now = T0 });
		const struct snapshot_native *h = s->families[0].series[0].histogram->native;
		u64 sum = h->zero_count;
		u32 used = 0;
		for (u32 i = 0; i < h->n; i++) {
			sum += h->counts[i];
			used += h->counts[i] != 0;
		}
		assert_int_equal(sum, n + 1);
		assert_true(used <= caps[k]);
		assert_true(h->schema < 8);
		snapshot_free(s);
		registry_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_classic),    cmocka_unit_test(text_vmrange),   cmocka_unit_test(text_native),
		cmocka_unit_test(openmetrics),     cmocka_unit_test(negotiation),    cmocka_unit_test(vmrange_buckets),
		cmocka_unit_test(native_buckets),  cmocka_unit_test(native_histograms_are_capped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
