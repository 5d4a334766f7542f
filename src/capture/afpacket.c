/* The engine "afpacket": Linux packet sockets with memory shared with the kernel, no copy and no system call a packet.
 * "any" is one socket of all interfaces; names and expressions get one socket each, opened and closed as interfaces
 * come and go. Several workers share each through a fanout group. */
#ifdef __linux__
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "capture/afp_group.h"
#include "capture/link_watch.h"
#include "capture/warnings.h"

#define SOCKETS_MAX 256
#define RING_DEFAULT (8 * MIB)
#define RING_MIN (AFP_BLOCKS_MIN * AFP_BLOCK_BYTES) /* of one interface */
#define GONE_NS (50 * NS_PER_MS)   /* a ring is read this long after its interface went: the last block needs its timer */
#define ORDER_NS (20 * NS_PER_MS)  /* what an interface captured is handed over by the kernel within this time */
#define WATCH_NS (50 * NS_PER_MS)  /* how often a busy capture looks for changes of interfaces */

struct afpacket {
	struct capture base;
	struct iface_match *match;
	struct iface_names *names;
	struct afp_setup setup;
	char *filter; /* owned; setup.filter points to it */
	int watch;    /* changes of interfaces; -1 without */
	u32 poll_ms;
	u32 len;
	u64 watched_at;
	bool full;    /* SOCKETS_MAX was reached, and that was said */
	struct capture_stats closed; /* of sockets that are no more */
	struct warnings warnings;
	u64 next[SOCKETS_MAX]; /* of each socket: afp_socket_next */
	u64 held_back;         /* the oldest packet that has been handed over and waits for others; UINT64_MAX none */
	struct pollfd fds[SOCKETS_MAX + 1];
	struct afp_socket *sockets[SOCKETS_MAX];
};

static u64 clock_ns(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_nsec;
}

static void add_counts(struct capture_stats *to, const struct afp_socket *s)
{
	to->received += s->received - s->filtered;
	to->dropped += s->dropped;
	to->filtered += s->filtered;
}

/* --- sockets --- */

static int add_socket(struct afpacket *a, const struct iface *iface, char error[256])
{
	struct afp_socket *s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	int r = afp_socket_open(s, iface, &a->setup, error);
	if (r < 0) {
		free(s);
		return r;
	}
	if (error[0])
		warnings_add(&a->warnings, "%s", error);
	if (iface)
		s->id = iface_names_id(a->names, iface->index);
	a->sockets[a->len++] = s;
	return 0;
}

static void remove_socket(struct afpacket *a, u32 at)
{
	struct afp_socket *s = a->sockets[at];
	afp_socket_count(s);
	add_counts(&a->closed, s);
	afp_socket_close(s);
	free(s);
	a->sockets[at] = a->sockets[--a->len];
}

static struct afp_socket *find_socket(const struct afpacket *a, const struct iface *iface)
{
	for (u32 i = 0; i < a->len; i++)
		if (!a->sockets[i]->gone && a->sockets[i]->index == iface->index)
			return a->sockets[i];
	return NULL;
}

static bool wanted(const struct afpacket *a, const struct iface *iface)
{
	return iface->up && iface_match_name(a->match, iface->name);
}

/* --- interfaces that come and go --- */

/* Marks sockets whose interface is no more, or has a name that nobody wants. One that is only down stays: the kernel
 * goes on with it when it is up again. */
static void mark_gone(struct afpacket *a, const struct iface *list, size_t n, u64 now)
{
	for (u32 i = 0; i < a->len; i++) {
		struct afp_socket *s = a->sockets[i];
		bool there = false;
		for (size_t k = 0; k < n && !there; k++)
			there = list[k].index == s->index && iface_match_name(a->match, list[k].name);
		if (there || s->gone)
			continue;
		s->gone = true;
		s->gone_since = now;
		warnings_add(&a->warnings, "interface %s is gone", s->name);
	}
}

