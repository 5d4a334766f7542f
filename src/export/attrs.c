#include "export/attrs.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "export/statement.h"
#include "net/net.h"
#include "roundtrip/json.h"
#include "util/timefmt.h"

#define HEADERS_MAX 64        /* of a message, that are exported */
#define HEADER_CACHE 512
#define HEADER_NAME_MAX 64
#define SCRATCH_MAX (256 * KIB)
#define KEY_CHUNK 32u         /* keys are copied so much at a time: most are not longer, and a copy of known length is no call */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* A header's attribute key, as it stands on the wire. */
struct header_key {
	u64 hash; /* 0: empty */
	bool secret;
	u8 len;
	char key[2 + 62 + HEADER_NAME_MAX + KEY_CHUNK];
};

struct host_text {
	struct ip_addr addr;
	u8 len;
	char text[46];
};

struct attrs {
	struct attr_plan *plans[PROTO_MAX];
	struct buf scratch;
	struct host_text hosts[2];
	u32 headers_len;
	struct header_key headers[HEADER_CACHE];
};

struct attrs *attrs_new(void)
{
	struct attrs *a = calloc(1, sizeof(*a));
	if (a)
		a->scratch.max = SCRATCH_MAX;
	return a;
}

static void plan_free(struct attr_plan *plan)
{
	for (u32 i = 0; plan && i < plan->n; i++)
		free((void *)(uintptr_t)plan->rows[i].key);
	free(plan);
}

void attrs_free(struct attrs *a)
{
	if (!a)
		return;
	for (unsigned i = 0; i < PROTO_MAX; i++)
		plan_free(a->plans[i]);
	buf_done(&a->scratch);
	free(a);
}

/* --- what a table says --- */

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void note_row(struct attr_plan *plan, const struct field *f)
{
	static const struct {
		const char *otel;
		size_t member;
		u8 family;
	} roles[] = {
#define ROLE(otel, member, family) { otel, offsetof(struct attr_plan, member), family }
		ROLE("db.query.summary", summary, FAMILY_DB),
		ROLE("http.request.method", operation, FAMILY_HTTP),
		ROLE("rpc.method", operation, FAMILY_RPC),
		ROLE("db.operation.name", operation, FAMILY_DB),
		ROLE("messaging.operation.name", operation, FAMILY_MESSAGING),
		ROLE("dns.question.name", operation, FAMILY_DNS),
		ROLE("http.route", target, FAMILY_HTTP),
		ROLE("db.collection.name", target, FAMILY_DB),
		ROLE("messaging.destination.name", target, FAMILY_MESSAGING),
		ROLE("rpc.service", service, FAMILY_RPC),
		ROLE("messaging.operation.type", operation_type, FAMILY_MESSAGING),
		ROLE("http.response.status_code", status, FAMILY_HTTP),
#undef ROLE
	};
	plan->has_transport |= strcmp(f->otel, "network.transport") == 0;
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		if (strcmp(f->otel, roles[i].otel) != 0)
			continue;
		const struct field **at = (const struct field **)(void *)((char *)plan + roles[i].member);
		*at = *at ? *at : f;
		plan->family = MAX(plan->family, roles[i].family);
	}
	if (plan->family == FAMILY_OTHER && begins(f->otel, "db.system"))
		plan->family = FAMILY_DB;
}

/* A KeyValue's key field. NULL without memory. */
static char *encode_key(const char *name, u8 *ret_len)
{
	size_t n = MIN(strlen(name), 120u);
	char *key = calloc(1, n + 2 + KEY_CHUNK);
	if (!key)
		return NULL;
	key[0] = 1 << 3 | PB_LEN;
	key[1] = (char)n;
	memcpy(key + 2, name, n);
	*ret_len = (u8)(n + 2);
	return key;
}

