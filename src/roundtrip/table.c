#include "roundtrip/table.h"

#include "net/net.h"
#include "roundtrip/value.h"
#include "util/textline.h"
#include "util/timefmt.h"

#define TEXT_BYTES 4096 /* of a description */
#define DURATION 7      /* columns */
#define NOTES 20        /* columns kept free for notes on a terminal of at least */
#define ROOMY 110       /* columns */
#define TEXT_LEAST 24   /* columns for request and response, if addresses can give way */
#define WIDE_REQUEST 60 /* columns they are padded to at the most when nothing is cut */
#define WIDE_RESPONSE 30

#define DIM "2"
#define BOLD_RED "1;31"
#define YELLOW "33"
#define RED "31"

/* The parts of a line before it is laid out. */
struct line {
	char client_text[64], server_text[64], request_text[TEXT_BYTES], response_text[TEXT_BYTES], notes_text[128];
	struct buf client, server, request, response, notes;
	const char *response_colour; /* NULL: plain */
};

/* Columns of this line. */
struct layout {
	unsigned proto, client, server, request, response;
	bool cut;
};

void table_init(struct table *t, bool colour, bool wide, unsigned width)
{
	*t = (struct table){ .colour = colour, .wide = wide };
	atomic_init(&t->width, width);
	atomic_init(&t->proto, 5);
	atomic_init(&t->client, wide ? 15 : 9);
	atomic_init(&t->server, wide ? 15 : 12);
	atomic_init(&t->request, wide ? 30 : 16);
	atomic_init(&t->response, wide ? 12 : 8);
}

static unsigned grow(_Atomic unsigned *column, unsigned n, unsigned most)
{
	unsigned now = atomic_load_explicit(column, memory_order_relaxed);
	n = MIN(n, most);
	while (now < n && !atomic_compare_exchange_weak_explicit(column, &now, n, memory_order_relaxed, memory_order_relaxed))
		;
	return MAX(now, n);
}

static struct str view(const struct buf *b)
{
	return str_make(b->data, b->len);
}

static void colour_on(const struct table *t, struct buf *out, const char *code)
{
	if (!t->colour || !code)
		return;
	buf_addf(out, "\x1b[%sm", code);
}

static void colour_off(const struct table *t, struct buf *out, const char *code)
{
	if (t->colour && code)
		buf_add(out, "\x1b[0m", 4);
}

/* A cell: coloured, cut or padded to `columns`. */
static void put(const struct table *t, struct buf *out, struct str text, unsigned columns, bool cut, const char *colour)
{
	colour_on(t, out, colour);
	unsigned used = text_clean(out, text, cut ? columns : TEXT_WHOLE);
	colour_off(t, out, colour);
	text_spaces(out, columns > used ? columns - used : 0);
}

static void put_address(struct buf *b, const struct conn *c, u8 dir, bool port)
{
	char host[46];
	size_t n = ip_format(&c->addr[dir], host);
	bool brackets = port && memchr(host, ':', n);
	if (brackets)
		buf_addc(b, '[');
	buf_add(b, host, n);
	if (brackets)
		buf_addc(b, ']');
	if (port) {
		buf_addc(b, ':');
		buf_add_u64(b, c->port[dir]);
	}
}

static void describe(struct buf *b, const struct roundtrip *rt, const struct message *m)
{
	if (rt->proto->describe)
		rt->proto->describe(m, b);
	b->failed = false; /* what fits is enough */
}

static bool contains(const struct buf *b, struct str text)
{
	return text.n == 0 || (b->len && memmem(b->data, b->len, text.p, text.n) != NULL);
}

/* What came back, or the way it ended without that. */
static void fill_response(struct line *l, const struct roundtrip *rt)
{
	static const char *const endings[] = {
		[OUTCOME_ANSWERED] = "answered",     [OUTCOME_NO_RESPONSE] = "no response", [OUTCOME_RESET] = "reset",
		[OUTCOME_LOST] = "lost in a gap",    [OUTCOME_ONEWAY] = "oneway",           [OUTCOME_OPEN] = "still open",
	};
	struct buf *b = &l->response;
	bool plain = rt->outcome == OUTCOME_ANSWERED || rt->outcome == OUTCOME_ONEWAY || rt->outcome == OUTCOME_OPEN;
	bool answered = rt->outcome == OUTCOME_ANSWERED && rt->response;
	l->response_colour = !plain ? BOLD_RED : rt->error.n ? RED : rt->outcome == OUTCOME_ANSWERED ? NULL : DIM;
	if (answered)
		describe(b, rt, rt->response);
	else
		buf_adds(b, endings[rt->outcome]);
	if (!contains(b, rt->error)) {
		buf_addc(b, b->len ? ' ' : '!');
		buf_add_str(b, rt->error);
	}
	if (!answered && rt->response) {
		buf_adds(b, " after: ");
		describe(b, rt, rt->response);
	}
	b->failed = false;
}

