/* Bytes into packets. Of a packet only its beginning is looked at; the rest is passed over unseen. */
#include "proto/mysql/read.h"

static enum parse incomplete(struct chunk *c, size_t want)
{
	if (c->used)
		return PARSE_OK;
	c->want = want;
	return PARSE_MORE;
}

/* Passes over what is left of a packet. True when that is all of it. */
static bool pass(struct mysql_lane *lane, struct chunk *c)
{
	u32 n = (u32)MIN(lane->left, c->n - c->used);
	c->used += n;
	lane->left -= n;
	return lane->left == 0;
}

static u32 look(const struct parser *ps, const struct mysql_state *s, u32 side, u32 len, int first, u8 seq)
{
	return side == CLIENT_LANE ? mysql_request_look(ps, s, len, first, seq) : mysql_response_look(s, len, first);
}

/* The next packet's beginning. PARSE_SKIP: it has been taken. */
static enum parse begin(struct parser *ps, struct mysql_state *s, struct chunk *c, u32 side)
{
	struct mysql_lane *lane = &s->lane[side];
	const u8 *p = c->p + c->used;
	size_t have = c->n - c->used;
	if (have < MYSQL_HEADER)
		return incomplete(c, MYSQL_HEADER);
	u32 len = le24(p);
	if (len && have == MYSQL_HEADER)
		return incomplete(c, MYSQL_HEADER + 1);
	u32 n = lane->goes_on ? 0 : look(ps, s, side, len, len ? p[MYSQL_HEADER] : -1, p[3]);
	if (have < MYSQL_HEADER + n)
		return incomplete(c, MYSQL_HEADER + n);
	struct mysql_packet packet = { .p = p + MYSQL_HEADER, .have = n, .len = len, .seq = p[3] };
	lane->end = END_NOTHING;
	if (!(side == CLIENT_LANE ? mysql_request_take(ps, s, &packet) : mysql_response_take(ps, s, &packet)))
		return PARSE_DESYNC;
	lane->seq = packet.seq;
	lane->goes_on = len == MYSQL_PACKET_MAX;
	lane->inside = true;
	lane->left = len - n;
	c->used += MYSQL_HEADER + n;
	return PARSE_SKIP;
}

enum parse mysql_packets(struct parser *ps, struct mysql_state *s, struct chunk *c)
{
	u32 side = mysql_lane_of(ps);
	struct mysql_lane *lane = &s->lane[side];
	bool compressed = s->compressed;
	for (;;) {
		if (!lane->inside && side == SERVER_LANE && s->expect == EXPECT_ROWS)
			mysql_rows_pass(s, c);
		if (!lane->inside) {
			enum parse verdict = begin(ps, s, c, side);
			if (verdict != PARSE_SKIP)
				return verdict;
		}
		if (!pass(lane, c)) {
			c->want = lane->left;
			lane->left = 0;
			return PARSE_SKIP;
		}
		lane->inside = false;
		bool goes_on = side == CLIENT_LANE ? mysql_request_end(ps, s) : mysql_response_end(ps, s);
		if (!goes_on || s->compressed != compressed)
			return PARSE_OK;
	}
}
