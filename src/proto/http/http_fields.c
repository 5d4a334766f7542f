/* Header and trailer sections: RFC 9112 section 5, RFC 9110 section 5. Tolerant: a line that is none is passed over. */
#include "proto/http/http.h"
#include "proto/secrets.h"
#include "proto/trace_context.h"

enum name {
	NAME_OTHER, NAME_AUTHORIZATION, NAME_B3, NAME_B3_FLAGS, NAME_B3_SAMPLED, NAME_B3_SPAN_ID, NAME_B3_TRACE_ID, NAME_CONNECT_VERSION, NAME_CONNECTION,
	NAME_CONTENT_ENCODING, NAME_CONTENT_LENGTH, NAME_CONTENT_TYPE, NAME_COOKIE, NAME_EXPECT, NAME_HOST, NAME_SET_COOKIE,
	NAME_TRACEPARENT, NAME_TRANSFER_ENCODING, NAME_UPGRADE, NAME_URL, NAME_USER_AGENT,
};

/* Where one section is read to. */
struct section {
	struct parser *ps;
	struct message *m;
	struct http_head *head;
	struct trace_headers trace;
	struct pair *list; /* NULL: none is kept */
	u32 list_len;
};

/* `lower` is in small letters, as long as s. */
static inline enum name named(struct str s, const char *lower, enum name id)
{
	for (u32 i = 0; i < s.n; i++)
		if ((s.p[i] | 0x20) != lower[i])
			return NAME_OTHER;
	return id;
}

