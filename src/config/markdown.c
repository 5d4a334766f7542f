/* docs/CONFIG.md, from the table. SPDX-License-Identifier: Apache-2.0 */
#include "config/schema.h"

static const char head[] =
	"# Configuration of packetd agent\n\n"
	"Made by `packetd config docs` from the table that also binds the values; do not edit. `packetd config` prints a file with every key and its default,\n"
	"`packetd config check FILE` says all that is wrong with one, `packetd config schema` prints a JSON Schema for editors.\n"
	"Without a file the defaults below are in effect. What differs from the Go program of the same name is in [MIGRATING.md](MIGRATING.md).\n\n"
	"## The file\n\n"
	"- YAML, one document, UTF-8, at most 4 MiB. Every section may be missing or empty: its defaults hold.\n"
	"- Keys may be nested or dotted at any level (`sniffer.ifaces: lo` is `sniffer: {ifaces: lo}`), both in one file. They are case-sensitive.\n"
	"- Unknown keys, words and types are errors; all of them are said at once, with line and column. Keys of old samples that never had an effect are warnings.\n"
	"- Times have a unit (`500ms`, `15s`, `1h30m`) or are seconds. Sizes are bytes or have a unit (`64KiB`, `8M`; all powers of 1024). Where a list is expected one value will do.\n"
	"- `${NAME}` is replaced by an environment variable (an error when there is none), `${NAME:-default}` by it or the default, `${file:PATH}` by what a file holds\n"
	"  without its last line end; `$${` is a literal `${`. Relative paths of secrets begin at the folder of the configuration. Only values are replaced, never keys.\n"
	"- Anchors, aliases and merge keys (`<<`) work. Keys at the top that begin with `x-` are ignored: a place for anchors.\n"
	"- SIGHUP, `POST /-/reload` and, with `controller.autoReload`, a change of the file load it again. A file with an error changes nothing. Keys marked *restart*\n"
	"  keep their old value until the program is started again.\n";

static void add_cell(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|' || *text == '*' || *text == '<')
			buf_addc(out, '\\');
		buf_addc(out, *text);
	}
}

static void add_type(struct buf *out, const struct key *k)
{
	struct buf text = { 0 };
	if (k->type == KEY_TEXT)
		buf_adds(&text, "text");
	else if (k->type == KEY_SECRET)
		buf_adds(&text, "secret text");
	else if (k->type == KEY_SECRET_FILE)
		buf_adds(&text, "file");
	else if (k->type == KEY_ITEMS)
		buf_adds(&text, "list, below");
	else
		schema_accepts(k, &text);
	const char *whole = buf_cstr(&text), *aside = strstr(whole, ", such as ");
	struct buf shorter = { 0 };
	buf_add(&shorter, whole, aside ? (size_t)(aside - whole) : strlen(whole));
	add_cell(out, buf_cstr(&shorter));
	buf_done(&shorter);
	buf_done(&text);
}

static void add_row(struct buf *out, const struct key *k)
{
	buf_addf(out, "| `%s` | ", k->path);
	add_type(out, k);
	buf_adds(out, " | ");
	if (k->flags & KEY_REQUIRED)
		buf_adds(out, "required");
	else if (k->type == KEY_PAIRS)
		buf_adds(out, "`{}`");
	else if (k->fallback && *k->fallback && k->type != KEY_ITEMS)
		buf_addf(out, "`%s`", k->fallback);
	buf_adds(out, " | ");
	add_cell(out, k->meaning);
	if (k->example && k->type != KEY_ITEMS)
		buf_addf(out, " (such as `%s`)", k->example);
	if (k->flags & KEY_POSITIVE)
		buf_adds(out, "; 0 or less: the default");
	buf_addf(out, " | %s%s%s |\n", k->flags & KEY_NEW ? "new" : k->flags & KEY_OLD ? "old" : "", k->flags & KEY_RESTART && k->flags & (KEY_NEW | KEY_OLD) ? ", " : "",
		 k->flags & KEY_RESTART ? "restart" : "");
}

static bool is_row(const struct key *k)
{
	return !k->instead && k->type != KEY_IGNORED;
}

static void add_head(struct buf *out)
{
	buf_adds(out, "\n| Key | Value | Default | Meaning | |\n|---|---|---|---|---|\n");
}

static void add_rows(struct buf *out, const struct schema *s)
{
	add_head(out);
	for (u32 i = 0; i < s->n; i++)
		if (is_row(&s->keys[i]))
			add_row(out, &s->keys[i]);
}

/* The longest section that the key is in and that has a heading. */
static const struct section *section_of(const struct key *k)
{
	const struct section *best = NULL;
	for (u32 i = 0; i < schema_sections_len; i++) {
		size_t n = strlen(schema_sections[i].path);
		if (strncmp(schema_sections[i].path, k->path, n) == 0 && k->path[n] == '.' && (!best || n > strlen(best->path)))
			best = &schema_sections[i];
	}
	return best;
}

static void add_sections(struct buf *out)
{
	for (u32 s = 0; s < schema_sections_len; s++) {
		const struct section *section = &schema_sections[s];
		bool any = false;
		buf_addf(out, "\n%s %s\n\n%s\n", strchr(section->path, '.') ? "###" : "##", section->path, section->meaning);
		for (u32 i = 0; i < schema_root.n; i++) {
			const struct key *k = &schema_root.keys[i];
			if (!is_row(k) || section_of(k) != section)
				continue;
			if (!any)
				add_head(out);
			any = true;
			add_row(out, k);
		}
	}
}

void config_markdown(struct buf *out)
{
	buf_adds(out, head);
	add_sections(out);
	buf_adds(out, "\n## sniffer.protocols.rules[]\n\nAn item of the list.\n");
	add_rows(out, &schema_rule);
	buf_adds(out, "\n## processor[]\n\nWhat can be done with exchanges. A name is a kind, or `kind/what` to have several of a kind. Without a processor section there are\n"
		      "`roundtripstometrics` (with `defaultLabels: true`) and `roundtripstotraces`.\n");
	for (u32 i = 0; i < PROCESSOR_KINDS; i++) {
		buf_addf(out, "\n### %s\n", schema_processors[i].name);
		add_rows(out, &schema_processors[i]);
	}
	buf_adds(out, "\n## pipeline[]\n\nWhich processors see an exchange, in which order. Without a pipeline section there is one with all processors.\n"
		      "Files, Elasticsearch, Kafka and logs get every exchange as it is, unless a pipeline has `roundtripstorecords`: then they get what comes to it.\n");
	add_rows(out, &schema_pipeline);
	buf_adds(out, "\n## Keys without effect\n\nAccepted with a warning, since files for the Go program have them.\n\n| Key | |\n|---|---|\n");
	for (u32 i = 0; i < schema_root.n; i++)
		if (schema_root.keys[i].type == KEY_IGNORED)
			buf_addf(out, "| `%s` | %s |\n", schema_root.keys[i].path, schema_root.keys[i].meaning);
}
