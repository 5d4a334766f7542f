/* From header blocks to messages: which field says what, what is hidden, what is kept. */
#include "proto/http2/http2.h"
#include "proto/secrets.h"
#include "proto/trace_context.h"
#include "proto/url.h"

#define CLOCK_SLACK (5 * NS_PER_MS) /* between a client's clock and the capture's */
#define GRPC_DEADLINE_EXCEEDED 4

enum { REFUSED_STREAM = 7, CANCEL = 8 };

const struct hpack_field *h2_field(const struct hpack_fields *fields, enum hpack_name id)
{
	for (u32 i = 0; i < fields->n; i++)
		if (fields->v[i].id == id && !(fields->v[i].flags & HPACK_NO_NAME))
			return &fields->v[i];
	return NULL;
}

struct str h2_field_value(const struct hpack_fields *fields, enum hpack_name id)
{
	const struct hpack_field *f = h2_field(fields, id);
	return f ? f->value : (struct str){ 0 };
}

/* Strings of the static table outlive everything; others are copied. */
static struct str keep(struct arena *a, struct str s, bool fixed)
{
	return fixed ? s : arena_str(a, s.p, s.n);
}

static struct str keep_some(struct arena *a, const struct hpack_fields *fields, const struct hpack_field *f)
{
	return keep(a, str_make(f->value.p, MIN(f->value.n, fields->longest)), f->flags & HPACK_FIXED_VALUE);
}

/* The value of a field that a message has once: "?" when it may be there, but is not known. */
static struct str take(struct arena *a, const struct hpack_fields *fields, enum hpack_name id)
{
	const struct hpack_field *f = h2_field(fields, id);
	if (!f)
		return fields->unknown ? H2_UNKNOWN : (struct str){ 0 };
	return f->flags & HPACK_NO_VALUE ? H2_UNKNOWN : keep_some(a, fields, f);
}

static struct str take_if_known(struct arena *a, const struct hpack_fields *fields, enum hpack_name id)
{
	const struct hpack_field *f = h2_field(fields, id);
	return f && !(f->flags & HPACK_NO_VALUE) ? keep_some(a, fields, f) : (struct str){ 0 };
}

static struct str shown_value(struct parser *ps, struct arena *a, const struct hpack_field *f)
{
	struct str value = f->flags & HPACK_NO_VALUE ? H2_UNKNOWN : keep(a, f->value, f->flags & HPACK_FIXED_VALUE);
	if (ps->opt->show_secrets || f->flags & HPACK_NO_VALUE)
		return value;
	switch (f->id) {
	case NAME_AUTHORIZATION: return secret_credentials(a, value);
	case NAME_COOKIE: return secret_cookie(a, value);
	case NAME_SET_COOKIE: return secret_set_cookie(a, value);
	case NAME_URL: return secret_url(a, value);
	default: return value;
	}
}

/* RFC 9113 section 8.2.3: cookie crumbs are one field. */
static struct hpack_field join_cookies(struct arena *a, const struct hpack_fields *fields, const struct hpack_field *first)
{
	struct hpack_field joined = *first;
	size_t n = 0, crumbs = 0, at = 0;
	for (u32 i = 0; i < fields->n; i++) {
		if (fields->v[i].id != NAME_COOKIE || fields->v[i].flags & HPACK_NO_NAME)
			continue;
		crumbs++;
		n += fields->v[i].value.n + 2;
	}
	char *to = crumbs > 1 ? arena_alloc(a, n) : NULL;
	if (!to)
		return joined;
	for (u32 i = 0; i < fields->n; i++) {
		const struct hpack_field *f = &fields->v[i];
		if (f->id != NAME_COOKIE || f->flags & HPACK_NO_NAME || !f->value.n)
			continue;
		if (at) {
			memcpy(to + at, "; ", 2);
			at += 2;
		}
		memcpy(to + at, f->value.p, f->value.n);
		at += f->value.n;
	}
	joined.value = str_make(to, at);
	joined.flags = (u8)((joined.flags & ~HPACK_NO_VALUE) | HPACK_FIXED_VALUE);
	return joined;
}

/* Fields of which the name is not known are left out: their values might be anybody's secrets. */
static bool is_listed(const struct hpack_field *f)
{
	return f->id == NAME_OTHER ? !(f->flags & HPACK_NO_NAME) && f->name.n && f->name.p[0] != ':' : f->id > NAME_STATUS && !(f->flags & HPACK_NO_NAME);
}

