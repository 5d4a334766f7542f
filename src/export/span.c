#include "export/span.h"

#include <stdlib.h>
#include <xxhash.h>

#include "export/attrs.h"
#include "export/exchange_id.h"
#include "export/statement.h"

#define NAME_MAX_BYTES 256
#define RESULT_MAX 1024 /* bytes of an error in words */
#define REUSE_SETS 1024
#define REUSE_WAYS 4

/* Field numbers of trace.proto and logs.proto. */
enum { SCOPE_RECORDS = 2 };
enum { SPAN_TRACE_ID = 1, SPAN_ID = 2, SPAN_PARENT = 4, SPAN_NAME = 5, SPAN_KIND = 6, SPAN_START = 7, SPAN_END = 8, SPAN_ATTRIBUTES = 9, SPAN_EVENTS = 11, SPAN_LINKS = 13, SPAN_STATUS = 15, SPAN_FLAGS = 16 };
enum { EVENT_TIME = 1, EVENT_NAME = 2, EVENT_ATTRIBUTES = 3 };
enum { LINK_TRACE_ID = 1, LINK_SPAN_ID = 2, LINK_ATTRIBUTES = 4 };
enum { STATUS_CODE = 3, STATUS_ERROR = 2 };
enum { LOG_TIME = 1, LOG_SEVERITY = 2, LOG_SEVERITY_TEXT = 3, LOG_BODY = 5, LOG_ATTRIBUTES = 6, LOG_TRACE_ID = 9, LOG_SPAN_ID = 10, LOG_OBSERVED = 11, LOG_EVENT_NAME = 12 };
enum span_kind { KIND_INTERNAL = 1, KIND_SERVER, KIND_CLIENT, KIND_PRODUCER, KIND_CONSUMER };

#define FLAGS_REMOTE 0x300u /* it is known where the parent was, and it was elsewhere */

/* How often a context of the traffic has become a parent. Those seen most stay. */
struct reuse {
	u64 hash;
	u32 spans;
};

struct span_encoder {
	const struct exporter_env *env;
	struct attrs *attrs;
	struct buf scratch;
	/* of the first roundtripstotraces there is, for views without a projection */
	bool server_kind, both_kinds;
	u32 max_reuse;
	struct reuse reuse[REUSE_SETS][REUSE_WAYS];
};

struct span_encoder *span_encoder_new(const struct exporter_env *env)
{
	struct span_encoder *e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->env = env;
	e->attrs = attrs_new();
	if (!e->attrs) {
		free(e);
		return NULL;
	}
	e->scratch.max = 64 * KIB;
	for (u32 i = 0; env->config && i < env->config->processors_len; i++) {
		const struct config_processor *p = &env->config->processors[i];
		if (p->kind != PROCESSOR_TRACES)
			continue;
		e->server_kind = p->server_kind;
		e->both_kinds = p->both_kinds;
		e->max_reuse = p->max_reuse;
		break;
	}
	return e;
}

void span_encoder_free(struct span_encoder *e)
{
	if (!e)
		return;
	attrs_free(e->attrs);
	buf_done(&e->scratch);
	free(e);
}

/* What the traffic says about the trace: of the request, else of the response. NULL: nothing. */
static const u8 *context_of(const struct roundtrip *rt)
{
	const struct message *m = rt->request->has_trace ? rt->request : rt->response;
	return m && m->has_trace ? m->trace : NULL;
}

/* Counts a use of the context; false once it has been used too often to be one request's. */
static bool context_believed(struct span_encoder *e, const u8 *context, u32 max)
{
	u64 hash = XXH3_64bits(context, 24) | 1;
	struct reuse *set = e->reuse[hash >> 32 & (REUSE_SETS - 1)], *least = set;
	for (int i = 0; i < REUSE_WAYS; i++) {
		if (set[i].hash == hash)
			return set[i].spans >= max ? false : set[i].spans++ < max;
		if (set[i].spans < least->spans)
			least = &set[i];
	}
	*least = (struct reuse){ hash, 1 };
	return true;
}

static bool is_server_kind(const struct span_encoder *e, const struct view *v)
{
	return v->projection && v->projection->traces ? v->projection->server_kind : e->server_kind;
}

static bool is_both_kinds(const struct span_encoder *e, const struct view *v)
{
	return v->projection && v->projection->traces ? v->projection->both_kinds : e->both_kinds;
}

