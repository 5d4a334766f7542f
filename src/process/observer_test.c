#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "process/observer.h"

/* An engine that plays prepared packets, in batches of what `step` says. */
struct fake {
	struct capture base;
	u32 at;
	bool warned;
};

#define PLAY_MAX 4096

static struct {
	struct packet packets[PLAY_MAX];
	u8 data[PLAY_MAX][160];
	u32 len;
	u32 step;       /* packets of a poll */
	int end;        /* what poll says after the last one; 0: nothing, for ever */
	int open_error;
	const char *warning;
	_Atomic int opened, closed, polls, filters;
	char filter[64]; /* the latest one set */
	int filter_error;
	struct capture_options seen; /* of the latest open */
} play;

extern const struct capture_engine fake_file, fake_live;

static int fake_open(struct capture_options *o, struct capture **ret)
{
	play.seen = *o;
	if (play.open_error && play.opened == 1) { /* the second worker's */
		snprintf(o->error, sizeof(o->error), "no second one");
		return play.open_error;
	}
	struct fake *f = calloc(1, sizeof(*f));
	f->base.engine = &fake_file;
	play.opened++;
	*ret = &f->base;
	return 0;
}

static int fake_poll(struct capture *c, struct packet *out, int max)
{
	struct fake *f = (struct fake *)c;
	int n = 0;
	play.polls++;
	while (n < max && n < (int)play.step && f->at < play.len)
		out[n++] = play.packets[f->at++];
	if (n)
		return n;
	if (play.end)
		return play.end;
	poll(NULL, 0, 1);
	return 0;
}

static void fake_stats(struct capture *c, struct capture_stats *ret)
{
	*ret = (struct capture_stats){ .received = ((struct fake *)c)->at, .dropped = 7, .ignored = 3, .bytes = 10, .total = 20 };
}

static const char *fake_warning(struct capture *c)
{
	struct fake *f = (struct fake *)c;
	const char *text = f->warned ? NULL : play.warning;
	f->warned = true;
	return text;
}

static const char *fake_name(struct capture *c, u16 ifindex)
{
	return ifindex == 4 ? "veth4" : NULL;
}

static void fake_close(struct capture *c)
{
	play.closed++;
	free(c);
}

static int fake_set_filter(struct capture *c, const char *filter, char error[256])
{
	snprintf(play.filter, sizeof(play.filter), "%s", filter ? filter : "(none)");
	snprintf(error, 256, "no such filter");
	play.filters++;
	return play.filter_error;
}

#define FAKE(live_)                                                                                                                       \
	{ .name = "fake", .live = live_, .fanout = live_, .open = fake_open, .poll = fake_poll, .stats = fake_stats, .warning = fake_warning, \
	  .set_filter = fake_set_filter, \
	  .interface_name = fake_name, .close = fake_close }
const struct capture_engine fake_file = FAKE(false);
const struct capture_engine fake_live = FAKE(true);

/* --- packets: DNS over IPv4 or IPv6, in fragments if wanted --- */

static u32 put(u8 *to, u32 at, const void *p, size_t n)
{
	memcpy(to + at, p, n);
	return at + (u32)n;
}

/* A DNS message about "x.test", as a UDP datagram from port `sport`. */
static u32 datagram(u8 out[64], u16 id, bool answer)
{
	u8 client[2] = { 0x4e, 0x20 }, server[2] = { 0, 53 };
	u8 head[] = { (u8)(id >> 8), (u8)id, answer ? 0x81 : 1, answer ? 0x80 : 0, 0, 1, 0, answer, 0, 0, 0, 0 };
	static const u8 question[] = { 1, 'x', 4, 't', 'e', 's', 't', 0, 0, 1, 0, 1 };
	static const u8 record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1 };
	u32 n = (u32)(8 + sizeof(head) + sizeof(question) + (answer ? sizeof(record) : 0));
	u8 udp[8] = { 0, 0, 0, 0, 0, (u8)n };
	memcpy(udp, answer ? server : client, 2);
	memcpy(udp + 2, answer ? client : server, 2);
	u32 at = put(out, 0, udp, 8);
	at = put(out, at, head, sizeof(head));
	at = put(out, at, question, sizeof(question));
	return answer ? put(out, at, record, sizeof(record)) : at;
}

static void add_packet(u64 ts, u16 linktype, u32 n)
{
	play.packets[play.len] = (struct packet){ .ts = ts, .data = play.data[play.len], .caplen = n, .len = n, .linktype = linktype, .ifindex = 4 };
	play.len++;
}

