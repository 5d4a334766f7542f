#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/binder.h"
#include "util/number.h"
#include "util/suggest.h"
#include "util/timefmt.h"

#define ITEMS_MAX 1000u /* rules, processors, pipelines; texts of a list */
#define PORTS_MAX 1024u /* of a rule */

void *binder_grow(struct binder *b, void *array, u32 n, u32 *cap, size_t size)
{
	if (n < *cap)
		return array;
	u32 wider = *cap ? *cap * 2 : 4;
	void *to = pool_alloc(b->pool, wider * size);
	if (!to)
		return NULL;
	if (n)
		memcpy(to, array, n * size);
	*cap = wider;
	return to;
}

const char *binder_text(struct binder *b, const struct node *n, const char *path)
{
	struct buf out = { .max = YAML_SCALAR_MAX + KIB }, why = { 0 };
	if (!strstr(n->text, "${"))
		return n->text;
	const char *text = NULL;
	if (!expand_text(n->text, b->folder, &out, &why))
		binder_error(b, n->at, path, "%s", buf_cstr(&why));
	else if (out.failed || out.len > YAML_SCALAR_MAX)
		binder_error(b, n->at, path, "with its ${…} replaced it is longer than a value may be (64 KiB)");
	else
		text = pool_text(b->pool, buf_cstr(&out), out.len);
	buf_done(&out);
	buf_done(&why);
	return text;
}

static void add_choices(struct buf *out, const struct choice *c)
{
	bool first = true;
	for (; c->name; c++) {
		if (c->hidden)
			continue;
		buf_addf(out, "%s%s", first ? "" : ", ", *c->name ? c->name : "nothing");
		first = false;
	}
}

/* In the largest unit that leaves nothing over. */
static void add_duration(struct buf *out, u64 ns)
{
	static const struct {
		u64 ns;
		const char *name;
	} units[] = { { 3600 * NS_PER_SEC, "h" }, { 60 * NS_PER_SEC, "m" }, { NS_PER_SEC, "s" }, { NS_PER_MS, "ms" }, { NS_PER_US, "us" } };
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (ns && ns % units[i].ns)
			continue;
		buf_addf(out, "%llu%s", (unsigned long long)(ns / units[i].ns), ns ? units[i].name : "");
		return;
	}
	buf_addf(out, "%lluns", (unsigned long long)ns);
}

static void add_amount(struct buf *out, const struct key *k, u64 v)
{
	static const char *const units[] = { "", "KiB", "MiB", "GiB" };
	u32 unit = 0;
	if (k->type == KEY_DURATION) {
		add_duration(out, v);
		return;
	}
	while ((k->type == KEY_SIZE || k->type == KEY_SIZE32) && unit < 3 && v && v % 1024 == 0)
		v /= 1024, unit++;
	buf_addf(out, "%llu%s", (unsigned long long)v, units[unit]);
}

static void add_range(struct buf *out, const struct key *k, const char *what, const char *such)
{
	buf_adds(out, what);
	if (k->min || k->max) {
		buf_adds(out, " from ");
		add_amount(out, k, k->min);
	}
	if (k->max) {
		buf_adds(out, " to ");
		add_amount(out, k, k->max);
	} else if (k->min) {
		buf_adds(out, " up");
	}
	buf_adds(out, such);
}

void schema_accepts(const struct key *k, struct buf *out)
{
	switch (k->type) {
	case KEY_BOOL:
		buf_adds(out, "true or false");
		break;
	case KEY_NUMBER:
	case KEY_SIGNED:
		add_range(out, k, "a number", "");
		break;
	case KEY_SIZE:
	case KEY_SIZE32:
		add_range(out, k, "bytes", ", such as 4096, 64KiB or 8MiB");
		break;
	case KEY_DURATION:
		add_range(out, k, "a time", ", such as 500ms, 15s or 1h30m (a bare number: seconds)");
		break;
	case KEY_SHARE:
		buf_adds(out, "a share from 0 to 1, or 0% to 100%");
		break;
	case KEY_CHOICE:
	case KEY_WORD:
		add_choices(out, k->choices);
		break;
	case KEY_CHOICES:
		buf_adds(out, "a list of ");
		add_choices(out, k->choices);
		break;
	case KEY_TEXTS:
		buf_adds(out, "a list of texts");
		break;
	case KEY_PAIRS:
		buf_adds(out, "a mapping, name: value");
		break;
	case KEY_PORTS:
		buf_adds(out, "a port from 1 to 65535, a list of ports, or \"80,8080\"");
		break;
	case KEY_ITEMS:
		buf_adds(out, "a list of mappings");
		break;
	default:
		buf_adds(out, "a text");
	}
}

