#include "unit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "metrics/expose.h"
#include "metrics/registry_private.h"

#define T0 (1740819600ull * NS_PER_SEC)

enum { REQUESTS, DURATION };

static const struct metric_desc web[] = {
	{ .name = "web_requests_total", .help = "Requests.", .type = METRIC_COUNTER },
	{ .name = "web_duration_seconds", .help = "How long.", .unit = "seconds", .type = METRIC_HISTOGRAM },
};
static const char *const web_labels[] = { "method", "path" };

static struct registry *make(const struct registry_options *o, struct metric_group **g)
{
	struct registry *r = registry_new(o);
	assert_non_null(r);
	assert_int_equal(registry_group(r, web, 2, web_labels, 2, g), 0);
	return r;
}

static struct metric_cells *find(struct metric_group *g, u32 shard, const char *method, const char *path, u64 now)
{
	struct str values[2] = { str_from(method), str_from(path) };
	return metric_find(g, shard, values, now);
}

static struct snapshot *look(struct registry *r, u64 now, u32 reader)
{
	struct snapshot *s = registry_snapshot(r, &(struct snapshot_options){ .protocol = true, .own = true, .now = now, .reader = reader });
	assert_non_null(s);
	return s;
}

static const struct snapshot_family *family(const struct snapshot *s, const char *name)
{
	for (u32 i = 0; i < s->families_len; i++)
		if (str_eq(s->families[i].name, str_from(name)))
			return &s->families[i];
	return NULL;
}

/* The series whose first two values are these. */
static const struct snapshot_series *series(const struct snapshot *s, const char *name, const char *a, const char *b)
{
	const struct snapshot_family *f = family(s, name);
	for (u32 i = 0; f && i < f->series_len; i++)
		if (str_eq(f->series[i].labels[0].value, str_from(a)) && str_eq(f->series[i].labels[1].value, str_from(b)))
			return &f->series[i];
	return NULL;
}

static void shards_are_added_up(void **state)
{
	struct metric_group *g;
	struct registry *r = make(&(struct registry_options){ .workers = 3 }, &g);
	for (u32 shard = 0; shard < 3; shard++) {
		struct metric_cells *c = find(g, shard, "GET", "/", T0 + shard);
		metric_add(c, REQUESTS, shard + 1);
		metric_observe(c, DURATION, 0.001, NULL, T0);
		metric_observe(c, DURATION, 0.0011, NULL, T0);
		metric_observe(c, DURATION, 1e6, NULL, T0);
		assert_ptr_equal(c, find(g, shard, "GET", "/", T0 + shard));
		assert_ptr_not_equal(c, find(g, shard, "GE", "T/", T0));
	}
	struct snapshot *s = look(r, T0, 0);
	assert_int_equal(s->families_len, 2);
	assert_int_equal(family(s, "web_requests_total")->series_len, 2);
	const struct snapshot_series *x = series(s, "web_requests_total", "GET", "/");
	assert_true(x->value == 6);
	assert_int_equal(x->created, T0);
	assert_int_equal(x->touched, T0 + 2);
	const struct snapshot_histogram *h = series(s, "web_duration_seconds", "GET", "/")->histogram;
	assert_int_equal(h->count, 9);
	assert_true(fabs(h->sum - 3 * (1e6 + 0.0021)) < 1e-6);
	assert_int_equal(h->classic_len, metric_seconds_bounds_len + 1);
	assert_int_equal(h->classic[0].count, 3); /* bounds are inclusive */
	assert_int_equal(h->classic[1].count, 3);
	assert_int_equal(h->classic[metric_seconds_bounds_len].count, 3);
	assert_true(isinf(h->classic[metric_seconds_bounds_len].upper));
	snapshot_free(s);
	registry_free(r);
}

static void nonsense_is_not_observed(void **state)
{
	struct metric_group *g;
	struct registry *r = make(&(struct registry_options){ .workers = 1, .histograms = HIST_CLASSIC | HIST_VMRANGE | HIST_NATIVE }, &g);
	struct metric_cells *c = find(g, 0, "GET", "/", T0);
	metric_observe(c, DURATION, NAN, NULL, T0);
	metric_observe(c, DURATION, INFINITY, NULL, T0);
	metric_observe(c, DURATION, -1, NULL, T0);
	metric_observe_times(c, DURATION, 1, 0, NULL, T0);
	metric_observe(c, DURATION, 0, NULL, T0);
	struct snapshot *s = look(r, T0, 0);
	const struct snapshot_histogram *h = series(s, "web_duration_seconds", "GET", "/")->histogram;
	assert_int_equal(h->count, 1);
	assert_int_equal(h->vmrange_len, 1);
	assert_int_equal(h->vmrange[0].bucket, 0);
	assert_int_equal(h->native->zero_count, 1);
	assert_int_equal(h->native->n, 0);
	snapshot_free(s);
	registry_free(r);
}

