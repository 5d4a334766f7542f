/* Series: found by their label values, made, ended. The worker's side of the registry. */
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "metrics/registry_private.h"

#define FIRST_SLOTS 64u
#define TICK_SLOTS 4096u /* looked at in one tick */

/* --- keys --- */

/* Length of the valid UTF-8 sequence at p; 0 when there is none. */
static u32 utf8_length(const u8 *p, size_t n)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	u32 len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : 0;
	if (len <= 1)
		return len;
	if (len > n)
		return 0;
	u32 c = p[0] & (0xffu >> (len + 1));
	for (u32 i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

/* What is no UTF-8 becomes U+FFFD, a byte each. */
u32 metric_value_clean(u8 to[METRIC_VALUE_MAX], struct str v)
{
	const u8 *p = (const u8 *)v.p;
	u32 out = 0;
	for (u32 i = 0; i < v.n;) {
		u32 len = utf8_length(p + i, v.n - i), need = len ? len : 3;
		if (out + need > METRIC_VALUE_MAX)
			break;
		memcpy(to + out, len ? p + i : (const u8 *)"\xef\xbf\xbd", need);
		out += need;
		i += len ? len : 1;
	}
	return out;
}

/* Copies n bytes; false when one of them is not ASCII. Most values are short: no call, no loop a byte. */
static inline bool copy_plain(u8 *to, const char *p, u32 n)
{
	u64 bits = 0, word, last = 0;
	if (likely(n >= 8)) {
		for (u32 i = 0; i + 8 < n; i += 8) {
			memcpy(&word, p + i, 8);
			memcpy(to + i, &word, 8);
			bits |= word;
		}
		memcpy(&last, p + n - 8, 8);
		memcpy(to + n - 8, &last, 8);
		return !((bits | last) & 0x8080808080808080ull);
	}
	for (u32 i = 0; i < n; i++) {
		to[i] = (u8)p[i];
		bits |= to[i];
	}
	return !(bits & 0x80);
}

u64 series_hash(const struct registry *r, const u8 *key, u32 len)
{
	return XXH3_64bits_withSeed(key, len, r->seed);
}

u32 key_make(u8 key[KEY_MAX], const struct str *values, u32 n)
{
	u32 at = n * 2;
	for (u32 i = 0; i < n; i++) {
		struct str v = values[i];
		u16 len = (u16)v.n;
		if (unlikely(v.n > METRIC_VALUE_MAX || !copy_plain(key + at, v.p, v.n)))
			len = (u16)metric_value_clean(key + at, v);
		memcpy(key + i * 2, &len, 2);
		at += len;
	}
	return at;
}

struct str series_value(const struct series *s, u32 i)
{
	const u8 *key = series_key(s);
	u32 at = s->group->labels_len * 2;
	u16 len = 0;
	for (u32 k = 0; k <= i; k++) {
		at += len;
		memcpy(&len, key + k * 2, 2);
	}
	return str_make(key + at, len);
}

int series_compare(const struct series *a, const struct series *b)
{
	const u8 *ka = series_key(a), *kb = series_key(b);
	u32 n = a->group->labels_len, at_a = n * 2, at_b = n * 2;
	for (u32 i = 0; i < n; i++) {
		u16 la, lb;
		memcpy(&la, ka + i * 2, 2);
		memcpy(&lb, kb + i * 2, 2);
		int order = memcmp(ka + at_a, kb + at_b, MIN(la, lb));
		if (order || la != lb)
			return order ? order : (int)la - (int)lb;
		at_a += la;
		at_b += lb;
	}
	return 0;
}

/* --- the directory of a group, under the lock --- */

static inline bool series_is(const struct series *s, const u8 *key, u32 len, u64 hash)
{
	return s->hash == hash && s->key_len == len && memcmp(series_key(s), key, len) == 0;
}

struct series *directory_find(const struct metric_group *g, const u8 *key, u32 key_len, u64 hash)
{
	for (u32 i = (u32)hash & g->directory_mask; g->directory && g->directory[i]; i = (i + 1) & g->directory_mask)
		if (series_is(g->directory[i], key, key_len, hash))
			return g->directory[i];
	return NULL;
}

static void directory_put(struct series **slots, u32 mask, struct series *s)
{
	u32 i = (u32)s->hash & mask;
	while (slots[i])
		i = (i + 1) & mask;
	slots[i] = s;
}

static bool directory_reserve(struct metric_group *g)
{
	u32 n = g->directory ? g->directory_mask + 1 : 0, more = n ? n * 2 : FIRST_SLOTS;
	if (n && g->series_len + 2 < n - n / 4)
		return true;
	struct series **slots = calloc(more, sizeof(struct series *));
	if (!slots)
		return false;
	for (u32 i = 0; i < n; i++)
		if (g->directory[i])
			directory_put(slots, more - 1, g->directory[i]);
	free(g->directory);
	g->directory = slots;
	g->directory_mask = more - 1;
	g->r->bytes += (u64)(more - n) * sizeof(struct series *);
	return true;
}

static void directory_take(struct metric_group *g, const struct series *s)
{
	u32 i = (u32)s->hash & g->directory_mask, mask = g->directory_mask;
	while (g->directory[i] != s)
		i = (i + 1) & mask;
	for (u32 j = (i + 1) & mask; g->directory[j]; j = (j + 1) & mask) {
		u32 home = (u32)g->directory[j]->hash & mask;
		if (((j - home) & mask) >= ((j - i) & mask)) {
			g->directory[i] = g->directory[j];
			i = j;
		}
	}
	g->directory[i] = NULL;
	g->series_len -= !s->other;
}

/* Published last, so that a reader that meets it finds it complete. */
static void list_add(struct metric_group *g, struct series *s)
{
	s->next = g->head;
	if (s->next)
		s->next->prev = s;
	__atomic_store_n(&g->head, s, __ATOMIC_RELEASE);
	g->left++;
}

static void list_take(struct series *s)
{
	struct metric_group *g = s->group;
	if (s->prev)
		s->prev->next = s->next;
	else
		g->head = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->next = s->prev = NULL;
	g->left--;
}

struct series *series_new(struct metric_group *g, const u8 *key, u32 key_len, u64 hash, u64 now, bool other)
{
	struct registry *r = g->r;
	size_t n = sizeof(struct series) + r->o.workers * sizeof(struct metric_cells *) + key_len;
	struct series *s = directory_reserve(g) ? calloc(1, n) : NULL;
	if (!s)
		return NULL;
	s->group = g;
	s->id = ++r->next_id;
	s->created = now;
	s->hash = hash;
	s->other = other; /* readers see it once it is in the list */
	s->bytes = (u32)n;
	s->key_len = (u16)key_len;
	memcpy(series_key(s), key, key_len);
	r->bytes += n;
	directory_put(g->directory, g->directory_mask, s);
	g->series_len++;
	list_add(g, s);
	return s;
}

/* --- ends --- */

void series_free(struct series *s)
{
	struct registry *r = s->group->r;
	for (u32 i = 0; i < r->o.workers; i++)
		if (s->cells[i])
			cells_free(s->cells[i]);
	r->bytes -= s->bytes;
	free(s);
}

/* Nobody looks at it any more; it stays only for those who are to be told. */
static void series_unlink(struct series *s)
{
	list_take(s);
	s->unlinked = true;
	if (!s->tell)
		series_free(s);
}

/* Its cells are out of all shards. */
static void series_retire(struct series *s)
{
	struct registry *r = s->group->r;
	if (!r->reading) {
		series_unlink(s);
		return;
	}
	s->limbo = r->limbo;
	r->limbo = s;
}

void series_end(struct series *s)
{
	struct registry *r = s->group->r;
	directory_take(s->group, s);
	poke(&s->dead, true);
	s->death = ++r->deaths;
	/* ~other is shown only once it has been used */
	s->tell = !s->other || s->created ? (u8)r->readers : 0;
	if (s->tell && r->stale_len >= STALE_MAX) {
		r->stale_lost++;
		s->tell = 0;
	}
	if (s->tell) {
		s->stale_next = r->stale;
		r->stale = s;
		r->stale_len++;
	}
	s->cells_left = 0;
	for (u32 i = 0; i < r->o.workers && !s->other; i++) {
		if (!s->cells[i])
			continue;
		poke(&s->cells[i]->state, CELLS_DEAD);
		s->cells_left++;
	}
	if (!s->cells_left)
		series_retire(s);
}

void stale_sweep(struct registry *r)
{
	for (struct series **at = &r->stale; *at;) {
		struct series *s = *at;
		if (s->tell) {
			at = &s->stale_next;
			continue;
		}
		*at = s->stale_next;
		r->stale_len--;
		if (s->unlinked)
			series_free(s);
	}
}

void registry_sweep(struct registry *r)
{
	while (r->limbo) {
		struct series *s = r->limbo;
		r->limbo = s->limbo;
		series_unlink(s);
	}
	while (r->sparse_limbo) {
		struct sparse *s = r->sparse_limbo;
		r->sparse_limbo = s->limbo;
		free(s);
	}
}

/* --- a shard --- */

struct metric_cells *cells_new(struct series *s, u32 shard, u64 now)
{
	struct metric_group *g = s->group;
	struct metric_cells *c = calloc(1, g->cells_size);
	if (!c)
		return NULL;
	c->series = s;
	c->group = g;
	c->touched = now;
	c->bytes = g->cells_size;
	c->shard = (u8)shard;
	cells_init(c);
	g->r->bytes += g->cells_size;
	__atomic_store_n(&s->cells[shard], c, __ATOMIC_RELEASE);
	return c;
}

static void shard_put(struct shard_slot *slots, u32 mask, u64 hash, struct metric_cells *c)
{
	u32 i = (u32)hash & mask;
	while (slots[i].cells)
		i = (i + 1) & mask;
	slots[i] = (struct shard_slot){ hash, c };
}

/* Keeps the load at or below three quarters. */
static bool shard_reserve(struct metric_group *g, struct shard *sh)
{
	u32 n = sh->slots ? sh->mask + 1 : 0, more = n ? n * 2 : FIRST_SLOTS;
	if (n && sh->used + 1 < n - n / 4)
		return true;
	struct shard_slot *slots = calloc(more, sizeof(*slots));
	if (!slots)
		return false;
	for (u32 i = 0; i < n; i++)
		if (sh->slots[i].cells)
			shard_put(slots, more - 1, sh->slots[i].hash, sh->slots[i].cells);
	free(sh->slots);
	sh->slots = slots;
	sh->mask = more - 1;
	g->r->bytes += (u64)(more - n) * sizeof(*slots);
	return true;
}

static void shard_take(struct shard *sh, u32 i)
{
	for (u32 j = (i + 1) & sh->mask; sh->slots[j].cells; j = (j + 1) & sh->mask) {
		u32 home = (u32)sh->slots[j].hash & sh->mask;
		if (((j - home) & sh->mask) >= ((j - i) & sh->mask)) {
			sh->slots[i] = sh->slots[j];
			i = j;
		}
	}
	sh->slots[i] = (struct shard_slot){ 0 };
	sh->used--;
}

/* The worker lets go of cells that have died. Under the lock. */
static void shard_forget(struct shard *sh, u32 slot)
{
	struct series *s = sh->slots[slot].cells->series;
	shard_take(sh, slot);
	if (--s->cells_left == 0)
		series_retire(s);
}

static struct metric_cells *overflow(struct shard *sh, u64 now)
{
	struct series *s = sh->other->series;
	poke(&sh->overflow, sh->overflow + 1);
	poke(&sh->other->touched, now ? now : 1);
	if (!peek(&s->created))
		poke(&s->created, now ? now : 1);
	return sh->other;
}

/* A series this worker has not met yet, or has let go. */
static struct metric_cells *shard_make(struct metric_group *g, u32 shard, const u8 *key, u32 key_len, u64 hash, u64 now)
{
	struct shard *sh = &g->shards[shard];
	struct registry *r = g->r;
	struct metric_cells *c = NULL;
	pthread_mutex_lock(&r->lock);
	struct series *s = directory_find(g, key, key_len, hash);
	bool room = r->bytes + g->cells_size + sizeof(*s) + key_len <= r->o.max_bytes || !g->labels_len;
	r->capped += !room;
	if (!s && room && g->series_len < r->o.max_series)
		s = series_new(g, key, key_len, hash, now, false);
	if (s && !s->other && room && shard_reserve(g, sh))
		c = cells_new(s, shard, now);
	if (c) {
		shard_put(sh->slots, sh->mask, hash, c);
		sh->used++;
	}
	pthread_mutex_unlock(&r->lock);
	return c ? c : overflow(sh, now);
}

/* Cells that were idle: alive again, or dead since. */
static struct metric_cells *shard_revive(struct metric_group *g, u32 shard, u32 slot, const u8 *key, u32 key_len, u64 now)
{
	struct shard *sh = &g->shards[shard];
	struct metric_cells *c = sh->slots[slot].cells;
	u64 hash = sh->slots[slot].hash;
	pthread_mutex_lock(&g->r->lock);
	bool alive = c->state != CELLS_DEAD;
	if (alive)
		poke(&c->state, CELLS_LIVE);
	else
		shard_forget(sh, slot);
	pthread_mutex_unlock(&g->r->lock);
	if (!alive)
		return shard_make(g, shard, key, key_len, hash, now);
	poke(&c->touched, now);
	return c;
}

struct metric_cells *metric_find(struct metric_group *g, u32 shard, const struct str *values, u64 now)
{
	u8 key[KEY_MAX];
	u32 len = key_make(key, values, g->labels_len);
	u64 hash = series_hash(g->r, key, len);
	struct shard *sh = &g->shards[shard];
	for (u32 i = (u32)hash & sh->mask; sh->slots && sh->slots[i].cells; i = (i + 1) & sh->mask) {
		struct metric_cells *c = sh->slots[i].cells;
		if (sh->slots[i].hash != hash || !series_is(c->series, key, len, hash))
			continue;
		if (unlikely(peek(&c->state) != CELLS_LIVE))
			return shard_revive(g, shard, i, key, len, now);
		poke(&c->touched, now);
		return c;
	}
	if (g->r->o.workers == 1 && g->labels_len && g->series_len >= peek(&g->r->o.max_series))
		return overflow(sh, now);
	return shard_make(g, shard, key, len, hash, now);
}

void metric_touch(struct metric_cells *c, u64 now)
{
	poke(&c->touched, now);
}

/* --- expiry --- */

/* Ends a series when it is idle in all shards. Under the lock, which coming back to life needs, too. */
static void series_try_end(struct series *s)
{
	for (u32 i = 0; i < s->group->r->o.workers; i++)
		if (s->cells[i] && s->cells[i]->state == CELLS_LIVE)
			return;
	series_end(s);
}

/* One slot of a worker's table; true when the slot has been emptied. */
static bool tick_slot(struct metric_group *g, struct shard *sh, u32 i, u64 now, u64 expired)
{
	struct metric_cells *c = sh->slots[i].cells;
	if (!c || (c->touched + expired > now && peek(&c->state) == CELLS_LIVE))
		return false;
	pthread_mutex_lock(&g->r->lock);
	if (c->state == CELLS_LIVE)
		poke(&c->state, CELLS_IDLE);
	if (c->state == CELLS_IDLE)
		series_try_end(c->series);
	bool dead = c->state == CELLS_DEAD;
	if (dead)
		shard_forget(sh, i);
	pthread_mutex_unlock(&g->r->lock);
	return dead;
}

static void tick_group(struct metric_group *g, struct shard *sh, u64 now, u64 expired)
{
	if (!sh->slots || (sh->cursor == 0 && now < sh->pass + expired / 4 && !peek(&g->dropped)))
		return;
	if (sh->cursor == 0)
		sh->pass = now;
	u32 i = sh->cursor;
	for (u32 looked = 0; looked < TICK_SLOTS && i <= sh->mask; looked++)
		i += !tick_slot(g, sh, i, now, expired);
	sh->cursor = i > sh->mask ? 0 : i;
}

void registry_tick(struct registry *r, u32 shard, u64 now)
{
	u64 expired = peek(&r->o.expired_ns);
	for (struct metric_group *g = __atomic_load_n(&r->groups, __ATOMIC_ACQUIRE); g; g = g->next)
		tick_group(g, &g->shards[shard], now, expired);
}
