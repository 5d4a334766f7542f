/* Walking a message: header, questions, records, names (RFC 1035 section 4). */
#include "proto/dns/dns_wire.h"

enum { LABEL_MAX = 63, POINTER = 0xc0 };

bool dns_name_skip(struct rd *r, const u8 *base)
{
	size_t start = (size_t)(r->p - base), total = 1;
	for (;;) {
		u8 len = rd_u8(r);
		if (r->bad || len == 0)
			return !r->bad;
		if (len >= POINTER) {
			size_t target = (size_t)(len & 0x3f) << 8 | rd_u8(r);
			if (target >= start || target < DNS_HEADER)
				rd_fail(r);
			return !r->bad;
		}
		total += len + 1u;
		if (len > LABEL_MAX || total > DNS_NAME_MAX || !rd_skip(r, len)) {
			rd_fail(r);
			return false;
		}
	}
}

static void put_label(struct text *t, struct rd *r, u8 len)
{
	const u8 *p = rd_take(r, len);
	for (u8 i = 0; p && i < len; i++) {
		if (p[i] <= 0x20 || p[i] >= 0x7f) {
			text_c(t, '\\');
			text_pad(t, p[i], 3);
			continue;
		}
		if (p[i] == '.' || p[i] == '\\')
			text_c(t, '\\');
		text_c(t, (char)p[i]);
	}
	text_c(t, '.');
}

/* Each pointer must lead before the piece it stands in, and a piece ends where that one began: every step shrinks what
 * is left to read, so no loop. */
bool dns_name_text(struct rd *r, const u8 *base, bool packed, struct text *t)
{
	struct rd piece = *r, *at = r;
	size_t start = (size_t)(r->p - base), total = 1;
	for (;;) {
		u8 len = rd_u8(at);
		if (at->bad)
			break;
		if (len == 0) {
			if (total == 1)
				text_c(t, '.');
			return true;
		}
		if (len >= POINTER) {
			size_t target = (size_t)(len & 0x3f) << 8 | rd_u8(at);
			if (at->bad || !packed || target >= start || target < DNS_HEADER)
				break;
			piece = rd_make(base + target, start - target);
			at = &piece;
			start = target;
			continue;
		}
		total += len + 1u;
		if (len > LABEL_MAX || total > DNS_NAME_MAX)
			break;
		put_label(t, at, len);
	}
	rd_fail(r);
	return false;
}

bool dns_rr_next(struct rd *r, const u8 *base, struct dns_rr *ret)
{
	ret->name = (u32)(r->p - base);
	if (!dns_name_skip(r, base))
		return false;
	ret->type = rd_u16be(r);
	ret->class = rd_u16be(r);
	ret->ttl = rd_u32be(r);
	ret->rdlen = rd_u16be(r);
	ret->rdata = (u32)(r->p - base);
	rd_skip(r, ret->rdlen);
	return !r->bad;
}

/* Error field of a TSIG record: algorithm, time (6), fudge (2), MAC, original id (2), error. */
static u16 tsig_error(const u8 *base, const struct dns_rr *rr)
{
	struct rd r = rd_make(base + rr->rdata, rr->rdlen);
	if (!dns_name_skip(&r, base))
		return 0;
	rd_skip(&r, 8);
	rd_skip(&r, rd_u16be(&r));
	rd_skip(&r, 2);
	return rd_u16be(&r);
}

static void note_additional(struct dns_scan *s, const struct dns_rr *rr)
{
	if (rr->type == DNS_TYPE_OPT && !s->has_opt) {
		s->has_opt = true;
		s->opt = *rr;
	} else if (rr->type == DNS_TYPE_TSIG) {
		s->tsig_error = tsig_error(s->p, rr);
	}
}

static bool scan_questions(struct dns_scan *s, struct rd *r)
{
	for (u32 i = 0; i < s->count[DNS_QUESTION]; i++) {
		bool name = dns_name_skip(r, s->p);
		u32 end = (u32)(r->p - s->p);
		u16 type = rd_u16be(r), class = rd_u16be(r);
		if (name && i == 0)
			s->qname_end = end;
		if (r->bad)
			return false;
		if (i == 0) {
			s->qtype = type;
			s->qclass = class;
		}
		s->seen[DNS_QUESTION]++;
		s->end = (u32)(r->p - s->p);
	}
	return true;
}

static bool scan_records(struct dns_scan *s, struct rd *r)
{
	for (int section = DNS_ANSWER; section < DNS_SECTIONS; section++) {
		s->at[section] = s->end;
		for (u32 i = 0; i < s->count[section]; i++) {
			struct dns_rr rr;
			if (!dns_rr_next(r, s->p, &rr))
				return false;
			if (section == DNS_ADDITIONAL)
				note_additional(s, &rr);
			s->seen[section]++;
			s->end = (u32)(r->p - s->p);
		}
	}
	return true;
}

/* Whether the walk failed because bytes are missing: then the same walk over endless zero bytes would not have failed yet. */
static bool ran_out(const struct dns_scan *s)
{
	const u8 *p = s->p + s->end, *end = s->p + s->n;
	size_t total = 1;
	while (p < end && *p) {
		if (*p >= POINTER) {
			if (end - p < 2)
				return true;
			size_t target = be16(p) & 0x3fff;
			return target >= DNS_HEADER && target < s->end;
		}
		total += *p + 1u;
		if (*p > LABEL_MAX || total > DNS_NAME_MAX)
			return false;
		if ((size_t)(end - p) <= *p)
			return true;
		p += *p + 1;
	}
	return true; /* a whole name, then: what follows it is missing */
}

void dns_scan(struct dns_scan *s, const u8 *p, size_t n)
{
	struct rd r = rd_make(p, n);
	memset(s, 0, sizeof(*s));
	s->p = p;
	s->n = (u32)n;
	s->id = rd_u16be(&r);
	s->flags = rd_u16be(&r);
	for (int i = 0; i < DNS_SECTIONS; i++)
		s->count[i] = rd_u16be(&r);
	s->end = DNS_HEADER;
	for (int i = 0; i < DNS_SECTIONS; i++)
		s->at[i] = DNS_HEADER;
	if (r.bad) {
		s->end = 0;
		s->state = SCAN_SHORT;
	} else if (!scan_questions(s, &r) || !scan_records(s, &r)) {
		s->state = ran_out(s) ? SCAN_SHORT : SCAN_BAD;
	}
}
