#include <stdio.h>

#include "config/binder.h"
#include "util/suggest.h"

#define KNOWN_MAX 512

/* A mapping of the file that is being bound to a table, whole or a section of it. */
struct scope {
	struct binder *b;
	const struct schema *s;
	void *base;
	const char *name;          /* of the table in messages: "processor[0]" */
	const struct node **given; /* by row */
};

static void finding(struct binder *b, bool warning, struct config_place at, const char *path, const char *format, va_list ap)
{
	struct buf text = { .max = FINDING_TEXT_MAX };
	buf_vaddf(&text, format, ap);
	finding_add(b->findings, warning, at, path, text.failed ? "wrong" : buf_cstr(&text));
	buf_done(&text);
}

void binder_error(struct binder *b, struct config_place at, const char *path, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	finding(b, false, at, path, format, ap);
	va_end(ap);
}

void binder_warning(struct binder *b, struct config_place at, const char *path, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	finding(b, true, at, path, format, ap);
	va_end(ap);
}

void binder_unknown(struct binder *b, struct config_place at, const char *path, const char *found, const char *what, const char *accepted,
		    const char *const *known, size_t n)
{
	struct buf text = { .max = FINDING_TEXT_MAX };
	/* What will not be shown need not be thought about. */
	const char *close = b->findings->errors < FINDINGS_MAX ? suggest(found, known, n) : NULL;
	buf_adds(&text, "found ");
	finding_quote(&text, found);
	if (what)
		buf_addf(&text, ", %s", what);
	if (accepted)
		buf_addf(&text, "; accepted: %s", accepted);
	if (close && *close)
		buf_addf(&text, "; did you mean '%s'?", close);
	finding_add(b->findings, false, at, path, buf_cstr(&text));
	buf_done(&text);
}

void bind_fallback(struct binder *b, const struct key *k, void *base)
{
	struct node n = { .kind = NODE_SCALAR, .plain = true, .text = k->fallback };
	struct node *tree = &n;
	bool structured = k->type == KEY_ITEMS || k->type == KEY_TEXTS || k->type == KEY_CHOICES || k->type == KEY_PORTS;
	if (!k->fallback || k->type == KEY_IGNORED)
		return;
	if (strcmp(k->fallback, "[]") == 0) /* zeroed is empty */
		return;
	if (structured) {
		if (!yaml_parse(str_from(k->fallback), b->pool, b->findings, &tree))
			return;
	}
	bind_value(b, k, k->path, tree, base);
}

/* "section.key" below the table's name, for messages. */
static void full_name(const struct scope *sc, const char *path, char out[PATH_TEXT_MAX])
{
	binder_path(out, "%s%s%s", sc->name, *sc->name && *path ? "." : "", path);
}

void binder_path(char out[PATH_TEXT_MAX], const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vsnprintf(out, PATH_TEXT_MAX, format, ap);
	va_end(ap);
}

static const char *last_word(const char *path)
{
	const char *dot = strrchr(path, '.');
	return dot ? dot + 1 : path;
}

/* What may follow a prefix, sections included: once each. */
static u32 member_words(const struct schema *s, const char *prefix, struct pool *pool, const char *words[KNOWN_MAX])
{
	size_t n = strlen(prefix);
	u32 len = 0;
	for (u32 i = 0; i < s->n && len < KNOWN_MAX; i++) {
		const struct key *k = &s->keys[i];
		if (k->instead || k->type == KEY_IGNORED || strncmp(k->path, prefix, n) != 0 || (n && k->path[n] != '.'))
			continue;
		const char *word = k->path + n + (n > 0);
		size_t word_len = strcspn(word, ".");
		if (!len || strlen(words[len - 1]) != word_len || memcmp(words[len - 1], word, word_len) != 0)
			words[len++] = pool_text(pool, word, word_len);
	}
	return len;
}

/* The nearest known key of all: one whose whole path is near, or else one of that name in another section. */
static const char *nearest_key(const struct schema *s, const char *path)
{
	const char *known[KNOWN_MAX];
	size_t n = 0;
	for (u32 i = 0; i < s->n && n < KNOWN_MAX; i++)
		if (!s->keys[i].instead && s->keys[i].type != KEY_IGNORED)
			known[n++] = s->keys[i].path;
	const char *close = suggest(path, known, n);
	for (size_t i = 0; !close && i < n; i++)
		if (strcmp(last_word(known[i]), last_word(path)) == 0)
			close = known[i];
	return close;
}

static void add_words(const char *const *words, u32 n, struct buf *out)
{
	for (u32 i = 0; i < n; i++)
		buf_addf(out, "%s%s", i ? ", " : "", words[i]);
}

