/* A YAML file as a tree of values with their places. Aliases and merge keys (<<) are resolved: the tree may share nodes, but is
 * finite, at most YAML_DEPTH deep and YAML_NODES large however it is walked. Everything lives in the pool.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CONFIG_YAML_H
#define PACKETD_CONFIG_YAML_H

#include "config/findings.h"
#include "config/pool.h"

#define YAML_DEPTH 32
#define YAML_NODES 100000        /* values, counting each use of an alias */
#define YAML_KEYS 2000           /* of one mapping */
#define YAML_ANCHORS 500
#define YAML_SCALAR_MAX (64 * KIB) /* bytes of one value */

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAPPING };

struct node;

struct entry {
	const char *key;
	struct node *value;
	struct config_place at; /* of the key */
	u32 hash;
	bool merged; /* came by way of << */
};

struct node {
	u8 kind; /* enum node_kind */
	bool plain; /* an unquoted scalar */
	bool open; /* not read to its end: an alias to it would be a cycle */
	u8 height; /* levels below */
	u32 n, cap;
	u32 weight; /* values in it, itself included */
	struct config_place at;
	union {
		const char *text;
		struct node **items;
		struct entry *entries;
	};
};

/* The root of the only document: NULL when it holds nothing but comments. Errors go to `findings`; false then, or when the pool
 * is exhausted. */
bool yaml_parse(struct str text, struct pool *pool, struct findings *findings, struct node **ret);
/* ~, null, or nothing at all. NULL counts. */
bool node_is_null(const struct node *n);
/* The value of a key of a mapping (of anything else: NULL). */
struct node *node_get(const struct node *n, const char *key);

#endif
