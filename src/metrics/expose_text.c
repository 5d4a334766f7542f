/* The text formats: Prometheus 0.0.4 and OpenMetrics 1.0. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics/buckets.h"
#include "metrics/expose_private.h"

#define BOUND_MAX 32

struct writer {
	struct buf *out;
	bool openmetrics;
	struct str name;        /* of the family, as samples begin */
	const char *type;
	struct buf labels;      /* `a="b",c="d"` of the series at hand */
	char bounds[BUCKETS_BOUNDS_MAX + 1][BOUND_MAX + 8]; /* `le="0.5"`, of the bounds at `bounds_of` */
	const struct snapshot_bucket *bounds_of;
	u32 bounds_len;
};

static void number(struct buf *out, double v)
{
	if (v != v)
		buf_adds(out, "NaN");
	else if (v > __DBL_MAX__ || v < -__DBL_MAX__)
		buf_adds(out, v > 0 ? "+Inf" : "-Inf");
	else
		buf_add_double(out, v);
}

/* OpenMetrics' canonical numbers: "1.0", "0.25", "1.048576e+06", "+Inf". */
static void canonical(char out[BOUND_MAX], double v)
{
	int digits = 0;
	if (isinf(v)) {
		snprintf(out, BOUND_MAX, "+Inf");
		return;
	}
	do
		snprintf(out, BOUND_MAX, "%.*e", digits, v);
	while (strtod(out, NULL) != v && ++digits < 17);
	char *e = strchr(out, 'e');
	int exponent = e ? (int)strtol(e + 1, NULL, 10) : 0;
	if (exponent >= -4 && exponent < 6)
		snprintf(out, BOUND_MAX, "%.*f", MAX(digits - exponent, 1), v);
	else if (digits == 0)
		snprintf(out, BOUND_MAX, "%.0fe%+03d", v / pow(10, exponent), exponent);
}

/* "0.25", "10", "+Inf": the shortest decimal without exponent. */
static void decimal(char out[BOUND_MAX], double v)
{
	int digits = 0;
	if (isinf(v)) {
		snprintf(out, BOUND_MAX, "+Inf");
		return;
	}
	do
		snprintf(out, BOUND_MAX, "%.*f", digits, v);
	while (strtod(out, NULL) != v && ++digits < 20);
	if (strtod(out, NULL) != v)
		snprintf(out, BOUND_MAX, "%.17g", v);
}

static void bound_label(const struct writer *w, char out[BOUND_MAX + 8], double v)
{
	char text[BOUND_MAX];
	if (w->openmetrics)
		canonical(text, v);
	else
		decimal(text, v);
	snprintf(out, BOUND_MAX + 8, "le=\"%s\"", text);
}

/* Backslash, line feed, and the quote where it would end the text. */
static void escaped(struct buf *out, struct str s, bool quotes)
{
	const char *p = s.p, *end = s.p + s.n, *from = p;
	for (; p < end; p++) {
		if (*p != '\\' && *p != '\n' && (*p != '"' || !quotes))
			continue;
		buf_add(out, from, (size_t)(p - from));
		buf_add(out, *p == '\n' ? "\\n" : *p == '"' ? "\\\"" : "\\\\", 2);
		from = p + 1;
	}
	buf_add(out, from, (size_t)(end - from));
}

static void set_labels(struct writer *w, const struct snapshot_series *s)
{
	w->labels.len = 0;
	for (u32 i = 0; i < s->labels_len; i++) {
		if (i)
			buf_addc(&w->labels, ',');
		buf_add_str(&w->labels, s->labels[i].name);
		buf_add(&w->labels, "=\"", 2);
		escaped(&w->labels, s->labels[i].value, true);
		buf_addc(&w->labels, '"');
	}
}

/* `NAME_suffix{labels,extra} `: the value comes next. */
static void sample(struct writer *w, const char *suffix, const char *extra)
{
	size_t more = extra ? strlen(extra) : 0, end = strlen(suffix);
	char *to = buf_room(w->out, w->name.n + end + w->labels.len + more + 4);
	if (!to)
		return;
	char *p = to;
	memcpy(p, w->name.p, w->name.n);
	p += w->name.n;
	memcpy(p, suffix, end);
	p += end;
	if (w->labels.len + more) {
		*p++ = '{';
		if (w->labels.len)
			memcpy(p, w->labels.data, w->labels.len);
		p += w->labels.len;
		if (w->labels.len && more)
			*p++ = ',';
		if (more)
			memcpy(p, extra, more);
		p += more;
		*p++ = '}';
	}
	*p++ = ' ';
	w->out->len += (size_t)(p - to);
}

static void seconds(struct buf *out, u64 ns)
{
	buf_add_u64(out, ns / NS_PER_SEC);
	if (ns % NS_PER_SEC)
		buf_addf(out, ".%03u", (unsigned)(ns % NS_PER_SEC / NS_PER_MS));
}

static void line_end(struct writer *w, const struct snapshot_exemplar *e)
{
	if (w->openmetrics && e && e->time) {
		static const char hex[] = "0123456789abcdef";
		buf_adds(w->out, " # {trace_id=\"");
		for (size_t i = 0; i < sizeof(e->trace); i++) {
			buf_addc(w->out, hex[e->trace[i] >> 4]);
			buf_addc(w->out, hex[e->trace[i] & 15]);
		}
		buf_adds(w->out, "\"} ");
		number(w->out, e->value);
		buf_addc(w->out, ' ');
		seconds(w->out, e->time);
	}
	buf_addc(w->out, '\n');
}

