#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/binder.h"

#define NAME_MAX_BYTES 255

static bool is_name(const char *p, size_t n)
{
	if (n == 0 || n > NAME_MAX_BYTES || isdigit((u8)p[0]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((u8)p[i]) && p[i] != '_')
			return false;
	return true;
}

static bool read_all(int fd, struct buf *out)
{
	for (;;) {
		char *to = buf_room(out, 4096);
		ssize_t n = to ? read(fd, to, 4096) : -1;
		if (n < 0 && to && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		out->len += (size_t)n;
	}
}

bool expand_file(const char *name, const char *folder, struct buf *out, struct buf *why)
{
	struct buf path = { 0 }, text = { .max = YAML_SCALAR_MAX + 4096 };
	struct stat st;
	bool good = false;
	if (name[0] != '/' && *folder)
		buf_addf(&path, "%s/", folder);
	buf_adds(&path, name);
	/* Not blocking, so that a pipe without a writer is no trap. */
	int fd = open(buf_cstr(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		buf_adds(why, "the file ");
		finding_quote(why, name);
		buf_addf(why, " cannot be read: %s", strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		finding_quote(why, name);
		buf_adds(why, " is not a regular file");
	} else if (!read_all(fd, &text) || text.len > YAML_SCALAR_MAX) {
		buf_adds(why, "the file ");
		finding_quote(why, name);
		buf_adds(why, text.failed || text.len > YAML_SCALAR_MAX ? " is longer than a value may be (64 KiB)" : " cannot be read");
	} else if (text.len && memchr(text.data, 0, text.len)) {
		finding_quote(why, name);
		buf_adds(why, " has zero bytes in it; a secret is text");
	} else {
		good = true;
	}
	while (text.len && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
		text.len--;
	if (good)
		buf_add(out, text.data, text.len);
	if (fd >= 0)
		close(fd);
	buf_done(&path);
	buf_done(&text);
	return good;
}

/* What stands between ${ and }. */
static bool expand_one(const char *p, size_t n, const char *folder, struct buf *out, struct buf *why)
{
	char name[NAME_MAX_BYTES + 1];
	const char *dash = memmem(p, n, ":-", 2);
	size_t name_len = dash ? (size_t)(dash - p) : n;
	if (n > 5 && memcmp(p, "file:", 5) == 0) {
		struct buf file = { 0 };
		buf_add(&file, p + 5, n - 5);
		bool good = expand_file(buf_cstr(&file), folder, out, why);
		buf_done(&file);
		return good;
	}
	if (!is_name(p, name_len)) {
		struct buf text = { 0 };
		buf_add(&text, p, n);
		buf_adds(why, "found ${");
		finding_quote(why, buf_cstr(&text));
		buf_adds(why, "}; accepted: ${VARIABLE}, ${VARIABLE:-default}, ${file:PATH}; $${ is a literal ${");
		buf_done(&text);
		return false;
	}
	memcpy(name, p, name_len);
	name[name_len] = 0;
	const char *value = getenv(name);
	if (dash && (!value || !*value)) {
		buf_add(out, dash + 2, n - name_len - 2);
		return true;
	}
	if (!value) {
		buf_addf(why, "the environment variable %s is not set; ${%s:-default} gives a default, $${ is a literal ${", name, name);
		return false;
	}
	buf_adds(out, value);
	return true;
}

bool expand_text(const char *text, const char *folder, struct buf *out, struct buf *why)
{
	for (const char *p = text; *p && !out->failed;) {
		if (strncmp(p, "$${", 3) == 0) {
			buf_adds(out, "${");
			p += 3;
			continue;
		}
		if (p[0] != '$' || p[1] != '{') {
			buf_addc(out, *p++);
			continue;
		}
		const char *end = strchr(p + 2, '}');
		if (!end) {
			buf_adds(why, "${ without its }; $${ is a literal ${");
			return false;
		}
		if (!expand_one(p + 2, (size_t)(end - p - 2), folder, out, why))
			return false;
		p = end + 1;
	}
	return true;
}
