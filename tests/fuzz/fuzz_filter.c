/* --filter expressions: any text is compiled or refused with a message; what is compiled can be matched with any RoundTrip,
 * gives the same answer twice, and the opposite one inside not ( ). SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "roundtrip/filter.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* A protocol with a field of every kind. */
struct fields {
	struct message m;
	struct str text;
	const char *word;
	bool flag;
	u8 small;
	i32 minus;
	i64 big_minus;
	double real;
	u64 number;
	struct pairs pairs;
	struct strs list;
};

static bool write_custom(struct buf *out, const struct message *m)
{
	buf_adds(out, "[{\"Name\":\"example.com.\"}]");
	return m->shape == 0;
}

#define ROW(json_, type_, member) { .json = json_, .type = type_, .offset = offsetof(struct fields, member) }
static const struct field rows[] = {
	ROW("Text", FIELD_STR, text), ROW("Word", FIELD_TEXT, word), ROW("Flag", FIELD_BOOL, flag), ROW("Small", FIELD_U8, small), ROW("Minus", FIELD_I32, minus),
	ROW("BigMinus", FIELD_I64, big_minus), ROW("Real", FIELD_DOUBLE, real), ROW("Number", FIELD_U64, number), ROW("Wait", FIELD_DURATION, number),
	ROW("When", FIELD_TIME, number), ROW("Pairs", FIELD_PAIRS, pairs), ROW("List", FIELD_STRS, list),
	{ .json = "Host", .type = FIELD_HOST }, { .json = "Port", .type = FIELD_PORT }, { .json = "Const", .type = FIELD_CONST, .constant = "const" },
	{ .json = "Custom", .type = FIELD_CUSTOM, .write = write_custom },
	{ .json = "Text", .type = FIELD_STR, .side = SIDE_RESPONSE, .offset = offsetof(struct fields, text) },
};

static void describe(const struct message *m, struct buf *out)
{
	buf_add_str(out, ((const struct fields *)m)->text);
}

static const struct proto every = { .name = "every", .fields = rows, .fields_len = ARRAY_LEN(rows), .describe = describe };
static const struct proto *const protos[] = { &every, NULL };

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_filter: %s\n", what);
	abort();
}

static struct rt_filter *compile(const char *text)
{
	struct rt_filter *f;
	struct buf error = { 0 };
	int result = rt_filter_compile_for(protos, text, &f, &error);
	require((result == 0) == (f != NULL), "a result that is neither a filter nor an error");
	require((result == 0) == (error.len == 0), "an error without a message, or the other way round");
	for (size_t i = 0; i < error.len; i++)
		require((u8)error.data[i] >= ' ' || error.data[i] == '\n', "a control character in a message");
	buf_done(&error);
	return f;
}

static void match(const struct rt_filter *f, const struct rt_filter *opposite, const struct roundtrip *rt)
{
	bool holds = rt_filter_match(f, rt);
	require(holds == rt_filter_match(f, rt), "another answer the second time");
	require(!opposite || holds != rt_filter_match(opposite, rt), "not ( ) is not the opposite");
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct buf text = { 0 }, inverse = { 0 };
	struct pair pairs[] = { { STR("Accept"), STR("*/*") }, { STR("x-n"), STR("17") } };
	struct str list[] = { STR("alpha"), STR("-3") };
	struct fields q = { .text = str_make(data, size), .word = "word", .flag = true, .small = 200, .minus = -5, .big_minus = INT64_MIN, .real = 0.5, .number = 1740819600000000000,
			    .pairs = { pairs, 2 }, .list = { list, 2 } };
	struct fields a = { .m = { .side = SIDE_RESPONSE, .dir = 1, .shape = 1 }, .text = STR("answer") };
	struct conn c = { .port = { 40000, 80 }, .id = 3, .vlan = 7, .tunnel = TUNNEL_GRE };
	struct roundtrip rt = { .proto = &every, .conn = &c, .request = &q.m, .response = &a.m, .duration = 5000000, .error = STR("404") };
	if (size > FILTER_TEXT_MAX - 8)
		return 0;
	buf_add(&text, data, size);
	buf_adds(&inverse, "not (");
	buf_adds(&inverse, buf_cstr(&text));
	buf_adds(&inverse, "\n)");
	struct rt_filter *f = compile(buf_cstr(&text));
	struct rt_filter *opposite = f ? compile(buf_cstr(&inverse)) : NULL; /* may be too deep, or too long */
	if (f) {
		match(f, opposite, &rt);
		rt.response = NULL;
		rt.outcome = OUTCOME_LOST;
		match(f, opposite, &rt);
		q = (struct fields){ .m = { .shape = 3 } };
		c = (struct conn){ 0 };
		rt.error = (struct str){ 0 };
		match(f, opposite, &rt);
	}
	rt_filter_free(f);
	rt_filter_free(opposite);
	buf_done(&text);
	buf_done(&inverse);
	return 0;
}
