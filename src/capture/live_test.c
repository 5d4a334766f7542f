/* The live engines on loopback: every datagram exactly once, both directions of a flow on one worker, filters, drops,
 * errors. In a network namespace of its own; skipped where that cannot be made. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "live_run.h"

#define FLOWS 64

static bool live_ready; /* we are in a namespace of our own */

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
	if (!live_ready)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct live_run r;
		live_start(&r, forms[i].engine, forms[i].workers, forms[i].interfaces, "udp port 5000");
		int from = live_socket("127.0.0.1", 0), to = live_socket("127.0.0.1", 5000);
		for (u32 k = 0; k < 600; k++) {
			live_send(from, "127.0.0.1", 5000, k, k % 50 == 3 ? 64000 : 8 + k * 3);
			if (k % 16 == 0)
				live_poll(&r);
		}
		live_collect(&r, 600);
		live_expect_once(0, 600);
		assert_int_equal(live_got.total, 600);
		assert_int_equal(live_got.ifindex[0], if_nametoindex("lo"));
		assert_string_equal(r.engine->interface_name(r.captures[0], live_got.ifindex[0]), "lo");
		struct capture_stats st = live_stop(&r);
		assert_int_equal(st.received, live_got.delivered);
		assert_int_equal(st.dropped, 0);
		close(from);
		close(to);
	}
}

/* Requests and answers of many flows: a flow belongs to one worker, and both workers have some. */
static void test_loopback_flows(void **state)
{
	if (!live_ready)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct live_run r;
		u32 share[LIVE_WORKERS] = { 0 };
		if (strcmp(forms[i].engine, "afpacket") != 0)
			continue;
		int fds[FLOWS], server = live_socket("127.0.0.1", 5000);
		live_start(&r, forms[i].engine, forms[i].workers, forms[i].interfaces, NULL);
		for (u32 f = 0; f < FLOWS; f++) {
			fds[f] = live_socket("127.0.0.1", (u16)(20000 + f));
			live_send(fds[f], "127.0.0.1", 5000, 2 * f, 100);
			live_send(server, "127.0.0.1", (u16)(20000 + f), 2 * f + 1, 900);
		}
		live_collect(&r, 2 * FLOWS);
		live_expect_once(0, 2 * FLOWS);
		for (u32 f = 0; f < FLOWS; f++) {
			assert_int_equal(live_got.worker[2 * f], live_got.worker[2 * f + 1]);
			share[live_got.worker[2 * f]]++;
			close(fds[f]);
		}
		for (u32 w = 0; w < forms[i].workers; w++)
			assert_true(share[w] > 0);
		live_stop(&r);
		close(server);
	}
}

/* Traffic that runs while the workers come, one after the other: no flow changes hands, nothing is seen twice. */
static void test_join_under_load(void **state)
{
	if (!live_ready)
		skip();
	memset(&live_got, 0, sizeof(live_got));
	struct live_run r = { .engine = capture_engine_find("afpacket"), .workers = LIVE_WORKERS };
	int stop_pipe[2], server = live_socket("127.0.0.1", 5000);
	assert_int_equal(pipe2(stop_pipe, O_NONBLOCK), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char byte;
		int fds[FLOWS];
		for (u32 f = 0; f < FLOWS; f++)
			fds[f] = live_socket("127.0.0.1", (u16)(22000 + f));
		for (u32 k = 0; k < LIVE_NUMBERS && read(stop_pipe[0], &byte, 1) < 0; k++) {
			live_send(fds[k % FLOWS], "127.0.0.1", 5000, k, 20);
			if (k % FLOWS == 0)
				usleep(300);
		}
		_exit(0);
	}
	live_fanout++;
	for (u32 w = 0; w < LIVE_WORKERS; w++) {
		struct capture_options o = { .interfaces = w % 2 ? "lo" : "l[o]", .worker = (u16)w, .workers = LIVE_WORKERS, .fanout_id = live_fanout };
		assert_int_equal(r.engine->open(&o, &r.captures[w]), 0);
		struct live_run so_far = { r.engine, { r.captures[0], r.captures[1], r.captures[2], r.captures[3] }, w + 1 };
		live_poll(&so_far);
		if (w < LIVE_WORKERS - 1)
			assert_int_equal(live_got.delivered, 0);
	}
	live_collect(&r, 5000);
	assert_int_equal(write(stop_pipe[1], "s", 1), 1);
	waitpid(pid, NULL, 0);
	live_collect(&r, 0);
	u8 owner[FLOWS];
	memset(owner, 0xff, sizeof(owner));
	for (u32 k = 0; k < LIVE_NUMBERS; k++) {
		assert_true(live_got.seen[k] <= 1);
		if (live_got.seen[k] && owner[k % FLOWS] == 0xff)
			owner[k % FLOWS] = live_got.worker[k];
		assert_true(!live_got.seen[k] || owner[k % FLOWS] == live_got.worker[k]);
	}
	assert_int_equal(live_stop(&r).dropped, 0);
	close(stop_pipe[0]);
	close(stop_pipe[1]);
	close(server);
}

