/* The words every file uses: integer names, small macros, time units, slices.
 * Owns nothing. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_BASE_H
#define PACKETD_UTIL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define CACHE_LINE 64

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_SEC 1000000000ull

#define KIB 1024ull
#define MIB (1024ull * 1024ull)

/* A slice of bytes that somebody else owns; not terminated. {NULL, 0} is the empty one. */
struct str {
	const char *p;
	u32 n;
};

#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : "" /* for printf's %.*s */

static inline struct str str_make(const void *p, size_t n)
{
	return (struct str){ p, (u32)n };
}

static inline struct str str_from(const char *text)
{
	return (struct str){ text, text ? (u32)strlen(text) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Compares ASCII letters without case; other bytes as they are. */
bool str_eq_nocase(struct str a, struct str b);

#endif
