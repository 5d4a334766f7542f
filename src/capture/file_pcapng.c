/* pcapng (draft-ietf-opsawg-pcapng): sections of blocks, each section in its own byte order and with its own interfaces. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/file_reader.h"
#include "util/rd.h"

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define BLOCK_HEADER 8   /* type, total length */
#define BLOCK_MIN 12     /* with the total length again at the end */
#define SECTION_FIXED 24 /* up to the options */
#define PACKET_FIXED 28  /* up to the data */
#define SIMPLE_FIXED 12

enum block {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete */
	BLOCK_SIMPLE = 3,
	BLOCK_STATISTICS = 5,
	BLOCK_ENHANCED = 6,
	BLOCK_SECTION = 0x0a0d0d0a,
};

enum option { OPT_END = 0, EPB_FLAGS = 2, IF_NAME = 2, ISB_IFDROP = 4 + 1, ISB_OSDROP = 7, IF_TSRESOL = 9, IF_TSOFFSET = 14 };

struct option_view {
	u16 code, len;
	const u8 *p;
};

static u32 pad4(u32 n)
{
	return (n + 3) & ~3u;
}

/* The next option; false at the end, or where the rest makes no sense. */
static bool option_next(struct rd *r, bool big, struct option_view *o)
{
	const u8 *head = rd_take(r, 4);
	if (!head)
		return false;
	o->code = file_u16(head, big);
	o->len = file_u16(head + 2, big);
	o->p = rd_take(r, o->len);
	if (!o->p || o->code == OPT_END)
		return false;
	rd_skip(r, MIN((size_t)(pad4(o->len) - o->len), rd_left(r)));
	return true;
}

/* 10^-n s or 2^-n s a tick to what iface_ns needs. */
static void iface_resolution(struct file_iface *iface, u8 resolution)
{
	u8 n = resolution & 0x7f;
	iface->factor = 1;
	if (resolution & 0x80) {
		iface->time = FILE_TIME_SHIFT;
		iface->shift = n;
		return;
	}
	iface->time = n > 9 ? FILE_TIME_DIVIDE : FILE_TIME_MULTIPLY;
	for (int i = n > 9 ? n - 9 : 9 - n; i > 0; i--)
		if (__builtin_mul_overflow(iface->factor, 10, &iface->factor))
			iface->factor = UINT64_MAX;
}

/* 2^-shift s a tick: whole seconds and the rest apart, so that nothing overflows that matters. */
static u64 shifted_ns(u64 ticks, u32 shift)
{
	u64 seconds = shift < 64 ? ticks >> shift : 0, rest = shift < 64 ? ticks & (((u64)1 << shift) - 1) : ticks, ns;
	if (shift > 34) { /* 2^-34 s is less than a nanosecond */
		rest = shift - 34 < 64 ? rest >> (shift - 34) : 0;
		shift = 34;
	}
	if (__builtin_mul_overflow(seconds, NS_PER_SEC, &ns))
		return INT64_MAX;
	return MIN(ns, (u64)INT64_MAX) + (rest * NS_PER_SEC >> shift);
}

/* Ticks to ns since the epoch, held between 0 and 2^63-1. */
static u64 iface_ns(const struct file_iface *iface, u64 ticks)
{
	u64 ns = ticks;
	if (iface->time == FILE_TIME_SHIFT)
		ns = shifted_ns(ticks, iface->shift);
	else if (iface->time == FILE_TIME_DIVIDE)
		ns = ticks / iface->factor;
	else if (iface->factor != 1 && __builtin_mul_overflow(ticks, iface->factor, &ns))
		ns = INT64_MAX;
	ns = MIN(ns, (u64)INT64_MAX);
	i64 moved;
	if (likely(iface->offset == 0))
		return ns;
	if (__builtin_mul_overflow(iface->offset, (i64)NS_PER_SEC, &moved) || __builtin_add_overflow(moved, (i64)ns, &moved))
		return iface->offset > 0 ? INT64_MAX : 0;
	return moved > 0 ? (u64)moved : 0;
}

static void iface_name(struct file_reader *f, u32 place, const struct option_view *o)
{
	char(**block)[FILE_NAME_MAX] = &f->names[place / FILE_NAMES_BLOCK];
	if (!*block) {
		*block = calloc(FILE_NAMES_BLOCK, FILE_NAME_MAX);
		if (!*block)
			return;
	}
	snprintf((*block)[place % FILE_NAMES_BLOCK], FILE_NAME_MAX, "%.*s", (int)MIN(o->len, (u16)(FILE_NAME_MAX - 1)), (const char *)o->p);
}

