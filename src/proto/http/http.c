/* HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112): where messages begin and end, which body belongs to which head.
 * Bodies are skipped, chunk by chunk when they are chunked; only a wanted prefix of them is looked at. */
#include "proto/grpc_wire.h"
#include "proto/http/http.h"
#include "proto/secrets.h"
#include "proto/url.h"

#define CHUNK_LINE_MAX (16 * KIB) /* bytes of a chunk-size line with its extensions */
#define CHUNK_MAX (1ull << 60)    /* bytes of a chunk; more is an overflow */

enum phase {
	PHASE_HEAD,       /* a start line comes next */
	PHASE_LENGTH,     /* `left` body bytes, then the end */
	PHASE_CHUNK_SIZE,
	PHASE_CHUNK_DATA, /* `left` bytes, then … */
	PHASE_CHUNK_END,  /* … a line end */
	PHASE_TRAILER,
	PHASE_CLOSE,      /* body until the connection is closed */
	PHASE_PEEK,       /* response to an unknown request: is there a body (`next`), or was it a HEAD? */
	PHASE_EXPECT,     /* request with Expect: 100-continue: does its body (`next`) come, or the next request? */
};

/* What is half read in one direction. */
struct half_read {
	struct http_message *msg; /* whose body it is; NULL: nobody's any more */
	union {
		u64 left; /* bytes of the part at hand that have not been passed over */
		u64 interim_ts; /* between a 1xx answer and the final one: when the first 1xx but 100 began, where the first began */
	};
	union {
		u64 until; /* stream offset where that part ends; PHASE_CLOSE: where the body begins; PHASE_EXPECT: where the head ended */
		u64 interim_start;
	};
	u32 scanned;   /* bytes of the line or section at hand that have been looked at */
	u32 line : 24; /* bytes of the start line, once it is recognised */
	u32 phase : 4; /* enum phase */
	u32 next : 4;  /* the phase that the body begins with */
};

struct http_state {
	struct half_read half[2]; /* by direction */
	u64 interim_acked; /* of the first 1xx answer to the request at hand */
	bool interim;     /* there was one */
	bool seen;        /* a start line has been read: it is known who asks */
	bool switching;   /* CONNECT or Upgrade asked for: what follows the request may be another protocol */
	bool expect_done; /* the final answer has begun before the expected body */
	bool left;        /* handed over */
};

_Static_assert(sizeof(struct http_state) <= 80, "every idle connection has one");

static enum parse more(struct chunk *c, size_t need)
{
	c->want = c->used + need;
	return PARSE_MORE;
}

static void head_begin(struct half_read *r)
{
	r->msg = NULL;
	r->phase = PHASE_HEAD;
	r->line = 0;
	r->scanned = 0;
}

/* The answer is there, the body of its request was never sent: the request ends where its head did. */
static void end_unsent(struct parser *ps, struct http_state *st, const struct message *answer)
{
	struct half_read *r = &st->half[ps->dir ^ 1];
	if (r->phase != PHASE_EXPECT || !r->msg || answer->answer != &r->msg->m)
		return;
	struct message *m = &r->msg->m;
	r->msg = NULL;
	m->end = r->until;
	parser_close(ps, m);
}

/* The message at hand is complete, up to chunk->used. */
static enum parse finish(struct parser *ps, struct half_read *r)
{
	struct http_state *st = ps->state;
	struct http_message *h = r->msg;
	head_begin(r);
	if (!h)
		return PARSE_OK;
	if (h->m.side == SIDE_RESPONSE) {
		if (st->expect_done)
			end_unsent(ps, st, &h->m);
		st->switching = false;
	}
	parser_close(ps, &h->m);
	return PARSE_OK;
}

/* The message cannot be read on: it is reported as far as it is known, and a new start looked for. */
static enum parse finish_broken(struct parser *ps, struct half_read *r)
{
	if (r->msg) {
		r->msg->m.flags |= MSG_PARTIAL;
		finish(ps, r);
	}
	return PARSE_DESYNC;
}

static void enter_body(struct half_read *r, const struct chunk *c)
{
	r->phase = r->next;
	r->scanned = 0;
	r->until = c->offset + c->used;
	if (r->phase == PHASE_LENGTH)
		r->until += r->left;
}

/* Bodies. */

