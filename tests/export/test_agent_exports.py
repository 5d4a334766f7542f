"""The agent with every exporter at once: a capture goes to all back ends, then it ends."""

import collections
import json
import os
import signal
import subprocess
import time

import backend
import observe
from backend import Backend, fields, records, snappy
from bulkstore import Store
from remotewrite import decode_v1
from test_metrics import one

CAPTURE = os.path.join(observe.ROOT, 'tests', 'captures', 'http_keepalive.pcap')

CONFIG = '''
server: {enabled: false}
metricsStorage: {vmHistogram: false}
processor:
  - name: roundtripstometrics
    config:
      http:
        requireLabels: [request.method, response.status_code]
  - name: roundtripstotraces
  - name: roundtripstorecords
pipeline:
  - name: all
    processors: [roundtripstometrics, roundtripstotraces, roundtripstorecords]
exporter:
  resource: {service.namespace: shop}
  traces: {enabled: true, endpoint: URL/v1/traces, batch: 100}
  metrics: {enabled: true, endpoint: URL/api/v1/write, interval: 1s}
  otlpMetrics: {enabled: true, endpoint: URL/v1/metrics, interval: 1s}
  logs: {enabled: true, endpoint: URL/v1/logs}
  elasticsearch: {enabled: true, endpoint: URL, batch: 50}
  roundtrips: {enabled: true, filename: out.jsonl}
'''


def agent(tmp_path, url, config=CONFIG, capture=CAPTURE, code=0):
    (tmp_path / 'packetd.yaml').write_text(config.replace('URL', url))
    done = subprocess.run([observe.PACKETD, 'agent', '--config', 'packetd.yaml', '--pcap-file', capture], cwd=tmp_path, capture_output=True, timeout=120, check=False, env=dict(os.environ, TZ='UTC'))
    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == code, said[-4000:]
    assert 'Sanitizer' not in said and 'runtime error' not in said, said[-4000:]
    return said


def test_everywhere(tmp_path):
    store = Store()

    def behave(number, request):
        return store(number, request) if request.path.startswith(('/_bulk', '/_index')) else 200

    with Backend(behave) as b:
        agent(tmp_path, b.url)
        by_path = collections.defaultdict(list)
        for r in b.taken:
            by_path[r.path.split('?')[0]].append(r)
    truth = observe.watch(CAPTURE).roundtrips
    n = len(truth)
    assert [json.loads(line) for line in (tmp_path / 'out.jsonl').read_text().splitlines()] == truth
    spans = [fields(s) for r in by_path['/v1/traces'] for s in records(r.body)]
    assert len(spans) == n and all(s[6] == [2] for s in spans)
    logs = [fields(s) for r in by_path['/v1/logs'] for s in records(r.body)]
    assert len(logs) == n
    assert {s[2][0] for s in spans} == {s[10][0] for s in logs}, 'one id for an exchange, wherever it goes'
    assert len(store.documents) == n and {s[1][0].hex() for s in spans} >= set(store.documents)
    assert collections.Counter(d['Response']['StatusCode'] for d in store.documents.values()) == collections.Counter(t['Response']['StatusCode'] for t in truth)
    series = [s for r in by_path['/api/v1/write'] for s in decode_v1(snappy(r.body))]
    last = {}
    for s in one(series, name='http_requests_total'):
        for value, time, _ in s.points:
            key = (s.labels['method'], s.labels['status_code'])
            last[key] = max(last.get(key, (0, 0)), (time, value))
    want = collections.Counter((t['Request']['Method'], str(t['Response']['StatusCode'])) for t in truth)
    assert {k: v for k, (_, v) in last.items()} == want
    sent = min(p[1] for s in series for p in s.points)
    assert abs(sent / 1000 - fields(records(by_path['/v1/traces'][0].body)[0])[7][0] / 1e9) < 10, 'the time of the capture'
    metrics = {m[1][0] for r in by_path['/v1/metrics'] for m in map(fields, records(r.body))}
    assert b'http_requests_total' in metrics and b'http_request_duration_seconds' in metrics
    assert b'service.namespace' in by_path['/v1/traces'][0].body


def test_twice_is_the_same(tmp_path):
    bodies = []
    for _ in range(2):
        with Backend(lambda n, r: 200) as b:
            agent(tmp_path, b.url, CONFIG.replace('elasticsearch: {enabled: true', 'elasticsearch: {enabled: false').replace('roundtrips: {enabled: true', 'roundtrips: {enabled: false'))
            bodies.append(sorted((r.path, r.body if r.path in ('/v1/traces', '/v1/logs') else b'') for r in b.taken))
    assert bodies[0] == bodies[1]


def test_a_back_end_that_does_not_answer(tmp_path):
    """The others get theirs, and the agent ends and says so with its status."""
    store = Store()

    def behave(number, request):
        return store(number, request) if request.path.startswith(('/_bulk', '/_index')) else 'hang' if request.path == '/v1/logs' else 200

    with Backend(behave) as b:
        said = agent(tmp_path, b.url, CONFIG.replace('/v1/logs}', '/v1/logs, timeout: 1s, retryFor: 2s}'), code=1)
    n = len(observe.watch(CAPTURE).roundtrips)
    assert len(store.documents) == n
    assert len([s for r in b.taken if r.path == '/v1/traces' for s in records(r.body)]) == n
    assert 'logs: %d records dropped: they could not be delivered in time' % n in said


def ending(folder, url):
    """An agent that has read a capture, and was asked to end while a back end does not answer."""
    folder.mkdir()
    (folder / 'packetd.yaml').write_text('server: {enabled: false}\nexporter: {traces: {enabled: true, endpoint: "%s/v1/traces", timeout: 1m}}\n' % url)
    with open(folder / 'said', 'wb') as out:
        child = subprocess.Popen([observe.PACKETD, 'agent', '--config', 'packetd.yaml', '--pcap-file', CAPTURE], cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    backend.wait_for(lambda: 'are on their way' in (folder / 'said').read_text(), 30, 'the end of the capture')
    child.send_signal(signal.SIGTERM)
    return child


def test_asked_twice_to_end(tmp_path):
    """It waits for back ends, but not for somebody who has lost patience; signals at the same time are one (timeout(1) sends two)."""
    with Backend(lambda number, request: 'hang') as b:
        child = ending(tmp_path / 'twice', b.url)
        backend.wait_for(lambda: 'asked to end' in (tmp_path / 'twice' / 'said').read_text(), 30, 'the first signal')
        time.sleep(0.5)
        child.send_signal(signal.SIGTERM)
        assert child.wait(8) == 128 + signal.SIGTERM
        assert 'had not been delivered' in (tmp_path / 'twice' / 'said').read_text()
        child = ending(tmp_path / 'once', b.url)
        time.sleep(0.02)
        child.send_signal(signal.SIGTERM)
        assert child.wait(40) == 1
        assert 'were not delivered' in (tmp_path / 'once' / 'said').read_text()
