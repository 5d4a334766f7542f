/* The engine "file": pcap and pcapng, packed or not, from a file or a pipe.
 * Plain read(2) into one buffer that stays in the L2 cache: measured cheaper than mmap (no page faults, packets
 * are warm when the decoder looks at them), the same for pipes, and a file that shrinks is an early end, not a SIGBUS. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "capture/file_reader.h"

#define BUFFER_BYTES (FILE_BLOCK_MAX + FILE_READ_BYTES)

int file_damaged(struct file_reader *f, const u8 *at, const char *format, ...)
{
	char what[200];
	va_list ap;
	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	if (!f->damaged)
		warnings_add(&f->warnings, "%.90s, byte %llu%s: %s", source_name(f->source), (unsigned long long)file_offset(f, at),
			     source_packed(f->source) ? " (unpacked)" : "", what);
	f->damaged = true;
	return -EBADMSG;
}

struct file_iface *file_iface_add(struct file_reader *f)
{
	if (f->ifaces_len == FILE_IFACES_MAX)
		return NULL;
	if (f->ifaces_len == f->ifaces_cap) {
		u32 cap = f->ifaces_cap ? f->ifaces_cap * 2 : 4;
		struct file_iface *ifaces = realloc(f->ifaces, cap * sizeof(*ifaces));
		if (!ifaces)
			return NULL;
		f->ifaces = ifaces;
		f->ifaces_cap = cap;
	}
	struct file_iface *iface = &f->ifaces[f->ifaces_len++];
	*iface = (struct file_iface){ .factor = 1 };
	return iface;
}

/* Compiles the filter into a slot of its own; where it does not apply, says so. */
static int filter_fill(struct file_reader *f, struct file_filter *filter, const char *text)
{
	char error[256];
	int r = filter_compile(&filter->program, filter->linktype, FILTER_SNAPLEN, text, error);
	filter->refused = r < 0;
	if (r == -EINVAL)
		warnings_add(&f->warnings, "packets of link type %u are left out: %s", filter->linktype, error);
	return r;
}

const struct file_filter *file_filter_for(struct file_reader *f, u16 linktype)
{
	static const struct file_filter nothing = { .refused = true };
	if (!f->filter_text)
		return NULL;
	for (u32 i = 0; i < f->filters_len; i++)
		if (f->filters[i].linktype == linktype)
			return &f->filters[i];
	if (f->filters_len == FILE_FILTERS_MAX) {
		warnings_add(&f->warnings, "packets of link type %u are left out: more than %d link types with a filter", linktype, FILE_FILTERS_MAX);
		return &nothing;
	}
	struct file_filter *filter = &f->filters[f->filters_len++];
	*filter = (struct file_filter){ .linktype = linktype };
	filter_fill(f, filter, f->filter_text);
	return filter;
}

static void filters_done(struct file_reader *f)
{
	for (u32 i = 0; i < f->filters_len; i++)
		filter_free(&f->filters[i].program);
	f->filters_len = 0;
	free(f->filter_text);
	f->filter_text = NULL;
}

static int file_set_filter(struct capture *c, const char *text, char error[256])
{
	struct file_reader *f = (struct file_reader *)c;
	char *copy = NULL;
	if (text && *text) {
		int r = filter_check(text, error);
		if (r < 0)
			return r;
		copy = strdup(text);
		if (!copy)
			return -ENOMEM;
	}
	filters_done(f);
	f->filter_text = copy;
	for (u32 i = 0; i < f->ifaces_len; i++)
		f->ifaces[i].filter = file_filter_for(f, f->ifaces[i].linktype);
	return 0;
}

/* More bytes behind what is left, which moves to just before the place where they are read to. Packets handed
 * out before are gone. >0, 0 at the end, -EAGAIN, or broken. */
static ssize_t fill(struct file_reader *f)
{
	size_t left = (size_t)(f->end - f->at), room = (size_t)(f->buf + BUFFER_BYTES - f->end);
	if (left > FILE_BLOCK_MAX)
		return -EAGAIN; /* a poll for no packets at all */
	if (left == 0 || room < FILE_READ_BYTES / 4) {
		u8 *to = f->buf + FILE_BLOCK_MAX - left;
		memmove(to, f->at, left);
		f->at = to;
		f->end = f->buf + FILE_BLOCK_MAX;
		room = FILE_READ_BYTES;
	}
	ssize_t r = source_read(f->source, f->end, room);
	if (r > 0) {
		f->end += r;
		f->end_offset += (u64)r;
	}
	return r;
}

/* The file's first bytes say which format it is. */
static int batch_unknown(struct file_reader *f, struct packet *out, int max)
{
	const u8 *p = f->at;
	if (f->end - p < 4)
		return 0;
	if (file_pcap_magic(p))
		return file_pcap_begin(f);
	if (le32(p) == 0x0a0d0d0a)
		return file_pcapng_begin(f);
	if (memcmp(p, "snoo", 4) == 0)
		return file_damaged(f, p, "a snoop file; convert it: editcap -F pcapng FILE out.pcapng");
	return file_damaged(f, p, "not a capture file: it begins with %02x %02x %02x %02x; pcap and pcapng, also packed with gzip or zstd, are read", p[0],
			    p[1], p[2], p[3]);
}

