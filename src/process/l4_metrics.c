#include "process/l4_metrics.h"

#include <errno.h>
#include <stdlib.h>

#include "net/net.h"

#define FOLD_NS NS_PER_SEC
#define MARKS_FIRST 1024u
#define MARKS_MAX (64 * KIB) /* connections with news; past it they are folded at once */

enum { TCP, UDP, TRANSPORTS };

/* By direction, with the chosen labels. */
enum tcp_metric { TCP_PACKETS, TCP_BYTES, TCP_SKIPPED, TCP_RETRANSMITS, TCP_EARLY, TCP_ZERO_WINDOWS, TCP_METRICS };
enum udp_metric { UDP_PACKETS, UDP_BYTES, UDP_METRICS };
enum gauge_metric { ACTIVE, EXPIRED, GAUGE_METRICS };
enum rtt_metric { RTT_HANDSHAKE, RTT_ACK, RTT_METRICS };

static const double rtt_bounds[] = { 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5 };

static const struct metric_desc tcp_desc[TCP_METRICS] = {
	[TCP_PACKETS] = { .name = "tcp_received_packets_total", .help = "TCP segments.", .type = METRIC_COUNTER },
	[TCP_BYTES] = { .name = "tcp_received_bytes_total", .help = "TCP payload, with what was sent again.", .unit = "bytes", .type = METRIC_COUNTER },
	[TCP_SKIPPED] = { .name = "tcp_skipped_packets_total", .help = "TCP segments that brought nothing new.", .type = METRIC_COUNTER },
	[TCP_RETRANSMITS] = { .name = "tcp_retransmitted_packets_total", .help = "TCP segments sent again.", .type = METRIC_COUNTER },
	[TCP_EARLY] = { .name = "tcp_out_of_order_packets_total", .help = "TCP segments that came before earlier ones.", .type = METRIC_COUNTER },
	[TCP_ZERO_WINDOWS] = { .name = "tcp_zero_windows_total", .help = "Times the sender of these packets stopped the other side.", .type = METRIC_COUNTER },
};

static const struct metric_desc udp_desc[UDP_METRICS] = {
	[UDP_PACKETS] = { .name = "udp_received_packets_total", .help = "UDP datagrams.", .type = METRIC_COUNTER },
	[UDP_BYTES] = { .name = "udp_received_bytes_total", .help = "UDP payload.", .unit = "bytes", .type = METRIC_COUNTER },
};

static const struct metric_desc gauge_desc[TRANSPORTS][GAUGE_METRICS] = {
	{ { .name = "tcp_active_conns", .help = "TCP connections open now.", .type = METRIC_GAUGE },
	  { .name = "tcp_remove_expired_conns_total", .help = "TCP connections forgotten after being idle.", .type = METRIC_COUNTER } },
	{ { .name = "udp_active_conns", .help = "Pairs of UDP endpoints that have talked lately.", .type = METRIC_GAUGE },
	  { .name = "udp_remove_expired_conns_total", .help = "Pairs of UDP endpoints forgotten after being idle.", .type = METRIC_COUNTER } },
};

static const struct metric_desc opened_desc[TRANSPORTS] = {
	{ .name = "tcp_connections_opened_total", .help = "TCP connections seen, also those joined in the middle.", .type = METRIC_COUNTER },
	{ .name = "udp_connections_opened_total", .help = "Pairs of UDP endpoints seen.", .type = METRIC_COUNTER },
};

static const struct metric_desc closed_desc[TRANSPORTS] = {
	{ .name = "tcp_connections_closed_total", .help = "TCP connections that have ended, by how.", .type = METRIC_COUNTER },
	{ .name = "udp_connections_closed_total", .help = "Pairs of UDP endpoints no longer followed, by why.", .type = METRIC_COUNTER },
};

static const struct metric_desc rtt_desc[RTT_METRICS] = {
	[RTT_HANDSHAKE] = { .name = "tcp_handshake_rtt_seconds", .help = "From the SYN to the end of the hand-shake: a round trip of the whole path.",
			    .unit = "seconds", .type = METRIC_HISTOGRAM, .bounds = rtt_bounds, .bounds_len = ARRAY_LEN(rtt_bounds) },
	[RTT_ACK] = { .name = "tcp_acknowledgement_rtt_seconds", .help = "From data to their acknowledgement: a round trip from here to the receiver.",
		      .unit = "seconds", .type = METRIC_HISTOGRAM, .bounds = rtt_bounds, .bounds_len = ARRAY_LEN(rtt_bounds) },
};

static const char *const end_names[] = { [END_CLOSED] = "closed",   [END_RESET] = "reset",     [END_REFUSED] = "refused",
					 [END_EXPIRED] = "expired", [END_EVICTED] = "evicted", [END_CAPTURE] = "capture_end" };

