#include "capture_image.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

struct image_result image_result;

void image_u8(struct image *m, u32 v)
{
	buf_addc(&m->b, (char)v);
}

void image_u16(struct image *m, u32 v)
{
	image_u8(m, m->big ? v >> 8 : v);
	image_u8(m, m->big ? v : v >> 8);
}

void image_u32(struct image *m, u32 v)
{
	image_u16(m, m->big ? v >> 16 : v);
	image_u16(m, m->big ? v : v >> 16);
}

void image_u64(struct image *m, u64 v)
{
	image_u32(m, (u32)(m->big ? v >> 32 : v));
	image_u32(m, (u32)(m->big ? v : v >> 32));
}

void image_zeros(struct image *m, size_t n)
{
	while (n--)
		image_u8(m, 0);
}

/* Packet data that tell which packet it is and where in it one is. */
u8 image_byte(u32 number, u32 at)
{
	return (u8)(number * 31 + at * 7 + 1);
}

void image_data(struct image *m, u32 number, u32 n)
{
	for (u32 i = 0; i < n; i++)
		image_u8(m, image_byte(number, i));
}

void image_pcap(struct image *m, u32 magic, u16 linktype)
{
	image_u32(m, magic);
	image_u16(m, 2);
	image_u16(m, 4);
	image_u64(m, 0);
	image_u32(m, 65535);
	image_u32(m, linktype);
}

void image_record(struct image *m, u32 sec, u32 frac, u32 number, u32 caplen, u32 len)
{
	image_u32(m, sec);
	image_u32(m, frac);
	image_u32(m, caplen);
	image_u32(m, len);
	image_data(m, number, caplen);
}

/* A pcapng block around a body. */
void image_block(struct image *m, u32 type, const struct image *body)
{
	u32 padded = (u32)((body->b.len + 3) & ~(size_t)3), total = padded + 12;
	image_u32(m, type);
	image_u32(m, total);
	buf_add(&m->b, body->b.data, body->b.len);
	image_zeros(m, padded - body->b.len);
	image_u32(m, total);
}

void image_section(struct image *m)
{
	struct image body = { .big = m->big };
	image_u32(&body, 0x1a2b3c4d);
	image_u16(&body, 1);
	image_u16(&body, 0);
	image_u64(&body, UINT64_MAX);
	image_block(m, 0x0a0d0d0a, &body);
	buf_done(&body.b);
}

void image_option(struct image *body, u16 code, const void *p, u16 n)
{
	image_u16(body, code);
	image_u16(body, n);
	buf_add(&body->b, p, n);
	image_zeros(body, (size_t)(-n & 3));
}

/* resolution 0: leave the option out. */
void image_interface(struct image *m, u16 linktype, u32 snaplen, const char *name, u8 resolution, i64 offset)
{
	struct image body = { .big = m->big }, number = { .big = m->big };
	image_u16(&body, linktype);
	image_u16(&body, 0);
	image_u32(&body, snaplen);
	if (name)
		image_option(&body, 2, name, (u16)strlen(name));
	if (resolution)
		image_option(&body, 9, &resolution, 1);
	image_u64(&number, (u64)offset);
	if (offset)
		image_option(&body, 14, number.b.data, 8);
	if (name || resolution || offset)
		image_u32(&body, 0);
	image_block(m, 1, &body);
	buf_done(&body.b);
	buf_done(&number.b);
}

/* flags 0: leave the option out. */
void image_packet(struct image *m, u32 iface, u64 ticks, u32 number, u32 caplen, u32 len, u32 flags)
{
	struct image body = { .big = m->big }, option = { .big = m->big };
	image_u32(&body, iface);
	image_u32(&body, (u32)(ticks >> 32));
	image_u32(&body, (u32)ticks);
	image_u32(&body, caplen);
	image_u32(&body, len);
	image_data(&body, number, caplen);
	image_zeros(&body, -caplen & 3);
	image_u32(&option, flags);
	if (flags) {
		image_option(&body, 1, "a comment", 9);
		image_option(&body, 2, option.b.data, 4);
		image_u32(&body, 0);
	}
	image_block(m, 6, &body);
	buf_done(&body.b);
	buf_done(&option.b);
}

void image_done(struct image *m)
{
	buf_done(&m->b);
}

