/* The engine "file": every form of capture file, built here; cut everywhere; hostile ones. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "capture/file_test.h"

#define PACKETS_MAX 4096

/* What a run over a file gave. */
struct result {
	struct packet packets[PACKETS_MAX]; /* data checked and gone */
	u32 n;
	int end;
	char warning[256];
	char error[256];
	struct capture_stats stats;
};

static struct result got;

/* The data carry their number: packet i of the image must be packet i of the result, unless `first` says otherwise. */
static void check_data(const struct packet *p, u32 number)
{
	for (u32 i = 0; i < p->caplen; i++)
		if (p->data[i] != data_byte(number, i))
			fail_msg("packet %u differs at byte %u", number, i);
}

static int read_all(struct capture_options *options, u32 first)
{
	const struct capture_engine *e = capture_engine_find("file");
	struct capture *c;
	got.n = 0;
	got.warning[0] = '\0';
	int r = e->open(options, &c);
	snprintf(got.error, sizeof(got.error), "%s", options->error);
	got.end = r;
	if (r < 0)
		return r;
	struct packet batch[CAPTURE_BATCH];
	while ((r = e->poll(c, batch, 7)) >= 0) {
		for (int i = 0; i < r; i++) {
			assert_true(got.n < PACKETS_MAX);
			assert_true(batch[i].caplen <= batch[i].len);
			if (first != UINT32_MAX)
				check_data(&batch[i], first + got.n);
			got.packets[got.n++] = batch[i];
		}
	}
	got.end = r;
	assert_int_equal(e->poll(c, batch, 7), r);
	for (const char *w; (w = e->warning(c));)
		snprintf(got.warning, sizeof(got.warning), "%s", w);
	e->stats(c, &got.stats);
	assert_int_equal(got.stats.received, got.n);
	e->close(c);
	return got.end;
}

/* `first`: the number of the first packet, UINT32_MAX not to look at the data. */
static int read_image_from(const struct image *m, const char *filter, u32 first)
{
	const char *path = file_of(m->b.data, m->b.len);
	struct capture_options options = { .file = path, .filter = filter };
	int r = read_all(&options, first);
	unlink(path);
	return r;
}

static int read_image(const struct image *m, const char *filter)
{
	return read_image_from(m, filter, filter ? UINT32_MAX : 0);
}

static void test_pcap_forms(void **state)
{
	static const struct {
		u32 magic, factor;
	} forms[] = { { 0xa1b2c3d4, 1000 }, { 0xa1b23c4d, 1 } };
	for (int big = 0; big < 2; big++) {
		for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
			struct image m = { .big = big };
			pcap_header(&m, forms[i].magic, LINKTYPE_LINUX_SLL);
			pcap_record(&m, 1700000000, 123456, 0, 60, 60);
			pcap_record(&m, 4294967295u, 999999, 1, 10, 1500);
			pcap_record(&m, 0, 0, 2, 0, 70);
			pcap_record(&m, 1, 2, 3, 70, 7); /* more captured than there was */
			assert_int_equal(read_image(&m, NULL), -ENODATA);
			assert_int_equal(got.n, 4);
			assert_string_equal(got.warning, "");
			assert_int_equal(got.packets[0].ts, 1700000000 * NS_PER_SEC + 123456 * forms[i].factor);
			assert_int_equal(got.packets[1].ts, 4294967295 * NS_PER_SEC + 999999 * forms[i].factor);
			assert_int_equal(got.packets[1].len, 1500);
			assert_int_equal(got.packets[1].caplen, 10);
			assert_int_equal(got.packets[0].linktype, LINKTYPE_LINUX_SLL);
			assert_int_equal(got.packets[3].len, 70);
			assert_int_equal(got.stats.bytes, m.b.len);
			assert_int_equal(got.stats.total, m.b.len);
			image_done(&m);
		}
	}
}

