/* A Kafka broker that is its own controller (KRaft), with its own counters on demand. SPDX-License-Identifier: Apache-2.0
 * usage: KafkaBroker FOLDER PORT CONTROLLER_PORT
 * For each line of standard input prints what it has counted so far, as a line of JSON; ends when standard input does. */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.management.MBeanServer;
import javax.management.ObjectName;

public class KafkaBroker {
	static final PrintStream OUT = System.out;

	static String[] settings(String folder, String port, String controller) {
		return new String[] {
			"process.roles=broker,controller", "node.id=1", "controller.quorum.voters=1@127.0.0.1:" + controller,
			"listeners=PLAINTEXT://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controller, "advertised.listeners=PLAINTEXT://127.0.0.1:" + port,
			"controller.listener.names=CONTROLLER", "inter.broker.listener.name=PLAINTEXT", "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
			"log.dirs=" + folder + "/logs", "offsets.topic.replication.factor=1", "offsets.topic.num.partitions=2", "transaction.state.log.replication.factor=1",
			"transaction.state.log.min.isr=1", "transaction.state.log.num.partitions=2", "group.initial.rebalance.delay.ms=0", "num.network.threads=1", "num.io.threads=2",
			"num.partitions=2", "auto.create.topics.enable=true", "delete.topic.enable=true",
		};
	}

	/* {"REQUEST VERSION": count}, {"REQUEST ERROR": count}, {"topic": messages} */
	static String counted(String pattern, String... keys) throws Exception {
		MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
		List<String> out = new ArrayList<>();
		for (ObjectName name : beans.queryNames(new ObjectName(pattern), null)) {
			List<String> words = new ArrayList<>();
			for (String key : keys)
				words.add(name.getKeyProperty(key));
			if (!words.contains(null))
				out.add("\"" + String.join(" ", words) + "\":" + beans.getAttribute(name, "Count"));
		}
		return "{" + String.join(",", out) + "}";
	}

	static void tell() throws Exception {
		OUT.println("{\"requests\":" + counted("kafka.network:type=RequestMetrics,name=RequestsPerSec,*", "request", "version") +
			",\"errors\":" + counted("kafka.network:type=RequestMetrics,name=ErrorsPerSec,*", "request", "error") +
			",\"messages\":" + counted("kafka.server:type=BrokerTopicMetrics,name=MessagesInPerSec,*", "topic") + "}");
		OUT.flush();
	}

	public static void main(String[] args) throws Exception {
		Path file = Path.of(args[0], "server.properties");
		Files.writeString(file, String.join("\n", settings(args[0], args[1], args[2])) + "\n");
		System.setOut(System.err);
		kafka.tools.StorageTool.execute(new String[] {"format", "-t", "cGFja2V0ZHBhY2tldGRwYQ", "-c", file.toString()}, System.err);
		Thread broker = new Thread(() -> kafka.Kafka.main(new String[] {file.toString()}));
		broker.start();
		BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
		while (in.readLine() != null)
			tell();
		Runtime.getRuntime().halt(0);
	}
}
