/* The engine "libpcap": portable live capture, one handle an interface. Packets are copied into a buffer of ours, so that
 * they stay valid until the next poll as the contract says: libpcap's own are gone with the next one. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#ifdef __linux__
#include <linux/if_packet.h>
#include <sys/socket.h>
#endif

#include "capture/capture.h"
#include "capture/filter.h"
#include "capture/iface.h"
#include "capture/warnings.h"
#include "util/bytes.h"

#define HANDLES_MAX 64
#define BUFFER_BYTES MIB         /* of the copies of one batch */
#define PACKET_MAX (256 * KIB)   /* the largest snaplen; as much stays free for the next packet */
#define RING_DEFAULT (8 * MIB)
#define RING_MIN MIB
#define DELIVER_MS 5             /* a packet waits this long for others at the most */
#define ORDER_NS (20 * NS_PER_MS) /* what an interface captured is handed over by the kernel within this time */
#define RESCAN_NS NS_PER_SEC     /* how often new interfaces are looked for */
#if defined(__linux__) && !defined(PACKET_IGNORE_OUTGOING)
#define PACKET_IGNORE_OUTGOING 23 /* since 4.20 */
#endif

struct handle {
	pcap_t *pcap;
	int fd;       /* to wait for; -1 where the system has none */
	u32 index;
	u16 linktype;
	u16 id;
	struct pcap_pkthdr *next; /* the packet that comes next, when there are several handles; NULL none */
	const u_char *next_data;
	bool nano;    /* its times are in ns */
	bool gone;
	u32 drops;    /* what pcap_stats last said: 32 bits, which wrap */
	char name[IF_NAMESIZE];
};

struct libpcap {
	struct capture base;
	struct iface_match *match;
	struct iface_names *names;
	char *filter;
	u32 snaplen, ring, poll_ms;
	bool promiscuous;
	bool idle; /* a worker with nothing to do: this engine cannot share traffic */
	u8 *buf;
	u32 used;
	struct packet *out; /* of the poll that runs */
	int n, max;
	struct handle *current;
	u32 len;
	u64 held_back; /* the oldest packet that waits for others; UINT64_MAX none */
	u64 scanned_at;
	struct capture_stats stats;
	struct warnings warnings;
	struct handle handles[HANDLES_MAX];
};

static u64 clock_ns(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_nsec;
}

/* --- handles --- */

/* libpcap's numbers to those in files, where they differ. */
static u16 dlt_to_linktype(int dlt)
{
	if (dlt == DLT_RAW || dlt == 14)
		return LINKTYPE_RAW;
	return dlt == DLT_LOOP ? LINKTYPE_LOOP : dlt == DLT_PPP_SERIAL ? LINKTYPE_PPP_HDLC : (u16)dlt;
}

static int open_error(int status, pcap_t *p, const char *name, char error[256])
{
	if (status == PCAP_ERROR_PERM_DENIED)
		snprintf(error, 256, "no right to capture on %s: run it with sudo, or once: sudo setcap cap_net_raw=ep packetd", name);
	else
		snprintf(error, 256, "%s: %.60s: %.150s", name, pcap_statustostr(status), pcap_geterr(p));
	switch (status) {
	case PCAP_ERROR_PERM_DENIED:
		return -EPERM;
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return -ENODEV;
	case PCAP_ERROR_IFACE_NOT_UP:
		return -ENETDOWN;
	default:
		return -EIO;
	}
}

static int set_pcap_filter(pcap_t *p, const char *name, const char *text, char error[256])
{
	struct bpf_program program;
	if (pcap_compile(p, &program, text, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		snprintf(error, 256, "filter \"%.120s\": %.100s", text, pcap_geterr(p));
		return -EINVAL;
	}
	int r = pcap_setfilter(p, &program);
	pcap_freecode(&program);
	if (r == 0)
		return 0;
	snprintf(error, 256, "%s: the filter cannot be set: %.150s", name, pcap_geterr(p));
	return -EIO;
}

/* Settings and activation; ns where they are to be had. */
static int activate(struct libpcap *l, pcap_t *p, const char *name, char error[256])
{
	pcap_set_snaplen(p, (int)l->snaplen);
	pcap_set_promisc(p, l->promiscuous);
	pcap_set_timeout(p, DELIVER_MS);
	pcap_set_buffer_size(p, (int)l->ring);
	pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO);
	int status = pcap_activate(p);
	if (status < 0)
		return open_error(status, p, name, error);
#ifdef DLT_LINUX_SLL2
	if (pcap_datalink(p) == DLT_LINUX_SLL)
		pcap_set_datalink(p, DLT_LINUX_SLL2); /* tells the interface of each packet */
#endif
	char why[PCAP_ERRBUF_SIZE];
	if (pcap_setnonblock(p, 1, why) < 0) {
		snprintf(error, 256, "%s: %.200s", name, why);
		return -EIO;
	}
	return set_pcap_filter(p, name, l->filter, error);
}

