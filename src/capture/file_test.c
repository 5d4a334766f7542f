/* The engine "file": every form of capture file, from files and pipes, with filters. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture_image.h"

static void test_pcap_forms(void **state)
{
	static const struct {
		u32 magic, factor;
	} forms[] = { { 0xa1b2c3d4, 1000 }, { 0xa1b23c4d, 1 } };
	for (int big = 0; big < 2; big++) {
		for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
			struct image m = { .big = big };
			image_pcap(&m, forms[i].magic, LINKTYPE_LINUX_SLL);
			image_record(&m, 1700000000, 123456, 0, 60, 60);
			image_record(&m, 4294967295u, 999999, 1, 10, 1500);
			image_record(&m, 0, 0, 2, 0, 70);
			image_record(&m, 1, 2, 3, 70, 7); /* more captured than there was */
			assert_int_equal(image_read(&m, NULL), -ENODATA);
			assert_int_equal(image_result.n, 4);
			assert_string_equal(image_result.warning, "");
			assert_int_equal(image_result.packets[0].ts, 1700000000 * NS_PER_SEC + 123456 * forms[i].factor);
			assert_int_equal(image_result.packets[1].ts, 4294967295 * NS_PER_SEC + 999999 * forms[i].factor);
			assert_int_equal(image_result.packets[1].len, 1500);
			assert_int_equal(image_result.packets[1].caplen, 10);
			assert_int_equal(image_result.packets[0].linktype, LINKTYPE_LINUX_SLL);
			assert_int_equal(image_result.packets[3].len, 70);
			assert_int_equal(image_result.stats.bytes, m.b.len);
			assert_int_equal(image_result.stats.total, m.b.len);
			image_done(&m);
		}
	}
}

static void test_pcap_modified(void **state)
{
	for (int big = 0; big < 2; big++) {
		struct image m = { .big = big };
		image_pcap(&m, 0xa1b2cd34, LINKTYPE_ETHERNET);
		for (u32 i = 0; i < 20; i++) {
			image_record(&m, i, i, i, 0, 0);
			m.b.len -= 8;
			image_u32(&m, 50 + i);
			image_u32(&m, 500);
			image_u32(&m, 3 + i);
			image_u16(&m, 0x0800);
			image_u8(&m, i % 2 ? 4 : 0);
			image_u8(&m, 0);
			image_data(&m, i, 50 + i);
		}
		assert_int_equal(image_read(&m, NULL), -ENODATA);
		assert_int_equal(image_result.n, 20);
		assert_int_equal(image_result.packets[19].ifindex, 22);
		assert_int_equal(image_result.packets[19].caplen, 69);
		assert_int_equal(image_result.packets[18].direction, PACKET_IN);
		assert_int_equal(image_result.packets[19].direction, PACKET_OUT);
		image_done(&m);
	}
}

/* 2.3 and older: the length on the wire came first. */
static void test_pcap_old_version(void **state)
{
	struct image m = { 0 };
	image_pcap(&m, 0xa1b2c3d4, LINKTYPE_ETHERNET);
	m.b.data[6] = 2;
	image_u32(&m, 5);
	image_u32(&m, 6);
	image_u32(&m, 1400);
	image_u32(&m, 30);
	image_data(&m, 0, 30);
	assert_int_equal(image_read(&m, NULL), -ENODATA);
	assert_int_equal(image_result.n, 1);
	assert_int_equal(image_result.packets[0].caplen, 30);
	assert_int_equal(image_result.packets[0].len, 1400);
	image_done(&m);
}

/* cat a.pcap b.pcap, of different link types, resolutions and byte orders. */
static void test_pcap_concatenated(void **state)
{
	struct image m = { 0 };
	image_pcap(&m, 0xa1b2c3d4, LINKTYPE_ETHERNET);
	for (u32 i = 0; i < 10; i++)
		image_record(&m, 1, 1, i, 100, 100);
	m.big = true;
	image_pcap(&m, 0xa1b23c4d, LINKTYPE_RAW);
	for (u32 i = 10; i < 20; i++)
		image_record(&m, 1, 1, i, 100, 100);
	assert_int_equal(image_read(&m, NULL), -ENODATA);
	assert_int_equal(image_result.n, 20);
	assert_int_equal(image_result.packets[9].linktype, LINKTYPE_ETHERNET);
	assert_int_equal(image_result.packets[9].ts, NS_PER_SEC + 1000);
	assert_int_equal(image_result.packets[10].linktype, LINKTYPE_RAW);
	assert_int_equal(image_result.packets[10].ts, NS_PER_SEC + 1);
	image_done(&m);
}

