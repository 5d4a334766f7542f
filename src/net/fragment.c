/* Bytes are kept in pages with one bit per 8-byte unit, the granularity of fragment offsets: inserting costs the same
 * in every order, whatever the sizes, and a hostile fragment never costs more than the pages it touches. */
#include "net/fragment.h"

#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

#define UNIT 8u
#define PAGE_BYTES 2048u
#define PAGE_UNITS (PAGE_BYTES / UNIT)
#define PAGES ((FRAGMENT_DATAGRAM + PAGE_BYTES) / PAGE_BYTES)

enum datagram_state { WAITING, CONDEMNED, DONE };

struct page {
	u8 have[PAGE_UNITS / 8];
	u8 data[PAGE_BYTES];
};

struct datagram {
	struct fragment_key key;
	u32 state; /* enum datagram_state */
	struct datagram *next; /* in the bucket */
	struct datagram *older, *newer;
	u64 opened, seen;  /* time of the first and the latest fragment */
	u32 units;         /* units held */
	u32 end;           /* length of the datagram; 0 until the last fragment is seen */
	u32 high;          /* highest byte seen */
	u32 cut;           /* first byte that the capture length has cut off */
	u32 fragments;     /* packets that brought the bytes */
	u8 protocol;
	struct page *pages[PAGES];
};

bool fragments_init(struct fragments *f, size_t cap)
{
	u32 datagrams = (u32)MIN(MAX(cap / 8 / (sizeof(struct datagram) + sizeof(void *)), 1), 1u << 20);
	u32 buckets = 16;
	memset(f, 0, sizeof(*f));
	while (buckets < datagrams)
		buckets *= 2;
	slab_init(&f->datagrams, sizeof(struct datagram), datagrams);
	slab_init(&f->pages, sizeof(struct page), (u32)MIN((cap - cap / 8) / sizeof(struct page), UINT32_MAX));
	f->mask = buckets - 1;
	f->buckets = calloc(buckets, sizeof(struct datagram *));
	f->whole = malloc(FRAGMENT_DATAGRAM);
	if (getrandom(&f->seed, sizeof(f->seed), GRND_NONBLOCK) < 0)
		f->seed = (u64)(uintptr_t)f->whole;
	if (f->buckets && f->whole)
		return true;
	fragments_done(f);
	return false;
}

void fragments_done(struct fragments *f)
{
	slab_done(&f->datagrams);
	slab_done(&f->pages);
	free(f->buckets);
	free(f->whole);
	memset(f, 0, sizeof(*f));
}

static struct datagram **bucket_of(struct fragments *f, const struct fragment_key *key)
{
	return &f->buckets[XXH3_64bits_withSeed(key, sizeof(*key), f->seed) & f->mask];
}

static void list_append(struct datagram_list *l, struct datagram *d)
{
	d->older = l->newest;
	d->newer = NULL;
	*(l->newest ? &l->newest->newer : &l->oldest) = d;
	l->newest = d;
}

static void list_remove(struct datagram_list *l, struct datagram *d)
{
	*(d->older ? &d->older->newer : &l->oldest) = d->newer;
	*(d->newer ? &d->newer->older : &l->newest) = d->older;
}

static void pages_free(struct fragments *f, struct datagram *d)
{
	for (u32 i = 0; i < PAGES; i++) {
		if (d->pages[i])
			slab_put(&f->pages, d->pages[i]);
		d->pages[i] = NULL;
	}
}

/* Forgets a datagram; what it waited with is counted as expired. */
static void datagram_drop(struct fragments *f, struct datagram *d)
{
	struct datagram **at = bucket_of(f, &d->key);
	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	list_remove(d->state == DONE ? &f->done : &f->waiting, d);
	if (d->state == WAITING)
		f->expired += d->fragments;
	pages_free(f, d);
	slab_put(&f->datagrams, d);
}

static bool is_over(const struct datagram *d, u64 now, u64 timeout)
{
	return now > (d->state == DONE ? d->seen : d->opened) + timeout;
}

static void expire(struct fragments *f, u64 now)
{
	while (f->waiting.oldest && is_over(f->waiting.oldest, now, FRAGMENT_TIMEOUT))
		datagram_drop(f, f->waiting.oldest);
	while (f->done.oldest && is_over(f->done.oldest, now, FRAGMENT_ECHO))
		datagram_drop(f, f->done.oldest);
}

u64 fragments_expired(const struct fragments *f, u64 now)
{
	u64 n = f->expired;
	for (const struct datagram *d = f->waiting.oldest; d && is_over(d, now, FRAGMENT_TIMEOUT); d = d->newer)
		n += d->state == WAITING ? d->fragments : 0;
	return n;
}

static struct datagram *datagram_find(struct fragments *f, const struct fragment_key *key)
{
	struct datagram *d = *bucket_of(f, key);
	while (d && memcmp(&d->key, key, sizeof(*key)) != 0)
		d = d->next;
	return d;
}

/* A new datagram; at the cap the memory of a finished one is taken, or the oldest incomplete one is given up. */
static struct datagram *datagram_open(struct fragments *f, const struct fragment *in)
{
	struct datagram *d;
	while (!(d = slab_get(&f->datagrams))) {
		struct datagram *victim = f->done.oldest ? f->done.oldest : f->waiting.oldest;
		if (!victim)
			return NULL;
		datagram_drop(f, victim);
	}
	memset(d, 0, sizeof(*d));
	d->key = in->key;
	d->state = WAITING;
	d->opened = d->seen = in->ts;
	d->cut = UINT32_MAX;
	struct datagram **bucket = bucket_of(f, &in->key);
	d->next = *bucket;
	*bucket = d;
	list_append(&f->waiting, d);
	return d;
}

