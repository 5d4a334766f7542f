"""A capture as the agent's input: yesterday's traffic in today's back ends, with its own times, complete or with a word about what is not."""

import collections
import json
import math
import os
import signal
import subprocess
import time

import backend
import capfile
import observe
import pytest
import recorded
import truth
import wire
from backend import Backend, fields, records, snappy
from bulkstore import Store
from remotewrite import decode_v1

CONFIG = '''
server: {enabled: false}
exporter:
  traces: {enabled: true, endpoint: URL/v1/traces}
  metrics: {enabled: true, endpoint: URL/api/v1/write, interval: INTERVAL}
  elasticsearch: {enabled: true, endpoint: URL}
'''


class Everything(Backend):
    """Remote write, OTLP and a document store in one; `behave(request)` may say something else than yes."""

    def __init__(self, behave=None, port=0):
        self.store = Store()

        def answer(number_, request):
            what = behave(request) if behave else None
            return what if what is not None else self.store(number_, request) if request.path.startswith(('/_bulk', '/_index')) else 200
        super().__init__(answer, port)

    def at(self, path):
        return [r for r in self.taken if r.path == path]

    def spans(self):
        return [fields(s) for r in self.at('/v1/traces') for s in records(r.body)]

    def series(self):
        """{(name, labels): [(time in ms, value)]}"""
        found = collections.defaultdict(list)
        for r in self.at('/api/v1/write'):
            for s in decode_v1(snappy(r.body)):
                found[tuple(sorted(s.labels.items()))] += [(t, v) for v, t, _ in s.points]
        return found


class Reading:
    """The agent on a capture; `end` waits for it."""

    def __init__(self, folder, url, capture, config=CONFIG, interval='15s'):
        (folder / 'packetd.yaml').write_text(config.replace('URL', url).replace('INTERVAL', interval))
        self.child = subprocess.Popen([observe.PACKETD, 'agent', '--config', 'packetd.yaml', '--pcap-file', str(capture)], cwd=folder, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, env=dict(os.environ, TZ='UTC'))

    def end(self, code=0):
        try:
            said = self.child.communicate(timeout=observe.TIMEOUT)[0].decode('utf8', 'replace')
        finally:
            self.child.kill()
        assert 'Sanitizer' not in said and 'runtime error' not in said, said[-4000:]
        assert self.child.returncode == code, said[-4000:]
        return said


def last(series, name, **labels):
    """Sum of the last values; a series that has gone ends with NaN."""
    return sum(sorted(p for p in points if not math.isnan(p[1]))[-1][1] for key, points in series.items()
               if ('__name__', name) in key and labels.items() <= dict(key).items())


