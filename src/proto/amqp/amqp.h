/* What the files of the AMQP 0-9-1 decoder share: its messages, its state of a connection and of a channel.
 * Messages belong to their arena (proto/message.h). Channels and consumers belong to the connection's state, within the limits of
 * channel.h; a channel points to messages in progress only. One thread per connection. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_AMQP_AMQP_H
#define PACKETD_PROTO_AMQP_AMQP_H

#include "proto/amqp/method.h"
#include "proto/proto.h"

#define AMQP_END 0xce      /* the octet behind every frame */
#define AMQP_FRAME_HEAD 7  /* type, channel, size */
#define AMQP_OVERHEAD 8    /* and the end octet */
#define AMQP_PREAMBLE 8    /* "AMQP" and a version */

enum amqp_frame { FRAME_METHOD = 1, FRAME_HEADER = 2, FRAME_BODY = 3, FRAME_HEARTBEAT = 8 };

enum amqp_shape { SHAPE_PLAIN, SHAPE_PACKET }; /* PACKET: there is an exchange, a routing key or a queue to show */

/* A request or a response: both have the same fields. */
struct amqp_message {
	struct message m;
	struct str class_name, method, full; /* "Basic", "Publish", "Basic.Publish" */
	const char *operation;
	const char *frame_type, *err_code;
	struct str exchange, routing_key, queue, destination, consumer_tag, reply_text, virtual_host, mechanism, version;
	/* Properties of a content. */
	struct str content_type, content_encoding, correlation_id, reply_to, expiration, message_id, type, user_id, app_id;
	struct pairs headers;
	u64 timestamp, body_size, delivery_tag;
	u32 messages, consumers;
	u16 channel, reply_code;
	u8 delivery_mode, priority;
	bool redelivered, mandatory, multiple, requeue, no_ack;
	u64 route;    /* of the decoder: hash of exchange and routing key of a mandatory publish */
};

/* How delivery tags of a channel are known to lie: what is not settled is within these ranges. */
#define AMQP_RANGES 4
struct amqp_tags {
	struct {
		u64 first, last;
	} range[AMQP_RANGES];
	u64 suspect; /* bytes were lost when this was the highest: settlements up to here may have been among them */
	u8 n;
};

/* What is known of the requests of one side on a channel, so that their replies can be told apart after losses. */
struct amqp_order {
	u64 active_ts;
	u32 open;      /* requests without a reply yet */
	u8 epoch;      /* part of their keys: older ones are answered no more */
	u8 rounds;     /* times in a row that a request was sent only when nothing was open */
	bool pipelines;
	bool unsure;   /* requests may have been lost: the next replies may be theirs */
	bool suspect;  /* replies may have been lost while requests were open */
	bool spoiled;  /* both: pairs cannot be told until the channel has been silent */
};

enum amqp_confirms {
	CONFIRMS_OFF,
	CONFIRMS_ON,      /* the number of the next publish is known */
	CONFIRMS_UNKNOWN, /* joined late: whether they are on is not known */
	CONFIRMS_UNSURE,  /* they are on, the number of the next publish is not known */
};

enum amqp_candidate { CANDIDATE_NONE, CANDIDATE_ONE, CANDIDATE_SPOILED };

struct amqp_channel {
	struct amqp_message *content[2]; /* in progress, by direction; what nobody sees is NULL */
	u64 content_left[2]; /* body bytes to come */
	struct amqp_tags published, delivered;
	u64 next_publish;    /* its number, under CONFIRMS_ON */
	u64 confirm_ts;      /* latest publish or confirm */
	u32 candidates;      /* there have been */
	u64 returned;        /* hash of exchange and routing key of a message just returned; 0 none */
	struct amqp_order order[2]; /* by the direction of the requests */
	char *queue;         /* last one declared, on the heap */
	u16 returned_code;
	u16 number;
	u8 generation;       /* part of keys: tags of a closed channel mean nothing in the next one */
	u8 confirms;         /* enum amqp_confirms */
	u8 candidate;        /* enum amqp_candidate: a publish whose number the next confirm may tell */
	u8 serial;           /* publishes in a row that were sent when all before were confirmed */
	u8 queue_len;
	bool content_body[2]; /* the content header has been read */
	bool joined;         /* its opening, or something since, was not seen */
	bool published_any, client_settles, consumes;
	bool closing_by_server; /* what the client still sends is thrown away */
};

enum amqp_phase {
	PHASE_FRAME,  /* at the first byte of a frame, or of the preamble */
	PHASE_PASSED, /* behind a frame whose end was skipped */
	PHASE_OTHER,  /* it speaks another protocol, and waits for what the server says to that */
};

struct amqp_direction {
	u32 size;     /* of the frame that was skipped */
	u16 channel;
	u8 type;
	u8 phase;     /* enum amqp_phase */
	bool lost;    /* bytes have been lost since the last frame */
};

struct amqp_map {
	struct amqp_slot *slots;
	u32 n, cap;
};

struct amqp_state {
	struct amqp_direction dir[2];
	struct amqp_map channels, consumers;
	struct amqp_channel *last; /* the channel looked up last */
	struct amqp_message *header; /* the client's preamble, until the server accepts it */
	u32 frame_max;   /* 0: no limit, or not known */
	u8 generation;   /* of the newest channel */
	bool tuned;      /* frame_max is what the two agreed on */
	bool whole;      /* begun with its preamble */
	bool roles_known; /* a method that only one side sends has been seen */
	bool closing;    /* connection.close has been told to those who wait */
};

/* Keys of waiting requests. */
enum amqp_key { KEY_METHOD, KEY_PUBLISH, KEY_UNNUMBERED, KEY_DELIVER };
#define AMQP_KEY_PREAMBLE (UINT64_MAX - 1)
#define AMQP_TAG_BITS 40
#define AMQP_KIND_SHIFT 61

static inline u64 amqp_key(enum amqp_key kind, const struct amqp_channel *ch, u64 value)
{
	return (u64)kind << AMQP_KIND_SHIFT | (u64)(ch->generation & 31) << 56 | (u64)ch->number << AMQP_TAG_BITS | (value & ((1ull << AMQP_TAG_BITS) - 1));
}

#endif
