/* The last deliveries of the agent, and what became of everything that was to be delivered. */
#include "cmd/agent.h"

#define FLUSH_MS 10000 /* longest wait for the back ends */

static u64 dropped(const struct export_counters *c)
{
	u64 n = 0;
	for (int i = 0; i < EXPORT_DROP_COUNT; i++)
		n += c->dropped[i];
	return n;
}

u64 agent_queued(struct agent *a)
{
	u64 n = 0;
	for (u32 i = 0; i < AGENT_EXPORTERS_MAX; i++) {
		struct export_counters c = { 0 };
		if (!a->exporters[i])
			continue;
		a->exporters[i]->ops->counters(a->exporters[i], &c);
		n += c.queued;
	}
	return n;
}

/* "traces: 120 of 412 records were not delivered: 100 could not be delivered in time (too_old), 20 are in the spool for the next run; last
 * error: …" */
static void say_missing(const char *name, const struct export_counters *c)
{
	static const char *const texts[] = {
#define X(id, name, text) text,
		EXPORT_DROPS(X)
#undef X
	};
	struct buf out = { 0 };
	buf_addf(&out, "%s: %llu of %llu records were not delivered:", name, (unsigned long long)(c->queued + dropped(c)), (unsigned long long)c->offered);
	const char *comma = "";
	for (int i = 0; i < EXPORT_DROP_COUNT; i++) {
		if (!c->dropped[i])
			continue;
		buf_addf(&out, "%s %llu %s (%s)", comma, (unsigned long long)c->dropped[i], export_drop_name((enum export_drop)i), texts[i]);
		comma = ",";
	}
	if (c->queued)
		buf_addf(&out, "%s %llu wait in the spool for the next run", comma, (unsigned long long)c->queued);
	if (c->last_error[0])
		buf_addf(&out, "; last error: %s", c->last_error);
	log_write(LOG_ERROR, "export", "%s", buf_cstr(&out));
	buf_done(&out);
}

static bool say_outcome(struct exporter *e)
{
	struct export_counters c = { 0 };
	e->ops->counters(e, &c);
	if (!c.offered)
		return true;
	if (c.queued + dropped(&c)) {
		say_missing(e->ops->name, &c);
		return false;
	}
	if (c.requests)
		log_write(LOG_INFO, "export", "%s: all %llu records delivered, in %llu requests", e->ops->name, (unsigned long long)c.delivered, (unsigned long long)c.requests);
	else
		log_write(LOG_INFO, "export", "%s: all %llu records written", e->ops->name, (unsigned long long)c.delivered);
	return true;
}

struct ending {
	struct exporter *exporter;
	pthread_t thread;
	bool waits;
	_Atomic u32 *left;
};

static void *stop(void *arg)
{
	struct ending *e = arg;
	e->exporter->ops->stop(e->exporter, FLUSH_MS);
	atomic_fetch_sub(e->left, 1);
	return NULL;
}

bool agent_end_exporters(struct agent *a, void (*meanwhile)(void *arg), void *arg)
{
	struct ending endings[AGENT_EXPORTERS_MAX];
	_Atomic u32 left = 0;
	bool all = true;
	if (a->exporters_ended)
		return true;
	a->exporters_ended = true;
	/* All at once: a back end that does not answer takes no time from the others. */
	for (u32 i = 0; i < AGENT_EXPORTERS_MAX; i++) {
		struct ending *e = &endings[i];
		*e = (struct ending){ .exporter = a->exporters[i], .left = &left };
		if (!e->exporter)
			continue;
		atomic_fetch_add(&left, 1);
		e->waits = pthread_create(&e->thread, NULL, stop, e) == 0;
		if (!e->waits)
			stop(e);
	}
	while (meanwhile && atomic_load(&left))
		meanwhile(arg);
	for (u32 i = 0; i < AGENT_EXPORTERS_MAX; i++)
		if (endings[i].waits)
			pthread_join(endings[i].thread, NULL);
	for (u32 i = 0; i < AGENT_EXPORTERS_MAX; i++)
		if (a->exporters[i])
			all &= say_outcome(a->exporters[i]);
	return all;
}
