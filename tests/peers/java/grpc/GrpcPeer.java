/* The service of the Go peer as a server and as a client, with io.grpc and no generated code. SPDX-License-Identifier: Apache-2.0
 * usage: GrpcPeer server PORT | client PORT CALLS */
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.ClientCall;
import io.grpc.HandlerRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

public class GrpcPeer {
	static final String SERVICE = "shop.v1.Cart/";
	static final Metadata.Key<String> WHO = Metadata.Key.of("x-client", Metadata.ASCII_STRING_MARSHALLER);
	static final Metadata.Key<String> COST = Metadata.Key.of("x-cost", Metadata.ASCII_STRING_MARSHALLER);
	static final List<Record> RECORDS = new ArrayList<>();

	static class Record {
		String path, message = "", outcome = "";
		int status;
		boolean gzip;
		final List<Integer> sent = new ArrayList<>(), got = new ArrayList<>();

		Record(String path) {
			this.path = "/" + path;
		}

		void end(Status s) {
			status = s.getCode().value();
			message = s.getDescription() == null ? "" : s.getDescription();
			synchronized (RECORDS) {
				RECORDS.add(this);
			}
		}

		String json() {
			String text = message.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
			return "{\"path\":\"" + path + "\",\"status\":" + status + ",\"message\":\"" + text + "\",\"sent\":" + sent + ",\"got\":" + got
				+ ",\"outcome\":\"" + outcome + "\",\"gzip\":" + gzip + "}";
		}
	}

	static void tell() {
		java.io.PrintStream out = new java.io.PrintStream(System.out, true, java.nio.charset.StandardCharsets.UTF_8);
		synchronized (RECORDS) {
			for (Record r : RECORDS)
				out.println(r.json());
		}
	}

	static final MethodDescriptor.Marshaller<byte[]> BYTES = new MethodDescriptor.Marshaller<byte[]>() {
		public InputStream stream(byte[] value) {
			return new ByteArrayInputStream(value);
		}

		public byte[] parse(InputStream stream) {
			try {
				return stream.readAllBytes();
			} catch (IOException e) {
				throw new IllegalStateException(e);
			}
		}
	};

	static MethodDescriptor<byte[], byte[]> method(String path) {
		return MethodDescriptor.<byte[], byte[]>newBuilder(BYTES, BYTES).setType(MethodDescriptor.MethodType.BIDI_STREAMING).setFullMethodName(path).build();
	}

	static byte[] filled(char c, int n) {
		byte[] out = new byte[n];
		Arrays.fill(out, (byte) c);
		return out;
	}

	/* one call at the server: most answer when the client has said all */
	static class Answer extends ServerCall.Listener<byte[]> {
		final ServerCall<byte[], byte[]> call;
		final Record record;
		final String name;
		byte[] last = new byte[0];
		boolean headers, ended;

		Answer(ServerCall<byte[], byte[]> call) {
			this.call = call;
			String path = call.getMethodDescriptor().getFullMethodName();
			record = new Record(path);
			name = path.substring(path.indexOf('/') + 1);
			call.request(1000);
		}

		void send(byte[] b) {
			if (!headers)
				call.sendHeaders(new Metadata());
			headers = true;
			call.sendMessage(b);
			record.sent.add(b.length);
		}

		void close(Status s) {
			if (ended)
				return;
			ended = true;
			Metadata trailers = new Metadata();
			trailers.put(COST, "7");
			call.close(s, trailers);
			record.end(s);
		}

		public void onMessage(byte[] b) {
			record.got.add(b.length);
			last = b;
			if (name.equals("Chat")) {
				byte[] twice = Arrays.copyOf(b, 2 * b.length);
				System.arraycopy(b, 0, twice, b.length, b.length);
				send(twice);
			}
		}

		public void onHalfClose() {
			switch (name) {
			case "Add":
				send(filled('r', last.length));
				break;
			case "Fail":
				close(Status.NOT_FOUND.withDescription("no such thing: 100% \u20ac\n"));
				return;
			case "List":
			case "Break":
				for (int i = 0; i < (name.equals("List") ? 10 : 3); i++)
					send(filled('i', i * i));
				if (name.equals("Break")) {
					close(Status.ABORTED.withDescription("half way"));
					return;
				}
				break;
			case "Collect":
				send(filled('c', record.got.size()));
				break;
			case "Slow":
				return;
			case "Endless":
				new Thread(this::endless).start();
				return;
			default:
				break;
			}
			close(Status.OK);
		}