/* libpcap itself leaves out the outgoing copy on loopback, but only after the kernel has delivered and counted it: the ring holds
 * half as much, and drops are twice what was lost. */
static void ignore_outgoing(pcap_t *p)
{
#ifdef __linux__
	static const int one = 1;
	setsockopt(pcap_fileno(p), SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
#endif
}

/* `iface` NULL: libpcap's pseudo-interface "any". */
static int add_handle(struct libpcap *l, const struct iface *iface, char error[256])
{
	char why[PCAP_ERRBUF_SIZE];
	const char *name = iface ? iface->name : "any";
	u32 index = iface ? iface->index : 0;
	if (l->len == HANDLES_MAX) {
		snprintf(error, 256, "more than %d interfaces; use any", HANDLES_MAX);
		return -E2BIG;
	}
	pcap_t *p = pcap_create(name, why);
	if (!p) {
		snprintf(error, 256, "%s: %.200s", name, why);
		return -EIO;
	}
	int r = activate(l, p, name, error);
	if (r < 0) {
		pcap_close(p);
		return r;
	}
	if (iface && iface->loopback)
		ignore_outgoing(p);
	struct handle *h = &l->handles[l->len++];
	*h = (struct handle){
		.pcap = p,
		.fd = pcap_get_selectable_fd(p),
		.index = index,
		.linktype = dlt_to_linktype(pcap_datalink(p)),
		.id = index ? iface_names_id(l->names, index) : 0,
		.nano = pcap_get_tstamp_precision(p) == PCAP_TSTAMP_PRECISION_NANO,
	};
	snprintf(h->name, sizeof(h->name), "%s", name);
	return 0;
}

static void count_drops(struct libpcap *l, struct handle *h)
{
	struct pcap_stat st;
	if (pcap_stats(h->pcap, &st) < 0)
		return;
	l->stats.dropped += (u32)(st.ps_drop - h->drops);
	h->drops = st.ps_drop;
}

static void remove_handle(struct libpcap *l, u32 at)
{
	count_drops(l, &l->handles[at]);
	pcap_close(l->handles[at].pcap);
	l->handles[at] = l->handles[--l->len];
}

/* --- interfaces that come and go --- */

static bool is_open(const struct libpcap *l, const struct iface *iface)
{
	for (u32 i = 0; i < l->len; i++)
		if (l->handles[i].index == iface->index)
			return true;
	return false;
}

/* Whether everything is captured through one handle of all interfaces, which only Linux has. */
static bool has_any(const struct libpcap *l)
{
#ifdef __linux__
	return iface_match_is_any(l->match);
#else
	return false;
#endif
}

static void close_gone(struct libpcap *l, const struct iface *list, size_t n)
{
	for (u32 i = l->len; i-- > 0;) {
		struct handle *h = &l->handles[i];
		bool there = false;
		for (size_t k = 0; k < n && !there; k++)
			there = list[k].index == h->index && iface_match_name(l->match, list[k].name);
		if ((there && !h->gone) || h->next)
			continue;
		warnings_add(&l->warnings, "interface %s is gone", h->name);
		remove_handle(l, i);
	}
}

static void rescan(struct libpcap *l)
{
	struct iface *list;
	size_t n;
	char error[256];
	u64 now = clock_ns(CLOCK_MONOTONIC);
	if (now - l->scanned_at < RESCAN_NS)
		return;
	l->scanned_at = now;
	iface_names_refresh(l->names);
	if (has_any(l) || iface_list(&list, &n) < 0)
		return;
	close_gone(l, list, n);
	for (size_t i = 0; i < n && l->len < HANDLES_MAX; i++) {
		if (!list[i].up || !iface_match_name(l->match, list[i].name) || is_open(l, &list[i]))
			continue;
		if (add_handle(l, &list[i], error) == 0)
			warnings_add(&l->warnings, "interface %s has appeared", list[i].name);
	}
	free(list);
}

/* --- polling --- */

static u64 packet_ts(const struct handle *h, const struct pcap_pkthdr *p)
{
	return (u64)p->ts.tv_sec * NS_PER_SEC + (u64)p->ts.tv_usec * (h->nano ? 1 : NS_PER_US);
}

static void on_packet(u_char *arg, const struct pcap_pkthdr *h, const u_char *data)
{
	struct libpcap *l = (struct libpcap *)(void *)arg;
	const struct handle *from = l->current;
	u32 caplen = MIN(h->caplen, (u32)PACKET_MAX);
	u8 *copy = l->buf + l->used;
	memcpy(copy, data, caplen);
	l->used += (caplen + 7) & ~7u;
	u16 ifindex = from->id;
	if (from->linktype == LINKTYPE_LINUX_SLL2 && caplen >= 20)
		ifindex = iface_names_id(l->names, be32(copy + 4));
	l->out[l->n++] = (struct packet){
		.ts = packet_ts(from, h),
		.data = copy,
		.caplen = caplen,
		.len = MAX(h->len, caplen),
		.linktype = from->linktype,
		.ifindex = ifindex,
	};
	/* The next one must fit whatever its size. */
	if (l->used > BUFFER_BYTES - PACKET_MAX)
		pcap_breakloop(from->pcap);
}

static bool room(const struct libpcap *l)
{
	return l->n < l->max && l->used <= BUFFER_BYTES - PACKET_MAX;
}

static void handle_failed(struct libpcap *l, struct handle *h)
{
	warnings_add(&l->warnings, "%s: %.200s", h->name, pcap_geterr(h->pcap));
	h->gone = true; /* closed, and perhaps opened again, by the next scan */
}

static void look_at_next(struct libpcap *l, struct handle *h)
{
	if (h->next || h->gone)
		return;
	int r = pcap_next_ex(h->pcap, &h->next, &h->next_data);
	if (r != 1)
		h->next = NULL;
	if (r == PCAP_ERROR)
		handle_failed(l, h);
}

/* Packets of several interfaces in the order of their times: a request is often seen on one, its answer on another. One is held
 * back while a handle with nothing to show may still be handed an older one. */
static void take_in_order(struct libpcap *l)
{
	u64 quiet = clock_ns(CLOCK_REALTIME) - ORDER_NS;
	l->held_back = UINT64_MAX;
	for (u32 i = 0; i < l->len; i++)
		look_at_next(l, &l->handles[i]);
	while (room(l)) {
		struct handle *first = NULL;
		bool empty = false;
		for (u32 i = 0; i < l->len; i++) {
			struct handle *h = &l->handles[i];
			if (h->next && (!first || packet_ts(h, h->next) < packet_ts(first, first->next)))
				first = h;
			empty = empty || !h->next;
		}
		if (!first)
			return;
		u64 ts = packet_ts(first, first->next);
		if (empty && ts > quiet && ts < quiet + NS_PER_SEC) { /* later than that: somebody has set the clock back */
			l->held_back = ts;
			return;
		}
		l->current = first;
		on_packet((u_char *)l, first->next, first->next_data);
		first->next = NULL;
		look_at_next(l, first);
	}
}

static void take(struct libpcap *l)
{
	struct handle *h = &l->handles[0];
	l->held_back = UINT64_MAX;
	if (l->len > 1 || (l->len == 1 && h->next)) {
		take_in_order(l);
		return;
	}
	if (!l->len || h->gone || !room(l))
		return;
	l->current = h;
	if (pcap_dispatch(h->pcap, l->max - l->n, on_packet, (u_char *)l) == PCAP_ERROR)
		handle_failed(l, h);
}

static int wait_for_packets(struct libpcap *l, u64 ms)
{
	struct pollfd fds[HANDLES_MAX];
	u64 now = clock_ns(CLOCK_REALTIME), due = l->held_back == UINT64_MAX ? UINT64_MAX : l->held_back + ORDER_NS;
	for (u32 i = 0; i < l->len; i++) {
		const struct handle *h = &l->handles[i];
		fds[i] = (struct pollfd){ .fd = h->gone || h->next ? -1 : h->fd, .events = POLLIN };
	}
	if (due != UINT64_MAX)
		ms = MIN(ms, due > now ? (due - now) / NS_PER_MS + 1 : 1);
	if (poll(fds, l->len, (int)ms) < 0)
		return errno == EINTR ? 0 : -errno;
	return 0;
}

static int libpcap_poll(struct capture *c, struct packet *out, int max)
{
	struct libpcap *l = (struct libpcap *)c;
	l->out = out;
	l->max = max;
	l->n = 0;
	l->used = 0;
	if (!l->idle)
		rescan(l);
	take(l);
	u64 now = clock_ns(CLOCK_MONOTONIC), end = now + l->poll_ms * NS_PER_MS;
	for (bool more = l->n == 0; more; more = l->n == 0 && l->held_back != UINT64_MAX && now < end) {
		int r = wait_for_packets(l, (end - now + NS_PER_MS - 1) / NS_PER_MS);
		if (r < 0)
			return r;
		take(l);
		now = clock_ns(CLOCK_MONOTONIC);
	}
	l->stats.received += (u64)l->n;
	return l->n;
}

/* --- opening --- */

static int open_matching(struct libpcap *l, u32 ring_bytes, char error[256])
{
	struct iface *list;
	size_t n;
	u32 matching = 0;
	int r = iface_list(&list, &n);
	if (r < 0) {
		snprintf(error, 256, "the interfaces cannot be listed: %s", strerror(-r));
		return r;
	}
	r = iface_match_check(l->match, list, n, error);
	if (r == -EAGAIN) {
		warnings_add(&l->warnings, "%s", error);
		r = *l->filter ? filter_check(l->filter, error) : 0;
	}
	for (size_t i = 0; i < n; i++)
		matching += list[i].up && iface_match_name(l->match, list[i].name);
	l->ring = (u32)MAX((ring_bytes ? ring_bytes : RING_DEFAULT) / MAX(matching, 1u), RING_MIN);
	for (size_t i = 0; i < n && r == 0; i++)
		if (list[i].up && iface_match_name(l->match, list[i].name))
			r = add_handle(l, &list[i], error);
	l->ring = (u32)RING_MIN;
	free(list);
	return r;
}

static int open_handles(struct libpcap *l, const struct capture_options *options, char error[256])
{
	l->scanned_at = clock_ns(CLOCK_MONOTONIC);
	int r = iface_match_new(options->interfaces, &l->match, error);
	if (r < 0)
		return r;
	l->idle = options->worker > 0;
	if (l->idle)
		return 0;
	l->ring = (u32)MAX(options->ring_bytes ? options->ring_bytes : RING_DEFAULT, RING_MIN);
	return has_any(l) ? add_handle(l, NULL, error) : open_matching(l, options->ring_bytes, error);
}

static void libpcap_close(struct capture *c)
{
	struct libpcap *l = (struct libpcap *)c;
	while (l->len)
		remove_handle(l, l->len - 1);
	iface_match_free(l->match);
	iface_names_free(l->names);
	free(l->filter);
	if (l->buf)
		munmap(l->buf, BUFFER_BYTES);
	free(l);
}

extern const struct capture_engine capture_libpcap;

static int libpcap_open(struct capture_options *options, struct capture **ret)
{
	struct libpcap *l = calloc(1, sizeof(*l));
	char error[256] = "not enough memory";
	int r = -ENOMEM;
	if (!l)
		return r;
	l->base.engine = &capture_libpcap;
	l->names = iface_names_new();
	l->filter = strdup(options->filter ? options->filter : "");
	l->snaplen = options->snaplen ? MIN(options->snaplen, (u32)PACKET_MAX) : (u32)PACKET_MAX;
	l->poll_ms = options->poll_ms ? options->poll_ms : 5;
	l->promiscuous = options->promiscuous;
	void *buf = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	l->buf = buf == MAP_FAILED ? NULL : buf;
	if (l->names && l->filter && l->buf)
		r = open_handles(l, options, error);
	if (r < 0) {
		snprintf(options->error, sizeof(options->error), "%s", error);
		libpcap_close(&l->base);
		return r;
	}
	options->error[0] = '\0';
	*ret = &l->base;
	return 0;
}

/* --- the rest --- */

static void libpcap_stats(struct capture *c, struct capture_stats *ret)
{
	struct libpcap *l = (struct libpcap *)c;
	for (u32 i = 0; i < l->len; i++)
		count_drops(l, &l->handles[i]);
	*ret = l->stats;
}

static int libpcap_set_filter(struct capture *c, const char *text, char error[256])
{
	struct libpcap *l = (struct libpcap *)c;
	char *copy = strdup(text ? text : ""), ignored[256];
	int r = copy ? 0 : -ENOMEM;
	u32 done = 0;
	error[0] = '\0';
	while (r == 0 && done < l->len) {
		r = set_pcap_filter(l->handles[done].pcap, l->handles[done].name, copy, error);
		done += r == 0;
	}
	if (r == 0 && l->len == 0 && *copy)
		r = filter_check(copy, error);
	while (r < 0 && done > 0) {
		done--;
		set_pcap_filter(l->handles[done].pcap, l->handles[done].name, l->filter, ignored);
	}
	if (r < 0) {
		free(copy);
		return r;
	}
	free(l->filter);
	l->filter = copy;
	return 0;
}

static const char *libpcap_warning(struct capture *c)
{
	return warnings_next(&((struct libpcap *)c)->warnings);
}

static const char *libpcap_interface_name(struct capture *c, u16 ifindex)
{
	return iface_names_get(((struct libpcap *)c)->names, ifindex);
}

const struct capture_engine capture_libpcap = {
	.name = "libpcap",
	.live = true,
	.open = libpcap_open,
	.poll = libpcap_poll,
	.stats = libpcap_stats,
	.set_filter = libpcap_set_filter,
	.warning = libpcap_warning,
	.interface_name = libpcap_interface_name,
	.close = libpcap_close,
};
