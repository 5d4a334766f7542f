/* The flow layer beside a consumer that writes down what it is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flow/flow.h"
#include "util/buf.h"

/* The consumer: a stream of messages `<length byte><payload>`; lengths >= 200 mean that 1000 bytes follow to be skipped;
 * 199 is told to be a skip of 10 only when 4 bytes are there. */
struct witness {
	struct buf log;         /* events, one a line */
	struct buf bytes[2];    /* what was shown and consumed, per direction */
	bool opaque;
};

static struct witness *W;

static void on_opened(struct conn *c)
{
	(void)c;
	buf_adds(&W->log, "open\n");
}

static enum parse on_data(struct conn *c, int dir, struct chunk *chunk)
{
	(void)c;
	if (W->opaque)
		return PARSE_NOT_MINE;
	if (chunk->n == 0)
		return PARSE_MORE;
	u8 len = chunk->p[0];
	if (len >= 200) {
		chunk->used = 1;
		chunk->want = 1000;
		buf_addf(&W->log, "%c skip at %llu\n", 'A' + dir, (unsigned long long)chunk->offset);
		return PARSE_SKIP;
	}
	if (len == 199 && chunk->n >= 4) {
		chunk->used = 1;
		chunk->want = 10;
		return PARSE_SKIP;
	}
	if (chunk->n < (len == 199 ? 4u : 1u + len)) {
		chunk->want = len == 199 ? 4u : 1u + len;
		return PARSE_MORE;
	}
	chunk->used = 1u + len;
	buf_add(&W->bytes[dir], chunk->p, chunk->used);
	buf_addf(&W->log, "%c %llu+%u t%llu\n", 'A' + dir, (unsigned long long)chunk->offset, len, (unsigned long long)(chunk->ts / NS_PER_MS));
	return PARSE_OK;
}

static void on_gap(struct conn *c, int dir, u64 n, u64 ts)
{
	(void)c, (void)ts;
	buf_addf(&W->log, "%c gap %llu\n", 'A' + dir, (unsigned long long)n);
}

static void on_fin(struct conn *c, int dir, u64 ts)
{
	(void)c, (void)ts;
	buf_addf(&W->log, "%c fin\n", 'A' + dir);
}

static void on_closed(struct conn *c, enum stream_end end, u64 ts)
{
	static const char *names[] = { "closed", "reset", "refused", "expired", "evicted", "capture" };
	(void)c, (void)ts;
	buf_addf(&W->log, "%s\n", names[end]);
}

static void on_datagram(struct conn *c, int dir, const struct segment *seg)
{
	(void)c;
	buf_addf(&W->log, "%c dgram %u\n", 'A' + dir, seg->len);
}

static void on_unreachable(struct conn *c, int dir, u64 ts)
{
	(void)c, (void)ts;
	buf_addf(&W->log, "%c unreachable\n", 'A' + dir);
}

static u64 on_deadline(struct conn *c)
{
	(void)c;
	return 0;
}

static void on_timer(struct conn *c, u64 now)
{
	(void)c, (void)now;
}

static const struct stream_consumer consumer = {
	.user_size = 16,	  .opened = on_opened,		.data = on_data,	 .gap = on_gap,	    .fin = on_fin, .closed = on_closed,
	.datagram = on_datagram, .unreachable = on_unreachable, .deadline = on_deadline, .timer = on_timer,
};

struct world {
	struct flow *flow;
	struct flow_counters count;
	struct witness w;
	u64 ts;
	u32 isn[2];
};

static struct world *world_new(const struct flow_options *o)
{
	struct world *x = calloc(1, sizeof(*x));
	static const struct flow_options none;
	assert_non_null(x);
	W = &x->w;
	x->flow = flow_new(o ? o : &none, &consumer, &x->count, NULL);
	assert_non_null(x->flow);
	x->ts = 1000 * NS_PER_SEC;
	x->isn[0] = 1000;
	x->isn[1] = 5000;
	return x;
}

static void check_sums(const struct world *x)
{
	const struct flow_counters *n = &x->count;
	assert_int_equal(n->stream_bytes, n->parsed + n->skipped + n->duplicate + n->unrecognised + n->opaque + n->late + n->held +
						  n->snapped_bytes + n->no_memory_bytes);
	assert_int_equal(n->conns_opened, n->conns_closed + n->conns_reset + n->conns_refused + n->conns_expired + n->conns_evicted +
						  n->conns_cut + n->conns_live);
}

