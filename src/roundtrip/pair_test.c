/* Pairing under loss: whatever is dropped, a reported pair is a right one, and every request ends exactly once.
 * The protocol is a toy of lines, "Q17\n" answered by "R17\n", on real TCP segments; an answer may come in two parts, "R17:" and "\n",
 * and a client may say "X\n" when it has enough of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "roundtrip/session.h"

struct toy {
	struct message base;
	unsigned id;
};

struct toy_state {
	struct toy *half; /* an answer of which the end has not come */
};

static enum parse end_half(struct parser *ps, struct chunk *c, size_t used)
{
	struct toy_state *st = ps->state;
	c->used = used;
	if (st->half)
		parser_close(ps, &st->half->base);
	st->half = NULL;
	return PARSE_OK;
}

static enum parse begin_half(struct parser *ps, struct chunk *c)
{
	struct toy_state *st = ps->state;
	st->half = parser_begin(ps, SIDE_RESPONSE, sizeof(*st->half));
	st->half->id = (unsigned)strtoul((const char *)c->p + 1, NULL, 10);
	parser_open(ps, &st->half->base);
	c->used = c->n;
	return PARSE_OK;
}

static enum parse toy_parse(struct parser *ps, struct chunk *c)
{
	const u8 *end = c->n ? memchr(c->p, '\n', c->n) : NULL;
	if (c->n && (c->p[0] == '\n' || c->p[0] == 'X'))
		return end_half(ps, c, c->p[0] == 'X' ? 2 : 1);
	if (c->n && c->p[0] == 'R' && c->p[c->n - 1] == ':')
		return begin_half(ps, c);
	if (!end) {
		c->want = 0;
		return PARSE_MORE;
	}
	if (c->p[0] != 'Q' && c->p[0] != 'R')
		return PARSE_DESYNC;
	struct toy *m = parser_begin(ps, c->p[0] == 'Q' ? SIDE_REQUEST : SIDE_RESPONSE, sizeof(*m));
	m->id = (unsigned)strtoul((const char *)c->p + 1, NULL, 10);
	c->used = (size_t)(end - c->p) + 1;
	parser_close(ps, &m->base);
	return PARSE_OK;
}

static void toy_gap(struct parser *ps)
{
	(void)ps;
}

/* A line start is proved by the line end before it, or by a segment's start. */
static long toy_resync(struct parser *ps, const struct chunk *c)
{
	(void)ps;
	if (c->boundary && (c->p[0] == 'Q' || c->p[0] == 'R'))
		return 0;
	const u8 *end = memchr(c->p, '\n', c->n);
	return end ? end - c->p + 1 : -1;
}

static const struct proto toy = {
	.name = "toy", .transports = OVER_TCP, .pairing = PAIR_FIFO, .index = PROTO_MAX - 1, .state_size = sizeof(struct toy_state),
	.request_size = sizeof(struct toy), .response_size = sizeof(struct toy), .parse = toy_parse, .gap = toy_gap, .resync = toy_resync,
};

/* The same where clients, as a rule, do not pipeline. */
static struct proto serial_toy;

struct world {
	struct sink sink;
	struct sessions *all;
	struct flow *flow;
	struct ledger ledger;
	u64 ts;
	u32 seq[2];  /* next byte each side sends */
	u32 got[2];  /* what each side has received of the other */
	unsigned wrong, outcomes[OUTCOME_COUNT];
	unsigned drop; /* per mille */
};

static void take(struct sink *sink, const struct roundtrip *rt)
{
	struct world *x = (struct world *)sink;
	const struct toy *q = (const struct toy *)rt->request, *a = (const struct toy *)rt->response;
	x->outcomes[rt->outcome]++;
	if (rt->outcome == OUTCOME_ANSWERED && q->id != a->id)
		x->wrong++;
}

static u32 max_waiting; /* of the worlds to come; 0: the default */

