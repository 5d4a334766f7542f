/* One protocol's parser behind the real flow and session layers: whatever the bytes, no crash, the ledger adds up, every line
 * is valid JSON, and cutting the same bytes elsewhere changes nothing. Built once for each protocol, with -DFUZZ_PROTO=name.
 *
 * The input is a conversation: bytes of the client, until the marker 0xff 0xf0 and an operation byte (struct script). A plain
 * file without markers is what a client sends. See README.md. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "flow/flow.h"
#include "roundtrip/json.h"
#include "roundtrip/session.h"
#include "util/json.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define NAME_(x) proto_##x
#define NAME(x) NAME_(x)

#define MARK_1 0xff
#define MARK_2 0xf0
#define INPUT_MAX (60 * KIB) /* less than a direction's tail may hold */
#define START (1700000000 * NS_PER_SEC)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
extern const struct proto NAME(FUZZ_PROTO);

/* Bit 0 of an operation byte: who sends the bytes after it (1: the server). Bits 1-3: */
enum op {
	OP_DATA,
	OP_GAP,     /* 16 bytes for each unit of the next byte were never captured */
	OP_FIN,
	OP_RESET,
	OP_WAIT,    /* 100 ms for each unit of the next byte pass */
	OP_SWAP,    /* the next segment comes after the one that follows it */
	OP_AGAIN,   /* the segment before is sent again */
	OP_OPTIONS, /* the next byte: other settings, enum option */
};

enum option {
	OPT_DETECT = 1,   /* no rule names the protocol */
	OPT_SECRETS = 2,
	OPT_PUSHES = 4,
	OPT_BODY = 8,
	OPT_BARE = 16,    /* nobody wants details */
	OPT_DATAGRAM = 32,
	OPT_MIDSTREAM = 64,
	OPT_SHORT = 128,  /* statements and lists cut early */
};

struct collector {
	struct sink sink;
	struct buf lines;
};

struct run {
	struct ledger *ledger;
	struct sessions *sessions;
	struct flow *flow;
	struct collector out;
	struct segment swapped;
	u32 seq[2];
	u64 now;
	struct segment last;
	bool datagram, bytewise, lossy;
};

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_" TEXT(FUZZ_PROTO) ": %s\n", what);
	abort();
}

static void collect(struct sink *sink, const struct roundtrip *rt)
{
	struct collector *c = (struct collector *)sink;
	size_t before = c->lines.len;
	roundtrip_json(&c->lines, rt, NULL);
	if (c->lines.failed)
		return;
	size_t n = c->lines.len - before;
	require(n > 1 && c->lines.data[before + n - 1] == '\n', "a RoundTrip is no line");
	require(!memchr(c->lines.data + before, '\n', n - 1), "a RoundTrip has a newline inside");
	require(json_valid(c->lines.data + before, n - 1), "a RoundTrip is no valid JSON");
	struct buf text = { .max = MIB };
	rt->proto->describe(rt->request, &text);
	if (rt->response)
		rt->proto->describe(rt->response, &text);
	buf_done(&text);
}

static void run_open(struct run *r, u8 opt, bool bytewise)
{
	const struct proto_rule rule = { .proto = &NAME(FUZZ_PROTO), .port = 9 };
	struct session_options so = {
		.proto = { .show_secrets = opt & OPT_SECRETS, .pushes = opt & OPT_PUSHES, .headers = !(opt & OPT_BARE), .details = !(opt & OPT_BARE), .parameters = !(opt & OPT_SHORT),
			   .body_bytes = opt & OPT_BODY ? 2000 : 0, .statement_length = opt & OPT_SHORT ? 10 : 1024, .max_records = opt & OPT_SHORT ? 2 : 32 },
		.rules = opt & OPT_DETECT ? NULL : &rule, .rules_len = opt & OPT_DETECT ? 0 : 1,
	};
	const struct flow_options fo = { .max_conns = 1000, .seed = 1 };
	memset(r, 0, sizeof(*r));
	r->ledger = calloc(1, sizeof(*r->ledger));
	r->sessions = sessions_new(&so, r->ledger);
	r->flow = flow_new(&fo, &session_consumer, &r->ledger->flow, r->sessions);
	require(r->ledger && r->sessions && r->flow, "no memory");
	r->out.sink = (struct sink){ .roundtrip = collect };
	r->out.lines.max = 64 * MIB;
	require(sessions_add_sink(r->sessions, &r->out.sink) == 0, "no room for a sink");
	r->seq[0] = 0xffffff00; /* wraps early */
	r->seq[1] = 0x7fffff00;
	r->now = START;
	r->bytewise = bytewise;
	r->datagram = opt & OPT_DATAGRAM;
}

