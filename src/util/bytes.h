/* Loads of integers from any address and byte order, without unaligned access; digits.
 * The caller has checked that the bytes exist; see rd.h for the checked cursor. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_BYTES_H
#define PACKETD_UTIL_BYTES_H

#include "util/base.h"

static inline u16 be16(const void *p)
{
	u16 v;
	memcpy(&v, p, 2);
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap16(v) : v;
}

static inline u32 be24(const void *p)
{
	const u8 *b = p;
	return (u32)b[0] << 16 | (u32)b[1] << 8 | b[2];
}

static inline u32 be32(const void *p)
{
	u32 v;
	memcpy(&v, p, 4);
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(v) : v;
}

static inline u64 be64(const void *p)
{
	u64 v;
	memcpy(&v, p, 8);
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(v) : v;
}

static inline u16 le16(const void *p)
{
	u16 v;
	memcpy(&v, p, 2);
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap16(v);
}

static inline u32 le24(const void *p)
{
	const u8 *b = p;
	return (u32)b[2] << 16 | (u32)b[1] << 8 | b[0];
}

static inline u32 le32(const void *p)
{
	u32 v;
	memcpy(&v, p, 4);
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap32(v);
}

static inline u64 le64(const void *p)
{
	u64 v;
	memcpy(&v, p, 8);
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? v : __builtin_bswap64(v);
}

/* The value of a hexadecimal digit in either case; -1: it is none. */
static inline int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

#endif