static int on_interface(struct file_reader *f, const u8 *at, u32 len)
{
	if (len < 20)
		return file_damaged(f, at, "an interface block of %u bytes is too short", len);
	struct file_iface *iface = file_iface_add(f);
	if (!iface)
		return file_damaged(f, at, "more than %d interfaces in a section, or no memory for them", FILE_IFACES_MAX);
	iface->linktype = file_linktype(file_u16(at + 8, f->big));
	iface->snaplen = file_u32(at + 12, f->big);
	iface_resolution(iface, 6);
	struct rd r = rd_make(at + 16, len - 20);
	struct option_view o;
	while (option_next(&r, f->big, &o)) {
		if (o.code == IF_NAME)
			iface_name(f, f->ifaces_len - 1, &o);
		else if (o.code == IF_TSRESOL && o.len == 1)
			iface_resolution(iface, *o.p);
		else if (o.code == IF_TSOFFSET && o.len == 8)
			iface->offset = (i64)file_u64(o.p, f->big);
	}
	iface->filter = file_filter_for(f, iface->linktype);
	return 0;
}

/* What the recorder says it lost; a later block of the same interface replaces an earlier one. */
static void on_statistics(struct file_reader *f, const u8 *at, u32 len)
{
	u32 place = len >= 24 ? file_u32(at + 8, f->big) : UINT32_MAX;
	if (place >= f->ifaces_len)
		return;
	struct rd r = rd_make(at + 20, len - 24);
	struct option_view o;
	u64 lost = 0;
	while (option_next(&r, f->big, &o))
		if ((o.code == ISB_IFDROP || o.code == ISB_OSDROP) && o.len == 8)
			lost += file_u64(o.p, f->big);
	f->ifaces[place].lost = lost;
}

static u8 packet_direction(const struct file_reader *f, const u8 *p, size_t n)
{
	struct rd r = rd_make(p, n);
	struct option_view o;
	while (option_next(&r, f->big, &o)) {
		if (o.code != EPB_FLAGS || o.len != 4)
			continue;
		u32 way = file_u32(o.p, f->big) & 3;
		return way == 1 ? PACKET_IN : way == 2 ? PACKET_OUT : PACKET_UNKNOWN;
	}
	return PACKET_UNKNOWN;
}

/* An enhanced packet block, or an obsolete one, which differs in the width of the interface only. */
static int on_packet(struct file_reader *f, struct packet *p, const u8 *at, u32 len, u32 type)
{
	const bool big = f->big;
	if (unlikely(len < PACKET_FIXED + 4))
		return file_damaged(f, at, "a packet block of %u bytes is too short", len);
	u32 place = type == BLOCK_ENHANCED ? file_u32(at + 8, big) : file_u16(at + 8, big), caplen = file_u32(at + 20, big);
	if (unlikely(place >= f->ifaces_len))
		return file_damaged(f, at, "a packet names interface %u, which the file has not described", place);
	if (unlikely(caplen > FILE_PACKET_MAX || caplen > len - PACKET_FIXED - 4))
		return file_damaged(f, at, "a packet claims %u bytes in a block of %u", caplen, len);
	const struct file_iface *iface = &f->ifaces[place];
	*p = (struct packet){
		.ts = iface_ns(iface, (u64)file_u32(at + 12, big) << 32 | file_u32(at + 16, big)),
		.data = at + PACKET_FIXED,
		.caplen = caplen,
		.len = MAX(file_u32(at + 24, big), caplen),
		.linktype = iface->linktype,
		.ifindex = (u16)(place + 1),
	};
	f->last_ts = p->ts;
	u32 options = PACKET_FIXED + pad4(caplen);
	if (options + 4 < len)
		p->direction = packet_direction(f, at + options, len - options - 4);
	return file_keep(f, iface->filter, p);
}

/* A simple packet block: of interface 0, without a time; it gets the last time seen. */
static int on_simple(struct file_reader *f, struct packet *p, const u8 *at, u32 len)
{
	if (len < SIMPLE_FIXED + 4)
		return file_damaged(f, at, "a packet block of %u bytes is too short", len);
	if (f->ifaces_len == 0)
		return file_damaged(f, at, "a packet comes before any interface");
	const struct file_iface *iface = &f->ifaces[0];
	u32 wire = file_u32(at + 8, f->big), caplen = MIN(wire, len - SIMPLE_FIXED - 4);
	if (iface->snaplen)
		caplen = MIN(caplen, iface->snaplen);
	if (caplen > FILE_PACKET_MAX)
		return file_damaged(f, at, "a packet claims %u bytes in a block of %u", caplen, len);
	*p = (struct packet){
		.ts = f->last_ts, .data = at + SIMPLE_FIXED, .caplen = caplen, .len = wire, .linktype = iface->linktype, .ifindex = 1
	};
	return file_keep(f, iface->filter, p);
}

