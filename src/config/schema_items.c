
#include "config/binder.h"
#include "config/checks.h"
#include "config/drafts.h"
#include "util/suggest.h"

#define RULE(member) .offset = offsetof(struct config_rule, member)
#define DRAFT(member) .offset = offsetof(struct processor_draft, member)
#define PIPELINE(member) .offset = offsetof(struct config_pipeline, member)

static const struct key rule_keys[] = {
	{ "name", KEY_TEXT, 0, RULE(name), .fallback = "", .meaning = "for people" },
	{ "protocol", KEY_TEXT, KEY_REQUIRED, RULE(protocol), .check = check_protocol, .meaning = "one of amqp, dns, grpc, http, http2, kafka, mongodb, mysql, postgresql, redis" },
	{ "ports", KEY_PORTS, 0, RULE(ports), .len_offset = offsetof(struct config_rule, ports_len), .fallback = "[]",
	  .meaning = "a port, a list, or \"80,8080\"; none: wherever the protocol is recognised" },
	{ "host", KEY_TEXT, 0, RULE(host), .fallback = "", .check = check_host, .meaning = "only to or from this address or host name" },
};
const struct schema schema_rule = { rule_keys, ARRAY_LEN(rule_keys), sizeof(struct config_rule), offsetof(struct config_rule, at), .name = "rule" };

static const struct key pipeline_keys[] = {
	{ "name", KEY_TEXT, 0, PIPELINE(name), .fallback = "", .meaning = "for people, as metrics/common" },
	{ "processors", KEY_TEXTS, 0, PIPELINE(processors), .fallback = "[]", .meaning = "names of processors, in the order in which they see an exchange" },
};
const struct schema schema_pipeline = { pipeline_keys, ARRAY_LEN(pipeline_keys), sizeof(struct config_pipeline), offsetof(struct config_pipeline, at), .name = "pipeline" };

#define NAME_KEY                                                                                                                     \
	{ "name", KEY_TEXT, KEY_REQUIRED, DRAFT(p.name),                                                                           \
	  .meaning = "its kind, or kind/what: roundtripstometrics, roundtripstotraces, roundtripstorecords, filter, sample, redact, attributes" }
/* Given to every processor by the old program's documents; it never did anything. */
#define EXPIRED_KEY { "config.expired", KEY_IGNORED, .meaning = "never had an effect; metricsStorage.expired has" }