static void add_note(struct buf *b, const char *text)
{
	if (b->len)
		buf_add(b, ", ", 2);
	buf_adds(b, text);
}

/* The receiver that closed its window: the server where a client sends in the course of an answer (COPY, LOCAL INFILE). */
static const char *who_stopped(const struct roundtrip *rt)
{
	int client = rt->request->dir & 1;
	bool server = rt->conn->half[client ^ 1].zero_windows && !rt->conn->half[client].zero_windows;
	return server ? "server not reading " : "client not reading ";
}

static void fill_notes(struct line *l, const struct roundtrip *rt)
{
	struct buf *b = &l->notes;
	u64 d = rt->duration, known = rt->first_byte + rt->transfer, sending = d > known ? d - known : 0;
	if (d >= TABLE_SLOW_NS && rt->response) {
		u64 most = MAX(MAX(rt->first_byte, rt->transfer), sending);
		if (most == rt->first_byte)
			add_note(b, "server ");
		else if (most == sending)
			add_note(b, "sending ");
		else
			add_note(b, rt->zero_windows ? who_stopped(rt) : rt->retransmits ? "network " : "transfer ");
		duration_short(b, most);
	}
	if (rt->retransmits) {
		add_note(b, "resent ");
		buf_add_u64(b, rt->retransmits);
	}
	if (rt->zero_windows) {
		add_note(b, "window closed ");
		buf_add_u64(b, rt->zero_windows);
		buf_add(b, "x", 1);
	}
	if (rt->partial)
		add_note(b, "partial");
}

static void fill(struct line *l, const struct roundtrip *rt, bool client_port)
{
	u8 client = rt->request->dir & 1;
	l->client = buf_fixed(l->client_text, sizeof(l->client_text));
	l->server = buf_fixed(l->server_text, sizeof(l->server_text));
	l->request = buf_fixed(l->request_text, sizeof(l->request_text));
	l->response = buf_fixed(l->response_text, sizeof(l->response_text));
	l->notes = buf_fixed(l->notes_text, sizeof(l->notes_text));
	put_address(&l->client, rt->conn, client, client_port);
	put_address(&l->server, rt->conn, client ^ 1, true);
	describe(&l->request, rt, rt->request);
	fill_response(l, rt);
	fill_notes(l, rt);
}

/* Nothing is cut: columns are as wide as what they held so far, within reason. */
static void lay_out_free(struct table *t, const struct line *l, struct layout *y)
{
	y->cut = false;
	y->request = grow(&t->request, text_width(view(&l->request)), WIDE_REQUEST);
	y->response = grow(&t->response, text_width(view(&l->response)), WIDE_RESPONSE);
}

/* Takes columns from *give, down to `least`, until there are `wanted` of *room. */
static void give_way(unsigned *give, unsigned least, int *room, int wanted)
{
	int take = MIN(wanted - *room, (int)*give - (int)least);
	if (take <= 0)
		return;
	*give -= (unsigned)take;
	*room += take;
}

/* The duration keeps its column; what is left of it is shared by request and response. */
static void lay_out(struct table *t, const struct line *l, struct layout *y)
{
	unsigned width = atomic_load_explicit(&t->width, memory_order_relaxed), notes = text_width(view(&l->notes));
	notes = notes ? notes + 2 : 0;
	y->client = grow(&t->client, text_width(view(&l->client)), TEXT_BYTES);
	y->server = grow(&t->server, text_width(view(&l->server)), TEXT_BYTES);
	if (t->wide || width == 0) {
		lay_out_free(t, l, y);
		return;
	}
	y->cut = true;
	/* clock, blank, protocol, blank, client, arrow, server, 2 blanks; request, 2 blanks, response; 2 blanks, duration */
	int room = (int)width - (int)(12 + 1 + y->proto + 1 + y->client + 3 + y->server + 2 + 2 + 2 + DURATION);
	room -= (int)MAX(notes, width >= ROOMY ? NOTES : 0);
	give_way(&y->client, 7, &room, TEXT_LEAST);
	give_way(&y->server, 12, &room, TEXT_LEAST);
	unsigned text = (unsigned)MAX(room, 8);
	y->response = grow(&t->response, text_width(view(&l->response)), MAX(text * 2 / 5, 4));
	y->response = MIN(y->response, MAX(text * 2 / 5, 4));
	y->request = text - y->response;
}

