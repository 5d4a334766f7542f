#include "process/worker.h"
#include "util/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FLUSH_NS (100 * NS_PER_MS)     /* batches are handed on at least this often */
#define FLUSH_IDLE_NS (20 * NS_PER_MS) /* and this often when nothing waits to be read */
#define SETTLE_NS (60 * NS_PER_MS)     /* packets may still be on their way through the kernel: time runs this far behind */
#define DRAIN_NS (2 * NS_PER_SEC)      /* longest reading of what was captured before the stop */
#define SILENCE_NS (900 * NS_PER_SEC)  /* longest silence of a capture that is told by the second */
#define AHEAD 4                        /* segments between fetching a connection into the cache and using it */

static void notify(struct worker *w)
{
	static const u64 one = 1;
	if (write(w->notify_fd, &one, sizeof(one)) < 0)
		return; /* the counter is at its limit: whoever reads it knows already */
}

/* --- packets --- */

/* A file: the sinks hear of each second of the capture at the same packet in every run. In a long silence, too, since what they keep
 * is shown at times of its own and forgotten after a while; but clocks of captures jump, and years have many seconds. */
static void tell_second(struct worker *w, u64 ts)
{
	u64 second = ts - ts % NS_PER_SEC, told = w->next_second;
	u64 silence_ends = told + MIN(second - told, SILENCE_NS);
	for (; told && told < silence_ends; told += NS_PER_SEC) {
		flow_advance(w->flow, told);
		sessions_flush(w->sessions, told, false);
	}
	if (told)
		sessions_flush(w->sessions, second, false);
	w->next_second = second + NS_PER_SEC;
}

static void process_pending(struct worker *w)
{
	u32 n = w->pending;
	for (u32 i = 0; i < MIN(n, AHEAD); i++)
		flow_prefetch_conn(w->flow, w->hashes[i]);
	for (u32 i = 0; i < n; i++) {
		if (i + AHEAD < n)
			flow_prefetch_conn(w->flow, w->hashes[i + AHEAD]);
		if (unlikely(w->segments[i].ts >= w->next_second) && !w->live)
			tell_second(w, w->segments[i].ts);
		flow_prefetched_packet(w->flow, &w->segments[i], w->hashes[i]);
	}
	w->pending = 0;
}

static bool family_wanted(const struct worker *w, const struct segment *seg)
{
	return !w->family || (w->family == 4) == ip_is_v4(&seg->src);
}

static bool within(const struct packet *p, const struct segment *seg)
{
	return !seg->caplen || (seg->payload >= p->data && seg->payload < p->data + p->caplen);
}

/* Decodes all packets of a batch before the flow layer sees the first: their connections come into the cache meanwhile. */
static void process_batch(struct worker *w, u32 n)
{
	struct ledger *l = w->ledger;
	if (!l->first_ts)
		l->first_ts = w->packets[0].ts;
	for (u32 i = 0; i < n; i++) {
		const struct packet *p = &w->packets[i];
		struct segment *seg = &w->segments[w->pending];
		enum net_result r = net_decode(w->net, p, seg);
		l->packet_bytes += p->len;
		if (p->ts > l->last_ts)
			l->last_ts = p->ts;
		if (r == NET_SEGMENT && !family_wanted(w, seg))
			r = NET_LEFT_OUT;
		l->net[r]++;
		if (r != NET_SEGMENT)
			continue;
		w->hashes[w->pending++] = flow_prefetch(w->flow, seg);
		if (!within(p, seg)) /* a reassembled datagram lives until the next packet is decoded */
			process_pending(w);
	}
	l->packets += n;
	process_pending(w);
}

/* --- time --- */

/* The wall clock, without small steps. */
static u64 live_now(const struct worker *w, u64 mono)
{
	return mono + w->clock_offset;
}

static u64 sinks_now(const struct worker *w, u64 mono)
{
	return w->live ? live_now(w, mono) : flow_now(w->flow);
}

/* Somebody has set the clock by more than it drifts: packets carry the new time. */
static void follow_clock(struct worker *w, u64 mono)
{
	u64 real = clock_ns(CLOCK_REALTIME), ours = live_now(w, mono);
	if (real - ours + NS_PER_SEC > 2 * NS_PER_SEC)
		w->clock_offset = real - mono;
}

