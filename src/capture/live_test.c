/* The live engines on loopback, over a veth pair into another network namespace, and on a TUN device: every datagram
 * exactly once, both directions of a flow on one worker, interfaces that come and go. In a network namespace of its
 * own; skipped where that cannot be made. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pwd.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/capture.h"
#include "util/bytes.h"

#ifdef __linux__
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#endif

#define NUMBERS_MAX 65536
#define FLOWS 64
#define WORKERS 4
#define MARK 0x7061636bu /* begins the payload of each of our datagrams */

static bool ready; /* we are in a namespace of our own */
static u16 next_fanout = 100;

/* What was seen: of each number how often, and by which worker. */
static struct {
	u16 seen[NUMBERS_MAX];
	u8 worker[NUMBERS_MAX];
	u16 ifindex[NUMBERS_MAX];
	u16 vlan[NUMBERS_MAX];
	u8 direction[NUMBERS_MAX];
	u32 total;  /* our datagrams */
	u32 others; /* other UDP packets */
	u32 delivered;
} got;

struct run {
	const struct capture_engine *engine;
	struct capture *captures[WORKERS];
	u32 workers;
};

/* --- network --- */

static int sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int sh(const char *format, ...)
{
	char command[512];
	va_list ap;
	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	int r = system(command);
	return WIFEXITED(r) ? WEXITSTATUS(r) : -1;
}

static int udp_socket(const char *address, u16 port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	inet_pton(AF_INET, address, &to.sin_addr);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* A datagram whose payload is our mark, its number, and filling. */
static void send_number(int fd, const char *address, u16 port, u32 number, size_t size)
{
	static u8 payload[65000];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	inet_pton(AF_INET, address, &to.sin_addr);
	u32 head[2] = { htonl(MARK), htonl(number) };
	memcpy(payload, head, 8);
	for (size_t i = 8; i < size; i++)
		payload[i] = (u8)(number + i);
	ssize_t n = sendto(fd, payload, MAX(size, 8), 0, (struct sockaddr *)&to, sizeof(to));
	if (n < 0 && errno != ECONNREFUSED)
		fail_msg("sendto: %s", strerror(errno));
}

/* --- capture --- */

static void count_packet(const struct packet *p, u32 worker)
{
	u32 skip = p->linktype == LINKTYPE_ETHERNET ? 14 : p->linktype == LINKTYPE_LINUX_SLL ? 16 : 20;
	const u8 *ip = p->data + skip;
	u32 kind = p->linktype == LINKTYPE_LINUX_SLL2 ? be16(p->data) : be16(ip - 2);
	assert_true(p->caplen <= p->len && p->caplen > skip);
	if (kind == 0x8100) /* libpcap puts the tag back */
		kind = be16(ip += 2), ip += 2;
	if (kind != 0x0800 || ip[0] != 0x45 || ip[9] != 17)
		return;
	if (p->caplen < (size_t)(ip - p->data) + 36 || be32(ip + 28) != MARK) {
		got.others++;
		return;
	}
	u32 number = be32(ip + 32), size = be16(ip + 2) - 28u;
	assert_true(number < NUMBERS_MAX);
	if (p->caplen == p->len)
		for (u32 i = 8; i < size; i++)
			if (ip[28 + i] != (u8)(number + i))
				fail_msg("datagram %u differs at byte %u", number, i);
	got.seen[number]++;
	got.worker[number] = (u8)worker;
	got.ifindex[number] = p->ifindex;
	got.direction[number] = p->direction;
	got.vlan[number] = p->vlan_tci;
	got.total++;
}

static u64 now_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_nsec;
}

static void poll_once(struct run *r)
{
	struct packet batch[CAPTURE_BATCH];
	for (u32 w = 0; w < r->workers; w++) {
		int n = r->engine->poll(r->captures[w], batch, CAPTURE_BATCH);
		if (n < 0)
			fail_msg("poll: %s", strerror(-n));
		for (int i = 0; i < n; i++) {
			u64 now = now_ns(CLOCK_REALTIME);
			assert_true(batch[i].ts <= now + NS_PER_SEC && batch[i].ts + 60 * NS_PER_SEC > now);
			count_packet(&batch[i], w);
		}
		got.delivered += (u32)n;
	}
}