enum l4_label { SRC_HOST, SRC_PORT, DST_HOST, DST_PORT, L4_LABELS };

static const char *const selectors[L4_LABELS] = { "source.host", "source.port", "destination.host", "destination.port" };
static const char *const label_names[L4_LABELS] = { "src_host", "src_port", "dst_host", "dst_port" };

/* What a direction had counted when the news began. */
struct counted {
	u64 bytes;
	u32 packets, retransmits, out_of_order, zero_windows;
};

struct mark {
	struct conn *c;
	struct counted before[2];
	struct metric_cells *rtt[2]; /* by direction, found in round `round` */
	u64 round;
};

struct l4_worker {
	struct sink sink; /* first */
	struct l4_metrics *m;
	u32 number;
	struct flow *flow;
	struct mark *marks; /* conn.watched is the place in it, from 1 */
	u32 marks_len, marks_cap;
	u64 round; /* flushes so far: cells found in one are not kept into the next */
	u64 folded;
} __attribute__((aligned(CACHE_LINE)));

struct l4_metrics {
	struct registry *registry;
	struct metric_group *gauges[TRANSPORTS], *tcp, *udp, *opened[TRANSPORTS], *closed[TRANSPORTS], *rtt;
	u8 labels[L4_LABELS]; /* enum l4_label */
	u32 labels_len;
	bool enabled;
	u32 workers_len;
	struct l4_worker *workers;
};

/* --- labels --- */

struct label_texts {
	char memory[L4_LABELS][48];
	struct str values[L4_LABELS + 1];
};

/* The values of a direction's packets: source and destination. Returns how many. */
static u32 label_values(const struct l4_metrics *m, const struct conn *c, int dir, bool ports, struct label_texts *t)
{
	u32 n = 0;
	for (u32 i = 0; i < m->labels_len; i++) {
		if (m->labels[i] == SRC_PORT && !ports)
			continue;
		bool source = m->labels[i] == SRC_HOST || m->labels[i] == SRC_PORT;
		int end = source ? dir : dir ^ 1;
		struct buf out = { .data = t->memory[i], .cap = sizeof(t->memory[i]), .max = sizeof(t->memory[i]) };
		if (m->labels[i] == SRC_HOST || m->labels[i] == DST_HOST)
			out.len = ip_format(&c->addr[end], out.data);
		else
			buf_add_u64(&out, c->port[end]);
		t->values[n++] = str_make(out.data, out.len);
	}
	return n;
}

/* The direction from client to server. Without a SYN: servers have the lower port, as a rule. */
static int client_of(const struct conn *c)
{
	if (c->opener != DIR_NONE)
		return c->opener;
	return c->port[DIR_A] < c->port[DIR_B] ? DIR_B : DIR_A;
}

/* Of a connection as a whole: from client to server, without the client's port, which would make each a series of its own. */
static u32 conn_values(const struct l4_metrics *m, const struct conn *c, struct label_texts *t)
{
	return label_values(m, c, client_of(c), false, t);
}

static int transport_of(const struct conn *c)
{
	return c->protocol == IPPROTO_TCP_ ? TCP : UDP;
}

/* --- news of connections --- */

static void remember(const struct half *h, struct counted *to)
{
	*to = (struct counted){ h->bytes, h->packets, h->retransmits, h->out_of_order, h->zero_windows };
}

static void fold_direction(struct l4_worker *w, const struct conn *c, int dir, const struct counted *before, u64 now)
{
	const struct l4_metrics *m = w->m;
	const struct half *h = &c->half[dir];
	struct label_texts t;
	if (h->packets == before->packets)
		return;
	label_values(m, c, dir, true, &t);
	bool tcp = transport_of(c) == TCP;
	struct metric_cells *cells = metric_find(tcp ? m->tcp : m->udp, w->number, t.values, now);
	if (!tcp) {
		metric_add(cells, UDP_PACKETS, h->packets - before->packets);
		metric_add(cells, UDP_BYTES, (double)(h->bytes - before->bytes));
		return;
	}
	metric_add(cells, TCP_PACKETS, h->packets - before->packets);
	metric_add(cells, TCP_BYTES, (double)(h->bytes - before->bytes));
	metric_add(cells, TCP_SKIPPED, h->retransmits - before->retransmits);
	metric_add(cells, TCP_RETRANSMITS, h->retransmits - before->retransmits);
	metric_add(cells, TCP_EARLY, h->out_of_order - before->out_of_order);
	metric_add(cells, TCP_ZERO_WINDOWS, (u16)(h->zero_windows - before->zero_windows));
}

