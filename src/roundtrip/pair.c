/* Pairing: which response answers which request.
 *
 * FIFO. In undisturbed streams the oldest waiting request is answered first. Two facts of TCP are checked each time: a client
 * that had received the byte at offset p when it sent a request cannot get that request's answer at p; and a
 * server cannot answer bytes that it has not received. Requests that were lost before they were seen thus cannot shift the pairs.
 *
 * After lost bytes (of answers; or of requests, once those sent before are answered) the order alone proves nothing.
 * Then only an *anchor* is paired, a request whose answer must begin exactly at the offset that it acknowledges, because nothing
 * else can be outstanding there: at most one request was before it, and something of an answer came in between; or its client has
 * been seen, eight times and without exception, to begin anew only when every answer had come; or it never sent two at
 * once, and in the two rounds before exactly one answer filled the space between the acknowledgements; or there was a second of
 * silence before it. What waited before an anchor is lost.
 *
 * Keyed. The oldest waiting request with the response's key. */
#include "roundtrip/session_private.h"

#define QUIET_NS NS_PER_SEC
#define REPORTED_MAX 256
#define DRAINED_MIN 8

static struct session_parser *outer(struct parser *ps)
{
	return (struct session_parser *)(void *)((u8 *)ps - offsetof(struct session_parser, ps));
}

struct ledger_proto *pair_ledger(struct conn *c, const struct proto *proto)
{
	return &sessions_of(c)->ledger->proto[proto->index];
}

/* Lists. */

static void loose_add(struct session *s, struct message *m)
{
	m->state |= M_LOOSE;
	m->prev = NULL;
	m->next = s->loose;
	if (m->next)
		m->next->prev = m;
	s->loose = m;
}

static void loose_take(struct session *s, struct message *m)
{
	if (!(m->state & M_LOOSE))
		return;
	m->state &= (u16)~M_LOOSE;
	if (m->prev)
		m->prev->next = m->next;
	else
		s->loose = m->next;
	if (m->next)
		m->next->prev = m->prev;
	m->next = m->prev = NULL;
}

static u32 key_hash(const struct session *s, u64 key)
{
	u64 h = (key ^ (u64)(uintptr_t)s >> 4) * 0x9e3779b97f4a7c15ull;
	return (u32)(h >> 32);
}

static bool is_keyed(const struct message *m)
{
	return m->proto->pairing == PAIR_KEYED;
}

/* The newest goes last; the first knows the last, so that a flood of equal requests costs no more than others. */
static void keys_add(struct sessions *all, struct session *s, struct message *m)
{
	struct message **first = &all->keys[key_hash(s, m->key) & all->keys_mask];
	m->hash_next = NULL;
	if (*first)
		(*first)->hash_last->hash_next = m;
	else
		*first = m;
	(*first)->hash_last = m;
}

static void keys_take(struct sessions *all, struct session *s, struct message *m)
{
	struct message **first = &all->keys[key_hash(s, m->key) & all->keys_mask], **at = first, *before = NULL;
	while (*at && *at != m) {
		before = *at;
		at = &before->hash_next;
	}
	if (!*at)
		return;
	struct message *last = (*first)->hash_last;
	*at = m->hash_next;
	if (*first)
		(*first)->hash_last = last == m ? before : last;
}

static void waiting_add(struct sessions *all, struct session *s, struct message *m)
{
	loose_take(s, m);
	m->state |= M_WAITING;
	m->next = NULL;
	m->prev = s->last;
	if (s->last)
		s->last->next = m;
	else
		s->first = m;
	s->last = m;
	s->waiting++;
	all->ledger->proto[m->proto->index].waiting++;
	if (is_keyed(m))
		keys_add(all, s, m);
}