/* Until as many datagrams were seen, or nothing more comes; then a while longer, to see what should not come. */
static void collect(struct run *r, u32 until)
{
	u64 deadline = now_ns(CLOCK_MONOTONIC) + 10 * NS_PER_SEC;
	while (got.total < until && now_ns(CLOCK_MONOTONIC) < deadline)
		poll_once(r);
	deadline = now_ns(CLOCK_MONOTONIC) + 100 * NS_PER_MS;
	while (now_ns(CLOCK_MONOTONIC) < deadline)
		poll_once(r);
}

static void start(struct run *r, const char *engine, u32 workers, const char *interfaces, const char *filter)
{
	memset(&got, 0, sizeof(got));
	*r = (struct run){ .engine = capture_engine_find(engine), .workers = workers };
	next_fanout++;
	for (u32 w = 0; w < workers; w++) {
		struct capture_options o = {
			.interfaces = interfaces, .filter = filter, .worker = (u16)w, .workers = (u16)workers, .fanout_id = next_fanout
		};
		int rc = r->engine->open(&o, &r->captures[w]);
		if (rc < 0)
			fail_msg("%s on %s: %s", engine, interfaces, o.error);
	}
}

static struct capture_stats stop(struct run *r)
{
	struct capture_stats sum = { 0 }, one;
	for (u32 w = 0; w < r->workers; w++) {
		r->engine->stats(r->captures[w], &one);
		sum.received += one.received;
		sum.dropped += one.dropped;
		sum.filtered += one.filtered;
		r->engine->close(r->captures[w]);
	}
	return sum;
}

static bool warned(struct run *r, const char *what)
{
	bool found = false;
	for (u32 w = 0; w < r->workers; w++)
		for (const char *text; (text = r->engine->warning(r->captures[w]));)
			found = found || strstr(text, what);
	return found;
}

static void expect_once(u32 from, u32 to)
{
	for (u32 i = from; i < to; i++)
		if (got.seen[i] != 1)
			fail_msg("datagram %u was seen %u times", i, got.seen[i]);
}

/* --- loopback --- */

static const struct form {
	const char *engine, *interfaces;
	u32 workers;
} forms[] = {
	{ "afpacket", "lo", 1 },     { "afpacket", "any", 1 }, { "afpacket", "lo", 2 },	 { "afpacket", "any", 2 },
	{ "afpacket", "lo|eth.*", 2 }, { "libpcap", "lo", 1 },	 { "libpcap", "any", 1 }, { "libpcap", "any", 2 },
};

/* Datagrams of many sizes: each once. */
static void test_loopback_once(void **state)
{
	if (!ready)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct run r;
		start(&r, forms[i].engine, forms[i].workers, forms[i].interfaces, "udp port 5000");
		int from = udp_socket("127.0.0.1", 0), to = udp_socket("127.0.0.1", 5000);
		for (u32 k = 0; k < 600; k++) {
			send_number(from, "127.0.0.1", 5000, k, k % 50 == 3 ? 64000 : 8 + k * 3);
			if (k % 16 == 0)
				poll_once(&r);
		}
		collect(&r, 600);
		expect_once(0, 600);
		assert_int_equal(got.total, 600);
		assert_int_equal(got.ifindex[0], if_nametoindex("lo"));
		assert_string_equal(r.engine->interface_name(r.captures[0], got.ifindex[0]), "lo");
		struct capture_stats st = stop(&r);
		assert_int_equal(st.received, got.delivered);
		assert_int_equal(st.dropped, 0);
		close(from);
		close(to);
	}
}

/* Requests and answers of many flows: a flow belongs to one worker, and both workers have some. */
static void test_loopback_flows(void **state)
{
	if (!ready)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct run r;
		u32 share[WORKERS] = { 0 };
		if (strcmp(forms[i].engine, "afpacket") != 0)
			continue;
		int fds[FLOWS], server = udp_socket("127.0.0.1", 5000);
		start(&r, forms[i].engine, forms[i].workers, forms[i].interfaces, NULL);
		for (u32 f = 0; f < FLOWS; f++) {
			fds[f] = udp_socket("127.0.0.1", (u16)(20000 + f));
			send_number(fds[f], "127.0.0.1", 5000, 2 * f, 100);
			send_number(server, "127.0.0.1", (u16)(20000 + f), 2 * f + 1, 900);
		}
		collect(&r, 2 * FLOWS);
		expect_once(0, 2 * FLOWS);
		for (u32 f = 0; f < FLOWS; f++) {
			assert_int_equal(got.worker[2 * f], got.worker[2 * f + 1]);
			share[got.worker[2 * f]]++;
			close(fds[f]);
		}
		for (u32 w = 0; w < forms[i].workers; w++)
			assert_true(share[w] > 0);
		stop(&r);
		close(server);
	}
}

