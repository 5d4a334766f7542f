/* The calls between the files of the AMQP decoder. See amqp.h. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_AMQP_READ_H
#define PACKETD_PROTO_AMQP_READ_H

#include "proto/amqp/amqp.h"
#include "proto/amqp/channel.h"

#define AMQP_METHOD_LOOK 4096        /* bytes of a method that are looked at; what matters comes before its tables */
#define AMQP_HEADER_LOOK (32 * KIB)  /* of a content header */

/* A method frame, or a preamble, that is being taken. */
struct amqp_unit {
	struct parser *ps;
	struct amqp_state *s;
	struct amqp_channel *ch; /* NULL: there are too many */
	const struct amqp_method *method; /* NULL: not in the table */
	struct amqp_args args;
	u64 end;   /* stream offset behind the frame */
	u32 size;  /* bytes of the frame, with head and end */
	u32 id;
	u16 channel;
	bool cut;  /* the arguments could not be read to their end */
};

/* message.c: messages from frames. */
struct amqp_message *amqp_message_begin(const struct amqp_unit *u, enum side side);
/* What the answer is about, where it does not say so itself. */
void amqp_message_inherit(struct amqp_message *a, const struct amqp_message *q);
void amqp_message_fail(struct amqp_message *m, const char *error);
/* Its reply code as an error. */
void amqp_message_fail_code(struct amqp_message *m, u16 code);
/* A response that belongs to no request. */
void amqp_message_orphan(const struct amqp_unit *u, struct amqp_message *a);
struct str amqp_copy(struct amqp_message *m, struct str s);

/* take.c: what a method does. */
void amqp_take(struct amqp_unit *u);
/* "AMQP" and a version, p[8]. True when the connection is to be handed over. */
bool amqp_take_preamble(struct amqp_unit *u, const u8 *p);
/* Bytes of this direction have been lost: what depended on them is forgotten. */
void amqp_after_loss(struct parser *ps, struct amqp_state *s);

/* order.c: replies and their requests on a channel. */
void amqp_order_request(const struct amqp_unit *u, struct amqp_message *q);
/* The waiting request that this reply answers, or NULL. */
struct amqp_message *amqp_order_reply(const struct amqp_unit *u);
/* Ends what this side's close leaves without an answer: requests of the other side on the channel. */
void amqp_order_refuse(const struct amqp_unit *u);
void amqp_order_refuse_all(const struct amqp_unit *u);

/* settle.c: confirms and acknowledgements. */
void amqp_publish(const struct amqp_unit *u, struct amqp_message *q);
void amqp_deliver(const struct amqp_unit *u, struct amqp_message *q);
void amqp_settle(const struct amqp_unit *u);
/* basic.return: the confirm that follows is that of the message it names. */
void amqp_note_return(const struct amqp_unit *u);
/* What is delivered, or published, and not settled will not be: the other side of `u` sent it. */
void amqp_abandon_delivered(const struct amqp_unit *u, const char *why);
void amqp_refuse_published(const struct amqp_unit *u);

/* content.c: content headers and bodies. */
void amqp_content_begin(const struct amqp_unit *u, struct amqp_message *m);
/* A header of `size` bytes on the wire, of which the cursor has (the beginning of) the payload. */
void amqp_content_header(struct parser *ps, struct amqp_channel *ch, struct rd *r, u32 size, u64 end);
void amqp_content_body(struct parser *ps, struct amqp_channel *ch, u32 payload, u64 end);
/* What is in progress in this direction is reported as far as it came. */
void amqp_content_cut(struct parser *ps, struct amqp_channel *ch, u8 dir);

/* The message is ended elsewhere. */
void amqp_content_forget(struct amqp_channel *ch, const struct message *m);

/* frame.c */
enum parse amqp_parse(struct parser *ps, struct chunk *c);
/* probe.c */
enum probe amqp_probe(const u8 *p, size_t n, enum side *side);
long amqp_resync(struct parser *ps, const struct chunk *c);
/* "0-9-1", "1.0"; empty: none that is known; NULL: these are no eight bytes of a preamble. */
const char *amqp_preamble_version(const u8 *p);
/* The frames that follow are those of this decoder (0-8, 0-9, 0-9-1). */
bool amqp_preamble_framed(const u8 *p);

/* table.c */
enum { AMQP_FIELDS = 91 };
extern const struct field amqp_fields[AMQP_FIELDS];
void amqp_describe(const struct message *m, struct buf *out);

#endif
