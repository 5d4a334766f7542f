/* From a scan to a message: header, question, EDNS, and the bytes that lists are printed from later. */
#include "proto/dns/dns.h"

#define KEEP_MAX (16 * KIB)  /* bytes kept of one wire message */
#define KEEP_TOTAL (64 * KIB) /* and of all messages of a transfer */

enum { OPT_NSID = 3, OPT_SUBNET = 8, OPT_COOKIE = 10, OPT_KEEPALIVE = 11, OPT_PADDING = 12, OPT_EDE = 15 };

bool dns_opcode_known(unsigned opcode)
{
	static const u16 known = 1 << DNS_OP_QUERY | 1 << DNS_OP_IQUERY | 1 << DNS_OP_STATUS | 1 << DNS_OP_NOTIFY |
				 1 << DNS_OP_UPDATE | 1 << DNS_OP_DSO;
	return known >> opcode & 1;
}

/* Text that lasts as long as the message. */
static struct str keep_text(struct dns_message *d, const struct text *t)
{
	return arena_str(&d->m.arena, t->p, t->n);
}

static struct str number_text(struct dns_message *d, const char *prefix, u32 v)
{
	TEXT(t, 32);
	text_s(&t, prefix);
	text_u(&t, v);
	return keep_text(d, &t);
}

/* Codes get the names this program has always had, and numbers beyond them. */
static void set_status(struct dns_message *d)
{
	static const char *const status[] = { "Success", "FormatError", "ServerFailure", "NameError", "NotImplemented", "Refused" };
	const char *name = dns_rcode_name(d->full_rcode);
	d->status = d->full_rcode < ARRAY_LEN(status) ? str_from(status[d->full_rcode]) : number_text(d, "", d->full_rcode);
	d->rcode_name = name ? str_from(name) : number_text(d, "RCODE", d->full_rcode);
}

void dns_fail(struct dns_message *d, const struct dns_scan *s)
{
	enum { NOTAUTH = 9, BADSIG = 16 };
	d->rcode = s->flags & 15;
	d->full_rcode = (u16)(s->has_opt ? s->opt.ttl >> 24 << 4 | d->rcode : d->rcode);
	set_status(d);
	if (d->full_rcode == 0 || !d->response)
		return;
	d->m.flags |= MSG_FAILED;
	d->m.error = d->rcode_name;
	const char *tsig = s->tsig_error == BADSIG ? "BADSIG" : dns_rcode_name(s->tsig_error);
	if (d->full_rcode == NOTAUTH && s->tsig_error && tsig)
		d->m.error = str_from(tsig);
}

