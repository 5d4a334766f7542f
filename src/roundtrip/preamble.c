/* The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt), and the first messages of MySQL's X protocol (mysqlx.proto). */
#include "roundtrip/preamble.h"

#include "net/net.h"
#include "util/rd.h"

#define TEXT_MAX 107   /* bytes of a header of version 1, its line end included */
#define BINARY_HEAD 16u
#define BINARY_MAX 4096u /* bytes of addresses and of what senders add to them */

static const u8 signature[12] = { '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n' };

static bool begins(const u8 *p, size_t n, const void *with, size_t len)
{
	return memcmp(p, with, MIN(n, len)) == 0;
}

/* The text up to the next space, which is consumed. */
static struct str word_read(struct rd *r)
{
	const u8 *space = rd_left(r) ? memchr(r->p, ' ', rd_left(r)) : NULL;
	struct str s = rd_str(r, space ? (size_t)(space - r->p) : rd_left(r));
	if (space)
		rd_skip(r, 1);
	return s;
}

static bool port_read(struct rd *r, u16 *ret)
{
	struct str s = word_read(r);
	u32 v = 0;
	for (u32 i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (u32)(s.p[i] - '0');
	}
	*ret = (u16)v;
	return s.n && s.n <= 5 && v <= UINT16_MAX && (s.n == 1 || s.p[0] != '0');
}

/* "TCP4 203.0.113.7 10.0.0.1 51234 80", or UNKNOWN and anything. */
static bool line_take(struct str line, struct proxied *from)
{
	struct rd r = rd_make(line.p, line.n);
	struct ip_addr to;
	u16 port;
	struct str family = word_read(&r);
	if (str_eq(family, STR("UNKNOWN")))
		return true;
	bool v6 = str_eq(family, STR("TCP6"));
	if (!v6 && !str_eq(family, STR("TCP4")))
		return false;
	bool good = ip_parse(word_read(&r), &from->addr) && ip_parse(word_read(&r), &to) && port_read(&r, &from->port) && port_read(&r, &port);
	return good && !rd_left(&r) && (v6 || ip_is_v4(&from->addr));
}

static enum preamble line_read(const u8 *p, size_t n, struct proxied *from, size_t *ret_n)
{
	static const char word[6] = "PROXY ";
	if (!begins(p, n, word, sizeof(word)))
		return PREAMBLE_NONE;
	const u8 *end = memchr(p, '\r', MIN(n, (size_t)TEXT_MAX));
	*ret_n = n + 1;
	if (!end)
		return n >= TEXT_MAX ? PREAMBLE_NONE : PREAMBLE_MORE;
	if (end + 1 == p + n)
		return PREAMBLE_MORE;
	*ret_n = (size_t)(end - p) + 2;
	if (end[1] != '\n' || *ret_n < sizeof(word) || !line_take(str_make(p + sizeof(word), (size_t)(end - p) - sizeof(word)), from))
		return PREAMBLE_NONE;
	return PREAMBLE_PROXY;
}

/* Bytes of the two addresses and ports; -1 for a family that does not exist. */
static int addresses_size(u8 family)
{
	switch (family) {
	case 0x00:
		return 0;
	case 0x11:
	case 0x12:
		return 12;
	case 0x21:
	case 0x22:
		return 36;
	case 0x31:
	case 0x32:
		return 216;
	default:
		return -1;
	}
}

static void address_take(const u8 *p, u8 family, struct proxied *from)
{
	*from = (struct proxied){ 0 };
	if (family >> 4 == 1) {
		memset(from->addr.b + 10, 0xff, 2);
		memcpy(from->addr.b + 12, p, 4);
		from->port = be16(p + 8);
	} else if (family >> 4 == 2) {
		memcpy(from->addr.b, p, 16);
		from->port = be16(p + 32);
	}
}

