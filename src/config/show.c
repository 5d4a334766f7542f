#include "config/show.h"

#include "util/json.h"
#include "util/timefmt.h"

#define HIDDEN "***"

/* A text in double quotes, as YAML reads it back: JSON's escapes, those of characters that YAML does not take as they are, and $${. */
static void show_quoted(struct buf *out, const char *text)
{
	struct buf json = { 0 };
	json_text(&json, text);
	const char *p = buf_cstr(&json);
	for (size_t i = 0; i < json.len; i++) {
		u8 c = (u8)p[i], next = i + 1 < json.len ? (u8)p[i + 1] : 0, third = i + 2 < json.len ? (u8)p[i + 2] : 0;
		if (c == 0x7f) {
			buf_adds(out, "\\x7f");
		} else if (c == 0xc2 && next < 0xa0) {
			buf_addf(out, "\\x%02x", next);
			i++;
		} else if (c == 0xef && ((next == 0xbf && third >= 0xbe) || (next == 0xbb && third == 0xbf))) {
			buf_addf(out, "\\u%s", next == 0xbb ? "feff" : third == 0xbe ? "fffe" : "ffff");
			i += 2;
		} else {
			buf_adds(out, c == '$' && next == '{' ? "$" : "");
			buf_addc(out, (char)c);
		}
	}
	buf_done(&json);
}

/* A text; of a URL with a password all but that. */
static void show_text(struct buf *out, const char *text)
{
	const char *host = strstr(text, "://");
	size_t n = host ? strcspn(host + 3, "/?#") : 0;
	const char *at = n ? memrchr(host + 3, '@', n) : NULL;
	if (!at) {
		show_quoted(out, text);
		return;
	}
	struct buf shown = { 0 };
	buf_add(&shown, text, (size_t)(host + 3 - text));
	buf_addf(&shown, HIDDEN "%s", at);
	show_quoted(out, buf_cstr(&shown));
	buf_done(&shown);
}

static void show_texts(struct buf *out, const struct config_texts *list)
{
	buf_addc(out, '[');
	for (u32 i = 0; i < list->n; i++) {
		buf_adds(out, i ? ", " : "");
		show_quoted(out, list->v[i]);
	}
	buf_addc(out, ']');
}

static void show_pairs(struct buf *out, const struct config_pairs *pairs, bool hide)
{
	buf_addc(out, '{');
	for (u32 i = 0; i < pairs->n; i++) {
		buf_adds(out, i ? ", " : "");
		show_quoted(out, pairs->v[i].name);
		buf_adds(out, ": ");
		show_quoted(out, hide ? HIDDEN : pairs->v[i].value);
	}
	buf_addc(out, '}');
}

static void show_choices(struct buf *out, const struct key *k, u8 value)
{
	bool first = true;
	for (const struct choice *c = k->choices; c->name; c++) {
		bool here = k->type == KEY_CHOICES ? value & c->value : value == c->value;
		if (!here || c->hidden)
			continue;
		buf_addf(out, "%s%s", first ? "" : ", ", *c->name ? c->name : "\"\"");
		first = false;
	}
}

static void show_ports(struct buf *out, const u16 *ports, u32 n)
{
	buf_addc(out, '[');
	for (u32 i = 0; i < n; i++)
		buf_addf(out, "%s%u", i ? ", " : "", ports[i]);
	buf_addc(out, ']');
}

void show_value(const struct key *k, const void *base, bool secrets, struct buf *out)
{
	const void *at = (const char *)base + k->offset;
	switch (k->type) {
	case KEY_BOOL:
		json_bool(out, *(const bool *)at);
		break;
	case KEY_SECRET:
		show_quoted(out, secrets || !**(const char *const *)at ? *(const char *const *)at : HIDDEN);
		break;
	case KEY_WORD:
		buf_adds(out, **(const char *const *)at ? *(const char *const *)at : "none");
		break;
	case KEY_TEXT:
		if (secrets)
			show_quoted(out, *(const char *const *)at);
		else
			show_text(out, *(const char *const *)at);
		break;
	case KEY_NUMBER:
	case KEY_SIZE32:
		buf_addf(out, "%u", *(const u32 *)at);
		break;
	case KEY_SIGNED:
		buf_addf(out, "%d", *(const i32 *)at);
		break;
	case KEY_SIZE:
		buf_add_u64(out, *(const u64 *)at);
		break;
	case KEY_DURATION:
		duration_go(out, *(const u64 *)at);
		break;
	case KEY_SHARE:
		buf_add_double(out, *(const double *)at);
		break;
	case KEY_CHOICE:
		show_choices(out, k, *(const u8 *)at);
		break;
	case KEY_CHOICES:
		buf_addc(out, '[');
		show_choices(out, k, *(const u8 *)at);
		buf_addc(out, ']');
		break;
	case KEY_TEXTS:
		show_texts(out, at);
		break;
	case KEY_PAIRS:
		show_pairs(out, at, !secrets && (k->flags & KEY_HIDE));
		break;
	case KEY_PORTS:
		show_ports(out, *(const u16 *const *)at, *(const u32 *)(const void *)((const char *)base + k->len_offset));
		break;
	default: /* lists of mappings are shown item by item */
		break;
	}
}

static bool is_shown(const struct key *k)
{
	return !k->instead && k->type != KEY_IGNORED && k->type != KEY_SECRET_FILE && k->type != KEY_ITEMS;
}

/* An item of a list as a flow mapping: what is bound directly. */
static void show_item(const struct schema *s, const void *item, struct buf *out)
{
	buf_adds(out, "  - {");
	for (u32 i = 0; i < s->n; i++) {
		buf_addf(out, "%s%s: ", i ? ", " : "", s->keys[i].path);
		show_value(&s->keys[i], item, false, out);
	}
	buf_adds(out, "}\n");
}