static void past_the_cap_is_other(void **state)
{
	struct metric_group *g;
	for (u32 workers = 1; workers <= 2; workers++) {
		struct registry *r = make(&(struct registry_options){ .workers = workers, .max_series = 3 }, &g);
		char path[16];
		for (int i = 0; i < 10; i++) {
			snprintf(path, sizeof(path), "/%d", i);
			metric_add(find(g, 0, "GET", path, T0), REQUESTS, 1);
		}
		metric_add(find(g, workers - 1, "GET", "/1", T0), REQUESTS, 1);
		struct snapshot *s = look(r, T0, 0);
		assert_int_equal(family(s, "web_requests_total")->series_len, 4);
		assert_true(series(s, "web_requests_total", METRIC_OTHER, METRIC_OTHER)->value == 7);
		assert_true(series(s, "web_requests_total", "GET", "/1")->value == 2);
		snapshot_free(s);
		/* a label set that looks like it is it */
		metric_add(find(g, 0, METRIC_OTHER, METRIC_OTHER, T0), REQUESTS, 1);
		s = look(r, T0, 0);
		assert_int_equal(family(s, "web_requests_total")->series_len, 4);
		assert_true(series(s, "web_requests_total", METRIC_OTHER, METRIC_OTHER)->value == 8);
		snapshot_free(s);
		registry_free(r);
	}
}

static void memory_is_capped(void **state)
{
	struct metric_group *g;
	struct registry *r = make(&(struct registry_options){ .workers = 1, .max_series = 1000000, .max_bytes = 256 * KIB }, &g);
	struct registry_stats st;
	char path[200];
	memset(path, 'x', sizeof(path));
	for (int i = 0; i < 5000; i++) {
		snprintf(path + 150, 50, "/%d", i);
		metric_add(find(g, 0, "GET", path, T0), REQUESTS, 1);
	}
	registry_stats(r, &st, NULL, NULL);
	assert_true(st.bytes <= 256 * KIB + 64 * KIB); /* the tables grow by doubling */
	assert_true(st.capped > 0);
	struct snapshot *s = look(r, T0, 0);
	double sum = 0;
	const struct snapshot_family *f = family(s, "web_requests_total");
	for (u32 i = 0; i < f->series_len; i++)
		sum += f->series[i].value;
	assert_true(sum == 5000);
	snapshot_free(s);
	registry_free(r);
}

static u32 stale_count(const struct snapshot *s, const char *name)
{
	const struct snapshot_family *f = family(s, name);
	u32 n = 0;
	for (u32 i = 0; f && i < f->series_len; i++)
		n += f->series[i].stale;
	return n;
}

static void idle_series_end_everywhere(void **state)
{
	struct metric_group *g;
	struct registry *r = make(&(struct registry_options){ .workers = 2, .expired_ns = 100 * NS_PER_SEC }, &g);
	u32 a = registry_reader(r), b = registry_reader(r);
	metric_add(find(g, 0, "GET", "/", T0), REQUESTS, 1);
	metric_add(find(g, 1, "GET", "/", T0), REQUESTS, 1);
	metric_add(find(g, 0, "PUT", "/", T0), REQUESTS, 1);
	struct snapshot *s = look(r, T0, 0);
	u64 id = series(s, "web_requests_total", "GET", "/")->id;
	snapshot_free(s);
	/* one worker has touched it meanwhile: it lives, with what the other one had counted */
	u64 now = T0 + 99 * NS_PER_SEC;
	metric_add(find(g, 1, "GET", "/", now), REQUESTS, 1);
	now = T0 + 150 * NS_PER_SEC;
	registry_tick(r, 0, now);
	registry_tick(r, 1, now);
	s = look(r, now, a);
	assert_true(series(s, "web_requests_total", "GET", "/")->value == 3);
	assert_int_equal(series(s, "web_requests_total", "GET", "/")->id, id);
	assert_true(series(s, "web_requests_total", "PUT", "/")->stale);
	assert_int_equal(stale_count(s, "web_requests_total"), 1);
	assert_int_equal(stale_count(s, "web_duration_seconds"), 1);
	snapshot_free(s);
	s = look(r, now, a); /* told once */
	assert_int_equal(stale_count(s, "web_requests_total"), 0);
	snapshot_free(s);
	/* the idle shard's cells are found again */
	metric_add(find(g, 0, "GET", "/", now), REQUESTS, 1);
	now += 300 * NS_PER_SEC;
	registry_tick(r, 0, now);
	registry_tick(r, 1, now);
	registry_tick(r, 0, now + 50 * NS_PER_SEC);
	s = look(r, now, 0);
	assert_null(family(s, "web_requests_total"));
	snapshot_free(s);
	/* back again: a new one from zero, whose end nobody needs to hear of */
	metric_add(find(g, 1, "GET", "/", now), REQUESTS, 1);
	s = look(r, now, b);
	assert_true(series(s, "web_requests_total", "GET", "/")->value == 1);
	assert_int_not_equal(series(s, "web_requests_total", "GET", "/")->id, id);
	assert_int_equal(series(s, "web_requests_total", "GET", "/")->created, now);
	assert_int_equal(stale_count(s, "web_requests_total"), 1); /* PUT, for b */
	snapshot_free(s);
	registry_free(r);
}

