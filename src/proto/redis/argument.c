/* What the arguments of a command say: its name, subcommand, key, options; and which of them are secret. */
#include "proto/redis/read.h"

#define WORD_MAX 64 /* bytes of an argument that may be an option or a number */

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

/* Is the argument this word, in any case? */
static bool is_word(const u8 *p, u64 size, const char *word)
{
	return size < WORD_MAX && str_eq_nocase(str_make(p, size), str_from(word));
}

static bool ends_in(const u8 *p, u64 size, const char *word)
{
	size_t n = strlen(word);
	return size < WORD_MAX && size >= n && is_word(p + size - n, n, word);
}

/* Names of settings whose value is secret: requirepass, masterauth, tls-key-file-pass, auth-pass… */
static bool names_secret(const u8 *p, u64 size)
{
	return ends_in(p, size, "pass") || ends_in(p, size, "auth") || ends_in(p, size, "password");
}

/* Must every argument be seen, as there may be options among them? */
static bool has_options(const struct redis_request *q)
{
	switch (q->kind) {
	case KIND_ACL:
	case KIND_CLIENT:
	case KIND_CONFIG:
	case KIND_HELLO:
	case KIND_MIGRATE:
	case KIND_REPLCONF:
	case KIND_SELECT:
	case KIND_SENTINEL:
		return true;
	case KIND_XREAD:
		return q->key_at == 0;
	default:
		return !q->known;
	}
}

size_t redis_argument_wants(const struct parser *ps, const struct redis_request *q, u64 size)
{
	u64 wants = 0;
	if (q->seen == 0)
		return MIN(size, WORD_MAX);
	u8 key = q->known ? q->known->key : 0;
	bool counted = key & KEY_COUNTED_FLAG && q->seen == (key & ~KEY_COUNTED_FLAG);
	if (counted || has_options(q) || (q->seen == 1 && q->known->flags & CMD_CONTAINER))
		wants = WORD_MAX;
	if (ps->opt->details && q->seen == q->key_at)
		wants = MAX(wants, MIN(ps->opt->statement_length, TEXT_MAX));
	if (!q->mask)
		wants = MAX(wants, text_room(&q->text));
	return MIN(size, wants);
}

static void take_name(struct redis_request *q, const u8 *p, size_t have)
{
	q->known = redis_command_find(str_make(p, have));
	if (q->known) {
		q->command = str_from(q->known->name);
		q->kind = q->known->kind;
		q->key_at = q->known->key < KEY_STREAMS ? q->known->key : 0;
		if (q->known->flags & CMD_BLOCKING)
			q->m.flags |= MSG_BLOCKING;
		return;
	}
	u32 n = (u32)MIN(have, COMMAND_SHOWN_MAX);
	char *name = arena_alloc(&q->m.arena, n + 1);
	if (!name)
		return;
	for (u32 i = 0; i < n; i++)
		name[i] = p[i] > ' ' && p[i] < 0x7f ? upper((char)p[i]) : '?';
	q->command = str_make(name, n);
	q->key_at = str_eq(q->command, STR("PMESSAGE")) ? 2 : 1;
}

/* "CONFIG" becomes "CONFIG GET". */
static void take_subcommand(struct redis_request *q, const u8 *p, u64 size)
{
	struct str sub = str_make(p, MIN(size, WORD_MAX));
	if (size > 32 || !redis_command_plausible(sub))
		return;
	char *name = arena_alloc(&q->m.arena, q->command.n + 1 + sub.n);
	if (!name)
		return;
	memcpy(name, q->command.p, q->command.n);
	name[q->command.n] = ' ';
	for (u32 i = 0; i < sub.n; i++)
		name[q->command.n + 1 + i] = upper(sub.p[i]);
	q->command = str_make(name, q->command.n + 1 + sub.n);
	bool usage = q->known->key == KEY_USAGE && is_word(p, size, "USAGE");
	bool object = q->known->key == KEY_OBJECT && is_word(p, size, "OBJECT");
	if (usage || object)
		q->key_at = 2;
	bool sets = q->kind == KIND_CONFIG || q->kind == KIND_SENTINEL;
	if (sets && (is_word(p, size, "SET") || is_word(p, size, "CONFIG")))
		q->sub = SUB_SET;
	else if (q->kind == KIND_ACL && is_word(p, size, "SETUSER"))
		q->sub = SUB_SETUSER;
	else if (q->kind == KIND_CLIENT && is_word(p, size, "REPLY"))
		q->sub = SUB_REPLY;
}

static u32 number_of(const u8 *p, u64 size)
{
	i64 v = 0;
	bool is = size < WORD_MAX && resp_number(str_make(p, size), &v);
	return is && v > 0 && v <= UINT32_MAX ? (u32)v : 0;
}

