/* Spans and log records: what stands in them, read back field by field; contexts that are used too often; JSON with edits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "toy.h"

#include <stdio.h>

#include "export/exchange_id.h"
#include "export/pb.h"
#include "export/record_json.h"
#include "export/span.h"
#include "roundtrip/json.h"

static struct config config;
static struct config_processor traces = { .kind = PROCESSOR_TRACES };
static struct exporter_env env = { .config = &config };

/* A decoded span: enough to ask it questions. */
struct seen {
	u8 trace[16], id[8], parent[8];
	bool has_parent, has_link;
	struct str name;
	u64 kind, start, end, status, flags;
	u32 events;
	struct str keys[64], values[64]; /* attributes; values as AnyValues */
	u32 n;
};

static void read_attribute(struct seen *s, struct str kv)
{
	struct pb_field f;
	while (pb_next(&kv, &f)) {
		if (f.field == 1)
			s->keys[s->n] = f.bytes;
		else
			s->values[s->n] = f.bytes;
	}
	for (u32 i = 0; i < s->n; i++)
		if (str_eq(s->keys[i], s->keys[s->n]))
			fail_msg("%.*s stands there twice", STR_ARG(s->keys[i]));
	s->n++;
	assert_true(s->n < 64);
}

static void read_span(struct str bytes, struct seen *s)
{
	struct pb_field f, g;
	*s = (struct seen){ 0 };
	while (pb_next(&bytes, &f)) {
		switch (f.field) {
		case 1:
			assert_int_equal(f.bytes.n, 16);
			memcpy(s->trace, f.bytes.p, 16);
			break;
		case 2:
			assert_int_equal(f.bytes.n, 8);
			memcpy(s->id, f.bytes.p, 8);
			break;
		case 4:
			assert_int_equal(f.bytes.n, 8);
			memcpy(s->parent, f.bytes.p, 8);
			s->has_parent = true;
			break;
		case 5: s->name = f.bytes; break;
		case 6: s->kind = f.value; break;
		case 7: s->start = f.value; break;
		case 8: s->end = f.value; break;
		case 9: read_attribute(s, f.bytes); break;
		case 11: s->events++; break;
		case 13: s->has_link = true; break;
		case 15:
			while (pb_next(&f.bytes, &g))
				s->status = g.value;
			break;
		case 16: s->flags = f.value; break;
		default: fail_msg("field %u", f.field);
		}
	}
	assert_int_equal(bytes.n, 0);
}

static struct str attribute(const struct seen *s, const char *key)
{
	for (u32 i = 0; i < s->n; i++)
		if (str_eq(s->keys[i], str_from(key)))
			return s->values[i];
	return (struct str){ 0 };
}

static void expect_text(const struct seen *s, const char *key, const char *text)
{
	struct str any = attribute(s, key);
	struct pb_field f;
	if (!pb_next(&any, &f) || f.field != 1 || !str_eq(f.bytes, str_from(text)))
		fail_msg("%s is not %s", key, text);
}

static void expect_number(const struct seen *s, const char *key, u64 n)
{
	struct str any = attribute(s, key);
	struct pb_field f;
	if (!pb_next(&any, &f) || f.field != 3 || f.value != n)
		fail_msg("%s is not %llu", key, (unsigned long long)n);
}

static struct buf out;

static u32 encode(struct span_encoder *e, const struct view *v, struct seen *spans, u32 max)
{
	struct pb_field f;
	u32 n = 0;
	out.len = 0;
	span_encode(e, &out, v);
	assert_false(out.failed);
	struct guarded g = guarded_copy(out.data, out.len); /* leaks on purpose until the end of the test: spans point into it */
	struct str rest = str_make(g.p, g.n);
	while (pb_next(&rest, &f)) {
		assert_int_equal(f.field, 2);
		assert_true(n < max);
		read_span(f.bytes, &spans[n++]);
	}
	assert_int_equal(rest.n, 0);
	assert_int_equal(n, span_count(e, v));
	return n;
}

