/* Channels and consumers of a connection, and ranges of delivery tags. All live on the heap within three limits: channels and
 * consumers a connection, and bytes of all connections together. Past a limit a look-up that would add gives NULL, and the
 * caller does without. They are freed with the connection, or when their channel is closed. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_AMQP_CHANNEL_H
#define PACKETD_PROTO_AMQP_CHANNEL_H

#include "proto/amqp/amqp.h"

#define AMQP_CHANNELS_MAX 4096  /* brokers allow 2047 unless told otherwise */
#define AMQP_CONSUMERS_MAX 4096
#define AMQP_HEAP_MAX (64 * MIB) /* of all connections */

struct amqp_consumer {
	u64 key;
	u16 channel;
	bool no_ack;
	u8 queue_len;
	char queue[];
};

/* The channel of this number; a new one, joined late, when there is none and `add`. */
struct amqp_channel *amqp_channel_get(struct amqp_state *s, u16 number, bool add);
/* Calls `each` for every channel. */
void amqp_channels_each(struct parser *ps, struct amqp_state *s, void (*each)(struct parser *ps, struct amqp_state *s, struct amqp_channel *ch));
/* The channel is opened: nothing that was before it counts any more. Messages in progress have been seen to. */
void amqp_channel_reset(struct amqp_state *s, struct amqp_channel *ch, bool joined);
/* And is closed: it and its consumers are gone. */
void amqp_channel_remove(struct amqp_state *s, struct amqp_channel *ch);
/* Remembers the queue that an empty name stands for. */
void amqp_channel_set_queue(struct amqp_channel *ch, struct str queue);
void amqp_state_done(void *state);

struct amqp_consumer *amqp_consumer_get(const struct amqp_state *s, const struct amqp_channel *ch, struct str tag);
void amqp_consumer_add(struct amqp_state *s, struct amqp_channel *ch, struct str tag, struct str queue, bool no_ack);
void amqp_consumer_remove(struct amqp_state *s, const struct amqp_channel *ch, struct str tag);

/* False: the tag is one that should have been used up; the ranges begin anew with it. */
bool amqp_tags_add(struct amqp_tags *t, u64 tag);
/* This tag is settled. */
void amqp_tags_take(struct amqp_tags *t, u64 tag);
/* The lowest tag up to `upto`, taken out; false when there is none. */
bool amqp_tags_next(struct amqp_tags *t, u64 upto, u64 *ret_tag);
/* Nothing is outstanding, as far as can be told. */
static inline bool amqp_tags_empty(const struct amqp_tags *t)
{
	return !t->n || (t->n == 1 && t->range[0].first > t->range[0].last);
}
static inline u64 amqp_tags_highest(const struct amqp_tags *t)
{
	return t->n ? t->range[t->n - 1].last : 0;
}

/* Bytes on the heap now, of all connections. */
u64 amqp_heap_bytes(void);

#endif