static void test_pcap_modified(void **state)
{
	for (int big = 0; big < 2; big++) {
		struct image m = { .big = big };
		pcap_header(&m, 0xa1b2cd34, LINKTYPE_ETHERNET);
		for (u32 i = 0; i < 20; i++) {
			pcap_record(&m, i, i, i, 0, 0);
			m.b.len -= 8;
			put32(&m, 50 + i);
			put32(&m, 500);
			put32(&m, 3 + i);
			put16(&m, 0x0800);
			put8(&m, i % 2 ? 4 : 0);
			put8(&m, 0);
			put_data(&m, i, 50 + i);
		}
		assert_int_equal(read_image(&m, NULL), -ENODATA);
		assert_int_equal(got.n, 20);
		assert_int_equal(got.packets[19].ifindex, 22);
		assert_int_equal(got.packets[19].caplen, 69);
		assert_int_equal(got.packets[18].direction, PACKET_IN);
		assert_int_equal(got.packets[19].direction, PACKET_OUT);
		image_done(&m);
	}
}

/* 2.3 and older: the length on the wire came first. */
static void test_pcap_old_version(void **state)
{
	struct image m = { 0 };
	pcap_header(&m, 0xa1b2c3d4, LINKTYPE_ETHERNET);
	m.b.data[6] = 2;
	put32(&m, 5);
	put32(&m, 6);
	put32(&m, 1400);
	put32(&m, 30);
	put_data(&m, 0, 30);
	assert_int_equal(read_image(&m, NULL), -ENODATA);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.packets[0].caplen, 30);
	assert_int_equal(got.packets[0].len, 1400);
	image_done(&m);
}

/* cat a.pcap b.pcap, of different link types, resolutions and byte orders. */
static void test_pcap_concatenated(void **state)
{
	struct image m = { 0 };
	pcap_header(&m, 0xa1b2c3d4, LINKTYPE_ETHERNET);
	for (u32 i = 0; i < 10; i++)
		pcap_record(&m, 1, 1, i, 100, 100);
	m.big = true;
	pcap_header(&m, 0xa1b23c4d, LINKTYPE_RAW);
	for (u32 i = 10; i < 20; i++)
		pcap_record(&m, 1, 1, i, 100, 100);
	assert_int_equal(read_image(&m, NULL), -ENODATA);
	assert_int_equal(got.n, 20);
	assert_int_equal(got.packets[9].linktype, LINKTYPE_ETHERNET);
	assert_int_equal(got.packets[9].ts, NS_PER_SEC + 1000);
	assert_int_equal(got.packets[10].linktype, LINKTYPE_RAW);
	assert_int_equal(got.packets[10].ts, NS_PER_SEC + 1);
	image_done(&m);
}

static void ng_sample(struct image *m)
{
	ng_section(m);
	ng_interface(m, LINKTYPE_ETHERNET, 0, "eth0", 0, 0);
	ng_packet(m, 0, 1700000000123456, 0, 61, 61, 0);
	ng_interface(m, LINKTYPE_RAW, 0, "tun-with-a-name-longer-than-all-the-room", 9, 0);
	ng_interface(m, LINKTYPE_NULL, 0, NULL, 0x80 | 10, 100);
	ng_packet(m, 1, 1700000000123456789, 1, 62, 1500, 1);
	ng_packet(m, 2, 1700000000ull << 10 | 512, 2, 63, 63, 2);
	struct image body = { .big = m->big };
	put_zeros(&body, 400);
	ng_block(m, 0x0bad, &body); /* a custom one */
	ng_block(m, 4, &body);      /* names */
	image_done(&body);
}