/* More than the ring holds: what was not delivered was counted as dropped, and nothing twice. */
static void test_drops_are_counted(void **state)
{
	if (!ready)
		skip();
	struct run r = { .engine = capture_engine_find("afpacket"), .workers = 1 };
	struct capture_options o = { .interfaces = "lo", .filter = "udp dst port 5000", .ring_bytes = MIB };
	memset(&got, 0, sizeof(got));
	assert_int_equal(r.engine->open(&o, &r.captures[0]), 0);
	int from = udp_socket("127.0.0.1", 0), to = udp_socket("127.0.0.1", 5000);
	struct capture_stats st;
	for (u32 k = 0; k < 5000; k++) {
		send_number(from, "127.0.0.1", 5000, k, 1400);
		if (k == 2500) /* reading the counters resets the kernel's */
			r.engine->stats(r.captures[0], &st);
	}
	collect(&r, 0);
	st = stop(&r);
	assert_true(st.dropped > 1000);
	assert_int_equal(st.received, got.total);
	assert_int_equal(st.received + st.dropped, 5000);
	close(from);
	close(to);
}

/* Views stay what they are until the next poll, also when a batch spans many blocks. */
static void test_views_last(void **state)
{
	if (!ready)
		skip();
	struct run r;
	start(&r, "afpacket", 1, "lo", "udp dst port 5000");
	int from = udp_socket("127.0.0.1", 0), to = udp_socket("127.0.0.1", 5000);
	for (u32 k = 0; k < 60; k++)
		send_number(from, "127.0.0.1", 5000, k, 30000); /* a block holds eight */
	usleep(50000);
	struct packet batch[CAPTURE_BATCH];
	int n = r.engine->poll(r.captures[0], batch, CAPTURE_BATCH);
	assert_true(n > 30);
	for (u32 k = 100; k < 1000; k++)
		send_number(from, "127.0.0.1", 5000, k, 30000);
	for (int i = 0; i < n; i++)
		count_packet(&batch[i], 0);
	expect_once(0, (u32)n);
	stop(&r);
	close(from);
	close(to);
}

/* --- filters --- */

static void test_filters(void **state)
{
	static const char *const interfaces[] = { "lo", "any" };
	if (!ready)
		skip();
	int from = udp_socket("127.0.0.1", 0);
	for (size_t i = 0; i < 4; i++) {
		struct run r;
		char error[256];
		start(&r, i < 2 ? "afpacket" : "libpcap", 1, interfaces[i % 2], "udp dst port 6001 and src host 127.0.0.1");
		for (u32 k = 0; k < 200; k++)
			send_number(from, "127.0.0.1", (u16)(6000 + k % 2), k, 100);
		collect(&r, 100);
		assert_int_equal(got.total, 100);
		assert_int_equal(got.seen[1], 1);
		assert_int_equal(r.engine->set_filter(r.captures[0], "udp prt 5", error), -EINVAL);
		assert_non_null(strstr(error, "syntax"));
		for (u32 k = 200; k < 300; k++) /* in the ring when the filter changes */
			send_number(from, "127.0.0.1", (u16)(6000 + k % 2), k, 100);
		assert_int_equal(r.engine->set_filter(r.captures[0], "udp dst port 6000", error), 0);
		for (u32 k = 300; k < 400; k++)
			send_number(from, "127.0.0.1", (u16)(6000 + k % 2), k, 100);
		collect(&r, 150);
		assert_int_equal(got.total, 150);
		assert_int_equal(got.seen[201], 0); /* matched the old filter only */
		assert_int_equal(got.seen[398], 1);
		assert_int_equal(got.seen[399], 0);
		struct capture_stats st = stop(&r);
		assert_int_equal(st.received, got.delivered);
	}
	close(from);
}

