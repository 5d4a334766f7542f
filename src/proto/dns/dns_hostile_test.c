/* Bytes that want to do harm, and bytes of others: names that loop, counts that lie, work that should explode, and what must
 * not be taken for DNS. */
#include "unit.h"

#include <time.h>

#include "proto/dns/dns_build.h"
#include "proto_feed.h"

enum { A = 1 };

static struct msg m;

/* Text of the name at `at` of a message that ends at an unreadable page; "!" when it is none. */
static struct str name_of(struct text *t, const struct msg *from, size_t at)
{
	struct guarded g = guarded_copy(from->b, from->n);
	struct rd r = rd_make(g.p + at, g.n - at), skip = r;
	t->n = 0;
	bool ok = dns_name_text(&r, g.p, true, t);
	if (ok) /* what is a name for one is for the other */
		assert_true(dns_name_skip(&skip, g.p) && skip.p == r.p);
	guarded_free(&g);
	return ok ? text_str(t) : STR("!");
}

static void check_name(size_t at, const char *expected)
{
	TEXT(t, DNS_NAME_TEXT);
	struct str got = name_of(&t, &m, at);
	if (!str_eq(got, str_from(expected)))
		fail_msg("got %.*s instead of %s", STR_ARG(got), expected);
}

static void test_name_text(void **state)
{
	msg_start(&m, 0, 0);
	msg_name(&m, "");
	check_name(12, ".");
	msg_start(&m, 0, 0);
	msg_bytes(&m, "\x06" "a.b\\ \xe9\x03" "d@\"\0", 12);
	check_name(12, "a\\.b\\\\\\032\\233.d@\".");
	msg_start(&m, 0, 0);
	msg_name(&m, "example.com");  /* 12 */
	msg_bytes(&m, "\x03www\xc0\x0c", 6); /* 25 */
	msg_bytes(&m, "\x01" "a\xc0\x19", 4); /* 31: a pointer to a name with a pointer */
	msg_bytes(&m, "\xc0\x1f", 2);  /* 35 */
	msg_bytes(&m, "\xc0\x18", 2);  /* 37: to the final root */
	check_name(25, "www.example.com.");
	check_name(31, "a.www.example.com.");
	check_name(35, "a.www.example.com.");
	check_name(37, ".");
}

static void test_name_nonsense(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
		{ "\xc0\x0c", 2 },         /* to itself */
		{ "\xc0\x0e\0", 3 },       /* forward */
		{ "\xc0\x00", 2 },         /* into the header */
		{ "\xc0\x0b", 2 },
		{ "\x01" "a\xc0\x0c", 4 }, /* to its own beginning */
		{ "\xff\xff", 2 },
		{ "\x40" "a", 2 },         /* label types 01 and 10 */
		{ "\x80" "a", 2 },
		{ "\x05" "ab", 3 },        /* longer than the message */
		{ "\x01" "a", 2 },         /* without an end */
		{ "\xc0", 1 },             /* half a pointer */
		{ "", 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		msg_start(&m, 0, 0);
		msg_bytes(&m, bad[i].bytes, bad[i].n);
		check_name(12, "!");
	}
	msg_start(&m, 0, 0); /* two pointers to each other */
	msg_bytes(&m, "\xc0\x0e\xc0\x0c", 4);
	check_name(14, "!");
	msg_start(&m, 0, 0); /* a name may not run on into the one that points to it */
	msg_bytes(&m, "\x03" "ab\xc0\x0c\0", 6);
	check_name(15, "!");
}

static void put_labels(size_t octets)
{
	msg_start(&m, 0, 0);
	for (size_t left = octets - 1; left;) {
		size_t n = MIN(left, 64) - 1;
		msg_u8(&m, (unsigned)n);
		for (size_t i = 0; i < n; i++)
			msg_u8(&m, 0xff); /* four characters each */
		left -= n + 1;
	}
	msg_u8(&m, 0);
}

static void test_name_limits(void **state)
{
	TEXT(t, DNS_NAME_TEXT);
	put_labels(255);
	assert_int_equal(m.n, 12 + 255);
	assert_int_equal(name_of(&t, &m, 12).n, (255 - 5) * 4 + 4);
	assert_false(t.cut);
	put_labels(256);
	check_name(12, "!");
	/* 255 octets gathered through pointers are too many as well */
	put_labels(255);
	msg_bytes(&m, "\x01" "a\xc0\x0c", 4);
	check_name(12 + 255, "!");
}

