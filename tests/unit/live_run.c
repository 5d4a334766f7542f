#include "live_run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/bytes.h"

struct live_seen live_got;
u16 live_fanout = 100;

bool live_namespace(void)
{
#ifdef __linux__
	return geteuid() == 0 && unshare(CLONE_NEWNET) == 0 && live_sh("ip link set lo up") == 0;
#else
	return false;
#endif
}

int live_sh(const char *format, ...)
{
	char command[512];
	va_list ap;
	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	int r = system(command);
	return WIFEXITED(r) ? WEXITSTATUS(r) : -1;
}

int live_socket(const char *address, u16 port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	inet_pton(AF_INET, address, &to.sin_addr);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* A datagram whose payload is our mark, its number, and filling. */
void live_send(int fd, const char *address, u16 port, u32 number, size_t size)
{
	static u8 payload[65000];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	inet_pton(AF_INET, address, &to.sin_addr);
	u32 head[2] = { htonl(LIVE_MARK), htonl(number) };
	memcpy(payload, head, 8);
	for (size_t i = 8; i < size; i++)
		payload[i] = (u8)(number + i);
	ssize_t n = sendto(fd, payload, MAX(size, 8), 0, (struct sockaddr *)&to, sizeof(to));
	if (n < 0 && errno != ECONNREFUSED)
		fail_msg("sendto: %s", strerror(errno));
}

void live_count(const struct packet *p, u32 worker)
{
	u32 skip = p->linktype == LINKTYPE_ETHERNET ? 14 : p->linktype == LINKTYPE_LINUX_SLL ? 16 : 20;
	const u8 *ip = p->data + skip;
	u32 kind = p->linktype == LINKTYPE_LINUX_SLL2 ? be16(p->data) : be16(ip - 2);
	assert_true(p->caplen <= p->len && p->caplen > skip);
	if (kind == 0x8100) /* libpcap puts the tag back */
		kind = be16(ip += 2), ip += 2;
	if (kind != 0x0800 || ip[0] != 0x45 || ip[9] != 17)
		return;
	if (p->caplen < (size_t)(ip - p->data) + 36 || be32(ip + 28) != LIVE_MARK) {
		live_got.others++;
		return;
	}
	u32 number = be32(ip + 32), size = be16(ip + 2) - 28u;
	assert_true(number < LIVE_NUMBERS);
	if (p->caplen == p->len)
		for (u32 i = 8; i < size; i++)
			if (ip[28 + i] != (u8)(number + i))
				fail_msg("datagram %u differs at byte %u", number, i);
	live_got.seen[number]++;
	live_got.worker[number] = (u8)worker;
	live_got.ifindex[number] = p->ifindex;
	live_got.direction[number] = p->direction;
	live_got.vlan[number] = p->vlan_tci;
	live_got.total++;
}

u64 live_now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_nsec;
}

void live_poll(struct live_run *r)
{
	struct packet batch[CAPTURE_BATCH];
	for (u32 w = 0; w < r->workers; w++) {
		int n = r->engine->poll(r->captures[w], batch, CAPTURE_BATCH);
		if (n < 0)
			fail_msg("poll: %s", strerror(-n));
		for (int i = 0; i < n; i++) {
			u64 now = live_now(CLOCK_REALTIME);
			assert_true(batch[i].ts <= now + NS_PER_SEC && batch[i].ts + 60 * NS_PER_SEC > now);
			live_count(&batch[i], w);
		}
		live_got.delivered += (u32)n;
	}
}

/* Until as many datagrams were seen, or nothing more comes; then a while longer, to see what should not come. */
void live_collect(struct live_run *r, u32 until)
{
	u64 deadline = live_now(CLOCK_MONOTONIC) + 10 * NS_PER_SEC;
	while (live_got.total < until && live_now(CLOCK_MONOTONIC) < deadline)
		live_poll(r);
	deadline = live_now(CLOCK_MONOTONIC) + 100 * NS_PER_MS;
	while (live_now(CLOCK_MONOTONIC) < deadline)
		live_poll(r);
}

void live_start(struct live_run *r, const char *engine, u32 workers, const char *interfaces, const char *filter)
{
	memset(&live_got, 0, sizeof(live_got));
	*r = (struct live_run){ .engine = capture_engine_find(engine), .workers = workers };
	live_fanout++;
	for (u32 w = 0; w < workers; w++) {
		struct capture_options o = {
			.interfaces = interfaces, .filter = filter, .worker = (u16)w, .workers = (u16)workers, .fanout_id = live_fanout
		};
		int rc = r->engine->open(&o, &r->captures[w]);
		if (rc < 0)
			fail_msg("%s on %s: %s", engine, interfaces, o.error);
	}
}

struct capture_stats live_stop(struct live_run *r)
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

bool live_warned(struct live_run *r, const char *what)
{
	bool found = false;
	for (u32 w = 0; w < r->workers; w++)
		for (const char *text; (text = r->engine->warning(r->captures[w]));)
			found = found || strstr(text, what);
	return found;
}

void live_expect_once(u32 from, u32 to)
{
	for (u32 i = from; i < to; i++)
		if (live_got.seen[i] != 1)
			fail_msg("datagram %u was seen %u times", i, live_got.seen[i]);
}
