/* Sessions: the consumer of the flow layer's streams. Chooses a parser, runs it, ends what a connection leaves open. */
#include "roundtrip/session.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "roundtrip/preamble.h"
#include "roundtrip/session_private.h"
#include "util/bytes.h"

#define KEYS (64 * KIB)
#define DESYNCS_MAX 8
#define PROXIED_MAX (1u << 20) /* connections whose client a proxy has named, and that is remembered */
#define MESSAGE_MAX (256 * KIB) /* bytes of one message's fields */

static u16 resync_flag(int dir)
{
	return dir == DIR_A ? S_RESYNC_A : S_RESYNC_B;
}

static u16 partial_flag(int dir)
{
	return dir == DIR_A ? S_PARTIAL_A : S_PARTIAL_B;
}

/* Parser state. */

bool session_start(struct conn *c, const struct proto *proto, int request_dir, bool hinted, struct message *request)
{
	struct sessions *all = sessions_of(c);
	struct session *s = session_of(c);
	struct slab *states = &all->states[proto->index];
	if (!states->object_size)
		slab_init(states, MAX(proto->state_size, 16), UINT32_MAX);
	void *state = slab_get(states);
	if (!state)
		return false;
	memset(state, 0, proto->state_size);
	if (proto->shared_size && !all->shared[proto->index])
		all->shared[proto->index] = calloc(1, proto->shared_size);
	s->proto = proto;
	s->state = state;
	s->request_dir = (u8)request_dir;
	s->flags = (u16)(hinted ? s->flags | S_HINTED : s->flags & ~S_HINTED);
	s->desyncs = 0;
	all->ledger->proto[proto->index].connections++;
	if (proto->start) {
		struct chunk here = { .ts_first = all->now, .ts = all->now, .acked = STREAM_ACK_UNKNOWN };
		struct session_parser sp = { .ps = { .proto = proto, .ops = &session_parser_ops, .opt = &all->opt.proto,
						     .state = state, .chunk = &here, .shared = all->shared[proto->index], .request_dir = s->request_dir,
						     .port = { c->port[0], c->port[1] } },
					     .all = all, .s = s, .c = c };
		proto->start(&sp.ps, request);
		s->request_dir = sp.ps.request_dir;
	}
	return true;
}

void session_stop(struct conn *c)
{
	struct sessions *all = sessions_of(c);
	struct session *s = session_of(c);
	if (!s->proto)
		return;
	if (s->proto->done)
		s->proto->done(s->state);
	slab_put(&all->states[s->proto->index], s->state);
	s->proto = NULL;
	s->state = NULL;
}

static void parser_make(struct session_parser *sp, struct conn *c, int dir, struct chunk *chunk)
{
	struct sessions *all = sessions_of(c);
	struct session *s = session_of(c);
	*sp = (struct session_parser){
		.ps = { .proto = s->proto, .ops = &session_parser_ops, .opt = &all->opt.proto, .state = s->state,
			.shared = all->shared[s->proto->index], .chunk = chunk,
			.dir = (u8)dir, .request_dir = s->request_dir,
			.partial = { s->flags & S_PARTIAL_A, s->flags & S_PARTIAL_B }, .port = { c->port[0], c->port[1] } },
		.all = all, .s = s, .c = c,
	};
}

/* The rest of the connection is not for a parser: what waits is told. */
static void give_up(struct conn *c, u64 ts)
{
	pair_finish_all(c, OUTCOME_LOST, NULL, ts, true);
	pair_clear(c);
	session_stop(c);
}

/* What parser_handover asked for. */
static enum parse hand_over(struct conn *c, const struct session_parser *sp, u64 ts)
{
	struct session *s = session_of(c);
	struct str name = str_from(sp->ps.next_proto);
	const struct proto *next = proto_find(name);
	if (sp->ps.next_request && !(sp->ps.next_request->state & M_SPARE) && next && next->start) {
		/* the exchange lives until the new protocol has looked at it */
		struct message *q = sp->ps.next_request;
		const struct proto *old = s->proto;
		void *state = s->state;
		if (!session_start(c, next, s->request_dir, false, q))
			return PARSE_NOT_MINE;
		if (old->done)
			old->done(state);
		slab_put(&sp->all->states[old->index], state);
		pair_finish(c, q, OUTCOME_ANSWERED, NULL, ts, false);
		return PARSE_OK;
	}
	u8 request_dir = s->request_dir;
	give_up(c, ts);
	s->flags &= (u16)~(S_RESYNC_A | S_RESYNC_B | S_UNSURE | S_TAINT | S_NO_A | S_NO_B);
	s->looked[0] = s->looked[1] = s->maybe = 0;
	if (next)
		return session_start(c, next, request_dir, false, NULL) ? PARSE_OK : PARSE_NOT_MINE;
	return name.n ? PARSE_NOT_MINE : PARSE_OK;
}