/* A chain of pointers, each to the one before. */
static void test_pointer_chain(void **state)
{
	msg_start(&m, 0, 0);
	msg_u8(&m, 0);
	size_t last = 12;
	for (int i = 0; i < 8000; i++) {
		size_t at = m.n;
		msg_u16(&m, 0xc000u | (unsigned)last);
		last = at;
	}
	check_name(last, ".");
}

/* What a parser says about one datagram from the server, after the query for it. */
static char *hear(const struct msg *answer)
{
	static struct msg query;
	msg_query(&query, 1, "a.example", A);
	struct feed_step steps[] = { { FEED_CLIENT, false, query.b, query.n }, { FEED_SERVER, false, answer->b, answer->n } };
	return feed_run(&proto_dns, steps, 2, &(struct feed_options){ .datagram = true }, &(struct feed_plan){ 0 });
}

static void test_rdlength_beyond(void **state)
{
	for (unsigned length = 5; length <= 0xffff; length = length * 2 + 1) {
		msg_answer(&m, 1, "a.example", A, 0);
		msg_a(&m, DNS_ANSWER, NULL, 1, 0x01020304);
		msg_rr(&m, DNS_ANSWER, NULL, 65280, 1, 1, "abcd", 4);
		m.b[m.n - 6] = (u8)(length >> 8);
		m.b[m.n - 5] = (u8)length;
		char *log = hear(&m);
		feed_has(log, "answered A a.example -> NOERROR 1.2.3.4");
		feed_has(log, "  < Message.Malformed=true");
		free(log);
	}
}

static void test_lying_counts(void **state)
{
	for (int section = 0; section < 4; section++) {
		msg_answer(&m, 1, "a.example", A, 0);
		msg_a(&m, DNS_ANSWER, NULL, 1, 0x01020304);
		m.b[4 + 2 * section] = m.b[5 + 2 * section] = 0xff;
		char *log = hear(&m);
		feed_has(log, section == 0 ? "answered A a.example -> NOERROR" : "answered A a.example -> NOERROR 1.2.3.4");
		feed_has(log, "  < Message.Malformed=true");
		free(log);
	}
}

/* A broken question is no question: not reported, and what follows is. */
static void test_bad_question(void **state)
{
	msg_start(&m, 1, DNS_QR);
	msg_bytes(&m, "\xc0\x0c\0\1\0\1", 6);
	m.b[5] = 1;
	char *log = hear(&m);
	feed_has(log, "open A a.example");
	feed_lacks(log, "answered A a.example -> NOERROR");
	free(log);
	msg_start(&m, 1, DNS_QR); /* no question, and an answer that is none */
	m.b[7] = 1;
	msg_bytes(&m, "\x50hello", 6);
	log = hear(&m);
	feed_has(log, "open A a.example");
	free(log);
}

static double seconds_of(const struct msg *answer, int times)
{
	clock_t start = clock();
	for (int i = 0; i < times; i++)
		free(hear(answer));
	return (double)(clock() - start) / CLOCKS_PER_SEC / times;
}

/* The heaviest messages of 64 KiB that could be thought of cost milliseconds, with sanitizers, not seconds. */
static void test_work_is_bounded(void **state)
{
	msg_answer(&m, 1, "a.example", A, 0);
	while (m.n < DNS_MESSAGE_MAX - 16)
		msg_a(&m, DNS_ANSWER, NULL, 1, 1);
	assert_true(seconds_of(&m, 10) < 0.2);

	msg_answer(&m, 1, "a.example", A, 0); /* each owner name ends in a chain of all the pointers before it */
	size_t last = 12;
	while (m.n < DNS_MESSAGE_MAX - 16) {
		size_t at = m.n;
		msg_u16(&m, 0xc000u | (unsigned)last);
		msg_bytes(&m, "\0\1\0\1\0\0\0\1\0\0", 10);
		msg_count(&m, DNS_ANSWER);
		if (at < 0x3fff)
			last = at;
	}
	assert_true(seconds_of(&m, 10) < 0.2);

	msg_start(&m, 1, DNS_QR); /* questions without end */
	while (m.n < DNS_MESSAGE_MAX - 5)
		msg_question(&m, "", A, 1);
	assert_true(seconds_of(&m, 10) < 0.2);

	msg_answer(&m, 1, "a.example", 47, 0); /* one record of many bits */
	msg_rr(&m, DNS_ANSWER, NULL, 47, 1, 1, "", 0);
	m.b[m.n - 2] = 0x22;
	m.b[m.n - 1] = 0x01;
	msg_u8(&m, 0);
	for (unsigned window = 0; window < 256; window++) {
		msg_u8(&m, window);
		msg_u8(&m, 32);
		for (int i = 0; i < 32; i++)
			msg_u8(&m, 0xff);
	}
	char *log = hear(&m);
	assert_non_null(strstr(log, "…\"}]\n"));
	feed_has(log, "  < Message.Malformed=false");
	free(log);
	assert_true(seconds_of(&m, 10) < 0.2);
}