/* A filter the kernel does not take runs in user space, and says so. */
static void test_long_filter(void **state)
{
	if (!ready)
		skip();
	static char text[64 * 1024];
	size_t n = 0;
	for (u32 i = 0; i < 1100; i++) /* four comparisons each that cannot be merged */
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%sip6 src host 2001:%x:%x::1", i ? " or " : "", i + 1, i + 7);
	snprintf(text + n, sizeof(text) - n, " or udp dst port 6001");
	int from = udp_socket("127.0.0.1", 0);
	for (int any = 0; any < 2; any++) {
		struct run r;
		start(&r, "afpacket", 1, any ? "any" : "lo", text);
		for (u32 k = 0; k < 200; k++)
			send_number(from, "127.0.0.1", (u16)(6000 + k % 2), k, 100);
		collect(&r, 100);
		assert_int_equal(got.total, 100);
		assert_true(warned(&r, "too long for the kernel"));
		struct capture_stats st = stop(&r);
		assert_true(st.filtered >= 100);
		assert_int_equal(st.received, got.delivered);
	}
	close(from);
}

/* Only the first bytes of each packet; the length stays true. */
static void test_snaplen(void **state)
{
	if (!ready)
		skip();
	static const struct form cut[] = { { "afpacket", "lo", 1 }, { "afpacket", "any", 1 }, { "libpcap", "lo", 1 } };
	int from = udp_socket("127.0.0.1", 0);
	for (size_t i = 0; i < ARRAY_LEN(cut); i++) {
		struct capture_options o = { .interfaces = cut[i].interfaces, .filter = i == 1 ? NULL : "udp", .snaplen = 96 };
		const struct capture_engine *e = capture_engine_find(cut[i].engine);
		struct capture *c;
		struct packet p[CAPTURE_BATCH];
		assert_int_equal(e->open(&o, &c), 0);
		send_number(from, "127.0.0.1", 6000, 1, 5000);
		int n = 0;
		for (int tries = 0; n == 0 && tries < 200; tries++)
			n = e->poll(c, p, CAPTURE_BATCH);
		assert_true(n >= 1);
		u32 header = p[0].linktype == LINKTYPE_ETHERNET ? 14 : 16;
		assert_int_equal(p[0].len, 5028 + header);
		assert_int_equal(p[0].caplen, header == 14 ? 96 : 96 + 16);
		e->close(c);
	}
	close(from);
}

/* --- another namespace --- */

struct peer {
	pid_t pid;
	int control; /* closed: the peer ends */
};

/* In a namespace of its own: answers each datagram to port 5000 with its number plus 10000. */
static void peer_main(int control, int done)
{
	char byte;
	if (unshare(CLONE_NEWNET) < 0 || write(done, "n", 1) != 1 || read(control, &byte, 1) != 1)
		_exit(1);
	if (sh("ip link set lo up; ip addr add 10.99.0.2/24 dev vb && ip link set vb up"))
		_exit(1);
	int fd = udp_socket("10.99.0.2", 5000);
	if (write(done, "r", 1) != 1)
		_exit(1);
	for (;;) {
		u8 data[2048];
		struct sockaddr_in from;
		socklen_t n = sizeof(from);
		ssize_t len = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &n);
		if (len >= 8)
			send_number(fd, inet_ntoa(from.sin_addr), ntohs(from.sin_port), be32(data + 4) + 10000, (size_t)len);
	}
}

static bool peer_start(struct peer *p)
{
	int control[2], done[2];
	char byte;
	assert_int_equal(pipe(control), 0);
	assert_int_equal(pipe(done), 0);
	p->pid = fork();
	if (p->pid == 0) {
		close(control[1]);
		peer_main(control[0], done[1]);
	}
	p->control = control[1];
	close(control[0]);
	close(done[1]);
	bool ok = read(done[0], &byte, 1) == 1;
	ok = ok && sh("ip link add va type veth peer name vb 2>/dev/null && ip link set vb netns %d", (int)p->pid) == 0;
	ok = ok && sh("ip addr add 10.99.0.1/24 dev va && ip link set va up") == 0;
	ok = ok && write(p->control, "g", 1) == 1 && read(done[0], &byte, 1) == 1;
	close(done[0]);
	for (int i = 0; ok && i < 100 && sh("ip link show va | grep -q LOWER_UP"); i++)
		usleep(10000);
	return ok;
}

static void peer_stop(struct peer *p)
{
	close(p->control);
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	sh("ip link del va 2>/dev/null");
}

