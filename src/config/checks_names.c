/* Names that come from elsewhere: protocols, labels, fields. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "config/binder.h"
#include "config/checks.h"
#include "config/drafts.h"
#include "proto/proto.h"
#include "roundtrip/filter.h"

#define SELECTORS_MAX 256

static const char *const protocol_names[] = {
#define X(name) #name,
	CONFIG_PROTOCOLS(X)
#undef X
};

static const char *const common_selectors[] = { "client.address", "client.port", "server.address", "server.port" };

/* What the configuration language has always known, whether the decoder is here or not. */
static const struct {
	const char *proto, *selector;
} old_selectors[] = {
	{ "amqp", "request.queue_name" }, { "amqp", "request.class" }, { "amqp", "request.method" },
	{ "dns", "request.question" },
	{ "grpc", "request.service" }, { "grpc", "response.status_code" },
	{ "http", "request.method" }, { "http", "request.path" }, { "http", "request.remote_host" }, { "http", "response.status_code" },
	{ "http2", "request.method" }, { "http2", "request.path" }, { "http2", "response.status_code" },
	{ "kafka", "request.api" }, { "kafka", "request.version" },
	{ "mongodb", "request.command" }, { "mongodb", "request.source" }, { "mongodb", "response.ok" },
	{ "mysql", "request.command" }, { "postgresql", "request.command" }, { "redis", "request.command" },
};

struct names {
	const char *v[SELECTORS_MAX];
	u32 n;
};

static bool has(const struct names *list, const char *name)
{
	for (u32 i = 0; i < list->n; i++)
		if (strcmp(list->v[i], name) == 0)
			return true;
	return false;
}

static void add(struct names *list, const char *name)
{
	if (name && list->n < SELECTORS_MAX && !has(list, name))
		list->v[list->n++] = name;
}

static void join(const struct names *list, struct buf *out)
{
	for (u32 i = 0; i < list->n; i++)
		buf_addf(out, "%s%s", i ? ", " : "", list->v[i]);
}

static void protocol_selectors(const char *proto, struct names *ret)
{
	const struct proto *p = proto_find(str_from(proto));
	for (size_t i = 0; i < ARRAY_LEN(common_selectors); i++)
		add(ret, common_selectors[i]);
	for (size_t i = 0; i < ARRAY_LEN(old_selectors); i++)
		if (strcmp(old_selectors[i].proto, proto) == 0)
			add(ret, old_selectors[i].selector);
	for (size_t i = 0; p && i < p->fields_len; i++)
		add(ret, p->fields[i].selector);
}

void check_protocol(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	const char *text = *(const char **)at;
	struct buf accepted = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(protocol_names); i++) {
		buf_addf(&accepted, "%s%s", i ? ", " : "", protocol_names[i]);
		if (strcmp(protocol_names[i], text) != 0)
			continue;
		if (!proto_find(str_from(text)))
			binder_warning(b, n->at, path, "%s is not built into this program: the rule has no effect", text);
		buf_done(&accepted);
		return;
	}
	binder_unknown(b, n->at, path, text, "no such protocol", buf_cstr(&accepted), protocol_names, ARRAY_LEN(protocol_names));
	buf_done(&accepted);
}

/* The place of a list's item. */
static struct config_place item_place(const struct node *n, const char *text)
{
	for (u32 i = 0; n->kind == NODE_LIST && i < n->n; i++)
		if (n->items[i]->kind == NODE_SCALAR && strcmp(n->items[i]->text, text) == 0)
			return n->items[i]->at;
	return n->at;
}

/* Keeps the known ones, once each. */
static void check_list(struct binder *b, const char *path, const struct node *n, struct config_texts *list, const struct names *known)
{
	struct buf accepted = { 0 };
	u32 kept = 0;
	join(known, &accepted);
	for (u32 i = 0; i < list->n; i++) {
		const char *text = list->v[i];
		struct names before = { .n = 0 };
		for (u32 j = 0; j < kept && j < SELECTORS_MAX; j++)
			before.v[before.n++] = list->v[j];
		if (has(&before, text))
			binder_warning(b, item_place(n, text), path, "%s is listed twice: it counts once", text);
		else if (has(known, text))
			list->v[kept++] = text;
		else if (strcmp(text, "server.host") == 0) /* in samples of the old program, without effect there */
			binder_warning(b, item_place(n, text), path, "server.host never was a label and has no effect; did you mean server.address?");
		else
			binder_unknown(b, item_place(n, text), path, text, "no such label", buf_cstr(&accepted), known->v, known->n);
	}
	list->n = kept;
	buf_done(&accepted);
}

