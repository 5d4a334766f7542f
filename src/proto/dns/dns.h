/* What the files of the DNS decoder share: the shape of a message once decoded, zone transfers, the parser's state.
 * A dns_message and all it points to lives in its message's arena. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_DNS_DNS_H
#define PACKETD_PROTO_DNS_DNS_H

#include "proto/dns/dns_wire.h"
#include "proto/proto.h"

#define DNS_RECORDS_SHOWN 64   /* of a section, when the settings give no number */
#define DNS_EDE_MAX 4          /* extended errors shown */

enum dns_port { DNS_PORT = 53, DNS_PORT_MDNS = 5353, DNS_PORT_LLMNR = 5355 };

/* Bytes of one wire message, kept for lists that are printed later. */
struct dns_part {
	struct dns_part *next;
	const u8 *wire;
	u32 n;
	u32 at[DNS_SECTIONS];
	u16 shown[DNS_SECTIONS]; /* entries to print */
};

struct dns_ede {
	u16 code;
	struct str text;
};

struct dns_edns {
	struct str nsid, subnet, cookie;
	u64 keepalive; /* ns */
	struct dns_ede ede[DNS_EDE_MAX];
	u16 udp_size, rcode, padding;
	u8 version, edes;
	bool dnssec_ok;
};

/* A query or an answer (for a zone transfer: all messages of the answer). */
struct dns_message {
	struct message m;
	struct str name, type, class; /* first question; class empty for IN */
	struct str domain;            /* registrable part of the name, roughly */
	struct str status, rcode_name;
	const char *opcode, *operation, *transport;
	struct dns_part *parts, *last_part;
	u32 kept;                   /* bytes of all parts */
	u32 shown[DNS_SECTIONS];    /* entries of all parts that are printed */
	u32 records;                /* of the message(s), without OPT */
	u32 total;                  /* the same, when some of them are not printed */
	u32 messages;               /* of a transfer, when more than one */
	u32 serial;                 /* IXFR query: the client's zone; has_serial */
	u32 losses;                 /* query: dns_state.losses of the answer's direction when it was sent */
	u16 id, rcode, full_rcode, qtype;
	u16 class_mask;             /* bits of a class that name a class */
	bool response, aa, tc, rd, ra, ad, cd;
	bool malformed;             /* the message ends before its counts, or is no DNS somewhere */
	bool anonymous;             /* without a (whole) question */
	bool has_serial;
	struct dns_edns edns;
};

/* dns_probe.c */
enum probe dns_probe(const u8 *p, size_t n, enum side *side);
long dns_resync(struct parser *ps, const struct chunk *c);

/* dns_fill.c */
/* Opcodes that RFCs define. */
bool dns_opcode_known(unsigned opcode);
/* What a scan found, into a new message. `cut`: the bytes end early because the capture has no more of them. */
void dns_fill(struct parser *ps, struct dns_message *d, const struct dns_scan *s, bool cut);
/* Keeps the bytes for the lists, as far as the caps allow; called for each message of a transfer. */
void dns_keep(struct parser *ps, struct dns_message *d, const struct dns_scan *s);
/* What went wrong, into rcode, Status and error. */
void dns_fail(struct dns_message *d, const struct dns_scan *s);

/* dns_transfer.c */
enum { DNS_TRANSFERS = 2 };

/* A zone transfer whose answer goes on (AXFR: RFC 5936, IXFR: RFC 1995). */
struct dns_transfer {
	struct dns_message *answer; /* open; NULL: unused */
	u32 first; /* serial of the new zone */
	u16 id;
	u8 dir, phase;
	bool incremental;
};

/* Parser state of a connection. */
struct dns_state {
	struct dns_transfer transfers[DNS_TRANSFERS];
	u32 losses[2]; /* times bytes of a direction were lost or made no sense */
};

/* The transfer this message continues, or NULL. */
struct dns_transfer *dns_transfer_of(struct parser *ps, const struct dns_scan *s);
/* Begins one for an answer that is open, when it goes on after this message; false when it does not. */
bool dns_transfer_begin(struct parser *ps, struct dns_message *query, struct dns_message *answer, const struct dns_scan *s);
/* The next message of it; true when it was the last. */
bool dns_transfer_next(struct dns_transfer *t, const struct dns_scan *s);
/* A piece of a transfer whose beginning was not seen, or may not have been. `query` NULL: none is waiting. */
bool dns_transfer_rest(const struct parser *ps, const struct dns_message *query, const struct dns_scan *s);
/* Serial of the first SOA in a section. */
bool dns_first_serial(const struct dns_scan *s, enum dns_section section, u32 *ret);

/* dns.c */
extern const struct proto proto_dns;

/* dns_fields.c */
enum { DNS_FIELDS = 74 };
extern const struct field dns_fields[DNS_FIELDS];
void dns_describe(const struct message *m, struct buf *out);

#endif
