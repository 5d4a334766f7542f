/* Conversations of real clients with a real server, in recorded/: NAME.talk has a line a segment ("> " the client, "< " the
 * server; \r \n \\ \xNN), NAME.expect what the decoder must make of it. UPDATE=1 in the environment writes them anew. */
#include "unit.h"

#include <glob.h>
#include <stdio.h>

#include "proto_feed.h"

#define STEPS_MAX 512

extern const struct proto proto_redis;

static char *file_read(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return NULL;
	char *text = NULL;
	size_t room = 0;
	if (getdelim(&text, &room, '\0', f) < 0)
		fail_msg("%s is empty", path);
	fclose(f);
	return text;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Takes the escapes out of a line; the bytes replace it. */
static struct feed_step step_make(char *line)
{
	struct feed_step step = { .dir = line[0] == '>' ? FEED_CLIENT : FEED_SERVER, .p = line };
	for (const char *p = line + 2; *p; p++) {
		char c = *p;
		if (c == '\\') {
			c = *++p;
			if (c == 'x') {
				c = (char)(digit(p[1]) << 4 | digit(p[2]));
				p += 2;
			} else {
				c = c == 'r' ? '\r' : c == 'n' ? '\n' : c;
			}
		}
		line[step.n++] = c;
	}
	return step;
}

static size_t talk_read(char *text, struct feed_step *steps)
{
	size_t n = 0;
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		assert_true(n < STEPS_MAX);
		steps[n++] = step_make(line);
	}
	return n;
}

static void check(const char *path)
{
	char golden[4096];
	struct feed_step steps[STEPS_MAX];
	char *text = file_read(path);
	size_t n = talk_read(text, steps);
	char *log = feed_all(&proto_redis, steps, n, NULL);
	snprintf(golden, sizeof(golden), "%.*s.expect", (int)(strlen(path) - strlen(".talk")), path);
	if (getenv("UPDATE")) {
		FILE *f = fopen(golden, "w");
		assert_non_null(f);
		fputs(log, f);
		fclose(f);
	}
	char *expected = file_read(golden);
	assert_non_null(expected);
	if (strcmp(log, expected) != 0)
		fail_msg("%s: got:\n%s", path, log);
	free(expected);
	free(log);
	free(text);
}

static void recorded(void **state)
{
	const char *source = getenv("PACKETD_SOURCE");
	char pattern[4096];
	glob_t found;
	snprintf(pattern, sizeof(pattern), "%s/src/proto/redis/recorded/*.talk", source ? source : ".");
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 15);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check(found.gl_pathv[i]);
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(recorded) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
