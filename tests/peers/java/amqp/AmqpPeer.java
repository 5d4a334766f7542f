/* What a Java application does with RabbitMQ. SPDX-License-Identifier: Apache-2.0
 * usage: AmqpPeer PORT MESSAGES; prints each exchange it knows of as a line of JSON: whose (client or server), method, outcome, answer, fields. */
import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.GetResponse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

public class AmqpPeer {
	static final List<String> LINES = new ArrayList<>();

	static synchronized void note(String who, String method, String outcome, String answer, String fields) {
		LINES.add("{\"who\":\"" + who + "\",\"method\":\"" + method + "\",\"outcome\":\"" + outcome + "\",\"answer\":" + (answer == null ? "null" : "\"" + answer + "\"") +
			(fields.isEmpty() ? "" : "," + fields) + "}");
	}

	static void asked(String method, String answer, String fields) {
		note("client", method, "answered", answer, fields);
	}

	static void publish(Channel c, String exchange, String key, int size, String id, boolean confirmed) throws IOException {
		AMQP.BasicProperties p = new AMQP.BasicProperties.Builder().messageId(id).contentType("text/plain").build();
		c.basicPublish(exchange, key, p, new byte[size]);
		note("client", "Basic.Publish", confirmed ? "answered" : "oneway", confirmed ? "Ack" : null, "\"exchange\":\"" + exchange + "\",\"key\":\"" + key + "\",\"size\":" + size + ",\"id\":\"" + id + "\"");
	}

	/* as many with confirms as without, the former in batches */
	static void publishes(Channel c, int n) throws Exception {
		for (int i = 0; i < n; i++)
			publish(c, "java.logs", "a." + i % 5, i, "j" + i, false);
		c.confirmSelect();
		asked("Confirm.Select", "Select-Ok", "");
		for (int i = n; i < 2 * n; i++) {
			publish(c, "java.logs", "a." + i % 5, i, "j" + i, true);
			if (i % 10 == 9 || i == 2 * n - 1)
				c.waitForConfirmsOrDie(20000);
		}
	}

	static void settle(Channel c, long tag, String answer, List<Long> held) {
		List<Long> settled = new ArrayList<>();
		for (long t : held)
			if (t == tag || (t < tag && !answer.equals("Reject")))
				settled.add(t);
		for (long t : settled)
			note("server", "Basic.Deliver", "answered", answer, "\"queue\":\"java.q\",\"tag\":" + t);
		held.removeAll(settled);
	}

	static void consume(Channel c, int want) throws Exception {
		CountDownLatch done = new CountDownLatch(1);
		List<Long> held = new ArrayList<>();
		c.basicQos(want);
		asked("Basic.Qos", "Qos-Ok", "");
		String tag = c.basicConsume("java.q", false, new DefaultConsumer(c) {
			public void handleDelivery(String consumer, Envelope e, AMQP.BasicProperties p, byte[] body) throws IOException {
				long t = e.getDeliveryTag();
				held.add(t);
				if (t == want || t % 7 == 0) {
					c.basicAck(t, true);
					settle(c, t, "Ack", held);
				} else if (t % 5 == 0) {
					c.basicReject(t, false);
					settle(c, t, "Reject", held);
				} else if (t % 11 == 0) {
					c.basicNack(t, true, false);
					settle(c, t, "Nack", held);
				}
				if (t == want)
					done.countDown();
			}
		});
		asked("Basic.Consume", "Consume-Ok", "\"queue\":\"java.q\"");
		done.await();
		c.basicCancel(tag);
		asked("Basic.Cancel", "Cancel-Ok", "");
	}

