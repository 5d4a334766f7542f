/* What a Bind gives a statement's parameters: texts as they are, and binary forms of the types that most are of (see the send functions
 * of the server's data types). */
#include "proto/postgresql/read.h"

/* OIDs of types, of pg_type.dat. */
enum pg_oid {
	OID_BOOL = 16, OID_BYTEA = 17, OID_CHAR = 18, OID_NAME = 19, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_TEXT = 25, OID_OID = 26,
	OID_JSON = 114, OID_XML = 142, OID_FLOAT4 = 700, OID_FLOAT8 = 701, OID_UNKNOWN = 705, OID_BPCHAR = 1042, OID_VARCHAR = 1043, OID_DATE = 1082,
	OID_TIME = 1083, OID_TIMESTAMP = 1114, OID_TIMESTAMPTZ = 1184, OID_NUMERIC = 1700, OID_UUID = 2950, OID_JSONB = 3802,
};

#define EPOCH_DAY 730425 /* 2000-01-01, in days since 0000-03-01 */
#define US_PER_DAY (86400 * 1000000ll)

void pg_types_take(struct pg_text *text, struct rd r)
{
	u32 n = rd_u16be(&r);
	u16 known = 0;
	if (r.bad || text->types_n > n) /* a Parse may declare fewer than there are */
		return;
	while (known < MIN(n, text->types_max) && rd_left(&r) >= 4)
		text->types[known++] = rd_u32be(&r);
	text->types_n = known;
}

/* --- dates and times --- */

/* Gregorian, before its time, too; years begin in March, so that the day that comes and goes is the last. True: before Christ. */
static bool date_put(struct values *l, i64 days)
{
	i64 day = days + EPOCH_DAY, era = (day >= 0 ? day : day - 146096) / 146097;
	i64 of_era = day - era * 146097;
	i64 year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	i64 of_year = of_era - (365 * year + year / 4 - year / 100);
	i64 month = (5 * of_year + 2) / 153;
	i64 of_month = of_year - (153 * month + 2) / 5 + 1;
	month = month < 10 ? month + 3 : month - 9;
	year += era * 400 + (month <= 2);
	values_putf(l, "%04lld-%02lld-%02lld", (long long)(year > 0 ? year : 1 - year), (long long)month, (long long)of_month);
	return year <= 0;
}

/* Microseconds since midnight. */
static void clock_put(struct values *l, i64 us)
{
	u32 fraction = (u32)(us % 1000000);
	i64 seconds = us / 1000000;
	values_putf(l, "%02lld:%02lld:%02lld", (long long)(seconds / 3600), (long long)(seconds / 60 % 60), (long long)(seconds % 60));
	if (!fraction)
		return;
	int digits = 6;
	for (; fraction % 10 == 0; digits--)
		fraction /= 10;
	values_putf(l, ".%0*u", digits, fraction);
}

static void era_put(struct values *l, bool before_christ)
{
	values_put(l, " BC", before_christ ? 3 : 0);
}

static void timestamp_put(struct values *l, i64 us, bool zone)
{
	if (us == INT64_MAX || us == INT64_MIN) {
		values_putf(l, "%sinfinity", us < 0 ? "-" : "");
		return;
	}
	i64 days = us / US_PER_DAY - (us % US_PER_DAY < 0);
	bool before_christ = date_put(l, days);
	values_put(l, " ", 1);
	clock_put(l, us - days * US_PER_DAY);
	values_put(l, "+00", zone ? 3 : 0);
	era_put(l, before_christ);
}

/* --- numbers --- */

enum { NUMERIC_NEGATIVE = 0x4000, NUMERIC_NAN = 0xc000, NUMERIC_INFINITY = 0xd000, NUMERIC_NEGATIVE_INFINITY = 0xf000 };

/* Digits of four decimal places each; the first stands for 10000 to the power of `weight`. */
struct numeric {
	const u8 *digits;
	u32 n, scale;
	i32 weight;
};

/* The digit at this power of 10000. */
static u32 digit_at(const struct numeric *v, i32 power)
{
	i32 i = v->weight - power;
	return i >= 0 && (u32)i < v->n ? be16(v->digits + 2 * i) : 0;
}

static void numeric_digits_put(struct values *l, const struct numeric *v)
{
	bool any = false;
	for (i32 power = v->weight; power >= 0 && !l->cut; power--) {
		u32 digit = digit_at(v, power);
		if (any || digit)
			values_putf(l, any ? "%04u" : "%u", digit);
		any |= digit != 0;
	}
	if (!any)
		values_put(l, "0", 1);
	values_put(l, ".", v->scale ? 1 : 0);
	for (u32 done = 0; done < v->scale && !l->cut; done += 4) {
		char four[8];
		u32 digit = digit_at(v, -1 - (i32)(done / 4));
		for (int i = 3; i >= 0; i--, digit /= 10)
			four[i] = (char)('0' + digit % 10);
		values_put(l, four, MIN(v->scale - done, 4u));
	}
}

