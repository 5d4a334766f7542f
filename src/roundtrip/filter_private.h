/* What the files filter*.c share. Not for others. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_ROUNDTRIP_FILTER_PRIVATE_H
#define PACKETD_ROUNDTRIP_FILTER_PRIVATE_H

#include "roundtrip/filter.h"
#include "roundtrip/value.h"
#include "util/pattern.h"

#define TESTS_MAX 256
#define STEPS_MAX 1024
#define LITERALS_MAX 1024
#define FIELDS_MAX 1024
#define NESTING_MAX 64

/* Names that do not depend on the protocol: X(id, name, kind, values, meaning) */
#define COMMON_NAMES(X)                                                                                         \
	X(COMMON_PROTO, "proto", VALUE_TEXT, 1, "protocol, as in the output")                                   \
	X(COMMON_OUTCOME, "outcome", VALUE_TEXT, 1, "answered, no_response, reset, lost, oneway or open")       \
	X(COMMON_ERROR, "error", VALUE_TEXT, 1, "reason of a failure: 404, NXDOMAIN, WRONGTYPE; empty if none") \
	X(COMMON_DURATION, "duration", VALUE_DURATION, 1, "request to response, or until the outcome was known") \
	X(COMMON_FIRST_BYTE, "first_byte", VALUE_DURATION, 1, "end of the request to first byte of the response") \
	X(COMMON_TRANSFER, "transfer", VALUE_DURATION, 1, "first to last byte of the response")                 \
	X(COMMON_RTT, "rtt", VALUE_DURATION, 1, "round-trip time of the network")                               \
	X(COMMON_RETRANSMITS, "retransmits", VALUE_UNSIGNED, 1, "segments sent again, both sides")              \
	X(COMMON_ZERO_WINDOWS, "zero_windows", VALUE_UNSIGNED, 1, "times a side stopped the other")             \
	X(COMMON_PARTIAL, "partial", VALUE_BOOL, 1, "joined mid-stream or after a gap")                         \
	X(COMMON_CLIENT, "client", VALUE_ADDRESS, 1, "who asked: address or network (10.0.0.0/8)")              \
	X(COMMON_SERVER, "server", VALUE_ADDRESS, 1, "who was asked")                                           \
	X(COMMON_HOST, "host", VALUE_ADDRESS, 2, "either of them")                                              \
	X(COMMON_PROXIED, "proxied_from", VALUE_ADDRESS, 1, "for whom a proxy speaks, by its PROXY header")     \
	X(COMMON_CLIENT_PORT, "client.port", VALUE_UNSIGNED, 1, "port of the client")                           \
	X(COMMON_SERVER_PORT, "server.port", VALUE_UNSIGNED, 1, "port of the server")                           \
	X(COMMON_PORT, "port", VALUE_UNSIGNED, 2, "either of them")                                             \
	X(COMMON_SIZE_REQUEST, "size.request", VALUE_UNSIGNED, 1, "Size of the request")                        \
	X(COMMON_SIZE_RESPONSE, "size.response", VALUE_UNSIGNED, 1, "Size of the response")                     \
	X(COMMON_REQUEST, "request", VALUE_TEXT, 1, "the request in a line, as the table shows it")             \
	X(COMMON_RESPONSE, "response", VALUE_TEXT, 1, "the response in a line; not there without one")          \
	X(COMMON_CONNECTION, "connection", VALUE_UNSIGNED, 1, "id of the connection")                           \
	X(COMMON_TIME, "time", VALUE_TIME, 1, "Time of the request: 2025-03-01T09:00:00Z")                      \
	X(COMMON_TRACE, "trace", VALUE_TEXT, 1, "trace id, when the traffic carries one")                       \
	X(COMMON_VLAN, "vlan", VALUE_UNSIGNED, 1, "VLAN, when there is one")                                    \
	X(COMMON_TUNNEL, "tunnel", VALUE_TEXT, 1, "kind of tunnel, when there is one: vxlan, gre, …")

enum common {
#define X(id, name, kind, values, meaning) id,
	COMMON_NAMES(X)
#undef X
		COMMON_COUNT
};

struct common_name {
	const char *name;
	enum value_kind kind;
	unsigned values;
	const char *meaning;
};

extern const struct common_name common_names[COMMON_COUNT];

/* The k-th value of a common name; false when it is not there. */
bool common_value(enum common id, unsigned k, const struct roundtrip *rt, struct buf *scratch, struct value *ret);

enum test_op { TEST_EXISTS, TEST_EQ, TEST_LT, TEST_LE, TEST_GT, TEST_GE, TEST_CONTAINS, TEST_MATCH };

/* A number as written: an integer keeps all its digits. */
struct number {
	bool integer, negative;
	u64 magnitude;
	double real;
};

/* The right side of a comparison, in the forms its left side may need. */
struct literal {
	struct str text;
	bool has_number;
	bool flag;
	u8 bits; /* of the network */
	struct number number;
	u64 ns; /* duration or time */
	struct ip_addr net;
	struct pattern *pattern;
};

struct test {
	u8 op;         /* enum test_op */
	bool negative; /* holds when there is a value and none fits */
	u16 fields, fields_len;     /* filter.fields; none: a common name or a protocol */
	u16 literals, literals_len; /* filter.literals: one of them must fit */
	enum common common;
	const struct proto *proto; /* whose fields, or the protocol itself; NULL: a common name */
	struct str key;            /* of pairs: the name whose values are meant; empty: names and values */
};

enum step_code { STEP_TEST, STEP_NOT, STEP_JUMP_IF, STEP_JUMP_UNLESS };

/* The expression as a row of steps over one truth value. */
struct step {
	u8 code;
	u16 at; /* test, or step to go on with */
};

struct rt_filter {
	unsigned steps_len, tests_len, literals_len, fields_len;
	struct step steps[STEPS_MAX];
	struct test tests[TESTS_MAX];
	struct literal literals[LITERALS_MAX];
	const struct field *fields[FIELDS_MAX];
	char *text; /* what the literals' texts point into */
};

/* filter_names.c: finds what `name` stands for and fills in the test's left side. False: unknown, or too many fields. */
bool rt_filter_resolve(struct rt_filter *f, const struct proto *const *protos, struct str name, struct test *t);
/* The nearest known name into `out`; false when none is near. */
bool rt_filter_nearest(const struct proto *const *protos, struct str name, char *out, size_t n);

/* filter_literal.c: fills in what a comparison with this kind needs; NULL, or what was expected instead. */
const char *literal_fit(struct literal *l, enum value_kind kind, enum test_op op);
/* "1.5", "-3", "10k"; false when it is something else. */
bool literal_number(struct str text, bool with_unit, struct number *ret);

/* filter_match.c */
bool test_holds(const struct rt_filter *f, const struct test *t, const struct roundtrip *rt);

#endif