static struct span_encoder *encoder_new(void)
{
	traces = (struct config_processor){ .kind = PROCESSOR_TRACES };
	config = (struct config){ .processors = &traces, .processors_len = 1 };
	struct span_encoder *e = span_encoder_new(&env);
	assert_non_null(e);
	return e;
}

static void test_http(void **state)
{
	struct toy t;
	struct seen s;
	struct span_encoder *e = encoder_new();
	toy_http_example(&t);
	struct view v = { .rt = &t.rt, .weight = 1 };
	encode(e, &v, &s, 1);
	assert_true(str_eq(s.name, STR("GET")));
	assert_int_equal(s.kind, 2);
	assert_true(s.start == t.http[0].m.time && s.end == t.http[1].m.time);
	assert_false(s.has_parent);
	assert_int_equal(s.status, 0);
	assert_int_equal(s.flags, 0);
	expect_text(&s, "server.address", "10.1.0.21");
	expect_number(&s, "server.port", 80);
	expect_text(&s, "network.peer.address", "10.1.0.7");
	expect_number(&s, "network.peer.port", 34418);
	expect_text(&s, "http.request.method", "GET");
	expect_number(&s, "http.response.status_code", 200);
	assert_int_equal(attribute(&s, "error.type").n, 0);
	span_encoder_free(e);
}

static void test_failures(void **state)
{
	struct toy t;
	struct seen s;
	struct span_encoder *e = encoder_new();
	toy_http_example(&t);
	struct view v = { .rt = &t.rt, .weight = 1 };
	t.http[1].status_code = 503;
	t.rt.error = STR("503");
	encode(e, &v, &s, 1);
	assert_int_equal(s.status, 2);
	expect_text(&s, "error.type", "503");
	t.http[1].status_code = 404; /* the client's fault: no error of the server */
	t.rt.error = STR("404");
	encode(e, &v, &s, 1);
	assert_int_equal(s.status, 0);
	assert_int_equal(attribute(&s, "error.type").n, 0);
	t.rt.response = NULL;
	t.rt.error = (struct str){ 0 };
	t.rt.outcome = OUTCOME_NO_RESPONSE;
	t.rt.retransmits = 3;
	encode(e, &v, &s, 1);
	assert_int_equal(s.status, 2);
	expect_text(&s, "error.type", "timeout");
	expect_text(&s, "packetd.outcome", "no_response");
	assert_int_equal(s.events, 2);
	t.rt.outcome = OUTCOME_LOST;
	encode(e, &v, &s, 1);
	assert_int_equal(s.status, 0);
	span_encoder_free(e);
}

static void test_context(void **state)
{
	struct toy t;
	struct seen s;
	struct span_encoder *e = encoder_new();
	static const u8 context[25] = "\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36\x00\xf0\x67\xaa\x0b\xa9\x02\xb7\x01";
	toy_http_example(&t);
	struct view v = { .rt = &t.rt, .weight = 1 };
	t.http[1].m.has_trace = 1; /* the response's, when the request has none */
	memcpy(t.http[1].m.trace, context, 25);
	encode(e, &v, &s, 1);
	assert_memory_equal(s.trace, context, 16);
	assert_true(s.has_parent);
	assert_memory_equal(s.parent, context + 16, 8);
	assert_int_equal(s.flags, 0x301);
	t.http[0].m.has_trace = 1; /* B3 without a parent */
	memcpy(t.http[0].m.trace, context, 16);
	t.http[0].m.trace[0] ^= 1;
	encode(e, &v, &s, 1);
	assert_memory_equal(s.trace, t.http[0].m.trace, 16);
	assert_false(s.has_parent);
	span_encoder_free(e);
}

