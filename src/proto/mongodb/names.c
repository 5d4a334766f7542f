/* From https://www.mongodb.com/docs/manual/reference/command/ and https://www.mongodb.com/docs/manual/reference/error-codes/; what is
 * sensitive, from the drivers' specification of command monitoring. Both tables are sorted. */
#include "proto/mongodb/names.h"

#include <stdlib.h>

#define COLLECTION .target = TARGET_COLLECTION
#define NAMESPACE .target = TARGET_NAMESPACE
#define SECRET .sensitive = true

static const struct mongo_command commands[] = {
	{ "abortreshardcollection", NAMESPACE },
	{ "aggregate", COLLECTION },
	{ "analyze", COLLECTION },
	{ "analyzeshardkey", NAMESPACE },
	{ "authenticate", SECRET },
	{ "balancercollectionstatus", NAMESPACE },
	{ "bulkwrite", .kind = KIND_BULK_WRITE },
	{ "captrunc", COLLECTION },
	{ "cleanuporphaned", NAMESPACE },
	{ "cleanupreshardcollection", NAMESPACE },
	{ "clearjumboflag", NAMESPACE },
	{ "clonecollectionascapped", COLLECTION },
	{ "collmod", COLLECTION },
	{ "collstats", COLLECTION },
	{ "commitreshardcollection", NAMESPACE },
	{ "compact", COLLECTION },
	{ "compactstructuredencryptiondata", COLLECTION },
	{ "configurecollectionbalancing", NAMESPACE },
	{ "configurequeryanalyzer", NAMESPACE },
	{ "converttocapped", COLLECTION },
	{ "copydb", SECRET },
	{ "copydbgetnonce", SECRET },
	{ "copydbsaslstart", SECRET },
	{ "count", COLLECTION },
	{ "create", COLLECTION },
	{ "createindexes", COLLECTION },
	{ "createsearchindexes", COLLECTION },
	{ "createuser", SECRET },
	{ "datasize", NAMESPACE },
	{ "delete", COLLECTION },
	{ "deleteindexes", COLLECTION },
	{ "distinct", COLLECTION, .kind = KIND_DISTINCT },
	{ "drop", COLLECTION },
	{ "dropindexes", COLLECTION },
	{ "dropsearchindex", COLLECTION },
	{ "emptycapped", COLLECTION },
	{ "explain", .kind = KIND_EXPLAIN },
	{ "find", COLLECTION },
	{ "findandmodify", COLLECTION },
	{ "geonear", COLLECTION },
	{ "geosearch", COLLECTION },
	{ "getlasterror", .kind = KIND_LAST_ERROR },
	{ "getmore", .kind = KIND_GET_MORE },
	{ "getnonce", SECRET },
	{ "getshardversion", NAMESPACE },
	{ "godinsert", COLLECTION },
	{ "hello", .kind = KIND_HELLO },
	{ "insert", COLLECTION },
	{ "ismaster", .kind = KIND_HELLO },
	{ "killcursors", COLLECTION, .kind = KIND_KILL_CURSORS },
	{ "listindexes", COLLECTION },
	{ "listsearchindexes", COLLECTION },
	{ "mapreduce", COLLECTION },
	{ "mergeallchunksonshard", NAMESPACE },
	{ "mergechunks", NAMESPACE },
	{ "movechunk", NAMESPACE },
	{ "movecollection", NAMESPACE },
	{ "moverange", NAMESPACE },
	{ "parallelcollectionscan", COLLECTION },
	{ "plancacheclear", COLLECTION },
	{ "plancacheclearfilters", COLLECTION },
	{ "plancachelistfilters", COLLECTION },
	{ "plancachesetfilter", COLLECTION },
	{ "refinecollectionshardkey", NAMESPACE },
	{ "reindex", COLLECTION },
	{ "renamecollection", NAMESPACE },
	{ "reshardcollection", NAMESPACE },
	{ "saslcontinue", SECRET },
	{ "saslstart", SECRET },
	{ "setallowmigrations", NAMESPACE },
	{ "shardcollection", NAMESPACE },
	{ "split", NAMESPACE },
	{ "splitvector", NAMESPACE },
	{ "touch", COLLECTION },
	{ "unshardcollection", NAMESPACE },
	{ "untrackunshardedcollection", NAMESPACE },
	{ "update", COLLECTION },
	{ "updatesearchindex", COLLECTION },
	{ "updateuser", SECRET },
	{ "validate", COLLECTION },
};

