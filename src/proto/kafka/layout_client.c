/* Layouts: what producers, consumers and their groups say. See layout.h for how they read. */
#define KAFKA_LAYOUT_ROWS
#include "proto/kafka/layout.h"

const struct kafka_row kafka_produce_request[] = {
	STRING(3, LAST, IS_TXN), INT16(0, LAST, IS_ACKS), INT32(0, LAST),
	ARRAY(0, LAST),
		STRING(0, 12, IS_TOPIC), UUID(13, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), RECORDS(0, LAST, IS_RECORDS),
		END,
	END,
	END,
};

const struct kafka_row kafka_produce_response[] = {
	ARRAY(0, LAST),
		STRING(0, 12, IS_TOPIC), UUID(13, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), INT64(0, LAST), INT64(2, LAST), INT64(5, LAST),
			ARRAY(8, LAST),
				INT32(8, LAST), STRING(8, LAST),
			END,
			STRING(8, LAST),
		END,
	END,
	INT32(1, LAST),
	END,
};

const struct kafka_row kafka_fetch_request[] = {
	INT32(0, 14), INT32(0, LAST, IS_MAX_WAIT), INT32(0, LAST), INT32(3, LAST), INT8(4, LAST), INT32(7, LAST, IS_SESSION),
	INT32(7, LAST, IS_SESSION_EPOCH),
	ARRAY(0, LAST),
		STRING(0, 12, IS_TOPIC), UUID(13, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT32(9, LAST), INT64(0, LAST), INT32(12, LAST), INT64(5, LAST), INT32(0, LAST),
		END,
	END,
	ARRAY(7, LAST),
		STRING(7, 12), UUID(13, LAST), LIST(7, LAST), INT32(0, LAST),
	END,
	STRING(11, LAST),
	END,
};

const struct kafka_row kafka_fetch_response[] = {
	INT32(1, LAST), INT16(7, LAST, IS_ERROR), INT32(7, LAST, IS_SESSION),
	ARRAY(0, LAST),
		STRING(0, 12, IS_TOPIC), UUID(13, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), INT64(0, LAST), INT64(4, LAST), INT64(5, LAST),
			ARRAY(4, LAST),
				INT64(4, LAST), INT64(4, LAST),
			END,
			INT32(11, LAST), RECORDS(0, LAST, IS_RECORDS),
		END,
	END,
	END,
};

const struct kafka_row kafka_list_offsets_request[] = {
	INT32(0, LAST), INT8(2, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT32(4, LAST), INT64(0, LAST), INT32(0, 0),
		END,
	END,
	INT32(10, LAST),
	END,
};

const struct kafka_row kafka_list_offsets_response[] = {
	INT32(2, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), LIST(0, 0), INT64(0, LAST), INT64(1, LAST), INT64(1, LAST), INT32(4, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_metadata_request[] = {
	ARRAY(0, LAST),
		UUID(10, LAST, IS_TOPIC_ID), STRING(0, LAST, IS_TOPIC),
	END,
	INT8(4, LAST), INT8(8, 10), INT8(8, LAST),
	END,
};

const struct kafka_row kafka_metadata_response[] = {
	INT32(3, LAST),
	ARRAY(0, LAST),
		INT32(0, LAST), STRING(0, LAST), INT32(0, LAST), STRING(1, LAST),
	END,
	STRING(2, LAST), INT32(1, LAST),
	ARRAY(0, LAST),
		INT16(0, LAST, IS_ERROR), STRING(0, LAST, IS_TOPIC), UUID(10, LAST, IS_TOPIC_ID), INT8(1, LAST),
		ARRAY(0, LAST),
			INT16(0, LAST, IS_ERROR), INT32(0, LAST, IS_PARTITION), INT32(0, LAST), INT32(7, LAST), LIST(0, LAST), INT32(0, LAST),
			LIST(0, LAST), INT32(0, LAST), LIST(5, LAST), INT32(0, LAST),
		END,
		INT32(8, LAST),
	END,
	INT32(8, 10), INT16(13, LAST, IS_ERROR),
	END,
};

const struct kafka_row kafka_offset_commit_request[] = {
	STRING(0, LAST, IS_GROUP), INT32(1, LAST), STRING(1, LAST), STRING(7, LAST), INT64(2, 4),
	ARRAY(0, LAST),
		STRING(0, 9, IS_TOPIC), UUID(10, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT64(0, LAST), INT32(6, LAST), INT64(1, 1), STRING(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_offset_commit_response[] = {
	INT32(3, LAST),
	ARRAY(0, LAST),
		STRING(0, 9, IS_TOPIC), UUID(10, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR),
		END,
	END,
	END,
};

const struct kafka_row kafka_offset_fetch_request[] = {
	STRING(0, 7, IS_GROUP),
	ARRAY(0, 7),
		STRING(0, 7, IS_TOPIC), LIST(0, 7), INT32(0, LAST, IS_PARTITION),
	END,
	ARRAY(8, LAST),
		STRING(8, LAST, IS_GROUP), STRING(9, LAST), INT32(9, LAST),
		ARRAY(8, LAST),
			STRING(8, 9, IS_TOPIC), UUID(10, LAST, IS_TOPIC_ID), LIST(8, LAST), INT32(0, LAST, IS_PARTITION),
		END,
	END,
	INT8(7, LAST),
	END,
};

const struct kafka_row kafka_offset_fetch_response[] = {
	INT32(3, LAST),
	ARRAY(0, 7),
		STRING(0, 7, IS_TOPIC),
		ARRAY(0, 7),
			INT32(0, 7, IS_PARTITION), INT64(0, 7), INT32(5, 7), STRING(0, 7), INT16(0, 7, IS_ERROR),
		END,
	END,
	INT16(2, 7, IS_ERROR),
	ARRAY(8, LAST),
		STRING(8, LAST),
		ARRAY(8, LAST),
			STRING(8, 9, IS_TOPIC), UUID(10, LAST, IS_TOPIC_ID),
			ARRAY(8, LAST),
				INT32(8, LAST, IS_PARTITION), INT64(8, LAST), INT32(8, LAST), STRING(8, LAST), INT16(8, LAST, IS_ERROR),
			END,
		END,
		INT16(8, LAST, IS_ERROR),
	END,
	END,
};

const struct kafka_row kafka_find_coordinator_request[] = {
	STRING(0, 3, IS_COORDINATOR), INT8(1, LAST, IS_KEY_TYPE), LIST(4, LAST), STRING(0, LAST, IS_COORDINATOR),
	END,
};

const struct kafka_row kafka_find_coordinator_response[] = {
	INT32(1, LAST), INT16(0, 3, IS_ERROR), STRING(1, 3), INT32(0, 3), STRING(0, 3), INT32(0, 3),
	ARRAY(4, LAST),
		STRING(4, LAST), INT32(4, LAST), STRING(4, LAST), INT32(4, LAST), INT16(4, LAST, IS_ERROR), STRING(4, LAST),
	END,
	END,
};

const struct kafka_row kafka_join_group_request[] = {
	STRING(0, LAST, IS_GROUP), INT32(0, LAST), INT32(1, LAST), STRING(0, LAST), STRING(5, LAST), STRING(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST), BYTES(0, LAST),
	END,
	STRING(8, LAST),
	END,
};

const struct kafka_row kafka_join_group_response[] = {
	INT32(2, LAST), INT16(0, LAST, IS_ERROR), INT32(0, LAST), STRING(7, LAST), STRING(0, LAST), STRING(0, LAST), INT8(9, LAST),
	STRING(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST), STRING(5, LAST), BYTES(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_heartbeat_request[] = {
	STRING(0, LAST, IS_GROUP), INT32(0, LAST), STRING(0, LAST), STRING(3, LAST),
	END,
};

const struct kafka_row kafka_heartbeat_response[] = {
	INT32(1, LAST), INT16(0, LAST, IS_ERROR),
	END,
};

const struct kafka_row kafka_leave_group_request[] = {
	STRING(0, LAST, IS_GROUP), STRING(0, 2),
	ARRAY(3, LAST),
		STRING(3, LAST), STRING(3, LAST), STRING(5, LAST),
	END,
	END,
};

const struct kafka_row kafka_leave_group_response[] = {
	INT32(1, LAST), INT16(0, LAST, IS_ERROR),
	ARRAY(3, LAST),
		STRING(3, LAST), STRING(3, LAST), INT16(3, LAST, IS_ERROR),
	END,
	END,
};

const struct kafka_row kafka_sync_group_request[] = {
	STRING(0, LAST, IS_GROUP), INT32(0, LAST), STRING(0, LAST), STRING(3, LAST), STRING(5, LAST), STRING(5, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST), BYTES(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_sync_group_response[] = {
	INT32(1, LAST), INT16(0, LAST, IS_ERROR), STRING(5, LAST), STRING(5, LAST), BYTES(0, LAST),
	END,
};

const struct kafka_row kafka_describe_groups_request[] = {
	LIST(0, LAST), STRING(0, LAST, IS_GROUP), INT8(3, LAST),
	END,
};

const struct kafka_row kafka_describe_groups_response[] = {
	INT32(1, LAST),
	ARRAY(0, LAST),
		INT16(0, LAST, IS_ERROR), STRING(6, LAST), STRING(0, LAST), STRING(0, LAST), STRING(0, LAST), STRING(0, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST), STRING(4, LAST), STRING(0, LAST), STRING(0, LAST), BYTES(0, LAST), BYTES(0, LAST),
		END,
		INT32(3, LAST),
	END,
	END,
};

const struct kafka_row kafka_list_groups_request[] = {
	LIST(4, LAST), STRING(0, LAST), LIST(5, LAST), STRING(0, LAST),
	END,
};

const struct kafka_row kafka_list_groups_response[] = {
	INT32(1, LAST), INT16(0, LAST, IS_ERROR),
	ARRAY(0, LAST),
		STRING(0, LAST), STRING(0, LAST), STRING(4, LAST), STRING(5, LAST),
	END,
	END,
};

const struct kafka_row kafka_sasl_handshake_request[] = {
	STRING(0, LAST, IS_MECHANISM),
	END,
};

const struct kafka_row kafka_sasl_handshake_response[] = {
	INT16(0, LAST, IS_ERROR), LIST(0, LAST), STRING(0, LAST),
	END,
};

const struct kafka_row kafka_api_versions_request[] = {
	STRING(3, LAST, IS_SOFTWARE), STRING(3, LAST, IS_SOFTWARE),
	END,
};

const struct kafka_row kafka_api_versions_response[] = {
	INT16(0, LAST, IS_ERROR),
	ARRAY(0, LAST),
		INT16(0, LAST), INT16(0, LAST), INT16(0, LAST),
	END,
	INT32(1, LAST),
	END,
};

const struct kafka_row kafka_create_topics_request[] = {
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC), INT32(0, LAST), INT16(0, LAST),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), LIST(0, LAST), INT32(0, LAST),
		END,
		ARRAY(0, LAST),
			STRING(0, LAST), STRING(0, LAST),
		END,
	END,
	INT32(0, LAST), INT8(1, LAST),
	END,
};

const struct kafka_row kafka_create_topics_response[] = {
	INT32(2, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC), UUID(7, LAST, IS_TOPIC_ID), INT16(0, LAST, IS_ERROR), STRING(1, LAST), INT32(5, LAST), INT16(5, LAST),
		ARRAY(5, LAST),
			STRING(5, LAST, IS_TOPIC), STRING(5, LAST), INT8(5, LAST), INT8(5, LAST), INT8(5, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_delete_topics_request[] = {
	ARRAY(6, LAST),
		STRING(6, LAST, IS_TOPIC), UUID(6, LAST, IS_TOPIC_ID),
	END,
	LIST(0, 5), STRING(0, LAST, IS_TOPIC), INT32(0, LAST),
	END,
};

const struct kafka_row kafka_delete_topics_response[] = {
	INT32(1, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC), UUID(6, LAST, IS_TOPIC_ID), INT16(0, LAST, IS_ERROR), STRING(5, LAST),
	END,
	END,
};

const struct kafka_row kafka_delete_records_request[] = {
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT64(0, LAST),
		END,
	END,
	INT32(0, LAST),
	END,
};

const struct kafka_row kafka_delete_records_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT64(0, LAST), INT16(0, LAST, IS_ERROR),
		END,
	END,
	END,
};

const struct kafka_row kafka_init_producer_id_request[] = {
	STRING(0, LAST, IS_TXN), INT32(0, LAST), INT64(3, LAST), INT16(3, LAST), INT8(6, LAST), INT8(6, LAST),
	END,
};

const struct kafka_row kafka_init_producer_id_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), INT64(0, LAST), INT16(0, LAST), INT64(6, LAST), INT16(6, LAST),
	END,
};

const struct kafka_row kafka_offset_for_leader_epoch_request[] = {
	INT32(3, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT32(2, LAST), INT32(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_offset_for_leader_epoch_response[] = {
	INT32(2, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT16(0, LAST, IS_ERROR), INT32(0, LAST, IS_PARTITION), INT32(1, LAST), INT64(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_add_partitions_to_txn_request[] = {
	ARRAY(4, LAST),
		STRING(4, LAST, IS_TXN), INT64(4, LAST), INT16(4, LAST), INT8(4, LAST),
		ARRAY(4, LAST),
			STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
		END,
	END,
	STRING(0, 3, IS_TXN), INT64(0, 3), INT16(0, 3),
	ARRAY(0, 3),
		STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
	END,
	END,
};

const struct kafka_row kafka_add_partitions_to_txn_response[] = {
	INT32(0, LAST), INT16(4, LAST, IS_ERROR),
	ARRAY(4, LAST),
		STRING(4, LAST),
		ARRAY(4, LAST),
			STRING(0, LAST, IS_TOPIC),
			ARRAY(0, LAST),
				INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR),
			END,
		END,
	END,
	ARRAY(0, 3),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR),
		END,
	END,
	END,
};

const struct kafka_row kafka_add_offsets_to_txn_request[] = {
	STRING(0, LAST, IS_TXN), INT64(0, LAST), INT16(0, LAST), STRING(0, LAST, IS_GROUP),
	END,
};

const struct kafka_row kafka_add_offsets_to_txn_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR),
	END,
};

const struct kafka_row kafka_end_txn_request[] = {
	STRING(0, LAST, IS_TXN), INT64(0, LAST), INT16(0, LAST), INT8(0, LAST),
	END,
};

const struct kafka_row kafka_end_txn_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), INT64(5, LAST), INT16(5, LAST),
	END,
};

const struct kafka_row kafka_write_txn_markers_request[] = {
	ARRAY(0, LAST),
		INT64(0, LAST), INT16(0, LAST), INT8(0, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
		END,
		INT32(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_write_txn_markers_response[] = {
	ARRAY(0, LAST),
		INT64(0, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST, IS_TOPIC),
			ARRAY(0, LAST),
				INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR),
			END,
		END,
	END,
	END,
};

const struct kafka_row kafka_txn_offset_commit_request[] = {
	STRING(0, LAST, IS_TXN), STRING(0, LAST, IS_GROUP), INT64(0, LAST), INT16(0, LAST), INT32(3, LAST), STRING(3, LAST),
	STRING(3, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT64(0, LAST), INT32(2, LAST), STRING(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_txn_offset_commit_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR),
		END,
	END,
	END,
};