/* [from, to) of the datagram as an IPv4 fragment, or as a whole packet. */
static void add_v4(u64 ts, u16 ip_id, bool answer, const u8 *p, u32 from, u32 to, bool more)
{
	u8 ip[20] = { 0x45, 0, 0, (u8)(20 + to - from), (u8)(ip_id >> 8), (u8)ip_id, more ? 0x20 : 0, (u8)(from / 8), 64, 17, 0, 0, 10, 0, 0, answer ? 2 : 1, 10, 0, 0, answer ? 1 : 2 };
	u32 at = put(play.data[play.len], 0, ip, 20);
	at = put(play.data[play.len], at, p + from, to - from);
	add_packet(ts, LINKTYPE_RAW, at);
}

static void add_v6(u64 ts, bool answer, const u8 *p, u32 n)
{
	u8 ip[40] = { 0x60, 0, 0, 0, 0, (u8)n, 17, 64, [8] = 0xfd, [23] = answer ? 2 : 1, [24] = 0xfd, [39] = answer ? 1 : 2 };
	u32 at = put(play.data[play.len], 0, ip, 40);
	at = put(play.data[play.len], at, p, n);
	add_packet(ts, LINKTYPE_RAW, at);
}

enum { WHOLE, FRAGMENTS, V6 };

static void play_dns(u32 exchanges, int how)
{
	u8 p[64];
	memset(&play, 0, sizeof(play));
	play.step = CAPTURE_BATCH;
	play.end = -ENODATA;
	for (u32 i = 0; i < 2 * exchanges; i++) {
		bool answer = i & 1;
		u64 ts = (1000 + (u64)i) * NS_PER_SEC / 100;
		u32 n = datagram(p, (u16)(i / 2), answer);
		if (how == V6) {
			add_v6(ts, answer, p, n);
		} else if (how == FRAGMENTS && answer) {
			add_v4(ts, (u16)(i + 1), answer, p, 0, 24, true);
			add_v4(ts, (u16)(i + 1), answer, p, 24, n, false);
		} else {
			add_v4(ts, (u16)(i + 1), answer, p, 0, n, false);
		}
	}
}

/* --- a sink that counts --- */

static struct counter {
	struct sink base;
	u32 roundtrips, answered, flushes, last;
	u32 ids[PLAY_MAX];
	u64 last_now;
	bool backwards; /* time was */
	const char *name;
	struct observer *ob;
} counters[4];

static void count(struct sink *s, const struct roundtrip *rt)
{
	struct counter *c = (struct counter *)s;
	c->ids[c->roundtrips++] = (u32)((rt->request->time - 10 * NS_PER_SEC) / (NS_PER_SEC / 50));
	c->answered += rt->outcome == OUTCOME_ANSWERED;
	c->name = observer_interface(c->ob, (u32)(c - counters), rt->conn->ifindex);
}

static void count_flush(struct sink *s, u64 now, bool last)
{
	struct counter *c = (struct counter *)s;
	c->flushes++;
	c->last += last;
	c->backwards |= now < c->last_now;
	c->last_now = now;
}

static int add_sinks(void *arg, struct observer *ob, u32 worker, struct sessions *sessions)
{
	counters[worker] = (struct counter){ .base = { count, count_flush }, .ob = ob };
	return arg ? *(int *)arg : sessions_add_sink(sessions, &counters[worker].base);
}

static struct observer *open_observer(const struct capture_engine *e, u8 family, u32 workers)
{
	struct observer_options o = { .engine = e, .family = family, .workers = workers, .add_sinks = add_sinks };
	struct observer *ob = NULL;
	char error[256];
	o.session.proto.details = true;
	assert_int_equal(observer_open(&o, &ob, error), 0);
	return ob;
}

static void wait_for_end(struct observer *ob)
{
	struct pollfd p = { .fd = observer_fd(ob), .events = POLLIN };
	while (observer_running(ob))
		assert_int_equal(poll(&p, 1, 20000), 1);
}

static void run_file(u8 family, struct ledger *ret)
{
	char text[200];
	struct observer *ob = open_observer(&fake_file, family, 3);
	assert_int_equal(observer_workers(ob), 1); /* a file has one */
	assert_int_equal(observer_start(ob), 0);
	wait_for_end(ob);
	assert_int_equal(observer_join(ob), 0);
	observer_ledger(ob, ret);
	assert_string_equal(ledger_check(ret, text), "");
	observer_close(ob);
	assert_int_equal(play.opened, play.closed);
}

static void test_file(void **state)
{
	struct ledger l;
	play_dns(1000, WHOLE);
	for (u32 step = 1; step <= CAPTURE_BATCH; step += 21) {
		play.step = step;
		run_file(0, &l);
		assert_int_equal(counters[0].roundtrips, 1000);
		assert_int_equal(counters[0].answered, 1000);
		for (u32 i = 0; i < 1000; i++)
			assert_int_equal(counters[0].ids[i], i);
		assert_int_equal(counters[0].last, 1);
		assert_false(counters[0].backwards);
		assert_string_equal(counters[0].name, "veth4");
		assert_int_equal(l.packets, 2000);
		assert_int_equal(l.net[NET_SEGMENT], 2000);
		assert_int_equal(l.kernel_dropped, 7);
		assert_int_equal(l.engine_ignored, 3);
		assert_int_equal(l.first_ts, play.packets[0].ts);
		assert_int_equal(l.last_ts, play.packets[1999].ts);
	}
}