static bool lists_fit(const struct parser *ps, const struct hpack_fields *fields)
{
	return ps->opt->headers && fields->longest == H2_LONGEST;
}

/* The fields as a list. Returns the bytes that are kept. */
static u32 keep_list(struct parser *ps, struct message *m, const struct hpack_fields *fields, struct pairs *list)
{
	struct pair *v = fields->n ? arena_alloc(&m->arena, fields->n * sizeof(*v)) : NULL;
	u32 n = 0, kept = fields->n * (u32)sizeof(*v);
	bool cookies = false;
	if (!v)
		return 0;
	for (u32 i = 0; i < fields->n; i++) {
		struct hpack_field f = fields->v[i];
		if (!is_listed(&f) || (f.id == NAME_COOKIE && cookies))
			continue;
		if (f.id == NAME_COOKIE) {
			cookies = true;
			f = join_cookies(&m->arena, fields, &f);
		}
		kept += f.name.n + f.value.n;
		v[n++] = (struct pair){ keep(&m->arena, f.name, f.flags & HPACK_FIXED_NAME), shown_value(ps, &m->arena, &f) };
	}
	*list = (struct pairs){ v, n };
	return kept;
}

static void read_trace(struct message *m, const struct hpack_fields *fields)
{
	struct trace_headers trace = { 0 };
	for (u32 i = 0; i < fields->n; i++) {
		const struct hpack_field *f = &fields->v[i];
		if (f->flags & (HPACK_NO_NAME | HPACK_NO_VALUE))
			continue;
		switch (f->id) {
		case NAME_TRACEPARENT: trace.traceparent = f->value; break;
		case NAME_B3: trace.b3 = f->value; break;
		case NAME_B3_TRACE_ID: trace.b3_trace_id = f->value; break;
		case NAME_B3_SPAN_ID: trace.b3_span_id = f->value; break;
		case NAME_B3_SAMPLED: trace.b3_sampled = f->value; break;
		case NAME_B3_FLAGS: trace.b3_flags = f->value; break;
		default: break;
		}
	}
	trace_context_set(m, &trace);
}

static u32 fill_common(struct parser *ps, struct http2_message *h, const struct hpack_fields *fields)
{
	if (fields->unknown)
		h->m.flags |= MSG_PARTIAL;
	read_trace(&h->m, fields);
	h->content_type = take_if_known(&h->m.arena, fields, NAME_CONTENT_TYPE);
	h->encoding = take_if_known(&h->m.arena, fields, NAME_GRPC_ENCODING);
	return lists_fit(ps, fields) ? keep_list(ps, &h->m, fields, &h->headers) : 0;
}

u32 h2_fill_request(struct parser *ps, struct http2_request *q, const struct hpack_fields *fields)
{
	struct arena *a = &q->h.m.arena;
	q->method = take(a, fields, NAME_METHOD);
	q->target = take(a, fields, NAME_PATH);
	q->scheme = take(a, fields, NAME_SCHEME);
	q->authority = take(a, fields, NAME_AUTHORITY);
	if (!q->authority.n || str_eq(q->authority, H2_UNKNOWN)) {
		struct str host = take_if_known(a, fields, NAME_HOST);
		q->authority = host.n ? host : q->authority;
	}
	q->protocol = take_if_known(a, fields, NAME_PROTOCOL);
	q->user_agent = take_if_known(a, fields, NAME_USER_AGENT);
	q->timeout = take_if_known(a, fields, NAME_GRPC_TIMEOUT);
	grpc_timeout(q->timeout, &q->timeout_ns);
	if (fields->unknown && str_eq(q->method, STR("CONNECT")) && str_eq(q->target, H2_UNKNOWN))
		q->target = (struct str){ 0 };
	return (u32)sizeof(*q) + q->target.n + fill_common(ps, &q->h, fields);
}

u32 h2_fill_response(struct parser *ps, struct http2_response *a, const struct hpack_fields *fields)
{
	i32 code;
	a->status = take(&a->h.m.arena, fields, NAME_STATUS);
	if (a->status.n == 3 && grpc_status_number(a->status, &code))
		a->code = (u16)code;
	return (u32)sizeof(*a) + fill_common(ps, &a->h, fields);
}

