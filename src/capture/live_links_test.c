/* The live engines over a veth pair into another network namespace, with VLAN tags, on a TUN device, and while
 * interfaces come and go. In a network namespace of its own; skipped where that cannot be made. */
#ifdef __linux__
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "live_run.h"
#include "util/bytes.h"

#define FLOWS 64

static bool live_ready; /* we are in a namespace of our own */

struct form {
	const char *engine, *interfaces;
	u32 workers;
};

/* --- another namespace --- */

struct peer {
	pid_t pid;
	int control; /* closed: the peer ends */
};

/* In a namespace of its own: answers each datagram to port 5000 with its number plus 10000. */
static void peer_main(int control, int done)
{
	char byte;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not stop it */
	if (unshare(CLONE_NEWNET) < 0 || write(done, "n", 1) != 1 || read(control, &byte, 1) != 1)
		_exit(1);
	if (live_sh("ip link set lo up; ip addr add 10.99.0.2/24 dev vb && ip link set vb up"))
		_exit(1);
	int fd = live_socket("10.99.0.2", 5000), room = 16 << 20;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)); /* so that it loses nothing while it waits for a CPU */
	if (write(done, "r", 1) != 1)
		_exit(1);
	for (;;) {
		u8 data[8192];
		struct sockaddr_in from;
		socklen_t n = sizeof(from);
		ssize_t len = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &n);
		if (len >= 8)
			live_send(fd, inet_ntoa(from.sin_addr), ntohs(from.sin_port), be32(data + 4) + 10000, (size_t)len);
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
	ok = ok && live_sh("ip link add va type veth peer name vb 2>/dev/null && ip link set vb netns %d", (int)p->pid) == 0;
	ok = ok && live_sh("ip addr add 10.99.0.1/24 dev va && ip link set va up") == 0;
	ok = ok && write(p->control, "g", 1) == 1 && read(done[0], &byte, 1) == 1;
	close(done[0]);
	for (int i = 0; ok && i < 100 && live_sh("ip link show va | grep -q LOWER_UP"); i++)
		usleep(10000);
	return ok;
}

static void peer_stop(struct peer *p)
{
	close(p->control);
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	live_sh("ip link del va 2>/dev/null");
}

/* Out and back over a veth pair: each once, what goes out of a real interface too, a flow on one worker. */
static void test_veth(void **state)
{
	static const struct form veth[] = {
		{ "afpacket", "va", 1 }, { "afpacket", "va", 2 }, { "afpacket", "any", 1 },  { "afpacket", "any", 2 },
		{ "afpacket", "lo,va", 2 }, { "libpcap", "va", 1 },  { "libpcap", "any", 1 }, { "libpcap", "(lo|va)", 1 },
	};
	struct peer peer;
	if (!live_ready)
		skip();
	if (!peer_start(&peer)) {
		peer_stop(&peer);
		skip();
	}
	int fds[FLOWS];
	for (u32 f = 0; f < FLOWS; f++)
		fds[f] = live_socket("10.99.0.1", (u16)(21000 + f));
	for (size_t i = 0; i < ARRAY_LEN(veth); i++) {
		struct live_run r;
		live_start(&r, veth[i].engine, veth[i].workers, veth[i].interfaces, "udp port 5000");
		for (u32 k = 0; k < 640; k++) {
			live_send(fds[k % FLOWS], "10.99.0.2", 5000, k, 8 + k);
			if (k % 64 == 63)
				live_poll(&r), usleep(2000);
		}
		live_collect(&r, 1280);
		live_expect_once(0, 640);
		live_expect_once(10000, 10640);
		assert_int_equal(live_got.total, 1280);
		for (u32 k = 0; k < 640; k++)
			assert_int_equal(live_got.worker[k], live_got.worker[k + 10000]);
		if (strcmp(veth[i].engine, "afpacket") == 0) {
			assert_int_equal(live_got.direction[0], PACKET_OUT);
			assert_int_equal(live_got.direction[10000], PACKET_IN);
		}
		assert_string_equal(r.engine->interface_name(r.captures[0], live_got.ifindex[0]), "va");
		live_stop(&r);
	}
	for (u32 f = 0; f < FLOWS; f++)
		close(fds[f]);
	peer_stop(&peer);
}