static void world_free(struct world *x)
{
	flow_finish(x->flow);
	check_sums(x);
	assert_int_equal(x->count.held, 0);
	assert_int_equal(x->count.conns_live, 0);
	flow_free(x->flow);
	buf_done(&x->w.log);
	buf_done(&x->w.bytes[0]);
	buf_done(&x->w.bytes[1]);
	free(x);
}

static struct segment seg_make(struct world *x, int dir, u32 offset, u32 ack_offset, u8 flags, const void *p, u32 n)
{
	struct segment s = { .ts = x->ts += NS_PER_MS, .protocol = IPPROTO_TCP_, .flags = flags, .window = 1000, .payload = p, .len = n, .caplen = n };
	s.src.b[15] = (u8)(1 + dir);
	s.dst.b[15] = (u8)(2 - dir);
	s.sport = dir ? 80 : 40000;
	s.dport = dir ? 40000 : 80;
	s.seq = x->isn[dir] + 1 + offset;
	s.ack = flags & TCP_ACK ? x->isn[dir ^ 1] + 1 + ack_offset : 0;
	return s;
}

static void send(struct world *x, int dir, u32 offset, u32 ack, u8 flags, const void *p, u32 n)
{
	struct segment s = seg_make(x, dir, offset, ack, flags, p, n);
	flow_packet(x->flow, &s);
	check_sums(x);
}

static void handshake(struct world *x)
{
	send(x, 0, (u32)-1, 0, TCP_SYN, NULL, 0);
	send(x, 1, (u32)-1, 0, TCP_SYN | TCP_ACK, NULL, 0);
	send(x, 0, 0, 0, TCP_ACK, NULL, 0);
	x->w.log.len = 0;
}

static const char *log_of(struct world *x)
{
	return buf_cstr(&x->w.log);
}

static void after(struct world *x, u64 ms)
{
	x->ts += ms * NS_PER_MS;
	flow_advance(x->flow, x->ts);
}

static void in_order_and_split(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	send(x, 0, 0, 0, TCP_ACK, "\3abc\2de", 7);
	send(x, 1, 0, 7, TCP_ACK, "\5wor", 4);
	send(x, 1, 4, 7, TCP_ACK, "ld\1!", 4);
	assert_string_equal(log_of(x), "A 0+3 t1000004\nA 4+2 t1000004\nB 0+5 t1000006\nB 6+1 t1000006\n");
	send(x, 0, 7, 8, TCP_ACK | TCP_FIN, NULL, 0);
	send(x, 1, 8, 8, TCP_ACK | TCP_FIN, NULL, 0);
	assert_non_null(strstr(log_of(x), "A fin\nB fin\nclosed\n"));
	world_free(x);
}

static void reordered_duplicated_overlapping(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	send(x, 0, 4, 0, TCP_ACK, "\2de", 3);
	assert_string_equal(log_of(x), "");
	send(x, 0, 4, 0, TCP_ACK, "\2XX", 3); /* the bytes seen first stay */
	send(x, 0, 0, 0, TCP_ACK, "\3abc\2Y", 6);
	send(x, 0, 0, 0, TCP_ACK, "\3abc", 4);
	assert_int_equal(x->w.bytes[0].len, 7);
	assert_memory_equal(x->w.bytes[0].data, "\3abc\2de", 7);
	assert_int_equal(x->count.retransmits, 1);
	assert_int_equal(x->count.out_of_order, 2);
	world_free(x);
}

static void sequence_wrap(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	x->isn[0] = 0xfffffffcu;
	handshake(x);
	send(x, 0, 0, 0, TCP_ACK, "\5ab", 3);
	send(x, 0, 6, 0, TCP_ACK, "\1z", 2);
	send(x, 0, 3, 0, TCP_ACK, "cde", 3);
	assert_memory_equal(x->w.bytes[0].data, "\5abcde\1z", 8);
	world_free(x);
}

