#include "export/elasticsearch_template.h"

/* Headers have any name, and bodies any shape: as fields of their own they would fill the mapping up and clash. The same name may
 * be a number in one protocol and text in another, so texts are keywords, and what does not fit its field is left out of the
 * index, not the document refused. */
#define FIELDS_OF_ANY_NAME(name, path, mapping) "{\"" name "\":{\"path_match\":\"" path "\",\"match_mapping_type\":\"object\",\"mapping\":" mapping "}},"
#define HEADERS(mapping)                                              \
	FIELDS_OF_ANY_NAME("headers", "*.Header", mapping)            \
	FIELDS_OF_ANY_NAME("trailers", "*.Trailer", mapping)          \
	FIELDS_OF_ANY_NAME("metadata", "*.Metadata", mapping)
#define FLAT "{\"type\":\"flattened\",\"ignore_above\":1024}"
#define UNINDEXED "{\"type\":\"object\",\"enabled\":false}"

static const char headers[] = HEADERS(FLAT), headers_plain[] = HEADERS(UNINDEXED);

static const char fields[] =
	"{\"bodies\":{\"path_match\":\"*.Body\",\"mapping\":" UNINDEXED "}},"
	"{\"sizes\":{\"match_mapping_type\":\"long\",\"mapping\":{\"type\":\"long\",\"ignore_malformed\":true}}},"
	"{\"texts\":{\"match_mapping_type\":\"string\",\"mapping\":{\"type\":\"keyword\",\"ignore_above\":2048}}}],"
	"\"properties\":{"
	"\"@timestamp\":{\"type\":\"date_nanos\"},"
	"\"DurationSeconds\":{\"type\":\"double\"},"
	"\"Duration\":{\"type\":\"keyword\"},\"FirstByte\":{\"type\":\"keyword\"},"
	"\"Proto\":{\"type\":\"keyword\"},\"Outcome\":{\"type\":\"keyword\"},\"Error\":{\"type\":\"keyword\"},\"Connection\":{\"type\":\"keyword\"},\"ProxiedFrom\":{\"type\":\"keyword\"},"
	"\"Request\":{\"properties\":{\"Host\":{\"type\":\"ip\",\"ignore_malformed\":true},\"Port\":{\"type\":\"integer\"},\"Size\":{\"type\":\"long\"},\"Time\":{\"type\":\"date_nanos\"}}},"
	"\"Response\":{\"properties\":{\"Host\":{\"type\":\"ip\",\"ignore_malformed\":true},\"Port\":{\"type\":\"integer\"},\"Size\":{\"type\":\"long\"},\"Time\":{\"type\":\"date_nanos\"}}}"
	"}}";

void elasticsearch_template(struct buf *out, const char *index, bool data_stream, bool plain)
{
	buf_addf(out, "{\"index_patterns\":[\"%s\"%s%s%s],\"priority\":250,%s\"template\":{\"settings\":{\"index\":{\"mapping\":{\"total_fields\":{\"limit\":2000}}}},", index,
		 data_stream ? "" : ",\"", data_stream ? "" : index, data_stream ? "" : "-*\"", data_stream ? "\"data_stream\":{}," : "");
	buf_adds(out, "\"mappings\":{\"dynamic\":true,\"date_detection\":false,\"numeric_detection\":false,\"dynamic_templates\":[");
	buf_adds(out, plain ? headers_plain : headers);
	buf_adds(out, fields);
	buf_adds(out, "},\"_meta\":{\"description\":\"exchanges seen by packetd\"}}");
}
