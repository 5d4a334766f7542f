#include "capture/file_source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "util/bytes.h"

#define IN_BYTES (128 * KIB)
#define MAGIC_BYTES 4
#define ZSTD_WINDOW_LOG_MAX 27

enum form { FORM_UNKNOWN, FORM_PLAIN, FORM_GZIP, FORM_ZSTD };

struct file_source {
	int fd;
	bool is_file; /* a regular file: reads never wait */
	bool eof;     /* of the file itself */
	bool full;    /* the last unpacking filled the caller's room: there may be more without further input */
	bool inside;  /* a gzip member or zstd frame has begun and not ended */
	u8 form;
	int broken; /* what every further read returns */
	u32 wait_ms;
	u32 in_at, in_end; /* unread part of in[] */
	u64 units;         /* members or frames unpacked whole */
	u64 bytes, total;
	z_stream gzip;
	ZSTD_DStream *zstd;
	char name[96];
	char problem[256];
	u8 in[IN_BYTES];
};

static int source_break(struct file_source *s, const char *what)
{
	snprintf(s->problem, sizeof(s->problem), "%s: %s at byte %llu", s->name, what,
		 (unsigned long long)(s->bytes - (s->in_end - s->in_at)));
	s->broken = -EBADMSG;
	return s->broken;
}

/* One read(2), at most wait_ms late on a pipe. A signal counts as "nothing yet", so that the caller can look why. */
static ssize_t read_some(struct file_source *s, u8 *to, size_t n)
{
	if (s->eof)
		return 0;
	if (!s->is_file) {
		struct pollfd p = { .fd = s->fd, .events = POLLIN };
		if (poll(&p, 1, (int)s->wait_ms) <= 0)
			return -EAGAIN;
	}
	ssize_t r = read(s->fd, to, n);
	if (r < 0 && (errno == EINTR || errno == EAGAIN))
		return -EAGAIN;
	if (r < 0) {
		s->broken = -errno;
		snprintf(s->problem, sizeof(s->problem), "%s: reading failed at byte %llu: %s", s->name,
			 (unsigned long long)s->bytes, strerror(errno));
		return s->broken;
	}
	s->bytes += (u64)r;
	s->eof = r == 0;
	return r;
}

/* More input behind what is left of it: bytes, 0 at the end, or negative. */
static ssize_t refill(struct file_source *s)
{
	if (s->in_at > 0) {
		memmove(s->in, s->in + s->in_at, s->in_end - s->in_at);
		s->in_end -= s->in_at;
		s->in_at = 0;
	}
	ssize_t r = read_some(s, s->in + s->in_end, sizeof(s->in) - s->in_end);
	if (r > 0)
		s->in_end += (u32)r;
	return r;
}

/* Files people try that no reader of captures can take; the way out is in the sentence. */
static int refuse_packer(struct file_source *s)
{
	static const struct {
		u8 magic[MAGIC_BYTES], len;
		const char *tool;
	} packers[] = {
		{ { 0xfd, '7', 'z', 'X' }, 4, "xz -dc" },
		{ { 'B', 'Z', 'h' }, 3, "bzip2 -dc" },
		{ { 0x04, 0x22, 0x4d, 0x18 }, 4, "lz4 -dc" },
		{ { 'P', 'K', 3, 4 }, 4, "unzip -p" },
	};
	for (size_t i = 0; i < ARRAY_LEN(packers); i++) {
		if (s->in_end - s->in_at < packers[i].len || memcmp(s->in + s->in_at, packers[i].magic, packers[i].len) != 0)
			continue;
		snprintf(s->problem, sizeof(s->problem), "%s is packed in a way that is not read here; try: %s FILE | packetd watch --pcap-file -",
			 s->name, packers[i].tool);
		s->broken = -EBADMSG;
		return s->broken;
	}
	return 0;
}

static bool is_zstd(u32 magic)
{
	return magic == ZSTD_MAGICNUMBER || (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

/* Waits for the bytes a form is told by: 0 when they are there, or the end is. */
static int need_magic(struct file_source *s)
{
	while (s->in_end - s->in_at < MAGIC_BYTES && !s->eof) {
		ssize_t r = refill(s);
		if (r < 0)
			return (int)r;
	}
	return 0;
}

static int no_memory(struct file_source *s)
{
	snprintf(s->problem, sizeof(s->problem), "%s: no memory to unpack it", s->name);
	s->broken = -ENOMEM;
	return s->broken;
}

/* Decides the form from the first bytes: 0 when decided, -EAGAIN when they are not there yet. */
static int source_detect(struct file_source *s)
{
	int r = need_magic(s);
	if (r < 0)
		return r;
	const u8 *p = s->in + s->in_at;
	u32 n = s->in_end - s->in_at;
	s->form = FORM_PLAIN;
	if (n >= 2 && p[0] == 0x1f && p[1] == 0x8b) {
		if (inflateInit2(&s->gzip, 15 + 16) != Z_OK)
			return no_memory(s);
		s->form = FORM_GZIP;
	} else if (n >= MAGIC_BYTES && is_zstd(le32(p))) {
		s->zstd = ZSTD_createDStream();
		if (!s->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX)))
			return no_memory(s);
		s->form = FORM_ZSTD;
	}
	return refuse_packer(s);
}

/* Bytes behind the last member that are not packed data: said, and the end. Padding with zeros is usual. */
static ssize_t source_rubbish(struct file_source *s)
{
	while (s->in_at < s->in_end && s->in[s->in_at] == 0)
		s->in_at++;
	if (s->in_at == s->in_end)
		return 0;
	snprintf(s->problem, sizeof(s->problem), "%s: what follows the packed data from byte %llu on was ignored", s->name,
		 (unsigned long long)(s->bytes - (s->in_end - s->in_at)));
	s->eof = true;
	s->in_at = s->in_end;
	return 0;
}