static bool numeric_put(struct values *l, struct rd r)
{
	struct numeric v = { .n = rd_u16be(&r) };
	v.weight = (i16)rd_u16be(&r);
	u32 sign = rd_u16be(&r);
	v.scale = rd_u16be(&r);
	v.digits = r.p;
	const char *special = sign == NUMERIC_NAN ? "NaN" : sign == NUMERIC_INFINITY ? "Infinity" : sign == NUMERIC_NEGATIVE_INFINITY ? "-Infinity" : NULL;
	if (r.bad || rd_left(&r) != 2 * (size_t)v.n || (sign && sign != NUMERIC_NEGATIVE && !special))
		return false;
	for (u32 i = 0; i < v.n; i++)
		if (be16(v.digits + 2 * (size_t)i) > 9999)
			return false;
	if (special) {
		values_put(l, special, strlen(special));
		return true;
	}
	values_put(l, "-", sign ? 1 : 0);
	numeric_digits_put(l, &v);
	return true;
}

static void uuid_put(struct values *l, const u8 *p)
{
	values_putf(l, "%08x-%04x-%04x-%04x-%04x%08x", be32(p), be16(p + 4), be16(p + 6), be16(p + 8), be16(p + 10), be32(p + 12));
}

static void float_put(struct values *l, const u8 *p, u32 n)
{
	u32 bits = be32(p);
	u64 wide = n == 8 ? be64(p) : 0;
	float single;
	double v;
	memcpy(&single, &bits, sizeof(single));
	memcpy(&v, &wide, sizeof(v));
	values_real(l, n == 4 ? (double)single : v, n == 4);
}

/* --- one value --- */

/* Bytes of a type's binary form; 0: any number, or no such type. */
static u32 size_of(u32 oid)
{
	switch (oid) {
	case OID_BOOL:
		return 1;
	case OID_INT2:
		return 2;
	case OID_INT4:
	case OID_OID:
	case OID_FLOAT4:
	case OID_DATE:
		return 4;
	case OID_INT8:
	case OID_FLOAT8:
	case OID_TIME:
	case OID_TIMESTAMP:
	case OID_TIMESTAMPTZ:
		return 8;
	case OID_UUID:
		return 16;
	default:
		return 0;
	}
}

/* Forms of a fixed size, all of which is there. */
static bool fixed_put(struct values *l, u32 oid, const u8 *p)
{
	switch (oid) {
	case OID_BOOL:
		values_putf(l, "%s", *p ? "true" : "false");
		return true;
	case OID_INT2:
		values_putf(l, "%d", (i16)be16(p));
		return true;
	case OID_INT4:
		values_putf(l, "%d", (i32)be32(p));
		return true;
	case OID_OID:
		values_putf(l, "%u", be32(p));
		return true;
	case OID_INT8:
		values_putf(l, "%lld", (long long)be64(p));
		return true;
	case OID_FLOAT4:
	case OID_FLOAT8:
		float_put(l, p, size_of(oid));
		return true;
	case OID_DATE:
		if (be32(p) == INT32_MAX || be32(p) == (u32)INT32_MIN)
			values_putf(l, "%sinfinity", (i32)be32(p) < 0 ? "-" : "");
		else
			era_put(l, date_put(l, (i32)be32(p)));
		return true;
	case OID_TIME:
		if (be64(p) > (u64)US_PER_DAY)
			return false;
		clock_put(l, (i64)be64(p));
		return true;
	case OID_TIMESTAMP:
	case OID_TIMESTAMPTZ:
		timestamp_put(l, (i64)be64(p), oid == OID_TIMESTAMPTZ);
		return true;
	case OID_UUID:
		uuid_put(l, p);
		return true;
	default:
		return false;
	}
}

/* `have` of its `n` bytes are there. */
static void binary_put(struct values *l, u32 oid, const u8 *p, size_t have, u32 n)
{
	bool known = false;
	switch (oid) {
	case OID_NAME:
	case OID_TEXT:
	case OID_JSON:
	case OID_XML:
	case OID_UNKNOWN:
	case OID_BPCHAR:
	case OID_VARCHAR:
	case OID_CHAR:
		values_bytes(l, p, have);
		return;
	case OID_JSONB: /* a version before the text */
		known = have && *p == 1;
		if (known)
			values_bytes(l, p + 1, have - 1);
		break;
	case OID_NUMERIC:
		known = have == n && numeric_put(l, rd_make(p, n));
		break;
	default:
		known = n && n == size_of(oid) && have == n && fixed_put(l, oid, p);
	}
	if (!known)
		values_hex(l, p, have);
}

/* --- all of them --- */

void pg_values_take(struct pg_request *q, bool lost, const struct pg_text *text, const struct pg_message *m)
{
	struct values l;
	struct rd r = m->have;
	u32 formats_n = rd_u16be(&r);
	const u8 *formats = rd_take(&r, 2 * (size_t)formats_n);
	u32 n = rd_u16be(&r);
	bool cut = m->body > m->looked;
	if (r.bad)
		return;
	values_begin(&l, &text->sql);
	for (u32 i = 0; i < n && rd_left(&r) >= 4 && values_next(&l); i++) {
		u32 size = rd_u32be(&r);
		size_t have = MIN((size_t)size, rd_left(&r));
		if (size == UINT32_MAX) {
			values_null(&l);
			continue;
		}
		if (have < size && !cut)
			break;
		u32 format = formats_n == 1 ? be16(formats) : i < formats_n ? be16(formats + 2 * (size_t)i) : 0;
		u32 type = i < text->types_n ? text->types[i] : 0;
		if (format)
			binary_put(&l, type, r.p, have, size);
		else
			values_bytes(&l, r.p, have);
		if (format && !type && lost)
			q->m.flags |= MSG_PARTIAL;
		l.cut |= have < size;
		values_end(&l);
		rd_skip(&r, have);
	}
	q->values = values_done(&l, &q->m.arena, n);
}
