#include "roundtrip/json.h"

#include <pthread.h>
#include <stdatomic.h>

#include "net/net.h"
#include "roundtrip/json_pairs.h"
#include "roundtrip/json_program.h"
#include "roundtrip/value.h"
#include "util/json.h"
#include "util/timefmt.h"

#define PROGRAMS_MAX (2 * PROTO_MAX)

/* Compiled tables: appended under the lock, read without it. */
static _Atomic(struct json_program *) programs[PROGRAMS_MAX];
static pthread_mutex_t programs_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct json_program *program_find(const struct proto *p)
{
	for (unsigned i = 0; i < PROGRAMS_MAX; i++) {
		const struct json_program *g = atomic_load_explicit(&programs[i], memory_order_acquire);
		if (!g || g->proto == p)
			return g;
	}
	return NULL;
}

static const struct json_program *program_add(const struct proto *p)
{
	pthread_mutex_lock(&programs_lock);
	const struct json_program *found = program_find(p);
	for (unsigned i = 0; !found && i < PROGRAMS_MAX; i++) {
		if (atomic_load_explicit(&programs[i], memory_order_relaxed))
			continue;
		struct json_program *g = json_program_new(p);
		atomic_store_explicit(&programs[i], g, memory_order_release);
		found = g;
		break;
	}
	pthread_mutex_unlock(&programs_lock);
	return found;
}

static const struct json_program *program_of(const struct proto *p)
{
	const struct json_program *g = program_find(p);
	return likely(g != NULL) ? g : program_add(p);
}

bool roundtrip_json_prepare(const struct proto *p)
{
	return program_of(p) != NULL;
}

#define ADD(b, literal) buf_add(b, literal, sizeof(literal) - 1)

/* An object being written. */
struct writer {
	struct buf *b;
	const struct roundtrip *rt;
	const struct json_edits *edits; /* NULL: none */
	bool first;             /* nothing stands in the innermost object yet: no comma */
	unsigned depth;
	size_t open[JSON_DEPTH]; /* where the open objects' keys begin */
	bool outer_first[JSON_DEPTH];
};

/* An address as quoted text; most RoundTrips of a thread follow one with the same. */
struct host_text {
	struct ip_addr addr;
	u8 len;
	char text[48];
};

static _Thread_local struct host_text hosts[2];

static void put_host(struct buf *b, const struct conn *c, u8 dir)
{
	struct host_text *h = &hosts[dir & 1];
	const struct ip_addr *addr = &c->addr[dir & 1];
	if (unlikely(h->len == 0 || memcmp(&h->addr, addr, sizeof(*addr)) != 0)) {
		h->addr = *addr;
		size_t n = ip_format(addr, h->text + 1);
		h->text[0] = h->text[n + 1] = '"';
		h->len = (u8)(n + 2);
	}
	buf_add(b, h->text, h->len);
}

static inline void put_key(struct writer *w, const struct json_op *op)
{
	size_t len = op->key_len - (size_t)w->first;
	const char *key = op->key + w->first;
	char *to = buf_room(w->b, UINT8_MAX + JSON_KEY_PAD);
	if (unlikely(!to))
		return;
	size_t i = 0;
	do {
		memcpy(to + i, key + i, JSON_KEY_PAD);
		i += JSON_KEY_PAD;
	} while (i < len);
	w->b->len += len;
	w->first = false;
}

#define LOAD(type) (*(type *)memcpy(&(type){ 0 }, at, sizeof(type)))

static u64 load_unsigned(u8 type, const char *at)
{
	switch (type) {
	case FIELD_BOOL:
	case FIELD_U8:
		return LOAD(u8);
	case FIELD_U16:
		return LOAD(u16);
	case FIELD_U32:
	case FIELD_I32:
		return LOAD(u32);
	default:
		return LOAD(u64);
	}
}

static inline __attribute__((always_inline)) bool is_empty(const struct json_op *op, const struct writer *w, const struct message *m)
{
	const char *at = (const char *)m + op->offset;
	switch (op->code) {
	case FIELD_STR:
		return LOAD(struct str).n == 0;
	case FIELD_TEXT:
		return !LOAD(const char *) || !*LOAD(const char *);
	case FIELD_CONST:
		return !*op->constant;
	case FIELD_DOUBLE:
		return !(LOAD(double) < 0 || LOAD(double) > 0);
	case FIELD_PORT:
		return w->rt->conn->port[m->dir & 1] == 0;
	case FIELD_PAIRS:
		return LOAD(struct pairs).n == 0;
	case FIELD_STRS:
		return LOAD(struct strs).n == 0;
	case FIELD_HOST:
	case FIELD_CUSTOM:
		return false;
	default:
		return load_unsigned(op->code, at) == 0;
	}
}