/* Out and back over a veth pair: each once, what goes out of a real interface too, a flow on one worker. */
static void test_veth(void **state)
{
	static const struct form veth[] = {
		{ "afpacket", "va", 1 }, { "afpacket", "va", 2 }, { "afpacket", "any", 1 },  { "afpacket", "any", 2 },
		{ "afpacket", "lo,va", 2 }, { "libpcap", "va", 1 },  { "libpcap", "any", 1 }, { "libpcap", "(lo|va)", 1 },
	};
	struct peer peer;
	if (!ready)
		skip();
	if (!peer_start(&peer)) {
		peer_stop(&peer);
		skip();
	}
	int fds[FLOWS];
	for (u32 f = 0; f < FLOWS; f++)
		fds[f] = udp_socket("10.99.0.1", (u16)(21000 + f));
	for (size_t i = 0; i < ARRAY_LEN(veth); i++) {
		struct run r;
		start(&r, veth[i].engine, veth[i].workers, veth[i].interfaces, "udp port 5000");
		for (u32 k = 0; k < 640; k++) {
			send_number(fds[k % FLOWS], "10.99.0.2", 5000, k, 8 + k);
			if (k % 64 == 63)
				poll_once(&r), usleep(2000);
		}
		collect(&r, 1280);
		expect_once(0, 640);
		expect_once(10000, 10640);
		assert_int_equal(got.total, 1280);
		for (u32 k = 0; k < 640; k++)
			assert_int_equal(got.worker[k], got.worker[k + 10000]);
		if (strcmp(veth[i].engine, "afpacket") == 0) {
			assert_int_equal(got.direction[0], PACKET_OUT);
			assert_int_equal(got.direction[10000], PACKET_IN);
		}
		assert_string_equal(r.engine->interface_name(r.captures[0], got.ifindex[0]), "va");
		stop(&r);
	}
	for (u32 f = 0; f < FLOWS; f++)
		close(fds[f]);
	peer_stop(&peer);
}

/* An Ethernet frame with an 802.1Q tag around one of our datagrams, as a card without offload would receive it. */
static size_t tagged_frame(u8 *to, u16 tci, u16 dport, u32 number)
{
	static const u8 head[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 0, 8, 0, 0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 9, 1, 10, 9, 9, 2 };
	u16 udp[4] = { htons(40000), htons(dport), htons(16), 0 };
	u32 payload[2] = { htonl(MARK), htonl(number) };
	memcpy(to, head, sizeof(head));
	to[14] = (u8)(tci >> 8);
	to[15] = (u8)tci;
	memcpy(to + sizeof(head), udp, 8);
	memcpy(to + sizeof(head) + 8, payload, 8);
	return sizeof(head) + 16;
}

static void send_tagged(int fd, u16 tci, u16 dport, u32 number)
{
	u8 frame[128];
	size_t n = tagged_frame(frame, tci, dport, number);
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("vc") };
	assert_int_equal(sendto(fd, frame, n, 0, (struct sockaddr *)&to, sizeof(to)), n);
}

/* The tag that the kernel takes off the data: kept, and filters know it. */
static void test_vlan(void **state)
{
	static const struct {
		const char *engine, *interfaces, *filter;
		u32 workers;
	} vlan[] = {
		{ "afpacket", "va", "vlan 5 and udp port 5000", 1 }, { "afpacket", "va", "vlan 5 and udp port 5000", 2 },
		{ "afpacket", "va", NULL, 1 },			     { "afpacket", "any", "udp port 5000 and inbound", 1 },
		{ "libpcap", "va", "vlan 5 and udp port 5000", 1 },
	};
	if (!ready)
		skip();
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || sh("ip link add va type veth peer name vc 2>/dev/null && ip link set va up && ip link set vc up"))
		skip();
	usleep(50000);
	for (size_t i = 0; i < ARRAY_LEN(vlan); i++) {
		struct run r;
		start(&r, vlan[i].engine, vlan[i].workers, vlan[i].interfaces, vlan[i].filter);
		for (u32 k = 0; k < 20; k++)
			send_tagged(fd, vlan[i].filter && k % 2 ? 0x2006 : 0x2005, 5000, k);
		u32 expected = vlan[i].filter && strstr(vlan[i].filter, "vlan") ? 10 : 20;
		collect(&r, expected);
		assert_int_equal(got.total, expected);
		assert_int_equal(got.seen[18], 1);
		if (strcmp(vlan[i].engine, "afpacket") == 0)
			assert_int_equal(got.vlan[18], 0x2005);
		stop(&r);
	}
	close(fd);
	sh("ip link del va");
}

