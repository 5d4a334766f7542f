#include "export/statement.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (u8)c >= 0x80;
}

/* One past the quoted text that begins at i; a doubled quote or one after a backslash does not end it. */
static u32 quoted_end(struct str s, u32 i, bool backslash)
{
	char quote = s.p[i++];
	for (; i < s.n; i++) {
		if (backslash && s.p[i] == '\\')
			i++;
		else if (s.p[i] == quote && i + 1 < s.n && s.p[i + 1] == quote)
			i++;
		else if (s.p[i] == quote)
			return i + 1;
	}
	return s.n;
}

/* One past the number at i, with its fraction, exponent, or hexadecimal digits. */
static u32 number_end(struct str s, u32 i)
{
	while (i < s.n && (is_word(s.p[i]) || s.p[i] == '.' || ((s.p[i] == '+' || s.p[i] == '-') && (s.p[i - 1] | 32) == 'e')))
		i++;
	return i;
}

/* $tag$ … $tag$ of PostgreSQL: one past its end, or 0 when it is none. */
static u32 dollar_end(struct str s, u32 i)
{
	u32 tag = i + 1;
	while (tag < s.n && is_word(s.p[tag]) && s.p[tag] != '$')
		tag++;
	if (tag >= s.n || s.p[tag] != '$' || (tag > i + 1 && is_digit(s.p[i + 1])))
		return 0;
	u32 n = tag + 1 - i;
	for (u32 k = tag + 1; k + n <= s.n; k++)
		if (memcmp(s.p + k, s.p + i, n) == 0)
			return k + n;
	return s.n;
}

/* One past the comment at i; i when there is none. An apostrophe in one would turn texts and what is between them around. */
static u32 comment_end(struct str s, u32 i, bool postgresql)
{
	const char *p = s.p + i;
	u32 left = s.n - i;
	if ((left >= 2 && p[0] == '-' && p[1] == '-') || (p[0] == '#' && !postgresql)) {
		const char *line = memchr(p, '\n', left);
		return line ? (u32)(line - s.p) : s.n;
	}
	if (left < 2 || p[0] != '/' || p[1] != '*')
		return i;
	const char *end = memmem(p + 2, left - 2, "*/", 2);
	return end ? (u32)(end - s.p) + 2 : s.n;
}

/* What stands at i: a literal (true), or something else; *end is one past it. Double quotes are names in PostgreSQL, texts
 * elsewhere; a backslash is one, but for PostgreSQL's E'…'. */
static bool sql_token(struct str s, u32 i, bool postgresql, u32 *end)
{
	char c = s.p[i];
	*end = i + 1;
	if (c == '\'' || (c == '"' && !postgresql)) {
		bool escapes = i && (s.p[i - 1] | 32) == 'e' && (i < 2 || !is_word(s.p[i - 2])); /* not date'…' */
		*end = quoted_end(s, i, !postgresql || escapes);
		return true;
	}
	if (c == '"' || c == '`') {
		*end = quoted_end(s, i, false);
		return false;
	}
	u32 dollar = c == '$' ? dollar_end(s, i) : 0;
	if (dollar) {
		*end = dollar;
		return true;
	}
	if (is_digit(c) || (c == '.' && *end < s.n && is_digit(s.p[*end]))) {
		*end = number_end(s, *end);
		return true;
	}
	while (is_word(c) && *end < s.n && is_word(s.p[*end]))
		++*end;
	return false;
}

static void replace_literals(struct buf *out, struct str s, bool postgresql)
{
	for (u32 i = 0, end; i < s.n; i = end) {
		end = comment_end(s, i, postgresql);
		if (end > i)
			continue;
		if (sql_token(s, i, postgresql, &end))
			buf_addc(out, '?');
		else
			buf_add(out, s.p + i, end - i);
	}
}

