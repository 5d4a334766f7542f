/* Which protocol a connection speaks: by rule, or by its first bytes, with ports as hints. */
#include "roundtrip/session_private.h"

#define TLS_HELLO_BYTES 4096 /* of a TLS client's: behind its keys it says which protocol is within */
#define LOOK_BYTES 512 /* of a direction: whoever is not sure by then, is not asked again */
#define LOOK_MAX 64    /* x 64 bytes of nobody's data before a direction is not looked at any more */

static bool rule_fits_host(const struct proto_rule *r, const struct conn *c)
{
	return !r->has_host || memcmp(&r->host, &c->addr[0], sizeof(r->host)) == 0 ||
	       memcmp(&r->host, &c->addr[1], sizeof(r->host)) == 0;
}

static u8 transport_of(const struct conn *c)
{
	return c->protocol == IPPROTO_TCP_ ? OVER_TCP : OVER_UDP;
}

/* The side with this port serves; with it on both sides, the one that was called. */
static int server_side(const struct conn *c, u16 port)
{
	if (c->port[0] == port && c->port[1] == port)
		return c->opener == DIR_NONE ? DIR_B : c->opener ^ 1;
	return c->port[DIR_B] == port ? DIR_B : c->port[DIR_A] == port ? DIR_A : DIR_NONE;
}

/* The last rule for a port of this connection, or NULL. */
static const struct proto_rule *rule_by_port(const struct sessions *all, const struct conn *c, int *ret_server)
{
	const struct proto_rule *found = NULL;
	for (u32 i = 0; i < all->opt.rules_len; i++) {
		const struct proto_rule *r = &all->rules[i];
		int server = r->port ? server_side(c, r->port) : DIR_NONE;
		if (server == DIR_NONE || !(r->proto->transports & transport_of(c)) || !rule_fits_host(r, c))
			continue;
		found = r;
		*ret_server = server;
	}
	return found;
}

/* May this protocol be found here by content? */
static bool by_content(const struct sessions *all, const struct conn *c, const struct proto *p)
{
	if (!(p->transports & transport_of(c)))
		return false;
	if (!all->opt.rules_len)
		return true;
	for (u32 i = 0; i < all->opt.rules_len; i++)
		if (all->rules[i].proto == p && !all->rules[i].port && rule_fits_host(&all->rules[i], c))
			return true;
	return false;
}

bool detect_by_rule(struct conn *c)
{
	struct sessions *all = sessions_of(c);
	int server = DIR_NONE;
	if (!all->opt.rules_len)
		return true;
	const struct proto_rule *r = rule_by_port(all, c, &server);
	if (r)
		return session_start(c, r->proto, server ^ 1, true, NULL);
	for (const struct proto *const *p = proto_all; *p; p++)
		if (by_content(all, c, *p))
			return true;
	return false;
}

bool detect_wanted(struct conn *c)
{
	const struct sessions *all = sessions_of(c);
	const struct proto *proto = session_of(c)->proto;
	int server;
	if (!all->opt.rules_len || rule_by_port(all, c, &server))
		return true;
	return proto && by_content(all, c, proto);
}

/* The server's direction when one of the protocol's default ports is used; DIR_NONE otherwise. */
static int default_port_side(const struct conn *c, const struct proto *p)
{
	for (const u16 *port = p->ports; port && *port; port++) {
		int side = server_side(c, *port);
		if (side != DIR_NONE)
			return side;
	}
	return DIR_NONE;
}

const struct proto *detect_by_port(struct conn *c, u8 transport, int *ret_request_dir)
{
	const struct sessions *all = sessions_of(c);
	int server = DIR_NONE;
	const struct proto_rule *r = rule_by_port(all, c, &server);
	if (r || all->opt.rules_len) {
		*ret_request_dir = server ^ 1;
		return r ? r->proto : NULL;
	}
	for (const struct proto *const *p = proto_all; *p; p++) {
		server = (*p)->transports & transport ? default_port_side(c, *p) : DIR_NONE;
		if (server == DIR_NONE)
			continue;
		*ret_request_dir = server ^ 1;
		return *p;
	}
	return NULL;
}

/* The best opinion about the first bytes of a direction. */
struct opinion {
	const struct proto *proto;
	enum probe probe;
	enum side side;
	bool more;
};