/* --- interfaces that come and go --- */

static void test_appearing(void **state)
{
	static const struct form later[] = { { "afpacket", "v[ab]|zz.*", 1 }, { "afpacket", "v[ab]|zz.*", 2 }, { "libpcap", "v[ab]|zz.*", 1 } };
	if (!ready)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(later); i++) {
		struct run r;
		struct peer peer;
		start(&r, later[i].engine, later[i].workers, later[i].interfaces, "udp");
		assert_true(warned(&r, "no interface matches"));
		bool ok = peer_start(&peer);
		if (!ok) {
			stop(&r);
			peer_stop(&peer);
			skip();
		}
		u64 deadline = now_ns(CLOCK_MONOTONIC) + 5 * NS_PER_SEC;
		for (bool said = false; !said && now_ns(CLOCK_MONOTONIC) < deadline;) {
			poll_once(&r);
			said = warned(&r, "va has appeared");
		}
		for (int wait = 0; wait < 10; wait++)
			poll_once(&r);
		int from = udp_socket("10.99.0.1", 0);
		for (u32 k = 0; k < 50; k++)
			send_number(from, "10.99.0.2", 5000, k, 100);
		collect(&r, 100);
		expect_once(0, 50);
		expect_once(10000, 10050);
		peer_stop(&peer); /* the interface vanishes with what was still in the ring delivered */
		close(from);
		deadline = now_ns(CLOCK_MONOTONIC) + 5 * NS_PER_SEC;
		bool gone = false;
		while (!gone && now_ns(CLOCK_MONOTONIC) < deadline) {
			poll_once(&r);
			gone = warned(&r, "va is gone");
		}
		assert_true(gone);
		collect(&r, 0);
		struct capture_stats st = stop(&r);
		assert_int_equal(st.received, got.delivered); /* the counters outlive the interface */
	}
}

/* Down is not gone: it goes on when the interface is up again, and poll does not spin meanwhile. */
static void test_down_and_up(void **state)
{
	struct peer peer;
	struct run r;
	if (!ready)
		skip();
	if (!peer_start(&peer)) {
		peer_stop(&peer);
		skip();
	}
	start(&r, "afpacket", 2, "va", "udp");
	sh("ip link set va down");
	poll_once(&r);
	u64 cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	collect(&r, 0);
	assert_true(now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu < 60 * NS_PER_MS);
	sh("ip link set va up");
	usleep(50000);
	int from = udp_socket("10.99.0.1", 0);
	for (u32 k = 0; k < 20; k++)
		send_number(from, "10.99.0.2", 5000, k, 100);
	collect(&r, 40);
	expect_once(0, 20);
	expect_once(10000, 10020);
	stop(&r);
	close(from);
	peer_stop(&peer);
}

/* An interface whose index does not fit packet.ifindex. */
static void test_large_index(void **state)
{
	if (!ready)
		skip();
	if (sh("ip link add va index 70001 type veth peer name vc 2>/dev/null && ip addr add 10.97.0.1/24 dev va && ip link set vc up && ip link set va up && "
	       "ip neigh add 10.97.0.2 lladdr 02:00:00:00:00:01 dev va")) {
		sh("ip link del va 2>/dev/null");
		skip();
	}
	usleep(50000);
	int from = udp_socket("10.97.0.1", 0);
	static const char *const interfaces[] = { "va", "any" };
	for (size_t i = 0; i < 2; i++) {
		struct run r;
		start(&r, "afpacket", 1, interfaces[i], "udp port 5000 and host 10.97.0.2");
		send_number(from, "10.97.0.2", 5000, 1, 100);
		collect(&r, 1);
		assert_true(got.seen[1] >= 1);
		assert_true(got.ifindex[1] != 0);
		const char *name = r.engine->interface_name(r.captures[0], got.ifindex[1]);
		assert_non_null(name);
		assert_true(strcmp(name, "va") == 0 || strcmp(name, "vc") == 0);
		stop(&r);
	}
	close(from);
	sh("ip link del va");
}