static void waiting_take(struct sessions *all, struct session *s, struct message *m)
{
	if (!(m->state & M_WAITING))
		return;
	if (m->prev)
		m->prev->next = m->next;
	else
		s->first = m->next;
	if (m->next)
		m->next->prev = m->prev;
	else
		s->last = m->prev;
	m->next = m->prev = NULL;
	if (m->state & M_REPORTED) {
		s->reported--;
	} else {
		s->waiting--;
		all->ledger->proto[m->proto->index].waiting--;
	}
	m->state &= (u16)~M_WAITING;
	if (is_keyed(m))
		keys_take(all, s, m);
}

static void message_free(struct session *s, struct message *m)
{
	if (!m || m->state & M_SPARE)
		return;
	loose_take(s, m);
	struct arena arena = m->arena; /* the message itself lives in it */
	arena_reset(&arena);
}

/* The end of an exchange. */

static void describe_times(struct roundtrip *rt, u64 ts)
{
	const struct message *q = rt->request, *a = rt->response;
	u64 end = a && rt->outcome == OUTCOME_ANSWERED ? a->time : ts;
	if (rt->outcome == OUTCOME_ONEWAY)
		end = q->time;
	rt->duration = end > q->time ? end - q->time : 0;
	if (!a)
		return;
	rt->first_byte = a->ts_first > q->ts_last ? a->ts_first - q->ts_last : 0;
	rt->transfer = a->ts_last > a->ts_first ? a->ts_last - a->ts_first : 0;
}

static void count_outcome(struct ledger_proto *count, const struct roundtrip *rt)
{
	count->outcomes[rt->outcome]++;
	count->failed += rt->outcome == OUTCOME_ANSWERED && (rt->response->flags & MSG_FAILED);
	count->partial += rt->partial;
	count->version_unknown += (rt->request->flags & MSG_VERSION_UNKNOWN) != 0;
}

static inline const struct proxied *proxied_of(const struct conn *c)
{
	u32 proxied = session_of(c)->proxied;
	return likely(!proxied) ? NULL : slab_at(&sessions_of(c)->proxied, proxied - 1);
}

static inline __attribute__((always_inline)) struct roundtrip describe(struct conn *c, struct message *q, enum outcome outcome, u64 ts)
{
	struct message *a = q->answer;
	struct roundtrip rt = { .proto = q->proto, .conn = c, .request = q, .response = a, .outcome = outcome, .rtt = c->rtt,
				.retransmits = conn_retransmits(c) - q->retransmits,
				.zero_windows = conn_zero_windows(c) - q->zero_windows, .proxied = proxied_of(c),
				.partial = (q->flags & MSG_PARTIAL) || (a && a->flags & MSG_PARTIAL) };
	if (a && !a->time)
		a->time = a->ts_last;
	describe_times(&rt, ts);
	return rt;
}

static void deliver(struct sessions *all, const struct roundtrip *rt)
{
	if (all->opt.keep && !all->opt.keep(all->opt.keep_arg, rt)) {
		all->ledger->filtered++;
		return;
	}
	all->ledger->delivered++;
	for (u32 i = 0; i < all->sinks_len; i++)
		all->sinks[i]->roundtrip(all->sinks[i], rt);
}

static void emit(struct conn *c, struct message *q, enum outcome outcome, const char *reason, u64 ts)
{
	struct sessions *all = sessions_of(c);
	const struct message *a = q->answer;
	struct roundtrip rt = describe(c, q, outcome, ts);
	rt.error = a && a->error.n ? a->error : q->error.n ? q->error : str_from(reason);
	count_outcome(&all->ledger->proto[rt.proto->index], &rt);
	deliver(all, &rt);
	if (!all->opt.proto.carriers || !rt.proto->carrier)
		return;
	rt.proto = rt.proto->carrier;
	all->ledger->proto[rt.proto->index].requests++;
	count_outcome(&all->ledger->proto[rt.proto->index], &rt);
	deliver(all, &rt);
}

/* An answer may still come for a request that is no longer on the list: the one behind it, `next` or NULL for one to come, and those after
 * it are not next in line. */
static void order_breaks(struct session *s, struct message *next)
{
	s->flags |= S_LOST_REQUESTS | S_BURST | S_MULTI;
	s->round_broken = true;
	s->balanced = 0;
	if (next)
		next->state |= M_BARRIER;
	else
		s->passed_over = true;
}

