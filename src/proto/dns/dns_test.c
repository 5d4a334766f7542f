#include "unit.h"

#include "proto_feed.h"
#include "proto/dns/dns.h"

static const struct feed_options udp = { .datagram = true };

#define Q_A "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07" "Example\x03" "com\x00\x00\x01\x00\x01"
#define A_A "\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x07" "example\x03" "com\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x50"

static void test_pair(void **state)
{
	struct feed_step steps[] = { CLIENT(Q_A), SERVER(A_A) };
	char *log = FEED_CHECK(&proto_dns, steps, &udp, "answered A Example.com -> NOERROR 192.0.2.80\n");
	print_message("%s", log);
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_pair) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