static void created(struct writer *w, const struct snapshot_series *s)
{
	if (!w->openmetrics || !s->created)
		return;
	sample(w, "_created", NULL);
	seconds(w->out, s->created);
	buf_addc(w->out, '\n');
}

static void bucket_line(struct writer *w, const char *label, u64 count, const struct snapshot_exemplar *e)
{
	sample(w, "_bucket", label);
	buf_add_u64(w->out, count);
	line_end(w, e);
}

/* The bounds' labels are printed once for all series of a family. */
static void classic_lines(struct writer *w, const struct snapshot_histogram *h)
{
	u64 sum = 0;
	u32 n = MIN(h->classic_len, BUCKETS_BOUNDS_MAX + 1);
	bool same = w->bounds_len == n;
	for (u32 i = 0; i < n && same; i++)
		same = w->bounds_of[i].upper == h->classic[i].upper;
	for (u32 i = 0; i < n && !same; i++)
		bound_label(w, w->bounds[i], h->classic[i].upper);
	w->bounds_of = h->classic;
	w->bounds_len = n;
	for (u32 i = 0; i < n; i++) {
		sum += h->classic[i].count;
		bucket_line(w, w->bounds[i], sum, &h->classic[i].exemplar);
	}
}

/* OpenMetrics knows no vmrange: the ends of the ranges serve as bounds. */
static void ranges_as_bounds(struct writer *w, const struct snapshot_histogram *h)
{
	double bounds[VMRANGE_BUCKETS + 1];
	u64 counts[VMRANGE_BUCKETS + 1], sum = 0;
	u32 n = expose_ranges_as_bounds(h, bounds, counts);
	for (u32 i = 0; i < n; i++) {
		char label[BOUND_MAX + 8];
		sum += counts[i];
		bound_label(w, label, bounds[i]);
		bucket_line(w, label, sum, NULL);
	}
}

static void vmrange_lines(struct writer *w, const struct snapshot_histogram *h)
{
	for (u32 i = 0; i < h->vmrange_len; i++) {
		char range[VMRANGE_TEXT_MAX], label[VMRANGE_TEXT_MAX + 16];
		vmrange_text(h->vmrange[i].bucket, range);
		snprintf(label, sizeof(label), "vmrange=\"%s\"", range);
		bucket_line(w, label, h->vmrange[i].count, NULL);
	}
}

static void histogram(struct writer *w, const struct snapshot_series *s)
{
	const struct snapshot_histogram *h = s->histogram;
	if (h->classic)
		classic_lines(w, h);
	else if (h->vmrange && w->openmetrics)
		ranges_as_bounds(w, h);
	else if (!h->vmrange)
		bucket_line(w, "le=\"+Inf\"", h->count, &s->exemplar);
	if (h->vmrange && !w->openmetrics)
		vmrange_lines(w, h);
	sample(w, "_sum", NULL);
	number(w->out, h->sum);
	buf_addc(w->out, '\n');
	sample(w, "_count", NULL);
	buf_add_u64(w->out, h->count);
	buf_addc(w->out, '\n');
	created(w, s);
}

static void meta(struct writer *w, const char *what, struct str name, struct str text, bool quotes)
{
	buf_addf(w->out, "# %s ", what);
	buf_add_str(w->out, name);
	buf_addc(w->out, ' ');
	escaped(w->out, text, quotes);
	buf_addc(w->out, '\n');
}

/* Counters whose name does not end in _total keep it in OpenMetrics, too, and have no type there: dashboards go by names. */
static void family_head(struct writer *w, const struct snapshot_family *f)
{
	static const char *const names[] = { [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram" };
	struct str name = f->name;
	w->type = names[f->type];
	w->name = f->name;
	w->bounds_len = 0;
	if (w->openmetrics && f->type == METRIC_COUNTER) {
		name = expose_without_total(f->name);
		if (name.n == f->name.n)
			w->type = "unknown";
	}
	if (f->help.n)
		meta(w, "HELP", name, f->help, w->openmetrics);
	meta(w, "TYPE", name, str_from(w->type), false);
	if (w->openmetrics && expose_has_unit(name, f->unit))
		meta(w, "UNIT", name, f->unit, false);
}

static void series(struct writer *w, const struct snapshot_family *f, const struct snapshot_series *s)
{
	set_labels(w, s);
	if (f->type == METRIC_HISTOGRAM) {
		if (s->histogram)
			histogram(w, s);
		return;
	}
	bool total = f->type == METRIC_COUNTER && str_ends(f->name, "_total");
	sample(w, "", NULL);
	number(w->out, s->value);
	line_end(w, total ? &s->exemplar : NULL);
	if (total) {
		struct str whole = w->name;
		w->name = expose_without_total(whole);
		created(w, s);
		w->name = whole;
	}
}

void expose_text(struct buf *out, const struct snapshot *s, bool openmetrics)
{
	struct writer *w = calloc(1, sizeof(*w));
	if (!w) {
		out->failed = true;
		return;
	}
	w->out = out;
	w->openmetrics = openmetrics;
	for (u32 i = 0; i < s->families_len && !out->failed; i++) {
		const struct snapshot_family *f = &s->families[i];
		bool head = false;
		for (u32 k = 0; k < f->series_len && !out->failed; k++) {
			if (f->series[k].stale)
				continue;
			if (!head)
				family_head(w, f);
			head = true;
			series(w, f, &f->series[k]);
		}
	}
	if (openmetrics)
		buf_adds(out, "# EOF\n");
	buf_done(&w->labels);
	free(w);
}