void pair_finish(struct conn *c, struct message *q, enum outcome outcome, const char *reason, u64 ts, bool keep)
{
	struct sessions *all = sessions_of(c);
	struct session *s = session_of(c);
	if (!(q->state & M_REPORTED))
		emit(c, q, outcome, reason, ts);
	if (keep && q->state & M_WAITING && s->reported < REPORTED_MAX) {
		q->state |= M_REPORTED;
		s->reported++;
		s->waiting--;
		all->ledger->proto[q->proto->index].waiting--;
		return;
	}
	if (keep && q->state & M_WAITING && !is_keyed(q))
		order_breaks(s, q->next);
	if (q->state & M_BARRIER && outcome != OUTCOME_ANSWERED)
		s->flags |= S_UNSURE;
	waiting_take(all, s, q);
	message_free(s, q->answer);
	message_free(s, q);
}

static bool has_answer(const struct message *q)
{
	return q->answer && q->answer->flags & MSG_CLOSED;
}

/* An answer may have come without our seeing it, or recognising it as this request's. */
static bool maybe_lost(const struct conn *c, const struct session *s, const struct message *q)
{
	return q->state & M_SUSPECT || (s->flags & S_UNSURE && c->half[q->dir ^ 1].offset > q->acked);
}

void pair_finish_all(struct conn *c, enum outcome outcome, const char *reason, u64 ts, bool unfinished)
{
	struct session *s = session_of(c);
	for (struct message *q = s->first, *next; q; q = next) {
		next = q->next;
		if (!unfinished && !(q->flags & MSG_CLOSED))
			continue;
		bool held = !unfinished && q->answer && !has_answer(q); /* the parser is not done with the answer: it stays until then */
		if (held && s->reported >= REPORTED_MAX)
			continue;
		if (has_answer(q))
			pair_finish(c, q, OUTCOME_ANSWERED, NULL, ts, false);
		else if (maybe_lost(c, s, q))
			pair_finish(c, q, OUTCOME_LOST, NULL, ts, held);
		else
			pair_finish(c, q, outcome, reason, ts, held);
	}
}

/* Requests that are not on the waiting list. */
static enum outcome loose_outcome(const struct message *q)
{
	return q->state & M_UNTRACKED ? OUTCOME_LOST : OUTCOME_ONEWAY;
}

void pair_clear(struct conn *c)
{
	struct session *s = session_of(c);
	for (struct message *m = s->loose, *next; m; m = next) {
		next = m->next;
		if (m->side == SIDE_REQUEST && m->flags & MSG_OPENED) /* cut in the middle */
			pair_finish(c, m, loose_outcome(m), NULL, m->ts_last, false);
		else if (m->state & M_ORPHAN)
			pair_ledger(c, m->proto)->orphan_responses++, message_free(s, m);
		else
			message_free(s, m);
	}
	s->loose = NULL;
}

u64 pair_deadline(const struct session *s)
{
	for (const struct message *q = s->first; q; q = q->next)
		if (!(q->state & M_REPORTED) && (!q->answer || q->state & M_WEAK) && q->due && q->flags & MSG_CLOSED)
			return q->due;
	return 0;
}

void pair_timeouts(struct conn *c, u64 now)
{
	struct session *s = session_of(c);
	for (struct message *q = s->first, *next; q; q = next) {
		next = q->next;
		bool weak = q->state & M_WEAK && has_answer(q);
		if (q->state & M_REPORTED || (q->answer && !weak) || !q->due || !(q->flags & MSG_CLOSED))
			continue;
		if (q->due > now)
			return;
		if (weak) { /* nothing contradicts it */
			pair_finish(c, q, OUTCOME_ANSWERED, NULL, q->answer->time, false);
			continue;
		}
		bool lost = maybe_lost(c, s, q) || !detect_wanted(c);
		pair_finish(c, q, lost ? OUTCOME_LOST : OUTCOME_NO_RESPONSE, lost ? NULL : "timeout", now, true);
	}
}