static void hole_is_given_up_after_grace(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	send(x, 0, 0, 0, TCP_ACK, "\2ab", 3);
	send(x, 0, 10, 0, TCP_ACK, "\2cd", 3);
	send(x, 1, 0, 13, TCP_ACK, NULL, 0);
	after(x, 100);
	assert_null(strstr(log_of(x), "gap"));
	after(x, 300);
	assert_non_null(strstr(log_of(x), "A gap 7\nA 10+2"));
	assert_int_equal(x->count.gap_bytes, 7);
	world_free(x);
}

static void acknowledgement_before_data_waits(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	/* a mirror port shows the answer before the request */
	send(x, 1, 0, 3, TCP_ACK, "\1r", 2);
	assert_string_equal(log_of(x), "");
	send(x, 0, 0, 0, TCP_ACK, "\2ab", 3);
	assert_string_equal(log_of(x), "A 0+2 t1000005\nB 0+1 t1000004\n");
	world_free(x);
}

static void hole_inside_a_skip_is_harmless(void **state)
{
	(void)state;
	char body[1000];
	memset(body, 1, sizeof(body));
	struct world *x = world_new(NULL);
	handshake(x);
	send(x, 1, 0, 0, TCP_ACK, "\377", 1);
	send(x, 1, 1, 0, TCP_ACK, body, 300);
	send(x, 1, 601, 0, TCP_ACK, body, 400);
	send(x, 1, 1001, 0, TCP_ACK, "\1x", 2);
	send(x, 0, 0, 1003, TCP_ACK, NULL, 0);
	after(x, 500);
	assert_null(strstr(log_of(x), "gap"));
	assert_non_null(strstr(log_of(x), "B 1001+1"));
	assert_int_equal(x->count.gap_skipped_bytes, 300);
	world_free(x);
}

static void skip_that_begins_in_a_tail(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	send(x, 0, 0, 0, TCP_ACK, "\307a", 2);
	send(x, 0, 2, 0, TCP_ACK, "bcd", 3);
	send(x, 0, 5, 0, TCP_ACK, "efghij\1x", 8);
	assert_string_equal(log_of(x), "A 11+1 t1000006\n");
	assert_int_equal(x->count.skipped, 10);
	assert_int_equal(x->count.parsed, 3);
	world_free(x);
}

/* Nothing has been acknowledged before the first acknowledgement, whatever the numbers are. */
static void sequence_numbers_above_2_31(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	x->isn[0] = 0xc0000000;
	x->isn[1] = 0xe0000000;
	handshake(x);
	send(x, 0, 0, 0, TCP_ACK, "\2ab", 3);
	send(x, 1, 0, 3, TCP_ACK, "\1r", 2);
	flow_finish(x->flow);
	assert_string_equal(log_of(x), "A 0+2 t1000004\nB 0+1 t1000005\ncapture\n");
	assert_int_equal(x->count.gap_bytes, 0);
	world_free(x);
}

static void snapped_tail_of_a_body(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	struct segment s = seg_make(x, 1, 0, 0, TCP_ACK, "\377", 1001);
	s.caplen = 1;
	flow_packet(x->flow, &s);
	send(x, 1, 1001, 0, TCP_ACK, "\1x", 2);
	assert_null(strstr(log_of(x), "gap"));
	assert_non_null(strstr(log_of(x), "B 1001+1"));
	world_free(x);
}

static void snapped_header_is_a_gap(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	struct segment s = seg_make(x, 1, 0, 0, TCP_ACK, "\11abcdefghi", 10);
	s.caplen = 4;
	flow_packet(x->flow, &s);
	assert_string_equal(log_of(x), "B gap 6\n");
	assert_int_equal(x->count.snapped_bytes, 6);
	world_free(x);
}

static void port_reuse_after_reset(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	send(x, 0, 0, 0, TCP_ACK, "\1a", 2);
	send(x, 1, 0, 2, TCP_RST | TCP_ACK, NULL, 0);
	assert_non_null(strstr(log_of(x), "reset"));
	send(x, 0, 2, 0, TCP_ACK, "\1b", 2); /* late: of the dead connection */
	assert_int_equal(x->count.late, 2);
	x->isn[0] = 77000000;
	x->isn[1] = 99000000;
	handshake(x);
	send(x, 0, 0, 0, TCP_ACK, "\1c", 2);
	assert_string_equal(log_of(x), "A 0+1 t1000010\n");
	assert_int_equal(x->count.conns_opened, 2);
	world_free(x);
}