/* In a command whose real name is not known. */
static u32 renamed_announces(const u8 *p, u64 size)
{
	static const char *const words[] = { "AUTH", "requirepass", "masterauth", "primaryauth" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (is_word(p, size, words[i]))
			return 1;
	return is_word(p, size, "AUTH2") ? 2 : 0;
}

/* Words that announce secrets: so many of the following arguments are. */
static u32 announces(const struct redis_request *q, const u8 *p, u64 size)
{
	switch (q->kind) {
	case KIND_AUTH:
		return UINT32_MAX;
	case KIND_ACL:
		return q->sub == SUB_SETUSER ? UINT32_MAX : 0;
	case KIND_CONFIG:
	case KIND_SENTINEL:
		return q->sub == SUB_SET && q->seen >= 2 && names_secret(p, size) ? 1 : 0;
	case KIND_HELLO:
		return q->seen >= 1 && is_word(p, size, "AUTH") ? 2 : 0;
	case KIND_MIGRATE:
		return is_word(p, size, "AUTH") ? 1 : is_word(p, size, "AUTH2") ? 2 : 0;
	default:
		if (q->known || q->seen == 0)
			return 0;
		return renamed_announces(p, size);
	}
}

static void take_option(struct redis_request *q, const u8 *p, u64 size)
{
	u8 key = q->known ? q->known->key : 0;
	if (key & KEY_COUNTED_FLAG && q->seen == (key & ~KEY_COUNTED_FLAG))
		q->key_at = number_of(p, size) ? q->seen + 1 : 0;
	if (key == KEY_STREAMS && !q->key_at && q->seen >= 1 && is_word(p, size, "STREAMS"))
		q->key_at = q->seen + 1;
	if (q->kind == KIND_XREAD && !q->key_at && is_word(p, size, "BLOCK"))
		q->m.flags |= MSG_BLOCKING;
	if (q->kind == KIND_MIGRATE && q->seen == 3 && size == 0)
		q->key_at = 0;
	if (q->kind == KIND_MIGRATE && !q->key_at && q->seen > 5 && is_word(p, size, "KEYS"))
		q->key_at = q->seen + 1;
	if ((q->kind == KIND_SELECT || q->kind == KIND_HELLO) && q->seen == 1)
		q->number = number_of(p, size);
	if (q->kind == KIND_REPLCONF && q->seen == 1 && is_word(p, size, "ACK"))
		q->sub = SUB_ACK;
	if (q->sub == SUB_REPLY && q->seen == 2 && q->args == 3)
		q->reply = is_word(p, size, "ON") ? REPLY_ON + 1 : is_word(p, size, "OFF") ? REPLY_OFF + 1 :
			   is_word(p, size, "SKIP") ? REPLY_SKIP_NEXT + 1 : 0;
}

/* The name is written as it is shown: upper case. */
static void write_name(struct redis_request *q)
{
	if (!q->text.p)
		return;
	q->text.n = 0;
	q->text.full = false;
	text_add(&q->text, q->command.p, MIN(q->command.n, q->text.cap));
}

static void write_argument(struct parser *ps, struct redis_request *q, const u8 *p, size_t have, u64 size, bool secret)
{
	bool shown = !secret || ps->opt->show_secrets;
	bool is_key = ps->opt->details && q->seen && q->seen == q->key_at && !secret;
	if (is_key) {
		size_t n = text_cut(p, have, MIN(ps->opt->statement_length, TEXT_MAX));
		q->key = arena_str(&q->m.arena, p, n);
	}
	if (!q->text.p || q->text.full)
		return;
	if (shown)
		text_add_argument(&q->text, p, have, have == size);
	else
		text_add_argument(&q->text, (const u8 *)REDIS_MASK, sizeof(REDIS_MASK) - 1, true);
}

void redis_argument_take(struct parser *ps, struct redis_request *q, const u8 *p, size_t have, u64 size)
{
	bool secret = q->mask > 0, subcommand = false;
	q->m.size += size;
	if (q->seen == 0) {
		take_name(q, p, have);
	} else if (q->seen == 1 && q->known && q->known->flags & CMD_CONTAINER && have) {
		struct str before = q->command;
		take_subcommand(q, p, size);
		subcommand = q->command.n != before.n;
	}
	if (have == size)
		take_option(q, p, size);
	if (q->mask && q->mask != UINT32_MAX)
		q->mask--;
	u32 secrets = have == size || q->kind == KIND_AUTH || q->kind == KIND_ACL ? announces(q, p, size) : 0;
	if (secrets && !secret)
		q->mask = secrets;
	if (q->seen == 0 || subcommand)
		write_name(q);
	else
		write_argument(ps, q, p, have, size, secret);
	q->seen++;
}

void redis_line_take(struct redis_request *q, struct str line)
{
	q->command = STR("MONITOR");
	q->m.size += line.n;
	q->seen++;
	if (q->text.p)
		text_add(&q->text, line.p, text_cut((const u8 *)line.p, line.n, text_room(&q->text)));
}

void redis_statement_keep(struct redis_request *q)
{
	q->statement = q->text.n ? arena_str(&q->m.arena, q->text.p, q->text.n) : (struct str){ 0 };
	q->text = (struct text){ 0 };
}

void redis_database_set(struct redis_request *q, u32 index)
{
	char digits[16];
	size_t n = 0;
	if (index == q->database_index)
		return;
	q->database_index = index;
	for (u32 rest = index; rest; rest /= 10)
		digits[sizeof(digits) - ++n] = (char)('0' + rest % 10);
	q->database = arena_str(&q->m.arena, digits + sizeof(digits) - n, n);
}