/* Lost bytes, or bytes that made no sense: the parser forgets what it had half read in this direction. */
static void lose(struct conn *c, int dir, struct chunk *chunk)
{
	struct session *s = session_of(c);
	struct session_parser sp;
	parser_make(&sp, c, dir, chunk);
	s->proto->gap(&sp.ps);
	pair_gap(c, dir, chunk->ts);
	s->flags |= (u16)(resync_flag(dir) | partial_flag(dir));
}

static enum parse resync(struct conn *c, int dir, struct chunk *chunk)
{
	struct session *s = session_of(c);
	struct session_parser sp;
	parser_make(&sp, c, dir, chunk);
	if (chunk->n == 0)
		return PARSE_MORE;
	long at = s->proto->resync(&sp.ps, chunk);
	s->request_dir = sp.ps.request_dir;
	if (at == 0 || (at > 0 && (size_t)at < chunk->n)) {
		s->flags &= (u16)~resync_flag(dir);
		chunk->used = (size_t)at;
		return at ? PARSE_DESYNC : PARSE_OK;
	}
	size_t keep = at <= -2 ? (size_t)(-2 - at) : 0;
	if (keep >= chunk->n) {
		chunk->want = chunk->n + 1;
		return PARSE_MORE;
	}
	chunk->used = chunk->n - keep;
	return PARSE_DESYNC;
}

static void proxied_keep(struct sessions *all, struct session *s, const struct proxied *from)
{
	struct proxied *kept = slab_get(&all->proxied);
	if (!kept)
		return;
	*kept = *from;
	s->proxied = slab_index(&all->proxied, kept) + 1;
}

/* A connection from its first byte on: what stands there before a protocol, or instead of one. PARSE_OK with nothing used: no such thing. */
static enum parse preamble_take(struct conn *c, int dir, struct chunk *chunk)
{
	struct sessions *all = sessions_of(c);
	struct session *s = session_of(c);
	struct proxied from = { 0 };
	size_t n = 0;
	bool server = c->opener != DIR_NONE && dir != c->opener;
	enum preamble is = server ? PREAMBLE_NONE : proxy_header_read(chunk->p, chunk->n, &from, &n);
	if (is == PREAMBLE_NONE && (c->port[0] == 33060 || c->port[1] == 33060 || !s->proto))
		is = mysqlx_read(chunk->p, chunk->n, server, c->port[dir ^ 1]);
	switch (is) {
	case PREAMBLE_MORE:
		chunk->want = n;
		return PARSE_MORE;
	case PREAMBLE_PROXY:
		if (from.port && !s->proxied)
			proxied_keep(all, s, &from);
		chunk->used = n;
		return PARSE_OK;
	case PREAMBLE_MYSQLX:
		all->ledger->mysqlx++;
		give_up(c, chunk->ts);
		return PARSE_NOT_MINE;
	default:
		return PARSE_OK;
	}
}

static enum parse on_data(struct conn *c, int dir, struct chunk *chunk)
{
	struct sessions *all = sessions_of(c);
	struct session *s = session_of(c);
	all->now = chunk->ts;
	if (unlikely(chunk->offset == 0 && chunk->n && c->half[dir].flags & HALF_SYN)) {
		enum parse before = preamble_take(c, dir, chunk);
		if (before != PARSE_OK || chunk->used)
			return before;
	}
	if (unlikely(!s->proto)) {
		if (chunk->n == 0)
			return PARSE_MORE;
		enum parse found = detect_stream(c, dir, chunk);
		if (found != PARSE_OK)
			return found;
		flow_look_again(c, dir ^ 1); /* what could have been several protocols' is known now */
		if (c->opaque)
			return PARSE_NOT_MINE;
	}
	if (unlikely(s->flags & resync_flag(dir))) {
		enum parse found = resync(c, dir, chunk);
		if (found != PARSE_OK)
			return found;
	}
	struct session_parser sp;
	parser_make(&sp, c, dir, chunk);
	enum parse verdict = s->proto->parse(&sp.ps, chunk);
	s->request_dir = sp.ps.request_dir;
	if (unlikely(s->flags & S_DOOMED)) {
		give_up(c, chunk->ts);
		return PARSE_NOT_MINE;
	}
	if (unlikely(sp.ps.next_proto != NULL))
		return hand_over(c, &sp, chunk->ts);
	if (likely(verdict != PARSE_DESYNC && verdict != PARSE_NOT_MINE))
		return verdict;
	if (verdict == PARSE_NOT_MINE || ++s->desyncs > DESYNCS_MAX) {
		give_up(c, chunk->ts);
		return PARSE_NOT_MINE;
	}
	pair_ledger(c, s->proto)->desyncs++;
	lose(c, dir, chunk);
	chunk->used = MAX(chunk->used, 1);
	return PARSE_DESYNC;
}

