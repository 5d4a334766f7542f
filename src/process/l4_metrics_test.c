#include "unit.h"

#include <stdio.h>

#include "metrics/expose.h"
#include "process/l4_metrics.h"
#include "process/own_metrics.h"
#include "roundtrip/session.h"

/* A flow table under sessions, and packets of one client and one server. */
struct rig {
	struct registry *registry;
	struct l4_metrics *m;
	struct ledger *ledger;
	struct sessions *sessions;
	struct flow *flow;
	u64 ts;
	struct buf text;
};

static struct rig *rig_new(bool enabled, const char **labels, u32 n)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct config_texts chosen = { labels, n };
	struct buf warnings = { 0 };
	assert_non_null(r);
	r->registry = registry_new(&(struct registry_options){ .workers = 1 });
	assert_int_equal(l4_metrics_new(r->registry, 1, enabled, &chosen, &r->m, &warnings), 0);
	buf_done(&warnings);
	r->ledger = calloc(1, sizeof(*r->ledger));
	r->sessions = sessions_new(&(struct session_options){ 0 }, r->ledger);
	r->flow = flow_new(&(struct flow_options){ 0 }, &session_consumer, &r->ledger->flow, r->sessions);
	r->ts = 1740819600ull * NS_PER_SEC;
	l4_metrics_attach(r->m, 0, r->flow);
	return r;
}

static void rig_free(struct rig *r)
{
	l4_metrics_detach(r->m, 0);
	flow_free(r->flow);
	sessions_free(r->sessions);
	free(r->ledger);
	l4_metrics_free(r->m);
	registry_free(r->registry);
	buf_done(&r->text);
	free(r);
}

static void rig_has(struct rig *r, const char *line, bool there)
{
	struct snapshot *s = registry_snapshot(r->registry, &(struct snapshot_options){ .protocol = true, .own = true, .now = r->ts });
	r->text.len = 0;
	expose(&r->text, s, EXPOSE_TEXT);
	snapshot_free(s);
	if ((strstr(buf_cstr(&r->text), line) != NULL) != there)
		fail_msg("%s%s in\n%s", there ? "no " : "", line, buf_cstr(&r->text));
}

/* `payload` bytes from client (dir 0) or server. */
static void packet(struct rig *r, u8 protocol, int dir, u16 client_port, u32 seq, u32 ack, u8 flags, u32 payload)
{
	static const u8 zeros[2000];
	struct segment seg = { .protocol = protocol, .seq = seq, .ack = ack, .flags = flags, .window = 1000, .payload = zeros, .len = payload, .caplen = payload,
			       .sport = dir ? 7777 : client_port, .dport = dir ? client_port : 7777 };
	struct ip_addr ends[2] = { { { 0 } }, { { 0 } } };
	assert_true(ip_parse(STR("10.0.0.1"), &ends[0]) && ip_parse(STR("10.0.0.2"), &ends[1]));
	seg.src = ends[dir];
	seg.dst = ends[dir ^ 1];
	seg.ts = r->ts += NS_PER_MS;
	flow_packet(r->flow, &seg);
}

static void tcp(struct rig *r, int dir, u32 seq, u32 ack, u8 flags, u32 payload)
{
	packet(r, IPPROTO_TCP_, dir, 40000, seq, ack, flags, payload);
}

static void open_tcp(struct rig *r)
{
	tcp(r, 0, 100, 0, TCP_SYN, 0);
	tcp(r, 1, 500, 101, TCP_SYN | TCP_ACK, 0);
	tcp(r, 0, 101, 501, TCP_ACK, 0);
}