static void show_edits(const struct config_processor *p, u8 action, const char *key, struct buf *out)
{
	u32 n = 0;
	for (u32 i = 0; i < p->edits_len; i++) {
		const struct config_edit *e = &p->edits[i];
		bool pair = action == ACTION_ADD || action == ACTION_RENAME;
		if (e->action != action)
			continue;
		if (n++ == 0)
			buf_addf(out, "      %s: %c", key, pair ? '{' : '[');
		else
			buf_adds(out, ", ");
		show_quoted(out, e->field);
		if (pair) {
			buf_adds(out, ": ");
			show_quoted(out, e->value);
		}
	}
	if (n)
		buf_adds(out, action == ACTION_ADD || action == ACTION_RENAME ? "}\n" : "]\n");
}

static void show_metrics(const struct config_processor *p, struct buf *out)
{
	buf_addf(out, "      defaultLabels: %s\n      pathTemplates: %s\n      pathPatterns: ", p->labels_default ? "true" : "false", p->path_templates ? "true" : "false");
	show_texts(out, &p->path_patterns);
	buf_addc(out, '\n');
	for (u32 i = 0; i < p->labels_len; i++) {
		buf_addf(out, "      %s: {requireLabels: ", p->labels[i].proto);
		show_texts(out, &p->labels[i].selectors);
		buf_adds(out, "}\n");
	}
}

static void show_processor(const struct config_processor *p, struct buf *out)
{
	buf_adds(out, "  - name: ");
	show_quoted(out, p->name);
	buf_adds(out, p->kind == PROCESSOR_RECORDS ? "\n    config: {}\n" : "\n    config:\n");
	switch (p->kind) {
	case PROCESSOR_METRICS:
		show_metrics(p, out);
		break;
	case PROCESSOR_TRACES:
		buf_addf(out, "      spanKind: %s\n      keepStatements: %s\n      maxReuse: %u\n", p->both_kinds ? "both" : p->server_kind ? "server" : "client",
			 p->keep_statements ? "true" : "false", p->max_reuse);
		break;
	case PROCESSOR_FILTER:
		buf_adds(out, "      expression: ");
		show_quoted(out, p->expression);
		buf_addc(out, '\n');
		break;
	case PROCESSOR_SAMPLE:
		buf_adds(out, "      head: ");
		buf_add_double(out, p->head);
		buf_addf(out, "\n      keepErrors: %s\n      keepSlower: ", p->keep_errors ? "true" : "false");
		duration_go(out, p->keep_slower);
		buf_addc(out, '\n');
		break;
	case PROCESSOR_REDACT:
		buf_addf(out, "      dropSensitive: %s\n", p->drop_sensitive ? "true" : "false");
		break;
	}
	show_edits(p, ACTION_ADD, "add", out);
	show_edits(p, ACTION_RENAME, "rename", out);
	show_edits(p, ACTION_DROP, "drop", out);
	show_edits(p, ACTION_MASK, "mask", out);
	show_edits(p, ACTION_HASH, "hash", out);
}

void config_show(const struct config *c, struct buf *out)
{
	for (u32 i = 0; i < schema_root.n; i++) {
		const struct key *k = &schema_root.keys[i];
		if (!is_shown(k) || k->offset >= sizeof(struct config))
			continue;
		buf_addf(out, "%s: ", k->path);
		show_value(k, c, false, out);
		buf_addc(out, '\n');
	}
	buf_adds(out, c->sniffer.rules_len ? "sniffer.protocols.rules:\n" : "sniffer.protocols.rules: []\n");
	for (u32 i = 0; i < c->sniffer.rules_len; i++)
		show_item(&schema_rule, &c->sniffer.rules[i], out);
	buf_adds(out, c->processors_len ? "processor:\n" : "processor: []\n");
	for (u32 i = 0; i < c->processors_len; i++)
		show_processor(&c->processors[i], out);
	buf_adds(out, c->pipelines_len ? "pipeline:\n" : "pipeline: []\n");
	for (u32 i = 0; i < c->pipelines_len; i++)
		show_item(&schema_pipeline, &c->pipelines[i], out);
}

static bool key_differs(const struct key *k, const struct config *a, const struct config *b)
{
	struct buf before = { 0 }, after = { 0 };
	if (k->type == KEY_TEXT || k->type == KEY_SECRET) { /* as shown, a URL lacks its password */
		const char *const *ta = (const void *)((const char *)a + k->offset), *const *tb = (const void *)((const char *)b + k->offset);
		return strcmp(*ta, *tb) != 0;
	}
	show_value(k, a, true, &before);
	show_value(k, b, true, &after);
	bool differs = strcmp(buf_cstr(&before), buf_cstr(&after)) != 0;
	buf_done(&before);
	buf_done(&after);
	return differs;
}

bool config_differs(const struct config *a, const struct config *b, const char *section)
{
	size_t n = strlen(section);
	for (u32 i = 0; i < schema_root.n; i++) {
		const struct key *k = &schema_root.keys[i];
		bool inside = strncmp(k->path, section, n) == 0 && (k->path[n] == '.' || !k->path[n]);
		if (inside && is_shown(k) && k->offset < sizeof(struct config) && key_differs(k, a, b))
			return true;
	}
	return false;
}

bool config_needs_restart(const struct config *old, const struct config *new, struct buf *keys)
{
	bool any = false;
	for (u32 i = 0; i < schema_root.n; i++) {
		const struct key *k = &schema_root.keys[i];
		if (!(k->flags & KEY_RESTART) || !is_shown(k) || k->offset >= sizeof(struct config) || !key_differs(k, old, new))
			continue;
		buf_addf(keys, "%s%s", any ? ", " : "", k->path);
		any = true;
	}
	return any;
}
