/* For tests: DNS messages written field by field, with their counts kept in step. Fixed memory, no cleaning up.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_DNS_DNS_BUILD_H
#define PACKETD_PROTO_DNS_DNS_BUILD_H

#include "proto/dns/dns.h"

struct msg {
	size_t n;
	u8 b[70000];
};

static inline void msg_u8(struct msg *m, unsigned v)
{
	m->b[m->n++] = (u8)v;
}

static inline void msg_u16(struct msg *m, unsigned v)
{
	msg_u8(m, v >> 8 & 255);
	msg_u8(m, v & 255);
}

static inline void msg_u32(struct msg *m, u32 v)
{
	msg_u16(m, v >> 16);
	msg_u16(m, v & 0xffff);
}

static inline void msg_bytes(struct msg *m, const void *p, size_t n)
{
	memcpy(m->b + m->n, p, n);
	m->n += n;
}

/* "www.example.com" as labels, without compression; "" is the root. */
static inline void msg_name(struct msg *m, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");
		msg_u8(m, (unsigned)n);
		msg_bytes(m, name, n);
		name += n + (name[n] == '.');
	}
	msg_u8(m, 0);
}

static inline void msg_count(struct msg *m, enum dns_section section)
{
	u8 *at = m->b + 4 + 2 * section;
	if (++at[1] == 0)
		at[0]++;
}

static inline void msg_start(struct msg *m, unsigned id, unsigned flags)
{
	m->n = 0;
	msg_u16(m, id);
	msg_u16(m, flags);
	for (int i = 0; i < 4; i++)
		msg_u16(m, 0);
}

static inline void msg_question(struct msg *m, const char *name, unsigned type, unsigned class)
{
	msg_name(m, name);
	msg_u16(m, type);
	msg_u16(m, class);
	msg_count(m, DNS_QUESTION);
}

/* `name` NULL: a pointer to the first question. */
static inline void msg_rr(struct msg *m, enum dns_section section, const char *name, unsigned type, unsigned class, u32 ttl, const void *data, size_t n)
{
	if (name)
		msg_name(m, name);
	else
		msg_u16(m, 0xc00c);
	msg_u16(m, type);
	msg_u16(m, class);
	msg_u32(m, ttl);
	msg_u16(m, (unsigned)n);
	msg_bytes(m, data, n);
	msg_count(m, section);
}

#define MSG_RR(m, section, name, type, class, ttl, literal) msg_rr(m, section, name, type, class, ttl, literal, sizeof(literal) - 1)

static inline void msg_a(struct msg *m, enum dns_section section, const char *name, u32 ttl, u32 address)
{
	u8 data[4] = { (u8)(address >> 24), (u8)(address >> 16), (u8)(address >> 8), (u8)address };
	msg_rr(m, section, name, 1, 1, ttl, data, 4);
}

static inline void msg_soa(struct msg *m, enum dns_section section, const char *name, u32 serial)
{
	struct msg d = { .n = 0 };
	msg_u16(&d, 0xc00c);
	msg_u16(&d, 0xc00c);
	msg_u32(&d, serial);
	for (u32 i = 1; i <= 4; i++)
		msg_u32(&d, i * 100);
	msg_rr(m, section, name, DNS_TYPE_SOA, 1, 60, d.b, d.n);
}

/* `ttl`: extended rcode, version, flags. */
static inline void msg_opt(struct msg *m, unsigned size, u32 ttl, const void *options, size_t n)
{
	msg_rr(m, DNS_ADDITIONAL, "", DNS_TYPE_OPT, size, ttl, options, n);
}

#define MSG_OPT(m, size, ttl, literal) msg_opt(m, size, ttl, literal, sizeof(literal) - 1)

static inline void msg_query(struct msg *m, unsigned id, const char *name, unsigned type)
{
	msg_start(m, id, DNS_RD);
	msg_question(m, name, type, 1);
}

static inline void msg_answer(struct msg *m, unsigned id, const char *name, unsigned type, unsigned rcode)
{
	msg_start(m, id, DNS_QR | DNS_RD | DNS_RA | rcode);
	msg_question(m, name, type, 1);
}

/* Appends `from` to a stream, behind its length. */
static inline void msg_framed(struct msg *stream, const struct msg *from)
{
	msg_u16(stream, (unsigned)from->n);
	msg_bytes(stream, from->b, from->n);
}

#endif
