/* What bytes prove without state: whether a connection speaks RESP, and where a message begins after bytes were lost. */
#include "proto/redis/read.h"

#define VALUE_LARGE 512  /* an announced value of this size that goes on behind the bytes at hand fits */
#define KEEP_MAX 8192    /* bytes kept while they may still prove to begin a message */
#define INLINE_PROBED 512
#define WAITING_MAX 64   /* requests looked at for the place of their answer */

/* Where a walk through bytes ends. */
enum walk {
	WALK_BAD,   /* they are none */
	WALK_WHOLE, /* with the last byte */
	WALK_SHORT, /* within a line or a small value */
	WALK_VALUE, /* within a large value */
};

static enum walk walk_result(enum resp_result r)
{
	return r == RESP_BAD ? WALK_BAD : r == RESP_LONG ? WALK_VALUE : WALK_SHORT;
}

/* The body of a bulk value whose head has been read. */
static enum walk body_walk(struct rd *r, i64 n)
{
	if (n < 0)
		return WALK_WHOLE;
	if ((u64)n + 2 > rd_left(r))
		return n >= VALUE_LARGE ? WALK_VALUE : WALK_SHORT;
	rd_skip(r, (size_t)n);
	const u8 *end = rd_take(r, 2);
	return end && end[0] == '\r' && end[1] == '\n' ? WALK_WHOLE : WALK_BAD;
}

/* One command, an array of bulk strings. WALK_WHOLE when it is complete, with the cursor behind it. */
static enum walk command_walk(struct rd *r)
{
	i64 args;
	if (!rd_left(r))
		return WALK_SHORT;
	if (rd_u8(r) != '*')
		return WALK_BAD;
	enum resp_result result = resp_number_read(r, &args);
	if (result != RESP_OK || args < 1 || args > INT32_MAX)
		return result == RESP_MORE ? WALK_SHORT : WALK_BAD;
	for (i64 i = 0; i < args; i++) {
		struct resp_head head;
		result = resp_head_read(r, &head);
		if (result != RESP_OK)
			return walk_result(result);
		if (head.type != '$' || head.streamed || head.n < 0)
			return WALK_BAD;
		struct str word = str_make(r->p, MIN((u64)head.n, rd_left(r)));
		if (i == 0 && (head.n > COMMAND_SHOWN_MAX || (word.n && !redis_command_plausible(word))))
			return WALK_BAD;
		enum walk body = body_walk(r, head.n);
		if (body != WALK_WHOLE)
			return body;
	}
	return WALK_WHOLE;
}

/* One value of a server. */
static enum walk value_walk(struct rd *r)
{
	for (u64 left = 1; left > 0; left--) {
		struct resp_head head;
		enum resp_result result = resp_head_read(r, &head);
		if (result != RESP_OK)
			return walk_result(result);
		if (head.form == RESP_CHUNK || head.form == RESP_END)
			return WALK_BAD;
		if (head.streamed)
			return WALK_VALUE;
		if (head.form == RESP_AGGREGATE && head.n > 0)
			left += (u64)head.n;
		if (head.type == '|')
			left++;
		enum walk body = head.form == RESP_BULK ? body_walk(r, head.n) : WALK_WHOLE;
		if (body != WALK_WHOLE)
			return body;
	}
	return WALK_WHOLE;
}

static enum probe probe_inline(const u8 *p, size_t n);

/* Text is too easily taken for an inline command, so this is believed only of all that a client is first seen to send. */
static long resync_inline(const struct chunk *c)
{
	bool line = c->n < INLINE_PROBED && c->p[c->n - 1] == '\n' && memchr(c->p, '\n', c->n) == c->p + c->n - 1;
	return c->offset == 0 && line && probe_inline(c->p, c->n) == PROBE_MAYBE ? 0 : -1;
}

/* Commands begin where a segment does, and fill it to its last byte or to within a large value: bytes in the middle of a
 * value that look like commands seldom do. */
static long resync_commands(const struct chunk *c)
{
	struct rd r = rd_make(c->p, c->n);
	if (!c->boundary || !c->n)
		return -1;
	if (*c->p != '*')
		return resync_inline(c);
	enum walk walk = WALK_WHOLE;
	while (walk == WALK_WHOLE && rd_left(&r))
		walk = command_walk(&r);
	if (walk == WALK_SHORT)
		return c->n < KEEP_MAX ? -2 - (long)c->n : -1;
	return walk == WALK_BAD ? -1 : 0;
}

