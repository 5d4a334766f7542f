#include "proto/redis/resp.h"

enum { NUMBER_DIGITS = 19 };

/* Indexed by type byte - RESP_FIRST. */
enum { RESP_FIRST = '!', RESP_LAST = '~' };
static const struct resp_type {
	const char *name;
	u8 form;
	u8 values; /* RESP_AGGREGATE: per item counted */
} types[RESP_LAST - RESP_FIRST + 1] = {
	['+' - RESP_FIRST] = { "SimpleStrings", RESP_TEXT, 0 },
	['-' - RESP_FIRST] = { "Errors", RESP_TEXT, 0 },
	[':' - RESP_FIRST] = { "Integers", RESP_TEXT, 0 },
	['$' - RESP_FIRST] = { "BulkStrings", RESP_BULK, 0 },
	['*' - RESP_FIRST] = { "Array", RESP_AGGREGATE, 1 },
	['_' - RESP_FIRST] = { "Null", RESP_TEXT, 0 },
	['#' - RESP_FIRST] = { "Boolean", RESP_TEXT, 0 },
	[',' - RESP_FIRST] = { "Double", RESP_TEXT, 0 },
	['(' - RESP_FIRST] = { "BigNumber", RESP_TEXT, 0 },
	['!' - RESP_FIRST] = { "BulkError", RESP_BULK, 0 },
	['=' - RESP_FIRST] = { "Verbatim", RESP_BULK, 0 },
	['%' - RESP_FIRST] = { "Map", RESP_AGGREGATE, 2 },
	['~' - RESP_FIRST] = { "Set", RESP_AGGREGATE, 1 },
	['>' - RESP_FIRST] = { "Push", RESP_AGGREGATE, 1 },
	['|' - RESP_FIRST] = { "Attribute", RESP_AGGREGATE, 2 },
	[';' - RESP_FIRST] = { "Chunk", RESP_CHUNK, 0 },
	['.' - RESP_FIRST] = { "End", RESP_END, 0 },
};

static const struct resp_type *type_find(u8 type)
{
	if (type < RESP_FIRST || type > RESP_LAST)
		return NULL;
	const struct resp_type *t = &types[type - RESP_FIRST];
	return t->name ? t : NULL;
}

const char *resp_type_name(u8 type)
{
	const struct resp_type *t = type_find(type);
	return t ? t->name : NULL;
}

static enum resp_result line_end_read(struct rd *r)
{
	if (!rd_left(r))
		return RESP_MORE;
	if (rd_u8(r) != '\n')
		return RESP_BAD;
	return RESP_OK;
}

enum resp_result resp_number_read(struct rd *r, i64 *v)
{
	u64 sum = 0;
	bool negative = false;
	for (int digits = 0; rd_left(r);) {
		u8 c = rd_u8(r);
		if (c >= '0' && c <= '9' && digits < NUMBER_DIGITS) {
			sum = sum * 10 + (c - '0');
			digits++;
		} else if (c == '\r' && digits) {
			*v = negative ? (i64)(0 - sum) : (i64)sum;
			return sum > (u64)INT64_MAX + negative ? RESP_BAD : line_end_read(r);
		} else if (c == '-' && !digits && !negative) {
			negative = true;
		} else {
			return RESP_BAD;
		}
	}
	return RESP_MORE;
}

bool resp_number(struct str text, i64 *v)
{
	u64 sum = 0;
	bool negative = text.n && text.p[0] == '-';
	u32 i = negative || (text.n && text.p[0] == '+');
	if (i == text.n || text.n - i > NUMBER_DIGITS)
		return false;
	for (; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		sum = sum * 10 + (u64)(text.p[i] - '0');
	}
	*v = negative ? (i64)(0 - sum) : (i64)sum;
	return sum <= (u64)INT64_MAX + negative;
}

static bool text_is_of(struct str text, const char *allowed)
{
	for (u32 i = 0; i < text.n; i++)
		if (!text.p[i] || !strchr(allowed, text.p[i]))
			return false;
	return text.n > 0;
}

/* Does a complete line hold what its type says? */
static bool text_fits(u8 type, struct str text)
{
	i64 v;
	switch (type) {
	case ':':
		return resp_number(text, &v);
	case '#':
		return text.n == 1 && (*text.p == 't' || *text.p == 'f');
	case '_':
		return text.n == 0;
	case ',':
		return text_is_of(text, "0123456789+-.eEinfINFaAtTyY");
	case '(':
		return text_is_of(text, "0123456789+-");
	default: /* the line end was looked for, so a lone CR is what is left to find */
		return memchr(text.p, '\r', text.n) == NULL;
	}
}

static enum resp_result text_read(struct rd *r, struct resp_head *h)
{
	size_t left = rd_left(r), look = MIN(left, (size_t)RESP_LINE_KEPT);
	const u8 *end = memchr(r->p, '\n', look);
	if (!end) {
		bool may_be_long = h->type == '+' || h->type == '-' || h->type == '(';
		if (look < RESP_LINE_KEPT)
			return RESP_MORE;
		h->text = rd_str(r, look);
		return may_be_long ? RESP_LONG : RESP_BAD;
	}
	size_t n = (size_t)(end - r->p);
	h->text = rd_str(r, n + 1);
	if (n == 0 || h->text.p[n - 1] != '\r')
		return RESP_BAD;
	h->text.n = (u32)n - 1;
	return text_fits(h->type, h->text) ? RESP_OK : RESP_BAD;
}

static bool has_unknown_length(u8 type)
{
	return type == '$' || type == '*' || type == '%' || type == '~' || type == '>';
}

static enum resp_result streamed_read(struct rd *r, struct resp_head *h)
{
	static const char rest[] = "?\r\n";
	if (!has_unknown_length(h->type))
		return RESP_BAD;
	for (int i = 0; i < 3; i++) {
		if (!rd_left(r))
			return RESP_MORE;
		if (rd_u8(r) != rest[i])
			return RESP_BAD;
	}
	h->streamed = true;
	return RESP_OK;
}

static enum resp_result length_read(struct rd *r, struct resp_head *h, const struct resp_type *t)
{
	if (rd_left(r) && *r->p == '?')
		return streamed_read(r, h);
	enum resp_result result = resp_number_read(r, &h->n);
	if (result != RESP_OK)
		return result;
	bool nil = h->n == -1 && (h->type == '$' || h->type == '*');
	if (h->n < 0 && !nil)
		return RESP_BAD;
	if (h->n > (t->form == RESP_AGGREGATE ? RESP_COUNT_MAX : RESP_LENGTH_MAX))
		return RESP_BAD;
	if (h->n > 0 && t->form == RESP_AGGREGATE)
		h->n *= t->values;
	return RESP_OK;
}

enum resp_result resp_head_read(struct rd *r, struct resp_head *h)
{
	if (!rd_left(r))
		return RESP_MORE;
	struct rd at = *r;
	*h = (struct resp_head){ .type = rd_u8(&at) };
	const struct resp_type *t = type_find(h->type);
	if (!t)
		return RESP_BAD;
	h->form = t->form;
	enum resp_result result;
	if (t->form == RESP_TEXT)
		result = text_read(&at, h);
	else if (t->form == RESP_END)
		result = !rd_left(&at) ? RESP_MORE : rd_u8(&at) != '\r' ? RESP_BAD : line_end_read(&at);
	else
		result = length_read(&at, h, t);
	if (result == RESP_OK || result == RESP_LONG) {
		h->size = (u32)(at.p - r->p);
		*r = at;
	}
	return result;
}