static ssize_t unpack_gzip(struct file_source *s, u8 *to, size_t n)
{
	z_stream *z = &s->gzip;
	if (!s->inside && s->units && s->in[s->in_at] != 0x1f)
		return source_rubbish(s);
	z->next_in = s->in + s->in_at;
	z->avail_in = s->in_end - s->in_at;
	z->next_out = to;
	z->avail_out = (uInt)n;
	int r = inflate(z, Z_NO_FLUSH);
	s->in_at = s->in_end - z->avail_in;
	s->inside = true;
	s->full = z->avail_out == 0;
	if (r == Z_STREAM_END) {
		s->inside = s->full = false;
		s->units++;
		inflateReset(z);
	} else if (r != Z_OK && r != Z_BUF_ERROR) {
		source_break(s, r == Z_MEM_ERROR ? "no memory to unpack gzip data" : "damaged gzip data");
	}
	return (ssize_t)(n - z->avail_out);
}

static ssize_t unpack_zstd(struct file_source *s, u8 *to, size_t n)
{
	if (!s->inside && s->units) {
		int need = need_magic(s);
		if (need < 0)
			return need;
		if (s->in_end - s->in_at < MAGIC_BYTES || !is_zstd(le32(s->in + s->in_at)))
			return source_rubbish(s);
	}
	ZSTD_inBuffer in = { s->in + s->in_at, s->in_end - s->in_at, 0 };
	ZSTD_outBuffer out = { to, n, 0 };
	size_t r = ZSTD_decompressStream(s->zstd, &out, &in);
	s->in_at += (u32)in.pos;
	s->inside = true;
	s->full = out.pos == n;
	if (ZSTD_isError(r)) {
		source_break(s, ZSTD_getErrorName(r));
	} else if (r == 0) {
		s->inside = s->full = false;
		s->units++;
	}
	return (ssize_t)out.pos;
}

/* The end of the packed file: fine between members, a cut inside one. */
static ssize_t packed_end(struct file_source *s)
{
	if (s->inside && !s->problem[0])
		snprintf(s->problem, sizeof(s->problem), "%s is cut short: its packed data end in the middle, at byte %llu", s->name,
			 (unsigned long long)s->bytes);
	return 0;
}

static ssize_t read_packed(struct file_source *s, u8 *to, size_t n)
{
	for (;;) {
		if (s->in_at == s->in_end && !s->full) {
			ssize_t r = refill(s);
			if (r <= 0)
				return r == 0 ? packed_end(s) : r;
		}
		s->full = false;
		ssize_t got = s->form == FORM_GZIP ? unpack_gzip(s, to, n) : unpack_zstd(s, to, n);
		if (got)
			return got;
		if (s->broken)
			return s->broken;
	}
}

ssize_t source_read(struct file_source *s, u8 *to, size_t n)
{
	if (s->broken)
		return s->broken;
	if (s->form == FORM_UNKNOWN) {
		int r = source_detect(s);
		if (r < 0)
			return r;
	}
	if (s->form != FORM_PLAIN)
		return read_packed(s, to, n);
	if (s->in_at == s->in_end)
		return read_some(s, to, n);
	n = MIN(n, s->in_end - s->in_at);
	memcpy(to, s->in + s->in_at, n);
	s->in_at += (u32)n;
	return (ssize_t)n;
}

static int source_open_path(struct file_source *s, const char *path, char error[256])
{
	bool standard_input = strcmp(path, "-") == 0;
	snprintf(s->name, sizeof(s->name), "%s", standard_input ? "standard input" : path);
	/* Not waiting for the writer of a named pipe here: the first reads do, a little at a time. */
	s->fd = standard_input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	if (s->fd < 0 || fstat(s->fd, &st) < 0) {
		int r = -errno;
		snprintf(error, 256, "cannot open %s: %s", s->name, strerror(-r));
		return r;
	}
	if (S_ISDIR(st.st_mode)) {
		snprintf(error, 256, "%s is a directory, not a capture file", s->name);
		return -EISDIR;
	}
	s->is_file = S_ISREG(st.st_mode);
	if (!s->is_file)
		return 0;
	off_t at = lseek(s->fd, 0, SEEK_CUR);
	s->total = at >= 0 && st.st_size > at ? (u64)(st.st_size - at) : 0;
	posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return 0;
}

int source_open(const char *path, u32 wait_ms, struct file_source **ret, char error[256])
{
	if (!path)
		return -EINVAL;
	struct file_source *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->fd = -1;
	s->wait_ms = wait_ms;
	int r = source_open_path(s, path, error);
	if (r < 0) {
		source_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void source_close(struct file_source *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	if (s->form == FORM_GZIP)
		inflateEnd(&s->gzip);
	ZSTD_freeDStream(s->zstd);
	free(s);
}

const char *source_problem(const struct file_source *s)
{
	return s->problem[0] ? s->problem : NULL;
}

const char *source_name(const struct file_source *s)
{
	return s->name;
}

bool source_packed(const struct file_source *s)
{
	return s->form == FORM_GZIP || s->form == FORM_ZSTD;
}

bool source_is_file(const struct file_source *s)
{
	return s->is_file;
}

u64 source_bytes(const struct file_source *s)
{
	return s->bytes;
}

u64 source_total(const struct file_source *s)
{
	return s->total;
}
