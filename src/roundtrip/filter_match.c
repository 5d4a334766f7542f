#include "roundtrip/filter_private.h"
#include "roundtrip/json.h"

#define SCRATCH_BYTES 4096

enum { LESS = -1, EQUAL, GREATER, UNORDERED };

static int order_real(double a, double b)
{
	return a < b ? LESS : a > b ? GREATER : a <= b ? EQUAL : UNORDERED;
}

static int order_u64(u64 a, u64 b)
{
	return (a > b) - (a < b);
}

static int order_numbers(const struct number *a, const struct number *b)
{
	if (!a->integer || !b->integer)
		return order_real(a->real, b->real);
	bool a_below = a->negative && a->magnitude, b_below = b->negative && b->magnitude;
	if (a_below != b_below)
		return a_below ? LESS : GREATER;
	return a_below ? order_u64(b->magnitude, a->magnitude) : order_u64(a->magnitude, b->magnitude);
}

static struct number number_of(const struct value *v)
{
	if (v->kind == VALUE_REAL)
		return (struct number){ .real = v->real };
	if (v->kind == VALUE_SIGNED)
		return (struct number){ true, v->i < 0, v->i < 0 ? (u64)0 - (u64)v->i : (u64)v->i, (double)v->i };
	return (struct number){ true, false, v->u, (double)v->u };
}

static int order_text(struct str a, struct str b)
{
	int order = MIN(a.n, b.n) ? memcmp(a.p, b.p, MIN(a.n, b.n)) : 0;
	return order ? (order > 0) - (order < 0) : order_u64(a.n, b.n);
}

static bool in_network(const struct ip_addr *ip, const struct literal *l)
{
	unsigned whole = l->bits / 8, rest = l->bits % 8;
	if (memcmp(ip->b, l->net.b, whole) != 0)
		return false;
	return rest == 0 || (ip->b[whole] ^ l->net.b[whole]) >> (8 - rest) == 0;
}

static int order_value(const struct value *v, const struct literal *l)
{
	struct number n;
	switch (v->kind) {
	case VALUE_UNSIGNED:
	case VALUE_SIGNED:
	case VALUE_REAL:
		n = number_of(v);
		return order_numbers(&n, &l->number);
	case VALUE_BOOL:
		return order_u64(v->flag, l->flag);
	case VALUE_DURATION:
	case VALUE_TIME:
		return order_u64(v->u, l->ns);
	case VALUE_ADDRESS:
		return in_network(v->ip, l) ? EQUAL : UNORDERED;
	default:
		if (!l->has_number)
			return order_text(v->text, l->text);
		return literal_number(v->text, false, &n) ? order_numbers(&n, &l->number) : UNORDERED;
	}
}

static bool text_fits(struct str text, const struct test *t, const struct literal *l)
{
	if (t->op == TEST_MATCH)
		return pattern_match(l->pattern, text);
	return l->text.n == 0 || (text.n && memmem(text.p, text.n, l->text.p, l->text.n) != NULL);
}

/* One value against one literal. */
static bool fits(const struct value *v, const struct test *t, const struct literal *l, struct buf *scratch)
{
	if (t->op == TEST_CONTAINS || t->op == TEST_MATCH) {
		if (v->kind == VALUE_TEXT)
			return text_fits(v->text, t, l);
		size_t start = scratch->len;
		value_print(scratch, v);
		bool fit = text_fits(str_make(scratch->data + start, scratch->len - start), t, l);
		scratch->len = start;
		scratch->failed = false;
		return fit;
	}
	int order = order_value(v, l);
	switch (t->op) {
	case TEST_EQ:
		return order == EQUAL;
	case TEST_LT:
		return order == LESS;
	case TEST_LE:
		return order == LESS || order == EQUAL;
	case TEST_GT:
		return order == GREATER;
	default:
		return order == GREATER || order == EQUAL;
	}
}

static bool is_something(const struct value *v)
{
	switch (v->kind) {
	case VALUE_TEXT:
		return v->text.n != 0;
	case VALUE_REAL:
		return v->real < 0 || v->real > 0;
	case VALUE_BOOL:
		return v->flag;
	case VALUE_ADDRESS:
		return true;
	case VALUE_PAIRS:
		return v->pairs.n != 0;
	case VALUE_LIST:
		return v->list.n != 0;
	default:
		return v->u != 0;
	}
}

/* What has been found out about a test so far. */
struct verdict {
	const struct rt_filter *filter;
	const struct test *test;
	struct buf *scratch;
	bool there, fits;
};

static void look_at(struct verdict *d, const struct value *v)
{
	d->there = true;
	if (d->test->op == TEST_EXISTS)
		d->fits |= is_something(v);
	for (unsigned i = 0; i < d->test->literals_len && !d->fits; i++)
		d->fits = fits(v, d->test, &d->filter->literals[d->test->literals + i], d->scratch);
}

static void look_at_text(struct verdict *d, struct str text)
{
	look_at(d, &(struct value){ VALUE_TEXT, { .text = text } });
}