/* A worker whose companions never come captures without them after a moment. */
static void test_alone_in_group(void **state)
{
	if (!live_ready)
		skip();
	memset(&live_got, 0, sizeof(live_got));
	struct live_run r = { .engine = capture_engine_find("afpacket"), .workers = 1 };
	struct capture_options o = { .interfaces = "lo", .workers = 2, .fanout_id = ++live_fanout };
	int from = live_socket("127.0.0.1", 0), to = live_socket("127.0.0.1", 5000);
	assert_int_equal(r.engine->open(&o, &r.captures[0]), 0);
	live_send(from, "127.0.0.1", 5000, 1, 100);
	u64 deadline = live_now(CLOCK_MONOTONIC) + 1200 * NS_PER_MS;
	while (live_now(CLOCK_MONOTONIC) < deadline)
		live_poll(&r);
	assert_int_equal(live_got.total, 0);
	live_send(from, "127.0.0.1", 5000, 2, 100);
	live_collect(&r, 1);
	assert_int_equal(live_got.seen[2], 1);
	live_stop(&r);
	close(from);
	close(to);
}

/* More than the ring holds: what was not delivered was counted as dropped, and nothing twice. */
static void test_drops_are_counted(void **state)
{
	if (!live_ready)
		skip();
	struct live_run r = { .engine = capture_engine_find("afpacket"), .workers = 1 };
	struct capture_options o = { .interfaces = "lo", .filter = "udp dst port 5000", .ring_bytes = MIB };
	memset(&live_got, 0, sizeof(live_got));
	assert_int_equal(r.engine->open(&o, &r.captures[0]), 0);
	int from = live_socket("127.0.0.1", 0), to = live_socket("127.0.0.1", 5000);
	struct capture_stats st;
	for (u32 k = 0; k < 5000; k++) {
		live_send(from, "127.0.0.1", 5000, k, 1400);
		if (k == 2500) /* reading the counters resets the kernel's */
			r.engine->stats(r.captures[0], &st);
	}
	live_collect(&r, 0);
	st = live_stop(&r);
	assert_true(st.dropped > 1000);
	assert_int_equal(st.received, live_got.total);
	assert_int_equal(st.received + st.dropped, 5000);
	close(from);
	close(to);
}

/* Views stay what they are until the next poll, also when a batch spans many blocks. */
static void test_views_last(void **state)
{
	if (!live_ready)
		skip();
	struct live_run r;
	live_start(&r, "afpacket", 1, "lo", "udp dst port 5000");
	int from = live_socket("127.0.0.1", 0), to = live_socket("127.0.0.1", 5000);
	for (u32 k = 0; k < 60; k++)
		live_send(from, "127.0.0.1", 5000, k, 30000); /* a block holds eight */
	usleep(50000);
	struct packet batch[CAPTURE_BATCH];
	int n = r.engine->poll(r.captures[0], batch, CAPTURE_BATCH);
	assert_true(n > 30);
	for (u32 k = 100; k < 1000; k++)
		live_send(from, "127.0.0.1", 5000, k, 30000);
	for (int i = 0; i < n; i++)
		live_count(&batch[i], 0);
	live_expect_once(0, (u32)n);
	live_stop(&r);
	close(from);
	close(to);
}

/* --- filters --- */

