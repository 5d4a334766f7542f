/* Layouts: administration: access lists, settings, topics, tokens, quotas, clusters. See layout.h for how they read. */
#define KAFKA_LAYOUT_ROWS
#include "proto/kafka/layout.h"

const struct kafka_row kafka_describe_acls_request[] = {
	INT8(0, LAST), STRING(0, LAST), INT8(1, LAST), STRING(0, LAST), STRING(0, LAST), INT8(0, LAST), INT8(0, LAST),
	END,
};

const struct kafka_row kafka_describe_acls_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	ARRAY(0, LAST),
		INT8(0, LAST), STRING(0, LAST), INT8(1, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST), STRING(0, LAST), INT8(0, LAST), INT8(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_create_acls_request[] = {
	ARRAY(0, LAST),
		INT8(0, LAST), STRING(0, LAST), INT8(1, LAST), STRING(0, LAST), STRING(0, LAST), INT8(0, LAST), INT8(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_create_acls_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_delete_acls_request[] = {
	ARRAY(0, LAST),
		INT8(0, LAST), STRING(0, LAST), INT8(1, LAST), STRING(0, LAST), STRING(0, LAST), INT8(0, LAST), INT8(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_delete_acls_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		INT16(0, LAST, IS_ERROR), STRING(0, LAST),
		ARRAY(0, LAST),
			INT16(0, LAST, IS_ERROR), STRING(0, LAST), INT8(0, LAST), STRING(0, LAST), INT8(1, LAST), STRING(0, LAST), STRING(0, LAST),
			INT8(0, LAST), INT8(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_describe_configs_request[] = {
	ARRAY(0, LAST),
		INT8(0, LAST, IS_RESOURCE_TYPE), STRING(0, LAST, IS_RESOURCE), LIST(0, LAST), STRING(0, LAST),
	END,
	INT8(1, LAST), INT8(3, LAST),
	END,
};

const struct kafka_row kafka_describe_configs_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		INT16(0, LAST, IS_ERROR), STRING(0, LAST), INT8(0, LAST, IS_RESOURCE_TYPE), STRING(0, LAST, IS_RESOURCE),
		ARRAY(0, LAST),
			STRING(0, LAST), STRING(0, LAST), INT8(0, LAST), INT8(0, 0), INT8(1, LAST), INT8(0, LAST),
			ARRAY(1, LAST),
				STRING(1, LAST), STRING(1, LAST), INT8(1, LAST),
			END,
			INT8(3, LAST), STRING(3, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_alter_configs_request[] = {
	ARRAY(0, LAST),
		INT8(0, LAST, IS_RESOURCE_TYPE), STRING(0, LAST, IS_RESOURCE),
		ARRAY(0, LAST),
			STRING(0, LAST), STRING(0, LAST),
		END,
	END,
	INT8(0, LAST),
	END,
};

const struct kafka_row kafka_alter_configs_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		INT16(0, LAST, IS_ERROR), STRING(0, LAST), INT8(0, LAST, IS_RESOURCE_TYPE), STRING(0, LAST, IS_RESOURCE),
	END,
	END,
};

const struct kafka_row kafka_alter_replica_log_dirs_request[] = {
	ARRAY(0, LAST),
		STRING(0, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
		END,
	END,
	END,
};

const struct kafka_row kafka_alter_replica_log_dirs_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR),
		END,
	END,
	END,
};

const struct kafka_row kafka_describe_log_dirs_request[] = {
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
	END,
	END,
};

const struct kafka_row kafka_describe_log_dirs_response[] = {
	INT32(0, LAST), INT16(3, LAST, IS_ERROR),
	ARRAY(0, LAST),
		INT16(0, LAST, IS_ERROR), STRING(0, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST, IS_TOPIC),
			ARRAY(0, LAST),
				INT32(0, LAST, IS_PARTITION), INT64(0, LAST), INT64(0, LAST), INT8(0, LAST),
			END,
		END,
		INT64(4, LAST), INT64(4, LAST),
	END,
	END,
};

const struct kafka_row kafka_sasl_authenticate_request[] = {
	BYTES(0, LAST),
	END,
};

const struct kafka_row kafka_sasl_authenticate_response[] = {
	INT16(0, LAST, IS_ERROR), STRING(0, LAST), BYTES(0, LAST), INT64(1, LAST),
	END,
};

const struct kafka_row kafka_create_partitions_request[] = {
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC), INT32(0, LAST),
		ARRAY(0, LAST),
			LIST(0, LAST), INT32(0, LAST),
		END,
	END,
	INT32(0, LAST), INT8(0, LAST),
	END,
};

const struct kafka_row kafka_create_partitions_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_create_delegation_token_request[] = {
	STRING(3, LAST), STRING(3, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST), STRING(0, LAST),
	END,
	INT64(0, LAST),
	END,
};

const struct kafka_row kafka_create_delegation_token_response[] = {
	INT16(0, LAST, IS_ERROR), STRING(0, LAST), STRING(0, LAST), STRING(3, LAST), STRING(3, LAST), INT64(0, LAST), INT64(0, LAST),
	INT64(0, LAST), STRING(0, LAST), BYTES(0, LAST), INT32(0, LAST),
	END,
};

const struct kafka_row kafka_renew_delegation_token_request[] = {
	BYTES(0, LAST), INT64(0, LAST),
	END,
};

const struct kafka_row kafka_renew_delegation_token_response[] = {
	INT16(0, LAST, IS_ERROR), INT64(0, LAST), INT32(0, LAST),
	END,
};

const struct kafka_row kafka_expire_delegation_token_request[] = {
	BYTES(0, LAST), INT64(0, LAST),
	END,
};

const struct kafka_row kafka_expire_delegation_token_response[] = {
	INT16(0, LAST, IS_ERROR), INT64(0, LAST), INT32(0, LAST),
	END,
};

const struct kafka_row kafka_describe_delegation_token_request[] = {
	ARRAY(0, LAST),
		STRING(0, LAST), STRING(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_describe_delegation_token_response[] = {
	INT16(0, LAST, IS_ERROR),
	ARRAY(0, LAST),
		STRING(0, LAST), STRING(0, LAST), STRING(3, LAST), STRING(3, LAST), INT64(0, LAST), INT64(0, LAST), INT64(0, LAST),
		STRING(0, LAST), BYTES(0, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST), STRING(0, LAST),
		END,
	END,
	INT32(0, LAST),
	END,
};

const struct kafka_row kafka_delete_groups_request[] = {
	LIST(0, LAST), STRING(0, LAST, IS_GROUP),
	END,
};

const struct kafka_row kafka_delete_groups_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST), INT16(0, LAST, IS_ERROR),
	END,
	END,
};

const struct kafka_row kafka_elect_leaders_request[] = {
	INT8(1, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
	END,
	INT32(0, LAST),
	END,
};

const struct kafka_row kafka_elect_leaders_response[] = {
	INT32(0, LAST), INT16(1, LAST, IS_ERROR),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_incremental_alter_configs_request[] = {
	ARRAY(0, LAST),
		INT8(0, LAST, IS_RESOURCE_TYPE), STRING(0, LAST, IS_RESOURCE),
		ARRAY(0, LAST),
			STRING(0, LAST), INT8(0, LAST), STRING(0, LAST),
		END,
	END,
	INT8(0, LAST),
	END,
};

const struct kafka_row kafka_incremental_alter_configs_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		INT16(0, LAST, IS_ERROR), STRING(0, LAST), INT8(0, LAST, IS_RESOURCE_TYPE), STRING(0, LAST, IS_RESOURCE),
	END,
	END,
};

const struct kafka_row kafka_alter_partition_reassignments_request[] = {
	INT32(0, LAST), INT8(1, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), LIST(0, LAST), INT32(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_alter_partition_reassignments_response[] = {
	INT32(0, LAST), INT8(1, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_list_partition_reassignments_request[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
	END,
	END,
};

const struct kafka_row kafka_list_partition_reassignments_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), LIST(0, LAST), INT32(0, LAST), LIST(0, LAST), INT32(0, LAST), LIST(0, LAST), INT32(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_offset_delete_request[] = {
	STRING(0, LAST, IS_GROUP),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION),
		END,
	END,
	END,
};

const struct kafka_row kafka_offset_delete_response[] = {
	INT16(0, LAST, IS_ERROR), INT32(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR),
		END,
	END,
	END,
};

const struct kafka_row kafka_describe_client_quotas_request[] = {
	ARRAY(0, LAST),
		STRING(0, LAST), INT8(0, LAST), STRING(0, LAST),
	END,
	INT8(0, LAST),
	END,
};

const struct kafka_row kafka_describe_client_quotas_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	ARRAY(0, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST), STRING(0, LAST),
		END,
		ARRAY(0, LAST),
			STRING(0, LAST), INT64(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_alter_client_quotas_request[] = {
	ARRAY(0, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST), STRING(0, LAST),
		END,
		ARRAY(0, LAST),
			STRING(0, LAST), INT64(0, LAST), INT8(0, LAST),
		END,
	END,
	INT8(0, LAST),
	END,
};

const struct kafka_row kafka_alter_client_quotas_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		INT16(0, LAST, IS_ERROR), STRING(0, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST), STRING(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_describe_user_scram_credentials_request[] = {
	ARRAY(0, LAST),
		STRING(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_describe_user_scram_credentials_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
		ARRAY(0, LAST),
			INT8(0, LAST), INT32(0, LAST),
		END,
	END,
	END,
};

const struct kafka_row kafka_alter_user_scram_credentials_request[] = {
	ARRAY(0, LAST),
		STRING(0, LAST), INT8(0, LAST),
	END,
	ARRAY(0, LAST),
		STRING(0, LAST), INT8(0, LAST), INT32(0, LAST), BYTES(0, LAST), BYTES(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_alter_user_scram_credentials_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_update_features_request[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST), INT16(0, LAST), INT8(0, 0), INT8(1, LAST),
	END,
	INT8(1, LAST),
	END,
};

const struct kafka_row kafka_update_features_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	ARRAY(0, 1),
		STRING(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_describe_cluster_request[] = {
	INT8(0, LAST), INT8(1, LAST), INT8(2, LAST),
	END,
};

const struct kafka_row kafka_describe_cluster_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), STRING(0, LAST), INT8(1, LAST), STRING(0, LAST), INT32(0, LAST),
	ARRAY(0, LAST),
		INT32(0, LAST), STRING(0, LAST), INT32(0, LAST), STRING(0, LAST), INT8(2, LAST),
	END,
	INT32(0, LAST),
	END,
};

const struct kafka_row kafka_describe_producers_request[] = {
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
	END,
	END,
};

const struct kafka_row kafka_describe_producers_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
		ARRAY(0, LAST),
			INT32(0, LAST, IS_PARTITION), INT16(0, LAST, IS_ERROR), STRING(0, LAST),
			ARRAY(0, LAST),
				INT64(0, LAST), INT32(0, LAST), INT32(0, LAST), INT64(0, LAST), INT32(0, LAST), INT64(0, LAST),
			END,
		END,
	END,
	END,
};

const struct kafka_row kafka_describe_transactions_request[] = {
	LIST(0, LAST), STRING(0, LAST, IS_TXN),
	END,
};

const struct kafka_row kafka_describe_transactions_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		INT16(0, LAST, IS_ERROR), STRING(0, LAST), STRING(0, LAST), INT32(0, LAST), INT64(0, LAST), INT64(0, LAST), INT16(0, LAST),
		ARRAY(0, LAST),
			STRING(0, LAST, IS_TOPIC), LIST(0, LAST), INT32(0, LAST, IS_PARTITION),
		END,
	END,
	END,
};

const struct kafka_row kafka_list_transactions_request[] = {
	LIST(0, LAST), STRING(0, LAST), LIST(0, LAST), INT64(0, LAST), INT64(1, LAST), STRING(2, LAST),
	END,
};

const struct kafka_row kafka_list_transactions_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), LIST(0, LAST), STRING(0, LAST),
	ARRAY(0, LAST),
		STRING(0, LAST), INT64(0, LAST), STRING(0, LAST),
	END,
	END,
};

const struct kafka_row kafka_get_telemetry_subscriptions_request[] = {
	UUID(0, LAST),
	END,
};

const struct kafka_row kafka_get_telemetry_subscriptions_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR), UUID(0, LAST), INT32(0, LAST), LIST(0, LAST), INT8(0, LAST), INT32(0, LAST),
	INT32(0, LAST), INT8(0, LAST), LIST(0, LAST), STRING(0, LAST),
	END,
};

const struct kafka_row kafka_push_telemetry_request[] = {
	UUID(0, LAST), INT32(0, LAST), INT8(0, LAST), INT8(0, LAST), BYTES(0, LAST),
	END,
};

const struct kafka_row kafka_push_telemetry_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR),
	END,
};

const struct kafka_row kafka_list_config_resources_request[] = {
	LIST(1, LAST), INT8(0, LAST),
	END,
};

const struct kafka_row kafka_list_config_resources_response[] = {
	INT32(0, LAST), INT16(0, LAST, IS_ERROR),
	ARRAY(0, LAST),
		STRING(0, LAST), INT8(1, LAST),
	END,
	END,
};

const struct kafka_row kafka_describe_topic_partitions_request[] = {
	ARRAY(0, LAST),
		STRING(0, LAST, IS_TOPIC),
	END,
	INT32(0, LAST),
	MAYBE(0, LAST),
		STRING(0, LAST, IS_TOPIC), INT32(0, LAST, IS_PARTITION),
	END,
	END,
};

const struct kafka_row kafka_describe_topic_partitions_response[] = {
	INT32(0, LAST),
	ARRAY(0, LAST),
		INT16(0, LAST, IS_ERROR), STRING(0, LAST, IS_TOPIC), UUID(0, LAST, IS_TOPIC_ID), INT8(0, LAST),
		ARRAY(0, LAST),
			INT16(0, LAST, IS_ERROR), INT32(0, LAST, IS_PARTITION), INT32(0, LAST), INT32(0, LAST), LIST(0, LAST), INT32(0, LAST),
			LIST(0, LAST), INT32(0, LAST), LIST(0, LAST), INT32(0, LAST), LIST(0, LAST), INT32(0, LAST), LIST(0, LAST), INT32(0, LAST),
		END,
		INT32(0, LAST),
	END,
	MAYBE(0, LAST),
		STRING(0, LAST, IS_TOPIC), INT32(0, LAST, IS_PARTITION),
	END,
	END,
};
