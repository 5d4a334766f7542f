#include "proto/mysql/wire.h"

static const struct mysql_command commands[] = {
	[COM_QUIT] = { "QUIT", 1, 1 }, [COM_INIT_DB] = { "INIT_DB", 1, 0 }, [COM_QUERY] = { "QUERY", 1, 0 }, [COM_FIELD_LIST] = { "FIELD_LIST", 2, 0 },
	[COM_CREATE_DB] = { "CREATE_DB", 2, 0 }, [COM_DROP_DB] = { "DROP_DB", 2, 0 }, [COM_REFRESH] = { "REFRESH", 1, 2 }, [COM_SHUTDOWN] = { "SHUTDOWN", 1, 2 },
	[COM_STATISTICS] = { "STATISTICS", 1, 1 }, [COM_PROCESS_INFO] = { "PROCESS", 1, 1 }, [COM_CONNECT] = { "CONNECT", 1, 0 }, [COM_PROCESS_KILL] = { "KILL", 5, 5 },
	[COM_DEBUG] = { "DEBUG", 1, 1 }, [COM_PING] = { "PING", 1, 1 }, [COM_TIME] = { "TIME", 1, 0 }, [COM_DELAYED_INSERT] = { "DELAYED", 1, 0 },
	[COM_CHANGE_USER] = { "CHANGE_USER", 4, 0 }, [COM_BINLOG_DUMP] = { "BINLOG_DUMP", 11, 0 }, [COM_TABLE_DUMP] = { "TABLE_DUMP", 1, 0 },
	[COM_CONNECT_OUT] = { "CONNECT_OUT", 1, 0 }, [COM_REGISTER_SLAVE] = { "REGISTER", 18, 0 }, [COM_STMT_PREPARE] = { "PREPARE", 1, 0 },
	[COM_STMT_EXECUTE] = { "EXECUTE", 10, 0 }, [COM_STMT_SEND_LONG_DATA] = { "SEND_LONG_DATA", 7, 0 }, [COM_STMT_CLOSE] = { "CLOSE_STMT", 5, 5 },
	[COM_STMT_RESET] = { "RESET_STMT", 5, 5 }, [COM_SET_OPTION] = { "SET_OPTION", 3, 3 }, [COM_STMT_FETCH] = { "FETCH_STMT", 9, 9 }, [COM_DAEMON] = { "DAEMON", 1, 0 },
	[COM_BINLOG_DUMP_GTID] = { "BINLOG_DUMP_GTID", 11, 0 }, [COM_RESET_CONNECTION] = { "RESET_CONNECTION", 1, 1 }, [COM_CLONE] = { "CLONE", 1, 0 },
	[COM_SUBSCRIBE_GROUP_REPLICATION_STREAM] = { "SUBSCRIBE_GROUP_REPLICATION_STREAM", 1, 0 },
};

const struct mysql_command *mysql_command(u8 com)
{
	static const struct mysql_command none = { "", 0, 0 }, bulk = { "STMT_BULK_EXECUTE", 7, 0 };
	if (com == COM_STMT_BULK_EXECUTE)
		return &bulk;
	return com < ARRAY_LEN(commands) && commands[com].name ? &commands[com] : &none;
}

const char *mysql_type_name(u8 type)
{
	static const char *const low[] = { "DECIMAL", "TINY", "SHORT", "LONG", "FLOAT", "DOUBLE", "NULL", "TIMESTAMP", "LONGLONG", "INT24", "DATE", "TIME", "DATETIME",
					   "YEAR", "NEWDATE", "VARCHAR", "BIT", "TIMESTAMP", "DATETIME", "TIME" };
	static const char *const high[] = { "VECTOR", NULL, NULL, "JSON", "NEWDECIMAL", "ENUM", "SET", "TINY_BLOB", "MEDIUM_BLOB", "LONG_BLOB", "BLOB", "VAR_STRING", "STRING", "GEOMETRY" };
	const char *name = type < ARRAY_LEN(low) ? low[type] : type >= 0xf2 ? high[type - 0xf2] : NULL;
	return name ? name : "?";
}