static enum preamble binary_read(const u8 *p, size_t n, struct proxied *from, size_t *ret_n)
{
	if (!begins(p, n, signature, sizeof(signature)))
		return PREAMBLE_NONE;
	*ret_n = BINARY_HEAD;
	if (n < BINARY_HEAD)
		return PREAMBLE_MORE;
	u32 len = be16(p + 14);
	bool local = p[12] == 0x20; /* the proxy speaks for itself */
	int size = addresses_size(p[13]);
	if ((p[12] != 0x21 && !local) || len > BINARY_MAX || (!local && (size < 0 || len < (u32)size)))
		return PREAMBLE_NONE;
	*ret_n = BINARY_HEAD + len;
	if (n < *ret_n)
		return PREAMBLE_MORE;
	if (!local)
		address_take(p + BINARY_HEAD, p[13], from);
	return PREAMBLE_PROXY;
}

enum preamble proxy_header_read(const u8 *p, size_t n, struct proxied *from, size_t *ret_n)
{
	struct proxied found = { 0 };
	enum preamble is = n && *p == 'P' ? line_read(p, n, &found, ret_n) : n && *p == '\r' ? binary_read(p, n, &found, ret_n) : PREAMBLE_NONE;
	if (is == PREAMBLE_PROXY)
		*from = found;
	return is;
}

/* --- MySQL's X protocol: length (4), type, protobuf --- */

enum { X_HEAD = 5, X_LOOK = 4096 };
enum { X_CAPABILITIES_GET = 1, X_CAPABILITIES_SET = 2, X_AUTHENTICATE_START = 4, X_CAPABILITIES = 2, X_NOTICE = 11 };

/* A protobuf field of bytes with number 1, whose length is below 128 or within two bytes. */
static struct rd first_bytes(struct rd r)
{
	if (rd_u8(&r) != 0x0a)
		rd_fail(&r);
	u32 n = rd_u8(&r);
	if (n & 0x80)
		n = (n & 0x7f) | (u32)rd_u8(&r) << 7;
	if (n > 0x3fff || n > rd_left(&r))
		rd_fail(&r);
	return r.bad ? r : rd_make(r.p, n);
}

/* Capability { name, value } within Capabilities. */
static bool is_capability(struct rd r)
{
	struct rd capability = first_bytes(r);
	struct rd name = first_bytes(capability);
	if (capability.bad || name.bad || rd_left(&name) < 3)
		return false;
	for (const u8 *p = name.p; p < name.end; p++)
		if (!(*p >= 'a' && *p <= 'z') && *p != '_' && *p != '.')
			return false;
	return rd_left(&name) + 2 < rd_left(&capability) && name.end[0] == 0x12;
}

static bool is_mechanism(struct rd r)
{
	static const char *const names[] = { "MYSQL41", "PLAIN", "SHA256_MEMORY", "EXTERNAL" };
	struct rd name = first_bytes(r);
	for (size_t i = 0; i < ARRAY_LEN(names) && !name.bad; i++)
		if (str_eq(str_make(name.p, rd_left(&name)), str_from(names[i])))
			return true;
	return false;
}

/* Notice { type: SERVER_HELLO } */
static bool is_hello(const u8 *p, size_t n)
{
	static const u8 hello[] = { 5, 0, 0, 0, X_NOTICE, 8, 5, 0x1a, 0 };
	return n >= sizeof(hello) && memcmp(p, hello, sizeof(hello)) == 0;
}

enum preamble mysqlx_read(const u8 *p, size_t n, bool server, u16 port)
{
	if (n < X_HEAD || le32(p) < 1 || le32(p) > X_LOOK)
		return PREAMBLE_NONE;
	size_t size = le32(p) - 1;
	if (p[4] == X_CAPABILITIES_GET && !server) /* the same bytes as MySQL's QUIT, which nobody says first */
		return size == 0 && n == X_HEAD && port == 33060 ? PREAMBLE_MYSQLX : PREAMBLE_NONE;
	struct rd r = rd_make(p + X_HEAD, MIN(size, n - X_HEAD));
	bool is = server ? is_hello(p, n) || (p[4] == X_CAPABILITIES && is_capability(r))
			 : (p[4] == X_CAPABILITIES_SET && is_capability(first_bytes(r))) || (p[4] == X_AUTHENTICATE_START && is_mechanism(r));
	return is ? PREAMBLE_MYSQLX : PREAMBLE_NONE;
}
