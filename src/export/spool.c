#include "export/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>

#define MAGIC 0x706b7073u /* "spkp" */
#define SEGMENT_MIN (64 * KIB)
#define SEGMENT_MAX (16 * MIB)
#define RECORD_MAX (64 * MIB)

/* Before each record. Written and read on the same machine, so in its byte order. */
struct head {
	u32 magic, len;
	u32 records, zero;
	u64 born;
	u64 sum; /* of the fields above and the contents */
};

struct cursor {
	u64 segment, offset, sum;
};

struct segment {
	u64 number, bytes;
	u64 pending;       /* records in it that have not been taken out */
	u64 pending_bytes;
};

/* A record that is out. */
struct taken {
	bool used;
	u64 segment, offset, records, bytes;
};

struct spool {
	pthread_mutex_t lock;
	char *dir;
	u64 max_bytes, segment_bytes;
	int dir_fd, lock_fd, cursor_fd;
	struct segment *segments; /* oldest first; the last is written to while write_fd is open */
	u32 segments_len, segments_cap;
	u64 next_number;
	int write_fd, read_fd;
	u64 read_segment, read_offset; /* the next record to take */
	struct taken taken[SPOOL_TAKEN_MAX];
	struct spool_counters c;
};

static u64 head_sum(const struct head *h, const void *p)
{
	return XXH3_64bits_withSeed(p, h->len, XXH3_64bits(h, offsetof(struct head, sum)));
}

static u64 cursor_sum(const struct cursor *c)
{
	return XXH3_64bits(c, offsetof(struct cursor, sum)) ^ MAGIC;
}

static void segment_name(char name[32], u64 number)
{
	snprintf(name, 32, "%016" PRIx64 ".spool", number);
}

