"""The agent's metrics through a real Prometheus: what is queried back is what the clients did."""

import json
import os
import shutil
import subprocess
import urllib.parse

import agent as ag
import pytest
import servers as s

pytestmark = pytest.mark.skipif(not shutil.which('prometheus'), reason='not installed: prometheus')

CONFIG = '''
sniffer:
  ifaces: lo
controller:
  layer4Metrics: {enabled: true, requiredLabels: [destination.port]}
metricsStorage:
  histograms: [%s]
processor:
  - {name: roundtripstometrics, config: {defaultLabels: true}}
pipeline:
  - {name: metrics/all, processors: [roundtripstometrics]}
server: {enabled: true, address: "127.0.0.1:9091"}
'''

SCRAPES = '''
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - {job_name: protocol, metrics_path: /protocol/metrics, static_configs: [{targets: ["127.0.0.1:9091"]}]}
  - {job_name: own, static_configs: [{targets: ["127.0.0.1:9091"]}]}
'''


class Prometheus(s.Server):
    def __init__(self, namespace, port=19090, options=()):
        super().__init__(namespace)
        self.port = port
        with open(os.path.join(self.dir, 'prometheus.yml'), 'w', encoding='utf8') as f:
            f.write(SCRAPES)
        self.start(['prometheus', '--config.file=' + os.path.join(self.dir, 'prometheus.yml'), '--storage.tsdb.path=' + os.path.join(self.dir, 'data'),
                    '--web.listen-address=127.0.0.1:%d' % port, *options], lambda: self.listening('127.0.0.1', port))

    def query(self, text):
        """-> [(labels, value)]"""
        url = 'http://127.0.0.1:%d/api/v1/query?query=%s' % (self.port, urllib.parse.quote(text))
        out = subprocess.run([*self.prefix, 'curl', '-s', '--max-time', '20', url], capture_output=True, text=True, check=False).stdout
        try:
            answer = json.loads(out)
        except ValueError:
            return []  # not up yet
        if answer['status'] != 'success':
            assert answer.get('errorType') == 'unavailable', answer
            return []
        return [(r['metric'], float(r['value'][1])) for r in answer['data']['result'] if 'value' in r]

    def one(self, text):
        found = self.query(text)
        return found[0][1] if len(found) == 1 else None


@pytest.mark.parametrize('kinds,options', [('classic', ()), ('classic, native', ('--enable-feature=native-histograms',))], ids=['openmetrics', 'protobuf'])
def test_prometheus(loopback, kinds, options):
    with ag.Agent(CONFIG % kinds, namespace=loopback.namespace) as a, Prometheus(loopback.namespace, options=options) as p:
        for n, path in ((300, '/item/7'), (40, '/nothing/here')):
            subprocess.run([*p.prefix, 'ab', '-q', '-n', str(n), '-c', '4', 'http://127.0.0.1' + path], capture_output=True, check=True, timeout=60)
        a.until(lambda: p.one('sum(http_requests_total{server_port="80"})') == 340, 'all requests in Prometheus', 60)
        assert p.one('sum(http_requests_total{server_port="80",route="/item/{id}",status_code="200"})') == 300
        assert p.one('sum(http_errors_total{server_port="80",error_type="404"})') == 40
        assert p.one('sum(http_outcomes_total{server_port="80",outcome="answered"})') == 340
        assert 340 <= p.one('sum(tcp_connections_opened_total{dst_port="80"})') <= 348  # ab opens some it does not need
        duration = 'http_request_duration_seconds%s{server_port="80"}'
        if 'native' in kinds:
            assert p.one('sum(histogram_count(%s))' % duration % '') == 340
            assert 0 < p.one('histogram_quantile(0.5, sum(%s))' % duration % '') < 5
        else:
            assert p.one('sum(%s)' % duration % '_count') == 340
            assert p.one('sum(http_request_duration_seconds_bucket{server_port="80",le="+Inf"})') == 340
            assert 0 < p.one('histogram_quantile(0.5, sum by (le) (%s))' % duration % '_bucket') < 5
        assert p.one('min(up)') == 1
        a.until(lambda: p.one('packetd_build_info') == 1, 'own metrics', 30)
        assert p.one('packetd_completeness_ratio{protocol="http"}') == 1
        assert p.one('process_resident_memory_bytes') > 1e6 and p.one('process_open_fds') > 3
        assert p.one('sum(packetd_series_overflow_total)') is None
        assert p.query('scrape_samples_scraped{job="protocol"}')[0][1] > 50
        a.stop()