/* Which request. */

static struct message *pick_sure(const struct session *s, const struct message *at)
{
	for (struct message *q = s->first; q; q = q->next) {
		if (q->answer)
			continue;
		if (at->acked == STREAM_ACK_UNKNOWN || q->acked == STREAM_ACK_UNKNOWN)
			return q;
		if (q->acked > at->start || (q->start >= at->acked && !q->proto->serial))
			return NULL;
		return q;
	}
	return NULL;
}

static struct message *pick_anchor(const struct session *s, const struct message *at)
{
	for (struct message *q = s->first; q; q = q->next) {
		if (q->answer || !(q->state & M_ANCHOR) || q->acked != at->start || (q->state & M_WEAK && s->flags & S_BURST))
			continue;
		if (at->acked != STREAM_ACK_UNKNOWN && q->start >= at->acked)
			continue;
		return q;
	}
	return NULL;
}

static struct message *pick_key(const struct sessions *all, const struct session *s, u64 key, const struct proto *proto)
{
	struct message *q = all->keys[key_hash(s, key) & all->keys_mask], *reported = NULL;
	for (; q; q = q->hash_next) {
		if (q->key != key || q->proto->parse != proto->parse || q->answer || q->owner != s)
			continue;
		if (!(q->state & M_REPORTED))
			return q;
		reported = reported ? reported : q;
	}
	return reported;
}

/* `at` holds where the response begins: start, acked, key. */
static struct message *pick(struct session_parser *sp, const struct message *at)
{
	if (sp->ps.proto->pairing == PAIR_KEYED)
		return pick_key(sp->all, sp->s, at->key, sp->ps.proto);
	struct message *q = sp->s->flags & S_UNSURE ? NULL : pick_sure(sp->s, at);
	if (q && q->state & M_BARRIER)
		sp->s->flags |= S_UNSURE;
	return sp->s->flags & S_UNSURE ? pick_anchor(sp->s, at) : q;
}

/* Parser operations. */

static struct message *spare_message(struct session_parser *sp, enum side side)
{
	struct message *m = (struct message *)(void *)sp->all->spare[side];
	memset(m, 0, sizeof(sp->all->spare[side]));
	arena_init(&m->arena, &sp->all->no_pool);
	m->state = M_SPARE;
	sp->s->flags |= S_DOOMED;
	return m;
}

static struct message *op_begin(struct parser *ps, enum side side, size_t size)
{
	struct session_parser *sp = outer(ps);
	struct chunk *chunk = ps->chunk;
	struct arena arena;
	arena_init(&arena, &sp->all->pool);
	struct message *m = arena_zalloc(&arena, size);
	if (unlikely(!m))
		m = spare_message(sp, side);
	else
		m->arena = arena;
	m->proto = ps->proto;
	m->owner = sp->s;
	m->side = (u8)side;
	m->dir = ps->dir;
	m->start = chunk->offset + chunk->used;
	m->acked = chunk_acked(chunk);
	m->ts_first = chunk->used ? chunk->ts : chunk->ts_first;
	m->ts_last = chunk->ts;
	if (!(m->state & M_SPARE))
		loose_add(sp->s, m);
	return m;
}

/* Can anything but the answer to `q`, the first of a burst, begin where it says that its client has received everything? */
static bool is_anchor(const struct session *s, const struct message *q)
{
	bool quiet = s->active_ts && q->ts_first > s->active_ts + QUIET_NS;
	bool drains = !(s->flags & S_MULTI) && (s->drained >= DRAINED_MIN || (q->proto->serial && !(s->flags & S_BURST)));
	bool only = s->waiting == 0 || (s->waiting == 1 && s->last && !(s->last->state & M_REPORTED) && q->acked > s->last->acked);
	bool balanced = !(s->flags & (S_MULTI | S_BURST)) && s->balanced >= 2;
	return quiet || drains || balanced || (only && !(s->flags & S_LOST_REQUESTS));
}

