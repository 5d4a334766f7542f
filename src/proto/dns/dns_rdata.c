/* The data of records as text: one function a kind of field, and a format string a type (dns_names.c) that says which
 * fields it has. What does not fit its format is printed in the form of RFC 3597: \# length hex. */
#include <time.h>

#include "proto/dns/dns_wire.h"

/* A record's data being printed. */
struct data {
	struct rd r;     /* the data */
	const u8 *base;  /* the message, for compressed names */
	struct text *t;
};

static size_t left(const struct data *d)
{
	return rd_left(&d->r);
}

static void put_ipv4(struct data *d)
{
	const u8 *p = rd_take(&d->r, 4);
	if (p)
		text_ipv4(d->t, p);
}

static void put_ipv6(struct data *d)
{
	const u8 *p = rd_take(&d->r, 16);
	if (p)
		text_ipv6(d->t, p);
}

/* A name that may be compressed: the types of RFC 1035, those of RFC 3597 section 4, and what multicast DNS adds. */
static void put_name(struct data *d)
{
	dns_name_text(&d->r, d->base, true, d->t);
}

static void put_plain_name(struct data *d)
{
	dns_name_text(&d->r, d->base, false, d->t);
}

static void put_u8(struct data *d)
{
	text_u(d->t, rd_u8(&d->r));
}

static void put_u16(struct data *d)
{
	text_u(d->t, rd_u16be(&d->r));
}

static void skip_u16(struct data *d)
{
	rd_skip(&d->r, 2);
}

static void put_u32(struct data *d)
{
	text_u(d->t, rd_u32be(&d->r));
}

static void put_u64(struct data *d)
{
	text_u(d->t, rd_u64be(&d->r));
}

/* Seconds of 48 bits, as TSIG has them. */
static void put_u48(struct data *d)
{
	u64 high = rd_u16be(&d->r);
	text_u(d->t, high << 32 | rd_u32be(&d->r));
}

/* YYYYMMDDHHmmSS, UTC. */
static void put_time(struct data *d)
{
	time_t seconds = rd_u32be(&d->r);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	text_pad(d->t, (u64)tm.tm_year + 1900, 4);
	text_pad(d->t, (u64)tm.tm_mon + 1, 2);
	text_pad(d->t, (u64)tm.tm_mday, 2);
	text_pad(d->t, (u64)tm.tm_hour, 2);
	text_pad(d->t, (u64)tm.tm_min, 2);
	text_pad(d->t, (u64)tm.tm_sec, 2);
}

static void put_type(struct data *d)
{
	dns_put_type(d->t, rd_u16be(&d->r));
}

static void put_rcode(struct data *d)
{
	u16 code = rd_u16be(&d->r);
	const char *name = code == 16 ? "BADSIG" : dns_rcode_name(code);
	if (name)
		text_s(d->t, name);
	else
		text_u(d->t, code);
}

static void put_cert_type(struct data *d)
{
	static const char *const names[] = { [1] = "PKIX", "SPKI", "PGP", "IPKIX", "ISPKI", "IPGP", "ACPKIX", "IACPKIX" };
	u16 type = rd_u16be(&d->r);
	if (type == 253 || type == 254)
		text_s(d->t, type == 253 ? "URI" : "OID");
	else if (type < ARRAY_LEN(names) && names[type])
		text_s(d->t, names[type]);
	else
		text_u(d->t, type);
}

/* Type bit map (RFC 4034 section 4.1.2): windows of 256 types, ascending. */
static void put_bitmap(struct data *d)
{
	int last = -1;
	bool first = true;
	while (left(d)) {
		int window = rd_u8(&d->r);
		u8 n = rd_u8(&d->r);
		const u8 *bits = rd_take(&d->r, n);
		if (!bits || n == 0 || n > 32 || window <= last) {
			rd_fail(&d->r);
			return;
		}
		last = window;
		for (u32 i = 0; i < n * 8u; i++) {
			if (!(bits[i / 8] & 0x80 >> i % 8))
				continue;
			if (!first)
				text_c(d->t, ' ');
			first = false;
			dns_put_type(d->t, (u16)(window << 8 | (int)i));
		}
	}
}

