/* OpenSearch as one node, from its libraries alone: usage: Store FOLDER HTTP-PORT OTHER-PORT. SPDX-License-Identifier: Apache-2.0 */
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

public class Store {
	static class Single extends Node {
		Single(Environment e) {
			super(e, List.of(Netty4Plugin.class), false);
		}
	}

	public static void main(String[] args) throws Exception {
		Path home = Path.of(args[0]), config = Files.createDirectories(home.resolve("config"));
		Settings settings = Settings.builder()
			.put("path.home", home).put("cluster.name", "packetd").put("node.name", "one").put("discovery.type", "single-node")
			.put("network.host", "127.0.0.1").put("http.port", args[1]).put("transport.port", args[2])
			.put("transport.type", "netty4").put("http.type", "netty4")
			.put("cluster.routing.allocation.disk.threshold_enabled", false)
			.build();
		new Single(new Environment(settings, config)).start();
		Thread.currentThread().join();
	}
}
