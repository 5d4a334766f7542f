/* Drives one protocol's parser as the flow and session layers do, and writes down what it says.
 *
 * A script is a conversation: steps in the order of time, each sent by one side, step i at FEED_BASE + (i + 1) ms. The log of a
 * run has one block an exchange, in the order they ended: a line "outcome describe(request) -> describe(response)", then a
 * line per field, "  > Name=value" of the request and "  < Name=value" of the response. Messages that belong to nothing are
 * "orphan", and "handover" and "not mine" have lines of their own.
 *
 * The log does not depend on segmentation, so logs can be compared as text. Logs and buffers returned are malloc'ed; the
 * caller frees them. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_TESTS_PROTO_FEED_H
#define PACKETD_TESTS_PROTO_FEED_H

#include "proto/proto.h"

#define FEED_BASE (1700000000 * NS_PER_SEC)

enum { FEED_CLIENT, FEED_SERVER }; /* directions of a script: DIR_A and DIR_B */

struct feed_step {
	u8 dir;
	bool fin; /* after these bytes (there may be none) the side ends */
	const void *p;
	size_t n;
};

#define CLIENT(literal) { FEED_CLIENT, false, literal, sizeof(literal) - 1 }
#define SERVER(literal) { FEED_SERVER, false, literal, sizeof(literal) - 1 }
#define CLIENT_FIN { FEED_CLIENT, true, "", 0 }
#define SERVER_FIN { FEED_SERVER, true, "", 0 }

struct feed_options {
	const struct proto_options *opt; /* NULL: everything on but bodies and parameters' values, secrets masked */
	bool datagram;    /* a step is one datagram */
	bool multicast;   /* datagrams of the client go to a group */
	bool roles_known; /* the session knows from the SYN who sends requests; false: DIR_NONE at the start */
	bool no_ack;      /* chunk.acked is STREAM_ACK_UNKNOWN */
	u16 server_port;  /* ps->port; 0: the protocol's first */
};

/* What is done to the script on its way. All zero: each step in one piece. */
struct feed_plan {
	size_t cut_at;      /* this byte (counted over the script) begins a new segment; 0 none */
	bool bytes;         /* every byte is a segment */
	size_t hole_at;     /* with hole_len: these bytes are never delivered (within one step) */
	size_t hole_len;
	size_t join_at;     /* everything before this byte came before the capture began; 0 none */
	size_t snap;        /* datagrams: bytes kept of each; 0 all */
};

/* One run. */
char *feed_run(const struct proto *proto, const struct feed_step *steps, size_t len, const struct feed_options *opt, const struct feed_plan *plan);

/* Whole, split at every byte, byte by byte: the same log, which is returned. Then with a hole (of 1 byte, and of the rest of the
 * step) at each byte and joined at each byte: every exchange answered and not partial is one of the whole log. Datagrams: whole,
 * each cut short at every length, each left out. */
char *feed_all(const struct proto *proto, const struct feed_step *steps, size_t len, const struct feed_options *opt);

/* The first lines of the blocks only, without field lines: what happened, at a glance. */
char *feed_brief(const char *log);
/* Number of blocks of `log` that start with "answered" and are not partial. */
size_t feed_answered(const char *log);

/* assert_string_equal on the brief of feed_all's log; returns the log. */
char *feed_check(const struct proto *proto, const struct feed_step *steps, size_t len, const struct feed_options *opt, const char *brief);
/* The log has this line ("  < StatusCode=200"), or (feed_lacks) has not. Fails with the log printed. */
void feed_has(const char *log, const char *line);
void feed_lacks(const char *log, const char *line);

#define FEED_CHECK(proto, steps, opt, brief) feed_check(proto, steps, ARRAY_LEN(steps), opt, brief)

#endif
