/* RFC 9110 section 11.4 (credentials), RFC 6265 sections 4.1 and 4.2 (cookies), RFC 3986 section 3.2.1 (userinfo). */
#include "proto/secrets.h"

#define STARS STR("***")

/* Text that is put together in memory set aside for it; what does not fit shows in `bad`. */
struct maker {
	char *p;
	u32 n, room;
	bool bad;
};

static struct maker maker_make(struct arena *a, size_t room)
{
	struct maker m = { .p = arena_alloc(a, room), .room = (u32)room };
	m.bad = !m.p;
	return m;
}

static void add(struct maker *m, struct str s)
{
	if (m->bad || s.n > m->room - m->n) {
		m->bad = true;
		return;
	}
	if (s.n)
		memcpy(m->p + m->n, s.p, s.n);
	m->n += s.n;
}

static struct str made(const struct maker *m)
{
	return m->bad ? STARS : str_make(m->p, m->n);
}

static struct str part(struct str s, size_t from, size_t to)
{
	return from < to ? str_make(s.p + from, to - from) : (struct str){ 0 };
}

/* Place of c in s at or after `from`; s.n if there is none. */
static size_t find(struct str s, size_t from, char c)
{
	const char *at = from < s.n ? memchr(s.p + from, c, s.n - from) : NULL;
	return at ? (size_t)(at - s.p) : s.n;
}

struct str secret_credentials(struct arena *a, struct str value)
{
	size_t space = find(value, 0, ' ');
	if (space == value.n)
		return STARS;
	struct maker m = maker_make(a, space + 4);
	add(&m, part(value, 0, space + 1));
	add(&m, STARS);
	return made(&m);
}

/* The cookie-pair in [from, to) without its value. */
static void add_cookie(struct maker *m, struct str s, size_t from, size_t to)
{
	while (from < to && s.p[from] == ' ')
		from++;
	size_t eq = find(s, from, '=');
	if (eq < to)
		add(m, part(s, from, eq + 1));
	add(m, STARS);
}

struct str secret_cookie(struct arena *a, struct str value)
{
	size_t cookies = 1;
	for (size_t at = find(value, 0, ';'); at < value.n; at = find(value, at + 1, ';'))
		cookies++;
	struct maker m = maker_make(a, value.n + cookies * 5);
	for (size_t from = 0; from <= value.n;) {
		size_t to = find(value, from, ';');
		if (from)
			add(&m, STR("; "));
		add_cookie(&m, value, from, to);
		from = to + 1;
	}
	return made(&m);
}

struct str secret_set_cookie(struct arena *a, struct str value)
{
	size_t end = find(value, 0, ';');
	struct maker m = maker_make(a, value.n + 4);
	add_cookie(&m, value, 0, end);
	add(&m, part(value, end, value.n));
	return made(&m);
}

struct str secret_url(struct arena *a, struct str url)
{
	size_t at = find(url, 0, '@'), start = 0;
	if (at == url.n)
		return url;
	size_t colon = find(url, 0, ':'); /* the scheme's, unless there is none: "//user@host" */
	if (colon + 2 < url.n && url.p[colon + 1] == '/' && url.p[colon + 2] == '/')
		start = colon + 3;
	else if (url.n > 2 && url.p[0] == '/' && url.p[1] == '/')
		start = 2;
	else
		return url;
	size_t end = start; /* of the authority; its last @ ends the userinfo */
	for (at = url.n; end < url.n && url.p[end] != '/' && url.p[end] != '?' && url.p[end] != '#'; end++)
		if (url.p[end] == '@')
			at = end;
	if (at == url.n)
		return url;
	struct maker m = maker_make(a, url.n + 4);
	add(&m, part(url, 0, start));
	add(&m, STARS);
	add(&m, part(url, at, url.n));
	return made(&m);
}
