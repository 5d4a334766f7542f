/* The classic format: a header of 24 bytes, then records of a header and data, in the byte order of their writer. */
#include <errno.h>

#include "capture/file_reader.h"

#define HEADER_BYTES 24
#define RECORD_BYTES 16
#define RECORD_BYTES_MODIFIED 24

#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO 0xa1b23c4du
#define MAGIC_MODIFIED 0xa1b2cd34u

static bool known(u32 magic)
{
	return magic == MAGIC_MICRO || magic == MAGIC_NANO || magic == MAGIC_MODIFIED;
}

bool file_pcap_magic(const u8 *p)
{
	return known(le32(p)) || known(be32(p));
}

static u32 record_bytes(const struct file_reader *f)
{
	return f->modified ? RECORD_BYTES_MODIFIED : RECORD_BYTES;
}

/* A record that is none: another file begins here (cat a.pcap b.pcap), or the file is damaged.
 * Returns 1 when it is an ordinary packet after all, 0 when `at` has moved on or more bytes are needed. */
static int odd_record(struct file_reader *f, u32 caplen, u32 len)
{
	if (caplen > FILE_PACKET_MAX)
		return file_damaged(f, f->at, "a packet record claims %u bytes, which no packet has: damaged, or not written by a capture program",
				    caplen);
	if (caplen || len || !file_pcap_magic(f->at))
		return 1;
	return file_pcap_begin(f);
}

static inline __attribute__((always_inline)) void record(const struct file_reader *f, struct packet *p, const u8 *at, bool big, bool odd)
{
	const struct file_iface *iface = f->ifaces;
	*p = (struct packet){
		.ts = file_u32(at, big) * NS_PER_SEC + file_u32(at + 4, big) * iface->factor,
		.data = at + RECORD_BYTES,
		.caplen = file_u32(at + 8, big),
		.len = file_u32(at + 12, big),
		.linktype = iface->linktype,
	};
	if (odd && f->modified) {
		p->data = at + RECORD_BYTES_MODIFIED;
		p->ifindex = (u16)file_u32(at + 16, big);
		p->direction = at[22] == 4 ? PACKET_OUT : at[22] == 0 ? PACKET_IN : PACKET_UNKNOWN;
	}
	if (unlikely(p->caplen > p->len))
		p->len = p->caplen;
}

/* Versions before 2.4 wrote the length on the wire first: 2.3 some of the time. Returns the captured length. */
static u32 old_caplen(const struct file_reader *f, struct packet *p, u32 first, u32 second)
{
	if (f->minor < 3 || (f->minor == 3 && first > second)) {
		p->caplen = second;
		p->len = MAX(first, second);
	}
	return p->caplen;
}

/* `odd`: a modified or old header, whose differences cost the usual one nothing. */
static inline __attribute__((always_inline)) int records(struct file_reader *f, struct packet *out, int max, bool big, bool odd)
{
	const u32 header = odd ? record_bytes(f) : RECORD_BYTES;
	const struct file_filter *filter = f->ifaces->filter;
	int n = 0;
	while (n < max && (size_t)(f->end - f->at) >= header) {
		struct packet *p = &out[n];
		record(f, p, f->at, big, odd);
		u32 caplen = p->caplen;
		if (odd && f->minor < 4)
			caplen = old_caplen(f, p, file_u32(f->at + 8, big), file_u32(f->at + 12, big));
		if (unlikely(caplen - 1 >= FILE_PACKET_MAX)) {
			int r = n ? 0 : odd_record(f, caplen, p->len);
			if (r <= 0)
				return r < 0 ? r : n;
		}
		if ((size_t)(f->end - f->at) - header < caplen)
			break;
		f->at += header + caplen;
		n += file_keep(f, filter, p);
	}
	return n;
}

static int batch_little(struct file_reader *f, struct packet *out, int max)
{
	return records(f, out, max, false, false);
}

static int batch_big(struct file_reader *f, struct packet *out, int max)
{
	return records(f, out, max, true, false);
}

static int batch_odd(struct file_reader *f, struct packet *out, int max)
{
	return f->big ? records(f, out, max, true, true) : records(f, out, max, false, true);
}

int file_pcap_begin(struct file_reader *f)
{
	const u8 *p = f->at;
	if (f->end - p < HEADER_BYTES)
		return 0;
	f->big = known(be32(p));
	u32 magic = file_u32(p, f->big), linktype = file_u32(p + 20, f->big) & 0x03ffffff; /* above: FCS length */
	u32 major = file_u16(p + 4, f->big), minor = file_u16(p + 6, f->big);
	if (major != 2)
		return file_damaged(f, p, "pcap version %u.%u is not known (2.4 is the usual one)", major, minor);
	if (linktype > 0xffff)
		return file_damaged(f, p, "link type %u is nonsense", linktype);
	f->ifaces_len = 0;
	struct file_iface *iface = file_iface_add(f);
	if (!iface)
		return -ENOMEM;
	iface->linktype = file_linktype(linktype);
	iface->factor = magic == MAGIC_NANO ? 1 : NS_PER_US;
	iface->filter = file_filter_for(f, iface->linktype);
	f->modified = magic == MAGIC_MODIFIED;
	f->minor = (u8)MIN(minor, 4u);
	f->batch = f->modified || f->minor < 4 ? batch_odd : f->big ? batch_big : batch_little;
	f->at += HEADER_BYTES;
	return 0;
}
