#include "process/rt_metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/net.h"
#include "process/path_template.h"
#include "proto/url.h"

#define SCRATCH 1024
#define NAME_MAX_LEN 96
#define ADDRESSES 64 /* texts of addresses kept; a power of two */
#define PAIRS 64     /* answered series whose outcome series is known; a power of two */

enum label_kind {
	LABEL_CLIENT_ADDRESS, LABEL_CLIENT_PORT, LABEL_SERVER_ADDRESS, LABEL_SERVER_PORT,
	LABEL_FIELD,
	LABEL_PATH,  /* a field, made a template */
	LABEL_ROUTE, /* a field that is a template; the user's patterns look at `path` */
	LABEL_CONSTANT,
};

static const char *const common_selectors[] = { [LABEL_CLIENT_ADDRESS] = "client.address", [LABEL_CLIENT_PORT] = "client.port",
						[LABEL_SERVER_ADDRESS] = "server.address", [LABEL_SERVER_PORT] = "server.port" };
static const char *const common_labels[] = { [LABEL_CLIENT_ADDRESS] = "client_address", [LABEL_CLIENT_PORT] = "client_port",
					     [LABEL_SERVER_ADDRESS] = "server_address", [LABEL_SERVER_PORT] = "server_port" };

/* Where a label's value comes from. */
struct label {
	u8 kind; /* enum label_kind */
	const struct field *field, *path;
	struct str constant;
	char name[FIELD_NAME_MAX];
};

/* Metrics besides the common ones: of a response row, where the protocol has it. */
struct extra {
	const char *proto, *row; /* json name of the response's row */
	struct metric_desc desc;
};

static const double rows_bounds[] = { 0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 100000, 1000000 };

static const struct extra extras[] = {
	{ "mysql", "Packet.AffectedRows", { .name = "mysql_response_affected_rows", .help = "Rows changed by statements.", .type = METRIC_COUNTER } },
	{ "mysql", "Packet.Rows", { .name = "mysql_response_resultset_rows", .help = "Rows of result sets.", .type = METRIC_HISTOGRAM,
				    .bounds = rows_bounds, .bounds_len = ARRAY_LEN(rows_bounds) } },
	{ "postgresql", "Packet.Rows", { .name = "postgresql_response_affected_rows", .help = "Rows named by the tags of commands.", .type = METRIC_COUNTER } },
};

/* The metrics of the main group, in this order; extras come behind them. */
enum common_metric { REQUESTS, DURATION, REQUEST_BYTES, RESPONSE_BYTES, FIRST_BYTE, TRANSFER, COMMON_METRICS };

#define EXTRAS_MAX (METRIC_GROUP_MAX - COMMON_METRICS)

/* %s: the protocol. */
static const struct {
	const char *suffix, *help, *unit;
	u8 type;
} common_metrics[COMMON_METRICS] = {
	[REQUESTS] = { "requests_total", "Requests that were answered.", "", METRIC_COUNTER },
	[DURATION] = { "request_duration_seconds", "From the request to the end of its response.", "seconds", METRIC_HISTOGRAM },
	[REQUEST_BYTES] = { "request_body_bytes", "Sizes of requests that were answered.", "bytes", METRIC_HISTOGRAM },
	[RESPONSE_BYTES] = { "response_body_bytes", "Sizes of responses.", "bytes", METRIC_HISTOGRAM },
	[FIRST_BYTE] = { "response_first_byte_seconds", "From the end of the request to the first byte of its response: the time the server took.",
			 "seconds", METRIC_HISTOGRAM },
	[TRANSFER] = { "response_transfer_seconds", "From the first to the last byte of the response: the time network and client took.",
		       "seconds", METRIC_HISTOGRAM },
};

/* Groups of a counter each, with a label more. */
enum { OUTCOMES_TOTAL, ERRORS_TOTAL, SPECIALS };

