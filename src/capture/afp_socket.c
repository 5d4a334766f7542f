#ifdef __linux__
#include "capture/afp_socket.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "capture/afp_group.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23 /* since 4.20 */
#endif

#define SLL_BYTES 16
#define FRAME_BYTES 2048 /* only has to divide a block: packets are packed tightly */

static u64 now_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_nsec;
}

static int fail(char error[256], const char *what)
{
	int r = -errno;
	snprintf(error, 256, "%s: %s", what, strerror(-r));
	return r;
}

/* --- opening --- */

static int open_fd(struct afp_socket *s, char error[256])
{
	s->fd = socket(AF_PACKET, (s->cooked ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd >= 0)
		return 0;
	int r = -errno;
	char path[160] = "packetd";
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n > 0)
		path[n] = '\0';
	if (r == -EPERM || r == -EACCES)
		snprintf(error, 256, "no right to capture packets: run it with sudo, or once: sudo setcap cap_net_raw=ep %s", path);
	else
		snprintf(error, 256, "cannot open a packet socket: %s", strerror(-r));
	return r;
}

int afp_socket_check(const struct afp_setup *setup, char error[256])
{
	struct afp_socket s = { .cooked = true };
	int r = open_fd(&s, error);
	if (s.fd >= 0)
		close(s.fd);
	return r == 0 && setup->filter && *setup->filter ? filter_check(setup->filter, error) : r;
}

/* Interfaces with Ethernet headers (loopback has them too) are captured with them; all others, and all together, from
 * the network header on, with the rest of what is known in a cooked header: so the same filter text is right for each. */
static bool needs_cooking(const struct iface *iface)
{
	struct ifreq q = { 0 };
	if (!iface)
		return true;
	memcpy(q.ifr_name, iface->name, sizeof(q.ifr_name));
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = ioctl(fd, SIOCGIFHWADDR, &q);
	if (fd >= 0)
		close(fd);
	return r < 0 || (q.ifr_hwaddr.sa_family != ARPHRD_ETHER && q.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK);
}