static void open_new(struct afpacket *a, const struct iface *list, size_t n)
{
	char error[256];
	for (size_t i = 0; i < n; i++) {
		if (!wanted(a, &list[i]) || find_socket(a, &list[i]))
			continue;
		if (a->len == SOCKETS_MAX) {
			if (!a->full)
				warnings_add(&a->warnings, "more than %d interfaces: %s and further ones are not captured; use any", SOCKETS_MAX, list[i].name);
			a->full = true;
			return;
		}
		int r = add_socket(a, &list[i], error);
		if (r == 0)
			warnings_add(&a->warnings, "interface %s has appeared", list[i].name);
		else if (r != -ENODEV && r != -ENXIO) /* gone again already */
			warnings_add(&a->warnings, "interface %s has appeared, but: %.200s", list[i].name, error);
	}
}

static void follow_interfaces(struct afpacket *a, u64 now)
{
	struct iface *list;
	size_t n;
	a->watched_at = now;
	if (!link_watch_changed(a->watch))
		return;
	iface_names_refresh(a->names);
	if (iface_match_is_any(a->match) || iface_list(&list, &n) < 0)
		return;
	mark_gone(a, list, n, now);
	open_new(a, list, n);
	free(list);
}

static void close_gone(struct afpacket *a, u64 now)
{
	for (u32 i = a->len; i-- > 0;)
		if (a->sockets[i]->gone && now - a->sockets[i]->gone_since > GONE_NS)
			remove_socket(a, i);
}

/* Workers that never came do not keep this one from its packets. */
static void arm_late(struct afpacket *a, u64 now)
{
	for (u32 i = 0; i < a->len; i++)
		if (!atomic_load(&a->sockets[i]->armed) && now > a->sockets[i]->opened_at + AFP_ARM_NS)
			afp_group_arm(a->sockets[i]);
}

static void look_around(struct afpacket *a)
{
	u64 now = clock_ns(CLOCK_MONOTONIC);
	if (now - a->watched_at < WATCH_NS)
		return;
	follow_interfaces(a, now);
	close_gone(a, now);
	arm_late(a, now);
}

/* --- polling --- */

/* The socket with the oldest packet, and until when its packets are the oldest of all. A socket with nothing to show may still be
 * handed packets of the last ORDER_NS. */
static u32 oldest(const struct afpacket *a, u64 now, u64 *ret_until)
{
	u32 first = 0;
	for (u32 i = 1; i < a->len; i++)
		if (a->next[i] < a->next[first])
			first = i;
	u64 until = UINT64_MAX;
	for (u32 i = 0; i < a->len; i++)
		if (i != first)
			until = MIN(until, a->next[i] == UINT64_MAX ? now - ORDER_NS : a->next[i]);
	*ret_until = until;
	return first;
}

/* Packets of several interfaces in the order of their times: a request is often seen on one, its answer on another. */
static int take_in_order(struct afpacket *a, struct packet *out, int max)
{
	int n = 0;
	u64 until, now = clock_ns(CLOCK_REALTIME);
	for (u32 i = 0; i < a->len; i++)
		a->next[i] = afp_socket_next(a->sockets[i]);
	a->held_back = UINT64_MAX;
	while (n < max) {
		u32 first = oldest(a, now, &until);
		u64 next = a->next[first];
		if (next == 0 || next == UINT64_MAX)
			break;
		if (next > until && next < now + NS_PER_SEC) { /* later than that: somebody has set the clock back */
			a->held_back = next;
			break;
		}
		n += afp_socket_take(a->sockets[first], a->names, out + n, max - n, MAX(until, next));
		a->next[first] = afp_socket_next(a->sockets[first]);
	}
	return n;
}

static int take(struct afpacket *a, struct packet *out, int max)
{
	if (a->len > 1)
		return take_in_order(a, out, max);
	a->held_back = UINT64_MAX;
	a->next[0] = UINT64_MAX;
	return a->len ? afp_socket_take(a->sockets[0], a->names, out, max, UINT64_MAX) : 0;
}

/* How long there may be nothing to do, at most `ms`. */
static int wait_ms(const struct afpacket *a, u64 ms)
{
	u64 now = clock_ns(CLOCK_REALTIME);
	if (a->held_back == UINT64_MAX)
		return (int)ms;
	u64 due = a->held_back + ORDER_NS;
	return (int)MIN(ms, due > now ? (due - now) / NS_PER_MS + 1 : 1);
}