/* A device without link header: the same filter text works on it, bound and among all. */
static void test_tun(void **state)
{
#ifdef __linux__
	if (!ready)
		skip();
	struct ifreq q = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	snprintf(q.ifr_name, sizeof(q.ifr_name), "ztun");
	if (tun < 0 || ioctl(tun, TUNSETIFF, &q) < 0) {
		close(tun);
		skip();
	}
	assert_int_equal(sh("ip addr add 10.96.0.1/24 dev ztun && ip link set ztun up"), 0);
	int from = udp_socket("10.96.0.1", 0);
	static const struct form forms_tun[] = {
		{ "afpacket", "ztun", 1 }, { "afpacket", "any", 1 }, { "afpacket", "zt.*", 2 }, { "libpcap", "any", 1 }
	};
	for (size_t i = 0; i < ARRAY_LEN(forms_tun); i++) {
		struct run r;
		start(&r, forms_tun[i].engine, forms_tun[i].workers, forms_tun[i].interfaces, "ip and udp dst port 5000 and dst host 10.96.0.9");
		for (u32 k = 0; k < 30; k++)
			send_number(from, k % 2 ? "10.96.0.9" : "10.96.0.8", 5000, k, 100 + k);
		collect(&r, 15);
		assert_int_equal(got.total, 15);
		assert_int_equal(got.seen[1], 1);
		assert_string_equal(r.engine->interface_name(r.captures[0], got.ifindex[1]), "ztun");
		stop(&r);
	}
	close(from);
	close(tun);
#endif
}

/* --- what cannot work says why --- */

static void open_fails(const char *engine, struct capture_options o, int expected, const char *says)
{
	struct capture *c;
	int r = capture_engine_find(engine)->open(&o, &c);
	if (r != expected || !strstr(o.error, says))
		fail_msg("%s: %d, \"%s\" instead of %d, \"%s\"", engine, r, o.error, expected, says);
}

static void test_errors(void **state)
{
	if (!ready)
		skip();
	static const char *const engines[] = { "afpacket", "libpcap" };
	for (size_t i = 0; i < 2; i++) {
		open_fails(engines[i], (struct capture_options){ .interfaces = "l0" }, -ENODEV, "no such interface: l0 (did you mean lo?); there are: lo");
		open_fails(engines[i], (struct capture_options){ .interfaces = "lo,nope" }, -ENODEV, "no such interface: nope");
		open_fails(engines[i], (struct capture_options){ .interfaces = "eth[" }, -EINVAL, "bad regular expression 'eth['");
		open_fails(engines[i], (struct capture_options){ .interfaces = "lo", .filter = "udp prt 5" }, -EINVAL, "syntax error");
		open_fails(engines[i], (struct capture_options){ .interfaces = "any", .filter = "udp prt 5" }, -EINVAL, "syntax error");
		open_fails(engines[i], (struct capture_options){ .interfaces = "zz.*", .filter = "udp prt 5" }, -EINVAL, "syntax error");
	}
}

/* Without the right to: the sentence names both ways out. In a child, which gives its rights up. */
static void test_no_right(void **state)
{
	static const char *const interfaces[] = { "any", "lo", "zz.*" };
	if (!ready)
		skip();
	pid_t pid = fork();
	if (pid == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(77);
		for (size_t i = 0; i < ARRAY_LEN(interfaces); i++) {
			struct capture_options o = { .interfaces = interfaces[i] };
			struct capture *c;
			if (capture_engine_find("afpacket")->open(&o, &c) != -EPERM || !strstr(o.error, "sudo setcap cap_net_raw=ep /"))
				_exit(1);
			if (i < 2 && (capture_engine_find("libpcap")->open(&o, &c) != -EPERM || !strstr(o.error, "setcap")))
				_exit(2);
		}
		_exit(0);
	}
	int status;
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	ready = geteuid() == 0 && capture_engine_find("afpacket") && unshare(CLONE_NEWNET) == 0 && sh("ip link set lo up") == 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loopback_once), cmocka_unit_test(test_loopback_flows), cmocka_unit_test(test_drops_are_counted),
		cmocka_unit_test(test_views_last),    cmocka_unit_test(test_filters),	     cmocka_unit_test(test_long_filter),
		cmocka_unit_test(test_snaplen),	      cmocka_unit_test(test_veth),	     cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_appearing),     cmocka_unit_test(test_down_and_up),    cmocka_unit_test(test_large_index),
		cmocka_unit_test(test_tun),	      cmocka_unit_test(test_errors),	     cmocka_unit_test(test_no_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
