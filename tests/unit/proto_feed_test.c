/* The harness itself, on a toy protocol: "q<digit>" asks, "a<digit><digit bytes>" answers. */
#include "unit.h"

#include "proto_feed.h"

struct toy {
	struct message m;
	u8 number;
};

struct toy_state {
	struct message *answer; /* whose bytes are being skipped */
};

static enum parse toy_answer(struct parser *ps, struct chunk *c, struct toy_state *st)
{
	struct toy *t = parser_begin(ps, SIDE_RESPONSE, sizeof(*t));
	t->number = (u8)(c->p[1] - '0');
	t->m.size = t->number;
	c->used = 2;
	c->want = t->number;
	parser_open(ps, &t->m);
	if (t->number == 0) {
		parser_close(ps, &t->m);
		return PARSE_OK;
	}
	st->answer = &t->m;
	return PARSE_SKIP;
}

static enum parse toy_parse(struct parser *ps, struct chunk *c)
{
	struct toy_state *st = ps->state;
	if (st->answer && ps->dir == FEED_SERVER) {
		parser_close(ps, st->answer);
		st->answer = NULL;
		return PARSE_OK;
	}
	c->want = 2;
	if (c->n < 2)
		return PARSE_MORE;
	if ((c->p[0] != 'q' && c->p[0] != 'a') || c->p[1] < '0' || c->p[1] > '9')
		return PARSE_DESYNC;
	if (c->p[0] == 'a')
		return toy_answer(ps, c, st);
	struct toy *t = parser_begin(ps, SIDE_REQUEST, sizeof(*t));
	t->number = (u8)(c->p[1] - '0');
	c->used = 2;
	parser_close(ps, &t->m);
	return PARSE_OK;
}

static void toy_gap(struct parser *ps)
{
	if (ps->dir == FEED_SERVER)
		((struct toy_state *)ps->state)->answer = NULL;
}

static long toy_resync(struct parser *ps, const struct chunk *c)
{
	for (size_t i = 0; i + 1 < c->n; i++)
		if ((c->p[i] == 'q' || c->p[i] == 'a') && c->p[i + 1] >= '0' && c->p[i + 1] <= '9')
			return (long)i;
	return c->n && (c->p[c->n - 1] == 'q' || c->p[c->n - 1] == 'a') ? -3 : -1;
}

static void toy_describe(const struct message *m, struct buf *out)
{
	buf_addf(out, "%u", ((const struct toy *)m)->number);
}

static const struct field toy_fields[] = {
	{ .json = "Number", .type = FIELD_U8, .side = SIDE_REQUEST, FIELD_AT(struct toy, number) },
	FIELD_ROW_SIZE(SIDE_RESPONSE, "bytes"),
	FIELD_ROW_TIME(SIDE_RESPONSE),
};

static const struct proto toy = {
	.name = "toy", .transports = OVER_TCP, .pairing = PAIR_FIFO, .state_size = sizeof(struct toy_state),
	.request_size = sizeof(struct toy), .response_size = sizeof(struct toy), .fields = toy_fields,
	.fields_len = ARRAY_LEN(toy_fields), .parse = toy_parse, .gap = toy_gap, .resync = toy_resync, .describe = toy_describe,
};

static void test_all_ways(void **state)
{
	const struct feed_step steps[] = { CLIENT("q1"), SERVER("a3xyz"), CLIENT("q2"), SERVER("a0"), CLIENT("q4") };
	char *log = FEED_CHECK(&toy, steps, NULL, "answered 1 -> 3\nanswered 2 -> 0\nopen 4\n");
	feed_has(log, "  > Number=2");
	feed_has(log, "  < Size=3");
	feed_has(log, "  < Time=+2ms");
	feed_lacks(log, "  < Size=4");
	assert_int_equal(feed_answered(log), 2);
	free(log);
}

static void check_run(const struct feed_step *steps, size_t len, struct feed_plan plan, const char *expected)
{
	char *log = feed_run(&toy, steps, len, NULL, &plan), *brief = feed_brief(log);
	assert_string_equal(brief, expected);
	free(brief);
	free(log);
}

static void test_holes(void **state)
{
	const struct feed_step steps[] = { CLIENT("q1"), SERVER("a3xyz"), CLIENT("q2"), SERVER("a0"), CLIENT_FIN, SERVER_FIN };
	check_run(steps, ARRAY_LEN(steps), (struct feed_plan){ .hole_at = 5, .hole_len = 1 }, "answered 1 -> 3\nanswered 2 -> 0\n");
	check_run(steps, ARRAY_LEN(steps), (struct feed_plan){ .hole_at = 4, .hole_len = 9 }, "answered 1 -> 3\nanswered 2 -> 0\n");
	check_run(steps, ARRAY_LEN(steps), (struct feed_plan){ .hole_at = 3, .hole_len = 1 }, "lost 1\nanswered 2 -> 0\n");
	check_run(steps, ARRAY_LEN(steps), (struct feed_plan){ .hole_at = 0, .hole_len = 2 }, "orphan -> 3\nanswered 2 -> 0\n");
	check_run(steps, ARRAY_LEN(steps), (struct feed_plan){ .hole_at = 9, .hole_len = 2 }, "answered 1 -> 3\nlost 2\n");
	check_run(steps, ARRAY_LEN(steps), (struct feed_plan){ .join_at = 1 }, "orphan -> 3\nanswered 2 -> 0\n");
	check_run(steps, ARRAY_LEN(steps), (struct feed_plan){ .join_at = 2 }, "orphan -> 3\nanswered 2 -> 0\n");
}

static void test_pipelined(void **state)
{
	const struct feed_step steps[] = { CLIENT("q1q2q3"), SERVER("a0a1xa2yy") };
	free(FEED_CHECK(&toy, steps, NULL, "answered 1 -> 0\nanswered 2 -> 1\nanswered 3 -> 2\n"));
	check_run(steps, 2, (struct feed_plan){ .hole_at = 6, .hole_len = 2 }, "lost 1\nlost 2\nlost 3\norphan -> 1\norphan -> 2\n");
	check_run(steps, 2, (struct feed_plan){ .hole_at = 2, .hole_len = 2 }, "answered 1 -> 0\norphan -> 1\norphan -> 2\nlost 3\n");
}

static void test_garbage(void **state)
{
	const struct feed_step steps[] = { CLIENT("!!!!q1"), SERVER("a0"), CLIENT("q2"), SERVER("a1x") };
	free(FEED_CHECK(&toy, steps, NULL, "orphan -> 0\nanswered 2 -> 1\nlost 1\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_ways),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_garbage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
