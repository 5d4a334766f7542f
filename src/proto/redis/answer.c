/* What answers mean: the class of an error, and what changes for the connection. */
#include "proto/redis/read.h"

#define WORD_MAX 32

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The part of the text up to the next blank, which is taken off with it. */
static struct str word_cut(struct str *text)
{
	const char *blank = text->n ? memchr(text->p, ' ', text->n) : NULL;
	struct str word = { text->p, blank ? (u32)(blank - text->p) : text->n };
	u32 taken = word.n + (blank != NULL);
	*text = str_make(text->p + taken, text->n - taken);
	return word;
}

/* The word that names the class; ERR when the text begins otherwise. */
static struct str error_class(struct str text)
{
	struct str word = word_cut(&text);
	bool letters = false;
	for (u32 i = 0; i < word.n; i++) {
		letters |= is_letter(word.p[i]);
		if (!is_letter(word.p[i]) && !is_digit(word.p[i]) && word.p[i] != '_' && word.p[i] != '-')
			return STR("ERR");
	}
	return letters && word.n <= WORD_MAX ? word : STR("ERR");
}

/* Does a quotation begin at i? An apostrophe within a word does not begin one. */
static bool quote_begins(struct str text, u32 i)
{
	char c = text.p[i];
	if (c != '\'' && c != '`' && c != '"')
		return false;
	return i == 0 || (!is_letter(text.p[i - 1]) && !is_digit(text.p[i - 1]));
}

/* Where the quotation that begins at `from` ends. */
static u32 quote_end(struct str text, u32 from)
{
	for (u32 i = from + 1; i < text.n; i++) {
		bool word_goes_on = i + 1 < text.n && (is_letter(text.p[i + 1]) || is_digit(text.p[i + 1]));
		bool same = text.p[i] == text.p[from] || (text.p[from] == '`' && text.p[i] == '\'');
		if (same && !word_goes_on)
			return i;
	}
	return text.n;
}

/* Servers quote what they were sent, and passwords may be among that. */
static void text_mask(struct text *out, struct str text)
{
	static const char arguments[] = "with args beginning with:";
	const char *rest = memmem(text.p, text.n, arguments, sizeof(arguments) - 1);
	if (rest)
		text.n = (u32)(rest - text.p) + sizeof(arguments) - 1;
	for (u32 i = 0; i < text.n; i++) {
		text_add(out, text.p + i, 1);
		if (!quote_begins(text, i))
			continue;
		i = quote_end(text, i);
		text_add(out, REDIS_MASK, sizeof(REDIS_MASK) - 1);
		if (i < text.n)
			text_add(out, text.p + i, 1);
	}
	if (rest)
		text_add(out, " " REDIS_MASK, sizeof(REDIS_MASK));
}

void redis_error_take(struct parser *ps, struct redis_response *a, struct str text)
{
	struct arena *arena = &a->m.arena;
	struct str class = error_class(text), rest = text;
	char masked[REDIS_ERROR_KEPT];
	struct text out = { masked, 0, sizeof(masked), false };
	a->m.flags |= MSG_FAILED;
	a->word = a->m.error = arena_str(arena, class.p, class.n);
	if (!ps->opt->details)
		return;
	if (str_eq(class, STR("MOVED")) || str_eq(class, STR("ASK"))) {
		word_cut(&rest);
		word_cut(&rest);
		struct str target = word_cut(&rest);
		a->target = arena_str(arena, target.p, target.n);
	}
	if (ps->opt->show_secrets)
		text_add(&out, text.p, MIN(text.n, sizeof(masked)));
	else if (text.n)
		text_mask(&out, text);
	a->text = arena_str(arena, out.p, out.n);
}

void redis_subscriptions_count(struct redis_state *s)
{
	u32 n = s->confirm_count;
	switch (s->word_kind) {
	case KIND_SUBSCRIBE:
	case KIND_UNSUBSCRIBE:
		s->channels = n - MIN(n, s->patterns);
		break;
	case KIND_PSUBSCRIBE:
	case KIND_PUNSUBSCRIBE:
		s->patterns = n - MIN(n, s->channels);
		break;
	case KIND_SSUBSCRIBE:
	case KIND_SUNSUBSCRIBE:
		s->shards = n;
		break;
	default:
		break;
	}
}

static void transaction_end(struct redis_state *s, const struct redis_response *a, bool done)
{
	if (!s->transaction)
		return;
	s->transaction = false;
	if (done) {
		s->database = s->database_queued;
		return;
	}
	s->database_sent = s->database;
	if (a->reply)
		s->reply_mode = REPLY_ON;
}

static void reset(struct redis_state *s)
{
	s->channels = s->patterns = s->shards = 0;
	s->database = s->database_sent = 0;
	s->transaction = s->monitor = s->resp3 = false;
}

bool redis_answer_apply(struct redis_state *s, const struct redis_response *a)
{
	bool failed = a->m.flags & MSG_FAILED, ok = a->status == STATUS_OK;
	switch (a->kind) {
	case KIND_SELECT:
		if (a->status == STATUS_QUEUED)
			s->database_queued = a->number;
		else if (ok)
			s->database = a->number;
		else
			s->database_sent = s->transaction ? s->database_queued : s->database;
		break;
	case KIND_HELLO:
		if (!failed && a->number)
			s->resp3 = a->number >= 3;
		break;
	case KIND_MULTI:
		if (ok)
			s->database_queued = s->database;
		s->transaction |= ok;
		break;
	case KIND_EXEC:
		transaction_end(s, a, !failed && !a->nil);
		break;
	case KIND_DISCARD:
		if (ok)
			transaction_end(s, a, false);
		break;
	case KIND_RESET:
		if (!failed)
			reset(s);
		break;
	case KIND_MONITOR:
		s->monitor |= ok;
		break;
	case KIND_SYNC:
	case KIND_PSYNC:
		return !failed && a->status == STATUS_OTHER;
	default:
		break;
	}
	return false;
}
