/* HPACK (RFC 7541), the decoding side, for somebody who may have missed the beginning.
 *
 * One `struct hpack` a direction: the dynamic table of whoever sends there. It owns its memory, which grows to what is used, never
 * past HPACK_TABLE_MAX of entries; hpack_done frees it. Entries are counted from the newest, so a table of which older entries are
 * unknown stays exact for those inserted since: what they cannot say is marked as unknown, never guessed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_HTTP2_HPACK_H
#define PACKETD_PROTO_HTTP2_HPACK_H

#include "util/base.h"

#define HPACK_BLOCK_MAX (56 * KIB)  /* bytes of a header block that is read */
#define HPACK_FIELDS_MAX 256        /* fields kept of a block */
#define HPACK_TABLE_MAX (64 * KIB)  /* size of a dynamic table as the RFC counts it */
#define HPACK_TABLE_DEFAULT 4096
#define HPACK_MOVED_MAX (8 * KIB)   /* bytes of strings that outlive the table entries they come from */
#define HPACK_SCRATCH (HPACK_BLOCK_MAX * 8 / 5 + HPACK_MOVED_MAX) /* Huffman codes have 5 bits or more */

/* Names that mean something here. */
enum hpack_name {
	NAME_OTHER, NAME_AUTHORITY, NAME_METHOD, NAME_PATH, NAME_PROTOCOL, NAME_SCHEME, NAME_STATUS, /* pseudo-headers up to here */
	NAME_AUTHORIZATION, NAME_B3, NAME_B3_FLAGS, NAME_B3_SAMPLED, NAME_B3_SPAN_ID, NAME_B3_TRACE_ID, NAME_CONNECT_TIMEOUT,
	NAME_CONNECT_VERSION, NAME_CONTENT_TYPE, NAME_COOKIE, NAME_GRPC_ENCODING, NAME_GRPC_MESSAGE, NAME_GRPC_STATUS, NAME_GRPC_TIMEOUT,
	NAME_HOST, NAME_SET_COOKIE, NAME_TRACEPARENT, NAME_URL, NAME_USER_AGENT,
};

enum hpack_flag {
	HPACK_NO_NAME = 1,  /* the name is not known, for its table entry was not seen */
	HPACK_NO_VALUE = 2, /* nor the value */
	HPACK_FIXED_NAME = 4,  /* it lies in the static table */
	HPACK_FIXED_VALUE = 8,
};

struct hpack_field {
	struct str name, value; /* in the block, the static table, or scratch: valid until the next block */
	u8 id;                  /* enum hpack_name */
	u8 flags;               /* enum hpack_flag */
};

/* What a block holds. Large: one on the stack, not zeroed. */
struct hpack_fields {
	u32 n;
	u32 dropped; /* more than are kept */
	u32 unknown; /* of which a name or a value is not known */
	u32 longest; /* the reader's: bytes that are kept of a string */
	u32 scratch_n;
	u32 moved;   /* bytes in scratch that came from the table */
	struct hpack_field v[HPACK_FIELDS_MAX];
	u8 scratch[HPACK_SCRATCH];
};

struct hpack_entry {
	u32 at; /* of its name in the table's bytes, counted from the first ever; the value follows */
	u32 name_n, value_n;
	u8 id, flags;
};

struct hpack {
	u8 *bytes;                  /* those of live entries, oldest first */
	struct hpack_entry *entries; /* ring */
	u32 bytes_cap, entries_cap; /* entries_cap: power of two, or 0 */
	u32 base, end;              /* `at` of bytes[0], and of what is inserted next */
	u32 first, count;           /* oldest entry's place in the ring */
	u32 size, max;              /* as the RFC counts them: bytes and 32 an entry */
	bool whole;                 /* every entry that a block may refer to is here */
};

/* An empty table: `whole` at the beginning of a connection, else one of which nothing is known. */
void hpack_init(struct hpack *h, bool whole);
void hpack_done(struct hpack *h);
/* Blocks were missed: nothing is known of the table any more. */
void hpack_forget(struct hpack *h);
/* Reads a whole header block. False when it is none: the fields before the error are there, the table is forgotten. */
bool hpack_read(struct hpack *h, const u8 *p, size_t n, struct hpack_fields *ret);

/* hpack_table.c */
/* The entry of index 62 + i; NULL when it is not known. */
const struct hpack_entry *hpack_entry_at(const struct hpack *h, u32 i);
struct str hpack_entry_name(const struct hpack *h, const struct hpack_entry *e);
struct str hpack_entry_value(const struct hpack *h, const struct hpack_entry *e);
/* Inserts a field, whose strings may be those of an entry. Fields of *list that point into the table stay valid. */
void hpack_insert(struct hpack *h, const struct hpack_field *f, struct hpack_fields *list);
void hpack_resize(struct hpack *h, u32 max);

/* hpack_names.c */
/* Index 1 to 61. */
const struct hpack_field *hpack_static(u32 index);
#define HPACK_STATIC 61
enum hpack_name hpack_name_of(struct str name);

/* hpack_huffman.c */
/* Decodes n bytes into out; bytes written, or -1 for what is no Huffman code or does not fit. */
long hpack_huffman(const u8 *p, size_t n, u8 *out, size_t room);

#endif