static struct segment segment_make(struct run *r, int dir, u8 flags)
{
	struct segment seg = { .ts = r->now, .protocol = r->datagram ? IPPROTO_UDP_ : IPPROTO_TCP_, .flags = flags,
			       .seq = r->seq[dir], .ack = r->seq[!dir], .window = 60000 };
	seg.src = seg.dst = (struct ip_addr){ .b = { [10] = 0xff, [11] = 0xff, [12] = 10 } };
	seg.src.b[15] = (u8)(1 + dir);
	seg.dst.b[15] = (u8)(2 - dir);
	seg.sport = dir ? 9 : 40000;
	seg.dport = dir ? 40000 : 9;
	return seg;
}

static void deliver(struct run *r, const struct segment *seg)
{
	flow_packet(r->flow, seg);
	if (r->swapped.ts) {
		struct segment late = r->swapped;
		r->swapped.ts = 0;
		flow_packet(r->flow, &late);
	}
}

/* The bytes live in memory of exactly their size, so that a sanitizer sees one too many read. */
static void send_bytes(struct run *r, int dir, const u8 *p, size_t n, bool swap)
{
	size_t step = r->bytewise && !r->datagram ? 1 : n;
	for (size_t at = 0; at < n; at += step) {
		u8 *copy = malloc(step);
		require(copy != NULL, "no memory");
		memcpy(copy, p + at, step);
		struct segment seg = segment_make(r, dir, TCP_ACK);
		seg.payload = copy;
		seg.len = seg.caplen = (u32)step;
		r->seq[dir] += (u32)step;
		if (swap && !r->swapped.ts && !r->bytewise) {
			seg.payload = p + at;
			r->swapped = seg;
		} else {
			deliver(r, &seg);
		}
		r->last = seg;
		r->last.payload = p + at;
		free(copy);
	}
}

static void bare(struct run *r, int dir, u8 flags)
{
	struct segment seg = segment_make(r, dir, flags);
	deliver(r, &seg);
	if (flags & (TCP_SYN | TCP_FIN))
		r->seq[dir]++;
}

/* One operation with its argument; true when the next bytes are to be swapped. */
static bool operate(struct run *r, enum op op, int dir, u8 argument)
{
	switch (op) {
	case OP_GAP:
		r->seq[dir] += argument * 16u;
		r->lossy = r->lossy || argument;
		return false;
	case OP_FIN:
		if (!r->datagram)
			bare(r, dir, TCP_FIN | TCP_ACK);
		return false;
	case OP_RESET:
		if (!r->datagram)
			bare(r, dir, TCP_RST | TCP_ACK);
		r->lossy = true;
		return false;
	case OP_WAIT:
		r->now += argument * 100 * NS_PER_MS;
		flow_advance(r->flow, r->now);
		sessions_flush(r->sessions, r->now, false);
		return false;
	case OP_SWAP:
		r->lossy = true;
		return true;
	case OP_AGAIN:
		if (r->last.len && !r->bytewise)
			deliver(r, &r->last);
		r->lossy = true;
		return false;
	case OP_DATA:
	case OP_OPTIONS:
		break;
	}
	return false;
}

static bool has_argument(enum op op)
{
	return op == OP_GAP || op == OP_WAIT || op == OP_OPTIONS;
}

static const u8 *next_mark(const u8 *p, const u8 *end)
{
	for (; end - p >= 3; p++)
		if (p[0] == MARK_1 && p[1] == MARK_2)
			return p;
	return end;
}