static bool add_row(struct attr_plan *plan, const struct field *f)
{
	struct attr_row *r = &plan->rows[plan->n];
	*r = (struct attr_row){ .f = f, .row = (u16)(f - plan->proto->fields), .same_as = -1, .statement = f->flags & FIELD_STATEMENT, .sensitive = f->flags & FIELD_SENSITIVE };
	for (u32 i = 0; i < plan->n && r->same_as < 0; i++)
		if (strcmp(plan->rows[i].f->otel, f->otel) == 0) {
			r->same_as = (int)i;
			plan->rows[i].has_safe |= plan->rows[i].statement && !r->sensitive;
		}
	r->key = encode_key(f->otel, &r->key_len);
	plan->n += r->key != NULL;
	return r->key != NULL;
}

const struct attr_plan *attrs_plan(struct attrs *a, const struct proto *p)
{
	struct attr_plan *plan = a->plans[p->index];
	if (likely(plan && plan->proto == p))
		return plan;
	plan_free(plan);
	a->plans[p->index] = plan = calloc(1, sizeof(*plan));
	if (!plan)
		return NULL;
	plan->proto = p;
	bool good = true;
	for (size_t i = 0; i < p->fields_len && good && plan->n < ATTR_ROWS_MAX; i++) {
		plan->quotes |= (p->fields[i].flags & FIELD_QUOTES) != 0;
		if (!p->fields[i].otel)
			continue;
		note_row(plan, &p->fields[i]);
		good = add_row(plan, &p->fields[i]);
	}
	if (good)
		return plan;
	plan_free(plan);
	a->plans[p->index] = NULL;
	return NULL;
}

/* --- the wire --- */

/* Field `field`: a KeyValue with this encoded key, behind which KEY_CHUNK bytes can be read, and an AnyValue of `value` bytes. Where the
 * AnyValue goes; NULL: no room. */
static char *put_pair(struct buf *b, u32 field, const char *key, size_t key_len, size_t value)
{
	size_t any = 1 + pb_varint_size(value) + value, n = key_len + any;
	char *to = buf_room(b, n + 16 + KEY_CHUNK);
	if (unlikely(!to))
		return NULL;
	char *start = to;
	to = pb_put_varint(to, (u64)field << 3 | PB_LEN);
	to = pb_put_varint(to, n);
	memcpy(to, key, KEY_CHUNK);
	if (key_len > KEY_CHUNK)
		memcpy(to + KEY_CHUNK, key + KEY_CHUNK, key_len - KEY_CHUNK);
	to += key_len;
	*to++ = 2 << 3 | PB_LEN;
	to = pb_put_varint(to, value);
	b->len += (size_t)(to - start) + value;
	return to;
}

/* AnyValue: string_value 1, bool_value 2, int_value 3, double_value 4, array_value 5 */
static void put_text(struct buf *b, u32 field, const char *key, size_t key_len, struct str s)
{
	char *to = put_pair(b, field, key, key_len, 1 + pb_varint_size(s.n) + s.n);
	if (unlikely(!to))
		return;
	*to++ = 1 << 3 | PB_LEN;
	to = pb_put_varint(to, s.n);
	if (s.n)
		memcpy(to, s.p, s.n);
}

static void put_number(struct buf *b, u32 field, const char *key, size_t key_len, u8 kind, u64 v)
{
	char *to = put_pair(b, field, key, key_len, 1 + pb_varint_size(v));
	if (unlikely(!to))
		return;
	*to++ = (char)(kind << 3 | PB_VARINT);
	pb_put_varint(to, v);
}

static void put_real(struct buf *b, u32 field, const char *key, size_t key_len, double v)
{
	char *to = put_pair(b, field, key, key_len, 9);
	if (unlikely(!to))
		return;
	u64 bits = pb_double_bits(v);
	*to++ = 4 << 3 | PB_FIXED64;
	for (int i = 0; i < 8; i++)
		*to++ = (char)(bits >> 8 * i);
}

struct key {
	size_t n;
	char text[122 + KEY_CHUNK];
};

static struct key key_of(struct str name)
{
	struct key k = { .n = MIN(name.n, 120u) + 2 };
	memset(k.text + k.n, 0, KEY_CHUNK);
	k.text[0] = 1 << 3 | PB_LEN;
	k.text[1] = (char)(k.n - 2);
	memcpy(k.text + 2, name.p, k.n - 2);
	return k;
}

