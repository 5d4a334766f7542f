/* What stands before, or instead of, a protocol at the beginning of a connection: the header with which proxies tell whom they speak
 * for, and protocols that are known by name only. Internal to roundtrip/. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_ROUNDTRIP_PREAMBLE_H
#define PACKETD_ROUNDTRIP_PREAMBLE_H

#include "proto/parser.h"
#include "roundtrip/roundtrip.h"

enum preamble {
	PREAMBLE_NONE,   /* these bytes are something else */
	PREAMBLE_MORE,   /* too few of them to tell; *ret_n is how many are needed */
	PREAMBLE_PROXY,  /* a PROXY header of *ret_n bytes */
	PREAMBLE_MYSQLX, /* MySQL's X protocol */
};

/* Looks at the first bytes of a direction. `from` is filled in by a PROXY header that names an address; its port is 0 otherwise. */
enum preamble proxy_header_read(const u8 *p, size_t n, struct proxied *from, size_t *ret_n);
/* The same for the X protocol, of the side that serves or the other; `port` is the server's. */
enum preamble mysqlx_read(const u8 *p, size_t n, bool server, u16 port);

#endif
