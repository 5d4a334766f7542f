#include "proto/redis/command.h"

#include "util/bytes.h"

static const struct redis_command commands[] = {
	{ "ACL", -2, KEY_NONE, KIND_ACL, CMD_CONTAINER },
	{ "APPEND", 3, 1, KIND_PLAIN, 0 },
	{ "ASKING", 1, KEY_NONE, KIND_PLAIN, 0 },
	{ "AUTH", -2, KEY_NONE, KIND_AUTH, 0 },
	{ "BGREWRITEAOF", 1, KEY_NONE, KIND_PLAIN, 0 },
	{ "BGSAVE", -1, KEY_NONE, KIND_PLAIN, 0 },
	{ "BITCOUNT", -2, 1, KIND_PLAIN, 0 },
	{ "BITFIELD", -2, 1, KIND_PLAIN, 0 },
	{ "BITFIELD_RO", -2, 1, KIND_PLAIN, 0 },
	{ "BITOP", -4, 2, KIND_PLAIN, 0 },
	{ "BITPOS", -3, 1, KIND_PLAIN, 0 },
	{ "BLMOVE", 6, 1, KIND_PLAIN, CMD_BLOCKING },
	{ "BLMPOP", -5, KEY_COUNTED(2), KIND_PLAIN, CMD_BLOCKING },
	{ "BLPOP", -3, 1, KIND_PLAIN, CMD_BLOCKING },
	{ "BRPOP", -3, 1, KIND_PLAIN, CMD_BLOCKING },
	{ "BRPOPLPUSH", 4, 1, KIND_PLAIN, CMD_BLOCKING },
	{ "BZMPOP", -5, KEY_COUNTED(2), KIND_PLAIN, CMD_BLOCKING },
	{ "BZPOPMAX", -3, 1, KIND_PLAIN, CMD_BLOCKING },
	{ "BZPOPMIN", -3, 1, KIND_PLAIN, CMD_BLOCKING },
	{ "CLIENT", -2, KEY_NONE, KIND_CLIENT, CMD_CONTAINER },
	{ "CLUSTER", -2, KEY_NONE, KIND_PLAIN, CMD_CONTAINER },
	{ "COMMAND", -1, KEY_NONE, KIND_PLAIN, CMD_CONTAINER },
	{ "COMMANDLOG", -2, KEY_NONE, KIND_PLAIN, CMD_CONTAINER },
	{ "CONFIG", -2, KEY_NONE, KIND_CONFIG, CMD_CONTAINER },
	{ "COPY", -3, 1, KIND_PLAIN, 0 },
	{ "DBSIZE", 1, KEY_NONE, KIND_PLAIN, 0 },
	{ "DEBUG", -2, KEY_OBJECT, KIND_PLAIN, CMD_CONTAINER },
	{ "DECR", 2, 1, KIND_PLAIN, 0 },
	{ "DECRBY", 3, 1, KIND_PLAIN, 0 },
	{ "DEL", -2, 1, KIND_PLAIN, 0 },
	{ "DELEX", -2, 1, KIND_PLAIN, 0 },
	{ "DELIFEQ", 3, 1, KIND_PLAIN, 0 },
	{ "DIGEST", 2, 1, KIND_PLAIN, 0 },
	{ "DISCARD", 1, KEY_NONE, KIND_DISCARD, 0 },
	{ "DUMP", 2, 1, KIND_PLAIN, 0 },
	{ "ECHO", 2, KEY_NONE, KIND_PLAIN, 0 },
	{ "EVAL", -3, KEY_COUNTED(2), KIND_PLAIN, 0 },
	{ "EVALSHA", -3, KEY_COUNTED(2), KIND_PLAIN, 0 },
	{ "EVALSHA_RO", -3, KEY_COUNTED(2), KIND_PLAIN, 0 },
	{ "EVAL_RO", -3, KEY_COUNTED(2), KIND_PLAIN, 0 },
	{ "EXEC", 1, KEY_NONE, KIND_EXEC, 0 },
	{ "EXISTS", -2, 1, KIND_PLAIN, 0 },
	{ "EXPIRE", -3, 1, KIND_PLAIN, 0 },
	{ "EXPIREAT", -3, 1, KIND_PLAIN, 0 },
	{ "EXPIRETIME", 2, 1, KIND_PLAIN, 0 },
	{ "FAILOVER", -1, KEY_NONE, KIND_PLAIN, 0 },
	{ "FCALL", -3, KEY_COUNTED(2), KIND_PLAIN, 0 },
	{ "FCALL_RO", -3, KEY_COUNTED(2), KIND_PLAIN, 0 },
	{ "FLUSHALL", -1, KEY_NONE, KIND_PLAIN, 0 },
	{ "FLUSHDB", -1, KEY_NONE, KIND_PLAIN, 0 },
	{ "FUNCTION", -2, KEY_NONE, KIND_PLAIN, CMD_CONTAINER },
	{ "GEOADD", -5, 1, KIND_PLAIN, 0 },
	{ "GEODIST", -4, 1, KIND_PLAIN, 0 },
	{ "GEOHASH", -2, 1, KIND_PLAIN, 0 },
	{ "GEOPOS", -2, 1, KIND_PLAIN, 0 },
	{ "GEORADIUS", -6, 1, KIND_PLAIN, 0 },
	{ "GEORADIUSBYMEMBER", -5, 1, KIND_PLAIN, 0 },
	{ "GEORADIUSBYMEMBER_RO", -5, 1, KIND_PLAIN, 0 },
	{ "GEORADIUS_RO", -6, 1, KIND_PLAIN, 0 },
	{ "GEOSEARCH", -7, 1, KIND_PLAIN, 0 },
	{ "GEOSEARCHSTORE", -8, 1, KIND_PLAIN, 0 },
	{ "GET", 2, 1, KIND_PLAIN, 0 },
	{ "GETBIT", 3, 1, KIND_PLAIN, 0 },
	{ "GETDEL", 2, 1, KIND_PLAIN, 0 },
	{ "GETEX", -2, 1, KIND_PLAIN, 0 },
	{ "GETRANGE", 4, 1, KIND_PLAIN, 0 },
	{ "GETSET", 3, 1, KIND_PLAIN, 0 },
	{ "HDEL", -3, 1, KIND_PLAIN, 0 },
	{ "HELLO", -1, KEY_NONE, KIND_HELLO, 0 },
	{ "HEXISTS", 3, 1, KIND_PLAIN, 0 },
	{ "HEXPIRE", -6, 1, KIND_PLAIN, 0 },
	{ "HEXPIREAT", -6, 1, KIND_PLAIN, 0 },
	{ "HEXPIRETIME", -5, 1, KIND_PLAIN, 0 },
	{ "HGET", 3, 1, KIND_PLAIN, 0 },
	{ "HGETALL", 2, 1, KIND_PLAIN, 0 },
	{ "HGETDEL", -5, 1, KIND_PLAIN, 0 },
	{ "HGETEX", -5, 1, KIND_PLAIN, 0 },
	{ "HINCRBY", 4, 1, KIND_PLAIN, 0 },
	{ "HINCRBYFLOAT", 4, 1, KIND_PLAIN, 0 },
	{ "HKEYS", 2, 1, KIND_PLAIN, 0 },
	{ "HLEN", 2, 1, KIND_PLAIN, 0 },
	{ "HMGET", -3, 1, KIND_PLAIN, 0 },
	{ "HMSET", -4, 1, KIND_PLAIN, 0 },
	{ "HPERSIST", -5, 1, KIND_PLAIN, 0 },
	{ "HPEXPIRE", -6, 1, KIND_PLAIN, 0 },
	{ "HPEXPIREAT", -6, 1, KIND_PLAIN, 0 },
	{ "HPEXPIRETIME", -5, 1, KIND_PLAIN, 0 },
	{ "HPTTL", -5, 1, KIND_PLAIN, 0 },
	{ "HRANDFIELD", -2, 1, KIND_PLAIN, 0 },
	{ "HSCAN", -3, 1, KIND_PLAIN, 0 },
	{ "HSET", -4, 1, KIND_PLAIN, 0 },
	{ "HSETEX", -6, 1, KIND_PLAIN, 0 },
	{ "HSETNX", 4, 1, KIND_PLAIN, 0 },
	{ "HSTRLEN", 3, 1, KIND_PLAIN, 0 },
	{ "HTTL", -5, 1, KIND_PLAIN, 0 },
	{ "HVALS", 2, 1, KIND_PLAIN, 0 },
	{ "INCR", 2, 1, KIND_PLAIN, 0 },
	{ "INCRBY", 3, 1, KIND_PLAIN, 0 },
	{ "INCRBYFLOAT", 3, 1, KIND_PLAIN, 0 },
	{ "INFO", -1, KEY_NONE, KIND_PLAIN, 0 },
	{ "KEYS", 2, KEY_NONE, KIND_PLAIN, 0 },
	{ "LASTSAVE", 1, KEY_NONE, KIND_PLAIN, 0 },
	{ "LATENCY", -2, KEY_NONE, KIND_PLAIN, CMD_CONTAINER },
	{ "LCS", -3, 1, KIND_PLAIN, 0 },
	{ "LINDEX", 3, 1, KIND_PLAIN, 0 },
	{ "LINSERT", 5, 1, KIND_PLAIN, 0 },
	{ "LLEN", 2, 1, KIND_PLAIN, 0 },
	{ "LMOVE", 5, 1, KIND_PLAIN, 0 },
	{ "LMPOP", -4, KEY_COUNTED(1), KIND_PLAIN, 0 },
	{ "LOLWUT", -1, KEY_NONE, KIND_PLAIN, 0 },
	{ "LPOP", -2, 1, KIND_PLAIN, 0 },
	{ "LPOS", -3, 1, KIND_PLAIN, 0 },
	{ "LPUSH", -3, 1, KIND_PLAIN, 0 },
	{ "LPUSHX", -3, 1, KIND_PLAIN, 0 },
	{ "LRANGE", 4, 1, KIND_PLAIN, 0 },
	{ "LREM", 4, 1, KIND_PLAIN, 0 },
	{ "LSET", 4, 1, KIND_PLAIN, 0 },
	{ "LTRIM", 4, 1, KIND_PLAIN, 0 },
	{ "MEMORY", -2, KEY_USAGE, KIND_PLAIN, CMD_CONTAINER },
	{ "MGET", -2, 1, KIND_PLAIN, 0 },
	{ "MIGRATE", -6, 3, KIND_MIGRATE, 0 },
	{ "MODULE", -2, KEY_NONE, KIND_PLAIN, CMD_CONTAINER },
	{ "MONITOR", 1, KEY_NONE, KIND_MONITOR, 0 },
	{ "MOVE", 3, 1, KIND_PLAIN, 0 },
	{ "MSET", -3, 1, KIND_PLAIN, 0 },
	{ "MSETEX", -4, KEY_COUNTED(1), KIND_PLAIN, 0 },
	{ "MSETNX", -3, 1, KIND_PLAIN, 0 },
	{ "MULTI", 1, KEY_NONE, KIND_MULTI, 0 },
	{ "OBJECT", -2, 2, KIND_PLAIN, CMD_CONTAINER },
	{ "PERSIST", 2, 1, KIND_PLAIN, 0 },
	{ "PEXPIRE", -3, 1, KIND_PLAIN, 0 },
	{ "PEXPIREAT", -3, 1, KIND_PLAIN, 0 },
	{ "PEXPIRETIME", 2, 1, KIND_PLAIN, 0 },
	{ "PFADD", -2, 1, KIND_PLAIN, 0 },
	{ "PFCOUNT", -2, 1, KIND_PLAIN, 0 },
	{ "PFDEBUG", 3, 2, KIND_PLAIN, 0 },
	{ "PFMERGE", -2, 1, KIND_PLAIN, 0 },
	{ "PFSELFTEST", 1, KEY_NONE, KIND_PLAIN, 0 },
	{ "PING", -1, KEY_NONE, KIND_PING, 0 },
	{ "PSETEX", 4, 1, KIND_PLAIN, 0 },
	{ "PSUBSCRIBE", -2, KEY_NONE, KIND_PSUBSCRIBE, 0 },
	{ "PSYNC", -3, KEY_NONE, KIND_PSYNC, 0 },
	{ "PTTL", 2, 1, KIND_PLAIN, 0 },
	{ "PUBLISH", 3, KEY_NONE, KIND_PLAIN, 0 },
	{ "PUBSUB", -2, KEY_NONE, KIND_PLAIN, CMD_CONTAINER },
	{ "PUNSUBSCRIBE", -1, KEY_NONE, KIND_PUNSUBSCRIBE, 0 },
	{ "QUIT", -1, KEY_NONE, KIND_QUIT, 0 },
	{ "RANDOMKEY", 1, KEY_NONE, KIND_PLAIN, 0 },
	{ "READONLY", 1, KEY_NONE, KIND_PLAIN, 0 },
	{ "READWRITE", 1, KEY_NONE, KIND_PLAIN, 0 },
	{ "RENAME", 3, 1, KIND_PLAIN, 0 },
	{ "RENAMENX", 3, 1, KIND_PLAIN, 0 },
	{ "REPLCONF", -1, KEY_NONE, KIND_REPLCONF, 0 },
	{ "REPLICAOF", 3, KEY_NONE, KIND_PLAIN, 0 },
	{ "RESET", 1, KEY_NONE, KIND_RESET, 0 },
	{ "RESTORE", -4, 1, KIND_PLAIN, 0 },
	{ "RESTORE-ASKING", -4, 1, KIND_PLAIN, 0 },
	{ "ROLE", 1, KEY_NONE, KIND_PLAIN, 0 },
	{ "RPOP", -2, 1, KIND_PLAIN, 0 },
	{ "RPOPLPUSH", 3, 1, KIND_PLAIN, 0 },
	{ "RPUSH", -3, 1, KIND_PLAIN, 0 },
	{ "RPUSHX", -3, 1, KIND_PLAIN, 0 },
	{ "SADD", -3, 1, KIND_PLAIN, 0 },
	{ "SAVE", 1, KEY_NONE, KIND_PLAIN, 0 },
	{ "SCAN", -2, KEY_NONE, KIND_PLAIN, 0 },
	{ "SCARD", 2, 1, KIND_PLAIN, 0 },
	{ "SCRIPT", -2, KEY_NONE, KIND_PLAIN, CMD_CONTAINER },
	{ "SDIFF", -2, 1, KIND_PLAIN, 0 },
	{ "SDIFFSTORE", -3, 1, KIND_PLAIN, 0 },
	{ "SELECT", 2, KEY_NONE, KIND_SELECT, 0 },
	{ "SENTINEL", -2, KEY_NONE, KIND_SENTINEL, CMD_CONTAINER },
	{ "SET", -3, 1, KIND_PLAIN, 0 },
	{ "SETBIT", 4, 1, KIND_PLAIN, 0 },
	{ "SETEX", 4, 1, KIND_PLAIN, 0 },
	{ "SETNX", 3, 1, KIND_PLAIN, 0 },
	{ "SETRANGE", 4, 1, KIND_PLAIN, 0 },
	{ "SHUTDOWN", -1, KEY_NONE, KIND_PLAIN, 0 },
	{ "SINTER", -2, 1, KIND_PLAIN, 0 },
	{ "SINTERCARD", -3, KEY_COUNTED(1), KIND_PLAIN, 0 },
	{ "SINTERSTORE", -3, 1, KIND_PLAIN, 0 },
	{ "SISMEMBER", 3, 1, KIND_PLAIN, 0 },
	{ "SLAVEOF", 3, KEY_NONE, KIND_PLAIN, 0 },
	{ "SLOWLOG", -2, KEY_NONE, KIND_PLAIN, CMD_CONTAINER },
	{ "SMEMBERS", 2, 1, KIND_PLAIN, 0 },
	{ "SMISMEMBER", -3, 1, KIND_PLAIN, 0 },
	{ "SMOVE", 4, 1, KIND_PLAIN, 0 },
	{ "SORT", -2, 1, KIND_PLAIN, 0 },
	{ "SORT_RO", -2, 1, KIND_PLAIN, 0 },
	{ "SPOP", -2, 1, KIND_PLAIN, 0 },
	{ "SPUBLISH", 3, KEY_NONE, KIND_PLAIN, 0 },
	{ "SRANDMEMBER", -2, 1, KIND_PLAIN, 0 },
	{ "SREM", -3, 1, KIND_PLAIN, 0 },
	{ "SSCAN", -3, 1, KIND_PLAIN, 0 },
	{ "SSUBSCRIBE", -2, KEY_NONE, KIND_SSUBSCRIBE, 0 },
	{ "STRLEN", 2, 1, KIND_PLAIN, 0 },
	{ "SUBSCRIBE", -2, KEY_NONE, KIND_SUBSCRIBE, 0 },
	{ "SUBSTR", 4, 1, KIND_PLAIN, 0 },
	{ "SUNION", -2, 1, KIND_PLAIN, 0 },
	{ "SUNIONSTORE", -3, 1, KIND_PLAIN, 0 },
	{ "SUNSUBSCRIBE", -1, KEY_NONE, KIND_SUNSUBSCRIBE, 0 },
	{ "SWAPDB", 3, KEY_NONE, KIND_PLAIN, 0 },
	{ "SYNC", 1, KEY_NONE, KIND_SYNC, 0 },
	{ "TIME", 1, KEY_NONE, KIND_PLAIN, 0 },
	{ "TOUCH", -2, 1, KIND_PLAIN, 0 },
	{ "TTL", 2, 1, KIND_PLAIN, 0 },
	{ "TYPE", 2, 1, KIND_PLAIN, 0 },
	{ "UNLINK", -2, 1, KIND_PLAIN, 0 },
	{ "UNSUBSCRIBE", -1, KEY_NONE, KIND_UNSUBSCRIBE, 0 },
	{ "UNWATCH", 1, KEY_NONE, KIND_PLAIN, 0 },
	{ "VADD", -5, 1, KIND_PLAIN, 0 },
	{ "VCARD", 2, 1, KIND_PLAIN, 0 },
	{ "VDIM", 2, 1, KIND_PLAIN, 0 },
	{ "VEMB", -3, 1, KIND_PLAIN, 0 },
	{ "VGETATTR", 3, 1, KIND_PLAIN, 0 },
	{ "VINFO", 2, 1, KIND_PLAIN, 0 },
	{ "VLINKS", -3, 1, KIND_PLAIN, 0 },
	{ "VRANDMEMBER", -2, 1, KIND_PLAIN, 0 },
	{ "VREM", 3, 1, KIND_PLAIN, 0 },
	{ "VSETATTR", 4, 1, KIND_PLAIN, 0 },
	{ "VSIM", -4, 1, KIND_PLAIN, 0 },
	{ "WAIT", 3, KEY_NONE, KIND_PLAIN, CMD_BLOCKING },
	{ "WAITAOF", 4, KEY_NONE, KIND_PLAIN, CMD_BLOCKING },
	{ "WATCH", -2, 1, KIND_WATCH, 0 },
	{ "XACK", -4, 1, KIND_PLAIN, 0 },
	{ "XACKDEL", -6, 1, KIND_PLAIN, 0 },
	{ "XADD", -5, 1, KIND_PLAIN, 0 },
	{ "XAUTOCLAIM", -6, 1, KIND_PLAIN, 0 },
	{ "XCLAIM", -6, 1, KIND_PLAIN, 0 },
	{ "XDEL", -3, 1, KIND_PLAIN, 0 },
	{ "XDELEX", -5, 1, KIND_PLAIN, 0 },
	{ "XGROUP", -2, 2, KIND_PLAIN, CMD_CONTAINER },
	{ "XINFO", -2, 2, KIND_PLAIN, CMD_CONTAINER },
	{ "XLEN", 2, 1, KIND_PLAIN, 0 },
	{ "XPENDING", -3, 1, KIND_PLAIN, 0 },
	{ "XRANGE", -4, 1, KIND_PLAIN, 0 },
	{ "XREAD", -4, KEY_STREAMS, KIND_XREAD, 0 },
	{ "XREADGROUP", -7, KEY_STREAMS, KIND_XREAD, 0 },
	{ "XREVRANGE", -4, 1, KIND_PLAIN, 0 },
	{ "XSETID", -3, 1, KIND_PLAIN, 0 },
	{ "XTRIM", -4, 1, KIND_PLAIN, 0 },
	{ "ZADD", -4, 1, KIND_PLAIN, 0 },
	{ "ZCARD", 2, 1, KIND_PLAIN, 0 },
	{ "ZCOUNT", 4, 1, KIND_PLAIN, 0 },
	{ "ZDIFF", -3, KEY_COUNTED(1), KIND_PLAIN, 0 },
	{ "ZDIFFSTORE", -4, 1, KIND_PLAIN, 0 },
	{ "ZINCRBY", 4, 1, KIND_PLAIN, 0 },
	{ "ZINTER", -3, KEY_COUNTED(1), KIND_PLAIN, 0 },
	{ "ZINTERCARD", -3, KEY_COUNTED(1), KIND_PLAIN, 0 },
	{ "ZINTERSTORE", -4, 1, KIND_PLAIN, 0 },
	{ "ZLEXCOUNT", 4, 1, KIND_PLAIN, 0 },
	{ "ZMPOP", -4, KEY_COUNTED(1), KIND_PLAIN, 0 },
	{ "ZMSCORE", -3, 1, KIND_PLAIN, 0 },
	{ "ZPOPMAX", -2, 1, KIND_PLAIN, 0 },
	{ "ZPOPMIN", -2, 1, KIND_PLAIN, 0 },
	{ "ZRANDMEMBER", -2, 1, KIND_PLAIN, 0 },
	{ "ZRANGE", -4, 1, KIND_PLAIN, 0 },
	{ "ZRANGEBYLEX", -4, 1, KIND_PLAIN, 0 },
	{ "ZRANGEBYSCORE", -4, 1, KIND_PLAIN, 0 },
	{ "ZRANGESTORE", -5, 1, KIND_PLAIN, 0 },
	{ "ZRANK", 3, 1, KIND_PLAIN, 0 },
	{ "ZREM", -3, 1, KIND_PLAIN, 0 },
	{ "ZREMRANGEBYLEX", 4, 1, KIND_PLAIN, 0 },
	{ "ZREMRANGEBYRANK", 4, 1, KIND_PLAIN, 0 },
	{ "ZREMRANGEBYSCORE", 4, 1, KIND_PLAIN, 0 },
	{ "ZREVRANGE", -4, 1, KIND_PLAIN, 0 },
	{ "ZREVRANGEBYLEX", -4, 1, KIND_PLAIN, 0 },
	{ "ZREVRANGEBYSCORE", -4, 1, KIND_PLAIN, 0 },
	{ "ZREVRANK", 3, 1, KIND_PLAIN, 0 },
	{ "ZSCAN", -3, 1, KIND_PLAIN, 0 },
	{ "ZSCORE", 3, 1, KIND_PLAIN, 0 },
	{ "ZUNION", -3, KEY_COUNTED(1), KIND_PLAIN, 0 },
	{ "ZUNIONSTORE", -4, 1, KIND_PLAIN, 0 },
};