static void fold(struct l4_worker *w, struct mark *mark, u64 now)
{
	struct conn *c = mark->c;
	for (int dir = 0; dir < 2; dir++)
		fold_direction(w, c, dir, &mark->before[dir], now);
	c->watched = 0;
}

static void fold_all(struct l4_worker *w, u64 now)
{
	for (u32 i = 0; i < w->marks_len; i++)
		fold(w, &w->marks[i], now);
	w->marks_len = 0;
	w->folded = now;
}

static bool marks_grow(struct l4_worker *w)
{
	u32 cap = w->marks_cap ? w->marks_cap * 2 : MARKS_FIRST;
	struct mark *more = cap <= MARKS_MAX ? realloc(w->marks, cap * sizeof(*more)) : NULL;
	if (!more)
		return false;
	w->marks = more;
	w->marks_cap = cap;
	return true;
}

static void on_packet(void *arg, struct conn *c)
{
	struct l4_worker *w = arg;
	if (w->marks_len == w->marks_cap && !marks_grow(w))
		fold_all(w, flow_now(c->flow));
	if (!w->marks_cap)
		return;
	struct mark *mark = &w->marks[w->marks_len++];
	mark->c = c;
	mark->round = UINT64_MAX;
	remember(&c->half[0], &mark->before[0]);
	remember(&c->half[1], &mark->before[1]);
	c->watched = w->marks_len;
}

static void on_opened(void *arg, struct conn *c)
{
	struct l4_worker *w = arg;
	struct label_texts t;
	conn_values(w->m, c, &t);
	metric_add(metric_find(w->m->opened[transport_of(c)], w->number, t.values, flow_now(c->flow)), 0, 1);
}

static void on_rtt(void *arg, struct conn *c, int dir, u64 ns, bool handshake)
{
	struct l4_worker *w = arg;
	struct label_texts t;
	u64 now = flow_now(c->flow);
	struct mark spare = { .round = UINT64_MAX }, *mark = c->watched ? &w->marks[c->watched - 1] : &spare;
	if (mark->round != w->round) {
		mark->round = w->round;
		mark->rtt[0] = mark->rtt[1] = NULL;
	}
	struct metric_cells *cells = mark->rtt[dir];
	if (!cells) {
		u32 n = conn_values(w->m, c, &t);
		t.values[n] = dir == client_of(c) ? STR("server") : STR("client");
		cells = mark->rtt[dir] = metric_find(w->m->rtt, w->number, t.values, now);
	}
	metric_touch(cells, now);
	metric_observe(cells, handshake ? RTT_HANDSHAKE : RTT_ACK, (double)ns / 1e9, NULL, now);
}

static void count_expired(struct l4_worker *w, const struct conn *c, enum stream_end end)
{
	if (end == END_EXPIRED)
		metric_add(metric_find(w->m->gauges[transport_of(c)], w->number, NULL, flow_now(c->flow)), EXPIRED, 1);
}

static void on_closed(void *arg, struct conn *c, enum stream_end end)
{
	struct l4_worker *w = arg;
	struct label_texts t;
	u64 now = flow_now(c->flow);
	if (c->watched) {
		u32 at = c->watched - 1;
		fold(w, &w->marks[at], now);
		w->marks[at] = w->marks[--w->marks_len];
		if (at < w->marks_len)
			w->marks[at].c->watched = at + 1;
	}
	u32 n = conn_values(w->m, c, &t);
	t.values[n] = str_from(end_names[end]);
	metric_add(metric_find(w->m->closed[transport_of(c)], w->number, t.values, now), 0, 1);
	count_expired(w, c, end);
}

static const struct flow_observer observer = { on_opened, on_packet, on_rtt, on_closed };

static void only_expired(void *arg, struct conn *c, enum stream_end end)
{
	count_expired(arg, c, end);
}

/* Without `enabled`. */
static const struct flow_observer small_observer = { .closed = only_expired };

/* --- workers --- */

void l4_metrics_attach(struct l4_metrics *m, u32 worker, struct flow *flow)
{
	struct l4_worker *w = &m->workers[worker];
	w->flow = flow;
	flow_set_observer(flow, m->enabled ? &observer : &small_observer, w);
}

void l4_metrics_flush(struct l4_metrics *m, u32 worker, u64 now, bool last)
{
	struct l4_worker *w = &m->workers[worker];
	if (!w->flow)
		return;
	w->round++;
	if (last || now >= w->folded + FOLD_NS || now < w->folded)
		fold_all(w, now);
	for (int t = 0; t < TRANSPORTS; t++)
		metric_set(metric_find(m->gauges[t], worker, NULL, now), ACTIVE, flow_open_conns(w->flow, t == TCP ? IPPROTO_TCP_ : IPPROTO_UDP_));
	registry_tick(m->registry, worker, now);
}

