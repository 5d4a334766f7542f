/* Streams as exchanges (RFC 9113 sections 5 and 8): who asks, what answers, and how it ends. */
#include <stdlib.h>

#include "proto/http2/http2.h"
#include "util/bytes.h"

#define GOAWAYS_MAX 16  /* of a connection that are looked at */
#define RPC_PORT 50051

static const struct proto *shown_as(const struct h2_stream *e)
{
	return e->flags & H2_RPC ? &proto_grpc : &proto_http2;
}

static u8 client_dir(const struct parser *ps)
{
	return ps->request_dir == DIR_NONE ? ps->dir : ps->request_dir;
}

static bool from_client(const struct parser *ps)
{
	return ps->dir == client_dir(ps);
}

/* The end of a stream. */

static void forget(struct parser *ps, struct h2_stream *e)
{
	struct h2_state *st = ps->state;
	st->kept -= e->kept;
	h2_streams_remove(&st->streams, e);
}

static void open_request(struct parser *ps, struct h2_stream *e, enum grpc_kind kind)
{
	struct h2_state *st = ps->state;
	struct http2_request *q = e->request;
	bool rpc = kind == GRPC_PLAIN || kind == GRPC_WEB || kind == GRPC_WEB_TEXT;
	e->flags = (u8)((e->flags & ~H2_UNDECIDED) | (rpc ? H2_RPC : 0));
	e->kind = (u8)kind;
	q->h.rpc.kind = rpc ? (u8)kind : GRPC_NONE;
	q->h.m.proto = shown_as(e);
	st->rpc_seen |= rpc;
	h2_finish_request(ps, q, kind);
	parser_open(ps, &q->h.m);
}

/* The message ends with something that the other side says: its last byte is not what is being read. */
static void end_elsewhere(const struct parser *ps, struct message *m)
{
	if (m->dir == ps->dir)
		return;
	m->end = m->start;
	if (h2_state_of(ps)->lost[m->dir])
		m->flags |= MSG_PARTIAL;
}

/* The request is over: it was sent to its end, or nobody listens any more. */
static void end_request(struct parser *ps, struct h2_stream *e)
{
	struct http2_request *q = e->request;
	if (!q)
		return;
	if (e->flags & H2_UNDECIDED)
		open_request(ps, e, GRPC_NONE);
	e->request = NULL;
	e->flags |= H2_REQUEST_DONE;
	end_elsewhere(ps, &q->h.m);
	parser_close(ps, &q->h.m);
}

static void end_response(struct parser *ps, struct h2_stream *e)
{
	struct http2_response *a = e->response;
	end_request(ps, e);
	a->h.m.ts_last = ps->chunk->ts;
	h2_finish_response(a, e->flags & H2_RPC);
	parser_close(ps, &a->h.m);
	forget(ps, e);
}

/* The waiting request, whoever holds it; NULL when it has been given up. */
static struct message *request_of(struct parser *ps, struct h2_stream *e)
{
	if (e->response)
		return e->response->h.m.answer;
	return e->request ? &e->request->h.m : parser_request(ps, e->id);
}

/* Nothing more will be known of the exchange. */
static void lose(struct parser *ps, struct h2_stream *e)
{
	if (e->request && e->flags & H2_UNDECIDED)
		open_request(ps, e, GRPC_NONE);
	struct message *q = request_of(ps, e);
	if (q)
		parser_drop(ps, q);
	else if (e->response)
		parser_drop(ps, &e->response->h.m);
	forget(ps, e);
}

/* The beginning. */

static struct h2_stream *add(struct parser *ps, u32 id)
{
	struct h2_state *st = ps->state;
	if (!st->streams.cap)
		st->streams.seed = ps->chunk->ts;
	struct h2_stream *e = h2_streams_add(&st->streams, id);
	if (!e && st->streams.n >= H2_STREAMS_MAX) {
		lose(ps, h2_streams_victim(&st->streams, id));
		e = h2_streams_add(&st->streams, id);
	}
	return e;
}

static void count_kept(struct h2_state *st, struct h2_stream *e, u32 n)
{
	e->kept += n;
	st->kept += n;
}

static u8 doubts(const struct parser *ps)
{
	const struct h2_half *h = &h2_state_of(ps)->half[ps->dir];
	return ps->chunk->offset + ps->chunk->used < h->waited ? MSG_PARTIAL : 0;
}

static struct http2_request *begin_request(struct parser *ps, struct h2_stream *e)
{
	struct http2_request *q = parser_begin(ps, SIDE_REQUEST, sizeof(*q));
	q->h.m.dir = client_dir(ps);
	q->h.m.flags |= doubts(ps);
	q->h.m.key = q->h.stream = e->id;
	e->request = q;
	return q;
}