void check_l4_labels(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	static const struct names known = { { "source.host", "source.port", "destination.host", "destination.port" }, 4 };
	check_list(b, path, n, at, &known);
}

void check_selectors(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	char proto[32];
	struct names known = { .n = 0 };
	const char *name = k->path + strlen("config.");
	snprintf(proto, sizeof(proto), "%.*s", (int)strcspn(name, "."), name);
	protocol_selectors(proto, &known);
	check_list(b, path, n, at, &known);
	if (!proto_find(str_from(proto)))
		binder_warning(b, n->at, path, "%s is not built into this program: the labels have no effect", proto);
}

/* Is there a field of this name in --filter? One of a protocol that is not built in: nobody can say. */
static bool check_field(struct binder *b, const char *path, struct config_place at, const char *name)
{
	struct rt_filter *filter = NULL;
	struct buf why = { 0 };
	const char *dot = strchr(name, '.');
	if (b->findings->errors >= FINDINGS_MAX) /* looking for the nearest name of each takes its time */
		return false;
	for (size_t i = 0; dot && i < ARRAY_LEN(protocol_names); i++) {
		struct str proto = str_make(name, (size_t)(dot - name));
		if (!str_eq(str_from(protocol_names[i]), proto) || proto_find(proto))
			continue;
		binder_warning(b, at, path, "%s is not built into this program: %s has no effect", protocol_names[i], name);
		return true;
	}
	bool word = *name && !name[strcspn(name, " \t\r\n()<>=!~\"',|&")];
	bool good = word && rt_filter_compile(name, &filter, &why) == 0;
	if (!good) {
		struct buf text = { 0 };
		finding_quote(&text, name);
		const char *line = word ? buf_cstr(&why) : buf_cstr(&text);
		binder_error(b, at, path, "%s%.*s; accepted: a field's name ('packetd help filter' lists them)", word ? "" : "found ", (int)strcspn(line, "\n"), line);
		buf_done(&text);
	}
	rt_filter_free(filter);
	buf_done(&why);
	return good;
}

static void add_edit(struct binder *b, struct config_edit edit)
{
	struct processor_draft *d = b->item;
	struct config_edit *v = binder_grow(b, d->p.edits, d->p.edits_len, &d->edits_cap, sizeof(*v));
	if (!v)
		return;
	d->p.edits = v;
	v[d->p.edits_len++] = edit;
}

static void edit_list(struct binder *b, const char *path, const struct node *n, const struct config_texts *list, u8 action)
{
	for (u32 i = 0; i < list->n; i++) {
		struct config_place at = item_place(n, list->v[i]);
		if (check_field(b, path, at, list->v[i]))
			add_edit(b, (struct config_edit){ action, list->v[i], "", at });
	}
}

void check_drop(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	edit_list(b, path, n, at, ACTION_DROP);
}

void check_mask(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	edit_list(b, path, n, at, ACTION_MASK);
}

void check_hash(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	edit_list(b, path, n, at, ACTION_HASH);
}

void check_add(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	const struct config_pair *pair = at;
	if (!*pair->name)
		binder_error(b, n->at, path, "an attribute needs a name");
	else
		add_edit(b, (struct config_edit){ ACTION_ADD, pair->name, pair->value, n->at });
}

void check_rename(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at)
{
	const struct config_pair *pair = at;
	if (!*pair->value)
		binder_error(b, n->at, path, "the new name is empty");
	else if (check_field(b, path, n->at, pair->name))
		add_edit(b, (struct config_edit){ ACTION_RENAME, pair->name, pair->value, n->at });
}