static void test_pcapng(void **state)
{
	for (int big = 0; big < 2; big++) {
		struct image m = { .big = big };
		image_sample(&m);
		assert_int_equal(image_read(&m, NULL), -ENODATA);
		assert_string_equal(image_result.warning, "");
		assert_int_equal(image_result.n, 3);
		image_check_sample(0);
		image_done(&m);
	}
}

/* Sections of both byte orders in one file; the second describes its interfaces anew. */
static void test_pcapng_sections(void **state)
{
	struct image m = { 0 };
	image_sample(&m);
	m.big = true;
	image_section(&m);
	image_interface(&m, LINKTYPE_LINUX_SLL2, 0, "any", 6, 0);
	image_packet(&m, 0, 1, 3, 40, 40, 0);
	assert_int_equal(image_read(&m, NULL), -ENODATA);
	assert_int_equal(image_result.n, 4);
	image_check_sample(0);
	assert_int_equal(image_result.packets[3].linktype, LINKTYPE_LINUX_SLL2);
	assert_int_equal(image_result.packets[3].ts, 1000);
	m.b.len -= 12 + 20 + 40; /* the packet again, of an interface of the first section */
	image_packet(&m, 1, 1, 3, 40, 40, 0);
	assert_int_equal(image_read(&m, NULL), -EBADMSG);
	assert_int_equal(image_result.n, 3);
	assert_non_null(strstr(image_result.warning, "interface 1"));
	image_done(&m);
}

static void test_pcapng_names(void **state)
{
	struct image m = { 0 };
	image_sample(&m);
	const char *path = image_file(m.b.data, m.b.len);
	struct capture_options options = { .file = path };
	const struct capture_engine *e = capture_engine_default(&options);
	struct capture *c;
	struct packet p[4];
	assert_int_equal(e->open(&options, &c), 0);
	assert_int_equal(e->poll(c, p, 4), 1);
	assert_int_equal(e->poll(c, p, 4), 2);
	assert_string_equal(e->interface_name(c, 1), "eth0");
	assert_string_equal(e->interface_name(c, 2), "tun-with-a-name-longer-than-all");
	assert_null(e->interface_name(c, 3));
	assert_null(e->interface_name(c, 0));
	assert_null(e->interface_name(c, 65535));
	e->close(c);
	unlink(path);
	image_done(&m);
}

/* Simple and obsolete packet blocks, and what the recorder lost. */
static void test_pcapng_other_packets(void **state)
{
	for (int big = 0; big < 2; big++) {
		struct image m = { .big = big }, body = { .big = big };
		image_section(&m);
		image_interface(&m, LINKTYPE_ETHERNET, 48, "eth0", 0, 0);
		image_u16(&body, 0);
		image_u16(&body, 9);
		image_u32(&body, 0);
		image_u32(&body, 77);
		image_u32(&body, 33);
		image_u32(&body, 44);
		image_data(&body, 0, 33);
		image_block(&m, 2, &body);
		body.b.len = 0;
		image_u32(&body, 1000);
		image_data(&body, 1, 48);
		image_block(&m, 3, &body);
		body.b.len = 0;
		image_u32(&body, 21);
		image_data(&body, 2, 21);
		image_block(&m, 3, &body);
		body.b.len = 0;
		image_u32(&body, 0);
		image_u64(&body, 0);
		u8 five[8] = { [0] = big ? 0 : 5, [7] = big ? 5 : 0 };
		image_option(&body, 5, five, 8);
		image_option(&body, 7, five, 8);
		image_u32(&body, 0);
		image_block(&m, 5, &body);
		assert_int_equal(image_read(&m, NULL), -ENODATA);
		assert_int_equal(image_result.n, 3);
		assert_int_equal(image_result.packets[0].ts, 77000);
		assert_int_equal(image_result.packets[0].len, 44);
		assert_int_equal(image_result.packets[1].ts, 77000);
		assert_int_equal(image_result.packets[1].caplen, 48);
		assert_int_equal(image_result.packets[1].len, 1000);
		assert_int_equal(image_result.packets[2].caplen, 21);
		assert_int_equal(image_result.stats.dropped, 10);
		image_done(&m);
		image_done(&body);
	}
}

