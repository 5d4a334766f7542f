#include "proto/dns/dns_text.h"

#include <arpa/inet.h>

void text_s(struct text *t, const char *s)
{
	while (*s)
		text_c(t, *s++);
}

void text_pad(struct text *t, u64 v, int digits)
{
	char tmp[20];
	int n = 0;
	do {
		tmp[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	for (int i = n; i < digits; i++)
		text_c(t, '0');
	while (n)
		text_c(t, tmp[--n]);
}

void text_u(struct text *t, u64 v)
{
	text_pad(t, v, 1);
}

void text_hex(struct text *t, const u8 *p, size_t n)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < n && !t->cut; i++) {
		text_c(t, digits[p[i] >> 4]);
		text_c(t, digits[p[i] & 15]);
	}
}

void text_base64(struct text *t, const u8 *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < n && !t->cut; i += 3) {
		u32 left = (u32)MIN(n - i, 3);
		u32 v = (u32)p[i] << 16 | (left > 1 ? (u32)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
		text_c(t, digits[v >> 18]);
		text_c(t, digits[v >> 12 & 63]);
		text_c(t, left > 1 ? digits[v >> 6 & 63] : '=');
		text_c(t, left > 2 ? digits[v & 63] : '=');
	}
}

void text_base32(struct text *t, const u8 *p, size_t n)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
	u32 bits = 0, held = 0;
	for (size_t i = 0; i < n && !t->cut; i++) {
		held = (held << 8 | p[i]) & 0xfff;
		for (bits += 8; bits >= 5; bits -= 5)
			text_c(t, digits[held >> (bits - 5) & 31]);
	}
	if (bits)
		text_c(t, digits[held << (5 - bits) & 31]);
}

void text_ipv4(struct text *t, const u8 *p)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			text_c(t, '.');
		text_u(t, p[i]);
	}
}

void text_ipv6(struct text *t, const u8 *p)
{
	char tmp[INET6_ADDRSTRLEN];
	text_s(t, inet_ntop(AF_INET6, p, tmp, sizeof(tmp)));
}

void text_escaped(struct text *t, const u8 *p, size_t n, const char *special)
{
	for (size_t i = 0; i < n && !t->cut; i++) {
		u8 c = p[i];
		if (c < 0x20 || c > 0x7e) {
			text_c(t, '\\');
			text_pad(t, c, 3);
			continue;
		}
		if (c == (u8)special[0] || c == (u8)special[1])
			text_c(t, '\\');
		text_c(t, (char)c);
	}
}

void text_quoted(struct text *t, const u8 *p, size_t n)
{
	text_c(t, '"');
	text_escaped(t, p, n, "\"\\");
	text_c(t, '"');
}
