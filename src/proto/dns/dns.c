/* DNS (RFC 1035 and its successors) over UDP and TCP: which bytes are a message, which answer belongs to which query. */
#include "proto/dns/dns.h"

enum {
	PREFIX = 2,            /* length before a message over TCP */
	SHOWN_MAX = 65536,     /* bytes the flow layer can show at once; a message and its length may have one more */
	SEARCH_MAX = 256,      /* queries looked through for an answer without its question */
};

/* The bytes of one message and what is known of them. */
struct arrival {
	struct dns_scan scan;
	size_t size; /* of the message on the wire */
	size_t used; /* bytes of the chunk it takes */
	bool cut;    /* the capture does not have all of it */
};

static bool is_group_port(const struct parser *ps)
{
	for (int i = 0; i < 2; i++)
		if (ps->port[i] == DNS_PORT_MDNS || ps->port[i] == DNS_PORT_LLMNR)
			return true;
	return false;
}

/* Id, direction of the query and question, letters without case. Length octets are below 'A' and so stay what they are. */
static u64 question_key(const struct parser *ps, const struct dns_scan *s, u8 query_dir)
{
	bool mdns = ps->port[0] == DNS_PORT_MDNS || ps->port[1] == DNS_PORT_MDNS;
	u64 h = 0xcbf29ce484222325ull ^ ((u64)s->id << 1 | query_dir);
	if (!s->seen[DNS_QUESTION])
		return h;
	for (u32 i = DNS_HEADER; i < s->qname_end; i++) {
		u8 c = s->p[i];
		h = (h ^ (c >= 'A' && c <= 'Z' ? c | 0x20u : c)) * 0x100000001b3ull;
	}
	u32 class = mdns ? s->qclass & 0x7fffu : s->qclass;
	h = (h ^ ((u64)s->qtype << 16 | class)) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

/* The query of an answer that lacks its question, or has more of it than the capture has of the query's: by id. */
static struct message *query_by_id(struct parser *ps, const struct dns_scan *s)
{
	bool anonymous = !s->seen[DNS_QUESTION];
	struct message *q = parser_waiting(ps, NULL);
	for (int i = 0; q && i < SEARCH_MAX; i++, q = parser_waiting(ps, q)) {
		const struct dns_message *d = (const struct dns_message *)q;
		if (q->dir != ps->dir && d->id == s->id && (anonymous || d->anonymous))
			return q;
	}
	return NULL;
}

static struct dns_message *begin(struct parser *ps, enum side side, const struct arrival *a)
{
	struct dns_message *d = parser_begin(ps, side, sizeof(*d));
	dns_fill(ps, d, &a->scan, a->cut);
	d->m.size = a->size;
	return d;
}

static void take_query(struct parser *ps, const struct arrival *a)
{
	const struct dns_scan *s = &a->scan;
	struct dns_message *d = begin(ps, SIDE_REQUEST, a);
	d->m.key = question_key(ps, s, ps->dir);
	d->losses = ((const struct dns_state *)ps->state)->losses[ps->dir ^ 1];
	/* asked of a group: whoever answers does so from an address of its own; DSO messages without an id have no answer (RFC 8490) */
	if (ps->multicast || (dns_opcode_of(s->flags) == DNS_OP_DSO && s->id == 0))
		d->m.flags |= MSG_ONEWAY;
	ps->chunk->used = a->used;
	parser_close(ps, &d->m);
}

/* Multicast DNS and LLMNR: announcements, and answers from addresses that were not asked. */
static void take_announcement(struct parser *ps, const struct arrival *a)
{
	struct dns_message *d = begin(ps, ps->opt->pushes ? SIDE_REQUEST : SIDE_RESPONSE, a);
	ps->chunk->used = a->used;
	if (ps->opt->pushes) {
		d->m.flags |= MSG_ONEWAY;
		parser_close(ps, &d->m);
		return;
	}
	d->m.flags |= MSG_NOISE;
	parser_drop(ps, &d->m);
}

static void take_answer(struct parser *ps, const struct arrival *a)
{
	const struct dns_scan *s = &a->scan;
	u64 key = question_key(ps, s, ps->dir ^ 1);
	struct message *q = parser_request(ps, key);
	q = q ? q : query_by_id(ps, s);
	if (dns_transfer_rest(ps, (const struct dns_message *)q, s))
		return;
	if (!q && (ps->multicast || is_group_port(ps))) {
		take_announcement(ps, a);
		return;
	}
	struct dns_message *d = begin(ps, SIDE_RESPONSE, a);
	d->m.key = q ? q->key : key;
	parser_open(ps, &d->m);
	ps->chunk->used = a->used;
	if (!q || !dns_transfer_begin(ps, (struct dns_message *)q, d, s))
		parser_close(ps, &d->m);
}

static void take_transfer(struct parser *ps, struct dns_transfer *t, const struct arrival *a)
{
	struct dns_message *d = t->answer;
	ps->chunk->used = a->used;
	d->messages = d->messages ? d->messages + 1 : 2;
	d->m.size += a->size;
	if (a->scan.flags & 15)
		dns_fail(d, &a->scan);
	d->malformed |= a->scan.state != SCAN_WHOLE && !a->cut;
	if (ps->opt->details)
		dns_keep(ps, d, &a->scan);
	if (!dns_transfer_next(t, &a->scan))
		return;
	t->answer = NULL;
	parser_close(ps, &d->m);
}

/* Counts that cannot fit betray bytes that are no message long before its end. */
static bool counts_fit(const u8 *header, size_t size)
{
	enum { COUNTS = 4, QUESTION_MIN = 5, RECORD_MIN = 11 };
	struct rd r = rd_make(header + COUNTS, DNS_HEADER - COUNTS);
	size_t need = DNS_HEADER + rd_u16be(&r) * (size_t)QUESTION_MIN;
	for (int i = 0; i < 3; i++)
		need += rd_u16be(&r) * (size_t)RECORD_MIN;
	return need <= size;
}

/* A message is ours when its question is whole, or the capture is to blame, or an error answer has none at all. */
static bool acceptable(const struct arrival *a)
{
	const struct dns_scan *s = &a->scan;
	if (!dns_opcode_known(dns_opcode_of(s->flags)) && s->state != SCAN_WHOLE)
		return false;
	if (s->n < DNS_HEADER)
		return false;
	if (s->count[DNS_QUESTION] == 0)
		return s->state == SCAN_WHOLE || a->cut || s->seen[DNS_ANSWER] || s->seen[DNS_AUTHORITY];
	if (s->seen[DNS_QUESTION])
		return true;
	return (a->cut && s->state == SCAN_SHORT) || (s->n == DNS_HEADER && s->flags & DNS_QR && s->flags & 15);
}

static void take(struct parser *ps, const struct arrival *a)
{
	struct dns_transfer *t = a->scan.flags & DNS_QR ? dns_transfer_of(ps, &a->scan) : NULL;
	if (t)
		take_transfer(ps, t, a);
	else if (a->scan.flags & DNS_QR)
		take_answer(ps, a);
	else
		take_query(ps, a);
}

static enum parse parse_datagram(struct parser *ps, struct chunk *c)
{
	struct arrival a = { .size = MAX(ps->datagram_len, c->n), .used = c->n, .cut = ps->cut };
	dns_scan(&a.scan, c->p, MIN(c->n, DNS_MESSAGE_MAX));
	if (!acceptable(&a)) {
		c->used = c->n;
		return PARSE_DESYNC;
	}
	a.cut = a.cut && a.scan.state != SCAN_WHOLE;
	take(ps, &a);
	c->used = c->n;
	return PARSE_OK;
}

static enum parse parse_stream(struct parser *ps, struct chunk *c)
{
	if (c->n < PREFIX) {
		c->want = PREFIX;
		return PARSE_MORE;
	}
	size_t size = be16(c->p), whole = PREFIX + size, shown = MIN(whole, SHOWN_MAX);
	struct arrival a = { .size = size, .used = shown, .cut = shown < whole };
	if (size < DNS_HEADER || (c->n >= PREFIX + DNS_HEADER && !counts_fit(c->p + PREFIX, size))) {
		c->used = 1;
		return PARSE_DESYNC;
	}
	if (c->n < shown) {
		c->want = c->n < PREFIX + DNS_HEADER ? PREFIX + DNS_HEADER : shown;
		return PARSE_MORE;
	}
	dns_scan(&a.scan, c->p + PREFIX, shown - PREFIX);
	if (!acceptable(&a)) {
		c->used = 1;
		return PARSE_DESYNC;
	}
	take(ps, &a);
	c->used = shown;
	c->want = whole - shown;
	return whole > shown ? PARSE_SKIP : PARSE_OK;
}

static enum parse dns_parse(struct parser *ps, struct chunk *c)
{
	c->used = 0;
	return ps->datagram ? parse_datagram(ps, c) : parse_stream(ps, c);
}

static void dns_gap(struct parser *ps)
{
	struct dns_state *state = ps->state;
	state->losses[ps->dir]++;
	for (int i = 0; i < DNS_TRANSFERS; i++)
		if (state->transfers[i].dir == ps->dir)
			state->transfers[i].answer = NULL; /* the session has ended, or ends, the message */
}

static const u16 dns_ports[] = { DNS_PORT, DNS_PORT_MDNS, DNS_PORT_LLMNR, 0 };

const struct proto proto_dns = {
	.name = "dns",
	.title = "DNS",
	.ports = dns_ports,
	.transports = OVER_TCP | OVER_UDP,
	.pairing = PAIR_KEYED,
	.index = PROTO_dns,
	.weight = 1,
	.state_size = sizeof(struct dns_state),
	.request_size = sizeof(struct dns_message),
	.response_size = sizeof(struct dns_message),
	.timeout_ms = 20000, /* resolvers give up on others after up to 17 s, and say so */
	.fields = dns_fields,
	.fields_len = DNS_FIELDS,
	.probe = dns_probe,
	.parse = dns_parse,
	.gap = dns_gap,
	.resync = dns_resync,
	.describe = dns_describe,
};
