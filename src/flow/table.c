/* The hash table of connections: open addressing, linear probing, seeded symmetric hash. */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "flow/flow_private.h"

#define FIRST_SLOTS 4096u

/* Both directions of a connection hash alike: the lower endpoint goes first. */
u32 table_hash(const struct flow *f, const struct segment *seg)
{
	struct {
		struct ip_addr a, b;
		u16 ports[2];
		u32 protocol;
	} key;
	int order = memcmp(&seg->src, &seg->dst, sizeof(struct ip_addr));
	bool first = order < 0 || (order == 0 && seg->sport < seg->dport);
	key.a = first ? seg->src : seg->dst;
	key.b = first ? seg->dst : seg->src;
	key.ports[0] = first ? seg->sport : seg->dport;
	key.ports[1] = first ? seg->dport : seg->sport;
	key.protocol = seg->protocol;
	return (u32)XXH3_64bits_withSeed(&key, sizeof(key), f->seed);
}

static bool addr_eq(const struct ip_addr *a, const struct ip_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

struct conn *table_find(struct flow *f, const struct segment *seg, u32 hash, int *ret_dir)
{
	for (u32 i = hash & f->mask;; i = (i + 1) & f->mask) {
		struct conn *c = f->slots[i].conn;
		if (!c)
			return NULL;
		if (f->slots[i].hash != hash || c->protocol != seg->protocol)
			continue;
		if (c->port[DIR_A] == seg->sport && c->port[DIR_B] == seg->dport &&
		    addr_eq(&c->addr[DIR_A], &seg->src) && addr_eq(&c->addr[DIR_B], &seg->dst)) {
			*ret_dir = DIR_A;
			return c;
		}
		if (c->port[DIR_B] == seg->sport && c->port[DIR_A] == seg->dport &&
		    addr_eq(&c->addr[DIR_B], &seg->src) && addr_eq(&c->addr[DIR_A], &seg->dst)) {
			*ret_dir = DIR_B;
			return c;
		}
	}
}

static struct slot *slots_new(u32 n)
{
	void *p = mmap(NULL, (size_t)n * sizeof(struct slot), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if ((size_t)n * sizeof(struct slot) >= 2 * MIB)
		madvise(p, (size_t)n * sizeof(struct slot), MADV_HUGEPAGE);
	return p;
}

static void slots_put(struct slot *slots, u32 mask, u32 hash, struct conn *c)
{
	u32 i = hash & mask;
	while (slots[i].conn)
		i = (i + 1) & mask;
	slots[i] = (struct slot){ hash, c };
}

/* Keeps the load at or below three quarters. */
static bool table_reserve(struct flow *f)
{
	u32 n = f->mask + 1;
	if (f->used < n - n / 4)
		return true;
	struct slot *slots = slots_new(n * 2);
	if (!slots)
		return f->used < n - 1;
	for (u32 i = 0; i < n; i++)
		if (f->slots[i].conn)
			slots_put(slots, n * 2 - 1, f->slots[i].hash, f->slots[i].conn);
	munmap(f->slots, (size_t)n * sizeof(struct slot));
	f->slots = slots;
	f->mask = n * 2 - 1;
	return true;
}

/* Removes an entry and closes the hole in its probe sequence. */
static void slots_take(struct flow *f, const struct conn *c)
{
	u32 i = c->hash & f->mask;
	while (f->slots[i].conn != c)
		i = (i + 1) & f->mask;
	for (u32 j = (i + 1) & f->mask; f->slots[j].conn; j = (j + 1) & f->mask) {
		u32 home = f->slots[j].hash & f->mask;
		if (((j - home) & f->mask) >= ((j - i) & f->mask)) {
			f->slots[i] = f->slots[j];
			i = j;
		}
	}
	f->slots[i].conn = NULL;
	f->used--;
}

/* Of the next few connections in memory the longest idle one goes. */
static void evict_one(struct flow *f)
{
	struct conn *victim = NULL;
	u32 total = f->conns.blocks_len * f->conns.per_block;
	for (u32 looked = 0, found = 0; looked < total && found < 16; looked++) {
		u32 at = f->evict_at++ % total;
		struct conn *c = slab_at(&f->conns, at);
		if (c->state == CONN_FREE)
			continue;
		found++;
		if (!victim || c->seen_ts < victim->seen_ts)
			victim = c;
	}
	if (!victim)
		return;
	if (victim->state != CONN_CLOSED)
		conn_end(victim, END_EVICTED, f->now);
	if (victim->state != CONN_FREE)
		table_remove(victim);
}

struct conn *table_add(struct flow *f, const struct segment *seg, u32 hash)
{
	if (f->conns.live >= f->conns.max)
		evict_one(f);
	struct conn *c = table_reserve(f) ? slab_get(&f->conns) : NULL;
	if (!c) {
		f->count->no_memory++;
		return NULL;
	}
	memset(c, 0, sizeof(*c) + f->consumer->user_size);
	c->flow = f;
	c->addr[DIR_A] = seg->src;
	c->addr[DIR_B] = seg->dst;
	c->port[DIR_A] = seg->sport;
	c->port[DIR_B] = seg->dport;
	c->protocol = seg->protocol;
	c->state = CONN_OPEN;
	c->opener = DIR_NONE;
	c->rtt_dir = DIR_NONE;
	c->hash = hash;
	c->id = f->opt.worker + 1 + f->next_id++ * MAX(1, f->opt.workers);
	c->opened_ts = seg->ts;
	c->seen_ts = MAX(f->now, seg->ts);
	c->ifindex = seg->ifindex;
	c->vlan = seg->vlan;
	c->tunnel = seg->tunnel;
	c->tunnel_id = seg->tunnel_id;
	slots_put(f->slots, f->mask, hash, c);
	f->used++;
	return c;
}

void table_remove(struct conn *c)
{
	struct flow *f = c->flow;
	timer_disarm(c);
	slots_take(f, c);
	c->state = CONN_FREE;
	slab_put(&f->conns, c);
}

static void flow_defaults(struct flow_options *o)
{
	o->max_conns = o->max_conns ? o->max_conns : 2000000;
	o->tail_bytes = o->tail_bytes ? MIN(o->tail_bytes, 64 * KIB) : 64 * KIB;
	o->held_per_conn = o->held_per_conn ? o->held_per_conn : 1 * MIB;
	o->held_total = o->held_total ? o->held_total : 64 * MIB;
	o->grace_ns = o->grace_ns ? o->grace_ns : 200 * NS_PER_MS;
	o->tcp_idle_ns = o->tcp_idle_ns ? o->tcp_idle_ns : 1800 * NS_PER_SEC;
	o->udp_idle_ns = o->udp_idle_ns ? o->udp_idle_ns : 60 * NS_PER_SEC;
}

struct flow *flow_new(const struct flow_options *options, const struct stream_consumer *consumer,
		      struct flow_counters *counters, void *context)
{
	struct flow *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->opt = *options;
	flow_defaults(&f->opt);
	f->consumer = consumer;
	f->count = counters;
	f->context = context;
	f->seed = options->seed;
	if (!f->seed && getrandom(&f->seed, sizeof(f->seed), GRND_NONBLOCK) != sizeof(f->seed))
		f->seed = (u64)(uintptr_t)f;
	f->mask = FIRST_SLOTS - 1;
	f->slots = slots_new(FIRST_SLOTS);
	if (!f->slots) {
		free(f);
		return NULL;
	}
	slab_init(&f->conns, sizeof(struct conn) + consumer->user_size, f->opt.max_conns);
	for (u8 class = 0; class < BYTES_CLASSES; class++)
		slab_init(&f->bytes[class], bytes_class_size(class), (u32)MAX(64, 2 * f->opt.held_total / bytes_class_size(class)));
	return f;
}

void flow_free(struct flow *f)
{
	if (!f)
		return;
	munmap(f->slots, ((size_t)f->mask + 1) * sizeof(struct slot));
	slab_done(&f->conns);
	for (u8 class = 0; class < BYTES_CLASSES; class++)
		slab_done(&f->bytes[class]);
	free(f);
}

void *flow_context(const struct flow *f)
{
	return f->context;
}

void flow_set_options(struct flow *f, const struct flow_options *options)
{
	u64 seed = f->opt.seed;
	u16 worker = f->opt.worker, workers = f->opt.workers;
	f->opt = *options;
	flow_defaults(&f->opt);
	f->opt.seed = seed;
	f->opt.worker = worker;
	f->opt.workers = workers;
	f->conns.max = f->opt.max_conns;
}

u32 flow_prefetch(struct flow *f, const struct segment *seg)
{
	u32 hash = table_hash(f, seg);
	__builtin_prefetch(&f->slots[hash & f->mask]);
	return hash;
}

void flow_prefetch_conn(struct flow *f, u32 hash)
{
	struct conn *c = f->slots[hash & f->mask].conn;
	for (size_t i = 0; c && i < sizeof(struct conn) + f->consumer->user_size; i += CACHE_LINE)
		__builtin_prefetch((u8 *)c + i);
}

void flow_set_observer(struct flow *f, const struct flow_observer *observer, void *arg)
{
	f->observer = observer;
	f->observer_arg = arg;
}

u32 flow_open_conns(const struct flow *f, u8 protocol)
{
	return protocol == IPPROTO_TCP_ ? f->open_tcp : f->open_udp;
}

u64 flow_now(const struct flow *f)
{
	return f->now;
}

u32 flow_live(const struct flow *f)
{
	return f->used;
}
