/* The feeding loop of flow/stream.h and the resynchronisation of the session layer, for tests. */
#include "unit.h"

#include <stdio.h>

#include "proto_feed.h"
#include "proto_record.h"

#define TAIL_MAX (64 * KIB)
#define SPINS_MAX 64
#define POSITIONS_MAX 1200 /* positions tried a script; longer ones are tried in strides */

/* What one direction has that the parser has not taken. Each byte knows its packet. */
struct side_state {
	size_t n, want;
	u64 offset; /* of bytes[0] */
	u64 skip;
	u64 now;
	u64 desync_at;
	u64 lost_acked; /* what the sender of the bytes given up had received */
	bool lost, fin;
	u8 bytes[TAIL_MAX]; /* from here on only the first n are valid */
	u64 ts[TAIL_MAX], acked[TAIL_MAX];
	bool boundary[TAIL_MAX];
};

struct feed {
	struct recorder rec;
	struct side_state side[2];
	const struct feed_options *opt;
};

static const struct proto_options default_options = {
	.pushes = true, .headers = true, .details = true, .statement_length = 1024, .max_records = 32,
};

/* Room for TAIL_MAX bytes before a page that cannot be read. */
static u8 *guard_end(void)
{
	static u8 *end;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = TAIL_MAX + page;
	if (end)
		return end;
	u8 *map = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map + room, page, PROT_NONE), 0);
	return end = map + room;
}

static void take(struct side_state *s, size_t n)
{
	memmove(s->bytes, s->bytes + n, s->n - n);
	memmove(s->ts, s->ts + n, (s->n - n) * sizeof(s->ts[0]));
	memmove(s->acked, s->acked + n, (s->n - n) * sizeof(s->acked[0]));
	memmove(s->boundary, s->boundary + n, (s->n - n) * sizeof(s->boundary[0]));
	s->n -= n;
	s->offset += n;
	s->want = 0;
}

static void lose_sync(struct feed *f, u8 dir)
{
	struct side_state *s = &f->side[dir];
	struct parser *ps = &f->rec.ps;
	s->lost = true;
	s->lost_acked = 0;
	ps->partial[dir] = true;
	ps->dir = dir;
	struct chunk here = { .ts_first = s->now, .ts = s->now, .offset = s->offset, .acked = STREAM_ACK_UNKNOWN };
	ps->chunk = &here;
	ps->proto->gap(ps);
	ps->chunk = NULL;
	recorder_gap(&f->rec, dir, s->offset, f->side[!dir].offset + f->side[!dir].n);
}

/* Bytes that no start could be found in. */
static void give_up(struct side_state *s, size_t n)
{
	if (n)
		s->lost_acked = s->acked[n - 1];
	take(s, n);
}

static void resync(struct feed *f, u8 dir, struct chunk *c)
{
	struct side_state *s = &f->side[dir];
	struct parser *ps = &f->rec.ps;
	long at = ps->proto->resync(ps, c);
	if (at == 0 && s->desync_at == c->offset && c->n) { /* it has proved to be none */
		give_up(s, 1);
	} else if (at >= 0) {
		assert_true((size_t)at <= c->n);
		give_up(s, (size_t)at);
		s->lost = false;
		recorder_gap(&f->rec, dir, s->offset, s->lost_acked);
	} else if (at == -1) {
		give_up(s, s->n);
	} else {
		size_t keep = (size_t)(-2 - at);
		assert_true(keep <= c->n);
		give_up(s, s->n - keep);
		s->want = s->n + 1;
	}
}

static void verdict(struct feed *f, u8 dir, enum parse v, const struct chunk *c)
{
	struct side_state *s = &f->side[dir];
	if (v != PARSE_MORE)
		assert_true(c->used <= c->n);
	switch (v) {
	case PARSE_MORE: s->want = MAX(c->want, s->n + 1); break;
	case PARSE_OK: take(s, c->used); break;
	case PARSE_SKIP:
		take(s, c->used);
		s->skip = c->want;
		break;
	case PARSE_DESYNC:
		take(s, c->used);
		s->desync_at = s->offset;
		lose_sync(f, dir);
		break;
	case PARSE_NOT_MINE:
		buf_adds(&f->rec.log, "not mine\n");
		f->rec.stopped = true;
		break;
	}
}

