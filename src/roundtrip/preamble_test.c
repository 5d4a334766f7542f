/* What stands before a protocol: PROXY headers in all forms, and what only looks like one. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "net/net.h"
#include "roundtrip/preamble.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

/* Read from memory that ends with it, and as far as each of its beginnings goes. */
static enum preamble look(const void *p, size_t n, struct proxied *from, size_t *ret_n)
{
	for (size_t part = 0; part < n; part++) {
		struct guarded g = guarded_copy(p, part);
		enum preamble is = proxy_header_read((const u8 *)g.p, part, from, ret_n);
		if (is == PREAMBLE_PROXY) {
			guarded_free(&g);
			return is;
		}
		if (is == PREAMBLE_MORE)
			assert_true(*ret_n > part);
		guarded_free(&g);
	}
	struct guarded g = guarded_copy(p, n);
	enum preamble is = proxy_header_read((const u8 *)g.p, n, from, ret_n);
	guarded_free(&g);
	return is;
}

static void is_header(const void *p, size_t n, const char *address, u16 port)
{
	struct proxied from = { 0 };
	size_t size = 0;
	char text[47] = { 0 };
	assert_int_equal(look(p, n, &from, &size), PREAMBLE_PROXY);
	assert_int_equal(size, n);
	assert_int_equal(from.port, port);
	if (!port)
		return;
	text[ip_format(&from.addr, text)] = '\0';
	assert_string_equal(text, address);
}

#define HEADER(literal, address, port) is_header(literal, sizeof(literal) - 1, address, port)

static void lines(void **state)
{
	HEADER("PROXY TCP4 203.0.113.7 10.0.0.1 51234 80\r\n", "203.0.113.7", 51234);
	HEADER("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255", 65535);
	HEADER("PROXY TCP6 2001:db8::7 2001:db8::1 51234 80\r\n", "2001:db8::7", 51234);
	HEADER("PROXY UNKNOWN\r\n", "", 0);
	HEADER("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "", 0);
}

static void binaries(void **state)
{
	HEADER(SIGNATURE "\x21\x11\0\x0c\xcb\0\x71\7\x0a\0\0\1\xc8\x22\0\x50", "203.0.113.7", 51234);
	HEADER(SIGNATURE "\x21\x11\0\x13\xcb\0\x71\7\x0a\0\0\1\xc8\x22\0\x50\4\0\4....", "203.0.113.7", 51234);
	HEADER(SIGNATURE "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\xc8\x22\0\x50", "2001:db8::7", 51234);
	HEADER(SIGNATURE "\x20\0\0\0", "", 0);
	HEADER(SIGNATURE "\x20\x11\0\x0c\xcb\0\x71\7\x0a\0\0\1\xc8\x22\0\x50", "", 0);
	HEADER(SIGNATURE "\x21\0\0\0", "", 0);
}

static void others(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} all[] = {
#define OTHER(literal) { literal, sizeof(literal) - 1 }
		OTHER("POST / HTTP/1.1\r\n\r\n"), OTHER("PING\r\n"), OTHER("PROXY\r\n"), OTHER("PROXYING THINGS\r\n"), OTHER("PROXY TCP4\r\n"),
		OTHER("PROXY TCP5 203.0.113.7 10.0.0.1 51234 80\r\n"), OTHER("PROXY TCP4 203.0.113.777 10.0.0.1 51234 80\r\n"),
		OTHER("PROXY TCP4 203.0.113.7 10.0.0.1 51234 80 1\r\n"), OTHER("PROXY TCP4 203.0.113.7 10.0.0.1 512345 80\r\n"),
		OTHER("PROXY TCP4 203.0.113.7 10.0.0.1 65536 80\r\n"), OTHER("PROXY TCP4 203.0.113.7 10.0.0.1 51234\r\n"),
		OTHER("PROXY TCP4 203.0.113.7 10.0.0.1 051234 80\r\n"), OTHER("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n"),
		OTHER("PROXY TCP4 203.0.113.7 10.0.0.1 51234 80\rX"), OTHER("PROXY  TCP4 203.0.113.7 10.0.0.1 51234 80\r\n"),
		OTHER("PROXY UNKNOWN 01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\r\n"),
		OTHER("\r\n"), OTHER("\r\nGET / HTTP/1.1\r\n\r\n"), OTHER("\r\n\r\n\0\r\nQUIT\r"),
		OTHER(SIGNATURE "\x31\x11\0\x0c\xcb\0\x71\7\x0a\0\0\1\xc8\x22\0\x50"), OTHER(SIGNATURE "\x21\x41\0\x0c\xcb\0\x71\7\x0a\0\0\1\xc8\x22\0\x50"),
		OTHER(SIGNATURE "\x21\x11\0\x0b\xcb\0\x71\7\x0a\0\0\1\xc8\x22\0"), OTHER(SIGNATURE "\x21\x11\x7f\xff"), OTHER(SIGNATURE "\x22\x11\0\0"),
#undef OTHER
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct proxied from = { 0 };
		size_t n = 0;
		enum preamble is = look(all[i].p, all[i].n, &from, &n);
		if (is == PREAMBLE_PROXY || (is == PREAMBLE_MORE && all[i].n > 2))
			fail_msg("%zu: %s is taken for a header", i, all[i].p);
		assert_int_equal(from.port, 0);
	}
}

static enum preamble x(const char *p, size_t n, bool server, u16 port)
{
	enum preamble last = PREAMBLE_NONE;
	for (size_t part = 0; part <= n; part++) {
		struct guarded g = guarded_copy(p, part);
		last = mysqlx_read((const u8 *)g.p, part, server, port);
		guarded_free(&g);
	}
	return last;
}

#define X(literal, server, port) x(literal, sizeof(literal) - 1, server, port)

static void mysqlx(void **state)
{
	assert_int_equal(X("\5\0\0\0\x0b\x08\5\x1a\0", true, 4000), PREAMBLE_MYSQLX);
	assert_int_equal(X("\1\0\0\0\1", false, 33060), PREAMBLE_MYSQLX);
	assert_int_equal(X("\x13\0\0\0\2\x0a\x10\x0a\x0e\x0a\3tls\x12\7\x08\1\x12\3\x08\7\x40", false, 4000), PREAMBLE_MYSQLX);
	assert_int_equal(X("\x12\0\0\0\4\x0a\7MYSQL41\x12\4data", false, 4000), PREAMBLE_MYSQLX);
	assert_int_equal(X("\x13\0\0\0\2\x0a\x0e\x0a\3tls\x12\7\x08\1\x12\3\x08\7\x40..", true, 4000), PREAMBLE_MYSQLX);
	/* MySQL's QUIT, other lengths, other words */
	assert_int_equal(X("\1\0\0\0\1", false, 3306), PREAMBLE_NONE);
	assert_int_equal(X("\1\0\0\0\1", true, 33060), PREAMBLE_NONE);
	assert_int_equal(X("\x12\0\0\0\4\x0a\7GARBAGE\x12\4data", false, 33060), PREAMBLE_NONE);
	assert_int_equal(X("\x0d\0\0\0\3select 1    ", false, 33060), PREAMBLE_NONE);
	assert_int_equal(X("\x12\0\0\0\4\x0a\xff\xff\x7fxx", false, 33060), PREAMBLE_NONE);
	assert_int_equal(X("\0\0\0\0\0\0\0\0\0", true, 33060), PREAMBLE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines), cmocka_unit_test(binaries), cmocka_unit_test(others), cmocka_unit_test(mysqlx),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