static void reuse_without_an_end(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	x->isn[0] = 77000000;
	x->isn[1] = 99000000;
	send(x, 0, (u32)-1, 0, TCP_SYN, NULL, 0);
	assert_string_equal(log_of(x), "closed\nopen\n");
	world_free(x);
}

static void refused(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	send(x, 0, (u32)-1, 0, TCP_SYN, NULL, 0);
	struct segment s = seg_make(x, 1, (u32)-1, 0, TCP_RST | TCP_ACK, NULL, 0);
	s.seq = 0;
	flow_packet(x->flow, &s);
	assert_string_equal(log_of(x), "open\nrefused\n");
	world_free(x);
}

static void joined_midstream(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	send(x, 0, 500, 300, TCP_ACK, "\1a", 2);
	send(x, 1, 300, 502, TCP_ACK, "\1b", 2);
	assert_string_equal(log_of(x), "open\nA 0+1 t1000001\nB 0+1 t1000002\n");
	assert_int_equal(x->count.conns_midstream, 1);
	world_free(x);
}

/* What was sent before the first request that we saw, and came here after it, is no part of its answer. */
static void joined_midstream_out_of_order(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	send(x, 0, 500, 300, TCP_ACK, "\1a", 2);
	send(x, 1, 290, 500, TCP_ACK, "\1x", 2);
	send(x, 1, 300, 502, TCP_ACK, "\1b", 2);
	assert_string_equal(log_of(x), "open\nA 0+1 t1000001\nB 0+1 t1000003\n");
	world_free(x);
}

static void half_close_keeps_the_answer(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	send(x, 0, 0, 0, TCP_ACK | TCP_FIN, "\1a", 2);
	send(x, 1, 0, 3, TCP_ACK, NULL, 0);
	send(x, 1, 0, 3, TCP_ACK, "\1b", 2);
	send(x, 1, 2, 3, TCP_ACK | TCP_FIN, NULL, 0);
	assert_non_null(strstr(log_of(x), "A fin\nB 0+1"));
	assert_non_null(strstr(log_of(x), "B fin\nclosed\n"));
	world_free(x);
}

/* What comes after a FIN is no part of the stream; a FIN that is older than what has come is none. */
static void nothing_after_the_end(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	send(x, 0, 0, 0, TCP_ACK, "\1abc", 4);
	send(x, 0, 1, 0, TCP_ACK | TCP_FIN, NULL, 0);
	assert_null(strstr(log_of(x), "fin"));
	send(x, 0, 4, 0, TCP_ACK | TCP_FIN, NULL, 0);
	send(x, 0, 5, 0, TCP_ACK, "\1abc", 4);
	send(x, 0, 2000, 0, TCP_ACK, "\1abc", 4);
	send(x, 1, 0, 2100, TCP_ACK, "\1b", 2);
	flow_finish(x->flow);
	const char *fin = strstr(log_of(x), "A fin\n");
	assert_non_null(fin);
	assert_null(strstr(fin + 1, "A "));
	assert_int_equal(x->count.late, 8);
	world_free(x);
}

/* What a side seems to say after its FIN is none of its stream: it is counted, and nobody is shown it, or told that it is missing. */
static void nothing_after_the_fin(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	send(x, 1, 0, 0, TCP_ACK | TCP_FIN, "\1b", 2);
	send(x, 1, 2, 0, TCP_ACK, "\1c", 2);
	send(x, 1, 30, 0, TCP_ACK, "\1d", 2);
	send(x, 0, 0, 32, TCP_ACK, "\1a", 2);
	x->ts += NS_PER_SEC;
	send(x, 0, 2, 32, TCP_ACK, "\1e", 2);
	flow_finish(x->flow);
	const char *log = log_of(x);
	assert_non_null(strstr(log, "B 0+1"));
	assert_non_null(strstr(log, "B fin\n"));
	assert_null(strstr(log, "B 2+"));
	assert_null(strstr(log, "gap"));
	assert_non_null(strstr(log, "A 2+1"));
	assert_int_equal(x->count.late + x->count.held, 4);
	world_free(x);
}

static void copies_of_a_second_interface(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	struct segment s = seg_make(x, 0, 0, 0, TCP_ACK, "\1a", 2);
	flow_packet(x->flow, &s);
	s.origin = 7;
	flow_packet(x->flow, &s);
	assert_int_equal(x->count.copies, 1);
	assert_int_equal(x->count.retransmits, 0);
	world_free(x);
}