#define COMMAND_MAX 40 /* bytes of the longest name, and more */

static int command_compare(const void *key, const void *entry)
{
	return strcmp(key, ((const struct mongo_command *)entry)->name);
}

const struct mongo_command *mongo_command_find(struct str name)
{
	char lower[COMMAND_MAX];
	if (name.n == 0 || name.n >= sizeof(lower))
		return NULL;
	for (u32 i = 0; i < name.n; i++)
		lower[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 0x20 : name.p[i]);
	lower[name.n] = 0;
	return bsearch(lower, commands, ARRAY_LEN(commands), sizeof(commands[0]), command_compare);
}

static const struct {
	i32 code;
	const char *name;
} codes[] = {
	{ 1, "InternalError" }, { 2, "BadValue" }, { 4, "NoSuchKey" }, { 6, "HostUnreachable" }, { 7, "HostNotFound" },
	{ 8, "UnknownError" }, { 9, "FailedToParse" }, { 10, "CannotMutateObject" }, { 11, "UserNotFound" },
	{ 12, "UnsupportedFormat" }, { 13, "Unauthorized" }, { 14, "TypeMismatch" }, { 15, "Overflow" }, { 16, "InvalidLength" },
	{ 17, "ProtocolError" }, { 18, "AuthenticationFailed" }, { 20, "IllegalOperation" }, { 21, "EmptyArrayOperation" },
	{ 22, "InvalidBSON" }, { 23, "AlreadyInitialized" }, { 24, "LockTimeout" }, { 25, "RemoteValidationError" },
	{ 26, "NamespaceNotFound" }, { 27, "IndexNotFound" }, { 28, "PathNotViable" }, { 29, "NonExistentPath" }, { 30, "InvalidPath" },
	{ 31, "RoleNotFound" }, { 32, "RolesNotRelated" }, { 33, "PrivilegeNotFound" }, { 34, "CannotBackfillArray" },
	{ 35, "UserModificationFailed" }, { 40, "ConflictingUpdateOperators" }, { 43, "CursorNotFound" }, { 45, "UserDataInconsistent" },
	{ 46, "LockBusy" }, { 47, "NoMatchingDocument" }, { 48, "NamespaceExists" }, { 49, "InvalidRoleModification" },
	{ 50, "MaxTimeMSExpired" }, { 51, "ManualInterventionRequired" }, { 52, "DollarPrefixedFieldName" }, { 53, "InvalidIdField" },
	{ 54, "NotSingleValueField" }, { 55, "InvalidDBRef" }, { 56, "EmptyFieldName" }, { 57, "DottedFieldName" },
	{ 58, "RoleModificationFailed" }, { 59, "CommandNotFound" }, { 61, "ShardKeyNotFound" }, { 62, "OplogOperationUnsupported" },
	{ 63, "StaleShardVersion" }, { 64, "WriteConcernFailed" }, { 65, "MultipleErrorsOccurred" }, { 66, "ImmutableField" },
	{ 67, "CannotCreateIndex" }, { 68, "IndexAlreadyExists" }, { 69, "AuthSchemaIncompatible" }, { 70, "ShardNotFound" },
	{ 71, "ReplicaSetNotFound" }, { 72, "InvalidOptions" }, { 73, "InvalidNamespace" }, { 74, "NodeNotFound" },
	{ 75, "WriteConcernLegacyOK" }, { 76, "NoReplicationEnabled" }, { 77, "OperationIncomplete" },
	{ 78, "CommandResultSchemaViolation" }, { 79, "UnknownReplWriteConcern" }, { 80, "RoleDataInconsistent" },
	{ 82, "NoProgressMade" }, { 83, "RemoteResultsUnavailable" }, { 85, "IndexOptionsConflict" }, { 86, "IndexKeySpecsConflict" },
	{ 87, "CannotSplit" }, { 89, "NetworkTimeout" }, { 90, "CallbackCanceled" }, { 91, "ShutdownInProgress" },
	{ 93, "InvalidReplicaSetConfig" }, { 94, "NotYetInitialized" }, { 95, "NotSecondary" }, { 96, "OperationFailed" },
	{ 97, "NoProjectionFound" }, { 100, "UnsatisfiableWriteConcern" }, { 101, "OutdatedClient" },
	{ 103, "NewReplicaSetConfigurationIncompatible" }, { 104, "NodeNotElectable" }, { 105, "IncompatibleShardingMetadata" },
	{ 107, "LockFailed" }, { 109, "ConfigurationInProgress" }, { 111, "NotExactValueField" }, { 112, "WriteConflict" },
	{ 115, "CommandNotSupported" }, { 116, "DocTooLargeForCapped" }, { 117, "ConflictingOperationInProgress" },
	{ 118, "NamespaceNotSharded" }, { 121, "DocumentValidationFailure" }, { 123, "NotAReplicaSet" }, { 125, "CommandFailed" },
	{ 126, "RPCProtocolNegotiationFailed" }, { 128, "LockNotFound" }, { 130, "SymbolNotFound" },
	{ 133, "FailedToSatisfyReadPreference" }, { 134, "ReadConcernMajorityNotAvailableYet" }, { 135, "StaleTerm" },
	{ 136, "CappedPositionLost" }, { 139, "JSInterpreterFailure" }, { 142, "JSUncatchableError" }, { 143, "CursorInUse" },
	{ 145, "PooledConnectionsDropped" }, { 146, "ExceededMemoryLimit" }, { 147, "ZLibError" }, { 148, "ReadConcernMajorityNotEnabled" },
	{ 149, "NoConfigPrimary" }, { 150, "StaleEpoch" }, { 151, "OperationCannotBeBatched" }, { 153, "ChunkTooBig" },
	{ 159, "DurationOverflow" }, { 160, "MaxStalenessOutOfRange" }, { 161, "IncompatibleCollationVersion" },
	{ 162, "CollectionIsEmpty" }, { 165, "ViewDepthLimitExceeded" }, { 166, "CommandNotSupportedOnView" },
	{ 167, "OptionNotSupportedOnView" }, { 168, "InvalidPipelineOperator" }, { 169, "CommandOnShardedViewNotSupportedOnMongod" },
	{ 170, "TooManyMatchingDocuments" }, { 171, "CannotIndexParallelArrays" }, { 175, "QueryPlanKilled" }, { 177, "ZoneNotFound" },
	{ 178, "RangeOverlapConflict" }, { 181, "AmbiguousIndexKeyPattern" }, { 182, "InvalidViewDefinition" },
	{ 186, "ClientMetadataCannotBeMutated" }, { 187, "LinearizableReadConcernError" }, { 189, "PrimarySteppedDown" },
	{ 194, "BalancerInterrupted" }, { 195, "ViewPipelineMaxSizeExceeded" }, { 197, "InvalidIndexSpecificationOption" },
	{ 199, "ReplicaSetMonitorRemoved" }, { 201, "CannotBuildIndexKeys" }, { 202, "NetworkInterfaceExceededTimeLimit" },
	{ 206, "NoSuchSession" }, { 207, "InvalidUUID" }, { 211, "KeyNotFound" }, { 213, "DuplicateSession" },
	{ 214, "AuthenticationRestrictionUnmet" }, { 215, "DatabaseDropPending" }, { 216, "ElectionInProgress" },
	{ 217, "IncompleteTransactionHistory" }, { 218, "UpdateOperationFailed" }, { 221, "IndexModified" }, { 222, "CloseChangeStream" },
	{ 223, "IllegalOpMsgFlag" }, { 224, "QueryFeatureNotAllowed" }, { 225, "TransactionTooOld" }, { 226, "AtomicityFailure" },
	{ 227, "CannotImplicitlyCreateCollection" }, { 232, "MaxSubPipelineDepthExceeded" }, { 233, "TooManyDocumentSequences" },
	{ 234, "RetryChangeStream" }, { 235, "InternalErrorNotSupported" }, { 237, "CursorKilled" }, { 238, "NotImplemented" },
	{ 239, "SnapshotTooOld" }, { 241, "ConversionFailure" }, { 242, "CannotCreateCollection" }, { 244, "TransactionAborted" },
	{ 246, "SnapshotUnavailable" }, { 249, "StaleDbVersion" }, { 250, "StaleChunkHistory" }, { 251, "NoSuchTransaction" },
	{ 256, "TransactionCommitted" }, { 257, "TransactionTooLarge" }, { 258, "UnknownFeatureCompatibilityVersion" },
	{ 260, "InvalidResumeToken" }, { 261, "TooManyLogicalSessions" }, { 262, "ExceededTimeLimit" },
	{ 263, "OperationNotSupportedInTransaction" }, { 264, "TooManyFilesOpen" }, { 267, "PreparedTransactionInProgress" },
	{ 268, "CannotBackup" }, { 272, "MigrationConflict" }, { 276, "IndexBuildAborted" }, { 278, "UnsatisfiableCommitQuorum" },
	{ 279, "ClientDisconnect" }, { 280, "ChangeStreamFatalError" }, { 283, "WouldChangeOwningShard" },
	{ 285, "IndexBuildAlreadyInProgress" }, { 286, "ChangeStreamHistoryLost" }, { 288, "ChecksumMismatch" },
	{ 290, "TransactionExceededLifetimeLimitSeconds" }, { 291, "NoQueryExecutionPlans" },
	{ 292, "QueryExceededMemoryLimitNoDiskUseAllowed" }, { 301, "DataCorruptionDetected" }, { 303, "SplitHorizonChange" },
	{ 314, "ObjectIsBusy" }, { 319, "MovePrimaryInProgress" }, { 322, "APIVersionError" }, { 323, "APIStrictError" },
	{ 324, "APIDeprecationError" }, { 332, "CannotDowngrade" }, { 334, "MechanismUnavailable" }, { 338, "ReshardCollectionInProgress" },
	{ 339, "NoSuchReshardCollection" }, { 346, "ChangeStreamInvalidated" }, { 347, "APIMismatchError" },
	{ 348, "ChangeStreamTopologyChange" }, { 352, "UnsupportedOpQueryCommand" }, { 354, "LoadBalancerSupportMismatch" },
	{ 355, "InterruptedDueToStorageChange" }, { 356, "TxnRetryCounterTooOld" }, { 358, "InternalTransactionNotSupported" },
	{ 359, "CannotConvertIndexToUnique" }, { 361, "CollectionUUIDMismatch" }, { 365, "TemporarilyUnavailable" },
	{ 371, "UserWritesBlocked" }, { 378, "NonConformantBSON" }, { 388, "TransactionTooLargeForCache" },
	{ 391, "ReauthenticationRequired" }, { 402, "ResourceExhausted" }, { 411, "QueryRejectedBySettings" },
	{ 433, "AdmissionQueueOverflow" }, { 449, "RateLimitExceeded" }, { 9001, "SocketException" },
	{ 10107, "NotWritablePrimary" }, { 10334, "BSONObjectTooLarge" }, { 11000, "DuplicateKey" }, { 11600, "InterruptedAtShutdown" },
	{ 11601, "Interrupted" }, { 11602, "InterruptedDueToReplStateChange" }, { 13388, "StaleConfig" },
	{ 13435, "NotPrimaryNoSecondaryOk" }, { 13436, "NotPrimaryOrSecondary" }, { 14031, "OutOfDiskSpace" }, { 17280, "KeyTooLong" },
};

const char *mongo_code_name(i32 code)
{
	size_t low = 0, high = ARRAY_LEN(codes);
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (codes[middle].code == code)
			return codes[middle].name;
		if (codes[middle].code < code)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
