/* Is this DNS, and where does a message begin? By structure alone: counts, names, lengths that end where the bytes do. */
#include "proto/dns/dns.h"

enum { PREFIX = 2, QUESTIONS_MAX = 64, KEEP_MAX = 4096, FAR = 400 };

/* What a header may say in a message that somebody really sends. Room: bytes of the message. */
static bool header_likely(const struct dns_scan *s, size_t room)
{
	enum { QUESTION_MIN = 5, RECORD_MIN = 11 };
	unsigned opcode = dns_opcode_of(s->flags);
	size_t records = (size_t)s->count[1] + s->count[2] + s->count[3];
	if (!dns_opcode_known(opcode) || s->flags & DNS_Z || s->count[DNS_QUESTION] > QUESTIONS_MAX)
		return false;
	if (!(s->flags & DNS_QR) && (s->flags & 15 || s->flags & DNS_RA))
		return false;
	if (!(s->flags & DNS_QR) && s->count[DNS_QUESTION] == 0 && opcode == DNS_OP_QUERY && (records != 1 || s->count[DNS_ADDITIONAL] != 1))
		return false; /* without a question one can ask for a cookie only (RFC 7873 section 5.4) */
	return DNS_HEADER + s->count[DNS_QUESTION] * (size_t)QUESTION_MIN + records * RECORD_MIN <= room;
}

static bool class_likely(u16 class)
{
	class &= 0x7fff; /* multicast DNS uses the highest bit */
	return (class >= 1 && class <= 4) || class == 254 || class == 255;
}

/* NetBIOS names (RFC 1001 section 14): 32 letters from A to P, types 32 and 33. The same format, another protocol. */
static bool is_netbios(const struct dns_scan *s)
{
	enum { LABEL = 32, NB = 0x20, NBSTAT = 0x21 };
	struct rd r = rd_make(s->p + DNS_HEADER, s->n - DNS_HEADER);
	if (rd_u8(&r) != LABEL)
		return false;
	const u8 *p = rd_take(&r, LABEL);
	for (int i = 0; p && i < LABEL; i++)
		if (p[i] < 'A' || p[i] > 'P')
			return false;
	while (p && rd_left(&r) && *r.p) /* a scope may follow */
		rd_skip(&r, 1u + *r.p);
	rd_skip(&r, 1);
	u16 type = rd_u16be(&r);
	return p && (r.bad || type == NB || type == NBSTAT);
}

static bool types_likely(const struct dns_scan *s)
{
	struct rd r = rd_make(s->p + s->at[DNS_ANSWER], s->n - s->at[DNS_ANSWER]);
	struct dns_rr rr;
	if (s->seen[DNS_QUESTION] && (!s->qtype || !class_likely(s->qclass)))
		return false;
	u32 n = (u32)s->seen[1] + s->seen[2] + s->seen[3];
	for (u32 i = 0; i < n && dns_rr_next(&r, s->p, &rr); i++)
		if (!rr.type || (rr.type != DNS_TYPE_OPT && !class_likely(rr.class)))
			return false;
	return true;
}

/* Names are made of printable labels; small numbers that happen to fit are not. The first label, as far as it is there. */
static bool is_named(const struct dns_scan *s)
{
	const u8 *p = s->p + DNS_HEADER, *end = s->p + s->n;
	if (end - p < 2 || *p == 0)
		return false;
	end = MIN(end, p + 1 + *p);
	for (p++; p < end; p++)
		if (*p < 0x20 || *p == 0x7f)
			return false;
	return true;
}

/* `room`: length of the message, of which the scan saw what there is. */
static bool is_likely(const struct dns_scan *s, size_t room)
{
	return header_likely(s, room) && s->state != SCAN_BAD && !is_netbios(s) && types_likely(s);
}

static enum probe judge(const struct dns_scan *s, size_t room)
{
	bool entries = s->seen[DNS_QUESTION] + s->seen[DNS_ANSWER] + s->seen[DNS_AUTHORITY] > 0;
	bool exact = s->state == SCAN_WHOLE && s->end == room;
	if (!is_likely(s, room))
		return PROBE_NO;
	if (s->state == SCAN_WHOLE && s->end == DNS_HEADER) { /* an error with nothing else, or DSO */
		bool error = (s->flags & DNS_QR) && (s->flags & 15) && room == DNS_HEADER;
		return error || dns_opcode_of(s->flags) == DNS_OP_DSO ? PROBE_MAYBE : PROBE_NO;
	}
	if (is_named(s))
		return exact && entries ? PROBE_SURE : PROBE_MAYBE;
	bool root = s->seen[DNS_QUESTION] && dns_type_name(s->qtype); /* "." has no label to tell by */
	return exact && (root || s->has_opt) ? PROBE_MAYBE : PROBE_NO;
}

static enum side side_of(const struct dns_scan *s)
{
	return s->flags & DNS_QR ? SIDE_RESPONSE : SIDE_REQUEST;
}