static void ask(struct feed *f, u8 dir)
{
	struct side_state *s = &f->side[dir];
	struct parser *ps = &f->rec.ps;
	u8 *copy = guard_end() - s->n;
	memcpy(copy, s->bytes, s->n);
	struct chunk c = {
		.p = copy, .n = s->n, .ts_first = s->n ? s->ts[0] : s->now, .ts = s->now, .offset = s->offset,
		.acked = f->opt->no_ack || !s->n ? STREAM_ACK_UNKNOWN : s->acked[0], .boundary = s->n && s->boundary[0],
	};
	ps->chunk = &c;
	ps->dir = dir;
	if (s->lost)
		resync(f, dir, &c);
	else
		verdict(f, dir, ps->proto->parse(ps, &c), &c);
	ps->chunk = NULL;
	memset(guard_end() - c.n, 0xdb, c.n); /* nobody may have kept a pointer */
}

static void drain(struct feed *f, u8 dir)
{
	struct side_state *s = &f->side[dir];
	for (int spins = 0; !f->rec.stopped; spins++) {
		bool resumed = false;
		if (s->skip) {
			size_t n = MIN(s->skip, s->n);
			take(s, n);
			if (s->skip != STREAM_FOREVER)
				s->skip -= n;
			if (s->skip)
				return;
			resumed = true;
		}
		if (!resumed && (s->n == 0 || s->n < s->want))
			return;
		u64 before = s->offset;
		ask(f, dir);
		if (s->offset != before)
			spins = 0;
		if (spins > SPINS_MAX)
			fail_msg("the parser makes no progress at offset %llu of direction %d", (unsigned long long)s->offset, dir);
	}
}

static void deliver(struct feed *f, u8 dir, const u8 *p, size_t n, u64 ts)
{
	struct side_state *s = &f->side[dir], *other = &f->side[!dir];
	bool boundary = true;
	s->now = MAX(s->now, ts);
	while (n && !f->rec.stopped) {
		size_t part = MIN(n, TAIL_MAX - s->n);
		memcpy(s->bytes + s->n, p, part);
		for (size_t i = s->n; i < s->n + part; i++) {
			s->ts[i] = ts;
			s->acked[i] = other->offset + other->n;
			s->boundary[i] = boundary;
			boundary = false;
		}
		s->n += part;
		p += part;
		n -= part;
		drain(f, dir);
		if (s->n == TAIL_MAX) {
			take(s, s->n);
			lose_sync(f, dir);
		}
	}
}

static void missing(struct feed *f, u8 dir, u64 n, u64 ts)
{
	struct side_state *s = &f->side[dir];
	u64 skipped = MIN(s->skip, n);
	s->now = MAX(s->now, ts);
	if (f->rec.stopped)
		return;
	if (skipped) {
		s->offset += skipped;
		if (s->skip != STREAM_FOREVER)
			s->skip -= skipped;
		if (s->skip == 0) {
			ask(f, dir);
			drain(f, dir);
		}
	}
	if (n == skipped || f->rec.stopped)
		return;
	take(s, s->n);
	s->offset += n - skipped;
	lose_sync(f, dir);
}

static void end_side(struct feed *f, u8 dir, u64 ts)
{
	struct side_state *s = &f->side[dir];
	struct parser *ps = &f->rec.ps;
	struct chunk c = { .p = guard_end(), .offset = s->offset + s->n, .ts = ts, .ts_first = ts, .acked = STREAM_ACK_UNKNOWN };
	s->fin = true;
	if (f->rec.stopped || !ps->proto->fin)
		return;
	ps->chunk = &c;
	ps->dir = dir;
	ps->proto->fin(ps);
	ps->chunk = NULL;
}

static void feed_datagram(struct feed *f, const struct feed_step *step, u64 ts, const struct feed_plan *plan)
{
	struct parser *ps = &f->rec.ps;
	size_t n = plan->snap ? MIN(plan->snap, step->n) : step->n;
	u8 *copy = guard_end() - n;
	memcpy(copy, step->p, n);
	struct chunk c = { .p = copy, .n = n, .ts = ts, .ts_first = ts, .acked = STREAM_ACK_UNKNOWN, .boundary = true };
	ps->chunk = &c;
	ps->dir = step->dir;
	ps->datagram = true;
	ps->cut = n < step->n;
	ps->datagram_len = (u32)step->n;
	ps->multicast = f->opt->multicast && step->dir == FEED_CLIENT;
	if (!f->rec.stopped && ps->proto->parse(ps, &c) == PARSE_NOT_MINE) {
		buf_adds(&f->rec.log, "not mine\n");
		f->rec.stopped = true;
	}
	assert_true(c.used <= c.n);
	ps->chunk = NULL;
	memset(copy, 0xdb, n);
}

