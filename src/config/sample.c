/* The sample file: every key with its default, from the table. SPDX-License-Identifier: Apache-2.0 */
#include "config/schema.h"

#define COMMENT_COLUMN 40

static const char head[] =
	"# Configuration of packetd agent. Every key is here with its default: what you do not need can be left out, sections included.\n"
	"#   packetd agent --config packetd.yaml     packetd config check packetd.yaml\n"
	"# Keys may be nested or dotted (sniffer.ifaces: any). Times: 500ms, 15s, 1h30m, or bare seconds. Sizes: 4096, 64KiB, 8MiB.\n"
	"# ${NAME} and ${NAME:-default} are replaced from the environment, ${file:PATH} by what a file holds; $${ is a literal ${.\n"
	"# Keys at the top that begin with x- are ignored: a place for anchors. docs/CONFIG.md explains every key.\n";

static const struct section *find_section(const char *path)
{
	for (u32 i = 0; i < schema_sections_len; i++)
		if (strcmp(schema_sections[i].path, path) == 0)
			return &schema_sections[i];
	return NULL;
}

static bool in_sample(const struct key *k)
{
	return !k->instead && k->type != KEY_IGNORED && !(k->flags & KEY_OLD);
}

static void indent(struct buf *out, u32 depth)
{
	for (u32 i = 0; i < depth; i++)
		buf_adds(out, "  ");
}

/* Columns of UTF-8 text, near enough for our own words. */
static u32 columns(const char *p, size_t n)
{
	u32 sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += ((u8)p[i] & 0xc0) != 0x80;
	return sum;
}

/* "key: value   # meaning" */
static void add_line(struct buf *out, const char *before, const char *word, const char *value, const struct key *k)
{
	size_t start = out->len;
	buf_addf(out, "%s%s: %s", before, word, value);
	u32 width = columns(out->data + start, out->len - start);
	for (buf_addc(out, ' '); width < COMMENT_COLUMN; width++)
		buf_addc(out, ' ');
	buf_addf(out, "# %s", k->meaning);
	if (k->example)
		buf_addf(out, " (such as %s)", k->example);
	buf_addc(out, '\n');
}

static const char *sample_value(const struct key *k)
{
	if (k->type == KEY_PAIRS)
		return "{}";
	return k->fallback && *k->fallback ? k->fallback : "\"\"";
}

/* Opens the sections of `path` that `before` was not in; returns the depth of the key itself. */
static u32 open_sections(struct buf *out, const char *before, const char *path)
{
	u32 depth = 0;
	for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.'), depth++) {
		size_t n = (size_t)(dot - path) + 1;
		char name[128];
		if (strncmp(before, path, n) == 0 || n > sizeof(name))
			continue;
		memcpy(name, path, n - 1);
		name[n - 1] = 0;
		const struct section *s = find_section(name);
		const char *last = strrchr(name, '.');
		if (depth == 0)
			buf_addc(out, '\n');
		if (s) {
			indent(out, depth);
			buf_addf(out, "# %s\n", s->meaning);
		}
		indent(out, depth);
		buf_addf(out, "%s:\n", last ? last + 1 : name);
	}
	return depth;
}

static void add_commented(struct buf *out, u32 depth, const char *text)
{
	while (text && *text) {
		size_t n = strcspn(text, "\n");
		indent(out, depth);
		buf_addf(out, "# %.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

/* The settings of a kind of processor; `comment`: to be taken out of its comment by who wants it. */
static void add_processor(struct buf *out, const struct schema *s, bool comment)
{
	const char *before = comment ? "  # " : "  ";
	bool any = false;
	buf_addf(out, "%s- name: %s\n", before, s->name);
	for (u32 i = 0; i < s->n; i++) {
		const struct key *k = &s->keys[i];
		const char *word = k->path + strlen("config."), *value = comment && k->example ? k->example : sample_value(k);
		struct key plain = *k;
		if (!in_sample(k) || strncmp(k->path, "config.", 7) != 0 || strchr(word, '.'))
			continue;
		if (!any)
			buf_addf(out, "%s  config:\n", before);
		any = true;
		if (s == &schema_processors[PROCESSOR_METRICS] && strcmp(word, "defaultLabels") == 0)
			value = "true";
		if (comment)
			plain.example = NULL;
		add_line(out, comment ? "  #     " : "      ", word, value, &plain);
	}
}

static void add_processors(struct buf *out)
{
	buf_adds(out, "\n# What can be done with exchanges, by name: \"kind\", or \"kind/what\" to have several of a kind.\nprocessor:\n");
	add_processor(out, &schema_processors[PROCESSOR_METRICS], false);
	buf_adds(out, "      # The labels of one protocol, instead of its usual ones:\n"
		      "      # http: {requireLabels: [server.port, request.method, response.status_code]}\n");
	add_processor(out, &schema_processors[PROCESSOR_TRACES], false);
	for (u32 i = PROCESSOR_RECORDS; i < PROCESSOR_KINDS; i++)
		add_processor(out, &schema_processors[i], true);
	buf_adds(out, "\n# Which of them see an exchange, in which order. Files, Elasticsearch, Kafka and logs get every exchange as it is, unless a\n"
		      "# pipeline has roundtripstorecords: then they get what comes to it.\npipeline:\n"
		      "  - name: default\n    processors: [roundtripstometrics, roundtripstotraces]\n");
}

void config_sample(struct buf *out)
{
	const char *before = "";
	buf_adds(out, head);
	for (u32 i = 0; i < schema_root.n; i++) {
		const struct key *k = &schema_root.keys[i];
		char lead[16] = "";
		if (strcmp(k->path, "processor") == 0)
			add_processors(out);
		if (!in_sample(k) || (k->type == KEY_ITEMS && !strchr(k->path, '.')))
			continue;
		u32 depth = open_sections(out, before, k->path);
		const char *dot = strrchr(k->path, '.');
		struct key plain = *k;
		memset(lead, ' ', MIN(2 * depth, sizeof(lead) - 1));
		if (k->type == KEY_ITEMS)
			plain.example = NULL;
		add_line(out, lead, dot ? dot + 1 : k->path, sample_value(k), &plain);
		if (k->type == KEY_ITEMS)
			add_commented(out, depth + 1, k->example);
		before = k->path;
	}
}
