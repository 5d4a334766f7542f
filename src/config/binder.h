/* Binding a tree of values to structures by a table of keys. Private to config/: what the schema's checks work with.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CONFIG_BINDER_H
#define PACKETD_CONFIG_BINDER_H

#include "config/schema.h"
#include "config/yaml.h"

#define PATH_TEXT_MAX 256

struct binder {
	struct pool *pool;
	struct findings *findings;
	const char *folder; /* of the file: where relative names of secrets' files begin */
	void *item;         /* the structure that is being bound */
};

void binder_error(struct binder *b, struct config_place at, const char *path, const char *format, ...) __attribute__((format(printf, 4, 5)));
void binder_warning(struct binder *b, struct config_place at, const char *path, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* "'found': what; accepted: …; did you mean 'x'?" `accepted` may be NULL. */
void binder_unknown(struct binder *b, struct config_place at, const char *path, const char *found, const char *what, const char *accepted,
		    const char *const *known, size_t n);
/* The text of a scalar with ${…} replaced; NULL, having said why, when that cannot be done. */
const char *binder_text(struct binder *b, const struct node *n, const char *path);
/* Writes the name of a key for messages, cut where it must be. */
void binder_path(char out[PATH_TEXT_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for item n of an array in the pool that grows by doubling; NULL without memory. */
void *binder_grow(struct binder *b, void *array, u32 n, u32 *cap, size_t size);

/* Binds a value to a key's member of `base`. */
void bind_value(struct binder *b, const struct key *k, const char *path, const struct node *n, void *base);
/* Binds a mapping to a table: defaults first. `path` names it in messages ("" the root). `given`, when not NULL, has s->n places
 * for the values that were given. */
void bind_table(struct binder *b, const struct schema *s, const struct node *map, const char *path, void *base, const struct node **given);
/* The default of a key, as YAML text. */
void bind_fallback(struct binder *b, const struct key *k, void *base);
/* One more pair of a KEY_PAIRS key. */
void bind_pair(struct binder *b, const struct key *k, const char *path, const char *name, const struct node *value, struct config_place at, void *base);

/* Replaces ${NAME}, ${NAME:-default}, ${file:PATH} and $${; false with a sentence in `why`. */
bool expand_text(const char *text, const char *folder, struct buf *out, struct buf *why);
/* The first 64 KiB at most of a regular file, without the newline at its end; false with a sentence in `why`. */
bool expand_file(const char *name, const char *folder, struct buf *out, struct buf *why);

#endif
