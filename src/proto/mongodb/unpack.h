/* Takes the bytes of a compressed message apart as they arrive, within a fixed amount of memory: the compressor's own and UNPACK_ROOM.
 * An unpacker belongs to whoever got it, until unpack_free. At most UNPACK_MAX a thread; one is kept for the next message.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MONGODB_UNPACK_H
#define PACKETD_PROTO_MONGODB_UNPACK_H

#include "util/base.h"

#define UNPACK_MAX 16u
#define UNPACK_ROOM (160 * KIB)

struct unpacker;

enum unpack_result {
	UNPACK_OK,    /* bytes were taken or made */
	UNPACK_STUCK, /* neither: there is no input left, or the data has ended */
	UNPACK_BAD,   /* not such data, or too large a window */
};

/* `compressor`: enum mongo_compressor. NULL at the cap, without memory, or for no known one. */
struct unpacker *unpack_new(u8 compressor);
void unpack_free(struct unpacker *u);
/* Reads some of the n bytes at p; *ret_used says how many. */
enum unpack_result unpack_feed(struct unpacker *u, const u8 *p, size_t n, size_t *ret_used);
/* What has been made and not been taken; valid until the next call. */
const u8 *unpack_bytes(const struct unpacker *u, size_t *ret_n);
void unpack_take(struct unpacker *u, size_t n);
/* The next n bytes to be made are not wanted. */
void unpack_skip(struct unpacker *u, u64 n);
/* Are there such bytes that have not been made yet? */
bool unpack_skips(const struct unpacker *u);
/* Bytes made so far. */
u64 unpack_made(const struct unpacker *u);

#endif
