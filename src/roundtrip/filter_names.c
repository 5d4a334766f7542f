#include <stdio.h>
#include <stdlib.h>

#include "roundtrip/filter_private.h"
#include "util/suggest.h"

#define NAMES_MAX 4096 /* looked through for a suggestion */

const struct common_name common_names[COMMON_COUNT] = {
#define X(id, name, kind, values, meaning) [id] = { name, kind, values, meaning },
	COMMON_NAMES(X)
#undef X
};

static bool is_named(const struct field *f)
{
	return f->type != FIELD_OBJECT && (f->name || f->json);
}

/* Takes "prefix." off the front of *s. */
static bool strip(struct str *s, const char *prefix)
{
	size_t n = strlen(prefix);
	if (s->n <= n || memcmp(s->p, prefix, n) != 0 || s->p[n] != '.')
		return false;
	s->p += n + 1;
	s->n -= (u32)n + 1;
	return true;
}

/* Adds the protocol's rows of this name; `sides` is a mask of 1 << enum side. A name that goes on after that of a row of pairs
 * selects by key. */
static bool add_rows(struct rt_filter *f, const struct proto *p, struct str name, unsigned sides, bool by_key, struct test *t)
{
	t->fields = (u16)f->fields_len;
	t->fields_len = 0;
	for (size_t i = 0; i < p->fields_len; i++) {
		const struct field *row = &p->fields[i];
		char text[FIELD_NAME_MAX];
		if (!is_named(row) || !(sides >> row->side & 1))
			continue;
		size_t n = field_name(row, text);
		struct str key = name;
		bool here = by_key ? row->type == FIELD_PAIRS && strip(&key, text) : str_eq(name, str_make(text, n));
		if (!here)
			continue;
		if (f->fields_len == FIELDS_MAX)
			return false;
		f->fields[f->fields_len++] = row;
		t->fields_len++;
		t->key = by_key ? key : (struct str){ 0 };
	}
	return t->fields_len > 0;
}

bool rt_filter_resolve(struct rt_filter *f, const struct proto *const *protos, struct str name, struct test *t)
{
	for (unsigned i = 0; i < COMMON_COUNT; i++) {
		t->common = (enum common)i;
		if (str_eq(name, str_from(common_names[i].name)))
			return true;
	}
	for (; *protos; protos++) {
		struct str rest = name;
		t->proto = *protos;
		if (str_eq(name, str_from(t->proto->name)))
			return true;
		if (!strip(&rest, t->proto->name))
			continue;
		unsigned sides = 1u << SIDE_REQUEST | 1u << SIDE_RESPONSE;
		if (add_rows(f, t->proto, rest, sides, false, t) || add_rows(f, t->proto, rest, sides, true, t))
			return true;
		sides = strip(&rest, "request") ? 1u << SIDE_REQUEST : strip(&rest, "response") ? 1u << SIDE_RESPONSE : 0;
		return add_rows(f, t->proto, rest, sides, false, t) || add_rows(f, t->proto, rest, sides, true, t);
	}
	return false;
}

/* Whether an earlier row of the same side has the same name (another shape's). */
static bool is_repeated(const struct proto *p, size_t row, const char *name)
{
	char other[FIELD_NAME_MAX];
	for (size_t i = 0; i < row; i++) {
		if (!is_named(&p->fields[i]) || p->fields[i].side != p->fields[row].side)
			continue;
		field_name(&p->fields[i], other);
		if (strcmp(other, name) == 0)
			return true;
	}
	return false;
}

static bool on_other_side(const struct proto *p, const struct field *row, const char *name)
{
	char other[FIELD_NAME_MAX];
	for (size_t i = 0; i < p->fields_len; i++) {
		if (!is_named(&p->fields[i]) || p->fields[i].side == row->side)
			continue;
		field_name(&p->fields[i], other);
		if (strcmp(other, name) == 0)
			return true;
	}
	return false;
}

void rt_filter_field_name(const struct proto *p, const struct field *row, char out[FILTER_NAME_MAX])
{
	char name[FIELD_NAME_MAX];
	field_name(row, name);
	const char *side = !on_other_side(p, row, name) ? "" : row->side == SIDE_REQUEST ? "request." : "response.";
	snprintf(out, FILTER_NAME_MAX, "%.30s.%s%s", p->name, side, name);
}

void rt_filter_names(const struct proto *const *protos, void (*each)(void *arg, const char *name, const char *type, const char *meaning), void *arg)
{
	char name[FIELD_NAME_MAX], full[FILTER_NAME_MAX];
	for (unsigned i = 0; i < COMMON_COUNT; i++)
		each(arg, common_names[i].name, value_kind_name(common_names[i].kind), common_names[i].meaning);
	for (; *protos; protos++) {
		const struct proto *p = *protos;
		snprintf(full, sizeof(full), "%.40s", p->name);
		each(arg, full, "true/false", p->title ? p->title : "");
		for (size_t i = 0; i < p->fields_len; i++) {
			const struct field *row = &p->fields[i];
			if (!is_named(row))
				continue;
			field_name(row, name);
			if (is_repeated(p, i, name))
				continue;
			rt_filter_field_name(p, row, full);
			each(arg, full, value_kind_name(field_kind(row)), row->meaning ? row->meaning : "");
		}
	}
}

