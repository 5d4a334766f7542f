/* A hostile HTTP/2 peer: what it costs, in time and memory, compared with an honest one that sends as many bytes.
 * The real flow and session layers are underneath; a bystander's exchanges must go on being answered. */
#include "unit.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void); /* its header comes with other compilers only */
#endif

#include "flow/flow.h"
#include "proto/proto.h"
#include "roundtrip/session.h"

#define BYTES (4 * MIB)   /* of each conversation */
#define TIME_RATIO 4      /* … of an honest peer's: small frames cost more a byte */
#define MEMORY_RATIO 2    /* … of an honest peer's with as many streams as are followed */
#define SEGMENT 1400
#define STREAMS 8192

struct bench {
	struct ledger *ledger;
	struct sessions *sessions;
	struct flow *flow;
	u32 seq[2][2]; /* connection, direction */
	u64 now;
	size_t sent, memory; /* highest */
	u8 pending[64 * KIB];
	size_t pending_n;
};

static struct bench b;

static size_t memory_used(void)
{
#ifdef __SANITIZE_ADDRESS__
	return __sanitizer_get_current_allocated_bytes();
#else
	struct mallinfo2 m = mallinfo2();
	return m.uordblks + m.hblkhd;
#endif
}

static double cpu(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void packet(int conn, int dir, u8 flags, const void *p, size_t n)
{
	struct segment seg = { .ts = b.now, .protocol = IPPROTO_TCP_, .flags = flags, .seq = b.seq[conn][dir], .ack = b.seq[conn][!dir], .window = 60000,
			       .payload = p, .len = (u32)n, .caplen = (u32)n };
	seg.src = seg.dst = (struct ip_addr){ .b = { [10] = 0xff, [11] = 0xff, [12] = 10 } };
	seg.src.b[15] = (u8)(1 + dir);
	seg.dst.b[15] = (u8)(2 - dir);
	seg.sport = (u16)(dir ? 8080 : 40000 + conn);
	seg.dport = (u16)(dir ? 40000 + conn : 8080);
	flow_packet(b.flow, &seg);
	b.seq[conn][dir] += (u32)n + (flags & TCP_SYN ? 1 : 0);
	b.now += 1000;
}

static void flush(int dir)
{
	for (size_t at = 0; at < b.pending_n; at += SEGMENT)
		packet(0, dir, TCP_ACK, b.pending + at, MIN(SEGMENT, b.pending_n - at));
	b.sent += b.pending_n;
	b.pending_n = 0;
	size_t used = memory_used();
	b.memory = MAX(b.memory, used);
}

static void add(int dir, const void *p, size_t n)
{
	if (b.pending_n + n > sizeof(b.pending))
		flush(dir);
	memcpy(b.pending + b.pending_n, p, n);
	b.pending_n += n;
}

static void frame(int dir, u8 type, u8 flags, u32 stream, const void *p, size_t n)
{
	const u8 header[9] = { (u8)(n >> 16), (u8)(n >> 8), (u8)n, type, flags, (u8)(stream >> 24), (u8)(stream >> 16), (u8)(stream >> 8), (u8)stream };
	add(dir, header, 9);
	if (n)
		add(dir, p, n);
}

static void start(void)
{
	static const struct session_options so = { .proto = { .headers = true, .details = true } };
	const struct flow_options fo = { .max_conns = 1000, .seed = 1 };
	memset(&b, 0, sizeof(b));
	b.now = 1700000000 * NS_PER_SEC;
	b.ledger = calloc(1, sizeof(*b.ledger));
	b.sessions = sessions_new(&so, b.ledger);
	b.flow = flow_new(&fo, &session_consumer, &b.ledger->flow, b.sessions);
	assert_true(b.ledger && b.sessions && b.flow);
	for (int conn = 0; conn < 2; conn++) {
		packet(conn, 0, TCP_SYN, NULL, 0);
		packet(conn, 1, TCP_SYN | TCP_ACK, NULL, 0);
		packet(conn, 0, TCP_ACK, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
		packet(conn, 1, TCP_ACK, "\0\0\0\4\0\0\0\0\0", 9);
	}
	b.memory = 0;
}

/* The bystander asks and is answered. */
static void bystander(u32 stream)
{
	u8 request[] = { 0, 0, 3, 1, 5, 0, 0, (u8)(stream >> 8), (u8)stream, 0x82, 0x86, 0x84 };
	u8 answer[] = { 0, 0, 1, 1, 5, 0, 0, (u8)(stream >> 8), (u8)stream, 0x88 };
	u64 before = b.ledger->proto[PROTO_http2].outcomes[OUTCOME_ANSWERED];
	packet(1, 0, TCP_ACK, request, sizeof(request));
	packet(1, 1, TCP_ACK, answer, sizeof(answer));
	assert_int_equal(b.ledger->proto[PROTO_http2].outcomes[OUTCOME_ANSWERED], before + 1);
}

struct cost {
	double time;   /* seconds for BYTES */
	size_t memory; /* above what was there before */
};

static struct cost run(void (*step)(u32 i))
{
	size_t before = memory_used();
	start();
	double began = cpu();
	for (u32 i = 0; b.sent < BYTES; i++) {
		step(i);
		if (i % 4096 == 0) {
			flush(0);
			bystander(1 + i / 4096 % 30000 * 2);
		}
	}
	flush(0);
	struct cost cost = { (cpu() - began) * BYTES / (double)b.sent, b.memory > before ? b.memory - before : 0 };
	flow_finish(b.flow);
	sessions_flush(b.sessions, b.now, true);
	const struct ledger_proto *p = &b.ledger->proto[PROTO_http2];
	u64 ended = 0;
	for (int o = 0; o < OUTCOME_COUNT; o++)
		ended += p->outcomes[o];
	assert_int_equal(p->requests, ended);
	assert_int_equal(p->waiting, 0);
	flow_free(b.flow);
	sessions_free(b.sessions);
	free(b.ledger);
	return cost;
}

/* GETs that are answered at once, with a handful of fields. */
static void honest(u32 i)
{
	static const u8 fields[] = "\x82\x86\x84\x41\x0bshop.exampl\x7a\x04test\x50\x04gzip";
	u8 answer[10] = { 0, 0, 1, 1, 5, 0, 0, 0, 0, 0x88 };
	u32 stream = 1 + 2 * i;
	frame(0, 1, 5, stream, fields, sizeof(fields) - 1);
	if (i % 30 == 29) {
		flush(0);
		for (u32 k = 0; k < 30; k++) {
			u32 id = stream - 58 + 2 * k;
			memcpy(answer + 5, (u8[]){ (u8)(id >> 24), (u8)(id >> 16), (u8)(id >> 8), (u8)id }, 4);
			packet(0, 1, TCP_ACK, answer, sizeof(answer));
		}
	}
}

/* As many streams as are followed, none answered. */
static void many_streams(u32 i)
{
	static const u8 fields[] = "\x82\x86\x84\x41\x0bshop.exampl\x7a\x04test\x50\x04gzip";
	if (i < STREAMS)
		frame(0, 1, 4, 1 + 2 * i, fields, sizeof(fields) - 1);
	else
		frame(0, 0, 0, 1 + 2 * (i % STREAMS), "0123456789012345678901234567890123456789", 40);
}

static void continuation_flood(u32 i)
{
	if (i == 0)
		frame(0, 1, 0, 1, "\x82", 1);
	frame(0, 9, 0, 1, "\x10", i % 2);
}

static void continuation_again(u32 i)
{
	frame(0, i % 100 ? 9 : 1, i % 100 == 99 ? 4 : 0, 1 + i / 100 * 2, "\x82", 1);
}

/* A block of 16 KB that names a big entry thousands of times. */
static void hpack_bomb(u32 i)
{
	static u8 block[16000];
	memcpy(block, "\x82\x86\x84\x40\x01x\x7f\xa1\x1e", 9);
	memset(block + 9, 'v', 4000);
	memset(block + 4009, 0xbe, sizeof(block) - 4009);
	frame(0, 1, 4, 1 + 2 * i, block, sizeof(block));
}

static void header_flood(u32 i)
{
	static u8 block[16000];
	size_t n = 3;
	memcpy(block, "\x82\x86\x84", 3);
	for (u32 k = 0; n + 40 < sizeof(block); k++) {
		memcpy(block + n, "\x40\x08nnnnnnnn\x08vvvvvvvv", 19);
		memcpy(block + n + 2, &(u32){ i * 1000 + k }, 4);
		n += 19;
	}
	frame(0, 1, 4, 1 + 2 * i, block, n);
}

static void long_paths(u32 i)
{
	static u8 block[16000];
	memcpy(block, "\x82\x86\x04\x7f\x80\x7b", 6); /* 15871 bytes */
	memset(block + 6, '/', 15871);
	frame(0, 1, 4, 1 + 2 * i, block, 6 + 15871);
}

static void trailers_again(u32 i)
{
	static const u8 block[] = "\x00\x01x\x10vvvvvvvvvvvvvvvv\x00\x01y\x10vvvvvvvvvvvvvvvv";
	if (i < 1000)
		frame(0, 1, 4, 1 + 2 * i, "\x82\x86\x84", 3);
	frame(0, 1, 4, 1 + 2 * (i % 1000), block, sizeof(block) - 1);
}

static void stream_churn(u32 i)
{
	frame(0, 1, 4, 1 + 2 * i, "\x82\x86\x84", 3);
}

static void closed_churn(u32 i)
{
	frame(0, 1, 5, 1 + 2 * i, "\x82\x86\x84", 3);
}

static void rapid_reset(u32 i)
{
	frame(0, 1, 5, 1 + 2 * i, "\x82\x86\x84", 3);
	frame(0, 3, 0, 1 + 2 * i, "\0\0\0\x8", 4);
}

static void control_flood(u32 i)
{
	static const u8 kinds[] = { 4, 6, 8, 2 };
	static const u8 sizes[] = { 6, 8, 4, 5 };
	u8 kind = kinds[i % 4];
	frame(0, kind, 0, kind == 2 ? 3 : 0, "\0\5\0\0\x40\0\0\1", sizes[i % 4]);
}

static void goaway_flood(u32 i)
{
	u32 last = 2 * STREAMS - i;
	if (i < STREAMS)
		frame(0, 1, 5, 1 + 2 * i, "\x82\x86\x84", 3);
	if (i == STREAMS)
		flush(0);
	if (i >= STREAMS) {
		u8 g[17] = { 0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, (u8)(last >> 8), (u8)last, 0, 0, 0, 0 };
		packet(0, 1, TCP_ACK, g, sizeof(g));
		b.sent += sizeof(g);
	}
}

static void table_thrash(u32 i)
{
	static const u8 block[] = "\x20\x3f\xe1\x1f\x82\x86\x84\x40\x01x\x08vvvvvvvv\x20\x3f\xe1\x1f\x40\x01z\x08vvvvvvvv";
	frame(0, 1, 5, 1 + 2 * i, block, sizeof(block) - 1);
}

static void data_flood(u32 i)
{
	if (i == 0)
		frame(0, 1, 4, 1, "\x83\x86\x84", 3);
	frame(0, 0, 0, 1, NULL, 0);
}

static struct cost usual, crowded;

static void measure(void)
{
	if (usual.time)
		return;
	usual = run(honest);
	crowded = run(many_streams);
	assert_true(usual.time > 0);
}

static void check(const char *what, void (*step)(u32 i))
{
	struct cost best = { 1e9, 0 };
	measure();
	for (int turn = 0; turn < 3; turn++) { /* the machine may be busy: the best of three */
		struct cost c = run(step);
		best = (struct cost){ MIN(best.time, c.time), c.memory };
		if (best.time <= TIME_RATIO * usual.time)
			break;
	}
	print_message("%s: time x %.2f, memory x %.2f\n", what, best.time / usual.time, (double)best.memory / (double)crowded.memory);
	assert_true(best.time <= TIME_RATIO * usual.time);
	assert_true(best.memory <= MEMORY_RATIO * crowded.memory);
}

#define FLOODS(X)                                                                                                                 \
	X(continuation_flood) X(continuation_again) X(hpack_bomb) X(header_flood) X(long_paths) X(trailers_again) X(stream_churn) \
	X(closed_churn) X(rapid_reset) X(control_flood) X(goaway_flood) X(table_thrash) X(data_flood)

#define X(name)                                 \
	static void test_##name(void **state)   \
	{                                       \
		check(#name, name);             \
	}
FLOODS(X)
#undef X

int main(void)
{
#define X(name) cmocka_unit_test(test_##name),
	const struct CMUnitTest tests[] = { FLOODS(X) };
#undef X
	return cmocka_run_group_tests(tests, NULL, NULL);
}