/* `tls`: only those are asked that may say so. */
static void ask_all(const struct conn *c, const u8 *p, size_t n, bool tls, struct opinion *best)
{
	const struct sessions *all = sessions_of(c);
	const struct session *s = session_of(c);
	for (const struct proto *const *at = proto_all; *at; at++) {
		enum side side = SIDE_REQUEST;
		if (!by_content(all, c, *at) || (tls && !(*at)->tells_tls))
			continue;
		enum probe probe = (*at)->probe(p, n, &side);
		best->more |= probe == PROBE_MORE;
		bool port = default_port_side(c, *at) != DIR_NONE;
		if (probe == PROBE_MAYBE && (port || s->maybe == (*at)->index + 1))
			probe = PROBE_SURE;
		if (probe < PROBE_MAYBE || (best->proto && (probe < best->probe || (probe == best->probe && (*at)->weight <= best->proto->weight))))
			continue;
		best->proto = *at;
		best->probe = probe;
		best->side = side;
	}
}

/* TLS record layer: hand-shake or alert of a version that exists (RFC 8446 section 5.1). */
static bool is_tls(const u8 *p, size_t n)
{
	return n >= 6 && (p[0] == 0x16 || p[0] == 0x15) && p[1] == 3 && p[2] <= 4 && (p[0] == 0x15 || p[5] <= 2);
}

/* These bytes are nobody's. The connection is given up when neither side can be read: a capture that begins in the middle of a
 * long answer shows the next request only after it. */
static enum parse nobodys(struct conn *c, int dir, struct chunk *chunk)
{
	struct session *s = session_of(c);
	s->flags |= dir == DIR_A ? S_NO_A : S_NO_B;
	s->looked[dir] = (u8)MIN(s->looked[dir] + 1 + chunk->n / 64, LOOK_MAX + 1);
	bool whole = c->half[0].flags & c->half[1].flags & HALF_SYN && !(s->flags & (S_PARTIAL_A | S_PARTIAL_B));
	bool both = (s->flags & (S_NO_A | S_NO_B)) == (S_NO_A | S_NO_B);
	if ((s->looked[DIR_A] > LOOK_MAX && s->looked[DIR_B] > LOOK_MAX) || (whole && both))
		return PARSE_NOT_MINE;
	chunk->used = chunk->n;
	return PARSE_DESYNC;
}

enum parse detect_stream(struct conn *c, int dir, struct chunk *chunk)
{
	struct session *s = session_of(c);
	struct opinion best = { 0 };
	if (s->looked[dir] > LOOK_MAX)
		return nobodys(c, dir, chunk);
	bool tls = is_tls(chunk->p, chunk->n);
	ask_all(c, chunk->p, chunk->n, tls, &best);
	if (tls && best.probe != PROBE_SURE && !(best.more && chunk->n < TLS_HELLO_BYTES))
		return PARSE_NOT_MINE;
	if (best.proto && best.probe == PROBE_SURE) {
		s->looked[0] = s->looked[1] = 0;
		int request_dir = best.side == SIDE_REQUEST ? dir : dir ^ 1;
		return session_start(c, best.proto, request_dir, false, NULL) ? PARSE_OK : PARSE_NOT_MINE;
	}
	if (best.proto)
		s->maybe = (u8)(best.proto->index + 1);
	if ((best.more || best.proto) && chunk->n < (tls ? TLS_HELLO_BYTES : LOOK_BYTES)) { /* more of them may tell, or the other side's */
		chunk->want = chunk->n + 1;
		return PARSE_MORE;
	}
	return nobodys(c, dir, chunk);
}

bool detect_datagram(struct conn *c, int dir, const struct segment *seg)
{
	struct session *s = session_of(c);
	struct opinion best = { 0 };
	ask_all(c, seg->payload, seg->caplen, false, &best);
	if (best.proto && best.probe == PROBE_SURE)
		return session_start(c, best.proto, best.side == SIDE_REQUEST ? dir : dir ^ 1, false, NULL);
	if (best.proto)
		s->maybe = (u8)(best.proto->index + 1);
	s->looked[0]++;
	if (s->looked[0] > LOOK_MAX / 8)
		conn_make_opaque(c);
	return false;
}
