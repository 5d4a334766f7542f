/* What unit tests include first: cmocka with the headers it needs, and inputs that end at an unreadable page.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_TESTS_UNIT_H
#define PACKETD_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* Bytes whose end lies flush against a page that cannot be read: one byte too far is a crash. */
struct guarded {
	void *map;
	size_t map_size;
	unsigned char *p;
	size_t n;
};

static inline struct guarded guarded_copy(const void *bytes, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (n + page - 1) / page * page + page;
	struct guarded g = { .map_size = room, .n = n };
	g.map = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(g.map != MAP_FAILED);
	assert_int_equal(mprotect((unsigned char *)g.map + room - page, page, PROT_NONE), 0);
	g.p = (unsigned char *)g.map + room - page - n;
	if (n)
		memcpy(g.p, bytes, n);
	return g;
}

static inline void guarded_free(struct guarded *g)
{
	munmap(g->map, g->map_size);
}

#endif