/* The client begins anew: was what went before a round of its own? */
static void end_round(struct session *s, const struct message *q)
{
	bool balanced = s->round_requests && s->round_requests == s->round_answers && s->round_exact && !s->round_broken && s->answer_end == (u32)q->acked;
	s->balanced = balanced ? (u8)MIN(s->balanced + 1, 255) : 0;
	if (s->round_answers < s->round_requests && !s->round_lost)
		s->flags |= S_BURST | S_MULTI; /* it did not wait for all of them */
	s->round_requests = s->round_answers = 0;
	s->round_exact = s->round_broken = false;
	s->round_lost = s->lost_upto && (i32)(s->lost_upto - (u32)q->acked) > 0;
}

/* What the acknowledgement of a new request tells about its client. */
static void learn(const struct conn *c, struct session *s, struct message *q)
{
	bool first_of_burst = !s->last_acked || (u32)q->acked + 1 != s->last_acked;
	bool tainted = false;
	if (s->passed_over)
		q->state |= M_BARRIER;
	s->passed_over = false;
	if (q->acked == STREAM_ACK_UNKNOWN)
		return;
	if (s->flags & S_TAINT) {
		tainted = s->flags & S_BURST || (i32)((u32)q->acked - s->gap_server) <= 0;
		s->flags &= (u16)~S_TAINT;
		q->state |= M_BARRIER;
	} else if (!first_of_burst) {
		s->flags |= S_BURST;
	} else if (s->waiting && !(s->flags & S_UNSURE)) {
		s->flags |= S_BURST | S_MULTI;
	} else if (!(s->flags & S_UNSURE) && s->drained < UINT8_MAX) {
		s->drained++;
	}
	if (s->flags & S_LOST_REQUESTS)
		q->state |= M_AFTER_LOSS;
	if (q->acked > c->half[q->dir ^ 1].offset) { /* answers that we have not seen, in a one-sided capture */
		s->round_lost = true;
		s->lost_upto = (u32)q->acked;
	}
	if (first_of_burst)
		end_round(s, q);
	s->round_requests++;
	if (first_of_burst && !tainted && is_anchor(s, q))
		q->state |= M_ANCHOR;
	if (!s->last_acked && s->flags & (S_PARTIAL_A | S_PARTIAL_B) && !q->proto->serial && !is_keyed(q))
		q->state |= M_WEAK;
	s->last_acked = (u32)q->acked + 1; /* 0 stays "none" */
}

/* Too many requests wait already. As long as order tells which answer is whose, giving up the oldest would move all answers: it is the new
 * one that is not kept track of, as if its bytes had been lost. */
static void pass_over(struct session_parser *sp, struct message *q)
{
	struct session *s = sp->s;
	sp->all->ledger->proto[q->proto->index].evicted++;
	q->state |= M_UNTRACKED;
	order_breaks(s, NULL);
	if (q->acked != STREAM_ACK_UNKNOWN)
		s->last_acked = (u32)q->acked + 1;
}

/* The oldest request is given up; not one whose answer has begun: the parser still holds that, and has few of them. */
static void evict(struct session_parser *sp, u64 ts)
{
	struct message *q = sp->s->first;
	while (q && (q->answer || q->state & M_REPORTED || !(q->flags & MSG_CLOSED)))
		q = q->next;
	if (!q)
		return;
	sp->all->ledger->proto[q->proto->index].evicted++;
	pair_finish(sp->c, q, OUTCOME_LOST, NULL, ts, false);
}

/* The first pair of a connection joined late is told when the next message shows that it was whole: a request sent after exactly
 * this answer. Another answer instead means that we came in the middle of a pipeline. */