/* All names, for suggestions. */
struct candidates {
	struct str wanted;
	char (*names)[FILTER_NAME_MAX];
	const char **list;
	size_t n;
	struct str proto;    /* "dns." of a wanted "dns.status" that is the end of a longer name; empty: of any protocol */
	const char *by_tail; /* a name that ends in .wanted, or is it but for a side it does not have */
	char sideless[FILTER_NAME_MAX];
};

static void count_name(void *arg, const char *name, const char *type, const char *meaning)
{
	++*(size_t *)arg;
}

static void collect_name(void *arg, const char *name, const char *type, const char *meaning)
{
	struct candidates *c = arg;
	size_t n = strlen(name);
	char *copy = c->names[c->n];
	memcpy(copy, name, n + 1);
	c->list[c->n++] = copy;
	if (strcmp(name, c->sideless) == 0)
		c->by_tail = copy;
	struct str tail = c->wanted;
	tail.p += c->proto.n;
	tail.n -= c->proto.n;
	if (!c->by_tail && n > c->wanted.n && memcmp(name, c->proto.p, c->proto.n) == 0 && name[n - tail.n - 1] == '.' && memcmp(name + n - tail.n, tail.p, tail.n) == 0)
		c->by_tail = copy;
}

/* http.request.status: http.status */
static void drop_side(char *to, struct str name)
{
	struct str side = { 0 };
	const char *dot = memchr(name.p, '.', name.n);
	u32 head = dot ? (u32)(dot - name.p) : name.n;
	struct str tail = { name.p + head, name.n - head };
	if (tail.n > 9 && memcmp(tail.p, ".request.", 9) == 0)
		side = (struct str){ tail.p, 8 };
	else if (tail.n > 10 && memcmp(tail.p, ".response.", 10) == 0)
		side = (struct str){ tail.p, 9 };
	memcpy(to, name.p, head);
	memcpy(to + head, tail.p + side.n, tail.n - side.n);
	to[name.n - side.n] = '\0';
}

bool rt_filter_nearest(const struct proto *const *protos, struct str name, char *out, size_t n)
{
	char word[FILTER_NAME_MAX];
	size_t names = 0;
	if (name.n == 0 || name.n >= sizeof(word))
		return false;
	rt_filter_names(protos, count_name, &names);
	names = MIN(names, NAMES_MAX);
	struct candidates c = { .wanted = name, .proto = { name.p, 0 } };
	const char *dot = memchr(name.p, '.', name.n);
	if (dot && dot + 1 < name.p + name.n)
		c.proto.n = (u32)(dot - name.p) + 1;
	c.names = calloc(names, sizeof(*c.names));
	c.list = calloc(names, sizeof(*c.list));
	const char *near = NULL;
	drop_side(c.sideless, name);
	if (c.names && c.list) {
		rt_filter_names(protos, collect_name, &c);
		memcpy(word, name.p, name.n);
		word[name.n] = '\0';
		near = c.by_tail ? c.by_tail : suggest(word, c.list, c.n);
		if (near)
			snprintf(out, n, "%s", near);
	}
	free(c.list);
	free(c.names);
	return near != NULL;
}

static void help_name(void *arg, const char *name, const char *type, const char *meaning)
{
	buf_addf(arg, "  %-36s %-11s %s\n", name, type, meaning);
}

void rt_filter_help(const struct proto *const *protos, struct buf *out)
{
	buf_adds(out, "Expressions for --filter\n\n"
		      "  http.status >= 500 and duration > 100ms\n"
		      "  client == 10.0.0.0/8 and not (dns or redis.command in (PING, INFO))\n"
		      "  http.request.header.user-agent =~ \"(?i)curl\" or error\n\n"
		      "Operators: == != < <= > >=, contains, =~ and !~ (extended regular expressions, (?i) in front for\n"
		      "no difference between a and A), in (a, b), not in, not contains; and, or, not, parentheses.\n"
		      "Values: text, quoted when it holds spaces or operators; numbers, 10k is 10240; durations, 100ms, 1.5s;\n"
		      "addresses and networks, 10.0.0.0/8; true, false; times, 2025-03-01T09:00:00Z.\n"
		      "A name alone asks whether it is there and not empty, zero or false; a protocol's name, whether it is that one.\n"
		      "A comparison with something that is not there is false, != too; `not (...)` of it is true.\n"
		      "What both sides have is known by proto.request.name and proto.response.name; proto.name means either.\n"
		      "A single header is http.request.header.user-agent.\n\n"
		      "Names:\n");
	rt_filter_names(protos, help_name, out);
}