static void a_connection(void **state)
{
	const char *labels[] = { "destination.port", "source.host", "source.port", "destination.port", "nonsense" };
	struct rig *r = rig_new(true, labels, ARRAY_LEN(labels));
	open_tcp(r);
	rig_has(r, "tcp_connections_opened_total{dst_port=\"7777\",src_host=\"10.0.0.1\"} 1\n", true);
	rig_has(r, "tcp_handshake_rtt_seconds_sum{dst_port=\"7777\",src_host=\"10.0.0.1\",acknowledged_by=\"server\"} 0.002\n", true);
	tcp(r, 0, 101, 501, TCP_ACK, 10);
	tcp(r, 0, 101, 501, TCP_ACK, 10); /* again */
	tcp(r, 1, 501, 111, TCP_ACK, 30);
	tcp(r, 0, 111, 531, TCP_ACK, 0);
	rig_has(r, "tcp_received_packets_total", false); /* not folded yet */
	l4_metrics_flush(r->m, 0, r->ts, false);
	rig_has(r, "tcp_received_packets_total{dst_port=\"7777\",src_host=\"10.0.0.1\",src_port=\"40000\"} 5\n", true);
	rig_has(r, "tcp_received_bytes_total{dst_port=\"7777\",src_host=\"10.0.0.1\",src_port=\"40000\"} 20\n", true);
	rig_has(r, "tcp_skipped_packets_total{dst_port=\"7777\",src_host=\"10.0.0.1\",src_port=\"40000\"} 1\n", true);
	rig_has(r, "tcp_retransmitted_packets_total{dst_port=\"7777\",src_host=\"10.0.0.1\",src_port=\"40000\"} 1\n", true);
	rig_has(r, "tcp_received_bytes_total{dst_port=\"40000\",src_host=\"10.0.0.2\",src_port=\"7777\"} 30\n", true);
	/* which of the two was acknowledged is not known; the answer's round trip is */
	rig_has(r, "tcp_acknowledgement_rtt_seconds_count{dst_port=\"7777\",src_host=\"10.0.0.1\",acknowledged_by=\"client\"} 1\n", true);
	rig_has(r, "tcp_acknowledgement_rtt_seconds_count{dst_port=\"7777\",src_host=\"10.0.0.1\",acknowledged_by=\"server\"} 0\n", true);
	rig_has(r, "tcp_active_conns 1\n", true);
	/* the rest is folded when it ends, without a flush */
	tcp(r, 0, 111, 531, TCP_ACK | TCP_FIN, 5);
	tcp(r, 1, 531, 117, TCP_ACK | TCP_FIN, 0);
	rig_has(r, "tcp_received_packets_total{dst_port=\"7777\",src_host=\"10.0.0.1\",src_port=\"40000\"} 6\n", true);
	rig_has(r, "tcp_connections_closed_total{dst_port=\"7777\",src_host=\"10.0.0.1\",reason=\"closed\"} 1\n", true);
	l4_metrics_flush(r->m, 0, r->ts, false);
	rig_has(r, "tcp_active_conns 0\n", true);
	rig_free(r);
}

static void refused_and_reset(void **state)
{
	struct rig *r = rig_new(true, NULL, 0);
	tcp(r, 0, 100, 0, TCP_SYN, 0);
	tcp(r, 1, 0, 101, TCP_RST | TCP_ACK, 0);
	rig_has(r, "tcp_connections_closed_total{reason=\"refused\"} 1\n", true);
	packet(r, IPPROTO_TCP_, 0, 40001, 100, 0, TCP_SYN, 0);
	packet(r, IPPROTO_TCP_, 1, 40001, 500, 101, TCP_SYN | TCP_ACK, 0);
	packet(r, IPPROTO_TCP_, 1, 40001, 501, 101, TCP_RST | TCP_ACK, 0);
	rig_has(r, "tcp_connections_closed_total{reason=\"reset\"} 1\n", true);
	rig_has(r, "tcp_connections_opened_total 2\n", true);
	rig_free(r);
}

static void datagrams_and_expiry(void **state)
{
	for (int enabled = 0; enabled < 2; enabled++) {
		struct rig *r = rig_new(enabled, NULL, 0);
		for (u16 i = 0; i < 3; i++)
			packet(r, IPPROTO_UDP_, 0, 40000, 0, 0, 0, (u32)i + 10);
		l4_metrics_flush(r->m, 0, r->ts, false);
		rig_has(r, "udp_active_conns 1\n", true);
		rig_has(r, "udp_received_bytes_total 33\n", enabled);
		flow_advance(r->flow, r->ts += 600 * NS_PER_SEC);
		l4_metrics_flush(r->m, 0, r->ts, false);
		rig_has(r, "udp_remove_expired_conns_total 1\n", true);
		rig_has(r, "udp_connections_closed_total{reason=\"expired\"} 1\n", enabled);
		rig_has(r, "udp_active_conns 0\n", true);
		rig_free(r);
	}
}