static void check_ng_sample(u32 at)
{
	const struct packet *p = got.packets + at;
	assert_int_equal(p[0].ts, 1700000000123456000);
	assert_int_equal(p[0].linktype, LINKTYPE_ETHERNET);
	assert_int_equal(p[0].ifindex, 1);
	assert_int_equal(p[0].direction, PACKET_UNKNOWN);
	assert_int_equal(p[1].ts, 1700000000123456789);
	assert_int_equal(p[1].linktype, LINKTYPE_RAW);
	assert_int_equal(p[1].ifindex, 2);
	assert_int_equal(p[1].len, 1500);
	assert_int_equal(p[1].direction, PACKET_IN);
	assert_int_equal(p[2].ts, 1700000100500000000);
	assert_int_equal(p[2].linktype, LINKTYPE_NULL);
	assert_int_equal(p[2].ifindex, 3);
	assert_int_equal(p[2].direction, PACKET_OUT);
}

static void test_pcapng(void **state)
{
	for (int big = 0; big < 2; big++) {
		struct image m = { .big = big };
		ng_sample(&m);
		assert_int_equal(read_image(&m, NULL), -ENODATA);
		assert_string_equal(got.warning, "");
		assert_int_equal(got.n, 3);
		check_ng_sample(0);
		image_done(&m);
	}
}

/* Sections of both byte orders in one file; the second describes its interfaces anew. */
static void test_pcapng_sections(void **state)
{
	struct image m = { 0 };
	ng_sample(&m);
	m.big = true;
	ng_section(&m);
	ng_interface(&m, LINKTYPE_LINUX_SLL2, 0, "any", 6, 0);
	ng_packet(&m, 0, 1, 3, 40, 40, 0);
	assert_int_equal(read_image(&m, NULL), -ENODATA);
	assert_int_equal(got.n, 4);
	check_ng_sample(0);
	assert_int_equal(got.packets[3].linktype, LINKTYPE_LINUX_SLL2);
	assert_int_equal(got.packets[3].ts, 1000);
	m.b.len -= 12 + 20 + 40; /* the packet again, of an interface of the first section */
	ng_packet(&m, 1, 1, 3, 40, 40, 0);
	assert_int_equal(read_image(&m, NULL), -EBADMSG);
	assert_int_equal(got.n, 3);
	assert_non_null(strstr(got.warning, "interface 1"));
	image_done(&m);
}

static void test_pcapng_names(void **state)
{
	struct image m = { 0 };
	ng_sample(&m);
	const char *path = file_of(m.b.data, m.b.len);
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
		ng_section(&m);
		ng_interface(&m, LINKTYPE_ETHERNET, 48, "eth0", 0, 0);
		put16(&body, 0);
		put16(&body, 9);
		put32(&body, 0);
		put32(&body, 77);
		put32(&body, 33);
		put32(&body, 44);
		put_data(&body, 0, 33);
		ng_block(&m, 2, &body);
		body.b.len = 0;
		put32(&body, 1000);
		put_data(&body, 1, 48);
		ng_block(&m, 3, &body);
		body.b.len = 0;
		put32(&body, 21);
		put_data(&body, 2, 21);
		ng_block(&m, 3, &body);
		body.b.len = 0;
		put32(&body, 0);
		put64(&body, 0);
		u8 five[8] = { [0] = big ? 0 : 5, [7] = big ? 5 : 0 };
		ng_option(&body, 5, five, 8);
		ng_option(&body, 7, five, 8);
		put32(&body, 0);
		ng_block(&m, 5, &body);
		assert_int_equal(read_image(&m, NULL), -ENODATA);
		assert_int_equal(got.n, 3);
		assert_int_equal(got.packets[0].ts, 77000);
		assert_int_equal(got.packets[0].len, 44);
		assert_int_equal(got.packets[1].ts, 77000);
		assert_int_equal(got.packets[1].caplen, 48);
		assert_int_equal(got.packets[1].len, 1000);
		assert_int_equal(got.packets[2].caplen, 21);
		assert_int_equal(got.stats.dropped, 10);
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
		ng_section(&m);
		ng_interface(&m, 1, 0, NULL, cases[i].resolution, cases[i].offset);
		ng_packet(&m, 0, cases[i].ticks, 0, 4, 4, 0);
		assert_int_equal(read_image(&m, NULL), -ENODATA);
		if (got.packets[0].ts != cases[i].ns)
			fail_msg("case %zu: %llu", i, (unsigned long long)got.packets[0].ts);
		image_done(&m);
	}
}

