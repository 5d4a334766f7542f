#include "util/timefmt.h"

#include <time.h>

#define BLOCK 900 /* seconds: zones change at multiples of it */

/* A second as text, kept because most times that follow lie within it, or in the next. */
struct second {
	u64 sec;
	u32 text_len, zone_len;
	char text[20]; /* 2025-03-01T09:00:00 */
	char zone[8];  /* +08:00 or Z */
};

struct zone_block {
	u64 block; /* number of the quarter of an hour plus 1; 0 is empty */
	long offset;
};

static _Thread_local struct second seconds[2];
static _Thread_local struct zone_block zone_cache;

static void two_digits(char *to, unsigned v)
{
	to[0] = (char)('0' + v / 10 % 10);
	to[1] = (char)('0' + v % 10);
}

static long offset_at(u64 sec)
{
	time_t t = (time_t)sec;
	struct tm tm;
	return localtime_r(&t, &tm) ? tm.tm_gmtoff : 0;
}

/* Seconds east of UTC at this time. */
static long zone_offset(u64 sec)
{
	u64 block = sec / BLOCK + 1;
	if (zone_cache.block == block)
		return zone_cache.offset;
	long first = offset_at(sec / BLOCK * BLOCK), last = offset_at(sec / BLOCK * BLOCK + BLOCK - 1);
	if (first != last)
		return offset_at(sec);
	zone_cache = (struct zone_block){ block, first };
	return first;
}

/* Year, month, day of a day counted from 1970-01-01 (proleptic Gregorian; the era of 400 years has 146097 days). */
static void civil_date(i64 day, unsigned *year, unsigned *month, unsigned *mday)
{
	day += 719468; /* from 0000-03-01 on */
	i64 era = day / 146097;
	unsigned in_era = (unsigned)(day - era * 146097);
	unsigned y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	unsigned in_year = in_era - (365 * y + y / 4 - y / 100);
	unsigned m = (5 * in_year + 2) / 153; /* March is 0 */
	*mday = in_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = (unsigned)(era * 400) + y + (*month <= 2);
}

static void format_second(struct second *s, u64 sec)
{
	long offset = zone_offset(sec);
	i64 local = (i64)sec + offset;
	i64 day = local >= 0 ? local / 86400 : -((86399 - local) / 86400);
	unsigned in_day = (unsigned)(local - day * 86400), year, month, mday;
	civil_date(day, &year, &month, &mday);
	char *t = s->text;
	two_digits(t, year / 100);
	two_digits(t + 2, year % 100);
	two_digits(t + 5, month);
	two_digits(t + 8, mday);
	two_digits(t + 11, in_day / 3600);
	two_digits(t + 14, in_day / 60 % 60);
	two_digits(t + 17, in_day % 60);
	t[4] = t[7] = '-';
	t[10] = 'T';
	t[13] = t[16] = ':';
	s->text_len = 19;
	s->zone[0] = offset ? (offset < 0 ? '-' : '+') : 'Z';
	s->zone_len = 1;
	if (offset) {
		unsigned minutes = (unsigned)(offset < 0 ? -offset : offset) / 60;
		two_digits(s->zone + 1, minutes / 60);
		s->zone[3] = ':';
		two_digits(s->zone + 4, minutes % 60);
		s->zone_len = 6;
	}
	s->sec = sec;
}

static const struct second *second_at(u64 sec)
{
	struct second *s = &seconds[sec & 1];
	if (unlikely(s->sec != sec || s->text_len == 0))
		format_second(s, sec);
	return s;
}

/* ".25" for 250000000 of 9 digits: at most `digits` of them, trailing zeros removed; returns the length. */
static unsigned fraction(char *to, u64 value, unsigned digits)
{
	if (value == 0)
		return 0;
	u32 rest = (u32)value; /* below 10^9 */
	for (unsigned i = digits; i > 0; i -= MIN(i, 3u)) {
		u32 three = rest % 1000;
		rest /= 1000;
		to[i] = (char)('0' + three % 10);
		if (i > 1)
			to[i - 1] = (char)('0' + three / 10 % 10);
		if (i > 2)
			to[i - 2] = (char)('0' + three / 100);
	}
	to[0] = '.';
	while (to[digits] == '0')
		digits--;
	return digits + 1;
}

void time_rfc3339(struct buf *b, u64 ns)
{
	const struct second *s = second_at(ns / NS_PER_SEC);
	char *to = buf_room(b, 40), *start = to;
	if (!to)
		return;
	memcpy(to, s->text, 19);
	to += 19;
	to += fraction(to, ns % NS_PER_SEC, 9);
	memcpy(to, s->zone, 6);
	to += s->zone_len;
	b->len += (size_t)(to - start);
}

void time_clock(struct buf *b, u64 ns)
{
	const struct second *s = second_at(ns / NS_PER_SEC);
	unsigned ms = (unsigned)(ns % NS_PER_SEC / NS_PER_MS);
	char *to = buf_room(b, 12);
	if (!to)
		return;
	memcpy(to, s->text + 11, 8);
	to[8] = '.';
	to[9] = (char)('0' + ms / 100);
	two_digits(to + 10, ms % 100);
	b->len += 12;
}

