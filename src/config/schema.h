/* The table of all keys: what binds a file's values, and what the sample file, docs/CONFIG.md and the JSON Schema are made from.
 * Constant data. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CONFIG_SCHEMA_H
#define PACKETD_CONFIG_SCHEMA_H

#include "config/config.h"

struct binder;
struct node;
struct schema;

enum key_type {
	KEY_BOOL,        /* bool */
	KEY_TEXT,        /* const char * */
	KEY_WORD,        /* const char *, one of `choices` */
	KEY_SECRET,      /* const char *, never shown */
	KEY_SECRET_FILE, /* the same, read from a file */
	KEY_NUMBER,      /* u32 within [min, max] */
	KEY_SIGNED,      /* i32 within [min, max] */
	KEY_SIZE,        /* u64 bytes within [min, max] */
	KEY_SIZE32,      /* u32 bytes */
	KEY_DURATION,    /* u64 ns within [min, max] */
	KEY_SHARE,       /* double, 0 to 1 or 0% to 100% */
	KEY_CHOICE,      /* u8: the value of one of `choices` */
	KEY_CHOICES,     /* u8: those of a list of them, or-ed */
	KEY_TEXTS,       /* struct config_texts */
	KEY_PAIRS,       /* struct config_pairs */
	KEY_PORTS,       /* u16 * and u32 at len_offset: a number, a list, or "80,8080" */
	KEY_ITEMS,       /* array and u32 at len_offset: a list of mappings, each bound by `items` */
	KEY_IGNORED,     /* nothing: known from old files, `meaning` says why it has no effect */
};

enum key_flag {
	KEY_NEW = 1,      /* the Go program has no such key */
	KEY_RESTART = 2,  /* cannot change while the program runs */
	KEY_POSITIVE = 4, /* zero and less mean the default, as they always did */
	KEY_REQUIRED = 8, /* of a list's item */
	KEY_ROUND = 16,   /* what is out of range is taken to its nearest end, as it always was */
	KEY_UPPER = 32,   /* of a choice: also in other cases */
	KEY_OLD = 64,     /* a newer key says it better: not in the sample */
	KEY_HIDE = 128,   /* pairs whose values may be secrets */
};

struct choice {
	const char *name; /* NULL ends the list; names of one value: the first is the one to show */
	u8 value;
	bool hidden;      /* understood, not shown */
};

struct key {
	const char *path;    /* from the root of its table, dots between: "sniffer.protocols.rules" */
	u8 type;             /* enum key_type */
	u8 flags;            /* enum key_flag */
	u16 offset, len_offset; /* in the structure the table binds */
	u64 min, max;        /* max 0: no limit */
	const char *fallback; /* the default as YAML text; NULL: not set */
	const struct choice *choices;
	const struct schema *items;
	const char *instead; /* another spelling of this key of the same table, accepted with a warning */
	/* Called when the value is in place: more to check, other members to fill in. `at` is the member. */
	void (*check)(struct binder *b, const struct key *k, const char *path, const struct node *n, void *at);
	const char *example; /* for the sample, as a comment */
	const char *meaning; /* a line */
};

struct schema {
	const struct key *keys;
	u32 n;
	u32 size;         /* of the structure */
	u16 place_offset; /* of a struct config_place in it; UINT16_MAX: none */
	u32 copy_size;    /* of a list's item: how much of the structure is kept; 0: all */
	const char *name; /* for documents */
	/* KEY_ITEMS: the table for this item, or NULL, having said why. NULL: this one for all. */
	const struct schema *(*pick)(struct binder *b, const struct node *item, const char *path);
	/* The item is bound: the last checks. `path` names it. */
	void (*finish)(struct binder *b, void *item, const struct node *n, const char *path);
};

/* A heading of the documents. */
struct section {
	const char *path, *meaning;
};

extern const struct schema schema_root, schema_rule, schema_processor, schema_pipeline;
/* The tables of the kinds of processors, in the order of enum config_processor_kind. */
#define PROCESSOR_KINDS (PROCESSOR_ATTRIBUTES + 1)
extern const struct schema schema_processors[PROCESSOR_KINDS];
extern const struct section schema_sections[];
extern const u32 schema_sections_len;

/* A member of the structure that a table binds. */
static inline void *schema_member(void *base, size_t offset)
{
	return (char *)base + offset;
}

/* The key of this path, or NULL. */
const struct key *schema_find(const struct schema *s, const char *path);
/* Does a key's path begin with this one and a dot? */
bool schema_is_section(const struct schema *s, const char *path);
/* "true or false", "a time, such as 500ms, 15s or 1h30m (a bare number: seconds)", … */
void schema_accepts(const struct key *k, struct buf *out);

#endif