static void put_strs(struct buf *b, struct strs list)
{
	buf_addc(b, '[');
	for (u32 i = 0; i < list.n; i++) {
		if (i)
			buf_addc(b, ',');
		if (list.v[i].p == strs_null)
			ADD(b, "null");
		else
			json_str(b, list.v[i]);
	}
	buf_addc(b, ']');
}

static void put_quoted(struct buf *b, void (*format)(struct buf *, u64), u64 v)
{
	buf_addc(b, '"');
	format(b, v);
	buf_addc(b, '"');
}

static inline __attribute__((always_inline)) void put_value(struct writer *w, const struct json_op *op, const struct message *m)
{
	const char *at = (const char *)m + op->offset;
	struct buf *b = w->b;
	switch (op->code) {
	case FIELD_STR:
		json_str(b, LOAD(struct str));
		break;
	case FIELD_TEXT:
		json_text(b, LOAD(const char *));
		break;
	case FIELD_CONST:
		json_text(b, op->constant);
		break;
	case FIELD_BOOL:
		json_bool(b, LOAD(u8));
		break;
	case FIELD_I32:
		buf_add_i64(b, LOAD(i32));
		break;
	case FIELD_I64:
		buf_add_i64(b, LOAD(i64));
		break;
	case FIELD_DOUBLE:
		buf_add_double(b, LOAD(double));
		break;
	case FIELD_TIME:
		put_quoted(b, time_rfc3339, LOAD(u64));
		break;
	case FIELD_DURATION:
		put_quoted(b, duration_go, LOAD(u64));
		break;
	case FIELD_HOST:
		put_host(b, w->rt->conn, m->dir);
		break;
	case FIELD_PORT:
		buf_add_u64(b, w->rt->conn->port[m->dir & 1]);
		break;
	case FIELD_PAIRS:
		json_pairs(b, &LOAD(struct pairs));
		break;
	case FIELD_STRS:
		put_strs(b, LOAD(struct strs));
		break;
	default:
		buf_add_u64(b, load_unsigned(op->code, at));
	}
}

static bool has_shape(const struct json_op *op, const struct message *m)
{
	return op->shapes == 0 || op->shapes >> (m->shape & 31) & 1;
}

static inline __attribute__((always_inline)) void put_leaf(struct writer *w, const struct json_op *op, const struct message *m)
{
	if (op->shapes && !has_shape(op, m))
		return;
	if (op->omit && is_empty(op, w, m))
		return;
	size_t start = w->b->len;
	bool first = w->first;
	put_key(w, op);
	if (op->code != FIELD_CUSTOM) {
		put_value(w, op, m);
	} else if (!op->write(w->b, m)) {
		w->b->len = start;
		w->first = first;
	}
}

static void put_new_key(struct writer *w, const char *name)
{
	if (!w->first)
		buf_addc(w->b, ',');
	json_text(w->b, name);
	buf_addc(w->b, ':');
	w->first = false;
}

static bool has_value(struct writer *w, const struct json_op *op, struct value *v)
{
	struct buf *scratch = w->edits->scratch;
	scratch->len = 0;
	scratch->failed = false;
	return field_value(w->rt, &w->rt->proto->fields[op->row], scratch, v) && (v->kind != VALUE_TEXT || v->text.n);
}

/* A value that is not shown as it is. */
static void put_hidden(struct writer *w, const struct json_op *op, const struct message *m, u8 action)
{
	const struct json_edits *e = w->edits;
	struct value v;
	struct str text = STR("***");
	if (!has_value(w, op, &v)) {
		if (op->code == FIELD_CUSTOM)
			ADD(w->b, "null");
		else
			put_value(w, op, m);
		return;
	}
	if (action == JSON_HASH)
		text = value_hash(&v, e->key, e->scratch);
	else if (action == JSON_KEEP)
		text = e->statement(e->scratch, w->rt->proto, &w->rt->proto->fields[op->row], v.text);
	json_str(w->b, text);
}

static const char *new_name(const struct json_edits *e, u16 row)
{
	if (e->renamed && e->renamed[row])
		return e->renamed[row];
	return e->distinct ? e->distinct[row] : NULL;
}

