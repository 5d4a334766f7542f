/* Every protocol's field table, as the JSON, the filters and the reference need it. SPDX-License-Identifier: Apache-2.0 */
#include "toy.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#include "roundtrip/filter.h"
#include "roundtrip/json.h"
#include "roundtrip/protocols_doc.h"
#include "roundtrip/table.h"
#include "roundtrip/value.h"

static const size_t sizes[] = {
	[FIELD_STR] = sizeof(struct str), [FIELD_TEXT] = sizeof(char *), [FIELD_BOOL] = 1, [FIELD_U8] = 1, [FIELD_U16] = 2, [FIELD_U32] = 4, [FIELD_U64] = 8, [FIELD_I32] = 4,
	[FIELD_I64] = 8, [FIELD_DOUBLE] = 8, [FIELD_TIME] = 8, [FIELD_DURATION] = 8, [FIELD_PAIRS] = sizeof(struct pairs), [FIELD_STRS] = sizeof(struct strs), [FIELD_CUSTOM] = 0,
};

static void check_row(const struct proto *p, const struct field *f)
{
	char name[FIELD_NAME_MAX];
	const char *what = f->json ? f->json : f->name ? f->name : f->otel ? f->otel : f->selector;
	if (!what)
		fail_msg("%s: a row without any name", p->name);
	if (!f->meaning || !*f->meaning)
		fail_msg("%s.%s: no meaning", p->name, what);
	size_t room = f->side == SIDE_REQUEST ? p->request_size : p->response_size;
	if (f->type > FIELD_CUSTOM || f->side > SIDE_RESPONSE || f->offset + sizes[f->type] > room)
		fail_msg("%s.%s: wrong type, side or offset", p->name, what);
	if ((f->type == FIELD_CONST && !f->constant) || (f->type == FIELD_CUSTOM && !f->write))
		fail_msg("%s.%s: nothing to print", p->name, what);
	if (!f->selector != !f->label)
		fail_msg("%s.%s: a selector needs a label, and the other way round", p->name, what);
	field_name(f, name);
	for (const char *c = name; *c; c++)
		if (!islower((u8)*c) && !isdigit((u8)*c) && *c != '_' && *c != '.')
			fail_msg("%s: %s is no name for a filter", p->name, name);
}

/* Two rows of a side that a message can show together have different names. */
static void check_pair(const struct proto *p, const struct field *a, const struct field *b)
{
	bool together = !a->shapes || !b->shapes || (a->shapes & b->shapes);
	if (a->side == b->side && together && a->json && b->json && strcmp(a->json, b->json) == 0)
		fail_msg("%s: %s twice", p->name, a->json);
}

static void test_rows(void **state)
{
	for (const struct proto *const *pp = proto_all; *pp; pp++) {
		const struct proto *p = *pp;
		assert_ptr_equal(proto_find(str_from(p->name)), p);
		assert_ptr_equal(proto_all[proto_index(p)], p);
		assert_true(p->request_size >= sizeof(struct message) && p->response_size >= sizeof(struct message));
		for (size_t i = 0; i < p->fields_len; i++) {
			check_row(p, &p->fields[i]);
			for (size_t k = 0; k < i; k++)
				check_pair(p, &p->fields[k], &p->fields[i]);
		}
		if (!roundtrip_json_prepare(p))
			fail_msg("%s: the table cannot be printed", p->name);
	}
}

/* An exchange of a protocol about which nothing is known: all fields are zero. */
struct blank {
	struct conn conn;
	struct roundtrip rt;
	struct message *m[2];
};

static void blank_init(struct blank *x, const struct proto *p)
{
	*x = (struct blank){ 0 };
	for (int side = 0; side < 2; side++) {
		x->m[side] = calloc(1, side == SIDE_REQUEST ? p->request_size : p->response_size);
		assert_non_null(x->m[side]);
		x->m[side]->side = x->m[side]->dir = (u8)side;
		x->m[side]->proto = p;
	}
	x->rt = (struct roundtrip){ .proto = p, .conn = &x->conn, .request = x->m[0], .response = x->m[1] };
	assert_true(ip_parse(STR("10.1.0.7"), &x->conn.addr[0]) && ip_parse(STR("10.1.0.9"), &x->conn.addr[1]));
}

static void blank_done(struct blank *x)
{
	free(x->m[0]);
	free(x->m[1]);
}

static void test_blank(void **state)
{
	struct buf out = { 0 };
	struct table table;
	table_init(&table, true, false, 100);
	for (const struct proto *const *p = proto_all; *p; p++) {
		struct blank x;
		blank_init(&x, *p);
		for (u8 shape = 0; shape < 9; shape++) {
			x.m[0]->shape = x.m[1]->shape = shape;
			out.len = 0;
			roundtrip_json(&out, &x.rt, NULL);
			if (out.failed || !json_valid(out.data, out.len - 1))
				fail_msg("%s: %s", (*p)->name, buf_cstr(&out));
			out.len = 0;
			roundtrip_table(&out, &x.rt, &table);
			assert_false(out.failed);
		}
		blank_done(&x);
	}
	buf_done(&out);
}

/* The old program's names, in its order; new ones come after them. */
struct order {
	const char *proto, *names[2][20];
};