static u32 reuse_limit(const struct span_encoder *e, const struct view *v)
{
	u32 max = v->projection && v->projection->traces ? v->projection->max_reuse : e->max_reuse;
	return max ? max : SPAN_REUSE_DEFAULT;
}

static enum span_kind messaging_kind(struct span_encoder *e, const struct attr_plan *plan, const struct view *v)
{
	char text[32];
	struct str type = attrs_text(e->attrs, v, plan->operation_type ? plan->operation_type : plan->operation, text, sizeof(text));
	static const struct str produce[] = { { "send", 4 }, { "create", 6 }, { "publish", 7 }, { "Produce", 7 }, { "Basic.Publish", 13 } };
	static const struct str consume[] = { { "receive", 7 }, { "process", 7 }, { "settle", 6 }, { "Fetch", 5 }, { "Basic.Deliver", 13 }, { "Basic.Get", 9 } };
	for (size_t i = 0; i < ARRAY_LEN(produce); i++)
		if (str_eq_nocase(type, produce[i]))
			return KIND_PRODUCER;
	for (size_t i = 0; i < ARRAY_LEN(consume); i++)
		if (str_eq_nocase(type, consume[i]))
			return KIND_CONSUMER;
	return KIND_CLIENT;
}

static enum span_kind kind_of(struct span_encoder *e, const struct attr_plan *plan, const struct view *v)
{
	if (is_server_kind(e, v))
		return KIND_SERVER;
	switch (plan->family) {
	case FAMILY_DB:
	case FAMILY_DNS:
		return KIND_CLIENT;
	case FAMILY_MESSAGING:
		return messaging_kind(e, plan, v);
	default:
		return KIND_SERVER;
	}
}

static void add_word(struct buf *out, char between, struct str s)
{
	if (s.n && out->len)
		buf_addc(out, between);
	buf_add(out, s.p, MIN(s.n, out->cap - MIN(out->len, out->cap)));
}

/* "GET /users/{id}", "shop.Cart/Add", "SELECT items", "PING"; the protocol's name when nothing better is known. */
static struct str span_name(struct span_encoder *e, const struct attr_plan *plan, const struct view *v, char *to)
{
	char text[NAME_MAX_BYTES];
	struct buf out = buf_fixed(to, NAME_MAX_BYTES);
	struct str s = attrs_text(e->attrs, v, plan->summary, text, sizeof(text));
	if (s.n) {
		add_word(&out, ' ', s);
		return str_make(to, out.len);
	}
	if (plan->family == FAMILY_RPC)
		add_word(&out, '/', attrs_text(e->attrs, v, plan->service, text, sizeof(text)));
	s = attrs_text(e->attrs, v, plan->operation, text, sizeof(text));
	add_word(&out, '/', str_eq(s, STR("_OTHER")) ? STR("HTTP") : s);
	if (out.len)
		add_word(&out, ' ', attrs_text(e->attrs, v, plan->target, text, sizeof(text)));
	return out.len ? str_make(to, out.len) : str_from(v->rt->proto->name);
}

/* error.type: empty when it went well. */
static struct str error_of(const struct roundtrip *rt)
{
	if (rt->error.n)
		return rt->error;
	switch (rt->outcome) {
	case OUTCOME_NO_RESPONSE:
		return STR("timeout");
	case OUTCOME_RESET:
		return STR("connection_reset");
	default:
		return (struct str){ 0 };
	}
}

/* To a server, what its client did wrong is no error of its own. */
static bool is_clients_fault(const struct attr_plan *plan, const struct view *v, struct str error)
{
	static const char *const servers[] = { "UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS" };
	struct value value;
	char room[64];
	struct buf scratch = buf_fixed(room, sizeof(room));
	if (v->rt->outcome != OUTCOME_ANSWERED)
		return false;
	if (plan->family == FAMILY_HTTP && plan->status && field_value(v->rt, plan->status, &scratch, &value) && value.kind == VALUE_UNSIGNED)
		return value.u >= 400 && value.u < 500;
	if (plan->family != FAMILY_RPC)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		if (str_eq(error, str_from(servers[i])))
			return false;
	return true;
}