static struct http2_response *begin_response(struct parser *ps, struct h2_stream *e)
{
	struct http2_response *a = parser_begin(ps, SIDE_RESPONSE, sizeof(*a));
	a->h.m.dir = client_dir(ps) ^ 1;
	a->h.m.flags |= doubts(ps);
	a->h.m.key = a->h.stream = e->id;
	a->h.m.proto = shown_as(e);
	a->h.rpc.kind = e->flags & H2_RPC ? e->kind : GRPC_NONE;
	e->response = a;
	return a;
}

/* What kind of call the header section announces. *ret_sure: it says so, or says that it is none. */
static enum grpc_kind kind_of(const struct parser *ps, const struct hpack_fields *fields, bool *ret_sure)
{
	const struct h2_state *st = ps->state;
	const struct hpack_field *type = h2_field(fields, NAME_CONTENT_TYPE), *connect = h2_field(fields, NAME_CONNECT_VERSION);
	*ret_sure = true;
	if (type && !(type->flags & HPACK_NO_VALUE))
		return connect && !grpc_kind_of(type->value) ? GRPC_CONNECT : grpc_kind_of(type->value);
	if (!fields->unknown)
		return connect ? GRPC_CONNECT : GRPC_NONE;
	if (h2_field(fields, NAME_GRPC_TIMEOUT) || h2_field(fields, NAME_GRPC_ENCODING))
		return GRPC_PLAIN;
	*ret_sure = false;
	if (st->rpc_seen || ps->proto == &proto_grpc || ps->port[0] == RPC_PORT || ps->port[1] == RPC_PORT)
		return GRPC_PLAIN;
	return GRPC_NONE;
}

static bool is_post(const struct hpack_fields *fields)
{
	const struct hpack_field *method = h2_field(fields, NAME_METHOD);
	return !method || str_eq(method->value, STR("POST"));
}

static void new_request(struct parser *ps, u32 id, const struct hpack_fields *fields, bool end, u32 wire)
{
	struct h2_state *st = ps->state;
	struct h2_stream *e = add(ps, id);
	if (!e)
		return;
	struct http2_request *q = begin_request(ps, e);
	bool sure;
	enum grpc_kind kind = kind_of(ps, fields, &sure);
	count_kept(st, e, h2_fill_request(ps, q, fields));
	q->h.wire = wire;
	q->h.m.time = ps->chunk->ts;
	if (kind == GRPC_PLAIN && !is_post(fields))
		kind = GRPC_NONE;
	if (str_eq(q->method, STR("CONNECT")))
		e->flags |= H2_TUNNEL;
	if (!sure && kind == GRPC_NONE && !end && is_post(fields))
		e->flags |= H2_UNDECIDED;
	else
		open_request(ps, e, kind);
	if (end)
		end_request(ps, e);
}

void h2_exchange_from(struct parser *ps, struct message *request)
{
	struct h2_state *st = ps->state;
	struct h2_stream *e = add(ps, 1);
	if (!e)
		return;
	struct http2_request *q = begin_request(ps, e);
	st->last_id = 1;
	h2_copy_request(q, request);
	open_request(ps, e, grpc_kind_of(q->h.content_type));
	end_request(ps, e);
}

/* Header blocks. */

static bool has_pseudo(const struct hpack_fields *fields)
{
	return h2_field(fields, NAME_METHOD) || h2_field(fields, NAME_PATH) || h2_field(fields, NAME_SCHEME) || h2_field(fields, NAME_AUTHORITY);
}

static void client_block(struct parser *ps, const struct h2_frame *f, const struct hpack_fields *fields, u32 wire)
{
	struct h2_state *st = ps->state;
	struct h2_stream *e = h2_streams_find(&st->streams, f->stream);
	bool end = f->flags & H2_END_STREAM;
	if (e && e->request) { /* trailers */
		e->request->h.wire += wire;
		count_kept(st, e, h2_fill_trailers(ps, &e->request->h, fields));
		if (end)
			end_request(ps, e);
		return;
	}
	if (e || !(f->stream & 1) || f->stream <= st->last_id)
		return;
	bool unread = fields->n == 0 && fields->unknown;
	if (!has_pseudo(fields) && !unread && (end || !fields->unknown))
		return; /* trailers of a request that was not seen */
	st->last_id = f->stream;
	new_request(ps, f->stream, fields, end, wire);
}

/* 2xx to CONNECT: what follows on the stream is somebody else's. */
static bool opens_tunnel(const struct h2_stream *e, const struct http2_response *a)
{
	return e->flags & H2_TUNNEL && a->code >= 200 && a->code < 300;
}

