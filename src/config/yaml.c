#include "config/yaml.h"

#include <stdio.h>
#include <xxhash.h>
#include <yaml.h>

#include "config/yaml_text.h"
#include "util/suggest.h"

/* A list or mapping that is being read. */
struct frame {
	struct node *node;
	const char *key; /* of a mapping, when its value is awaited */
	struct config_place key_at;
};

struct anchor {
	const char *name;
	struct node *node;
};

struct reader {
	yaml_parser_t parser;
	struct str text;
	struct pool *pool;
	struct findings *findings;
	struct frame stack[YAML_DEPTH];
	u32 depth;
	struct anchor anchors[YAML_ANCHORS];
	u32 anchors_len;
	struct node *root;
	u32 nodes, documents;
	bool done;
};

static struct config_place place_of(yaml_mark_t mark)
{
	return (struct config_place){ (u32)mark.line + 1, (u32)mark.column + 1 };
}

static bool wrong(struct reader *r, struct config_place at, const char *what)
{
	finding_add(r->findings, false, at, NULL, what);
	return false;
}

static bool wrong_about(struct reader *r, struct config_place at, const char *before, const char *text, const char *after)
{
	struct buf b = { 0 };
	buf_adds(&b, before);
	finding_quote(&b, text);
	buf_adds(&b, after);
	wrong(r, at, buf_cstr(&b));
	buf_done(&b);
	return false;
}

bool node_is_null(const struct node *n)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };
	if (!n)
		return true;
	if (n->kind != NODE_SCALAR || !n->plain)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(n->text, words[i]) == 0)
			return true;
	return false;
}

struct node *node_get(const struct node *n, const char *key)
{
	for (u32 i = 0; n && n->kind == NODE_MAPPING && i < n->n; i++)
		if (strcmp(n->entries[i].key, key) == 0)
			return n->entries[i].value;
	return NULL;
}

static struct node *new_node(struct reader *r, u8 kind, struct config_place at)
{
	if (++r->nodes > YAML_NODES) {
		wrong(r, at, "more values than a configuration may have");
		return NULL;
	}
	struct node *n = pool_alloc(r->pool, sizeof(*n));
	if (n)
		*n = (struct node){ .kind = kind, .at = at, .weight = 1, .open = kind != NODE_SCALAR };
	return n;
}

/* Room for one more item or entry. */
static bool grow(struct reader *r, struct node *n, size_t size)
{
	if (n->n < n->cap)
		return true;
	u32 cap = n->cap ? n->cap * 2 : 8;
	void *to = pool_alloc(r->pool, cap * size);
	if (!to)
		return false;
	if (n->n)
		memcpy(to, n->items, n->n * size);
	n->items = to;
	n->cap = cap;
	return true;
}

static struct entry *find_entry(const struct node *n, const char *key, u32 hash)
{
	for (u32 i = 0; i < n->n; i++)
		if (n->entries[i].hash == hash && strcmp(n->entries[i].key, key) == 0)
			return &n->entries[i];
	return NULL;
}

static bool add_entry(struct reader *r, struct node *n, struct entry e)
{
	e.hash = (u32)XXH3_64bits(e.key, strlen(e.key));
	struct entry *there = find_entry(n, e.key, e.hash);
	if (there && e.merged)
		return true; /* what is written out wins, and so does what was merged first */
	if (there) {
		char after[64];
		snprintf(after, sizeof(after), " is given twice; first in line %u", there->at.line);
		wrong_about(r, e.at, "", e.key, after);
		return true;
	}
	if (n->n == YAML_KEYS)
		return wrong(r, e.at, "more keys than a section may have");
	if (!grow(r, n, sizeof(e)))
		return false;
	n->entries[n->n++] = e;
	return true;
}

/* What a child weighs is added to its parent: the sum bounds any walk, however aliases share nodes. */
static bool account(struct reader *r, struct node *parent, const struct node *child, struct config_place at)
{
	parent->weight += child->weight;
	parent->height = MAX(parent->height, child->height + 1);
	if (parent->weight > YAML_NODES)
		return wrong(r, at, "with its aliases written out this has more values than a configuration may have");
	if (r->depth + parent->height > YAML_DEPTH)
		return wrong(r, at, "nested deeper than a configuration may be");
	return true;
}

