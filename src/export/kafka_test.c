/* Records to Kafka, against librdkafka's own brokers: all of them arrive once, keyed by connection, also when brokers refuse
 * and go away for a while. SPDX-License-Identifier: Apache-2.0 */
#include "toy.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>

#include "export/exporter.h"
#include "proto/http/http.h"

#define TOPIC "packetd.roundtrips"

struct cluster {
	rd_kafka_t *handle;
	rd_kafka_mock_cluster_t *mock;
};

static void silent(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
}

static rd_kafka_t *new_client(rd_kafka_type_t type, const char *brokers)
{
	char why[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set_log_cb(conf, silent);
	if (brokers)
		rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof(why));
	rd_kafka_conf_set(conf, "group.id", "test", why, sizeof(why));
	rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", why, sizeof(why));
	rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof(why));
	assert_non_null(rk);
	return rk;
}

static int start_cluster(void **state)
{
	static struct cluster c;
	c.handle = new_client(RD_KAFKA_PRODUCER, NULL);
	c.mock = rd_kafka_mock_cluster_new(c.handle, 2);
	assert_non_null(c.mock);
	assert_int_equal(rd_kafka_mock_topic_create(c.mock, TOPIC, 4, 1), 0);
	*state = &c;
	return 0;
}

static int stop_cluster(void **state)
{
	struct cluster *c = *state;
	rd_kafka_mock_cluster_destroy(c->mock);
	rd_kafka_destroy(c->handle);
	return 0;
}

static struct config config;

static struct exporter *start_exporter(const struct cluster *c, bool protobuf, u64 queue)
{
	static struct exporter_env env;
	static struct config_pair header = { "source", "test" }, option = { "retry.backoff.ms", "20" };
	struct buf error = { 0 };
	struct exporter *e = NULL;
	config = (struct config){ 0 };
	config.exporter.kafka = (struct config_kafka){
		.d = { .enabled = true, .endpoint = rd_kafka_mock_cluster_bootstraps(c->mock), .batch = 50, .timeout = 5 * NS_PER_SEC, .compression = "gzip", .queue_bytes = queue, .header = { &header, 1 } },
		.topic = TOPIC,
		.protobuf = protobuf,
		.options = { &option, 1 },
	};
	env = (struct exporter_env){ .config = &config, .workers = 1 };
	int rc = exporter_kafka.open(&env, &e, &error);
	if (rc)
		fail_msg("%s", buf_cstr(&error));
	return e;
}

static void offer(struct view_sink *sink, u32 n)
{
	struct toy t;
	for (u32 i = 0; i < n; i++) {
		toy_http_example(&t);
		t.conn.port[0] = (u16)(1000 + i % 10);
		t.http[1].m.size = i;
		struct view v = { .rt = &t.rt, .weight = 1 };
		sink->view(sink, &v);
	}
	sink->flush(sink, 0, true);
}

/* Takes n records and checks that each number came once, those of a key in order. */
static void consume(const struct cluster *c, u32 n, bool protobuf)
{
	rd_kafka_t *rk = new_client(RD_KAFKA_CONSUMER, rd_kafka_mock_cluster_bootstraps(c->mock));
	rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(4);
	u8 *seen = calloc(n, 1);
	i64 last[10];
	memset(last, -1, sizeof(last));
	for (int p = 0; p < 4; p++)
		rd_kafka_topic_partition_list_add(all, TOPIC, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(rk, all);
	for (u32 got = 0, idle = 0; got < n && idle < 300;) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
		if (!m || m->err) {
			idle++;
		} else {
			unsigned port, size;
			assert_int_equal(sscanf(m->key, "10.1.0.7:%u-10.1.0.21:80", &port), 1);
			if (!protobuf) {
				char text[4096] = "";
				memcpy(text, m->payload, MIN(m->len, sizeof(text) - 1));
				assert_true(json_valid(m->payload, m->len));
				const char *at = strstr(strstr(text, "\"Response\""), "\"Size\":");
				assert_int_equal(sscanf(at, "\"Size\":%u", &size), 1);
				assert_true(size < n && !seen[size]);
				seen[size] = 1;
				assert_true((i64)size > last[port - 1000]);
				last[port - 1000] = size;
			} else {
				assert_int_equal(((const u8 *)m->payload)[0], 1 << 3 | 2);
			}
			got++;
			if (got == n)
				idle = 0;
		}
		if (m)
			rd_kafka_message_destroy(m);
		if (got == n)
			break;
		if (idle == 299)
			fail_msg("only %u of %u came", got, n);
	}
	free(seen);
	rd_kafka_topic_partition_list_destroy(all);
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
}

static void finish(struct exporter *e, u32 n)
{
	struct export_counters c;
	exporter_kafka.stop(e, 60000);
	exporter_kafka.counters(e, &c);
	assert_int_equal(c.offered, n);
	assert_int_equal(c.delivered, n);
	exporter_kafka.free(e);
}

static void test_json(void **state)
{
	struct exporter *e = start_exporter(*state, false, 0);
	struct view_sink *sink = exporter_kafka.sink(e, 0);
	assert_int_equal(exporter_kafka.start(e), 0);
	offer(sink, 1000);
	finish(e, 1000);
	consume(*state, 1000, false);
}

static void test_protobuf(void **state)
{
	struct exporter *e = start_exporter(*state, true, 0);
	struct view_sink *sink = exporter_kafka.sink(e, 0);
	assert_int_equal(exporter_kafka.start(e), 0);
	offer(sink, 200);
	finish(e, 200);
	consume(*state, 200, true);
}

/* Brokers that answer with errors, are slow, and are gone for a moment. */
static void test_trouble(void **state)
{
	const struct cluster *c = *state;
	struct exporter *e = start_exporter(c, false, 0);
	struct view_sink *sink = exporter_kafka.sink(e, 0);
	rd_kafka_mock_push_request_errors(c->mock, 0 /* Produce */, 4, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
					  RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
	rd_kafka_mock_broker_set_rtt(c->mock, 1, 50);
	assert_int_equal(exporter_kafka.start(e), 0);
	offer(sink, 300);
	rd_kafka_mock_broker_set_down(c->mock, 2);
	usleep(300000);
	rd_kafka_mock_broker_set_up(c->mock, 2);
	finish(e, 300);
	consume(c, 300, false);
}

/* Nobody there at the end: given up within the limit, and counted. */
static void test_gone(void **state)
{
	const struct cluster *c = *state;
	struct export_counters counted;
	struct exporter *e = start_exporter(c, false, 0);
	struct view_sink *sink = exporter_kafka.sink(e, 0);
	rd_kafka_mock_broker_set_down(c->mock, 1);
	rd_kafka_mock_broker_set_down(c->mock, 2);
	assert_int_equal(exporter_kafka.start(e), 0);
	offer(sink, 120);
	exporter_kafka.stop(e, 500);
	exporter_kafka.counters(e, &counted);
	assert_int_equal(counted.offered, 120);
	assert_int_equal(counted.delivered + counted.dropped[EXPORT_DROP_ABANDONED], 120);
	assert_int_equal(counted.delivered, 0);
	exporter_kafka.free(e);
}

#define WITH_CLUSTER(f) cmocka_unit_test_setup_teardown(f, start_cluster, stop_cluster)

int main(void)
{
	const struct CMUnitTest tests[] = { WITH_CLUSTER(test_json), WITH_CLUSTER(test_protobuf), WITH_CLUSTER(test_trouble), WITH_CLUSTER(test_gone) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
