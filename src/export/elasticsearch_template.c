#include "export/elasticsearch_template.h"

/* Headers have any name, and bodies any shape: as fields of their own they would fill the mapping up and clash. They are named one by
 * one, since a type that the store does not know is refused with the template only there; in a dynamic template it would refuse
 * each document. The same name may be a number in one protocol and text in another, so texts are keywords, and what does not fit its
 * field is left out of the index, not the document refused. */
#define UNINDEXED "{\"type\":\"object\",\"enabled\":false}"

static const char *const header_fields[ELASTICSEARCH_FORMS] = {
	"{\"type\":\"flattened\",\"ignore_above\":1024}",
	"{\"type\":\"flat_object\"}", /* OpenSearch */
	UNINDEXED,
};

static const char fields[] =
	"\"dynamic_templates\":["
	"{\"bodies\":{\"path_match\":\"*.Body\",\"mapping\":" UNINDEXED "}},"
	"{\"sizes\":{\"match_mapping_type\":\"long\",\"mapping\":{\"type\":\"long\",\"ignore_malformed\":true}}},"
	"{\"texts\":{\"match_mapping_type\":\"string\",\"mapping\":{\"type\":\"keyword\",\"ignore_above\":2048}}}],"
	"\"properties\":{"
	"\"@timestamp\":{\"type\":\"date_nanos\"},"
	"\"DurationSeconds\":{\"type\":\"double\"},"
	"\"Duration\":{\"type\":\"keyword\"},\"FirstByte\":{\"type\":\"keyword\"},"
	"\"Proto\":{\"type\":\"keyword\"},\"Outcome\":{\"type\":\"keyword\"},\"Error\":{\"type\":\"keyword\"},\"Connection\":{\"type\":\"keyword\"},\"ProxiedFrom\":{\"type\":\"keyword\"}";

static void put_side(struct buf *out, const char *side, const char *headers)
{
	buf_addf(out, ",\"%s\":{\"properties\":{\"Host\":{\"type\":\"ip\",\"ignore_malformed\":true},\"Port\":{\"type\":\"integer\"},\"Size\":{\"type\":\"long\"},\"Time\":{\"type\":\"date_nanos\"}"
		      ",\"Header\":%s,\"CorrelationID\":{\"type\":\"keyword\"},\"Trailer\":%s,\"Metadata\":%s}}",
		 side, headers, headers, headers);
}

void elasticsearch_template(struct buf *out, const char *index, bool data_stream, unsigned form)
{
	buf_addf(out, "{\"index_patterns\":[\"%s\"%s%s%s],\"priority\":250,%s\"template\":{\"settings\":{\"index\":{\"mapping\":{\"total_fields\":{\"limit\":2000}}}},", index,
		 data_stream ? "" : ",\"", data_stream ? "" : index, data_stream ? "" : "-*\"", data_stream ? "\"data_stream\":{}," : "");
	buf_adds(out, "\"mappings\":{\"dynamic\":true,\"date_detection\":false,\"numeric_detection\":false,");
	buf_adds(out, fields);
	put_side(out, "Request", header_fields[form]);
	put_side(out, "Response", header_fields[form]);
	buf_adds(out, "}}},\"_meta\":{\"description\":\"exchanges seen by packetd\"}}");
}
