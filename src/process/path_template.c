#include "process/path_template.h"

#include <stdlib.h>

struct pattern_text {
	struct str text;
	u32 fixed; /* bytes before the first wildcard: most paths differ there */
};

struct path_patterns {
	u32 n;
	struct pattern_text v[];
};

static bool is_wildcard(struct str segment)
{
	return (segment.n == 1 && segment.p[0] == '*') || (segment.n >= 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}');
}

/* The segment at the front and what follows its slash; `rest->p` NULL at the end. */
static struct str next_segment(struct str *rest)
{
	const char *slash = rest->n ? memchr(rest->p, '/', rest->n) : NULL;
	u32 n = slash ? (u32)(slash - rest->p) : rest->n;
	struct str segment = str_make(rest->p, n);
	*rest = slash ? str_make(slash + 1, rest->n - n - 1) : (struct str){ 0 };
	return segment;
}

struct path_patterns *path_patterns_new(const char *const *patterns, u32 n)
{
	struct path_patterns *p = calloc(1, sizeof(*p) + n * sizeof(p->v[0]));
	for (u32 i = 0; p && i < n; i++) {
		struct pattern_text *t = &p->v[p->n++];
		t->text = str_from(patterns[i]);
		while (t->fixed < t->text.n && t->text.p[t->fixed] != '{' && t->text.p[t->fixed] != '*')
			t->fixed++;
	}
	return p;
}

void path_patterns_free(struct path_patterns *p)
{
	free(p);
}

static bool fits(const struct pattern_text *t, struct str path)
{
	struct str pattern = t->text;
	if (path.n < t->fixed || memcmp(path.p, pattern.p, t->fixed) != 0)
		return false;
	while (pattern.p && path.p) {
		struct str want = next_segment(&pattern);
		if (want.n == 2 && memcmp(want.p, "**", 2) == 0 && !pattern.p)
			return true;
		struct str have = next_segment(&path);
		if (is_wildcard(want) ? have.n == 0 : !str_eq(want, have))
			return false;
	}
	return !pattern.p && !path.p;
}

struct str path_patterns_match(const struct path_patterns *p, struct str path)
{
	for (u32 i = 0; i < p->n && path.n; i++)
		if (fits(&p->v[i], path))
			return p->v[i].text;
	return (struct str){ 0 };
}

const char *path_pattern_problem(const char *pattern)
{
	struct str rest = str_from(pattern);
	if (rest.n == 0 || rest.p[0] != '/')
		return "does not begin with /";
	if (rest.n > 200)
		return "is longer than 200 bytes";
	while (rest.p) {
		struct str s = next_segment(&rest);
		bool all = s.n == 2 && memcmp(s.p, "**", 2) == 0;
		if (all && rest.p)
			return "has ** before its end";
		for (u32 i = 0; i < s.n && !all && !is_wildcard(s); i++)
			if (s.p[i] == '*' || s.p[i] == '{' || s.p[i] == '}')
				return "has a wildcard that is not a whole segment";
	}
	return "";
}
