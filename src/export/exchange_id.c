#include "export/exchange_id.h"

#include <pthread.h>
#include <sys/random.h>
#include <time.h>
#include <xxhash.h>

static u64 run_seed;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void draw_seed(void)
{
	struct timespec ts;
	if (getrandom(&run_seed, sizeof(run_seed), 0) != sizeof(run_seed)) {
		clock_gettime(CLOCK_REALTIME, &ts);
		run_seed = (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec;
	}
	run_seed |= 1; /* files have 0 */
}

/* A bijection that leaves nothing of its argument to be seen. */
static u64 mix(u64 v)
{
	v ^= v >> 30;
	v *= 0xbf58476d1ce4e5b9ull;
	v ^= v >> 27;
	v *= 0x94d049bb133111ebull;
	return v ^ v >> 31;
}

static void put(u8 *to, u64 v)
{
	v += v == 0; /* an id of zeros is none */
	for (int i = 0; i < 8; i++)
		to[i] = (u8)(v >> (56 - 8 * i));
}

void exchange_id(const struct roundtrip *rt, bool live, struct exchange_id *ret)
{
	const struct conn *c = rt->conn;
	const struct message *q = rt->request;
	struct {
		struct ip_addr addr[2];
		u16 port[2];
		u8 protocol, dir, proto, zero;
		u64 conn, opened, start, key, time;
	} what;
	memset(&what, 0, sizeof(what));
	memcpy(what.addr, c->addr, sizeof(what.addr));
	memcpy(what.port, c->port, sizeof(what.port));
	what.protocol = c->protocol;
	what.dir = q->dir;
	what.proto = rt->proto->index;
	what.conn = c->id;
	what.opened = c->opened_ts;
	what.start = q->start;
	what.key = q->key;
	what.time = q->time ? q->time : q->ts_first;
	if (live)
		pthread_once(&once, draw_seed);
	XXH128_hash_t h = XXH3_128bits_withSeed(&what, sizeof(what), live ? run_seed : 0);
	put(ret->trace, h.high64);
	put(ret->trace + 8, h.low64);
	put(ret->span, mix(h.low64 ^ 0x9e3779b97f4a7c15ull));
	put(ret->client_span, mix(h.high64 ^ 0xd1b54a32d192ed03ull));
}

size_t hex_digits(char *to, const u8 *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		to[2 * i] = hex[p[i] >> 4];
		to[2 * i + 1] = hex[p[i] & 15];
	}
	return 2 * n;
}
