/* Pairing as the session layer does it, in the simplest form that is never wrong. */
#include "unit.h"

#include "proto_feed.h"
#include "proto_record.h"

#define ARENA_BYTES (256 * KIB)

struct kept {
	struct kept *next, *prev;
	struct message *partner; /* the other half of its exchange */
	bool open, waiting, closed, doubtful;
	bool told; /* reported, and kept because its parser still has it in hand */
	max_align_t align;
};

static struct kept *kept_of(const struct message *m)
{
	return (struct kept *)(uintptr_t)m - 1;
}

static struct message *message_of(struct kept *k)
{
	return (struct message *)(k + 1);
}

static struct recorder *recorder_of(struct parser *ps)
{
	return (struct recorder *)ps;
}

static void stop_waiting(struct recorder *r, struct message *m)
{
	struct message **at = &r->waiting;
	if (!kept_of(m)->waiting)
		return;
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	kept_of(m)->waiting = false;
}

static void forget(struct recorder *r, struct message *m)
{
	if (!m)
		return;
	struct kept *k = kept_of(m);
	stop_waiting(r, m);
	if (k->partner)
		kept_of(k->partner)->partner = NULL;
	if (k->prev)
		k->prev->next = k->next;
	else
		r->kept = k->next;
	if (k->next)
		k->next->prev = k->prev;
	arena_reset(&m->arena);
	free(k);
}

/* A request that is over before its last byte stays until its parser lets go of it. */
static void forget_request(struct recorder *r, struct message *m)
{
	struct kept *k = m ? kept_of(m) : NULL;
	if (!k || k->closed) {
		forget(r, m);
		return;
	}
	stop_waiting(r, m);
	if (k->partner)
		kept_of(k->partner)->partner = NULL;
	k->partner = NULL;
	k->told = true;
}

/* Writes the block of an exchange and forgets it. Either may be NULL. */
static void report(struct recorder *r, const char *outcome, struct message *request, struct message *response)
{
	const struct proto *proto = (request ? request : response)->proto;
	bool partial = (request && request->flags & MSG_PARTIAL) || (response && response->flags & MSG_PARTIAL);
	buf_addf(&r->log, "%s%s ", outcome, partial ? " partial" : "");
	if (request)
		proto->describe(request, &r->log);
	if (response) {
		buf_adds(&r->log, request ? " -> " : "-> ");
		proto->describe(response, &r->log);
	}
	buf_addc(&r->log, '\n');
	if (request)
		log_message(&r->log, proto, request);
	if (response)
		log_message(&r->log, proto, response);
	forget_request(r, request);
	forget(r, response);
}

static struct message *record_begin(struct parser *ps, enum side side, size_t size)
{
	struct recorder *r = recorder_of(ps);
	assert_true(size >= sizeof(struct message));
	assert_int_equal(size, side == SIDE_REQUEST ? ps->proto->request_size : ps->proto->response_size);
	struct kept *k = calloc(1, sizeof(*k) + size);
	assert_non_null(k);
	struct kept **end = &r->kept;
	while (*end) {
		k->prev = *end;
		end = &(*end)->next;
	}
	*end = k;
	struct message *m = message_of(k);
	arena_init(&m->arena, &r->pool);
	m->proto = ps->proto;
	m->side = (u8)side;
	m->dir = ps->dir;
	m->ts_first = ps->chunk->used ? ps->chunk->ts : ps->chunk->ts_first;
	m->ts_last = ps->chunk->ts;
	m->start = ps->chunk->offset + ps->chunk->used;
	m->acked = ps->chunk->acked;
	return m;
}

static u64 unread(u64 acked, u64 otherwise)
{
	return acked == STREAM_ACK_UNKNOWN ? otherwise : acked;
}

/* The request that a response beginning at `start`, sent when `acked` had been received, answers. */
static struct message *find_request(struct recorder *r, u64 key, u64 start, u64 acked)
{
	struct message *m = r->waiting;
	if (r->ps.proto->pairing == PAIR_KEYED) {
		while (m && m->key != key)
			m = m->next;
		return m;
	}
	if (!m || (r->gapped && r->pipelined))
		return NULL;
	if (unread(acked, UINT64_MAX) <= m->start) /* the sender had not got it yet */
		return NULL;
	if (unread(m->acked, 0) > start) /* the asker had got (some of) this answer already */
		return NULL;
	return m;
}

static void record_answer(struct parser *ps, struct message *request, struct message *response)
{
	struct recorder *r = recorder_of(ps);
	struct kept *q = kept_of(request), *a = kept_of(response);
	assert_true(q->waiting);
	assert_null(a->partner);
	stop_waiting(r, request);
	q->partner = response;
	a->partner = request;
	a->open = true;
	request->answer = response;
	response->answer = request;
	response->flags |= MSG_OPENED;
}

static void record_open(struct parser *ps, struct message *m)
{
	struct recorder *r = recorder_of(ps);
	struct kept *k = kept_of(m);
	assert_false(k->open);
	k->open = true;
	m->flags |= MSG_OPENED;
	if (m->side == SIDE_RESPONSE) {
		struct message *request = find_request(r, m->key, m->start, m->acked);
		if (request)
			record_answer(ps, request, m);
		return;
	}
	if (r->ps.proto->pairing == PAIR_FIFO && r->tainted && unread(m->acked, 0) <= r->gap_server) {
		k->doubtful = true;
		return;
	}
	r->tainted = false;
	struct message **end = &r->waiting;
	while (*end)
		end = &(*end)->next;
	if (r->waiting)
		r->pipelined = true;
	*end = m;
	m->next = NULL;
	k->waiting = true;
}

