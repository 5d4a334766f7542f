/* What clients bind to statements: the types and values of parameters, and attributes, which travel like them. */
#include "proto/mysql/read.h"
#include "proto/mysql/statements.h"
#include "proto/values.h"

#define PARAMETERS_MAX 65535u

enum { TYPE_FLOAT = 4, TYPE_DOUBLE = 5, TYPE_NULL = 6, TYPE_TIMESTAMP = 7, TYPE_DATE = 10, TYPE_TIME = 11, TYPE_DATETIME = 12, TYPE_YEAR = 13,
       TYPE_NEWDATE = 14, TYPE_BIT = 16, TYPE_VECTOR = 0xf2, TYPE_GEOMETRY = 0xff };

enum { EXECUTE_HAS_COUNT = 8, BULK_HAS_TYPES = 128 };

/* MariaDB: what stands before each value of a bulk. */
enum indicator { INDICATOR_VALUE, INDICATOR_NULL, INDICATOR_DEFAULT, INDICATOR_IGNORE };

/* What is bound, in the order of the wire: a bitmap of NULLs, types and names, values. */
struct binding {
	const struct proto_options *opt;
	struct rd r;
	u64 count;
	u32 statement_n;    /* so many belong to the statement; the others are attributes */
	const u8 *null;     /* bitmap; NULL: indicators stand before the values */
	bool named;         /* each has a name, which may be empty (CLIENT_QUERY_ATTRIBUTES) */
	bool cut;           /* bytes of the packet follow those at hand */
	u64 long_data;      /* parameters whose value came before */
	struct mysql_types types;
	struct str names[MYSQL_TYPES_KEPT];
};

/* Bytes of a value of fixed length; 0 for others. */
static u32 fixed_size(u8 type)
{
	static const u8 sizes[16] = { [1] = 1, [2] = 2, [3] = 4, [TYPE_FLOAT] = 4, [TYPE_DOUBLE] = 8, [8] = 8, [9] = 4, [TYPE_YEAR] = 2 };
	return type < ARRAY_LEN(sizes) ? sizes[type] : 0;
}

static bool is_time(u8 type)
{
	return type == TYPE_TIMESTAMP || type == TYPE_DATE || type == TYPE_TIME || type == TYPE_DATETIME || type == TYPE_NEWDATE;
}

static void types_read(struct binding *b)
{
	u64 i = 0;
	b->types = (struct mysql_types){ 0 };
	for (; i < b->count && rd_left(&b->r) >= 2; i++) {
		u8 type = rd_u8(&b->r), flags = rd_u8(&b->r);
		struct str name = b->named ? rd_lenenc_str(&b->r) : (struct str){ 0 };
		if (i >= MYSQL_TYPES_KEPT)
			continue;
		b->types.v[i] = type;
		b->types.is_unsigned |= (u64)(flags >> 7) << i;
		b->types.n = (u8)(i + 1);
		b->names[i] = name;
	}
	if (i < b->count)
		rd_fail(&b->r);
}

/* --- one value --- */

static u64 load(const u8 *p, u32 n)
{
	return n == 1 ? *p : n == 2 ? le16(p) : n == 4 ? le32(p) : le64(p);
}

static void number_put(struct values *l, const u8 *p, u8 type, bool is_unsigned)
{
	u32 n = fixed_size(type);
	u64 raw = load(p, n);
	if (type == TYPE_DOUBLE) {
		double v;
		memcpy(&v, &raw, sizeof(v));
		values_real(l, v, false);
	} else if (type == TYPE_FLOAT) {
		float v;
		u32 bits = (u32)raw;
		memcpy(&v, &bits, sizeof(v));
		values_real(l, (double)v, true);
	} else if (is_unsigned) {
		values_putf(l, "%llu", (unsigned long long)raw);
	} else {
		u32 spare = 64 - 8 * n;
		values_putf(l, "%lld", (long long)((i64)(raw << spare) >> spare));
	}
}

static void fraction_put(struct values *l, const u8 *p)
{
	values_putf(l, ".%06u", le32(p));
}

/* Year, month, day, hour, minute, second, fraction; trailing zeros are left out on the wire. */
static void date_put(struct values *l, const u8 *p, u32 n, u8 type)
{
	static const u8 zero[7] = { 0 };
	const u8 *date = n >= 4 ? p : zero;
	values_putf(l, "%04u-%02u-%02u", le16(date), date[2], date[3]);
	if (n < 7 && (type == TYPE_DATE || type == TYPE_NEWDATE))
		return;
	const u8 *clock = n >= 7 ? p : zero;
	values_putf(l, " %02u:%02u:%02u", clock[4], clock[5], clock[6]);
	if (n >= 11)
		fraction_put(l, p + 7);
}