static const struct {
	const char *suffix, *help, *label;
} specials[SPECIALS] = {
	[OUTCOMES_TOTAL] = { "outcomes_total", "Requests by how they ended, answered or not.", "outcome" },
	[ERRORS_TOTAL] = { "errors_total", "Requests that failed, by reason.", "error_type" },
};

/* One protocol's labels and groups. */
struct plan {
	struct label labels[METRIC_LABELS_MAX];
	u32 labels_len;
	const struct field *extra_rows[EXTRAS_MAX];
	bool extra_is_histogram[EXTRAS_MAX];
	u32 extras_len;
	struct metric_group *group, *special[SPECIALS];
};

struct rt_metrics {
	struct registry *registry;
	const struct config_processor *processor;
	const struct projection *projection;
	struct path_patterns *patterns;
	struct plan plans[PROTO_MAX];
	struct worker_sink *sinks;
	u32 workers;
};

struct address_text {
	struct ip_addr ip;
	u8 n;
	char text[46];
};

struct worker_sink {
	struct view_sink sink; /* first */
	struct rt_metrics *m;
	u32 worker;
	double carry; /* share of an exchange that sampling has not given out yet */
	struct arena_pool pool;
	struct arena arena;
	struct address_text addresses[ADDRESSES];
	/* Since the latest tick. An exchange that was answered has the same labels but the outcome in both. */
	struct {
		const struct metric_cells *answered;
		struct metric_cells *outcome;
	} pairs[PAIRS];
} __attribute__((aligned(CACHE_LINE)));

/* --- labels --- */

static const struct field *row_of(const struct proto *p, const char *selector)
{
	for (size_t i = 0; i < p->fields_len; i++)
		if (p->fields[i].selector && p->fields[i].label && strcmp(p->fields[i].selector, selector) == 0)
			return &p->fields[i];
	return NULL;
}

/* A name as labels may have it. */
static void label_name(char out[FIELD_NAME_MAX], const char *name)
{
	size_t n = 0;
	if (*name >= '0' && *name <= '9')
		out[n++] = '_';
	for (; *name && n + 1 < FIELD_NAME_MAX; name++) {
		bool good = ((*name | 0x20) >= 'a' && (*name | 0x20) <= 'z') || (*name >= '0' && *name <= '9') || *name == '_';
		out[n++] = good ? *name : '_';
	}
	out[n] = '\0';
}

/* The special groups need room for one more. Names that are there already are left out. */
static void add_label(struct plan *plan, const struct label *l)
{
	for (u32 i = 0; i < plan->labels_len; i++)
		if (strcmp(plan->labels[i].name, l->name) == 0)
			return;
	for (u32 i = 0; i < SPECIALS; i++)
		if (strcmp(specials[i].label, l->name) == 0)
			return;
	if (plan->labels_len + 1 < METRIC_LABELS_MAX && *l->name)
		plan->labels[plan->labels_len++] = *l;
}

static void add_common(struct plan *plan, enum label_kind kind)
{
	struct label l = { .kind = (u8)kind };
	label_name(l.name, common_labels[kind]);
	add_label(plan, &l);
}

static void add_field(struct rt_metrics *m, struct plan *plan, const struct proto *p, const struct field *f)
{
	const struct field_edits *edits = m->projection ? &m->projection->edits[p->index] : NULL;
	const char *renamed = edits && edits->renamed ? edits->renamed[f - p->fields] : NULL;
	struct label l = { .kind = LABEL_FIELD, .field = f };
	if (strcmp(f->selector, "request.path") == 0 && (m->processor->path_templates || m->patterns))
		l.kind = LABEL_PATH;
	l.path = row_of(p, "request.path");
	if (strcmp(f->selector, "request.route") == 0 && m->patterns && l.path)
		l.kind = LABEL_ROUTE;
	label_name(l.name, renamed ? renamed : f->label);
	add_label(plan, &l);
}

static int common_of(const char *selector)
{
	for (int i = 0; i < LABEL_FIELD; i++)
		if (strcmp(common_selectors[i], selector) == 0)
			return i;
	return -1;
}

