/* Start lines: RFC 9112 sections 2 to 4, and how to tell them from other bytes. */
#include "proto/http/http.h"

#define TARGET_SEEN 200 /* bytes of a target after which a known method is proof enough */

/* RFC 9110 section 5.6.2: letters, digits and !#$%&'*+-.^_`|~ make a token; one bit for each of the ASCII characters. */
static inline bool is_token(u8 c)
{
	static const u64 bits[2] = { 0x3ff6cfa00000000ull, 0x57ffffffc7fffffeull };
	return c < 128 && bits[c >> 6] >> (c & 63) & 1;
}

/* RFC 9110, RFC 5789, WebDAV (RFC 4918, 3253, 3648, 3744, 5323, 5842), CalDAV, QUERY, UPnP, and PURGE of caches. */
static const char *const known_methods[] = {
	"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "PROPPATCH", "MKCOL", "COPY",
	"MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "QUERY", "CHECKOUT", "CHECKIN", "UNCHECKOUT", "VERSION-CONTROL", "MKWORKSPACE",
	"UPDATE", "LABEL", "MERGE", "BASELINE-CONTROL", "MKACTIVITY", "ORDERPATCH", "ACL", "BIND", "REBIND", "UNBIND", "LINK", "UNLINK",
	"MKCALENDAR", "MKREDIRECTREF", "UPDATEREDIRECTREF", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "M-SEARCH", "PURGE", "BAN", "SOURCE",
	"BCOPY", "BDELETE", "BMOVE", "BPROPFIND", "BPROPPATCH", "POLL",
};

/* Semantic conventions know these only. */
#define CONVENTIONAL 9

static u8 method_id(struct str m)
{
	if (str_eq(m, STR("HEAD")))
		return HTTP_HEAD;
	if (str_eq(m, STR("POST")))
		return HTTP_POST;
	if (str_eq(m, STR("CONNECT")))
		return HTTP_CONNECT;
	return HTTP_GET;
}

static void method_look_up(struct http_line *line)
{
	line->method_known = "_OTHER";
	line->method_id = HTTP_OTHER;
	for (size_t i = 0; i < ARRAY_LEN(known_methods); i++) {
		if (known_methods[i][0] != line->method.p[0] || !str_eq(line->method, str_from(known_methods[i])))
			continue;
		line->method_id = method_id(line->method);
		if (i < CONVENTIONAL)
			line->method_known = known_methods[i];
		return;
	}
}