/* Fragments, of which only the first has ports: workers get whole datagrams, on the worker of their flow. */
static void test_fragments(void **state)
{
	struct peer peer;
	if (!live_ready)
		skip();
	if (!peer_start(&peer)) {
		peer_stop(&peer);
		skip();
	}
	struct live_run r;
	int from = live_socket("10.99.0.1", 0);
	live_start(&r, "afpacket", 2, "va", "udp port 5000");
	for (u32 k = 0; k < 20; k++)
		live_send(from, "10.99.0.2", 5000, k, k % 2 ? 5000 : 50);
	live_collect(&r, 40);
	live_expect_once(0, 20);
	live_expect_once(10000, 10020);
	for (u32 k = 0; k < 20; k++)
		assert_true(live_got.worker[k] == live_got.worker[0] && live_got.worker[k + 10000] == live_got.worker[0]);
	live_stop(&r);
	close(from);
	peer_stop(&peer);
}

static void test_promiscuous(void **state)
{
	if (!live_ready)
		skip();
	if (live_sh("ip link add va type veth peer name vc 2>/dev/null && ip link set va up && ip link set vc up"))
		skip();
	for (int wanted = 0; wanted < 2; wanted++) {
		const struct capture_engine *e = capture_engine_find("afpacket");
		struct capture_options o = { .interfaces = "va", .promiscuous = wanted };
		struct capture *c;
		assert_int_equal(e->open(&o, &c), 0);
		assert_int_equal(live_sh("ip -d link show va | grep -q 'promiscuity 1'") == 0, wanted);
		e->close(c);
	}
	live_sh("ip link del va");
}

/* An Ethernet frame with an 802.1Q tag around one of our datagrams, as a card without offload would receive it. */
static size_t tagged_frame(u8 *to, u16 tci, u16 dport, u32 number)
{
	static const u8 head[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 0, 8, 0, 0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 9, 1, 10, 9, 9, 2 };
	u16 udp[4] = { htons(40000), htons(dport), htons(16), 0 };
	u32 payload[2] = { htonl(LIVE_MARK), htonl(number) };
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
	if (!live_ready)
		skip();
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || live_sh("ip link add va type veth peer name vc 2>/dev/null && ip link set va up && ip link set vc up"))
		skip();
	usleep(50000);
	for (size_t i = 0; i < ARRAY_LEN(vlan); i++) {
		struct live_run r;
		live_start(&r, vlan[i].engine, vlan[i].workers, vlan[i].interfaces, vlan[i].filter);
		for (u32 k = 0; k < 20; k++)
			send_tagged(fd, vlan[i].filter && k % 2 ? 0x2006 : 0x2005, 5000, k);
		u32 expected = vlan[i].filter && strstr(vlan[i].filter, "vlan") ? 10 : 20;
		live_collect(&r, expected);
		assert_int_equal(live_got.total, expected);
		assert_int_equal(live_got.seen[18], 1);
		if (strcmp(vlan[i].engine, "afpacket") == 0)
			assert_int_equal(live_got.vlan[18], 0x2005);
		live_stop(&r);
	}
	close(fd);
	live_sh("ip link del va");
}

/* --- interfaces that come and go --- */

static void test_appearing(void **state)
{
	static const struct form later[] = { { "afpacket", "v[ab]|zz.*", 1 }, { "afpacket", "v[ab]|zz.*", 2 }, { "libpcap", "v[ab]|zz.*", 1 } };
	if (!live_ready)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(later); i++) {
		struct live_run r;
		struct peer peer;
		live_start(&r, later[i].engine, later[i].workers, later[i].interfaces, "udp");
		assert_true(live_warned(&r, "no interface matches"));
		bool ok = peer_start(&peer);
		if (!ok) {
			live_stop(&r);
			peer_stop(&peer);
			skip();
		}
		u64 deadline = live_now(CLOCK_MONOTONIC) + 5 * NS_PER_SEC;
		for (bool said = false; !said && live_now(CLOCK_MONOTONIC) < deadline;) {
			live_poll(&r);
			said = live_warned(&r, "va has appeared");
		}
		for (int wait = 0; wait < 10; wait++)
			live_poll(&r);
		int from = live_socket("10.99.0.1", 0);
		for (u32 k = 0; k < 50; k++)
			live_send(from, "10.99.0.2", 5000, k, 100);
		live_collect(&r, 100);
		live_expect_once(0, 50);
		live_expect_once(10000, 10050);
		peer_stop(&peer); /* the interface vanishes with what was still in the ring delivered */
		close(from);
		deadline = live_now(CLOCK_MONOTONIC) + 5 * NS_PER_SEC;
		bool gone = false;
		while (!gone && live_now(CLOCK_MONOTONIC) < deadline) {
			live_poll(&r);
			gone = live_warned(&r, "va is gone");
		}
		assert_true(gone);
		live_collect(&r, 0);
		struct capture_stats st = live_stop(&r);
		assert_int_equal(st.received, live_got.delivered); /* the counters outlive the interface */
	}
}