/* A client that sends one context for ever: after the limit its exchanges are traces of their own that name it as a link. */
static void test_reused_context(void **state)
{
	struct toy t;
	struct seen s;
	struct span_encoder *e = encoder_new();
	span_encoder_free(e);
	traces.max_reuse = 10;
	e = span_encoder_new(&env);
	toy_http_example(&t);
	struct view v = { .rt = &t.rt, .weight = 1 };
	t.http[0].m.has_trace = 1;
	memset(t.http[0].m.trace, 0xab, 24);
	u32 joined = 0, linked = 0;
	for (u32 i = 0; i < 100; i++) {
		t.http[0].m.start = i;
		encode(e, &v, &s, 1);
		joined += memcmp(s.trace, t.http[0].m.trace, 16) == 0;
		linked += s.has_link;
		assert_true(s.has_link == !s.has_parent);
	}
	assert_int_equal(joined, 10);
	assert_int_equal(linked, 90);
	/* and another is not affected */
	memset(t.http[0].m.trace, 0xcd, 24);
	encode(e, &v, &s, 1);
	assert_true(s.has_parent);
	/* many others do not push it out */
	for (u32 i = 0; i < 100000; i++) {
		memcpy(t.http[0].m.trace, &i, sizeof(i));
		out.len = 0;
		span_encode(e, &out, &v);
	}
	memset(t.http[0].m.trace, 0xab, 24);
	encode(e, &v, &s, 1);
	assert_true(s.has_link);
	span_encoder_free(e);
}

static void test_kinds(void **state)
{
	struct toy t;
	struct seen s[2];
	struct span_encoder *e = encoder_new();
	toy_http_example(&t);
	struct projection p = { .traces = true, .both_kinds = true };
	struct view v = { .rt = &t.rt, .weight = 1, .projection = &p };
	t.http[0].m.has_trace = 1;
	memset(t.http[0].m.trace, 0xab, 24);
	assert_int_equal(encode(e, &v, s, 2), 2);
	assert_int_equal(s[0].kind, 3);
	assert_int_equal(s[1].kind, 2);
	assert_memory_equal(s[0].parent, t.http[0].m.trace + 16, 8);
	assert_memory_equal(s[1].parent, s[0].id, 8);
	assert_memory_equal(s[1].trace, s[0].trace, 16);
	span_encoder_free(e);
}

/* Hostile text of any kind never makes a message a receiver would refuse. */
static void test_bad_text(void **state)
{
	struct toy t;
	struct seen s;
	struct span_encoder *e = encoder_new();
	static char junk[40000];
	memset(junk, 0xfe, sizeof(junk));
	toy_http_example(&t);
	t.http[0].method = str_make(junk, 5000);
	t.rt.error = str_make(junk, 300);
	t.rt.outcome = OUTCOME_RESET;
	struct view v = { .rt = &t.rt, .weight = 1 };
	encode(e, &v, &s, 1);
	for (u32 i = 0; i < s.name.n; i += 3)
		assert_memory_equal(s.name.p + i, "\xef\xbf\xbd", 3);
	span_encoder_free(e);
}

static void test_ids(void **state)
{
	struct toy t;
	struct exchange_id a, b;
	toy_http_example(&t);
	exchange_id(&t.rt, false, &a);
	exchange_id(&t.rt, false, &b);
	assert_memory_equal(&a, &b, sizeof(a));
	exchange_id(&t.rt, true, &b);
	assert_memory_not_equal(&a, &b, sizeof(a));
	t.http[0].m.start++;
	exchange_id(&t.rt, false, &b);
	assert_memory_not_equal(&a, &b, sizeof(a));
	assert_memory_not_equal(a.span, a.client_span, 8);
}