const struct redis_command *redis_command_all(size_t *n)
{
	*n = ARRAY_LEN(commands);
	return commands;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

static int name_compare(const char *a, const char *b)
{
	for (int i = 0; i < COMMAND_NAME_MAX; i += 8) {
		u64 x = be64(a + i), y = be64(b + i);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

const struct redis_command *redis_command_find(struct str name)
{
	char key[COMMAND_NAME_MAX] = { 0 };
	if (name.n == 0 || name.n >= COMMAND_NAME_MAX)
		return NULL;
	for (u32 i = 0; i < name.n; i++)
		key[i] = upper(name.p[i]);
	size_t low = 0, high = ARRAY_LEN(commands);
	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = name_compare(key, commands[mid].name);
		if (order == 0)
			return &commands[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

bool redis_command_begins(struct str prefix)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (prefix.n < COMMAND_NAME_MAX && str_eq_nocase(str_make(commands[i].name, prefix.n), prefix))
			return true;
	return prefix.n == 0;
}

bool redis_command_plausible(struct str name)
{
	if (name.n == 0 || name.n > COMMAND_SHOWN_MAX)
		return false;
	for (u32 i = 0; i < name.n; i++) {
		char c = upper(name.p[i]);
		bool letter = (c >= 'A' && c <= 'Z') || c == '_';
		bool other = (c >= '0' && c <= '9') || c == '.' || c == '-';
		if (!letter && (!other || (i == 0 && (c < '0' || c > '9'))))
			return false;
	}
	return true;
}
