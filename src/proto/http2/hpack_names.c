/* The static table (RFC 7541 appendix A), and names by their text. */
#include "proto/http2/hpack.h"

#define FIELD(id_, name_, value_) { .name = { name_, sizeof(name_) - 1 }, .value = { value_, sizeof(value_) - 1 }, .id = NAME_##id_ }

static const struct hpack_field static_table[] = {
	FIELD(AUTHORITY, ":authority", ""),
	FIELD(METHOD, ":method", "GET"),
	FIELD(METHOD, ":method", "POST"),
	FIELD(PATH, ":path", "/"),
	FIELD(PATH, ":path", "/index.html"),
	FIELD(SCHEME, ":scheme", "http"),
	FIELD(SCHEME, ":scheme", "https"),
	FIELD(STATUS, ":status", "200"),
	FIELD(STATUS, ":status", "204"),
	FIELD(STATUS, ":status", "206"),
	FIELD(STATUS, ":status", "304"),
	FIELD(STATUS, ":status", "400"),
	FIELD(STATUS, ":status", "404"),
	FIELD(STATUS, ":status", "500"),
	FIELD(OTHER, "accept-charset", ""),
	FIELD(OTHER, "accept-encoding", "gzip, deflate"),
	FIELD(OTHER, "accept-language", ""),
	FIELD(OTHER, "accept-ranges", ""),
	FIELD(OTHER, "accept", ""),
	FIELD(OTHER, "access-control-allow-origin", ""),
	FIELD(OTHER, "age", ""),
	FIELD(OTHER, "allow", ""),
	FIELD(AUTHORIZATION, "authorization", ""),
	FIELD(OTHER, "cache-control", ""),
	FIELD(OTHER, "content-disposition", ""),
	FIELD(OTHER, "content-encoding", ""),
	FIELD(OTHER, "content-language", ""),
	FIELD(OTHER, "content-length", ""),
	FIELD(URL, "content-location", ""),
	FIELD(OTHER, "content-range", ""),
	FIELD(CONTENT_TYPE, "content-type", ""),
	FIELD(COOKIE, "cookie", ""),
	FIELD(OTHER, "date", ""),
	FIELD(OTHER, "etag", ""),
	FIELD(OTHER, "expect", ""),
	FIELD(OTHER, "expires", ""),
	FIELD(OTHER, "from", ""),
	FIELD(HOST, "host", ""),
	FIELD(OTHER, "if-match", ""),
	FIELD(OTHER, "if-modified-since", ""),
	FIELD(OTHER, "if-none-match", ""),
	FIELD(OTHER, "if-range", ""),
	FIELD(OTHER, "if-unmodified-since", ""),
	FIELD(OTHER, "last-modified", ""),
	FIELD(OTHER, "link", ""),
	FIELD(URL, "location", ""),
	FIELD(OTHER, "max-forwards", ""),
	FIELD(OTHER, "proxy-authenticate", ""),
	FIELD(AUTHORIZATION, "proxy-authorization", ""),
	FIELD(OTHER, "range", ""),
	FIELD(URL, "referer", ""),
	FIELD(OTHER, "refresh", ""),
	FIELD(OTHER, "retry-after", ""),
	FIELD(OTHER, "server", ""),
	FIELD(SET_COOKIE, "set-cookie", ""),
	FIELD(OTHER, "strict-transport-security", ""),
	FIELD(OTHER, "transfer-encoding", ""),
	FIELD(USER_AGENT, "user-agent", ""),
	FIELD(OTHER, "vary", ""),
	FIELD(OTHER, "via", ""),
	FIELD(OTHER, "www-authenticate", ""),
};

_Static_assert(ARRAY_LEN(static_table) == HPACK_STATIC, "appendix A");

const struct hpack_field *hpack_static(u32 index)
{
	return &static_table[index - 1];
}

static const struct {
	struct str name;
	u8 id;
} names[] = {
#define NAME(text, id_) { { text, sizeof(text) - 1 }, NAME_##id_ }
	NAME("b3", B3), NAME("host", HOST),
	NAME(":path", PATH),
	NAME("cookie", COOKIE),
	NAME(":method", METHOD), NAME(":scheme", SCHEME), NAME(":status", STATUS), NAME("referer", URL),
	NAME("location", URL),
	NAME(":protocol", PROTOCOL),
	NAME(":authority", AUTHORITY), NAME("user-agent", USER_AGENT), NAME("set-cookie", SET_COOKIE), NAME("x-b3-flags", B3_FLAGS),
	NAME("traceparent", TRACEPARENT), NAME("grpc-status", GRPC_STATUS), NAME("x-b3-spanid", B3_SPAN_ID),
	NAME("content-type", CONTENT_TYPE), NAME("grpc-message", GRPC_MESSAGE), NAME("grpc-timeout", GRPC_TIMEOUT),
	NAME("x-b3-sampled", B3_SAMPLED), NAME("x-b3-traceid", B3_TRACE_ID),
	NAME("authorization", AUTHORIZATION), NAME("grpc-encoding", GRPC_ENCODING),
	NAME("content-location", URL),
	NAME("connect-timeout-ms", CONNECT_TIMEOUT),
	NAME("proxy-authorization", AUTHORIZATION),
	NAME("connect-protocol-version", CONNECT_VERSION),
};

enum hpack_name hpack_name_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(names) && names[i].name.n <= name.n; i++)
		if (names[i].name.n == name.n && memcmp(names[i].name.p, name.p, name.n) == 0)
			return (enum hpack_name)names[i].id;
	return NAME_OTHER;
}
