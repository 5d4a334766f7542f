/* Building capture files in memory for tests, in either byte order, and reading them back.
 * A `struct image` owns its bytes; image_done frees them. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CAPTURE_FILE_TEST_H
#define PACKETD_CAPTURE_FILE_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "capture/capture.h"
#include "util/buf.h"

struct image {
	struct buf b;
	bool big;
};

static inline void put8(struct image *m, u32 v)
{
	buf_addc(&m->b, (char)v);
}

static inline void put16(struct image *m, u32 v)
{
	put8(m, m->big ? v >> 8 : v);
	put8(m, m->big ? v : v >> 8);
}

static inline void put32(struct image *m, u32 v)
{
	put16(m, m->big ? v >> 16 : v);
	put16(m, m->big ? v : v >> 16);
}

static inline void put64(struct image *m, u64 v)
{
	put32(m, (u32)(m->big ? v >> 32 : v));
	put32(m, (u32)(m->big ? v : v >> 32));
}

static inline void put_zeros(struct image *m, size_t n)
{
	while (n--)
		put8(m, 0);
}

/* Packet data that tell which packet it is and where in it one is. */
static inline u8 data_byte(u32 number, u32 at)
{
	return (u8)(number * 31 + at * 7 + 1);
}

static inline void put_data(struct image *m, u32 number, u32 n)
{
	for (u32 i = 0; i < n; i++)
		put8(m, data_byte(number, i));
}

static inline void pcap_header(struct image *m, u32 magic, u16 linktype)
{
	put32(m, magic);
	put16(m, 2);
	put16(m, 4);
	put64(m, 0);
	put32(m, 65535);
	put32(m, linktype);
}

static inline void pcap_record(struct image *m, u32 sec, u32 frac, u32 number, u32 caplen, u32 len)
{
	put32(m, sec);
	put32(m, frac);
	put32(m, caplen);
	put32(m, len);
	put_data(m, number, caplen);
}

/* A pcapng block around a body. */
static inline void ng_block(struct image *m, u32 type, const struct image *body)
{
	u32 padded = (u32)((body->b.len + 3) & ~(size_t)3), total = padded + 12;
	put32(m, type);
	put32(m, total);
	buf_add(&m->b, body->b.data, body->b.len);
	put_zeros(m, padded - body->b.len);
	put32(m, total);
}

static inline void ng_section(struct image *m)
{
	struct image body = { .big = m->big };
	put32(&body, 0x1a2b3c4d);
	put16(&body, 1);
	put16(&body, 0);
	put64(&body, UINT64_MAX);
	ng_block(m, 0x0a0d0d0a, &body);
	buf_done(&body.b);
}

static inline void ng_option(struct image *body, u16 code, const void *p, u16 n)
{
	put16(body, code);
	put16(body, n);
	buf_add(&body->b, p, n);
	put_zeros(body, (size_t)(-n & 3));
}

/* resolution 0: leave the option out. */
static inline void ng_interface(struct image *m, u16 linktype, u32 snaplen, const char *name, u8 resolution, i64 offset)
{
	struct image body = { .big = m->big }, number = { .big = m->big };
	put16(&body, linktype);
	put16(&body, 0);
	put32(&body, snaplen);
	if (name)
		ng_option(&body, 2, name, (u16)strlen(name));
	if (resolution)
		ng_option(&body, 9, &resolution, 1);
	put64(&number, (u64)offset);
	if (offset)
		ng_option(&body, 14, number.b.data, 8);
	if (name || resolution || offset)
		put32(&body, 0);
	ng_block(m, 1, &body);
	buf_done(&body.b);
	buf_done(&number.b);
}

/* flags 0: leave the option out. */
static inline void ng_packet(struct image *m, u32 iface, u64 ticks, u32 number, u32 caplen, u32 len, u32 flags)
{
	struct image body = { .big = m->big }, option = { .big = m->big };
	put32(&body, iface);
	put32(&body, (u32)(ticks >> 32));
	put32(&body, (u32)ticks);
	put32(&body, caplen);
	put32(&body, len);
	put_data(&body, number, caplen);
	put_zeros(&body, -caplen & 3);
	put32(&option, flags);
	if (flags) {
		ng_option(&body, 1, "a comment", 9);
		ng_option(&body, 2, option.b.data, 4);
		put32(&body, 0);
	}
	ng_block(m, 6, &body);
	buf_done(&body.b);
	buf_done(&option.b);
}

static inline void image_done(struct image *m)
{
	buf_done(&m->b);
}

/* Appends the image as one gzip member or zstd frame. */
static inline void pack_gzip(struct image *to, const void *p, size_t n)
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

static inline void pack_zstd(struct image *to, const void *p, size_t n)
{
	size_t bound = ZSTD_compressBound(n);
	char *out = buf_room(&to->b, bound);
	to->b.len += ZSTD_compress(out, bound, p, n, 3);
}

/* A file of these bytes; the path is in a static buffer. The caller unlinks it. */
static inline const char *file_of(const void *p, size_t n)
{
	static char path[64];
	snprintf(path, sizeof(path), "/tmp/packetd-test-XXXXXX");
	int fd = mkstemp(path);
	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		abort();
	close(fd);
	return path;
}

#endif
