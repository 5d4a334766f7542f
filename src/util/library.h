/* Shared libraries that are loaded when they are first needed, so that a run without them neither maps nor relocates them and
 * all they depend on. A header names the functions used of one library (see export/curl_library.h); the names then mean members of a
 * table that library_load fills in. Thread-safe; a library stays loaded. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_UTIL_LIBRARY_H
#define PACKETD_UTIL_LIBRARY_H

#include "util/buf.h"

struct library {
	const char *soname;        /* "libcurl.so.4" */
	const char *const *names;  /* of functions; NULL-terminated */
	void **calls;              /* their addresses, in the same order */
	bool loaded;
};

#define LIBRARY_MEMBER(f) __typeof__(&f) f;
#define LIBRARY_NAME(f) #f,
/* struct x_calls with a member for each function, and its library. */
#define LIBRARY_DECLARE(x, CALLS)             \
	struct x##_calls {                    \
		CALLS(LIBRARY_MEMBER)         \
	};                                    \
	extern struct x##_calls x##_calls;    \
	extern struct library x##_library;
#define LIBRARY_DEFINE(x, CALLS, soname_)                                     \
	struct x##_calls x##_calls;                                           \
	static const char *const x##_names[] = { CALLS(LIBRARY_NAME) NULL };  \
	struct library x##_library = { .soname = soname_, .names = x##_names, .calls = (void **)(void *)&x##_calls };

/* 0; -ENOENT with a sentence in `error` (may be NULL) when the library is not there or lacks a function. */
int library_load(struct library *l, struct buf *error);

#endif