static void put_leaf_edited(struct writer *w, const struct json_op *op, const struct message *m)
{
	const struct json_edits *e = w->edits;
	u8 action = e->actions ? e->actions[op->row] : JSON_KEEP;
	const char *renamed = new_name(e, op->row);
	bool hidden = action != JSON_KEEP || (op->statement && e->statement);
	size_t start = w->b->len;
	bool first = w->first;
	if (action == JSON_DROP || (action == JSON_KEEP && op->literals && e->statement))
		return;
	if (!renamed && !hidden) {
		put_leaf(w, op, m);
		return;
	}
	if ((op->shapes && !has_shape(op, m)) || (op->omit && is_empty(op, w, m)))
		return;
	if (renamed)
		put_new_key(w, renamed);
	else
		put_key(w, op);
	if (hidden) {
		put_hidden(w, op, m, action);
	} else if (op->code != FIELD_CUSTOM) {
		put_value(w, op, m);
	} else if (!op->write(w->b, m)) {
		w->b->len = start;
		w->first = first;
	}
}

static void put_open(struct writer *w, const struct json_op *op)
{
	w->open[w->depth] = w->b->len;
	w->outer_first[w->depth++] = w->first;
	put_key(w, op);
	buf_addc(w->b, '{');
	w->first = true;
}

/* An object in which nothing came to stand is null, or is left out. */
static void put_close(struct writer *w, const struct json_op *op, const struct message *m)
{
	w->depth--;
	if (!w->first) {
		buf_addc(w->b, '}');
	} else if (!op->omit && has_shape(op, m)) {
		w->b->len--; /* the { */
		buf_add(w->b, "null", 4);
		w->first = false;
	} else {
		w->b->len = w->open[w->depth];
		w->first = w->outer_first[w->depth];
	}
}

/* Twice in the program: almost all objects are written without edits, and then a leaf is worth no call. */
static inline __attribute__((always_inline)) void put_members(struct writer *w, const struct json_op *op, const struct message *m, bool edited)
{
	for (; op->code != JSON_END && likely(!w->b->failed); op++) {
		if (op->code == JSON_OPEN)
			put_open(w, op);
		else if (op->code == JSON_CLOSE)
			put_close(w, op, m);
		else if (edited)
			put_leaf_edited(w, op, m);
		else
			put_leaf(w, op, m);
	}
}

static void put_message(struct buf *b, const struct roundtrip *rt, const struct json_op *op, const struct message *m, const struct json_edits *edits)
{
	struct writer w = { .b = b, .rt = rt, .edits = edits, .first = true };
	buf_addc(b, '{');
	if (op && unlikely(edits != NULL))
		put_members(&w, op, m, true);
	else if (op)
		put_members(&w, op, m, false);
	buf_addc(b, '}');
}

/* The members of an object below the top level, and the object only when one is there. */
struct part {
	struct buf *b;
	const char *name;
	bool open;
};

static struct buf *part_member(struct part *p, const char *name)
{
	if (p->open) {
		ADD(p->b, ",\"");
	} else {
		ADD(p->b, ",\"");
		buf_adds(p->b, p->name);
		ADD(p->b, "\":{\"");
	}
	p->open = true;
	buf_adds(p->b, name);
	ADD(p->b, "\":");
	return p->b;
}

static void part_end(struct part *p)
{
	if (p->open)
		buf_addc(p->b, '}');
}

/* "203.0.113.7:51234" or "[2001:db8::7]:51234": whom the client speaks for. */
static void put_proxied(struct buf *b, const struct proxied *from)
{
	char text[46];
	bool v4 = ip_is_v4(&from->addr);
	ADD(b, ",\"ProxiedFrom\":\"");
	buf_adds(b, v4 ? "" : "[");
	buf_add(b, text, ip_format(&from->addr, text));
	buf_addf(b, "%s:%u\"", v4 ? "" : "]", from->port);
}

static void put_network(struct buf *b, const struct roundtrip *rt)
{
	struct part p = { b, "Network", false };
	if (rt->rtt)
		put_quoted(part_member(&p, "RTT"), duration_go, rt->rtt);
	if (rt->retransmits)
		buf_add_u64(part_member(&p, "Retransmits"), rt->retransmits);
	if (rt->zero_windows)
		buf_add_u64(part_member(&p, "ZeroWindow"), rt->zero_windows);
	if (rt->transfer)
		put_quoted(part_member(&p, "Transfer"), duration_go, rt->transfer);
	part_end(&p);
}