/* More connections with news than are kept: none is forgotten. */
static void many_connections(void **state)
{
	struct rig *r = rig_new(true, NULL, 0);
	for (u32 i = 0; i < 70000; i++) {
		struct segment seg = { .protocol = IPPROTO_UDP_, .sport = (u16)i, .dport = (u16)(i >> 16), .len = 1, .caplen = 1, .payload = (const u8 *)"x", .ts = r->ts };
		flow_packet(r->flow, &seg);
	}
	l4_metrics_flush(r->m, 0, r->ts, true);
	rig_has(r, "udp_received_packets_total 70000\n", true);
	/* what another takes over is not counted twice */
	struct l4_metrics *next;
	struct config_texts none = { 0 };
	assert_int_equal(l4_metrics_new(r->registry, 1, true, &none, &next, NULL), 0);
	l4_metrics_detach(r->m, 0);
	l4_metrics_attach(next, 0, r->flow);
	packet(r, IPPROTO_UDP_, 0, 40000, 0, 0, 0, 10);
	l4_metrics_flush(next, 0, r->ts, true);
	rig_has(r, "udp_received_packets_total 70001\n", true);
	l4_metrics_detach(next, 0);
	l4_metrics_free(next);
	rig_free(r);
}

static void get_ledger(void *arg, struct ledger *ret)
{
	*ret = *((struct rig *)arg)->ledger;
}

static u32 get_exporters(void *arg, struct own_exporter *v, u32 max)
{
	v[0] = (struct own_exporter){ .name = "traces", .offered = 9, .delivered = 5, .queued = 1, .dropped = { { "refused", 3 } }, .dropped_len = 1 };
	return 1;
}

static u32 get_interfaces(void *arg, struct own_interface *v, u32 max)
{
	v[0] = (struct own_interface){ "eth0", 100, 7 };
	return 1;
}

static void own_metrics(void **state)
{
	struct rig *r = rig_new(true, NULL, 0);
	struct own_metrics *m = own_metrics_new(r->registry, &(struct own_metrics_options){ .version = "1.2", .started = 1000000000, .ledger = get_ledger,
											    .interfaces = get_interfaces, .exporters = get_exporters, .arg = r });
	assert_non_null(m);
	open_tcp(r);
	r->ledger->proto[PROTO_http].requests = 4;
	r->ledger->proto[PROTO_http].outcomes[OUTCOME_ANSWERED] = 3;
	r->ledger->proto[PROTO_http].outcomes[OUTCOME_LOST] = 1;
	rig_has(r, "packetd_build_info{version=\"1.2\",git_hash=\"\",build_time=\"\"} 1\n", true);
	rig_has(r, "packetd_build_info{version=\"1.2\",git_hash=\"\",build_time=\"\"} 1\n", true); /* and not one more each time */
	rig_has(r, "packetd_completeness_ratio{protocol=\"http\"} 0.75\n", true);
	rig_has(r, "packetd_request_outcomes_total{protocol=\"http\",outcome=\"lost\"} 1\n", true);
	rig_has(r, "packetd_flow_conns_live 1\n", true);
	rig_has(r, "packetd_flow_tcp_segments_total 3\n", true);
	rig_has(r, "packetd_sniffer_dropped_packets_total{iface=\"eth0\"} 7\n", true);
	rig_has(r, "packetd_exporter_dropped_total{exporter=\"traces\",reason=\"refused\"} 3\n", true);
	rig_has(r, "packetd_series{metric=\"tcp_connections_opened_total\"} 1\n", true);
	rig_has(r, "process_start_time_seconds 1\n", true);
	rig_has(r, "\nprocess_resident_memory_bytes ", true);
	own_metrics_free(m);
	rig_has(r, "packetd_", false);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection),	    cmocka_unit_test(refused_and_reset), cmocka_unit_test(datagrams_and_expiry),
		cmocka_unit_test(many_connections), cmocka_unit_test(own_metrics),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