/* Looking for a start in bytes that look like one everywhere. */
static void test_resync_is_bounded(void **state)
{
	static struct dns_state memory;
	struct parser ps = { .proto = &proto_dns, .state = &memory };
	for (size_t i = 0; i < 65536; i += 16) /* a length, a header of an answer with 64 questions */
		memcpy(m.b + i, "\xff\xf0\0\0\x80\0\0\x40\0\0\0\0\0\0\0\0", 16);
	struct chunk c = { .p = m.b, .n = 65536 };
	clock_t start = clock();
	for (int i = 0; i < 20; i++)
		dns_resync(&ps, &c);
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 2);
}

/* Every message with one byte changed, and random ones: whatever the parser makes of them, it does not fall over. */
static void test_mutations(void **state)
{
	u32 seed = 7;
	msg_answer(&m, 1, "a.example", 15, 0);
	MSG_RR(&m, DNS_ANSWER, NULL, 15, 1, 1, "\0\x0a\4mail\xc0\x0c");
	msg_soa(&m, DNS_AUTHORITY, NULL, 3);
	MSG_RR(&m, DNS_ADDITIONAL, "key", DNS_TYPE_TSIG, 255, 0, "\x01h\0" "\0\0\x65\0\0\0\x01\x2c\0\0\x12\x34\0\x11\0\0");
	MSG_OPT(&m, 1232, 0x8000, "\0\x08\0\x07\0\x01\x18\0\xc0\0\x02\0\x0f\0\x02\0\x16");
	for (size_t at = 0; at < m.n; at++) {
		for (unsigned v = 0; v < 256; v += at < 40 ? 1 : 5) {
			u8 was = m.b[at];
			m.b[at] = (u8)v;
			free(hear(&m));
			m.b[at] = was;
		}
	}
	for (int i = 0; i < 2000; i++) {
		struct msg copy = { .n = m.n };
		memcpy(copy.b, m.b, m.n);
		for (int k = 0; k < 4; k++) {
			seed = seed * 1103515245 + 12345;
			copy.b[(seed >> 8) % copy.n] = (u8)(seed >> 20);
		}
		free(hear(&copy));
	}
}

static enum probe probe_of(const void *p, size_t n, enum side *side)
{
	struct guarded g = guarded_copy(p, n);
	enum probe found = dns_probe(g.p, g.n, side);
	guarded_free(&g);
	return found;
}

static void test_probe(void **state)
{
	struct msg framed = { .n = 0 };
	enum side side = SIDE_RESPONSE;
	msg_query(&m, 99, "example.com", A);
	MSG_OPT(&m, 1232, 0x8000, "");
	assert_int_equal(probe_of(m.b, m.n, &side), PROBE_SURE);
	assert_int_equal(side, SIDE_REQUEST);
	for (size_t n = 0; n < m.n; n++) /* cut by the capture: it takes a port to believe it */
		assert_true(n < DNS_HEADER + 2 ? probe_of(m.b, n, &side) < PROBE_MAYBE : probe_of(m.b, n, &side) == PROBE_MAYBE);
	msg_framed(&framed, &m);
	assert_int_equal(probe_of(framed.b, framed.n, &side), PROBE_SURE);
	assert_int_equal(side, SIDE_REQUEST);
	for (size_t n = 0; n < framed.n; n++)
		assert_int_equal(probe_of(framed.b, n, &side), PROBE_MORE);

	framed.n = 0;
	msg_answer(&m, 99, "example.com", A, 0);
	msg_a(&m, DNS_ANSWER, NULL, 1, 1);
	msg_a(&m, DNS_ANSWER, NULL, 1, 2);
	assert_int_equal(probe_of(m.b, m.n, &side), PROBE_SURE);
	assert_int_equal(side, SIDE_RESPONSE);
	msg_framed(&framed, &m);
	assert_int_equal(probe_of(framed.b, framed.n, &side), PROBE_SURE);
	assert_int_equal(probe_of(framed.b, framed.n - 1, &side), PROBE_SURE); /* a question and a record */
	msg_start(&m, 99, DNS_QR | 1);
	assert_int_equal(probe_of(m.b, m.n, &side), PROBE_MAYBE);
	msg_start(&m, 0, DNS_QR | DNS_AA); /* an announcement */
	MSG_RR(&m, DNS_ANSWER, "h.local", A, 0x8001, 120, "\1\2\3\4");
	assert_int_equal(probe_of(m.b, m.n, &side), PROBE_SURE);
	msg_start(&m, 99, DNS_RD); /* a cookie without a question */
	MSG_OPT(&m, 1232, 0, "\0\x0a\0\x08" "abcdefgh");
	assert_int_equal(probe_of(m.b, m.n, &side), PROBE_MAYBE);
	msg_query(&m, 99, "example.com", A);
	msg_u8(&m, 'x'); /* one byte too many */
	assert_int_equal(probe_of(m.b, m.n, &side), PROBE_MAYBE);
}