static void set_header(struct dns_message *d, u16 flags)
{
	static const char *const opcodes[16] = { "Query", "IQuery", "Status", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15" };
	static const char *const operations[16] = { [DNS_OP_NOTIFY] = "NOTIFY", [DNS_OP_UPDATE] = "UPDATE", [DNS_OP_DSO] = "DSO" };
	d->opcode = opcodes[dns_opcode_of(flags)];
	d->operation = operations[dns_opcode_of(flags)];
	d->response = flags & DNS_QR;
	d->aa = flags & DNS_AA;
	d->tc = flags & DNS_TC;
	d->rd = flags & DNS_RD;
	d->ra = flags & DNS_RA;
	d->ad = flags & DNS_AD;
	d->cd = flags & DNS_CD;
}

/* Second-level labels under which countries register names. */
static bool is_registry(struct str label)
{
	static const char *const labels[] = { "ac", "co", "com", "edu", "go", "gob", "gov", "mil", "ne", "net", "or", "org" };
	for (size_t i = 0; i < ARRAY_LEN(labels); i++)
		if (str_eq_nocase(label, str_from(labels[i])))
			return true;
	return false;
}

/* The last two labels, three where a country registers below the second ("bbc.co.uk"): bounds the values of a metric
 * label without a public suffix list. */
static struct str registrable(struct str name)
{
	struct str whole = { name.p, name.n ? name.n - 1 : 0 };
	u32 starts[3] = { 0 }, found = 0;
	for (u32 i = whole.n; i > 1 && found < 3; i--)
		if (whole.p[i - 1] == '.' && whole.p[i - 2] != '\\')
			starts[found++] = i;
	if (found < 2)
		return whole;
	bool country = whole.n - starts[0] == 2;
	struct str second = { whole.p + starts[1], starts[0] - 1 - starts[1] };
	u32 from = country && is_registry(second) ? starts[2] : starts[1];
	return (struct str){ whole.p + from, whole.n - from };
}

static struct str type_text(struct dns_message *d, u16 type)
{
	const char *name = dns_type_name(type);
	return name ? str_from(name) : number_text(d, "TYPE", type);
}

static void set_name(struct dns_message *d, const struct dns_scan *s, u32 at)
{
	TEXT(t, DNS_NAME_TEXT);
	struct rd r = rd_make(s->p + at, s->n - at);
	if (!dns_name_text(&r, s->p, true, &t))
		return;
	d->name = keep_text(d, &t);
	d->domain = registrable(d->name);
}

static void set_question(struct dns_message *d, const struct dns_scan *s, bool cut)
{
	if (s->seen[DNS_QUESTION] == 0) {
		d->anonymous = true;
		if (cut)
			d->name = d->type = STR("?");
		return;
	}
	d->qtype = s->qtype;
	set_name(d, s, DNS_HEADER);
	d->type = type_text(d, s->qtype);
	u16 class = s->qclass & d->class_mask;
	const char *name = dns_class_name(class);
	if (class != DNS_CLASS_IN)
		d->class = name ? str_from(name) : number_text(d, "", class);
}

/* A message that nobody asked for (multicast DNS) is known by its first record. */
static void set_subject(struct dns_message *d, const struct dns_scan *s)
{
	struct dns_rr rr;
	struct rd r = rd_make(s->p + s->at[DNS_ANSWER], s->n - s->at[DNS_ANSWER]);
	if (!s->seen[DNS_ANSWER] || !dns_rr_next(&r, s->p, &rr))
		return;
	d->qtype = rr.type;
	d->type = type_text(d, rr.type);
	set_name(d, s, rr.name);
}

/* EDNS options. */

static void set_nsid(struct dns_message *d, struct rd *v)
{
	TEXT(t, 256);
	size_t n = rd_left(v);
	const u8 *p = rd_take(v, n);
	bool printable = true;
	for (size_t i = 0; i < n; i++)
		printable &= p[i] >= 0x20 && p[i] < 0x7f;
	if (printable)
		text_escaped(&t, p, n, "\\\\");
	else
		text_hex(&t, p, n);
	d->edns.nsid = keep_text(d, &t);
}

/* RFC 7871: address/source prefix/scope prefix. */
static void set_subnet(struct dns_message *d, struct rd *v)
{
	TEXT(t, 64);
	u8 address[16] = { 0 };
	u16 family = rd_u16be(v);
	u8 source = rd_u8(v), scope = rd_u8(v);
	size_t n = rd_left(v);
	if (v->bad || family < 1 || family > 2 || n > (family == 1 ? 4 : 16))
		return;
	memcpy(address, rd_take(v, n), n);
	if (family == 1)
		text_ipv4(&t, address);
	else
		text_ipv6(&t, address);
	text_c(&t, '/');
	text_u(&t, source);
	text_c(&t, '/');
	text_u(&t, scope);
	d->edns.subnet = keep_text(d, &t);
}

static void set_cookie(struct dns_message *d, struct rd *v)
{
	TEXT(t, 96);
	size_t n = rd_left(v);
	text_hex(&t, rd_take(v, n), n);
	d->edns.cookie = keep_text(d, &t);
}

static void set_error(struct dns_message *d, struct rd *v)
{
	u16 code = rd_u16be(v);
	if (v->bad || d->edns.edes == DNS_EDE_MAX)
		return;
	size_t n = rd_left(v);
	d->edns.ede[d->edns.edes++] = (struct dns_ede){ code, arena_str(&d->m.arena, rd_take(v, n), MIN(n, 256)) };
}

static void set_option(struct dns_message *d, u16 code, struct rd *v)
{
	switch (code) {
	case OPT_NSID:
		set_nsid(d, v);
		break;
	case OPT_SUBNET:
		set_subnet(d, v);
		break;
	case OPT_COOKIE:
		set_cookie(d, v);
		break;
	case OPT_KEEPALIVE: /* in units of 100 ms */
		d->edns.keepalive = rd_u16be(v) * 100 * NS_PER_MS;
		break;
	case OPT_PADDING:
		d->edns.padding = (u16)rd_left(v);
		break;
	case OPT_EDE:
		set_error(d, v);
		break;
	}
}

/* Options after the first 64 are not looked at. */
static void set_edns(struct dns_message *d, const struct dns_scan *s)
{
	enum { OPTIONS_MAX = 64 };
	struct rd r = rd_make(s->p + s->opt.rdata, s->opt.rdlen);
	d->edns.udp_size = s->opt.class;
	d->edns.version = (u8)(s->opt.ttl >> 16);
	d->edns.dnssec_ok = s->opt.ttl >> 15 & 1;
	d->edns.rcode = d->full_rcode != d->rcode ? d->full_rcode : 0;
	for (int i = 0; i < OPTIONS_MAX && rd_left(&r); i++) {
		u16 code = rd_u16be(&r), n = rd_u16be(&r);
		const u8 *p = rd_take(&r, n);
		if (!p) {
			d->malformed = true;
			return;
		}
		struct rd value = rd_make(p, n);
		set_option(d, code, &value);
	}
}

void dns_fill(struct parser *ps, struct dns_message *d, const struct dns_scan *s, bool cut)
{
	bool mdns = ps->port[0] == DNS_PORT_MDNS || ps->port[1] == DNS_PORT_MDNS;
	d->id = s->id;
	d->class_mask = mdns ? 0x7fff : 0xffff; /* "unicast answer wanted", "flush your cache" (RFC 6762 section 18) */
	d->transport = ps->datagram ? "udp" : "tcp";
	set_header(d, s->flags);
	set_question(d, s, cut);
	dns_fail(d, s);
	if (cut)
		d->m.flags |= MSG_PARTIAL;
	d->malformed = s->state == SCAN_BAD || (s->state == SCAN_SHORT && !cut && !d->tc);
	if (!d->response && s->qtype == DNS_TYPE_IXFR)
		d->has_serial = dns_first_serial(s, DNS_AUTHORITY, &d->serial);
	if (!ps->opt->details)
		return;
	if (d->anonymous && !cut && d->response)
		set_subject(d, s);
	if (s->has_opt)
		set_edns(d, s);
	dns_keep(ps, d, s);
}

/* Entries of a section that lie within `limit`, at most `max`; *end: one past the last of them. */
static u16 entries_within(const struct dns_scan *s, int section, u32 max, u32 limit, u32 *end)
{
	struct rd r = rd_make(s->p + s->at[section], s->n - s->at[section]);
	struct dns_rr rr;
	u16 n = 0;
	while (n < MIN(max, s->seen[section])) {
		bool whole = section == DNS_QUESTION ? dns_name_skip(&r, s->p) && rd_skip(&r, 4) : dns_rr_next(&r, s->p, &rr);
		if (!whole || (u32)(r.p - s->p) > limit)
			break;
		*end = (u32)(r.p - s->p);
		n++;
	}
	return n;
}

/* Of a large message only questions and answers near its beginning are kept. */
static u32 choose(const struct dns_message *d, const struct dns_scan *s, u32 max, struct dns_part *part)
{
	u32 end = DNS_HEADER;
	for (int i = 0; i < DNS_SECTIONS; i++) {
		u32 room = max - MIN(max, d->shown[i]);
		part->at[i] = s->at[i];
		if (s->end <= KEEP_MAX)
			part->shown[i] = (u16)MIN(room, s->seen[i]);
		else
			part->shown[i] = i <= DNS_ANSWER ? entries_within(s, i, room, KEEP_MAX, &end) : 0;
	}
	return s->end <= KEEP_MAX ? s->end : end;
}

/* False when not all of the message's records are shown. */
static bool add_part(struct dns_message *d, const struct dns_scan *s, u32 max)
{
	struct dns_part part = { .next = NULL };
	part.n = choose(d, s, max, &part);
	u32 shown = 0, entries = 0;
	for (int i = 0; i < DNS_SECTIONS; i++) {
		shown += part.shown[i];
		entries += s->seen[i];
	}
	if (!shown || d->kept + part.n > KEEP_TOTAL)
		return entries == 0;
	struct dns_part *new = arena_alloc(&d->m.arena, sizeof(part) + part.n);
	if (!new)
		return false;
	part.wire = memcpy(new + 1, s->p, part.n);
	*new = part;
	*(d->last_part ? &d->last_part->next : &d->parts) = new;
	d->last_part = new;
	d->kept += part.n;
	for (int i = 0; i < DNS_SECTIONS; i++)
		d->shown[i] += part.shown[i];
	return shown == entries;
}

void dns_keep(struct parser *ps, struct dns_message *d, const struct dns_scan *s)
{
	u32 max = ps->opt->max_records ? ps->opt->max_records : DNS_RECORDS_SHOWN;
	for (int i = DNS_ANSWER; i < DNS_SECTIONS; i++)
		d->records += s->seen[i];
	d->records -= s->has_opt;
	if (!add_part(d, s, max) || d->total)
		d->total = d->records;
}