static void usual_labels(struct rt_metrics *m, struct plan *plan, const struct proto *p)
{
	add_common(plan, LABEL_SERVER_ADDRESS);
	add_common(plan, LABEL_SERVER_PORT);
	for (size_t i = 0; i < p->fields_len; i++)
		if (p->fields[i].flags & FIELD_USUAL_LABEL && p->fields[i].label)
			add_field(m, plan, p, &p->fields[i]);
}

/* Common selectors first, then the protocol's, each in the order listed. */
static void chosen_labels(struct rt_metrics *m, struct plan *plan, const struct proto *p, const struct config_proto_labels *c, struct buf *warnings)
{
	for (u32 i = 0; i < c->selectors.n; i++)
		if (common_of(c->selectors.v[i]) >= 0)
			add_common(plan, (enum label_kind)common_of(c->selectors.v[i]));
	for (u32 i = 0; i < c->selectors.n; i++) {
		const struct field *f = row_of(p, c->selectors.v[i]);
		if (f)
			add_field(m, plan, p, f);
		else if (common_of(c->selectors.v[i]) < 0 && warnings)
			buf_addf(warnings, "%s: %s is no label of this protocol\n", p->name, c->selectors.v[i]);
	}
}

static void make_labels(struct rt_metrics *m, const struct proto *p, struct buf *warnings)
{
	struct plan *plan = &m->plans[p->index];
	const struct config_processor *c = m->processor;
	bool chosen = false;
	for (u32 i = 0; i < c->labels_len; i++) {
		if (strcmp(c->labels[i].proto, p->name) != 0)
			continue;
		chosen_labels(m, plan, p, &c->labels[i], warnings);
		chosen = true;
	}
	if (c->labels_default && !chosen)
		usual_labels(m, plan, p);
	for (u32 i = 0; m->projection && i < m->projection->added_len; i++) {
		struct label l = { .kind = LABEL_CONSTANT, .constant = str_from(m->projection->added[i].value) };
		label_name(l.name, m->projection->added[i].name);
		add_label(plan, &l);
	}
}

/* --- groups --- */

static void common_desc(const struct proto *p, u32 i, char name[NAME_MAX_LEN], struct metric_desc *d)
{
	snprintf(name, NAME_MAX_LEN, "%s_%s", p->name, common_metrics[i].suffix);
	bool bytes = strcmp(common_metrics[i].unit, "bytes") == 0;
	*d = (struct metric_desc){ .name = name, .help = common_metrics[i].help, .unit = common_metrics[i].unit, .type = common_metrics[i].type,
				   .bounds = bytes ? metric_bytes_bounds : metric_seconds_bounds,
				   .bounds_len = bytes ? metric_bytes_bounds_len : metric_seconds_bounds_len };
}

static void special_desc(const struct proto *p, u32 i, char name[NAME_MAX_LEN], struct metric_desc *d)
{
	snprintf(name, NAME_MAX_LEN, "%s_%s", p->name, specials[i].suffix);
	*d = (struct metric_desc){ .name = name, .help = specials[i].help, .type = METRIC_COUNTER };
}

static const struct field *extra_row(const struct proto *p, const struct extra *x)
{
	if (strcmp(x->proto, p->name) != 0)
		return NULL;
	for (size_t i = 0; i < p->fields_len; i++) {
		const struct field *f = &p->fields[i];
		if (f->side == SIDE_RESPONSE && f->json && strcmp(f->json, x->row) == 0 && field_kind(f) == VALUE_UNSIGNED)
			return f;
	}
	return NULL;
}