static void memory_comes_back(void **state)
{
	struct metric_group *g;
	struct registry *r = make(&(struct registry_options){ .workers = 1, .expired_ns = NS_PER_SEC, .exemplars = true, .histograms = HIST_CLASSIC | HIST_NATIVE | HIST_VMRANGE }, &g);
	struct registry_stats st;
	u64 first = 0, now = T0;
	u8 trace[16] = { 1 };
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 3000; i++) {
			char path[16];
			snprintf(path, sizeof(path), "/%d-%d", round, i);
			struct metric_cells *c = find(g, 0, "GET", path, now);
			metric_observe(c, DURATION, i * 0.01, trace, now);
			metric_exemplar(c, REQUESTS, 1, trace, now);
		}
		for (int tick = 0; tick < 20; tick++)
			registry_tick(r, 0, now += NS_PER_SEC);
		registry_stats(r, &st, NULL, NULL);
		assert_int_equal(st.series, 0);
		first = first ? first : st.bytes;
		assert_int_equal(st.bytes, first);
	}
	registry_free(r);
}

static void names_are_checked(void **state)
{
	struct metric_group *g, *again;
	struct registry *r = make(&(struct registry_options){ .workers = 1 }, &g);
	const char *const other[] = { "method" };
	struct metric_desc bad = web[0];
	assert_int_equal(registry_group(r, web, 2, web_labels, 2, &again), 0);
	assert_ptr_equal(again, g);
	bad.type = METRIC_GAUGE;
	assert_int_equal(registry_group(r, &bad, 1, other, 1, &again), -EEXIST);
	bad = (struct metric_desc){ .name = "a b" };
	assert_int_equal(registry_group(r, &bad, 1, other, 1, &again), -EINVAL);
	bad.name = "9a";
	assert_int_equal(registry_group(r, &bad, 1, other, 1, &again), -EINVAL);
	bad.name = "";
	assert_int_equal(registry_group(r, &bad, 1, other, 1, &again), -EINVAL);
	bad.name = "fine";
	const char *const twice[] = { "a", "a" }, *const le[] = { "le" }, *const under[] = { "__name__" }, *const dash[] = { "a-b" };
	assert_int_equal(registry_group(r, &bad, 1, twice, 2, &again), -EINVAL);
	assert_int_equal(registry_group(r, &bad, 1, le, 1, &again), -EINVAL);
	assert_int_equal(registry_group(r, &bad, 1, under, 1, &again), -EINVAL);
	assert_int_equal(registry_group(r, &bad, 1, dash, 1, &again), -EINVAL);
	bad.type = METRIC_HISTOGRAM;
	bad.bounds = (const double[]){ 1, 1 };
	bad.bounds_len = 2;
	assert_int_equal(registry_group(r, &bad, 1, NULL, 0, &again), -EINVAL);
	/* one family of two groups, while one configuration gives way to another */
	assert_int_equal(registry_group(r, web, 1, other, 1, &again), 0);
	metric_add(find(g, 0, "GET", "/", T0), REQUESTS, 1);
	metric_add(metric_find(again, 0, &(struct str){ "GET", 3 }, T0), 0, 5);
	struct snapshot *s = look(r, T0, 0);
	assert_int_equal(family(s, "web_requests_total")->series_len, 2);
	assert_int_equal(s->families_len, 2);
	snapshot_free(s);
	registry_free(r);
}