static enum name name_of(struct str s)
{
	char first = s.n ? (char)(s.p[0] | 0x20) : 0;
	switch (s.n) {
	case 2: return named(s, "b3", NAME_B3);
	case 4: return named(s, "host", NAME_HOST);
	case 6: return first == 'c' ? named(s, "cookie", NAME_COOKIE) : named(s, "expect", NAME_EXPECT);
	case 7: return first == 'r' ? named(s, "referer", NAME_URL) : named(s, "upgrade", NAME_UPGRADE);
	case 8: return named(s, "location", NAME_URL);
	case 10:
		if (first == 'c')
			return named(s, "connection", NAME_CONNECTION);
		if (first == 'u')
			return named(s, "user-agent", NAME_USER_AGENT);
		return first == 's' ? named(s, "set-cookie", NAME_SET_COOKIE) : named(s, "x-b3-flags", NAME_B3_FLAGS);
	case 11: return first == 't' ? named(s, "traceparent", NAME_TRACEPARENT) : named(s, "x-b3-spanid", NAME_B3_SPAN_ID);
	case 12:
		if (first == 'c')
			return named(s, "content-type", NAME_CONTENT_TYPE);
		return s.p[5] == 's' || s.p[5] == 'S' ? named(s, "x-b3-sampled", NAME_B3_SAMPLED) : named(s, "x-b3-traceid", NAME_B3_TRACE_ID);
	case 13: return named(s, "authorization", NAME_AUTHORIZATION);
	case 14: return named(s, "content-length", NAME_CONTENT_LENGTH);
	case 16:
		return (s.p[8] | 0x20) == 'e' ? named(s, "content-encoding", NAME_CONTENT_ENCODING) : named(s, "content-location", NAME_URL);
	case 17: return named(s, "transfer-encoding", NAME_TRANSFER_ENCODING);
	case 19: return named(s, "proxy-authorization", NAME_AUTHORIZATION);
	case 24: return named(s, "connect-protocol-version", NAME_CONNECT_VERSION);
	default: return NAME_OTHER;
	}
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static struct str trimmed(struct str s)
{
	while (s.n && is_space(s.p[0]))
		s = str_make(s.p + 1, s.n - 1);
	while (s.n && (is_space(s.p[s.n - 1]) || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

/* The next member of a comma-separated list, trimmed, and what follows it. */
static struct str next_member(struct str *rest)
{
	const char *comma = rest->n ? memchr(rest->p, ',', rest->n) : NULL;
	u32 len = comma ? (u32)(comma - rest->p) : rest->n;
	u32 used = comma ? len + 1 : len;
	struct str member = trimmed(str_make(rest->p, len));
	*rest = str_make(rest->p + used, rest->n - used);
	return member;
}

/* RFC 9112 section 6.3: several values are fine as long as they are the same. */
static void read_length(struct http_head *head, struct str value)
{
	do {
		struct str number = next_member(&value);
		u64 v = 0;
		head->bad_length |= number.n == 0 || number.n > 18;
		for (u32 i = 0; i < number.n && !head->bad_length; i++) {
			head->bad_length = number.p[i] < '0' || number.p[i] > '9';
			v = v * 10 + (u64)(number.p[i] - '0');
		}
		head->bad_length |= head->has_length && v != head->length;
		head->has_length = true;
		head->length = v;
	} while (value.n);
}

static void read_transfer_encoding(struct http_head *head, struct str value)
{
	while (value.n) {
		struct str coding = next_member(&value);
		const char *semicolon = coding.n ? memchr(coding.p, ';', coding.n) : NULL;
		if (semicolon)
			coding = trimmed(str_make(coding.p, (size_t)(semicolon - coding.p)));
		if (coding.n == 0 || str_eq_nocase(coding, STR("identity")))
			continue;
		head->coded = true;
		head->chunked = str_eq_nocase(coding, STR("chunked"));
		if (!head->chunked)
			head->transfer_coding = (u8)body_coding(coding);
	}
}

static void read_connection(struct http_head *head, struct str value)
{
	while (value.n) {
		struct str option = next_member(&value);
		head->close |= str_eq_nocase(option, STR("close"));
		head->keep_alive |= str_eq_nocase(option, STR("keep-alive"));
		head->upgrade |= str_eq_nocase(option, STR("upgrade"));
	}
}

static void first_of(struct str *to, struct str value)
{
	if (!to->p)
		*to = value;
}

/* What the message needs to know. */
static void read_value(struct section *s, enum name name, struct str value)
{
	struct http_head *head = s->head;
	switch (name) {
	case NAME_CONTENT_LENGTH: read_length(head, value); break;
	case NAME_TRANSFER_ENCODING: read_transfer_encoding(head, value); break;
	case NAME_CONNECTION: read_connection(head, value); break;
	case NAME_EXPECT: head->expect_continue |= str_eq_nocase(value, STR("100-continue")); break;
	case NAME_HOST: first_of(&head->host, value); break;
	case NAME_CONTENT_TYPE: first_of(&head->content_type, value); break;
	case NAME_CONTENT_ENCODING: first_of(&head->content_encoding, value); break;
	case NAME_USER_AGENT: first_of(&head->user_agent, value); break;
	case NAME_UPGRADE: first_of(&head->upgrade_to, next_member(&value)); break;
	case NAME_CONNECT_VERSION: head->connect = true; break;
	case NAME_TRACEPARENT: s->trace.traceparent = value; break;
	case NAME_B3: s->trace.b3 = value; break;
	case NAME_B3_TRACE_ID: s->trace.b3_trace_id = value; break;
	case NAME_B3_SPAN_ID: s->trace.b3_span_id = value; break;
	case NAME_B3_SAMPLED: s->trace.b3_sampled = value; break;
	case NAME_B3_FLAGS: s->trace.b3_flags = value; break;
	default: break;
	}
}

static struct str masked(struct section *s, enum name name, struct str value)
{
	struct arena *a = &s->m->arena;
	if (s->ps->opt->show_secrets)
		return value;
	switch (name) {
	case NAME_AUTHORIZATION: return secret_credentials(a, value);
	case NAME_COOKIE: return secret_cookie(a, value);
	case NAME_SET_COOKIE: return secret_set_cookie(a, value);
	case NAME_URL: return secret_url(a, value);
	default: return value;
	}
}

/* RFC 9112 section 5.2: a value that goes on in the next line; its line breaks become spaces. */
static struct str unfolded(struct section *s, struct str value)
{
	value = arena_str(&s->m->arena, value.p, value.n);
	for (u32 i = 0; i < value.n; i++)
		if (value.p[i] == '\r' || value.p[i] == '\n')
			((char *)(uintptr_t)value.p)[i] = ' ';
	return value;
}

/* Can a name that begins so mean anything when no list is kept? One bit for each letter. */
static bool is_of_use(char first)
{
	static const u32 letters = 1u << ('b' & 31) | 1u << ('c' & 31) | 1u << ('e' & 31) | 1u << ('h' & 31) | 1u << ('t' & 31) |
				   1u << ('u' & 31) | 1u << ('x' & 31);
	return letters >> (first & 31) & 1;
}

/* A field line of n bytes without its line feed, its continuation lines included when it is `folded`. */
static void read_line(struct section *s, const char *p, size_t n, bool folded)
{
	size_t colon = 0;
	if (!s->list && !is_of_use(p[0]) && !is_space(p[0]))
		return;
	while (colon < n && p[colon] != ':')
		colon++;
	if (colon == 0 || colon == n)
		return;
	struct str field = trimmed(str_make(p, colon));
	struct str value = trimmed(str_make(p + colon + 1, n - colon - 1));
	if (folded)
		value = unfolded(s, value);
	enum name name = name_of(field);
	if (name != NAME_OTHER)
		read_value(s, name, value);
	if (s->list && s->list_len < HTTP_FIELDS_MAX && name != NAME_HOST && name != NAME_TRANSFER_ENCODING && field.n)
		s->list[s->list_len++] = (struct pair){ field, masked(s, name, value) };
}

/* The line feed at or after p, remembered or looked for. */
static const char *line_end(const struct http_section *lines, u32 *next, const char *base, const char *p, const char *end)
{
	if (*next < lines->ends_len)
		return base + lines->ends[(*next)++];
	return p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
}

/* `base`: where the section lies now. */
static void read_lines(struct section *s, const struct http_section *lines, const char *base)
{
	const char *p = base, *end = base + lines->n, *eol;
	u32 next = 0;
	while ((eol = line_end(lines, &next, base, p, end)) != NULL) {
		bool folded = false;
		if (eol == p || (eol == p + 1 && *p == '\r'))
			return;
		while (eol + 1 < end && is_space(eol[1])) {
			const char *more = line_end(lines, &next, base, eol + 1, end);
			if (!more)
				break;
			folded = true;
			eol = more;
		}
		read_line(s, p, (size_t)(eol - p), folded);
		p = eol + 1;
	}
}

static void keep_list(struct section *s, struct pairs *list)
{
	if (s->list_len == 0)
		return;
	struct pair *v = arena_alloc(&s->m->arena, s->list_len * sizeof(*v));
	if (!v)
		return;
	memcpy(v, s->list, s->list_len * sizeof(*v));
	*list = (struct pairs){ v, s->list_len };
}

void http_fields_read(struct parser *ps, struct message *m, const struct http_section *section, struct http_head *head, struct pairs *list)
{
	struct pair pairs[HTTP_FIELDS_MAX];
	struct section s = { .ps = ps, .m = m, .head = head };
	const char *p = (const char *)section->p;
	if (list) { /* one copy, which everything kept is a slice of */
		struct str copy = arena_str(&m->arena, p, section->n);
		if (copy.p) {
			p = copy.p;
			head->kept = true;
			s.list = pairs;
		}
	}
	read_lines(&s, section, p);
	trace_context_set(m, &s.trace);
	if (list)
		keep_list(&s, list);
}