static void put_hex_rest(struct data *d)
{
	size_t n = left(d);
	text_hex(d->t, rd_take(&d->r, n), n);
}

static void put_0x_rest(struct data *d)
{
	text_s(d->t, "0x");
	put_hex_rest(d);
}

static void put_base64_rest(struct data *d)
{
	size_t n = left(d);
	text_base64(d->t, rd_take(&d->r, n), n);
}

/* Salt of NSEC3: length, bytes; "-" without. */
static void put_salt(struct data *d)
{
	u8 n = rd_u8(&d->r);
	const u8 *p = rd_take(&d->r, n);
	if (p && n)
		text_hex(d->t, p, n);
	else
		text_c(d->t, '-');
}

static void put_hash(struct data *d)
{
	u8 n = rd_u8(&d->r);
	const u8 *p = rd_take(&d->r, n);
	if (p)
		text_base32(d->t, p, n);
}

/* Length of 16 bits, then that many bytes; the length is printed, too. */
static void put_sized(struct data *d)
{
	u16 n = rd_u16be(&d->r);
	const u8 *p = rd_take(&d->r, n);
	text_u(d->t, n);
	if (!p || !n)
		return;
	text_c(d->t, ' ');
	text_base64(d->t, p, n);
}

static void put_string(struct data *d)
{
	u8 n = rd_u8(&d->r);
	const u8 *p = rd_take(&d->r, n);
	if (p)
		text_quoted(d->t, p, n);
}

static void put_strings(struct data *d)
{
	put_string(d);
	while (left(d)) {
		text_c(d->t, ' ');
		put_string(d);
	}
}

/* TXT, in the form this program has always had: the strings themselves, joined with slashes. */
static void put_txt(struct data *d)
{
	for (bool first = true; left(d); first = false) {
		u8 n = rd_u8(&d->r);
		const u8 *p = rd_take(&d->r, n);
		if (!first)
			text_c(d->t, '/');
		for (u8 i = 0; p && i < n; i++)
			text_c(d->t, (char)p[i]);
	}
}

static void put_tag(struct data *d)
{
	u8 n = rd_u8(&d->r);
	const u8 *p = rd_take(&d->r, n);
	if (p && n)
		text_escaped(d->t, p, n, " \\");
	else
		rd_fail(&d->r);
}

static void put_quoted_rest(struct data *d)
{
	size_t n = left(d);
	text_quoted(d->t, rd_take(&d->r, n), n);
}

static void put_eui(struct data *d, size_t n)
{
	const u8 *p = rd_take(&d->r, n);
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; p && i < n; i++) {
		if (i)
			text_c(d->t, '-');
		text_c(d->t, digits[p[i] >> 4]);
		text_c(d->t, digits[p[i] & 15]);
	}
}

static void put_eui48(struct data *d)
{
	put_eui(d, 6);
}

static void put_eui64(struct data *d)
{
	put_eui(d, 8);
}

/* 64 bits of an identifier or locator, as the half of an IPv6 address. */
static void put_half_ipv6(struct data *d)
{
	static const char digits[] = "0123456789abcdef";
	const u8 *p = rd_take(&d->r, 8);
	for (int i = 0; p && i < 8; i++) {
		if (i && i % 2 == 0)
			text_c(d->t, ':');
		text_c(d->t, digits[p[i] >> 4]);
		text_c(d->t, digits[p[i] & 15]);
	}
}

static void put_soa(struct data *d)
{
	put_name(d);
	text_c(d->t, '/');
	put_name(d);
	rd_skip(&d->r, 12);
	u32 expire = rd_u32be(&d->r);
	text_s(d->t, "/T:");
	put_u32(d);
	text_s(d->t, "/E:");
	text_u(d->t, expire);
}

static void put_srv(struct data *d)
{
	u16 priority = rd_u16be(&d->r), weight = rd_u16be(&d->r), port = rd_u16be(&d->r);
	put_name(d);
	text_c(d->t, ':');
	text_u(d->t, port);
	text_s(d->t, "/W:");
	text_u(d->t, weight);
	text_s(d->t, "/P:");
	text_u(d->t, priority);
}

