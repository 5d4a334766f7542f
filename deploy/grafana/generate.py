#!/usr/bin/env python3
"""Writes the dashboards beside it: what is seen (overview) and the program itself (packetd), each for Prometheus (buckets by `le`) and for
VictoriaMetrics (`vmrange`). Change this and run it again, not the JSON. SPDX-License-Identifier: Apache-2.0"""

import json
import os

PROTOCOLS = ('http', 'http2', 'grpc', 'dns', 'redis', 'mysql', 'postgresql', 'mongodb', 'kafka', 'amqp')
# What an operation is called, whatever the protocol: labels a series has not got are no hindrance.
OPERATION = 'method, route, service, command, type, operation, kind, api, class'
WHERE = 'instance=~"$instance"'
RATE = '[$__rate_interval]'
SOURCE = {'type': 'prometheus', 'uid': '${datasource}'}


def rate(metric, more=''):
    return 'rate(%s{%s%s}%s)' % (metric, WHERE, ',' + more if more else '', RATE)


def quantile(q, metric, bucket, by=''):
    return 'histogram_quantile(%s, sum by (%s%s) (%s))' % (q, bucket, ', ' + by if by else '', rate(metric + '_bucket'))


class Board:
    """Panels in rows of 24 columns."""

    def __init__(self, uid, title, description, store):
        self.uid, self.title, self.description, self.store = uid, title, description, store
        self.panels, self.x, self.y, self.height = [], 0, 0, 0

    def place(self, width, height):
        if self.x + width > 24:
            self.x, self.y = 0, self.y + self.height
            self.height = 0
        at = {'x': self.x, 'y': self.y, 'w': width, 'h': height}
        self.x += width
        self.height = max(self.height, height)
        return at

    def row(self, title, repeat=None):
        self.x = 24
        panel = {'type': 'row', 'id': len(self.panels) + 1, 'title': title, 'collapsed': False, 'panels': [], 'gridPos': self.place(24, 1)}
        if repeat:
            panel['repeat'] = repeat
        self.panels.append(panel)
        self.x = 24

    def add(self, title, queries, unit='short', kind='timeseries', width=8, height=8, description='', stack=False, thresholds=None, maximum=None):
        """`queries`: [(expression, legend)]"""
        custom = {'fillOpacity': 20 if stack else 0, 'showPoints': 'never', 'lineWidth': 1, 'stacking': {'mode': 'normal' if stack else 'none'}} if kind == 'timeseries' else {}
        steps = [{'color': 'green', 'value': None}] + [{'color': c, 'value': v} for v, c in thresholds or ()]
        defaults = {'unit': unit, 'custom': custom, 'min': 0, 'thresholds': {'mode': 'absolute', 'steps': steps}}
        if maximum is not None:
            defaults['max'] = maximum
        if kind == 'stat' and thresholds and thresholds[0][1] == 'green':
            steps[0]['color'] = 'red'
        instant = kind in ('stat', 'table')
        targets = [{'refId': chr(65 + i) if i < 26 else 'Z%d' % i, 'expr': e, 'legendFormat': legend, 'datasource': SOURCE, 'instant': instant, 'range': not instant,
                    **({'format': 'table'} if kind == 'table' else {})} for i, (e, legend) in enumerate(queries)]
        panel = {'type': kind, 'id': len(self.panels) + 1, 'title': title, 'description': description, 'datasource': SOURCE, 'gridPos': self.place(width, height),
                 'fieldConfig': {'defaults': defaults, 'overrides': []}, 'targets': targets}
        if kind == 'timeseries':
            panel['options'] = {'legend': {'displayMode': 'list', 'placement': 'bottom'}, 'tooltip': {'mode': 'multi', 'sort': 'desc'}}
        if kind == 'stat':
            panel['options'] = {'reduceOptions': {'calcs': ['lastNotNull']}, 'colorMode': 'value', 'graphMode': 'area'}
        if kind == 'table':
            panel['transformations'] = [{'id': 'merge', 'options': {}}, {'id': 'organize', 'options': {'excludeByName': {'Time': True}}}]
        self.panels.append(panel)

    def json(self, variables):
        return {'uid': self.uid, 'title': self.title, 'description': self.description, 'tags': ['packetd'], 'schemaVersion': 38, 'version': 1, 'editable': True, 'graphTooltip': 1,
                'refresh': '30s', 'time': {'from': 'now-1h', 'to': 'now'}, 'timezone': '', 'panels': self.panels, 'annotations': {'list': []},
                'links': [{'type': 'dashboards', 'tags': ['packetd'], 'title': 'packetd', 'asDropdown': True, 'keepTime': True}], 'templating': {'list': variables}}


