/* Layouts: consumer, share and streams groups of the newer kind. See layout.h for how they read. */
#define KAFKA_LAYOUT_ROWS
#include "proto/kafka/layout.h"

const struct kafka_row kafka_consumer_group_heartbeat_request[] = {
	STRING(0, LAST, IS_GROUP), STRING(0, LAST), INT32(0, LAST), STRING(0, LAST), STRING(0, LAST), INT32(0, LAST), LIST(0, LAST), STRING(0, LAST, IS_TOPIC),
	STRING(1, LAST), STRING(0, LAST),
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
	END,
	END,
};

const struct kafka_row kafka_consumer_group_heartbeat_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST), STRING(0, LAST), INT32(0, LAST), INT32(0, LAST),
	MAYBE(0, LAST),
		ARRAY(0, LAST),
			UUID(0, LAST, IS_TOPIC_ID), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
		END,
	END,
	END,
};

const struct kafka_row kafka_consumer_group_describe_request[] = {
	LIST(0, LAST), STRING(0, LAST, IS_GROUP), INT8(0, LAST),
	END,
};

const struct kafka_row kafka_consumer_group_describe_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		INT16(0, LAST, IS_ERROR), STRING(0, LAST), STRING(0, LAST), STRING(0, LAST), INT32(0, LAST), INT32(0, LAST), STRING(0, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST), STRING(0, LAST), STRING(0, LAST), INT32(0, LAST), STRING(0, LAST), STRING(0, LAST), LIST(0, LAST), STRING(0, LAST, IS_TOPIC),
			STRING(0, LAST),
			STRUCT(0, LAST),
				ARRAY(0, LAST),
					UUID(0, LAST, IS_TOPIC_ID), STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
				END,
			END,
			STRUCT(0, LAST),
				ARRAY(0, LAST),
					UUID(0, LAST, IS_TOPIC_ID), STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
				END,
			END,
			INT8(1, LAST),
		END,
		INT32(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_share_group_heartbeat_request[] = {
	STRING(0, LAST, IS_GROUP), STRING(0, LAST), INT32(0, LAST), STRING(0, LAST), LIST(0, LAST), STRING(0, LAST, IS_TOPIC),
	END,
};

const struct kafka_row kafka_share_group_heartbeat_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST), STRING(0, LAST), INT32(0, LAST), INT32(0, LAST),
	MAYBE(0, LAST),
		ARRAY(0, LAST),
			UUID(0, LAST, IS_TOPIC_ID), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
		END,
	END,
	END,
};

const struct kafka_row kafka_share_group_describe_request[] = {
	LIST(0, LAST), STRING(0, LAST, IS_GROUP), INT8(0, LAST),
	END,
};

