#include "proto/mongodb/bson.h"

/* Sizes of the values that always have the same: + 1, so that 0 is "no such type or another size". */
static const u8 fixed_sizes[] = {
	[BSON_DOUBLE] = 9, [BSON_UNDEFINED] = 1, [BSON_OBJECT_ID] = 13, [BSON_BOOL] = 2, [BSON_DATE] = 9, [BSON_NULL] = 1,
	[BSON_INT32] = 5, [BSON_TIMESTAMP] = 9, [BSON_INT64] = 9, [BSON_DECIMAL] = 17, [BSON_MAX_KEY] = 1,
};

bool bson_type_known(u8 type)
{
	return (type >= BSON_DOUBLE && type <= BSON_DECIMAL) || type == BSON_MAX_KEY || type == BSON_MIN_KEY;
}

/* Bytes besides what the length field counts, and the least it may say. */
static void length_rule(u8 type, u32 *ret_extra, u32 *ret_min)
{
	*ret_extra = 4;
	*ret_min = 1;
	switch (type) {
	case BSON_DOCUMENT:
	case BSON_ARRAY:
		*ret_extra = 0;
		*ret_min = BSON_DOCUMENT_MIN;
		break;
	case BSON_SCOPED_CODE: /* itself, an empty text, an empty document */
		*ret_extra = 0;
		*ret_min = 4 + 5 + BSON_DOCUMENT_MIN;
		break;
	case BSON_BINARY:
		*ret_extra = 5;
		*ret_min = 0;
		break;
	case BSON_DB_POINTER:
		*ret_extra = 16;
		break;
	default:
		break;
	}
}

static enum bson_result regex_size(const u8 *p, size_t n, size_t room, u32 *ret_size, size_t *ret_want)
{
	size_t at = 0;
	for (int text = 0; text < 2; text++) {
		size_t look = MIN(MIN(n, room) - at, BSON_NAME_LOOK);
		const u8 *end = look ? memchr(p + at, 0, look) : NULL;
		if (!end && look == BSON_NAME_LOOK)
			return BSON_LONG;
		if (!end) {
			*ret_want = n + 1;
			return n >= room ? BSON_BAD : BSON_MORE;
		}
		at = (size_t)(end - p) + 1;
	}
	*ret_size = (u32)at;
	return BSON_OK;
}

enum bson_result bson_value_size(u8 type, const u8 *p, size_t n, size_t room, u32 *ret_size, size_t *ret_want)
{
	u8 fixed = type < sizeof(fixed_sizes) ? fixed_sizes[type] : type == BSON_MIN_KEY;
	if (fixed) {
		*ret_size = fixed - 1u;
		return *ret_size <= room ? BSON_OK : BSON_BAD;
	}
	if (!bson_type_known(type))
		return BSON_BAD;
	if (type == BSON_REGEX)
		return regex_size(p, n, room, ret_size, ret_want);
	u32 extra, min;
	length_rule(type, &extra, &min);
	if (room < 4)
		return BSON_BAD;
	if (n < 4) {
		*ret_want = 4;
		return BSON_MORE;
	}
	u32 length = le32(p);
	if (length < min || length > room || room - length < extra)
		return BSON_BAD;
	*ret_size = length + extra;
	return BSON_OK;
}

bool bson_int(u8 type, const u8 *p, i64 *ret_v)
{
	double v;
	switch (type) {
	case BSON_BOOL:
		*ret_v = *p != 0;
		return true;
	case BSON_INT32:
		*ret_v = (i32)le32(p);
		return true;
	case BSON_INT64:
		*ret_v = (i64)le64(p);
		return true;
	case BSON_DOUBLE:
		bson_double(type, p, &v);
		*ret_v = v > -9e18 && v < 9e18 ? (i64)v : 0;
		return true;
	default:
		return false;
	}
}

bool bson_double(u8 type, const u8 *p, double *ret_v)
{
	i64 integer;
	if (type == BSON_DOUBLE) {
		u64 bits = le64(p);
		memcpy(ret_v, &bits, sizeof(bits));
		return true;
	}
	if (!bson_int(type, p, &integer))
		return false;
	*ret_v = (double)integer;
	return true;
}

struct str bson_text(const u8 *p, size_t have)
{
	if (have < 4)
		return (struct str){ 0 };
	size_t n = le32(p), at_hand = have - 4;
	return str_make(p + 4, n && n - 1 < at_hand ? n - 1 : at_hand);
}