static const struct order orders[] = {
	{ "amqp", { { "ChannelID", "Host", "Port", "Proto", "Size", "Time", "Packet", "ClassMethod", "FrameType", "ErrCode" }, { "ChannelID", "Host", "Port", "Proto", "Size", "Time", "Packet", "ClassMethod", "FrameType", "ErrCode" } } },
	{ "dns", { { "Host", "Port", "Proto", "Size", "Time", "Message" }, { "Host", "Port", "Proto", "Size", "Time", "Message" } } },
	{ "grpc", { { "StreamID", "Host", "Port", "Proto", "Service", "Scheme", "Target", "Metadata", "Size", "Time" }, { "StreamID", "Host", "Port", "Proto", "Status", "Metadata", "Size", "Time" } } },
	{ "http", { { "Host", "Port", "Method", "Header", "Proto", "Path", "URL", "Scheme", "RemoteHost", "Close", "Size", "Chunked", "Time" }, { "Host", "Port", "Header", "Status", "StatusCode", "Body", "Proto", "Close", "Size", "Chunked", "Time" } } },
	{ "http2", { { "StreamID", "Host", "Port", "Proto", "Path", "Method", "Scheme", "Authority", "Header", "Size", "Time" }, { "StreamID", "Host", "Port", "Proto", "Status", "Header", "Size", "Time" } } },
	{ "kafka", { { "CorrelationID", "Host", "Port", "Proto", "Size", "Time", "Packet" }, { "CorrelationID", "Host", "Port", "Proto", "Size", "Time", "ErrorCode" } } },
	{ "mongodb", { { "ID", "Host", "Port", "Proto", "OpCode", "Source", "Collection", "CmdName", "CmdValue", "Size", "Time" }, { "ID", "Host", "Port", "Proto", "OpCode", "Ok", "Code", "Message", "Size", "Time" } } },
	{ "mysql", { { "Host", "Port", "Proto", "Command", "Size", "Statement", "Time" }, { "Host", "Port", "Proto", "Size", "Packet", "Time" } } },
	{ "postgresql", { { "Host", "Port", "Proto", "Size", "Packet", "Time" }, { "Host", "Port", "Proto", "Size", "Packet", "Time" } } },
	{ "redis", { { "Command", "Size", "Proto", "Host", "Port", "Time" }, { "DataType", "Size", "Host", "Proto", "Port", "Time" } } },
};

static bool is_member(const struct field *f, const char *name)
{
	size_t n = strlen(name);
	return f->json && strncmp(f->json, name, n) == 0 && (f->json[n] == '.' || f->json[n] == '\0');
}

static void check_order(const struct proto *p, u8 side, const char *const *names)
{
	size_t i = 0;
	for (; *names; names++) {
		while (i < p->fields_len && (p->fields[i].side != side || !p->fields[i].json))
			i++;
		if (i == p->fields_len || !is_member(&p->fields[i], *names))
			fail_msg("%s, side %u: %s where %s is expected", p->name, side, i < p->fields_len ? p->fields[i].json : "the end", *names);
		while (i < p->fields_len && (p->fields[i].side != side || is_member(&p->fields[i], *names)))
			i++;
	}
}

static void test_order(void **state)
{
	unsigned checked = 0;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		const struct proto *p = proto_find(str_from(orders[i].proto));
		if (!p)
			continue;
		check_order(p, SIDE_REQUEST, orders[i].names[0]);
		check_order(p, SIDE_RESPONSE, orders[i].names[1]);
		checked++;
	}
	assert_true(checked >= 3);
}

/* Every name that a filter may use is resolved, and read from an exchange of its protocol. */
static void try_name(void *arg, const char *name, const char *type, const char *meaning)
{
	struct rt_filter *f;
	struct buf error = { 0 };
	char text[FILTER_NAME_MAX + 16];
	assert_true(*meaning);
	snprintf(text, sizeof(text), "%s or not %s", name, name);
	if (rt_filter_compile(text, &f, &error) != 0)
		fail_msg("%s", buf_cstr(&error));
	for (const struct proto *const *p = proto_all; *p; p++) {
		struct blank x;
		blank_init(&x, *p);
		assert_true(rt_filter_match(f, &x.rt));
		blank_done(&x);
	}
	rt_filter_free(f);
}

static void test_names(void **state)
{
	rt_filter_names(proto_all, try_name, NULL);
}

static void test_doc(void **state)
{
	struct buf out = { 0 };
	protocols_doc(&out, proto_all);
	const char *text = buf_cstr(&out);
	for (const struct proto *const *p = proto_all; *p; p++) {
		char part[FILTER_NAME_MAX + 64];
		snprintf(part, sizeof(part), "\n## %s\n", (*p)->name);
		assert_non_null(strstr(text, part));
		for (size_t i = 0; i < (*p)->fields_len; i++) {
			const struct field *f = &(*p)->fields[i];
			snprintf(part, sizeof(part), "| `%s` | `", f->json);
			if (f->json && f->type != FIELD_OBJECT && !strstr(text, part))
				fail_msg("%s: %s is not in the reference", (*p)->name, f->json);
		}
	}
	assert_non_null(strstr(text, "| `no_response` | timed out |\n"));
	assert_non_null(strstr(text, "| `client` | address | "));
	buf_done(&out);
	/* what a table may hold does not break the Markdown */
	static const struct field rows[] = { { .json = "A", .type = FIELD_U8, .meaning = "a|b\nc" } };
	static const struct proto odd = { .name = "odd", .fields = rows, .fields_len = 1 };
	static const struct proto *const list[] = { &odd, NULL };
	protocols_doc(&out, list);
	assert_non_null(strstr(buf_cstr(&out), "| `A` | `odd.a` | number |  |  | a\\|b c |\n"));
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows), cmocka_unit_test(test_blank), cmocka_unit_test(test_order), cmocka_unit_test(test_names), cmocka_unit_test(test_doc),
	};
	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