static int open_segment(const struct spool *s, u64 number, int flags)
{
	char name[32];
	segment_name(name, number);
	int fd = openat(s->dir_fd, name, flags | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

static struct segment *find_segment(struct spool *s, u64 number)
{
	for (u32 i = 0; i < s->segments_len; i++)
		if (s->segments[i].number == number)
			return &s->segments[i];
	return NULL;
}

static struct segment *push_segment(struct spool *s, u64 number)
{
	if (s->segments_len == s->segments_cap) {
		u32 cap = MAX(s->segments_cap * 2, 16u);
		struct segment *v = realloc(s->segments, cap * sizeof(*v));
		if (!v)
			return NULL;
		s->segments = v;
		s->segments_cap = cap;
	}
	struct segment *g = &s->segments[s->segments_len++];
	*g = (struct segment){ .number = number };
	return g;
}

static void remove_oldest(struct spool *s)
{
	char name[32];
	struct segment *g = &s->segments[0];
	segment_name(name, g->number);
	unlinkat(s->dir_fd, name, 0);
	if (s->write_fd >= 0 && s->segments_len == 1) {
		close(s->write_fd);
		s->write_fd = -1;
	}
	if (g->number == s->read_segment && s->read_fd >= 0) {
		close(s->read_fd);
		s->read_fd = -1;
	}
	memmove(g, g + 1, --s->segments_len * sizeof(*g));
}

/* The oldest position somebody may still need. */
static struct cursor oldest(const struct spool *s)
{
	struct cursor c = { .segment = s->read_segment, .offset = s->read_offset };
	for (u32 i = 0; i < SPOOL_TAKEN_MAX; i++) {
		const struct taken *t = &s->taken[i];
		if (t->used && (t->segment < c.segment || (t->segment == c.segment && t->offset < c.offset)))
			c = (struct cursor){ .segment = t->segment, .offset = t->offset };
	}
	return c;
}

/* Everything before the oldest position is done with. */
static void advance(struct spool *s)
{
	struct cursor c = oldest(s);
	c.sum = cursor_sum(&c);
	if (pwrite(s->cursor_fd, &c, sizeof(c), 0) != sizeof(c))
		s->c.damaged++;
	while (s->segments_len && s->segments[0].number < c.segment)
		remove_oldest(s);
}

static u64 total_bytes(const struct spool *s)
{
	u64 sum = 0;
	for (u32 i = 0; i < s->segments_len; i++)
		sum += s->segments[i].bytes;
	return sum;
}

static void drop_oldest(struct spool *s)
{
	struct segment g = s->segments[0];
	s->c.dropped += g.pending;
	s->c.records -= g.pending;
	s->c.bytes -= g.pending_bytes;
	remove_oldest(s);
	if (s->read_segment == g.number) {
		s->read_segment = s->segments_len ? s->segments[0].number : s->next_number;
		s->read_offset = 0;
	}
	advance(s);
}

static int begin_segment(struct spool *s)
{
	if (s->write_fd >= 0)
		close(s->write_fd);
	s->write_fd = -1;
	int fd = open_segment(s, s->next_number, O_WRONLY | O_CREAT | O_EXCL | O_APPEND);
	if (fd < 0)
		return fd;
	if (!push_segment(s, s->next_number)) {
		close(fd);
		return -ENOMEM;
	}
	s->write_fd = fd;
	s->next_number++;
	return 0;
}

/* Writes the record to the newest segment, or leaves that as it was. */
static int append(struct spool *s, const struct head *h, const void *p)
{
	struct segment *g = &s->segments[s->segments_len - 1];
	struct iovec v[2] = { { (void *)(uintptr_t)h, sizeof(*h) }, { (void *)(uintptr_t)p, h->len } };
	size_t size = sizeof(*h) + h->len;
	ssize_t n = writev(s->write_fd, v, 2);
	if (n == (ssize_t)size) {
		g->bytes += size;
		g->pending += h->records;
		g->pending_bytes += size;
		return 0;
	}
	int rc = n < 0 ? -errno : -ENOSPC;
	if (n > 0 && ftruncate(s->write_fd, (off_t)g->bytes) < 0) {
		/* What is left of it must not be read as a record: go on elsewhere. */
		close(s->write_fd);
		s->write_fd = -1;
	}
	return rc;
}

int spool_add(struct spool *s, const void *p, size_t n, u32 records, u64 born)
{
	int rc = 0;
	if (n > RECORD_MAX || n + sizeof(struct head) > s->max_bytes)
		return -EFBIG;
	struct head h = { .magic = MAGIC, .len = (u32)n, .records = records, .born = born };
	h.sum = head_sum(&h, p);
	size_t size = n + sizeof(h);
	pthread_mutex_lock(&s->lock);
	while (s->segments_len && total_bytes(s) + size > s->max_bytes)
		drop_oldest(s);
	if (s->write_fd < 0 || s->segments_len == 0 || s->segments[s->segments_len - 1].bytes + size > s->segment_bytes)
		rc = begin_segment(s);
	if (!rc)
		rc = append(s, &h, p);
	if (!rc) {
		s->c.records += records;
		s->c.bytes += size;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* The record at an offset of a segment. 0: `into` holds it; -ENODATA: none begins here; -EBADMSG: a damaged one, whose head may be right. */
static int read_record(int fd, u64 offset, u64 end, struct buf *into, struct head *ret)
{
	into->len = 0;
	if (offset + sizeof(*ret) > end || pread(fd, ret, sizeof(*ret), (off_t)offset) != sizeof(*ret))
		return -ENODATA;
	if (ret->magic != MAGIC || ret->len > RECORD_MAX || ret->zero || offset + sizeof(*ret) + ret->len > end)
		return -ENODATA;
	char *to = buf_room(into, ret->len ? ret->len : 1);
	if (!to) {
		into->failed = false;
		return -ENOMEM;
	}
	if (pread(fd, to, ret->len, (off_t)(offset + sizeof(*ret))) != (ssize_t)ret->len || head_sum(ret, to) != ret->sum)
		return -EBADMSG;
	into->len = ret->len;
	return 0;
}

/* The segment to read from, opened; NULL when all has been read. */
static struct segment *readable(struct spool *s)
{
	for (;;) {
		struct segment *g = find_segment(s, s->read_segment);
		if (g && s->read_offset < g->bytes) {
			if (s->read_fd < 0)
				s->read_fd = open_segment(s, g->number, O_RDONLY);
			return g;
		}
		if (!s->segments_len || (g && g == &s->segments[s->segments_len - 1]))
			return NULL;
		if (s->read_fd >= 0)
			close(s->read_fd);
		s->read_fd = -1;
		s->read_segment = g ? g[1].number : s->segments[0].number;
		s->read_offset = 0;
	}
}

/* What cannot be read is given up: one record, or the rest of the segment. */
static void give_up(struct spool *s, struct segment *g, const struct head *h, bool rest)
{
	u64 records = rest ? g->pending : MIN((u64)h->records, g->pending);
	u64 bytes = rest ? g->pending_bytes : MIN(sizeof(*h) + h->len, g->pending_bytes);
	s->c.dropped += records;
	s->c.records -= records;
	s->c.bytes -= bytes;
	s->c.damaged += bytes;
	g->pending -= records;
	g->pending_bytes -= bytes;
	s->read_offset = rest ? g->bytes : s->read_offset + sizeof(*h) + h->len;
}

static bool take(struct spool *s, struct buf *into, struct taken *t, struct spool_record *ret)
{
	struct segment *g;
	struct head h;
	while ((g = readable(s))) {
		int rc = s->read_fd < 0 ? -ENODATA : read_record(s->read_fd, s->read_offset, g->bytes, into, &h);
		u64 offset = s->read_offset, size = sizeof(h) + h.len;
		if (rc == -ENOMEM)
			return false;
		if (rc) {
			give_up(s, g, &h, rc == -ENODATA);
			continue;
		}
		s->read_offset += size;
		g->pending -= h.records;
		g->pending_bytes -= size;
		*t = (struct taken){ .used = true, .segment = g->number, .offset = offset, .records = h.records, .bytes = size };
		*ret = (struct spool_record){ g->number, offset, h.len, h.records, h.born, 0 };
		return true;
	}
	return false;
}

bool spool_take(struct spool *s, struct buf *into, struct spool_record *ret)
{
	bool got = false;
	pthread_mutex_lock(&s->lock);
	for (u32 i = 0; i < SPOOL_TAKEN_MAX; i++) {
		if (s->taken[i].used)
			continue;
		got = take(s, into, &s->taken[i], ret);
		ret->slot = i;
		break;
	}
	pthread_mutex_unlock(&s->lock);
	return got;
}

void spool_settle(struct spool *s, const struct spool_record *r)
{
	pthread_mutex_lock(&s->lock);
	struct taken *t = &s->taken[r->slot];
	s->c.records -= t->records;
	s->c.bytes -= t->bytes;
	t->used = false;
	advance(s);
	pthread_mutex_unlock(&s->lock);
}

bool spool_put_back(struct spool *s, const struct spool_record *r)
{
	pthread_mutex_lock(&s->lock);
	struct taken *t = &s->taken[r->slot];
	bool there = find_segment(s, t->segment) != NULL;
	if (!there) {
		s->c.records -= t->records;
		s->c.bytes -= t->bytes;
		t->used = false;
	}
	pthread_mutex_unlock(&s->lock);
	return there;
}

void spool_counters(struct spool *s, struct spool_counters *ret)
{
	pthread_mutex_lock(&s->lock);
	*ret = s->c;
	pthread_mutex_unlock(&s->lock);
}

/* --- opening --- */

/* "000000000000002a.spool" */
static bool parse_name(const char *name, u64 *ret)
{
	char again[32];
	*ret = strtoull(name, NULL, 16);
	segment_name(again, *ret);
	return strcmp(name, again) == 0;
}

static int by_number(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

static int list_segments(struct spool *s)
{
	int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		int rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	u64 number;
	struct stat st;
	int rc = 0;
	for (struct dirent *e; !rc && (e = readdir(dir));) {
		if (!parse_name(e->d_name, &number))
			continue;
		struct segment *g = push_segment(s, number);
		if (!g)
			rc = -ENOMEM;
		else if (fstatat(s->dir_fd, e->d_name, &st, 0) == 0)
			g->bytes = (u64)st.st_size;
	}
	closedir(dir);
	if (s->segments_len)
		qsort(s->segments, s->segments_len, sizeof(*s->segments), by_number);
	return rc;
}

static void load_cursor(struct spool *s)
{
	struct cursor c;
	if (pread(s->cursor_fd, &c, sizeof(c), 0) != sizeof(c) || cursor_sum(&c) != c.sum)
		c = (struct cursor){ 0 };
	s->read_segment = c.segment;
	s->read_offset = c.offset;
	s->next_number = MAX(c.segment + 1, 1ull);
	if (s->segments_len)
		s->next_number = MAX(s->next_number, s->segments[s->segments_len - 1].number + 1);
}

/* Counts what stands in a segment from an offset on; a tail that is no record (the process died in the middle of it) is cut off. */
static int count_segment(struct spool *s, struct segment *g, u64 offset)
{
	struct buf contents = { .max = RECORD_MAX };
	struct head h;
	int fd = open_segment(s, g->number, O_RDONLY), rc;
	if (fd < 0)
		return fd;
	while ((rc = read_record(fd, offset, g->bytes, &contents, &h)) == 0 || rc == -EBADMSG) {
		g->pending += h.records;
		g->pending_bytes += sizeof(h) + h.len;
		offset += sizeof(h) + h.len;
	}
	s->c.damaged += g->bytes - MIN(offset, g->bytes);
	g->bytes = MIN(offset, g->bytes);
	close(fd);
	buf_done(&contents);
	return rc == -ENOMEM ? rc : 0;
}

static int recover(struct spool *s)
{
	int rc = list_segments(s);
	load_cursor(s);
	for (u32 i = 0; i < s->segments_len && !rc; i++) {
		struct segment *g = &s->segments[i];
		if (g->number < s->read_segment)
			continue;
		rc = count_segment(s, g, g->number == s->read_segment ? s->read_offset : 0);
		s->c.recovered += g->pending;
		s->c.bytes += g->pending_bytes;
	}
	s->c.records = s->c.recovered;
	while (s->segments_len && s->segments[0].pending == 0)
		remove_oldest(s);
	if (s->segments_len == 0 || s->segments[0].number > s->read_segment) {
		s->read_segment = s->segments_len ? s->segments[0].number : s->next_number;
		s->read_offset = 0;
	}
	return rc;
}

/* The directory and those above it. */
static int make_dirs(const char *path)
{
	char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	int rc = 0;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(copy, 0755);
		*p = '/';
	}
	if (mkdir(copy, 0700) < 0 && errno != EEXIST)
		rc = -errno;
	free(copy);
	return rc;
}

/* The process that holds the lock has written its number into it. */
static int who_has_it(const struct spool *s)
{
	char text[16] = "";
	ssize_t n = pread(s->lock_fd, text, sizeof(text) - 1, 0);
	return n > 0 && strtol(text, NULL, 10) == (long)getpid() ? -EAGAIN : -EBUSY;
}

static int open_dir(struct spool *s)
{
	int rc = make_dirs(s->dir);
	if (rc)
		return rc;
	s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return -errno;
	s->lock_fd = openat(s->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return -errno;
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? who_has_it(s) : -errno;
	if (ftruncate(s->lock_fd, 0) < 0 || dprintf(s->lock_fd, "%d\n", (int)getpid()) < 0)
		return -errno;
	s->cursor_fd = openat(s->dir_fd, "cursor", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return s->cursor_fd < 0 ? -errno : 0;
}

int spool_open(const struct spool_options *options, struct spool **ret)
{
	struct spool *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	s->dir_fd = s->lock_fd = s->cursor_fd = s->write_fd = s->read_fd = -1;
	s->max_bytes = MAX(options->max_bytes, 4 * SEGMENT_MIN);
	s->segment_bytes = MIN(MAX(s->max_bytes / 8, SEGMENT_MIN), SEGMENT_MAX);
	s->dir = strdup(options->dir);
	int rc = s->dir ? open_dir(s) : -ENOMEM;
	if (!rc)
		rc = recover(s);
	if (rc) {
		spool_close(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	int fds[] = { s->write_fd, s->read_fd, s->cursor_fd, s->lock_fd, s->dir_fd };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	pthread_mutex_destroy(&s->lock);
	free(s->segments);
	free(s->dir);
	free(s);
}