/* A page for `d`; the oldest others are given up for it. */
static struct page *page_get(struct fragments *f, const struct datagram *d)
{
	struct page *page;
	while (!(page = slab_get(&f->pages))) {
		struct datagram *victim = f->waiting.oldest;
		if (victim == d)
			victim = victim->newer;
		if (!victim)
			return NULL;
		datagram_drop(f, victim);
	}
	memset(page->have, 0, sizeof(page->have));
	return page;
}

static bool unit_held(const struct datagram *d, u32 unit)
{
	const struct page *page = d->pages[unit / PAGE_UNITS];
	return page && page->have[unit % PAGE_UNITS / 8] >> unit % 8 & 1;
}

/* How many of the fragment's units are there already. */
static u32 units_held(const struct datagram *d, u32 from, u32 to)
{
	u32 n = 0;
	if (from * UNIT >= d->high)
		return 0;
	for (u32 i = from; i < to; i++)
		n += unit_held(d, i);
	return n;
}

/* Lengths that cannot be true together. */
static bool contradicts(const struct datagram *d, const struct fragment *in)
{
	u32 end = in->offset + in->len;
	if (!in->more)
		return (d->end && d->end != end) || d->high > end;
	return d->end && end >= d->end;
}

static bool pages_reserve(struct fragments *f, struct datagram *d, u32 from, u32 to)
{
	for (u32 i = from / PAGE_UNITS; i <= (to - 1) / PAGE_UNITS; i++) {
		if (d->pages[i])
			continue;
		d->pages[i] = page_get(f, d);
		if (!d->pages[i])
			return false;
	}
	return true;
}

/* Copies the units that are not there yet. */
static void units_copy(struct datagram *d, const struct fragment *in, u32 from, u32 to)
{
	for (u32 i = from; i < to; i++) {
		struct page *page = d->pages[i / PAGE_UNITS];
		u32 at = (i - from) * UNIT;
		if (unit_held(d, i))
			continue;
		page->have[i % PAGE_UNITS / 8] |= (u8)(1u << i % 8);
		d->units++;
		if (at < in->cap)
			memcpy(page->data + i % PAGE_UNITS * UNIT, in->p + at, MIN(UNIT, in->cap - at));
	}
}

static void assemble(struct fragments *f, struct datagram *d, struct datagram_whole *ret)
{
	u32 cap = MIN(d->end, d->cut);
	for (u32 at = 0; at < cap; at += PAGE_BYTES)
		memcpy(f->whole + at, d->pages[at / PAGE_BYTES]->data, MIN(PAGE_BYTES, cap - at));
	*ret = (struct datagram_whole){ .p = f->whole, .cap = cap, .len = d->end, .protocol = d->protocol };
	list_remove(&f->waiting, d);
	pages_free(f, d);
	d->state = DONE;
	list_append(&f->done, d);
}

static enum net_result condemn(struct fragments *f, struct datagram *d)
{
	pages_free(f, d);
	d->state = CONDEMNED;
	return NET_FRAGMENT_BAD;
}

static enum net_result datagram_add(struct fragments *f, struct datagram *d, const struct fragment *in,
				    struct datagram_whole *ret)
{
	u32 end = in->offset + in->len, from = in->offset / UNIT, to = (end + UNIT - 1) / UNIT;
	u32 held = units_held(d, from, to);
	if (held == to - from && end <= d->high && (in->more || d->end))
		return NET_FRAGMENT; /* a copy */
	if (held && in->ipv6)
		return condemn(f, d);
	if (!pages_reserve(f, d, from, to)) {
		datagram_drop(f, d);
		return NET_FRAGMENT_BAD;
	}
	units_copy(d, in, from, to);
	d->fragments++;
	d->seen = MAX(d->seen, in->ts);
	d->high = MAX(d->high, end);
	if (!in->more)
		d->end = end;
	if (in->offset == 0)
		d->protocol = in->protocol;
	if (in->cap < in->len)
		d->cut = MIN(d->cut, in->offset + in->cap);
	if (!d->end || d->units < (d->end + UNIT - 1) / UNIT)
		return NET_FRAGMENT;
	assemble(f, d, ret);
	return NET_SEGMENT;
}

/* The identification of a known datagram serves another one by now. */
static bool is_reused(const struct datagram *d, const struct fragment *in)
{
	u32 end = in->offset + in->len;
	if (d->state == DONE)
		return in->ts > d->seen + FRAGMENT_ECHO;
	return d->state == WAITING && !in->ipv6 && in->ts > d->seen + FRAGMENT_STALE &&
	       (contradicts(d, in) || units_held(d, in->offset / UNIT, (end + UNIT - 1) / UNIT));
}

enum net_result fragment_add(struct fragments *f, const struct fragment *in, struct datagram_whole *ret)
{
	expire(f, in->ts);
	if (in->len == 0 || in->len > FRAGMENT_DATAGRAM || in->offset + in->len > FRAGMENT_DATAGRAM ||
	    in->offset % UNIT || (in->more && in->len % UNIT))
		return NET_FRAGMENT_BAD;
	struct datagram *d = datagram_find(f, &in->key);
	if (d && is_reused(d, in)) {
		datagram_drop(f, d);
		d = NULL;
	}
	if (d && d->state == DONE)
		return NET_FRAGMENT;
	if (d && (d->state == CONDEMNED || contradicts(d, in)))
		return NET_FRAGMENT_BAD;
	if (!d)
		d = datagram_open(f, in);
	return d ? datagram_add(f, d, in, ret) : NET_FRAGMENT_BAD;
}
