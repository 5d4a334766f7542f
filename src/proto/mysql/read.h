/* The calls between the files that read a connection: packets.c cuts packets out of bytes, unpack.c bytes out of compressed ones,
 * request.c and login.c understand the client's, response.c and answer.c the server's, probe.c both without state. They hold no
 * memory of their own. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MYSQL_READ_H
#define PACKETD_PROTO_MYSQL_READ_H

#include "proto/mysql/mysql.h"

enum { CLIENT_LANE, SERVER_LANE };

/* A packet, or as much of its beginning as was asked for. */
struct mysql_packet {
	const u8 *p; /* payload */
	u32 have;    /* bytes of it at p */
	u32 len;     /* and in all */
	u8 seq;
};

/* The bytes of the chunk as packets. `ps->chunk` is the chunk. */
enum parse mysql_packets(struct parser *ps, struct mysql_state *s, struct chunk *c);

/* How much of a packet of this length is to be looked at. first: its first byte, -1 when it is empty. */
u32 mysql_request_look(const struct parser *ps, const struct mysql_state *s, u32 len, int first, u8 seq);
u32 mysql_response_look(const struct mysql_state *s, u32 len, int first);
/* A packet begins. False: it makes no sense here. */
bool mysql_request_take(struct parser *ps, struct mysql_state *s, const struct mysql_packet *p);
bool mysql_response_take(struct parser *ps, struct mysql_state *s, const struct mysql_packet *p);
/* Its last byte has come. False: nothing more of the connection is read. */
bool mysql_request_end(struct parser *ps, struct mysql_state *s);
bool mysql_response_end(struct parser *ps, struct mysql_state *s);
/* Rows whose beginning shows that they are nothing else, as many as there are. */
void mysql_rows_pass(struct mysql_state *s, struct chunk *c);

/* A request of the client begins here. */
struct mysql_request *mysql_request_begin(struct parser *ps, struct mysql_state *s, u8 com, const struct mysql_packet *p);
/* What is bound to a statement: types, and the values if they are wanted. `known`: the prepared one, NULL when its number is still to
 * come; the cursor is behind the number. */
struct mysql_statement;
void mysql_parameters_take(const struct parser *ps, struct mysql_state *s, struct mysql_request *q, struct mysql_statement *known, struct rd r);
/* The attributes before a statement (WL#12542): the cursor moves behind them. */
void mysql_attributes_take(const struct parser *ps, struct mysql_state *s, struct mysql_request *q, struct rd *r);
/* Logging in. */
bool mysql_login_take(struct parser *ps, struct mysql_state *s, const struct mysql_packet *p);
bool mysql_greeting_take(struct parser *ps, struct mysql_state *s, const struct mysql_packet *p);
void mysql_change_user_take(struct mysql_request *q, const struct mysql_state *s, struct rd r);
bool mysql_login_plausible(const u8 *p, size_t have, u64 len);
bool mysql_greeting_plausible(const u8 *p, size_t have, u64 len);
/* The client is who it said it was. */
void mysql_login_apply(struct mysql_state *s, const struct mysql_request *q, struct mysql_response *a);
void mysql_database_set(struct mysql_state *s, struct str name);

/* What the kinds of packets say. */
void mysql_ok_take(struct mysql_state *s, struct mysql_response *a, const struct mysql_packet *p);
void mysql_eof_take(struct mysql_response *a, const struct mysql_packet *p);
void mysql_error_take(struct mysql_response *a, const struct mysql_packet *p, bool masked);
bool mysql_is_progress(const struct mysql_packet *p);
bool mysql_error_plausible(const u8 *p, size_t have);

/* proto->probe and proto->resync. */
enum probe mysql_probe(const u8 *p, size_t n, enum side *side);
long mysql_resync(struct parser *ps, const struct chunk *c);

static inline u32 mysql_lane_of(const struct parser *ps)
{
	return ps->dir == ps->request_dir ? CLIENT_LANE : SERVER_LANE;
}

#endif