/* As large as asked for, or as the kernel has memory for. */
static int open_ring(struct afp_socket *s, u32 bytes, char error[256])
{
	int version = TPACKET_V3, reserve = SLL_BYTES;
	if (setsockopt(s->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0)
		return fail(error, "the kernel has no TPACKET_V3 (Linux 3.2 and later); try the engine libpcap");
	if (s->cooked && setsockopt(s->fd, SOL_PACKET, PACKET_RESERVE, &reserve, sizeof(reserve)) < 0)
		return fail(error, "no room before the packets of a ring");
	u32 wanted = (u32)MAX(bytes / AFP_BLOCK_BYTES, (u64)AFP_BLOCKS_MIN);
	for (s->blocks = wanted; s->blocks >= AFP_BLOCKS_MIN; s->blocks /= 2) {
		struct tpacket_req3 q = {
			.tp_block_size = AFP_BLOCK_BYTES,
			.tp_block_nr = s->blocks,
			.tp_frame_size = FRAME_BYTES,
			.tp_frame_nr = (u32)(AFP_BLOCK_BYTES / FRAME_BYTES) * s->blocks,
			.tp_retire_blk_tov = AFP_TIMEOUT_MS,
		};
		if (setsockopt(s->fd, SOL_PACKET, PACKET_RX_RING, &q, sizeof(q)) == 0)
			break;
		if (errno != ENOMEM || s->blocks / 2 < AFP_BLOCKS_MIN)
			return fail(error, "the kernel gives no ring buffer");
	}
	void *ring = mmap(NULL, AFP_BLOCK_BYTES * s->blocks, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (ring == MAP_FAILED)
		return fail(error, "the ring buffer cannot be mapped");
	s->ring = ring;
	if (s->blocks < wanted)
		snprintf(error, 256, "%s: a ring of %llu KiB instead of %llu: the kernel has no more memory", s->name,
			 (unsigned long long)(s->blocks * AFP_BLOCK_BYTES / KIB), (unsigned long long)(wanted * AFP_BLOCK_BYTES / KIB));
	return 0;
}

/* Tries the program on the socket; one that the kernel finds too long runs in user space instead. */
static int try_program(const struct afp_socket *s, struct afp_program *p, char error[256])
{
	int r = afp_program_attach(p, s->fd);
	if (r < 0 && p->user.bf_len && !p->short_) {
		r = afp_program_shorten(p, &s->link, s->snaplen);
		if (r == 0)
			r = afp_program_attach(p, s->fd);
	}
	if (r < 0)
		snprintf(error, 256, "the kernel refuses the filter: %s", strerror(-r));
	else if (p->short_)
		snprintf(error, 256, "%s: the filter is too long for the kernel (%u instructions): it runs in user space", s->name, p->user.bf_len);
	return r;
}

static int bind_socket(struct afp_socket *s, const struct afp_setup *setup, char error[256])
{
	int one = 1;
	/* Alone on loopback: the kernel does not even copy what goes out. In a group this is ignored (afp_group.c). */
	if (s->index && s->loopback)
		setsockopt(s->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)s->index };
	if (bind(s->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return fail(error, s->name);
	struct packet_mreq promiscuous = { .mr_ifindex = (int)s->index, .mr_type = PACKET_MR_PROMISC };
	if (setup->promiscuous && s->index && !s->loopback &&
	    setsockopt(s->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) < 0)
		return fail(error, "promiscuous mode");
	return 0;
}

/* The link as the program sees it. Also in a group the prologue drops loopback's copy: old kernels ignore the flag. */
static void describe_link(struct afp_socket *s, const struct iface *iface, const struct afp_setup *setup)
{
	s->link = (struct afp_link){
		.name = iface ? s->name : NULL,
		.cooked = s->cooked,
		.drop_outgoing = !iface || s->loopback,
		.only_index = iface ? 0 : setup->loopback_index,
	};
	s->snaplen = setup->snaplen ? MIN(setup->snaplen, (u32)FILTER_SNAPLEN) : FILTER_SNAPLEN;
}

static int start(struct afp_socket *s, const struct afp_setup *setup, char error[256])
{
	if (setup->workers <= 1) {
		int r = bind_socket(s, setup, error);
		atomic_store(&s->armed, r == 0);
		return r;
	}
	int r = afp_program_attach_none(s->fd);
	if (r == 0)
		r = bind_socket(s, setup, error);
	if (r < 0)
		return r;
	r = afp_group_join(s, setup);
	if (r < 0)
		snprintf(error, 256, "%s: the kernel refuses to share its packets between workers: %s", s->name, strerror(-r));
	return r;
}

int afp_socket_open(struct afp_socket *s, const struct iface *iface, const struct afp_setup *setup, char error[256])
{
	*s = (struct afp_socket){ .fd = -1, .opened_at = now_ns(CLOCK_MONOTONIC) };
	error[0] = '\0';
	snprintf(s->name, sizeof(s->name), "%s", iface ? iface->name : "any");
	s->index = iface ? iface->index : 0;
	s->loopback = iface && iface->loopback;
	s->cooked = needs_cooking(iface);
	describe_link(s, iface, setup);
	int r = open_fd(s, error);
	if (r == 0)
		r = afp_program_build(&s->program, &s->link, setup->filter, s->snaplen, error);
	if (r == 0)
		r = open_ring(s, setup->ring_bytes, error);
	if (r == 0)
		r = try_program(s, &s->program, error);
	s->check_until = s->program.short_ ? UINT64_MAX : 0;
	if (r == 0)
		r = start(s, setup, error);
	if (r < 0)
		afp_socket_close(s);
	return r;
}

void afp_socket_close(struct afp_socket *s)
{
	afp_group_leave(s);
	if (s->ring)
		munmap(s->ring, AFP_BLOCK_BYTES * s->blocks);
	if (s->fd >= 0)
		close(s->fd);
	afp_program_done(&s->program);
	s->fd = -1;
	s->ring = NULL;
}

int afp_socket_arm(struct afp_socket *s)
{
	int r = atomic_load(&s->armed) ? 0 : afp_program_attach(&s->program, s->fd);
	if (r == 0)
		atomic_store(&s->armed, true);
	return r;
}

int afp_socket_set_filter(struct afp_socket *s, const char *text, char error[256])
{
	struct afp_program program, old;
	int r = afp_program_build(&program, &s->link, text, s->snaplen, error);
	if (r < 0)
		return r;
	error[0] = '\0';
	afp_group_lock();
	r = try_program(s, &program, error);
	if (!atomic_load(&s->armed))
		afp_program_attach_none(s->fd);
	old = r < 0 ? program : s->program;
	if (r == 0)
		s->program = program;
	afp_group_unlock();
	afp_program_done(&old);
	if (r == 0)
		s->check_until = s->program.short_ ? UINT64_MAX : now_ns(CLOCK_REALTIME);
	return r;
}

/* --- reading --- */

static struct tpacket_block_desc *block_at(const struct afp_socket *s, u32 n)
{
	return (struct tpacket_block_desc *)(void *)(s->ring + (size_t)n * AFP_BLOCK_BYTES);
}

void afp_socket_release(struct afp_socket *s)
{
	for (; s->held; s->held--) {
		u32 n = (s->block + s->blocks - s->held) % s->blocks;
		__atomic_store_n(&block_at(s, n)->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	}
}

/* The next block the kernel has filled; false when there is none, or all are held. */
static bool next_block(struct afp_socket *s)
{
	if (s->held == s->blocks)
		return false;
	struct tpacket_block_desc *b = block_at(s, s->block);
	if (!(__atomic_load_n(&b->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return false;
	s->left = b->hdr.bh1.num_pkts;
	s->next = (const void *)((const u8 *)b + b->hdr.bh1.offset_to_first_pkt);
	return true;
}

static void block_done(struct afp_socket *s)
{
	s->block = (s->block + 1) % s->blocks;
	s->held++;
}

static void put16(u8 *to, u16 v)
{
	to[0] = (u8)(v >> 8);
	to[1] = (u8)v;
}

/* The cooked header goes where the kernel left room for it, just before the network header: the kernel's own words
 * (struct sockaddr_ll) are further up. */
static void cook(struct packet *p, const struct sockaddr_ll *from)
{
	u8 *h = (u8 *)(uintptr_t)p->data - SLL_BYTES;
	u8 address[8];
	memcpy(address, from->sll_addr, sizeof(address));
	u16 halen = from->sll_halen, hatype = from->sll_hatype, pkttype = from->sll_pkttype;
	u16 protocol = from->sll_protocol;
	put16(h, pkttype);
	put16(h + 2, hatype);
	put16(h + 4, halen);
	memcpy(h + 6, address, sizeof(address));
	memcpy(h + 14, &protocol, 2); /* network order already */
	p->data = h;
	p->caplen += SLL_BYTES;
	p->len += SLL_BYTES;
	p->linktype = LINKTYPE_LINUX_SLL;
}

static inline u64 packet_ts(const struct tpacket3_hdr *h)
{
	return h->tp_sec * NS_PER_SEC + h->tp_nsec;
}

static inline void fill_packet(const struct afp_socket *s, struct iface_names *names, const struct tpacket3_hdr *h, struct packet *p)
{
	const struct sockaddr_ll *from = (const void *)((const u8 *)h + TPACKET_ALIGN(sizeof(*h)));
	bool loopback = s->loopback || (!s->index && (u32)from->sll_ifindex == s->link.only_index);
	*p = (struct packet){
		.ts = packet_ts(h),
		.data = (const u8 *)h + h->tp_mac,
		.caplen = h->tp_snaplen,
		.len = h->tp_len,
		.linktype = LINKTYPE_ETHERNET,
		.ifindex = s->index ? s->id : iface_names_id(names, (u32)from->sll_ifindex),
		.vlan_tci = h->tp_status & TP_STATUS_VLAN_VALID ? (u16)h->hv1.tp_vlan_tci : 0,
		/* What comes in on loopback also went out there: it has no direction. */
		.direction = loopback ? PACKET_UNKNOWN : from->sll_pkttype == PACKET_OUTGOING ? PACKET_OUT : PACKET_IN,
	};
	if (s->cooked)
		cook(p, from);
}

/* Packets that an older filter may have let through, or all when the kernel does not filter. */
static bool matches_now(struct afp_socket *s, const struct packet *p)
{
	if (!s->program.user.bf_len || filter_match(&s->program.user, p->data, p->len, p->caplen))
		return true;
	s->filtered++;
	return false;
}

/* Whether there is a packet at s->next. */
static bool ready(struct afp_socket *s)
{
	while (s->left == 0) {
		if (!next_block(s))
			return false;
		if (s->left == 0)
			block_done(s);
	}
	return true;
}

u64 afp_socket_next(struct afp_socket *s)
{
	if (ready(s))
		return packet_ts(s->next);
	return s->held == s->blocks ? 0 : UINT64_MAX;
}

int afp_socket_take(struct afp_socket *s, struct iface_names *names, struct packet *out, int max, u64 until)
{
	int n = 0;
	while (n < max && ready(s) && packet_ts(s->next) <= until) {
		const struct tpacket3_hdr *h = s->next;
		s->next = (const void *)((const u8 *)h + h->tp_next_offset);
		if (s->left > 1)
			__builtin_prefetch(s->next);
		fill_packet(s, names, h, &out[n]);
		if (likely(out[n].ts > s->check_until) || matches_now(s, &out[n]))
			n++;
		if (--s->left == 0)
			block_done(s);
	}
	return n;
}

void afp_socket_count(struct afp_socket *s)
{
	struct tpacket_stats_v3 st;
	socklen_t n = sizeof(st);
	if (s->fd < 0 || getsockopt(s->fd, SOL_PACKET, PACKET_STATISTICS, &st, &n) < 0)
		return;
	s->received += st.tp_packets - st.tp_drops; /* the former includes the latter */
	s->dropped += st.tp_drops;
}
#else
typedef int afp_socket_is_for_linux;
#endif