def check_arrived(there, exchanges, begin, end):
    """Numbers, sums and times of everything that came."""
    answered = [x for x in exchanges if x['outcome'] == 'answered']
    seen = there.spans()
    assert len(seen) == len(there.store.documents) == len(exchanges)
    assert all(begin <= s[7][0] <= s[8][0] <= end for s in seen), 'times of spans'
    series = there.series()
    for protocol, n in collections.Counter(x['protocol'] for x in exchanges).items():
        outcomes = collections.Counter(x['outcome'] for x in exchanges if x['protocol'] == protocol)
        assert last(series, protocol + '_outcomes_total') == n
        assert {o: last(series, protocol + '_outcomes_total', outcome=o) for o in outcomes} == outcomes
        n = sum(x['protocol'] == protocol for x in answered)
        assert last(series, protocol + '_requests_total') == last(series, protocol + '_request_duration_seconds_count') == n
    documents = there.store.documents.values()
    for direction, name in (('Request', 'request_body_bytes'), ('Response', 'response_body_bytes')):
        sizes = sum(d[direction].get('Size') or 0 for d in documents if d['Outcome'] == 'answered')
        assert sum(last(series, p + '_' + name + '_sum') for p in truth.READ) == sizes
    slack = 2_000_000_000  # a picture is taken after the second it shows
    for key, points in series.items():
        assert all(begin // 1_000_000 - 1 <= t <= (end + slack) // 1_000_000 for t, _ in points), key
        assert all(a[0] < b[0] for a, b in zip(points, points[1:])), key
    for key, points in series.items():
        if dict(key)['__name__'].endswith('_requests_total'):
            assert points[0][1] == 0 and len(points) > 1, 'what happened before the first picture is an increase, too'


@pytest.mark.parametrize('name', recorded.NAMES)
def test_truth(tmp_path, name):
    packets = recorded.load(name)
    with Everything() as there:
        said = Reading(tmp_path, there.url, recorded.path(name), interval='1s').end()
        check_arrived(there, recorded.exchanges(name), packets[0].ts, packets[-1].ts)
    n = len(recorded.exchanges(name))
    assert 'traces: all %d records delivered' % n in said and 'elasticsearch: all %d records delivered' % n in said


def merge(path, names):
    packets = sorted((p for n in names for p in recorded.load(n)), key=lambda p: p.ts)
    capfile.write(str(path), capfile.pcap_bytes([wire.frame(p, 'ethernet') for p in packets]))
    return path, sum(len(recorded.exchanges(n)) for n in names)


@pytest.fixture(scope='module')
def everything(tmp_path_factory):
    """Four recordings made one after the other, in one capture."""
    return merge(tmp_path_factory.mktemp('capture') / 'all.pcap', ['http_keepalive', 'http_pipelined', 'dns_udp', 'dns_tcp'])


def test_silence(tmp_path):
    """Half an hour without a packet, in which series are forgotten: what was counted before is sent before, with times before."""
    path, _ = merge(tmp_path / 'silence.pcap', ['dns_udp', 'redis_plain'])
    with Everything() as there:
        Reading(tmp_path, there.url, path, interval='1m').end()
        series = there.series()
    assert last(series, 'dns_outcomes_total') == len(recorded.exchanges('dns_udp'))
    assert last(series, 'redis_outcomes_total') == len(recorded.exchanges('redis_plain'))
    end = recorded.load('dns_udp')[-1].ts // 1_000_000
    for key, points in series.items():
        if ('__name__', 'dns_outcomes_total') in key:
            assert points[0][1] == 0
            assert math.isnan(points[-1][1]) and 300_000 <= points[-1][0] - end < 480_000, 'forgotten in its time'
            assert all(a[0] < b[0] for a, b in zip(points, points[1:]))


def test_back_end_comes_up_late(tmp_path, everything):
    """What is read in a moment waits for a back end that starts after it, and for one that refuses at first."""
    path, n = everything
    port = backend.free_port()
    reading = Reading(tmp_path, 'http://127.0.0.1:%d' % port, path)
    time.sleep(2)
    assert reading.child.poll() is None
    refusals = iter([503, 429, 500])
    with Everything(lambda request: next(refusals, None), port) as there:
        said = reading.end()
        assert len(there.spans()) == len(there.store.documents) == n
        assert sum(last(there.series(), p + '_outcomes_total') for p in truth.READ) == n
    assert 'trying again' in said and 'traces: all %d records delivered' % n in said


def test_back_end_never_comes(tmp_path, everything):
    """The end is not quiet: exit 1, and for each exporter how much is missing, and why. The others have got theirs."""
    path, n = everything
    config = CONFIG.replace('/v1/traces', '/v1/traces, retryFor: 1s').replace('/api/v1/write', '/api/v1/write, retryFor: 1s')

    def behave(request):
        return None if request.path.startswith(('/_bulk', '/_index')) else 503 if request.path == '/v1/traces' else 400
    with Everything(behave) as there:
        said = Reading(tmp_path, there.url, path, config).end(code=1)
        assert len(there.store.documents) == n
    assert 'traces: %d of %d records were not delivered: %d too_old (could not be delivered in time); last error: ' % (n, n, n) in said
    assert 'answers 503' in said
    assert 'metrics: ' in said and 'refused (the back end does not want it (4xx))' in said
    assert 'elasticsearch: all %d records delivered' % n in said


def test_spool_over_two_runs(tmp_path, everything):
    """Interrupted before the back end was there: the next run sends what the first has left, once each."""
    path, n = everything
    config = CONFIG.replace('/v1/traces', '/v1/traces, spool: {directory: spool}').replace('elasticsearch: {', 'elasticsearch: {spool: {directory: spool}, ').replace(
        'metrics: {enabled: true', 'metrics: {enabled: false')
    port = backend.free_port()
    first = Reading(tmp_path, 'http://127.0.0.1:%d' % port, path, config)
    spooled = [tmp_path / 'spool' / e for e in ('traces', 'elasticsearch')]
    backend.wait_for(lambda: all(s.is_dir() and sum(f.stat().st_size for f in s.iterdir()) > 10000 for s in spooled), what='spools')
    first.child.send_signal(signal.SIGTERM)
    said = first.end(code=1)
    assert 'traces: %d of %d records were not delivered: %d wait in the spool for the next run; last error: ' % (n, n, n) in said
    with Everything(port=port) as there:
        said = Reading(tmp_path, there.url, path, config).end()
        assert len(there.spans()) == 2 * n
        assert len(there.store.documents) == n, 'the same exchanges are the same documents'
    assert 'traces: all %d records delivered' % (2 * n) in said


def test_interrupted_while_the_queue_is_full(tmp_path, everything):
    """Reading waits for a back end that is not there; who does not want to wait any longer need not."""
    config = CONFIG.replace('/v1/traces', '/v1/traces, batch: 2, queueSize: 64KiB, retryFor: 0').replace('metrics: {enabled: true', 'metrics: {enabled: false').replace(
        'elasticsearch: {enabled: true', 'elasticsearch: {enabled: false')
    reading = Reading(tmp_path, 'http://127.0.0.1:%d' % backend.free_port(), everything[0], config)
    time.sleep(2)
    assert reading.child.poll() is None
    reading.child.send_signal(signal.SIGINT)
    said = reading.end(code=1)
    assert 'queue_full' in said or 'abandoned' in said


def test_kafka(tmp_path, everything):
    """To the cluster that librdkafka can play by itself: every record is acknowledged."""
    path, n = everything
    config = 'server: {enabled: false}\nexporter: {kafka: {enabled: true, endpoint: "127.0.0.1:1", compression: gzip, options: {test.mock.num.brokers: "3", acks: all}}}\n'
    assert 'kafka: all %d records delivered' % n in Reading(tmp_path, '', path, config).end()


def test_json_lines_are_the_same(tmp_path, everything):
    """The file has what watch prints."""
    path, n = everything
    config = 'server: {enabled: false}\nexporter: {roundtrips: {enabled: true, filename: out.jsonl}}\n'
    said = Reading(tmp_path, '', path, config).end()
    lines = (tmp_path / 'out.jsonl').read_text().splitlines()
    assert [json.loads(line) for line in lines] == observe.watch(str(path)).roundtrips and len(lines) == n
    assert 'roundtrips: all %d records written' % n in said
