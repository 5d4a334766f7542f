/* The JDK's own HTTP/2 client in clear text, which begins each connection with an Upgrade of HTTP/1.1. SPDX-License-Identifier: Apache-2.0
 * usage: Http2Peer PORT STREAMS; prints what it asked, a JSON object a line. */
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;

public class Http2Peer {
	static HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
	static String base;

	static CompletableFuture<Void> ask(String method, String path, int body) {
		HttpRequest request = HttpRequest.newBuilder(URI.create(base + path))
			.method(method, body == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(new byte[body])).build();
		return client.sendAsync(request, BodyHandlers.ofByteArray()).handle((HttpResponse<byte[]> r, Throwable failed) -> {
			String how = failed != null ? "0,\"size\":0,\"outcome\":\"reset\"" : r.statusCode() + ",\"size\":" + r.body().length + ",\"outcome\":\"answered\",\"version\":\"" + r.version() + "\"";
			synchronized (client) {
				System.out.println("{\"method\":\"" + method + "\",\"path\":\"" + path + "\",\"sent\":" + body + ",\"status\":" + how + "}");
			}
			return null;
		});
	}

	public static void main(String[] args) {
		base = "http://127.0.0.1:" + args[0];
		for (String path : new String[] {"/?size=10", "/trailers", "/empty", "/moved", "/missing?size=3", "/big?size=500000"})
			ask("GET", path, 0).join();
		ask("HEAD", "/?size=10", 0).join();
		ask("POST", "/up?size=1", 100000).join();
		ask("DELETE", "/x", 0).join();
		List<CompletableFuture<Void>> all = new ArrayList<>();
		Semaphore under = new Semaphore(500); /* what is more than the server's limit it does not ask at all */
		for (int i = 0; i < Integer.parseInt(args[1]); i++) {
			under.acquireUninterruptibly();
			all.add(ask("GET", "/many/" + i + "?size=" + i % 50, 0).thenRun(under::release));
		}
		all.forEach(CompletableFuture::join);
	}
}