/* Sign, days, hours, minutes, seconds, fraction. */
static void time_put(struct values *l, const u8 *p, u32 n)
{
	static const u8 zero[8] = { 0 };
	const u8 *at = n >= 8 ? p : zero;
	values_putf(l, "%s%02llu:%02u:%02u", at[0] ? "-" : "", (unsigned long long)le32(at + 1) * 24 + at[5], at[6], at[7]);
	if (n >= 12)
		fraction_put(l, p + 8);
}

static bool time_read(struct rd *r, struct values *l, u8 type)
{
	u32 n = rd_u8(r);
	bool fits = type == TYPE_TIME ? n == 0 || n == 8 || n == 12 : n == 0 || n == 4 || n == 7 || n == 11;
	const u8 *p = fits ? rd_take(r, n) : NULL;
	if (r->bad || !p)
		return false;
	if (type == TYPE_TIME)
		time_put(l, p, n);
	else
		date_put(l, p, n, type);
	return true;
}

/* Of what is cut the beginning is shown. */
static bool bytes_read(struct rd *r, struct values *l, u8 type, bool cut)
{
	u64 n = rd_lenenc(r);
	size_t have = (size_t)MIN(n, rd_left(r));
	if (r->bad || (have < n && !cut))
		return false;
	if (type == TYPE_GEOMETRY || type == TYPE_BIT || type == TYPE_VECTOR)
		values_hex(l, r->p, have);
	else
		values_bytes(l, r->p, have);
	l->cut |= have < n;
	rd_skip(r, have);
	return true;
}

/* False: what comes here cannot be told. */
static bool value_read(struct binding *b, struct values *l, u8 type, bool is_unsigned)
{
	u32 n = fixed_size(type);
	if (is_time(type))
		return time_read(&b->r, l, type);
	if (!n)
		return bytes_read(&b->r, l, type, b->cut);
	const u8 *p = rd_take(&b->r, n);
	if (p)
		number_put(l, p, type, is_unsigned);
	return p != NULL;
}

/* --- all of them --- */

static bool indicated_read(struct binding *b, struct values *l, u32 i)
{
	u8 indicator = rd_u8(&b->r);
	if (b->r.bad || indicator > INDICATOR_IGNORE)
		return false;
	if (indicator == INDICATOR_NULL) {
		values_null(l);
		return true;
	}
	if (indicator != INDICATOR_VALUE)
		values_putf(l, "%s", indicator == INDICATOR_DEFAULT ? "<default>" : "<ignored>");
	else if (!value_read(b, l, b->types.v[i], b->types.is_unsigned >> i & 1))
		return false;
	values_end(l);
	return true;
}

static bool one_read(struct binding *b, struct values *l, u32 i)
{
	u8 type = b->types.v[i];
	if (!b->null)
		return indicated_read(b, l, i);
	bool absent = b->null[i / 8] >> i % 8 & 1 || type == TYPE_NULL;
	bool came_before = i < b->statement_n && b->long_data >> i & 1;
	if (absent && !came_before) {
		values_null(l);
		return true;
	}
	if (b->names[i].n) {
		values_bytes(l, b->names[i].p, b->names[i].n);
		values_put(l, "=", 1);
	}
	if (came_before)
		values_put(l, "<long data>", 11);
	else if (!value_read(b, l, type, b->types.is_unsigned >> i & 1))
		return false;
	values_end(l);
	return true;
}

static void values_read(struct binding *b, struct mysql_request *q, const struct sql *sql)
{
	struct values l;
	if (!b->opt->parameters)
		return;
	values_begin(&l, sql);
	for (u32 i = 0; !b->r.bad && i < b->types.n && i < b->count && values_next(&l); i++)
		if (!one_read(b, &l, i))
			break;
	q->values = values_done(&l, &q->m.arena, b->count);
}

static void types_show(struct mysql_request *q, const struct mysql_types *types)
{
	struct str *v = types->n ? arena_alloc(&q->m.arena, types->n * sizeof(*v)) : NULL;
	for (u32 i = 0; v && i < types->n; i++)
		v[i] = str_from(mysql_type_name(types->v[i]));
	q->types = (struct strs){ v, v ? types->n : 0 };
}

/* Types that come now are those of the statement from now on, those that do not are what they were. */
static void types_settle(struct binding *b, struct mysql_request *q, struct mysql_statement *known, bool sent)
{
	if (sent) {
		types_read(b);
		if (known)
			known->types = b->types;
		else if ((q->bound = arena_alloc(&q->m.arena, sizeof(b->types))))
			memcpy((void *)(uintptr_t)q->bound, &b->types, sizeof(b->types));
	} else if (known) {
		b->types = known->types;
	}
	if (!b->types.n) /* they came with a command that was lost */
		q->m.flags |= MSG_PARTIAL;
	types_show(q, &b->types);
}

