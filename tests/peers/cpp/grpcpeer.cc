// The service of the Go peer as a server and as a client, with libgrpc++ and no generated code: messages are bytes.
// usage: grpcpeer server PORT | client PORT CALLS            SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/method_handler.h>
#include <grpcpp/impl/codegen/rpc_method.h>
#include <grpcpp/impl/codegen/rpc_service_method.h>
#include <grpcpp/impl/codegen/service_type.h>

struct Blob {
	std::string bytes;
};

namespace grpc {
template <> class SerializationTraits<Blob> {
public:
	static Status Serialize(const Blob &b, ByteBuffer *out, bool *own)
	{
		Slice slice(b.bytes);
		*out = ByteBuffer(&slice, 1);
		*own = true;
		return Status::OK;
	}

	static Status Deserialize(ByteBuffer *in, Blob *b)
	{
		std::vector<Slice> slices;
		Status s = in->Dump(&slices);
		b->bytes.clear();
		for (const Slice &slice : slices)
			b->bytes.append(reinterpret_cast<const char *>(slice.begin()), slice.size());
		in->Release();
		return s;
	}
};
}

using grpc::Status;
using grpc::StatusCode;
using grpc::internal::RpcMethod;

static std::mutex lock;
static std::vector<std::string> lines;

struct Record {
	std::string path;
	std::vector<size_t> sent, got;
	const char *outcome = "";
	bool gzip = false;

	explicit Record(const std::string &method) : path("/shop.v1.Cart/" + method) {}

	static std::string list(const std::vector<size_t> &v)
	{
		std::string out;
		for (size_t n : v)
			out += (out.empty() ? "" : ",") + std::to_string(n);
		return "[" + out + "]";
	}

	Status end(const Status &s)
	{
		std::string message;
		for (char c : s.error_message())
			message += c == '\n' ? std::string("\\n") : c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
		std::lock_guard<std::mutex> held(lock);
		lines.push_back("{\"path\":\"" + path + "\",\"status\":" + std::to_string(s.error_code()) + ",\"message\":\"" + message + "\",\"sent\":" + list(sent) + ",\"got\":" +
			list(got) + ",\"outcome\":\"" + outcome + "\",\"gzip\":" + (gzip ? "true" : "false") + "}");
		return s;
	}
};

static void tell()
{
	for (const std::string &line : lines)
		std::cout << line << "\n";
	std::cout.flush();
}

// server

class Cart : public grpc::Service {
	using Context = grpc::ServerContext;

	template <typename F> void unary(const char *path, F f)
	{
		AddMethod(new grpc::internal::RpcServiceMethod(path, RpcMethod::NORMAL_RPC, new grpc::internal::RpcMethodHandler<Cart, Blob, Blob>(
			[f](Cart *, Context *c, const Blob *in, Blob *out) { return f(c, *in, *out); }, this)));
	}

	template <typename F> void listing(const char *path, F f)
	{
		AddMethod(new grpc::internal::RpcServiceMethod(path, RpcMethod::SERVER_STREAMING, new grpc::internal::ServerStreamingHandler<Cart, Blob, Blob>(
			[f](Cart *, Context *c, const Blob *in, grpc::ServerWriter<Blob> *out) { return f(c, *in, out); }, this)));
	}

	static void write(Record &r, grpc::internal::WriterInterface<Blob> *out, const std::string &bytes)
	{
		if (out->Write(Blob{bytes}, grpc::WriteOptions()))
			r.sent.push_back(bytes.size());
	}

	static Status add(Context *c, const Blob &in, Blob &out)
	{
		Record r("Add");
		c->AddTrailingMetadata("x-cost", "7");
		out.bytes = std::string(in.bytes.size(), 'r');
		r.got.push_back(in.bytes.size());
		r.sent.push_back(out.bytes.size());
		return r.end(Status::OK);
	}

	static Status fail(Context *, const Blob &in, Blob &)
	{
		Record r("Fail");
		r.got.push_back(in.bytes.size());
		return r.end(Status(StatusCode::NOT_FOUND, "no such thing: 100% \u20ac\n"));
	}

	static Status slow(Context *c, const Blob &in, Blob &)
	{
		Record r("Slow");
		r.got.push_back(in.bytes.size());
		while (!c->IsCancelled())
			std::this_thread::sleep_for(std::chrono::milliseconds(10));
		return r.end(Status::CANCELLED);
	}

	static Status list(bool breaks, const Blob &in, grpc::ServerWriter<Blob> *out)
	{
		Record r(breaks ? "Break" : "List");
		r.got.push_back(in.bytes.size());
		for (size_t i = 0; i < (breaks ? 3 : 10); i++)
			write(r, out, std::string(i * i, 'i'));
		return r.end(breaks ? Status(StatusCode::ABORTED, "half way") : Status::OK);
	}

	static Status endless(Context *c, const Blob &in, grpc::ServerWriter<Blob> *out)
	{
		Record r("Endless");
		r.got.push_back(in.bytes.size());
		while (!c->IsCancelled()) {
			write(r, out, "tick");
			std::this_thread::sleep_for(std::chrono::milliseconds(10));
		}
		return r.end(Status::CANCELLED);
	}