static void test_resolutions(void **state)
{
	static const struct {
		u8 resolution;
		i64 offset;
		u64 ticks, ns;
	} cases[] = {
		{ 1, 0, 15, 1500000000 },
		{ 3, 0, 1700000000123, 1700000000123000000 },
		{ 9, 5, 7, 5000000007 },
		{ 9, -5, 7, 0 },
		{ 12, 0, 1234567890123456, 1234567890123 },
		{ 19, 0, 10000000000, 1 },
		{ 127, 0, UINT64_MAX - 1, 0 },
		{ 6, 0, UINT64_MAX, INT64_MAX },
		{ 6, INT64_MAX, 1, INT64_MAX },
		{ 6, INT64_MIN, 1, 0 },
		{ 0x80, 0, 3, 3000000000 },
		{ 0x80 | 1, 0, 3, 1500000000 },
		{ 0x80 | 32, 0, 3ull << 31, 1500000000 },
		{ 0x80 | 34, 0, 3ull << 33, 1500000000 },
		{ 0x80 | 35, 0, 3ull << 34, 1500000000 },
		{ 0x80 | 63, 0, 3ull << 62, 1500000000 },
		{ 0x80 | 64, 0, 1ull << 63, 500000000 },
		{ 0x80 | 127, 0, UINT64_MAX, 0 },
		{ 0x80, 0, UINT64_MAX, INT64_MAX },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct image m = { 0 };
		image_section(&m);
		image_interface(&m, 1, 0, NULL, cases[i].resolution, cases[i].offset);
		image_packet(&m, 0, cases[i].ticks, 0, 4, 4, 0);
		assert_int_equal(image_read(&m, NULL), -ENODATA);
		if (image_result.packets[0].ts != cases[i].ns)
			fail_msg("case %zu: %llu", i, (unsigned long long)image_result.packets[0].ts);
		image_done(&m);
	}
}

static void test_large(void **state)
{
	struct image m = { 0 };
	image_large(&m, 500);
	assert_int_equal(image_read(&m, NULL), -ENODATA);
	assert_int_equal(image_result.n, 500);
	assert_int_equal(image_result.packets[57].caplen, 262144);
	image_done(&m);
}

static void test_packed(void **state)
{
	struct image plain = { 0 };
	image_large(&plain, 200);
	for (int zstd = 0; zstd < 2; zstd++) {
		void (*pack)(struct image *, const void *, size_t) = zstd ? image_zstd : image_gzip;
		struct image m = { .b.max = 256 * MIB };
		size_t half = plain.b.len / 2;
		pack(&m, plain.b.data, half);
		pack(&m, plain.b.data, 0);
		pack(&m, plain.b.data + half, plain.b.len - half);
		assert_int_equal(image_read(&m, NULL), -ENODATA);
		assert_int_equal(image_result.n, 200);
		assert_string_equal(image_result.warning, "");
		assert_int_equal(image_result.stats.bytes, m.b.len);
		image_zeros(&m, 5);
		assert_int_equal(image_read(&m, NULL), -ENODATA);
		assert_string_equal(image_result.warning, "");
		buf_adds(&m.b, "rubbish");
		assert_int_equal(image_read(&m, NULL), -ENODATA);
		assert_int_equal(image_result.n, 200);
		assert_non_null(strstr(image_result.warning, "ignored"));
		image_done(&m);
	}
	image_done(&plain);
}

struct feeder {
	int fd;
	const struct image *m;
	size_t chunk;
};

static void *feed(void *arg)
{
	struct feeder *f = arg;
	for (size_t at = 0; at < f->m->b.len;) {
		size_t n = MIN(f->chunk, f->m->b.len - at);
		ssize_t r = write(f->fd, f->m->b.data + at, n);
		if (r <= 0)
			break;
		at += (size_t)r;
		if (f->chunk < 1000)
			usleep(200);
	}
	close(f->fd);
	return NULL;
}