/* "found …; accepted: …" */
static void refuse(struct binder *b, const struct key *k, const char *path, const struct node *n, const char *found)
{
	struct buf text = { 0 };
	if (n->kind == NODE_SCALAR && k->type != KEY_SECRET)
		finding_quote(&text, found ? found : n->text);
	else
		buf_adds(&text, n->kind == NODE_SCALAR ? "a text" : n->kind == NODE_LIST ? "a list" : "a mapping");
	buf_adds(&text, "; accepted: ");
	schema_accepts(k, &text);
	binder_error(b, n->at, path, "found %s", buf_cstr(&text));
	buf_done(&text);
}

static bool parse_bool(const char *text, bool *ret)
{
	static const char *const words[] = { "false", "no", "off", "n", "0", "true", "yes", "on", "y", "1" };
	for (u32 i = 0; i < ARRAY_LEN(words); i++) {
		if (!str_eq_nocase(str_from(words[i]), str_from(text)))
			continue;
		*ret = i >= ARRAY_LEN(words) / 2;
		return true;
	}
	return false;
}

/* Whole numbers as YAML and the old program know them: -5, 0x10, 1_000, 100.0. */
static bool parse_number(const char *text, i64 *ret)
{
	char digits[32];
	size_t n = 0;
	int base = 10;
	const char *p = text;
	if (*p == '-' || *p == '+')
		digits[n++] = *p++;
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'o')) {
		base = p[1] == 'x' ? 16 : 8;
		p += 2;
	}
	if (*p == '_' || !*p)
		return false;
	for (; *p && *p != '.' && n < sizeof(digits) - 1; p++)
		if (*p != '_')
			digits[n++] = *p;
	if (*p == '.' && base == 10 && p[1])
		p += 1 + strspn(p + 1, "0");
	if (*p)
		return false;
	digits[n] = 0;
	const char *first = digits + (digits[0] == '-' || digits[0] == '+');
	if (!*first || first[strspn(first, base == 16 ? "0123456789abcdefABCDEF" : base == 8 ? "01234567" : "0123456789")])
		return false;
	char *end;
	*ret = strtoll(digits, &end, base);
	return *end == 0 && *ret != INT64_MIN && *ret != INT64_MAX;
}

static bool parse_share(const char *text, double *ret)
{
	char *end;
	if (!*text || !strchr("0123456789.", *text))
		return false;
	*ret = strtod(text, &end);
	if (strcmp(end, "%") == 0)
		*ret /= 100;
	else if (*end)
		return false;
	return isfinite(*ret) && *ret >= 0 && *ret <= 1;
}

/* Amounts: number, size or duration, as far as they are one. Negative ones are kept as far as INT64. */
static bool parse_amount(const struct key *k, const char *text, bool *ret_negative, u64 *ret)
{
	i64 number;
	*ret_negative = false;
	if (k->type == KEY_DURATION) {
		*ret_negative = *text == '-';
		return duration_parse(str_from(text + *ret_negative), ret);
	}
	if (parse_number(text, &number)) {
		*ret_negative = number < 0;
		*ret = number < 0 ? 0 : (u64)number;
		return true;
	}
	return (k->type == KEY_SIZE || k->type == KEY_SIZE32) && size_parse(str_from(text), ret);
}

static void store_amount(const struct key *k, u64 v, void *at)
{
	if (k->type == KEY_SIZE || k->type == KEY_DURATION)
		*(u64 *)at = v;
	else if (k->type == KEY_SIGNED)
		*(i32 *)at = (i32)v;
	else
		*(u32 *)at = (u32)v;
}