static bool take_key(struct reader *r, struct frame *f, struct node *n)
{
	if (n->kind != NODE_SCALAR)
		return wrong(r, n->at, "a key has to be a word, not a list or a mapping");
	f->key = n->text;
	f->key_at = n->at;
	return true;
}

/* A complete value (or an empty list or mapping that now begins) takes its place. */
static bool place_node(struct reader *r, struct node *n, struct config_place at)
{
	if (r->depth == 0) {
		r->root = n;
		return true;
	}
	struct frame *f = &r->stack[r->depth - 1];
	if (f->node->kind == NODE_MAPPING && !f->key)
		return take_key(r, f, n);
	if (f->node->kind == NODE_LIST) {
		if (!grow(r, f->node, sizeof(n)))
			return false;
		f->node->items[f->node->n++] = n;
		return n->open || account(r, f->node, n, at);
	}
	struct entry e = { .key = f->key, .value = n, .at = f->key_at };
	f->key = NULL;
	return add_entry(r, f->node, e) && (n->open || account(r, f->node, n, at));
}

static bool add_anchor(struct reader *r, const yaml_char_t *name, struct node *n)
{
	if (!name)
		return true;
	if (r->anchors_len == YAML_ANCHORS)
		return wrong(r, n->at, "more anchors (&name) than a configuration may have");
	r->anchors[r->anchors_len++] = (struct anchor){ pool_text(r->pool, (const char *)name, strlen((const char *)name)), n };
	return true;
}

static bool on_alias(struct reader *r, const yaml_event_t *ev)
{
	const char *name = (const char *)ev->data.alias.anchor, *known[YAML_ANCHORS];
	struct config_place at = place_of(ev->start_mark);
	for (u32 i = r->anchors_len; i-- > 0;) {
		struct node *n = r->anchors[i].node;
		if (strcmp(r->anchors[i].name, name) != 0)
			continue;
		if (n->open)
			return wrong_about(r, at, "the alias ", name, " stands within what it stands for");
		return place_node(r, n, at);
	}
	for (u32 i = 0; i < r->anchors_len; i++)
		known[i] = r->anchors[i].name;
	const char *close = suggest(name, known, r->anchors_len);
	if (!close)
		return wrong_about(r, at, "no anchor is called ", name, "; a text that begins with * needs quotes");
	struct buf after = { 0 };
	buf_addf(&after, " (did you mean %s?)", close);
	wrong_about(r, at, "no anchor is called ", name, buf_cstr(&after));
	buf_done(&after);
	return false;
}

/* Only the tags of what a configuration is made of. */
static bool check_tag(struct reader *r, const yaml_char_t *tag, struct config_place at)
{
	static const char *const known[] = { YAML_STR_TAG, YAML_INT_TAG, YAML_BOOL_TAG, YAML_FLOAT_TAG, YAML_NULL_TAG, YAML_SEQ_TAG, YAML_MAP_TAG };
	if (!tag || strcmp((const char *)tag, "!") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp((const char *)tag, known[i]) == 0)
			return true;
	return wrong_about(r, at, "the tag ", (const char *)tag, " means nothing here");
}

static bool on_scalar(struct reader *r, const yaml_event_t *ev)
{
	struct config_place at = place_of(ev->start_mark);
	size_t len = ev->data.scalar.length;
	const char *value = (const char *)ev->data.scalar.value, *tag = (const char *)ev->data.scalar.tag;
	if (len > YAML_SCALAR_MAX)
		return wrong(r, at, "longer than a value may be (64 KiB)");
	if (memchr(value, 0, len))
		return wrong(r, at, "a value cannot have a zero byte in it");
	struct node *n = new_node(r, NODE_SCALAR, at);
	if (!n || !check_tag(r, ev->data.scalar.tag, at) || !add_anchor(r, ev->data.scalar.anchor, n))
		return false;
	n->text = pool_text(r->pool, value, len);
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !(tag && strcmp(tag, YAML_STR_TAG) == 0);
	return place_node(r, n, at);
}

static bool on_begin(struct reader *r, const yaml_event_t *ev, u8 kind)
{
	bool list = kind == NODE_LIST;
	struct config_place at = place_of(ev->start_mark);
	if (r->depth == YAML_DEPTH)
		return wrong(r, at, "nested deeper than a configuration may be");
	struct node *n = new_node(r, kind, at);
	if (!n || !check_tag(r, list ? ev->data.sequence_start.tag : ev->data.mapping_start.tag, at)
	    || !add_anchor(r, list ? ev->data.sequence_start.anchor : ev->data.mapping_start.anchor, n) || !place_node(r, n, at))
		return false;
	r->stack[r->depth++] = (struct frame){ .node = n };
	return true;
}