static enum probe probe_datagram(const u8 *p, size_t n, enum side *side)
{
	struct dns_scan s;
	if (n < DNS_HEADER || n > DNS_MESSAGE_MAX)
		return PROBE_NO;
	dns_scan(&s, p, n);
	*side = side_of(&s);
	/* counts may announce what the capture has cut off */
	enum probe verdict = judge(&s, s.state == SCAN_SHORT ? DNS_MESSAGE_MAX : n);
	return verdict == PROBE_MAYBE && s.state == SCAN_SHORT && !s.qname_end && n >= 64 ? PROBE_NO : verdict;
}

/* A message behind its length; n may be fewer bytes than it has. */
static enum probe judge_part(const u8 *p, size_t n, size_t room, struct dns_scan *s)
{
	dns_scan(s, p, MIN(n, room));
	if (n >= room)
		return judge(s, room);
	bool label = n > DNS_HEADER + 1 && p[DNS_HEADER];
	if (!is_likely(s, room) || (label && !is_named(s)))
		return PROBE_NO;
	/* a question and a record, or two records, do not come about by chance; nor a question of a known type so far from the end */
	u32 entries = (u32)s->seen[DNS_QUESTION] + s->seen[DNS_ANSWER] + s->seen[DNS_AUTHORITY];
	bool far = n >= FAR && s->seen[DNS_QUESTION] && dns_type_name(s->qtype);
	return label && (entries >= 2 || far) ? PROBE_SURE : PROBE_MORE;
}

/* Fewer bytes than a length and a header: do they contradict one? */
static enum probe probe_start(const u8 *p, size_t n, enum side *side)
{
	struct rd r = rd_make(p, n);
	u16 room = rd_u16be(&r);
	rd_skip(&r, 2);
	if (n >= PREFIX && room < DNS_HEADER)
		return PROBE_NO;
	u16 flags = rd_u16be(&r);
	if (r.bad)
		return PROBE_MORE;
	*side = flags & DNS_QR ? SIDE_RESPONSE : SIDE_REQUEST;
	if (!dns_opcode_known(dns_opcode_of(flags)) || flags & DNS_Z || (!(flags & DNS_QR) && flags & (15 | DNS_RA)))
		return PROBE_NO;
	u16 questions = rd_u16be(&r);
	return r.bad || questions <= QUESTIONS_MAX ? PROBE_MORE : PROBE_NO;
}

static enum probe probe_stream(const u8 *p, size_t n, enum side *side)
{
	struct dns_scan s;
	if (n < PREFIX + DNS_HEADER)
		return probe_start(p, n, side);
	size_t room = be16(p);
	if (room < DNS_HEADER)
		return PROBE_NO;
	enum probe verdict = judge_part(p + PREFIX, n - PREFIX, room, &s);
	*side = side_of(&s);
	return verdict;
}

enum probe dns_probe(const u8 *p, size_t n, enum side *side)
{
	enum side other = SIDE_REQUEST;
	enum probe datagram = probe_datagram(p, n, side);
	if (datagram == PROBE_SURE)
		return datagram;
	enum probe stream = probe_stream(p, n, &other);
	if (stream == PROBE_NO || (stream == PROBE_MORE && datagram == PROBE_MAYBE))
		return datagram;
	*side = other;
	return stream;
}

/* A start is proven by a message that makes sense to its last byte, or by a question and a record of it. */
long dns_resync(struct parser *ps, const struct chunk *c)
{
	struct dns_state *state = ps->state;
	size_t from = c->n > KEEP_MAX ? c->n - KEEP_MAX : 0, first_maybe = c->n;
	size_t budget = 8 * c->n + KEEP_MAX; /* bytes looked at again: hostile ones look like a start everywhere */
	for (size_t at = 0; at + PREFIX + DNS_HEADER <= c->n && budget; at++) {
		const u8 *p = c->p + at;
		size_t room = be16(p), n = c->n - at - PREFIX;
		enum side side;
		struct dns_scan s;
		if (room < DNS_HEADER || probe_start(p, PREFIX + DNS_HEADER, &side) != PROBE_MORE)
			continue;
		enum probe verdict = judge_part(p + PREFIX, n, room, &s);
		budget -= MIN(budget, s.end + DNS_HEADER);
		if (verdict == PROBE_SURE || (verdict == PROBE_MAYBE && at == 0 && c->boundary && s.seen[DNS_QUESTION])) {
			state->losses[ps->dir] += at > 0;
			return (long)at;
		}
		if (verdict == PROBE_MORE && at >= from && first_maybe == c->n)
			first_maybe = at;
	}
	state->losses[ps->dir]++;
	size_t rest = MIN(c->n, PREFIX + DNS_HEADER - 1);
	return -2 - (long)MAX(rest, c->n - first_maybe);
}
