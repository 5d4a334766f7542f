#include "proto/url.h"

#define SEGMENTS_MAX 10
#define ROUTE_MAX 256 /* bytes */
#define LONG_TOKEN 24 /* a segment of this length with a digit in it is an identifier */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	char l = (char)(c | 0x20);
	return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static size_t find(struct str s, size_t from, char c)
{
	const char *at = from < s.n ? memchr(s.p + from, c, s.n - from) : NULL;
	return at ? (size_t)(at - s.p) : s.n;
}

struct str url_decode(struct arena *a, struct str s)
{
	size_t in = find(s, 0, '%'), out = in;
	if (in == s.n)
		return s;
	char *p = arena_alloc(a, s.n);
	if (!p)
		return s;
	memcpy(p, s.p, in);
	while (in < s.n) {
		int high = in + 2 < s.n && s.p[in] == '%' ? hex_value(s.p[in + 1]) : -1;
		int low = high >= 0 ? hex_value(s.p[in + 2]) : -1;
		p[out++] = low >= 0 ? (char)(high << 4 | low) : s.p[in];
		in += low >= 0 ? 3 : 1;
	}
	return str_make(p, out);
}

/* Bytes of "scheme://" at the start of an absolute-form target; 0 if it is none. */
static size_t scheme_length(struct str t)
{
	size_t i = 0;
	if (!t.n || !is_letter(t.p[0]))
		return 0;
	while (i < t.n && (is_letter(t.p[i]) || is_digit(t.p[i]) || t.p[i] == '+' || t.p[i] == '-' || t.p[i] == '.'))
		i++;
	return i + 2 < t.n && t.p[i] == ':' && t.p[i + 1] == '/' && t.p[i + 2] == '/' ? i : 0;
}

static struct str without_userinfo(struct str authority)
{
	for (size_t i = authority.n; i > 0; i--)
		if (authority.p[i - 1] == '@')
			return str_make(authority.p + i, authority.n - i);
	return authority;
}

struct url url_split(struct arena *a, struct str target, bool connect)
{
	struct url u = { 0 };
	if (connect) {
		u.authority = without_userinfo(target);
		return u;
	}
	if (target.n == 1 && target.p[0] == '*')
		return u;
	size_t scheme = target.n && target.p[0] == '/' ? 0 : scheme_length(target);
	if (scheme) {
		u.scheme = str_make(target.p, scheme);
		size_t from = scheme + 3, end = from;
		while (end < target.n && target.p[end] != '/' && target.p[end] != '?')
			end++;
		u.authority = without_userinfo(str_make(target.p + from, end - from));
		target = str_make(target.p + end, target.n - end);
	}
	size_t mark = find(target, 0, '?');
	u.raw_path = str_make(target.p, mark);
	u.path = url_decode(a, u.raw_path);
	if (mark + 1 < target.n)
		u.query = str_make(target.p + mark + 1, target.n - mark - 1);
	return u;
}

/* Numbers, UUIDs, hexadecimal digests, long tokens with digits in them. */
static bool is_identifier(const char *p, size_t n)
{
	size_t digits = 0, hex = 0, dashes = 0;
	for (size_t i = 0; i < n; i++) {
		digits += is_digit(p[i]);
		hex += hex_value(p[i]) >= 0;
		dashes += p[i] == '-';
	}
	if (digits == 0)
		return false;
	return digits + dashes == n || (hex + dashes == n && n >= 8) || n >= LONG_TOKEN;
}

/* True when some segment is an identifier, or there are too many of them. */
static bool needs_template(struct str path)
{
	size_t segments = 0;
	for (size_t from = 1; from < path.n && segments <= SEGMENTS_MAX; segments++) {
		size_t to = find(path, from, '/');
		if (is_identifier(path.p + from, to - from))
			return true;
		from = to + 1;
	}
	return segments > SEGMENTS_MAX || path.n > ROUTE_MAX;
}

static void add(char *out, size_t *len, const char *p, size_t n)
{
	n = MIN(n, ROUTE_MAX - *len);
	memcpy(out + *len, p, n);
	*len += n;
}

struct str url_route(struct arena *a, struct str path)
{
	char out[ROUTE_MAX];
	size_t len = 0, segments = 0;
	if (path.n == 0 || path.p[0] != '/' || !needs_template(path))
		return str_make(path.p, MIN(path.n, ROUTE_MAX));
	for (size_t from = 1; from <= path.n; segments++) {
		size_t to = find(path, from, '/');
		if (segments == SEGMENTS_MAX) {
			add(out, &len, "/...", 4);
			break;
		}
		add(out, &len, "/", 1);
		if (is_identifier(path.p + from, to - from))
			add(out, &len, "{id}", 4);
		else
			add(out, &len, path.p + from, to - from);
		from = to + 1;
	}
	return arena_str(a, out, len);
}
