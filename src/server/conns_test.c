/* Deadlines of connections. SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/conns.h"
#include "util/clock.h"

struct pair {
	int client, server;
	struct conns_entry *e;
};

static struct pair connect_pair(struct conns *c)
{
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	return (struct pair){ fds[0], fds[1], conns_add(c, fds[1]) };
}

static void end_pair(struct conns *c, struct pair *p)
{
	conns_remove(c, p->e);
	close(p->server);
	close(p->client);
}

/* Whether the client sees the end within ms. */
static bool ended(const struct pair *p, int ms)
{
	struct pollfd f = { .fd = p->client, .events = POLLIN };
	return poll(&f, 1, ms) == 1;
}

static void test_request_that_does_not_come(void **state)
{
	struct conns *c = conns_new(8, 300 * NS_PER_MS);
	struct pair slow = connect_pair(c), busy = connect_pair(c), writing = connect_pair(c);
	conns_phase(c, busy.e, CONN_WORKING);
	conns_phase(c, writing.e, CONN_WRITING);
	assert_false(ended(&slow, 0));
	assert_true(ended(&slow, 30000));
	assert_true(ended(&writing, 30000));
	assert_false(ended(&busy, 0));
	end_pair(c, &slow);
	/* the place is free again, and its time begins anew */
	u64 began = clock_ns(CLOCK_MONOTONIC);
	struct pair next = connect_pair(c);
	assert_non_null(next.e);
	assert_true(ended(&next, 30000));
	assert_true(clock_ns(CLOCK_MONOTONIC) - began >= 300 * NS_PER_MS);
	end_pair(c, &next);
	end_pair(c, &busy);
	end_pair(c, &writing);
	conns_free(c);
}

static void test_a_new_phase_is_a_new_time(void **state)
{
	struct conns *c = conns_new(2, 60 * NS_PER_SEC);
	struct pair p = connect_pair(c);
	conns_phase(c, p.e, CONN_WRITING);
	assert_false(ended(&p, 600));
	end_pair(c, &p);
	conns_free(c);
}

/* Without a time-out, too: whoever owes a request makes room. */
static void test_crowded(void **state)
{
	struct conns *c = conns_new(8, 0);
	struct pair p[8];
	for (u32 i = 0; i < 7; i++)
		p[i] = connect_pair(c);
	assert_false(ended(&p[0], 600));
	p[7] = connect_pair(c);
	conns_phase(c, p[6].e, CONN_WORKING);
	conns_phase(c, p[7].e, CONN_WRITING);
	assert_null(conns_add(c, p[7].server));
	for (u32 i = 0; i < 6; i++)
		assert_true(ended(&p[i], 30000));
	assert_false(ended(&p[6], 0) || ended(&p[7], 0));
	for (u32 i = 0; i < 8; i++)
		end_pair(c, &p[i]);
	conns_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_that_does_not_come),
		cmocka_unit_test(test_a_new_phase_is_a_new_time),
		cmocka_unit_test(test_crowded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