static void play(struct run *r, const u8 *p, const u8 *end)
{
	int dir = 0;
	bool swap = false;
	while (p < end) {
		const u8 *mark = next_mark(p, end);
		if (mark > p)
			send_bytes(r, dir, p, (size_t)(mark - p), swap);
		if (mark == end)
			break;
		enum op op = (enum op)(mark[2] >> 1 & 7);
		dir = mark[2] & 1;
		p = mark + 3;
		u8 argument = has_argument(op) && p < end ? *p++ : 0;
		swap = operate(r, op, dir, argument);
	}
}

static void check_ledger(const struct ledger *l)
{
	for (unsigned i = 0; i < PROTO_MAX; i++) {
		const struct ledger_proto *p = &l->proto[i];
		u64 ended = p->waiting;
		for (int o = 0; o < OUTCOME_COUNT; o++)
			ended += p->outcomes[o];
		require(p->requests == ended, "requests are not the sum of their outcomes");
		require(p->waiting == 0, "requests still wait at the end");
	}
	const struct flow_counters *f = &l->flow;
	require(f->stream_bytes == f->parsed + f->skipped + f->duplicate + f->unrecognised + f->opaque + f->late + f->snapped_bytes +
				    f->no_memory_bytes, "stream bytes do not add up");
	require(f->held == 0 && f->conns_live == 0, "something is left at the end");
}

static void run_close(struct run *r)
{
	if (r->swapped.ts)
		flow_packet(r->flow, &r->swapped);
	flow_finish(r->flow);
	sessions_flush(r->sessions, r->now, true);
	check_ledger(r->ledger);
	flow_free(r->flow);
	sessions_free(r->sessions);
}

/* Settings stand at the very beginning of an input, if at all. */
static u8 options_of(const u8 **p, const u8 *end)
{
	const u8 *q = *p;
	if (end - q < 4 || q[0] != MARK_1 || q[1] != MARK_2 || (q[2] >> 1 & 7) != OP_OPTIONS)
		return 0;
	*p = q + 4;
	return q[3];
}

static void whole_run(struct run *r, u8 opt, const u8 *p, const u8 *end, bool bytewise)
{
	run_open(r, opt, bytewise);
	if (!r->datagram && !(opt & OPT_MIDSTREAM)) {
		bare(r, 0, TCP_SYN);
		bare(r, 1, TCP_SYN | TCP_ACK);
	}
	play(r, p, end);
	run_close(r);
}

static u64 trouble(const struct ledger *l)
{
	u64 n = l->flow.gaps + l->flow.tail_capped + l->arena_capped;
	for (unsigned i = 0; i < PROTO_MAX; i++)
		n += l->proto[i].desyncs + l->proto[i].gaps + l->proto[i].evicted;
	return n;
}

static void fuzz(u8 opt, const u8 *p, const u8 *end)
{
	struct run whole, bytes;
	whole_run(&whole, opt, p, end, false);
	if (!whole.datagram && !(opt & (OPT_MIDSTREAM | OPT_DETECT))) {
		whole_run(&bytes, opt, p, end, true);
		/* after a loss of synchronisation a parser may prefer starts of segments */
		if (!whole.lossy && !trouble(whole.ledger) && !trouble(bytes.ledger) && !whole.out.lines.failed)
			require(whole.out.lines.len == bytes.out.lines.len && (!whole.out.lines.len ||
				memcmp(whole.out.lines.data, bytes.out.lines.data, whole.out.lines.len) == 0),
				"byte by byte says something else than whole");
		buf_done(&bytes.out.lines);
		free(bytes.ledger);
	}
	buf_done(&whole.out.lines);
	free(whole.ledger);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const u8 *p = data, *end = data + MIN(size, INPUT_MAX);
	u8 opt = options_of(&p, end), over = NAME(FUZZ_PROTO).transports;
	if (over == OVER_TCP)
		opt &= (u8)~OPT_DATAGRAM;
	fuzz(opt, p, end);
	if (p == data && over & OVER_UDP) /* a plain file: also as a datagram */
		fuzz(opt | OPT_DATAGRAM, p, end);
	return 0;
}
