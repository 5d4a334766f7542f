#include "util/suggest.h"

#include <strings.h>

#include "util/base.h"

#define WORD_MAX 64

static u8 lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (u8)(c + 32) : (u8)c;
}

/* Damerau-Levenshtein distance (optimal string alignment); the lengths are at most WORD_MAX. */
static unsigned distance(const char *a, size_t an, const char *b, size_t bn)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	for (size_t j = 0; j <= bn; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= an; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= bn; j++) {
			bool same = lower(a[i - 1]) == lower(b[j - 1]);
			unsigned d = MIN(above[j - 1] + (same ? 0u : 1u), MIN(above[j], row[j - 1]) + 1u);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
				d = MIN(d, before[j - 2] + 1u);
			row[j] = d;
		}
		unsigned *reuse = before;
		before = above;
		above = row;
		row = reuse;
	}
	return above[bn];
}

static unsigned sensible(size_t n)
{
	if (n <= 3)
		return 1;
	return n <= 6 ? 2 : 3;
}

const char *suggest(const char *word, const char *const *known, size_t n)
{
	size_t len = strlen(word);
	if (len == 0 || len > WORD_MAX)
		return NULL;
	unsigned best = sensible(len) + 1;
	const char *found = NULL, *longer = NULL;
	for (size_t i = 0; i < n; i++) {
		size_t known_len = strlen(known[i]);
		if (known_len == 0 || known_len > WORD_MAX)
			continue;
		if (len >= 2 && known_len > len && strncasecmp(known[i], word, len) == 0 && (!longer || known_len < strlen(longer)))
			longer = known[i];
		unsigned d = distance(word, len, known[i], known_len);
		if (d < best && d < MAX(len, known_len)) {
			best = d;
			found = known[i];
		}
	}
	return found ? found : longer;
}