static void judge_weak(struct session_parser *sp, bool right, u64 ts)
{
	struct message *q = sp->s->first;
	if (!q || !(q->state & M_WEAK) || !has_answer(q))
		return;
	bool read = q->flags & MSG_CLOSED; /* otherwise its parser is not done with it: it waits on */
	q->state &= (u16)~M_WEAK;
	if (right && read)
		pair_finish(sp->c, q, OUTCOME_ANSWERED, NULL, ts, false);
	if (right)
		return;
	message_free(sp->s, q->answer);
	q->answer = NULL;
	sp->all->ledger->proto[q->proto->index].orphan_responses++;
	sp->s->flags |= S_UNSURE;
	if (read)
		pair_finish(sp->c, q, OUTCOME_LOST, NULL, ts, false);
}

/* How long an answer may take: what the user says, else what the protocol says. */
static u64 patience(const struct sessions *all, const struct conn *c, const struct proto *proto)
{
	bool udp = c->protocol == IPPROTO_UDP_;
	u64 set = udp ? all->opt.udp_timeout_ns : all->opt.timeout_ns;
	if (set || proto->timeout_ms)
		return set ? set : proto->timeout_ms * NS_PER_MS;
	return (udp ? 15 : 60) * NS_PER_SEC;
}

static void open_request(struct session_parser *sp, struct message *q)
{
	struct sessions *all = sp->all;
	struct session *s = sp->s;
	struct conn *c = sp->c;
	if (!q->time)
		q->time = sp->ps.chunk->ts;
	q->retransmits = conn_retransmits(c);
	q->zero_windows = conn_zero_windows(c);
	all->ledger->proto[q->proto->index].requests++;
	if (q->flags & MSG_ONEWAY)
		return;
	if (unlikely(s->first && s->first->state & M_WEAK))
		judge_weak(sp, has_answer(s->first) && s->first->answer->end == q->acked, q->time);
	bool full = s->waiting >= all->opt.max_waiting;
	if (full && !is_keyed(q) && !(s->flags & S_UNSURE)) {
		pass_over(sp, q);
		return;
	}
	if (full)
		evict(sp, q->time);
	learn(c, s, q);
	q->due = q->flags & MSG_BLOCKING ? 0 : flow_now(c->flow) + patience(all, c, q->proto); /* not its own time: captures may be merged out of order */
	waiting_add(all, s, q);
}

/* The response takes this request; what waited before it in an unsure FIFO is lost. */
static void join(struct session_parser *sp, struct message *q, struct message *a)
{
	struct session *s = sp->s;
	if (s->flags & S_UNSURE && sp->ps.proto->pairing == PAIR_FIFO) {
		while (s->first && s->first != q)
			pair_finish(sp->c, s->first, has_answer(s->first) ? OUTCOME_ANSWERED : OUTCOME_LOST, NULL, a->ts_last, false);
		s->flags &= (u16)~S_UNSURE;
		if (q->state & M_AFTER_LOSS)
			s->flags &= (u16)~S_LOST_REQUESTS;
	}
	loose_take(s, a);
	q->answer = a;
	a->answer = q;
}

static void open_response(struct session_parser *sp, struct message *a)
{
	if (unlikely(sp->s->first && sp->s->first->state & M_WEAK))
		judge_weak(sp, false, a->ts_first);
	if (!sp->s->round_answers++)
		sp->s->round_exact = (u32)a->start + 1 == sp->s->last_acked;
	struct message *q = pick(sp, a);
	if (q) {
		join(sp, q, a);
		return;
	}
	a->state |= M_ORPHAN;
	if (!is_keyed(a) && a->acked != STREAM_ACK_UNKNOWN && a->acked > sp->c->half[a->dir ^ 1].offset) /* its request is still to come, or never will */
		sp->s->flags |= S_UNSURE;
}

static void op_open(struct parser *ps, struct message *m)
{
	struct session_parser *sp = outer(ps);
	if (m->flags & MSG_OPENED)
		return;
	m->flags |= MSG_OPENED;
	if (m->state & M_SPARE)
		return;
	if (m->side == SIDE_REQUEST)
		open_request(sp, m);
	else
		open_response(sp, m);
}