/* Down is not gone: it goes on when the interface is up again, and poll does not spin meanwhile. */
static void test_down_and_up(void **state)
{
	struct peer peer;
	struct live_run r;
	if (!live_ready)
		skip();
	if (!peer_start(&peer)) {
		peer_stop(&peer);
		skip();
	}
	live_start(&r, "afpacket", 2, "va", "udp");
	live_sh("ip link set va down");
	live_poll(&r);
	u64 cpu = live_now(CLOCK_PROCESS_CPUTIME_ID);
	live_collect(&r, 0);
	assert_true(live_now(CLOCK_PROCESS_CPUTIME_ID) - cpu < 60 * NS_PER_MS);
	live_sh("ip link set va up");
	usleep(50000);
	int from = live_socket("10.99.0.1", 0);
	for (u32 k = 0; k < 20; k++)
		live_send(from, "10.99.0.2", 5000, k, 100);
	live_collect(&r, 40);
	live_expect_once(0, 20);
	live_expect_once(10000, 10020);
	live_stop(&r);
	close(from);
	peer_stop(&peer);
}

/* An interface whose index does not fit packet.ifindex. */
static void test_large_index(void **state)
{
	if (!live_ready)
		skip();
	if (live_sh("ip link add va index 70001 type veth peer name vc 2>/dev/null && ip addr add 10.97.0.1/24 dev va && ip link set vc up && ip link set va up && "
	       "ip neigh add 10.97.0.2 lladdr 02:00:00:00:00:01 dev va")) {
		live_sh("ip link del va 2>/dev/null");
		skip();
	}
	usleep(50000);
	int from = live_socket("10.97.0.1", 0);
	static const char *const interfaces[] = { "va", "any" };
	for (size_t i = 0; i < 2; i++) {
		struct live_run r;
		live_start(&r, "afpacket", 1, interfaces[i], "udp port 5000 and host 10.97.0.2");
		live_send(from, "10.97.0.2", 5000, 1, 100);
		live_collect(&r, 1);
		assert_true(live_got.seen[1] >= 1);
		assert_true(live_got.ifindex[1] != 0);
		const char *name = r.engine->interface_name(r.captures[0], live_got.ifindex[1]);
		assert_non_null(name);
		assert_true(strcmp(name, "va") == 0 || strcmp(name, "vc") == 0);
		live_stop(&r);
	}
	close(from);
	live_sh("ip link del va");
}

/* A device without link header: the same filter text works on it, bound and among all. */
static void test_tun(void **state)
{
	if (!live_ready)
		skip();
	struct ifreq q = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	snprintf(q.ifr_name, sizeof(q.ifr_name), "ztun");
	if (tun < 0 || ioctl(tun, TUNSETIFF, &q) < 0) {
		close(tun);
		skip();
	}
	assert_int_equal(live_sh("ip addr add 10.96.0.1/24 dev ztun && ip link set ztun up"), 0);
	int from = live_socket("10.96.0.1", 0);
	static const struct form forms_tun[] = {
		{ "afpacket", "ztun", 1 }, { "afpacket", "any", 1 }, { "afpacket", "zt.*", 2 }, { "libpcap", "any", 1 }
	};
	for (size_t i = 0; i < ARRAY_LEN(forms_tun); i++) {
		struct live_run r;
		live_start(&r, forms_tun[i].engine, forms_tun[i].workers, forms_tun[i].interfaces, "ip and udp dst port 5000 and dst host 10.96.0.9");
		for (u32 k = 0; k < 30; k++)
			live_send(from, k % 2 ? "10.96.0.9" : "10.96.0.8", 5000, k, 100 + k);
		live_collect(&r, 15);
		assert_int_equal(live_got.total, 15);
		assert_int_equal(live_got.seen[1], 1);
		assert_string_equal(r.engine->interface_name(r.captures[0], live_got.ifindex[1]), "ztun");
		live_stop(&r);
	}
	close(from);
	close(tun);
}

int main(void)
{
	live_ready = live_namespace();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_veth),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_promiscuous),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_appearing),
		cmocka_unit_test(test_down_and_up),
		cmocka_unit_test(test_large_index),
		cmocka_unit_test(test_tun),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
	return 77; /* skipped */
}
#endif