/* A reload makes exporters anew, each time with a reader of its own. */
static void readers_come_and_go(void **state)
{
	struct metric_group *g;
	struct registry *r = make(&(struct registry_options){ .workers = 1 }, &g);
	for (u32 i = 1; i <= 8; i++)
		assert_int_equal(registry_reader(r), i);
	assert_int_equal(registry_reader(r), 0);
	metric_add(find(g, 0, "GET", "/", T0), REQUESTS, 4);
	registry_drop_group(r, g);
	registry_reader_done(r, 3);
	registry_reader_done(r, 0);
	assert_int_equal(registry_reader(r), 3);
	assert_int_equal(registry_reader(r), 0);
	struct snapshot *s = look(r, T0, 3);
	assert_int_equal(stale_count(s, "web_requests_total"), 0); /* it ended before that reader came */
	snapshot_free(s);
	s = look(r, T0, 5);
	assert_int_equal(stale_count(s, "web_requests_total"), 1);
	snapshot_free(s);
	for (u32 i = 1; i <= 8; i++)
		registry_reader_done(r, i);
	registry_free(r);
}

static void a_dropped_group_goes_stale(void **state)
{
	struct metric_group *g, *again;
	struct registry *r = make(&(struct registry_options){ .workers = 2 }, &g);
	u32 reader = registry_reader(r);
	assert_int_equal(registry_group(r, web, 2, web_labels, 2, &again), 0);
	metric_add(find(g, 0, "GET", "/", T0), REQUESTS, 4);
	metric_add(find(g, 1, "GET", "/", T0), REQUESTS, 4);
	registry_drop_group(r, again); /* declared twice */
	struct snapshot *s = look(r, T0, reader);
	assert_true(series(s, "web_requests_total", "GET", "/")->value == 8);
	snapshot_free(s);
	registry_drop_group(r, g);
	s = look(r, T0, reader);
	assert_int_equal(stale_count(s, "web_requests_total"), 1);
	assert_int_equal(family(s, "web_requests_total")->series_len, 1);
	snapshot_free(s);
	/* declared again before the workers have let go of what was */
	struct metric_desc gauge = { .name = "web_requests_total", .type = METRIC_GAUGE };
	struct metric_group *free_name;
	assert_int_equal(registry_group(r, &gauge, 1, NULL, 0, &free_name), 0);
	registry_drop_group(r, free_name);
	assert_int_equal(registry_group(r, web, 2, web_labels, 2, &again), 0);
	metric_add(find(again, 1, "GET", "/", T0 + 1), REQUESTS, 2);
	registry_tick(r, 0, T0 + 1);
	registry_tick(r, 1, T0 + 1);
	s = look(r, T0 + 1, reader);
	assert_true(series(s, "web_requests_total", "GET", "/")->value == 2);
	assert_int_equal(stale_count(s, "web_requests_total"), 0);
	snapshot_free(s);
	registry_free(r);
}

static void values_are_cut_and_valid(void **state)
{
	struct metric_group *g;
	struct registry *r = make(&(struct registry_options){ .workers = 1 }, &g);
	char big[400];
	memset(big, 'a', sizeof(big));
	memcpy(big + METRIC_VALUE_MAX - 1, "\xc3\xa4", 2); /* ä across the end */
	struct str values[2] = { str_make(big, sizeof(big)), STR("\xff\xc3(\xed\xa0\x80 \xf0\x9f\x98\x80") };
	metric_add(metric_find(g, 0, values, T0), REQUESTS, 1);
	struct snapshot *s = look(r, T0, 0);
	const struct snapshot_series *x = &family(s, "web_requests_total")->series[0];
	assert_int_equal(x->labels[0].value.n, METRIC_VALUE_MAX - 1);
	assert_true(str_eq(x->labels[1].value, STR("\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xf0\x9f\x98\x80")));
	snapshot_free(s);
	registry_free(r);
}