/* The same with a key as it is, for those that stand in the code: then the compiler knows how long it is. */
ALWAYS_INLINE char *put_named(struct buf *b, u32 field, struct str name, size_t value)
{
	size_t key = MIN(name.n, 120u), n = 2 + key + 1 + pb_varint_size(value) + value;
	char *to = buf_room(b, n + 16);
	if (unlikely(!to))
		return NULL;
	char *start = to;
	to = pb_put_varint(to, (u64)field << 3 | PB_LEN);
	to = pb_put_varint(to, n);
	*to++ = 1 << 3 | PB_LEN;
	*to++ = (char)key;
	memcpy(to, name.p, key);
	to += key;
	*to++ = 2 << 3 | PB_LEN;
	to = pb_put_varint(to, value);
	b->len += (size_t)(to - start) + value;
	return to;
}

ALWAYS_INLINE void add_text(struct buf *b, u32 field, struct str key, struct str value)
{
	char *to = put_named(b, field, key, 1 + pb_varint_size(value.n) + value.n);
	if (unlikely(!to))
		return;
	*to++ = 1 << 3 | PB_LEN;
	to = pb_put_varint(to, value.n);
	if (value.n)
		memcpy(to, value.p, value.n);
}

ALWAYS_INLINE void add_number(struct buf *b, u32 field, struct str key, u8 kind, u64 value)
{
	char *to = put_named(b, field, key, 1 + pb_varint_size(value));
	if (unlikely(!to))
		return;
	*to++ = (char)(kind << 3 | PB_VARINT);
	pb_put_varint(to, value);
}

ALWAYS_INLINE void add_real(struct buf *b, u32 field, struct str key, double value)
{
	char *to = put_named(b, field, key, 9);
	if (unlikely(!to))
		return;
	u64 bits = pb_double_bits(value);
	*to++ = 4 << 3 | PB_FIXED64;
	for (int i = 0; i < 8; i++)
		*to++ = (char)(bits >> 8 * i);
}

void attr_put_text(struct buf *b, u32 field, struct str key, struct str value)
{
	add_text(b, field, key, value);
}

void attr_put_int(struct buf *b, u32 field, struct str key, i64 value)
{
	add_number(b, field, key, 3, (u64)value);
}

void attr_put_double(struct buf *b, u32 field, struct str key, double value)
{
	add_real(b, field, key, value);
}

void attr_put_bool(struct buf *b, u32 field, struct str key, bool value)
{
	add_number(b, field, key, 2, value);
}

/* --- headers --- */

static bool has_word(const char *p, size_t n, const char *word)
{
	return memmem(p, n, word, strlen(word)) != NULL;
}

bool header_is_secret(struct str name)
{
	static const char *const words[] = { "authorization", "cookie", "token", "secret", "password", "passwd", "api-key", "apikey", "session", "credential", "signature", "x-amz-security", "x-forwarded-client-cert" };
	char low[HEADER_NAME_MAX];
	size_t n = MIN(name.n, sizeof(low));
	for (size_t i = 0; i < n; i++)
		low[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] | 32) : name.p[i];
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (has_word(low, n, words[i]))
			return true;
	return false;
}

static void make_header_key(struct header_key *k, const struct attr_row *r, struct str name)
{
	u8 prefix = r->key_len; /* "http.request.header", to which a dot and the name come */
	memcpy(k->key, r->key, prefix);
	k->key[prefix] = '.';
	for (u32 i = 0; i < name.n; i++) {
		char c = name.p[i];
		k->key[prefix + 1u + i] = c >= 'A' && c <= 'Z' ? (char)(c | 32) : (u8)c >= 0x80 || (u8)c <= ' ' ? '_' : c;
	}
	k->len = (u8)(prefix + 1 + name.n);
	k->key[1] = (char)(k->len - 2);
	k->secret = header_is_secret(name);
}

