/* The JSON Schema (draft 2020-12), from the table. SPDX-License-Identifier: Apache-2.0 */
#include "config/schema.h"
#include "util/json.h"

/* Any text may stand for another type when it is made from the environment; null is a default. */
static const char definitions[] =
	"\"$defs\":{\"replaced\":{\"type\":\"string\",\"pattern\":\"\\\\$\\\\{\"},"
	"\"text\":{\"type\":[\"string\",\"number\",\"boolean\",\"null\"]},"
	"\"texts\":{\"anyOf\":[{\"$ref\":\"#/$defs/text\"},{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/text\"}}]},"
	"\"flag\":{\"anyOf\":[{\"type\":[\"boolean\",\"null\"]},{\"enum\":[0,1]},{\"type\":\"string\",\"pattern\":\"^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy]([Ee][Ss])?|[Nn][Oo]?|[Oo][Nn]|[Oo][Ff][Ff]|0|1)$\"},{\"$ref\":\"#/$defs/replaced\"}]},"
	"\"duration\":{\"anyOf\":[{\"type\":[\"number\",\"null\"]},{\"type\":\"string\",\"pattern\":\"^-?[0-9.]+([a-zµ]+([0-9.]+[a-zµ]+)*)?$\"},{\"$ref\":\"#/$defs/replaced\"}]},"
	"\"size\":{\"anyOf\":[{\"type\":[\"integer\",\"null\"]},{\"type\":\"string\",\"pattern\":\"^[0-9_]+([KkMmGg]([Ii]?[Bb])?|[Bb])?$\"},{\"$ref\":\"#/$defs/replaced\"}]},"
	"\"share\":{\"anyOf\":[{\"type\":\"number\",\"minimum\":0,\"maximum\":1},{\"type\":[\"string\",\"null\"]}]},"
	"\"pairs\":{\"type\":[\"object\",\"null\"],\"additionalProperties\":{\"$ref\":\"#/$defs/text\"}},"
	"\"port\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":65535},"
	"\"ports\":{\"anyOf\":[{\"$ref\":\"#/$defs/port\"},{\"type\":[\"string\",\"null\"]},{\"type\":\"array\",\"items\":{\"anyOf\":[{\"$ref\":\"#/$defs/port\"},{\"type\":\"string\"}]}}]}}";

static void add_reference(struct buf *out, const char *name)
{
	buf_addf(out, "\"$ref\":\"#/$defs/%s\"", name);
}

/* Words, also in upper case where they may be, and numbers that are words. */
static void add_enum(struct buf *out, const struct key *k)
{
	bool first = true;
	buf_adds(out, "\"enum\":[");
	for (const struct choice *c = k->choices; c->name; c++) {
		buf_adds(out, first ? "" : ",");
		json_text(out, c->name);
		if (*c->name >= '0' && *c->name <= '9')
			buf_addf(out, ",%s", c->name);
		first = false;
	}
	buf_addc(out, ']');
}

static void add_choice(struct buf *out, const struct key *k)
{
	buf_adds(out, "\"anyOf\":[{");
	add_enum(out, k);
	buf_adds(out, "},{\"type\":\"null\"},{\"$ref\":\"#/$defs/replaced\"}");
	if (k->flags & KEY_UPPER)
		buf_adds(out, ",{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9]*$\"}");
	if (k->type == KEY_CHOICES) {
		buf_adds(out, ",{\"type\":\"array\",\"minItems\":1,\"items\":{\"anyOf\":[{");
		add_enum(out, k);
		buf_adds(out, "},{\"$ref\":\"#/$defs/replaced\"}]}}");
	}
	buf_addc(out, ']');
}

static void add_number(struct buf *out, const struct key *k)
{
	buf_adds(out, "\"anyOf\":[{\"type\":\"integer\"");
	if (!(k->flags & (KEY_POSITIVE | KEY_ROUND)))
		buf_addf(out, ",\"minimum\":%llu", (unsigned long long)k->min);
	if (k->max && !(k->flags & KEY_ROUND))
		buf_addf(out, ",\"maximum\":%llu", (unsigned long long)k->max);
	buf_adds(out, "},{\"type\":\"null\"},{\"type\":\"string\",\"pattern\":\"^[-+]?[0-9][0-9a-fxo_.]*$\"},{\"$ref\":\"#/$defs/replaced\"}]");
}

static void add_object(struct buf *out, const struct schema *s, const char *prefix);

static void add_items(struct buf *out, const struct key *k)
{
	const struct schema *s = k->items;
	buf_adds(out, "\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#/$defs/items_");
	buf_addf(out, "%s\"},{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/items_%s\"}}]", s->name, s->name);
}