/* Waits until a block is full or its time is up, an interface has changed, or `ms` are over. Sockets whose packets are held back
 * would end the wait at once. */
static int wait_for_packets(struct afpacket *a, u64 ms)
{
	for (u32 i = 0; i < a->len; i++)
		a->fds[i] = (struct pollfd){ .fd = a->sockets[i]->fd, .events = a->next[i] == UINT64_MAX ? POLLIN : 0 };
	a->fds[a->len] = (struct pollfd){ .fd = a->watch, .events = POLLIN };
	if (poll(a->fds, a->len + 1, wait_ms(a, ms)) < 0)
		return errno == EINTR ? 0 : -errno;
	for (u32 i = 0; i < a->len; i++) {
		int error = 0;
		socklen_t size = sizeof(error);
		if (a->fds[i].revents & POLLERR) /* an interface went down: clears it, or poll would not wait again */
			getsockopt(a->fds[i].fd, SOL_SOCKET, SO_ERROR, &error, &size);
	}
	if (a->fds[a->len].revents)
		a->watched_at = 0;
	return 0;
}

static int afpacket_poll(struct capture *c, struct packet *out, int max)
{
	struct afpacket *a = (struct afpacket *)c;
	/* The packets of the last poll are done with: blocks go back, and sockets may come and go. */
	for (u32 i = 0; i < a->len; i++)
		afp_socket_release(a->sockets[i]);
	look_around(a);
	int n = take(a, out, max);
	if (n)
		return n;
	u64 now = clock_ns(CLOCK_MONOTONIC), end = now + a->poll_ms * NS_PER_MS;
	do {
		int r = wait_for_packets(a, (end - now + NS_PER_MS - 1) / NS_PER_MS);
		n = r < 0 ? r : take(a, out, max);
		now = clock_ns(CLOCK_MONOTONIC);
	} while (n == 0 && a->held_back != UINT64_MAX && now < end);
	return n;
}

/* --- opening --- */

/* A setting of all rings together, shared out; the ones that come later get the least there is. */
static void share_ring(struct afpacket *a, u32 bytes, u32 interfaces)
{
	u64 all = bytes ? bytes : RING_DEFAULT;
	a->setup.ring_bytes = (u32)MAX(all / MAX(interfaces, 1u), RING_MIN);
}

static int open_matching(struct afpacket *a, u32 ring_bytes, const struct iface *list, size_t n, char error[256])
{
	u32 matching = 0;
	int r = iface_match_check(a->match, list, n, error);
	if (r == -EAGAIN)
		warnings_add(&a->warnings, "%s", error);
	else if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		matching += wanted(a, &list[i]);
	if (matching > SOCKETS_MAX) {
		snprintf(error, 256, "%u interfaces match, %d can be captured one by one; use any", matching, SOCKETS_MAX);
		return -E2BIG;
	}
	share_ring(a, ring_bytes, matching);
	r = 0;
	for (size_t i = 0; i < n && r == 0; i++) {
		if (wanted(a, &list[i]))
			r = add_socket(a, &list[i], error);
		else if (iface_match_name(a->match, list[i].name))
			warnings_add(&a->warnings, "interface %s is down: waiting for it", list[i].name);
	}
	a->setup.ring_bytes = (u32)RING_MIN;
	return r;
}

static int open_sockets(struct afpacket *a, const struct capture_options *options, char error[256])
{
	struct iface *list;
	size_t n;
	int r = iface_list(&list, &n);
	if (r < 0) {
		snprintf(error, 256, "the interfaces cannot be listed: %s", strerror(-r));
		return r;
	}
	a->setup.loopback_index = 1; /* its index in every namespace the kernel makes */
	for (size_t i = 0; i < n; i++)
		if (list[i].loopback)
			a->setup.loopback_index = list[i].index;
	if (iface_match_is_any(a->match)) {
		share_ring(a, options->ring_bytes, 1);
		r = add_socket(a, NULL, error);
	} else {
		r = open_matching(a, options->ring_bytes, list, n, error);
		if (r == 0 && a->len == 0) /* a missing right, or a bad filter, is said now and not when an interface appears */
			r = afp_socket_check(&a->setup, error);
	}
	free(list);
	return r;
}