static bool all_zero(const u8 *p, size_t n)
{
	while (n && *p == 0) {
		p++;
		n--;
	}
	return n == 0;
}

static void put_hex(struct buf *b, const u8 *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	buf_addc(b, '"');
	for (size_t i = 0; i < n; i++)
		buf_add(b, (char[2]){ hex[p[i] >> 4], hex[p[i] & 15] }, 2);
	buf_addc(b, '"');
}

/* The context the request carries, or, when it has none, the response. */
static void put_trace(struct buf *b, const struct roundtrip *rt)
{
	const struct message *m = rt->request->has_trace ? rt->request : rt->response;
	if (!m || !m->has_trace)
		return;
	struct part p = { b, "Trace", false };
	if (!all_zero(m->trace, 16))
		put_hex(part_member(&p, "TraceID"), m->trace, 16);
	if (!all_zero(m->trace + 16, 8))
		put_hex(part_member(&p, "ParentID"), m->trace + 16, 8);
	if (m->trace[24] & 1)
		json_bool(part_member(&p, "Sampled"), true);
	part_end(&p);
}

const char *tunnel_name(enum tunnel t)
{
	static const char *const names[] = {
		[TUNNEL_NONE] = "",       [TUNNEL_VXLAN] = "vxlan", [TUNNEL_GENEVE] = "geneve", [TUNNEL_GRE] = "gre", [TUNNEL_IPIP] = "ipip",
		[TUNNEL_PPPOE] = "pppoe", [TUNNEL_MPLS] = "mpls",   [TUNNEL_ERSPAN] = "erspan", [TUNNEL_GTP] = "gtp",
	};
	return (unsigned)t < ARRAY_LEN(names) ? names[t] : "?";
}

static void put_capture(struct buf *b, const struct conn *c, const struct json_options *o)
{
	struct part p = { b, "Capture", false };
	const char *interface = o && o->interface ? o->interface(o->arg, c->ifindex) : NULL;
	if (interface && *interface)
		json_text(part_member(&p, "Interface"), interface);
	if (c->vlan)
		buf_add_u64(part_member(&p, "VLAN"), c->vlan);
	if (c->tunnel) {
		part_member(&p, "Tunnel");
		buf_addc(b, '"');
		buf_adds(b, tunnel_name(c->tunnel));
		if (c->tunnel_id) {
			buf_addc(b, ':');
			buf_add_u64(b, c->tunnel_id);
		}
		buf_addc(b, '"');
	}
	part_end(&p);
}

static void put_additions(struct buf *b, const struct roundtrip *rt, const struct json_options *o)
{
	ADD(b, ",\"Outcome\":\"");
	buf_adds(b, outcome_name(rt->outcome));
	buf_addc(b, '"');
	if (rt->error.n) {
		ADD(b, ",\"Error\":");
		json_str(b, rt->error);
	}
	if (rt->first_byte) {
		ADD(b, ",\"FirstByte\":");
		put_quoted(b, duration_go, rt->first_byte);
	}
	put_network(b, rt);
	if (rt->conn->id) {
		ADD(b, ",\"Connection\":");
		put_quoted(b, buf_add_u64, rt->conn->id);
	}
	if (rt->proxied)
		put_proxied(b, rt->proxied);
	if (rt->partial)
		ADD(b, ",\"Partial\":true");
	if (rt->progress)
		ADD(b, ",\"Progress\":true");
	put_trace(b, rt);
	put_capture(b, rt->conn, o);
}

void roundtrip_json(struct buf *out, const struct roundtrip *rt, const struct json_options *o)
{
	size_t start = out->len;
	const struct json_program *g = program_of(rt->proto);
	const struct json_edits *edits = o ? o->edits : NULL;
	if (edits && !edits->actions && !edits->renamed && !edits->distinct && !(g && g->statements))
		edits = NULL;
	ADD(out, "{\"Proto\":");
	json_text(out, rt->proto->name);
	ADD(out, ",\"Request\":");
	put_message(out, rt, g ? g->side[SIDE_REQUEST] : NULL, rt->request, edits);
	ADD(out, ",\"Response\":");
	if (rt->response)
		put_message(out, rt, g ? g->side[SIDE_RESPONSE] : NULL, rt->response, edits);
	else
		ADD(out, "null");
	ADD(out, ",\"Duration\":\"");
	duration_go(out, rt->duration);
	buf_addc(out, '"');
	put_additions(out, rt, o);
	ADD(out, "}\n");
	if (unlikely(out->failed))
		out->len = start;
}
