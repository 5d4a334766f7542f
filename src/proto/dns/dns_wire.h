/* DNS on the wire: header, names, records, and what the numbers are called. Functions are pure; a scan borrows the bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_DNS_DNS_WIRE_H
#define PACKETD_PROTO_DNS_DNS_WIRE_H

#include "proto/dns/dns_text.h"
#include "util/rd.h"

#define DNS_HEADER 12          /* bytes of the fixed header */
#define DNS_MESSAGE_MAX 65535u /* bytes of a message: its length has 16 bits */
#define DNS_NAME_MAX 255u      /* octets of a name on the wire */
#define DNS_NAME_TEXT 1024     /* characters of a name: each octet may need four */
#define DNS_RECORD_TEXT 4096   /* characters shown of one record's data */

enum dns_bit { DNS_QR = 0x8000, DNS_AA = 0x0400, DNS_TC = 0x0200, DNS_RD = 0x0100, DNS_RA = 0x0080, DNS_Z = 0x0040, DNS_AD = 0x0020, DNS_CD = 0x0010 };
enum dns_opcode { DNS_OP_QUERY = 0, DNS_OP_IQUERY = 1, DNS_OP_STATUS = 2, DNS_OP_NOTIFY = 4, DNS_OP_UPDATE = 5, DNS_OP_DSO = 6 };
enum dns_section { DNS_QUESTION, DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTIONS };
enum dns_type {
	DNS_TYPE_SOA = 6, DNS_TYPE_SRV = 33, DNS_TYPE_OPT = 41, DNS_TYPE_TSIG = 250, DNS_TYPE_IXFR = 251, DNS_TYPE_AXFR = 252,
};
enum dns_class { DNS_CLASS_IN = 1, DNS_CLASS_ANY = 255 };

static inline unsigned dns_opcode_of(u16 flags)
{
	return flags >> 11 & 15;
}

/* A resource record as it lies in its message. */
struct dns_rr {
	u16 type, class, rdlen;
	u32 ttl;
	u32 name;  /* offset of the owner name */
	u32 rdata; /* offset of the data */
};

enum dns_scan_state {
	SCAN_WHOLE, /* every entry that the counts announce is there */
	SCAN_SHORT, /* the bytes end before that */
	SCAN_BAD,   /* something in them is no DNS */
};

/* One message, walked from end to end: where everything lies. */
struct dns_scan {
	const u8 *p;
	u32 n;
	u16 id, flags;
	u16 count[DNS_SECTIONS]; /* as the header says */
	u16 seen[DNS_SECTIONS];  /* entries that are whole */
	u32 at[DNS_SECTIONS];    /* offset of the section */
	u32 end;                 /* one past the last whole entry */
	u16 qtype, qclass;       /* first question; seen[DNS_QUESTION] > 0 */
	u32 qname_end;           /* one past its name; 0: not reached */
	u16 tsig_error;          /* 0 without */
	bool has_opt;
	u8 state;                /* enum dns_scan_state */
	struct dns_rr opt;
};

/* Walks n bytes (at least DNS_HEADER). Cost: linear in n, whatever the counts say. */
void dns_scan(struct dns_scan *s, const u8 *p, size_t n);
/* Moves past one record; false (r->bad) when it is not whole or not one. */
bool dns_rr_next(struct rd *r, const u8 *base, struct dns_rr *ret);
/* Moves past a name; false (r->bad) when it is not whole or not one. */
bool dns_name_skip(struct rd *r, const u8 *base);
/* The same, writing its text: labels with a dot after each, \. \\ and \DDD escapes. Pointers lead backwards only. `packed`: pointers are allowed. */
bool dns_name_text(struct rd *r, const u8 *base, bool packed, struct text *t);

/* Names of numbers; NULL for one without a name. */
const char *dns_type_name(u16 type);
const char *dns_type_format(u16 type); /* of its data, one letter a field: dns_rdata.c */
const char *dns_class_name(u16 class);
const char *dns_rcode_name(u16 rcode);
const char *dns_ede_name(u16 code);
/* "A", "TYPE65280"; "INET", "1234". */
void dns_put_type(struct text *t, u16 type);
void dns_put_class(struct text *t, u16 class);
/* The data of a record as text; RFC 3597 form when its type or its data are unknown. */
void dns_put_rdata(struct text *t, const u8 *base, const struct dns_rr *rr);
/* Parameters of SVCB and HTTPS records, to the end of r; r->bad when they are none. */
void dns_put_svc_params(struct rd *r, struct text *t);

#endif
