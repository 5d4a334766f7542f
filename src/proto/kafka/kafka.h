/* What the files of the Kafka decoder share: its messages, its state of a connection, the names of topic ids.
 * Messages belong to their arena (proto/message.h); the state belongs to the connection and points to messages in progress only;
 * the table of topic ids belongs to the worker. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_PROTO_KAFKA_KAFKA_H
#define PACKETD_PROTO_KAFKA_KAFKA_H

#include "proto/kafka/walk.h"
#include "proto/proto.h"

#define KAFKA_TOPIC_MAX 249      /* bytes of a topic's name */
#define KAFKA_FRAME_MAX (1u << 30) /* bytes of a request; servers refuse less than that */
#define KAFKA_SESSION_BYTES 2000 /* names of topics remembered for a fetch session */

struct kafka_request {
	struct message m;
	const struct kafka_api *api; /* NULL: unknown key */
	struct str api_name;
	struct str client_id, group, txn;
	struct str topic;       /* the first */
	struct strs topics;     /* all, up to a cap */
	struct str coordinator; /* FindCoordinator: whose */
	struct str mechanism;   /* SaslHandshake */
	struct str software, software_version;
	const char *acks;       /* Produce */
	const char *compression;
	u64 records, bytes;
	u64 max_wait;           /* Fetch: ns */
	u32 partitions;
	u32 topics_seen;        /* one after another, all of them */
	i32 correlation;
	i16 key, version;
	bool version_unknown;
	bool malformed;

	/* Of the decoder: */
	u32 losses;             /* kafka_state.losses of the answers' direction when it was sent */
	i32 session, session_epoch;
	const struct proto_options *opt;
	struct kafka_shared *shared;
};

struct kafka_failure {
	struct str topic;
	i32 partition; /* -1: of the topic, or the whole */
	i16 code;
};

struct kafka_response {
	struct message m;
	const struct kafka_api *api;
	struct str error_code;  /* "NoError", "UnknownTopicOrPartition"; empty when not known */
	struct kafka_failure *failures;
	u32 failures_len;       /* kept */
	u32 failures_seen;
	const char *compression;
	u64 records, bytes;
	i32 correlation;
	i16 key, version;
	i16 first_error;
	bool malformed;

	/* Of the decoder: */
	i32 session;            /* Fetch */
	const struct proto_options *opt;
	struct kafka_shared *shared;
};

/* Names of topic ids, learnt from Metadata and CreateTopics answers: sets of four, the oldest makes room. */
#define KAFKA_ID_SETS 1024
#define KAFKA_ID_WAYS 4

struct kafka_id {
	u8 id[16];
	u32 stamp; /* 0: unused */
	u8 n;
	char name[KAFKA_TOPIC_MAX];
};

/* What the connections of a worker know together. */
struct kafka_shared {
	u32 stamp;
	struct kafka_id ids[KAFKA_ID_SETS][KAFKA_ID_WAYS];
};

/* A fetch session (KIP-227): its later requests name changed topics only. */
struct kafka_session {
	i32 id;
	u32 n;    /* bytes of names: each a length byte and so many more */
	bool unnamed; /* some are ids whose names are not known */
	u8 names[KAFKA_SESSION_BYTES];
};

/* One direction. */
struct kafka_side {
	struct message *m;       /* in progress; NULL: none, or a frame that is passed over */
	struct kafka_walk *walk; /* in m's arena; NULL: the rest is passed over */
	u64 end;                 /* stream offset of the frame's end */
	bool inside;             /* of a frame */
	bool end_known;          /* bytes were lost within a frame: the next begins at `end` */
};

struct kafka_state {
	struct kafka_side side[2];
	struct kafka_session *session;
	u32 losses[2];   /* times bytes of a direction were lost or made no sense */
	u32 tokens_sent, tokens_answered; /* SASL tokens without a header, after a SaslHandshake of version 0 */
	u32 client_hash; /* of the last client id; 0: none seen */
	bool tokens;     /* the client may send such */
};

/* kafka.c */
/* The verdict over one frame of a client, for probe.c. */
enum kafka_frame { FRAME_NO, FRAME_MORE, FRAME_FITS, FRAME_PROVED };
struct kafka_head {
	i32 size, correlation;
	i16 key, version, client_n;
	const struct kafka_api *api;
	size_t length; /* of these fields, the client id included */
};

/* probe.c */
/* Reads the beginning of a request; FRAME_FITS when it could be one. */
enum kafka_frame kafka_head_read(const u8 *p, size_t n, struct kafka_head *ret_head);
/* Is it one that exists, with a layout that fits as far as can be seen? FRAME_PROVED when all of it is here. The bytes looked at are
 * taken from *work; with none left it is FRAME_NO. */
enum kafka_frame kafka_head_judge(const u8 *p, size_t n, const struct kafka_head *h, size_t *work);
enum probe kafka_probe(const u8 *p, size_t n, enum side *side);
long kafka_resync(struct parser *ps, const struct chunk *c);
u32 kafka_client_hash(const u8 *p, size_t n);

/* topics.c */
void kafka_id_learn(struct kafka_shared *shared, const u8 id[16], struct str name);
/* Empty when it is not known. */
struct str kafka_id_name(const struct kafka_shared *shared, const u8 id[16]);
bool kafka_id_is_zero(const u8 id[16]);
/* As people write it. */
struct str kafka_id_text(struct arena *a, const u8 id[16]);
/* A list of n items of `size` bytes, with room for another: it doubles when it is full. NULL without memory. */
void *kafka_list_room(struct arena *a, void *list, u32 n, size_t size);
/* Adds a topic to the request's list unless it is there. */
void kafka_topic_add(struct kafka_request *q, struct str name);
/* A fetch request is read: what its session is about. */
void kafka_session_use(struct kafka_state *s, struct kafka_request *q);
/* A fetch answer is read: it may have begun a session. */
void kafka_session_begin(struct kafka_state *s, const struct kafka_request *q, const struct kafka_response *a);

/* fields.c */
enum { KAFKA_FIELDS = 38 };
extern const struct field kafka_fields[KAFKA_FIELDS];
void kafka_describe(const struct message *m, struct buf *out);
/* UNKNOWN_TOPIC_OR_PARTITION -> UnknownTopicOrPartition */
struct str kafka_error_text(struct arena *a, i16 code);

#endif