static bool merge_one(struct reader *r, struct node *into, const struct node *from, struct config_place at)
{
	if (from->kind != NODE_MAPPING)
		return wrong(r, at, "<< takes a mapping, as in <<: *name, or a list of them");
	for (u32 i = 0; i < from->n; i++) {
		struct entry e = from->entries[i];
		e.merged = true;
		if (!add_entry(r, into, e) || !account(r, into, e.value, at))
			return false;
	}
	return true;
}

/* Replaces << by what it stands for. */
static bool merge(struct reader *r, struct node *n)
{
	for (u32 i = 0; i < n->n; i++) {
		struct entry e = n->entries[i];
		if (strcmp(e.key, "<<") != 0)
			continue;
		memmove(&n->entries[i], &n->entries[i + 1], (n->n - i - 1) * sizeof(e));
		n->n--;
		if (e.value->kind != NODE_LIST)
			return merge_one(r, n, e.value, e.at);
		for (u32 k = 0; k < e.value->n; k++)
			if (!merge_one(r, n, e.value->items[k], e.at))
				return false;
		return true;
	}
	return true;
}

static bool on_end(struct reader *r)
{
	struct node *n = r->stack[--r->depth].node;
	n->open = false;
	if (n->kind == NODE_MAPPING && !merge(r, n))
		return false;
	/* A key that is a mapping was refused when it began. */
	return r->depth == 0 || account(r, r->stack[r->depth - 1].node, n, n->at);
}

static bool on_event(struct reader *r, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		return ++r->documents == 1 || wrong(r, place_of(ev->start_mark), "a second document begins here; a configuration is one document");
	case YAML_SCALAR_EVENT:
		return on_scalar(r, ev);
	case YAML_ALIAS_EVENT:
		return on_alias(r, ev);
	case YAML_SEQUENCE_START_EVENT:
		return on_begin(r, ev, NODE_LIST);
	case YAML_MAPPING_START_EVENT:
		return on_begin(r, ev, NODE_MAPPING);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(r);
	case YAML_STREAM_END_EVENT:
		r->done = true;
		return true;
	default:
		return true;
	}
}

/* A syntax error, in libyaml's words. */
static bool syntax(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	struct config_place at = place_of(p->problem_mark);
	struct buf b = { 0 };
	if (p->error == YAML_MEMORY_ERROR)
		return wrong(r, at, "out of memory");
	if (p->error == YAML_READER_ERROR)
		at = yaml_text_place(r->text, p->problem_offset);
	buf_addf(&b, "not valid YAML: %s", p->problem ? p->problem : "it cannot be read");
	if (p->context)
		buf_addf(&b, " (%s in line %u)", p->context, (u32)p->context_mark.line + 1);
	size_t index = p->problem_mark.index; /* in characters: right as long as they are ASCII */
	if (index < r->text.n && r->text.p[index] == '\t')
		buf_adds(&b, "; lines are indented with spaces, not tabs");
	wrong(r, at, buf_cstr(&b));
	buf_done(&b);
	return false;
}

bool yaml_parse(struct str text, struct pool *pool, struct findings *findings, struct node **ret)
{
	yaml_event_t ev;
	bool good = true;
	*ret = NULL;
	if (!yaml_text_check(text, findings))
		return false;
	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) /* byte order mark */
		text = (struct str){ text.p + 3, text.n - 3 };
	struct reader *r = pool_alloc(pool, sizeof(*r));
	if (!r || !yaml_parser_initialize(&r->parser))
		return false;
	r->text = text;
	r->pool = pool;
	r->findings = findings;
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)text.p, text.n);
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	while (good && !r->done) {
		if (!yaml_parser_parse(&r->parser, &ev)) {
			good = syntax(r);
			break;
		}
		good = on_event(r, &ev);
		yaml_event_delete(&ev);
	}
	*ret = node_is_null(r->root) ? NULL : r->root;
	yaml_parser_delete(&r->parser);
	return good && !pool->failed;
}