	static Status collect(grpc::ServerReader<Blob> *in, Blob *out)
	{
		Record r("Collect");
		Blob b;
		while (in->Read(&b))
			r.got.push_back(b.bytes.size());
		out->bytes = std::string(r.got.size(), 'c');
		r.sent.push_back(out->bytes.size());
		return r.end(Status::OK);
	}

	static Status chat(grpc::ServerReaderWriter<Blob, Blob> *both)
	{
		Record r("Chat");
		Blob b;
		while (both->Read(&b)) {
			r.got.push_back(b.bytes.size());
			write(r, both, b.bytes + b.bytes);
		}
		return r.end(Status::OK);
	}

public:
	Cart()
	{
		unary("/shop.v1.Cart/Add", add);
		unary("/shop.v1.Cart/Fail", fail);
		unary("/shop.v1.Cart/Slow", slow);
		listing("/shop.v1.Cart/List", [](Context *, const Blob &in, grpc::ServerWriter<Blob> *out) { return list(false, in, out); });
		listing("/shop.v1.Cart/Break", [](Context *, const Blob &in, grpc::ServerWriter<Blob> *out) { return list(true, in, out); });
		listing("/shop.v1.Cart/Endless", endless);
		AddMethod(new grpc::internal::RpcServiceMethod("/shop.v1.Cart/Collect", RpcMethod::CLIENT_STREAMING, new grpc::internal::ClientStreamingHandler<Cart, Blob, Blob>(
			[](Cart *, Context *, grpc::ServerReader<Blob> *in, Blob *out) { return collect(in, out); }, this)));
		AddMethod(new grpc::internal::RpcServiceMethod("/shop.v1.Cart/Chat", RpcMethod::BIDI_STREAMING, new grpc::internal::BidiStreamingHandler<Cart, Blob, Blob>(
			[](Cart *, Context *, grpc::ServerReaderWriter<Blob, Blob> *both) { return chat(both); }, this)));
	}
};

static int serve(const std::string &port)
{
	Cart cart;
	grpc::ServerBuilder builder;
	int bound = 0;
	builder.AddListeningPort("127.0.0.1:" + port, grpc::InsecureServerCredentials(), &bound);
	builder.RegisterService(&cart);
	std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
	if (!server || bound == 0)
		return 1;
	while (std::getchar() != EOF) {}
	server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
	tell();
	return 0;
}

// client: every call is opened as one with streams both ways, which is the same on the wire

static void ask(const std::shared_ptr<grpc::Channel> &channel, const char *method, const std::vector<std::string> &requests, int cancel_after = 0, int timeout_ms = 0, bool gzip = false)
{
	Record r(method);
	grpc::ClientContext context;
	context.AddMetadata("x-client", "cpp");
	r.gzip = gzip;
	if (gzip)
		context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
	if (timeout_ms)
		context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(timeout_ms));
	if (timeout_ms || cancel_after)
		r.outcome = "ended";
	RpcMethod rpc(r.path.c_str(), RpcMethod::BIDI_STREAMING, channel);
	std::unique_ptr<grpc::ClientReaderWriter<Blob, Blob>> stream(grpc::internal::ClientReaderWriterFactory<Blob, Blob>::Create(channel.get(), rpc, &context));
	for (const std::string &bytes : requests)
		if (stream->Write(Blob{bytes}))
			r.sent.push_back(bytes.size());
	stream->WritesDone();
	Blob b;
	while (stream->Read(&b)) {
		r.got.push_back(b.bytes.size());
		if (cancel_after && r.got.size() == static_cast<size_t>(cancel_after))
			context.TryCancel();
	}
	r.end(stream->Finish());
}

static void talk(const std::string &port, int many)
{
	std::shared_ptr<grpc::Channel> channel = grpc::CreateChannel("127.0.0.1:" + port, grpc::InsecureChannelCredentials());
	ask(channel, "Add", {std::string(12, 'a')});
	ask(channel, "Fail", {"x"});
	ask(channel, "Nothing", {"x"});
	ask(channel, "Add", {std::string(5000, 'b')}, 0, 0, true);
	ask(channel, "List", {"abc"});
	ask(channel, "Break", {"abc"});
	ask(channel, "Collect", {"", "m", "mm", "mmm", "mmmm", "mmmmm", "mmmmmm"});
	ask(channel, "Chat", {"1", "22", "333"});
	ask(channel, "Add", {std::string(300000, 'B')});
	ask(channel, "Slow", {"x"}, 0, 300);
	ask(channel, "Endless", {"go"}, 3);
	std::vector<std::thread> workers;
	for (int worker = 0; worker < 8; worker++)
		workers.emplace_back([&channel, worker, many] {
			for (int i = worker; i < many; i += 8)
				ask(channel, "Add", {std::string(static_cast<size_t>(i % 100), 'p')});
		});
	for (std::thread &t : workers)
		t.join();
	tell();
}

int main(int argc, char **argv)
{
	if (argc == 3 && std::string(argv[1]) == "server")
		return serve(argv[2]);
	if (argc != 4)
		return 2;
	talk(argv[2], std::atoi(argv[3]));
	return 0;
}