static void server_block(struct parser *ps, const struct h2_frame *f, const struct hpack_fields *fields, u32 wire)
{
	struct h2_state *st = ps->state;
	struct h2_stream *e = h2_streams_find(&st->streams, f->stream);
	const struct hpack_field *status = h2_field(fields, NAME_STATUS);
	bool end = f->flags & H2_END_STREAM;
	if (!e)
		return;
	struct http2_response *a = e->response;
	if (a) {
		a->h.wire += wire;
		count_kept(st, e, h2_fill_trailers(ps, &a->h, fields));
		h2_read_status(a, fields);
	} else {
		if (status && status->value.n == 3 && status->value.p[0] == '1' && !end)
			return; /* interim */
		if (e->flags & H2_UNDECIDED)
			open_request(ps, e, grpc_kind_of(h2_field_value(fields, NAME_CONTENT_TYPE)));
		a = begin_response(ps, e);
		count_kept(st, e, h2_fill_response(ps, a, fields));
		a->h.wire = wire;
		h2_read_status(a, fields);
		if (!status && !fields->unknown) /* trailers; what came before them was not seen */
			h2_lost_headers(a);
		parser_open(ps, &a->h.m);
		end = end || opens_tunnel(e, a);
	}
	if (end)
		end_response(ps, e);
}

/* A promised request is the client's as if it had asked (RFC 9113 section 8.4). */
static void promise(struct parser *ps, u32 id, const struct hpack_fields *fields, u32 wire)
{
	struct h2_state *st = ps->state;
	if (from_client(ps) || !id || id & 1 || h2_streams_find(&st->streams, id))
		return;
	new_request(ps, id, fields, false, wire);
	struct h2_stream *e = h2_streams_find(&st->streams, id);
	if (!e)
		return;
	e->request->pushed = true;
	end_request(ps, e);
}

/* Which side asks, by what it says; before that it may only be guessed. */
static void learn_roles(struct parser *ps, const struct h2_frame *f, const struct hpack_fields *fields)
{
	struct h2_state *st = ps->state;
	bool asks = f->type == H2_HEADERS && has_pseudo(fields), answers = f->type == H2_PUSH_PROMISE || h2_field(fields, NAME_STATUS);
	u8 dir = ps->request_dir;
	if (st->roles_sure)
		return;
	if (asks != answers) {
		dir = asks ? ps->dir : ps->dir ^ 1;
		st->roles_sure = true;
	} else if (dir == DIR_NONE) { /* servers have the lower port, as a rule */
		dir = ps->port[DIR_A] < ps->port[DIR_B] ? DIR_B : DIR_A;
	}
	if (ps->request_dir != DIR_NONE && dir != ps->request_dir)
		while (st->streams.n)
			lose(ps, h2_streams_victim(&st->streams, 0));
	ps->request_dir = dir;
}

void h2_take_block(struct parser *ps, const struct h2_frame *f, u32 promised, const struct hpack_fields *fields, u32 wire)
{
	learn_roles(ps, f, fields);
	if (f->type == H2_PUSH_PROMISE)
		promise(ps, promised, fields, wire);
	else if (from_client(ps))
		client_block(ps, f, fields, wire);
	else
		server_block(ps, f, fields, wire);
}

/* DATA. */

/* The message whose body passes in this direction; NULL for none. */
static struct http2_message *body_of(const struct parser *ps, const struct h2_stream *e)
{
	if (from_client(ps))
		return e->request ? &e->request->h : NULL;
	return e->response ? &e->response->h : NULL;
}

/* A long stream is told of while it runs, where somebody wants that. */
static void tell(struct parser *ps, struct h2_stream *e)
{
	u64 now = ps->chunk->ts;
	struct message *q = e->flags & H2_UNDECIDED ? NULL : request_of(ps, e);
	if (!q)
		return;
	u64 last = e->told ? e->told : q->time;
	if (now < last + ps->opt->progress_ns)
		return;
	e->told = now;
	parser_progress(ps, q);
}

void h2_begin_data(struct parser *ps, struct h2_stream *e, u32 size, u32 wire)
{
	struct http2_message *h = body_of(ps, e);
	if (!h)
		return;
	if (ps->opt->progress_ns)
		tell(ps, e);
	h->m.size += size;
	h->wire += wire;
}

/* The content type of a request is not known; its first message tells: a gRPC message, as a rule, is what its frame
 * holds. False when it cannot be told yet. */
