/* --filter EXPR: which RoundTrips to show. Compiled once; matching allocates nothing and takes no lock, so one filter may
 * serve all threads. The filter owns everything compiled into it until rt_filter_free.
 *
 *   http.status >= 500 and duration > 100ms
 *   client == 10.0.0.0/8 and not (dns or redis.command in (PING, INFO))
 *   http.request.header.user-agent =~ "(?i)curl" or error
 *
 * A name alone asks whether it is there and neither empty, zero nor false. A comparison with something that is not there (another
 * protocol's field, a response that never came) is false, whichever the operator: `http.status != 200` shows HTTP answers
 * other than 200, not all DNS traffic; `not (http.status == 200)` shows both. Where a name stands for several values (either
 * side's header, all values of a list), == < contains =~ in hold when one of them fits, and != !~ not in, not contains
 * when there is one and none of them fits. Text is compared by bytes, with < and a number by its numeric value.
 * Of FIELD_CUSTOM values the first 4 KiB are looked at. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_ROUNDTRIP_FILTER_H
#define PACKETD_ROUNDTRIP_FILTER_H

#include "roundtrip/roundtrip.h"

#define FILTER_TEXT_MAX 16384 /* bytes of an expression */
#define FILTER_NAME_MAX 160

struct rt_filter;

/* 0, or -EINVAL with a message of several lines in `error` (what is wrong, what was expected, the nearest known name, the place
 * marked by a caret), or -ENOMEM. `protos` ends with NULL. */
int rt_filter_compile_for(const struct proto *const *protos, const char *text, struct rt_filter **ret, struct buf *error);
static inline int rt_filter_compile(const char *text, struct rt_filter **ret, struct buf *error)
{
	return rt_filter_compile_for(proto_all, text, ret, error);
}
/* NULL is fine. */
void rt_filter_free(struct rt_filter *f);
/* A NULL filter matches all. */
bool rt_filter_match(const struct rt_filter *f, const struct roundtrip *rt);

/* Calls `each` for every name an expression may use: common ones first, then the protocols'. */
void rt_filter_names(const struct proto *const *protos, void (*each)(void *arg, const char *name, const char *type, const char *meaning), void *arg);
/* What such a list calls this row: "http.status"; "http.request.size" when both sides have one. */
void rt_filter_field_name(const struct proto *p, const struct field *row, char out[FILTER_NAME_MAX]);
/* The language in a page of text, with all names. */
void rt_filter_help(const struct proto *const *protos, struct buf *out);

#endif
