#include "roundtrip/value.h"

#include <xxhash.h>

#include "net/net.h"
#include "util/timefmt.h"

enum value_kind field_kind(const struct field *f)
{
	switch (f->type) {
	case FIELD_BOOL:
		return VALUE_BOOL;
	case FIELD_U8:
	case FIELD_U16:
	case FIELD_U32:
	case FIELD_U64:
	case FIELD_PORT:
		return VALUE_UNSIGNED;
	case FIELD_I32:
	case FIELD_I64:
		return VALUE_SIGNED;
	case FIELD_DOUBLE:
		return VALUE_REAL;
	case FIELD_TIME:
		return VALUE_TIME;
	case FIELD_DURATION:
		return VALUE_DURATION;
	case FIELD_HOST:
		return VALUE_ADDRESS;
	case FIELD_PAIRS:
		return VALUE_PAIRS;
	case FIELD_STRS:
		return VALUE_LIST;
	default:
		return VALUE_TEXT;
	}
}

const char *value_kind_name(enum value_kind kind)
{
	static const char *const names[] = {
		[VALUE_TEXT] = "text",         [VALUE_UNSIGNED] = "number", [VALUE_SIGNED] = "number",   [VALUE_REAL] = "number", [VALUE_BOOL] = "true/false",
		[VALUE_DURATION] = "duration", [VALUE_TIME] = "time",       [VALUE_ADDRESS] = "address", [VALUE_PAIRS] = "pairs", [VALUE_LIST] = "list",
	};
	return (unsigned)kind < ARRAY_LEN(names) ? names[kind] : "?";
}

static struct str custom_text(const struct field *f, const struct message *m, struct buf *scratch, bool *ret_there)
{
	size_t start = scratch->len;
	*ret_there = f->write(scratch, m) || scratch->failed;
	scratch->failed = false;
	return str_make(scratch->data + start, scratch->len - start);
}

/* The integer at `at`, widened. */
static u64 load_integer(u8 type, const char *at)
{
	u16 v16;
	u32 v32;
	u64 v64;
	switch (type) {
	case FIELD_U8:
	case FIELD_BOOL:
		return (u8)*at;
	case FIELD_U16:
		memcpy(&v16, at, sizeof(v16));
		return v16;
	case FIELD_U32:
		memcpy(&v32, at, sizeof(v32));
		return v32;
	case FIELD_I32:
		memcpy(&v32, at, sizeof(v32));
		return (u64)(i64)(i32)v32;
	default:
		memcpy(&v64, at, sizeof(v64));
		return v64;
	}
}

bool field_value(const struct roundtrip *rt, const struct field *f, struct buf *scratch, struct value *ret)
{
	const struct message *m = f->side == SIDE_REQUEST ? rt->request : rt->response;
	const char *text;
	bool there = true;
	if (!m || (f->shapes && !(f->shapes >> (m->shape & 31) & 1)))
		return false;
	const char *at = (const char *)m + f->offset;
	ret->kind = field_kind(f);
	switch (f->type) {
	case FIELD_STR:
		memcpy(&ret->text, at, sizeof(ret->text));
		break;
	case FIELD_TEXT:
		memcpy(&text, at, sizeof(text));
		ret->text = str_from(text);
		break;
	case FIELD_CONST:
		ret->text = str_from(f->constant);
		break;
	case FIELD_CUSTOM:
		ret->text = custom_text(f, m, scratch, &there);
		break;
	case FIELD_DOUBLE:
		memcpy(&ret->real, at, sizeof(ret->real));
		break;
	case FIELD_HOST:
		ret->ip = &rt->conn->addr[m->dir & 1];
		break;
	case FIELD_PORT:
		ret->u = rt->conn->port[m->dir & 1];
		break;
	case FIELD_PAIRS:
		memcpy(&ret->pairs, at, sizeof(ret->pairs));
		break;
	case FIELD_STRS:
		memcpy(&ret->list, at, sizeof(ret->list));
		break;
	case FIELD_OBJECT:
		return false;
	case FIELD_BOOL:
		ret->flag = *at;
		break;
	default:
		ret->u = load_integer(f->type, at);
	}
	return there;
}

static void print_pairs(struct buf *out, struct pairs pairs)
{
	for (u32 i = 0; i < pairs.n; i++) {
		if (i)
			buf_add(out, ", ", 2);
		buf_add_str(out, pairs.v[i].name);
		buf_add(out, ": ", 2);
		buf_add_str(out, pairs.v[i].value);
	}
}

static void print_list(struct buf *out, struct strs list)
{
	for (u32 i = 0; i < list.n; i++) {
		if (i)
			buf_add(out, ", ", 2);
		buf_add_str(out, list.v[i]);
	}
}

void value_print(struct buf *out, const struct value *v)
{
	char host[46];
	switch (v->kind) {
	case VALUE_TEXT:
		buf_add_str(out, v->text);
		break;
	case VALUE_UNSIGNED:
		buf_add_u64(out, v->u);
		break;
	case VALUE_SIGNED:
		buf_add_i64(out, v->i);
		break;
	case VALUE_REAL:
		buf_add_double(out, v->real);
		break;
	case VALUE_BOOL:
		buf_adds(out, v->flag ? "true" : "false");
		break;
	case VALUE_DURATION:
		duration_go(out, v->u);
		break;
	case VALUE_TIME:
		time_rfc3339(out, v->u);
		break;
	case VALUE_ADDRESS:
		buf_add(out, host, ip_format(v->ip, host));
		break;
	case VALUE_PAIRS:
		print_pairs(out, v->pairs);
		break;
	case VALUE_LIST:
		print_list(out, v->list);
		break;
	}
}

struct str value_hash(const struct value *v, const u64 key[2], struct buf *scratch)
{
	static const char hex[] = "0123456789abcdef";
	size_t start = scratch->len;
	buf_add(scratch, key, 2 * sizeof(*key));
	value_print(scratch, v);
	buf_add(scratch, key, 2 * sizeof(*key));
	bool failed = scratch->failed;
	scratch->failed = false;
	u64 hash = failed ? 0 : XXH3_64bits_withSeed(scratch->data + start, scratch->len - start, key[0] ^ key[1]);
	scratch->len = start;
	char *to = failed ? NULL : buf_room(scratch, 16);
	if (!to) {
		scratch->failed = false;
		return STR("***");
	}
	for (int i = 0; i < 16; i++)
		to[i] = hex[hash >> (60 - 4 * i) & 15];
	scratch->len += 16;
	return str_make(to, 16);
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

size_t field_name(const struct field *f, char out[FIELD_NAME_MAX])
{
	const char *from = f->name ? f->name : f->json ? f->json : "";
	size_t n = 0;
	for (size_t i = 0; from[i] && n + 2 < FIELD_NAME_MAX; i++) {
		char c = from[i], before = i ? from[i - 1] : '.';
		/* a word begins at a capital after a small letter, and at the last of several capitals before a small one */
		bool word = is_upper(c) && before != '.' && before != '_' && (!is_upper(before) || (from[i + 1] >= 'a' && from[i + 1] <= 'z'));
		if (!f->name && word)
			out[n++] = '_';
		out[n++] = !f->name && is_upper(c) ? (char)(c + 32) : c;
	}
	out[n] = '\0';
	return n;
}