void rt_metrics_names(const struct proto *p, void (*each)(void *arg, const struct metric_desc *d), void *arg)
{
	char name[NAME_MAX_LEN];
	struct metric_desc d;
	for (u32 i = 0; i < COMMON_METRICS; i++) {
		common_desc(p, i, name, &d);
		each(arg, &d);
	}
	for (u32 i = 0; i < SPECIALS; i++) {
		special_desc(p, i, name, &d);
		each(arg, &d);
	}
	for (size_t i = 0; i < ARRAY_LEN(extras); i++)
		if (extra_row(p, &extras[i]))
			each(arg, &extras[i].desc);
}

static int make_groups(struct rt_metrics *m, const struct proto *p, struct buf *why)
{
	struct plan *plan = &m->plans[p->index];
	struct metric_desc d[METRIC_GROUP_MAX];
	char names[COMMON_METRICS][NAME_MAX_LEN], name[NAME_MAX_LEN];
	const char *labels[METRIC_LABELS_MAX];
	for (u32 i = 0; i < COMMON_METRICS; i++)
		common_desc(p, i, names[i], &d[i]);
	for (size_t i = 0; i < ARRAY_LEN(extras); i++) {
		const struct field *row = extra_row(p, &extras[i]);
		if (!row || plan->extras_len == EXTRAS_MAX)
			continue;
		d[COMMON_METRICS + plan->extras_len] = extras[i].desc;
		plan->extra_is_histogram[plan->extras_len] = extras[i].desc.type == METRIC_HISTOGRAM;
		plan->extra_rows[plan->extras_len++] = row;
	}
	for (u32 i = 0; i < plan->labels_len; i++)
		labels[i] = plan->labels[i].name;
	int rc = registry_group(m->registry, d, COMMON_METRICS + plan->extras_len, labels, plan->labels_len, &plan->group);
	for (u32 i = 0; i < SPECIALS && !rc; i++) {
		labels[plan->labels_len] = specials[i].label;
		special_desc(p, i, name, &d[0]);
		rc = registry_group(m->registry, d, 1, labels, plan->labels_len + 1, &plan->special[i]);
	}
	if (rc)
		buf_addf(why, "metrics of %s: %s", p->name, strerror(-rc));
	return rc;
}

/* --- one RoundTrip --- */

static struct str address_text(struct worker_sink *w, const struct ip_addr *ip)
{
	u64 half[2];
	memcpy(half, ip, sizeof(half));
	u64 mix = (half[0] ^ half[1]) * 0x9e3779b97f4a7c15ull;
	struct address_text *a = &w->addresses[mix >> 58];
	if (memcmp(&a->ip, ip, sizeof(*ip)) != 0 || !a->n) {
		a->ip = *ip;
		a->n = (u8)ip_format(ip, a->text);
	}
	return str_make(a->text, a->n);
}

static struct str printed(struct buf *scratch, const struct value *v)
{
	if (v->kind == VALUE_TEXT)
		return v->text;
	size_t from = scratch->len;
	value_print(scratch, v);
	return str_make(scratch->data + from, scratch->len - from);
}

static struct str field_text(const struct view *v, const struct field *f, struct buf *scratch)
{
	struct value value;
	return view_value(v, f, scratch, &value) ? printed(scratch, &value) : (struct str){ 0 };
}

static struct str path_label(struct worker_sink *w, const struct view *v, const struct label *l, struct buf *scratch)
{
	struct str own = field_text(v, l->field, scratch), path = l->kind == LABEL_PATH ? own : field_text(v, l->path, scratch);
	struct str pattern = w->m->patterns ? path_patterns_match(w->m->patterns, path) : (struct str){ 0 };
	if (pattern.n)
		return pattern;
	return l->kind == LABEL_PATH && w->m->processor->path_templates ? url_route(&w->arena, own) : own;
}

static struct str port_text(struct buf *scratch, u16 port)
{
	return printed(scratch, &(struct value){ .kind = VALUE_UNSIGNED, .u = port });
}