static void afpacket_close(struct capture *c)
{
	struct afpacket *a = (struct afpacket *)c;
	while (a->len)
		remove_socket(a, a->len - 1);
	if (a->watch >= 0)
		close(a->watch);
	iface_match_free(a->match);
	iface_names_free(a->names);
	free(a->filter);
	free(a);
}

extern const struct capture_engine capture_afpacket;

static int afpacket_open(struct capture_options *options, struct capture **ret)
{
	struct afpacket *a = calloc(1, sizeof(*a));
	char error[256] = "not enough memory";
	int r = -ENOMEM;
	if (!a)
		return r;
	a->base.engine = &capture_afpacket;
	a->watch = -1;
	a->poll_ms = options->poll_ms ? options->poll_ms : 5;
	a->names = iface_names_new();
	a->filter = strdup(options->filter ? options->filter : "");
	if (!a->names || !a->filter)
		goto fail;
	a->setup = (struct afp_setup){
		.filter = a->filter,
		.snaplen = options->snaplen,
		.worker = options->worker,
		.workers = options->workers,
		.fanout_id = options->fanout_id,
		.promiscuous = options->promiscuous,
	};
	r = iface_match_new(options->interfaces, &a->match, error);
	if (r < 0)
		goto fail;
	a->watch = link_watch_open(); /* before the interfaces are listed, so that none slips through */
	if (a->watch < 0)
		warnings_add(&a->warnings, "interfaces that appear later will not be noticed: %s", strerror(-a->watch));
	r = open_sockets(a, options, error);
	if (r < 0)
		goto fail;
	options->error[0] = '\0';
	*ret = &a->base;
	return 0;
fail:
	snprintf(options->error, sizeof(options->error), "%s", error);
	afpacket_close(&a->base);
	return r;
}

/* --- the rest --- */

static void afpacket_stats(struct capture *c, struct capture_stats *ret)
{
	struct afpacket *a = (struct afpacket *)c;
	*ret = a->closed;
	for (u32 i = 0; i < a->len; i++) {
		afp_socket_count(a->sockets[i]);
		add_counts(ret, a->sockets[i]);
	}
}

/* All sockets or none: a text that one of them cannot take leaves the others as they were. */
static int afpacket_set_filter(struct capture *c, const char *text, char error[256])
{
	struct afpacket *a = (struct afpacket *)c;
	char *copy = strdup(text ? text : ""), ignored[256];
	int r = copy ? 0 : -ENOMEM;
	u32 done = 0;
	error[0] = '\0';
	while (r == 0 && done < a->len) {
		r = afp_socket_set_filter(a->sockets[done], copy, error);
		done += r == 0;
	}
	if (r == 0 && a->len == 0 && copy[0])
		r = filter_check(copy, error);
	if (r < 0) {
		while (done > 0)
			afp_socket_set_filter(a->sockets[--done], a->filter, ignored);
		free(copy);
		return r;
	}
	if (error[0])
		warnings_add(&a->warnings, "%s", error);
	free(a->filter);
	a->filter = copy;
	a->setup.filter = copy;
	return 0;
}

static const char *afpacket_warning(struct capture *c)
{
	return warnings_next(&((struct afpacket *)c)->warnings);
}

static const char *afpacket_interface_name(struct capture *c, u16 ifindex)
{
	return iface_names_get(((struct afpacket *)c)->names, ifindex);
}

const struct capture_engine capture_afpacket = {
	.name = "afpacket",
	.live = true,
	.fanout = true,
	.open = afpacket_open,
	.poll = afpacket_poll,
	.stats = afpacket_stats,
	.set_filter = afpacket_set_filter,
	.warning = afpacket_warning,
	.interface_name = afpacket_interface_name,
	.close = afpacket_close,
};
#else
typedef int afpacket_is_for_linux;
#endif
