/* https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, PROTOCOL-WEB.md, https://connectrpc.com/docs/protocol */
#include "proto/grpc_wire.h"

#include "util/bytes.h"

#define MESSAGE_MAX (1ull << 31) /* bytes of a message; more is no length */
#define FLAG_COMPRESSED 1
#define FLAG_TRAILER 0x80

static bool begins(struct str s, const char *with)
{
	size_t n = strlen(with);
	return s.n >= n && str_eq_nocase(str_make(s.p, n), str_make(with, n));
}

/* What may follow a media type's name. */
static bool ends_at(struct str s, size_t n)
{
	return s.n == n || s.p[n] == '+' || s.p[n] == ';' || s.p[n] == ' ';
}

enum grpc_kind grpc_kind_of(struct str type)
{
	if (!begins(type, "application/"))
		return GRPC_NONE;
	if (begins(type, "application/grpc-web-text") && ends_at(type, 25))
		return GRPC_WEB_TEXT;
	if (begins(type, "application/grpc-web") && ends_at(type, 20))
		return GRPC_WEB;
	if (begins(type, "application/grpc") && ends_at(type, 16))
		return GRPC_PLAIN;
	return begins(type, "application/connect+") ? GRPC_CONNECT : GRPC_NONE;
}

const char *grpc_system(enum grpc_kind kind)
{
	static const char *const names[] = { [GRPC_PLAIN] = "grpc", [GRPC_WEB] = "grpc-web", [GRPC_WEB_TEXT] = "grpc-web", [GRPC_CONNECT] = "connect" };
	return names[kind];
}

/* Bodies. */

static void begin_message(struct grpc_reader *r)
{
	u8 flags = r->prefix[0], known = r->kind == GRPC_PLAIN ? FLAG_COMPRESSED : FLAG_COMPRESSED | FLAG_TRAILER;
	u32 n = be32(r->prefix + 1);
	r->have = 0;
	if (flags & ~known || n >= MESSAGE_MAX) {
		r->lost = true;
		return;
	}
	r->left = n;
	r->trailer = flags & FLAG_TRAILER;
	if (r->trailer)
		return;
	r->messages++;
	r->bytes += n;
	r->compressed += flags & FLAG_COMPRESSED;
}

static void keep_trailer(struct grpc_reader *r, const u8 *p, size_t n, struct arena *a)
{
	if (!r->text.p)
		r->text.p = arena_alloc(a, GRPC_TRAILER_MAX);
	n = MIN(n, GRPC_TRAILER_MAX - r->text.n);
	if (!r->text.p || r->prefix[0] & FLAG_COMPRESSED)
		return;
	memcpy((char *)(uintptr_t)r->text.p + r->text.n, p, n);
	r->text.n += (u32)n;
}

static void read_plain(struct grpc_reader *r, const u8 *p, size_t n, struct arena *a)
{
	const u8 *end = p + n;
	while (p < end && !r->lost) {
		if (r->left) {
			size_t part = MIN((size_t)(end - p), r->left);
			if (r->trailer)
				keep_trailer(r, p, part, a);
			r->left -= part;
			p += part;
			continue;
		}
		r->prefix[r->have++] = *p++;
		if (r->have == GRPC_PREFIX)
			begin_message(r);
	}
}