static void add_value(struct buf *out, const struct key *k)
{
	static const char *const references[] = { [KEY_BOOL] = "flag", [KEY_TEXT] = "text", [KEY_SECRET] = "text", [KEY_SECRET_FILE] = "text", [KEY_SIZE] = "size",
						  [KEY_SIZE32] = "size", [KEY_DURATION] = "duration", [KEY_SHARE] = "share", [KEY_TEXTS] = "texts",
						  [KEY_PAIRS] = "pairs", [KEY_PORTS] = "ports" };
	buf_adds(out, "{\"description\":");
	json_text(out, k->meaning);
	if (k->flags & KEY_OLD || k->type == KEY_IGNORED)
		buf_adds(out, ",\"deprecated\":true");
	if (k->type == KEY_IGNORED) {
		buf_addc(out, '}');
		return;
	}
	buf_addc(out, ',');
	if (k->type == KEY_CHOICE || k->type == KEY_WORD || k->type == KEY_CHOICES)
		add_choice(out, k);
	else if (k->type == KEY_NUMBER || k->type == KEY_SIGNED)
		add_number(out, k);
	else if (k->type == KEY_ITEMS)
		add_items(out, k);
	else
		add_reference(out, references[k->type]);
	buf_addc(out, '}');
}

/* A key of a row, or of the row that it stands for. */
static const struct key *real_key(const struct schema *s, const struct key *k)
{
	return k->instead ? schema_find(s, k->instead) : k;
}

static bool same_word(const char *a, const char *b, size_t n)
{
	return memcmp(a, b, n) == 0 && (b[n] == '.' || !b[n]);
}

/* Has a row before this one begun the same member of the section? */
static bool seen(const struct schema *s, u32 row, const char *prefix, const char *word, size_t len)
{
	size_t n = strlen(prefix);
	for (u32 i = 0; i < row; i++)
		if (strncmp(s->keys[i].path, prefix, n) == 0 && strlen(s->keys[i].path) >= n + len && same_word(word, s->keys[i].path + n, len))
			return true;
	return false;
}

/* `prefix`: "" or "section." */
static void add_members(struct buf *out, const struct schema *s, const char *prefix)
{
	size_t n = strlen(prefix);
	bool first = true;
	for (u32 i = 0; i < s->n; i++) {
		const struct key *k = &s->keys[i];
		char below[128];
		if (strncmp(k->path, prefix, n) != 0)
			continue;
		const char *word = k->path + n;
		size_t len = strcspn(word, ".");
		if (seen(s, i, prefix, word, len) || n + len + 2 > sizeof(below))
			continue;
		buf_adds(out, first ? "" : ",");
		first = false;
		json_str(out, str_make(word, len));
		buf_addc(out, ':');
		if (!word[len]) {
			add_value(out, real_key(s, k));
			continue;
		}
		memcpy(below, k->path, n + len + 1);
		below[n + len + 1] = 0;
		add_object(out, s, below);
	}
}

static void add_object(struct buf *out, const struct schema *s, const char *prefix)
{
	/* A name with a dot in it may go anywhere; only the program itself can follow it. */
	buf_addf(out, "{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,\"patternProperties\":{\"%s\":true},\"properties\":{",
		 *prefix || s != &schema_root ? "[.]|^<<$" : "[.]|^x-|^<<$");
	add_members(out, s, prefix);
	buf_adds(out, "}}");
}

void config_json_schema(struct buf *out)
{
	struct buf text = { 0 };
	buf_adds(&text, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":\"Configuration of packetd agent\",");
	buf_add(&text, definitions, sizeof(definitions) - 2); /* without its closing brace */
	buf_adds(&text, ",\"items_rule\":");
	add_object(&text, &schema_rule, "");
	buf_adds(&text, ",\"items_pipeline\":");
	add_object(&text, &schema_pipeline, "");
	buf_adds(&text, ",\"items_processor\":{\"anyOf\":[");
	for (u32 i = 0; i < PROCESSOR_KINDS; i++) {
		buf_adds(&text, i ? "," : "");
		buf_addf(&text, "{\"allOf\":[{\"required\":[\"name\"],\"properties\":{\"name\":{\"type\":\"string\",\"pattern\":\"^%s(/|$)\"}}},", schema_processors[i].name);
		add_object(&text, &schema_processors[i], "");
		buf_adds(&text, "]}");
	}
	buf_adds(&text, "]}},\"allOf\":[");
	add_object(&text, &schema_root, "");
	buf_adds(&text, "]}\n");
	buf_add(out, buf_cstr(&text), text.len);
	buf_done(&text);
}
