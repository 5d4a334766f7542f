/* Layouts: what brokers and controllers say to each other. See layout.h for how they read. */
#define KAFKA_LAYOUT_ROWS
#include "proto/kafka/layout.h"

const struct kafka_row kafka_leader_and_isr_request[] = {
	INT32(0, LAST), INT32(0, LAST), INT64(2, LAST), INT8(5, LAST),
	ARRAY(0, 1),
		STRING(0, 1, IS_TOPIC), INT32(0, LAST, IS_PARTITION), INT32(0, LAST), INT32(0, LAST), INT32(0, LAST), LIST(0, LAST), INT32(0, LAST),
		INT32(0, LAST), LIST(0, LAST), INT32(0, LAST), LIST(3, LAST), INT32(0, LAST), LIST(3, LAST), INT32(0, LAST), INT8(1, LAST),
		INT8(6, LAST),
	END,
	ARRAY(2, LAST),
		STRING(2, LAST, IS_TOPIC), UUID(5, LAST, IS_TOPIC_ID),
		ARRAY(2, LAST),
			STRING(0, 1, IS_TOPIC), INT32(0, LAST, IS_PARTITION), INT32(0, LAST), INT32(0, LAST), INT32(0, LAST), LIST(0, LAST), INT32(0, LAST),
			INT32(0, LAST), LIST(0, LAST), INT32(0, LAST), LIST(3, LAST), INT32(0, LAST), LIST(3, LAST), INT32(0, LAST), INT8(1, LAST),
			INT8(6, LAST),
		END,
	END,
	ARRAY(0, LAST),
		INT32(0, LAST), STRING(0, LAST), INT32(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_leader_and_isr_response[] = {
	INT16(0, LAST, IS_ERROR),
	ARRAY(0, 4),
		STRING(0, 4, IS_TOPIC), INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR),
	END,
	ARRAY(5, LAST),
		UUID(5, LAST, IS_TOPIC_ID),
		ARRAY(5, LAST),
			STRING(0, 4, IS_TOPIC), INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR),
		END,
	END,
	END,
};

const struct kafka_row kafka_stop_replica_request[] = {
	INT32(0, LAST), INT32(0, LAST), INT64(1, LAST), INT8(0, 2),
	ARRAY(0, 0),
		STRING(0, 0, IS_TOPIC), INT32(0, 0, IS_PARTITION),
	END,
	ARRAY(1, 2),
		STRING(1, 2, IS_TOPIC), LIST(1, 2), INT32(0, LAST, IS_PARTITION),
	END,
	ARRAY(3, LAST),
		STRING(3, LAST, IS_TOPIC),
		ARRAY(3, LAST),
			INT32(3, LAST, IS_PARTITION), INT32(3, LAST), INT8(3, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_stop_replica_response[] = {
	INT16(0, LAST, IS_ERROR),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC), INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR),
	END,
	END,
};

const struct kafka_row kafka_update_metadata_request[] = {
	INT32(0, LAST), INT32(0, LAST), INT64(5, LAST),
	ARRAY(0, 4),
		STRING(0, 4, IS_TOPIC), INT32(0, LAST, IS_PARTITION), INT32(0, LAST), INT32(0, LAST), INT32(0, LAST), LIST(0, LAST), INT32(0, LAST),
		INT32(0, LAST), LIST(0, LAST), INT32(0, LAST), LIST(4, LAST), INT32(0, LAST),
	END,
	ARRAY(5, LAST),
		STRING(5, LAST, IS_TOPIC), UUID(7, LAST, IS_TOPIC_ID),
		ARRAY(5, LAST),
			STRING(0, 4, IS_TOPIC), INT32(0, LAST, IS_PARTITION), INT32(0, LAST), INT32(0, LAST), INT32(0, LAST), LIST(0, LAST), INT32(0, LAST),
			INT32(0, LAST), LIST(0, LAST), INT32(0, LAST), LIST(4, LAST), INT32(0, LAST),
		END,
	END,
	ARRAY(0, LAST),
		INT32(0, LAST), STRING(0, 0), INT32(0, 0),
		ARRAY(1, LAST),
			INT32(1, LAST), STRING(1, LAST), STRING(3, LAST), INT16(1, LAST),
		END,
		STRING(2, LAST),
	END,
	END,
};