def variables(instance_of, protocol):
    found = [{'name': 'datasource', 'type': 'datasource', 'query': 'prometheus', 'label': 'Data source'},
             query_variable('instance', 'Host', 'label_values(%s, instance)' % instance_of, '', True)]
    if protocol:
        found.append(query_variable('protocol', 'Protocol', 'metrics(.+_outcomes_total)', '/^(?!packetd_)(.+)_outcomes_total$/', False))
    return found


def query_variable(name, label, query, regex, every):
    return {'name': name, 'label': label, 'type': 'query', 'datasource': SOURCE, 'query': {'query': query, 'refId': name}, 'definition': query, 'regex': regex, 'refresh': 2, 'sort': 1,
            'multi': True, 'includeAll': True, 'current': {'text': 'All', 'value': '$__all'}, **({'allValue': '.*'} if every else {})}


def by_protocol(expression):
    return [(expression(p), p) for p in PROTOCOLS]


def overview(store, bucket):
    b = Board('packetd-overview-' + store, 'packetd: traffic' + (' (VictoriaMetrics)' if store == 'victoriametrics' else ''),
              'Requests, failures and times of every protocol; connections; how complete that picture is.', store)
    b.row('All protocols')
    b.add('Requests', by_protocol(lambda p: 'sum(%s)' % rate(p + '_outcomes_total')), 'reqps', stack=True, description='Answered or not.')
    b.add('Failed', by_protocol(lambda p: 'sum(%s)' % rate(p + '_errors_total')), 'reqps', stack=True, description='Answered with an error, or not answered.')
    b.add('Time to the answer, p95', by_protocol(lambda p: quantile('0.95', p + '_request_duration_seconds', bucket)), 's')
    b.row('$protocol', repeat='protocol')
    p = '${protocol}_'
    b.add('Requests by operation', [('topk(15, sum by (%s) (%s))' % (OPERATION, rate(p + 'outcomes_total')), '')], 'reqps')
    b.add('Share that failed', [('sum(%s) / sum(%s)' % (rate(p + 'errors_total'), rate(p + 'outcomes_total')), 'failed')], 'percentunit', thresholds=[(0.05, 'red')])
    b.add('Failures by error', [('topk(15, sum by (error_type) (%s))' % rate(p + 'errors_total'), '{{error_type}}')], 'reqps', stack=True)
    b.add('Time to the answer', [(quantile(q, p + 'request_duration_seconds', bucket), name) for q, name in (('0.5', 'p50'), ('0.95', 'p95'), ('0.99', 'p99'))], 's',
          description='From the request to the end of the answer.')
    b.add('p95 by operation', [('topk(15, %s)' % quantile('0.95', p + 'request_duration_seconds', bucket, OPERATION), '')], 's')
    b.add('Where the time goes, p95', [(quantile('0.95', p + 'response_first_byte_seconds', bucket), 'server'), (quantile('0.95', p + 'response_transfer_seconds', bucket), 'transfer')], 's',
          description='Server: end of the request to the first byte of the answer. Transfer: the rest, which is the network\'s and the client\'s.')
    b.add('Not answered', [('sum by (outcome) (%s)' % rate(p + 'outcomes_total', 'outcome!="answered"'), '{{outcome}}')], 'reqps', stack=True,
          description='no_response: silence. reset: the connection was. lost: packets are missing, the answer may have been there. oneway: none is expected.')
    b.add('Bytes', [('sum(%s)' % rate(p + 'request_body_bytes_sum'), 'requests'), ('sum(%s)' % rate(p + 'response_body_bytes_sum'), 'answers')], 'Bps')
    b.add('By server', [('topk(15, sum by (server_address, server_port) (%s))' % rate(p + 'outcomes_total'), '{{server_address}}:{{server_port}}')], 'reqps')
    b.row('Connections')
    b.add('Opened', [('sum(%s)' % rate('tcp_connections_opened_total'), 'TCP'), ('sum(%s)' % rate('udp_connections_opened_total'), 'UDP')], 'cps')
    b.add('Ended', [('sum by (reason) (%s)' % rate('tcp_connections_closed_total'), '{{reason}}')], 'cps', stack=True, description='refused: answered by RST instead of SYN-ACK.')
    b.add('Open now', [('sum(tcp_active_conns{%s})' % WHERE, 'TCP'), ('sum(udp_active_conns{%s})' % WHERE, 'UDP')])
    b.add('Sent again', [('sum(%s) / sum(%s)' % (rate('tcp_retransmitted_packets_total'), rate('tcp_received_packets_total')), 'retransmitted'),
                         ('sum(%s) / sum(%s)' % (rate('tcp_out_of_order_packets_total'), rate('tcp_received_packets_total')), 'out of order')], 'percentunit', description='Share of TCP segments.')
    b.add('Receivers that were full', [('sum(%s)' % rate('tcp_zero_windows_total'), 'zero windows')], 'cps')
    b.add('Payload', [('sum(%s)' % rate('tcp_received_bytes_total'), 'TCP'), ('sum(%s)' % rate('udp_received_bytes_total'), 'UDP')], 'Bps')
    b.add('Hand-shake round trip', [(quantile(q, 'tcp_handshake_rtt_seconds', bucket), name) for q, name in (('0.5', 'p50'), ('0.99', 'p99'))], 's', width=12)
    b.add('Acknowledgement round trip, p95', [(quantile('0.95', 'tcp_acknowledgement_rtt_seconds', bucket, 'acknowledged_by'), 'by the {{acknowledged_by}}')], 's', width=12)
    b.row('How complete this is')
    b.add('Complete exchanges', [('min by (protocol) (packetd_completeness_ratio{%s})' % WHERE, '{{protocol}}')], 'percentunit', maximum=1, description='Of those known to have taken place; of the worst host.')
    b.add('Lost before they were seen', [('sum by (instance, iface) (%s)' % rate('packetd_sniffer_dropped_packets_total'), '{{instance}} {{iface}}')], 'pps', description='Packets that the kernel had no room for.')
    b.add('Holes', [('sum by (protocol) (%s)' % rate('packetd_gaps_total'), '{{protocol}}')], 'cps', description='Places where a parser wanted to read bytes that were never captured.')
    return b.json(variables('tcp_active_conns', True))


