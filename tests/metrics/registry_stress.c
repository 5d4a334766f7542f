/* Workers, readers and a thread that drops and declares groups, all at once; built with -fsanitize=thread by test_threads.py.
 * Checks that no observation is lost and that readers see whole histograms. usage: registry_stress ROUNDS
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics/expose.h"

#define WORKERS 3
#define READERS 2
#define KEYS 40

static struct registry *registry;
static struct metric_group *kept, *brief;
static u32 rounds;
static _Atomic bool done;
static _Atomic u32 broken;

static const struct metric_desc metrics[] = { { .name = "a_total", .type = METRIC_COUNTER }, { .name = "b_seconds", .unit = "seconds", .type = METRIC_HISTOGRAM } };
static const struct metric_desc short_lived[] = { { .name = "c_total", .type = METRIC_COUNTER } };
static const char *const labels[] = { "key" };

static u32 random_of(u32 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* `kept`: few keys, never idle for long in capture time. `brief`: keys that come and go. */
static void *work(void *arg)
{
	u32 shard = (u32)(uintptr_t)arg, x = shard + 1;
	u64 now = NS_PER_SEC;
	u8 trace[16] = { (u8)shard };
	for (u32 i = 0; i < rounds; i++) {
		char text[16];
		struct str key = str_make(text, (size_t)snprintf(text, sizeof(text), "%u", random_of(&x) % KEYS));
		struct metric_cells *c = metric_find(kept, shard, &key, now);
		metric_add(c, 0, 1);
		metric_observe(c, 1, (double)(random_of(&x) % 100000) / 1000, trace, now);
		key = str_make(text, (size_t)snprintf(text, sizeof(text), "%u", i / 50 + random_of(&x) % 7));
		metric_add(metric_find(brief, shard, &key, now), 0, 1);
		now += NS_PER_MS;
		if (i % 16 == 0)
			registry_tick(registry, shard, now);
	}
	return NULL;
}

static void check_histogram(const struct snapshot_histogram *h)
{
	u64 classic = 0, ranges = 0, native = h->native->zero_count;
	for (u32 i = 0; i < h->classic_len; i++)
		classic += h->classic[i].count;
	for (u32 i = 0; i < h->vmrange_len; i++)
		ranges += h->vmrange[i].count;
	for (u32 i = 0; i < h->native->n; i++)
		native += h->native->counts[i];
	if (classic != h->count || ranges != h->count || native != h->count)
		broken++;
}

static void *look(void *arg)
{
	u32 reader = registry_reader(registry);
	while (!done) {
		struct snapshot *s = registry_snapshot(registry, &(struct snapshot_options){ .protocol = true, .now = 1, .reader = reader });
		struct buf out = { 0 };
		for (u32 i = 0; i < s->families_len; i++)
			for (u32 k = 0; k < s->families[i].series_len; k++)
				if (s->families[i].series[k].histogram)
					check_histogram(s->families[i].series[k].histogram);
		expose(&out, s, reader % 2 ? EXPOSE_OPENMETRICS : EXPOSE_PROTOBUF);
		buf_done(&out);
		snapshot_free(s);
	}
	return NULL;
}

static void *redeclare(void *arg)
{
	struct registry_stats st;
	while (!done) {
		struct metric_group *g;
		if (registry_group(registry, short_lived, 1, labels, 1, &g))
			broken++;
		registry_stats(registry, &st, NULL, NULL);
		registry_drop_group(registry, g);
	}
	return NULL;
}

static double sum_of(const char *name)
{
	struct snapshot *s = registry_snapshot(registry, &(struct snapshot_options){ .protocol = true });
	double sum = 0;
	for (u32 i = 0; i < s->families_len; i++)
		for (u32 k = 0; k < s->families[i].series_len && str_eq(s->families[i].name, str_from(name)); k++)
			sum += s->families[i].series[k].histogram ? (double)s->families[i].series[k].histogram->count : s->families[i].series[k].value;
	snapshot_free(s);
	return sum;
}

int main(int argc, char **argv)
{
	pthread_t workers[WORKERS], others[READERS + 1];
	static const struct metric_desc coming[] = { { .name = "d_total", .type = METRIC_COUNTER } };
	rounds = argc > 1 ? (u32)strtoul(argv[1], NULL, 10) : 20000;
	registry = registry_new(&(struct registry_options){ .workers = WORKERS, .expired_ns = NS_PER_SEC, .histograms = HIST_CLASSIC | HIST_VMRANGE | HIST_NATIVE,
							     .native_schema = 8, .native_max_buckets = 40, .exemplars = true });
	if (!registry || registry_group(registry, metrics, 2, labels, 1, &kept) || registry_group(registry, coming, 1, labels, 1, &brief))
		return 2;
	for (u32 i = 0; i < WORKERS; i++)
		pthread_create(&workers[i], NULL, work, (void *)(uintptr_t)i);
	for (u32 i = 0; i < READERS + 1; i++)
		pthread_create(&others[i], NULL, i < READERS ? look : redeclare, NULL);
	for (u32 i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	done = true;
	for (u32 i = 0; i < READERS + 1; i++)
		pthread_join(others[i], NULL);
	double counted = sum_of("a_total"), observed = sum_of("b_seconds");
	printf("%u torn histograms, %.0f counted, %.0f observed of %u\n", broken, counted, observed, rounds * WORKERS);
	registry_free(registry);
	return broken || counted != rounds * WORKERS || observed != rounds * WORKERS;
}