/* Through standard input, a pipe that fills while it is read. */
static int read_pipe(const struct image *m, size_t chunk, const char *fifo)
{
	int ends[2] = { -1, -1 }, saved = dup(STDIN_FILENO);
	pthread_t thread;
	if (fifo) {
		ends[1] = open(fifo, O_RDWR);
	} else {
		assert_int_equal(pipe(ends), 0);
		dup2(ends[0], STDIN_FILENO);
		close(ends[0]);
	}
	struct feeder feeder = { ends[1], m, chunk };
	pthread_create(&thread, NULL, feed, &feeder);
	struct capture_options options = { .file = fifo ? fifo : "-" };
	int r = image_read_path(&options, 0);
	pthread_join(thread, NULL);
	if (!fifo)
		dup2(saved, STDIN_FILENO);
	close(saved);
	return r;
}

static void test_pipe(void **state)
{
	struct image m = { 0 }, packed = { 0 };
	image_large(&m, 100);
	assert_int_equal(read_pipe(&m, 50000, NULL), -ENODATA);
	assert_int_equal(image_result.n, 100);
	assert_int_equal(image_result.stats.total, 0);
	image_gzip(&packed, m.b.data, m.b.len);
	assert_int_equal(read_pipe(&packed, 3001, NULL), -ENODATA);
	assert_int_equal(image_result.n, 100);
	m.b.len = 0;
	image_sample(&m);
	assert_int_equal(read_pipe(&m, 1, NULL), -ENODATA);
	assert_int_equal(image_result.n, 3);
	image_check_sample(0);
	m.b.len = 0;
	assert_int_equal(read_pipe(&m, 1, NULL), -EBADMSG);
	assert_non_null(strstr(image_result.warning, "standard input is empty"));
	image_done(&m);
	image_done(&packed);
}

/* Packets come as soon as they are whole, not when the writer is done. */
static void test_growing_pipe(void **state)
{
	char path[] = "/tmp/packetd-fifo-XXXXXX";
	assert_int_equal(close(mkstemp(path)), 0);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	struct capture_options options = { .file = path, .poll_ms = 1 };
	const struct capture_engine *e = capture_engine_find("file");
	struct capture *c;
	struct packet p[4];
	assert_int_equal(e->open(&options, &c), 0); /* before there is a writer */
	assert_int_equal(e->poll(c, p, 4), 0);
	int fd = open(path, O_WRONLY);
	struct image m = { 0 };
	image_pcap(&m, 0xa1b2c3d4, 1);
	assert_int_equal(write(fd, m.b.data, m.b.len), m.b.len);
	assert_int_equal(e->poll(c, p, 4), 0);
	for (u32 i = 0; i < 50; i++) {
		m.b.len = 0;
		image_record(&m, i, i, i, 500, 500);
		assert_int_equal(write(fd, m.b.data, 100), 100);
		assert_int_equal(e->poll(c, p, 4), 0);
		assert_int_equal(write(fd, m.b.data + 100, m.b.len - 100), m.b.len - 100);
		assert_int_equal(e->poll(c, p, 4), 1);
		image_check(p, i);
	}
	assert_int_equal(write(fd, m.b.data, 100), 100);
	close(fd);
	int r;
	while ((r = e->poll(c, p, 4)) == 0)
		;
	assert_int_equal(r, -ENODATA);
	assert_non_null(strstr(e->warning(c), "the 50 packets before it were read"));
	e->close(c);
	unlink(path);
	image_done(&m);
}

/* A file that becomes shorter while it is read ends early; nothing crashes. */
static void test_shrinking(void **state)
{
	struct image m = { 0 };
	image_large(&m, 300);
	const char *path = image_file(m.b.data, m.b.len);
	struct capture_options options = { .file = path };
	const struct capture_engine *e = capture_engine_find("file");
	struct capture *c;
	struct packet p[4];
	assert_int_equal(e->open(&options, &c), 0);
	assert_int_equal(e->poll(c, p, 4), 4);
	assert_int_equal(truncate(path, 5000), 0);
	image_check(p, 0);
	int r, n = 4;
	while ((r = e->poll(c, p, 4)) >= 0)
		n += r;
	assert_int_equal(r, -ENODATA);
	assert_true(n < 300);
	assert_non_null(e->warning(c));
	e->close(c);
	unlink(path);
	image_done(&m);
}