/* Well-known services: a bit for each port. */
static void put_ports(struct data *d)
{
	size_t n = MIN(left(d), 8192);
	const u8 *bits = rd_take(&d->r, n);
	bool first = true;
	for (size_t i = 0; bits && i < n * 8 && !d->t->cut; i++) {
		if (!(bits[i / 8] & 0x80 >> i % 8))
			continue;
		if (!first)
			text_c(d->t, ' ');
		first = false;
		text_u(d->t, i);
	}
}

/* A distance of RFC 1876 in centimetres: four bits of digit, four of exponent. */
static void put_precision(struct data *d)
{
	u8 v = rd_u8(&d->r);
	u64 cm = v >> 4;
	if (v >> 4 > 9 || (v & 15) > 9) {
		rd_fail(&d->r);
		return;
	}
	for (u8 i = v & 15; i; i--)
		cm *= 10;
	text_u(d->t, cm / 100);
	text_c(d->t, '.');
	text_pad(d->t, cm % 100, 2);
	text_c(d->t, 'm');
}

/* Thousandths of a second of arc, from 2^31. */
static void put_angle(struct data *d, u32 v, u32 max_degrees, const char *sides)
{
	bool positive = v >= 0x80000000u;
	u32 ms = positive ? v - 0x80000000u : 0x80000000u - v;
	if (ms > max_degrees * 3600000u) {
		rd_fail(&d->r);
		return;
	}
	text_u(d->t, ms / 3600000);
	text_c(d->t, ' ');
	text_u(d->t, ms / 60000 % 60);
	text_c(d->t, ' ');
	text_u(d->t, ms / 1000 % 60);
	text_c(d->t, '.');
	text_pad(d->t, ms % 1000, 3);
	text_c(d->t, ' ');
	text_c(d->t, sides[positive ? 0 : 1]);
	text_c(d->t, ' ');
}

static void put_loc(struct data *d)
{
	struct data precision = *d;
	if (rd_u8(&precision.r) != 0) {
		rd_fail(&d->r);
		return;
	}
	rd_skip(&d->r, 4);
	u32 latitude = rd_u32be(&d->r), longitude = rd_u32be(&d->r);
	i64 altitude = (i64)rd_u32be(&d->r) - 10000000;
	u64 cm = (u64)(altitude < 0 ? -altitude : altitude);
	put_angle(d, latitude, 90, "NS");
	put_angle(d, longitude, 180, "EW");
	if (altitude < 0)
		text_c(d->t, '-');
	text_u(d->t, cm / 100);
	text_c(d->t, '.');
	text_pad(d->t, cm % 100, 2);
	text_c(d->t, 'm');
	for (int i = 0; i < 3; i++) {
		text_c(d->t, ' ');
		put_precision(&precision);
	}
	if (precision.r.bad)
		rd_fail(&d->r);
}

/* Address prefixes (RFC 3123): family, prefix, negation and length, address without its trailing zeros. */
static void put_apl(struct data *d)
{
	for (bool first = true; left(d); first = false) {
		u16 family = rd_u16be(&d->r);
		u8 prefix = rd_u8(&d->r), n = rd_u8(&d->r), address[16] = { 0 };
		const u8 *p = rd_take(&d->r, n & 0x7f);
		u8 size = family == 1 ? 4 : 16;
		if (!p || (n & 0x7f) > size || family < 1 || family > 2) {
			rd_fail(&d->r);
			return;
		}
		memcpy(address, p, n & 0x7f);
		text_s(d->t, first ? "" : " ");
		text_s(d->t, n & 0x80 ? "!" : "");
		text_u(d->t, family);
		text_c(d->t, ':');
		if (family == 1)
			text_ipv4(d->t, address);
		else
			text_ipv6(d->t, address);
		text_c(d->t, '/');
		text_u(d->t, prefix);
	}
}

static void put_gateway(struct data *d, u8 kind)
{
	switch (kind) {
	case 0:
		text_c(d->t, '.');
		break;
	case 1:
		put_ipv4(d);
		break;
	case 2:
		put_ipv6(d);
		break;
	case 3:
		put_plain_name(d);
		break;
	default:
		rd_fail(&d->r);
	}
}

