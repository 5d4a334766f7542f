#include "export/rotate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STAMP "-0000-00-00T00-00-00.000" /* '0': a digit */
#define STAMP_LEN (sizeof(STAMP) - 1)
#define BACKUPS_SEEN 4096 /* old files looked at in one directory */

struct rotate {
	struct rotate_options o;
	char *path, *directory, *base; /* owned; `base` is the name without its directory */
	int fd;
	u64 size;
	bool regular;
};

/* Where the last dot of a file name is (its end without one): "STEM" before, "EXT" from there. */
static size_t stem_len(const char *base)
{
	const char *dot = strrchr(base, '.');
	return dot ? (size_t)(dot - base) : strlen(base);
}

bool rotate_is_backup(const char *name, const char *base)
{
	size_t stem = stem_len(base), n = strlen(name);
	if (n != strlen(base) + STAMP_LEN || strncmp(name, base, stem) != 0 || strcmp(name + stem + STAMP_LEN, base + stem) != 0)
		return false;
	for (size_t i = 0; i < STAMP_LEN; i++) {
		char want = STAMP[i], c = name[stem + i];
		if (want == '0' ? c < '0' || c > '9' : c != want)
			return false;
	}
	return true;
}

static int make_directories(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		int rc = mkdir(path, 0755);
		*slash = '/';
		if (rc < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int open_file(struct rotate *r)
{
	struct stat st;
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
	r->fd = open(r->path, flags, 0600);
	if (r->fd < 0 && errno == ENOENT) {
		int rc = make_directories(r->path);
		if (rc)
			return rc;
		r->fd = open(r->path, flags, 0600);
	}
	if (r->fd < 0 || fstat(r->fd, &st) < 0)
		return -errno;
	r->regular = S_ISREG(st.st_mode);
	r->size = r->regular ? (u64)st.st_size : 0;
	return 0;
}

int rotate_open(const struct rotate_options *options, struct rotate **ret)
{
	struct rotate *r = calloc(1, sizeof(*r));
	int rc = -ENOMEM;
	if (!r)
		return rc;
	r->o = *options;
	r->fd = -1;
	r->path = strdup(options->path);
	const char *slash = strrchr(options->path, '/');
	r->base = strdup(slash ? slash + 1 : options->path);
	r->directory = slash ? strndup(options->path, (size_t)(slash - options->path) + 1) : strdup(".");
	if (r->path && r->base && r->directory)
		rc = *r->base ? open_file(r) : -EISDIR;
	if (rc)
		rotate_close(r);
	else
		*ret = r;
	return rc;
}

void rotate_close(struct rotate *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	free(r->path);
	free(r->base);
	free(r->directory);
	free(r);
}

int rotate_reopen(struct rotate *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	return open_file(r);
}

/* The names sort by time: compare them backwards, newest first. */
static int newest_first(const void *a, const void *b)
{
	return strcmp(*(char *const *)b, *(char *const *)a);
}

static size_t list_backups(struct rotate *r, char **names)
{
	DIR *dir = opendir(r->directory);
	size_t n = 0;
	for (struct dirent *e; dir && n < BACKUPS_SEEN && (e = readdir(dir));)
		if (rotate_is_backup(e->d_name, r->base) && (names[n] = strdup(e->d_name)))
			n++;
	if (dir)
		closedir(dir);
	return n;
}

/* Local time as in the names; `ms` is added. */
static void stamp(char out[STAMP_LEN + 1], struct timespec at, long ms)
{
	struct tm tm;
	ms += at.tv_nsec / 1000000;
	at.tv_sec += ms / 1000;
	localtime_r(&at.tv_sec, &tm);
	strftime(out, STAMP_LEN + 1, "-%Y-%m-%dT%H-%M-%S", &tm);
	snprintf(out + 20, STAMP_LEN + 1 - 20, ".%03u", (unsigned)ms % 1000u);
}

static void prune(struct rotate *r)
{
	static const long day = 24 * 60 * 60;
	char oldest[STAMP_LEN + 1], path[PATH_MAX];
	struct timespec at;
	char **names = calloc(BACKUPS_SEEN, sizeof(*names));
	if (!names)
		return;
	size_t n = list_backups(r, names), stem = stem_len(r->base);
	qsort(names, n, sizeof(*names), newest_first);
	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec -= (time_t)r->o.max_age_days * day;
	stamp(oldest, at, 0);
	for (size_t i = 0; i < n; i++) {
		bool many = r->o.backups && i >= r->o.backups;
		bool old = r->o.max_age_days && strncmp(names[i] + stem, oldest, STAMP_LEN) < 0;
		snprintf(path, sizeof(path), "%s/%s", r->directory, names[i]);
		if (many || old)
			unlink(path);
		free(names[i]);
	}
	free(names);
}

/* Renames the file to a name that is not taken. */
static int move_away(struct rotate *r)
{
	char path[PATH_MAX], when[STAMP_LEN + 1];
	struct timespec now;
	int stem = (int)stem_len(r->base);
	clock_gettime(CLOCK_REALTIME, &now);
	for (long ms = 0; ms < 10000; ms++) {
		stamp(when, now, ms);
		int n = snprintf(path, sizeof(path), "%s/%.*s%s%s", r->directory, stem, r->base, when, r->base + stem);
		if (n >= (int)sizeof(path))
			return -ENAMETOOLONG;
		if (access(path, F_OK) == 0)
			continue;
		return rename(r->path, path) < 0 ? -errno : 0;
	}
	return -EEXIST;
}

static int rotate_now(struct rotate *r)
{
	int rc = move_away(r);
	if (rc && rc != -ENOENT) /* somebody else has moved it: just begin a new one */
		return rc;
	rc = rotate_reopen(r);
	prune(r);
	return rc;
}

/* Writes all n bytes, or none of the line that did not fit. */
static int append(struct rotate *r, const char *lines, size_t n, size_t *written)
{
	size_t done = 0;
	int rc = 0;
	while (done < n && !rc) {
		ssize_t k = write(r->fd, lines + done, n - done);
		if (k >= 0)
			done += (size_t)k;
		else if (errno != EINTR)
			rc = -errno;
	}
	if (rc && done) {
		const char *end = memrchr(lines, '\n', done);
		size_t whole = end ? (size_t)(end - lines) + 1 : 0;
		if (!r->regular || ftruncate(r->fd, (off_t)(r->size + whole)) == 0)
			done = whole;
	}
	r->size += done;
	*written += done;
	return rc;
}

/* How many bytes of whole lines fit into `room`. */
static size_t lines_within(const char *lines, size_t n, u64 room)
{
	if (n <= room)
		return n;
	const char *end = memrchr(lines, '\n', room);
	return end ? (size_t)(end - lines) + 1 : 0;
}

int rotate_write(struct rotate *r, const char *lines, size_t n, size_t *ret_written)
{
	int rc = r->fd < 0 ? open_file(r) : 0;
	*ret_written = 0;
	while (n && !rc) {
		u64 max = r->o.max_bytes && r->regular ? r->o.max_bytes : UINT64_MAX;
		size_t part = lines_within(lines, n, max > r->size ? max - r->size : 0), written = 0;
		if (!part && r->size) {
			rc = rotate_now(r);
			continue;
		}
		if (!part) { /* one line larger than a whole file */
			const char *end = memchr(lines, '\n', n);
			part = end ? (size_t)(end - lines) + 1 : n;
		}
		rc = append(r, lines, part, &written);
		*ret_written += written;
		lines += part;
		n -= part;
	}
	return rc;
}
