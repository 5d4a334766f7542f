/* A protocol's field table as the steps that print one of its objects. Internal to roundtrip/.
 * A program is constant once it is compiled, and lives as long as the process. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_ROUNDTRIP_JSON_PROGRAM_H
#define PACKETD_ROUNDTRIP_JSON_PROGRAM_H

#include "proto/proto.h"

#define JSON_DEPTH 8    /* objects within objects */
#define JSON_KEY_PAD 16 /* keys may be copied in pieces of this size */

enum json_code {
	JSON_OPEN = 64, /* an object begins; below: a leaf of this enum field_type */
	JSON_CLOSE,
	JSON_END,
};

struct json_op {
	u8 code;
	u8 shapes;    /* of the field; JSON_CLOSE: of the FIELD_OBJECT row, when there is one */
	bool omit;    /* leave out when empty; JSON_CLOSE: leave out, instead of null */
	u8 key_len;
	bool statement; /* the text of a statement that may hold personal data, or one that quotes it */
	bool literals;  /* what stood in one */
	u16 offset;   /* in the message */
	u16 row;      /* in the protocol's table */
	const char *key; /* ,"Name": padded to a multiple of JSON_KEY_PAD */
	const char *constant;
	bool (*write)(struct buf *out, const struct message *m);
};

struct json_program {
	const struct proto *proto;
	bool statements; /* there are rows that hold one, or literals of one */
	const struct json_op *side[2];
};

/* NULL without memory or for a wrong table. The caller keeps it for good. */
struct json_program *json_program_new(const struct proto *p);
void json_program_free(struct json_program *p);

#endif