static struct world *world_new(unsigned drop, bool serial)
{
	struct proto_rule rule = { .proto = serial ? &serial_toy : &toy, .port = 80 };
	serial_toy = toy;
	serial_toy.serial = true;
	static const struct flow_options flow_options;
	struct session_options options = { .rules = &rule, .rules_len = 1, .max_waiting = max_waiting };
	struct world *x = calloc(1, sizeof(*x));
	assert_non_null(x);
	x->sink.roundtrip = take;
	x->all = sessions_new(&options, &x->ledger);
	assert_non_null(x->all);
	x->flow = flow_new(&flow_options, &session_consumer, &x->ledger.flow, x->all);
	sessions_add_sink(x->all, &x->sink);
	x->ts = 1000 * NS_PER_SEC;
	x->drop = drop;
	x->seq[0] = 100u + (u32)rand();
	x->seq[1] = 500u + (u32)rand();
	x->got[0] = x->seq[1];
	x->got[1] = x->seq[0];
	return x;
}

static void send(struct world *x, int dir, u8 flags, const char *p, u32 n)
{
	struct segment s = { .ts = x->ts += 20 * NS_PER_US, .protocol = IPPROTO_TCP_, .flags = flags, .window = 100, .len = n, .caplen = n };
	s.payload = (const u8 *)p;
	s.src.b[15] = (u8)(1 + dir);
	s.dst.b[15] = (u8)(2 - dir);
	s.sport = dir ? 80 : 40000;
	s.dport = dir ? 40000 : 80;
	s.seq = x->seq[dir];
	s.ack = x->got[dir];
	x->seq[dir] += n + (flags & TCP_SYN ? 1 : 0);
	if ((unsigned)rand() % 1000 >= x->drop)
		flow_packet(x->flow, &s);
}

static void open_connection(struct world *x)
{
	unsigned drop = x->drop;
	x->drop = 0;
	send(x, 0, TCP_SYN, NULL, 0);
	x->got[1] = x->seq[0];
	send(x, 1, TCP_SYN | TCP_ACK, NULL, 0);
	x->got[0] = x->seq[1];
	send(x, 0, TCP_ACK, NULL, 0);
	x->drop = drop;
}

static void world_free(struct world *x, unsigned *ret_answered)
{
	flow_finish(x->flow);
	const struct ledger_proto *n = &x->ledger.proto[PROTO_MAX - 1];
	u64 ended = 0;
	for (int i = 0; i < OUTCOME_COUNT; i++) {
		assert_int_equal(n->outcomes[i], x->outcomes[i]);
		ended += n->outcomes[i];
	}
	assert_int_equal(n->requests, ended);
	assert_int_equal(n->waiting, 0);
	assert_int_equal(x->wrong, 0);
	*ret_answered += x->outcomes[OUTCOME_ANSWERED];
	if (getenv("PAIR_VERBOSE"))
		fprintf(stderr, "answered %u of %llu\n", x->outcomes[OUTCOME_ANSWERED], (unsigned long long)n->requests);
	flow_free(x->flow);
	sessions_free(x->all);
	free(x);
}

/* One request after the answer to the one before. */
static void serial_client(struct world *x, unsigned n)
{
	char line[16];
	for (unsigned i = 0; i < n; i++) {
		send(x, 0, TCP_ACK, line, (u32)snprintf(line, sizeof(line), "Q%u\n", i));
		x->got[1] = x->seq[0];
		send(x, 1, TCP_ACK, line, (u32)snprintf(line, sizeof(line), "R%u\n", i));
		x->got[0] = x->seq[1];
		x->ts += NS_PER_MS;
	}
}

/* `depth` requests, in one segment or several, then all their answers. */
static void burst_client(struct world *x, unsigned n, unsigned depth)
{
	char out[1024];
	for (unsigned i = 0; i < n; i += depth) {
		for (int dir = 0; dir < 2; dir++) {
			u32 len = 0;
			for (unsigned j = i; j < i + depth; j++) {
				len += (u32)snprintf(out + len, sizeof(out) - len, "%c%u\n", dir ? 'R' : 'Q', j);
				if (rand() % 3 == 0 || j == i + depth - 1) {
					send(x, dir, TCP_ACK, out, len);
					len = 0;
				}
			}
			x->got[dir ^ 1] = x->seq[dir];
			if (rand() % 2)
				send(x, dir ^ 1, TCP_ACK, NULL, 0);
		}
		x->ts += NS_PER_MS;
	}
}

