/* Runs a fuzz target on stored inputs without libFuzzer: every file of the folders and files named on the command line, as it is
 * and in a few thousand altered forms that are the same every time. Prints how many inputs ran.
 * usage: replay [-m ALTERATIONS_PER_FILE] PATH...   SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/base.h"

#define FILE_MAX (1u << 20)
#define PATH_ROOM 4096

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static unsigned files, runs;
static unsigned alterations = 16;
static u8 contents[FILE_MAX];

static u32 chance(u32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* From memory of exactly the right size, so that sanitizers see an overrun. */
static void run(const u8 *data, size_t n)
{
	u8 *copy = malloc(n ? n : 1);
	if (!copy)
		exit(1);
	if (n)
		memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
	runs++;
}

/* Cuts the end off, turns bits, repeats or removes a range. */
static void run_altered(size_t n, u32 seed)
{
	u32 s = seed * 2654435761u + 1;
	u8 *copy = malloc(2 * n + 1);
	if (!copy)
		exit(1);
	memcpy(copy, contents, n);
	size_t a = chance(&s) % n, len = chance(&s) % (n - a) + 1, total = n;
	switch (seed % 4) {
	case 0:
		total = a;
		break;
	case 1:
		for (u32 i = chance(&s) % 8 + 1; i; i--)
			copy[chance(&s) % n] ^= (u8)(1u << chance(&s) % 8);
		break;
	case 2:
		memmove(copy + a, copy + a + len, n - a - len);
		total = n - len;
		break;
	case 3:
		memmove(copy + a + len, copy + a, n - a);
		total = n + len;
		break;
	}
	run(copy, total);
	free(copy);
}

static void replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f) {
		perror(path);
		exit(1);
	}
	size_t n = fread(contents, 1, sizeof(contents), f);
	fclose(f);
	files++;
	run(contents, n);
	for (u32 i = 0; n && i < alterations; i++)
		run_altered(n, i + 1);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void replay(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return; /* not every target has stored inputs of both kinds */
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	DIR *d = opendir(path);
	char *names[4096];
	size_t n = 0;
	for (struct dirent *e; d && (e = readdir(d)) && n < ARRAY_LEN(names);)
		if (e->d_name[0] != '.')
			names[n++] = strdup(e->d_name);
	if (d)
		closedir(d);
	qsort(names, n, sizeof(names[0]), by_name);
	for (size_t i = 0; i < n; i++) {
		char full[PATH_ROOM];
		snprintf(full, sizeof(full), "%s/%s", path, names[i]);
		free(names[i]);
		replay(full);
	}
}

int main(int argc, char **argv)
{
	int first = 1;
	if (argc > 2 && strcmp(argv[1], "-m") == 0) {
		alterations = (unsigned)strtoul(argv[2], NULL, 10);
		first = 3;
	}
	for (int i = first; i < argc; i++)
		replay(argv[i]);
	printf("%u stored inputs, %u runs\n", files, runs);
	return files ? 0 : 1;
}