/* One step; `base` is the place of its first byte in the script. */
static void feed_step(struct feed *f, const struct feed_step *step, size_t base, u64 ts, const struct feed_plan *plan)
{
	const u8 *p = step->p;
	size_t i = plan->join_at > base ? MIN(plan->join_at - base, step->n) : 0;
	while (i < step->n) {
		size_t end = plan->bytes ? i + 1 : step->n;
		size_t hole = plan->hole_at >= base + i && plan->hole_len ? plan->hole_at - base : SIZE_MAX;
		if (plan->cut_at > base + i && plan->cut_at < base + end)
			end = plan->cut_at - base;
		if (i == hole) {
			end = MIN(i + plan->hole_len, step->n);
			missing(f, step->dir, end - i, ts);
		} else {
			end = MIN(end, hole);
			deliver(f, step->dir, p + i, end - i, ts);
		}
		i = end;
	}
	if (step->fin && plan->join_at <= base + step->n)
		end_side(f, step->dir, ts);
}

static void feed_start(struct feed *f, const struct proto *proto, const struct feed_plan *plan)
{
	struct parser *ps = &f->rec.ps;
	recorder_init(&f->rec, proto, f->opt->opt ? f->opt->opt : &default_options);
	ps->port[FEED_CLIENT] = 40000;
	ps->port[FEED_SERVER] = f->opt->server_port ? f->opt->server_port : proto->ports ? proto->ports[0] : 0;
	ps->request_dir = f->opt->roles_known ? FEED_CLIENT : DIR_NONE;
	ps->datagram = f->opt->datagram;
	for (int dir = 0; dir < 2; dir++) {
		memset(&f->side[dir], 0, offsetof(struct side_state, bytes));
		f->side[dir].desync_at = UINT64_MAX;
		f->side[dir].lost = ps->partial[dir] = plan->join_at > 0;
	}
	f->rec.gapped = f->rec.tainted = plan->join_at > 0;
	if (proto->start)
		proto->start(ps, NULL);
}

char *feed_run(const struct proto *proto, const struct feed_step *steps, size_t len, const struct feed_options *opt, const struct feed_plan *plan)
{
	static const struct feed_options no_options;
	static struct feed *f; /* large: kept from run to run */
	f = f ? f : malloc(sizeof(*f));
	assert_non_null(f);
	f->opt = opt ? opt : &no_options;
	feed_start(f, proto, plan);
	size_t base = 0;
	for (size_t i = 0; i < len; base += steps[i].n, i++) {
		u64 ts = FEED_BASE + (i + 1) * NS_PER_MS;
		bool left_out = plan->hole_len && plan->hole_at >= base && plan->hole_at < base + steps[i].n;
		if (!f->opt->datagram)
			feed_step(f, &steps[i], base, ts, plan);
		else if (!left_out && base >= plan->join_at)
			feed_datagram(f, &steps[i], ts, plan);
	}
	recorder_end(&f->rec, (bool[]){ f->side[0].fin, f->side[1].fin });
	char *log = strdup(buf_cstr(&f->rec.log));
	recorder_done(&f->rec);
	return log;
}

/* One past the block that starts at p: its line and the indented ones after it. */
static const char *block_end(const char *p)
{
	do {
		p = strchr(p, '\n');
		p = p ? p + 1 : "";
	} while (p[0] == ' ' && p[1] == ' ');
	return p;
}

static bool is_whole_answer(const char *block)
{
	return strncmp(block, "answered ", 9) == 0 && strncmp(block, "answered partial ", 17) != 0;
}

size_t feed_answered(const char *log)
{
	size_t n = 0;
	for (const char *p = log; *p; p = block_end(p))
		n += is_whole_answer(p);
	return n;
}

char *feed_brief(const char *log)
{
	struct buf b = { 0 };
	for (const char *p = log; *p; p = block_end(p)) {
		const char *eol = strchr(p, '\n');
		buf_add(&b, p, (size_t)(eol ? eol + 1 - p : (ptrdiff_t)strlen(p)));
	}
	char *brief = strdup(buf_cstr(&b));
	buf_done(&b);
	return brief;
}

/* Removes the lines that begin like this. */
static void strip_lines(char *text, const char *head)
{
	for (char *at; (at = strstr(text, head)) != NULL;) {
		char *eol = strchr(at, '\n');
		memmove(at, eol ? eol + 1 : at + strlen(at), eol ? strlen(eol + 1) + 1 : 1);
	}
}

/* Who the client is and where, is its connection's to tell: an exchange that is complete otherwise may have ? for it, or the protocol's
 * name for that of the product. */