static bool bind_amount(struct binder *b, const struct key *k, const char *path, const struct node *n, const char *text, void *base)
{
	u64 v, max = k->max ? k->max : k->type == KEY_SIZE || k->type == KEY_DURATION ? UINT64_MAX : UINT32_MAX;
	bool negative;
	if (!parse_amount(k, text, &negative, &v)) {
		refuse(b, k, path, n, text);
		return false;
	}
	if ((k->flags & KEY_POSITIVE) && (negative || v == 0)) {
		binder_warning(b, n->at, path, "%s means the default, %s, as it always did", text, k->fallback);
		bind_fallback(b, k, base);
		return false;
	}
	if ((k->flags & KEY_ROUND) && (negative || v < k->min || v > max)) {
		v = negative || v < k->min ? k->min : max;
		binder_warning(b, n->at, path, "%s means %llu, as it always did", text, (unsigned long long)v);
	} else if (negative || v < k->min || v > max) {
		refuse(b, k, path, n, text);
		return false;
	}
	store_amount(k, v, schema_member(base, k->offset));
	return true;
}

static const struct choice *find_choice(const struct key *k, const char *text)
{
	bool any_case = k->flags & KEY_UPPER;
	for (const struct choice *c = k->choices; c->name; c++)
		if (any_case ? str_eq_nocase(str_from(c->name), str_from(text)) : strcmp(c->name, text) == 0)
			return c;
	return NULL;
}

static const struct choice *bind_choice(struct binder *b, const struct key *k, const char *path, const struct node *n, const char *text)
{
	const char *known[16];
	size_t len = 0;
	struct buf accepted = { 0 };
	const struct choice *found = find_choice(k, text);
	if (found)
		return found;
	for (const struct choice *c = k->choices; c->name && len < ARRAY_LEN(known); c++)
		known[len++] = c->name;
	add_choices(&accepted, k->choices);
	binder_unknown(b, n->at, path, text, NULL, buf_cstr(&accepted), known, len);
	buf_done(&accepted);
	return NULL;
}

static bool bind_secret_file(struct binder *b, const char *path, const struct node *n, const char *text, void *at)
{
	struct buf out = { .max = YAML_SCALAR_MAX + KIB }, why = { 0 };
	if (!*text)
		return false;
	bool good = expand_file(text, b->folder, &out, &why);
	if (!good)
		binder_error(b, n->at, path, "%s", buf_cstr(&why));
	else
		*(const char **)at = pool_text(b->pool, buf_cstr(&out), out.len);
	buf_done(&out);
	buf_done(&why);
	return good;
}

static bool bind_scalar(struct binder *b, const struct key *k, const char *path, const struct node *n, void *base)
{
	void *at = schema_member(base, k->offset);
	const struct choice *c;
	if (n->kind != NODE_SCALAR) {
		refuse(b, k, path, n, NULL);
		return false;
	}
	const char *text = binder_text(b, n, path);
	if (!text)
		return false;
	switch (k->type) {
	case KEY_BOOL:
		if (!parse_bool(text, at))
			refuse(b, k, path, n, text);
		return true;
	case KEY_SHARE:
		if (!parse_share(text, at))
			refuse(b, k, path, n, text);
		return true;
	case KEY_WORD:
	case KEY_CHOICE:
		c = bind_choice(b, k, path, n, text);
		if (c && k->type == KEY_CHOICE)
			*(u8 *)at = c->value;
		else if (c)
			*(const char **)at = strcmp(c->name, "none") == 0 ? "" : c->name;
		return c != NULL;
	case KEY_SECRET_FILE:
		return bind_secret_file(b, path, n, text, at);
	case KEY_TEXT:
	case KEY_SECRET:
		*(const char **)at = text;
		return true;
	default:
		return bind_amount(b, k, path, n, text, base);
	}
}

/* A list, or one value where a list is expected. */
static u32 list_length(const struct node *n)
{
	return n->kind == NODE_LIST ? n->n : 1;
}

static const struct node *list_item(const struct node *n, u32 i)
{
	return n->kind == NODE_LIST ? n->items[i] : n;
}