/* Whole packets from what has been read. */
static int batch(struct file_reader *f, struct packet *out, int max)
{
	const u8 *before;
	int n;
	do {
		before = f->at;
		n = f->batch(f, out, max);
	} while (n == 0 && f->at != before);
	return n;
}

/* The end of the bytes: a clean one, or in the middle of something. */
static int finish(struct file_reader *f)
{
	u64 offset = f->end_offset, left = (u64)(f->end - f->at);
	const char *problem = source_problem(f->source), *name = source_name(f->source);
	const char *packed = source_packed(f->source) ? " (unpacked)" : "";
	f->done = -ENODATA;
	if (problem)
		warnings_add(&f->warnings, "%s", problem);
	if (f->batch == batch_unknown) {
		warnings_add(&f->warnings, offset ? "%.90s is no capture file: only %llu bytes%s" : "%.90s is empty", name, (unsigned long long)offset, packed);
		f->done = -EBADMSG;
	} else if (f->skip || left) {
		warnings_add(&f->warnings, "%.90s is cut short at byte %llu%s: what begins at byte %llu is incomplete; the %llu packets before it were read", name,
			     (unsigned long long)offset, packed, (unsigned long long)(offset - left), (unsigned long long)(f->packets + f->filtered));
	}
	return f->done;
}

static int file_poll(struct capture *c, struct packet *out, int max)
{
	struct file_reader *f = (struct file_reader *)c;
	if (f->done)
		return f->done;
	int n = batch(f, out, max);
	if (n == 0) {
		ssize_t r = fill(f);
		if (r == -EAGAIN)
			return 0;
		if (r == 0)
			return finish(f);
		n = r < 0 ? (int)r : batch(f, out, max);
		if (r < 0 && source_problem(f->source))
			warnings_add(&f->warnings, "%s", source_problem(f->source));
	}
	if (n < 0)
		f->done = n;
	else
		f->packets += (u64)n;
	return n;
}

/* Reads a file's headers up to the first packet, so that what is wrong with it is said at once. */
static int read_headers(struct file_reader *f)
{
	int r = 0;
	while (r == 0 && f->batch == batch_unknown && source_is_file(f->source))
		r = file_poll(&f->base, NULL, 0);
	if (r == 0)
		r = batch(f, NULL, 0);
	u32 refused = 0;
	for (u32 i = 0; i < f->filters_len; i++)
		refused += f->filters[i].refused;
	return r < 0 && r != -ENODATA ? r : refused && refused == f->filters_len ? -EINVAL : 0;
}

static void file_close(struct capture *c)
{
	struct file_reader *f = (struct file_reader *)c;
	filters_done(f);
	free(f->filters);
	free(f->ifaces);
	for (size_t i = 0; i < ARRAY_LEN(f->names); i++)
		free(f->names[i]);
	source_close(f->source);
	if (f->buf)
		munmap(f->buf, BUFFER_BYTES);
	free(f);
}

extern const struct capture_engine capture_file;

static int file_open(struct capture_options *options, struct capture **ret)
{
	struct file_reader *f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	int r = -ENOMEM;
	f->base.engine = &capture_file;
	f->batch = batch_unknown;
	f->filters = calloc(FILE_FILTERS_MAX, sizeof(*f->filters));
	void *buf = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	f->buf = buf == MAP_FAILED ? NULL : buf;
	snprintf(options->error, sizeof(options->error), "no memory for a capture file's buffer");
	if (!f->filters || !f->buf)
		goto fail;
	f->at = f->end = f->buf + FILE_BLOCK_MAX;
	r = source_open(options->file, options->poll_ms ? options->poll_ms : 5, &f->source, options->error);
	if (r == 0)
		r = file_set_filter(&f->base, options->filter, options->error);
	if (r < 0)
		goto fail;
	r = read_headers(f);
	if (r < 0) {
		const char *why = warnings_next(&f->warnings);
		snprintf(options->error, sizeof(options->error), "%s", why ? why : strerror(-r));
		goto fail;
	}
	options->error[0] = '\0';
	*ret = &f->base;
	return 0;
fail:
	file_close(&f->base);
	return r;
}

static void file_stats(struct capture *c, struct capture_stats *ret)
{
	const struct file_reader *f = (const struct file_reader *)c;
	*ret = (struct capture_stats){
		.received = f->packets,
		.filtered = f->filtered,
		.dropped = f->lost,
		.bytes = source_bytes(f->source),
		.total = source_total(f->source),
	};
	for (u32 i = 0; i < f->ifaces_len; i++)
		ret->dropped += f->ifaces[i].lost;
}

static const char *file_warning(struct capture *c)
{
	return warnings_next(&((struct file_reader *)c)->warnings);
}

static const char *file_interface_name(struct capture *c, u16 ifindex)
{
	const struct file_reader *f = (const struct file_reader *)c;
	u32 place = ifindex - 1u;
	if (place >= FILE_IFACES_MAX || !f->names[place / FILE_NAMES_BLOCK])
		return NULL;
	const char *name = f->names[place / FILE_NAMES_BLOCK][place % FILE_NAMES_BLOCK];
	return *name ? name : NULL;
}

const struct capture_engine capture_file = {
	.name = "file",
	.open = file_open,
	.poll = file_poll,
	.stats = file_stats,
	.set_filter = file_set_filter,
	.warning = file_warning,
	.interface_name = file_interface_name,
	.close = file_close,
};