static void close_response(struct session_parser *sp, struct message *a)
{
	struct session *s = sp->s;
	s->answer_end = (u32)a->end;
	a->time = a->time ? a->time : sp->ps.chunk->ts;
	struct message *q = a->answer;
	if (!q) {
		sp->all->ledger->proto[a->proto->index].orphan_responses++;
		message_free(s, a);
	} else if (q->state & M_REPORTED) {
		sp->all->ledger->proto[a->proto->index].late_responses++;
		pair_finish(sp->c, q, OUTCOME_NO_RESPONSE, NULL, a->time, false);
	} else if (q->state & M_WEAK && sp->s->first == q && q != sp->ps.next_request) { /* what comes next judges it */
		if (q->due && q->flags & MSG_CLOSED)
			flow_rearm(sp->c);
	} else if (q->flags & MSG_CLOSED && q != sp->ps.next_request) { /* the next protocol wants to see that one */
		pair_finish(sp->c, q, OUTCOME_ANSWERED, NULL, a->time, false);
	}
}

static void op_close(struct parser *ps, struct message *m)
{
	struct session_parser *sp = outer(ps);
	op_open(ps, m);
	m->flags |= MSG_CLOSED;
	if (m->dir == ps->dir)
		m->ts_last = ps->chunk->ts;
	if (!m->end)
		m->end = ps->chunk->offset + ps->chunk->used;
	if (m->state & M_SPARE)
		return;
	sp->s->desyncs = 0;
	sp->s->active_ts = ps->chunk->ts;
	if (m->side == SIDE_RESPONSE)
		close_response(sp, m);
	else if (m->flags & MSG_ONEWAY)
		pair_finish(sp->c, m, OUTCOME_ONEWAY, NULL, m->time, false);
	else if (has_answer(m) && !(m->state & M_WEAK && sp->s->first == m))
		pair_finish(sp->c, m, OUTCOME_ANSWERED, NULL, m->answer->time, false);
	else if (m->state & M_UNTRACKED)
		pair_finish(sp->c, m, OUTCOME_LOST, NULL, m->time, false);
	else if (m->due && sp->s->first == m)
		flow_rearm(sp->c);
}

static void op_drop(struct parser *ps, struct message *m)
{
	struct session_parser *sp = outer(ps);
	if (m->state & M_SPARE)
		return;
	if (m->side == SIDE_REQUEST && m->flags & MSG_OPENED) {
		pair_finish(sp->c, m, m->error.n ? OUTCOME_NO_RESPONSE : OUTCOME_LOST, NULL, ps->chunk->ts, false);
		return;
	}
	if (m->side == SIDE_RESPONSE) {
		if (m->answer)
			m->answer->answer = NULL;
		if (m->flags & MSG_NOISE)
			sp->all->ledger->proto[m->proto->index].pushes++;
	}
	message_free(sp->s, m);
}

static struct message *op_request(struct parser *ps, u64 key)
{
	struct session_parser *sp = outer(ps);
	struct message at = { .start = ps->chunk->offset + ps->chunk->used, .acked = chunk_acked(ps->chunk), .key = key };
	return pick(sp, &at);
}

static void op_answer(struct parser *ps, struct message *q, struct message *a)
{
	struct session_parser *sp = outer(ps);
	if ((q->state | a->state) & M_SPARE || q->answer)
		return;
	a->flags |= MSG_OPENED;
	loose_take(sp->s, a);
	q->answer = a;
	a->answer = q;
}

static void op_handover(struct parser *ps, const char *proto, struct message *request)
{
	struct session_parser *sp = outer(ps);
	(void)sp;
	ps->next_proto = proto ? proto : "-";
	ps->next_request = request;
}

static void op_reset(struct parser *ps, struct message *q)
{
	struct session_parser *sp = outer(ps);
	if (!(q->state & M_SPARE))
		pair_finish(sp->c, q, OUTCOME_RESET, "reset", ps->chunk->ts, false);
}