/* The key of a header; NULL when the name is too long, or too many different ones have been seen for now. */
static const struct header_key *header_key(struct attrs *a, const struct attr_row *r, struct str name)
{
	if (name.n == 0 || name.n > HEADER_NAME_MAX || r->key_len > 60 || a->headers_len > HEADER_CACHE * 3 / 4)
		return NULL;
	u64 hash = XXH3_64bits_withSeed(name.p, name.n, (u64)(uintptr_t)r->f) | 1;
	u32 at = (u32)(hash >> 8) % HEADER_CACHE;
	while (a->headers[at].hash && a->headers[at].hash != hash)
		at = (at + 1) % HEADER_CACHE;
	struct header_key *k = &a->headers[at];
	if (!k->hash) {
		make_header_key(k, r, name);
		k->hash = hash;
		a->headers_len++;
	}
	return k;
}

/* An array of one string: nearly all headers. */
static void put_single(struct attrs *a, struct buf *b, u32 field, const char *key, size_t key_len, struct str s)
{
	size_t start = a->scratch.len;
	s = pb_clean(s, &a->scratch);
	size_t value = 1 + pb_varint_size(s.n) + s.n, element = 1 + pb_varint_size(value) + value;
	char *to = put_pair(b, field, key, key_len, 1 + pb_varint_size(element) + element);
	a->scratch.len = start;
	if (unlikely(!to))
		return;
	*to++ = 5 << 3 | PB_LEN;
	to = pb_put_varint(to, element);
	*to++ = 1 << 3 | PB_LEN;
	to = pb_put_varint(to, value);
	*to++ = 1 << 3 | PB_LEN;
	to = pb_put_varint(to, s.n);
	if (s.n)
		memcpy(to, s.p, s.n);
}

/* AnyValue with an ArrayValue of strings. */
static void put_array(struct attrs *a, struct buf *b, u32 field, const char *key, size_t key_len, const struct str *v, u32 n)
{
	if (likely(n == 1)) {
		put_single(a, b, field, key, key_len, v[0]);
		return;
	}
	size_t pair = pb_begin(b, field, 2);
	buf_add(b, key, key_len);
	size_t any = pb_begin(b, 2, 1);
	size_t array = pb_begin(b, 5, 1);
	for (u32 i = 0; i < n; i++) {
		size_t value = pb_begin(b, 1, 1);
		pb_string(b, 1, v[i], &a->scratch);
		pb_end(b, value, 1);
	}
	pb_end(b, array, 1);
	pb_end(b, any, 1);
	pb_end(b, pair, 2);
}

static void put_headers(struct attrs *a, struct buf *b, u32 field, const struct attr_row *r, struct pairs pairs)
{
	const struct header_key *keys[HEADERS_MAX];
	struct str values[HEADERS_MAX];
	u32 n = MIN(pairs.n, (u32)HEADERS_MAX);
	if (a->headers_len > HEADER_CACHE / 2) {
		memset(a->headers, 0, sizeof(a->headers));
		a->headers_len = 0;
	}
	for (u32 i = 0; i < n; i++)
		keys[i] = header_key(a, r, pairs.v[i].name);
	for (u32 i = 0; i < n; i++) {
		const struct header_key *k = keys[i];
		u32 same = 0;
		if (!k || k->secret)
			continue;
		for (u32 j = i; j < n; j++) {
			if (keys[j] != k)
				continue;
			values[same++] = pairs.v[j].value;
			keys[j] = NULL;
		}
		put_array(a, b, field, k->key, k->len, values, same);
	}
}

/* --- rows --- */

static struct str address_text(struct attrs *a, const struct ip_addr *ip, unsigned slot)
{
	struct host_text *h = &a->hosts[slot & 1];
	if (unlikely(h->len == 0 || memcmp(&h->addr, ip, sizeof(*ip)) != 0)) {
		h->addr = *ip;
		h->len = (u8)ip_format(ip, h->text);
	}
	return str_make(h->text, h->len);
}

static void put_list(struct attrs *a, struct buf *b, u32 field, const char *key, size_t key_len, struct strs list)
{
	if (list.n)
		put_array(a, b, field, key, key_len, list.v, MIN(list.n, 256u));
}

