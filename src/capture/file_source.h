/* The bytes of a capture file as one stream: plain, gzip (any number of members) or zstd (any number of frames),
 * told apart by their first bytes, never by name; "-" is standard input. A source belongs to one reader and one
 * thread; source_close frees all. Memory: one input buffer and what zlib or zstd needs (a zstd window of at most 128 MiB).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CAPTURE_FILE_SOURCE_H
#define PACKETD_CAPTURE_FILE_SOURCE_H

#include <sys/types.h>

#include "util/base.h"

struct file_source;

/* `wait_ms`: longest wait of a read from a pipe. The reason of a failure in error[]. */
int source_open(const char *path, u32 wait_ms, struct file_source **ret, char error[256]);
void source_close(struct file_source *s);
/* Up to n unpacked bytes: how many; 0 at the end; -EAGAIN when a pipe has none yet; otherwise broken. */
ssize_t source_read(struct file_source *s, u8 *to, size_t n);
/* What was odd (packed data cut short, rubbish behind them) or broke the source, as a sentence; NULL when all is well. */
const char *source_problem(const struct file_source *s);
/* "dump.pcap" or "standard input", for sentences. */
const char *source_name(const struct file_source *s);
/* True when offsets in the stream are not offsets in the file. */
bool source_packed(const struct file_source *s);
/* True when reading never waits for somebody else. */
bool source_is_file(const struct file_source *s);
/* Bytes read of the file itself, and how many there are in all (0: not known). */
u64 source_bytes(const struct file_source *s);
u64 source_total(const struct file_source *s);

#endif
