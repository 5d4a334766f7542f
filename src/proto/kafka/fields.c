/* What Kafka's requests and answers say to the outside: the field table, failures as JSON, the one-line view. */
#include "proto/kafka/kafka.h"
#include <stdio.h>

#include "util/json.h"

enum { NAME_SEEN = 64 };

struct str kafka_error_text(struct arena *a, i16 code)
{
	char text[NAME_SEEN];
	const char *name = kafka_error_name(code);
	size_t n = 0;
	if (code == 0)
		return str_from("NoError");
	if (!name) {
		n = (size_t)snprintf(text, sizeof(text), "%d", code);
		return arena_str(a, text, n);
	}
	for (bool first = true; *name && n < sizeof(text); name++) {
		if (*name != '_')
			text[n++] = (char)(first || *name < 'A' || *name > 'Z' ? *name : *name + 'a' - 'A');
		first = *name == '_';
	}
	return arena_str(a, text, n);
}

static void put_code(struct buf *out, i16 code)
{
	const char *name = kafka_error_name(code);
	if (name)
		buf_adds(out, name);
	else
		buf_add_i64(out, code);
}

static bool write_errors(struct buf *out, const struct message *m)
{
	const struct kafka_response *a = (const struct kafka_response *)m;
	if (!a->failures_len)
		return false;
	for (u32 i = 0; i < a->failures_len; i++) {
		const struct kafka_failure *f = &a->failures[i];
		buf_addc(out, i ? ',' : '[');
		buf_addc(out, '{');
		if (f->topic.n) {
			buf_adds(out, "\"Topic\":");
			json_str(out, f->topic);
			buf_addc(out, ',');
		}
		if (f->partition >= 0) {
			buf_adds(out, "\"Partition\":");
			buf_add_i64(out, f->partition);
			buf_addc(out, ',');
		}
		buf_adds(out, "\"Name\":\"");
		put_code(out, f->code);
		buf_adds(out, "\"}");
	}
	buf_addc(out, ']');
	return true;
}

static bool write_topics(struct buf *out, const struct message *m)
{
	const struct kafka_request *q = (const struct kafka_request *)m;
	for (u32 i = 0; i < q->topics.n; i++) {
		buf_addc(out, i ? ',' : '[');
		json_str(out, q->topics.v[i]);
	}
	if (q->topics.n)
		buf_addc(out, ']');
	return q->topics.n > 0;
}

static void describe_request(const struct kafka_request *q, struct buf *out)
{
	buf_add_str(out, q->api_name);
	struct str about = q->topic.n ? q->topic : q->group.n ? q->group : q->coordinator.n ? q->coordinator : q->mechanism;
	if (about.n) {
		buf_addc(out, ' ');
		buf_add_str(out, about);
	}
	if (q->topics_seen > 1)
		buf_addf(out, " +%u", q->topics_seen - 1);
	if (q->records)
		buf_addf(out, " %llu records", (unsigned long long)q->records);
}

static void describe_response(const struct kafka_response *a, struct buf *out)
{
	if (a->first_error) {
		put_code(out, a->first_error);
		if (a->failures_seen > 1)
			buf_addf(out, " x%u", a->failures_seen);
		return;
	}
	if (a->records)
		buf_addf(out, "%llu records ", (unsigned long long)a->records);
	buf_addf(out, "%lluB", (unsigned long long)a->m.size);
}

void kafka_describe(const struct message *m, struct buf *out)
{
	if (m->side == SIDE_REQUEST)
		describe_request((const struct kafka_request *)m, out);
	else
		describe_response((const struct kafka_response *)m, out);
}

#define REQUEST(name, kind, member) .json = name, .type = kind, .side = SIDE_REQUEST, FIELD_AT(struct kafka_request, member)
#define RESPONSE(name, kind, member) .json = name, .type = kind, .side = SIDE_RESPONSE, FIELD_AT(struct kafka_response, member)
#define OMIT .flags = FIELD_OMIT_EMPTY

