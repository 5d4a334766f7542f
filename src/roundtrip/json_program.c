#include "roundtrip/json_program.h"

#include <stdlib.h>

#include "util/json.h"

#define STEPS_MAX 512 /* a side */

/* One side's table on its way to a program. */
struct compiler {
	const struct proto *proto;
	u8 side;
	bool bad;
	unsigned n;
	struct json_op *ops;  /* STEPS_MAX */
	struct buf keys;      /* every key, padded */
	size_t key_at[STEPS_MAX];
};

static struct json_op *add_op(struct compiler *c, u8 code, const char *name, size_t len)
{
	static struct json_op nowhere;
	if (c->n == STEPS_MAX) {
		c->bad = true;
		return &nowhere;
	}
	struct json_op *op = &c->ops[c->n];
	*op = (struct json_op){ .code = code };
	c->key_at[c->n++] = c->keys.len;
	if (name) {
		size_t start = c->keys.len;
		buf_addc(&c->keys, ',');
		json_str(&c->keys, str_make(name, len));
		buf_addc(&c->keys, ':');
		size_t key_len = c->keys.len - start;
		c->bad |= key_len > UINT8_MAX || len == 0;
		op->key_len = (u8)key_len;
		while (c->keys.len % JSON_KEY_PAD)
			buf_addc(&c->keys, '\0');
	}
	return op;
}

static bool begins_with(const char *path, const char *prefix, size_t n)
{
	return path && strncmp(path, prefix, n) == 0;
}

/* Whether an earlier row already brought the object that path[0..n) names. */
static bool object_done(const struct compiler *c, size_t row, const char *path, size_t n)
{
	for (size_t i = 0; i < row; i++) {
		const struct field *f = &c->proto->fields[i];
		if (f->side == c->side && begins_with(f->json, path, n) && (f->json[n] == '.' || (f->json[n] == '\0' && f->type == FIELD_OBJECT)))
			return true;
	}
	return false;
}

static void add_leaf(struct compiler *c, const struct field *f, const char *name)
{
	struct json_op *op = add_op(c, f->type, name, strlen(name));
	op->shapes = f->shapes;
	op->omit = f->flags & FIELD_OMIT_EMPTY;
	op->offset = f->offset;
	op->row = (u16)(f - c->proto->fields);
	op->statement = f->type == FIELD_STR && f->flags & (FIELD_STATEMENT | FIELD_QUOTES);
	op->literals = f->flags & FIELD_LITERALS;
	op->constant = f->constant;
	op->write = f->write;
	c->bad |= f->type > FIELD_CUSTOM || (f->type == FIELD_CUSTOM && !f->write) || (f->type == FIELD_CONST && !f->constant);
}

static void add_members(struct compiler *c, const char *prefix, size_t prefix_len, unsigned depth);

/* The object path[0..n), whose last name begins at `name`. */
static void add_object(struct compiler *c, const char *path, size_t name, size_t n, unsigned depth)
{
	add_op(c, JSON_OPEN, path + name, n - name);
	add_members(c, path, n, depth + 1);
	struct json_op *close = add_op(c, JSON_CLOSE, NULL, 0);
	close->omit = true;
	for (size_t i = 0; i < c->proto->fields_len; i++) {
		const struct field *f = &c->proto->fields[i];
		if (f->side != c->side || f->type != FIELD_OBJECT || !begins_with(f->json, path, n) || f->json[n])
			continue;
		close->omit = false;
		close->shapes = f->shapes;
	}
}

/* Everything below prefix[0..prefix_len) ("" or "Packet"), in the order of the table; an object stands where the first of
 * its members does. */
static void add_members(struct compiler *c, const char *prefix, size_t prefix_len, unsigned depth)
{
	if (depth >= JSON_DEPTH) {
		c->bad = true;
		return;
	}
	for (size_t i = 0; i < c->proto->fields_len && !c->bad; i++) {
		const struct field *f = &c->proto->fields[i];
		if (f->side != c->side || !begins_with(f->json, prefix, prefix_len))
			continue;
		size_t name = prefix_len;
		if (prefix_len && f->json[name++] != '.')
			continue;
		size_t end = name + strcspn(f->json + name, ".");
		if (f->json[end] == '\0' && f->type != FIELD_OBJECT)
			add_leaf(c, f, f->json + name);
		else if (!object_done(c, i, f->json, end))
			add_object(c, f->json, name, end, depth);
	}
}

static const struct json_op *compile_side(const struct proto *p, u8 side)
{
	struct compiler *c = calloc(1, sizeof(*c));
	struct json_op *ops = calloc(STEPS_MAX, sizeof(*ops));
	if (c && ops) {
		c->proto = p;
		c->side = side;
		c->ops = ops;
		add_members(c, "", 0, 0);
		add_op(c, JSON_END, NULL, 0);
		buf_add(&c->keys, (char[JSON_KEY_PAD]){ 0 }, JSON_KEY_PAD);
	}
	if (!c || !ops || c->bad || c->keys.failed) {
		if (c)
			buf_done(&c->keys);
		free(ops);
		free(c);
		return NULL;
	}
	for (unsigned i = 0; i < c->n; i++)
		ops[i].key = c->keys.data + c->key_at[i]; /* ops[0].key is the allocation */
	struct json_op *fit = realloc(ops, c->n * sizeof(*ops));
	free(c);
	return fit ? fit : ops;
}

static void free_side(const struct json_op *ops)
{
	if (!ops)
		return;
	free((void *)(uintptr_t)ops[0].key);
	free((void *)(uintptr_t)ops);
}

struct json_program *json_program_new(const struct proto *p)
{
	struct json_program *g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->proto = p;
	for (u8 side = SIDE_REQUEST; side <= SIDE_RESPONSE; side++) {
		g->side[side] = compile_side(p, side);
		for (const struct json_op *op = g->side[side]; op && op->code != JSON_END; op++)
			g->statements |= op->statement || op->literals;
		if (g->side[side])
			continue;
		json_program_free(g);
		return NULL;
	}
	return g;
}

void json_program_free(struct json_program *g)
{
	if (!g)
		return;
	free_side(g->side[SIDE_REQUEST]);
	free_side(g->side[SIDE_RESPONSE]);
	free(g);
}
