/* Zone transfers over TCP: one query, an answer of many messages. Which record ends it follows from the SOA records. */
#include "proto/dns/dns.h"

enum phase {
	AT_FIRST,  /* nothing yet: the zone's new SOA must come */
	AT_SECOND, /* a SOA now means differences, anything else the zone itself */
	IN_ZONE,   /* until the SOA comes again */
	IN_REMOVED, /* of one difference: records removed, until the SOA after them */
	IN_ADDED,  /* and added, until the SOA of the next difference or the new one again */
	AT_END,
};

static bool is_transfer(u16 type)
{
	return type == DNS_TYPE_AXFR || type == DNS_TYPE_IXFR;
}

/* A serial behind two names. */
static bool soa_serial(const u8 *base, const struct dns_rr *rr, u32 *ret)
{
	struct rd r = rd_make(base + rr->rdata, rr->rdlen);
	if (!dns_name_skip(&r, base) || !dns_name_skip(&r, base))
		return false;
	*ret = rd_u32be(&r);
	return !r.bad;
}

bool dns_first_serial(const struct dns_scan *s, enum dns_section section, u32 *ret)
{
	struct rd r = rd_make(s->p + s->at[section], s->n - s->at[section]);
	struct dns_rr rr;
	return s->seen[section] && dns_rr_next(&r, s->p, &rr) && rr.type == DNS_TYPE_SOA && soa_serial(s->p, &rr, ret);
}

static enum phase after_soa(struct dns_transfer *t, u32 serial)
{
	switch (t->phase) {
	case AT_FIRST:
		t->first = serial;
		return AT_SECOND;
	case AT_SECOND:
		return t->incremental && serial != t->first ? IN_REMOVED : AT_END;
	case IN_REMOVED:
		return IN_ADDED;
	case IN_ADDED:
		return serial == t->first ? AT_END : IN_REMOVED;
	default:
		return AT_END;
	}
}

static void step(struct dns_transfer *t, const u8 *base, const struct dns_rr *rr)
{
	u32 serial = 0;
	bool soa = rr->type == DNS_TYPE_SOA && soa_serial(base, rr, &serial);
	if (soa)
		t->phase = (u8)after_soa(t, serial);
	else if (t->phase == AT_FIRST)
		t->phase = AT_END;
	else if (t->phase == AT_SECOND)
		t->phase = IN_ZONE;
}

static void read_answers(struct dns_transfer *t, const struct dns_scan *s)
{
	struct rd r = rd_make(s->p + s->at[DNS_ANSWER], s->n - s->at[DNS_ANSWER]);
	struct dns_rr rr;
	for (u32 i = 0; i < s->seen[DNS_ANSWER] && t->phase != AT_END && dns_rr_next(&r, s->p, &rr); i++)
		step(t, s->p, &rr);
	if (s->flags & 15 || s->state == SCAN_BAD)
		t->phase = AT_END;
}

bool dns_transfer_next(struct dns_transfer *t, const struct dns_scan *s)
{
	read_answers(t, s);
	return t->phase == AT_END;
}

struct dns_transfer *dns_transfer_of(struct parser *ps, const struct dns_scan *s)
{
	struct dns_state *state = ps->state;
	if (ps->datagram || !(s->seen[DNS_QUESTION] == 0 || is_transfer(s->qtype)))
		return NULL;
	for (int i = 0; i < DNS_TRANSFERS; i++) {
		struct dns_transfer *t = &state->transfers[i];
		if (t->answer && t->id == s->id && t->dir == ps->dir)
			return t;
	}
	return NULL;
}

static struct dns_transfer *unused(struct dns_state *state)
{
	for (int i = 0; i < DNS_TRANSFERS; i++)
		if (!state->transfers[i].answer)
			return &state->transfers[i];
	return NULL;
}

/* Only answers from the side that serves the connection are held open: when that side ends, so does the session's interest
 * in them, and nothing of this state is looked at again. */
bool dns_transfer_begin(struct parser *ps, struct dns_message *query, struct dns_message *answer, const struct dns_scan *s)
{
	struct dns_transfer *slot = unused(ps->state);
	if (ps->datagram || !is_transfer(query->qtype) || !slot || ps->dir == ps->request_dir || !s->seen[DNS_ANSWER])
		return false;
	struct dns_transfer t = { .answer = answer, .id = s->id, .dir = ps->dir, .incremental = query->qtype == DNS_TYPE_IXFR };
	read_answers(&t, s);
	/* the new SOA alone: the client's zone is up to date, unless it is known to be older (RFC 1982) */
	bool older = query->has_serial && (i32)(t.first - query->serial) > 0;
	if (t.phase == AT_SECOND && t.incremental && !older)
		t.phase = AT_END;
	if (t.phase == AT_END)
		return false;
	*slot = t;
	return true;
}

/* Every transfer begins with the new SOA. Behind lost bytes a SOA may be any of an IXFR's. */
bool dns_transfer_rest(const struct parser *ps, const struct dns_message *query, const struct dns_scan *s)
{
	const struct dns_state *state = ps->state;
	u32 serial;
	bool fits = query ? is_transfer(query->qtype) : s->seen[DNS_QUESTION] == 0 || is_transfer(s->qtype);
	if (ps->datagram || !fits || !s->seen[DNS_ANSWER])
		return false;
	bool lossy = query && query->losses != state->losses[ps->dir];
	return lossy || !dns_first_serial(s, DNS_ANSWER, &serial);
}