/* Always some requests outstanding, as multiplexing clients have. */
static void multiplexing_client(struct world *x, unsigned n)
{
	char line[16];
	unsigned sent = 0, answered = 0;
	while (answered < n) {
		if (sent < n && sent - answered < 8 && (rand() % 2 || sent == answered)) {
			send(x, 0, TCP_ACK, line, (u32)snprintf(line, sizeof(line), "Q%u\n", sent++));
			x->got[1] = x->seq[0];
		} else {
			send(x, 1, TCP_ACK, line, (u32)snprintf(line, sizeof(line), "R%u\n", answered++));
			x->got[0] = x->seq[1];
		}
		x->ts += 100 * NS_PER_US;
	}
}

static void nothing_lost_everything_answered(void **state)
{
	(void)state;
	unsigned answered = 0;
	struct world *x = world_new(0, false);
	open_connection(x);
	serial_client(x, 100);
	burst_client(x, 160, 16);
	multiplexing_client(x, 300);
	world_free(x, &answered);
	assert_int_equal(answered, 560);
}

static void serial_losses(void **state)
{
	(void)state;
	unsigned answered = 0;
	for (int round = 0; round < 300; round++) {
		struct world *x = world_new(round % 2 ? 20 : 150, true);
		if (round % 3)
			open_connection(x);
		serial_client(x, 100);
		world_free(x, &answered);
	}
	/* a lost segment costs its own exchange: 2 segments each, dropped with 2 or 15 % */
	assert_true(answered > 300 * 100 * 80 / 100);
}

/* The same client of a protocol whose clients may pipeline: the first exchanges after a loss may go, too. */
static void serial_losses_unknown_client(void **state)
{
	(void)state;
	unsigned answered = 0;
	for (int round = 0; round < 300; round++) {
		struct world *x = world_new(20, false);
		if (round % 3)
			open_connection(x);
		serial_client(x, 100);
		world_free(x, &answered);
	}
	assert_true(answered > 300 * 100 * 90 / 100);
}

static void burst_losses(void **state)
{
	(void)state;
	unsigned answered = 0;
	for (int round = 0; round < 300; round++) {
		struct world *x = world_new(0, false);
		open_connection(x);
		burst_client(x, 90, 9);
		x->drop = 10;
		burst_client(x, 160, 2 + (unsigned)round % 8);
		world_free(x, &answered);
	}
	assert_true(answered > 300 * 250 * 70 / 100);
}

static void multiplexed_losses(void **state)
{
	(void)state;
	unsigned answered = 0;
	for (int round = 0; round < 300; round++) {
		struct world *x = world_new(0, false);
		open_connection(x);
		multiplexing_client(x, 60); /* its first overlap must not coincide with the first loss: that cannot be told from a serial client's */
		x->drop = 5;
		for (int i = 0; i < 4; i++) {
			multiplexing_client(x, 50);
			x->ts += 3 * NS_PER_SEC; /* after a silence pairs are made again */
		}
		world_free(x, &answered);
	}
	assert_true(answered > 300 * 200 / 2);
}

/* A client may change its ways; it has shown that it multiplexes before anything is lost. */
static void mixed_losses(void **state)
{
	(void)state;
	unsigned answered = 0;
	for (int round = 0; round < 500; round++) {
		struct world *x = world_new(0, false);
		open_connection(x);
		multiplexing_client(x, 60);
		x->drop = (unsigned)rand() % 100;
		for (int i = 0; i < 6; i++) {
			int kind = rand() % 3;
			if (kind == 0)
				serial_client(x, 20);
			else if (kind == 1)
				burst_client(x, 24, 1 + (unsigned)rand() % 8);
			else
				multiplexing_client(x, 20);
			x->ts += (u64)(rand() % 3) * NS_PER_SEC;
		}
		world_free(x, &answered);
	}
	assert_true(answered > 500 * 20);
}

/* A capture that begins between two requests of a burst: the answer that comes next is the first one's. What follows shows it. */
static void joined_within_a_burst(void **state)
{
	(void)state;
	struct world *x = world_new(0, false);
	unsigned answered = 0;
	send(x, 0, TCP_ACK, "Q2\n", 3);
	x->got[1] = x->seq[0];
	send(x, 1, TCP_ACK, "R1\n", 3);
	send(x, 1, TCP_ACK, "R2\n", 3);
	x->got[0] = x->seq[1];
	send(x, 0, TCP_ACK, "Q3\n", 3);
	x->got[1] = x->seq[0];
	send(x, 1, TCP_ACK, "R3\n", 3);
	world_free(x, &answered);
	assert_int_equal(answered, 1);
}

