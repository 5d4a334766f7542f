/* MySQL's protocol on the wire: commands, flags, integers of variable length. Borrows the bytes; owns nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MYSQL_WIRE_H
#define PACKETD_PROTO_MYSQL_WIRE_H

#include "util/rd.h"

#define MYSQL_HEADER 4u            /* bytes: length (3), sequence number */
#define MYSQL_PACKET_MAX 0xffffffu /* a packet of this length is continued by the next one */
#define MYSQL_LAST_ID UINT32_MAX   /* MariaDB: the statement prepared last */

enum mysql_com {
	COM_SLEEP, COM_QUIT, COM_INIT_DB, COM_QUERY, COM_FIELD_LIST, COM_CREATE_DB, COM_DROP_DB, COM_REFRESH, COM_SHUTDOWN, COM_STATISTICS,
	COM_PROCESS_INFO, COM_CONNECT, COM_PROCESS_KILL, COM_DEBUG, COM_PING, COM_TIME, COM_DELAYED_INSERT, COM_CHANGE_USER, COM_BINLOG_DUMP,
	COM_TABLE_DUMP, COM_CONNECT_OUT, COM_REGISTER_SLAVE, COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_SEND_LONG_DATA, COM_STMT_CLOSE,
	COM_STMT_RESET, COM_SET_OPTION, COM_STMT_FETCH, COM_DAEMON, COM_BINLOG_DUMP_GTID, COM_RESET_CONNECTION, COM_CLONE,
	COM_SUBSCRIBE_GROUP_REPLICATION_STREAM,
	COM_STMT_BULK_EXECUTE = 0xfa, /* MariaDB */
	/* Not commands, but exchanges: */
	COM_LOGIN = 0xe0,
	COM_SSL_REQUEST,
};

enum {
	CAP_MYSQL = 1 << 0, /* CLIENT_LONG_PASSWORD; MariaDB leaves it out when it has flags of its own */
	CAP_CONNECT_WITH_DB = 1 << 3,
	CAP_COMPRESS = 1 << 5,
	CAP_PROTOCOL_41 = 1 << 9,
	CAP_SSL = 1 << 11,
	CAP_SECURE_CONNECTION = 1 << 15,
	CAP_PLUGIN_AUTH = 1 << 19,
	CAP_CONNECT_ATTRS = 1 << 20,
	CAP_PLUGIN_AUTH_LENENC = 1 << 21,
	CAP_SESSION_TRACK = 1 << 23,
	CAP_DEPRECATE_EOF = 1 << 24,
	CAP_OPTIONAL_METADATA = 1 << 25,
	CAP_ZSTD = 1 << 26,
	CAP_QUERY_ATTRIBUTES = 1 << 27,
};

enum { MARIA_CACHE_METADATA = 1 << 4 };

enum {
	STATUS_MORE_RESULTS = 0x0008,
	STATUS_CURSOR_EXISTS = 0x0040,
	STATUS_SESSION_CHANGED = 0x4000,
};

enum { HEAD_OK = 0x00, HEAD_INFILE = 0xfb, HEAD_EOF = 0xfe, HEAD_ERROR = 0xff };

struct mysql_command {
	const char *name; /* of the output; "" for a byte that is none */
	u8 least;         /* bytes of its payload, the command byte included */
	u8 most;          /* 0: any number */
};

/* Never NULL. */
const struct mysql_command *mysql_command(u8 com);
/* Output name of the type of a parameter or column. */
const char *mysql_type_name(u8 type);

/* An integer of variable length; sets bad when it is NULL or none. */
static inline u64 rd_lenenc(struct rd *r)
{
	u8 first = rd_u8(r);
	switch (first) {
	case 0xfb:
	case 0xff:
		rd_fail(r);
		return 0;
	case 0xfc:
		return rd_u16le(r);
	case 0xfd:
		return rd_u24le(r);
	case 0xfe:
		return rd_u64le(r);
	default:
		return first;
	}
}

/* A string with its length before it. */
static inline struct str rd_lenenc_str(struct rd *r)
{
	u64 n = rd_lenenc(r);
	if (n > rd_left(r))
		rd_fail(r);
	return r->bad ? (struct str){ 0 } : rd_str(r, (size_t)n);
}

/* A string up to a NUL, which is consumed, or up to the end. */
static inline struct str rd_nul_str(struct rd *r)
{
	const u8 *end = rd_left(r) ? memchr(r->p, 0, rd_left(r)) : NULL;
	struct str s = rd_str(r, end ? (size_t)(end - r->p) : rd_left(r));
	if (end)
		rd_skip(r, 1);
	return s;
}

#endif
