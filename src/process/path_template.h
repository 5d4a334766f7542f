/* Templates for paths that carry identifiers: "/users/17/orders" as "/users/{id}/orders". The user's patterns are tried first, in
 * their order, then, unless switched off, what looks like an identifier is replaced (url_route).
 *
 * A pattern is a path: "{name}" stands for one segment, "*" for one too, a final "**" for any number of them.
 * Constant once made; one for all threads. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROCESS_PATH_TEMPLATE_H
#define PACKETD_PROCESS_PATH_TEMPLATE_H

#include "util/arena.h"

struct path_patterns;

/* The texts must outlive it. NULL without memory. */
struct path_patterns *path_patterns_new(const char *const *patterns, u32 n);
void path_patterns_free(struct path_patterns *p);
/* The first pattern that fits the path, or an empty text. */
struct str path_patterns_match(const struct path_patterns *p, struct str path);
/* Empty when it is a pattern, otherwise what is wrong with it. */
const char *path_pattern_problem(const char *pattern);

#endif
