/* What a Java application does with Kafka, with whatever version of the client there is. SPDX-License-Identifier: Apache-2.0
 * usage: KafkaTalk HOST:PORT NAME RECORDS; prints per client what it counted, as a line of JSON. */
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class KafkaTalk {
	static String where, name;

	static Properties settings(String id, String... pairs) {
		Properties p = new Properties();
		p.put("bootstrap.servers", where);
		p.put("client.id", id);
		p.put("key.serializer", ByteArraySerializer.class.getName());
		p.put("value.serializer", ByteArraySerializer.class.getName());
		p.put("key.deserializer", ByteArrayDeserializer.class.getName());
		p.put("value.deserializer", ByteArrayDeserializer.class.getName());
		p.put("enable.metrics.push", "false");
		for (int i = 0; i < pairs.length; i += 2)
			p.put(pairs[i], pairs[i + 1]);
		return p;
	}

	static long requests(Map<MetricName, ? extends Metric> metrics) {
		for (Map.Entry<MetricName, ? extends Metric> m : metrics.entrySet())
			if (m.getKey().name().equals("request-total") && !m.getKey().group().contains("node"))
				return ((Double) m.getValue().metricValue()).longValue();
		return -1;
	}

	static void tell(String id, long requests, int produced, int consumed) {
		System.out.println("{\"client\":\"" + id + "\",\"requests\":" + requests + ",\"produced\":" + produced + ",\"consumed\":" + consumed + "}");
	}

	static byte[] value(int i) {
		byte[] v = new byte[i % 200];
		Arrays.fill(v, (byte) 'v');
		return v;
	}

	static void send(KafkaProducer<byte[], byte[]> p, int n) throws Exception {
		for (int i = 0; i < n; i++) {
			ProducerRecord<byte[], byte[]> r = new ProducerRecord<>(name, i % 2, null, value(i));
			r.headers().add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".getBytes());
			p.send(r);
		}
		p.flush();
	}

	static void produce(String acks, String compression, int n) throws Exception {
		String id = name + "-acks-" + acks;
		try (KafkaProducer<byte[], byte[]> p = new KafkaProducer<>(settings(id, "acks", acks, "compression.type", compression, "enable.idempotence", acks.equals("all") ? "true" : "false"))) {
			send(p, n);
			Thread.sleep(acks.equals("0") ? 300 : 0);
			tell(id, requests(p.metrics()), n, 0);
		}
	}

	/* one transaction that is committed, one that is not; its last request is on the way when it is closed, so none are counted */
	static void transactions(int n) throws Exception {
		String id = name + "-tx";
		try (KafkaProducer<byte[], byte[]> p = new KafkaProducer<>(settings(id, "transactional.id", id))) {
			p.initTransactions();
			for (int round = 0; round < 2; round++) {
				p.beginTransaction();
				send(p, n);
				if (round == 0)
					p.commitTransaction();
				else
					p.abortTransaction();
			}
			tell(id, -1, 2 * n, 0);
		}
	}

	static void consume(int want, String... more) {
		String id = name + "-consumer" + more.length;
		Properties p = settings(id, more);
		p.put("group.id", id);
		p.put("auto.offset.reset", "earliest");
		p.put("isolation.level", "read_committed");
		p.put("enable.auto.commit", "false");
		int got = 0;
		try (KafkaConsumer<byte[], byte[]> c = new KafkaConsumer<>(p)) {
			c.subscribe(Collections.singletonList(name));
			for (int polls = 0; got < want && polls < 200; polls++)
				for (ConsumerRecord<byte[], byte[]> r : c.poll(Duration.ofMillis(200)))
					got += r.value() == null ? 0 : 1;
			c.commitSync();
		}
		tell(id, -1, 0, got);
	}

	static void expectFailure(String what, org.apache.kafka.common.KafkaFuture<?> f) throws Exception {
		try {
			f.get();
			throw new IllegalStateException(what + " did not fail");
		} catch (ExecutionException e) {
			if (!e.getCause().getClass().getSimpleName().equals(what))
				throw e;
		}
	}

	public static void main(String[] args) throws Exception {
		where = args[0];
		name = args[1];
		int n = Integer.parseInt(args[2]);
		String id = name + "-admin";
		AdminClient admin = AdminClient.create(settings(id));
		NewTopic topic = new NewTopic(name, 2, (short) 1);
		admin.createTopics(Arrays.asList(topic, new NewTopic(name + "-gone", 1, (short) 1))).all().get();
		expectFailure("TopicExistsException", admin.createTopics(Collections.singletonList(topic)).all());
		expectFailure("UnknownTopicOrPartitionException", admin.deleteTopics(Collections.singletonList(name + "-none")).all());
		admin.describeConfigs(Collections.singletonList(new ConfigResource(ConfigResource.Type.TOPIC, name))).all().get();
		produce("all", "gzip", n);
		produce("1", "none", n);
		produce("0", "snappy", n);
		transactions(n);
		int committed = 4 * n;
		consume(committed);
		if (args.length > 3)
			consume(committed, "group.protocol", args[3]);
		admin.listConsumerGroups().all().get();
		admin.describeConsumerGroups(Collections.singletonList(name + "-consumer0")).all().get();
		admin.deleteTopics(Collections.singletonList(name + "-gone")).all().get();
		tell(id, requests(admin.metrics()), 0, 0);
		admin.close();
	}
}