/* The keys of an object stay, so that one sees what was asked; what follows a colon, or stands in a list, goes. */
static void replace_json(struct buf *out, struct str s)
{
	for (u32 i = 0; i < s.n;) {
		u32 end = i + 1;
		bool literal = false;
		if (s.p[i] == '"') {
			end = quoted_end(s, i, true);
			u32 next = end;
			while (next < s.n && (s.p[next] == ' ' || s.p[next] == '\n' || s.p[next] == '\t'))
				next++;
			literal = next >= s.n || s.p[next] != ':';
		} else if (is_digit(s.p[i]) || (s.p[i] == '-' && end < s.n && is_digit(s.p[end]))) {
			end = number_end(s, i + 1);
			literal = true;
		}
		if (literal)
			buf_addc(out, '?');
		else
			buf_add(out, s.p + i, end - i);
		i = end;
	}
}

/* "SET key value" -> "SET ? ?": the first word is the command. */
static void replace_arguments(struct buf *out, struct str s)
{
	u32 i = 0;
	while (i < s.n && s.p[i] != ' ')
		i++;
	buf_add(out, s.p, i);
	while (i < s.n) {
		while (i < s.n && s.p[i] == ' ')
			i++;
		if (i == s.n)
			break;
		buf_add(out, " ?", 2);
		if (s.p[i] == '"' || s.p[i] == '\'')
			i = quoted_end(s, i, true);
		while (i < s.n && s.p[i] != ' ')
			i++;
	}
}

static struct str made(struct buf *scratch, size_t start)
{
	if (scratch->failed) {
		scratch->failed = false;
		scratch->len = start;
		return STR("?");
	}
	return str_make(scratch->data + start, scratch->len - start);
}

struct str statement_safe(struct buf *scratch, const struct proto *p, struct str statement)
{
	size_t start = scratch->len;
	if (strcmp(p->name, "redis") == 0)
		replace_arguments(scratch, statement);
	else if (statement.n && (statement.p[0] == '{' || statement.p[0] == '['))
		replace_json(scratch, statement);
	else
		replace_literals(scratch, statement, strcmp(p->name, "postgresql") == 0);
	return made(scratch, start);
}

/* Marks that begin or end a quotation, some in other languages' messages; documents in braces are MongoDB's duplicate keys. */
static const struct str marks[] = { { "'", 1 }, { "\"", 1 }, { "`", 1 }, { "{", 1 }, { "}", 1 }, { "\xc2\xab", 2 }, { "\xc2\xbb", 2 },
				    { "\xe2\x80\x9c", 3 }, { "\xe2\x80\x9d", 3 }, { "\xe2\x80\x9e", 3 } };

/* Length of the mark at i; 0: there is none. "doesn't" has none. */
static u32 mark_at(struct str s, u32 i)
{
	if (s.p[i] == '\'' && i && is_word(s.p[i - 1]) && i + 1 < s.n && is_word(s.p[i + 1]))
		return 0;
	for (size_t k = 0; k < ARRAY_LEN(marks); k++)
		if (s.n - i >= marks[k].n && memcmp(s.p + i, marks[k].p, marks[k].n) == 0)
			return marks[k].n;
	return 0;
}

struct str message_safe(struct buf *scratch, struct str message)
{
	size_t start = scratch->len;
	u32 first = message.n, end = message.n, found = 0;
	for (u32 i = 0, n; i < message.n; i += n ? n : 1) {
		n = mark_at(message, i);
		if (n && !found++)
			first = i;
		if (n)
			end = i + n;
	}
	buf_add(scratch, message.p, first);
	if (found)
		buf_addc(scratch, '?');
	if (found > 1) /* one alone has no end: the message was cut */
		buf_add(scratch, message.p + end, message.n - end);
	return made(scratch, start);
}

struct str text_safe(struct buf *scratch, const struct proto *p, const struct field *f, struct str text)
{
	return f->flags & FIELD_QUOTES ? message_safe(scratch, text) : statement_safe(scratch, p, text);
}
