/* A registry for exporter_drive: metrics whose values are known. SPDX-License-Identifier: Apache-2.0 */
#include "exporter_drive.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

u32 drive_series = 3;

/* Stands in for the metric store. */
__attribute__((weak)) u32 registry_reader(struct registry *r)
{
	return 1;
}

__attribute__((weak)) void registry_reader_done(struct registry *r, u32 reader)
{
}

#define LABELS 3

/* Everything of one picture, in one piece per kind. */
struct picture {
	struct snapshot s;
	struct snapshot_family families[4];
	struct snapshot_series *counter, *histogram, *gauge;
	struct snapshot_label *labels;
	char (*texts)[24];
	struct snapshot_histogram *h;
	struct snapshot_bucket *classic;
	u64 *native;
	struct snapshot_native *natives;
	struct snapshot_vmrange *vmrange;
};

static u64 rounds;

static void make_histogram(struct picture *p, u32 i, u64 n, u64 now)
{
	struct snapshot_bucket *c = &p->classic[3 * i];
	c[0] = (struct snapshot_bucket){ .upper = 0.01, .count = n };
	c[1] = (struct snapshot_bucket){ .upper = 0.5, .count = 2 * n };
	c[2] = (struct snapshot_bucket){ .upper = INFINITY, .count = i };
	memset(c[1].exemplar.trace, 0xab, 16);
	c[1].exemplar.value = 0.25;
	c[1].exemplar.time = now;
	u64 *counts = &p->native[4 * i];
	counts[0] = n;
	counts[1] = 0;
	counts[2] = 2 * n;
	counts[3] = i;
	p->natives[i] = (struct snapshot_native){ .schema = 3, .zero_threshold = 1e-9, .first = -5, .counts = counts, .n = 4 };
	struct snapshot_vmrange *v = &p->vmrange[2 * i];
	v[0] = (struct snapshot_vmrange){ 0, n };
	v[1] = (struct snapshot_vmrange){ 120, 2 * n + i };
	p->h[i] = (struct snapshot_histogram){ .count = 3 * n + i, .sum = 0.75 * (double)n, .classic = c, .classic_len = 3, .native = &p->natives[i], .vmrange = v, .vmrange_len = 2 };
}

static void make_series(struct picture *p, u32 i, u64 n, u64 now)
{
	struct snapshot_label *l = &p->labels[LABELS * i];
	int len = snprintf(p->texts[i], sizeof(p->texts[i]), "/items/%u", i);
	l[0] = (struct snapshot_label){ STR("method"), STR("GET") };
	l[1] = (struct snapshot_label){ STR("path"), str_make(p->texts[i], (size_t)len) };
	l[2] = (struct snapshot_label){ STR("code"), i % 2 ? STR("") : STR("200") };
	struct snapshot_series s = { .labels = l, .labels_len = LABELS, .id = i + 1, .created = EXCHANGE_T0, .touched = now };
	s.stale = i == 2 && n > 2; /* one goes after its second showing */
	p->counter[i] = s;
	p->counter[i].value = (double)(n * (i + 1));
	p->histogram[i] = s;
	p->histogram[i].id += 1000000;
	p->histogram[i].histogram = &p->h[i];
	make_histogram(p, i, n, now);
}

__attribute__((weak)) struct snapshot *registry_snapshot(struct registry *r, const struct snapshot_options *o)
{
	struct picture *p = calloc(1, sizeof(*p));
	u32 n = MAX(drive_series, 1u);
	u64 round = ++rounds;
	p->counter = calloc(n, sizeof(*p->counter));
	p->histogram = calloc(n, sizeof(*p->histogram));
	p->gauge = calloc(1, sizeof(*p->gauge));
	p->labels = calloc(n, LABELS * sizeof(*p->labels));
	p->texts = calloc(n, sizeof(*p->texts));
	p->h = calloc(n, sizeof(*p->h));
	p->classic = calloc(n, 3 * sizeof(*p->classic));
	p->native = calloc(n, 4 * sizeof(*p->native));
	p->natives = calloc(n, sizeof(*p->natives));
	p->vmrange = calloc(n, 2 * sizeof(*p->vmrange));
	for (u32 i = 0; i < n; i++)
		make_series(p, i, round, o->now);
	p->gauge[0] = (struct snapshot_series){ .id = 1, .value = 1.5 };
	p->families[0] = (struct snapshot_family){ STR("http_requests_total"), STR("requests seen"), STR(""), METRIC_COUNTER, false, p->counter, n };
	p->families[1] = (struct snapshot_family){ STR("http_request_duration_seconds"), STR("time to the response"), STR("seconds"), METRIC_HISTOGRAM, false, p->histogram, n };
	p->families[2] = (struct snapshot_family){ STR("packetd_uptime"), STR("since the start"), STR("seconds"), METRIC_GAUGE, true, p->gauge, 1 };
	p->s = (struct snapshot){ .time = o->now, .families = p->families, .families_len = o->own ? 3 : 2, .memory = p };
	return &p->s;
}

__attribute__((weak)) void snapshot_free(struct snapshot *s)
{
	struct picture *p = s ? s->memory : NULL;
	if (!p)
		return;
	void *parts[] = { p->counter, p->histogram, p->gauge, p->labels, p->texts, p->h, p->classic, p->native, p->natives, p->vmrange, p };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		free(parts[i]);
}