const struct field kafka_fields[KAFKA_FIELDS] = {
	{ REQUEST("CorrelationID", FIELD_I32, correlation), .meaning = "number that ties the answer to the request" },
	FIELD_ROW_HOST(SIDE_REQUEST),
	FIELD_ROW_PORT(SIDE_REQUEST),
	FIELD_ROW_PROTO(SIDE_REQUEST, "Kafka"),
	{ REQUEST("Size", FIELD_U64, m.size), .otel = "messaging.request.size", .meaning = "bytes of the request, its length field included" },
	FIELD_ROW_TIME(SIDE_REQUEST),
	{ REQUEST("Packet.API", FIELD_STR, api_name), .name = "api", .flags = FIELD_USUAL_LABEL, .selector = "request.api", .label = "api", .otel = "messaging.operation.name",
	  .meaning = "kind of request: Produce, Fetch…; its key when that is not known" },
	{ REQUEST("Packet.APIVersion", FIELD_U16, version), .name = "version", .selector = "request.version", .label = "version", .otel = "messaging.operation.version",
	  .meaning = "version of its layout" },
	{ REQUEST("Packet.CorrelationID", FIELD_I32, correlation), .name = "packet_correlation_id", .meaning = "the same as CorrelationID" },
	{ REQUEST("Packet.ClientID", FIELD_STR, client_id), .name = "client_id", .selector = "request.client_id", .label = "client_id", .otel = "messaging.client.id",
	  .meaning = "name the client gives itself" },
	{ REQUEST("Packet.GroupID", FIELD_STR, group), .name = "group", .selector = "request.group", .label = "group", .otel = "messaging.consumer.group.name",
	  .meaning = "consumer group, of requests that have one" },
	{ REQUEST("Packet.Topic", FIELD_STR, topic), .name = "topic", .selector = "request.topic", .label = "topic", .otel = "messaging.destination.name",
	  .meaning = "first topic; a topic id of which no Metadata has been seen as Kafka prints it" },
	{ .json = "Packet.Topics", .name = "topics", .type = FIELD_CUSTOM, .side = SIDE_REQUEST, OMIT, .write = write_topics,
	  .meaning = "all topics, up to a cap; of a fetch session also those named earlier" },
	{ REQUEST("Packet.Partitions", FIELD_U32, partitions), .name = "partitions", OMIT, .meaning = "partitions the request names" },
	{ REQUEST("Packet.Records", FIELD_U64, records), .name = "records", OMIT, .otel = "messaging.batch.message_count",
	  .meaning = "Produce: records, as their batches' headers count them" },
	{ REQUEST("Packet.Bytes", FIELD_U64, bytes), .name = "bytes", OMIT, .meaning = "Produce: bytes of the record batches, compressed as they are" },
	{ REQUEST("Packet.TransactionalID", FIELD_STR, txn), .name = "transactional_id", OMIT, .meaning = "transactional id, of requests that have one" },
	{ REQUEST("Packet.Acks", FIELD_TEXT, acks), .name = "acks", OMIT, .meaning = "Produce: who has to confirm: none, leader, all" },
	{ REQUEST("Packet.Compression", FIELD_TEXT, compression), .name = "compression", OMIT, .meaning = "Produce: codec of the records: gzip, snappy, lz4, zstd" },
	{ REQUEST("Packet.MaxWait", FIELD_DURATION, max_wait), .name = "max_wait", OMIT, .meaning = "Fetch: how long the server may wait for records" },
	{ REQUEST("Packet.Coordinator", FIELD_STR, coordinator), .name = "coordinator", OMIT, .meaning = "FindCoordinator: group or transactional id" },
	{ REQUEST("Packet.Mechanism", FIELD_STR, mechanism), .name = "mechanism", OMIT, .meaning = "SaslHandshake: mechanism asked for" },
	{ REQUEST("Packet.Software", FIELD_STR, software), .name = "software", OMIT, .meaning = "ApiVersions: name of the client's library" },
	{ REQUEST("Packet.SoftwareVersion", FIELD_STR, software_version), .name = "software_version", OMIT, .meaning = "ApiVersions: its version" },
	{ REQUEST("Packet.VersionUnknown", FIELD_BOOL, version_unknown), .name = "version_unknown", OMIT,
	  .meaning = "this key or version is newer than what is known here: only the header has been read" },
	{ REQUEST("Packet.Malformed", FIELD_BOOL, malformed), .name = "malformed", OMIT, .meaning = "the body is not what its version's layout says; what was read before is shown" },
	{ .type = FIELD_CONST, .side = SIDE_REQUEST, .constant = "kafka", .otel = "messaging.system", .meaning = "kind of messaging system" },

	{ RESPONSE("CorrelationID", FIELD_I32, correlation), .meaning = "number of the request" },
	FIELD_ROW_HOST(SIDE_RESPONSE),
	FIELD_ROW_PORT(SIDE_RESPONSE),
	FIELD_ROW_PROTO(SIDE_RESPONSE, "Kafka"),
	{ RESPONSE("Size", FIELD_U64, m.size), .otel = "messaging.message.body.size", .meaning = "bytes of the response, its length field included" },
	FIELD_ROW_TIME(SIDE_RESPONSE),
	{ RESPONSE("ErrorCode", FIELD_STR, error_code), .selector = "response.error_code", .label = "error_code",
	  .meaning = "first error, wherever it stands; NoError when there is none; empty when it is not known" },
	{ .json = "Errors", .type = FIELD_CUSTOM, .side = SIDE_RESPONSE, OMIT, .write = write_errors,
	  .meaning = "errors with their topic and partition, where they have such: Topic, Partition, Name" },
	{ RESPONSE("Malformed", FIELD_BOOL, malformed), OMIT, .meaning = "the body is not what its version's layout says" },
	{ RESPONSE("Records", FIELD_U64, records), OMIT, .meaning = "Fetch: records, as their batches' headers count them; of compressed batches older than version 2 each counts as one" },
	{ RESPONSE("Bytes", FIELD_U64, bytes), OMIT, .meaning = "Fetch: bytes of the record batches, compressed as they are" },
};