/* Each interface has a ring of its own, and the copies' may be read first. */
static void copies_that_are_read_before_the_segment(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	for (u32 i = 0; i < 2; i++) {
		struct segment asked = seg_make(x, 0, i * 2, i * 2, TCP_ACK, "\1a", 2), answered = seg_make(x, 1, i * 2, i * 2 + 2, TCP_ACK, "\1b", 2);
		struct segment asked_copy = asked, answered_copy = answered;
		asked_copy.origin = answered_copy.origin = 7;
		flow_packet(x->flow, &asked_copy);
		flow_packet(x->flow, &answered_copy);
		flow_packet(x->flow, &asked);
		flow_packet(x->flow, &answered);
	}
	assert_string_equal(log_of(x), "A 0+1 t1000004\nB 0+1 t1000005\nA 2+1 t1000006\nB 2+1 t1000007\n");
	assert_int_equal(x->count.copies, 4);
	assert_int_equal(x->count.retransmits, 0);
	world_free(x);
}

static void zero_window_and_retransmits_are_counted(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	for (int i = 0; i < 3; i++) {
		struct segment s = seg_make(x, 1, 0, 0, TCP_ACK, NULL, 0);
		s.window = 0;
		flow_packet(x->flow, &s);
	}
	send(x, 0, 0, 0, TCP_ACK, "\1a", 2);
	send(x, 1, 0, 2, TCP_ACK, NULL, 0);
	after(x, 10);
	send(x, 0, 0, 0, TCP_ACK, "\1a", 2);
	assert_int_equal(x->count.zero_windows, 1);
	assert_int_equal(x->count.retransmits, 1);
	world_free(x);
}

static void opaque_costs_nothing_more(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	handshake(x);
	x->w.opaque = true;
	send(x, 0, 0, 0, TCP_ACK, "\1abc", 4);
	send(x, 0, 4, 0, TCP_ACK, "\1abc", 4);
	send(x, 0, 8, 0, TCP_ACK | TCP_FIN, NULL, 0);
	send(x, 1, 0, 9, TCP_ACK | TCP_FIN, NULL, 0);
	assert_int_equal(x->count.opaque, 8);
	assert_int_equal(x->count.conns_closed, 1);
	world_free(x);
}

static void held_bytes_are_capped(void **state)
{
	(void)state;
	struct flow_options o = { .held_per_conn = 8 * KIB };
	struct world *x = world_new(&o);
	char data[1000];
	memset(data, 1, sizeof(data));
	handshake(x);
	for (u32 i = 1; i < 200; i++)
		send(x, 0, i * 1000, 0, TCP_ACK, data, 1000);
	assert_true(x->count.held <= 9000);
	assert_true(x->count.held_capped > 0);
	world_free(x);
}

static void connections_are_capped(void **state)
{
	(void)state;
	struct flow_options o = { .max_conns = 100 };
	struct world *x = world_new(&o);
	for (u32 i = 0; i < 1000; i++) {
		struct segment s = seg_make(x, 0, (u32)-1, 0, TCP_SYN, NULL, 0);
		s.sport = (u16)(i + 1);
		flow_packet(x->flow, &s);
		check_sums(x);
	}
	assert_int_equal(x->count.conns_live, 100);
	assert_int_equal(x->count.conns_evicted, 900);
	world_free(x);
}

static void idle_connections_expire(void **state)
{
	(void)state;
	struct flow_options o = { .tcp_idle_ns = 90 * NS_PER_SEC };
	struct world *x = world_new(&o);
	handshake(x);
	after(x, 80000);
	assert_int_equal(x->count.conns_live, 1);
	after(x, 20000);
	assert_string_equal(log_of(x), "expired\n");
	world_free(x);
}

