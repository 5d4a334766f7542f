/* One wheel of deadlines for all connections. A deadline beyond its span waits in the farthest slot and is looked at again. */
#include "flow/flow_private.h"

void timer_disarm(struct conn *c)
{
	if (!c->due)
		return;
	struct flow *f = c->flow;
	if (c->timer_prev)
		c->timer_prev->timer_next = c->timer_next;
	else
		f->wheel[(c->due >> WHEEL_SHIFT) % WHEEL_SLOTS] = c->timer_next;
	if (c->timer_next)
		c->timer_next->timer_prev = c->timer_prev;
	c->due = 0;
}

void timer_arm(struct conn *c, u64 when)
{
	struct flow *f = c->flow;
	u64 tick = when >> WHEEL_SHIFT;
	tick = MAX(tick, f->tick + 1);
	tick = MIN(tick, f->tick + WHEEL_SLOTS - 1);
	if (c->due && c->due >> WHEEL_SHIFT == tick)
		return;
	timer_disarm(c);
	struct conn **slot = &f->wheel[tick % WHEEL_SLOTS];
	c->due = tick << WHEEL_SHIFT | 1; /* never 0, even at tick 0 */
	c->timer_prev = NULL;
	c->timer_next = *slot;
	if (*slot)
		(*slot)->timer_prev = c;
	*slot = c;
}

/* All connections of one slot; they may arm again, elsewhere, or be freed. */
static void run_slot(struct flow *f, u64 tick, u64 now)
{
	struct conn *c;
	while ((c = f->wheel[tick % WHEEL_SLOTS]) != NULL) {
		timer_disarm(c);
		conn_timer(c, now);
	}
}

void timer_run(struct flow *f, u64 now)
{
	u64 to = now >> WHEEL_SHIFT;
	if (likely(to <= f->tick))
		return;
	/* After a pause longer than the wheel every slot is due, each once. */
	u64 from = to - f->tick >= WHEEL_SLOTS ? to - WHEEL_SLOTS + 1 : f->tick + 1;
	for (u64 tick = from; tick <= to; tick++) {
		f->tick = tick;
		run_slot(f, tick, now);
	}
}