static bool is_one_of(const char *whole, char *block)
{
	static const char *const heads[] = { "  > User=", "  > Database=", "  > system=", "  > Packet.Process=" };
	static const char *const unknown[] = { "  > User=\"?\"\n", "  > Database=\"?\"\n", "  > system=\"mysql\"\n", "  > Packet.Process=0\n" };
	char *of = strdup(whole);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		if (strstr(block, unknown[i])) {
			strip_lines(block, heads[i]);
			strip_lines(of, heads[i]);
		}
	bool is = strstr(of, block);
	free(of);
	return is;
}

/* Every complete exchange of `log` is one of `whole`. */
static void check_subset(const char *whole, char *log, const char *what, size_t at)
{
	for (const char *p = log, *end; *p; p = end) {
		end = block_end(p);
		char *block = strndup(p, *end ? (size_t)(end - p) : strlen(p));
		if (is_whole_answer(block) && !strstr(whole, block) && !is_one_of(whole, block)) {
			fprintf(stderr, "%s at byte %zu: an exchange that did not take place:\n%s\nof:\n%s\n", what, at, block, whole);
			fail();
		}
		free(block);
	}
	free(log);
}

static void check_same(const char *whole, char *log, const char *what, size_t at)
{
	if (strcmp(whole, log) != 0) { /* cmocka would cut the text */
		fprintf(stderr, "%s at byte %zu:\n%s\ninstead of\n%s\n", what, at, log, whole);
		fail();
	}
	free(log);
}

static void all_datagrams(const char *whole, const struct proto *proto, const struct feed_step *steps, size_t len, const struct feed_options *opt)
{
	size_t base = 0, longest = 0;
	for (size_t i = 0; i < len; base += steps[i].n, i++) {
		longest = MAX(longest, steps[i].n);
		check_subset(whole, feed_run(proto, steps, len, opt, &(struct feed_plan){ .hole_at = base, .hole_len = 1 }), "lost", base);
		check_subset(whole, feed_run(proto, steps, len, opt, &(struct feed_plan){ .join_at = base }), "joined", base);
	}
	for (size_t n = 1; n < longest; n++)
		free(feed_run(proto, steps, len, opt, &(struct feed_plan){ .snap = n }));
}

char *feed_all(const struct proto *proto, const struct feed_step *steps, size_t len, const struct feed_options *opt)
{
	char *whole = feed_run(proto, steps, len, opt, &(struct feed_plan){ 0 });
	size_t total = 0;
	for (size_t i = 0; i < len; i++)
		total += steps[i].n;
	if (opt && opt->datagram) {
		all_datagrams(whole, proto, steps, len, opt);
		return whole;
	}
	check_same(whole, feed_run(proto, steps, len, opt, &(struct feed_plan){ .bytes = true }), "byte by byte", 0);
	size_t stride = total / POSITIONS_MAX + 1;
	for (size_t at = stride > 1 ? stride : 0; at < total; at += stride) {
		check_same(whole, feed_run(proto, steps, len, opt, &(struct feed_plan){ .cut_at = at }), "split", at);
		check_subset(whole, feed_run(proto, steps, len, opt, &(struct feed_plan){ .hole_at = at, .hole_len = 1 }), "hole of 1", at);
		check_subset(whole, feed_run(proto, steps, len, opt, &(struct feed_plan){ .hole_at = at, .hole_len = total }), "hole to the end of the step", at);
		check_subset(whole, feed_run(proto, steps, len, opt, &(struct feed_plan){ .join_at = at }), "joined", at);
	}
	return whole;
}

char *feed_check(const struct proto *proto, const struct feed_step *steps, size_t len, const struct feed_options *opt, const char *brief)
{
	char *log = feed_all(proto, steps, len, opt), *got = feed_brief(log);
	if (strcmp(got, brief) != 0) {
		fprintf(stderr, "got:\n%s\nexpected:\n%s\nlog:\n%s\n", got, brief, log);
		fail();
	}
	free(got);
	return log;
}

static bool has_line(const char *log, const char *line)
{
	size_t n = strlen(line);
	for (const char *p = strstr(log, line); p; p = strstr(p + 1, line))
		if ((p == log || p[-1] == '\n') && (p[n] == '\n' || p[n] == '\0'))
			return true;
	return false;
}

void feed_has(const char *log, const char *line)
{
	if (has_line(log, line))
		return;
	fprintf(stderr, "no line \"%s\" in:\n%s\n", line, log);
	fail();
}

void feed_lacks(const char *log, const char *line)
{
	if (!has_line(log, line))
		return;
	fprintf(stderr, "line \"%s\" in:\n%s\n", line, log);
	fail();
}