static void put_event(struct buf *b, u64 time, struct str name, u64 n)
{
	size_t mark = pb_begin(b, SPAN_EVENTS, 1);
	pb_fixed64(b, EVENT_TIME, time);
	pb_bytes(b, EVENT_NAME, name.p, name.n);
	if (n)
		attr_put_int(b, EVENT_ATTRIBUTES, STR("packetd.count"), (i64)n);
	pb_end(b, mark, 1);
}

static void put_events(struct buf *b, const struct roundtrip *rt, u64 start, u64 end)
{
	if (rt->first_byte && rt->response)
		put_event(b, MIN(MAX(rt->response->ts_first, start), end), STR("first_byte"), 0);
	if (rt->retransmits)
		put_event(b, end, STR("tcp.retransmit"), rt->retransmits);
	if (rt->zero_windows)
		put_event(b, end, STR("tcp.zero_window"), rt->zero_windows);
	if (rt->outcome == OUTCOME_RESET)
		put_event(b, end, STR("tcp.reset"), 0);
	if (rt->outcome == OUTCOME_NO_RESPONSE)
		put_event(b, end, STR("timeout"), 0);
	if (rt->outcome == OUTCOME_LOST)
		put_event(b, end, STR("capture.gap"), 0);
}

static void put_link(struct buf *b, const u8 *context)
{
	size_t mark = pb_begin(b, SPAN_LINKS, 1);
	pb_bytes(b, LINK_TRACE_ID, context, 16);
	pb_bytes(b, LINK_SPAN_ID, context + 16, 8);
	attr_put_text(b, LINK_ATTRIBUTES, STR("packetd.link"), STR("reused_context"));
	pb_end(b, mark, 1);
}

/* Who it is and whose child. */
struct identity {
	const u8 *trace, *span, *parent; /* parent NULL: a root */
	const u8 *context;               /* of the traffic; NULL: none */
	bool believed;                   /* the context is its trace */
	enum span_kind kind;
};

static bool is_id(const u8 *p, size_t n)
{
	u8 all = 0;
	for (size_t i = 0; i < n; i++)
		all |= p[i];
	return all != 0;
}

static void put_span(struct span_encoder *e, const struct attr_plan *plan, struct buf *b, const struct view *v, const struct identity *id)
{
	const struct roundtrip *rt = v->rt;
	char name_room[NAME_MAX_BYTES];
	u64 start = rt->request->time ? rt->request->time : rt->request->ts_last, end = start + rt->duration;
	size_t mark = pb_begin(b, SCOPE_RECORDS, 2);
	pb_bytes(b, SPAN_TRACE_ID, id->trace, 16);
	pb_bytes(b, SPAN_ID, id->span, 8);
	if (id->parent)
		pb_bytes(b, SPAN_PARENT, id->parent, 8);
	struct str name = span_name(e, plan, v, name_room);
	pb_string(b, SPAN_NAME, name, &e->scratch);
	pb_u64(b, SPAN_KIND, id->kind);
	pb_fixed64(b, SPAN_START, start);
	pb_fixed64(b, SPAN_END, end);
	attrs_put(e->attrs, plan, b, SPAN_ATTRIBUTES, v);
	struct str error = error_of(rt);
	bool failed = error.n && !(id->kind == KIND_SERVER && is_clients_fault(plan, v, error));
	if (failed)
		attr_put_text(b, SPAN_ATTRIBUTES, STR("error.type"), pb_clean(error, &e->scratch));
	put_events(b, rt, start, end);
	if (id->context && !id->believed)
		put_link(b, id->context);
	if (failed) {
		size_t status = pb_begin(b, SPAN_STATUS, 1);
		pb_u64(b, STATUS_CODE, STATUS_ERROR);
		pb_end(b, status, 1);
	}
	if (id->believed)
		pb_fixed32(b, SPAN_FLAGS, (id->context[24] & 1u) | FLAGS_REMOTE);
	pb_end(b, mark, 2);
	e->scratch.len = 0;
}

u32 span_count(const struct span_encoder *e, const struct view *v)
{
	return is_both_kinds(e, v) ? 2 : 1;
}