static bool bind_texts(struct binder *b, const struct key *k, const char *path, const struct node *n, void *base)
{
	struct config_texts *list = schema_member(base, k->offset);
	u32 len = list_length(n);
	if (len > ITEMS_MAX) {
		binder_error(b, n->at, path, "found %u; at most %u", len, ITEMS_MAX);
		return false;
	}
	*list = (struct config_texts){ .v = pool_alloc(b->pool, MAX(len, 1) * sizeof(*list->v)) };
	for (u32 i = 0; list->v && i < len; i++) {
		const struct node *item = list_item(n, i);
		char at[PATH_TEXT_MAX];
		binder_path(at, n->kind == NODE_LIST ? "%s[%u]" : "%s", path, i);
		if (item->kind != NODE_SCALAR) {
			refuse(b, k, at, item, NULL);
			continue;
		}
		const char *text = node_is_null(item) ? NULL : binder_text(b, item, at);
		if (text)
			list->v[list->n++] = text;
	}
	return true;
}

static bool bind_choices(struct binder *b, const struct key *k, const char *path, const struct node *n, void *base)
{
	u8 bits = 0;
	for (u32 i = 0; i < list_length(n); i++) {
		const struct node *item = list_item(n, i);
		if (item->kind != NODE_SCALAR) {
			refuse(b, k, path, item, NULL);
			return false;
		}
		const char *text = binder_text(b, item, path);
		const struct choice *c = text ? bind_choice(b, k, path, item, text) : NULL;
		if (c)
			bits |= c->value;
	}
	if (bits)
		*((u8 *)base + k->offset) = bits;
	else if (n->kind == NODE_LIST && n->n == 0)
		refuse(b, k, path, n, NULL);
	return true;
}

struct ports {
	u16 *v;
	u32 n, cap;
};

static bool add_port(struct binder *b, struct ports *ports, struct str text)
{
	i64 port;
	char word[16];
	while (text.n && text.p[0] == ' ')
		text.p++, text.n--;
	while (text.n && text.p[text.n - 1] == ' ')
		text.n--;
	snprintf(word, sizeof(word), "%.*s", (int)MIN(text.n, sizeof(word) - 1), text.p);
	if (text.n >= sizeof(word) || !parse_number(word, &port) || port < 1 || port > UINT16_MAX)
		return false;
	for (u32 i = 0; i < ports->n; i++)
		if (ports->v[i] == port)
			return true;
	u16 *v = binder_grow(b, ports->v, ports->n, &ports->cap, sizeof(u16));
	if (!v)
		return true;
	ports->v = v;
	v[ports->n++] = (u16)port;
	return true;
}

static bool bind_ports(struct binder *b, const struct key *k, const char *path, const struct node *n, void *base)
{
	struct ports ports = { 0 };
	for (u32 i = 0; i < list_length(n); i++) {
		const struct node *item = list_item(n, i);
		const char *text = item->kind == NODE_SCALAR ? binder_text(b, item, path) : NULL;
		bool good = item->kind == NODE_SCALAR;
		while (text && good && ports.n <= PORTS_MAX) {
			size_t len = strcspn(text, ",");
			good = add_port(b, &ports, str_make(text, len));
			text = text[len] ? text + len + 1 : NULL;
		}
		if (!good)
			refuse(b, k, path, item, NULL);
		if (ports.n <= PORTS_MAX)
			continue;
		binder_error(b, n->at, path, "more than %u ports", PORTS_MAX);
		break;
	}
	*(u16 **)schema_member(base, k->offset) = ports.v;
	*(u32 *)schema_member(base, k->len_offset) = ports.n;
	return true;
}