	static void automatic(Connection connection, int n) throws Exception {
		Channel c = connection.createChannel();
		asked("Channel.Open", "Open-Ok", "");
		CountDownLatch done = new CountDownLatch(n);
		c.basicConsume("java.q", true, new DefaultConsumer(c) {
			public void handleDelivery(String consumer, Envelope e, AMQP.BasicProperties p, byte[] body) {
				note("server", "Basic.Deliver", "oneway", null, "\"queue\":\"java.q\",\"tag\":" + e.getDeliveryTag());
				done.countDown();
			}
		});
		asked("Basic.Consume", "Consume-Ok", "\"queue\":\"java.q\"");
		for (int i = 0; i < n; i++)
			publish(c, "", "java.q", 10 * i, "k" + i, false);
		done.await();
		c.close();
		asked("Channel.Close", "Close-Ok", "");
	}

	static void transaction(Connection connection) throws Exception {
		Channel c = connection.createChannel();
		asked("Channel.Open", "Open-Ok", "");
		c.txSelect();
		asked("Tx.Select", "Select-Ok", "");
		publish(c, "", "java.q", 5, "tx1", false);
		c.txCommit();
		asked("Tx.Commit", "Commit-Ok", "");
		publish(c, "", "java.q", 6, "tx2", false);
		c.txRollback();
		asked("Tx.Rollback", "Rollback-Ok", "");
		GetResponse got = c.basicGet("java.q", true);
		asked("Basic.Get", got == null ? "Get-Empty" : "Get-Ok", "\"queue\":\"java.q\"");
		asked("Basic.Get", c.basicGet("java.q", true) == null ? "Get-Empty" : "Get-Ok", "\"queue\":\"java.q\"");
		c.close();
		asked("Channel.Close", "Close-Ok", "");
	}

	static void refused(Connection connection) throws Exception {
		Channel c = connection.createChannel();
		asked("Channel.Open", "Open-Ok", "");
		try {
			c.queueDeclarePassive("java.missing");
			throw new IllegalStateException("there is such a queue");
		} catch (IOException e) {
			asked("Queue.Declare", "Close", "\"queue\":\"java.missing\",\"error\":\"NOT_FOUND\"");
			note("server", "Channel.Close", "answered", "Close-Ok", "\"error\":\"NOT_FOUND\"");
		}
	}

	public static void main(String[] args) throws Exception {
		int n = Integer.parseInt(args[1]);
		ConnectionFactory f = new ConnectionFactory();
		f.setHost("127.0.0.1");
		f.setPort(Integer.parseInt(args[0]));
		Connection connection = f.newConnection();
		note("server", "Connection.Start", "answered", "Start-Ok", "");
		note("server", "Connection.Tune", "answered", "Tune-Ok", "");
		asked("Connection.Open", "Open-Ok", "");
		Channel c = connection.createChannel();
		asked("Channel.Open", "Open-Ok", "");
		c.exchangeDeclare("java.logs", "topic");
		asked("Exchange.Declare", "Declare-Ok", "\"exchange\":\"java.logs\"");
		c.queueDeclare("java.q", false, false, false, null);
		asked("Queue.Declare", "Declare-Ok", "\"queue\":\"java.q\"");
		c.queueBind("java.q", "java.logs", "a.#");
		asked("Queue.Bind", "Bind-Ok", "\"exchange\":\"java.logs\",\"key\":\"a.#\",\"queue\":\"java.q\"");
		publishes(c, n);
		consume(c, 2 * n);
		c.queueDeclare("java.q", false, false, false, null);
		asked("Queue.Declare", "Declare-Ok", "\"queue\":\"java.q\"");
		automatic(connection, n);
		c.queueDeclare("java.q", false, false, false, null);
		asked("Queue.Declare", "Declare-Ok", "\"queue\":\"java.q\"");
		transaction(connection);
		refused(connection);
		c.exchangeDelete("java.logs");
		asked("Exchange.Delete", "Delete-Ok", "\"exchange\":\"java.logs\"");
		c.close();
		asked("Channel.Close", "Close-Ok", "");
		connection.close();
		asked("Connection.Close", "Close-Ok", "");
		LINES.forEach(System.out::println);
	}
}