void span_encode(struct span_encoder *e, struct buf *out, const struct view *v)
{
	struct exchange_id ids;
	const struct attr_plan *plan = attrs_plan(e->attrs, v->rt->proto);
	if (!plan) {
		out->failed = true;
		return;
	}
	exchange_id(v->rt, e->env->live, &ids);
	struct identity id = { .trace = ids.trace, .span = ids.span, .context = context_of(v->rt) };
	if (id.context && !is_id(id.context, 16))
		id.context = NULL;
	id.believed = id.context && context_believed(e, id.context, reuse_limit(e, v));
	if (id.believed) {
		id.trace = id.context;
		id.parent = is_id(id.context + 16, 8) ? id.context + 16 : NULL;
	}
	if (!is_both_kinds(e, v)) {
		id.kind = kind_of(e, plan, v);
		put_span(e, plan, out, v, &id);
		return;
	}
	struct identity client = id;
	client.kind = plan->family == FAMILY_MESSAGING ? messaging_kind(e, plan, v) : KIND_CLIENT;
	client.span = ids.client_span;
	put_span(e, plan, out, v, &client);
	id.kind = KIND_SERVER;
	id.parent = ids.client_span;
	put_span(e, plan, out, v, &id);
}

/* --- log records --- */

/* What became of it, in words; of an error without what its message quotes. */
static void add_result(struct buf *text, const struct attr_plan *plan, const struct view *v)
{
	const struct roundtrip *rt = v->rt;
	size_t start = text->len;
	if (!rt->response || !rt->proto->describe) {
		buf_adds(text, outcome_name(rt->outcome));
		return;
	}
	rt->proto->describe(rt->response, text);
	bool keep = v->projection && v->projection->keep_statements;
	if (!plan->quotes || keep || !(rt->response->flags & MSG_FAILED) || text->failed)
		return;
	char said[RESULT_MAX];
	size_t n = MIN(text->len - start, sizeof(said));
	memcpy(said, text->data + start, n);
	text->len = start;
	message_safe(text, str_make(said, n));
}

static void put_body(struct span_encoder *e, const struct attr_plan *plan, struct buf *b, const struct view *v, struct str name)
{
	struct buf *text = &e->scratch;
	text->len = 0;
	buf_add_str(text, name);
	buf_adds(text, " -> ");
	add_result(text, plan, v);
	if (text->failed) {
		text->failed = false;
		text->len = 0;
	}
	size_t n = text->len;
	size_t mark = pb_begin(b, LOG_BODY, 1);
	pb_string(b, 1, str_make(text->data, n), text);
	pb_end(b, mark, 1);
	text->len = 0;
}

void log_encode(struct span_encoder *e, struct buf *out, const struct view *v)
{
	struct exchange_id ids;
	char name_room[NAME_MAX_BYTES];
	const struct roundtrip *rt = v->rt;
	const struct attr_plan *plan = attrs_plan(e->attrs, rt->proto);
	if (!plan) {
		out->failed = true;
		return;
	}
	exchange_id(rt, e->env->live, &ids);
	const u8 *context = context_of(rt);
	struct str name = span_name(e, plan, v, name_room), error = error_of(rt);
	u64 start = rt->request->time ? rt->request->time : rt->request->ts_last;
	size_t mark = pb_begin(out, SCOPE_RECORDS, 2);
	pb_fixed64(out, LOG_TIME, start);
	pb_u64(out, LOG_SEVERITY, error.n ? 17 : 9);
	pb_text(out, LOG_SEVERITY_TEXT, error.n ? "ERROR" : "INFO");
	put_body(e, plan, out, v, name);
	attr_put_text(out, LOG_ATTRIBUTES, STR("packetd.protocol"), str_from(rt->proto->name));
	attr_put_double(out, LOG_ATTRIBUTES, STR("packetd.duration"), (double)rt->duration / (double)NS_PER_SEC);
	attrs_put(e->attrs, plan, out, LOG_ATTRIBUTES, v);
	if (error.n)
		attr_put_text(out, LOG_ATTRIBUTES, STR("error.type"), pb_clean(error, &e->scratch));
	pb_bytes(out, LOG_TRACE_ID, context && is_id(context, 16) ? context : ids.trace, 16);
	pb_bytes(out, LOG_SPAN_ID, ids.span, 8);
	pb_fixed64(out, LOG_OBSERVED, start + rt->duration);
	pb_text(out, LOG_EVENT_NAME, "packetd.roundtrip");
	pb_end(out, mark, 2);
	e->scratch.len = 0;
}
