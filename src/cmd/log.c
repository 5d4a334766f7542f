#include "cmd/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "export/rotate.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/timefmt.h"

#define RECENT 32

/* Messages said lately, by hash. */
struct recent {
	u64 hash, said_at;
	u32 kept_back;
};

static struct {
	pthread_mutex_t lock;
	_Atomic u8 level;
	u8 format;
	int fd; /* without a file */
	struct rotate *file;
	struct recent recent[RECENT];
} state = { .lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_INFO, .fd = STDERR_FILENO };

static const char *const names[] = { [LOG_DEBUG] = "DEBUG", [LOG_INFO] = "INFO", [LOG_WARN] = "WARN", [LOG_ERROR] = "ERROR" };

int log_open(const struct config_logger *o, bool interactive)
{
	struct rotate_options r = { .path = o->filename, .max_bytes = o->max_size_mb * MIB, .backups = o->max_backups, .max_age_days = o->max_age_days };
	struct rotate *file = NULL;
	int rc = o->to_stdout || interactive || !*o->filename ? 0 : rotate_open(&r, &file);
	pthread_mutex_lock(&state.lock);
	if (state.file)
		rotate_close(state.file);
	state.file = file;
	state.fd = o->to_stdout ? STDOUT_FILENO : STDERR_FILENO;
	state.format = o->format;
	pthread_mutex_unlock(&state.lock);
	log_set_level((enum config_log_level)o->level);
	return rc;
}

void log_close(void)
{
	pthread_mutex_lock(&state.lock);
	if (state.file)
		rotate_close(state.file);
	state.file = NULL;
	pthread_mutex_unlock(&state.lock);
}

void log_reopen(void)
{
	pthread_mutex_lock(&state.lock);
	if (state.file)
		rotate_reopen(state.file);
	pthread_mutex_unlock(&state.lock);
}

void log_set_level(enum config_log_level level)
{
	atomic_store(&state.level, level);
}

bool log_level_parse(const char *text, enum config_log_level *ret)
{
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(text, names[i]) == 0) {
			*ret = (enum config_log_level)i;
			return true;
		}
	return false;
}

static void add_text(struct buf *out, u64 now, const char *level, const char *part, const char *message)
{
	time_t second = (time_t)(now / NS_PER_SEC);
	struct tm tm;
	char text[32];
	localtime_r(&second, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	buf_addf(out, "%s.%03u\t%s\t%s\t", text, (unsigned)(now % NS_PER_SEC / NS_PER_MS), level, part);
	for (const char *c = message; *c; c++) /* one line, whatever a peer has sent */
		buf_addc(out, *c == '\n' ? ' ' : (unsigned char)*c < 32 || *c == 127 ? '?' : *c);
	buf_addc(out, '\n');
}

static void add_json(struct buf *out, u64 now, const char *level, const char *part, const char *message)
{
	buf_adds(out, "{\"time\":\"");
	time_rfc3339(out, now);
	buf_addf(out, "\",\"level\":\"%s\",\"part\":", level);
	json_text(out, part);
	buf_adds(out, ",\"message\":");
	json_text(out, message);
	buf_adds(out, "}\n");
}

/* Under the lock. False when the message was said a moment ago; else how often it has been kept back since. */
static bool may_say(const char *part, const char *message, u32 *ret_kept_back)
{
	u64 now = clock_ns(CLOCK_MONOTONIC), hash = XXH3_64bits_withSeed(message, strlen(message), XXH3_64bits(part, strlen(part)));
	struct recent *oldest = &state.recent[0];
	*ret_kept_back = 0;
	for (u32 i = 0; i < RECENT; i++) {
		struct recent *r = &state.recent[i];
		if (r->hash == hash && r->said_at && now - r->said_at < LOG_QUIET_NS) {
			r->kept_back++;
			return false;
		}
		if (r->hash == hash) {
			oldest = r;
			*ret_kept_back = r->kept_back;
			break;
		}
		if (r->said_at < oldest->said_at)
			oldest = r;
	}
	*oldest = (struct recent){ .hash = hash, .said_at = now };
	return true;
}

static void write_all(const struct buf *line)
{
	size_t written;
	if (state.file && rotate_write(state.file, line->data, line->len, &written) == 0)
		return;
	for (size_t at = 0; at < line->len;) {
		ssize_t n = write(state.file ? STDERR_FILENO : state.fd, line->data + at, line->len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		at += (size_t)n;
	}
}

void log_write(enum config_log_level level, const char *part, const char *format, ...)
{
	struct buf message = { 0 }, line = { 0 };
	va_list ap;
	u32 kept_back;
	if (level < atomic_load_explicit(&state.level, memory_order_relaxed))
		return;
	va_start(ap, format);
	buf_vaddf(&message, format, ap);
	va_end(ap);
	pthread_mutex_lock(&state.lock);
	if (may_say(part, buf_cstr(&message), &kept_back)) {
		if (kept_back)
			buf_addf(&message, " (and %u times more meanwhile)", kept_back);
		(state.format == LOG_JSON ? add_json : add_text)(&line, clock_ns(CLOCK_REALTIME), names[level], part, buf_cstr(&message));
		write_all(&line);
	}
	pthread_mutex_unlock(&state.lock);
	buf_done(&message);
	buf_done(&line);
}