/* An answer may begin at this byte. */
static long resync_answer(const struct chunk *c, size_t at)
{
	struct rd r = rd_make(c->p + at, c->n - at);
	enum walk walk = value_walk(&r);
	if (walk == WALK_BAD)
		return -1;
	if (walk == WALK_SHORT && c->n - at < 64)
		return -2 - (long)(c->n - at);
	return (long)at;
}

/* Nobody asked: only what a subscriber or MONITOR gets, and that from its first byte to its last. */
static long resync_push(const struct chunk *c)
{
	struct rd r = rd_make(c->p, c->n);
	if (!c->boundary)
		return -1;
	enum walk walk = value_walk(&r);
	if (walk == WALK_SHORT || walk == WALK_VALUE)
		return c->n < KEEP_MAX ? -2 - (long)c->n : -1;
	return walk == WALK_WHOLE && redis_is_push(c->p, c->n) ? 0 : -1;
}

/* An answer begins at the offset up to which its client had received everything when it asked. Which request it answers is not
 * decided here. */
long redis_resync(struct parser *ps, const struct chunk *c)
{
	if (ps->dir == ps->request_dir)
		return resync_commands(c);
	struct message *front = parser_request(ps, 0);
	if (front && (front->acked == c->offset || front->acked == STREAM_ACK_UNKNOWN))
		return resync_answer(c, 0);
	int looks = 0;
	for (struct message *m = NULL; (m = parser_waiting(ps, m)) != NULL && looks < WAITING_MAX; looks++)
		if (m->acked >= c->offset && m->acked - c->offset < c->n)
			return resync_answer(c, (size_t)(m->acked - c->offset));
	return front || looks ? -1 : resync_push(c);
}

/* Words of other line protocols that are commands here, too. */
static bool is_foreign(struct str word, struct str first, u32 args)
{
	static const struct {
		const char *word;
		u8 args;
	} memcached[] = { { "get", 2 }, { "touch", 3 }, { "set", 5 }, { "set", 6 } };
	static const char *const mail[] = { "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "GSSAPI", "NTLM", "EXTERNAL", "XOAUTH2" };
	for (size_t i = 0; i < ARRAY_LEN(memcached); i++)
		if (str_eq(word, str_from(memcached[i].word)) && args == memcached[i].args)
			return true;
	if (str_eq_nocase(word, STR("QUIT")))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(mail); i++)
		if (str_eq_nocase(word, STR("AUTH")) && str_eq_nocase(first, str_from(mail[i])))
			return true;
	bool irc = str_eq_nocase(word, STR("PING")) && first.n && first.p[0] == ':';
	bool nats = str_eq_nocase(word, STR("INFO")) && first.n && first.p[0] == '{';
	return irc || nats;
}

/* The next word, with its quotes; blanks within them do not end it. */
static struct str word_cut(struct str *line)
{
	u32 n = 0;
	char quote = 0;
	while (line->n && line->p[0] == ' ')
		*line = str_make(line->p + 1, line->n - 1);
	for (; n < line->n && (quote || line->p[n] != ' '); n++) {
		char c = line->p[n];
		if (quote && c == '\\' && n + 1 < line->n)
			n++;
		else if (c == quote)
			quote = 0;
		else if (!quote && (c == '"' || c == '\''))
			quote = c;
	}
	struct str word = str_make(line->p, n);
	*line = str_make(line->p + n, line->n - n);
	return word;
}

/* A line of text: a command that is known, with as many arguments as it takes. */
static enum probe probe_inline(const u8 *p, size_t n)
{
	size_t look = MIN(n, (size_t)INLINE_PROBED);
	const u8 *end = memchr(p, '\n', look);
	for (size_t i = 0; i < (end ? (size_t)(end - p) : look); i++)
		if ((p[i] < ' ' && p[i] != '\r') || p[i] > '~')
			return PROBE_NO;
	struct str line = str_make(p, end ? (size_t)(end - p) : look);
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	bool one_word = memchr(line.p, ' ', line.n) == NULL;
	struct str word = word_cut(&line), first = { 0 };
	const struct redis_command *known = redis_command_find(word);
	if (!end)
		return look < INLINE_PROBED && (known || (one_word && redis_command_begins(word))) ? PROBE_MORE : PROBE_NO;
	u32 args = 1;
	for (struct str next; (next = word_cut(&line)).n; args++)
		first = args == 1 ? next : first;
	if (!known || is_foreign(word, first, args))
		return PROBE_NO;
	bool fits = known->arity < 0 ? args >= (u32)-known->arity : args == (u32)known->arity;
	return fits ? PROBE_MAYBE : PROBE_NO;
}