static void on_gap(struct conn *c, int dir, u64 n, u64 ts)
{
	struct session *s = session_of(c);
	struct chunk chunk = { .ts_first = ts, .ts = ts, .offset = c->half[dir].offset, .acked = STREAM_ACK_UNKNOWN };
	s->flags |= partial_flag(dir);
	if (!s->proto) {
		s->flags |= S_UNSURE | S_TAINT | S_LOST_REQUESTS; /* whatever it will turn out to be */
		s->gap_server = (u32)c->half[dir ^ 1].offset;
		return;
	}
	struct ledger_proto *count = pair_ledger(c, s->proto);
	count->gaps += n != 0;
	count->desyncs += n == 0;
	lose(c, dir, &chunk);
}

static void on_opened(struct conn *c)
{
	struct session *s = session_of(c);
	s->request_dir = DIR_NONE;
	if (c->protocol == IPPROTO_TCP_ && c->state != CONN_SYN && c->opener == DIR_NONE &&
	    !(c->half[0].flags & HALF_SYN))
		s->flags |= S_RESYNC_A | S_RESYNC_B | S_PARTIAL_A | S_PARTIAL_B | S_UNSURE;
	if (!detect_by_rule(c))
		conn_make_opaque(c);
}

static void on_fin(struct conn *c, int dir, u64 ts)
{
	struct session *s = session_of(c);
	struct chunk chunk = { .ts_first = ts, .ts = ts, .offset = c->half[dir].offset, .acked = STREAM_ACK_UNKNOWN };
	if (!s->proto)
		return;
	/* Where bytes are missing nothing is closed, but a parser whose messages outlive that has to know that they end now. */
	if (s->proto->fin && (s->proto->survives || !(s->flags & resync_flag(dir)))) {
		struct session_parser sp;
		parser_make(&sp, c, dir, &chunk);
		s->proto->fin(&sp.ps);
	}
	if (s->request_dir != DIR_NONE && dir != s->request_dir)
		pair_finish_all(c, OUTCOME_RESET, "connection_closed", ts, false);
}

static void on_closed(struct conn *c, enum stream_end end, u64 ts)
{
	static const struct {
		u8 outcome;
		const char *reason;
	} ends[] = {
		[END_CLOSED] = { OUTCOME_RESET, "connection_closed" }, [END_RESET] = { OUTCOME_RESET, "connection_reset" },
		[END_REFUSED] = { OUTCOME_RESET, "connection_refused" }, [END_EXPIRED] = { OUTCOME_NO_RESPONSE, "timeout" },
		[END_EVICTED] = { OUTCOME_LOST, NULL },                 [END_CAPTURE] = { OUTCOME_OPEN, NULL },
	};
	int request_dir;
	const struct proto *proto = end == END_REFUSED ? detect_by_port(c, OVER_TCP, &request_dir) : NULL;
	if (proto && request_dir == c->opener)
		pair_report_refused(c, proto, request_dir, ts);
	pair_finish_all(c, ends[end].outcome, ends[end].reason, ts, true);
	pair_clear(c);
	session_stop(c);
	struct session *s = session_of(c);
	if (s->proxied)
		slab_put(&sessions_of(c)->proxied, slab_at(&sessions_of(c)->proxied, s->proxied - 1));
	s->proxied = 0;
}

/* Multicast, or the IPv4 limited broadcast. */
static bool is_group(const struct ip_addr *a)
{
	return ip_is_v4(a) ? a->b[12] >> 4 == 14 || be32(a->b + 12) == UINT32_MAX : a->b[0] == 0xff;
}

