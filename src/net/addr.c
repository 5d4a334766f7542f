/* IP addresses as text. */
#include <arpa/inet.h>

#include "net/net.h"
#include "util/bytes.h"

static char *put_decimal(char *to, u8 v)
{
	if (v >= 100)
		*to++ = (char)('0' + v / 100);
	if (v >= 10)
		*to++ = (char)('0' + v / 10 % 10);
	*to++ = (char)('0' + v % 10);
	return to;
}

static char *put_group(char *to, u16 v)
{
	static const char digits[] = "0123456789abcdef";
	for (int shift = v > 0xfff ? 12 : v > 0xff ? 8 : v > 0xf ? 4 : 0; shift >= 0; shift -= 4)
		*to++ = digits[v >> shift & 15];
	return to;
}

/* The longest run of two or more zero groups, the first of equals; its length is 0 without one. */
static int zero_run(const struct ip_addr *a, int *ret_length)
{
	int best = 0, best_length = 0;
	for (int i = 0, run = 0; i < 8; i++) {
		run = be16(a->b + 2 * i) ? 0 : run + 1;
		if (run > best_length && run >= 2) {
			best_length = run;
			best = i - run + 1;
		}
	}
	*ret_length = best_length;
	return best;
}

size_t ip_format(const struct ip_addr *a, char out[46])
{
	char *to = out;
	if (ip_is_v4(a)) {
		for (int i = 12; i < 16; i++) {
			if (i > 12)
				*to++ = '.';
			to = put_decimal(to, a->b[i]);
		}
		return (size_t)(to - out);
	}
	int length, first = zero_run(a, &length);
	for (int i = 0; i < 8; i++) {
		if (length && i == first) {
			*to++ = ':';
			*to++ = ':';
			i += length - 1;
			continue;
		}
		if (i > 0 && to[-1] != ':')
			*to++ = ':';
		to = put_group(to, be16(a->b + 2 * i));
	}
	return (size_t)(to - out);
}

bool ip_parse(struct str text, struct ip_addr *ret)
{
	char copy[INET6_ADDRSTRLEN];
	u8 v4[4];
	if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, 0, text.n))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = 0;
	if (inet_pton(AF_INET, copy, v4) != 1)
		return inet_pton(AF_INET6, copy, ret->b) == 1;
	memset(ret->b, 0, 10);
	memset(ret->b + 10, 0xff, 2);
	memcpy(ret->b + 12, v4, 4);
	return true;
}
