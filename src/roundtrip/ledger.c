#include "roundtrip/ledger.h"

#include <stdio.h>

#include "util/buf.h"

/* All of it is u64: summed as an array, but for the times. */
_Static_assert(sizeof(struct ledger) % sizeof(u64) == 0, "the ledger holds nothing but u64");

/* Workers count on without atomics while others read: each counter is written by one thread, with one store. Said to ThreadSanitizer. */
__attribute__((no_sanitize("thread"))) void ledger_add(struct ledger *sum, const struct ledger *worker)
{
	const u64 *from = (const u64 *)worker;
	u64 *to = (u64 *)sum, first = sum->first_ts, last = sum->last_ts;
	for (size_t i = 0; i < sizeof(*sum) / sizeof(u64); i++)
		to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	/* what the loop has made of these is undone */
	u64 worker_first = sum->first_ts - first, worker_last = sum->last_ts - last;
	sum->first_ts = first && worker_first ? MIN(first, worker_first) : first + worker_first;
	sum->last_ts = MAX(last, worker_last);
}

u64 ledger_outcomes(const struct ledger_proto *p)
{
	u64 n = 0;
	for (int o = 0; o < OUTCOME_COUNT; o++)
		n += p->outcomes[o];
	return n;
}

double ledger_completeness(const struct ledger_proto *p)
{
	u64 known = p->outcomes[OUTCOME_ANSWERED] + p->outcomes[OUTCOME_ONEWAY] + p->outcomes[OUTCOME_NO_RESPONSE] + p->outcomes[OUTCOME_RESET];
	u64 pending = p->outcomes[OUTCOME_OPEN] + p->waiting;
	u64 all = p->requests + p->orphan_responses;
	all = all > pending ? all - pending : 0;
	if (all == 0)
		return 1;
	return known < all ? (double)known / (double)all : 1;
}

static bool is_sum(char text[200], const char *what, u64 left, const char *parts, u64 right)
{
	if (left == right)
		return true;
	snprintf(text, 200, "%s (%llu) is not %s (%llu)", what, (unsigned long long)left, parts, (unsigned long long)right);
	return false;
}

static bool check_flow(const struct flow_counters *f, char text[200])
{
	u64 bytes = f->parsed + f->skipped + f->duplicate + f->unrecognised + f->opaque + f->late + f->held + f->snapped_bytes + f->no_memory_bytes;
	u64 conns = f->conns_closed + f->conns_reset + f->conns_refused + f->conns_expired + f->conns_evicted + f->conns_cut + f->conns_live;
	return is_sum(text, "stream bytes", f->stream_bytes, "parsed, skipped, duplicate, unrecognised, opaque, late, held, snapped and out of memory", bytes) &&
	       is_sum(text, "connections opened", f->conns_opened, "closed, reset, refused, expired, evicted, cut and live", conns);
}

const char *ledger_check(const struct ledger *l, char text[200])
{
	u64 packets = 0, ended = 0;
	text[0] = '\0';
	for (int r = 0; r < NET_RESULT_COUNT; r++)
		packets += l->net[r];
	if (!is_sum(text, "packets", l->packets, "decoded and set aside", packets) || !check_flow(&l->flow, text))
		return text;
	for (const struct proto *const *p = proto_all; *p; p++) {
		const struct ledger_proto *count = &l->proto[proto_index(*p)];
		char what[64];
		snprintf(what, sizeof(what), "%.20s requests", (*p)->name);
		if (!is_sum(text, what, count->requests, "their outcomes and those waiting", ledger_outcomes(count) + count->waiting))
			return text;
		ended += ledger_outcomes(count);
	}
	is_sum(text, "exchanges ended", ended, "delivered and filtered", l->delivered + l->filtered);
	return text;
}
