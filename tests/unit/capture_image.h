/* Capture files built in memory, in either byte order, and read back through the engine "file".
 * A `struct image` owns its bytes (image_done frees them); the last run's outcome is in `image_result`.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_TESTS_CAPTURE_IMAGE_H
#define PACKETD_TESTS_CAPTURE_IMAGE_H

#include "capture/capture.h"
#include "util/buf.h"

#define IMAGE_PACKETS_MAX 4096

struct image {
	struct buf b;
	bool big;
};

/* What a run over a file gave. */
struct image_result {
	struct packet packets[IMAGE_PACKETS_MAX]; /* data checked and gone */
	u32 n;
	int end;
	char warning[256];
	char error[256];
	struct capture_stats stats;
};

extern struct image_result image_result;

/* Numbers in the image's byte order. */
void image_u8(struct image *m, u32 v);
void image_u16(struct image *m, u32 v);
void image_u32(struct image *m, u32 v);
void image_u64(struct image *m, u64 v);
void image_zeros(struct image *m, size_t n);
/* Packet data that tell which packet it is and where in it one is. */
u8 image_byte(u32 number, u32 at);
void image_data(struct image *m, u32 number, u32 n);

/* The classic format. */
void image_pcap(struct image *m, u32 magic, u16 linktype);
void image_record(struct image *m, u32 sec, u32 frac, u32 number, u32 caplen, u32 len);

/* pcapng. A block around a body; resolution, offset and flags of 0 leave their option out. */
void image_block(struct image *m, u32 type, const struct image *body);
void image_section(struct image *m);
void image_option(struct image *body, u16 code, const void *p, u16 n);
void image_interface(struct image *m, u16 linktype, u32 snaplen, const char *name, u8 resolution, i64 offset);
void image_packet(struct image *m, u32 iface, u64 ticks, u32 number, u32 caplen, u32 len, u32 flags);

/* Three packets of three interfaces that differ in all they can, and blocks to be skipped; what must come of it. */
void image_sample(struct image *m);
void image_check_sample(u32 at);
/* Enough packets to fill the buffer several times, some as large as packets get. */
void image_large(struct image *m, u32 packets);

/* Appends the bytes as one gzip member or zstd frame. */
void image_gzip(struct image *to, const void *p, size_t n);
void image_zstd(struct image *to, const void *p, size_t n);
void image_done(struct image *m);

/* A file of these bytes; the path is in a static buffer. The caller unlinks it. */
const char *image_file(const void *p, size_t n);
/* Fails the test when the packet is not the image's number so and so. */
void image_check(const struct packet *p, u32 number);
/* Reads to the end, which it returns. `first`: the number of the first packet, UINT32_MAX not to look at the data. */
int image_read_path(struct capture_options *options, u32 first);
int image_read_from(const struct image *m, const char *filter, u32 first);
int image_read(const struct image *m, const char *filter);

#endif