/* Appends the image as one gzip member or zstd frame. */
void image_gzip(struct image *to, const void *p, size_t n)
{
	z_stream z = { 0 };
	deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	size_t bound = deflateBound(&z, n);
	z.next_out = (u8 *)buf_room(&to->b, bound);
	z.avail_out = (uInt)bound;
	u8 *in = malloc(n + 1);
	memcpy(in, p, n);
	z.next_in = in;
	z.avail_in = (uInt)n;
	deflate(&z, Z_FINISH);
	to->b.len += z.total_out;
	deflateEnd(&z);
	free(in);
}

void image_zstd(struct image *to, const void *p, size_t n)
{
	size_t bound = ZSTD_compressBound(n);
	char *out = buf_room(&to->b, bound);
	to->b.len += ZSTD_compress(out, bound, p, n, 3);
}

/* A file of these bytes; the path is in a static buffer. The caller unlinks it. */
const char *image_file(const void *p, size_t n)
{
	static char path[64];
	snprintf(path, sizeof(path), "/tmp/packetd-test-XXXXXX");
	int fd = mkstemp(path);
	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		abort();
	close(fd);
	return path;
}

void image_sample(struct image *m)
{
	image_section(m);
	image_interface(m, LINKTYPE_ETHERNET, 0, "eth0", 0, 0);
	image_packet(m, 0, 1700000000123456, 0, 61, 61, 0);
	image_interface(m, LINKTYPE_RAW, 0, "tun-with-a-name-longer-than-all-the-room", 9, 0);
	image_interface(m, LINKTYPE_NULL, 0, NULL, 0x80 | 10, 100);
	image_packet(m, 1, 1700000000123456789, 1, 62, 1500, 1);
	image_packet(m, 2, 1700000000ull << 10 | 512, 2, 63, 63, 2);
	struct image body = { .big = m->big };
	image_zeros(&body, 400);
	image_block(m, 0x0bad, &body); /* a custom one */
	image_block(m, 4, &body);      /* names */
	image_done(&body);
}

void image_check_sample(u32 at)
{
	const struct packet *p = image_result.packets + at;
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

/* Enough packets to fill the buffer several times, some as large as packets get. */
void image_large(struct image *m, u32 packets)
{
	m->b.max = 256 * MIB;
	image_pcap(m, 0xa1b23c4d, 1);
	for (u32 i = 0; i < packets; i++)
		image_record(m, i, i, i, i % 50 == 7 ? 262144 : i % 10 == 3 ? 65549 : 60 + i % 1400, 300000);
}

/* The data carry their number: packet i of the image must be packet i of the result, unless `first` says otherwise. */
void image_check(const struct packet *p, u32 number)
{
	for (u32 i = 0; i < p->caplen; i++)
		if (p->data[i] != image_byte(number, i))
			fail_msg("packet %u differs at byte %u", number, i);
}

int image_read_path(struct capture_options *options, u32 first)
{
	const struct capture_engine *e = capture_engine_find("file");
	struct capture *c;
	image_result.n = 0;
	image_result.warning[0] = '\0';
	int r = e->open(options, &c);
	snprintf(image_result.error, sizeof(image_result.error), "%s", options->error);
	image_result.end = r;
	if (r < 0)
		return r;
	struct packet batch[CAPTURE_BATCH];
	while ((r = e->poll(c, batch, 7)) >= 0) {
		for (int i = 0; i < r; i++) {
			assert_true(image_result.n < IMAGE_PACKETS_MAX);
			assert_true(batch[i].caplen <= batch[i].len);
			if (first != UINT32_MAX)
				image_check(&batch[i], first + image_result.n);
			image_result.packets[image_result.n++] = batch[i];
		}
	}
	image_result.end = r;
	assert_int_equal(e->poll(c, batch, 7), r);
	for (const char *w; (w = e->warning(c));)
		snprintf(image_result.warning, sizeof(image_result.warning), "%s", w);
	e->stats(c, &image_result.stats);
	assert_int_equal(image_result.stats.received, image_result.n);
	e->close(c);
	return image_result.end;
}

/* `first`: the number of the first packet, UINT32_MAX not to look at the data. */
int image_read_from(const struct image *m, const char *filter, u32 first)
{
	const char *path = image_file(m->b.data, m->b.len);
	struct capture_options options = { .file = path, .filter = filter };
	int r = image_read_path(&options, first);
	unlink(path);
	return r;
}

int image_read(const struct image *m, const char *filter)
{
	return image_read_from(m, filter, filter ? UINT32_MAX : 0);
}