/* A reassembled datagram lives only until the next packet is decoded, and a batch holds many. */
static void test_fragments_within_a_batch(void **state)
{
	struct ledger l;
	play_dns(500, FRAGMENTS);
	run_file(0, &l);
	assert_int_equal(counters[0].answered, 500);
	assert_int_equal(l.packets, 1500);
	assert_int_equal(l.net[NET_SEGMENT], 1000);
	assert_int_equal(l.net[NET_FRAGMENT], 500);
}

static void test_family(void **state)
{
	struct ledger l;
	play_dns(10, V6);
	run_file(6, &l);
	assert_int_equal(counters[0].answered, 10);
	run_file(4, &l);
	assert_int_equal(counters[0].roundtrips, 0);
	assert_int_equal(l.net[NET_LEFT_OUT], 20);
	assert_int_equal(l.net[NET_SEGMENT], 0);
	play_dns(10, WHOLE);
	run_file(4, &l);
	assert_int_equal(counters[0].answered, 10);
	run_file(6, &l);
	assert_int_equal(l.net[NET_LEFT_OUT], 20);
}

static void test_broken_engine(void **state)
{
	struct ledger l;
	play_dns(5, WHOLE);
	play.end = -ENETDOWN;
	struct observer *ob = open_observer(&fake_file, 0, 1);
	observer_start(ob);
	wait_for_end(ob);
	assert_int_equal(observer_join(ob), -ENETDOWN);
	observer_ledger(ob, &l);
	assert_int_equal(counters[0].answered, 5); /* what came before is reported */
	observer_close(ob);
}

static void test_warning_and_progress(void **state)
{
	char text[256];
	struct observer_progress p;
	play_dns(1, WHOLE);
	play.warning = "file cut short at byte 99";
	struct observer *ob = open_observer(&fake_file, 0, 1);
	assert_false(observer_warning(ob, text));
	observer_start(ob);
	wait_for_end(ob);
	assert_true(observer_warning(ob, text));
	assert_string_equal(text, "file cut short at byte 99");
	assert_false(observer_warning(ob, text));
	observer_progress(ob, &p);
	assert_int_equal(p.bytes, 10);
	assert_int_equal(p.total, 20);
	assert_int_equal(p.packets, 2);
	observer_close(ob);
}

/* All workers see an interface go, and one sentence is enough. */
static void test_warning_of_all_workers(void **state)
{
	char text[256];
	play_dns(1, WHOLE);
	play.end = 0;
	play.warning = "interface x is gone";
	struct observer *ob = open_observer(&fake_live, 0, 3);
	observer_start(ob);
	for (int i = 0; i < 2000 && !observer_warning(ob, text); i++)
		poll(NULL, 0, 5);
	assert_string_equal(text, "interface x is gone");
	observer_stop(ob);
	observer_join(ob);
	assert_false(observer_warning(ob, text));
	observer_close(ob);
}

/* Live: workers each have an engine of their own, a request without an answer times out by the clock, a stop ends all. */
static void test_live(void **state)
{
	struct timespec now;
	struct ledger l;
	char text[200];
	play_dns(1, WHOLE);
	play.len = 1; /* only the question */
	play.end = 0;
	clock_gettime(CLOCK_REALTIME, &now);
	play.packets[0].ts = (u64)now.tv_sec * NS_PER_SEC + (u64)now.tv_nsec;
	struct observer_options o = { .engine = &fake_live, .workers = 3, .add_sinks = add_sinks, .ring_bytes = 3 * MIB };
	struct observer *ob;
	char error[256];
	o.session.udp_timeout_ns = 200 * NS_PER_MS;
	assert_int_equal(observer_open(&o, &ob, error), 0);
	assert_int_equal(observer_workers(ob), 3);
	assert_int_equal(play.seen.worker, 2);
	assert_int_equal(play.seen.workers, 3);
	assert_int_equal(play.seen.ring_bytes, MIB);
	observer_start(ob);
	for (int i = 0; i < 200; i++) {
		poll(NULL, 0, 25);
		observer_ledger(ob, &l);
		if (l.proto[proto_index(proto_find(STR("dns")))].outcomes[OUTCOME_NO_RESPONSE] == 3)
			break;
	}
	assert_int_equal(l.proto[proto_index(proto_find(STR("dns")))].outcomes[OUTCOME_NO_RESPONSE], 3);
	assert_true(observer_running(ob));
	observer_stop(ob);
	wait_for_end(ob);
	assert_int_equal(observer_join(ob), 0);
	observer_ledger(ob, &l);
	assert_string_equal(ledger_check(&l, text), "");
	assert_int_equal(l.packets, 3);
	assert_int_equal(l.kernel_dropped, 21);
	for (int i = 0; i < 3; i++)
		assert_int_equal(counters[i].last, 1), assert_false(counters[i].backwards);
	observer_close(ob);
	assert_int_equal(play.closed, 3);
}

