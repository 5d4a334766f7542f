/* Network interfaces: which exist, which of them somebody wants, and what they are called.
 * iface_list's array belongs to the caller (free); a match and a table of names are freed by their _free.
 * Not thread-safe: one owner each. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CAPTURE_IFACE_H
#define PACKETD_CAPTURE_IFACE_H

#include <net/if.h>

#include "util/base.h"

#define IFACE_WANTED_MAX 64 /* names and expressions in a list */
#define IFACE_NAMES_MAX 8192 /* names a table remembers */

struct iface {
	u32 index;
	char name[IF_NAMESIZE];
	bool up, loopback;
};

/* Every interface, in the order of its index. */
int iface_list(struct iface **ret, size_t *ret_n);

struct iface_match;

/* "any" (also NULL and ""), or a list of names and anchored extended regular expressions, separated by commas that
 * stand outside brackets. -EINVAL with a sentence in error[]. */
int iface_match_new(const char *text, struct iface_match **ret, char error[256]);
void iface_match_free(struct iface_match *m);
bool iface_match_is_any(const struct iface_match *m);
bool iface_match_name(const struct iface_match *m, const char *name);
/* Does every plain name exist, and does anything match at all? 0, -ENODEV (with the nearest name in error[]), or -EAGAIN
 * when there are only expressions, and nothing matches them yet (said in error[]). */
int iface_match_check(const struct iface_match *m, const struct iface *list, size_t n, char error[256]);

/* Kernel indices to the 16 bits of packet.ifindex, and those to names that stay valid until iface_names_free. */
struct iface_names;

struct iface_names *iface_names_new(void);
void iface_names_free(struct iface_names *t);
/* The id for an index: the index itself wherever it fits. */
u16 iface_names_id_slow(struct iface_names *t, u32 index);
static inline u16 iface_names_id(struct iface_names *t, u32 index)
{
	return likely(index <= UINT16_MAX) ? (u16)index : iface_names_id_slow(t, index);
}
/* The name, asked of the kernel the first time; NULL when it is not known (any more). */
const char *iface_names_get(struct iface_names *t, u16 id);
/* Names may have changed: ask the kernel again. */
void iface_names_refresh(struct iface_names *t);

#endif
