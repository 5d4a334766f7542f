/* Topics: their ids, and the sessions in which they are not named again. */
#include "proto/kafka/kafka.h"

#include <stdlib.h>

static u32 id_set(const u8 id[16])
{
	u64 h = (be64(id) ^ be64(id + 8) * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;
	return (u32)(h >> 40) % KAFKA_ID_SETS;
}

bool kafka_id_is_zero(const u8 id[16])
{
	return (be64(id) | be64(id + 8)) == 0;
}

void kafka_id_learn(struct kafka_shared *shared, const u8 id[16], struct str name)
{
	if (!shared || kafka_id_is_zero(id) || !name.n || name.n > KAFKA_TOPIC_MAX)
		return;
	struct kafka_id *set = shared->ids[id_set(id)], *into = set;
	for (u32 i = 0; i < KAFKA_ID_WAYS; i++) {
		if (set[i].stamp && memcmp(set[i].id, id, 16) == 0) {
			into = &set[i];
			break;
		}
		into = set[i].stamp < into->stamp ? &set[i] : into;
	}
	memcpy(into->id, id, 16);
	into->n = (u8)name.n;
	into->stamp = ++shared->stamp ? shared->stamp : (shared->stamp = 1);
	memcpy(into->name, name.p, name.n);
}

struct str kafka_id_name(const struct kafka_shared *shared, const u8 id[16])
{
	const struct kafka_id *set = shared ? shared->ids[id_set(id)] : NULL;
	for (u32 i = 0; set && i < KAFKA_ID_WAYS; i++)
		if (set[i].stamp && memcmp(set[i].id, id, 16) == 0)
			return str_make(set[i].name, set[i].n);
	return (struct str){ 0 };
}

/* Kafka's tools write ids in the URL-safe alphabet of base 64, without padding. */
struct str kafka_id_text(struct arena *a, const u8 id[16])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char text[22];
	u32 n = 0, bits = 0, have = 0;
	for (u32 i = 0; i < 16; i++) {
		bits = bits << 8 | id[i];
		for (have += 8; have >= 6; have -= 6)
			text[n++] = digits[bits >> (have - 6) & 63];
	}
	text[n++] = digits[bits << (6 - have) & 63];
	return arena_str(a, text, n);
}

void *kafka_list_room(struct arena *a, void *list, u32 n, size_t size)
{
	enum { FIRST = 4 };
	if (n % FIRST || (n & (n - 1)))
		return list;
	void *more = arena_alloc(a, MAX(2 * n, FIRST) * size);
	if (more && n)
		memcpy(more, list, n * size);
	return more;
}

void kafka_topic_add(struct kafka_request *q, struct str name)
{
	u32 most = q->opt->max_records ? q->opt->max_records : 64;
	for (u32 i = q->topics.n; i-- > 0;)
		if (str_eq(q->topics.v[i], name))
			return;
	q->topics_seen++;
	if (q->topics.n >= most)
		return;
	struct str *v = kafka_list_room(&q->m.arena, q->topics.v, q->topics.n, sizeof(*v));
	struct str kept = v ? arena_str(&q->m.arena, name.p, name.n) : (struct str){ 0 };
	if (!kept.n)
		return;
	q->topics.v = v;
	q->topics.v[q->topics.n++] = kept;
	if (!q->topic.n)
		q->topic = kept;
}

static void session_add(struct kafka_session *s, struct str name)
{
	for (u32 i = 0; i < s->n; i += 1u + s->names[i])
		if (s->names[i] == name.n && memcmp(&s->names[i + 1], name.p, name.n) == 0)
			return;
	if (name.n > UINT8_MAX || s->n + 1 + name.n > sizeof(s->names))
		return;
	s->names[s->n] = (u8)name.n;
	memcpy(&s->names[s->n + 1], name.p, name.n);
	s->n += 1 + (u32)name.n;
}

void kafka_session_use(struct kafka_state *s, struct kafka_request *q)
{
	struct kafka_session *session = s->session;
	if (q->session_epoch <= 0 || q->session == 0)
		return;
	if (!session || session->id != q->session) {
		q->m.flags |= MSG_PARTIAL; /* begun before our time */
		return;
	}
	session->unnamed |= q->m.flags & MSG_PARTIAL;
	q->m.flags |= session->unnamed ? MSG_PARTIAL : 0;
	for (u32 i = 0; i < q->topics.n; i++)
		session_add(session, q->topics.v[i]);
	for (u32 i = 0; i < session->n; i += 1u + session->names[i])
		kafka_topic_add(q, str_make(&session->names[i + 1], session->names[i]));
}

void kafka_session_begin(struct kafka_state *s, const struct kafka_request *q, const struct kafka_response *a)
{
	if (a->session == 0 || q->session_epoch != 0)
		return;
	if (!s->session)
		s->session = malloc(sizeof(*s->session));
	if (!s->session)
		return;
	s->session->id = a->session;
	s->session->n = 0;
	s->session->unnamed = q->m.flags & MSG_PARTIAL;
	for (u32 i = 0; i < q->topics.n; i++)
		session_add(s->session, q->topics.v[i]);
}
