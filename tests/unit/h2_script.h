/* Writes HTTP/2 conversations for tests, with libnghttp2's encoder: header blocks are somebody else's, as on the wire.
 * A script owns its bytes; each call is one step of it (proto_feed.h). SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_TESTS_H2_SCRIPT_H
#define PACKETD_TESTS_H2_SCRIPT_H

#include "proto_feed.h"

#define SCRIPT_STEPS 512

enum { F_DATA, F_HEADERS, F_PRIORITY, F_RST, F_SETTINGS, F_PUSH, F_PING, F_GOAWAY, F_WINDOW, F_CONTINUATION };
enum { F_END = 1, F_ACKED = 1, F_END_HEADERS = 4, F_PAD = 8, F_PRIO = 0x20 };

struct h2_script {
	struct feed_step steps[SCRIPT_STEPS];
	size_t len;
	void *encoder[2]; /* nghttp2_hd_deflater */
};

/* The preface and both SETTINGS are there, unless `bare`. */
void script_init(struct h2_script *s, bool bare);
void script_done(struct h2_script *s);
void script_bytes(struct h2_script *s, u8 dir, const void *p, size_t n);
void script_frame(struct h2_script *s, u8 dir, u8 type, u8 flags, u32 stream, const void *payload, size_t n);
/* Fields as lines "name value". Encodes them; returns the bytes of the block in `out`. */
size_t script_block(struct h2_script *s, u8 dir, const char *fields, u8 *out, size_t room);
/* A HEADERS frame with END_HEADERS; `flags`: F_END. */
void script_headers(struct h2_script *s, u8 dir, u32 stream, u8 flags, const char *fields);
void script_data(struct h2_script *s, u8 dir, u32 stream, u8 flags, const void *p, size_t n);
/* The same as one HEADERS frame without END_HEADERS and CONTINUATIONs of at most `part` bytes. */
void script_split_headers(struct h2_script *s, u8 dir, u32 stream, u8 flags, const char *fields, size_t part);
/* A length-prefixed message of n bytes. */
void script_message(struct h2_script *s, u8 dir, u32 stream, u8 flags, u8 compressed, size_t n);
/* SETTINGS_HEADER_TABLE_SIZE of the other side has been acknowledged. */
void script_table_size(struct h2_script *s, u8 dir, size_t n);

#define GET_LINES ":method GET\n:scheme http\n:authority shop.example\n"
#define CALL_LINES ":method POST\n:scheme http\n:authority cart:50051\ncontent-type application/grpc\nte trailers\n"

#endif