static void on_datagram(struct conn *c, int dir, const struct segment *seg)
{
	struct session *s = session_of(c);
	if (!seg->caplen || (!s->proto && !detect_datagram(c, dir, seg)))
		return;
	struct chunk chunk = { .p = seg->payload, .n = MIN(seg->caplen, seg->len), .ts_first = seg->ts, .ts = seg->ts,
			       .acked = STREAM_ACK_UNKNOWN, .boundary = true };
	struct session_parser sp;
	parser_make(&sp, c, dir, &chunk);
	sp.ps.datagram = true;
	sp.ps.cut = seg->caplen < seg->len;
	sp.ps.datagram_len = seg->len;
	sp.ps.multicast = is_group(&seg->dst) && !is_group(&seg->src); /* such senders exist in altered captures only */
	enum parse verdict = s->proto->parse(&sp.ps, &chunk);
	s->request_dir = sp.ps.request_dir;
	if (s->flags & S_DOOMED) {
		s->flags &= (u16)~S_DOOMED;
		return;
	}
	if (verdict != PARSE_NOT_MINE && verdict != PARSE_DESYNC)
		return;
	pair_ledger(c, s->proto)->desyncs++;
	if (++s->desyncs > DESYNCS_MAX) {
		give_up(c, seg->ts);
		conn_make_opaque(c);
	}
}

static void on_unreachable(struct conn *c, int dir, u64 ts)
{
	struct session *s = session_of(c);
	struct message *q = s->last;
	while (q && (q->dir != dir || q->state & M_REPORTED || q->answer))
		q = q->prev;
	if (q)
		pair_finish(c, q, OUTCOME_RESET, "unreachable", ts, false);
}

static u64 on_deadline(struct conn *c)
{
	return pair_deadline(session_of(c));
}

static void on_timer(struct conn *c, u64 now)
{
	pair_timeouts(c, now);
}

const struct stream_consumer session_consumer = {
	.user_size = sizeof(struct session),
	.opened = on_opened,
	.data = on_data,
	.gap = on_gap,
	.fin = on_fin,
	.closed = on_closed,
	.datagram = on_datagram,
	.unreachable = on_unreachable,
	.deadline = on_deadline,
	.timer = on_timer,
};

/* The worker's set. */

int sessions_set_options(struct sessions *all, const struct session_options *options)
{
	if (options->rules_len > SESSION_RULES_MAX)
		return -E2BIG;
	if (options->rules_len)
		memmove(all->rules, options->rules, options->rules_len * sizeof(*options->rules));
	all->opt = *options;
	all->opt.rules = all->rules;
	if (!all->opt.max_waiting)
		all->opt.max_waiting = 10000;
	if (!all->opt.proto.statement_length)
		all->opt.proto.statement_length = 1024;
	if (!all->opt.proto.max_records)
		all->opt.proto.max_records = 64;
	return 0;
}

struct sessions *sessions_new(const struct session_options *options, struct ledger *ledger)
{
	struct sessions *all = calloc(1, sizeof(*all));
	if (!all)
		return NULL;
	all->ledger = ledger;
	all->keys = mmap(NULL, KEYS * sizeof(*all->keys), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all->keys == MAP_FAILED || sessions_set_options(all, options) < 0) {
		if (all->keys != MAP_FAILED)
			munmap(all->keys, KEYS * sizeof(*all->keys));
		free(all);
		return NULL;
	}
	all->keys_mask = KEYS - 1;
	arena_pool_init(&all->pool, MESSAGE_MAX, options->message_bytes ? options->message_bytes : 256 * MIB);
	arena_pool_init(&all->no_pool, 0, 0);
	slab_init(&all->proxied, sizeof(struct proxied), PROXIED_MAX);
	return all;
}

void sessions_free(struct sessions *all)
{
	if (!all)
		return;
	for (u32 i = 0; i < PROTO_MAX; i++) {
		slab_done(&all->states[i]);
		free(all->shared[i]);
	}
	arena_pool_done(&all->pool);
	arena_pool_done(&all->no_pool);
	slab_done(&all->proxied);
	munmap(all->keys, KEYS * sizeof(*all->keys));
	free(all);
}

int sessions_add_sink(struct sessions *all, struct sink *sink)
{
	if (all->sinks_len == SESSION_SINKS_MAX)
		return -E2BIG;
	all->sinks[all->sinks_len++] = sink;
	return 0;
}

void sessions_flush(struct sessions *all, u64 now, bool last)
{
	all->ledger->arena_capped = all->pool.capped;
	for (u32 i = 0; i < all->sinks_len; i++)
		if (all->sinks[i]->flush)
			all->sinks[i]->flush(all->sinks[i], now, last);
}