const struct kafka_row kafka_update_metadata_response[] = {
	INT16(0, LAST, IS_ERROR),
	END,
};

const struct kafka_row kafka_controlled_shutdown_request[] = {
	INT32(0, LAST), INT64(2, LAST),
	END,
};

const struct kafka_row kafka_controlled_shutdown_response[] = {
	INT16(0, LAST, IS_ERROR),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC), INT32(0, LAST, IS_PARTITION),
	END,
	END,
};

const struct kafka_row kafka_vote_request[] = {
	STRING(0, LAST), INT32(1, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT32(0, LAST), INT32(0, LAST), UUID(1, LAST), UUID(1, LAST), INT32(0, LAST), INT64(0, LAST),
			INT8(2, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_vote_response[] = {
	INT16(0, LAST, IS_ERROR),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), INT32(0, LAST), INT32(0, LAST), INT8(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_begin_quorum_epoch_request[] = {
	STRING(0, LAST), INT32(1, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), UUID(1, LAST), INT32(0, LAST), INT32(0, LAST),
		END,
	END,
	ARRAY(1, LAST),
		STRING(1, LAST), STRING(1, LAST), INT16(1, LAST),
	END,
	END,
};

const struct kafka_row kafka_begin_quorum_epoch_response[] = {
	INT16(0, LAST, IS_ERROR),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), INT32(0, LAST), INT32(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_end_quorum_epoch_request[] = {
	STRING(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT32(0, LAST), INT32(0, LAST), LIST(0, 0), INT32(0, LAST),
			ARRAY(1, LAST),
				INT32(1, LAST), UUID(1, LAST),
			END,
		END,
	END,
	ARRAY(1, LAST),
		STRING(1, LAST), STRING(1, LAST), INT16(1, LAST),
	END,
	END,
};

const struct kafka_row kafka_end_quorum_epoch_response[] = {
	INT16(0, LAST, IS_ERROR),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), INT32(0, LAST), INT32(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_describe_quorum_request[] = {
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION),
		END,
	END,
	END,
};

const struct kafka_row kafka_describe_quorum_response[] = {
	INT16(0, LAST, IS_ERROR), STRING(2, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), STRING(2, LAST), INT32(0, LAST), INT32(0, LAST), INT64(0, LAST),
			ARRAY(0, LAST),
				INT32(0, LAST), UUID(2, LAST), INT64(0, LAST), INT64(1, LAST), INT64(1, LAST),
			END,
			ARRAY(0, LAST),
				INT32(0, LAST), UUID(2, LAST), INT64(0, LAST), INT64(1, LAST), INT64(1, LAST),
			END,
		END,
	END,
	ARRAY(2, LAST),
		INT32(2, LAST),
		ARRAY(2, LAST),
			STRING(2, LAST), STRING(2, LAST), INT16(2, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_alter_partition_request[] = {
	INT32(0, LAST), INT64(0, LAST),
	ARRAY(0, LAST),
		STRING(0, 1, IS_TOPIC), UUID(2, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT32(0, LAST), LIST(0, 2), INT32(0, LAST),
			ARRAY(3, LAST),
				INT32(3, LAST), INT64(3, LAST),
			END,
			INT8(1, LAST), INT32(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_alter_partition_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR),
	ARRAY(0, LAST),
		STRING(0, 1, IS_TOPIC), UUID(2, LAST, IS_TOPIC_ID),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), INT32(0, LAST), INT32(0, LAST), LIST(0, LAST), INT32(0, LAST),
			INT8(1, LAST), INT32(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_envelope_request[] = {
	BYTES(0, LAST), BYTES(0, LAST), BYTES(0, LAST),
	END,
};

const struct kafka_row kafka_envelope_response[] = {
	BYTES(0, LAST), INT16(0, LAST, IS_ERROR),
	END,
};

const struct kafka_row kafka_fetch_snapshot_request[] = {
	INT32(0, LAST), INT32(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT32(0, LAST),
			STRUCT(0, LAST),
				INT64(0, LAST), INT32(0, LAST),
			END,
			INT64(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_fetch_snapshot_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR),
			STRUCT(0, LAST),
				INT64(0, LAST), INT32(0, LAST),
			END,
			INT64(0, LAST), INT64(0, LAST), RECORDS(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_broker_registration_request[] = {
	INT32(0, LAST), STRING(0, LAST), UUID(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST), STRING(0, LAST), INT16(0, LAST), INT16(0, LAST),
	END,
	ARRAY(0, LAST),
		STRING(0, LAST), INT16(0, LAST), INT16(0, LAST),
	END,
	STRING(0, LAST), INT8(1, LAST), LIST(2, LAST), UUID(0, LAST), INT64(3, LAST),
	END,
};

const struct kafka_row kafka_broker_registration_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), INT64(0, LAST),
	END,
};

const struct kafka_row kafka_broker_heartbeat_request[] = {
	INT32(0, LAST), INT64(0, LAST), INT64(0, LAST), INT8(0, LAST), INT8(0, LAST),
	END,
};

const struct kafka_row kafka_broker_heartbeat_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), INT8(0, LAST), INT8(0, LAST), INT8(0, LAST),
	END,
};

const struct kafka_row kafka_unregister_broker_request[] = {
	INT32(0, LAST),
	END,
};

const struct kafka_row kafka_unregister_broker_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	END,
};

const struct kafka_row kafka_allocate_producer_ids_request[] = {
	INT32(0, LAST), INT64(0, LAST),
	END,
};

const struct kafka_row kafka_allocate_producer_ids_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), INT64(0, LAST), INT32(0, LAST),
	END,
};

const struct kafka_row kafka_controller_registration_request[] = {
	INT32(0, LAST), UUID(0, LAST), INT8(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST), STRING(0, LAST), INT16(0, LAST), INT16(0, LAST),
	END,
	ARRAY(0, LAST),
		STRING(0, LAST), INT16(0, LAST), INT16(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_controller_registration_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	END,
};

const struct kafka_row kafka_assign_replicas_to_dirs_request[] = {
	INT32(0, LAST), INT64(0, LAST),
	ARRAY(0, LAST),
		UUID(0, LAST),
		ARRAY(0, LAST),
			UUID(0, LAST, IS_TOPIC_ID),
			ARRAY(0, LAST),
				INT32(0, LAST, IS_PARTITION),
			END,
		END,
	END,
	END,
};

const struct kafka_row kafka_assign_replicas_to_dirs_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR),
	ARRAY(0, LAST),
		UUID(0, LAST),
		ARRAY(0, LAST),
			UUID(0, LAST, IS_TOPIC_ID),
			ARRAY(0, LAST),
				INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR),
			END,
		END,
	END,
	END,
};

const struct kafka_row kafka_add_raft_voter_request[] = {
	STRING(0, LAST), INT32(0, LAST), INT32(0, LAST), UUID(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST), STRING(0, LAST), INT16(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_add_raft_voter_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	END,
};

const struct kafka_row kafka_remove_raft_voter_request[] = {
	STRING(0, LAST), INT32(0, LAST), UUID(0, LAST),
	END,
};

const struct kafka_row kafka_remove_raft_voter_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	END,
};

const struct kafka_row kafka_update_raft_voter_request[] = {
	STRING(0, LAST), INT32(0, LAST), INT32(0, LAST), UUID(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST), STRING(0, LAST), INT16(0, LAST),
	END,
	STRUCT(0, LAST),
		INT16(0, LAST), INT16(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_update_raft_voter_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR),
	END,
};
