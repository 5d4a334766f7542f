/* What the engine "file" and the two formats it reads share: one buffer, the interfaces, the filters.
 * The reader owns all of it. `at`..`end` are the bytes read and not yet used; packets handed out point into the
 * buffer and stay until file.c fills it again, which it does only at the start of a poll.
 * Maxima: a packet FILE_PACKET_MAX, a block FILE_BLOCK_MAX (others are skipped unread), FILE_IFACES_MAX interfaces
 * a section, FILE_FILTERS_MAX link types with a filter. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CAPTURE_FILE_READER_H
#define PACKETD_CAPTURE_FILE_READER_H

#include "capture/capture.h"
#include "capture/file_source.h"
#include "capture/filter.h"
#include "capture/warnings.h"
#include "util/bytes.h"

#define FILE_PACKET_MAX (256 * KIB) /* libpcap's own largest snaplen */
#define FILE_BLOCK_MAX (320 * KIB)  /* a packet with its options */
#define FILE_READ_BYTES (512 * KIB) /* of one read: big enough to be cheap, small enough to stay in the L2 cache */
#define FILE_IFACES_MAX 65534
#define FILE_FILTERS_MAX 64
#define FILE_NAME_MAX 32
#define FILE_NAMES_BLOCK 256

/* The filter compiled for one link type. */
struct file_filter {
	u16 linktype;
	bool refused; /* it does not apply to this link type: nothing matches */
	struct bpf_program program;
};

enum file_time { FILE_TIME_MULTIPLY, FILE_TIME_DIVIDE, FILE_TIME_SHIFT };

struct file_iface {
	u64 factor; /* ns a tick (MULTIPLY) or ticks a ns (DIVIDE) */
	i64 offset; /* s to add */
	u64 lost;   /* packets its recorder says it dropped */
	const struct file_filter *filter; /* NULL: everything */
	u32 snaplen;
	u16 linktype;
	u8 time;  /* enum file_time */
	u8 shift; /* a tick is 2^-shift s (SHIFT) */
};

struct file_reader {
	struct capture base;
	struct file_source *source;
	u8 *buf;           /* FILE_BLOCK_MAX of room for what was left over, then FILE_READ_BYTES */
	u8 *at, *end;
	u64 end_offset;    /* of `end` in the unpacked stream */
	u64 skip;          /* bytes from `at` on that belong to a block nobody wants */
	/* Whole packets from at..end, up to max; 0 when more bytes are needed; negative when broken. */
	int (*batch)(struct file_reader *f, struct packet *out, int max);
	bool big;          /* numbers are big-endian */
	bool modified;     /* pcap with Kuznetzov's longer record header */
	u8 minor;          /* pcap version 2.minor: below 4 the two lengths may be swapped */
	u64 last_ts;       /* pcapng: of the last packet that had one */
	struct file_iface *ifaces;
	u32 ifaces_len, ifaces_cap;
	char (*names[FILE_IFACES_MAX / FILE_NAMES_BLOCK + 1])[FILE_NAME_MAX];
	char *filter_text; /* NULL: everything */
	struct file_filter *filters;
	u32 filters_len;
	u64 packets, filtered;
	u64 lost; /* `lost` of the interfaces of earlier sections */
	int done;     /* what every further poll returns */
	bool damaged; /* said already */
	struct warnings warnings;
};

/* Formats: file_pcap.c, file_pcapng.c. Reads the file's first header, sets `batch`; 0 when more bytes are needed. */
bool file_pcap_magic(const u8 *p);
int file_pcap_begin(struct file_reader *f);
int file_pcapng_begin(struct file_reader *f);

/* Says what is wrong at `at` and returns -EBADMSG. */
int file_damaged(struct file_reader *f, const u8 *at, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The next free interface, zeroed; NULL at the maximum or without memory. */
struct file_iface *file_iface_add(struct file_reader *f);
/* The filter for a link type: NULL for everything; a refused one (with a warning) where the text does not apply. */
const struct file_filter *file_filter_for(struct file_reader *f, u16 linktype);

/* Offset of a byte of the buffer in the unpacked stream. */
static inline u64 file_offset(const struct file_reader *f, const u8 *at)
{
	return f->end_offset - (u64)(f->end - at);
}

static inline u16 file_u16(const u8 *p, bool big)
{
	return big ? be16(p) : le16(p);
}

static inline u32 file_u32(const u8 *p, bool big)
{
	return big ? be32(p) : le32(p);
}

static inline u64 file_u64(const u8 *p, bool big)
{
	return big ? be64(p) : le64(p);
}

/* True when the packet is to be handed on; otherwise counted. */
static inline bool file_keep(struct file_reader *f, const struct file_filter *filter, const struct packet *p)
{
	if (likely(!filter))
		return true;
	if (!filter->refused && filter_match(&filter->program, p->data, p->len, p->caplen))
		return true;
	f->filtered++;
	return false;
}

/* What the file's numbers for link types mean to us: systems used to write their own numbers for raw IP. */
static inline u16 file_linktype(u32 written)
{
	return written == 12 || written == 14 ? LINKTYPE_RAW : (u16)written;
}

#endif