static void op_progress(struct parser *ps, struct message *q)
{
	struct session_parser *sp = outer(ps);
	if ((q->state & (M_SPARE | M_REPORTED)) || (q->answer && q->answer->state & M_SPARE))
		return;
	u64 time = q->answer ? q->answer->time : 0;
	if (q->answer)
		q->answer->ts_last = ps->chunk->ts;
	struct roundtrip rt = describe(sp->c, q, OUTCOME_OPEN, ps->chunk->ts);
	rt.progress = true;
	deliver(sp->all, &rt);
	if (q->answer)
		q->answer->time = time;
}

static struct message *op_waiting(struct parser *ps, struct message *after)
{
	struct message *q = after ? after->next : outer(ps)->s->first;
	while (q && (q->answer || q->state & M_REPORTED))
		q = q->next;
	return q;
}

const struct parser_ops session_parser_ops = {
	.begin = op_begin,
	.open = op_open,
	.close = op_close,
	.drop = op_drop,
	.request = op_request,
	.answer = op_answer,
	.handover = op_handover,
	.waiting = op_waiting,
	.reset = op_reset,
	.progress = op_progress,
};

void pair_gap(struct conn *c, int dir, u64 ts)
{
	struct session *s = session_of(c);
	bool fifo = s->proto->pairing == PAIR_FIFO, answers = dir != s->request_dir;
	if (s->proto->survives) {
		for (struct message *q = s->first; q; q = q->next)
			q->state |= q->dir != dir && !has_answer(q) ? M_SUSPECT : 0;
		return;
	}
	for (struct message *m = s->loose, *next; m; m = next) {
		next = m->next;
		if (m->dir != dir || (m->flags & MSG_OPENED && !fifo))
			continue;
		if (m->side == SIDE_REQUEST && m->flags & MSG_OPENED)
			pair_finish(c, m, loose_outcome(m), NULL, ts, false);
		else
			message_free(s, m);
	}
	for (struct message *q = s->first, *next; q; q = next) {
		next = q->next;
		bool hit = fifo ? answers : q->dir != dir; /* its answer, if it was under way, is cut */
		if (hit && !has_answer(q))
			q->state |= M_SUSPECT;
		else if (!hit)
			q->state &= (u16)~M_AFTER_LOSS;
		if (hit && q->answer && !has_answer(q) && !(q->flags & MSG_CLOSED)) {
			message_free(s, q->answer); /* the request is still being read: it waits on */
			q->answer = NULL;
		} else if (hit && q->answer && !has_answer(q)) {
			q->answer->flags |= MSG_PARTIAL;
			pair_finish(c, q, OUTCOME_LOST, NULL, ts, false);
		} else if (q->dir == dir && !(q->flags & MSG_CLOSED)) { /* it has no end: what was seen of it waits */
			q->flags |= MSG_CLOSED | MSG_PARTIAL;
			if (has_answer(q))
				pair_finish(c, q, OUTCOME_ANSWERED, NULL, ts, false);
		}
	}
	if (!fifo)
		return;
	s->round_broken = true;
	s->balanced = 0;
	if (answers) {
		s->round_lost = true;
		s->lost_upto = (u32)c->half[dir].offset;
		s->flags |= S_UNSURE;
	} else {
		s->flags |= S_TAINT | S_LOST_REQUESTS;
		s->gap_server = (u32)c->half[dir ^ 1].offset;
	}
}

void pair_report_refused(struct conn *c, const struct proto *proto, int request_dir, u64 ts)
{
	struct sessions *all = sessions_of(c);
	struct arena arena;
	arena_init(&arena, &all->pool);
	struct message *q = arena_zalloc(&arena, proto->request_size);
	if (!q)
		return;
	q->arena = arena;
	q->proto = proto;
	q->owner = session_of(c);
	q->dir = (u8)request_dir;
	q->flags = MSG_OPENED | MSG_CLOSED;
	q->ts_first = q->ts_last = q->time = c->opened_ts;
	all->ledger->proto[proto->index].requests++;
	pair_finish(c, q, OUTCOME_RESET, "connection_refused", ts, false);
}
