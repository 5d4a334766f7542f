#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/drafts.h"
#include "config/finish.h"
#include "config/yaml_text.h"

#define MEMORY_MAX (64 * MIB) /* of a file of 4 MiB at the worst; more than a hundred times what real ones need */

/* The directory of a file, for the names in it. */
static const char *folder_of(struct pool *pool, const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return "";
	return slash == path ? "/" : pool_text(pool, path, (size_t)(slash - path));
}

static int bind(struct pool *pool, struct findings *findings, const char *name, const struct node *root, struct config **ret)
{
	struct binder b = { .pool = pool, .findings = findings, .folder = folder_of(pool, name) };
	struct root_draft *draft = pool_alloc(pool, sizeof(*draft));
	const struct node **given = pool_alloc(pool, schema_root.n * sizeof(*given));
	if (!draft || !given)
		return -ENOMEM;
	b.item = draft;
	bind_table(&b, &schema_root, root, "", draft, given);
	if (!pool->failed)
		config_finish(&b, draft, given);
	if (pool->failed || findings->failed)
		return -ENOMEM;
	*ret = &draft->c;
	return findings->errors ? -EINVAL : 0;
}

/* `text` NULL: no file at all. */
static int build(const char *name, const struct str *text, struct config **ret, struct buf *errors, struct buf *warnings)
{
	struct findings *findings = calloc(1, sizeof(*findings));
	struct pool *pool = calloc(1, sizeof(*pool));
	struct node *root = NULL;
	struct config *c = NULL;
	int rc = findings && pool ? 0 : -ENOMEM;
	if (!rc) {
		findings->file = name;
		pool->max = MEMORY_MAX;
		if (text && !yaml_parse(*text, pool, findings, &root))
			rc = findings->errors ? -EINVAL : -ENOMEM;
	}
	if (!rc)
		rc = bind(pool, findings, name, root, &c);
	if (rc == -ENOMEM)
		buf_addf(errors, "%s: not enough memory for it\n", name);
	else if (rc)
		findings_write(findings, false, errors);
	if (warnings && rc != -ENOMEM)
		findings_write(findings, true, warnings);
	if (findings)
		findings_done(findings);
	free(findings);
	if (rc) {
		if (pool)
			pool_done(pool);
		free(pool);
		*ret = NULL;
		return rc;
	}
	c->path = text ? pool_text(pool, name, strlen(name)) : "";
	c->memory = pool;
	*ret = c;
	return 0;
}

struct config *config_default(void)
{
	struct buf errors = { 0 };
	struct config *c;
	build("defaults", NULL, &c, &errors, NULL);
	buf_done(&errors);
	return c;
}

int config_parse(const char *name, struct str text, struct config **ret, struct buf *errors, struct buf *warnings)
{
	return build(name, &text, ret, errors, warnings);
}

static int read_file(int fd, struct buf *out)
{
	for (;;) {
		char *to = buf_room(out, 64 * KIB);
		if (!to)
			return -EFBIG;
		ssize_t n = read(fd, to, 64 * KIB);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		if (out->len > CONFIG_FILE_MAX) /* the rest changes nothing */
			return 0;
	}
}

int config_load(const char *path, struct config **ret, struct buf *errors, struct buf *warnings)
{
	struct buf text = { .max = CONFIG_FILE_MAX + MIB };
	struct stat st;
	int rc = 0, fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	*ret = NULL;
	if (fd < 0 || fstat(fd, &st) < 0)
		rc = -errno;
	else if (S_ISDIR(st.st_mode))
		rc = -EISDIR;
	else if (S_ISREG(st.st_mode) && st.st_size > (off_t)CONFIG_FILE_MAX)
		rc = -EFBIG;
	else
		rc = read_file(fd, &text);
	if (fd >= 0)
		close(fd);
	if (rc == -EFBIG) {
		buf_addf(errors, "%s: larger than a configuration may be (%llu MiB)\n", path, CONFIG_FILE_MAX / MIB);
		rc = -EINVAL;
	} else if (rc) {
		buf_addf(errors, "%s: %s\n", path, strerror(-rc));
	} else {
		rc = config_parse(path, str_make(text.data, text.len), ret, errors, warnings);
	}
	buf_done(&text);
	return rc;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	struct pool *pool = c->memory;
	pool_done(pool);
	free(pool);
}