/* And one that begins between two rounds: nothing speaks against the first pair, which is told when the next request confirms it. */
static void joined_between_rounds(void **state)
{
	(void)state;
	struct world *x = world_new(0, false);
	unsigned answered = 0;
	for (int i = 1; i <= 3; i++) {
		char text[8];
		send(x, 0, TCP_ACK, text, (u32)snprintf(text, sizeof(text), "Q%d\n", i));
		x->got[1] = x->seq[0];
		assert_int_equal(x->outcomes[OUTCOME_ANSWERED], i < 2 ? 0 : i - 1);
		send(x, 1, TCP_ACK, text, (u32)snprintf(text, sizeof(text), "R%d\n", i));
		x->got[0] = x->seq[1];
	}
	world_free(x, &answered);
	assert_int_equal(answered, 3);
}

/* More requests at once than are kept: the first are answered, the others are told as lost, and nobody gets another's answer. */
static void too_many_wait(void **state)
{
	(void)state;
	for (int streams = 0; streams < 2; streams++) {
		max_waiting = 10;
		struct world *x = world_new(0, false);
		max_waiting = 0;
		unsigned answered = 0;
		char text[8];
		send(x, 0, TCP_SYN, NULL, 0);
		x->got[1] = x->seq[0];
		send(x, 1, TCP_SYN | TCP_ACK, NULL, 0);
		x->got[0] = x->seq[1];
		for (int i = 1, r = 1; r <= 60; i++) {
			if (i <= 60)
				send(x, 0, TCP_ACK, text, (u32)snprintf(text, sizeof(text), "Q%d\n", i));
			x->got[1] = x->seq[0];
			if (streams ? i > 20 : i > 60)
				send(x, 1, TCP_ACK, text, (u32)snprintf(text, sizeof(text), "R%d\n", r++));
		}
		assert_int_equal(x->outcomes[OUTCOME_ANSWERED], 10);
		x->got[0] = x->seq[1];
		x->ts += 5 * NS_PER_SEC;
		for (int i = 61; i <= 64; i++) { /* and when it has been quiet, all is as before */
			send(x, 0, TCP_ACK, text, (u32)snprintf(text, sizeof(text), "Q%d\n", i));
			x->got[1] = x->seq[0];
			send(x, 1, TCP_ACK, text, (u32)snprintf(text, sizeof(text), "R%d\n", i));
			x->got[0] = x->seq[1];
		}
		assert_int_equal(x->outcomes[OUTCOME_LOST], 50);
		world_free(x, &answered);
		assert_int_equal(answered, 14);
	}
}

/* A server that stands still for longer than requests wait, and then answers all of them, and one that was sent meanwhile. */
static void too_many_time_out(void **state)
{
	(void)state;
	struct world *x = world_new(0, false);
	unsigned answered = 0;
	char text[8];
	send(x, 0, TCP_SYN, NULL, 0);
	x->got[1] = x->seq[0];
	send(x, 1, TCP_SYN | TCP_ACK, NULL, 0);
	x->got[0] = x->seq[1];
	for (int i = 1; i <= 400; i++)
		send(x, 0, TCP_ACK, text, (u32)snprintf(text, sizeof(text), "Q%d\n", i));
	x->ts += 70 * NS_PER_SEC;
	x->got[1] = x->seq[0];
	send(x, 1, TCP_ACK, NULL, 0);
	x->ts += 5 * NS_PER_SEC;
	for (int i = 401; i <= 405; i++)
		send(x, 0, TCP_ACK, text, (u32)snprintf(text, sizeof(text), "Q%d\n", i));
	assert_int_equal(x->outcomes[OUTCOME_NO_RESPONSE], 400);
	x->got[1] = x->seq[0];
	for (int i = 1; i <= 405; i++)
		send(x, 1, TCP_ACK, text, (u32)snprintf(text, sizeof(text), "R%d\n", i));
	world_free(x, &answered);
	assert_int_equal(answered, 0);
}