static const char *duration_colour(u64 ns)
{
	return ns >= NS_PER_SEC ? RED : ns >= TABLE_SLOW_NS ? YELLOW : NULL;
}

/* Right-aligned; nothing for 0 unless `zero` is set. */
static void put_duration(const struct table *t, struct buf *out, u64 ns, bool zero, const char *colour)
{
	char text[32];
	struct buf b = buf_fixed(text, sizeof(text));
	if (ns || zero)
		duration_short(&b, ns);
	unsigned used = text_width(view(&b));
	text_spaces(out, DURATION > used ? DURATION - used : 0);
	put(t, out, view(&b), 0, false, colour);
}

static void put_head(const struct table *t, struct buf *out, const struct roundtrip *rt, const struct line *l, const struct layout *y)
{
	static const char *const colours[] = { "36", "35", "34", "32", "96", "95", "94", "92" };
	char clock[16];
	struct buf b = buf_fixed(clock, sizeof(clock));
	time_clock(&b, rt->request->time);
	put(t, out, view(&b), 12, false, DIM);
	buf_addc(out, ' ');
	put(t, out, str_from(rt->proto->name), y->proto, false, colours[proto_index(rt->proto) % ARRAY_LEN(colours)]);
	buf_addc(out, ' ');
	put(t, out, view(&l->client), y->client, y->cut, NULL);
	put(t, out, STR(" \xe2\x86\x92 "), 3, false, DIM);
	put(t, out, view(&l->server), y->server, y->cut, NULL);
	buf_add(out, "  ", 2);
}

static void put_tail(const struct table *t, struct buf *out, const struct roundtrip *rt, const struct line *l)
{
	buf_add(out, "  ", 2);
	put_duration(t, out, rt->duration, true, duration_colour(rt->duration));
	if (t->wide) {
		buf_addc(out, ' ');
		put_duration(t, out, rt->first_byte, false, NULL);
		buf_addc(out, ' ');
		put_duration(t, out, rt->rtt, false, DIM);
		buf_addc(out, ' ');
		put_duration(t, out, rt->transfer, false, NULL);
		buf_addf(out, " %6llu", (unsigned long long)rt->conn->id);
	}
	if (l->notes.len) {
		buf_add(out, "  ", 2);
		put(t, out, view(&l->notes), 0, false, YELLOW);
	}
}

void roundtrip_table(struct buf *out, const struct roundtrip *rt, struct table *t)
{
	struct line l;
	struct layout y = { .proto = grow(&t->proto, (unsigned)strlen(rt->proto->name), 10) };
	size_t start = out->len;
	fill(&l, rt, t->wide);
	lay_out(t, &l, &y);
	put_head(t, out, rt, &l, &y);
	put(t, out, view(&l.request), y.request, y.cut, NULL);
	buf_add(out, "  ", 2);
	put(t, out, view(&l.response), y.response, y.cut, l.response_colour);
	put_tail(t, out, rt, &l);
	buf_addc(out, '\n');
	if (out->failed)
		out->len = start;
}

void table_header(struct table *t, struct buf *out)
{
	if (!t->wide)
		return;
	colour_on(t, out, DIM);
	buf_addf(out, "%-12s %-*s %-*s   %-*s  %-*s  %-*s  %*s %*s %*s %*s %6s", "time", (int)t->proto, "proto", (int)t->client, "client", (int)t->server, "server", (int)t->request,
		 "request", (int)t->response, "response", DURATION, "total", DURATION, "first", DURATION, "rtt", DURATION, "transf", "conn");
	colour_off(t, out, DIM);
	buf_addc(out, '\n');
}
