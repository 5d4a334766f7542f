#include "util/base.h"

static u8 lower(u8 c)
{
	return c >= 'A' && c <= 'Z' ? (u8)(c | 0x20) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (u32 i = 0; i < a.n; i++)
		if (lower((u8)a.p[i]) != lower((u8)b.p[i]))
			return false;
	return true;
}