/* Literals of a statement: one attribute each, by number (semantic conventions: db.query.parameter.<key>). */
static void put_literals(struct attrs *a, struct buf *b, u32 field, struct str name, struct strs list)
{
	for (u32 i = 0; i < list.n; i++) {
		char text[128];
		int n = snprintf(text, sizeof(text), "%.*s.%u", (int)MIN(name.n, 100u), name.p, i);
		struct key k = key_of(str_make(text, (size_t)n));
		put_text(b, field, k.text, k.n, pb_clean(list.v[i], &a->scratch));
	}
}

static void put_string(struct attrs *a, struct buf *b, u32 field, const char *key, size_t key_len, struct str s)
{
	if (s.n)
		put_text(b, field, key, key_len, pb_clean(s, &a->scratch));
}

/* False: there was nothing to write. */
static bool put_value(struct attrs *a, struct buf *b, u32 field, const struct attr_row *r, const char *key, size_t key_len, const struct value *v)
{
	size_t before = b->len;
	bool omit = r->f->flags & FIELD_OMIT_EMPTY;
	switch (v->kind) {
	case VALUE_TEXT:
		put_string(a, b, field, key, key_len, v->text);
		break;
	case VALUE_UNSIGNED:
	case VALUE_SIGNED:
		if (v->u || !omit)
			put_number(b, field, key, key_len, 3, v->u);
		break;
	case VALUE_BOOL:
		if (v->flag || !omit)
			put_number(b, field, key, key_len, 2, v->flag);
		break;
	case VALUE_REAL:
		put_real(b, field, key, key_len, v->real);
		break;
	case VALUE_DURATION:
		if (v->u || !omit)
			put_real(b, field, key, key_len, (double)v->u / (double)NS_PER_SEC);
		break;
	case VALUE_TIME:
		time_rfc3339(&a->scratch, v->u);
		put_string(a, b, field, key, key_len, str_make(a->scratch.data, a->scratch.len));
		break;
	case VALUE_ADDRESS:
		put_text(b, field, key, key_len, address_text(a, v->ip, 0));
		break;
	case VALUE_PAIRS:
		put_headers(a, b, field, r, v->pairs);
		break;
	case VALUE_LIST:
		if (r->f->flags & FIELD_LITERALS)
			put_literals(a, b, field, str_make(key + 2, key_len - 2), v->list);
		else
			put_list(a, b, field, key, key_len, v->list);
		break;
	}
	return b->len > before;
}

/* The row's value as it may leave the host; false: not at all. */
static bool safe_value(struct attrs *a, const struct view *v, const struct field *f, struct value *ret)
{
	bool keep = v->projection && v->projection->keep_statements;
	if (!view_value(v, f, &a->scratch, ret))
		return false;
	if (!(f->flags & FIELD_SENSITIVE) || keep)
		return true;
	if (!(f->flags & (FIELD_STATEMENT | FIELD_QUOTES)) || ret->kind != VALUE_TEXT)
		return false;
	if (ret->text.n)
		ret->text = text_safe(&a->scratch, v->rt->proto, f, ret->text);
	return true;
}

static void put_rows(struct attrs *a, const struct attr_plan *plan, struct buf *b, u32 field, const struct view *v)
{
	u64 written[(ATTR_ROWS_MAX + 63) / 64] = { 0 };
	const struct field_edits *edits = v->projection ? &v->projection->edits[plan->proto->index] : NULL;
	bool keep = v->projection && v->projection->keep_statements;
	struct value value;
	for (u32 i = 0; i < plan->n; i++) {
		const struct attr_row *r = &plan->rows[i];
		if (r->has_safe && !keep)
			continue;
		if (r->same_as >= 0 && written[r->same_as / 64] >> (r->same_as % 64) & 1)
			continue;
		a->scratch.len = 0;
		bool there = r->sensitive || edits ? safe_value(a, v, r->f, &value) : field_value(v->rt, r->f, &a->scratch, &value);
		if (!there)
			continue;
		const char *renamed = edits && edits->renamed ? edits->renamed[r->row] : NULL;
		bool put;
		if (unlikely(renamed != NULL)) {
			struct key k = key_of(str_from(renamed));
			put = value.kind == VALUE_PAIRS ? put_value(a, b, field, r, r->key, r->key_len, &value) : put_value(a, b, field, r, k.text, k.n, &value);
		} else {
			put = put_value(a, b, field, r, r->key, r->key_len, &value);
		}
		u32 first = r->same_as >= 0 ? (u32)r->same_as : i;
		if (put)
			written[first / 64] |= 1ull << first % 64;
	}
}

