/* Text into a fixed array: what does not fit is left out and remembered. Owns nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_DNS_DNS_TEXT_H
#define PACKETD_PROTO_DNS_DNS_TEXT_H

#include "util/base.h"

struct text {
	char *p;
	u32 n, max;
	bool cut; /* something did not fit */
};

#define TEXT(name, size)   \
	char name##_[size]; \
	struct text name = { name##_, 0, size, false }

static inline void text_c(struct text *t, char c)
{
	if (likely(t->n < t->max))
		t->p[t->n++] = c;
	else
		t->cut = true;
}

static inline struct str text_str(const struct text *t)
{
	return str_make(t->p, t->n);
}

void text_s(struct text *t, const char *s);
void text_u(struct text *t, u64 v);
/* At least `digits` digits. */
void text_pad(struct text *t, u64 v, int digits);
void text_hex(struct text *t, const u8 *p, size_t n);
void text_base64(struct text *t, const u8 *p, size_t n);
/* The extended hex alphabet of RFC 4648, without padding, as in NSEC3. */
void text_base32(struct text *t, const u8 *p, size_t n);
void text_ipv4(struct text *t, const u8 *p);
void text_ipv6(struct text *t, const u8 *p);
/* Bytes between quotes, with \" \\ and \DDD. */
void text_quoted(struct text *t, const u8 *p, size_t n);
/* The same without the quotes. */
void text_escaped(struct text *t, const u8 *p, size_t n, const char *special);

#endif