static void record_close(struct parser *ps, struct message *m)
{
	struct recorder *r = recorder_of(ps);
	struct kept *k = kept_of(m);
	assert_false(k->closed);
	if (!k->open)
		record_open(ps, m);
	k->closed = true;
	if (k->told) {
		forget(r, m);
		return;
	}
	m->flags |= MSG_CLOSED;
	if (m->dir == ps->dir)
		m->ts_last = ps->chunk->ts;
	if (!m->end)
		m->end = ps->chunk->offset + ps->chunk->used;
	ps->partial[ps->dir] = false;
	if (m->side == SIDE_RESPONSE && !k->partner)
		report(r, "orphan", NULL, m);
	else if (m->side == SIDE_RESPONSE && kept_of(k->partner)->closed)
		report(r, "answered", k->partner, m);
	else if (m->side == SIDE_REQUEST && k->partner && kept_of(k->partner)->closed)
		report(r, "answered", m, k->partner);
	else if (m->side == SIDE_REQUEST && m->flags & (MSG_ONEWAY | MSG_UNTRACKED))
		report(r, m->flags & MSG_ONEWAY ? "oneway" : "answered", m, NULL);
}

static void give_up(struct recorder *r, struct message *m, const char *outcome)
{
	struct kept *k = kept_of(m);
	struct message *request = m->side == SIDE_REQUEST ? m : k->partner;
	if (request && kept_of(request)->open && !kept_of(request)->told)
		report(r, outcome, request, kept_of(request)->partner);
	else
		forget(r, m);
}

static void record_drop(struct parser *ps, struct message *m)
{
	kept_of(m)->closed = true;
	give_up(recorder_of(ps), m, m->side == SIDE_REQUEST && m->error.n ? "no_response" : "lost");
}

static void record_reset(struct parser *ps, struct message *request)
{
	kept_of(request)->closed = true;
	give_up(recorder_of(ps), request, "reset");
}

static void record_progress(struct parser *ps, struct message *request)
{
	struct recorder *r = recorder_of(ps);
	buf_adds(&r->log, "progress ");
	request->proto->describe(request, &r->log);
	if (request->answer) {
		buf_adds(&r->log, " -> ");
		request->proto->describe(request->answer, &r->log);
	}
	buf_addc(&r->log, '\n');
}

static struct message *record_request(struct parser *ps, u64 key)
{
	return find_request(recorder_of(ps), key, ps->chunk->offset + ps->chunk->used, ps->chunk->acked);
}

static struct message *record_waiting(struct parser *ps, struct message *after)
{
	return after ? after->next : recorder_of(ps)->waiting;
}

static void record_handover(struct parser *ps, const char *proto, struct message *request)
{
	struct recorder *r = recorder_of(ps);
	buf_addf(&r->log, "handover %s\n", !proto ? "opaque" : *proto ? proto : "detect");
	r->stopped = true;
}

static const struct parser_ops recorder_ops = {
	.begin = record_begin,
	.open = record_open,
	.close = record_close,
	.drop = record_drop,
	.request = record_request,
	.answer = record_answer,
	.handover = record_handover,
	.waiting = record_waiting,
	.reset = record_reset,
	.progress = record_progress,
};

void recorder_init(struct recorder *r, const struct proto *proto, const struct proto_options *opt)
{
	memset(r, 0, sizeof(*r));
	arena_pool_init(&r->pool, ARENA_BYTES, 64 * MIB);
	r->ps = (struct parser){ .proto = proto, .ops = &recorder_ops, .opt = opt, .request_dir = DIR_NONE };
	r->ps.state = proto->state_size ? calloc(1, proto->state_size) : NULL;
	r->ps.shared = proto->shared_size ? calloc(1, proto->shared_size) : NULL;
}

void recorder_gap(struct recorder *r, u8 dir, u64 end, u64 other)
{
	struct kept *k = r->kept;
	r->gapped = true;
	if (r->ps.proto->survives)
		return;
	if (r->ps.request_dir == DIR_NONE || dir == r->ps.request_dir) {
		r->tainted = true;
		r->gap_server = MAX(r->gap_server, other);
	}
	while (k) { /* from the start each time: reports forget two */
		struct message *m = message_of(k);
		bool in_progress = m->dir == dir && !k->closed;
		bool doubtful = k->waiting && m->dir != dir && r->ps.proto->pairing == PAIR_FIFO && unread(m->acked, 0) < end;
		if (in_progress || doubtful) {
			k->closed |= in_progress; /* its parser has been told */
			give_up(r, m, "lost");
			k = r->kept;
		} else {
			k = k->next;
		}
	}
}

void recorder_end(struct recorder *r, const bool fin[2])
{
	for (struct kept *k = r->kept; k; k = r->kept) {
		struct message *m = message_of(k);
		struct message *answer = k->partner;
		if (m->side == SIDE_REQUEST && answer && kept_of(answer)->closed)
			report(r, "answered", m, answer);
		else
			give_up(r, m, k->doubtful ? "lost" : fin[0] && fin[1] ? "reset" : "open");
	}
}

void recorder_done(struct recorder *r)
{
	while (r->kept)
		forget(r, message_of(r->kept));
	if (r->ps.proto->done)
		r->ps.proto->done(r->ps.state);
	free(r->ps.state);
	free(r->ps.shared);
	arena_pool_done(&r->pool);
	buf_done(&r->log);
}
