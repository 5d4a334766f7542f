/* Packets made by hand for tests, from the payload outwards: every craft_* call puts its header before what is there.
 * Include unit.h first. A `struct craft` owns its bytes by value. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_TESTS_CRAFT_H
#define PACKETD_TESTS_CRAFT_H

#include "capture/packet.h"
#include "net/net.h"

#define CRAFT_MAX 80000u

struct craft {
	u8 bytes[CRAFT_MAX];
	u32 at; /* the packet is bytes[at .. CRAFT_MAX - tail) */
	u32 tail;
};

static inline void craft_start(struct craft *c)
{
	c->at = CRAFT_MAX - 1024; /* room for what comes after the payload */
	c->tail = 1024;
}

static inline u8 *craft_data(struct craft *c)
{
	return c->bytes + c->at;
}

static inline u32 craft_size(const struct craft *c)
{
	return CRAFT_MAX - c->tail - c->at;
}

static inline u8 *craft_put(struct craft *c, const void *p, u32 n)
{
	assert_true(n <= c->at);
	c->at -= n;
	if (n)
		memcpy(c->bytes + c->at, p, n);
	return c->bytes + c->at;
}

/* Padding, check sequences, whatever follows. */
static inline void craft_append(struct craft *c, const void *p, u32 n)
{
	assert_true(n <= c->tail);
	memcpy(c->bytes + CRAFT_MAX - c->tail, p, n);
	c->tail -= n;
}

#define craft_hex(c, ...)                                    \
	craft_put((c), (const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

static inline void set16(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 8);
	p[1] = (u8)v;
}

static inline void set32(u8 *p, u32 v)
{
	set16(p, v >> 16);
	set16(p + 2, v);
}

static inline void craft_text(struct craft *c, const char *text)
{
	craft_start(c);
	craft_put(c, text, (u32)strlen(text));
}

static inline u8 *craft_tcp(struct craft *c, u16 sport, u16 dport, u32 seq)
{
	u8 h[20] = { [12] = 0x50, [13] = TCP_PSH | TCP_ACK, [14] = 0x12, [15] = 0x34, [11] = 99 };
	set16(h, sport);
	set16(h + 2, dport);
	set32(h + 4, seq);
	return craft_put(c, h, 20);
}

static inline u8 *craft_udp(struct craft *c, u16 sport, u16 dport)
{
	u8 h[8] = { 0 };
	set16(h, sport);
	set16(h + 2, dport);
	set16(h + 4, craft_size(c) + 8);
	return craft_put(c, h, 8);
}

/* From 10.0.0.<from> to 10.0.0.<to>. */
static inline u8 *craft_ipv4(struct craft *c, u8 protocol, u8 from, u8 to)
{
	u8 h[20] = { 0x45, [5] = 1, [8] = 64, [9] = protocol, [12] = 10, [15] = from, [16] = 10, [19] = to };
	set16(h + 2, craft_size(c) + 20);
	return craft_put(c, h, 20);
}

/* From 2001:db8::<from> to 2001:db8::<to>. */
static inline u8 *craft_ipv6(struct craft *c, u8 next, u8 from, u8 to)
{
	u8 h[40] = { 0x60, [6] = next, [7] = 64, [8] = 0x20, 0x01, 0x0d, 0xb8, [23] = from, [24] = 0x20, 0x01, 0x0d, 0xb8, [39] = to };
	set16(h + 4, craft_size(c));
	return craft_put(c, h, 40);
}

static inline u8 *craft_ethernet(struct craft *c, u16 type)
{
	u8 h[14] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	set16(h + 12, type);
	return craft_put(c, h, 14);
}

/* A tag after whose four bytes the packet goes on with `type`; the EtherType of the tag stands before it. */
static inline u8 *craft_vlan(struct craft *c, u16 id, u16 type)
{
	u8 h[4];
	set16(h, id);
	set16(h + 2, type);
	return craft_put(c, h, 4);
}

/* The packet all tests of layers begin with: "hello" from 10.0.0.1:1000 to 10.0.0.2:80. */
static inline void craft_hello(struct craft *c)
{
	craft_text(c, "hello");
	craft_tcp(c, 1000, 80, 0x01020304);
	craft_ipv4(c, IPPROTO_TCP_, 1, 2);
}

static inline struct packet craft_packet(struct craft *c, u16 linktype)
{
	return (struct packet){ .ts = 1000, .data = craft_data(c), .caplen = craft_size(c), .len = craft_size(c), .linktype = linktype, .ifindex = 3 };
}

#endif