static void datagrams_and_their_copies(void **state)
{
	(void)state;
	struct world *x = world_new(NULL);
	for (int i = 0; i < 2; i++) {
		struct segment s = seg_make(x, 0, 0, 0, 0, "query", 5);
		s.protocol = IPPROTO_UDP_;
		flow_packet(x->flow, &s);
		s.ts += 100 * NS_PER_US;
		flow_packet(x->flow, &s);
		x->ts += NS_PER_SEC;
	}
	struct segment s = seg_make(x, 0, 0, 0, 0, "query", 5);
	s.protocol = IPPROTO_UDP_;
	s.ip_id = 1; /* the same words at once, in packets of their own: no copies */
	flow_packet(x->flow, &s);
	s.ip_id = 2;
	flow_packet(x->flow, &s);
	s = seg_make(x, 0, 0, 0, 0, NULL, 0);
	s.protocol = IPPROTO_UDP_;
	s.unreachable = true;
	flow_packet(x->flow, &s);
	assert_string_equal(log_of(x), "open\nA dgram 5\nA dgram 5\nA dgram 5\nA dgram 5\nA unreachable\n");
	assert_int_equal(x->count.copies, 2);
	world_free(x);
}

/* Any order, any cut, any repetition: the same bytes. */
static void random_segmentation(void **state)
{
	(void)state;
	u8 stream[600];
	u32 n = 0;
	srand(7);
	while (n < 500) {
		u8 len = (u8)(rand() % 40);
		stream[n++] = len;
		for (u8 i = 0; i < len; i++)
			stream[n++] = (u8)rand();
	}
	for (int round = 0; round < 300; round++) {
		struct world *x = world_new(NULL);
		x->isn[0] = (u32)rand() * 2u;
		if (round % 3 == 0)
			x->isn[0] = 0u - (u32)(rand() % 500);
		handshake(x);
		struct { u32 at, n; } cut[2000];
		u32 cuts = 0;
		for (u32 at = 0; at < n; cuts++) {
			u32 len = 1 + (u32)rand() % (round % 2 ? 3 : 60);
			len = MIN(len, n - at);
			cut[cuts].at = at;
			u32 overlap = (u32)rand() % 5;
			cut[cuts].n = MIN(len + overlap, n - at);
			at += len;
		}
		u32 window = round % 4 == 0 && cuts < 150 ? cuts : 6; /* all of them wait, while less time passes than is waited */
		for (u32 i = 0; i < cuts; i++) { /* shuffled within the window, some twice */
			u32 j = i + (u32)rand() % window;
			j = MIN(j, cuts - 1);
			send(x, 0, cut[j].at, 0, TCP_ACK, stream + cut[j].at, cut[j].n);
			u32 at = cut[i].at, len = cut[i].n;
			cut[i] = cut[j];
			cut[j].at = at;
			cut[j].n = len;
		}
		for (u32 i = 0; i < cuts; i++)
			send(x, 0, cut[i].at, 0, TCP_ACK, stream + cut[i].at, cut[i].n);
		assert_int_equal(x->w.bytes[0].len, n);
		assert_memory_equal(x->w.bytes[0].data, stream, n);
		world_free(x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_and_split),
		cmocka_unit_test(reordered_duplicated_overlapping),
		cmocka_unit_test(sequence_wrap),
		cmocka_unit_test(hole_is_given_up_after_grace),
		cmocka_unit_test(acknowledgement_before_data_waits),
		cmocka_unit_test(hole_inside_a_skip_is_harmless),
		cmocka_unit_test(skip_that_begins_in_a_tail),
		cmocka_unit_test(sequence_numbers_above_2_31),
		cmocka_unit_test(snapped_tail_of_a_body),
		cmocka_unit_test(snapped_header_is_a_gap),
		cmocka_unit_test(port_reuse_after_reset),
		cmocka_unit_test(reuse_without_an_end),
		cmocka_unit_test(refused),
		cmocka_unit_test(joined_midstream),
		cmocka_unit_test(joined_midstream_out_of_order),
		cmocka_unit_test(half_close_keeps_the_answer),
		cmocka_unit_test(nothing_after_the_end),
		cmocka_unit_test(nothing_after_the_fin),
		cmocka_unit_test(copies_of_a_second_interface),
		cmocka_unit_test(copies_that_are_read_before_the_segment),
		cmocka_unit_test(zero_window_and_retransmits_are_counted),
		cmocka_unit_test(opaque_costs_nothing_more),
		cmocka_unit_test(held_bytes_are_capped),
		cmocka_unit_test(connections_are_capped),
		cmocka_unit_test(idle_connections_expire),
		cmocka_unit_test(datagrams_and_their_copies),
		cmocka_unit_test(random_segmentation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