static void put_ipseckey(struct data *d)
{
	put_u8(d);
	u8 kind = rd_u8(&d->r), algorithm = rd_u8(&d->r);
	text_c(d->t, ' ');
	text_u(d->t, kind);
	text_c(d->t, ' ');
	text_u(d->t, algorithm);
	text_c(d->t, ' ');
	put_gateway(d, kind);
	if (left(d)) {
		text_c(d->t, ' ');
		put_base64_rest(d);
	}
}

/* RFC 8777: precedence, a bit for "discovery optional", kind of relay, relay. */
static void put_amtrelay(struct data *d)
{
	put_u8(d);
	u8 kind = rd_u8(&d->r);
	text_c(d->t, ' ');
	text_u(d->t, kind >> 7);
	text_c(d->t, ' ');
	text_u(d->t, kind & 0x7f);
	text_c(d->t, ' ');
	put_gateway(d, kind & 0x7f);
}

/* RFC 8005: algorithm, host identity tag, public key, rendezvous servers. */
static void put_hip(struct data *d)
{
	u8 tag = rd_u8(&d->r), algorithm = rd_u8(&d->r);
	u16 key = rd_u16be(&d->r);
	text_u(d->t, algorithm);
	text_c(d->t, ' ');
	const u8 *p = rd_take(&d->r, tag);
	if (p)
		text_hex(d->t, p, tag);
	text_c(d->t, ' ');
	p = rd_take(&d->r, key);
	if (p)
		text_base64(d->t, p, key);
	while (left(d)) {
		text_c(d->t, ' ');
		put_plain_name(d);
	}
}

static void put_svc_params(struct data *d)
{
	dns_put_svc_params(&d->r, d->t);
}

typedef void put_field(struct data *d);

static put_field *const fields[128] = {
	['a'] = put_ipv4,        ['A'] = put_ipv6,      ['n'] = put_name,       ['N'] = put_plain_name, ['b'] = put_u8,
	['s'] = put_u16,         ['-'] = skip_u16,      ['l'] = put_u32,        ['U'] = put_u64,        ['t'] = put_u48,
	['T'] = put_time,        ['y'] = put_type,      ['r'] = put_rcode,      ['C'] = put_cert_type,  ['m'] = put_bitmap,
	['x'] = put_hex_rest,    ['0'] = put_0x_rest,   ['B'] = put_base64_rest, ['X'] = put_salt,      ['3'] = put_hash,
	['K'] = put_sized,       ['q'] = put_string,    ['Q'] = put_strings,    ['/'] = put_txt,        ['g'] = put_tag,
	['u'] = put_quoted_rest, ['6'] = put_eui48,     ['8'] = put_eui64,      ['h'] = put_half_ipv6,  ['O'] = put_soa,
	['V'] = put_srv,         ['W'] = put_ports,     ['L'] = put_loc,        ['P'] = put_apl,        ['I'] = put_ipseckey,
	['R'] = put_amtrelay,    ['H'] = put_hip,       ['Z'] = put_svc_params,
};

/* RFC 3597 section 5. */
static void put_unknown(struct text *t, const u8 *p, u16 n)
{
	text_s(t, "\\# ");
	text_u(t, n);
	if (!n)
		return;
	text_c(t, ' ');
	text_hex(t, p, n);
}

void dns_put_rdata(struct text *t, const u8 *base, const struct dns_rr *rr)
{
	const char *format = dns_type_format(rr->type);
	u32 start = t->n;
	struct data d = { rd_make(base + rr->rdata, rr->rdlen), base, t };
	if (rr->rdlen == 0 && (!format || rr->class >= 254))
		return; /* an update that names a set, not a record */
	for (const char *f = format ? format : ""; *f && !d.r.bad; f++) {
		u32 before = t->n;
		if (t->n > start && t->n < t->max)
			t->p[t->n++] = ' ';
		u32 after = t->n;
		fields[(u8)*f](&d);
		if (t->n == after)
			t->n = before; /* nothing to print: no separator either */
	}
	if (format && !d.r.bad && rd_left(&d.r) == 0)
		return;
	t->n = start;
	t->cut = false;
	put_unknown(t, base + rr->rdata, rr->rdlen);
}