/* Addresses as the old program names them: the server's, and the client's as the network peer. A client that speaks for somebody else is
 * the peer only. */
static void put_ends(struct attrs *a, const struct attr_plan *plan, struct buf *b, u32 field, const struct roundtrip *rt)
{
	u8 server = roundtrip_server_dir(rt) & 1, client = server ^ 1;
	const struct conn *c = rt->conn;
	add_text(b, field, STR("server.address"), address_text(a, &c->addr[server], 1));
	add_number(b, field, STR("server.port"), 3, c->port[server]);
	struct str peer = address_text(a, &c->addr[client], 0);
	add_text(b, field, STR("network.peer.address"), peer);
	add_number(b, field, STR("network.peer.port"), 3, c->port[client]);
	add_text(b, field, STR("client.address"), rt->proxied ? address_text(a, &rt->proxied->addr, 0) : peer);
	add_number(b, field, STR("client.port"), 3, rt->proxied ? rt->proxied->port : c->port[client]);
	if (!plan->has_transport)
		add_text(b, field, STR("network.transport"), c->protocol == IPPROTO_UDP_ ? STR("udp") : STR("tcp"));
	add_text(b, field, STR("network.type"), ip_is_v4(&c->addr[server]) ? STR("ipv4") : STR("ipv6"));
}

static void put_circumstances(struct buf *b, u32 field, const struct view *v)
{
	const struct roundtrip *rt = v->rt;
	if (rt->outcome != OUTCOME_ANSWERED)
		add_text(b, field, STR("packetd.outcome"), str_from(outcome_name(rt->outcome)));
	if (rt->partial)
		add_number(b, field, STR("packetd.partial"), 2, true);
	if (rt->first_byte)
		add_real(b, field, STR("packetd.first_byte"), (double)rt->first_byte / (double)NS_PER_SEC);
	if (rt->rtt)
		add_real(b, field, STR("packetd.network.rtt"), (double)rt->rtt / (double)NS_PER_SEC);
	if (rt->conn->id)
		add_number(b, field, STR("packetd.connection"), 3, rt->conn->id);
	if (v->weight > 1)
		add_real(b, field, STR("packetd.weight"), v->weight);
}

static void put_added(struct attrs *a, struct buf *b, u32 field, const struct projection *p)
{
	for (u32 i = 0; p && i < p->added_len; i++) {
		a->scratch.len = 0;
		add_text(b, field, str_from(p->added[i].name), pb_clean(str_from(p->added[i].value), &a->scratch));
	}
}

void attrs_put(struct attrs *a, const struct attr_plan *plan, struct buf *b, u32 field, const struct view *v)
{
	put_ends(a, plan, b, field, v->rt);
	put_rows(a, plan, b, field, v);
	put_circumstances(b, field, v);
	put_added(a, b, field, v->projection);
	a->scratch.len = 0;
}

struct str attrs_text(struct attrs *a, const struct view *v, const struct field *f, char *to, size_t n)
{
	struct value value;
	struct buf out = buf_fixed(to, n);
	a->scratch.len = 0;
	if (!f || !safe_value(a, v, f, &value))
		return (struct str){ 0 };
	if (value.kind == VALUE_TEXT) {
		value.text = pb_clean(value.text, &a->scratch);
		buf_add(&out, value.text.p, MIN(value.text.n, n));
	} else {
		value_print(&out, &value);
	}
	return str_make(to, out.len);
}