/* Passes over `left` bytes, keeping those that are wanted. PARSE_OK when they are all behind. */
static enum parse pass(struct half_read *r, struct chunk *c)
{
	size_t n = MIN(c->n - c->used, r->left);
	if (r->msg && body_room(&r->msg->body))
		body_add(&r->msg->body, &r->msg->m.arena, c->p + c->used, n);
	c->used += n;
	r->left -= n;
	if (r->left == 0)
		return PARSE_OK;
	if (r->msg && body_room(&r->msg->body))
		return more(c, 1);
	c->want = r->left;
	r->left = 0;
	return PARSE_SKIP;
}

static enum parse read_until_close(struct half_read *r, struct chunk *c)
{
	if (r->msg && body_room(&r->msg->body)) {
		body_add(&r->msg->body, &r->msg->m.arena, c->p + c->used, c->n - c->used);
		c->used = c->n;
		if (body_room(&r->msg->body))
			return PARSE_OK;
	}
	c->want = STREAM_FOREVER;
	return PARSE_SKIP;
}

static int hex_value(u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* chunk-size [ chunk-ext ] in n bytes; false when it is no such line. */
static bool read_chunk_size(const u8 *p, size_t n, u64 *ret_size)
{
	size_t i = 0;
	u64 size = 0;
	while (i < n && hex_value(p[i]) >= 0 && size < CHUNK_MAX / 16)
		size = size << 4 | (u64)hex_value(p[i++]);
	if (i == 0)
		return false;
	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	*ret_size = size;
	return i == n || p[i] == ';' || p[i] == '\r';
}

static enum parse read_chunk_line(struct parser *ps, struct half_read *r, struct chunk *c)
{
	const u8 *p = c->p + c->used;
	size_t n = c->n - c->used;
	const u8 *eol = n > r->scanned ? memchr(p + r->scanned, '\n', n - r->scanned) : NULL;
	u64 size;
	if (!eol) {
		if (n > CHUNK_LINE_MAX || (n && hex_value(p[0]) < 0))
			return finish_broken(ps, r);
		r->scanned = (u32)n;
		return more(c, n + 1);
	}
	r->scanned = 0;
	if (!read_chunk_size(p, (size_t)(eol - p), &size))
		return finish_broken(ps, r);
	c->used += (size_t)(eol + 1 - p);
	r->phase = size ? PHASE_CHUNK_DATA : PHASE_TRAILER;
	r->left = size;
	r->until = c->offset + c->used + size;
	if (r->msg)
		r->msg->m.size += size;
	return PARSE_OK;
}

static enum parse read_chunk_end(struct parser *ps, struct half_read *r, struct chunk *c)
{
	const u8 *p = c->p + c->used;
	size_t n = c->n - c->used;
	if (n == 0 || (n == 1 && p[0] == '\r'))
		return more(c, n + 1);
	if (p[0] != '\n' && (p[0] != '\r' || p[1] != '\n'))
		return finish_broken(ps, r);
	c->used += p[0] == '\n' ? 1 : 2;
	r->phase = PHASE_CHUNK_SIZE;
	return PARSE_OK;
}

static void remember_end(struct http_section *s, size_t at)
{
	if (s->ends_len < HTTP_ENDS_MAX)
		s->ends[s->ends_len++] = (u16)at;
}

/* Bytes of the empty line that p begins with; 0 when it begins with none, or it cannot be told yet (*ret_open). */
static size_t empty_line(const u8 *p, size_t n, bool *ret_open)
{
	*ret_open = n == 0 || (n == 1 && p[0] == '\r');
	return n && p[0] == '\n' ? 1 : n > 1 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

/* Finds the end of the section that begins at s->p, of which n bytes are there, and fills in *s; false when it has not come. What
 * has been looked at is not looked at again. */
static bool find_section_end(struct http_section *s, size_t n, u32 *scanned)
{
	bool whole = *scanned == 0, open = false;
	size_t at = *scanned, empty = whole ? empty_line(s->p, n, &open) : 0;
	s->ends_len = 0;
	if (open)
		return false;
	while (!empty) {
		const u8 *lf = n > at ? memchr(s->p + at, '\n', n - at) : NULL;
		if (!lf) {
			*scanned = (u32)n;
			return false;
		}
		at = (size_t)(lf - s->p) + 1;
		empty = empty_line(s->p + at, n - at, &open);
		if (open) { /* this line end is to be looked at again */
			*scanned = (u32)at - 1;
			return false;
		}
		if (whole)
			remember_end(s, at - 1);
	}
	if (whole)
		remember_end(s, at + empty - 1);
	s->n = at + empty;
	return true;
}

static enum parse read_trailer(struct parser *ps, struct half_read *r, struct chunk *c)
{
	struct http_section section;
	size_t n = c->n - c->used;
	section.p = c->p + c->used;
	if (!find_section_end(&section, MIN(n, HTTP_HEAD_MAX), &r->scanned))
		return n >= HTTP_HEAD_MAX ? finish_broken(ps, r) : more(c, n + 1);
	c->used += section.n;
	if (section.n > 2 && r->msg) {
		struct http_head ignored = { 0 };
		http_fields_read(ps, &r->msg->m, &section, &ignored, ps->opt->headers ? &r->msg->trailers : NULL);
	}
	return finish(ps, r);
}

/* The request is not known: a body that begins like a response is none. */
static enum parse peek(struct parser *ps, struct half_read *r, struct chunk *c)
{
	size_t n = MIN(c->n - c->used, 7);
	if (n == 0 || (n < 7 && memcmp(c->p + c->used, "HTTP/1.", n) == 0))
		return more(c, n + 1);
	if (n == 7 && memcmp(c->p + c->used, "HTTP/1.", n) == 0) {
		if (r->msg)
			r->msg->m.size = 0;
		return finish(ps, r);
	}
	enter_body(r, c);
	return PARSE_OK;
}

/* Expect: 100-continue. The body comes, unless the final answer came first and the next request follows instead. */
static enum parse read_expected(struct parser *ps, struct half_read *r, struct chunk *c)
{
	struct http_state *st = ps->state;
	const u8 *p = c->p + c->used;
	size_t n = c->n - c->used;
	bool response;
	if (n == 0)
		return more(c, 1);
	enum http_match match = st->expect_done ? http_line_proved(p, n, &response) : HTTP_NO;
	if (match == HTTP_PREFIX && !response)
		return more(c, n + 1);
	if (match == HTTP_YES && !response) {
		if (r->msg)
			r->msg->m.size = 0;
		return finish(ps, r);
	}
	if (r->msg && r->next == PHASE_LENGTH)
		r->msg->m.size = r->left;
	enter_body(r, c);
	return PARSE_OK;
}

/* Heads. */

/* A slice of the section that outlives the call. */
static struct str keep(struct message *m, const struct http_head *head, struct str s)
{
	return head->kept ? s : arena_str(&m->arena, s.p, s.n);
}

static void read_common(struct parser *ps, struct http_message *h, const struct http_line *line, const struct http_section *section, struct http_head *head)
{
	const struct proto_options *opt = ps->opt;
	http_fields_read(ps, &h->m, section, head, opt->headers ? &h->headers : NULL);
	h->chunked = head->chunked;
	h->close = head->close || (line->minor == 0 && !head->keep_alive);
	if (!opt->details && !opt->headers)
		return;
	h->version = line->minor == 1 ? STR("HTTP/1.1") : arena_str(&h->m.arena, line->version.p, line->version.n);
	if (h->version.n == 8)
		h->version_number = str_make(h->version.p + 5, 3);
	h->content_type = keep(&h->m, head, head->content_type);
	if (opt->body_bytes)
		body_start(&h->body, opt->body_bytes, head->content_type,
			   head->content_encoding.n ? body_coding(head->content_encoding) : (enum body_coding)head->transfer_coding);
}

static void read_target(struct parser *ps, struct http_request *q, const struct http_line *line, const struct http_head *head)
{
	struct arena *a = &q->h.m.arena;
	struct str target = arena_str(a, line->target.p, line->target.n);
	struct url u = url_split(a, target, line->method_id == HTTP_CONNECT);
	q->url = ps->opt->show_secrets ? target : secret_url(a, target);
	q->scheme = u.scheme;
	q->path = u.path;
	q->query = u.query;
	q->route = url_route(a, u.raw_path);
	q->host = u.scheme.n || !head->host.n ? u.authority : keep(&q->h.m, head, head->host);
}

/* How the body of a request is delimited (RFC 9112 section 6.3); false when it cannot be known. */
static bool request_body(struct half_read *r, const struct http_head *head)
{
	r->next = head->chunked ? PHASE_CHUNK_SIZE : head->length ? PHASE_LENGTH : PHASE_HEAD;
	r->left = head->chunked ? 0 : head->length;
	return head->coded ? head->chunked : !head->bad_length;
}

static enum parse read_request(struct parser *ps, struct half_read *r, struct chunk *c, const struct http_line *line, const struct http_section *fields)
{
	struct http_state *st = ps->state;
	struct http_request *q = parser_begin(ps, SIDE_REQUEST, sizeof(*q));
	struct http_head head = { 0 };
	read_common(ps, &q->h, line, fields, &head);
	q->method_id = line->method_id;
	q->method_known = line->method_known;
	if (ps->opt->details || ps->opt->headers) {
		q->method = arena_str(&q->h.m.arena, line->method.p, line->method.n);
		if (line->method_known[0] == '_')
			q->method_original = q->method;
		q->user_agent = keep(&q->h.m, &head, head.user_agent);
		q->rpc = head.connect ? "connect" : grpc_system(grpc_kind_of(head.content_type));
		read_target(ps, q, line, &head);
	}
	c->used = (size_t)(fields->p + fields->n - c->p);
	q->h.m.time = c->ts;
	parser_open(ps, &q->h.m);
	r->msg = &q->h;
	st->switching = line->method_id == HTTP_CONNECT || (head.upgrade && head.upgrade_to.n);
	if (!request_body(r, &head))
		return finish_broken(ps, r);
	if (line->method_id == HTTP_CONNECT || r->next == PHASE_HEAD)
		return finish(ps, r);
	r->until = c->offset + c->used;
	st->expect_done = false;
	if (head.expect_continue) {
		r->phase = PHASE_EXPECT;
		return PARSE_OK;
	}
	if (r->next == PHASE_LENGTH)
		q->h.m.size = r->left;
	enter_body(r, c);
	return PARSE_OK;
}

/* 1xx: belongs to the exchange, and is not its answer. 100 Continue only asks for the rest of the request: the first byte
 * of the answer comes later. */
static enum parse read_interim(struct parser *ps, struct half_read *r, struct chunk *c, const struct http_line *line, size_t used)
{
	struct http_state *st = ps->state;
	if (!st->interim) {
		st->interim = true;
		r->interim_ts = 0;
		r->interim_start = c->offset + c->used;
		st->interim_acked = c->acked;
	}
	if (!r->interim_ts && line->code != 100)
		r->interim_ts = c->used ? c->ts : c->ts_first;
	c->used = used;
	head_begin(r);
	return PARSE_OK;
}

/* The connection speaks something else from here on. */
static enum parse leave(struct parser *ps, struct half_read *r, const char *proto, struct message *request)
{
	struct http_state *st = ps->state;
	st->left = true;
	parser_handover(ps, proto, request);
	return r ? finish(ps, r) : PARSE_OK;
}

/* How the body of a response is delimited (RFC 9112 section 6.3); false when it cannot be known. */
static bool response_body(struct half_read *r, const struct http_head *head, const struct http_response *a, u8 method)
{
	r->left = 0;
	r->next = PHASE_HEAD;
	if (method == HTTP_HEAD || a->code == 204 || a->code == 304)
		return true;
	if (head->coded) {
		r->next = head->chunked ? PHASE_CHUNK_SIZE : PHASE_CLOSE;
		return true;
	}
	r->left = head->length;
	r->next = !head->has_length ? PHASE_CLOSE : head->length ? PHASE_LENGTH : PHASE_HEAD;
	return !head->bad_length;
}

static void read_status(struct parser *ps, struct http_response *a, const struct http_line *line)
{
	struct message *m = &a->h.m;
	a->code = line->code;
	a->status = str_eq(line->status, STR("200 OK")) ? STR("200 OK") : arena_str(&m->arena, line->status.p, line->status.n);
	if (a->code < 400)
		return;
	m->flags |= MSG_FAILED;
	m->error = str_make(a->status.p, MIN(a->status.n, 3));
}

static enum parse read_response(struct parser *ps, struct half_read *r, struct chunk *c, const struct http_line *line, const struct http_section *fields)
{
	struct http_state *st = ps->state;
	struct half_read *other = &st->half[ps->dir ^ 1];
	struct message *asked = parser_request(ps, 0);
	u8 method = asked ? ((struct http_request *)(void *)asked)->method_id : HTTP_OTHER;
	struct http_response *a = parser_begin(ps, SIDE_RESPONSE, sizeof(*a));
	struct http_head head = { 0 };
	if (st->interim) {
		a->h.m.ts_first = r->interim_ts ? r->interim_ts : a->h.m.ts_first;
		a->h.m.start = r->interim_start;
		a->h.m.acked = st->interim_acked;
		st->interim = false;
	}
	read_common(ps, &a->h, line, fields, &head);
	read_status(ps, a, line);
	c->used = (size_t)(fields->p + fields->n - c->p);
	parser_open(ps, &a->h.m);
	if (!asked || (other->msg && asked == &other->msg->m))
		st->expect_done = other->phase == PHASE_EXPECT;
	r->msg = &a->h;
	if (line->code == 101)
		return leave(ps, r, str_eq_nocase(head.upgrade_to, STR("h2c")) ? "http2" : NULL, asked);
	if (method == HTTP_CONNECT && line->code < 300)
		return leave(ps, r, "", NULL);
	if (!response_body(r, &head, a, method))
		return finish_broken(ps, r);
	if (r->next == PHASE_HEAD)
		return finish(ps, r);
	a->h.m.size = r->left;
	a->h.close |= r->next == PHASE_CLOSE;
	if (asked)
		enter_body(r, c);
	else
		r->phase = PHASE_PEEK;
	return PARSE_OK;
}

/* The start line, and who sends it: PARSE_OK with *line filled in and r->line set. `waits`: it may be none, which cannot be told yet. */
static enum parse read_line(struct parser *ps, struct half_read *r, struct chunk *c, bool waits, struct http_line *line)
{
	struct http_state *st = ps->state;
	const u8 *p = c->p + c->used;
	size_t n = MIN(c->n - c->used, HTTP_HEAD_MAX);
	if (!waits && p[0] == 0x16 && (n < 2 || p[1] == 3))
		return n < 2 ? more(c, 2) : PARSE_NOT_MINE;
	const u8 *eol = memchr(p + r->scanned, '\n', n - r->scanned);
	if (!eol && (waits || (n < HTTP_HEAD_MAX && http_line_possible(p, n)))) {
		r->scanned = (u32)n;
		return more(c, n + 1);
	}
	if (!eol || !http_line_read(p, (size_t)(eol + 1 - p), line))
		return waits ? more(c, n + 1) : PARSE_DESYNC;
	u8 asks = line->response ? ps->dir ^ 1 : ps->dir;
	if (st->seen && ps->request_dir != DIR_NONE && ps->request_dir != asks)
		return PARSE_DESYNC;
	ps->request_dir = asks;
	st->seen = true;
	r->line = (u32)(eol + 1 - p) & 0xffffff;
	r->scanned = 0;
	return PARSE_OK;
}

static enum parse read_head(struct parser *ps, struct half_read *r, struct chunk *c)
{
	struct http_state *st = ps->state;
	struct http_line line;
	bool waits = st->switching && ps->dir == ps->request_dir; /* for the answer that says what these bytes are */
	if (!r->line && !r->scanned && !waits) /* RFC 9112 section 2.2: empty lines before a start line */
		while (c->used < c->n && (c->p[c->used] == '\r' || c->p[c->used] == '\n'))
			c->used++;
	if (c->used == c->n)
		return c->used ? PARSE_OK : more(c, 1);
	if (!r->line) {
		enum parse verdict = read_line(ps, r, c, waits, &line);
		if (verdict != PARSE_OK)
			return verdict;
	} else {
		http_line_read(c->p + c->used, r->line, &line);
	}
	if (line.preface)
		return leave(ps, NULL, "http2", NULL);
	size_t n = c->n - c->used;
	struct http_section fields; /* not zeroed: it is large */
	fields.p = c->p + c->used + r->line;
	if (!find_section_end(&fields, MIN(n, HTTP_HEAD_MAX) - r->line, &r->scanned))
		return n >= HTTP_HEAD_MAX ? PARSE_DESYNC : more(c, n + 1);
	if (!line.response)
		return read_request(ps, r, c, &line, &fields);
	if (line.code < 200 && line.code != 101)
		return read_interim(ps, r, c, &line, (size_t)(fields.p + fields.n - c->p));
	return read_response(ps, r, c, &line, &fields);
}

static enum parse step(struct parser *ps, struct half_read *r, struct chunk *c)
{
	enum parse verdict;
	switch (r->phase) {
	case PHASE_LENGTH:
		verdict = pass(r, c);
		return verdict == PARSE_OK ? finish(ps, r) : verdict;
	case PHASE_CHUNK_DATA:
		verdict = pass(r, c);
		if (verdict == PARSE_OK)
			r->phase = PHASE_CHUNK_END;
		return verdict;
	case PHASE_CHUNK_SIZE: return read_chunk_line(ps, r, c);
	case PHASE_CHUNK_END: return read_chunk_end(ps, r, c);
	case PHASE_TRAILER: return read_trailer(ps, r, c);
	case PHASE_CLOSE: return read_until_close(r, c);
	case PHASE_PEEK: return peek(ps, r, c);
	case PHASE_EXPECT: return read_expected(ps, r, c);
	default: return read_head(ps, r, c);
	}
}

/* Bytes follow that nobody wants to see: to be said at once, for in a snapped capture there may be none to look at. */
static bool skips_next(const struct half_read *r)
{
	if (r->msg && body_room(&r->msg->body))
		return false;
	return r->phase == PHASE_CLOSE || (r->left && (r->phase == PHASE_LENGTH || r->phase == PHASE_CHUNK_DATA));
}

static enum parse http_parse(struct parser *ps, struct chunk *c)
{
	struct http_state *st = ps->state;
	struct half_read *r = &st->half[ps->dir];
	enum parse verdict;
	c->used = 0;
	do {
		verdict = step(ps, r, c);
	} while (verdict == PARSE_OK && (c->used < c->n || skips_next(r)) && !st->left);
	return verdict == PARSE_MORE && c->used ? PARSE_OK : verdict;
}

static void http_gap(struct parser *ps)
{
	struct http_state *st = ps->state;
	head_begin(&st->half[ps->dir]);
	if (ps->dir != ps->request_dir)
		st->interim = false;
}

static long http_resync(struct parser *ps, const struct chunk *c)
{
	bool response;
	if (!c->boundary)
		return -1;
	enum http_match match = http_line_proved(c->p, c->n, &response);
	u8 asks = response ? ps->dir ^ 1 : ps->dir;
	if (match == HTTP_NO || (ps->request_dir != DIR_NONE && asks != ps->request_dir))
		return -1;
	return match == HTTP_YES ? 0 : -2 - (long)c->n;
}

static void http_fin(struct parser *ps)
{
	struct http_state *st = ps->state;
	struct half_read *r = &st->half[ps->dir];
	struct chunk *c = ps->chunk;
	c->used = 0;
	if (r->msg && r->phase == PHASE_CLOSE)
		r->msg->m.size = c->offset - r->until;
	else if (r->msg && (r->phase == PHASE_LENGTH || r->phase == PHASE_CHUNK_DATA) && r->until > c->offset)
		r->msg->m.size -= MIN(r->until - c->offset, r->msg->m.size);
	if (r->phase == PHASE_CLOSE || r->phase == PHASE_EXPECT || (r->phase == PHASE_PEEK && r->next == PHASE_CLOSE))
		finish(ps, r);
	head_begin(r);
}

static const u16 http_ports[] = { 80, 8080, 8000, 3000, 8081, 8888, 3128, 0 };

const struct proto proto_http = {
	.name = "http",
	.title = "HTTP/1.x",
	.ports = http_ports,
	.transports = OVER_TCP,
	.pairing = PAIR_FIFO,
	.serial = true,
	.index = PROTO_http,
	.state_size = sizeof(struct http_state),
	.request_size = sizeof(struct http_request),
	.response_size = sizeof(struct http_response),
	.fields = http_fields,
	.fields_len = HTTP_FIELDS,
	.probe = http_probe,
	.parse = http_parse,
	.gap = http_gap,
	.resync = http_resync,
	.fin = http_fin,
	.describe = http_describe,
};