static u64 ob_packets(struct observer *ob)
{
	struct observer_progress p;
	observer_progress(ob, &p);
	return p.packets;
}

static void wait_until_lost_or_silent(struct observer *ob, struct ledger *l)
{
	const struct ledger_proto *dns = &l->proto[proto_index(proto_find(STR("dns")))];
	for (int i = 0; i < 400; i++) {
		observer_ledger(ob, l);
		if (dns->outcomes[OUTCOME_LOST] + dns->outcomes[OUTCOME_NO_RESPONSE])
			return;
		poll(NULL, 0, 25);
	}
}

/* The packets of a protocol that is not watched any more stay away: its requests are not said to be without an answer. */
static void test_reconfigure(void **state)
{
	struct timespec now;
	struct ledger l;
	struct observer *ob;
	char error[256], text[256] = "";
	struct proto_rule rule = { .proto = proto_find(STR("redis")), .port = 6379 };
	play_dns(1, WHOLE);
	play.len = 1;
	play.end = 0;
	clock_gettime(CLOCK_REALTIME, &now);
	play.packets[0].ts = (u64)now.tv_sec * NS_PER_SEC + (u64)now.tv_nsec;
	struct observer_options o = { .engine = &fake_live, .workers = 1, .add_sinks = add_sinks };
	o.session.udp_timeout_ns = 300 * NS_PER_MS;
	assert_int_equal(observer_open(&o, &ob, error), 0);
	observer_start(ob);
	for (int i = 0; i < 400 && !ob_packets(ob); i++)
		poll(NULL, 0, 5);
	o.session.rules = &rule;
	o.session.rules_len = 1;
	o.capture.filter = "port 6379";
	assert_int_equal(observer_reconfigure(ob, &o), 0);
	wait_until_lost_or_silent(ob, &l);
	assert_int_equal(l.proto[proto_index(proto_find(STR("dns")))].outcomes[OUTCOME_LOST], 1);
	assert_string_equal(play.filter, "port 6379");

	play.filter_error = -EINVAL;
	o.session.rules_len = 0;
	o.capture.filter = NULL;
	assert_int_equal(observer_reconfigure(ob, &o), 0);
	for (int i = 0; i < 400 && !observer_warning(ob, text); i++)
		poll(NULL, 0, 25);
	assert_non_null(strstr(text, "no such filter"));
	assert_string_equal(play.filter, "(none)");
	observer_stop(ob);
	wait_for_end(ob);
	assert_int_equal(observer_join(ob), 0);
	assert_int_equal(observer_reconfigure(ob, &o), 0); /* nobody takes it, nothing is lost */
	observer_close(ob);
}

static void test_failing_to_open(void **state)
{
	struct observer_options o = { .engine = &fake_live, .workers = 2, .add_sinks = add_sinks };
	struct observer *ob = NULL;
	char error[256];
	int broken = -ENOSPC;
	play_dns(1, WHOLE);
	play.open_error = -EPERM;
	assert_int_equal(observer_open(&o, &ob, error), -EPERM);
	assert_string_equal(error, "no second one");
	assert_int_equal(play.closed, 1);
	play_dns(1, WHOLE);
	o.arg = &broken;
	assert_int_equal(observer_open(&o, &ob, error), -ENOSPC);
	assert_int_equal(play.opened, play.closed);
	assert_null(ob);
}

static void test_default_workers(void **state)
{
	assert_int_equal(observer_default_workers(1), 1);
	assert_int_equal(observer_default_workers(2), 1);
	assert_int_equal(observer_default_workers(4), 2);
	assert_int_equal(observer_default_workers(15), 7);
	assert_int_equal(observer_default_workers(64), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),	      cmocka_unit_test(test_fragments_within_a_batch), cmocka_unit_test(test_family),
		cmocka_unit_test(test_broken_engine), cmocka_unit_test(test_warning_and_progress),     cmocka_unit_test(test_warning_of_all_workers),
		cmocka_unit_test(test_live),	      cmocka_unit_test(test_failing_to_open),	       cmocka_unit_test(test_default_workers),
		cmocka_unit_test(test_reconfigure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