/* A value, or each of several. */
static void look_at_all(struct verdict *d, const struct value *v)
{
	if (v->kind == VALUE_LIST) {
		for (u32 i = 0; i < v->list.n && !d->fits; i++)
			look_at_text(d, v->list.v[i]);
	} else if (v->kind == VALUE_PAIRS) {
		for (u32 i = 0; i < v->pairs.n && !d->fits; i++) {
			const struct pair *pair = &v->pairs.v[i];
			if (d->test->key.n && !str_eq_nocase(pair->name, d->test->key))
				continue;
			look_at_text(d, pair->value);
			if (!d->test->key.n)
				look_at_text(d, pair->name);
		}
	} else {
		look_at(d, v);
	}
}

bool test_holds(const struct rt_filter *f, const struct test *t, const struct roundtrip *rt)
{
	char room[SCRATCH_BYTES];
	struct buf scratch = buf_fixed(room, sizeof(room));
	struct verdict d = { f, t, &scratch, false, false };
	struct value v;
	if (t->proto && t->proto != rt->proto)
		return false;
	if (t->proto && !t->fields_len)
		return true;
	unsigned n = t->proto ? t->fields_len : common_names[t->common].values;
	for (unsigned k = 0; k < n && !d.fits; k++) {
		scratch.len = 0;
		bool there = t->proto ? field_value(rt, f->fields[t->fields + k], &scratch, &v) : common_value(t->common, k, rt, &scratch, &v);
		if (there)
			look_at_all(&d, &v);
	}
	return t->negative ? d.there && !d.fits : d.fits;
}

bool rt_filter_match(const struct rt_filter *f, const struct roundtrip *rt)
{
	bool holds = true;
	for (unsigned i = 0; f && i < f->steps_len;) {
		const struct step *s = &f->steps[i++];
		if (s->code == STEP_TEST)
			holds = test_holds(f, &f->tests[s->at], rt);
		else if (s->code == STEP_NOT)
			holds = !holds;
		else if (holds == (s->code == STEP_JUMP_IF))
			i = s->at;
	}
	return holds;
}

static void put_hex(struct buf *out, const u8 *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%02x", p[i]);
}

static bool text_value(struct buf *scratch, struct value *ret)
{
	scratch->failed = false;
	ret->text = str_make(scratch->data, scratch->len);
	return true;
}

static bool described(const struct roundtrip *rt, const struct message *m, struct buf *scratch, struct value *ret)
{
	if (!m || !rt->proto->describe)
		return false;
	rt->proto->describe(m, scratch);
	return text_value(scratch, ret);
}

static bool known(u64 v, struct value *ret)
{
	ret->u = v;
	return v != 0;
}

static bool trace_value(const struct roundtrip *rt, struct buf *scratch, struct value *ret)
{
	const struct message *m = rt->request->has_trace ? rt->request : rt->response;
	if (!m || !m->has_trace)
		return false;
	put_hex(scratch, m->trace, 16);
	return text_value(scratch, ret);
}

bool common_value(enum common id, unsigned k, const struct roundtrip *rt, struct buf *scratch, struct value *ret)
{
	u8 client = rt->request->dir & 1, server = client ^ 1;
	const struct conn *c = rt->conn;
	ret->kind = common_names[id].kind;
	switch (id) {
	case COMMON_PROTO:
		return ret->text = str_from(rt->proto->name), true;
	case COMMON_OUTCOME:
		return ret->text = str_from(outcome_name(rt->outcome)), true;
	case COMMON_ERROR:
		return ret->text = rt->error, true;
	case COMMON_DURATION:
		return ret->u = rt->duration, true;
	case COMMON_FIRST_BYTE:
		return known(rt->first_byte, ret);
	case COMMON_TRANSFER:
		return ret->u = rt->transfer, rt->response != NULL;
	case COMMON_RTT:
		return known(rt->rtt, ret);
	case COMMON_RETRANSMITS:
		return ret->u = rt->retransmits, true;
	case COMMON_ZERO_WINDOWS:
		return ret->u = rt->zero_windows, true;
	case COMMON_PARTIAL:
		return ret->flag = rt->partial, true;
	case COMMON_CLIENT:
		return ret->ip = &c->addr[client], true;
	case COMMON_SERVER:
		return ret->ip = &c->addr[server], true;
	case COMMON_HOST:
		return ret->ip = &c->addr[k & 1], true;
	case COMMON_PROXIED:
		return ret->ip = rt->proxied ? &rt->proxied->addr : NULL, rt->proxied != NULL;
	case COMMON_CLIENT_PORT:
		return ret->u = c->port[client], true;
	case COMMON_SERVER_PORT:
		return ret->u = c->port[server], true;
	case COMMON_PORT:
		return ret->u = c->port[k & 1], true;
	case COMMON_SIZE_REQUEST:
		return ret->u = rt->request->size, true;
	case COMMON_SIZE_RESPONSE:
		return ret->u = rt->response ? rt->response->size : 0, rt->response != NULL;
	case COMMON_REQUEST:
		return described(rt, rt->request, scratch, ret);
	case COMMON_RESPONSE:
		return described(rt, rt->response, scratch, ret);
	case COMMON_CONNECTION:
		return known(c->id, ret);
	case COMMON_TIME:
		return ret->u = rt->request->time, true;
	case COMMON_TRACE:
		return trace_value(rt, scratch, ret);
	case COMMON_VLAN:
		return known(c->vlan, ret);
	case COMMON_TUNNEL:
		return ret->text = str_from(tunnel_name(c->tunnel)), c->tunnel != TUNNEL_NONE;
	case COMMON_COUNT:
		break;
	}
	return false;
}