const struct kafka_row kafka_share_group_describe_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		INT16(0, LAST, IS_ERROR), STRING(0, LAST), STRING(0, LAST), STRING(0, LAST), INT32(0, LAST), INT32(0, LAST), STRING(0, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST), STRING(0, LAST), INT32(0, LAST), STRING(0, LAST), STRING(0, LAST), LIST(0, LAST), STRING(0, LAST, IS_TOPIC),
			STRUCT(0, LAST),
				ARRAY(0, LAST),
					UUID(0, LAST, IS_TOPIC_ID), STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
				END,
			END,
		END,
		INT32(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_share_fetch_request[] = {
	STRING(0, LAST, IS_GROUP), STRING(0, LAST), INT32(0, LAST), INT32(0, LAST), INT32(0, LAST), INT32(0, LAST), INT32(1, LAST),
	INT32(1, LAST),
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT32(0, 0),
			ARRAY(0, LAST),
				INT64(0, LAST), INT64(0, LAST), LIST(0, LAST), INT8(0, LAST),
			END,
		END,
	END,
	ARRAY(0, LAST),
		UUID(0, LAST), LIST(0, LAST), INT32(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_share_fetch_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST), INT32(1, LAST),
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), STRING(0, LAST), INT16(0, LAST), STRING(0, LAST),
			STRUCT(0, LAST),
				INT32(0, LAST), INT32(0, LAST),
			END,
			RECORDS(0, LAST, IS_RECORDS),
			ARRAY(0, LAST),
				INT64(0, LAST), INT64(0, LAST), INT16(0, LAST),
			END,
		END,
	END,
	ARRAY(0, LAST),
		INT32(0, LAST), STRING(0, LAST), INT32(0, LAST), STRING(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_share_acknowledge_request[] = {
	STRING(0, LAST, IS_GROUP), STRING(0, LAST), INT32(0, LAST),
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION),
			ARRAY(0, LAST),
				INT64(0, LAST), INT64(0, LAST), LIST(0, LAST), INT8(0, LAST),
			END,
		END,
	END,
	END,
};

const struct kafka_row kafka_share_acknowledge_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
			STRUCT(0, LAST),
				INT32(0, LAST), INT32(0, LAST),
			END,
		END,
	END,
	ARRAY(0, LAST),
		INT32(0, LAST), STRING(0, LAST), INT32(0, LAST), STRING(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_initialize_share_group_state_request[] = {
	STRING(0, LAST),
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT32(0, LAST), INT64(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_initialize_share_group_state_response[] = {
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_read_share_group_state_request[] = {
	STRING(0, LAST),
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT32(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_read_share_group_state_response[] = {
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), STRING(0, LAST), INT32(0, LAST), INT64(0, LAST),
			ARRAY(0, LAST),
				INT64(0, LAST), INT64(0, LAST), INT8(0, LAST), INT16(0, LAST),
			END,
		END,
	END,
	END,
};

const struct kafka_row kafka_write_share_group_state_request[] = {
	STRING(0, LAST),
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT32(0, LAST), INT32(0, LAST), INT64(0, LAST),
			ARRAY(0, LAST),
				INT64(0, LAST), INT64(0, LAST), INT8(0, LAST), INT16(0, LAST),
			END,
		END,
	END,
	END,
};

const struct kafka_row kafka_write_share_group_state_response[] = {
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_delete_share_group_state_request[] = {
	STRING(0, LAST),
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION),
		END,
	END,
	END,
};

const struct kafka_row kafka_delete_share_group_state_response[] = {
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_read_share_group_state_summary_request[] = {
	STRING(0, LAST),
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT32(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_read_share_group_state_summary_response[] = {
	ARRAY(0, LAST),
		UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), STRING(0, LAST), INT32(0, LAST), INT32(0, LAST), INT64(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_streams_group_heartbeat_request[] = {
	STRING(0, LAST, IS_GROUP), STRING(0, LAST), INT32(0, LAST), INT32(0, LAST), STRING(0, LAST), STRING(0, LAST), INT32(0, LAST),
	MAYBE(0, LAST),
		INT32(0, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST), LIST(0, LAST), STRING(0, LAST, IS_TOPIC), LIST(0, LAST), STRING(0, LAST),
			ARRAY(0, LAST),
				STRING(0, LAST, IS_TOPIC), INT32(0, LAST, IS_PARTITION), INT16(0, LAST),
				ARRAY(0, LAST),
					STRING(0, LAST), STRING(0, LAST),
				END,
			END,
			LIST(0, LAST), STRING(0, LAST, IS_TOPIC),
			ARRAY(0, LAST),
				STRING(0, LAST, IS_TOPIC), INT32(0, LAST, IS_PARTITION), INT16(0, LAST),
				ARRAY(0, LAST),
					STRING(0, LAST), STRING(0, LAST),
				END,
			END,
			ARRAY(0, LAST),
				LIST(0, LAST), INT16(0, LAST), LIST(0, LAST), INT16(0, LAST), LIST(0, LAST), INT16(0, LAST),
			END,
		END,
	END,
	ARRAY(0, LAST),
		STRING(0, LAST), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
	END,
	ARRAY(0, LAST),
		STRING(0, LAST), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
	END,
	ARRAY(0, LAST),
		STRING(0, LAST), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
	END,
	STRING(0, LAST),
	MAYBE(0, LAST),
		STRING(0, LAST), INT16(0, LAST),
	END,
	ARRAY(0, LAST),
		STRING(0, LAST), STRING(0, LAST),
	END,
	ARRAY(0, LAST),
		STRING(0, LAST), INT32(0, LAST, IS_PARTITION), INT64(0, LAST),
	END,
	ARRAY(0, LAST),
		STRING(0, LAST), INT32(0, LAST, IS_PARTITION), INT64(0, LAST),
	END,
	INT8(0, LAST),
	END,
};

const struct kafka_row kafka_streams_group_heartbeat_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST), STRING(0, LAST), INT32(0, LAST), INT32(0, LAST), INT32(0, LAST),
	INT32(0, LAST),
	ARRAY(0, LAST),
		INT8(0, LAST), STRING(0, LAST),
	END,
	ARRAY(0, LAST),
		STRING(0, LAST), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
	END,
	ARRAY(0, LAST),
		STRING(0, LAST), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
	END,
	ARRAY(0, LAST),
		STRING(0, LAST), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
	END,
	INT32(0, LAST),
	ARRAY(0, LAST),
		STRUCT(0, LAST),
			STRING(0, LAST), INT16(0, LAST),
		END,
		ARRAY(0, LAST),
			STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
		END,
		ARRAY(0, LAST),
			STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
		END,
	END,
	END,
};

const struct kafka_row kafka_streams_group_describe_request[] = {
	LIST(0, LAST), STRING(0, LAST, IS_GROUP), INT8(0, LAST),
	END,
};

const struct kafka_row kafka_streams_group_describe_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		INT16(0, LAST, IS_ERROR), STRING(0, LAST), STRING(0, LAST), STRING(0, LAST), INT32(0, LAST), INT32(0, LAST),
		MAYBE(0, LAST),
			INT32(0, LAST),
			ARRAY(0, LAST),
				STRING(0, LAST), LIST(0, LAST), STRING(0, LAST, IS_TOPIC), LIST(0, LAST), STRING(0, LAST, IS_TOPIC),
				ARRAY(0, LAST),
					STRING(0, LAST, IS_TOPIC), INT32(0, LAST, IS_PARTITION), INT16(0, LAST),
					ARRAY(0, LAST),
						STRING(0, LAST), STRING(0, LAST),
					END,
				END,
				ARRAY(0, LAST),
					STRING(0, LAST, IS_TOPIC), INT32(0, LAST, IS_PARTITION), INT16(0, LAST),
					ARRAY(0, LAST),
						STRING(0, LAST), STRING(0, LAST),
					END,
				END,
			END,
		END,
		ARRAY(0, LAST),
			STRING(0, LAST), INT32(0, LAST), STRING(0, LAST), STRING(0, LAST), STRING(0, LAST), STRING(0, LAST), INT32(0, LAST),
			STRING(0, LAST),
			MAYBE(0, LAST),
				STRING(0, LAST), INT16(0, LAST),
			END,
			ARRAY(0, LAST),
				STRING(0, LAST), STRING(0, LAST),
			END,
			ARRAY(0, LAST),
				STRING(0, LAST), INT32(0, LAST, IS_PARTITION), INT64(0, LAST),
			END,
			ARRAY(0, LAST),
				STRING(0, LAST), INT32(0, LAST, IS_PARTITION), INT64(0, LAST),
			END,
			STRUCT(0, LAST),
				ARRAY(0, LAST),
					STRING(0, LAST), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
				END,
				ARRAY(0, LAST),
					STRING(0, LAST), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
				END,
				ARRAY(0, LAST),
					STRING(0, LAST), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
				END,
			END,
			STRUCT(0, LAST),
				ARRAY(0, LAST),
					STRING(0, LAST), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
				END,
				ARRAY(0, LAST),
					STRING(0, LAST), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
				END,
				ARRAY(0, LAST),
					STRING(0, LAST), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
				END,
			END,
			INT8(0, LAST),
		END,
		INT32(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_describe_share_group_offsets_request[] = {
	ARRAY(0, LAST),
		STRING(0, LAST, IS_GROUP),
		ARRAY(0, LAST),
			STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
		END,
	END,
	END,
};

const struct kafka_row kafka_describe_share_group_offsets_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST, IS_TOPIC), UUID(0, LAST, IS_TOPIC_ID),
			ARRAY(0, LAST),
				INT32(0, LAST, IS_PARTITION), INT64(0, LAST), INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
			END,
		END,
		INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_alter_share_group_offsets_request[] = {
	STRING(0, LAST, IS_GROUP),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT64(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_alter_share_group_offsets_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC), UUID(0, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_delete_share_group_offsets_request[] = {
	STRING(0, LAST, IS_GROUP),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
	END,
	END,
};

const struct kafka_row kafka_delete_share_group_offsets_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC), UUID(0, LAST, IS_TOPIC_ID), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	END,
	END,
};