static int base64_value(u8 c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Groups of four characters, padded wherever the sender flushed. */
static void read_text(struct grpc_reader *r, const u8 *p, size_t n, struct arena *a)
{
	for (const u8 *end = p + n; p < end && !r->lost; p++) {
		int v = base64_value(*p);
		if (v < 0 && *p != '=') {
			r->lost = *p != '\r' && *p != '\n';
			continue;
		}
		r->padding += *p == '=';
		r->bits = r->bits << 6 | (v < 0 ? 0 : (u32)v);
		if (++r->quad < 4)
			continue;
		const u8 out[3] = { (u8)(r->bits >> 16), (u8)(r->bits >> 8), (u8)r->bits };
		u8 padding = MIN(r->padding, 2);
		r->quad = r->padding = 0;
		r->bits = 0;
		read_plain(r, out, 3u - padding, a);
	}
}

u64 grpc_read(struct grpc_reader *r, const u8 *p, size_t n, struct arena *a)
{
	if (r->kind == GRPC_NONE || r->lost)
		return UINT64_MAX;
	if (r->kind == GRPC_WEB_TEXT)
		read_text(r, p, n, a);
	else
		read_plain(r, p, n, a);
	if (r->lost)
		return UINT64_MAX;
	return r->kind == GRPC_WEB_TEXT || r->trailer ? 0 : r->left;
}

bool grpc_trailer_next(struct str *text, struct str *ret_name, struct str *ret_value)
{
	while (text->n) {
		const char *eol = memchr(text->p, '\n', text->n);
		u32 n = eol ? (u32)(eol - text->p) : text->n, used = eol ? n + 1 : n;
		struct str line = str_make(text->p, n);
		*text = str_make(text->p + used, text->n - used);
		const char *colon = n ? memchr(line.p, ':', n) : NULL;
		if (!colon)
			continue;
		struct str value = str_make(colon + 1, (size_t)(line.p + n - colon - 1));
		while (value.n && (value.p[0] == ' ' || value.p[0] == '\t'))
			value = str_make(value.p + 1, value.n - 1);
		while (value.n && (value.p[value.n - 1] == '\r' || value.p[value.n - 1] == ' '))
			value.n--;
		*ret_name = str_make(line.p, (size_t)(colon - line.p));
		*ret_value = value;
		return true;
	}
	return false;
}

/* Statuses. */

enum {
	OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED,
	FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS, UNAUTHENTICATED,
};

const char *grpc_status_name(i64 status)
{
	static const char *const names[GRPC_CODES] = {
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
		"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
		"DATA_LOSS", "UNAUTHENTICATED",
	};
	return status >= 0 && status < GRPC_CODES ? names[status] : NULL;
}

i32 grpc_status_of_http(u16 code)
{
	switch (code) {
	case 400: return INTERNAL;
	case 401: return UNAUTHENTICATED;
	case 403: return PERMISSION_DENIED;
	case 404: return UNIMPLEMENTED;
	case 429: case 502: case 503: case 504: return UNAVAILABLE;
	default: return UNKNOWN;
	}
}

i32 grpc_status_of_reset(u32 error)
{
	switch (error) {
	case 7: return UNAVAILABLE;
	case 8: return CANCELLED;
	case 11: return RESOURCE_EXHAUSTED;
	case 12: return PERMISSION_DENIED;
	case 0: case 1: case 2: case 3: case 4: case 6: case 9: case 10: return INTERNAL;
	default: return UNKNOWN;
	}
}

bool grpc_status_number(struct str text, i32 *ret)
{
	i32 v = 0;
	for (u32 i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		v = v * 10 + (text.p[i] - '0');
	}
	*ret = v;
	return text.n > 0 && text.n < 9;
}

struct str grpc_message_decode(struct arena *a, struct str s)
{
	char *to = s.n && memchr(s.p, '%', s.n) ? arena_alloc(a, s.n) : NULL;
	u32 n = 0;
	if (!to)
		return s;
	for (u32 i = 0; i < s.n; i++) {
		int high = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
		to[n++] = low >= 0 ? (char)(high << 4 | low) : s.p[i];
		i += low >= 0 ? 2 : 0;
	}
	return str_make(to, n);
}

bool grpc_timeout(struct str s, u64 *ret_ns)
{
	static const struct {
		char unit;
		u64 ns;
	} units[] = { { 'H', 3600 * NS_PER_SEC }, { 'M', 60 * NS_PER_SEC }, { 'S', NS_PER_SEC }, { 'm', NS_PER_MS }, { 'u', 1000 }, { 'n', 1 } };
	u64 v = 0;
	if (s.n < 2 || s.n > 9)
		return false;
	for (u32 i = 0; i + 1 < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (u64)(s.p[i] - '0');
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (units[i].unit != s.p[s.n - 1])
			continue;
		*ret_ns = v * units[i].ns;
		return true;
	}
	return false;
}

bool grpc_path(struct arena *a, struct str path, struct str *ret_joined, struct str *ret_service, struct str *ret_method)
{
	struct str s = path;
	const char *query = s.n && s.p[0] == '/' ? memchr(s.p, '?', s.n) : NULL;
	if (query)
		s.n = (u32)(query - s.p);
	*ret_joined = *ret_service = *ret_method = path;
	while (s.n && s.p[0] == '/')
		s = str_make(s.p + 1, s.n - 1);
	while (s.n && s.p[s.n - 1] == '/')
		s.n--;
	const char *slash = s.n ? memrchr(s.p, '/', s.n) : NULL;
	struct str joined = arena_str(a, s.p, s.n);
	for (u32 i = 0; i < joined.n; i++)
		if (joined.p[i] == '/')
			((char *)(uintptr_t)joined.p)[i] = '.';
	*ret_joined = joined;
	if (!slash) {
		*ret_service = joined;
		*ret_method = (struct str){ 0 };
		return false;
	}
	*ret_service = str_make(s.p, (size_t)(slash - s.p));
	*ret_method = str_make(slash + 1, (size_t)(s.p + s.n - slash - 1));
	return true;
}