static void test_probe_others(void **state)
{
#define OTHER(literal) { literal, sizeof(literal) - 1 }
	static const struct {
		const char *bytes;
		size_t n;
	} others[] = {
		OTHER("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"),
		OTHER("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
		OTHER("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n"),
		OTHER("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 abcdefghijklmnopqrstuvwxyz"),
		OTHER("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2\r\n"),
		OTHER("\x23\x00\x06\xec\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), /* NTP */
		OTHER("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		OTHER("\0\x01\0\0\x21\x12\xa4\x42" "abcdefghijkl"), /* STUN */
		OTHER("\xc3\0\0\0\x01\x08" "abcdefgh\0\0\x44\xd0" "abcdefghijklmnopqrstuvwxyz"), /* QUIC */
		OTHER("\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x04\x01\x02\x03\x04\x02\x01\x00\x02\x01\x00"), /* SNMP */
		OTHER("\0\x01test.bin\0octet\0"), /* TFTP */
		OTHER("\x80\xf0\x01\x10\0\x01\0\0\0\0\0\0\x20" "EFEJEKEPEFCACACACACACACACACACAAA\0\0\x20\0\x01"), /* NBNS query */
		OTHER("\x80\xf0\x85\0\0\0\0\x01\0\0\0\0\x20" "EFEJEKEPEFCACACACACACACACACACAAA\0\0\x20\0\x01\0\0\0\0\0\x06\0\0\1\2\3\4"), /* and answer */
		OTHER("\x80\xf0\0\0\0\x01\0\0\0\0\0\0\x20" "CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\x01"), /* NBSTAT */
		OTHER("\xff\xff\xff\xffTSource Engine Query"),
		OTHER("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"), /* DHT */
		OTHER("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n"),
		OTHER("<134>1 2024-01-01T00:00:00Z host app - - - message text here"),
		OTHER("\0\0\0\x17\x03\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0"),
	};
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		enum side side;
		enum probe found = probe_of(others[i].bytes, others[i].n, &side);
		if (found != PROBE_NO && found != PROBE_MORE)
			fail_msg("bytes of another protocol, number %zu, are taken for DNS: %d", i, found);
		if (found == PROBE_MORE && others[i].n >= 512)
			fail_msg("number %zu is never decided", i);
	}
}

/* Random datagrams, dense and sparse. */
static void test_probe_random(void **state)
{
	u64 x = 88172645463325252ull;
	u32 maybe = 0;
	for (int i = 0; i < 2000000; i++) {
		u8 b[96];
		for (size_t k = 0; k < sizeof(b); k += 8) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			memcpy(b + k, &x, 8);
		}
		for (size_t k = 2; k < sizeof(b) && i % 4; k++) /* mostly zeros and small numbers */
			b[k] = b[k] % (2 + i % 4) ? 0 : b[k] & 3;
		enum side side;
		enum probe found = dns_probe(b, 12 + x % 84, &side);
		assert_int_not_equal(found, PROBE_SURE);
		maybe += found == PROBE_MAYBE;
	}
	assert_true(maybe < 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_text), cmocka_unit_test(test_name_nonsense), cmocka_unit_test(test_name_limits),
		cmocka_unit_test(test_pointer_chain), cmocka_unit_test(test_rdlength_beyond), cmocka_unit_test(test_lying_counts),
		cmocka_unit_test(test_bad_question), cmocka_unit_test(test_work_is_bounded), cmocka_unit_test(test_resync_is_bounded),
		cmocka_unit_test(test_mutations), cmocka_unit_test(test_probe), cmocka_unit_test(test_probe_others),
		cmocka_unit_test(test_probe_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