/* An Ethernet or raw IPv4 packet with UDP ports, as a filter looks at it. */
static void udp_packet(struct image *m, bool ethernet, u16 dport)
{
	struct image p = { .big = true };
	if (ethernet) {
		image_zeros(&p, 12);
		image_u16(&p, 0x0800);
	}
	image_u32(&p, 0x4500001c);
	image_u32(&p, 0);
	image_u32(&p, 0x40110000);
	image_u32(&p, 0x0a000001);
	image_u32(&p, 0x0a000002);
	image_u16(&p, 40000);
	image_u16(&p, dport);
	image_u32(&p, 8u << 16);
	struct image body = { .big = m->big };
	image_u32(&body, ethernet ? 0 : 1);
	image_u64(&body, 0);
	image_u32(&body, (u32)p.b.len);
	image_u32(&body, (u32)p.b.len);
	buf_add(&body.b, p.b.data, p.b.len);
	image_block(m, 6, &body);
	image_done(&p);
	image_done(&body);
}

static void test_filter(void **state)
{
	struct image m = { 0 };
	image_section(&m);
	image_interface(&m, LINKTYPE_ETHERNET, 0, NULL, 0, 0);
	image_interface(&m, LINKTYPE_RAW, 0, NULL, 0, 0);
	for (u32 i = 0; i < 20; i++)
		udp_packet(&m, i % 2, i % 4 < 2 ? 53 : 80);
	assert_int_equal(image_read(&m, "udp port 53"), -ENODATA);
	assert_int_equal(image_result.n, 10);
	assert_int_equal(image_result.stats.filtered, 10);
	assert_int_equal(image_read(&m, "port 54"), -ENODATA);
	assert_int_equal(image_result.n, 0);
	assert_int_equal(image_read(&m, ""), -ENODATA);
	assert_int_equal(image_result.n, 20);
	assert_int_equal(image_read(&m, "udp prt 53"), -EINVAL);
	assert_non_null(strstr(image_result.error, "syntax error"));
	/* Ethernet addresses mean nothing on raw IP: said, and only those packets are out. */
	assert_int_equal(image_read(&m, "ether src 0:0:0:0:0:0"), -ENODATA);
	assert_int_equal(image_result.n, 10);
	assert_non_null(strstr(image_result.warning, "link type 101"));
	image_done(&m);
	image_pcap(&m, 0xa1b2c3d4, LINKTYPE_RAW);
	assert_int_equal(image_read(&m, "ether src 0:0:0:0:0:0"), -EINVAL);
	image_done(&m);
}

static void test_set_filter(void **state)
{
	struct image m = { 0 };
	image_section(&m);
	image_interface(&m, LINKTYPE_ETHERNET, 0, NULL, 0, 0);
	image_interface(&m, LINKTYPE_RAW, 0, NULL, 0, 0);
	for (u32 i = 0; i < 20; i++)
		udp_packet(&m, i % 2, i % 4 < 2 ? 53 : 80);
	const char *path = image_file(m.b.data, m.b.len);
	struct capture_options options = { .file = path, .filter = "port 80" };
	const struct capture_engine *e = capture_engine_find("file");
	struct capture *c;
	struct packet p[20];
	char error[256];
	assert_int_equal(e->open(&options, &c), 0);
	assert_int_equal(e->poll(c, p, 2), 2); /* numbers 2 and 3 */
	assert_int_equal(e->set_filter(c, "port port", error), -EINVAL);
	assert_int_equal(e->poll(c, p, 2), 2); /* 6 and 7: a bad text changes nothing */
	assert_int_equal(e->set_filter(c, "port 53", error), 0);
	assert_int_equal(e->poll(c, p, 2), 2); /* 8 and 9 */
	assert_int_equal(e->set_filter(c, NULL, error), 0);
	assert_int_equal(e->poll(c, p, 20), 10);
	e->close(c);
	unlink(path);
	image_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcap_forms),
		cmocka_unit_test(test_pcap_modified),
		cmocka_unit_test(test_pcap_old_version),
		cmocka_unit_test(test_pcap_concatenated),
		cmocka_unit_test(test_pcapng),
		cmocka_unit_test(test_pcapng_sections),
		cmocka_unit_test(test_pcapng_names),
		cmocka_unit_test(test_pcapng_other_packets),
		cmocka_unit_test(test_resolutions),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_growing_pipe),
		cmocka_unit_test(test_shrinking),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_set_filter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