/* Whole packets that end at or before `n` in the image, by walking it independently of the reader. Sets *edge when
 * a record or block ends exactly there. */
static u32 whole_before(const struct image *m, bool ng, size_t n, bool *edge)
{
	size_t at = ng ? 0 : 24;
	u32 packets = 0;
	const u8 *p = (const u8 *)m->b.data;
	while (at < n) {
		u32 len, type = 6;
		memcpy(&len, p + at + (ng ? 4 : 8), 4);
		if (ng)
			memcpy(&type, p + at, 4);
		at += ng ? len : 16 + len;
		packets += type == 6 && at <= n;
	}
	*edge = at == n;
	return packets;
}

static void cut_everywhere(const struct image *m, bool ng)
{
	for (size_t n = 0; n < m->b.len; n++) {
		struct image cut = { .b = m->b };
		cut.b.len = n;
		bool edge = false;
		int r = read_image(&cut, NULL);
		u32 whole = n < 24 ? 0 : whole_before(m, ng, n, &edge);
		if (got.n != whole)
			fail_msg("cut at %zu: %u packets instead of %u", n, got.n, whole);
		assert_int_equal(r, n < 24 ? -EBADMSG : -ENODATA);
		if (n < 24) {
			assert_true(got.error[0]);
			continue;
		}
		char where[64];
		snprintf(where, sizeof(where), "cut short at byte %zu:", n);
		assert_int_equal(strstr(got.warning, where) != NULL, !edge);
	}
}

static void test_cut_everywhere(void **state)
{
	struct image m = { 0 };
	pcap_header(&m, 0xa1b2c3d4, 1);
	for (u32 i = 0; i < 5; i++)
		pcap_record(&m, i, i, i, 20 + i, 20 + i);
	cut_everywhere(&m, false);
	m.b.len = 0;
	ng_sample(&m);
	cut_everywhere(&m, true);
	image_done(&m);
}

/* Enough packets to fill the buffer several times, some as large as packets get. */
static void big_image(struct image *m, u32 packets)
{
	m->b.max = 256 * MIB;
	pcap_header(m, 0xa1b23c4d, 1);
	for (u32 i = 0; i < packets; i++)
		pcap_record(m, i, i, i, i % 50 == 7 ? 262144 : i % 10 == 3 ? 65549 : 60 + i % 1400, 300000);
}

static void test_large(void **state)
{
	struct image m = { 0 };
	big_image(&m, 500);
	assert_int_equal(read_image(&m, NULL), -ENODATA);
	assert_int_equal(got.n, 500);
	assert_int_equal(got.packets[57].caplen, 262144);
	image_done(&m);
}

static void test_packed(void **state)
{
	struct image plain = { 0 };
	big_image(&plain, 200);
	for (int zstd = 0; zstd < 2; zstd++) {
		void (*pack)(struct image *, const void *, size_t) = zstd ? pack_zstd : pack_gzip;
		struct image m = { .b.max = 256 * MIB };
		size_t half = plain.b.len / 2;
		pack(&m, plain.b.data, half);
		pack(&m, plain.b.data, 0);
		pack(&m, plain.b.data + half, plain.b.len - half);
		assert_int_equal(read_image(&m, NULL), -ENODATA);
		assert_int_equal(got.n, 200);
		assert_string_equal(got.warning, "");
		assert_int_equal(got.stats.bytes, m.b.len);
		put_zeros(&m, 5);
		assert_int_equal(read_image(&m, NULL), -ENODATA);
		assert_string_equal(got.warning, "");
		buf_adds(&m.b, "rubbish");
		assert_int_equal(read_image(&m, NULL), -ENODATA);
		assert_int_equal(got.n, 200);
		assert_non_null(strstr(got.warning, "ignored"));
		image_done(&m);
	}
	image_done(&plain);
}