static bool decide(struct parser *ps, struct h2_stream *e, const u8 *p, size_t n)
{
	u32 size = (u32)e->request->h.m.size;
	if (size >= GRPC_PREFIX && n < GRPC_PREFIX)
		return false;
	bool fits = size >= GRPC_PREFIX && p[0] <= 1 && be32(p + 1) == size - GRPC_PREFIX;
	open_request(ps, e, fits ? GRPC_PLAIN : GRPC_NONE);
	return true;
}

u64 h2_take_data(struct parser *ps, struct h2_stream *e, const u8 *p, size_t n)
{
	struct http2_message *h = body_of(ps, e);
	if (!h)
		return UINT64_MAX;
	if (e->flags & H2_UNDECIDED && from_client(ps) && !decide(ps, e, p, n))
		return 0;
	return grpc_read(&h->rpc, p, n, &h->m.arena);
}

void h2_pass_data(struct parser *ps, struct h2_stream *e, u64 n)
{
	struct http2_message *h = body_of(ps, e);
	if (h)
		grpc_pass(&h->rpc, n);
}

void h2_lose_data(struct parser *ps, u32 stream)
{
	struct h2_stream *e = h2_streams_find(&h2_state_of(ps)->streams, stream);
	struct http2_message *h = e ? body_of(ps, e) : NULL;
	if (!h)
		return;
	h->rpc.lost = true;
	h->m.flags |= MSG_PARTIAL;
}

void h2_end_data(struct parser *ps, u32 stream, u8 flags)
{
	struct h2_stream *e = flags & H2_END_STREAM ? h2_streams_find(&h2_state_of(ps)->streams, stream) : NULL;
	if (!e)
		return;
	if (from_client(ps))
		end_request(ps, e);
	else if (e->response)
		end_response(ps, e);
	else
		lose(ps, e); /* its header section was not seen */
}

/* Ends that are none of the exchange's own. */

static void end_with(struct parser *ps, struct h2_stream *e, u32 code, bool unprocessed)
{
	if (e->request && e->flags & H2_UNDECIDED)
		open_request(ps, e, GRPC_NONE);
	struct message *q = request_of(ps, e);
	if (!q) {
		lose(ps, e);
		return;
	}
	struct http2_response *a = e->response ? e->response : begin_response(ps, e);
	end_elsewhere(ps, &a->h.m);
	h2_finish_reset(a, http2_request_of(q), ps->chunk->ts, code, unprocessed);
	if (!a->h.m.answer)
		parser_answer(ps, q, &a->h.m);
	parser_reset(ps, q);
	forget(ps, e);
}

void h2_take_reset(struct parser *ps, u32 stream, u32 code)
{
	struct h2_stream *e = h2_streams_find(&h2_state_of(ps)->streams, stream);
	if (e)
		end_with(ps, e, code, false);
}

static int by_id(const void *a, const void *b)
{
	const u32 *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* Streams above `last` will not be answered (RFC 9113 section 6.8). */
void h2_take_goaway(struct parser *ps, u32 last, u32 code)
{
	struct h2_state *st = ps->state;
	u32 before = st->last_goaway ? st->last_goaway - 1 : st->last_id;
	if (from_client(ps) || last >= before || st->goaways >= GOAWAYS_MAX)
		return;
	st->goaways++;
	st->last_goaway = last + 1;
	u32 ids[H2_STREAMS_MAX], n = 0;
	for (u32 i = 0; i < st->streams.cap; i++) {
		const struct h2_stream *e = &st->streams.v[i];
		if (e->flags && e->id & 1 && e->id > last && !e->response)
			ids[n++] = e->id;
	}
	qsort(ids, n, sizeof(ids[0]), by_id);
	for (u32 i = 0; i < n; i++)
		end_with(ps, h2_streams_find(&st->streams, ids[i]), code, true);
}

void h2_exchanges_gap(struct parser *ps)
{
	struct h2_state *st = ps->state;
	for (u32 i = 0; i < st->streams.cap; i++) {
		struct h2_stream *e = &st->streams.v[i];
		struct http2_message *h = e->flags ? body_of(ps, e) : NULL;
		if (!h)
			continue;
		h->m.flags |= MSG_PARTIAL;
		h->rpc.lost = true;
	}
}

/* A side has ended. The caller ends what was waiting for it; pointers to that are dropped here. */
void h2_exchanges_fin(struct parser *ps)
{
	struct h2_state *st = ps->state;
	if (from_client(ps))
		return;
	for (u32 i = 0; i < st->streams.cap; i++) {
		struct h2_stream *e = &st->streams.v[i];
		if (!(e->flags & H2_USED) || e->request)
			continue;
		e->response = NULL;
		forget(ps, e);
		i--;
	}
}