/* Behind "*n": what the first element says. */
static enum probe probe_word(struct rd *r, i64 values, struct str word, enum side *side)
{
	struct resp_head head;
	bool small = word.n && word.p[0] >= 'a' && word.p[0] <= 'z';
	const struct redis_command *known = redis_command_find(word);
	*side = SIDE_RESPONSE;
	if ((values == 14 && str_eq(word, STR("server"))) || redis_word_is_push(word, values))
		return PROBE_SURE;
	if (known && small && redis_kind_subscribes(known->kind) && values == 3) {
		enum resp_result result = resp_head_read(r, &head);
		enum walk walk = result == RESP_OK && head.form == RESP_BULK ? body_walk(r, head.n) : walk_result(result);
		if (walk == WALK_SHORT || (walk == WALK_WHOLE && !rd_left(r)))
			return PROBE_MORE;
		if (walk == WALK_WHOLE && *r->p == ':')
			return PROBE_SURE;
	}
	*side = SIDE_REQUEST;
	if (known)
		return PROBE_SURE;
	if (!redis_command_plausible(word))
		return PROBE_MAYBE;
	return memchr(word.p, '.', word.n) ? PROBE_SURE : PROBE_MAYBE;
}

static enum probe probe_array(const u8 *p, size_t n, enum side *side)
{
	struct rd r = rd_make(p, n);
	struct resp_head array, head;
	*side = SIDE_REQUEST;
	enum resp_result result = resp_head_read(&r, &array);
	if (result != RESP_OK)
		return result == RESP_MORE ? PROBE_MORE : PROBE_NO;
	if (array.n <= 0 || array.streamed) {
		*side = SIDE_RESPONSE;
		return PROBE_MAYBE;
	}
	result = resp_head_read(&r, &head);
	if (result == RESP_MORE)
		return PROBE_MORE;
	if (result != RESP_OK)
		return PROBE_NO;
	if (head.type != '$' || head.streamed || head.n <= 0 || head.n > COMMAND_SHOWN_MAX) {
		*side = SIDE_RESPONSE;
		return PROBE_MAYBE;
	}
	if (rd_left(&r) < (size_t)head.n + 2)
		return PROBE_MORE;
	struct str word = rd_str(&r, (size_t)head.n);
	const u8 *end = rd_take(&r, 2);
	if (end[0] != '\r' || end[1] != '\n')
		return PROBE_NO;
	return probe_word(&r, array.n, word, side);
}

/* "+OK" is said by POP3 servers, too, with words behind it. */
static bool text_is_usual(const struct resp_head *head)
{
	static const char *const status[] = { "OK", "PONG", "QUEUED", "RESET" };
	static const char *const errors[] = { "ERR ", "NOAUTH ", "WRONGTYPE ", "WRONGPASS ", "MOVED ", "ASK ", "LOADING ", "NOPERM ",
					      "DENIED ", "MASTERDOWN ", "READONLY ", "NOSCRIPT ", "CLUSTERDOWN ", "BUSY " };
	for (size_t i = 0; head->type == '+' && i < ARRAY_LEN(status); i++)
		if (str_eq(head->text, str_from(status[i])))
			return true;
	for (size_t i = 0; head->type == '-' && i < ARRAY_LEN(errors); i++)
		if (head->text.n > strlen(errors[i]) && memcmp(head->text.p, errors[i], strlen(errors[i])) == 0)
			return true;
	return false;
}

/* A value that only servers send. */
static enum probe probe_value(const u8 *p, size_t n, enum side *side)
{
	struct rd r = rd_make(p, n), word = r;
	struct resp_head head;
	*side = SIDE_RESPONSE;
	enum resp_result result = resp_head_read(&r, &head);
	if (result == RESP_MORE)
		return PROBE_MORE;
	if (result != RESP_OK || head.form == RESP_CHUNK || head.form == RESP_END)
		return PROBE_NO;
	if (head.type == '+' || head.type == '-')
		return text_is_usual(&head) ? PROBE_MAYBE : PROBE_NO;
	enum walk walk = value_walk(&word);
	if (walk == WALK_BAD)
		return PROBE_NO;
	static const char server[] = "$6\r\nserver\r\n"; /* the answer to HELLO 3 */
	bool hello = head.type == '%' && rd_left(&r) >= sizeof(server) - 1 && memcmp(r.p, server, sizeof(server) - 1) == 0;
	return hello ? PROBE_SURE : PROBE_MAYBE;
}

enum probe redis_probe(const u8 *p, size_t n, enum side *side)
{
	*side = SIDE_REQUEST;
	if (n == 0)
		return PROBE_MORE;
	if (p[0] == '*')
		return probe_array(p, n, side);
	if (resp_type_name(p[0]))
		return probe_value(p, n, side);
	return probe_inline(p, n);
}