/* Time for the flows: behind the packets that are being read, or, when all have been read, behind the clock. */
static void advance_live(struct worker *w, u64 mono, u32 n)
{
	u64 now = live_now(w, mono) - SETTLE_NS;
	if (n && w->packets[0].ts < now)
		now = w->packets[0].ts; /* flow_packet has already done this */
	flow_advance(w->flow, now);
}

static void add_warning(struct worker *w, const char *what, const char *text)
{
	pthread_mutex_lock(&w->lock);
	if (w->warnings_len < WORKER_WARNINGS)
		snprintf(w->warnings[w->warnings_len++], sizeof(w->warnings[0]), "%s%s", what, text);
	pthread_mutex_unlock(&w->lock);
}

static void read_warnings(struct worker *w)
{
	const char *text;
	bool some = false;
	while (w->engine->warning && (text = w->engine->warning(w->capture))) {
		add_warning(w, "", text);
		some = true;
	}
	if (some)
		notify(w);
}

static void read_stats(struct worker *w)
{
	struct capture_stats st = { 0 };
	w->engine->stats(w->capture, &st);
	w->ledger->kernel_received = st.received;
	w->ledger->kernel_dropped = st.dropped;
	w->ledger->engine_ignored = st.ignored;
	atomic_store_explicit(&w->bytes, st.bytes, memory_order_relaxed);
	atomic_store_explicit(&w->total, st.total, memory_order_relaxed);
}

/* Takes over what observer_reconfigure asked for. */
static void take_change(struct worker *w)
{
	const struct observer_change *c = atomic_load_explicit(&w->change, memory_order_acquire);
	char error[256] = "";
	if (!c)
		return;
	sessions_set_options(w->sessions, &c->session);
	flow_set_options(w->flow, &c->flow);
	w->family = c->family;
	if (w->live && (!w->engine->set_filter || w->engine->set_filter(w->capture, c->filter, error) < 0)) {
		add_warning(w, "the capture filter stays as it was: ", *error ? error : "this engine cannot change it");
		notify(w);
	}
	atomic_store_explicit(&w->change, NULL, memory_order_release);
}

/* What has to happen now and then; `n`: packets of the last poll. */
static void tick(struct worker *w, u32 n)
{
	u64 mono = clock_ns(CLOCK_MONOTONIC);
	if (mono - w->flushed_at < (n ? FLUSH_NS : FLUSH_IDLE_NS))
		return;
	w->flushed_at = mono;
	if (w->live)
		advance_live(w, mono, n);
	sessions_flush(w->sessions, sinks_now(w, mono), false);
	if (mono - w->counted_at < FLUSH_NS)
		return;
	w->counted_at = mono;
	follow_clock(w, mono);
	take_change(w);
	read_stats(w);
	read_warnings(w);
}

/* --- life --- */

static int poll_once(struct worker *w)
{
	int n = w->engine->poll(w->capture, w->packets, CAPTURE_BATCH);
	if (n > 0)
		process_batch(w, (u32)n);
	if (n >= 0)
		tick(w, (u32)n);
	return n;
}

/* Reads what was captured before the stop. */
static void drain(struct worker *w)
{
	u64 stop = clock_ns(CLOCK_REALTIME), begin = clock_ns(CLOCK_MONOTONIC);
	int n, empty = 0;
	/* Blocks of the ring are handed over by a timer: nothing now may be something a moment later. */
	while (empty < 3 && clock_ns(CLOCK_MONOTONIC) - begin < DRAIN_NS) {
		n = poll_once(w);
		if (n < 0 || (n > 0 && w->packets[n - 1].ts > stop))
			return;
		empty = n ? 0 : empty + 1;
	}
}

void *worker_run(void *arg)
{
	struct worker *w = arg;
	int n = 0;
	char name[16];
	snprintf(name, sizeof(name), "worker/%u", w->number);
	pthread_setname_np(pthread_self(), name);
	w->clock_offset = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	while (!atomic_load_explicit(w->stop, memory_order_relaxed) && n >= 0) {
		n = poll_once(w);
		if (n == -EINTR)
			n = 0;
	}
	if (w->live && n >= 0)
		drain(w);
	w->error = n < 0 && n != -ENODATA ? n : 0;
	flow_finish(w->flow);
	sessions_flush(w->sessions, sinks_now(w, clock_ns(CLOCK_MONOTONIC)), true);
	read_stats(w);
	read_warnings(w);
	atomic_store(&w->ended, true);
	notify(w);
	return NULL;
}