static struct str label_value(struct worker_sink *w, const struct view *v, const struct label *l, struct buf *scratch)
{
	const struct conn *c = v->rt->conn;
	u8 server = roundtrip_server_dir(v->rt);
	switch (l->kind) {
	case LABEL_CLIENT_ADDRESS: return address_text(w, &c->addr[server ^ 1]);
	case LABEL_CLIENT_PORT: return port_text(scratch, c->port[server ^ 1]);
	case LABEL_SERVER_ADDRESS: return address_text(w, &c->addr[server]);
	case LABEL_SERVER_PORT: return port_text(scratch, c->port[server]);
	case LABEL_FIELD: return field_text(v, l->field, scratch);
	case LABEL_CONSTANT: return l->constant;
	default: return path_label(w, v, l, scratch);
	}
}

/* Exchanges this one stands for: whole ones, so that counts stay whole; what is left over goes to the next. */
static u64 times_of(struct worker_sink *w, double weight)
{
	if (likely(weight == 1))
		return 1;
	if (!(weight > 0) || weight > 1e9)
		return 0;
	double all = weight + w->carry;
	u64 whole = (u64)(all + 1e-9);
	w->carry = all - (double)whole;
	return whole;
}

static double in_seconds(u64 ns)
{
	return (double)ns / 1e9;
}

static void count_answered(const struct plan *plan, struct metric_cells *c, const struct view *v, u64 times, u64 now, struct buf *scratch)
{
	const struct roundtrip *rt = v->rt;
	const u8 *trace = rt->request->has_trace ? rt->request->trace : NULL;
	const unsigned long_poll = MSG_NOISE | MSG_BLOCKING; /* a driver's own, which waits until there is news */
	bool timed = (rt->request->flags & long_poll) != long_poll;
	metric_add(c, REQUESTS, (double)times);
	if (timed)
		metric_observe_times(c, DURATION, in_seconds(rt->duration), times, trace, now);
	metric_observe_times(c, REQUEST_BYTES, (double)rt->request->size, times, NULL, now);
	metric_observe_times(c, RESPONSE_BYTES, rt->response ? (double)rt->response->size : 0, times, NULL, now);
	if (timed)
		metric_observe_times(c, FIRST_BYTE, in_seconds(rt->first_byte), times, NULL, now);
	if (timed)
		metric_observe_times(c, TRANSFER, in_seconds(rt->transfer), times, NULL, now);
	for (u32 i = 0; i < plan->extras_len; i++) {
		struct value value;
		if (!view_value(v, plan->extra_rows[i], scratch, &value) || value.kind != VALUE_UNSIGNED)
			continue;
		if (plan->extra_is_histogram[i])
			metric_observe_times(c, COMMON_METRICS + i, (double)value.u, times, NULL, now);
		else
			metric_add(c, COMMON_METRICS + i, (double)value.u * (double)times);
	}
}

static void count_outcome(struct worker_sink *w, const struct plan *plan, struct str *values, const struct view *v, const struct metric_cells *answered,
			  u64 times, u64 now)
{
	u32 at = (u32)((uintptr_t)answered >> 6) % PAIRS;
	struct metric_cells *c = answered && w->pairs[at].answered == answered ? w->pairs[at].outcome : NULL;
	if (c) {
		metric_touch(c, now);
	} else {
		values[plan->labels_len] = str_from(outcome_name(v->rt->outcome));
		c = metric_find(plan->special[OUTCOMES_TOTAL], w->worker, values, now);
		w->pairs[at].answered = answered;
		w->pairs[at].outcome = c;
	}
	metric_add(c, 0, (double)times);
}

