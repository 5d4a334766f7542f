/* The connections of the HTTP server and their deadlines: a request has to arrive, and its answer to be taken, within a time,
 * however little of it comes in between. When nearly all places are taken, those who still owe a request have two seconds.
 * A thread of its own ends what is overdue. Thread-safe. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_SERVER_CONNS_H
#define PACKETD_SERVER_CONNS_H

#include "util/base.h"

enum conn_phase {
	CONN_READING, /* waits for a request, or for the rest of it */
	CONN_WORKING, /* an answer is being made, or is a stream that ends by itself */
	CONN_WRITING, /* the answer is being taken */
};

struct conns;
struct conns_entry;

/* `limit` connections at the most; `timeout` in ns, 0: only when places are short. NULL without memory or a thread. */
struct conns *conns_new(u32 limit, u64 timeout);
/* All connections have been removed. NULL is fine. */
void conns_free(struct conns *c);
/* The socket stays the caller's and open until it is removed. Begins with CONN_READING. NULL when there are too many, or no memory. */
struct conns_entry *conns_add(struct conns *c, int fd);
/* NULL is fine, here and below. */
void conns_remove(struct conns *c, struct conns_entry *e);
void conns_phase(struct conns *c, struct conns_entry *e, enum conn_phase phase);

#endif
