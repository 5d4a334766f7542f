/* Compressed connections: frames of zlib or zstd, or of bytes as they are, in which packets lie without regard to the frames.
 * A decompressor lives from the first frame that needs it until the connection ends; there are MYSQL_UNPACKERS_MAX in the program at
 * the most. What a frame holds is decompressed piece by piece and thrown away. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_MYSQL_UNPACK_H
#define PACKETD_PROTO_MYSQL_UNPACK_H

#include "proto/mysql/read.h"

#define MYSQL_FRAME_HEADER 7u  /* bytes: length (3), sequence number, length of what is in it (3; 0: it is not compressed) */
#define MYSQL_UNPACKERS_MAX 1024

/* Reads the chunk as frames, and what is in them as packets. */
enum parse mysql_frames(struct parser *ps, struct mysql_state *s, struct chunk *c);
/* What was half read in this lane is gone. */
void mysql_unpack_reset(struct mysql_state *s, u32 lane);
void mysql_unpack_free(struct mysql_state *s);

#endif