u32 h2_fill_trailers(struct parser *ps, struct http2_message *h, const struct hpack_fields *fields)
{
	if (fields->unknown)
		h->m.flags |= MSG_PARTIAL;
	return lists_fit(ps, fields) && !h->trailers.n ? keep_list(ps, &h->m, fields, &h->trailers) : 0;
}

void h2_lost_headers(struct http2_response *a)
{
	a->h.m.flags |= MSG_PARTIAL;
	a->status = H2_UNKNOWN;
	a->h.rpc.lost = true;
	a->h.trailers = a->h.headers;
	a->h.headers = (struct pairs){ 0 };
}

static const char *method_known(struct str method)
{
	static const char *const conventional[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH" };
	for (size_t i = 0; i < ARRAY_LEN(conventional); i++)
		if (str_eq(method, str_from(conventional[i])))
			return conventional[i];
	return "_OTHER";
}

void h2_finish_request(struct parser *ps, struct http2_request *q, enum grpc_kind kind)
{
	struct arena *a = &q->h.m.arena;
	q->system = grpc_system(kind);
	if (kind != GRPC_NONE)
		grpc_path(a, q->target, &q->service, &q->service_name, &q->rpc_method);
	if (!ps->opt->details)
		return;
	q->method_known = method_known(q->method);
	struct url u = url_split(a, q->target, false);
	q->path = u.path;
	q->query = u.query;
	q->route = url_route(a, u.raw_path);
}

/* grpc-status and grpc-message, in whatever block they come. */
void h2_read_status(struct http2_response *a, const struct hpack_fields *fields)
{
	const struct hpack_field *status = h2_field(fields, NAME_GRPC_STATUS);
	struct arena *arena = &a->h.m.arena;
	if (status && !(status->flags & HPACK_NO_VALUE))
		a->has_status = grpc_status_number(status->value, &a->grpc_status);
	struct str message = take_if_known(arena, fields, NAME_GRPC_MESSAGE);
	if (message.n)
		a->grpc_message = grpc_message_decode(arena, message);
}

/* gRPC-Web: the trailers are the body's last message. */
static void read_body_trailers(struct http2_response *a)
{
	struct str text = a->h.rpc.text, name, value;
	while (grpc_trailer_next(&text, &name, &value)) {
		if (str_eq_nocase(name, STR("grpc-status")))
			a->has_status = grpc_status_number(value, &a->grpc_status);
		else if (str_eq_nocase(name, STR("grpc-message")))
			a->grpc_message = grpc_message_decode(&a->h.m.arena, value);
	}
}

static void fail(struct message *m, struct str error)
{
	m->flags |= MSG_FAILED;
	m->error = error;
}

static void fail_call(struct http2_response *a)
{
	a->grpc_name = grpc_status_name(a->grpc_status);
	if (a->grpc_status)
		fail(&a->h.m, a->grpc_name ? str_from(a->grpc_name) : STR("UNKNOWN"));
}

void h2_finish_response(struct http2_response *a, bool rpc)
{
	struct message *m = &a->h.m;
	const struct http2_request *q = m->answer ? http2_request_of(m->answer) : NULL;
	if (a->code >= 400)
		fail(m, a->status);
	if (!rpc)
		return;
	read_body_trailers(a);
	if (!a->has_status && a->code && !(m->flags & MSG_PARTIAL)) {
		a->grpc_status = grpc_status_of_http(a->code);
		a->has_status = true;
	}
	if (a->has_status)
		fail_call(a);
	a->late = q && q->timeout_ns && m->ts_last > q->h.m.time + q->timeout_ns;
}

void h2_finish_reset(struct http2_response *a, const struct http2_request *q, u64 now, u32 code, bool unprocessed)
{
	bool rpc = a->h.m.proto == &proto_grpc;
	a->reset = h2_error_name(code);
	if (!rpc) {
		fail(&a->h.m, unprocessed && code == 0 ? STR("GOAWAY") : str_from(a->reset));
		return;
	}
	a->late = q->timeout_ns && now + CLOCK_SLACK >= q->h.m.time + q->timeout_ns;
	if (!a->has_status && a->late && code == CANCEL) /* which is how a client tells that its time is up */
		a->grpc_status = GRPC_DEADLINE_EXCEEDED;
	else if (!a->has_status)
		a->grpc_status = grpc_status_of_reset(unprocessed ? REFUSED_STREAM : code);
	a->has_status = true;
	fail_call(a);
}