def itself(store):
    b = Board('packetd-itself-' + store, 'packetd: the program itself' + (' (VictoriaMetrics)' if store == 'victoriametrics' else ''), 'What packetd costs, misses, keeps and delivers.', store)
    w = '{%s}' % WHERE
    b.row('Now')
    b.add('Running', [('sum by (version) (packetd_build_info%s)' % w, '{{version}}')], kind='stat', width=4, height=4)
    b.add('Completeness', [('min(packetd_completeness_ratio%s)' % w, '')], 'percentunit', 'stat', 4, 4, thresholds=[(0.999, 'green')])
    b.add('Packets dropped', [('sum(increase(packetd_kernel_dropped_packets_total%s[$__range]))' % w, '')], kind='stat', width=4, height=4, thresholds=[(1, 'orange')])
    b.add('Records not delivered', [('sum(increase(packetd_exporter_dropped_total%s[$__range])) or vector(0)' % w, '')], kind='stat', width=4, height=4, thresholds=[(1, 'red')])
    b.add('CPU', [('sum(%s)' % rate('process_cpu_seconds_total', 'job=~".*packetd.*"'), '')], 'percentunit', 'stat', 4, 4)
    b.add('Uptime', [('min(packetd_uptime%s)' % w, '')], 's', 'stat', 4, 4)
    b.row('Capture')
    b.add('Packets', [('sum by (instance) (%s)' % rate('packetd_packets_total'), '{{instance}}')], 'pps')
    b.add('Bytes', [('sum by (instance) (%s)' % rate('packetd_packets_bytes_total'), '{{instance}}')], 'Bps')
    b.add('Dropped by the kernel', [('sum by (instance, iface) (%s)' % rate('packetd_sniffer_dropped_packets_total'), '{{instance}} {{iface}}')], 'pps')
    b.add('Left aside', [('sum by (reason) (%s)' % rate('packetd_packets_skipped_total'), '{{reason}}')], 'pps')
    b.add('Connections', [('sum(packetd_flow_conns_live%s)' % w, 'followed'), ('sum(%s)' % rate('packetd_flow_conns_evicted_total'), 'evicted/s')])
    b.add('Never captured', [('sum(%s)' % rate('packetd_flow_gap_bytes_total'), 'outside bodies'), ('sum(%s)' % rate('packetd_flow_gap_skipped_bytes_total'), 'inside bodies: harmless')], 'Bps')
    b.row('Exchanges')
    b.add('Requests', [('sum by (protocol) (%s)' % rate('packetd_requests_total'), '{{protocol}}')], 'reqps')
    b.add('Completeness', [('min by (protocol) (packetd_completeness_ratio%s)' % w, '{{protocol}}')], 'percentunit', maximum=1)
    b.add('Waiting for an answer', [('sum by (protocol) (packetd_requests_waiting%s)' % w, '{{protocol}}')])
    b.add('Holes', [('sum by (protocol) (%s)' % rate('packetd_gaps_total'), '{{protocol}}')], 'cps')
    b.add('Parsers that lost their place', [('sum by (protocol) (%s)' % rate('packetd_desyncs_total'), '{{protocol}}')], 'cps')
    b.add('Answers without a request', [('sum by (protocol) (%s)' % rate('packetd_orphan_responses_total'), '{{protocol}}'), ('sum by (protocol) (%s)' % rate('packetd_late_responses_total'), '{{protocol}} late')], 'cps')
    b.row('Metrics and exporters')
    b.add('Series', [('topk(15, sum by (metric) (packetd_series%s))' % w, '{{metric}}')])
    b.add('Updates that went to ~other', [('sum by (metric) (%s)' % rate('packetd_series_overflow_total'), '{{metric}}')], 'cps', description='metricsStorage.maxSeries has been reached.')
    b.add('Limits reached', [('sum by (cap) (%s)' % rate('packetd_cap_hits_total'), '{{cap}}')], 'cps')
    b.add('Delivered', [('sum by (exporter) (%s)' % rate('packetd_exporter_delivered_total'), '{{exporter}}')], 'cps')
    b.add('Waiting', [('sum by (exporter) (packetd_exporter_queued%s)' % w, '{{exporter}}'), ('sum by (exporter) (packetd_exporter_spooled_bytes%s)' % w, '{{exporter}}: bytes in the spool')])
    b.add('Not delivered', [('sum by (exporter, reason) (%s)' % rate('packetd_exporter_dropped_total'), '{{exporter}} {{reason}}'),
                            ('sum by (exporter) (%s)' % rate('packetd_exporter_failures_total'), '{{exporter}}: failed requests')], 'cps')
    b.row('Process')
    b.add('CPU', [('sum by (instance) (%s)' % rate('process_cpu_seconds_total', 'job=~".*packetd.*"'), '{{instance}}')], 'percentunit', width=8)
    b.add('Memory', [('process_resident_memory_bytes{%s,job=~".*packetd.*"}' % WHERE, '{{instance}}'), ('packetd_series_memory_bytes%s' % w, '{{instance}} series')], 'bytes')
    b.add('Open files', [('process_open_fds{%s,job=~".*packetd.*"}' % WHERE, '{{instance}}')])
    return b.json(variables('packetd_build_info', False))


def boards():
    return {'traffic-prometheus.json': overview('prometheus', 'le'), 'traffic-victoriametrics.json': overview('victoriametrics', 'vmrange'),
            'packetd-prometheus.json': itself('prometheus'), 'packetd-victoriametrics.json': itself('victoriametrics')}


def text(board):
    return json.dumps(board, indent=1, sort_keys=True, ensure_ascii=False) + '\n'


if __name__ == '__main__':
    for name, board in boards().items():
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), 'w', encoding='utf8') as f:
            f.write(text(board))