static void add_fraction(struct buf *b, u64 value, unsigned digits)
{
	char tmp[12];
	buf_add(b, tmp, fraction(tmp, value, digits));
}

void duration_go(struct buf *b, u64 ns)
{
	if (ns == 0) {
		buf_add(b, "0s", 2);
	} else if (ns < NS_PER_US) {
		buf_add_u64(b, ns);
		buf_add(b, "ns", 2);
	} else if (ns < NS_PER_MS) {
		buf_add_u64(b, ns / NS_PER_US);
		add_fraction(b, ns % NS_PER_US, 3);
		buf_add(b, "\xc2\xb5s", 3);
	} else if (ns < NS_PER_SEC) {
		buf_add_u64(b, ns / NS_PER_MS);
		add_fraction(b, ns % NS_PER_MS, 6);
		buf_add(b, "ms", 2);
	} else {
		u64 sec = ns / NS_PER_SEC;
		if (sec >= 3600) {
			buf_add_u64(b, sec / 3600);
			buf_addc(b, 'h');
		}
		if (sec >= 60) {
			buf_add_u64(b, sec / 60 % 60);
			buf_addc(b, 'm');
		}
		buf_add_u64(b, sec % 60);
		add_fraction(b, ns % NS_PER_SEC, 9);
		buf_addc(b, 's');
	}
}

/* Three significant digits of ns / unit, which is below 1000 but may round up to it. */
static void three_digits(struct buf *b, u64 ns, u64 unit)
{
	u64 whole = ns / unit;
	unsigned decimals = whole >= 100 ? 0 : whole >= 10 ? 1 : 2;
	static const unsigned scales[] = { 1, 10, 100 };
	u64 step = unit / scales[decimals], rounded = (ns + step / 2) / step;
	if (decimals && rounded >= 1000) {
		decimals--;
		rounded /= 10;
	}
	buf_add_u64(b, rounded / scales[decimals]);
	if (decimals) {
		buf_addc(b, '.');
		if (decimals == 2)
			buf_addc(b, (char)('0' + rounded / 10 % 10));
		buf_addc(b, (char)('0' + rounded % 10));
	}
}

/* "3m20s": a big and a small unit. */
static void two_units(struct buf *b, u64 big, char big_name, u64 small, char small_name)
{
	char tail[4] = { big_name, (char)('0' + small / 10), (char)('0' + small % 10), small_name };
	buf_add_u64(b, big);
	buf_add(b, tail, 4);
}

void duration_short(struct buf *b, u64 ns)
{
	u64 sec = ns / NS_PER_SEC + (ns % NS_PER_SEC >= NS_PER_SEC / 2);
	if (ns < NS_PER_US) {
		buf_add_u64(b, ns);
		if (ns)
			buf_add(b, "ns", 2);
	} else if (ns < 999500) {
		three_digits(b, ns, NS_PER_US);
		buf_add(b, "\xc2\xb5s", 3);
	} else if (ns < 999500 * NS_PER_US) {
		three_digits(b, MAX(ns, NS_PER_MS), NS_PER_MS);
		buf_add(b, "ms", 2);
	} else if (ns < 59950 * NS_PER_MS) {
		three_digits(b, MAX(ns, NS_PER_SEC), NS_PER_SEC);
		buf_addc(b, 's');
	} else if (sec < 3600) {
		two_units(b, sec / 60, 'm', sec % 60, 's');
	} else if (sec / 60 < 24 * 60) {
		two_units(b, sec / 3600, 'h', sec / 60 % 60, 'm');
	} else {
		two_units(b, sec / 86400, 'd', sec / 3600 % 24, 'h');
	}
}

struct unit {
	const char *name;
	u64 ns;
};

static const struct unit units[] = {
	{ "ns", 1 }, { "us", NS_PER_US }, { "\xc2\xb5s", NS_PER_US }, { "\xce\xbcs", NS_PER_US }, { "ms", NS_PER_MS },
	{ "s", NS_PER_SEC }, { "m", 60 * NS_PER_SEC }, { "h", 3600 * NS_PER_SEC }, { "d", 86400 * NS_PER_SEC },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "12.5" as a whole number and billionths. */
static bool parse_decimal(struct str *t, u64 *ret_whole, u64 *ret_nano)
{
	u64 whole = 0, nano = 0, place = 100000000;
	bool any = false;
	for (; t->n && is_digit(*t->p); t->p++, t->n--, any = true)
		if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, (u64)(*t->p - '0'), &whole))
			return false;
	if (t->n && *t->p == '.') {
		t->p++;
		t->n--;
		for (; t->n && is_digit(*t->p); t->p++, t->n--, any = true) {
			nano += place * (u64)(*t->p - '0');
			place /= 10;
		}
	}
	*ret_whole = whole;
	*ret_nano = nano;
	return any;
}

