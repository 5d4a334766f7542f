#include "util/number.h"

bool number_parse(struct str text, u64 *ret)
{
	u64 v = 0;
	for (u32 i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (u64)(text.p[i] - '0'), &v))
			return false;
	}
	*ret = v;
	return text.n > 0;
}

bool size_parse(struct str text, u64 *ret)
{
	static const struct {
		const char *unit;
		u8 shift;
	} units[] = { { "", 0 },    { "B", 0 },    { "k", 10 },  { "kB", 10 }, { "KiB", 10 }, { "M", 20 },
		      { "MB", 20 }, { "MiB", 20 }, { "G", 30 }, { "GB", 30 }, { "GiB", 30 } };
	u32 digits = 0;
	while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
		digits++;
	struct str unit = { text.p + digits, text.n - digits };
	u64 v;
	if (!number_parse(str_make(text.p, digits), &v))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (!str_eq_nocase(unit, str_from(units[i].unit)))
			continue;
		*ret = v << units[i].shift;
		return *ret >> units[i].shift == v;
	}
	return false;
}