/* Packed and cut: what could be unpacked is delivered, and the warning says where. */
static void test_packed_cut(void **state)
{
	struct image plain = { 0 };
	pcap_header(&plain, 0xa1b2c3d4, 1);
	for (u32 i = 0; i < 60; i++)
		pcap_record(&plain, i, i, i, 40, 40);
	for (int zstd = 0; zstd < 2; zstd++) {
		struct image m = { 0 };
		(zstd ? pack_zstd : pack_gzip)(&m, plain.b.data, plain.b.len);
		u32 most = 0;
		for (size_t n = 0; n < m.b.len; n++) {
			struct image cut = { .b = m.b };
			cut.b.len = n;
			int r = read_image(&cut, NULL);
			assert_true(r == -ENODATA || r == -EBADMSG);
			assert_true(got.warning[0] || got.error[0]);
			most = MAX(most, got.n);
		}
		assert_true(zstd || most > 30); /* a zstd block comes whole or not */
		assert_int_equal(read_image(&m, NULL), -ENODATA);
		assert_int_equal(got.n, 60);
		m.b.data[m.b.len / 2] ^= 0x55; /* damaged */
		int r = read_image_from(&m, NULL, UINT32_MAX);
		assert_true(r == -EBADMSG || (zstd && got.n == 60)); /* zstd without checksum may not notice */
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
	int r = read_all(&options, 0);
	pthread_join(thread, NULL);
	if (!fifo)
		dup2(saved, STDIN_FILENO);
	close(saved);
	return r;
}

static void test_pipe(void **state)
{
	struct image m = { 0 }, packed = { 0 };
	big_image(&m, 100);
	assert_int_equal(read_pipe(&m, 50000, NULL), -ENODATA);
	assert_int_equal(got.n, 100);
	assert_int_equal(got.stats.total, 0);
	pack_gzip(&packed, m.b.data, m.b.len);
	assert_int_equal(read_pipe(&packed, 3001, NULL), -ENODATA);
	assert_int_equal(got.n, 100);
	m.b.len = 0;
	ng_sample(&m);
	assert_int_equal(read_pipe(&m, 1, NULL), -ENODATA);
	assert_int_equal(got.n, 3);
	check_ng_sample(0);
	m.b.len = 0;
	assert_int_equal(read_pipe(&m, 1, NULL), -EBADMSG);
	assert_non_null(strstr(got.warning, "standard input is empty"));
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
	pcap_header(&m, 0xa1b2c3d4, 1);
	assert_int_equal(write(fd, m.b.data, m.b.len), m.b.len);
	assert_int_equal(e->poll(c, p, 4), 0);
	for (u32 i = 0; i < 50; i++) {
		m.b.len = 0;
		pcap_record(&m, i, i, i, 500, 500);
		assert_int_equal(write(fd, m.b.data, 100), 100);
		assert_int_equal(e->poll(c, p, 4), 0);
		assert_int_equal(write(fd, m.b.data + 100, m.b.len - 100), m.b.len - 100);
		assert_int_equal(e->poll(c, p, 4), 1);
		check_data(p, i);
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
	big_image(&m, 300);
	const char *path = file_of(m.b.data, m.b.len);
	struct capture_options options = { .file = path };
	const struct capture_engine *e = capture_engine_find("file");
	struct capture *c;
	struct packet p[4];
	assert_int_equal(e->open(&options, &c), 0);
	assert_int_equal(e->poll(c, p, 4), 4);
	assert_int_equal(truncate(path, 5000), 0);
	check_data(p, 0);
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
		put_zeros(&p, 12);
		put16(&p, 0x0800);
	}
	put32(&p, 0x4500001c);
	put32(&p, 0);
	put32(&p, 0x40110000);
	put32(&p, 0x0a000001);
	put32(&p, 0x0a000002);
	put16(&p, 40000);
	put16(&p, dport);
	put32(&p, 8u << 16);
	struct image body = { .big = m->big };
	put32(&body, ethernet ? 0 : 1);
	put64(&body, 0);
	put32(&body, (u32)p.b.len);
	put32(&body, (u32)p.b.len);
	buf_add(&body.b, p.b.data, p.b.len);
	ng_block(m, 6, &body);
	image_done(&p);
	image_done(&body);
}

static void test_filter(void **state)
{
	struct image m = { 0 };
	ng_section(&m);
	ng_interface(&m, LINKTYPE_ETHERNET, 0, NULL, 0, 0);
	ng_interface(&m, LINKTYPE_RAW, 0, NULL, 0, 0);
	for (u32 i = 0; i < 20; i++)
		udp_packet(&m, i % 2, i % 4 < 2 ? 53 : 80);
	assert_int_equal(read_image(&m, "udp port 53"), -ENODATA);
	assert_int_equal(got.n, 10);
	assert_int_equal(got.stats.filtered, 10);
	assert_int_equal(read_image(&m, "port 54"), -ENODATA);
	assert_int_equal(got.n, 0);
	assert_int_equal(read_image(&m, ""), -ENODATA);
	assert_int_equal(got.n, 20);
	assert_int_equal(read_image(&m, "udp prt 53"), -EINVAL);
	assert_non_null(strstr(got.error, "syntax error"));
	/* Ethernet addresses mean nothing on raw IP: said, and only those packets are out. */
	assert_int_equal(read_image(&m, "ether src 0:0:0:0:0:0"), -ENODATA);
	assert_int_equal(got.n, 10);
	assert_non_null(strstr(got.warning, "link type 101"));
	image_done(&m);
	pcap_header(&m, 0xa1b2c3d4, LINKTYPE_RAW);
	assert_int_equal(read_image(&m, "ether src 0:0:0:0:0:0"), -EINVAL);
	image_done(&m);
}

static void test_set_filter(void **state)
{
	struct image m = { 0 };
	ng_section(&m);
	ng_interface(&m, LINKTYPE_ETHERNET, 0, NULL, 0, 0);
	ng_interface(&m, LINKTYPE_RAW, 0, NULL, 0, 0);
	for (u32 i = 0; i < 20; i++)
		udp_packet(&m, i % 2, i % 4 < 2 ? 53 : 80);
	const char *path = file_of(m.b.data, m.b.len);
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

/* Each of these must be an error with its place, after the packets before it. */
static void test_nonsense(void **state)
{
	struct image good = { 0 }, m = { 0 };
	pcap_header(&good, 0xa1b2c3d4, 1);
	pcap_record(&good, 1, 1, 0, 50, 50);
	size_t n = good.b.len;
	static const u32 lengths[] = { 262145, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		good.b.len = n;
		pcap_record(&good, 1, 1, 0, 50, 50);
		memcpy(good.b.data + n + 8, &lengths[i], 4);
		assert_int_equal(read_image(&good, NULL), -EBADMSG);
		assert_int_equal(got.n, 1);
		assert_non_null(strstr(got.warning, "byte 90:"));
	}
	static const struct {
		u32 at, value; /* of the first packet block */
		const char *says;
	} changes[] = {
		{ 4, 8, "claims 8 bytes" },           { 4, 0, "claims 0 bytes" },
		{ 4, 91, "claims 91 bytes" },         { 4, 0xfffffffc, "claims 4294967292 bytes" },
		{ 4, 28, "at its end" },              { 8, 3, "interface 3" },
		{ 20, 62 + 3, "in a block of 96" },   { 20, 0xffffffff, "claims 4294967295 bytes" },
		{ 92, 95, "and 95 at its end" },
	};
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		m.b.len = 0;
		ng_section(&m);
		ng_interface(&m, 1, 0, NULL, 0, 0);
		size_t at = m.b.len;
		ng_packet(&m, 0, 1, 0, 61, 61, 0);
		memcpy(m.b.data + at + changes[i].at, &changes[i].value, 4);
		int r = read_image(&m, NULL);
		assert_int_equal(r, -EBADMSG);
		if (!strstr(got.warning, changes[i].says) && !strstr(got.error, changes[i].says))
			fail_msg("case %zu: %s%s", i, got.warning, got.error);
	}
	image_done(&good);
	image_done(&m);
}

static void test_not_captures(void **state)
{
	static const struct {
		const char *bytes;
		u32 n;
		const char *says;
	} cases[] = {
		{ "", 0, "is empty" },
		{ "abc", 3, "only 3 bytes" },
		{ "GET / HTTP/1.1\r\n\r\n", 18, "begins with 47 45 54 20" },
		{ "\xfd" "7zXZ", 5, "xz -dc" },
		{ "BZh91AY", 7, "bzip2 -dc" },
		{ "snoop\0\0\0", 8, "snoop" },
		{ "\x1f\x8b\x08\0", 4, "cut short" },
		{ "\x0a\x0d\x0d\x0a\x1c\0\0\0XXXX\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0", 28, "byte order" },
		{ "\xd4\xc3\xb2\xa1\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0", 24, "version 1.0" },
		{ "\xd4\xc3\xb2\xa1\x02\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0", 24, "link type" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct image m = { 0 };
		buf_add(&m.b, cases[i].bytes, cases[i].n);
		assert_int_equal(read_image(&m, NULL), -EBADMSG);
		if (!strstr(got.error, cases[i].says))
			fail_msg("case %zu: %s", i, got.error);
		image_done(&m);
	}
	struct capture_options missing = { .file = "/nonexistent/x.pcap" }, directory = { .file = "/tmp" };
	assert_int_equal(read_all(&missing, 0), -ENOENT);
	assert_non_null(strstr(got.error, "/nonexistent/x.pcap"));
	assert_int_equal(read_all(&directory, 0), -EISDIR);
}

/* Random damage to good files: whatever happens, it ends. */
static void test_damage(void **state)
{
	srand(1);
	for (int round = 0; round < 4000; round++) {
		struct image m = { .big = round & 1 };
		if (round & 2) {
			ng_sample(&m);
		} else {
			pcap_header(&m, 0xa1b2c3d4, 1);
			for (u32 i = 0; i < 5; i++)
				pcap_record(&m, i, i, i, 20 + i, 20 + i);
		}
		for (int i = rand() % 4; i >= 0; i--)
			m.b.data[(size_t)rand() % m.b.len] = (char)rand();
		read_image_from(&m, round & 4 ? "ip" : NULL, UINT32_MAX);
		image_done(&m);
	}
}

/* Interfaces and link types have a maximum each. */
static void test_many_interfaces(void **state)
{
	struct image m = { 0 };
	ng_section(&m);
	for (u32 i = 0; i < 65534; i++)
		ng_interface(&m, (u16)(i + 50), 0, NULL, 0, 0);
	ng_packet(&m, 65533, 1, 0, 40, 40, 0);
	assert_int_equal(read_image(&m, NULL), -ENODATA);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.packets[0].ifindex, 65534);
	assert_int_equal(read_image(&m, "less 100"), -ENODATA);
	assert_int_equal(got.n, 0);
	assert_non_null(strstr(got.warning, "more warnings"));
	ng_interface(&m, 1, 0, NULL, 0, 0);
	assert_int_equal(read_image(&m, NULL), -EBADMSG);
	assert_int_equal(got.n, 1);
	assert_non_null(strstr(got.warning, "more than 65534 interfaces"));
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
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_packed_cut),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_growing_pipe),
		cmocka_unit_test(test_shrinking),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_set_filter),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_not_captures),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_many_interfaces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
