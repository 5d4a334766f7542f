/* Messages as both sides frame them: a head, and as much of the body as is wanted. */
#include "proto/postgresql/read.h"

enum pg_step pg_message_read(struct chunk *c, enum side side, u32 (*look)(const struct parser *ps, u8 type), const struct parser *ps, struct pg_message *m)
{
	struct rd rest = rd_make(c->p + c->used, c->n - c->used);
	struct pg_head head;
	c->want = 0;
	enum pg_result result = pg_head_read(&rest, side, &head);
	if (result != PG_OK)
		return result == PG_MORE ? PG_STEP_MORE : PG_STEP_BAD;
	size_t needs = MIN(look(ps, head.type), head.body);
	if (rd_left(&rest) < needs) {
		c->want = PG_HEAD + needs;
		return PG_STEP_MORE;
	}
	*m = (struct pg_message){ .type = head.type, .body = head.body, .looked = (u32)needs, .have = rd_make(rest.p, needs) };
	return PG_STEP_ON;
}

enum pg_step pg_message_pass(struct chunk *c, const struct pg_message *m)
{
	size_t left = c->n - c->used, size = (size_t)m->body + PG_HEAD;
	c->used += MIN(left, size);
	if (left >= size)
		return PG_STEP_ON;
	c->want = size - left;
	return PG_STEP_SKIP;
}