void l4_metrics_detach(struct l4_metrics *m, u32 worker)
{
	struct l4_worker *w = &m->workers[worker];
	if (!w->flow)
		return;
	l4_metrics_flush(m, worker, flow_now(w->flow), true);
	flow_set_observer(w->flow, NULL, NULL);
	w->flow = NULL;
}

static void sink_roundtrip(struct sink *s, const struct roundtrip *rt)
{
}

static void sink_flush(struct sink *s, u64 now, bool last)
{
	struct l4_worker *w = (struct l4_worker *)(void *)s;
	l4_metrics_flush(w->m, w->number, now, last);
}

struct sink *l4_metrics_sink(struct l4_metrics *m, u32 worker)
{
	return worker < m->workers_len ? &m->workers[worker].sink : NULL;
}

/* --- life --- */

static void choose_labels(struct l4_metrics *m, const struct config_texts *labels, struct buf *warnings)
{
	for (u32 i = 0; i < labels->n; i++) {
		u8 l = 0;
		while (l < L4_LABELS && strcmp(labels->v[i], selectors[l]) != 0)
			l++;
		bool there = l == L4_LABELS;
		if (there && warnings)
			buf_addf(warnings, "layer4Metrics: %s is no label\n", labels->v[i]);
		for (u32 k = 0; k < m->labels_len; k++)
			there |= m->labels[k] == l;
		if (!there)
			m->labels[m->labels_len++] = l;
	}
}

static int make_groups(struct l4_metrics *m)
{
	const char *names[L4_LABELS], *conn_names[L4_LABELS + 1];
	u32 n = 0;
	int rc = 0;
	for (u32 i = 0; i < m->labels_len; i++) {
		names[i] = label_names[m->labels[i]];
		if (m->labels[i] != SRC_PORT)
			conn_names[n++] = names[i];
	}
	for (int t = 0; t < TRANSPORTS && !rc; t++)
		rc = registry_group(m->registry, gauge_desc[t], GAUGE_METRICS, NULL, 0, &m->gauges[t]);
	if (rc || !m->enabled)
		return rc;
	rc = registry_group(m->registry, tcp_desc, TCP_METRICS, names, m->labels_len, &m->tcp);
	if (!rc)
		rc = registry_group(m->registry, udp_desc, UDP_METRICS, names, m->labels_len, &m->udp);
	conn_names[n] = "acknowledged_by";
	if (!rc)
		rc = registry_group(m->registry, rtt_desc, RTT_METRICS, conn_names, n + 1, &m->rtt);
	conn_names[n] = "reason";
	for (int t = 0; t < TRANSPORTS && !rc; t++) {
		rc = registry_group(m->registry, &opened_desc[t], 1, conn_names, n, &m->opened[t]);
		if (!rc)
			rc = registry_group(m->registry, &closed_desc[t], 1, conn_names, n + 1, &m->closed[t]);
	}
	return rc;
}

int l4_metrics_new(struct registry *r, u32 workers, bool enabled, const struct config_texts *labels, struct l4_metrics **ret, struct buf *warnings)
{
	struct l4_metrics *m = calloc(1, sizeof(*m));
	size_t n = MAX(workers, 1) * sizeof(struct l4_worker);
	if (!m)
		return -ENOMEM;
	m->registry = r;
	m->enabled = enabled;
	m->workers = aligned_alloc(CACHE_LINE, n);
	m->workers_len = m->workers ? MAX(workers, 1) : 0;
	if (m->workers)
		memset(m->workers, 0, n);
	for (u32 i = 0; i < m->workers_len; i++) {
		m->workers[i].sink = (struct sink){ sink_roundtrip, sink_flush };
		m->workers[i].m = m;
		m->workers[i].number = i;
	}
	choose_labels(m, labels, warnings);
	int rc = m->workers ? make_groups(m) : -ENOMEM;
	if (rc)
		l4_metrics_free(m);
	else
		*ret = m;
	return rc;
}

void l4_metrics_free(struct l4_metrics *m)
{
	if (!m)
		return;
	registry_drop_group(m->registry, m->tcp);
	registry_drop_group(m->registry, m->udp);
	registry_drop_group(m->registry, m->rtt);
	for (int t = 0; t < TRANSPORTS; t++) {
		registry_drop_group(m->registry, m->gauges[t]);
		registry_drop_group(m->registry, m->opened[t]);
		registry_drop_group(m->registry, m->closed[t]);
	}
	for (u32 i = 0; i < m->workers_len; i++)
		free(m->workers[i].marks);
	free(m->workers);
	free(m);
}