static bool is_digit(u8 c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1" at p, 8 bytes. */
static bool read_version(const u8 *p, struct http_line *line)
{
	if (memcmp(p, "HTTP/", 5) != 0 || !is_digit(p[5]) || p[6] != '.' || !is_digit(p[7]))
		return false;
	line->version = str_make(p, 8);
	line->major = (u8)(p[5] - '0');
	line->minor = (u8)(p[7] - '0');
	return true;
}

static bool read_status_line(const u8 *p, size_t n, struct http_line *line)
{
	if (n < 12 || !read_version(p, line) || p[8] != ' ')
		return false;
	size_t i = 9;
	while (i < n && p[i] == ' ')
		i++;
	if (n - i < 3 || !is_digit(p[i]) || !is_digit(p[i + 1]) || !is_digit(p[i + 2]) || (n - i > 3 && p[i + 3] != ' '))
		return false;
	line->response = true;
	line->code = (u16)((p[i] - '0') * 100 + (p[i + 1] - '0') * 10 + (p[i + 2] - '0'));
	line->status = str_make(p + i, n - i);
	return line->major == 1 && line->code >= 100;
}

static bool read_request_line(const u8 *p, size_t n, struct http_line *line)
{
	size_t method = 0;
	while (method < n && method <= HTTP_METHOD_MAX && is_token(p[method]))
		method++;
	if (method == 0 || method > HTTP_METHOD_MAX || method + 10 >= n || p[method] != ' ')
		return false;
	if (p[n - 9] != ' ' || !read_version(p + n - 8, line))
		return false;
	size_t from = method + 1, to = n - 9;
	while (from < to && p[from] == ' ')
		from++;
	while (to > from && p[to - 1] == ' ')
		to--;
	line->response = false;
	line->method = str_make(p, method);
	line->target = str_make(p + from, to - from);
	line->preface = line->major == 2 && str_eq(line->method, STR("PRI"));
	return to > from && (line->major == 1 || line->preface);
}

bool http_line_read(const u8 *p, size_t n, struct http_line *line)
{
	*line = (struct http_line){ 0 };
	while (n && (p[n - 1] == '\n' || p[n - 1] == '\r' || p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	if (n > 4 && memcmp(p, "HTTP/", 5) == 0)
		return read_status_line(p, n, line);
	if (!read_request_line(p, n, line))
		return false;
	method_look_up(line);
	return true;
}

bool http_line_possible(const u8 *p, size_t n)
{
	size_t i = 0;
	if (n && p[0] == 'H' && memcmp(p, "HTTP/1.", MIN(n, 7)) == 0)
		return true;
	while (i < n && i <= HTTP_METHOD_MAX && is_token(p[i]))
		i++;
	if (i == n)
		return true;
	return i && i <= HTTP_METHOD_MAX && p[i] == ' ' && !(i + 1 < n && p[i + 1] < ' ');
}

/* Bytes of the known method that p begins with, with its space; 0 none; n when p ends inside one. */
static size_t known_method(const u8 *p, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(known_methods); i++) {
		size_t len = strlen(known_methods[i]);
		if (memcmp(p, known_methods[i], MIN(n, len)) == 0 && (n <= len || p[len] == ' '))
			return MIN(n, len + 1);
	}
	return 0;
}

/* What comes after a start line: a field line's name and colon, or the empty line. */
static enum http_match field_line_proved(const u8 *p, size_t n)
{
	size_t i = 0;
	if (n && p[0] == '\n')
		return HTTP_YES;
	if (n && p[0] == '\r')
		return n == 1 ? HTTP_PREFIX : p[1] == '\n' ? HTTP_YES : HTTP_NO;
	while (i < n && is_token(p[i]))
		i++;
	if (i == n)
		return HTTP_PREFIX;
	return i && p[i] == ':' ? HTTP_YES : HTTP_NO;
}

/* Visible bytes only (a target; a version; a reason may have spaces). */
static bool is_text(const u8 *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] == 0x7f)
			return false;
	return true;
}

enum http_match http_line_proved(const u8 *p, size_t n, bool *ret_response)
{
	struct http_line line;
	const u8 *end = n ? memchr(p, '\n', MIN(n, HTTP_HEAD_MAX)) : NULL;
	*ret_response = n && memcmp(p, "HTTP/1.", MIN(n, 7)) == 0;
	if (!end) {
		if (n > HTTP_HEAD_MAX / 4 || (!*ret_response && !known_method(p, n)))
			return HTTP_NO;
		return is_text(p, n && p[n - 1] == '\r' ? n - 1 : n) ? HTTP_PREFIX : HTTP_NO;
	}
	size_t len = (size_t)(end + 1 - p);
	if (!http_line_read(p, len, &line) || line.major != 1 || (!line.response && line.method_id == HTTP_OTHER))
		return HTTP_NO;
	return field_line_proved(p + len, n - len);
}

/* No complete line yet. */
static enum probe probe_begun(const u8 *p, size_t n, enum side *side)
{
	if (memcmp(p, "HTTP/1.", MIN(n, 7)) == 0) {
		*side = SIDE_RESPONSE;
		return n >= 12 && is_digit(p[7]) && p[8] == ' ' && is_digit(p[9]) ? PROBE_SURE : PROBE_MORE;
	}
	size_t method = known_method(p, n);
	if (!method)
		return PROBE_NO;
	if (!is_text(p + method, p[n - 1] == '\r' ? n - method - 1 : n - method))
		return PROBE_NO;
	return n - method >= TARGET_SEEN && (p[method] == '/' || memcmp(p + method, "http", 4) == 0) ? PROBE_SURE : PROBE_MORE;
}

enum probe http_probe(const u8 *p, size_t n, enum side *side)
{
	struct http_line line;
	while (n && (p[0] == '\r' || p[0] == '\n'))
		p++, n--;
	*side = SIDE_REQUEST;
	if (n == 0)
		return PROBE_MORE;
	const u8 *end = memchr(p, '\n', MIN(n, HTTP_HEAD_MAX));
	if (!end)
		return probe_begun(p, n, side);
	if (!http_line_read(p, (size_t)(end + 1 - p), &line) || line.preface)
		return PROBE_NO;
	*side = line.response ? SIDE_RESPONSE : SIDE_REQUEST;
	return PROBE_SURE;
}
