/* parser_ops for tests: keeps messages, pairs them, writes the log. Part of proto_feed; see there.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_TESTS_PROTO_RECORD_H
#define PACKETD_TESTS_PROTO_RECORD_H

#include "proto/proto.h"

struct kept;

struct recorder {
	struct parser ps; /* first: the ops find the recorder by it */
	struct kept *kept; /* all live messages, oldest first */
	struct message *waiting; /* requests open and unanswered, oldest first, through message.next */
	struct arena_pool pool;
	struct buf log;
	bool stopped;    /* after a handover, not mine */
	bool pipelined;  /* more than one request has been waiting at a time */
	bool gapped;     /* bytes have been lost: the order of what was pipelined proves nothing any more */
	bool tainted;    /* request bytes have been lost: those sent before the client got more than gap_server are not to be paired */
	u64 gap_server;
};

void recorder_init(struct recorder *r, const struct proto *proto, const struct proto_options *opt);
/* Bytes are missing in this direction, up to offset `end`: what was in progress there is over. `other`: what its
 * sender may have received of the other direction. */
void recorder_gap(struct recorder *r, u8 dir, u64 end, u64 other);
/* The capture ended; dir_fin: sides that sent a FIN. */
void recorder_end(struct recorder *r, const bool fin[2]);
void recorder_done(struct recorder *r);

/* proto_print.c: the block's lines. */
void log_message(struct buf *out, const struct proto *proto, const struct message *m);

#endif
