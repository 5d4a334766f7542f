#include "cmd/options.h"

#include <errno.h>
#include <stdio.h>

#include "util/suggest.h"
#include "util/timefmt.h"

struct parse_state {
	const struct command *cmd;
	char **argv;
	int argc, at; /* argv[at] is the next word */
	void *values;
	struct buf *error;
};

const struct option *options_find(const struct command *cmd, struct str name)
{
	for (size_t i = 0; i < cmd->options_len; i++) {
		const struct option *o = &cmd->options[i];
		if (str_eq(str_from(o->name), name) || (o->alias && str_eq(str_from(o->alias), name)))
			return o;
	}
	return NULL;
}

static const struct option *find_letter(const struct command *cmd, char letter)
{
	for (size_t i = 0; i < cmd->options_len; i++)
		if (cmd->options[i].letter == letter)
			return &cmd->options[i];
	return NULL;
}

static int bad_value(struct parse_state *ps, const struct option *o, const char *value, const char *expected)
{
	buf_addf(ps->error, "invalid value '%s' for --%s: expected %s", value, o->name, expected);
	return -EINVAL;
}

static int store_choice(struct parse_state *ps, const struct option *o, u32 *to, const char *value)
{
	struct buf words = { 0 };
	for (u32 i = 0; o->choices[i]; i++) {
		if (strcmp(o->choices[i], value) == 0 || !*value) { /* empty: the first one */
			*to = i;
			return 0;
		}
	}
	for (u32 i = 0; o->choices[i]; i++)
		buf_addf(&words, "%s%s", i == 0 ? "" : o->choices[i + 1] ? ", " : " or ", o->choices[i]);
	bad_value(ps, o, value, buf_cstr(&words));
	buf_done(&words);
	return -EINVAL;
}

static int store_number(struct parse_state *ps, const struct option *o, u64 *to, const char *value)
{
	bool size = o->type == OPTION_SIZE;
	u64 max = o->max ? o->max : UINT64_MAX;
	bool good = size ? size_parse(str_from(value), to) : number_parse(str_from(value), to);
	if (good && *to >= o->min && *to <= max)
		return 0;
	char expected[128];
	if (!o->max && !o->min)
		return bad_value(ps, o, value, size ? "bytes, such as 4096, 64k or 8M" : "a number");
	snprintf(expected, sizeof(expected), "%s %llu%s%.0llu", size ? "bytes from" : "a number from", (unsigned long long)o->min,
		 o->max ? " to " : " up", (unsigned long long)o->max);
	return bad_value(ps, o, value, expected);
}

static int store(struct parse_state *ps, const struct option *o, const char *value)
{
	void *to = (char *)ps->values + o->offset;
	switch (o->type) {
	case OPTION_FLAG:
		if (value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
			return bad_value(ps, o, value, "true or false");
		*(bool *)to = !value || strcmp(value, "true") == 0;
		return 0;
	case OPTION_TEXT:
		*(const char **)to = value;
		return 0;
	case OPTION_LIST: {
		struct option_list *list = to;
		if (list->n == OPTION_LIST_MAX) {
			buf_addf(ps->error, "--%s can be given %d times at the most", o->name, OPTION_LIST_MAX);
			return -EINVAL;
		}
		list->v[list->n++] = value;
		return 0;
	}
	case OPTION_DURATION:
		return duration_parse(str_from(value), to) ? 0 : bad_value(ps, o, value, "a time, such as 500ms, 15s or 1h30m");
	case OPTION_CHOICE:
		return store_choice(ps, o, to, value);
	default:
		return store_number(ps, o, to, value);
	}
}

/* An option takes its value from the same word (`inline_value`) or from the next one. */
static int take(struct parse_state *ps, const struct option *o, const char *inline_value)
{
	if (inline_value || o->type == OPTION_FLAG)
		return store(ps, o, inline_value);
	if (ps->at < ps->argc)
		return store(ps, o, ps->argv[ps->at++]);
	buf_addf(ps->error, "flag needs a value: --%s %s", o->name, o->value);
	return -EINVAL;
}

static int unknown_flag(struct parse_state *ps, struct str name)
{
	const char *names[128];
	char word[64];
	size_t n = 0;
	for (size_t i = 0; i < ps->cmd->options_len && n < ARRAY_LEN(names) - 1; i++)
		if (!ps->cmd->options[i].hidden)
			names[n++] = ps->cmd->options[i].name;
	names[n++] = "help";
	buf_addf(ps->error, "unknown flag: --%.*s", STR_ARG(name));
	snprintf(word, sizeof(word), "%.*s", STR_ARG(name));
	const char *close = suggest(word, names, n);
	if (close)
		buf_addf(ps->error, " (did you mean --%s?)", close);
	return -EINVAL;
}

static int parse_long(struct parse_state *ps, const char *word)
{
	const char *eq = strchr(word, '=');
	struct str name = str_make(word, eq ? (size_t)(eq - word) : strlen(word));
	if (str_eq(name, STR("help")))
		return OPTIONS_HELP;
	const struct option *o = options_find(ps->cmd, name);
	return o ? take(ps, o, eq ? eq + 1 : NULL) : unknown_flag(ps, name);
}

/* "-q", "-qn5", "-n 5", "-n5", "-n=5" (word is without the dash). */
static int parse_letters(struct parse_state *ps, const char *word)
{
	for (; *word; word++) {
		if (*word == 'h')
			return OPTIONS_HELP;
		const struct option *o = find_letter(ps->cmd, *word);
		if (!o) {
			buf_addf(ps->error, "unknown flag: -%c", *word);
			return -EINVAL;
		}
		if (o->type != OPTION_FLAG)
			return take(ps, o, word[1] == '=' ? word + 2 : word[1] ? word + 1 : NULL);
		int rc = store(ps, o, NULL);
		if (rc)
			return rc;
	}
	return OPTIONS_OK;
}

static int add_argument(struct parse_state *ps, struct arguments *args, char *word)
{
	if (args->n == MIN(ps->cmd->max_arguments, ARGUMENTS_MAX)) {
		buf_addf(ps->error, "unexpected argument '%s'", word);
		return -EINVAL;
	}
	args->v[args->n++] = word;
	return 0;
}

int options_parse(const struct command *cmd, int argc, char **argv, void *values, struct arguments *ret_args, struct buf *error)
{
	struct parse_state ps = { cmd, argv, argc, 0, values, error };
	bool only_arguments = false;
	ret_args->n = 0;
	while (ps.at < argc) {
		char *word = argv[ps.at++];
		int rc;
		if (only_arguments || word[0] != '-' || !word[1])
			rc = add_argument(&ps, ret_args, word);
		else if (strcmp(word, "--") == 0)
			rc = 0, only_arguments = true;
		else if (word[1] == '-')
			rc = parse_long(&ps, word + 2);
		else
			rc = parse_letters(&ps, word + 1);
		if (rc)
			return rc;
	}
	return OPTIONS_OK;
}