static const struct key metrics_keys[] = {
	NAME_KEY,
	{ "config.defaultLabels", KEY_BOOL, KEY_NEW, DRAFT(p.labels_default), .fallback = "false", .meaning = "each protocol's usual labels, for those without requireLabels" },
#define X(name)                                                                                                                      \
	{ "config." #name ".requireLabels", KEY_TEXTS, 0, DRAFT(labels[CONFIG_PROTO_##name]), .fallback = "[]", .check = check_selectors, \
	  .meaning = "labels of " #name "'s metrics" },                                                                           \
	{ "config." #name ".requiredLabels", .instead = "config." #name ".requireLabels" },
	CONFIG_PROTOCOLS(X)
#undef X
	{ "config.pathPatterns", KEY_TEXTS, KEY_NEW, DRAFT(p.path_patterns), .fallback = "[]", .check = check_path_pattern, .example = "[\"/users/{id}/orders\"]",
	  .meaning = "paths to be seen as one, tried before the built-in rules" },
	{ "config.pathTemplates", KEY_BOOL, KEY_NEW, DRAFT(p.path_templates), .fallback = "true", .meaning = "ids in paths become {id}, so that a path is one series" },
	EXPIRED_KEY,
};

static const struct choice span_kinds[] = { { "client", SPAN_CLIENT }, { "server", SPAN_SERVER }, { "both", SPAN_BOTH }, { NULL } };

static const struct key traces_keys[] = {
	NAME_KEY,
	{ "config.spanKind", KEY_CHOICE, KEY_NEW, DRAFT(span_kind), .fallback = "client", .choices = span_kinds, .meaning = "spans as the client sees them, as the server does, or one of each" },
	{ "config.keepStatements", KEY_BOOL, KEY_NEW, DRAFT(p.keep_statements), .fallback = "false", .meaning = "statements with their values, not with ? in their place" },
	{ "config.maxReuse", KEY_NUMBER, KEY_NEW, DRAFT(p.max_reuse), .max = 1000000000, .fallback = "0", .meaning = "spans that a trace context may get before it is taken for a reused one; 0: the default" },
	EXPIRED_KEY,
};

static const struct key records_keys[] = { NAME_KEY, EXPIRED_KEY };

static const struct key filter_keys[] = {
	NAME_KEY,
	{ "config.expression", KEY_TEXT, KEY_NEW | KEY_REQUIRED, DRAFT(p.expression), .check = check_expression, .example = "http.status >= 500 or duration > 1s",
	  .meaning = "what goes on, as for watch --filter; 'packetd help filter' explains it" },
};

static const struct key sample_keys[] = {
	NAME_KEY,
	{ "config.head", KEY_SHARE, KEY_NEW, DRAFT(p.head), .fallback = "1", .example = "10%", .meaning = "share of exchanges that go on, 0.1 or 10%" },
	{ "config.keepErrors", KEY_BOOL, KEY_NEW, DRAFT(p.keep_errors), .fallback = "true", .meaning = "failed ones always do" },
	{ "config.keepSlower", KEY_DURATION, KEY_NEW, DRAFT(p.keep_slower), .fallback = "0", .example = "500ms", .meaning = "and so do those that took longer; 0: no matter how long" },
};

static const struct key redact_keys[] = {
	NAME_KEY,
	{ "config.dropSensitive", KEY_BOOL, KEY_NEW, DRAFT(p.drop_sensitive), .fallback = "true", .meaning = "leave out all fields that may hold personal data" },
	{ "config.drop", KEY_TEXTS, KEY_NEW, DRAFT(edited), .fallback = "[]", .check = check_drop, .example = "[http.request.query]", .meaning = "fields to leave out, as for --filter" },
	{ "config.mask", KEY_TEXTS, KEY_NEW, DRAFT(edited), .fallback = "[]", .check = check_mask, .meaning = "fields whose value becomes ***" },
	{ "config.hash", KEY_TEXTS, KEY_NEW, DRAFT(edited), .fallback = "[]", .check = check_hash, .meaning = "fields whose value becomes a keyed hash: equal ones stay equal" },
};

static const struct key attributes_keys[] = {
	NAME_KEY,
	{ "config.add", KEY_PAIRS, KEY_NEW, DRAFT(added), .check = check_add, .example = "{team: payments}", .meaning = "attributes with a fixed value" },
	{ "config.rename", KEY_PAIRS, KEY_NEW, DRAFT(added), .check = check_rename, .example = "{http.request.host: shop}", .meaning = "fields with their new names" },
	{ "config.drop", KEY_TEXTS, KEY_NEW, DRAFT(edited), .fallback = "[]", .check = check_drop, .meaning = "fields to leave out" },
};

static const char *const kind_names[PROCESSOR_KINDS] = {
	"roundtripstometrics", "roundtripstotraces", "roundtripstorecords", "filter", "sample", "redact", "attributes",
};

/* "filter/slow" is a filter. */
static int find_kind(const char *name)
{
	size_t n = strcspn(name, "/");
	for (u32 i = 0; i < PROCESSOR_KINDS; i++)
		if (strlen(kind_names[i]) == n && memcmp(kind_names[i], name, n) == 0)
			return (int)i;
	return -1;
}

static const struct schema *pick_processor(struct binder *b, const struct node *item, const char *path)
{
	const struct node *name = node_get(item, "name");
	if (!name || name->kind != NODE_SCALAR || node_is_null(name)) {
		binder_error(b, name ? name->at : item->at, path, "a processor needs a name: %s, %s, …", kind_names[0], kind_names[1]);
		return NULL;
	}
	const char *text = binder_text(b, name, path);
	if (!text)
		return NULL;
	int kind = find_kind(text);
	if (kind >= 0)
		return &schema_processors[kind];
	struct buf known = { 0 };
	for (u32 i = 0; i < PROCESSOR_KINDS; i++)
		buf_addf(&known, "%s%s", i ? ", " : "", kind_names[i]);
	char at[PATH_TEXT_MAX];
	binder_path(at, "%s.name", path);
	binder_unknown(b, name->at, at, text, "no processor of this kind", buf_cstr(&known), kind_names, PROCESSOR_KINDS);
	buf_done(&known);
	return NULL;
}

/* Labels of all protocols, in one list of those that have any. */
static void collect_labels(struct binder *b, struct processor_draft *d)
{
	static const char *const names[] = {
#define X(name) #name,
		CONFIG_PROTOCOLS(X)
#undef X
	};
	d->p.labels = pool_alloc(b->pool, CONFIG_PROTO_COUNT * sizeof(*d->p.labels));
	for (u32 i = 0; d->p.labels && i < CONFIG_PROTO_COUNT; i++)
		if (d->labels[i].n)
			d->p.labels[d->p.labels_len++] = (struct config_proto_labels){ names[i], d->labels[i] };
}

static void finish_processor(struct binder *b, void *item, const struct node *n, const char *path)
{
	struct processor_draft *d = item;
	int kind = d->p.name ? find_kind(d->p.name) : -1;
	d->p.kind = (u8)MAX(kind, 0);
	if (!d->p.expression)
		d->p.expression = "";
	if (kind == PROCESSOR_METRICS)
		collect_labels(b, d);
	d->p.server_kind = d->span_kind == SPAN_SERVER;
	d->p.both_kinds = d->span_kind == SPAN_BOTH;
}

#define PROCESSOR(keys, what)                                                                                                        \
	{ keys, ARRAY_LEN(keys), sizeof(struct processor_draft), offsetof(struct processor_draft, p.at), sizeof(struct config_processor), what, \
	  .finish = finish_processor }

const struct schema schema_processors[PROCESSOR_KINDS] = {
	[PROCESSOR_METRICS] = PROCESSOR(metrics_keys, "roundtripstometrics"),
	[PROCESSOR_TRACES] = PROCESSOR(traces_keys, "roundtripstotraces"),
	[PROCESSOR_RECORDS] = PROCESSOR(records_keys, "roundtripstorecords"),
	[PROCESSOR_FILTER] = PROCESSOR(filter_keys, "filter"),
	[PROCESSOR_SAMPLE] = PROCESSOR(sample_keys, "sample"),
	[PROCESSOR_REDACT] = PROCESSOR(redact_keys, "redact"),
	[PROCESSOR_ATTRIBUTES] = PROCESSOR(attributes_keys, "attributes"),
};

const struct schema schema_processor = { NULL, 0, sizeof(struct processor_draft), UINT16_MAX, sizeof(struct config_processor), "processor", pick_processor };