/* MariaDB: many rows of values in one command; the first is shown. */
static void bulk_take(struct binding *b, struct mysql_request *q, struct mysql_statement *known)
{
	bool sent = rd_u16le(&b->r) & BULK_HAS_TYPES;
	if (b->r.bad || !b->count)
		return;
	types_settle(b, q, known, sent);
	if (!known || !known->doubtful)
		values_read(b, q, &q->sql);
}

static void execute_take(struct binding *b, struct mysql_request *q, struct mysql_statement *known)
{
	u8 flags = rd_u8(&b->r);
	rd_skip(&b->r, 4);
	if (b->named && (b->count || flags & EXECUTE_HAS_COUNT))
		b->count = rd_lenenc(&b->r);
	if (!b->count || b->r.bad || b->count > PARAMETERS_MAX)
		return;
	b->null = rd_take(&b->r, (size_t)(b->count + 7) / 8);
	bool sent = rd_u8(&b->r) == 1;
	if (b->r.bad)
		return;
	types_settle(b, q, known, sent);
	if (!known || !known->doubtful)
		values_read(b, q, &q->sql);
}

/* A value that is on its way before the EXECUTE. */
static void long_data_take(struct binding *b, struct mysql_request *q, struct mysql_statement *known)
{
	struct values l;
	u32 parameter = rd_u16le(&b->r);
	if (!known || b->r.bad)
		return;
	if (parameter < 64)
		known->long_data |= 1ull << parameter;
	if (!b->opt->parameters)
		return;
	values_begin(&l, &q->sql);
	values_next(&l);
	values_bytes(&l, b->r.p, rd_left(&b->r));
	l.cut |= b->cut;
	values_end(&l);
	q->values = values_done(&l, &q->m.arena, 1);
}

void mysql_parameters_take(const struct parser *ps, struct mysql_state *s, struct mysql_request *q, struct mysql_statement *known, struct rd r)
{
	struct binding b = { .opt = ps->opt, .r = r };
	u32 n = known ? known->params : q->sql.parameters;
	b.cut = MYSQL_HEADER + 5 + rd_left(&r) < q->m.size;
	b.count = b.statement_n = n;
	if (n > PARAMETERS_MAX) /* it is not known */
		return;
	switch (q->com) {
	case COM_STMT_SEND_LONG_DATA:
		long_data_take(&b, q, known);
		break;
	case COM_STMT_RESET:
		if (known)
			known->long_data = 0;
		break;
	case COM_STMT_EXECUTE:
		b.long_data = known ? known->long_data : 0;
		b.named = s->attributes == YES;
		execute_take(&b, q, known);
		if (known)
			known->long_data = 0;
		break;
	case COM_STMT_BULK_EXECUTE:
		bulk_take(&b, q, known);
		break;
	default:
		break;
	}
}

/* --- attributes --- */

static void value_skip(struct rd *r, u8 type)
{
	if (fixed_size(type))
		rd_skip(r, fixed_size(type));
	else if (is_time(type))
		rd_skip(r, rd_u8(r));
	else
		rd_lenenc_str(r);
}

void mysql_attributes_take(const struct parser *ps, struct mysql_state *s, struct mysql_request *q, struct rd *r)
{
	struct rd at = *r;
	if (s->attributes == UNKNOWN && rd_left(&at) >= 2)
		s->attributes = at.p[0] < ' ' && at.p[1] == 1 && at.p[0] != '\t' && at.p[0] != '\n' && at.p[0] != '\r' ? YES : NO;
	if (s->attributes != YES)
		return;
	u64 count = rd_lenenc(&at);
	u64 sets = rd_lenenc(&at);
	if (at.bad || sets != 1 || count > PARAMETERS_MAX)
		return;
	if (count == 0) {
		*r = at;
		return;
	}
	struct binding b = { .opt = ps->opt, .r = at, .count = count, .named = true };
	b.null = rd_take(&b.r, (size_t)(count + 7) / 8);
	rd_skip(&b.r, 1);
	types_read(&b);
	at = b.r;
	for (u64 i = 0; i < count && !at.bad; i++) {
		if (i >= b.types.n)
			rd_fail(&at);
		else if (!(b.null[i / 8] >> i % 8 & 1) && b.types.v[i] != TYPE_NULL)
			value_skip(&at, b.types.v[i]);
	}
	if (at.bad) { /* longer than what is looked at */
		rd_fail(r);
		return;
	}
	values_read(&b, q, &(struct sql){ 0 });
	*r = at;
}