/* The unit at the start of the text, stepped over; a unit ends where a digit, or the text, begins. 0: unknown. */
static u64 parse_unit(struct str *t)
{
	u32 n = 0;
	while (n < t->n && !is_digit(t->p[n]) && t->p[n] != '.')
		n++;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (!str_eq((struct str){ t->p, n }, str_from(units[i].name)))
			continue;
		t->p += n;
		t->n -= n;
		return units[i].ns;
	}
	return 0;
}

bool duration_parse(struct str text, u64 *ret_ns)
{
	u64 sum = 0;
	bool first = true;
	do {
		u64 whole, nano, unit, ns;
		if (!parse_decimal(&text, &whole, &nano))
			return false;
		unit = first && text.n == 0 ? NS_PER_SEC : parse_unit(&text);
		if (unit == 0 || __builtin_mul_overflow(whole, unit, &ns) || __builtin_add_overflow(sum, ns, &sum))
			return false;
		/* nano < 1e9: the product of both halves of the unit stays within 64 bits */
		u64 part = nano * (unit / NS_PER_SEC) + nano * (unit % NS_PER_SEC) / NS_PER_SEC;
		if (__builtin_add_overflow(sum, part, &sum))
			return false;
		first = false;
	} while (text.n);
	*ret_ns = sum;
	return true;
}

/* n digits at the front of the text, stepped over; `before`, unless 0, must stand before them. */
static bool take_digits(struct str *t, char before, u32 n, unsigned most, int *ret)
{
	u32 skip = before != 0;
	unsigned v = 0;
	if (t->n < n + skip || (skip && t->p[0] != before))
		return false;
	for (u32 i = skip; i < n + skip; i++) {
		if (!is_digit(t->p[i]))
			return false;
		v = v * 10 + (unsigned)(t->p[i] - '0');
	}
	t->p += n + skip;
	t->n -= n + skip;
	*ret = (int)v;
	return v <= most;
}

/* .25 and the like as ns. */
static u64 take_fraction(struct str *t)
{
	u64 ns = 0, place = NS_PER_SEC / 10;
	if (t->n < 2 || *t->p != '.' || !is_digit(t->p[1]))
		return 0;
	for (t->p++, t->n--; t->n && is_digit(*t->p); t->p++, t->n--, place /= 10)
		ns += place * (u64)(*t->p - '0');
	return ns;
}

bool time_parse(struct str t, u64 *ret_ns)
{
	struct tm tm = { .tm_mday = 1, .tm_isdst = -1 };
	int hours = 0, minutes = 0;
	u64 fraction_ns = 0;
	if (!take_digits(&t, 0, 4, 2500, &tm.tm_year) || !take_digits(&t, '-', 2, 12, &tm.tm_mon) || !take_digits(&t, '-', 2, 31, &tm.tm_mday))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	if (t.n && (*t.p == 'T' || *t.p == 't' || *t.p == ' ')) {
		if (!take_digits(&t, *t.p, 2, 23, &tm.tm_hour) || !take_digits(&t, ':', 2, 59, &tm.tm_min))
			return false;
		if (t.n && *t.p == ':' && !take_digits(&t, ':', 2, 59, &tm.tm_sec))
			return false;
		fraction_ns = take_fraction(&t);
	}
	bool zulu = str_eq_nocase(t, STR("z")), east = t.n && *t.p == '+', zoned = zulu || east || (t.n && *t.p == '-');
	if (zoned && !zulu && (!take_digits(&t, *t.p, 2, 23, &hours) || !take_digits(&t, ':', 2, 59, &minutes)))
		return false;
	int day = tm.tm_mday;
	if ((t.n && !zulu) || tm.tm_mon < 0 || day < 1)
		return false;
	i64 sec = zoned ? (i64)timegm(&tm) : (i64)mktime(&tm);
	sec -= (east ? 1 : -1) * (hours * 3600 + minutes * 60);
	if (sec < 0 || tm.tm_mday != day) /* 31 February */
		return false;
	*ret_ns = (u64)sec * NS_PER_SEC + fraction_ns;
	return true;
}

void bytes_short(struct buf *b, u64 n)
{
	static const char letters[] = "kMGTPE";
	if (n < 1024) {
		buf_add_u64(b, n);
		return;
	}
	unsigned i = 0;
	u64 unit = 1024;
	while (i < 5 && n / unit + (n % unit >= unit / 2) >= 1000) {
		unit *= 1024;
		i++;
	}
	u64 tenths = n / unit * 10 + (n % unit * 10 + unit / 2) / unit; /* at most 2^60 * 10: fits */
	if (tenths < 100) {
		buf_add_u64(b, tenths / 10);
		buf_addc(b, '.');
		buf_addc(b, (char)('0' + tenths % 10));
	} else {
		buf_add_u64(b, (tenths + 5) / 10);
	}
	buf_addc(b, letters[i]);
}