static void exemplars_are_the_latest(void **state)
{
	struct metric_group *g;
	struct registry *r = make(&(struct registry_options){ .workers = 2, .exemplars = true }, &g);
	u8 a[16] = { 1 }, b[16] = { 2 };
	metric_observe(find(g, 0, "GET", "/", T0), DURATION, 0.002, a, T0);
	metric_observe(find(g, 1, "GET", "/", T0), DURATION, 0.003, b, T0 + 1);
	metric_observe(find(g, 0, "GET", "/", T0), DURATION, 7, a, T0 + 2);
	metric_exemplar(find(g, 0, "GET", "/", T0), REQUESTS, 1, a, T0);
	struct snapshot *s = look(r, T0, 0);
	const struct snapshot_series *x = series(s, "web_duration_seconds", "GET", "/");
	assert_memory_equal(x->histogram->classic[1].exemplar.trace, b, 16);
	assert_true(x->histogram->classic[1].exemplar.value == 0.003);
	assert_int_equal(x->histogram->classic[0].exemplar.time, 0);
	assert_memory_equal(x->histogram->classic[10].exemplar.trace, a, 16);
	assert_memory_equal(series(s, "web_requests_total", "GET", "/")->exemplar.trace, a, 16);
	snapshot_free(s);
	registry_free(r);
}

static void collect_two(void *arg, struct snapshot *into)
{
	snapshot_family(into, "packetd_z", "Last.", "", METRIC_GAUGE);
	snapshot_value(into, NULL, 0, 1.5);
	snapshot_family(into, "packetd_a", "First.", "", METRIC_COUNTER);
	for (int i = 0; i < 100; i++) {
		char text[8];
		snprintf(text, sizeof(text), "%d\xff", i);
		struct snapshot_label l[] = { { STR("n"), str_from(text) } };
		snapshot_value(into, l, 1, i);
	}
}

static void collectors_are_asked(void **state)
{
	struct metric_group *g;
	struct registry *r = make(&(struct registry_options){ .workers = 1 }, &g);
	assert_int_equal(registry_add_collector(r, collect_two, r, true), 0);
	metric_add(find(g, 0, "GET", "/", T0), REQUESTS, 1);
	struct snapshot *s = look(r, T0, 0);
	assert_int_equal(s->families_len, 4);
	assert_true(str_eq(s->families[0].name, STR("packetd_a")) && s->families[0].own);
	assert_int_equal(s->families[0].series_len, 100);
	assert_true(s->families[0].series[99].value == 99);
	assert_true(str_eq(s->families[0].series[99].labels[0].value, STR("99\xef\xbf\xbd")));
	assert_false(s->families[2].own);
	snapshot_free(s);
	s = registry_snapshot(r, &(struct snapshot_options){ .protocol = true });
	assert_int_equal(s->families_len, 2);
	snapshot_free(s);
	s = registry_snapshot(r, &(struct snapshot_options){ .own = true });
	assert_int_equal(s->families_len, 2);
	snapshot_free(s);
	registry_remove_collector(r, r);
	s = registry_snapshot(r, &(struct snapshot_options){ .own = true });
	assert_int_equal(s->families_len, 0);
	snapshot_free(s);
	registry_free(r);
}

static void counter_series_are_small(void **state)
{
	static const struct metric_desc one = { .name = "things_total", .type = METRIC_COUNTER };
	static const char *const labels[] = { "server_address", "server_port", "method", "status_code" };
	struct registry *r = registry_new(&(struct registry_options){ .workers = 1, .max_series = 1000000, .exemplars = true });
	struct metric_group *g;
	struct registry_stats before, after;
	assert_int_equal(registry_group(r, &one, 1, labels, 4, &g), 0);
	registry_stats(r, &before, NULL, NULL);
	for (int i = 0; i < 100000; i++) {
		char address[32];
		struct str values[4] = { str_make(address, (size_t)snprintf(address, sizeof(address), "10.1.%d.%d", i >> 8, i & 255)), STR("8080"), STR("GET"), STR("200") };
		metric_add(metric_find(g, 0, values, T0), 0, 1);
	}
	registry_stats(r, &after, NULL, NULL);
	assert_true((after.bytes - before.bytes) / 100000 <= 300 - 32); /* malloc's own 16 for each of two pieces */
	registry_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shards_are_added_up),
		cmocka_unit_test(nonsense_is_not_observed),
		cmocka_unit_test(past_the_cap_is_other),
		cmocka_unit_test(memory_is_capped),
		cmocka_unit_test(idle_series_end_everywhere),
		cmocka_unit_test(memory_comes_back),
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(readers_come_and_go),
		cmocka_unit_test(a_dropped_group_goes_stale),
		cmocka_unit_test(values_are_cut_and_valid),
		cmocka_unit_test(exemplars_are_the_latest),
		cmocka_unit_test(collectors_are_asked),
		cmocka_unit_test(counter_series_are_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