void bind_pair(struct binder *b, const struct key *k, const char *path, const char *name, const struct node *value, struct config_place at, void *base)
{
	struct config_pairs *pairs = schema_member(base, k->offset);
	char full[PATH_TEXT_MAX];
	binder_path(full, "%s.%s", path, name);
	if (value->kind != NODE_SCALAR) {
		binder_error(b, value->at, full, "found a %s; accepted: a text", value->kind == NODE_LIST ? "list" : "mapping");
		return;
	}
	const char *text = binder_text(b, value, full);
	for (u32 i = 0; i < pairs->n; i++) {
		if (strcmp(pairs->v[i].name, name) != 0)
			continue;
		binder_error(b, at, full, "given twice");
		return;
	}
	/* Full whenever the number is a power of two from 4 on. */
	u32 cap = pairs->n && (pairs->n < 4 || (pairs->n & (pairs->n - 1))) ? UINT32_MAX : pairs->n;
	struct config_pair *v = binder_grow(b, pairs->v, pairs->n, &cap, sizeof(*v));
	if (!text || !v)
		return;
	pairs->v = v;
	v[pairs->n++] = (struct config_pair){ name, text };
	if (k->check)
		k->check(b, k, full, value, &v[pairs->n - 1]);
}

static bool bind_pairs(struct binder *b, const struct key *k, const char *path, const struct node *n, void *base)
{
	if (n->kind != NODE_MAPPING) {
		refuse(b, k, path, n, NULL);
		return false;
	}
	for (u32 i = 0; i < n->n; i++)
		bind_pair(b, k, path, n->entries[i].key, n->entries[i].value, n->entries[i].at, base);
	return false; /* pairs are checked one by one */
}

static void bind_item(struct binder *b, const struct schema *s, const struct node *item, const char *path, void *kept)
{
	void *outer = b->item, *draft;
	if (item->kind != NODE_MAPPING) {
		binder_error(b, item->at, path, "found %s; accepted: a mapping", item->kind == NODE_LIST ? "a list" : "a single value");
		return;
	}
	if (s->pick && !(s = s->pick(b, item, path)))
		return;
	draft = pool_alloc(b->pool, s->size);
	if (!draft)
		return;
	b->item = draft;
	if (s->place_offset != UINT16_MAX)
		*(struct config_place *)schema_member(draft, s->place_offset) = item->at;
	bind_table(b, s, item, path, draft, NULL);
	if (s->finish)
		s->finish(b, draft, item, path);
	memcpy(kept, draft, s->copy_size ? s->copy_size : s->size);
	b->item = outer;
}

static bool bind_items(struct binder *b, const struct key *k, const char *path, const struct node *n, void *base)
{
	const struct schema *s = k->items;
	size_t size = s->copy_size ? s->copy_size : s->size;
	u32 len = list_length(n);
	char *array = pool_alloc(b->pool, MIN(MAX(len, 1), ITEMS_MAX) * size);
	if (n->kind == NODE_SCALAR)
		refuse(b, k, path, n, NULL);
	if (n->kind == NODE_SCALAR || !array)
		return false;
	if (len > ITEMS_MAX) {
		binder_error(b, n->at, path, "found %u; at most %u", len, ITEMS_MAX);
		return false;
	}
	for (u32 i = 0; i < len; i++) {
		char at[PATH_TEXT_MAX];
		binder_path(at, "%s[%u]", path, i);
		bind_item(b, s, list_item(n, i), at, array + i * size);
	}
	*(void **)schema_member(base, k->offset) = array;
	*(u32 *)schema_member(base, k->len_offset) = len;
	return true;
}

void bind_value(struct binder *b, const struct key *k, const char *path, const struct node *n, void *base)
{
	bool good;
	switch (k->type) {
	case KEY_TEXTS:
		good = bind_texts(b, k, path, n, base);
		break;
	case KEY_CHOICES:
		good = bind_choices(b, k, path, n, base);
		break;
	case KEY_PAIRS:
		good = bind_pairs(b, k, path, n, base);
		break;
	case KEY_PORTS:
		good = bind_ports(b, k, path, n, base);
		break;
	case KEY_ITEMS:
		good = bind_items(b, k, path, n, base);
		break;
	case KEY_IGNORED:
		binder_warning(b, n->at, path, "has no effect: %s", k->meaning);
		return;
	default:
		good = bind_scalar(b, k, path, n, base);
	}
	if (good && k->check && !b->pool->failed)
		k->check(b, k, path, n, schema_member(base, k->offset));
}
