/* What the files of this folder share: series, shards, cells. Not for others.
 *
 * Who writes what: a *shard* (hash table of one group) and the numbers in cells belong to one worker; numbers are stored with atomic
 * stores so that readers can look at any time. The *directory* of a group (which series there are, over all workers), lists and
 * everything that is freed are under registry.lock, which is held for moments only: when a series comes or goes, and at both ends of a
 * snapshot. While registry.reading is not 0 nothing is freed or taken out of a list: what has gone waits in registry.limbo.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_METRICS_REGISTRY_PRIVATE_H
#define PACKETD_METRICS_REGISTRY_PRIVATE_H

#include <pthread.h>

#include "metrics/buckets.h"
#include "metrics/cells.h"

#define SHARDS_MAX 64
#define READERS_MAX 8
#define KEY_MAX (METRIC_LABELS_MAX * (METRIC_VALUE_MAX + 2))

struct series {
	struct series *prev, *next; /* of the group */
	struct series *stale_next;  /* ended: of those that readers are to be told of */
	struct metric_group *group;
	u64 id, created;
	union {
		u64 hash;
		struct series *limbo; /* ended, and out of all shards */
	};
	u32 bytes;        /* of this structure */
	u32 death;        /* ended: registry.deaths then */
	u16 key_len;
	u8 cells_left;    /* ended: shards that still know it */
	u8 tell;          /* ended: readers that have not been told, a bit each */
	bool dead, unlinked;
	bool other;       /* the group's ~other */
	struct metric_cells *cells[]; /* one a shard; behind them the key: u16 lengths of the values, then their bytes */
};

struct shard_slot {
	u64 hash;
	struct metric_cells *cells;
};

/* One worker's view of a group. */
struct shard {
	struct shard_slot *slots;
	u32 mask, used;
	u32 cursor;      /* of the search for idle ones */
	u64 pass;        /* when it began */
	u64 overflow;    /* updates that went to ~other */
	struct metric_cells *other;
} __attribute__((aligned(CACHE_LINE)));

struct group_metric {
	char *name, *help, *unit;
	double *bounds;
	u32 bounds_len;
	u32 offset; /* in metric_cells.data */
	u8 type;
};

struct metric_group {
	struct metric_group *next;
	struct registry *r;
	u32 metrics_len, labels_len;
	struct group_metric metrics[METRIC_GROUP_MAX];
	char *labels[METRIC_LABELS_MAX];
	u32 cells_size;
	u32 refs;        /* declared so many times; 0: dropped */
	u32 left;        /* series in the list */
	bool dropped;
	struct series *head;      /* newest first */
	struct series **directory; /* by hash; open addressing */
	u32 directory_mask;
	u32 series_len;  /* live ones without ~other */
	struct shard shards[];
};

struct collector {
	registry_collector collect;
	void *arg;
	bool own;
};

#define COLLECTORS_MAX 16
#define STALE_MAX 65536 /* series whose end somebody is to be told of */

struct registry {
	struct registry_options o;
	u64 seed;
	pthread_mutex_t lock;
	u32 reading;
	u64 next_id;
	u64 bytes;         /* of series and cells */
	u64 capped;        /* label values that found no room below max_bytes */
	u64 stale_lost;    /* ends nobody was told of */
	struct metric_group *groups;
	struct series *limbo, *stale;
	struct sparse *sparse_limbo;
	u32 stale_len, deaths;
	u32 readers;       /* handed out, a bit each */
	struct collector collectors[COLLECTORS_MAX];
	u32 collectors_len;
};

static inline u8 *series_key(const struct series *s)
{
	return (u8 *)(uintptr_t)&s->cells[s->group->r->o.workers];
}

/* Value i of a series. */
struct str series_value(const struct series *s, u32 i);
/* In the order of the values. */
int series_compare(const struct series *a, const struct series *b);

/* series.c, under the lock */
struct series *series_new(struct metric_group *g, const u8 *key, u32 key_len, u64 hash, u64 now, bool other);
struct metric_cells *cells_new(struct series *s, u32 shard, u64 now);
struct series *directory_find(const struct metric_group *g, const u8 *key, u32 key_len, u64 hash);
/* Out of the directory; readers are told, workers let go of it at their next look, and then it is freed. */
void series_end(struct series *s);
/* Takes out of the stale list what everybody has been told of. */
void stale_sweep(struct registry *r);
/* Buckets of a native histogram: the cap, but at least what the coarsest resolution may need. */
static inline u32 native_room(const struct registry *r)
{
	return MAX(r->o.native_max_buckets, 80);
}

/* Nobody reads any more: what waited for it is freed. */
void registry_sweep(struct registry *r);
void series_free(struct series *s);
u64 series_hash(const struct registry *r, const u8 *key, u32 len);

/* A label value as it is kept: valid UTF-8, cut at a character's end. Returns its length. */
u32 metric_value_clean(u8 to[METRIC_VALUE_MAX], struct str v);
/* Makes the key of label values: cut, valid UTF-8. Returns its length. */
u32 key_make(u8 key[KEY_MAX], const struct str *values, u32 n);

static inline bool is_histogram(const struct metric_group *g, u32 metric)
{
	return g->metrics[metric].type == METRIC_HISTOGRAM;
}

#endif