static void on_view(struct view_sink *s, const struct view *v)
{
	struct worker_sink *w = (struct worker_sink *)(void *)s;
	const struct roundtrip *rt = v->rt;
	const struct plan *plan = &w->m->plans[rt->proto->index];
	struct str values[METRIC_LABELS_MAX];
	char memory[SCRATCH];
	struct buf scratch = buf_fixed(memory, sizeof(memory));
	u64 times = times_of(w, v->weight), now = (rt->request->time ? rt->request->time : rt->request->ts_last) + rt->duration;
	if (!plan->group || !times)
		return;
	for (u32 i = 0; i < plan->labels_len; i++)
		values[i] = label_value(w, v, &plan->labels[i], &scratch);
	struct metric_cells *answered = NULL;
	if (rt->outcome == OUTCOME_ANSWERED) {
		answered = metric_find(plan->group, w->worker, values, now);
		count_answered(plan, answered, v, times, now, &scratch);
	}
	count_outcome(w, plan, values, v, answered, times, now);
	if (rt->error.n) {
		values[plan->labels_len] = rt->error;
		struct metric_cells *c = metric_find(plan->special[ERRORS_TOTAL], w->worker, values, now);
		metric_add(c, 0, (double)times);
		if (rt->request->has_trace)
			metric_exemplar(c, 0, (double)times, rt->request->trace, now);
	}
	if (w->arena.chunks)
		arena_reset(&w->arena);
}

static void on_flush(struct view_sink *s, u64 now, bool last)
{
	struct worker_sink *w = (struct worker_sink *)(void *)s;
	memset(w->pairs, 0, sizeof(w->pairs));
	registry_tick(w->m->registry, w->worker, now);
}

/* --- life --- */

static int make_sinks(struct rt_metrics *m, u32 workers)
{
	size_t n = workers * sizeof(*m->sinks);
	m->sinks = aligned_alloc(CACHE_LINE, n);
	if (!m->sinks)
		return -ENOMEM;
	memset(m->sinks, 0, n);
	m->workers = workers;
	for (u32 i = 0; i < workers; i++) {
		struct worker_sink *w = &m->sinks[i];
		w->sink = (struct view_sink){ on_view, on_flush };
		w->m = m;
		w->worker = i;
		arena_pool_init(&w->pool, 16 * KIB, 64 * KIB);
		arena_init(&w->arena, &w->pool);
	}
	return 0;
}

static void check_patterns(const struct config_texts *patterns, struct buf *warnings)
{
	for (u32 i = 0; i < patterns->n && warnings; i++)
		if (*path_pattern_problem(patterns->v[i]))
			buf_addf(warnings, "pathPatterns: %s %s: it fits no path\n", patterns->v[i], path_pattern_problem(patterns->v[i]));
}

int rt_metrics_new(const struct rt_metrics_options *o, struct rt_metrics **ret, struct buf *why, struct buf *warnings)
{
	struct rt_metrics *m = calloc(1, sizeof(*m));
	const struct config_texts *patterns = &o->processor->path_patterns;
	int rc = -ENOMEM;
	if (!m)
		return rc;
	m->registry = o->registry;
	m->processor = o->processor;
	m->projection = o->projection;
	check_patterns(patterns, warnings);
	if (patterns->n)
		m->patterns = path_patterns_new(patterns->v, patterns->n);
	if (!patterns->n || m->patterns)
		rc = make_sinks(m, MAX(o->workers, 1));
	for (u32 i = 0; proto_all[i] && !rc; i++) {
		make_labels(m, proto_all[i], warnings);
		rc = make_groups(m, proto_all[i], why);
	}
	if (rc)
		rt_metrics_free(m);
	else
		*ret = m;
	return rc;
}

struct view_sink *rt_metrics_sink(struct rt_metrics *m, u32 worker)
{
	return worker < m->workers ? &m->sinks[worker].sink : NULL;
}

void rt_metrics_free(struct rt_metrics *m)
{
	if (!m)
		return;
	for (u32 i = 0; i < PROTO_MAX; i++) {
		registry_drop_group(m->registry, m->plans[i].group);
		for (u32 k = 0; k < SPECIALS; k++)
			registry_drop_group(m->registry, m->plans[i].special[k]);
	}
	for (u32 i = 0; i < m->workers; i++) {
		arena_reset(&m->sinks[i].arena);
		arena_pool_done(&m->sinks[i].pool);
	}
	free(m->sinks);
	path_patterns_free(m->patterns);
	free(m);
}