static void unknown_key(struct scope *sc, const struct entry *e, const char *prefix, const char *path)
{
	const char *words[KNOWN_MAX];
	char full[PATH_TEXT_MAX], other[PATH_TEXT_MAX];
	struct buf members = { 0 };
	if (sc->b->findings->errors >= FINDINGS_MAX) {
		binder_error(sc->b, e->at, path, "no such key");
		return;
	}
	u32 n = member_words(sc->s, prefix, sc->b->pool, words);
	const char *close = suggest(e->key, words, n), *far = close ? NULL : nearest_key(sc->s, path);
	full_name(sc, path, full);
	full_name(sc, far ? far : prefix, other);
	add_words(words, n, &members);
	if (close)
		binder_error(sc->b, e->at, full, "no such key; did you mean %s%s%s?", other, *other ? "." : "", close);
	else if (far)
		binder_error(sc->b, e->at, full, "no such key; did you mean %s?", other);
	else
		binder_error(sc->b, e->at, full, "no such key; accepted here: %s", buf_cstr(&members));
	buf_done(&members);
}

/* The free-form mapping that the path goes on into: "exporter.traces.header" of "exporter.traces.header.X-Token". */
static const struct key *pairs_above(const struct schema *s, const char *path, const char **ret_name)
{
	for (u32 i = 0; i < s->n; i++) {
		size_t n = strlen(s->keys[i].path);
		if (s->keys[i].type != KEY_PAIRS || strncmp(s->keys[i].path, path, n) != 0 || path[n] != '.')
			continue;
		*ret_name = path + n + 1;
		return &s->keys[i];
	}
	return NULL;
}

static void bind_key(struct scope *sc, const struct key *k, const struct entry *e, const char *path)
{
	char full[PATH_TEXT_MAX];
	full_name(sc, path, full);
	if (k->instead) {
		binder_warning(sc->b, e->at, full, "is taken for %s", last_word(k->instead));
		k = schema_find(sc->s, k->instead);
	}
	u32 row = (u32)(k - sc->s->keys);
	if (node_is_null(e->value))
		return;
	if (sc->given[row]) {
		binder_error(sc->b, e->at, full, "given twice; first in line %u", sc->given[row]->at.line);
		return;
	}
	sc->given[row] = e->value;
	bind_value(sc->b, k, full, e->value, sc->base);
}

static void bind_section(struct scope *sc, const struct node *map, const char *prefix);

static void bind_entry(struct scope *sc, const struct entry *e, const char *prefix)
{
	char path[PATH_TEXT_MAX];
	const char *name;
	int n = snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", e->key);
	const struct key *k = schema_find(sc->s, path);
	if (n >= (int)sizeof(path)) {
		binder_error(sc->b, e->at, NULL, "a key longer than any there is");
	} else if (k) {
		bind_key(sc, k, e, path);
	} else if (schema_is_section(sc->s, path)) {
		bind_section(sc, e->value, path);
	} else if ((k = pairs_above(sc->s, path, &name)) != NULL) {
		char full[PATH_TEXT_MAX];
		full_name(sc, k->path, full);
		bind_pair(sc->b, k, full, pool_text(sc->b->pool, name, strlen(name)), e->value, e->at, sc->base);
	} else if (*sc->name || strncmp(path, "x-", 2) != 0) { /* x-…: somewhere to keep anchors */
		unknown_key(sc, e, prefix, path);
	}
}

static void bind_section(struct scope *sc, const struct node *map, const char *prefix)
{
	const char *words[KNOWN_MAX];
	char full[PATH_TEXT_MAX];
	struct buf members = { 0 };
	if (node_is_null(map))
		return;
	for (u32 i = 0; map->kind == NODE_MAPPING && i < map->n; i++)
		bind_entry(sc, &map->entries[i], prefix);
	if (map->kind == NODE_MAPPING)
		return;
	full_name(sc, prefix, full);
	add_words(words, member_words(sc->s, prefix, sc->b->pool, words), &members);
	binder_error(sc->b, map->at, full, "found a %s; accepted: a section with the keys %s", map->kind == NODE_LIST ? "list" : "single value", buf_cstr(&members));
	buf_done(&members);
}

void bind_table(struct binder *b, const struct schema *s, const struct node *map, const char *path, void *base, const struct node **given)
{
	struct scope sc = { b, s, base, path, given };
	if (!given)
		sc.given = pool_alloc(b->pool, MAX(s->n, 1) * sizeof(*given));
	if (!sc.given)
		return;
	for (u32 i = 0; i < s->n; i++)
		bind_fallback(b, &s->keys[i], base);
	for (u32 i = 0; i < s->n; i++) /* texts are never NULL */
		if ((s->keys[i].type == KEY_TEXT || s->keys[i].type == KEY_SECRET) && !*(const char **)schema_member(base, s->keys[i].offset))
			*(const char **)schema_member(base, s->keys[i].offset) = "";
	bind_section(&sc, map, "");
	for (u32 i = 0; i < s->n; i++)
		if ((s->keys[i].flags & KEY_REQUIRED) && !sc.given[i])
			binder_error(b, map ? map->at : (struct config_place){ 0 }, path, "%s is missing: %s", s->keys[i].path, s->keys[i].meaning);
}