		void endless() {
			try {
				while (!call.isCancelled()) {
					send("tick".getBytes());
					Thread.sleep(10);
				}
			} catch (InterruptedException | IllegalStateException e) {
				return;
			}
		}

		public void onCancel() {
			if (!ended)
				record.end(Status.CANCELLED);
			ended = true;
		}
	}

	static void serve(int port) throws Exception {
		HandlerRegistry any = new HandlerRegistry() {
			public ServerMethodDefinition<?, ?> lookupMethod(String path, String authority) {
				ServerCallHandler<byte[], byte[]> handler = (call, headers) -> new Answer(call);
				return path.endsWith("/Nothing") ? null : ServerMethodDefinition.create(method(path), handler);
			}
		};
		Server server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", port)).fallbackHandlerRegistry(any).build().start();
		System.in.readAllBytes();
		server.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
		tell();
		System.exit(0);
	}

	static Record ask(ManagedChannel channel, String method, int cancelAfter, CallOptions options, byte[]... requests) throws InterruptedException {
		Record record = new Record(SERVICE + method);
		record.outcome = cancelAfter > 0 || options.getDeadline() != null ? "ended" : "";
		record.gzip = options.getCompressor() != null;
		CountDownLatch done = new CountDownLatch(1);
		ClientCall<byte[], byte[]> call = channel.newCall(method(SERVICE + method), options);
		Metadata headers = new Metadata();
		headers.put(WHO, "java");
		call.start(new ClientCall.Listener<byte[]>() {
			public void onMessage(byte[] b) {
				record.got.add(b.length);
				if (record.got.size() == cancelAfter)
					call.cancel("enough", null);
			}

			public void onClose(Status s, Metadata trailers) {
				record.end(s);
				done.countDown();
			}
		}, headers);
		call.request(1000000);
		call.setMessageCompression(record.gzip);
		for (byte[] b : requests) {
			call.sendMessage(b);
			record.sent.add(b.length);
		}
		call.halfClose();
		done.await();
		return record;
	}

	static void talk(int port, int many) throws Exception {
		ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
		CallOptions plain = CallOptions.DEFAULT;
		byte[] x = filled('x', 1), abc = filled('a', 3);
		ask(channel, "Add", 0, plain, filled('a', 12));
		ask(channel, "Fail", 0, plain, x);
		ask(channel, "Nothing", 0, plain, x);
		ask(channel, "Add", 0, plain.withCompression("gzip"), filled('b', 5000));
		ask(channel, "List", 0, plain, abc);
		ask(channel, "Break", 0, plain, abc);
		byte[][] parts = new byte[7][];
		for (int i = 0; i < 7; i++)
			parts[i] = filled('m', i);
		ask(channel, "Collect", 0, plain, parts);
		ask(channel, "Chat", 0, plain, filled('1', 1), filled('2', 2), filled('3', 3));
		ask(channel, "Add", 0, plain, filled('B', 300000));
		ask(channel, "Slow", 0, plain.withDeadlineAfter(300, TimeUnit.MILLISECONDS), x);
		ask(channel, "Endless", 3, plain, filled('g', 2));
		ExecutorService pool = Executors.newFixedThreadPool(8);
		for (int i = 0; i < many; i++) {
			byte[] p = filled('p', i % 100);
			pool.submit(() -> ask(channel, "Add", 0, plain, p));
		}
		pool.shutdown();
		pool.awaitTermination(60, TimeUnit.SECONDS);
		channel.shutdown().awaitTermination(10, TimeUnit.SECONDS);
		tell();
		System.exit(0);
	}

	public static void main(String[] args) throws Exception {
		if (args[0].equals("server"))
			serve(Integer.parseInt(args[1]));
		else
			talk(Integer.parseInt(args[1]), Integer.parseInt(args[2]));
	}
}
