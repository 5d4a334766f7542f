#include <stdlib.h>

#include "net/net.h"
#include "roundtrip/filter_private.h"
#include "util/timefmt.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* k, M, G, T for powers of 1024, with or without B behind; 0: something else. */
static u64 unit_factor(struct str t)
{
	static const char letters[] = "kmgt";
	if (t.n == 0)
		return 1;
	if (t.n == 2 && (t.p[1] == 'B' || t.p[1] == 'b'))
		t.n = 1;
	const char *at = t.n == 1 ? memchr(letters, t.p[0] | 32, 4) : NULL;
	return at ? 1ull << (10 * (at - letters + 1)) : 0;
}

bool literal_number(struct str text, bool with_unit, struct number *ret)
{
	struct number n = { .integer = true };
	char digits[40];
	u32 i = 0, kept = 0;
	if (i < text.n && (text.p[i] == '-' || text.p[i] == '+'))
		n.negative = text.p[i++] == '-';
	u32 start = i;
	for (; i < text.n && kept < sizeof(digits) - 1 && (is_digit(text.p[i]) || (text.p[i] == '.' && n.integer && i > start)); i++) {
		digits[kept++] = text.p[i];
		if (text.p[i] == '.')
			n.integer = false;
		else if (n.integer && (__builtin_mul_overflow(n.magnitude, 10, &n.magnitude) || __builtin_add_overflow(n.magnitude, (u64)(text.p[i] - '0'), &n.magnitude)))
			return false;
	}
	if (kept == 0 || digits[kept - 1] == '.')
		return false;
	digits[kept] = '\0';
	u64 factor = unit_factor((struct str){ text.p + i, text.n - i });
	if (factor == 0 || (factor > 1 && !with_unit) || __builtin_mul_overflow(n.magnitude, factor, &n.magnitude))
		return false;
	n.real = strtod(digits, NULL) * (double)factor * (n.negative ? -1 : 1);
	*ret = n;
	return true;
}

/* 10.0.0.0/8, 2001:db8::/32, or one address. */
static bool parse_network(struct literal *l)
{
	struct str address = l->text;
	const char *slash = memchr(address.p, '/', address.n);
	unsigned bits = 128;
	if (slash)
		address.n = (u32)(slash - address.p);
	if (!ip_parse(address, &l->net))
		return false;
	if (slash) {
		struct str rest = { slash + 1, l->text.n - address.n - 1 };
		unsigned most = ip_is_v4(&l->net) ? 32 : 128;
		bits = 0;
		if (rest.n == 0 || rest.n > 3)
			return false;
		for (u32 i = 0; i < rest.n; i++) {
			if (!is_digit(rest.p[i]))
				return false;
			bits = bits * 10 + (unsigned)(rest.p[i] - '0');
		}
		if (bits > most)
			return false;
		bits += 128 - most;
	}
	l->bits = (u8)bits;
	return true;
}

static bool parse_flag(struct literal *l)
{
	bool yes = str_eq_nocase(l->text, STR("true")) || str_eq_nocase(l->text, STR("yes")) || str_eq(l->text, STR("1"));
	bool no = str_eq_nocase(l->text, STR("false")) || str_eq_nocase(l->text, STR("no")) || str_eq(l->text, STR("0"));
	l->flag = yes;
	return yes || no;
}

const char *literal_fit(struct literal *l, enum value_kind kind, enum test_op op)
{
	if (op == TEST_CONTAINS || op == TEST_MATCH)
		return NULL;
	switch (kind) {
	case VALUE_UNSIGNED:
	case VALUE_SIGNED:
	case VALUE_REAL:
		l->has_number = literal_number(l->text, true, &l->number);
		return l->has_number ? NULL : "a number such as 10, 0.5 or 10k";
	case VALUE_BOOL:
		return parse_flag(l) ? NULL : "true or false";
	case VALUE_DURATION:
		return duration_parse(l->text, &l->ns) ? NULL : "a duration such as 100ms, 1.5s or 2m";
	case VALUE_TIME:
		return time_parse(l->text, &l->ns) ? NULL : "a time such as 2025-03-01T09:00:00Z";
	case VALUE_ADDRESS:
		return parse_network(l) ? NULL : "an address or network such as 10.1.0.7 or 10.0.0.0/8";
	default:
		l->has_number = op != TEST_EQ && literal_number(l->text, true, &l->number);
		return NULL;
	}
}
