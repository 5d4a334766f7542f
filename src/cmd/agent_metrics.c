/* Metrics of connections and of the program itself. */
#include "cmd/agent.h"

int agent_open_metrics(struct agent *a, struct buf *error)
{
	return 0;
}

void agent_close_metrics(struct agent *a)
{
}
