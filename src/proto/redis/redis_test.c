/* Conversations in RESP 2 and 3, fed whole, split at every byte, byte by byte, with holes, and joined late. */
#include "unit.h"


#include "proto_feed.h"
#include "proto/redis/redis.h"

extern const struct proto proto_redis;
#define CHECK(steps, brief) FEED_CHECK(&proto_redis, steps, NULL, brief)

static void simple(void **state)
{
	static const struct feed_step steps[] = {
		CLIENT("*3\r\n$3\r\nSET\r\n$4\r\nuser\r\n$5\r\nalice\r\n"), SERVER("+OK\r\n"),
		CLIENT("*2\r\n$3\r\nget\r\n$4\r\nuser\r\n"),                SERVER("$5\r\nalice\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$4\r\nnone\r\n"),                SERVER("$-1\r\n"),
		CLIENT("*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n"),                  SERVER(":1000\r\n"),
		CLIENT("*2\r\n$3\r\nGET\r\n$0\r\n\r\n"),                    SERVER("$0\r\n\r\n"),
		CLIENT("*3\r\n$5\r\nLPUSH\r\n$4\r\nuser\r\n$1\r\nx\r\n"),
		SERVER("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
		CLIENT("*3\r\n$6\r\nconfig\r\n$3\r\nGet\r\n$9\r\nmaxmemory\r\n"), SERVER("*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n"),
	};
	char *log = CHECK(steps, "answered SET user alice -> SimpleStrings 2B\n"
				 "answered GET user -> BulkStrings 5B\n"
				 "answered GET none -> BulkStrings nil\n"
				 "answered INCR n -> Integers 4B\n"
				 "answered GET \"\" -> BulkStrings 0B\n"
				 "answered LPUSH user x -> WRONGTYPE Operation against a key holding the wrong kind of value\n"
				 "answered CONFIG GET maxmemory -> Array 2 of 10B\n");
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(simple),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