/* The capture begins with the server's SYN, and an answer overtakes its request there: the next answer is not that request's. */
static void joined_at_an_answer(void **state)
{
	(void)state;
	for (int serial = 0; serial < 2; serial++) {
		struct world *x = world_new(0, serial);
		unsigned answered = 0;
		u32 asked = x->seq[0];
		send(x, 1, TCP_SYN | TCP_ACK, NULL, 0);
		x->got[0] = x->seq[1];
		x->got[1] = asked + 3;
		send(x, 1, TCP_ACK, "R1\n", 3);
		send(x, 0, TCP_ACK, "Q1\n", 3);
		x->got[1] = asked + 6;
		send(x, 1, TCP_ACK, "R2\n", 3);
		x->got[0] = x->seq[1];
		x->seq[0] += 3; /* "Q2\n" */
		send(x, 0, TCP_ACK, "Q3\n", 3);
		x->got[1] = x->seq[0];
		send(x, 1, TCP_ACK, "R3\n", 3);
		world_free(x, &answered);
		assert_true(answered <= 1);
	}
}

/* The capture begins in the middle of a burst: its first answer is that of a request that was not seen. */
static void joined_before_a_burst(void **state)
{
	(void)state;
	unsigned answered = 0;
	for (int together = 0; together < 2; together++) {
		struct world *x = world_new(0, false);
		x->seq[0] += 3; /* "Q1\n" */
		send(x, 0, TCP_ACK, "Q2\n", 3);
		x->got[1] = x->seq[0];
		if (together) {
			send(x, 1, TCP_ACK, "R1\nR2\n", 6);
		} else {
			send(x, 1, TCP_ACK, "R1\n", 3);
			send(x, 1, TCP_ACK, "R2\n", 3);
		}
		x->got[0] = x->seq[1];
		send(x, 0, TCP_ACK, NULL, 0);
		serial_client(x, 50);
		world_free(x, &answered);
	}
	assert_true(answered >= 2 * 45);
}

/* The server ends within an answer, which is told at once; the parser still holds it when the client says something about it, and the
 * server may even go on. Nothing is freed or told twice. */
static void ended_within_an_answer(void **state)
{
	(void)state;
	for (int sends_on = 0; sends_on < 3; sends_on++) {
		unsigned answered = 0;
		struct world *x = world_new(0, false);
		open_connection(x);
		for (int n = 0; n < 2; n++) { /* both chunks of memory are used again */
			send(x, 0, TCP_ACK, "Q1\n", 3);
			x->got[1] = x->seq[0];
		}
		send(x, 1, TCP_ACK, "R1:", 3);
		send(x, 1, TCP_ACK | TCP_FIN, NULL, 0);
		x->seq[1]++;
		assert_int_equal(x->outcomes[OUTCOME_RESET], 2);
		if (sends_on)
			send(x, 1, TCP_ACK, "\nR1\n", 4);
		x->got[0] = x->seq[1];
		if (sends_on < 2)
			send(x, 0, TCP_ACK, "X\n", 2);
		for (int n = 0; n < 3; n++)
			send(x, 0, TCP_ACK, "Q2\n", 3);
		flow_advance(x->flow, x->ts + 10 * NS_PER_SEC); /* the FIN's own number is a hole before what follows it */
		assert_int_equal(x->ledger.flow.late, sends_on ? 4 : 0);
		world_free(x, &answered);
		assert_int_equal(answered, 0);
	}
}

int main(void)
{
	srand(11);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_lost_everything_answered),
		cmocka_unit_test(serial_losses),
		cmocka_unit_test(serial_losses_unknown_client),
		cmocka_unit_test(burst_losses),
		cmocka_unit_test(multiplexed_losses),
		cmocka_unit_test(mixed_losses),
		cmocka_unit_test(joined_within_a_burst),
		cmocka_unit_test(joined_between_rounds),
		cmocka_unit_test(joined_at_an_answer),
		cmocka_unit_test(too_many_wait),
		cmocka_unit_test(too_many_time_out),
		cmocka_unit_test(joined_before_a_burst),
		cmocka_unit_test(ended_within_an_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