static void test_json_edits(void **state)
{
	struct toy t;
	u8 actions[ARRAY_LEN(toy_http_fields)] = { 0 };
	const char *renamed[ARRAY_LEN(toy_http_fields)] = { 0 };
	toy_http_example(&t);
	actions[0] = FIELD_DROP;      /* Host */
	actions[1] = FIELD_HASH;      /* Port */
	actions[2] = FIELD_MASK;      /* Method */
	actions[3] = FIELD_DROP;      /* Header */
	actions[13] = FIELD_MASK;     /* Tags: empty, stays left out */
	renamed[5] = "where";         /* Path */
	renamed[6] = "\"";            /* URL */
	actions[6] = FIELD_MASK;
	const struct added_attribute added[] = { { "a\"b", "c\nd" } };
	struct projection p = { .added = added, .added_len = 1, .hash_key = { 7, 9 } };
	p.edits[toy_http_proto.index] = (struct field_edits){ actions, renamed };
	struct record_json r = { 0 };
	struct view v = { .rt = &t.rt, .projection = &p, .weight = 1 };
	struct buf line = { 0 };
	record_json(&r, &line, &v);
	const char *text = buf_cstr(&line);
	assert_true(json_valid(line.data, line.len - 1));
	assert_non_null(strstr(text, "\"Request\":{\"Port\":\""));
	assert_null(strstr(text, "34418"));
	assert_non_null(strstr(text, "\"Method\":\"***\",\"Proto\":"));
	assert_non_null(strstr(text, ",\"where\":\"/items\",\"\\\"\":\"***\","));
	assert_non_null(strstr(text, ",\"Attributes\":{\"a\\\"b\":\"c\\nd\"}}\n"));
	/* a store's own names, where nobody has chosen one */
	struct distinct d = { 0 };
	const char *names[ARRAY_LEN(toy_http_fields)] = { 0 };
	names[5] = "PathText";
	names[7] = "Other";
	d.names[toy_http_proto.index] = names;
	r.distinct = &d;
	line.len = 0;
	record_json(&r, &line, &v);
	text = buf_cstr(&line);
	assert_non_null(strstr(text, ",\"where\":\"/items\","));
	assert_null(strstr(text, "PathText"));
	assert_non_null(strstr(text, "\"Other\":"));
	r.distinct = NULL;
	/* none: as without */
	struct buf plain = { 0 };
	v.projection = NULL;
	record_json(&r, &plain, &v);
	line.len = 0;
	roundtrip_json(&line, &t.rt, NULL);
	assert_int_equal(line.len, plain.len);
	assert_memory_equal(line.data, plain.data, plain.len);
	buf_done(&plain);
	buf_done(&line);
	record_json_done(&r);
}

/* A statement that its protocol holds in a form for others, too: which of them leaves is a setting. */
static void test_statements(void **state)
{
	static const struct field fields[] = {
		{ .json = "Statement", .type = FIELD_STR, .flags = FIELD_SENSITIVE | FIELD_STATEMENT, FIELD_AT(struct toy_http, method), .otel = "db.query.text" },
		{ .type = FIELD_STR, FIELD_AT(struct toy_http, path), .otel = "db.query.text" },
	};
	static const struct proto sql = { .name = "mysql", .fields = fields, .fields_len = ARRAY_LEN(fields) };
	struct toy t;
	struct seen s;
	struct span_encoder *e = encoder_new();
	toy_http_example(&t);
	t.rt.proto = t.http[0].m.proto = t.http[1].m.proto = &sql;
	t.http[0].method = STR("select 'x'");
	t.http[0].path = STR("select ? -- safe");
	struct projection p = { .traces = true };
	struct view v = { .rt = &t.rt, .weight = 1, .projection = &p };
	encode(e, &v, &s, 1);
	expect_text(&s, "db.query.text", "select ? -- safe");
	p.keep_statements = true;
	encode(e, &v, &s, 1);
	expect_text(&s, "db.query.text", "select 'x'");
	span_encoder_free(e);
}

static int done(void **state)
{
	buf_done(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http),  cmocka_unit_test(test_failures), cmocka_unit_test(test_context), cmocka_unit_test(test_reused_context),
		cmocka_unit_test(test_kinds), cmocka_unit_test(test_bad_text), cmocka_unit_test(test_ids),     cmocka_unit_test(test_json_edits),
		cmocka_unit_test(test_statements),
	};
	return cmocka_run_group_tests(tests, NULL, done);
}