/* A new section: its byte order, and no interfaces yet. Its options are skipped with it. */
static int on_section(struct file_reader *f, const u8 *at)
{
	if (le32(at + 8) != BYTE_ORDER_MAGIC && be32(at + 8) != BYTE_ORDER_MAGIC)
		return file_damaged(f, at, "a pcapng section without its byte order mark");
	f->big = be32(at + 8) == BYTE_ORDER_MAGIC;
	u32 len = file_u32(at + 4, f->big), major = file_u16(at + 12, f->big), minor = file_u16(at + 14, f->big);
	if (len < SECTION_FIXED + 4 || len % 4)
		return file_damaged(f, at, "a pcapng section header of %u bytes", len);
	if (major != 1)
		return file_damaged(f, at, "pcapng version %u.%u is not known (1.0 is the usual one)", major, minor);
	for (u32 i = 0; i < f->ifaces_len; i++)
		f->lost += f->ifaces[i].lost;
	f->ifaces_len = 0;
	f->skip = len;
	return 0;
}

/* Passes over bytes that nobody wants, as far as they have been read. */
static bool skipped(struct file_reader *f)
{
	u64 n = MIN(f->skip, (u64)(f->end - f->at));
	f->at += n;
	f->skip -= n;
	return f->skip == 0;
}

/* A block that is no packet, at f->at. 1: f->at or f->skip has moved on; 0: more bytes needed. */
static int other_block(struct file_reader *f, u32 type, u32 len)
{
	u32 left = (u32)(f->end - f->at);
	if (type == BLOCK_SECTION) {
		int r = left < SECTION_FIXED ? 0 : on_section(f, f->at);
		return r < 0 ? r : f->skip > 0;
	}
	if (len < BLOCK_MIN || len % 4)
		return file_damaged(f, f->at, "a block of type %u claims %u bytes", type, len);
	f->skip = len;
	if ((type != BLOCK_INTERFACE && type != BLOCK_STATISTICS) || len > FILE_BLOCK_MAX)
		return 1;
	f->skip = 0;
	if (left < len)
		return 0;
	int r = 0;
	if (type == BLOCK_INTERFACE)
		r = on_interface(f, f->at, len);
	else
		on_statistics(f, f->at, len);
	f->at += len;
	return r < 0 ? r : 1;
}

static inline bool is_packet(u32 type)
{
	return type == BLOCK_ENHANCED || type == BLOCK_SIMPLE || type == BLOCK_PACKET;
}

/* A packet block at f->at: 1 when it went to *p, 0 when it was filtered out, -EAGAIN when more bytes are needed. */
static inline int packet_block(struct file_reader *f, struct packet *p, u32 type, u32 len)
{
	const u8 *at = f->at;
	if (unlikely(len < BLOCK_MIN || len % 4 || len > FILE_BLOCK_MAX))
		return file_damaged(f, at, "a packet block claims %u bytes", len);
	if ((size_t)(f->end - at) < len)
		return -EAGAIN;
	if (unlikely(file_u32(at + len - 4, f->big) != len))
		return file_damaged(f, at, "a block's length is %u at its start and %u at its end", len, file_u32(at + len - 4, f->big));
	int r = type == BLOCK_SIMPLE ? on_simple(f, p, at, len) : on_packet(f, p, at, len, type);
	if (r >= 0)
		f->at += len;
	return r;
}

static int batch_blocks(struct file_reader *f, struct packet *out, int max)
{
	int n = 0, r;
	while (skipped(f) && f->end - f->at >= BLOCK_MIN) {
		u32 type = file_u32(f->at, f->big), len = file_u32(f->at + 4, f->big);
		if (is_packet(type)) {
			if (n == max)
				break;
			r = packet_block(f, &out[n], type, len);
			n += r > 0;
		} else {
			/* A block after a packet waits for the next batch: its trouble must not hide the packet. */
			r = n ? -EAGAIN : other_block(f, type, len);
			r = r == 0 ? -EAGAIN : r;
		}
		if (r == -EAGAIN)
			break;
		if (r < 0)
			return n ? n : r;
	}
	return n;
}

int file_pcapng_begin(struct file_reader *f)
{
	if (f->end - f->at < SECTION_FIXED)
		return 0;
	f->batch = batch_blocks;
	return 0;
}