static void test_filters(void **state)
{
	static const char *const interfaces[] = { "lo", "any" };
	if (!live_ready)
		skip();
	int from = live_socket("127.0.0.1", 0);
	for (size_t i = 0; i < 4; i++) {
		struct live_run r;
		char error[256];
		live_start(&r, i < 2 ? "afpacket" : "libpcap", 1, interfaces[i % 2], "udp dst port 6001 and src host 127.0.0.1");
		for (u32 k = 0; k < 200; k++)
			live_send(from, "127.0.0.1", (u16)(6000 + k % 2), k, 100);
		live_collect(&r, 100);
		assert_int_equal(live_got.total, 100);
		assert_int_equal(live_got.seen[1], 1);
		assert_int_equal(r.engine->set_filter(r.captures[0], "udp prt 5", error), -EINVAL);
		assert_non_null(strstr(error, "syntax"));
		for (u32 k = 200; k < 300; k++) /* in the ring when the filter changes */
			live_send(from, "127.0.0.1", (u16)(6000 + k % 2), k, 100);
		assert_int_equal(r.engine->set_filter(r.captures[0], "udp dst port 6000", error), 0);
		for (u32 k = 300; k < 400; k++)
			live_send(from, "127.0.0.1", (u16)(6000 + k % 2), k, 100);
		live_collect(&r, 150);
		assert_int_equal(live_got.total, 150);
		assert_int_equal(live_got.seen[201], 0); /* matched the old filter only */
		assert_int_equal(live_got.seen[398], 1);
		assert_int_equal(live_got.seen[399], 0);
		struct capture_stats st = live_stop(&r);
		assert_int_equal(st.received, live_got.delivered);
	}
	close(from);
}

/* A filter the kernel does not take runs in user space, and says so. */
static void test_long_filter(void **state)
{
	if (!live_ready)
		skip();
	static char text[64 * 1024];
	size_t n = 0;
	for (u32 i = 0; i < 1100; i++) /* four comparisons each that cannot be merged */
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%sip6 src host 2001:%x:%x::1", i ? " or " : "", i + 1, i + 7);
	snprintf(text + n, sizeof(text) - n, " or udp dst port 6001");
	int from = live_socket("127.0.0.1", 0);
	for (int any = 0; any < 2; any++) {
		struct live_run r;
		live_start(&r, "afpacket", 1, any ? "any" : "lo", text);
		for (u32 k = 0; k < 200; k++)
			live_send(from, "127.0.0.1", (u16)(6000 + k % 2), k, 100);
		live_collect(&r, 100);
		assert_int_equal(live_got.total, 100);
		assert_true(live_warned(&r, "too long for the kernel"));
		struct capture_stats st = live_stop(&r);
		assert_true(st.filtered >= 100);
		assert_int_equal(st.received, live_got.delivered);
	}
	close(from);
}

/* Only the first bytes of each packet; the length stays true. */
static void test_snaplen(void **state)
{
	if (!live_ready)
		skip();
	static const struct form cut[] = { { "afpacket", "lo", 1 }, { "afpacket", "any", 1 }, { "libpcap", "lo", 1 } };
	int from = live_socket("127.0.0.1", 0);
	for (size_t i = 0; i < ARRAY_LEN(cut); i++) {
		struct capture_options o = { .interfaces = cut[i].interfaces, .filter = i == 1 ? NULL : "udp", .snaplen = 96 };
		const struct capture_engine *e = capture_engine_find(cut[i].engine);
		struct capture *c;
		struct packet p[CAPTURE_BATCH];
		assert_int_equal(e->open(&o, &c), 0);
		live_send(from, "127.0.0.1", 6000, 1, 5000);
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
	if (!live_ready)
		skip();
	static const char *const engines[] = { "afpacket", "libpcap" };
	for (size_t i = 0; i < 2; i++) {
		open_fails(engines[i], (struct capture_options){ .interfaces = "l0" }, -ENODEV, "no such interface: l0 (did you mean lo?); there are: any, lo");
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
	if (!live_ready)
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
	live_ready = live_namespace();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loopback_once),
		cmocka_unit_test(test_loopback_flows),
		cmocka_unit_test(test_join_under_load),
		cmocka_unit_test(test_alone_in_group),
		cmocka_unit_test(test_drops_are_counted),
		cmocka_unit_test(test_views_last),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_long_filter),
		cmocka_unit_test(test_snaplen),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_no_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
